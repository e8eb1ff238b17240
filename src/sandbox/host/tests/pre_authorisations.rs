//! Money that is set aside, paid, and let go.

use super::desk::Desk;
use super::*;

#[test]
fn what_is_set_aside_cannot_be_spent_and_is_not_paid() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    assert_eq!((hold.code(), desk.balance(), desk.held()), ("00", BALANCE, 1000));
    assert!(hold.decision.issuer_data.is_some(), "the card is answered as in a sale");
    assert_eq!(desk.ask(Kind::Sale, 2, BALANCE - 999, None).code(), "51");
    assert_eq!(desk.ask(Kind::PreAuthorisation, 3, BALANCE - 999, None).code(), "51");
    assert_eq!(desk.ask(Kind::Sale, 4, BALANCE - 1000, None).code(), "00");
    assert_eq!((desk.balance(), desk.held()), (1000, 1000));
    assert_eq!(desk.ask(Kind::Void, 5, 1000, Some(&hold)).code(), "12", "a pre-authorisation has a void of its own");
    assert_eq!(desk.ask(Kind::Refund, 6, 1000, Some(&hold)).code(), "12");
}

#[test]
fn a_void_lets_it_go_and_its_reversal_sets_it_aside_again() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    // It is in no batch's totals.
    let void = desk.ask_in(2, Kind::PreAuthorisationVoid, 1, 1000, Some(&hold));
    assert_eq!((void.code(), desk.balance(), desk.held()), ("00", BALANCE, 0));
    assert_eq!(desk.ask(Kind::PreAuthorisationVoid, 2, 1000, Some(&hold)).code(), "12");
    assert_eq!(desk.ask(Kind::Completion, 3, 1000, Some(&hold)).code(), "12");
    for _ in 0..2 {
        assert_eq!((desk.take_back(&void).as_str(), desk.held()), ("00", 1000));
    }
    assert_eq!(desk.ask(Kind::PreAuthorisationVoid, 4, 999, Some(&hold)).code(), "13", "as a whole or not at all");
    assert_eq!((desk.take_back(&hold).as_str(), desk.held(), desk.balance()), ("00", 0, BALANCE));
}

#[test]
fn a_completion_pays_up_to_the_share_and_lets_go_what_was_set_aside() {
    let mut desk = Desk::new();
    for (batch, kind, paid) in [
        (1, Kind::Completion, 1),
        (2, Kind::Completion, 1000),
        (3, Kind::CompletionNotice, 1150),
        (4, Kind::Completion, 1150),
    ] {
        let before = desk.balance();
        let hold = desk.ask_in(batch, Kind::PreAuthorisation, 1, 1000, None);
        assert_eq!(desk.ask_in(batch, kind, 2, 1151, Some(&hold)).code(), "13");
        let done = desk.ask_in(batch, kind, 3, paid, Some(&hold));
        assert_eq!((done.code(), desk.balance(), desk.held()), ("00", before - paid, 0), "{kind:?} {paid}");
        assert_eq!(desk.send(&done.message).rrn, done.decision.rrn);
        for again in [Kind::Completion, Kind::CompletionNotice, Kind::PreAuthorisationVoid] {
            assert_eq!(desk.ask_in(batch, again, 10 + again as u32, 1000, Some(&hold)).code(), "12", "{again:?}");
        }
        assert_eq!((desk.balance(), desk.held()), (before - paid, 0));
    }
}

#[test]
fn a_completion_beyond_what_was_set_aside_needs_the_money() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    desk.ask(Kind::Sale, 2, BALANCE - 1100, None);
    assert_eq!(desk.ask(Kind::Completion, 3, 1101, Some(&hold)).code(), "51");
    assert_eq!(desk.ask(Kind::Completion, 4, 1100, Some(&hold)).code(), "00");
    assert_eq!((desk.balance(), desk.held()), (0, 0));
}

#[test]
fn a_completion_is_undone_and_what_was_set_aside_is_so_again() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    let paid = desk.ask(Kind::Completion, 2, 800, Some(&hold));
    assert_eq!(desk.ask_in(2, Kind::CompletionVoid, 1, 800, Some(&paid)).code(), "12", "of another batch");
    assert_eq!(desk.ask(Kind::CompletionVoid, 3, 1000, Some(&paid)).code(), "13");
    let void = desk.ask(Kind::CompletionVoid, 4, 800, Some(&paid));
    assert_eq!((void.code(), desk.balance(), desk.held()), ("00", BALANCE, 1000));
    assert_eq!(desk.take_back(&void), "00");
    assert_eq!((desk.balance(), desk.held()), (BALANCE - 800, 0), "it stands again");
    assert_eq!(desk.take_back(&paid), "00");
    assert_eq!((desk.balance(), desk.held()), (BALANCE, 1000), "a completion that never was");
    assert_eq!(desk.ask(Kind::Completion, 5, 900, Some(&hold)).code(), "00");
    assert_eq!((desk.balance(), desk.held()), (BALANCE - 900, 0));
}

#[test]
fn a_completion_and_a_notice_are_refunded_as_a_sale_is() {
    let mut desk = Desk::new();
    for (batch, kind) in [(1, Kind::Completion), (2, Kind::CompletionNotice)] {
        let hold = desk.ask_in(batch, Kind::PreAuthorisation, 1, 1000, None);
        let paid = desk.ask_in(batch, kind, 2, 800, Some(&hold));
        assert_eq!(desk.ask_in(9, Kind::Refund, batch, 300, Some(&paid)).code(), "00");
        assert_eq!(desk.ask_in(batch, Kind::CompletionVoid, 3, 800, Some(&paid)).code(), "12", "{kind:?}");
        assert_eq!(desk.ask_in(9, Kind::Refund, 10 + batch, 501, Some(&paid)).code(), "13");
        assert_eq!(desk.ask_in(9, Kind::Refund, 20 + batch, 500, Some(&paid)).code(), "00");
        assert_eq!((desk.balance(), desk.held()), (BALANCE, 0), "what was set aside is not so again");
    }
}

#[test]
fn a_notice_is_sent_again_and_taken_back_by_nothing() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    let notice = desk.ask(Kind::CompletionNotice, 2, 1000, Some(&hold));
    let again = desk.send(&notice.message.clone().with_bytes(64, b"FFFFFFFF"));
    assert_eq!((again.response_code.as_str(), &again.rrn), ("00", &notice.decision.rrn));
    assert_eq!((desk.take_back(&notice).as_str(), desk.balance()), ("12", BALANCE - 1000));
    assert_eq!(desk.ask(Kind::CompletionVoid, 3, 1000, Some(&notice)).code(), "12", "nor is it undone");
}

/// Goods were sold for the completion: it is not undone because the pre-authorisation before it is taken back late.
#[test]
fn a_pre_authorisation_that_is_taken_back_after_its_completion_changes_nothing() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    let paid = desk.ask(Kind::Completion, 2, 800, Some(&hold));
    assert_eq!((desk.take_back(&hold).as_str(), desk.balance(), desk.held()), ("00", BALANCE - 800, 0));
    let void = desk.ask(Kind::CompletionVoid, 3, 800, Some(&paid));
    assert_eq!((void.code(), desk.balance(), desk.held()), ("00", BALANCE, 0), "nothing is set aside again");
}

/// Two completions of one pre-authorisation must not stand, nor one of what was let go.
#[test]
fn the_void_of_a_completion_is_not_taken_back_once_what_it_gave_back_is_used() {
    for (next, minor) in [(Kind::Completion, 700), (Kind::PreAuthorisationVoid, 1000)] {
        let mut desk = Desk::new();
        let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
        let paid = desk.ask(Kind::Completion, 2, 800, Some(&hold));
        let void = desk.ask(Kind::CompletionVoid, 3, 800, Some(&paid));
        let next = desk.ask(next, 4, minor, Some(&hold));
        assert_eq!(next.code(), "00");
        let before = (desk.balance(), desk.held());
        assert_eq!(desk.take_back(&void), "12");
        assert_eq!((desk.balance(), desk.held()), before, "{:?}", next.kind);
        // Once that is taken back as well, it can be.
        assert_eq!((desk.take_back(&next).as_str(), desk.take_back(&void).as_str()), ("00", "00"));
        assert_eq!((desk.balance(), desk.held()), (BALANCE - 800, 0));
    }
}

#[test]
fn part_of_what_is_wanted_is_set_aside_and_it_is_that_part_that_counts() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 66_10, None);
    assert_eq!((hold.code(), hold.decision.amount, desk.held()), ("10", Some(33_05), 33_05));
    assert_eq!(desk.ask(Kind::Completion, 2, 66_10, Some(&hold)).code(), "13");
    assert_eq!(desk.take_back(&hold), "00");
    assert_eq!((desk.balance(), desk.held()), (BALANCE, 0));
}

#[test]
fn what_is_topped_up_is_held_completed_and_let_go_as_one_sum() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    let first = desk.ask(Kind::PreAuthorisationTopUp, 2, 300, Some(&hold));
    assert!(first.decision.issuer_data.is_some(), "the card is answered as in a pre-authorisation");
    // In another batch as well.
    let second = desk.ask_in(2, Kind::PreAuthorisationTopUp, 1, 200, Some(&hold));
    assert_eq!((first.code(), second.code(), desk.balance(), desk.held()), ("00", "00", BALANCE, 1500));
    assert_eq!(desk.send(&second.message).rrn, second.decision.rrn, "the same once more adds nothing");
    assert_eq!(desk.held(), 1500);
    // One of them is taken back while the other one stands, once.
    for _ in 0..2 {
        assert_eq!((desk.take_back(&first).as_str(), desk.held()), ("00", 1200));
    }
    // What stands is let go as a whole or not at all, and so again when that is taken back.
    for wrong in [1000, 1199, 1201, 1500] {
        assert_eq!(
            desk.ask(Kind::PreAuthorisationVoid, 2000 + wrong, wrong.into(), Some(&hold)).code(),
            "13",
            "{wrong}"
        );
    }
    let void = desk.ask(Kind::PreAuthorisationVoid, 3, 1200, Some(&hold));
    assert_eq!((void.code(), desk.held()), ("00", 0));
    assert_eq!(desk.ask(Kind::PreAuthorisationTopUp, 4, 100, Some(&hold)).code(), "12", "it is let go");
    assert_eq!((desk.take_back(&void).as_str(), desk.held()), ("00", 1200));
    // 115 % of the sum.
    assert_eq!(desk.ask(Kind::Completion, 5, 1381, Some(&hold)).code(), "13");
    let paid = desk.ask(Kind::Completion, 6, 1380, Some(&hold));
    assert_eq!((paid.code(), desk.balance(), desk.held()), ("00", BALANCE - 1380, 0));
    assert_eq!(desk.ask(Kind::PreAuthorisationTopUp, 7, 100, Some(&hold)).code(), "12", "it is completed");
    // A top-up that is taken back late changes nothing of what was paid, and counts no more once that is undone.
    assert_eq!((desk.take_back(&second).as_str(), desk.balance(), desk.held()), ("00", BALANCE - 1380, 0));
    let void = desk.ask(Kind::CompletionVoid, 8, 1380, Some(&paid));
    assert_eq!((void.code(), desk.balance(), desk.held()), ("00", BALANCE, 1000));
    let third = desk.ask(Kind::PreAuthorisationTopUp, 9, 50, Some(&hold));
    assert_eq!((third.code(), desk.held()), ("00", 1050));
}

#[test]
fn a_top_up_needs_the_money_the_card_and_what_it_tops_up() {
    let mut desk = Desk::new();
    let hold = desk.ask(Kind::PreAuthorisation, 1, 1000, None);
    assert_eq!(desk.ask(Kind::PreAuthorisationTopUp, 2, BALANCE - 999, Some(&hold)).code(), "51");
    let all = desk.ask(Kind::PreAuthorisationTopUp, 3, BALANCE - 1000, Some(&hold));
    assert_eq!((all.code(), desk.held()), ("00", BALANCE));
    // Of a top-up there is neither a top-up nor a void nor a completion.
    for (stan, kind) in [
        (10, Kind::PreAuthorisationTopUp),
        (11, Kind::PreAuthorisationVoid),
        (12, Kind::Completion),
        (13, Kind::Void),
        (14, Kind::Refund),
    ] {
        assert_eq!(desk.ask(kind, stan, 100, Some(&all)).code(), "12", "{kind:?}");
    }
    assert_eq!(desk.take_back(&all), "00");
    // A part of it may be held, as of a pre-authorisation, and it is that part that counts.
    let part = desk.ask(Kind::PreAuthorisationTopUp, 4, 66_10, Some(&hold));
    assert_eq!((part.code(), part.decision.amount, desk.held()), ("10", Some(33_05), 1000 + 33_05));
    assert_eq!((desk.take_back(&part).as_str(), desk.held()), ("00", 1000));
    // A cryptogram that is another one's, or none.
    let mut message = desk.message(Kind::PreAuthorisationTopUp, super::trace(5), 100, Some(&hold));
    message = message.with_text(4, "000000000200");
    assert_eq!(desk.send(&message).response_code, "05", "the card spoke of another amount");
    // A sale is not topped up, nor what was taken back or declined, nor what nobody knows.
    let sale = desk.ask(Kind::Sale, 6, 500, None);
    assert_eq!(desk.ask(Kind::PreAuthorisationTopUp, 7, 100, Some(&sale)).code(), "12");
    let declined = desk.ask(Kind::PreAuthorisation, 8, BALANCE, None);
    assert_eq!(desk.ask(Kind::PreAuthorisationTopUp, 9, 100, Some(&declined)).code(), "25");
    assert_eq!(desk.take_back(&hold), "00");
    assert_eq!(desk.ask(Kind::PreAuthorisationTopUp, 20, 100, Some(&hold)).code(), "25");
    assert_eq!((desk.balance(), desk.held()), (BALANCE - 500, 0));
}
