//! What a card transaction begins with, and what the EMV kernel is told of it.

use std::sync::Arc;

use jiff::civil::DateTime;

use super::chooser::Chooser;
use super::entry::{CardBy, EntryRules};
use super::transaction::Transaction;
use crate::emv::kernel::TransactionData;
use crate::emv::terminal::TerminalData;
use crate::host_tables::HostTables;
use crate::reference::{MerchantCode, TerminalNumber, TraceNumber};

/// Everything a transaction begins with. Time and entropy come from outside.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Batch and STAN, never used before.
    pub trace: TraceNumber,
    /// What is to be done.
    pub transaction: Transaction,
    /// Local time.
    pub at: DateTime,
    /// 9F37: fresh from the system's random generator.
    pub unpredictable_number: [u8; 4],
    /// Merchant code.
    pub merchant_code: MerchantCode,
    /// Terminal number.
    pub terminal_number: TerminalNumber,
    /// Terminal serial number; its last eight characters become 9F1E.
    pub serial_number: String,
    /// Who chooses among several applications of a card.
    pub chooser: Chooser,
    /// The terminal's side of EMV, as it is without a PIN pad.
    pub terminal: TerminalData,
    /// What the acquirer decides about this terminal.
    pub tables: Arc<HostTables>,
    /// A cardholder may go on without a PIN (EMV 4.4 Book 4, 6.3.4.3).
    pub pin_bypass: bool,
    /// The issuer may approve less than all of a sale: somebody is there who takes the rest in another way.
    pub in_part: bool,
    /// In which ways its card may come.
    pub by: CardBy,
    /// What is allowed of cards without their chip.
    pub entry: EntryRules,
}

impl Opening {
    /// The transaction as the kernel knows it (EMV 4.4 Book 3, annex A: objects of the terminal).
    pub(super) fn transaction_data(&self) -> TransactionData {
        let (at, amount) = (self.at, self.transaction.amount());
        let serial: Vec<u8> = self.serial_number.bytes().collect();
        let mut interface_serial_number = [b'0'; 8];
        for (to, from) in interface_serial_number.iter_mut().rev().zip(serial.iter().rev()) {
            *to = *from;
        }
        TransactionData {
            kind: self.transaction.kind().for_kernel(),
            amount_other: [0; 6],
            amount: packed(amount.minor()),
            currency: packed(u64::from(amount.currency().numeric())),
            currency_exponent: amount.currency().exponent(),
            date: packed(at.year().unsigned_abs() as u64 % 100 * 10_000 + at.month() as u64 * 100 + at.day() as u64),
            time: packed(at.hour() as u64 * 10_000 + at.minute() as u64 * 100 + at.second() as u64),
            unpredictable_number: self.unpredictable_number,
            // What is to go online does: nothing is left to chance.
            random_number: None,
            // Only the issuer can split it into periods, whatever card and terminal would let pass by themselves.
            forced_online: self.transaction.periods().is_some(),
            sequence_counter: packed(u64::from(self.trace.stan.number())),
            terminal_identification: self.terminal_number.as_str().as_bytes().to_vec(),
            merchant_identifier: self.merchant_code.as_str().as_bytes().to_vec(),
            interface_serial_number,
        }
    }
}

/// Decimal digits, two a byte, right aligned.
fn packed<const N: usize>(mut number: u64) -> [u8; N] {
    let mut bytes = [0; N];
    for byte in bytes.iter_mut().rev() {
        let pair = (number % 100) as u8;
        *byte = ((pair / 10) << 4) | (pair % 10);
        number /= 100;
    }
    bytes
}
