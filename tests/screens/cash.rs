//! Cash by touch and by keys.

use slint::platform::Key;
use yima::app::cash_view::{CashFor, CashIntent, DrawerView};
use yima::app::view::{Intent, Screen};
use yima::receipt::CopyFor;

use crate::platform::Bench;
use crate::touching::{benches, is_there, key, press, touch};
use crate::views::{asks, cart, cny, done, taken, view};

fn sent(bench: &Bench) -> Vec<CashIntent> {
    let of_cash = |intent| match intent {
        Intent::Cash(intent) => intent,
        intent => unreachable!("{intent:?} was sent"),
    };
    bench.sent().into_iter().map(of_cash).collect()
}

fn type_in(bench: &Bench, text: &str) {
    for character in text.chars() {
        press(bench, &character.to_string());
    }
}

#[test]
fn cash_is_a_touch_away_on_keypad_and_cart_where_it_is_taken_and_nowhere_else() {
    for bench in benches() {
        bench.show(view(Screen::Keypad { notice: None }));
        assert!(!is_there(&bench, "Cash"));
        bench.show(taken(Screen::Keypad { notice: None }));
        touch(&bench, "Cash");
        assert_eq!(sent(&bench), [], "nothing is to be paid yet");
        type_in(&bench, "1234");
        touch(&bench, "Cash");
        bench.show(taken(Screen::Cart(Box::new(cart()))));
        touch(&bench, "Cash");
        let wanted = [CashIntent::Begin(CashFor::Amount(cny(1234))), CashIntent::Begin(CashFor::Cart)];
        assert_eq!(sent(&bench), wanted);
    }
}

#[test]
fn what_is_given_is_touched_or_typed_and_too_little_is_not_taken() {
    for bench in benches() {
        bench.show(taken(asks(1234, None)));
        touch(&bench, "Exactly 12.34");
        touch(&bench, "Given 20");
        assert_eq!(sent(&bench), [CashIntent::Take(cny(1234)), CashIntent::Take(cny(2000))]);
        type_in(&bench, "1233");
        key(&bench, Key::Return);
        touch(&bench, "Take 12.33");
        assert_eq!(sent(&bench), [], "it is less than what is to be paid");
        key(&bench, Key::Delete);
        type_in(&bench, "5000");
        assert!(is_there(&bench, "Change ¥37.66"));
        key(&bench, Key::Return);
        key(&bench, Key::Escape);
        assert_eq!(sent(&bench), [CashIntent::Take(cny(5000)), CashIntent::Leave]);
        // What was typed for one customer is not there for the next.
        bench.show(taken(Screen::Keypad { notice: None }));
        bench.show(taken(asks(500, None)));
        assert!(is_there(&bench, "Take 0.00"));
    }
}

#[test]
fn change_stands_large_until_the_next_customer() {
    for bench in benches() {
        let copies = [(CopyFor::Customer, yima::app::view::CopyState::Printed)];
        bench.show(taken(done(Some(cny(2000)), 1234, DrawerView::Opened, &copies)));
        for said in ["Change", "20.00 given for 12.34", "The drawer is open"] {
            assert!(is_there(&bench, said), "{said}");
        }
        touch(&bench, "Next customer");
        key(&bench, Key::Return);
        assert_eq!(bench.sent(), [Intent::NextCustomer, Intent::NextCustomer]);
        bench.show(taken(done(None, 1234, DrawerView::Opened, &copies)));
        assert!(is_there(&bench, "Give back") && !is_there(&bench, "Change"));
    }
}
