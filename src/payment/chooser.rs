//! Who chooses when a card has several applications, or one that needs the cardholder's consent (EMV 4.4 Book 1, 12.4).

use std::str::FromStr;

use crate::crypto::hex;
use crate::emv::kernel::Choice;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Chooser {
    /// The cardholder, who is asked.
    Cardholder,
    /// Nobody: the best application is taken that needs no consent.
    #[default]
    Nobody,
    /// Whoever named an application beforehand, and thereby agreed to it.
    Beforehand(Wish),
}

/// An application named before the card was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The one at this place in the card's order, counted from 1.
    Place(usize),
    /// The best one whose name on the card begins like this.
    Aid(Vec<u8>),
}

/// A text that names no application.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no application; give its place in the card's order, from 1, or its AID of 10 to 32 hexadecimal digits"
)]
pub struct NoWish(String);

/// More applications than any card has.
const MAX_PLACE: usize = 99;

impl Chooser {
    /// Which of the applications it shall be, or none of them; `None` when the cardholder is to be asked.
    pub fn choose(&self, choices: &[Choice]) -> Option<Option<usize>> {
        match self {
            Self::Cardholder => None,
            Self::Nobody => Some(choices.iter().position(|choice| !choice.needs_confirmation)),
            Self::Beforehand(wish) => Some((0..choices.len()).find(|&index| wish.is_for(index, &choices[index]))),
        }
    }

    /// Whether the only application may be used; `None` when the cardholder is to be asked.
    pub fn agrees_to(&self, choice: &Choice) -> Option<bool> {
        match self {
            Self::Cardholder => None,
            Self::Nobody => Some(false),
            Self::Beforehand(wish) => Some(wish.is_for(0, choice)),
        }
    }
}

impl Wish {
    fn is_for(&self, index: usize, choice: &Choice) -> bool {
        match self {
            Self::Place(place) => *place == index + 1,
            Self::Aid(aid) => choice.df_name.starts_with(aid),
        }
    }
}

impl FromStr for Wish {
    type Err = NoWish;

    fn from_str(text: &str) -> Result<Self, NoWish> {
        let place = text.parse().ok().filter(|place| (1..=MAX_PLACE).contains(place));
        let aid = hex::decode(text).ok().filter(|aid| (5..=16).contains(&aid.len()));
        place.map(Self::Place).or(aid.map(Self::Aid)).ok_or_else(|| NoWish(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(df_name: &str, needs_confirmation: bool) -> Choice {
        Choice { name: String::new(), df_name: hex::decode(df_name).unwrap(), needs_confirmation }
    }

    #[test]
    fn a_wish_is_a_place_or_a_name() {
        for (text, wish) in [
            ("1", Ok(Wish::Place(1))),
            ("02", Ok(Wish::Place(2))),
            ("A000000333", Ok(Wish::Aid(vec![0xA0, 0, 0, 3, 0x33]))),
            ("a000000333010102", Ok(Wish::Aid(vec![0xA0, 0, 0, 3, 0x33, 1, 1, 2]))),
            ("0", Err(NoWish("0".to_owned()))),
            ("100", Err(NoWish("100".to_owned()))),
            ("A0000003", Err(NoWish("A0000003".to_owned()))),
            ("credit", Err(NoWish("credit".to_owned()))),
            ("", Err(NoWish(String::new()))),
        ] {
            assert_eq!(text.parse(), wish, "{text:?}");
        }
    }

    #[test]
    fn consent_is_the_cardholders_or_of_who_named_the_application() {
        let choices = [choice("A000000333010101", true), choice("A000000333010102", false)];
        let wish = |text: &str| Chooser::Beforehand(text.parse().unwrap());
        for (chooser, chosen, agreed) in [
            (Chooser::Cardholder, None, None),
            (Chooser::Nobody, Some(Some(1)), Some(false)),
            (wish("1"), Some(Some(0)), Some(true)),
            (wish("2"), Some(Some(1)), Some(false)),
            (wish("3"), Some(None), Some(false)),
            (wish("A000000333"), Some(Some(0)), Some(true)),
            (wish("A000000333010102"), Some(Some(1)), Some(false)),
            (wish("A000000999"), Some(None), Some(false)),
        ] {
            assert_eq!(chooser.choose(&choices), chosen, "{chooser:?}");
            assert_eq!(chooser.agrees_to(&choices[0]), agreed, "{chooser:?}");
        }
        assert_eq!(Chooser::Nobody.choose(&choices[..1]), Some(None));
    }
}
