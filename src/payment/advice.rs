//! What the host is still told of a payment that is over: the card's last word, and what came of the issuer's scripts
//! (pure).
//!
//! An advice moves no money and holds up no payment. It is durable together with the result it tells of, and is sent,
//! with the same number, until the host has it or a person must look.

use std::fmt;

use jiff::civil::DateTime;

use super::online::{EntryMode, HostAnswer, LinkFailure};
use crate::money::Amount;
use crate::reference::{ResponseCode, TraceNumber};

/// Tries that may have reached the host before a person must look.
pub const MAX_TRIES: u32 = 20;

/// Response codes after which sending the same again changes nothing: invalid transaction, amount or number, unknown
/// original, format error, and the issuer's "do not honour" for a cryptogram that is wrong.
const FINAL_REFUSALS: [&str; 6] = ["05", "12", "13", "14", "25", "30"];

/// What it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdviceKind {
    /// The TC of a payment: the card's own receipt (0320).
    CardResult,
    /// What the card made of the issuer's scripts (0620).
    ScriptResult,
}

impl AdviceKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::CardResult, Self::ScriptResult];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::CardResult => "card_result",
            Self::ScriptResult => "script_result",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One advice.
#[derive(Clone, PartialEq, Eq)]
pub struct Advice {
    /// What it tells of.
    pub kind: AdviceKind,
    /// Its own batch and STAN; the same at every try.
    pub trace: TraceNumber,
    /// Batch and STAN of the payment.
    pub original: TraceNumber,
    /// Amount of the payment.
    pub amount: Amount,
    /// Local time of the payment.
    pub at: DateTime,
    /// How the card was read.
    pub entry: EntryMode,
    /// PAN sequence number.
    pub sequence_number: Option<u8>,
    /// Field 55.
    pub chip_data: Vec<u8>,
}

/// The chip's data are not shown.
impl fmt::Debug for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advice")
            .field("kind", &self.kind)
            .field("trace", &self.trace)
            .field("original", &self.original)
            .finish_non_exhaustive()
    }
}

/// What follows from one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The host has it.
    Delivered,
    /// Nothing reached the host: try again, the try does not count.
    TryAgain,
    /// It may have reached the host: try again, the try counts.
    TryAgainCounted,
    /// The host does not take it, or all tries are used up: a person must look.
    Park(Option<ResponseCode>),
}

/// Judges a try; `counted` are those before it.
pub fn judge(result: &Result<HostAnswer, LinkFailure>, counted: u32) -> Next {
    match result {
        Ok(answer) if answer.response_code.as_str() == "00" => Next::Delivered,
        Ok(answer) if FINAL_REFUSALS.contains(&answer.response_code.as_str()) => {
            Next::Park(Some(answer.response_code.clone()))
        }
        Err(LinkFailure::NeverSent(_)) => Next::TryAgain,
        // What cannot be written today cannot be written tomorrow.
        Err(LinkFailure::Unsendable(_)) => Next::Park(None),
        Ok(answer) if counted + 1 >= MAX_TRIES => Next::Park(Some(answer.response_code.clone())),
        Err(_) if counted + 1 >= MAX_TRIES => Next::Park(None),
        Ok(_) | Err(_) => Next::TryAgainCounted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payment::online::Decision;

    fn answer(code: &str) -> Result<HostAnswer, LinkFailure> {
        Ok(HostAnswer {
            decision: Decision::Refused,
            response_code: ResponseCode::parse(code).unwrap(),
            rrn: None,
            authorisation_code: None,
            issuer_data: Vec::new(),
        })
    }

    #[test]
    fn only_an_explicit_code_ends_an_advice() {
        assert_eq!(judge(&answer("00"), MAX_TRIES), Next::Delivered);
        for code in FINAL_REFUSALS {
            assert_eq!(judge(&answer(code), 0), Next::Park(ResponseCode::parse(code).ok()), "{code}");
        }
        for code in ["96", "A0", "68", "91", "Q7"] {
            assert_eq!(judge(&answer(code), 0), Next::TryAgainCounted, "{code}");
            assert_eq!(judge(&answer(code), MAX_TRIES - 1), Next::Park(ResponseCode::parse(code).ok()), "{code}");
        }
    }

    #[test]
    fn a_try_that_never_left_does_not_count() {
        let detail = String::new;
        assert_eq!(judge(&Err(LinkFailure::NeverSent(detail())), MAX_TRIES + 1), Next::TryAgain);
        assert_eq!(judge(&Err(LinkFailure::NoAnswer(detail())), 0), Next::TryAgainCounted);
        assert_eq!(judge(&Err(LinkFailure::NoAnswer(detail())), MAX_TRIES - 1), Next::Park(None));
        assert_eq!(judge(&Err(LinkFailure::Unsendable(detail())), 0), Next::Park(None));
    }
}
