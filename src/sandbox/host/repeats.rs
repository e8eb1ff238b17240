//! A request that comes twice, byte for byte: a gateway on the way has sent it again, or the terminal has what it cannot take back.
//! It is booked once and answered twice, the same both times, so that it does not matter which answer the terminal gets.
//!
//! What the terminal can take back comes again only as something on the way doubled it, byte for byte. What it cannot take back it
//! sends again itself until it has an answer, perhaps under new keys and from a newer program: then it is the same when all else is.
//!
//! The same number with anything else in the message is another request, and one that was taken back stays so: both are 94.

use openssl::sha::{Sha256, sha256};

use super::books::{Books, KeptAnswer};
use super::instalments;
use super::rules::{Decision, PART};
use super::store::{Entry, EntryState, StoreError};
use crate::iso8583::dialect::MAC_FIELD;
use crate::iso8583::{Message, Value};
use crate::payment::transaction::{IfUnknown, Kind};
use crate::reference::TraceNumber;

/// What a repeat may have otherwise: which program on which machine it comes from, and the MAC.
const OF_THE_MOMENT: [u8; 2] = [59, MAC_FIELD];

/// What tells a request from every other one.
pub fn digest(kind: Kind, message: &Message, bytes: &[u8]) -> [u8; 32] {
    let told_again = kind == Kind::OfflineSale || kind.if_unknown() == IfUnknown::Repeated;
    if told_again { content(message) } else { sha256(bytes) }
}

/// What tells a request from every other one, whichever program sends it again.
pub fn content(message: &Message) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(message.mti().to_string().as_bytes());
    for (field, value) in message.fields().filter(|(field, _)| !OF_THE_MOMENT.contains(field)) {
        let value = match value {
            Value::Text(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
        };
        hash.update(&[field]);
        hash.update(&(value.len() as u64).to_be_bytes());
        hash.update(value);
    }
    hash.finish()
}

/// Keeps what is needed to answer the request again.
///
/// # Errors
/// When the database cannot be written.
pub fn remember(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
    request: [u8; 32],
    decision: &Decision,
) -> Result<(), StoreError> {
    let answer = KeptAnswer {
        request: request.to_vec(),
        authorisation_code: decision.authorisation_code.clone(),
        issuer_data: decision.issuer_data.clone(),
    };
    books.keep_answer(terminal, trace, &answer)
}

/// The answer to the request that made `entry`, if this is the same one and still stands.
///
/// # Errors
/// When the database cannot be read.
pub fn answer(books: &Books<'_>, entry: &Entry, request: [u8; 32]) -> Result<Option<Decision>, StoreError> {
    if entry.state == EntryState::Reversed {
        return Ok(None);
    }
    let kept = books.kept_answer(&entry.terminal, entry.trace)?;
    let plan = instalments::kept(books, &entry.terminal, entry.trace)?;
    Ok(kept.filter(|kept| kept.request == request).map(|kept| Decision {
        response_code: entry.response_code.clone(),
        reason: format!("the same request again; {}", entry.reason),
        rrn: Some(entry.rrn.clone()),
        authorisation_code: kept.authorisation_code,
        amount: (entry.response_code == PART).then(|| entry.booked.minor()),
        issuer_data: kept.issuer_data,
        plan,
        is_repeat: true,
        ..Decision::default()
    }))
}
