//! How key blocks are protected: the keys that come from the protection key, encryption and MAC (ANSI X9.143-2022, 7;
//! ASC X9 TR 31-2018, 5.3).

use zeroize::Zeroizing;

use crate::crypto::CryptoError;
use crate::crypto::aes::AesKey;
use crate::crypto::cipher::BlockKey;
use crate::crypto::mac::iso9797::{Padding, algorithm_1};
use crate::crypto::tdes::TdesKey;

/// The version of a key block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TDES, variants of the protection key. Not for new blocks.
    A,
    /// TDES, keys derived from the protection key.
    B,
    /// TDES, variants; as A with other header values. Not for new blocks.
    C,
    /// AES, keys derived from the protection key.
    D,
}

impl Protection {
    /// The first character of a block.
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
        }
    }

    /// Bytes of a block of the cipher.
    pub const fn block_length(self) -> usize {
        match self {
            Self::A | Self::B | Self::C => 8,
            Self::D => 16,
        }
    }

    /// Bytes of the MAC.
    pub(super) const fn mac_length(self) -> usize {
        match self {
            Self::A | Self::C => 4,
            Self::B => 8,
            Self::D => 16,
        }
    }
}

/// The two keys that a protection key becomes.
pub(super) struct ProtectionKeys {
    protection: Protection,
    encryption: BlockKey,
    authentication: BlockKey,
}

/// What a derived key is for.
#[derive(Clone, Copy)]
enum Role {
    Encryption = 0,
    Authentication = 1,
}

impl ProtectionKeys {
    /// Makes both keys.
    ///
    /// # Errors
    /// When the protection key is not of double or triple length for TDES, or no AES key.
    pub fn derive(protection: Protection, key: &[u8]) -> Result<Self, CryptoError> {
        let (encryption, authentication) = match protection {
            Protection::A | Protection::C => (variant(key, 0x45)?, variant(key, 0x4D)?),
            Protection::B => (derived_tdes(key, Role::Encryption)?, derived_tdes(key, Role::Authentication)?),
            Protection::D => (derived_aes(key, Role::Encryption)?, derived_aes(key, Role::Authentication)?),
        };
        Ok(Self { protection, encryption, authentication })
    }

    /// Encrypts a clear key and makes the MAC, in the order of the version.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn seal(&self, header: &str, clear: &[u8]) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        match self.protection {
            Protection::A | Protection::C => {
                let sealed = self.encryption.encrypt_cbc_from(self.vector(header, &[]), clear)?;
                let mac = self.mac(header, clear, &sealed)?;
                Ok((sealed, mac))
            }
            Protection::B | Protection::D => {
                let mac = self.mac(header, clear, &[])?;
                let sealed = self.encryption.encrypt_cbc_from(self.vector(header, &mac), clear)?;
                Ok((sealed, mac))
            }
        }
    }

    /// Decrypts a key; whether it can be trusted, [`ProtectionKeys::mac`] says.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn decrypt(&self, header: &str, mac: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        Ok(Zeroizing::new(self.encryption.decrypt_cbc_from(self.vector(header, mac), sealed)?))
    }

    /// The MAC: with variants over what is seen of the block, with derived keys over the clear key.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn mac(&self, header: &str, clear: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match self.protection {
            Protection::A | Protection::C => {
                let seen = [header.as_bytes(), sealed].concat();
                let mut mac = algorithm_1(&self.authentication, Padding::Zeros, &seen)?;
                mac.truncate(self.protection.mac_length());
                Ok(mac)
            }
            Protection::B | Protection::D => {
                self.authentication.cmac(&Zeroizing::new([header.as_bytes(), clear].concat()))
            }
        }
    }

    /// Where the chain of blocks begins: at the header, or at the MAC.
    fn vector<'v>(&self, header: &'v str, mac: &'v [u8]) -> &'v [u8] {
        match self.protection {
            Protection::A | Protection::C => &header.as_bytes()[..8],
            Protection::B | Protection::D => mac,
        }
    }
}

/// Versions A and C: each byte of the protection key XORed with the same.
fn variant(key: &[u8], mask: u8) -> Result<BlockKey, CryptoError> {
    double_or_triple(key)?;
    let bytes: Zeroizing<Vec<u8>> = Zeroizing::new(key.iter().map(|byte| byte ^ mask).collect());
    Ok(BlockKey::Tdes(TdesKey::new(&bytes)?))
}

/// Version B: a CMAC for each eight bytes of the key (TR-31, 5.3.2.1).
fn derived_tdes(key: &[u8], role: Role) -> Result<BlockKey, CryptoError> {
    double_or_triple(key)?;
    let algorithm = if key.len() == 16 { 0 } else { 1 };
    let mut material = Zeroizing::new(Vec::with_capacity(24));
    let protection_key = TdesKey::new(key)?;
    for counter in 1..=(key.len() / 8) as u8 {
        material.extend(protection_key.cmac(&derivation_data(counter, role, algorithm, key.len()))?);
    }
    Ok(BlockKey::Tdes(TdesKey::new(&material)?))
}

/// Version D: a CMAC for each sixteen bytes of the key (TR-31, 5.3.2.3).
fn derived_aes(key: &[u8], role: Role) -> Result<BlockKey, CryptoError> {
    let protection_key = AesKey::new(key)?;
    let algorithm = 2 + (key.len() as u8 - 16) / 8;
    let mut material = Zeroizing::new(Vec::with_capacity(32));
    for counter in 1..=key.len().div_ceil(16) as u8 {
        material.extend(protection_key.cmac(&derivation_data(counter, role, algorithm, key.len()))?);
    }
    Ok(BlockKey::Aes(AesKey::new(&material[..key.len()])?))
}

/// Counter, what the derived key is for (2), a zero, algorithm (2), bits of the derived key (2).
fn derivation_data(counter: u8, role: Role, algorithm: u8, key_length: usize) -> [u8; 8] {
    let [high, low] = (8 * key_length as u16).to_be_bytes();
    [counter, 0, role as u8, 0, 0, algorithm, high, low]
}

fn double_or_triple(key: &[u8]) -> Result<(), CryptoError> {
    match key.len() {
        16 | 24 => Ok(()),
        length => Err(CryptoError::KeyLength { algorithm: "TDES key block protection", length, allowed: &[16, 24] }),
    }
}
