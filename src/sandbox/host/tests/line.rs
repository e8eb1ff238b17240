//! Sessions that are resumed, and a second address of the host.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::host_tables::TerminalParameters;
use crate::link_fault::LinkFault;
use crate::sandbox::host::server;

impl House {
    /// A terminal that knows two addresses.
    fn link_to(&self, first: &str, second: &str) -> HttpsLink {
        let (url, fallback_url) = (first.to_owned(), Some(second.to_owned()));
        let settings = LinkSettings { url, fallback_url, ..self.impatient_settings() };
        open(&settings, &self.kit()).remembering(&self.note())
    }

    fn note(&self) -> PathBuf {
        self.directory.path().join("host-address.toml")
    }
}

/// An address where nobody listens.
fn closed() -> String {
    format!("https://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// A server of the right authority that reads requests and says nothing; counts what it was sent.
fn silent(house: &House) -> (String, Arc<AtomicUsize>) {
    slow_to_shake_hands(house, Duration::ZERO)
}

/// The same, which takes its time before it shakes hands.
fn slow_to_shake_hands(house: &House, pause: Duration) -> (String, Arc<AtomicUsize>) {
    let (server, authority) = (house.host.credential("server").unwrap(), house.host.credential("ca").unwrap());
    let acceptor = server::acceptor(&server, &authority.certificate).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::sleep(pause);
            let Ok(mut stream) = acceptor.accept(stream.unwrap()) else { continue };
            if stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
            // Until the terminal hangs up.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    (url, read)
}

#[test]
fn a_session_is_resumed_on_every_connection_after_the_first() {
    let house = House::new();
    let link = house.link();
    let (full, resumed) = house.running.handshakes();
    assert!(!link.check().unwrap().tls.contains("resumed"));
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
    assert_eq!(house.running.handshakes(), (full + 1, resumed + 1));
    assert_eq!(link.check().unwrap().tls, "TLSv1.3, session resumed");
    assert_eq!(house.running.handshakes(), (full + 1, resumed + 2));
    // Another terminal program knows nothing of that session.
    house.link().check().unwrap();
    assert_eq!(house.running.handshakes(), (full + 2, resumed + 2));
}

/// A host that was started anew knows no old sessions.
#[test]
fn a_session_that_the_host_has_forgotten_is_made_anew() {
    let mut house = House::new();
    let link = house.link();
    link.check().unwrap();
    let address = house.running.address;
    drop(std::mem::replace(&mut house.running, house.host.start(([127, 0, 0, 1], 0).into()).unwrap()));
    house.running = house.host.start(address).unwrap();
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
    assert_eq!(house.running.handshakes(), (1, 0));
    // What the old host handed out is used up first.
    while house.running.handshakes().1 == 0 {
        link.check().unwrap();
        assert!(house.running.handshakes().0 < 5, "{:?}", house.running.handshakes());
    }
}

/// What the register says counts for resumed sessions too.
#[test]
fn a_certificate_that_was_replaced_is_not_saved_by_its_session() {
    let house = House::new();
    let link = house.link();
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
    let identity = Identity::load(&house.kit()).unwrap();
    house.host.enrol(&identity).unwrap();
    let answer = link.check().unwrap();
    assert!(answer.tls.contains("resumed"));
    assert_ne!(answer.response_code.as_str(), "00");
}

#[test]
fn a_request_goes_to_the_second_address_while_nothing_of_it_has_left() {
    let house = House::new();
    let second = house.running.link_settings().url;
    // Nobody listens; the name is unknown; somebody else shows a certificate.
    let stranger = pki::authority().unwrap();
    let other = stranger.issue("localhost", pki::Purpose::Server).unwrap();
    let acceptor = server::acceptor(&other, &stranger.certificate).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let false_host = format!("https://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || acceptor.accept(listener.accept().unwrap().0).is_err());
    for (stan, first) in [(1, closed()), (2, "https://no-such-host.invalid".to_owned()), (3, false_host)] {
        let link = house.link_to(&first, &second);
        assert_eq!(code(link.sale(&sale(stan, 100))), "00", "{first}");
        let check = link.check().unwrap();
        assert_eq!((check.address.as_str(), check.on_fallback), (second.as_str(), true), "it stays with that one");
        // The next start knows it too.
        assert!(std::fs::read_to_string(house.note()).unwrap().contains(&second));
        std::fs::remove_file(house.note()).unwrap();
    }
    assert!(thread.join().unwrap(), "the terminal shook hands with a stranger");
    assert_eq!(house.running.ledger().unwrap().len(), 3);
    assert_eq!(house.balance(), BALANCE - 300);
}

#[test]
fn a_request_that_may_have_arrived_never_goes_to_the_second_address() {
    let house = House::new();
    let (first, read) = silent(&house);
    let link = house.link_to(&first, &house.running.link_settings().url);
    let failure = link.sale(&sale(1, 100)).unwrap_err();
    assert!(matches!(failure, LinkFailure::NoAnswer(_)), "{failure}");
    assert_eq!(read.load(Ordering::Relaxed), 1);
    assert!(house.running.ledger().unwrap().is_empty());
    // Another one in a row without a word: those that follow go to the second address, these two never do.
    let failure = link.reverse(&reversal(1, 100)).unwrap_err();
    assert!(matches!(failure, LinkFailure::NoAnswer(_)), "{failure}");
    assert!(house.running.ledger().unwrap().is_empty());
    assert_eq!(code(link.sale(&sale(2, 100))), "00");
    assert_eq!(read.load(Ordering::Relaxed), 2, "each was sent once");
    assert_eq!(house.running.ledger().unwrap().len(), 1);
}

#[test]
fn where_neither_address_can_be_reached_the_cause_of_the_first_is_told() {
    let house = House::new();
    let link = house.link_to(&closed(), "https://no-such-host.invalid");
    let LinkFailure::NeverSent(unreached) = link.sale(&sale(1, 100)).unwrap_err() else { panic!("sent") };
    assert_eq!(unreached.fault, LinkFault::PortClosed);
    assert!(unreached.detail.contains("no-such-host.invalid"), "{unreached}");
}

/// A request is not sent when its answer could no longer be waited for.
#[test]
fn a_deadline_that_connecting_has_used_up_sends_nothing() {
    let house = House::new();
    let (url, read) = slow_to_shake_hands(&house, Duration::from_millis(1200));
    let settings = LinkSettings { url, deadline_s: 2, answer_timeout_s: 2, ..house.running.link_settings() };
    let LinkFailure::NeverSent(unreached) = open(&settings, &house.kit()).sale(&sale(1, 100)).unwrap_err() else {
        panic!("sent")
    };
    assert_eq!((unreached.fault, read.load(Ordering::Relaxed)), (LinkFault::NoTimeLeft, 0));
}

/// The acquirer may give an answer more time than the shop gives all of it.
#[test]
fn an_answer_gets_no_more_time_than_there_is_and_so_requests_are_still_sent() {
    let house = House::new();
    let settings = LinkSettings { deadline_s: 20, answer_timeout_s: 10, ..house.running.link_settings() };
    let link = open(&settings, &house.kit());
    link.adopt(&TerminalParameters { answer_timeout_s: Some(60), ..TerminalParameters::default() });
    assert_eq!(code(link.sale(&sale(1, 100))), "00");
}

/// A host without tickets gives no word after the handshake: the first request waits for one in vain, the others do not.
#[test]
fn a_host_that_gives_no_tickets_is_served_all_the_same() {
    let house = House::new();
    let (server, authority) = (house.host.credential("server").unwrap(), house.host.credential("ca").unwrap());
    let mut builder = openssl::ssl::SslAcceptor::mozilla_modern_v5(openssl::ssl::SslMethod::tls_server()).unwrap();
    builder.set_private_key(&server.key).unwrap();
    builder.set_certificate(&server.certificate).unwrap();
    builder.add_client_ca(&authority.certificate).unwrap();
    builder.set_num_tickets(0).unwrap();
    let acceptor = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings =
        LinkSettings { url: format!("https://{}", listener.local_addr().unwrap()), ..house.impatient_settings() };
    let thread = std::thread::spawn(move || {
        for _ in 0..2 {
            let mut stream = acceptor.accept(listener.accept().unwrap().0).unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let _ = stream.write_all(b"HTTP/1.1 503 Busy\r\n\r\n");
            let _ = stream.shutdown();
        }
    });
    let link = open(&settings, &house.kit());
    for stan in 1..3 {
        let failure = link.sale(&sale(stan, 100)).unwrap_err();
        assert!(matches!(&failure, LinkFailure::NoAnswer(why) if why.contains("503")), "{failure}");
    }
    thread.join().unwrap();
}
