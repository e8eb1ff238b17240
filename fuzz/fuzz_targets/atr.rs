//! Answer to reset: any bytes lead to a protocol, and are taken apart or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::devices::reader::transport::Protocol;
use yima::emv::decode::atr;

fuzz_target!(|bytes: &[u8]| {
    let _ = Protocol::of_atr(bytes);
    let _ = atr::read(bytes);
});
