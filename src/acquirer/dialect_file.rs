//! The message dialect of a setting: a shipped one by its name, or a file of its own by its path.

use std::path::Path;

use crate::iso8583::{Dialect, DialectError};

/// Reads the dialect that a setting names.
///
/// # Errors
/// When none of that name is shipped, the file cannot be read, or a terminal cannot trade with it.
pub fn load(name: &str) -> Result<Dialect, DialectError> {
    if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text = std::fs::read_to_string(name).map_err(|error| DialectError::Toml(format!("{name}: {error}")))?;
        return Dialect::parse(&text);
    }
    Dialect::shipped(name)
}
