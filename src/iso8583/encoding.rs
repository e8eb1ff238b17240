//! Digits and characters as bytes: BCD, ASCII, EBCDIC, binary, hexadecimal. Every mapping is one to one; nothing is folded.

use serde::Deserialize;

use super::layout::Content;

/// How numbers of the message itself are written: its type, and the lengths in front of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberEncoding {
    /// Two digits a byte, right-aligned.
    Bcd,
    /// A character a digit.
    Ascii,
    /// A character a digit, in EBCDIC.
    Ebcdic,
    /// A number, most significant byte first; as many bytes as BCD would take.
    Binary,
}

impl NumberEncoding {
    /// Bytes that a number of so many digits takes.
    pub(super) const fn size(self, digits: usize) -> usize {
        match self {
            Self::Bcd | Self::Binary => digits.div_ceil(2),
            Self::Ascii | Self::Ebcdic => digits,
        }
    }

    /// The largest number that so many digits, one to four, can say.
    pub(super) const fn largest(self, digits: u8) -> usize {
        match (self, digits) {
            (Self::Binary, 0..=2) => 0xFF,
            (Self::Binary, _) => 0xFFFF,
            (Self::Bcd | Self::Ascii | Self::Ebcdic, 0..=1) => 9,
            (Self::Bcd | Self::Ascii | Self::Ebcdic, 2) => 99,
            (Self::Bcd | Self::Ascii | Self::Ebcdic, 3) => 999,
            (Self::Bcd | Self::Ascii | Self::Ebcdic, _) => 9999,
        }
    }

    /// The bytes of a number with leading zeros; it is not above [`NumberEncoding::largest`].
    pub(super) fn bytes(self, number: usize, digits: usize) -> impl Iterator<Item = u8> {
        // Divisions by what the compiler knows: these are among the first costs of a message.
        let decimal = [number / 1000 % 10, number / 100 % 10, number / 10 % 10, number % 10].map(|digit| digit as u8);
        let [thousands, hundreds, tens, ones] = decimal;
        let bytes = match self {
            Self::Bcd => [0, 0, thousands << 4 | hundreds, tens << 4 | ones],
            Self::Ascii => decimal.map(|digit| b'0' + digit),
            Self::Ebcdic => decimal.map(|digit| 0xF0 + digit),
            Self::Binary => (number as u32).to_be_bytes(),
        };
        bytes.into_iter().skip(4 - self.size(digits))
    }

    /// Reads a number out of exactly the bytes it takes; nothing when they are no number of so many digits.
    pub(super) fn read(self, bytes: &[u8], digits: u8) -> Option<usize> {
        let mut number = 0;
        for byte in bytes {
            number = match (self, byte >> 4, byte & 0x0F) {
                (Self::Binary, ..) => number << 8 | usize::from(*byte),
                (Self::Bcd, high @ 0..=9, low @ 0..=9) => number * 100 + usize::from(high * 10 + low),
                (Self::Ascii, 3, digit @ 0..=9) | (Self::Ebcdic, 0xF, digit @ 0..=9) => {
                    number * 10 + usize::from(digit)
                }
                (Self::Bcd | Self::Ascii | Self::Ebcdic, ..) => return None,
            };
        }
        (number <= self.largest(digits)).then_some(number)
    }
}

/// The digit of a half byte, or the separator of a track; zero for any other.
pub(super) const fn digit_of(half: u8, content: Content) -> u8 {
    match half {
        0..=9 => b'0' + half,
        0xD if content.is_track() => b'D',
        _ => 0,
    }
}

/// The half byte of a digit or a separator, which were looked at before.
pub(super) const fn half(character: u8) -> u8 {
    match character {
        b'D' | b'=' => 0xD,
        digit => digit & 0x0F,
    }
}

/// Digits of hexadecimal text. Lower case is not one of them: it could not be written back as it was.
pub(super) const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The value of a digit of [`HEX`].
pub(super) const fn hex_value(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

/// Printable ASCII, from blank to tilde, in EBCDIC: code page 1047, "Latin 1/Open Systems".
const EBCDIC: [u8; 95] = [
    0x40, 0x5A, 0x7F, 0x7B, 0x5B, 0x6C, 0x50, 0x7D, 0x4D, 0x5D, 0x5C, 0x4E, 0x6B, 0x60, 0x4B, 0x61, 0xF0, 0xF1, 0xF2,
    0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0x7A, 0x5E, 0x4C, 0x7E, 0x6E, 0x6F, 0x7C, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5,
    0xC6, 0xC7, 0xC8, 0xC9, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7,
    0xE8, 0xE9, 0xAD, 0xE0, 0xBD, 0x5F, 0x6D, 0x79, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x91, 0x92,
    0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xC0, 0x4F, 0xD0, 0xA1,
];

/// The other way; zero where no printable character stands.
const FROM_EBCDIC: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < EBCDIC.len() {
        table[EBCDIC[index] as usize] = b' ' + index as u8;
        index += 1;
    }
    table
};

/// A printable character in EBCDIC. Others, which were refused before, stay what they are.
pub(super) fn to_ebcdic(character: u8) -> u8 {
    EBCDIC.get(usize::from(character.wrapping_sub(b' '))).copied().unwrap_or(character)
}

/// A printable character out of EBCDIC, or zero.
pub(super) const fn from_ebcdic(byte: u8) -> u8 {
    FROM_EBCDIC[byte as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read_in_every_encoding() {
        for (encoding, digits, number, bytes) in [
            (NumberEncoding::Bcd, 2, 37, &[0x37][..]),
            (NumberEncoding::Bcd, 3, 104, &[0x01, 0x04]),
            (NumberEncoding::Ascii, 3, 7, b"007"),
            (NumberEncoding::Ebcdic, 2, 19, &[0xF1, 0xF9]),
            (NumberEncoding::Binary, 2, 255, &[0xFF]),
            (NumberEncoding::Binary, 3, 999, &[0x03, 0xE7]),
        ] {
            assert_eq!(encoding.bytes(number, digits).collect::<Vec<_>>(), bytes, "{encoding:?}");
            assert_eq!(encoding.read(bytes, digits as u8), Some(number), "{encoding:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for (encoding, digits, bytes) in [
            (NumberEncoding::Bcd, 2, &[0x1A][..]),
            (NumberEncoding::Bcd, 3, &[0x11, 0x04]),
            (NumberEncoding::Ascii, 2, b"1:"),
            (NumberEncoding::Ascii, 2, &[0xF1, 0xF9]),
            (NumberEncoding::Ebcdic, 2, b"19"),
        ] {
            assert_eq!(encoding.read(bytes, digits), None, "{encoding:?} {bytes:02X?}");
        }
    }

    #[test]
    fn every_printable_character_has_its_own_place_in_ebcdic() {
        for character in b' '..=b'~' {
            assert_eq!(from_ebcdic(to_ebcdic(character)), character);
        }
        assert_eq!((0..=255).filter(|byte| from_ebcdic(*byte) != 0).count(), 95);
        // Where code pages 037 and 1047 differ: both brackets and the circumflex.
        assert_eq!([b'[', b']', b'^', b'='].map(to_ebcdic), [0xAD, 0xBD, 0x5F, 0x7E]);
    }
}
