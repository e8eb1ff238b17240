//! Paid, refused, cancelled, expired, refunded; and answers that are lost, late or wrong.

use serde_json::json;
use yima::acquirer::link::HostLink;
use yima::payment::online::Decision;
use yima::payment::qr::record::{Record, Resume};
use yima::payment::qr::{Conclusion, Event};
use yima::sandbox::host::code_payments::OrderState;
use yima::wording::ReasonKind;

use super::street::{Street, order, refund};

const FULL: u64 = 1_000_000;

fn declined(played: &super::street::Played) -> Option<&str> {
    match &played.conclusion {
        Conclusion::Declined(reason) => reason.code.as_ref().map(|code| code.as_str()),
        _ => None,
    }
}

#[test]
fn a_scanned_code_of_either_form_is_paid_at_once() {
    let street = Street::open();
    for (stan, form) in [(1, "number"), (2, "emv")] {
        let code = street.code("wallet-1", form);
        let played = street.play(street.scanned(stan, 1234, &code), |_, _| None);
        assert_eq!((&played.conclusion, played.sent), (&Conclusion::Approved, 1), "{form}");
        let paid = played.paid.unwrap();
        assert!(paid.rrn.is_some() && paid.voucher.unwrap().starts_with("TEST"), "{form}");
        assert_eq!(street.balance("wallet-1"), FULL - 1234 * u64::from(stan));
        let again = street.play(street.scanned(stan + 10, 1234, &code), |_, _| None);
        assert_eq!(declined(&again), Some("56"), "a code is good once");
    }
    assert_eq!(street.running.ledger().unwrap(), [], "it is no card transaction");
}

#[test]
fn a_customer_types_a_password_and_an_enquiry_hears_of_it() {
    let street = Street::open();
    let code = street.code("wallet-1", "number");
    let played = street.play(street.scanned(1, 60_000, &code), |pause, _| {
        // Nothing at first; then a wrong one, and the right one.
        if pause == 1 {
            let waiting = street.waiting("wallet-1");
            assert_eq!(street.waiting("wallet-2"), Vec::<String>::new());
            assert_eq!(street.pays("wallet-1", &waiting[0], None), "password_needed");
            assert_eq!(street.pays("wallet-1", &waiting[0], Some("000000")), "wrong_password");
            assert_eq!(street.pays("wallet-1", &waiting[0], Some("123456")), "paid");
        }
        None
    });
    assert_eq!((&played.conclusion, played.sent), (&Conclusion::Approved, 3));
    assert!(played.paid.unwrap().voucher.is_some());
    assert_eq!(street.balance("wallet-1"), FULL - 60_000);
}

#[test]
fn who_does_not_want_to_or_has_too_little_does_not_pay() {
    let street = Street::open();
    let code = street.code("wallet-1", "number");
    let played = street.play(street.scanned(1, 60_000, &code), |_, _| {
        if let Some(order) = street.waiting("wallet-1").first() {
            let (status, said) = street.post("wallets/wallet-1/refuse", &json!({ "order": order }));
            assert_eq!((status, &said["over"]), (200, &json!(true)));
        }
        None
    });
    assert_eq!(declined(&played), Some("17"));
    let code = street.code("wallet-2", "number");
    assert_eq!(declined(&street.play(street.scanned(2, 5_001, &code), |_, _| None)), Some("51"));
    assert_eq!(declined(&street.play(street.scanned(3, 100, "281234567890123456"), |_, _| None)), Some("56"));
    assert_eq!((street.balance("wallet-1"), street.balance("wallet-2")), (FULL, 5_000));
}

#[test]
fn an_answer_that_is_lost_late_or_wrong_is_asked_for_and_nobody_pays_twice() {
    let street = Street::open();
    let mut paid = 0;
    // Silence, a wrong MAC, a gateway's 502, an answer with another number.
    for (stan, minor) in [(1, 67_02), (2, 67_03), (3, 67_06), (4, 67_08)] {
        let code = street.code("wallet-1", "number");
        let played = street.play(street.scanned(stan, minor, &code), |_, _| None);
        assert_eq!((&played.conclusion, played.sent), (&Conclusion::Approved, 2), "{minor}");
        paid += minor;
        assert_eq!(street.balance("wallet-1"), FULL - paid, "{minor}");
        // After a power cut the row alone is enough.
        let resumed = street.play(street.resumed(stan, minor, Resume::Enquire), |_, _| None);
        assert_eq!(resumed.conclusion, Conclusion::Approved, "{minor}");
    }
    assert_eq!(street.balance("wallet-1"), FULL - paid);
}

#[test]
fn an_order_that_never_came_is_cancelled_and_can_never_be_paid() {
    let street = Street::open();
    let code = street.code("wallet-1", "number");
    // The host keeps silent and writes nothing down.
    let played = street.play(street.scanned(1, 67_01, &code), |_, _| None);
    assert!(matches!(played.conclusion, Conclusion::TakenBack { paid_back: false, .. }), "{:?}", played.conclusion);
    assert_eq!(played.records.last(), Some(&Record::Cancelled { paid_back: false }));
    assert_eq!(street.balance("wallet-1"), FULL);
    // What was on its way for too long comes after all.
    let late = street.play(street.scanned(2, 1234, &code), |_, _| None);
    assert_eq!(late.conclusion, Conclusion::Approved);
    let cancelled = street.play(street.resumed(3, 1234, Resume::Cancel), |_, _| None);
    assert!(matches!(cancelled.conclusion, Conclusion::TakenBack { paid_back: false, .. }));
    let code = street.code("wallet-1", "number");
    let late = street.play(street.scanned(3, 1234, &code), |_, _| None);
    assert!(matches!(late.conclusion, Conclusion::TakenBack { paid_back: false, .. }), "{:?}", late.conclusion);
    assert_eq!(street.balance("wallet-1"), FULL - 1234);
}

#[test]
fn an_order_is_cancelled_before_and_after_it_is_paid_however_often_that_is_asked() {
    let street = Street::open();
    // Nobody pays before the last enquiry.
    let code = street.code("wallet-1", "number");
    let played = street.play(street.scanned(1, 60_000, &code), |_, _| None);
    assert!(matches!(&played.conclusion, Conclusion::TakenBack { paid_back: false, reason }
        if reason.kind == ReasonKind::CustomerTooSlow));
    assert_eq!(street.waiting("wallet-1"), Vec::<String>::new());
    // Paid, and the cashier gives up before the terminal knows.
    let code = street.code("wallet-1", "number");
    let played = street.play(street.scanned(2, 60_000, &code), |pause, _| {
        if pause > 0 {
            return None;
        }
        assert_eq!(street.pays("wallet-1", &street.waiting("wallet-1")[0], Some("123456")), "paid");
        Some(Event::GivenUp)
    });
    assert!(matches!(played.conclusion, Conclusion::TakenBack { paid_back: true, .. }), "{:?}", played.conclusion);
    assert_eq!(street.balance("wallet-1"), FULL);
    let again = street.play(street.resumed(2, 60_000, Resume::Cancel), |_, _| None);
    assert!(matches!(again.conclusion, Conclusion::TakenBack { paid_back: true, .. }));
    // Booked and silent; then two cancellations are carried out and not answered.
    let code = street.code("wallet-1", "number");
    street.play(street.scanned(3, 67_09, &code), |_, _| None);
    let played = street.play(street.resumed(3, 67_09, Resume::Cancel), |_, _| None);
    assert!(matches!(played.conclusion, Conclusion::TakenBack { paid_back: true, .. }), "{:?}", played.conclusion);
    assert_eq!((played.sent, street.balance("wallet-1")), (3, FULL));
    // Another order's number: a person must look, and the money stays where it is.
    let code = street.code("wallet-1", "number");
    street.play(street.scanned(4, 1234, &code), |_, _| None);
    let played = street.play(street.resumed(4, 4321, Resume::Cancel), |_, _| None);
    assert!(matches!(played.conclusion, Conclusion::Unresolved(_)), "{:?}", played.conclusion);
    assert_eq!(street.balance("wallet-1"), FULL - 1234);
}

#[test]
fn a_code_is_shown_scanned_by_a_customer_and_paid() {
    let street = Street::open();
    let played = street.play(street.to_show(1, 1234, 60), |pause, shown| {
        if pause == 1 {
            let listed = street.get("wallets")["shown"].as_array().unwrap().clone();
            assert_eq!((listed.len(), listed[0]["code"].as_str()), (1, Some(shown[0].as_str())));
            let (status, bill) = street.post("wallets/wallet-2/scan", &json!({ "text": shown[0] }));
            assert_eq!((status, bill["amount"].as_str(), bill["state"].as_str()), (200, Some("￥12.34"), Some("open")));
            assert_eq!(street.pays("wallet-2", bill["order"].as_str().unwrap(), None), "paid");
            assert_eq!(street.pays("wallet-1", bill["order"].as_str().unwrap(), None), "over", "once");
        }
        None
    });
    assert_eq!((&played.conclusion, played.shown.len()), (&Conclusion::Approved, 1));
    assert_eq!((street.balance("wallet-2"), street.balance("wallet-1")), (5_000 - 1234, FULL));
    let code = yima::qr::merchant::MerchantPresented::read(&played.shown[0]).unwrap();
    assert_eq!(code.additional.bill_number.as_deref(), Some("000001-000001"));
}

#[test]
fn a_code_that_nobody_scans_expires() {
    let street = Street::open();
    let played = street.play(street.to_show(1, 1234, 1), |_, shown| {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !street.get("wallets")["shown"].as_array().unwrap().is_empty() {
            assert!(std::time::Instant::now() < until, "it never expires");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let (_, bill) = street.post("wallets/wallet-1/scan", &json!({ "text": shown[0] }));
        assert_eq!(street.pays("wallet-1", bill["order"].as_str().unwrap(), None), "over");
        Some(Event::CodeExpired)
    });
    assert_eq!((declined(&played), street.balance("wallet-1")), (Some("17"), FULL));
    // The same where the answer that brings the code is lost: nobody has seen it.
    let played = street.play(street.to_show(2, 67_02, 60), |_, _| None);
    assert!(matches!(played.conclusion, Conclusion::TakenBack { paid_back: false, .. }), "{:?}", played.conclusion);
    assert_eq!(street.get("wallets")["shown"], json!([]));
}

#[test]
fn what_was_paid_goes_back_in_parts() {
    let street = Street::open();
    let code = street.code("wallet-1", "number");
    let paid = street.play(street.scanned(1, 10_000, &code), |_, _| None).paid.unwrap();
    let (link, of) = (street.link(), order(1, 10_000));
    let mut back = 0;
    for (stan, minor, decision, code) in [
        (2, 3_000, Decision::Approved, "00"),
        (3, 7_001, Decision::Refused, "13"),
        (4, 66_05, Decision::Refused, "05"),
        (5, 4_000, Decision::Approved, "00"),
        (6, 3_000, Decision::Approved, "00"),
        (7, 1, Decision::Refused, "13"),
    ] {
        let request = refund(stan, minor, of, &paid);
        for _ in 0..2 {
            let answer = link.code_refund(&request).unwrap();
            assert_eq!((answer.decision, answer.response_code.as_str()), (decision, code), "{stan}");
        }
        back += if decision == Decision::Approved { minor } else { 0 };
        assert_eq!(street.balance("wallet-1"), FULL - 10_000 + back, "{stan}");
    }
    // Its answer is lost, and it is sent again until there is one.
    let code = street.code("wallet-1", "number");
    let paid = street.play(street.scanned(8, 10_000, &code), |_, _| None).paid.unwrap();
    let request = refund(9, 67_02, order(8, 10_000), &paid);
    assert!(link.code_refund(&request).is_err());
    assert_eq!(link.code_refund(&request).unwrap().decision, Decision::Approved);
    assert_eq!(street.balance("wallet-1"), FULL - 10_000 + 67_02);
    let kept: u64 = street.host.code_orders().unwrap().iter().map(|order| order.kept().unwrap().minor()).sum();
    assert_eq!(kept, 10_000 - 67_02, "what the merchant has");
    let states: Vec<_> = street.host.code_orders().unwrap().iter().map(|order| order.state).collect();
    assert_eq!(states, [OrderState::Paid, OrderState::Paid]);
}

#[test]
fn a_phone_is_told_what_is_wrong() {
    let street = Street::open();
    for (path, body, status) in [
        ("wallets/nobody/code", json!({}), 404),
        ("wallets/wallet-1/code", json!({ "form": "picture" }), 400),
        ("wallets/wallet-1/scan", json!({ "text": "281234567890123456" }), 400),
        ("wallets/wallet-1/pay", json!({ "order": "order-1" }), 404),
        ("wallets/wallet-1/pay", json!({ "order": "1234" }), 404),
        ("wallets/nobody/pay", json!({ "order": "1234" }), 404),
        ("wallets/wallet-1/pay", json!({}), 422),
    ] {
        assert_eq!(street.post(path, &body).0, status, "{path} {body}");
    }
    let page = reqwest::blocking::get(street.wallets.url()).unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let text = page.text().unwrap();
    assert!(text.contains("顾客的手机") && text.contains("The customer's phone") && text.contains("TEST"));
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!text.contains(outside), "{outside}");
    }
    // Plain text is what any page on the web may send here.
    let request = reqwest::blocking::Client::new().post(format!("{}wallets/wallet-1/code", street.wallets.url()));
    assert_eq!(request.header("Content-Type", "text/plain").body("{}").send().unwrap().status().as_u16(), 415);
}
