//! Who stands at the counter, and what they do: they go by the screen alone.
//!
//! A cashier who sees that a payment was not made, or cannot see what became of it, may begin it again, as the plan says; one
//! who sees that it was made never does.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use yima::app::cash_view::{CashIntent, CashStage};
use yima::app::view::{CopyState, CopyView, Intent, RowState, Screen};
use yima::money::{Amount, Currency};
use yima::payment::queue::{Act, Kind, Resolution, Standing, may_be_tried_again};
use yima::pin::Pin;
use yima::reference::TraceNumber;
use yima::sandbox::host::Host;
use yima::sandbox::host::code_payments::OrderState;
use yima::sandbox::host::store::EntryState;
use yima::wording::ReasonKind;

use super::back::{Back, Undone};
use super::cash::InCash;
use super::offline::begins;
use super::settling::SaidClosed;
use super::{Day, Happening};
use crate::plan::{Cancels, Cash, Customer, Rest};

/// Looks at the list while it is still found out whether something is paid.
const WAIT: u32 = 60;

/// Exactly what is to be paid.
const NOTHING_MORE: Cash = Cash { more: 0, miscounts: false };

/// The people of a day.
#[derive(Default)]
pub struct People {
    pub customers: Vec<Customer>,
    pub to_come: usize,
    pub(super) waiting: VecDeque<usize>,
    pub(super) serving: Option<Serving>,
    /// Who has paid and comes back.
    pub(super) to_return: Vec<usize>,
    /// What was done for those who came back, as the screen said.
    pub undone: Vec<Undone>,
    pub told: Vec<Told>,
    pub in_cash: InCash,
    /// So often somebody settles as soon as there is a keypad.
    pub(super) to_settle: u32,
    /// Looks at a settlement that is on the screen.
    pub(super) looks: u32,
    /// What the screen said of settlements that are over.
    pub said_closed: Vec<SaidClosed>,
    /// What was given up and is tried once more.
    tried_again: BTreeSet<TraceNumber>,
}

/// What a customer was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Paid,
    NotPaid,
}

/// What was said, to whom, and how many payments had been sent for that customer until then.
#[derive(Clone, Debug)]
pub struct Told {
    pub customer: usize,
    pub word: Word,
    pub payments: Vec<TraceNumber>,
}

/// Somebody at the counter.
pub(super) struct Serving {
    pub(super) customer: usize,
    pub(super) tries: u32,
    /// Came back for something.
    pub(super) back: Option<Back>,
    /// The button was touched, and nothing has been said since.
    pub(super) begun: bool,
    /// It is not known what became of a payment, because the power went.
    pub(super) to_look_up: bool,
    pub(super) cancelled: bool,
    pub(super) inserted: bool,
    pub(super) paid: bool,
    pub(super) patience: u32,
    pub(super) wrong_pins: u32,
    /// A part is paid: so many cards were tried for the rest.
    pub(super) in_parts: Option<u32>,
    /// The code that was shown to the terminal last.
    pub(super) last_code: Option<String>,
    /// The code of the terminal's that was scanned last.
    pub(super) scanned: Option<String>,
    /// For so much enough was given in cash, and nothing has been said since.
    pub(super) gave_cash: Option<u64>,
    pub(super) paid_in_cash: bool,
}

impl People {
    /// Nobody is there, and nobody will come.
    pub fn are_gone(&self) -> bool {
        self.to_come == 0 && self.waiting.is_empty() && self.serving.is_none()
    }

    /// Somebody is served.
    pub const fn are_served(&self) -> bool {
        self.serving.is_some()
    }

    /// A customer comes and waits for the others.
    pub fn come(&mut self, customer: usize) {
        self.to_come -= 1;
        self.waiting.push_back(customer);
    }

    /// The terminal is off: whoever is served does not know what came of it.
    pub fn see_it_go_off(&mut self) {
        if let Some(serving) = &mut self.serving {
            serving.to_look_up |= serving.begun || (serving.gave_cash.is_some() && !serving.paid_in_cash);
            serving.begun = false;
        }
    }
}

impl Day<'_> {
    pub(super) fn acts_soon(&mut self, reaction_ms: u64) {
        if !self.acts {
            self.acts = true;
            self.after(Duration::from_millis(reaction_ms), Happening::Acts(self.run));
        }
    }

    pub(super) fn tell(&mut self, word: Word) {
        let Some(serving) = &mut self.people.serving else { return };
        if !std::mem::take(&mut serving.begun) {
            return;
        }
        serving.paid |= word == Word::Paid;
        let customer = serving.customer;
        if word == Word::Paid && self.people.customers[customer].regrets.is_some() {
            self.people.to_return.push(customer);
            self.people.waiting.push_back(customer);
        }
        let owners = self.network.owners();
        let payments = owners.into_iter().filter(|(_, owner)| *owner == customer).map(|(trace, _)| trace).collect();
        self.people.told.push(Told { customer, word, payments });
    }

    pub(super) fn leaves(&mut self) {
        self.slot.remove();
        let gone = self.people.serving.take();
        self.people.in_cash.not_known.extend(gone.filter(|gone| !gone.paid_in_cash).and_then(|gone| gone.gave_cash));
        self.network.serves(None);
        self.send(Intent::NextCustomer);
        self.acts_soon(1500);
    }

    fn charges(&mut self) {
        let Some(serving) = &mut self.people.serving else { return };
        let customer = &self.people.customers[serving.customer];
        if serving.tries >= customer.tries {
            return self.leaves();
        }
        serving.tries += 1;
        (serving.begun, serving.inserted) = (true, false);
        let amount = Amount::new(customer.minor, Currency::CNY).unwrap();
        if customer.cash.is_some() {
            return self.pays_in_cash(amount);
        }
        let (twice, intent) = (customer.touches_twice, begins(customer, serving.tries, amount));
        self.send(intent.clone());
        if twice {
            self.send(intent);
        }
    }

    pub(super) fn cashier_acts(&mut self) {
        let Some(screen) = self.screen() else { return };
        if self.people.serving.is_none() {
            match &screen {
                Screen::Keypad { .. } if self.people.to_settle > 0 => self.settles_at_keypad(),
                Screen::Keypad { .. } => {
                    let Some(customer) = self.people.waiting.pop_front() else { return };
                    self.network.serves(Some(customer));
                    let wrong_pins = self.people.customers[customer].wrong_pins;
                    let was_here = self.people.to_return.contains(&customer);
                    let back = self.comes_back(customer);
                    let errand = back.is_some();
                    // Of what its bank did not pay nothing goes back.
                    if was_here && !errand {
                        self.network.serves(None);
                        return self.acts_soon(1500);
                    }
                    self.people.serving = Some(Serving {
                        customer,
                        tries: 0,
                        back,
                        begun: false,
                        to_look_up: false,
                        cancelled: false,
                        inserted: false,
                        paid: false,
                        patience: 0,
                        wrong_pins,
                        in_parts: None,
                        last_code: None,
                        scanned: None,
                        gave_cash: None,
                        paid_in_cash: false,
                    });
                    if errand { self.begins_errand() } else { self.charges() }
                }
                Screen::Approved { copies, .. } if self.minds_slips(copies) => {}
                Screen::Approved { .. } => self.send(Intent::NextCustomer),
                Screen::NotPaid { .. } | Screen::Unknown { .. } | Screen::Transactions { .. } => {
                    self.send(Intent::NextCustomer);
                }
                Screen::PresentCard { .. } => self.send(Intent::Cancel),
                Screen::Purchase(purchase) => self.parts(purchase),
                Screen::Settlement(view) => self.watches_settlement(view),
                Screen::Cash(view) => match &view.stage {
                    CashStage::Asks { .. } => self.send(Intent::Cash(CashIntent::Leave)),
                    CashStage::Done { copies, .. } if self.minds_slips(copies) => {}
                    CashStage::Done { .. } => self.send(Intent::NextCustomer),
                },
                Screen::ShowCode { .. } => self.send(Intent::Cancel),
                _ => {}
            }
            return self.acts_soon(5000);
        }
        self.serves(&screen);
        // Somebody always looks again.
        self.acts_soon(3000);
    }

    fn serves(&mut self, screen: &Screen) {
        let Some(serving) = &mut self.people.serving else { return };
        if serving.back.is_some() {
            return self.serves_who_came_back(screen);
        }
        let customer = self.people.customers[serving.customer].clone();
        let phone = customer.phone.filter(|phone| serving.in_parts.is_none() && !(phone.gives_up && serving.tries > 1));
        let in_cash = match customer.rest {
            Some(Rest::Cash(cash)) if serving.in_parts.is_some() => Some(cash),
            _ => customer.cash,
        };
        match screen {
            Screen::Purchase(purchase) => self.parts(purchase),
            // It is over, and nobody saw how: the list tells.
            Screen::Keypad { .. } if serving.in_parts.take().is_some() => {
                serving.begun = false;
                self.send(Intent::ShowTransactions(0));
            }
            Screen::Keypad { .. } if serving.paid => self.leaves(),
            Screen::Keypad { .. } if serving.to_look_up => self.send(Intent::ShowTransactions(0)),
            Screen::Keypad { .. } => self.charges(),
            Screen::PresentCard { notice, .. } => {
                if notice.as_ref().is_some_and(|reason| reason.kind == ReasonKind::RemoveCard) {
                    self.slot.remove();
                } else if customer.cancels == Some(Cancels::BeforeCard) && !serving.cancelled {
                    serving.cancelled = true;
                    self.send(Intent::Cancel);
                } else if !serving.inserted {
                    serving.inserted = true;
                    if let Some(phone) = phone {
                        return self.turns_to_phone(phone);
                    }
                    let fault = customer.card_fault.filter(|_| serving.tries == 1);
                    let card = match customer.rest.filter(|_| serving.in_parts.is_some()) {
                        Some(Rest::Card(card)) => card,
                        _ => customer.card,
                    };
                    self.slot.insert(card, fault);
                }
            }
            Screen::EnterPin { .. } => {
                let digits = if serving.wrong_pins > 0 { b"9999".to_vec() } else { b"1234".to_vec() };
                serving.wrong_pins = serving.wrong_pins.saturating_sub(1);
                self.send(Intent::EnterPin(Pin::new(digits.into()).unwrap()));
            }
            Screen::ChooseApplication { .. } => self.send(Intent::ChooseApplication(0)),
            Screen::ConfirmApplication { .. } => self.send(Intent::ConfirmApplication(true)),
            Screen::ShowCode { .. } if customer.cancels == Some(Cancels::WhileProcessing) && !serving.cancelled => {
                serving.cancelled = true;
                self.send(Intent::Cancel);
            }
            Screen::ShowCode { code, .. } => self.scans(code),
            Screen::Cash(view) if in_cash.is_some() => self.gives_cash(view, in_cash.unwrap_or(NOTHING_MORE)),
            Screen::Processing { .. } => {
                if customer.cancels == Some(Cancels::WhileProcessing) && !serving.cancelled {
                    serving.cancelled = true;
                    self.send(Intent::Cancel);
                }
            }
            // No acquirer of these days wants it on the screen.
            Screen::Sign { .. } => {}
            Screen::Approved { copies, .. } => {
                // After a power cut it may be another's, of long ago: the list tells.
                let mine = !serving.to_look_up;
                if mine {
                    self.tell(Word::Paid);
                }
                if !customer.forgets_card {
                    self.slot.remove();
                }
                if self.minds_slips(copies) {
                    return;
                }
                if let Some(serving) = &mut self.people.serving {
                    serving.in_parts = None;
                }
                if mine { self.leaves_with(customer.forgets_card) } else { self.send(Intent::NextCustomer) }
            }
            Screen::NotPaid { .. } if serving.in_parts.is_some() => {
                self.slot.remove();
                self.send(Intent::NextCustomer);
            }
            Screen::NotPaid { .. } => {
                let to_look_up = serving.to_look_up;
                self.tell(Word::NotPaid);
                self.slot.remove();
                if to_look_up {
                    self.send(Intent::ShowTransactions(0));
                } else if self.may_sell_offline(&customer) {
                    self.sells_offline();
                } else {
                    self.charges();
                }
            }
            Screen::Unknown { .. } => {
                self.slot.remove();
                serving.patience += 1;
                if serving.patience < 3 {
                    return;
                }
                if serving.in_parts.is_some() {
                    self.send(Intent::NextCustomer);
                } else if serving.to_look_up {
                    self.send(Intent::ShowTransactions(0));
                } else if customer.insists {
                    self.charges();
                } else if serving.patience > 8 {
                    self.leaves();
                }
            }
            Screen::Transactions { rows, .. } => {
                // Who is not asked whether it is paid, as that is still found out, does not pay once more.
                serving.patience += 1;
                if rows.iter().any(|row| row.state == RowState::Pending) && serving.patience < WAIT {
                    return self.send(Intent::ShowKeypad);
                }
                let newest = rows.first().map(|row| (row.trace, row.state));
                serving.to_look_up = false;
                if let (Some(row), Some(minor)) = (rows.first(), serving.gave_cash.take())
                    && self.finds_cash(row, minor)
                {
                    return self.leaves();
                }
                let Some(serving) = &mut self.people.serving else { return };
                let owner = newest.and_then(|(trace, _)| self.network.owners().get(&trace).copied());
                let paid = newest.is_some_and(|(_, state)| state == RowState::Approved);
                if owner == Some(serving.customer) && paid {
                    serving.begun = true;
                    self.tell(Word::Paid);
                    return self.leaves();
                }
                self.charges();
            }
            Screen::OutOfService { .. } => {
                serving.begun = false;
                serving.to_look_up = true;
                serving.patience += 1;
                if serving.patience > 60 {
                    self.leaves();
                }
            }
            Screen::Transaction(_)
            | Screen::Receipt(_)
            | Screen::Cart(_)
            | Screen::Cash(_)
            | Screen::Goods(_)
            | Screen::Settlement(_)
            | Screen::Queue { .. }
            | Screen::Staff(_)
            | Screen::Seek { .. }
            | Screen::Tip(_)
            | Screen::Instalments(_)
            | Screen::TypeNumber { .. }
            | Screen::Turning(_)
            | Screen::Enrol { .. } => self.send(Intent::ShowKeypad),
        }
    }

    fn leaves_with(&mut self, card_stays: bool) {
        let inserted = !self.slot.is_empty();
        if !(card_stays && inserted) {
            return self.leaves();
        }
        self.people.serving = None;
        self.network.serves(None);
        self.send(Intent::NextCustomer);
        self.acts_soon(1500);
    }

    /// Answers what is asked about slips; false when nothing is left to be done about them.
    pub(super) fn minds_slips(&mut self, copies: &[CopyView]) -> bool {
        for copy in copies {
            match &copy.state {
                CopyState::Asks(_) => {
                    let printed = self.random.percent(60);
                    self.send(Intent::DidItPrint { copy: copy.copy, printed });
                    return true;
                }
                CopyState::Failed(_) => {
                    self.send(Intent::RetryPrint);
                    return true;
                }
                CopyState::Queued | CopyState::Sending | CopyState::Waiting(_) => return true,
                CopyState::Printed => {}
            }
        }
        false
    }

    /// A person decides about what was given up, after asking the acquirer.
    pub(super) fn decide(&mut self) {
        let Some(engine) = &self.engine else { return };
        let parked = engine.ledger().entries().unwrap_or_default();
        for entry in parked.into_iter().filter(|entry| entry.standing == Standing::Parked) {
            // Once more first: the host may only have been out of order.
            let act = if may_be_tried_again(&entry) && self.people.tried_again.insert(entry.trace) {
                Act::Retry
            } else {
                Act::Resolve(match entry.kind {
                    Kind::Reversal | Kind::Repeat | Kind::OfflineSale if self.is_booked(entry.original) => {
                        Resolution::Charged
                    }
                    Kind::Reversal | Kind::Repeat | Kind::OfflineSale => Resolution::Reversed,
                    Kind::Advice(_) | Kind::Signature => Resolution::Noted,
                })
            };
            self.send(Intent::Decide(entry.trace, act));
        }
    }

    /// What the acquirer says when it is asked.
    fn is_booked(&self, trace: TraceNumber) -> bool {
        let entries = self.network.host(|host| host.store.ledger()).unwrap();
        let orders = self.network.street(Host::code_orders).unwrap();
        let refunds = self.network.street(Host::code_refunds).unwrap();
        entries.iter().any(|host| host.trace == trace && host.state == EntryState::Approved)
            || orders.iter().any(|order| order.trace == trace && order.state == OrderState::Paid)
            || refunds.iter().any(|refund| refund.trace == trace && !refund.booked.is_zero())
    }
}
