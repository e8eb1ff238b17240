//! What a person looks for among payments, a page at a time, the newest first.
//!
//! A page begins behind the last row of the one before, wherever that is by now: nothing is counted through, and what is
//! paid meanwhile moves nothing. Every question has its index (`search.sql`).

use std::cmp::Ordering;

use jiff::civil::DateTime;
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use super::row::{COLUMN_COUNT, COLUMNS, read};
use super::{Ledger, LedgerError, TransactionRow, statement_error};
use crate::goods::GoodNumber;
use crate::money::Amount;
use crate::payment::transaction::Kind;
use crate::people::PersonNumber;
use crate::reference::{Rrn, Stan};

/// Last four digits of a card number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastFour(String);

impl LastFour {
    /// Takes four digits; nothing else is some.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is looked for: all that is given must be so. Nothing given is every payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// This amount, in this currency; or a part of a purchase that comes to this amount in all.
    pub amount: Option<Amount>,
    /// A card that ends so.
    pub last_four: Option<LastFour>,
    /// This STAN, in whatever batch.
    pub stan: Option<Stan>,
    /// Field 37 of the host's answer.
    pub rrn: Option<Rrn>,
    /// No earlier than this, local time.
    pub from: Option<DateTime>,
    /// Earlier than this.
    pub before: Option<DateTime>,
    /// Taken by this person.
    pub cashier: Option<PersonNumber>,
    /// This good was among what was sold.
    pub good: Option<GoodNumber>,
}

/// A part of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The rows, newest first.
    pub rows: Vec<TransactionRow>,
    /// Where the next page begins, when there is more.
    pub next: Option<PageEnd>,
}

/// The row with which a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageEnd {
    pub(super) at: String,
    pub(super) id: i64,
}

impl Ledger {
    /// A page of all payments in the order in which they began, the newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn history(&self, after: Option<&PageEnd>, length: usize) -> Result<Page, LedgerError> {
        page_of(self.rows_of(&history(after, length))?, length)
    }

    /// A page of what is looked for, by the times of the payments, the newest first.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn search(&self, search: &Search, after: Option<&PageEnd>, length: usize) -> Result<Page, LedgerError> {
        page_of(self.found(search, after, length)?, length)
    }

    /// What is looked for, each with where it stands, and one more than a page has: then there are more pages.
    pub(super) fn found(
        &self,
        search: &Search,
        after: Option<&PageEnd>,
        length: usize,
    ) -> Result<Vec<(PageEnd, TransactionRow)>, LedgerError> {
        let mut found = self.rows_of(&question(search, after, length))?;
        if let Some(parts) = question_of_parts(search, after, length) {
            found.extend(self.rows_of(&parts)?);
            // Both come in this order; what was found by its goods comes in the order in which it began.
            let by_time = search.good.is_none();
            found.sort_by(|(one, _), (other, _)| {
                let times = if by_time { other.at.cmp(&one.at) } else { Ordering::Equal };
                times.then(other.id.cmp(&one.id))
            });
            found.truncate(length.saturating_add(1));
        }
        Ok(found)
    }

    /// What a question finds, each with where it stands.
    pub(super) fn rows_of(&self, question: &Question) -> Result<Vec<(PageEnd, TransactionRow)>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self.connection.prepare_cached(&question.sql).map_err(&failed)?;
        let found = statement
            .query_map(params_from_iter(&question.values), |row| Ok((page_end(row)?, read(row))))
            .map_err(&failed)?;
        found
            .map(|row| {
                let (end, row) = row.map_err(&failed)?;
                Ok((end, row?))
            })
            .collect()
    }
}

/// So many of what was found.
fn page_of(found: Vec<(PageEnd, TransactionRow)>, length: usize) -> Result<Page, LedgerError> {
    let (mut rows, mut last, mut more) = (Vec::new(), None, false);
    for (end, row) in found {
        if rows.len() == length {
            more = true;
            break;
        }
        rows.push(row);
        last = Some(end);
    }
    Ok(Page { rows, next: last.filter(|_| more) })
}

fn page_end(row: &Row<'_>) -> rusqlite::Result<PageEnd> {
    Ok(PageEnd { id: row.get(COLUMN_COUNT)?, at: row.get(COLUMN_COUNT + 1)? })
}

/// A statement with the values in it.
pub(super) struct Question {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Question {
    pub(super) fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }
}

pub(super) fn history(after: Option<&PageEnd>, length: usize) -> Question {
    let mut question = Question { sql: String::new(), values: Vec::new() };
    let behind = question.value(after.map_or(i64::MAX, |end| end.id));
    let limit = question.value(one_more(length));
    question.sql = format!(
        "SELECT {COLUMNS}, t.id, t.at FROM transactions t WHERE t.id < {behind} ORDER BY t.id DESC LIMIT {limit}"
    );
    question
}

pub(super) fn question(search: &Search, after: Option<&PageEnd>, length: usize) -> Question {
    ask(search, after, length, false)
}

/// The parts of purchases that come to the amount that is looked for, of which none is this amount itself. Purchases that are paid in parts
/// are few: all are looked at.
pub(super) fn question_of_parts(search: &Search, after: Option<&PageEnd>, length: usize) -> Option<Question> {
    search.amount.map(|_| ask(search, after, length, true))
}

fn ask(search: &Search, after: Option<&PageEnd>, length: usize, of_purchase: bool) -> Question {
    let Search { kind, amount, last_four, stan, rrn, from, before, cashier, good } = search;
    let mut question = Question { sql: String::new(), values: Vec::new() };
    let mut conditions = Vec::new();
    // The index is that of what the fewest payments have in common.
    let mut index = "transactions_by_time";
    if let Some(kind) = kind {
        conditions.push(format!("t.kind = {}", question.value(kind.word().to_owned())));
        // Sales are most of what there is, and in no index of their own.
        if *kind != Kind::Sale {
            index = "transactions_of_kind";
            conditions.push("t.kind <> 'sale'".to_owned());
        }
    }
    if let Some(cashier) = cashier {
        index = "transactions_of_cashier";
        conditions.push(format!("t.cashier = {}", question.value(i64::from(cashier.number()))));
    }
    if let Some(amount) = amount {
        index = "transactions_of_amount";
        let (minor, currency) = (amount.minor() as i64, amount.currency().code().to_owned());
        let (minor, currency) = (question.value(minor), question.value(currency));
        conditions.push(if of_purchase {
            format!(
                "t.amount <> {minor} AND t.id IN (SELECT q.transaction_id FROM purchases p JOIN purchase_parts q
                     ON q.purchase = p.number WHERE p.due = {minor} AND p.currency = {currency})"
            )
        } else {
            format!("t.amount = {minor} AND t.currency = {currency}")
        });
    }
    if let Some(LastFour(digits)) = last_four {
        index = "transactions_of_last_four";
        conditions.push(format!("substr(t.truncated_pan, -4) = {}", question.value(digits.clone())));
    }
    if let Some(stan) = stan {
        index = "transactions_of_stan";
        conditions.push(format!("t.stan = {}", question.value(i64::from(stan.number()))));
    }
    if let Some(rrn) = rrn {
        index = "transactions_of_rrn";
        conditions.push(format!("t.rrn = {}", question.value(rrn.as_str().to_owned())));
    }
    let from = from.map_or_else(String::new, |from| from.to_string());
    conditions.push(format!("t.at >= {}", question.value(from)));
    if let Some(before) = before {
        conditions.push(format!("t.at < {}", question.value(before.to_string())));
    }
    let limit = one_more(length);
    if let Some(good) = good {
        return of_good(question, &conditions, *good, after, limit);
    }
    if let Some(PageEnd { at, id }) = after {
        let at = question.value(at.clone());
        conditions.push(format!("t.at <= {at} AND (t.at < {at} OR t.id < {})", question.value(*id)));
    }
    let limit = question.value(limit);
    let how = if of_purchase { "NOT INDEXED".to_owned() } else { format!("INDEXED BY {index}") };
    question.sql = format!(
        "SELECT {COLUMNS}, t.id, t.at FROM transactions t {how} WHERE {}
         ORDER BY t.at DESC, t.id DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    question
}

/// What a good was among, in the order in which the payments began. A good that stands in several lines of one counts once.
fn of_good(
    mut question: Question,
    conditions: &[String],
    good: GoodNumber,
    after: Option<&PageEnd>,
    limit: i64,
) -> Question {
    let number = question.value(i64::from(good.number()));
    let behind = question.value(after.map_or(i64::MAX, |end| end.id));
    let limit = question.value(limit);
    question.sql = format!(
        "SELECT {COLUMNS}, t.id, t.at FROM (
             SELECT g.transaction_id AS sold_in, g.position AS sold_at FROM sold_goods g INDEXED BY sold_goods_of_number
             WHERE g.number = {number} AND g.transaction_id < {behind}
         ) CROSS JOIN transactions t ON t.id = sold_in
         WHERE {} AND NOT EXISTS (SELECT 1 FROM sold_goods e
             WHERE e.transaction_id = sold_in AND e.number = {number} AND e.position < sold_at)
         ORDER BY sold_in DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    question
}

/// With one more it is known whether there are more.
pub(super) fn one_more(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
