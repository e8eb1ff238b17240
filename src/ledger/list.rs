//! Everything that was done at the terminal, by card, by code and in cash, as one list: a page at a time, the newest first.
//!
//! Cash has a table of its own. Both are read from where the page before ended, and the later of two comes first.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::search::{PageEnd, Question, history, one_more};
use super::{CashRow, Ledger, LedgerError, Search, TransactionRow, cash, statement_error};

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// With the host.
    Payment(Box<TransactionRow>),
    /// In cash.
    Cash(Box<CashRow>),
}

/// A part of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The rows, newest first.
    pub rows: Vec<Listed>,
    /// Where the next page begins, when there is more.
    pub next: Option<ListEnd>,
}

/// With what a page ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListEnd {
    payment: Option<PageEnd>,
    cash: Option<PageEnd>,
}

impl Ledger {
    /// A page of all that was done, or of what is looked for.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn list(&self, search: Option<&Search>, after: Option<&ListEnd>, length: usize) -> Result<List, LedgerError> {
        let mut end = after.cloned().unwrap_or_default();
        let payments = match search {
            Some(search) => self.found(search, end.payment.as_ref(), length)?,
            None => self.rows_of(&history(end.payment.as_ref(), length))?,
        };
        let mut payments = payments.into_iter().peekable();
        let mut in_cash = match cash_question(search, end.cash.as_ref(), length) {
            Some(question) => self.cash_rows_of(&question)?,
            None => Vec::new(),
        }
        .into_iter()
        .peekable();
        let mut rows = Vec::new();
        while rows.len() < length {
            let cash_first = match (payments.peek(), in_cash.peek()) {
                (Some((_, payment)), Some((_, cash))) => (cash.at, cash.trace) > (payment.at, payment.trace),
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => break,
            };
            if cash_first {
                let Some((at, row)) = in_cash.next() else { break };
                end.cash = Some(at);
                rows.push(Listed::Cash(Box::new(row)));
            } else {
                let Some((at, row)) = payments.next() else { break };
                end.payment = Some(at);
                rows.push(Listed::Payment(Box::new(row)));
            }
        }
        let more = payments.peek().is_some() || in_cash.peek().is_some();
        Ok(List { rows, next: more.then_some(end) })
    }

    fn cash_rows_of(&self, question: &Question) -> Result<Vec<(PageEnd, CashRow)>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement = self.connection.prepare_cached(&question.sql).map_err(&failed)?;
        let found = statement
            .query_map(params_from_iter(&question.values), |row| {
                let end = PageEnd { id: row.get(cash::COLUMN_COUNT)?, at: row.get(cash::COLUMN_COUNT + 1)? };
                Ok((end, cash::read(row)))
            })
            .map_err(&failed)?;
        found
            .map(|row| {
                let (end, row) = row.map_err(&failed)?;
                Ok((end, row?))
            })
            .collect()
    }
}

/// The same question to the table of cash; nothing, where what is looked for cannot be in it: a card, a code, a number of the host.
fn cash_question(search: Option<&Search>, after: Option<&PageEnd>, length: usize) -> Option<Question> {
    let mut question = Question { sql: String::new(), values: Vec::new() };
    let mut conditions = vec!["1".to_owned()];
    let order = match search {
        None => {
            if let Some(after) = after {
                conditions.push(format!("c.id < {}", question.value(after.id)));
            }
            "c.id DESC"
        }
        Some(Search { kind: Some(_), .. } | Search { last_four: Some(_), .. } | Search { rrn: Some(_), .. }) => {
            return None;
        }
        Some(Search { amount, stan, from, before, cashier, good, .. }) => {
            if let Some(good) = good {
                let number = question.value(i64::from(good.number()));
                conditions.push(format!(
                    "EXISTS (SELECT 1 FROM cash_goods g WHERE g.cash_sale = c.id AND g.number = {number})"
                ));
            }
            if let Some(amount) = amount {
                let minor = question.value(amount.minor() as i64);
                let currency = question.value(amount.currency().code().to_owned());
                // What paid the rest of a purchase is found by all of it, as its other parts are.
                conditions.push(format!(
                    "c.currency = {currency} AND (c.amount = {minor} OR c.id IN (SELECT q.cash_sale FROM purchases p
                         JOIN purchase_parts q ON q.purchase = p.number WHERE p.due = {minor} AND p.currency = {currency}))"
                ));
            }
            let mut value =
                |condition: &str, value: Value| conditions.push(format!("{condition} {}", question.value(value)));
            if let Some(stan) = stan {
                value("c.stan =", i64::from(stan.number()).into());
            }
            if let Some(cashier) = cashier {
                value("c.cashier =", i64::from(cashier.number()).into());
            }
            if let Some(from) = from {
                value("c.at >=", from.to_string().into());
            }
            if let Some(before) = before {
                value("c.at <", before.to_string().into());
            }
            if let Some(PageEnd { at, id }) = after {
                let at = question.value(at.clone());
                conditions.push(format!("c.at <= {at} AND (c.at < {at} OR c.id < {})", question.value(*id)));
            }
            "c.at DESC, c.id DESC"
        }
    };
    let limit = question.value(one_more(length));
    question.sql = format!(
        "SELECT {}, c.id, c.at FROM {} WHERE {} ORDER BY {order} LIMIT {limit}",
        cash::COLUMNS,
        cash::SOURCE,
        conditions.join(" AND ")
    );
    Some(question)
}
