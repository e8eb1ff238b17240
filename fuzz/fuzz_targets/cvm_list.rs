//! Cardholder verification method list: any list ends in a verdict or is refused, whatever card and cardholder do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::emv::apdu::Status;
use yima::emv::cvm::{CardholderVerification, Circumstances, Next};
use yima::emv::data::DataObjects;
use yima::emv::pin::PinEntry;
use yima::emv::results::Tvr;
use yima::emv::tag;
use yima::emv::terminal::{Place, TransactionKind};

fuzz_target!(|bytes: &[u8]| {
    let mut data = DataObjects::default();
    data.put(tag::CVM_LIST, bytes);
    data.put(tag::AMOUNT_AUTHORISED, [0, 0, 0, 0, 0x12, 0x34]);
    data.put(tag::TERMINAL_CAPABILITIES, [0xE0, 0xF8, 0xC8]);
    data.put(tag::APPLICATION_CURRENCY, [0x01, 0x56]);
    data.put(tag::TRANSACTION_CURRENCY, [0x01, 0x56]);
    let circumstances = Circumstances {
        kind: TransactionKind::Purchase,
        place: Place::Attended,
        capability: 0xF8,
        pin_key: None,
    };
    let mut tvr = Tvr::default();
    let Ok(Some((mut verification, mut next))) = CardholderVerification::start(&data, circumstances, &mut tvr) else {
        return;
    };
    for _ in 0..=2 * bytes.len() {
        next = match next {
            Next::Send(_) => verification.answer(&[], Status(0x6A88), &mut tvr),
            Next::Ask(_) => verification.entered(PinEntry::PadBroken, &mut tvr),
            Next::Done(_) | Next::Refused(_) => return,
        };
    }
    panic!("the list does not end");
});
