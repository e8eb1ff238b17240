//! The host's rules for every message: which terminal may speak, and what a decision is. No network here.

use super::store::{Store, StoreError, Terminal};
use crate::acquirer::code_payments;
use crate::acquirer::device::{DeviceRecord, DeviceRecordError};
use crate::acquirer::messages::FACTOR_DIGITS;
use crate::crypto::{CryptoError, device, mac};
use crate::iso8583::dialect::{Dialect, MAC_FIELD};
use crate::iso8583::{Message, Mti};
use crate::payment::instalments::Plan;
use crate::reference::{Batch, Stan, TraceNumber};

/// Response code of an approval of a part.
pub(super) const PART: &str = "10";

/// A request the host does not act on, and what it says instead.
#[derive(Debug)]
pub struct Refusal {
    /// Field 39.
    pub response_code: &'static str,
    /// For the log.
    pub reason: String,
}

/// What the host decided.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// Field 39.
    pub response_code: String,
    /// Why, for the log.
    pub reason: String,
    /// Field 37.
    pub rrn: Option<String>,
    /// Field 38.
    pub authorisation_code: Option<String>,
    /// Field 4, when less than asked is approved.
    pub amount: Option<u64>,
    /// Field 54.
    pub balance: Option<String>,
    /// Field 55.
    pub issuer_data: Option<Vec<u8>>,
    /// How the cardholder pays, where that is by instalments.
    pub plan: Option<Plan>,
    /// What only answers about orders have, as elements of the dialect's field.
    pub elements: Option<Vec<u8>>,
    /// True when nobody is to be told.
    pub silent: bool,
    /// True when the same request was decided on before.
    pub is_repeat: bool,
}

/// The request is not understood (30).
pub(super) fn format_error(reason: impl Into<String>) -> Refusal {
    Refusal { response_code: "30", reason: reason.into() }
}

/// The terminal is not the one it says it is, or not known (97).
pub(super) fn unknown_terminal(reason: impl Into<String>) -> Refusal {
    Refusal { response_code: "97", reason: reason.into() }
}

/// One machine, one code: certificate, terminal number, merchant code, serial number and device key must be those of one
/// row in the register.
///
/// # Errors
/// A [`Refusal`] when any of them is not; the outer error when the database fails.
pub fn bound_terminal(
    store: &Store,
    certificate: &str,
    message: &Message,
) -> Result<Result<Terminal, Refusal>, StoreError> {
    let Some(number) = message.text(41) else { return Ok(Err(unknown_terminal("no terminal number"))) };
    let Some(terminal) = store.terminal(number)? else {
        return Ok(Err(unknown_terminal(format!("terminal {number} is not registered"))));
    };
    if terminal.certificate != certificate {
        return Ok(Err(unknown_terminal("the certificate belongs to another terminal")));
    }
    if message.text(42) != Some(&terminal.merchant) {
        return Ok(Err(unknown_terminal("the merchant code belongs to another terminal")));
    }
    Ok(Ok(terminal))
}

/// Field 59: the serial number is the registered one and the ciphertext was made with the device key.
///
/// # Errors
/// A [`Refusal`] when not.
pub fn check_device(terminal: &Terminal, message: &Message, dialect: &Dialect) -> Result<DeviceRecord, Refusal> {
    let text = message.text(59).ok_or_else(|| unknown_terminal("no field 59"))?;
    let record = DeviceRecord::read(text, &dialect.binding)
        .map_err(|error: DeviceRecordError| unknown_terminal(error.to_string()))?;
    if record.serial_number != terminal.serial_number {
        return Err(unknown_terminal("the serial number belongs to another terminal"));
    }
    // The end of the card number, or of what stands for it: see `acquirer::messages`.
    let source = match message.mti() {
        _ if code_payments::of_request(dialect, message).is_some() => {
            code_payments::code_of_customer(dialect, message).or_else(|| message.text(11))
        }
        Mti::AUTHORISATION_REQUEST | Mti::FINANCIAL_REQUEST | Mti::FINANCIAL_ADVICE => message.text(2),
        Mti::NETWORK_REQUEST | Mti::NETWORK_ADVICE => message.text(11).or_else(|| message.text(12)),
        _ => message.text(11),
    };
    let expected = source.and_then(|digits| digits.get(digits.len().saturating_sub(FACTOR_DIGITS)..));
    if expected != Some(record.factor.as_str()) {
        return Err(unknown_terminal("the random factor does not belong to this request"));
    }
    let refused = |error: CryptoError| unknown_terminal(error.to_string());
    let right = device::ciphertext(&terminal.device_key, &record.serial_number, &record.factor).map_err(refused)?;
    if mac::equal(right.as_bytes(), record.ciphertext.as_bytes()) {
        Ok(record)
    } else {
        Err(unknown_terminal("the device ciphertext is wrong"))
    }
}

/// Field 64 was made with this terminal's key.
///
/// # Errors
/// A [`Refusal`] when it is missing or wrong.
pub fn check_mac(dialect: &Dialect, terminal: &Terminal, message: &Message, bytes: &[u8]) -> Result<(), Refusal> {
    let refused = |reason: &str| Refusal { response_code: "A0", reason: reason.to_owned() };
    let (Some(given), Some(covered)) = (message.bytes(MAC_FIELD), dialect.mac_covered(bytes)) else {
        return Err(refused("no MAC"));
    };
    let Some(key) = &terminal.mac_key else { return Err(refused("the terminal has not signed on")) };
    match key.field_64(dialect.mac, covered) {
        Ok(right) if mac::equal(&right, given) => Ok(()),
        Ok(_) => Err(refused("the MAC is wrong")),
        Err(error) => Err(refused(&error.to_string())),
    }
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self { response_code: refusal.response_code.to_owned(), reason: refusal.reason, ..Self::default() }
    }
}

/// Field 61: the transaction that a message is about.
///
/// # Errors
/// A [`Refusal`] when it is not batch, STAN and date (MMDD).
pub(super) fn original(message: &Message) -> Result<TraceNumber, Refusal> {
    let number = message.text(61).filter(|text| text.len() == 16).and_then(|text| {
        let (batch, rest) = text.split_at_checked(6)?;
        let (stan, _) = rest.split_at_checked(6)?;
        Some(TraceNumber { batch: Batch::parse(batch).ok()?, stan: Stan::parse(stan).ok()? })
    });
    number.ok_or_else(|| format_error("field 61 is not the original's batch, STAN and date"))
}

/// Field 4.
///
/// # Errors
/// A [`Refusal`] when there is none.
pub(super) fn amount(message: &Message) -> Result<u64, Refusal> {
    message.text(4).and_then(|digits| digits.parse().ok()).ok_or_else(|| format_error("no amount"))
}
