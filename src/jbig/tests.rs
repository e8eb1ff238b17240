//! Pictures there and back. `tests/jbig.rs` holds them to another program's.

mod pictures;

use pictures::{drawn, looped, pictures};
use proptest::prelude::*;

use super::*;

#[test]
fn a_picture_is_the_same_after_it_was_written_and_read() {
    for picture in pictures() {
        assert_eq!(decode(&encode(&picture)), Ok(picture.clone()), "{picture:?}");
    }
    let sizes = [Picture::white(384, 128), looped(384, 128)].map(|picture| encode(&picture).len());
    assert_eq!(sizes[0], HEAD + 2, "white costs nothing");
    assert!(sizes[1] < 999, "{} bytes", sizes[1]);
}

#[test]
fn what_is_no_picture_of_this_kind_is_refused_with_a_reason() {
    let bytes = encode(&looped(96, 32));
    assert_eq!(decode(&bytes[..19]), Err(JbigError::Short(19)));
    for (at, value, said) in [
        (0, 1, "layers up to 0; only one"),
        (1, 1, "layers up to 1; only one"),
        (2, 2, "planes 2; only one"),
        (16, 8, "moves of a dot up to 8"),
        (17, 8, "moves of a dot down to 8"),
        (19, 0x48, "options 72"),
        (4, 1, "16777312 dots wide"),
        (11, 0, "96 dots wide and 0 high"),
        (15, 0, "lines of a stripe 0"),
    ] {
        let mut changed = bytes.clone();
        changed[at] = value;
        let error = decode(&changed).unwrap_err().to_string();
        assert!(error.contains(said), "{at}: {error}");
    }
    let cut = &bytes[..bytes.len() - 2];
    assert_eq!(decode(cut), Err(JbigError::Marker { stripe: 0, marker: 0 }));
    assert_eq!(decode(&[cut, &[ESC, 0x04]].concat()), Err(JbigError::Marker { stripe: 0, marker: 4 }));
    assert_eq!(decode(&[&bytes[..], &[1, 2]].concat()), Err(JbigError::Rest(2)));
    assert_eq!(format!("{:?}", looped(96, 32)), "Picture(96 x 32)", "nobody reads a signature in a log");
}

#[test]
fn a_larger_picture_has_a_square_for_every_dot() {
    let small = drawn(5, 3, |x, y| (x + y) % 2 == 0);
    let large = small.enlarged(4);
    assert_eq!((large.width(), large.height(), large.black_dots()), (20, 12, small.black_dots() * 16));
    assert!(large.is_black(3, 3) && !large.is_black(4, 3) && large.is_black(4, 4));
}

proptest! {
    #[test]
    fn any_dots_are_the_same_after_they_were_written_and_read(
        width in 1..70_u32,
        height in 1..40_u32,
        seed in any::<u64>(),
        share in 1..16_u64,
    ) {
        let mut state = seed | 1;
        let mut picture = Picture::white(width, height);
        for y in 0..height {
            for x in 0..width {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if (state >> 40) % 16 < share {
                    picture.blacken(x, y);
                }
            }
        }
        prop_assert_eq!(decode(&encode(&picture)), Ok(picture));
    }

    #[test]
    fn no_bytes_make_the_reader_fall(head in 0..4_usize, bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let start = encode(&Picture::white(40, 20));
        let whole = [&start[..[0, 4, 12, HEAD][head]], &bytes[..]].concat();
        let _ = decode(&whole);
    }
}
