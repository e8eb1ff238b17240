//! The ledger held against the host's books: after a copy took the ledger's place the host alone knows what was paid in between.
//! Looks, and changes nothing: a person decides what follows from it.

use std::collections::BTreeSet;

use super::enrolment::EnrolError;
use super::setup::Setup;
use crate::acquirer::enrolment::EnrolmentError;
use crate::acquirer::enrolment::wire::{BookedPayment, SignedRequest};
use crate::clock;
use crate::ledger::{Ledger, TransactionRow};
use crate::money::Amount;
use crate::reference::{Batch, Stan, TraceNumber};
use crate::settlement::reconciliation::{Comparison, Ours, Theirs, compare};

/// The host is asked for so many batches at the most; a ledger whose copy was older needs the acquirer's own list.
const MOST_BATCHES: u32 = 100;

/// What came of a reconciliation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The first batch that was compared, and the last.
    pub batches: (Batch, Batch),
    /// What was found.
    pub comparison: Comparison,
}

impl Setup {
    /// Asks the host for all payments of the batches since the last restoration, or of the batch that is open when there was
    /// none, and holds them against the ledger. The terminal may run meanwhile. Nothing, when there is no ledger.
    ///
    /// # Errors
    /// When the host does not answer, or the ledger cannot be read.
    pub fn reconcile(&self) -> Result<Option<Reconciled>, EnrolError> {
        let Some(ledger) = self.ledger_to_look_at(&self.identity()?)? else { return Ok(None) };
        let last = ledger.sign_on()?.batch;
        let restored = ledger.restorations()?.into_iter().next_back();
        let first = restored.map_or(last, |restoration| restoration.batch);
        let first = first.number().max(last.number().saturating_sub(MOST_BATCHES - 1));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for batch in (first..=last.number()).filter_map(|number| Batch::new(number).ok()) {
            let known = of_batch(&ledger, batch)?;
            let numbers: BTreeSet<_> = known.iter().map(|ours| ours.trace).collect();
            for payment in self.booked(batch)? {
                // One that has begun since the ledger was looked at is none that was lost.
                if numbers.contains(&payment.trace) || ledger.find(payment.trace)?.is_none() {
                    theirs.push(payment);
                }
            }
            ours.extend(known);
        }
        let first = Batch::new(first).unwrap_or(last);
        Ok(Some(Reconciled { batches: (first, last), comparison: compare(ours, theirs) }))
    }

    /// All payments of a batch that the host has of this terminal.
    fn booked(&self, batch: Batch) -> Result<Vec<Theirs>, EnrolError> {
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let page = self.as_enrolled(|enrolled| {
                let mut desk = |signed: &SignedRequest| self.ask(signed);
                Ok(enrolled.ask_for_payments(&mut desk, batch.number(), after, clock::timestamp())?)
            })?;
            for payment in &page.payments {
                found.push(read(batch, payment)?);
            }
            match page.payments.last() {
                Some(last) if page.more && last.stan > after => after = last.stan,
                Some(_) | None => return Ok(found),
            }
        }
    }
}

fn read(batch: Batch, payment: &BookedPayment) -> Result<Theirs, EnrolmentError> {
    let wrong = || EnrolmentError::Answer(format!("its payment {} is none", payment.stan));
    let currency = payment.currency.parse().map_err(|_| wrong())?;
    Ok(Theirs {
        trace: TraceNumber { batch, stan: Stan::new(payment.stan).map_err(|_| wrong())? },
        charged: payment.charged,
        amount: Amount::new(payment.minor, currency).map_err(|_| wrong())?,
        rrn: payment.rrn.clone(),
        last_four: payment.last_four.clone(),
    })
}

fn of_batch(ledger: &Ledger, batch: Batch) -> Result<Vec<Ours>, EnrolError> {
    let to_be_told: BTreeSet<_> = ledger.offline_sales_to_tell()?.into_iter().collect();
    let ours = |row: TransactionRow| Ours {
        trace: row.trace,
        state: row.state,
        resolution: row.resolution,
        amount: row.amount,
        to_be_told: to_be_told.contains(&row.trace),
    };
    Ok(ledger.of_batch(batch)?.into_iter().map(ours).collect())
}
