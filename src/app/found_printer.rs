//! What the set-up test found out about the printer, kept in the state directory. It counts as long as the settings name the profile
//! that they named then: who writes another one into them is obeyed.

use std::path::PathBuf;

use serde::Deserialize;

use super::setup::{Setup, SetupError};
use crate::clock;
use crate::receipt::PrinterProfile;
use crate::terminal::files;

/// Its file.
const FILE: &str = "printer.toml";

/// What the test found, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPrinter {
    /// When it was tested, local time.
    pub tested_at: String,
    /// What the printer can do.
    pub profile: PrinterProfile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    tested_at: String,
    instead_of: String,
    profile: toml::Table,
}

impl Setup {
    /// What the set-up test found; nothing where there was none, or the settings name another profile since.
    ///
    /// # Errors
    /// When its file cannot be read, or is no such file.
    pub fn found_printer(&self) -> Result<Option<FoundPrinter>, SetupError> {
        let path = self.state.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SetupError::State { path: path.display().to_string(), source }),
        };
        let wrong = |problem: String| {
            let problem =
                format!("{problem}; take {} away, or test the printer again: yima printer test", path.display());
            SetupError::from(self.origin.wrong("printer.profile", problem))
        };
        let kept: Kept = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
        if kept.instead_of != self.settings.printer.profile {
            return Ok(None);
        }
        let profile =
            PrinterProfile::parse(FILE, &kept.profile.to_string()).map_err(|error| wrong(error.to_string()))?;
        Ok(Some(FoundPrinter { tested_at: kept.tested_at, profile }))
    }

    /// Where it is kept what a test finds.
    pub fn found_printer_file(&self) -> FoundPrinterFile {
        FoundPrinterFile { state: self.state.clone(), instead_of: self.settings.printer.profile.clone() }
    }

    /// Keeps what the set-up test found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_found_printer(&self, profile: &PrinterProfile) -> Result<(), SetupError> {
        self.found_printer_file().keep(profile)
    }
}

/// Where it is kept what a test of the printer finds, and instead of which profile it counts.
#[derive(Clone, Debug)]
pub struct FoundPrinterFile {
    state: PathBuf,
    instead_of: String,
}

impl FoundPrinterFile {
    /// Keeps what a test found.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, profile: &PrinterProfile) -> Result<(), SetupError> {
        let path = self.state.join(FILE);
        let at = clock::local().strftime("%Y-%m-%d %H:%M:%S").to_string();
        let instead_of = toml::Value::String(self.instead_of.clone());
        let text = format!(
            "# What the set-up test found out about the printer (yima printer test). It counts as long as printer.profile in the\n\
             # settings is {instead_of}.\n\
             tested_at = \"{at}\"\ninstead_of = {instead_of}\n\n[profile]\n{}",
            profile.text()
        );
        super::books::make_private(&self.state)?;
        files::write(&path, text.as_bytes())
            .map_err(|source| SetupError::State { path: path.display().to_string(), source })
    }
}
