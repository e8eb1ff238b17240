//! Track 2 equivalent data (57): number, expiry, service code (ISO/IEC 7813). The number is shown masked only.

use serde::Serialize;
use zeroize::Zeroizing;

use super::{DecodeError, Line, mask};
use crate::card_number::luhn;
use crate::crypto::hex;

/// A track, taken apart; it holds nothing that must not be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Track2Data {
    /// What it is.
    pub name: &'static str,
    /// Its digits, masked.
    pub value: String,
    /// First six and last four digits, the rest as stars.
    pub pan: String,
    /// True when the number's last digit fits the others (Luhn).
    pub check_digit_right: bool,
    /// Year and month, `YYMM`.
    pub expiry: String,
    /// Three digits.
    pub service_code: String,
    /// What each of the three says.
    pub service: [&'static str; 3],
    /// Digits of the issuer's own that follow.
    pub discretionary_digits: usize,
}

const NAME: &str = "Track 2 Equivalent Data";

/// Takes a track apart.
///
/// # Errors
/// When it is longer than 19 bytes or not number, `D`, expiry, service code, digits and at most one F.
pub fn read(value: &[u8]) -> Result<Track2Data, DecodeError> {
    let found = value.len();
    if found > 19 {
        return Err(DecodeError::Length { name: NAME, expected: "at most 19 bytes", found, offset: 19 });
    }
    let digits = Zeroizing::new(hex::encode(value));
    // Two digits a byte: the offset of a digit in the message is half its place.
    let refused = |place: usize, problem| DecodeError::Content { name: NAME, offset: place / 2, problem };
    let text = digits.strip_suffix('F').unwrap_or(&digits);
    let not_a_digit = |text: &str| text.bytes().position(|digit| !digit.is_ascii_digit());
    let (number, rest) = text.split_at(not_a_digit(text).unwrap_or(text.len()));
    let rest = match rest.strip_prefix('D') {
        Some(rest) => rest,
        None if rest.is_empty() => return Err(refused(number.len(), "the separator D is missing")),
        None => return Err(refused(number.len(), "the number holds something else than digits")),
    };
    if !(1..=19).contains(&number.len()) {
        return Err(refused(number.len(), "the number has not 1 to 19 digits"));
    }
    if let Some(place) = not_a_digit(rest) {
        return Err(refused(number.len() + 1 + place, "something else than digits follows the separator"));
    }
    let (Some(expiry), Some(service_code)) = (rest.get(..4), rest.get(4..7)) else {
        return Err(refused(text.len(), "expiry and service code are not all there"));
    };
    Ok(Track2Data {
        name: NAME,
        value: mask::track_2(&digits),
        pan: mask::card_number(number),
        check_digit_right: luhn(number),
        expiry: expiry.to_owned(),
        service_code: service_code.to_owned(),
        service: service(service_code),
        discretionary_digits: rest.len() - 7,
    })
}

impl Track2Data {
    /// Number, expiry and service code.
    pub fn lines(&self) -> Vec<Line> {
        let check = if self.check_digit_right { "check digit right" } else { "check digit WRONG" };
        let (year, month) = self.expiry.split_at(2);
        vec![
            Line::new("number", format!("{} ({check})", self.pan)),
            Line::new("expiry", format!("20{year}-{month}")),
            Line::new("service code", format!("{}: {}", self.service_code, self.service.join(", "))),
            Line::new("discretionary", format!("{} digits, not shown", self.discretionary_digits)),
        ]
    }
}

/// What the digits of a service code say: where and how, whom to ask, for what.
fn service(code: &str) -> [&'static str; 3] {
    let mut digits = code.bytes().map(|digit| digit.wrapping_sub(b'0'));
    let mut next = || digits.next().unwrap_or(u8::MAX);
    [
        match next() {
            1 => "international",
            2 => "international with chip",
            5 => "national",
            6 => "national with chip",
            7 => "private",
            9 => "test",
            _ => "reserved",
        },
        match next() {
            0 => "normal authorisation",
            2 => "authorised by the issuer online",
            4 => "authorised by the issuer online unless agreed otherwise",
            _ => "reserved",
        },
        match next() {
            0 => "no restrictions, PIN required",
            1 => "no restrictions",
            2 => "goods and services only",
            3 => "ATM only, PIN required",
            4 => "cash only",
            5 => "goods and services only, PIN required",
            6 => "no restrictions, PIN where possible",
            7 => "goods and services only, PIN where possible",
            _ => "reserved",
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn track(text: &str) -> Result<Track2Data, DecodeError> {
        read(&hex::decode(text).unwrap())
    }

    #[test]
    fn a_track_is_told_with_its_number_masked() {
        assert_eq!(
            told(&track("6228480000000007D29122201234567F").unwrap().lines()),
            [
                "number: 622848******0007 (check digit right)",
                "expiry: 2029-12",
                "service code: 220: international with chip, authorised by the issuer online, \
                 no restrictions, PIN required",
                "discretionary: 7 digits, not shown",
            ]
        );
        let wrong = track("6228480000000008D2912101").unwrap();
        assert!(!wrong.check_digit_right);
        assert_eq!(wrong.value, "622848******0008D2912101");
    }

    #[test]
    fn what_is_not_a_track_is_refused_with_the_offset() {
        let cases = [
            ("6228480000000007", 8, "separator"),
            ("62A8480000000007D2912101", 1, "something else"),
            ("6228480000000007C2912101", 8, "something else"),
            ("D29122011234", 0, "1 to 19"),
            ("6228480000000007D29F", 9, "not all there"),
            ("6228480000000007D29E1011", 9, "follows"),
        ];
        for (text, place, words) in cases {
            let Err(DecodeError::Content { offset, problem, .. }) = track(text) else { panic!("{text} was taken") };
            assert!(offset == place && problem.contains(words), "{text}: {problem} at {offset}");
        }
        assert!(track(&"11".repeat(20)).is_err());
    }
}
