//! A sale that comes twice, byte for byte: a gateway on the way has sent it again. It is booked once and answered twice, the
//! same both times, so that it does not matter which answer the terminal gets.
//!
//! The same number with anything else in the message is another sale, and one that was taken back stays so: both are 94.

use openssl::sha::sha256;

use super::books::{Books, KeptAnswer};
use super::rules::{Decision, PART};
use super::store::{Entry, EntryState, StoreError};
use crate::reference::TraceNumber;

/// Keeps what is needed to answer the request again.
///
/// # Errors
/// When the database cannot be written.
pub fn remember(
    books: &Books<'_>,
    terminal: &str,
    trace: TraceNumber,
    request: &[u8],
    decision: &Decision,
) -> Result<(), StoreError> {
    let answer = KeptAnswer {
        request: sha256(request).to_vec(),
        authorisation_code: decision.authorisation_code.clone(),
        issuer_data: decision.issuer_data.clone(),
    };
    books.keep_answer(terminal, trace, &answer)
}

/// The answer to the request that made `entry`, if this is the same one and still stands.
///
/// # Errors
/// When the database cannot be read.
pub fn answer(books: &Books<'_>, entry: &Entry, request: &[u8]) -> Result<Option<Decision>, StoreError> {
    if entry.state == EntryState::Reversed {
        return Ok(None);
    }
    let kept = books.kept_answer(&entry.terminal, entry.trace)?;
    Ok(kept.filter(|kept| kept.request == sha256(request)).map(|kept| Decision {
        response_code: entry.response_code.clone(),
        reason: format!("the same request again; {}", entry.reason),
        rrn: Some(entry.rrn.clone()),
        authorisation_code: kept.authorisation_code,
        amount: (entry.response_code == PART).then(|| entry.booked.minor()),
        issuer_data: kept.issuer_data,
        silent: false,
    }))
}
