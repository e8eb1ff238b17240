//! The life of a payment's row, against the table in `payment/record.rs`: what the ledger's operations make of a row, and
//! what its own rules let anybody make of one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::entries::without_chip;
use super::*;
use crate::payment::online::LateApproval;
use crate::payment::queue::{Act, Deed};
use crate::payment::tables::{Transition, differences, documented};
use crate::payment::transaction::IfUnknown;

/// What can happen to a row: event and record in the words of the table, and the ledger's operation.
type Operation = (&'static str, &'static str, fn(&mut Ledger, TraceNumber, Kind) -> Result<(), LedgerError>);

const OPERATIONS: [Operation; 18] = [
    ("the request is about to leave", "Pending", |ledger, trace, kind| {
        // Nothing of it leaves.
        if kind == Kind::OfflineSale {
            return Err(LedgerError::NoSuchRow(trace));
        }
        let record = begun(ledger, kind);
        ledger.record(trace, &record)
    }),
    // That of a card without its chip.
    ("the request is about to leave", "Pending", |ledger, trace, kind| match kind {
        Kind::Sale => ledger.record(trace, &Record::Pending(Box::new(without_chip(kind, EntryMode::Stripe)))),
        _ => Err(LedgerError::NoSuchRow(trace)),
    }),
    ("the host approves", "HostApproved", |ledger, trace, _| {
        let Record::HostApproved { response_code, rrn, authorisation_code, .. } = host_approved() else {
            panic!("it is")
        };
        let part = Amount::new(1000, Currency::CNY).ok();
        ledger.record(trace, &Record::HostApproved { response_code, rrn, authorisation_code, part, plan: None })
    }),
    ("the host approves", "HostApproved", |ledger, trace, _| ledger.record(trace, &host_approved())),
    ("its purchase is given up", "", |ledger, trace, _| match ledger.open_purchase()? {
        Some(purchase) if purchase.part(trace).is_some() => ledger.give_up_purchase(noon()).map(|_| ()),
        _ => Err(LedgerError::NoSuchRow(trace)),
    }),
    ("the host refuses or is not asked", "NotPaid", |ledger, trace, _| {
        ledger.record(trace, &Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None, rrn: None })
    }),
    ("only a person can tell", "Unresolved", |ledger, trace, _| {
        ledger.record(trace, &Record::Unresolved { reason: ReasonKind::HostAnswerRefused, response_code: None })
    }),
    ("it may be charged and is not wanted", "ReversalDue", |ledger, trace, _| {
        let (reversal_reason, reason) = (ReversalReason::NoAnswer, ReasonKind::HostSilent);
        let chip_data = Vec::new();
        ledger.record(trace, &Record::ReversalDue { reversal_reason, reason, authorisation_code: None, chip_data })
    }),
    ("it may be done and nothing can take it back", "RepeatDue", |ledger, trace, _| {
        ledger.record(trace, &Record::RepeatDue { reason: ReasonKind::HostSilent })
    }),
    ("the card approves", "Approved", |ledger, trace, _| ledger.record(trace, &approved())),
    ("no chip has to approve", "PaidWithoutChip", |ledger, trace, _| {
        ledger.record(trace, &Record::PaidWithoutChip { signature: true })
    }),
    ("nobody else has to approve", "Done", |ledger, trace, _| ledger.record(trace, &Record::Done)),
    ("the card approves by itself", "ApprovedByCard", |ledger, trace, kind| match kind {
        Kind::OfflineSale => ledger.record(trace, &sold_offline(1234)),
        _ => Err(LedgerError::NoSuchRow(trace)),
    }),
    ("its bank does not pay it", "", |ledger, trace, _| {
        ledger.park(EntryId::OfflineSale(trace), ResponseCode::parse("51").ok().as_ref())
    }),
    ("the host has taken it back", "", |ledger, trace, _| ledger.done(EntryId::Reversal(trace))),
    ("all tries are used up", "", |ledger, trace, kind| {
        ledger.park(if repeated(kind) { EntryId::Repeat(trace) } else { EntryId::Reversal(trace) }, None)
    }),
    ("a person has it tried again", "", |ledger, trace, _| {
        let deed = Deed { act: Act::Retry, by: "王五".to_owned(), note: "银行说再试".to_owned(), at: noon() };
        ledger.decide(trace, &deed).map(|_| ())
    }),
    ("an approval comes too late", "", |ledger, trace, _| {
        let response_code = ResponseCode::parse("00").unwrap();
        let late = LateApproval { trace, response_code, rrn: None, authorisation_code: None };
        ledger.note_late_approval(&late, noon()).map(|_| ())
    }),
];

/// One of each: whose card has the last word, what is taken back without it, what is sent again, what its card approves alone.
const KINDS: [Kind; 4] = [Kind::Sale, Kind::Void, Kind::Refund, Kind::OfflineSale];

fn repeated(kind: Kind) -> bool {
    kind.if_unknown() == IfUnknown::Repeated
}

/// What refers to something refers to a sale of its own.
fn begun(ledger: &mut Ledger, kind: Kind) -> Record {
    match kind {
        Kind::Sale => return pending(1234),
        Kind::OfflineSale => return sold_offline(1234),
        _ => {}
    }
    let original = paid(ledger, approved());
    about(ledger, kind, original, 1234)
}

fn noon() -> jiff::civil::DateTime {
    date(2026, 11, 22).at(12, 0, 0, 0)
}

fn states(kind: Kind) -> impl Iterator<Item = State> {
    State::ALL.into_iter().filter(move |state| state.may_be_of(kind))
}

fn state_of(ledger: &Ledger, trace: TraceNumber) -> Option<State> {
    ledger.find(trace).unwrap().map(|row| row.state)
}

#[test]
fn the_table_says_what_the_ledger_makes_of_a_row_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let mut made = BTreeSet::new();
    for kind in KINDS {
        let mut known = BTreeSet::new();
        let mut histories: VecDeque<Vec<usize>> = VecDeque::from([Vec::new()]);
        while let Some(history) = histories.pop_front() {
            for (index, (event, recorded, operate)) in OPERATIONS.iter().enumerate() {
                // What another history left open stands in the way of this one.
                let _ = ledger.give_up_purchase(noon());
                let trace = ledger.take_trace_number().unwrap();
                for earlier in &history {
                    OPERATIONS[*earlier].2(&mut ledger, trace, kind).unwrap();
                }
                let before = state_of(&ledger, trace);
                // What does not fit the row is refused or does nothing.
                let refused = operate(&mut ledger, trace, kind).is_err();
                let after = state_of(&ledger, trace);
                let (Some(next), true) = (after, before != after) else { continue };
                assert!(!refused, "{event} is refused and changes the row all the same");
                made.insert(Transition {
                    state: before.map_or("no row", State::word).to_owned(),
                    event: (*event).to_owned(),
                    next: next.word().to_owned(),
                    recorded: (*recorded).to_owned(),
                    way: String::new(),
                });
                // What came to a state in another way, or began in another way, may go on in another way.
                if known.insert((next.word(), index, history.first().copied().unwrap_or(index))) {
                    histories.push_back(history.iter().copied().chain([index]).collect());
                }
            }
        }
        let reached: BTreeSet<_> = known.into_iter().map(|(state, ..)| state).collect();
        assert_eq!(reached, states(kind).map(State::word).collect(), "{kind:?}: every state is reached");
    }
    let differences = differences(&documented(include_str!("../../payment/record.rs"), &[]), &made);
    assert!(differences.is_empty(), "\n{differences}");
}

/// Behind the program's back, with everything that the columns of a state ask for.
fn force(ledger: &Ledger, trace: TraceNumber, kind: Kind, state: State) -> rusqlite::Result<usize> {
    let keeps_chip_data = !matches!(state, State::Approved | State::Declined | State::Reversed);
    ledger.connection.execute(
        "UPDATE transactions SET state = ?1, chip_data = ?2, cryptogram = ?4, tvr = '00', tsi = '00', atc = '00',
             signature = 0, reason = 'host_silent', reversal_reason = ?5
         WHERE stan = ?3",
        params![
            state.word(),
            keeps_chip_data.then_some(&[0_u8; 0][..]),
            trace.stan.number(),
            matches!(kind, Kind::Sale | Kind::OfflineSale).then_some("00"),
            (!repeated(kind)).then_some("98"),
        ],
    )
}

/// Behind the program's back: it pays a part of a purchase that nobody pays to its end.
fn give_up_purchase_of(ledger: &Ledger, trace: TraceNumber) {
    let number = i64::from(trace.stan.number());
    for sql in [
        "INSERT INTO purchases (number, merchant_code, terminal_number, due, currency, opened_at, state)
             SELECT stan, merchant_code, terminal_number, 99999, currency, at, 'open' FROM transactions WHERE stan = ?1",
        "INSERT INTO purchase_parts (purchase, position, kind, transaction_id) SELECT stan, 1, 'card', id FROM transactions WHERE stan = ?1",
        "UPDATE purchases SET state = 'given_up', ended_at = opened_at, slip = 'due' WHERE number = ?1",
    ] {
        ledger.connection.execute(sql, [number]).unwrap();
    }
}

fn first_of(kind: Kind) -> State {
    State::FIRST.into_iter().find(|state| state.may_be_of(kind)).unwrap()
}

/// How a row comes from its first state to each other one.
fn ways(kind: Kind) -> BTreeMap<&'static str, Vec<State>> {
    let first = first_of(kind);
    let mut ways = BTreeMap::from([(first.word(), Vec::new())]);
    let mut open = VecDeque::from([first]);
    while let Some(from) = open.pop_front() {
        for next in states(kind).filter(|next| from.may_become(*next)) {
            if !ways.contains_key(next.word()) {
                let way = ways[from.word()].iter().copied().chain([next]).collect();
                ways.insert(next.word(), way);
                open.push_back(next);
            }
        }
    }
    ways
}

#[test]
fn the_ledgers_own_rules_let_the_same_states_follow_as_the_code() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    for kind in KINDS {
        let ways = ways(kind);
        assert_eq!(ways.len(), states(kind).count());
        for from in states(kind) {
            for to in State::ALL {
                let trace = ledger.take_trace_number().unwrap();
                let record = begun(&mut ledger, kind);
                ledger.record(trace, &record).unwrap();
                for step in &ways[from.word()] {
                    force(&ledger, trace, kind, *step).unwrap();
                }
                // What nobody but its card has approved alone goes between the two.
                let of_offline_sale =
                    matches!((from, to), (State::Approved, State::Unresolved) | (State::Unresolved, State::Approved));
                let follows =
                    from.may_become(to) && to.may_be_of(kind) && (!of_offline_sale || kind == Kind::OfflineSale);
                if (from, to) == (State::Approved, State::ReversalDue) && follows {
                    assert!(
                        force(&ledger, trace, kind, to).is_err(),
                        "{kind:?}: it is part of nothing that is given up"
                    );
                    give_up_purchase_of(&ledger, trace);
                }
                let allowed = force(&ledger, trace, kind, to);
                assert_eq!(allowed.is_ok(), follows, "{kind:?}, {} to {}: {allowed:?}", from.word(), to.word());
                assert_eq!(state_of(&ledger, trace), Some(if follows { to } else { from }));
            }
        }
    }
}

#[test]
fn a_row_begins_before_its_request_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, &pending(1234)).unwrap();
    for state in State::ALL {
        let number = ledger.take_trace_number().unwrap().stan.number();
        let keeps_chip_data = !matches!(state, State::Approved | State::Declined | State::Reversed);
        let inserted = ledger.connection.execute(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at,
                 entry, truncated_pan, aid, application_label, chip_data, cryptogram, tvr, signature, reason, reversal_reason)
             SELECT merchant_code, terminal_number, batch, ?1, kind, ?2, amount, currency, at, entry, truncated_pan, aid,
                 application_label, ?3, '00', '00', 0, 'host_silent', '98' FROM transactions WHERE stan = ?4",
            params![number, state.word(), keeps_chip_data.then_some(&[0_u8; 0][..]), trace.stan.number()],
        );
        assert_eq!(inserted.is_ok(), state == State::Pending, "{}: {inserted:?}", state.word());
    }
}
