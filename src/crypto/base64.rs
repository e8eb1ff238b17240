//! Base 64 (RFC 4648, 4): one text for one row of bytes.

use openssl::base64::{decode_block, encode_block};

/// The text, with padding, in one line.
pub fn encode(bytes: &[u8]) -> String {
    encode_block(bytes)
}

/// Reads the text; nothing when it is none, or could be written in another way.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = decode_block(text).ok()?;
    // OpenSSL passes over blanks and over bits that mean nothing.
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, 10.
    #[test]
    fn the_examples_of_the_standard() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
    }

    #[test]
    fn there_is_one_text_only() {
        for text in ["Zh==", "Zg=", "Zg", " Zg==", "Zg==\n", "Zm 9v", "Zm9-", "====", "Zg==Zg=="] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
