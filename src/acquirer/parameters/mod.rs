//! The download of terminal data: which applications and CA keys the host has, then each of them, then its tables.
//!
//! Needs a way to ask the host and to get an authentic answer's field 62. Asks and reads; what was read is not checked
//! beyond its shape and not kept here: see [`crate::terminal::emv_files`]. The host is told that the download ended well only
//! when the set is in its place.

pub mod field62;
pub mod status;
pub mod tables;

use std::collections::BTreeSet;

use self::field62::{Field62Error, KeyName, Page, SentKey};
use self::status::StatusReport;
use self::tables::{CardRecord, Records, TablesError};
use crate::crypto::hex;
use crate::emv::terminal::{AidEntry, TerminalData, TerminalDataError};
use crate::host_tables::{HostTables, MOST_RECORDS, NumberKey, TerminalParameters};
use crate::iso8583::Mti;
use crate::iso8583::dialect::{DownloadCodes, ParameterRules, TableRules};
use crate::payment::online::LinkFailure;
use crate::reference::ResponseCode;
use crate::terminal::emv_files::{HostApplication, HostSet};
use crate::vault::{SecureElement, VaultError};

/// The most names a list may have: a request says in two digits how many have come.
const MOST_NAMES: usize = 99;

/// A message about terminal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// 0800 or 0820.
    pub mti: Mti,
    /// Field 60, third part.
    pub code: String,
    /// Field 62, if there is one.
    pub field62: Option<Vec<u8>>,
    /// What is asked for, in words.
    pub about: String,
}

/// What the host says to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Field 39.
    pub response_code: ResponseCode,
    /// Field 62.
    pub field62: Vec<u8>,
}

/// What was downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// The set.
    pub set: HostSet,
    /// Where it is from.
    pub from: String,
    /// CA keys the host has and this program cannot use.
    pub unusable: Vec<KeyName>,
}

/// Why a download came to nothing. What the terminal has is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// No valid answer.
    #[error("{about}: {failure}")]
    Link {
        /// What was asked for.
        about: String,
        /// What came instead.
        failure: LinkFailure,
    },
    /// The host says no.
    #[error(
        "{about}: the host refused with {response_code}; ask the acquirer whether this terminal may fetch its data"
    )]
    Refused {
        /// What was asked for.
        about: String,
        /// Field 39.
        response_code: ResponseCode,
    },
    /// The answer cannot be read.
    #[error("{about}: {error}; report this to the acquirer")]
    Field62 {
        /// What was asked for.
        about: String,
        /// What is wrong with it.
        error: Field62Error,
    },
    /// A table cannot be read.
    #[error("{about}: {error}; report this to the acquirer")]
    Tables {
        /// What was asked for.
        about: String,
        /// What is wrong with it.
        error: TablesError,
    },
    /// The host lists something and then does not have it, or gives something else.
    #[error("{about}: the host listed it and answered with {found}; report this to the acquirer")]
    Other {
        /// What was asked for.
        about: String,
        /// What came.
        found: String,
    },
    /// A list without end, or with the same name twice.
    #[error("{about}: {problem}; report this to the acquirer")]
    List {
        /// Which list.
        about: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The applications that come with the program, from which default TDOLs are taken.
    #[error(transparent)]
    Shipped(#[from] TerminalDataError),
    /// Without the device key no card number could be known again.
    #[error("the card list cannot be read: {0}")]
    Vault(String),
}

impl From<VaultError> for DownloadError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error.to_string())
    }
}

/// A way to ask the host. Each answer is authentic and belongs to its question.
pub type Ask<'a> = dyn FnMut(&Question) -> Result<Reply, LinkFailure> + 'a;

/// The key under which this terminal knows card numbers.
///
/// # Errors
/// When there is no device key, or the element fails.
pub fn number_key(vault: &dyn SecureElement) -> Result<NumberKey, VaultError> {
    Ok(NumberKey::new(vault.secret_for("card list")?))
}

/// Fetches all that the host has. Card numbers are kept as what stands for them under `numbers`.
///
/// # Errors
/// When an answer is missing, refuses, or cannot be read.
pub fn fetch(
    rules: &ParameterRules,
    numbers: &NumberKey,
    from: String,
    ask: &mut Ask<'_>,
) -> Result<Download, DownloadError> {
    let (mut set, mut unusable) = (HostSet::default(), Vec::new());
    for name in list(&rules.ca_keys, "the list of CA keys", field62::ca_key_list, ask)? {
        match fetch_key(rules, name, ask)? {
            SentKey::Rsa(key) => set.ca_keys.push(key),
            SentKey::Other(name) => unusable.push(name),
        }
    }
    let shipped = AidEntry::all_of(TerminalData::SHIPPED_APPLICATIONS)?;
    for aid in list(&rules.applications, "the list of applications", field62::application_list, ask)? {
        let mut application = fetch_application(rules, &aid, ask)?;
        // No object of this field carries a default TDOL; that of the same application stays what it was.
        let ours = shipped.iter().find(|ours| ours.aid == application.entry.aid);
        application.entry.tdol = ours.and_then(|ours| ours.tdol.clone());
        set.applications.push(application);
    }
    if let Some(tables) = &rules.tables {
        set.tables = fetch_tables(tables, numbers, ask)?;
    }
    Ok(Download { set, from, unusable })
}

fn fetch_tables(rules: &TableRules, numbers: &NumberKey, ask: &mut Ask<'_>) -> Result<HostTables, DownloadError> {
    let mut terminal = TerminalParameters::default();
    let about = "the terminal's parameters";
    let answer = asked(question(Mti::NETWORK_REQUEST, &rules.terminal.fetch, None, about), ask)?;
    tables::read_terminal(&answer, &rules.layout, &mut terminal).map_err(|error| unreadable(about, error))?;
    let about = "the parameters about payments";
    let answer = asked(question(Mti::NETWORK_REQUEST, &rules.business.fetch, None, about), ask)?;
    tables::read_business(&answer, &rules.tags, &mut terminal).map_err(|error| unreadable(about, error))?;
    terminal.adjust();
    let (mut card, mut number) = (Vec::new(), Vec::new());
    for record in table(&rules.cards.fetch, "the card list", |field| tables::cards(field, numbers), ask)? {
        match record {
            CardRecord::Range(range) => card.push(range),
            CardRecord::Number(one) => number.push(one),
        }
    }
    let text = table(&rules.texts.fetch, "the words for response codes", tables::texts, ask)?;
    Ok(HostTables { terminal, card, number, text, number_key: None })
}

fn unreadable(about: &str, error: TablesError) -> DownloadError {
    DownloadError::Tables { about: about.to_owned(), error }
}

/// Asks for a table until all of it has come.
fn table<T>(
    code: &str,
    about: &str,
    read: impl Fn(&[u8]) -> Result<Records<T>, TablesError>,
    ask: &mut Ask<'_>,
) -> Result<Vec<T>, DownloadError> {
    let wrong = |problem: &str| DownloadError::List { about: about.to_owned(), problem: problem.to_owned() };
    let mut records = Vec::new();
    loop {
        let request = tables::request(records.len());
        let answer = asked(question(Mti::NETWORK_REQUEST, code, Some(request), about), ask)?;
        let part = read(&answer).map_err(|error| unreadable(about, error))?;
        if part.more && part.records.is_empty() {
            return Err(wrong("it says that more follows and brings nothing"));
        }
        records.extend(part.records);
        if records.len() > MOST_RECORDS {
            return Err(wrong("it has more than 9999 records"));
        }
        if !part.more {
            return Ok(records);
        }
    }
}

/// Tells the host that all of it is in its place.
///
/// # Errors
/// When the host does not take note of it.
pub fn confirm(rules: &ParameterRules, ask: &mut Ask<'_>) -> Result<(), DownloadError> {
    let mut ends = vec![&rules.ca_keys.end, &rules.applications.end];
    ends.extend(rules.tables.iter().flat_map(TableRules::tables).map(|table| &table.end));
    for end in ends {
        asked(question(Mti::NETWORK_REQUEST, end, None, "the end of the download"), ask)?;
    }
    Ok(())
}

/// Tells the host how the terminal is.
///
/// # Errors
/// When the host does not take note of it.
pub fn report(rules: &ParameterRules, report: &StatusReport, ask: &mut Ask<'_>) -> Result<(), DownloadError> {
    let field = Some(report.write());
    asked(Question { field62: field, ..question(Mti::NETWORK_ADVICE, &rules.status, None, "the status report") }, ask)?;
    Ok(())
}

fn fetch_key(rules: &ParameterRules, name: KeyName, ask: &mut Ask<'_>) -> Result<SentKey, DownloadError> {
    let about = format!("CA key {} {:02X}", name.rid, name.index);
    let request = field62::write_key_name(name);
    let answer = asked(question(Mti::NETWORK_REQUEST, &rules.ca_keys.fetch, Some(request), &about), ask)?;
    let sent = field62::ca_key(&answer).map_err(|error| DownloadError::Field62 { about: about.clone(), error })?;
    let wanted = (name.rid.to_string(), hex::encode(&[name.index]));
    let found = match &sent {
        Some(SentKey::Rsa(key)) => (key.rid.clone(), key.index.clone()),
        Some(SentKey::Other(other)) => (other.rid.to_string(), hex::encode(&[other.index])),
        None => return Err(DownloadError::Other { about, found: "nothing".to_owned() }),
    };
    match sent {
        Some(sent) if found == wanted => Ok(sent),
        _ => Err(DownloadError::Other { about, found: format!("CA key {} {}", found.0, found.1) }),
    }
}

fn fetch_application(rules: &ParameterRules, aid: &[u8], ask: &mut Ask<'_>) -> Result<HostApplication, DownloadError> {
    let about = format!("application {}", hex::encode(aid));
    let request = field62::write_application_name(aid);
    let answer = asked(question(Mti::NETWORK_REQUEST, &rules.applications.fetch, Some(request), &about), ask)?;
    match field62::application(&answer, rules.amounts) {
        Ok(Some(application)) if application.entry.aid == hex::encode(aid) => Ok(application),
        Ok(Some(other)) => Err(DownloadError::Other { about, found: format!("application {}", other.entry.aid) }),
        Ok(None) => Err(DownloadError::Other { about, found: "nothing".to_owned() }),
        Err(error) => Err(DownloadError::Field62 { about, error }),
    }
}

/// Asks for a list until all of it has come.
fn list<T: Ord + Clone>(
    codes: &DownloadCodes,
    about: &str,
    read: impl Fn(&[u8]) -> Result<Page<T>, Field62Error>,
    ask: &mut Ask<'_>,
) -> Result<Vec<T>, DownloadError> {
    let wrong = |problem: &str| DownloadError::List { about: about.to_owned(), problem: problem.to_owned() };
    let mut names: Vec<T> = Vec::new();
    loop {
        let request = field62::list_request(names.len());
        let answer = asked(question(Mti::NETWORK_ADVICE, &codes.list, Some(request), about), ask)?;
        let page = read(&answer).map_err(|error| DownloadError::Field62 { about: about.to_owned(), error })?;
        if page.more && page.names.is_empty() {
            return Err(wrong("it says that more follows and names nothing"));
        }
        names.extend(page.names);
        if names.len() > MOST_NAMES {
            return Err(wrong("it has more than 99 names"));
        }
        if !page.more {
            break;
        }
    }
    let different: BTreeSet<_> = names.iter().collect();
    if different.len() == names.len() { Ok(names) } else { Err(wrong("it has the same name twice")) }
}

fn question(mti: Mti, code: &str, field62: Option<Vec<u8>>, about: &str) -> Question {
    Question { mti, code: code.to_owned(), field62, about: about.to_owned() }
}

fn asked(question: Question, ask: &mut Ask<'_>) -> Result<Vec<u8>, DownloadError> {
    let reply = ask(&question);
    let about = question.about;
    match reply {
        Ok(Reply { response_code, field62 }) if response_code.as_str() == "00" => Ok(field62),
        Ok(Reply { response_code, .. }) => Err(DownloadError::Refused { about, response_code }),
        Err(failure) => Err(DownloadError::Link { about, failure }),
    }
}

#[cfg(test)]
mod tests;
