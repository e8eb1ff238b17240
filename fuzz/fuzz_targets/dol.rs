//! Data object lists: filled exactly as long as asked, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::emv::data::{DataObjects, fill};
use yima::emv::{oda, tag};

fuzz_target!(|bytes: &[u8]| {
    let mut data = DataObjects::default();
    data.put(tag::AMOUNT_AUTHORISED, [0, 0, 0, 0, 0x12, 0x34]);
    data.put(tag::PAN, [0x62, 0x28, 0x48]);
    let filled = fill(bytes, &data);
    if oda::choose_ddol(Some(bytes), None).is_ok() {
        assert!(filled.is_ok(), "a list that can be checked can be filled");
    }
});
