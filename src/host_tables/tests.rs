use super::*;
use crate::money::{Amount, Currency};
use crate::reference::ResponseCode;
use crate::wording::Language;

const TEXT: &str = r#"
[terminal]
answer_timeout_s = 45
tries = 5
merchant_name = "老王面馆"
help_desk = "95516"
no_signature_limit = 100000
no_pin_limit = 30000
no_pin_for_stripes = true
sale_limit = 500000
transactions = ["sale", "refund"]
trailer = ["消费热线 95516"]
fallback_s = 30
typed = ["sale", "loyalty_points"]
instalments = { periods = [3, 6, 12], from = 60000, programme = "0001" }
other = { 13 = "33", FF8054 = "31" }
[[card]]
prefix = "622848"
bank = "农业银行"
kind = "debit"
[[card]]
prefix = "62284800"
bank = "农业银行某分行"
kind = "credit"
refused = true
[[card]]
prefix = "622848"
ending = "1230"
bank = "农业银行"
kind = "debit"
refused = true
[[text]]
code = "51"
zh = "卡里的钱不够。"
en = "There is not enough money."
en_do = "Take another card."
"#;

fn yuan(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

#[test]
fn tables_are_written_as_they_were_read() {
    let tables = HostTables::parse(TEXT).unwrap();
    assert_eq!(HostTables::parse(&tables.text().unwrap()), Ok(tables));
    assert!(HostTables::parse("").unwrap().is_empty());
}

#[test]
fn the_closest_entry_says_whose_a_card_is() {
    let tables = HostTables::parse(TEXT).unwrap();
    let found = |number| tables.card(number).map(|range| (range.bank, range.refused));
    assert_eq!(found("6228480000000001234"), Some(("农业银行某分行", true)), "the longer beginning");
    assert_eq!(found("6228481000000001234"), Some(("农业银行", false)));
    assert_eq!(found("6228481000000001230"), Some(("农业银行", true)), "a single card");
    assert_eq!(found("4111111111111111"), None);
}

/// Tables with one single card, as a terminal keeps them.
fn with_a_single_card(number: &str, key: &NumberKey) -> HostTables {
    let digest = key.digest(number).unwrap();
    HostTables::parse(&format!(
        "{TEXT}\n[[number]]\ndigest = \"{digest}\"\nbank = \"某行\"\nkind = \"credit\"\nrefused = true\n"
    ))
    .unwrap()
}

#[test]
fn a_single_card_is_known_by_its_whole_number_and_by_the_key_alone() {
    let key = NumberKey::new(vec![7; 32].into());
    let number = "6228481000000001236";
    let mut tables = with_a_single_card(number, &key);
    assert_eq!(tables.card(number).map(|listed| listed.refused), Some(false), "without a key nobody knows it");
    tables.number_key = Some(key.clone());
    assert_eq!(tables.card(number).map(|listed| (listed.bank, listed.refused)), Some(("某行", true)));
    assert_eq!(tables.card("6228481000000001244").map(|listed| listed.refused), Some(false), "another of the bank's");
    let text = tables.text().unwrap();
    assert!(!text.contains(number) && !text.contains(&number[6..15]), "{text}");
    assert_eq!(HostTables::parse(&text), Ok(HostTables { number_key: None, ..tables.clone() }), "the key is not in it");
    tables.number_key = Some(NumberKey::new(vec![8; 32].into()));
    assert_eq!(tables.card(number).map(|listed| listed.refused), Some(false), "another terminal's file");
    // It is part of the list of cards, and of nothing else.
    let without = HostTables::parse(TEXT).unwrap();
    assert_ne!(tables.cards_digest(), without.cards_digest());
    assert_eq!(tables.parameters_digest(), without.parameters_digest());
    for (from, to) in [("digest = \"", "digest = \"00"), ("digest = \"", "digest = \"x")] {
        let error = HostTables::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains("single card"), "{error}");
    }
}

#[test]
fn the_acquirers_words_win_where_there_are_any_and_ours_fill_what_it_left_out() {
    let tables = HostTables::parse(TEXT).unwrap();
    let declined = |code| Reason { code: ResponseCode::parse(code).ok(), ..Reason::of(ReasonKind::HostDeclined) };
    let ours = declined("51");
    let theirs = tables.in_own_words(ours.clone());
    let zh = theirs.sentences(Language::Chinese);
    assert_eq!(zh.what, "卡里的钱不够。");
    assert_eq!(zh.advice, ours.sentences(Language::Chinese).advice);
    let en = theirs.sentences(Language::English);
    assert_eq!((en.what.as_str(), en.advice.as_str()), ("There is not enough money.", "Take another card."));
    assert_eq!(tables.in_own_words(declined("05")), declined("05"));
    let silent = Reason::of(ReasonKind::HostSilent);
    assert_eq!(tables.in_own_words(silent.clone()), silent);
}

#[test]
fn nobody_signs_up_to_the_acquirers_limit() {
    let tables = HostTables::parse(TEXT).unwrap();
    assert!(tables.terminal.spares_signature(yuan(100_000)) && !tables.terminal.spares_signature(yuan(100_001)));
    assert!(!TerminalParameters::default().spares_signature(yuan(1)));
}

#[test]
fn one_wrong_value_makes_all_of_it_unusable_and_is_named() {
    for (from, to, named) in [
        ("= 45", "= 9", "terminal.answer_timeout_s"),
        ("tries = 5", "tries = 2", "terminal.tries"),
        ("老王面馆", "", "terminal.merchant_name"),
        ("95516", "95516\\n", "terminal.help_desk"),
        ("100000", "0", "terminal.no_signature_limit"),
        ("30000", "0", "terminal.no_pin_limit"),
        ("500000", "1000000000000", "terminal.sale_limit"),
        ("\"refund\"", "\"\"", "terminal.transactions"),
        ("\"消费热线 95516\"", "\"1\", \"2\", \"3\", \"4\", \"5\"", "terminal.trailer"),
        ("\"33\"", "\"3G\"", "terminal.other"),
        ("\"62284800\"", "\"622848\"", "card 622848"),
        ("\"62284800\"", "\"62 84800\"", "card 62 84800"),
        ("ending = \"1230\"", "ending = \"123\"", "card 622848...123"),
        ("\"62284800\"", "\"6228480000000001230\"", "card 622848...: a beginning"),
        ("prefix = \"622848\"\nending", "prefix = \"622848001\"\nending", "card 622848001...1230"),
        ("\"51\"", "\"5\"", "text 5"),
        ("卡里的钱不够。", "", "text 51"),
        ("refused", "refuses", "unknown field"),
    ] {
        assert!(TEXT.contains(from), "{from}");
        let error = HostTables::parse(&TEXT.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(named), "{named}: {error}");
    }
}

#[test]
fn what_cannot_count_as_it_was_sent_is_adjusted_and_said_and_the_rest_counts() {
    let tables = HostTables::parse(TEXT).unwrap();
    let mut right = tables.terminal.clone();
    right.adjust();
    assert_eq!(right, tables.terminal, "nothing to adjust");
    let strings = |strings: &[&str]| strings.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut sent = TerminalParameters {
        answer_timeout_s: Some(5),
        tries: Some(2),
        merchant_name: Some("老王\n面馆".to_owned()),
        help_desk: Some("95516".to_owned()),
        no_signature_limit: Some(1),
        no_pin_limit: Some(u64::MAX),
        no_pin_for_stripes: true,
        sale_limit: Some(u64::MAX),
        transactions: Some(["sale", "Re fund"].map(|word| Transaction::from(word.to_owned())).to_vec()),
        card_needed: ["void", "ni l"].map(|word| Transaction::from(word.to_owned())).to_vec(),
        trailer: strings(&["1", "\t", "2", "3", "4", "5"]),
        receipt_address: Some("https://r.example.cn/?a".into()),
        receipt_days: Some(2000),
        settlement_at: Some("24:00".into()),
        in_part: true,
        signature_pad: true,
        fallback_s: Some(500),
        typed: Some(["sale", "Sa le"].map(|word| Transaction::from(word.to_owned())).to_vec()),
        offline: Some(OfflineLimits { most: 20_000, count: 5_000, total: u64::MAX }),
        instalments: Some(InstalmentOffer { periods: vec![3, 3, 1, 6], from: 0, programme: None }),
        other: (0..70).map(|name| (format!("{name:04X}"), "31".to_owned())).collect(),
        adjusted: Vec::new(),
    };
    sent.other.insert("13".to_owned(), "31".repeat(300));
    sent.adjust();
    let numbers = (sent.answer_timeout_s, sent.tries, sent.no_signature_limit, sent.sale_limit);
    assert_eq!(numbers, (Some(10), Some(3), Some(1), Some(999_999_999_999)));
    assert_eq!((sent.merchant_name.as_deref(), sent.help_desk.as_deref()), (None, Some("95516")));
    assert_eq!(sent.transactions, Some(vec![Transaction::from("sale".to_owned())]));
    assert_eq!((sent.trailer.clone(), sent.other.len()), (strings(&["1", "2", "3", "4"]), 64));
    assert_eq!(
        sent.adjusted,
        [
            "answer timeout in seconds: 5 was sent, 10 counts",
            "tries of the queue: 2 was sent, 3 counts",
            "no PIN up to: 18446744073709551615 was sent, 999999999999 counts",
            "most of a sale: 18446744073709551615 was sent, 999999999999 counts",
            "name of the shop: left out, a text has 1 to 255 bytes and no control characters",
            "address of e-receipts: left out, no link can begin with it",
            "days of e-receipts: 2000 was sent, 1096 counts",
            "time of settlement: left out, it is none",
            "end of receipts: 2 of 6 left out, they cannot be used",
            "allowed: 1 of 2 left out, they cannot be used",
            "with the card only: 1 of 2 left out, they cannot be used",
            "typed numbers: 1 of 2 left out, they cannot be used",
            "seconds for a stripe after its chip: 500 was sent, 120 counts",
            "offline sales that may wait: 5000 was sent, 999 counts",
            "sum of offline sales that may wait: 18446744073709551615 was sent, 999999999999 counts",
            "numbers of periods: 2 of 4 left out, they cannot be used",
            "instalments from: 0 was sent, 1 counts",
            "kept and not used: 7 left out, too long or too many",
        ]
    );
    let adjusted = HostTables { terminal: sent, ..HostTables::default() };
    assert_eq!(HostTables::parse(&adjusted.text().unwrap()), Ok(adjusted), "written down with what was said");
}

#[test]
fn a_limit_stays_a_limit_and_a_list_of_what_is_allowed_stays_one() {
    let mut none = TerminalParameters {
        transactions: Some(vec![Transaction::from("Sale".to_owned())]),
        sale_limit: Some(u64::MAX),
        ..TerminalParameters::default()
    };
    none.offline = Some(OfflineLimits { most: 20_000, count: 0, total: 50_000 });
    none.adjust();
    assert_eq!(none.offline, None, "none may wait, so that none is sold");
    assert_eq!((none.transactions, none.sale_limit), (Some(Vec::new()), Some(999_999_999_999)));
}

#[test]
fn an_error_names_the_line_and_nothing_that_stands_in_it() {
    let text = TEXT.replacen("sale_limit", "single_card = \"6228481000000001236\"\nsale_limit", 1);
    let error = HostTables::parse(&text).unwrap_err().to_string();
    assert!(error.contains("line 10") && error.contains("single_card"), "{error}");
    assert!(!error.contains("6228481"), "{error}");
}

#[test]
fn a_time_of_settlement_is_one_of_the_day_or_is_refused() {
    let of = |at: &str| HostTables::parse(&format!("terminal = {{ settlement_at = \"{at}\" }}"));
    let time = of("04:15").unwrap().terminal.settlement_time().unwrap();
    assert_eq!((time.hour(), time.minute()), (4, 15));
    assert_eq!(HostTables::default().terminal.settlement_time(), None);
    for wrong in ["24:00", "4:15", "0415", "23:60", "", "23:30:00", "+1:30"] {
        assert!(of(wrong).unwrap_err().to_string().contains("settlement_at"), "{wrong}");
    }
}
