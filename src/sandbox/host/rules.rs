//! The host's rules: which terminal may speak, which sale is approved, what a reversal does. No network here.

use jiff::Zoned;

use super::books::{Books, NewEntry};
use super::cryptogram::{self, Claim};
use super::originals::{self, Original};
use super::pins;
use super::repeats;
use super::scripts::{self, Script};
use super::store::{Entry, EntryState, Store, StoreError, Terminal};
use crate::acquirer::device::{DeviceRecord, DeviceRecordError};
use crate::acquirer::messages::{FACTOR_DIGITS, SALE, SALE_TYPE};
use crate::crypto::{CryptoError, device, mac};
use crate::emv::tag;
use crate::emv::tlv::TlvBuilder;
use crate::iso8583::dialect::{Dialect, MAC_FIELD, PinRules};
use crate::iso8583::{BindingTags, Message, Mti};
use crate::pin::Pin;
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::issuer::{Cryptogram, Verified};

/// Reversals of [`Script::SilentReversals`] that get no answer.
const SILENT_REVERSALS: u32 = 2;

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
#[derive(Debug, Default)]
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
    /// Field 55.
    pub issuer_data: Option<Vec<u8>>,
    /// True when nobody is to be told.
    pub silent: bool,
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
pub fn check_device(terminal: &Terminal, message: &Message, tags: &BindingTags) -> Result<DeviceRecord, Refusal> {
    let text = message.text(59).ok_or_else(|| unknown_terminal("no field 59"))?;
    let record =
        DeviceRecord::read(text, tags).map_err(|error: DeviceRecordError| unknown_terminal(error.to_string()))?;
    if record.serial_number != terminal.serial_number {
        return Err(unknown_terminal("the serial number belongs to another terminal"));
    }
    // The end of the card number, or of what stands for it: see `acquirer::messages`.
    let source = match message.mti() {
        Mti::FINANCIAL_REQUEST => message.text(2),
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

/// What a sale asks for.
struct Sale<'a> {
    trace: TraceNumber,
    pan: &'a str,
    minor: u64,
    pin: Option<Pin>,
    message: &'a Message,
}

/// Decides on a sale (0200), books it, and writes it down, all in one transaction. The very same message (`bytes`) once more
/// is no second sale: something on the way has doubled it, and it is answered as the first was.
///
/// # Errors
/// When the database fails; nothing is booked then.
pub fn sale(
    store: &Store,
    pins: &PinRules,
    terminal: &Terminal,
    message: &Message,
    bytes: &[u8],
    now: &Zoned,
) -> Result<Decision, StoreError> {
    let sale = match read_sale(pins, terminal, message) {
        Ok(sale) => sale,
        Err(refusal) => return Ok(refusal.into()),
    };
    store.transaction(|books| {
        if let Some((entry, _)) = books.entry(&terminal.terminal, sale.trace)? {
            if let Some(again) = repeats::answer(books, &entry, bytes)? {
                return Ok(again);
            }
            let reason = format!("{} was used before, or taken back before it came", sale.trace);
            return Ok(Decision { response_code: "94".to_owned(), reason, ..Decision::default() });
        }
        let (verdict, verified) = judge(books, &sale, now)?;
        let entry = NewEntry {
            terminal: &terminal.terminal,
            trace: sale.trace,
            amount: sale.minor,
            booked: verdict.booked,
            state: if verdict.booked > 0 { EntryState::Approved } else { EntryState::Declined },
            response_code: &verdict.response_code,
            reason: &verdict.reason,
            pan: verdict.account_known.then_some(sale.pan),
        };
        let rrn = books.record(&entry, now.date())?;
        books.keep_original(&terminal.terminal, sale.trace, &Original::of_sale(message))?;
        if verdict.booked > 0 {
            books.debit(sale.pan, verdict.booked)?;
        }
        let authorisation_code = (verdict.booked > 0).then(|| rrn[rrn.len() - 6..].to_owned());
        let issuer_data = match (verified, verdict.response_code.as_bytes().try_into()) {
            (Some(verified), Ok(code)) => {
                let data = verified.issuer_authentication_data(code)?;
                let mut issuer_data = TlvBuilder::new().with(tag::ISSUER_AUTHENTICATION_DATA, &data).build();
                if let (Script::ForCard(script), 1..) = (scripts::of(sale.minor), verdict.booked) {
                    issuer_data.extend(script.template());
                }
                Some(issuer_data)
            }
            _ => None,
        };
        let decision = Decision {
            amount: (verdict.response_code == PART).then_some(verdict.booked),
            response_code: verdict.response_code,
            reason: verdict.reason,
            rrn: Some(rrn),
            authorisation_code,
            issuer_data,
            silent: false,
        };
        repeats::remember(books, &terminal.terminal, sale.trace, bytes, &decision)?;
        Ok(decision)
    })
}

/// The answer that this very sale got when it came before, if it still stands.
///
/// # Errors
/// When the database fails.
pub fn answered_before(
    store: &Store,
    terminal: &Terminal,
    message: &Message,
    bytes: &[u8],
) -> Result<Option<Decision>, StoreError> {
    let Some(trace) = trace(message).ok().filter(|_| message.mti() == Mti::FINANCIAL_REQUEST) else { return Ok(None) };
    store.transaction(|books| match books.entry(&terminal.terminal, trace)? {
        Some((entry, _)) => repeats::answer(books, &entry, bytes),
        None => Ok(None),
    })
}

/// Carries a reversal (0400) out, however often it comes: an original is credited back once. One that has not come yet is
/// written down as taken back, so that it is refused when it comes. One that says anything else of its original than the
/// payment of that number is about none that this host knows.
///
/// # Errors
/// When the database fails; nothing is credited then.
pub fn reversal(store: &Store, terminal: &Terminal, message: &Message, now: &Zoned) -> Result<Decision, StoreError> {
    let (trace, minor) = match read_reversal(message) {
        Ok(read) => read,
        Err(refusal) => return Ok(refusal.into()),
    };
    let says = |code: &str, reason: &str, rrn: Option<String>| Decision {
        response_code: code.to_owned(),
        reason: reason.to_owned(),
        rrn,
        ..Decision::default()
    };
    store.transaction(|books| {
        let Some((original, pan)) = books.entry(&terminal.terminal, trace)? else {
            let reason = "taken back before it came";
            let entry = NewEntry {
                terminal: &terminal.terminal,
                trace,
                amount: minor,
                booked: 0,
                state: EntryState::Reversed,
                response_code: ORIGINAL_UNKNOWN,
                reason,
                pan: None,
            };
            let rrn = books.record(&entry, now.date())?;
            return Ok(says(ORIGINAL_UNKNOWN, reason, Some(rrn)));
        };
        if let Some(what) = originals::disagreement(books, &terminal.terminal, trace, message)? {
            return Ok(says(
                ORIGINAL_UNKNOWN,
                &format!("another payment had this number: the {what} is not its"),
                None,
            ));
        }
        if original.amount.minor() != minor {
            return Ok(says("13", "the amount is not the original's", None));
        }
        let (code, reason, state) = match original.state {
            EntryState::Approved => {
                let pan = pan.ok_or_else(|| StoreError::Row("an approval without an account".to_owned()))?;
                books.credit(&pan, original.booked.minor())?;
                ("00", "credited back", EntryState::Reversed)
            }
            EntryState::Declined => ("00", "nothing had been debited", EntryState::Declined),
            EntryState::Reversed if is_unknown(&original) => {
                (ORIGINAL_UNKNOWN, "taken back before it came", EntryState::Reversed)
            }
            EntryState::Reversed => ("00", "credited back before", EntryState::Reversed),
        };
        books.count_reversal(&terminal.terminal, trace, state)?;
        let silent = scripts::of(minor) == Script::SilentReversals && original.reversals < SILENT_REVERSALS;
        Ok(Decision { silent, ..says(code, reason, Some(original.rrn)) })
    })
}

/// Response code of a reversal whose original never came.
const ORIGINAL_UNKNOWN: &str = "25";

fn is_unknown(entry: &Entry) -> bool {
    entry.response_code == ORIGINAL_UNKNOWN && entry.booked.is_zero()
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self { response_code: refusal.response_code.to_owned(), reason: refusal.reason, ..Self::default() }
    }
}

/// What becomes of a sale.
struct Verdict {
    response_code: String,
    reason: String,
    booked: u64,
    account_known: bool,
}

/// The issuer's decision. The cryptogram comes back when it is right, also with a refusal: the card may hear of it.
fn judge(books: &Books<'_>, sale: &Sale<'_>, now: &Zoned) -> Result<(Verdict, Option<Verified>), StoreError> {
    let declined = |code: &str, reason: &str, account_known| Verdict {
        response_code: code.to_owned(),
        reason: reason.to_owned(),
        booked: 0,
        account_known,
    };
    let Some(account) = books.account(sale.pan)? else {
        return Ok((declined("14", "no account behind this card", false), None));
    };
    if sale.message.text(49) != Some("156") {
        return Ok((declined("12", "only CNY is taken", true), None));
    }
    if sale.message.text(14) != Some(&account.expiry) || account.expiry < year_and_month(now) {
        return Ok((declined("54", "expired, or another expiry than the account's", true), None));
    }
    let track_begins = format!("{}D{}", sale.pan, account.expiry);
    if sale.message.text(35).is_some_and(|track| !track.starts_with(&track_begins)) {
        return Ok((declined("05", "track 2 is another card's", true), None));
    }
    let sequence_number = format!("{:03}", account.sequence_number.number());
    if sale.message.text(23).is_some_and(|number| number != sequence_number) {
        return Ok((declined("05", "the card sequence number is another card's", true), None));
    }
    let claim = Claim {
        amount: &format!("{:012}", sale.minor),
        currency: sale.message.text(49).unwrap_or_default(),
        processing_code: sale.message.text(3).unwrap_or_default(),
    };
    let chip_data = sale.message.bytes(55).unwrap_or_default();
    let verified = match cryptogram::verify(&account, Cryptogram::Arqc, chip_data, &claim) {
        Ok(verified) => verified,
        Err(error) => return Ok((declined("05", &error.to_string(), true), None)),
    };
    books.remember_atc(sale.pan, verified.atc)?;
    if let Some(pin) = &sale.pin
        && let Some((code, reason)) = pins::check(books, sale.pan, pin)?
    {
        return Ok((declined(code, reason, true), Some(verified)));
    }
    let approved = |code: &str, reason: &str, booked| Verdict {
        response_code: code.to_owned(),
        reason: reason.to_owned(),
        booked,
        account_known: true,
    };
    let verdict = match scripts::of(sale.minor) {
        Script::Decline(code) => declined(&format!("{code:02}"), "the amount asks for it", true),
        Script::Partial => match sale.minor / 2 {
            half if half <= account.balance => approved(PART, "the amount asks for a part", half),
            _ => declined("51", "not enough in the account", true),
        },
        _ if sale.minor > account.balance => declined("51", "not enough in the account", true),
        _ => approved("00", "approved", sale.minor),
    };
    Ok((verdict, Some(verified)))
}

fn read_sale<'a>(rules: &PinRules, terminal: &Terminal, message: &'a Message) -> Result<Sale<'a>, Refusal> {
    if message.text(3) != Some(SALE) {
        return Err(Refusal { response_code: "12", reason: "only a plain sale is taken".to_owned() });
    }
    let pan = message.text(2).ok_or_else(|| format_error("no card number"))?;
    let trace = trace(message)?;
    let pin = pins::read(rules, message, terminal.pin_key.as_ref())?;
    match amount(message)? {
        0 => Err(Refusal { response_code: "13", reason: "an amount of nothing".to_owned() }),
        minor => Ok(Sale { trace, pan, minor, pin, message }),
    }
}

fn read_reversal(message: &Message) -> Result<(TraceNumber, u64), Refusal> {
    let trace = trace(message)?;
    let original = message.text(61).ok_or_else(|| format_error("no original transaction"))?;
    // Original batch, STAN, date (MMDD).
    if original.len() != 16 || !original.starts_with(&format!("{}{}", trace.batch, trace.stan)) {
        return Err(format_error("field 61 is not the original's batch, STAN and date"));
    }
    Ok((trace, amount(message)?))
}

fn trace(message: &Message) -> Result<TraceNumber, Refusal> {
    let stan = message.text(11).and_then(|digits| Stan::parse(digits).ok()).ok_or_else(|| format_error("no STAN"))?;
    let kind = message.text(60).unwrap_or_default();
    let batch = kind.strip_prefix(SALE_TYPE).and_then(|rest| rest.get(..6)).and_then(|batch| Batch::parse(batch).ok());
    Ok(TraceNumber { batch: batch.ok_or_else(|| format_error("no type 22 and batch in field 60"))?, stan })
}

fn amount(message: &Message) -> Result<u64, Refusal> {
    message.text(4).and_then(|digits| digits.parse().ok()).ok_or_else(|| format_error("no amount"))
}

fn year_and_month(now: &Zoned) -> String {
    format!("{:02}{:02}", now.year() % 100, now.month())
}
