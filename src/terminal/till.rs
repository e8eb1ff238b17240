//! Where tills may speak to this terminal: on this machine alone, or nowhere.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// Longest path of a socket that Linux takes, in bytes.
const LONGEST_PATH: usize = 107;

/// The interface for tills.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TillSettings {
    /// [`Listen`] as text; empty for nowhere.
    pub listen: String,
}

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A socket in the file system.
    Unix(PathBuf),
    /// An address that only this machine reaches.
    Loopback(SocketAddr),
}

/// What is no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    /// It is neither.
    #[error("\"{0}\" is neither a socket like unix:/run/yima/till.sock nor an address with a port like 127.0.0.1:8590")]
    Neither(String),
    /// Others would reach it.
    #[error(
        "{0} can be reached from other machines; tills speak to the terminal on this machine only: 127.0.0.1, [::1] or a Unix socket"
    )]
    NotLoopback(SocketAddr),
    /// A path that depends on where the program was started, or is too long.
    #[error("\"{0}\" must be a whole path of at most {LONGEST_PATH} bytes")]
    Path(String),
}

impl Listen {
    /// Reads the setting. Nothing for the empty text.
    ///
    /// # Errors
    /// When it is no such place, or one that others reach.
    pub fn parse(text: &str) -> Result<Option<Self>, ListenError> {
        if text.is_empty() {
            return Ok(None);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            if !path.starts_with('/') || path.ends_with('/') || path.len() > LONGEST_PATH {
                return Err(ListenError::Path(path.to_owned()));
            }
            return Ok(Some(Self::Unix(path.into())));
        }
        let address: SocketAddr = text.parse().map_err(|_| ListenError::Neither(text.to_owned()))?;
        if address.ip().is_loopback() {
            Ok(Some(Self::Loopback(address)))
        } else {
            Err(ListenError::NotLoopback(address))
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Loopback(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_to() {
        assert_eq!(Listen::parse(""), Ok(None));
        for good in ["unix:/run/yima/till.sock", "127.0.0.1:8590", "127.0.0.2:0", "[::1]:8590"] {
            assert_eq!(Listen::parse(good).unwrap().unwrap().to_string(), good);
        }
        for foreign in ["0.0.0.0:8590", "192.168.1.5:8590", "[::]:8590", "[::ffff:10.0.0.1]:1"] {
            assert!(matches!(Listen::parse(foreign), Err(ListenError::NotLoopback(_))), "{foreign}");
        }
        for neither in ["localhost:8590", "127.0.0.1", "8590", "http://127.0.0.1:8590", "on"] {
            assert!(matches!(Listen::parse(neither), Err(ListenError::Neither(_))), "{neither}");
        }
        for path in ["unix:", "unix:till.sock", "unix:/run/", &format!("unix:/{}", "p".repeat(107))] {
            assert!(matches!(Listen::parse(path), Err(ListenError::Path(_))), "{path}");
        }
    }
}
