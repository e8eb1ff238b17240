//! Commands as such: lengths, parameters, order, and bytes that are no commands at all.

use proptest::prelude::*;

use super::*;
use crate::sandbox::card::lists::list_length;
use crate::sandbox::card::profile::SHIPPED;

#[test]
fn commands_are_checked() {
    let (fresh, selected, begun) = (0, 1, 2);
    let mut cards = [card(), card(), card()];
    data(&mut cards[selected], &select(AID, 0));
    begin(&mut cards[begun]);
    for (name, card, command, expected) in [
        ("nothing", fresh, &[][..], 0x6700),
        ("half a header", fresh, &[0, 0xA4, 4], 0x6700),
        ("Lc too long", fresh, &[0, 0xA4, 4, 0, 9, 1], 0x6700),
        ("extended length", fresh, &[0, 0xA4, 4, 0, 0, 0, 5, 1, 2, 3, 4, 5], 0x6700),
        ("unknown class", fresh, &[0x90, 0xA4, 4, 0, 0], 0x6E00),
        ("class of another instruction", fresh, &[0x80, 0xA4, 4, 0, 0], 0x6E00),
        ("unknown instruction", fresh, &[0, 0x22, 0, 0x80, 0], 0x6D00),
        ("VERIFY of nothing", fresh, &[0, 0x20, 0, 0x80, 8, 0x24, 0x12, 0x34, 255, 255, 255, 255, 255], 0x6985),
        ("GET CHALLENGE of nothing", fresh, &[0, 0x84, 0, 0, 0], 0x6985),
        ("script command to nothing", fresh, &[0x84, 0x18, 0, 0], 0x6985),
        ("SELECT by file", fresh, &[0, 0xA4, 0, 0, 2, 0x3F, 0, 0], 0x6A86),
        ("SELECT previous", fresh, &[0, 0xA4, 4, 3, 5, 0xA0, 0, 0, 3, 0x33, 0], 0x6A86),
        ("SELECT of too little", fresh, &[0, 0xA4, 4, 0, 4, 0xA0, 0, 0, 3, 0], 0x6700),
        ("SELECT of a stranger", fresh, &[0, 0xA4, 4, 0, 5, 0xA0, 0, 0, 0, 3, 0], 0x6A82),
        ("READ RECORD of nothing", fresh, &[0, 0xB2, 1, 0x0C, 0], 0x6985),
        ("GET DATA of nothing", fresh, &[0x80, 0xCA, 0x9F, 0x36, 0], 0x6985),
        ("GPO of nothing", fresh, GPO, 0x6985),
        ("GET RESPONSE of nothing", fresh, &[0, 0xC0, 0, 0, 0], 0x6985),
        ("READ RECORD before GPO", selected, &[0, 0xB2, 1, 0x0C, 0], 0x6985),
        ("GENERATE AC before GPO", selected, &generate(0x80, &first_data()), 0x6985),
        ("DDA before GPO", selected, &[0, 0x88, 0, 0, 4, 1, 2, 3, 4, 0], 0x6985),
        ("GPO with a short PDOL", selected, &[0x80, 0xA8, 0, 0, 2, 0x83, 0, 0], 0x6700),
        ("GPO without template", selected, &[0x80, 0xA8, 0, 0, 2, 0x84, 0, 0], 0x6A80),
        ("GPO with P1", selected, &[0x80, 0xA8, 1, 0, 2, 0x83, 0, 0], 0x6A86),
        ("GPO twice", begun, GPO, 0x6985),
        ("EXTERNAL AUTHENTICATE, which the AIP does not announce", begun, &[0, 0x82, 0, 0, 1, 1], 0x6D00),
        ("EXTERNAL AUTHENTICATE with P1", begun, &[0, 0x82, 1, 0, 1, 1], 0x6A86),
        ("VERIFY of a PIN the card has not", begun, &[0, 0x20, 0, 0x80, 1, 1], 0x6A88),
        ("VERIFY with Le", begun, &[0, 0x20, 0, 0x80, 1, 1, 0], 0x6700),
        ("GET CHALLENGE with P2", begun, &[0, 0x84, 0, 1, 0], 0x6A86),
        ("script command before the ARQC", begun, &[0x84, 0x18, 0, 0], 0x6985),
        ("record 0", begun, &[0, 0xB2, 0, 0x0C, 0], 0x6A86),
        ("record by identifier", begun, &[0, 0xB2, 1, 0x08, 0], 0x6A81),
        ("no such file", begun, &[0, 0xB2, 1, 0x1C, 0], 0x6A82),
        ("no such record", begun, &[0, 0xB2, 3, 0x0C, 0], 0x6A83),
        ("READ RECORD with data", begun, &[0, 0xB2, 1, 0x0C, 1, 1, 0], 0x6700),
        ("GET DATA of something else", begun, &[0x80, 0xCA, 0x9F, 0x4F, 0], 0x6A88),
        ("wrong Le", begun, &[0x80, 0xCA, 0x9F, 0x36, 3], 0x6C05),
        ("right Le", begun, &[0x80, 0xCA, 0x9F, 0x36, 5], 0x9000),
        ("GENERATE AC of a reserved kind", begun, &generate(0xC0, &first_data()), 0x6A86),
        ("GENERATE AC with P2", begun, &[0x80, 0xAE, 0x80, 1, 1, 0, 0], 0x6A86),
        ("GENERATE AC with too little", begun, &generate(0x80, &[0; 28]), 0x6700),
        ("GENERATE AC after that still goes", begun, &generate(0x80, &first_data()), 0x9000),
        ("second GENERATE AC for an ARQC", begun, &generate(0x80, &[0; 41]), 0x6A86),
        ("second GENERATE AC with too little", begun, &generate(0x40, &[0; 40]), 0x6700),
        ("second GENERATE AC after that still goes", begun, &generate(0x40, &[0; 41]), 0x9000),
    ] {
        assert_eq!(status(&mut cards[card], command), expected, "{name}");
    }
    assert_eq!((list_length(CDOL1), list_length(&second_list())), (29, 41));
}

#[test]
fn an_application_is_found_by_the_beginning_of_its_name_and_only_once() {
    let mut card = card();
    let whole = data(&mut card, &select(AID, 0));
    assert_eq!(data(&mut card, &select(&AID[..5], 0)), whole);
    assert_eq!(status(&mut card, &select(&AID[..5], 2)), 0x6A82);
}

#[test]
fn a_t0_card_lets_its_answer_be_fetched() {
    let mut card = card();
    let whole = data(&mut card, &select(AID, 0));
    let without_le = &select(AID, 0)[..5 + AID.len()];
    assert_eq!(usize::from(status(&mut card, without_le)), 0x6100 + whole.len());
    assert_eq!(usize::from(status(&mut card, &[0, 0xC0, 0, 0, 0xFF])), 0x6C00 + whole.len());
    let start = card.transmit(&[0, 0xC0, 0, 0, 5]);
    assert_eq!(start[..5], whole[..5]);
    assert_eq!(usize::from(status_of(&start)), 0x6100 + whole.len() - 5);
    assert_eq!(data(&mut card, &[0, 0xC0, 0, 0, 0]), whole[5..]);
    assert_eq!(status(&mut card, &[0, 0xC0, 0, 0, 0]), 0x6985);
    // A T=1 card has no such thing: Le is missing.
    let mut card = shipped("t1");
    assert_eq!(status(&mut card, without_le), 0x6700);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// On any card any bytes, also those that begin like a command, get an answer with a status that ISO/IEC 7816-4
    /// knows.
    #[test]
    fn any_bytes_get_an_answer(
        commands in prop::collection::vec(
            (
                prop::sample::select(vec![0x00, 0x80, 0x84, 0x0C, 0xFF]),
                prop::sample::select(vec![0xA4, 0xB2, 0x88, 0xC0, 0xA8, 0xAE, 0xCA, 0x20, 0x82, 0x84, 0x1E]),
                prop::collection::vec(any::<u8>(), 0..60),
                any::<bool>(),
            ),
            1..8,
        ),
        raw in prop::collection::vec(any::<u8>(), 0..300),
        name in prop::sample::select(SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>()),
        start in 0..4_usize,
    ) {
        let mut card = shipped(name);
        let beginning = [select(AID, 0), GPO.to_vec(), generate(0x80, &first_data())];
        for command in &beginning[..start] {
            card.transmit(command);
        }
        let mut sent: Vec<Vec<u8>> = commands
            .into_iter()
            .map(|(class, instruction, rest, well_formed)| {
                if well_formed && rest.len() > 2 {
                    let (parameters, body) = rest.split_at(2);
                    [&[class, instruction], parameters, &[body.len() as u8], body, &[0]].concat()
                } else {
                    [&[class, instruction], &rest[..]].concat()
                }
            })
            .collect();
        sent.push(raw);
        for command in sent {
            let answer = card.transmit(&command);
            prop_assert!(answer.len() >= 2 && answer.len() <= 258);
            let first = answer[answer.len() - 2];
            let known = matches!(first, 0x61..=0x63 | 0x65 | 0x67 | 0x69 | 0x6A | 0x6C..=0x6E | 0x90);
            prop_assert!(known, "{first:02X}");
        }
    }
}
