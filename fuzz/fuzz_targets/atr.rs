//! Answer to reset: any bytes lead to a protocol.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::devices::reader::transport::Protocol;

fuzz_target!(|bytes: &[u8]| {
    let _ = Protocol::of_atr(bytes);
});
