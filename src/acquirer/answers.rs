//! When an answer counts: it is readable, authentic, and belongs to this very request.
//!
//! Needs the dialect, the request and the MAC key. An answer that fails any check is no answer: the request's result stays
//! unknown, and the payment core takes it back.

use super::messages::{Requests, Written};
use super::parameters::Reply;
use super::{balances, device, instalments, kinds};
use crate::crypto::mac;
use crate::deliberate;
use crate::iso8583::dialect::{Dialect, MAC_FIELD};
use crate::iso8583::{Frame, Message, Order};
use crate::money::{Amount, Currency};
use crate::payment::instalments::Plan;
use crate::payment::online::{Balance, Decision, HostAnswer, LinkFailure};
use crate::payment::transaction::Kind;
use crate::reference::{AuthorisationCode, ReferenceError, ResponseCode, Rrn};
use crate::vault::SecureElement;

/// Fields that an answer repeats unchanged.
const REPEATED: &[(u8, &str)] = &[(3, "processing code"), (11, "STAN"), (41, "terminal number"), (42, "merchant code")];

/// Reads and checks the answer to a transaction, a reversal or an advice.
///
/// # Errors
/// [`LinkFailure::WrongAnswer`] when it cannot be read or belongs to something else; [`LinkFailure::BadMac`] when its MAC
/// is wrong, or missing where it must be: an answer may come without only if its code is one of the dialect's
/// `without_mac`, refusals of a host that shares no key with this terminal. Such a one proves nothing
/// ([`Decision::Unproven`]).
pub fn read(requests: &Requests<'_>, request: &Written, bytes: &[u8]) -> Result<HostAnswer, LinkFailure> {
    let dialect = requests.dialect;
    let answer = dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    let authenticity = authenticate(dialect, requests.vault, &answer, bytes)?;
    belongs(&request.frame, &answer)?;
    let response_code = response_code(&answer)?;
    let names_no_terminal = dialect.answers.without_mac.contains(response_code.as_str());
    // A host that refuses because of other values than ours names its own.
    if !names_no_terminal {
        bound(requests, &answer, authenticity)?;
    }
    let decision = match authenticity {
        Authenticity::Shown => decision(dialect, &request.frame.message, &answer, response_code.as_str())?,
        Authenticity::Waived => Decision::Unproven,
    };
    let reference = |error: ReferenceError| LinkFailure::WrongAnswer(error.to_string());
    Ok(HostAnswer {
        decision,
        response_code,
        rrn: answer.text(37).map(Rrn::parse).transpose().map_err(reference)?,
        authorisation_code: answer.text(38).map(AuthorisationCode::parse).transpose().map_err(reference)?,
        issuer_data: answer.bytes(55).unwrap_or_default().to_vec(),
        balances: told_balances(dialect, &request.frame.message, &answer, decision)?,
        plan: told_plan(dialect, &request.frame.message, &answer, decision)?,
    })
}

/// What the answer to a balance tells. In any other answer a balance is a courtesy, for which no payment is taken back.
fn told_balances(
    dialect: &Dialect,
    asked: &Message,
    answer: &Message,
    decision: Decision,
) -> Result<Vec<Balance>, LinkFailure> {
    if decision != Decision::Approved || kinds::of_request(dialect, asked) != Some(Kind::Balance) {
        return Ok(Vec::new());
    }
    let text = answer.text(54).ok_or_else(|| LinkFailure::WrongAnswer("it tells of no balance".to_owned()))?;
    balances::read(text).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))
}

/// What the approval of a sale by instalments says of them. One that says nothing, or something else than what was asked about, is no answer
/// to this request: nobody would know what the cardholder has agreed to.
fn told_plan(
    dialect: &Dialect,
    asked: &Message,
    answer: &Message,
    decision: Decision,
) -> Result<Option<Plan>, LinkFailure> {
    let wrong = |problem: String| LinkFailure::WrongAnswer(format!("it approves instalments, and {problem}"));
    let Some(rules) = dialect.instalments.as_ref().filter(|_| kinds::is_by_instalments(dialect, asked)) else {
        return Ok(None);
    };
    if decision != Decision::Approved || kinds::of_request(dialect, asked) != Some(Kind::Sale) {
        return Ok(None);
    }
    let periods = asked.bytes(rules.field).and_then(|field| instalments::read_asked(rules, field));
    let currency = asked.text(49).and_then(|code| code.parse().ok()).and_then(Currency::from_numeric);
    let minor = asked.text(4).and_then(|digits| digits.parse().ok());
    let amount = currency.zip(minor).and_then(|(currency, minor)| Amount::new(minor, currency).ok());
    let (Some(asked), Some(amount)) = (periods, amount) else { return Err(wrong("none were asked for".to_owned())) };
    let field = answer.bytes(rules.field).ok_or_else(|| wrong("names no plan".to_owned()))?;
    instalments::read_plan(rules, field, amount, asked.periods).map(Some).map_err(wrong)
}

/// What the answer to an echo says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Field 39.
    pub response_code: ResponseCode,
    /// Fields 13 and 12, the host's local time: `MMDD`, `hhmmss`.
    pub local_time: Option<(String, String)>,
}

/// Reads the answer to an echo: message type, terminal and merchant must be those of the request. One that refuses may come
/// from a host that knows no more of this terminal.
///
/// # Errors
/// [`LinkFailure::WrongAnswer`] when they are not, or it cannot be read.
pub fn read_echo(requests: &Requests<'_>, request: &Written, bytes: &[u8]) -> Result<Echo, LinkFailure> {
    let answer = requests.dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    belongs(&request.frame, &answer)?;
    let response_code = response_code(&answer)?;
    let takes_us = requests.dialect.answers.approved.contains(response_code.as_str());
    bound(requests, &answer, if takes_us { Authenticity::Shown } else { Authenticity::Waived })?;
    let local_time = answer.text(13).zip(answer.text(12)).map(|(day, time)| (day.to_owned(), time.to_owned()));
    Ok(Echo { response_code, local_time })
}

/// Reads an answer that no MAC protects and that may speak of another batch: message type, STAN, terminal, merchant and
/// acquirer must be right.
///
/// # Errors
/// [`LinkFailure::WrongAnswer`] when they are not, or it cannot be read.
pub(super) fn read_unsigned(requests: &Requests<'_>, request: &Written, bytes: &[u8]) -> Result<Message, LinkFailure> {
    let answer = requests.dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    repeats(&request.frame, &answer)?;
    let takes_us = requests.dialect.answers.approved.contains(response_code(&answer)?.as_str());
    bound(requests, &answer, if takes_us { Authenticity::Shown } else { Authenticity::Waived })?;
    Ok(answer)
}

/// Reads and checks the answer to a question about terminal data. Its network management code must be the question's.
///
/// # Errors
/// As [`read`].
pub fn read_reply(requests: &Requests<'_>, request: &Written, bytes: &[u8]) -> Result<Reply, LinkFailure> {
    let dialect = requests.dialect;
    let answer = dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    let authenticity = authenticate(dialect, requests.vault, &answer, bytes)?;
    belongs(&request.frame, &answer)?;
    bound(requests, &answer, authenticity)?;
    let code = |message: &Message| message.text(60).and_then(|text| text.get(8..11)).map(str::to_owned);
    if let (Some(expected), Some(found)) = (code(&request.frame.message), code(&answer))
        && expected != found
    {
        return Err(LinkFailure::WrongAnswer(format!("it answers {found}, the request was {expected}")));
    }
    Ok(Reply { response_code: response_code(&answer)?, field62: answer.bytes(62).unwrap_or_default().to_vec() })
}

/// What an answer that was read and found right orders the terminal to do. Only an answer with a MAC can: the header itself is not
/// covered by it, but whoever could change it could not make the answer.
///
/// # Errors
/// The digit, when it orders something that nobody here has heard of.
pub fn order(dialect: &Dialect, bytes: &[u8]) -> Result<Option<Order>, u8> {
    match dialect.unpack(bytes) {
        Ok(Frame { header, message, .. }) if message.bytes(MAC_FIELD).is_some() => dialect.order_in(&header),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Whether an answer that was read makes the terminal fetch new working keys: by an order in the header, which counts as in
/// [`order`], or because its code says that the host shares none with the terminal.
pub fn asks_for_sign_on(dialect: &Dialect, bytes: &[u8]) -> bool {
    let Ok(Frame { message, .. }) = dialect.unpack(bytes) else { return false };
    order(dialect, bytes) == Ok(Some(Order::SignOn))
        || message.text(39).is_some_and(|code| dialect.sign_on.after.contains(code))
}

/// Whether an answer shows that it is the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authenticity {
    /// By its MAC.
    Shown,
    /// It is a refusal that needs none.
    Waived,
}

pub(super) fn authenticate(
    dialect: &Dialect,
    vault: &dyn SecureElement,
    answer: &Message,
    bytes: &[u8],
) -> Result<Authenticity, LinkFailure> {
    let (Some(given), Some(covered)) = (answer.bytes(MAC_FIELD), dialect.mac_covered(bytes)) else {
        return match answer.text(39) {
            Some(code) if dialect.answers.without_mac.contains(code) => Ok(Authenticity::Waived),
            code => Err(LinkFailure::BadMac(format!("response code {} without a MAC", code.unwrap_or("missing")))),
        };
    };
    match vault.mac(covered) {
        Ok(right) if mac::equal(&right, given) => Ok(Authenticity::Shown),
        Ok(_) => Err(LinkFailure::BadMac("its MAC is wrong".to_owned())),
        Err(error) => Err(LinkFailure::BadMac(format!("its MAC cannot be checked: {error}"))),
    }
}

fn belongs(request: &Frame, answer: &Message) -> Result<(), LinkFailure> {
    repeats(request, answer)?;
    let asked = &request.message;
    // Hosts may leave these out; what they send must be right. Field 60 is compared by type and batch.
    for (field, name, length) in [(49, "currency", 3), (60, "type and batch", 8)] {
        let head = |message: &Message| message.text(field).map(|text| text.chars().take(length).collect::<String>());
        if let (Some(expected), Some(found)) = (head(asked), head(answer))
            && expected != found
        {
            return Err(LinkFailure::WrongAnswer(format!("its {name} is {found}, the request's was {expected}")));
        }
    }
    Ok(())
}

/// The answer is of the request's type and repeats what an answer repeats.
fn repeats(request: &Frame, answer: &Message) -> Result<(), LinkFailure> {
    let asked = &request.message;
    if asked.mti().answer() != Some(answer.mti()) {
        return Err(LinkFailure::WrongAnswer(format!("it is a {}, the request was a {}", answer.mti(), asked.mti())));
    }
    for (field, name) in REPEATED {
        if let Some(expected) = asked.text(*field)
            && answer.text(*field) != Some(expected)
            && !(*field == 11 && deliberate::is("other_answer_taken"))
        {
            let found = answer.text(*field).unwrap_or("missing");
            return Err(LinkFailure::WrongAnswer(format!("its {name} is {found}, the request's was {expected}")));
        }
    }
    Ok(())
}

/// One machine, one code: an answer that names other values than this terminal is bound to is not its answer. A refusal of a
/// host that knows nothing of this terminal names none.
pub(super) fn bound(requests: &Requests<'_>, answer: &Message, authenticity: Authenticity) -> Result<(), LinkFailure> {
    match (disagreement(requests, answer), authenticity) {
        (Some(problem), Authenticity::Shown) => Err(LinkFailure::WrongAnswer(problem)),
        (_, Authenticity::Waived) | (None, Authenticity::Shown) => Ok(()),
    }
}

/// Which value of the binding the host has otherwise, or leaves out.
fn disagreement(requests: &Requests<'_>, answer: &Message) -> Option<String> {
    let ours = requests.identity;
    for (field, name, expected) in [
        (32, "acquirer code", &ours.acquirer_code),
        (41, "terminal number", &ours.terminal_number),
        (42, "merchant code", &ours.merchant_code),
    ] {
        let found = answer.text(field).unwrap_or("missing");
        if found != expected {
            return Some(format!("its {name} is {found}, this terminal is bound to {expected}"));
        }
    }
    let mark = answer.text(59).and_then(|text| device::read_mark(text, &requests.dialect.binding).ok().flatten());
    let Some(mark) = mark else {
        return Some("it does not name the binding record, field 59".to_owned());
    };
    let value = ours.mark.disagreement(mark)?;
    Some(format!("its {value} is not the one that this terminal is bound to"))
}

/// What an answer says of this terminal's binding: that it is the same, or which value is another. Nothing when it cannot
/// be read or does not speak of it.
pub fn word_on_binding(requests: &Requests<'_>, bytes: &[u8]) -> Option<Result<(), String>> {
    let answer = requests.dialect.unpack(bytes).ok()?.message;
    answer.text(59)?;
    Some(disagreement(requests, &answer).map_or(Ok(()), Err))
}

pub(super) fn response_code(answer: &Message) -> Result<ResponseCode, LinkFailure> {
    let code = answer.text(39).ok_or_else(|| LinkFailure::WrongAnswer("it has no response code".to_owned()))?;
    ResponseCode::parse(code).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))
}

/// What the code means in this dialect. An approval names its amount (field 4): as asked, or less in a partial approval;
/// another answer may leave it out, and must be right when it does not. Where none was asked for, none is needed.
fn decision(dialect: &Dialect, asked: &Message, answer: &Message, code: &str) -> Result<Decision, LinkFailure> {
    let wrong = |problem: String| Err(LinkFailure::WrongAnswer(problem));
    let minor = |message: &Message| message.text(4).and_then(|digits| digits.parse::<u64>().ok());
    let codes = &dialect.answers;
    let expected = minor(asked).unwrap_or_default();
    match (minor(answer), codes.approved.contains(code)) {
        (None, true) if asked.text(4).is_some() => {
            return wrong(format!("it approves with {code} and names no amount"));
        }
        (Some(found), true) if codes.partial.contains(code) && found != expected => {
            if found == 0 || found > expected {
                return wrong(format!("it approves a part, {found} of {expected}"));
            }
            let currency = asked.text(49).and_then(|code| code.parse().ok()).and_then(Currency::from_numeric);
            return match currency.map(|currency| Amount::new(found, currency)) {
                Some(Ok(part)) => Ok(Decision::Partial(part)),
                _ => wrong("its amount has no currency".to_owned()),
            };
        }
        (Some(found), _) if found != expected => {
            return wrong(format!("its amount is {found}, the request's was {expected}"));
        }
        (Some(_) | None, _) => {}
    }
    Ok(if codes.approved.contains(code) {
        Decision::Approved
    } else if codes.unclear.contains(code) {
        Decision::Unclear
    } else if codes.number_in_use.contains(code) {
        Decision::NumberInUse
    } else if codes.wrong_pin.contains(code) {
        Decision::WrongPin
    } else if dialect.instalments.as_ref().is_some_and(|rules| rules.refused.contains(code))
        && kinds::is_by_instalments(dialect, asked)
        && kinds::of_request(dialect, asked) == Some(Kind::Sale)
    {
        Decision::NotByInstalments
    } else {
        Decision::Refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::fixtures::{bound_record, reversal_request, sale_request, with_requests};
    use crate::acquirer::parameters::Question;
    use crate::iso8583::Mti;
    use crate::payment::instalments::{AskedInstalments, Fee, Periods};
    use crate::payment::online::SaleRequest;
    use crate::terminal::binding::BindingRecord;

    /// The answer of a host that approves what was asked.
    fn approval(requests: &Requests<'_>, request: &Written) -> Message {
        let asked = &request.frame.message;
        let mut answer = Message::new(asked.mti().answer().unwrap());
        for field in [3, 4, 11, 41, 42, 49, 60] {
            if let Some(text) = asked.text(field) {
                answer = answer.with_text(field, text);
            }
        }
        let mark = device::write_mark(requests.identity.mark.as_str(), &requests.dialect.binding);
        answer = answer.with_text(32, &requests.identity.acquirer_code).with_text(59, &mark);
        answer.with_text(37, "263260000001").with_text(38, "123456").with_text(39, "00").with_bytes(55, &[0x91, 0])
    }

    fn signed(requests: &Requests<'_>, answer: Message) -> Vec<u8> {
        let mac = requests.vault.mac(&requests.dialect.pack_for_mac(&answer).unwrap()).unwrap();
        packed(requests, answer.with_bytes(MAC_FIELD, &mac))
    }

    fn packed(requests: &Requests<'_>, message: Message) -> Vec<u8> {
        let (tpdu, header) = (requests.tpdu.to_vec(), requests.dialect.header.clone());
        requests.dialect.pack(&Frame { tpdu, header, message }).unwrap().to_vec()
    }

    fn sale(requests: &Requests<'_>) -> Written {
        requests.sale(&sale_request()).unwrap()
    }

    #[test]
    fn an_approval_is_read() {
        with_requests(|requests| {
            let request = sale(requests);
            let bytes = signed(requests, approval(requests, &request));
            let answer = read(requests, &request, &bytes).unwrap();
            assert_eq!(answer.response_code.as_str(), "00");
            assert_eq!(answer.decision, Decision::Approved);
            assert_eq!(answer.rrn.unwrap().as_str(), "263260000001");
            assert_eq!(answer.authorisation_code.unwrap().as_str(), "123456");
            assert_eq!(answer.issuer_data, [0x91, 0]);
        });
    }

    #[test]
    fn an_approval_of_instalments_is_one_with_a_plan_that_comes_to_the_amount() {
        with_requests(|requests| {
            let periods = Periods::new(6).unwrap();
            let asked = AskedInstalments { periods, programme: None };
            let request = requests.sale(&SaleRequest { instalments: Some(asked), ..sale_request() }).unwrap();
            let rules = requests.dialect.instalments.as_ref().unwrap();
            let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
            let plan =
                |whole, first| Plan::new(yuan(whole), periods, yuan(first), yuan(205), Fee::AtOnce(yuan(44))).unwrap();
            let right = plan(1234, 209);
            let answer = |plan: Option<&Plan>, code: &str| {
                let mut answer = approval(requests, &request).with_text(39, code);
                if let Some(plan) = plan {
                    answer = answer.with_bytes(62, &instalments::write_plan(rules, plan));
                }
                read(requests, &request, &signed(requests, answer))
            };
            let approved = answer(Some(&right), "00").unwrap();
            assert_eq!((approved.decision, approved.plan), (Decision::Approved, Some(right)));
            let other = plan(1235, 210);
            for wrong in [None, Some(&other)] {
                assert!(matches!(answer(wrong, "00"), Err(LinkFailure::WrongAnswer(_))), "{wrong:?}");
            }
            for (code, decision) in
                [("57", Decision::NotByInstalments), ("58", Decision::NotByInstalments), ("51", Decision::Refused)]
            {
                let refused = answer(None, code).unwrap();
                assert_eq!((refused.decision, refused.plan), (decision, None), "{code}");
            }
            // Of a sale at once the same codes mean the card, and a plan is a courtesy.
            let at_once = sale(requests);
            let bytes = signed(requests, approval(requests, &at_once).with_text(39, "57"));
            assert_eq!(read(requests, &at_once, &bytes).unwrap().decision, Decision::Refused);
            let told = approval(requests, &at_once).with_bytes(62, &instalments::write_plan(rules, &right));
            assert_eq!(read(requests, &at_once, &signed(requests, told)).unwrap().plan, None);
        });
    }

    #[test]
    fn the_header_of_an_answer_with_a_mac_orders_something() {
        with_requests(|requests| {
            let answer = approval(requests, &sale(requests));
            let mac = requests.vault.mac(&requests.dialect.pack_for_mac(&answer).unwrap()).unwrap();
            let with_digit = |message: &Message, digit: u8| {
                let header = requests.dialect.parameters.order.with_digit(&requests.dialect.header, digit);
                let frame = Frame { tpdu: requests.tpdu.to_vec(), header, message: message.clone() };
                order(requests.dialect, &requests.dialect.pack(&frame).unwrap())
            };
            let signed = answer.clone().with_bytes(MAC_FIELD, &mac);
            let orders: Vec<_> = (1..8).map(|digit| with_digit(&signed, digit).unwrap().unwrap()).collect();
            assert_eq!(orders, Order::ALL);
            assert_eq!((with_digit(&signed, 0), with_digit(&signed, 8)), (Ok(None), Err(8)));
            assert_eq!(with_digit(&answer, 4), Ok(None), "an answer without a MAC orders nothing");
        });
    }

    #[test]
    fn an_order_with_a_mac_or_a_code_that_knows_no_key_asks_for_a_sign_on() {
        with_requests(|requests| {
            let answer = approval(requests, &sale(requests));
            let mac = requests.vault.mac(&requests.dialect.pack_for_mac(&answer).unwrap()).unwrap();
            let asks = |message: &Message, digit: u8| {
                let header = requests.dialect.parameters.order.with_digit(&requests.dialect.header, digit);
                let frame = Frame { tpdu: requests.tpdu.to_vec(), header, message: message.clone() };
                asks_for_sign_on(requests.dialect, &requests.dialect.pack(&frame).unwrap())
            };
            let signed = answer.clone().with_bytes(MAC_FIELD, &mac);
            assert!(asks(&signed, 3) && !asks(&signed, 0) && !asks(&signed, 4));
            assert!(!asks(&answer, 3), "an answer without a MAC orders nothing");
            let codes: Vec<_> = ["77", "97", "99", "A0", "51"]
                .into_iter()
                .filter(|code| asks(&answer.clone().with_text(39, code), 0))
                .collect();
            assert_eq!(codes, ["77", "99", "A0"]);
            assert!(!asks_for_sign_on(requests.dialect, b"<html>"));
        });
    }

    #[test]
    fn a_reply_about_terminal_data_is_believed_only_with_its_mac_and_to_its_own_question() {
        with_requests(|requests| {
            let question = Question {
                mti: Mti::NETWORK_REQUEST,
                code: "370".to_owned(),
                field62: Some(vec![1]),
                about: String::new(),
            };
            let request = requests.question(&question, jiff::civil::date(2026, 11, 28).at(2, 3, 4, 0)).unwrap();
            let asked = &request.frame.message;
            let mut answer = Message::new(asked.mti().answer().unwrap()).with_text(39, "00").with_bytes(62, b"1");
            let mark = device::write_mark(requests.identity.mark.as_str(), &requests.dialect.binding);
            answer = answer.with_text(32, &requests.identity.acquirer_code).with_text(59, &mark);
            for field in [41, 42, 60] {
                answer = answer.with_text(field, asked.text(field).unwrap());
            }
            let read = |answer: Message| read_reply(requests, &request, &signed(requests, answer));
            assert_eq!(read(answer.clone()).unwrap().field62, b"1");
            assert!(matches!(
                read_reply(requests, &request, &packed(requests, answer.clone())),
                Err(LinkFailure::BadMac(_))
            ));
            let mut bytes = signed(requests, answer.clone());
            let last = bytes.len() - 20;
            bytes[last] ^= 1;
            assert!(read_reply(requests, &request, &bytes).is_err());
            for (field, wrong) in [(60, "00000001371"), (41, "10000002"), (32, "11111111")] {
                let error = read(answer.clone().with_text(field, wrong)).unwrap_err();
                assert!(matches!(error, LinkFailure::WrongAnswer(_)), "{field}: {error}");
            }
        });
    }

    #[test]
    fn an_answer_that_belongs_to_something_else_is_refused() {
        with_requests(|requests| {
            let request = sale(requests);
            for (field, wrong) in [
                (3, "200000"),
                (4, "000000001233"),
                (11, "000043"),
                (41, "10000002"),
                (42, "898000000000002"),
                (49, "840"),
                (60, "2200000800050"),
            ] {
                let bytes = signed(requests, approval(requests, &request).with_text(field, wrong));
                let failure = read(requests, &request, &bytes).unwrap_err();
                assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "field {field}: {failure}");
            }
            for missing in [3, 4, 11, 39, 41, 42] {
                let bytes = signed(requests, approval(requests, &request).without(missing));
                let failure = read(requests, &request, &bytes).unwrap_err();
                assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "field {missing}: {failure}");
            }
            let mut other = Message::new(Mti::new(410).unwrap());
            approval(requests, &request).fields().for_each(|(field, value)| other.set(field, value));
            let failure = read(requests, &request, &signed(requests, other)).unwrap_err();
            assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "{failure}");
            let failure = read(requests, &request, b"<html>").unwrap_err();
            assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "{failure}");
        });
    }

    #[test]
    fn an_answer_that_names_another_binding_or_none_is_no_answer_and_says_which_value_it_is() {
        with_requests(|requests| {
            let request = sale(requests);
            let mark = |change: &dyn Fn(&mut BindingRecord)| {
                let mut record = bound_record();
                change(&mut record);
                device::write_mark(record.mark().unwrap().as_str(), &requests.dialect.binding)
            };
            let right = approval(requests, &request);
            assert_eq!(right.text(59), Some(mark(&|_| ()).as_str()));
            let cases = [
                (right.clone().with_text(32, "11111111"), "acquirer code"),
                (right.clone().without(32), "acquirer code is missing"),
                (right.clone().with_text(41, "10000009"), "terminal number"),
                (right.clone().with_text(42, "898000000000009"), "merchant code"),
                (right.clone().without(59), "binding record"),
                (right.clone().with_text(59, "A2000"), "binding record"),
                (right.clone().with_text(59, &mark(&|record| record.serial_number = "2".to_owned())), "binding record"),
                (
                    right.clone().with_text(59, &mark(&|record| record.credit_code = "91000000TE5T000020".to_owned())),
                    "unified social credit code",
                ),
                (
                    right.clone().with_text(59, &mark(&|record| record.settlement_account = "1*2".to_owned())),
                    "settlement account",
                ),
                (right.clone().with_text(59, &mark(&|record| record.place.radius_m = 2)), "deployment address"),
            ];
            for (answer, named) in cases {
                let bytes = signed(requests, answer);
                let failure = read(requests, &request, &bytes).unwrap_err();
                assert!(matches!(&failure, LinkFailure::WrongAnswer(_)), "{failure}");
                assert!(failure.to_string().contains(named), "{failure}: {named}");
                if let Some(word) = word_on_binding(requests, &bytes) {
                    assert!(word.unwrap_err().contains(named), "{named}");
                }
            }
            assert_eq!(word_on_binding(requests, &signed(requests, right.clone())), Some(Ok(())));
            // A host that refuses because it does not know this terminal names nothing, and is heard; so is one that refuses
            // because it has other values.
            let refusal = packed(requests, right.clone().without(32).without(59).with_text(39, "97"));
            assert_eq!(read(requests, &request, &refusal).unwrap().response_code.as_str(), "97");
            let other = signed(requests, right.with_text(32, "00000000").with_text(39, "97"));
            assert_eq!(read(requests, &request, &other).unwrap().decision, Decision::Refused);
            assert_eq!(word_on_binding(requests, &refusal), None);
        });
    }

    #[test]
    fn an_answer_without_its_mac_is_heard_only_as_a_refusal_of_the_terminal_and_proves_nothing() {
        with_requests(|requests| {
            let request = sale(requests);
            for (code, counts) in
                [("00", false), ("10", false), ("A2", false), ("05", false), ("51", false), ("97", true), ("A0", true)]
            {
                let bytes = packed(requests, approval(requests, &request).with_text(39, code));
                match read(requests, &request, &bytes) {
                    Ok(answer) => {
                        assert!(counts && answer.response_code.as_str() == code, "{code}");
                        assert_eq!(answer.decision, Decision::Unproven, "{code}");
                    }
                    Err(failure) => assert!(!counts && matches!(failure, LinkFailure::BadMac(_)), "{code}: {failure}"),
                }
                let proven = signed(requests, approval(requests, &request).with_text(39, code));
                assert_ne!(read(requests, &request, &proven).unwrap().decision, Decision::Unproven, "{code}");
            }
        });
    }

    #[test]
    fn a_change_in_any_byte_is_noticed() {
        with_requests(|requests| {
            let request = sale(requests);
            let right = signed(requests, approval(requests, &request));
            // Behind length, address and header: type, bitmap, fields, MAC.
            for at in 13..right.len() {
                let mut bytes = right.clone();
                bytes[at] ^= 1;
                assert!(read(requests, &request, &bytes).is_err(), "byte {at}");
            }
            let mut bytes = right.clone();
            *bytes.last_mut().unwrap() ^= 1;
            let failure = read(requests, &request, &bytes).unwrap_err();
            assert!(matches!(failure, LinkFailure::BadMac(_)), "{failure}");
        });
    }

    #[test]
    fn the_dialect_says_what_a_code_decides_and_only_a_part_has_another_amount() {
        let part = Decision::Partial(Amount::new(617, Currency::CNY).unwrap());
        with_requests(|requests| {
            let request = sale(requests);
            for (code, amount, decision) in [
                ("00", Some("000000001234"), Some(Decision::Approved)),
                ("A2", Some("000000001234"), Some(Decision::Approved)),
                ("00", Some("000000000617"), None),
                ("00", None, None),
                ("10", Some("000000000617"), Some(part)),
                ("10", Some("000000001234"), Some(Decision::Approved)),
                ("10", Some("000000001235"), None),
                ("10", Some("000000000000"), None),
                ("10", None, None),
                ("51", Some("000000000617"), None),
                ("51", Some("000000001234"), Some(Decision::Refused)),
                ("55", None, Some(Decision::WrongPin)),
                ("75", None, Some(Decision::Refused)),
                ("51", None, Some(Decision::Refused)),
                ("Q7", None, Some(Decision::Refused)),
                ("68", None, Some(Decision::Unclear)),
                ("94", None, Some(Decision::NumberInUse)),
            ] {
                let answer = approval(requests, &request).with_text(39, code);
                let answer = match amount {
                    Some(amount) => answer.with_text(4, amount),
                    None => answer.without(4),
                };
                let read = read(requests, &request, &signed(requests, answer));
                assert_eq!(read.map(|answer| answer.decision).ok(), decision, "{code} {amount:?}");
            }
        });
    }

    /// A request of each kind of which there is a message, approved.
    fn every_kind(requests: &Requests<'_>) -> Vec<(Kind, Written)> {
        let kinds = Kind::ALL.into_iter().filter(|kind| kinds::message_of(requests.dialect, *kind).is_some());
        let written = |kind: Kind| {
            let refers = Kind::ALL.into_iter().any(|original| kind.may_refer_to(original));
            let original = refers.then(crate::acquirer::fixtures::original);
            (kind, requests.sale(&SaleRequest { kind, original, ..sale_request() }).unwrap())
        };
        kinds.map(written).collect()
    }

    fn approval_of(requests: &Requests<'_>, kind: Kind, request: &Written) -> Message {
        let answer = approval(requests, request);
        if kind == Kind::Balance { answer.with_text(54, "0002156C000000001234") } else { answer }
    }

    #[test]
    fn the_answer_to_one_kind_is_that_of_no_other() {
        with_requests(|requests| {
            let all = every_kind(requests);
            assert_eq!(all.len(), 11);
            for (kind, request) in &all {
                let answer = signed(requests, approval_of(requests, *kind, request));
                for (other, asked) in &all {
                    match read(requests, asked, &answer) {
                        Ok(read) => {
                            assert_eq!(kind, other);
                            assert_eq!(read.decision, Decision::Approved, "{kind:?}");
                        }
                        Err(failure) => {
                            assert_ne!(kind, other, "{failure}");
                            assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "{failure}");
                        }
                    }
                }
            }
        });
    }

    #[test]
    fn the_answer_to_a_balance_tells_what_there_is_and_no_other_answer_is_refused_for_what_it_tells() {
        with_requests(|requests| {
            let all = every_kind(requests);
            let (_, balance) = all.iter().find(|(kind, _)| *kind == Kind::Balance).unwrap();
            let right = approval_of(requests, Kind::Balance, balance);
            let told = read(requests, balance, &signed(requests, right.clone())).unwrap().balances;
            assert_eq!(told.len(), 1);
            assert_eq!((told[0].amount.minor(), told[0].owed), (1234, false));
            for wrong in [
                right.clone().without(54),
                right.clone().with_text(54, "0002156C00000000123"),
                right.clone().with_text(54, "0002156X000000001234"),
                right.clone().with_text(4, "000000000001"),
            ] {
                let failure = read(requests, balance, &signed(requests, wrong)).unwrap_err();
                assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "{failure}");
            }
            let refused = right.clone().without(54).with_text(39, "55");
            let refused = read(requests, balance, &signed(requests, refused)).unwrap();
            assert_eq!((refused.decision, refused.balances), (Decision::WrongPin, Vec::new()));
            let sale = sale(requests);
            let chatty = approval(requests, &sale).with_text(54, "no balance");
            assert_eq!(read(requests, &sale, &signed(requests, chatty)).unwrap().balances, Vec::new());
        });
    }

    #[test]
    fn the_answer_to_a_reversal_is_held_to_the_same_rules() {
        with_requests(|requests| {
            let request = requests.reversal(&reversal_request()).unwrap();
            let bytes = signed(requests, approval(requests, &request));
            assert_eq!(read(requests, &request, &bytes).unwrap().response_code.as_str(), "00");
            let bytes = packed(requests, approval(requests, &request).with_text(39, "25"));
            let failure = read(requests, &request, &bytes).unwrap_err();
            assert!(matches!(failure, LinkFailure::BadMac(_)), "{failure}");
            let bytes = signed(requests, approval(requests, &sale(requests)));
            assert!(read(requests, &request, &bytes).is_err());
        });
    }
}
