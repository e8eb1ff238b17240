//! Events of payments, and who comes back for what it missed.

use serde_json::json;

use super::client::{Till, sale};
use super::terminal::{AT_ONCE, Terminal};

#[test]
fn who_was_away_is_told_what_it_missed_and_nobody_else_is() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let (till, other) = (running.till(&terminal, "1"), running.till(&terminal, "2"));
    let mut follower = till.follow(None);
    let mut stranger = other.follow(None);
    till.begin("order-1", &sale(100));
    let first = follower.next();
    assert_eq!(
        (first.name.as_str(), &first.data["state"], &first.data["key"]),
        ("payment", &json!("running"), &json!("order-1"))
    );
    let mut steps = Vec::new();
    let over = loop {
        let event = follower.next();
        match event.name.as_str() {
            "progress" => {
                assert_eq!(event.id, None);
                steps.push(event.data["progress"].as_str().unwrap().to_owned());
            }
            _ => break event,
        }
    };
    assert!(steps.contains(&"asking_host".to_owned()), "{steps:?}");
    assert_eq!(over.data["state"], "approved");
    assert!(over.id > first.id);
    drop(follower);
    till.begin("order-2", &sale(6651));
    till.until_final("order-2");
    // The line breaks, and it comes back with what it had last: also after a restart.
    let missed = |till: &Till| {
        let mut follower = till.follow(first.id);
        [(); 3].map(|()| {
            let event = follower.next();
            (event.id.unwrap(), event.data["key"].clone(), event.data["state"].clone())
        })
    };
    let told = missed(&till);
    let expected = [("order-1", "approved"), ("order-2", "running"), ("order-2", "declined")];
    assert_eq!(
        told.clone().map(|(_, key, state)| (key, state)),
        expected.map(|(key, state)| (json!(key), json!(state)))
    );
    assert!(told[0].0 == over.id.unwrap() && told[1].0 > told[0].0 && told[2].0 > told[1].0);
    // Another till hears of its own payments only.
    other.begin("mine", &sale(200));
    assert_eq!(stranger.next_payment().data["key"], "mine");
    other.until_final("mine");
    drop((running, stranger));
    let running = terminal.start(AT_ONCE);
    let till = Till { place: running.place(), ..till };
    assert_eq!(missed(&till), told);
    // Who has seen more than there is asks anew.
    let mut ahead = till.follow(Some(1_000_000));
    let reset = ahead.next();
    assert_eq!(reset.name, "reset");
    till.begin("order-3", &sale(300));
    assert!(ahead.next_payment().id > reset.id);
    till.until_final("order-3");
}

#[test]
fn only_so_many_lines_listen_at_a_time() {
    let terminal = Terminal::new();
    let running = terminal.start(AT_ONCE);
    let till = running.till(&terminal, "1");
    let lines: Vec<_> = (0..16).map(|_| till.follow(None)).collect();
    assert_eq!(till.get("/v1/events").problem(), "too-many-lines");
    assert_eq!(till.get("/v1/status").status, 200, "what is no such line goes on");
    drop(lines);
    // Those that hung up make room.
    let head = format!("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", till.key);
    let began = std::time::Instant::now();
    while till.raw(&head, b"").unwrap().status != 200 {
        assert!(began.elapsed() < super::client::LIMIT);
    }
    let wrong = till.ask("GET", "/v1/events", &[("Last-Event-ID", "x")], None);
    assert_eq!(wrong.problem(), "request-invalid");
}
