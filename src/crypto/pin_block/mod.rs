//! PIN blocks (ISO 9564-1:2017, 9.3 and 9.4): a PIN in the form in which it travels, and back.
//!
//! Formats 0 to 3 are clear blocks of eight bytes that are enciphered afterwards ([`encipher`]); [`format_4`] exists
//! enciphered only. Nothing here draws random digits: who encodes brings them.

pub mod format_4;

use std::iter;

use zeroize::Zeroizing;

use super::CryptoError;
use super::cipher::{BlockKey, first};
use crate::pin::Pin;

/// Bytes of a clear block.
pub const BLOCK: usize = 8;

/// Digits of a clear block after control digit and length.
const DIGITS: usize = 14;

/// Random digits that formats 1 and 3 take at most: those beside the shortest PIN.
pub const FILLING: usize = 10;

/// A clear PIN block.
pub type ClearBlock = Zeroizing<[u8; BLOCK]>;

/// Why there is no PIN block, or no PIN in one. No digit of a PIN or a card number is ever part of the message; places
/// are hexadecimal digits, counted from 0.
#[derive(Debug, thiserror::Error)]
pub enum PinBlockError {
    /// The digit that names the format.
    #[error("digit 0 of the block is {found:X}, not {expected}: another format, key or card number")]
    Control {
        /// What it is.
        found: u8,
        /// What it should be.
        expected: u8,
    },
    /// A length that no PIN has.
    #[error("digit 1 of the block says that the PIN has {0} digits; it has 4 to 12: another key or card number")]
    Length(u8),
    /// Something else than a decimal digit where the PIN is.
    #[error("digit {0} of the block belongs to the PIN and is not decimal: another key or card number")]
    Digit(usize),
    /// Something else than filling behind the PIN.
    #[error("digit {0} of the block is not filling: another key or card number")]
    Filling(usize),
    /// Not a card number that the format takes.
    #[error("the card number has to be {least} to 19 decimal digits, this has {length} characters")]
    CardNumber {
        /// Digits that it has at least.
        least: usize,
        /// Characters that it has.
        length: usize,
    },
    /// Random digits that the format does not take.
    #[error("the filling of format 3 consists of A to F only")]
    WrongFilling,
    /// Formats 0 to 3 are not enciphered with AES.
    #[error("formats 0 to 3 are enciphered with TDES or SM4; AES takes format 4")]
    NotWithAes,
    /// The computation itself.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Format 0: control `0`, length, digits, filled with F; XORed with the card number (ISO 9564-1, 9.3.2).
///
/// # Errors
/// When the card number has not 12 to 19 digits.
pub fn format_0(pin: &Pin, card_number: &str) -> Result<ClearBlock, PinBlockError> {
    with_card_number(&pin_field(0, pin, iter::repeat(0xF)), card_number)
}

/// Format 1, for when there is no card number: control `1`, length, digits, filled with digits that differ from one
/// transaction to the next (9.3.3). Of each byte of the filling the right half counts.
pub fn format_1(pin: &Pin, filling: &[u8; FILLING]) -> ClearBlock {
    pin_field(1, pin, filling.iter().map(|digit| digit & 0x0F))
}

/// Format 2, for the card that checks the PIN itself: control `2`, length, digits, filled with F (9.3.4; EMV 4.4 Book 3,
/// 6.5.12).
pub fn format_2(pin: &Pin) -> ClearBlock {
    pin_field(2, pin, iter::repeat(0xF))
}

/// Format 3: as format 0, filled with random digits A to F (9.3.5).
///
/// # Errors
/// When the card number has not 12 to 19 digits, or the filling is not ten values from 10 to 15.
pub fn format_3(pin: &Pin, card_number: &str, filling: &[u8; FILLING]) -> Result<ClearBlock, PinBlockError> {
    if !filling.iter().all(|digit| (0xA..=0xF).contains(digit)) {
        return Err(PinBlockError::WrongFilling);
    }
    with_card_number(&pin_field(3, pin, filling.iter().copied()), card_number)
}

/// The PIN in a block of format 0.
///
/// # Errors
/// When it is none of this format and card number.
pub fn read_format_0(block: &[u8; BLOCK], card_number: &str) -> Result<Pin, PinBlockError> {
    read(&*with_card_number(block, card_number)?, 0, |digit| digit == 0xF)
}

/// The PIN in a block of format 1.
///
/// # Errors
/// When it is none of this format.
pub fn read_format_1(block: &[u8; BLOCK]) -> Result<Pin, PinBlockError> {
    read(block, 1, |_| true)
}

/// The PIN in a block of format 2.
///
/// # Errors
/// When it is none of this format.
pub fn read_format_2(block: &[u8; BLOCK]) -> Result<Pin, PinBlockError> {
    read(block, 2, |digit| digit == 0xF)
}

/// The PIN in a block of format 3.
///
/// # Errors
/// When it is none of this format and card number.
pub fn read_format_3(block: &[u8; BLOCK], card_number: &str) -> Result<Pin, PinBlockError> {
    read(&*with_card_number(block, card_number)?, 3, |digit| digit >= 0xA)
}

/// Enciphers a clear block. SM4 has blocks of sixteen bytes: eight zeros follow, as UnionPay-style terminals do it.
///
/// # Errors
/// With AES, which takes format 4 only.
pub fn encipher(key: &BlockKey, block: &[u8; BLOCK]) -> Result<Vec<u8>, PinBlockError> {
    let mut whole = Zeroizing::new(block.to_vec());
    match key {
        BlockKey::Tdes(_) => {}
        BlockKey::Sm4(_) => whole.resize(16, 0),
        BlockKey::Aes(_) => return Err(PinBlockError::NotWithAes),
    }
    Ok(key.encrypt_ecb(&whole)?)
}

/// The clear block in an enciphered one.
///
/// # Errors
/// With AES; when the block is not as long as the key's; with SM4 when other than zeros follow the clear block.
pub fn decipher(key: &BlockKey, block: &[u8]) -> Result<ClearBlock, PinBlockError> {
    if let BlockKey::Aes(_) = key {
        return Err(PinBlockError::NotWithAes);
    }
    if block.len() != key.block_length() {
        return Err(CryptoError::DataLength { what: "a PIN block under this key", length: block.len() }.into());
    }
    let whole = Zeroizing::new(key.decrypt_ecb(block)?);
    match whole[BLOCK..].iter().position(|byte| *byte != 0) {
        Some(index) => Err(PinBlockError::Filling(2 * (BLOCK + index))),
        None => Ok(Zeroizing::new(first(&whole)?)),
    }
}

/// A PIN as it travels to the issuer: a block of format 0 under a key of TDES or SM4, one of format 4 under a key of AES. Only
/// format 4 takes the random bytes.
///
/// # Errors
/// When the card number has not 12 to 19 digits.
pub fn seal(
    key: &BlockKey,
    pin: &Pin,
    card_number: &str,
    random: &[u8; format_4::RANDOM],
) -> Result<Vec<u8>, PinBlockError> {
    match key {
        BlockKey::Tdes(_) | BlockKey::Sm4(_) => encipher(key, &*format_0(pin, card_number)?),
        BlockKey::Aes(key) => {
            decimal(card_number, 12)?;
            Ok(format_4::encipher(key, pin, card_number, random)?.to_vec())
        }
    }
}

/// The PIN in what [`seal`] made.
///
/// # Errors
/// When it was not made under this key and for this card number.
pub fn open(key: &BlockKey, block: &[u8], card_number: &str) -> Result<Pin, PinBlockError> {
    match key {
        BlockKey::Tdes(_) | BlockKey::Sm4(_) => read_format_0(&*decipher(key, block)?, card_number),
        BlockKey::Aes(key) => {
            let wrong = CryptoError::DataLength { what: "a PIN block under this key", length: block.len() };
            format_4::decipher(key, block.try_into().map_err(|_| wrong)?, card_number)
        }
    }
}

/// Control digit, length, digits, filling: what all formats begin with.
fn pin_field(control: u8, pin: &Pin, filling: impl Iterator<Item = u8>) -> ClearBlock {
    let digits = pin.expose_digits();
    let mut field = Zeroizing::new([0; BLOCK]);
    field[0] = control << 4 | digits.len() as u8;
    let content = digits.iter().map(|digit| digit - b'0').chain(filling).take(DIGITS);
    for (index, digit) in content.enumerate() {
        field[1 + index / 2] |= if index % 2 == 0 { digit << 4 } else { digit };
    }
    field
}

/// XORs a block with four zeros and the twelve digits before the check digit, with zeros in front when there are fewer
/// (9.3.2.3). Done twice it changes nothing.
fn with_card_number(block: &[u8; BLOCK], card_number: &str) -> Result<ClearBlock, PinBlockError> {
    let digits = decimal(card_number, 12)?;
    let before_check = &digits[..digits.len() - 1];
    let shown = &before_check[before_check.len().saturating_sub(12)..];
    let mut mixed = Zeroizing::new(*block);
    for (index, digit) in (16 - shown.len()..).zip(shown) {
        mixed[index / 2] ^= if index % 2 == 0 { digit << 4 } else { *digit };
    }
    Ok(mixed)
}

/// The digits of a card number as numbers.
fn decimal(card_number: &str, least: usize) -> Result<Zeroizing<Vec<u8>>, PinBlockError> {
    let digits = card_number.as_bytes();
    if !(least..=19).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(PinBlockError::CardNumber { least, length: card_number.chars().count() });
    }
    Ok(Zeroizing::new(digits.iter().map(|digit| digit - b'0').collect()))
}

/// The PIN in a clear field of any format, when all of it is as it should be.
fn read(field: &[u8; BLOCK], control: u8, is_filling: impl Fn(u8) -> bool) -> Result<Pin, PinBlockError> {
    let (found, length) = (field[0] >> 4, field[0] & 0x0F);
    if found != control {
        return Err(PinBlockError::Control { found, expected: control });
    }
    if !(4..=12).contains(&length) {
        return Err(PinBlockError::Length(length));
    }
    let mut digits = Zeroizing::new(Vec::with_capacity(DIGITS));
    for index in 0..DIGITS {
        let byte = field[1 + index / 2];
        let digit = if index % 2 == 0 { byte >> 4 } else { byte & 0x0F };
        match index < usize::from(length) {
            true if digit > 9 => return Err(PinBlockError::Digit(2 + index)),
            true => digits.push(b'0' + digit),
            false if !is_filling(digit) => return Err(PinBlockError::Filling(2 + index)),
            false => {}
        }
    }
    Pin::new(digits).map_err(|_| PinBlockError::Length(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::aes::AesKey;
    use crate::crypto::hex;
    use crate::crypto::sm4::Sm4Key;
    use crate::crypto::tdes::TdesKey;

    fn pin(digits: &str) -> Pin {
        Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap()
    }

    fn block(text: &str) -> [u8; BLOCK] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    /// Blocks of format 0, 2 and 3 from the tests of psec 1.3.0 (tests/test_pinblock.py); the first of format 0 is that
    /// of ANSI X9.24-1:2009, A.4. Format 1 as ISO 9564-1, 9.3.3 describes it.
    #[test]
    fn blocks_of_public_vectors_are_made_and_read() {
        let number = "5555555551234567";
        let filling = [0xA, 0xB, 0xC, 0xD, 0xE, 0xF, 0xA, 0xB, 0xC, 0xD];
        for (digits, card_number, expected) in [
            ("1234", "4012345678909", "041274EDCBA9876F"),
            ("1234", number, "041261AAAAEDCBA9"),
            ("123456789", number, "091261032D8DCBA9"),
            ("123456789012", number, "0C1261032D8226A9"),
            // Eleven digits before the check digit: a zero stands in front.
            ("1234", "123456789012", "041235DCBA9876FE"),
        ] {
            let made = format_0(&pin(digits), card_number).unwrap();
            assert_eq!(hex::encode(&*made), expected);
            assert_eq!(read_format_0(&made, card_number).unwrap(), pin(digits));
        }
        for (digits, expected) in
            [("1234", "241234FFFFFFFFFF"), ("12345", "2512345FFFFFFFFF"), ("123456789012", "2C123456789012FF")]
        {
            assert_eq!(hex::encode(&*format_2(&pin(digits))), expected);
            assert_eq!(read_format_2(&block(expected)).unwrap(), pin(digits));
        }
        assert_eq!(hex::encode(&*format_1(&pin("12345"), &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])), "1512345012345678");
        assert_eq!(read_format_1(&block("1512345012345678")).unwrap(), pin("12345"));
        let made = format_3(&pin("1234"), number, &filling).unwrap();
        assert_eq!(hex::encode(&*made), "341261FE98FD9F9B");
        assert_eq!(read_format_3(&made, number).unwrap(), pin("1234"));
        assert_eq!(read_format_3(&block("391261032D8DCBA9"), number).unwrap(), pin("123456789"));
    }

    /// Places and reasons; the blocks are those of psec's tests, which refuses them as well.
    #[test]
    fn a_block_that_is_not_right_is_refused_with_its_place() {
        let number = "5555555551234567";
        for (text, said) in [
            ("241261AAAAEDCBA9", "digit 0 of the block is 2, not 0"),
            ("0F1261AAAAEDCBA9", "the PIN has 15 digits"),
            ("021261AAAAEDCBA9", "the PIN has 2 digits"),
            ("051261AAAAEDCBA9", "digit 6 of the block belongs to the PIN"),
            ("041261AAAAEDCBAA", "digit 15 of the block is not filling"),
        ] {
            let error = read_format_0(&block(text), number).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(read_format_2(&block("2C123456789012CF")).is_err());
        assert!(read_format_3(&block("341261AAAAEDCBA2"), number).is_err());
        for wrong in ["55555555555", "5555555551234567890123", "55555555512345A7", "五五五五"] {
            assert!(matches!(format_0(&pin("1234"), wrong), Err(PinBlockError::CardNumber { .. })), "{wrong}");
        }
        assert!(format_3(&pin("1234"), number, &[9; FILLING]).is_err());
    }

    /// With SM4: the worked sample of a public post (PIN 123456, card number 640300772688 before its check digit).
    #[test]
    fn enciphered_blocks_come_back() {
        let sm4 = BlockKey::Sm4(Sm4Key::new(&hex::decode("F351D490994603795C6EBEE8FAEBB481").unwrap()).unwrap());
        let clear = format_0(&pin("123456"), "6403007726881").unwrap();
        assert_eq!(hex::encode(&*clear), "06125055FF88D977");
        let sealed = encipher(&sm4, &clear).unwrap();
        assert_eq!(hex::encode(&sealed), "E639B7346D93D4ECE1E991CDCC84936E");
        assert_eq!(decipher(&sm4, &sealed).unwrap(), clear);
        let tdes = BlockKey::Tdes(TdesKey::new(&[7; 16]).unwrap());
        assert_eq!(decipher(&tdes, &encipher(&tdes, &clear).unwrap()).unwrap(), clear);
        // Another key leaves no zeros; another length is no block; AES takes format 4.
        let other = BlockKey::Sm4(Sm4Key::new(&[7; 16]).unwrap());
        assert!(matches!(decipher(&other, &sealed), Err(PinBlockError::Filling(_))));
        assert!(decipher(&tdes, &sealed).is_err());
        let aes = BlockKey::Aes(AesKey::new(&[7; 16]).unwrap());
        assert!(encipher(&aes, &clear).is_err() && decipher(&aes, &sealed).is_err());
    }
}
