//! DUKPT with AES (ANSI X9.24-3:2017): base derivation keys of 128, 192 or 256 bits, twelve bytes of key serial number, of
//! which the last four count transactions.

use zeroize::Zeroizing;

use super::{DukptError, Purpose, path, usable};
use crate::crypto::CryptoError;
use crate::crypto::aes::{AesKey, BLOCK};

/// Bytes of a key serial number.
pub const SERIAL_NUMBER_LENGTH: usize = 12;

/// Ones that a transaction counter has at most.
const MOST_ONES: u32 = 16;

/// A key serial number: the identifier of a terminal's initial key (8), and the transaction counter (4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySerialNumber([u8; SERIAL_NUMBER_LENGTH]);

/// The key that was loaded into a terminal, as long as the base derivation key. Masked.
#[derive(Clone, Debug)]
pub struct InitialKey(AesKey);

/// The key of one transaction; only working keys are derived from it. Masked.
#[derive(Clone, Debug)]
pub struct TransactionKey {
    key: AesKey,
    number: KeySerialNumber,
}

/// What a working key is for (6.3.2, table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Encrypts other keys.
    KeyEncryption,
    /// Encrypts PIN blocks.
    PinEncryption,
    /// Makes MACs.
    MacGeneration,
    /// Checks MACs.
    MacVerification,
    /// Makes and checks MACs.
    MacBothWays,
    /// Encrypts data.
    DataEncryption,
    /// Decrypts data.
    DataDecryption,
    /// Encrypts and decrypts data.
    DataBothWays,
}

/// What a working key is computed with later (6.3.2, table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// TDES, 16 bytes.
    Tdes2,
    /// TDES, 24 bytes.
    Tdes3,
    /// AES, 16 bytes.
    Aes128,
    /// AES, 24 bytes.
    Aes192,
    /// AES, 32 bytes.
    Aes256,
}

impl From<Purpose> for Usage {
    /// Who sends makes what the other side checks: a terminal generates the MAC of a request and verifies a response's.
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Pin => Self::PinEncryption,
            Purpose::MacRequest => Self::MacGeneration,
            Purpose::MacResponse => Self::MacVerification,
            Purpose::DataRequest => Self::DataEncryption,
            Purpose::DataResponse => Self::DataDecryption,
        }
    }
}

impl Usage {
    const fn indicator(self) -> u16 {
        match self {
            Self::KeyEncryption => 0x0002,
            Self::PinEncryption => 0x1000,
            Self::MacGeneration => 0x2000,
            Self::MacVerification => 0x2001,
            Self::MacBothWays => 0x2002,
            Self::DataEncryption => 0x3000,
            Self::DataDecryption => 0x3001,
            Self::DataBothWays => 0x3002,
        }
    }
}

/// Indicators of keys that only make other keys.
const KEY_DERIVATION: u16 = 0x8000;
const INITIAL_KEY_DERIVATION: u16 = 0x8001;

impl KeyType {
    /// The AES type of a key of this many bytes.
    const fn aes(length: usize) -> Self {
        match length {
            16 => Self::Aes128,
            24 => Self::Aes192,
            _ => Self::Aes256,
        }
    }

    /// Bytes of such a key.
    pub const fn length(self) -> usize {
        match self {
            Self::Tdes2 | Self::Aes128 => 16,
            Self::Tdes3 | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    const fn indicator(self) -> u16 {
        match self {
            Self::Tdes2 => 0,
            Self::Tdes3 => 1,
            Self::Aes128 => 2,
            Self::Aes192 => 3,
            Self::Aes256 => 4,
        }
    }

    /// TDES is weaker than any AES, however long its key.
    const fn is_stronger_than(self, base: &AesKey) -> bool {
        match self {
            Self::Tdes2 | Self::Tdes3 => false,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => self.length() > base.len(),
        }
    }
}

impl KeySerialNumber {
    /// Takes twelve bytes.
    ///
    /// # Errors
    /// Any other length.
    pub fn new(bytes: &[u8]) -> Result<Self, DukptError> {
        let wrong = |_| DukptError::SerialNumber { expected: SERIAL_NUMBER_LENGTH, length: bytes.len() };
        bytes.try_into().map(Self).map_err(wrong)
    }

    /// The last four bytes.
    pub const fn counter(self) -> u32 {
        let [.., a, b, c, d] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The identifier of the initial key.
    const fn initial(self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }

    /// The right half of that identifier with a counter.
    fn with_counter(self, counter: u32) -> [u8; 8] {
        let mut context = [0; 8];
        context[..4].copy_from_slice(&self.0[4..8]);
        context[4..].copy_from_slice(&counter.to_be_bytes());
        context
    }
}

impl InitialKey {
    /// Derives a terminal's initial key (6.3.3).
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn derive(base: &AesKey, number: KeySerialNumber) -> Result<Self, DukptError> {
        let key = derived(base, INITIAL_KEY_DERIVATION, KeyType::aes(base.len()), number.initial())?;
        Ok(Self(AesKey::new(&key)?))
    }

    /// Derives the key of the transaction that a serial number counts (6.1).
    ///
    /// # Errors
    /// When terminals never have this counter.
    pub fn transaction_key(&self, number: KeySerialNumber) -> Result<TransactionKey, DukptError> {
        let counter = usable(number.counter(), MOST_ONES)?;
        let mut key = self.0.clone();
        for so_far in path(counter) {
            let next = derived(&key, KEY_DERIVATION, KeyType::aes(key.len()), number.with_counter(so_far))?;
            key = AesKey::new(&next)?;
        }
        Ok(TransactionKey { key, number })
    }

    /// The key itself.
    pub const fn key(&self) -> &AesKey {
        &self.0
    }
}

impl TransactionKey {
    /// The working key for a usage (6.3.3), as its bytes: a TDES or an AES key.
    ///
    /// # Errors
    /// When it would be stronger than the key that it comes from (6.1.3).
    pub fn working_key(&self, usage: Usage, key_type: KeyType) -> Result<Zeroizing<Vec<u8>>, DukptError> {
        if key_type.is_stronger_than(&self.key) {
            return Err(DukptError::Stronger { wanted: key_type.length(), base: self.key.len() });
        }
        let context = self.number.with_counter(self.number.counter());
        Ok(derived(&self.key, usage.indicator(), key_type, context)?)
    }

    /// The key itself.
    pub const fn key(&self) -> &AesKey {
        &self.key
    }
}

/// The key derivation function (6.3.1): as many encrypted blocks of derivation data as the key needs.
fn derived(key: &AesKey, usage: u16, key_type: KeyType, context: [u8; 8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut material = Zeroizing::new(Vec::with_capacity(2 * BLOCK));
    for counter in 1..=key_type.length().div_ceil(BLOCK) as u8 {
        let mut data = [0; BLOCK];
        data[..2].copy_from_slice(&[1, counter]);
        data[2..4].copy_from_slice(&usage.to_be_bytes());
        data[4..6].copy_from_slice(&key_type.indicator().to_be_bytes());
        data[6..8].copy_from_slice(&(8 * key_type.length() as u16).to_be_bytes());
        data[8..].copy_from_slice(&context);
        material.extend(key.encrypt_block(&data)?);
    }
    material.truncate(key_type.length());
    Ok(material)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    const BASE: &str = "FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1";

    fn initial(length: usize) -> InitialKey {
        let base = AesKey::new(&hex::decode(&BASE[..2 * length]).unwrap()).unwrap();
        InitialKey::derive(&base, number("00000001")).unwrap()
    }

    fn number(counter: &str) -> KeySerialNumber {
        KeySerialNumber::new(&hex::decode(&format!("1234567890123456{counter}")).unwrap()).unwrap()
    }

    fn working(counter: &str, length: usize, usage: Usage, key_type: KeyType) -> String {
        let key = initial(length).transaction_key(number(counter)).unwrap();
        hex::encode(&key.working_key(usage, key_type).unwrap())
    }

    /// ANSI X9.24-3:2017, supplement with test vectors, base derivation key of 128 bits.
    #[test]
    fn the_vectors_of_x9_24_3_with_128_bits() {
        assert_eq!(hex::encode(initial(16).key().expose_bytes()), "1273671EA26AC29AFA4D1084127652A1");
        for (counter, transaction) in [
            ("00000001", "4F21B565BAD9835E112B6465635EAE44"),
            ("00000002", "2F34D68DE10F68D38091A73B9E7C437C"),
            ("00000003", "031504E530365CF81264238540518318"),
            ("00000008", "718EE6CF0B27E53D5F7AF99C4D8146A2"),
            ("0001FFFE", "E21E8C8D347F8561A2BE752DAA85A111"),
            ("00020000", "F7AE9025468A25D37B7249CFFED224C8"),
            ("FFFE8000", "0387625F189B58AE03EF0E8CCA41105E"),
            ("FFFF0000", "F6BA59389BD14A9855BE9727E7C52E3C"),
        ] {
            let key = initial(16).transaction_key(number(counter)).unwrap();
            assert_eq!(hex::encode(key.key().expose_bytes()), transaction, "{counter}");
        }
        for (counter, usage, key) in [
            ("00000001", Usage::PinEncryption, "AF8CB133A78F8DC2D1359F18527593FB"),
            ("00000001", Usage::MacGeneration, "A2DC23DE6FDE0824A2BC321E08E4B8B7"),
            ("00000001", Usage::DataEncryption, "A35C412EFD41FDB98B69797C02DCD08F"),
            ("00000008", Usage::PinEncryption, "4D9DF3FBEE3448FC3E676D04320A90F5"),
            ("00000008", Usage::MacGeneration, "6FD572E5D59E618875F193484F9178FB"),
            ("00000008", Usage::DataEncryption, "650F34204ABD4E57764D61AC3D266FB1"),
        ] {
            assert_eq!(working(counter, 16, usage, KeyType::Aes128), key, "{counter}, {usage:?}");
        }
    }

    /// The same supplement, base derivation key of 256 bits, working keys of 128 and of 256.
    #[test]
    fn the_vectors_of_x9_24_3_with_256_bits() {
        let initial = initial(32);
        assert_eq!(
            hex::encode(initial.key().expose_bytes()),
            "CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F"
        );
        let transaction = initial.transaction_key(number("00000001")).unwrap();
        assert_eq!(
            hex::encode(transaction.key().expose_bytes()),
            "54AC2B32B145EA4A554CB8BC44B17467063A799856B1CCC2A138D36E8DBF78B3"
        );
        for (usage, key_type, key) in [
            (Usage::PinEncryption, KeyType::Aes128, "09C9C432966811D6B2C3336BAC1B1202"),
            (Usage::PinEncryption, KeyType::Aes256, "8C1AB7BEE973829E30242E0BBBDD4946D540C98FC1B5BDCF94790001A23FD502"),
            (Usage::MacGeneration, KeyType::Aes128, "F04A1FABD4176E15490CEC82E217A96D"),
            (Usage::MacGeneration, KeyType::Aes256, "61DABDF4B340CF461EE860B1D1AB55357142BD2D6977306859CF49AEFE8F1549"),
        ] {
            assert_eq!(working("00000001", 32, usage, key_type), key, "{usage:?}, {key_type:?}");
        }
    }

    #[test]
    fn every_usage_and_every_type_has_a_key_of_its_own() {
        use Usage::{
            DataBothWays, DataDecryption, DataEncryption, KeyEncryption, MacBothWays, MacGeneration, MacVerification,
            PinEncryption,
        };
        let usages = [
            KeyEncryption,
            PinEncryption,
            MacGeneration,
            MacVerification,
            MacBothWays,
            DataEncryption,
            DataDecryption,
            DataBothWays,
        ];
        let types = [KeyType::Tdes2, KeyType::Tdes3, KeyType::Aes128, KeyType::Aes192];
        let keys: std::collections::HashSet<String> =
            usages.iter().flat_map(|usage| types.map(|key_type| working("00000001", 24, *usage, key_type))).collect();
        assert_eq!(keys.len(), usages.len() * types.len());
    }

    #[test]
    fn a_stronger_key_or_a_counter_that_terminals_skip_is_refused() {
        let initial = initial(16);
        for counter in ["00000000", "0001FFFF"] {
            assert!(initial.transaction_key(number(counter)).is_err(), "{counter}");
        }
        let key = initial.transaction_key(number("00000001")).unwrap();
        let refused = key.working_key(Usage::PinEncryption, KeyType::Aes192).unwrap_err().to_string();
        assert!(refused.contains("24 bytes cannot come from"), "{refused}");
        assert!(key.working_key(Usage::PinEncryption, KeyType::Tdes3).is_ok());
        assert!(KeySerialNumber::new(&[1; 10]).is_err());
        assert_eq!(format!("{initial:?}"), "InitialKey(AesKey(16 bytes, masked))");
    }
}
