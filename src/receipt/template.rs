//! From a slip to a document, in the order and words of its template: `assets/receipts/sale.toml` for a sale, `cash.toml` for one in cash,
//! `assets/receipts/parked.toml` for what was given up.

use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use serde::Deserialize;

use super::cash::CashCopy;
use super::cashiers::SlipCashier;
use super::purchase::PurchaseCopy;
use super::shown_code::ShownCodeSlip;
use super::{
    Align, CardEntry, CashSlip, Charset, CopyFor, Document, Letterhead, Line, Logo, ParkedSlip, PurchaseSlip, SaleSlip,
    SettlementSlip, Size, SlipInstalments, transaction_code,
};
use crate::goods::{Quantity, SoldGood, sold};
use crate::money::{Amount, Currency};
use crate::terminal::mark::Mark;
use crate::wording::Language;

impl Document {
    /// Lays out one copy of a sale's slip, with no character that `charset` cannot print.
    pub fn of_sale(slip: &SaleSlip, copy: CopyFor, language: Language, charset: Charset) -> Self {
        Self::of(&SaleCopy { slip, copy }, sale_template(), language, charset)
    }

    /// Lays out one copy of a slip of cash, with no character that `charset` cannot print.
    pub fn of_cash(slip: &CashSlip, copy: CopyFor, language: Language, charset: Charset) -> Self {
        Self::of(&CashCopy { slip, copy }, cash_template(), language, charset)
    }

    /// Lays out a slip that says what was given up, with no character that `charset` cannot print.
    pub fn of_parked(slip: &ParkedSlip, language: Language, charset: Charset) -> Self {
        Self::of(slip, parked_template(), language, charset)
    }

    /// Lays out the slip of a settlement, with no character that `charset` cannot print.
    pub fn of_settlement(slip: &SettlementSlip, language: Language, charset: Charset) -> Self {
        Self::of(slip, settlement_template(), language, charset)
    }

    /// Lays out one copy of the slip of a purchase that was paid in parts, with no character that `charset` cannot print.
    pub fn of_purchase(slip: &PurchaseSlip, copy: CopyFor, language: Language, charset: Charset) -> Self {
        Self::of(&PurchaseCopy { slip, copy }, purchase_template(), language, charset)
    }

    /// Lays out a slip with a code for the customer's phone, with no character that `charset` cannot print.
    pub(super) fn of_shown_code(slip: &ShownCodeSlip, language: Language, charset: Charset) -> Self {
        Self::of(slip, shown_code_template(), language, charset)
    }

    fn of(slip: &dyn Slip, template: &Template, language: Language, charset: Charset) -> Self {
        let filling = Filling { slip, language, charset };
        Self { lines: template.line.iter().flat_map(|entry| filling.lines(entry)).collect() }
    }
}

/// What a template takes its values from.
pub(super) trait Slip {
    /// Whether a line with this condition stands on it.
    fn holds(&self, condition: Condition) -> bool;

    /// The word of what it is about, by which lines are chosen.
    fn kind(&self) -> &str {
        ""
    }

    /// A field by the name that templates use; nothing when it is empty or unknown.
    fn field(&self, name: &str, charset: Charset) -> Option<String>;

    /// Goods, a line each.
    fn goods(&self) -> &[SoldGood] {
        &[]
    }

    /// What came about in cash, a line each: what of, and how much.
    fn cash(&self, _language: Language) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Lines that the acquirer wants at its end.
    fn trailer(&self) -> &[String] {
        &[]
    }

    /// Sums, a line each: what of, and how much.
    fn sums(&self, _language: Language) -> Vec<(String, String)> {
        Vec::new()
    }

    /// What differs, a line each: which payment, and what the two have.
    fn differences(&self, _language: Language) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Who took and gave back what.
    fn cashiers(&self) -> &[SlipCashier] {
        &[]
    }

    /// What was sold of each good, a line each: how much of it, and what was paid.
    fn sold(&self, _language: Language) -> Vec<(String, String)> {
        Vec::new()
    }

    /// What the shop has at head and foot of its slips.
    fn letterhead(&self) -> Option<&Letterhead> {
        None
    }

    /// What the cardholder signed on the screen.
    fn signed(&self) -> Option<Arc<Logo>> {
        None
    }

    /// Parts of a purchase, with what stands under each.
    fn parts(&self, _language: Language, _charset: Charset) -> Vec<Line> {
        Vec::new()
    }

    /// The content of its QR code.
    fn code(&self) -> Option<String> {
        None
    }
}

/// One copy of a sale's slip.
struct SaleCopy<'a> {
    slip: &'a SaleSlip,
    copy: CopyFor,
}

impl SaleCopy<'_> {
    /// The customer's, on the customer's copy.
    fn link(&self) -> Option<&(String, Date)> {
        self.slip.link.as_ref().filter(|_| self.copy == CopyFor::Customer)
    }
}

impl Slip for SaleCopy<'_> {
    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Test => self.slip.mark == Mark::Test,
            Condition::Training => self.slip.mark == Mark::Training,
            Condition::Signature => self.slip.signature,
            Condition::Signed => self.slip.signature && self.slip.signed.is_some(),
            Condition::Pen => self.slip.signature && self.slip.signed.is_none(),
            Condition::Spared => self.slip.signature_spared,
            Condition::Pin => self.slip.pin_checked_by_bank,
            Condition::Duplicate => self.slip.duplicate.is_some(),
            Condition::Goods => !self.slip.goods.is_empty(),
            Condition::Merchant => self.copy == CopyFor::Merchant,
            Condition::Customer => self.copy == CopyFor::Customer,
            Condition::Card => self.slip.entry != CardEntry::None,
            Condition::NoCard => self.slip.entry == CardEntry::None,
            Condition::Chip => self.slip.entry == CardEntry::Chip,
            Condition::Stripe => self.slip.entry == CardEntry::Stripe,
            Condition::Fallback => self.slip.entry == CardEntry::Fallback,
            Condition::Typed => self.slip.entry == CardEntry::Typed,
            Condition::Instalments => self.slip.instalments.is_some(),
            Condition::AtOnce => self.slip.instalments.is_none(),
            // Where a fee is usual, that there is none is worth a line.
            Condition::Free => self.slip.instalments.as_ref().is_some_and(SlipInstalments::are_free),
            Condition::Link => self.link().is_some(),
            Condition::Advice | Condition::Differs | Condition::Undecided | Condition::Cash => false,
        }
    }

    fn kind(&self) -> &str {
        self.slip.kind
    }

    fn field(&self, name: &str, charset: Charset) -> Option<String> {
        let slip = self.slip;
        let not_empty = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        match name {
            "merchant_name" => Some(slip.merchant_name.clone()),
            "merchant_code" => Some(slip.merchant_code.to_string()),
            "terminal_number" => Some(slip.terminal_number.to_string()),
            "acquirer_code" => Some(slip.acquirer_code.clone()),
            "batch" => Some(slip.trace.batch.to_string()),
            "stan" => Some(slip.trace.stan.to_string()),
            "trace" => Some(slip.trace.to_string()),
            "date_time" => Some(slip.at.strftime(DATE_TIME).to_string()),
            "original_batch" => slip.original.map(|original| original.batch.to_string()),
            "original_stan" => slip.original.map(|original| original.stan.to_string()),
            "amount" if slip.goes_back => Some(money(slip.amount, charset).replacen(' ', " -", 1)),
            "amount" => Some(money(slip.amount, charset)),
            "tip" => slip.tip.map(|tip| money(tip, charset)),
            "before_tip" => slip.tip.and_then(|tip| slip.amount.checked_sub(tip).ok()).map(|rest| money(rest, charset)),
            "periods" => slip.instalments.map(|plan| plan.periods.to_string()),
            "first_period" => slip.instalments.map(|plan| money(plan.first, charset)),
            "following_period" => slip.instalments.map(|plan| money(plan.following, charset)),
            "instalment_fee" => slip.instalments?.fee.map(|fee| money(fee, charset)),
            "first_fee" => slip.instalments?.first_fee.map(|fee| money(fee, charset)),
            "following_fee" => slip.instalments?.following_fee.map(|fee| money(fee, charset)),
            "card_number" => not_empty(&slip.truncated_pan),
            "card_sequence" => Some(slip.card_sequence_number.map_or_else(String::new, |n| format!("PSN {n:02}"))),
            "card_expiry" => slip.card_expiry.as_deref().map(expiry),
            "bank" => slip.bank.clone(),
            "cashier" => slip.cashier.clone(),
            "application_label" => not_empty(&slip.application_label),
            "aid" => not_empty(&slip.aid),
            "rrn" => slip.rrn.as_ref().map(ToString::to_string),
            "code_tail" => slip.code_tail.clone(),
            "voucher" => slip.voucher.clone(),
            "authorisation_code" => slip.authorisation_code.as_ref().map(ToString::to_string),
            "cryptogram" => slip.cryptogram.clone(),
            "tvr" => not_empty(&slip.tvr),
            "tsi" => not_empty(&slip.tsi),
            "atc" => slip.atc.clone(),
            "link_until" => self.link().map(|(_, until)| until.to_string()),
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

    fn letterhead(&self) -> Option<&Letterhead> {
        Some(&self.slip.letterhead)
    }

    /// The shop keeps it; the customer has no use for it.
    fn signed(&self) -> Option<Arc<Logo>> {
        self.slip.signed.clone().filter(|_| self.copy == CopyFor::Merchant)
    }

    /// The customer opens the e-receipt; what else the code says then is the head of the log. The shop keeps the code that names
    /// the transaction.
    fn code(&self) -> Option<String> {
        Some(self.link().map_or_else(|| transaction_code(self.slip), |(link, _)| link.clone()))
    }
}

impl Slip for ParkedSlip {
    fn kind(&self) -> &str {
        self.kind
    }

    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Test => self.mark == Mark::Test,
            Condition::Training => self.mark == Mark::Training,
            Condition::Advice => self.advice,
            Condition::Signature
            | Condition::Signed
            | Condition::Pen
            | Condition::Spared
            | Condition::Pin
            | Condition::Duplicate
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
            | Condition::NoCard
            | Condition::Link
            | Condition::Differs
            | Condition::Undecided
            | Condition::Cash => false,
        }
    }

    fn field(&self, name: &str, charset: Charset) -> Option<String> {
        match name {
            "merchant_name" => Some(self.merchant_name.clone()),
            "merchant_code" => Some(self.merchant_code.to_string()),
            "terminal_number" => Some(self.terminal_number.to_string()),
            "acquirer_code" => Some(self.acquirer_code.clone()),
            "trace" => Some(self.trace.to_string()),
            "batch" => Some(self.original.batch.to_string()),
            "stan" => Some(self.original.stan.to_string()),
            "date_time" => Some(self.at.strftime(DATE_TIME).to_string()),
            "parked_at" => Some(self.parked_at.strftime(DATE_TIME).to_string()),
            "amount" => Some(money(self.amount, charset)),
            "tries" => Some(self.tries.to_string()),
            "help_desk" => self.help_desk.clone(),
            "response_code" => self.response_code.as_ref().map(ToString::to_string),
            _ => None,
        }
    }
}

/// How slips write a day and a time.
pub(super) const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// One slip on its way into the template.
struct Filling<'a> {
    slip: &'a dyn Slip,
    language: Language,
    charset: Charset,
}

impl Filling<'_> {
    fn lines(&self, entry: &Entry) -> Vec<Line> {
        let of_kind = entry.of.is_empty() || entry.of.iter().any(|kind| kind == self.slip.kind());
        if !of_kind || !entry.when.iter().all(|condition| self.slip.holds(*condition)) {
            return Vec::new();
        }
        match &entry.content {
            Content::Text { zh, en, align, size, bold } => self
                .fill(self.choose(zh, en))
                .map(|text| Line::Text { text, align: *align, size: *size, bold: *bold })
                .into_iter()
                .collect(),
            Content::Pair { zh, en, right, right_zh, right_en, bold } => {
                let in_language = match self.language {
                    Language::Chinese => right_zh,
                    Language::English => right_en,
                };
                let right = in_language.as_ref().or(right.as_ref()).map_or("", String::as_str);
                match (self.fill(self.choose(zh, en)), self.fill(right)) {
                    (Some(left), Some(right)) => vec![Line::Pair { left, right, bold: *bold }],
                    _ => Vec::new(),
                }
            }
            Content::Rule => vec![Line::Rule],
            Content::Goods { discount_zh, discount_en } => {
                let discount = self.choose(discount_zh, discount_en);
                self.slip.goods().iter().flat_map(|good| self.good(good, discount)).collect()
            }
            Content::Taxes { zh, en } => self.taxes(self.choose(zh, en)),
            Content::Sums => self.pairs(self.slip.sums(self.language)),
            Content::Cash => self.pairs(self.slip.cash(self.language)),
            Content::Cashiers { zh, en } => self.cashiers(self.choose(zh, en)),
            Content::Sold { zh, en } => self.sold(self.choose(zh, en)),
            Content::Differences => self.pairs(self.slip.differences(self.language)),
            Content::Parts => self.slip.parts(self.language, self.charset),
            Content::Trailer => self.slip.trailer().iter().map(|line| self.centred(line)).collect(),
            Content::Logo => self.logo().into_iter().collect(),
            Content::Signature => self.slip.signed().map(Line::Signature).into_iter().collect(),
            Content::Header => self.of_the_shop(Letterhead::header),
            Content::Footer => self.of_the_shop(Letterhead::footer),
            Content::Qr => self.slip.code().map(Line::Qr).into_iter().collect(),
            Content::Feed { lines } => vec![Line::Feed(*lines)],
        }
    }

    fn choose<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }

    /// The text with every `{field}` replaced; `None` when one of them is empty.
    fn fill(&self, pattern: &str) -> Option<String> {
        let mut filled = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}')?;
            filled.push_str(before);
            filled.push_str(&self.slip.field(name, self.charset)?);
            rest = behind;
        }
        filled.push_str(rest);
        Some(self.charset.printable(&filled))
    }

    fn pairs(&self, pairs: Vec<(String, String)>) -> Vec<Line> {
        let line = |(left, right): (String, String)| Line::Pair {
            left: self.charset.printable(&left),
            right: self.charset.printable(&right),
            bold: false,
        };
        pairs.into_iter().map(line).collect()
    }

    /// Who took and gave back what, under a heading.
    fn cashiers(&self, heading: &str) -> Vec<Line> {
        let text = |text: &str, bold| {
            let text = self.charset.printable(text);
            Line::Text { text, align: Align::Left, size: Size::Normal, bold }
        };
        let of = |cashier: &SlipCashier| {
            let lines = self.pairs(cashier.lines(self.language));
            std::iter::once(text(&cashier.who, true)).chain(lines).collect::<Vec<_>>()
        };
        let cashiers = self.slip.cashiers();
        let heading = cashiers.first().map(|_| text(heading, false));
        heading.into_iter().chain(cashiers.iter().flat_map(of)).collect()
    }

    /// What was sold, under a heading.
    fn sold(&self, heading: &str) -> Vec<Line> {
        let lines = self.pairs(self.slip.sold(self.language));
        let text = self.charset.printable(heading);
        let heading = Line::Text { text, align: Align::Left, size: Size::Normal, bold: false };
        let heading = (!lines.is_empty()).then_some(heading);
        heading.into_iter().chain(lines).collect()
    }

    fn logo(&self) -> Option<Line> {
        let letterhead = self.slip.letterhead()?;
        letterhead.logo.as_ref().map(|logo| Line::Logo(Arc::clone(logo)))
    }

    fn of_the_shop(&self, lines: impl Fn(&Letterhead, Language) -> &Vec<String>) -> Vec<Line> {
        let Some(letterhead) = self.slip.letterhead() else { return Vec::new() };
        lines(letterhead, self.language).iter().map(|line| self.centred(line)).collect()
    }

    fn centred(&self, line: &str) -> Line {
        Line::Text { text: self.charset.printable(line), align: Align::Centre, size: Size::Normal, bold: false }
    }

    /// One piece is its name and what it costs. Of anything else the name stands above: how much of it, and what was taken off.
    fn good(&self, good: &SoldGood, discount: &str) -> Vec<Line> {
        let pair = |left: &str, right: String| Line::Pair { left: self.charset.printable(left), right, bold: false };
        if good.quantity == Quantity::Pieces(1) && good.discount.is_zero() {
            return vec![pair(good.name.as_str(), good.amount.grouped())];
        }
        let text = self.charset.printable(good.name.as_str());
        let mut lines = vec![Line::Text { text, align: Align::Left, size: Size::Normal, bold: false }];
        let (quantity, unit) = (good.quantity, good.unit.name(self.language));
        let how_much = match quantity {
            // What a scale's label says is not what weight and price come to.
            Quantity::Pieces(_) if good.is_priced_by_label() => format!("  {quantity}"),
            Quantity::Pieces(_) => format!("  {quantity} x {}", good.price.grouped()),
            Quantity::Grams(_) if good.is_priced_by_label() => format!("  {quantity}kg"),
            Quantity::Grams(_) => format!("  {quantity}kg x {}/{unit}", good.price.grouped()),
        };
        // Lines that were written down were looked at before.
        lines.push(pair(&how_much, good.before().unwrap_or(good.amount).grouped()));
        if !good.discount.is_zero() {
            lines.push(pair(&format!("  {discount}"), format!("-{}", good.discount.grouped())));
        }
        lines
    }

    /// What of the amount is tax: a line for each rate.
    fn taxes(&self, pattern: &str) -> Vec<Line> {
        let taxes = sold::taxes_of(self.slip.goods()).unwrap_or_default();
        let line = |tax: sold::TaxShare| {
            let left = pattern.replace("{rate}", &tax.rate.to_string()).replace("{of}", &tax.of.grouped());
            Line::Pair { left: self.charset.printable(&left), right: tax.tax.grouped(), bold: false }
        };
        taxes.into_iter().map(line).collect()
    }
}

/// `RMB ￥12.34`, or `KRW 500` when the printer does not know the sign.
pub(super) fn money(amount: Amount, charset: Charset) -> String {
    let currency = amount.currency();
    // Slips in China say RMB, not the code of ISO 4217.
    let code = if currency == Currency::CNY { "RMB" } else { currency.code() };
    let signed = charset.printable(&amount.signed());
    let sign_is_known = !signed.contains(['?', '〓']);
    format!("{code} {}", if sign_is_known { signed } else { amount.grouped() })
}

/// `3012` (`YYMM`) as people write it: `12/30`.
fn expiry(yymm: &str) -> String {
    match (yymm.get(..2), yymm.get(2..4)) {
        (Some(year), Some(month)) if yymm.len() == 4 => format!("{month}/{year}"),
        _ => yymm.to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    line: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    when: Vec<Condition>,
    #[serde(default)]
    of: Vec<String>,
    #[serde(flatten)]
    content: Content,
}

#[cfg(test)]
impl Entry {
    const fn size(&self) -> Size {
        match self.content {
            Content::Text { size, .. } => size,
            _ => Size::Normal,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Condition {
    Test,
    Training,
    Signature,
    Signed,
    Pen,
    Spared,
    Pin,
    Duplicate,
    Goods,
    Merchant,
    Customer,
    Card,
    Chip,
    Stripe,
    Fallback,
    Typed,
    Instalments,
    #[serde(rename = "at_once")]
    AtOnce,
    Free,
    #[serde(rename = "no_card")]
    NoCard,
    Link,
    Advice,
    Differs,
    Undecided,
    Cash,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Content {
    Text {
        zh: String,
        en: String,
        #[serde(default)]
        align: Align,
        #[serde(default)]
        size: Size,
        #[serde(default)]
        bold: bool,
    },
    Pair {
        zh: String,
        en: String,
        right: Option<String>,
        right_zh: Option<String>,
        right_en: Option<String>,
        #[serde(default)]
        bold: bool,
    },
    Rule,
    Goods {
        discount_zh: String,
        discount_en: String,
    },
    Taxes {
        zh: String,
        en: String,
    },
    Trailer,
    Logo,
    Signature,
    Header,
    Footer,
    Sums,
    Cash,
    Cashiers {
        zh: String,
        en: String,
    },
    Sold {
        zh: String,
        en: String,
    },
    Differences,
    Parts,
    Qr,
    Feed {
        lines: u8,
    },
}

const SALE: &str = include_str!("../../assets/receipts/sale.toml");
const PARKED: &str = include_str!("../../assets/receipts/parked.toml");

const CASH: &str = include_str!("../../assets/receipts/cash.toml");

const SETTLEMENT: &str = include_str!("../../assets/receipts/settlement.toml");

const PURCHASE: &str = include_str!("../../assets/receipts/purchase.toml");

const SHOWN_CODE: &str = include_str!("../../assets/receipts/shown-code.toml");

fn shown_code_template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| read(SHOWN_CODE))
}

fn purchase_template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| read(PURCHASE))
}

fn settlement_template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| read(SETTLEMENT))
}

fn cash_template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| read(CASH))
}

fn sale_template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| read(SALE))
}

fn parked_template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    TEMPLATE.get_or_init(|| read(PARKED))
}

/// The words of kinds that the template of a transaction's slip has a title for: of these a slip can be printed.
#[cfg(test)]
pub fn titled_kinds() -> Vec<&'static str> {
    sale_template()
        .line
        .iter()
        .filter(|entry| entry.size() == Size::Double)
        .flat_map(|entry| &entry.of)
        .map(String::as_str)
        .collect()
}

/// Part of the program; `the_templates_are_readable_and_ask_for_known_fields_only` proves that it parses.
fn read(text: &str) -> Template {
    toml::from_str(text).unwrap_or(Template { line: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::cash::tests::cash_slip;
    use crate::receipt::purchase::tests::purchase_slip;
    use crate::receipt::settlement::tests::settlement_slip;
    use crate::receipt::shown_code::tests::shown_code_slip;
    use crate::receipt::tests::{in_periods, parked_slip, slip};

    #[test]
    fn the_templates_are_readable_and_ask_for_known_fields_only() {
        let slip = SaleSlip {
            duplicate: Some(1),
            tip: Some(slip().amount),
            instalments: in_periods([Some(1), Some(1), Some(1)]).instalments,
            original: Some(slip().trace),
            code_tail: Some("123456".into()),
            voucher: Some("4200001234".into()),
            cashier: Some("07".into()),
            link: Some(("https://r.example.cn/R/1".into(), "2026-09-01".parse().unwrap())),
            ..slip()
        };
        let copy = SaleCopy { slip: &slip, copy: CopyFor::Customer };
        // These slips have every field, so a pattern that cannot be filled names a field nobody knows.
        let settlement = settlement_slip();
        let (tip, link) = (slip.tip, slip.link.clone());
        let purchase = PurchaseSlip { tip, link, ..purchase_slip() };
        let purchase = PurchaseCopy { slip: &purchase, copy: CopyFor::Customer };
        let cash = CashSlip { sale: cash_slip(true).sale, duplicate: Some(1), ..cash_slip(false) };
        let cash = CashCopy { slip: &cash, copy: CopyFor::Merchant };
        let slips: [(&str, &dyn Slip); 6] = [
            (SALE, &copy),
            (CASH, &cash),
            (PARKED, &parked_slip()),
            (SETTLEMENT, &settlement),
            (PURCHASE, &purchase),
            (SHOWN_CODE, &shown_code_slip()),
        ];
        for (text, slip) in slips {
            let template: Template = toml::from_str(text).unwrap();
            assert!(template.line.len() > 5);
            let filling = Filling { slip, language: Language::Chinese, charset: Charset::Gb18030 };
            for entry in &template.line {
                let patterns = match &entry.content {
                    Content::Text { zh, en, .. } => vec![zh, en],
                    Content::Pair { zh, en, right, right_zh, right_en, .. } => {
                        let said = right.is_some() || (right_zh.is_some() && right_en.is_some());
                        assert!(said, "{zh} has nothing to say");
                        [Some(zh), Some(en), right.as_ref(), right_zh.as_ref(), right_en.as_ref()]
                            .into_iter()
                            .flatten()
                            .collect()
                    }
                    _ => Vec::new(),
                };
                for pattern in patterns {
                    assert!(filling.fill(pattern).is_some(), "{pattern}");
                }
            }
        }
    }

    #[test]
    fn a_line_without_its_field_is_left_out() {
        let mut slip = slip();
        let count = |slip: &SaleSlip| {
            Document::of_sale(slip, CopyFor::Merchant, Language::Chinese, Charset::Gb18030).lines.len()
        };
        let all = count(&slip);
        slip.rrn = None;
        slip.authorisation_code = None;
        slip.cryptogram = None;
        assert_eq!(count(&slip), all - 3);
    }

    #[test]
    fn a_currency_sign_the_printer_lacks_is_left_out() {
        for (code, charset, expected) in [
            ("CNY", Charset::Gb18030, "RMB ￥12.34"),
            ("CNY", Charset::Ascii, "RMB 12.34"),
            ("GBP", Charset::Gb18030, "GBP ￡12.34"),
            ("KRW", Charset::Gb18030, "KRW 1,234"),
            ("THB", Charset::Gb18030, "THB 12.34"),
            ("HKD", Charset::Ascii, "HKD HK$12.34"),
        ] {
            assert_eq!(money(Amount::new(1234, code.parse().unwrap()).unwrap(), charset), expected);
        }
    }

    #[test]
    fn expiry_is_month_and_year() {
        assert_eq!(expiry("3012"), "12/30");
        assert_eq!(expiry("30"), "30");
        assert_eq!(expiry("三十"), "三十");
    }
}
