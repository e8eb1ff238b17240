//! What stands on the counter beside the terminal: the reader with the customers' cards, and the printer.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use yima::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use yima::devices::reader::transport::exchange;
use yima::devices::reader::{CardReader, ReaderError};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::keys::CardKeys;
use yima::sandbox::card::memory::Memory;
use yima::sandbox::card::profile::CardProfile;

use crate::plan::{CardFault, OnPaper, Part, Plan};
use crate::trace::Trace;

/// The slot of the reader, and all cards of the customers.
#[derive(Clone)]
pub struct Slot(Arc<Mutex<Cards>>);

struct Cards {
    keys: CardKeys,
    cards: HashMap<&'static str, SandboxCard>,
    inserted: Option<Inserted>,
    trace: Trace,
}

struct Inserted {
    card: &'static str,
    commands: u32,
    fault: Option<CardFault>,
    silent: bool,
}

impl Slot {
    pub fn new(keys: CardKeys, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(Cards { keys, cards: HashMap::new(), inserted: None, trace })))
    }

    pub fn insert(&self, card: &'static str, fault: Option<CardFault>) {
        let slot = &mut *self.0.lock().unwrap();
        slot.trace.note(format_args!("{card} is inserted"));
        let keys = &slot.keys;
        slot.cards.entry(card).or_insert_with(|| {
            SandboxCard::new(&CardProfile::shipped(card).unwrap(), keys, |_| Ok(Memory::volatile())).unwrap()
        });
        slot.inserted = Some(Inserted { card, commands: 0, fault, silent: false });
    }

    pub fn remove(&self) {
        let slot = &mut *self.0.lock().unwrap();
        if slot.inserted.take().is_some() {
            slot.trace.note(format_args!("the card is taken out"));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap().inserted.is_none()
    }
}

impl Cards {
    fn command(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let Some(inserted) = &mut self.inserted else { return Err(ReaderError::CardTorn) };
        if inserted.silent {
            return Err(ReaderError::CardMute);
        }
        let Some(card) = self.cards.get_mut(inserted.card) else { return Err(ReaderError::CardTorn) };
        inserted.commands += 1;
        let fault = inserted.fault.filter(|fault| fault.at == inserted.commands);
        if fault.is_none_or(|fault| fault.done) {
            let answer = card.transmit(command);
            if fault.is_none() {
                return Ok(answer);
            }
        }
        inserted.fault = None;
        if fault.is_some_and(|fault| fault.mute) {
            inserted.silent = true;
            self.trace.note(format_args!("the card falls silent"));
            return Err(ReaderError::CardMute);
        }
        self.inserted = None;
        self.trace.note(format_args!("the card is torn out"));
        Err(ReaderError::CardTorn)
    }
}

impl CardReader for Slot {
    fn name(&self) -> String {
        "simulated reader".to_owned()
    }

    fn check(&mut self) -> Result<(), ReaderError> {
        Ok(())
    }

    fn wait_for_card(&mut self, _: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
        let slot = &mut *self.0.lock().unwrap();
        let Some(inserted) = &mut slot.inserted else { return Ok(None) };
        inserted.commands = 0;
        Ok(slot.cards.get_mut(inserted.card).map(|card| card.power_on().to_vec()))
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        let slot = &mut *self.0.lock().unwrap();
        let protocol = match &slot.inserted {
            Some(inserted) => slot.cards[inserted.card].protocol(),
            None => return Err(ReaderError::CardTorn),
        };
        exchange(protocol, command, |step| slot.command(step))
    }

    fn card_is_in(&mut self) -> Result<bool, ReaderError> {
        Ok(!self.is_empty())
    }

    fn release(&mut self) {}

    fn wait_for_removal(&mut self, _: Duration) -> Result<bool, ReaderError> {
        Ok(self.is_empty())
    }
}

/// The printer.
#[derive(Clone)]
pub struct Paper(Arc<Mutex<Roll>>);

struct Roll {
    slips: u32,
    faults: BTreeMap<u32, OnPaper>,
    took: Duration,
    trace: Trace,
}

impl Paper {
    pub fn new(plan: &Plan, trace: Trace) -> Self {
        let faults = plan.parts.iter().filter_map(|part| match part {
            Part::Paper(slip, fault) => Some((*slip, *fault)),
            _ => None,
        });
        let roll = Roll { slips: 0, faults: faults.collect(), took: Duration::ZERO, trace };
        Self(Arc::new(Mutex::new(roll)))
    }

    /// How long the slips since the last question took.
    pub fn took(&self) -> Duration {
        std::mem::take(&mut self.0.lock().unwrap().took)
    }

    pub fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }
}

impl Printer for Paper {
    fn name(&self) -> String {
        "simulated printer".to_owned()
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        Ok(())
    }

    fn print(
        &mut self,
        job: &[u8],
        patience: Duration,
        waiting: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        let roll = &mut *self.0.lock().unwrap();
        let fault = roll.faults.get(&roll.slips).copied();
        roll.trace.note(format_args!("slip {} of {} bytes: {fault:?}", roll.slips, job.len()));
        roll.slips += 1;
        roll.took += Duration::from_millis(1500);
        let failed = |may_be_on_paper| {
            Err(PrintFailure { fault: PrinterFault::PaperOut, may_be_on_paper, may_come_later: may_be_on_paper })
        };
        match fault {
            None => Ok(Confirmation::Printed),
            Some(OnPaper::Unconfirmed) => Ok(Confirmation::CannotConfirm),
            Some(OnPaper::Refilled) => {
                waiting(Some(PrinterFault::PaperOut));
                roll.took += patience / 2;
                waiting(None);
                Ok(Confirmation::Printed)
            }
            Some(fault @ (OnPaper::Out | OnPaper::Torn)) => {
                waiting(Some(PrinterFault::PaperOut));
                roll.took += patience;
                failed(fault == OnPaper::Torn)
            }
        }
    }
}
