//! HTTPS: one listener and a router. Messages, and what a terminal asks about itself, need a client certificate; a machine that
//! wants to be enrolled has none yet. Everything is bounded: connections, time for a handshake, head and body, size of a
//! body.

use std::convert::Infallible;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::{Json, Router, routing::post};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod, SslSessionCacheMode, SslVerifyMode, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_openssl::SslStream;
use tracing::{debug, warn};

use super::HostError;
use super::onboarding::wrong_codes::Source;
use super::pki::{self, Credential};
use super::places::{Marker, Place, Places};
use super::service::{Reply, Service};
use crate::acquirer::enrolment::wire::{
    Answer, ENROL_PATH, LONGEST, Refusal as EnrolmentRefusal, SignedRequest, TERMINAL_PATH,
};
use crate::acquirer::link::MESSAGE_TYPE;
use crate::proof::witness::{self, Refusal};

/// Path of the messages.
pub const PATH: &str = "/mjc/webtrans/VPB_lb";

/// Longest request that is read, in bytes.
const MAX_REQUEST: usize = 8 * 1024;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Nobody waits longer than this for a host that keeps silent.
const SILENCE: Duration = Duration::from_secs(600);

/// An idle line may stay open for so long, and so may the head of a request be on its way.
const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The same for who has shown no certificate: he has one thing to ask.
const STRANGERS_TIMEOUT: Duration = Duration::from_secs(10);

/// Whose TLS sessions these are.
const SESSION_CONTEXT: &[u8] = b"yima-sandbox";

/// How many handshakes there were.
#[derive(Debug, Default)]
pub struct Handshakes {
    /// In which both sides showed their certificates.
    pub full: AtomicUsize,
    /// Which resumed a session.
    pub resumed: AtomicUsize,
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
struct Peer {
    /// Fingerprint of the certificate shown, if one was.
    certificate: Option<Arc<str>>,
    line: Marker,
}

/// The TLS side: TLS 1.2 at least, and no certificate but those of this authority. Whether there must be one depends on
/// the path, which comes later.
///
/// # Errors
/// Passed on from OpenSSL.
pub fn acceptor(server: &Credential, authority: &X509) -> Result<SslAcceptor, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_private_key(&server.key)?;
    builder.set_certificate(&server.certificate)?;
    builder.check_private_key()?;
    let mut trusted = X509StoreBuilder::new()?;
    trusted.add_cert(authority.clone())?;
    builder.set_cert_store(trusted.build());
    builder.add_client_ca(authority)?;
    builder.set_verify(SslVerifyMode::PEER);
    // A session remembers the certificate it began with; whether that still counts is asked with every message. Without a
    // context OpenSSL resumes none that had a certificate.
    builder.set_session_id_context(SESSION_CONTEXT)?;
    builder.set_session_cache_mode(SslSessionCacheMode::SERVER);
    Ok(builder.build())
}

/// Serves until `stop` is told or dropped.
pub async fn serve(listener: TcpListener, acceptor: SslAcceptor, service: Arc<Service>, stop: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return debug!(%error, "the listener cannot be used"),
    };
    let router = Router::new()
        .route(PATH, post(message))
        .route(ENROL_PATH, post(enrol))
        .route(TERMINAL_PATH, post(terminal))
        .route(witness::PATH, post(checkpoint))
        .with_state(Arc::clone(&service));
    let (acceptor, places) = (Arc::new(acceptor), Arc::new(Places::default()));
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let place = places.take().await;
                    let (acceptor, router, service) = (Arc::clone(&acceptor), router.clone(), Arc::clone(&service));
                    tokio::spawn(async move {
                        tokio::select! {
                            () = connection(stream, &acceptor, router, &service, &place) => {}
                            () = place.sent_away() => debug!("somebody else gets the place of a line that says nothing"),
                        }
                    });
                }
                // Out of file descriptors, most likely; they come back when connections end.
                Err(error) => {
                    debug!(%error, "no connection accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = stop => {}
    }
}

async fn connection(stream: TcpStream, acceptor: &SslAcceptor, router: Router, service: &Service, place: &Place) {
    let source = match stream.peer_addr() {
        Ok(address) => Source::of(address.ip()),
        Err(error) => return debug!(%error, "the connection is gone"),
    };
    let prepared = Ssl::new(acceptor.context()).and_then(|ssl| SslStream::new(ssl, stream));
    let mut stream = match prepared {
        Ok(stream) => stream,
        Err(error) => return debug!(%error, "no TLS"),
    };
    match timeout(HANDSHAKE_TIMEOUT, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return debug!(%error, "TLS handshake refused"),
        Err(_) => return debug!("TLS handshake took too long"),
    }
    let fingerprint = match stream.ssl().peer_certificate().map(|certificate| pki::fingerprint(&certificate)) {
        Some(Ok(fingerprint)) => Some(fingerprint.into()),
        None => None,
        Some(Err(error)) => return debug!(%error, "the certificate shown cannot be hashed"),
    };
    let handshakes = &service.handshakes;
    let counted = if stream.ssl().session_reused() { &handshakes.resumed } else { &handshakes.full };
    counted.fetch_add(1, Ordering::Relaxed);
    let is_known = fingerprint.is_some();
    if is_known {
        place.is_known();
    }
    let peer = Peer { certificate: fingerprint, line: place.marker() };
    let router = router.layer(Extension(peer)).layer(Extension(source));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if is_known { IDLE_TIMEOUT } else { STRANGERS_TIMEOUT })
        .keep_alive(is_known)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        debug!(%error, "connection ended");
    }
}

async fn message(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    let _busy = peer.line.begin();
    let Some(peer) = peer.certificate else { return Ok(no_certificate()) };
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|found| found.eq_ignore_ascii_case(MESSAGE_TYPE)) {
        return Ok((StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("send {MESSAGE_TYPE}")).into_response());
    }
    let body = match read(body, MAX_REQUEST).await {
        Ok(body) => body,
        Err(status) => return Ok(status.into_response()),
    };
    // The database blocks; the other connections must not wait for it.
    let decided = tokio::task::spawn_blocking(move || service.answer(&peer, &body)).await;
    Ok(match decided {
        Ok(Reply::Message(bytes, pause)) => {
            sleep(pause).await;
            ([(CONTENT_TYPE, MESSAGE_TYPE)], bytes.to_vec()).into_response()
        }
        // Ends when the terminal hangs up: the connection is dropped, and this with it.
        Ok(Reply::Silence) => {
            sleep(SILENCE).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Ok(Reply::BadGateway) => (StatusCode::BAD_GATEWAY, Html("<h1>502 Bad Gateway</h1>")).into_response(),
        Ok(Reply::CaptivePortal) => Html("<h1>Welcome</h1><p>Please log in to this network.</p>").into_response(),
        Ok(Reply::Unreadable(reason)) => (StatusCode::BAD_REQUEST, reason).into_response(),
        Ok(Reply::Failed(reason)) => (StatusCode::INTERNAL_SERVER_ERROR, reason).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    })
}

/// A machine wants to be enrolled.
async fn enrol(
    State(service): State<Arc<Service>>,
    Extension(source): Extension<Source>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    let _busy = peer.line.begin();
    Ok(onboard(request, move |signed| service.enrol(&signed, &source)).await)
}

/// An enrolled terminal asks about itself.
async fn terminal(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    let _busy = peer.line.begin();
    let Some(peer) = peer.certificate else { return Ok(no_certificate()) };
    Ok(onboard(request, move |signed| service.ask_about_terminal(&peer, &signed)).await)
}

/// An enrolled terminal asks for a signature of its log's head, with the status codes of C2SP tlog-witness.
async fn checkpoint(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    let _busy = peer.line.begin();
    let Some(peer) = peer.certificate else { return Ok(no_certificate()) };
    let body = match read(request.into_body(), witness::LONGEST).await {
        Ok(body) => body,
        Err(status) => return Ok(status.into_response()),
    };
    let decided = tokio::task::spawn_blocking(move || {
        let text = String::from_utf8_lossy(&body);
        service.cosign(&peer, &text)
    });
    Ok(match decided.await {
        Ok(Ok(Ok(line))) => line.into_response(),
        Ok(Ok(Err(Refusal::Conflict(size)))) => {
            let text = [(CONTENT_TYPE, witness::SIZE_TYPE)];
            (StatusCode::CONFLICT, text, format!("{size}\n")).into_response()
        }
        Ok(Ok(Err(refusal))) => {
            let status = match refusal {
                Refusal::NotSigned => StatusCode::FORBIDDEN,
                Refusal::OtherLog => StatusCode::NOT_FOUND,
                Refusal::NotConsistent(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Refusal::Unreadable | Refusal::Conflict(_) => StatusCode::BAD_REQUEST,
            };
            (status, refusal.to_string()).into_response()
        }
        Ok(Err(error)) => {
            warn!(%error, "the host failed");
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    })
}

async fn onboard<T: Serialize + Send + 'static>(
    request: Request<Body>,
    answer: impl FnOnce(SignedRequest) -> Result<Answer<T>, HostError> + Send + 'static,
) -> Response {
    let body = match read(request.into_body(), LONGEST).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let Ok(signed) = serde_json::from_slice::<SignedRequest>(&body) else {
        return Json(Answer::<T>::Refused(EnrolmentRefusal::BadRequest)).into_response();
    };
    match tokio::task::spawn_blocking(move || answer(signed)).await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(error)) => {
            warn!(%error, "the host failed");
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The whole body, when it comes in time and is not too long.
async fn read(body: Body, most: usize) -> Result<Bytes, StatusCode> {
    match timeout(READ_TIMEOUT, to_bytes(body, most)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn no_certificate() -> Response {
    (StatusCode::FORBIDDEN, "show the certificate of an enrolled terminal").into_response()
}
