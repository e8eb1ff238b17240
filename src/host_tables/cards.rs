//! Cards by their numbers: whose they are, and whether the acquirer takes them.

use serde::{Deserialize, Serialize};

use super::{HostTablesError, NO_TEXT, is_text, wrong};

/// The most digits that a beginning has.
const LONGEST: usize = 12;

/// With the end of a number beside it, a beginning has no more digits than this: more would be most of a card number, which no
/// file of this program holds.
const LONGEST_WITH_ENDING: usize = 8;

/// Cards whose numbers begin alike, or one card by both ends of its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardRange {
    /// First digits of the number, 2 to 12.
    pub prefix: String,
    /// Its last four digits, where not all cards that begin so are meant; the beginning has then 8 digits at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<String>,
    /// The bank.
    pub bank: String,
    /// What kind of card.
    pub kind: CardKind,
    /// The acquirer does not take it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

/// What kind of card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CardKind {
    /// Neither, or not known.
    Other,
    /// Pays from an account.
    Debit,
    /// Pays on credit.
    Credit,
}

impl CardKind {
    /// All of them, in the order of their codes on the wire, from 0.
    pub const ALL: [Self; 3] = [Self::Other, Self::Debit, Self::Credit];
}

impl CardRange {
    /// What it is called where people read it. Of a beginning that is more than one, no more than of a card number is shown.
    pub fn name(&self) -> String {
        let shown = match self.prefix.len() > LONGEST {
            true => format!("{}...", self.prefix.chars().take(6).collect::<String>()),
            false => self.prefix.clone(),
        };
        match &self.ending {
            Some(ending) => format!("card {shown}...{ending}"),
            None => format!("card {shown}"),
        }
    }

    pub(super) fn holds(&self, number: &str) -> bool {
        number.starts_with(&self.prefix) && self.ending.as_ref().is_none_or(|ending| number.ends_with(ending.as_str()))
    }

    /// How closely it says which cards it means.
    pub(super) fn precision(&self) -> (bool, usize) {
        (self.ending.is_some(), self.prefix.len())
    }

    pub(super) fn check(&self) -> Result<(), HostTablesError> {
        let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        if !(2..=LONGEST).contains(&self.prefix.len()) || !digits(&self.prefix) {
            return wrong(self.name(), "a beginning has 2 to 12 digits");
        }
        if let Some(ending) = &self.ending
            && (ending.len() != 4 || !digits(ending) || self.prefix.len() > LONGEST_WITH_ENDING)
        {
            return wrong(self.name(), "an end has four digits, and the beginning with it 8 at most");
        }
        if is_text(&self.bank) { Ok(()) } else { wrong(self.name(), NO_TEXT) }
    }
}
