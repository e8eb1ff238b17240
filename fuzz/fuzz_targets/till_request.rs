//! What a till asks for: any body is read or refused, and a payment that was read is the same when what was written down of it is read
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::till::request::{Display, PairingRequest, PaymentRequest};

fuzz_target!(|body: &[u8]| {
    if let Ok(request) = PaymentRequest::parse(body) {
        assert_eq!(PaymentRequest::of_canonical(&request.canonical).as_ref(), Ok(&request));
    }
    let _ = Display::parse(body);
    let _ = PairingRequest::parse(body);
});
