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
use crate::crypto::mac::Cipher;

/// Random bytes that a block takes.
pub const PADDING: usize = 14;

/// Bytes of a master key that protects something: one of single length does not.
const fn is_master_key(cipher: Cipher, length: usize) -> bool {
    match cipher {
        Cipher::Tdes => matches!(length, 16 | 24),
        Cipher::Sm4 => length == 16,
        Cipher::Aes => matches!(length, 16 | 24 | 32),
    }
}

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

/// Master or device key as a block, for a terminal. The device key is one of SM4 always.
///
/// # Errors
/// For another key, or one of another length.
pub fn seal(
    name: KeyName,
    cipher: Cipher,
    protection_key: &[u8],
    key: &[u8],
    padding: &[u8; PADDING],
) -> Result<String, VaultError> {
    let meant = meant(name, cipher)?;
    check_length(name, cipher, key.len())?;
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
    // Blocks of sixteen bytes show no more of a key's length than its cipher and that.
    let needed = key_block::padding_length(header.protection, key.len(), key.len());
    let refused = |source| VaultError::KeyBlock { key: name, source };
    key_block::wrap(protection_key, &header, key, &padding[..needed]).map_err(refused)
}

/// Master or device key out of its block.
///
/// # Errors
/// When the block does not open, or says that its key is for something else.
pub fn open(
    name: KeyName,
    cipher: Cipher,
    protection_key: &[u8],
    block: &str,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let meant = meant(name, cipher)?;
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
    check_length(name, cipher, unwrapped.key.len())?;
    Ok(unwrapped.key)
}

/// Neither X9.143 nor ISO 20038 has a letter for SM4: 4 is this program's own, a digit, as X9.143 leaves them to those who use
/// them.
fn meant(name: KeyName, cipher: Cipher) -> Result<Meant, VaultError> {
    match name {
        KeyName::Master => Ok(match cipher {
            Cipher::Tdes => Meant {
                usage: "K0",
                algorithm: 'T',
                modes: "DBN",
                in_words: "K0T with mode D, B or N: TDES, to decrypt keys with",
            },
            Cipher::Sm4 => Meant {
                usage: "K0",
                algorithm: '4',
                modes: "DBN",
                in_words: "K04 with mode D, B or N: SM4, to decrypt keys with",
            },
            Cipher::Aes => Meant {
                usage: "K0",
                algorithm: 'A',
                modes: "DBN",
                in_words: "K0A with mode D, B or N: AES, to decrypt keys with",
            },
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

fn check_length(name: KeyName, cipher: Cipher, length: usize) -> Result<(), VaultError> {
    let fits = match name {
        KeyName::Master => is_master_key(cipher, length),
        KeyName::Device => length == 16,
        KeyName::Pin | KeyName::Mac | KeyName::Data => false,
    };
    if fits { Ok(()) } else { Err(VaultError::Length { key: name, length }) }
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
        let tdes = Cipher::Tdes;
        let master = seal(KeyName::Master, tdes, &KEY, &[3; 16], &[5; PADDING]).unwrap();
        let device = seal(KeyName::Device, tdes, &KEY, &[4; 16], &[5; PADDING]).unwrap();
        assert_eq!(*open(KeyName::Master, tdes, &KEY, &master).unwrap(), [3; 16]);
        assert_eq!(*open(KeyName::Device, tdes, &KEY, &device).unwrap(), [4; 16]);
        let triple = seal(KeyName::Master, tdes, &KEY, &[3; 24], &[5; PADDING]).unwrap();
        assert_eq!(*open(KeyName::Master, tdes, &KEY, &triple).unwrap(), [3; 24]);
        assert!(matches!(open(KeyName::Master, tdes, &[8; 32], &master), Err(VaultError::KeyBlock { .. })));
        for (name, block) in [(KeyName::Master, &device), (KeyName::Device, &master)] {
            assert!(matches!(open(name, tdes, &KEY, block), Err(VaultError::Usage { .. })), "{name}");
        }
        assert!(open(KeyName::Mac, tdes, &KEY, &master).is_err());
    }

    #[test]
    fn a_master_key_comes_as_one_of_its_cipher_and_as_no_other() {
        for (cipher, length, header) in [
            (Cipher::Tdes, 16, "K0TD"),
            (Cipher::Tdes, 24, "K0TD"),
            (Cipher::Sm4, 16, "K04D"),
            (Cipher::Aes, 16, "K0AD"),
            (Cipher::Aes, 32, "K0AD"),
        ] {
            let key = vec![3; length];
            let block = seal(KeyName::Master, cipher, &KEY, &key, &[5; PADDING]).unwrap();
            assert_eq!(&block[5..9], header);
            for other in Cipher::ALL {
                let opened = open(KeyName::Master, other, &KEY, &block);
                match other == cipher {
                    true => assert_eq!(*opened.unwrap(), key),
                    false => assert!(matches!(opened, Err(VaultError::Usage { .. })), "{cipher:?} as {other:?}"),
                }
            }
        }
        for (cipher, length) in [(Cipher::Tdes, 8), (Cipher::Sm4, 8), (Cipher::Sm4, 32), (Cipher::Aes, 8)] {
            let sealed = seal(KeyName::Master, cipher, &KEY, &vec![3; length], &[5; PADDING]);
            assert!(matches!(sealed, Err(VaultError::Length { .. })), "{cipher:?} {length}");
        }
    }

    #[test]
    fn a_block_of_another_usage_mode_version_or_length_is_refused() {
        let block = |text: &str, key: &[u8]| {
            let header = Header::parse(text).unwrap();
            let needed = key_block::padding_length(header.protection, key.len(), key.len());
            key_block::wrap(&KEY, &header, key, &vec![5; needed]).unwrap()
        };
        for mode in "DBN".chars() {
            let block = block(&format!("D0000K0T{mode}00N0000"), &[3; 16]);
            assert!(open(KeyName::Master, Cipher::Tdes, &KEY, &block).is_ok());
        }
        for header in ["D0000K0TE00N0000", "D0000P0TD00N0000", "D0000K0AD00N0000"] {
            let error = open(KeyName::Master, Cipher::Tdes, &KEY, &block(header, &[3; 16])).unwrap_err();
            assert!(error.to_string().contains(&header[5..9]), "{error}");
        }
        let single = block("D0000K0TD00N0000", &[3; 8]);
        let opened = open(KeyName::Master, Cipher::Tdes, &KEY, &single);
        assert!(matches!(opened, Err(VaultError::Length { length: 8, .. })));
        assert!(matches!(
            seal(KeyName::Device, Cipher::Tdes, &KEY, &[4; 24], &[5; PADDING]),
            Err(VaultError::Length { length: 24, .. })
        ));
    }
}
