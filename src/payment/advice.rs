//! What the host is still told of a payment that is over: the card's last word, and what came of the issuer's scripts
//! (pure).
//!
//! An advice moves no money and holds up no payment. It is durable together with the result it tells of, and is sent,
//! with the same number, until the host has it or a person must look.

use std::fmt;

use jiff::civil::DateTime;

use super::online::{Decision, EntryMode, HostAnswer, LinkFailure};
use super::reversal::MIN_AGE_S;
use crate::money::Amount;
use crate::reference::{ResponseCode, TraceNumber};

/// Tries that count before a person must look.
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
    /// The payment brought a PIN: field 22 is the payment's.
    pub with_pin: bool,
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
    /// Try again, the try counts.
    TryAgainCounted,
    /// The host does not take it, or all tries are used up: a person must look.
    Park(Option<ResponseCode>),
}

/// How a try came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Those counted before it.
    pub counted: u32,
    /// Seconds since the payment.
    pub age_s: i64,
}

/// Judges a try. A person must look only at what is old enough: a terminal that is started often does not use up the tries.
pub fn judge(result: &Result<HostAnswer, LinkFailure>, this: Try) -> Next {
    let used_up = this.counted + 1 >= MAX_TRIES && this.age_s >= MIN_AGE_S;
    match result {
        Ok(answer) if answer.response_code.as_str() == "00" => Next::Delivered,
        // The number is ours alone: an earlier try of this very advice came through.
        Ok(answer) if answer.decision == Decision::NumberInUse && this.counted > 0 => Next::Delivered,
        Ok(answer) if used_up || FINAL_REFUSALS.contains(&answer.response_code.as_str()) => {
            Next::Park(Some(answer.response_code.clone()))
        }
        Err(LinkFailure::NeverSent(_)) => Next::TryAgain,
        Err(_) if used_up => Next::Park(None),
        Ok(_) | Err(_) => Next::TryAgainCounted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: &str) -> Result<HostAnswer, LinkFailure> {
        decided(Decision::Refused, code)
    }

    fn decided(decision: Decision, code: &str) -> Result<HostAnswer, LinkFailure> {
        Ok(HostAnswer {
            decision,
            response_code: ResponseCode::parse(code).unwrap(),
            rrn: None,
            authorisation_code: None,
            issuer_data: Vec::new(),
        })
    }

    const FIRST: Try = Try { counted: 0, age_s: 10 };
    const OFTEN: Try = Try { counted: MAX_TRIES - 1, age_s: MIN_AGE_S - 1 };
    const LAST: Try = Try { counted: MAX_TRIES - 1, age_s: MIN_AGE_S };

    #[test]
    fn only_an_explicit_code_ends_an_advice() {
        assert_eq!(judge(&answer("00"), LAST), Next::Delivered);
        for code in FINAL_REFUSALS {
            assert_eq!(judge(&answer(code), FIRST), Next::Park(ResponseCode::parse(code).ok()), "{code}");
        }
        for code in ["96", "A0", "68", "91", "Q7"] {
            assert_eq!(judge(&answer(code), FIRST), Next::TryAgainCounted, "{code}");
            assert_eq!(judge(&answer(code), OFTEN), Next::TryAgainCounted, "{code}: tried often, but not for long");
            assert_eq!(judge(&answer(code), LAST), Next::Park(ResponseCode::parse(code).ok()), "{code}");
        }
    }

    #[test]
    fn a_number_the_host_has_already_is_that_of_an_earlier_try() {
        let used = decided(Decision::NumberInUse, "94");
        assert_eq!(judge(&used, Try { counted: 1, ..FIRST }), Next::Delivered);
        assert_eq!(judge(&used, FIRST), Next::TryAgainCounted);
    }

    #[test]
    fn a_try_that_never_left_does_not_count() {
        let detail = String::new;
        assert_eq!(judge(&Err(LinkFailure::NeverSent(detail())), LAST), Next::TryAgain);
        for failure in [LinkFailure::NoAnswer(detail()), LinkFailure::Unsendable(detail())] {
            assert_eq!(judge(&Err(failure.clone()), FIRST), Next::TryAgainCounted);
            assert_eq!(judge(&Err(failure), LAST), Next::Park(None));
        }
    }
}
