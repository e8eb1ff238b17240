//! A connection that keeps its statements prepared. Reading an SQL text takes longer than most of what these texts ask for, and
//! a terminal asks the same few dozen over and over.

use std::ops::{Deref, DerefMut};

use rusqlite::{CachedStatement, Connection, Params, Result, Row, TransactionBehavior};

/// Statements that are kept: more than there are texts.
const KEPT: usize = 128;

/// A connection whose own ways to run a statement go by what it has prepared before; everything else is as it was.
#[derive(Debug)]
pub(crate) struct Prepared(Connection);

impl Prepared {
    /// A connection that keeps its statements from now on.
    pub fn new(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(KEPT);
        Self(connection)
    }

    /// As [`Connection::prepare`].
    pub fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>> {
        self.0.prepare_cached(sql)
    }

    /// As [`Connection::query_row`], which stops at the row: what writes must not be asked like this, because SQLite commits, or
    /// fails to, after it.
    pub fn query_row<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut statement = self.0.prepare_cached(sql)?;
        debug_assert!(statement.readonly(), "{sql} writes");
        statement.query_row(parameters, read)
    }

    /// As [`rusqlite::Transaction::new_unchecked`].
    pub fn begin(&self, behavior: TransactionBehavior) -> Result<Changes<'_>> {
        self.execute(
            match behavior {
                TransactionBehavior::Immediate => "BEGIN IMMEDIATE",
                TransactionBehavior::Exclusive => "BEGIN EXCLUSIVE",
                _ => "BEGIN",
            },
            [],
        )?;
        Ok(Changes(self))
    }

    /// As [`Connection::execute`].
    pub fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.0.prepare_cached(sql)?.execute(parameters)
    }
}

/// What is written between a beginning and its end: all of it is durable then, or nothing. Nothing, when it is let go before.
#[derive(Debug)]
pub(crate) struct Changes<'a>(&'a Prepared);

impl Changes<'_> {
    /// Makes it durable. When that fails, nothing of it was written, as far as SQLite can tell.
    pub fn commit(self) -> Result<()> {
        self.0.execute("COMMIT", []).map(|_| ())
    }
}

impl Drop for Changes<'_> {
    fn drop(&mut self) {
        // SQLite has gone back by itself where a disk failed it, and after a commit there is nothing to go back to.
        if !self.0.is_autocommit()
            && let Err(error) = self.0.execute("ROLLBACK", [])
        {
            tracing::warn!(%error, "what was begun in the ledger could not be taken back");
        }
    }
}

impl Deref for Changes<'_> {
    type Target = Prepared;

    fn deref(&self) -> &Prepared {
        self.0
    }
}

impl Deref for Prepared {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for Prepared {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> Prepared {
        let connection = Prepared::new(Connection::open_in_memory().unwrap());
        connection
            .execute_batch(
                "PRAGMA foreign_keys = ON; CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
                 CREATE TABLE answers (note INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED)",
            )
            .unwrap();
        connection
    }

    fn count(connection: &Prepared) -> i64 {
        connection
            .query_row("SELECT (SELECT count(*) FROM notes) + (SELECT count(*) FROM answers)", [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn what_is_begun_counts_only_once_it_is_committed() {
        let connection = notes();
        let changes = connection.begin(TransactionBehavior::Deferred).unwrap();
        changes.execute("INSERT INTO notes VALUES (1, 'one')", []).unwrap();
        drop(changes);
        assert_eq!(count(&connection), 0);
        let changes = connection.begin(TransactionBehavior::Immediate).unwrap();
        changes.execute("INSERT INTO notes VALUES (1, 'one')", []).unwrap();
        changes.commit().unwrap();
        assert_eq!(count(&connection), 1);
    }

    #[test]
    fn a_commit_that_is_refused_leaves_nothing_behind_and_the_next_one_goes_through() {
        let connection = notes();
        let changes = connection.begin(TransactionBehavior::Immediate).unwrap();
        // What refers to nothing is found out at the end.
        changes.execute("INSERT INTO answers VALUES (7)", []).unwrap();
        assert!(changes.commit().is_err());
        assert!(connection.is_autocommit());
        assert_eq!(count(&connection), 0);
        let changes = connection.begin(TransactionBehavior::Immediate).unwrap();
        changes.execute("INSERT INTO notes VALUES (1, 'one')", []).unwrap();
        changes.commit().unwrap();
        assert_eq!(count(&connection), 1);
    }
}
