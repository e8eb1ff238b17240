//! What the terminal brings to every transaction: its own description and the applications it takes, from
//! `assets/emv/terminal.toml` and `assets/emv/aids.toml`.

use serde::Deserialize;

use super::tag::Tag;
use crate::crypto::hex;

/// The terminal's side of EMV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalData {
    /// 9F1A, ISO 3166 numeric.
    pub country: [u8; 2],
    /// 9F35 (EMV 4.4 Book 4, annex A1).
    pub terminal_type: u8,
    /// 9F33 (annex A2).
    pub capabilities: [u8; 3],
    /// 9F40 (annex A3).
    pub additional_capabilities: [u8; 5],
    /// Objects for field 55 of a request.
    pub host_data: Vec<Tag>,
    /// Objects for field 55 of a reversal.
    pub reversal_data: Vec<Tag>,
    /// Applications, in order of preference.
    pub applications: Vec<Application>,
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
    /// Terminal action code, denial.
    pub tac_denial: [u8; 5],
    /// Terminal action code, online.
    pub tac_online: [u8; 5],
    /// 9F1B, in minor units of the terminal's currency.
    pub floor_limit: u32,
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
    /// A value that is not hexadecimal of the right length.
    #[error("{key} = \"{value}\" is not hexadecimal of {length}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// Lengths it may have, in bytes.
        length: &'static str,
    },
    /// No application at all.
    #[error("aids.toml names no application; no card could be taken")]
    NoApplication,
}

impl TerminalData {
    /// The data that comes with the program.
    ///
    /// # Errors
    /// None for the files that are shipped; a test reads them.
    pub fn shipped() -> Result<Self, TerminalDataError> {
        Self::parse(include_str!("../../assets/emv/terminal.toml"), include_str!("../../assets/emv/aids.toml"))
    }

    /// Reads both files.
    ///
    /// # Errors
    /// When one is not of its shape, or a value has the wrong length.
    pub fn parse(terminal: &str, aids: &str) -> Result<Self, TerminalDataError> {
        let shape = |file| move |error: toml::de::Error| TerminalDataError::Shape { file, problem: error.to_string() };
        let terminal: TerminalFile = toml::from_str(terminal).map_err(shape("terminal.toml"))?;
        let aids: AidFile = toml::from_str(aids).map_err(shape("aids.toml"))?;
        if aids.aid.is_empty() {
            return Err(TerminalDataError::NoApplication);
        }
        Ok(Self {
            country: bytes("country", &terminal.country, "2 bytes")?,
            terminal_type: bytes::<1>("terminal_type", &terminal.terminal_type, "1 byte")?[0],
            capabilities: bytes("capabilities", &terminal.capabilities, "3 bytes")?,
            additional_capabilities: bytes("additional_capabilities", &terminal.additional_capabilities, "5 bytes")?,
            host_data: tags("host_data", &terminal.host_data)?,
            reversal_data: tags("reversal_data", &terminal.reversal_data)?,
            applications: aids.aid.iter().map(Application::read).collect::<Result<_, _>>()?,
        })
    }
}

impl Application {
    /// True when a DF name on the card is this application.
    pub fn matches(&self, df_name: &[u8]) -> bool {
        df_name == self.aid || (self.partial && df_name.starts_with(&self.aid))
    }

    fn read(entry: &AidEntry) -> Result<Self, TerminalDataError> {
        let refused = || TerminalDataError::Value { key: "aid", value: entry.aid.clone(), length: "5 to 16 bytes" };
        let aid = hex::decode(&entry.aid).map_err(|_| refused())?;
        if !(5..=16).contains(&aid.len()) {
            return Err(refused());
        }
        Ok(Self {
            aid,
            partial: entry.partial,
            version: bytes("version", &entry.version, "2 bytes")?,
            tac_denial: bytes("tac_denial", &entry.tac_denial, "5 bytes")?,
            tac_online: bytes("tac_online", &entry.tac_online, "5 bytes")?,
            floor_limit: entry.floor_limit,
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
    host_data: Vec<String>,
    reversal_data: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AidFile {
    #[serde(default)]
    aid: Vec<AidEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AidEntry {
    aid: String,
    #[serde(default)]
    partial: bool,
    version: String,
    tac_denial: String,
    tac_online: String,
    floor_limit: u32,
}

fn bytes<const N: usize>(key: &'static str, text: &str, length: &'static str) -> Result<[u8; N], TerminalDataError> {
    let refused = || TerminalDataError::Value { key, value: text.to_owned(), length };
    hex::decode(text).map_err(|_| refused())?.try_into().map_err(|_| refused())
}

fn tags(key: &'static str, texts: &[String]) -> Result<Vec<Tag>, TerminalDataError> {
    let read = |text: &String| {
        let refused = || TerminalDataError::Value { key, value: text.clone(), length: "one tag" };
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

    #[test]
    fn wrong_values_are_named() {
        let terminal = include_str!("../../assets/emv/terminal.toml");
        let aids = include_str!("../../assets/emv/aids.toml");
        let error = |terminal: &str, aids: &str| TerminalData::parse(terminal, aids).unwrap_err().to_string();
        assert!(error(&terminal.replace("\"0156\"", "\"156\""), aids).contains("country"));
        assert!(error(&terminal.replace("\"9F26\"", "\"9F\""), aids).contains("host_data"));
        assert!(error(terminal, &aids.replace("A000000333010101", "A0")).contains("5 to 16"));
        assert!(error(terminal, &aids.replace("floor_limit", "flor_limit")).contains("flor_limit"));
        assert!(error(terminal, "").contains("no application"));
    }
}
