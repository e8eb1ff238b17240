//! An engine without threads: whoever drives it says what happens when, and lets each device do its next job.
//!
//! It is the same engine ([`super::Engine`]) with the same desks for reader, link and printer; only that nothing happens by
//! itself. A device's job is done when its driver says so, and what came of it is told to the engine when its driver says
//! so: in between other things may happen, or the power may go. Dropping it is that power cut: nothing is finished.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::engine::{Core, Listener, Message};
use super::line::Line;
use super::parts::Parts;
use super::view::Intent;
use super::workers::reader::{ReaderDesk, ReaderWorker};
use super::workers::{Workers, link, printer, reader};
use crate::acquirer::link::HostLink;
use crate::devices::printer::Printer;
use crate::ledger::Ledger;
use crate::terminal::emv_files::EmvFiles;

/// What an engine gives jobs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// Cards.
    Reader,
    /// Payments, taking them back, and signing on.
    Link,
    /// Everything else that the host is asked.
    SecondLink,
    /// Slips.
    Printer,
}

/// What came of a job, in the order in which the engine has to hear it.
#[derive(Debug)]
pub struct Outcome(Vec<Message>);

/// See the module.
pub struct SteppedEngine {
    core: Core,
    reader: (Receiver<reader::Job>, ReaderDesk),
    links: [Receiver<link::Job>; 2],
    link: Arc<dyn HostLink>,
    emv_files: EmvFiles,
    slips: Receiver<printer::Job>,
    printer: Box<dyn Printer>,
    printer_patience: Duration,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Link, Self::SecondLink, Self::Printer];
}

impl SteppedEngine {
    /// Starts an engine. First it takes back what a power cut left behind.
    pub fn start(parts: Parts, listener: Box<dyn Listener>) -> Self {
        let (devices, fixed, ledger) = parts.split();
        let line = Line::new(devices.link.echo_interval());
        let (reader, jobs, desk) = ReaderWorker::without_thread(devices.reader, devices.used_card_note);
        let ((link, first), (second_link, second), (printer, slips)) = (channel(), channel(), channel());
        // Nobody watches an idle line: that it has ended is seen by the next echo.
        let (line_watch, _) = channel();
        let workers =
            Workers { reader, link, second_link, line_watch, printer, copier: None, codes: None, artist: None };
        let mut core = Core::new(fixed, ledger, line, listener, workers);
        core.begin();
        Self {
            core,
            reader: (jobs, desk),
            links: [first, second],
            link: devices.link,
            emv_files: devices.emv_files,
            slips,
            printer: devices.printer,
            printer_patience: devices.printer_patience,
        }
    }

    /// Somebody wants something.
    pub fn send(&mut self, intent: Intent) {
        self.core.go_on_with(Some(Message::Intent(intent)));
    }

    /// Nothing has happened for a while: the engine looks what is due.
    pub fn tick(&mut self) {
        self.core.go_on_with(None);
    }

    /// A device does the next job it was given; nothing, when it has none, or still waits for a card.
    pub fn work(&mut self, device: Device) -> Option<Outcome> {
        let messages = match device {
            Device::Reader => {
                let (jobs, desk) = &mut self.reader;
                let job = if desk.awaits() { None } else { jobs.try_recv().ok() };
                of_reader(desk.begin(job?))
            }
            Device::Link | Device::SecondLink => {
                let job = self.links[usize::from(device == Device::SecondLink)].try_recv().ok()?;
                vec![Message::Link(link::carry_out(job, &*self.link, &self.emv_files))]
            }
            Device::Printer => {
                let job = self.slips.try_recv().ok()?;
                let mut messages = Vec::new();
                let tell = &mut |event| messages.push(Message::Printer(event));
                let over = printer::carry_out(job, &mut *self.printer, self.printer_patience, tell);
                messages.push(Message::Printer(over));
                messages
            }
        };
        Some(Outcome(messages))
    }

    /// How long until the reader's desk looks at the card again; never, when there is nothing to see.
    pub fn until_look(&self) -> Option<Duration> {
        self.reader.1.pause()
    }

    /// The reader's desk looks at the card.
    pub fn look(&mut self) -> Outcome {
        Outcome(of_reader(self.reader.1.look(Duration::ZERO)))
    }

    /// What came of a job is told.
    pub fn hear(&mut self, outcome: Outcome) {
        for message in outcome.0 {
            self.core.go_on_with(Some(message));
        }
    }

    /// What the engine has written down.
    pub const fn ledger(&self) -> &Ledger {
        &self.core.ledger
    }
}

impl Outcome {
    /// There is nothing to be told.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn of_reader(told: Vec<reader::Told>) -> Vec<Message> {
    told.into_iter().map(|(ticket, event)| Message::Reader(ticket, event)).collect()
}
