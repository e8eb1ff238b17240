//! Raw RSA as EMV certificates and signatures use it (EMV 4.4 Book 2, annex B2.1): the whole block, no padding scheme.

use openssl::bn::BigNum;
use openssl::pkey::{Private, Public};
use openssl::rsa::{Padding, Rsa};

use super::CryptoError;

/// Recovers a signed block with a public key: the block has the length of the modulus.
///
/// # Errors
/// When the block is not as long as the modulus or OpenSSL refuses the key.
pub fn recover(modulus: &[u8], exponent: &[u8], block: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if block.len() != modulus.len() {
        return Err(CryptoError::DataLength { what: "a block for this RSA modulus", length: block.len() });
    }
    let key: Rsa<Public> = Rsa::from_public_components(BigNum::from_slice(modulus)?, BigNum::from_slice(exponent)?)?;
    let mut recovered = vec![0; modulus.len()];
    let length = key.public_decrypt(block, &mut recovered, Padding::NONE)?;
    recovered.truncate(length);
    Ok(recovered)
}

/// Signs a whole block with a private key.
///
/// # Errors
/// When the block is not as long as the modulus or, taken as a number, not smaller than it.
pub fn sign(key: &Rsa<Private>, block: &[u8]) -> Result<Vec<u8>, CryptoError> {
    if block.len() != key.size() as usize {
        return Err(CryptoError::DataLength { what: "a block for this RSA modulus", length: block.len() });
    }
    let mut signed = vec![0; block.len()];
    let length = key.private_encrypt(block, &mut signed, Padding::NONE)?;
    signed.truncate(length);
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_undoes_signing() {
        let key = Rsa::generate(1024).unwrap();
        let mut block = vec![0x5A; key.size() as usize];
        block[0] = 0x6A;
        let signed = sign(&key, &block).unwrap();
        assert_eq!(recover(&key.n().to_vec(), &key.e().to_vec(), &signed).unwrap(), block);
        assert!(recover(&key.n().to_vec(), &key.e().to_vec(), &signed[1..]).is_err());
    }
}
