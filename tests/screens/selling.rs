//! Goods by touch, by keys and by scanner.

use slint::platform::Key;
use yima::app::TillIntent;
use yima::app::shop_view::{CartView, ShopIntent};
use yima::app::view::{CodePaper, Intent, Progress, Screen, View};
use yima::devices::scanner::ScannedText;
use yima::goods::{Discount, GoodNumber, Unit};
use yima::wording::{Reason, ReasonKind};

use crate::platform::Bench;
use crate::touching::{benches, is_there, key, press, touch};
use crate::views::{
    cart, cny, found, fullest_cart, good, purchase, purchase_screen, quick, till_cart, transactions, view,
};

fn number(number: u32) -> GoodNumber {
    GoodNumber::new(number).unwrap()
}

fn type_in(bench: &Bench, text: &str) {
    for character in text.chars() {
        press(bench, &character.to_string());
    }
}

fn keypad() -> View {
    View { shop: quick(), ..view(Screen::Keypad { notice: None }) }
}

fn shown(cart: CartView) -> View {
    View { shop: quick(), ..view(Screen::Cart(Box::new(cart))) }
}

fn sent(bench: &Bench) -> Vec<ShopIntent> {
    let of_shop = |intent| match intent {
        Intent::Shop(intent) => intent,
        intent => unreachable!("{intent:?} was sent"),
    };
    bench.sent().into_iter().map(of_shop).collect()
}

#[test]
fn a_scanner_on_the_keypad_puts_goods_in_and_charges_nothing() {
    for bench in benches() {
        bench.show(keypad());
        type_in(&bench, "6901028075763");
        key(&bench, Key::Return);
        assert_eq!(sent(&bench), [ShopIntent::Scan("6901028075763".to_owned())]);
        // A scanner that ends with two Returns pays for nothing, wherever the second one comes.
        key(&bench, Key::Return);
        bench.show(shown(cart()));
        key(&bench, Key::Return);
        assert_eq!(sent(&bench), []);
        bench.show(keypad());
        assert!(is_there(&bench, "Charge 0.00"), "its digits are no amount");
    }
}

#[test]
fn a_scanner_at_the_list_of_payments_opens_what_a_receipt_names_and_no_key_of_it_does_anything_else() {
    let receipt = "Y2/898440100000001/00000001/000001/000123/012345678901/1234/CNY/20260305T142609//";
    for bench in benches() {
        bench.show(view(transactions(Vec::new())));
        type_in(&bench, receipt);
        key(&bench, Key::Return);
        assert_eq!(bench.sent(), [Intent::Scanned(ScannedText::new(receipt))]);
        // A person who presses a few keys scans nothing.
        type_in(&bench, "Y2");
        key(&bench, Key::Return);
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn why_a_scan_was_of_no_use_is_said_over_whatever_is_shown() {
    for bench in benches() {
        let note = Reason::of(ReasonKind::ScanPaysLater);
        let said = note.sentences(yima::wording::Language::English);
        bench.show(View { scan_note: Some(note), ..keypad() });
        assert!(is_there(&bench, &format!("{} {}", said.what, said.advice)));
        bench.show(keypad());
        assert!(!is_there(&bench, &format!("{} {}", said.what, said.advice)));
    }
}

#[test]
fn favourites_and_the_cart_are_a_touch_away() {
    for bench in benches() {
        bench.show(keypad());
        touch(&bench, "豆浆, ¥3.00 / piece");
        touch(&bench, "Goods 3");
        assert_eq!(sent(&bench), [ShopIntent::Add(number(1)), ShopIntent::ShowCart]);
    }
}

#[test]
fn lines_count_up_and_down_and_the_whole_is_paid_by_one_touch() {
    for bench in benches() {
        bench.show(shown(cart()));
        touch(&bench, "One more, line 1: 豆浆");
        touch(&bench, "One fewer, line 1: 豆浆");
        touch(&bench, "Hold");
        touch(&bench, "Charge 60.00");
        let wanted = [ShopIntent::OneMore(0), ShopIntent::OneFewer(0), ShopIntent::Hold, ShopIntent::Pay];
        assert_eq!(sent(&bench), wanted);
        bench.show(shown(CartView { page: 1, ..fullest_cart() }));
        touch(&bench, "Next page");
        touch(&bench, "Page before");
        assert_eq!(sent(&bench), [ShopIntent::TurnTo(2), ShopIntent::TurnTo(0)]);
    }
}

#[test]
fn a_line_is_changed_by_what_is_typed() {
    for bench in benches() {
        bench.show(shown(cart()));
        touch(&bench, "豆浆, 2 × 3.00, 6.00");
        touch(&bench, "Quantity");
        for label in ["2", "4"] {
            touch(&bench, label);
        }
        // Whatever is shown anew meanwhile does not take it away.
        bench.show(View { queued: 1, ..shown(cart()) });
        touch(&bench, "Set to 24");
        assert_eq!(sent(&bench), [ShopIntent::Pieces(0, 24)]);
        touch(&bench, "苹果, 0.532 kg × 12.00 / kg, 6.00");
        assert!(!is_there(&bench, "Quantity"), "it was weighed");
        touch(&bench, "Discount");
        type_in(&bench, "10");
        touch(&bench, "Take off 10%");
        touch(&bench, "豆浆, 2 × 3.00, 6.00");
        touch(&bench, "Take out");
        touch(&bench, "Discount");
        type_in(&bench, "250");
        touch(&bench, "Take off ¥2.50");
        touch(&bench, "Discount");
        touch(&bench, "Nothing off");
        let wanted = [
            ShopIntent::Discount(Some(1), Some(Discount::Percent(1000))),
            ShopIntent::Remove(0),
            ShopIntent::Discount(None, Some(Discount::Minor(250))),
            ShopIntent::Discount(None, None),
        ];
        assert_eq!(sent(&bench), wanted);
    }
}

#[test]
fn what_is_sold_by_weight_is_asked_for_in_grams() {
    for bench in benches() {
        bench.show(shown(CartView { weighing: Some(good(3, "苹果", 1_200, Unit::Kilogram)), ..cart() }));
        type_in(&bench, "532");
        key(&bench, Key::Return);
        assert_eq!(sent(&bench), [ShopIntent::Weighed(number(3), 532)]);
        key(&bench, Key::Escape);
    }
}

#[test]
fn carts_that_were_put_aside_are_taken_up_by_touch_or_key() {
    for bench in benches() {
        bench.show(shown(CartView { total: cny(0), ..fullest_cart() }));
        touch(&bench, "Held 6");
        press(&bench, "2");
        assert_eq!(sent(&bench), [ShopIntent::TakeUp(2)]);
    }
}

#[test]
fn goods_are_found_by_letters_on_the_screen_and_on_a_keyboard() {
    for bench in benches() {
        bench.show(shown(cart()));
        touch(&bench, "Find");
        bench.show(view(found("")));
        touch(&bench, "K");
        type_in(&bench, "k1");
        key(&bench, Key::Backspace);
        let search = |text: &str| ShopIntent::Search(text.to_owned(), 0);
        assert_eq!(sent(&bench), [search(""), search("k"), search("kk"), search("kk1"), search("kk")]);
        // What was found before is not what is typed now.
        key(&bench, Key::Return);
        assert_eq!(sent(&bench), []);
        bench.show(view(found("kk")));
        key(&bench, Key::Return);
        touch(&bench, "苹果, ¥12.00 / 500g");
        touch(&bench, "Next page");
        key(&bench, Key::Escape);
        let wanted = [
            ShopIntent::Add(number(1)),
            ShopIntent::Add(number(3)),
            ShopIntent::Search("kk".to_owned(), 2),
            ShopIntent::ShowCart,
        ];
        assert_eq!(sent(&bench), wanted);
    }
}

#[test]
fn a_tills_cart_takes_the_keypads_place_and_gives_way_to_what_is_typed_and_to_alarms() {
    for bench in benches() {
        let shown = || View { display: Some(till_cart(2)), ..view(Screen::Keypad { notice: None }) };
        bench.show(shown());
        assert!(is_there(&bench, "苹果, 0.532 kg, 6.38"));
        assert!(!is_there(&bench, "Charge 0.00"));
        touch(&bench, "Keypad");
        key(&bench, Key::Escape);
        let leave = Intent::Till(TillIntent::Display(None));
        assert_eq!(bench.sent(), [leave.clone(), leave]);
        bench.show(View { display: None, ..shown() });
        press(&bench, "5");
        bench.show(shown());
        assert!(is_there(&bench, "Charge 0.05"), "who types an amount goes on with it");
        key(&bench, Key::Escape);
        let notice = Some(Reason::of(ReasonKind::ReversalExhausted));
        bench.show(View { display: Some(till_cart(2)), ..view(Screen::Keypad { notice }) });
        assert!(is_there(&bench, "Charge 0.00"));
    }
}

/// What a wallet shows: its number, and the form of EMVCo with the signs of base 64.
const CODES: [&str; 2] = ["6299990000000000017", "hQVDUFYwMWETTwegAAADMwEBUAhVbmlvblBheQ+/AZ=="];

#[test]
fn a_scanner_that_types_brings_the_customers_code_wherever_one_is_waited_for() {
    let amount = || cny(1234);
    let shown =
        || Screen::ShowCode { amount: amount(), code: "000201".repeat(9), valid_until: None, paper: CodePaper::None };
    let waits = |progress| Screen::Processing { amount: amount(), progress };
    for bench in benches() {
        for screen in [
            Screen::PresentCard { amount: amount(), notice: None },
            shown(),
            waits(Progress::ReversingEarlier),
            waits(Progress::SigningOn),
            waits(Progress::WaitingForCustomer),
            purchase_screen(purchase()),
        ] {
            bench.show(View { codes: true, ..view(screen.clone()) });
            for code in CODES {
                type_in(&bench, code);
                key(&bench, Key::Return);
                // Some scanners end with two of them.
                key(&bench, Key::Return);
                let sent = bench.sent();
                let scanned = |intent: &Intent| matches!(intent, Intent::PayByScanned(Ok(it)) if it.expose() == code);
                assert!(sent.len() == 1 && scanned(&sent[0]), "{screen:?}: {sent:?}");
            }
        }
    }
}

#[test]
fn where_no_code_is_taken_a_scanner_types_to_nobody_and_half_a_code_is_not_the_next_ones() {
    let asks = |codes| View { codes, ..view(Screen::PresentCard { amount: cny(1234), notice: None }) };
    for bench in benches() {
        bench.show(asks(false));
        type_in(&bench, CODES[0]);
        key(&bench, Key::Return);
        assert_eq!(bench.sent(), []);
        // Half of it comes while one customer pays, and the next one's is whole.
        bench.show(asks(true));
        type_in(&bench, &CODES[0][..9]);
        bench.show(asks(false));
        bench.show(asks(true));
        type_in(&bench, CODES[0]);
        key(&bench, Key::Return);
        let sent = bench.sent();
        assert!(matches!(&sent[..], [Intent::PayByScanned(Ok(code))] if code.expose() == CODES[0]), "{sent:?}");
    }
}
