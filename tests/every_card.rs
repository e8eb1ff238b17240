//! Every shipped card in a real reader (pcscd, vpcd), whole, pulled out and silent: each ends as its profile says; and at
//! whatever command a card is lost, the sale comes to an end, nothing is approved without the card's last word, and what
//! the host may have booked is taken back.
//!
//! The usual run loses each card where a part of the sale begins or ends, and at one more command by seed;
//! `./dev lost-cards` loses it at every command. Several shops work at a time: most of a sale is waiting for the reader.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]
#![allow(clippy::print_stdout, reason = "the figures of a long run are its result")]

mod support;

use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;
use support::counter::Counter;
use yima::sandbox::card::profile::SHIPPED;
use yima::sandbox::host::store::EntryState;

/// Shops at a time.
const SHOPS: usize = 10;

/// Where the seeded command is taken from; any number will do.
const SEED: u64 = 3;

/// How a whole sale ends at a terminal that is online only and has no PIN pad: outcome, response code or why there is none,
/// TVR.
const EXPECTED: [(&str, &str); 28] = [
    ("unionpay-debit", "approved 00 0000008000"),
    ("unionpay-credit", "approved 00 0000008000"),
    ("multi-application", "approved 00 0000008000"),
    ("no-directory", "approved 00 0000008000"),
    ("sda", "approved 00 0200008000"),
    ("dda", "approved 00 0000008000"),
    ("no-authentication", "approved 00 8000008000"),
    ("cvm-none", "approved 00 0000008000"),
    ("cvm-signature", "approved 00 0000008000"),
    ("cvm-plaintext-pin", "approved 00 0000008000"),
    ("cvm-enciphered-pin", "approved 00 0000008000"),
    ("cvm-enciphered-pin-key", "approved 00 0200008000"),
    ("cvm-online-pin", "approved 00 0000908000"),
    ("cvm-combined", "approved 00 0000808000"),
    ("cvm-fail", "approved 00 0000808000"),
    ("cvm-amounts", "approved 00 0000008000"),
    ("pin-blocked", "approved 00 0000008000"),
    ("offline", "approved 00 0000008000"),
    ("velocity", "approved 00 0008008000"),
    ("declines-after-approval", "reversed 00 0000008000"),
    ("blocked-application", "error card_blocked -"),
    ("blocked-card", "error card_blocked -"),
    ("expired", "declined 54 0440008000"),
    ("format-1", "approved 00 0000008000"),
    ("external-authenticate", "approved 00 0000008000"),
    ("t1", "approved 00 0000008000"),
    ("aes", "approved 00 0000008000"),
    ("low-balance", "declined 51 0000008000"),
];

/// How a card is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Loss {
    Torn,
    Mute,
}

impl Loss {
    const fn option(self) -> &'static str {
        match self {
            Self::Torn => "--tear",
            Self::Mute => "--mute",
        }
    }

    /// Why the sale ends, before and after the request has left.
    const fn reasons(self) -> [&'static str; 2] {
        match self {
            Self::Torn => ["card_torn", "card_torn_after_request"],
            Self::Mute => ["card_mute", "card_lost_after_request"],
        }
    }

    /// Seconds after which a card that says nothing counts as mute: where that is waited for, hardly more than a busy
    /// machine needs for an answer that comes.
    const fn patience_s(self) -> u32 {
        match self {
            Self::Torn => 10,
            Self::Mute => 2,
        }
    }

    /// Whether the card's log ends with this command, unanswered.
    fn shows(self, log: &str, command: usize) -> bool {
        let end = log.lines().rev().take_while(|line| *line != "card (TEST): inserted").collect::<Vec<_>>();
        let is_last = |line: &str| line.starts_with(&format!("card (TEST): command {command}, "));
        match (self, &end[..]) {
            (Self::Torn, ["card (TEST): pulled out", last, ..]) | (Self::Mute, [last, ..]) => is_last(last),
            _ => false,
        }
    }
}

/// A sale that went its whole way.
struct Whole {
    result: Value,
    /// The card's commands by name, in order.
    commands: Vec<String>,
}

impl Whole {
    fn of(counter: &mut Counter, profile: &str) -> Self {
        counter.give_cards_up_after(Loss::Torn.patience_s());
        let (result, _) = counter.sale("12.34", &["--profile", profile]);
        let commands: Vec<_> = counter
            .log("card.log")
            .lines()
            .filter_map(|line| Some(line.strip_prefix("card (TEST): command ")?.split_once(", ")?.1.to_owned()))
            .collect();
        assert!(!commands.is_empty(), "{profile} was asked nothing: {result:#}");
        Self { result, commands }
    }

    fn seen(&self) -> String {
        let text = |key: &str| self.result[key].as_str().unwrap_or("-").to_owned();
        let why = self.result["response_code"].as_str().or(self.result["reason"]["kind"].as_str()).unwrap_or("-");
        format!("{} {why} {}", text("outcome"), text("tvr"))
    }

    /// Adds the sale to the tally, and what of it is not as the profile says.
    fn check(&self, profile: &str, counter: &Counter, tally: &mut Tally) {
        tally.sales += 1;
        let (_, expected) = EXPECTED.iter().find(|(known, _)| *known == profile).unwrap();
        let seen = self.seen();
        if seen != *expected {
            let (result, log) = (&self.result, counter.log("card.log"));
            tally.wrong.push(format!("{profile}: {seen}, expected {expected}\n{result:#}\n{log}"));
        }
    }

    fn last(&self) -> usize {
        self.commands.len()
    }

    /// The command, counted from 1, with which the first cryptogram is whole: the last before the request to the host.
    /// Nothing where none leaves.
    fn last_before_request(&self) -> Option<usize> {
        let asked = self.commands.iter().position(|name| name == "GENERATE AC");
        let asked = asked.filter(|_| self.result["response_code"].is_string())?;
        let parts = self.commands[asked + 1..].iter().take_while(|name| *name == "GET RESPONSE").count();
        Some(asked + 1 + parts)
    }

    /// First and last command, those on both sides of the request, and one by seed.
    fn some_commands(&self, profile: &str) -> Vec<usize> {
        let around = self.last_before_request().into_iter().flat_map(|last| [last, last + 1]);
        let any = profile.bytes().fold(SEED, |mixed, byte| (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        let mut commands: Vec<_> =
            [1, self.last(), 1 + (any >> 8) as usize % self.last()].into_iter().chain(around).collect();
        commands.retain(|command| *command <= self.last());
        commands.sort_unstable();
        commands.dedup();
        commands
    }

    /// Outcome and reason when the card is lost at this command.
    fn expected(&self, loss: Loss, command: usize) -> (&'static str, Option<&'static str>) {
        let [before, after] = loss.reasons();
        match self.last_before_request() {
            Some(request) if command > request => match self.result["response_code"].as_str() {
                Some("00") => ("reversed", Some(after)),
                // The card has nothing left to say to a refusal.
                _ => ("declined", None),
            },
            _ => ("error", Some(before)),
        }
    }
}

/// What the sales of a run came to.
#[derive(Default)]
struct Tally {
    sales: usize,
    lost_before_request: usize,
    lost_after_request: usize,
    rows_reversed: usize,
    wrong: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sales, lost_before_request, lost_after_request, rows_reversed, .. } = self;
        write!(
            f,
            "{sales} sales; {} cards lost: {lost_before_request} before the request (no row, nothing at the host), \
             {lost_after_request} after it ({rows_reversed} reversed in the ledger and at the host)",
            lost_before_request + lost_after_request
        )
    }
}

/// Loses a card, and says what is not as it should be.
fn lose(counter: &mut Counter, profile: &str, whole: &Whole, (loss, command): (Loss, usize), tally: &Mutex<Tally>) {
    let (result, _) = counter.sale("12.34", &["--profile", profile, loss.option(), &command.to_string()]);
    let log = counter.log("card.log");
    let (outcome, reason) = whole.expected(loss, command);
    let row = counter.transactions().into_iter().find(|row| row["stan"] == result["stan"]);
    let entry = counter
        .host_books()
        .ledger()
        .unwrap()
        .into_iter()
        .find(|entry| result["stan"].as_str() == Some(entry.trace.stan.to_string().as_str()));
    let row = row.as_ref().and_then(|row| row["state"].as_str());
    let entry = entry.as_ref().map(|entry| (entry.state, entry.booked.is_zero()));
    let as_it_should_be = match outcome {
        "error" => row.is_none() && entry.is_none(),
        "reversed" => row == Some("reversed") && matches!(entry, Some((EntryState::Reversed, _))),
        _ => row == Some("declined") && entry == Some((EntryState::Declined, true)),
    };
    let mut tally = tally.lock().unwrap();
    tally.sales += 1;
    if outcome == "error" {
        tally.lost_before_request += 1;
    } else {
        tally.lost_after_request += 1;
        tally.rows_reversed += usize::from(row == Some("reversed"));
    }
    let found = (result["outcome"].as_str().unwrap(), result["reason"]["kind"].as_str());
    let same = found.0 == outcome && (reason.is_none() || found.1 == reason);
    if !same || !as_it_should_be || !loss.shows(&log, command) {
        tally.wrong.push(format!(
            "{profile} {loss:?} at command {command} of {} ({}): {found:?}, ledger {row:?}, host {entry:?}; expected \
             {outcome} {reason:?}\n{log}",
            whole.last(),
            whole.commands[command - 1],
        ));
    }
}

/// Has every card pay, and lost at the commands that `choose` names.
fn run(choose: impl Fn(&Whole, &str) -> Vec<usize> + Sync) {
    let started = Instant::now();
    let waiting = Mutex::new(SHIPPED.iter().map(|(name, _)| *name));
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..SHOPS {
            scope.spawn(|| {
                let mut counter = Counter::open_for_business();
                loop {
                    let Some(profile) = waiting.lock().unwrap().next() else { return };
                    let whole = Whole::of(&mut counter, profile);
                    whole.check(profile, &counter, &mut tally.lock().unwrap());
                    for loss in [Loss::Torn, Loss::Mute] {
                        counter.give_cards_up_after(loss.patience_s());
                        for command in choose(&whole, profile) {
                            lose(&mut counter, profile, &whole, (loss, command), &tally);
                        }
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    let figures = format!("{tally}; {} s", started.elapsed().as_secs());
    assert!(tally.wrong.is_empty(), "{figures}\n{}", tally.wrong.join("\n"));
    println!("{figures}");
}

#[test]
fn every_card_ends_as_its_profile_says_and_loses_nothing_where_a_part_begins_or_ends() {
    run(Whole::some_commands);
}

/// Four minutes of waiting for readers, so only when it is asked for.
#[test]
#[ignore = "long: ./dev lost-cards"]
fn every_card_loses_nothing_at_any_command() {
    run(|whole, _| (1..=whole.last()).collect());
}
