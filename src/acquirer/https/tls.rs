//! TLS for the host: 1.2 at least, the acquirer's own authorities and no others, this terminal's certificate, and sessions
//! that are resumed.
//!
//! A session saves a round trip and the signatures of both sides. It is kept in memory for the address it was made with, and
//! only ever continues a handshake in which both certificates were checked; no data travels before the handshake is over.

use std::error::Error;
use std::fmt;
use std::future::{Ready, ready};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_openssl::SslStream;
use hyper_openssl::client::legacy::{HttpsLayer, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{self, SslConnector, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use tokio::net::TcpStream;
use tower_layer::Layer;
use tower_service::Service;

use super::address::Address;
use crate::link_fault::LinkFault;
use crate::payment::online::Unreached;

/// A connection after its handshake.
pub(super) type Secured = TokioIo<SslStream<TokioIo<TcpStream>>>;

/// Sessions that are kept at most: a host that hands them out and then resumes none must not fill the memory.
const SESSIONS: i32 = 8;

/// This terminal's side of TLS.
pub struct Tls {
    layer: HttpsLayer,
}

/// Certificates or keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of authorities holds none.
    #[error("it holds no certificate")]
    NoAuthority,
    /// The file of the terminal's own certificate holds none.
    #[error("it holds no certificate of this terminal")]
    NoCertificate,
    /// OpenSSL refuses them.
    #[error(transparent)]
    OpenSsl(#[from] ErrorStack),
}

/// A certificate with those that lead to its authority, and its key: both PEM.
#[derive(Clone, Copy)]
pub struct OwnCertificate<'a> {
    /// The certificate, then those that signed it.
    pub chain: &'a [u8],
    /// The key, PKCS#8.
    pub key: &'a [u8],
}

impl Tls {
    /// TLS that trusts these authorities (PEM) and shows this certificate, if there is one yet.
    ///
    /// # Errors
    /// When certificates or key cannot be used.
    pub fn new(authorities: &[u8], own: Option<OwnCertificate<'_>>) -> Result<Self, TlsError> {
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
        let mut trusted = X509StoreBuilder::new()?;
        let authorities = X509::stack_from_pem(authorities)?;
        if authorities.is_empty() {
            return Err(TlsError::NoAuthority);
        }
        for authority in authorities {
            trusted.add_cert(authority)?;
        }
        // In the place of the system's, which have no say here.
        builder.set_cert_store(trusted.build());
        if let Some(OwnCertificate { chain, key }) = own {
            let mut chain = X509::stack_from_pem(chain)?.into_iter();
            builder.set_certificate(&*chain.next().ok_or(TlsError::NoCertificate)?)?;
            for above in chain {
                builder.add_extra_chain_cert(above)?;
            }
            builder.set_private_key(&*PKey::private_key_from_pem(key)?)?;
            builder.check_private_key()?;
        }
        builder.set_session_cache_size(SESSIONS);
        // Keeps sessions and offers them again; rust-openssl's own call for that is not a safe one.
        Ok(Self { layer: HttpsLayer::with_connector(builder)? })
    }

    /// Shakes hands over a line. Sends nothing beyond.
    pub(super) async fn handshake(&self, address: &Address, line: TcpStream) -> Result<Secured, Unreached> {
        let verdict = Arc::new(AtomicI32::new(0));
        let (noted, number) = (Arc::clone(&verdict), address.number());
        let mut connector = self.layer.layer(Line(Some(TokioIo::new(line))));
        connector.set_callback(move |connection, _| {
            if let Some(number) = number {
                // The library would look for a name with brackets.
                connection.set_verify_hostname(false);
                connection.set_use_server_name_indication(false);
                connection.param_mut().set_ip(number)?;
            }
            let noted = Arc::clone(&noted);
            connection.set_verify_callback(SslVerifyMode::PEER, move |valid, context| {
                if !valid {
                    noted.store(context.error().as_raw(), Ordering::Relaxed);
                }
                valid
            });
            Ok(())
        });
        match connector.call(address.uri().clone()).await {
            Ok(MaybeHttpsStream::Https(stream)) => Ok(TokioIo::new(stream)),
            Ok(MaybeHttpsStream::Http(_)) => Err(Unreached::new(LinkFault::NotTls, "the address is not https")),
            Err(error) => Err(fault_of(verdict.load(Ordering::Relaxed), &*error)),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// A line that is there already, for a library that wants to be told how to make one.
struct Line(Option<TokioIo<TcpStream>>);

impl Service<Uri> for Line {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::Error::other("the line is in use")))
    }
}

/// What OpenSSL finds wrong with a certificate (its `x509_vfy.h`).
mod verdict {
    pub const NOT_YET_VALID: i32 = 9;
    pub const EXPIRED: i32 = 10;
    pub const WRONG_NAME: i32 = 62;
    pub const WRONG_NUMBER: i32 = 64;
}

/// Why OpenSSL ends a handshake (its `sslerr.h`); an alert of the other side is its number (RFC 8446, 6) after 1000.
mod reason {
    pub const UNSUPPORTED_PROTOCOL: i32 = 258;
    pub const WRONG_VERSION_NUMBER: i32 = 267;
    pub const ALERT_PROTOCOL_VERSION: i32 = 1070;
    pub const ALERT_BAD_CERTIFICATE: i32 = 1042;
    pub const ALERT_CERTIFICATE_UNKNOWN: i32 = 1046;
    pub const ALERT_UNKNOWN_AUTHORITY: i32 = 1048;
    pub const ALERT_ACCESS_DENIED: i32 = 1049;
    pub const ALERT_CERTIFICATE_REQUIRED: i32 = 1116;
}

/// The cause of a handshake that failed: what was found wrong with the host's certificate comes first.
fn fault_of(verdict: i32, error: &(dyn Error + 'static)) -> Unreached {
    let detail = error.to_string();
    let fault = match verdict {
        0 => None,
        verdict::NOT_YET_VALID => Some(LinkFault::NotYetValid),
        verdict::EXPIRED => Some(LinkFault::Expired),
        verdict::WRONG_NAME | verdict::WRONG_NUMBER => Some(LinkFault::WrongName),
        _ => Some(LinkFault::WrongAuthority),
    };
    let from_library = || error.source().and_then(|source| source.downcast_ref::<ssl::Error>()).map(fault_of_ssl);
    Unreached::new(fault.or_else(from_library).unwrap_or(LinkFault::Handshake), detail)
}

/// The cause of a failure to read where only the end of the handshake is to be read.
pub(super) fn fault_of_io(error: &io::Error) -> Unreached {
    let ssl = error.get_ref().and_then(|source| source.downcast_ref::<ssl::Error>());
    Unreached::new(ssl.map_or(LinkFault::HandshakeBroken, fault_of_ssl), error.to_string())
}

fn fault_of_ssl(error: &ssl::Error) -> LinkFault {
    let reasons = error.ssl_error().map(ErrorStack::errors).unwrap_or_default();
    // A line that breaks off in the middle leaves no reason, or one of the system.
    let Some(reason) = reasons.last().map(openssl::error::Error::reason_code) else {
        return LinkFault::HandshakeBroken;
    };
    match reason {
        reason::WRONG_VERSION_NUMBER => LinkFault::NotTls,
        reason::UNSUPPORTED_PROTOCOL | reason::ALERT_PROTOCOL_VERSION => LinkFault::OldTls,
        reason::ALERT_BAD_CERTIFICATE..=reason::ALERT_CERTIFICATE_UNKNOWN
        | reason::ALERT_UNKNOWN_AUTHORITY
        | reason::ALERT_ACCESS_DENIED
        | reason::ALERT_CERTIFICATE_REQUIRED => LinkFault::OwnCertificate,
        _ => LinkFault::Handshake,
    }
}
