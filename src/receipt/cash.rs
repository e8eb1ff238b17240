//! What the slip of a cash sale can say, or of what went back of one.

use jiff::civil::DateTime;

use super::template::{Condition, DATE_TIME, Slip, money};
use super::{Charset, CopyFor};
use crate::goods::SoldGood;
use crate::money::Amount;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};
use crate::terminal::mark::Mark;

/// Everything a slip of cash can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashSlip {
    /// Name of the shop.
    pub merchant_name: String,
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// What it was, in the word of the ledger: `cash_sale` or `cash_refund`; the template says by it what stands where.
    pub kind: &'static str,
    /// It went back to the customer.
    pub goes_back: bool,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// Batch and STAN of the sale of which it went back.
    pub sale: Option<TraceNumber>,
    /// Local time.
    pub at: DateTime,
    /// What was paid, or went back.
    pub amount: Amount,
    /// What the customer gave, and what went back at once; nothing on the slip of a refund.
    pub tender: Option<(Amount, Amount)>,
    /// Goods, if the cashier named any.
    pub goods: Vec<SoldGood>,
    /// Number of whoever took it, where people sign on.
    pub cashier: Option<String>,
    /// Printed before; counts from 1 for the first duplicate.
    pub duplicate: Option<u32>,
    /// What the slip must not be taken for something else by.
    pub mark: Mark,
}

/// One copy of it.
pub(super) struct CashCopy<'a> {
    pub slip: &'a CashSlip,
    pub copy: CopyFor,
}

impl Slip for CashCopy<'_> {
    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Test => self.slip.mark == Mark::Test,
            Condition::Training => self.slip.mark == Mark::Training,
            Condition::Duplicate => self.slip.duplicate.is_some(),
            Condition::Goods => !self.slip.goods.is_empty(),
            Condition::Merchant => self.copy == CopyFor::Merchant,
            Condition::Customer => self.copy == CopyFor::Customer,
            Condition::Signature
            | Condition::Signed
            | Condition::Pen
            | Condition::Spared
            | Condition::Pin
            | Condition::Card
            | Condition::Chip
            | Condition::Stripe
            | Condition::Fallback
            | Condition::Typed
            | Condition::Instalments
            | Condition::AtOnce
            | Condition::Free
            | Condition::NoCard
            | Condition::Link
            | Condition::Advice
            | Condition::Differs
            | Condition::Undecided
            | Condition::Cash => false,
        }
    }

    fn kind(&self) -> &str {
        self.slip.kind
    }

    fn field(&self, name: &str, charset: Charset) -> Option<String> {
        let slip = self.slip;
        match name {
            "merchant_name" => Some(slip.merchant_name.clone()),
            "merchant_code" => Some(slip.merchant_code.to_string()),
            "terminal_number" => Some(slip.terminal_number.to_string()),
            "batch" => Some(slip.trace.batch.to_string()),
            "stan" => Some(slip.trace.stan.to_string()),
            "trace" => Some(slip.trace.to_string()),
            "sale_batch" => slip.sale.map(|sale| sale.batch.to_string()),
            "sale_stan" => slip.sale.map(|sale| sale.stan.to_string()),
            "date_time" => Some(slip.at.strftime(DATE_TIME).to_string()),
            "amount" if slip.goes_back => Some(money(slip.amount, charset).replacen(' ', " -", 1)),
            "amount" => Some(money(slip.amount, charset)),
            "given" => slip.tender.map(|(given, _)| given.grouped()),
            "change" => slip.tender.map(|(_, change)| change.grouped()),
            "cashier" => slip.cashier.clone(),
            "duplicate" => slip.duplicate.map(|count| count.to_string()),
            _ => None,
        }
    }

    fn goods(&self) -> &[SoldGood] {
        &self.slip.goods
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::receipt::tests::{long_slip, slip};
    use crate::receipt::text_of_cash;
    use crate::reference::Stan;
    use crate::wording::Language;

    /// A slip with every field of its kind.
    pub(crate) fn cash_slip(goes_back: bool) -> CashSlip {
        let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
        let like = slip();
        let sale = Some(TraceNumber { stan: Stan::new(122).unwrap(), ..like.trace });
        CashSlip {
            merchant_name: like.merchant_name,
            merchant_code: like.merchant_code,
            terminal_number: like.terminal_number,
            kind: if goes_back { "cash_refund" } else { "cash_sale" },
            goes_back,
            trace: like.trace,
            sale: sale.filter(|_| goes_back),
            at: like.at,
            amount: yuan(1234),
            tender: (!goes_back).then(|| (yuan(2000), yuan(766))),
            goods: Vec::new(),
            cashier: Some("07".into()),
            duplicate: None,
            mark: Mark::Test,
        }
    }

    #[test]
    fn slips_of_cash_read_as_the_golden_files_say() {
        let goods = CashSlip { goods: long_slip().goods, ..cash_slip(false) };
        for (name, slip, copy, width, language, golden) in [
            (
                "cash-sale-58-zh",
                goods,
                CopyFor::Customer,
                32,
                Language::Chinese,
                include_str!("../../tests/golden/cash-sale-58-zh.txt"),
            ),
            (
                "cash-sale-80-en",
                cash_slip(false),
                CopyFor::Customer,
                48,
                Language::English,
                include_str!("../../tests/golden/cash-sale-80-en.txt"),
            ),
            (
                "cash-refund-58-zh",
                cash_slip(true),
                CopyFor::Merchant,
                32,
                Language::Chinese,
                include_str!("../../tests/golden/cash-refund-58-zh.txt"),
            ),
        ] {
            let text = text_of_cash(&slip, copy, width, language);
            assert_eq!(text, golden, "\n---- {name} is now ----\n{text}");
        }
    }

    #[test]
    fn a_sale_says_what_was_given_and_a_refund_of_what_it_is_and_neither_speaks_of_a_card() {
        for (language, given, change, card) in
            [(Language::Chinese, "实收", "找零", "卡"), (Language::English, "Given", "Change", "ard")]
        {
            let sale = text_of_cash(&cash_slip(false), CopyFor::Customer, 32, language);
            assert!(sale.contains(given) && sale.contains(change) && sale.contains("7.66"), "{sale}");
            let refund = text_of_cash(&cash_slip(true), CopyFor::Merchant, 32, language);
            assert!(!refund.contains(change) && refund.contains("000122") && refund.contains(" -"), "{refund}");
            for said in [sale, refund] {
                assert!(!said.contains(card), "{said}");
            }
        }
        let again = CashSlip { duplicate: Some(2), ..cash_slip(false) };
        assert!(text_of_cash(&again, CopyFor::Customer, 32, Language::English).contains("DUPLICATE 2"));
    }
}
