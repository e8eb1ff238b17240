//! What `yima decode` says: any bytes of any tag are taken apart or refused at an offset within them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::emv::decode::{self, DecodeError, track2};
use yima::emv::dictionary;

fuzz_target!(|bytes: &[u8]| {
    let values = dictionary::OBJECTS.iter().filter_map(|object| decode::by_tag(object.tag, bytes));
    for decoded in values.chain([track2::read(bytes).map(decode::Decoded::Track2)]) {
        match decoded {
            Ok(decoded) => drop(decoded.lines()),
            Err(DecodeError::Length { offset, .. } | DecodeError::Content { offset, .. }) => {
                assert!(offset <= bytes.len());
            }
            Err(DecodeError::Tlv(_)) => {}
        }
    }
});
