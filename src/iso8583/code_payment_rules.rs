//! How payments by code are written in a dialect: which message is which request, where the code stands, what the answers mean.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::layout::{Content, Encoding, Layout, Length};
use super::transaction_rules::TransactionMessage;
use super::{DialectError, Mti};

/// Fewest bytes that the field of the elements must have room for: the longest code, and what stands beside it.
const ROOM: usize = 600;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodePaymentRules {
    /// Field 22 where the customer's code was scanned.
    pub scanned: String,
    /// Field 22 where a code is to be shown.
    pub shown: String,
    /// The field that holds what only these messages have, as elements: a tag of two characters, a length of three digits, a value.
    pub field: u8,
    /// Tags of those elements.
    pub elements: CodeElements,
    /// Codes of an order about which the customer has something to do.
    pub not_yet: BTreeSet<String>,
    /// Codes that refuse to cancel an order for good: asking again changes nothing.
    pub cancel_refused: BTreeSet<String>,
    /// Which message each request is.
    pub messages: CodeMessages,
}

/// Tags of what only these messages have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeElements {
    /// The customer's code in a request, the code to be shown in an answer.
    pub code: String,
    /// For how many seconds a code is to be shown.
    pub valid: String,
    /// How an order stands: the response code that its own request would have now.
    pub outcome: String,
    /// The wallet's own number of what was paid.
    pub voucher: String,
}

/// The requests about an order. Each is known by its type in field 60.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeMessages {
    /// Charges whoever showed a code.
    #[serde(deserialize_with = "message")]
    pub pay: TransactionMessage,
    /// Opens an order and gives the code that stands for it.
    #[serde(deserialize_with = "message")]
    pub open: TransactionMessage,
    /// Asks how an order stands.
    #[serde(deserialize_with = "message")]
    pub enquire: TransactionMessage,
    /// Closes an order, and pays it back where it was paid.
    #[serde(deserialize_with = "message")]
    pub cancel: TransactionMessage,
    /// Pays a part of a paid order back, or all of it.
    #[serde(deserialize_with = "message")]
    pub refund: TransactionMessage,
}

/// Reads a message whose type may also be one that takes something back.
fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TransactionMessage, D::Error> {
    let mut words = BTreeMap::<String, String>::deserialize(deserializer)?;
    let mut take = |key: &str| words.remove(key).ok_or_else(|| D::Error::custom(format!("{key} is missing")));
    let (mti, processing_code, condition) = (take("mti")?, take("processing_code")?, take("condition")?);
    let transaction_type = take("type")?;
    if let Some(key) = words.keys().next() {
        return Err(D::Error::custom(format!("there is no {key} in a message")));
    }
    let mti = [Mti::FINANCIAL_REQUEST, Mti::FINANCIAL_ADVICE, Mti::REVERSAL_REQUEST]
        .into_iter()
        .find(|known| known.to_string() == mti)
        .ok_or_else(|| D::Error::custom("mti of a payment by code is 0200, 0220 or 0400"))?;
    Ok(TransactionMessage { mti, processing_code, condition, transaction_type })
}

impl CodeMessages {
    /// All of them.
    pub fn all(&self) -> [&TransactionMessage; 5] {
        [&self.pay, &self.open, &self.enquire, &self.cancel, &self.refund]
    }
}

impl CodePaymentRules {
    /// Checks what belongs together. `approved`: codes that approve; `taken`: types of all other transactions.
    pub(super) fn check(
        &self,
        layout: &Layout,
        approved: &BTreeSet<String>,
        taken: &BTreeSet<&String>,
    ) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(&self.scanned, 3) || !digits(&self.shown, 3) {
            return wrong("code_payments", "scanned and shown are field 22, which has three digits");
        }
        let holds = layout.field(self.field).is_some_and(|field| {
            let room = matches!(field.length, Length::Prefixed(prefix) if prefix.max >= ROOM);
            (field.content, field.encoding) == (Content::Bytes, Encoding::Binary) && room && !field.shown
        });
        if !holds {
            return wrong(
                "code_payments.field",
                "it is a field of bytes, binary, of any length up to 600 at least, and not shown",
            );
        }
        let CodeElements { code, valid, outcome, voucher } = &self.elements;
        let tags = [code, valid, outcome, voucher];
        let are_tags = tags.iter().all(|tag| tag.len() == 2 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !are_tags || BTreeSet::from(tags).len() != tags.len() {
            return wrong("code_payments.elements", "they are different tags of two characters");
        }
        let codes = self.not_yet.iter().chain(&self.cancel_refused);
        if codes.clone().any(|code| code.len() != 2 || approved.contains(code)) || self.not_yet.is_empty() {
            return wrong("code_payments", "not_yet and cancel_refused are response codes that do not approve");
        }
        let messages = self.messages.all();
        let well_formed = messages.iter().all(|message| {
            digits(&message.processing_code, 6) && digits(&message.condition, 2) && digits(&message.transaction_type, 2)
        });
        if !well_formed {
            return wrong("code_payments.messages", "processing_code has six digits, condition and type have two");
        }
        let types: BTreeSet<_> = messages.iter().map(|message| &message.transaction_type).collect();
        if types.len() != messages.len() || !types.is_disjoint(taken) {
            return wrong("code_payments.messages", "no two have the same type, and none that of a transaction");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::iso8583::{Dialect, Mti};

    const SHIPPED: &str = include_str!("../../assets/dialects/unionpay.toml");

    #[test]
    fn the_shipped_dialect_has_payments_by_code_and_one_may_have_none() {
        let rules = Dialect::shipped("unionpay").unwrap().code_payments.unwrap();
        assert_eq!(rules.messages.cancel.mti, Mti::REVERSAL_REQUEST);
        let (before, rest) = SHIPPED.split_once("[code_payments]").unwrap();
        let (_, after) = rest.split_once("\n[answers]").unwrap();
        assert_eq!(Dialect::parse(&format!("{before}[answers]{after}")).unwrap().code_payments, None);
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        for (right, wrong, said) in [
            ("scanned = \"032\"", "scanned = \"32\"", "field 22"),
            ("field = 57", "field = 59", "a field of bytes"),
            ("field = 57", "field = 64", "a field of bytes"),
            ("field = 57", "field = 99", "a field of bytes"),
            ("valid = \"02\"", "valid = \"01\"", "different tags"),
            ("valid = \"02\"", "valid = \"002\"", "different tags"),
            ("not_yet = [\"09\"]", "not_yet = [\"00\"]", "do not approve"),
            ("not_yet = [\"09\"]", "not_yet = []", "do not approve"),
            ("open = { mti = \"0200\"", "open = { mti = \"0100\"", "0200, 0220 or 0400"),
            ("open = { mti = \"0200\"", "open = { kind = \"0200\"", "mti is missing"),
            ("type = \"72\" }", "type = \"72\", more = \"1\" }", "there is no more"),
            ("type = \"72\"", "type = \"71\"", "no two have the same type"),
            ("type = \"72\"", "type = \"22\"", "no two have the same type"),
            ("type = \"72\"", "type = \"7\"", "condition and type have two"),
        ] {
            assert!(SHIPPED.contains(right), "{right}");
            let error = Dialect::parse(&SHIPPED.replacen(right, wrong, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
