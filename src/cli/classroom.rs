//! From the shop to its training and back, behind the same window. One engine is ended before the other begins: they share screen and
//! printer, and nothing else.

use std::sync::PoisonError;

use zeroize::Zeroizing;

use super::Failure;
use super::screen::{Counter, Trading, closed, keep};
use crate::app::view::{Intent, TrainingIntent, Turn};
use crate::payment::qr::PaymentCode;
use crate::sandbox::card::hand::Hand;
use crate::training::{Training, TrainingError};
use crate::wording::{Reason, ReasonKind};

/// A counter at which people may train.
pub struct Classroom {
    pub counter: Counter,
    open: Option<Open>,
}

/// A training that is open, with the hand that puts its cards into the reader.
struct Open {
    training: Training,
    hand: Hand,
}

impl Classroom {
    /// At a counter where the shop is open.
    pub const fn new(counter: Counter) -> Self {
        Self { counter, open: None }
    }

    /// Does what is wished of the training.
    pub fn take(&mut self, wish: TrainingIntent) {
        match wish {
            TrainingIntent::Begin | TrainingIntent::End | TrainingIntent::Failed(_) => {
                self.counter.send(Intent::Training(wish));
            }
            TrainingIntent::Turned(Turn::ToTraining) => self.begin(),
            TrainingIntent::Turned(Turn::ToTheShop) => self.end(),
            TrainingIntent::Insert(_) | TrainingIntent::Scan | TrainingIntent::Pay => {
                if let Some(Err(error)) = self.open.as_ref().map(|open| open.customer(&self.counter, &wish)) {
                    tracing::warn!(%error, "the training's customer does nothing");
                }
            }
        }
    }

    /// The shop is closed only once the training can be opened.
    fn begin(&mut self) {
        let Some(shop) = self.counter.setup.as_ref().filter(|_| self.counter.trains) else {
            // What a demo shows is a try-out already.
            return self.refuse("a demo has no training");
        };
        let opened = Training::open(shop).and_then(|training| Ok((training.parts()?, training)));
        let ((parts, hand), training) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.refuse(&error.to_string()),
        };
        tracing::info!("training begins");
        self.leave();
        match self.counter.start(Some(training.setup()), parts) {
            Ok(trading) => {
                keep(&self.counter.place, trading);
                self.open = Some(Open { training, hand });
            }
            Err(error) => {
                tracing::error!(%error, "the training does not start");
                self.back_to_the_shop();
            }
        }
    }

    fn end(&mut self) {
        tracing::info!("training ends");
        self.leave();
        if self.open.take().is_none() {
            // The program was started for it.
            return self.counter.display.close();
        }
        self.back_to_the_shop();
    }

    fn refuse(&self, problem: &str) {
        tracing::error!(problem, "the training cannot be opened");
        let reason = Reason::with_detail(ReasonKind::TrainingFailed, problem.to_owned());
        self.counter.send(Intent::Training(TrainingIntent::Failed(reason)));
    }

    /// Waits for what the engine has on its way.
    fn leave(&self) {
        drop(self.counter.place.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn back_to_the_shop(&self) {
        let Some(shop) = &self.counter.setup else { return };
        let begun = |parts| -> Result<Trading, Failure> { Ok(self.counter.start(Some(shop), parts)?) };
        match shop.parts().map_err(Failure::from).and_then(begun) {
            Ok(trading) => keep(&self.counter.place, trading),
            Err(failure) => {
                tracing::error!(%failure, "the terminal cannot trade");
                match closed(&shop.settings, &failure) {
                    Ok(view) => self.counter.display.show(view),
                    Err(error) => tracing::error!(%error, "and cannot say so"),
                }
            }
        }
    }
}

impl Open {
    fn customer(&self, counter: &Counter, wish: &TrainingIntent) -> Result<(), TrainingError> {
        match wish {
            TrainingIntent::Insert(card) => self.hand.insert(self.training.card(card.profile())?),
            TrainingIntent::Scan => {
                let code = Zeroizing::new(self.training.customers_code()?);
                counter.send(Intent::PayByScanned(PaymentCode::parse(&code)));
            }
            TrainingIntent::Pay => self.training.customer_pays()?,
            TrainingIntent::Begin | TrainingIntent::End | TrainingIntent::Turned(_) | TrainingIntent::Failed(_) => {}
        }
        Ok(())
    }
}
