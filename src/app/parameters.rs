//! Terminal data from the host: fetched, checked, put in their place as a whole, and only then reported to the host as
//! taken. A payment that runs keeps the data it began with; the next one has the new ones.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::engine::Core;
use super::setup::{Setup, SetupError};
use super::showing::local_now;
use crate::acquirer::link::HostLink;
use crate::acquirer::parameters::DownloadError;
use crate::acquirer::parameters::field62::KeyName;
use crate::clock;
use crate::crypto::hex;
use crate::emv::terminal::{Application, TerminalData};
use crate::host_tables::{HostTables, TerminalParameters, Transaction};
use crate::iso8583::Order;
use crate::terminal::emv_files::{EmvFiles, EmvFilesError, InUse, Provenance};

/// How long after one update another may begin, however often the host orders it.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// How often that interval doubles while what the host sends cannot be taken: up to 2 h 40 min. It is not likely to be another
/// set a few minutes later, and somebody may put it right on the same day.
const MOST_DOUBLINGS: u32 = 5;

/// How long an update keeps the engine from stopping.
const PATIENCE: Duration = Duration::from_secs(30);

/// New data, in their place.
#[derive(Debug)]
pub struct Update {
    /// What counts now.
    pub in_use: InUse,
    /// Keys the host has that this program cannot use.
    pub unusable: Vec<KeyName>,
    /// Why the host could not be told, if it could not: it will order the same again.
    pub unconfirmed: Option<DownloadError>,
}

/// Why there are no new data. Those there were still count.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Nothing that could be used came.
    #[error("no new terminal data, the old ones still count: {0}")]
    Download(#[from] DownloadError),
    /// What came must not be used, or could not be written.
    #[error("the host's terminal data were not taken, the old ones still count: {0}")]
    Files(#[from] EmvFilesError),
    /// The terminal cannot ask.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

impl UpdateError {
    /// What the host sent is the cause, and not the line or this machine.
    fn is_of_the_set(&self) -> bool {
        match self {
            Self::Download(DownloadError::Link { .. } | DownloadError::Vault(_)) | Self::Setup(_) => false,
            Self::Files(EmvFilesError::File { .. }) => false,
            Self::Download(_) | Self::Files(_) => true,
        }
    }
}

/// What an update changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What was not there before.
    pub added: Vec<String>,
    /// What is there no more.
    pub removed: Vec<String>,
    /// What is there with other values, and which.
    pub changed: Vec<String>,
}

/// Fetches the host's data and puts them in the place of those that count. Blocks until the host has answered.
///
/// # Errors
/// When they do not come, or must not be used.
pub fn update(link: &dyn HostLink, files: &EmvFiles) -> Result<Update, UpdateError> {
    let download = link.download().inspect_err(|error| match error {
        // The line, not what the host sent.
        DownloadError::Link { .. } => {}
        refused => files.note_refusal(&refused.to_string(), clock::timestamp()),
    })?;
    let in_use = files.replace(&download.set, &download.from, clock::timestamp())?;
    link.adopt(&in_use.tables.terminal);
    let unconfirmed = link.confirm_download().err();
    Ok(Update { in_use, unusable: download.unusable, unconfirmed })
}

impl Setup {
    /// As [`update`], for a terminal whose engine does not run. Also what the update changed.
    ///
    /// # Errors
    /// Also when an engine runs, or the terminal cannot ask the host.
    pub fn update_parameters(&self) -> Result<(Update, Changes), UpdateError> {
        let identity = self.identity()?;
        let _alone = self.lock()?;
        let files = self.emv_files(&identity);
        let before = files.load().map_err(SetupError::from)?;
        let mut ledger = self.ledger(&identity)?;
        let link = self.link(identity, self.vault()?)?;
        let update = update(&link, &files)?;
        if let Err(error) = ledger.orders_done(&Order::DOWNLOADS, local_now()) {
            tracing::warn!(%error, "that the host's orders are done could not be noted; they are done once more");
        }
        let now = &update.in_use;
        let changes = Changes::between((&before.data, &before.tables), (&now.data, &now.tables));
        Ok((update, changes))
    }
}

impl Changes {
    /// What is different in `after`.
    pub fn between(before: (&TerminalData, &HostTables), after: (&TerminalData, &HostTables)) -> Self {
        let mut changes = Self::default();
        changes.note(&described(before), &described(after));
        changes
    }

    /// Nothing is different.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    fn note(&mut self, before: &Described, after: &Described) {
        self.added.extend(after.keys().filter(|name| !before.contains_key(*name)).cloned());
        self.removed.extend(before.keys().filter(|name| !after.contains_key(*name)).cloned());
        for (name, values) in after {
            let Some(earlier) = before.get(name) else { continue };
            for ((value, now), (_, then)) in values.iter().zip(earlier).filter(|(now, then)| now != then) {
                self.changed.push(format!("{name}: {value} {now}, before {then}"));
            }
        }
    }
}

/// What there is, with its values.
type Described = BTreeMap<String, Vec<(&'static str, String)>>;

fn described((data, tables): (&TerminalData, &HostTables)) -> Described {
    let applications = data
        .applications
        .iter()
        .map(|application| (format!("application {}", hex::encode(&application.aid)), application_values(application)));
    let keys = data.ca_keys.iter().map(|(rid, index, key)| {
        let last_day = key.expiry.map_or_else(|| "none".to_owned(), |day| day.to_string());
        let values = vec![("modulus", hex::encode(&key.key.modulus())), ("last day", last_day)];
        (format!("CA key {rid} {index:02X}"), values)
    });
    applications.chain(keys).chain(described_tables(tables)).collect()
}

fn described_tables(tables: &HostTables) -> Described {
    let cards = tables.card.iter().map(|range| {
        let taken = if range.refused { "not taken" } else { "taken" };
        (range.name(), vec![("bank", range.bank.clone()), ("it is", taken.to_owned())])
    });
    let numbers = tables.number.iter().map(|card| {
        let taken = if card.refused { "not taken" } else { "taken" };
        (card.name(), vec![("bank", card.bank.clone()), ("it is", taken.to_owned())])
    });
    let texts = tables.text.iter().map(|text| {
        let said = |words: &Option<String>| words.clone().unwrap_or_else(|| "as this program does".to_owned());
        let values = [("says", &text.zh), ("advises", &text.zh_do), ("says in English", &text.en)];
        let mut values: Vec<_> = values.into_iter().map(|(name, words)| (name, said(words))).collect();
        values.push(("advises in English", said(&text.en_do)));
        (format!("response {}", text.code), values)
    });
    cards.chain(numbers).chain(texts).chain([("terminal".to_owned(), parameter_values(&tables.terminal))]).collect()
}

/// Which set, in a word for the acquirer.
pub(super) fn set_name(provenance: &Provenance) -> String {
    match provenance {
        Provenance::Shipped => "shipped".to_owned(),
        Provenance::Host { number, at, .. } => format!("{number:06} of {at:.0}"),
    }
}

/// The terminal's parameters as people read them.
pub fn parameter_values(parameters: &TerminalParameters) -> Vec<(&'static str, String)> {
    let none = || "none".to_owned();
    let said = |value: &Option<String>| value.clone().unwrap_or_else(none);
    let limit = |limit: Option<u64>| limit.map_or_else(none, |minor| format!("{}.{:02}", minor / 100, minor % 100));
    let words = |kinds: &[Transaction]| kinds.iter().map(Transaction::word).collect::<Vec<_>>().join(", ");
    let allowed = parameters.transactions.as_deref().map(words);
    let card_needed = Some(&parameters.card_needed[..]).filter(|kinds| !kinds.is_empty()).map(words);
    let adjusted = &parameters.adjusted;
    let others: Vec<_> = parameters.other.iter().map(|(name, value)| format!("{name} {value}")).collect();
    vec![
        ("answer timeout", parameters.answer_timeout_s.map_or_else(none, |seconds| format!("{seconds} s"))),
        ("tries of the queue", parameters.tries.map_or_else(none, |tries| tries.to_string())),
        ("name of the shop", said(&parameters.merchant_name)),
        ("help desk", said(&parameters.help_desk)),
        ("no signature up to", limit(parameters.no_signature_limit)),
        ("no PIN up to", limit(parameters.no_pin_limit)),
        ("no PIN for stripes either", said(&parameters.no_pin_for_stripes.then(|| "yes".to_owned()))),
        ("most of a sale", limit(parameters.sale_limit)),
        ("allowed", allowed.unwrap_or_else(|| "all".to_owned())),
        ("with the card only", said(&card_needed)),
        ("end of receipts", if parameters.trailer.is_empty() { none() } else { parameters.trailer.join(" / ") }),
        ("settled every night at", said(&parameters.settlement_at)),
        ("part of a sale may be approved", said(&parameters.in_part.then(|| "yes".to_owned()))),
        ("customers sign on the screen", said(&parameters.signature_pad.then(|| "yes".to_owned()))),
        (
            "stripe after a chip that cannot be read",
            parameters.fallback_s.map_or_else(none, |seconds| format!("{seconds} s")),
        ),
        ("typed numbers", parameters.typed.as_deref().map_or_else(none, words)),
        (
            "sold offline",
            parameters.offline.map_or_else(none, |limits| {
                let (most, total) = (limit(Some(limits.most)), limit(Some(limits.total)));
                format!("up to {most} each, {} of them and {total} together until the host has them", limits.count)
            }),
        ),
        (
            "instalments",
            parameters.instalments.as_ref().map_or_else(none, |offer| {
                let numbers = offer.periods.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
                let programme =
                    offer.programme.as_ref().map(|programme| format!(", programme {programme}")).unwrap_or_default();
                format!("{numbers} periods from {}{programme}", limit(Some(offer.from)))
            }),
        ),
        ("kept and not used", if others.is_empty() { none() } else { others.join(", ") }),
        ("not as the acquirer sent it", if adjusted.is_empty() { none() } else { adjusted.join(", ") }),
    ]
}

fn application_values(application: &Application) -> Vec<(&'static str, String)> {
    let Application { partial, version, action_codes, floor_limit, random_selection: random, .. } = application;
    vec![
        ("partial name", partial.to_string()),
        ("version", hex::encode(version)),
        ("TAC denial", hex::encode(&action_codes.denial)),
        ("TAC online", hex::encode(&action_codes.online)),
        ("TAC default", hex::encode(&action_codes.default)),
        ("floor limit", floor_limit.to_string()),
        ("random selection", format!("{} {}% {}%", random.threshold, random.target, random.maximum)),
        ("default DDOL", application.default_ddol.to_string()),
        ("default TDOL", application.default_tdol.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string)),
    ]
}

/// When to ask the host for its data. Only the engine's thread touches it.
#[derive(Debug)]
pub(super) struct ParameterDesk {
    ordered: bool,
    began: Option<Instant>,
    not_before: Instant,
    /// How many sets in a row could not be taken.
    refused: u32,
}

impl ParameterDesk {
    pub fn new() -> Self {
        Self { ordered: false, began: None, not_before: clock::instant(), refused: 0 }
    }

    /// The host wants its data to be fetched.
    pub fn order(&mut self) {
        self.ordered = true;
    }

    pub fn wants_update(&self) -> bool {
        self.ordered && self.began.is_none() && clock::instant() >= self.not_before
    }

    pub fn update_begins(&mut self) {
        self.began = Some(clock::instant());
        self.ordered = false;
    }

    /// Whether an update is on its way that the engine waits for.
    pub fn under_way(&self) -> bool {
        self.began.is_some_and(|began| clock::since(began) < PATIENCE)
    }

    /// The host is being asked.
    pub const fn asking(&self) -> bool {
        self.began.is_some()
    }

    /// `failed` tells whether it came to nothing, and then whether by what the host sent.
    fn update_ended(&mut self, failed: Option<bool>) {
        self.began = None;
        self.ordered |= failed.is_some();
        // A line that is down says nothing about the set.
        self.refused = match failed {
            None => 0,
            Some(true) => self.refused + 1,
            Some(false) => self.refused,
        };
        let doublings = self.refused.saturating_sub(1).min(MOST_DOUBLINGS);
        self.not_before = clock::instant() + INTERVAL * (1 << doublings);
    }
}

impl Core {
    /// What counts from the next payment on.
    fn take_set(&mut self, in_use: InUse) {
        let InUse { data, tables, hashes, provenance, .. } = in_use;
        self.parts.terminal = data;
        self.parts.tables = tables;
        self.parts.set = (provenance, hashes);
    }

    pub(super) fn after_update(&mut self, result: Result<Update, UpdateError>) {
        self.parameters.update_ended(result.as_ref().err().map(UpdateError::is_of_the_set));
        match result {
            Ok(Update { in_use, unusable, unconfirmed }) => {
                let before = (&self.parts.terminal, &*self.parts.tables);
                let changes = Changes::between(before, (&in_use.data, &in_use.tables));
                tracing::info!(set = %in_use.provenance, ?changes, ?unusable, "new terminal data");
                match unconfirmed {
                    Some(error) => {
                        tracing::warn!(%error, "the host could not be told that its terminal data were taken");
                    }
                    // An answer that was given before the host heard of it ordered the same; what it still wants it repeats.
                    None => self.parameters.ordered = false,
                }
                self.take_set(in_use);
                self.note_done(&Order::DOWNLOADS);
            }
            Err(error) => tracing::warn!(%error, "terminal data"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_named_with_what_was_before() {
        let before = TerminalData::shipped().unwrap();
        let mut after = before.clone();
        after.applications[0].action_codes.denial = [0xFF; 5];
        after.applications[1].aid = vec![0xA0, 0, 0, 9, 0x99];
        let none = HostTables::default();
        let changes = Changes::between((&before, &none), (&after, &none));
        assert_eq!(changes.added, ["application A000000999"]);
        assert_eq!(changes.removed, ["application A000000333010102"]);
        assert_eq!(changes.changed, ["application A000000333010101: TAC denial FFFFFFFFFF, before 0010000000"]);
        assert!(Changes::between((&before, &none), (&before, &none)).is_empty());
        let tables = "terminal = { tries = 5 }\ncard = [{ prefix = \"62\", bank = \"A\", kind = \"debit\" }]";
        let changes = Changes::between((&before, &none), (&before, &HostTables::parse(tables).unwrap()));
        assert_eq!(
            (changes.added, changes.changed),
            (vec!["card 62".to_owned()], vec!["terminal: tries of the queue 5, before none".to_owned()])
        );
    }

    #[test]
    fn the_host_is_asked_when_it_orders_and_not_again_at_once() {
        let mut desk = ParameterDesk::new();
        assert!(!desk.wants_update());
        desk.order();
        assert!(desk.wants_update());
        desk.update_begins();
        desk.order();
        assert!(desk.under_way() && !desk.wants_update(), "one at a time");
        desk.update_ended(None);
        assert!(
            !desk.under_way() && !desk.wants_update(),
            "a host that orders with every answer is asked now and then"
        );
        desk.not_before = Instant::now();
        assert!(desk.wants_update(), "what was ordered meanwhile is not forgotten");
        desk.update_begins();
        desk.update_ended(Some(false));
        desk.not_before = Instant::now();
        assert!(desk.wants_update(), "what failed is tried again");
    }

    #[test]
    fn a_set_that_cannot_be_taken_is_asked_for_less_and_less_often() {
        let mut desk = ParameterDesk::new();
        let mut wait = |failed| {
            desk.update_begins();
            desk.update_ended(failed);
            (desk.not_before - Instant::now()).as_secs().div_ceil(60)
        };
        let waits: Vec<_> = (0..8).map(|_| wait(Some(true))).collect();
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 160, 160]);
        assert_eq!(wait(Some(false)), 160, "a line that is down says nothing about the set");
        assert_eq!(wait(None), 5, "taken");
        assert_eq!(wait(Some(false)), 5, "the line is tried again soon");
        assert_eq!(wait(Some(true)), 5);
    }
}
