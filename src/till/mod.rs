//! What a till and the terminal say to each other, and what an idempotency key may do: pure.
//!
//! A till is the shop's own program: it knows the order, the terminal knows the payment. What both have in common is the key that the
//! till gives each payment. The rules of keys are in [`rules`]; what stands in requests and answers in [`request`] and [`answer`], what
//! is said when something is refused in [`problem`]. Who keeps the keys is `till_keys`, who speaks HTTP is `till_server`.

pub mod answer;
pub mod name;
pub mod problem;
pub mod request;
pub mod rules;

pub use name::{IdempotencyKey, NameError, TillName};
