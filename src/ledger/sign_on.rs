//! Whether the terminal has the host's working keys, since when, and the batch number that came with them.

use jiff::civil::DateTime;
use rusqlite::{TransactionBehavior, params};

use super::{Ledger, LedgerError, statement_error};
use crate::deliberate;
use crate::reference::{Batch, TraceNumber};

/// What the ledger knows of the last sign-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignOnRow {
    /// The next request to the host must be for keys.
    pub due: bool,
    /// Local time of the last one that brought keys.
    pub at: Option<DateTime>,
    /// The batch whose numbers are given now.
    pub batch: Batch,
}

/// What became of the batch number that the host named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is the terminal's own, or the host named none.
    Kept(Batch),
    /// Numbers are given in this one from now on.
    Taken(Batch),
    /// It lies behind the terminal's own, so that its numbers may have been used: the terminal keeps its own.
    Refused {
        /// The terminal's.
        ours: Batch,
        /// The host's.
        theirs: Batch,
    },
}

impl Ledger {
    /// How it is with the working keys.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn sign_on(&self) -> Result<SignOnRow, LedgerError> {
        let (due, at, batch): (bool, Option<String>, u32) = self
            .connection
            .query_row("SELECT due, at, batch FROM sign_on JOIN counters USING (id) WHERE id = 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(statement_error(&self.path))?;
        let at = at.map(|text| text.parse().map_err(|_| LedgerError::Value { what: "time", value: text.clone() }));
        Ok(SignOnRow { due, at: at.transpose()?, batch: read_batch(batch)? })
    }

    /// The working keys can no longer be relied on: the next request must be for new ones. Holds until
    /// [`Ledger::signed_on`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sign_on_due(&mut self) -> Result<(), LedgerError> {
        self.set_due(true)
    }

    /// The batch whose numbers are given now.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn batch(&self) -> Result<Batch, LedgerError> {
        let number = self
            .connection
            .query_row("SELECT batch FROM counters WHERE id = 1", [], |row| row.get(0))
            .map_err(statement_error(&self.path))?;
        read_batch(number)
    }

    /// A sign-on is about to leave: takes its number, and notes that the keys in the vault may be the old ones or the new ones
    /// until its end is known.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may leave.
    pub fn sign_on_begins(&mut self) -> Result<TraceNumber, LedgerError> {
        let failed = statement_error(&self.path);
        // It reads first, as where a number is taken.
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let trace = self.next_trace_number()?;
        if deliberate::is("number_used_twice") {
            return Ok(trace);
        }
        transaction.execute("UPDATE sign_on SET due = 1 WHERE id = 1", []).map_err(&failed)?;
        self.commit(transaction)?;
        Ok(trace)
    }

    /// The sign-on never reached the host, or was refused there, and the keys before it still count.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sign_on_not_sent(&mut self) -> Result<(), LedgerError> {
        self.set_due(false)
    }

    /// New working keys are in the vault. The host's batch number becomes the terminal's unless it lies behind it: a number of
    /// an earlier batch could be given twice. Payments and advices of the earlier batch keep their numbers.
    ///
    /// # Errors
    /// When it cannot be written; then the sign-on is still due.
    pub fn signed_on(&mut self, theirs: Option<Batch>, at: DateTime) -> Result<Adopted, LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        let (own, highest): (u32, u32) = transaction
            .query_row(
                "SELECT batch, max(batch,
                            coalesce((SELECT max(batch) FROM transactions
                                      WHERE merchant_code = ?1 AND terminal_number = ?2), 0),
                            coalesce((SELECT max(batch) FROM advices), 0))
                 FROM counters WHERE id = 1",
                [self.merchant_code.as_str(), self.terminal_number.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(&failed)?;
        let ours = read_batch(own)?;
        let adopted = match theirs {
            Some(theirs) if theirs.number() > highest => Adopted::Taken(theirs),
            Some(theirs) if theirs != ours => Adopted::Refused { ours, theirs },
            Some(_) | None => Adopted::Kept(ours),
        };
        if let Adopted::Taken(batch) = adopted {
            transaction.execute("UPDATE counters SET batch = ?1 WHERE id = 1", [batch.number()]).map_err(&failed)?;
        }
        transaction
            .execute("UPDATE sign_on SET due = 0, at = ?1 WHERE id = 1", params![at.to_string()])
            .map_err(&failed)?;
        self.commit(transaction)?;
        Ok(adopted)
    }

    fn set_due(&mut self, due: bool) -> Result<(), LedgerError> {
        self.connection
            .execute("UPDATE sign_on SET due = ?1 WHERE id = 1", [due])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }
}

impl Adopted {
    /// The batch whose numbers are given now.
    pub const fn batch(self) -> Batch {
        match self {
            Self::Kept(batch) | Self::Taken(batch) | Self::Refused { ours: batch, .. } => batch,
        }
    }
}

fn read_batch(number: u32) -> Result<Batch, LedgerError> {
    Batch::new(number).map_err(|_| LedgerError::Value { what: "batch number", value: number.to_string() })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::ledger::tests::{open, pending};

    fn at() -> DateTime {
        date(2026, 11, 28).at(9, 0, 0, 0)
    }

    fn batch(number: u32) -> Batch {
        Batch::new(number).unwrap()
    }

    #[test]
    fn a_new_ledger_wants_a_sign_on_and_remembers_that_it_has_had_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        assert_eq!(ledger.sign_on().unwrap(), SignOnRow { due: true, at: None, batch: Batch::FIRST });
        ledger.signed_on(None, at()).unwrap();
        drop(ledger);
        let mut ledger = open(directory.path());
        assert_eq!(ledger.sign_on().unwrap(), SignOnRow { due: false, at: Some(at()), batch: Batch::FIRST });
        ledger.sign_on_due().unwrap();
        assert!(open(directory.path()).sign_on().unwrap().due);
    }

    #[test]
    fn a_power_cut_in_a_sign_on_leaves_it_due() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        ledger.signed_on(None, at()).unwrap();
        let trace = ledger.sign_on_begins().unwrap();
        drop(ledger);
        let mut ledger = open(directory.path());
        assert!(ledger.sign_on().unwrap().due);
        assert_ne!(ledger.take_trace_number().unwrap(), trace, "its number is used");
        ledger.sign_on_not_sent().unwrap();
        assert!(!ledger.sign_on().unwrap().due);
    }

    #[test]
    fn the_hosts_batch_is_taken_forwards_only() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        assert_eq!(ledger.signed_on(Some(batch(1)), at()).unwrap(), Adopted::Kept(batch(1)));
        assert_eq!(ledger.signed_on(Some(batch(7)), at()).unwrap(), Adopted::Taken(batch(7)));
        let trace = ledger.take_trace_number().unwrap();
        assert_eq!(trace.batch, batch(7));
        ledger.record(trace, &pending(100)).unwrap();
        let refused = Adopted::Refused { ours: batch(7), theirs: batch(6) };
        assert_eq!(ledger.signed_on(Some(batch(6)), at()).unwrap(), refused);
        assert_eq!(ledger.signed_on(None, at()).unwrap(), Adopted::Kept(batch(7)));
        assert!(!ledger.sign_on().unwrap().due, "the keys are good all the same");
        assert_eq!(ledger.take_trace_number().unwrap().batch, batch(7));
    }

    #[test]
    fn a_payment_of_the_batch_before_keeps_its_number() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let old = ledger.take_trace_number().unwrap();
        ledger.record(old, &pending(100)).unwrap();
        ledger.signed_on(Some(batch(2)), at()).unwrap();
        let new = ledger.take_trace_number().unwrap();
        ledger.record(new, &pending(200)).unwrap();
        let numbers: Vec<_> =
            ledger.in_state(crate::payment::record::State::Pending).unwrap().iter().map(|row| row.trace).collect();
        assert_eq!(numbers, [old, new]);
        assert_eq!((old.batch, new.batch), (batch(1), batch(2)));
    }
}
