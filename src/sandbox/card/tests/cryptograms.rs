//! What the card signs and decides: cryptograms, its last word, its counters, and how its issuer proves itself.

use super::*;

/// Columns: what is asked for, response code, the issuer's proof, what the card answers, CVR bytes 2 and 3.
#[test]
fn the_last_word() {
    enum Proof {
        Right,
        Wrong,
        Missing,
        For(&'static [u8; 2]),
    }
    for (name, p1, code, given, kind, second_byte, third_byte) in [
        ("approved", 0x40, b"00", Proof::Right, 0x40, 0x60, 0x10),
        ("approved in part", 0x40, b"10", Proof::Right, 0x40, 0x60, 0x10),
        ("terminal wants no approval", 0x00, b"00", Proof::Right, 0x00, 0x20, 0x10),
        ("declined by the issuer", 0x00, b"51", Proof::Right, 0x00, 0x20, 0x10),
        ("declined, yet an approval is asked for", 0x40, b"51", Proof::Right, 0x00, 0x20, 0x10),
        ("wrong cryptogram", 0x40, b"00", Proof::Wrong, 0x00, 0x28, 0x10),
        ("no cryptogram", 0x40, b"00", Proof::Missing, 0x00, 0x28, 0x14),
        ("declined without a cryptogram", 0x00, b"51", Proof::Missing, 0x00, 0x20, 0x14),
        ("declined without a cryptogram, yet an approval is asked for", 0x40, b"51", Proof::Missing, 0x00, 0x20, 0x14),
        ("cryptogram of another code", 0x40, b"00", Proof::For(b"05"), 0x00, 0x28, 0x10),
        ("unable to go online, declined", 0x00, b"Z3", Proof::Missing, 0x00, 0x21, 0x10),
        ("unable to go online, yet asked to approve", 0x40, b"Z3", Proof::Missing, 0x00, 0x21, 0x10),
        ("unable to go online, approval wanted", 0x40, b"Y3", Proof::Missing, 0x00, 0x21, 0x10),
        ("never asked", 0x40, b"Z1", Proof::Missing, 0x00, 0x21, 0x10),
    ] {
        let mut card = card();
        begin(&mut card);
        let (_, arqc, _, atc) = first(&mut card, 0x80);
        let given = match given {
            Proof::Right => proof(atc, &arqc, code),
            Proof::Wrong => proof(atc, &[0x55; 8], code),
            Proof::Missing => Vec::new(),
            Proof::For(other) => proof(atc, &arqc, other),
        };
        let (answered, cryptogram, cvr, _) = second(&mut card, p1, code, &given);
        assert_eq!((answered, cvr), (kind, [3, second_byte, third_byte, 0]), "{name}");
        assert!(mac::equal(
            &cryptogram,
            &issuer_cryptogram(&second_list(), &terminal_data(&second_list(), code, &given), cvr, atc)
        ));
    }
}

#[test]
fn the_next_transaction_tells_how_the_last_one_ended() {
    let mut card = card();
    for (code, given, third_byte) in [(b"Z3", &[][..], 0x90), (b"00", &[1; 10], 0x18)] {
        begin(&mut card);
        first(&mut card, 0x80);
        second(&mut card, 0x40, code, given);
        begin(&mut card);
        assert_eq!(first(&mut card, 0x00).2[2], third_byte);
    }
}

#[test]
fn a_card_with_an_offline_limit_keeps_to_it() {
    for (limit, currency, kind) in [(0, 156, 0x80), (1233, 156, 0x80), (1234, 156, 0x40), (9999, 840, 0x80)] {
        let mut card = card_with(ApplicationProfile { offline_limit: limit, currency, ..debit() });
        begin(&mut card);
        assert_eq!(first(&mut card, 0x40).0, kind, "limit {limit}, currency {currency}");
        let second = status(&mut card, &generate(0x40, &terminal_data(&second_list(), b"Y3", &[])));
        assert_eq!(second, if kind == 0x80 { 0x9000 } else { 0x6985 });
    }
    // Unable to go online, within the limit: the card approves.
    let mut card = card_with(ApplicationProfile { offline_limit: 1234, ..debit() });
    begin(&mut card);
    first(&mut card, 0x80);
    assert_eq!(second(&mut card, 0x40, b"Y3", &[]).0, 0x40);
}

#[test]
fn a_card_may_decline_what_its_issuer_approved() {
    let mut card = card_with(ApplicationProfile { declines_after_approval: true, ..debit() });
    begin(&mut card);
    let (_, arqc, _, atc) = first(&mut card, 0x80);
    assert_eq!(second(&mut card, 0x40, b"00", &proof(atc, &arqc, b"00")).0, 0x00);
}

#[test]
fn the_counter_goes_on_over_restarts_and_every_cryptogram_differs() {
    let directory = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for expected in 1..=3 {
        let mut card = SandboxCard::open(&profile(), directory.path()).unwrap();
        begin(&mut card);
        let (_, arqc, _, atc) = first(&mut card, 0x80);
        assert_eq!(atc, expected);
        assert!(!seen.contains(&arqc));
        seen.push(arqc);
    }
    let names = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains(&debit().pan)));
}

#[test]
fn a_card_at_the_end_of_its_counter_works_no_more() {
    let worn = |_: &ApplicationProfile| {
        let mut memory = Memory::volatile();
        memory.keep(Counters { atc: u16::MAX - 1, ..Counters::default() })?;
        Ok(memory)
    };
    let mut card = SandboxCard::new(&profile(), keys(), worn).unwrap();
    data(&mut card, &select(AID, 0));
    assert_eq!(status(&mut card, GPO), 0x6985);
}

#[test]
fn a_card_that_cannot_write_says_so_and_gives_no_counter_away() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gone").join("card.toml");
    let mut card = SandboxCard::new(&profile(), keys(), |_| Ok(Memory::open(path.clone())?)).unwrap();
    data(&mut card, &select(AID, 0));
    assert_eq!(status(&mut card, GPO), 0x6581);
}

/// EXTERNAL AUTHENTICATE: the issuer's proof by a command of its own, and CDOL2 without it.
#[test]
fn a_card_may_want_the_proof_by_a_command() {
    let list = cdol2(IssuerAuthentication::Command, ResponseMethod::One);
    let external = |proof: &[u8]| [&[0, 0x82, 0, 0, proof.len() as u8], proof].concat();
    let application = || CardProfile::shipped("external-authenticate").unwrap().applications.remove(0);
    let told = |atc, arqc: &[u8; 8], code: &[u8; 2]| {
        let session = issuer_session(&application(), atc);
        [&session.response_cryptogram_1(*arqc, *code).unwrap()[..], code].concat()
    };
    for (what, vouched, said, expected, kind, cvr) in [
        ("approved", Some(b"00"), b"00", 0x9000, 0x40, [3, 0x60, 0x10, 0]),
        ("declined", Some(b"51"), b"51", 0x9000, 0x00, [3, 0x20, 0x10, 0]),
        ("another code than the proof's", Some(b"05"), b"00", 0x9000, 0x00, [3, 0x28, 0x10, 0]),
        ("no proof", None, b"00", 0x6300, 0x00, [3, 0x28, 0x10, 0]),
    ] {
        let mut card = card_with(application());
        begin(&mut card);
        assert_eq!(status(&mut card, &external(&[1; 10])), 0x6985, "{what}: before the ARQC");
        let (_, arqc, _, atc) = first(&mut card, 0x80);
        assert_eq!(status(&mut card, &external(&[1; 7])), 0x6700, "{what}: too short");
        let proof = vouched.map_or(vec![1; 10], |code| told(atc, &arqc, code));
        assert_eq!(status(&mut card, &external(&proof)), expected, "{what}");
        assert_eq!(status(&mut card, &external(&proof)), 0x6985, "{what}: only once");
        let answer = data(&mut card, &generate(0x40, &terminal_data(&list, said, &[])));
        let (answered, _, verification, _) = read_cryptogram(&answer);
        assert_eq!((answered, verification), (kind, cvr), "{what}");
    }
    // Never sent: an approval that nobody vouches for.
    let mut card = card_with(application());
    begin(&mut card);
    first(&mut card, 0x80);
    let answer = data(&mut card, &generate(0x40, &terminal_data(&list, b"00", &[])));
    assert_eq!(read_cryptogram(&answer).2, [3, 0x28, 0x14, 0]);
}

#[test]
fn method_2_vouches_for_the_issuers_decision() {
    let application = CardProfile::shipped("unionpay-credit").unwrap().applications.remove(0);
    let list = cdol2(IssuerAuthentication::SecondCryptogram, ResponseMethod::Two);
    for (what, update, said, broken, kind, second_byte) in [
        ("approved", [0, 0x80, 0, 0], b"00", false, 0x40, 0x60),
        ("declined", [0, 0, 0, 0], b"51", false, 0x00, 0x20),
        ("declined, the terminal says approved", [0, 0, 0, 0], b"00", false, 0x00, 0x28),
        ("approved, the terminal says declined", [0, 0x80, 0, 0], b"51", false, 0x00, 0x28),
        ("wrong", [0, 0x80, 0, 0], b"00", true, 0x00, 0x28),
    ] {
        let mut card = card_with(application.clone());
        card.power_on();
        data(&mut card, &select(&hex::decode(&application.aid).unwrap(), 0));
        data(&mut card, GPO);
        let (_, arqc, _, atc) = first(&mut card, 0x80);
        let mut arpc = issuer_session(&application, atc).response_cryptogram_2(arqc, update, &[]).unwrap();
        arpc[0] ^= u8::from(broken);
        let sent = terminal_data(&list, said, &[arpc, update].concat());
        let (answered, _, cvr, _) = read_cryptogram(&data(&mut card, &generate(0x40, &sent)));
        assert_eq!((answered, cvr[1]), (kind, second_byte), "{what}");
    }
}

#[test]
fn format_1_holds_the_same_values_one_behind_the_other() {
    let mut card = shipped("format-1");
    data(&mut card, &select(AID, 0));
    data(&mut card, &[0x80, 0xA8, 0, 0, 2, 0x83, 0, 0]);
    let answer = data(&mut card, &generate(0x80, &first_data()));
    let value = tag_of(&answer, tag::RESPONSE_FORMAT_1);
    assert_eq!((value[0], &value[1..3], &value[11..14]), (0x80, &[0, 1][..], &[7, 1, 1][..]));
    assert_eq!(value.len(), 1 + 2 + 8 + 8);
}
