//! The heads of terminals' transaction logs: the host signs one (C2SP tlog-witness) when its terminal has signed it and the log
//! has only grown since the head that the host signed last. It signs by the key of its binding records.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, TransactionBehavior, params};
use tracing::{info, warn};

use super::HostError;
use super::onboarding::Onboarding;
use super::onboarding::application::Application;
use super::onboarding::register::{Register, RegisterError};
use super::store::{Store, StoreError};
use crate::proof::checkpoint::{Checkpoint, machine_of_origin, name_of_acquirer, origin_of_machine};
use crate::proof::note::{NoteKey, Signature};
use crate::proof::tree::{Hash, Head};
use crate::proof::witness::{Refusal, Request};

/// The head that was signed last of each log.
pub const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS log_heads (
        origin TEXT PRIMARY KEY,
        size   INTEGER NOT NULL CHECK (size >= 0),
        root   BLOB NOT NULL CHECK (length(root) = 32),
        note   TEXT NOT NULL,
        at     TEXT NOT NULL
    ) STRICT;
";

/// The answer to a request for a signature: the line of the host's signature, or why there is none.
pub type Answer = Result<String, Refusal>;

impl Onboarding {
    /// A terminal asks for the host's signature of its log's head. `certificate` is the fingerprint of the certificate that it
    /// showed.
    ///
    /// # Errors
    /// When the database or OpenSSL fails. A refusal is no error.
    pub fn cosign(&self, store: &Store, certificate: &str, text: &str, now: Timestamp) -> Result<Answer, HostError> {
        let Some(request) = Request::parse(text) else { return Ok(Err(Refusal::Unreadable)) };
        let Some(checkpoint) = Checkpoint::parse(&request.note.text) else { return Ok(Err(Refusal::Unreadable)) };
        let origin = checkpoint.origin;
        let Some((device, acquirer)) = self.holder(store, certificate, &origin)? else {
            warn!(origin, "a checkpoint of a log that nobody here keeps");
            return Ok(Err(Refusal::OtherLog));
        };
        let judged = store.keep_head(&origin, now, |last| {
            request.judge(&origin, &device, last).map(|checkpoint| (checkpoint.head, request.note.whole()))
        })?;
        match judged {
            Ok(head) => {
                info!(origin, size = head.size, "signed the head of a log");
                let host = NoteKey::new(&name_of_acquirer(&acquirer), &self.signer_key()?)
                    .map_err(|error| StoreError::Row(error.to_string()))?;
                let signature = self.signature(request.note.text.as_bytes())?;
                Ok(Ok(Signature { signer: host.signer, signature }.line()))
            }
            Err(refusal) => {
                warn!(origin, %refusal, "did not sign the head of a log");
                Ok(Err(refusal))
            }
        }
    }

    /// The device key of the terminal whose log this is and who shows this certificate, and its acquirer.
    fn holder(&self, store: &Store, certificate: &str, origin: &str) -> Result<Option<(NoteKey, String)>, HostError> {
        let Some(machine) = machine_of_origin(origin) else { return Ok(None) };
        let Some(application) = store.register(|register| register.open_of_machine(&machine))? else { return Ok(None) };
        let (Some(numbers), Some(device)) = (application.numbers, application.device_key) else { return Ok(None) };
        let known = store.terminal(&numbers.terminal)?.is_some_and(|terminal| terminal.certificate == certificate);
        if !known {
            return Ok(None);
        }
        let device = NoteKey::new(origin, &device).map_err(|error| StoreError::Row(error.to_string()))?;
        Ok(Some((device, numbers.acquirer)))
    }
}

impl Register<'_> {
    /// The acquirer takes the log of a terminal as it is now, for one whose ledger was replaced: the head that was signed last counts
    /// no more, and the next one need not follow it. Gives the head that counted.
    ///
    /// # Errors
    /// When no terminal in service has that number, or no head of its log counts.
    pub fn accept_log(&self, terminal: &str, who: &str, now: Timestamp) -> Result<Head, RegisterError> {
        let unknown = || RegisterError::Unknown(format!("of terminal {terminal}"));
        let application = self.of_terminal(terminal)?.filter(Application::is_open).ok_or_else(unknown)?;
        let origin = origin_of_machine(&application.form.serial_number);
        let head = self
            .0
            .query_one("DELETE FROM log_heads WHERE origin = ?1 RETURNING size, root", [&origin], |row| {
                Ok(Head { size: row.get::<_, i64>(0)?.unsigned_abs(), root: row.get(1)? })
            })
            .optional()?
            .ok_or_else(|| RegisterError::NoLog(terminal.to_owned()))?;
        warn!(origin, size = head.size, who, "the head of a log counts no more");
        self.log(application.id, who, &format!("its log is taken as it is now; no more: {}", head.line()), now)?;
        Ok(head)
    }
}

impl Store {
    /// Judges a head by the one that was kept last, and keeps it when it is right: both in one transaction.
    fn keep_head(
        &self,
        origin: &str,
        now: Timestamp,
        judge: impl FnOnce(Option<&Head>) -> Result<(Head, String), Refusal>,
    ) -> Result<Result<Head, Refusal>, StoreError> {
        let connection = self.connection();
        let transaction = connection.begin(TransactionBehavior::Immediate)?;
        let last = transaction
            .query_row("SELECT size, root FROM log_heads WHERE origin = ?1", [origin], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Hash>(1)?))
            })
            .optional()?
            .map(|(size, root)| Head { size: size.unsigned_abs(), root });
        let (head, note) = match judge(last.as_ref()) {
            Ok(judged) => judged,
            Err(refusal) => return Ok(Err(refusal)),
        };
        transaction.execute(
            "INSERT INTO log_heads (origin, size, root, note, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (origin) DO UPDATE SET size = ?2, root = ?3, note = ?4, at = ?5",
            params![origin, head.size as i64, head.root, note, now.to_string()],
        )?;
        transaction.commit()?;
        Ok(Ok(head))
    }
}
