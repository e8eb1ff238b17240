//! The card comes without its chip: it is swiped, or its number is typed. Which of these counts says [`crate::payment::entry`]; here it becomes a
//! request. No kernel takes part: nobody but the issuer decides, and the host has the last word.

use super::{CardSummary, Conclusion, Effect, Event, Phase, Progress, Sale, failed, over};
use crate::card_number::{CardNumberError, Pan, PinDemand, StripeError, Swipe, TypedCard};
use crate::crypto::hex;
use crate::emv::cvm::Verification;
use crate::emv::pin::{PinEntry, PinKind, PinRequest};
use crate::goods::sold::Sold;
use crate::payment::entry::{self, CardBy, ChipTrouble, Verdict};
use crate::payment::online::{CardForHost, EntryMode, SaleRequest};
use crate::payment::pin_pad::PinPad;
use crate::payment::record::{Pending, Record};
use crate::payment::small::{self, Came};
use crate::payment::transaction::{CardUse, IfUnknown};
use crate::wording::{Reason, ReasonKind};

/// A card without its chip. It is wiped with the transaction.
#[derive(Clone, Debug)]
pub(super) enum Presented {
    /// It was swiped.
    Swiped(Swipe, EntryMode),
    /// Somebody typed it.
    Typed(TypedCard),
}

impl Presented {
    fn pan(&self) -> Option<Pan> {
        match self {
            Self::Swiped(swipe, _) => swipe.track2().pan().ok(),
            Self::Typed(card) => Some(card.pan.clone()),
        }
    }

    fn expiry(&self) -> [u8; 2] {
        match self {
            Self::Swiped(swipe, _) => swipe.track2().expiry(),
            Self::Typed(card) => card.expiry,
        }
    }

    pub const fn entry(&self) -> EntryMode {
        match self {
            Self::Swiped(_, entry) => *entry,
            Self::Typed(_) => EntryMode::Typed,
        }
    }

    /// A number that is typed says nothing of a PIN: it is asked for, and whoever has none goes on without.
    fn pin(&self) -> PinDemand {
        match self {
            Self::Swiped(swipe, _) => swipe.track2().service_code().map_or(PinDemand::Required, |code| code.pin()),
            Self::Typed(_) => PinDemand::WherePossible,
        }
    }
}

impl Sale {
    /// The card is waited for in the ways in which it may come.
    pub(super) fn await_card(&mut self) -> Vec<Effect> {
        match self.opening.by {
            CardBy::Any => {
                self.phase = Phase::AwaitingCard;
                vec![Effect::Show(Progress::PresentCard), Effect::AwaitCard]
            }
            CardBy::Stripe => {
                self.phase = Phase::AwaitingStripe { trouble: None };
                vec![Effect::Show(Progress::PresentStripe), Effect::AwaitStripe(None)]
            }
            CardBy::Typed if !self.opening.entry.may_be_typed(self.kind()) => {
                failed(Reason::of(ReasonKind::TypedNotAllowed))
            }
            CardBy::Typed => {
                self.phase = Phase::AwaitingNumber;
                vec![Effect::Show(Progress::TypingNumber), Effect::AwaitNumber]
            }
        }
    }

    /// The chip could not be read: its stripe may do, and nothing else of this card. Otherwise the payment ends.
    pub(super) fn without_chip(&mut self, trouble: ChipTrouble, otherwise: Reason) -> Vec<Effect> {
        let Some(time) = self.opening.entry.fallback_after(trouble, self.card_use()) else {
            return self.end(Conclusion::Failed(otherwise));
        };
        self.phase = Phase::AwaitingStripe { trouble: Some(trouble) };
        vec![
            Effect::ReleaseCard,
            Effect::Show(Progress::PresentStripe),
            Effect::Notice(Reason::of(ReasonKind::SwipeInstead)),
            Effect::AwaitStripe(Some(time)),
        ]
    }

    pub(super) fn while_awaiting_stripe(&mut self, trouble: Option<ChipTrouble>, event: Event) -> Vec<Effect> {
        match event {
            Event::Swiped(swiped, pin_pad) => self.after_swipe(swiped, pin_pad, Phase::AwaitingStripe { trouble }),
            Event::Cancelled => failed(Reason::of(ReasonKind::Cancelled)),
            Event::NoCard => failed(Reason::of(ReasonKind::NoCard)),
            Event::Begin
            | Event::CardInserted(_)
            | Event::CardAnswered(_)
            | Event::NumberTyped(..)
            | Event::PinEntered(_)
            | Event::PinLengthWrong
            | Event::PinTimedOut
            | Event::PinCancelled
            | Event::ApplicationChosen(_)
            | Event::ApplicationConfirmed(_)
            | Event::ChoiceTimedOut
            | Event::CardTorn
            | Event::CardMute
            | Event::ReaderFailed(_)
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_)
            | Event::RecordFailed(_) => {
                self.phase = Phase::AwaitingStripe { trouble };
                Vec::new()
            }
        }
    }

    pub(super) fn while_awaiting_number(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::NumberTyped(Ok(card), pin_pad) => {
                self.presented = Some(Presented::Typed(card));
                self.pin_pad = pin_pad;
                self.present()
            }
            Event::NumberTyped(Err(error), _) => {
                self.phase = Phase::AwaitingNumber;
                vec![Effect::Notice(Reason::with_detail(wrong_number(error), error.to_string()))]
            }
            Event::Cancelled => failed(Reason::of(ReasonKind::Cancelled)),
            Event::NoCard => failed(Reason::of(ReasonKind::NoCard)),
            Event::Begin
            | Event::CardInserted(_)
            | Event::CardAnswered(_)
            | Event::Swiped(..)
            | Event::PinEntered(_)
            | Event::PinLengthWrong
            | Event::PinTimedOut
            | Event::PinCancelled
            | Event::ApplicationChosen(_)
            | Event::ApplicationConfirmed(_)
            | Event::ChoiceTimedOut
            | Event::CardTorn
            | Event::CardMute
            | Event::ReaderFailed(_)
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_)
            | Event::RecordFailed(_) => {
                self.phase = Phase::AwaitingNumber;
                Vec::new()
            }
        }
    }

    /// A card was swiped while one was waited for in this phase.
    pub(super) fn after_swipe(
        &mut self,
        swiped: Result<Swipe, StripeError>,
        pin_pad: PinPad,
        phase: Phase,
    ) -> Vec<Effect> {
        let notice = |sale: &mut Self, phase, kind, detail: String| {
            sale.phase = phase;
            vec![Effect::Notice(Reason::with_detail(kind, detail))]
        };
        let swipe = match swiped {
            Ok(swipe) => swipe,
            Err(error) => return notice(self, phase, ReasonKind::SwipeAgain, error.to_string()),
        };
        let Some(code) = swipe.track2().service_code() else {
            return notice(self, phase, ReasonKind::SwipeAgain, StripeError::Malformed.to_string());
        };
        let trouble = match phase {
            Phase::AwaitingStripe { trouble } => trouble,
            _ => None,
        };
        match entry::judge(code, trouble, self.kind(), self.card_use(), &self.opening.entry) {
            Verdict::Take(entry) => {
                self.presented = Some(Presented::Swiped(swipe, entry));
                self.pin_pad = pin_pad;
                self.present()
            }
            // Where the chip is not waited for nobody can insert it.
            Verdict::InsertChip => match phase {
                Phase::AwaitingCard => notice(self, phase, ReasonKind::StripeHasChip, format!("service code {code}")),
                _ => failed(Reason::with_detail(ReasonKind::StripeHasChip, format!("service code {code}"))),
            },
            Verdict::Refuse(kind) => {
                over(Conclusion::Declined(Reason::with_detail(kind, format!("service code {code}"))))
            }
        }
    }

    /// The card is known: the PIN is asked for where one is wanted and can be entered, and then the host.
    fn present(&mut self) -> Vec<Effect> {
        if self.listed().is_some_and(|listed| listed.refused) {
            return over(Conclusion::Declined(Reason::of(ReasonKind::CardNotTaken)));
        }
        let number = self.presented.as_ref().and_then(Presented::pan);
        let original = self.opening.transaction.original().map(|original| &original.pan);
        // Only the card of the original may be used.
        if let Some(original) = original
            && !number.is_some_and(|number| original.is_of(&number))
        {
            return over(Conclusion::Declined(Reason::of(ReasonKind::OtherCard)));
        }
        // The chip reader waits no more.
        let mut effects = vec![Effect::ReleaseCard, Effect::SoundCardRead];
        effects.extend(self.ask_pin_or_host());
        effects
    }

    /// Begins with the PIN: the card is known.
    pub(super) fn ask_pin_or_host(&mut self) -> Vec<Effect> {
        let asked = self.kind().takes_pin();
        if self.spares_pin() {
            return self.ask_host_without_chip();
        }
        match self.presented.as_ref().map_or(PinDemand::None, Presented::pin) {
            PinDemand::Required | PinDemand::WherePossible if asked && self.pin_pad.takes(PinKind::Online) => {
                self.ask_pin(PinRequest { kind: PinKind::Online, tries_left: None, wrong_before: false })
            }
            PinDemand::Required if asked => failed(Reason::of(ReasonKind::PinNeeded)),
            PinDemand::Required | PinDemand::WherePossible | PinDemand::None => self.ask_host_without_chip(),
        }
    }

    /// Whether so small an amount is paid without a PIN.
    fn spares_pin(&self) -> bool {
        let came = self.presented.as_ref().map(|presented| match presented {
            Presented::Swiped(_, EntryMode::Fallback) => Came::InPlaceOfChip,
            Presented::Swiped(..) => Came::ByStripe(presented.pin()),
            Presented::Typed(_) => Came::Typed,
        });
        came.is_some_and(|came| small::spares_pin(&self.opening.tables.terminal, self.kind(), came, self.asked()))
    }

    /// Whether a PIN may be passed over; nothing of a card with its chip, whose rules are the kernel's.
    pub(super) fn may_pass_pin_over(&self) -> Option<bool> {
        self.presented.as_ref().map(|presented| match (presented, presented.pin()) {
            (Presented::Typed(_), _) => true,
            (Presented::Swiped(..), PinDemand::Required) => false,
            (Presented::Swiped(..), PinDemand::WherePossible | PinDemand::None) => self.opening.pin_bypass,
        })
    }

    pub(super) fn after_pin_without_chip(&mut self, entry: PinEntry) -> Vec<Effect> {
        let required = self.presented.as_ref().is_some_and(|presented| presented.pin() == PinDemand::Required);
        match entry {
            PinEntry::Entered { pin, .. } => self.pin = Some(pin),
            PinEntry::PadBroken if required => return failed(Reason::of(ReasonKind::PinNeeded)),
            PinEntry::PadBroken | PinEntry::Bypassed | PinEntry::Captured | PinEntry::Verified(_) => {}
        }
        self.ask_host_without_chip()
    }

    fn ask_host_without_chip(&mut self) -> Vec<Effect> {
        match self.request_without_chip() {
            Some((pending, request)) => self.ask(pending, Effect::Send(Box::new(request))),
            None => failed(Reason::of(ReasonKind::CardDataWrong)),
        }
    }

    fn request_without_chip(&mut self) -> Option<(Pending, SaleRequest)> {
        let presented = self.presented.clone()?;
        let pan = presented.pan()?;
        let (entry, expiry) = (presented.entry(), presented.expiry());
        let pin = self.pin.take();
        self.pins.asked_bank = pin.is_some();
        // A track is not kept for another time.
        let sends_tracks = self.kind().if_unknown() != IfUnknown::Repeated;
        let (track2, track3) = match &presented {
            Presented::Swiped(swipe, _) if sends_tracks => (Some(swipe.track2().clone()), swipe.track3().cloned()),
            Presented::Swiped(..) | Presented::Typed(_) => (None, None),
        };
        let bank = self.listed().map(|listed| listed.bank.to_owned());
        let transaction = &self.opening.transaction;
        let pending = Pending {
            kind: transaction.kind(),
            original: transaction.original().cloned(),
            amount: transaction.amount(),
            at: self.opening.at,
            entry,
            verification: self.verification_without_chip(),
            pan: pan.clone().into(),
            sequence_number: None,
            card_expiry: Some(hex::encode(&expiry)),
            aid: String::new(),
            application_label: String::new(),
            bank,
            chip_data: Vec::new(),
            instalments: self.asked_instalments(),
        };
        let request = SaleRequest {
            trace: self.opening.trace,
            kind: transaction.kind(),
            original: transaction.original().cloned(),
            amount: transaction.amount(),
            at: self.opening.at,
            card: CardForHost { pan, expiry: Some(expiry), track2, track3, sequence_number: None, entry },
            chip_data: zeroize::Zeroizing::default(),
            pin,
            in_part: self.takes_a_part(),
            instalments: self.asked_instalments(),
            // Whoever sends it says what the host is told.
            sold: Sold::default(),
        };
        Some((pending, request))
    }

    /// How its holder is known: by the PIN for the bank, or by a signature.
    pub(super) fn verification_without_chip(&self) -> Verification {
        match self.card_use() {
            _ if self.pins.asked_bank => Verification::OnlinePin,
            CardUse::Whole if self.kind().is_written_down() => Verification::Signature,
            CardUse::Whole | CardUse::Decides | CardUse::Read | CardUse::None => Verification::NotPerformed,
        }
    }

    /// What is written down when the host has approved and no chip has a say.
    pub(super) fn done_without_chip(&self) -> Record {
        match self.card_use() {
            CardUse::Whole => Record::PaidWithoutChip { signature: self.wants_signature() },
            CardUse::Decides | CardUse::Read | CardUse::None => Record::Done,
        }
    }

    /// The number of the card, whichever way it came.
    pub(super) fn number(&self) -> Option<Pan> {
        match &self.presented {
            Some(presented) => presented.pan(),
            None => Pan::from_compressed(self.kernel.data().get(crate::emv::tag::PAN)?).ok(),
        }
    }

    /// What is known of a card without its chip.
    pub(super) fn card_without_chip(&self) -> Option<CardSummary> {
        let presented = self.presented.as_ref()?;
        Some(CardSummary {
            truncated_pan: presented.pan()?.truncated(),
            entry: presented.entry(),
            aid: String::new(),
            label: String::new(),
            bank: self.listed().map(|listed| listed.bank.to_owned()),
            tvr: String::new(),
            tsi: String::new(),
            verification: self.verification_without_chip(),
            script_results: String::new(),
        })
    }
}

const fn wrong_number(error: CardNumberError) -> ReasonKind {
    match error {
        CardNumberError::Expiry => ReasonKind::ExpiryWrong,
        CardNumberError::Length(_)
        | CardNumberError::NotDigits
        | CardNumberError::CheckDigit
        | CardNumberError::Track => ReasonKind::NumberWrong,
    }
}
