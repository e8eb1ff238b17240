//! Cards played by hand-made commands, checked from the terminal's and from the issuer's side with nothing but the
//! keys.

mod commands;
mod cryptograms;
mod pins;
mod profiles;
mod scripts;
mod selection;
mod signatures;

use std::sync::OnceLock;

use super::keys::CardKeys;
use super::lists::{CDOL1, DataObjectList, cdol2, value_of};
use super::memory::{Counters, Memory};
use super::profile::{ApplicationProfile, CardProfile, IssuerAuthentication};
use super::*;
use crate::crypto::emv::SessionKey;
use crate::crypto::{mac, rsa};
use crate::emv::tag::{self, Tag};
use crate::emv::tlv::{TlvBuilder, find, walk};
use crate::sandbox::issuer::{CVR_IN_ISSUER_DATA, CryptogramInput, ResponseMethod};

const AID: &[u8] = &[0xA0, 0, 0, 3, 0x33, 1, 1, 1];
const GPO: &[u8] = &[0x80, 0xA8, 0, 0, 6, 0x83, 4, 0x01, 0x56, 0x01, 0x56, 0];
const TERMINAL_NUMBER: [u8; 4] = [0xDE, 0xAD, 0xBE, 0xEF];
/// Application interchange profile of the shipped debit card.
const AIP: [u8; 2] = [0x39, 0];
/// Its application file locator.
const AFL: [u8; 8] = [0x08, 1, 2, 1, 0x10, 1, 2, 0];

fn keys() -> &'static CardKeys {
    static KEYS: OnceLock<CardKeys> = OnceLock::new();
    KEYS.get_or_init(|| CardKeys::generate().unwrap())
}

/// The shipped debit card.
pub fn profile() -> CardProfile {
    CardProfile::shipped("unionpay-debit").unwrap()
}

/// Its only application.
fn debit() -> ApplicationProfile {
    profile().applications.remove(0)
}

fn try_card_of(profile: &CardProfile) -> Result<SandboxCard, CardError> {
    let mut card = SandboxCard::new(profile, keys(), |_| Ok(Memory::volatile()))?;
    card.power_on();
    Ok(card)
}

fn shipped(name: &str) -> SandboxCard {
    try_card_of(&CardProfile::shipped(name).unwrap()).unwrap()
}

/// The shipped debit card with another application on it.
fn card_with(application: ApplicationProfile) -> SandboxCard {
    try_card_of(&CardProfile { applications: vec![application], ..profile() }).unwrap()
}

/// The shipped debit card, powered, new.
pub fn card() -> SandboxCard {
    card_with(debit())
}

/// What the second GENERATE AC of the shipped debit card must bring.
fn second_list() -> Vec<(Tag, u8)> {
    cdol2(IssuerAuthentication::SecondCryptogram, ResponseMethod::One)
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
fn terminal_data(list: &DataObjectList, code: &[u8; 2], proof: &[u8]) -> Vec<u8> {
    list.iter()
        .flat_map(|(tag, length)| match *tag {
            tag::AMOUNT_AUTHORISED => vec![0, 0, 0, 0, 0x12, 0x34],
            tag::TERMINAL_COUNTRY | tag::TRANSACTION_CURRENCY => vec![0x01, 0x56],
            tag::TRANSACTION_DATE => vec![0x26, 0x11, 0x22],
            tag::UNPREDICTABLE_NUMBER => TERMINAL_NUMBER.to_vec(),
            tag::TVR => vec![0, 0, 0, 0x80, 0],
            tag::AUTHORISATION_RESPONSE_CODE => code.to_vec(),
            tag::ISSUER_AUTHENTICATION_DATA => {
                let filling = std::iter::repeat(&0);
                proof.iter().chain(filling).take(usize::from(*length)).copied().collect()
            }
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
    read_cryptogram(&data(card, &generate(p1, &terminal_data(&second_list(), code, proof))))
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
fn issuer_session(application: &ApplicationProfile, atc: u16) -> SessionKey {
    let key = application.issuer_key().unwrap();
    key.card_master_key(&application.pan, application.sequence_number).unwrap().session_key(atc).unwrap()
}

fn issuer_cryptogram(list: &DataObjectList, data: &[u8], cvr: [u8; 4], atc: u16) -> [u8; 8] {
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
    issuer_session(&debit(), atc).application_cryptogram(&input.bytes()).unwrap()
}

/// Issuer authentication data, method 1.
fn proof(atc: u16, arqc: &[u8; 8], code: &[u8; 2]) -> Vec<u8> {
    [&issuer_session(&debit(), atc).response_cryptogram_1(*arqc, *code).unwrap()[..], code].concat()
}

/// Reads all records as the locator of the selected application says, and gives them with the authenticated bytes among
/// them.
fn records_of(card: &mut SandboxCard) -> (Vec<u8>, Vec<u8>) {
    let (mut all, mut authenticated) = (Vec::new(), Vec::new());
    let afl = card.application().unwrap().image.afl.clone();
    for entry in afl.chunks(4) {
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
    let (all, _) = records_of(&mut card);
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
    assert_eq!(tc, issuer_cryptogram(&second_list(), &terminal_data(&second_list(), b"00", &answer), cvr, atc));
    assert_eq!(status(&mut card, &generate(0x40, &terminal_data(&second_list(), b"00", &answer))), 0x6985);
    // The next one is no new card any more.
    begin(&mut card);
    assert_eq!(first(&mut card, 0x80).2, [3, 0xA0, 0, 0]);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x36, 0]), [0x9F, 0x36, 2, 0, 2]);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x13, 0]), [0x9F, 0x13, 2, 0, 1]);
    assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x17, 0]), [0x9F, 0x17, 1, 3]);
}
