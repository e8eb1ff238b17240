//! Cards without their chip: a stripe that was swiped, whatever is on the screen, and numbers that somebody types. What is taken of them is the
//! payment core's matter ([`crate::payment::entry`]); what was read is neither logged nor shown.

use std::time::Duration;

use super::engine::Core;
use super::view::{CardWays, Screen};
use crate::card_number::{CardNumberError, StripeError, Swipe, TypedCard};
use crate::clock;
use crate::host_tables::Transaction;
use crate::payment::entry::{CardBy, EntryRules};
use crate::payment::purpose::Purpose;
use crate::payment::sale::{Event, Progress};
use crate::payment::transaction::Kind;
use crate::wording::ReasonKind;

/// Whoever types number and expiry gets so many times as long as whoever brings a card.
const TYPING_TAKES: u32 = 3;

/// What the settings say of cards without their chip, where the acquirer says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntrySetup {
    /// Stripes are read here.
    pub has_reader: bool,
    /// Seconds in which a stripe counts after its chip could not be read; 0 never.
    pub fallback_s: u16,
    /// The dialect's word on cards without an application that is taken here.
    pub without_application: bool,
    /// What may be done with a number that is typed.
    pub typed: Vec<Kind>,
}

impl Core {
    /// What is allowed now: the acquirer's parameters win over the settings.
    pub(super) fn entry_rules(&self) -> EntryRules {
        let (setup, parameters) = (&self.parts.entry, &self.parts.tables.terminal);
        let seconds = parameters.fallback_s.unwrap_or(setup.fallback_s);
        let typed = match &parameters.typed {
            None => setup.typed.clone(),
            Some(words) => words.iter().map(Transaction::word).filter_map(Kind::from_word).collect(),
        };
        EntryRules {
            fallback: (setup.has_reader && seconds > 0).then(|| Duration::from_secs(seconds.into())),
            without_application: setup.without_application,
            typed,
        }
    }

    /// A card was swiped. It counts where one is asked for.
    pub(super) fn on_swiped(&mut self, swiped: Result<Swipe, StripeError>) {
        if let Err(error) = &swiped {
            tracing::info!(%error, "a stripe was not read");
        }
        let awaits = |progress| matches!(progress, Progress::PresentCard | Progress::PresentStripe);
        let pin_pad = self.pin_pad(false);
        if let Some(running) = self.running.as_mut().filter(|running| awaits(running.progress)) {
            running.timings.mark("card_wait");
            return self.feed(Event::Swiped(swiped, pin_pad));
        }
        // Where something is to be sold somebody may have been too quick; elsewhere a card that is swiped means nothing.
        if matches!(self.screen, Screen::Keypad { .. } | Screen::Cart(_) | Screen::Goods(_)) && !self.pays() {
            self.note_scan(ReasonKind::SwipeLater);
        }
    }

    /// Number and expiry were typed, where they are asked for.
    pub(super) fn on_number(&mut self, typed: Result<TypedCard, CardNumberError>) {
        let pin_pad = self.pin_pad(false);
        if let Some(running) = self.running.as_mut().filter(|running| running.progress == Progress::TypingNumber) {
            running.timings.mark("card_wait");
            running.notice = None;
            self.feed(Event::NumberTyped(typed, pin_pad));
        }
    }

    /// Somebody would rather type the number of the card that is asked for: the payment begins anew, and whoever may not type numbers
    /// is asked for a manager's code first.
    pub(super) fn turn_to_typing(&mut self) {
        if !self.card_ways().typed {
            return;
        }
        let Some(running) = self.running.as_ref() else { return };
        let purpose = running.purpose.what().clone();
        let for_cart = self.shop.paying;
        self.feed(Event::Cancelled);
        // A card that came in the same moment is paid with.
        if self.running.is_some() {
            return;
        }
        // Nobody left the counter.
        self.report = None;
        self.on_intent(super::view::Intent::Begin(Purpose::By(CardBy::Typed, Box::new(purpose))));
        self.shop.paying = for_cart && (self.pays() || self.waiting.is_some());
        if for_cart {
            self.right_is_for_cart();
        }
    }

    /// In which ways the card that is asked for may come.
    pub(super) fn card_ways(&self) -> CardWays {
        let Some(running) = &self.running else { return CardWays::default() };
        let has_reader = self.parts.entry.has_reader;
        match running.progress {
            Progress::PresentCard => CardWays {
                chip: true,
                stripe: has_reader,
                typed: self.entry_rules().may_be_typed(running.sale.kind()) && !self.till.pays(),
            },
            Progress::PresentStripe => CardWays { chip: false, stripe: true, typed: false },
            Progress::TypingNumber
            | Progress::ReadingCard
            | Progress::EnteringPin(_)
            | Progress::AskingHost
            | Progress::CompletingCard => CardWays::default(),
        }
    }

    /// From now on a stripe is waited for so long, or as long as a card.
    pub(super) fn wait_for_stripe(&mut self, time: Option<Duration>) {
        let time = time.unwrap_or(self.parts.card_wait);
        if let Some(running) = self.running.as_mut() {
            running.card_until = Some(clock::instant() + time);
        }
    }

    /// From now on number and expiry are waited for.
    pub(super) fn wait_for_number(&mut self) {
        self.wait_for_stripe(Some(self.parts.card_wait * TYPING_TAKES));
    }

    /// Ends the time for a stripe or a number.
    pub(super) fn mind_card_time(&mut self) {
        if let Some(running) = self.running.as_mut()
            && running.card_until.is_some_and(|until| clock::instant() >= until)
        {
            running.card_until = None;
            self.feed(Event::NoCard);
        }
    }
}
