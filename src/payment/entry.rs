//! Cards that come without their chip: by the stripe, or by a number that somebody types. What is taken of them, and when (pure).
//!
//! A chip can hardly be copied and a stripe by anybody, so that a stripe counts where there is no chip. The service code says whether
//! there is one. What decides ([`judge`]):
//!
//! | service code | the chip in this transaction | fallback | what follows |
//! |---|---|---|---|
//! | without chip | any | any | the stripe is taken |
//! | with chip | not tried | any | the chip is asked for |
//! | with chip | could not be read | allowed | the stripe is taken, as fallback |
//! | with chip | could not be read | not allowed | the chip is asked for, or the payment ends |
//! | for cash alone (third digit 3, 4) | any | any | not taken for goods |
//!
//! *Could not be read* is narrow ([`ChipTrouble`]): no answer to reset, silence before the card has said all it has to say, or, where the
//! dialect has it so, no application in common. A card that declined, is blocked, says what cannot be, was pulled out, or was asked
//! for a cryptogram has been read: whoever damages a chip on purpose gets no other way. The time for a fallback is the acquirer's
//! parameter, or the terminal's setting where the acquirer is silent; without either there is none.

use std::time::Duration;

use super::online::EntryMode;
use super::transaction::{CardUse, Kind};
use crate::card_number::ServiceCode;
use crate::wording::ReasonKind;

/// In which ways the card of a transaction may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CardBy {
    /// By any that there is, but for a number that is typed.
    #[default]
    Any,
    /// By its stripe: the chip reader is not asked.
    Stripe,
    /// Its number is typed.
    Typed,
}

/// What acquirer and settings allow of cards without their chip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryRules {
    /// How long after a chip could not be read its stripe counts; none where it never does, or nobody reads stripes here.
    pub fallback: Option<Duration>,
    /// A card without an application that this terminal takes counts as one that could not be read.
    pub without_application: bool,
    /// What may be done with a number that is typed.
    pub typed: Vec<Kind>,
}

/// Why a chip could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChipTrouble {
    /// It did not answer.
    Mute,
    /// It has no application that this terminal takes.
    NoApplication,
}

/// What becomes of a stripe that was swiped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken, and is this to the host.
    Take(EntryMode),
    /// The card has a chip.
    InsertChip,
    /// It is not for this.
    Refuse(ReasonKind),
}

impl EntryRules {
    /// How long a stripe is waited for after this, if at all.
    pub fn fallback_after(&self, trouble: ChipTrouble, card: CardUse) -> Option<Duration> {
        let counts = match trouble {
            ChipTrouble::Mute => true,
            ChipTrouble::NoApplication => self.without_application,
        };
        self.fallback.filter(|_| counts && takes_stripes(card))
    }

    /// Whether a number may be typed for this.
    pub fn may_be_typed(&self, kind: Kind) -> bool {
        self.typed.contains(&kind) && takes_stripes(kind.card())
    }
}

/// A card that decides alone does so by its chip.
const fn takes_stripes(card: CardUse) -> bool {
    match card {
        CardUse::Whole | CardUse::Read => true,
        CardUse::Decides | CardUse::None => false,
    }
}

/// What becomes of a stripe: see the module. `trouble` is why the chip could not be read in this very transaction.
pub fn judge(
    code: ServiceCode,
    trouble: Option<ChipTrouble>,
    kind: Kind,
    card: CardUse,
    rules: &EntryRules,
) -> Verdict {
    if !takes_stripes(card) {
        return Verdict::Refuse(ReasonKind::TransactionNotAllowed);
    }
    // Whoever gives money back, or asks what is on the account, sells nothing.
    let sells = matches!(kind, Kind::Sale | Kind::PreAuthorisation | Kind::PreAuthorisationTopUp | Kind::Completion);
    if sells && !code.pays_for_goods() {
        return Verdict::Refuse(ReasonKind::StripeForCashOnly);
    }
    if !code.has_chip() {
        return Verdict::Take(EntryMode::Stripe);
    }
    match trouble.and_then(|trouble| rules.fallback_after(trouble, card)) {
        Some(_) => Verdict::Take(EntryMode::Fallback),
        None => Verdict::InsertChip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: Option<Duration> = Some(Duration::from_secs(30));

    fn rules(fallback: Option<Duration>, without_application: bool) -> EntryRules {
        EntryRules { fallback, without_application, typed: vec![Kind::Sale, Kind::OfflineSale] }
    }

    #[test]
    fn a_stripe_counts_where_there_is_no_chip_or_none_that_can_be_read() {
        use ChipTrouble::{Mute, NoApplication};
        use Verdict::{InsertChip, Take};
        let (stripe, fallback) = (Take(EntryMode::Stripe), Take(EntryMode::Fallback));
        // Service codes; why the chip could not be read; the time allowed; no application counts; verdict.
        for (codes, trouble, time, no_application, verdict) in [
            (&["101", "120", "501", "520", "701", "901"][..], None, None, false, stripe),
            (&["101", "520"], Some(Mute), None, false, stripe),
            (&["101", "520"], Some(Mute), ALLOWED, true, stripe),
            (&["201", "220", "601", "626"], None, None, false, InsertChip),
            (&["201", "220", "601", "626"], None, ALLOWED, true, InsertChip),
            (&["201", "220", "601", "626"], Some(Mute), None, true, InsertChip),
            (&["201", "220", "601", "626"], Some(Mute), ALLOWED, false, fallback),
            (&["201", "620"], Some(NoApplication), ALLOWED, false, InsertChip),
            (&["201", "620"], Some(NoApplication), ALLOWED, true, fallback),
            (&["201", "620"], Some(NoApplication), None, true, InsertChip),
        ] {
            for code in codes {
                let code = ServiceCode::parse(code).unwrap();
                let found = judge(code, trouble, Kind::Sale, CardUse::Whole, &rules(time, no_application));
                assert_eq!(found, verdict, "{code} {trouble:?} {time:?} {no_application}");
            }
        }
    }

    #[test]
    fn cards_for_cash_sell_nothing_and_nobody_decides_alone_by_a_stripe() {
        let cash = ["103", "104", "203", "504"].map(|code| ServiceCode::parse(code).unwrap());
        for code in cash {
            let judged = |kind: Kind| judge(code, None, kind, kind.card(), &rules(ALLOWED, true));
            for kind in [Kind::Sale, Kind::PreAuthorisation, Kind::PreAuthorisationTopUp, Kind::Completion] {
                assert_eq!(judged(kind), Verdict::Refuse(ReasonKind::StripeForCashOnly), "{code} {kind:?}");
            }
            for kind in [Kind::Balance, Kind::Refund, Kind::Void] {
                assert!(!matches!(judged(kind), Verdict::Refuse(_)), "{code} {kind:?}");
            }
        }
        let plain = ServiceCode::parse("101").unwrap();
        let offline = judge(plain, None, Kind::OfflineSale, Kind::OfflineSale.card(), &rules(ALLOWED, true));
        assert_eq!(offline, Verdict::Refuse(ReasonKind::TransactionNotAllowed));
        assert_eq!(rules(ALLOWED, true).fallback_after(ChipTrouble::Mute, CardUse::Decides), None);
    }

    #[test]
    fn only_what_is_named_is_typed_and_that_only_where_a_stripe_would_do() {
        let some = rules(None, false);
        for kind in Kind::ALL {
            assert_eq!(some.may_be_typed(kind), kind == Kind::Sale, "{kind:?}");
            assert!(!EntryRules::default().may_be_typed(kind), "{kind:?}: nothing is, unless it is named");
        }
    }
}
