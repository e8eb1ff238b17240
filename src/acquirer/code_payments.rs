//! What a host says of an order that is paid by code (pure): which request a message is, the elements that only these messages have,
//! and when an answer decides.
//!
//! Only what speaks of the order decides. To its own request that is the response code; an enquiry and a cancellation are answered with
//! 00 when they were carried out, and tell the order's code as its *outcome*: a host that is in trouble while it is asked says nothing
//! of the order.

use super::answers;
use super::messages::{Requests, Written};
use crate::iso8583::transaction_rules::TransactionMessage;
use crate::iso8583::{CodePaymentRules, Dialect, Message};
use crate::payment::online::{Decision, HostAnswer, LinkFailure};
use crate::payment::qr::{Answer, CancelAnswer, HostWord, Paid, Request};
use crate::reference::ResponseCode;

/// Most characters of a code that is to be shown: a QR code holds more, a screen does not.
const LONGEST_CODE: usize = 512;

/// Most characters of a wallet's number.
const LONGEST_VOUCHER: usize = 64;

/// Which request about an order a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRequest {
    /// Charges whoever showed a code.
    Pay,
    /// Opens an order.
    Open,
    /// Asks how it stands.
    Enquire,
    /// Closes it.
    Cancel,
    /// Pays it back.
    Refund,
}

impl CodeRequest {
    const ALL: [Self; 5] = [Self::Pay, Self::Open, Self::Enquire, Self::Cancel, Self::Refund];

    /// Its message in a dialect.
    pub const fn message(self, rules: &CodePaymentRules) -> &TransactionMessage {
        match self {
            Self::Pay => &rules.messages.pay,
            Self::Open => &rules.messages.open,
            Self::Enquire => &rules.messages.enquire,
            Self::Cancel => &rules.messages.cancel,
            Self::Refund => &rules.messages.refund,
        }
    }
}

/// What a request is about: type, processing code and condition, and the type in field 60, are those of one of these.
pub fn of_request(dialect: &Dialect, message: &Message) -> Option<CodeRequest> {
    let rules = dialect.code_payments.as_ref()?;
    let said = message.text(60)?.get(..2)?;
    CodeRequest::ALL.into_iter().find(|request| {
        let expected = request.message(rules);
        expected.transaction_type == said
            && expected.mti == message.mti()
            && message.text(3) == Some(&expected.processing_code)
            && message.text(25) == Some(&expected.condition)
    })
}

/// Whether an answer says of an order that it is paid, and is not the answer to that very request.
pub fn is_payment_of_another(dialect: &Dialect, asked: &Message, answer: &Message) -> bool {
    let Some(rules) = &dialect.code_payments else { return false };
    let pay = &rules.messages.pay;
    let is_payment = pay.mti.answer() == Some(answer.mti())
        && answer.text(3) == Some(&pay.processing_code)
        && answer.text(60).and_then(|text| text.get(..2)) == Some(&pay.transaction_type);
    is_payment && (asked.text(11) != answer.text(11) || of_request(dialect, asked) != Some(CodeRequest::Pay))
}

/// The field of the elements.
pub fn write_elements(elements: &[(&str, &str)]) -> Vec<u8> {
    elements.iter().map(|(tag, value)| format!("{tag}{:03}{value}", value.len())).collect::<String>().into_bytes()
}

/// The value of an element of a message; nothing where it is not there, or the field cannot be read.
pub fn element<'a>(rules: &CodePaymentRules, message: &'a Message, tag: &str) -> Option<&'a str> {
    let mut rest = std::str::from_utf8(message.bytes(rules.field)?).ok()?;
    while !rest.is_empty() {
        let (found, behind) = rest.split_at_checked(2)?;
        let (length, behind) = behind.split_at_checked(3)?;
        let length = length.bytes().all(|byte| byte.is_ascii_digit()).then(|| length.parse().ok())??;
        let (value, behind) = behind.split_at_checked(length)?;
        if found == tag {
            return Some(value);
        }
        rest = behind;
    }
    None
}

/// The code of a customer in a request, if it has one.
pub fn code_of_customer<'a>(dialect: &Dialect, message: &'a Message) -> Option<&'a str> {
    let rules = dialect.code_payments.as_ref()?;
    element(rules, message, &rules.elements.code)
}

/// Reads and checks the answer to a request about an order.
///
/// # Errors
/// As [`answers::read`]; and when an answer that was right says of the order what it cannot.
pub fn read(
    requests: &Requests<'_>,
    asked: &Request,
    written: &Written,
    bytes: &[u8],
) -> Result<HostWord, LinkFailure> {
    let wrong = |problem: &str| LinkFailure::WrongAnswer(problem.to_owned());
    let (Some(rules), answer) = (&requests.dialect.code_payments, answers::read(requests, written, bytes)?) else {
        return Err(wrong("this dialect has no payments by code"));
    };
    if let Decision::Partial(_) = answer.decision {
        return Err(wrong("it pays a part, and an order is paid as a whole"));
    }
    let message = requests.dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    let said = |tag| element(rules, &message, tag);
    let tags = &rules.elements;
    let voucher = said(&tags.voucher).filter(|text| is_printable(text, LONGEST_VOUCHER)).map(str::to_owned);
    let paid = Paid { rrn: answer.rrn.clone(), voucher };
    let carried_out = answer.decision == Decision::Approved;
    match asked {
        Request::Pay(..) if carried_out => Ok(HostWord::Stands(Answer::Paid(paid))),
        Request::Open(..) if carried_out => match said(&tags.code).filter(|code| is_printable(code, LONGEST_CODE)) {
            Some(code) => Ok(HostWord::Open(code.to_owned())),
            None => Err(wrong("it opens an order and brings no code to be shown")),
        },
        Request::Pay(..) | Request::Open(..) => Ok(HostWord::Stands(undone(rules, answer))),
        Request::Enquire(_) if carried_out => {
            let outcome = outcome(said(&tags.outcome))?;
            Ok(HostWord::Stands(if requests.dialect.answers.approved.contains(outcome.as_str()) {
                Answer::Paid(paid)
            } else if rules.not_yet.contains(outcome.as_str()) {
                Answer::NotYet
            } else {
                Answer::Refused(outcome)
            }))
        }
        Request::Enquire(_) => Ok(HostWord::Stands(Answer::NotKnown)),
        Request::Cancel(_) if carried_out => {
            let outcome = outcome(said(&tags.outcome))?;
            if rules.not_yet.contains(outcome.as_str()) {
                return Err(wrong("it cancels an order that it says is still open"));
            }
            let was_paid = requests.dialect.answers.approved.contains(outcome.as_str());
            Ok(HostWord::Cancelled(if was_paid { CancelAnswer::PaidBack } else { CancelAnswer::NeverPaid }))
        }
        // Without a MAC nobody knows who refuses.
        Request::Cancel(_)
            if answer.decision != Decision::Unproven
                && rules.cancel_refused.contains(answer.response_code.as_str()) =>
        {
            Ok(HostWord::Cancelled(CancelAnswer::Refused(answer.response_code)))
        }
        Request::Cancel(_) => Ok(HostWord::Cancelled(CancelAnswer::NotKnown)),
    }
}

/// What an answer that did not approve says of the order that was to be paid or opened.
fn undone(rules: &CodePaymentRules, answer: HostAnswer) -> Answer {
    match answer.decision {
        // A number that is in use may be this very order's, which something on the way has doubled: it is asked how it stands.
        Decision::Unproven | Decision::Unclear | Decision::NumberInUse => Answer::NotKnown,
        _ if rules.not_yet.contains(answer.response_code.as_str()) => Answer::NotYet,
        Decision::Approved
        | Decision::Partial(_)
        | Decision::Refused
        | Decision::WrongPin
        | Decision::NotByInstalments => Answer::Refused(answer.response_code),
    }
}

fn outcome(text: Option<&str>) -> Result<ResponseCode, LinkFailure> {
    let text = text.ok_or_else(|| LinkFailure::WrongAnswer("it does not say how the order stands".to_owned()))?;
    ResponseCode::parse(text).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))
}

fn is_printable(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
