//! How requests about enrolment travel: HTTPS to the acquirer's host, which only the acquirer's own authorities vouch for. No
//! redirect, no proxy, nothing is sent twice. Blocking; must not be called on a thread that runs an asynchronous runtime.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::EnrolmentError;
use super::wire::{Answer, ENROL_PATH, LONGEST, SignedRequest, TERMINAL_PATH};
use crate::acquirer::https::address::Address;
use crate::acquirer::https::tls::{OwnCertificate, Tls, TlsError};
use crate::acquirer::https::{Https, Limits, Post, PostError};
use crate::terminal::link::LinkSettings;

/// Content type, both ways.
const JSON: &str = "application/json";

/// Asks to be enrolled. The terminal has no certificate yet and shows none.
///
/// # Errors
/// When no answer came that can be read.
pub fn enrol<T: DeserializeOwned>(
    settings: &LinkSettings,
    directory: &Path,
    request: &SignedRequest,
) -> Result<Answer<T>, EnrolmentError> {
    let authorities = read(directory, &settings.ca_file)?;
    post(Tls::new(&authorities, None).map_err(unusable)?, settings, ENROL_PATH, request)
}

/// Asks about the terminal's own binding, with its certificate.
///
/// # Errors
/// When no answer came that can be read.
pub fn ask<T: DeserializeOwned>(
    settings: &LinkSettings,
    directory: &Path,
    request: &SignedRequest,
) -> Result<Answer<T>, EnrolmentError> {
    let authorities = read(directory, &settings.ca_file)?;
    let chain = read(directory, &settings.client_certificate_file)?;
    let key = read(directory, &settings.client_key_file)?;
    let own = OwnCertificate { chain: &chain, key: &key };
    post(Tls::new(&authorities, Some(own)).map_err(unusable)?, settings, TERMINAL_PATH, request)
}

fn post<T: DeserializeOwned>(
    tls: Tls,
    settings: &LinkSettings,
    path: &str,
    request: &SignedRequest,
) -> Result<Answer<T>, EnrolmentError> {
    let address = Address::parse(&settings.url)
        .map_err(|error| EnrolmentError::Setting { key: "host.url", problem: error.to_string() })?;
    let body = serde_json::to_vec(request).map_err(|error| EnrolmentError::Request(error.to_string()))?;
    let limits = Limits::of(settings);
    let until = Instant::now() + Duration::from_secs(settings.deadline_s);
    let post = Post { path, content_type: JSON, body: &body, longest: LONGEST, hold: false };
    let received = Https::new(tls).post(&address, &post, &limits, until).map_err(|error| match error {
        PostError::NotSent(unreached) => EnrolmentError::Link(format!("the host cannot be reached: {unreached}")),
        PostError::Doubtful(detail) => EnrolmentError::Link(detail),
        PostError::TooLong(longest) => EnrolmentError::Answer(format!("it is longer than {longest} bytes")),
    })?;
    let (status, answer) = (received.response.status, Zeroizing::new(received.response.body));
    let content_type = received.response.content_type.unwrap_or_else(|| "nothing".to_owned());
    if status != 200 || !content_type.starts_with(JSON) {
        return Err(EnrolmentError::Link(format!("something on the way answered HTTP {status}, {content_type}")));
    }
    serde_json::from_slice(&answer).map_err(|error| EnrolmentError::Answer(error.to_string()))
}

fn read(directory: &Path, file: &Path) -> Result<Zeroizing<Vec<u8>>, EnrolmentError> {
    let path = directory.join(file);
    std::fs::read(&path).map(Zeroizing::new).map_err(|source| EnrolmentError::file(&path, source))
}

fn unusable(error: TlsError) -> EnrolmentError {
    EnrolmentError::Link(format!("certificates or key cannot be used: {error}"))
}
