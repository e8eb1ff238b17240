//! The page and the requests behind it.

use std::net::TcpListener;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use super::messages::of_messages;
use super::picture::picture;
use crate::clock;
use crate::qr::networks::Networks;
use crate::receipt::html;
use crate::sandbox::host::Host;
use crate::sandbox::host::code_payments::wallets::{Bill, CODE_VALID_S, Form, OrderName, Wallet, WalletError, in_yuan};
use crate::sandbox::receipts::wanted;

/// The page: one file that asks nobody but this server for anything.
const PAGE: &str = include_str!("../../../assets/sandbox/wallet.html");

/// What the page may do: run its own script, and ask this server.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Longest body of a request, in bytes.
const LONGEST: usize = 8 * 1024;

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    form: Option<String>,
}

#[derive(Deserialize)]
struct Scan {
    text: String,
}

#[derive(Deserialize)]
struct Pay {
    order: String,
    #[serde(default)]
    password: Option<String>,
}

#[derive(Deserialize)]
struct Refuse {
    order: String,
}

/// Serves until `stop` is told or dropped.
pub(super) async fn serve(listener: TcpListener, host: Host, stop: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return debug!(%error, "the listener cannot be used"),
    };
    let router = Router::new()
        .route("/", get(page))
        .route("/messages", get(messages))
        .route("/wallets", get(wallets))
        .route("/wallets/{name}", get(wallet))
        .route("/wallets/{name}/code", post(code))
        .route("/wallets/{name}/scan", post(scan))
        .route("/wallets/{name}/pay", post(pay))
        .route("/wallets/{name}/refuse", post(refuse))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(Arc::new(host));
    tokio::select! {
        served = async { axum::serve(listener, router).await } => {
            if let Err(error) = served {
                warn!(%error, "the wallets are served no more");
            }
        }
        _ = stop => {}
    }
}

async fn page() -> Response {
    let headers = [(CONTENT_SECURITY_POLICY, POLICY), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Html(PAGE)).into_response()
}

/// What customers were told, as the sandbox's provider of notifications keeps it.
async fn messages(State(host): State<Arc<Host>>, headers: HeaderMap) -> Response {
    let asked = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = wanted(asked);
    let told = tokio::task::spawn_blocking(move || host.notifications()).await;
    let messages = match told {
        Ok(Ok(messages)) => messages,
        Ok(Err(error)) => {
            warn!(%error, "the host's notifications cannot be read");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
        }
        Err(error) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    };
    let headers =
        [(CONTENT_SECURITY_POLICY, html::POLICY), (CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Html(of_messages(&messages, language, clock::local().time_zone()))).into_response()
}

async fn wallets(State(host): State<Arc<Host>>) -> Response {
    answer(host, |host| {
        let shown: Vec<Value> = host.shown(clock::timestamp())?.iter().map(bill).collect();
        let wallets: Vec<Value> = host.wallets()?.iter().map(in_json).collect();
        Ok(json!({ "wallets": wallets, "shown": shown }))
    })
    .await
}

async fn wallet(State(host): State<Arc<Host>>, Path(name): Path<String>) -> Response {
    answer(host, move |host| {
        let mut value = in_json(&host.wallet(&name)?);
        let waiting: Vec<Value> = host.waiting_for(&name, clock::timestamp())?.iter().map(bill).collect();
        value["waiting"] = waiting.into();
        Ok(value)
    })
    .await
}

async fn code(State(host): State<Arc<Host>>, Path(name): Path<String>, Json(asked): Json<Code>) -> Response {
    let form = match asked.form.as_deref() {
        None | Some("number") => Form::Number,
        Some("emv") => Form::Emv,
        Some(_) => return refusal(StatusCode::BAD_REQUEST, "form is number or emv"),
    };
    answer(host, move |host| {
        let code = host.make_code(&name, form, clock::timestamp())?;
        Ok(json!({ "code": code, "valid_s": CODE_VALID_S, "picture": picture(&code) }))
    })
    .await
}

async fn scan(State(host): State<Arc<Host>>, Path(name): Path<String>, Json(asked): Json<Scan>) -> Response {
    answer(host, move |host| {
        host.wallet(&name)?;
        Ok(bill(&host.scan(&asked.text, clock::timestamp())?))
    })
    .await
}

async fn pay(State(host): State<Arc<Host>>, Path(name): Path<String>, Json(asked): Json<Pay>) -> Response {
    answer(host, move |host| {
        let password = asked.password.as_deref().filter(|password| !password.is_empty());
        let paying = host.pay(&name, &OrderName::new(&asked.order), password, clock::timestamp())?;
        Ok(json!({ "result": paying.word(), "wallet": in_json(&host.wallet(&name)?) }))
    })
    .await
}

async fn refuse(State(host): State<Arc<Host>>, Path(name): Path<String>, Json(asked): Json<Refuse>) -> Response {
    answer(host, move |host| {
        let over = host.refuse(&name, &OrderName::new(&asked.order), clock::timestamp())?;
        Ok(json!({ "over": over }))
    })
    .await
}

/// Works on the host's books, which block, without letting others wait.
async fn answer(host: Arc<Host>, work: impl FnOnce(&Host) -> Result<Value, WalletError> + Send + 'static) -> Response {
    let done = tokio::task::spawn_blocking(move || work(&host)).await;
    match done {
        Ok(Ok(value)) => ([(CACHE_CONTROL, "no-store")], Json(value)).into_response(),
        Ok(Err(error @ (WalletError::NoWallet(_) | WalletError::NoOrder | WalletError::OtherCode))) => {
            refusal(StatusCode::NOT_FOUND, &error.to_string())
        }
        Ok(Err(error @ (WalletError::Code(_) | WalletError::NoForm(_)))) => {
            refusal(StatusCode::BAD_REQUEST, &error.to_string())
        }
        Ok(Err(error @ (WalletError::Store(_) | WalletError::Host(_)))) => {
            warn!(%error, "the wallets' books failed");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn refusal(status: StatusCode, problem: &str) -> Response {
    (status, Json(json!({ "error": problem }))).into_response()
}

/// A wallet as a program reads it.
fn in_json(wallet: &Wallet) -> Value {
    let networks = Networks::shipped().ok();
    let network = networks.as_ref().and_then(|networks| networks.named(&wallet.network));
    json!({
        "name": wallet.name,
        "network": wallet.network,
        "zh": network.map_or(wallet.network.as_str(), |network| &network.zh),
        "en": network.map_or(wallet.network.as_str(), |network| &network.en),
        "minor": wallet.balance,
        "balance": in_yuan(wallet.balance),
        "asks_above_minor": wallet.asks_above,
    })
}

/// An order as a program reads it.
fn bill(bill: &Bill) -> Value {
    json!({
        "order": bill.name.as_str(),
        "merchant": bill.merchant,
        "minor": bill.amount.minor(),
        "amount": bill.amount.signed(),
        "state": bill.state.word(),
        "code": bill.code,
    })
}
