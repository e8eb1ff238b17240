//! The bank called the PIN wrong, and another may be tried: the payment goes on as another transaction with the card that is
//! still in the reader.

use super::engine::Core;
use super::showing::local_now;
use super::workers::reader;
use crate::devices::sound::Tone;
use crate::payment::sale::{Conclusion, Event, Sale};
use crate::wording::Reason;

impl Core {
    /// Goes on with another transaction. Where none can begin, the payment ends as the bank said.
    pub(super) fn try_another_pin(&mut self, reason: Reason) {
        let Some(sale) = self.next_sale() else {
            self.reader.send(reader::Job::Release);
            return self.conclude(Conclusion::Declined(reason));
        };
        let Some(running) = self.running.as_mut() else { return };
        tracing::info!(declined = %running.sale.trace(), next = %sale.trace(), "the bank called the PIN wrong");
        running.sale = sale;
        self.parts.sound.play(Tone::Alert);
        self.feed(Event::Begin);
    }

    /// The next transaction of the payment that runs, with a number and entropy of its own.
    fn next_sale(&mut self) -> Option<Sale> {
        let mut unpredictable_number = [0; 4];
        if let Err(error) = getrandom::fill(&mut unpredictable_number) {
            tracing::error!(%error, "no random numbers: no other PIN is asked for");
            return None;
        }
        match self.take_number() {
            Ok(trace) => Some(self.running.as_ref()?.sale.again(trace, local_now(), unpredictable_number)),
            Err(error) => {
                tracing::error!(%error, "no trace number: no other PIN is asked for");
                None
            }
        }
    }
}
