//! The header of a key block (ANSI X9.143-2022, 6; ASC X9 TR 31-2018, 5): sixteen characters and the optional blocks. It
//! travels in the clear and is protected by the MAC.

use super::{KeyBlockError, Protection};

/// Characters before the optional blocks.
pub(super) const LENGTH: usize = 16;

/// The optional block that fills the others up to whole blocks of the cipher.
const PADDING: &str = "PB";

/// Characters that a block has at most: four digits say how many.
pub(super) const LONGEST: usize = 9999;

/// Optional blocks that a header has at most: two digits say how many.
pub(super) const MOST_BLOCKS: usize = 99;

/// What a key block says of its key. The fields are kept as they stand; whether a key may be used so, who uses it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// How the key is protected: version A, B, C or D.
    pub protection: Protection,
    /// What the key is for, as `P0` (PIN encryption) or `M3` (retail MAC).
    pub usage: String,
    /// What it is computed with: `A` AES, `T` TDES, `D` DES, `H` HMAC, …
    pub algorithm: char,
    /// What may be done with it: `E` encrypt, `D` decrypt, `B` both, `G`, `V`, `C`, `X` derive, `N` anything, …
    pub mode_of_use: char,
    /// Version of the key; `00` is none, `c` and a digit a component.
    pub key_version: String,
    /// Whether it may be passed on: `E`, `N` or `S`.
    pub exportability: char,
    /// Where the key stands in relation to others, `0` in version A to D of TR-31; a reserved character after it.
    pub context: String,
    /// Optional blocks in their order, padding among them.
    pub optional_blocks: Vec<OptionalBlock>,
}

/// An optional block: a serial number, a time stamp, a check value, a certificate, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionalBlock {
    /// Its name, two characters, as `KS` or `TS`.
    pub id: String,
    /// Its content, printable characters.
    pub content: String,
}

impl Header {
    /// Reads the header at the front of a key block, or a header alone; what follows it is left out. The length it gives
    /// is not looked at.
    ///
    /// # Errors
    /// At the first character that does not fit.
    pub fn parse(text: &str) -> Result<Self, KeyBlockError> {
        let (header, length) = Self::parse_front(text)?;
        if length < text.len() {
            return Err(KeyBlockError::Behind { offset: length, count: header.optional_blocks.len() });
        }
        Ok(header)
    }

    /// The header at the front of `text`, and how many characters it has.
    pub(super) fn parse_front(text: &str) -> Result<(Self, usize), KeyBlockError> {
        printable(text)?;
        let mut rest = Cursor { text, offset: 0 };
        let protection = match rest.take(1, "version")? {
            "A" => Protection::A,
            "B" => Protection::B,
            "C" => Protection::C,
            "D" => Protection::D,
            _ => return Err(KeyBlockError::Version { found: text.chars().next().unwrap_or(' ') }),
        };
        rest.take(4, "length")?;
        let usage = rest.take(2, "key usage")?.to_owned();
        let algorithm = rest.letter("algorithm")?;
        let mode_of_use = rest.letter("mode of use")?;
        let key_version = rest.take(2, "key version number")?.to_owned();
        let exportability = rest.letter("exportability")?;
        let count_offset = rest.offset;
        let count = rest.take(2, "number of optional blocks")?;
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(KeyBlockError::NotDigits { field: "number of optional blocks", offset: count_offset });
        }
        let context = rest.take(2, "reserved field")?.to_owned();
        if let Some(index) = text[..LENGTH].bytes().position(|byte| !byte.is_ascii_alphanumeric()) {
            return Err(KeyBlockError::Character { offset: index });
        }
        let count: usize = count.parse().unwrap_or(0);
        let optional_blocks = (0..count).map(|_| OptionalBlock::take(&mut rest)).collect::<Result<_, _>>()?;
        let header =
            Self { protection, usage, algorithm, mode_of_use, key_version, exportability, context, optional_blocks };
        Ok((header, rest.offset))
    }

    /// The header as text, for a block of `length` characters.
    pub(super) fn text(&self, length: usize) -> String {
        let mut text = format!(
            "{}{length:04}{}{}{}{}{}{:02}{}",
            self.protection.letter(),
            self.usage,
            self.algorithm,
            self.mode_of_use,
            self.key_version,
            self.exportability,
            self.optional_blocks.len(),
            self.context,
        );
        self.optional_blocks.iter().for_each(|block| block.write(&mut text));
        text
    }

    /// The same with its optional blocks filled up to whole blocks of the cipher (X9.143, 6.3.6.13).
    pub(super) fn padded(&self) -> Self {
        let mut padded = self.clone();
        padded.optional_blocks.retain(|block| block.id != PADDING);
        let mut text = String::new();
        padded.optional_blocks.iter().for_each(|block| block.write(&mut text));
        let cipher_block = self.protection.block_length();
        if !text.len().is_multiple_of(cipher_block) {
            // Name and length of the padding take four characters themselves.
            let zeros = (text.len() + 4).next_multiple_of(cipher_block) - text.len() - 4;
            padded.optional_blocks.push(OptionalBlock { id: PADDING.to_owned(), content: "0".repeat(zeros) });
        }
        padded
    }
}

impl OptionalBlock {
    /// Name, length in two hexadecimal digits, content; a longer one has `00`, the number of length digits, the length.
    /// All lengths count from the name on.
    fn take(rest: &mut Cursor<'_>) -> Result<Self, KeyBlockError> {
        let start = rest.offset;
        let id = rest.take(2, "name of an optional block")?.to_owned();
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(KeyBlockError::Character { offset: start });
        }
        let length = match rest.hexadecimal(2)? {
            0 => {
                let digits_offset = rest.offset;
                match rest.hexadecimal(2)? {
                    // X9.143 counts digits. TR-31 was also read as counting bytes: its two are four digits, and two
                    // digits would not have needed this form.
                    2 | 4 => rest.hexadecimal(4)?,
                    3 => rest.hexadecimal(3)?,
                    _ => return Err(KeyBlockError::OptionalBlock { id, offset: digits_offset }),
                }
            }
            short => short,
        };
        let head = rest.offset - start;
        let Some(left) = length.checked_sub(head) else {
            return Err(KeyBlockError::OptionalBlock { id, offset: start + 2 });
        };
        let content = rest.take(left, "content of an optional block")?.to_owned();
        Ok(Self { id, content })
    }

    fn write(&self, text: &mut String) {
        let short = 4 + self.content.len();
        text.push_str(&self.id);
        text.push_str(&if short <= 0xFF { format!("{short:02X}") } else { format!("0004{:04X}", short + 6) });
        text.push_str(&self.content);
    }
}

/// Printable ASCII only: from here on, characters are bytes.
fn printable(text: &str) -> Result<(), KeyBlockError> {
    match text.bytes().position(|byte| !(0x20..0x7F).contains(&byte)) {
        Some(offset) => Err(KeyBlockError::Character { offset }),
        None => Ok(()),
    }
}

/// Reads forward through printable ASCII and never past its end.
struct Cursor<'t> {
    text: &'t str,
    offset: usize,
}

impl<'t> Cursor<'t> {
    fn take(&mut self, length: usize, field: &'static str) -> Result<&'t str, KeyBlockError> {
        let ended = KeyBlockError::Ended { field, offset: self.text.len() };
        let taken = self.text.get(self.offset..self.offset + length).ok_or(ended)?;
        self.offset += length;
        Ok(taken)
    }

    fn letter(&mut self, field: &'static str) -> Result<char, KeyBlockError> {
        Ok(char::from(self.take(1, field)?.as_bytes()[0]))
    }

    fn hexadecimal(&mut self, length: usize) -> Result<usize, KeyBlockError> {
        const FIELD: &str = "length of an optional block";
        let offset = self.offset;
        let digits = self.take(length, FIELD)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = if is_number { usize::from_str_radix(digits, 16).ok() } else { None };
        number.ok_or(KeyBlockError::NotDigits { field: FIELD, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_and_written_the_same() {
        for text in ["B0016P0TE00N0000", "C0040B0TX12S0100KS1800604B120F9292800000", "D0032M3AC00E0200TT04PB0C00000000"]
        {
            let header = Header::parse(text).unwrap();
            assert_eq!(header.text(text.len()), text);
            assert_eq!(header.padded(), header);
        }
    }

    #[test]
    fn optional_blocks_are_filled_up_to_whole_blocks() {
        for (text, padded) in [
            ("B0000P0TE00N0100KS051", "B0032P0TE00N0200KS051PB0B0000000"),
            ("B0000P0TE00N0100KS04", "B0024P0TE00N0200KS04PB04"),
            ("D0000P0AE00N0100TS13180820123456Z00", "D0000P0AE00N0200TS13180820123456Z00PB0D000000000"),
            ("D0000P0AE00N0200KS04PB080000", "D0000P0AE00N0200KS04PB0C00000000"),
        ] {
            let header = Header::parse(text).unwrap().padded();
            let written = header.text(0);
            assert_eq!((&written[5..LENGTH], &written[LENGTH..]), (&padded[5..LENGTH], &padded[LENGTH..]), "{text}");
            assert!(written[LENGTH..].len().is_multiple_of(header.protection.block_length()));
        }
    }

    #[test]
    fn long_optional_blocks_are_read_in_both_forms_and_written_in_that_of_x9_143() {
        let content = "P".repeat(256);
        for (form, length) in [("0004", "010A"), ("0002", "010A"), ("0003", "109")] {
            let header = Header::parse(&format!("B0000P0TE00N0100KS{form}{length}{content}")).unwrap();
            assert_eq!(header.optional_blocks[0].content, content, "{form}");
            assert!(header.text(0).contains(&format!("KS0004010A{content}")));
        }
    }

    #[test]
    fn whatever_does_not_fit_is_refused_with_its_place() {
        for (text, said) in [
            ("", "offset 0"),
            ("X0016P0TE00N0000", "version"),
            ("B0016P0TE00N00", "offset 14"),
            ("B0016P0TE00N0X00", "offset 12"),
            ("B0016P0T-00N0000", "offset 8"),
            ("B0016P0TE00Nä000", "offset 12"),
            ("B0016P0TE00N0100", "offset 16"),
            ("B0016P0TE00N0100KS", "offset 18"),
            ("B0016P0TE00N0100KS-1", "offset 18"),
            ("B0016P0TE00N0100KS03", "offset 18"),
            ("B0016P0TE00N0100KS05", "offset 20"),
            ("B0016P0TE00N0100KS0005", "offset 20"),
            ("B0016P0TE00N0100KS00040009", "offset 18"),
            ("B0016P0TE00N0100K 04", "offset 16"),
            ("B0016P0TE00N0000KS0412", "counts 0 optional blocks and ends at offset 16"),
            ("B0016P0TE00N0100KS04P", "offset 20"),
        ] {
            let error = Header::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
