//! A connection that keeps its statements prepared. Reading an SQL text takes longer than most of what these texts ask for, and
//! a terminal asks the same few dozen over and over.

use std::ops::{Deref, DerefMut};

use rusqlite::{CachedStatement, Connection, Params, Result, Row};

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

    /// As [`Connection::execute`].
    pub fn execute(&self, sql: &str, parameters: impl Params) -> Result<usize> {
        self.0.prepare_cached(sql)?.execute(parameters)
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
