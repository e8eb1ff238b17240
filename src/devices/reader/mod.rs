//! Card readers.

pub mod pcsc;
pub mod transport;
pub mod watchdog;

use std::time::Duration;

use super::pin_pad::PinPad;

/// What a reader can do for the payment core. Calls may block up to the time they are given; the reader therefore runs
/// on a thread of its own and the rest of the program never waits for it without a limit.
pub trait CardReader: Send {
    /// The reader's name as the system knows it, for `yima doctor`.
    fn name(&self) -> String;

    /// Whether the reader is there and ready, without touching a card.
    ///
    /// # Errors
    /// When the service or the reader is missing.
    fn check(&mut self) -> Result<(), ReaderError>;

    /// Waits up to `timeout` for a card, powers it and gives its answer to reset; `None` when none came.
    ///
    /// # Errors
    /// When the reader failed, or a card is in but does not answer.
    fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ReaderError>;

    /// Sends one command APDU and gives the whole answer: data and the two status bytes. `61xx` and `6Cxx` are already
    /// dealt with here, where the transport protocol is known.
    ///
    /// # Errors
    /// [`ReaderError::CardTorn`] when the card left, [`ReaderError::CardMute`] when it did not answer in time.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError>;

    /// The reader's own PIN pad; nothing when it has none. Known once the reader was checked or a card is in.
    fn pin_pad(&mut self) -> Option<&mut dyn PinPad> {
        None
    }

    /// Whether the card is still in, without a word to it and without ending the session with it.
    ///
    /// # Errors
    /// When the reader failed.
    fn card_is_in(&mut self) -> Result<bool, ReaderError>;

    /// Ends the session: the card is powered down and may be taken.
    fn release(&mut self);

    /// Waits up to `timeout` until no card is in; true when it is gone.
    ///
    /// # Errors
    /// When the reader failed.
    fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError>;
}

/// Why a reader or a card did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// No smart card service.
    #[error("the smart card service does not answer ({0}); start it with: systemctl start pcscd")]
    NoService(String),
    /// No reader, or not the configured one.
    #[error("no card reader found{0}; plug it in or correct reader.name in the settings")]
    NoReader(String),
    /// The card left the reader in the middle of a command.
    #[error("the card was taken out while it was being read; insert it again and leave it in until the end")]
    CardTorn,
    /// The card is in but does not answer.
    #[error("the card does not answer; take it out, look whether it is the right way round, and try again")]
    CardMute,
    /// The reader gave an error of its own.
    #[error("the card reader failed: {0}")]
    Failed(String),
}
