//! Key blocks: none can harm, and a header that can be read makes a block that can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::crypto::key_block::{Header, padding_length, unwrap, wrap};

const PROTECTION_KEY: [u8; 16] = [7; 16];
const KEY: [u8; 16] = [5; 16];

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = unwrap(&PROTECTION_KEY, text);
    let Ok(header) = Header::parse(text) else { return };
    let padding = vec![0; padding_length(header.protection, KEY.len(), 0)];
    if let Ok(block) = wrap(&PROTECTION_KEY, &header, &KEY, &padding) {
        let unwrapped = unwrap(&PROTECTION_KEY, &block).expect("what was wrapped can be unwrapped");
        assert_eq!(unwrapped.key[..], KEY);
    }
});
