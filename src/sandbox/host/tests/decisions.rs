//! What the host approves and refuses.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::sandbox::host::DEFAULT_TERMINAL;

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
fn a_trace_number_is_used_once() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.sale(&sale(1, 1234))), "00");
    assert_eq!(code(link.sale(&sale(1, 1234))), "94");
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
    none.chip_data = TlvBuilder::new().with(tag::TVR, &[0; 5]).build();
    assert_eq!(code(link.sale(&none)), "05");
    let mut not_tlv = sale(4, 1234);
    not_tlv.chip_data = vec![0x9F];
    assert_eq!(code(link.sale(&not_tlv)), "05");
    assert_eq!(code(link.sale(&sale(9, 1234))), "00");
    let mut replayed = sale(9, 1234);
    replayed.trace = trace(10);
    assert_eq!(code(link.sale(&replayed)), "05", "the same counter again");
    let reasons: Vec<_> = house.running.ledger().unwrap().into_iter().map(|entry| entry.reason).collect();
    assert!(
        reasons[0].contains("ARQC") && reasons[1].contains("amount") && reasons[5].contains("counter"),
        "{reasons:?}"
    );
    assert_eq!(house.balance(), BALANCE - 1234);
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
    assert_eq!(code(open(&running.link_settings(), &kit).sale(&sale(1, 100))), "00");
    drop((running, host));
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
    assert_eq!(code(open(&running.link_settings(), &kit).sale(&sale(2, 100))), "00");
    // An identity that is not for tests is left alone.
    Identity { test: false, ..Identity::load(&kit).unwrap() }.save(&kit).unwrap();
    assert!(host.write_kit(&kit).unwrap_err().to_string().contains("not for tests"));
    assert!(host.write_kit_of("../../kit", &kit).is_err());
    assert!(host.store.terminal(DEFAULT_TERMINAL).unwrap().is_some());
}
