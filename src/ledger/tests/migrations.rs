//! Ledgers of every earlier version, with rows of every state and everything that refers to them, brought up to date.

use std::collections::BTreeSet;

use rusqlite::types::Value;

use super::*;
use crate::ledger::backup::check_whole;

/// Columns that each version added to payments, with a value.
const OF_PAYMENTS: [(usize, &str, &str); 6] = [
    (2, "script_results", "'2000000001'"),
    (
        3,
        "late_response_code, late_rrn, late_authorisation_code, late_at",
        "'00', '000000000009', 'LATE01', '2026-11-22T14:30:00'",
    ),
    (3, "next_try", "'2026-11-22T14:40:00'"),
    (4, "verification", "'online_pin'"),
    (8, "bank", "'Bank of China'"),
    (10, "sealed_pan", "zeroblob(44)"),
];

/// What stands in a payment of a state beside what stands in every one.
const STATES: [(&str, &str, &str); 7] = [
    ("pending", "chip_data", "x'0102'"),
    ("host_approved", "chip_data, rrn, authorisation_code, response_code", "x'0102', '000000000001', 'A12B3C', '00'"),
    (
        "approved",
        "cryptogram, tvr, tsi, atc, signature, rrn, authorisation_code, response_code",
        "'0102030405060708', '8000008000', '6800', '0001', 1, '000000000001', 'A12B3C', '00'",
    ),
    ("declined", "reason, response_code", "'host_declined', '51'"),
    ("reversal_due", "chip_data, reason, reversal_reason, reversal_tries", "x'0102', 'host_silent', '98', 3"),
    ("reversed", "reason, reversal_reason, reversal_tries", "'host_silent', 'A0', 1"),
    ("unresolved", "chip_data, reason, reversal_reason, reversal_tries", "x'0102', 'host_silent', '06', 20"),
];

/// Rows that later versions had beside payments: since which, and how they are written.
const BESIDE: [(usize, &str); 21] = [
    (1, "UPDATE counters SET batch = 7, next_stan = 77"),
    (1, "INSERT INTO copies SELECT id, 'merchant', 0, 'printed' FROM transactions"),
    (1, "INSERT INTO copies SELECT id, 'customer', 0, CASE id % 4 WHEN 0 THEN 'queued' WHEN 1 THEN 'sending'
                                                        WHEN 2 THEN 'sent_unconfirmed' ELSE 'failed' END FROM transactions"),
    (1, "INSERT INTO copies SELECT id, 'customer', 1, 'printed' FROM transactions WHERE state = 'approved'"),
    (2, "INSERT INTO advices (transaction_id, kind, batch, stan, state) SELECT id, 'card_result', 7, 50 + id, 'delivered'
         FROM transactions"),
    (2, "INSERT INTO advices (transaction_id, kind, batch, stan, state, chip_data, tries, response_code)
         SELECT id, 'script_result', 7, 60 + id, CASE id % 2 WHEN 0 THEN 'queued' ELSE 'parked' END, x'9F26', 2, '96'
         FROM transactions"),
    (3, "INSERT INTO dead_letters (transaction_id, at, response_code, slip) SELECT id, '2026-11-22T15:00:00', '96', 'printed'
         FROM transactions WHERE state = 'unresolved'"),
    (3, "INSERT INTO deeds (transaction_id, act, person, note, at, tries) SELECT id, 'retried', 'Wang', 'asked',
         '2026-11-22T16:00:00', 20 FROM transactions WHERE state = 'unresolved'"),
    (3, "UPDATE advices SET resolution = 'noted' WHERE state = 'parked' AND id % 3 = 0"),
    (5, "UPDATE sign_on SET due = 0, at = '2026-11-22T08:00:00'"),
    (6, "INSERT INTO log_checkpoints (size, note) VALUES (0, 'a note')"),
    (7, "INSERT INTO restorations (at, person, made_at, batch, known, next)
         VALUES ('2026-11-22T20:00:00', 'Wang', '2026-11-22T08:00:00', 7, 5, 100005)"),
    (8, "INSERT INTO orders VALUES ('parameters', '2026-11-22T08:00:00', NULL)"),
    (9, "UPDATE counters SET binding_key = 'aa', binding_version = 3"),
    (10, "INSERT INTO pan_keys SELECT id, 1, zeroblob(60) FROM transactions WHERE state = 'approved'"),
    (16, "INSERT INTO sold_goods SELECT id, 1, 7, 'Cola', 'piece', 2, 350, 0, 700, 1300 FROM transactions"),
    (19, "INSERT INTO people (number, name, enabled, added_at) VALUES (99, 'Wang', 1, '2026-11-22T08:00:00')"),
    (19, "INSERT INTO shifts (opened_by, opened_at, currency, float, put_in, taken_out)
         VALUES (99, '2026-11-21T08:00:00', 'CNY', 20000, 500, 300)"),
    (19, "UPDATE shifts SET closed_by = 99, closed_at = '2026-11-21T20:00:00', counted = 20190"),
    (19, "INSERT INTO shifts (opened_at, currency, float) VALUES ('2026-11-22T08:00:00', 'CNY', 100)"),
    (24, "INSERT INTO signatures (transaction_id, signed_at, picture) SELECT id, '2026-11-22T14:27:00', zeroblob(30)
         FROM transactions WHERE state = 'approved'"),
];

/// A ledger as a program of this version left it.
fn earlier(path: &Path, version: usize) -> Connection {
    let connection = Connection::open(path).unwrap();
    for migration in &MIGRATIONS[..version] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", version as i64).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    written_at_once(&connection, || write_payments(&connection, version));
    for (_, sql) in BESIDE.iter().filter(|(since, _)| *since <= version) {
        assert!(connection.execute(sql, []).unwrap_or_else(|error| panic!("{sql}\n{error}")) > 0, "{sql}");
    }
    connection
}

/// Each state with as little and with as much as the version allows.
fn write_payments(connection: &Connection, version: usize) {
    for (index, (state, columns, values)) in STATES.iter().chain(STATES.iter()).enumerate() {
        let (mut columns, mut values) = ((*columns).to_owned(), (*values).to_owned());
        if index >= STATES.len() {
            columns.push_str(", sequence_number, card_expiry");
            values.push_str(", 1, '3012'");
            for (_, names, more) in OF_PAYMENTS.iter().filter(|(since, ..)| *since <= version) {
                columns = format!("{columns}, {names}");
                values = format!("{values}, {more}");
            }
            if *state == "unresolved" && version >= 3 {
                columns.push_str(", resolution");
                values.push_str(", 'charged'");
            }
        }
        let sql = format!(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, amount, currency, at, entry,
                 truncated_pan, aid, application_label, state, {columns})
             VALUES ('898440100000001', '10000001', 6, {}, 'sale', {}, 'CNY', '2026-11-22T14:26:09', 'chip',
                 '622848*********1230', 'A000000333010101', 'UnionPay Debit', '{state}', {values})",
            index + 1,
            1000 + index,
        );
        connection.execute(&sql, []).unwrap_or_else(|error| panic!("{sql}\n{error}"));
    }
}

/// The tables with their columns, and what stands in them.
type Content = Vec<(String, Vec<String>, BTreeSet<String>)>;

fn columns_of(connection: &Connection, table: &str) -> Vec<String> {
    let statement = connection.prepare(&format!("SELECT * FROM {table} LIMIT 0")).unwrap();
    statement.column_names().into_iter().map(str::to_owned).collect()
}

fn rows_of(connection: &Connection, table: &str, columns: &[String]) -> BTreeSet<String> {
    let mut statement = connection.prepare(&format!("SELECT {} FROM {table}", columns.join(", "))).unwrap();
    let rows = statement.query_map([], |row| {
        let values: Vec<Value> = (0..columns.len()).map(|index| row.get(index).unwrap()).collect();
        Ok(format!("{values:?}"))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn content(connection: &Connection) -> Content {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").unwrap();
    let tables: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    tables
        .into_iter()
        .map(|table| {
            let columns = columns_of(connection, &table);
            let rows = rows_of(connection, &table, &columns);
            (table, columns, rows)
        })
        .collect()
}

/// What the schema says, whatever way it came about.
fn schema(connection: &Connection) -> BTreeSet<(String, Vec<String>)> {
    let mut statement = connection.prepare("SELECT type, name FROM sqlite_schema").unwrap();
    let names: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    names
        .into_iter()
        .map(|(kind, name)| {
            let columns = if kind == "table" { columns_of(connection, &name) } else { Vec::new() };
            (format!("{kind} {name}"), columns)
        })
        .collect()
}

#[test]
fn a_ledger_of_every_earlier_version_keeps_all_that_stood_in_it() {
    let new = tempfile::tempdir().unwrap();
    let new = open(new.path());
    for version in 1..MIGRATIONS.len() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        let connection = earlier(&path, version);
        check_whole(&connection, &path).unwrap();
        let before = content(&connection);
        drop(connection);
        let ledger = open(directory.path());
        assert_eq!(ledger.version().unwrap(), MIGRATIONS.len());
        check_whole(&ledger.connection, &path).unwrap();
        assert_eq!(schema(&ledger.connection), schema(&new.connection), "version {version}");
        for (table, columns, rows) in before {
            let after = rows_of(&ledger.connection, &table, &columns);
            match table.as_str() {
                // Payments that were final are taken into the log; what was given up owes a slip.
                "log_head" => {}
                "log_leaves" | "dead_letters" => assert!(rows.is_subset(&after), "version {version}, {table}"),
                _ => assert_eq!(rows, after, "version {version}, {table}"),
            }
        }
        // Each of them is read as what it was.
        let read = ledger.page(0, 100).unwrap();
        let states: Vec<&str> = read.iter().rev().map(|row| row.state.word()).collect();
        let written: Vec<&str> = STATES.iter().chain(STATES.iter()).map(|(state, ..)| *state).collect();
        assert_eq!(states, written, "version {version}");
        assert!(read.iter().rev().enumerate().all(|(index, row)| row.amount.minor() == 1000 + index as u64));
        assert!(ledger.unlogged().unwrap().is_empty(), "version {version}");
        let resolved = if version >= 3 { 1 } else { 0 };
        assert_eq!(ledger.log_head().unwrap().size, 6 + resolved, "version {version}");
    }
}

#[test]
fn a_migration_that_fails_leaves_the_ledger_of_the_version_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.sqlite");
    let connection = earlier(&path, 1);
    // Something stands in the way of a later version only.
    connection.execute_batch("CREATE TABLE orders (x)").unwrap();
    let before = content(&connection);
    drop(connection);
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    let refused = Ledger::open(&path, merchant, TerminalNumber::parse("10000001").unwrap()).unwrap_err();
    assert!(matches!(refused, LedgerError::Statement { .. }), "{refused}");
    let connection = Connection::open(&path).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!((version, content(&connection)), (1, before));
}
