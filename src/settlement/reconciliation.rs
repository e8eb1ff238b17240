//! What terminal and host say of the payments of a batch, held against each other. Decides only; asks nobody.

use std::collections::BTreeMap;

use super::{Standing, standing};
use crate::money::Amount;
use crate::payment::queue::Resolution;
use crate::payment::record::State;
use crate::reference::TraceNumber;

/// A payment as the terminal's ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Which.
    pub trace: TraceNumber,
    /// Where it stands.
    pub state: State,
    /// What a person found out.
    pub resolution: Option<Resolution>,
    /// How much it is.
    pub amount: Amount,
    /// The host has not heard of it, and will.
    pub to_be_told: bool,
}

/// A payment as the host has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theirs {
    /// Which.
    pub trace: TraceNumber,
    /// Whether the cardholder is charged.
    pub charged: bool,
    /// How much was asked for, or what of it is charged.
    pub amount: Amount,
    /// The host's reference number.
    pub rrn: String,
    /// Last four digits of the card number; empty where the host does not say.
    pub last_four: String,
}

/// What does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The host has charged a payment that the terminal does not know.
    UnknownHere,
    /// The terminal has a payment as paid that the host does not know, or has not charged.
    NotCharged,
    /// The host has charged a payment that the terminal has as not paid or as taken back.
    ChargedAllTheSame,
    /// Both have it as paid, with different amounts.
    Amounts,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::UnknownHere, Self::NotCharged, Self::ChargedAllTheSame, Self::Amounts];

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The word in JSON and in the ledger.
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnknownHere => "unknown_here",
            Self::NotCharged => "not_charged",
            Self::ChargedAllTheSame => "charged_all_the_same",
            Self::Amounts => "amounts_differ",
        }
    }
}

/// A payment about which the two do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub kind: Kind,
    /// Which payment.
    pub trace: TraceNumber,
    /// What the terminal says of it.
    pub ours: Option<Ours>,
    /// What the host says of it.
    pub theirs: Option<Theirs>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Where the two do not agree, by batch and STAN.
    pub differences: Vec<Difference>,
    /// Payments about which they agree.
    pub agreed: u32,
    /// Payments that the terminal has not finished: what the host says of them may still change.
    pub open: u32,
}

/// Holds what the terminal says of the payments of some batches against what the host says of the same.
pub fn compare(ours: Vec<Ours>, theirs: Vec<Theirs>) -> Comparison {
    let mut pairs: BTreeMap<TraceNumber, (Option<Ours>, Option<Theirs>)> = BTreeMap::new();
    for payment in ours {
        let trace = payment.trace;
        pairs.entry(trace).or_default().0 = Some(payment);
    }
    for payment in theirs {
        let trace = payment.trace;
        pairs.entry(trace).or_default().1 = Some(payment);
    }
    let mut comparison = Comparison::default();
    for (trace, (ours, theirs)) in pairs {
        match verdict(ours.as_ref(), theirs.as_ref()) {
            Verdict::Agree => comparison.agreed += 1,
            Verdict::Open => comparison.open += 1,
            Verdict::Differ(kind) => comparison.differences.push(Difference { kind, trace, ours, theirs }),
        }
    }
    comparison
}

enum Verdict {
    Agree,
    Open,
    Differ(Kind),
}

fn verdict(ours: Option<&Ours>, theirs: Option<&Theirs>) -> Verdict {
    let charged = theirs.is_some_and(|theirs| theirs.charged);
    let Some(ours) = ours else {
        // Nobody is charged by what the host refused or took back, whoever knows of it.
        return if charged { Verdict::Differ(Kind::UnknownHere) } else { Verdict::Agree };
    };
    if ours.to_be_told {
        return Verdict::Open;
    }
    match (standing(ours.state, ours.resolution), charged) {
        (Standing::Open, _) => Verdict::Open,
        (Standing::Charged, false) => Verdict::Differ(Kind::NotCharged),
        (Standing::NotCharged, true) => Verdict::Differ(Kind::ChargedAllTheSame),
        (Standing::NotCharged, false) => Verdict::Agree,
        (Standing::Charged, true) => {
            let same = theirs.is_some_and(|theirs| theirs.amount == ours.amount);
            if same { Verdict::Agree } else { Verdict::Differ(Kind::Amounts) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::reference::{Batch, Stan};

    fn trace(stan: u32) -> TraceNumber {
        TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() }
    }

    fn amount(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn ours(stan: u32, state: State, resolution: Option<Resolution>) -> Ours {
        Ours { trace: trace(stan), state, resolution, amount: amount(100), to_be_told: false }
    }

    fn theirs(stan: u32, charged: bool) -> Theirs {
        Theirs {
            trace: trace(stan),
            charged,
            amount: amount(100),
            rrn: "000000000001".to_owned(),
            last_four: String::new(),
        }
    }

    fn said(ours: Option<Ours>, theirs: Option<Theirs>) -> &'static str {
        let comparison = compare(ours.into_iter().collect(), theirs.into_iter().collect());
        match (&comparison.differences[..], comparison.agreed, comparison.open) {
            ([difference], 0, 0) => difference.kind.word(),
            ([], 1, 0) => "agree",
            ([], 0, 1) => "open",
            _ => panic!("{comparison:?}"),
        }
    }

    #[test]
    fn each_payment_is_known_to_both_alike_or_what_does_not_agree_is_said() {
        let our = |state, resolution| Some(ours(1, state, resolution));
        let their = |charged| Some(theirs(1, charged));
        for (ours, theirs, expected) in [
            (None, their(true), "unknown_here"),
            (None, their(false), "agree"),
            (our(State::Approved, None), their(true), "agree"),
            (our(State::Approved, None), their(false), "not_charged"),
            (our(State::Approved, None), None, "not_charged"),
            (our(State::Declined, None), None, "agree"),
            (our(State::Declined, None), their(false), "agree"),
            (our(State::Declined, None), their(true), "charged_all_the_same"),
            (our(State::Reversed, None), their(true), "charged_all_the_same"),
            (our(State::Reversed, None), their(false), "agree"),
            (our(State::Unresolved, Some(Resolution::Charged)), their(true), "agree"),
            (our(State::Unresolved, Some(Resolution::Charged)), None, "not_charged"),
            (our(State::Unresolved, Some(Resolution::Reversed)), their(true), "charged_all_the_same"),
            (our(State::Unresolved, None), their(true), "open"),
            (our(State::ReversalDue, None), their(true), "open"),
            (our(State::Pending, None), None, "open"),
            (our(State::HostApproved, None), their(true), "open"),
        ] {
            assert_eq!(said(ours.clone(), theirs.clone()), expected, "{ours:?} {theirs:?}");
        }
        let more = Theirs { amount: amount(101), ..theirs(1, true) };
        assert_eq!(said(our(State::Approved, None), Some(more)), "amounts_differ");
    }

    #[test]
    fn payments_are_paired_by_their_numbers_and_said_in_their_order() {
        let comparison = compare(
            vec![ours(3, State::Approved, None), ours(1, State::Approved, None)],
            vec![theirs(4, true), theirs(1, true), theirs(2, true)],
        );
        let said: Vec<_> =
            comparison.differences.iter().map(|one| (one.trace.stan.number(), one.kind.word())).collect();
        assert_eq!(said, [(2, "unknown_here"), (3, "not_charged"), (4, "unknown_here")]);
        assert_eq!((comparison.agreed, comparison.open), (1, 0));
    }

    #[test]
    fn what_the_host_has_not_heard_of_yet_is_open_and_no_difference() {
        let told_later = Ours { to_be_told: true, ..ours(1, State::Approved, None) };
        let comparison = compare(vec![told_later.clone()], Vec::new());
        assert_eq!(comparison, Comparison { open: 1, ..Comparison::default() });
        let there = compare(vec![Ours { to_be_told: false, ..told_later }], Vec::new());
        assert_eq!((there.open, there.differences[0].kind), (0, Kind::NotCharged));
    }
}
