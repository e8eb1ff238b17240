//! Cards without their chip, from outside: the program with a reader of stripes on a pty, a card in a virtual reader, the sandbox host over
//! HTTPS and a printer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "../support/mod.rs"]
mod support;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{ChildStdin, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::counter::Counter;
use support::running::Running;
use support::secrets::{contains, files_in};
use support::wait_until;
use yima::sandbox::host::store::EntryState;
use yima::sandbox::stripe::StripeCard;

/// What the accounts hold at first, in minor units.
const FULL: u64 = 1_000_000;

const LIMIT: Duration = Duration::from_secs(60);

/// What the terminal says, in Chinese, when a card may be swiped.
const ASKS: &str = "请插卡或刷卡";

/// A counter with a reader of stripes.
struct Desk {
    counter: Counter,
    /// Names of cards go in here.
    cards: ChildStdin,
    _reader: Running,
}

impl Desk {
    /// With these settings in the section of the reader.
    fn open(settings: &str) -> Self {
        let counter = Counter::open_for_business();
        let device = counter.state().join("stripe");
        counter.set(&format!("[stripe]\ndevice = \"{}\"\n{settings}", device.display()));
        let mut command = counter.yima(&["sandbox", "stripe"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut reader = Running::start("sandbox stripe reader", &mut command);
        let cards = reader.child().stdin.take().unwrap();
        wait_until("the stripe reader is there", LIMIT, || device.is_symlink());
        Self { counter, cards, _reader: reader }
    }

    /// Begins a command that wants a card, with what is typed at it.
    fn begin(&self, arguments: &[&str], typed: &str) -> Sale {
        let folder = self.counter.shop.folder();
        let (result, said, keys) = (folder.join("sale.json"), folder.join("sale.log"), folder.join("keys"));
        std::fs::write(&keys, typed).unwrap();
        let mut command = self.counter.yima(arguments);
        command.arg("--json").env("YIMA_LOG", "info");
        command.stdin(File::open(&keys).unwrap());
        command.stdout(File::create(&result).unwrap()).stderr(File::create(&said).unwrap());
        let running = Running::start("yima with a stripe", &mut command);
        std::fs::remove_file(keys).unwrap();
        Sale { running, result, said }
    }

    fn swipe(&mut self, card: &str) {
        writeln!(self.cards, "{card}").unwrap();
        self.cards.flush().unwrap();
    }

    /// A whole sale with this card's stripe.
    fn swiped(&mut self, arguments: &[&str], card: &str, typed: &str) -> (Value, i32) {
        let mut sale = self.begin(arguments, typed);
        sale.listens(ASKS);
        self.swipe(card);
        sale.end()
    }

    fn charged(&self, card: &str) -> u64 {
        let pan = StripeCard::shipped(card).unwrap().pan;
        FULL - self.counter.host_books().balance(&pan).unwrap().unwrap()
    }

    fn reasons(&self) -> Vec<String> {
        self.counter.host_books().ledger().unwrap().into_iter().map(|entry| entry.reason).collect()
    }
}

/// A command that waits for a card.
struct Sale {
    running: Running,
    result: PathBuf,
    said: PathBuf,
}

impl Sale {
    fn log(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap()
    }

    /// Waits until it asks so, and its reader is heard.
    #[track_caller]
    fn listens(&mut self, asks: &str) {
        self.says("the stripe reader is there");
        self.says(asks);
    }

    #[track_caller]
    fn says(&mut self, words: &str) {
        wait_until(words, LIMIT, || {
            let log = self.log();
            assert!(log.contains(words) || self.running.ended().is_none(), "it ended without {words:?}: {log}");
            log.contains(words)
        });
    }

    fn end(self) -> (Value, i32) {
        let Self { running, result, said } = self;
        let code = running.wait(Duration::from_secs(120)).code().unwrap_or(-1);
        let text = std::fs::read_to_string(result).unwrap();
        let log = std::fs::read_to_string(said).unwrap();
        (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{log}")), code)
    }
}

fn outcome(result: &Value) -> (&str, Option<&str>, Option<&str>) {
    (result["outcome"].as_str().unwrap(), result["response_code"].as_str(), result["reason"]["kind"].as_str())
}

#[test]
fn a_card_without_a_chip_is_swiped_and_signed_for_and_can_be_voided_and_given_back() {
    let mut desk = Desk::open("");
    let (result, code) = desk.swiped(&["sale", "12.34"], "stripe-signature", "");
    assert_eq!((outcome(&result), code), (("approved", Some("00"), None), 0), "{result:#}");
    assert_eq!((&result["card"]["entry"], &result["cvm"]), (&"stripe".into(), &"signature".into()), "{result:#}");
    assert_eq!((desk.charged("stripe-signature"), &desk.reasons()[0][..]), (1234, "approved, by its stripe"));
    let row = desk.counter.transactions().remove(0);
    assert_eq!((&row["card"]["entry"], &row["card"]["aid"]), (&"stripe".into(), &"".into()), "{row:#}");
    let (batch, stan) = (row["batch"].as_str().unwrap().to_owned(), row["stan"].as_str().unwrap().to_owned());
    // Its slip says how it was read, and has no line of a chip.
    let slip = desk.counter.yima(&["receipt", &stan, "--text", "--copy", "merchant"]).output().unwrap();
    let slip = String::from_utf8(slip.stdout).unwrap();
    assert!(slip.contains("卡号(刷卡/S)") && slip.contains("签名"), "{slip}");
    assert!(!slip.contains("AID") && !slip.contains("TVR"), "{slip}");
    let list = desk.counter.yima(&["transactions"]).output().unwrap();
    assert!(String::from_utf8(list.stdout).unwrap().contains(" stripe"));
    // Another card undoes nothing.
    let (result, _) = desk.swiped(&["void", &batch, &stan], "stripe-pin", "");
    assert_eq!(outcome(&result), ("declined", None, Some("other_card")), "{result:#}");
    let (result, code) = desk.swiped(&["void", &batch, &stan], "stripe-signature", "");
    assert_eq!((outcome(&result).0, code, desk.charged("stripe-signature")), ("approved", 0, 0), "{result:#}");
    // Another one is given back in part, and the rest without the card: its number is in the vault.
    let (result, _) = desk.swiped(&["sale", "20.00"], "stripe-signature", "");
    let stan = result["stan"].as_str().unwrap().to_owned();
    let (result, code) = desk.swiped(&["refund", &batch, &stan, "5.00"], "stripe-signature", "");
    assert_eq!((outcome(&result).0, code, desk.charged("stripe-signature")), ("approved", 0, 1500), "{result:#}");
    let (result, _) = desk.swiped(&["sale", "3.00"], "stripe-signature", "");
    let stan = result["stan"].as_str().unwrap().to_owned();
    let (result, code) = desk.counter.without_card(&["void", &batch, &stan, "--no-card"], "");
    assert_eq!((outcome(&result).0, code, desk.charged("stripe-signature")), ("approved", 0, 1500), "{result:#}");
    // The bank's totals are the terminal's.
    let (settled, code) = desk.counter.without_card(&["settle"], "");
    assert_eq!(code, 0, "{settled:#}");
}

#[test]
fn a_card_that_demands_a_pin_gets_none_of_it_without_and_a_wrong_one_is_asked_for_again() {
    let mut desk = Desk::open("");
    let (result, code) = desk.swiped(&["sale", "12.34"], "stripe-pin", "");
    assert_eq!((outcome(&result), code), (("error", None, Some("pin_needed")), 2), "{result:#}");
    let (result, code) = desk.swiped(&["sale", "12.34", "--pin", "-"], "stripe-pin", "9999\n1234\n");
    assert_eq!((outcome(&result), code), (("approved", Some("00"), None), 0), "{result:#}");
    assert_eq!((&result["cvm"], desk.charged("stripe-pin")), (&"online_pin".into(), 1234), "{result:#}");
    let states: Vec<_> = desk.counter.transactions().iter().map(|row| row["response_code"].clone()).collect();
    assert_eq!(states, ["00", "55"]);
    // A card for cash machines buys nothing.
    let (result, code) = desk.swiped(&["sale", "12.34", "--pin", "-"], "stripe-cash", "1234\n");
    assert_eq!((outcome(&result), code), (("declined", None, Some("stripe_for_cash_only")), 1), "{result:#}");
}

#[test]
fn a_card_with_a_chip_is_told_to_be_inserted_and_what_is_read_badly_to_be_swiped_again() {
    let mut desk = Desk::open("fallback_s = 30\n");
    let mut sale = desk.begin(&["sale", "12.34"], "");
    sale.listens(ASKS);
    desk.swipe(";E?");
    sale.says("没有刷好卡");
    desk.swipe("unionpay-debit");
    sale.says("这张卡有芯片");
    desk.counter.bring_card(&["--profile", "unionpay-debit"]);
    let (result, code) = sale.end();
    assert_eq!((outcome(&result), code), (("approved", Some("00"), None), 0), "{result:#}");
    assert_eq!(result["card"]["entry"], "chip");
    // With the reader of stripes alone there is nowhere to insert it.
    let mut sale = desk.begin(&["sale", "12.34", "--swipe"], "");
    sale.listens("请刷卡");
    desk.swipe("unionpay-debit");
    let (result, _) = sale.end();
    assert_eq!(outcome(&result), ("error", None, Some("stripe_has_chip")), "{result:#}");
    let mut sale = desk.begin(&["sale", "1.00", "--swipe"], "");
    sale.listens("请刷卡");
    desk.swipe("stripe-signature");
    assert_eq!(outcome(&sale.end().0).0, "approved");
}

#[test]
fn a_stripe_stands_for_a_chip_that_cannot_be_read_where_that_is_allowed_and_nowhere_else() {
    let mut desk = Desk::open("fallback_s = 30\n");
    desk.counter.give_cards_up_after(2);
    let device = desk.counter.state().join("stripe");
    let allow = |desk: &Desk, seconds: u32| {
        desk.counter.set(&format!("[stripe]\ndevice = \"{}\"\nfallback_s = {seconds}\n", device.display()));
    };
    allow(&desk, 30);
    // It falls silent before it has said what it has to say.
    let mute = ["--profile", "unionpay-credit", "--mute", "2"];
    desk.counter.bring_card(&mute);
    let mut sale = desk.begin(&["sale", "12.34"], "");
    sale.says("芯片读不出来");
    // Only a stripe counts now, and that of a card without a chip is what it is.
    desk.swipe("unionpay-credit");
    let (result, code) = sale.end();
    assert_eq!((outcome(&result), code), (("approved", Some("00"), None), 0), "{result:#}");
    assert_eq!(result["card"]["entry"], "fallback", "{result:#}");
    assert!(desk.reasons()[0].ends_with("(fallback)"), "{:?}", desk.reasons());
    let stan = result["stan"].as_str().unwrap().to_owned();
    let slip = desk.counter.yima(&["receipt", &stan, "--text", "--copy", "merchant"]).output().unwrap();
    assert!(String::from_utf8(slip.stdout).unwrap().contains("卡号(降级刷卡/F)"));
    // Once the card was asked for a cryptogram it has been read: no stripe takes its place.
    desk.counter.card = None;
    wait_until("the card has left", LIMIT, || desk.counter.shop.reader_is_empty());
    allow(&desk, 0);
    desk.counter.bring_card(&mute);
    let (result, code) = desk.begin(&["sale", "12.34"], "").end();
    assert_eq!((outcome(&result), code), (("error", None, Some("card_mute")), 2), "{result:#}");
    assert_eq!(desk.charged("unionpay-credit"), 1234);
}

#[test]
fn a_silent_bank_is_followed_by_a_reversal_of_what_was_swiped() {
    let mut desk = Desk::open("");
    desk.counter.give_up_after(3);
    let device = desk.counter.state().join("stripe");
    desk.counter.set(&format!("[stripe]\ndevice = \"{}\"\n", device.display()));
    let (result, code) = desk.swiped(&["sale", "67.02"], "stripe-signature", "");
    assert_eq!((outcome(&result).0, code, desk.charged("stripe-signature")), ("reversed", 2, 0), "{result:#}");
    let states: Vec<_> = desk.counter.host_books().ledger().unwrap().iter().map(|entry| entry.state).collect();
    assert_eq!(states, [EntryState::Reversed]);
}

#[test]
fn a_number_is_typed_where_the_settings_name_the_kind_and_not_elsewhere() {
    let card = StripeCard::shipped("stripe-signature").unwrap();
    let typed = format!("{}\n{}{}\n", card.pan, &card.expiry[2..], &card.expiry[..2]);
    let mut desk = Desk::open("");
    let (result, code) = desk.begin(&["sale", "12.34", "--manual"], &typed).end();
    assert_eq!((outcome(&result), code), (("error", None, Some("typed_not_allowed")), 2), "{result:#}");
    let device = desk.counter.state().join("stripe");
    desk.counter.set(&format!("[stripe]\ndevice = \"{}\"\ntyped = [\"sale\"]\n", device.display()));
    let (result, code) = desk.begin(&["sale", "12.34", "--manual"], &typed).end();
    assert_eq!((outcome(&result), code), (("approved", Some("00"), None), 0), "{result:#}");
    assert_eq!(result["card"]["entry"], "typed");
    assert_eq!((desk.charged("stripe-signature"), &desk.reasons()[0][..]), (1234, "approved, its number typed"));
    let stan = result["stan"].as_str().unwrap().to_owned();
    let slip = desk.counter.yima(&["receipt", &stan, "--text", "--copy", "merchant"]).output().unwrap();
    assert!(String::from_utf8(slip.stdout).unwrap().contains("卡号(手工输入/M)"));
    // A kind that is not named, and a number that is none.
    let (result, _) = desk.begin(&["pre-auth", "5.00", "--manual"], &typed).end();
    assert_eq!(outcome(&result), ("error", None, Some("typed_not_allowed")), "{result:#}");
    let wrong = typed.replacen('1', "2", 1);
    let (result, code) = desk.begin(&["sale", "12.34", "--manual"], &wrong).end();
    assert_eq!((outcome(&result).0, code), ("error", 2), "{result:#}");
    assert!(!result.to_string().contains(&card.pan), "{result:#}");
    assert_eq!(desk.charged("stripe-signature"), 1234);
    let (result, _) = desk.swiped(&["sale", "1.00"], "stripe-signature", "");
    assert_eq!(outcome(&result).0, "approved");
}

#[test]
fn neither_a_track_nor_a_number_is_to_be_found_in_any_file() {
    let mut desk = Desk::open("typed = [\"sale\"]\n");
    let cards = ["stripe-signature", "stripe-pin"].map(|name| StripeCard::shipped(name).unwrap());
    let [signature, debit] = &cards;
    let (result, _) = desk.swiped(&["sale", "12.34"], "stripe-signature", "");
    assert_eq!(outcome(&result).0, "approved", "{result:#}");
    let (result, _) = desk.swiped(&["sale", "12.34", "--pin", "-"], "stripe-pin", "1234\n");
    assert_eq!(outcome(&result).0, "approved", "{result:#}");
    let typed = format!("{}\n{}{}\n", signature.pan, &signature.expiry[2..], &signature.expiry[..2]);
    let (result, _) = desk.begin(&["sale", "12.34", "--manual"], &typed).end();
    assert_eq!(outcome(&result).0, "approved", "{result:#}");
    let mut sale = desk.begin(&["sale", "12.34"], "");
    sale.listens(ASKS);
    // One that is read badly is logged as that, and nothing of it.
    desk.swipe(&format!(";{}=30?", debit.pan));
    sale.says("没有刷好卡");
    desk.swipe("stripe-cash");
    assert_eq!(outcome(&sale.end().0).0, "declined");
    let cash = StripeCard::shipped("stripe-cash").unwrap();
    // What is the host's alone is on another computer.
    let hosts = desk.counter.state().join("sandbox/host");
    let mut looked_at = 0;
    for card in cards.iter().chain([&cash]) {
        // The digits that nobody may see, with and without what stands behind them.
        let middle = &card.pan[6..card.pan.len() - 4];
        let behind = format!("{}{}00000", card.expiry, card.service_code);
        for shape in [card.pan.as_bytes(), middle.as_bytes(), behind.as_bytes()] {
            for file in files_in(desk.counter.shop.folder()).into_iter().filter(|file| !file.starts_with(&hosts)) {
                let bytes = std::fs::read(&file).unwrap();
                let shape_name = String::from_utf8_lossy(shape);
                let long = shape.len() > 8;
                assert!(!long || !contains(&bytes, shape), "{} holds {shape_name}", file.display());
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 20, "ledger, logs, slips: {looked_at}");
}
