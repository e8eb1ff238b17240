//! Tests of the codec as a whole, for every shipped layout and one with all that they leave out.

mod strangers;

use std::sync::LazyLock;

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::dialect::SHIPPED;
use super::framing::{Coverage, FrameLength, Framing};
use super::layout::{Content, FieldFormat, Length};
use super::parts::{Given, Part, PartValue};
use super::*;
use crate::crypto::hex;

/// Every encoding, prefix, count and padding that no shipped dialect has.
const STRANGE: &str = r#"
name = "strange"
mti = "ebcdic"
bitmap = "hex"
length_prefix = "ebcdic"
shown = [3]
[frame]
length = "bcd"
covers = "whole"
tpdu = "6000030000"
header = "AB"
[fields]
2 = { name = "a", content = "digits", encoding = "bcd", length = { prefix = 2, max = 19, counts = "bytes" }, align = "right", pad = "F" }
3 = { name = "b", content = "digits", encoding = "ebcdic", length = { fixed = 6 }, align = "right", fill = "0" }
4 = { name = "c", content = "digits", encoding = "bcd", length = { prefix = 1, max = 9, encoding = "ascii" }, align = "right", pad = "A" }
5 = { name = "d", content = "text", encoding = "ebcdic", length = { prefix = 4, max = 300, encoding = "binary" } }
6 = { name = "e", content = "bytes", encoding = "hex", length = { prefix = 2, max = 30, counts = "bytes" } }
7 = { name = "f", content = "bytes", encoding = "binary", length = { prefix = 3, max = 40, counts = "digits", encoding = "bcd" } }
8 = { name = "g", content = "bytes", encoding = "hex", length = { prefix = 3, max = 50 } }
9 = { name = "h", content = "signed", encoding = "bcd", length = { fixed = 8 }, align = "right", pad = "0" }
35 = { name = "i", content = "track", encoding = "ebcdic", length = { prefix = 2, max = 37 } }
36 = { name = "j", content = "track", encoding = "bcd", length = { prefix = 2, max = 19, counts = "bytes" }, align = "left", pad = "F" }
41 = { name = "k", content = "alphanumeric", encoding = "ebcdic", length = { fixed = 8 }, align = "left", fill = " " }
62 = { name = "l", content = "text", encoding = "ebcdic", length = { prefix = 3, max = 200 }, elements = { tag = 3, length = 2 } }
63 = { name = "m", content = "bytes", encoding = "hex", length = { prefix = 3, max = 100 }, positions = [{ name = "who", length = 3, text = true, shown = true }, { name = "what", length = 2 }] }
128 = { name = "n", content = "bytes", encoding = "hex", length = { fixed = 8 } }
"#;

/// Read once: a property is tried on many values.
fn layouts() -> Vec<Layout> {
    static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| {
        let mut layouts: Vec<_> = SHIPPED.iter().map(|(name, _)| Layout::shipped(name).unwrap()).collect();
        layouts.push(Layout::parse(STRANGE).unwrap());
        layouts
    });
    LAYOUTS.clone()
}

fn layout(name: &str) -> Layout {
    layouts().into_iter().find(|layout| layout.name == name).unwrap()
}

fn mti(number: u16) -> Mti {
    Mti::new(number).unwrap()
}

fn framed(layout: &Layout, message: Message) -> Frame {
    Frame { tpdu: layout.tpdu.clone(), header: layout.header.clone(), message }
}

#[track_caller]
fn packed(layout: &Layout, message: Message) -> String {
    hex::encode(&layout.pack(&framed(layout, message)).unwrap())
}

fn no_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

/// A network management request with the second bitmap, as many public posts have it.
#[test]
fn iso87_messages_byte_for_byte() {
    let message = Message::new(mti(800)).with_text(7, "1128023456").with_text(11, "000042").with_text(70, "301");
    let text = "0800\
                8220000000000000\
                0400000000000000\
                1128023456\
                000042\
                301";
    assert_eq!(packed(&layout("iso87-ascii"), message.clone()), hex::encode(text.as_bytes()));
    let binary = "0800 8220000000000000 0400000000000000 1128023456 000042 0301";
    assert_eq!(packed(&layout("iso87-binary"), message), no_blanks(binary));

    let message = Message::new(mti(200))
        .with_text(2, "4111111111111111111")
        .with_text(22, "052")
        .with_text(28, "D00000100")
        .with_text(35, "4111111111111111D30122011")
        .with_text(37, "000000000042")
        .with_bytes(52, &[0xAB; 8]);
    let text = "0200\
                4000041028001000\
                194111111111111111111\
                052\
                D00000100\
                254111111111111111=30122011\
                000000000042\
                ABABABABABABABAB";
    assert_eq!(packed(&layout("iso87-ascii"), message.clone()), hex::encode(text.as_bytes()));
    let binary = "0200 4000041028001000 \
                  19 41111111111111111110 \
                  0052 \
                  44 00000100 \
                  25 4111111111111111D301220110 \
                  303030303030303030303432 \
                  ABABABABABABABAB";
    assert_eq!(packed(&layout("iso87-binary"), message), no_blanks(binary));
}

#[test]
fn iso93_messages_byte_for_byte() {
    let message = Message::new(mti(1200))
        .with_text(12, "261128023456")
        .with_text(22, "51010151114C")
        .with_text(24, "200")
        .with_text(39, "000")
        .with_bytes(53, &[1, 2, 3])
        .with_text(93, "123");
    let binary = "1200 8010050002000800 0000000800000000 \
                  261128023456 353130313031353131313443 0200 0000 03010203 031230";
    assert_eq!(packed(&layout("iso93-binary"), message), no_blanks(binary));
}

#[test]
fn what_no_shipped_dialect_has_byte_for_byte() {
    let message = Message::new(mti(100))
        .with_text(2, "123")
        .with_text(3, "42")
        .with_text(4, "567")
        .with_text(5, "a=b")
        .with_bytes(6, &[0xAB])
        .with_bytes(7, &[0xCD, 0xEF])
        .with_bytes(8, &[0x12])
        .with_text(9, "C1234567")
        .with_text(35, "12D3")
        .with_text(36, "12D")
        .with_text(41, "T1");
    let expected = "0082 6000030000 AB F0F1F0F0 37463830303030303330383030303030 \
                    F0F2 F123 \
                    F0F0F0F0F4F2 \
                    33 A567 \
                    0003 817E82 \
                    F0F1 4142 \
                    0004 CDEF \
                    F0F0F2 3132 \
                    43 01234567 \
                    F0F4 F1F27EF3 \
                    F0F2 12DF \
                    E3F1404040404040";
    let layout = layout("strange");
    assert_eq!(packed(&layout, message.clone()), no_blanks(expected));
    // What was filled is read as it stands there.
    let read = layout.unpack(&hex::decode(expected).unwrap()).unwrap();
    assert_eq!(read.message, message.with_text(3, "000042").with_text(41, "T1      "));
}

#[test]
fn a_short_value_is_filled_where_the_dialect_says_how_and_refused_elsewhere() {
    let message = |field, text: &str| Message::new(mti(200)).with_text(field, text);
    for name in ["iso87-ascii", "iso87-binary", "iso93-binary"] {
        let layout = layout(name);
        for (field, short, whole) in [(4, "1000", "000000001000"), (41, "T1", "T1      "), (49, "", "   ")] {
            assert_eq!(
                packed(&layout, message(field, short)),
                packed(&layout, message(field, whole)),
                "{name} {field}"
            );
        }
        for (field, long) in [(4, "1234567890123"), (41, "T12345678"), (28, "D1")] {
            assert!(layout.pack(&framed(&layout, message(field, long))).is_err(), "{name} {field}");
        }
    }
    let layout = layout("unionpay");
    assert!(layout.pack(&framed(&layout, message(4, "1000"))).is_err());
}

#[test]
fn a_second_bitmap_that_names_nothing_is_kept() {
    for name in ["iso87-ascii", "iso87-binary", "iso93-binary"] {
        let layout = layout(name);
        let mut message = Message::new(mti(200)).with_text(3, "000000");
        message.set_empty_second_bitmap();
        let bytes = layout.pack(&framed(&layout, message.clone())).unwrap();
        let read = layout.unpack(&bytes).unwrap().message;
        assert!(read.has_empty_second_bitmap());
        assert_eq!(read, message);
        assert_ne!(read, Message::new(mti(200)).with_text(3, "000000"));
        // A field behind it is named in it; the MAC of such a message is field 128.
        let message = message.with_bytes(128, &[7; 8]);
        let bytes = layout.pack(&framed(&layout, message.clone())).unwrap();
        let covered = layout.mac_covered(&bytes).unwrap();
        assert_eq!(covered, layout.pack_for_mac(&message.without(128)).unwrap().as_slice());
        assert!(bytes.starts_with(covered) && covered.len() < bytes.len());
    }
}

#[test]
fn a_length_in_front_counts_what_the_frame_says() {
    let layout = layout("iso87-binary");
    let message = Message::new(mti(800)).with_text(70, "301");
    let (tpdu, header) = (vec![0x60, 0, 3, 0, 0], vec![0xAB]);
    for (length, covers, front) in [
        (FrameLength::U16, Coverage::Following, "001A"),
        (FrameLength::U16, Coverage::Whole, "001C"),
        (FrameLength::U16, Coverage::Message, "0014"),
        (FrameLength::Ascii, Coverage::Whole, "30303330"),
        (FrameLength::Bcd, Coverage::Following, "0026"),
        (FrameLength::None, Coverage::Following, ""),
    ] {
        let framing = Framing { length, covers, tpdu: 5, header: 1 };
        let frame = Frame { tpdu: tpdu.clone(), header: header.clone(), message: message.clone() };
        let bytes = layout.pack_framed(framing, &frame).unwrap();
        let expected = format!("{front} 6000030000 AB 0800 8000000000000000 0400000000000000 0301");
        assert_eq!(hex::encode(&bytes), no_blanks(&expected), "{framing:?}");
        assert_eq!(layout.unpack_framed(framing, &bytes).unwrap(), frame);
        if length != FrameLength::None {
            let mut longer = bytes.to_vec();
            longer.push(0);
            let error = layout.unpack_framed(framing, &longer).unwrap_err();
            assert!(matches!(error.problem, UnpackProblem::FrameLength { .. }), "{error}");
        }
    }
    // Four digits say no more than 9999.
    let long = (104..=127).fold(Message::new(mti(200)), |message, field| message.with_text(field, &"x".repeat(100)));
    let long = (111..=119).fold(long, |message, field| message.with_text(field, &"x".repeat(999)));
    let framing = Framing { length: FrameLength::Bcd, covers: Coverage::Following, tpdu: 0, header: 0 };
    let error = layout.pack_framed(framing, &Frame { tpdu: vec![], header: vec![], message: long }).unwrap_err();
    assert!(matches!(error, PackError::TooLong(10_000..)), "{error}");
}

#[test]
fn the_frame_is_found_when_nobody_says_which() {
    let framing = |length, tpdu, header| Framing { length, covers: Coverage::Following, tpdu, header };
    let unionpay = layout("unionpay");
    let body = "0800 0020000000C00010 000042 3130303030303031 383938303030303030303030303031 0011 000000013010";
    let body = no_blanks(body);
    for (before, expected) in [
        ("0037 6000030000 603100311000", unionpay.framing),
        ("", Framing::NONE),
        ("6000030000 603100311000", framing(FrameLength::None, 5, 6)),
        ("002C", framing(FrameLength::U16, 0, 0)),
        ("30303434", framing(FrameLength::Ascii, 0, 0)),
    ] {
        let bytes = hex::decode(&format!("{before}{body}")).unwrap();
        let (found, frame) = unionpay.unpack_detected(&bytes).unwrap();
        assert_eq!(found, expected, "{before}");
        assert_eq!(frame.message.text(60), Some("00000001301"), "{before}");
        assert_eq!(unionpay.pack_framed(found, &frame).unwrap().as_slice(), bytes);
    }
    // What is wrong is told of the frame that it has.
    let own = hex::decode(&format!("0030 6000030000 603100311000 {body}")).unwrap();
    let problem = UnpackProblem::FrameLength { announced: 0x30, following: 0x37 };
    assert_eq!(unionpay.unpack_detected(&own).unwrap_err().problem, problem);
    let alone = hex::decode(&body[..body.len() - 2]).unwrap();
    let error = unionpay.unpack_detected(&alone).unwrap_err();
    assert_eq!((error.path.as_deref(), error.offset), (Some("60"), 36));
    let ascii = layout("iso87-ascii");
    let bytes = [&[0, 26][..], b"0800002000000000000000004A"].concat();
    let error = ascii.unpack_detected(&bytes).unwrap_err();
    assert_eq!((error.path.as_deref(), error.offset, error.problem), (Some("11"), 22, UnpackProblem::Content));
}

/// Part of `55`, `59`, `60` as text in brackets, to compare with.
fn told(parts: &[Part<'_>]) -> String {
    let part = |part: &Part<'_>| match &part.value {
        PartValue::Whole(Value::Text(text)) => format!("{}={text}", part.tag),
        PartValue::Whole(Value::Bytes(bytes)) => format!("{}={}", part.tag, hex::encode(bytes)),
        PartValue::Parts(within) => format!("{}[{}]", part.tag, told(within)),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(" ")
}

/// An element of field 59.
fn element(tag: &str, value: &str) -> String {
    format!("{tag}{:03}{value}", value.len())
}

#[test]
fn parts_are_read_with_their_tags() {
    let unionpay = layout("unionpay");
    let device = [("01", "04"), ("02", "00000102TEST0001"), ("03", "001230")].map(|(tag, value)| element(tag, value));
    let device = element("A2", &device.concat()) + &element("A3", "XYZ");
    for (message, field, expected, complete) in [
        (bytes("9F0206000000001000 DF9901 01 7F"), 55, "9F02=000000001000 DF9901=7F", true),
        (bytes("70039F0101 9F1E00"), 55, "70=9F0101 9F1E=", true),
        (bytes("70049F010155"), 55, "70[9F01=55]", true),
        // Not what would be written: padding between, a longer length than needed, a tag twice.
        (bytes("00 9F3602 0001"), 55, "9F36=0001", false),
        (bytes("9F368102 0001"), 55, "9F36=0001", false),
        (bytes("7100 7100"), 55, "71= 71=", false),
        (text(60, "2200000100050"), 60, "1=22 2=000001 3=000 4=5 5=0", true),
        (text(60, "00000001301"), 60, "1=00 2=000001 3=301", true),
        (text(59, &device), 59, "A2[01=04 02=00000102TEST0001 03=001230] A3=XYZ", true),
    ] {
        let parts = unionpay.parts(&message, field).unwrap().unwrap();
        assert_eq!((told(&parts.list).as_str(), parts.complete), (expected, complete));
    }
    assert_eq!(unionpay.parts(&text(60, ""), 60).unwrap().unwrap().list, []);
    assert_eq!(unionpay.parts(&text(3, "000000"), 3).unwrap(), None);
    assert_eq!(unionpay.parts(&text(3, "000000"), 60).unwrap(), None);
    let words = Message::new(mti(210)).with_bytes(63, b"CUP\xB9\xFA");
    assert_eq!(told(&unionpay.parts(&words, 63).unwrap().unwrap().list), "1=CUP 2=B9FA");
    let words = words.with_bytes(63, b"CUP");
    assert_eq!(told(&unionpay.parts(&words, 63).unwrap().unwrap().list), "1=CUP");
    let strange = layout("strange");
    let card = Message::new(mti(200)).with_bytes(63, b"CUP\x01\x02");
    assert_eq!(told(&strange.parts(&card, 63).unwrap().unwrap().list), "1=CUP 2=0102");
    let card = Message::new(mti(200)).with_bytes(63, &[0xD6, 0xD0, 0]);
    let other = strange.parts(&card, 63).unwrap().unwrap();
    assert!(!other.complete, "{other:?}");
}

fn bytes(data: &str) -> Message {
    Message::new(mti(200)).with_bytes(55, &hex::decode(data).unwrap())
}

fn text(field: u8, text: &str) -> Message {
    Message::new(mti(200)).with_text(field, text)
}

#[test]
fn an_error_within_a_field_names_its_path_and_the_offset_in_the_frame() {
    let unionpay = layout("unionpay");
    let tlv = |data: &str| bytes(data).with_text(4, "000000001234");
    for (message, field, path, offset, problem) in [
        // The frame has 13 bytes in front, type and bitmap 10, field 4 six, the length of field 55 two.
        (tlv("9F0206 0000"), 55, "55.9F02", 31 + 3, UnpackProblem::CutOff { needed: 6, left: 2 }),
        (tlv("9F360200019F0280"), 55, "55.9F02", 31 + 7, UnpackProblem::LengthContent),
        (tlv("9F36020001 9F"), 55, "55", 31 + 5, UnpackProblem::Tag),
        (text(60, "2200000"), 60, "60.2", 25 + 1, UnpackProblem::CutOff { needed: 6, left: 5 }),
        (text(59, "A201001002"), 59, "59.A2", 25 + 5, UnpackProblem::CutOff { needed: 10, left: 5 }),
        (text(59, "A201001008XXXXX"), 59, "59.A2.01", 25 + 10, UnpackProblem::CutOff { needed: 8, left: 5 }),
        (text(59, "A20X0"), 59, "59.A2", 25 + 2, UnpackProblem::LengthContent),
        (text(59, "A2000A"), 59, "59", 25 + 5, UnpackProblem::CutOff { needed: 2, left: 1 }),
    ] {
        let sent = unionpay.pack(&framed(&unionpay, message)).unwrap();
        let read = unionpay.unpack(&sent).unwrap().message;
        let error = unionpay.parts(&read, field).unwrap_err();
        assert_eq!((error.path.as_deref(), error.offset, error.problem), (Some(path), offset, problem), "{error}");
        assert_eq!(error.so_far.as_deref(), Some(&read));
        assert!(error.to_string().contains(&format!("field {path} (")), "{error}");
    }
    let card = Message::new(mti(200)).with_bytes(63, b"CUP\x01\x02\x03");
    let error = layout("strange").parts(&card, 63).unwrap_err();
    assert_eq!((error.path.as_deref(), error.problem), (Some("63"), UnpackProblem::LeftOver(1)));
}

fn whole(text: &str) -> Given {
    Given::Text(Zeroizing::new(text.to_owned()))
}

fn parted(parts: &[(&str, &str)]) -> Given {
    Given::Parts(parts.iter().map(|(tag, value)| ((*tag).to_owned(), whole(value))).collect())
}

#[test]
fn parts_are_put_together_again() {
    let unionpay = layout("unionpay");
    let given = |field, given: &Given| {
        let mut message = Message::new(mti(200));
        unionpay.set_given(&mut message, field, given).map(|()| message)
    };
    let chip = parted(&[("9F02", "000000001000"), ("DF9901", "7f"), ("9F1E", "")]);
    assert_eq!(given(55, &chip).unwrap(), bytes("9F0206000000001000 DF9901017F 9F1E00"));
    assert_eq!(given(55, &whole("9f 36 02 00 01")).unwrap(), bytes("9F36020001"));
    let template = Given::Parts(vec![("70".to_owned(), parted(&[("5F34", "01")]))]);
    assert_eq!(given(55, &template).unwrap(), bytes("70045F340101"));
    let positions = parted(&[("2", "000001"), ("1", "22"), ("3", "000")]);
    assert_eq!(given(60, &positions).unwrap(), text(60, "22000001000"));
    let device =
        Given::Parts(vec![("A2".to_owned(), parted(&[("01", "04"), ("99", "")])), ("B1".to_owned(), whole("x"))]);
    assert_eq!(given(59, &device).unwrap(), text(59, "A2012010020499000B1001x"));
    let words = Message::new(mti(200)).with_bytes(63, b"CUP\xB9");
    assert_eq!(given(63, &parted(&[("1", "CUP"), ("2", "B9")])).unwrap(), words);
    for (field, wrong, path) in [
        (63, parted(&[("1", "CUP"), ("2", &"00".repeat(997))]), "63.2"),
        (55, parted(&[("9F", "00")]), "55.9F"),
        (55, parted(&[("9F02", "0")]), "55.9F02"),
        (55, parted(&[("5A", "622848******1230")]), "55.5A"),
        (55, Given::Parts(vec![("9F02".to_owned(), parted(&[]))]), "55.9F02"),
        (55, whole("****"), "55"),
        (60, parted(&[("1", "2")]), "60.1"),
        (60, parted(&[("1", "22"), ("3", "000")]), "60.2"),
        (60, Given::Parts((1..=8).map(|n| (n.to_string(), whole("22"))).collect()), "60.2"),
        (59, parted(&[("A", "1")]), "59.A"),
        (59, parted(&[("A2", &"x".repeat(1000))]), "59.A2"),
        (59, parted(&[("A2", "***")]), "59.A2"),
        (59, Given::Parts(vec![("A3".to_owned(), parted(&[]))]), "59.A3"),
        (3, parted(&[("1", "00")]), "3"),
        (48, whole("****"), "48"),
        (5, whole("0"), "5"),
    ] {
        let error = given(field, &wrong).unwrap_err();
        assert_eq!(error.path, path, "{error}");
        assert!(!error.to_string().contains("622848"), "{error}");
    }
}

#[test]
fn everything_is_masked_that_is_not_known_to_be_harmless() {
    let pan = "6228480000000001230";
    for layout in layouts() {
        for field in 0..=255 {
            let text = layout.masked(field, Value::Text(pan));
            let data = layout.masked(field, Value::Bytes(&[0xAB, 0xCD]));
            if layout.field(field).is_some_and(|format| format.shown) {
                assert!(!masking::NEVER_SHOWN.contains(&field), "{} {field}", layout.name);
                assert_eq!((text.as_str(), data.as_str()), (pan, "ABCD"));
            } else {
                let number = if field == 2 { "622848*********1230" } else { "*******************" };
                assert_eq!((text.as_str(), data.as_str()), (number, "****"), "{} {field}", layout.name);
            }
        }
        // In the ISO layouts nobody knows what stands in private fields.
        if layout.name != "unionpay" {
            for field in (44..=48).chain([54]).chain(59..=63).chain(111..=127) {
                assert!(!layout.field(field).is_some_and(|format| format.shown), "{} {field}", layout.name);
            }
        }
    }
}

#[test]
fn card_numbers_are_found_within_fields() {
    let unionpay = layout("unionpay");
    let hidden = |field, path: &str, value: Value<'_>| unionpay.masked_part(field, path, value);
    let data = |text: &str| hex::decode(text).unwrap();
    assert_eq!(hidden(55, "5A", Value::Bytes(&data("6228480000000001230F"))), "622848*********1230F");
    assert_eq!(hidden(55, "70.5A", Value::Bytes(&data("6228480000000001230F"))), "622848*********1230F");
    assert_eq!(
        hidden(55, "57", Value::Bytes(&data("6228480000000001230D30122201234F"))),
        "622848*********1230D************"
    );
    assert_eq!(hidden(55, "5F20", Value::Bytes(b"LI/MEI")), "************");
    assert_eq!(hidden(55, "5F24", Value::Bytes(&data("301231"))), "******");
    assert_eq!(hidden(55, "DF99", Value::Bytes(&data("01"))), "**", "an unknown tag");
    assert_eq!(hidden(55, "9F02", Value::Bytes(&data("000000001000"))), "000000001000");
    assert_eq!(hidden(59, "A2.02", Value::Text("00000102TEST0001")), "00000102TEST0001");
    assert_eq!(hidden(59, "A2.03", Value::Text("001230")), "******");
    assert_eq!(hidden(59, "02", Value::Text("001230")), "******");
    assert_eq!(hidden(60, "2", Value::Text("000001")), "000001");
    let strange = layout("strange");
    assert_eq!(strange.masked_part(63, "1", Value::Text("CUP")), "CUP");
    assert_eq!(strange.masked_part(63, "2", Value::Bytes(&[1])), "**");
}

#[test]
fn of_what_was_read_in_part_errors_say_which_fields_there_were() {
    // Fields 3, 4, 60; in this layout field 60 is anybody's, and field 61 is cut off.
    let mut bytes = hex::decode("0200 3000000000000018 000000 000000001234 0003 313233").unwrap();
    bytes.extend([0x00, 0x05, 0x31]);
    let error = layout("iso87-binary").unpack(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field 61 (reserved, private) at byte 24 cannot be read: 5 bytes are needed, 1 are left; read so far: 0200 {3: \
         000000, 4: (12 characters), 60: (3 characters)}"
    );
    // Bit 2 is missing, so the card number is read as the fields behind it.
    let bytes = hex::decode("0200 3020000000000000 166212345678901232000000000000001234000001").unwrap();
    let error = layout("unionpay").unpack_any_alphabet(Framing::NONE, &bytes).unwrap_err().to_string();
    assert!(error.contains("read so far: 0200 {3: 166212, 4: (12 characters)") && !error.contains("345678"), "{error}");
}

/// A value that owns what it holds.
#[derive(Clone, Debug)]
enum Owned {
    Text(String),
    Bytes(Vec<u8>),
}

/// A value that fits a field; long ones would only make the test slow.
fn value_for(format: &FieldFormat) -> BoxedStrategy<Owned> {
    let counts = match format.length {
        Length::Fixed(count) => count..=count,
        Length::Prefixed(prefix) => 0..=prefix.max.min(120),
    };
    let text = |set: &str, counts: std::ops::RangeInclusive<usize>| {
        let pattern = format!("[{set}]{{{},{}}}", counts.start(), counts.end());
        proptest::string::string_regex(&pattern).unwrap()
    };
    match format.content {
        Content::Digits => text("0-9", counts).prop_map(Owned::Text).boxed(),
        Content::Alphanumeric => text("A-Za-z0-9 ", counts).prop_map(Owned::Text).boxed(),
        Content::Text => text(" -~", counts).prop_map(Owned::Text).boxed(),
        Content::Signed => {
            let digits = text("0-9", counts.start() - 1..=counts.end() - 1);
            (text("CD", 1..=1), digits).prop_map(|(sign, digits)| Owned::Text(sign + &digits)).boxed()
        }
        Content::Track3 => text("0-9D", counts).prop_map(Owned::Text).boxed(),
        Content::Track => (text("0-9", counts), any::<prop::sample::Index>())
            .prop_map(|(digits, at)| match digits.len() {
                0 => Owned::Text(digits),
                length => {
                    let at = at.index(length);
                    Owned::Text(format!("{}D{}", &digits[..at], &digits[at + 1..]))
                }
            })
            .boxed(),
        Content::Bytes => prop::collection::vec(any::<u8>(), counts).prop_map(Owned::Bytes).boxed(),
    }
}

fn any_frame(layout: &Layout) -> impl Strategy<Value = Frame> + use<> {
    let fields: Vec<_> = layout
        .fields()
        .map(|(number, format)| prop::option::weighted(0.3, value_for(format)).prop_map(move |value| (number, value)))
        .collect();
    let (tpdu, header) = (layout.tpdu.clone(), layout.header.clone());
    (0..=9999_u16, fields).prop_map(move |(number, fields)| {
        let mut message = Message::new(mti(number));
        for (number, value) in fields {
            match value {
                Some(Owned::Text(text)) => message.set(number, Value::Text(&text)),
                Some(Owned::Bytes(bytes)) => message.set(number, Value::Bytes(&bytes)),
                None => {}
            }
        }
        Frame { tpdu: tpdu.clone(), header: header.clone(), message }
    })
}

/// A layout and a frame in it.
fn any_framed() -> impl Strategy<Value = (Layout, Frame)> {
    prop::sample::select(layouts()).prop_flat_map(|layout| {
        let frame = any_frame(&layout);
        (Just(layout), frame)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_packed_is_unpacked((layout, frame) in any_framed()) {
        let bytes = layout.pack(&frame).unwrap();
        let read = layout.unpack(&bytes).unwrap();
        prop_assert_eq!(&read, &frame);
        prop_assert_eq!(layout.pack(&read).unwrap(), bytes);
    }

    #[test]
    fn a_cut_or_changed_frame_never_panics(
        (layout, frame) in any_framed(), at in any::<prop::sample::Index>(), by in 1..=255_u8,
    ) {
        let mut bytes = layout.pack(&frame).unwrap().to_vec();
        prop_assert!(layout.unpack(&bytes[..at.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        // Whatever is still read is written back as the same bytes: nothing was folded.
        if let Ok(read) = layout.unpack(&bytes) {
            let again = layout.pack(&read).unwrap();
            prop_assert_eq!(again.as_slice(), &bytes[..]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let framed = [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
        for layout in layouts() {
            for bytes in [&bytes, &framed] {
                if let Ok((framing, frame)) = layout.unpack_detected(bytes) {
                    let again = layout.pack_framed(framing, &frame).unwrap();
                    prop_assert_eq!(again.as_slice(), &bytes[..]);
                }
                let _ = layout.mac_covered(bytes);
            }
        }
    }

    /// Parts that say they are complete give the same value again.
    #[test]
    fn any_field_55_is_taken_apart_or_refused(data in prop::collection::vec(any::<u8>(), 0..60)) {
        let layout = layout("unionpay");
        let message = Message::new(mti(200)).with_bytes(55, &data);
        match layout.parts(&message, 55) {
            Ok(Some(parts)) if parts.complete => {
                let mut again = Message::new(mti(200));
                layout.set_given(&mut again, 55, &given(&parts.list)).unwrap();
                prop_assert_eq!(again, message);
            }
            Ok(parts) => prop_assert!(parts.is_some()),
            Err(error) => prop_assert!(error.offset <= data.len()),
        }
    }

    #[test]
    fn any_text_is_taken_apart_or_refused(text in "(A2|01|0|1|2|[ -)+-~]){0,20}", digits in "[0-9]{0,20}") {
        let layout = layout("unionpay");
        for (field, text) in [(59, &text), (60, &digits), (61, &digits)] {
            let message = Message::new(mti(200)).with_text(field, text);
            match layout.parts(&message, field) {
                Ok(Some(parts)) if parts.complete => {
                    let mut again = Message::new(mti(200));
                    layout.set_given(&mut again, field, &given(&parts.list)).unwrap();
                    prop_assert_eq!(again, message);
                }
                Ok(parts) => prop_assert!(parts.is_some()),
                Err(error) => prop_assert!(error.offset <= text.len()),
            }
        }
    }
}

/// Parts that were read as parts that are given.
fn given(parts: &[Part<'_>]) -> Given {
    let part = |part: &Part<'_>| {
        let value = match &part.value {
            PartValue::Whole(Value::Text(text)) => whole(text),
            PartValue::Whole(Value::Bytes(bytes)) => whole(&hex::encode(bytes)),
            PartValue::Parts(within) => given(within),
        };
        (part.tag.clone(), value)
    };
    Given::Parts(parts.iter().map(part).collect())
}
