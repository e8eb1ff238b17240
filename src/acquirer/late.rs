//! Approvals that come too late: authentic, of this terminal, and the answer to something else than what was just asked.
//!
//! A host, or something on the way, that answers a request with the answer to an earlier one says something worth keeping.
//! It proves nothing about the request at hand, and nobody is charged on its word: the payment core writes it down.

use super::messages::{Requests, Written};
use super::{answers, code_payments, kinds};
use crate::iso8583::dialect::MAC_FIELD;
use crate::iso8583::{Dialect, Message, Mti};
use crate::payment::online::LateApproval;
use crate::reference::{AuthorisationCode, Batch, ResponseCode, Rrn, Stan, TraceNumber};

/// Fields that name the terminal: an answer has them as the request has.
const OWN: [u8; 2] = [41, 42];

/// The approval of an earlier request that can be taken back, if that is what came instead of the answer to `request`.
pub fn approval(requests: &Requests<'_>, request: &Written, bytes: &[u8]) -> Option<LateApproval> {
    let dialect = requests.dialect;
    let answer = dialect.unpack(bytes).ok()?.message;
    let asked = &request.frame.message;
    let own = OWN.into_iter().all(|field| answer.text(field) == asked.text(field));
    let of_a_card =
        kinds::answers_what_can_be_taken_back(dialect, &answer) && may_be_of_another(dialect, asked, &answer);
    let can_be = of_a_card || code_payments::is_payment_of_another(dialect, asked, &answer);
    if !own || !can_be || answer.bytes(MAC_FIELD).is_none() {
        return None;
    }
    let authenticity = answers::authenticate(dialect, requests.vault, &answer, bytes).ok()?;
    answers::bound(requests, &answer, authenticity).ok()?;
    let code = answer.text(39).filter(|code| dialect.answers.approved.contains(*code))?;
    Some(LateApproval {
        trace: TraceNumber {
            batch: batch(&answer).or_else(|| batch(asked))?,
            stan: Stan::parse(answer.text(11)?).ok()?,
        },
        response_code: ResponseCode::parse(code).ok()?,
        rrn: answer.text(37).and_then(|text| Rrn::parse(text).ok()),
        authorisation_code: answer.text(38).and_then(|text| AuthorisationCode::parse(text).ok()),
    })
}

/// What answers this very request, and answers it wrongly, is not late. With the number of what is being taken back it must be the
/// answer to that, and to nothing of another kind.
fn may_be_of_another(dialect: &Dialect, asked: &Message, answer: &Message) -> bool {
    if asked.text(11) != answer.text(11) {
        return true;
    }
    if asked.mti() != Mti::REVERSAL_REQUEST {
        return kinds::of_request(dialect, asked).is_none();
    }
    let agree = |field, length| {
        let head = |message: &Message| message.text(field).and_then(|text| text.get(..length).map(str::to_owned));
        answer.text(field).is_none() || head(answer) == head(asked)
    };
    let rules = kinds::of_reversal(dialect, asked).and_then(|kind| kinds::message_of(dialect, kind));
    rules.is_some_and(|rules| rules.mti.answer() == Some(answer.mti())) && agree(3, 6) && agree(60, 2)
}

/// Field 60, second part. An answer may leave the field out: then it is of the batch in which it was heard.
fn batch(message: &Message) -> Option<Batch> {
    Batch::parse(message.text(60)?.get(2..8)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::fixtures::{original, reversal_request, sale_request, with_requests};
    use crate::iso8583::Frame;
    use crate::payment::online::{ReversalRequest, SaleRequest};
    use crate::payment::transaction::{IfUnknown, Kind};

    /// The host's approval of [`sale_request`].
    fn answer(asked: &Message) -> Message {
        let mut answer = Message::new(Mti::FINANCIAL_REQUEST.answer().unwrap());
        for field in [3, 4, 11, 32, 41, 42, 49, 59, 60] {
            answer = answer.with_text(field, asked.text(field).unwrap());
        }
        answer.with_text(37, "263260000001").with_text(38, "123456").with_text(39, "00")
    }

    fn signed(requests: &Requests<'_>, answer: Message) -> Vec<u8> {
        let mac = requests.vault.mac(&requests.dialect.pack_for_mac(&answer).unwrap()).unwrap();
        packed(requests, answer.with_bytes(MAC_FIELD, &mac))
    }

    fn packed(requests: &Requests<'_>, message: Message) -> Vec<u8> {
        let (tpdu, header) = (requests.tpdu.to_vec(), requests.dialect.header.clone());
        requests.dialect.pack(&Frame { tpdu, header, message }).unwrap().to_vec()
    }

    #[test]
    fn the_approval_of_a_sale_that_comes_as_the_answer_to_its_reversal_is_kept() {
        with_requests(|requests| {
            let (sale, reversal) =
                (requests.sale(&sale_request()).unwrap(), requests.reversal(&reversal_request()).unwrap());
            let bytes = signed(requests, answer(&sale.frame.message));
            let late = approval(requests, &reversal, &bytes).unwrap();
            assert_eq!(late.trace, sale_request().trace);
            assert_eq!((late.response_code.as_str(), late.rrn.unwrap().as_str()), ("00", "263260000001"));
            assert_eq!(late.authorisation_code.unwrap().as_str(), "123456");
            let without_batch = signed(requests, answer(&sale.frame.message).without(60));
            assert_eq!(approval(requests, &reversal, &without_batch).unwrap().trace, sale_request().trace);
        });
    }

    #[test]
    fn the_approval_of_another_sale_is_kept_and_a_wrong_one_of_this_sale_is_not_late() {
        with_requests(|requests| {
            let sale = requests.sale(&sale_request()).unwrap();
            let other = answer(&sale.frame.message).with_text(11, "000041");
            let late = approval(requests, &sale, &signed(requests, other)).unwrap();
            assert_eq!(late.trace.stan.number(), 41);
            let wrong_amount = answer(&sale.frame.message).with_text(4, "000000001233");
            assert_eq!(approval(requests, &sale, &signed(requests, wrong_amount)), None);
        });
    }

    /// What a host says to a request of each kind, asked with these numbers.
    fn approvals(requests: &Requests<'_>) -> Vec<(Kind, Written, Vec<u8>)> {
        let listed = Kind::ALL.into_iter().filter(|kind| kinds::message_of(requests.dialect, *kind).is_some());
        let written = |kind: Kind| {
            let refers = Kind::ALL.into_iter().any(|original| kind.may_refer_to(original));
            let request = SaleRequest { kind, original: refers.then(original), ..sale_request() };
            let written = requests.sale(&request).unwrap();
            let asked = &written.frame.message;
            let mut said = Message::new(asked.mti().answer().unwrap());
            for field in [3, 4, 11, 32, 41, 42, 49, 59, 60] {
                if let Some(text) = asked.text(field) {
                    said = said.with_text(field, text);
                }
            }
            let bytes = signed(requests, said.with_text(39, "00"));
            (kind, written, bytes)
        };
        listed.map(written).collect()
    }

    #[test]
    fn an_approval_is_kept_of_every_kind_that_can_be_taken_back_and_never_as_anothers() {
        with_requests(|requests| {
            let all = approvals(requests);
            for (kind, _, said) in &all {
                let can_be = kind.if_unknown() == IfUnknown::TakenBack;
                for (other, request, _) in &all {
                    assert_eq!(approval(requests, request, said), None, "{other:?} has this number: {kind:?}");
                    if other.if_unknown() != IfUnknown::TakenBack {
                        continue;
                    }
                    let reversal = requests.reversal(&ReversalRequest { kind: *other, ..reversal_request() }).unwrap();
                    let kept = approval(requests, &reversal, said).is_some();
                    assert_eq!(kept, can_be && kind == other, "{kind:?} while {other:?} is taken back");
                }
                // With a number of its own it is that of some earlier request.
                let trace = TraceNumber { stan: Stan::new(99).unwrap(), ..sale_request().trace };
                let later = requests.sale(&SaleRequest { trace, ..sale_request() }).unwrap();
                assert_eq!(approval(requests, &later, said).is_some(), can_be, "{kind:?}");
            }
        });
    }

    #[test]
    fn what_is_not_authentic_not_ours_or_no_approval_is_not_kept() {
        with_requests(|requests| {
            let sale = requests.sale(&sale_request()).unwrap();
            let reversal = requests.reversal(&reversal_request()).unwrap();
            let right = answer(&sale.frame.message);
            let kept = |bytes: &[u8]| approval(requests, &reversal, bytes).is_some();
            assert!(kept(&signed(requests, right.clone())));
            assert!(!kept(&packed(requests, right.clone())), "without a MAC");
            let mut forged = signed(requests, right.clone());
            let last = forged.len() - 1;
            forged[last] ^= 1;
            assert!(!kept(&forged), "with a wrong MAC");
            for (field, wrong) in [(39, "05"), (41, "10000002"), (42, "898000000000002"), (32, "11111111")] {
                assert!(!kept(&signed(requests, right.clone().with_text(field, wrong))), "field {field}");
            }
            let reversed = Message::new(Mti::REVERSAL_REQUEST.answer().unwrap());
            let mut other = reversed;
            right.fields().for_each(|(field, value)| other.set(field, value));
            assert!(!kept(&signed(requests, other)), "the answer to a reversal");
            assert!(!kept(b"<html>"));
        });
    }
}
