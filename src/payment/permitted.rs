//! What the acquirer lets this terminal do, and up to which amount: asked before anything begins.

use super::transaction::Kind;
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
    let asks_for_money = matches!(kind, Kind::Sale | Kind::OfflineSale | Kind::PreAuthorisation | Kind::CodePayment);
    let limit = parameters.sale_limit.filter(|limit| asks_for_money && amount.minor() > *limit)?;
    let amount = Amount::new(limit, amount.currency()).ok();
    Some(Reason { amount, ..Reason::of(ReasonKind::OverSaleLimit) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

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
        for kind in [Kind::Sale, Kind::PreAuthorisation, Kind::OfflineSale, Kind::CodePayment] {
            assert_eq!(why(&all, kind, 500_000), None, "{kind:?}");
            let over = refusal(&all, kind, yuan(500_001)).unwrap();
            assert_eq!((over.kind, over.amount), (ReasonKind::OverSaleLimit, Some(yuan(500_000))), "{kind:?}");
        }
        assert_eq!(why(&all, Kind::Refund, 500_001), None, "the sale it refers to was within its own");
        assert_eq!(why(&TerminalParameters::default(), Kind::Sale, 999_999_999_999), None);
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
