//! Commands of the issuer, before and after the second GENERATE AC, and what is told of them the next time.

use super::*;

const BLOCK: &[u8] = &[0x84, 0x1E, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
const UNBLOCK: &[u8] = &[0x8C, 0x18, 0, 0];
const UNBLOCK_PIN: &[u8] = &[0x84, 0x24, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0];
const SET_LIMIT: &[u8] = &[0x04, 0xDA, 0x9F, 0x58, 1, 7];
const GET_LIMIT: &[u8] = &[0x80, 0xCA, 0x9F, 0x58, 0];

/// Goes online and gives the issuer's proof of an approval.
fn online(card: &mut SandboxCard) -> Vec<u8> {
    begin(card);
    let (_, arqc, _, atc) = first(card, 0x80);
    proof(atc, &arqc, b"00")
}

#[test]
fn a_script_before_the_last_word_decides_with_it() {
    let mut card = card();
    let proof = online(&mut card);
    assert_eq!(status(&mut card, BLOCK), 0x9000);
    assert_eq!(second(&mut card, 0x40, b"00", &proof).0, 0x00, "blocked before it could approve");
    assert_eq!(status_of(&card.transmit(&select(AID, 0))), 0x6283);
    data(&mut card, GPO);
    assert_eq!(first(&mut card, 0x80).0, 0x00);
    assert_eq!(status(&mut card, UNBLOCK), 0x6985, "no ARQC, no script");
}

#[test]
fn an_application_blocked_and_unblocked_in_one_transaction_goes_on() {
    let mut card = card();
    let proof = online(&mut card);
    for command in [BLOCK, UNBLOCK] {
        assert_eq!(status(&mut card, command), 0x9000);
    }
    assert_eq!(second(&mut card, 0x40, b"00", &proof).0, 0x40);
    begin(&mut card);
}

#[test]
fn a_script_behind_the_last_word_counts_for_the_next_transaction() {
    let mut card = shipped("pin-blocked");
    begin(&mut card);
    first(&mut card, 0x80);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x17, 0])[3], 0);
    data(&mut card, &generate(0x00, &terminal_data(&second_list(), b"51", &[])));
    assert_eq!(status(&mut card, UNBLOCK_PIN), 0x9000);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x17, 0])[3], 3);
    begin(&mut card);
    assert_eq!(first(&mut card, 0x80).2[3], 0x10, "one command, done");
}

#[test]
fn a_limit_is_set_and_kept_to() {
    let mut card = card_with(ApplicationProfile { offline_limit: 9999, ..debit() });
    let proof = online(&mut card);
    second(&mut card, 0x40, b"00", &proof);
    assert_eq!(status(&mut card, GET_LIMIT), 0x6A88, "there is none yet");
    assert_eq!(status(&mut card, SET_LIMIT), 0x9000);
    assert_eq!(data(&mut card, GET_LIMIT), [0x9F, 0x58, 1, 7]);
    let kinds: Vec<u8> = (0..8)
        .map(|_| {
            begin(&mut card);
            first(&mut card, 0x40).0
        })
        .collect();
    assert_eq!(kinds, [0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x80], "seven in a row offline");
    begin(&mut card);
    assert_eq!(first(&mut card, 0x80).2[2] & 0x20, 0x20, "and the issuer is told");
}

#[test]
fn failures_are_counted_and_told_and_stop_nothing() {
    let mut card = card();
    let proof = online(&mut card);
    for (what, command, expected) in [
        ("unknown instruction", &[0x84, 0x99, 0, 0][..], 0x6D00),
        ("PIN change instead of unblock", &[0x84, 0x24, 0, 2, 0], 0x6A86),
        ("other data", &[0x04, 0xDA, 0x9F, 0x59, 1, 7], 0x6A88),
        ("no data", &[0x04, 0xDA, 0x9F, 0x58], 0x6700),
        ("another class", &[0x04, 0x1E, 0, 0], 0x6D00),
    ] {
        assert_eq!(status(&mut card, command), expected, "{what}");
    }
    assert_eq!(second(&mut card, 0x40, b"00", &proof).0, 0x40);
    begin(&mut card);
    assert_eq!(first(&mut card, 0x80).2[3], 0x58, "five commands, failed");
    begin(&mut card);
    assert_eq!(first(&mut card, 0x80).2[3], 0x00, "told once");
}

#[test]
fn a_script_is_kept_over_a_power_cut() {
    let directory = tempfile::tempdir().unwrap();
    let open = || SandboxCard::open(&profile(), directory.path()).unwrap();
    let mut card = open();
    online(&mut card);
    assert_eq!(status(&mut card, BLOCK), 0x9000);
    assert_eq!(status_of(&open().transmit(&select(AID, 0))), 0x6283);
}
