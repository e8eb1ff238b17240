//! The tables of the module against the machine, and histories in which everything goes wrong.

mod histories;

use std::collections::{BTreeSet, VecDeque};

use jiff::civil::date;

use super::record::Pending;
use super::*;
use crate::link_fault::LinkFault;
use crate::money::Currency;
use crate::payment::online::Unreached;
use crate::payment::record::State;
use crate::payment::tables::{Transition, differences, documented, named};
use crate::reference::{Batch, Stan};

named! { state_of, every_state, Phase;
    Phase::Opened(Beginning::Pay(_)) => "opened to pay";
    Phase::Opened(Beginning::Order { .. }) => "opened to order";
    Phase::Opened(Beginning::Enquire) => "opened to enquire";
    Phase::Opened(Beginning::Cancel) => "opened to cancel";
    Phase::Asking { .. } => "asking";
    Phase::Waiting { .. } => "waiting";
    Phase::Enquiring { .. } => "enquiring";
    Phase::Cancelling(_) => "cancelling";
    Phase::WaitingToCancel(_) => "waiting to cancel";
    Phase::Ending => "ending";
    Phase::Over => "over";
}

named! { name_of, every_event, Event;
    Event::Begin => "begun", Event::Begin;
    Event::OrderOpen(_) => "order open", Event::OrderOpen("https://pay.example/1".to_owned());
    Event::Answered(Answer::Paid(_)) => "paid", Event::Answered(Answer::Paid(Paid::default()));
    Event::Answered(Answer::Refused(_)) => "refused", Event::Answered(Answer::Refused(code()));
    Event::Answered(Answer::NotYet) => "not yet", Event::Answered(Answer::NotYet);
    Event::Answered(Answer::NotKnown) => "not known", Event::Answered(Answer::NotKnown);
    Event::CancelAnswered(CancelAnswer::NeverPaid) => "never paid", Event::CancelAnswered(CancelAnswer::NeverPaid);
    Event::CancelAnswered(CancelAnswer::PaidBack) => "paid back", Event::CancelAnswered(CancelAnswer::PaidBack);
    Event::CancelAnswered(CancelAnswer::Refused(_)) => "cannot be cancelled",
        Event::CancelAnswered(CancelAnswer::Refused(code()));
    Event::CancelAnswered(CancelAnswer::NotKnown) => "cancel not known", Event::CancelAnswered(CancelAnswer::NotKnown);
    Event::LinkFailed(LinkFailure::NeverSent(_)) => "never sent",
        Event::LinkFailed(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "")));
    Event::LinkFailed(LinkFailure::Unsendable(_)) => "cannot be sent",
        Event::LinkFailed(LinkFailure::Unsendable(String::new()));
    Event::LinkFailed(LinkFailure::NoAnswer(_)) => "no answer", Event::LinkFailed(LinkFailure::NoAnswer(String::new()));
    Event::LinkFailed(LinkFailure::BadMac(_)) => "bad MAC", Event::LinkFailed(LinkFailure::BadMac(String::new()));
    Event::LinkFailed(LinkFailure::WrongAnswer(_)) => "wrong answer",
        Event::LinkFailed(LinkFailure::WrongAnswer(String::new()));
    Event::Withheld(_) => "kept back", Event::Withheld(Reason::of(ReasonKind::ClockFarOff));
    Event::PauseOver => "pause over", Event::PauseOver;
    Event::CodeExpired => "code expired", Event::CodeExpired;
    Event::GivenUp => "given up", Event::GivenUp;
    Event::RecordFailed(_) => "a record fails", Event::RecordFailed(String::new());
}

named! { end_of, every_end, Conclusion;
    Conclusion::Approved => "over: paid";
    Conclusion::Declined(_) => "over: declined";
    Conclusion::Failed(_) => "over: failed";
    Conclusion::TakenBack { .. } => "over: taken back";
    Conclusion::BeingTakenBack(_) => "over: being taken back";
    Conclusion::NotKnown(_) => "over: not known";
    Conclusion::Unresolved(_) => "over: a person must look";
}

named! { name_of_record, every_record, Record;
    Record::Pending(_) => "Pending", Record::Pending(Pending { amount: order().amount, at: order().at, scanned: None });
    Record::Paid(_) => "Paid", Record::Paid(Paid::default());
    Record::NotPaid { .. } => "NotPaid", Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None };
    Record::CancelDue { .. } => "CancelDue", Record::CancelDue { reason: ReasonKind::Cancelled };
    Record::Cancelled { .. } => "Cancelled", Record::Cancelled { paid_back: true };
    Record::LatePaid => "LatePaid", Record::LatePaid;
    Record::Unresolved { .. } => "Unresolved",
        Record::Unresolved { reason: ReasonKind::ReversalExhausted, response_code: None };
}

fn code() -> ResponseCode {
    ResponseCode::parse("05").unwrap()
}

fn order() -> Order {
    Order {
        trace: TraceNumber { batch: Batch::FIRST, stan: Stan::FIRST },
        amount: Amount::parse("12.34", Currency::CNY).unwrap(),
        at: date(2026, 11, 22).at(14, 26, 9, 0),
    }
}

fn schedule() -> Schedule {
    Schedule { enquiries_s: vec![2, 3], cancels_s: vec![5] }
}

/// A beginning, and the row that is there already.
fn beginnings(schedule: &Schedule) -> [(CodePayment, Option<State>); 4] {
    let new = |way| CodePayment::new(order(), way, schedule.clone());
    let resumed = |row| CodePayment::resumed(order(), Resume::of(row).unwrap(), schedule.clone());
    [
        (new(Way::Scanned(PaymentCode::parse("281234567890123456").unwrap())), None),
        (new(Way::Shown { valid_s: 120 }), None),
        (resumed(State::Pending), Some(State::Pending)),
        (resumed(State::ReversalDue), Some(State::ReversalDue)),
    ]
}

/// A payment after a history, what it wanted last, and where its row stands.
struct Played {
    payment: CodePayment,
    last: Vec<Effect>,
    row: Option<State>,
}

fn play(beginning: usize, schedule: &Schedule, history: &[Event]) -> Played {
    let [(payment, row), ..] = {
        let mut all = beginnings(schedule);
        all.rotate_left(beginning);
        all
    };
    let mut played = Played { payment, last: Vec::new(), row };
    for (index, event) in history.iter().enumerate() {
        played.last = played.payment.step(event.clone());
        let fails = matches!(history.get(index + 1), Some(Event::RecordFailed(_)));
        for effect in &played.last {
            match effect {
                // What stands behind a record that fails is not done.
                Effect::Record(_) if fails => break,
                Effect::Record(record) => {
                    assert!(record.fits(played.row), "{record:?} into {:?}: {history:?}", played.row);
                    played.row = record.leads_to().or(played.row);
                }
                Effect::Send(request) => {
                    let due = match request {
                        Request::Pay(..) | Request::Open(..) | Request::Enquire(_) => State::Pending,
                        Request::Cancel(_) => State::ReversalDue,
                    };
                    assert_eq!(played.row, Some(due), "sent before it was written down: {history:?}");
                }
                Effect::Show(_) | Effect::Wait(_) | Effect::Conclude(_) => {}
            }
        }
    }
    played
}

impl Played {
    fn writes(&self) -> bool {
        self.last.iter().any(|effect| matches!(effect, Effect::Record(_)))
    }

    fn end(&self) -> Option<&'static str> {
        self.last.iter().find_map(|effect| match effect {
            Effect::Conclude(conclusion) => Some(end_of(conclusion)),
            Effect::Show(_) | Effect::Record(_) | Effect::Send(_) | Effect::Wait(_) => None,
        })
    }

    fn recorded(&self) -> String {
        let names = self.last.iter().filter_map(|effect| match effect {
            Effect::Record(record) => Some(name_of_record(record)),
            Effect::Send(_) => Some("sent"),
            Effect::Show(_) | Effect::Wait(_) | Effect::Conclude(_) => None,
        });
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Everything that can happen.
fn transitions() -> (BTreeSet<Transition>, BTreeSet<&'static str>) {
    let (mut made, mut reached) = (BTreeSet::new(), BTreeSet::new());
    for schedule in [schedule(), Schedule::default()] {
        for beginning in 0..4 {
            let mut known = BTreeSet::new();
            let mut open = VecDeque::from([Vec::new()]);
            while let Some(history) = open.pop_front() {
                let played = play(beginning, &schedule, &history);
                if !known.insert(format!("{:?} {} {:?}", played.payment.phase, played.writes(), played.end())) {
                    continue;
                }
                let state = state_of(&played.payment.phase);
                reached.insert(state);
                for event in every_event().into_iter().flat_map(|(_, examples)| examples) {
                    // Only what was to be written can fail to be.
                    if matches!(event, Event::RecordFailed(_)) && !played.writes() {
                        continue;
                    }
                    let next = [&history[..], std::slice::from_ref(&event)].concat();
                    let after = play(beginning, &schedule, &next);
                    let event = name_of(&event);
                    if after.last.is_empty() {
                        assert_eq!(state, state_of(&after.payment.phase), "{event} changes the state and nothing else");
                        // It may be remembered all the same.
                        open.push_back(next);
                        continue;
                    }
                    assert!(played.end().is_none() || event == "a record fails", "{event} after the end, in {state}");
                    made.insert(Transition {
                        state: state.to_owned(),
                        event: event.to_owned(),
                        next: after.end().unwrap_or_else(|| state_of(&after.payment.phase)).to_owned(),
                        recorded: after.recorded(),
                        way: String::new(),
                    });
                    open.push_back(next);
                }
            }
        }
    }
    (made, reached)
}

#[test]
fn the_table_says_what_the_machine_does_and_nothing_else() {
    let (made, reached) = transitions();
    assert_eq!(reached, every_state().into_iter().map(|(name, _)| name).collect(), "every state is reached");
    let differences = differences(&documented(include_str!("mod.rs"), &[]), &made);
    assert!(differences.is_empty(), "\n{differences}");
}

#[test]
fn the_table_of_rows_says_which_record_fits_where() {
    let word = |row: Option<State>| row.map_or("no row", State::word).to_owned();
    let rows = || std::iter::once(None).chain(State::ALL.map(Some));
    let fits: BTreeSet<_> = every_record()
        .into_iter()
        .flat_map(|(name, examples)| examples.into_iter().map(move |record| (name, record)))
        .flat_map(|(name, record)| rows().map(move |row| (name, record.clone(), row)))
        .filter(|(_, record, row)| record.fits(*row) && record.leads_to().is_some())
        .map(|(name, record, row)| (word(row), word(record.leads_to()), name.to_owned()))
        .collect();
    let table = documented(include_str!("record.rs"), &[]);
    let table: BTreeSet<_> = table.into_iter().map(|line| (line.state, line.next, line.recorded)).collect();
    assert_eq!(table, fits);
}
