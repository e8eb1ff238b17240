//! Characters and bytes of a receipt printer with Chinese characters in its memory.
//!
//! Such printers know the two-byte codes of GB18030 and nothing longer: a four-byte code comes out as rubbish. What has
//! no code of one or two bytes is therefore replaced where everybody sees it: 〓 for a wide character, ? for a narrow one.

use std::sync::OnceLock;

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
        let mut bytes = Vec::with_capacity(text.len());
        self.encode_into(text, &mut bytes);
        bytes
    }

    /// The same, behind what is there already.
    pub(super) fn encode_into(self, text: &str, bytes: &mut Vec<u8>) {
        let codes = codes();
        for character in text.chars() {
            self.encode_character(codes, character, bytes);
        }
    }

    /// One character of a text.
    pub(super) fn encode_character(self, codes: Codes, character: char, bytes: &mut Vec<u8>) {
        if matches!(character, ' '..='~') {
            bytes.push(character as u8);
        } else if let Some(code) = code_of(codes, character).filter(|_| self == Self::Gb18030) {
            bytes.extend_from_slice(&code);
        } else {
            self.encode_other(character, bytes);
        }
    }

    /// A character without a code of two bytes, or for another charset.
    #[cold]
    fn encode_other(self, character: char, bytes: &mut Vec<u8>) {
        let Some(printable) = self.printable_character(character) else { return };
        if self == Self::Unicode || printable.is_ascii() {
            bytes.extend(printable.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            bytes.extend(code_of(codes(), printable).into_iter().flatten());
        }
    }

    fn printable_character(self, character: char) -> Option<char> {
        if character.is_ascii() && !character.is_ascii_control() {
            return Some(character);
        }
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
        if character == ' ' || (self == Self::Gb18030 && code_of(codes(), character).is_some()) {
            return Some(character);
        }
        if character.is_ascii() {
            return None;
        }
        match (character.width(), self) {
            (None | Some(0), _) => None,
            (Some(1), _) | (_, Self::Ascii) => Some('?'),
            (Some(_), Self::Gb18030 | Self::Unicode) => Some('〓'),
        }
    }
}

/// The code of two bytes that GB18030 has for a character.
///
/// To look one up in the standard's own order is to go through half of it: a slip of Chinese characters then takes longer to encode
/// than to lay out. The codes are put in the order of the characters once, when the first slip is made.
fn code_of(codes: Codes, character: char) -> Option<[u8; 2]> {
    codes.get(character as usize).filter(|code| code[0] != 0).copied()
}

/// The codes by number of the character; two zeros where there is none.
pub(super) type Codes = &'static [[u8; 2]];

/// See [`code_of`].
pub(super) fn codes() -> Codes {
    static CODES: OnceLock<Vec<[u8; 2]>> = OnceLock::new();
    CODES.get_or_init(in_order_of_characters)
}

/// By number of the character, up to the last that has such a code.
fn in_order_of_characters() -> Vec<[u8; 2]> {
    let mut codes = vec![[0; 2]; 0x1_0000];
    for first in 0x81..=0xFE {
        for second in (0x40..=0x7E).chain(0x80..=0xFE) {
            let code = [first, second];
            let (text, wrong) = GB18030.decode_without_bom_handling(&code);
            let mut characters = text.chars();
            if let (Some(character), None, false) = (characters.next(), characters.next(), wrong)
                && let Some(place) = codes.get_mut(character as usize)
            {
                *place = code;
            }
        }
    }
    codes
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
    fn every_code_is_that_of_the_standard() {
        // In one text: the standard's own order is slow to look through.
        for character in ('\u{80}'..='\u{ffff}').filter(|character| code_of(codes(), *character).is_some()) {
            let code = code_of(codes(), character).unwrap();
            assert_eq!(GB18030.decode_without_bom_handling(&code).0, character.to_string());
        }
        let mut known = 0;
        // Characters for private use are none that a printer has.
        let public = ('\u{80}'..='\u{ffff}').filter(|character| !('\u{e000}'..='\u{f8ff}').contains(character));
        for character in public.step_by(3) {
            let text = character.to_string();
            let (standard, _, replaced) = GB18030.encode(&text);
            let standard = (standard.len() == 2 && !replaced).then(|| standard.into_owned());
            assert_eq!(code_of(codes(), character).map(|code| code.to_vec()), standard, "{character:?}");
            known += usize::from(standard.is_some());
        }
        assert!(known > 7000, "{known}");
    }

    #[test]
    fn bytes_are_those_of_gb18030() {
        assert_eq!(Charset::Gb18030.encode("中¥1"), [0xD6, 0xD0, 0xA3, 0xA4, b'1']);
        assert_eq!(Charset::Gb18030.encode("€"), [0xA2, 0xE3]);
    }
}
