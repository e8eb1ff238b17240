use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::iso8583::Dialect;
use crate::iso8583::dialect::TableRules;

/// Read once: a property is tried on many values.
fn rules() -> TableRules {
    static RULES: LazyLock<TableRules> =
        LazyLock::new(|| Dialect::shipped("unionpay").unwrap().parameters.tables.unwrap());
    RULES.clone()
}

fn terminal(field: &[u8]) -> Result<TerminalParameters, TablesError> {
    let mut parameters = TerminalParameters::default();
    read_terminal(field, &rules().layout, &mut parameters).map(|()| parameters)
}

fn business(field: &[u8]) -> Result<TerminalParameters, TablesError> {
    let mut parameters = TerminalParameters::default();
    read_business(field, &rules().tags, &mut parameters).map(|()| parameters)
}

fn range(prefix: &str, refused: bool) -> CardRange {
    let (bank, kind) = ("农业银行".to_owned(), CardKind::Debit);
    CardRange { prefix: prefix.to_owned(), ending: None, bank, kind, refused }
}

fn key() -> NumberKey {
    NumberKey::new(vec![7; 32].into())
}

fn cards(field: &[u8]) -> Result<Records<CardRecord>, TablesError> {
    super::cards(field, &key())
}

#[test]
fn whether_a_part_may_be_approved_is_one_byte_and_no_where_it_is_not_said() {
    let allowed = TerminalParameters { in_part: true, ..TerminalParameters::default() };
    for parameters in [TerminalParameters::default(), allowed] {
        assert_eq!(business(&write_business(&parameters, &rules().tags).unwrap()), Ok(parameters));
    }
    assert!(!business(&[0xDF, 0x67, 1, 0]).unwrap().in_part);
    let signs = TerminalParameters { signature_pad: true, ..TerminalParameters::default() };
    let written = write_business(&signs, &rules().tags).unwrap();
    assert_eq!((&written[..], business(&written)), (&[0xDF, 0x68, 1, 1][..], Ok(signs)));
    assert!(business(&[0xDF, 0x68, 1, 7]).unwrap_err().to_string().contains("DF68"));
    for wrong in [&[0xDF, 0x67, 1, 2][..], &[0xDF, 0x67, 0], &[0xDF, 0x67, 2, 0, 1]] {
        assert!(business(wrong).unwrap_err().to_string().contains("DF67"));
    }
}

#[test]
fn instalments_are_numbers_and_an_amount_and_nothing_is_offered_where_there_are_none() {
    let offer = |programme: Option<&str>| TerminalParameters {
        instalments: Some(InstalmentOffer {
            periods: vec![3, 6, 12],
            from: 60_000,
            programme: programme.map(str::to_owned),
        }),
        ..TerminalParameters::default()
    };
    for parameters in [offer(None), offer(Some("0001"))] {
        let written = write_business(&parameters, &rules().tags).unwrap();
        assert_eq!(business(&written), Ok(parameters));
    }
    let written = write_business(&offer(Some("0001")), &rules().tags).unwrap();
    let plain = TlvBuilder::new().with(Tag(0xDF6D), b"3,6,12;0001").with(Tag(0xDF6E), b"000000060000").build();
    assert_eq!(written, plain);
    // From any amount, where none is said; in whichever order the two come.
    let any = business(&TlvBuilder::new().with(Tag(0xDF6D), b"6").build()).unwrap().instalments.unwrap();
    assert_eq!((any.periods, any.from, any.programme), (vec![6], 1, None));
    let turned = TlvBuilder::new().with(Tag(0xDF6E), b"000000060000").with(Tag(0xDF6D), b"3,6,12;0001").build();
    assert_eq!(business(&turned), Ok(offer(Some("0001"))));
    for none in [&[0xDF, 0x6D, 0][..], &TlvBuilder::new().with(Tag(0xDF6E), b"000000060000").build()] {
        assert_eq!(business(none).unwrap().instalments, None);
    }
    for (tag, wrong) in [(0xDF6D, &b"6;"[..]), (0xDF6D, b"300")] {
        // It can be read, and is left to whoever adjusts it.
        assert!(business(&TlvBuilder::new().with(Tag(tag), wrong).build()).unwrap().instalments.is_some());
    }
    for (tag, wrong) in
        [(0xDF6D, &b"six"[..]), (0xDF6D, b"-6"), (0xDF6D, b"1000"), (0xDF6E, b"60000"), (0xDF6E, b"00000060000x")]
    {
        let error = business(&TlvBuilder::new().with(Tag(tag), wrong).build()).unwrap_err();
        assert_eq!(error.path, format!("{tag:04X}"), "{wrong:?}");
    }
}

#[test]
fn what_is_taken_of_cards_without_their_chip_is_told_and_nothing_is_not_never() {
    let words = |words: &[&str]| words.iter().map(|word| Transaction::from((*word).to_owned())).collect::<Vec<_>>();
    for (fallback_s, typed) in
        [(None, None), (Some(0), Some(Vec::new())), (Some(30), Some(words(&["sale", "pre_authorisation"])))]
    {
        let parameters = TerminalParameters { fallback_s, typed, ..TerminalParameters::default() };
        assert_eq!(business(&write_business(&parameters, &rules().tags).unwrap()), Ok(parameters));
    }
    let mut much = business(&[&[0xDF, 0x6A, 3][..], b"999"].concat()).unwrap();
    much.adjust();
    assert_eq!((much.fallback_s, much.adjusted.len()), (Some(120), 1), "the most that can be");
    assert!(business(&[0xDF, 0x6A, 1, b'x']).unwrap_err().to_string().contains("DF6A"));
}

#[test]
fn a_whole_number_is_one_card_and_is_not_kept() {
    let number = "6228480000000001230";
    let field = write_records(&[write_number(number, "农业银行", CardKind::Debit, true)], 0).unwrap();
    let read = cards(&field).unwrap().records;
    let (bank, kind, digest) = ("农业银行".to_owned(), CardKind::Debit, key().digest(number).unwrap());
    assert_eq!(read, [CardRecord::Number(CardNumber { digest, bank, kind, refused: true })]);
    assert!(!format!("{read:?}").contains("0000000001"), "{read:?}");
    // With an end beside it, it is a beginning that is too long.
    let both = CardRange { ending: Some("1230".to_owned()), ..range(number, true) };
    let read = cards(&write_records(&[write_card(&both)], 0).unwrap()).unwrap().records;
    assert_eq!(read, [CardRecord::Range(both)]);
}

/// As hosts in the field write it: pairs this program has no use for among those it has.
#[test]
fn terminal_parameters_are_read_and_what_is_not_used_is_kept_as_it_came() {
    let mut field = b"11601252133".to_vec();
    field.extend(b"1795516         ");
    field.extend(b"235");
    field.extend([b"26".as_slice(), &[0xFF, 0x00, 0x80, 0x00]].concat());
    field.extend(b"22");
    let mut name = GB18030.encode("老王面馆").0.into_owned();
    name.resize(40, b' ');
    field.extend(name);
    let read = terminal(&field).unwrap();
    assert_eq!((read.answer_timeout_s, read.tries), (Some(52), Some(5)));
    assert_eq!((read.merchant_name.as_deref(), read.help_desk.as_deref()), (Some("老王面馆"), Some("95516")));
    let others = [("11", "3630"), ("13", "33"), ("26", "FF008000")];
    assert_eq!(read.other.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(), others);
    let written = write_terminal(&read, &rules().layout).unwrap();
    assert_eq!(terminal(&written), Ok(read.clone()));
    assert_eq!(written.len(), field.len(), "nothing is lost");
    let long = TerminalParameters { help_desk: Some("0".repeat(15)), ..TerminalParameters::default() };
    assert_eq!(write_terminal(&long, &rules().layout), None);
}

#[test]
fn a_wrong_terminal_parameter_is_named_with_its_place() {
    for (field, path, at) in [
        (&b"99x"[..], "parameter 99", 0),
        (b"1160x", "a parameter", 4),
        (b"12", "parameter 12", 0),
        (b"116012ab", "parameter 12", 4),
        (b"1712345", "parameter 17", 0),
        (b"12301231", "parameter 12", 4),
        (b"12+1", "parameter 12", 0),
        (b"17\xFF\xFF            ", "parameter 17", 0),
    ] {
        let error = terminal(field).unwrap_err();
        assert_eq!((error.path.as_str(), error.offset), (path, at), "{error}");
    }
}

#[test]
fn parameters_about_payments_are_read_and_what_is_not_used_is_kept_as_it_came() {
    let field = TlvBuilder::new()
        .with(Tag(0xFF805D), b"0")
        .with(Tag(0xFF8058), b"000000030000")
        .with(Tag(0xFF8059), b"000000100000")
        .with(Tag(0xDF6F), &[1])
        .with(Tag(0xDF61), b"000000500000")
        .with(Tag(0xDF62), b"sale,refund")
        .with(Tag(0xDF63), "消费热线".as_bytes())
        .with(Tag(0xDF63), b"95516")
        .build();
    let read = business(&field).unwrap();
    assert_eq!((read.no_signature_limit, read.sale_limit), (Some(100_000), Some(500_000)));
    assert_eq!((read.no_pin_limit, read.no_pin_for_stripes), (Some(30_000), true));
    assert_eq!(read.transactions, Some(["sale", "refund"].map(|word| Transaction::from(word.to_owned())).to_vec()));
    assert_eq!(read.trailer, ["消费热线", "95516"]);
    assert_eq!(read.other.get("FF805D").map(String::as_str), Some("30"));
    let written = write_business(&read, &rules().tags).unwrap();
    assert_eq!(business(&written), Ok(read));
    let zeros = b"000000000000";
    let none = TlvBuilder::new().with(Tag(0xFF8059), zeros).with(Tag(0xFF8058), zeros).with(Tag(0xDF6F), &[0]).build();
    assert_eq!(business(&none), Ok(TerminalParameters::default()));
    for (field, path) in [
        (TlvBuilder::new().with(Tag(0xDF61), b"50000").build(), "DF61"),
        (TlvBuilder::new().with(Tag(0xFF8058), b"30000").build(), "FF8058"),
        (TlvBuilder::new().with(Tag(0xDF6F), &[2]).build(), "DF6F"),
        (TlvBuilder::new().with(Tag(0xDF61), b"0000005000.0").build(), "DF61"),
        (TlvBuilder::new().with(Tag(0xDF63), &[0xFF]).build(), "DF63"),
        (TlvBuilder::new().with(Tag(0xFF805D), b"0").with(Tag(0xFF805D), b"1").build(), "FF805D"),
        (TlvBuilder::new().with(Tag(0x13), b"0").build(), "13"),
        (vec![0xDF, 0x61, 9], "the whole"),
    ] {
        assert_eq!(business(&field).unwrap_err().path, path);
    }
}

#[test]
fn a_table_comes_in_parts_that_fit() {
    let ranges: Vec<_> = (10..99).map(|number| range(&format!("6228{number}"), number % 2 == 0)).collect();
    let written: Vec<_> = ranges.iter().map(write_card).collect();
    let mut read: Vec<CardRecord> = Vec::new();
    loop {
        let field = write_records(&written, received(&request(read.len())).unwrap()).unwrap();
        assert!(field.len() <= LONGEST_FIELD);
        let part = cards(&field).unwrap();
        read.extend(part.records);
        if !part.more {
            break;
        }
    }
    assert_eq!(read, ranges.into_iter().map(CardRecord::Range).collect::<Vec<_>>());
    let nothing = write_records(&[], 0).unwrap();
    assert_eq!(cards(&nothing), Ok(Records { records: Vec::new(), more: false }));
    assert_eq!(write_records(&[vec![0; 999]], 0), None, "it would be asked for without end");
    assert_eq!([&b"0010"[..], b"10", b"+010", b"00100"].map(received), [Some(10), None, None, None]);
}

#[test]
fn a_single_card_and_words_in_one_language_are_read_as_they_were_written() {
    let single = CardRange { ending: Some("1230".to_owned()), ..range("622848", true) };
    let field = write_records(&[write_card(&single), write_card(&range("62", false))], 0).unwrap();
    assert_eq!(cards(&field).unwrap().records, [single, range("62", false)].map(CardRecord::Range));
    let text = ResponseText { code: "51".to_owned(), zh: Some("钱不够。".to_owned()), ..ResponseText::default() };
    let field = write_records(&[write_text(&text), write_text(&text)], 0).unwrap();
    assert_eq!(texts(&field).unwrap().records, [text.clone(), text]);
}

#[test]
fn what_is_no_record_is_refused_at_its_place() {
    let card = |tag: Tag, value: &[u8]| {
        let builder = TlvBuilder::new().with(PREFIX, b"62").with(BANK, b"bank").with(KIND, &[1]).with(tag, value);
        [b"1".as_slice(), &builder.build()].concat()
    };
    for (field, said) in [
        (Vec::new(), "the whole at byte 0: there is no control character"),
        (b"4".to_vec(), "the whole at byte 0"),
        (vec![b'1', 0xDF, 0x22, 1, b'x'], "the whole at byte 1: it is missing"),
        (vec![b'1', 0xDF, 0x21, 9], "the whole at byte 1"),
        (vec![b'1', 0xDF, 0x21, 1, b'6'], "record 1, DF22 at byte 1: it is missing"),
        (card(REFUSED, &[2]), "record 1, DF24 at byte 17: it is not 00 or 01"),
        (card(ENDING, &[0xFF]), "record 1, DF25 at byte 17: it is not a text in UTF-8"),
    ] {
        let error = cards(&field).unwrap_err().to_string();
        assert!(error.starts_with(&format!("field 62, {said}")), "{said}: {error}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_at_a_place_within_them(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let most = bytes.len().max(1);
        prop_assert!(terminal(&bytes).err().is_none_or(|error| error.offset <= most));
        prop_assert!(business(&bytes).err().is_none_or(|error| error.offset <= most));
        prop_assert!(cards(&bytes).err().is_none_or(|error| error.offset <= most));
        prop_assert!(texts(&bytes).err().is_none_or(|error| error.offset <= most));
    }
}
