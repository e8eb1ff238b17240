//! PINs: where they are entered, and what happens instead.

use yima::crypto::hex;
use yima::emv::apdu::CardAnswer;
use yima::emv::pin::{PinEntry, PinKind};
use yima::emv::{tag, tlv};
use yima::payment::online::SaleRequest;
use yima::payment::pin_pad::PinPad;
use yima::payment::sale::{Conclusion, Effect, Event};
use yima::pin::Pin;
use yima::wording::ReasonKind;
use zeroize::Zeroizing;

use super::order::refusal;
use super::shop::{Cardholder, Faults, Shop, approve, kind_of};

/// 9F33, 9F34 and TVR of the request to the host.
fn verification(request: &SaleRequest) -> [String; 3] {
    [tag::TERMINAL_CAPABILITIES, tag::CVM_RESULTS, tag::TVR]
        .map(|tag| hex::encode(tlv::find(&request.chip_data, tag).unwrap().unwrap()))
}

#[test]
fn a_pin_is_entered_where_the_terminal_has_a_pad_and_the_host_is_told_how_that_went() {
    use Cardholder::{Does, Types, TypesAtReader};
    use PinKind::{Enciphered, Plaintext};
    const BROKEN: Cardholder = Does(Event::PinEntered(PinEntry::PadBroken));
    /// Card, pad, what its holder does, which PINs were asked for, and what the host is told.
    type Case = (&'static str, PinPad, &'static [Cardholder], &'static [PinKind], [&'static str; 3]);
    let cases: [Case; 13] = [
        ("cvm-plaintext-pin", PinPad::Screen, &[Types("1234")], &[Plaintext], ["20F8C8", "010302", "0000008000"]),
        ("cvm-enciphered-pin", PinPad::Screen, &[Types("1234")], &[Enciphered], ["20F8C8", "040302", "0000008000"]),
        ("cvm-enciphered-pin-key", PinPad::Screen, &[Types("1234")], &[Enciphered], ["20F8C8", "040302", "0200008000"]),
        ("cvm-combined", PinPad::Screen, &[Types("1234")], &[Enciphered], ["20F8C8", "050300", "0000008000"]),
        (
            "cvm-plaintext-pin",
            PinPad::Reader,
            &[TypesAtReader("1234")],
            &[Plaintext],
            ["20A8C8", "010302", "0000008000"],
        ),
        // A reader's pad sends in the clear only, so the rule for it comes next; and without a pad neither counts.
        ("cvm-combined", PinPad::Reader, &[TypesAtReader("1234")], &[Plaintext], ["20A8C8", "030300", "0000008000"]),
        ("cvm-plaintext-pin", PinPad::None, &[], &[], ["2028C8", "1E0300", "0000008000"]),
        ("cvm-enciphered-pin", PinPad::Reader, &[], &[], ["20A8C8", "1E0300", "0000008000"]),
        // Wrong, then right; wrong until the tries are used up.
        (
            "cvm-plaintext-pin",
            PinPad::Screen,
            &[Types("9999"), Types("1234")],
            &[Plaintext, Plaintext],
            ["20F8C8", "010302", "0000008000"],
        ),
        (
            "cvm-enciphered-pin",
            PinPad::Screen,
            &[Types("999999"), Types("0000"), Types("1235")],
            &[Enciphered; 3],
            ["20F8C8", "040301", "0000A08000"],
        ),
        (
            "cvm-plaintext-pin",
            PinPad::Reader,
            &[TypesAtReader("9999"), TypesAtReader("9999"), TypesAtReader("9999")],
            &[Plaintext; 3],
            ["20A8C8", "010301", "0000A08000"],
        ),
        // Nobody types a PIN that the card will not look at.
        ("pin-blocked", PinPad::Screen, &[], &[], ["20F8C8", "1E0000", "0000208000"]),
        ("cvm-plaintext-pin", PinPad::Screen, &[BROKEN], &[Plaintext], ["20F8C8", "010301", "0000908000"]),
    ];
    for (profile, pad, cardholder, kinds, expected) in cases {
        let mut shop = Shop::with_pin(pad, profile, cardholder);
        let told = std::cell::RefCell::new(None);
        shop.sale(&Faults::default(), |_, request| {
            *told.borrow_mut() = Some(verification(request));
            Ok(refusal())
        });
        assert_eq!(told.take().unwrap(), expected, "{profile} {pad:?} {cardholder:?}");
        let asked: Vec<_> = shop.asked.iter().map(|request| request.kind).collect();
        assert_eq!(asked, kinds, "{profile} {pad:?}");
        assert!(shop.cardholder.is_empty(), "{profile}: everything was asked for");
    }
}

#[test]
fn nonsense_typed_at_a_pad_never_leads_to_a_rule_that_asks_for_less() {
    // The card's list goes on with a signature, then with nothing.
    for cardholder in [vec![Cardholder::Does(Event::PinLengthWrong); 6], vec![Cardholder::Does(Event::PinCancelled)]] {
        let mut shop = Shop::with_pin(PinPad::Reader, "cvm-plaintext-pin", &cardholder);
        let run = shop.sale(&Faults::default(), approve);
        assert_eq!((kind_of(&run.conclusion), run.sent, run.state), (Some(ReasonKind::PinCancelled), false, None));
    }
}

#[test]
fn who_entered_a_wrong_pin_is_told_so_and_how_many_tries_are_left() {
    let cardholder = ["9999", "9999", "1234"].map(Cardholder::Types);
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", &cardholder);
    let run = shop.sale(&Faults::default(), approve);
    assert_eq!(run.conclusion, Conclusion::Approved);
    let told: Vec<_> = shop.asked.iter().map(|request| (request.wrong_before, request.tries_left)).collect();
    assert_eq!(told, [(false, Some(3)), (true, Some(2)), (true, Some(1))]);
}

#[test]
fn a_payment_ends_unpaid_when_no_pin_comes() {
    for (event, kind) in [
        (Event::Cancelled, ReasonKind::Cancelled),
        (Event::PinTimedOut, ReasonKind::PinTimedOut),
        (Event::CardTorn, ReasonKind::CardTorn),
        (Event::CardMute, ReasonKind::CardMute),
        (Event::ReaderFailed(String::new()), ReasonKind::ReaderMissing),
    ] {
        for pad in [PinPad::Screen, PinPad::Reader] {
            let mut shop = Shop::with_pin(pad, "cvm-plaintext-pin", &[Cardholder::Does(event.clone())]);
            let run = shop.sale(&Faults::default(), approve);
            assert_eq!((kind_of(&run.conclusion), run.state, run.sent), (Some(kind), None, false), "{event:?}");
        }
    }
}

#[test]
fn a_pin_is_passed_over_only_where_that_is_allowed_and_then_for_all_rules() {
    let bypass = Cardholder::Does(Event::PinEntered(PinEntry::Bypassed));
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", std::slice::from_ref(&bypass));
    shop.bypass = true;
    shop.sale(&Faults::default(), |_, request| {
        assert_eq!(verification(request), ["20F8C8", "010301", "0000888000"], "PIN not entered, CVM failed");
        Ok(refusal())
    });
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", &[bypass]);
    let (mut sale, request) = shop.until_pin();
    assert!(sale.step(Event::PinEntered(PinEntry::Bypassed)).is_empty(), "the question stands");
    assert_eq!(request.kind, PinKind::Plaintext);
    assert!(matches!(sale.step(Event::Cancelled)[..], [Effect::ReleaseCard, Effect::Conclude(_)]));
}

#[test]
fn what_another_pad_says_or_comes_too_late_changes_nothing() {
    let typed = |digits: &str| {
        let pin = Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap();
        Event::PinEntered(PinEntry::Entered { pin, random: Zeroizing::new(vec![0; 256]) })
    };
    let verified = || Event::PinEntered(PinEntry::Verified(CardAnswer::new(vec![0x90, 0x00])));
    let captured = || Event::PinEntered(PinEntry::Captured);
    let none_of = [Event::Begin, Event::CardInserted(PinPad::Screen), Event::NoCard];
    for (pad, foreign) in [(PinPad::Screen, [verified(), captured()]), (PinPad::Reader, [typed("1234"), captured()])] {
        let mut shop = Shop::with_pin(pad, "cvm-plaintext-pin", &[]);
        let (mut sale, _) = shop.until_pin();
        for event in foreign.into_iter().chain(none_of.clone()) {
            assert!(sale.step(event.clone()).is_empty(), "{pad:?} {event:?}");
        }
    }
    // The PIN is on its way to the card: another one, or the end of the time for it, comes too late.
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", &[]);
    let (mut sale, _) = shop.until_pin();
    assert!(sale.step(typed("1234")).iter().any(|effect| matches!(effect, Effect::Apdu(_))));
    for late in [typed("0000"), Event::PinTimedOut, Event::PinLengthWrong] {
        assert!(sale.step(late.clone()).is_empty(), "{late:?}");
    }
}
