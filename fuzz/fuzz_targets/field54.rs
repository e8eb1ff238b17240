//! Field 54: any text is so many whole balances, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::acquirer::balances;

fuzz_target!(|text: &str| {
    if let Ok(read) = balances::read(text) {
        assert!(!read.is_empty() && text.len() == 20 * read.len());
    }
});
