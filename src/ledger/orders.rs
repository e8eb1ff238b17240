//! What the host ordered: remembered until it is done, over any number of restarts. A sign-on has a place of its own.

use jiff::civil::DateTime;
use rusqlite::{TransactionBehavior, params};

use super::row::{maybe_word, word};
use super::{Ledger, LedgerError, statement_error};
use crate::iso8583::Order;

/// The last order of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// What.
    pub order: Order,
    /// Local time when it came first since it was done last.
    pub ordered_at: DateTime,
    /// Local time when it was done; nothing while it is to be done.
    pub done_at: Option<DateTime>,
}

impl Ledger {
    /// Remembers an order. One that is remembered already stays as it is.
    ///
    /// # Errors
    /// When it cannot be written; the host repeats what is not done.
    pub fn ordered(&mut self, order: Order, at: DateTime) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "INSERT INTO orders (word, ordered_at) VALUES (?1, ?2)
                 ON CONFLICT (word) DO UPDATE SET ordered_at = ?2, done_at = NULL WHERE done_at IS NOT NULL",
                params![order.word(), at.to_string()],
            )
            .map(|_| ())
            .map_err(statement_error(&self.path))
    }

    /// These orders are done, if they were given.
    ///
    /// # Errors
    /// When it cannot be written; then they are done once more.
    pub fn orders_done(&mut self, orders: &[Order], at: DateTime) -> Result<(), LedgerError> {
        let failed = statement_error(&self.path);
        let transaction = self.connection.begin(TransactionBehavior::Deferred).map_err(&failed)?;
        for order in orders {
            transaction
                .execute(
                    "UPDATE orders SET done_at = ?2 WHERE word = ?1 AND done_at IS NULL",
                    params![order.word(), at.to_string()],
                )
                .map_err(&failed)?;
        }
        self.commit(transaction)
    }

    /// The last order of each kind, in the order of the words.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn orders(&self) -> Result<Vec<OrderRow>, LedgerError> {
        let failed = statement_error(&self.path);
        let mut statement =
            self.connection.prepare("SELECT word, ordered_at, done_at FROM orders ORDER BY word").map_err(&failed)?;
        let rows = statement
            .query_map([], |row| {
                Ok((|| {
                    Ok(OrderRow {
                        order: word(row, 0, "order", Order::from_word)?,
                        ordered_at: word(row, 1, "time", |text| text.parse().ok())?,
                        done_at: maybe_word(row, 2, "time", |text| text.parse().ok())?,
                    })
                })())
            })
            .map_err(&failed)?;
        rows.map(|row| row.map_err(&failed)?).collect()
    }

    /// What is still to be done.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_orders(&self) -> Result<Vec<Order>, LedgerError> {
        Ok(self.orders()?.into_iter().filter(|row| row.done_at.is_none()).map(|row| row.order).collect())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::ledger::tests::open;

    fn at(minute: i8) -> DateTime {
        date(2026, 11, 28).at(9, minute, 0, 0)
    }

    #[test]
    fn an_order_is_remembered_over_a_restart_until_it_is_done() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        assert_eq!(ledger.open_orders().unwrap(), []);
        ledger.ordered(Order::Status, at(1)).unwrap();
        ledger.ordered(Order::CaKeys, at(2)).unwrap();
        ledger.ordered(Order::Status, at(3)).unwrap();
        drop(ledger);
        let mut ledger = open(directory.path());
        assert_eq!(ledger.open_orders().unwrap(), [Order::CaKeys, Order::Status]);
        let row = |order, ordered, done: Option<i8>| OrderRow { order, ordered_at: at(ordered), done_at: done.map(at) };
        assert_eq!(ledger.orders().unwrap()[1], row(Order::Status, 1, None), "since the first of them");
        ledger.orders_done(&[Order::Status, Order::Remote], at(4)).unwrap();
        drop(ledger);
        let mut ledger = open(directory.path());
        assert_eq!(ledger.orders().unwrap(), [row(Order::CaKeys, 2, None), row(Order::Status, 1, Some(4))]);
        ledger.ordered(Order::Status, at(5)).unwrap();
        assert_eq!(ledger.orders().unwrap()[1], row(Order::Status, 5, None));
    }

    #[test]
    fn a_sign_on_is_remembered_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        for order in Order::ALL {
            assert_eq!(ledger.ordered(order, at(1)).is_ok(), order != Order::SignOn, "{order:?}");
        }
    }
}
