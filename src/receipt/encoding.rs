//! Characters and bytes of a receipt printer with Chinese characters in its memory.
//!
//! Such printers know the two-byte codes of GB18030 and nothing longer: a four-byte code comes out as rubbish. What has
//! no code of one or two bytes is therefore replaced where everybody sees it: 〓 for a wide character, ? for a narrow one.

use encoding_rs::GB18030;
use unicode_width::UnicodeWidthChar;

/// What a printer can print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Charset {
    /// ASCII and the two-byte codes of GB18030.
    Gb18030,
    /// ASCII alone.
    #[serde(rename = "none")]
    Ascii,
    /// All characters: no printer, but a page.
    #[serde(skip)]
    Unicode,
}

impl Charset {
    /// The text with every character that this printer cannot print replaced; control characters and characters without
    /// width are gone.
    pub fn printable(self, text: &str) -> String {
        text.chars().filter_map(|character| self.printable_character(character)).collect()
    }

    /// The bytes of a text; what cannot be printed is replaced first.
    pub fn encode(self, text: &str) -> Vec<u8> {
        self.printable(text).chars().filter_map(|character| self.bytes(character)).flatten().collect()
    }

    fn printable_character(self, character: char) -> Option<char> {
        if self == Self::Unicode {
            return (!character.is_control()).then_some(character);
        }
        let character = match character {
            // The narrow signs have only four-byte codes, or one that differs between printers.
            '¥' => '￥',
            '£' => '￡',
            '¢' => '￠',
            '\u{a0}' | '\t' | '\n' => ' ',
            other => other,
        };
        if self.bytes(character).is_some() {
            return Some(character);
        }
        match (character.width(), self) {
            (None | Some(0), _) => None,
            (Some(1), _) | (_, Self::Ascii) => Some('?'),
            (Some(_), Self::Gb18030 | Self::Unicode) => Some('〓'),
        }
    }

    fn bytes(self, character: char) -> Option<Vec<u8>> {
        if character.is_ascii() {
            return (!character.is_ascii_control()).then(|| vec![character as u8]);
        }
        let mut utf8 = [0; 4];
        match self {
            Self::Ascii => return None,
            Self::Unicode => return Some(character.encode_utf8(&mut utf8).as_bytes().to_vec()),
            Self::Gb18030 => {}
        }
        let (bytes, _, replaced) = GB18030.encode(character.encode_utf8(&mut utf8));
        (bytes.len() == 2 && !replaced).then(|| bytes.into_owned())
    }
}

/// Columns of a printable text: an ASCII character is half as wide as any other.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Columns of one printable character.
pub const fn columns_of(character: char) -> usize {
    if character.is_ascii() { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_one_or_two_bytes_and_as_many_columns() {
        // Planes 4 to 13 have no characters, the last two are for private use: a piece stands for them.
        let planes = (0..=0x0003_FFFF).chain(0x000E_0000..=0x000E_0FFF).chain(0x0010_FF00..=0x0010_FFFF);
        for character in planes.filter_map(char::from_u32) {
            for charset in [Charset::Gb18030, Charset::Ascii] {
                let text = character.to_string();
                let bytes = charset.encode(&text);
                assert_eq!(bytes.len(), columns(&charset.printable(&text)), "{character:?}");
                assert!(bytes.len() <= 2, "{character:?}");
            }
        }
    }

    #[test]
    fn what_has_no_two_byte_code_is_replaced_visibly() {
        for (text, printable) in [
            ("老王小吃店 ¥12.34", "老王小吃店 ￥12.34"),
            ("€5 £6", "€5 ￡6"),
            ("奶茶🧋大杯", "奶茶〓大杯"),
            ("𠮷野家", "〓野家"),
            ("฿100", "?100"),
            ("👨‍👩‍👧", "〓〓〓"),
            ("a\u{1b}@b\r\nc", "a@b c"),
            ("café", "café"),
        ] {
            assert_eq!(Charset::Gb18030.printable(text), printable);
        }
        assert_eq!(Charset::Ascii.printable("¥5 茶"), "?5 ?");
    }

    #[test]
    fn bytes_are_those_of_gb18030() {
        assert_eq!(Charset::Gb18030.encode("中¥1"), [0xD6, 0xD0, 0xA3, 0xA4, b'1']);
        assert_eq!(Charset::Gb18030.encode("€"), [0xA2, 0xE3]);
    }
}
