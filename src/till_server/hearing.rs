//! The engine's listener: what it says goes to the tills as well, and nothing waits for them.

use std::sync::mpsc::{Receiver, Sender, channel};

use crate::app::view::View;
use crate::app::{Listener, SaleReport, TillEvent};

/// What is heard of the engine.
#[derive(Debug)]
pub(super) enum Heard {
    /// What is on the screen.
    View(Box<View>),
    /// What became of a till's payment.
    Event(TillEvent),
}

/// Where it arrives.
#[derive(Debug)]
pub struct Ears(pub(super) Receiver<Heard>);

/// Tells tills what another listener is told.
pub struct Hearing {
    inner: Box<dyn Listener>,
    heard: Sender<Heard>,
}

/// Puts ears beside a listener.
pub fn hear(inner: Box<dyn Listener>) -> (Hearing, Ears) {
    let (heard, receiver) = channel();
    (Hearing { inner, heard }, Ears(receiver))
}

impl Hearing {
    /// Where nobody hears it any more, the engine goes on.
    fn tell(&self, heard: Heard) {
        let _ = self.heard.send(heard);
    }
}

impl Listener for Hearing {
    fn show(&mut self, view: &View) {
        self.inner.show(view);
        self.tell(Heard::View(Box::new(view.clone())));
    }

    fn report(&mut self, report: &SaleReport) {
        self.inner.report(report);
    }

    fn till(&mut self, event: &TillEvent) {
        self.inner.till(event);
        self.tell(Heard::Event(event.clone()));
    }
}
