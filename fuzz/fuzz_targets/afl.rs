//! Application file locator: only possible records, never more than the locator can name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::emv::afl;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(places) = afl::records(bytes) {
        assert!(places.len() <= bytes.len() / 4 * 255);
        assert!(places.iter().all(|place| (1..=30).contains(&place.sfi) && place.record >= 1));
    }
});
