//! How requests about enrolment travel: HTTPS to the acquirer's host, which only the acquirer's own authorities vouch for. No
//! redirect, no proxy, nothing is sent twice. They move no money and are rare, so they need neither phases nor resumed sessions
//! (record 012). Blocking; must not be called on a thread that runs an asynchronous runtime.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::EnrolmentError;
use super::wire::{Answer, ENROL_PATH, LONGEST, SignedRequest, TERMINAL_PATH};
use crate::terminal::link::LinkSettings;

/// Content type, both ways.
const JSON: &str = "application/json";

/// Asks to be enrolled. The terminal has no certificate yet and shows none. The request goes to the host's second address when
/// the first one cannot be connected to, and not when it may have left: who asks once more with the same code repeats it.
///
/// # Errors
/// When no answer came that can be read.
pub fn enrol<T: DeserializeOwned>(
    settings: &LinkSettings,
    directory: &Path,
    request: &SignedRequest,
) -> Result<Answer<T>, EnrolmentError> {
    let client = base(settings, directory)?.build().map_err(|error| EnrolmentError::Link(chain(&error)))?;
    at_either(settings, |url| post(&client, url, ENROL_PATH, request))
}

/// Asks about the terminal's own binding, with its certificate. The request goes to the host's second address when the first
/// one cannot be connected to: nothing of it has left then.
///
/// # Errors
/// When no answer came that can be read.
pub fn ask<T: DeserializeOwned>(
    settings: &LinkSettings,
    directory: &Path,
    request: &SignedRequest,
) -> Result<Answer<T>, EnrolmentError> {
    let client = certified(settings, directory)?;
    at_either(settings, |url| post(&client, url, TERMINAL_PATH, request))
}

/// Asks at the host's first address, and at the second one when nothing has left for the first. The first ought to answer: why it
/// did not is told first.
fn at_either<T>(settings: &LinkSettings, ask: impl Fn(&str) -> Result<T, Unanswered>) -> Result<T, EnrolmentError> {
    match (ask(&settings.url), &settings.fallback_url) {
        (Err(Unanswered::NotConnected(first)), Some(second)) => {
            tracing::info!(first, "the host's second address is asked");
            Ok(ask(second).map_err(|unanswered| match unanswered {
                Unanswered::NotConnected(why) => Unanswered::NotConnected(format!("{first}; {why}")),
                failed @ Unanswered::Failed(_) => failed,
            })?)
        }
        (result, _) => Ok(result?),
    }
}

/// As [`ask`], at this address of the host and no other.
///
/// # Errors
/// When no answer came that can be read.
pub fn ask_at<T: DeserializeOwned>(
    url: &str,
    settings: &LinkSettings,
    directory: &Path,
    request: &SignedRequest,
) -> Result<Answer<T>, EnrolmentError> {
    Ok(post(&certified(settings, directory)?, url, TERMINAL_PATH, request)?)
}

/// Why nothing came that can be read.
enum Unanswered {
    /// Nothing has left.
    NotConnected(String),
    /// Anything else.
    Failed(EnrolmentError),
}

impl From<EnrolmentError> for Unanswered {
    fn from(error: EnrolmentError) -> Self {
        Self::Failed(error)
    }
}

impl From<Unanswered> for EnrolmentError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotConnected(why) => Self::Link(format!("the host cannot be reached: {why}")),
            Unanswered::Failed(error) => error,
        }
    }
}

/// A client that shows the terminal's certificate.
///
/// # Errors
/// When certificates or settings are wrong.
pub fn certified(settings: &LinkSettings, directory: &Path) -> Result<Client, EnrolmentError> {
    let certificate = read(directory, &settings.client_certificate_file)?;
    let key = read(directory, &settings.client_key_file)?;
    let failed = |error: reqwest::Error| EnrolmentError::Link(chain(&error));
    let identity = reqwest::Identity::from_pkcs8_pem(&certificate, &key).map_err(failed)?;
    base(settings, directory)?.identity(identity).build().map_err(failed)
}

fn base(settings: &LinkSettings, directory: &Path) -> Result<ClientBuilder, EnrolmentError> {
    let failed = |error: reqwest::Error| EnrolmentError::Link(chain(&error));
    if !settings.url.starts_with("https://") {
        let problem = "it must begin with https:// and name a host".to_owned();
        return Err(EnrolmentError::Setting { key: "host.url", problem });
    }
    let authorities = read(directory, &settings.ca_file)?;
    let authorities = reqwest::Certificate::from_pem_bundle(&authorities).map_err(failed)?;
    let connect = Duration::from_secs(settings.connect_timeout_s);
    Ok(Client::builder()
        .tls_backend_native()
        .https_only(true)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .tls_certs_only(authorities)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(0)
        .connect_timeout(connect)
        .timeout(Duration::from_secs(settings.deadline_s)))
}

fn post<T: DeserializeOwned>(
    client: &Client,
    address: &str,
    path: &str,
    request: &SignedRequest,
) -> Result<Answer<T>, Unanswered> {
    let body = serde_json::to_vec(request).map_err(|error| EnrolmentError::Request(error.to_string()))?;
    let url = format!("{}{path}", address.trim_end_matches('/'));
    let response =
        client.post(url).header(CONTENT_TYPE, JSON).body(body).send().map_err(|error| match error.is_connect() {
            true => Unanswered::NotConnected(chain(&error)),
            false => EnrolmentError::Link(format!("the host cannot be reached: {}", chain(&error))).into(),
        })?;
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("nothing");
    if status != StatusCode::OK || !content_type.starts_with(JSON) {
        return Err(EnrolmentError::Link(format!("something on the way answered HTTP {status}, {content_type}")).into());
    }
    let mut answer = Zeroizing::new(Vec::new());
    response
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut answer)
        .map_err(|error| EnrolmentError::Link(format!("the answer was cut off: {error}")))?;
    if answer.len() > LONGEST {
        return Err(EnrolmentError::Answer(format!("it is longer than {LONGEST} bytes")).into());
    }
    serde_json::from_slice(&answer).map_err(|error| EnrolmentError::Answer(error.to_string()).into())
}

fn read(directory: &Path, file: &Path) -> Result<Zeroizing<Vec<u8>>, EnrolmentError> {
    let path = directory.join(file);
    std::fs::read(&path).map(Zeroizing::new).map_err(|source| EnrolmentError::file(&path, source))
}

/// The library's reasons, without the address.
pub(in crate::acquirer) fn chain(error: &reqwest::Error) -> String {
    let mut reasons = Vec::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(reason) = next {
        reasons.push(reason.to_string());
        next = reason.source();
    }
    if reasons.is_empty() { error.to_string() } else { reasons.join(": ") }
}
