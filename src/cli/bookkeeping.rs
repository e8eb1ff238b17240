//! What was done at the terminal as a table: a line for each payment, or for each good that was sold in one.

use super::Failure;
use super::table::{Table, free};
use crate::goods::SoldGood;
use crate::ledger::{CashRow, Ledger, Listed, TransactionRow};
use crate::money::Amount;
use crate::payment::cash::CashKind;
use crate::payment::queue::Resolution;
use crate::reference::TraceNumber;
use crate::settlement::{Scheme, Side, is_charged};
use crate::wording::ReasonKind;

/// Columns of a line for each payment.
const OF_PAYMENTS: [&str; 24] = [
    "batch",
    "stan",
    "kind",
    "original",
    "state",
    "net",
    "amount",
    "tip",
    "currency",
    "at",
    "method",
    "card",
    "label",
    "entry",
    "code",
    "rrn",
    "auth_code",
    "response_code",
    "periods",
    "purchase",
    "given",
    "change",
    "cashier",
    "reason",
];

/// Columns of a line for each good.
const OF_GOODS: [&str; 17] = [
    "batch", "stan", "kind", "state", "at", "cashier", "line", "number", "name", "quantity", "unit", "price",
    "discount", "amount", "tax_rate", "currency", "method",
];

/// Lines of payments, or of what was sold in them.
pub struct Books {
    table: Table,
    goods: bool,
    archive: bool,
}

/// What a line says of the payment, and of each of its goods.
struct Payment<'r> {
    trace: TraceNumber,
    kind: &'static str,
    state: &'static str,
    at: String,
    cashier: String,
    method: &'static str,
    amount: &'r Amount,
}

impl Books {
    /// `goods`: a line for each good instead. `archive`: one more column says from which archive a line is.
    ///
    /// # Errors
    /// Never, for text.
    pub fn begin(goods: bool, archive: bool) -> Result<Self, Failure> {
        let columns: &[&str] = if goods { &OF_GOODS } else { &OF_PAYMENTS };
        let columns: Vec<_> = columns.iter().copied().chain(archive.then_some("archive")).collect();
        Ok(Self { table: Table::of(&columns)?, goods, archive })
    }

    /// Adds what is in a row of the ledger.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn add(&mut self, ledger: &Ledger, row: &Listed, archive: &str) -> Result<(), Failure> {
        match row {
            Listed::Payment(row) if self.goods => self.add_goods(ledger, &payment(row), archive),
            Listed::Cash(row) if self.goods => self.add_goods(ledger, &cash(row), archive),
            Listed::Payment(row) => self.add_payment(ledger, row, archive),
            Listed::Cash(row) => self.add_cash(ledger, row, archive),
        }
    }

    /// Puts it out.
    ///
    /// # Errors
    /// Never, for text.
    pub fn say(self) -> Result<(), Failure> {
        self.table.say()
    }

    fn line(&mut self, mut cells: Vec<String>, archive: &str) -> Result<(), Failure> {
        if self.archive {
            cells.push(archive.to_owned());
        }
        self.table.line(&cells)
    }

    fn add_payment(&mut self, ledger: &Ledger, row: &TransactionRow, archive: &str) -> Result<(), Failure> {
        let Payment { kind, state, at, cashier, method, .. } = payment(row);
        let by_code = row.kind.is_by_code();
        let card = |text: &str| if by_code { String::new() } else { free(text).into_owned() };
        let cells = vec![
            row.trace.batch.to_string(),
            row.trace.stan.to_string(),
            kind.to_owned(),
            row.original.map(|original| original.to_string()).unwrap_or_default(),
            state.to_owned(),
            net(row),
            row.amount.to_string(),
            ledger.tip_of(row.trace)?.map(|tip| tip.to_string()).unwrap_or_default(),
            row.amount.currency().code().to_owned(),
            at,
            method.to_owned(),
            card(&row.truncated_pan),
            card(&row.application_label),
            card(row.entry.word()),
            row.code_tail.as_deref().map(free).unwrap_or_default().into_owned(),
            row.rrn.as_ref().map(ToString::to_string).unwrap_or_default(),
            row.authorisation_code.as_ref().map(|code| free(code.as_str()).into_owned()).unwrap_or_default(),
            row.response_code.as_ref().map(ToString::to_string).unwrap_or_default(),
            row.periods.map(|periods| periods.to_string()).unwrap_or_default(),
            purchase(ledger, row.trace)?,
            String::new(),
            String::new(),
            cashier,
            row.resolution.map(Resolution::word).or(row.reason.map(ReasonKind::word)).unwrap_or_default().to_owned(),
        ];
        self.line(cells, archive)
    }

    fn add_cash(&mut self, ledger: &Ledger, row: &CashRow, archive: &str) -> Result<(), Failure> {
        let Payment { kind, state, at, cashier, method, .. } = cash(row);
        let net = match row.kind {
            CashKind::Sale => row.amount.to_string(),
            CashKind::Refund => format!("-{}", row.amount),
        };
        let none = String::new;
        let cells = vec![
            row.trace.batch.to_string(),
            row.trace.stan.to_string(),
            kind.to_owned(),
            row.sale.map(|sale| sale.to_string()).unwrap_or_default(),
            state.to_owned(),
            net,
            row.amount.to_string(),
            none(),
            row.amount.currency().code().to_owned(),
            at,
            method.to_owned(),
            none(),
            none(),
            none(),
            none(),
            none(),
            none(),
            none(),
            none(),
            purchase(ledger, row.trace)?,
            row.given.map(|given| given.to_string()).unwrap_or_default(),
            row.change.map(|change| change.to_string()).unwrap_or_default(),
            cashier,
            none(),
        ];
        self.line(cells, archive)
    }

    fn add_goods(&mut self, ledger: &Ledger, payment: &Payment<'_>, archive: &str) -> Result<(), Failure> {
        for (index, good) in ledger.sold_in(payment.trace)?.iter().enumerate() {
            self.line(good_of(payment, index + 1, good), archive)?;
        }
        Ok(())
    }
}

fn good_of(payment: &Payment<'_>, line: usize, good: &SoldGood) -> Vec<String> {
    vec![
        payment.trace.batch.to_string(),
        payment.trace.stan.to_string(),
        payment.kind.to_owned(),
        payment.state.to_owned(),
        payment.at.clone(),
        payment.cashier.clone(),
        line.to_string(),
        good.number.to_string(),
        free(good.name.as_str()).into_owned(),
        good.quantity.to_string(),
        good.unit.word().to_owned(),
        good.price.to_string(),
        good.discount.to_string(),
        good.amount.to_string(),
        good.tax_rate.to_string(),
        payment.amount.currency().code().to_owned(),
        payment.method.to_owned(),
    ]
}

fn payment(row: &TransactionRow) -> Payment<'_> {
    // Of a card without its chip the beginning of the number says whose it is.
    let whose = if row.aid.is_empty() { row.truncated_pan.get(..6).unwrap_or_default() } else { &row.aid };
    Payment {
        trace: row.trace,
        kind: row.kind.word(),
        state: row.state.word(),
        at: row.at.to_string(),
        cashier: row.cashier.map(|cashier| cashier.to_string()).unwrap_or_default(),
        method: if row.kind.is_by_code() { "code" } else { Scheme::of_aid(whose).word() },
        amount: &row.amount,
    }
}

fn cash(row: &CashRow) -> Payment<'_> {
    Payment {
        trace: row.trace,
        kind: row.kind.word(),
        state: "approved",
        at: row.at.to_string(),
        cashier: row.cashier.map(|cashier| cashier.to_string()).unwrap_or_default(),
        method: "cash",
        amount: &row.amount,
    }
}

/// What a payment adds to the merchant's money, with a minus where it takes some away: nothing, where it was not charged or moves none.
fn net(row: &TransactionRow) -> String {
    match Side::of(row.kind).filter(|_| is_charged(row.state, row.resolution)) {
        Some(Side::Debit) => row.amount.to_string(),
        Some(Side::Credit) => format!("-{}", row.amount),
        None => Amount::zero(row.amount.currency()).to_string(),
    }
}

/// The number of the purchase of which it pays a part.
fn purchase(ledger: &Ledger, trace: TraceNumber) -> Result<String, Failure> {
    Ok(ledger.purchase_of(trace)?.map(|purchase| purchase.number.to_string()).unwrap_or_default())
}
