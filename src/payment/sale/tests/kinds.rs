//! What a transaction of each kind writes down and sends, beside where it leads.

use super::*;
use crate::payment::online::{AboutRequest, EntryMode, SaleRequest};
use crate::payment::record::Pending;

/// The transaction with this card, until the card and its holder are not heard any more.
fn with_card(transaction: Transaction, card: &Card, pad: PinPad) -> Played {
    let mut played = Played::new(Sale::new(opening(transaction)));
    let mut next = Some(Event::Begin);
    while let Some(event) = next {
        played.step(event);
        next = played.last.iter().find_map(|effect| match effect {
            Effect::AwaitCard => Some(Event::CardInserted(pad)),
            Effect::Apdu(command) => Some(Event::CardAnswered(card.answer(command.bytes()))),
            Effect::AskPin(_) => {
                Some(Event::PinEntered(PinEntry::Entered { pin: pin(), random: Zeroizing::default() }))
            }
            _ => None,
        });
    }
    played
}

fn of_every_way(wanted: &[&str]) -> Vec<Transaction> {
    let ways = ways();
    assert!(wanted.iter().all(|wanted| ways.iter().any(|(way, _)| way == wanted)));
    ways.into_iter().filter(|(way, _)| wanted.contains(way)).flat_map(|(_, transactions)| transactions).collect()
}

fn pending(played: &Played) -> Option<&Pending> {
    played.last.iter().find_map(|effect| match effect {
        Effect::Record(Record::Pending(pending)) => Some(&**pending),
        _ => None,
    })
}

fn sent(played: &Played) -> Option<&SaleRequest> {
    played.last.iter().find_map(|effect| match effect {
        Effect::Send(request) => Some(&**request),
        _ => None,
    })
}

fn sent_about(played: &Played) -> Option<&AboutRequest> {
    played.last.iter().find_map(|effect| match effect {
        Effect::SendAbout(request) => Some(&**request),
        _ => None,
    })
}

#[test]
fn what_is_asked_says_what_is_to_be_done_and_with_what() {
    let asked = ["charge", "balance", "undo", "undo without card", "refund", "notice"];
    for transaction in of_every_way(&asked) {
        let (kind, original) = (transaction.kind(), transaction.original());
        let played = with_card(transaction.clone(), &Card::one(), PinPad::Screen);
        let pending = pending(&played);
        assert_eq!(pending.is_some(), kind != Kind::Balance, "{kind:?}");
        if let Some(pending) = pending {
            assert_eq!(
                (pending.kind, pending.original.as_ref(), pending.amount),
                (kind, original, transaction.amount())
            );
            let whole = transaction.card() == CardUse::Whole;
            assert_eq!(!pending.chip_data.is_empty(), whole, "{kind:?}: what a reversal says of the chip");
            assert_eq!(pending.pan, Pan::of_digits(OWN).unwrap().into());
            let entry = if transaction.card() == CardUse::None { EntryMode::NotRead } else { EntryMode::Chip };
            assert_eq!(pending.entry, entry, "{kind:?}");
        }
        if transaction.card() == CardUse::None {
            assert_eq!(sent_about(&played).unwrap().transaction, transaction);
            continue;
        }
        let request = sent(&played).unwrap();
        assert_eq!((request.kind, request.original.as_ref(), request.amount), (kind, original, transaction.amount()));
        assert_eq!(!request.chip_data.is_empty(), transaction.card() == CardUse::Whole, "{kind:?}");
        assert_eq!(
            request.pin.is_some(),
            kind.takes_pin(),
            "{kind:?}: whether its holder was asked for a PIN for the bank"
        );
        assert_eq!(request.card.track2.is_some(), kind.takes_pin(), "{kind:?}: no track is kept for another time");
    }
}

#[test]
fn a_reversal_brings_of_the_chip_what_its_request_brought() {
    for transaction in of_every_way(&["charge", "undo", "undo without card"]) {
        let (kind, whole) = (transaction.kind(), transaction.card() == CardUse::Whole);
        let mut played = with_card(transaction, &Card::one(), PinPad::Screen);
        played.step(Event::LinkFailed(LinkFailure::NoAnswer(String::new())));
        let chip_data = played.last.iter().find_map(|effect| match effect {
            Effect::Record(Record::ReversalDue { chip_data, .. }) => Some(chip_data),
            _ => None,
        });
        assert_eq!(!chip_data.unwrap().is_empty(), whole, "{kind:?}");
    }
}

#[test]
fn nobody_is_asked_for_a_pin_that_no_bank_would_see() {
    let card = Card::every().pop().unwrap().with_methods_of(&Card::one());
    let played = with_card(Transaction::offline_sale(amount("12.34")), &card, PinPad::Screen);
    assert!(played.sale.pin.is_none());
    let approved = played.last.iter().find_map(|effect| match effect {
        Effect::Record(Record::ApprovedByCard(pending, result)) => Some((pending, result)),
        _ => None,
    });
    let (pending, result) = approved.unwrap();
    assert_eq!((pending.kind, pending.verification), (Kind::OfflineSale, Verification::None));
    assert!(pending.chip_data.is_empty(), "nothing takes it back");
    assert!(!result.chip_data.is_empty(), "the host is told of its TC");
}

#[test]
fn another_card_than_that_of_the_original_is_told_to_be_so() {
    for transaction in of_every_way(&["another card"]) {
        let kind = transaction.kind();
        let played = with_card(transaction, &Card::one(), PinPad::Screen);
        let [.., Effect::Conclude(Conclusion::Declined(reason))] = &played.last[..] else { panic!("{kind:?}") };
        assert_eq!(reason.kind, ReasonKind::OtherCard, "{kind:?}");
        assert!(
            played.commands.iter().all(|command| command.bytes()[1] != 0xAE || command.bytes()[2] == 0x00),
            "AAC only"
        );
    }
}

#[test]
fn what_cannot_be_taken_back_and_is_granted_in_part_is_for_a_person() {
    for transaction in of_every_way(&["refund", "notice"]) {
        let kind = transaction.kind();
        let mut played = with_card(transaction, &Card::one(), PinPad::Screen);
        played.step(said(Decision::Partial(amount("9.40")), &[]));
        let [.., Effect::Conclude(Conclusion::Unresolved(reason))] = &played.last[..] else { panic!("{kind:?}") };
        assert_eq!((reason.kind, reason.amount), (ReasonKind::HostAnswerRefused, Some(amount("9.40"))), "{kind:?}");
    }
}
