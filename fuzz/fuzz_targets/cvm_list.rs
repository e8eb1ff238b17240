//! Cardholder verification method list: any list ends in a result or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::emv::data::DataObjects;
use yima::emv::results::Tvr;
use yima::emv::{cvm, tag};

fuzz_target!(|bytes: &[u8]| {
    let mut data = DataObjects::default();
    data.put(tag::CVM_LIST, bytes);
    data.put(tag::AMOUNT_AUTHORISED, [0, 0, 0, 0, 0x12, 0x34]);
    data.put(tag::TERMINAL_CAPABILITIES, [0xE0, 0xF8, 0xC8]);
    data.put(tag::APPLICATION_CURRENCY, [0x01, 0x56]);
    data.put(tag::TRANSACTION_CURRENCY, [0x01, 0x56]);
    let _ = cvm::verify(&data, &mut Tvr::default());
});
