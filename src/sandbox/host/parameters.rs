//! The applications, CA keys and tables that this host has for its terminals: those that come with the program, or those that
//! somebody put into `parameters/` of its state directory (`aids.toml`, `capk.toml`, `host.toml`). They are read anew for every question, so that a file that is
//! changed counts at once. TEST keys only: a set with any other is not served.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::acquirer::parameters::{field62, tables};
use crate::crypto::hex;
use crate::crypto::rsa::sha_1;
use crate::emv::ca_keys::{CaKeys, CaKeysError, KeyEntry, KeyWorld, Rid};
use crate::emv::terminal::{AidEntry, TerminalData, TerminalDataError};
use crate::host_tables::{CardKind, HostTables, HostTablesError, InstalmentOffer, is_whole};
use crate::iso8583::dialect::{ParameterRules, TableRules};
use crate::iso8583::{Message, Mti, Order};

/// Names on one part of a list: few, so that a terminal has to ask for more than one part.
const PAGE: usize = 8;

/// Where the sets are.
#[derive(Debug)]
pub struct Parameters {
    directory: PathBuf,
    /// Where e-receipts are, unless the file says it.
    receipts: Mutex<Option<String>>,
}

/// Which sets these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Of the CA keys: SHA-1 of the file they were read from.
    pub ca_keys: String,
    /// Of the applications: the same.
    pub applications: String,
    /// Of the terminal's parameters and the words for response codes: SHA-1 of what they say.
    pub parameters: String,
    /// Of the list of cards: the same.
    pub cards: String,
}

/// What a terminal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// What CA keys there are.
    KeyList,
    /// One of them.
    Key,
    /// That it has them.
    KeysTaken,
    /// What applications there are.
    ApplicationList,
    /// One of them.
    Application,
    /// That it has them.
    ApplicationsTaken,
    /// Its own parameters.
    Terminal,
    /// Those about payments.
    Business,
    /// The card list.
    Cards,
    /// Words for response codes.
    Texts,
    /// That it has one of the first two of these; the end of the words follows.
    ParametersTaken,
    /// That it has the card list.
    CardsTaken,
    /// That it has the words, and with them all parameters.
    TextsTaken,
    /// Nothing: it tells how it is.
    Status,
}

/// A card that the acquirer lists by its whole number.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct SingleCard {
    number: String,
    bank: String,
    #[zeroize(skip)]
    kind: CardKind,
    #[serde(default)]
    refused: bool,
}

/// A set that is not served.
#[derive(Debug, thiserror::Error)]
pub enum ParametersError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The applications.
    #[error("parameters: {0}")]
    Applications(#[from] TerminalDataError),
    /// The CA keys.
    #[error("parameters: {0}")]
    CaKeys(#[from] CaKeysError),
    /// The tables.
    #[error("parameters/host.toml: {0}")]
    Tables(#[from] HostTablesError),
    /// Live keys.
    #[error("parameters/capk.toml does not say test = true; live keys do not leave a sandbox")]
    Live,
}

impl Question {
    /// The question that a message is, by its type and its network management code.
    pub fn of(rules: &ParameterRules, message: &Message) -> Option<Self> {
        let code = message.text(60)?.get(8..11)?;
        let is = |mti: Mti, known: &str| message.mti() == mti && code == known;
        let mut known = vec![
            (Mti::NETWORK_ADVICE, &rules.ca_keys.list, Self::KeyList),
            (Mti::NETWORK_REQUEST, &rules.ca_keys.fetch, Self::Key),
            (Mti::NETWORK_REQUEST, &rules.ca_keys.end, Self::KeysTaken),
            (Mti::NETWORK_ADVICE, &rules.applications.list, Self::ApplicationList),
            (Mti::NETWORK_REQUEST, &rules.applications.fetch, Self::Application),
            (Mti::NETWORK_REQUEST, &rules.applications.end, Self::ApplicationsTaken),
            (Mti::NETWORK_ADVICE, &rules.status, Self::Status),
        ];
        if let Some(TableRules { terminal, business, cards, texts, .. }) = &rules.tables {
            for (table, fetch, end) in [
                (terminal, Self::Terminal, Self::ParametersTaken),
                (business, Self::Business, Self::ParametersTaken),
                (cards, Self::Cards, Self::CardsTaken),
                (texts, Self::Texts, Self::TextsTaken),
            ] {
                known.push((Mti::NETWORK_REQUEST, &table.fetch, fetch));
                known.push((Mti::NETWORK_REQUEST, &table.end, end));
            }
        }
        known.into_iter().find_map(|(mti, known, question)| is(mti, known).then_some(question))
    }
}

impl Versions {
    /// Of the sets that come with the program: what a terminal has that never fetched any.
    pub fn shipped() -> Self {
        let tables = HostTables::default();
        Self {
            ca_keys: version(CaKeys::SHIPPED_TEST),
            applications: version(TerminalData::SHIPPED_APPLICATIONS),
            parameters: tables.parameters_digest(),
            cards: tables.cards_digest(),
        }
    }

    /// What a terminal that has `theirs` is ordered to fetch.
    pub fn order(&self, theirs: &Self) -> Option<Order> {
        [
            (&self.ca_keys, &theirs.ca_keys, Order::CaKeys),
            (&self.applications, &theirs.applications, Order::Applications),
            (&self.parameters, &theirs.parameters, Order::Parameters),
            (&self.cards, &theirs.cards, Order::Cards),
        ]
        .into_iter()
        .find_map(|(ours, theirs, order)| (ours != theirs).then_some(order))
    }
}

impl Parameters {
    /// The sets of a host with this state directory.
    pub fn new(state: &Path) -> Self {
        Self { directory: state.join("parameters"), receipts: Mutex::default() }
    }

    /// From now on terminals are told that e-receipts are there, where `host.toml` names no other place.
    pub fn offer_receipts(&self, address: &str) {
        *self.receipts.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.to_owned());
    }

    /// Which sets count now.
    ///
    /// # Errors
    /// When a file cannot be read, or the tables cannot be used.
    pub fn versions(&self) -> Result<Versions, ParametersError> {
        let (tables, single) = self.tables()?;
        // Numbers go into it only where there are any: a terminal that never fetched a list has that of its program.
        let digest = tables.cards_digest();
        let cards = if single.is_empty() {
            digest
        } else {
            let mut covered = digest.into_bytes();
            single.iter().for_each(|card| covered.extend(card.record()));
            hex::encode(&sha_1(&[&Zeroizing::new(covered)]))
        };
        Ok(Versions {
            ca_keys: version(&self.ca_keys()?),
            applications: version(&self.applications()?),
            parameters: tables.parameters_digest(),
            cards,
        })
    }

    /// In how many periods terminals are told that sales may be paid.
    ///
    /// # Errors
    /// When the file cannot be read, or the tables cannot be used.
    pub fn instalments(&self) -> Result<Option<InstalmentOffer>, ParametersError> {
        Ok(self.tables()?.0.terminal.instalments)
    }

    /// Checks the sets as a whole, as a terminal will.
    ///
    /// # Errors
    /// When a terminal would refuse them, or the keys are not test keys.
    pub fn check(&self) -> Result<(Vec<AidEntry>, Vec<KeyEntry>), ParametersError> {
        let (applications, keys) = (self.applications()?, self.ca_keys()?);
        let ca_keys = CaKeys::parse(&keys)?;
        if ca_keys.world() == KeyWorld::Live {
            return Err(ParametersError::Live);
        }
        ca_keys.check_world()?;
        TerminalData::parse(TerminalData::SHIPPED_TERMINAL, &applications, ca_keys)?;
        self.tables()?;
        Ok((AidEntry::all_of(&applications)?, KeyEntry::all_of(&keys)?))
    }

    /// Field 62 of the answer to a question with this field 62; nothing when the question cannot be understood.
    ///
    /// # Errors
    /// As [`Parameters::check`].
    pub fn answer(
        &self,
        rules: &ParameterRules,
        question: &Question,
        asked: &[u8],
    ) -> Result<Option<Vec<u8>>, ParametersError> {
        let (applications, keys) = self.check()?;
        Ok(match question {
            Question::KeyList => page(keys.iter().filter_map(key_name).map(field62::write_key_name).collect(), asked),
            Question::Key => field62::read_key_name(asked).map(|name| {
                let key = keys.iter().find(|key| key_name(key) == Some(name));
                key.and_then(field62::write_ca_key).unwrap_or_else(field62::write_nothing)
            }),
            Question::ApplicationList => {
                let names = applications.iter().filter_map(|entry| hex::decode(&entry.aid).ok());
                page(names.map(|aid| field62::write_application_name(&aid)).collect(), asked)
            }
            Question::Application => field62::read_application_name(asked).map(|aid| {
                let entry = applications.iter().find(|entry| hex::decode(&entry.aid).is_ok_and(|known| known == aid));
                entry
                    .and_then(|entry| field62::write_application(entry, rules.amounts))
                    .unwrap_or_else(field62::write_nothing)
            }),
            Question::Terminal | Question::Business | Question::Cards | Question::Texts => {
                let Some(rules) = &rules.tables else { return Ok(None) };
                self.table(rules, *question, asked)?
            }
            Question::KeysTaken
            | Question::ApplicationsTaken
            | Question::ParametersTaken
            | Question::CardsTaken
            | Question::TextsTaken
            | Question::Status => Some(Vec::new()),
        })
    }

    fn table(&self, rules: &TableRules, question: Question, asked: &[u8]) -> Result<Option<Vec<u8>>, ParametersError> {
        let (HostTables { terminal, card, text, .. }, single) = self.tables()?;
        let part = |records: Vec<Vec<u8>>| tables::write_records(&records, tables::received(asked)?);
        Ok(match question {
            Question::Terminal => tables::write_terminal(&terminal, &rules.layout),
            Question::Business => tables::write_business(&terminal, &rules.tags),
            Question::Cards => {
                part(card.iter().map(tables::write_card).chain(single.iter().map(SingleCard::record)).collect())
            }
            _ => part(text.iter().map(tables::write_text).collect()),
        })
    }

    /// The tables, and the cards that the acquirer lists by their whole numbers. Whatever is wrong with them, no number is told.
    fn tables(&self) -> Result<(HostTables, Vec<SingleCard>), ParametersError> {
        let shape = |error: toml::de::Error| HostTablesError::Shape(error.message().to_owned());
        let mut file: toml::Table = Zeroizing::new(self.own("host.toml", "")?).parse().map_err(shape)?;
        let single: Vec<SingleCard> = match file.remove("single_card") {
            Some(single) => single.try_into().map_err(shape)?,
            None => Vec::new(),
        };
        if let Some(place) = single.iter().position(|card| !is_whole(&card.number)) {
            let place = format!("single card {}", place + 1);
            return Err(HostTablesError::Value { place, problem: "its number has 13 to 19 digits" }.into());
        }
        let mut tables = HostTables::parse(&file.to_string())?;
        if tables.terminal.receipt_address.is_none() {
            tables.terminal.receipt_address.clone_from(&self.receipts.lock().unwrap_or_else(PoisonError::into_inner));
        }
        Ok((tables, single))
    }

    fn applications(&self) -> Result<String, ParametersError> {
        self.own("aids.toml", TerminalData::SHIPPED_APPLICATIONS)
    }

    fn ca_keys(&self) -> Result<String, ParametersError> {
        self.own("capk.toml", CaKeys::SHIPPED_TEST)
    }

    /// A file that somebody put there, or else the one that comes with the program.
    fn own(&self, name: &str, shipped: &str) -> Result<String, ParametersError> {
        let path = self.directory.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(shipped.to_owned()),
            Err(source) => Err(ParametersError::File { path: path.display().to_string(), source }),
        }
    }
}

impl SingleCard {
    fn record(&self) -> Vec<u8> {
        tables::write_number(&self.number, &self.bank, self.kind, self.refused)
    }
}

fn page(names: Vec<Vec<u8>>, asked: &[u8]) -> Option<Vec<u8>> {
    let received = field62::names_received(asked)?;
    let rest = names.get(received..).unwrap_or_default();
    if rest.is_empty() {
        return Some(field62::write_nothing());
    }
    Some(field62::write_page(&rest[..rest.len().min(PAGE)], received == 0, rest.len() > PAGE))
}

fn key_name(key: &KeyEntry) -> Option<field62::KeyName> {
    let rid = Rid(hex::decode(&key.rid).ok()?.try_into().ok()?);
    Some(field62::KeyName { rid, index: hex::decode(&key.index).ok()?.first().copied()? })
}

fn version(text: &str) -> String {
    hex::encode(&sha_1(&[text.as_bytes()]))
}
