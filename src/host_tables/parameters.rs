//! The terminal's own parameters, as the acquirer sets them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use super::{HostTablesError, InstalmentOffer, NO_TEXT, is_text, wrong};
use crate::money::Amount;

/// Seconds the acquirer may give itself for an answer. With less every second sale would be taken back; with more nobody would wait
/// for it.
const ANSWER_TIMEOUTS_S: RangeInclusive<u64> = 10..=60;

/// Tries before a person must look at an entry of the queue.
const TRIES: RangeInclusive<u32> = 3..=99;

/// Limits, in minor units: what twelve digits can say. Zeros say that there is none.
const LIMITS: RangeInclusive<u64> = 1..=999_999_999_999;

/// Offline sales that may wait for the host at a time.
const OFFLINE_SALES: RangeInclusive<u32> = 1..=999;

/// Days for which the link to an e-receipt may be valid, and the most characters that it may begin with.
const RECEIPT_DAYS: RangeInclusive<u16> = 1..=1096;
const LONGEST_LINK_BASE: usize = 60;

/// The most seconds for which a stripe may count after its chip could not be read: whoever needs longer begins anew.
pub const LONGEST_FALLBACK_S: u16 = 120;

/// The most lines at the end of receipts, and the most bytes of one.
const MOST_TRAILERS: usize = 4;
const LONGEST_TRAILER: usize = 96;

/// The most parameters that are kept as they came, and the most digits of one.
const MOST_OTHERS: usize = 64;
const LONGEST_OTHER: usize = 512;

/// Settings that win over those of `yima.toml` and of the binding record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TerminalParameters {
    /// Seconds to wait for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_timeout_s: Option<u64>,
    /// Tries that count before a person must look at what could not be taken back or told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries: Option<u32>,
    /// Name of the shop on slips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_name: Option<String>,
    /// Telephone number of the acquirer's help desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help_desk: Option<String>,
    /// Up to this amount nobody signs, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_signature_limit: Option<u64>,
    /// Up to this amount a sale needs no PIN, for cards that come so that one may be spared; in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_pin_limit: Option<u64>,
    /// That counts for stripes that leave a PIN to the terminal too; not where nothing is said.
    #[serde(skip_serializing_if = "is_no")]
    pub no_pin_for_stripes: bool,
    /// The most that one sale, pre-authorisation or top-up may be, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sale_limit: Option<u64>,
    /// What this terminal may do; all that it can where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transactions: Option<Vec<Transaction>>,
    /// What is undone or completed only with the customer's card, though it could be without; nothing where nothing is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub card_needed: Vec<Transaction>,
    /// Lines at the end of receipts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trailer: Vec<String>,
    /// Where customers find their e-receipts; without it there are no links to any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_address: Option<String>,
    /// Days after a payment for which such a link is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_days: Option<u16>,
    /// Local time at which the batch is settled every night, like `23:30`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement_at: Option<String>,
    /// The issuer may approve a part of a sale; not where nothing is said.
    #[serde(skip_serializing_if = "is_no")]
    pub in_part: bool,
    /// Customers sign on the screen; on paper where nothing is said.
    #[serde(skip_serializing_if = "is_no")]
    pub signature_pad: bool,
    /// Seconds in which a stripe counts after its chip could not be read, 0 for never; the terminal's setting where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_s: Option<u16>,
    /// What may be done with a card number that is typed; the terminal's setting where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typed: Option<Vec<Transaction>>,
    /// How much is sold without asking the host; nothing where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineLimits>,
    /// In how many periods sales may be paid, and from which amount on; by instalments nothing is where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instalments: Option<InstalmentOffer>,
    /// Parameters that this program has no use for, by their names, in hexadecimal: kept as they came.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
    /// What does not count as the acquirer sent it, a sentence each: see [`TerminalParameters::adjust`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adjusted: Vec<String>,
}

/// How much a terminal may sell while nobody asks the host, in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineLimits {
    /// The most that one sale may be.
    pub most: u64,
    /// How many may wait for the host.
    pub count: u32,
    /// How much all that wait may come to.
    pub total: u64,
}

const fn is_no(value: &bool) -> bool {
    !*value
}

/// Something that a terminal may do: the word of a kind of transaction, or one that this program does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Transaction(String);

impl Transaction {
    /// As the acquirer wrote it.
    pub fn word(&self) -> &str {
        &self.0
    }
}

impl From<String> for Transaction {
    fn from(word: String) -> Self {
        Self(word)
    }
}

impl TerminalParameters {
    /// Whether a payment of this amount needs no signature, however the cardholder was verified.
    pub fn spares_signature(&self, amount: Amount) -> bool {
        self.no_signature_limit.is_some_and(|limit| amount.minor() <= limit)
    }

    /// When the batch is settled every night, where the acquirer says so.
    pub fn settlement_time(&self) -> Option<Time> {
        self.settlement_at.as_deref().and_then(time_of_day)
    }

    /// Makes of what was sent what can count, and notes what that changed. A number out of its range counts as the nearest in it;
    /// what cannot be shown or kept is left out. One such value would otherwise keep a terminal from everything else that the
    /// acquirer has for it, new CA keys among them. Nothing that is allowed becomes more by it: a limit stays one, and a list of
    /// what is allowed stays a list.
    pub fn adjust(&mut self) {
        let noted = &mut self.adjusted;
        if let Some(seconds) = &mut self.answer_timeout_s {
            nearest(seconds, &ANSWER_TIMEOUTS_S, "answer timeout in seconds", noted);
        }
        if let Some(tries) = &mut self.tries {
            nearest(tries, &TRIES, "tries of the queue", noted);
        }
        for (limit, name) in [
            (&mut self.no_signature_limit, "no signature up to"),
            (&mut self.no_pin_limit, "no PIN up to"),
            (&mut self.sale_limit, "most of a sale"),
        ] {
            if let Some(limit) = limit {
                nearest(limit, &LIMITS, name, noted);
            }
        }
        for (text, name) in [(&mut self.merchant_name, "name of the shop"), (&mut self.help_desk, "help desk")] {
            if text.take_if(|text| !is_text(text)).is_some() {
                noted.push(format!("{name}: left out, {NO_TEXT}"));
            }
        }
        if self.receipt_address.take_if(|address| !is_link_base(address)).is_some() {
            noted.push("address of e-receipts: left out, no link can begin with it".to_owned());
        }
        if let Some(days) = &mut self.receipt_days {
            nearest(days, &RECEIPT_DAYS, "days of e-receipts", noted);
        }
        if self.settlement_at.take_if(|at| time_of_day(at).is_none()).is_some() {
            noted.push("time of settlement: left out, it is none".to_owned());
        }
        let mut lines = 0;
        keep(&mut self.trailer, "end of receipts", noted, |line| {
            let fits = is_trailer(line) && lines < MOST_TRAILERS;
            lines += usize::from(fits);
            fits
        });
        if let Some(transactions) = &mut self.transactions {
            keep(transactions, "allowed", noted, |transaction| is_word(transaction.word()));
        }
        keep(&mut self.card_needed, "with the card only", noted, |transaction| is_word(transaction.word()));
        if let Some(typed) = &mut self.typed {
            keep(typed, "typed numbers", noted, |transaction| is_word(transaction.word()));
        }
        if let Some(seconds) = &mut self.fallback_s {
            nearest(seconds, &(0..=LONGEST_FALLBACK_S), "seconds for a stripe after its chip", noted);
        }
        if self.offline.take_if(|limits| [limits.most, limits.count.into(), limits.total].contains(&0)).is_some() {
            noted.push("offline sales: left out, a limit is nothing".to_owned());
        }
        if let Some(limits) = &mut self.offline {
            nearest(&mut limits.most, &LIMITS, "most of an offline sale", noted);
            nearest(&mut limits.count, &OFFLINE_SALES, "offline sales that may wait", noted);
            nearest(&mut limits.total, &LIMITS, "sum of offline sales that may wait", noted);
        }
        self.instalments = self.instalments.take().and_then(|offer| offer.adjusted(noted));
        let sent = self.other.len();
        self.other.retain(|name, value| is_other(name, value));
        while self.other.len() > MOST_OTHERS {
            self.other.pop_last();
        }
        if self.other.len() < sent {
            noted.push(format!("kept and not used: {} left out, too long or too many", sent - self.other.len()));
        }
    }

    pub(super) fn check(&self) -> Result<(), HostTablesError> {
        let place = |key: &str| format!("terminal.{key}");
        if self.answer_timeout_s.is_some_and(|seconds| !ANSWER_TIMEOUTS_S.contains(&seconds)) {
            return wrong(place("answer_timeout_s"), "it must be 10 to 60");
        }
        if self.tries.is_some_and(|tries| !TRIES.contains(&tries)) {
            return wrong(place("tries"), "it must be 3 to 99");
        }
        for (key, limit) in [
            ("no_signature_limit", self.no_signature_limit),
            ("no_pin_limit", self.no_pin_limit),
            ("sale_limit", self.sale_limit),
        ] {
            if limit.is_some_and(|limit| !LIMITS.contains(&limit)) {
                return wrong(place(key), "it must be 1 to 999999999999, in minor units");
            }
        }
        for (key, value) in [("merchant_name", &self.merchant_name), ("help_desk", &self.help_desk)] {
            if value.as_ref().is_some_and(|text| !is_text(text)) {
                return wrong(place(key), NO_TEXT);
            }
        }
        if self.receipt_address.as_ref().is_some_and(|address| !is_link_base(address)) {
            return wrong(place("receipt_address"), "it begins with https:// or http:// and has at most 60 characters");
        }
        if self.receipt_days.is_some_and(|days| !RECEIPT_DAYS.contains(&days)) {
            return wrong(place("receipt_days"), "it must be 1 to 1096");
        }
        if self.settlement_at.as_ref().is_some_and(|at| time_of_day(at).is_none()) {
            return wrong(place("settlement_at"), "it is a time of day like 23:30");
        }
        if self.trailer.len() > MOST_TRAILERS || !self.trailer.iter().all(|line| is_trailer(line)) {
            return wrong(place("trailer"), "it has at most 4 lines of 1 to 96 bytes without control characters");
        }
        if !self.transactions.iter().flatten().all(|transaction| is_word(transaction.word())) {
            return wrong(place("transactions"), "they are words of small letters");
        }
        if !self.card_needed.iter().all(|transaction| is_word(transaction.word())) {
            return wrong(place("card_needed"), "they are words of small letters");
        }
        if !self.typed.iter().flatten().all(|transaction| is_word(transaction.word())) {
            return wrong(place("typed"), "they are words of small letters");
        }
        if self.fallback_s.is_some_and(|seconds| seconds > LONGEST_FALLBACK_S) {
            return wrong(place("fallback_s"), "it must be 0 to 120");
        }
        if let Some(OfflineLimits { most, count, total }) = &self.offline
            && !(LIMITS.contains(most) && OFFLINE_SALES.contains(count) && LIMITS.contains(total))
        {
            return wrong(
                place("offline"),
                "most and total are 1 to 999999999999, in minor units, and count is 1 to 999",
            );
        }
        if let Some((key, problem)) = self.instalments.as_ref().and_then(InstalmentOffer::problem) {
            return wrong(place(key), problem);
        }
        if self.other.len() > MOST_OTHERS || !self.other.iter().all(|(name, value)| is_other(name, value)) {
            return wrong(place("other"), "names and values are hexadecimal, at most 64 of them, and 256 bytes each");
        }
        if !self.adjusted.iter().all(|said| is_text(said)) {
            return wrong(place("adjusted"), NO_TEXT);
        }
        Ok(())
    }
}

/// Puts a value that is out of its range to the nearest end of it, and notes that.
fn nearest<T: Copy + Ord + Display>(value: &mut T, range: &RangeInclusive<T>, name: &str, noted: &mut Vec<String>) {
    let sent = *value;
    *value = sent.clamp(*range.start(), *range.end());
    if *value != sent {
        noted.push(format!("{name}: {sent} was sent, {value} counts"));
    }
}

/// Leaves out what `fits` does not hold for, and notes how many.
fn keep<T>(values: &mut Vec<T>, name: &str, noted: &mut Vec<String>, fits: impl FnMut(&T) -> bool) {
    let sent = values.len();
    values.retain(fits);
    if values.len() < sent {
        noted.push(format!("{name}: {} of {sent} left out, they cannot be used", sent - values.len()));
    }
}

/// Hours and minutes of a day: `23:30`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two(hour) || !two(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// Whether the link to an e-receipt can begin with it.
pub fn is_link_base(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text.len() <= LONGEST_LINK_BASE
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"'<>\\".contains(&byte))
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

fn is_trailer(line: &str) -> bool {
    is_text(line) && line.len() <= LONGEST_TRAILER
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn is_other(name: &str, value: &str) -> bool {
    let is_hex = |text: &str| text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex(name) && name.len() <= 8 && is_hex(value) && value.len() <= LONGEST_OTHER
}
