//! What is kept of a short code that a person types: Argon2id (RFC 9106) with a key of this machine in it, as a PHC string.
//!
//! ```text
//! $argon2id$v=19$m=32768,t=3,p=1,keyid=q83vASNFZ4k$<salt>$<hash>
//! ```
//!
//! A code has a few digits: whoever has nothing but the string tries them all in minutes, however slow one try is. The key is not in
//! the string and not on the disk beside it, where a token keeps it: then the string is of no use to anybody else.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, Salt, SaltString};
use argon2::{Algorithm, Argon2, AssociatedData, KeyId, Params, ParamsBuilder, Version};

/// Memory of one try, in KiB.
const MEMORY_KIB: u32 = 32 * 1024;

/// Passes over it. One try takes some 0.3 s on the four slow cores of a handheld, of which it uses one.
const PASSES: u32 = 3;

/// A string that asks for more memory was not written by this program.
const MOST_MEMORY_KIB: u32 = 128 * 1024;

/// A string that asks for more passes was not written by this program.
const MOST_PASSES: u32 = 16;

/// Bytes of the number of a key.
pub const KEY_ID: usize = 8;

/// What cannot be done with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeHashError {
    /// What is kept is not what this program writes.
    #[error("what is kept of a code is damaged; give this person a new code")]
    Damaged,
    /// Argon2 refuses.
    #[error("the code cannot be computed; is there too little memory?")]
    Failed,
}

/// What is kept of `code`. `salt`: 16 random bytes. `key`: of this machine, with its number.
///
/// # Errors
/// When there is no memory for it.
pub fn keep(code: &[u8], salt: &[u8; 16], key: &[u8], key_id: [u8; KEY_ID]) -> Result<String, CodeHashError> {
    let failed = |_| CodeHashError::Failed;
    let id = KeyId::new(&key_id).map_err(failed)?;
    let mut builder = ParamsBuilder::new();
    builder.m_cost(MEMORY_KIB).t_cost(PASSES).p_cost(1).keyid(id).data(AssociatedData::EMPTY);
    let params = builder.build().map_err(failed)?;
    let argon = with_key(key, params)?;
    let salt = SaltString::encode_b64(salt).map_err(|_| CodeHashError::Failed)?;
    let salt: Salt<'_> = salt.as_salt();
    argon.hash_password(code, salt).map(|hash| hash.to_string()).map_err(|_| CodeHashError::Failed)
}

/// Whether `kept` was made of this code and key. The hashes are compared in constant time.
///
/// # Errors
/// When `kept` is none of ours, or there is no memory.
pub fn is_kept(kept: &str, code: &[u8], key: &[u8]) -> Result<bool, CodeHashError> {
    let hash = read(kept)?;
    let params = Params::try_from(&hash).map_err(|_| CodeHashError::Damaged)?;
    match with_key(key, params)?.verify_password(code, &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(_) => Err(CodeHashError::Failed),
    }
}

/// The number of the key with which `kept` was made.
///
/// # Errors
/// When it is none of ours.
pub fn key_id_of(kept: &str) -> Result<[u8; KEY_ID], CodeHashError> {
    let params = Params::try_from(&read(kept)?).map_err(|_| CodeHashError::Damaged)?;
    params.keyid().try_into().map_err(|_| CodeHashError::Damaged)
}

fn read(kept: &str) -> Result<PasswordHash<'_>, CodeHashError> {
    let hash = PasswordHash::new(kept).map_err(|_| CodeHashError::Damaged)?;
    let params = Params::try_from(&hash).map_err(|_| CodeHashError::Damaged)?;
    let ours = hash.algorithm == Algorithm::Argon2id.ident()
        && params.m_cost() <= MOST_MEMORY_KIB
        && params.t_cost() <= MOST_PASSES
        && hash.hash.is_some();
    if ours { Ok(hash) } else { Err(CodeHashError::Damaged) }
}

fn with_key(key: &[u8], params: Params) -> Result<Argon2<'_>, CodeHashError> {
    Argon2::new_with_secret(key, Algorithm::Argon2id, Version::V0x13, params).map_err(|_| CodeHashError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = &[7; 32];

    #[test]
    fn a_code_is_known_again_with_its_key_and_with_no_other() {
        let kept = keep(b"274963", &[1; 16], KEY, *b"12345678").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=32768,t=3,p=1,keyid="), "{kept}");
        assert_eq!(is_kept(&kept, b"274963", KEY), Ok(true));
        assert_eq!(is_kept(&kept, b"274964", KEY), Ok(false));
        assert_eq!(is_kept(&kept, b"274963", &[8; 32]), Ok(false), "another machine");
        assert_eq!(key_id_of(&kept), Ok(*b"12345678"));
        let again = keep(b"274963", &[2; 16], KEY, *b"12345678").unwrap();
        assert_ne!(kept, again, "the same code of two people cannot be told");
    }

    #[test]
    fn what_this_program_did_not_write_is_refused_before_it_costs_anything() {
        let kept = keep(b"274963", &[1; 16], KEY, *b"12345678").unwrap();
        let damaged = Err(CodeHashError::Damaged);
        for wrong in [
            String::new(),
            "274963".to_owned(),
            kept.replace("argon2id", "argon2d"),
            kept.replace("m=32768", "m=4194304"),
            kept.replace("t=3", "t=4000000"),
            kept.rsplit_once('$').unwrap().0.to_owned(),
        ] {
            assert_eq!(is_kept(&wrong, b"274963", KEY), damaged, "{wrong}");
        }
        assert_eq!(key_id_of(&kept.replace("keyid=MTIzNDU2Nzg", "keyid=MTIz")), Err(CodeHashError::Damaged));
    }
}
