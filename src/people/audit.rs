//! What is written down of people: each deed once, and never changed. No code is ever in it.

use jiff::civil::DateTime;

use super::{PersonNumber, Right};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Somebody signed on.
    SignedOn,
    /// Somebody signed off.
    SignedOff,
    /// A code was wrong.
    WrongCode,
    /// A code came while it was not looked at, or the person is disabled, locked out, has none or is nobody.
    TurnedAway,
    /// One wrong code too many.
    LockedOut,
    /// The screen was locked.
    ScreenLocked,
    /// It was unlocked.
    ScreenUnlocked,
    /// A manager's code was asked for.
    RightAsked,
    /// A manager gave the right, for once.
    RightGiven,
    /// Nobody gave it.
    RightRefused,
    /// Somebody was added.
    Added,
    /// Somebody got a code.
    CodeGiven,
    /// Somebody was disabled.
    Disabled,
    /// Somebody was enabled again.
    Enabled,
    /// Somebody is called otherwise from now on.
    Named,
    /// A shift was opened.
    ShiftOpened,
    /// Cash was put in or taken out.
    CashMoved,
    /// The drawer was counted, and the shift closed.
    DrawerCounted,
    /// The drawer was opened without a sale.
    DrawerOpened,
    /// How the terminal is set up was changed, goods and tills among it.
    SettingsChanged,
}

/// Where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the touchscreen.
    Screen,
    /// By command.
    Command,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Local time.
    pub at: DateTime,
    /// Where.
    pub place: Place,
    /// What happened.
    pub deed: Deed,
    /// Whom it is about; nobody, where nobody had signed on.
    pub person: Option<PersonNumber>,
    /// Who did it or gave it, where that is somebody else.
    pub by: Option<PersonNumber>,
    /// Which right.
    pub right: Option<Right>,
    /// More, for whoever looks into it. Never a code.
    pub detail: String,
}

impl AuditEntry {
    /// An entry with nothing but what is always there.
    pub fn new(at: DateTime, place: Place, deed: Deed, person: Option<PersonNumber>) -> Self {
        Self { at, place, deed, person, by: None, right: None, detail: String::new() }
    }

    /// The same, by somebody else.
    #[must_use]
    pub fn by(self, by: Option<PersonNumber>) -> Self {
        Self { by: by.filter(|by| Some(*by) != self.person), ..self }
    }

    /// The same, about a right.
    #[must_use]
    pub fn about(self, right: Right) -> Self {
        Self { right: Some(right), ..self }
    }

    /// The same with more.
    #[must_use]
    pub fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::SignedOn,
        Self::SignedOff,
        Self::WrongCode,
        Self::TurnedAway,
        Self::LockedOut,
        Self::ScreenLocked,
        Self::ScreenUnlocked,
        Self::RightAsked,
        Self::RightGiven,
        Self::RightRefused,
        Self::Added,
        Self::CodeGiven,
        Self::Disabled,
        Self::Enabled,
        Self::Named,
        Self::ShiftOpened,
        Self::CashMoved,
        Self::DrawerCounted,
        Self::DrawerOpened,
        Self::SettingsChanged,
    ];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignedOn => "signed_on",
            Self::SignedOff => "signed_off",
            Self::WrongCode => "wrong_code",
            Self::TurnedAway => "turned_away",
            Self::LockedOut => "locked_out",
            Self::ScreenLocked => "screen_locked",
            Self::ScreenUnlocked => "screen_unlocked",
            Self::RightAsked => "right_asked",
            Self::RightGiven => "right_given",
            Self::RightRefused => "right_refused",
            Self::Added => "added",
            Self::CodeGiven => "code_given",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Named => "named",
            Self::ShiftOpened => "shift_opened",
            Self::CashMoved => "cash_moved",
            Self::DrawerCounted => "drawer_counted",
            Self::DrawerOpened => "drawer_opened",
            Self::SettingsChanged => "settings_changed",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.word() == word)
    }
}

impl Place {
    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Command => "command",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Screen, Self::Command].into_iter().find(|place| place.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for deed in Deed::ALL {
            assert_eq!(Deed::from_word(deed.word()), Some(deed));
        }
        assert_eq!(Place::from_word("screen"), Some(Place::Screen));
        assert_eq!((Deed::from_word("x"), Place::from_word("x")), (None, None));
    }

    #[test]
    fn who_does_something_for_oneself_is_named_once() {
        let (one, other) = (PersonNumber::new(1).ok(), PersonNumber::new(99).ok());
        let entry =
            AuditEntry::new(jiff::civil::date(2026, 11, 29).at(8, 0, 0, 0), Place::Screen, Deed::CodeGiven, one);
        assert_eq!((entry.clone().by(one).by, entry.by(other).by), (None, other));
    }
}
