//! Settlements as they are written down: wanted, cut, and carried on answer by answer. What follows from an answer is decided in
//! [`crate::settlement::closing`].

use jiff::civil::{Date, DateTime};
use rusqlite::{OptionalExtension, Row, TransactionBehavior, params};

use super::{Ledger, LedgerError, statement_error};
use crate::goods::{GoodSum, Unit};
use crate::money::{Amount, Currency};
use crate::payment::transaction::Kind;
use crate::reference::{Batch, Rrn, Stan};
use crate::settlement::closing::{
    BatchTotals, Cause, Change, Closing, HostDifference, Line, State, UnderWay, Verdict, Wish,
};
use crate::settlement::reconciliation;
use crate::settlement::{self, Sum};

/// A settlement as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementRow {
    /// How far it is.
    pub under_way: UnderWay,
    /// Why it was begun.
    pub cause: Cause,
    /// Local time when the batch was cut.
    pub begun_at: DateTime,
    /// Requests of this state that came to nothing.
    pub tries: u32,
    /// Payments that nobody had decided about.
    pub undecided: u32,
    /// What the host had.
    pub host_totals: Option<BatchTotals>,
    /// What the host posted.
    pub closing: Option<Closing>,
    /// Local time when it was over.
    pub closed_at: Option<DateTime>,
    /// Its slip is to be printed.
    pub slip_due: bool,
    /// Who gave it up, and what the acquirer said.
    pub given_up: Option<(String, String)>,
}

const COLUMNS: &str = "batch, state, stan, totals, verdict, lines, uploaded,
    (SELECT count(*) FROM settlement_differences d WHERE d.settlement = settlements.id), cause, begun_at, tries, undecided,
    host_totals, gross, fee, differences, closed_at, slip, person, note, currency";

impl Ledger {
    /// What is wanted and has not begun.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlement_wish(&self) -> Result<Option<Wish>, LedgerError> {
        let found: (Option<String>, Option<String>, bool) = self
            .connection
            .query_row("SELECT cause, since, without_undecided FROM settlement_plan WHERE id = 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .map_err(statement_error(&self.path))?;
        let (Some(cause), Some(since), without_undecided) = found else { return Ok(None) };
        let cause = Cause::from_word(&cause).ok_or_else(|| wrong("cause of a settlement", &cause))?;
        Ok(Some(Wish { cause, since: time(&since)?, without_undecided }))
    }

    /// Wants a settlement. One that is wanted already stays since when it is; that it does not wait for people is added.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn wish_settlement(&mut self, wish: &Wish) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "UPDATE settlement_plan SET cause = coalesce(cause, ?1), since = coalesce(since, ?2),
                     without_undecided = max(without_undecided, ?3) WHERE id = 1",
                params![wish.cause.word(), wish.since.to_string(), wish.without_undecided],
            )
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// Wants none any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn withdraw_settlement(&mut self) -> Result<(), LedgerError> {
        self.connection
            .execute("UPDATE settlement_plan SET cause = NULL, since = NULL, without_undecided = 0 WHERE id = 1", [])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// The night that was settled last.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settled_night(&self) -> Result<Option<Date>, LedgerError> {
        let night: Option<String> = self
            .connection
            .query_row("SELECT night FROM settlement_plan WHERE id = 1", [], |row| row.get(0))
            .map_err(statement_error(&self.path))?;
        night.map(|text| text.parse().map_err(|_| wrong("day", &text))).transpose()
    }

    /// A night has come: it is noted together with what is wanted because of it.
    ///
    /// # Errors
    /// When it cannot be written; then it comes again.
    pub fn night_has_come(&mut self, night: Date, wish: Option<&Wish>) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        transaction
            .execute("UPDATE settlement_plan SET night = ?1 WHERE id = 1", [night.to_string()])
            .map_err(&failed)?;
        if let Some(wish) = wish {
            transaction
                .execute(
                    "UPDATE settlement_plan SET cause = coalesce(cause, ?1), since = coalesce(since, ?2) WHERE id = 1",
                    params![wish.cause.word(), wish.since.to_string()],
                )
                .map_err(&failed)?;
        }
        self.commit(transaction)
    }

    /// The batch that is settled next: the oldest with payments that no settlement has, or else the one whose numbers are given.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn batch_to_settle(&self) -> Result<Batch, LedgerError> {
        let number: u32 = self
            .connection
            .query_row(
                "SELECT coalesce((SELECT min(t.batch) FROM transactions t
                     WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.batch >= (SELECT first_batch FROM settlement_plan)
                         AND t.batch NOT IN (SELECT batch FROM settlements WHERE merchant_code = ?1 AND terminal_number = ?2)),
                     (SELECT batch FROM counters WHERE id = 1))",
                [self.merchant_code.as_str(), self.terminal_number.as_str()],
                |row| row.get(0),
            )
            .map_err(statement_error(&self.path))?;
        batch_of(number)
    }

    /// Cuts a batch: what it comes to is written down with what would be uploaded, the next number is of a later batch, and what was
    /// wanted is begun. All of it is one fact, and nothing of it when something in the batch still waits for the host.
    ///
    /// # Errors
    /// When it waits, cannot be added up, or cannot be written.
    pub fn begin_settlement(
        &mut self,
        batch: Batch,
        currency: Currency,
        cause: Cause,
        at: DateTime,
    ) -> Result<SettlementRow, LedgerError> {
        self.check_space()?;
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let waiting = self.open_entries()?.waiting;
        if waiting > 0 {
            return Err(LedgerError::NotSettled(format!("{waiting} entries of the queue wait for the host")));
        }
        let not_settled = |error: settlement::TotalsError| LedgerError::NotSettled(error.to_string());
        let totals = settlement::totals(&self.tallies(batch)?, currency).map_err(not_settled)?;
        let compared = BatchTotals::of(&totals).map_err(not_settled)?;
        let own = params![self.merchant_code.as_str(), self.terminal_number.as_str(), batch.number()];
        let stan = self.next_trace_number()?.stan;
        transaction
            .execute(
                "INSERT INTO settlements (merchant_code, terminal_number, batch, cause, begun_at, state, stan, currency, totals,
                     undecided, lines)
                 VALUES (?1, ?2, ?3, ?4, ?5, 'comparing', ?6, ?7, ?8, ?9, ?10)",
                params![
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    batch.number(),
                    cause.word(),
                    at.to_string(),
                    stan.number(),
                    currency.code(),
                    write_totals(&compared),
                    totals.open,
                    compared.count()
                ],
            )
            .map_err(&failed)?;
        let id = self.connection.last_insert_rowid();
        let written = transaction
            .execute(
                "INSERT INTO settlement_lines (settlement, place, stan, kind, amount)
                 SELECT ?4, row_number() OVER (ORDER BY stan) - 1, stan, kind, amount FROM transactions
                 WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3
                     AND (state = 'approved' OR (state = 'unresolved' AND resolution = 'charged'))
                     AND kind <> 'pre_authorisation' AND kind <> 'pre_authorisation_top_up' AND kind <> 'pre_authorisation_void'",
                [own, params![id]].concat().as_slice(),
            )
            .map_err(&failed)?;
        if written != compared.count() as usize {
            return Err(LedgerError::NotSettled("its payments are not those that its totals count".to_owned()));
        }
        let next = batch_of(batch.number() + 1)?;
        transaction
            .execute("UPDATE counters SET batch = max(batch, ?1) WHERE id = 1", [next.number()])
            .map_err(&failed)?;
        transaction
            .execute("UPDATE settlement_plan SET cause = NULL, since = NULL, without_undecided = 0 WHERE id = 1", [])
            .map_err(&failed)?;
        self.commit(transaction)?;
        self.settlement(batch)?.ok_or_else(|| wrong("settlement", &batch.to_string()))
    }

    /// Notes what the host answered, and takes the number of the next request.
    ///
    /// # Errors
    /// When it cannot be written; then the same is asked again.
    pub fn carry_settlement_on(
        &mut self,
        batch: Batch,
        next: State,
        change: &Change,
        at: DateTime,
    ) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let id = self.settlement_id(batch)?;
        let changed = match change {
            Change::Compared { verdict, theirs } => transaction.execute(
                "UPDATE settlements SET verdict = ?2, host_totals = ?3 WHERE id = ?1",
                params![id, verdict.word(), write_totals(theirs)],
            ),
            Change::Uploaded(uploaded) => {
                transaction.execute("UPDATE settlements SET uploaded = ?2 WHERE id = ?1", params![id, uploaded])
            }
            Change::Closed(closing) => transaction.execute(
                "UPDATE settlements SET gross = ?2, fee = ?3, differences = ?4 WHERE id = ?1",
                params![id, closing.gross_minor, closing.fee_minor, closing.differences],
            ),
            Change::Read(differences) => self.note_differences(id, batch, differences).map(|()| 1),
        };
        changed.map_err(&failed)?;
        let stan = if next.is_open() { Some(self.next_trace_number()?.stan.number()) } else { None };
        let closed_at = (!next.is_open()).then(|| at.to_string());
        transaction
            .execute(
                "UPDATE settlements SET state = ?2, stan = coalesce(?3, stan), tries = 0, closed_at = ?4,
                     slip = CASE WHEN ?4 IS NOT NULL THEN 'due' ELSE slip END WHERE id = ?1",
                params![id, next.word(), stan, closed_at],
            )
            .map_err(&failed)?;
        if !next.is_open() {
            transaction.execute("DELETE FROM settlement_lines WHERE settlement = ?1", [id]).map_err(&failed)?;
        }
        self.commit(transaction)
    }

    fn note_differences(&self, id: i64, batch: Batch, differences: &[HostDifference]) -> rusqlite::Result<()> {
        for difference in differences {
            // The host does not know what the terminal has as not paid, or nobody has decided about.
            self.connection.execute(
                "INSERT INTO settlement_differences (settlement, place, kind, stan, ours, theirs, rrn)
                 SELECT ?1, (SELECT count(*) FROM settlement_differences WHERE settlement = ?1),
                     CASE WHEN ?2 = 'unknown_here' AND EXISTS (SELECT 1 FROM transactions
                         WHERE merchant_code = ?7 AND terminal_number = ?8 AND batch = ?9 AND stan = ?3)
                     THEN 'charged_all_the_same' ELSE ?2 END, ?3, ?4, ?5, ?6",
                params![
                    id,
                    difference.kind.word(),
                    difference.stan.number(),
                    difference.ours.map(|amount| amount.minor() as i64),
                    difference.theirs.map(|amount| amount.minor() as i64),
                    difference.rrn.as_ref().map(|rrn| rrn.as_str()),
                    self.merchant_code.as_str(),
                    self.terminal_number.as_str(),
                    batch.number(),
                ],
            )?;
        }
        Ok(())
    }

    /// A request of a settlement came to nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settlement_tried(&mut self, batch: Batch) -> Result<(), LedgerError> {
        let id = self.settlement_id(batch)?;
        self.connection
            .execute("UPDATE settlements SET tries = tries + 1 WHERE id = ?1", [id])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// A person ends a settlement: the acquirer settles the batch in another way.
    ///
    /// # Errors
    /// When it is not under way, or cannot be written.
    pub fn give_settlement_up(
        &mut self,
        batch: Batch,
        person: &str,
        note: &str,
        at: DateTime,
    ) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Immediate).map_err(&failed)?;
        let id = self.settlement_id(batch)?;
        let changed = transaction
            .execute(
                "UPDATE settlements SET state = 'given_up', closed_at = ?2, person = ?3, note = ?4, slip = 'due'
                 WHERE id = ?1 AND state <> 'closed' AND state <> 'given_up'",
                params![id, at.to_string(), person, note],
            )
            .map_err(&failed)?;
        if changed != 1 {
            return Err(LedgerError::NotSettled(format!("the settlement of batch {batch} is over")));
        }
        transaction.execute("DELETE FROM settlement_lines WHERE settlement = ?1", [id]).map_err(&failed)?;
        self.commit(transaction)
    }

    /// Its slip is out, or nobody wants it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn settlement_slip_is_out(&mut self, batch: Batch) -> Result<(), LedgerError> {
        let id = self.settlement_id(batch)?;
        self.connection
            .execute("UPDATE settlements SET slip = 'printed' WHERE id = ?1", [id])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// Wants the slip of a settlement that is over once more. It is kept as that it has none: one that is over has one that is due or out.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn want_settlement_slip(&mut self, batch: Batch) -> Result<(), LedgerError> {
        let id = self.settlement_id(batch)?;
        self.connection
            .execute("UPDATE settlements SET slip = 'none' WHERE id = ?1 AND slip = 'printed'", [id])
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// The batch of which somebody wants the slip once more, the newest of them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlement_slip_wanted(&self) -> Result<Option<Batch>, LedgerError> {
        let rows = self.settlements_where("slip = 'none' AND closed_at IS NOT NULL", 1)?;
        Ok(rows.into_iter().next().map(|row| row.under_way.batch))
    }

    /// Batches whose slips are to be printed, oldest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlement_slips_due(&self) -> Result<Vec<Batch>, LedgerError> {
        let mut rows = self.settlements_where("slip = 'due'", 100)?;
        rows.reverse();
        Ok(rows.into_iter().map(|row| row.under_way.batch).collect())
    }

    /// The settlement that is under way.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlement_under_way(&self) -> Result<Option<SettlementRow>, LedgerError> {
        self.settlements_where("state <> 'closed' AND state <> 'given_up'", 1).map(|rows| rows.into_iter().next())
    }

    /// The settlement of a batch.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlement(&self, batch: Batch) -> Result<Option<SettlementRow>, LedgerError> {
        self.settlements_where(&format!("batch = {batch}"), 1).map(|rows| rows.into_iter().next())
    }

    /// The last settlements, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlements(&self, most: u32) -> Result<Vec<SettlementRow>, LedgerError> {
        self.settlements_where("1", most)
    }

    /// So many settlements behind the first `skipped`, newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlements_from(&self, skipped: usize, most: usize) -> Result<Vec<SettlementRow>, LedgerError> {
        let end = u32::try_from(skipped.saturating_add(most)).unwrap_or(u32::MAX);
        // Rows are few: one for each night.
        Ok(self.settlements(end)?.into_iter().skip(skipped).collect())
    }

    /// How many settlements there are.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn count_settlements(&self) -> Result<usize, LedgerError> {
        self.connection
            .query_row(
                "SELECT count(*) FROM settlements WHERE merchant_code = ?1 AND terminal_number = ?2",
                [self.merchant_code.as_str(), self.terminal_number.as_str()],
                |row| row.get::<_, u32>(0),
            )
            .map(|count| count as usize)
            .map_err(statement_error(&self.path))
    }

    fn settlements_where(&self, condition: &str, most: u32) -> Result<Vec<SettlementRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let sql = format!(
            "SELECT {COLUMNS} FROM settlements WHERE merchant_code = ?1 AND terminal_number = ?2 AND ({condition})
             ORDER BY id DESC LIMIT ?3"
        );
        let mut statement = self.connection.prepare(&sql).map_err(&failed)?;
        let own = params![self.merchant_code.as_str(), self.terminal_number.as_str(), most];
        let rows = statement.query_map(own, |row| Ok(read(row))).map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }

    /// What is uploaded next of a batch.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlement_lines(
        &self,
        batch: Batch,
        currency: Currency,
        from: u32,
        most: usize,
    ) -> Result<Vec<Line>, LedgerError> {
        let failed = statement_error(&self.path);
        let id = self.settlement_id(batch)?;
        let mut statement = self
            .connection
            .prepare(
                "SELECT stan, kind, amount FROM settlement_lines WHERE settlement = ?1 AND place >= ?2 ORDER BY place LIMIT ?3",
            )
            .map_err(&failed)?;
        let rows = statement
            .query_map(params![id, from, most as i64], |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (stan, kind, minor) = row.map_err(&failed)?;
            Ok(Line {
                stan: stan_of(stan)?,
                kind: Kind::from_word(&kind).ok_or_else(|| wrong("kind", &kind))?,
                amount: amount_of(minor, currency)?,
            })
        })
        .collect()
    }

    /// What host and terminal have otherwise of a batch, by STAN.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn settlement_differences(&self, batch: Batch) -> Result<Vec<HostDifference>, LedgerError> {
        let failed = statement_error(&self.path);
        let Some(row) = self.settlement(batch)? else { return Ok(Vec::new()) };
        let (id, currency) = (self.settlement_id(batch)?, row.under_way.totals.currency());
        let mut statement = self
            .connection
            .prepare(
                "SELECT kind, stan, ours, theirs, rrn FROM settlement_differences WHERE settlement = ?1 ORDER BY stan, place",
            )
            .map_err(&failed)?;
        let rows = statement
            .query_map([id], |row| {
                let amounts: (Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?);
                Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?, amounts, row.get::<_, Option<String>>(4)?))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (kind, stan, (ours, theirs), rrn) = row.map_err(&failed)?;
            let amount = |minor: Option<i64>| minor.map(|minor| amount_of(minor, currency)).transpose();
            Ok(HostDifference {
                kind: reconciliation::Kind::from_word(&kind).ok_or_else(|| wrong("difference", &kind))?,
                stan: stan_of(stan)?,
                ours: amount(ours)?,
                theirs: amount(theirs)?,
                rrn: rrn.map(|text| Rrn::parse(&text).map_err(|_| wrong("reference number", &text))).transpose()?,
            })
        })
        .collect()
    }

    /// What was sold in a batch and stands, in cash as well, by good: name, unit, how much of it, and what it came to in minor units.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn goods_of_batch(&self, batch: Batch) -> Result<Vec<GoodSum>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self
            .connection
            .prepare(
                "WITH sold AS (SELECT g.number, g.name, g.unit, g.quantity, g.amount FROM transactions t
                 JOIN sold_goods g ON g.transaction_id = t.id
                 WHERE t.merchant_code = ?1 AND t.terminal_number = ?2 AND t.batch = ?3
                     AND (t.state = 'approved' OR (t.state = 'unresolved' AND t.resolution = 'charged'))
                     AND NOT EXISTS (SELECT 1 FROM transactions v WHERE v.merchant_code = t.merchant_code
                         AND v.terminal_number = t.terminal_number AND v.original_batch = t.batch AND v.original_stan = t.stan
                         AND v.kind = 'void' AND v.state = 'approved')
                 UNION ALL SELECT g.number, g.name, g.unit, g.quantity, g.amount FROM cash_sales c
                 JOIN cash_goods g ON g.cash_sale = c.id
                 WHERE c.merchant_code = ?1 AND c.terminal_number = ?2 AND c.batch = ?3 AND c.state <> 'returned')
                 SELECT name, unit, sum(quantity), sum(amount) FROM sold GROUP BY number, name, unit ORDER BY sum(amount) DESC, name",
            )
            .map_err(&failed)?;
        let own = params![self.merchant_code.as_str(), self.terminal_number.as_str(), batch.number()];
        let rows = statement
            .query_map(own, |row| {
                let sums: (i64, i64) = (row.get(2)?, row.get(3)?);
                let (name, unit): (String, String) = (row.get(0)?, row.get(1)?);
                Ok((name, unit, sums.0.unsigned_abs(), sums.1.unsigned_abs()))
            })
            .map_err(&failed)?;
        rows.map(|row| {
            let (name, unit, quantity, minor) = row.map_err(&failed)?;
            let unit = Unit::parse(&unit).map_err(|_| wrong("unit", &unit))?;
            Ok(GoodSum { name, unit, quantity, minor })
        })
        .collect()
    }

    fn settlement_id(&self, batch: Batch) -> Result<i64, LedgerError> {
        self.connection
            .query_row(
                "SELECT id FROM settlements WHERE merchant_code = ?1 AND terminal_number = ?2 AND batch = ?3",
                params![self.merchant_code.as_str(), self.terminal_number.as_str(), batch.number()],
                |row| row.get(0),
            )
            .optional()
            .map_err(statement_error(&self.path))?
            .ok_or_else(|| LedgerError::NotSettled(format!("batch {batch} has no settlement: yima settlements")))
    }
}

fn wrong(what: &'static str, value: &str) -> LedgerError {
    LedgerError::Value { what, value: value.to_owned() }
}

fn time(text: &str) -> Result<DateTime, LedgerError> {
    text.parse().map_err(|_| wrong("time", text))
}

fn batch_of(number: u32) -> Result<Batch, LedgerError> {
    Batch::new(number).map_err(|_| wrong("batch number", &number.to_string()))
}

fn stan_of(number: u32) -> Result<Stan, LedgerError> {
    Stan::new(number).map_err(|_| wrong("STAN", &number.to_string()))
}

fn amount_of(minor: i64, currency: Currency) -> Result<Amount, LedgerError> {
    let amount = u64::try_from(minor).ok().and_then(|minor| Amount::new(minor, currency).ok());
    amount.ok_or_else(|| wrong("amount", &minor.to_string()))
}

/// Count and minor units of each sum, one after the other.
fn write_totals(totals: &BatchTotals) -> String {
    totals.sums().map(|sum| format!("{} {}", sum.count, sum.amount.minor())).join(" ")
}

fn read_totals(text: &str, currency: Currency) -> Result<BatchTotals, LedgerError> {
    let mut numbers = text.split(' ').map(|number| number.parse::<i64>());
    let mut sum = || {
        let (count, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        Some(Sum { count: count.try_into().ok()?, amount: amount_of(minor, currency).ok()? })
    };
    let mut read = || Some(BatchTotals::from_sums([sum()?, sum()?, sum()?, sum()?]));
    read().ok_or_else(|| wrong("total of a batch", text))
}

fn read(row: &Row<'_>) -> Result<SettlementRow, LedgerError> {
    let sql = |error: rusqlite::Error| wrong("settlement", &error.to_string());
    let text = |at: usize| row.get::<_, String>(at).map_err(sql);
    let maybe = |at: usize| row.get::<_, Option<String>>(at).map_err(sql);
    let number = |at: usize| row.get::<_, u32>(at).map_err(sql);
    let signed = |at: usize| row.get::<_, Option<i64>>(at).map_err(sql);
    let code = text(20)?;
    let currency: Currency = code.parse().map_err(|_| wrong("currency", &code))?;
    let (state, cause) = (text(1)?, text(8)?);
    let verdict = maybe(4)?;
    let closing = match (signed(13)?, signed(14)?, signed(15)?) {
        (Some(gross_minor), Some(fee_minor), Some(differences)) => Some(Closing {
            gross_minor,
            fee_minor,
            differences: differences.try_into().map_err(|_| wrong("number", &differences.to_string()))?,
        }),
        _ => None,
    };
    Ok(SettlementRow {
        under_way: UnderWay {
            batch: batch_of(number(0)?)?,
            state: State::from_word(&state).ok_or_else(|| wrong("state of a settlement", &state))?,
            stan: stan_of(number(2)?)?,
            totals: read_totals(&text(3)?, currency)?,
            verdict: verdict
                .map(|word| Verdict::from_word(&word).ok_or_else(|| wrong("verdict", &word)))
                .transpose()?,
            lines: number(5)?,
            uploaded: number(6)?,
            read: number(7)?,
        },
        cause: Cause::from_word(&cause).ok_or_else(|| wrong("cause of a settlement", &cause))?,
        begun_at: time(&text(9)?)?,
        tries: number(10)?,
        undecided: number(11)?,
        host_totals: maybe(12)?.map(|totals| read_totals(&totals, currency)).transpose()?,
        closing,
        closed_at: maybe(16)?.map(|at| time(&at)).transpose()?,
        slip_due: text(17)? == "due",
        given_up: maybe(18)?.zip(maybe(19)?),
    })
}

#[cfg(test)]
mod tests;
