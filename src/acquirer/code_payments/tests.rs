//! Every answer that a host may give to every request about an order.

use super::*;
use crate::acquirer::device;
use crate::acquirer::fixtures::{code_order, code_refund, payment_code, with_requests};
use crate::acquirer::late;
use crate::iso8583::Frame;
use crate::iso8583::dialect::MAC_FIELD;

/// The answer of a host that repeats what was asked and says `code`.
fn answer(requests: &Requests<'_>, written: &Written, code: &str, elements: &[(&str, &str)]) -> Message {
    let asked = &written.frame.message;
    let mut answer = Message::new(asked.mti().answer().unwrap());
    for field in [3, 4, 11, 25, 41, 42, 49, 60] {
        if let Some(text) = asked.text(field) {
            answer = answer.with_text(field, text);
        }
    }
    let mark = device::write_mark(requests.identity.mark.as_str(), &requests.dialect.binding);
    answer = answer.with_text(32, &requests.identity.acquirer_code).with_text(59, &mark);
    answer = answer.with_text(37, "263260000001").with_text(39, code);
    if elements.is_empty() { answer } else { answer.with_bytes(57, &write_elements(elements)) }
}

fn packed(requests: &Requests<'_>, message: Message) -> Vec<u8> {
    let (tpdu, header) = (requests.tpdu.to_vec(), requests.dialect.header.clone());
    requests.dialect.pack(&Frame { tpdu, header, message }).unwrap().to_vec()
}

fn signed(requests: &Requests<'_>, message: Message) -> Vec<u8> {
    let mac = requests.vault.mac(&requests.dialect.pack_for_mac(&message).unwrap()).unwrap();
    packed(requests, message.with_bytes(MAC_FIELD, &mac))
}

fn said(
    requests: &Requests<'_>,
    asked: &Request,
    code: &str,
    elements: &[(&str, &str)],
) -> Result<HostWord, LinkFailure> {
    let written = requests.code_payment(asked).unwrap();
    read(requests, asked, &written, &signed(requests, answer(requests, &written, code, elements)))
}

fn code(text: &str) -> ResponseCode {
    ResponseCode::parse(text).unwrap()
}

fn paid(voucher: Option<&str>) -> Answer {
    Answer::Paid(Paid { rrn: crate::reference::Rrn::parse("263260000001").ok(), voucher: voucher.map(str::to_owned) })
}

#[test]
fn what_an_answer_says_of_the_order_is_read() {
    use CancelAnswer::{NeverPaid, PaidBack};
    use HostWord::{Cancelled, Open, Stands};
    let (order, text) = (code_order(), "https://pay.example/1");
    let (pay, open) = (Request::Pay(order, payment_code()), Request::Open(order, 60));
    let (enquire, cancel) = (Request::Enquire(order), Request::Cancel(order));
    with_requests(|requests| {
        for (asked, said_code, elements, expected) in [
            (&pay, "00", &[("04", "V1")][..], Stands(paid(Some("V1")))),
            (&pay, "00", &[], Stands(paid(None))),
            (&pay, "00", &[("04", "")], Stands(paid(None))),
            (&pay, "09", &[], Stands(Answer::NotYet)),
            (&pay, "51", &[], Stands(Answer::Refused(code("51")))),
            (&pay, "96", &[], Stands(Answer::Refused(code("96")))),
            (&pay, "68", &[], Stands(Answer::NotKnown)),
            (&pay, "94", &[], Stands(Answer::NotKnown)),
            (&open, "00", &[("01", text)], Open(text.to_owned())),
            (&open, "58", &[], Stands(Answer::Refused(code("58")))),
            (&enquire, "00", &[("03", "00"), ("04", "V1")], Stands(paid(Some("V1")))),
            (&enquire, "00", &[("03", "09")], Stands(Answer::NotYet)),
            (&enquire, "00", &[("03", "51")], Stands(Answer::Refused(code("51")))),
            (&enquire, "25", &[], Stands(Answer::NotKnown)),
            // In trouble, or not willing to say: nothing of the order.
            (&enquire, "96", &[("03", "51")], Stands(Answer::NotKnown)),
            (&enquire, "03", &[], Stands(Answer::NotKnown)),
            (&cancel, "00", &[("03", "00")], Cancelled(PaidBack)),
            (&cancel, "00", &[("03", "51")], Cancelled(NeverPaid)),
            (&cancel, "12", &[], Cancelled(CancelAnswer::Refused(code("12")))),
            (&cancel, "96", &[], Cancelled(CancelAnswer::NotKnown)),
            (&cancel, "25", &[], Cancelled(CancelAnswer::NotKnown)),
        ] {
            assert_eq!(said(requests, asked, said_code, elements), Ok(expected), "{asked:?} {said_code} {elements:?}");
        }
        for (asked, said_code, elements) in [
            (&pay, "10", &[][..]),
            (&open, "00", &[]),
            (&open, "00", &[("01", "")]),
            (&open, "00", &[("01", "a\nb")]),
            (&enquire, "00", &[]),
            (&enquire, "00", &[("03", "0")]),
            (&cancel, "00", &[]),
            (&cancel, "00", &[("03", "09")]),
        ] {
            let word = said(requests, asked, said_code, elements);
            // 10 with the whole amount is the whole.
            let whole = said_code == "10" && word == Ok(Stands(paid(None)));
            assert!(whole || matches!(word, Err(LinkFailure::WrongAnswer(_))), "{asked:?} {elements:?}: {word:?}");
        }
    });
}

#[test]
fn an_answer_to_something_else_or_of_somebody_else_decides_nothing() {
    with_requests(|requests| {
        let asked = Request::Enquire(code_order());
        let written = requests.code_payment(&asked).unwrap();
        let right = || answer(requests, &written, "00", &[("03", "00")]);
        assert!(read(requests, &asked, &written, &signed(requests, right())).is_ok());
        for (field, wrong) in [
            (3, "660000"),
            (4, "000000001233"),
            (11, "000043"),
            (32, "11111111"),
            (41, "10000002"),
            (42, "898000000000002"),
            (49, "840"),
            (60, "7100000700050"),
        ] {
            let word = read(requests, &asked, &written, &signed(requests, right().with_text(field, wrong)));
            assert!(matches!(word, Err(LinkFailure::WrongAnswer(_))), "{field}: {word:?}");
        }
        let part = right().with_text(39, "10").with_text(4, "000000001000");
        assert!(matches!(read(requests, &asked, &written, &signed(requests, part)), Err(LinkFailure::WrongAnswer(_))));
        let unsigned = read(requests, &asked, &written, &packed(requests, right()));
        assert!(matches!(unsigned, Err(LinkFailure::BadMac(_))), "{unsigned:?}");
        // 97 needs none, and proves nothing.
        for asked in [Request::Pay(code_order(), payment_code()), asked, Request::Cancel(code_order())] {
            let written = requests.code_payment(&asked).unwrap();
            let bare = packed(requests, answer(requests, &written, "97", &[("03", "51")]));
            let word = read(requests, &asked, &written, &bare).unwrap();
            let expected = [HostWord::Stands(Answer::NotKnown), HostWord::Cancelled(CancelAnswer::NotKnown)];
            assert!(expected.contains(&word), "{asked:?}: {word:?}");
        }
    });
}

#[test]
fn a_refund_is_answered_as_any_other() {
    with_requests(|requests| {
        let written = requests.code_refund(&code_refund()).unwrap();
        let read = |code| answers::read(requests, &written, &signed(requests, answer(requests, &written, code, &[])));
        assert_eq!(read("00").unwrap().decision, Decision::Approved);
        assert_eq!(read("13").unwrap().decision, Decision::Refused);
    });
}

#[test]
fn a_payment_that_comes_as_the_answer_to_something_else_is_kept() {
    with_requests(|requests| {
        let pay = requests.code_payment(&Request::Pay(code_order(), payment_code())).unwrap();
        let cancel = requests.code_payment(&Request::Cancel(code_order())).unwrap();
        let echo = requests.echo(code_order().at).unwrap();
        let bytes = signed(requests, answer(requests, &pay, "00", &[]));
        for asked in [&cancel, &echo] {
            assert_eq!(late::approval(requests, asked, &bytes).unwrap().trace, code_order().trace);
        }
        let wrong_amount = signed(requests, answer(requests, &pay, "00", &[]).with_text(4, "000000000001"));
        assert_eq!(late::approval(requests, &pay, &wrong_amount), None, "it is the answer to this, and wrong");
        let refused = signed(requests, answer(requests, &pay, "51", &[]));
        assert_eq!(late::approval(requests, &cancel, &refused), None);
    });
}

#[test]
fn elements_that_cannot_be_read_are_not_there() {
    with_requests(|requests| {
        let rules = requests.dialect.code_payments.as_ref().unwrap();
        let of = |bytes: &[u8]| {
            let message = Message::new(crate::iso8583::Mti::FINANCIAL_REQUEST).with_bytes(57, bytes);
            element(rules, &message, "03").map(str::to_owned)
        };
        assert_eq!(of("01006支付030020904".as_bytes()).as_deref(), Some("09"));
        for bytes in [
            &b""[..],
            b"03",
            b"03002",
            b"030020",
            b"03+0200",
            b"03 0200",
            &[0xFF, 0xFE],
            "0300支".as_bytes(),
            b"0100200",
        ] {
            assert_eq!(of(bytes), None, "{bytes:?}");
        }
    });
}
