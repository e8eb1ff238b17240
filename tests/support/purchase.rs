//! A purchase of 12.34 yuan: what tests and measurements of the kernel begin with, in this crate and outside of it.
//!
//! Whoever takes this file in has [`TransactionData`] and [`TransactionKind`] in scope.

use super::{TransactionData, TransactionKind};

pub fn purchase() -> TransactionData {
    TransactionData {
        kind: TransactionKind::Purchase,
        amount: [0, 0, 0, 0, 0x12, 0x34],
        amount_other: [0; 6],
        currency: [0x01, 0x56],
        currency_exponent: 2,
        date: [0x26, 0x11, 0x24],
        time: [0x12, 0x00, 0x00],
        unpredictable_number: [1, 2, 3, 4],
        random_number: None,
        forced_online: false,
        sequence_counter: [0, 0, 0, 1],
        terminal_identification: b"00000001".to_vec(),
        merchant_identifier: b"000000000000001".to_vec(),
        interface_serial_number: *b"00000001",
    }
}
