//! What the host answers: fields, MAC, frame.

use zeroize::Zeroizing;

use super::store::Terminal;
use crate::crypto::CryptoError;
use crate::iso8583::dialect::{Dialect, MAC_FIELD};
use crate::iso8583::{Frame, Message, Order, PackError};

/// What an answer says beside what it repeats of the request.
#[derive(Clone, Debug, Default)]
pub struct Says<'a> {
    /// Field 39.
    pub response_code: &'a str,
    /// Field 37.
    pub rrn: Option<&'a str>,
    /// Field 38.
    pub authorisation_code: Option<&'a str>,
    /// Field 4, when it is not the request's.
    pub amount: Option<u64>,
    /// Field 54.
    pub balance: Option<&'a str>,
    /// Field 55.
    pub issuer_data: Option<Vec<u8>>,
}

/// An answer that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It does not fit the dialect.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Its MAC cannot be made.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The terminal has no key to check it with.
    #[error("terminal {0} has not signed on")]
    NoKey(String),
}

/// The host's own values of a terminal, which every answer to it names: the terminal compares them.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Field 32.
    pub acquirer: &'a str,
    /// Field 42.
    pub merchant: &'a str,
    /// Field 59: what stands for the binding record, as the dialect writes it.
    pub mark: &'a str,
}

/// Fields of the request that the answer repeats.
const REPEATED: &[u8] = &[3, 4, 11, 25, 41, 42, 49, 60];

/// The answer's message, without its MAC. Nothing when the request's type has no answer.
pub fn message(request: &Message, says: &Says<'_>, named: Option<Named<'_>>, now: &jiff::Zoned) -> Option<Message> {
    let mut answer = Message::new(request.mti().answer()?);
    for field in REPEATED {
        if let Some(text) = request.text(*field) {
            answer = answer.with_text(*field, text);
        }
    }
    let (date, time) = (now.date(), now.time());
    let day = format!("{:02}{:02}", date.month(), date.day());
    answer = answer
        .with_text(12, &format!("{:02}{:02}{:02}", time.hour(), time.minute(), time.second()))
        .with_text(13, &day)
        .with_text(15, &day)
        .with_text(39, says.response_code);
    if let Some(named) = named {
        answer = answer.with_text(32, named.acquirer).with_text(42, named.merchant).with_text(59, named.mark);
    }
    for (field, text) in [(37, says.rrn), (38, says.authorisation_code), (54, says.balance)] {
        if let Some(text) = text {
            answer = answer.with_text(field, text);
        }
    }
    if let Some(minor) = says.amount {
        answer = answer.with_text(4, &format!("{minor:012}"));
    }
    if let Some(data) = &says.issuer_data {
        answer = answer.with_bytes(55, data);
    }
    Some(answer)
}

/// The answer's bytes with the MAC of this terminal.
///
/// # Errors
/// When it does not fit the dialect, or OpenSSL refuses.
pub fn signed(
    dialect: &Dialect,
    request: &Frame,
    answer: Message,
    terminal: &Terminal,
) -> Result<Zeroizing<Vec<u8>>, AnswerError> {
    ordering(dialect, request, answer, terminal, None)
}

/// As [`signed`]; its header orders the terminal to do something.
///
/// # Errors
/// As [`signed`].
pub fn ordering(
    dialect: &Dialect,
    request: &Frame,
    answer: Message,
    terminal: &Terminal,
    order: Option<Order>,
) -> Result<Zeroizing<Vec<u8>>, AnswerError> {
    let key = terminal.mac_key.as_ref().ok_or_else(|| AnswerError::NoKey(terminal.terminal.clone()))?;
    let mac = key.field_64(dialect.mac, &dialect.pack_for_mac(&answer)?)?;
    let header = match order {
        Some(order) => dialect.with_order(&dialect.header, order),
        None => dialect.header.clone(),
    };
    let message = answer.with_bytes(MAC_FIELD, &mac);
    Ok(dialect.pack(&Frame { tpdu: request.answer_tpdu(), header, message })?)
}

/// The answer's bytes as they are: for refusals of a terminal whose key is not known or does not fit.
///
/// # Errors
/// When it does not fit the dialect.
pub fn unsigned(dialect: &Dialect, request: &Frame, answer: Message) -> Result<Zeroizing<Vec<u8>>, PackError> {
    dialect.pack(&Frame { tpdu: request.answer_tpdu(), header: dialect.header.clone(), message: answer })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8583::Mti;

    #[test]
    fn an_answer_goes_back_to_where_the_request_came_from() {
        let dialect = Dialect::shipped("unionpay").unwrap();
        let message = Message::new(Mti::FINANCIAL_REQUEST).with_text(11, "000042").with_text(2, "4111111111111111");
        let request = Frame { tpdu: vec![0x60, 0, 3, 0, 9], header: dialect.header.clone(), message };
        let now: jiff::Zoned = "2026-11-22T14:03:05+08:00[+08:00]".parse().unwrap();
        let says = Says { response_code: "51", ..Says::default() };
        let named = Named { acquirer: "99990000", merchant: "999TEST00000001", mark: "A2000" };
        let answer = super::message(&request.message, &says, Some(named), &now).unwrap();
        let bytes = unsigned(&dialect, &request, answer).unwrap();
        let read = dialect.unpack(&bytes).unwrap();
        assert_eq!(read.tpdu, [0x60, 0, 9, 0, 3]);
        let fields = [11, 12, 13, 32, 39, 42, 59].map(|field| read.message.text(field).unwrap().to_owned());
        assert_eq!(fields, ["000042", "140305", "1122", "99990000", "51", "999TEST00000001", "A2000"]);
        assert_eq!(read.message.text(2), None, "the card number does not travel back");
    }
}
