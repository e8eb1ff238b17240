//! Terminal data as the host last sent them: applications and keys of certification authorities, kept as TOML in the state
//! directory, one folder for each set. What the host sent takes the place of what came with the program.
//!
//! ```text
//! emv/000007/aids.toml    applications          emv/000006/    the set before it
//! emv/000007/host.toml    the acquirer's tables
//! emv/000007/capk.toml    CA keys               emv/refused.toml   the last set that was not taken, and why
//! emv/000007/set.toml     when, from where, and what the others hash to
//! ```
//! A set is used whole or not at all: it is checked by the code that the kernel reads it with, before it is written and
//! whenever it is read. One that is broken is named and passed over, and the one before it counts. The terminal's
//! description of itself (`terminal.toml`) always comes with the program: it says what the program can do.

mod writing;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::crypto::hex;
use crate::crypto::rsa::sha_1;
use crate::emv::ca_keys::{CaKeys, CaKeysError, KeyEntry, KeyWorld};
use crate::emv::terminal::{AidEntry, TerminalData, TerminalDataError};
use crate::host_tables::{HostTables, HostTablesError, NumberKey};

/// Names of the files of a set.
const APPLICATIONS: &str = "aids.toml";
const CA_KEYS: &str = "capk.toml";
const TABLES: &str = "host.toml";
const SET: &str = "set.toml";

/// The note of a set that was not taken.
const REFUSED: &str = "refused.toml";

/// The sets in a state directory.
#[derive(Clone, Debug)]
pub struct EmvFiles {
    directory: PathBuf,
    world: KeyWorld,
    sandbox_key: PathBuf,
    number_key: Option<NumberKey>,
}

/// What a host sent, not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSet {
    /// Applications, in the host's order.
    pub applications: Vec<HostApplication>,
    /// Keys of certification authorities.
    pub ca_keys: Vec<KeyEntry>,
    /// The acquirer's tables.
    pub tables: HostTables,
}

/// An application as the host sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostApplication {
    /// What the kernel takes of it.
    pub entry: AidEntry,
    /// All that was sent, hexadecimal: it stands beside the entry as a remark, for whoever looks for the rest.
    pub as_sent: String,
}

/// Which set counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The one that comes with the program.
    Shipped,
    /// One that the host sent.
    Host {
        /// Counts up from 1; the name of its folder.
        number: u32,
        /// When it was taken.
        at: Timestamp,
        /// The host's address.
        from: String,
    },
}

/// The terminal data that count, and what was found on the way to them.
#[derive(Clone, Debug)]
pub struct InUse {
    /// The data.
    pub data: TerminalData,
    /// The acquirer's tables, of the same set.
    pub tables: Arc<HostTables>,
    /// What the files of the set hash to.
    pub hashes: SetHashes,
    /// Where they are from.
    pub provenance: Provenance,
    /// Sets that should count and cannot be used, the newest first.
    pub passed_over: Vec<BrokenSet>,
    /// The last set of the host that was not taken, if none was taken since.
    pub refused: Option<RefusedSet>,
}

/// SHA-1 of what a set holds, hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetHashes {
    /// Of the applications.
    pub applications: String,
    /// Of the CA keys, without that of the sandbox's cards.
    pub ca_keys: String,
}

/// A set in the state directory that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenSet {
    /// Its folder.
    pub path: String,
    /// Why not.
    pub problem: String,
}

/// A set of the host that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedSet {
    /// When.
    #[serde(with = "instant")]
    pub at: Timestamp,
    /// Why.
    pub problem: String,
}

/// A set that cannot be taken, or files that cannot be used. Whatever it is, the set that counted before still counts.
#[derive(Debug, thiserror::Error)]
pub enum EmvFilesError {
    /// The applications.
    #[error(transparent)]
    Applications(#[from] TerminalDataError),
    /// The CA keys.
    #[error(transparent)]
    CaKeys(#[from] CaKeysError),
    /// The tables.
    #[error(transparent)]
    Tables(#[from] HostTablesError),
    /// The keys are not of this terminal's world.
    #[error("its CA keys are {keys} keys, this terminal is {terminal}")]
    World {
        /// Live or test.
        keys: KeyWorld,
        /// Live or test.
        terminal: KeyWorld,
    },
    /// A file has not the content that its set was written with.
    #[error("{0} is not as it was written; fetch the set again: yima parameters")]
    Changed(&'static str),
    /// The description of a set is not of its shape.
    #[error("{SET}: {0}")]
    Description(String),
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}; make sure that the state directory can be written")]
    File {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// `set.toml`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    #[serde(with = "instant")]
    at: Timestamp,
    from: String,
    /// SHA-1 of `aids.toml` and `capk.toml`: a file that was damaged since is found, whatever was damaged in it.
    aids: String,
    capk: String,
    /// Of `host.toml`; sets of earlier versions of the program have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    host: Option<String>,
}

/// The texts of a set.
struct Texts {
    applications: String,
    ca_keys: String,
    tables: String,
}

/// A set that was read and found right.
struct ReadSet {
    data: TerminalData,
    tables: Arc<HostTables>,
    hashes: SetHashes,
}

impl EmvFiles {
    /// The sets in a state directory, for a terminal that trusts keys of one world. A TEST terminal also trusts the key of
    /// the sandbox's own cards, when there is one at `sandbox_key`; a live one never looks there.
    pub fn new(state: &Path, world: KeyWorld, sandbox_key: &Path) -> Self {
        Self { directory: state.join("emv"), world, sandbox_key: sandbox_key.to_owned(), number_key: None }
    }

    /// Single cards of the acquirer's list are known under this key. Without it they are only counted.
    #[must_use]
    pub fn knowing(self, key: NumberKey) -> Self {
        Self { number_key: Some(key), ..self }
    }

    /// The data that count: of the newest set that can be used, or else those that come with the program.
    ///
    /// # Errors
    /// When the folder, or the key of the sandbox's cards, is there and cannot be read.
    pub fn load(&self) -> Result<InUse, EmvFilesError> {
        let mut passed_over = Vec::new();
        for (number, path) in self.sets()?.into_iter().rev() {
            match self.read_set(&path) {
                Ok((set, description)) => {
                    let Description { at, from, .. } = description;
                    return self.in_use(set, Provenance::Host { number, at, from }, passed_over);
                }
                Err(error) => {
                    let (path, problem) = (path.display().to_string(), error.to_string());
                    tracing::warn!(path, problem, "a set of terminal data cannot be used and is passed over");
                    passed_over.push(BrokenSet { path, problem });
                }
            }
        }
        let data = TerminalData::shipped()?;
        let (data, ca_keys) = match self.world {
            KeyWorld::Live => (data, CaKeys::SHIPPED_LIVE),
            KeyWorld::Test => (data.with_ca_keys(CaKeys::shipped_test()?), CaKeys::SHIPPED_TEST),
        };
        let hashes = SetHashes { applications: hash_of(TerminalData::SHIPPED_APPLICATIONS), ca_keys: hash_of(ca_keys) };
        let set = ReadSet { data, tables: Arc::default(), hashes };
        self.in_use(set, Provenance::Shipped, passed_over)
    }

    /// Puts a set of the host in the place of the one that counts: all of it, durably, or nothing.
    ///
    /// # Errors
    /// When the set must not be used, or cannot be written. It is noted why, and the set before it still counts.
    pub fn replace(&self, set: &HostSet, from: &str, at: Timestamp) -> Result<InUse, EmvFilesError> {
        let taken = self.check(set).and_then(|texts| self.write(&texts, from, at));
        match taken {
            Ok(()) => self.load(),
            Err(error) => {
                self.note_refusal(&error.to_string(), at);
                Err(error)
            }
        }
    }

    /// Notes why a set of the host was not taken, for `yima doctor`.
    pub fn note_refusal(&self, problem: &str, at: Timestamp) {
        let note = RefusedSet { at, problem: problem.to_owned() };
        let written = toml::to_string(&note).map_err(|error| error.to_string()).and_then(|text| {
            writing::make_private(&self.directory)
                .and_then(|()| std::fs::write(self.directory.join(REFUSED), text))
                .map_err(|error| error.to_string())
        });
        if let Err(error) = written {
            tracing::warn!(error, "it could not be noted why a set of the host was not taken");
        }
    }

    /// The texts of a set that may be used.
    fn check(&self, set: &HostSet) -> Result<Texts, EmvFilesError> {
        let mut applications = String::new();
        for application in &set.applications {
            applications.push_str(&format!("# As sent: {}\n{}\n", application.as_sent, application.entry.text()?));
        }
        let texts =
            Texts { applications, ca_keys: CaKeys::text(self.world, &set.ca_keys)?, tables: set.tables.text()? };
        self.parse(&texts)?;
        Ok(texts)
    }

    /// Reads a set as the kernel will have it.
    fn parse(&self, texts: &Texts) -> Result<ReadSet, EmvFilesError> {
        let ca_keys = CaKeys::parse(&texts.ca_keys)?;
        if ca_keys.world() != self.world {
            return Err(EmvFilesError::World { keys: ca_keys.world(), terminal: self.world });
        }
        ca_keys.check_world()?;
        let tables = Arc::new(HostTables { number_key: self.number_key.clone(), ..HostTables::parse(&texts.tables)? });
        let data = TerminalData::parse(TerminalData::SHIPPED_TERMINAL, &texts.applications, ca_keys)?.for_sales()?;
        let hashes = SetHashes { applications: hash_of(&texts.applications), ca_keys: hash_of(&texts.ca_keys) };
        Ok(ReadSet { data, tables, hashes })
    }

    fn write(&self, texts: &Texts, from: &str, at: Timestamp) -> Result<(), EmvFilesError> {
        writing::make_private(&self.directory).map_err(|source| file_error(&self.directory, source))?;
        // Two at once would clear each other's folders away.
        let _alone = writing::lock(&self.directory)?;
        for step in self.steps(texts, from, at)? {
            step.carry_out()?;
        }
        Ok(())
    }

    fn read_set(&self, path: &Path) -> Result<(ReadSet, Description), EmvFilesError> {
        let description: Description =
            toml::from_str(&read(&path.join(SET))?).map_err(|error| EmvFilesError::Description(error.to_string()))?;
        let tables = if description.host.is_some() { read(&path.join(TABLES))? } else { String::new() };
        let (applications, ca_keys) = (read(&path.join(APPLICATIONS))?, read(&path.join(CA_KEYS))?);
        let texts = Texts { applications, ca_keys, tables };
        let tables_hash = description.host.clone().unwrap_or_else(|| hash_of(""));
        for (name, text, hash) in [
            (APPLICATIONS, &texts.applications, &description.aids),
            (CA_KEYS, &texts.ca_keys, &description.capk),
            (TABLES, &texts.tables, &tables_hash),
        ] {
            if hash_of(text) != *hash {
                return Err(EmvFilesError::Changed(name));
            }
        }
        Ok((self.parse(&texts)?, description))
    }

    fn in_use(
        &self,
        set: ReadSet,
        provenance: Provenance,
        passed_over: Vec<BrokenSet>,
    ) -> Result<InUse, EmvFilesError> {
        let ReadSet { data, tables, hashes } = set;
        let data = match self.sandbox_key()? {
            None => data,
            Some(own) => {
                let ca_keys = data.ca_keys.as_ref().clone().completed_by(own)?;
                data.with_ca_keys(ca_keys)
            }
        };
        let refused = read(&self.directory.join(REFUSED)).ok().and_then(|text| toml::from_str(&text).ok());
        Ok(InUse { data, tables, hashes, provenance, passed_over, refused })
    }

    /// The key of the sandbox's own cards, for a TEST terminal that has one.
    fn sandbox_key(&self) -> Result<Option<CaKeys>, EmvFilesError> {
        if self.world == KeyWorld::Live {
            return Ok(None);
        }
        match std::fs::read_to_string(&self.sandbox_key) {
            Ok(text) => Ok(Some(CaKeys::parse(&text)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(file_error(&self.sandbox_key, source)),
        }
    }

    /// The folders of sets, by number. What has another name is no set.
    fn sets(&self) -> Result<BTreeMap<u32, PathBuf>, EmvFilesError> {
        let failed = |source| file_error(&self.directory, source);
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut sets = BTreeMap::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            if let Some(number) = number.filter(|_| path.is_dir()) {
                sets.insert(number, path);
            }
        }
        Ok(sets)
    }
}

/// `set 000007 of 2026-11-24T14:03:05Z from https://localhost:8583`, or where else the data are from.
impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("as shipped with the program"),
            Self::Host { number, at, from } => write!(f, "set {number:06} of {at:.0} from {from}"),
        }
    }
}

impl fmt::Display for BrokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// A time as text.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn hash_of(text: &str) -> String {
    hex::encode(&sha_1(&[text.as_bytes()]))
}

fn read(path: &Path) -> Result<String, EmvFilesError> {
    std::fs::read_to_string(path).map_err(|source| file_error(path, source))
}

fn file_error(path: &Path, source: std::io::Error) -> EmvFilesError {
    EmvFilesError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
