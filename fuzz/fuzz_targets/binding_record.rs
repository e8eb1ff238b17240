//! The binding record: any text is read or refused, and what is read was written in the one way there is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::terminal::binding::BindingRecord;

fuzz_target!(|text: &str| {
    if let Ok(record) = BindingRecord::parse(text) {
        assert_eq!(record.text(), text);
        assert!(record.mark().expect("OpenSSL hashes").disagreement("").is_some());
    }
});
