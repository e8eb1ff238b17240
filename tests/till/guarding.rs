//! Who may not ask.

use serde_json::{Value, json};
use yima::till_keys::TillKeys;
use yima::till_server::{RunningTills, TillServerError, hear};

use super::client::{Till, sale};
use super::terminal::{NEVER, Terminal};
use super::watching::Watching;

#[test]
fn only_programs_that_mean_this_terminal_and_have_a_key_are_answered() {
    let terminal = Terminal::on_address();
    let running = terminal.start(NEVER);
    let till = running.till(&terminal, "1");
    let nobody = Till::stranger(running.place());
    assert_eq!((nobody.get("/v1/status").status, nobody.get("/v1/status").problem()), (401, "unauthorized"));
    assert_eq!(nobody.get("/v1/status").header("www-authenticate"), Some("Bearer realm=\"yima\""));
    for (name, value) in [("Origin", "http://127.0.0.1"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        let browser = till.ask("GET", "/v1/status", &[(name, value)], None);
        assert_eq!((browser.status, browser.problem()), (403, "browser-refused"), "{name}: {value}");
    }
    let ask = |host: &str| {
        let head =
            format!("GET /v1/status HTTP/1.1\r\n{host}Connection: close\r\nAuthorization: Bearer {}\r\n\r\n", till.key);
        till.raw(&head, b"").unwrap()
    };
    let own = format!("Host: {}\r\n", till.host());
    assert_eq!(ask(&own).status, 200);
    let port = till.host().rsplit_once(':').unwrap().1.to_owned();
    for foreign in
        [format!("Host: evil.example:{port}\r\n"), "Host: localhost:1\r\n".to_owned(), format!("{own}Host: a\r\n")]
    {
        assert_eq!(ask(&foreign).problem(), "foreign-host", "{foreign}");
    }
    assert!(till.raw("GET /v1/status HTTP/1.1\r\nConnection: close\r\n\r\n", b"").unwrap().status >= 400);
    assert_eq!(till.get("/v2/status").problem(), "not-found");
    assert_eq!(till.ask("DELETE", "/v1/status", &[], None).problem(), "method-not-allowed");
}

#[test]
fn what_is_no_payment_begins_none() {
    let terminal = Terminal::new();
    let running = terminal.start(NEVER);
    let till = running.till(&terminal, "1");
    let body = sale(100).to_string();
    let head = |more: &str| {
        format!(
            "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n{more}\r\n",
            till.key
        )
    };
    let length = format!("Content-Length: {}\r\n", body.len());
    let wrong_type = head(&format!("Idempotency-Key: a\r\nContent-Type: text/plain\r\n{length}"));
    assert_eq!(till.raw(&wrong_type, body.as_bytes()).unwrap().problem(), "wrong-type");
    let without = head(&format!("Content-Type: application/json\r\n{length}"));
    assert_eq!(till.raw(&without, body.as_bytes()).unwrap().problem(), "key-missing");
    for key in ["a b", "a/b", "", &"k".repeat(65)] {
        assert_eq!(till.begin(key, &sale(100)).status, 400, "{key:?}");
    }
    // Too long by what it says, and by what comes.
    let long = vec![b' '; 200 * 1024];
    let said =
        head(&format!("Idempotency-Key: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", long.len()));
    assert_eq!(till.raw(&said, &long).unwrap().problem(), "too-large");
    let chunks = head("Idempotency-Key: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n");
    let chunk = [format!("{:x}\r\n", long.len()).as_bytes(), &long, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(till.raw(&chunks, &chunk).unwrap().problem(), "too-large");
    for wrong in [
        json!({ "kind": "sale", "amount": { "minor": 12.34, "currency": "CNY" } }),
        json!({ "kind": "sale", "amount": { "minor": -1, "currency": "CNY" } }),
        json!({ "kind": "sale", "amount": { "minor": 0, "currency": "CNY" } }),
        json!({ "kind": "sale", "amount": { "minor": 1, "currency": "XXX" } }),
        json!({ "kind": "sale" }),
        json!([]),
        Value::Null,
    ] {
        let refused = till.begin("a", &wrong);
        assert_eq!((refused.status, refused.problem()), (400, "request-invalid"), "{wrong}");
        assert!(!refused.body["detail"].as_str().unwrap().is_empty());
    }
    assert_eq!(till.get("/v1/payments/a").problem(), "payment-unknown");
    assert!(terminal.rows().is_empty() && terminal.at_host(100).is_empty());
}

#[test]
fn codes_and_keys_are_not_guessed() {
    let terminal = Terminal::new();
    let running = terminal.start(NEVER);
    let nobody = Till::stranger(running.place());
    let show = |code: &str| nobody.ask("POST", "/v1/pairings", &[], Some(&json!({ "code": code })));
    assert_eq!((show("2345-6789").status, show("2345-6789").problem()), (403, "pairing-refused"));
    let code = terminal.code("1");
    let till = Till::pair(running.place(), &code);
    assert_eq!(show(&code).problem(), "pairing-refused", "a code counts once");
    let name = "1".parse().unwrap();
    let mut keys = TillKeys::open(&terminal.setup.state).unwrap();
    assert_eq!(till.get("/v1/status").status, 200);
    // Wrong keys are soon looked at no more; the right one always is.
    let wrong = Till { key: format!("yima_till_{}", "0".repeat(64)), ..till.clone() };
    let answers: Vec<_> = (0..30).map(|_| wrong.get("/v1/status").status).collect();
    assert_eq!((answers[0], answers[29]), (401, 429), "{answers:?}");
    let waiting = wrong.get("/v1/status");
    assert!((1..=60).contains(&waiting.header("retry-after").unwrap().parse::<u64>().unwrap()));
    assert_eq!(show(&terminal.code("2")).problem(), "too-many-wrong-keys");
    assert_eq!(till.get("/v1/status").status, 200);
    assert!(keys.revoke(&name, jiff::Timestamp::now()).unwrap());
    assert_eq!(till.get("/v1/status").status, 429, "it is nobody any more");
}

#[test]
fn a_socket_that_was_left_is_taken_and_one_that_is_listened_on_is_not() {
    let terminal = Terminal::new();
    let running = terminal.start(NEVER);
    let path = terminal.folder.path().join("till.sock");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o660);
    let (_, ears) = hear(Box::new(Watching::new().0));
    let second = RunningTills::start(&terminal.setup, ears, running.engine.intents());
    assert!(matches!(second, Err(TillServerError::InUse(_))), "{second:?}");
    drop(running);
    assert!(!path.exists());
    // As a power cut leaves it.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let running = terminal.start(NEVER);
    assert_eq!(running.till(&terminal, "1").get("/v1/status").status, 200);
}
