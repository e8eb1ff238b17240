//! A merchant that is suspended takes no payment by code, and customers' money still goes back.

use yima::acquirer::link::HostLink;
use yima::payment::online::Decision;
use yima::payment::qr::record::Resume;
use yima::payment::qr::{Answer, CancelAnswer, Conclusion, HostWord, Request};

use super::street::{Street, order, refund};

#[test]
fn a_suspended_merchants_orders_can_still_be_cancelled() {
    let street = Street::open();
    let code = street.code("wallet-1", "number");
    let paid = street.play(street.scanned(1, 1234, &code), |_, _| None).paid.unwrap();
    let done = refund(2, 200, order(1, 1234), &paid);
    assert_eq!(street.link().code_refund(&done).unwrap().decision, Decision::Approved);
    let now = jiff::Timestamp::now();
    street
        .host
        .register(|register| {
            let id = register.of_terminal("10000001")?.unwrap().id;
            register.suspend(id, "why", "test", now)
        })
        .unwrap();
    let another = street.code("wallet-1", "number");
    let refused = street.play(street.scanned(3, 1234, &another), |_, _| None);
    assert!(
        matches!(&refused.conclusion, Conclusion::Declined(reason)
        if reason.code.as_ref().is_some_and(|code| code.as_str() == "03")),
        "{:?}",
        refused.conclusion
    );
    // What was carried out, and comes once more because something on the way has doubled it, is answered as it was.
    assert_eq!(street.link().code_refund(&done).unwrap().decision, Decision::Approved);
    assert_eq!(street.link().code_refund(&refund(4, 1, order(1, 1234), &paid)).unwrap().response_code.as_str(), "03");
    let pay = Request::Pay(order(1, 1234), yima::payment::qr::PaymentCode::parse(&code).unwrap());
    assert!(matches!(street.link().code_payment(&pay).unwrap(), HostWord::Stands(Answer::Paid(_))));
    // That it may not ask says nothing of the order.
    let asked = street.link().code_payment(&Request::Enquire(order(1, 1234))).unwrap();
    assert_eq!(asked, HostWord::Stands(Answer::NotKnown));
    let cancelled = street.link().code_payment(&Request::Cancel(order(1, 1234))).unwrap();
    assert_eq!(cancelled, HostWord::Cancelled(CancelAnswer::PaidBack));
    assert_eq!(street.balance("wallet-1"), 1_000_000);
    // Reversals are not heard: nor is this, and it stays in the queue.
    street.running.set_deaf_to_reversals(true);
    let played = street.play(street.resumed(1, 1234, Resume::Cancel), |_, _| None);
    assert!(matches!(played.conclusion, Conclusion::BeingTakenBack(_)), "{:?}", played.conclusion);
}
