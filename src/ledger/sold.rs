//! What was sold, line by line: written in the database transaction that begins the payment, and never changed.

use rusqlite::{OptionalExtension, Row, params};

use super::{Ledger, LedgerError, statement_error};
use crate::goods::{GoodError, GoodName, GoodNumber, Quantity, SoldGood, TaxRate, Unit};
use crate::money::{Amount, Currency};
use crate::reference::TraceNumber;

impl Ledger {
    /// Writes what a payment is for, and what of it is a tip, in the transaction that has just written its row.
    pub(super) fn note_sold(&self, to_pay: Amount, sold: &[SoldGood], tip: Option<Amount>) -> Result<(), LedgerError> {
        let Some(tip) = tip else { return self.note_sold_in(&PLACES[0], to_pay, sold) };
        let transaction = self.connection.last_insert_rowid();
        let for_goods = to_pay.checked_sub(tip).map_err(|_| LedgerError::Sold(to_pay))?;
        self.note_sold_in(&PLACES[0], for_goods, sold)?;
        self.connection
            .execute(
                "INSERT INTO tips (transaction_id, amount) VALUES (?1, ?2)",
                params![transaction, tip.minor() as i64],
            )
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// What of a payment is a tip; nothing, where none was given.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn tip_of(&self, trace: TraceNumber) -> Result<Option<Amount>, LedgerError> {
        let found: Option<(i64, String)> = self
            .connection
            .query_row(
                "SELECT p.amount, t.currency FROM transactions t JOIN tips p ON p.transaction_id = t.id
                 WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.batch = ?3 AND t.stan = ?4",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    trace.batch.number(),
                    trace.stan.number()
                ],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(statement_error(&self.path))?;
        let Some((minor, currency)) = found else { return Ok(None) };
        let wrong = || LedgerError::Value { what: "tip", value: format!("{minor} {currency}") };
        let currency: Currency = currency.parse().map_err(|_| wrong())?;
        let minor = u64::try_from(minor).map_err(|_| wrong())?;
        Amount::new(minor, currency).map(Some).map_err(|_| wrong())
    }

    /// Writes what a cash sale is for, in the transaction that has just written its row.
    pub(super) fn note_sold_in_cash(&self, to_pay: Amount, sold: &[SoldGood]) -> Result<(), LedgerError> {
        self.note_sold_in(&PLACES[1], to_pay, sold)
    }

    fn note_sold_in(&self, place: &Place, to_pay: Amount, sold: &[SoldGood]) -> Result<(), LedgerError> {
        if sold.is_empty() {
            return Ok(());
        }
        if !crate::goods::sold::come_to(sold, to_pay) {
            return Err(LedgerError::Sold(to_pay));
        }
        let failed = statement_error(&self.path);
        let transaction = self.connection.last_insert_rowid();
        let Place { lines, of, .. } = place;
        let sql = format!(
            "INSERT INTO {lines} ({of}, position, number, name, unit, quantity, price, discount, amount, tax_rate)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        for (index, good) in sold.iter().enumerate() {
            statement
                .execute(params![
                    transaction,
                    index as i64 + 1,
                    good.number.number(),
                    good.name.as_str(),
                    good.unit.word(),
                    good.quantity.count(),
                    good.price.minor() as i64,
                    good.discount.minor() as i64,
                    good.amount.minor() as i64,
                    good.tax_rate.basis_points(),
                ])
                .map_err(&failed)?;
        }
        Ok(())
    }

    /// What was sold in a payment, as it came in. Nothing, where the amount was keyed.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn sold_in(&self, trace: TraceNumber) -> Result<Vec<SoldGood>, LedgerError> {
        let failed = statement_error(&self.path);
        let (merchant, terminal) = (self.merchant_code.as_str(), self.terminal_number.as_str());
        let mut sold = Vec::new();
        for Place { rows, lines, of } in &PLACES {
            let sql = format!(
                "SELECT g.number, g.name, g.unit, g.quantity, g.price, g.discount, g.amount, g.tax_rate, t.currency
                 FROM {rows} t JOIN {lines} g ON g.{of} = t.id
                 WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.batch = ?3 AND t.stan = ?4 ORDER BY g.position"
            );
            let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
            let payment = params![merchant, terminal, trace.batch.number(), trace.stan.number()];
            let found = statement.query_map(payment, |row| Ok(read(row))).map_err(&failed)?;
            for good in found {
                sold.push(good.map_err(&failed)??);
            }
        }
        Ok(sold)
    }
}

/// Where lines of goods stand.
struct Place {
    /// The table of what they were sold in.
    rows: &'static str,
    /// Their own table.
    lines: &'static str,
    /// The column that says in which row they were sold.
    of: &'static str,
}

/// A number is in one of the tables of rows only.
const PLACES: [Place; 2] = [
    Place { rows: "transactions", lines: "sold_goods", of: "transaction_id" },
    Place { rows: "cash_sales", lines: "cash_goods", of: "cash_sale" },
];

fn read(row: &Row<'_>) -> Result<SoldGood, LedgerError> {
    let value = |what: &'static str, value: String| LedgerError::Value { what, value };
    let wrong = |error: rusqlite::Error| value("line of goods", error.to_string());
    let good = |error: GoodError| value("line of goods", error.to_string());
    let code: String = row.get(8).map_err(wrong)?;
    let currency: Currency = code.parse().map_err(|_| value("currency", code.clone()))?;
    let amount = |index| {
        let minor: i64 = row.get(index).map_err(wrong)?;
        let amount = u64::try_from(minor).ok().and_then(|minor| Amount::new(minor, currency).ok());
        amount.ok_or_else(|| value("amount", minor.to_string()))
    };
    let unit = Unit::parse(&row.get::<_, String>(2).map_err(wrong)?).map_err(good)?;
    let count = row.get(3).map_err(wrong)?;
    Ok(SoldGood {
        number: row.get(0).map_err(wrong).and_then(|number| GoodNumber::new(number).map_err(good))?,
        name: GoodName::parse(&row.get::<_, String>(1).map_err(wrong)?).map_err(good)?,
        quantity: if unit == Unit::Piece { Quantity::Pieces(count) } else { Quantity::Grams(count) },
        unit,
        price: amount(4)?,
        discount: amount(5)?,
        amount: amount(6)?,
        tax_rate: row.get(7).map_err(wrong).and_then(|rate| TaxRate::new(rate).map_err(good))?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::tests::{approved, host_approved, open, pending_sale};
    use super::*;
    use crate::payment::queue::EntryId;
    use crate::payment::record::{Pending, Record};
    use crate::reference::Batch;
    use crate::terminal::settings::LEAST_KEPT_DAYS;

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn cola() -> SoldGood {
        SoldGood {
            number: GoodNumber::new(7).unwrap(),
            name: GoodName::parse("可口可乐").unwrap(),
            quantity: Quantity::Pieces(2),
            unit: Unit::Piece,
            price: yuan(350),
            discount: yuan(104),
            amount: yuan(596),
            tax_rate: TaxRate::new(1300).unwrap(),
        }
    }

    fn apples() -> SoldGood {
        SoldGood {
            name: GoodName::parse("苹果").unwrap(),
            quantity: Quantity::Grams(532),
            unit: Unit::Jin,
            price: yuan(600),
            discount: yuan(0),
            amount: yuan(638),
            ..cola()
        }
    }

    fn pending(minor: u64) -> Pending {
        Pending { at: date(2023, 5, 1).at(12, 0, 0, 0), ..pending_sale(minor) }
    }

    #[test]
    fn what_was_sold_is_written_with_the_payment_and_read_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let sold = [cola(), apples()];
        let (with, without) = (ledger.take_trace_number().unwrap(), ledger.take_trace_number().unwrap());
        let begun = Record::Pending(Box::new(pending(1234)));
        ledger.record_selling(with, &begun, &sold, None).unwrap();
        ledger.record(without, &begun).unwrap();
        assert_eq!(open(directory.path()).sold_in(with).unwrap(), sold);
        assert_eq!(ledger.sold_in(without).unwrap(), []);
        for change in ["UPDATE sold_goods SET amount = 1", "DELETE FROM sold_goods"] {
            let said = ledger.connection.execute(change, []).unwrap_err().to_string();
            assert!(said.starts_with("what was sold is never "), "{said}");
        }
    }

    #[test]
    fn lines_that_do_not_come_to_the_amount_begin_no_payment() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        for (minor, sold) in [(1235, vec![cola(), apples()]), (1234, vec![cola()])] {
            let begun = Record::Pending(Box::new(pending(minor)));
            assert!(matches!(ledger.record_selling(trace, &begun, &sold, None), Err(LedgerError::Sold(_))));
        }
        assert_eq!(ledger.find(trace).unwrap(), None);
        let rows: i64 = ledger.connection.query_row("SELECT count(*) FROM sold_goods", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0);
    }

    #[test]
    fn a_tip_is_a_part_of_what_is_paid_and_is_written_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let mut selling = |minor: u64, sold: &[SoldGood], tip: u64| {
            let trace = ledger.take_trace_number().unwrap();
            let begun = Record::Pending(Box::new(pending(minor)));
            ledger.record_selling(trace, &begun, sold, Some(yuan(tip))).map(|()| trace)
        };
        let keyed = selling(1100, &[], 100).unwrap();
        let with_goods = selling(1357, &[cola(), apples()], 123).unwrap();
        // The lines and the tip are not what is paid; more than all of it; more than what it is given for.
        for (minor, sold, tip) in [(1357, vec![cola(), apples()], 122), (100, vec![], 101), (100, vec![], 51)] {
            assert!(selling(minor, &sold, tip).is_err(), "{minor} {tip}");
        }
        let ledger = open(directory.path());
        assert_eq!(ledger.tip_of(keyed).unwrap(), Some(yuan(100)));
        assert_eq!(
            (ledger.tip_of(with_goods).unwrap(), ledger.sold_in(with_goods).unwrap().len()),
            (Some(yuan(123)), 2)
        );
        assert_eq!(ledger.count().unwrap(), 2, "what was refused has left nothing");
        for change in ["UPDATE tips SET amount = 1", "DELETE FROM tips"] {
            let said = ledger.connection.execute(change, []).unwrap_err().to_string();
            assert!(said.starts_with("what was given as a tip is never "), "{said}");
        }
    }

    #[test]
    fn it_leaves_with_its_payment_and_is_read_from_the_archive() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        ledger
            .record_selling(trace, &Record::Pending(Box::new(pending(1434))), &[cola(), apples()], Some(yuan(200)))
            .unwrap();
        ledger.record(trace, &host_approved()).unwrap();
        ledger.record(trace, &approved()).unwrap();
        let advice = ledger.next_advice().unwrap().unwrap().id;
        ledger.done(EntryId::Advice(advice)).unwrap();
        for copy in ledger.copies_of(trace).unwrap() {
            ledger.copy_is(&copy, super::super::PrintState::Printed).unwrap();
        }
        let now = date(2027, 1, 20).at(8, 0, 0, 0);
        ledger.signed_on(Batch::new(2).ok(), now).unwrap();
        let newest = ledger.take_trace_number().unwrap();
        ledger.record(newest, &Record::Pending(Box::new(Pending { at: now, ..pending_sale(1) }))).unwrap();
        let left = ledger.archive_a_month(LEAST_KEPT_DAYS, now).unwrap().unwrap();
        assert_eq!((ledger.find(trace).unwrap(), ledger.sold_in(trace).unwrap()), (None, Vec::new()));
        assert_eq!(ledger.tip_of(trace).unwrap(), None);
        let archive = ledger.open_archive(&left).unwrap();
        assert_eq!(archive.sold_in(trace).unwrap(), [cola(), apples()]);
        assert_eq!(archive.tip_of(trace).unwrap(), Some(yuan(200)));
    }
}
