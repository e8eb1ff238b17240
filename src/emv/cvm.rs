//! Cardholder verification: which rule of the card's list applies (EMV 4.4 Book 3, 10.5).
//!
//! Needs: 8E and 9F42 of the card, 9F33, the amount and its currency. A terminal without PIN pad: signature and "no CVM"
//! are what it can do; a rule that asks for a PIN fails here as the Book says, it is never skipped quietly.

use super::data::{CardDataError, DataObjects};
use super::results::Tvr;
use super::tag;

/// How the cardholder was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// Nothing was asked of the cardholder, rightly.
    None,
    /// The cardholder signs the slip.
    Signature,
    /// No rule could be fulfilled; the TVR says so.
    Failed,
    /// The card has no list, or asks for no verification at all.
    NotPerformed,
}

/// The verdict with the value of 9F34: rule, condition, result (annex C4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CvmResult {
    /// How.
    pub verification: Verification,
    /// 9F34.
    pub results: [u8; 3],
}

/// Result byte of 9F34.
const UNKNOWN: u8 = 0;
const FAILED: u8 = 1;
const SUCCESSFUL: u8 = 2;

/// Capability bits of 9F33, second byte.
const CAN_SIGN: u8 = 0x20;
const CAN_NONE: u8 = 0x08;
const CAN_PIN: u8 = 0x80 | 0x40 | 0x10;

/// Nothing was performed (Book 4, 6.3.4.5).
const NOTHING: CvmResult = CvmResult { verification: Verification::NotPerformed, results: [0x3F, 0x00, UNKNOWN] };

/// Goes through the card's list. Call it when the AIP announces cardholder verification.
///
/// # Errors
/// When the list is there but is not amounts and pairs of bytes.
pub fn verify(data: &DataObjects, tvr: &mut Tvr) -> Result<CvmResult, CardDataError> {
    let Some(list) = data.get(tag::CVM_LIST) else {
        tvr.set(Tvr::CARD_DATA_MISSING);
        return Ok(NOTHING);
    };
    let wrong = CardDataError::Wrong(tag::CVM_LIST);
    let (amounts, rules) = list.split_at_checked(8).ok_or(wrong)?;
    if rules.is_empty() {
        return Ok(NOTHING);
    }
    if !rules.len().is_multiple_of(2) {
        return Err(wrong);
    }
    let capability = data.sized::<3>(tag::TERMINAL_CAPABILITIES)?.unwrap_or_default()[1];
    let mut last_failed = None;
    for rule in rules.chunks_exact(2) {
        let (code, condition) = (rule[0], rule[1]);
        if !condition_holds(condition, code, amounts, capability, data)? {
            continue;
        }
        match perform(code, capability, tvr) {
            Some((verification, result)) => {
                return Ok(CvmResult { verification, results: [code, condition, result] });
            }
            None => last_failed = Some([code, condition, FAILED]),
        }
        // Bit 7: go on with the next rule when this one fails.
        if code & 0x40 == 0 {
            break;
        }
    }
    tvr.set(Tvr::CVM_FAILED);
    Ok(CvmResult { verification: Verification::Failed, results: last_failed.unwrap_or([0x3F, 0x00, FAILED]) })
}

/// Fulfils a rule or says by `None` that it failed.
fn perform(code: u8, capability: u8, tvr: &mut Tvr) -> Option<(Verification, u8)> {
    match code & 0x3F {
        0x1F if capability & CAN_NONE != 0 => Some((Verification::None, SUCCESSFUL)),
        // The result of a signature is known to people only (Book 4, 6.3.4.5).
        0x1E if capability & CAN_SIGN != 0 => Some((Verification::Signature, UNKNOWN)),
        0x01..=0x05 => {
            tvr.set(Tvr::PIN_PAD_MISSING);
            None
        }
        0x00 | 0x1E | 0x1F => None,
        _ => {
            tvr.set(Tvr::CVM_UNRECOGNISED);
            None
        }
    }
}

/// Condition codes (annex C3). A condition this terminal does not know does not hold.
fn condition_holds(
    condition: u8,
    code: u8,
    amounts: &[u8],
    capability: u8,
    data: &DataObjects,
) -> Result<bool, CardDataError> {
    Ok(match condition {
        // Always; and a purchase is neither cash nor cashback.
        0x00 | 0x02 => true,
        // If the terminal supports the method.
        0x03 => match code & 0x3F {
            0x1F => capability & CAN_NONE != 0,
            0x1E => capability & CAN_SIGN != 0,
            0x01..=0x05 => capability & CAN_PIN != 0,
            _ => false,
        },
        // Under or over X (06, 07) or Y (08, 09), when the sale is in the application's currency.
        0x06..=0x09 => {
            let same = data.get(tag::APPLICATION_CURRENCY).is_some()
                && data.get(tag::APPLICATION_CURRENCY) == data.get(tag::TRANSACTION_CURRENCY);
            let limit = number(if condition <= 0x07 { &amounts[..4] } else { &amounts[4..8] });
            let amount = decimal(data.require(tag::AMOUNT_AUTHORISED)?);
            same && if condition.is_multiple_of(2) { amount < limit } else { amount > limit }
        }
        _ => false,
    })
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn decimal(bcd: &[u8]) -> u64 {
    bcd.iter().fold(0, |sum, byte| sum * 100 + u64::from(byte >> 4) * 10 + u64::from(byte & 0x0F))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(list: &str, amount: [u8; 6]) -> DataObjects {
        let mut data = DataObjects::default();
        data.put(tag::CVM_LIST, crate::crypto::hex::decode(list).unwrap());
        data.put(tag::TERMINAL_CAPABILITIES, [0xE0, 0x28, 0xC8]);
        data.put(tag::AMOUNT_AUTHORISED, amount);
        data.put(tag::TRANSACTION_CURRENCY, [0x01, 0x56]);
        data.put(tag::APPLICATION_CURRENCY, [0x01, 0x56]);
        data
    }

    const TWELVE: [u8; 6] = [0, 0, 0, 0, 0x12, 0x34];

    #[test]
    fn rules_are_tried_in_order() {
        let cases = [
            // No CVM if supported.
            ("00000000000000001F031E00", Verification::None, "1F0302", "0000000000"),
            // PIN at the host, and on failure the next: signature.
            ("000000000000000042001E00", Verification::Signature, "1E0000", "0000100000"),
            // PIN if supported is skipped without a trace.
            ("000000000000000042031E00", Verification::Signature, "1E0000", "0000000000"),
            // PIN without "next": failed.
            ("000000000000000002001E00", Verification::Failed, "020001", "0000900000"),
            // An unknown method, then the next.
            ("000000000000000061001F00", Verification::None, "1F0002", "0000400000"),
            // No CVM up to 20.00 (2000 = 07D0), above it a signature.
            ("00000000000007D01F081E09", Verification::None, "1F0802", "0000000000"),
            ("00000000000003E81F081E09", Verification::Signature, "1E0900", "0000000000"),
            // No condition holds.
            ("00000000000000001F01", Verification::Failed, "3F0001", "0000800000"),
            // Plain failure is a rule of its own.
            ("00000000000000000000", Verification::Failed, "000001", "0000800000"),
            // An empty list.
            ("0000000000000000", Verification::NotPerformed, "3F0000", "0000000000"),
        ];
        for (list, verification, results, bits) in cases {
            let mut tvr = Tvr::default();
            let found = verify(&sale(list, TWELVE), &mut tvr).unwrap();
            assert_eq!(found.verification, verification, "{list}");
            assert_eq!(crate::crypto::hex::encode(&found.results), results, "{list}");
            assert_eq!(crate::crypto::hex::encode(&tvr.0), bits, "{list}");
        }
    }

    #[test]
    fn amounts_count_only_in_the_application_currency() {
        let mut data = sale("00000000000007D01F081E00", TWELVE);
        data.put(tag::APPLICATION_CURRENCY, [0x08, 0x40]);
        assert_eq!(verify(&data, &mut Tvr::default()).unwrap().verification, Verification::Signature);
    }

    #[test]
    fn a_missing_list_is_missing_data_and_a_crooked_one_an_error() {
        let mut tvr = Tvr::default();
        assert_eq!(verify(&DataObjects::default(), &mut tvr).unwrap(), NOTHING);
        assert!(tvr.has(Tvr::CARD_DATA_MISSING));
        assert!(verify(&sale("00000000", TWELVE), &mut tvr).is_err());
        assert!(verify(&sale("00000000000000001F", TWELVE), &mut tvr).is_err());
    }
}
