//! Hexadecimal text, upper case, as keys, MACs and cryptograms are written in the field.

/// Text that is not an even number of hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not hexadecimal at character {offset}")]
pub struct HexError {
    /// Index of the first character that does not fit, counted from 0 without white space.
    pub offset: usize,
}

/// Upper-case digits, two for each byte.
pub fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 0x0F)]));
    }
    text
}

/// Reads digits of either case; white space between them is skipped.
///
/// # Errors
/// At the first character that is not a digit, or at the end of an odd number of them.
pub fn decode(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    let mut offset = 0;
    for character in text.chars().filter(|c| !c.is_whitespace()) {
        let digit = character.to_digit(16).ok_or(HexError { offset })? as u8;
        offset += 1;
        high = match high {
            None => Some(digit << 4),
            Some(high) => {
                bytes.push(high | digit);
                None
            }
        };
    }
    if high.is_some() { Err(HexError { offset }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        assert_eq!(decode("00 ff\nA5").unwrap(), [0x00, 0xFF, 0xA5]);
        assert_eq!(encode(&[0x00, 0xFF, 0xA5]), "00FFA5");
        assert_eq!(decode("0g"), Err(HexError { offset: 1 }));
        assert_eq!(decode("012"), Err(HexError { offset: 3 }));
    }
}
