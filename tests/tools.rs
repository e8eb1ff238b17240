//! `yima tools` from outside: published vectors as text and as JSON, standard input, and how it refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Runs `yima tools` with words parted by blanks.
fn yima(line: &str, input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_yima"))
        .arg("tools")
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn text(line: &str, input: &[u8]) -> String {
    let output = yima(line, input);
    assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[track_caller]
fn json(line: &str) -> Value {
    serde_json::from_str(&text(&format!("{line} --json"), &[])).unwrap()
}

#[track_caller]
fn gives(cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        assert_eq!(text(line, &[]), *expected, "{line}");
    }
}

/// "Now is the time for all " and "Now is the time for it" of ISO/IEC 9797-1, annex B.
macro_rules! all {
    () => {
        "4E6F77206973207468652074696D6520666F7220616C6C20"
    };
}
macro_rules! it {
    () => {
        "4E6F77206973207468652074696D6520666F72206974"
    };
}

#[test]
fn macs_of_public_vectors() {
    gives(&[
        // A worked sample of a public post on UnionPay POS MACs: field 64, and the block it is of.
        ("mac --alg unionpay --key 55036372B17543ECB173730768B8D6C4 1212B04E1227809C", "5FE058DB"),
        ("mac --alg unionpay --bytes 8 --key 55036372B17543ECB173730768B8D6C4 1212B04E1227809C", "5FE058DB90680D33"),
        // ISO/IEC 9797-1, annex B; ANSI X9.9 and X9.19 are its algorithms with zero padding.
        (concat!("mac --alg x9.9 --key 0123456789ABCDEF ", all!()), "70A30640CC76DD8B"),
        (concat!("mac --alg x9.19 --key 0123456789ABCDEFFEDCBA9876543210 ", all!()), "A1C72E74EA3FA9B6"),
        (concat!("mac --alg iso9797-1 --key 0123456789ABCDEF ", all!()), "70A30640CC76DD8B"),
        (concat!("mac --alg iso9797-1 --padding 2 --bytes 4 --key 0123456789ABCDEF ", all!()), "10E1F0F1"),
        (concat!("mac --alg iso9797-1 --padding 3 --bytes 4 --key 0123456789ABCDEF ", all!()), "2C58FB8F"),
        (concat!("mac --alg iso9797-3 --padding 1 --key 0123456789ABCDEFFEDCBA9876543210 ", it!()), "2E2B1428CC78254F"),
        (concat!("mac --alg iso9797-3 --padding 2 --key 0123456789ABCDEFFEDCBA9876543210 ", it!()), "5A692CE64F404145"),
        (concat!("mac --alg iso9797-3 --padding 3 --key 0123456789ABCDEFFEDCBA9876543210 ", it!()), "C59F7EED328DDD69"),
        // psec 1.3.0, tests/test_mac.py: CBC-MAC with a TDES key of double length over "hello world".
        (
            "mac --alg iso9797-1 --padding 2 --key AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBB 68656C6C6F20776F726C64",
            "32DC341271ACCD00",
        ),
        // NIST SP 800-38B, appendix D (AES-128 as in RFC 4493, AES-256, TDES).
        (
            "mac --alg cmac --key 2b7e151628aed2a6abf7158809cf4f3c 6bc1bee22e409f96 e93d7e117393172a",
            "070A16B46B4D4144F79BDD9DD04A287C",
        ),
        (
            "mac --alg cmac --key 603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4 \
             6BC1BEE22E409F96E93D7E117393172A",
            "28A7023F452E8F82BD4BF28D8C37C35C",
        ),
        (
            "mac --alg cmac --cipher tdes --key 0123456789ABCDEF23456789ABCDEF01 6BC1BEE22E409F96E93D7E117393172A",
            "CC18A0B79AF2413B",
        ),
        // GB/T 32907-2016, appendix A: one block is a single encryption, with zeros behind it or not.
        (
            "mac --alg sm4 --key 0123456789ABCDEFFEDCBA9876543210 0123456789ABCDEFFEDCBA9876543210",
            "681EDF34D206965E86B3E94F536E4246",
        ),
    ]);
    let empty = Command::new(env!("CARGO_BIN_EXE_yima"))
        .args(["tools", "mac", "--alg", "cmac", "--key", "2B7E151628AED2A6ABF7158809CF4F3C", ""])
        .output()
        .unwrap();
    assert_eq!(empty.stdout, b"BB1D6929E95937287FA37D129B756746\n");
}

#[test]
fn check_values_of_public_samples() {
    gives(&[
        ("kcv --alg tdes --bytes 4 --key 5BB5C72CD00B7338", "AB7153CA"),
        ("kcv --alg tdes --bytes 3 --key F039121BEC83D26B169BDCD5B22AAF8F", "CB9DEA"),
        ("kcv --alg sm4 --bytes 8 --key F351D490994603795C6EBEE8FAEBB481", "861E83E31FAEBF10"),
        ("kcv --alg aes --bytes 5 --key 3F419E1CB7079442AA37474C2EFBF8B8", "08793E25AB"),
        ("kcv --alg aes --bytes 3 --key 00112233445566778899AABBCCDDEEFF", "53E107"),
        ("kcv --alg aes --method zeros --bytes 3 --key 00112233445566778899AABBCCDDEEFF", "FDE4FB"),
    ]);
    for (line, digits) in [("--alg tdes", 16), ("--alg aes", 32), ("--alg sm4", 32)] {
        assert_eq!(text(&format!("kcv {line} --key 00112233445566778899AABBCCDDEEFF"), &[]).len(), digits, "{line}");
    }
}

#[test]
fn pin_blocks_of_public_vectors() {
    gives(&[
        // ANSI X9.24-1:2009, A.4: the clear block, and under the PIN key of the first transaction.
        ("pinblock encode --format 0 --pin 1234 --pan 4012345678909", "041274EDCBA9876F"),
        (
            "pinblock encode --format 0 --pin 1234 --pan 4012345678909 --key 042666B49184CF5C68DE9628D0397B36",
            "1B9C1845EB993A7A",
        ),
        (
            "pinblock decode --format 0 --pan 4012345678909 --key 042666B49184CF5C68DE9628D0397B36 1B9C1845EB993A7A",
            "1234",
        ),
        // A public post on SM4 at UnionPay terminals.
        ("pinblock encode --format 0 --pin 123456 --pan 6403007726881", "06125055FF88D977"),
        (
            "pinblock encode --format 0 --pin 123456 --pan 6403007726881 --cipher sm4 \
             --key F351D490994603795C6EBEE8FAEBB481",
            "E639B7346D93D4ECE1E991CDCC84936E",
        ),
        // psec 1.3.0, tests/test_pinblock.py.
        ("pinblock encode --format 0 --pin 123456789012 --pan 5555555551234567", "0C1261032D8226A9"),
        ("pinblock decode --format 0 --pan 5555555551234567 091261032D8DCBA9", "123456789"),
        ("pinblock encode --format 2 --pin 123456789", "29123456789FFFFF"),
        ("pinblock decode --format 2 2A1234567890FFFF", "1234567890"),
        ("pinblock decode --format 3 --pan 5555555551234567 3C1261032D8226A9", "123456789012"),
        (
            "pinblock encode --format 4 --pin 1234 --pan 1234567890123456789 --fill FFFFFFFFFFFFFFFF \
             --key 00112233445566778899AABBCCDDEEFF",
            "28B41FDDD29B743E93124BD8E32D921E",
        ),
        // ep2 security specification 8.0.0, 8.4.
        (
            "pinblock decode --format 4 --pan 432198765432109870 --key C1D0F8FB4958670DBA40AB1F3752EF0D \
             CC17F65586BFD0953010226C4FC5B3CA",
            "1234",
        ),
        // ISO 9564-1, 9.3.3 and 9.3.5.
        ("pinblock encode --format 1 --pin 12345 --fill 012345678", "1512345012345678"),
        ("pinblock encode --format 3 --pin 1234 --pan 5555555551234567 --fill ABCDEFABCD", "341261FE98FD9F9B"),
        ("pinblock decode --format 1 1512345012345678", "12345"),
    ]);
}

#[test]
fn filling_that_is_not_given_is_random_and_read_back() {
    for (format, more) in [
        ("1", ""),
        ("3", "--pan 5555555551234567"),
        ("4", "--pan 5555555551234567 --key 00112233445566778899AABBCCDDEEFF"),
    ] {
        let encode = format!("pinblock encode --format {format} {more} --pin 4711");
        let (one, other) = (text(&encode, &[]), text(&encode, &[]));
        assert_ne!(one, other, "format {format}");
        assert_eq!(text(&format!("pinblock decode --format {format} {more} {one}"), &[]), "4711", "format {format}");
    }
}

#[test]
fn dukpt_keys_of_public_vectors() {
    // ANSI X9.24-1:2009, A.4; the PIN key of it is known to many.
    let tdes = "dukpt --algorithm tdes --bdk 0123456789ABCDEFFEDCBA9876543210 --ksn";
    for (serial, purpose, key) in [
        ("FFFF9876543210E00001", "ik", "6AC292FAA1315B4D858AB3A3D7D5933A"),
        ("FFFF9876543210E00000", "ik", "6AC292FAA1315B4D858AB3A3D7D5933A"),
        ("FFFF9876543210E00001", "pin", "042666B49184CF5C68DE9628D0397B36"),
        ("FFFF9876543210E00001", "mac-request", "042666B4918430A368DE9628D03984C9"),
        ("FFFF9876543210E00001", "mac-response", "042666B46E84CFA368DE96282F397BC9"),
        ("ffff9876543210e00005", "pin", "5F8DC6D2C845C1DA508DDC048093B8C0"),
    ] {
        assert_eq!(text(&format!("{tdes} {serial} --purpose {purpose}"), &[]), key, "{serial}, {purpose}");
    }
    // The data of that annex, encrypted: a data key is its variant encrypted with itself.
    let data_key = text(&format!("{tdes} FFFF9876543210E00001 --purpose data-request"), &[]);
    let mac = text(&format!("mac --alg iso9797-1 --key {data_key} 3430313233343536373839303944393837"), &[]);
    assert_eq!(mac, "6229BE2AA993F04F", "the last block of the request");
    assert_ne!(text(&format!("{tdes} FFFF9876543210E00001 --purpose data-response"), &[]), data_key);

    // ANSI X9.24-3:2017, supplement.
    let base = "FEDCBA9876543210F1F1F1F1F1F1F1F1";
    for (line, key) in [
        (
            format!("aes128 --bdk {base} --ksn 123456789012345600000001 --purpose ik"),
            "1273671EA26AC29AFA4D1084127652A1",
        ),
        (
            format!("aes128 --bdk {base} --ksn 123456789012345600000001 --purpose pin"),
            "AF8CB133A78F8DC2D1359F18527593FB",
        ),
        (
            format!("aes128 --bdk {base} --ksn 123456789012345600000001 --purpose mac-request"),
            "A2DC23DE6FDE0824A2BC321E08E4B8B7",
        ),
        (
            format!("aes128 --bdk {base} --ksn 123456789012345600000001 --purpose data-request"),
            "A35C412EFD41FDB98B69797C02DCD08F",
        ),
        (
            format!("aes128 --bdk {base} --ksn 123456789012345600845FED --purpose pin"),
            "D1DDA386AA4A556AF0119FDCB5D132C6",
        ),
        (
            format!("aes256 --bdk {base}{base} --ksn 123456789012345600000001 --purpose pin"),
            "8C1AB7BEE973829E30242E0BBBDD4946D540C98FC1B5BDCF94790001A23FD502",
        ),
        (
            format!("aes256 --bdk {base}{base} --ksn 123456789012345600000001 --purpose pin --key-type aes128"),
            "09C9C432966811D6B2C3336BAC1B1202",
        ),
    ] {
        assert_eq!(text(&format!("dukpt --algorithm {line}"), &[]), key, "{line}");
    }
    let keys: std::collections::HashSet<String> =
        ["ik", "pin", "mac-request", "mac-response", "data-request", "data-response", "mac-both", "data-both"]
            .iter()
            .map(|purpose| {
                let base = &[base, &base[..16]].concat();
                text(
                    &format!(
                        "dukpt --algorithm aes192 --bdk {base} --ksn 123456789012345600000001 --purpose {purpose}"
                    ),
                    &[],
                )
            })
            .collect();
    assert_eq!((keys.len(), keys.iter().all(|key| key.len() == 48)), (8, true));
}

#[test]
fn key_blocks_of_the_standards() {
    gives(&[
        // TR-31:2018, A.7.2.1, A.7.2.2, A.7.3.1, A.7.4.
        (
            "keyblock unwrap --kbpk 89E88CF7931444F334BD7547FC3F380C \
             A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701",
            "F039121BEC83D26B169BDCD5B22AAF8F",
        ),
        (
            "keyblock unwrap --kbpk DD7515F2BFC17F85CE48F3CA25CB21F6 \
             B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E",
            "3F419E1CB7079442AA37474C2EFBF8B8",
        ),
        (
            "keyblock unwrap --kbpk B8ED59E0A279A295E9F5ED7944FD06B9 \
             C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C",
            "EDB380DD340BC2620247D445F5B8D678",
        ),
        (
            "keyblock unwrap --kbpk 88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6 \
             D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34",
            "3F419E1CB7079442AA37474C2EFBF8B8",
        ),
        // The same way back: the first block of all, with its padding.
        (
            "keyblock wrap --kbpk 89E88CF7931444F334BD7547FC3F380C --key F039121BEC83D26B169BDCD5B22AAF8F \
             --header A0000P0TE00E0000 --pad-to 16 --fill 720DF563BB07",
            "A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701",
        ),
    ]);
}

#[test]
fn a_wrapped_key_comes_back_whatever_the_version() {
    for (version, algorithm, length) in
        [("A", "T", 88), ("B", "T", 96), ("C", "T", 88), ("D", "A", 144), ("D", "T", 112)]
    {
        let wrap = format!(
            "keyblock wrap --kbpk 89E88CF7931444F334BD7547FC3F380C --key F039121BEC83D26B169BDCD5B22AAF8F \
             --header {version}0000P0{algorithm}E00E0000"
        );
        let (block, other) = (text(&wrap, &[]), text(&wrap, &[]));
        assert_ne!(block, other, "the padding is random");
        assert_eq!(block.len(), length, "{block}");
        let key = text(&format!("keyblock unwrap --kbpk 89E88CF7931444F334BD7547FC3F380C {block}"), &[]);
        assert_eq!(key, "F039121BEC83D26B169BDCD5B22AAF8F");
    }
}

#[test]
fn json_says_what_was_done() {
    assert_eq!(
        json("mac --alg unionpay --key 55036372B17543ECB173730768B8D6C4 1212B04E1227809C"),
        json!({
            "algorithm": "unionpay", "cipher": "tdes", "padding": null,
            "mac": "5FE058DB", "whole": "5FE058DB90680D33",
        })
    );
    assert_eq!(json(concat!("mac --alg x9.9 --key 0123456789ABCDEF ", all!()))["padding"], 1);
    assert_eq!(
        json("kcv --alg sm4 --bytes 8 --key F351D490994603795C6EBEE8FAEBB481"),
        json!({ "algorithm": "sm4", "method": "zeros", "kcv": "861E83E31FAEBF10" })
    );
    assert_eq!(
        json("pinblock encode --format 0 --pin 1234 --pan 4012345678909"),
        json!({ "format": 0, "block": "041274EDCBA9876F", "enciphered": false })
    );
    assert_eq!(json("pinblock decode --format 2 241234FFFFFFFFFF"), json!({ "format": 2, "pin": "1234" }));
    assert_eq!(
        json("dukpt --algorithm tdes --bdk 0123456789ABCDEFFEDCBA9876543210 --ksn FFFF9876543210E00003 --purpose ik"),
        json!({
            "algorithm": "tdes", "ksn": "FFFF9876543210E00003", "counter": 3, "purpose": "ik",
            "key": "6AC292FAA1315B4D858AB3A3D7D5933A",
        })
    );
    assert_eq!(
        json(
            "keyblock unwrap --kbpk B8ED59E0A279A295E9F5ED7944FD06B9 \
             C0096B0TX12S0100KS1800604B120F9292800000BFB9B689CB567E66FC3FEE5AD5F52161FC6545B9D60989015D02155C"
        ),
        json!({
            "key": "EDB380DD340BC2620247D445F5B8D678",
            "header": {
                "version": "C", "length": 96, "key_usage": "B0", "algorithm": "T", "mode_of_use": "X",
                "key_version": "12", "exportability": "S",
                "optional_blocks": [{ "id": "KS", "content": "00604B120F9292800000" }],
            },
        })
    );
}

#[test]
fn secrets_are_read_from_standard_input_a_line_each() {
    let key = b"55036372B17543ECB173730768B8D6C4\n";
    assert_eq!(text("mac --alg unionpay --key - 1212B04E1227809C", key), "5FE058DB");
    let both = b"55036372 B17543EC B1737307 68B8D6C4\r\n1212B04E\n1227809C\n";
    assert_eq!(text("mac --alg unionpay --key - -", both), "5FE058DB");
    assert_eq!(text("kcv --alg tdes --bytes 4 --key -", b"5BB5C72CD00B7338"), "AB7153CA");
    let three = b"1234\n4012345678909\n042666B49184CF5C68DE9628D0397B36\n";
    assert_eq!(text("pinblock encode --format 0 --pin - --pan - --key -", three), "1B9C1845EB993A7A");
    let block = b"89E88CF7931444F334BD7547FC3F380C\n\
                  A0072P0TE00E0000F5161ED902807AF26F1D62263644BD24192FDB3193C730301CEE8701\n";
    assert_eq!(text("keyblock unwrap --kbpk - -", block), "F039121BEC83D26B169BDCD5B22AAF8F");
}

/// A script that keeps a result in a file must not take an empty one for it.
#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let yima = |stdout: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
        command.args(["tools", "kcv", "--alg", "tdes", "--key", "5BB5C72CD00B7338"]);
        command.stdout(stdout).stderr(Stdio::piped()).output().unwrap()
    };
    let full = yima(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into());
    let said = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(2), "{said}");
    assert!(said.contains("standard output cannot be written"), "{said}");
    // Nobody wants to read it: that is no fault.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = yima(writer.into());
    assert_eq!((closed.status.code(), closed.stderr.is_empty()), (Some(0), true));
}

#[test]
fn what_cannot_be_done_ends_with_2_and_says_where() {
    let key = "0123456789ABCDEFFEDCBA9876543210";
    let cases = [
        ("mac --alg cmac --key KEY 0G", "DATA: not pairs of hexadecimal digits at offset 1"),
        ("mac --alg cmac --key KEY 012", "DATA: not pairs of hexadecimal digits at offset 3"),
        ("mac --alg cmac --key 0123X DATA", "--key: not pairs of hexadecimal digits at offset 4"),
        ("mac --alg cmac --key 0123 00", "AES key cannot have 2 bytes, only 16, 24 or 32"),
        ("mac --alg x9.19 --key 0123456789ABCDEF 00", "cannot have 8 bytes"),
        ("mac --alg x9.9 --key 0123456789ABCD 00", "TDES key cannot have 7 bytes, only 8, 16 or 24"),
        ("mac --alg sm4 --key 0123456789ABCDEF 00", "SM4 key cannot have 8 bytes, only 16"),
        ("mac --alg cmac --padding 2 --key KEY 00", "--padding does not go with cmac"),
        ("mac --alg x9.19 --cipher aes --key KEY 00", "--cipher aes does not go with x9.19"),
        ("mac --alg x9.19 --bytes 9 --key KEY 00", "--bytes 9 cannot be: there are 1 to 8"),
        ("mac --alg x9.19 --bytes 0 --key KEY 00", "--bytes 0 cannot be"),
        ("mac --alg x9.20 --key KEY 00", "x9.20"),
        ("mac --alg x9.19 --padding 4 --key KEY 00", "4 is not in 1..=3"),
        ("mac --alg x9.19 --key KEY", "DATA is missing"),
        ("mac --alg cmac --key - -", "standard input ends before the line for --key, at offset 0"),
        ("kcv --alg tdes --key 01", "TDES key cannot have 1 bytes"),
        ("kcv --alg tdes --bytes 9 --key KEY", "there are 1 to 8"),
        ("pinblock encode --format 0 --pin 123 --pan 4012345678909", "--pin: a PIN has 4 to 12 digits"),
        ("pinblock encode --format 0 --pin 12a4 --pan 4012345678909", "--pin: a PIN has 4 to 12 digits"),
        ("pinblock encode --format 0 --pin 1234", "--pan is missing"),
        ("pinblock encode --format 0 --pin 1234 --pan 401234567890X", "card number has to be 12 to 19 decimal digits"),
        ("pinblock encode --format 4 --pin 1234 --pan 4012345678909", "--key is missing"),
        ("pinblock encode --format 5 --pin 1234", "5 is not in 0..=4"),
        ("pinblock encode --format 0 --pin 1234 --pan 4012345678909 --cipher aes --key KEY", "go with tdes and sm4"),
        ("pinblock encode --format 2 --pin 1234 --fill 00", "--fill does not go with format 2"),
        ("pinblock encode --format 1 --pin 1234 --fill 00", "--fill has 2 digits; 10 are needed"),
        ("pinblock encode --format 1 --pin 1234 --fill 012345678X", "--fill: not a hexadecimal digit at offset 9"),
        ("pinblock encode --format 3 --pin 1234 --pan 4012345678909 --fill 0123456789", "A to F only"),
        ("pinblock decode --format 0 --pan 4012345678909 0412", "BLOCK has 2 bytes; 8 are needed"),
        ("pinblock decode --format 0 --pan 4012345678909 241274EDCBA9876F", "digit 0 of the block is 2, not 0"),
        ("pinblock decode --format 0 --pan 4012345678908 041274EDCBA98760", "digit 15 of the block is not filling"),
        ("pinblock decode --format 2 2C12345678901FFF", "digit 13 of the block belongs to the PIN"),
        ("dukpt --algorithm tdes --bdk KEY --ksn FFFF98 --purpose pin", "--ksn: a key serial number has 10 bytes"),
        ("dukpt --algorithm tdes --bdk KEY --ksn FFFF9876543210E00000 --purpose pin", "transaction counter is 0"),
        ("dukpt --algorithm tdes --bdk 01 --ksn FFFF9876543210E00001 --purpose pin", "TDES key cannot have 1 bytes"),
        ("dukpt --algorithm tdes --bdk KEY --ksn FFFF9876543210E00001 --purpose mac-both", "goes with AES only"),
        ("dukpt --algorithm aes256 --bdk KEY --ksn 123456789012345600000001 --purpose pin", "aes256 takes 32"),
        ("dukpt --algorithm aes128 --bdk KEY --ksn 1234567890123456FFFFFFFF --purpose pin", "FFFFFFFF has 32 one bits"),
        (
            "dukpt --algorithm aes128 --key-type aes256 --bdk KEY --ksn 123456789012345600000001 --purpose pin",
            "32 bytes cannot come from",
        ),
        ("keyblock unwrap --kbpk KEY X0016P0TE00N0000", "offset 0"),
        ("keyblock unwrap --kbpk KEY B0017P0TE00N0000", "has 0017 characters, it has 16"),
        ("keyblock unwrap --kbpk KEY A0040M3TC00E000062C2C14D8785A0119AA5BBA6", "MAC at offset 32"),
        ("keyblock unwrap --kbpk KEY A0040M3TC00E000062C2C14D8785A0X19AA5BBA6", "offset 30"),
        ("keyblock wrap --kbpk KEY --key KEY --header B0000P0TE00N", "--header: the key block ends at offset 12"),
        ("keyblock wrap --kbpk KEY --key KEY --header B0000P0TE00N0000 --fill 00", "--fill has 1 bytes; 14 are needed"),
        ("keyblock wrap --kbpk KEY --key KEY --header B0000P0TE00N0000 --pad-to 9999", "9999 is not in 0..=4096"),
        ("keyblock wrap --kbpk 0123456789ABCDEF --key KEY --header B0000P0TE00N0000", "cannot have 8 bytes"),
    ];
    for (line, place) in cases {
        let output = yima(&line.replace("KEY", key), &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(output.stdout.is_empty(), "{line}");
        assert!(said.contains(place), "{line}: {said}");
        assert!(!said.contains(key), "a key is told: {said}");
        assert!(!said.contains("4012345678"), "a card number is told: {said}");
    }
}

/// Whoever forgets an option's name, or puts a blank in the wrong place, has typed a key all the same.
#[test]
fn a_line_that_is_not_understood_does_not_repeat_what_may_be_a_secret() {
    for line in [
        "kcv --alg tdes 9ABCDEF001234567",
        "kcv --alg tdes --key 0123 9ABCDEF001234567",
        "mac --alg 9ABCDEF001234567 --key cmac 00",
        "dukpt --algorithm tdes --bdk 01 9ABCDEF0 --ksn FFFF9876543210E00001 --purpose pin",
        "pinblock encode --format 9ABCDEF0 --pin 1234 --pan 4012345678909",
        "pinblock encode --format 0 --pin 1234 --pan 4012 9ABCDEF0",
        "9ABCDEF001234567",
    ] {
        let output = yima(line, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("not repeated") && !said.contains("9ABCDEF0"), "{line}: {said}");
    }
    let said = String::from_utf8(yima("mac --alg cmac --kee=9ABCDEF001234567 00", &[]).stderr).unwrap();
    assert!(said.contains("--kee") && !said.contains("9ABCDEF0"), "{said}");
    let said = String::from_utf8(yima("kcv --alg tds --key 00", &[]).stderr).unwrap();
    assert!(said.contains("'tds'") && said.contains("tdes"), "a word is repeated: {said}");
}

#[test]
fn names_are_taken_in_any_case_and_data_from_standard_input_without_being_asked_for() {
    let key = "--key 2B7E151628AED2A6ABF7158809CF4F3C";
    let of_nothing = "BB1D6929E95937287FA37D129B756746";
    assert_eq!(text(&format!("mac --alg CMAC {key} -"), b"\n"), of_nothing);
    let of_a_block = "070A16B46B4D4144F79BDD9DD04A287C";
    assert_eq!(text(&format!("mac --alg AES-CMAC {key}"), b"6bc1bee22e409f96 e93d7e117393172a\n"), of_a_block);
    let kcv = |alg: &str| text(&format!("kcv --alg {alg} --key 0123456789ABCDEFFEDCBA9876543210"), &[]);
    assert_eq!(kcv("3DES"), kcv("tdes"));
    let block = |pan: &str| {
        let input = format!("{pan}\n");
        text("pinblock encode --format 0 --pin 1234 --pan -", input.as_bytes())
    };
    assert_eq!(block("4012 3456 7890 9"), block("4012345678909"));
}
