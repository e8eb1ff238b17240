//! The modes in which block ciphers are used here: ECB, CBC and CMAC over whole blocks, never with padding of OpenSSL's.

use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode};

use super::CryptoError;
use super::aes::AesKey;
use super::sm4::Sm4Key;
use super::tdes::TdesKey;

/// A key of one of the block ciphers that payment uses. Masked, as each of them.
#[derive(Clone, Debug)]
pub enum BlockKey {
    /// DES and TDES, blocks of eight bytes.
    Tdes(TdesKey),
    /// AES, blocks of sixteen bytes.
    Aes(AesKey),
    /// SM4, blocks of sixteen bytes.
    Sm4(Sm4Key),
}

impl BlockKey {
    /// Bytes of a block.
    pub const fn block_length(&self) -> usize {
        match self {
            Self::Tdes(_) => 8,
            Self::Aes(_) | Self::Sm4(_) => 16,
        }
    }

    /// The key itself, for a place that keeps keys.
    pub fn expose_bytes(&self) -> &[u8] {
        match self {
            Self::Tdes(key) => key.expose_bytes(),
            Self::Aes(key) => key.expose_bytes(),
            Self::Sm4(key) => key.expose_bytes(),
        }
    }

    /// Encrypts whole blocks, each on its own (ECB).
    ///
    /// # Errors
    /// When the data is not whole blocks.
    pub fn encrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().encrypt_ecb(data)
    }

    /// Decrypts whole blocks, each on its own (ECB).
    ///
    /// # Errors
    /// When the data is not whole blocks.
    pub fn decrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().decrypt_ecb(data)
    }

    /// Encrypts whole blocks chained from a zero vector (CBC).
    ///
    /// # Errors
    /// When the data is not whole blocks.
    pub fn encrypt_cbc(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.encrypt_cbc_from(&[0; 16][..self.block_length()], data)
    }

    /// Encrypts whole blocks chained from a vector of one block (CBC).
    ///
    /// # Errors
    /// When the data is not whole blocks.
    pub(super) fn encrypt_cbc_from(&self, vector: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().encrypt_cbc(vector, data)
    }

    /// Decrypts whole blocks chained from a vector of one block (CBC).
    ///
    /// # Errors
    /// When the data is not whole blocks.
    pub(super) fn decrypt_cbc_from(&self, vector: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().decrypt_cbc(vector, data)
    }

    /// The CMAC (NIST SP 800-38B) over a message of any length, a whole block.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub fn cmac(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.keyed().cmac(message)
    }

    fn keyed(&self) -> Keyed<'_> {
        match self {
            Self::Tdes(key) => key.keyed(),
            Self::Aes(key) => key.keyed(),
            Self::Sm4(key) => key.keyed(),
        }
    }
}

/// A key with the two OpenSSL ciphers that use it.
pub(super) struct Keyed<'k> {
    pub ecb: Cipher,
    pub cbc: Cipher,
    pub key: &'k [u8],
}

impl Keyed<'_> {
    pub fn encrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run(self.ecb, Mode::Encrypt, None, data)
    }

    pub fn decrypt_ecb(&self, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run(self.ecb, Mode::Decrypt, None, data)
    }

    pub fn encrypt_cbc(&self, vector: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run(self.cbc, Mode::Encrypt, Some(vector), data)
    }

    pub fn decrypt_cbc(&self, vector: &[u8], data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.run(self.cbc, Mode::Decrypt, Some(vector), data)
    }

    pub fn cmac(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = PKey::cmac(&self.cbc, self.key)?;
        let mut signer = Signer::new_without_digest(&key)?;
        signer.update(message)?;
        Ok(signer.sign_to_vec()?)
    }

    fn run(&self, cipher: Cipher, mode: Mode, vector: Option<&[u8]>, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        // The block length of the ECB cipher is that of both.
        let block = self.ecb.block_size();
        if !data.len().is_multiple_of(block) {
            let what =
                if block == 8 { "data for a block cipher of 8 bytes" } else { "data for a block cipher of 16 bytes" };
            return Err(CryptoError::DataLength { what, length: data.len() });
        }
        let mut crypter = Crypter::new(cipher, mode, self.key, vector)?;
        crypter.pad(false);
        // OpenSSL wants room for a block more than there is.
        let mut out = vec![0; data.len() + block];
        let mut written = crypter.update(data, &mut out)?;
        written += crypter.finalize(&mut out[written..])?;
        out.truncate(written);
        Ok(out)
    }
}

/// The first `N` bytes of a result that has at least as many.
pub(super) fn first<const N: usize>(bytes: &[u8]) -> Result<[u8; N], CryptoError> {
    bytes.first_chunk().copied().ok_or(CryptoError::DataLength { what: "a block", length: bytes.len() })
}
