//! What the acquirer lets this terminal do, and up to which amount: asked before anything begins.

use super::instalments;
use super::transaction::{CardUse, Kind, Transaction as Wanted};
use crate::host_tables::{TerminalParameters, Transaction};
use crate::money::Amount;
use crate::wording::{Reason, ReasonKind};

/// Why nothing of this kind and amount may begin, if the acquirer does not want it. What refers to an earlier transaction has its
/// limit there.
pub fn refusal(parameters: &TerminalParameters, kind: Kind, amount: Amount) -> Option<Reason> {
    let listed = |allowed: &[Transaction]| allowed.iter().any(|transaction| transaction.word() == kind.word());
    if parameters.transactions.as_ref().is_some_and(|allowed| !listed(allowed)) {
        return Some(Reason::of(ReasonKind::TransactionNotAllowed));
    }
    let asks_for_money = matches!(
        kind,
        Kind::Sale | Kind::OfflineSale | Kind::PreAuthorisation | Kind::PreAuthorisationTopUp | Kind::CodePayment
    );
    let limit = parameters.sale_limit.filter(|limit| asks_for_money && amount.minor() > *limit)?;
    let amount = Amount::new(limit, amount.currency()).ok();
    Some(Reason { amount, ..Reason::of(ReasonKind::OverSaleLimit) })
}

/// Why something is not done without the customer's card, if the acquirer wants it there. What no card takes part in needs none.
pub fn refusal_without_card(parameters: &TerminalParameters, wanted: &Wanted) -> Option<Reason> {
    let left_away = wanted.card() == CardUse::None && wanted.kind().card() != CardUse::None;
    let needed = parameters.card_needed.iter().any(|kind| kind.word() == wanted.kind().word());
    (left_away && needed).then(|| Reason::of(ReasonKind::CardNeeded))
}

/// Why something is not paid by instalments, if the acquirer does not offer it so or not of so little. What is paid at once needs no offer.
pub fn refusal_by_instalments(parameters: &TerminalParameters, wanted: &Wanted) -> Option<Reason> {
    instalments::refusal(parameters.instalments.as_ref(), wanted.amount(), wanted.periods()?)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::card_number::Pan;
    use crate::money::Currency;
    use crate::payment::record::State;
    use crate::payment::transaction::{Original, Past, Presence};
    use crate::reference::{Batch, Stan, TraceNumber};

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn parameters(transactions: Option<&[&str]>) -> TerminalParameters {
        TerminalParameters {
            sale_limit: Some(500_000),
            transactions: transactions
                .map(|words| words.iter().map(|word| Transaction::from((*word).to_owned())).collect()),
            ..TerminalParameters::default()
        }
    }

    fn why(parameters: &TerminalParameters, kind: Kind, minor: u64) -> Option<ReasonKind> {
        refusal(parameters, kind, yuan(minor)).map(|reason| reason.kind)
    }

    #[test]
    fn what_is_paid_or_set_aside_keeps_to_the_limit_which_is_named() {
        let all = parameters(None);
        for kind in
            [Kind::Sale, Kind::PreAuthorisation, Kind::PreAuthorisationTopUp, Kind::OfflineSale, Kind::CodePayment]
        {
            assert_eq!(why(&all, kind, 500_000), None, "{kind:?}");
            let over = refusal(&all, kind, yuan(500_001)).unwrap();
            assert_eq!((over.kind, over.amount), (ReasonKind::OverSaleLimit, Some(yuan(500_000))), "{kind:?}");
        }
        assert_eq!(why(&all, Kind::Refund, 500_001), None, "the sale it refers to was within its own");
        assert_eq!(why(&TerminalParameters::default(), Kind::Sale, 999_999_999_999), None);
    }

    #[test]
    fn without_the_card_only_that_is_done_for_which_the_acquirer_does_not_want_it() {
        let past = |kind| Past {
            kind,
            state: State::Approved,
            original: Original {
                trace: TraceNumber { batch: Batch::FIRST, stan: Stan::new(7).unwrap() },
                at: date(2026, 11, 28).at(12, 0, 0, 0),
                amount: yuan(2000),
                rrn: None,
                authorisation_code: None,
                pan: Pan::of_digits("4111111111111111").unwrap().into(),
                periods: None,
            },
            given_back: yuan(0),
            used: false,
            told: true,
            topped_up: yuan(0),
            top_up_open: false,
        };
        let void = |of, presence| Wanted::void(&past(of), Batch::FIRST, presence).unwrap();
        let held = past(Kind::PreAuthorisation);
        let completion = |presence| Wanted::completion(&held, yuan(2000), 100, presence).unwrap();
        let notice = Wanted::completion_notice(&held, yuan(2000), 100).unwrap();
        let needed = |words: &[&str]| TerminalParameters {
            card_needed: words.iter().map(|word| Transaction::from((*word).to_owned())).collect(),
            ..TerminalParameters::default()
        };
        let all = needed(&["void", "pre_authorisation_void", "completion", "completion_void", "completion_notice"]);
        for kind in [Kind::Sale, Kind::PreAuthorisation, Kind::Completion] {
            let why = |parameters, presence| refusal_without_card(parameters, &void(kind, presence));
            assert_eq!(
                why(&all, Presence::CardAway).map(|reason| reason.kind),
                Some(ReasonKind::CardNeeded),
                "{kind:?}"
            );
            assert_eq!(why(&all, Presence::CardThere), None, "{kind:?}");
            assert_eq!(why(&needed(&["refund"]), Presence::CardAway), None, "{kind:?}");
        }
        assert_eq!(refusal_without_card(&needed(&["void"]), &void(Kind::PreAuthorisation, Presence::CardAway)), None);
        assert!(refusal_without_card(&all, &completion(Presence::CardAway)).is_some());
        assert_eq!(refusal_without_card(&all, &completion(Presence::CardThere)), None);
        assert_eq!(refusal_without_card(&all, &notice), None, "of a notice no card has ever a part");
    }

    #[test]
    fn what_is_not_listed_is_not_done() {
        let some = parameters(Some(&["sale", "refund", "loyalty_points"]));
        for kind in Kind::ALL {
            let refused = (!matches!(kind, Kind::Sale | Kind::Refund)).then_some(ReasonKind::TransactionNotAllowed);
            assert_eq!(why(&some, kind, 1), refused, "{kind:?}");
        }
        assert_eq!(why(&parameters(Some(&[])), Kind::Sale, 1), Some(ReasonKind::TransactionNotAllowed));
    }
}
