//! Batches at the host, by its service and its books.

use jiff::Zoned;

use super::books;
use super::{Posting, PostingKind};
use crate::acquirer::settlement::{read_totals, write_totals};
use crate::iso8583::{Dialect, SettlementRules};
use crate::money::{Amount, Currency};
use crate::payment::transaction::Kind;
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::host::books::{Books, NewEntry};
use crate::sandbox::host::store::{EntryState, Terminal};
use crate::sandbox::host::{DEFAULT_TERMINAL, Host};
use crate::settlement::closing::{BatchTotals, Closing, HostDifference, Line};
use crate::settlement::reconciliation;
use crate::settlement::{Side, Sum};

const CARD: &str = "6228480000000001230";

struct House {
    host: Host,
    rules: SettlementRules,
    terminal: Terminal,
    _directory: tempfile::TempDir,
}

fn amount(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

fn now() -> Zoned {
    "2026-11-29T23:30:05+08:00[+08:00]".parse().unwrap()
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::prepare(&directory.path().join("host")).unwrap();
        let terminal = host.store.terminal(DEFAULT_TERMINAL).unwrap().unwrap();
        let rules = Dialect::shipped("unionpay").unwrap().settlement.unwrap();
        Self { host, rules, terminal, _directory: directory }
    }

    fn with<T>(&self, work: impl FnOnce(&Books<'_>) -> T) -> T {
        self.host.store.transaction(|books| Ok(work(books))).unwrap()
    }

    fn book(&self, stan: u32, kind: Kind, minor: u64) {
        let entry = NewEntry {
            terminal: &self.terminal.terminal,
            trace: TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() },
            kind,
            original: None,
            amount: minor,
            booked: minor,
            state: if minor > 0 { EntryState::Approved } else { EntryState::Declined },
            response_code: "00",
            reason: "test",
            pan: Some(CARD),
        };
        self.with(|books| books.record(&entry, now().date()).unwrap());
    }

    /// What the terminal says: domestic debit and credit.
    fn compare(&self, debit: (u32, u64), credit: (u32, u64)) -> (BatchTotals, [char; 2]) {
        let sum = |(count, minor)| Sum { count, amount: amount(minor) };
        let none = sum((0, 0));
        let said = write_totals(&BatchTotals::from_sums([sum(debit), sum(credit), none, none]), '0').unwrap();
        let compared = self.with(|books| {
            books::compare_totals(books, &self.rules, &self.terminal, Batch::FIRST, &said, &now()).unwrap()
        });
        read_totals(&compared.unwrap(), Currency::CNY).unwrap()
    }

    fn upload(&self, lines: &[(u32, Kind, u64)]) -> &'static str {
        let lines: Vec<_> = lines
            .iter()
            .map(|(stan, kind, minor)| Line { stan: Stan::new(*stan).unwrap(), kind: *kind, amount: amount(*minor) })
            .collect();
        self.with(|books| books::take_lines(books, &self.terminal.terminal, Batch::FIRST, &lines).unwrap())
    }

    fn close(&self, lines: u32) -> Result<Closing, &'static str> {
        self.with(|books| books::close(books, &self.terminal, Batch::FIRST, lines, &now()).unwrap())
    }

    fn differences(&self) -> Vec<HostDifference> {
        self.with(|books| books::page(books, &self.terminal.terminal, Batch::FIRST, 0).unwrap()).0
    }

    fn postings(&self) -> Vec<(PostingKind, i64, i64)> {
        let of = |posting: Posting| (posting.kind, posting.amount, posting.balance);
        self.host.postings(&self.terminal.merchant).unwrap().into_iter().map(of).collect()
    }
}

#[test]
fn equal_totals_are_posted_once_less_the_fee_however_often_they_come() {
    let house = House::new();
    house.book(1, Kind::Sale, 10_000);
    house.book(2, Kind::Sale, 5_000);
    house.book(3, Kind::Refund, 2_000);
    house.book(4, Kind::Sale, 0);
    house.book(5, Kind::PreAuthorisation, 7_777);
    for _ in 0..2 {
        let (own, flags) = house.compare((2, 15_000), (1, 2_000));
        assert_eq!((own.net_minor(), flags), (13_000, ['1', '1']));
    }
    for _ in 0..3 {
        assert_eq!(house.close(0), Ok(Closing { gross_minor: 13_000, fee_minor: 49, differences: 0 }));
    }
    let posted = [(PostingKind::Settlement, 13_000, 13_000), (PostingKind::Fee, -49, 12_951)];
    assert_eq!(house.postings(), posted);
    assert_eq!(house.host.merchant_account(&house.terminal.merchant).unwrap(), (12_951, 38));
    let state = house.host.store.sign_on_state(DEFAULT_TERMINAL).unwrap().unwrap();
    assert!(state.batch.number() > 1, "the next sign-on names a batch that is open");
}

#[test]
fn what_differs_is_named_line_by_line_and_the_hosts_books_are_posted() {
    let house = House::new();
    for (stan, minor) in [(1, 100), (2, 200), (3, 300)] {
        house.book(stan, Kind::Sale, minor);
    }
    house.book(4, Kind::Refund, 50);
    assert_eq!(house.compare((4, 1_050), (0, 0)).1, ['2', '1']);
    // 1 agrees, 2 is another amount, 3 is unknown here, 9 is unknown there, and 4 went the other way.
    let lines = [(1, Kind::Sale, 100), (2, Kind::Sale, 250), (9, Kind::Sale, 650), (4, Kind::Sale, 50)];
    assert_eq!(house.upload(&lines[..2]), "00");
    assert_eq!(house.close(4), Err(books::NOT_COMPLETE), "a part is missing");
    assert_eq!(house.upload(&lines[2..]), "00");
    assert_eq!(house.upload(&lines[2..]), "00", "a part that comes twice is taken once");
    let closing = house.close(4).unwrap();
    assert_eq!((closing.gross_minor, closing.differences), (550, 5));
    use reconciliation::Kind::{Amounts, NotCharged, UnknownHere};
    let named: Vec<_> = house
        .differences()
        .iter()
        .map(|one| (one.stan.number(), one.kind, one.ours.map(Amount::minor), one.theirs.map(Amount::minor)))
        .collect();
    let expected = [
        (2, Amounts, Some(250), Some(200)),
        (3, UnknownHere, None, Some(300)),
        (4, NotCharged, Some(50), None),
        (4, UnknownHere, None, Some(50)),
        (9, NotCharged, Some(650), None),
    ];
    assert_eq!(named, expected);
    assert_eq!(house.postings()[0], (PostingKind::Settlement, 550, 550));
}

#[test]
fn other_totals_for_a_batch_that_was_compared_are_an_error_and_change_nothing() {
    let house = House::new();
    house.book(1, Kind::Sale, 100);
    assert_eq!(house.compare((1, 100), (0, 0)).1, ['1', '1']);
    let (own, flags) = house.compare((1, 101), (0, 0));
    assert_eq!((own.net_minor(), flags), (100, ['3', '3']));
    assert_eq!(house.close(0).unwrap().gross_minor, 100);
    assert_eq!(house.compare((1, 101), (0, 0)).1, ['3', '3']);
    assert_eq!(house.postings().len(), 1, "a fee of nothing is not posted");
}

#[test]
fn what_is_taken_back_after_its_batch_was_posted_is_posted_the_other_way() {
    let house = House::new();
    house.book(1, Kind::Sale, 10_000);
    let adjust = |kind| {
        house.with(|books| {
            super::adjust(books, DEFAULT_TERMINAL, Batch::FIRST, kind, 10_000, now().timestamp()).unwrap();
        });
    };
    adjust(Kind::Sale);
    assert_eq!(house.postings(), [], "nothing was posted yet");
    house.compare((1, 10_000), (0, 0));
    house.close(0).unwrap();
    adjust(Kind::Sale);
    assert_eq!(house.postings().last(), Some(&(PostingKind::Adjustment, -10_000, -38)));
    adjust(Kind::PreAuthorisation);
    adjust(Kind::Void);
    assert_eq!(house.postings().last(), Some(&(PostingKind::Adjustment, 10_000, 9_962)));
}

#[test]
fn a_batch_that_nobody_compared_is_not_closed_and_an_empty_one_is_posted_as_nothing() {
    let house = House::new();
    assert_eq!(house.upload(&[(1, Kind::Sale, 1)]), books::NOT_COMPARED);
    assert_eq!(house.close(0), Err(books::NOT_COMPARED));
    assert!(!house.with(|books| super::is_settling(books, DEFAULT_TERMINAL, Batch::FIRST).unwrap()));
    assert_eq!(house.compare((0, 0), (0, 0)).1, ['1', '1']);
    assert!(house.with(|books| super::is_settling(books, DEFAULT_TERMINAL, Batch::FIRST).unwrap()));
    assert_eq!(house.close(0), Ok(Closing { gross_minor: 0, fee_minor: 0, differences: 0 }));
    assert_eq!(house.postings(), []);
    let account = house.with(|books| books::account(books, &house.terminal).unwrap());
    assert!(account.settlements[0].posted && account.settlements[0].equal);
}

#[test]
fn every_kind_that_moves_money_stands_on_the_side_on_which_the_terminal_has_it() {
    let house = House::new();
    let mut expected = 0_i64;
    for (kind, stan) in Kind::ALL.into_iter().zip(1..) {
        house.book(stan, kind, 100);
        expected += match Side::of(kind) {
            Some(Side::Debit) => 100,
            Some(Side::Credit) => -100,
            None => 0,
        };
    }
    assert_eq!(house.compare((0, 0), (0, 0)).0.net_minor(), expected);
}
