//! How this terminal is set up: `yima.toml`. Every key has a default, every key is documented in `assets/yima.toml`, and a
//! wrong or unknown one is refused with file, line and key.

mod sections;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::sections::{
    CodeSettings, FlowControl, GoodsSettings, LARGEST_TIP, LEAST_KEPT_DAYS, LedgerSettings, MOST_TIPS, PeopleSettings,
    PinSettings, PrinterSettings, ReaderSettings, ReceiptSettings, ScannerSettings, ScreenSettings, SettlementSettings,
    SignaturePad, SignatureSettings, SoundSettings, StripeSettings, TerminalSettings, VaultKind, VaultSettings,
};
use super::binding::check_serial_number;
use super::link::LinkSettings;
use super::till::{Listen, TillSettings};
use crate::host_tables::LONGEST_FALLBACK_S;

/// Where the settings are when nobody says otherwise.
pub const SYSTEM_FILE: &str = "/etc/yima/yima.toml";

/// Where the state is when nobody says otherwise.
pub const SYSTEM_STATE: &str = "/var/lib/yima";

/// The longest wait that can be set, in seconds.
const LONGEST_WAIT_S: u64 = 600;

/// The longest a PIN pad waits: it counts its seconds in one byte (PC/SC part 10).
const LONGEST_PIN_WAIT_S: u64 = 255;

/// The example that is packaged: all keys with their defaults.
pub const EXAMPLE: &str = include_str!("../../assets/yima.toml");

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The terminal itself.
    pub terminal: TerminalSettings,
    /// The acquirer's host.
    pub host: LinkSettings,
    /// Where the keys are.
    pub vault: VaultSettings,
    /// The ledger.
    pub ledger: LedgerSettings,
    /// The card reader.
    pub reader: ReaderSettings,
    /// The cardholder's PIN.
    pub pin: PinSettings,
    /// The receipt printer.
    pub printer: PrinterSettings,
    /// What the shop has on its slips.
    pub receipt: ReceiptSettings,
    /// A scanner on a serial line.
    pub scanner: ScannerSettings,
    /// Cards without their chip.
    pub stripe: StripeSettings,
    /// Sounds.
    pub sound: SoundSettings,
    /// The touchscreen.
    pub screen: ScreenSettings,
    /// The goods.
    pub goods: GoodsSettings,
    /// The customer's signature.
    pub signature: SignatureSettings,
    /// Payments by code.
    pub codes: CodeSettings,
    /// Settlement.
    pub settlement: SettlementSettings,
    /// The interface for tills.
    pub till: TillSettings,
    /// People.
    pub people: PeopleSettings,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key or value in it is wrong.
    #[error("{path}, line {line}, {key}: {problem}")]
    Key {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// Which key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// The same, where the line is not found: the key is left out, or its section is written in one line.
    #[error("{path}, {key}: {problem}")]
    Somewhere {
        /// Which file.
        path: String,
        /// Which key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// A default does not fit this machine.
    #[error("{key} (left at its default): {problem}")]
    Default {
        /// Which key.
        key: String,
        /// What is wrong.
        problem: String,
    },
}

/// Where settings come from, to say of a wrong one where it stands. Whoever uses a value may find that it cannot be: a name
/// that nobody ships, a file that is not there.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    path: String,
    text: String,
}

impl Origin {
    /// The key `section.key` has a value that cannot be.
    pub fn wrong(&self, key: &str, problem: impl std::fmt::Display) -> SettingsError {
        let (path, key, problem) = (self.path.clone(), key.to_owned(), problem.to_string());
        match line_of(&self.text, &key) {
            Some(line) => SettingsError::Key { path, line, key, problem },
            None if path.is_empty() => SettingsError::Default { key, problem },
            None => SettingsError::Somewhere { path, key, problem },
        }
    }
}

impl Settings {
    /// Reads the settings: the file asked for, or the system's if there is one, or the defaults.
    ///
    /// # Errors
    /// When a file that was asked for is missing, or a file is wrong.
    pub fn load(asked_for: Option<&Path>) -> Result<(Self, Origin), SettingsError> {
        let path = match asked_for {
            Some(path) => path,
            None if Path::new(SYSTEM_FILE).exists() => Path::new(SYSTEM_FILE),
            None => return Ok((Self::default(), Origin::default())),
        };
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(Origin { path: name, text }),
            Err(source) => Err(SettingsError::File { path: name, source }),
        }
    }

    fn parse(origin: Origin) -> Result<(Self, Origin), SettingsError> {
        let text = &origin.text;
        let settings: Self = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start).min(text.len());
            let (line, key) = place(text, offset);
            SettingsError::Key { path: origin.path.clone(), line, key, problem: error.message().to_owned() }
        })?;
        match settings.check() {
            Ok(()) => Ok((settings, origin)),
            Err((key, problem)) => Err(origin.wrong(key, problem)),
        }
    }

    /// What a type cannot say; gives the whole key and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let currency = self.terminal.currency.parse::<crate::money::Currency>();
        currency.map_err(|error| ("terminal.currency", error.to_string()))?;
        let tips = &self.terminal.tips;
        if tips.len() > MOST_TIPS || !tips.iter().all(|percent| (1..=LARGEST_TIP).contains(percent)) {
            let problem = format!("{tips:?}; at most {MOST_TIPS} of 1 to {LARGEST_TIP} percent are offered");
            return Err(("terminal.tips", problem));
        }
        for (key, seconds, longest) in [
            ("reader.card_wait_s", self.reader.card_wait_s, LONGEST_WAIT_S),
            ("reader.answer_timeout_s", self.reader.answer_timeout_s, LONGEST_WAIT_S),
            ("pin.wait_s", self.pin.wait_s, LONGEST_PIN_WAIT_S),
            ("printer.patience_s", self.printer.patience_s, LONGEST_WAIT_S),
            ("signature.wait_s", self.signature.wait_s, LONGEST_WAIT_S),
        ] {
            if !(1..=longest).contains(&seconds) {
                return Err((key, format!("{seconds} seconds; it must be 1 to {longest}")));
            }
        }
        if !matches!(self.people.lock_after_s, 0 | 30..=86_400) {
            let problem = format!("{} seconds; it must be 30 to 86400, or 0 for never", self.people.lock_after_s);
            return Err(("people.lock_after_s", problem));
        }
        self.receipt.check()?;
        self.check_host()?;
        Listen::parse(&self.till.listen).map_err(|error| ("till.listen", error.to_string()))?;
        if !(1200..=4_000_000).contains(&self.printer.baud) {
            return Err(("printer.baud", format!("{} bits per second; usual are 9600 to 115200", self.printer.baud)));
        }
        if !(1200..=4_000_000).contains(&self.scanner.baud) {
            return Err(("scanner.baud", format!("{} bits per second; usual is 9600", self.scanner.baud)));
        }
        if !(1200..=4_000_000).contains(&self.stripe.baud) {
            return Err(("stripe.baud", format!("{} bits per second; usual is 9600", self.stripe.baud)));
        }
        if self.stripe.fallback_s > LONGEST_FALLBACK_S {
            let problem =
                format!("{} seconds; it must be 1 to {LONGEST_FALLBACK_S}, or 0 for never", self.stripe.fallback_s);
            return Err(("stripe.fallback_s", problem));
        }
        if self.ledger.keep_days < LEAST_KEPT_DAYS {
            let problem = format!(
                "{} days; payments must be kept for three years: {LEAST_KEPT_DAYS} or more",
                self.ledger.keep_days
            );
            return Err(("ledger.keep_days", problem));
        }
        if self.vault.kind == VaultKind::Pkcs11 {
            if !self.vault.module.is_absolute() {
                return Err(("vault.module", "it must be the whole path of the token's PKCS#11 module".to_owned()));
            }
            if self.vault.token.is_empty() {
                return Err(("vault.token", "it must be the label or the serial number of the token".to_owned()));
            }
        }
        for (key, pixels) in [("screen.width", self.screen.width), ("screen.height", self.screen.height)] {
            if !(320..=8192).contains(&pixels) {
                return Err((key, format!("{pixels} pixels; it must be 320 to 8192")));
            }
        }
        Ok(())
    }

    fn check_host(&self) -> Result<(), (&'static str, String)> {
        for (key, seconds) in self.host.time_limits() {
            if !(1..=LONGEST_WAIT_S).contains(&seconds) {
                return Err((key, format!("{seconds} seconds; it must be 1 to {LONGEST_WAIT_S}")));
            }
        }
        let interval = self.host.echo_interval_s;
        if !matches!(interval, 0 | 10..=3600) {
            let problem = format!("{interval} seconds; it must be 10 to 3600, or 0 for never");
            return Err(("host.echo_interval_s", problem));
        }
        Ok(())
    }

    /// The serial number that the maker left on this machine, if there is one.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or holds none.
    pub fn serial_number(&self, state: &Path) -> Result<Option<String>, SettingsError> {
        let path = state.join(&self.terminal.serial_number_file);
        let name = || path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let number = text.trim_matches(|character: char| character.is_whitespace() || character == '\0');
                check_serial_number(number).map_err(|problem| SettingsError::Somewhere {
                    path: name(),
                    key: "serial number".to_owned(),
                    problem,
                })?;
                Ok(Some(number.to_owned()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SettingsError::File { path: name(), source }),
        }
    }

    /// The identity directory under a state directory.
    pub fn identity_directory(&self, state: &Path) -> PathBuf {
        state.join(&self.terminal.identity)
    }
}

/// Line number of a key, given with its section.
fn line_of(text: &str, wanted: &str) -> Option<usize> {
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            section = name.trim();
        } else if let Some((key, _)) = line.split_once('=')
            && wanted.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) == Some(key.trim())
        {
            return Some(index + 1);
        }
    }
    None
}

/// Line number and full key (`section.key`) of what stands at an offset.
fn place(text: &str, offset: usize) -> (usize, String) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_number = before.matches('\n').count() + 1;
    let line = text.lines().nth(line_number - 1).unwrap_or("").trim();
    if line.starts_with('[') {
        return (line_number, line.to_owned());
    }
    let section = before.lines().rev().find_map(|line| line.trim().strip_prefix('[')?.split(']').next());
    let key = line.split('=').next().unwrap_or("").trim();
    (line_number, section.map_or_else(|| key.to_owned(), |section| format!("{section}.{key}")))
}

#[cfg(test)]
mod tests;
