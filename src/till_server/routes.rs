//! The paths of the interface: what is asked, by whom, and with which status it is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::desk::{Asked, Desk, First, Left, failed_because, refusal};
use super::guard::{Guard, bearer};
use super::stream;
use crate::till::IdempotencyKey;
use crate::till::answer::PaymentAnswer;
use crate::till::problem::{CONTENT_TYPE as PROBLEM, Problem, ProblemKind};
use crate::till::request::{Display, PairingRequest, PaymentRequest, RequestError};
use crate::till_keys::{PaymentNumber, TillId};

/// Paths that are served, with their methods.
pub const PATHS: [(&str, &[&str]); 7] = [
    ("/v1/pairings", &["post"]),
    ("/v1/payments", &["post"]),
    ("/v1/payments/{key}", &["get"]),
    ("/v1/payments/{key}/cancel", &["post"]),
    ("/v1/status", &["get"]),
    ("/v1/events", &["get"]),
    ("/v1/display", &["put", "delete"]),
];

/// Longest body that is read, in bytes: two hundred lines of goods fit.
const MOST_BODY: usize = 128 * 1024;

/// How long a body may be on its way.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the engine is waited for before a till is told that its payment is running.
const FIRST_WORD: Duration = Duration::from_secs(10);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// What every request needs.
pub(super) struct Shop {
    desk: Arc<Desk>,
    guard: Guard,
    streams: Arc<Semaphore>,
}

/// An answer, or the problem that stands in its place.
type Answered = Result<Response, Refused>;

/// A problem as an answer.
struct Refused(Box<Problem>);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Box<Problem>> for Refused {
    fn from(problem: Box<Problem>) -> Self {
        Self(problem)
    }
}

impl From<ProblemKind> for Refused {
    fn from(kind: ProblemKind) -> Self {
        Problem::of(kind).into()
    }
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        Problem::of(ProblemKind::RequestInvalid).with_detail(error.to_string()).into()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.0)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"yima\""));
        }
        response
    }
}

/// All paths behind their guard.
pub(super) fn router(desk: Arc<Desk>, guard: Guard) -> Router {
    let shop = Arc::new(Shop { desk, guard, streams: stream::places() });
    let tills = Router::new()
        .route("/v1/payments", post(begin))
        .route("/v1/payments/{key}", get(payment))
        .route("/v1/payments/{key}/cancel", post(cancel))
        .route("/v1/status", get(status))
        .route("/v1/events", get(events))
        .route("/v1/display", put(display).delete(display_nothing))
        .method_not_allowed_fallback(async || Refused::from(ProblemKind::MethodNotAllowed))
        .route_layer(from_fn_with_state(Arc::clone(&shop), by_key));
    Router::new()
        .route("/v1/pairings", post(pair))
        .method_not_allowed_fallback(async || Refused::from(ProblemKind::MethodNotAllowed))
        .merge(tills)
        .fallback(async || Refused::from(ProblemKind::NotFound))
        .layer(from_fn_with_state(Arc::clone(&shop), admitted))
        .with_state(shop)
}

/// Before everything else: who is meant, and that no browser asks. What is answered is kept by nobody.
async fn admitted(State(shop): State<Arc<Shop>>, request: Request, next: Next) -> Response {
    let mut response = match shop.guard.admits(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => Refused::from(problem).into_response(),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A till shows its key. A right one is let in however many wrong ones came before.
async fn by_key(State(shop): State<Arc<Shop>>, mut request: Request, next: Next) -> Response {
    let Some(key) = bearer(request.headers()).map(|key| zeroize::Zeroizing::new(key.to_owned())) else {
        return Refused::from(ProblemKind::Unauthorized).into_response();
    };
    let desk = Arc::clone(&shop.desk);
    match spawn_blocking(move || desk.till_of(&key)).await {
        Ok(Ok(Some(till))) => {
            request.extensions_mut().insert(till);
            next.run(request).await
        }
        Ok(Ok(None)) => wrong_key(&shop, ProblemKind::Unauthorized),
        Ok(Err(error)) => Refused::from(failed_because(&error)).into_response(),
        Err(error) => Refused::from(failed_because(&error)).into_response(),
    }
}

fn wrong_key(shop: &Shop, kind: ProblemKind) -> Response {
    match shop.guard.looks() {
        Ok(()) => {
            shop.guard.was_wrong();
            Refused::from(kind).into_response()
        }
        Err(wait_s) => too_many(wait_s),
    }
}

fn too_many(wait_s: u64) -> Response {
    let mut response = Refused::from(ProblemKind::TooManyWrongKeys).into_response();
    response.headers_mut().insert(RETRY_AFTER, wait_s.into());
    response
}

/// The whole body, when it is JSON by its type, comes in time and is not too long.
async fn read(request: Request) -> Result<Bytes, Refused> {
    let (parts, body) = request.into_parts();
    let json = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|found| {
        let essence = found.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    if !json {
        return Err(ProblemKind::WrongType.into());
    }
    match timeout(BODY_TIMEOUT, to_bytes(body, MOST_BODY)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(ProblemKind::TooLarge.into()),
        Err(_) => Err(ProblemKind::TooSlow.into()),
    }
}

/// What blocks is done elsewhere: other tills must not wait for it.
async fn at_desk<T: Send + 'static>(
    shop: &Shop,
    work: impl FnOnce(&Desk) -> Result<T, Box<Problem>> + Send + 'static,
) -> Result<T, Refused> {
    let desk = Arc::clone(&shop.desk);
    match spawn_blocking(move || work(&desk)).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(failed_because(&error).into()),
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, Json(body)).into_response()
}

async fn pair(State(shop): State<Arc<Shop>>, request: Request) -> Answered {
    if let Err(wait_s) = shop.guard.looks() {
        return Ok(too_many(wait_s));
    }
    let wanted = PairingRequest::parse(&read(request).await?)?;
    let paired = at_desk(&shop, move |desk| desk.pair(&wanted.code).map_err(|error| failed_because(&error))).await?;
    match paired {
        Some(paired) => {
            tracing::warn!(till = %paired.name, "a till was paired");
            Ok(answer(StatusCode::CREATED, &json!({ "till": paired.name.as_str(), "key": paired.key.expose() })))
        }
        None => Ok(wrong_key(&shop, ProblemKind::PairingRefused)),
    }
}

/// The key of a payment; around it may stand the quotes of a structured header.
fn key_of(headers: &HeaderMap) -> Result<IdempotencyKey, Refused> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let value = values.next().ok_or(ProblemKind::KeyMissing)?;
    if values.next().is_some() {
        return Err(ProblemKind::KeyInvalid.into());
    }
    let text = value.to_str().map_err(|_| ProblemKind::KeyInvalid)?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    parsed(text)
}

fn parsed(text: &str) -> Result<IdempotencyKey, Refused> {
    text.parse().map_err(|error: crate::till::NameError| {
        Problem::of(ProblemKind::KeyInvalid).with_detail(error.to_string()).into()
    })
}

async fn begin(State(shop): State<Arc<Shop>>, Extension(till): Extension<TillId>, request: Request) -> Answered {
    let key = key_of(request.headers())?;
    let wanted = PaymentRequest::parse(&read(request).await?)?;
    // Who hangs up meanwhile does not leave a payment half begun.
    let begun = tokio::spawn(async move {
        match at_desk(&shop, move |desk| desk.ask(till, &key, &wanted)).await? {
            Asked::Known(known) => Ok(answer(StatusCode::OK, &*known)),
            Asked::Begun(number, first) => said_first(&shop, number, timeout(FIRST_WORD, first).await).await,
        }
    });
    match begun.await {
        Ok(answered) => answered,
        Err(error) => Err(failed_because(&error).into()),
    }
}

/// What a till is told once the engine has said something; or has not, and goes on.
async fn said_first<E, F>(shop: &Shop, number: PaymentNumber, first: Result<Result<First, E>, F>) -> Answered {
    let payment = move |desk: &Desk| desk.payment_of(number);
    match first {
        Ok(Ok(First::Busy)) => {
            let payment = at_desk(shop, payment).await?;
            Err(Problem::of(ProblemKind::Busy).about(payment).into())
        }
        Ok(Ok(First::Refused(reason))) => {
            let payment = at_desk(shop, payment).await?;
            Err(refusal(&reason).about(payment).into())
        }
        Ok(Ok(First::Began) | Err(_)) | Err(_) => {
            let payment: PaymentAnswer = at_desk(shop, payment).await?;
            let place = HeaderValue::from_str(&format!("/v1/payments/{}", payment.key));
            let mut response = answer(StatusCode::CREATED, &payment);
            if let Ok(place) = place {
                response.headers_mut().insert(LOCATION, place);
            }
            Ok(response)
        }
    }
}

async fn payment(
    State(shop): State<Arc<Shop>>,
    Extension(till): Extension<TillId>,
    Path(key): Path<String>,
) -> Answered {
    let key = parsed(&key)?;
    let payment = at_desk(&shop, move |desk| desk.payment(till, &key)).await?;
    Ok(answer(StatusCode::OK, &payment))
}

async fn cancel(
    State(shop): State<Arc<Shop>>,
    Extension(till): Extension<TillId>,
    Path(key): Path<String>,
) -> Answered {
    let key = parsed(&key)?;
    let asked = key.clone();
    let said = match at_desk(&shop, move |desk| desk.leave(till, &asked)).await? {
        Some(left) => match timeout(FIRST_WORD, left).await {
            Ok(Ok(said)) => said,
            // Nobody says that it was left.
            Ok(Err(_)) | Err(_) => Left::NotLeft,
        },
        None => Left::Over,
    };
    let payment = at_desk(&shop, move |desk| desk.payment(till, &key)).await?;
    match (said, payment.state) {
        (_, "not_charged" | "refused") => Ok(answer(StatusCode::OK, &payment)),
        (_, "running" | "unknown") => Err(Problem::of(ProblemKind::TooLateToCancel).about(payment).into()),
        _ => Err(Problem::of(ProblemKind::PaymentOver).about(payment).into()),
    }
}

async fn status(State(shop): State<Arc<Shop>>) -> Answered {
    let status = at_desk(&shop, |desk| desk.status().ok_or_else(|| Problem::of(ProblemKind::NotReady).into())).await?;
    Ok(answer(StatusCode::OK, &status))
}

async fn events(
    State(shop): State<Arc<Shop>>,
    Extension(till): Extension<TillId>,
    method: Method,
    headers: HeaderMap,
) -> Answered {
    let after = match headers.get(LAST_EVENT_ID) {
        None => None,
        Some(value) => {
            let id = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).filter(|id| *id >= 0);
            let wrong = || Problem::of(ProblemKind::RequestInvalid).with_detail("Last-Event-ID is no number");
            Some(id.ok_or_else(wrong)?)
        }
    };
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        let place = Arc::clone(&shop.streams).try_acquire_owned().map_err(|_| ProblemKind::TooManyLines)?;
        let followed =
            at_desk(&shop, move |desk| desk.follow(till, after).map_err(|error| failed_because(&error))).await?;
        Body::new(stream::begin(till, followed, place))
    };
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

async fn display(State(shop): State<Arc<Shop>>, request: Request) -> Answered {
    let wanted = Display::parse(&read(request).await?)?;
    shop.desk.display(Some(wanted));
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn display_nothing(State(shop): State<Arc<Shop>>) -> Answered {
    shop.desk.display(None);
    Ok(StatusCode::NO_CONTENT.into_response())
}
