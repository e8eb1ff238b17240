use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use yima::acquirer::link::HostLink;
use yima::app::settling::batch_report;
use yima::app::view::{Intent, Screen};
use yima::app::{Ending, Parts, SettlementPlan, Setup};
use yima::ledger::SettlementRow;
use yima::money::{Amount, Currency};
use yima::payment::purpose::Purpose;
use yima::payment::record::State as RowState;
use yima::payment::transaction::Presence;
use yima::reference::{Batch, Stan, TraceNumber};
use yima::sandbox::host::Host;
use yima::sandbox::host::settling::PostingKind;
use yima::settlement::closing::{Cause, Request, State, Verdict};
use yima::settlement::reconciliation;
use yima::terminal::settings::{Origin, Settings};

use super::line::{Cut, Fate, Line, Script};
use super::terminal::{Reversal, Running, Sale, Terminal, is_keypad};

pub const LIMIT: Duration = Duration::from_secs(40);

/// A terminal with a script for its line, and its host.
pub struct House {
    pub terminal: Terminal,
    pub script: Arc<Mutex<Script>>,
}

impl House {
    pub fn new() -> Self {
        Self { terminal: Terminal::new(Sale::Real, Reversal::Code("00")), script: Arc::default() }
    }

    pub fn start(&self) -> Running {
        self.start_as(|parts| parts)
    }

    pub fn setup(&self) -> Setup {
        let settings = Settings { host: self.terminal.host.link_settings(), ..Settings::default() };
        Setup { settings, origin: Origin::default(), state: self.terminal.folder.path().to_owned() }
    }

    pub fn start_as(&self, change: impl Fn(Parts) -> Parts) -> Running {
        self.terminal.start_with("unionpay-debit", |parts| change(self.on_line(parts)))
    }

    /// The parts with the line of the script.
    pub fn on_line(&self, parts: Parts) -> Parts {
        let (inner, script) = (Arc::clone(&parts.link), Arc::clone(&self.script));
        Parts { link: Arc::new(Line { inner, script }), ..parts }
    }

    /// A terminal that has taken these payments and is idle.
    pub fn open(&self, amounts: &[&str]) -> Running {
        let mut running = self.start();
        self.sell(&mut running, amounts);
        running
    }

    pub fn sell(&self, running: &mut Running, amounts: &[&str]) {
        for amount in amounts {
            running.until("the keypad", is_keypad);
            running.charge(amount);
            paid(running);
        }
    }

    pub fn rows(&self) -> Vec<SettlementRow> {
        self.terminal.ledger().settlements(100).unwrap()
    }

    /// Waits until the settlement of a batch is over.
    #[track_caller]
    pub fn settled(&self, batch: u32) -> SettlementRow {
        let batch = Batch::new(batch).unwrap();
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(row) = self.terminal.ledger().settlement(batch).unwrap()
                && !row.under_way.state.is_open()
            {
                return row;
            }
            assert!(Instant::now() < end, "batch {batch} is not settled: {:?}", self.rows());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The host's books, beside the host that runs.
    pub fn books(&self) -> Host {
        Host::prepare(&self.terminal.folder.path().join("host")).unwrap()
    }

    pub fn merchant(&self) -> String {
        self.books().merchant_of("10000001").unwrap()
    }

    pub fn postings(&self) -> Vec<(PostingKind, u32, i64)> {
        let postings = self.books().postings(&self.merchant()).unwrap();
        postings.into_iter().map(|posting| (posting.kind, posting.batch.number(), posting.amount)).collect()
    }

    /// Changes the host's books behind its back.
    pub fn host_sql(&self, statement: &str) {
        let connection = rusqlite::Connection::open(self.terminal.folder.path().join("host/host.sqlite3")).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        assert!(connection.execute(statement, []).unwrap() > 0, "{statement}");
    }
}

/// Waits until a payment is over, and leaves its result.
#[track_caller]
pub fn paid(running: &mut Running) {
    let report = loop {
        let report = running.report();
        if report.complete {
            break report;
        }
    };
    assert_eq!(report.ending, Ending::Approved, "{report:?}");
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
}

pub fn settle(running: &Running) {
    running.wish(Intent::Settle { without_undecided: false });
}

fn trace(stan: u32) -> TraceNumber {
    TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() }
}

#[test]
fn a_day_of_mixed_transactions_settles_to_the_cent_and_is_posted_once() {
    let house = House::new();
    let mut running = house.open(&["12.34", "100.00", "0.66"]);
    let stans: Vec<_> = house.terminal.rows().iter().rev().map(|row| row.trace).collect();
    running.wish(Intent::Begin(Purpose::Void(stans[0], Presence::CardThere)));
    paid(&mut running);
    let part = Amount::parse("40.00", Currency::CNY).unwrap();
    running.wish(Intent::Begin(Purpose::Refund(stans[1], Some(part))));
    paid(&mut running);
    settle(&running);
    let row = house.settled(1);
    assert_eq!((row.under_way.state, row.under_way.verdict), (State::Closed, Some(Verdict::Equal)));
    // 12.34 + 100.00 + 0.66 - 12.34 - 40.00, less 0.38 %.
    let closing = row.closing.unwrap();
    assert_eq!((row.under_way.totals.net_minor(), closing.gross_minor, closing.fee_minor), (6066, 6066, 23));
    assert_eq!(row.host_totals, Some(row.under_way.totals));
    assert_eq!(house.postings(), [(PostingKind::Settlement, 1, 6066), (PostingKind::Fee, 1, -23)]);
    assert_eq!(row.under_way.uploaded, 0, "what is equal is not uploaded");
    let asked = house.script.lock().unwrap().asked.len();
    assert_eq!(asked, 2);
    let report = batch_report(&house.terminal.ledger(), Batch::FIRST, Currency::CNY).unwrap();
    let lines: Vec<_> =
        report.totals.lines.iter().map(|line| (line.kind.word(), line.method(), line.sum.count)).collect();
    assert_eq!(lines, [("sale", "unionpay", 3), ("void", "unionpay", 1), ("refund", "unionpay", 1)]);
    // The keys of its card numbers are gone, and what comes next is of the next batch.
    assert!(stans.iter().all(|trace| house.terminal.ledger().pan(*trace).unwrap().is_none()));
    house.sell(&mut running, &["5.00"]);
    assert_eq!(house.terminal.rows()[0].trace.batch.number(), 2);
}

#[test]
fn totals_that_differ_are_uploaded_and_the_differences_named_line_by_line() {
    let house = House::new();
    let running = house.open(&["1.00", "2.00", "3.00"]);
    let stans: Vec<_> = house.terminal.rows().iter().rev().map(|row| row.trace.stan).collect();
    house.host_sql(&format!("UPDATE entries SET booked = 250 WHERE stan = {}", stans[1]));
    house.host_sql(&format!("UPDATE entries SET state = 'reversed' WHERE stan = {}", stans[2]));
    house.host_sql(
        "INSERT INTO entries (terminal, batch, stan, amount, booked, state, response_code, rrn, reason, pan)
         VALUES ('10000001', 1, 777777, 900, 900, 'approved', '00', '000000000777', 'test', '6228480000000001230')",
    );
    settle(&running);
    let row = house.settled(1);
    assert_eq!((row.under_way.verdict, row.under_way.uploaded), (Some(Verdict::Different), 3));
    use reconciliation::Kind::{Amounts, NotCharged, UnknownHere};
    let differences = house.terminal.ledger().settlement_differences(Batch::FIRST).unwrap();
    let named: Vec<_> = differences
        .iter()
        .map(|one| (one.stan, one.kind, one.ours.map(Amount::minor), one.theirs.map(Amount::minor)))
        .collect();
    let unknown = Stan::new(777_777).unwrap();
    assert_eq!(
        named,
        [
            (stans[1], Amounts, Some(200), Some(250)),
            (stans[2], NotCharged, Some(300), None),
            (unknown, UnknownHere, None, Some(900)),
        ]
    );
    assert_eq!(row.closing.unwrap().gross_minor, 100 + 250 + 900, "the host posts its own books");
    assert_eq!(house.postings()[0].2, 1250);
}

#[test]
fn a_terminal_that_is_killed_at_any_step_goes_on_and_the_money_is_posted_once() {
    for fate in [Fate::CutBefore, Fate::CutAfter] {
        // Compare, upload, end, read.
        for step in 0..4 {
            let house = House::new();
            let running = house.open(&["1.00", "2.00"]);
            let stan = house.terminal.rows()[0].trace.stan;
            house.host_sql(&format!("UPDATE entries SET booked = 250 WHERE stan = {stan}"));
            let ((says, hears), (ends, end)) = (channel(), channel());
            {
                let mut script = house.script.lock().unwrap();
                script.fates = vec![(step, fate)];
                script.cut = Some(Cut { says, ends: end });
            }
            settle(&running);
            hears.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("{fate:?} {step}: never asked"));
            drop(running);
            let cut = house.terminal.ledger().settlement_under_way().unwrap();
            assert!(cut.is_some(), "{fate:?} {step}: it is under way when the power comes back");
            drop(ends);
            let running = house.start();
            let row = house.settled(1);
            drop(running);
            assert_eq!(
                (row.under_way.state, row.closing.unwrap().gross_minor),
                (State::Closed, 350),
                "{fate:?} {step}"
            );
            assert_eq!(house.rows().len(), 1, "{fate:?} {step}");
            assert_eq!(
                house.postings(),
                [(PostingKind::Settlement, 1, 350), (PostingKind::Fee, 1, -1)],
                "{fate:?} {step}"
            );
            let script = house.script.lock().unwrap();
            assert_eq!(script.asked[step], script.asked[step + 1], "{fate:?} {step}: the same was asked again");
            assert_eq!(house.terminal.ledger().settlement_differences(Batch::FIRST).unwrap().len(), 1);
        }
    }
}

#[test]
fn a_lost_answer_is_asked_for_again_under_the_same_number() {
    let house = House::new();
    let running = house.open(&["1.00"]);
    house.script.lock().unwrap().fates = vec![(0, Fate::AnswerLost), (1, Fate::NotReached), (3, Fate::AnswerLost)];
    settle(&running);
    // After 10 s at first, and a start makes it try at once.
    let end = Instant::now() + LIMIT;
    let mut running = Some(running);
    while house.rows().first().is_none_or(|row| row.under_way.state.is_open()) {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(200));
        drop(running.take());
        running = Some(house.start());
        std::thread::sleep(Duration::from_millis(800));
    }
    assert_eq!(house.settled(1).under_way.verdict, Some(Verdict::Equal));
    assert_eq!(house.postings(), [(PostingKind::Settlement, 1, 100)]);
    let script = house.script.lock().unwrap();
    let numbers: Vec<_> = script
        .asked
        .iter()
        .map(|request| match request {
            Request::Compare { stan, .. } | Request::Upload { stan, .. } | Request::End { stan, .. } => stan.number(),
            Request::Differences { .. } => 0,
        })
        .collect();
    assert_eq!(numbers.len(), 5);
    assert!(numbers[0] == numbers[1] && numbers[1] == numbers[2] && numbers[3] == numbers[4], "{numbers:?}");
    assert_ne!(numbers[2], numbers[3]);
}

#[test]
fn an_empty_batch_is_settled_and_nothing_is_posted() {
    let house = House::new();
    let mut running = house.start();
    running.until("the keypad", is_keypad);
    settle(&running);
    let row = house.settled(1);
    assert_eq!((row.under_way.verdict, row.under_way.totals.count()), (Some(Verdict::Equal), 0));
    assert_eq!(house.postings(), []);
    settle(&running);
    assert_eq!(house.settled(2).under_way.state, State::Closed);
}

#[test]
fn a_payment_during_a_settlement_does_not_wait_and_is_of_the_next_batch() {
    let house = House::new();
    let mut running = house.open(&["1.00"]);
    let ((says, hears), (ends, end)) = (channel(), channel());
    {
        let mut script = house.script.lock().unwrap();
        script.fates = vec![(0, Fate::CutAfter)];
        script.cut = Some(Cut { says, ends: end });
    }
    settle(&running);
    hears.recv_timeout(LIMIT).unwrap();
    // The host is being asked, and somebody pays.
    house.sell(&mut running, &["7.00"]);
    let newest = house.terminal.rows().remove(0);
    assert_eq!((newest.trace.batch.number(), newest.state), (2, RowState::Approved));
    drop(ends);
    drop(running);
    let _running = house.start();
    let row = house.settled(1);
    assert_eq!((row.under_way.totals.net_minor(), row.under_way.verdict), (100, Some(Verdict::Equal)));
}

#[test]
fn a_batch_is_cut_only_when_the_payment_that_runs_is_over() {
    let house = House::new();
    let mut running = house.start();
    running.until("the keypad", is_keypad);
    let (go, held) = channel();
    house.terminal.behave(Sale::Held(Arc::new(Mutex::new(held))), Reversal::Code("00"));
    running.charge("3.00");
    running.until("the host is asked", |screen| matches!(screen, Screen::Processing { .. }));
    settle(&running);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(house.rows(), [], "somebody is paying");
    go.send(()).unwrap();
    paid(&mut running);
    let row = house.settled(1);
    assert_eq!((row.under_way.totals.count(), row.under_way.verdict), (1, Some(Verdict::Equal)));
    assert_eq!(house.terminal.rows()[0].trace.batch, Batch::FIRST);
}

#[test]
fn what_a_person_has_not_decided_about_keeps_a_batch_open_until_somebody_says_otherwise() {
    let house = House::new();
    let running = house.open(&["1.00"]);
    let mut running = {
        drop(running);
        house.terminal.behave(Sale::Silent, Reversal::Code("96"));
        let mut running = house.start();
        running.until("the keypad", is_keypad);
        running.charge("2.00");
        running.until("the result is not known", |screen| matches!(screen, Screen::Unknown { .. }));
        running
    };
    house.terminal.sql("UPDATE transactions SET state = 'unresolved' WHERE state = 'reversal_due'");
    running.wish(Intent::ShowKeypad);
    running.until("the keypad", is_keypad);
    settle(&running);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(house.rows(), [], "a person must decide");
    running.wish(Intent::Settle { without_undecided: true });
    let row = house.settled(1);
    assert_eq!((row.undecided, row.under_way.totals.net_minor()), (1, 100));
    assert_eq!(row.under_way.verdict, Some(Verdict::Equal), "the host never had it");
}

#[test]
fn when_the_night_comes_the_batch_is_settled_by_itself_and_once() {
    let house = House::new();
    let running = house.open(&["4.00"]);
    drop(running);
    assert_eq!(house.terminal.ledger().settled_night().unwrap().map(|_| ()), Some(()), "its first night is noted");
    // It slept through a night.
    house.terminal.sql("UPDATE settlement_plan SET night = '2026-01-01'");
    let running = house.start();
    let row = house.settled(1);
    assert_eq!((row.cause, row.under_way.totals.net_minor()), (Cause::Nightly, 400));
    drop(running);
    // The same night, and a clock that had been a year ahead.
    let _running = house.start();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(house.rows().len(), 1);
}

#[test]
fn a_batch_that_grows_too_long_for_a_message_is_settled_by_itself() {
    let house = House::new();
    let running = house.open(&["1.00", "2.00"]);
    drop(running);
    let plan = |parts: Parts| Parts { settlement: SettlementPlan { most_payments: 2, ..parts.settlement }, ..parts };
    let _running = house.start_as(plan);
    assert_eq!(house.settled(1).cause, Cause::Full);
}

#[test]
fn midnight_and_a_clock_that_jumps_leave_every_transaction_in_one_batch() {
    let house = House::new();
    let running = house.open(&["1.00"]);
    drop(running);
    // Whatever day its rows say: it is the number that counts.
    house.terminal.sql("UPDATE transactions SET at = '2031-02-03T23:59:59'");
    let mut running = house.start();
    settle(&running);
    house.settled(1);
    house.sell(&mut running, &["2.00"]);
    drop(running);
    house.terminal.sql("UPDATE transactions SET at = '2020-01-01T00:00:01' WHERE batch = 2");
    let running = house.start();
    settle(&running);
    assert_eq!(house.settled(2).under_way.totals.net_minor(), 200);
    assert_eq!(house.rows().iter().map(|row| row.under_way.totals.count()).sum::<u32>(), 2);
    assert_eq!(house.postings().iter().map(|(_, batch, _)| *batch).max(), Some(2));
    drop(running);
    assert!(house.terminal.ledger().find(trace(1)).is_ok());
}

#[test]
fn the_merchants_account_is_told_at_any_time_with_the_state_of_every_settlement() {
    let house = House::new();
    let running = house.open(&["100.00"]);
    let setup = house.setup();
    // With the keys that there are now.
    let link = setup.link(setup.identity().unwrap(), setup.vault().unwrap()).unwrap();
    let before = link.merchant_account().unwrap();
    assert_eq!((before.balance_minor, before.fee_rate, before.settlements.len()), (0, 38, 0));
    house.books().set_fee_rate(&house.merchant(), 60).unwrap();
    settle(&running);
    house.settled(1);
    let account = link.merchant_account().unwrap();
    assert_eq!((account.balance_minor, account.fee_rate), (10_000 - 60, 60));
    let told = account.settlements[0];
    assert_eq!((told.batch.number(), told.posted, told.equal), (1, true, true));
    assert_eq!(told.closing.net_minor(), 9940);
}
