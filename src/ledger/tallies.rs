//! What stands in a batch, as a settlement adds it up ([`crate::settlement`]).

use rusqlite::{Row, params};

use super::row::word;
use super::{Ledger, LedgerError, row, statement_error};
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::payment::transaction::Kind;
use crate::reference::Batch;
use crate::settlement::Tally;

/// Found by the index of the numbers: it begins with whose they are and with the batch.
/// Of a card without its chip the beginning of the number says whose it is.
const TALLIES: &str =
    "SELECT kind, state, resolution, CASE aid WHEN '' THEN substr(truncated_pan, 1, 6) ELSE aid END AS card, currency,
         count(*), sum(amount) FROM transactions
     WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3
     GROUP BY kind, state, resolution, card, currency";

impl Ledger {
    /// How many payments of a batch are alike, and their sum.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn tallies(&self, batch: Batch) -> Result<Vec<Tally>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self.connection.prepare_cached(TALLIES).map_err(&failed)?;
        let own = params![self.merchant_code.as_str(), self.terminal_number.as_str(), batch.number()];
        let rows = statement.query_map(own, |row| Ok(tally(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }
}

fn tally(found: &Row<'_>) -> Result<Tally, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "sum of a batch", value: error.to_string() };
    let minor: i64 = found.get(6).map_err(wrong)?;
    Ok(Tally {
        kind: word(found, 0, "kind", Kind::from_word)?,
        state: word(found, 1, "state", State::from_word)?,
        resolution: row::maybe_word(found, 2, "resolution", Resolution::from_word)?,
        aid: word(found, 3, "AID", |text| Some(text.to_owned()))?,
        currency: word(found, 4, "currency", |text| text.parse().ok())?,
        count: found.get(5).map_err(wrong)?,
        minor: u64::try_from(minor).map_err(|_| LedgerError::Value { what: "sum", value: minor.to_string() })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{
        about, approved, approved_of, done_about, host_approved, open, paid, pending, reversal_due,
    };
    use crate::money::Currency;
    use crate::payment::online::EntryMode;
    use crate::payment::queue::EntryId;
    use crate::payment::record::Record;
    use crate::settlement::{Side, totals};

    #[test]
    fn a_batch_is_added_up_by_one_look_at_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let first = paid(&mut ledger, approved());
        paid(&mut ledger, approved());
        for taken_back in [true, false] {
            let trace = ledger.take_trace_number().unwrap();
            ledger.record(trace, &pending(500)).unwrap();
            ledger.record(trace, &reversal_due()).unwrap();
            if taken_back {
                ledger.done(EntryId::Reversal(trace)).unwrap();
            }
        }
        let next = Batch::new(2).unwrap();
        ledger.signed_on(Some(next), jiff::civil::date(2026, 11, 23).at(8, 0, 0, 0)).unwrap();
        paid(&mut ledger, approved());
        let of = |batch| totals(&ledger.tallies(batch).unwrap(), Currency::CNY).unwrap();
        let debit = of(first.batch).of(Side::Debit, true).unwrap();
        assert_eq!((debit.count, debit.amount.minor(), of(first.batch).open), (2, 2468, 1));
        let debit = of(next).of(Side::Debit, true).unwrap();
        assert_eq!((debit.count, debit.amount.minor(), of(next).open), (1, 1234, 0));
        assert_eq!(ledger.tallies(Batch::new(3).unwrap()).unwrap(), []);
    }

    #[test]
    fn what_went_back_stands_on_the_other_side_by_the_card_of_its_original() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let first = paid(&mut ledger, approved());
        paid(&mut ledger, approved());
        let held = approved_of(&mut ledger, Kind::PreAuthorisation, 5000);
        done_about(&mut ledger, Kind::Completion, held, 700);
        // The card stayed away.
        let Record::Pending(mut void) = about(&ledger, Kind::Void, first, 1234) else { panic!("it begins") };
        (void.entry, void.aid) = (EntryMode::NotRead, String::new());
        let trace = ledger.take_trace_number().unwrap();
        for record in [Record::Pending(void), host_approved(), Record::Done] {
            ledger.record(trace, &record).unwrap();
        }
        let totals = totals(&ledger.tallies(first.batch).unwrap(), Currency::CNY).unwrap();
        let of = |side| totals.of(side, true).map(|sum| (sum.count, sum.amount.minor())).unwrap();
        assert_eq!((of(Side::Debit), of(Side::Credit), totals.open), ((3, 3168), (1, 1234), 0));
        let day = ledger.paid_on(jiff::civil::date(2026, 11, 22), Currency::CNY).unwrap();
        assert_eq!((day.count, day.amount.minor(), day.count_back, day.back.minor()), (3, 3168, 1, 1234));
        assert_eq!(day.net_minor(), 1934);
        let kinds = ledger.done_on(jiff::civil::date(2026, 11, 22), Currency::CNY).unwrap();
        assert!(kinds.contains(&(Kind::PreAuthorisation, 1, 5000)), "{kinds:?}");
        assert_eq!(kinds.len(), 4);
    }

    #[test]
    fn a_batch_is_found_among_all_by_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let ledger = open(directory.path());
        let mut statement = ledger.connection.prepare(&format!("EXPLAIN QUERY PLAN {TALLIES}")).unwrap();
        let plan: Vec<String> =
            statement.query_map(params!["a", "b", 1], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        let by_number = "SEARCH transactions USING INDEX sqlite_autoindex_transactions_1 \
                         (merchant_code=? AND terminal_number=? AND batch=?)";
        assert_eq!(plan[0], by_number, "{plan:?}");
    }
}
