//! Requests that nobody wrote by hand: ten thousand that were right once, changed at random, by the parser and through the line. Nothing
//! panics, every answer is one that the interface gives, and in the end the terminal serves on.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use yima::till::request::{Display, PairingRequest, PaymentRequest};

use super::client::{LIMIT, Place, sale};
use super::terminal::{NEVER, Terminal};

/// A small generator of numbers: the same run each time (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }
}

/// Pieces that parsers stumble over.
const PIECES: [&[u8]; 14] = [
    b"\"",
    b"{",
    b"}",
    b"[[[[[[[[",
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"-1",
    b"18446744073709551616",
    b"null",
    b"\xFF\xFE",
    b"\r\n",
    b": ",
    b"\0",
];

/// The same with one to four changes.
fn mutated(chance: &mut Chance, original: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
            1 if at < bytes.len() => bytes[at] = chance.next() as u8,
            2 => {
                let end = (at + chance.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + chance.below(40)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            _ => {
                let piece = PIECES[chance.below(PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
    bytes
}

fn bodies() -> Vec<Vec<u8>> {
    [
        json!({ "kind": "sale", "amount": { "minor": 600, "currency": "CNY" }, "goods": [
            { "number": 1, "name": "豆浆", "price_minor": 300, "pieces": 2, "tax_rate_hundredths": 1300 } ] }),
        json!({ "kind": "refund", "original": { "batch": "000001", "stan": "000001" } }),
        json!({ "kind": "void", "original": { "key": "order-1" }, "card_present": false }),
        json!({ "lines": [{ "name": "苹果", "quantity": "0.5 kg", "amount": { "minor": 1, "currency": "CNY" } }],
            "total": { "minor": 1, "currency": "CNY" } }),
        json!({ "code": "ABCD-2345" }),
    ]
    .map(|body| body.to_string().into_bytes())
    .to_vec()
}

#[test]
fn ten_thousand_changed_bodies_are_read_or_refused_and_what_is_read_is_read_again_the_same() {
    let (mut chance, bodies) = (Chance(1), bodies());
    let (mut read, mut refused) = (0, 0);
    for _ in 0..10_000 {
        let original = &bodies[chance.below(bodies.len())];
        let body = mutated(&mut chance, original);
        match PaymentRequest::parse(&body) {
            Ok(request) => {
                read += 1;
                assert_eq!(PaymentRequest::of_canonical(&request.canonical).as_ref(), Ok(&request));
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
        let _ = (Display::parse(&body), PairingRequest::parse(&body));
    }
    assert!(read > 50 && refused > 5_000, "both ways are gone: {read} read, {refused} refused");
}

#[test]
fn ten_thousand_changed_requests_on_the_line_get_an_answer_or_none_and_the_terminal_serves_on() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name().is_some_and(|name| name.starts_with("tills") || name.starts_with("tokio")) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        usual(info);
    }));
    let terminal = Terminal::new();
    let running = terminal.start(NEVER);
    let till = running.till(&terminal, "1");
    let Place::Socket(socket) = running.place() else { panic!("a socket") };
    let mut requests = Vec::new();
    for (index, body) in bodies().into_iter().enumerate() {
        let (method, path) = match index {
            3 => ("PUT", "/v1/display"),
            4 => ("POST", "/v1/pairings"),
            _ => ("POST", "/v1/payments"),
        };
        // Nobody's key: what begins a payment is looked at elsewhere, and this is about what is refused.
        for key in ["nobodys", till.key.as_str()] {
            // The right key does not come with a right payment.
            if index < 3 && key != "nobodys" {
                continue;
            }
            let head = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nIdempotency-Key: a-{index}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            requests.push([head.into_bytes(), body.clone()].concat());
        }
    }
    for path in ["/v1/status", "/v1/payments/a-1", "/v1/nothing"] {
        requests.push(
            format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
                till.key
            )
            .into_bytes(),
        );
    }
    let mut chance = Chance(2);
    let mut statuses = std::collections::BTreeMap::new();
    for _ in 0..10_000 {
        let request = {
            let original = &requests[chance.below(requests.len())];
            mutated(&mut chance, original)
        };
        let mut line = UnixStream::connect(&socket).unwrap();
        line.set_read_timeout(Some(LIMIT)).unwrap();
        // Whoever refuses by the head alone may have hung up already.
        let _ = line.write_all(&request);
        let _ = line.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = line.read_to_end(&mut answer);
        let status = answer.strip_prefix(b"HTTP/1.1 ").or(answer.strip_prefix(b"HTTP/1.0 "));
        let status = status.and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok()).unwrap_or("none").to_owned();
        *statuses.entry(status).or_insert(0) += 1;
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{statuses:?}");
    assert!(statuses.keys().all(|status| status == "none" || !status.starts_with('5')), "{statuses:?}");
    assert!(statuses.len() >= 4, "many ways are gone: {statuses:?}");
    assert!(terminal.rows().is_empty(), "nothing of it was a payment");
    // Whoever asks as one should is served, however many wrong keys came before.
    assert_eq!(till.get("/v1/status").status, 200);
    assert_eq!(till.begin("order-1", &sale(1234)).status, 201);
}
