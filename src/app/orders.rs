//! What the host orders in the header of an answer: written down before anything else, done when no payment runs, and
//! remembered until it is done.
//!
//! Downloads have a desk of their own ([`super::parameters`]), a sign-on too. Here is what a status report answers: how the
//! terminal is, and that it cannot be managed from afar. Nothing is left out silently.

use std::time::{Duration, Instant};

use super::engine::Core;
use super::parameters::set_name;
use super::showing::local_now;
use super::workers::{link, printer, reader};
use crate::acquirer::parameters::DownloadError;
use crate::acquirer::parameters::status::StatusReport;
use crate::clock;
use crate::iso8583::Order;
use crate::ledger::LedgerError;

/// How long a device may take to say how it is. A printer that waits for paper says so only afterwards.
const DEVICE_PATIENCE: Duration = Duration::from_secs(5);

/// How long after one report another may begin, however often the host orders it.
const INTERVAL: Duration = Duration::from_secs(60);

/// The same after one that failed.
const RETRY: Duration = Duration::from_secs(10);

/// How long a report keeps the engine from stopping.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is said about management from afar.
const NOT_SUPPORTED: &str = "remote management: not supported";

/// Where a status report stands. Only the engine's thread touches it.
#[derive(Debug)]
pub(super) struct StatusDesk {
    /// Whom it answers.
    ordered: Vec<Order>,
    stage: Stage,
    not_before: Instant,
}

#[derive(Debug)]
enum Stage {
    Idle,
    /// The devices are asked how they are.
    Asking {
        since: Instant,
        reader: Option<String>,
        printer: Option<String>,
    },
    /// The report is on its way.
    Telling {
        since: Instant,
        answers: Vec<Order>,
    },
}

impl StatusDesk {
    pub fn new() -> Self {
        Self { ordered: Vec::new(), stage: Stage::Idle, not_before: clock::instant() }
    }

    fn order(&mut self, order: Order) {
        if !self.ordered.contains(&order) {
            self.ordered.push(order);
        }
    }

    fn wants_report(&self) -> bool {
        !self.ordered.is_empty() && matches!(self.stage, Stage::Idle) && clock::instant() >= self.not_before
    }

    /// Whether a report is on its way that the engine waits for.
    pub fn under_way(&self) -> bool {
        match self.stage {
            Stage::Idle => false,
            Stage::Asking { since, .. } | Stage::Telling { since, .. } => clock::since(since) < PATIENCE,
        }
    }

    /// How the devices are, once they have all said it or had their time.
    fn devices(&self) -> Option<(String, String)> {
        let Stage::Asking { since, reader, printer } = &self.stage else { return None };
        let silent = || "busy: no answer yet".to_owned();
        match (reader, printer) {
            (Some(reader), Some(printer)) => Some((reader.clone(), printer.clone())),
            (reader, printer) if clock::since(*since) >= DEVICE_PATIENCE => {
                Some((reader.clone().unwrap_or_else(silent), printer.clone().unwrap_or_else(silent)))
            }
            _ => None,
        }
    }

    /// The report has ended. Gives what is done: also the same order that came while it was on its way, because the host repeats in
    /// its answer what it still wants.
    fn ended(&mut self, done: bool) -> Vec<Order> {
        self.not_before = clock::instant() + if done { INTERVAL } else { RETRY };
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Telling { answers, .. } if done => {
                self.ordered.retain(|order| !answers.contains(order));
                answers
            }
            Stage::Telling { answers, .. } => {
                answers.into_iter().for_each(|order| self.order(order));
                Vec::new()
            }
            Stage::Idle | Stage::Asking { .. } => Vec::new(),
        }
    }
}

impl Core {
    /// What an earlier run was ordered and did not do.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub(super) fn take_up_orders(&mut self) -> Result<(), LedgerError> {
        for order in self.ledger.open_orders()? {
            self.give_to_desk(order);
        }
        Ok(())
    }

    /// The host orders something.
    pub(super) fn on_order(&mut self, order: Order) {
        tracing::info!(order = order.word(), "the host orders");
        if order == Order::Remote {
            tracing::warn!("the host orders remote management, which this program does not do; the host is told so");
        }
        // The host repeats what it does not see done, so that a ledger that cannot be written is no reason to do nothing.
        if let Err(error) = self.ledger.ordered(order, local_now()) {
            self.ledger_failed(&error);
        }
        self.give_to_desk(order);
    }

    fn give_to_desk(&mut self, order: Order) {
        if order.is_download() {
            self.parameters.order();
        } else if order.is_told() {
            self.status.order(order);
        }
    }

    pub(super) fn note_done(&mut self, orders: &[Order]) {
        if let Err(error) = self.ledger.orders_done(orders, local_now()) {
            self.ledger_failed(&error);
        }
    }

    /// A report is due and nobody pays: the devices are asked first.
    pub(super) fn drain_status(&mut self) {
        if self.status.wants_report() {
            self.reader.send(reader::Job::Look);
            let asked = self.printer_jobs.send(printer::Job::Look).is_ok();
            let printer = (!asked).then(|| "its thread has ended".to_owned());
            self.status.stage = Stage::Asking { since: clock::instant(), reader: None, printer };
        }
        let Some((reader, printer)) = self.status.devices() else { return };
        match self.status_report(reader, printer) {
            Ok(report) => {
                let answers = std::mem::take(&mut self.status.ordered);
                self.status.stage = Stage::Telling { since: clock::instant(), answers };
                if self.check_jobs.send(link::Job::Report(Box::new(report))).is_err() {
                    self.status.ended(false);
                }
            }
            Err(error) => {
                self.status.ended(false);
                self.ledger_failed(&error);
            }
        }
    }

    /// How the card reader is.
    pub(super) fn reader_is(&mut self, state: Result<(), String>) {
        if let Stage::Asking { reader, .. } = &mut self.status.stage {
            *reader = Some(state.err().unwrap_or_else(|| "ok".to_owned()));
        }
    }

    /// How the printer is.
    pub(super) fn printer_is(&mut self, state: Result<(), String>) {
        if let Stage::Asking { printer, .. } = &mut self.status.stage {
            *printer = Some(state.err().unwrap_or_else(|| "ok".to_owned()));
        }
    }

    fn status_report(&self, reader: String, printer: String) -> Result<StatusReport, LedgerError> {
        let (provenance, hashes) = &self.parts.set;
        let open = self.ledger.open_entries()?;
        let signed_on = self.ledger.sign_on()?.at;
        let remote = self.status.ordered.contains(&Order::Remote);
        Ok(StatusReport {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            set: set_name(provenance),
            ca_keys: hashes.ca_keys.clone(),
            applications: hashes.applications.clone(),
            parameters: self.parts.tables.parameters_digest(),
            cards: self.parts.tables.cards_digest(),
            reader,
            printer,
            queue: format!("{} waiting, {} given up", open.waiting, open.parked),
            signed_on: signed_on.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            refused: if remote { NOT_SUPPORTED.to_owned() } else { String::new() },
        })
    }

    pub(super) fn after_report(&mut self, result: Result<(), DownloadError>) {
        let done = self.status.ended(result.is_ok());
        match result {
            Ok(()) => {
                tracing::info!(?done, "the host was told how the terminal is");
                self.note_done(&done);
            }
            Err(error) => tracing::warn!(%error, "the host was not told how the terminal is"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: [Order; 2] = [Order::Status, Order::Remote];

    fn asking(age: Duration, reader: Option<&str>, printer: Option<&str>) -> StatusDesk {
        let since = Instant::now().checked_sub(age).unwrap();
        let stage = Stage::Asking { since, reader: reader.map(str::to_owned), printer: printer.map(str::to_owned) };
        StatusDesk { stage, ..StatusDesk::new() }
    }

    #[test]
    fn a_report_waits_for_the_devices_but_not_without_end() {
        assert_eq!(asking(Duration::ZERO, Some("ok"), None).devices(), None);
        let both = asking(Duration::ZERO, Some("ok"), Some("out of paper")).devices();
        assert_eq!(both, Some(("ok".to_owned(), "out of paper".to_owned())));
        let late = asking(DEVICE_PATIENCE, Some("ok"), None).devices().unwrap();
        assert_eq!(late.1, "busy: no answer yet");
        assert_eq!(StatusDesk::new().devices(), None);
    }

    #[test]
    fn a_report_answers_every_order_of_its_kind_and_one_that_failed_is_told_again() {
        let mut desk = StatusDesk::new();
        assert!(!desk.wants_report());
        TOLD.into_iter().for_each(|order| desk.order(order));
        assert!(desk.wants_report());
        let answers = std::mem::take(&mut desk.ordered);
        desk.stage = Stage::Telling { since: Instant::now(), answers };
        desk.order(Order::Status);
        assert!(desk.under_way() && !desk.wants_report(), "one at a time");
        assert_eq!(desk.ended(true), TOLD);
        desk.not_before = Instant::now();
        assert!(!desk.under_way() && !desk.wants_report(), "the order that came meanwhile is answered too");
        desk.order(Order::Status);
        assert!(desk.wants_report(), "one that comes later is not");
        let answers = std::mem::take(&mut desk.ordered);
        desk.stage = Stage::Telling { since: Instant::now(), answers };
        assert_eq!(desk.ended(false), []);
        desk.not_before = Instant::now();
        assert!(desk.wants_report(), "what failed is told again");
    }
}
