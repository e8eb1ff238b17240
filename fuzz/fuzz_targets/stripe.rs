//! What a reader of stripes says: any text is a card or is refused, and nothing of one is shown but its truncated number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::card_number::Swipe;

fuzz_target!(|text: &str| {
    for checked in [false, true] {
        let Ok(swipe) = Swipe::parse(text, checked) else { continue };
        let pan = swipe.track2().pan().unwrap();
        assert!(swipe.track2().expose_digits().len() <= 37);
        assert!(!format!("{swipe:?}").contains(pan.expose_digits()));
    }
});
