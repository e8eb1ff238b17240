//! Messages of the host link from outside: `yima decode iso8583` and `yima encode iso8583`. And what the codec takes from the
//! heap.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

#[path = "support/allocations.rs"]
mod allocations;
#[path = "support/sale_message.rs"]
mod sale_message;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use proptest::prelude::*;
use serde_json::{Value, json};
use yima::iso8583::Layout;
use yima::iso8583::dialect::SHIPPED;

use allocations::taken;
use sale_message::{DIALECT, sale};

const PAN: &str = "6228480000000001230";

fn yima(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_yima"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its arguments does not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn said(arguments: &[&str], input: &str) -> String {
    let output = yima(arguments, input);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[track_caller]
fn encoded(dialect: &str, message: &Value) -> String {
    said(&["encode", "iso8583", "--dialect", dialect], &message.to_string())
}

#[track_caller]
fn decoded(dialect: &str, hex: &str) -> Value {
    serde_json::from_str(&said(&["decode", "iso8583", "--dialect", dialect, hex, "--json"], "")).unwrap()
}

/// What a command says when it refuses.
#[track_caller]
fn refused(arguments: &[&str], input: &str) -> String {
    let output = yima(arguments, input);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("0000001230"), "a card number is in: {said}");
    said
}

/// A sale that every dialect can write: its private fields differ.
fn sale_with(more: Value) -> Value {
    let mut sale = json!({
        "mti": "0200",
        "2": PAN,
        "3": "000000",
        "4": "000000001234",
        "11": "000042",
        "13": "1128",
        "14": "3012",
        "22": "051",
        "25": "00",
        "35": "6228480000000001230D30122011234567890",
        "37": "000000000042",
        "38": "A1B2C3",
        "41": "10000001",
        "42": "898000000000001",
        "45": "B6228480000000001230^LI/MEI^3012",
        "49": "156",
        "52": "0123456789ABCDEF",
        "55": {
            "9F26": "A1B2C3D4E5F60718",
            "5A": "6228480000000001230F",
            "57": "6228480000000001230D30122011234567890F",
            "9F02": "000000001234",
            "DF8123": "0102030405",
        },
        "57": "31",
        "62": "00112233445566778899AABBCCDDEEFF8D0A74B8",
        "64": "3546453035384442",
    });
    for (key, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(sale.as_object_mut().unwrap().shift_remove(key)),
            value => sale[key] = value.clone(),
        }
    }
    sale
}

/// Each dialect with a message in it.
fn messages() -> Vec<(&'static str, Value)> {
    vec![
        (
            "unionpay",
            sale_with(json!({
                "59": { "A2": { "01": "04", "02": "00000102TEST0001", "03": "001230", "04": "5FE058DB", "77": "x" } },
                "60": { "1": "22", "2": "000001", "3": "000", "4": "5", "5": "0" },
                "61": { "1": "000001", "2": "000041", "3": "1127" },
            })),
        ),
        ("iso87-ascii", sale_with(json!({ "28": "D00000100", "63": "KEY", "70": "301", "128": "3546453035384442" }))),
        ("iso87-binary", sale_with(json!({ "28": "C00000100", "63": "KEY", "90": "0".repeat(42) }))),
        (
            "iso93-binary",
            sale_with(json!({
                "mti": "1200",
                "12": "261128023456",
                "22": "51010151114C",
                "25": "1508",
                "30": "0".repeat(24),
                "39": "000",
                "53": "A1B2C3",
                "57": "100",
                "93": "12345678901",
                "96": "00112233",
            })),
        ),
    ]
}

/// Stars where a value is masked.
fn is_masked(value: &Value) -> bool {
    match value {
        Value::Object(parts) => parts.values().any(is_masked),
        value => value.as_str().unwrap().contains('*'),
    }
}

/// The values of `whole` wherever `masked` has stars.
fn unmasked(masked: &Value, whole: &Value) -> Value {
    match (masked, whole) {
        (Value::Object(parts), Value::Object(whole)) => {
            let whole =
                |key: &String, value| whole.get(key).map_or_else(|| Value::clone(value), |it| unmasked(value, it));
            parts.iter().map(|(key, value)| (key.clone(), whole(key, value))).collect()
        }
        (value, whole) if is_masked(value) => whole.clone(),
        (value, _) => value.clone(),
    }
}

#[test]
fn what_is_encoded_is_decoded_and_encoded_again_in_every_dialect() {
    for (dialect, message) in messages() {
        let hex = encoded(dialect, &message);
        let read = decoded(dialect, &hex);
        for (key, value) in message.as_object().unwrap() {
            match (value, &read[key]) {
                (Value::Object(parts), Value::Object(told)) => {
                    assert!(parts.keys().eq(told.keys()), "{dialect} {key}");
                    for (tag, part) in parts {
                        assert!(is_masked(&told[tag]) || told[tag] == *part, "{dialect} {key}.{tag}");
                    }
                }
                (value, told) => assert!(is_masked(told) || told == value, "{dialect} {key}: {told}"),
            }
        }
        for masked in ["2", "14", "35", "45", "52", "57", "62"] {
            assert!(is_masked(&read[masked]), "{dialect} {masked}");
        }
        for (tag, shown) in [("9F26", true), ("9F02", true), ("DF8123", false), ("5A", false), ("57", false)] {
            assert_eq!(!is_masked(&read["55"][tag]), shown, "{dialect} 55.{tag}");
        }
        for shown in ["3", "4", "11", "22", "37", "41", "42", "49", "64"] {
            assert!(!is_masked(&read[shown]), "{dialect} {shown}");
        }
        // With its values in the place of the stars it is the same message, in the same frame.
        assert_eq!(encoded(dialect, &unmasked(&read, &message)), hex, "{dialect}");
    }
}

/// Written out by hand from the dialect's rules.
#[test]
fn a_message_is_encoded_in_the_frame_of_its_dialect() {
    let message = json!({
        "mti": "0800",
        "11": "000042",
        "41": "10000001",
        "42": "898000000000001",
        "60": { "1": "00", "2": "000001", "3": "301" },
    });
    let alone =
        "08000020000000C00010000042313030303030303138393830303030303030303030303100 11000000013010".replace(' ', "");
    assert_eq!(encoded("unionpay", &message), format!("00376000030000603100311000{alone}"));
    assert_eq!(said(&["encode", "iso8583", "--no-frame"], &message.to_string()), alone);
    let mut framed = message.clone();
    framed["frame"] = json!({ "length": "bcd", "covers": "whole", "tpdu": "6000000003", "header": "" });
    assert_eq!(encoded("unionpay", &framed), format!("00516000000003{alone}"));
    framed["frame"] = json!({ "length": "none" });
    assert_eq!(encoded("unionpay", &framed), alone);
    framed["frame"] = json!({ "header": "603100411000" });
    assert_eq!(encoded("unionpay", &framed), format!("00376000030000603100411000{alone}"));
}

#[test]
fn any_usual_frame_is_found_and_said() {
    let alone = "08000020000000C0001000004231303030303030313839383030303030303030303030310011000000013010";
    for (before, frame, words) in [
        (
            "0037 6000030000 603100311000",
            json!({ "length": "u16", "covers": "following", "tpdu": "6000030000", "header": "603100311000" }),
            "frame  length u16, TPDU 6000030000, header 603100311000",
        ),
        ("", json!({ "length": "none" }), "frame  none (not the dialect's own)"),
        (
            "002C",
            json!({ "length": "u16", "covers": "following", "tpdu": "", "header": "" }),
            "frame  length u16 (not the dialect's own)",
        ),
    ] {
        let hex = format!("{before} {alone}");
        let read = decoded("unionpay", &hex);
        assert_eq!(read["frame"], frame, "{before}");
        assert_eq!(encoded("unionpay", &read), hex.replace(' ', ""), "nothing here is masked");
        let text = said(&["decode", "iso8583", &hex], "");
        assert_eq!(text.lines().next(), Some(words));
    }
    let read = said(&["decode", "iso8583", "--no-frame", alone, "--json"], "");
    assert_eq!(serde_json::from_str::<Value>(&read).unwrap()["11"], "000042");
    let said = refused(&["decode", "iso8583", "--no-frame", &format!("002C{alone}")], "");
    assert!(said.contains("at byte"), "{said}");
}

#[test]
fn fields_stand_in_columns_with_their_parts_below() {
    let message = json!({
        "mti": "0200",
        "2": PAN,
        "4": "000000001234",
        "14": "3012",
        "55": { "9F02": "000000001234", "5A": "6228480000000001230F", "DF19": "01" },
        "59": { "A2": { "01": "04", "03": "001230" } },
        "60": { "1": "22", "2": "000001" },
    });
    let hex = encoded("unionpay", &message);
    assert_eq!(
        said(&["decode", "iso8583", "--dialect", "unionpay", &hex], ""),
        "\
frame   length u16, TPDU 6000030000, header 603100311000
mti     0200
2       primary account number                     19  622848*********1230
4       amount                                     12  000000001234
14      expiry                                      4  (masked)
55      chip data                                  25
  9F02  Amount, Authorised (Numeric)                6  000000001234
  5A    Application Primary Account Number (PAN)   10  622848*********1230F
  DF19  unknown tag                                 1  (masked)
59      terminal device data                       23
  A2
    01                                              2  04
    03                                              6  (masked)
60      message type and batch                      8
  1     type of transaction                         2  22
  2     batch                                       6  000001"
    );
}

#[test]
fn no_card_number_is_shown_wherever_it_stands() {
    for (dialect, message) in messages() {
        let mut message = message;
        if dialect != "unionpay" {
            message["62"] = format!("KEYS {PAN}").into();
            message["48"] = format!("CARD {PAN}").into();
            message["103"] = PAN.into();
        }
        let hex = encoded(dialect, &message);
        for json in [&["--json"][..], &[]] {
            let shown = said(&[&["decode", "iso8583", "--dialect", dialect, &hex][..], json].concat(), "");
            assert!(shown.contains("622848*********1230"), "{dialect}: {shown}");
            // The middle of the number, the expiry, the factor, PIN block, keys, the name.
            for secret in ["0000000001230", "3012", "001230\"", "01234567", "00112233", "LI/MEI", "KEYS"] {
                assert!(!shown.contains(secret), "{dialect}: {secret} is in {shown}");
            }
        }
    }
}

#[test]
fn unknown_data_objects_are_kept_and_odd_ones_told_as_a_whole() {
    // Of a tag that nobody knows, with a longer length than needed, twice, and behind padding.
    for data in ["DF19020102", "DF1981020102", "71007100", "009F36020001"] {
        let hex = encoded("unionpay", &json!({ "mti": "0200", "55": data }));
        assert!(hex.ends_with(data), "{hex}");
        let told = &decoded("unionpay", &hex)["55"];
        assert_eq!(told.is_object(), data == "DF19020102", "{told}");
    }
    // An empty second bitmap is no field, and is kept as well.
    let hex = encoded("iso87-binary", &json!({ "mti": "0800", "1": "0000000000000000", "11": "000042" }));
    assert_eq!(hex, "080080200000000000000000000000000000000042");
    let read = decoded("iso87-binary", &hex);
    assert_eq!(read, json!({ "mti": "0800", "1": "0000000000000000", "11": "000042" }));
}

#[test]
fn what_cannot_be_read_is_refused_with_path_and_offset() {
    let frame = "0000 6000030000 603100311000";
    let sized = |body: &str| {
        let text: String = format!("{frame}{body}").split_whitespace().collect();
        format!("{:04X}{}", text.len() / 2 - 2, &text[4..])
    };
    for (dialect, hex, place) in [
        // An amount cut off, what was read before it is told.
        ("unionpay", sized("0200 3000000000000000 000000 0000"), "field 4 (amount) at byte 26"),
        ("unionpay", sized("0200 3000000000000000 000000 0000"), "read so far: 0200 {3: 000000}"),
        ("unionpay", sized("0200 0000000000000200 0005 9F0206 0000"), "field 55.9F02 (chip data) at byte 28"),
        (
            "unionpay",
            sized("0200 4000000000000000 19 622848000000000123A0"),
            "field 2 (primary account number) at byte 23",
        ),
        ("unionpay", "0005 60000300".to_owned(), "length at byte 0"),
        ("iso87-ascii", "30323030".to_owned(), "bitmap at byte 4"),
        ("iso87-ascii", "3032303030303230303030303030303030303030303030304A".to_owned(), "field 11"),
        ("iso87-binary", "0200 2000000000000000 0000".to_owned(), "field 3 (processing code) at byte 10"),
        ("iso87-binary", "0200 2000000000000000 000000 00".to_owned(), "end of the message at byte 13"),
        ("iso93-binary", "1200 8000000000000000 00".to_owned(), "second bitmap at byte 10"),
        ("iso93-binary", "120A 0000000000000000".to_owned(), "message type at byte 0"),
    ] {
        let said = refused(&["decode", "iso8583", "--dialect", dialect, &hex], "");
        assert!(said.contains(place), "{dialect} {hex}: {said}");
    }
    for (hex, place) in [("02Z0", "offset 2"), ("020", "offset 3"), ("", "offset 0")] {
        let said = refused(&["decode", "iso8583", hex], "");
        assert!(said.contains(place), "{said}");
    }
    assert!(refused(&["decode", "iso8583", "--dialect", "nobody", "00"], "").contains("iso87-ascii"));
    assert!(refused(&["decode", "tlv", "--dialect", "unionpay", "9F3600"], "").contains("iso8583"));
}

/// In 1987 field 55 was anybody's, and an acquirer may have put something of its own into fields 59 to 63.
#[test]
fn a_field_that_holds_something_else_than_its_parts_is_told_as_a_whole_with_the_reason() {
    for (dialect, hex, field, value, reason) in [
        ("iso87-ascii", hex_of("02002000000000000200000000010") + &hex_of("48454C4C4F"), "55", "(masked)", "55.48"),
        ("iso87-binary", "02002000000000000200000000000548454C4C4F".to_owned(), "55", "(masked)", "field 55.48"),
        ("iso93-binary", "12002000000000000200000000000548454C4C4F".to_owned(), "55", "(masked)", "field 55.48"),
        ("unionpay", "0200200000000000002000000000054142434445".to_owned(), "59", "(masked)", "field 59.AB"),
        ("unionpay", "020020000000000000100000000007 22000010".to_owned(), "60", "2200001", "field 60.2"),
        ("unionpay", "02002000000000000008000000000312 30".to_owned(), "61", "123", "field 61.1"),
        ("unionpay", "0200200000000000000200000000024355".to_owned(), "63", "(masked)", "field 63.1"),
    ] {
        let hex = hex.replace(' ', "");
        let text = said(&["decode", "iso8583", "--dialect", dialect, "--no-frame", &hex], "");
        assert!(text.contains("processing code"), "the rest is told: {text}");
        let line = text.lines().find(|line| line.starts_with(field)).unwrap();
        assert!(line.contains(value) && line.contains(reason), "{dialect}: {text}");
        let output = yima(&["decode", "iso8583", "--dialect", dialect, "--no-frame", &hex, "--json"], "");
        assert_eq!(output.status.code(), Some(0));
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(read[field].is_string() && read["3"] == "000000", "{read}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(reason));
    }
}

fn hex_of(characters: &str) -> String {
    characters.bytes().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn a_name_in_another_alphabet_keeps_nobody_from_reading_the_rest() {
    let name = "D6D0B9FA".to_owned() + &"20".repeat(36);
    let hex = format!("02002000000000200000000000{name}");
    let text = said(&["decode", "iso8583", "--dialect", "iso87-binary", &hex], "");
    let line = text.lines().find(|line| line.starts_with("43")).unwrap();
    assert!(line.contains(&name) && line.contains("in another alphabet"), "{text}");
    let read = decoded("iso87-binary", &hex);
    assert_eq!(read, json!({ "mti": "0200", "3": "000000", "43": { "hex": name } }));
    assert_eq!(encoded("iso87-binary", &read), hex);
}

#[test]
fn what_cannot_be_written_is_refused_with_the_field_and_without_its_value() {
    for (message, place) in [
        (json!({ "3": "000000" }).to_string(), "\"mti\""),
        (json!({ "mti": "200" }).to_string(), "\"mti\""),
        (json!({ "mti": "0200", "x": "1" }).to_string(), "\"x\""),
        (json!({ "mti": "0200", "02": "1" }).to_string(), "\"02\""),
        (json!({ "mti": "0200", "1": "8000000000000000" }).to_string(), "field 1 "),
        (json!({ "mti": "0200", "5": "000000000000" }).to_string(), "field 5"),
        (json!({ "mti": "0200", "200": "0" }).to_string(), "field 200"),
        (json!({ "mti": "0200", "4": "1234" }).to_string(), "field 4 (amount)"),
        (json!({ "mti": "0200", "2": format!("{PAN}1") }).to_string(), "field 2 (primary account number)"),
        (json!({ "mti": "0200", "2": "622848*********1230" }).to_string(), "field 2"),
        (json!({ "mti": "0200", "14": "****" }).to_string(), "field 14: it is masked with stars"),
        (json!({ "mti": "0200", "52": "****************" }).to_string(), "field 52: it is masked with stars"),
        (json!({ "mti": "0200", "55": { "5A": "622848*********1230F" } }).to_string(), "field 55.5A: it is masked"),
        (json!({ "mti": "0200", "59": { "A2": { "03": "******" } } }).to_string(), "field 59.A2.03: it is masked"),
        (json!({ "mti": "0200", "55": { "9F": "00" } }).to_string(), "field 55.9F"),
        (json!({ "mti": "0200", "60": { "1": "2" } }).to_string(), "field 60.1"),
        (json!({ "mti": "0200", "3": { "1": "00" } }).to_string(), "field 3"),
        (json!({ "mti": "0200", "frame": { "length": "u32" } }).to_string(), "\"frame\""),
        (json!({ "mti": "0200", "frame": { "tpdu": "6000" } }).to_string(), "TPDU"),
        (format!("{{\"mti\": \"0200\", \"2\": {PAN}}}"), "stands in quotes"),
        (format!("{{\"mti\": \"0200\", \"2\": \"{PAN}\", \"2\": \"1\"}}"), "\"2\" is there twice"),
        ("{\"mti\": \"0200\", \"3\": \"00".to_owned(), "column"),
        ("[]".to_owned(), "object"),
        ("\"0200\"".to_owned(), "object"),
    ] {
        let said = refused(&["encode", "iso8583"], &message);
        assert!(said.contains(place), "{message}: {said}");
    }
}

#[test]
fn a_dialect_can_be_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(
        &path,
        r#"
name = "mine"
mti = "ebcdic"
length_prefix = "binary"
shown = [3, 41]
[frame]
length = "ascii"
covers = "message"
header = "AB"
[fields]
3 = { name = "what", content = "digits", encoding = "ebcdic", length = { fixed = 6 } }
41 = { name = "who", content = "text", encoding = "ebcdic", length = { prefix = 2, max = 8 } }
"#,
    )
    .unwrap();
    let message = json!({ "mti": "0200", "3": "310000", "41": "T1" });
    let hex = encoded(path.to_str().unwrap(), &message);
    assert_eq!(hex, "30303231ABF0F2F0F02000000000800000F3F1F0F0F0F002E3F1");
    let read = decoded(path.to_str().unwrap(), &hex);
    assert_eq!((&read["3"], &read["41"]), (&message["3"], &message["41"]));
    std::fs::write(&path, "name = \"mine\"").unwrap();
    assert!(refused(&["decode", "iso8583", "--dialect", path.to_str().unwrap(), "00"], "").contains("mti"));
    let nowhere = folder.path().join("nobody.toml");
    assert!(refused(&["encode", "iso8583", "--dialect", nowhere.to_str().unwrap()], "{}").contains("nobody.toml"));
}

#[test]
fn a_sale_is_packed_with_one_allocation_and_unpacked_with_two() {
    let layout = Layout::shipped(DIALECT).unwrap();
    let frame = sale();
    let (bytes, pack) = taken(|| layout.pack(&frame).unwrap());
    let (read, unpack) = taken(|| {
        let read = layout.unpack(&bytes).unwrap();
        for (field, _) in frame.message.fields() {
            assert!(read.message.text(field).is_some() || read.message.bytes(field).is_some());
        }
        read
    });
    assert_eq!(read, frame);
    assert_eq!(read.message.fields().count(), 14);
    assert_eq!((pack.times, unpack.times), (1, 2));
    // The buffer has its size from the beginning: nothing is left behind by growing.
    assert_eq!(pack.bytes, bytes.capacity());
}

proptest! {
    /// Whatever a message announces, no more is taken for it than it has.
    #[test]
    fn any_bytes_take_no_more_than_their_share(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for (name, _) in SHIPPED {
            let layout = Layout::shipped(name).unwrap();
            let framed = [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
            for bytes in [&bytes, &framed] {
                let (_, taken) = taken(|| layout.unpack(bytes).is_ok());
                // Twice the bytes for values, 128 places for fields, and an error's words.
                prop_assert!(taken.bytes <= 3 * bytes.len() + 8192, "{} for {}", taken.bytes, bytes.len());
            }
        }
    }
}
