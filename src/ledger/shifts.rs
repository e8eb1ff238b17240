//! Shifts in the ledger, with the count of the drawer; each change is written down with who made it.

use jiff::civil::DateTime;
use rusqlite::{Row, TransactionBehavior, params};

use super::people::maybe_number;
use super::row::{maybe_word, word};
use super::{Ledger, LedgerError, statement_error};
use crate::money::{Amount, Currency};
use crate::payment::transaction::Kind;
use crate::people::{AuditEntry, Closing, Movement, PersonNumber, Shift, ShiftError};
use crate::reference::Batch;

const COLUMNS: &str =
    "id, opened_by, opened_at, currency, float, put_in, taken_out, closed_by, closed_at, counted, sold, given_back";

/// What somebody did of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashierSum {
    /// Who; nobody, where nobody had signed on.
    pub cashier: Option<PersonNumber>,
    /// What.
    pub kind: Kind,
    /// How many.
    pub count: u32,
    /// How much, in minor units.
    pub minor: u64,
    /// What of that are tips, in minor units, as far as nothing of it was voided.
    pub tips: u64,
}

impl Ledger {
    /// The shift that is open.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_shift(&self) -> Result<Option<Shift>, LedgerError> {
        Ok(self.shifts_where("closed_at IS NULL", 1)?.into_iter().next())
    }

    /// The last shifts, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn shifts(&self, most: u32) -> Result<Vec<Shift>, LedgerError> {
        self.shifts_where("1", most)
    }

    /// Opens a shift with what is in the drawer.
    ///
    /// # Errors
    /// When one is open, or it cannot be written.
    pub fn begin_shift(&mut self, float: Amount, entry: &AuditEntry) -> Result<Shift, LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        if self.open_shift()?.is_some() {
            return Err(ShiftError::Open.into());
        }
        transaction
            .execute(
                "INSERT INTO shifts (opened_by, opened_at, currency, float) VALUES (?1, ?2, ?3, ?4)",
                params![
                    entry.person.map(PersonNumber::number),
                    entry.at.to_string(),
                    float.currency().code(),
                    float.minor() as i64
                ],
            )
            .map_err(&failed)?;
        self.write_down(&entry.clone().saying(float.to_string()))?;
        self.commit(transaction)?;
        self.open_shift()?.ok_or(ShiftError::NoneOpen.into())
    }

    /// Cash goes into the drawer, or out of it.
    ///
    /// # Errors
    /// When no shift is open, there is not so much, or it cannot be written.
    pub fn move_cash(&mut self, movement: Movement, amount: Amount, entry: &AuditEntry) -> Result<Shift, LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let shift = self.open_shift()?.ok_or(ShiftError::NoneOpen)?.moving(movement, amount)?;
        transaction
            .execute(
                "UPDATE shifts SET put_in = ?2, taken_out = ?3 WHERE id = ?1",
                params![shift.id, shift.put_in.minor() as i64, shift.taken_out.minor() as i64],
            )
            .map_err(&failed)?;
        self.write_down(&entry.clone().saying(format!("{} {amount}", movement.word())))?;
        self.commit(transaction)?;
        Ok(shift)
    }

    /// The drawer is counted and the shift closed. Gives it with what there is too much or too little.
    ///
    /// # Errors
    /// When no shift is open, or it cannot be written.
    pub fn close_shift(&mut self, counted: Amount, entry: &AuditEntry) -> Result<Shift, LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let shift = self.open_shift()?.ok_or(ShiftError::NoneOpen)?;
        shift.check(counted)?;
        transaction
            .execute(
                "UPDATE shifts SET closed_by = ?2, closed_at = ?3, counted = ?4 WHERE id = ?1",
                params![shift.id, entry.person.map(PersonNumber::number), entry.at.to_string(), counted.minor() as i64],
            )
            .map_err(&failed)?;
        let shift = Shift { closing: Some(Closing { by: entry.person, at: entry.at, counted }), ..shift };
        let difference = shift.difference().unwrap_or_default();
        let said = format!("counted {counted} expected {} difference {difference} minor units", shift.expected()?);
        self.write_down(&entry.clone().saying(said))?;
        self.commit(transaction)?;
        Ok(shift)
    }

    /// What everybody did in a batch, as far as it stands.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn cashiers_of_batch(&self, batch: Batch) -> Result<Vec<CashierSum>, LedgerError> {
        self.cashiers_where(
            "merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3",
            params![self.merchant_code.as_str(), self.terminal_number.as_str(), batch.number()],
        )
    }

    /// What everybody did in a shift, by its times, as far as it stands; of one that is open, until now.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn cashiers_of_shift(&self, shift: &Shift) -> Result<Vec<CashierSum>, LedgerError> {
        let until = shift.closing.as_ref().map_or_else(|| "9999-12-31".to_owned(), |closing| closing.at.to_string());
        self.cashiers_where(
            "at >= ?1 AND at <= ?2 AND currency = ?3",
            params![shift.opened_at.to_string(), until, shift.float.currency().code()],
        )
    }

    fn cashiers_where(&self, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<CashierSum>, LedgerError> {
        let failed = statement_error(&self.path);
        let sql = format!(
            "SELECT cashier, kind, count(*), sum(t.amount), coalesce(sum(p.amount), 0) FROM transactions t
             LEFT JOIN tips p ON p.transaction_id = t.id AND NOT EXISTS (
                 SELECT 1 FROM transactions v WHERE v.merchant_code = t.merchant_code AND v.terminal_number = t.terminal_number
                     AND v.original_batch = t.batch AND v.original_stan = t.stan AND v.kind = 'void' AND v.state = 'approved')
             WHERE {condition} AND (state = 'approved' OR (state = 'unresolved' AND resolution = 'charged'))
             GROUP BY cashier, kind ORDER BY cashier, kind"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let rows = statement.query_map(values, |row| Ok(sum(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }

    fn shifts_where(&self, condition: &str, most: u32) -> Result<Vec<Shift>, LedgerError> {
        let failed = statement_error(&self.path);
        let sql = format!("SELECT {COLUMNS} FROM shifts WHERE {condition} ORDER BY id DESC LIMIT ?1");
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let rows = statement.query_map([most], |row| Ok(shift(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }
}

fn sum(row: &Row<'_>) -> Result<CashierSum, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "sum of a person", value: error.to_string() };
    let (minor, tips): (i64, i64) = (row.get(3).map_err(wrong)?, row.get(4).map_err(wrong)?);
    Ok(CashierSum {
        cashier: maybe_number(row, 0)?,
        kind: word(row, 1, "kind", Kind::from_word)?,
        count: row.get(2).map_err(wrong)?,
        minor: minor.unsigned_abs(),
        tips: tips.unsigned_abs(),
    })
}

fn shift(row: &Row<'_>) -> Result<Shift, LedgerError> {
    let wrong = |error: rusqlite::Error| LedgerError::Value { what: "shift", value: error.to_string() };
    let currency: Currency = word(row, 3, "currency", |text| text.parse().ok())?;
    let amount = |minor: i64| {
        let amount = u64::try_from(minor).ok().and_then(|minor| Amount::new(minor, currency).ok());
        amount.ok_or_else(|| LedgerError::Value { what: "amount", value: minor.to_string() })
    };
    let closed_at: Option<DateTime> = maybe_word(row, 8, "time", |text| text.parse().ok())?;
    let counted: Option<i64> = row.get(9).map_err(wrong)?;
    let closing = match closed_at.zip(counted) {
        Some((at, counted)) => Some(Closing { by: maybe_number(row, 7)?, at, counted: amount(counted)? }),
        None => None,
    };
    Ok(Shift {
        id: row.get(0).map_err(wrong)?,
        opened_by: maybe_number(row, 1)?,
        opened_at: word(row, 2, "time", |text| text.parse().ok())?,
        float: amount(row.get(4).map_err(wrong)?)?,
        put_in: amount(row.get(5).map_err(wrong)?)?,
        taken_out: amount(row.get(6).map_err(wrong)?)?,
        sold: amount(row.get(10).map_err(wrong)?)?,
        given_back: amount(row.get(11).map_err(wrong)?)?,
        closing,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::ledger::tests::{approved, open, paid};
    use crate::people::{Deed, Place};

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn entry(deed: Deed, hour: i8) -> AuditEntry {
        AuditEntry::new(date(2026, 11, 22).at(hour, 0, 0, 0), Place::Screen, deed, None)
    }

    #[test]
    fn a_drawer_is_counted_to_the_cent_and_what_was_counted_stays() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        ledger.begin_shift(yuan(20_000), &entry(Deed::ShiftOpened, 8)).unwrap();
        let again = ledger.begin_shift(yuan(0), &entry(Deed::ShiftOpened, 9)).unwrap_err();
        assert!(matches!(again, LedgerError::Shift(ShiftError::Open)), "{again}");
        ledger.move_cash(Movement::PutIn, yuan(12_345), &entry(Deed::CashMoved, 10)).unwrap();
        drop(ledger);
        let mut ledger = open(directory.path());
        ledger.move_cash(Movement::TakenOut, yuan(5_000), &entry(Deed::CashMoved, 11)).unwrap();
        let much = ledger.move_cash(Movement::TakenOut, yuan(27_346), &entry(Deed::CashMoved, 11)).unwrap_err();
        assert!(matches!(much, LedgerError::Shift(ShiftError::TooLittle)), "{much}");
        let closed = ledger.close_shift(yuan(27_300), &entry(Deed::DrawerCounted, 20)).unwrap();
        assert_eq!(closed.difference(), Some(-45));
        assert_eq!(ledger.shifts(9).unwrap(), [closed]);
        assert_eq!(ledger.open_shift().unwrap(), None);
        for statement in [
            "UPDATE shifts SET counted = 27345",
            "DELETE FROM shifts",
            "INSERT OR REPLACE INTO shifts (id, opened_at, currency, float) VALUES (1, 'x', 'CNY', 0)",
        ] {
            assert!(ledger.connection.execute(statement, []).is_err(), "{statement}");
        }
        let said: Vec<_> = ledger.audit_entries(&super::super::AuditSearch::default(), 9).unwrap();
        assert_eq!(said.len(), 4, "what was refused did not happen");
        assert_eq!(said[0].detail, "counted 273.00 expected 273.45 difference -45 minor units");
    }

    #[test]
    fn what_was_sold_is_told_by_who_sold_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let at = |hour| AuditEntry::new(date(2026, 11, 22).at(hour, 0, 0, 0), Place::Command, Deed::Added, None);
        let number = |number| PersonNumber::new(number).unwrap();
        for person in [99, 1, 2] {
            ledger.add_person(number(person), "", &at(7)).unwrap();
        }
        let shift = ledger.begin_shift(yuan(0), &entry(Deed::ShiftOpened, 8)).unwrap();
        let first = paid(&mut ledger, approved());
        for cashier in [1, 2, 1] {
            ledger.cashier_is(Some(number(cashier)));
            paid(&mut ledger, approved());
        }
        let sums = ledger.cashiers_of_batch(first.batch).unwrap();
        let sums: Vec<_> =
            sums.iter().map(|sum| (sum.cashier.map(PersonNumber::number), sum.count, sum.minor)).collect();
        assert_eq!(sums, [(None, 1, 1234), (Some(1), 2, 2468), (Some(2), 1, 1234)]);
        assert_eq!(ledger.cashiers_of_shift(&shift).unwrap().len(), 3);
        assert_eq!(ledger.find(first).unwrap().unwrap().cashier, None);
        let said = ledger.connection.execute("UPDATE transactions SET cashier = 2", []).unwrap_err().to_string();
        assert!(said.starts_with("who took a payment never changes"), "{said}");
    }
}
