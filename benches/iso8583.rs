//! How long the message codec takes: `cargo bench --bench iso8583`, and beside crates `i8583` and `iso8583-codec-rs` with
//! `--features peers`.
//!
//! One sale of 14 fields in the binary layout of 1987. Peers are given the same fields. `iso8583-codec-rs` writes numbers in
//! BCD as well, but no track (its BCD knows no separator), which it has as characters; it works on JSON. `i8583` knows
//! characters only and gives back slices of the message; chip data are hexadecimal there. It is given its values when it
//! packs, and so is ours in `fill_and_pack`. Allocations are counted in `tests/iso8583.rs`: to count them here would be timed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on stops here and now")]

#[path = "../tests/support/sale_message.rs"]
mod sale_message;

use std::hint::black_box;
use std::sync::LazyLock;

use divan::Bencher;
use yima::iso8583::Layout;

use sale_message::{DIALECT, sale};

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| Layout::shipped(DIALECT).unwrap());

// What comes out is given up where it was made, wiped, and timed with the rest: a result that is kept for later takes new memory
// in every turn, which a terminal does not.
fn main() {
    // One call is too short to be timed by itself.
    divan::Divan::default().sample_count(200).sample_size(500).config_with_args().main();
}

#[divan::bench]
fn pack(bencher: Bencher<'_, '_>) {
    let frame = sale();
    let layout = &*LAYOUT;
    bencher.bench(|| drop(black_box(layout.pack(black_box(&frame)).unwrap())));
}

/// The message is made from its values first.
#[divan::bench]
fn fill_and_pack(bencher: Bencher<'_, '_>) {
    let layout = &*LAYOUT;
    bencher.bench(|| drop(black_box(layout.pack(black_box(&sale())).unwrap())));
}

/// Every field is read as the text or the bytes that it is.
#[divan::bench]
fn unpack_and_read(bencher: Bencher<'_, '_>) {
    let layout = &*LAYOUT;
    let bytes = layout.pack(&sale()).unwrap();
    bencher.bench(|| {
        let frame = layout.unpack(black_box(&bytes)).unwrap();
        for (_, value) in frame.message.fields() {
            black_box(value);
        }
    });
}

#[cfg(feature = "peers")]
mod peer_i8583 {
    use i8583::{Packer, Unpacker, v1987};
    use yima::crypto::hex;

    use super::*;
    use crate::sale_message::{CHIP_DATA, TEXTS};

    fn pack_sale(chip: &str) -> Vec<u8> {
        let mut packer = Packer::new(&v1987::SPEC);
        packer.set_field(0, b"0200"[..].into()).unwrap();
        for (field, text) in TEXTS {
            packer.set_field(usize::from(field), text.as_bytes().into()).unwrap();
        }
        packer.set_field(55, chip.as_bytes().into()).unwrap();
        packer.pack(Vec::with_capacity(1024)).unwrap()
    }

    #[divan::bench]
    fn fill_and_pack(bencher: Bencher<'_, '_>) {
        let chip = hex::encode(&CHIP_DATA);
        bencher.bench(|| drop(black_box(pack_sale(black_box(&chip)))));
    }

    #[divan::bench]
    fn unpack_and_read(bencher: Bencher<'_, '_>) {
        let bytes = pack_sale(&hex::encode(&CHIP_DATA));
        bencher.bench(|| {
            let mut unpacker = Unpacker::new(black_box(&bytes));
            let fields = unpacker.unpack(&v1987::SPEC).unwrap();
            assert_eq!(fields.iter().skip(2).flatten().inspect(|field| _ = black_box(field)).count(), 14);
        });
    }
}

#[cfg(feature = "peers")]
mod peer_iso8583_codec_rs {
    use iso8583_codec_rs::LoadedSpec;
    use serde_json::{Map, Value, json};
    use yima::crypto::hex;
    use yima::iso8583::layout::{Content, Length};

    use super::*;
    use crate::sale_message::{CHIP_DATA, TEXTS};

    /// Its specification of the same fields.
    fn spec() -> LoadedSpec {
        let field = |number: u8| {
            let format = LAYOUT.field(number).unwrap();
            let (prefix, length) = match format.length {
                Length::Fixed(length) => ("fixed", length),
                Length::Prefixed(prefix) => (if prefix.digits == 2 { "LLVAR" } else { "LLLVAR" }, prefix.max),
            };
            let (kind, encoding) = match format.content {
                Content::Digits => ("numeric", "bcd"),
                Content::Bytes => ("binary", "binary"),
                _ => ("string", "ascii"),
            };
            json!({
                "de": number, "name": format.name, "type": kind, "length": length, "prefix": prefix, "encoding": encoding,
            })
        };
        let fields: Vec<_> = TEXTS.iter().map(|(number, _)| *number).chain([55]).map(field).collect();
        let defaults = json!({
            "encoding": "bcd", "prefix_encoding": "bcd", "bitmap_encoding": "binary", "mti_encoding": "bcd",
        });
        let spec = json!({ "version": "1987", "defaults": defaults, "fields": fields });
        LoadedSpec::from_json(&spec.to_string()).unwrap()
    }

    fn message() -> Value {
        let key = |number: u8| format!("de{number:03}_{}", LAYOUT.field(number).unwrap().name);
        let mut fields: Map<_, _> = TEXTS.iter().map(|(number, text)| (key(*number), (*text).into())).collect();
        fields.insert(key(55), hex::encode(&CHIP_DATA).into());
        json!({ "mti": "0200", "fields": fields })
    }

    #[divan::bench]
    fn pack(bencher: Bencher<'_, '_>) {
        let (spec, message) = (spec(), message());
        bencher.bench(|| {
            drop(black_box(iso8583_codec_rs::iso8583::publish_bytes(black_box(&message), &spec).unwrap()));
        });
    }

    #[divan::bench]
    fn unpack_and_read(bencher: Bencher<'_, '_>) {
        let spec = spec();
        let bytes = iso8583_codec_rs::iso8583::publish_bytes(&message(), &spec).unwrap();
        bencher.bench(|| {
            let message = iso8583_codec_rs::iso8583::parse_bytes(black_box(&bytes), &spec).unwrap();
            assert_eq!(message["fields"].as_object().unwrap().len(), 14);
        });
    }
}
