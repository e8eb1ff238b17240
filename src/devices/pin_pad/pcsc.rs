//! The pad of a PC/SC reader that offers FEATURE_VERIFY_PIN_DIRECT (PC/SC part 10).
//!
//! Needs a connection to the reader; runs on the thread that owns it.

use ::pcsc::{Card, Error, MAX_BUFFER_SIZE, ctl_code};

use super::part10::{Features, GET_FEATURE_REQUEST, PinLength, read_answer, verify_structure};
use super::{PadAnswer, PadPrompt};

/// A pad that a reader said it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcscPad {
    verify: u32,
    length: PinLength,
}

impl PcscPad {
    /// Asks the reader; `None` when it has no pad, or one this terminal cannot use.
    pub fn of(reader: &Card) -> Option<Self> {
        let mut buffer = [0; MAX_BUFFER_SIZE];
        // A driver that knows no features answers with an error: most readers have no pad.
        let list = reader.control(ctl_code(GET_FEATURE_REQUEST.into()), &[], &mut buffer).ok()?;
        let features =
            Features::read(list).inspect_err(|error| tracing::warn!(%error, "the reader's pad is not used")).ok()?;
        let verify = features.verify_pin_direct?;
        let properties = features.properties.and_then(|code| reader.control(code.into(), &[], &mut buffer).ok());
        let length = properties.map_or(Ok(PinLength::ANY), PinLength::read).unwrap_or_else(|error| {
            tracing::warn!(%error, "the pad's own limits are not known");
            PinLength::ANY
        });
        Some(Self { verify, length })
    }

    /// Lets the pad take the PIN and send it.
    ///
    /// # Errors
    /// When the reader gave none of part 10's answers.
    pub fn verify(&self, reader: &Card, prompt: PadPrompt) -> Result<PadAnswer, Error> {
        let mut buffer = [0; MAX_BUFFER_SIZE];
        let answer = reader.control(self.verify.into(), &verify_structure(prompt, self.length), &mut buffer)?;
        Ok(read_answer(answer.to_vec()))
    }
}
