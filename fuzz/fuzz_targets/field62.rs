//! Field 62 of a download: any bytes are read or refused at a place within them, and what was read is read again the same
//! when it is written anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::acquirer::parameters::field62::{self, SentKey};
use yima::iso8583::dialect::AmountCoding;

fuzz_target!(|bytes: &[u8]| {
    for coding in [AmountCoding::Binary, AmountCoding::Bcd] {
        match field62::application(bytes, coding) {
            Ok(None) => {}
            Ok(Some(sent)) => {
                let written = field62::write_application(&sent.entry, coding).expect("what was read can be written");
                let again = field62::application(&written, coding).expect("what was written can be read");
                assert_eq!(again.expect("it is there").entry, sent.entry);
            }
            Err(error) => assert!(error.offset <= bytes.len().max(1)),
        }
    }
    match field62::ca_key(bytes) {
        Ok(Some(SentKey::Rsa(key))) => {
            let written = field62::write_ca_key(&key).expect("what was read can be written");
            assert_eq!(field62::ca_key(&written), Ok(Some(SentKey::Rsa(key))));
        }
        Ok(_) => {}
        Err(error) => assert!(error.offset <= bytes.len().max(1)),
    }
    if let Ok(page) = field62::ca_key_list(bytes) {
        for name in page.names {
            assert_eq!(field62::read_key_name(&field62::write_key_name(name)), Some(name));
        }
    }
    if let Ok(page) = field62::application_list(bytes) {
        for aid in page.names {
            assert_eq!(field62::read_application_name(&field62::write_application_name(&aid)), Some(aid));
        }
    }
});
