//! Sounds for the counter: generated tones, no recordings.

pub mod alsa;
pub mod silent;
pub mod tones;

/// A sound with a meaning. "Read" and "approved" can be told apart with closed eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// 嘟: the card has been read.
    CardRead,
    /// 叮: the host approved and the card agreed.
    Approved,
    /// Two low tones: something needs the cashier.
    Alert,
}

/// Plays tones without making anybody wait for them.
pub trait Sound: Send {
    /// Starts a tone; silence when the device is missing or busy.
    fn play(&self, tone: Tone);

    /// Whether tones can be heard, in a sentence for `yima doctor`.
    ///
    /// # Errors
    /// Why they cannot.
    fn check(&self) -> Result<String, String>;
}
