//! How master key and device key reach a terminal: as key blocks (X9.143, version D) under a key that the terminal's device
//! key pair and a key pair of the host's agree on.
//!
//! The two keys meet by ECDH; HKDF with SHA-256, without salt, makes 32 bytes of the result: the AES key that protects both
//! blocks. What the two sides know of each other (serial number, terminal number, public keys) is the `info`
//! of it, so that a block opens only where both mean the same. Both sides use this file; nothing here draws random numbers.

use zeroize::Zeroizing;

use super::{KeyName, VaultError};
use crate::crypto::CryptoError;
use crate::crypto::elliptic::{P256PrivateKey, P256PublicKey, hkdf_sha_256};
use crate::crypto::key_block::{self, Header, Protection};

/// Random bytes that a block takes.
pub const PADDING: usize = 14;

/// What a block may say of its key.
struct Meant {
    usage: &'static str,
    algorithm: char,
    /// The terminal's side of it first: what a block is written with.
    modes: &'static str,
    in_words: &'static str,
}

/// The key that protects both blocks.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn protection_key(
    ours: &P256PrivateKey,
    theirs: &P256PublicKey,
    context: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    protection_key_of(ours.agree(theirs)?.as_slice(), context)
}

/// The same out of what the two have agreed on (the x of their point), for an element that agrees by itself.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn protection_key_of(agreed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    hkdf_sha_256(agreed, &[], context, 32)
}

/// Master or device key as a block, for a terminal.
///
/// # Errors
/// For another key, or one of another length.
pub fn seal(name: KeyName, protection_key: &[u8], key: &[u8], padding: &[u8; PADDING]) -> Result<String, VaultError> {
    let meant = meant(name)?;
    check_length(name, key.len())?;
    let header = Header {
        protection: Protection::D,
        usage: meant.usage.to_owned(),
        algorithm: meant.algorithm,
        mode_of_use: meant.modes.chars().next().unwrap_or('N'),
        key_version: "00".to_owned(),
        exportability: 'N',
        context: "00".to_owned(),
        optional_blocks: Vec::new(),
    };
    // Blocks of sixteen bytes show of a TDES key no more than that it has 16 or 24 bytes.
    let needed = key_block::padding_length(header.protection, key.len(), key.len());
    let refused = |source| VaultError::KeyBlock { key: name, source };
    key_block::wrap(protection_key, &header, key, &padding[..needed]).map_err(refused)
}

/// Master or device key out of its block.
///
/// # Errors
/// When the block does not open, or says that its key is for something else.
pub fn open(name: KeyName, protection_key: &[u8], block: &str) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let meant = meant(name)?;
    let unwrapped =
        key_block::unwrap(protection_key, block).map_err(|source| VaultError::KeyBlock { key: name, source })?;
    let header = &unwrapped.header;
    let fits = header.protection == Protection::D
        && header.usage == meant.usage
        && header.algorithm == meant.algorithm
        && meant.modes.contains(header.mode_of_use);
    if !fits {
        return Err(VaultError::Usage {
            key: name,
            found: format!("{}{}{}", header.usage, header.algorithm, header.mode_of_use),
            expected: meant.in_words,
        });
    }
    check_length(name, unwrapped.key.len())?;
    Ok(unwrapped.key)
}

/// X9.143 has no letter for SM4 and leaves the digits to those who use them.
fn meant(name: KeyName) -> Result<Meant, VaultError> {
    match name {
        KeyName::Master => Ok(Meant {
            usage: "K0",
            algorithm: 'T',
            modes: "DBN",
            in_words: "K0T with mode D, B or N: TDES, to decrypt keys with",
        }),
        KeyName::Device => Ok(Meant {
            usage: "D0",
            algorithm: '4',
            modes: "EBN",
            in_words: "D04 with mode E, B or N: SM4, to encrypt data with",
        }),
        KeyName::Pin | KeyName::Mac | KeyName::Data => Err(VaultError::NotInSet(name)),
    }
}

/// A master key of single length protects nothing.
fn check_length(name: KeyName, length: usize) -> Result<(), VaultError> {
    match (name, length) {
        (KeyName::Master, 16 | 24) | (KeyName::Device, 16) => Ok(()),
        _ => Err(VaultError::Length { key: name, length }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn both_sides_agree_on_the_same_key_and_only_in_the_same_context() {
        let (terminal, host) =
            (P256PrivateKey::from_seed(&[1; 40]).unwrap(), P256PrivateKey::from_seed(&[2; 40]).unwrap());
        let (terminal_public, host_public) = (terminal.public_key().unwrap(), host.public_key().unwrap());
        let ours = protection_key(&terminal, &host_public, b"10000001").unwrap();
        assert_eq!(ours, protection_key(&host, &terminal_public, b"10000001").unwrap());
        assert_ne!(ours, protection_key(&host, &terminal_public, b"10000002").unwrap());
        assert_eq!(ours.len(), 32);
    }

    #[test]
    fn a_key_comes_back_out_of_its_block_and_out_of_no_other() {
        let master = seal(KeyName::Master, &KEY, &[3; 16], &[5; PADDING]).unwrap();
        let device = seal(KeyName::Device, &KEY, &[4; 16], &[5; PADDING]).unwrap();
        assert_eq!(*open(KeyName::Master, &KEY, &master).unwrap(), [3; 16]);
        assert_eq!(*open(KeyName::Device, &KEY, &device).unwrap(), [4; 16]);
        let triple = seal(KeyName::Master, &KEY, &[3; 24], &[5; PADDING]).unwrap();
        assert_eq!(*open(KeyName::Master, &KEY, &triple).unwrap(), [3; 24]);
        assert!(matches!(open(KeyName::Master, &[8; 32], &master), Err(VaultError::KeyBlock { .. })));
        for (name, block) in [(KeyName::Master, &device), (KeyName::Device, &master)] {
            assert!(matches!(open(name, &KEY, block), Err(VaultError::Usage { .. })), "{name}");
        }
        assert!(open(KeyName::Mac, &KEY, &master).is_err());
    }

    #[test]
    fn a_block_of_another_usage_mode_version_or_length_is_refused() {
        let block = |text: &str, key: &[u8]| {
            let header = Header::parse(text).unwrap();
            let needed = key_block::padding_length(header.protection, key.len(), key.len());
            key_block::wrap(&KEY, &header, key, &vec![5; needed]).unwrap()
        };
        for mode in "DBN".chars() {
            assert!(open(KeyName::Master, &KEY, &block(&format!("D0000K0T{mode}00N0000"), &[3; 16])).is_ok());
        }
        for header in ["D0000K0TE00N0000", "D0000P0TD00N0000", "D0000K0AD00N0000"] {
            let error = open(KeyName::Master, &KEY, &block(header, &[3; 16])).unwrap_err();
            assert!(error.to_string().contains(&header[5..9]), "{error}");
        }
        let single = block("D0000K0TD00N0000", &[3; 8]);
        assert!(matches!(open(KeyName::Master, &KEY, &single), Err(VaultError::Length { length: 8, .. })));
        assert!(matches!(
            seal(KeyName::Device, &KEY, &[4; 24], &[5; PADDING]),
            Err(VaultError::Length { length: 24, .. })
        ));
    }
}
