//! The offline PIN: VERIFY with and without encipherment, and its tries.

use openssl::rsa::{Padding, Rsa};

use super::*;

const RIGHT: [u8; 8] = [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
const WRONG: [u8; 8] = [0x24, 0x43, 0x21, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
const GET_CHALLENGE: [u8; 5] = [0, 0x84, 0, 0, 0];

fn verify(block: &[u8], kind: u8) -> Vec<u8> {
    [&[0, 0x20, 0, kind, block.len() as u8], block].concat()
}

fn tries(card: &mut SandboxCard) -> u8 {
    data(card, &[0x80, 0xCA, 0x9F, 0x17, 0])[3]
}

/// A PIN block enciphered as a terminal does it (Book 2, 7.2), with one of the card's keys.
fn enciphered(block: &[u8; 8], challenge: &[u8], key: &Rsa<openssl::pkey::Private>) -> Vec<u8> {
    let mut plain = [&[0x7F][..], block, challenge].concat();
    plain.resize(key.size() as usize, 0xA5);
    let public = Rsa::from_public_components(key.n().to_owned().unwrap(), key.e().to_owned().unwrap()).unwrap();
    let mut out = vec![0; plain.len()];
    public.public_encrypt(&plain, &mut out, Padding::NONE).unwrap();
    out
}

#[test]
fn a_right_pin_is_told_to_the_issuer_and_gives_the_tries_back() {
    let mut card = shipped("cvm-plaintext-pin");
    begin(&mut card);
    assert_eq!(tries(&mut card), 3);
    assert_eq!(status(&mut card, &verify(&WRONG, 0x80)), 0x63C2);
    assert_eq!(tries(&mut card), 2);
    assert_eq!(status(&mut card, &verify(&RIGHT, 0x80)), 0x9000);
    assert_eq!(tries(&mut card), 3);
    assert_eq!(first(&mut card, 0x80).2, [3, 0xA4, 0x10, 0], "performed, and at last right");
    assert_eq!(status(&mut card, &verify(&RIGHT, 0x80)), 0x6985, "not behind the first cryptogram");
}

#[test]
fn tries_run_out_and_stay_so() {
    let mut card = shipped("cvm-plaintext-pin");
    begin(&mut card);
    for left in [0x63C2, 0x63C1, 0x63C0] {
        assert_eq!(status(&mut card, &verify(&WRONG, 0x80)), left);
    }
    assert_eq!(status(&mut card, &verify(&RIGHT, 0x80)), 0x6983, "used up in this transaction");
    assert_eq!(tries(&mut card), 0);
    assert_eq!(first(&mut card, 0x80).2, [3, 0xA6, 0x50, 0], "performed, failed, limit exceeded");
    begin(&mut card);
    assert_eq!(status(&mut card, &verify(&RIGHT, 0x80)), 0x6984, "used up before it");
    assert_eq!(first(&mut card, 0x80).2, [3, 0xA0, 0xD0, 0], "not performed; the last transaction is unfinished");
}

#[test]
fn a_card_pulled_out_does_not_get_its_try_back() {
    let directory = tempfile::tempdir().unwrap();
    let profile = CardProfile::shipped("cvm-plaintext-pin").unwrap();
    for expected in [0x63C2, 0x63C1, 0x63C0, 0x6984] {
        let mut card = SandboxCard::open(&profile, directory.path()).unwrap();
        begin(&mut card);
        assert_eq!(status(&mut card, &verify(&WRONG, 0x80)), expected);
    }
}

#[test]
fn a_pin_is_enciphered_with_the_key_the_card_has_for_it() {
    for (name, key, other) in
        [("cvm-enciphered-pin", &keys().card, &keys().pin), ("cvm-enciphered-pin-key", &keys().pin, &keys().card)]
    {
        let mut card = shipped(name);
        begin(&mut card);
        let mut attempt = |block: &[u8; 8], key| {
            let challenge = data(&mut card, &GET_CHALLENGE);
            status(&mut card, &verify(&enciphered(block, &challenge, key), 0x88))
        };
        assert_eq!(attempt(&WRONG, key), 0x63C2, "{name}");
        assert_eq!(attempt(&RIGHT, other), 0x63C1, "{name}: another key");
        assert_eq!(attempt(&RIGHT, key), 0x9000, "{name}");
        assert_eq!(first(&mut card, 0x80).2[1], 0xA4, "{name}");
    }
}

#[test]
fn a_challenge_is_good_for_the_next_command_only_and_for_one() {
    let mut card = shipped("cvm-enciphered-pin");
    begin(&mut card);
    let sealed = |challenge: &[u8]| verify(&enciphered(&RIGHT, challenge, &keys().card), 0x88);
    assert_eq!(status(&mut card, &sealed(&[0; 8])), 0x6985, "there was none");
    let old = data(&mut card, &GET_CHALLENGE);
    tries(&mut card);
    assert_eq!(status(&mut card, &sealed(&old)), 0x6985, "another command came between");
    let new = data(&mut card, &GET_CHALLENGE);
    assert_ne!(old, new);
    assert_eq!(status(&mut card, &sealed(&old)), 0x63C2, "an old one");
    let new = data(&mut card, &GET_CHALLENGE);
    let right = sealed(&new);
    assert_eq!(status(&mut card, &right), 0x9000);
    assert_eq!(status(&mut card, &right), 0x6985, "again");
    assert_eq!(tries(&mut card), 3, "only a wrong PIN costs a try");
}

#[test]
fn a_verify_that_makes_no_sense_costs_no_try() {
    let mut card = shipped("cvm-enciphered-pin");
    begin(&mut card);
    for (what, command, expected) in [
        ("P1", vec![0, 0x20, 1, 0x80, 1, 1], 0x6A86),
        ("another kind", verify(&RIGHT, 0x81), 0x6A86),
        ("half a block", verify(&RIGHT[..4], 0x80), 0x6700),
        ("a cryptogram of another length", verify(&[1; 64], 0x88), 0x6700),
        ("no body", vec![0, 0x20, 0, 0x80, 0], 0x6700),
    ] {
        assert_eq!(status(&mut card, &command), expected, "{what}");
    }
    assert_eq!(tries(&mut card), 3);
    let mut card = shipped("cvm-plaintext-pin");
    data(&mut card, &select(AID, 0));
    assert_eq!(status(&mut card, &verify(&RIGHT, 0x80)), 0x6985, "before GET PROCESSING OPTIONS");
}

/// Without a key that could decipher it, an enciphered PIN is not taken, and never taken for a plain one.
#[test]
fn a_card_without_a_key_takes_no_enciphered_pin() {
    let mut application = debit();
    application.pin = CardProfile::shipped("cvm-plaintext-pin").unwrap().applications.remove(0).pin;
    application.authentication = profile::Authentication::Sda;
    let mut card = card_with(application);
    begin(&mut card);
    assert_eq!(status(&mut card, &verify(&RIGHT, 0x88)), 0x6A86);
    assert_eq!(status(&mut card, &verify(&RIGHT, 0x80)), 0x9000);
}
