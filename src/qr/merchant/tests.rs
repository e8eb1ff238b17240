//! The specification's own example, codes that are none, and round trips.

use proptest::prelude::*;

use super::*;

/// EMV QRCPS Merchant-Presented Mode 1.1, 6.
const EXAMPLE: &str = "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST \
     TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A6008667\
     0902ME91320016A0112233449988770708123456786304A13A";

fn example() -> MerchantPresented {
    let template = |id, unique: &str, number, value: &str| Account::Template {
        id,
        globally_unique_identifier: unique.to_owned(),
        values: vec![(number, value.to_owned())],
    };
    MerchantPresented {
        initiation: Some(Initiation::Dynamic),
        accounts: vec![template(29, "D15600000000", 5, "A93FO3230Q"), template(31, "D15600000001", 3, "12345678")],
        category: "4111".to_owned(),
        price: Price::Fixed(Amount::new(2372, Currency::CNY).unwrap()),
        tip: Some(Tip::Asked),
        country: "CN".to_owned(),
        name: "BEST TRANSPORT".to_owned(),
        city: "BEIJING".to_owned(),
        postal_code: None,
        additional: Additional {
            store_label: Some("1234".to_owned()),
            customer_label: Some("***".to_owned()),
            terminal_label: Some("A6008667".to_owned()),
            consumer_data_request: Some("ME".to_owned()),
            ..Additional::default()
        },
        language: Some(Language {
            preference: "ZH".to_owned(),
            name: "最佳运输".to_owned(),
            city: Some("北京".to_owned()),
            others: Vec::new(),
        }),
        others: vec![(91, "0016A011223344998877070812345678".to_owned())],
    }
}

/// A code with another checksum, so that what is wrong with it is found by something else.
fn sealed(covered: &str) -> String {
    let text = format!("{covered}6304");
    format!("{text}{:04X}", crc::crc_16(text.as_bytes()))
}

#[test]
fn the_example_of_the_specification_is_read_and_written() {
    assert_eq!(MerchantPresented::read(EXAMPLE).unwrap(), example());
    let written = example().write().unwrap();
    // The example has another order, in which nothing lies.
    assert_eq!(written.chars().count(), EXAMPLE.chars().count());
    assert_eq!(MerchantPresented::read(&written).unwrap(), example());
}

#[test]
fn whatever_byte_is_changed_it_is_noticed() {
    for at in 0..EXAMPLE.len() {
        for changed in 1..=255_u8 {
            let mut bytes = EXAMPLE.as_bytes().to_vec();
            bytes[at] ^= changed;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            assert!(MerchantPresented::read(&text).is_err(), "{text}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_object() {
    let covered = EXAMPLE.strip_suffix("6304A13A").unwrap();
    let with = |from: &str, to: &str| {
        assert!(covered.contains(from), "{from}");
        sealed(&covered.replacen(from, to, 1))
    };
    let reversed = format!("{}00020163044321", "5204411153031565802CN5901X6001Y");
    for (text, said) in [
        (String::new(), "that is no merchant's code"),
        ("6304A13A".to_owned(), "that is no merchant's code"),
        (reversed, "that is no merchant's code"),
        (EXAMPLE.replacen("000201", "000202", 1), "that is no merchant's code"),
        (EXAMPLE.to_lowercase(), "the checksum of the code is a13a"),
        (EXAMPLE.replacen("A13A", "A13B", 1), "the checksum of the code is A13B, that of its text is A13A"),
        (sealed(&format!("{covered}9902")), "is cut off"),
        (sealed(&format!("{covered}6304AAAA")), "object 63 is there twice"),
        (sealed(&format!("{covered}5802CN")), "object 58 is there twice"),
        (with("010212", "010213"), "the point of initiation (object 01) must be 11 or 12"),
        (with("52044111", ""), "the merchant category is missing (object 52)"),
        (with("52044111", "52044A11"), "the merchant category (object 52) must be 4 digits"),
        (with("5303156", "5303999"), "the currency (object 53)"),
        (with("5303156", "530415 6"), "the currency (object 53)"),
        (with("540523.72", "540623.723"), "the amount (object 54)"),
        (with("540523.72", "540523,72"), "the amount (object 54)"),
        (with("540523.72", "54040.00"), "the amount (object 54)"),
        (with("550201", "550202"), "the tip (object 55)"),
        (with("550201", "5502035706100.00"), "the fee in percent (object 57) must be 00.01 to 99.99"),
        (with("550201", ""), ""),
        (with("5802CN", "5803CHN"), "the country (object 58) must be 2 letters"),
        (with("5914BEST TRANSPORT", "5914BEST\nTRANSPORT"), "the merchant's name (object 59)"),
        (with("6007BEIJING", "6016BEIJING/BEIJING."), "the city (object 60) must be 1 to 15 printable"),
        (with("0012D15600000000", ""), "object 00 is there twice"),
        (with("29300012D156000000000510A93FO3230Q", "29140510A93FO3230Q"), "the globally unique identifier is missing"),
        (with("62330304123406", "62330304123403"), "object 03 of template 62 is there twice"),
        (with("0002ZH", "0002Z1"), "the language (object 00 of template 64) must be 2 letters"),
        (with("0104最佳运输", "0103最佳运输"), "of template 64 is cut off"),
        ("0".repeat(513), "a merchant's code has 512 characters at most, this has 513"),
    ] {
        match MerchantPresented::read(&text) {
            Ok(_) => assert_eq!(said, "", "{text}"),
            Err(error) => assert!(!said.is_empty() && error.to_string().contains(said), "{text}: {error}, not {said}"),
        }
    }
}

#[test]
fn amounts_and_tips_are_read_as_the_specification_writes_them() {
    let covered = EXAMPLE.strip_suffix("6304A13A").unwrap();
    for (from, to, price) in
        [("540523.72", "540298", 9800), ("540523.72", "540398.", 9800), ("540523.72", "540498.7", 9870)]
    {
        let code = MerchantPresented::read(&sealed(&covered.replacen(from, to, 1))).unwrap();
        assert_eq!(code.price, Price::Fixed(Amount::new(price, Currency::CNY).unwrap()), "{to}");
    }
    let code = MerchantPresented::read(&sealed(&covered.replacen("540523.72", "", 1))).unwrap();
    assert_eq!(code.price, Price::Asked(Currency::CNY));
    for (to, tip) in [
        ("55020256040.50", Tip::Fixed(Amount::new(50, Currency::CNY).unwrap())),
        ("55020357013", Tip::Percentage(300)),
        ("55020357043.05", Tip::Percentage(305)),
    ] {
        let code = MerchantPresented::read(&sealed(&covered.replacen("550201", to, 1))).unwrap();
        assert_eq!(code.tip, Some(tip), "{to}");
    }
}

#[test]
fn what_cannot_be_in_a_code_is_not_written() {
    let wrong = |change: &dyn Fn(&mut MerchantPresented)| {
        let mut code = example();
        change(&mut code);
        code.write().unwrap_err().to_string()
    };
    for (error, said) in [
        (wrong(&|code| code.accounts.clear()), "the account of a network is missing"),
        (wrong(&|code| code.accounts.push(code.accounts[0].clone())), "object 29 is there twice"),
        (wrong(&|code| code.accounts[0] = Account::Number { id: 29, value: "1".to_owned() }), "object 29 cannot"),
        (wrong(&|code| code.name = "京".repeat(26)), "the merchant's name (object 59) must be 1 to 25"),
        (wrong(&|code| code.tip = Some(Tip::Percentage(0))), "00.01 to 99.99"),
        (wrong(&|code| code.price = Price::Fixed(Amount::zero(Currency::CNY))), "the amount (object 54)"),
        (wrong(&|code| code.others.push((63, "1".to_owned()))), "object 63 cannot stand there"),
        (wrong(&|code| code.additional.reference_label = Some("1".repeat(26))), "the reference label (object 05"),
        (
            wrong(&|code| code.additional.others = (10..14).map(|id| (id, "1".repeat(25))).collect()),
            "object 62 would have",
        ),
        (wrong(&|code| code.others = (70..76).map(|id| (id, "1".repeat(90))).collect()), "512 characters at most"),
    ] {
        assert!(error.contains(said), "{error}, not {said}");
    }
}

fn text(longest: usize) -> impl Strategy<Value = String> {
    let characters = prop_oneof![4 => prop::char::range(' ', '~'), 1 => prop::char::range('一', '龥')];
    prop::collection::vec(characters, 1..=longest).prop_map(|characters| characters.into_iter().collect())
}

fn optional(longest: usize) -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.4, text(longest))
}

fn account() -> impl Strategy<Value = Account> {
    prop_oneof![
        (2..=25_u8, "[ -~]{1,20}").prop_map(|(id, value)| Account::Number { id, value }),
        (26..=51_u8, "[A-F0-9]{10,16}", 1..=99_u8, text(12)).prop_map(|(id, unique, number, value)| {
            Account::Template { id, globally_unique_identifier: unique, values: vec![(number, value)] }
        }),
    ]
}

fn code() -> impl Strategy<Value = MerchantPresented> {
    let cny = |minor| Amount::new(minor, Currency::CNY).unwrap();
    let amount = (1..=9_999_999_999_u64).prop_map(cny);
    let tip =
        prop_oneof![Just(Tip::Asked), amount.clone().prop_map(Tip::Fixed), (1..=9999_u16).prop_map(Tip::Percentage),];
    let first = (
        prop::option::of(prop_oneof![Just(Initiation::Static), Just(Initiation::Dynamic)]),
        account(),
        "[0-9]{4}",
        prop::option::of(amount),
        prop::option::of(tip),
        "[A-Z]{2}",
        text(25),
        text(15),
        prop::option::of("[ -~]{1,10}"),
    );
    let second = (optional(20), optional(20), optional(20), prop::option::of((65..=79_u8, text(20))));
    let language = prop::option::of(("[a-z]{2}", text(25), optional(15)));
    (first, second, language).prop_map(|(first, (bill_number, reference_label, terminal_label, other), language)| {
        let (initiation, account, category, amount, tip, country, name, city, postal_code) = first;
        MerchantPresented {
            initiation,
            accounts: vec![account],
            category,
            price: amount.map_or(Price::Asked(Currency::CNY), Price::Fixed),
            tip,
            country,
            name,
            city,
            postal_code,
            additional: Additional { bill_number, reference_label, terminal_label, ..Additional::default() },
            language: language.map(|(preference, name, city)| Language { preference, name, city, others: Vec::new() }),
            others: other.into_iter().collect(),
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_the_same(code in code()) {
        let text = code.write().unwrap();
        prop_assert_eq!(MerchantPresented::read(&text).unwrap(), code);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "000201[ -~最佳]{0,80}") {
        let _ = MerchantPresented::read(&text);
        if let Ok(code) = MerchantPresented::read(&sealed(&text)) {
            prop_assert_eq!(MerchantPresented::read(&code.write().unwrap()).unwrap(), code);
        }
    }
}
