//! Every shipped card, played through as a terminal plays it, also pulled out and silent at every command; and profiles
//! that make no card.

use super::*;
use crate::sandbox::card::fault::{Faults, FaultyCard, Reaction};
use crate::sandbox::card::profile::SHIPPED;
use crate::sandbox::issuer::{Cryptogram, Verified};

/// How a visit of a card ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The card gave this as its last word.
    Word(Cryptogram),
    /// SELECT was refused.
    Refused(u16),
    /// The card left or fell silent.
    Gone,
}

/// What carries a command to a card and its answer back, as long as there is one.
type Wire<'a> = dyn FnMut(&[u8]) -> Option<Vec<u8>> + 'a;

/// Plays an application from SELECT to its last word; the terminal wants `wanted` first and an approval in the end, and
/// goes online when the card wants to. Issuer and card must agree at every cryptogram.
fn play(send: &mut Wire<'_>, application: &ApplicationProfile, wanted: Cryptogram) -> End {
    match last_word(send, application, wanted) {
        Ok(word) => End::Word(word),
        Err(end) => end,
    }
}

fn last_word(send: &mut Wire<'_>, application: &ApplicationProfile, wanted: Cryptogram) -> Result<Cryptogram, End> {
    let mut told = |command: &[u8], statuses: &[u16]| {
        let answer = send(command).ok_or(End::Gone)?;
        let status = status_of(&answer);
        if statuses.contains(&status) { Ok(answer[..answer.len() - 2].to_vec()) } else { Err(End::Refused(status)) }
    };
    told(&select(&hex::decode(&application.aid).unwrap(), 0), &[0x9000, 0x6283])?;
    let mut said = |command: &[u8]| told(command, &[0x9000]);
    let options = said(if application.pdol { GPO } else { &[0x80, 0xA8, 0, 0, 2, 0x83, 0, 0] })?;
    let (aip, afl) = match find(&options, tag::RESPONSE_FORMAT_1).unwrap() {
        Some(value) => (value[..2].to_vec(), value[2..].to_vec()),
        None => (tag_of(&options, tag::AIP), tag_of(&options, tag::AFL)),
    };
    for entry in afl.chunks(4) {
        for number in entry[1]..=entry[2] {
            tag_of(&said(&[0, 0xB2, number, entry[0] | 4, 0])?, tag::RECORD_TEMPLATE);
        }
    }
    let first_sent = terminal_data(CDOL1, b"\0\0", &[]);
    let first = said(&generate(wanted as u8, &first_sent))?;
    let verified = verify(application, kind_of(&first), &chip_data(&first, &aip, CDOL1, &first_sent));
    if kind_of(&first) != Cryptogram::Arqc {
        return Ok(kind_of(&first));
    }
    let proof = verified.issuer_authentication_data(*b"00").unwrap();
    if application.issuer_authentication == IssuerAuthentication::Command {
        said(&[&[0, 0x82, 0, 0, proof.len() as u8], &proof[..]].concat())?;
    }
    let list = cdol2(application.issuer_authentication, application.issuer.response_method);
    let second_sent = terminal_data(&list, b"00", &proof);
    let second = said(&generate(0x40, &second_sent))?;
    verify(application, kind_of(&second), &chip_data(&second, &aip, &list, &second_sent));
    Ok(kind_of(&second))
}

/// A cryptogram's answer, one value behind the other: information, counter, cryptogram, issuer data.
fn values(answer: &[u8]) -> [Vec<u8>; 4] {
    match find(answer, tag::RESPONSE_FORMAT_1).unwrap() {
        Some(value) => [&value[..1], &value[1..3], &value[3..11], &value[11..]].map(<[u8]>::to_vec),
        None => [tag::CRYPTOGRAM_INFORMATION, tag::ATC, tag::CRYPTOGRAM, tag::ISSUER_APPLICATION_DATA]
            .map(|tag| tag_of(answer, tag)),
    }
}

fn kind_of(answer: &[u8]) -> Cryptogram {
    let information = values(answer)[0][0];
    [Cryptogram::Aac, Cryptogram::Tc, Cryptogram::Arqc].into_iter().find(|kind| *kind as u8 == information).unwrap()
}

/// Field 55 as a terminal puts it together.
fn chip_data(answer: &[u8], aip: &[u8], list: &DataObjectList, sent: &[u8]) -> Vec<u8> {
    let [information, atc, cryptogram, issuer_data] = values(answer);
    let data = TlvBuilder::new()
        .with(tag::CRYPTOGRAM_INFORMATION, &information)
        .with(tag::ATC, &atc)
        .with(tag::CRYPTOGRAM, &cryptogram)
        .with(tag::ISSUER_APPLICATION_DATA, &issuer_data)
        .with(tag::AIP, aip);
    list.iter().fold(data, |data, (tag, _)| data.with(*tag, value_of(list, sent, *tag).unwrap())).build()
}

#[track_caller]
fn verify(application: &ApplicationProfile, kind: Cryptogram, chip_data: &[u8]) -> Verified {
    application.issuer().unwrap().verify(kind, chip_data).unwrap_or_else(|error| panic!("{}: {error}", application.aid))
}

#[test]
fn every_shipped_card_agrees_with_its_issuer() {
    for (name, _) in SHIPPED {
        let profile = CardProfile::shipped(name).unwrap();
        let mut card = shipped(name);
        for application in &profile.applications {
            let expected = match *name {
                "blocked-card" => End::Refused(0x6A81),
                "blocked-application" | "declines-after-approval" => End::Word(Cryptogram::Aac),
                _ => End::Word(Cryptogram::Tc),
            };
            for asked in [Cryptogram::Arqc, Cryptogram::Tc] {
                let end = play(&mut |command| Some(card.transmit(command)), application, asked);
                assert_eq!(end, expected, "{name}, {}, asked for {asked}", application.label);
            }
            let end = play(&mut |command| Some(card.transmit(command)), application, Cryptogram::Aac);
            assert!(matches!(end, End::Word(Cryptogram::Aac) | End::Refused(0x6A81)), "{name}: {end:?}");
        }
    }
}

#[test]
fn the_offline_card_approves_offline_until_its_limits() {
    let profile = CardProfile::shipped("offline").unwrap();
    let mut card = shipped("offline");
    let mut sent = 0;
    let mut commands = Vec::new();
    for _ in 0..4 {
        let end = play(
            &mut |command| {
                sent += 1;
                Some(card.transmit(command))
            },
            &profile.applications[0],
            Cryptogram::Tc,
        );
        assert_eq!(end, End::Word(Cryptogram::Tc));
        commands.push(std::mem::take(&mut sent));
    }
    assert!(commands[0] == commands[1] && commands[1] == commands[2], "{commands:?}");
    assert_eq!(commands[3], commands[0] + 1, "the fourth asks its issuer");
}

#[test]
fn every_shipped_card_can_be_pulled_out_or_fall_silent_at_every_command() {
    for (name, _) in SHIPPED {
        let profile = CardProfile::shipped(name).unwrap();
        let application = &profile.applications[0];
        let mut whole = 0;
        let mut card = shipped(name);
        let undisturbed = play(
            &mut |command| {
                whole += 1;
                Some(card.transmit(command))
            },
            application,
            Cryptogram::Arqc,
        );
        for at in 1..=whole {
            for (faults, expected) in [
                (Faults { tear: Some(at), mute: None }, Reaction::Torn),
                (Faults { tear: None, mute: Some(at) }, Reaction::Silence),
            ] {
                let mut card = FaultyCard::new(shipped(name), faults);
                let mut reaction = None;
                let mut send = |command: &[u8]| match card.transmit(command) {
                    Reaction::Answer(answer) => Some(answer),
                    other => {
                        reaction = Some(other);
                        None
                    }
                };
                assert_eq!(play(&mut send, application, Cryptogram::Arqc), End::Gone, "{name} at {at}");
                assert_eq!(reaction, Some(expected), "{name} at {at}");
                card.power_on();
                let mut send = |command: &[u8]| match card.transmit(command) {
                    Reaction::Answer(answer) => Some(answer),
                    other => panic!("{name}: {other:?} a second time"),
                };
                assert_eq!(play(&mut send, application, Cryptogram::Arqc), undisturbed, "{name} after {at}");
            }
        }
    }
}

#[test]
fn every_record_fits_a_short_answer() {
    for (name, _) in SHIPPED {
        for application in &shipped(name).applications {
            for (file, number, content) in &application.image.records {
                assert!(content.len() <= 254, "{name}: record {number} of file {file} has {} bytes", content.len());
            }
        }
    }
}

#[test]
fn a_card_without_a_pdol_wants_none() {
    let mut card = shipped("format-1");
    let information = data(&mut card, &select(AID, 0));
    assert_eq!(find(&information, tag::PDOL), Ok(None));
    assert_eq!(status(&mut card, GPO), 0x6700);
    assert_eq!(data(&mut card, &[0x80, 0xA8, 0, 0, 2, 0x83, 0, 0])[..4], [0x80, 10, 0x38, 0]);
}

#[test]
fn a_profile_that_makes_no_card_names_the_key() {
    type Change = fn(&mut ApplicationProfile);
    let changes: [(&str, Change); 18] = [
        ("aid", |p| p.aid = "A000".into()),
        ("priority", |p| p.priority = 16),
        ("pan", |p| p.pan = "62284800000000012301234".into()),
        ("pan", |p| p.pan = "6228".into()),
        ("pan", |p| p.pan = "62284800000000é1230".into()),
        ("expiry", |p| p.expiry = "3013".into()),
        ("effective", |p| p.effective = "2001".into()),
        ("service_code", |p| p.service_code = "2".into()),
        ("cardholder", |p| p.cardholder = "A NAME MUCH TOO LONG FOR IT".into()),
        ("country", |p| p.country = 10_000),
        ("currency", |p| p.currency = 10_000),
        ("iac", |p| p.iac[1] = "00".into()),
        ("cvm_list", |p| p.cvm_list = "00000000000000001F".into()),
        ("pin", |p| p.cvm_list = "00000000000000000103".into()),
        ("pin_key", |p| {
            p.cvm_list = "00000000000000000403".into();
            p.authentication = crate::sandbox::card::profile::Authentication::Sda;
        }),
        ("pin_tries", |p| p.pin_tries = 0),
        ("pin_tries_left", |p| p.pin_tries_left = Some(4)),
        ("issuer.master_key", |p| p.issuer.master_key = "00".into()),
    ];
    for (key, change) in changes {
        let mut application = debit();
        change(&mut application);
        let profile = CardProfile { applications: vec![application], ..profile() };
        let error = try_card_of(&profile).unwrap_err().to_string();
        assert!(error.contains(&format!("key {key}:")), "{key}: {error}");
    }
    let mut aes = debit();
    aes.issuer.algorithm = crate::crypto::emv::Algorithm::Aes;
    for (key, profile) in [
        ("issuer.response_method", CardProfile { applications: vec![aes], ..profile() }),
        ("atr", CardProfile { atr: "3B".into(), ..profile() }),
        ("application", CardProfile { applications: vec![], ..profile() }),
        ("aid", CardProfile { applications: vec![debit(), debit()], ..profile() }),
    ] {
        let error = try_card_of(&profile).unwrap_err().to_string();
        assert!(error.contains(&format!("key {key}:")), "{key}: {error}");
    }
}
