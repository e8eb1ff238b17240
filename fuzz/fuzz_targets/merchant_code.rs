//! A merchant's code: any text is read or refused, and what was read is read again the same when it is written anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::qr::merchant::MerchantPresented;

fuzz_target!(|text: &str| {
    if let Ok(code) = MerchantPresented::read(text) {
        // An amount may grow by the decimals that it was written without, and the whole beyond what a code may have.
        if let Ok(written) = code.write() {
            assert_eq!(MerchantPresented::read(&written), Ok(code));
        }
    }
});
