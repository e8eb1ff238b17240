//! How field 64 is made: the MAC algorithms that dialects name, each with its cipher, the keys it takes and their check value.

use serde::Deserialize;

use super::iso9797::{Padding, algorithm_1, algorithm_3};
use super::unionpay::{field_64, unionpay_block};
use crate::crypto::CryptoError;
use crate::crypto::aes::AesKey;
use crate::crypto::check_value::Method;
use crate::crypto::cipher::BlockKey;
use crate::crypto::sm4::Sm4Key;
use crate::crypto::tdes::{TdesKey, block};

/// A MAC algorithm of a dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// UnionPay-style ("ECB") with TDES: eight hexadecimal characters.
    #[default]
    Unionpay,
    /// The same with SM4.
    UnionpaySm4,
    /// ANSI X9.9: CBC with DES, padding with zeros.
    X99,
    /// ANSI X9.19: ISO/IEC 9797-1, algorithm 3, padding with zeros.
    X919,
    /// ISO/IEC 9797-1, algorithm 3, with a padding of its own.
    Iso97973(Padding),
    /// CMAC with AES (NIST SP 800-38B), the first eight bytes.
    AesCmac,
    /// CBC with SM4, padding with zeros, the first eight bytes.
    Sm4,
}

/// The block cipher of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cipher {
    /// DES and TDES.
    #[default]
    Tdes,
    /// AES.
    Aes,
    /// SM4.
    Sm4,
}

impl MacAlgorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Unionpay,
        Self::UnionpaySm4,
        Self::X99,
        Self::X919,
        Self::Iso97973(Padding::Zeros),
        Self::Iso97973(Padding::OneThenZeros),
        Self::Iso97973(Padding::LengthInFront),
        Self::AesCmac,
        Self::Sm4,
    ];

    /// The word of a dialect file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unionpay => "unionpay",
            Self::UnionpaySm4 => "unionpay-sm4",
            Self::X99 => "x9.9",
            Self::X919 => "x9.19",
            Self::Iso97973(Padding::Zeros) => "iso9797-3-padding-1",
            Self::Iso97973(Padding::OneThenZeros) => "iso9797-3-padding-2",
            Self::Iso97973(Padding::LengthInFront) => "iso9797-3-padding-3",
            Self::AesCmac => "aes-cmac",
            Self::Sm4 => "sm4",
        }
    }

    /// The algorithm of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == word)
    }

    /// The cipher of its keys.
    pub const fn cipher(self) -> Cipher {
        match self {
            Self::Unionpay | Self::X99 | Self::X919 | Self::Iso97973(_) => Cipher::Tdes,
            Self::AesCmac => Cipher::Aes,
            Self::UnionpaySm4 | Self::Sm4 => Cipher::Sm4,
        }
    }

    /// Bytes that its keys have.
    pub const fn key_lengths(self) -> &'static [usize] {
        match self {
            Self::Unionpay => &[8, 16, 24],
            Self::X99 => &[8],
            Self::X919 | Self::Iso97973(_) | Self::UnionpaySm4 | Self::Sm4 => &[16],
            Self::AesCmac => &[16, 24],
        }
    }

    /// A key for it.
    ///
    /// # Errors
    /// For a length that its keys do not have.
    pub fn key(self, bytes: &[u8]) -> Result<BlockKey, CryptoError> {
        if self.key_lengths().contains(&bytes.len()) {
            self.cipher().key(bytes)
        } else {
            Err(CryptoError::KeyLength { algorithm: self.word(), length: bytes.len(), allowed: self.key_lengths() })
        }
    }

    /// Field 64 over a message.
    ///
    /// # Errors
    /// When the key is one for something else.
    pub fn field_64(self, key: &BlockKey, message: &[u8]) -> Result<[u8; 8], CryptoError> {
        if Cipher::of(key) != self.cipher() {
            return Err(CryptoError::KeyLength {
                algorithm: self.word(),
                length: key.expose_bytes().len(),
                allowed: self.key_lengths(),
            });
        }
        match (self, key) {
            (Self::Unionpay | Self::UnionpaySm4, key) => field_64(&unionpay_block(key, message)?),
            (Self::X919, BlockKey::Tdes(key)) => algorithm_3(key, Padding::Zeros, message),
            (Self::Iso97973(padding), BlockKey::Tdes(key)) => algorithm_3(key, padding, message),
            (Self::AesCmac, key) => block(&key.cmac(message)?),
            (Self::X99 | Self::Sm4 | Self::X919 | Self::Iso97973(_), key) => {
                block(&algorithm_1(key, Padding::Zeros, message)?)
            }
        }
    }
}

impl Cipher {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tdes, Self::Aes, Self::Sm4];

    /// Bytes that its keys have.
    pub const fn key_lengths(self) -> &'static [usize] {
        match self {
            Self::Tdes => &[8, 16, 24],
            Self::Aes => &[16, 24, 32],
            Self::Sm4 => &[16],
        }
    }

    /// Bytes of a block.
    pub const fn block_length(self) -> usize {
        match self {
            Self::Tdes => 8,
            Self::Aes | Self::Sm4 => 16,
        }
    }

    /// The cipher of a key.
    pub const fn of(key: &BlockKey) -> Self {
        match key {
            BlockKey::Tdes(_) => Self::Tdes,
            BlockKey::Aes(_) => Self::Aes,
            BlockKey::Sm4(_) => Self::Sm4,
        }
    }

    /// A key of this cipher.
    ///
    /// # Errors
    /// For a length that it does not take.
    pub fn key(self, bytes: &[u8]) -> Result<BlockKey, CryptoError> {
        match self {
            Self::Tdes => TdesKey::new(bytes).map(BlockKey::Tdes),
            Self::Aes => AesKey::new(bytes).map(BlockKey::Aes),
            Self::Sm4 => Sm4Key::new(bytes).map(BlockKey::Sm4),
        }
    }

    /// How check values of its keys are computed.
    pub const fn check_value(self) -> Method {
        match self {
            Self::Tdes | Self::Sm4 => Method::EncryptedZeros,
            Self::Aes => Method::Cmac,
        }
    }

    /// What people call it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Tdes => "TDES",
            Self::Aes => "AES",
            Self::Sm4 => "SM4",
        }
    }

    /// The word in a dialect, and in a file of keys.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tdes => "tdes",
            Self::Aes => "aes",
            Self::Sm4 => "sm4",
        }
    }

    /// The cipher of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn made(algorithm: MacAlgorithm, key: &str, message: &[u8]) -> String {
        let key = algorithm.key(&hex::decode(key).unwrap()).unwrap();
        hex::encode(&algorithm.field_64(&key, message).unwrap())
    }

    /// ISO/IEC 9797-1, annex B (K = 0123456789ABCDEF, K' = FEDCBA9876543210), of which algorithm 1 shows four bytes; NIST SP
    /// 800-38B, D.1, example 2; the worked sample of UnionPay-style terminals.
    #[test]
    fn the_examples_of_the_standards() {
        let text = b"Now is the time for all ";
        assert!(made(MacAlgorithm::X99, "0123456789ABCDEF", text).starts_with("70A30640"));
        let both = "0123456789ABCDEFFEDCBA9876543210";
        for (algorithm, mac) in [
            (MacAlgorithm::X919, "A1C72E74EA3FA9B6"),
            (MacAlgorithm::Iso97973(Padding::Zeros), "A1C72E74EA3FA9B6"),
            (MacAlgorithm::Iso97973(Padding::OneThenZeros), "E9086230CA3BE796"),
            (MacAlgorithm::Iso97973(Padding::LengthInFront), "AB059463D7A7D170"),
        ] {
            assert_eq!(made(algorithm, both, text), mac, "{algorithm:?}");
        }
        let block = hex::decode("6BC1BEE22E409F96E93D7E117393172A").unwrap();
        assert_eq!(made(MacAlgorithm::AesCmac, "2B7E151628AED2A6ABF7158809CF4F3C", &block), "070A16B46B4D4144");
        let folded = hex::decode("1212B04E1227809C").unwrap();
        let mac = made(MacAlgorithm::Unionpay, "55036372B17543ECB173730768B8D6C4", &folded);
        assert_eq!(mac, hex::encode(b"5FE058DB"));
        // GB/T 32907, appendix A, example 1: of one block CBC is ECB.
        let key = "0123456789ABCDEFFEDCBA9876543210";
        assert_eq!(made(MacAlgorithm::Sm4, key, &hex::decode(key).unwrap()), "681EDF34D206965E");
    }

    #[test]
    fn a_cipher_takes_keys_of_its_lengths_only_and_its_blocks_are_as_long_as_it_says() {
        for cipher in Cipher::ALL {
            assert_eq!(Cipher::from_word(cipher.word()), Some(cipher));
            for length in 0..40 {
                let key = cipher.key(&vec![7; length]);
                assert_eq!(key.is_ok(), cipher.key_lengths().contains(&length), "{cipher:?} {length}");
                if let Ok(key) = key {
                    assert_eq!((key.block_length(), Cipher::of(&key)), (cipher.block_length(), cipher));
                }
            }
        }
    }

    #[test]
    fn every_algorithm_has_a_word_and_takes_its_own_keys_only() {
        for algorithm in MacAlgorithm::ALL {
            assert_eq!(MacAlgorithm::from_word(algorithm.word()), Some(algorithm));
            for length in 0..40 {
                let key = algorithm.key(&vec![7; length]);
                assert_eq!(key.is_ok(), algorithm.key_lengths().contains(&length), "{algorithm:?} {length}");
                let Ok(key) = key else { continue };
                for other in MacAlgorithm::ALL {
                    let fits = other.cipher() == algorithm.cipher();
                    assert!(fits || other.field_64(&key, b"0200").is_err(), "{algorithm:?} {other:?}");
                }
            }
        }
        assert_eq!(MacAlgorithm::from_word("X9.19"), None);
    }
}
