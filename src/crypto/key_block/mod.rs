//! Key blocks (ANSI X9.143-2022; ASC X9 TR 31-2018): a key under another one, bound to a header that says what it is for.
//!
//! Versions A and C use variants of the protection key, B and D derive two keys from it: one encrypts, one makes the
//! MAC. Nothing is read of a block before its MAC is right. Nothing here draws the random padding: who wraps brings it.

mod header;
mod protection;

use std::fmt;

use zeroize::Zeroizing;

pub use header::{Header, OptionalBlock};
pub use protection::Protection;

use super::{CryptoError, hex, mac};
use protection::ProtectionKeys;

/// Bytes in front of the key that say how many bits it has.
const LENGTH_FIELD: usize = 2;

/// A key that came out of a key block, with what the block says of it. The key is masked.
#[derive(Clone)]
pub struct UnwrappedKey {
    /// What the block says of the key.
    pub header: Header,
    /// The key.
    pub key: Zeroizing<Vec<u8>>,
}

/// Why a key block cannot be read or made. Offsets are characters of the block, counted from 0.
#[derive(Debug, thiserror::Error)]
pub enum KeyBlockError {
    /// The first character.
    #[error("version {found:?} at offset 0 of the key block is not A, B, C or D")]
    Version {
        /// What it is.
        found: char,
    },
    /// The end came too early.
    #[error("the key block ends at offset {offset}, within the {field}")]
    Ended {
        /// What should stand there.
        field: &'static str,
        /// Where it ends.
        offset: usize,
    },
    /// A character that has no place there.
    #[error("the character at offset {offset} of the key block does not belong there")]
    Character {
        /// Where it is.
        offset: usize,
    },
    /// Something else than a number.
    #[error("the {field} at offset {offset} of the key block is not a number")]
    NotDigits {
        /// What should be a number.
        field: &'static str,
        /// Where it is.
        offset: usize,
    },
    /// The length in the header.
    #[error("the header says at offset 1 that the key block has {said} characters, it has {is}")]
    Length {
        /// What the header says.
        said: String,
        /// How many there are.
        is: usize,
    },
    /// The length of an optional block.
    #[error("optional block {id} has a length at offset {offset} of the key block that it cannot have")]
    OptionalBlock {
        /// Name of the block.
        id: String,
        /// Where its length is.
        offset: usize,
    },
    /// Something behind the header that would be lost.
    #[error("the header counts {count} optional blocks and ends at offset {offset}, but there is more")]
    Behind {
        /// Where it ends.
        offset: usize,
        /// Optional blocks that it counts.
        count: usize,
    },
    /// What is encrypted has to be whole blocks, and at least one.
    #[error("{length} bytes after offset {offset} of the key block are not whole blocks of the cipher")]
    NotWholeBlocks {
        /// Where the encrypted key begins.
        offset: usize,
        /// Bytes there are.
        length: usize,
    },
    /// The MAC is wrong: nothing of the block can be trusted.
    #[error("the MAC at offset {offset} of the key block is wrong: another protection key, or the block was changed")]
    Mac {
        /// Where the MAC begins.
        offset: usize,
    },
    /// The MAC is right, and yet the content is no key.
    #[error("the block says that its key has {0} bits, which it cannot have")]
    KeyBits(usize),
    /// A key that does not fit into a block.
    #[error("a key block of {0} characters is too long: 9999 are the most")]
    TooLong(usize),
    /// More optional blocks than two digits can count.
    #[error("a key block has at most 99 optional blocks, this would have {0}")]
    TooManyBlocks(usize),
    /// A key without a byte.
    #[error("there is no key to wrap")]
    NoKey,
    /// Padding that is too short.
    #[error("{needed} bytes of padding are needed, {given} are there")]
    Padding {
        /// Bytes needed.
        needed: usize,
        /// Bytes there are.
        given: usize,
    },
    /// The computation itself.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Takes a key out of a key block.
///
/// # Errors
/// At the first character that does not fit, and when the MAC is wrong.
pub fn unwrap(protection_key: &[u8], block: &str) -> Result<UnwrappedKey, KeyBlockError> {
    let (header, start) = Header::parse_front(block)?;
    let said = &block[1..5];
    if said.parse() != Ok(block.len()) {
        return Err(KeyBlockError::Length { said: said.to_owned(), is: block.len() });
    }
    let protection = header.protection;
    let mac_start = block.len().checked_sub(2 * protection.mac_length()).filter(|mac_start| *mac_start >= start);
    let mac_start = mac_start.ok_or(KeyBlockError::Ended { field: "MAC", offset: block.len() })?;
    let sealed = bytes(block, start, mac_start)?;
    let given_mac = bytes(block, mac_start, block.len())?;
    if sealed.is_empty() || !sealed.len().is_multiple_of(protection.block_length()) {
        return Err(KeyBlockError::NotWholeBlocks { offset: start, length: sealed.len() });
    }

    let keys = ProtectionKeys::derive(protection, protection_key)?;
    let clear = keys.decrypt(&block[..start], &given_mac, &sealed)?;
    let right_mac = keys.mac(&block[..start], &clear, &sealed)?;
    if !mac::equal(&right_mac, &given_mac) {
        return Err(KeyBlockError::Mac { offset: mac_start });
    }
    let bits = usize::from(clear[0]) << 8 | usize::from(clear[1]);
    let key = clear.get(LENGTH_FIELD..LENGTH_FIELD + bits / 8).filter(|key| bits.is_multiple_of(8) && !key.is_empty());
    let key = key.ok_or(KeyBlockError::KeyBits(bits))?;
    Ok(UnwrappedKey { header, key: Zeroizing::new(key.to_vec()) })
}

/// Bytes of padding that [`wrap`] takes for a key: those that fill the last block of the cipher, and those that make the
/// key look as if it had `shown_length` bytes. X9.143 has a TDES key look like 24 bytes, an AES key like 32.
pub fn padding_length(protection: Protection, key_length: usize, shown_length: usize) -> usize {
    let shown = LENGTH_FIELD + shown_length.max(key_length);
    shown.next_multiple_of(protection.block_length()) - LENGTH_FIELD - key_length
}

/// Puts a key into a key block. The header's optional blocks are filled up with `PB` as needed; the padding is random,
/// [`padding_length`] says how much.
///
/// # Errors
/// When the padding has another length, or the block would be too long.
pub fn wrap(protection_key: &[u8], header: &Header, key: &[u8], padding: &[u8]) -> Result<String, KeyBlockError> {
    let protection = header.protection;
    if key.is_empty() {
        return Err(KeyBlockError::NoKey);
    }
    let mut clear = Zeroizing::new(Vec::with_capacity(LENGTH_FIELD + key.len() + padding.len()));
    let bits = u16::try_from(8 * key.len()).map_err(|_| KeyBlockError::TooLong(2 * key.len()))?;
    clear.extend(bits.to_be_bytes());
    clear.extend(key);
    clear.extend(padding);
    if !clear.len().is_multiple_of(protection.block_length()) {
        let needed = padding_length(protection, key.len(), key.len());
        return Err(KeyBlockError::Padding { needed, given: padding.len() });
    }

    let header = header.padded();
    if header.optional_blocks.len() > header::MOST_BLOCKS {
        return Err(KeyBlockError::TooManyBlocks(header.optional_blocks.len()));
    }
    let length = header.text(0).len() + 2 * (clear.len() + protection.mac_length());
    if length > header::LONGEST {
        return Err(KeyBlockError::TooLong(length));
    }
    let keys = ProtectionKeys::derive(protection, protection_key)?;
    let text = header.text(length);
    let (sealed, mac) = keys.seal(&text, &clear)?;
    Ok(format!("{text}{}{}", hex::encode(&sealed), hex::encode(&mac)))
}

fn bytes(block: &str, from: usize, to: usize) -> Result<Vec<u8>, KeyBlockError> {
    let text = &block[from..to];
    if let Some(index) = text.bytes().position(|byte| !byte.is_ascii_hexdigit()) {
        return Err(KeyBlockError::Character { offset: from + index });
    }
    hex::decode(text).map_err(|error| KeyBlockError::Character { offset: from + error.offset })
}

/// Shows the header only.
impl fmt::Debug for UnwrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnwrappedKey({:?}, {} bytes, masked)", self.header, self.key.len())
    }
}

#[cfg(test)]
mod tests;
