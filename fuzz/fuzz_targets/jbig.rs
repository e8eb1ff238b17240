//! Pictures of signatures: whatever is read has the size that its head says, and is read again as it is written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use yima::jbig::{MOST_DOTS, decode, encode};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(picture) = decode(bytes) {
        assert!(picture.width() <= MOST_DOTS && picture.height() <= MOST_DOTS);
        assert_eq!(picture.bits().len(), picture.row_bytes() * picture.height() as usize);
        assert_eq!(decode(&encode(&picture)), Ok(picture));
    }
});
