//! How a terminal of a dialect fetches what the host decides about it: applications, CA keys, tables.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::DialectError;
use super::orders::{HeaderOrder, Order};

/// How applications, CA keys and tables are downloaded in a dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterRules {
    /// How amounts in field 62 are written.
    pub amounts: AmountCoding,
    /// Codes for CA keys.
    pub ca_keys: DownloadCodes,
    /// Codes for applications.
    pub applications: DownloadCodes,
    /// Field 60, third part, of the message that tells how the terminal is.
    pub status: String,
    /// The acquirer's tables, where it has any.
    #[serde(default)]
    pub tables: Option<TableRules>,
    /// How an answer orders something.
    pub order: HeaderOrder,
}

/// How an amount of four bytes is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AmountCoding {
    /// A number, most significant byte first (EMV 4.4 Book 3, annex A: 9F1B).
    Binary,
    /// Two digits a byte.
    Bcd,
}

/// Field 60, third part, of the messages of a download.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DownloadCodes {
    /// Asks what there is.
    pub list: String,
    /// Asks for one.
    pub fetch: String,
    /// Says that all is in its place.
    pub end: String,
}

/// How the acquirer's tables are downloaded, and what the answers look like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRules {
    /// The terminal's own parameters.
    pub terminal: EndedTable,
    /// Those about payments: limits, what is allowed, what receipts say.
    pub business: EndedTable,
    /// The list of cards.
    pub cards: EndedTable,
    /// Words for response codes.
    pub texts: EndedTable,
    /// How the terminal's own parameters are laid out.
    pub layout: TerminalLayout,
    /// Objects of those about payments.
    pub tags: BusinessTags,
}

/// Field 60, third part, of the messages that bring one table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedTable {
    /// Asks for it, or for more of it.
    pub fetch: String,
    /// Says that it is in its place.
    pub end: String,
}

/// Terminal parameters: two digits and a value of fixed length each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalLayout {
    /// Which of them is the time for an answer, in seconds.
    pub answer_timeout: String,
    /// How often something is sent again.
    pub tries: String,
    /// The telephone number of the help desk.
    pub help_desk: String,
    /// The name of the shop.
    pub merchant_name: String,
    /// The length of each value, in bytes.
    pub lengths: BTreeMap<String, usize>,
}

/// Tags of parameters about payments, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusinessTags {
    /// Up to this amount, twelve digits, nobody signs.
    pub no_signature_limit: String,
    /// Up to this amount, twelve digits, a sale may need no PIN; none where the acquirer knows no such thing.
    #[serde(default)]
    pub no_pin_limit: Option<String>,
    /// One byte: 01 where that counts for stripes that leave a PIN to the terminal too; the same.
    #[serde(default)]
    pub no_pin_for_stripes: Option<String>,
    /// The most that one sale may be, twelve digits.
    pub sale_limit: String,
    /// What this terminal may do: words, with commas between them.
    pub transactions: String,
    /// What is undone or completed only with the customer's card: words, with commas between them; none where the acquirer leaves that
    /// to shops.
    #[serde(default)]
    pub card_needed: Option<String>,
    /// A line at the end of receipts; comes once for each.
    pub trailer: String,
    /// Where customers find their e-receipts; none where the acquirer has none.
    #[serde(default)]
    pub receipt_address: Option<String>,
    /// Days for which a link to one is valid, three or four digits; the same.
    #[serde(default)]
    pub receipt_days: Option<String>,
    /// Local time at which batches are settled every night, four digits; none where the acquirer leaves that to shops.
    #[serde(default)]
    pub settlement_at: Option<String>,
    /// One byte: 01 where the issuer may approve a part of a sale; none where the acquirer knows no such thing.
    #[serde(default)]
    pub in_part: Option<String>,
    /// One byte: 01 where customers sign on the screen; none where the acquirer knows no such thing.
    #[serde(default)]
    pub signature_pad: Option<String>,
    /// Seconds in which a stripe counts after its chip could not be read, three digits; none where the acquirer leaves that to shops.
    #[serde(default)]
    pub fallback_s: Option<String>,
    /// What may be done with a card number that is typed: words, with commas between them; the same.
    #[serde(default)]
    pub typed: Option<String>,
    /// Limits of offline sales: the most of one, how many may wait and what those may come to, in twelve, three and twelve digits; none
    /// where the acquirer knows no such thing.
    #[serde(default)]
    pub offline: Option<String>,
    /// In how many periods sales may be paid: numbers with commas between them, and the number of the programme behind a semicolon; none where
    /// the acquirer knows no instalments.
    #[serde(default)]
    pub instalments: Option<String>,
    /// From which amount on, twelve digits; from any where it is left out.
    #[serde(default)]
    pub instalments_from: Option<String>,
}

impl BusinessTags {
    /// All of them.
    pub fn all(&self) -> Vec<&String> {
        let always = [&self.no_signature_limit, &self.sale_limit, &self.transactions, &self.trailer];
        let some = [
            &self.no_pin_limit,
            &self.no_pin_for_stripes,
            &self.receipt_address,
            &self.receipt_days,
            &self.settlement_at,
            &self.in_part,
            &self.signature_pad,
            &self.card_needed,
            &self.fallback_s,
            &self.typed,
            &self.offline,
            &self.instalments,
            &self.instalments_from,
        ];
        always.into_iter().chain(some.into_iter().flatten()).collect()
    }
}

impl TableRules {
    /// The codes of all tables.
    pub const fn tables(&self) -> [&EndedTable; 4] {
        [&self.terminal, &self.business, &self.cards, &self.texts]
    }

    fn check(&self) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        if !self.tables().into_iter().all(|table| is_code(&table.fetch) && is_code(&table.end)) {
            return wrong("parameters.tables", "fetch and end have three digits each");
        }
        let layout = &self.layout;
        let used = [&layout.answer_timeout, &layout.tries, &layout.help_desk, &layout.merchant_name];
        let two_digits = |name: &String| name.len() == 2 && name.bytes().all(|digit| digit.is_ascii_digit());
        if !used.into_iter().all(|name| layout.lengths.contains_key(name))
            || !layout.lengths.iter().all(|(name, length)| two_digits(name) && (1..=99).contains(length))
        {
            return wrong("parameters.tables.layout", "every name has two digits and a length of 1 to 99 bytes");
        }
        let tags: BTreeSet<_> =
            self.tags.all().into_iter().filter_map(|tag| u32::from_str_radix(tag, 16).ok()).collect();
        if tags.len() != self.tags.all().len() {
            return wrong("parameters.tables.tags", "they are different tags in hexadecimal");
        }
        Ok(())
    }
}

impl ParameterRules {
    pub(super) fn check(&self, header: &[u8], sign_on: u8) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        for (key, codes) in [("parameters.ca_keys", &self.ca_keys), ("parameters.applications", &self.applications)] {
            if ![&codes.list, &codes.fetch, &codes.end].into_iter().all(|code| is_code(code)) {
                return wrong(key, "list, fetch and end have three digits each");
            }
        }
        if !is_code(&self.status) {
            return wrong("parameters.status", "it has three digits");
        }
        if let Some(tables) = &self.tables {
            tables.check()?;
        }
        if usize::from(self.order.digit) >= header.len() * 2 {
            return wrong("parameters.order.digit", "the header has no such digit");
        }
        let mut digits: Vec<_> = Order::ALL.into_iter().filter_map(|order| self.order.digit_of(order)).collect();
        digits.push(sign_on);
        if digits.iter().collect::<BTreeSet<_>>().len() != digits.len()
            || !digits.iter().all(|digit| (1..=9).contains(digit))
        {
            return wrong("parameters.order", "orders are 1 to 9, and each has its own, that of a sign-on too");
        }
        Ok(())
    }
}

/// Field 60, third part.
fn is_code(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use crate::iso8583::Dialect;

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        let text = include_str!("../../assets/dialects/unionpay.toml");
        for (right, wrong, key) in [
            ("list = \"372\"", "list = \"37\"", "parameters.ca_keys"),
            ("status = \"362\"", "status = \"36\"", "parameters.status"),
            ("terminal = { fetch = \"360\"", "terminal = { fetch = \"36O\"", "parameters.tables"),
            ("help_desk = \"17\"", "help_desk = \"99\"", "parameters.tables.layout"),
            ("22 = 40", "22 = 0", "parameters.tables.layout"),
            ("sale_limit = \"DF61\"", "sale_limit = \"DF62\"", "parameters.tables.tags"),
            ("digit = 5", "digit = 12", "parameters.order.digit"),
            ("remote = 6", "remote = 7", "parameters.order"),
            ("remote = 6", "remote = 3", "parameters.order"),
        ] {
            assert!(text.contains(right), "{right}");
            let error = Dialect::parse(&text.replacen(right, wrong, 1)).unwrap_err().to_string();
            assert!(error.starts_with(key), "{wrong}: {error}");
        }
    }
}
