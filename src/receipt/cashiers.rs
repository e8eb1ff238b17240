//! What the slip of a settlement says by whom: who worked here, what each took and gave back, and what of that were tips.

use super::settlement::{chosen, kind_words};
use crate::money::Amount;
use crate::wording::Language;

/// What somebody did in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipCashier {
    /// Who: number and name, as in `07 小王`.
    pub who: String,
    /// What, by type.
    pub sums: Vec<SlipCashierSum>,
    /// What of it were tips, where there were some.
    pub tips: Option<Amount>,
}

/// What somebody did of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipCashierSum {
    /// The word of the type.
    pub kind: &'static str,
    /// It was in cash.
    pub in_cash: bool,
    /// It went back to customers.
    pub goes_back: bool,
    /// How many.
    pub count: u32,
    /// How much.
    pub amount: Amount,
}

impl SlipCashier {
    /// What stands under the name, a line each: what of, and how much.
    pub(super) fn lines(&self, language: Language) -> Vec<(String, String)> {
        let line = |sum: &SlipCashierSum| {
            let words = match (sum.in_cash, sum.goes_back) {
                (true, false) => ("现金收款", "Cash sale"),
                (true, true) => ("现金退款", "Cash refund"),
                (false, _) => kind_words(sum.kind),
            };
            let sign = if sum.goes_back { "-" } else { "" };
            (format!("  {} x{}", chosen(words, language), sum.count), format!("{sign}{}", sum.amount.grouped()))
        };
        let tips =
            self.tips.map(|tips| (format!("  {}", chosen(("其中小费", "Tips in it"), language)), tips.grouped()));
        self.sums.iter().map(line).chain(tips).collect()
    }
}
