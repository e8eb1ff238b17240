//! A reader's own PIN pad that asks on after the cashier has left the payment: whoever comes next is warned.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "queue/terminal.rs"]
mod terminal;
#[path = "support/watching.rs"]
mod watching;

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use terminal::Terminal;
use yima::app::view::{Intent, PinPlace, Screen, View};
use yima::app::{Ending, Parts};
use yima::devices::pin_pad::{PadAnswer, PadPrompt, PinPad};
use yima::devices::reader::{CardReader, ReaderError};
use yima::money::{Amount, Currency};
use yima::wording::ReasonKind;

/// A reader with a pad that answers when the test says so.
struct Padded {
    reader: Box<dyn CardReader>,
    pad: Pad,
}

struct Pad(Receiver<PadAnswer>);

impl PinPad for Pad {
    fn verify(&mut self, _: PadPrompt) -> Result<PadAnswer, ReaderError> {
        self.0.recv().map_err(|error| ReaderError::Failed(error.to_string()))
    }
}

impl CardReader for Padded {
    fn name(&self) -> String {
        self.reader.name()
    }

    fn check(&mut self) -> Result<(), ReaderError> {
        self.reader.check()
    }

    fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
        self.reader.wait_for_card(timeout)
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.reader.transmit(command)
    }

    fn pin_pad(&mut self) -> Option<&mut dyn PinPad> {
        Some(&mut self.pad)
    }

    fn card_is_in(&mut self) -> Result<bool, ReaderError> {
        self.reader.card_is_in()
    }

    fn release(&mut self) {
        self.reader.release();
    }

    fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError> {
        self.reader.wait_for_removal(timeout)
    }
}

fn notice(view: &View) -> Option<Option<ReasonKind>> {
    match &view.screen {
        Screen::PresentCard { notice, .. } => Some(notice.as_ref().map(|reason| reason.kind)),
        _ => None,
    }
}

fn asks_at_the_reader(view: &View) -> bool {
    matches!(view.screen, Screen::EnterPin { place: PinPlace::Reader, .. })
}

#[test]
fn the_next_customer_is_warned_until_the_pad_has_finished() {
    let (answers, heard) = channel();
    let terminal = Terminal::new();
    let mut running = terminal.start_with("cvm-plaintext-pin", |parts| Parts {
        reader: Box::new(Padded { reader: parts.reader, pad: Pad(heard) }),
        ..parts
    });
    let charge = || Intent::Charge(Amount::parse("12.34", Currency::CNY).unwrap());
    running.wish(charge());
    running.until("the PIN", asks_at_the_reader);
    running.wish(Intent::Cancel);
    assert_eq!(running.report().reason.unwrap().kind, ReasonKind::Cancelled);
    running.until("the keypad", |view| matches!(view.screen, Screen::Keypad { .. }));
    running.wish(charge());
    running.until("the warning", |view| notice(view) == Some(Some(ReasonKind::PadBusy)));
    // Leaving that one, too, changes nothing about the pad.
    running.wish(Intent::Cancel);
    running.until("the keypad", |view| matches!(view.screen, Screen::Keypad { .. }));
    assert_eq!(running.report().reason.unwrap().kind, ReasonKind::Cancelled);
    running.wish(charge());
    running.until("the warning", |view| notice(view) == Some(Some(ReasonKind::PadBusy)));
    answers.send(PadAnswer::Cancelled).unwrap();
    // What was pressed there belonged to the payment before: this one goes on.
    running.until("the PIN", asks_at_the_reader);
    answers.send(PadAnswer::TimedOut).unwrap();
    let report = running.report();
    assert_eq!((report.ending, report.reason.unwrap().kind), (Ending::Error, ReasonKind::PinTimedOut));
    running.wish(Intent::NextCustomer);
    running.wish(charge());
    let view = running.until("a card", |view| notice(view).is_some() || asks_at_the_reader(view));
    assert!(notice(&view).flatten().is_none(), "the pad has finished");
    answers.send(PadAnswer::Cancelled).unwrap();
}
