//! Cards without their chip: what the issuer makes of a stripe, or of a number that somebody typed.

use super::*;
use crate::card_number::Swipe;
use crate::pin::Pin;
use crate::sandbox::stripe::StripeCard;

/// A sale with this card's stripe, read like this.
fn swiped(stan: u32, minor: u64, card: &StripeCard, entry: EntryMode) -> SaleRequest {
    with_tracks(stan, minor, card, entry, &card.tracks().unwrap())
}

fn with_tracks(stan: u32, minor: u64, card: &StripeCard, entry: EntryMode, tracks: &str) -> SaleRequest {
    let swipe = Swipe::parse(tracks, false).unwrap();
    SaleRequest {
        card: CardForHost {
            pan: Pan::parse(&card.pan).unwrap(),
            expiry: Some(swipe.track2().expiry()),
            track2: Some(swipe.track2().clone()),
            track3: None,
            sequence_number: None,
            entry,
        },
        chip_data: Vec::new().into(),
        ..sale(stan, minor)
    }
}

fn with_pin(request: SaleRequest, digits: &str) -> SaleRequest {
    SaleRequest { pin: Some(Pin::new(digits.as_bytes().to_vec().into()).unwrap()), ..request }
}

fn card(name: &str) -> StripeCard {
    StripeCard::shipped(name).unwrap()
}

#[test]
fn a_stripe_pays_where_its_card_has_no_chip_and_the_books_say_so() {
    let house = House::new();
    let signature = card("stripe-signature");
    let answer = house.link().sale(&swiped(1, 1234, &signature, EntryMode::Stripe)).unwrap();
    assert_eq!((answer.response_code.as_str(), answer.issuer_data.len()), ("00", 0), "no chip hears of it");
    assert_eq!(house.running.balance(&signature.pan).unwrap(), Some(BALANCE - 1234));
    let entry = house.host.ledger().unwrap().remove(0);
    assert_eq!(entry.reason, "approved, by its stripe");
    // Without the PIN that it demands, with a wrong one, and with the right one.
    let debit = card("stripe-pin");
    let sale = |stan| swiped(stan, 100, &debit, EntryMode::Stripe);
    assert_eq!(code(house.link().sale(&sale(2))), "05");
    let wrong = house.link().sale(&with_pin(sale(3), "9999")).unwrap();
    assert_eq!((wrong.response_code.as_str(), wrong.decision), ("55", Decision::WrongPin));
    assert_eq!(code(house.link().sale(&with_pin(sale(4), "1234"))), "00");
}

#[test]
fn the_stripe_of_a_card_with_a_chip_counts_as_fallback_alone() {
    let house = House::new();
    let chip = card("unionpay-credit");
    assert_eq!(code(house.link().sale(&swiped(1, 100, &chip, EntryMode::Stripe))), "57");
    assert_eq!(code(house.link().sale(&swiped(2, 100, &chip, EntryMode::Fallback))), "00");
    let reasons: Vec<_> = house.host.ledger().unwrap().into_iter().map(|entry| entry.reason).collect();
    assert!(reasons[0].contains("chip") && reasons[1].ends_with("(fallback)"), "{reasons:?}");
    // Taken back as every sale: the reversal says how the card was read.
    let taken_back = ReversalRequest {
        entry: EntryMode::Fallback,
        sequence_number: None,
        chip_data: Vec::new(),
        ..reversal(2, 100)
    };
    assert_eq!(code(house.link().reverse(&taken_back)), "00");
    assert_eq!(house.running.balance(&chip.pan).unwrap(), Some(BALANCE));
    let other = ReversalRequest { entry: EntryMode::Chip, ..taken_back };
    assert_eq!(code(house.link().reverse(&other)), "25", "another one had that number");
}

#[test]
fn a_stripe_that_the_issuer_has_not_written_is_found_out() {
    let house = House::new();
    let (chip, plain) = (card("unionpay-credit"), card("stripe-signature"));
    let own = plain.tracks().unwrap();
    let changed = |from: &str, to: &str| own.replace(from, to);
    for (stan, what, tracks, of, expected) in [
        (
            1,
            "a chip's track 2, copied",
            format!(";{}={}{}00000?", chip.pan, chip.expiry, chip.service_code),
            &chip,
            "59",
        ),
        (2, "a service code without the chip", chip.tracks().unwrap().replace("201", "101"), &chip, "59"),
        (3, "another value", changed("10100000", "10100001"), &plain, "59"),
        (4, "nothing behind", format!(";{}={}{}?", plain.pan, plain.expiry, plain.service_code), &plain, "59"),
        (5, "another expiry", changed("3012", "3101"), &plain, "54"),
    ] {
        let answer = house.link().sale(&with_tracks(stan, 100, of, EntryMode::Fallback, &tracks));
        assert_eq!(code(answer), expected, "{what}");
    }
    assert_eq!(house.running.balance(&plain.pan).unwrap(), Some(BALANCE));
}

#[test]
fn a_typed_number_pays_without_a_track_and_not_with_one() {
    let house = House::new();
    let plain = card("stripe-signature");
    let typed = |stan| {
        let mut request = swiped(stan, 100, &plain, EntryMode::Typed);
        request.card.track2 = None;
        request
    };
    assert_eq!(code(house.link().sale(&typed(1))), "00");
    assert_eq!(house.host.ledger().unwrap()[0].reason, "approved, its number typed");
    assert_eq!(code(house.link().sale(&swiped(2, 100, &plain, EntryMode::Typed))), "30");
    assert_eq!(code(house.link().sale(&with_pin(typed(3), "9999"))), "55");
    let nobody = Pan::parse("4111111111111111").unwrap();
    let mut unknown = typed(4);
    unknown.card.pan = nobody;
    assert_eq!(code(house.link().sale(&unknown)), "14");
}
