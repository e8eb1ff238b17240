//! DUKPT with TDES (ANSI X9.24-1:2009, annex A): double-length keys, ten bytes of key serial number, of which the last 21
//! bits count transactions.

use zeroize::Zeroizing;

use super::{DukptError, Purpose, path, usable};
use crate::crypto::CryptoError;
use crate::crypto::tdes::TdesKey;

/// Bytes of a key serial number.
pub const SERIAL_NUMBER_LENGTH: usize = 10;

/// Bits of the transaction counter, and how many of them are ones at most.
const COUNTER_BITS: u32 = 21;
const MOST_ONES: u32 = 10;

/// What makes the second half of a key different from the first (A.2, A.6).
const HALVES: [u8; 16] = [0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0, 0xC0, 0xC0, 0xC0, 0xC0, 0, 0, 0, 0];

/// A key serial number: who the terminal is, and which transaction this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySerialNumber([u8; SERIAL_NUMBER_LENGTH]);

/// The key that was loaded into a terminal (IPEK). Masked.
#[derive(Clone, Debug)]
pub struct InitialKey(TdesKey);

/// The key of one transaction; only its variants are used. Masked.
#[derive(Clone, Debug)]
pub struct TransactionKey(TdesKey);

impl KeySerialNumber {
    /// Takes ten bytes; who has fewer fills them up with F from the left first.
    ///
    /// # Errors
    /// Any other length.
    pub fn new(bytes: &[u8]) -> Result<Self, DukptError> {
        let wrong = |_| DukptError::SerialNumber { expected: SERIAL_NUMBER_LENGTH, length: bytes.len() };
        bytes.try_into().map(Self).map_err(wrong)
    }

    /// The last 21 bits.
    pub fn counter(self) -> u32 {
        (self.right_half() & ((1 << COUNTER_BITS) - 1)) as u32
    }

    /// The eight bytes that are encrypted: all but the first two.
    fn right_half(self) -> u64 {
        self.0.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The first eight bytes, with a counter of zero (A.6).
    fn initial(self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h & 0xE0]
    }
}

impl InitialKey {
    /// Derives a terminal's initial key (A.6).
    ///
    /// # Errors
    /// When the base derivation key is not of double length.
    pub fn derive(base: &TdesKey, number: KeySerialNumber) -> Result<Self, DukptError> {
        if base.len() != 16 {
            return Err(CryptoError::KeyLength {
                algorithm: "DUKPT base derivation",
                length: base.len(),
                allowed: &[16],
            }
            .into());
        }
        let left = Zeroizing::new(base.encrypt_ecb(&number.initial())?);
        let right = Zeroizing::new(TdesKey::new(&masked(base, HALVES))?.encrypt_ecb(&number.initial())?);
        Ok(Self(joined(&left, &right)?))
    }

    /// Derives the key of the transaction that a serial number counts (A.3).
    ///
    /// # Errors
    /// When terminals never have this counter.
    pub fn transaction_key(&self, number: KeySerialNumber) -> Result<TransactionKey, DukptError> {
        let counter = usable(number.counter(), MOST_ONES)?;
        let terminal = number.right_half() & !((1 << COUNTER_BITS) - 1);
        let mut key = self.0.clone();
        for so_far in path(counter) {
            key = one_way(&key, terminal | u64::from(so_far))?;
        }
        Ok(TransactionKey(key))
    }

    /// The key itself.
    pub const fn key(&self) -> &TdesKey {
        &self.0
    }
}

impl TransactionKey {
    /// The variant for a purpose (A.4.1); a data key is encrypted with itself as well.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn working_key(&self, purpose: Purpose) -> Result<TdesKey, DukptError> {
        let place = match purpose {
            Purpose::Pin => 7,
            Purpose::MacRequest => 6,
            Purpose::MacResponse => 4,
            Purpose::DataRequest => 5,
            Purpose::DataResponse => 3,
        };
        let mask = std::array::from_fn(|index| if index % 8 == place { 0xFF } else { 0 });
        let variant = TdesKey::new(&masked(&self.0, mask))?;
        match purpose {
            Purpose::Pin | Purpose::MacRequest | Purpose::MacResponse => Ok(variant),
            Purpose::DataRequest | Purpose::DataResponse => {
                Ok(TdesKey::new(&Zeroizing::new(variant.encrypt_ecb(variant.expose_bytes())?))?)
            }
        }
    }

    /// The key itself.
    pub const fn key(&self) -> &TdesKey {
        &self.0
    }
}

/// The non-reversible key generation process (A.2): the half of each key encrypts what the other half hides.
fn one_way(key: &TdesKey, register: u64) -> Result<TdesKey, CryptoError> {
    joined(&half(&TdesKey::new(&masked(key, HALVES))?, register)?, &half(key, register)?)
}

fn half(key: &TdesKey, register: u64) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let right = &key.expose_bytes()[8..];
    let hidden = |block: &[u8]| Zeroizing::new(block.iter().zip(right).map(|(a, b)| a ^ b).collect::<Vec<u8>>());
    let sealed = Zeroizing::new(key.left_half()?.encrypt_ecb(&hidden(&register.to_be_bytes()))?);
    Ok(hidden(&sealed))
}

/// Both halves in one allocation: a vector that grows leaves what it was behind.
fn joined(left: &[u8], right: &[u8]) -> Result<TdesKey, CryptoError> {
    TdesKey::new(&Zeroizing::new([left, right].concat()))
}

fn masked(key: &TdesKey, mask: [u8; 16]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(key.expose_bytes().iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::cipher::BlockKey;
    use crate::crypto::hex;
    use crate::crypto::mac::iso9797::{Padding, algorithm_3};
    use crate::crypto::pin_block;
    use crate::pin::Pin;

    fn initial() -> InitialKey {
        let base = TdesKey::new(&hex::decode("0123456789ABCDEFFEDCBA9876543210").unwrap()).unwrap();
        InitialKey::derive(&base, number("FFFF9876543210E00001")).unwrap()
    }

    fn number(text: &str) -> KeySerialNumber {
        KeySerialNumber::new(&hex::decode(text).unwrap()).unwrap()
    }

    fn text(key: &TdesKey) -> String {
        hex::encode(key.expose_bytes())
    }

    /// ANSI X9.24-1:2009, A.4.2 and A.4.3: serial number, transaction key, encrypted PIN block (1234, 4012345678909),
    /// MACs of the request and of the response over "4012345678909D987" (four bytes).
    const SEQUENCES: [(&str, &str, &str, &str, &str); 12] = [
        ("FFFF9876543210E00001", "042666B49184CFA368DE9628D0397BC9", "1B9C1845EB993A7A", "9CCC7817", "20364223"),
        ("FFFF9876543210E00002", "C46551CEF9FD24B0AA9AD834130D3BC7", "10A01C8D02C69107", "F608A9BC", "D1FCA6BE"),
        ("FFFF9876543210E00003", "0DF3D9422ACA56E547676D07AD6BADFA", "18DC07B94797B466", "20B59A4F", "BAD4CC9C"),
        ("FFFF9876543210E00004", "279C0F6AEED0BE652B2C733E1383AE91", "0BC79509D5645DF7", "C7BFA6CC", "1EB08AEE"),
        ("FFFF9876543210E00007", "0C8F780B7C8B49D0AE84A9EB2A6CE660", "27711C16CB257F8E", "B11EB0D9", "053EFD39"),
        ("FFFF9876543210E0000F", "93DD5B956C4878472E453AAEFD32A5AA", "B170F6E7F7F2F64A", "82500D05", "AFE23CBA"),
        ("FFFF9876543210E00010", "59598DCBD9BD94C094165CE453585F57", "D5D9638559EF53D6", "D39D3A59", "9E933C88"),
        ("FFFF9876543210E00015", "E161D1956A61F6D2F37AFD7F9CC3699A", "72105C22EBC791E6", "B2033EBD", "BDA3AEE1"),
        ("FFFF9876543210EFF800", "F9CDFEBF4F5B1D9EB3EC12454527E176", "33365F5CC6F23C35", "23E3CB62", "5776C376"),
        ("FFFF9876543210EFF801", "5BEE92627E97825C911BF619DF72CA3B", "3A86BF003F835C9D", "97623632", "69D1EF47"),
        ("FFFF9876543210EFFC00", "F9430DF975082491C77BE4EF4FDB91EE", "DEFC6F09F8927B71", "2917C6EF", "AA8D2DA6"),
        ("FFFF9876543210F00000", "AA4D58DB653EC74A48C75F2F047DD2B5", "73EC88AD0AC5830E", "7DFA9315", "1444BEC3"),
    ];

    #[test]
    fn the_sequences_of_x9_24_1() {
        assert_eq!(text(initial().key()), "6AC292FAA1315B4D858AB3A3D7D5933A");
        let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
        let pin_block = pin_block::format_0(&pin, "4012345678909").unwrap();
        for (serial, transaction, sealed, request, response) in SEQUENCES {
            let key = initial().transaction_key(number(serial)).unwrap();
            assert_eq!(text(key.key()), transaction, "{serial}");
            let pin_key = key.working_key(Purpose::Pin).unwrap();
            assert_eq!(hex::encode(&pin_key.encrypt_ecb(&*pin_block).unwrap()), sealed, "{serial}");
            for (purpose, mac) in [(Purpose::MacRequest, request), (Purpose::MacResponse, response)] {
                let mac_key = key.working_key(purpose).unwrap();
                let whole = algorithm_3(&mac_key, Padding::Zeros, b"4012345678909D987").unwrap();
                assert_eq!(hex::encode(&whole[..4]), mac, "{serial}, {purpose:?}");
            }
        }
    }

    /// The same annex: the request "4012345678909D987" encrypted (CBC, zero padded). No response is shown there; its key
    /// was computed step by step with `openssl enc -des-ede`.
    #[test]
    fn data_keys_are_encrypted_with_themselves() {
        let key = initial().transaction_key(number("FFFF9876543210E00001")).unwrap();
        let mut request = b"4012345678909D987".to_vec();
        request.resize(24, 0);
        let data_key = BlockKey::Tdes(key.working_key(Purpose::DataRequest).unwrap());
        let sealed = hex::encode(&data_key.encrypt_cbc(&request).unwrap());
        assert_eq!(sealed, "FC0D53B7EA1FDA9EE68AAF2E70D9B9506229BE2AA993F04F");
        assert_eq!(text(&key.working_key(Purpose::DataResponse).unwrap()), "AD7BFC8B06AD3A08A560B4105CF8D9E5");
    }

    #[test]
    fn what_terminals_never_have_is_refused() {
        let key = initial();
        for serial in ["FFFF9876543210E00000", "FFFF9876543210FFFFFF"] {
            assert!(key.transaction_key(number(serial)).is_err(), "{serial}");
        }
        assert!(KeySerialNumber::new(&[0xFF; 8]).unwrap_err().to_string().contains("has 10 bytes, this has 8"));
        let single = TdesKey::new(&[7; 8]).unwrap();
        assert!(InitialKey::derive(&single, number("FFFF9876543210E00001")).is_err());
        assert_eq!(format!("{key:?}"), "InitialKey(TdesKey(16 bytes, masked))");
    }
}
