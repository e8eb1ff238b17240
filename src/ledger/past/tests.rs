use std::sync::Arc;

use super::*;
use crate::card_number::Pan;
use crate::ledger::tests::{about, approved, approved_of, done_about, host_approved, keeping, number, open, paid};
use crate::money::Currency;
use crate::payment::online::{EntryMode, ReversalReason};
use crate::payment::queue::{Act, Deed, EntryId};
use crate::payment::record::Record;
use crate::reference::Batch;
use crate::vault::SecureElement;
use crate::vault::software::SoftwareVault;
use crate::wording::ReasonKind;

fn begin(ledger: &mut Ledger, record: &Record) -> Result<TraceNumber, LedgerError> {
    let trace = ledger.take_trace_number().unwrap();
    ledger.record(trace, record).map(|()| trace)
}

fn of(ledger: &Ledger, trace: TraceNumber) -> Past {
    ledger.past(trace).unwrap().unwrap()
}

fn not_paid() -> Record {
    Record::NotPaid { reason: ReasonKind::HostDeclined, response_code: None, rrn: None }
}

fn unresolved() -> Record {
    Record::Unresolved { reason: ReasonKind::HostAnswerRefused, response_code: None }
}

fn taken_back() -> Record {
    let (reversal_reason, reason) = (ReversalReason::NoAnswer, ReasonKind::HostSilent);
    Record::ReversalDue { reversal_reason, reason, authorisation_code: None, chip_data: Vec::new() }
}

fn says(ledger: &mut Ledger, trace: TraceNumber, resolution: Resolution) {
    let at = jiff::civil::date(2026, 11, 22).at(12, 0, 0, 0);
    let deed = Deed { act: Act::Resolve(resolution), by: "王五".to_owned(), note: "银行说".to_owned(), at };
    ledger.decide(trace, &deed).unwrap();
}

#[test]
fn an_earlier_transaction_is_given_with_all_that_a_message_names_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = paid(&mut ledger, approved());
    let row = ledger.find(trace).unwrap().unwrap();
    let original = Original {
        trace,
        at: row.at,
        amount: row.amount,
        rrn: row.rrn,
        authorisation_code: row.authorisation_code,
        pan: KnownPan::Whole(number()),
        periods: None,
    };
    let given_back = Amount::zero(Currency::CNY);
    assert_eq!(
        of(&ledger, trace),
        Past {
            kind: Kind::Sale,
            state: State::Approved,
            original,
            given_back,
            used: false,
            told: true,
            topped_up: given_back,
            top_up_open: false
        }
    );
    let nobodys = ledger.take_trace_number().unwrap();
    assert_eq!(ledger.past(nobodys).unwrap(), None);
}

#[test]
fn of_a_settled_batch_only_the_ends_of_a_card_number_are_left() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let trace = paid(&mut ledger, approved());
    ledger.signed_on(Batch::new(2).ok(), jiff::civil::date(2026, 11, 23).at(8, 0, 0, 0)).unwrap();
    assert_eq!(ledger.destroy_number_keys().unwrap(), 1);
    let pan = of(&ledger, trace).original.pan;
    assert_eq!(pan, KnownPan::Truncated(number().truncated()));
    // It is given back all the same: the refund brings the number of the card that is there.
    let refund = about(&ledger, Kind::Refund, trace, 1234);
    let refund = begin(&mut ledger, &refund).unwrap();
    assert_eq!(ledger.pan(refund).unwrap(), Some(number()));
}

#[test]
fn what_goes_back_counts_until_it_is_declined_for_certain() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let again = || Record::RepeatDue { reason: ReasonKind::HostSilent };
    let histories: [(&[Record], Option<Resolution>, u64); 8] = [
        (&[], None, 100),
        (&[host_approved()], None, 100),
        (&[host_approved(), Record::Done], None, 100),
        (&[again()], None, 100),
        (&[not_paid()], None, 0),
        (&[unresolved()], None, 100),
        (&[unresolved()], Some(Resolution::Charged), 100),
        (&[unresolved()], Some(Resolution::Reversed), 0),
    ];
    for (records, said, counts) in histories {
        let sale = paid(&mut ledger, approved());
        let refund = about(&ledger, Kind::Refund, sale, 100);
        let refund = begin(&mut ledger, &refund).unwrap();
        for record in records {
            ledger.record(refund, record).unwrap();
        }
        if let Some(said) = said {
            says(&mut ledger, refund, said);
        }
        let past = of(&ledger, sale);
        assert_eq!((past.given_back.minor(), past.used), (counts, false), "{records:?} {said:?}");
    }
}

#[test]
fn what_was_voided_or_completed_is_used_until_that_is_taken_back_for_certain() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    for (original, kind) in [(Kind::Sale, Kind::Void), (Kind::PreAuthorisation, Kind::Completion)] {
        let histories: [(&[Record], bool, Option<Resolution>, bool); 8] = [
            (&[], false, None, true),
            (&[host_approved(), Record::Done], false, None, true),
            (&[not_paid()], false, None, false),
            (&[taken_back()], false, None, true),
            (&[taken_back()], true, None, false),
            (&[unresolved()], false, None, true),
            (&[unresolved()], false, Some(Resolution::Charged), true),
            (&[unresolved()], false, Some(Resolution::Reversed), false),
        ];
        for (records, reversed, said, used) in histories {
            let trace = approved_of(&mut ledger, original, 1234);
            let record = about(&ledger, kind, trace, 1234);
            let later = begin(&mut ledger, &record).unwrap();
            for record in records {
                ledger.record(later, record).unwrap();
            }
            if reversed {
                ledger.done(EntryId::Reversal(later)).unwrap();
            }
            if let Some(said) = said {
                says(&mut ledger, later, said);
            }
            let past = of(&ledger, trace);
            assert_eq!((past.used, past.given_back.minor()), (used, 0), "{kind:?} {records:?} {said:?}");
            let record = about(&ledger, kind, trace, 1234);
            let again = begin(&mut ledger, &record);
            assert_eq!(again.is_ok(), !used, "{kind:?} {records:?} {said:?}");
            assert!(
                again.is_ok() || matches!(again, Err(LedgerError::NotPossible(NotPossible::Used(of))) if of == trace)
            );
        }
    }
}

#[test]
fn what_was_set_aside_can_be_completed_again_once_its_completion_is_voided_for_certain() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let held = approved_of(&mut ledger, Kind::PreAuthorisation, 1234);
    let completion = done_about(&mut ledger, Kind::Completion, held, 1234);
    let record = about(&ledger, Kind::CompletionVoid, completion, 1234);
    let void = begin(&mut ledger, &record).unwrap();
    assert!(of(&ledger, held).used, "nobody knows yet");
    ledger.record(void, &host_approved()).unwrap();
    ledger.record(void, &Record::Done).unwrap();
    assert!(!of(&ledger, held).used);
    assert!(of(&ledger, completion).used);
    done_about(&mut ledger, Kind::Completion, held, 1000);
    assert!(of(&ledger, held).used, "by another one");
}

/// What is recorded of a top-up, whether its reversal is done, what a person says, how much it adds then, and whether it is open.
type History<'a> = (&'a [Record], bool, Option<Resolution>, u64, bool);

#[test]
fn what_tops_up_counts_once_it_is_known_to_hold_and_until_then_nothing_goes_as_a_whole() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let histories: [History<'_>; 9] = [
        (&[], false, None, 0, true),
        (&[host_approved()], false, None, 0, true),
        (&[host_approved(), approved()], false, None, 300, false),
        (&[not_paid()], false, None, 0, false),
        (&[taken_back()], false, None, 0, true),
        (&[taken_back()], true, None, 0, false),
        (&[unresolved()], false, None, 0, true),
        (&[unresolved()], false, Some(Resolution::Charged), 300, false),
        (&[unresolved()], false, Some(Resolution::Reversed), 0, false),
    ];
    for (records, reversed, said, adds, open) in histories {
        let held = approved_of(&mut ledger, Kind::PreAuthorisation, 1000);
        // Another one stands beside it.
        done_about(&mut ledger, Kind::PreAuthorisationTopUp, held, 200);
        let record = about(&ledger, Kind::PreAuthorisationTopUp, held, 300);
        let more = begin(&mut ledger, &record).unwrap();
        for record in records {
            ledger.record(more, record).unwrap();
        }
        if reversed {
            ledger.done(EntryId::Reversal(more)).unwrap();
        }
        if let Some(said) = said {
            says(&mut ledger, more, said);
        }
        let past = of(&ledger, held);
        assert_eq!((past.used, past.given_back.minor()), (false, 0), "{records:?} {said:?}");
        assert_eq!((past.topped_up.minor(), past.top_up_open), (200 + adds, open), "{records:?} {said:?}");
        let all = 1200 + adds;
        assert_eq!(past.whole().minor(), all);
        let void = about(&ledger, Kind::PreAuthorisationVoid, held, all);
        let begun = begin(&mut ledger, &void);
        assert_eq!(begun.is_err(), open, "{begun:?}");
        if let Ok(void) = begun {
            ledger.record(void, &not_paid()).unwrap();
            let less = about(&ledger, Kind::PreAuthorisationVoid, held, all - 1);
            assert!(matches!(begin(&mut ledger, &less), Err(LedgerError::NotPossible(NotPossible::TooMuch { .. }))));
        } else {
            assert!(matches!(begun, Err(LedgerError::NotPossible(NotPossible::TopUpOpen(of))) if of == held));
        }
        // What is known can be paid, and then nothing is added any more.
        done_about(&mut ledger, Kind::Completion, held, all * 115 / 100);
        let late = about(&ledger, Kind::PreAuthorisationTopUp, held, 1);
        let refused = begin(&mut ledger, &late);
        assert!(matches!(refused, Err(LedgerError::NotPossible(NotPossible::Used(of))) if of == held), "{refused:?}");
    }
}

#[test]
fn a_top_up_is_a_row_of_its_own_in_whichever_batch_and_is_taken_back_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let held = approved_of(&mut ledger, Kind::PreAuthorisation, 1000);
    ledger.signed_on(Batch::new(2).ok(), jiff::civil::date(2026, 11, 23).at(8, 0, 0, 0)).unwrap();
    let more = done_about(&mut ledger, Kind::PreAuthorisationTopUp, held, 300);
    let row = ledger.find(more).unwrap().unwrap();
    assert_eq!((row.kind, row.original, row.state), (Kind::PreAuthorisationTopUp, Some(held), State::Approved));
    assert_eq!((row.trace.batch.number(), row.chip_data), (2, None));
    assert_eq!(row.cryptogram.as_deref(), Some("0102030405060708"), "the card has the last word");
    assert_eq!(ledger.copies_of(more).unwrap().len(), 2, "both slips");
    // What a power cut left behind.
    let record = about(&ledger, Kind::PreAuthorisationTopUp, held, 500);
    let cut = begin(&mut ledger, &record).unwrap();
    assert_eq!(
        Kind::PreAuthorisationTopUp.after_restart(State::Pending),
        Some(crate::payment::transaction::Resume::TakeBack)
    );
    ledger.record(cut, &taken_back()).unwrap();
    let request = ledger.find(cut).unwrap().unwrap().reversal_request().unwrap();
    assert_eq!((request.kind, request.trace), (Kind::PreAuthorisationTopUp, cut));
    ledger.done(EntryId::Reversal(cut)).unwrap();
    assert_eq!(of(&ledger, held).whole().minor(), 1300);
    // Of a settled batch the ends of the card number tell whether it is the same card.
    ledger.destroy_number_keys().unwrap();
    done_about(&mut ledger, Kind::PreAuthorisationTopUp, held, 100);
    assert_eq!(of(&ledger, held).whole().minor(), 1400);
}

#[test]
fn what_a_person_found_charged_can_be_refunded_and_what_was_found_reversed_cannot() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    for (said, state) in [
        (None, State::Unresolved),
        (Some(Resolution::Charged), State::Approved),
        (Some(Resolution::Reversed), State::Reversed),
    ] {
        let sale = ledger.take_trace_number().unwrap();
        ledger.record(sale, &crate::ledger::tests::pending(1234)).unwrap();
        ledger.record(sale, &unresolved()).unwrap();
        if let Some(said) = said {
            says(&mut ledger, sale, said);
        }
        assert_eq!(of(&ledger, sale).state, state);
        let refund = about(&ledger, Kind::Refund, sale, 1234);
        let begun = begin(&mut ledger, &refund);
        assert_eq!(begun.is_ok(), state == State::Approved, "{begun:?}");
        let refused = matches!(begun, Err(LedgerError::NotPossible(NotPossible::NotApproved { .. })));
        assert_eq!(refused, state != State::Approved);
    }
}

#[test]
fn two_programs_never_give_back_more_than_was_paid() {
    let directory = tempfile::tempdir().unwrap();
    let vault = SoftwareVault::in_memory();
    vault.make_storage_key().unwrap();
    let vault: Arc<dyn SecureElement> = Arc::new(vault);
    let mut ledger = open(directory.path()).keeping_numbers(Arc::clone(&vault));
    let sale = paid(&mut ledger, approved());
    // Both have looked before either begins.
    let refund = about(&ledger, Kind::Refund, sale, 300);
    let programs: Vec<_> = (0..3)
        .map(|_| {
            let (merchant, terminal) = (ledger.merchant_code.clone(), ledger.terminal_number.clone());
            let program = Ledger::open_beside(&directory.path().join("ledger.sqlite"), merchant, terminal).unwrap();
            let (mut program, refund) = (program.keeping_numbers(Arc::clone(&vault)), refund.clone());
            std::thread::spawn(move || {
                (0..4).filter_map(|_| begin(&mut program, &refund).err()).collect::<Vec<LedgerError>>()
            })
        })
        .collect();
    let refused: Vec<_> = programs.into_iter().flat_map(|program| program.join().unwrap()).collect();
    // 1234 are four times 300, and 34.
    assert_eq!(refused.len(), 8, "{refused:?}");
    for error in refused {
        assert!(
            matches!(error, LedgerError::NotPossible(NotPossible::TooMuch { most, .. }) if most.minor() == 34),
            "{error}"
        );
    }
    assert_eq!(of(&ledger, sale).given_back.minor(), 1200);
    let rest = about(&ledger, Kind::Refund, sale, 34);
    begin(&mut ledger, &rest).unwrap();
    let more = about(&ledger, Kind::Refund, sale, 1);
    assert!(begin(&mut ledger, &more).is_err());
}

#[test]
fn what_is_begun_is_what_can_be_done_with_its_original() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let (sale, held) = (paid(&mut ledger, approved()), approved_of(&mut ledger, Kind::PreAuthorisation, 1234));
    let held_and_paid = approved_of(&mut ledger, Kind::PreAuthorisation, 1234);
    let completion = done_about(&mut ledger, Kind::Completion, held_and_paid, 1300);
    for kind in Kind::ALL.into_iter().filter(|kind| ![Kind::OfflineSale, Kind::Balance].contains(kind)) {
        for (original, of) in [(sale, Kind::Sale), (held, Kind::PreAuthorisation), (completion, Kind::Completion)] {
            let minor = ledger.find(original).unwrap().unwrap().amount.minor();
            let record = about(&ledger, kind, original, minor);
            let trace = ledger.take_trace_number().unwrap();
            let begun = ledger.record(trace, &record);
            assert_eq!(begun.is_ok(), kind.may_refer_to(of), "{kind:?} of {of:?}: {begun:?}");
            if begun.is_ok() {
                let row = ledger.find(trace).unwrap().unwrap();
                assert_eq!((row.kind, row.original), (kind, Some(original)));
                assert_eq!(row.original_at, Some(ledger.find(original).unwrap().unwrap().at));
                ledger.record(trace, &not_paid()).unwrap();
            }
        }
    }
    // A void is of the whole and of this batch.
    let part = about(&ledger, Kind::Void, sale, 1233);
    assert!(matches!(begin(&mut ledger, &part), Err(LedgerError::NotPossible(NotPossible::TooMuch { .. }))));
    ledger.signed_on(Batch::new(2).ok(), jiff::civil::date(2026, 11, 23).at(8, 0, 0, 0)).unwrap();
    let late = about(&ledger, Kind::Void, sale, 1234);
    assert!(matches!(begin(&mut ledger, &late), Err(LedgerError::NotPossible(NotPossible::OtherBatch(_)))));
}

#[test]
fn the_ledgers_own_rules_take_nothing_that_refers_to_what_did_not_come_about() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let sale = paid(&mut ledger, approved());
    let declined = begin(&mut ledger, &crate::ledger::tests::pending(1234)).unwrap();
    ledger.record(declined, &not_paid()).unwrap();
    let insert = |ledger: &mut Ledger, kind: Kind, original: Option<(TraceNumber, &str)>| {
        let trace = ledger.take_trace_number().unwrap();
        let numbers = original.map(|(original, _)| (original.batch.number(), original.stan.number()));
        ledger.connection.execute(
            "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at, entry,
                 truncated_pan, aid, application_label, chip_data, sealed_pan, original_batch, original_stan, original_at)
             SELECT merchant_code, terminal_number, batch, ?1, ?2, 'pending', amount, currency, at, entry, truncated_pan, aid,
                 application_label, x'', sealed_pan, ?3, ?4, ?5 FROM transactions WHERE stan = ?6",
            params![
                trace.stan.number(),
                kind.word(),
                numbers.map(|(batch, _)| batch),
                numbers.map(|(_, stan)| stan),
                original.map(|(_, at)| at),
                sale.stan.number()
            ],
        )
    };
    let at = "2026-11-22T14:26:09";
    assert!(insert(&mut ledger, Kind::Refund, Some((declined, at))).is_err(), "it was not paid");
    assert!(insert(&mut ledger, Kind::Refund, Some((sale, "2026-11-22T14:26:10"))).is_err(), "of another time");
    assert!(insert(&mut ledger, Kind::Completion, Some((sale, at))).is_err(), "nothing was set aside");
    assert!(insert(&mut ledger, Kind::Refund, None).is_err(), "of nothing");
    assert!(insert(&mut ledger, Kind::Sale, Some((sale, at))).is_err(), "a sale refers to nothing");
    assert!(insert(&mut ledger, Kind::Balance, None).is_err(), "a question");
    assert_eq!(insert(&mut ledger, Kind::Refund, Some((sale, at))), Ok(1));
    for change in ["kind = 'void'", "original_stan = 7", "original_at = '2026-11-22T14:26:10'"] {
        let sql = format!("UPDATE transactions SET {change} WHERE kind = 'refund'");
        assert!(ledger.connection.execute(&sql, []).is_err(), "{change}");
    }
    let with_pin = "UPDATE transactions SET verification = 'online_pin' WHERE kind = 'refund'";
    assert!(ledger.connection.execute(with_pin, []).is_err(), "no PIN is kept");
}

#[test]
fn what_could_not_be_sent_again_is_not_begun() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = open(directory.path());
    let sale = paid(&mut ledger, approved());
    let refund = about(&ledger, Kind::Refund, sale, 1234);
    assert!(matches!(begin(&mut ledger, &refund), Err(LedgerError::NumberNotKept("refund"))));
    // What is taken back is named by its numbers.
    let void = about(&ledger, Kind::Void, sale, 1234);
    begin(&mut ledger, &void).unwrap();
}

#[test]
fn of_a_card_that_stays_away_the_original_says_what_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut ledger = keeping(directory.path());
    let held = approved_of(&mut ledger, Kind::PreAuthorisation, 1234);
    let Record::Pending(mut pending) = about(&ledger, Kind::CompletionNotice, held, 1300) else { panic!("it begins") };
    assert_eq!(pending.entry, EntryMode::NotRead);
    pending.aid = String::new();
    pending.application_label = String::new();
    pending.pan = Pan::of_digits(number().expose_digits()).unwrap().into();
    let notice = begin(&mut ledger, &Record::Pending(pending)).unwrap();
    let (held, notice) = (ledger.find(held).unwrap().unwrap(), ledger.find(notice).unwrap().unwrap());
    assert_eq!((notice.aid, notice.application_label), (held.aid, held.application_label));
    assert_eq!(notice.entry, EntryMode::NotRead);
}

#[test]
fn what_became_of_a_payment_is_found_by_its_index() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path());
    let mut statement = ledger.connection.prepare(&format!("EXPLAIN QUERY PLAN {SINCE}")).unwrap();
    let plan: Vec<String> =
        statement.query_map(params!["a", "b", 1, 2], |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    let by_original = "SEARCH t USING INDEX transactions_of_original \
                       (merchant_code=? AND terminal_number=? AND original_batch=? AND original_stan=?)";
    let (first, others) = plan.split_first().unwrap();
    assert_eq!(first, by_original);
    assert!(others.iter().all(|step| !step.starts_with("SCAN")), "{others:?}");
}
