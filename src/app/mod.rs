//! The shell: owns the devices, runs the payment core, carries out its effects in order, and tells the screen what to show.
//!
//! One engine thread decides the order of things; reader, printer and host each have a thread of their own, so that nobody
//! waits for a device but its own worker. All of them talk by messages.

pub mod attending;
mod binding;
mod books;
mod by_code;
mod cash;
pub mod cash_view;
mod charging;
mod choosing;
mod comparing;
mod concluding;
mod copying;
mod detail;
mod effects;
mod engine;
pub mod enrolment;
mod events;
pub mod goods;
mod line;
pub mod log;
mod orders;
pub mod parameters;
mod parts;
mod pin_again;
mod pin_entry;
mod printing;
mod queue;
mod queue_view;
pub mod reconciling;
mod repeats;
mod report;
mod reversals;
mod running;
mod scanning;
mod settlement_desk;
mod settlement_slips;
pub mod settlement_view;
pub mod settling;
mod setup;
mod shop;
pub mod shop_view;
mod showing;
pub mod sign_on;
mod slips;
mod slips_of_the_queue;
mod staff;
pub mod staff_view;
mod stepped;
mod till;
pub mod view;
mod witness;
mod workers;

pub use by_code::CodeSetup;
pub use engine::{Engine, Intents, Listener};
pub use line::CLOCK_TOLERANCE;
pub use parts::{EngineLock, Parts};
pub use report::{CopyReport, Ending, SaleReport};
pub use settling::SettlementPlan;
pub use setup::{Setup, SetupError};
pub use shop::ShopSetup;
pub use slips::DuplicateError;
pub use staff::{Attendant, StaffSetup};
pub use stepped::{Device, Outcome, SteppedEngine};
pub use till::{TillEvent, TillIntent};
