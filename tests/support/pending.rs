//! A payment as an engine writes it down before it asks the host.

use jiff::civil::date;
use yima::card_number::Pan;
use yima::emv::cvm::Verification;
use yima::money::{Amount, Currency};
use yima::payment::online::EntryMode;
use yima::payment::record::{Pending, Record};
use yima::payment::transaction::Kind;

/// One of so much, in minor units.
pub fn pending(minor: u64) -> Record {
    Record::Pending(Box::new(Pending {
        kind: Kind::Sale,
        original: None,
        amount: Amount::new(minor, Currency::CNY).unwrap(),
        at: date(2026, 11, 22).at(14, 26, 9, 0),
        entry: EntryMode::Chip,
        verification: Verification::None,
        pan: Pan::of_digits("6228480000000001230").unwrap().into(),
        sequence_number: None,
        card_expiry: None,
        aid: "A000000333010101".to_owned(),
        application_label: "UnionPay Debit".to_owned(),
        bank: None,
        chip_data: vec![1],
        instalments: None,
    }))
}
