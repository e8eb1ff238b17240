//! From a slip to a document, in the order and words of `assets/receipts/sale.toml`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{Align, Charset, CopyFor, Document, GoodsLine, Line, SaleSlip, Size, transaction_code};
use crate::money::{Amount, Currency};
use crate::wording::Language;

impl Document {
    /// Lays out one copy of a sale's slip, with no character that `charset` cannot print.
    pub fn of_sale(slip: &SaleSlip, copy: CopyFor, language: Language, charset: Charset) -> Self {
        let filling = Filling { slip, copy, language, charset };
        Self { lines: template().line.iter().flat_map(|entry| filling.lines(entry)).collect() }
    }
}

/// One slip on its way into the template.
struct Filling<'a> {
    slip: &'a SaleSlip,
    copy: CopyFor,
    language: Language,
    charset: Charset,
}

impl Filling<'_> {
    fn lines(&self, entry: &Entry) -> Vec<Line> {
        if !entry.when.iter().all(|condition| self.holds(*condition)) {
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
            Content::Goods => self.slip.goods.iter().map(|goods| self.goods(goods)).collect(),
            Content::Qr => vec![Line::Qr(transaction_code(self.slip))],
            Content::Feed { lines } => vec![Line::Feed(*lines)],
        }
    }

    fn holds(&self, condition: Condition) -> bool {
        match condition {
            Condition::Test => self.slip.test,
            Condition::Signature => self.slip.signature,
            Condition::Pin => self.slip.pin_checked_by_bank,
            Condition::Duplicate => self.slip.duplicate.is_some(),
            Condition::Goods => !self.slip.goods.is_empty(),
            Condition::Merchant => self.copy == CopyFor::Merchant,
            Condition::Customer => self.copy == CopyFor::Customer,
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
            filled.push_str(&self.field(name)?);
            rest = behind;
        }
        filled.push_str(rest);
        Some(self.charset.printable(&filled))
    }

    fn field(&self, name: &str) -> Option<String> {
        let slip = self.slip;
        match name {
            "merchant_name" => Some(slip.merchant_name.clone()),
            "merchant_code" => Some(slip.merchant_code.to_string()),
            "terminal_number" => Some(slip.terminal_number.to_string()),
            "acquirer_code" => Some(slip.acquirer_code.clone()),
            "batch" => Some(slip.trace.batch.to_string()),
            "stan" => Some(slip.trace.stan.to_string()),
            "trace" => Some(slip.trace.to_string()),
            "date_time" => Some(slip.at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            "amount" => Some(self.amount(slip.amount)),
            "card_number" => Some(slip.truncated_pan.clone()),
            "card_sequence" => Some(slip.card_sequence_number.map_or_else(String::new, |n| format!("PSN {n:02}"))),
            "card_expiry" => slip.card_expiry.as_deref().map(expiry),
            "application_label" => Some(slip.application_label.clone()).filter(|label| !label.is_empty()),
            "aid" => Some(slip.aid.clone()),
            "rrn" => slip.rrn.as_ref().map(ToString::to_string),
            "authorisation_code" => slip.authorisation_code.as_ref().map(ToString::to_string),
            "cryptogram" => slip.cryptogram.clone(),
            "tvr" => Some(slip.tvr.clone()),
            "tsi" => Some(slip.tsi.clone()),
            "atc" => slip.atc.clone(),
            "duplicate" => slip.duplicate.map(|count| count.to_string()),
            _ => None,
        }
    }

    fn goods(&self, goods: &GoodsLine) -> Line {
        let left = if goods.quantity == 1 { goods.name.clone() } else { format!("{} x{}", goods.name, goods.quantity) };
        Line::Pair { left: self.charset.printable(&left), right: goods.total.grouped(), bold: false }
    }

    /// `RMB ￥12.34`, or `KRW 500` when the printer does not know the sign.
    fn amount(&self, amount: Amount) -> String {
        let currency = amount.currency();
        // Slips in China say RMB, not the code of ISO 4217.
        let code = if currency == Currency::CNY { "RMB" } else { currency.code() };
        let signed = self.charset.printable(&amount.signed());
        let sign_is_known = !signed.contains(['?', '〓']);
        format!("{code} {}", if sign_is_known { signed } else { amount.grouped() })
    }
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
    #[serde(flatten)]
    content: Content,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Condition {
    Test,
    Signature,
    Pin,
    Duplicate,
    Goods,
    Merchant,
    Customer,
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
    Goods,
    Qr,
    Feed {
        lines: u8,
    },
}

fn template() -> &'static Template {
    static TEMPLATE: OnceLock<Template> = OnceLock::new();
    // Part of the program; `the_template_is_readable_and_asks_for_known_fields_only` proves that it parses.
    TEMPLATE.get_or_init(|| {
        toml::from_str(include_str!("../../assets/receipts/sale.toml")).unwrap_or(Template { line: Vec::new() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::tests::slip;

    #[test]
    fn the_template_is_readable_and_asks_for_known_fields_only() {
        let template: Template = toml::from_str(include_str!("../../assets/receipts/sale.toml")).unwrap();
        let mut slip = slip();
        slip.duplicate = Some(1);
        let filling =
            Filling { slip: &slip, copy: CopyFor::Merchant, language: Language::Chinese, charset: Charset::Gb18030 };
        for entry in &template.line {
            let patterns = match &entry.content {
                Content::Text { zh, en, .. } => vec![zh, en],
                Content::Pair { zh, en, right, right_zh, right_en, .. } => {
                    assert!(right.is_some() || (right_zh.is_some() && right_en.is_some()), "{zh} has nothing to say");
                    [Some(zh), Some(en), right.as_ref(), right_zh.as_ref(), right_en.as_ref()]
                        .into_iter()
                        .flatten()
                        .collect()
                }
                _ => Vec::new(),
            };
            for pattern in patterns {
                // This slip has every field, so a pattern that cannot be filled names a field nobody knows.
                assert!(filling.fill(pattern).is_some(), "{pattern}");
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
        let mut slip = slip();
        for (code, charset, expected) in [
            ("CNY", Charset::Gb18030, "RMB ￥12.34"),
            ("CNY", Charset::Ascii, "RMB 12.34"),
            ("GBP", Charset::Gb18030, "GBP ￡12.34"),
            ("KRW", Charset::Gb18030, "KRW 1,234"),
            ("THB", Charset::Gb18030, "THB 12.34"),
            ("HKD", Charset::Ascii, "HKD HK$12.34"),
        ] {
            slip.amount = Amount::new(1234, code.parse().unwrap()).unwrap();
            let filling = Filling { slip: &slip, copy: CopyFor::Customer, language: Language::English, charset };
            assert_eq!(filling.amount(slip.amount), expected);
        }
    }

    #[test]
    fn expiry_is_month_and_year() {
        assert_eq!(expiry("3012"), "12/30");
        assert_eq!(expiry("30"), "30");
        assert_eq!(expiry("三十"), "三十");
    }
}
