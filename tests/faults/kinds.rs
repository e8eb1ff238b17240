//! What else is done with a card than to pay: a morning of it, and each request with each fault of the line.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use yima::app::{Ending, SaleReport};
use yima::ledger::TransactionRow;
use yima::money::{Amount, Currency};
use yima::payment::purpose::Purpose;
use yima::payment::record::State;
use yima::payment::transaction::{IfUnknown, Kind, Presence};
use yima::reference::TraceNumber;
use yima::wording::ReasonKind;

use crate::agreement::{disagreements, not_told};
use crate::cells::{FAULTS, Power, Trouble};
use crate::fault_proxy::message::MessageProxy;
use crate::fault_proxy::{self, Fault};
use crate::terminal::{Act, LIMIT, Premises, Run, until_told};

/// Cells that are tried at a time.
const HANDS: usize = 24;

/// Kinds that ask the host for something that is not to pay.
const ASKING: [Kind; 8] = [
    Kind::Void,
    Kind::Refund,
    Kind::PreAuthorisation,
    Kind::PreAuthorisationTopUp,
    Kind::PreAuthorisationVoid,
    Kind::Completion,
    Kind::CompletionNotice,
    Kind::CompletionVoid,
];

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

fn done(report: &SaleReport) -> TraceNumber {
    assert_eq!(report.ending, Ending::Approved, "{report:?}");
    report.trace.unwrap()
}

/// Does what has to come before a transaction of this kind; gives what brings it about. Nothing, when what comes before does not
/// come about.
pub fn lead_to(kind: Kind, run: &mut Run) -> Option<Purpose> {
    let paid = |report: SaleReport| report.trace.filter(|_| report.ending == Ending::Approved);
    let there = Presence::CardThere;
    Some(match kind {
        Kind::Void => Purpose::Void(paid(run.pay(12_34))?, there),
        Kind::Refund => Purpose::Refund(paid(run.pay(12_34))?, Some(yuan(5_00))),
        Kind::PreAuthorisation => Purpose::PreAuthorisation(yuan(10_000)),
        Kind::Sale | Kind::OfflineSale => Purpose::Sale(yuan(12_34)),
        Kind::Balance => Purpose::Balance(Currency::CNY),
        // No card brings these about.
        Kind::CodePayment | Kind::CodeRefund => return None,
        Kind::PreAuthorisationTopUp
        | Kind::PreAuthorisationVoid
        | Kind::Completion
        | Kind::CompletionNotice
        | Kind::CompletionVoid => {
            let held = paid(run.carry_out(Purpose::PreAuthorisation(yuan(10_000))))?;
            match kind {
                Kind::PreAuthorisationTopUp => Purpose::TopUp(held, yuan(25_00)),
                Kind::PreAuthorisationVoid => Purpose::Void(held, there),
                Kind::Completion => Purpose::Completion(held, Some(yuan(90_00)), there),
                Kind::CompletionNotice => Purpose::CompletionNotice(held, Some(yuan(90_00))),
                _ => Purpose::Void(paid(run.carry_out(Purpose::Completion(held, Some(yuan(90_00)), there)))?, there),
            }
        }
    })
}

/// Which of the messages that are no sale is the one that brings this kind about.
const fn nth(kind: Kind) -> usize {
    match kind {
        Kind::PreAuthorisationTopUp | Kind::PreAuthorisationVoid | Kind::Completion | Kind::CompletionNotice => 2,
        Kind::CompletionVoid => 3,
        _ => 1,
    }
}

#[test]
fn a_morning_of_everything_agrees_at_both_ends_to_the_cent() {
    let premises = Premises::new();
    let terminal = premises.terminal(premises.host.link_settings().url);
    let mut run = terminal.start();
    let there = Presence::CardThere;
    let why = |report: &SaleReport| report.reason.as_ref().map(|reason| reason.kind);

    let sale = done(&run.pay(12_34));
    let void = run.carry_out(Purpose::Void(sale, there));
    assert_eq!((void.kind, void.original, void.amount), (Kind::Void, Some(sale), yuan(12_34)));
    done(&void);
    assert_eq!(premises.charged(), 0);
    let again = run.carry_out(Purpose::Void(sale, there));
    assert_eq!((again.ending, why(&again)), (Ending::Error, Some(ReasonKind::OriginalUsed)));

    let sale = done(&run.pay(20_00));
    done(&run.carry_out(Purpose::Refund(sale, Some(yuan(5_00)))));
    assert_eq!(premises.charged(), 15_00);
    let voided = run.carry_out(Purpose::Void(sale, there));
    assert_eq!((voided.ending, why(&voided)), (Ending::Error, Some(ReasonKind::OriginalRefundedInPart)));
    let too_much = run.carry_out(Purpose::Refund(sale, Some(yuan(15_01))));
    assert_eq!((too_much.ending, why(&too_much)), (Ending::Error, Some(ReasonKind::MoreThanIsLeft)));
    assert_eq!(too_much.reason.unwrap().amount, Some(yuan(15_00)));
    let rest = run.carry_out(Purpose::Refund(sale, None));
    assert_eq!((done(&rest), rest.amount), (rest.trace.unwrap(), yuan(15_00)));
    assert_eq!(premises.charged(), 0);
    let nothing = run.carry_out(Purpose::Refund(sale, None));
    assert_eq!((nothing.ending, why(&nothing)), (Ending::Error, Some(ReasonKind::OriginalUsed)));

    let held = done(&run.carry_out(Purpose::PreAuthorisation(yuan(10_000))));
    assert_eq!((premises.charged(), premises.held()), (0, 10_000));
    let over = run.carry_out(Purpose::Completion(held, Some(yuan(11_501)), there));
    assert_eq!((over.ending, why(&over)), (Ending::Error, Some(ReasonKind::MoreThanIsLeft)));
    let completion = done(&run.carry_out(Purpose::Completion(held, Some(yuan(11_500)), there)));
    assert_eq!((premises.charged(), premises.held()), (11_500, 0));
    done(&run.carry_out(Purpose::Void(completion, there)));
    assert_eq!((premises.charged(), premises.held()), (0, 10_000));
    done(&run.carry_out(Purpose::Void(held, there)));
    assert_eq!((premises.charged(), premises.held()), (0, 0));

    let held = done(&run.carry_out(Purpose::PreAuthorisation(yuan(50_00))));
    let notice = run.carry_out(Purpose::CompletionNotice(held, Some(yuan(30_00))));
    assert_eq!((done(&notice), notice.kind), (notice.trace.unwrap(), Kind::CompletionNotice));
    assert_eq!((premises.charged(), premises.held()), (30_00, 0));
    // Topped up twice: what is completed, and what is let go, is the sum.
    let held = done(&run.carry_out(Purpose::PreAuthorisation(yuan(50_00))));
    let more = run.carry_out(Purpose::TopUp(held, yuan(20_00)));
    assert_eq!((more.kind, more.original, more.amount), (Kind::PreAuthorisationTopUp, Some(held), yuan(20_00)));
    let more = done(&more);
    done(&run.carry_out(Purpose::TopUp(held, yuan(30_00))));
    assert_eq!((premises.charged(), premises.held()), (30_00, 10_000));
    let alone = run.carry_out(Purpose::Void(more, there));
    assert_eq!((alone.ending, why(&alone)), (Ending::Error, Some(ReasonKind::NotForThisKind)));
    let over = run.carry_out(Purpose::Completion(held, Some(yuan(11_501)), there));
    assert_eq!((over.ending, why(&over)), (Ending::Error, Some(ReasonKind::MoreThanIsLeft)));
    let completion = run.carry_out(Purpose::Completion(held, None, there));
    assert_eq!((done(&completion), completion.amount), (completion.trace.unwrap(), yuan(10_000)));
    assert_eq!((premises.charged(), premises.held()), (13_000, 0));
    let late = run.carry_out(Purpose::TopUp(held, yuan(1_00)));
    assert_eq!((late.ending, why(&late)), (Ending::Error, Some(ReasonKind::OriginalUsed)));
    done(&run.carry_out(Purpose::Void(completion.trace.unwrap(), there)));
    done(&run.carry_out(Purpose::TopUp(held, yuan(5_00))));
    assert_eq!((premises.charged(), premises.held()), (30_00, 10_500));
    let void = run.carry_out(Purpose::Void(held, there));
    assert_eq!((done(&void), void.amount), (void.trace.unwrap(), yuan(10_500)));
    assert_eq!((premises.charged(), premises.held()), (30_00, 0));
    let late = run.carry_out(Purpose::TopUp(held, yuan(1_00)));
    assert_eq!((late.ending, why(&late)), (Ending::Error, Some(ReasonKind::OriginalUsed)));

    let kept = done(&run.carry_out(Purpose::PreAuthorisation(yuan(70_00))));
    assert_eq!(done(&run.carry_out(Purpose::Void(kept, Presence::CardAway))), run_last(&terminal));
    let balance = run.carry_out(Purpose::Balance(Currency::CNY));
    assert_eq!((balance.ending, balance.kind), (Ending::Approved, Kind::Balance));

    until_told(&terminal);
    let rows = terminal.books().rows();
    let entries = premises.host.ledger().unwrap();
    assert_eq!(disagreements(&rows, &entries, premises.charged()), Vec::<String>::new());
    assert_eq!(not_told(&rows, &premises.host.advices().unwrap()), Vec::<String>::new());
    assert!(rows.iter().all(|row| row.state == State::Approved), "{rows:?}");
}

/// The newest row.
fn run_last(terminal: &crate::terminal::Terminal) -> TraceNumber {
    terminal.books().rows().last().unwrap().trace
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    kind: Kind,
    fault: Fault,
    power: Power,
}

/// Has one cell happen; gives what is not as it should be.
fn play(cell: Cell) -> Vec<String> {
    let Cell { kind, fault, power } = cell;
    let premises = Premises::new();
    let proxy = MessageProxy::start(premises.host.address, &premises.pki(), &premises.kit());
    let terminal = premises.terminal(proxy.url());
    proxy.tell(fault_proxy::Kind::NoSale, nth(kind), fault);
    let mut problems = Vec::new();
    let run = match power {
        Power::Running => {
            let run = Act::Do(kind).carry_out(&terminal);
            if !proxy.moment().wait(1, LIMIT) {
                problems.push("the fault never struck".to_owned());
            }
            run
        }
        Power::Killed => {
            let process = Arc::new(Mutex::new(None));
            let victim = Arc::clone(&process);
            let mut held = process.lock().unwrap();
            proxy.moment().then(move || drop(victim.lock().unwrap().take()));
            *held = Some(terminal.start_elsewhere(Act::Do(kind)));
            drop(held);
            if !proxy.moment().wait(1, LIMIT) {
                problems.push("the fault never struck".to_owned());
            }
            drop(process.lock().unwrap().take());
            Some(terminal.start())
        }
    };
    let over = |row: &TransactionRow| {
        matches!(row.state, State::Approved | State::Declined | State::Reversed | State::Unresolved)
    };
    let (mut books, end) = (terminal.books(), Instant::now() + LIMIT);
    let at_least = nth(kind).max(if matches!(kind, Kind::Void | Kind::Refund) { 2 } else { 1 });
    while !(books.rows().len() >= at_least && books.rows().iter().all(over) && books.advices().is_empty()) {
        if Instant::now() > end {
            problems.push("it never came to rest".to_owned());
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(run);
    proxy.release();
    let (rows, entries) = (books.rows(), premises.host.ledger().unwrap());
    problems.extend(disagreements(&rows, &entries, premises.charged()));
    problems.extend(not_told(&rows, &premises.host.advices().unwrap()));
    let last = rows.last().filter(|row| row.kind == kind);
    let right = last.is_some_and(|row| match kind.if_unknown() {
        IfUnknown::Repeated => matches!(row.state, State::Approved | State::Declined),
        _ => matches!(row.state, State::Approved | State::Declined | State::Reversed),
    });
    if !right {
        problems.push(format!("it stands at {:?}", last.map(|row| row.state)));
    }
    if !problems.is_empty() {
        problems.push(terminal.last_words());
    }
    problems
}

/// The keys of card numbers go when a terminal is enrolled anew: nothing of it stands in the way of what comes later.
#[test]
fn a_refund_that_cannot_be_sent_again_is_for_a_person_and_holds_nothing_up() {
    let premises = Premises::new();
    let proxy = MessageProxy::start(premises.host.address, &premises.pki(), &premises.kit());
    let terminal = premises.terminal(proxy.url());
    proxy.tell(fault_proxy::Kind::NoSale, 1, Fault::Lost);
    let process = Arc::new(Mutex::new(None));
    let victim = Arc::clone(&process);
    let mut held = process.lock().unwrap();
    proxy.moment().then(move || drop(victim.lock().unwrap().take()));
    *held = Some(terminal.start_elsewhere(Act::Do(Kind::Refund)));
    drop(held);
    assert!(proxy.moment().wait(1, LIMIT));
    drop(process.lock().unwrap().take());
    terminal.forget_card_numbers();

    let mut run = terminal.start();
    done(&run.pay(3_00));
    until_told(&terminal);
    let rows = terminal.books().rows();
    let refund = rows.iter().find(|row| row.kind == Kind::Refund).unwrap();
    assert_eq!(refund.state, State::Unresolved);
    assert_eq!(run.until_alarm(), ReasonKind::RepeatExhausted);
    assert_eq!(not_told(&rows, &premises.host.advices().unwrap()), Vec::<String>::new());
}

fn play_all(cells: Vec<Cell>) {
    let (all, began) = (cells.len(), Instant::now());
    let (left, wrong) = (Mutex::new(cells), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                while let Some(cell) = { left.lock().unwrap().pop() } {
                    let problems = play(cell);
                    if !problems.is_empty() {
                        let _ = writeln!(wrong.lock().unwrap(), "{cell:?}: {}", problems.join("; "));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "of {all} cells, in {:.0} s:\n{wrong}", began.elapsed().as_secs_f64());
}

fn cells(kinds: &[Kind], powers: &[Power]) -> Vec<Cell> {
    let faults = || FAULTS.iter().flat_map(|(_, variants)| variants.iter()).map(|(_, trouble)| *trouble);
    let mut cells = Vec::new();
    for kind in kinds {
        for trouble in faults() {
            let Trouble::Told(fault) = trouble else { continue };
            // There is no older answer of such a message.
            if fault == Fault::OlderAnswer && nth(*kind) == 1 {
                continue;
            }
            cells.extend(powers.iter().map(|power| Cell { kind: *kind, fault, power: *power }));
        }
    }
    cells
}

/// Of the others, which are taken back as a sale is, the long one tells.
#[test]
fn refunds_survive_every_fault_of_the_line() {
    play_all(cells(&[Kind::Refund], &[Power::Running]));
}

#[test]
#[ignore = "takes minutes"]
fn whatever_is_done_with_a_card_survives_every_fault_and_a_power_cut_with_it() {
    play_all(cells(&ASKING, &[Power::Running, Power::Killed]));
}
