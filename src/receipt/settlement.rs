//! What the slip of a settlement can say.

use jiff::civil::DateTime;

use super::Charset;
use super::cashiers::SlipCashier;
use super::template::{Condition, DATE_TIME, Slip};
use crate::goods::{GoodSum, GoodsSold};
use crate::money::{Amount, Currency};
use crate::reference::{Batch, MerchantCode, Stan, TerminalNumber};
use crate::terminal::mark::Mark;
use crate::wording::Language;

/// Everything a slip of a settlement can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementSlip {
    /// Name of the shop.
    pub merchant_name: String,
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// Acquirer code, as printed on slips.
    pub acquirer_code: String,
    /// How it ended: `closed` or `given_up`; the template says by it what stands where.
    pub state: &'static str,
    /// Which batch.
    pub batch: Batch,
    /// Local time when it was cut.
    pub at: DateTime,
    /// Its currency.
    pub currency: Currency,
    /// By type and means of payment.
    pub sums: Vec<SlipSum>,
    /// What came about in cash meanwhile: no host settles it.
    pub cash: Vec<SlipCash>,
    /// Who took and gave back what; nobody, where nobody signs on.
    pub cashiers: Vec<SlipCashier>,
    /// What was sold, by card, by code and in cash.
    pub goods: GoodsSold,
    /// What is left for the merchant, in minor units.
    pub net_minor: i64,
    /// What the host keeps, and what it posts, where it told that.
    pub money: Option<(i64, i64)>,
    /// Payments that nobody had decided about.
    pub undecided: u32,
    /// What host and terminal have otherwise.
    pub differences: Vec<SlipDifference>,
    /// The head of the log of transactions then: leaves, `/`, and the hash in hexadecimal.
    pub log_head: Option<String>,
    /// It was printed before.
    pub duplicate: bool,
    /// What the slip must not be taken for something else by.
    pub mark: Mark,
}

/// What came about of one type by one means of payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipSum {
    /// The word of the type.
    pub kind: &'static str,
    /// The word of the means.
    pub method: &'static str,
    /// It went back to customers.
    pub goes_back: bool,
    /// How many.
    pub count: u32,
    /// How much.
    pub amount: Amount,
}

/// What came about in cash of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipCash {
    /// It went back to customers.
    pub goes_back: bool,
    /// How many.
    pub count: u32,
    /// How much.
    pub amount: Amount,
}

/// A payment that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipDifference {
    /// Its number.
    pub stan: Stan,
    /// What stands here.
    pub ours: Option<Amount>,
    /// What the host has.
    pub theirs: Option<Amount>,
}

/// The words of a type, Chinese and English.
pub(super) const fn kind_words(kind: &str) -> (&'static str, &'static str) {
    match kind.as_bytes() {
        b"sale" => ("消费", "Sale"),
        b"offline_sale" => ("离线消费", "Offline sale"),
        b"pre_authorisation" => ("预授权", "Pre-auth"),
        b"void" => ("消费撤销", "Void"),
        b"refund" => ("退货", "Refund"),
        b"pre_authorisation_top_up" => ("追加预授权", "Pre-auth top-up"),
        b"pre_authorisation_void" => ("预授权撤销", "Pre-auth void"),
        b"completion" => ("预授权完成", "Completion"),
        b"completion_notice" => ("完成通知", "Completion notice"),
        b"completion_void" => ("完成撤销", "Completion void"),
        b"code_payment" => ("扫码消费", "Payment by code"),
        b"code_refund" => ("扫码退款", "Refund by code"),
        _ => ("其他", "Other"),
    }
}

/// The words of a means of payment.
const fn method_words(method: &str) -> (&'static str, &'static str) {
    match method.as_bytes() {
        b"unionpay" => ("银联", "UnionPay"),
        b"visa" => ("VISA", "Visa"),
        b"mastercard" => ("万事达", "Mastercard"),
        b"american_express" => ("运通", "Amex"),
        b"jcb" => ("JCB", "JCB"),
        b"discover" => ("大来", "Discover"),
        b"code" => ("扫码", "code"),
        _ => ("其他卡", "other card"),
    }
}

pub(super) const fn chosen(words: (&'static str, &'static str), language: Language) -> &'static str {
    match language {
        Language::Chinese => words.0,
        Language::English => words.1,
    }
}

fn signed(minor: i64, currency: Currency) -> String {
    let amount = Amount::new(minor.unsigned_abs(), currency).map_or_else(|_| minor.to_string(), Amount::grouped);
    if minor < 0 { format!("-{amount}") } else { amount }
}

impl Slip for SettlementSlip {
    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Test => self.mark == Mark::Test,
            Condition::Training => self.mark == Mark::Training,
            Condition::Differs => !self.differences.is_empty(),
            Condition::Undecided => self.undecided > 0,
            Condition::Duplicate => self.duplicate,
            Condition::Cash => !self.cash.is_empty(),
            Condition::Signature
            | Condition::Signed
            | Condition::Pen
            | Condition::Spared
            | Condition::Pin
            | Condition::Goods
            | Condition::Merchant
            | Condition::Customer
            | Condition::Card
            | Condition::Chip
            | Condition::Stripe
            | Condition::Fallback
            | Condition::Typed
            | Condition::Instalments
            | Condition::AtOnce
            | Condition::Free
            | Condition::Link
            | Condition::NoCard
            | Condition::Advice => false,
        }
    }

    fn kind(&self) -> &str {
        self.state
    }

    fn field(&self, name: &str, _: Charset) -> Option<String> {
        match name {
            "merchant_name" => Some(self.merchant_name.clone()),
            "merchant_code" => Some(self.merchant_code.to_string()),
            "terminal_number" => Some(self.terminal_number.to_string()),
            "acquirer_code" => Some(self.acquirer_code.clone()),
            "batch" => Some(self.batch.to_string()),
            "date_time" => Some(self.at.strftime(DATE_TIME).to_string()),
            "net" => Some(signed(self.net_minor, self.currency)),
            "fee" => self.money.map(|(fee, _)| signed(fee, self.currency)),
            "posted" => self.money.map(|(_, posted)| signed(posted, self.currency)),
            "undecided" => Some(self.undecided.to_string()),
            "log_head" => self.log_head.clone(),
            _ => None,
        }
    }

    fn sums(&self, language: Language) -> Vec<(String, String)> {
        let line = |sum: &SlipSum| {
            let kind = chosen(kind_words(sum.kind), language);
            let method = chosen(method_words(sum.method), language);
            let left = if kind.contains(method) || sum.method == "code" {
                format!("{kind} x{}", sum.count)
            } else {
                format!("{kind} {method} x{}", sum.count)
            };
            let sign = if sum.goes_back { "-" } else { "" };
            (left, format!("{sign}{}", sum.amount.grouped()))
        };
        self.sums.iter().map(line).collect()
    }

    fn cash(&self, language: Language) -> Vec<(String, String)> {
        let line = |sum: &SlipCash| {
            let (words, sign) = match sum.goes_back {
                false => (("现金收款", "Cash sale"), ""),
                true => (("现金退款", "Cash refund"), "-"),
            };
            (format!("{} x{}", chosen(words, language), sum.count), format!("{sign}{}", sum.amount.grouped()))
        };
        self.cash.iter().map(line).collect()
    }

    fn cashiers(&self) -> &[SlipCashier] {
        &self.cashiers
    }

    fn sold(&self, language: Language) -> Vec<(String, String)> {
        let money = |minor: u64| signed(i64::try_from(minor).unwrap_or(i64::MAX), self.currency);
        // How much comes first: a long name is broken, and no number.
        let line = |good: &GoodSum| (format!("{} {}", good.quantity_text(), good.name), money(good.minor));
        let others = self.goods.others.map(|others| {
            let left = match language {
                Language::Chinese => format!("其他 {} 种商品", others.count),
                Language::English => format!("{} other goods", others.count),
            };
            (left, money(others.minor))
        });
        self.goods.goods.iter().map(line).chain(others).collect()
    }

    fn differences(&self, _: Language) -> Vec<(String, String)> {
        let amount = |amount: Option<Amount>| amount.map_or_else(|| "-".to_owned(), Amount::grouped);
        let line =
            |one: &SlipDifference| (one.stan.to_string(), format!("{} / {}", amount(one.ours), amount(one.theirs)));
        self.differences.iter().map(line).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::goods::{OtherGoods, Unit};
    use crate::receipt::cashiers::SlipCashierSum;
    use crate::receipt::text_of_settlement;

    /// A slip with every field.
    pub(crate) fn settlement_slip() -> SettlementSlip {
        let yuan = |minor| Amount::new(minor, Currency::CNY).unwrap();
        let sum =
            |kind, method, goes_back, count, minor| SlipSum { kind, method, goes_back, count, amount: yuan(minor) };
        let good = |name: &str, unit, quantity, minor| GoodSum { name: name.to_owned(), unit, quantity, minor };
        let of_cashier = |kind, in_cash, goes_back, count, minor| SlipCashierSum {
            kind,
            in_cash,
            goes_back,
            count,
            amount: yuan(minor),
        };
        SettlementSlip {
            merchant_name: "老王小吃店".into(),
            merchant_code: MerchantCode::parse("898440100000001").unwrap(),
            terminal_number: TerminalNumber::parse("00000001").unwrap(),
            acquirer_code: "48981234".into(),
            state: "closed",
            batch: Batch::new(7).unwrap(),
            at: "2026-03-05T23:30:09".parse().unwrap(),
            currency: Currency::CNY,
            sums: vec![
                sum("sale", "unionpay", false, 112, 12_345_600),
                sum("sale", "visa", false, 3, 30_000),
                sum("refund", "unionpay", true, 1, 1_234),
                sum("code_payment", "code", false, 20, 200_000),
            ],
            cash: vec![
                SlipCash { goes_back: false, count: 31, amount: yuan(98_760) },
                SlipCash { goes_back: true, count: 1, amount: yuan(500) },
            ],
            cashiers: vec![
                SlipCashier {
                    who: "01 小王".to_owned(),
                    sums: vec![
                        of_cashier("sale", false, false, 100, 12_000_000),
                        of_cashier("refund", false, true, 1, 1_234),
                        of_cashier("sale", true, false, 31, 98_760),
                    ],
                    tips: Some(yuan(12_300)),
                },
                SlipCashier {
                    who: "99".to_owned(),
                    sums: vec![of_cashier("sale", false, false, 15, 375_600), of_cashier("refund", true, true, 1, 500)],
                    tips: None,
                },
            ],
            goods: GoodsSold {
                goods: vec![
                    good("可口可乐 330ml", Unit::Piece, 140, 49_000),
                    good("烟台红富士苹果（精品礼盒装）", Unit::Jin, 12_345, 14_567),
                ],
                others: Some(OtherGoods { count: 31, minor: 1_234_500 }),
            },
            net_minor: 12_574_366,
            money: Some((47_783, 12_526_583)),
            undecided: 1,
            differences: vec![
                SlipDifference { stan: Stan::new(42).unwrap(), ours: Some(yuan(200)), theirs: Some(yuan(250)) },
                SlipDifference { stan: Stan::new(43).unwrap(), ours: None, theirs: Some(yuan(900)) },
            ],
            log_head: Some(format!("58/{}", "0A1B2C3D".repeat(8))),
            duplicate: false,
            mark: Mark::Test,
        }
    }

    #[test]
    fn slips_of_settlements_read_as_the_golden_files_say() {
        for (name, width, language, golden) in [
            ("settlement-58-zh", 32, Language::Chinese, include_str!("../../tests/golden/settlement-58-zh.txt")),
            ("settlement-80-en", 48, Language::English, include_str!("../../tests/golden/settlement-80-en.txt")),
        ] {
            let text = text_of_settlement(&settlement_slip(), width, language);
            assert_eq!(text, golden, "\n---- {name} is now ----\n{text}");
        }
    }

    #[test]
    fn a_slip_that_is_printed_again_says_so_and_names_no_head_of_the_log() {
        let slip = SettlementSlip { duplicate: true, log_head: None, ..settlement_slip() };
        for (language, said, log) in
            [(Language::Chinese, "重打印", "交易日志"), (Language::English, "DUPLICATE", "Log ")]
        {
            let text = text_of_settlement(&slip, 32, language);
            assert!(text.contains(said) && !text.contains(log), "{text}");
            assert!(!text_of_settlement(&settlement_slip(), 32, language).contains(said));
        }
    }

    #[test]
    fn what_was_sold_stands_on_paper_of_each_width_in_both_languages() {
        let good = |number: u64| GoodSum {
            name: format!("商品 {number}"),
            unit: Unit::Piece,
            quantity: number,
            minor: (200 - number) * 100,
        };
        let goods = GoodsSold::in_lines((1..=150).map(good).collect(), 20);
        let slip = SettlementSlip { goods, ..settlement_slip() };
        for (language, heading, others) in
            [(Language::Chinese, "按商品", "其他 131 种商品"), (Language::English, "By goods", "131 other goods")]
        {
            for width in [32, 48] {
                let text = text_of_settlement(&slip, width, language);
                let lines: Vec<&str> = text.lines().collect();
                let begin = lines.iter().position(|line| line.contains(heading)).unwrap();
                assert!(lines[begin + 1].starts_with("1x 商品 1 ") && lines[begin + 1].ends_with(" 199.00"), "{text}");
                assert!(lines[begin + 20].starts_with(others), "{text}");
                // 180 down to 50 yuan, and one line for all of them.
                assert!(lines[begin + 20].ends_with("15,065.00"), "{text}");
                assert!(!lines[begin + 21].contains("商品"), "{text}");
            }
            let none = SettlementSlip { goods: GoodsSold::default(), ..settlement_slip() };
            assert!(!text_of_settlement(&none, 32, language).contains(heading), "no heading of nothing");
        }
    }

    #[test]
    fn every_type_and_every_means_has_words_in_both_languages() {
        for kind in [
            "sale",
            "offline_sale",
            "pre_authorisation",
            "void",
            "refund",
            "pre_authorisation_top_up",
            "pre_authorisation_void",
            "completion",
            "completion_notice",
            "completion_void",
            "code_payment",
            "code_refund",
        ] {
            assert_ne!(kind_words(kind).1, "Other", "{kind}");
        }
        for method in ["unionpay", "visa", "mastercard", "american_express", "jcb", "discover", "code"] {
            assert_ne!(method_words(method).1, "other card", "{method}");
        }
    }
}
