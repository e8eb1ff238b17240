//! Cash at the counter: what is paid is asked for, written down, and then the drawer opens and the slip comes out. No host is asked, so
//! it goes on when the line is down.
//!
//! The drawer opens at most once for each sale. That it is to open stands in the row of the sale, which is durable before the pulse
//! leaves; the pulse is sent by who has just written that row and by nobody else, never after a restart and never with a slip that is
//! printed again.

use super::cash_view::{CashFor, CashIntent, CashStage, CashView, DrawerView};
use super::engine::Core;
use super::report::{Ending, SaleReport, Timings};
use super::setup::Setup;
use super::showing::local_now;
use super::slips::{DuplicateError, merchant_name};
use super::staff::Takes;
use super::staff_view::StaffView;
use super::view::{RowKind, RowState, Screen, TransactionRow};
use super::workers::printer::Job;
use crate::clock;
use crate::devices::printer::DrawerFault;
use crate::devices::sound::Tone;
use crate::goods::SoldGood;
use crate::goods::sold::Sold;
use crate::host_tables::TerminalParameters;
use crate::ledger::{CashRow, CopyRow, DrawerState, Ledger, LedgerError, Listed, Search};
use crate::money::Amount;
use crate::payment::cash::{CashError, CashKind, Tender, likely};
use crate::payment::purpose::Purpose;
use crate::payment::signature::SignedOn;
use crate::payment::transaction::Kind;
use crate::people::{Right, ShiftError};
use crate::receipt::{self, CashSlip, CopyFor};
use crate::reference::{Batch, ReferenceError, Stan, TraceNumber};
use crate::terminal::identity::Identity;
use crate::terminal::mark::Mark;
use crate::wording::{Reason, ReasonKind, Sense};

/// What the engine knows of cash beside the ledger. Only its own thread touches it.
#[derive(Debug, Default)]
pub(super) struct CashDesk {
    asking: Option<Asking>,
}

/// Somebody is asked what the customer gives.
#[derive(Clone, Debug)]
struct Asking {
    amount: Amount,
    sold: Sold,
    of: Owed,
}

/// Of what that amount is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    /// Of what was keyed or named.
    Keyed,
    /// Of what is in the cart.
    Cart,
    /// Of a purchase of which a part is paid.
    Rest,
}

impl CashDesk {
    /// Nobody is asked any more.
    pub fn leave(&mut self) {
        self.asking = None;
    }
}

impl Core {
    /// What somebody wants with cash.
    pub(super) fn on_cash(&mut self, intent: CashIntent) {
        if self.pays() || self.waiting.is_some() {
            return;
        }
        match intent {
            CashIntent::Begin(what) => self.ask_for_cash(what),
            CashIntent::Take(given) => self.take_cash(given),
            CashIntent::Leave => self.leave_cash(),
            CashIntent::OpenDrawer => self.open_drawer_by_hand(),
        }
    }

    fn ask_for_cash(&mut self, what: CashFor) {
        let (amount, sold, of) = match what {
            CashFor::Amount(amount) => (amount, Sold::default(), Owed::Keyed),
            CashFor::Goods(sold) => (sold.amount(), sold, Owed::Keyed),
            CashFor::Cart => {
                let Some(sold) = self.cart_to_pay() else { return };
                (sold.amount(), sold, Owed::Cart)
            }
        };
        if !self.parts.cash || amount.is_zero() || self.purchase_is_open() {
            return;
        }
        self.leave_result();
        self.cash.asking = Some(Asking { amount, sold, of });
        self.show_asking(None);
    }

    /// The rest of the purchase that is open is paid in cash: what is given for it?
    pub(super) fn ask_for_rest_in_cash(&mut self, rest: Amount) {
        if !self.parts.cash || rest.is_zero() {
            return;
        }
        self.cash.asking = Some(Asking { amount: rest, sold: Sold::default(), of: Owed::Rest });
        self.show_asking(None);
    }

    fn show_asking(&mut self, notice: Option<Reason>) {
        let Some(Asking { amount, .. }) = self.cash.asking else { return };
        if notice.is_some() {
            self.parts.sound.play(Tone::Alert);
        }
        let stage = CashStage::Asks { likely: likely(amount), notice };
        self.screen = Screen::Cash(Box::new(CashView { kind: CashKind::Sale, amount, stage }));
    }

    fn leave_cash(&mut self) {
        match self.cash.asking.take() {
            Some(Asking { of: Owed::Cart, .. }) => self.show_cart(None),
            // A purchase that is open is shown instead of the keypad.
            Some(Asking { of: Owed::Keyed | Owed::Rest, .. }) => self.show_keypad(),
            None => {}
        }
    }

    /// So much was given: the sale is durable, then the drawer opens, then the slip is printed.
    fn take_cash(&mut self, given: Amount) {
        let Some(asking) = self.cash.asking.clone() else { return };
        let tender = match Tender::new(asking.amount, given) {
            Ok(tender) => tender,
            Err(error) => return self.show_asking(Some(reason_of(&error.into()))),
        };
        // What an earlier run left is taken up first, as before any payment.
        if self.left_over
            && let Err(error) = self.take_up_what_was_left()
        {
            return self.ledger_failed(&error);
        }
        let with_drawer = self.parts.printer_profile.drawer.is_some();
        let written = match asking.of {
            Owed::Rest => self.ledger.pay_rest_in_cash(tender, local_now(), with_drawer),
            Owed::Keyed | Owed::Cart => {
                self.ledger.record_cash_sale(tender, local_now(), asking.sold.lines(), with_drawer)
            }
        };
        match written {
            Ok(row) => {
                tracing::info!(trace = %row.trace, of = ?asking.of, "cash is recorded");
                self.leave_result();
                if asking.of == Owed::Cart {
                    self.empty_cart();
                }
                self.show_cash_done(&row);
                self.after_cash_row(&row);
            }
            Err(error) if is_said(&error) => self.show_asking(Some(reason_of(&error))),
            Err(error) => self.ledger_failed(&error),
        }
    }

    /// What was wanted of an earlier number, where that is a cash sale: no host is asked. False where it is none.
    pub(super) fn goes_back_in_cash(&mut self, purpose: &Purpose) -> bool {
        let Purpose::Refund(sale, wanted) = purpose.what() else { return false };
        match self.ledger.cash(*sale) {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(error) => {
                self.refuse(purpose.clone(), Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()));
                return true;
            }
        }
        let with_drawer = self.parts.printer_profile.drawer.is_some();
        match self.ledger.record_cash_refund(*sale, *wanted, local_now(), with_drawer) {
            Ok(row) => {
                tracing::info!(trace = %row.trace, %sale, "a cash refund is recorded");
                self.leave_result();
                self.report = Some(SaleReport {
                    kind: Kind::Refund,
                    original: Some(*sale),
                    purchase: None,
                    instalments: None,
                    ending: Ending::Approved,
                    amount: row.amount,
                    trace: Some(row.trace),
                    reason: None,
                    card: None,
                    rrn: None,
                    authorisation_code: None,
                    response_code: None,
                    balances: Vec::new(),
                    signed: SignedOn::Nothing,
                    copies: Vec::new(),
                    timings: Timings::start(),
                    complete: false,
                });
                self.show_cash_done(&row);
                self.after_cash_row(&row);
            }
            Err(error) => self.refuse(purpose.clone(), reason_of(&error)),
        }
        true
    }

    /// The row is durable: the pulse first, then the slip.
    fn after_cash_row(&mut self, row: &CashRow) {
        self.parts.sound.play(Tone::Approved);
        if row.drawer == DrawerState::Asked {
            self.send_pulse(Some(row.trace));
        }
        self.print_new(row.trace);
    }

    /// Sends the pulse, once: that it is sent is written down already.
    pub(super) fn send_pulse(&mut self, of: Option<TraceNumber>) {
        let job = Job::OpenDrawer { of, wanted: clock::instant() };
        if self.printer_jobs.send(job).is_err() {
            self.after_pulse(of, Err(DrawerFault::TooLate));
        }
    }

    /// What came of the pulse. One that did not leave is not sent again: the drawer has a key.
    pub(super) fn after_pulse(&mut self, of: Option<TraceNumber>, result: Result<(), DrawerFault>) {
        let (stored, shown) = match result {
            Ok(()) => (DrawerState::Opened, DrawerView::Opened),
            Err(fault) => {
                tracing::warn!(trace = of.map(|trace| trace.to_string()), %fault, "the drawer did not open");
                self.parts.sound.play(Tone::Alert);
                let reason = Reason::with_detail(ReasonKind::DrawerStuck, fault.to_string());
                (DrawerState::Failed, DrawerView::Failed(reason))
            }
        };
        let Some(trace) = of else {
            // Whoever wanted it open stands there.
            if let DrawerView::Failed(reason) = shown {
                match &mut self.screen {
                    Screen::Keypad { notice } => *notice = Some(reason),
                    Screen::Staff(view) => {
                        if let StaffView::Shift(shift) = &mut **view {
                            shift.notice = Some(reason);
                        }
                    }
                    _ => {}
                }
            }
            return;
        };
        if let Err(error) = self.ledger.drawer_is(trace, stored) {
            tracing::error!(%trace, %error, "what came of opening the drawer could not be written");
        }
        if let Screen::Cash(view) = &mut self.screen
            && let CashStage::Done { trace: of_screen, drawer, .. } = &mut view.stage
            && *of_screen == trace
        {
            *drawer = shown;
        }
    }

    /// Shows a cash sale or refund that is written down.
    pub(super) fn show_cash_done(&mut self, row: &CashRow) {
        self.result_shown = Some(row.trace);
        self.slips_shown = Some(row.trace);
        let stage = CashStage::Done {
            trace: row.trace,
            given: row.given,
            change: row.change,
            at: row.at,
            drawer: match row.drawer {
                DrawerState::None => DrawerView::Unknown,
                DrawerState::Asked => DrawerView::Opening,
                DrawerState::Opened => DrawerView::Opened,
                DrawerState::Failed => DrawerView::Failed(Reason::of(ReasonKind::DrawerStuck)),
            },
            copies: self.copy_views(row.trace),
        };
        self.screen = Screen::Cash(Box::new(CashView { kind: row.kind, amount: row.amount, stage }));
    }

    /// The same after a restart: whether the drawer opened is not known, and it is not opened again.
    pub(super) fn show_cash_of_before(&mut self, row: &CashRow) {
        self.show_cash_done(row);
        if let Screen::Cash(view) = &mut self.screen
            && let CashStage::Done { drawer, .. } = &mut view.stage
            && *drawer == DrawerView::Opening
        {
            *drawer = DrawerView::Unknown;
        }
    }

    /// The content of a slip of cash; nothing, where the number is a payment's.
    pub(super) fn cash_slip_bytes(&self, copy: &CopyRow) -> Result<Option<Vec<u8>>, String> {
        let Some(row) = self.ledger.cash(copy.trace).map_err(|error| error.to_string())? else { return Ok(None) };
        // What paid the rest of a purchase has the receipt of the purchase.
        let of_purchase = self.about_slips().receipt_of_purchase(&self.ledger, copy.trace, copy.duplicate);
        if let Some(receipt) = of_purchase.map_err(|error| error.to_string())? {
            return Ok(Some(receipt.render(copy.copy, &self.parts.printer_profile, self.parts.language)));
        }
        let shop =
            Shop { identity: &self.parts.identity, parameters: &self.parts.tables.terminal, mark: self.parts.mark };
        let goods = self.ledger.sold_in(copy.trace).map_err(|error| error.to_string())?;
        let slip = shop.slip_of(&row, goods, copy.duplicate).map_err(|error| error.to_string())?;
        Ok(Some(receipt::render_cash(&slip, copy.copy, &self.parts.printer_profile, self.parts.language)))
    }
}

/// Whose slips they are.
struct Shop<'a> {
    identity: &'a Identity,
    parameters: &'a TerminalParameters,
    mark: Mark,
}

impl Shop<'_> {
    fn slip_of(&self, row: &CashRow, goods: Vec<SoldGood>, duplicate: u32) -> Result<CashSlip, ReferenceError> {
        Ok(CashSlip {
            merchant_name: merchant_name(self.identity, self.parameters),
            merchant_code: self.identity.merchant_code()?,
            terminal_number: self.identity.terminal_number()?,
            kind: row.kind.word(),
            goes_back: row.kind == CashKind::Refund,
            trace: row.trace,
            sale: row.sale,
            at: row.at,
            amount: row.amount,
            tender: row.given.zip(row.change),
            goods,
            cashier: row.cashier.map(|cashier| cashier.to_string()),
            duplicate: (duplicate > 0).then_some(duplicate),
            mark: self.mark,
        })
    }
}

impl Setup {
    /// The slip of a cash sale or refund once more, marked as the duplicate that would be printed next. Nothing is written down, and
    /// no drawer opens. Nothing, where the number is a payment's, or its newest use is; nor where it paid the rest of a purchase, which has
    /// one receipt for all of it.
    ///
    /// # Errors
    /// When the ledger cannot be read, or there is no such copy.
    pub fn cash_duplicate(
        &self,
        batch: Option<Batch>,
        stan: Stan,
        copy: CopyFor,
    ) -> Result<Option<CashSlip>, DuplicateError> {
        let identity = self.identity()?;
        let Some(ledger) = self.ledger_to_look_at(&identity)? else { return Ok(None) };
        let Some(trace) = newest_of(&ledger, batch, stan)? else { return Ok(None) };
        let Some(row) = ledger.cash(trace)? else { return Ok(None) };
        if ledger.purchase_of(trace)?.is_some() {
            return Ok(None);
        }
        if !CashRow::copies(row.kind).contains(&copy) {
            return Err(DuplicateError::None(format!("{} with a {} copy", row.trace, copy.word())));
        }
        let printed = ledger.copies_of(row.trace)?.iter().filter(|known| known.copy == copy).count();
        let tables = self.host_tables(&identity)?;
        let shop = Shop { identity: &identity, parameters: &tables.terminal, mark: self.mark(&identity) };
        let duplicate = u32::try_from(printed.max(1)).unwrap_or(u32::MAX);
        Ok(Some(shop.slip_of(&row, ledger.sold_in(row.trace)?, duplicate)?))
    }
}

/// The newest payment or cash sale with this number.
pub(super) fn newest_of(ledger: &Ledger, batch: Option<Batch>, stan: Stan) -> Result<Option<TraceNumber>, LedgerError> {
    if let Some(batch) = batch {
        return Ok(Some(TraceNumber { batch, stan }));
    }
    let search = Search { stan: Some(stan), ..Search::default() };
    Ok(ledger.list(Some(&search), None, 1)?.rows.pop().map(|row| match row {
        Listed::Cash(row) => row.trace,
        Listed::Payment(row) => row.trace,
    }))
}

/// A row of the list.
pub(super) fn view_of_cash(row: &CashRow) -> TransactionRow {
    TransactionRow {
        kind: RowKind::Cash(row.kind),
        trace: row.trace,
        at: row.at,
        amount: row.amount,
        truncated_pan: String::new(),
        state: RowState::Approved,
    }
}

/// What is said to people; anything else closes the terminal.
const fn is_said(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Cash(_) | LedgerError::Shift(_) | LedgerError::NoSuchRow(_) | LedgerError::Purchase(_))
}

fn reason_of(error: &LedgerError) -> Reason {
    match error {
        LedgerError::Cash(CashError::TooLittle { .. }) => Reason::of(ReasonKind::CashTooLittle),
        LedgerError::Shift(ShiftError::TooLittle) => Reason::of(ReasonKind::DrawerTooLittle),
        LedgerError::Purchase(not_now) => not_now.reason(),
        LedgerError::Cash(_) | LedgerError::Shift(_) | LedgerError::NoSuchRow(_) => {
            Reason::with_detail(ReasonKind::CashRefused, error.to_string())
        }
        error => Reason::with_detail(ReasonKind::LedgerFailed, error.to_string()).of_sense(Sense::Refund),
    }
}

/// What this takes.
pub(super) const fn takes(intent: &CashIntent) -> Takes {
    match intent {
        CashIntent::Begin(_) => Takes::Right(Right::Sale),
        CashIntent::OpenDrawer => Takes::Right(Right::Drawer),
        // It belongs to a sale that was begun by whoever may.
        CashIntent::Take(_) | CashIntent::Leave => Takes::Nothing,
    }
}
