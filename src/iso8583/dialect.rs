//! A dialect: how one family of hosts writes ISO 8583 and what it means, read from TOML and checked as a whole.

use std::collections::BTreeSet;
use std::ops::Deref;

use serde::Deserialize;

use super::BindingTags;
use super::code_payment_rules::CodePaymentRules;
use super::goods_rules::GoodsRules;
use super::instalment_rules::InstalmentRules;
use super::layout::{Content, Encoding, FieldFormat, Layout, Length};
use super::layout_file::{KEYS, LayoutFile};
use super::orders::Order;
use super::queue_codes::QueueCodes;
use super::settlement_rules::SettlementRules;
use super::sign_on_rules::SignOnRules;
use super::signature_rules::SignatureRules;
use super::transaction_rules::TransactionRules;
use crate::crypto::hex;
use crate::crypto::mac::MacAlgorithm;

pub use super::parameter_rules::{
    AmountCoding, BusinessTags, DownloadCodes, EndedTable, ParameterRules, TableRules, TerminalLayout,
};

/// The field that carries the MAC.
pub const MAC_FIELD: u8 = 64;

/// The field that carries an enciphered PIN.
const PIN_FIELD: u8 = 52;

/// Bytes of a MAC.
pub(super) const MAC_LENGTH: usize = 8;

/// The shipped dialects, by name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("unionpay", include_str!("../../assets/dialects/unionpay.toml")),
    ("iso87-ascii", include_str!("../../assets/dialects/iso87-ascii.toml")),
    ("iso87-binary", include_str!("../../assets/dialects/iso87-binary.toml")),
    ("iso93-binary", include_str!("../../assets/dialects/iso93-binary.toml")),
];

/// What a terminal needs to trade with one family of hosts: how messages are written, which is a [`Layout`] and used as one,
/// and what the host means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    layout: Layout,
    /// How field 64 is made.
    pub mac: MacAlgorithm,
    /// Tag under which issuer script results (9F5B) stand in field 55.
    pub script_results: Vec<u8>,
    /// Which message each kind of transaction is.
    pub transactions: TransactionRules,
    /// How payments by code are written; nothing where there are none.
    pub code_payments: Option<CodePaymentRules>,
    /// How batches are settled; nothing where they are not.
    pub settlement: Option<SettlementRules>,
    /// How signatures are uploaded; none where the acquirer takes none.
    pub signatures: Option<SignatureRules>,
    /// How sales by instalments are written; nothing where there are none.
    pub instalments: Option<InstalmentRules>,
    /// How what is sold is told to the host; none where the acquirer wants to know nothing of it.
    pub goods: Option<GoodsRules>,
    /// What response codes do.
    pub answers: AnswerCodes,
    /// How PINs for the issuer travel.
    pub pin: PinRules,
    /// What ends an entry of the queue.
    pub queue: QueueCodes,
    /// How applications, CA keys and tables are downloaded, and how it is ordered.
    pub parameters: ParameterRules,
    /// How working keys are fetched.
    pub sign_on: SignOnRules,
    /// Where the terminal's binding stands in field 59.
    pub binding: BindingTags,
}

impl Deref for Dialect {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        &self.layout
    }
}

/// What the response codes of field 39 do in this dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCodes {
    /// Codes that approve.
    pub approved: BTreeSet<String>,
    /// Codes that approve less than was asked.
    pub partial: BTreeSet<String>,
    /// Codes that say that the result is not known.
    pub unclear: BTreeSet<String>,
    /// Codes that say that the trace number was used before.
    pub number_in_use: BTreeSet<String>,
    /// Codes that refuse because the PIN is wrong, and leave another try.
    pub wrong_pin: BTreeSet<String>,
    /// Refusals that may come without field 64, because the host shares no key with the terminal.
    pub without_mac: BTreeSet<String>,
}

/// How a PIN for the issuer travels in this dialect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinRules {
    /// Field 26: how many digits a PIN typed here can have.
    pub capture_length: String,
    /// Field 53: how the block in field 52 is made.
    pub security_control: String,
}

/// A dialect that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// No dialect of that name is shipped.
    #[error("no message dialect \"{name}\" is shipped; shipped are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The file is not TOML of this shape.
    #[error("the message dialect cannot be read: {0}")]
    Toml(String),
    /// A key that belongs to the whole dialect has a value that cannot be.
    #[error("{key} of the message dialect: {problem}")]
    Key {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The file says how messages are written and not what they mean.
    #[error(
        "the message dialect {name} says how messages are written but not what a host means by them: it is for decoding and \
         encoding, a terminal cannot trade with it"
    )]
    LayoutOnly {
        /// Its name.
        name: String,
    },
    /// A field's description contradicts itself.
    #[error("field {field} of the message dialect: {problem}")]
    Field {
        /// Which field, as written in the file.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Dialect {
    /// A shipped dialect that a terminal can trade with.
    ///
    /// # Errors
    /// When none has that name, the message lists those that exist; and when it is a layout only.
    pub fn shipped(name: &str) -> Result<Self, DialectError> {
        Self::parse(shipped(name)?)
    }

    /// Reads a dialect and checks it as a whole.
    ///
    /// # Errors
    /// When it is not TOML of this shape, a field's description contradicts itself, or it does not say what a host means.
    pub fn parse(text: &str) -> Result<Self, DialectError> {
        let (layout, rules) = split(text)?;
        if rules.is_empty() {
            return Err(DialectError::LayoutOnly { name: layout.name });
        }
        HostRules::read(rules)?.checked(layout)
    }
}

impl Dialect {
    /// What a header orders; `Err` with the digit when it is no order of this dialect.
    ///
    /// # Errors
    /// When it orders something that nobody here has heard of.
    pub fn order_in(&self, header: &[u8]) -> Result<Option<Order>, u8> {
        match self.parameters.order.digit_in(header) {
            None | Some(0) => Ok(None),
            Some(digit) if digit == self.sign_on.order => Ok(Some(Order::SignOn)),
            Some(digit) => self.parameters.order.meaning(digit).map(Some).ok_or(digit),
        }
    }

    /// A header that orders something.
    pub fn with_order(&self, header: &[u8], order: Order) -> Vec<u8> {
        let digit = self.parameters.order.digit_of(order).unwrap_or(self.sign_on.order);
        self.parameters.order.with_digit(header, digit)
    }
}

impl Layout {
    /// The layout of a shipped dialect.
    ///
    /// # Errors
    /// When none has that name; the message lists those that exist.
    pub fn shipped(name: &str) -> Result<Self, DialectError> {
        Self::parse(shipped(name)?)
    }

    /// Reads a dialect for its layout. The file need not say what a host means; when it does, that is checked as well.
    ///
    /// # Errors
    /// When it is not TOML of this shape, or a field's description contradicts itself.
    pub fn parse(text: &str) -> Result<Self, DialectError> {
        let (layout, rules) = split(text)?;
        if rules.is_empty() { Ok(layout) } else { Ok(HostRules::read(rules)?.checked(layout)?.layout) }
    }
}

fn shipped(name: &str) -> Result<&'static str, DialectError> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| {
        let known: Vec<_> = SHIPPED.iter().map(|(known, _)| *known).collect();
        DialectError::Unknown { name: name.to_owned(), known: known.join(", ") }
    })
}

/// How messages are written, and the keys that are not about it.
fn split(text: &str) -> Result<(Layout, toml::Table), DialectError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| DialectError::Toml(error.to_string()))?;
    let (layout, rules) = table.into_iter().partition::<toml::Table, _>(|(key, _)| KEYS.contains(&key.as_str()));
    let layout: LayoutFile = layout.try_into().map_err(|error| DialectError::Toml(error.to_string()))?;
    Ok((layout.checked()?, rules))
}

/// What a host means, as a dialect file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostRules {
    mac: String,
    script_results: String,
    transactions: TransactionRules,
    code_payments: Option<CodePaymentRules>,
    settlement: Option<SettlementRules>,
    signatures: Option<SignatureRules>,
    instalments: Option<InstalmentRules>,
    goods: Option<GoodsRules>,
    answers: AnswerCodes,
    pin: PinRules,
    queue: QueueCodes,
    parameters: ParameterRules,
    sign_on: SignOnRules,
    #[serde(default)]
    binding: BindingTags,
}

impl HostRules {
    fn read(table: toml::Table) -> Result<Self, DialectError> {
        table.try_into().map_err(|error| DialectError::Toml(error.to_string()))
    }

    fn checked(self, layout: Layout) -> Result<Dialect, DialectError> {
        let script_results = hex::decode(&self.script_results)
            .map_err(|error| DialectError::Key { key: "script_results", problem: error.to_string() })?;
        self.transactions.check()?;
        if let Some(rules) = &self.code_payments {
            let taken = self.transactions.messages().map(|(_, message)| &message.transaction_type).collect();
            rules.check(&layout, &self.answers.approved, &taken)?;
        }
        if let Some(rules) = &self.settlement {
            rules.check(&layout)?;
        }
        if let Some(rules) = &self.signatures {
            rules.check(&layout)?;
        }
        if let Some(rules) = &self.instalments {
            let at_once = self.transactions.messages().map(|(_, message)| message.condition.as_str()).collect();
            rules.check(&layout, &at_once)?;
        }
        if let Some(rules) = &self.goods {
            let taken: Vec<u8> = self.code_payments.iter().map(|rules| rules.field).collect();
            rules.check(&layout, &taken)?;
        }
        self.queue.check()?;
        self.sign_on.check()?;
        self.parameters.check(&layout.header, self.sign_on.order)?;
        if !self.binding.are_right() {
            let problem = "record and machine are two different private tags of two characters".to_owned();
            return Err(DialectError::Key { key: "binding", problem });
        }
        let mac = MacAlgorithm::from_word(&self.mac).ok_or_else(|| DialectError::Key {
            key: "mac",
            problem: format!("it is one of {}", MacAlgorithm::ALL.map(MacAlgorithm::word).join(", ")),
        })?;
        if !self.sign_on.layouts.iter().any(|layout| self.sign_on.mac_key(layout, mac).is_some()) {
            let problem = format!("no layout has room for a key of {}", mac.word());
            return Err(DialectError::Key { key: "sign_on.layouts", problem });
        }
        let carries_mac = |field: &FieldFormat| {
            (field.content, field.encoding, field.length)
                == (Content::Bytes, Encoding::Binary, Length::Fixed(MAC_LENGTH))
        };
        if !layout.field(MAC_FIELD).is_some_and(carries_mac) {
            let problem = "it carries the MAC and must be bytes, binary, fixed = 8".to_owned();
            return Err(DialectError::Field { field: MAC_FIELD.to_string(), problem });
        }
        let block = self.sign_on.cipher.block_length();
        let carries_pin = |field: &FieldFormat| (field.content, field.length) == (Content::Bytes, Length::Fixed(block));
        if !layout.field(PIN_FIELD).is_none_or(carries_pin) {
            let cipher = self.sign_on.cipher.words();
            let problem = format!("it carries a PIN under a key of {cipher} and must be bytes, fixed = {block}");
            return Err(DialectError::Field { field: PIN_FIELD.to_string(), problem });
        }
        let Self {
            transactions,
            code_payments,
            settlement,
            signatures,
            instalments,
            goods,
            answers,
            pin,
            queue,
            parameters,
            sign_on,
            binding,
            ..
        } = self;
        Ok(Dialect {
            layout,
            mac,
            script_results,
            transactions,
            code_payments,
            settlement,
            signatures,
            instalments,
            goods,
            answers,
            pin,
            queue,
            parameters,
            sign_on,
            binding,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_dialect_can_be_read() {
        for (name, _) in SHIPPED {
            assert_eq!(Layout::shipped(name).unwrap().name, *name);
        }
        for error in [Layout::shipped("nobody").unwrap_err(), Dialect::shipped("nobody").unwrap_err()] {
            assert!(error.to_string().contains("unionpay, iso87-ascii, iso87-binary, iso93-binary"), "{error}");
        }
    }

    #[test]
    fn a_terminal_trades_with_a_dialect_that_says_what_the_host_means() {
        assert_eq!(Dialect::shipped("unionpay").unwrap().layout, Layout::shipped("unionpay").unwrap());
        for name in ["iso87-ascii", "iso87-binary", "iso93-binary"] {
            assert_eq!(Dialect::shipped(name), Err(DialectError::LayoutOnly { name: name.to_owned() }));
        }
    }

    /// ISO 8583:1987 and 1993 leave no number without a field.
    #[test]
    fn the_tables_of_the_standard_are_complete() {
        for name in ["iso87-ascii", "iso87-binary", "iso93-binary"] {
            let fields: Vec<_> = Layout::shipped(name).unwrap().fields().map(|(number, _)| number).collect();
            assert_eq!(fields, (2..=128).collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn partial_codes_approve_and_refusals_without_mac_do_not() {
        for (name, text) in SHIPPED {
            let codes = match Dialect::parse(text) {
                Err(DialectError::LayoutOnly { .. }) => continue,
                dialect => dialect.unwrap().answers,
            };
            assert!(codes.partial.is_subset(&codes.approved), "{name}");
            assert!(codes.without_mac.is_disjoint(&codes.approved), "{name}");
            assert!(codes.unclear.is_disjoint(&codes.approved), "{name}");
            assert!(codes.wrong_pin.is_disjoint(&codes.approved), "{name}");
            assert!(codes.wrong_pin.is_disjoint(&codes.unclear), "{name}");
            assert!(codes.number_in_use.is_disjoint(&codes.approved), "{name}");
        }
    }

    #[test]
    fn a_wrong_file_is_refused_with_the_place() {
        let shipped = SHIPPED[0].1;
        for (from, to, said) in [
            ("[fields.2]", "[fields.1]", "field 1"),
            ("[fields.2]", "[fields.129]", "field 129"),
            ("[fields.2]", "[fields.pan]", "field pan"),
            ("[fields.2]", "[fields.02]", "field 02"),
            ("length = { prefix = 2, max = 19 }", "length = { prefix = 2, max = 119 }", "field 2"),
            ("length = { prefix = 2, max = 19 }", "length = { prefix = 2, fixed = 19 }", "field 2"),
            ("length = { prefix = 2, max = 19 }\nalign = \"left\"", "length = { prefix = 2, max = 19 }", "field 2"),
            ("length = { fixed = 6 }", "length = { fixed = 6 }\nalign = \"left\"\npad = \"0\"", "field 3"),
            ("content = \"track\"", "content = \"bytes\"", "field 35"),
            ("length = { fixed = 8 }\n\n[fields.53]", "length = { fixed = 8 }\nsecret = 1\n\n[fields.53]", "secret"),
            ("mac = \"unionpay\"", "mac = \"x9.8\"", "mac"),
            ("6000030000", "60000300", "frame.tpdu"),
            ("603100311000", "60310031100G", "frame.header"),
            ("length = \"u16\"", "length = \"none\"", "frame.covers"),
            ("covers = \"following\"\n", "", "frame.covers"),
            ("mti = \"bcd\"", "mti = \"binary\"", "mti"),
            ("shown = [3,", "shown = [2, 3,", "field 2 holds what no dialect may show"),
            ("shown = [3,", "shown = [3, 57,", "field 57"),
            (
                "name = \"private data 62\"",
                "name = \"keys\"\npositions = [{ name = \"key\", length = 16, shown = true, rest = true }]",
                "field 62 of the message dialect: it holds what no dialect may show, not even a part of it",
            ),
            ("length_prefix = \"bcd\"", "length_prefix = \"bcd\"\ncolour = \"red\"", "colour"),
        ] {
            assert!(shipped.contains(from), "{from}");
            let error = Dialect::parse(&shipped.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{to}: {error}");
        }
        let (without_mac, _) = shipped.split_once("[fields.64]").unwrap();
        assert!(Dialect::parse(without_mac).unwrap_err().to_string().contains("field 64"));
    }
}
