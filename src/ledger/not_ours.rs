//! A second place for one fact: the host has the number of a payment already, so that it is not taken back. While the
//! ledger cannot be written that fact would end with the program, and the next start would take back what may be
//! another payment.
//!
//! A file beside the ledger, made before it is needed and then written over in place: that takes no room on a full
//! disk, and one sector is written or not. There is one payment at a time, and the next one begins when the ledger has
//! taken the fact over.

use std::fs::OpenOptions;
use std::io::Write;

use super::backup::beside;
use super::{Ledger, LedgerError};
use crate::reference::{Batch, Stan, TraceNumber};
use crate::terminal::files;

/// What stands in it when there is nothing to say, as long as what may stand in it.
const NOTHING: &[u8] = b"-------------\n";

impl Ledger {
    /// The payment that is not to be taken back, though the ledger does not say so yet. Makes room to note one.
    ///
    /// # Errors
    /// When the file cannot be read or made.
    pub fn not_ours(&self) -> Result<Option<TraceNumber>, LedgerError> {
        let path = beside(&self.path, ".not-ours");
        let failed = |source| LedgerError::File { path: path.display().to_string(), source };
        match std::fs::read(&path) {
            Ok(content) if content.len() == NOTHING.len() => Ok(read(&content)),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
            Ok(_) | Err(_) => files::write(&path, NOTHING).map(|()| None).map_err(failed),
        }
    }

    /// Notes it durably, or that the ledger says it by now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_not_ours(&self, trace: Option<TraceNumber>) -> Result<(), LedgerError> {
        let path = beside(&self.path, ".not-ours");
        let content = trace.map_or_else(|| NOTHING.to_vec(), |trace| format!("{trace}\n").into_bytes());
        let write = || {
            let mut file = OpenOptions::new().write(true).open(&path)?;
            file.write_all(&content)?;
            file.sync_data()
        };
        write().map_err(|source| LedgerError::File { path: path.display().to_string(), source })
    }
}

fn read(content: &[u8]) -> Option<TraceNumber> {
    let (batch, stan) = std::str::from_utf8(content).ok()?.trim_end().split_once('-')?;
    let number = |digits: &str| (digits.len() == 6).then(|| digits.parse().ok()).flatten();
    Some(TraceNumber { batch: Batch::new(number(batch)?).ok()?, stan: Stan::new(number(stan)?).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::open;

    #[test]
    fn what_was_noted_is_known_after_a_restart_until_it_is_taken_off() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        assert!(ledger.note_not_ours(None).is_err(), "there is no room for it yet");
        assert_eq!(ledger.not_ours().unwrap(), None);
        let trace = ledger.take_trace_number().unwrap();
        ledger.note_not_ours(Some(trace)).unwrap();
        drop(ledger);
        let ledger = open(directory.path());
        assert_eq!(ledger.not_ours().unwrap(), Some(trace));
        ledger.note_not_ours(None).unwrap();
        assert_eq!(ledger.not_ours().unwrap(), None);
        // What a power cut or anybody else left there says nothing.
        for content in ["", "000001-0000", "000001-abcdef\n", "000000-000001\n", "000001-000001-000001\n"] {
            std::fs::write(beside(&ledger.path, ".not-ours"), content).unwrap();
            assert_eq!(ledger.not_ours().unwrap(), None, "{content}");
            ledger.note_not_ours(Some(trace)).unwrap();
            assert_eq!(ledger.not_ours().unwrap(), Some(trace), "{content}");
        }
    }
}
