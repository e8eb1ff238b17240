//! What a slip says of a transaction in the ledger, for whoever prints, shows or writes it.

use std::sync::Arc;

use jiff::civil::Date;

use super::cash::newest_of;
use super::purchase_view::{was_paid, was_paid_of};
use super::setup::{Setup, SetupError, receipt_key};
use crate::emv::cvm::Verification;
use crate::host_tables::TerminalParameters;
use crate::ledger::{Ledger, LedgerError, TransactionRow};
use crate::payment::online::EntryMode;
use crate::payment::purchase::{Known, Means, Purchase, PurchaseState};
use crate::payment::signature::Signature;
use crate::payment::transaction::Money;
use crate::proof::tree::Head;
use crate::receipt::link::{LinkKey, MOST_PARTS, ReceiptAddress, ReceiptLink, USUAL_DAYS};
use crate::receipt::{CardEntry, CopyFor, Letterhead, Logo, PaidBy, PurchaseSlip, Receipt, SaleSlip, SlipPart};
use crate::reference::{Batch, ReferenceError, Stan, TerminalNumber, TraceNumber};
use crate::terminal::identity::Identity;
use crate::terminal::mark::Mark;

/// A signature in the dots of a slip, as large as fits on narrow paper. One that cannot be printed is given with a pen.
fn on_paper(signature: &Signature) -> Option<Arc<Logo>> {
    let picture = signature.on_paper(Logo::WIDEST);
    Logo::new(picture.width(), picture.bits().to_vec()).map(Arc::new).ok()
}

/// Whose slips they are.
pub(super) struct SlipOf<'a> {
    /// Who this terminal is.
    pub identity: &'a Identity,
    /// What the acquirer wants on slips.
    pub parameters: &'a TerminalParameters,
    /// What links to e-receipts are signed by.
    pub receipt_key: Option<&'a LinkKey>,
    /// What the shop has at head and foot of its slips.
    pub letterhead: &'a Arc<Letterhead>,
    /// What the terminal is.
    pub mark: Mark,
}

/// Name of the shop: the acquirer may want another one on slips than in the binding record.
pub(super) fn merchant_name(identity: &Identity, parameters: &TerminalParameters) -> String {
    parameters.merchant_name.as_ref().unwrap_or(&identity.merchant_name).clone()
}

impl SlipOf<'_> {
    /// The slip of a row, without goods and what was signed.
    ///
    /// # Errors
    /// When a number of the identity cannot be.
    pub fn slip(&self, row: &TransactionRow, head: Option<Head>, duplicate: u32) -> Result<SaleSlip, ReferenceError> {
        let identity = self.identity;
        let terminal_number = identity.terminal_number()?;
        let log_head = head.as_ref().map(Head::code);
        Ok(SaleSlip {
            merchant_name: merchant_name(identity, self.parameters),
            merchant_code: identity.merchant_code()?,
            acquirer_code: identity.acquirer_code.clone(),
            kind: row.kind.word(),
            trace: row.trace,
            original: row.original,
            at: row.at,
            amount: row.amount,
            tip: None,
            instalments: None,
            goes_back: row.kind.money() == Money::ToCustomer,
            entry: match row.entry {
                EntryMode::Chip => CardEntry::Chip,
                EntryMode::Stripe => CardEntry::Stripe,
                EntryMode::Fallback => CardEntry::Fallback,
                EntryMode::Typed => CardEntry::Typed,
                EntryMode::NotRead => CardEntry::None,
            },
            goods: Vec::new(),
            truncated_pan: row.truncated_pan.clone(),
            code_tail: row.code_tail.clone(),
            voucher: row.voucher.clone(),
            card_sequence_number: row.sequence_number,
            bank: row.bank.clone(),
            application_label: row.application_label.clone(),
            aid: row.aid.clone(),
            card_expiry: row.card_expiry.clone(),
            rrn: row.rrn.clone(),
            authorisation_code: row.authorisation_code.clone(),
            cryptogram: row.cryptogram.clone(),
            tvr: row.tvr.clone().unwrap_or_default(),
            tsi: row.tsi.clone().unwrap_or_default(),
            atc: row.atc.clone(),
            signature: row.signature,
            signed: None,
            signature_spared: !row.signature && row.verification.is_some_and(Verification::needs_signature),
            trailer: self.parameters.trailer.clone(),
            pin_checked_by_bank: row.brought_pin(),
            link: self.link(&terminal_number, row.trace, row.at.date(), log_head.clone()),
            log_head,
            cashier: row.cashier.map(|cashier| cashier.to_string()),
            duplicate: (duplicate > 0).then_some(duplicate),
            letterhead: Arc::clone(self.letterhead),
            mark: self.mark,
            terminal_number,
        })
    }

    /// What the customer gets of an approved row, with goods: of one that pays a part of a purchase, the receipt of the purchase.
    ///
    /// # Errors
    /// When the ledger cannot be read, a number of the identity cannot be, or the purchase is not paid to its end.
    pub fn receipt(&self, ledger: &Ledger, row: &TransactionRow, duplicate: u32) -> Result<Receipt, DuplicateError> {
        if let Some(receipt) = self.receipt_of_purchase(ledger, row.trace, duplicate)? {
            return Ok(receipt);
        }
        let slip = self.slip(row, ledger.log_head_of(row.trace)?, duplicate)?;
        let signed = ledger.signature_of(row.trace)?.and_then(|signed| on_paper(&signed.signature));
        Ok(Receipt::Sale(Box::new(SaleSlip {
            goods: ledger.sold_in(row.trace)?,
            tip: ledger.tip_of(row.trace)?,
            instalments: ledger
                .instalments_of(row.trace)?
                .and_then(|instalments| instalments.plan)
                .map(|plan| plan.on_slip()),
            signed,
            ..slip
        })))
    }

    /// The receipt of the purchase of which a number pays a part; nothing, where it pays none.
    ///
    /// # Errors
    /// When the ledger cannot be read, a number of the identity cannot be, or the purchase is not paid to its end.
    pub fn receipt_of_purchase(
        &self,
        ledger: &Ledger,
        trace: TraceNumber,
        duplicate: u32,
    ) -> Result<Option<Receipt>, DuplicateError> {
        let Some(purchase) = ledger.purchase_of(trace)? else { return Ok(None) };
        if purchase.state != PurchaseState::Paid {
            return Err(DuplicateError::NotPaid(purchase.number));
        }
        Ok(Some(Receipt::Purchase(Box::new(self.purchase(ledger, &purchase, duplicate)?))))
    }

    /// The slip of a purchase that is over.
    ///
    /// # Errors
    /// When the ledger cannot be read, or a number of the identity cannot be.
    pub fn purchase(
        &self,
        ledger: &Ledger,
        purchase: &Purchase,
        duplicate: u32,
    ) -> Result<PurchaseSlip, DuplicateError> {
        let identity = self.identity;
        let given_up = purchase.state == PurchaseState::GivenUp;
        let (mut parts, mut goods, mut tip, mut cashier) = (Vec::new(), Vec::new(), None, None);
        for part in &purchase.parts {
            let counts = if given_up { was_paid(part) } else { part.known() == Known::Paid };
            if !counts {
                continue;
            }
            if parts.is_empty() {
                goods = ledger.sold_in(part.trace)?;
                tip = ledger.tip_of(part.trace)?;
            }
            let is_back = given_up && part.went_back() == Known::NotPaid;
            let by = if let Some(row) = ledger.find(part.trace)? {
                let by = SlipPart { is_back, ..part_of_slip(&row) };
                parts.push(by);
                row.cashier
            } else if let Some(row) = ledger.cash(part.trace)? {
                parts.push(SlipPart::in_cash(Some(row.trace), row.amount, row.given.zip(row.change)));
                row.cashier
            } else {
                continue;
            };
            cashier = by.map(|by| by.to_string()).or(cashier);
        }
        let terminal_number = identity.terminal_number()?;
        let link = self.link_of_purchase(purchase);
        Ok(PurchaseSlip {
            merchant_name: merchant_name(identity, self.parameters),
            merchant_code: identity.merchant_code()?,
            terminal_number,
            acquirer_code: identity.acquirer_code.clone(),
            state: purchase.state.word(),
            number: Some(purchase.number),
            at: purchase.opened_at,
            due: purchase.due,
            paid: if given_up { was_paid_of(purchase) } else { purchase.paid() },
            goods,
            tip: tip.filter(|_| !given_up),
            link,
            parts,
            trailer: self.parameters.trailer.clone(),
            cashier,
            duplicate: (duplicate > 0).then_some(duplicate),
            mark: self.mark,
        })
    }

    /// The customer's link to the e-receipt; nothing where the acquirer has no e-receipts. A slip without one is a slip all the
    /// same.
    pub fn link(
        &self,
        terminal: &TerminalNumber,
        trace: TraceNumber,
        paid_on: Date,
        log_head: Option<String>,
    ) -> Option<(String, Date)> {
        let one = ReceiptLink {
            terminal: terminal.clone(),
            trace,
            parts: Vec::new(),
            cash_minor: None,
            until: paid_on,
            log_head,
        };
        self.written(one)
    }

    /// The customer's link to the e-receipt of all of a purchase that is paid: it names each of its parts, and what was paid in cash, and
    /// leaves the head of the log out, for which its code has no room. Nothing as [`SlipOf::link`]; and where a purchase has more parts
    /// than a code holds, or of two batches.
    pub fn link_of_purchase(&self, purchase: &Purchase) -> Option<(String, Date)> {
        if purchase.state != PurchaseState::Paid {
            return None;
        }
        let paid = || purchase.parts.iter().filter(|part| part.known() == Known::Paid);
        let mut traces = paid().filter(|part| part.means != Means::Cash).map(|part| part.trace);
        let trace = traces.next()?;
        let others: Vec<TraceNumber> = traces.collect();
        if others.len() > MOST_PARTS || others.iter().any(|other| other.batch != trace.batch) {
            return None;
        }
        let in_cash = paid().filter(|part| part.means == Means::Cash);
        let cash_minor =
            in_cash.fold(None, |sum: Option<u64>, part| Some(sum.unwrap_or_default() + part.amount.minor()));
        self.written(ReceiptLink {
            terminal: self.identity.terminal_number().ok()?,
            trace,
            parts: others.iter().map(|other| other.stan).collect(),
            cash_minor,
            until: purchase.opened_at.date(),
            log_head: None,
        })
    }

    /// A link whose payment was made on the day that stands in it, as it is written, with the last day on which it opens anything.
    fn written(&self, paid: ReceiptLink) -> Option<(String, Date)> {
        let base = self.parameters.receipt_address.as_deref()?;
        let address = ReceiptAddress::new(base, self.parameters.receipt_days.unwrap_or(USUAL_DAYS)).ok()?;
        let key = self.receipt_key.filter(|_| ReceiptLink::can_name(&paid.terminal))?;
        let link = ReceiptLink { until: address.until(paid.until), ..paid };
        match link.text(&address, key) {
            Ok(text) => Some((text, link.until)),
            Err(error) => {
                tracing::error!(trace = %link.trace, %error, "no link to an e-receipt");
                None
            }
        }
    }
}

/// A transaction that pays a part of a purchase.
fn part_of_slip(row: &TransactionRow) -> SlipPart {
    SlipPart {
        means: if row.kind.is_by_code() { PaidBy::Code } else { PaidBy::Card },
        trace: Some(row.trace),
        amount: row.amount,
        tender: None,
        truncated_pan: row.truncated_pan.clone(),
        bank: row.bank.clone(),
        application_label: row.application_label.clone(),
        aid: row.aid.clone(),
        cryptogram: row.cryptogram.clone(),
        rrn: row.rrn.clone(),
        authorisation_code: row.authorisation_code.clone(),
        voucher: row.voucher.clone(),
        signature: row.signature,
        is_back: false,
    }
}

/// Why a slip cannot be written again.
#[derive(Debug, thiserror::Error)]
pub enum DuplicateError {
    /// There is none.
    #[error("the ledger has no approved payment {0}; yima transactions lists them")]
    None(String),
    /// It pays a part of a purchase that is open, or was given up.
    #[error("it pays a part of purchase {0}, which is not paid to its end: there is no receipt")]
    NotPaid(i64),
    /// The terminal's parts.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The identity.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl Setup {
    /// The slip of an approved payment once more, or of a purchase of which the number pays a part, marked as the duplicate that would be printed next. Nothing is written down.
    ///
    /// # Errors
    /// When the ledger has no such payment, or cannot be read.
    pub fn duplicate(&self, batch: Option<Batch>, stan: Stan, copy: CopyFor) -> Result<Receipt, DuplicateError> {
        let identity = self.identity()?;
        let none = || {
            let batch = batch.map(|batch| format!("{batch}/")).unwrap_or_default();
            DuplicateError::None(format!("{batch}{stan}"))
        };
        let ledger = self.ledger_to_look_at(&identity)?.ok_or_else(none)?;
        let trace = newest_of(&ledger, batch, stan)?.ok_or_else(none)?;
        let row = ledger.find(trace)?.filter(TransactionRow::has_slips);
        let printed = ledger.copies_of(trace)?.iter().filter(|known| known.copy == copy).count();
        let key = receipt_key(&*self.vault()?).map_err(SetupError::from)?;
        let about = SlipOf {
            identity: &identity,
            parameters: &self.host_tables(&identity)?.terminal,
            receipt_key: Some(&key),
            letterhead: &self.letterhead(),
            mark: self.mark(&identity),
        };
        let duplicate = u32::try_from(printed.max(1)).unwrap_or(u32::MAX);
        match row {
            Some(row) => about.receipt(&ledger, &row, duplicate),
            // Cash that paid the rest of a purchase.
            None => about.receipt_of_purchase(&ledger, trace, duplicate)?.ok_or_else(none),
        }
    }
}
