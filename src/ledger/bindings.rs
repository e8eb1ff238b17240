//! The newest binding record that has counted. The terminal's journal says so too, and a journal whose last lines are
//! taken away is right in itself.

use rusqlite::params;

use super::{Ledger, LedgerError, statement_error};

impl Ledger {
    /// Notes the version of a binding record that counts for a device key. Gives the newest that has counted for that
    /// key.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn note_binding(&mut self, device_key: &str, version: u32) -> Result<u32, LedgerError> {
        let failed = statement_error(&self.path);
        let (key, newest): (Option<String>, Option<u32>) = self
            .connection
            .query_row("SELECT binding_key, binding_version FROM counters WHERE id = 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .map_err(&failed)?;
        match newest {
            // Versions are counted for each key.
            Some(newest) if key.as_deref() == Some(device_key) && newest >= version => Ok(newest),
            _ => {
                self.connection
                    .execute(
                        "UPDATE counters SET binding_key = ?1, binding_version = ?2 WHERE id = 1",
                        params![device_key, version],
                    )
                    .map_err(failed)?;
                Ok(version)
            }
        }
    }

    /// A newer record of the same key counts from now on.
    ///
    /// # Errors
    /// When it cannot be written: the next start does it.
    pub fn raise_binding(&mut self, version: u32) -> Result<(), LedgerError> {
        self.connection
            .execute("UPDATE counters SET binding_version = ?1 WHERE id = 1 AND binding_version < ?1", [version])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use crate::ledger::tests::open;

    #[test]
    fn the_newest_record_of_a_key_stays_known() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        ledger.raise_binding(9).unwrap();
        assert_eq!(ledger.note_binding("aa", 2).unwrap(), 2);
        assert_eq!(ledger.note_binding("aa", 3).unwrap(), 3);
        ledger.raise_binding(5).unwrap();
        ledger.raise_binding(4).unwrap();
        drop(ledger);
        let mut ledger = open(directory.path());
        assert_eq!(ledger.note_binding("aa", 4).unwrap(), 5, "an older one tells what it is older than");
        assert_eq!(ledger.note_binding("bb", 1).unwrap(), 1, "another key begins anew");
    }
}
