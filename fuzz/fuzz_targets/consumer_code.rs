//! What a scanner types: any text is a code that can be paid with or refused, and nothing of one is shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::crypto::base64;
use yima::payment::qr::PaymentCode;
use yima::qr::consumer::ConsumerPresented;
use yima::qr::networks::Networks;

fuzz_target!(|bytes: &[u8]| {
    if let (Ok(text), Ok(networks)) = (std::str::from_utf8(bytes), Networks::shipped()) {
        let _ = networks.scanned(text);
    }
    // Few texts are base 64 by chance.
    let text = base64::encode(&[b"\x85\x05CPV01", bytes].concat());
    if let Ok(code) = PaymentCode::parse(&text)
        && let Ok(read) = ConsumerPresented::read(&code)
        && let Some(pan) = read.pan()
    {
        // A label may say anything, what is said of the customer may not.
        for said in read.applications.iter().map(|application| &application.own).chain([&read.common]) {
            assert!(!format!("{said:?}").contains(pan.expose_digits()));
        }
    }
});
