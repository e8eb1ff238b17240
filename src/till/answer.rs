//! What a till is told: how a payment stands, and how the terminal does. Nothing secret is in it, and of a card number no more than the
//! first six and the last four digits.

use serde::{Deserialize, Serialize};

use super::request::{Money, Wanted};
use super::rules::{Outcome, Standing};
use crate::link_fault::LinkFault;
use crate::wording::{Language, Reason};

/// The same sentence in every language.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Said {
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: String,
    /// English.
    pub en: String,
}

/// Why something is as it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Why {
    /// In one word; the list is that of the terminal's own reasons.
    pub kind: String,
    /// What happened.
    pub what: Said,
    /// What to do now.
    #[serde(rename = "do")]
    pub advice: Said,
    /// What is read to the help desk, where a line failed.
    pub code: Option<String>,
    /// What a technician needs, in English; may be empty.
    pub detail: String,
}

impl Why {
    /// Of a reason.
    pub fn of(reason: &Reason) -> Self {
        let (zh, en) = (reason.sentences(Language::Chinese), reason.sentences(Language::English));
        Self {
            kind: reason.kind.word().to_owned(),
            what: Said { zh: zh.what, en: en.what },
            advice: Said { zh: zh.advice, en: en.advice },
            code: reason.fault.map(LinkFault::code).map(str::to_owned),
            detail: reason.detail.clone(),
        }
    }
}

/// A card, as far as anybody may know it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Card {
    /// First six and last four digits.
    pub pan: String,
    /// What its application is called.
    pub label: String,
}

/// What is known of a payment beside how it stands. Written down with its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Facts {
    /// What it is about; of a refund of all that is left, known once it has begun.
    pub amount: Option<Money>,
    /// Batch number on the slip.
    pub batch: Option<String>,
    /// STAN on the slip.
    pub stan: Option<String>,
    /// Retrieval reference number.
    pub rrn: Option<String>,
    /// Authorisation code.
    pub auth_code: Option<String>,
    /// The host's response code.
    pub response_code: Option<String>,
    /// The card.
    pub card: Option<Card>,
    /// Why it is not done, or not known.
    pub reason: Option<Why>,
}

/// How a payment stands, as one word for a till.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// The terminal is at it.
    Running,
    /// The terminal did not take it up; it may be wanted again under the same key.
    Refused,
    /// It is over, as far as it runs.
    Over(Outcome),
}

impl PaymentState {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Refused => "refused",
            Self::Over(outcome) => outcome.word(),
        }
    }

    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Refused,
        Self::Over(Outcome::Approved),
        Self::Over(Outcome::Declined),
        Self::Over(Outcome::NotCharged),
        Self::Over(Outcome::Reversed),
        Self::Over(Outcome::Unknown),
    ];

    /// Whether it stays so.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Running | Self::Refused => false,
            Self::Over(outcome) => outcome.is_final(),
        }
    }

    /// Where the money is. What is running or not known may have moved it; nobody says "no" before that is certain.
    pub const fn money(self) -> &'static str {
        match self {
            Self::Running | Self::Over(Outcome::Unknown) => "unknown",
            Self::Over(Outcome::Approved) => "moved",
            Self::Refused | Self::Over(Outcome::Declined | Outcome::NotCharged | Outcome::Reversed) => "not_moved",
        }
    }

    /// Of what is written down, where the terminal is not at it.
    pub const fn of(standing: Standing, outcome: Outcome) -> Self {
        match standing {
            Standing::Refused => Self::Refused,
            Standing::Open | Standing::Ended => Self::Over(outcome),
        }
    }
}

/// What is told of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentAnswer {
    /// The till's key.
    pub key: String,
    /// What was wanted.
    pub kind: Wanted,
    /// [`PaymentState`].
    pub state: &'static str,
    /// It stays so.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// `moved`, `not_moved` or `unknown`.
    pub money: &'static str,
    /// What the terminal does now, where it is at it.
    pub progress: Option<&'static str>,
    /// What else is known.
    #[serde(flatten)]
    pub facts: Facts,
    /// When the key was written down (RFC 3339).
    pub accepted_at: String,
}

/// What a payment may be at, in a till's words.
pub const PROGRESS: [&str; 12] = [
    "beginning",
    "waiting_for_earlier",
    "signing_on",
    "present_card",
    "reading_card",
    "choosing_application",
    "entering_pin",
    "asking_host",
    "completing_card",
    "showing_code",
    "waiting_for_customer",
    "closing_order",
];

/// How the terminal does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusAnswer {
    /// `ready`, `busy`, `signing_on`, `reversing_earlier` or `out_of_service`.
    pub state: &'static str,
    /// A payment would be begun now.
    pub can_begin: bool,
    /// What a person should know: why it is out of service, or what waits.
    pub reason: Option<Why>,
    /// `untried`, `online`, `offline`, `host_silent` or `refused`.
    pub link: &'static str,
    /// Earlier payments of which it is not known what became of them: they are taken back before a new one begins.
    pub unknown_payments: usize,
    /// What the host is still to be told.
    pub queued: usize,
    /// Name of the shop.
    pub merchant_name: String,
    /// Acquirer's code of the merchant.
    pub merchant_code: String,
    /// The terminal's number.
    pub terminal_number: String,
    /// Currency of the keypad.
    pub currency: String,
    /// Keys, cards or host are for tests only.
    pub test: bool,
    /// Of this program.
    pub version: &'static str,
}

/// What [`StatusAnswer::state`] may be.
pub const STATUS: [&str; 5] = ["ready", "busy", "signing_on", "reversing_earlier", "out_of_service"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wording::ReasonKind;

    #[test]
    fn money_is_said_not_to_have_moved_only_when_that_is_certain() {
        for state in PaymentState::ALL {
            let said = state.money();
            let certain = state.is_final() || state == PaymentState::Refused;
            assert_eq!(said == "unknown", !certain, "{state:?}");
        }
        assert_eq!(PaymentState::Over(Outcome::Approved).money(), "moved");
        assert_eq!(PaymentState::of(Standing::Refused, Outcome::NotCharged), PaymentState::Refused);
    }

    #[test]
    fn an_answer_is_flat_and_says_everything_in_both_languages() {
        let reason = Reason::with_detail(ReasonKind::NoCard, "60 s");
        let answer = PaymentAnswer {
            key: "order-1".to_owned(),
            kind: Wanted::Sale,
            state: PaymentState::Over(Outcome::NotCharged).word(),
            is_final: true,
            money: "not_moved",
            progress: None,
            facts: Facts { reason: Some(Why::of(&reason)), ..Facts::default() },
            accepted_at: "2026-11-29T08:00:00Z".to_owned(),
        };
        let json = serde_json::to_value(&answer).unwrap();
        assert_eq!(json["final"], true);
        assert_eq!(json["reason"]["kind"], "no_card");
        assert!(json["stan"].is_null());
        for language in ["zh-CN", "en"] {
            assert!(!json["reason"]["what"][language].as_str().unwrap().is_empty());
            assert!(!json["reason"]["do"][language].as_str().unwrap().is_empty());
        }
        let stored = serde_json::to_string(&answer.facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&stored).unwrap(), answer.facts);
    }
}
