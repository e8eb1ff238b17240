//! Between terminal and host: message mapping and the HTTPS link.
//!
//! [`link::HttpsLink`] carries out what the payment core asks for ([`crate::payment::online`]); [`messages`] says how that
//! is written in ISO 8583, [`answers`] when an answer counts, [`device`] how the terminal names itself in it,
//! [`parameters`] how applications and CA keys are downloaded. `late` keeps approvals that come as the answer to something
//! else.

pub mod answers;
pub mod device;
pub mod enrolment;
mod late;
pub mod link;
pub mod messages;
pub mod parameters;

#[cfg(test)]
mod fixtures;
