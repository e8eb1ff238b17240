//! Endpoints to try everything without hardware: an acquirer's host, a card, a printer, a scanner, a reader of stripes, a customer's phone. They are real endpoints, not
//! mocks: the program cannot tell them from the real thing. Every key in them is for tests only and says so.

pub mod card;
pub mod host;
pub mod issuer;
pub mod printer;
pub mod receipts;
pub mod scanner;
pub mod stripe;
pub mod wallet;
