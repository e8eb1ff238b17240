//! Looking for payments on the screen: what is typed becomes a question to the ledger, and its answer stands where the list of all
//! payments stands otherwise.

use super::engine::Core;
use super::seek_view::{SeekBy, SeekIntent};
use super::showing::local_now;
use super::view::Screen;
use crate::goods::GoodNumber;
use crate::wording::{Reason, ReasonKind};

impl Core {
    pub(super) fn on_seek(&mut self, intent: SeekIntent) {
        match intent {
            SeekIntent::Open => {
                self.leave_result();
                self.screen = Screen::Seek { notice: None };
            }
            SeekIntent::Find(by, digits) => self.find(by, &digits),
            SeekIntent::All => {
                self.sought = None;
                self.show_transactions(0);
            }
        }
    }

    fn find(&mut self, by: SeekBy, digits: &str) {
        let today = local_now().date();
        let currency = self.parts.currency;
        let sought = by.sought(digits, currency, today, |barcode| self.good_of(barcode));
        let found = sought.as_ref().map(|sought| self.ledger.list(Some(&sought.search()), None, 1));
        match found {
            Some(Ok(list)) if !list.rows.is_empty() => {
                self.sought = sought;
                self.page_ends.clear();
                self.show_transactions(0);
            }
            Some(Err(error)) => self.ledger_failed(&error),
            Some(Ok(_)) | None => {
                self.screen = Screen::Seek { notice: Some(Reason::of(ReasonKind::NothingFound)) };
            }
        }
    }

    /// The number of the good with a barcode. A catalogue that cannot be read knows none.
    fn good_of(&mut self, barcode: &str) -> Option<GoodNumber> {
        self.shop.number_of(barcode).unwrap_or_else(|error| {
            tracing::warn!(%error, "the catalogue cannot be read");
            None
        })
    }
}
