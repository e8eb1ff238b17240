use proptest::prelude::*;

use super::*;
use crate::emv::terminal::TerminalData;

fn field(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// A UnionPay test key as terminals in the field get it, short enough to be read: the modulus is cut.
const KEY: &str = "31 9F0605A000000333 9F220101 DF0508 3230333031323331 DF060101 DF070101 DF0204BBE9066D DF040103 \
                   DF0314E881E390675D44C2DD81234DCE29C3F5AB2297A0";

/// An application as terminals in the field get it, with objects this kernel has no use for.
const APPLICATION: &str = "31 9F0608A000000333010101 DF010100 9F08020020 DF1105D84000A800 DF1205D84004F800 \
                           DF13050010000000 9F1B040000C350 DF150400000000 DF160199 DF170150 DF14039F3704 DF180101 \
                           9F7B06000000100000 DF1906000000100000 DF2006000000100000 DF2106000000100000";

fn key(text: &str) -> Result<KeyEntry, String> {
    match ca_key(&field(text)) {
        Ok(Some(SentKey::Rsa(key))) => Ok(key),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_list_comes_in_parts_and_says_whether_more_follows() {
    let names = |text: &str| {
        let page = ca_key_list(&field(text)).unwrap();
        (page.names.iter().map(|name| name.index).collect::<Vec<_>>(), page.more)
    };
    let entries = "9F0605A0000003339F220109DF05083230333031323331 9F0605A0000000039F220192";
    assert_eq!(names(&format!("31{entries}")), (vec![0x09, 0x92], false));
    assert_eq!(names(&format!("32{entries}")), (vec![0x09, 0x92], true));
    assert_eq!(names(&format!("33{entries}")), (vec![0x09, 0x92], false));
    assert_eq!(names("30"), (vec![], false));
    // A time and a count stand in front of the first entry.
    assert_eq!(names("31DF25080420081231145137DF2801019F0605A0000003339F220109"), (vec![0x09], false));
    let page = application_list(&field("32 9F0608A000000333010101 9F0607A0000000031010")).unwrap();
    assert_eq!((page.names[1].clone(), page.more), (field("A0000000031010"), true));
}

#[test]
fn a_key_is_read_with_its_last_day_in_either_writing() {
    let read = key(KEY).unwrap();
    assert_eq!((read.rid.as_str(), read.index.as_str()), ("A000000333", "01"));
    assert_eq!((read.modulus.as_str(), read.exponent.as_str()), ("BBE9066D", "03"));
    assert_eq!(read.hash, "E881E390675D44C2DD81234DCE29C3F5AB2297A0");
    assert_eq!(read.expiry.as_deref(), Some("2030-12-31"));
    let with = |expiry: &str| key(&KEY.replace("DF0508 3230333031323331", expiry)).map(|key| key.expiry);
    assert_eq!(with("DF050420301231"), Ok(Some("2030-12-31".to_owned())));
    for none in ["", "DF050400000000", "DF0508 3030303030303030"] {
        assert_eq!(with(none), Ok(None), "{none}");
    }
}

#[test]
fn a_key_of_another_algorithm_is_known_as_such() {
    let name = KeyName { rid: Rid([0xA0, 0, 0, 3, 0x33]), index: 1 };
    for (from, to) in [("DF070101", "DF070104"), ("DF060101", "DF060107")] {
        assert_eq!(ca_key(&field(&KEY.replace(from, to))), Ok(Some(SentKey::Other(name))));
    }
    assert_eq!(ca_key(b"0"), Ok(None), "the host has none");
}

#[test]
fn an_application_is_read_with_amounts_as_the_dialect_writes_them() {
    let sent = application(&field(APPLICATION), AmountCoding::Binary).unwrap().unwrap();
    let entry = &sent.entry;
    assert_eq!((entry.aid.as_str(), entry.partial, entry.version.as_str()), ("A000000333010101", true, "0020"));
    let codes = [&entry.tac_denial, &entry.tac_online, &entry.tac_default].map(String::as_str);
    assert_eq!(codes, ["0010000000", "D84004F800", "D84000A800"]);
    assert_eq!((entry.floor_limit, entry.random_threshold), (50_000, 0));
    assert_eq!((entry.random_target, entry.random_maximum, entry.ddol.as_str()), (50, 99, "9F3704"));
    assert!(sent.as_sent.ends_with("DF2106000000100000"), "what the kernel has no use for is kept to be looked at");
    let bcd = |text: &str| application(&field(text), AmountCoding::Bcd);
    assert_eq!(bcd(&APPLICATION.replace("0000C350", "00050000")).unwrap().unwrap().entry.floor_limit, 50_000);
    assert!(bcd(APPLICATION).unwrap_err().to_string().ends_with("it is not an amount"));
    let terminal = APPLICATION.replace("9F08020020", "9F08020020 9F09020030");
    assert_eq!(application(&field(&terminal), AmountCoding::Binary).unwrap().unwrap().entry.version, "0030");
}

#[test]
fn what_cannot_be_is_named_with_its_place() {
    for (from, to, said) in [
        ("31 9F06", "34 9F06", "field 62, the whole at byte 0: the control character is 34, not one of 0, 1, 2, 3"),
        ("9F220101", "", "field 62, entry 1, 9F22 at byte 62: it is missing"),
        ("9F220101", "9F2200", "field 62, entry 1, 9F22 at byte 9: it has 0 bytes, not 1"),
        ("A000000333", "A00000033301", "field 62, the whole at byte"),
        ("DF040103", "DF040103DF040103", "field 62, entry 1, DF04 at byte 43: it comes twice"),
        ("3230333031323331", "3230333031333331", "field 62, entry 1, DF05 at byte 13: it is not a day YYYYMMDD"),
        ("DF0508 3230333031323331", "DF0503 203012", "field 62, entry 1, DF05 at byte 13: it has 3 bytes, not 4 or 8"),
        ("2297A0", "2297", "field 62, the whole at byte 46: value of DF03"),
        ("DF060101", "9F0605A000000333", "field 62, the whole at byte 1: 2 entries where one was asked for"),
    ] {
        let error = key(&KEY.replace(from, to)).unwrap_err();
        assert!(error.starts_with(said), "{from} -> {to}: {error}");
    }
    assert_eq!(ca_key_list(&[]).unwrap_err().problem, Field62Problem::Empty);
    for (from, to, said) in [
        ("DF010100", "DF010102", "DF01 at byte 12: it is not 00 or 01"),
        ("DF160199", "DF16019A", "DF16 at byte 59: it is not two digits"),
        ("DF1205D84004F800", "DF1204D84004F8", "DF12 at byte 29: it has 4 bytes, not 5"),
        ("9F1B040000C350", "", "9F1B at byte"),
    ] {
        let error = application(&field(&APPLICATION.replace(from, to)), AmountCoding::Binary).unwrap_err().to_string();
        assert!(error.contains(said), "{from} -> {to}: {error}");
    }
}

#[test]
fn what_is_written_is_read_back_the_same() {
    let shipped = AidEntry::all_of(TerminalData::SHIPPED_APPLICATIONS).unwrap();
    for coding in [AmountCoding::Binary, AmountCoding::Bcd] {
        for entry in &shipped {
            let entry = AidEntry { tdol: None, floor_limit: 123_456, random_maximum: 99, ..entry.clone() };
            let field = write_application(&entry, coding).unwrap();
            assert_eq!(application(&field, coding).unwrap().unwrap().entry, entry);
        }
    }
    let key = key(KEY).unwrap();
    assert_eq!(ca_key(&write_ca_key(&key).unwrap()), Ok(Some(SentKey::Rsa(key))));
    let name = KeyName { rid: Rid([0xA0, 0, 0, 3, 0x33]), index: 9 };
    assert_eq!(read_key_name(&write_key_name(name)), Some(name));
    assert_eq!(read_application_name(&write_application_name(&[0xA0, 0, 0, 3, 0x33])), Some(vec![0xA0, 0, 0, 3, 0x33]));
    for (first, more) in [(true, true), (true, false), (false, true), (false, false)] {
        let page = ca_key_list(&write_page(&[write_key_name(name)], first, more)).unwrap();
        assert_eq!(page, Page { names: vec![name], more });
    }
    assert_eq!(names_received(&list_request(42)), Some(42));
    for other in [&b"042"[..], b"1", b"1x2", b"1042"] {
        assert_eq!(names_received(other), None);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_at_a_place_within_them(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let errors = [
            ca_key_list(&bytes).err(),
            application_list(&bytes).err(),
            ca_key(&bytes).err(),
            application(&bytes, AmountCoding::Binary).err(),
            application(&bytes, AmountCoding::Bcd).err(),
        ];
        for error in errors.into_iter().flatten() {
            prop_assert!(error.offset <= bytes.len().max(1), "{}", error);
        }
    }
}
