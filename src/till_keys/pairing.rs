//! Pairing: a code that a person reads off the terminal is exchanged, once, for the key of a till. Of both only hashes are kept.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::error::wrong;
use super::{TillKeys, TillKeysError};
use crate::crypto::hex;
use crate::crypto::sha256::sha256;
use crate::till::TillName;

/// How long a code can be used.
pub const CODE_VALID: Duration = Duration::from_secs(300);

/// Wrong codes after which the pairing is over: of 2^40 codes nobody guesses one so.
pub const MOST_WRONG_CODES: u32 = 5;

/// Bytes of chance in a till's key.
const KEY_BYTES: usize = 32;

/// What a till's key begins with, so that people and secret scanners know one.
const KEY_PREFIX: &str = "yima_till_";

/// Letters of a code; none looks like another one.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Letters in it.
const CODE_LETTERS: usize = 8;

/// Which till, within the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TillId(pub(super) i64);

/// What a person reads off the terminal and types at the till.
pub struct PairingCode(Zeroizing<String>);

impl PairingCode {
    /// The code in two groups of four, for who is to read it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingCode(…)")
    }
}

/// What a till shows with each request. The terminal keeps its hash only.
pub struct TillKey(Zeroizing<String>);

impl TillKey {
    /// The key, for the answer that brings it to the till.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TillKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TillKey(…)")
    }
}

/// A till that was just paired.
#[derive(Debug)]
pub struct Paired {
    /// What it is called.
    pub name: TillName,
    /// Its key, which nobody can learn again.
    pub key: TillKey,
}

/// A till that is or was paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Till {
    /// What it is called.
    pub name: TillName,
    /// When it was paired last.
    pub paired_at: Timestamp,
    /// When its key was taken away.
    pub revoked_at: Option<Timestamp>,
}

/// A pairing that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPairing {
    /// What the till will be called.
    pub name: TillName,
    /// For how long its code counts.
    pub left: Duration,
    /// Wrong codes so far.
    pub wrong: u32,
}

impl TillKeys {
    /// The pairing that is open, if one is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_pairing(&self, now: Timestamp) -> Result<Option<OpenPairing>, TillKeysError> {
        let found: Option<(String, i64, u32)> = self
            .connection
            .query_row("SELECT name, expires_at, wrong FROM pairing", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()
            .map_err(self.failed())?;
        let Some((name, expires_at, wrong_codes)) = found else { return Ok(None) };
        let left = u64::try_from(expires_at.saturating_sub(now.as_second())).unwrap_or(0);
        if left == 0 {
            return Ok(None);
        }
        let name = name.parse().map_err(wrong("name of a till"))?;
        Ok(Some(OpenPairing { name, left: Duration::from_secs(left), wrong: wrong_codes }))
    }

    /// Ends the pairing that is open: its code counts no more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end_pairing(&mut self) -> Result<(), TillKeysError> {
        self.connection.execute("DELETE FROM pairing", []).map(|_| ()).map_err(self.failed())
    }

    /// Begins a pairing: the code counts for a while, and the one before it no more.
    ///
    /// # Errors
    /// When there are no random numbers, or it cannot be written.
    pub fn begin_pairing(&mut self, name: &TillName, now: Timestamp) -> Result<PairingCode, TillKeysError> {
        let mut chance = [0; CODE_LETTERS];
        getrandom::fill(&mut chance).map_err(TillKeysError::Random)?;
        let mut code = Zeroizing::new(String::with_capacity(CODE_LETTERS + 1));
        for (index, byte) in chance.iter().enumerate() {
            if index == CODE_LETTERS / 2 {
                code.push('-');
            }
            code.push(char::from(LETTERS[usize::from(byte % 32)]));
        }
        chance.zeroize();
        let expires_at = now.as_second().saturating_add(CODE_VALID.as_secs() as i64);
        self.connection
            .execute(
                "INSERT OR REPLACE INTO pairing (one, name, code_hash, expires_at, wrong) VALUES (1, ?1, ?2, ?3, 0)",
                params![name.as_str(), hash_of_code(&code)?, expires_at],
            )
            .map_err(self.failed())?;
        Ok(PairingCode(code))
    }

    /// Exchanges a code for a till's key. Nothing, when the code is wrong, over or used; too many wrong ones end the pairing. A till of
    /// this name that was paired before has no other key any more, and its payments' keys go on to count.
    ///
    /// # Errors
    /// When there are no random numbers, or it cannot be written.
    pub fn pair(&mut self, code: &str, now: Timestamp) -> Result<Option<Paired>, TillKeysError> {
        let failed = self.failed();
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let open = changes
            .query_row("SELECT name, code_hash, expires_at, wrong FROM pairing", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, i64>(2)?, row.get::<_, u32>(3)?))
            })
            .optional()
            .map_err(&failed)?;
        let Some((name, expected, expires_at, tries)) = open else { return Ok(None) };
        let right = bool::from(expected.ct_eq(&hash_of_code(code)?));
        let in_time = now.as_second() < expires_at;
        if !right || !in_time {
            let over = !in_time || tries + 1 >= MOST_WRONG_CODES;
            let sql = if over { "DELETE FROM pairing" } else { "UPDATE pairing SET wrong = wrong + 1" };
            changes.execute(sql, []).map_err(&failed)?;
            changes.commit().map_err(&failed)?;
            return Ok(None);
        }
        let mut chance = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut *chance).map_err(TillKeysError::Random)?;
        let digits = Zeroizing::new(hex::encode(&*chance));
        let key = TillKey(Zeroizing::new(format!("{KEY_PREFIX}{}", &*digits)));
        changes
            .execute(
                "INSERT INTO tills (name, key_hash, paired_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO UPDATE SET key_hash = ?2, paired_at = ?3, revoked_at = NULL",
                params![name, sha256(&[key.expose().as_bytes()])?, now.to_string()],
            )
            .map_err(&failed)?;
        changes.execute("DELETE FROM pairing", []).map_err(&failed)?;
        changes.commit().map_err(failed)?;
        Ok(Some(Paired { name: name.parse().map_err(wrong("name of a till"))?, key }))
    }

    /// Whose key this is. It is looked for by its hash: what the search takes says nothing of the key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn till_of(&self, key: &str) -> Result<Option<TillId>, TillKeysError> {
        self.connection
            .query_row("SELECT number FROM tills WHERE key_hash = ?1", [sha256(&[key.as_bytes()])?], |row| row.get(0))
            .optional()
            .map(|number| number.map(TillId))
            .map_err(self.failed())
    }

    /// The till of a name, whether it may speak or not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn till_named(&self, name: &TillName) -> Result<Option<TillId>, TillKeysError> {
        self.connection
            .query_row("SELECT number FROM tills WHERE name = ?1", [name.as_str()], |row| row.get(0))
            .optional()
            .map(|number| number.map(TillId))
            .map_err(self.failed())
    }

    /// All tills, by their names.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tills(&self) -> Result<Vec<Till>, TillKeysError> {
        let failed = self.failed();
        let mut statement =
            self.connection.prepare("SELECT name, paired_at, revoked_at FROM tills ORDER BY name").map_err(&failed)?;
        let rows = statement
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
            })
            .map_err(&failed)?;
        let mut tills = Vec::new();
        for row in rows {
            let (name, paired_at, revoked_at) = row.map_err(&failed)?;
            tills.push(Till {
                name: name.parse().map_err(wrong("name of a till"))?,
                paired_at: paired_at.parse().map_err(wrong("time"))?,
                revoked_at: revoked_at.map(|time| time.parse()).transpose().map_err(wrong("time"))?,
            });
        }
        Ok(tills)
    }

    /// Takes a till's key away; gives whether it had one. A pairing that is open for this name is over as well.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn revoke(&mut self, name: &TillName, now: Timestamp) -> Result<bool, TillKeysError> {
        let failed = self.failed();
        let changes = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        changes.execute("DELETE FROM pairing WHERE name = ?1", [name.as_str()]).map_err(&failed)?;
        let changed = changes
            .execute(
                "UPDATE tills SET key_hash = NULL, revoked_at = ?2 WHERE name = ?1 AND key_hash IS NOT NULL",
                params![name.as_str(), now.to_string()],
            )
            .map_err(&failed)?;
        changes.commit().map_err(failed)?;
        Ok(changed == 1)
    }
}

/// As people type it: small letters and blanks are forgiven.
fn hash_of_code(code: &str) -> Result<[u8; 32], TillKeysError> {
    let mut typed = Zeroizing::new(String::with_capacity(CODE_LETTERS));
    typed.extend(code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()));
    Ok(sha256(&[b"yima pairing code", typed.as_bytes()])?)
}
