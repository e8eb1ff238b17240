//! The people at a terminal: who they are, what each may do, and the codes by which they are known. Decides; keeps and asks nothing.
//!
//! A terminal need have none: then nobody signs on, and everybody may do everything, as a small shop wants it. Which numbers are
//! managers', and what a role may do, is data (`assets/people.toml`).

mod audit;
mod code;
mod rights;
mod roster;
mod rules;
mod shift;
mod tries;

pub use audit::{AuditEntry, Deed, Place};
pub use code::{Code, CodeError, CodeKey, KeptCode, PURPOSE};
pub use rights::{Judgement, Right, judge};
pub use roster::{NotAllowed, Person, Roster, TurnedAway, check_name};
pub use shift::{Closing, Movement, Shift, ShiftError};
pub use tries::{LOCKED_OUT_AFTER, Moment, Tries, wait_after};

use std::fmt;

use crate::reference::ReferenceError;

/// The number of a person, 00 to 99: it stands on slips and is typed at sign-on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonNumber(u8);

/// What a person is at this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Takes payments.
    Cashier,
    /// Answers for the terminal: gives rights, codes and shifts.
    Manager,
}

impl PersonNumber {
    /// # Errors
    /// When it has more than two digits.
    pub fn new(number: u32) -> Result<Self, ReferenceError> {
        match u8::try_from(number) {
            Ok(number @ 0..=99) => Ok(Self(number)),
            _ => Err(ReferenceError { what: "number of a person", value: number.to_string() }),
        }
    }

    /// Reads one or two digits.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let digits = matches!(text.len(), 1..=2) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits).map(Self);
        number.ok_or_else(|| ReferenceError { what: "number of a person", value: text.to_owned() })
    }

    /// The number itself.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// What somebody of this number is; nothing, where the table gives it to nobody.
    pub fn role(self) -> Option<Role> {
        rules::rules().role_of(self)
    }
}

impl fmt::Display for PersonNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cashier, Self::Manager];

    /// The word in JSON and in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cashier => "cashier",
            Self::Manager => "manager",
        }
    }

    /// How many digits a code has at least.
    pub fn fewest_digits(self) -> usize {
        rules::rules().fewest_digits(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_two_digits_and_says_who_is_a_manager() {
        for (text, shown, role) in [
            ("0", "00", Role::Manager),
            ("00", "00", Role::Manager),
            ("1", "01", Role::Cashier),
            ("98", "98", Role::Cashier),
            ("99", "99", Role::Manager),
        ] {
            let number = PersonNumber::parse(text).unwrap();
            assert_eq!((number.to_string().as_str(), number.role()), (shown, Some(role)));
        }
        for wrong in ["", "100", "-1", "+1", "a", "1 ", "001"] {
            assert!(PersonNumber::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(PersonNumber::new(100).is_err());
        assert_eq!(PersonNumber::new(7).unwrap().number(), 7);
    }
}
