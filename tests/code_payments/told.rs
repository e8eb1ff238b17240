//! The customer is told on the phone, by a webhook that fails twice while the host stops in between.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use yima::acquirer::link::HostLink;
use yima::payment::online::Decision;
use yima::payment::qr::Conclusion;
use yima::sandbox::host::Host;
use yima::sandbox::host::notifications::webhook::{Webhook, signature};
use yima::sandbox::host::notifications::{Event, KeptHere, RunningNotifications, Standing};

use super::street::{Street, order, refund};

const SECRET: &[u8] = b"TEST secret of a webhook";

/// Longer than a busy machine needs; only ends a test that would hang.
const LONG: Duration = Duration::from_secs(60);

/// A request: its headers in small letters, and its body.
struct Post {
    headers: Vec<(String, String)>,
    body: String,
}

impl Post {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let (mut headers, mut line) = (Vec::new(), String::new());
        reader.read_line(&mut line).unwrap();
        assert!(line.starts_with("POST /hook "), "{line}");
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut post = Self { headers, body: String::new() };
        let mut body = vec![0; post.header("content-length").parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        post.body = String::from_utf8(body).unwrap();
        post
    }

    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name}")).1
    }
}

/// An address that answers one request after the other with these codes, and hands them on.
fn webhook(codes: &'static [&'static str]) -> (String, Receiver<Post>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (came, posts) = channel();
    thread::spawn(move || {
        for code in codes {
            let (mut stream, _) = listener.accept().unwrap();
            let post = Post::read(&stream);
            write!(stream, "HTTP/1.1 {code}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            came.send(post).unwrap();
        }
    });
    (url, posts)
}

#[test]
fn a_customer_is_told_once_though_the_webhook_fails_twice_and_the_host_stops_in_between() {
    let street = Street::open();
    let host = || Host::prepare(&street.kit().parent().unwrap().join("host")).unwrap();
    let code = street.code("wallet-1", "number");
    let played = street.play(street.scanned(1, 1234, &code), |_, _| None);
    assert_eq!(played.conclusion, Conclusion::Approved);
    let (url, posts) = webhook(&["500 Internal Server Error", "500 Internal Server Error", "204 No Content"]);
    let start = || {
        let provider = Webhook::new(&url, SECRET.to_vec().into()).unwrap();
        RunningNotifications::start(&host(), Box::new(provider)).unwrap()
    };
    let running = start();
    let first = posts.recv_timeout(LONG).unwrap();
    drop(running);
    let waiting = host().notifications().unwrap();
    assert_eq!((waiting.len(), waiting[0].standing, waiting[0].tries), (1, Standing::Waiting, 1));
    assert!(waiting[0].problem.as_ref().unwrap().contains("500"), "{waiting:?}");
    let running = start();
    let again = [posts.recv_timeout(LONG).unwrap(), posts.recv_timeout(LONG).unwrap()];
    let until = std::time::Instant::now() + LONG;
    while host().notifications().unwrap()[0].standing != Standing::Delivered {
        assert!(std::time::Instant::now() < until, "it is not noted as delivered");
        thread::sleep(Duration::from_millis(20));
    }
    // Nothing comes any more: the webhook answers no fourth, and who asks it is refused.
    thread::sleep(Duration::from_secs(2));
    drop(running);
    let told = host().notifications().unwrap();
    assert_eq!((told.len(), told[0].standing, told[0].tries), (1, Standing::Delivered, 3));
    for post in [&first, &again[0], &again[1]] {
        assert_eq!(post.header("idempotency-key"), first.header("idempotency-key"));
        assert_eq!(post.body, first.body, "the same at every try");
        let timestamp = post.header("x-yima-timestamp").parse().unwrap();
        assert_eq!(post.header("x-yima-signature"), signature(SECRET, timestamp, &post.body).unwrap());
        assert_ne!(post.header("x-yima-signature"), signature(b"another", timestamp, &post.body).unwrap());
    }
    let said: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!((&said["event"], &said["amount"]), (&"paid".into(), &"12.34".into()), "{said:#}");
    assert_eq!(said["sms_parts"].as_array().unwrap().concat_text(), said["text"].as_str().unwrap());
}

/// Parts of a message behind each other.
trait Concat {
    fn concat_text(&self) -> String;
}

impl Concat for Vec<Value> {
    fn concat_text(&self) -> String {
        self.iter().map(|part| part.as_str().unwrap()).collect()
    }
}

#[test]
fn what_goes_back_to_a_wallet_is_told_as_well() {
    let street = Street::open();
    let host = Host::prepare(&street.kit().parent().unwrap().join("host")).unwrap();
    let code = street.code("wallet-1", "number");
    let played = street.play(street.scanned(1, 1234, &code), |_, _| None);
    let back = refund(2, 500, order(1, 1234), &played.paid.unwrap());
    assert_eq!(street.link().code_refund(&back).unwrap().decision, Decision::Approved);
    let _running = RunningNotifications::start(&host, Box::new(KeptHere)).unwrap();
    let until = std::time::Instant::now() + LONG;
    while host.notifications().unwrap().iter().any(|one| one.standing != Standing::Delivered) {
        assert!(std::time::Instant::now() < until, "it is kept");
        thread::sleep(Duration::from_millis(20));
    }
    let told = host.notifications().unwrap();
    let events: Vec<_> = told.iter().map(|one| (one.event, one.amount.minor())).collect();
    assert_eq!(events, [(Event::Paid, 1234), (Event::GivenBack, 500)]);
    assert!(told[0].text.contains("钱包wallet-1") && told[0].text.contains("￥12.34"), "{told:?}");
    assert!(told[1].text.contains("退回￥5.00"), "{told:?}");
}
