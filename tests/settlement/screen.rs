//! Settlement as somebody at the screen sees it, and the host's signature of the log that comes with it.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use yima::app::log::LogVerdict;
use yima::app::settlement_view::{
    AccountView, OneSettlement, OpenBatch, SettlementIntent, SettlementView, SlipView, WaitsFor,
};
use yima::app::view::{Intent, Screen};
use yima::devices::printer::{PrintFailure, PrinterFault};
use yima::payment::transaction::Kind;
use yima::reference::Batch;
use yima::settlement::closing::{Cause, State, Verdict};
use yima::wording::ReasonKind;

use super::line::{Cut, Fate};
use super::settling::{House, LIMIT, settle};
use super::terminal::{Reversal, Running, Sale, is_keypad, notice_kind};

fn wish(running: &Running, intent: SettlementIntent) {
    running.wish(Intent::Settlement(intent));
}

#[track_caller]
fn open(running: &mut Running, is: impl Fn(&OpenBatch) -> bool) -> OpenBatch {
    let open = |screen: &Screen| match screen {
        Screen::Settlement(view) => match &**view {
            SettlementView::Open(open) if is(open) => Some(open.clone()),
            _ => None,
        },
        _ => None,
    };
    open(&running.until("the open batch", |screen| open(screen).is_some())).unwrap()
}

#[track_caller]
fn one(running: &mut Running, is: impl Fn(&OneSettlement) -> bool) -> OneSettlement {
    let one = |screen: &Screen| match screen {
        Screen::Settlement(view) => match &**view {
            SettlementView::One(one) if is(one) => Some((**one).clone()),
            _ => None,
        },
        _ => None,
    };
    one(&running.until("a settlement", |screen| one(screen).is_some())).unwrap()
}

#[track_caller]
fn account(running: &mut Running, is: impl Fn(&AccountView) -> bool) -> AccountView {
    let account = |screen: &Screen| match screen {
        Screen::Settlement(view) => match &**view {
            SettlementView::Account(account) if is(account) => Some(account.clone()),
            _ => None,
        },
        _ => None,
    };
    account(&running.until("the account", |screen| account(screen).is_some())).unwrap()
}

#[test]
fn a_batch_is_settled_looked_at_printed_again_and_found_on_the_account() {
    let house = House::new();
    let mut running = house.open(&["12.34", "100.00"]);
    wish(&running, SettlementIntent::Show);
    let shown = open(&mut running, |_| true);
    let sums = shown.sums.unwrap();
    assert_eq!((shown.batch, sums.count, sums.net_minor, sums.open), (Batch::FIRST, 2, 11_234, 0));
    assert_eq!((sums.lines[0].kind, sums.lines[0].sum.count), (Kind::Sale, 2));
    assert!(shown.can_settle && shown.wanted.is_none());
    settle(&running);
    // It is followed to its end without being asked for.
    let closed = one(&mut running, |one| !one.row.state.is_open());
    assert_eq!((closed.row.batch, closed.row.state, closed.cause), (Batch::FIRST, State::Closed, Cause::ByHand));
    assert_eq!((closed.row.verdict, closed.money.unwrap().net_minor()), (Some(Verdict::Equal), 11_234 - 43));
    one(&mut running, |one| one.slip == Some(SlipView::Printed) && one.can_print);
    // Once more, on a printer without paper, and with some.
    let failure = PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper: false, may_come_later: false };
    house.terminal.paper.0.lock().unwrap().push(Err(failure));
    wish(&running, SettlementIntent::Reprint(Batch::FIRST));
    let failed = one(&mut running, |one| matches!(one.slip, Some(SlipView::Failed(_))));
    let Some(SlipView::Failed(Some(reason))) = failed.slip else { panic!("{failed:?}") };
    assert_eq!(reason.kind, ReasonKind::PrinterPaperOut);
    wish(&running, SettlementIntent::Reprint(Batch::FIRST));
    one(&mut running, |one| one.slip == Some(SlipView::Printed));
    wish(&running, SettlementIntent::ShowPast(0));
    let listed = running.until(
        "the list",
        |screen| matches!(screen, Screen::Settlement(view) if matches!(&**view, SettlementView::Past(_))),
    );
    let Screen::Settlement(view) = listed else { unreachable!() };
    let SettlementView::Past(past) = *view else { unreachable!() };
    assert_eq!((past.rows.len(), past.page, past.pages, past.rows[0].net_minor), (1, 0, 1, 11_234));
    wish(&running, SettlementIntent::ShowOne(Batch::FIRST));
    one(&mut running, |one| one.row.state == State::Closed);
    wish(&running, SettlementIntent::ShowAccount);
    account(&mut running, |account| *account == AccountView::Asking);
    let AccountView::Told(told) = account(&mut running, |account| *account != AccountView::Asking) else {
        panic!("the host did not tell")
    };
    assert_eq!((told.balance_minor, told.settlements.len()), (11_234 - 43, 1));
    house.script.lock().unwrap().no_account = true;
    wish(&running, SettlementIntent::ShowAccount);
    let refused = account(&mut running, |account| matches!(account, AccountView::NotTold { .. }));
    assert!(matches!(refused, AccountView::NotTold { unreachable: false, .. }), "{refused:?}");
    // The batch that is open now is the next one, and empty.
    wish(&running, SettlementIntent::Show);
    let next = open(&mut running, |_| true);
    assert_eq!((next.batch.number(), next.sums.unwrap().count), (2, 0));
}

#[test]
fn a_settlement_without_an_answer_says_when_it_tries_again_can_be_left_tried_at_once_and_given_up() {
    let house = House::new();
    let mut running = house.open(&["1.00"]);
    house.script.lock().unwrap().fates = (0..50).map(|number| (number, Fate::NotReached)).collect();
    wish(&running, SettlementIntent::Show);
    open(&mut running, |_| true);
    settle(&running);
    let waits = one(&mut running, |one| one.request.is_some_and(|request| request.tries == 1 && !request.asking));
    assert!(waits.request.unwrap().next_try.is_some() && waits.row.state == State::Comparing, "{waits:?}");
    // It is left, and a customer pays.
    running.wish(Intent::ShowKeypad);
    house.sell(&mut running, &["2.00"]);
    wish(&running, SettlementIntent::Show);
    wish(&running, SettlementIntent::TryNow);
    one(&mut running, |one| one.request.is_some_and(|request| request.tries == 2 && !request.asking));
    wish(&running, SettlementIntent::GiveUp(Batch::FIRST));
    let over = one(&mut running, |one| one.row.state == State::GivenUp);
    assert!(over.request.is_none() && over.given_up.is_some_and(|(by, _)| by == "touchscreen"));
    let asked = house.script.lock().unwrap().asked.len();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(house.script.lock().unwrap().asked.len(), asked, "the host is asked no more");
    // Nothing of it can be given up twice, and the next batch settles as any other.
    wish(&running, SettlementIntent::GiveUp(Batch::FIRST));
    house.script.lock().unwrap().fates.clear();
    settle(&running);
    let row = house.settled(2);
    assert_eq!((row.under_way.state, row.under_way.totals.net_minor()), (State::Closed, 200));
}

#[test]
fn what_a_person_must_decide_is_said_and_the_wish_can_be_taken_back() {
    let house = House::new();
    let running = house.open(&["1.00"]);
    drop(running);
    house.terminal.behave(Sale::Silent, Reversal::Code("96"));
    let mut running = house.start();
    running.until("the keypad", is_keypad);
    running.charge("2.00");
    running.until("the result is not known", |screen| matches!(screen, Screen::Unknown { .. }));
    house.terminal.sql("UPDATE transactions SET state = 'unresolved' WHERE state = 'reversal_due'");
    running.wish(Intent::ShowKeypad);
    running.until("the keypad", is_keypad);
    wish(&running, SettlementIntent::Show);
    settle(&running);
    let waits = open(&mut running, |open| open.wanted == Some(WaitsFor::People));
    assert_eq!((waits.parked, waits.sums.unwrap().open), (1, 1));
    wish(&running, SettlementIntent::Withdraw);
    open(&mut running, |open| open.wanted.is_none());
    std::thread::sleep(Duration::from_secs(1));
    assert!(house.rows().is_empty() && house.terminal.ledger().settlement_wish().unwrap().is_none());
}

#[track_caller]
fn signed_by_the_host(house: &House) -> u64 {
    let end = Instant::now() + LIMIT;
    loop {
        let size = house.terminal.ledger().checkpoints().unwrap().into_iter().rfind(|row| row.cosigned);
        if let Some(row) = size {
            return row.size;
        }
        assert!(Instant::now() < end, "the host has not signed the log");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_host_signs_the_log_when_a_batch_is_closed_and_verify_says_so() {
    let house = House::new();
    let mut running = house.open(&["1.00", "2.00"]);
    settle(&running);
    house.settled(1);
    assert_eq!(signed_by_the_host(&house), 2);
    house.sell(&mut running, &["3.00"]);
    drop(running);
    let LogVerdict::Whole(verified) = house.setup().verify_log().unwrap().unwrap() else { panic!("it is not whole") };
    assert_eq!((verified.cosigned.map(|head| head.size), verified.head.size), (Some(2), 3));
    // What was logged since is signed at the next start: a power cut may have come in between.
    let _running = house.start();
    let end = Instant::now() + LIMIT;
    while house.terminal.ledger().checkpoints().unwrap().iter().all(|row| !row.cosigned || row.size < 3) {
        assert!(Instant::now() < end, "the host has not signed the rest");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_log_that_the_host_knows_otherwise_is_said_to_people_and_the_settlement_stands() {
    let house = House::new();
    let mut running = house.open(&["1.00"]);
    settle(&running);
    house.settled(1);
    signed_by_the_host(&house);
    running.wish(Intent::ShowKeypad);
    running.until("a keypad without a notice", |screen| is_keypad(screen) && notice_kind(screen).is_none());
    house.sell(&mut running, &["2.00"]);
    // As if the host had signed another log of this terminal before.
    house.host_sql("UPDATE log_heads SET root = zeroblob(32)");
    settle(&running);
    assert_eq!(house.settled(2).under_way.state, State::Closed);
    running.until("the host does not accept it", |screen| notice_kind(screen) == Some(ReasonKind::LogRefused));
    assert_eq!(house.postings().len(), 3, "both batches are posted; a fee of nothing is not");
    house.sell(&mut running, &["3.00"]);
}

#[test]
fn a_settlement_that_begins_elsewhere_takes_the_place_of_the_open_batch_on_the_screen() {
    let house = House::new();
    let mut running = house.open(&["1.00"]);
    let ((says, hears), (ends, end)) = (channel(), channel());
    {
        let mut script = house.script.lock().unwrap();
        script.fates = vec![(0, Fate::CutAfter)];
        script.cut = Some(Cut { says, ends: end });
    }
    wish(&running, SettlementIntent::Show);
    open(&mut running, |_| true);
    let mut ledger = house.setup().ledger_beside(&house.setup().identity().unwrap()).unwrap();
    let since = jiff::civil::date(2026, 11, 29).at(10, 0, 0, 0);
    let wish = yima::settlement::closing::Wish { cause: Cause::ByHand, since, without_undecided: false };
    ledger.wish_settlement(&wish).unwrap();
    hears.recv_timeout(LIMIT).unwrap();
    let asked = one(&mut running, |one| one.request.is_some_and(|request| request.asking));
    assert_eq!(asked.row.state, State::Comparing);
    drop(ends);
}
