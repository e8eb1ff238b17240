//! What the host approves and refuses.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::crypto::emv::SequenceNumber;
use crate::sandbox::card::SandboxCard;
use crate::sandbox::card::profile::SHIPPED;
use crate::sandbox::host::DEFAULT_TERMINAL;
use crate::sandbox::host::store::Store;
use crate::sandbox::issuer::{Cryptogram, ResponseMethod, issuer_application_data};

#[test]
fn a_sale_is_approved_debited_and_answered_to_the_card() {
    let house = House::new();
    let answer = house.link().sale(&sale(1, 1234)).unwrap();
    assert_eq!(answer.response_code.as_str(), "00");
    assert_eq!(answer.decision, Decision::Approved);
    assert!(answer.rrn.is_some() && answer.authorisation_code.is_some());
    assert!(issuer_is_right(&answer, 1, 1234));
    assert_eq!(house.balance(), BALANCE - 1234);
    let entries = house.running.ledger().unwrap();
    assert_eq!((entries.len(), entries[0].state, entries[0].trace), (1, EntryState::Approved, trace(1)));
    assert_eq!(answer.rrn.unwrap().as_str(), entries[0].rrn);
}

#[test]
fn amounts_of_66_decide_the_response_code() {
    let house = House::new();
    let link = house.link();
    for (index, cents) in [1, 5, 51, 54, 61, 91, 96].into_iter().enumerate() {
        let (stan, minor) = (index as u32 + 1, 66_00 + cents);
        let answer = link.sale(&sale(stan, minor)).unwrap();
        assert_eq!(answer.response_code.as_str(), format!("{cents:02}"));
        assert!(issuer_is_right(&answer, stan as u16, minor), "a refusal too is told to the card");
        assert_eq!(answer.authorisation_code, None);
    }
    assert_eq!(house.balance(), BALANCE);
    assert_eq!(code(link.sale(&sale(20, 66_00))), "00");
    assert_eq!(code(link.sale(&sale(21, 66_11))), "00");
    let partial = link.sale(&sale(22, 66_10)).unwrap();
    assert_eq!((partial.response_code.as_str(), partial.decision), ("10", Decision::Partial(cny(33_05))));
    assert_eq!(house.balance(), BALANCE - 66_00 - 66_11 - 33_05);
    // What a partial approval booked is what its reversal credits.
    assert_eq!(code(link.reverse(&reversal(22, 66_10))), "00");
    assert_eq!(house.balance(), BALANCE - 66_00 - 66_11);
}

#[test]
fn an_account_that_holds_less_pays_what_it_holds_where_the_terminal_takes_that() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.sale(&sale(1, BALANCE - 9_40))), "00");
    assert_eq!(code(link.sale(&sale(2, 15_00))), "51", "all or nothing");
    let in_part = |stan: u32, minor: u64| SaleRequest { in_part: true, ..sale(stan, minor) };
    let answer = link.sale(&in_part(3, 15_00)).unwrap();
    assert_eq!((answer.response_code.as_str(), answer.decision), ("10", Decision::Partial(cny(9_40))));
    assert!(issuer_is_right(&answer, 3, 15_00), "the card is told of what it was asked for");
    assert_eq!(house.balance(), 0);
    assert_eq!(code(link.sale(&in_part(4, 15_00))), "51", "there is nothing to approve a part of");
    // A reversal names what was asked for, and gives back what was taken.
    assert_eq!(code(link.reverse(&reversal(3, 9_40))), "13");
    assert_eq!(code(link.reverse(&reversal(3, 15_00))), "00");
    assert_eq!(house.balance(), 9_40);
    assert_eq!(code(link.sale(&in_part(5, 9_40))), "00", "it holds all of it");
}

#[test]
fn amounts_of_68_send_the_card_a_script() {
    let house = House::new();
    let link = house.link();
    for (cents, template, command) in [
        (1, tag::SCRIPT_1, &[0x84, 0x24, 0, 0, 8][..]),
        (2, tag::SCRIPT_2, &[0x04, 0xDA, 0x9F, 0x58, 9, 5]),
        (3, tag::SCRIPT_1, &[0x84, 0xEE, 0, 0, 8]),
        (4, tag::SCRIPT_2, &[0x84, 0x1E, 0, 0, 8]),
    ] {
        let answer = link.sale(&sale(cents, 68_00 + u64::from(cents))).unwrap();
        assert!(issuer_is_right(&answer, cents as u16, 68_00 + u64::from(cents)), "the proof comes as ever");
        let script = tlv::find(&answer.issuer_data, template).unwrap().unwrap();
        let sent = tlv::find(script, tag::Tag(0x86)).unwrap().unwrap();
        assert!(sent.starts_with(command) && sent.len() == 5 + usize::from(sent[4]), "{sent:02X?}");
        assert_eq!(tlv::find(script, tag::Tag(0x9F18)).unwrap(), Some(&[0, 0, 0x68, cents as u8][..]));
    }
    let mut poor = sale(5, 68_01);
    poor.card.expiry = Some([0x24, 0x01]);
    assert_eq!(tlv::find(&link.sale(&poor).unwrap().issuer_data, tag::SCRIPT_1), Ok(None), "not with a refusal");
}

/// The account of every application on every shipped card is there, with the right key, and each method is answered.
#[test]
fn every_shipped_card_can_pay() {
    let house = House::new();
    let link = house.link();
    let mut stan = 0;
    for (name, _) in SHIPPED {
        for application in CardProfile::shipped(name).unwrap().applications {
            stan += 1;
            let mut request = sale_of(&application, stan, 1234);
            let issuer_data = issuer_application_data([3, 0xA0, 0, 0], application.issuer.algorithm);
            let signed = Signed { issuer_data, ..Signed::default() };
            request.chip_data = chip_data(&application, stan as u16, 1234, &signed).into();
            let expected = match *name {
                "expired" => "54",
                "low-balance" => "51",
                _ => "00",
            };
            let answer = link.sale(&request).unwrap();
            assert_eq!(answer.response_code.as_str(), expected, "{name}");
            let proof = tlv::find(&answer.issuer_data, tag::ISSUER_AUTHENTICATION_DATA).unwrap();
            let length = match application.issuer.response_method {
                _ if expected == "54" => None,
                ResponseMethod::One => Some(10),
                ResponseMethod::Two => Some(8),
            };
            assert_eq!(proof.map(<[u8]>::len), length, "{name}");
        }
    }
}

/// What a gateway does that sends again what it had no answer to.
#[test]
fn a_sale_that_is_doubled_on_the_way_is_booked_once_and_answered_twice_the_same() {
    let house = House::new();
    let link = house.link();
    for (stan, minor, response_code, booked) in [(1, 1234, "00", 1234), (2, 66_51, "51", 0), (3, 66_10, "10", 33_05)] {
        let before = house.balance();
        let first = link.sale(&sale(stan, minor)).unwrap();
        assert_eq!(first.response_code.as_str(), response_code);
        assert_eq!(link.sale(&sale(stan, minor)).unwrap(), first);
        assert_eq!(house.balance(), before - booked);
    }
    // What was taken back stays so.
    assert_eq!(code(link.reverse(&reversal(1, 1234))), "00");
    assert_eq!(code(link.sale(&sale(1, 1234))), "94");
    assert_eq!(house.running.ledger().unwrap().len(), 3);
}

#[test]
fn a_trace_number_is_used_once() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.sale(&sale(1, 1234))), "00");
    assert_eq!(code(link.sale(&sale(1, 1235))), "94");
    let mut later = sale(1, 1234);
    later.chip_data = chip_data(&profile(), 2, 1234, &Signed::default()).into();
    assert_eq!(code(link.sale(&later)), "94", "the next payment of the same card");
    assert_eq!(house.balance(), BALANCE - 1234);
    // In another batch it is another transaction.
    let mut next = sale(2, 1234);
    next.trace = TraceNumber { batch: Batch::new(2).unwrap(), stan: trace(1).stan };
    assert_eq!(code(link.sale(&next)), "00");
}

#[test]
fn the_issuer_refuses_what_the_card_did_not_sign() {
    let house = House::new();
    let link = house.link();
    let mut wrong = sale(1, 1234);
    wrong.chip_data[3] ^= 1;
    assert_eq!(code(link.sale(&wrong)), "05");
    let mut other_amount = sale(2, 1234);
    other_amount.amount = cny(123);
    assert_eq!(code(link.sale(&other_amount)), "05");
    let mut none = sale(3, 1234);
    none.chip_data = TlvBuilder::new().with(tag::TVR, &[0; 5]).build().into();
    assert_eq!(code(link.sale(&none)), "05");
    let mut not_tlv = sale(4, 1234);
    not_tlv.chip_data = vec![0x9F].into();
    assert_eq!(code(link.sale(&not_tlv)), "05");
    assert_eq!(code(link.sale(&sale(9, 1234))), "00");
    let mut replayed = sale(9, 1234);
    replayed.trace = trace(10);
    assert_eq!(code(link.sale(&replayed)), "05", "the same counter again");
    let reasons: Vec<_> = house.running.ledger().unwrap().into_iter().map(|entry| entry.reason).collect();
    assert!(
        reasons[0].contains("ARQC") && reasons[1].contains("field 4") && reasons[5].contains("counter"),
        "{reasons:?}"
    );
    assert_eq!(house.balance(), BALANCE - 1234);
}

/// Each of these cryptograms is right; only what it covers is not what the request says, or is no question to the issuer.
#[test]
fn the_issuer_holds_the_request_against_what_the_card_signed() {
    let house = House::new();
    let link = house.link();
    for (stan, what, signed) in [
        (1, "field 49", Signed { currency: [0x08, 0x40], ..Signed::default() }),
        (2, "field 3", Signed { transaction_type: 0x20, ..Signed::default() }),
        (3, "verification results", Signed { issuer_data: [7, 1, 1, 3, 0x80, 0, 0, 1], ..Signed::default() }),
        (4, "verification results", Signed { issuer_data: [7, 1, 1, 3, 0x20, 0, 0, 1], ..Signed::default() }),
        (5, "9F10", Signed { issuer_data: [8, 1, 1, 3, 0xA0, 0, 0, 1], ..Signed::default() }),
        (6, "9F10", Signed { issuer_data: [7, 1, 1, 3, 0xA0, 0, 0, 4], ..Signed::default() }),
    ] {
        let mut request = sale(stan, 1234);
        request.chip_data = chip_data(&profile(), stan as u16, 1234, &signed).into();
        assert_eq!(code(link.sale(&request)), "05", "{what}");
        let reason = house.running.ledger().unwrap().pop().unwrap().reason;
        assert!(reason.contains(what), "{what}: {reason}");
    }
    assert_eq!(house.balance(), BALANCE);
}

/// The card computes for itself here: a mistake that host and test share would not be seen otherwise.
#[test]
fn a_card_with_a_sequence_number_of_two_digits_is_known_to_its_issuer() {
    let house = House::new();
    let pan = "6228480000000010108".to_owned();
    let profile = ApplicationProfile { pan, sequence_number: SequenceNumber::new(10).unwrap(), ..profile() };
    house.host.store.register_account(&profile).unwrap();
    let mut request = sale_of(&profile, 1, 1234);
    request.chip_data = chip_data_of_a_card(&profile, 1234).into();
    assert_eq!(request.card.sequence_number, Some(10));
    assert_eq!(code(house.link().sale(&request)), "00");
    assert_eq!(house.running.balance(&profile.pan).unwrap(), Some(BALANCE - 1234));
}

/// A database of the first version has neither algorithm nor response method; its accounts go on as they were.
#[test]
fn an_older_database_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("host.sqlite3");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(
        "CREATE TABLE accounts (pan TEXT PRIMARY KEY, sequence_number INTEGER NOT NULL, expiry TEXT NOT NULL,
                                master_key BLOB NOT NULL, balance INTEGER NOT NULL,
                                last_atc INTEGER NOT NULL DEFAULT -1) STRICT;
         INSERT INTO accounts VALUES ('6228480000000001230', 1, '3012', zeroblob(16), 77, 5);",
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let store = Store::open(&path).unwrap();
        store.register_account(&profile()).unwrap();
        let account = store.transaction(|books| books.account(&profile().pan)).unwrap().unwrap();
        assert_eq!((account.balance, account.last_atc), (77, Some(5)), "what it held and where it was");
        let data = chip_data(&profile(), 6, 1234, &Signed::default());
        assert!(account.issuer.verify(Cryptogram::Arqc, &data).is_ok(), "the key is the profile's now");
    }
}

#[test]
fn unknown_expired_and_empty_are_told_apart() {
    let house = House::new();
    let link = house.link();
    let mut unknown = sale(1, 100);
    unknown.card.pan = Pan::parse("4111111111111111").unwrap();
    assert_eq!(code(link.sale(&unknown)), "14");
    let mut expired = sale(2, 100);
    expired.card.expiry = Some([0x24, 0x01]);
    assert_eq!(code(link.sale(&expired)), "54");
    assert_eq!(code(link.sale(&sale(3, BALANCE + 1))), "51");
    assert_eq!(code(link.sale(&sale(4, BALANCE))), "00");
    assert_eq!(house.balance(), 0);
    assert_eq!(code(link.sale(&sale(5, 1))), "51");
}

#[test]
fn a_host_keeps_what_it_has_and_its_keys_to_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (state, kit) = (directory.path().join("state"), directory.path().join("kit"));
    let read = |path: &Path| std::fs::read(path).unwrap();
    let host = Host::prepare(&state).unwrap();
    host.write_kit(&kit).unwrap();
    let before = (read(&kit.join("client.pem")), read(&state.join("pki/server.pem")));
    let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
    let link = open(&running.link_settings(), &kit);
    link.sign_on(trace(10)).unwrap();
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
    drop((link, running, host));
    let host = Host::prepare(&state).unwrap();
    host.write_kit(&kit).unwrap();
    assert_eq!(before, (read(&kit.join("client.pem")), read(&state.join("pki/server.pem"))));
    assert_eq!(host.balance(&profile().pan).unwrap(), Some(BALANCE - 100));
    assert_eq!(host.ledger().unwrap().len(), 1);
    for key in
        ["kit/client.key", "kit/vault-TEST.toml", "state/pki/ca.key", "state/pki/server.key", "state/host.sqlite3"]
    {
        let mode = std::fs::metadata(directory.path().join(key)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
    assert!(Identity::load(&kit).unwrap().test);
    // An enrolment that was cut short is made anew.
    std::fs::remove_dir_all(state.join("terminals")).unwrap();
    let host = Host::prepare(&state).unwrap();
    host.write_kit(&kit).unwrap();
    let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
    let link = open(&running.link_settings(), &kit);
    link.sign_on(trace(11)).unwrap();
    assert_eq!(code(link.sale(&sale(2, 100))), "00");
    // An identity that is not for tests is left alone.
    let binding = kit.join("binding.json");
    let live = std::fs::read_to_string(&binding).unwrap().replace("world = test", "world = live");
    std::fs::write(&binding, live).unwrap();
    assert!(host.write_kit(&kit).unwrap_err().to_string().contains("not for tests"));
    assert!(host.write_kit_of("../../kit", &kit).is_err());
    assert!(host.store.terminal(DEFAULT_TERMINAL).unwrap().is_some());
}

/// Field 55 of a sale that a sandbox card of this profile has signed.
fn chip_data_of_a_card(profile: &ApplicationProfile, minor: u64) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let card = CardProfile { applications: vec![profile.clone()], ..CardProfile::shipped("unionpay-debit").unwrap() };
    let mut card = SandboxCard::open(&card, directory.path()).unwrap();
    card.power_on();
    let aid = hex::decode(&profile.aid).unwrap();
    let amount = hex::decode(&format!("{minor:012}")).unwrap();
    let first = [&amount[..], &[0; 6], &[1, 0x56], &[0; 5], &[1, 0x56], &[0x26, 0x11, 0x22], &[0], &[1, 2, 3, 4]];
    let answers = [
        [&[0, 0xA4, 4, 0, aid.len() as u8], &aid[..], &[0]].concat(),
        vec![0x80, 0xA8, 0, 0, 6, 0x83, 4, 1, 0x56, 1, 0x56, 0],
        [&[0x80, 0xAE, 0x80, 0, 29], &first.concat()[..], &[0]].concat(),
    ]
    .map(|command| card.transmit(&command));
    let told = |answer: &[u8], tag| tlv::find(&answer[..answer.len() - 2], tag).unwrap().unwrap().to_vec();
    let [_, options, cryptogram] = answers;
    [tag::CRYPTOGRAM, tag::CRYPTOGRAM_INFORMATION, tag::ISSUER_APPLICATION_DATA, tag::ATC]
        .into_iter()
        .fold(TlvBuilder::new(), |data, tag| data.with(tag, &told(&cryptogram, tag)))
        .with(tag::AIP, &told(&options, tag::AIP))
        .with(tag::AMOUNT_AUTHORISED, &amount)
        .with(tag::TERMINAL_COUNTRY, &[1, 0x56])
        .with(tag::TVR, &[0; 5])
        .with(tag::TRANSACTION_CURRENCY, &[1, 0x56])
        .with(tag::TRANSACTION_DATE, &[0x26, 0x11, 0x22])
        .with(tag::TRANSACTION_TYPE, &[0])
        .with(tag::UNPREDICTABLE_NUMBER, &[1, 2, 3, 4])
        .build()
}
