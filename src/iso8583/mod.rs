//! ISO 8583 message codec, driven by a dialect file. Pure.
//!
//! A [`Layout`] is a specification as data (`assets/dialects/`); with it a [`Frame`] becomes bytes and bytes become a frame.
//! A [`Dialect`] is a layout and what a host means by it. Needs nothing else; never reads past the end, never allocates more
//! than the input announces and holds, never folds one character into another: what is read is written back as the same
//! bytes. What a field *means* is not known here: that is `acquirer`.

mod binding;
pub mod code_payment_rules;
mod detection;
pub mod dialect;
mod encoding;
pub mod framing;
pub mod goods_rules;
pub mod instalment_rules;
pub mod layout;
mod layout_file;
pub mod masking;
pub mod message;
pub mod orders;
mod pack;
pub mod parameter_rules;
pub mod parts;
pub mod queue_codes;
pub mod settlement_rules;
pub mod sign_on_rules;
pub mod signature_rules;
pub mod transaction_rules;
mod unpack;

pub use binding::BindingTags;
pub use code_payment_rules::CodePaymentRules;
pub use dialect::{Dialect, DialectError};
pub use goods_rules::GoodsRules;
pub use instalment_rules::InstalmentRules;
pub use layout::Layout;
pub use message::{Frame, Message, Mti, Value};
pub use orders::Order;
pub use pack::PackError;
pub use queue_codes::QueueCodes;
pub use settlement_rules::SettlementRules;
pub use signature_rules::SignatureRules;
pub use unpack::{UnpackError, UnpackProblem};

#[cfg(test)]
mod tests;
