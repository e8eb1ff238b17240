//! `yima decode` from outside: what it prints, as text and as JSON, what it hides, and how it refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// The answer to SELECT of a UnionPay debit card.
const FCI: &str = "6F37 8408A000000333010101 A52B 500A50424F43204445424954 870101 9F38069F66049F3704 5F2D047A68656E \
                   9F110101 BF0C059F4D020B0A";

/// A record with everything that must not be shown: tracks, number, names, discretionary data, PIN data.
const RECORD: &str = "7061 57106228480000000007D29122201234567F 5A086228480000000007 5F20064C49204D4549 9F0B044C494D45 \
                      56084236323238343830 9F1F0431323334 9F20021234 9F6B0C6228480000000007D2912220 \
                      9908041234FFFFFFFFFF 5F2403291231";

fn yima(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_yima"))
        .arg("decode")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn text(arguments: &[&str]) -> String {
    let output = yima(arguments, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json(kind: &str, hex: &str) -> Value {
    serde_json::from_str(&text(&[kind, hex, "--json"])).unwrap()
}

#[test]
fn data_objects_stand_in_columns_with_their_meaning_below() {
    assert_eq!(
        text(&["tlv", FCI]),
        "\
6F    File Control Information (FCI) Template                        55
  84    Dedicated File (DF) Name                                      8  A000000333010101
  A5    File Control Information (FCI) Proprietary Template          43
    50    Application Label                                          10  50424F43204445424954
          \"PBOC DEBIT\"
    87    Application Priority Indicator                              1  01
    9F38  Processing Options Data Object List (PDOL)                  6  9F66049F3704
          9F66    4  Terminal Transaction Qualifiers (TTQ)
          9F37    4  Unpredictable Number
    5F2D  Language Preference                                         4  7A68656E
          \"zhen\"
    9F11  Issuer Code Table Index                                     1  01
    BF0C  File Control Information (FCI) Issuer Discretionary Data    5
      9F4D  Log Entry                                                 2  0B0A
"
    );
}

#[test]
fn data_objects_in_json_are_an_array_with_children() {
    let objects = json("tlv", "6F0C 8408A000000333010101 A500 DF010100");
    assert_eq!(
        objects,
        json!([
            {
                "tag": "6F",
                "name": "File Control Information (FCI) Template",
                "length": 12,
                "value": "8408A000000333010101A500",
                "children": [
                    { "tag": "84", "name": "Dedicated File (DF) Name", "length": 8, "value": "A000000333010101" },
                    {
                        "tag": "A5",
                        "name": "File Control Information (FCI) Proprietary Template",
                        "length": 0,
                        "value": "",
                        "children": [],
                    },
                ],
            },
            { "tag": "DF01", "name": null, "length": 1, "value": "00" },
        ])
    );
}

#[test]
fn secrets_are_stars_in_text_and_json() {
    let record = json("tlv", RECORD);
    let value = |tag: &str| {
        let objects = record[0]["children"].as_array().unwrap();
        objects.iter().find(|object| object["tag"] == tag).unwrap()["value"].clone()
    };
    assert_eq!(value("57"), "622848******0007D2912220*******F");
    assert_eq!(value("5A"), "622848******0007");
    assert_eq!(value("9F6B"), "622848******0007D2912220");
    for tag in ["5F20", "9F0B", "56", "9F1F", "9F20", "99"] {
        let value = value(tag);
        assert!(value.as_str().unwrap().bytes().all(|digit| digit == b'*'), "{tag}: {value}");
    }
    assert_eq!(value("5F24"), "291231");
    for shown in [text(&["tlv", RECORD]), record.to_string()] {
        // The middle of the number, the name and track 1 in hexadecimal, the name as text, PIN and discretionary data.
        for secret in ["6228480", "4C49", "4236", "LI ", "1234"] {
            assert!(!shown.contains(secret), "{secret} is shown in:\n{shown}");
        }
    }
}

#[test]
fn a_field_of_bits_names_those_that_are_set() {
    assert_eq!(
        text(&["tvr", "80 00 04 80 00"]),
        "\
Terminal Verification Results  8000048000
  byte 1 bit 8  Offline data authentication was not performed
  byte 3 bit 3  Online PIN entered, or other online CVM captured
  byte 4 bit 8  Transaction exceeds floor limit
"
    );
    assert_eq!(text(&["tsi", "0000"]), "Transaction Status Information  0000\n  nothing is set\n");
    assert_eq!(
        json("tsi", "6800"),
        json!({
            "name": "Transaction Status Information",
            "value": "6800",
            "bits": [
                { "byte": 1, "bit": 7, "meaning": "Cardholder verification was performed" },
                { "byte": 1, "bit": 6, "meaning": "Card risk management was performed" },
                { "byte": 1, "bit": 4, "meaning": "Terminal risk management was performed" },
            ],
        })
    );
}

#[test]
fn records_to_read_and_what_a_system_adds_are_told_entry_by_entry() {
    assert_eq!(
        text(&["afl", "08010100 10010301 18010201"]),
        "\
Application File Locator  080101001001030118010201
  file 1  record 1
  file 2  records 1 to 3, the first 1 for offline data authentication
  file 3  records 1 to 2, the first 1 for offline data authentication
"
    );
    // Within data objects as well.
    assert_eq!(
        text(&["tlv", "7714 8202 3900 9404 08010100 9F6E07 06430000303900"]),
        "\
77    Response Message Template Format 2                              20
  82    Application Interchange Profile (AIP)                          2  3900
        byte 1 bit 6  DDA supported
        byte 1 bit 5  Cardholder verification is supported
        byte 1 bit 4  Terminal risk management is to be performed
        byte 1 bit 1  CDA supported
  94    Application File Locator (AFL)                                 4  08010100
        file 1  record 1
  9F6E  Form Factor Indicator (Visa); Third Party Data (Mastercard)    7  06430000303900
        layout                Mastercard Third Party Data
        country (ISO 3166-1)  0643
        unique identifier     0000
        device type           09, mobile phone, fixed secure element not the operator's
        proprietary data      not used
"
    );
}

#[test]
fn every_kind_has_json_a_program_can_use() {
    // Kind, bytes, where to look, and what stands there.
    let cases = [
        ("tvr", "0000008000", "/bits/0/meaning", json!("Transaction exceeds floor limit")),
        ("aip", "7C00", "/bits/1/meaning", json!("DDA supported")),
        ("auc", "FF00", "/bits/7/bit", json!(1)),
        ("cvm", "00000000000003E842031E031F00", "/rules/0/method", json!("Enciphered PIN verified online")),
        ("cvm", "00000000000003E842031E031F00", "/amount_y", json!(1000)),
        ("cvm", "1E0300", "/result", json!("unknown")),
        ("capabilities", "E028C8", "/bits/3/meaning", json!("Signature")),
        ("capabilities", "6000F0A001", "/name", json!("Additional Terminal Capabilities")),
        ("ttq", "26000080", "/bits/1/meaning", json!("Online PIN supported")),
        ("ctq", "0080", "/bits/0/byte", json!(2)),
        ("cid", "40", "/cryptogram", json!("TC")),
        ("iad", "07010103A0100201", "/layout", json!("UnionPay")),
        ("iad", "07010103A0100201", "/cvr/first_cryptogram", json!("ARQC")),
        ("iad", "AABB", "/layout", json!("unknown")),
        ("terminal-type", "21", "/attended", json!(true)),
        ("atr", "3B65000059494D4131", "/protocols/0", json!("T=0")),
        ("atr", "3B65000059494D4131", "/historical/text", json!("YIMA1")),
        ("track2", "6228480000000007D29122201234567F", "/pan", json!("622848******0007")),
        ("track2", "6228480000000007D29122201234567F", "/service_code", json!("220")),
        ("afl", "0801010010010301", "/entries/1", json!({"sfi": 2, "first": 1, "last": 3, "authenticated": 1})),
        ("9f6e", "23880000", "/layout", json!("Visa Form Factor Indicator")),
        ("9f6e", "23880000", "/parts/1", json!({"name": "form factor", "says": "mobile phone"})),
        ("9f6e", "98A04003", "/bits/5/meaning", json!("CVM required")),
        ("9f6e", "06430000303900", "/layout", json!("Mastercard Third Party Data")),
        ("dol", "9F02069505", "/1", json!({"tag": "95", "name": "Terminal Verification Results (TVR)", "length": 5})),
    ];
    for (kind, hex, place, expected) in cases {
        assert_eq!(json(kind, hex).pointer(place), Some(&expected), "{kind} {hex} at {place}");
    }
}

#[test]
fn standard_input_and_several_words_are_read_as_well() {
    let output = yima(&["cid", "-"], b" 8\n0\n");
    let (words, whole) = (text(&["tlv", "9A", "03", "29 12", "31"]), text(&["tlv", "9a03291231"]));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().next(), Some("Cryptogram Information Data  80"));
    assert_eq!(words, whole);
}

#[test]
fn what_cannot_be_decoded_ends_with_2_and_the_offset() {
    let (deep, iad_too_long) = ("6F02".repeat(12), "07".repeat(33));
    let cases = [
        ("tlv", "5A08622848", "offset 2"),
        ("tlv", "70065A0462289F", "offset 2"),
        ("tlv", "70075A036228489505", "offset 9"),
        ("tlv", "9F", "offset 0"),
        ("tlv", "8480", "offset 1"),
        ("tlv", deep.as_str(), "offset"),
        ("tlv", "5A0Z", "offset 3"),
        ("tlv", "5A0", "offset 3"),
        ("tlv", " ", "offset 0"),
        ("tvr", "00000000", "offset 4"),
        ("tsi", "000000", "offset 2"),
        ("cvm", "00000000000003E84203FF", "offset 11"),
        ("cid", "8000", "offset 1"),
        ("terminal-type", "20", "offset 0"),
        ("terminal-type", "2121", "offset 1"),
        ("iad", iad_too_long.as_str(), "offset 32"),
        ("atr", "3B6500", "offset 3"),
        ("track2", "6228480000000007", "offset 8"),
        ("dol", "9F02069F37", "offset 5"),
        ("dol", "9F0206DF8181818101", "offset 3"),
        ("afl", "08010100100103", "offset 7"),
        ("afl", "08010100F8010100", "offset 4"),
        ("9f6e", "238800", "offset 3"),
        ("9f6e", "06430000300000", "offset 5"),
        ("aip", "7C", "offset 1"),
        ("auc", "FF0000", "offset 2"),
        ("capabilities", "E0", "offset 1"),
        ("capabilities", "6000F0A0", "offset 4"),
        ("capabilities", "6000F0A00101", "offset 5"),
        ("ttq", "260000", "offset 3"),
        ("ctq", "008000", "offset 2"),
        ("cvm", "1E", "offset 1"),
        ("track2", "6228480000000007C29122201234567F", "offset 8"),
    ];
    for (kind, hex, place) in cases {
        for form in [&[kind, hex][..], &[kind, hex, "--json"]] {
            let output = yima(form, &[]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{kind} {hex}: {said}");
            assert!(output.stdout.is_empty(), "{kind} {hex}");
            assert!(said.starts_with("yima: ") && said.contains(place), "{kind} {hex}: {said}");
            assert!(!said.contains("6228"), "a digit of the card number is told: {said}");
        }
    }
}

#[test]
fn standard_input_that_is_no_text_or_too_long_is_refused_as_well() {
    let too_long = vec![b'0'; (1 << 20) + 1];
    for (input, place) in [(&b"5A\xFF"[..], "offset 2"), (&too_long, "offset 1048576"), (b"", "offset 0")] {
        let output = yima(&["tlv", "-"], input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(place), "{said}");
    }
}
