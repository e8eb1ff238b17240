//! Tag 9F6E, in which each payment system says something of its own about card, device or reader.
//!
//! Nothing in the value tells whose it is, so it is known by its signs; the layout that was assumed is always told.
//!
//! | layout | signs | source |
//! |---|---|---|
//! | Visa Form Factor Indicator | 4 bytes, version 1 in bits 8 to 6 of byte 1 | Book C-3, annex A.2; VCPS 2.2 supplement, annex D |
//! | American Express Enhanced Contactless Reader Capabilities | 4 bytes, the bits every such reader has | Book C-4, 4.3.4 |
//! | Mastercard Third Party Data | 5 to 32 bytes | Book C-2, annex A; M/Chip Requirements 2017, chapter 5 |
//!
//! Anything else is told as unknown, never guessed at.

use serde::Serialize;

use super::bits::{NUMBER, RFU, SetBit, set_bits};
use super::{DecodeError, Line};
use crate::crypto::hex;

/// 9F6E, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SystemData {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// Whose layout it seems to have.
    pub layout: &'static str,
    /// Numbers and codes that stand in it.
    pub parts: Vec<Part>,
    /// Bits that are set, those of numbers left out.
    pub bits: Vec<SetBit>,
}

/// A number or code and what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// What it says.
    pub says: String,
}

const NAME: &str = "Tag 9F6E";
const UNKNOWN: &str = "unknown";

/// Takes 9F6E apart.
///
/// # Errors
/// When it has not 4 to 32 bytes, or is third party data that ends early or names no device type.
pub fn read(value: &[u8]) -> Result<SystemData, DecodeError> {
    let (layout, parts, bits) = match *value {
        [form, _, _, technology] if form >> 5 == 1 => {
            ("Visa Form Factor Indicator", form_factor(form, technology), set_bits(&FORM_FACTOR, value))
        }
        [first, second, _, last] if first & 0x38 == 0x18 && second & 0x80 != 0 => {
            let version = Part::new("kernel version", kernel_version(last));
            ("American Express Enhanced Contactless Reader Capabilities", vec![version], set_bits(&CAPABILITIES, value))
        }
        [_, _, _, _] => (UNKNOWN, Vec::new(), Vec::new()),
        [country_1, country_2, mark_1, mark_2, ref rest @ ..] if (5..=32).contains(&value.len()) => (
            "Mastercard Third Party Data",
            third_party_data([country_1, country_2], [mark_1, mark_2], rest)?,
            Vec::new(),
        ),
        _ => return Err(length("4 to 32 bytes", value.len(), value.len().min(32))),
    };
    Ok(SystemData { name: NAME, value: hex::encode(value), layout, parts, bits })
}

const fn length(expected: &'static str, found: usize, offset: usize) -> DecodeError {
    DecodeError::Length { name: NAME, expected, found, offset }
}

fn form_factor(form: u8, technology: u8) -> Vec<Part> {
    let factor = match form & 0x1F {
        0 => "card",
        1 => "mini-card",
        2 => "no card form",
        3 => "mobile phone",
        4 => "worn on the wrist",
        _ => UNKNOWN,
    };
    let technology = match technology & 0x0F {
        0 => "contactless (ISO/IEC 14443)",
        1 => "not used",
        _ => UNKNOWN,
    };
    vec![Part::new("version", "1"), Part::new("form factor", factor), Part::new("payment technology", technology)]
}

const fn kernel_version(last: u8) -> &'static str {
    match last & 0x07 {
        1 => "2.2 or 2.3",
        2 => "2.4 to 2.6",
        3 => "2.7 or later",
        _ => UNKNOWN,
    }
}

/// Country, unique identifier, a device type unless the identifier's first bit says there is none, then the issuer's data.
fn third_party_data(country: [u8; 2], identifier: [u8; 2], rest: &[u8]) -> Result<Vec<Part>, DecodeError> {
    let mut parts = vec![
        Part::new("country (ISO 3166-1)", hex::encode(&country)),
        Part::new("unique identifier", hex::encode(&identifier)),
    ];
    let mut data = rest;
    if identifier[0] & 0x80 == 0 {
        let found = 4 + rest.len();
        let (&[tens, units], behind) =
            rest.split_first_chunk().ok_or(length("7 to 32 bytes with a device type", found, found))?;
        if behind.is_empty() {
            return Err(length("7 to 32 bytes with a device type", found, found));
        }
        if let Some(wrong) = [tens, units].iter().position(|byte| !byte.is_ascii_alphanumeric()) {
            let problem = "a device type is two letters or digits";
            return Err(DecodeError::Content { name: NAME, offset: 4 + wrong, problem });
        }
        let code = format!("{}{}", char::from(tens), char::from(units));
        let device = code.parse().ok().and_then(|number: usize| DEVICES.get(number)).unwrap_or(&UNKNOWN);
        parts.push(Part::new("device type", format!("{code}, {device}")));
        data = behind;
    }
    let says = if identifier == [0, 0] { "not used".to_owned() } else { hex::encode(data) };
    parts.push(Part::new("proprietary data", says));
    Ok(parts)
}

impl Part {
    fn new(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, says: says.into() }
    }
}

impl SystemData {
    /// The layout, its numbers and codes, a line for each bit that is set.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::new("layout", self.layout)];
        lines.extend(self.parts.iter().map(|part| Line::new(part.name, part.says.as_str())));
        lines.extend(self.bits.iter().map(SetBit::line));
        lines
    }
}

const FORM_FACTOR: [[&str; 8]; 4] = [
    [NUMBER; 8],
    [
        "Passcode capable",
        "Signature panel",
        "Hologram",
        "CVV2",
        "Two-way messaging",
        "Cloud-based payment credentials",
        "Biometric cardholder verification capable",
        RFU,
    ],
    [RFU; 8],
    ["Taken by a phone or tablet as the terminal", RFU, RFU, RFU, NUMBER, NUMBER, NUMBER, NUMBER],
];

const CAPABILITIES: [[&str; 8]; 4] = [
    [
        "Contact mode supported",
        "Contactless mag-stripe mode supported",
        "Contactless EMV full online mode supported (no longer used)",
        "Contactless EMV partial online mode supported",
        "Contactless mobile supported",
        "Try another interface after a decline",
        RFU,
        RFU,
    ],
    [
        "Mobile CVM supported",
        "Online PIN supported",
        "Signature supported",
        "Plaintext offline PIN supported",
        RFU,
        RFU,
        RFU,
        RFU,
    ],
    ["Reader is offline only", "CVM required", RFU, RFU, RFU, RFU, RFU, RFU],
    [
        "Terminal exempt from no-CVM checks",
        "Delayed authorisation terminal",
        "Transit terminal",
        RFU,
        RFU,
        NUMBER,
        NUMBER,
        NUMBER,
    ],
];

/// Device types 00 to 19 of Mastercard; for later ones there is no public list good enough.
const DEVICES: [&str; 20] = [
    "card",
    "mobile phone, operator's removable secure element",
    "key fob",
    "watch",
    "mobile tag",
    "wristband",
    "mobile phone case or sleeve",
    "mobile phone, operator's fixed secure element",
    "mobile phone, removable secure element not the operator's",
    "mobile phone, fixed secure element not the operator's",
    "tablet, operator's removable secure element",
    "tablet, operator's fixed secure element",
    "tablet, removable secure element not the operator's",
    "tablet, fixed secure element not the operator's",
    "mobile phone, application in the host processor",
    "tablet, application in the host processor",
    "mobile phone, application in the trusted execution environment",
    "tablet, application in the trusted execution environment",
    "watch, application in the trusted execution environment",
    "watch, application in the host processor",
];

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        told(&read(&hex::decode(text).unwrap()).unwrap().lines())
    }

    #[test]
    fn each_system_is_known_by_its_signs() {
        assert_eq!(
            lines("23 88 00 00"),
            [
                "layout: Visa Form Factor Indicator",
                "version: 1",
                "form factor: mobile phone",
                "payment technology: contactless (ISO/IEC 14443)",
                "byte 2 bit 8: Passcode capable",
                "byte 2 bit 4: Two-way messaging",
            ]
        );
        assert_eq!(
            lines("98 A0 40 03"),
            [
                "layout: American Express Enhanced Contactless Reader Capabilities",
                "kernel version: 2.7 or later",
                "byte 1 bit 8: Contact mode supported",
                "byte 1 bit 5: Contactless EMV partial online mode supported",
                "byte 1 bit 4: Contactless mobile supported",
                "byte 2 bit 8: Mobile CVM supported",
                "byte 2 bit 6: Signature supported",
                "byte 3 bit 7: CVM required",
            ]
        );
        assert_eq!(
            lines("0643 0000 3039 00"),
            [
                "layout: Mastercard Third Party Data",
                "country (ISO 3166-1): 0643",
                "unique identifier: 0000",
                "device type: 09, mobile phone, fixed secure element not the operator's",
                "proprietary data: not used",
            ]
        );
        assert_eq!(lines("0156 8003 0001")[2..], ["unique identifier: 8003", "proprietary data: 0001"]);
        assert_eq!(lines("0156 0003 3939 AB")[3..], ["device type: 99, unknown", "proprietary data: AB"]);
        assert_eq!(lines("C8 80 00 00"), ["layout: unknown"]);
    }

    #[test]
    fn no_bit_is_left_out() {
        let (visa, capabilities) = (read(&[0x3F, 0xFF, 0xFF, 0xFF]).unwrap(), read(&[0xDF, 0xFF, 0xFF, 0xFF]).unwrap());
        assert_eq!((visa.bits.len(), capabilities.bits.len()), (8 + 8 + 4, 7 + 8 + 8 + 5));
    }

    #[test]
    fn what_ends_early_or_has_no_device_is_refused_with_the_offset() {
        let refused = |text: &str| read(&hex::decode(text).unwrap()).unwrap_err().to_string();
        for (text, place) in [
            ("238800", "offset 3"),
            ("0643000030", "offset 5"),
            ("064300003039", "offset 6"),
            ("06430000300000", "offset 5"),
            (&"0643800000".repeat(7), "offset 32"),
        ] {
            assert!(refused(text).contains(place), "{text}: {}", refused(text));
        }
    }
}
