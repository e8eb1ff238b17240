//! At the screen: signing on, rights that a manager gives, the lock, the drawer.

use std::time::Duration;

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use yima::app::Ending;
use yima::app::settlement_view::SettlementIntent;
use yima::app::shop_view::ShopIntent;
use yima::app::staff_view::{CodePurpose, PersonState, StaffIntent};
use yima::app::view::{Intent, Screen};
use yima::card_number::TypedCard;
use yima::catalogue::Catalogue;
use yima::goods::table::Table;
use yima::money::{Amount, Currency};
use yima::payment::purpose::Purpose;
use yima::payment::transaction::{Kind, Presence};
use yima::people::{Movement, Right};
use yima::sandbox::card::hand::reader_and_hand;
use yima::sandbox::stripe::StripeCard;
use yima::wording::ReasonKind;

use crate::staff::{
    CASHIERS, MANAGERS, WRONG, audit, code, no_file_has_a_code, number, signing_on, start, terminal, told,
};
use crate::terminal::{Reversal, Sale, Terminal, is_keypad};

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

#[test]
fn a_terminal_without_people_asks_nobody() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = start(&terminal);
    running.until("keypad", is_keypad);
    assert!(!running.last.as_ref().unwrap().duty.people);
    running.charge("12.34");
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved);
    assert_eq!(terminal.ledger().find(report.trace.unwrap()).unwrap().unwrap().cashier, None);
    assert!(audit(&terminal).is_empty());
}

#[test]
fn a_manager_is_set_up_on_the_screen_and_from_then_on_everybody_signs_on() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = start(&terminal);
    running.until("keypad", is_keypad);
    running.staff(StaffIntent::ShowPeople(0));
    assert!(running.until_people("nobody", |people| people.rows.is_empty()).first);
    running.staff(StaffIntent::Add(number(1)));
    let first = running.until_people("refused", |people| people.notice.is_some());
    assert_eq!(first.notice.unwrap().kind, ReasonKind::ManagerCodeFirst);
    running.staff(StaffIntent::Add(number(99)));
    running.until_people("added", |people| people.rows.len() == 1);
    for (one, other, why) in [
        ("603184", "603185", ReasonKind::CodesDiffer),
        ("60318", "60318", ReasonKind::CodeTooShort),
        ("123456", "123456", ReasonKind::CodeTooEasy),
    ] {
        running.staff(StaffIntent::GiveCode(number(99), code(one), code(other)));
        running.until_people("refused", |people| people.notice.as_ref().is_some_and(|notice| notice.kind == why));
    }
    running.staff(StaffIntent::GiveCode(number(99), code(MANAGERS), code(MANAGERS)));
    running.until_code("asked to sign on", |view| view.purpose == CodePurpose::SignOn);
    // Nothing is done until somebody has.
    running.charge("12.34");
    running.wish(Intent::ShowTransactions(0));
    running.sign_on(99);
    running.staff(StaffIntent::ShowPeople(0));
    running.staff(StaffIntent::Add(number(7)));
    running.until_people("added", |people| people.rows.len() == 2 && people.rows[0].state == PersonState::NoCode);
    running.staff(StaffIntent::GiveCode(number(7), code(CASHIERS), code(CASHIERS)));
    running.until_people("ready", |people| people.rows[0].state == PersonState::Ready);
    running.staff(StaffIntent::SignOff);
    running.sign_on(7);
    running.charge("12.34");
    let report = running.report();
    assert_eq!(report.ending, Ending::Approved);
    assert_eq!(terminal.rows().len(), 1, "what was wanted before is not done");
    assert_eq!(terminal.rows()[0].cashier, Some(number(7)));
    drop(running);
    let expected = [
        "added 99",
        "code_given 99",
        "signed_on 99",
        "added 07 by 99",
        "code_given 07 by 99",
        "signed_off 99",
        "signed_on 07",
    ];
    assert_eq!(told(&audit(&terminal)), expected);
    no_file_has_a_code(terminal.folder.path());
}

#[test]
fn a_managers_code_lets_a_cashier_do_it_once_and_it_is_written_down_by_whom() {
    let terminal = terminal();
    let mut running = start(&terminal);
    running.sign_on(1);
    let mut paid = Vec::new();
    for _ in 0..2 {
        running.charge("12.34");
        paid.push(running.report().trace.unwrap());
        running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
        running.wish(Intent::NextCustomer);
        running.until("keypad", is_keypad);
    }
    let void = |trace| Intent::Begin(Purpose::Void(trace, Presence::CardThere));
    running.wish(void(paid[0]));
    let asked = running.until_code("asked", |view| view.purpose == CodePurpose::Right(Right::Void));
    assert_eq!(asked.person.unwrap().number, number(99), "the only manager");
    running.staff(StaffIntent::GiveRight(number(1), code(CASHIERS)));
    let kind = |view: &yima::app::staff_view::CodeView| view.notice.as_ref().map(|notice| notice.kind);
    running.until_code("no manager", |view| kind(view) == Some(ReasonKind::ManagerNeeded));
    running.staff(StaffIntent::GiveRight(number(99), code(WRONG)));
    running.until_code("wrong", |view| kind(view) == Some(ReasonKind::CodeWrong));
    running.staff(StaffIntent::GiveRight(number(99), code(MANAGERS)));
    let report = running.report();
    assert_eq!((report.kind, report.ending), (Kind::Void, Ending::Approved));
    let row = terminal.ledger().find(report.trace.unwrap()).unwrap().unwrap();
    assert_eq!(row.cashier, Some(number(1)), "the cashier did it, with the manager's leave");
    running.until("voided", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    // Once is once.
    running.wish(void(paid[1]));
    running.until_code("asked again", |view| view.purpose == CodePurpose::Right(Right::Void));
    running.staff(StaffIntent::Leave);
    running.until("keypad", is_keypad);
    running.wish(Intent::Settle { without_undecided: false });
    running.until_code("to settle", |view| view.purpose == CodePurpose::Right(Right::Settle));
    running.wish(Intent::ShowKeypad);
    running.until("keypad", is_keypad);
    drop(running);
    assert_eq!(terminal.rows().len(), 3);
    let entries = audit(&terminal);
    let at_the_screen: Vec<_> = told(&entries).into_iter().skip(6).collect();
    let expected = [
        "signed_on 01",
        "right_asked 01 void",
        "turned_away 01",
        "wrong_code 99",
        "right_given 01 by 99 void",
        "right_asked 01 void",
        "right_refused 01 void",
        "right_asked 01 settle",
        "right_refused 01 settle",
    ];
    assert_eq!(at_the_screen, expected);
    let given = entries.iter().find(|entry| entry.deed.word() == "right_given").unwrap();
    assert_eq!(given.detail, paid[0].to_string());
    no_file_has_a_code(terminal.folder.path());
}

#[test]
fn a_manager_needs_nobody_and_settings_say_what_a_cashier_needs_one_for() {
    let terminal = terminal();
    let mut running = start(&terminal);
    running.sign_on(99);
    running.charge("1.00");
    let trace = running.report().trace.unwrap();
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    running.wish(Intent::Begin(Purpose::Refund(trace, None)));
    assert_eq!(running.report().ending, Ending::Approved);
    drop(running);
    let mut running = terminal.start_with("unionpay-debit", |parts| {
        let mut parts = signing_on(parts);
        parts.staff.with_manager = vec![Right::Sale];
        parts
    });
    running.until_code("locked", |view| view.purpose == CodePurpose::Unlock);
    running.staff(StaffIntent::SignOn(number(1), code(CASHIERS)));
    running.until("keypad", is_keypad);
    running.charge("1.00");
    running.until_code("asked", |view| view.purpose == CodePurpose::Right(Right::Sale));
    running.staff(StaffIntent::GiveRight(number(99), code(MANAGERS)));
    assert_eq!(running.report().ending, Ending::Approved);
}

#[test]
fn whoever_would_type_a_cards_number_asks_the_manager_first() {
    let terminal = terminal();
    // Nobody brings a card.
    let mut running = terminal.start_with("unionpay-debit", |parts| {
        let mut parts = signing_on(parts);
        parts.reader = Box::new(reader_and_hand().0);
        parts.entry.typed = vec![Kind::Sale];
        parts
    });
    running.sign_on(1);
    let waits = |screen: &Screen| matches!(screen, Screen::PresentCard { .. });
    for leave in [false, true] {
        running.charge("12.34");
        running.until("a card is wanted", waits);
        assert!(running.last.as_ref().unwrap().ways.typed);
        running.wish(Intent::TypeNumber);
        let asked = CodePurpose::Right(Right::TypedNumber);
        running.until_code("asked", |view| view.purpose == asked && !view.checking);
        if leave {
            running.staff(StaffIntent::Leave);
            running.until("keypad", is_keypad);
            continue;
        }
        running.staff(StaffIntent::GiveRight(number(99), code(MANAGERS)));
        running.until("a number is wanted", |screen| matches!(screen, Screen::TypeNumber { .. }));
        // One that is none may be typed again.
        running.wish(Intent::NumberTyped(TypedCard::parse("6228480000000001231", "1230")));
        running.until("once more", |screen| matches!(screen, Screen::TypeNumber { notice: Some(_), .. }));
        let pan = StripeCard::shipped("unionpay-debit").unwrap().pan;
        running.wish(Intent::NumberTyped(TypedCard::parse(&pan, "1230")));
        let report = running.report();
        assert_eq!((report.kind, report.ending), (Kind::Sale, Ending::Approved));
        running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
        running.wish(Intent::NextCustomer);
        running.until("keypad", is_keypad);
    }
    drop(running);
    assert_eq!(terminal.rows().len(), 1);
    assert_eq!(terminal.rows()[0].cashier, Some(number(1)));
    let given: Vec<_> = told(&audit(&terminal)).into_iter().filter(|told| told.contains("typed_number")).collect();
    let expected = [
        "right_asked 01 typed_number",
        "right_given 01 by 99 typed_number",
        "right_asked 01 typed_number",
        "right_refused 01 typed_number",
    ];
    assert_eq!(given, expected);
}

#[test]
fn a_cart_whose_cards_number_is_typed_with_a_managers_code_is_paid_and_gone() {
    let terminal = terminal();
    let mut catalogue = Catalogue::open(terminal.folder.path()).unwrap();
    let goods = Table::read("number,barcode,name,price\n1,6901028075763,Cola,3.50\n".as_bytes()).unwrap();
    catalogue.import(&goods, Currency::CNY).unwrap();
    let mut running = terminal.start_with("unionpay-debit", |parts| {
        let mut parts = signing_on(parts);
        parts.reader = Box::new(reader_and_hand().0);
        parts.entry.typed = vec![Kind::Sale];
        parts
    });
    running.sign_on(1);
    running.wish(Intent::Shop(ShopIntent::Scan("6901028075763".to_owned())));
    running.until("cart", |screen| matches!(screen, Screen::Cart(cart) if cart.total.minor() == 350));
    running.wish(Intent::Shop(ShopIntent::Pay));
    running.until("a card is wanted", |screen| matches!(screen, Screen::PresentCard { .. }));
    running.wish(Intent::TypeNumber);
    let asked = CodePurpose::Right(Right::TypedNumber);
    running.until_code("asked", |view| view.purpose == asked && !view.checking);
    running.staff(StaffIntent::GiveRight(number(99), code(MANAGERS)));
    running.until("a number is wanted", |screen| matches!(screen, Screen::TypeNumber { .. }));
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 1, "it is not paid yet");
    let pan = StripeCard::shipped("unionpay-debit").unwrap().pan;
    running.wish(Intent::NumberTyped(TypedCard::parse(&pan, "1230")));
    let report = running.report();
    assert_eq!((report.ending, report.amount.minor()), (Ending::Approved, 350));
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(running.last.as_ref().unwrap().shop.in_cart, 0, "nobody pays it twice");
}

#[test]
fn a_code_that_is_looked_at_when_its_question_is_left_opens_nothing_else() {
    let terminal = terminal();
    let mut running = start(&terminal);
    running.sign_on(1);
    for _ in 0..3 {
        running.wish(Intent::Settle { without_undecided: false });
        running.until_code("asked", |view| matches!(view.purpose, CodePurpose::Right(_)) && !view.checking);
        running.staff(StaffIntent::GiveRight(number(99), code(MANAGERS)));
        // Before anybody can know whether it is right.
        running.staff(StaffIntent::SignOff);
        running.staff(StaffIntent::SignOn(number(1), code(WRONG)));
        let wrong = running.until_code("wrong", |view| view.notice.is_some());
        assert_eq!(wrong.notice.unwrap().kind, ReasonKind::CodeWrong);
        running.sign_on(1);
    }
    drop(running);
    assert!(told(&audit(&terminal)).iter().all(|entry| !entry.starts_with("right_given")));
}

#[test]
fn a_restart_asks_whoever_was_signed_on_and_lets_another_take_over() {
    let terminal = terminal();
    let mut running = start(&terminal);
    running.sign_on(1);
    drop(running);
    let mut running = start(&terminal);
    let locked = running.until_code("locked", |view| view.purpose == CodePurpose::Unlock);
    assert_eq!(locked.person.unwrap().number, number(1));
    assert_eq!(running.last.as_ref().unwrap().duty.person, None, "nobody is there yet");
    running.sign_on(1);
    running.staff(StaffIntent::Lock);
    running.until_code("locked", |view| view.purpose == CodePurpose::Unlock);
    running.sign_on(2);
    drop(running);
    let at_the_screen: Vec<_> = told(&audit(&terminal)).into_iter().skip(6).collect();
    let expected = ["signed_on 01", "screen_unlocked 01", "screen_locked 01", "signed_off 01 by 02", "signed_on 02"];
    assert_eq!(at_the_screen, expected);
}

#[test]
fn a_screen_that_nobody_touches_is_locked_and_never_in_a_payment() {
    let terminal = terminal();
    let (answer, held) = channel();
    terminal.behave(Sale::Held(Arc::new(Mutex::new(held))), Reversal::Code("00"));
    let mut running = terminal.start_with("unionpay-debit", |parts| {
        let mut parts = signing_on(parts);
        parts.staff.lock_after = Some(Duration::from_millis(1500));
        parts
    });
    running.sign_on(1);
    running.charge("12.34");
    running.until("asking", |screen| matches!(screen, Screen::Processing { .. }));
    std::thread::sleep(Duration::from_millis(2500));
    while let Ok(view) = running.views.try_recv() {
        assert!(crate::staff::code_view(&view.screen).is_none(), "locked in the middle of a payment");
        running.last = Some(view);
    }
    answer.send(()).unwrap();
    assert_eq!(running.report().ending, Ending::Approved);
    let paid = running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert!(matches!(paid, Screen::Approved { .. }));
    running.wish(Intent::NextCustomer);
    running.until("keypad", is_keypad);
    running.until_code("locked", |view| view.purpose == CodePurpose::Unlock);
    // Whatever is wanted now waits for the code.
    running.charge("1.00");
    running.wish(Intent::ShowTransactions(0));
    running.sign_on(1);
    assert_eq!(terminal.rows().len(), 1);
    // A key on the keypad is a touch.
    for _ in 0..4 {
        std::thread::sleep(Duration::from_millis(700));
        running.staff(StaffIntent::Touched);
    }
    assert!(running.views.try_iter().all(|view| is_keypad(&view.screen)));
}

#[test]
fn a_shift_is_opened_and_its_drawer_counted_to_the_cent() {
    let terminal = terminal();
    let mut running = start(&terminal);
    running.sign_on(1);
    running.staff(StaffIntent::ShowShift);
    running.until_shift("none", |shift| shift.open.is_none());
    running.staff(StaffIntent::OpenShift(yuan(20_000)));
    running.until_shift("open", |shift| shift.open.is_some());
    running.staff(StaffIntent::MoveCash(Movement::PutIn, yuan(5_050)));
    running.staff(StaffIntent::MoveCash(Movement::TakenOut, yuan(99_999)));
    let refused = running.until_shift("refused", |shift| shift.notice.is_some());
    assert_eq!(refused.notice.unwrap().kind, ReasonKind::DrawerTooLittle);
    drop(running);
    // The power went: the shift is open all the same.
    let mut running = start(&terminal);
    running.sign_on(1);
    running.staff(StaffIntent::CloseShift(yuan(25_049)));
    let counted = running.until_shift("counted", |shift| shift.counted.is_some()).counted.unwrap();
    assert_eq!((counted.expected(), counted.difference()), (Ok(yuan(25_050)), Some(-1)));
    assert_eq!((counted.opened_by, counted.closing.unwrap().by), (Some(number(1)), Some(number(1))));
}

#[test]
fn somebody_who_is_disabled_elsewhere_is_signed_off_and_what_is_added_elsewhere_counts() {
    let terminal = terminal();
    let mut running = start(&terminal);
    running.sign_on(1);
    let mut of_terminal = crate::staff::setup(terminal.folder.path()).people().unwrap();
    of_terminal.people().enable(number(1), false, None, &mut |_| Ok(code(MANAGERS))).unwrap();
    running.until_code("signed off", |view| view.purpose == CodePurpose::SignOn);
    running.staff(StaffIntent::SignOn(number(1), code(CASHIERS)));
    let away = running.until_code("turned away", |view| view.notice.is_some());
    assert_eq!(away.notice.unwrap().kind, ReasonKind::PersonUnknown);
    running.sign_on(2);
}

#[test]
fn new_keys_of_the_terminal_are_the_way_back_from_a_managers_forgotten_code() {
    let terminal = terminal();
    let identity = terminal.folder.path().join("identity");
    let host = yima::sandbox::host::Host::prepare(&terminal.folder.path().join("host")).unwrap();
    // As after another activation code of the acquirer: the terminal has made keys anew.
    host.enrol(&yima::terminal::identity::Identity::load(&identity).unwrap()).unwrap();
    host.write_kit(&identity).unwrap();
    let mut running = start(&terminal);
    let first = running.until_people("a manager first", |people| people.first);
    assert!(first.rows.iter().all(|row| row.state == PersonState::NoCode), "no code counts any more");
    // Nobody else is let in before.
    running.staff(StaffIntent::GiveCode(number(1), code(CASHIERS), code(CASHIERS)));
    running.until_people("refused", |people| people.notice.is_some());
    running.charge("1.00");
    running.staff(StaffIntent::GiveCode(number(99), code(WRONG), code(WRONG)));
    running.until_code("asked to sign on", |view| view.purpose == CodePurpose::SignOn);
    running.staff(StaffIntent::SignOn(number(99), code(MANAGERS)));
    running.until_code("the old one counts no more", |view| view.notice.is_some());
    running.staff(StaffIntent::SignOn(number(99), code(WRONG)));
    running.until("signed on", is_keypad);
    assert!(terminal.rows().is_empty());
}

#[test]
fn the_merchants_money_does_not_stay_on_a_screen_that_nobody_touches() {
    let terminal = terminal();
    let mut running = terminal.start_with("unionpay-debit", |parts| {
        let mut parts = signing_on(parts);
        parts.staff.lock_after = Some(Duration::from_millis(1500));
        parts
    });
    running.until_code("locked out at first", |_| true);
    running.sign_on(1);
    running.wish(Intent::Settlement(SettlementIntent::Show));
    running.until("the open batch", |screen| matches!(screen, Screen::Settlement(_)));
    running.until_code("locked", |view| view.purpose == CodePurpose::Unlock);
}
