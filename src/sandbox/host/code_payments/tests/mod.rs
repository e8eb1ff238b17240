//! Orders without a network: what terminals ask, what customers do, and how much is where afterwards.

mod counter;
mod invariant;

use self::counter::{Counter, code_of, elements};
use super::wallets::Paying;
use super::{OrderState, Way};
use crate::acquirer::code_payments::CodeRequest;
use crate::qr::merchant::{MerchantPresented, Price};

#[test]
fn a_code_is_charged_once_and_the_same_request_is_the_same_order() {
    let counter = Counter::new();
    let code = counter.code("wallet-1");
    let first = counter.pay(1, 1234, &code);
    assert_eq!((code_of(&first), counter.balance("wallet-1")), ("00", 1_000_000 - 1234));
    assert_eq!(elements(&first), [("04", "TEST0000000000000001")]);
    let again = counter.pay(1, 1234, &code);
    assert_eq!((code_of(&again), &again.decision.rrn, again.is_new), ("00", &first.decision.rrn, false));
    assert_eq!(code_of(&counter.pay(1, 1235, &code)), "94", "another request with its number");
    assert_eq!(code_of(&counter.pay(2, 1234, &code)), "56", "a code is used once");
    assert_eq!(counter.balance("wallet-1"), 1_000_000 - 1234);
}

#[test]
fn a_code_is_good_for_a_minute_and_only_where_somebody_made_it() {
    let mut counter = Counter::new();
    let code = counter.code("wallet-1");
    counter.now_s += 60;
    for (stan, code) in [(1, code.as_str()), (2, "281234567890123456")] {
        assert_eq!(code_of(&counter.pay(stan, 100, code)), "56");
    }
    assert_eq!(counter.order(1).state, OrderState::Refused);
    assert_eq!(counter.outcome(1, 100), "56");
}

#[test]
fn above_its_limit_a_wallet_asks_for_the_password_and_then_pays() {
    let counter = Counter::new();
    let code = counter.code("wallet-1");
    assert_eq!(code_of(&counter.pay(1, 60_000, &code)), "09");
    assert_eq!((counter.outcome(1, 60_000).as_str(), counter.balance("wallet-1")), ("09", 1_000_000));
    assert_eq!(counter.customer_pays("wallet-2", 1, Some("123456")), Paying::Over, "it is another customer's");
    for (password, paying) in [
        (None, Paying::PasswordNeeded),
        (Some("000000"), Paying::WrongPassword),
        (Some("123456"), Paying::Paid),
        (Some("123456"), Paying::Over),
    ] {
        assert_eq!(counter.customer_pays("wallet-1", 1, password), paying);
    }
    assert_eq!((counter.outcome(1, 60_000).as_str(), counter.balance("wallet-1")), ("00", 940_000));
    assert_eq!(code_of(&counter.pay(1, 60_000, &code)), "00", "asked again it is how it stands");
}

#[test]
fn three_wrong_passwords_or_a_refusal_or_too_little_end_a_scanned_order() {
    let counter = Counter::new();
    assert_eq!(code_of(&counter.pay(1, 60_000, &counter.code("wallet-1"))), "09");
    for paying in [Paying::WrongPassword, Paying::WrongPassword, Paying::TooManyWrong, Paying::Over] {
        assert_eq!(counter.customer_pays("wallet-1", 1, Some("1")), paying);
    }
    assert_eq!(counter.outcome(1, 60_000), "75");
    assert_eq!(code_of(&counter.pay(2, 60_000, &counter.code("wallet-1"))), "09");
    assert!(counter.customer_refuses("wallet-1", 2));
    assert_eq!(counter.outcome(2, 60_000), "17");
    assert_eq!(code_of(&counter.pay(3, 5001, &counter.code("wallet-2"))), "51");
    assert_eq!(code_of(&counter.pay(4, 100_001, &counter.code("wallet-2"))), "09");
    assert_eq!(counter.customer_pays("wallet-2", 4, Some("123456")), Paying::TooLittle);
    assert_eq!(counter.outcome(4, 100_001), "51");
    assert_eq!((counter.balance("wallet-1"), counter.balance("wallet-2")), (1_000_000, 5_000));
}

#[test]
fn a_code_is_shown_scanned_and_paid() {
    let counter = Counter::new();
    let opened = counter.open(1, 1234, 60);
    assert_eq!(code_of(&opened), "00");
    let code = elements(&opened)[0].1.to_owned();
    let read = MerchantPresented::read(&code).unwrap();
    assert!(matches!(read.price, Price::Fixed(amount) if amount.minor() == 1234), "{read:?}");
    assert_eq!(read.additional.terminal_label.as_deref(), Some("10000001"));
    assert_eq!(elements(&counter.open(1, 1234, 60))[0].1, code, "the same order has the same code");
    assert_eq!(counter.outcome(1, 1234), "09");
    // One customer has too little, and the next one may pay.
    assert_eq!(code_of(&counter.open(2, 9999, 60)), "00");
    assert_eq!(counter.customer_pays("wallet-2", 2, None), Paying::TooLittle);
    assert!(!counter.customer_refuses("wallet-2", 2));
    assert_eq!(counter.customer_pays("wallet-1", 2, None), Paying::Paid);
    assert_eq!(counter.customer_pays("wallet-3", 1, Some("123456")), Paying::Paid);
    let order = counter.order(1);
    assert_eq!((order.way, order.state, order.wallet.as_deref()), (Way::Shown, OrderState::Paid, Some("wallet-3")));
    assert_eq!(counter.balance("wallet-3"), 200_000 - 1234);
}

#[test]
fn what_nobody_pays_in_time_is_closed() {
    let mut counter = Counter::new();
    counter.open(1, 1234, 60);
    assert_eq!(code_of(&counter.pay(2, 60_000, &counter.code("wallet-1"))), "09");
    counter.now_s += 60;
    assert_eq!(counter.customer_pays("wallet-1", 1, None), Paying::Over);
    assert_eq!((counter.outcome(1, 1234), counter.outcome(2, 60_000)), ("17".to_owned(), "09".to_owned()));
    counter.now_s += 60;
    assert_eq!(counter.customer_pays("wallet-1", 2, Some("123456")), Paying::Over);
    assert_eq!((counter.outcome(2, 60_000).as_str(), counter.balance("wallet-1")), ("17", 1_000_000));
}

#[test]
fn a_cancelled_order_is_paid_back_or_never_paid_and_asked_twice_says_the_same() {
    let counter = Counter::new();
    let code = counter.code("wallet-1");
    counter.pay(1, 1234, &code);
    for _ in 0..2 {
        assert_eq!(
            (counter.cancel(1, 1234), counter.balance("wallet-1")),
            (("00".to_owned(), "00".to_owned()), 1_000_000)
        );
    }
    assert_eq!(counter.outcome(1, 1234), "17", "it is paid no more");
    assert_eq!(code_of(&counter.pay(1, 1234, &code)), "17");
    counter.open(2, 1234, 60);
    for _ in 0..2 {
        assert_eq!(counter.cancel(2, 1234), ("00".to_owned(), "17".to_owned()));
    }
    assert_eq!(counter.customer_pays("wallet-1", 2, None), Paying::Over);
    assert_eq!((counter.balance("wallet-1"), counter.order(2).cancels), (1_000_000, 2));
}

#[test]
fn an_order_that_is_cancelled_before_it_comes_is_never_paid() {
    let counter = Counter::new();
    assert_eq!(code_of(&counter.ask(CodeRequest::Enquire, 1, 1234, &[], None)), "25");
    assert_eq!(counter.cancel(1, 1234), ("00".to_owned(), "25".to_owned()));
    assert_eq!(code_of(&counter.ask(CodeRequest::Enquire, 1, 1234, &[], None)), "25", "it is as unknown as before");
    assert_eq!(code_of(&counter.pay(1, 1234, &counter.code("wallet-1"))), "94");
    assert_eq!((code_of(&counter.open(1, 1234, 60)), counter.balance("wallet-1")), ("94", 1_000_000));
}

#[test]
fn another_order_that_happens_to_have_the_number_is_left_alone() {
    let counter = Counter::new();
    counter.pay(1, 1234, &counter.code("wallet-1"));
    assert_eq!(counter.cancel(1, 1235).0, "12");
    for (field, other) in [(12, "140306"), (13, "1121")] {
        for (request, code) in [(CodeRequest::Cancel, "12"), (CodeRequest::Enquire, "25")] {
            let message = counter.message(request, 1, 1234, &[], None).with_text(field, other);
            assert_eq!(code_of(&counter.send(request, &message)), code, "{request:?} {field}");
        }
    }
    let other_day = counter.message(CodeRequest::Refund, 2, 34, &[], Some(1)).with_text(61, "0000010000011121");
    assert_eq!(code_of(&counter.send(CodeRequest::Refund, &other_day)), "25");
    assert_eq!(counter.balance("wallet-1"), 1_000_000 - 1234);
}

#[test]
fn a_paid_order_goes_back_in_parts_and_no_further() {
    let counter = Counter::new();
    counter.pay(1, 1000, &counter.code("wallet-1"));
    let refund = |stan, minor| counter.ask(CodeRequest::Refund, stan, minor, &[], Some(1));
    for (stan, minor, code, back) in
        [(2, 300, "00", 300), (2, 300, "00", 300), (2, 301, "94", 300), (3, 701, "13", 300), (4, 600, "00", 900)]
    {
        assert_eq!(code_of(&refund(stan, minor)), code, "{stan} {minor}");
        assert_eq!(counter.balance("wallet-1"), 1_000_000 - 1000 + back, "{stan} {minor}");
    }
    let newer = counter.message(CodeRequest::Refund, 2, 300, &[], Some(1)).with_text(59, "of a newer program");
    assert_eq!(code_of(&counter.send(CodeRequest::Refund, &newer)), "00");
    assert_eq!(counter.balance("wallet-1"), 999_900);
    assert_eq!(counter.cancel(1, 1000), ("00".to_owned(), "00".to_owned()), "the rest goes back");
    assert_eq!(counter.balance("wallet-1"), 1_000_000);
    assert_eq!(code_of(&refund(5, 1)), "12");
    assert_eq!(code_of(&refund(2, 300)), "00", "what was done stays done");
    counter.open(6, 500, 60);
    assert_eq!(code_of(&counter.ask(CodeRequest::Refund, 7, 1, &[], Some(6))), "25", "nobody has paid it");
    assert_eq!(code_of(&counter.ask(CodeRequest::Refund, 8, 1, &[], Some(99))), "25");
    let stranger = counter.message(CodeRequest::Refund, 9, 1, &[], Some(1)).with_text(37, "000000000000");
    assert_eq!(code_of(&counter.send(CodeRequest::Refund, &stranger)), "25");
    assert_eq!(counter.balance("wallet-1"), 1_000_000);
}

#[test]
fn amounts_of_66_refuse_orders_and_refunds() {
    let counter = Counter::new();
    assert_eq!(code_of(&counter.pay(1, 66_05, &counter.code("wallet-1"))), "05");
    assert_eq!(code_of(&counter.open(2, 66_61, 60)), "61");
    counter.pay(3, 10_000, &counter.code("wallet-1"));
    assert_eq!(code_of(&counter.ask(CodeRequest::Refund, 4, 66_05, &[], Some(3))), "05");
    assert_eq!(counter.balance("wallet-1"), 990_000);
}

#[test]
fn what_cannot_be_read_is_refused_and_written_down_nowhere() {
    let counter = Counter::new();
    let code = counter.code("wallet-1");
    let pay = counter.message(CodeRequest::Pay, 1, 100, &[("01", &code)], None);
    for (message, refused) in [
        (pay.clone().without(57), "30"),
        (pay.clone().without(4), "30"),
        (pay.clone().with_text(4, "000000000000"), "13"),
        (pay.clone().with_text(49, "840"), "12"),
        (pay.with_text(60, "71"), "30"),
    ] {
        assert_eq!(code_of(&counter.send(CodeRequest::Pay, &message)), refused);
    }
    for valid in ["0", "601", "-1", "x"] {
        let open = counter.message(CodeRequest::Open, 1, 100, &[("02", valid)], None);
        assert_eq!(code_of(&counter.send(CodeRequest::Open, &open)), "30", "{valid}");
    }
    assert!(counter.store.code_orders().unwrap().is_empty());
}

#[test]
fn a_number_is_a_card_transactions_or_an_orders() {
    let counter = Counter::new();
    counter.pay(1, 100, &counter.code("wallet-1"));
    assert_eq!(counter.sale(1, 100), "94");
    assert_ne!(counter.sale(2, 66_05), "94", "declined, and the number is used");
    assert_eq!(code_of(&counter.pay(2, 100, &counter.code("wallet-1"))), "94");
    assert_eq!(counter.cancel(2, 66_05).0, "12");
    assert_eq!(code_of(&counter.ask(CodeRequest::Refund, 1, 1, &[], Some(1))), "94");
    assert_eq!(counter.balance("wallet-1"), 999_900);
}

#[test]
fn what_is_over_stays_over_whatever_is_written() {
    let counter = Counter::new();
    counter.pay(1, 100, &counter.code("wallet-1"));
    counter.cancel(1, 100);
    for state in ["open", "paid", "closed"] {
        let sql = format!("UPDATE code_orders SET state = '{state}'");
        assert!(counter.store.connection().execute_batch(&sql).is_err(), "{state}");
    }
}
