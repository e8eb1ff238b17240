//! Between terminal and host: message mapping and the HTTPS link.
//!
//! [`link::HttpsLink`] carries out what the payment core asks for ([`crate::payment::online`]); [`messages`] says how that
//! is written in ISO 8583, [`kinds`] which message a kind of transaction is, [`answers`] when an answer counts, [`balances`] what
//! it says of an account, [`code_payments`] what it says of an order that is paid by code, [`device`] how the terminal names itself in it,
//! [`parameters`] how applications and CA keys are downloaded, [`instalments`] what of a sale that is split, [`settlement`] what is said of totals and the merchant's money, [`sign_on`] how working keys are fetched, [`signatures`] which message brings one, [`told_goods`] how what is sold is told, [`cosign`] how the host signs the
//! head of the transaction log. `late` keeps approvals
//! that come as the answer to something else. Below them [`https`] carries bytes, [`addresses`] says where to, [`held`] watches
//! an idle line and [`clock`] compares the time.

pub mod addresses;
pub mod answers;
pub mod balances;
pub mod clock;
pub mod code_payments;
pub mod cosign;
pub mod device;
pub mod dialect_file;
pub mod enrolment;
pub mod held;
mod host_link;
pub mod https;
pub mod instalments;
pub mod kinds;
mod late;
pub mod link;
pub mod messages;
pub mod parameters;
pub mod settlement;
pub mod sign_on;
pub mod signatures;
pub mod told_goods;

#[cfg(test)]
mod fixtures;
