//! How a transaction ends for the card.

use super::super::apdu::Status;
use super::super::data::CardDataError;

/// How a transaction ended for the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The card gave a TC.
    Approved,
    /// The card gave an AAC.
    Declined,
    /// The card gave an AAC because it does not offer this service (Book 3, 10.8).
    NotAccepted,
    /// The card was read for a refund. It gives an AAC, which says nothing about the refund.
    Identified,
    /// The transaction cannot go on with this card.
    Terminated(Termination),
}

impl Outcome {
    /// The word used in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::NotAccepted => "not_accepted",
            Self::Identified => "identified",
            Self::Terminated(_) => "terminated",
        }
    }
}

/// Why a transaction cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Termination {
    /// No application in common.
    #[error("no application on the card that this terminal takes")]
    NoCommonApplication,
    /// The card said `6A81` to the first SELECT.
    #[error("the card is blocked")]
    CardBlocked,
    /// The only applications in common are blocked.
    #[error("the application is blocked")]
    ApplicationBlocked,
    /// Nobody chose an application, or the cardholder did not agree to one.
    #[error("no application of the card was chosen")]
    NothingChosen,
    /// What the card says of itself cannot be.
    #[error("{0}")]
    CardData(#[from] CardDataError),
    /// A status that ends the transaction.
    #[error("the card answered {status:?} to {command}")]
    Status {
        /// Name of the command.
        command: &'static str,
        /// What the card answered.
        status: Status,
    },
    /// The card's first cryptogram is worth more than what was asked for, or of no known kind.
    #[error("the card answered with a cryptogram that was not asked for")]
    Cryptogram,
    /// An event came that does not belong to the current state: a fault of this program.
    #[error("an event came out of turn")]
    OutOfTurn,
}
