//! What the terminal brings to every transaction: its own description and the applications it takes, from
//! `assets/emv/terminal.toml` and `assets/emv/aids.toml`; and what can be asked of a card, and where.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::{ActionCodes, Reach};
use super::ca_keys::{CaKeys, CaKeysError, RevocationList};
use super::dol::DataObjectList;
use super::risk::RandomSelection;
use super::tag::{self, Tag};
use crate::crypto::hex;

/// What is asked of the application (9C: the first two digits of the processing code, ISO 8583).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionKind {
    /// Goods or services.
    Purchase,
    /// Cash, at a counter or a machine.
    Cash,
    /// Money is set aside for goods or services.
    PreAuthorisation,
    /// Goods or services with cash on top (9F03).
    Cashback,
    /// Money back to the cardholder. The card is only read: what becomes of it is the acquirer's to say.
    Refund,
    /// What is on the account. Only the issuer knows.
    Balance,
}

impl TransactionKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Purchase, Self::Cash, Self::PreAuthorisation, Self::Cashback, Self::Refund, Self::Balance];

    /// 9C.
    pub const fn code(self) -> u8 {
        match self {
            Self::Purchase => 0x00,
            Self::Cash => 0x01,
            Self::PreAuthorisation => 0x03,
            Self::Cashback => 0x09,
            Self::Refund => 0x20,
            Self::Balance => 0x31,
        }
    }
}

/// Where the card is asked (9F35 and 9F40, EMV 4.4 Book 4, annex A1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Somebody stands at the terminal.
    Attended,
    /// Nobody does.
    Unattended,
    /// A bank's cash machine: terminal type 14, 15 or 16 that gives cash.
    Atm,
}

/// The terminal's side of EMV.
#[derive(Clone, Debug)]
pub struct TerminalData {
    /// 9F1A, ISO 3166 numeric.
    pub country: [u8; 2],
    /// 9F35 (EMV 4.4 Book 4, annex A1).
    pub terminal_type: u8,
    /// 9F33 (annex A2).
    pub capabilities: [u8; 3],
    /// 9F40 (annex A3).
    pub additional_capabilities: [u8; 5],
    /// Languages this terminal speaks, ISO 639, the preferred one first.
    pub languages: Vec<[u8; 2]>,
    /// Objects for field 55 of a request.
    pub host_data: Vec<Tag>,
    /// Objects for field 55 of a reversal.
    pub reversal_data: Vec<Tag>,
    /// Objects for field 55 of the advice that brings the card's TC.
    pub card_result_data: Vec<Tag>,
    /// Objects for field 55 of the advice that brings what came of scripts.
    pub script_result_data: Vec<Tag>,
    /// Applications, in order of preference.
    pub applications: Vec<Application>,
    /// Keys of certification authorities; live or test, never both.
    pub ca_keys: Arc<CaKeys>,
    /// Issuer certificates that were taken back.
    pub revoked: RevocationList,
}

/// An application this terminal takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Application identifier, 5 to 16 bytes.
    pub aid: Vec<u8>,
    /// True when a longer name on the card that begins with it is taken as well.
    pub partial: bool,
    /// 9F09.
    pub version: [u8; 2],
    /// Terminal action codes.
    pub action_codes: ActionCodes,
    /// 9F1B, in minor units of the terminal's currency.
    pub floor_limit: u32,
    /// How often a sale below the floor limit goes online all the same.
    pub random_selection: RandomSelection,
    /// For a card that has no DDOL of its own (9F49; Book 4, 6.3.2).
    pub default_ddol: DataObjectList,
    /// For a card that asks for a TC hash and has no TDOL of its own (97; Book 3, 5.4).
    pub default_tdol: Option<DataObjectList>,
}

/// A file of terminal data that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TerminalDataError {
    /// Not TOML of this shape.
    #[error("{file}: {problem}")]
    Shape {
        /// Which file.
        file: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A value that is not what its key asks for.
    #[error("{key} = \"{value}\" is not {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Percentages or a threshold that contradict each other.
    #[error("aids.toml, {aid}: random selection needs target <= maximum <= 99 and a threshold below the floor limit")]
    RandomSelection {
        /// The application.
        aid: String,
    },
    /// The keys of certification authorities.
    #[error(transparent)]
    CaKeys(#[from] CaKeysError),
    /// The same application twice.
    #[error("aids.toml names the application {aid} twice; keep one")]
    Twice {
        /// The application.
        aid: String,
    },
    /// An application cannot be written as TOML.
    #[error("application {aid} cannot be written: {problem}")]
    Written {
        /// The application.
        aid: String,
        /// What the TOML library says.
        problem: String,
    },
    /// A terminal at which a card could approve by itself.
    #[error(
        "terminal_type = \"{terminal_type:02X}\" lets a card approve without the issuer, and offline sales are not built; \
         set an online-only type (21, 24)"
    )]
    ApprovesOffline {
        /// 9F35.
        terminal_type: u8,
    },
    /// No application at all.
    #[error("aids.toml names no application; no card could be taken")]
    NoApplication,
}

impl TerminalData {
    /// The description that comes with the program.
    pub const SHIPPED_TERMINAL: &str = include_str!("../../assets/emv/terminal.toml");

    /// The applications that come with the program.
    pub const SHIPPED_APPLICATIONS: &str = include_str!("../../assets/emv/aids.toml");

    /// The data that comes with the program.
    ///
    /// # Errors
    /// None for the files that are shipped; a test reads them.
    pub fn shipped() -> Result<Self, TerminalDataError> {
        Self::parse(Self::SHIPPED_TERMINAL, Self::SHIPPED_APPLICATIONS, CaKeys::shipped_live()?)?.for_sales()
    }

    /// The same data, for a terminal that sells. The payment core asks the host for every sale: with a card that may
    /// approve by itself it could do nothing but leave the goods unpaid.
    ///
    /// # Errors
    /// When the terminal type is not online only.
    pub fn for_sales(self) -> Result<Self, TerminalDataError> {
        match Reach::of_terminal_type(self.terminal_type) {
            Reach::OnlineOnly => Ok(self),
            Reach::OfflineWithOnline | Reach::OfflineOnly => {
                Err(TerminalDataError::ApprovesOffline { terminal_type: self.terminal_type })
            }
        }
    }

    /// The same terminal for a sale of which nobody asks the host: of a type at which a card may approve alone, and with a floor limit for
    /// that.
    #[must_use]
    pub fn for_an_offline_sale(mut self, floor_limit: u32) -> Self {
        if Reach::of_terminal_type(self.terminal_type) == Reach::OnlineOnly {
            // The same place and the same owner: 21 and 22, 24 and 25 (Book 4, annex A1).
            self.terminal_type += 1;
        }
        for application in &mut self.applications {
            application.floor_limit = floor_limit;
        }
        self
    }

    /// Reads both files; the keys were read apart.
    ///
    /// # Errors
    /// When one is not of its shape, or a value has the wrong length.
    pub fn parse(terminal: &str, aids: &str, ca_keys: CaKeys) -> Result<Self, TerminalDataError> {
        let terminal: TerminalFile = toml::from_str(terminal)
            .map_err(|error| TerminalDataError::Shape { file: "terminal.toml", problem: error.to_string() })?;
        let aids = AidEntry::all_of(aids)?;
        if aids.is_empty() {
            return Err(TerminalDataError::NoApplication);
        }
        let applications: Vec<_> = aids.iter().map(Application::read).collect::<Result<_, _>>()?;
        let mut seen = BTreeSet::new();
        if let Some(again) = applications.iter().find(|application| !seen.insert(&application.aid)) {
            return Err(TerminalDataError::Twice { aid: hex::encode(&again.aid) });
        }
        Ok(Self {
            country: bytes("country", &terminal.country, "hexadecimal of 2 bytes")?,
            terminal_type: bytes::<1>("terminal_type", &terminal.terminal_type, "hexadecimal of 1 byte")?[0],
            capabilities: bytes("capabilities", &terminal.capabilities, "hexadecimal of 3 bytes")?,
            additional_capabilities: bytes(
                "additional_capabilities",
                &terminal.additional_capabilities,
                "hexadecimal of 5 bytes",
            )?,
            languages: terminal.languages.iter().map(|text| language(text)).collect::<Result<_, _>>()?,
            host_data: tags("host_data", &terminal.host_data)?,
            reversal_data: tags("reversal_data", &terminal.reversal_data)?,
            card_result_data: tags("card_result_data", &terminal.card_result_data)?,
            script_result_data: tags("script_result_data", &terminal.script_result_data)?,
            ca_keys: Arc::new(ca_keys),
            revoked: RevocationList::default(),
            applications,
        })
    }

    /// The same terminal with other keys of certification authorities.
    #[must_use]
    pub fn with_ca_keys(self, ca_keys: CaKeys) -> Self {
        Self { ca_keys: Arc::new(ca_keys), ..self }
    }

    /// Where this terminal stands.
    pub const fn place(&self) -> Place {
        let gives_cash = self.additional_capabilities[0] & 0x80 != 0;
        match self.terminal_type {
            0x14..=0x16 if gives_cash => Place::Atm,
            0x14..=0x16 | 0x24..=0x26 | 0x34..=0x36 => Place::Unattended,
            _ => Place::Attended,
        }
    }
}

impl Application {
    /// True when a DF name on the card is this application.
    pub fn matches(&self, df_name: &[u8]) -> bool {
        df_name == self.aid || (self.partial && df_name.starts_with(&self.aid))
    }

    fn read(entry: &AidEntry) -> Result<Self, TerminalDataError> {
        let refused = || TerminalDataError::Value {
            key: "aid",
            value: entry.aid.clone(),
            expected: "hexadecimal of 5 to 16 bytes",
        };
        let aid = hex::decode(&entry.aid).map_err(|_| refused())?;
        if !(5..=16).contains(&aid.len()) {
            return Err(refused());
        }
        Ok(Self {
            aid,
            partial: entry.partial,
            version: bytes("version", &entry.version, "hexadecimal of 2 bytes")?,
            action_codes: ActionCodes {
                denial: bytes("tac_denial", &entry.tac_denial, "hexadecimal of 5 bytes")?,
                online: bytes("tac_online", &entry.tac_online, "hexadecimal of 5 bytes")?,
                default: bytes("tac_default", &entry.tac_default, "hexadecimal of 5 bytes")?,
            },
            floor_limit: entry.floor_limit,
            random_selection: random_selection(entry)?,
            default_ddol: list("ddol", tag::DDOL, &entry.ddol)?,
            default_tdol: entry.tdol.as_ref().map(|text| list("tdol", tag::TDOL, text)).transpose()?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TerminalFile {
    country: String,
    terminal_type: String,
    capabilities: String,
    additional_capabilities: String,
    languages: Vec<String>,
    host_data: Vec<String>,
    reversal_data: Vec<String>,
    card_result_data: Vec<String>,
    script_result_data: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AidFile {
    #[serde(default)]
    aid: Vec<AidEntry>,
}

/// An application as it stands in `aids.toml`; not checked before the file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AidEntry {
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Whether a longer name on the card is taken as well.
    #[serde(default)]
    pub partial: bool,
    /// 9F09, hexadecimal.
    pub version: String,
    /// Terminal action code, denial, hexadecimal.
    pub tac_denial: String,
    /// Terminal action code, online, hexadecimal.
    pub tac_online: String,
    /// Terminal action code, default, hexadecimal.
    pub tac_default: String,
    /// 9F1B, in minor units.
    pub floor_limit: u32,
    /// Threshold of random selection, in minor units.
    #[serde(default)]
    pub random_threshold: u32,
    /// Target percentage of random selection.
    #[serde(default)]
    pub random_target: u8,
    /// Maximum target percentage of random selection.
    #[serde(default)]
    pub random_maximum: u8,
    /// Default DDOL, hexadecimal.
    pub ddol: String,
    /// Default TDOL, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tdol: Option<String>,
}

impl AidEntry {
    /// The applications of a text in the shape of `aids.toml`, as they are written there.
    ///
    /// # Errors
    /// When it is not of that shape.
    pub fn all_of(text: &str) -> Result<Vec<Self>, TerminalDataError> {
        let file: AidFile = toml::from_str(text)
            .map_err(|error| TerminalDataError::Shape { file: "aids.toml", problem: error.to_string() })?;
        Ok(file.aid)
    }

    /// This application's part of `aids.toml`.
    ///
    /// # Errors
    /// None that these values allow; passed on from the TOML library.
    pub fn text(&self) -> Result<String, TerminalDataError> {
        let values = toml::to_string(self)
            .map_err(|error| TerminalDataError::Written { aid: self.aid.clone(), problem: error.to_string() })?;
        Ok(format!("[[aid]]\n{values}"))
    }
}

fn random_selection(entry: &AidEntry) -> Result<RandomSelection, TerminalDataError> {
    let AidEntry { random_threshold: threshold, random_target: target, random_maximum: maximum, .. } = *entry;
    let possible = target <= maximum && maximum <= 99 && (threshold == 0 || threshold < entry.floor_limit);
    if possible {
        Ok(RandomSelection { threshold, target, maximum })
    } else {
        Err(TerminalDataError::RandomSelection { aid: entry.aid.clone() })
    }
}

fn list(key: &'static str, tag: Tag, text: &str) -> Result<DataObjectList, TerminalDataError> {
    let refused = || TerminalDataError::Value { key, value: text.to_owned(), expected: "tags with a length each" };
    let bytes = hex::decode(text).map_err(|_| refused())?;
    DataObjectList::parse(tag, &bytes).map_err(|_| refused())
}

fn language(text: &str) -> Result<[u8; 2], TerminalDataError> {
    let refused =
        || TerminalDataError::Value { key: "languages", value: text.to_owned(), expected: "two small letters" };
    let letters: [u8; 2] = text.as_bytes().try_into().map_err(|_| refused())?;
    if letters.iter().all(u8::is_ascii_lowercase) { Ok(letters) } else { Err(refused()) }
}

fn bytes<const N: usize>(key: &'static str, text: &str, expected: &'static str) -> Result<[u8; N], TerminalDataError> {
    let refused = || TerminalDataError::Value { key, value: text.to_owned(), expected };
    hex::decode(text).map_err(|_| refused())?.try_into().map_err(|_| refused())
}

fn tags(key: &'static str, texts: &[String]) -> Result<Vec<Tag>, TerminalDataError> {
    let read = |text: &String| {
        let refused = || TerminalDataError::Value { key, value: text.clone(), expected: "hexadecimal of one tag" };
        let bytes = hex::decode(text).map_err(|_| refused())?;
        match Tag::read(&bytes) {
            Some((tag, length)) if length == bytes.len() => Ok(tag),
            _ => Err(refused()),
        }
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_are_readable() {
        let data = TerminalData::shipped().unwrap();
        assert_eq!(data.country, [0x01, 0x56]);
        assert!(data.applications[0].matches(&hex::decode("A00000033301010101").unwrap()));
        assert!(!data.applications[0].matches(&hex::decode("A000000333").unwrap()));
    }

    /// What is built: a reader for chips and a slip to sign. No keyed entry, no magnetic stripe, no PIN pad.
    #[test]
    fn the_terminal_claims_nothing_that_it_cannot_do() {
        const CHIP: u8 = 0x20;
        const SIGNATURE_AND_NO_CVM: u8 = 0x28;
        let [input, verification, security] = TerminalData::shipped().unwrap().capabilities;
        assert_eq!(input, CHIP);
        assert_eq!(verification, SIGNATURE_AND_NO_CVM);
        const SDA_DDA_CDA: u8 = 0xC8;
        assert_eq!(security, SDA_DDA_CDA);
    }

    #[test]
    fn the_terminal_type_says_where_it_stands() {
        let mut data = TerminalData::shipped().unwrap();
        for (terminal_type, gives_cash, place) in [
            (0x21, false, Place::Attended),
            (0x14, true, Place::Atm),
            (0x14, false, Place::Unattended),
            (0x25, true, Place::Unattended),
        ] {
            data.terminal_type = terminal_type;
            data.additional_capabilities[0] = if gives_cash { 0x80 } else { 0x60 };
            assert_eq!(data.place(), place, "{terminal_type:02X}");
        }
    }

    #[test]
    fn a_terminal_that_sells_is_online_only() {
        for (terminal_type, sells) in [(0x21, true), (0x24, true), (0x22, false), (0x23, false), (0x25, false)] {
            let terminal = TerminalData { terminal_type, ..TerminalData::shipped().unwrap() };
            let refused = terminal.for_sales().err();
            let expected = TerminalDataError::ApprovesOffline { terminal_type };
            assert_eq!(refused, (!sells).then_some(expected), "{terminal_type:02X}");
        }
        let refused = TerminalDataError::ApprovesOffline { terminal_type: 0x22 }.to_string();
        assert!(refused.contains("\"22\"") && refused.contains("online-only type (21, 24)"), "{refused}");
    }

    #[test]
    fn wrong_values_are_named() {
        let (terminal, aids) = (TerminalData::SHIPPED_TERMINAL, TerminalData::SHIPPED_APPLICATIONS);
        let error = |terminal: &str, aids: &str| {
            TerminalData::parse(terminal, aids, CaKeys::shipped_test().unwrap()).unwrap_err().to_string()
        };
        assert!(error(&terminal.replace("\"0156\"", "\"156\""), aids).contains("country"));
        assert!(error(&terminal.replace("\"9F26\"", "\"9F\""), aids).contains("host_data"));
        assert!(error(terminal, &aids.replace("A000000333010101", "A0")).contains("5 to 16"));
        assert!(error(terminal, &aids.replace("floor_limit", "flor_limit")).contains("flor_limit"));
        assert!(error(terminal, &aids.replacen("\"9F3704\"", "\"9F37\"", 1)).contains("ddol"));
        assert!(
            error(terminal, &aids.replacen("floor_limit = 0", "floor_limit = 0\nrandom_target = 5", 1))
                .contains("random")
        );
        assert!(error(&terminal.replace("\"zh\"", "\"ZH\""), aids).contains("languages"));
        assert!(error(terminal, "").contains("no application"));
        assert!(error(terminal, &aids.replace("A000000333010102", "A000000333010101")).contains("twice"));
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let shipped = AidEntry::all_of(TerminalData::SHIPPED_APPLICATIONS).unwrap();
        let text: String = shipped.iter().map(|entry| entry.text().unwrap()).collect();
        assert_eq!(AidEntry::all_of(&text).unwrap(), shipped);
    }
}
