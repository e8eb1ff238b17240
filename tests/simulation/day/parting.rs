//! Customers whose card pays only a part: another card pays the rest, or nobody does and all of it goes back.

use yima::app::purchase_view::{PurchaseIntent, PurchaseStage, PurchaseView};
use yima::app::view::Intent;

use super::Day;
use super::people::Word;
use crate::plan::Rest;

/// How often a cashier looks at a purchase with which nothing can be done before the customer leaves.
const PATIENCE: u32 = 8;

/// Cards that may be tried for the rest.
const TRIES: u32 = 2;

impl Day<'_> {
    /// A part is paid, or all of it goes back, and whoever is served has paid it: nobody else is served meanwhile.
    pub(super) fn parts(&mut self, purchase: &PurchaseView) {
        let Some(serving) = &mut self.people.serving else {
            // Whoever paid a part has left.
            let wish = match purchase.stage {
                PurchaseStage::Open if purchase.may_give_up => Intent::Purchase(PurchaseIntent::GiveUp),
                PurchaseStage::Open => Intent::ShowKeypad,
                PurchaseStage::GoingBack | PurchaseStage::Back | PurchaseStage::APersonMustLook => Intent::NextCustomer,
            };
            return self.send(wish);
        };
        self.slot.remove();
        let rest = self.people.customers[serving.customer].rest;
        match purchase.stage {
            PurchaseStage::Open => {
                if serving.in_parts.is_none() {
                    serving.patience = 0;
                }
                let tries = serving.in_parts.get_or_insert(0);
                (serving.begun, serving.to_look_up) = (true, false);
                if let Some(rest) = rest.filter(|_| purchase.may_pay && *tries < TRIES) {
                    *tries += 1;
                    serving.inserted = false;
                    match rest {
                        Rest::Card(_) => self.send(Intent::Purchase(PurchaseIntent::AnotherCard)),
                        Rest::Phone(phone) => self.turns_to_phone(phone),
                        Rest::Cash(_) => self.send(Intent::Purchase(PurchaseIntent::Cash)),
                    }
                } else if purchase.may_give_up && (rest.is_none() || purchase.may_pay) {
                    self.send(Intent::Purchase(PurchaseIntent::GiveUp));
                } else {
                    serving.patience += 1;
                    if serving.patience > PATIENCE {
                        self.leaves();
                    }
                }
            }
            PurchaseStage::Back => {
                serving.in_parts = None;
                self.tell(Word::NotPaid);
                self.leaves();
            }
            PurchaseStage::GoingBack | PurchaseStage::APersonMustLook => {
                serving.patience += 1;
                if serving.patience > PATIENCE {
                    serving.in_parts = None;
                    self.leaves();
                }
            }
        }
    }
}
