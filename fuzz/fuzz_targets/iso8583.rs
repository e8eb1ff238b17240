//! Messages of the host link: any bytes are read or refused at a place within them by every dialect, and what is read is
//! written back as the same bytes. Parts that say they are complete give the same value again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use yima::iso8583::dialect::SHIPPED;
use yima::iso8583::parts::PartValue;
use yima::iso8583::{Layout, Message};

static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
    SHIPPED.iter().map(|(name, _)| Layout::shipped(name).expect("it is shipped")).collect()
});

fuzz_target!(|bytes: &[u8]| {
    for layout in LAYOUTS.iter() {
        match layout.unpack_detected(bytes) {
            Ok((framing, frame)) => {
                let again = layout.pack_framed(framing, &frame).expect("what was read can be written");
                assert_eq!(again.as_slice(), bytes);
                look_within(layout, &frame.message, bytes.len());
            }
            Err(error) => {
                assert!(error.offset <= bytes.len());
                if let Some(so_far) = &error.so_far {
                    look_within(layout, so_far, bytes.len());
                }
            }
        }
        let _ = layout.mac_covered(bytes);
    }
});

fn look_within(layout: &Layout, message: &Message, length: usize) {
    for (field, value) in message.fields() {
        let _ = layout.masked(field, value);
        match layout.parts(message, field) {
            Ok(Some(parts)) => {
                for part in parts.list {
                    if let PartValue::Whole(value) = part.value {
                        let _ = layout.masked_part(field, &part.tag, value);
                    }
                }
            }
            Ok(None) => {}
            Err(error) => assert!(error.offset <= length),
        }
    }
}
