//! One listener without TLS. Everything is bounded: connections, time for the head of a request, requests of one address.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::page;
use super::patience::Patience;
use crate::clock;
use crate::receipt::html::POLICY;
use crate::sandbox::host::Host;
use crate::sandbox::host::onboarding::wrong_codes::Source;
use crate::sandbox::host::receipts::Opened;
use crate::wording::Language;

/// Connections at a time.
const MOST_CONNECTIONS: usize = 64;

/// How long the head of a request may be on its way.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may last in all: a phone has one thing to ask.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

struct Desk {
    host: Host,
    patience: Mutex<Patience>,
}

/// Serves until `stop` is told or dropped.
pub(super) async fn serve(listener: TcpListener, host: Host, stop: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return debug!(%error, "the listener cannot be used"),
    };
    let desk = Arc::new(Desk { host, patience: Mutex::default() });
    let router = Router::new().route("/R/{*link}", get(receipt)).fallback(elsewhere).with_state(desk);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let accepting = async {
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let router = router.clone();
                    tokio::spawn(async move {
                        let _place = place;
                        if timeout(CONNECTION_TIMEOUT, connection(stream, router)).await.is_err() {
                            debug!("a connection took too long");
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

async fn connection(stream: TcpStream, router: Router) {
    let source = match stream.peer_addr() {
        Ok(address) => Source::of(address.ip()),
        Err(error) => return debug!(%error, "the connection is gone"),
    };
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.layer(Extension(source))))
        .await;
    if let Err(error) = served {
        debug!(%error, "connection ended");
    }
}

async fn receipt(
    State(desk): State<Arc<Desk>>,
    Extension(source): Extension<Source>,
    Path(link): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Infallible> {
    let language = language(&headers);
    let now = clock::timestamp().as_second();
    let may_ask = desk.patience.lock().unwrap_or_else(PoisonError::into_inner).ask(&source, now);
    if let Err(wait_s) = may_ask {
        let said =
            page::without("请求过于频繁，请稍后再试。", "Too many requests: please try again in a minute.", language);
        let mut response = answer(StatusCode::TOO_MANY_REQUESTS, said);
        response.headers_mut().insert(RETRY_AFTER, wait_s.into());
        return Ok(response);
    }
    let asked = Arc::clone(&desk);
    // The database blocks; other connections must not wait for it.
    let opened = tokio::task::spawn_blocking(move || asked.host.open_receipt(&link, clock::local().date())).await;
    Ok(match opened {
        Ok(Ok(Opened::Receipt(found))) => answer(StatusCode::OK, page::of_receipt(&found, language)),
        Ok(Ok(Opened::Purchase(found))) => answer(StatusCode::OK, page::of_purchase(&found, language)),
        Ok(Ok(Opened::Expired)) => answer(
            StatusCode::GONE,
            page::without(
                "此链接已过期。请凭纸质签购单向商户查询。",
                "This link has expired. Please ask the shop, with the slip on paper.",
                language,
            ),
        ),
        Ok(Ok(Opened::Nothing)) => {
            desk.patience.lock().unwrap_or_else(PoisonError::into_inner).wrong(&source);
            nothing(language)
        }
        Ok(Err(error)) => failed(&error.to_string(), language),
        Err(error) => failed(&error.to_string(), language),
    })
}

async fn elsewhere(headers: HeaderMap) -> Response {
    nothing(language(&headers))
}

fn nothing(language: Language) -> Response {
    let said = page::without(
        "未找到签购单。请检查链接，或稍后再试。",
        "No receipt was found. Please check the link, or try again later.",
        language,
    );
    answer(StatusCode::NOT_FOUND, said)
}

/// What failed is for the log: it may name what strangers need not know.
fn failed(problem: &str, language: Language) -> Response {
    warn!(problem, "an e-receipt cannot be shown");
    let said = page::without("系统繁忙，请稍后再试。", "Something went wrong: please try again later.", language);
    answer(StatusCode::INTERNAL_SERVER_ERROR, said)
}

fn answer(status: StatusCode, html: String) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(html)).into_response()
}

fn language(headers: &HeaderMap) -> Language {
    page::wanted(headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
}
