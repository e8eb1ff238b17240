//! The transaction log as an act of the terminal: who signs its head, whose keys it is verified with, and the host's signature.

use super::setup::{Setup, SetupError};
use crate::acquirer::cosign::{CosignError, cosign};
use crate::crypto::hex::{self, HexError};
use crate::ledger::{CheckpointRow, Ledger, LedgerError, LogEntry, Unlogged};
use crate::proof::checkpoint::{Checkpoint, name_of_acquirer, origin_of_machine};
use crate::proof::export::{Item, file};
use crate::proof::inclusion::InclusionProof;
use crate::proof::note::{NoteError, NoteKey};
use crate::proof::verify::{Fault, Trust, Verified, verify};
use crate::reference::{Batch, Stan, TraceNumber};
use crate::terminal::identity::{self, Identity, IdentityError};
use crate::terminal::journal::Journal;
use crate::vault::{SecureElement, VaultError};

/// Why the log cannot be signed, shown or verified.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// What the terminal is, or a part of it.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A key.
    #[error("a key of this terminal: {0}")]
    Key(#[from] NoteError),
    /// A key in the journal.
    #[error("a key in the journal of this terminal: {0}")]
    Journal(#[from] HexError),
    /// The host has not signed.
    #[error(transparent)]
    Cosign(#[from] CosignError),
    /// No such payment, or it is not over.
    #[error("the log has no entry of the STAN {0}; only a payment that is over has one: yima transactions")]
    NoEntry(Stan),
    /// It stops before an entry that the ledger has.
    #[error("the log was changed while it was read; try again")]
    Moved,
}

/// The public keys by which the log of this terminal is verified.
#[derive(Clone, Debug)]
pub struct LogKeys {
    /// The device key.
    pub device: NoteKey,
    /// Those before it, by the journal of the terminal.
    pub earlier: Vec<NoteKey>,
    /// The acquirer's.
    pub host: NoteKey,
}

/// What became of looking at the log where it grows.
#[derive(Debug)]
pub enum LogVerdict {
    /// Nothing is wrong.
    Whole(Verified),
    /// Something in it is wrong.
    Wrong(Fault),
    /// It is whole, and the ledger says otherwise of a payment than its last entry.
    Disagrees(Box<Unlogged>),
}

/// Signs the head of a log, unless the device key has signed it already.
///
/// # Errors
/// When the vault does not sign or it cannot be written.
pub(super) fn sign_head(
    ledger: &mut Ledger,
    vault: &dyn SecureElement,
    identity: &Identity,
) -> Result<CheckpointRow, LogError> {
    let origin = origin_of_machine(&identity.serial_number);
    let key = NoteKey::new(&origin, &vault.public_key()?)?;
    let head = ledger.log_head()?;
    let own = |row: &CheckpointRow| {
        row.size == head.size && row.note.signatures.iter().any(|signature| signature.signer == key.signer)
    };
    if let Some(row) = ledger.checkpoints()?.into_iter().rfind(own) {
        return Ok(row);
    }
    let note = Checkpoint { origin, head }.signed(&key, |text| vault.sign(text))?;
    let id = ledger.add_checkpoint(&note)?;
    Ok(CheckpointRow { id, size: head.size, note, cosigned: false })
}

/// The last entry of a payment, which may have left for an archive.
fn last_entry(ledger: &Ledger, batch: Option<Batch>, stan: Stan) -> Result<Option<LogEntry>, LedgerError> {
    let of = |ledger: &Ledger| -> Result<Option<LogEntry>, LedgerError> {
        let trace = match batch {
            Some(batch) => Some(TraceNumber { batch, stan }),
            None => ledger.newest_of(stan)?,
        };
        Ok(trace.map(|trace| ledger.log_entries_of(trace)).transpose()?.unwrap_or_default().pop())
    };
    let mut entry = of(ledger)?;
    for archive in ledger.archives()? {
        if entry.is_some() {
            break;
        }
        entry = of(&ledger.open_archive(&archive)?)?;
    }
    Ok(entry)
}

/// A payment that is not in the log as it stands in the ledger, or in one of its archives.
fn first_unlogged(ledger: &Ledger) -> Result<Option<Unlogged>, LedgerError> {
    let mut unlogged = ledger.unlogged()?;
    for archive in ledger.archives()? {
        if !unlogged.is_empty() {
            break;
        }
        unlogged = ledger.open_archive(&archive)?.unlogged()?;
    }
    Ok(unlogged.into_iter().next())
}

impl LogKeys {
    /// All keys of the device.
    pub fn of_device(&self) -> Vec<NoteKey> {
        std::iter::once(&self.device).chain(&self.earlier).cloned().collect()
    }
}

impl Setup {
    /// The public keys by which this terminal's log is verified.
    ///
    /// # Errors
    /// When it is not enrolled or its keys cannot be read.
    pub fn log_keys(&self) -> Result<LogKeys, LogError> {
        let (identity, directory) = (self.identity()?, self.identity_directory());
        let origin = origin_of_machine(&identity.serial_number);
        let device = NoteKey::new(&origin, &self.vault()?.public_key()?)?;
        let mut earlier: Vec<NoteKey> = Vec::new();
        for entry in Journal::load(&directory).map_err(IdentityError::from)?.entries() {
            let key = NoteKey::new(&origin, &hex::decode(&entry.key)?)?;
            if key.signer != device.signer && earlier.iter().all(|known| known.signer != key.signer) {
                earlier.push(key);
            }
        }
        let acquirer = identity::acquirer_key(&directory, &self.settings.host.ca_file)?;
        let host = NoteKey::new(&name_of_acquirer(&identity.acquirer_code), &acquirer)?;
        Ok(LogKeys { device, earlier, host })
    }

    /// Signs the head of the log. The terminal may run meanwhile.
    ///
    /// # Errors
    /// When the vault does not sign or it cannot be written.
    pub fn sign_log(&self) -> Result<(Ledger, CheckpointRow), LogError> {
        let identity = self.identity()?;
        let mut ledger = self.ledger_beside(&identity)?;
        let row = sign_head(&mut ledger, &*self.vault()?, &identity)?;
        Ok((ledger, row))
    }

    /// Signs the head of the log and has the host sign it as well.
    ///
    /// # Errors
    /// When the host does not; what the terminal signed is kept.
    pub fn cosign_log(&self) -> Result<CheckpointRow, LogError> {
        let (mut ledger, row) = self.sign_log()?;
        let host = self.log_keys()?.host;
        let cosigned = ledger.checkpoints()?.into_iter().rfind(|row| row.cosigned);
        if row.cosigned {
            return Ok(row);
        }
        let tree = ledger.log_tree(row.size)?;
        let signature = cosign(
            &self.settings.host,
            &self.identity_directory(),
            (row.size, &row.note),
            cosigned.map_or(0, |row| row.size),
            &host,
            &mut |size| tree.prove_consistency(size),
        )?;
        ledger.add_cosignature(row.id, &signature)?;
        let mut note = row.note;
        note.signatures.push(signature);
        Ok(CheckpointRow { note, cosigned: true, ..row })
    }

    /// The whole log as a file, signed to its end.
    ///
    /// # Errors
    /// When it cannot be signed or read.
    pub fn export_log(&self) -> Result<(String, CheckpointRow), LogError> {
        let (ledger, row) = self.sign_log()?;
        let mut items = ledger.log_items()?;
        // A sale that ended since then is not signed yet; the file ends with what is.
        while items.last().is_some_and(|item| !matches!(item, Item::Checkpoint { .. })) {
            items.pop();
        }
        Ok((file(&items), row))
    }

    /// One payment's last entry with what proves that it is in the log: the newest payment of this STAN, or that of a batch.
    ///
    /// # Errors
    /// When there is none or it cannot be signed.
    pub fn prove_logged(&self, batch: Option<Batch>, stan: Stan) -> Result<InclusionProof, LogError> {
        let (ledger, row) = self.sign_log()?;
        let entry = last_entry(&ledger, batch, stan)?.ok_or(LogError::NoEntry(stan))?;
        // The host's word counts for more than the terminal's own; the first that has the entry has the shortest proof.
        let signed = ledger.checkpoints()?.into_iter().find(|row| row.cosigned && row.size > entry.index);
        let row = signed.unwrap_or(row);
        let hashes = ledger.log_tree(row.size)?.prove_inclusion(entry.index).ok_or(LogError::Moved)?;
        Ok(InclusionProof { leaf: entry.leaf, index: entry.index, hashes, note: row.note })
    }

    /// Looks at the log where it grows, and whether the ledger says the same of each payment. Nothing is changed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn verify_log(&self) -> Result<Option<LogVerdict>, LogError> {
        let keys = self.log_keys()?;
        let Some(ledger) = self.ledger_to_look_at(&self.identity()?)? else { return Ok(None) };
        let device = keys.of_device();
        let host = [keys.host];
        let trust = Trust { device: &device, host: &host, anchor: None, growing: true };
        Ok(Some(match verify(file(&ledger.log_items()?).as_bytes(), &trust) {
            Err(fault) => LogVerdict::Wrong(fault),
            Ok(verified) => match first_unlogged(&ledger)? {
                Some(unlogged) => LogVerdict::Disagrees(Box::new(unlogged)),
                None => LogVerdict::Whole(verified),
            },
        }))
    }
}
