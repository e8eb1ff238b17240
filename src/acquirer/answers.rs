//! When an answer counts: it is readable, authentic, and belongs to this very request.
//!
//! Needs the dialect, the request and the MAC key. An answer that fails any check is no answer: the request's result stays
//! unknown, and the payment core takes it back.

use super::messages::Written;
use crate::crypto::mac;
use crate::iso8583::dialect::{Dialect, MAC_FIELD};
use crate::iso8583::{Frame, Message};
use crate::money::{Amount, Currency};
use crate::payment::online::{HostAnswer, LinkFailure};
use crate::reference::{AuthorisationCode, ReferenceError, ResponseCode, Rrn};
use crate::vault::SecureElement;

/// Fields that an answer repeats unchanged.
const REPEATED: &[(u8, &str)] = &[(3, "processing code"), (11, "STAN"), (41, "terminal number"), (42, "merchant code")];

/// Reads and checks the answer to a sale or a reversal.
///
/// # Errors
/// [`LinkFailure::WrongAnswer`] when it cannot be read or belongs to something else; [`LinkFailure::BadMac`] when its MAC
/// is wrong, or missing where it must be: an answer may come without only if its code is one of the dialect's
/// `without_mac`, refusals of a host that shares no key with this terminal.
pub fn read(
    dialect: &Dialect,
    vault: &dyn SecureElement,
    request: &Written,
    bytes: &[u8],
) -> Result<HostAnswer, LinkFailure> {
    let answer = dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    authenticate(dialect, vault, &answer, bytes)?;
    belongs(&request.frame, &answer)?;
    let response_code = response_code(&answer)?;
    let amount = amount(dialect, &request.frame.message, &answer, &response_code)?;
    let reference = |error: ReferenceError| LinkFailure::WrongAnswer(error.to_string());
    Ok(HostAnswer {
        response_code,
        amount,
        rrn: answer.text(37).map(Rrn::parse).transpose().map_err(reference)?,
        authorisation_code: answer.text(38).map(AuthorisationCode::parse).transpose().map_err(reference)?,
        issuer_data: answer.bytes(55).unwrap_or_default().to_vec(),
    })
}

/// Reads the answer to an echo: message type, terminal and merchant must be those of the request.
///
/// # Errors
/// [`LinkFailure::WrongAnswer`] when they are not, or it cannot be read.
pub fn read_echo(dialect: &Dialect, request: &Written, bytes: &[u8]) -> Result<ResponseCode, LinkFailure> {
    let answer = dialect.unpack(bytes).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))?.message;
    belongs(&request.frame, &answer)?;
    response_code(&answer)
}

fn authenticate(
    dialect: &Dialect,
    vault: &dyn SecureElement,
    answer: &Message,
    bytes: &[u8],
) -> Result<(), LinkFailure> {
    let (Some(given), Some(covered)) = (answer.bytes(MAC_FIELD), dialect.mac_covered(bytes)) else {
        return match answer.text(39) {
            Some(code) if dialect.answers.without_mac.contains(code) => Ok(()),
            code => Err(LinkFailure::BadMac(format!("response code {} without a MAC", code.unwrap_or("missing")))),
        };
    };
    match vault.mac(covered) {
        Ok(right) if mac::equal(&right, given) => Ok(()),
        Ok(_) => Err(LinkFailure::BadMac("its MAC is wrong".to_owned())),
        Err(error) => Err(LinkFailure::BadMac(format!("its MAC cannot be checked: {error}"))),
    }
}

fn belongs(request: &Frame, answer: &Message) -> Result<(), LinkFailure> {
    let asked = &request.message;
    if asked.mti().answer() != Some(answer.mti()) {
        return Err(LinkFailure::WrongAnswer(format!("it is a {}, the request was a {}", answer.mti(), asked.mti())));
    }
    for (field, name) in REPEATED {
        if let Some(expected) = asked.text(*field)
            && answer.text(*field) != Some(expected)
        {
            let found = answer.text(*field).unwrap_or("missing");
            return Err(LinkFailure::WrongAnswer(format!("its {name} is {found}, the request's was {expected}")));
        }
    }
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

fn response_code(answer: &Message) -> Result<ResponseCode, LinkFailure> {
    let code = answer.text(39).ok_or_else(|| LinkFailure::WrongAnswer("it has no response code".to_owned()))?;
    ResponseCode::parse(code).map_err(|error| LinkFailure::WrongAnswer(error.to_string()))
}

/// Field 4: as asked, or less in a partial approval. An approval has one; another answer may leave it out.
fn amount(
    dialect: &Dialect,
    asked: &Message,
    answer: &Message,
    code: &ResponseCode,
) -> Result<Option<Amount>, LinkFailure> {
    let wrong = |problem: String| Err(LinkFailure::WrongAnswer(problem));
    let minor = |message: &Message| message.text(4).and_then(|digits| digits.parse::<u64>().ok());
    let expected = minor(asked).unwrap_or_default();
    let found = match (minor(answer), dialect.answers.approved.contains(code.as_str())) {
        (Some(found), _) => found,
        (None, false) => return Ok(None),
        (None, true) => return wrong(format!("it approves with {code} and names no amount")),
    };
    if dialect.answers.partial.contains(code.as_str()) {
        if found == 0 || found >= expected {
            return wrong(format!("it approves a part, {found} of {expected}"));
        }
    } else if found != expected {
        return wrong(format!("its amount is {found}, the request's was {expected}"));
    }
    let currency = asked.text(49).and_then(|code| code.parse().ok()).and_then(Currency::from_numeric);
    match currency.map(|currency| Amount::new(found, currency)) {
        Some(Ok(amount)) => Ok(Some(amount)),
        _ => wrong("its amount has no currency".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquirer::fixtures::{reversal_request, sale_request, with_requests};
    use crate::acquirer::messages::Requests;
    use crate::iso8583::Mti;

    /// The answer of a host that approves what was asked.
    fn approval(request: &Written) -> Message {
        let asked = &request.frame.message;
        let mut answer = Message::new(asked.mti().answer().unwrap());
        for field in [3, 4, 11, 41, 42, 49, 60] {
            answer = answer.with_text(field, asked.text(field).unwrap());
        }
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
            let bytes = signed(requests, approval(&request));
            let answer = read(requests.dialect, requests.vault, &request, &bytes).unwrap();
            assert_eq!(answer.response_code.as_str(), "00");
            assert_eq!(answer.amount, Some(sale_request().amount));
            assert_eq!(answer.rrn.unwrap().as_str(), "263260000001");
            assert_eq!(answer.authorisation_code.unwrap().as_str(), "123456");
            assert_eq!(answer.issuer_data, [0x91, 0]);
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
                let bytes = signed(requests, approval(&request).with_text(field, wrong));
                let failure = read(requests.dialect, requests.vault, &request, &bytes).unwrap_err();
                assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "field {field}: {failure}");
            }
            for missing in [3, 4, 11, 39, 41, 42] {
                let bytes = signed(requests, approval(&request).without(missing));
                let failure = read(requests.dialect, requests.vault, &request, &bytes).unwrap_err();
                assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "field {missing}: {failure}");
            }
            let mut other = Message::new(Mti::new(410).unwrap());
            approval(&request).fields().for_each(|(field, value)| other.set(field, value.clone()));
            let failure = read(requests.dialect, requests.vault, &request, &signed(requests, other)).unwrap_err();
            assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "{failure}");
            let failure = read(requests.dialect, requests.vault, &request, b"<html>").unwrap_err();
            assert!(matches!(failure, LinkFailure::WrongAnswer(_)), "{failure}");
        });
    }

    #[test]
    fn an_answer_without_its_mac_counts_only_as_a_refusal_of_the_terminal() {
        with_requests(|requests| {
            let request = sale(requests);
            for (code, counts) in
                [("00", false), ("10", false), ("A2", false), ("05", false), ("51", false), ("97", true), ("A0", true)]
            {
                let bytes = packed(requests, approval(&request).with_text(39, code));
                match read(requests.dialect, requests.vault, &request, &bytes) {
                    Ok(answer) => assert!(counts && answer.response_code.as_str() == code, "{code}"),
                    Err(failure) => assert!(!counts && matches!(failure, LinkFailure::BadMac(_)), "{code}: {failure}"),
                }
            }
        });
    }

    #[test]
    fn a_change_in_any_byte_is_noticed() {
        with_requests(|requests| {
            let request = sale(requests);
            let right = signed(requests, approval(&request));
            // Behind length, address and header: type, bitmap, fields, MAC.
            for at in 13..right.len() {
                let mut bytes = right.clone();
                bytes[at] ^= 1;
                assert!(read(requests.dialect, requests.vault, &request, &bytes).is_err(), "byte {at}");
            }
            let mut bytes = right.clone();
            *bytes.last_mut().unwrap() ^= 1;
            let failure = read(requests.dialect, requests.vault, &request, &bytes).unwrap_err();
            assert!(matches!(failure, LinkFailure::BadMac(_)), "{failure}");
        });
    }

    #[test]
    fn only_a_partial_approval_has_another_amount_and_it_is_less() {
        with_requests(|requests| {
            let request = sale(requests);
            for (code, amount, counts) in [
                ("10", "000000000617", true),
                ("10", "000000001234", false),
                ("10", "000000001235", false),
                ("10", "000000000000", false),
                ("00", "000000000617", false),
                ("51", "000000000617", false),
                ("51", "000000001234", true),
            ] {
                let bytes = signed(requests, approval(&request).with_text(39, code).with_text(4, amount));
                let answer = read(requests.dialect, requests.vault, &request, &bytes);
                assert_eq!(answer.is_ok(), counts, "{code} {amount}");
            }
            let bytes = signed(requests, approval(&request).with_text(39, "51").without(4));
            assert_eq!(read(requests.dialect, requests.vault, &request, &bytes).unwrap().amount, None);
        });
    }

    #[test]
    fn the_answer_to_a_reversal_is_held_to_the_same_rules() {
        with_requests(|requests| {
            let request = requests.reversal(&reversal_request()).unwrap();
            let bytes = signed(requests, approval(&request));
            assert_eq!(read(requests.dialect, requests.vault, &request, &bytes).unwrap().response_code.as_str(), "00");
            let bytes = packed(requests, approval(&request).with_text(39, "25"));
            let failure = read(requests.dialect, requests.vault, &request, &bytes).unwrap_err();
            assert!(matches!(failure, LinkFailure::BadMac(_)), "{failure}");
            let bytes = signed(requests, approval(&sale(requests)));
            assert!(read(requests.dialect, requests.vault, &request, &bytes).is_err());
        });
    }
}
