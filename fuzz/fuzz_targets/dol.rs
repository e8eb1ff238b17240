//! Data object lists: filled exactly as long as asked, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::emv::data::DataObjects;
use yima::emv::dol::DataObjectList;
use yima::emv::{oda, tag};

fuzz_target!(|bytes: &[u8]| {
    let mut data = DataObjects::default();
    data.put(tag::AMOUNT_AUTHORISED, [0, 0, 0, 0, 0x12, 0x34]);
    data.put(tag::PAN, [0x62, 0x28, 0x48]);
    match DataObjectList::parse(tag::CDOL1, bytes) {
        Ok(list) => assert!(list.fill(&data).len() <= 255),
        // Longer than one command is refused by the list, not by what looks for the challenge in it.
        Err(_) => {
            let _ = oda::choose_ddol(Some(bytes), None);
        }
    }
});
