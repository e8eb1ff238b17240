//! Notifications to a web address: JSON by POST, with what proves who sent it and what tells a second try from a second notification.
//!
//! | header | content |
//! |---|---|
//! | `Idempotency-Key` | the notification's key: the same at every try |
//! | `X-Yima-Timestamp` | when this try was sent, in seconds since 1970 |
//! | `X-Yima-Signature` | `sha256=` and the HMAC with SHA-256 over timestamp, `.` and body, in hexadecimal |
//!
//! Any answer of 200 to 299 says that it was taken; no redirection is followed, so that it goes nowhere but where it was meant for.

use std::fmt;
use std::time::Duration;

use reqwest::blocking::Client;
use serde_json::json;
use zeroize::Zeroizing;

use super::sms::parts;
use super::{DeliveryError, Notification, NotificationProvider};
use crate::clock;
use crate::crypto::sha256::hmac_sha256;
use crate::crypto::{CryptoError, hex};
use crate::wording::Language;

/// How long an answer is waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// See the module. Its secret is wiped when it is dropped.
pub struct Webhook {
    client: Client,
    url: String,
    secret: Zeroizing<Vec<u8>>,
}

impl Webhook {
    /// A provider that posts to an address.
    ///
    /// # Errors
    /// When there can be no client, which no address changes.
    pub fn new(url: &str, secret: Zeroizing<Vec<u8>>) -> Result<Self, DeliveryError> {
        let client = Client::builder().timeout(ANSWER_TIMEOUT).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| DeliveryError(error.to_string()))?;
        Ok(Self { client, url: url.to_owned(), secret })
    }
}

impl NotificationProvider for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn deliver(&self, notification: &Notification) -> Result<(), DeliveryError> {
        let (body, timestamp) = (body(notification), clock::timestamp().as_second());
        let signature = signature(&self.secret, timestamp, &body).map_err(|error| DeliveryError(error.to_string()))?;
        let request = self
            .client
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", &notification.key)
            .header("X-Yima-Timestamp", timestamp)
            .header("X-Yima-Signature", signature)
            .body(body);
        // Without the address: it may have a secret of its own in it.
        let response = request.send().map_err(|error| DeliveryError(error.without_url().to_string()))?;
        let status = response.status();
        if status.is_success() { Ok(()) } else { Err(DeliveryError(format!("the webhook answered {status}"))) }
    }
}

/// The value of `X-Yima-Signature`.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn signature(secret: &[u8], timestamp: i64, body: &str) -> Result<String, CryptoError> {
    let signed = hmac_sha256(secret, &[timestamp.to_string().as_bytes(), b".", body.as_bytes()])?;
    Ok(format!("sha256={}", hex::encode(&signed)))
}

/// The same at every try.
fn body(notification: &Notification) -> String {
    json!({
        "key": notification.key,
        "event": notification.event.word(),
        "phone": notification.phone.expose(),
        "language": match notification.language {
            Language::Chinese => "zh-CN",
            Language::English => "en",
        },
        "text": notification.text,
        "sms_parts": parts(&notification.text),
        "merchant": notification.merchant_name,
        "amount": notification.amount.to_string(),
        "currency": notification.amount.currency().code(),
        "terminal": notification.terminal,
        "batch": notification.trace.batch.to_string(),
        "stan": notification.trace.stan.to_string(),
        "rrn": notification.rrn,
        "made_at": notification.made_at,
    })
    .to_string()
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook(masked)")
    }
}
