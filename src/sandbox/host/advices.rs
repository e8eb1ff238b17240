//! What terminals tell of payments that are over: the card's TC (0320), and what came of the issuer's scripts (0620).
//!
//! The issuer checks the cryptogram. What it finds is written down beside the payment; no money moves.

use super::books::{Booked, Books};
use super::originals;
use super::rules::{self, Decision, Refusal, format_error};
use super::store::{Store, StoreError, Terminal};
use crate::acquirer::kinds;
use crate::acquirer::messages::{CARD_RESULT, MANAGEMENT_TYPE, SCRIPT_RESULT};
use crate::crypto::hex;
use crate::emv::results::Tvr;
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::{self, TlvBuilder};
use crate::iso8583::dialect::Dialect;
use crate::iso8583::{Message, Mti};
use crate::payment::advice::AdviceKind;
use crate::reference::TraceNumber;
use crate::sandbox::issuer::Cryptogram;

/// What the host noted of an advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it told of.
    pub kind: AdviceKind,
    /// Batch and STAN of the payment.
    pub original: TraceNumber,
    /// TC, AAC or ARQC, as far as the issuer found it right; why not, otherwise.
    pub verdict: String,
    /// Issuer script results, hexadecimal; empty when it told of none.
    pub script_results: String,
    /// How often it came.
    pub times: u32,
}

/// Takes note of an advice (0320, 0620), however often it comes.
///
/// # Errors
/// When the database fails; nothing is noted then.
pub fn advice(
    store: &Store,
    dialect: &Dialect,
    terminal: &Terminal,
    message: &Message,
) -> Result<Decision, StoreError> {
    let (kind, original) = match read(message) {
        Ok(read) => read,
        Err(refusal) => return Ok(refusal.into()),
    };
    store.transaction(|books| {
        let Some(Booked { entry, pan, .. }) = books.entry(&terminal.terminal, original)? else {
            return Ok(says("25", "no such payment"));
        };
        if let Some(what) = originals::disagreement(books, &terminal.terminal, original, message)? {
            return Ok(says("25", &format!("another payment had this number: the {what} is not its")));
        }
        let is_its =
            kinds::message_of(dialect, entry.kind).map(|rules| rules.processing_code.as_str()) == message.text(3);
        if !is_its {
            return Ok(says("25", "another payment had this number: the processing code is not its"));
        }
        if message.text(4) != Some(&entry.amount.twelve_digits()) {
            return Ok(says("13", "the amount is not the original's"));
        }
        let chip_data = message.bytes(55).unwrap_or_default();
        let verdict = match pan {
            Some(pan) => judge(books, &pan, kind, chip_data)?,
            None => Err("no account behind this card".to_owned()),
        };
        let script_results = Tag::read(&dialect.script_results)
            .and_then(|(tag, _)| tlv::find(chip_data, tag).ok().flatten())
            .map(hex::encode)
            .unwrap_or_default();
        let decision = match &verdict {
            Ok(cryptogram) => says("00", &format!("noted, the {cryptogram} is right")),
            Err(problem) => says("05", problem),
        };
        let verdict = verdict.map_or_else(|problem| problem, |cryptogram| cryptogram.to_string());
        books.note_advice(&terminal.terminal, &Note { kind, original, verdict, script_results, times: 1 })?;
        Ok(decision)
    })
}

/// Whether the issuer knows the cryptogram as its card's. A payment's must be a TC.
fn judge(
    books: &Books<'_>,
    pan: &str,
    kind: AdviceKind,
    chip_data: &[u8],
) -> Result<Result<Cryptogram, String>, StoreError> {
    let Some(account) = books.account(pan)? else { return Ok(Err("no account behind this card".to_owned())) };
    let information = tlv::find(chip_data, tag::CRYPTOGRAM_INFORMATION).ok().flatten().and_then(<[u8]>::first);
    let said = information.and_then(|byte| Cryptogram::from_information(*byte));
    let expected = match (kind, said) {
        (AdviceKind::CardResult, _) => Cryptogram::Tc,
        // The card left before its last word. Its first one came with the request and was found right then; the results
        // that it covers have changed since.
        (AdviceKind::ScriptResult, Some(Cryptogram::Arqc)) => return Ok(Ok(Cryptogram::Arqc)),
        (AdviceKind::ScriptResult, Some(said)) => said,
        (AdviceKind::ScriptResult, None) => return Ok(Err("no cryptogram information (9F27)".to_owned())),
    };
    let covered = as_the_card_saw_it(chip_data);
    Ok(account.issuer.verify(expected, &covered).map(|_| expected).map_err(|error| error.to_string()))
}

/// The one bit of the TVR that is set after the card's last cryptogram is not in it.
fn as_the_card_saw_it(chip_data: &[u8]) -> Vec<u8> {
    let mut builder = TlvBuilder::new();
    for object in tlv::walk(chip_data).map_while(Result::ok) {
        match <[u8; 5]>::try_from(object.value) {
            Ok(bytes) if object.tag == tag::TVR => {
                builder.push(object.tag, &Tvr(bytes).without(Tvr::SCRIPT_FAILED_AFTER).0);
            }
            _ => builder.push(object.tag, object.value),
        }
    }
    builder.build()
}

fn read(message: &Message) -> Result<(AdviceKind, TraceNumber), Refusal> {
    let sixty = message.text(60).unwrap_or_default();
    let (own_type, code) = (sixty.get(..2), sixty.get(8..11));
    let kind = match (message.mti(), code) {
        (Mti::BATCH_UPLOAD, Some(CARD_RESULT)) => AdviceKind::CardResult,
        (Mti::ADMINISTRATIVE_ADVICE, Some(SCRIPT_RESULT)) => AdviceKind::ScriptResult,
        _ => return Err(format_error("field 60 names neither a TC nor script results")),
    };
    if own_type != Some(MANAGEMENT_TYPE) {
        return Err(format_error("no type 00 in field 60"));
    }
    Ok((kind, rules::original(message)?))
}

fn says(code: &str, reason: &str) -> Decision {
    Decision { response_code: code.to_owned(), reason: reason.to_owned(), ..Decision::default() }
}
