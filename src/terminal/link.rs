//! How the terminal reaches its acquirer: the `[host]` part of the settings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where the host is and how long the terminal waits for it. File names without a leading `/` are looked for in the
/// identity directory, where enrolment puts them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkSettings {
    /// Scheme, name and port of the host: `https://localhost:8583`. Only `https` is taken.
    pub url: String,
    /// A second address of the same host, taken when the first cannot be reached.
    pub fallback_url: Option<String>,
    /// Path of the messages on that host, as the acquirer says.
    pub path: String,
    /// Message dialect, by the name of a shipped one or by the path of a file (`.toml`).
    pub dialect: String,
    /// Transport address of requests, ten hexadecimal digits; the dialect's when it is left out.
    pub tpdu: Option<String>,
    /// Certificates that sign the host's, PEM. No others are trusted: the system's authorities have no say here.
    pub ca_file: PathBuf,
    /// This terminal's certificate, PEM.
    pub client_certificate_file: PathBuf,
    /// The key that belongs to it, PEM (PKCS#8).
    pub client_key_file: PathBuf,
    /// Name resolution and connect together may take this many seconds.
    pub connect_timeout_s: u64,
    /// Then the TLS handshake this many.
    pub tls_timeout_s: u64,
    /// Sending the request this many.
    pub send_timeout_s: u64,
    /// Then the host may take this many seconds to begin its answer.
    pub answer_timeout_s: u64,
    /// And this many to end it.
    pub read_timeout_s: u64,
    /// All of it together, also where both addresses are tried.
    pub deadline_s: u64,
    /// After this many idle seconds the host is asked whether it is there; 0 never does.
    pub echo_interval_s: u64,
    /// The line of the last echo is kept open and watched, so that its loss is seen at once.
    pub watch_line: bool,
}

impl LinkSettings {
    /// The time limits with their whole keys, in seconds.
    pub const fn time_limits(&self) -> [(&'static str, u64); 6] {
        [
            ("host.connect_timeout_s", self.connect_timeout_s),
            ("host.tls_timeout_s", self.tls_timeout_s),
            ("host.send_timeout_s", self.send_timeout_s),
            ("host.answer_timeout_s", self.answer_timeout_s),
            ("host.read_timeout_s", self.read_timeout_s),
            ("host.deadline_s", self.deadline_s),
        ]
    }
}

impl Default for LinkSettings {
    /// The sandbox host on this machine.
    fn default() -> Self {
        Self {
            url: "https://localhost:8583".to_owned(),
            fallback_url: None,
            path: "/mjc/webtrans/VPB_lb".to_owned(),
            dialect: "unionpay".to_owned(),
            tpdu: None,
            ca_file: "acquirer-ca.pem".into(),
            client_certificate_file: "client.pem".into(),
            client_key_file: "client.key".into(),
            connect_timeout_s: 10,
            tls_timeout_s: 10,
            send_timeout_s: 10,
            answer_timeout_s: 60,
            read_timeout_s: 10,
            deadline_s: 90,
            echo_interval_s: 60,
            watch_line: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        let settings: LinkSettings = toml::from_str("url = \"https://host.example\"\nanswer_timeout_s = 5").unwrap();
        assert_eq!((settings.url.as_str(), settings.answer_timeout_s), ("https://host.example", 5));
        assert_eq!(settings.connect_timeout_s, LinkSettings::default().connect_timeout_s);
        assert!(toml::from_str::<LinkSettings>("urll = \"\"").unwrap_err().to_string().contains("urll"));
    }
}
