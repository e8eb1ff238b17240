//! Activation codes: the acquirer's word that a machine may be enrolled. A code is good once, for a week, for one machine.
//! Only its digest is kept.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::application::State;
use super::register::{Register, RegisterError, state_error};
use crate::acquirer::enrolment::wire::ActivationCode;
use crate::crypto::mac;
use crate::crypto::sha256::sha256;
use crate::sandbox::host::store::StoreError;

/// How long an activation code is good, in seconds: a week.
pub const CODE_LIFETIME_S: i64 = 7 * 24 * 3600;

/// What became of an activation code.
#[derive(Debug, PartialEq, Eq)]
pub enum CodeVerdict {
    /// It is right and unused.
    Right,
    /// It is right, and was used.
    Used,
    /// It is right, and too old.
    Expired,
    /// It is wrong.
    Wrong,
}

impl Register<'_> {
    /// Gives a new activation code; the one before is of no use any more.
    ///
    /// # Errors
    /// When the application is not one that can be enrolled.
    pub fn new_code(&self, id: i64, who: &str, now: Timestamp) -> Result<ActivationCode, RegisterError> {
        let application = self.application(id)?;
        if !matches!(application.state, State::Approved | State::Active) {
            return Err(state_error(&application, "given an activation code"));
        }
        let code = draw_code()?;
        self.0.execute(
            "UPDATE applications SET code_digest = ?2, code_expires = ?3, code_used = 0,
                                     request_digest = NULL, answer = NULL
             WHERE id = ?1",
            params![id, digest(id, code.expose_digits())?, now.as_second() + CODE_LIFETIME_S],
        )?;
        self.forget_wrong_codes(id)?;
        self.log(id, who, "activation code given", now)?;
        Ok(code)
    }

    /// Looks at a code that a machine sends.
    ///
    /// # Errors
    /// When the database fails.
    pub fn judge_code(&self, id: i64, code: &str, now: Timestamp) -> Result<CodeVerdict, RegisterError> {
        let (right, expires, used): (Option<Vec<u8>>, i64, bool) = self.0.query_row(
            "SELECT code_digest, code_expires, code_used FROM applications WHERE id = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        if !right.is_some_and(|right| mac::equal(&right, &digest(id, code).unwrap_or_default())) {
            return Ok(CodeVerdict::Wrong);
        }
        Ok(match used {
            true => CodeVerdict::Used,
            false if now.as_second() >= expires => CodeVerdict::Expired,
            false => CodeVerdict::Right,
        })
    }

    /// What the request that used the code was answered, when it is this one: it comes again when its answer was lost.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answered(&self, id: i64, request_digest: &[u8]) -> Result<Option<String>, RegisterError> {
        let sql = "SELECT answer FROM applications WHERE id = ?1 AND code_used = 1 AND request_digest = ?2";
        let answer = self.0.query_row(sql, params![id, request_digest], |row| row.get(0)).optional()?;
        Ok(answer.flatten())
    }

    /// Whether a code is that of another machine.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_code_of_another(&self, code: &str, than: Option<i64>) -> Result<bool, RegisterError> {
        let mut statement = self.0.prepare("SELECT id, code_digest FROM applications WHERE code_digest IS NOT NULL")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let mut found = false;
        for row in rows {
            let (id, right) = row?;
            // All are compared, whichever fits.
            found |= Some(id) != than && mac::equal(&right, &digest(id, code).unwrap_or_default());
        }
        Ok(found)
    }

    /// The code was used, by this request, with this answer.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_enrolled(
        &self,
        id: i64,
        request_digest: &[u8],
        answer: &str,
        who: &str,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        self.0.execute(
            "UPDATE applications SET code_used = 1, request_digest = ?2, answer = ?3 WHERE id = ?1",
            params![id, request_digest, answer],
        )?;
        self.forget_wrong_codes(id)?;
        self.log(id, who, "enrolled", now)
    }
}

/// Twelve digits that nobody can guess, all as likely.
fn draw_code() -> Result<ActivationCode, RegisterError> {
    const CODES: u64 = 1_000_000_000_000;
    loop {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|error| RegisterError::Random(error.to_string()))?;
        let drawn = u64::from_be_bytes(bytes);
        // What is left beyond the last whole multiple would make some codes likelier.
        if drawn < u64::MAX - u64::MAX % CODES
            && let Ok(code) = ActivationCode::parse(&format!("{:012}", drawn % CODES))
        {
            return Ok(code);
        }
    }
}

fn digest(id: i64, code: &str) -> Result<Vec<u8>, StoreError> {
    Ok(sha256(&[&id.to_be_bytes(), code.as_bytes()])?.to_vec())
}
