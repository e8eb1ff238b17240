//! Field 59, of requests and of answers: any text is read or refused, and what was read is read again the same when it is
//! written anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::acquirer::device::{DeviceRecord, read_mark, write_mark};
use yima::iso8583::BindingTags;

fuzz_target!(|text: &str| {
    let tags = BindingTags::default();
    if let Ok(record) = DeviceRecord::read(text, &tags) {
        let written = record.write(&tags);
        // A length has three digits; what was read has fewer characters than that.
        if text.len() < 900 {
            assert_eq!(DeviceRecord::read(&written, &tags), Ok(record));
        }
    }
    if let Ok(Some(mark)) = read_mark(text, &tags) {
        let written = write_mark(mark, &tags);
        if text.len() < 900 {
            assert_eq!(read_mark(&written, &tags), Ok(Some(mark)));
        }
    }
});
