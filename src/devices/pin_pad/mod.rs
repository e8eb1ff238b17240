//! PIN pads that are part of a card reader: the cardholder types there, the reader sends VERIFY itself, and this program
//! never sees a digit.
//!
//! Such a pad belongs to the card session of its reader, so it is asked through [`super::reader::CardReader::pin_pad`].

pub mod part10;
pub mod pcsc;

use std::time::Duration;

use super::reader::ReaderError;

/// A pad that takes the PIN and sends it to the card in the clear (EMV 4.4 Book 3, 6.5.12).
pub trait PinPad {
    /// Lets the cardholder type and gives what came of it. Blocks until then; the pad's own time limit is what ends it.
    ///
    /// # Errors
    /// [`ReaderError::CardTorn`] when the card left meanwhile, [`ReaderError::CardMute`] when the reader does not come back.
    fn verify(&mut self, prompt: PadPrompt) -> Result<PadAnswer, ReaderError>;
}

/// How the pad asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadPrompt {
    /// Language of the pad's display, ISO 639.
    pub language: [u8; 2],
    /// How long the cardholder may take to begin, and again from the first key to the last.
    pub patience: Duration,
}

impl PadPrompt {
    /// The longest the pad may take by itself. The usual driver, libccid, does not pass the second limit on and waits for
    /// the reader as long as its own rule says.
    pub fn longest(&self) -> Duration {
        let by_libccid = Duration::from_secs(90).max(self.patience + Duration::from_secs(10));
        self.patience.saturating_mul(2).max(by_libccid)
    }
}

/// What came of asking at the pad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PadAnswer {
    /// A PIN was typed and sent: what the card answered to it, data and status.
    Card(Vec<u8>),
    /// Nobody typed one in time.
    TimedOut,
    /// The cardholder pressed cancel. That ends the payment; it is no wish to go on without a PIN.
    Cancelled,
    /// What was typed is shorter or longer than a PIN; nothing was sent.
    WrongLength,
    /// The pad refused to ask: it does not work, and nothing was sent.
    Broken(String),
    /// It began to ask and then failed: nobody knows whether a PIN was sent.
    Failed(String),
}
