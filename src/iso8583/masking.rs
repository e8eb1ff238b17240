//! What of a message may be shown. Everything is masked unless it is known to be harmless: a field by its dialect, a data object
//! of field 55 by the list here. What no dialect may open is here as well.
//!
//! A card number keeps its first six and last four digits (PCI DSS 4.0, 3.4.1), anything else its length only, in stars.

use super::layout::{FieldFormat, Layout, PartsFormat};
use super::message::Value;
use crate::crypto::hex;
use crate::emv::decode::mask;
use crate::emv::tag::{self, Tag};

/// Fields that no dialect may show: card numbers, tracks and expiry, PIN data, keys, chip data as a whole, accounts.
pub const NEVER_SHOWN: [u8; 14] = [2, 14, 34, 35, 36, 45, 52, 53, 55, 57, 62, 96, 102, 103];

/// The field of the card number.
const PAN_FIELD: u8 = 2;

/// Data objects that say nothing of the cardholder: amounts, counters, results and cryptograms.
const HARMLESS: &[Tag] = &[
    tag::AID,
    tag::APPLICATION_LABEL,
    tag::AIP,
    tag::DF_NAME,
    tag::AUTHORISATION_RESPONSE_CODE,
    tag::ISSUER_AUTHENTICATION_DATA,
    tag::TVR,
    tag::TRANSACTION_DATE,
    tag::TSI,
    tag::TRANSACTION_TYPE,
    tag::ISSUER_COUNTRY,
    tag::TRANSACTION_CURRENCY,
    tag::PAN_SEQUENCE_NUMBER,
    tag::TRANSACTION_CURRENCY_EXPONENT,
    tag::AMOUNT_AUTHORISED,
    tag::AMOUNT_OTHER,
    tag::TERMINAL_AID,
    tag::APPLICATION_USAGE_CONTROL,
    tag::CARD_APPLICATION_VERSION,
    tag::TERMINAL_APPLICATION_VERSION,
    tag::ISSUER_APPLICATION_DATA,
    tag::PREFERRED_NAME,
    tag::TERMINAL_COUNTRY,
    tag::TERMINAL_IDENTIFICATION,
    tag::IFD_SERIAL_NUMBER,
    tag::TRANSACTION_TIME,
    tag::CRYPTOGRAM,
    tag::CRYPTOGRAM_INFORMATION,
    tag::TERMINAL_CAPABILITIES,
    tag::CVM_RESULTS,
    tag::TERMINAL_TYPE,
    tag::ATC,
    tag::UNPREDICTABLE_NUMBER,
    tag::ENTRY_MODE,
    tag::ADDITIONAL_CAPABILITIES,
    tag::TRANSACTION_SEQUENCE_COUNTER,
    tag::SCRIPT_RESULTS,
];

impl Layout {
    /// The value of a whole field as it may be shown: text as it is, bytes in hexadecimal.
    pub fn masked(&self, field: u8, value: Value<'_>) -> String {
        match (self.field(field), value) {
            (Some(format), value) if format.shown => clear(value),
            (_, Value::Text(digits)) if field == PAN_FIELD => mask::card_number(digits),
            (_, value) => stars(value),
        }
    }

    /// The value of a part of a field as it may be shown. `path` is of the part within the field: `9F02`, `A2.03`, `2`.
    pub fn masked_part(&self, field: u8, path: &str, value: Value<'_>) -> String {
        match self.field(field) {
            Some(FieldFormat { shown: true, .. }) => clear(value),
            Some(FieldFormat { parts: Some(PartsFormat::Ber), .. }) => data_object(path, value),
            Some(FieldFormat { parts: Some(PartsFormat::Elements(format)), .. }) if format.shown.contains(path) => {
                clear(value)
            }
            Some(FieldFormat { parts: Some(PartsFormat::Positions(positions)), .. })
                if (1..)
                    .zip(positions)
                    .any(|(number, position): (usize, _)| position.shown && path == number.to_string()) =>
            {
                clear(value)
            }
            _ => stars(value),
        }
    }
}

fn data_object(path: &str, value: Value<'_>) -> String {
    let innermost = path.rsplit('.').next().unwrap_or(path);
    let tag = u32::from_str_radix(innermost, 16).map(Tag);
    match (tag, value) {
        (Ok(tag), value) if HARMLESS.contains(&tag) => clear(value),
        (Ok(tag::PAN), Value::Bytes(bytes)) => mask::card_number(&hex::encode(bytes)),
        // The number in front of the separator; behind it even the expiry is the cardholder's.
        (Ok(tag::TRACK_2 | Tag(0x9F6B)), Value::Bytes(bytes)) => {
            let digits = hex::encode(bytes);
            match digits.split_once('D') {
                Some((number, rest)) => format!("{}D{}", mask::card_number(number), "*".repeat(rest.len())),
                None => stars(value),
            }
        }
        (_, value) => stars(value),
    }
}

fn clear(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => text.to_owned(),
        Value::Bytes(bytes) => hex::encode(bytes),
    }
}

fn stars(value: Value<'_>) -> String {
    match value {
        Value::Text(text) => "*".repeat(text.len()),
        Value::Bytes(bytes) => "*".repeat(2 * bytes.len()),
    }
}
