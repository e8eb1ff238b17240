//! What the slip of a purchase that was paid in parts can say: one receipt for all of it when it is paid, and what went back when it was
//! given up.

use jiff::civil::{Date, DateTime};

use super::template::{Condition, DATE_TIME, Slip, money};
use super::{Align, Charset, CopyFor, Line, Size};
use crate::goods::SoldGood;
use crate::money::Amount;
use crate::reference::{AuthorisationCode, MerchantCode, Rrn, TerminalNumber, TraceNumber};
use crate::terminal::mark::Mark;
use crate::wording::Language;

/// Everything the slip of a purchase can say, already masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseSlip {
    /// Name of the shop.
    pub merchant_name: String,
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// Acquirer code, as printed on slips.
    pub acquirer_code: String,
    /// How it ended: `paid` or `given_up`; the template says by it what stands where.
    pub state: &'static str,
    /// By which the terminal knows it; the host does not.
    pub number: Option<i64>,
    /// Local time of its first part.
    pub at: DateTime,
    /// What was to be paid in all.
    pub due: Amount,
    /// What was paid of it, and went back where it was given up.
    pub paid: Amount,
    /// Goods, if the cashier named any.
    pub goods: Vec<SoldGood>,
    /// What of it is a tip.
    pub tip: Option<Amount>,
    /// Its parts, in their order.
    pub parts: Vec<SlipPart>,
    /// What the acquirer wants at the end.
    pub trailer: Vec<String>,
    /// Number of whoever took it, where people sign on.
    pub cashier: Option<String>,
    /// The customer's link to the e-receipt, and its last day, where the acquirer has e-receipts.
    pub link: Option<(String, Date)>,
    /// Printed before; counts from 1 for the first duplicate.
    pub duplicate: Option<u32>,
    /// What the slip must not be taken for something else by.
    pub mark: Mark,
}

/// What a part was paid with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidBy {
    /// A card.
    Card,
    /// A code.
    Code,
    /// Cash.
    Cash,
}

/// A part of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlipPart {
    /// What it was paid with.
    pub means: PaidBy,
    /// Batch and STAN; none of cash where the host writes of it.
    pub trace: Option<TraceNumber>,
    /// What it paid.
    pub amount: Amount,
    /// Of cash: what the customer gave, and what went back at once.
    pub tender: Option<(Amount, Amount)>,
    /// Card number, first six and last four; empty where no card was used, as all that a card says.
    pub truncated_pan: String,
    /// The bank behind the card, where the acquirer's list knows it.
    pub bank: Option<String>,
    /// Name of the application on the card.
    pub application_label: String,
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Application cryptogram (TC), hexadecimal.
    pub cryptogram: Option<String>,
    /// Retrieval reference number.
    pub rrn: Option<Rrn>,
    /// Authorisation code.
    pub authorisation_code: Option<AuthorisationCode>,
    /// By which number the wallet knows it.
    pub voucher: Option<String>,
    /// The cardholder signs for it.
    pub signature: bool,
    /// Of a purchase that was given up: whether it is back for certain.
    pub is_back: bool,
}

impl SlipPart {
    /// What was paid in cash.
    pub const fn in_cash(trace: Option<TraceNumber>, amount: Amount, tender: Option<(Amount, Amount)>) -> Self {
        Self {
            means: PaidBy::Cash,
            trace,
            amount,
            tender,
            truncated_pan: String::new(),
            bank: None,
            application_label: String::new(),
            aid: String::new(),
            cryptogram: None,
            rrn: None,
            authorisation_code: None,
            voucher: None,
            signature: false,
            is_back: false,
        }
    }

    /// What it was paid by, and how much, then a line for each number by which somebody may ask for it.
    fn lines(&self, place: usize, given_up: bool, language: Language, charset: Charset) -> Vec<Line> {
        let pick = |zh: &'static str, en: &'static str| match language {
            Language::Chinese => zh,
            Language::English => en,
        };
        let pair = |left: &str, right: &str, bold: bool| Line::Pair {
            left: charset.printable(left),
            right: charset.printable(right),
            bold,
        };
        let means = match self.means {
            PaidBy::Card => pick("银行卡", "Card"),
            PaidBy::Code => pick("扫码", "Code"),
            PaidBy::Cash => pick("现金", "Cash"),
        };
        // Exactly what was paid needs no words.
        let tender = self.tender.filter(|(_, change)| !change.is_zero());
        let mut lines = vec![pair(&format!("{place}. {means}"), &money(self.amount, charset), true)];
        let of = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        for (name, value) in [
            (pick("收现", "Given"), tender.map(|(given, _)| money(given, charset))),
            (pick("找零", "Change"), tender.map(|(_, change)| money(change, charset))),
            (pick("卡号", "Card number"), of(&self.truncated_pan)),
            (pick("发卡行", "Bank"), self.bank.clone()),
            (pick("应用标签", "Application"), of(&self.application_label)),
            ("AID", of(&self.aid)),
            ("TC", self.cryptogram.clone()),
            (pick("交易单号", "Wallet number"), self.voucher.clone()),
            (pick("凭证号", "Trace"), self.trace.map(|trace| trace.to_string())),
            (pick("授权码", "Authorisation"), self.authorisation_code.as_ref().map(ToString::to_string)),
            (pick("参考号", "Reference"), self.rrn.as_ref().map(ToString::to_string)),
        ] {
            if let Some(value) = value {
                lines.push(pair(&format!("  {name}"), &value, false));
            }
        }
        if given_up {
            let said = if self.is_back {
                pick("已退回付款账户", "Taken back")
            } else {
                pick("需要人工处理，请联系收单机构", "A PERSON MUST LOOK: call the acquirer")
            };
            let text = charset.printable(&format!("  {said}"));
            lines.push(Line::Text { text, align: Align::Left, size: Size::Normal, bold: true });
        }
        lines
    }
}

/// One copy of it.
pub(super) struct PurchaseCopy<'a> {
    pub slip: &'a PurchaseSlip,
    pub copy: CopyFor,
}

impl PurchaseCopy<'_> {
    /// The customer's, on the customer's copy.
    fn link(&self) -> Option<&(String, Date)> {
        self.slip.link.as_ref().filter(|_| self.copy == CopyFor::Customer)
    }
}

impl Slip for PurchaseCopy<'_> {
    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Test => self.slip.mark == Mark::Test,
            Condition::Training => self.slip.mark == Mark::Training,
            Condition::Signature => self.slip.parts.iter().any(|part| part.signature),
            Condition::Duplicate => self.slip.duplicate.is_some(),
            Condition::Goods => !self.slip.goods.is_empty(),
            Condition::Link => self.link().is_some(),
            Condition::Merchant => self.copy == CopyFor::Merchant,
            Condition::Customer => self.copy == CopyFor::Customer,
            Condition::Signed
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
            | Condition::Advice
            | Condition::Differs
            | Condition::Undecided
            | Condition::Cash => false,
        }
    }

    fn kind(&self) -> &str {
        self.slip.state
    }

    fn field(&self, name: &str, charset: Charset) -> Option<String> {
        let slip = self.slip;
        match name {
            "merchant_name" => Some(slip.merchant_name.clone()),
            "merchant_code" => Some(slip.merchant_code.to_string()),
            "terminal_number" => Some(slip.terminal_number.to_string()),
            "acquirer_code" => Some(slip.acquirer_code.clone()),
            "number" => slip.number.map(|number| number.to_string()),
            "date_time" => Some(slip.at.strftime(DATE_TIME).to_string()),
            "due" => Some(money(slip.due, charset)),
            "tip" => slip.tip.map(|tip| money(tip, charset)),
            "before_tip" => slip.tip.and_then(|tip| slip.due.checked_sub(tip).ok()).map(|rest| money(rest, charset)),
            "paid" => Some(money(slip.paid, charset)),
            "link_until" => self.link().map(|(_, until)| until.to_string()),
            "cashier" => slip.cashier.clone(),
            "duplicate" => slip.duplicate.map(|count| count.to_string()),
            _ => None,
        }
    }

    fn goods(&self) -> &[SoldGood] {
        &self.slip.goods
    }

    fn trailer(&self) -> &[String] {
        &self.slip.trailer
    }

    /// The customer opens the e-receipt; the shop has no code on it.
    fn code(&self) -> Option<String> {
        self.link().map(|(link, _)| link.clone())
    }

    fn parts(&self, language: Language, charset: Charset) -> Vec<Line> {
        let given_up = self.slip.state != "paid";
        let parts = self.slip.parts.iter().enumerate();
        parts.flat_map(|(index, part)| part.lines(index + 1, given_up, language, charset)).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::money::Currency;
    use crate::receipt::tests::slip;
    use crate::receipt::text_of_purchase;
    use crate::reference::{Batch, Stan};

    fn yuan(minor: u64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    /// A slip with every field: 9.40 by card and 5.60 by code.
    pub(crate) fn purchase_slip() -> PurchaseSlip {
        let sale = slip();
        let trace = |stan| TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(stan).unwrap() };
        let card = SlipPart {
            means: PaidBy::Card,
            trace: Some(trace(123)),
            amount: yuan(940),
            tender: None,
            truncated_pan: sale.truncated_pan,
            bank: sale.bank,
            application_label: sale.application_label,
            aid: sale.aid,
            cryptogram: sale.cryptogram,
            rrn: sale.rrn,
            authorisation_code: sale.authorisation_code,
            voucher: None,
            signature: true,
            is_back: false,
        };
        let code = SlipPart {
            means: PaidBy::Code,
            rrn: Rrn::parse("012345678902").ok(),
            voucher: Some("4200001234202611290000000001".into()),
            ..SlipPart::in_cash(Some(trace(124)), yuan(560), None)
        };
        PurchaseSlip {
            merchant_name: sale.merchant_name,
            merchant_code: sale.merchant_code,
            terminal_number: sale.terminal_number,
            acquirer_code: sale.acquirer_code,
            state: "paid",
            number: Some(7),
            at: sale.at,
            due: yuan(1500),
            paid: yuan(1500),
            goods: Vec::new(),
            tip: None,
            link: None,
            parts: vec![card, code],
            trailer: Vec::new(),
            cashier: Some("07".into()),
            duplicate: Some(1),
            mark: Mark::Test,
        }
    }

    #[test]
    fn slips_of_purchases_read_as_the_golden_files_say() {
        let paid = PurchaseSlip { duplicate: None, ..purchase_slip() };
        let mut given_up = PurchaseSlip { state: "given_up", paid: yuan(940), ..paid.clone() };
        given_up.parts.truncate(1);
        given_up.parts[0].is_back = true;
        for (name, slip, copy, width, language, golden) in [
            (
                "purchase-58-zh",
                &paid,
                CopyFor::Merchant,
                32,
                Language::Chinese,
                include_str!("../../tests/golden/purchase-58-zh.txt"),
            ),
            (
                "purchase-80-en",
                &paid,
                CopyFor::Customer,
                48,
                Language::English,
                include_str!("../../tests/golden/purchase-80-en.txt"),
            ),
            (
                "purchase-given-up-58-zh",
                &given_up,
                CopyFor::Customer,
                32,
                Language::Chinese,
                include_str!("../../tests/golden/purchase-given-up-58-zh.txt"),
            ),
        ] {
            let text = text_of_purchase(slip, copy, width, language);
            assert_eq!(text, golden, "\n---- {name} is now ----\n{text}");
        }
    }

    #[test]
    fn the_customers_copy_has_the_link_to_all_of_it_and_the_tip_stands_beside_the_amount() {
        let link = Some(("https://r.example.cn/R/1".to_owned(), "2026-09-01".parse().unwrap()));
        let slip = PurchaseSlip { link, tip: Some(yuan(200)), ..purchase_slip() };
        for (language, says, tip) in [
            (Language::Chinese, "扫码查看电子签购单", "小费"),
            (Language::English, "Scan for your e-receipt", "Before the tip"),
        ] {
            let customers = text_of_purchase(&slip, CopyFor::Customer, 48, language);
            assert!(customers.contains(says) && customers.contains("2026-09-01"), "{customers}");
            assert!(customers.contains("[QR] https://r.example.cn/R/1"), "{customers}");
            assert!(
                customers.contains(tip) && customers.contains("13.00") && customers.contains("2.00"),
                "{customers}"
            );
            let shops = text_of_purchase(&slip, CopyFor::Merchant, 48, language);
            assert!(!shops.contains(says) && !shops.contains("[QR]"), "{shops}");
        }
    }

    #[test]
    fn what_only_a_person_can_see_to_is_not_said_to_be_back() {
        let given_up = PurchaseSlip { state: "given_up", ..purchase_slip() };
        for (language, says, back) in
            [(Language::Chinese, "需要人工处理", "已退回"), (Language::English, "A PERSON MUST LOOK", "Taken back")]
        {
            let text = text_of_purchase(&given_up, CopyFor::Customer, 48, language);
            assert!(text.contains(says) && !text.contains(back), "{text}");
        }
    }

    #[test]
    fn of_cash_it_says_what_was_given_and_what_went_back_and_nothing_where_it_was_exact() {
        let of = |tender: Option<(Amount, Amount)>, language| {
            let mut slip = purchase_slip();
            let cash = SlipPart::in_cash(slip.parts[1].trace, yuan(560), tender);
            slip.parts[1] = cash;
            text_of_purchase(&slip, CopyFor::Customer, 32, language)
        };
        for (language, words) in
            [(Language::Chinese, ["2. 现金", "收现", "找零"]), (Language::English, ["2. Cash", "Given", "Change"])]
        {
            let text = of(Some((yuan(1000), yuan(440))), language);
            let line = |word: &str| text.lines().find(|line| line.contains(word)).unwrap_or_default().to_owned();
            for (word, said) in words.iter().zip(["5.60", "10.00", "4.40"]) {
                assert!(line(word).ends_with(said), "{word} {said}:\n{text}");
            }
            let text = of(Some((yuan(560), yuan(0))), language);
            assert!(text.contains(words[0]) && !text.contains(words[1]) && !text.contains(words[2]), "{text}");
        }
    }

    #[test]
    fn a_slip_that_is_printed_again_says_so_and_one_without_a_signature_asks_for_none() {
        for (language, again, sign) in
            [(Language::Chinese, "重打印", "签名"), (Language::English, "DUPLICATE", "signature")]
        {
            let text = text_of_purchase(&purchase_slip(), CopyFor::Merchant, 48, language);
            assert!(text.contains(again) && text.contains(sign), "{text}");
            let mut first = PurchaseSlip { duplicate: None, ..purchase_slip() };
            first.parts[0].signature = false;
            let text = text_of_purchase(&first, CopyFor::Merchant, 48, language);
            assert!(!text.contains(again) && !text.contains(sign), "{text}");
        }
    }
}
