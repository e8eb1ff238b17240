//! A slip to measure, to draw and to show: a sale by card with every field, to be signed.

use std::sync::Arc;

use yima::money::{Amount, Currency};
use yima::receipt::SaleSlip;
use yima::reference::{AuthorisationCode, Batch, MerchantCode, Rrn, Stan, TerminalNumber, TraceNumber};
use yima::terminal::mark::Mark;

pub fn sale() -> SaleSlip {
    SaleSlip {
        tip: None,
        instalments: None,
        merchant_name: "老王小吃店".into(),
        merchant_code: MerchantCode::parse("898440100000001").unwrap(),
        terminal_number: TerminalNumber::parse("00000001").unwrap(),
        acquirer_code: "48981234".into(),
        kind: "sale",
        trace: TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(123).unwrap() },
        original: None,
        at: "2026-03-05T14:26:09".parse().unwrap(),
        amount: Amount::new(1234, Currency::CNY).unwrap(),
        goes_back: false,
        entry: yima::receipt::CardEntry::Chip,
        goods: Vec::new(),
        truncated_pan: "622848*********1230".into(),
        code_tail: None,
        voucher: None,
        card_sequence_number: Some(1),
        bank: Some("中国农业银行".into()),
        application_label: "UnionPay Debit".into(),
        aid: "A000000333010101".into(),
        card_expiry: Some("3012".into()),
        rrn: Some(Rrn::parse("012345678901").unwrap()),
        authorisation_code: Some(AuthorisationCode::parse("A12B3C").unwrap()),
        cryptogram: Some("0123456789ABCDEF".into()),
        tvr: "0000008000".into(),
        tsi: "E800".into(),
        atc: Some("001A".into()),
        signature: true,
        signed: None,
        signature_spared: false,
        pin_checked_by_bank: false,
        trailer: Vec::new(),
        log_head: Some(format!("58/{}", "0A1B2C3D".repeat(8))),
        link: None,
        cashier: None,
        duplicate: None,
        mark: Mark::Live,
        letterhead: Arc::default(),
    }
}
