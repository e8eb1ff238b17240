//! Another try after a PIN that the bank called wrong: a transaction of its own, with a number and a cryptogram of its own
//! (`docs/decisions/013-a-wrong-pin-is-another-transaction.md`). The card stays in; its holder is asked for the PIN only.

use jiff::civil::DateTime;

use super::{Conclusion, Effect, Opening, Phase, Progress, Sale, over};
use crate::emv::kernel;
use crate::emv::pin::{PinKind, PinRequest};
use crate::emv::tag;
use crate::payment::chooser::{Chooser, Wish};
use crate::reference::TraceNumber;

/// So many PINs the bank is asked about in one payment.
const MOST_PINS: u8 = 3;

/// What a payment remembers of PINs for the bank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct PinTries {
    /// The bank called so many wrong in the transactions before this one.
    pub wrong: u8,
    /// The request of this one brings a PIN.
    pub asked_bank: bool,
    /// The bank called that one wrong too.
    pub called_wrong: bool,
    /// Somebody wants to leave.
    pub no_more: bool,
}

impl PinTries {
    /// Whether the bank may be asked about another PIN, now that this transaction is over.
    const fn may_be_another(self) -> bool {
        self.asked_bank && self.called_wrong && !self.no_more && self.wrong + 1 < MOST_PINS
    }

    /// The question as the cardholder hears it: what is wrong with the PIN before the kernel of a new transaction does not know.
    pub const fn told_in(self, request: PinRequest) -> PinRequest {
        match request.kind {
            PinKind::Online if self.wrong > 0 => {
                PinRequest { wrong_before: true, tries_left: Some(MOST_PINS.saturating_sub(self.wrong)), ..request }
            }
            PinKind::Online | PinKind::Plaintext | PinKind::Enciphered => request,
        }
    }
}

impl Sale {
    /// The same payment as another transaction, once this one has ended with [`Effect::TryAnotherPin`]. Number, time and
    /// entropy are new; card and application are the same. It begins like any other, and finds the card in the reader.
    #[must_use]
    pub fn again(&self, trace: TraceNumber, at: DateTime, unpredictable_number: [u8; 4]) -> Self {
        let mut sale = Self::new(Opening {
            trace,
            at,
            unpredictable_number,
            chooser: self.same_application(),
            ..self.opening.clone()
        });
        sale.equip(self.pin_pad);
        sale.pins.wrong = self.pins.wrong.saturating_add(1);
        sale.presented.clone_from(&self.presented);
        sale
    }

    /// The end, unless another PIN may be tried: then the card keeps its power.
    pub(super) fn over_or_again(&self, conclusion: Conclusion) -> Vec<Effect> {
        match conclusion {
            Conclusion::Declined(reason) if self.pins.may_be_another() => vec![Effect::TryAnotherPin(reason)],
            Conclusion::Approved
            | Conclusion::Declined(_)
            | Conclusion::Failed(_)
            | Conclusion::ReversalDue(_)
            | Conclusion::Repeating(_)
            | Conclusion::Unresolved(_) => over(conclusion),
        }
    }

    pub(super) fn begin_again(&mut self) -> Vec<Effect> {
        if self.presented.is_some() {
            return self.ask_pin_or_host();
        }
        // Whoever is asked for the PIN once more has heard that the card is read.
        self.phase = Phase::Reading { sounded: true };
        let mut effects = vec![Effect::Show(Progress::ReadingCard)];
        effects.extend(self.drive(kernel::Event::Start));
        effects
    }

    /// Who has chosen is not asked again.
    fn same_application(&self) -> Chooser {
        match (&self.opening.chooser, self.kernel.data().get(tag::DF_NAME)) {
            (Chooser::Cardholder, Some(name)) => Chooser::Beforehand(Wish::Aid(name.to_vec())),
            (chooser, _) => chooser.clone(),
        }
    }
}
