//! Where a host is.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

/// The port of HTTPS when none is named.
const HTTPS: u16 = 443;

/// Scheme, name and port of a host, and where on it the paths begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    url: String,
    uri: Uri,
    port: u16,
}

/// An address that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error("{0}")]
    Unreadable(String),
    /// Another scheme, or no name.
    #[error("it must begin with https:// and name a host")]
    NotHttps,
    /// The port is no number up to 65535.
    #[error("its port must be a number from 1 to 65535")]
    Port,
}

impl Address {
    /// Reads `https://name:port`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let url = url.trim_end_matches('/');
        let uri: Uri = url.parse().map_err(|error| AddressError::Unreadable(format!("{error}")))?;
        let (Some("https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(AddressError::NotHttps);
        };
        let (host, whole) = (authority.host(), authority.as_str());
        if host.is_empty() || whole.contains('@') || uri.query().is_some() {
            return Err(AddressError::NotHttps);
        }
        let port = match authority.port_u16() {
            Some(0) => return Err(AddressError::Port),
            Some(port) => port,
            None if whole.len() == host.len() => HTTPS,
            None => return Err(AddressError::Port),
        };
        Ok(Self { url: url.to_owned(), uri, port })
    }

    /// The name, or the number without brackets.
    pub fn name(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The number, where it is no name.
    pub fn number(&self) -> Option<IpAddr> {
        self.name().parse().ok()
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Name and port as they were written.
    pub fn authority(&self) -> &str {
        self.uri.authority().map_or("", hyper::http::uri::Authority::as_str)
    }

    /// What stands before every path.
    pub fn base_path(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    pub(super) const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

/// As it was written.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_name_port_and_path() {
        for (url, name, port, path) in [
            ("https://localhost:8583", "localhost", 8583, ""),
            ("https://pay.example/gate/", "pay.example", 443, "/gate"),
            ("https://127.0.0.1:1", "127.0.0.1", 1, ""),
            ("https://[::1]:8583/", "::1", 8583, ""),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.name(), address.port(), address.base_path()), (name, port, path), "{url}");
        }
        assert!(Address::parse("https://[::1]").unwrap().number().is_some());
        assert_eq!(Address::parse("https://host.example").unwrap().number(), None);
    }

    #[test]
    fn what_is_no_address_of_a_host_is_refused() {
        for url in [
            "",
            "https://",
            "https://:8583",
            "http://localhost:1",
            "localhost",
            "https://10.0.0.1:85830",
            "https://host:0",
            "https://host:x",
            "https://user@host",
            "https://host/?a=b",
        ] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
