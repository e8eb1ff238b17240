//! The link itself: who speaks to whom, and what a failure proves.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use openssl::ssl::{SslConnector, SslConnectorBuilder, SslFiletype, SslMethod, SslVersion};

use super::*;
use crate::acquirer::link::{LinkError, MESSAGE_TYPE};
use crate::acquirer::messages::Requests;
use crate::iso8583::Dialect;
use crate::link_fault::LinkFault;
use crate::sandbox::host::{PATH, places, server};

#[test]
fn the_echo_brings_the_hosts_time() {
    let house = House::new();
    let check = house.link().check().unwrap();
    assert_eq!(check.response_code.as_str(), "00");
    let skew = jiff::Timestamp::now().duration_since(check.date.unwrap()).abs();
    assert!(skew.as_secs() < 60, "{skew:?}");
}

#[test]
fn a_host_of_another_authority_is_never_spoken_to() {
    let house = House::new();
    let kit = house.copied_kit();
    let stranger = pki::authority().unwrap();
    std::fs::write(kit.join("acquirer-ca.pem"), stranger.certificate.to_pem().unwrap()).unwrap();
    let link = house.link_of(&kit);
    let failure = link.sale(&sale(1, 100)).unwrap_err();
    assert!(matches!(failure, LinkFailure::NeverSent(_)), "{failure}");
    assert!(house.running.ledger().unwrap().is_empty());
}

#[test]
fn the_host_speaks_to_no_one_without_a_certificate_of_its_authority() {
    let house = House::new();
    // Certificate of another authority.
    let kit = house.copied_kit();
    let stranger = pki::authority().unwrap().issue("00000402TEST0001", pki::Purpose::Client).unwrap();
    std::fs::write(kit.join("client.pem"), stranger.certificate.to_pem().unwrap()).unwrap();
    std::fs::write(kit.join("client.key"), stranger.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    // With TLS 1.3 the refusal arrives after the handshake; it is heard before anything is sent.
    let failure = house.link_of(&kit).sale(&sale(1, 100)).unwrap_err();
    let LinkFailure::NeverSent(unreached) = failure else { panic!("{failure}") };
    assert_eq!(unreached.fault, LinkFault::OwnCertificate, "{unreached}");
    // No certificate at all: only a machine that wants to be enrolled is heard so.
    let connector = connector(&house.kit(), false).build();
    let stream = TcpStream::connect(house.running.address).unwrap();
    let mut stream = connector.connect("localhost", stream).unwrap();
    stream.write_all(&http_request(&house, &sale(1, 100))).unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, b"HTTP/1.1 403");
    assert!(house.running.ledger().unwrap().is_empty());
}

#[test]
fn old_tls_is_refused() {
    let house = House::new();
    let mut builder = connector(&house.kit(), true);
    builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    builder.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    builder.set_max_proto_version(Some(SslVersion::TLS1_1)).unwrap();
    let stream = TcpStream::connect(house.running.address).unwrap();
    assert!(builder.build().connect("localhost", stream).is_err());
}

/// The host keeps silent at 67.01; whoever hangs up must not hold a place for ever.
#[test]
fn terminals_that_give_up_free_their_places() {
    let house = House::new();
    let connector = connector(&house.kit(), true).build();
    let request = http_request(&house, &sale(1, 67_01));
    for _ in 0..places::MAX_STRANGERS + 1 {
        let stream = TcpStream::connect(house.running.address).unwrap();
        let mut stream = connector.connect("localhost", stream).unwrap();
        stream.write_all(&request).unwrap();
    }
    assert_eq!(code(house.link().sale(&sale(2, 100))), "00");
}

/// Handshakes need no certificate, and neither does silence.
#[test]
fn strangers_that_keep_silent_shut_nobody_out() {
    let house = House::new();
    let shaken = connector(&house.kit(), false).build();
    let mut silent = Vec::new();
    let mut lines = Vec::new();
    for number in 0..places::MAX_STRANGERS + 8 {
        let stream = TcpStream::connect(house.running.address).unwrap();
        if number % 2 == 0 {
            lines.push(shaken.connect("localhost", stream).unwrap());
        } else {
            silent.push(stream);
        }
    }
    assert_eq!(code(house.link().sale(&sale(1, 100))), "00");
    drop((silent, lines));
}

/// A terminal that watches its line holds it all day. More terminals than places take turns.
#[test]
fn idle_lines_of_terminals_give_way_to_a_payment() {
    let house = House::new();
    let connector = connector(&house.kit(), true).build();
    let mut lines = Vec::new();
    for _ in 0..places::MAX_CONNECTIONS {
        let stream = TcpStream::connect(house.running.address).unwrap();
        lines.push(connector.connect("localhost", stream).unwrap());
    }
    assert_eq!(code(house.link().sale(&sale(1, 100))), "00");
    // The one that had been idle for longest is gone.
    let mut first = lines.swap_remove(0);
    assert!(first.read(&mut [0; 1]).map_or(true, |count| count == 0));
}

/// TLS by hand, for what no terminal would do.
fn connector(kit: &Path, with_certificate: bool) -> SslConnectorBuilder {
    let mut builder = SslConnector::builder(SslMethod::tls_client()).unwrap();
    builder.set_ca_file(kit.join("acquirer-ca.pem")).unwrap();
    if with_certificate {
        builder.set_certificate_file(kit.join("client.pem"), SslFiletype::PEM).unwrap();
        builder.set_private_key_file(kit.join("client.key"), SslFiletype::PEM).unwrap();
    }
    builder
}

/// A sale as it goes over the wire.
fn http_request(house: &House, request: &SaleRequest) -> Vec<u8> {
    let dialect = Dialect::shipped("unionpay").unwrap();
    let identity = Identity::load(&house.kit()).unwrap();
    let vault = SoftwareVault::open(&house.kit()).unwrap();
    let requests = Requests { dialect: &dialect, tpdu: &dialect.tpdu, identity: &identity, vault: &vault };
    let body = requests.sale(request).unwrap().bytes;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MESSAGE_TYPE}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

#[test]
fn nothing_is_sent_where_nobody_listens_or_nobody_shakes_hands() {
    let house = House::new();
    let mut settings = house.impatient_settings();
    // A port that was free a moment ago and is closed now.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    settings.url = format!("https://{}", listener.local_addr().unwrap());
    settings.tls_timeout_s = 1;
    // Open, but silent: connect succeeds, the handshake never ends.
    let fault = |settings: &LinkSettings| match open(settings, &house.kit()).sale(&sale(1, 100)).unwrap_err() {
        LinkFailure::NeverSent(unreached) => unreached.fault,
        other => panic!("{other}"),
    };
    assert_eq!(fault(&settings), LinkFault::HandshakeBroken);
    drop(listener);
    assert_eq!(fault(&settings), LinkFault::PortClosed);
    settings.url = "https://no-such-host.invalid".to_owned();
    assert_eq!(fault(&settings), LinkFault::NameUnknown);
}

/// A server of the right authority that answers whatever it is told to.
fn crooked(house: &House, answer: Vec<u8>) -> (LinkSettings, JoinHandle<TcpListener>) {
    let acceptor =
        server::acceptor(&house.host.credential("server").unwrap(), &house.host.credential("ca").unwrap().certificate)
            .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings =
        LinkSettings { url: format!("https://{}", listener.local_addr().unwrap()), ..house.impatient_settings() };
    let thread = std::thread::spawn(move || {
        let mut stream = acceptor.accept(listener.accept().unwrap().0).unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        let _ = stream.write_all(&answer);
        let _ = stream.shutdown();
        listener
    });
    (settings, thread)
}

#[test]
fn an_answer_that_has_begun_has_a_time_limit_of_its_own() {
    let house = House::new();
    let acceptor =
        server::acceptor(&house.host.credential("server").unwrap(), &house.host.credential("ca").unwrap().certificate)
            .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let settings = LinkSettings { url, answer_timeout_s: 3, read_timeout_s: 1, ..house.running.link_settings() };
    let thread = std::thread::spawn(move || {
        let mut stream = acceptor.accept(listener.accept().unwrap().0).unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: x-ISO-TPDU/x-auth\r\nContent-Length: 100\r\n\r\n");
        // Until the terminal hangs up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let failure = open(&settings, &house.kit()).sale(&sale(1, 100)).unwrap_err();
    assert!(matches!(&failure, LinkFailure::NoAnswer(why) if why.contains("too slowly (1s)")), "{failure}");
    thread.join().unwrap();
}

#[test]
fn an_address_that_cannot_be_is_named_as_a_setting() {
    let house = House::new();
    for url in ["https://10.0.0.1:85830", "https://", "http://localhost:1", "localhost"] {
        let settings = LinkSettings { url: url.to_owned(), ..house.running.link_settings() };
        let identity = Identity::load(&house.kit()).unwrap();
        let vault = Arc::new(SoftwareVault::open(&house.kit()).unwrap());
        let error = HttpsLink::open(&settings, &house.kit(), identity, vault).err().unwrap();
        assert!(matches!(error, LinkError::Setting { key: "url", .. }), "{url}: {error}");
    }
}

#[test]
fn an_answer_that_is_cut_redirected_or_too_long_proves_nothing() {
    let house = House::new();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: x-ISO-TPDU/x-auth\r\n";
    let long = [format!("{head}Content-Length: 100000\r\n\r\n").into_bytes(), vec![0; 100_000]].concat();
    for (answer, wrong) in [
        (format!("{head}Content-Length: 100\r\n\r\n\0\x10").into_bytes(), false),
        (format!("{head}Content-Length: 2\r\n\r\n\0\x10").into_bytes(), true),
        (b"HTTP/1.1 302 Found\r\nLocation: https://localhost:1/\r\nContent-Length: 0\r\n\r\n".to_vec(), false),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec(), false),
        (b"HTTP/1.1 2".to_vec(), false),
        (Vec::new(), false),
        (long, true),
    ] {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let (settings, thread) = crooked(&house, answer);
        match open(&settings, &house.kit()).sale(&sale(1, 100)).unwrap_err() {
            LinkFailure::WrongAnswer(_) => assert!(wrong, "{shown}"),
            LinkFailure::NoAnswer(_) => assert!(!wrong, "{shown}"),
            other => panic!("{shown}: {other}"),
        }
        // Whoever sends twice would be waiting here.
        let listener = thread.join().unwrap();
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "{shown}: a second connection came");
    }
}

#[test]
fn wrong_settings_and_files_are_named() {
    let house = House::new();
    let identity = Identity::load(&house.kit()).unwrap();
    let vault = Arc::new(SoftwareVault::open(&house.kit()).unwrap());
    let said = |change: &dyn Fn(&mut LinkSettings)| {
        let mut settings = house.impatient_settings();
        change(&mut settings);
        let opened = HttpsLink::open(&settings, &house.kit(), identity.clone(), vault.clone());
        opened.err().unwrap_or_else(|| LinkError::Client("opened".to_owned())).to_string()
    };
    assert!(said(&|s| s.url = "http://localhost".to_owned()).contains("host.url"));
    assert!(said(&|s| s.dialect = "none".to_owned()).contains("unionpay"));
    assert!(said(&|s| s.tpdu = Some("60".to_owned())).contains("host.tpdu"));
    assert!(said(&|s| s.answer_timeout_s = 0).contains("host.answer_timeout_s"));
    assert!(said(&|s| s.answer_timeout_s = s.deadline_s + 1).contains("host.deadline_s"));
    assert!(said(&|s| s.tls_timeout_s = 601).contains("host.tls_timeout_s"));
    assert!(said(&|s| s.fallback_url = Some("http://localhost".to_owned())).contains("host.fallback_url"));
    assert!(said(&|s| s.ca_file = "none.pem".into()).contains("none.pem"));
    assert!(said(&|s| s.ca_file = "identity.toml".into()).contains("identity.toml"));
}
