//! The copy of the ledger that a terminal makes while it runs, and what the host tells when it has taken the ledger's place.

use std::time::{Duration, Instant};

use yima::app::reconciling::Reconciled;
use yima::app::{Ending, Setup};
use yima::settlement::reconciliation::Kind;
use yima::terminal::settings::{Origin, Settings};

use super::terminal::{Reversal, Sale, Terminal};

#[test]
fn a_terminal_that_runs_makes_the_copy_that_is_due_and_no_payment_waits_for_it() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    let copy = terminal.folder.path().join("ledger-copy.sqlite");
    // As when a day has passed since the start.
    let running = terminal.start_with("unionpay-debit", |parts| {
        std::fs::remove_file(&copy).unwrap();
        parts
    });
    running.charge("12.34");
    assert_eq!(running.report().ending, Ending::Approved);
    let end = Instant::now() + Duration::from_secs(90);
    while !copy.exists() {
        assert!(Instant::now() < end, "it is never made");
        std::thread::sleep(Duration::from_millis(20));
    }
    let copied = rusqlite::Connection::open(&copy).unwrap();
    let (under_way, version): (i64, i64) = copied
        .query_row(
            "SELECT (SELECT count(*) FROM transactions WHERE state IN ('pending', 'host_approved')),
                 (SELECT user_version FROM pragma_user_version)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(under_way, 0);
    assert!(version > 0, "it is whole");
    assert!(!copy.with_file_name("ledger-copy.sqlite.new").exists());
}

/// One payment, as a start makes and an end leaves it.
fn pay(terminal: &Terminal, amount: &str) {
    let running = terminal.start();
    running.charge(amount);
    assert_eq!(running.report().ending, Ending::Approved);
}

#[test]
fn after_a_restoration_the_host_tells_what_was_paid_since_the_copy() {
    let terminal = Terminal::new(Sale::Real, Reversal::Silent);
    let path = |name: &str| terminal.folder.path().join(name);
    pay(&terminal, "1.00");
    // The next start makes the copy, which knows one payment.
    std::fs::remove_file(path("ledger-copy.sqlite")).unwrap();
    pay(&terminal, "2.00");
    let settings = Settings { host: terminal.host.link_settings(), ..Settings::default() };
    let setup = Setup { settings, origin: Origin::default(), state: terminal.folder.path().to_owned() };
    let reconcile = || {
        let Reconciled { comparison, .. } = setup.reconcile().unwrap().unwrap();
        let found: Vec<_> = comparison.differences.iter().map(|one| (one.kind, one.trace)).collect();
        (found, comparison.agreed, comparison.differences)
    };
    let lost = terminal.rows()[0].trace;
    assert_eq!(reconcile(), (Vec::new(), 2, Vec::new()), "both say the same");

    for beside in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        let _ = std::fs::remove_file(path(beside));
    }
    setup.restore_ledger("Wang").unwrap();
    let (found, agreed, differences) = reconcile();
    assert_eq!((found, agreed), (vec![(Kind::UnknownHere, lost)], 1));
    let theirs = differences[0].theirs.as_ref().unwrap();
    assert_eq!((theirs.amount.to_string().as_str(), theirs.last_four.len()), ("2.00", 4));

    // A row that says more than the host knows.
    terminal.sql(
        "DROP TRIGGER transactions_begin_pending;
         INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
             truncated_pan, aid, application_label, cryptogram, tvr, tsi, atc, signature)
         SELECT merchant_code, terminal_number, batch, 999998, kind, 'approved', 300, currency, at, entry, truncated_pan, aid,
             application_label, '01', '00', '00', '0001', 0 FROM transactions LIMIT 1",
    );
    let (found, ..) = reconcile();
    assert_eq!(found.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [Kind::UnknownHere, Kind::NotCharged]);
}
