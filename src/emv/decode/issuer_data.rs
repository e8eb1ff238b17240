//! Issuer application data (9F10): which key and which kind of cryptogram, and the card verification results (CVR).
//!
//! The issuer is free in what it puts here; the layouts known are those of the common card applications:
//!
//! | layout | begins with | source |
//! |---|---|---|
//! | UnionPay | `07`, key index, version, CVR (`03` and 3 bytes), algorithm | PBOC 3.0 |
//! | Visa formats 0, 1, 3 | `06`, key index, version, CVR (`03` and 3 bytes) | public descriptions of VSDC |
//! | Visa formats 2, 4 | `1F`, version, key index, CVR (5 bytes) | the same |
//! | Mastercard | key index, version `1x`, CVR (6 bytes) | public descriptions of M/Chip |
//! | common core | `0F`, version `Ax`, key index, CVR (5 bytes) | EMV 4.4 Book 3, annex C9 |
//!
//! Anything else is told as unknown, never guessed at.

use serde::Serialize;

use super::bits::{NUMBER, RFU, SetBit, set_bits};
use super::{DecodeError, Line, cryptogram};
use crate::crypto::hex;

/// Issuer application data, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IssuerData {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// Whose layout it has.
    pub layout: &'static str,
    /// What stands in it, when the layout is known.
    #[serde(flatten)]
    pub parts: Option<Parts>,
}

/// The parts of a known layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Index of the key the card's own key was derived from.
    pub key_index: String,
    /// Cryptogram version number.
    pub cryptogram_version: String,
    /// Card verification results.
    pub cvr: CardVerificationResults,
    /// Algorithm of the cryptogram; UnionPay only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// What follows: counters, balances and the issuer's own data.
    pub rest: String,
}

/// What the card found out and decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardVerificationResults {
    /// Its bytes in hexadecimal.
    pub value: String,
    /// Cryptogram of the first GENERATE AC (contactless: of GET PROCESSING OPTIONS).
    pub first_cryptogram: &'static str,
    /// Cryptogram of the second GENERATE AC.
    pub second_cryptogram: &'static str,
    /// Numbers that stand in it.
    pub numbers: Vec<Number>,
    /// Bits that are set, numbers left out.
    pub bits: Vec<SetBit>,
}

/// A number of four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Number {
    /// What it counts.
    pub name: &'static str,
    /// How many.
    pub count: u8,
}

/// Where the parts of a layout stand, counted in bytes from 0.
struct Layout {
    name: &'static str,
    key_index: usize,
    version: usize,
    cvr: usize,
    algorithm: Option<usize>,
    rows: &'static [[&'static str; 8]],
    /// Byte of the CVR that holds the two cryptograms.
    cryptograms: usize,
    /// Name, byte of the CVR, and whether it is the left half.
    numbers: &'static [(&'static str, usize, bool)],
}

const NAME: &str = "Issuer Application Data";

/// Takes issuer application data apart.
///
/// # Errors
/// When it is empty or longer than 32 bytes (EMV 4.4 Book 3, annex A1).
pub fn read(value: &[u8]) -> Result<IssuerData, DecodeError> {
    let found = value.len();
    if !(1..=32).contains(&found) {
        return Err(DecodeError::Length { name: NAME, expected: "1 to 32 bytes", found, offset: found.min(32) });
    }
    let layout = layout(value);
    Ok(IssuerData {
        name: NAME,
        value: hex::encode(value),
        layout: layout.map_or("unknown", |layout| layout.name),
        parts: layout.and_then(|layout| layout.parts(value)),
    })
}

/// The layout by its signs: lengths that stand in fixed places, and versions of a fixed form.
fn layout(value: &[u8]) -> Option<&'static Layout> {
    match *value {
        [0x07, _, _, 0x03, _, _, _, _, ..] => Some(&UNIONPAY),
        [0x06, _, _, 0x03, _, _, _, ..] => Some(&VISA),
        [0x1F, ..] if value.len() == 32 => Some(&VISA_LONG),
        [0x0F, version, ..] if value.len() == 32 && version & 0xF0 == 0xA0 && value[16] == 0x0F => Some(&COMMON_CORE),
        [_, version, ..] if [18, 20, 26, 28].contains(&value.len()) && version & 0xFA == 0x10 => Some(&MASTERCARD),
        _ => None,
    }
}

impl Layout {
    fn parts(&self, value: &[u8]) -> Option<Parts> {
        let byte = |index: usize| value.get(index).map(|byte| hex::encode(&[*byte]));
        let end = self.cvr + self.rows.len();
        Some(Parts {
            key_index: byte(self.key_index)?,
            cryptogram_version: byte(self.version)?,
            cvr: self.verification(value.get(self.cvr..end)?)?,
            algorithm: self.algorithm.and_then(byte),
            rest: hex::encode(value.get(self.algorithm.map_or(end, |index| index + 1)..)?),
        })
    }

    fn verification(&self, cvr: &[u8]) -> Option<CardVerificationResults> {
        let cryptograms = cvr.get(self.cryptograms)?;
        let numbers = self.numbers.iter().filter_map(|&(name, index, left)| {
            let byte = cvr.get(index)?;
            Some(Number { name, count: if left { byte >> 4 } else { byte & 0x0F } })
        });
        Some(CardVerificationResults {
            value: hex::encode(cvr),
            first_cryptogram: cryptogram::kind(cryptograms >> 4),
            second_cryptogram: match cryptograms >> 6 {
                2 => "not requested",
                other => cryptogram::kind(other),
            },
            numbers: numbers.collect(),
            bits: set_bits(self.rows, cvr),
        })
    }
}

impl IssuerData {
    /// Layout, key, version and what the card found.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::new("layout", self.layout)];
        let Some(parts) = &self.parts else { return lines };
        lines.push(Line::new("key index", &parts.key_index));
        lines.push(Line::new("cryptogram version", &parts.cryptogram_version));
        if let Some(algorithm) = &parts.algorithm {
            let known = if algorithm == "01" { " (TDES)" } else { "" };
            lines.push(Line::new("algorithm", format!("{algorithm}{known}")));
        }
        let cvr = &parts.cvr;
        lines.push(Line::new("CVR", &cvr.value));
        lines.push(Line::new("first cryptogram", cvr.first_cryptogram));
        lines.push(Line::new("second cryptogram", cvr.second_cryptogram));
        lines.extend(cvr.numbers.iter().map(|number| Line::new(number.name, number.count.to_string())));
        lines.extend(cvr.bits.iter().map(|bit| Line { place: format!("CVR {}", bit.line().place), ..bit.line() }));
        if !parts.rest.is_empty() {
            lines.push(Line::new("rest", &parts.rest));
        }
        lines
    }
}

const SCRIPTS: &str = "script commands";
const TRIES: &str = "PIN tries left";

const VISA: Layout = Layout {
    name: "Visa format 0, 1 or 3",
    key_index: 1,
    version: 2,
    cvr: 3,
    algorithm: None,
    rows: &SHORT_CVR,
    cryptograms: 1,
    numbers: &[(SCRIPTS, 3, true)],
};

/// What UnionPay took over from Visa, and the algorithm.
const UNIONPAY: Layout = Layout { name: "UnionPay", algorithm: Some(7), ..VISA };

const VISA_LONG: Layout = Layout { name: "Visa format 2 or 4", key_index: 2, version: 1, rows: &LONG_CVR, ..VISA };

const COMMON_CORE: Layout = Layout {
    name: "common core",
    rows: &COMMON_CORE_CVR,
    cryptograms: 0,
    numbers: &[(TRIES, 1, true), (SCRIPTS, 3, true)],
    ..VISA_LONG
};

const MASTERCARD: Layout = Layout {
    name: "Mastercard",
    key_index: 0,
    version: 1,
    cvr: 2,
    algorithm: None,
    rows: &M_CHIP_CVR,
    cryptograms: 0,
    numbers: &[("script counter", 2, true), (TRIES, 2, false)],
};

/// UnionPay and Visa; the first byte is the length of the rest.
const SHORT_CVR: [[&str; 8]; 4] = [
    [NUMBER; 8],
    [
        NUMBER,
        NUMBER,
        NUMBER,
        NUMBER,
        "Issuer authentication performed and failed",
        "Offline PIN verification performed",
        "Offline PIN verification failed",
        "Unable to go online",
    ],
    HISTORY,
    SCRIPTS_AND_DDA,
];

/// Visa's long format. Bytes 1 and 5 tell how a mobile device verified its holder and how far it is trusted; no source
/// for them is good enough to name their bits.
const LONG_CVR: [[&str; 8]; 5] = [
    [NUMBER; 8],
    [
        NUMBER,
        NUMBER,
        NUMBER,
        NUMBER,
        "Issuer authentication performed and failed",
        "Consumer device CVM performed",
        RFU,
        "Unable to go online",
    ],
    HISTORY,
    SCRIPTS_AND_DDA,
    [NUMBER; 8],
];

const HISTORY: [&str; 8] = [
    "Last online transaction not completed",
    "PIN Try Limit exceeded",
    "Velocity checking counters exceeded",
    "New card",
    "Issuer authentication failed in the last online transaction",
    "Issuer authentication not performed after online authorisation",
    "Application blocked by the card because PIN Try Limit exceeded",
    "SDA failed in the last transaction, which was declined offline",
];

const SCRIPTS_AND_DDA: [&str; 8] = [
    NUMBER,
    NUMBER,
    NUMBER,
    NUMBER,
    "Issuer script processing failed in the last transaction",
    "DDA failed in the last transaction, which was declined offline",
    "DDA performed",
    "PIN verification expected, but not received (Visa)",
];

const M_CHIP_CVR: [[&str; 8]; 6] = [
    [
        NUMBER,
        NUMBER,
        NUMBER,
        NUMBER,
        "Date check failed",
        "Offline PIN verification performed",
        "Offline enciphered PIN verification performed",
        "Offline PIN verification successful",
    ],
    [
        "DDA returned",
        "CDA returned in the first GENERATE AC",
        "CDA returned in the second GENERATE AC",
        "Issuer authentication performed",
        "Card's default action codes skipped at a cardholder-activated terminal",
        "Offline PIN change successful",
        "Issuer's own bit 2",
        "Issuer's own bit 1",
    ],
    [NUMBER; 8],
    [
        "Last online transaction not completed",
        "Unable to go online",
        "Offline PIN verification not performed",
        "Offline PIN verification failed",
        "PIN Try Limit exceeded",
        "International transaction",
        "Domestic transaction",
        "Terminal takes an offline PIN for right that was not",
    ],
    [
        "Lower consecutive limit 1 exceeded",
        "Upper consecutive limit 1 exceeded",
        "Lower cumulative limit 1 exceeded",
        "Upper cumulative limit 1 exceeded",
        "Go online on next transaction was set",
        "Issuer authentication failed",
        "Script received",
        "Script failed",
    ],
    [
        "Lower consecutive limit 2 exceeded",
        "Upper consecutive limit 2 exceeded",
        "Lower cumulative limit 2 exceeded",
        "Upper cumulative limit 2 exceeded",
        "Limit of one transaction exceeded",
        "Limit of days offline exceeded",
        "Match found in additional check table",
        "No match found in additional check table",
    ],
];

const COMMON_CORE_CVR: [[&str; 8]; 5] = [
    [
        NUMBER,
        NUMBER,
        NUMBER,
        NUMBER,
        "CDA performed",
        "Offline DDA performed",
        "Issuer authentication not performed",
        "Issuer authentication failed",
    ],
    [
        NUMBER,
        NUMBER,
        NUMBER,
        NUMBER,
        "Offline PIN verification performed",
        "Offline PIN verification performed and failed",
        "PIN Try Limit exceeded",
        "Last online transaction not completed",
    ],
    [
        "Lower offline transaction count limit exceeded",
        "Upper offline transaction count limit exceeded",
        "Lower cumulative offline amount limit exceeded",
        "Upper cumulative offline amount limit exceeded",
        "Issuer's own bit 1",
        "Issuer's own bit 2",
        "Issuer's own bit 3",
        "Issuer's own bit 4",
    ],
    [
        NUMBER,
        NUMBER,
        NUMBER,
        NUMBER,
        "Issuer script processing failed",
        "Offline data authentication failed in the last transaction",
        "Go online on next transaction was set",
        "Unable to go online",
    ],
    [RFU; 8],
];

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        told(&read(&hex::decode(text).unwrap()).unwrap().lines())
    }

    #[test]
    fn unionpay_tells_the_algorithm() {
        assert_eq!(
            lines("07 01 01 03 A0 10 02 01 0A 01 0000010000 00000000"),
            [
                "layout: UnionPay",
                "key index: 01",
                "cryptogram version: 01",
                "algorithm: 01 (TDES)",
                "CVR: 03A01002",
                "first cryptogram: ARQC",
                "second cryptogram: not requested",
                "script commands: 0",
                "CVR byte 3 bit 5: New card",
                "CVR byte 4 bit 2: DDA performed",
                "rest: 0A01000001000000000000",
            ]
        );
    }

    #[test]
    fn visa_has_a_short_and_a_long_form() {
        assert_eq!(
            lines("06010A03640820")[..6],
            [
                "layout: Visa format 0, 1 or 3",
                "key index: 01",
                "cryptogram version: 0A",
                "CVR: 03640820",
                "first cryptogram: ARQC",
                "second cryptogram: TC",
            ]
        );
        let long = lines("1F 22 01 20 A0 00 00 00 00 00000000000000000000000000000000000000000000 00");
        assert_eq!(
            long[..4],
            ["layout: Visa format 2 or 4", "key index: 01", "cryptogram version: 22", "CVR: 20A0000000",]
        );
    }

    #[test]
    fn mastercard_has_two_numbers_in_one_byte() {
        assert_eq!(
            lines("0110 A04003220000 0000 00000000000000FF"),
            [
                "layout: Mastercard",
                "key index: 01",
                "cryptogram version: 10",
                "CVR: A04003220000",
                "first cryptogram: ARQC",
                "second cryptogram: not requested",
                "script counter: 0",
                "PIN tries left: 3",
                "CVR byte 2 bit 7: CDA returned in the first GENERATE AC",
                "CVR byte 4 bit 6: Offline PIN verification not performed",
                "CVR byte 4 bit 2: Domestic transaction",
                "rest: 000000000000000000FF",
            ]
        );
    }

    #[test]
    fn the_common_core_has_its_own_length_twice() {
        let text = "0F A5 01 A2 30 00 11 00 0000000000000000 0F 000000000000000000000000000000";
        assert_eq!(
            lines(text)[..9],
            [
                "layout: common core",
                "key index: 01",
                "cryptogram version: A5",
                "CVR: A230001100",
                "first cryptogram: ARQC",
                "second cryptogram: not requested",
                "PIN tries left: 3",
                "script commands: 1",
                "CVR byte 1 bit 2: Issuer authentication not performed",
            ]
        );
    }

    #[test]
    fn what_has_no_layout_is_unknown_not_wrong() {
        let unknown = read(&[0xAA; 12]).unwrap();
        assert_eq!((unknown.layout, unknown.parts), ("unknown", None));
        assert!(read(&[]).is_err());
        assert!(read(&[0x07; 33]).is_err());
    }
}
