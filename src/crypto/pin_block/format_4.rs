//! PIN block format 4 (ISO 9564-1:2017, 9.4.2): sixteen bytes under AES, bound to the card number by a second encryption.

use zeroize::Zeroizing;

use super::{PinBlockError, decimal, pin_field, read};
use crate::crypto::aes::{AesKey, BLOCK};
use crate::crypto::cipher::first;
use crate::pin::Pin;

/// Random bytes behind the PIN.
pub const RANDOM: usize = 8;

/// The enciphered block: the PIN field is encrypted, XORed with the card number, encrypted again.
///
/// # Errors
/// When the card number has not 1 to 19 digits.
pub fn encipher(
    key: &AesKey,
    pin: &Pin,
    card_number: &str,
    random: &[u8; RANDOM],
) -> Result<[u8; BLOCK], PinBlockError> {
    let account_number = account_number_field(card_number)?;
    let mut field = Zeroizing::new([0; BLOCK]);
    // Control 4, length, digits, filled with A; then the random bytes.
    field[..8].copy_from_slice(&*pin_field(4, pin, std::iter::repeat(0xA)));
    field[8..].copy_from_slice(random);
    let intermediate = key.encrypt_block(&field)?;
    Ok(key.encrypt_block(&xor(&intermediate, &account_number))?)
}

/// The PIN in an enciphered block.
///
/// # Errors
/// When it is none of this key and card number.
pub fn decipher(key: &AesKey, block: &[u8; BLOCK], card_number: &str) -> Result<Pin, PinBlockError> {
    let account_number = account_number_field(card_number)?;
    let intermediate = xor(&key.decrypt_block(block)?, &account_number);
    let field = Zeroizing::new(key.decrypt_block(&intermediate)?);
    read(&Zeroizing::new(first(field.as_slice())?), 4, |digit| digit == 0xA)
}

/// How many digits there are beyond twelve, the card number with its check digit, zeros behind it; a shorter number than
/// twelve digits has zeros in front.
fn account_number_field(card_number: &str) -> Result<Zeroizing<[u8; BLOCK]>, PinBlockError> {
    let digits = decimal(card_number, 1)?;
    let mut field = Zeroizing::new([0; BLOCK]);
    field[0] = (digits.len().saturating_sub(12) as u8) << 4;
    let zeros_in_front = 12_usize.saturating_sub(digits.len());
    for (index, digit) in (1 + zeros_in_front..).zip(digits.iter()) {
        field[index / 2] |= if index % 2 == 0 { digit << 4 } else { *digit };
    }
    Ok(field)
}

fn xor(one: &[u8; BLOCK], other: &[u8; BLOCK]) -> Zeroizing<[u8; BLOCK]> {
    Zeroizing::new(std::array::from_fn(|index| one[index] ^ other[index]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn pin(digits: &str) -> Pin {
        Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap()
    }

    fn key(text: &str) -> AesKey {
        AesKey::new(&hex::decode(text).unwrap()).unwrap()
    }

    #[test]
    fn the_card_number_stands_with_its_length_in_front() {
        for (number, field) in [
            ("112233445566778899", "61122334455667788990000000000000"),
            ("4111111111111111", "44111111111111111000000000000000"),
            ("123456789012", "01234567890120000000000000000000"),
            ("1", "00000000000010000000000000000000"),
        ] {
            assert_eq!(hex::encode(account_number_field(number).unwrap().as_slice()), field, "{number}");
        }
        for wrong in ["", "12345678901234567890", "1234A"] {
            assert!(account_number_field(wrong).is_err(), "{wrong}");
        }
    }

    /// ANSI X9.24-3:2017, supplement, AES PIN block of format 4 under the PIN key of transaction 1; then the vector of
    /// psec 1.3.0 (tests/test_pinblock.py) with random bytes of FF.
    #[test]
    fn blocks_of_public_vectors_are_made() {
        for (under, number, random, expected) in [
            (
                "AF8CB133A78F8DC2D1359F18527593FB",
                "4111111111111111",
                "2F69ADDE2E9E7ACE",
                "A912150391AB65A67E52883D81CE2D15",
            ),
            (
                "00112233445566778899AABBCCDDEEFF",
                "1234567890123456789",
                "FFFFFFFFFFFFFFFF",
                "28B41FDDD29B743E93124BD8E32D921E",
            ),
        ] {
            let random = hex::decode(random).unwrap().try_into().unwrap();
            let sealed = encipher(&key(under), &pin("1234"), number, &random).unwrap();
            assert_eq!(hex::encode(&sealed), expected);
            assert_eq!(decipher(&key(under), &sealed, number).unwrap(), pin("1234"));
        }
    }

    /// The first is that of the ep2 security specification 8.0.0, 8.4; both are in psec's tests.
    #[test]
    fn blocks_of_public_vectors_are_read() {
        for (under, number, block, digits) in [
            ("C1D0F8FB4958670DBA40AB1F3752EF0D", "432198765432109870", "CC17F65586BFD0953010226C4FC5B3CA", "1234"),
            ("00112233445566778899AABBCCDDEEFF", "1", "39B69B1B91FE05D48F7EF0D68EB2CBD6", "123456"),
        ] {
            let block = hex::decode(block).unwrap().try_into().unwrap();
            assert_eq!(decipher(&key(under), &block, number).unwrap(), pin(digits));
        }
    }

    /// Blocks of psec's tests, each with something else wrong.
    #[test]
    fn a_block_that_is_not_right_is_refused() {
        for (under, number, block, said) in [
            (
                "E60B15B90ABDF14CEE337C97440F0D6E",
                "4266229809609384667",
                "7D5AF4C33667A2098626027FB7A9A1B7",
                "is 3, not 4",
            ),
            (
                "C7BBEBA16C5AD97D5866450718C03750",
                "8220499325458689523",
                "2F9C910447F17293EC95DEDE1E3CA201",
                "is not decimal",
            ),
            (
                "820F6C7C12355BDFF1AB6CE12E8EED89",
                "939589847393485609",
                "CCF310A8300B46C925A86B1098089301",
                "is not filling",
            ),
            (
                "4FE3F0311936FBCE44F17159F1659CF09B2BF8913BB514A1",
                "2129100799029059903",
                "51334B00A6CBA3EC7B1C6F871F060AFC",
                "the PIN has 3 digits",
            ),
        ] {
            let block = hex::decode(block).unwrap().try_into().unwrap();
            let error = decipher(&key(under), &block, number).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
