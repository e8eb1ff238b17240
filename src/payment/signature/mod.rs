//! The cardholder's signature on the screen: who is asked for one, what counts as one, and what becomes of it (pure).
//!
//! It is asked for when the payment is approved and durable, and changes nothing about it: whatever happens here, it is paid, and its
//! slips come out. A signature that nobody gave here is given with a pen.
//!
//! | state | event | next |
//! |---|---|---|
//! | asked | done, enough ink | signed: the picture is written down, the slips are printed with it |
//! | asked | done, too little ink | asked |
//! | asked | on paper, or the screen is left for something else | on paper: the slips are printed with a line for a pen |
//! | asked | the time to sign is over | on paper |
//! | asked | the terminal stops | on paper, at its next start |
//! | signed | the host has the picture | delivered |
//! | signed | the host refuses it for the third time | given up: the slip has it all the same |

mod strokes;

use std::fmt;

pub use self::strokes::{Piece, Point, Strokes};
use super::online::{Decision, HostAnswer, LinkFailure};
use super::queue::{MIN_AGE_S, Try, Verdict};
use crate::iso8583::QueueCodes;
use crate::jbig::{self, Picture};
use crate::reference::{AuthorisationCode, Rrn, TraceNumber};

/// So many refusals of the host end an upload.
pub const MOST_REFUSALS: u32 = 3;

/// Dots across, the finest first. A picture that is longer than the host takes is drawn once more, coarser.
const WIDTHS: [u32; 6] = [384, 320, 256, 192, 128, 96];

/// How the cardholder signs a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedOn {
    /// On the screen: the slip has the picture.
    Screen,
    /// With a pen, on the slip.
    Paper,
    /// Nobody signs.
    Nothing,
}

impl SignedOn {
    /// Of a payment whose cardholder has to sign, or has not, and whose signature is here, or is not.
    pub const fn of(is_wanted: bool, is_here: bool) -> Self {
        match (is_wanted, is_here) {
            (true, true) => Self::Screen,
            (true, false) => Self::Paper,
            (false, _) => Self::Nothing,
        }
    }

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::Paper => "paper",
            Self::Nothing => "none",
        }
    }
}

/// What can happen while a signature is asked for.
#[derive(Clone, Debug)]
pub enum Event {
    /// The customer says that it is done.
    Done(Strokes),
    /// It is to be given with a pen.
    OnPaper,
    /// The screen was left for something else.
    Left,
    /// The time is over.
    TimeUp,
}

/// Why a signature is given with a pen after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyPaper {
    /// Somebody wanted it so.
    Wanted,
    /// Something else was begun.
    Left,
    /// Nobody signed in time.
    TimeUp,
    /// No picture of it is short enough for the host.
    TooLong,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is asked for as before: there is too little ink.
    StillAsked,
    /// It was given.
    Signed(Signature),
    /// The slip gets a line for a pen.
    OnPaper(WhyPaper),
}

/// What follows from an event, where the host takes pictures of so many bytes.
pub fn step(event: &Event, most_bytes: usize) -> Outcome {
    match event {
        Event::Done(strokes) if !strokes.is_enough() => Outcome::StillAsked,
        Event::Done(strokes) => {
            Signature::of(strokes, most_bytes).map_or(Outcome::OnPaper(WhyPaper::TooLong), Outcome::Signed)
        }
        Event::OnPaper => Outcome::OnPaper(WhyPaper::Wanted),
        Event::Left => Outcome::OnPaper(WhyPaper::Left),
        Event::TimeUp => Outcome::OnPaper(WhyPaper::TimeUp),
    }
}

/// A signature as it is kept, printed and uploaded: a picture in the bytes of T.82 ([`crate::jbig`]).
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    data: Vec<u8>,
    picture: Picture,
}

/// Nobody reads a signature in a log.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({:?}, {} bytes)", self.picture, self.data.len())
    }
}

impl Signature {
    /// The finest picture of strokes that has at most so many bytes; nothing where none has.
    pub fn of(strokes: &Strokes, most_bytes: usize) -> Option<Self> {
        WIDTHS.into_iter().find_map(|width| {
            let picture = strokes.drawn(width);
            let data = jbig::encode(&picture);
            (data.len() <= most_bytes).then_some(Self { data, picture })
        })
    }

    /// Reads what was kept or sent.
    ///
    /// # Errors
    /// When it is no picture.
    pub fn read(data: Vec<u8>) -> Result<Self, jbig::JbigError> {
        let picture = jbig::decode(&data)?;
        Ok(Self { data, picture })
    }

    /// In the bytes of T.82.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Its dots.
    pub const fn picture(&self) -> &Picture {
        &self.picture
    }

    /// As it stands on paper of so many dots: each of its own is a square of as many as fit.
    pub fn on_paper(&self, dots: u32) -> Picture {
        self.picture.enlarged(dots / self.picture.width().max(1))
    }
}

/// What is sent of one; the same at every try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureUpload {
    /// Batch and STAN of the payment: the upload has no number of its own.
    pub trace: TraceNumber,
    /// Field 37 of the payment.
    pub rrn: Option<Rrn>,
    /// Field 38 of the payment.
    pub authorisation_code: Option<AuthorisationCode>,
    /// The picture.
    pub signature: Signature,
}

/// Judges a try to upload one, after so many refusals. A refusal for good is given up at the third time, since a host that does not take
/// it would not take it for ever either, and neither the payment nor a settlement is to wait for that. Silence is tried as long as
/// with everything else.
pub fn judge(result: &Result<HostAnswer, LinkFailure>, this: Try, refusals: u32, codes: &QueueCodes) -> Verdict {
    let used_up = this.counted + 1 >= this.most && this.age_s >= MIN_AGE_S;
    match result {
        Ok(answer) if is_taken(answer, codes) => Verdict::Done,
        Err(LinkFailure::NeverSent(_)) => Verdict::TryAgain,
        Ok(_) | Err(_) if !this.due => Verdict::TryAgain,
        Ok(answer) if is_refusal(answer) && refusals + 1 >= MOST_REFUSALS => {
            Verdict::GiveUp(Some(answer.response_code.clone()))
        }
        Ok(answer) if used_up => Verdict::GiveUp(Some(answer.response_code.clone())),
        Err(_) if used_up => Verdict::GiveUp(None),
        Ok(_) | Err(_) => Verdict::TryAgainCounted,
    }
}

/// Whether an answer is a refusal that counts: keys that the two do not share say nothing of the signature.
pub fn is_refusal(answer: &HostAnswer) -> bool {
    answer.decision != Decision::Unproven
}

fn is_taken(answer: &HostAnswer, codes: &QueueCodes) -> bool {
    is_refusal(answer) && codes.advice_done.contains(answer.response_code.as_str())
}

#[cfg(test)]
mod tests;
