//! Every shipped card of the sandbox meets the kernel, in process: real keys, real cryptograms, a terminal with PIN pad and
//! offline capability, and an issuer who approves what its card signed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::path::Path;

use yima::crypto::hex;
use yima::emv::apdu::CardAnswer;
use yima::emv::ca_keys::CaKeys;
use yima::emv::kernel::{Event, Kernel, OnlineResult, Outcome, Step, TransactionData};
use yima::emv::oda::Method;
use yima::emv::pin::{PinEntry, PinKind};
use yima::emv::risk::Lookup;
use yima::emv::tag;
use yima::emv::terminal::{TerminalData, TransactionKind};
use yima::emv::tlv::TlvBuilder;
use yima::pin::Pin;
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::profile::{CardProfile, SHIPPED};
use yima::sandbox::issuer::Cryptogram;
use zeroize::Zeroizing;

#[path = "support/purchase.rs"]
mod purchase;

/// A terminal with everything, and with a floor limit of 100.00.
fn terminal(keys: &Path) -> TerminalData {
    let own = CaKeys::parse(&std::fs::read_to_string(keys.join("capk.toml")).unwrap()).unwrap();
    let mut terminal = TerminalData::shipped().unwrap().with_ca_keys(own);
    terminal.capabilities = [0x20, 0xF8, 0xC8];
    terminal.terminal_type = 0x22;
    for application in &mut terminal.applications {
        application.floor_limit = 10_000;
    }
    terminal
}

/// What is seen of a transaction: outcome, authentication, 9F34, TVR; or why it ended.
fn meet(name: &str, keys: &Path) -> String {
    let profile = CardProfile::shipped(name).unwrap();
    let mut card = SandboxCard::open(&profile, keys).unwrap();
    card.power_on();
    let mut kernel = Kernel::new(terminal(keys), &purchase::purchase());
    let mut event = Event::Start;
    for _ in 0..500 {
        event = match kernel.step(event) {
            Step::Send(command) => {
                let protocol = card.protocol();
                let answer = yima::devices::reader::transport::exchange(protocol, command.bytes(), |bytes| {
                    Ok(card.transmit(bytes))
                });
                Event::Answer(CardAnswer::new(answer.unwrap()))
            }
            Step::Choose(_) => Event::Chosen(Some(0)),
            Step::Confirm(_) => Event::Confirmed(true),
            Step::AskPin(request) if request.kind == PinKind::Online => Event::Pin(PinEntry::Captured),
            Step::AskPin(_) => {
                let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
                Event::Pin(PinEntry::Entered { pin, random: Zeroizing::new(vec![0x5A; 256]) })
            }
            Step::LookUp => Event::LookedUp(Lookup::default()),
            Step::GoOnline => Event::Online(approval(&profile, &kernel)),
            Step::CallIssuer => Event::Referred(true),
            Step::Decided(_) => Event::Noted,
            Step::Done(Outcome::Terminated(termination)) => return termination.to_string(),
            Step::Done(outcome) => return seen(&kernel, &outcome),
        };
    }
    panic!("{name} does not come to an end");
}

/// The issuer looks at the ARQC and answers with a proof of its own.
fn approval(profile: &CardProfile, kernel: &Kernel) -> OnlineResult {
    let terminal = TerminalData::shipped().unwrap();
    let chip_data = kernel.data().collect(&terminal.host_data);
    let name = hex::encode(kernel.data().get(tag::DF_NAME).unwrap());
    let application = profile.applications.iter().find(|application| application.aid == name).unwrap();
    let verified = application.issuer().unwrap().verify(Cryptogram::Arqc, &chip_data).unwrap();
    let proof = verified.issuer_authentication_data(*b"00").unwrap();
    let issuer_data = TlvBuilder::new().with(tag::ISSUER_AUTHENTICATION_DATA, &proof).build();
    OnlineResult::Approved { response_code: *b"00", issuer_data }
}

fn seen(kernel: &Kernel, outcome: &Outcome) -> String {
    let authentication = kernel.authentication().map_or("none".to_owned(), |authentication| {
        let method = match authentication.method {
            Method::Static => "SDA",
            Method::Dynamic => "DDA",
            Method::Combined => "CDA",
        };
        let result = match &authentication.result {
            None => "not performed".to_owned(),
            Some(Ok(())) => "right".to_owned(),
            Some(Err(failure)) => failure.to_string(),
        };
        format!("{method} {result}")
    });
    let code = kernel.data().get(tag::AUTHORISATION_RESPONSE_CODE).unwrap_or_default().escape_ascii().to_string();
    let cvm = hex::encode(kernel.data().get(tag::CVM_RESULTS).unwrap());
    format!("{} {code}, {authentication}, {cvm}, {}", outcome.word(), hex::encode(&kernel.tvr().0))
}

#[test]
fn every_shipped_card_ends_as_its_profile_says() {
    let keys = tempfile::tempdir().unwrap();
    // The issuer approves whatever its card signed; what speaks against a card is in the TVR, for real issuers to weigh.
    let expected = [
        ("unionpay-debit", "approved 00, CDA right, 1F0302, 0000000000"),
        ("unionpay-credit", "approved 00, DDA right, 1E0300, 0000000000"),
        ("multi-application", "approved 00, CDA right, 1F0302, 0000000000"),
        ("no-directory", "approved 00, CDA right, 1F0302, 0000000000"),
        ("sda", "approved 00, SDA right, 1F0302, 0200000000"),
        ("dda", "approved 00, DDA right, 1F0302, 0000000000"),
        ("no-authentication", "approved 00, none, 1F0302, 8000000000"),
        ("cvm-none", "approved 00, CDA right, 1F0002, 0000000000"),
        ("cvm-signature", "approved 00, CDA right, 1E0000, 0000000000"),
        ("cvm-plaintext-pin", "approved 00, CDA right, 010302, 0000000000"),
        ("cvm-enciphered-pin", "approved 00, CDA right, 040302, 0000000000"),
        ("cvm-enciphered-pin-key", "approved 00, SDA right, 040302, 0200000000"),
        ("cvm-online-pin", "approved 00, CDA right, 020000, 0000040000"),
        ("cvm-combined", "approved 00, CDA right, 050300, 0000000000"),
        ("cvm-fail", "approved 00, CDA right, 000001, 0000800000"),
        ("cvm-amounts", "approved 00, CDA right, 1F0602, 0000000000"),
        ("pin-blocked", "approved 00, CDA right, 1E0000, 0000200000"),
        ("offline", "approved Y1, CDA right, 1F0002, 0000000000"),
        ("velocity", "approved Y1, CDA right, 1F0002, 0008000000"),
        ("declines-after-approval", "declined 00, CDA right, 1F0302, 0000000000"),
        ("blocked-application", "the application is blocked"),
        ("blocked-card", "the card is blocked"),
        ("expired", "approved 00, CDA the card's certificate (9F46) was good until 01/20, 1F0302, 0440000000"),
        ("format-1", "approved 00, DDA right, 1F0302, 0000000000"),
        ("external-authenticate", "approved 00, CDA right, 1F0302, 0000000000"),
        ("t1", "approved 00, CDA right, 1F0302, 0000000000"),
        ("aes", "approved 00, CDA right, 1F0302, 0000000000"),
        ("low-balance", "approved 00, CDA right, 1F0302, 0000000000"),
    ];
    let mut wrong = Vec::new();
    for (name, _) in SHIPPED {
        let found = meet(name, keys.path());
        match expected.iter().find(|(known, _)| known == name) {
            Some((_, end)) if *end == found => {}
            other => wrong.push(format!("(\"{name}\", \"{found}\"), not {:?}", other.map(|(_, end)| end))),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
