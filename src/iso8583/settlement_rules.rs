//! How a settlement is written in a dialect: which codes its messages have, how much one of them holds, and what the answers mean.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::DialectError;
use super::layout::{Content, Layout, Length};

/// The field of totals and uploaded payments (ISO 8583: additional private data).
pub const TOTALS_FIELD: u8 = 48;

/// Digits of an amount in it.
pub const AMOUNT_DIGITS: usize = 12;

/// Digits of a number of payments in it.
pub const COUNT_DIGITS: usize = 3;

/// Digits of one uploaded payment: type, STAN, amount.
pub const LINE_DIGITS: usize = 2 + 6 + AMOUNT_DIGITS;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementRules {
    /// Field 60, third part: totals are compared (0500).
    pub compare: String,
    /// Payments are uploaded (0320).
    pub upload: String,
    /// The batch ends, and the totals were the same (0320).
    pub end_equal: String,
    /// The batch ends, and they were not.
    pub end_different: String,
    /// How many payments one message uploads.
    pub most_lines: usize,
    /// With so many payments a batch is settled without being asked for: a message counts no further than 999.
    pub most_payments: u32,
    /// What the host says of totals.
    pub verdicts: Verdicts,
    /// What a terminal asks about its merchant's money (0800).
    pub questions: Questions,
}

/// A digit for each side behind its totals in the answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdicts {
    /// The host has the same.
    pub equal: char,
    /// It has not.
    pub different: char,
    /// It compares nothing: the batch was settled before, with others.
    pub error: char,
}

/// Field 60, third part.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    /// What is on the merchant's account, and the last settlements.
    pub account: String,
    /// What of a batch the two have otherwise.
    pub differences: String,
}

impl SettlementRules {
    /// Checks what belongs together.
    pub(super) fn check(&self, layout: &Layout) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        let Questions { account, differences } = &self.questions;
        let codes = [&self.compare, &self.upload, &self.end_equal, &self.end_different, account, differences];
        if codes.iter().any(|code| code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit())) {
            return wrong("settlement", "a code of field 60 has three digits");
        }
        // An upload and its ends are messages of one type.
        let uploads = [&self.upload, &self.end_equal, &self.end_different];
        if BTreeSet::from(uploads).len() != uploads.len() || account == differences {
            return wrong("settlement", "upload, end_equal and end_different differ, and so do the questions");
        }
        let Verdicts { equal, different, error } = self.verdicts;
        let digits = [equal, different, error];
        if BTreeSet::from(digits).len() != digits.len() || digits.iter().any(|digit| !('1'..='9').contains(digit)) {
            return wrong("settlement.verdicts", "they are different digits, and not 0");
        }
        if !(1..=900).contains(&self.most_payments) {
            return wrong("settlement.most_payments", "it is 1 to 900: what is under way comes on top");
        }
        let room = layout.field(TOTALS_FIELD).and_then(|field| match (field.content, field.length) {
            (Content::Digits, Length::Prefixed(prefix)) => Some(prefix.max),
            _ => None,
        });
        let needed = (2 + self.most_lines * LINE_DIGITS).max(4 * (AMOUNT_DIGITS + COUNT_DIGITS) + 2);
        if !(1..=99).contains(&self.most_lines) || room.is_none_or(|room| room < needed) {
            return wrong("settlement.most_lines", "it is 1 to 99, and field 48 holds so many digits of any number");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::iso8583::Dialect;

    const SHIPPED: &str = include_str!("../../assets/dialects/unionpay.toml");

    #[test]
    fn the_shipped_dialect_settles_and_one_may_not() {
        assert_eq!(Dialect::shipped("unionpay").unwrap().settlement.unwrap().most_lines, 16);
        let (before, rest) = SHIPPED.split_once("[settlement]").unwrap();
        let (_, after) = rest.split_once("\n[answers]").unwrap();
        assert_eq!(Dialect::parse(&format!("{before}[answers]{after}")).unwrap().settlement, None);
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused() {
        for (right, wrong, said) in [
            ("end_equal = \"207\"", "end_equal = \"27\"", "three digits"),
            ("end_equal = \"207\"", "end_equal = \"202\"", "differ"),
            ("end_equal = \"207\"", "end_equal = \"201\"", "differ"),
            ("differences = \"413\"", "differences = \"411\"", "differ"),
            ("most_lines = 16", "most_lines = 17", "field 48"),
            ("most_lines = 16", "most_lines = 0", "field 48"),
            ("most_payments = 900", "most_payments = 901", "1 to 900"),
            ("equal = \"1\"", "equal = \"2\"", "different digits"),
            ("equal = \"1\"", "equal = \"0\"", "different digits"),
        ] {
            assert!(SHIPPED.contains(right), "{right}");
            let error = Dialect::parse(&SHIPPED.replacen(right, wrong, 1)).unwrap_err().to_string();
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
