//! What customers are told on their phones. A notification is written down in the database transaction that books what it tells of,
//! and stays until it is delivered or given up; so neither a host that stops nor a provider that fails loses one.
//!
//! | state | what happens | next |
//! |---|---|---|
//! | waiting | the provider takes it | delivered |
//! | waiting | it does not: tried again after a pause that doubles, from 1 s to 5 min | waiting |
//! | waiting | the twelfth try fails | given up |
//!
//! A host that stops between the provider's word and its own note sends it once more, with the same key: the provider tells by it that it
//! is the same. [`NotificationProvider`] is who brings it to the phone: a [`webhook`], an SMS gateway ([`sms`]), or nobody but the
//! sandbox, which keeps what would be sent.

mod outbox;
mod sender;
pub mod sms;
pub mod webhook;
mod words;

use std::fmt;

pub use self::outbox::Standing;
pub(super) use self::outbox::{SCHEMA, make_phones};
pub use self::sender::RunningNotifications;
use super::books::Books;
use super::receipts;
use super::store::StoreError;
use crate::money::Amount;
use crate::payment::transaction::{Kind, Money};
use crate::reference::TraceNumber;
use crate::wording::Language;

/// What happened to a customer's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was paid.
    Paid,
    /// It came back.
    GivenBack,
    /// It was set aside.
    Held,
    /// It was let go.
    Released,
    /// What was told before does not count.
    TakenBack,
}

/// A customer's telephone number. Masks itself: it is shown with its last four digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its row.
    pub id: i64,
    /// What tells it from all others, however often it is sent.
    pub key: String,
    /// What happened.
    pub event: Event,
    /// Whom it is for.
    pub phone: Phone,
    /// In which language.
    pub language: Language,
    /// What it says.
    pub text: String,
    /// How much.
    pub amount: Amount,
    /// Name of the shop.
    pub merchant_name: String,
    /// Terminal number.
    pub terminal: String,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// Retrieval reference number.
    pub rrn: String,
    /// When it was written down, in seconds since 1970.
    pub made_at: i64,
    /// How far it is.
    pub standing: Standing,
    /// Tries so far.
    pub tries: u32,
    /// What the last one failed by.
    pub problem: Option<String>,
}

/// Who brings notifications to phones.
pub trait NotificationProvider: Send {
    /// What it is called where people read it.
    fn name(&self) -> &'static str;

    /// Hands one over. The same key once more is the same notification.
    ///
    /// # Errors
    /// When it was not taken, as far as anybody knows; it is tried again.
    fn deliver(&self, notification: &Notification) -> Result<(), DeliveryError>;
}

/// The provider of a sandbox: nobody is told, and what would be sent stays where it can be looked at.
#[derive(Clone, Copy, Debug)]
pub struct KeptHere;

/// Why a provider did not take a notification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeliveryError(pub String);

impl NotificationProvider for KeptHere {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn deliver(&self, _: &Notification) -> Result<(), DeliveryError> {
        Ok(())
    }
}

impl Event {
    const ALL: [Self; 5] = [Self::Paid, Self::GivenBack, Self::Held, Self::Released, Self::TakenBack];

    /// The word in the database, in JSON and in the file of words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::GivenBack => "given_back",
            Self::Held => "held",
            Self::Released => "released",
            Self::TakenBack => "taken_back",
        }
    }

    /// What an approved transaction of a kind is to its customer; nothing where no money moves.
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind.money() {
            Money::ToMerchant => Some(Self::Paid),
            Money::ToCustomer => Some(Self::GivenBack),
            Money::Held => Some(Self::Held),
            Money::Released => Some(Self::Released),
            Money::None => None,
        }
    }
}

impl Phone {
    /// A number as it is dialled from abroad: `+` and 7 to 15 digits (ITU-T E.164). Nothing when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Self(text.to_owned()))
    }

    /// The whole number, for who sends to it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{}", self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default())
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({self})")
    }
}

/// Whom to tell of what.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    /// Card number or name of the wallet.
    pub holder: &'a str,
    /// Terminal number.
    pub terminal: &'a str,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// How much, in minor units of CNY.
    pub minor: u64,
    /// Retrieval reference number.
    pub rrn: &'a str,
}

/// Writes down what a customer is to be told. Who has no phone here is told nothing; the same twice is once.
///
/// # Errors
/// When the database fails.
pub(super) fn queue(books: &Books<'_>, event: Event, about: &About<'_>, now: i64) -> Result<(), StoreError> {
    let Some((phone, language)) = outbox::phone_of(books, about.holder)? else { return Ok(()) };
    let merchant = receipts::merchant_name(books, about.terminal, about.trace)?.unwrap_or_default();
    let text = words::text(event, about, &merchant, language).map_err(StoreError::Row)?;
    outbox::write(books, event, about, &phone, language, &merchant, &text, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_number_shows_its_last_four_digits_alone() {
        let phone = Phone::parse("+8610000000001").unwrap();
        assert_eq!((phone.to_string(), format!("{phone:?}")), ("*0001".to_owned(), "Phone(*0001)".to_owned()));
        for text in ["", "8610000000001", "+86 100", "+123456", "+1234567890123456", "+86１00000000"] {
            assert!(Phone::parse(text).is_none(), "{text}");
        }
    }
}
