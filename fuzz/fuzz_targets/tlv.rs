//! BER-TLV: whatever the walk yields lies within the bytes, and built anew it is read back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::emv::tag;
use yima::emv::tlv::{self, TlvBuilder};

fuzz_target!(|bytes: &[u8]| {
    let objects: Vec<_> = tlv::walk(bytes).map_while(Result::ok).collect();
    assert!(objects.iter().map(|object| object.value.len()).sum::<usize>() <= bytes.len());
    let built = objects.iter().fold(TlvBuilder::new(), |built, object| built.with(object.tag, object.value)).build();
    let again: Vec<_> = tlv::walk(&built).collect::<Result<_, _>>().expect("what was built can be read");
    assert!(objects.iter().eq(again.iter()));
    let _ = tlv::find(bytes, tag::CRYPTOGRAM);
});
