//! How a sale by instalments is written in a dialect: what its request asks for, and what the answer to it says of the plan, as parts of
//! fixed length one behind the other in a field of bytes.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::DialectError;
use super::layout::{Content, Layout, Length};

/// Digits of an amount, of a currency, of a number of periods.
const AMOUNT: usize = 12;
const CURRENCY: usize = 3;
const PERIODS: usize = 2;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalmentRules {
    /// Field 25 of a sale by instalments, and of what undoes or takes back one.
    pub condition: String,
    /// The field of what is asked for and answered.
    pub field: u8,
    /// Response codes (field 39) that refuse the instalments: paid at once or with another card it may be.
    pub refused: BTreeSet<String>,
    /// What a request says.
    pub request: Vec<AskedPart>,
    /// What the answer to it says.
    pub answer: Vec<AnsweredPart>,
}

/// A part of what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedPart {
    /// What it is.
    pub part: Asked,
    /// Its characters.
    pub length: usize,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// In how many periods: digits.
    Periods,
    /// The acquirer's number of the programme, filled up with blanks; blanks for none.
    Programme,
}

/// A part of what is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnsweredPart {
    /// What it is.
    pub part: Answered,
    /// Its characters.
    pub length: usize,
}

/// What is answered: amounts of twelve digits unless something else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// The first period.
    First,
    /// Each that follows.
    Following,
    /// The fee, where it is taken at once; zeros for none.
    Fee,
    /// The fee with the first period, where it is taken by periods.
    FirstFee,
    /// The fee with each that follows.
    FollowingFee,
    /// The currency, three digits (ISO 4217).
    Currency,
    /// Something that this program has no use for.
    Unused,
}

impl InstalmentRules {
    /// The length of what is asked for, and of what is answered, in characters.
    pub fn lengths(&self) -> (usize, usize) {
        (self.request.iter().map(|part| part.length).sum(), self.answer.iter().map(|part| part.length).sum())
    }

    /// Checks what belongs together; `taken` are the values of field 25 of what is paid at once.
    pub(super) fn check(&self, layout: &Layout, taken: &BTreeSet<&str>) -> Result<(), DialectError> {
        let wrong = |key, problem: &str| Err(DialectError::Key { key, problem: problem.to_owned() });
        let is_code = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.condition.len() != 2 || !self.condition.bytes().all(|byte| byte.is_ascii_digit()) {
            return wrong("instalments.condition", "it has two digits");
        }
        if taken.contains(self.condition.as_str()) {
            return wrong("instalments.condition", "a sale or a void at once has another one");
        }
        if !self.refused.iter().all(|code| is_code(code)) {
            return wrong("instalments.refused", "response codes have two characters");
        }
        let asked: Vec<_> = self.request.iter().map(|part| part.part).collect();
        let asked_right = self.request.iter().all(|part| match part.part {
            Asked::Periods => part.length == PERIODS,
            Asked::Programme => (1..=99).contains(&part.length),
        });
        if !asked_right || once(&asked, Asked::Periods) != Some(true) || once(&asked, Asked::Programme) == Some(false) {
            return wrong(
                "instalments.request",
                "periods have two digits, a programme 1 to 99 characters, each of them once",
            );
        }
        let answered: Vec<_> = self.answer.iter().map(|part| part.part).collect();
        let answered_right = self.answer.iter().all(|part| match part.part {
            Answered::First | Answered::Following | Answered::Fee | Answered::FirstFee | Answered::FollowingFee => {
                part.length == AMOUNT
            }
            Answered::Currency => part.length == CURRENCY,
            Answered::Unused => (1..=999).contains(&part.length),
        });
        let needed = [Answered::First, Answered::Following];
        let others = [Answered::Fee, Answered::FirstFee, Answered::FollowingFee, Answered::Currency];
        let each_once = needed.iter().all(|part| once(&answered, *part) == Some(true))
            && others.iter().all(|part| once(&answered, *part) != Some(false))
            && answered.contains(&Answered::FirstFee) == answered.contains(&Answered::FollowingFee);
        if !answered_right || !each_once {
            let problem = "amounts have twelve digits and a currency three; first and following are there, first_fee and \
                           following_fee together, none of them twice";
            return wrong("instalments.answer", problem);
        }
        let room = layout.field(self.field).and_then(|field| match (field.content, field.length) {
            (Content::Bytes, Length::Prefixed(prefix)) => Some(prefix.max),
            _ => None,
        });
        let (request, answer) = self.lengths();
        if room.is_none_or(|room| room < request.max(answer)) {
            return wrong("instalments.field", "it is a field of bytes of any length that has room for both");
        }
        Ok(())
    }
}

/// Whether something is there once; nothing, where it is not there.
fn once<T: PartialEq>(all: &[T], one: T) -> Option<bool> {
    match all.iter().filter(|other| **other == one).count() {
        0 => None,
        count => Some(count == 1),
    }
}

#[cfg(test)]
mod tests {
    use crate::iso8583::Dialect;
    use crate::iso8583::dialect::SHIPPED;

    #[test]
    fn what_could_not_be_written_read_or_told_from_a_sale_at_once_is_refused() {
        let shipped = SHIPPED[0].1;
        let rules = Dialect::parse(shipped).unwrap().instalments.unwrap();
        assert_eq!((rules.condition.as_str(), rules.field, rules.lengths()), ("64", 62, (32, 75)));
        for (from, to, key) in [
            ("condition = \"64\"", "condition = \"6\"", "instalments.condition"),
            ("condition = \"64\"", "condition = \"00\"", "instalments.condition"),
            ("refused = [\"57\", \"58\"]", "refused = [\"570\"]", "instalments.refused"),
            ("field = 62\nrefused", "field = 61\nrefused", "instalments.field"),
            ("{ part = \"periods\", length = 2 }", "{ part = \"periods\", length = 3 }", "instalments.request"),
            ("{ part = \"periods\", length = 2 }", "{ part = \"programme\", length = 2 }", "instalments.request"),
            ("{ part = \"first\", length = 12 }", "{ part = \"unused\", length = 12 }", "instalments.answer"),
            ("{ part = \"first\", length = 12 }", "{ part = \"first\", length = 10 }", "instalments.answer"),
            ("{ part = \"first_fee\", length = 12 }", "{ part = \"unused\", length = 12 }", "instalments.answer"),
            ("{ part = \"currency\", length = 3 }", "{ part = \"currency\", length = 4 }", "instalments.answer"),
            ("{ part = \"unused\", length = 12 }", "{ part = \"unused\", length = 990 }", "instalments.field"),
            ("{ part = \"first\", length = 12 }", "{ part = \"last\", length = 12 }", "the message dialect"),
        ] {
            assert!(shipped.contains(from), "{from}");
            let error = Dialect::parse(&shipped.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.starts_with(key), "{to}: {error}");
        }
        let (before, rules) = shipped.split_once("[instalments]\n").unwrap();
        let behind = rules.split_once("\n[").unwrap().1;
        let without = Dialect::parse(&format!("{before}[{behind}")).unwrap();
        assert_eq!(without.instalments, None, "an acquirer may have none");
    }
}
