//! What is not done every day: setting aside, balances, tips, and what is done without the customer's card.

use slint::platform::Key;
use yima::app::instalments_view::InstalmentsIntent;
use yima::app::tip_view::TipIntent;
use yima::app::view::{Detail, Intent, Screen, View};
use yima::goods::sold::Sold;
use yima::money::Currency;
use yima::payment::purpose::Purpose;
use yima::payment::transaction::{Kind, Presence};
use yima::wording::{Reason, ReasonKind};

use crate::touching::{benches, is_there, key, press, touch};
use crate::views::{asks_for_tip, asks_in_how_many, at, cny, detail, instalments_shown, trace, view};

fn keypad() -> View {
    view(Screen::Keypad { notice: None })
}

fn shown(detail: Detail) -> View {
    view(Screen::Transaction(Box::new(detail)))
}

#[test]
fn what_the_bank_is_not_reached_for_is_sold_offline_by_one_touch_or_from_the_keypad_by_two() {
    for bench in benches() {
        let reason = Reason::of(ReasonKind::HostUnreachable);
        let not_paid = view(Screen::NotPaid { amount: cny(1234), reason, at: at(14, 26, 9) });
        bench.show(not_paid.clone());
        assert!(!is_there(&bench, "Sell offline: the bank is told later"), "the acquirer allows none");
        bench.show(View { offline: true, ..not_paid });
        touch(&bench, "Sell offline: the bank is told later");
        assert_eq!(bench.sent(), [Intent::SellOffline]);
        bench.show(keypad());
        touch(&bench, "More");
        assert!(!is_there(&bench, "Offline sale: key an amount first"));
        touch(&bench, "Back");
        bench.show(View { offline: true, ..keypad() });
        touch(&bench, "More");
        touch(&bench, "Offline sale: key an amount first");
        assert_eq!(bench.sent(), [], "nothing is sold where nothing was keyed");
        touch(&bench, "Back");
        touch(&bench, "9");
        touch(&bench, "More");
        touch(&bench, "Offline sale ¥0.09");
        assert_eq!(bench.sent(), [Intent::Begin(Purpose::Offline(cny(9), Sold::default()))]);
    }
}

#[test]
fn setting_aside_and_balances_are_two_touches_from_the_keypad() {
    for bench in benches() {
        bench.show(keypad());
        touch(&bench, "More");
        touch(&bench, "Set aside: key an amount first");
        assert_eq!(bench.sent(), [], "nothing is set aside where nothing was keyed");
        touch(&bench, "What is on the account?");
        assert_eq!(bench.sent(), [Intent::Begin(Purpose::Balance(Currency::CNY))]);
        assert!(!is_there(&bench, "What is on the account?"), "it is closed");
        for digit in ["1", "2", "3", "4"] {
            touch(&bench, digit);
        }
        touch(&bench, "More");
        touch(&bench, "Set aside ¥12.34");
        assert_eq!(bench.sent(), [Intent::Begin(Purpose::PreAuthorisation(cny(1234)))]);
        // A touch beside it, a key, or Back: nothing was meant.
        touch(&bench, "More");
        touch(&bench, "Back");
        key(&bench, Key::Menu);
        assert!(is_there(&bench, "What is on the account?"));
        key(&bench, Key::Escape);
        assert!(!is_there(&bench, "What is on the account?"));
        assert_eq!(bench.sent(), []);
        touch(&bench, "Charge 12.34");
        assert_eq!(bench.sent(), [Intent::Charge(cny(1234))], "what was keyed stands there still");
    }
}

#[test]
fn without_the_card_is_offered_where_the_acquirer_lets_it_stay_away() {
    for bench in benches() {
        bench.show(shown(Detail { can_undo_away: false, ..detail() }));
        touch(&bench, "Void");
        assert!(!is_there(&bench, "Void without the card"));
        bench.show(shown(detail()));
        touch(&bench, "Void without the card");
        touch(&bench, "Yes, void it");
        let void = |presence| Intent::Begin(Purpose::Void(trace(123), presence));
        assert_eq!(bench.sent(), [void(Presence::CardAway), void(Presence::CardThere)]);
    }
}

#[test]
fn what_was_set_aside_is_completed_with_the_card_without_it_or_only_told() {
    for bench in benches() {
        let held =
            Detail { can_refund: false, can_complete: true, can_complete_away: true, can_notify: true, ..detail() };
        let held =
            Detail { row: yima::app::view::TransactionRow { kind: Kind::PreAuthorisation.into(), ..held.row }, ..held };
        bench.show(shown(held.clone()));
        touch(&bench, "Complete");
        touch(&bench, "Complete 12.34");
        touch(&bench, "Without the card 12.34");
        touch(&bench, "Only tell the bank 12.34");
        let completion = |presence| Intent::Begin(Purpose::Completion(trace(123), Some(cny(1234)), presence));
        assert_eq!(
            bench.sent(),
            [
                completion(Presence::CardThere),
                completion(Presence::CardAway),
                Intent::Begin(Purpose::CompletionNotice(trace(123), Some(cny(1234))))
            ]
        );
        // More than was set aside is completed in no way.
        for digit in ["9", "9", "0", "0"] {
            touch(&bench, digit);
        }
        touch(&bench, "Without the card 99.00");
        touch(&bench, "Only tell the bank 99.00");
        assert_eq!(bench.sent(), []);
        key(&bench, Key::Escape);
        bench.show(shown(Detail { can_complete_away: false, can_notify: false, ..held }));
        touch(&bench, "Complete");
        assert!(!is_there(&bench, "Without the card 12.34") && !is_there(&bench, "Only tell the bank 12.34"));
    }
}

#[test]
fn what_was_set_aside_is_topped_up_by_as_much_as_is_keyed() {
    for bench in benches() {
        let row = yima::app::view::TransactionRow { kind: Kind::PreAuthorisation.into(), ..detail().row };
        let (whole, most) = (Some(cny(2234)), Some(cny(2569)));
        let held = Detail { row, can_refund: false, can_complete: true, can_top_up: true, whole, most, ..detail() };
        bench.show(shown(Detail { can_top_up: false, ..held.clone() }));
        assert!(!is_there(&bench, "Top up"));
        bench.show(shown(held));
        // The sum stands there, and of what is added nothing does.
        touch(&bench, "Top up");
        touch(&bench, "Top up 0.00");
        assert_eq!(bench.sent(), [], "nothing is added");
        for digit in ["9", "9", "0", "0"] {
            touch(&bench, digit);
        }
        touch(&bench, "Top up 99.00");
        let more = Intent::Begin(Purpose::TopUp(trace(123), cny(9900)));
        assert_eq!(bench.sent(), [more], "how much is too much says the bank");
        key(&bench, Key::Escape);
        // What is completed begins with all of it.
        touch(&bench, "Complete");
        touch(&bench, "Complete 22.34");
        assert_eq!(bench.sent().len(), 1);
        key(&bench, Key::Escape);
        press(&bench, "t");
        press(&bench, "5");
        key(&bench, Key::Return);
        assert_eq!(bench.sent(), [Intent::Begin(Purpose::TopUp(trace(123), cny(5)))]);
    }
}

#[test]
fn a_customer_chooses_a_tip_or_none_by_one_touch_or_key() {
    for bench in benches() {
        bench.show(view(asks_for_tip(&[10, 15, 20])));
        touch(&bench, "Tip ¥1.85: ¥14.19 in all");
        touch(&bench, "No tip");
        touch(&bench, "Back");
        press(&bench, "3");
        press(&bench, "4");
        key(&bench, Key::Return);
        key(&bench, Key::Escape);
        let wishes = [
            TipIntent::Give(1),
            TipIntent::GiveNone,
            TipIntent::Leave,
            TipIntent::Give(2),
            TipIntent::GiveNone,
            TipIntent::Leave,
        ];
        assert_eq!(bench.sent(), wishes.map(Intent::Tip), "there is no fourth offer");
    }
}

#[test]
fn instalments_are_offered_from_the_acquirers_amount_on_and_nowhere_else() {
    for bench in benches() {
        let offers = |screen| View { instalments: instalments_shown(None), ..view(screen) };
        bench.show(offers(Screen::Keypad { notice: None }));
        for digit in ["4", "9", "9"] {
            touch(&bench, digit);
        }
        touch(&bench, "More");
        assert!(!is_there(&bench, "Pay ¥4.99 by instalments"), "it is too little");
        key(&bench, Key::Escape);
        touch(&bench, "0");
        touch(&bench, "More");
        touch(&bench, "Pay ¥49.90 by instalments");
        assert_eq!(bench.sent(), [Intent::Instalments(InstalmentsIntent::Ask(cny(4990)))]);
        assert!(!is_there(&bench, "Pay ¥49.90 by instalments"), "it is closed");
        // An acquirer that has none.
        bench.show(keypad());
        touch(&bench, "More");
        assert!(!is_there(&bench, "Pay ¥49.90 by instalments"));
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn a_customer_chooses_in_how_many_or_to_pay_at_once_by_one_touch_or_key() {
    for bench in benches() {
        bench.show(view(asks_in_how_many(&[3, 6, 12])));
        touch(&bench, "6 instalments of about ¥100.01");
        touch(&bench, "Pay at once");
        touch(&bench, "Back");
        press(&bench, "3");
        press(&bench, "4");
        key(&bench, Key::Return);
        key(&bench, Key::Escape);
        let wishes = [
            InstalmentsIntent::Choose(1),
            InstalmentsIntent::AtOnce,
            InstalmentsIntent::Leave,
            InstalmentsIntent::Choose(2),
            InstalmentsIntent::AtOnce,
            InstalmentsIntent::Leave,
        ];
        assert_eq!(bench.sent(), wishes.map(Intent::Instalments), "there is no fourth offer");
    }
}
