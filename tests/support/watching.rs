//! What a test's engine prints on when the paper does not matter, and who watches what it shows.
#![allow(dead_code, reason = "some test programs have a printer of their own")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use yima::app::view::View;
use yima::app::{Listener, SaleReport};
use yima::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};

/// A printer that says of every slip what the test wants; without a word of it, that it came out.
#[derive(Clone, Default)]
pub struct Paper(pub Arc<Mutex<Vec<Result<Confirmation, PrintFailure>>>>);

impl Printer for Paper {
    fn name(&self) -> String {
        "paper".to_owned()
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        Ok(())
    }

    fn print(
        &mut self,
        _: &[u8],
        _: Duration,
        _: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        self.0.lock().unwrap().pop().unwrap_or(Ok(Confirmation::Printed))
    }
}

/// Hands on what an engine shows and reports.
pub struct Watching {
    views: Sender<View>,
    reports: Sender<SaleReport>,
}

impl Watching {
    /// Who watches, and where it is heard.
    pub fn new() -> (Self, Receiver<View>, Receiver<SaleReport>) {
        let ((views, seen), (reports, told)) = (channel(), channel());
        (Self { views, reports }, seen, told)
    }
}

impl Listener for Watching {
    fn show(&mut self, view: &View) {
        let _ = self.views.send(view.clone());
    }

    fn report(&mut self, report: &SaleReport) {
        let _ = self.reports.send(report.clone());
    }
}
