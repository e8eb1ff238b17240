//! Books of an older version, in which every entry was a sale.

use super::desk::Desk;
use super::*;

/// As version 2 had it.
const VERSION_2: &str = "
    PRAGMA foreign_keys = OFF;
    ALTER TABLE accounts DROP COLUMN held;
    CREATE TABLE older (
        id            INTEGER PRIMARY KEY,
        terminal      TEXT NOT NULL REFERENCES terminals,
        batch         INTEGER NOT NULL,
        stan          INTEGER NOT NULL,
        amount        INTEGER NOT NULL,
        booked        INTEGER NOT NULL,
        state         TEXT NOT NULL CHECK (state IN ('approved', 'declined', 'reversed')),
        response_code TEXT NOT NULL,
        rrn           TEXT NOT NULL,
        reason        TEXT NOT NULL,
        pan           TEXT REFERENCES accounts,
        reversals     INTEGER NOT NULL DEFAULT 0,
        UNIQUE (terminal, batch, stan)
    ) STRICT;
    INSERT INTO older SELECT id, terminal, batch, stan, amount, booked, state, response_code, rrn, reason, pan, reversals
                      FROM entries;
    DROP TABLE entries;
    ALTER TABLE older RENAME TO entries;
    DROP TABLE balance_answers;
    PRAGMA user_version = 2;
";

#[test]
fn the_sales_of_an_older_version_are_kept_and_can_be_undone() {
    let mut desk = Desk::new();
    let (first, second) = (desk.ask(Kind::Sale, 1, 1000, None), desk.ask(Kind::Sale, 2, 200, None));
    let declined = desk.ask(Kind::Sale, 3, 66_51, None);
    let before = desk.entries();
    let mut desk = desk.after_an_update(VERSION_2);
    assert_eq!(desk.entries(), before);
    assert_eq!((desk.balance(), desk.held()), (BALANCE - 1200, 0));
    assert_eq!(desk.send(&first.message).rrn, first.decision.rrn, "answered as before the update");
    assert_eq!((desk.ask(Kind::Void, 4, 1000, Some(&first)).code(), desk.balance()), ("00", BALANCE - 200));
    assert_eq!((desk.take_back(&second).as_str(), desk.balance()), ("00", BALANCE));
    assert_eq!(desk.take_back(&declined), "00");
    assert_eq!(desk.ask(Kind::PreAuthorisation, 5, 300, None).code(), "00");
    assert_eq!((desk.balance(), desk.held()), (BALANCE, 300));
}
