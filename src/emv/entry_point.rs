//! Entry point: what begins a transaction on which interface, and which kernel runs it.
//!
//! | interface | what begins it | who chooses the application | kernel |
//! |---|---|---|---|
//! | contact | a card is in and powered | the kernel, from PSE or list (Book 1, 12) | [`Kernel`] |
//!
//! The payment core drives a [`CardTransaction`] and does not know which kernel is behind it. A contactless interface
//! (EMV Contactless Book A and B) is a second [`Interface`]: its entry point lights the field once the amount is known,
//! makes the list of combinations from the PPSE, and hands the final SELECT to the kernel that 9F2A names. Each of those
//! kernels speaks the same events and steps.

use std::fmt::Debug;

use super::cvm::Verification;
use super::data::DataObjects;
use super::kernel::{Event, Kernel, Step, TransactionData};
use super::results::{Tsi, Tvr};
use super::terminal::TerminalData;

/// How a card talks to the terminal. Matches have no `_`: another one makes every place that must know it speak up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// Through its contacts (ISO/IEC 7816).
    Contact,
}

/// A transaction with a card, whichever kernel runs it. Pure: events in, steps out, nothing in between.
pub trait CardTransaction: Debug + Send {
    /// Takes what happened, gives what to do next. After [`Step::Done`] nothing more comes.
    fn step(&mut self, event: Event) -> Step;

    /// The card left: what the issuer is still told of its scripts is put in place. No step follows.
    fn card_lost(&mut self);

    /// The data objects of card and terminal.
    fn data(&self) -> &DataObjects;

    /// The results so far.
    fn tvr(&self) -> Tvr;

    /// The steps performed so far.
    fn tsi(&self) -> Tsi;

    /// How the cardholder was verified.
    fn verification(&self) -> Verification;

    /// True from the moment the card has said all it has to say before its first cryptogram, until its last word.
    fn card_is_read(&self) -> bool;

    /// The selected application's name for people; empty when it has none.
    fn application_label(&self) -> &str;

    /// The language to speak to the cardholder, ISO 639.
    fn language(&self) -> Option<[u8; 2]>;

    /// The same once more, for a test that goes on from here in several ways. What holds a PIN is copied nowhere else.
    #[cfg(test)]
    fn copied(&self) -> Box<dyn CardTransaction>;
}

#[cfg(test)]
impl Clone for Box<dyn CardTransaction> {
    fn clone(&self) -> Self {
        self.as_ref().copied()
    }
}

/// The transaction for a card on this interface; it begins with [`Event::Start`].
pub fn transaction(
    interface: Interface,
    terminal: TerminalData,
    transaction: &TransactionData,
) -> Box<dyn CardTransaction> {
    match interface {
        Interface::Contact => Box::new(Kernel::new(terminal, transaction)),
    }
}

/// The contact kernel.
impl CardTransaction for Kernel {
    fn step(&mut self, event: Event) -> Step {
        self.step(event)
    }

    fn card_lost(&mut self) {
        self.card_lost();
    }

    fn data(&self) -> &DataObjects {
        self.data()
    }

    fn tvr(&self) -> Tvr {
        self.tvr()
    }

    fn tsi(&self) -> Tsi {
        self.tsi()
    }

    fn verification(&self) -> Verification {
        self.verification()
    }

    fn card_is_read(&self) -> bool {
        self.card_is_read()
    }

    fn application_label(&self) -> &str {
        self.application_label()
    }

    fn language(&self) -> Option<[u8; 2]> {
        self.language()
    }

    #[cfg(test)]
    fn copied(&self) -> Box<dyn CardTransaction> {
        Box::new(self.clone())
    }
}
