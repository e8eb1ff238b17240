//! The kernel against anything a card may answer. What it does with cards that make sense is shown by `tests/emv/`.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::super::apdu::CardAnswer;
use super::super::pin::PinEntry;
use super::super::risk::Lookup;
use super::super::terminal::{TerminalData, TransactionKind};
use super::super::tlv::TlvBuilder;
use super::*;
use crate::pin::Pin;

#[path = "../../../tests/support/purchase.rs"]
mod purchase;

/// More commands than any transaction needs: every record and every SELECT NEXT there may be, and what stands around them.
const LONGEST: usize = 9 * 34 + 128 + 32 + 64;

fn kernel() -> Kernel {
    let mut terminal = TerminalData::shipped().unwrap();
    // Every method, so that every step can be reached.
    terminal.capabilities = [0x20, 0xF8, 0xC8];
    terminal.terminal_type = 0x22;
    Kernel::new(terminal, &TransactionData { random_number: Some(50), ..purchase::purchase() })
}

/// Runs to the end; the card's answers come in order and then stop being any. Gives the outcome and the commands sent.
fn run(answers: impl IntoIterator<Item = Vec<u8>>) -> (Outcome, usize) {
    let (mut kernel, mut answers) = (kernel(), answers.into_iter());
    let (mut event, mut sent, mut online) = (Event::Start, 0, false);
    loop {
        event = match kernel.step(event) {
            Step::Send(_) => {
                sent += 1;
                assert!(sent <= LONGEST, "the kernel does not come to an end");
                Event::Answer(CardAnswer::new(answers.next().unwrap_or_else(|| vec![0x6F, 0x00])))
            }
            Step::Choose(_) => Event::Chosen(Some(0)),
            Step::Confirm(_) => Event::Confirmed(true),
            Step::AskPin(_) => {
                let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
                Event::Pin(PinEntry::Entered { pin, random: Zeroizing::new(vec![0; 256]) })
            }
            Step::LookUp => Event::LookedUp(Lookup::default()),
            Step::GoOnline => {
                assert!(!online, "the issuer is asked once");
                online = true;
                let issuer_data = TlvBuilder::new().with(tag::SCRIPT_2, &[0x86, 0x04, 0x84, 0x24, 0x00, 0x00]).build();
                Event::Online(OnlineResult::Approved { response_code: *b"00", issuer_data })
            }
            Step::CallIssuer => Event::Referred(true),
            Step::Decided(_) => Event::Noted,
            Step::Done(outcome) => return (outcome, sent),
        };
    }
}

/// The answers of the scripts, which make sense, as a ground for answers that do not.
fn scripted(script: &str) -> Vec<Vec<u8>> {
    script
        .lines()
        .filter_map(|line| line.strip_prefix("< "))
        .map(|line| crate::crypto::hex::decode(line).unwrap())
        .collect()
}

const SCRIPTS: [&str; 4] = [
    include_str!("../../../tests/emv/cda.txt"),
    include_str!("../../../tests/emv/dda.txt"),
    include_str!("../../../tests/emv/pin-plaintext.txt"),
    include_str!("../../../tests/emv/select-next.txt"),
];

#[test]
fn a_card_that_answers_the_same_for_ever_comes_to_an_end() {
    let applications = "6F0E8408A000000333010101A5028700";
    for answer in ["9000", "6283", "6985", "63C3", "6A82", "6A83", &format!("{applications}9000"), "70009000"] {
        let answer = crate::crypto::hex::decode(answer).unwrap();
        let (outcome, _) = run(std::iter::repeat(answer.clone()));
        assert!(matches!(outcome, Outcome::Terminated(_)), "{answer:02X?}: {outcome:?}");
    }
}

#[test]
fn a_card_that_leaves_before_its_last_word_has_approved_nothing() {
    for script in SCRIPTS {
        let answers = scripted(script);
        for count in 0..answers.len() - 1 {
            let (outcome, _) = run(answers[..count].iter().cloned());
            assert_ne!(outcome, Outcome::Approved, "after {count} answers");
        }
    }
}

/// What a log could say of a kernel and its events, at every step.
#[test]
fn nothing_of_the_card_or_the_pin_is_ever_shown() {
    let secrets = ["6228480000000001230", "31, 32, 33, 34", "36, 18, 52", "98, 40, 72", "241234"];
    for script in SCRIPTS {
        let (mut kernel, mut answers) = (kernel(), scripted(script).into_iter());
        let mut event = Event::Start;
        loop {
            let said = format!("{event:?}");
            let step = kernel.step(event);
            let said = format!("{said} {step:?} {kernel:?}");
            for secret in secrets {
                assert!(!said.contains(secret), "{secret} in {said}");
            }
            event = match step {
                Step::Send(_) => Event::Answer(CardAnswer::new(answers.next().unwrap_or_else(|| vec![0x6F, 0x00]))),
                Step::Choose(_) => Event::Chosen(Some(0)),
                Step::AskPin(_) => {
                    let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
                    Event::Pin(PinEntry::Entered { pin, random: Zeroizing::new(vec![0; 256]) })
                }
                Step::LookUp => Event::LookedUp(Lookup::default()),
                Step::GoOnline => Event::Online(OnlineResult::UnableToGoOnline),
                Step::Confirm(_) | Step::CallIssuer | Step::Decided(_) | Step::Done(_) => break,
            };
        }
    }
}

#[test]
fn events_out_of_turn_end_the_transaction() {
    for event in [Event::Noted, Event::Chosen(None), Event::Confirmed(true), Event::Referred(true)] {
        let step = kernel().step(event);
        assert!(matches!(step, Step::Done(Outcome::Terminated(Termination::OutOfTurn))), "{step:?}");
    }
}

proptest! {
    #[test]
    fn any_answers_come_to_an_end(
        answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40),
        good in any::<bool>(),
    ) {
        let status: &[u8] = if good { &[0x90, 0x00] } else { &[] };
        run(answers.into_iter().map(|answer| [&answer, status].concat()));
    }

    #[test]
    fn a_spoilt_byte_comes_to_an_end(script in 0..SCRIPTS.len(), answer in any::<prop::sample::Index>(),
                                     byte in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut answers = scripted(SCRIPTS[script]);
        let answer = answer.index(answers.len());
        let answer = &mut answers[answer];
        let byte = byte.index(answer.len());
        answer[byte] = value;
        run(answers);
    }
}
