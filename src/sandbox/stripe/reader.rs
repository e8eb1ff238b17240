//! A reader of stripes to try everything without one: a pty that says what is on a card, as a reader on a serial line does.

use std::path::{Path, PathBuf};

use super::StripeCard;
use crate::crypto::CryptoError;
use crate::sandbox::scanner::{SandboxScanner, ScannerError};

/// See the module. It is pulled out when it is dropped.
#[derive(Debug)]
pub struct SandboxStripeReader(SandboxScanner);

/// Why a card is not swiped.
#[derive(Debug, thiserror::Error)]
pub enum SwipeError {
    /// The line.
    #[error(transparent)]
    Line(#[from] ScannerError),
    /// The stripe.
    #[error("the card's stripe cannot be made: {0}")]
    Stripe(#[from] CryptoError),
}

impl SandboxStripeReader {
    /// A reader under a name that stays, plugged in.
    ///
    /// # Errors
    /// [`ScannerError`].
    pub fn plugged_in(link: impl Into<PathBuf>) -> Result<Self, ScannerError> {
        SandboxScanner::plugged_in(link).map(Self)
    }

    /// The device to listen to.
    pub fn device(&self) -> &Path {
        self.0.device()
    }

    /// Puts it back.
    ///
    /// # Errors
    /// [`ScannerError`].
    pub fn plug_in(&mut self) -> Result<(), ScannerError> {
        self.0.plug_in()
    }

    /// Pulls it out.
    pub fn pull_out(&mut self) {
        self.0.pull_out();
    }

    /// Swipes a card.
    ///
    /// # Errors
    /// When its stripe cannot be made, or the reader is pulled out.
    pub fn swipe(&mut self, card: &StripeCard) -> Result<(), SwipeError> {
        Ok(self.send(&card.tracks()?)?)
    }

    /// Says this, whatever it is, and the end of a line.
    ///
    /// # Errors
    /// When it is pulled out, or it does not get through.
    pub fn send(&mut self, text: &str) -> Result<(), ScannerError> {
        self.0.scan(text)
    }
}
