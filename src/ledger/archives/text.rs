//! What stands in an archive: a line that says so, then a line for each payment, with its row and all rows that refer to it,
//! as they stood in their tables.
//!
//! ```text
//! {"format":"yima-archive-1"}
//! {"transactions":[{"id":1,"batch":1,"stan":7,…}],"copies":[{…},{…}],"log_leaves":[{"number":0,"leaf":"…",…}]}
//! ```
//!
//! Columns without a value are left out, and sealed card numbers, whose keys are destroyed; bytes are `{"hex":"…"}`. Columns and tables that a later version adds come along
//! by themselves; one that this version does not know is passed over when it is read.

use std::collections::HashMap;

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, Result, params_from_iter};
use serde_json::{Map, Value, json};

use crate::crypto::hex;

/// The first line.
const TITLE: &str = "{\"format\":\"yima-archive-1\"}";

/// A column that is left out: what nobody can open is of no use to anybody.
const LEFT_OUT: &str = "sealed_pan";

/// A table whose rows belong to payments, and the column that says to which.
pub type Table = (String, String);

/// The tables that refer to payments, with that of the payments themselves before them: a payment that refers to another one is a
/// payment of its own.
pub fn tables(connection: &Connection) -> Result<Vec<Table>> {
    let mut statement = connection.prepare(
        "SELECT m.name, f.\"from\" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
         WHERE m.type = 'table' AND m.name <> 'transactions' AND f.\"table\" = 'transactions' ORDER BY m.name",
    )?;
    let own = ("transactions".to_owned(), "id".to_owned());
    std::iter::once(Ok(own)).chain(statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?).collect()
}

/// The text of these payments.
pub fn write(connection: &Connection, tables: &[Table], payments: &[i64]) -> Result<String> {
    let mut text = format!("{TITLE}\n");
    for payment in payments {
        let mut line = Map::new();
        for (table, column) in tables {
            let rows = rows(connection, table, column, *payment)?;
            if !rows.is_empty() {
                line.insert(table.clone(), Value::Array(rows));
            }
        }
        text.push_str(&Value::Object(line).to_string());
        text.push('\n');
    }
    Ok(text)
}

fn rows(connection: &Connection, table: &str, column: &str, payment: i64) -> Result<Vec<Value>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT * FROM {table} WHERE {column} = ?1 ORDER BY 1, 2"))?;
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let rows = statement.query_map([payment], |row| {
        let mut object = Map::new();
        for (index, name) in names.iter().enumerate().filter(|(_, name)| *name != LEFT_OUT) {
            let value = match row.get_ref(index)? {
                ValueRef::Null => continue,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
                ValueRef::Blob(bytes) => json!({ "hex": hex::encode(bytes) }),
            };
            object.insert(name.clone(), value);
        }
        Ok(Value::Object(object))
    })?;
    rows.collect()
}

/// Fills an empty ledger with what stands in a text. Gives how many payments it had.
pub fn load(text: &str, connection: &Connection) -> Result<u32> {
    let tables = tables(connection)?;
    let mut columns = HashMap::new();
    for (table, _) in &tables {
        let statement = connection.prepare(&format!("SELECT * FROM {table} LIMIT 0"))?;
        let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        columns.insert(table.as_str(), names);
    }
    let transaction = connection.unchecked_transaction()?;
    let mut payments = 0;
    for line in lines(text) {
        for (table, _) in &tables {
            let known = columns.get(table.as_str()).map(Vec::as_slice).unwrap_or_default();
            for row in line.get(table).and_then(Value::as_array).into_iter().flatten() {
                insert(connection, table, known, row)?;
            }
        }
        payments += 1;
    }
    transaction.commit()?;
    Ok(payments)
}

/// Names of columns come from the schema, never from the file.
fn insert(connection: &Connection, table: &str, known: &[String], row: &Value) -> Result<()> {
    let found: Vec<(&str, Cell)> =
        known.iter().filter_map(|name| Some((name.as_str(), cell(row.get(name)?)?))).collect();
    let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
    let marks: Vec<_> = (1..=found.len()).map(|number| format!("?{number}")).collect();
    let sql = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), marks.join(", "));
    connection.prepare_cached(&sql)?.execute(params_from_iter(found.into_iter().map(|(_, cell)| cell))).map(|_| ())
}

fn cell(value: &Value) -> Option<Cell> {
    match value {
        Value::String(text) => Some(Cell::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Cell::Integer).or_else(|| number.as_f64().map(Cell::Real)),
        Value::Object(object) => {
            object.get("hex").and_then(Value::as_str).and_then(|text| hex::decode(text).ok()).map(Cell::Blob)
        }
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// The leaves of the log in a text, by their numbers.
pub fn leaves(text: &str) -> HashMap<u64, String> {
    let mut leaves = HashMap::new();
    for line in lines(text) {
        for row in line.get("log_leaves").and_then(Value::as_array).into_iter().flatten() {
            let number = row.get("number").and_then(Value::as_u64);
            let leaf = row.get("leaf").and_then(Value::as_str);
            if let (Some(number), Some(leaf)) = (number, leaf) {
                leaves.insert(number, leaf.to_owned());
            }
        }
    }
    leaves
}

/// The payments of a text of this version; of any other text, none.
fn lines(text: &str) -> impl Iterator<Item = Value> {
    let mut lines = text.lines();
    let ours = lines.next() == Some(TITLE);
    lines.take_while(move |_| ours).map_while(|line| serde_json::from_str(line).ok())
}
