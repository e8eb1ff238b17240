//! How applications are found: by the directory, by name, by the beginning of a name, and when they are blocked.

use super::*;
use crate::sandbox::card::directory::PSE;

#[test]
fn the_directory_names_every_application_with_its_priority() {
    let mut card = shipped("multi-application");
    data(&mut card, &select(PSE, 0));
    let entry = |card: &mut SandboxCard, number| {
        let record = data(card, &[0, 0xB2, number, 0x0C, 0]);
        (tag_of(&record, tag::AID), tag_of(&record, tag::PRIORITY), tag_of(&record, tag::PREFERRED_NAME))
    };
    let (debit, priority, name) = entry(&mut card, 1);
    assert_eq!((&debit[..], &priority[..], &name[..]), (AID, &[0x82][..], &b"D\xE9bit"[..]), "with consent, second");
    let (credit, priority, _) = entry(&mut card, 2);
    assert_eq!((credit.last(), &priority[..]), (Some(&2), &[0x01][..]), "first, without asking");
    assert_eq!(status(&mut card, &[0, 0xB2, 3, 0x0C, 0]), 0x6A83);
    let information = data(&mut card, &select(AID, 0));
    assert_eq!(tag_of(&information, tag::PRIORITY), [0x82]);
    assert_eq!(tag_of(&information, tag::CODE_TABLE_INDEX), [1]);
}

#[test]
fn applications_of_one_card_count_for_themselves() {
    let profile = CardProfile::shipped("multi-application").unwrap();
    let mut card = shipped("multi-application");
    let aids = profile.applications.iter().map(|application| hex::decode(&application.aid).unwrap());
    for (aid, expected) in aids.cycle().take(3).zip([1, 1, 2]) {
        data(&mut card, &select(&aid, 0));
        data(&mut card, GPO);
        assert_eq!(data(&mut card, &[0x80, 0xCA, 0x9F, 0x36, 0])[4], expected);
    }
}

/// A card without a directory: the terminal's name is the beginning of two (Book 1, 12.3.3).
#[test]
fn select_next_goes_through_the_applications_of_one_beginning() {
    let mut card = shipped("no-directory");
    assert_eq!(status(&mut card, &select(PSE, 0)), 0x6A82);
    for (occurrence, last) in [(0, 1), (2, 2)] {
        let information = data(&mut card, &select(AID, occurrence));
        assert_eq!(tag_of(&information, tag::DF_NAME), [AID, &[last]].concat());
    }
    assert_eq!(status(&mut card, &select(AID, 2)), 0x6A82, "there is no third");
    let whole = [AID, &[2]].concat();
    assert_eq!(tag_of(&data(&mut card, &select(&whole, 0)), tag::DF_NAME), whole, "named in full");
    assert_eq!(tag_of(&data(&mut card, &select(AID, 0)), tag::DF_NAME), [AID, &[1]].concat(), "from the beginning");
}

#[test]
fn a_blocked_application_warns_and_declines() {
    let mut card = shipped("blocked-application");
    let answer = card.transmit(&select(AID, 0));
    assert_eq!(status_of(&answer), 0x6283);
    assert_eq!(tag_of(&answer[..answer.len() - 2], tag::DF_NAME), AID, "the warning comes with the information");
    for asked in [0x80, 0x40, 0x00] {
        card.transmit(&select(AID, 0));
        data(&mut card, GPO);
        assert_eq!(first(&mut card, asked).0, 0x00, "whatever is asked for");
    }
}

/// T=0: the warning first, then the information by GET RESPONSE (Book 1, 9.3.1).
#[test]
fn a_blocked_application_keeps_its_information_for_get_response() {
    let mut card = shipped("blocked-application");
    assert_eq!(card.transmit(&select(AID, 0)[..5 + AID.len()]), [0x62, 0x83]);
    let length = match status(&mut card, &[0, 0xC0, 0, 0, 0xFF]) {
        status @ 0x6C01..=0x6CFF => status as u8,
        other => panic!("{other:04X}"),
    };
    assert_eq!(tag_of(&data(&mut card, &[0, 0xC0, 0, 0, length]), tag::DF_NAME), AID);
}

#[test]
fn a_blocked_card_lets_nothing_be_selected() {
    let mut card = shipped("blocked-card");
    for name in [PSE, AID, &AID[..5]] {
        assert_eq!(status(&mut card, &select(name, 0)), 0x6A81);
    }
    assert_eq!(status(&mut card, GPO), 0x6985);
}
