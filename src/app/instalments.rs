//! Instalments: whoever wants to pay so chooses in how many periods before the card is asked for. What is offered, and what may be, is the
//! core's matter ([`crate::payment::instalments`]).

use super::engine::Core;
use super::instalments_view::{InstalmentsIntent, InstalmentsShown, InstalmentsView};
use super::view::Screen;
use crate::devices::sound::Tone;
use crate::goods::sold::Sold;
use crate::money::Amount;
use crate::payment::instalments::{ByInstalments, Instalments, offers};
use crate::payment::purpose::Purpose;
use crate::reference::TraceNumber;

/// What the engine knows of instalments. Only its own thread touches it.
#[derive(Debug, Default)]
pub(super) struct InstalmentsDesk {
    asking: Option<Asking>,
    /// How the sale is paid whose result is on screen.
    result: Option<(TraceNumber, Instalments)>,
}

/// What is paid once the customer has chosen.
#[derive(Clone, Debug)]
struct Asking {
    due: Amount,
    sold: Sold,
    for_cart: bool,
}

impl InstalmentsDesk {
    /// Nobody is asked any more.
    pub fn leave(&mut self) {
        self.asking = None;
    }

    /// A sale is over.
    pub fn end(&mut self, trace: TraceNumber, instalments: Option<Instalments>) {
        self.result = instalments.map(|instalments| (trace, instalments));
    }
}

impl Core {
    /// What somebody at the screen wants of instalments.
    pub(super) fn on_instalments(&mut self, intent: InstalmentsIntent) {
        match intent {
            InstalmentsIntent::Ask(amount) => self.ask_for_periods(amount, Sold::default(), false),
            InstalmentsIntent::AskCart => {
                let sold = self.shop.cart_sold();
                self.ask_for_periods(sold.amount(), sold, true);
            }
            InstalmentsIntent::Choose(index) => self.choose_periods(index),
            InstalmentsIntent::AtOnce => {
                if let Some(Asking { due, sold, for_cart }) = self.instalments.asking.take() {
                    self.charge(due, sold, for_cart);
                }
            }
            InstalmentsIntent::Leave => match self.instalments.asking.take() {
                Some(asking) if asking.for_cart => self.show_cart(None),
                Some(_) => self.show_keypad(),
                None => {}
            },
        }
    }

    fn ask_for_periods(&mut self, due: Amount, sold: Sold, for_cart: bool) {
        let offers = offers(due, self.parts.tables.terminal.instalments.as_ref());
        let free = !self.pays() && self.waiting.is_none() && !self.purchase_is_open();
        // The screen that wanted it shows what counts by now.
        if offers.is_empty() || !free {
            return;
        }
        self.leave_result();
        self.instalments.asking = Some(Asking { due, sold, for_cart });
        self.screen = Screen::Instalments(Box::new(InstalmentsView { due, offers }));
    }

    fn choose_periods(&mut self, index: usize) {
        let Screen::Instalments(view) = &self.screen else { return };
        let Some(periods) = view.offers.get(index).map(|offer| offer.periods) else { return };
        let Some(Asking { due, sold, for_cart }) = self.instalments.asking.take() else { return };
        let sale = match ByInstalments::new(due, sold, periods) {
            Ok(sale) => sale,
            Err(error) => {
                tracing::error!(%error, "what was offered cannot be paid by instalments");
                self.parts.sound.play(Tone::Alert);
                return self.show_keypad();
            }
        };
        self.begin_with(Purpose::Instalments(sale));
        if for_cart {
            self.shop.paying = self.pays() || self.waiting.is_some();
        }
    }

    /// What the screen is told.
    pub(super) fn instalments_shown(&self) -> InstalmentsShown {
        let offer = self.parts.tables.terminal.instalments.as_ref();
        let from = offer.and_then(|offer| Amount::new(offer.from, self.parts.currency).ok());
        let running = self.running.as_ref().and_then(|running| running.sale.instalments());
        let result = self.instalments.result.as_ref().filter(|(trace, _)| self.result_shown == Some(*trace));
        InstalmentsShown { from, of: running.or_else(|| result.map(|(_, instalments)| instalments.clone())) }
    }
}
