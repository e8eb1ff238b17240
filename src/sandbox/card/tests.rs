//! Sales played by hand-made commands, checked from the terminal's and from the issuer's side with nothing but the keys.

mod commands;

use std::sync::OnceLock;

use super::image::{CDOL1, CDOL2, value_of};
use super::keys::CardKeys;
use super::memory::{Counters, Memory};
use super::profile::CardProfile;
use super::*;
use crate::crypto::emv::SessionKey;
use crate::crypto::{mac, rsa};
use crate::emv::tag::Tag;
use crate::emv::tlv::find;
use crate::sandbox::issuer::{CVR_IN_ISSUER_DATA, CryptogramInput};

const AID: &[u8] = &[0xA0, 0, 0, 3, 0x33, 1, 1, 1];
const GPO: &[u8] = &[0x80, 0xA8, 0, 0, 6, 0x83, 4, 0x01, 0x56, 0x01, 0x56, 0];
const TERMINAL_NUMBER: [u8; 4] = [0xDE, 0xAD, 0xBE, 0xEF];

fn keys() -> &'static CardKeys {
    static KEYS: OnceLock<CardKeys> = OnceLock::new();
    KEYS.get_or_init(|| CardKeys::generate().unwrap())
}

pub fn profile() -> CardProfile {
    CardProfile::shipped("unionpay-debit").unwrap()
}

fn card_of(profile: &CardProfile) -> SandboxCard {
    let mut card = SandboxCard::new(profile, keys(), Memory::volatile()).unwrap();
    card.power_on();
    card
}

/// The shipped card, powered, new.
pub fn card() -> SandboxCard {
    card_of(&profile())
}

/// SELECT of the payment system environment.
pub fn select_pse() -> Vec<u8> {
    select(PSE, 0)
}

fn select(name: &[u8], occurrence: u8) -> Vec<u8> {
    [&[0, 0xA4, 4, occurrence, name.len() as u8], name, &[0]].concat()
}

/// Sends a command that must succeed and gives its data.
#[track_caller]
fn data(card: &mut SandboxCard, command: &[u8]) -> Vec<u8> {
    let mut answer = card.transmit(command);
    assert_eq!(status_of(&answer), 0x9000, "to {command:02X?}");
    answer.truncate(answer.len() - 2);
    answer
}

fn status(card: &mut SandboxCard, command: &[u8]) -> u16 {
    status_of(&card.transmit(command))
}

fn status_of(answer: &[u8]) -> u16 {
    u16::from_be_bytes(*answer.last_chunk().unwrap())
}

#[track_caller]
fn tag_of(bytes: &[u8], tag: Tag) -> Vec<u8> {
    find(bytes, tag).unwrap().unwrap_or_else(|| panic!("{tag} is missing")).to_vec()
}

fn begin(card: &mut SandboxCard) {
    card.power_on();
    data(card, &select(AID, 0));
    data(card, GPO);
}

/// Values for a CDOL: 12.34 CNY on 2026-11-22, and what the issuer answered.
fn terminal_data(list: &image::DataObjectList, code: &[u8; 2], proof: &[u8]) -> Vec<u8> {
    let mut proof = proof.to_vec();
    proof.resize(10, 0);
    list.iter()
        .flat_map(|(tag, length)| match *tag {
            tag::AMOUNT_AUTHORISED => vec![0, 0, 0, 0, 0x12, 0x34],
            tag::TERMINAL_COUNTRY | tag::TRANSACTION_CURRENCY => vec![0x01, 0x56],
            tag::TRANSACTION_DATE => vec![0x26, 0x11, 0x22],
            tag::UNPREDICTABLE_NUMBER => TERMINAL_NUMBER.to_vec(),
            tag::TVR => vec![0, 0, 0, 0x80, 0],
            tag::AUTHORISATION_RESPONSE_CODE => code.to_vec(),
            tag::ISSUER_AUTHENTICATION_DATA => proof.clone(),
            _ => vec![0; usize::from(*length)],
        })
        .collect()
}

fn generate(p1: u8, data: &[u8]) -> Vec<u8> {
    [&[0x80, 0xAE, p1, 0, data.len() as u8], data, &[0]].concat()
}

fn first_data() -> Vec<u8> {
    terminal_data(CDOL1, b"\0\0", &[])
}

/// Asks for the first cryptogram: its kind, the cryptogram, CVR and ATC.
fn first(card: &mut SandboxCard, p1: u8) -> (u8, [u8; 8], [u8; 4], u16) {
    read_cryptogram(&data(card, &generate(p1, &first_data())))
}

fn second(card: &mut SandboxCard, p1: u8, code: &[u8; 2], proof: &[u8]) -> (u8, [u8; 8], [u8; 4], u16) {
    read_cryptogram(&data(card, &generate(p1, &terminal_data(CDOL2, code, proof))))
}

fn read_cryptogram(answer: &[u8]) -> (u8, [u8; 8], [u8; 4], u16) {
    let own = tag_of(answer, tag::ISSUER_APPLICATION_DATA);
    assert_eq!([&own[..3], &own[7..]].concat(), [7, 1, 1, 1]);
    (
        tag_of(answer, tag::CRYPTOGRAM_INFORMATION)[0],
        tag_of(answer, tag::CRYPTOGRAM).try_into().unwrap(),
        own[CVR_IN_ISSUER_DATA].try_into().unwrap(),
        u16::from_be_bytes(tag_of(answer, tag::ATC).try_into().unwrap()),
    )
}

/// The issuer's session key, from its master key alone.
fn issuer_session(atc: u16) -> SessionKey {
    let profile = profile();
    let key = hex::decode(&profile.issuer.master_key).unwrap();
    let issuer = IssuerKey::new(profile.issuer.algorithm, &key).unwrap();
    issuer.card_master_key(&profile.pan, profile.sequence_number).unwrap().session_key(atc).unwrap()
}

fn issuer_cryptogram(list: &image::DataObjectList, data: &[u8], cvr: [u8; 4], atc: u16) -> [u8; 8] {
    let part = |tag| value_of(list, data, tag).unwrap();
    let input = CryptogramInput {
        amount_authorised: part(tag::AMOUNT_AUTHORISED),
        amount_other: part(tag::AMOUNT_OTHER),
        terminal_country: part(tag::TERMINAL_COUNTRY),
        tvr: part(tag::TVR),
        currency: part(tag::TRANSACTION_CURRENCY),
        date: part(tag::TRANSACTION_DATE),
        transaction_type: part(tag::TRANSACTION_TYPE),
        unpredictable_number: part(tag::UNPREDICTABLE_NUMBER),
        aip: &AIP,
        atc: &atc.to_be_bytes(),
        card_verification_results: &cvr,
    };
    issuer_session(atc).application_cryptogram(&input.bytes()).unwrap()
}

/// Issuer authentication data, method 1.
fn proof(atc: u16, arqc: &[u8; 8], code: &[u8; 2]) -> Vec<u8> {
    [&issuer_session(atc).response_cryptogram_1(*arqc, *code).unwrap()[..], code].concat()
}

/// Opens a signed block and checks header, format, trailer and hash (Book 2, 5.3, 6.3, 6.4).
#[track_caller]
fn opened(modulus: &[u8], exponent: &[u8], block: &[u8], format: u8, also_hashed: &[u8]) -> Vec<u8> {
    let block = rsa::recover(modulus, exponent, block).unwrap();
    let (framed, hash) = block[..block.len() - 1].split_at(block.len() - 21);
    assert_eq!((framed[0], framed[1], block[block.len() - 1]), (0x6A, format, 0xBC));
    assert_eq!(hash, authentication::sha_1(&[&framed[1..], also_hashed].concat()).unwrap(), "hash");
    framed.to_vec()
}

/// Takes a key out of an opened certificate: left-most digits behind `head` bytes, then the remainder.
fn key_within(framed: &[u8], head: usize, remainder: &[u8]) -> Vec<u8> {
    let length = usize::from(framed[head - 2]);
    let mut modulus = [&framed[head..], remainder].concat();
    modulus.truncate(length.max(remainder.len()));
    assert_eq!(modulus.len(), length);
    modulus
}

/// Reads all records as the AFL says, and gives them with the authenticated bytes among them.
fn records(card: &mut SandboxCard) -> (Vec<u8>, Vec<u8>) {
    let (mut all, mut authenticated) = (Vec::new(), Vec::new());
    for entry in AFL.chunks(4) {
        for number in entry[1]..=entry[2] {
            let record = data(card, &[0, 0xB2, number, entry[0] | 4, 0]);
            let content = tag_of(&record, tag::RECORD_TEMPLATE);
            if number < entry[1] + entry[3] {
                authenticated.extend_from_slice(&content);
            }
            all.extend_from_slice(&content);
        }
    }
    (all, authenticated)
}

/// Verifies the chain from the authority down and gives the card's public modulus and exponent.
fn card_key(card: &mut SandboxCard) -> (Vec<u8>, Vec<u8>) {
    let (all, static_data) = records(card);
    let part = |tag| tag_of(&all, tag);
    let (remainder, exponent) = (part(tag::ISSUER_REMAINDER), part(tag::ISSUER_EXPONENT));
    let ca = keys().ca_public_key([0xA0, 0, 0, 3, 0x33]).unwrap();
    let [ca_modulus, ca_exponent] = [&ca.modulus, &ca.exponent].map(|text| hex::decode(text).unwrap());
    let also = [&remainder[..], &exponent].concat();
    let framed = opened(&ca_modulus, &ca_exponent, &part(tag::ISSUER_CERTIFICATE), 2, &also);
    assert_eq!(&framed[2..6], &part(tag::PAN)[..4]);
    let issuer = key_within(&framed, 15, &remainder);
    assert_eq!(issuer, keys().issuer.n().to_vec());

    let (card_remainder, card_exponent) = (part(tag::ICC_REMAINDER), part(tag::ICC_EXPONENT));
    assert_eq!(part(tag::SDA_TAG_LIST), [0x82]);
    let also = [&card_remainder[..], &card_exponent, &static_data, &AIP].concat();
    let framed = opened(&issuer, &exponent, &part(tag::ICC_CERTIFICATE), 4, &also);
    assert_eq!(&framed[2..12], part(tag::PAN));
    assert_eq!(&framed[12..14], [0x12, 0x30], "the certificate ends with the card");
    (key_within(&framed, 21, &card_remainder), card_exponent)
}

#[test]
fn a_whole_sale() {
    let mut card = card();
    // The directory leads to the application.
    let pse = data(&mut card, &select_pse());
    assert_eq!(tag_of(&pse, tag::SFI), [1]);
    let directory = data(&mut card, &[0, 0xB2, 1, 0x0C, 0]);
    let aid = tag_of(&directory, tag::AID);
    assert_eq!(aid, AID);
    assert_eq!(status(&mut card, &[0, 0xB2, 2, 0x0C, 0]), 0x6A83);
    let application = data(&mut card, &select(&aid, 0));
    assert_eq!(tag_of(&application, tag::LANGUAGE_PREFERENCE), b"zhen");
    assert_eq!(tag_of(&application, tag::PDOL), [0x9F, 0x1A, 2, 0x5F, 0x2A, 2]);
    let options = data(&mut card, GPO);
    assert_eq!(tag_of(&options, tag::AIP), AIP);
    assert_eq!(tag_of(&options, tag::AFL), AFL);
    // Everything a sale needs is in the records.
    let (all, _) = records(&mut card);
    assert_eq!(tag_of(&all, tag::TRACK_2), hex::decode("6228480000000001230D301222000000").unwrap());
    assert_eq!(tag_of(&all, tag::EXPIRATION_DATE), [0x30, 0x12, 0x31]);
    assert_eq!(tag_of(&all, tag::PAN_SEQUENCE_NUMBER), [1]);
    // Both sides agree on the ARQC.
    let (kind, arqc, cvr, atc) = first(&mut card, 0x80);
    assert_eq!((kind, cvr, atc), (0x80, [3, 0xA0, 0x10, 0], 1));
    assert_eq!(arqc, issuer_cryptogram(CDOL1, &first_data(), cvr, atc));
    // The issuer's answer lets the card approve.
    let answer = proof(atc, &arqc, b"00");
    let (kind, tc, cvr, _) = second(&mut card, 0x40, b"00", &answer);
    assert_eq!((kind, cvr), (0x40, [3, 0x60, 0x10, 0]));
    assert_eq!(tc, issuer_cryptogram(CDOL2, &terminal_data(CDOL2, b"00", &answer), cvr, atc));
    assert_eq!(status(&mut card, &generate(0x40, &terminal_data(CDOL2, b"00", &answer))), 0x6985);
    // The next one is no new card any more.
    begin(&mut card);
    assert_eq!(first(&mut card, 0x80).2, [3, 0xA0, 0, 0]);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x36, 0]), [0x9F, 0x36, 2, 0, 2]);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x13, 0]), [0x9F, 0x13, 2, 0, 1]);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x17, 0]), [0x9F, 0x17, 1, 3]);
}

#[test]
fn the_certificates_and_a_dynamic_signature_hold() {
    let mut card = card();
    begin(&mut card);
    let (modulus, exponent) = card_key(&mut card);
    let challenge = [&[0, 0x88, 0, 0, 4], &TERMINAL_NUMBER[..], &[0]].concat();
    let signature = tag_of(&data(&mut card, &challenge), tag::SIGNED_DYNAMIC_DATA);
    let framed = opened(&modulus, &exponent, &signature, 5, &TERMINAL_NUMBER);
    assert_eq!(&framed[2..5], [1, 9, 8]);
    let again = tag_of(&data(&mut card, &challenge), tag::SIGNED_DYNAMIC_DATA);
    assert_ne!(signature, again, "a fresh dynamic number each time");
    assert_eq!(first(&mut card, 0x80).2, [3, 0xA0, 0x10, 0x02], "the CVR says that DDA was performed");
    assert_eq!(status(&mut card, &challenge), 0x6985, "not behind the first cryptogram");
}

#[test]
fn a_combined_signature_covers_the_whole_transaction() {
    let mut card = card();
    begin(&mut card);
    let (modulus, exponent) = card_key(&mut card);
    let options = &GPO[7..11];
    let (mut hashed, mut arqc, mut atc) = (options.to_vec(), [0; 8], 0);
    for (p1, list) in [(0x90, CDOL1), (0x50, CDOL2)] {
        let sent = terminal_data(list, b"00", &proof(atc, &arqc, b"00"));
        let answer = data(&mut card, &generate(p1, &sent));
        hashed.extend_from_slice(&sent);
        let signature = tag_of(&answer, tag::SIGNED_DYNAMIC_DATA);
        let framed = opened(&modulus, &exponent, &signature, 5, &TERMINAL_NUMBER);
        let dynamic = &framed[4..4 + usize::from(framed[3])];
        assert_eq!(dynamic.len(), 38);
        assert_eq!(find(&answer, tag::CRYPTOGRAM), Ok(None), "only the signature holds it");
        assert_eq!(dynamic[9..10], tag_of(&answer, tag::CRYPTOGRAM_INFORMATION));
        assert_eq!(dynamic[9], p1 & 0xC0);
        let plain: Vec<u8> = walk(&tag_of(&answer, tag::RESPONSE_FORMAT_2))
            .map(Result::unwrap)
            .filter(|object| object.tag != tag::SIGNED_DYNAMIC_DATA)
            .flat_map(|object| TlvBuilder::new().with(object.tag, object.value).build())
            .collect();
        assert_eq!(dynamic[18..], authentication::sha_1(&[&hashed[..], &plain].concat()).unwrap());
        let cvr = tag_of(&answer, tag::ISSUER_APPLICATION_DATA)[CVR_IN_ISSUER_DATA].try_into().unwrap();
        atc = 1;
        arqc.copy_from_slice(&dynamic[10..18]);
        assert_eq!(arqc, issuer_cryptogram(list, &sent, cvr, atc));
    }
}

#[test]
fn a_refusal_is_never_signed() {
    let mut card = card();
    begin(&mut card);
    let answer = data(&mut card, &generate(0x10, &first_data()));
    assert_eq!(tag_of(&answer, tag::CRYPTOGRAM_INFORMATION), [0x00]);
    assert_eq!(find(&answer, tag::SIGNED_DYNAMIC_DATA), Ok(None));
    assert_eq!(tag_of(&answer, tag::CRYPTOGRAM).len(), 8);
}

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
        assert!(mac::equal(&cryptogram, &issuer_cryptogram(CDOL2, &terminal_data(CDOL2, code, &given), cvr, atc)));
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
        let mut card = card_of(&CardProfile { offline_limit: limit, currency, ..profile() });
        begin(&mut card);
        assert_eq!(first(&mut card, 0x40).0, kind, "limit {limit}, currency {currency}");
        let second = status(&mut card, &generate(0x40, &terminal_data(CDOL2, b"Y3", &[])));
        assert_eq!(second, if kind == 0x80 { 0x9000 } else { 0x6985 });
    }
    // Unable to go online, within the limit: the card approves.
    let mut card = card_of(&CardProfile { offline_limit: 1234, ..profile() });
    begin(&mut card);
    first(&mut card, 0x80);
    assert_eq!(second(&mut card, 0x40, b"Y3", &[]).0, 0x40);
}

#[test]
fn a_card_may_decline_what_its_issuer_approved() {
    let mut card = card_of(&CardProfile { declines_after_approval: true, ..profile() });
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
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains(&profile().pan)));
}

#[test]
fn a_card_at_the_end_of_its_counter_works_no_more() {
    let mut memory = Memory::volatile();
    memory.keep(Counters { atc: u16::MAX - 1, ..Counters::default() }).unwrap();
    let mut card = SandboxCard::new(&profile(), keys(), memory).unwrap();
    data(&mut card, &select(AID, 0));
    assert_eq!(status(&mut card, GPO), 0x6985);
}

#[test]
fn a_card_that_cannot_write_says_so_and_gives_no_counter_away() {
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::open(directory.path().join("gone").join("card.toml")).unwrap();
    let mut card = SandboxCard::new(&profile(), keys(), memory).unwrap();
    data(&mut card, &select(AID, 0));
    assert_eq!(status(&mut card, GPO), 0x6581);
}
