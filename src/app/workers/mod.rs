//! One thread for each device that can block: it takes jobs, does them one after the other and sends events to the engine.

pub mod artist;
pub mod codes;
pub mod copier;
pub mod link;
pub mod printer;
pub mod reader;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::acquirer::link::HostLink;
use crate::devices::printer::Printer;
use crate::devices::reader::CardReader;
use crate::terminal::emv_files::EmvFiles;

/// What workers work with.
pub struct Devices {
    /// The card reader.
    pub reader: Box<dyn CardReader>,
    /// A file that is there while a card which has been in a sale is in the reader.
    pub used_card_note: PathBuf,
    /// The printer.
    pub printer: Box<dyn Printer>,
    /// How long a slip waits for paper.
    pub printer_patience: Duration,
    /// The way to the host.
    pub link: Arc<dyn HostLink>,
    /// Where data that the host sends are kept.
    pub emv_files: EmvFiles,
}

/// Where an engine hands its jobs over.
pub struct Workers {
    /// Cards.
    pub reader: reader::ReaderWorker,
    /// Payments, and taking them back.
    pub link: Sender<link::Job>,
    /// Looking for the host, telling it of payments that are over and fetching terminal data: a payment never waits behind
    /// them.
    pub second_link: Sender<link::Job>,
    /// Held as long as the idle line is watched.
    pub line_watch: Sender<Infallible>,
    /// Slips.
    pub printer: Sender<printer::Job>,
    /// Copies of the ledger; where there is no thread for them, none are made while the engine runs.
    pub copier: Option<Sender<copier::Job>>,
    /// Codes of people; where there is no thread for them, the engine looks at them itself.
    pub codes: Option<Sender<codes::Job>>,
    /// Slips on the screen; where there is no thread for them, the engine draws.
    pub artist: Option<Sender<artist::Job>>,
}

/// Starts a worker thread; it ends when the sender of jobs is dropped.
fn start<J: Send + 'static>(name: &str, work: impl FnOnce(Receiver<J>) + Send + 'static) -> std::io::Result<Sender<J>> {
    let (jobs, receiver) = channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || work(receiver))?;
    Ok(jobs)
}
