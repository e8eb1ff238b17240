//! Fields in which every bit stands for one thing.

use serde::Serialize;

use super::{DecodeError, Line};
use crate::crypto::hex;
use crate::emv::tag::{self, Tag};

/// What the bits of a field mean: a row of eight for each byte, from bit 8 down to bit 1.
#[derive(Debug)]
pub struct BitNames {
    name: &'static str,
    expected: &'static str,
    rows: &'static [[&'static str; 8]],
}

/// A field and the bits that are set in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BitField {
    /// What it is.
    pub name: &'static str,
    /// Its bytes in hexadecimal.
    pub value: String,
    /// The bits that are set, in the order they stand.
    pub bits: Vec<SetBit>,
}

/// A bit that is set: byte counted from 1, bit from 8 down to 1, as the Books write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SetBit {
    /// Byte, from 1.
    pub byte: usize,
    /// Bit, from 8 (leftmost) to 1.
    pub bit: u8,
    /// What it says.
    pub meaning: &'static str,
}

/// A bit nobody has given a meaning yet.
pub const RFU: &str = "reserved for future use";
/// A bit of a number that stands in the same byte and is told by itself.
pub const NUMBER: &str = "";
const CONTACTLESS: &str = "reserved for contactless";

/// The names for a tag, if it is a field of bits.
pub fn names(tag: Tag) -> Option<&'static BitNames> {
    Some(match tag {
        tag::TVR | tag::IAC_DEFAULT | tag::IAC_DENIAL | tag::IAC_ONLINE => &TVR,
        tag::TSI => &TSI,
        tag::AIP => &AIP,
        tag::APPLICATION_USAGE_CONTROL => &AUC,
        tag::TERMINAL_CAPABILITIES => &CAPABILITIES,
        tag::ADDITIONAL_CAPABILITIES => &ADDITIONAL_CAPABILITIES,
        Tag(0x9F66) => &TTQ,
        Tag(0x9F6C) => &CTQ,
        _ => return None,
    })
}

impl BitNames {
    /// Names the bits that are set.
    ///
    /// # Errors
    /// When the value has not as many bytes as the field.
    pub fn read(&self, value: &[u8]) -> Result<BitField, DecodeError> {
        let (found, length) = (value.len(), self.rows.len());
        if found != length {
            let (name, expected) = (self.name, self.expected);
            return Err(DecodeError::Length { name, expected, found, offset: found.min(length) });
        }
        Ok(BitField { name: self.name, value: hex::encode(value), bits: set_bits(self.rows, value) })
    }
}

/// The bits that are set, with their meaning in `rows`; bits of a number are left out.
pub fn set_bits(rows: &[[&'static str; 8]], value: &[u8]) -> Vec<SetBit> {
    let mut set = Vec::new();
    for (index, (row, byte)) in rows.iter().zip(value).enumerate() {
        for (meaning, bit) in row.iter().zip((1..=8).rev()) {
            if byte & (1 << (bit - 1)) != 0 && *meaning != NUMBER {
                set.push(SetBit { byte: index + 1, bit, meaning });
            }
        }
    }
    set
}

impl BitField {
    /// A line for each bit that is set.
    pub fn lines(&self) -> Vec<Line> {
        self.bits.iter().map(SetBit::line).collect()
    }
}

impl SetBit {
    /// `byte 1 bit 8` and the meaning.
    pub fn line(&self) -> Line {
        Line::new(format!("byte {} bit {}", self.byte, self.bit), self.meaning)
    }
}

/// EMV 4.4 Book 3, annex C5. Issuer and terminal action codes have the same bits.
pub const TVR: BitNames = BitNames {
    name: "Terminal Verification Results",
    expected: "5 bytes",
    rows: &[
        [
            "Offline data authentication was not performed",
            "SDA failed",
            "ICC data missing",
            "Card appears on terminal exception file",
            "DDA failed",
            "CDA failed",
            "SDA selected",
            "XDA selected",
        ],
        [
            "ICC and terminal have different application versions",
            "Expired application",
            "Application not yet effective",
            "Requested service not allowed for card product",
            "New card",
            RFU,
            "Biometric performed and successful",
            "Biometric template format not supported",
        ],
        [
            "Cardholder verification was not successful",
            "Unrecognised CVM",
            "PIN Try Limit exceeded",
            "PIN entry required and PIN pad not present or not working",
            "PIN entry required, PIN pad present, but PIN was not entered",
            "Online PIN entered, or other online CVM captured",
            "Biometric required, but capture device not working",
            "Biometric required, but entry was bypassed",
        ],
        [
            "Transaction exceeds floor limit",
            "Lower consecutive offline limit exceeded",
            "Upper consecutive offline limit exceeded",
            "Transaction selected randomly for online processing",
            "Merchant forced transaction online",
            "Biometric Try Limit exceeded",
            "A selected Biometric Type not supported",
            "XDA signature verification failed",
        ],
        [
            "Default TDOL used",
            "Issuer authentication failed",
            "Script processing failed before final GENERATE AC",
            "Script processing failed after final GENERATE AC",
            CONTACTLESS,
            "CA ECC key missing",
            "ECC key recovery failed",
            CONTACTLESS,
        ],
    ],
};

/// EMV 4.4 Book 3, annex C6.
pub const TSI: BitNames = BitNames {
    name: "Transaction Status Information",
    expected: "2 bytes",
    rows: &[
        [
            "Offline data authentication was performed",
            "Cardholder verification was performed",
            "Card risk management was performed",
            "Issuer authentication was performed",
            "Terminal risk management was performed",
            "Script processing was performed",
            RFU,
            RFU,
        ],
        [RFU; 8],
    ],
};

/// EMV 4.4 Book 3, annex C1; byte 2 belongs to the contactless kernels.
pub const AIP: BitNames = BitNames {
    name: "Application Interchange Profile",
    expected: "2 bytes",
    rows: &[
        [
            "XDA supported",
            "SDA supported",
            "DDA supported",
            "Cardholder verification is supported",
            "Terminal risk management is to be performed",
            "Issuer authentication is supported",
            "Cardholder verification on the device is supported (contactless)",
            "CDA supported",
        ],
        [
            "Contactless EMV mode (Mastercard) or magnetic stripe data (Visa) supported",
            CONTACTLESS,
            CONTACTLESS,
            RFU,
            RFU,
            RFU,
            RFU,
            "Relay resistance protocol supported (contactless)",
        ],
    ],
};

/// EMV 4.4 Book 3, annex C2.
pub const AUC: BitNames = BitNames {
    name: "Application Usage Control",
    expected: "2 bytes",
    rows: &[
        [
            "Valid for domestic cash transactions",
            "Valid for international cash transactions",
            "Valid for domestic goods",
            "Valid for international goods",
            "Valid for domestic services",
            "Valid for international services",
            "Valid at ATMs",
            "Valid at terminals other than ATMs",
        ],
        ["Domestic cashback allowed", "International cashback allowed", RFU, RFU, RFU, RFU, RFU, RFU],
    ],
};

/// EMV 4.4 Book 4, annex A2.
pub const CAPABILITIES: BitNames = BitNames {
    name: "Terminal Capabilities",
    expected: "3 bytes",
    rows: &[
        ["Manual key entry", "Magnetic stripe", "IC with contacts", RFU, RFU, RFU, RFU, RFU],
        [
            "Plaintext PIN for ICC verification",
            "Enciphered PIN for online verification",
            "Signature",
            "Enciphered PIN for offline verification (RSA)",
            "No CVM required",
            "Online biometric",
            "Offline biometric",
            "Enciphered PIN for offline verification (ECC)",
        ],
        ["SDA", "DDA", "Card capture", RFU, "CDA", "XDA", RFU, RFU],
    ],
};

/// EMV 4.4 Book 4, annex A3.
pub const ADDITIONAL_CAPABILITIES: BitNames = BitNames {
    name: "Additional Terminal Capabilities",
    expected: "5 bytes",
    rows: &[
        ["Cash", "Goods", "Services", "Cashback", "Inquiry", "Transfer", "Payment", "Administrative"],
        ["Cash deposit", RFU, RFU, RFU, RFU, RFU, RFU, RFU],
        ["Numeric keys", "Alphabetic and special characters keys", "Command keys", "Function keys", RFU, RFU, RFU, RFU],
        [
            "Print or electronic, attendant",
            "Print or electronic, cardholder",
            "Display, attendant",
            "Display, cardholder",
            RFU,
            RFU,
            "Code table 10",
            "Code table 9",
        ],
        [
            "Code table 8",
            "Code table 7",
            "Code table 6",
            "Code table 5",
            "Code table 4",
            "Code table 3",
            "Code table 2",
            "Code table 1",
        ],
    ],
};

/// EMV Contactless Book A, 5.7; the bits of one system alone by Books C-6 (Discover) and C-7 (UnionPay).
pub const TTQ: BitNames = BitNames {
    name: "Terminal Transaction Qualifiers",
    expected: "4 bytes",
    rows: &[
        [
            "Mag-stripe mode supported",
            "Contactless VSDC or full PBOC supported (no longer used)",
            "EMV mode supported",
            "EMV contact chip supported",
            "Offline-only reader",
            "Online PIN supported",
            "Signature supported",
            "Offline data authentication for online authorisations supported",
        ],
        [
            "Online cryptogram required",
            "CVM required",
            "Offline PIN supported (contact chip)",
            RFU,
            "Fast mode supported (Discover)",
            "Transit terminal (Discover)",
            RFU,
            RFU,
        ],
        [
            "Issuer update processing supported",
            "Consumer device CVM supported",
            "Consumer device CVM for transit supported (Discover)",
            RFU,
            "Consumer device CVM required (Discover)",
            RFU,
            RFU,
            RFU,
        ],
        ["fDDA version 1.0 supported (UnionPay)", RFU, RFU, RFU, RFU, RFU, RFU, RFU],
    ],
};

/// EMV Contactless Books C-3 (Visa) and C-7 (UnionPay), annex A.
pub const CTQ: BitNames = BitNames {
    name: "Card Transaction Qualifiers",
    expected: "2 bytes",
    rows: &[
        [
            "Online PIN required",
            "Signature required",
            "Go online if offline data authentication fails and the reader can go online",
            "Switch interface if offline data authentication fails and the reader has contacts",
            "Go online if the application has expired",
            "Switch interface for cash",
            "Switch interface for cashback",
            "Not valid for contactless ATM transactions",
        ],
        [
            "Consumer device CVM performed",
            "Card supports issuer update processing at the terminal",
            RFU,
            RFU,
            RFU,
            RFU,
            RFU,
            RFU,
        ],
    ],
};

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;
    use crate::emv::results::{Tsi, Tvr};

    #[test]
    fn set_bits_are_named_where_they_stand() {
        let cases: [(&BitNames, &[u8], &[&str]); 8] = [
            (
                &TVR,
                &[0x80, 0, 0x04, 0x80, 0],
                &[
                    "byte 1 bit 8: Offline data authentication was not performed",
                    "byte 3 bit 3: Online PIN entered, or other online CVM captured",
                    "byte 4 bit 8: Transaction exceeds floor limit",
                ],
            ),
            (
                &TSI,
                &[0x41, 0],
                &["byte 1 bit 7: Cardholder verification was performed", "byte 1 bit 1: reserved for future use"],
            ),
            (&AIP, &[0x21, 0], &["byte 1 bit 6: DDA supported", "byte 1 bit 1: CDA supported"]),
            (
                &AUC,
                &[0x01, 0x80],
                &["byte 1 bit 1: Valid at terminals other than ATMs", "byte 2 bit 8: Domestic cashback allowed"],
            ),
            (
                &CAPABILITIES,
                &[0x20, 0x48, 0x08],
                &[
                    "byte 1 bit 6: IC with contacts",
                    "byte 2 bit 7: Enciphered PIN for online verification",
                    "byte 2 bit 4: No CVM required",
                    "byte 3 bit 4: CDA",
                ],
            ),
            (
                &ADDITIONAL_CAPABILITIES,
                &[0x40, 0, 0x80, 0x10, 0x01],
                &[
                    "byte 1 bit 7: Goods",
                    "byte 3 bit 8: Numeric keys",
                    "byte 4 bit 5: Display, cardholder",
                    "byte 5 bit 1: Code table 1",
                ],
            ),
            (
                &TTQ,
                &[0x26, 0x80, 0x40, 0x80],
                &[
                    "byte 1 bit 6: EMV mode supported",
                    "byte 1 bit 3: Online PIN supported",
                    "byte 1 bit 2: Signature supported",
                    "byte 2 bit 8: Online cryptogram required",
                    "byte 3 bit 7: Consumer device CVM supported",
                    "byte 4 bit 8: fDDA version 1.0 supported (UnionPay)",
                ],
            ),
            (
                &CTQ,
                &[0x80, 0x80],
                &["byte 1 bit 8: Online PIN required", "byte 2 bit 8: Consumer device CVM performed"],
            ),
        ];
        for (names, value, lines) in cases {
            assert_eq!(told(&names.read(value).unwrap().lines()), lines, "{}", names.name);
        }
    }

    #[test]
    fn every_field_takes_its_own_length_only() {
        for names in [&TVR, &TSI, &AIP, &AUC, &CAPABILITIES, &ADDITIONAL_CAPABILITIES, &TTQ, &CTQ] {
            let length = names.rows.len();
            assert!(names.expected.starts_with(&format!("{length} ")), "{}", names.name);
            assert_eq!(names.read(&vec![0xFF; length]).unwrap().bits.len(), 8 * length, "no bit is left out");
            for wrong in [length - 1, length + 1] {
                let offset = wrong.min(length);
                let expected = names.expected;
                let refused = DecodeError::Length { name: names.name, expected, found: wrong, offset };
                assert_eq!(names.read(&vec![0; wrong]), Err(refused));
            }
        }
    }

    #[test]
    fn the_kernel_sets_the_bits_that_are_named_here() {
        let mut tvr = Tvr::default();
        tvr.set(Tvr::SERVICE_NOT_ALLOWED);
        tvr.set(Tvr::PIN_PAD_MISSING);
        let mut tsi = Tsi::default();
        tsi.set(Tsi::ISSUER_AUTHENTICATION_PERFORMED);
        assert_eq!(
            told(&TVR.read(&tvr.0).unwrap().lines()),
            [
                "byte 2 bit 5: Requested service not allowed for card product",
                "byte 3 bit 5: PIN entry required and PIN pad not present or not working",
            ]
        );
        assert_eq!(told(&TSI.read(&tsi.0).unwrap().lines()), ["byte 1 bit 5: Issuer authentication was performed"]);
    }
}
