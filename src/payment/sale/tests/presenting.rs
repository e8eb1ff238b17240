//! Cards without their chip: what is said, asked and sent.

use super::*;
use crate::emv::pin::PinKind;
use crate::payment::online::SaleRequest;
use crate::payment::record::Pending;

fn begun(opening: Opening) -> Sale {
    let mut sale = Sale::new(opening);
    sale.step(Event::Begin);
    sale
}

fn sale_of(change: impl FnOnce(&mut Opening)) -> Sale {
    let mut opening = opening(Transaction::sale(amount("12.34")));
    change(&mut opening);
    begun(opening)
}

fn notice(effects: &[Effect]) -> Option<ReasonKind> {
    effects.iter().find_map(|effect| match effect {
        Effect::Notice(reason) => Some(reason.kind),
        _ => None,
    })
}

fn ended(effects: &[Effect]) -> Option<ReasonKind> {
    effects.iter().find_map(|effect| match effect {
        Effect::Conclude(Conclusion::Failed(reason) | Conclusion::Declined(reason)) => Some(reason.kind),
        _ => None,
    })
}

fn asked(effects: &[Effect]) -> Option<(&Pending, &SaleRequest)> {
    let pending = effects.iter().find_map(|effect| match effect {
        Effect::Record(Record::Pending(pending)) => Some(&**pending),
        _ => None,
    })?;
    effects.iter().find_map(|effect| match effect {
        Effect::Send(request) => Some((pending, &**request)),
        _ => None,
    })
}

fn asks_pin(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::AskPin(request) if request.kind == PinKind::Online))
}

fn entered() -> Event {
    Event::PinEntered(PinEntry::Entered { pin: pin(), random: Zeroizing::default() })
}

/// What follows an approval.
fn records(effects: &[Effect]) -> Vec<Record> {
    let record = |effect: &Effect| match effect {
        Effect::Record(record) => Some(record.clone()),
        _ => None,
    };
    effects.iter().filter_map(record).collect()
}

#[test]
fn a_stripe_that_counts_is_asked_about_with_its_track_and_nothing_of_a_chip() {
    let mut sale = sale_of(|_| {});
    let effects = sale.step(swiped("101", PinPad::None));
    assert!(matches!(effects[..2], [Effect::ReleaseCard, Effect::SoundCardRead]), "the reader waits no more");
    let (pending, request) = asked(&effects).unwrap();
    assert_eq!((pending.entry, pending.verification), (EntryMode::Stripe, Verification::Signature));
    assert_eq!((pending.aid.as_str(), pending.chip_data.len(), pending.sequence_number), ("", 0, None));
    assert_eq!(pending.card_expiry.as_deref(), Some("3012"));
    assert!(request.card.track2.is_some() && request.chip_data.is_empty() && request.pin.is_none());
    assert_eq!((request.card.entry, request.card.expiry), (EntryMode::Stripe, Some([0x30, 0x12])));
    let effects = sale.step(said(Decision::Approved, &[]));
    let written = records(&effects);
    assert!(matches!(
        &written[..],
        [Record::HostApproved { part: None, .. }, Record::PaidWithoutChip { signature: true }]
    ));
    assert!(sale.wants_signature(), "on the screen too");
    let card = sale.card().unwrap();
    assert_eq!((card.truncated_pan.as_str(), card.entry), ("622848*********1230", EntryMode::Stripe));
}

#[test]
fn the_third_digit_decides_about_the_pin() {
    for (code, pad, bypass, expected) in [
        ("120", PinPad::Screen, true, "PIN, and none passed over"),
        ("125", PinPad::Screen, true, "PIN, and none passed over"),
        ("120", PinPad::None, true, "ends"),
        ("126", PinPad::Screen, true, "PIN"),
        ("126", PinPad::Screen, false, "PIN, and none passed over"),
        ("127", PinPad::None, true, "host"),
        ("121", PinPad::Screen, true, "host"),
        ("102", PinPad::None, true, "host"),
    ] {
        let mut sale = sale_of(|opening| opening.pin_bypass = bypass);
        let effects = sale.step(swiped(code, pad));
        let found = match (asks_pin(&effects), ended(&effects), asked(&effects)) {
            (true, None, None) if sale.pin_bypass() => "PIN",
            (true, None, None) => "PIN, and none passed over",
            (false, Some(ReasonKind::PinNeeded), None) => "ends",
            (false, None, Some(_)) => "host",
            other => panic!("{code} {pad:?}: {other:?}"),
        };
        assert_eq!(found, expected, "{code} {pad:?} {bypass}");
    }
    // The PIN goes with the request, and the card is not looked after in a reader.
    let mut sale = sale_of(|_| {});
    sale.step(swiped("120", PinPad::Screen));
    assert!(!sale.holds_card() && sale.step(Event::CardTorn).is_empty() && sale.step(Event::CardMute).is_empty());
    let effects = sale.step(entered());
    let (pending, request) = asked(&effects).unwrap();
    assert_eq!((pending.verification, request.pin.is_some()), (Verification::OnlinePin, true));
    let effects = sale.step(said(Decision::Approved, &[]));
    assert!(matches!(records(&effects)[1], Record::PaidWithoutChip { signature: false }));
}

#[test]
fn a_small_amount_by_a_stripe_that_leaves_it_open_needs_no_pin_where_the_acquirer_says_so() {
    let tables = |limit, stripes| {
        let mut tables = HostTables::default();
        (tables.terminal.no_pin_limit, tables.terminal.no_pin_for_stripes) = (Some(limit), stripes);
        Arc::new(tables)
    };
    for (code, limit, stripes, spared) in [
        ("126", 12_34, true, true),
        ("127", 12_34, true, true),
        ("126", 12_33, true, false),
        ("126", 12_34, false, false),
        // The stripe demands one: no limit is above that.
        ("120", 99_999, true, false),
        ("125", 99_999, true, false),
    ] {
        let mut sale = sale_of(|opening| opening.tables = tables(limit, stripes));
        let effects = sale.step(swiped(code, PinPad::Screen));
        assert_eq!((asks_pin(&effects), asked(&effects).is_some()), (!spared, spared), "{code} {limit} {stripes}");
        if let Some((pending, request)) = asked(&effects) {
            assert_eq!((pending.verification, request.pin.is_some()), (Verification::Signature, false));
        }
    }
    // A card whose chip could not be read, a number that is typed, and what is set aside: as without a limit.
    let mut sale = sale_of(|opening| opening.tables = tables(99_999, true));
    sale.step(Event::CardMute);
    assert!(asks_pin(&sale.step(swiped("226", PinPad::Screen))));
    let mut sale = sale_of(|opening| {
        opening.by = CardBy::Typed;
        opening.tables = tables(99_999, true);
    });
    assert!(asks_pin(&sale.step(typed(PinPad::Screen))));
    let hold = Transaction::pre_authorisation(amount("12.34"));
    let mut sale = begun(Opening { tables: tables(99_999, true), ..opening(hold) });
    assert!(asks_pin(&sale.step(swiped("126", PinPad::Screen))));
}

#[test]
fn a_wrong_pin_is_asked_for_again_without_another_swipe() {
    let mut sale = sale_of(|_| {});
    sale.step(swiped("120", PinPad::Screen));
    sale.step(entered());
    let effects = sale.step(said(Decision::WrongPin, &[]));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::TryAnotherPin(_))), "{effects:?}");
    let mut again = sale.again(sale.trace(), sale.at(), [5, 6, 7, 8]);
    let effects = again.step(Event::Begin);
    assert!(asks_pin(&effects) && !again.pin_bypass(), "{effects:?}");
    let effects = again.step(entered());
    assert_eq!(asked(&effects).unwrap().0.entry, EntryMode::Stripe);
}

#[test]
fn a_chip_is_asked_for_and_a_stripe_takes_its_place_only_when_it_could_not_be_read() {
    let mut sale = sale_of(|_| {});
    assert_eq!(notice(&sale.step(swiped("201", PinPad::Screen))), Some(ReasonKind::StripeHasChip));
    assert_eq!(notice(&sale.step(swiped("220", PinPad::Screen))), Some(ReasonKind::StripeHasChip), "however often");
    // It does not answer: from now on the stripe alone counts, and no chip.
    let effects = sale.step(Event::CardMute);
    assert_eq!(notice(&effects), Some(ReasonKind::SwipeInstead));
    let waits = |effect: &Effect| matches!(effect, Effect::AwaitStripe(Some(time)) if *time == Duration::from_secs(30));
    assert!(effects.iter().any(waits) && effects.iter().any(|effect| matches!(effect, Effect::ReleaseCard)));
    assert!(sale.step(Event::CardInserted(PinPad::None)).is_empty());
    let bad = sale.step(Event::Swiped(Err(StripeError::NotRead), PinPad::None));
    assert_eq!(notice(&bad), Some(ReasonKind::SwipeAgain));
    let effects = sale.step(swiped("201", PinPad::Screen));
    assert_eq!(asked(&effects).unwrap().0.entry, EntryMode::Fallback);
    // Nobody swipes in time.
    let mut sale = sale_of(|_| {});
    sale.step(Event::CardMute);
    assert_eq!(ended(&sale.step(Event::NoCard)), Some(ReasonKind::NoCard));
    // A card without a chip that was put in is none of a fallback.
    let mut sale = sale_of(|_| {});
    sale.step(Event::CardMute);
    let effects = sale.step(swiped("101", PinPad::None));
    assert_eq!(asked(&effects).unwrap().0.entry, EntryMode::Stripe);
    // Where it is not allowed the payment ends as ever.
    let mut sale = sale_of(|opening| opening.entry.fallback = None);
    assert_eq!(ended(&sale.step(Event::CardMute)), Some(ReasonKind::CardMute));
    // A card that was pulled out was not unreadable.
    let mut sale = sale_of(|_| {});
    assert_eq!(ended(&sale.step(Event::CardTorn)), Some(ReasonKind::CardTorn));
}

/// Every command of a whole sale in turn is not answered.
#[test]
fn a_chip_that_has_said_all_it_has_to_say_was_read_however_silent_it_is_then() {
    let card = Card::one();
    let (mut before, mut after) = (0, 0);
    for silent in 0.. {
        let mut sale = sale_of(|_| {});
        let mut effects = sale.step(Event::CardInserted(PinPad::None));
        let mut answered = 0;
        let last = loop {
            let command = effects.iter().find_map(|effect| match effect {
                Effect::Apdu(command) => Some(command.clone()),
                _ => None,
            });
            let Some(command) = command else { break None };
            if answered == silent {
                break Some(command);
            }
            answered += 1;
            effects = sale.step(Event::CardAnswered(card.answer(command.bytes())));
        };
        let Some(command) = last else { break };
        let is_read = sale.kernel.card_is_read();
        let effects = sale.step(Event::CardMute);
        let waits = effects.iter().any(|effect| matches!(effect, Effect::AwaitStripe(_)));
        assert_eq!(waits, !is_read, "command {silent}");
        // GENERATE AC is never followed by a stripe.
        assert!(!(waits && command.bytes()[1] == 0xAE), "command {silent}");
        *(if waits { &mut before } else { &mut after }) += 1;
    }
    assert!(before > 2 && after > 0, "{before} commands before it was read, {after} behind");
}

#[test]
fn a_number_is_typed_where_the_kind_is_named_and_goes_with_its_expiry_alone() {
    let mut sale = sale_of(|opening| opening.by = CardBy::Typed);
    let wrong = sale.step(Event::NumberTyped(Err(CardNumberError::CheckDigit), PinPad::None));
    assert_eq!(notice(&wrong), Some(ReasonKind::NumberWrong));
    let wrong = sale.step(Event::NumberTyped(Err(CardNumberError::Expiry), PinPad::None));
    assert_eq!(notice(&wrong), Some(ReasonKind::ExpiryWrong));
    assert!(sale.step(swiped("101", PinPad::None)).is_empty(), "no stripe counts");
    let effects = sale.step(typed(PinPad::None));
    let (pending, request) = asked(&effects).unwrap();
    assert_eq!((pending.entry, pending.verification), (EntryMode::Typed, Verification::Signature));
    assert!(request.card.track2.is_none() && request.card.expiry == Some([0x30, 0x12]));
    // With a pad the PIN is asked for, and whoever has none goes on, whatever the settings say of chips.
    let mut sale = sale_of(|opening| (opening.by, opening.pin_bypass) = (CardBy::Typed, false));
    assert!(asks_pin(&sale.step(typed(PinPad::Screen))) && sale.pin_bypass());
    let effects = sale.step(Event::PinEntered(PinEntry::Bypassed));
    assert_eq!(asked(&effects).unwrap().0.verification, Verification::Signature);
    // Not named, or nobody is asked but the card.
    let mut sale = Sale::new(Opening {
        by: CardBy::Typed,
        entry: EntryRules::default(),
        ..opening(Transaction::sale(amount("1.00")))
    });
    assert_eq!(ended(&sale.step(Event::Begin)), Some(ReasonKind::TypedNotAllowed));
    let mut sale = Sale::new(Opening { by: CardBy::Typed, ..opening(Transaction::offline_sale(amount("1.00"))) });
    assert_eq!(ended(&sale.step(Event::Begin)), Some(ReasonKind::TypedNotAllowed));
}

#[test]
fn another_card_undoes_nothing_and_a_refund_keeps_no_track_for_another_time() {
    let void = |number| Transaction::void(&past(Kind::Sale, number), Batch::FIRST, Presence::CardThere).unwrap();
    let mut sale = begun(opening(void("6228480000000009999")));
    assert_eq!(ended(&sale.step(swiped("101", PinPad::None))), Some(ReasonKind::OtherCard));
    let mut sale = begun(opening(void(OWN)));
    let effects = sale.step(swiped("101", PinPad::None));
    assert!(asked(&effects).unwrap().1.card.track2.is_some());
    let effects = sale.step(said(Decision::Approved, &[]));
    assert!(matches!(records(&effects)[..], [Record::HostApproved { .. }, Record::Done]), "{effects:?}");
    let mut sale = begun(opening(Transaction::refund(&past(Kind::Sale, OWN), amount("1.00")).unwrap()));
    let effects = sale.step(swiped("120", PinPad::Screen));
    let (pending, request) = asked(&effects).unwrap();
    assert!(request.card.track2.is_none() && request.pin.is_none(), "what may be sent again brings neither");
    assert_eq!(pending.entry, EntryMode::Stripe);
}

#[test]
fn a_part_may_be_approved_of_a_stripe_too() {
    let mut sale = sale_of(|opening| opening.in_part = true);
    sale.step(swiped("101", PinPad::None));
    let effects = sale.step(said(Decision::Partial(amount("9.40")), &[]));
    assert!(matches!(
        &records(&effects)[..],
        [Record::HostApproved { part: Some(part), .. }, Record::PaidWithoutChip { .. }] if *part == amount("9.40")
    ));
    assert_eq!((sale.amount(), sale.asked()), (amount("9.40"), amount("12.34")));
}
