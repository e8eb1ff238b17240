//! Requests of a test terminal, for the tests of this module.

use jiff::civil::date;

use super::messages::Requests;
use crate::card_number::{Pan, Track2};
use crate::goods::sold::Sold;
use crate::iso8583::Dialect;
use crate::iso8583::dialect::SHIPPED;
use crate::money::{Amount, Currency};
use crate::payment::advice::{Advice, AdviceKind};
use crate::payment::online::{CardForHost, EntryMode, ReversalReason, ReversalRequest, SaleRequest};
use crate::payment::qr::{CodeRefund, Order, Paid, PaymentCode};
use crate::payment::record::State;
use crate::payment::signature::{Point, Signature, SignatureUpload, Strokes};
use crate::payment::transaction::{Kind, Original, Past};
use crate::reference::{AuthorisationCode, Batch, Rrn, Stan, TraceNumber};
use crate::terminal::binding::{BindingRecord, Place};
use crate::terminal::identity::Identity;
use crate::terminal::machine::Fingerprint;
use crate::vault::KeyName;
use crate::vault::software::SoftwareVault;

/// The PIN key of [`with_requests`].
pub const PIN_KEY: [u8; 16] = [5; 16];

/// The dialect of an acquirer that knows no offline sales.
pub fn without_offline_sales() -> Dialect {
    let (_, shipped) = SHIPPED.iter().find(|(name, _)| *name == "unionpay").unwrap();
    let lines = shipped.lines().filter(|line| !line.starts_with("offline_sale = {"));
    Dialect::parse(&lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap()
}

/// Runs a test with a terminal of the shipped dialect.
pub fn with_requests<T>(run: impl FnOnce(&Requests<'_>) -> T) -> T {
    let dialect = Dialect::shipped("unionpay").unwrap();
    let record = bound_record();
    let machine = Fingerprint::take(&[]).unwrap().proof(&record.serial_number).unwrap();
    let identity = Identity::of(&record, machine).unwrap();
    let vault = SoftwareVault::in_memory();
    vault.set(KeyName::Mac, &[3; 16]);
    vault.set(KeyName::Device, &[4; 16]);
    vault.set(KeyName::Pin, &PIN_KEY);
    run(&Requests { dialect: &dialect, tpdu: &dialect.tpdu, identity: &identity, vault: &vault })
}

/// What that terminal is bound to.
pub fn bound_record() -> BindingRecord {
    BindingRecord {
        version: 1,
        issued_at: jiff::Timestamp::UNIX_EPOCH,
        test: true,
        serial_number: "00000102TEST0001".to_owned(),
        device_key: "00".repeat(32),
        acquirer_code: "48520000".to_owned(),
        merchant_code: "898000000000001".to_owned(),
        terminal_number: "10000001".to_owned(),
        merchant_name: "TEST".to_owned(),
        credit_code: "91000000TE5T00001W".to_owned(),
        settlement_account: "6222****0001".to_owned(),
        address: "TEST".to_owned(),
        place: Place { latitude_e6: 0, longitude_e6: 0, radius_m: 1 },
    }
}

/// 12.34 CNY with a chip card.
pub fn sale_request() -> SaleRequest {
    let track = [0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD3, 0x01, 0x22, 0x01, 0x1F];
    SaleRequest {
        trace: trace(),
        kind: Kind::Sale,
        original: None,
        amount: Amount::new(1234, Currency::CNY).unwrap(),
        at: date(2026, 11, 22).at(14, 3, 5, 0),
        card: CardForHost {
            pan: Pan::parse("4111111111111111").unwrap(),
            expiry: Some([0x30, 0x12]),
            track2: Some(Track2::from_packed(&track).unwrap()),
            track3: None,
            sequence_number: Some(1),
            entry: EntryMode::Chip,
        },
        chip_data: vec![0x9F, 0x36, 0x02, 0, 1].into(),
        pin: None,
        in_part: false,
        instalments: None,
        sold: Sold::default(),
    }
}

/// What a later transaction refers to: 12.34 CNY with the card of [`sale_request`], in the batch before.
pub fn original() -> Original {
    Original {
        trace: TraceNumber { batch: Batch::new(6).unwrap(), stan: Stan::new(9).unwrap() },
        at: date(2026, 11, 21).at(9, 0, 0, 0),
        amount: Amount::new(1234, Currency::CNY).unwrap(),
        rrn: Rrn::parse("263260000001").ok(),
        authorisation_code: AuthorisationCode::parse("654321").ok(),
        pan: Pan::parse("4111111111111111").unwrap().into(),
        periods: None,
    }
}

/// The same as something that can be used.
pub fn past(kind: Kind, original: Original) -> Past {
    let given_back = Amount::zero(original.amount.currency());
    let topped_up = given_back;
    Past { kind, state: State::Approved, original, given_back, used: false, told: true, topped_up, top_up_open: false }
}

/// Batch and STAN of a sign-on.
pub fn sign_on_trace() -> TraceNumber {
    trace()
}

/// Takes [`sale_request`] back.
pub fn reversal_request() -> ReversalRequest {
    let sale = sale_request();
    ReversalRequest {
        kind: sale.kind,
        trace: sale.trace,
        amount: sale.amount,
        at: sale.at,
        entry: sale.card.entry,
        with_pin: false,
        sequence_number: sale.card.sequence_number,
        reason: ReversalReason::NoAnswer,
        authorisation_code: AuthorisationCode::parse("123456").ok(),
        chip_data: vec![0x9F, 0x36, 0x02, 0, 1],
        by_instalments: false,
    }
}

/// Tells of [`sale_request`] when it is over.
pub fn advice(kind: AdviceKind) -> Advice {
    let sale = sale_request();
    Advice {
        kind,
        trace: TraceNumber { batch: sale.trace.batch, stan: sale.trace.stan.next() },
        original: sale.trace,
        payment: sale.kind,
        amount: sale.amount,
        at: sale.at,
        entry: sale.card.entry,
        with_pin: false,
        sequence_number: sale.card.sequence_number,
        chip_data: vec![0x9F, 0x36, 2, 0, 1, 0x9F, 0x5B, 5, 0x20, 0, 0, 0, 1],
        by_instalments: false,
    }
}

/// An order of 12.34 CNY.
pub fn code_order() -> Order {
    Order { trace: trace(), amount: sale_request().amount, at: sale_request().at }
}

/// What a customer shows.
pub fn payment_code() -> PaymentCode {
    PaymentCode::parse("281234567890123456").unwrap()
}

/// Pays 2.34 CNY of [`code_order`] back.
pub fn code_refund() -> CodeRefund {
    let paid = Paid { rrn: Rrn::parse("263260000001").ok(), voucher: Some("V0001".to_owned()) };
    let trace = TraceNumber { batch: trace().batch, stan: trace().stan.next() };
    let amount = Amount::new(234, Currency::CNY).unwrap();
    CodeRefund { trace, order: code_order(), paid, amount, at: date(2026, 11, 22).at(15, 0, 0, 0) }
}

fn trace() -> TraceNumber {
    TraceNumber { batch: Batch::new(7).unwrap(), stan: Stan::new(42).unwrap() }
}

/// The signature of [`sale_request`].
pub fn signature_upload() -> SignatureUpload {
    let mut strokes = Strokes::default();
    strokes.begin(Point { x: 500, y: 400 });
    strokes.go_on(Point { x: 2500, y: 1500 });
    SignatureUpload {
        trace: trace(),
        rrn: Rrn::parse("000000000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        signature: Signature::of(&strokes, 999).unwrap(),
    }
}
