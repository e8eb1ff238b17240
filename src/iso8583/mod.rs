//! ISO 8583 message codec, driven by a dialect file. Pure.
//!
//! A [`Dialect`] is a specification as data (`assets/dialects/`); with it a [`Frame`] becomes bytes and bytes become a
//! frame. Needs nothing but the dialect; never reads past the end, never allocates more than the input announces and
//! holds, never folds one character into another. What a field *means* is not known here: that is `acquirer`.

mod binding;
pub mod dialect;
pub mod message;
mod pack;
pub mod queue_codes;
mod unpack;

pub use binding::BindingTags;
pub use dialect::{Dialect, DialectError};
pub use message::{Frame, Message, Mti};
pub use pack::PackError;
pub use queue_codes::QueueCodes;
pub use unpack::{UnpackError, UnpackProblem};
