//! Tips: where the shop wants that, the customer is asked before the card is. What is offered is the core's matter
//! ([`crate::payment::tip`]).

use super::engine::Core;
use super::tip_view::{TipIntent, TipView};
use super::view::Screen;
use crate::devices::sound::Tone;
use crate::goods::sold::Sold;
use crate::money::Amount;
use crate::payment::purpose::Purpose;
use crate::payment::tip::{offers, tipped};

/// What the engine knows of tips. Only its own thread touches it.
#[derive(Debug, Default)]
pub(super) struct TipDesk {
    asking: Option<Asking>,
}

/// What is paid once the customer has chosen.
#[derive(Clone, Debug)]
struct Asking {
    due: Amount,
    sold: Sold,
    for_cart: bool,
}

impl TipDesk {
    /// Nobody is asked any more.
    pub fn leave(&mut self) {
        self.asking = None;
    }
}

impl Core {
    /// Somebody at the screen takes a payment, of what is in the cart or of what was keyed.
    pub(super) fn charge(&mut self, due: Amount, sold: Sold, for_cart: bool) {
        let offers = offers(due, &self.parts.tips);
        let asking = Asking { due, sold, for_cart };
        let free = !self.pays() && self.waiting.is_none();
        if offers.is_empty() || !free || self.purchase_is_open() {
            return self.begin_asked(&asking, None);
        }
        self.leave_result();
        self.tip.asking = Some(asking);
        self.screen = Screen::Tip(Box::new(TipView { due, offers }));
    }

    /// What the customer has chosen.
    pub(super) fn on_tip(&mut self, intent: TipIntent) {
        let Screen::Tip(view) = &self.screen else { return };
        let offered = |index: usize| view.offers.get(index).map(|offer| offer.tip);
        let tip = match intent {
            TipIntent::Give(index) => match offered(index) {
                Some(tip) => Some(tip),
                None => return,
            },
            TipIntent::GiveNone | TipIntent::Leave => None,
        };
        let Some(asking) = self.tip.asking.take() else { return };
        match intent {
            TipIntent::Leave if asking.for_cart => self.show_cart(None),
            TipIntent::Leave => self.show_keypad(),
            TipIntent::Give(_) | TipIntent::GiveNone => self.begin_asked(&asking, tip),
        }
    }

    fn begin_asked(&mut self, asking: &Asking, tip: Option<Amount>) {
        let purpose = match tip.map(|tip| tipped(asking.due, &asking.sold, tip)) {
            Some(Ok(sold)) => Purpose::Goods(sold),
            Some(Err(error)) => {
                tracing::error!(%error, "what was offered as a tip cannot be given");
                self.parts.sound.play(Tone::Alert);
                return self.show_keypad();
            }
            None if asking.sold.lines().is_empty() => Purpose::Sale(asking.due),
            None => Purpose::Goods(asking.sold.clone()),
        };
        self.begin_with(purpose);
        if asking.for_cart {
            self.shop.paying = self.pays() || self.waiting.is_some();
        }
    }
}
