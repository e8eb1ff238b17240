//! Another try after a PIN that the bank called wrong: a transaction of its own, with a number and a cryptogram of its own
//! (`docs/decisions/013-a-wrong-pin-is-another-transaction.md`). The card stays in; its holder is asked for the PIN only.

use jiff::civil::DateTime;

use super::{Conclusion, Effect, Opening, Phase, Progress, Sale};
use crate::emv::kernel;
use crate::emv::pin::{PinKind, PinRequest};
use crate::emv::tag;
use crate::payment::chooser::{Chooser, Wish};
use crate::reference::TraceNumber;

/// So many PINs the bank is asked about in one payment.
pub(super) const MOST_PINS: u8 = 3;

/// What a payment remembers of PINs for the bank.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PinTries {
    /// The bank called so many wrong in the transactions before this one.
    pub wrong: u8,
    /// The request of this one brings a PIN.
    pub asked_bank: bool,
    /// Somebody wants to leave.
    pub no_more: bool,
}

impl PinTries {
    /// Whether the bank may be asked about another PIN, now that it calls this one wrong.
    pub const fn may_be_another(self) -> bool {
        self.asked_bank && !self.no_more && self.wrong + 1 < MOST_PINS
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

impl Conclusion {
    /// The same where no other PIN is tried.
    #[must_use]
    pub fn without_another_try(self) -> Self {
        match self {
            Self::WrongPin(reason) => Self::Declined(reason),
            Self::Approved | Self::Declined(_) | Self::Failed(_) | Self::ReversalDue(_) | Self::Unresolved(_) => self,
        }
    }
}

impl Sale {
    /// The same payment as another transaction, once this one has ended with [`Conclusion::WrongPin`]. Number, time and
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
        sale
    }

    pub(super) fn begin_again(&mut self) -> Vec<Effect> {
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
