//! Authorities, certificates and servers as a test wants them, right or wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod, SslVerifyMode, SslVersion};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::{X509, X509Builder, X509Name};

/// A certificate and its key.
pub struct Credential {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// Who signs certificates.
pub struct Authority(Credential);

/// What a certificate says.
#[derive(Clone, Copy)]
pub struct Leaf {
    name: &'static str,
    from_s: i64,
    to_s: i64,
}

impl Leaf {
    /// For this name, valid now.
    pub const fn of(name: &'static str) -> Self {
        Self { name, from_s: -3600, to_s: 3600 }
    }

    /// The same, valid from and to so many seconds from now.
    pub const fn valid(self, from_s: i64, to_s: i64) -> Self {
        Self { from_s, to_s, ..self }
    }
}

impl Authority {
    pub fn new(name: &'static str) -> Self {
        let key = new_key();
        let mut builder = builder(&Leaf::of(name), name, &key);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self(Credential { certificate: builder.build(), key })
    }

    pub fn pem(&self) -> Vec<u8> {
        self.0.certificate.to_pem().unwrap()
    }

    pub fn issue(&self, leaf: &Leaf) -> Credential {
        let key = new_key();
        let own = self.0.certificate.subject_name().entries().next().unwrap();
        let mut builder = builder(leaf, std::str::from_utf8(own.data().as_slice()).unwrap(), &key);
        let context = builder.x509v3_context(Some(&self.0.certificate), None);
        let names = SubjectAlternativeName::new().dns(leaf.name).build(&context).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.0.key, MessageDigest::sha256()).unwrap();
        Credential { certificate: builder.build(), key }
    }
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn named(name: &str) -> X509Name {
    let mut builder = X509Name::builder().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    builder.build()
}

fn builder(leaf: &Leaf, issuer: &str, key: &PKey<Private>) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(120, MsbOption::ONE, false).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&named(leaf.name)).unwrap();
    builder.set_issuer_name(&named(issuer)).unwrap();
    builder.set_pubkey(key).unwrap();
    let now = jiff::Timestamp::now().as_second();
    builder.set_not_before(&Asn1Time::from_unix(now + leaf.from_s).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(now + leaf.to_s).unwrap()).unwrap();
    builder
}

/// A server on a free port of this machine; it counts the requests that reach it, and answers none.
pub struct Server {
    pub port: u16,
    requests: Arc<AtomicUsize>,
    tls: Option<(Credential, X509)>,
    listener: TcpListener,
}

impl Server {
    /// Shows this certificate and wants one of that authority.
    pub fn of(own: &Credential, clients: &Authority) -> Self {
        let own = Credential { certificate: own.certificate.clone(), key: own.key.clone() };
        let mut server = Self::bound();
        server.tls = Some((own, clients.0.certificate.clone()));
        server.serve(SslVersion::TLS1_3);
        server
    }

    /// The same again, with no newer TLS than this.
    pub fn at_most(mut self, version: SslVersion) -> Self {
        let tls = self.tls.take();
        let mut server = Self::bound();
        server.tls = tls;
        server.serve(version);
        server
    }

    /// Says this to whoever connects, without TLS, and hangs up.
    pub fn plain(text: &'static str) -> Self {
        let server = Self::bound();
        let listener = server.listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 2048]);
                let _ = stream.write_all(text.as_bytes());
            }
        });
        server
    }

    /// How many requests, or beginnings of one, have come.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    fn bound() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, requests: Arc::default(), tls: None, listener }
    }

    fn serve(&self, newest: SslVersion) {
        let (own, clients) = self.tls.as_ref().unwrap();
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        // Debian's OpenSSL leaves TLS 1.1 out at its usual level of security, also for a server.
        builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
        builder.clear_options(openssl::ssl::SslOptions::NO_TLSV1 | openssl::ssl::SslOptions::NO_TLSV1_1);
        builder.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
        builder.set_max_proto_version(Some(newest)).unwrap();
        builder.set_private_key(&own.key).unwrap();
        builder.set_certificate(&own.certificate).unwrap();
        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(clients.clone()).unwrap();
        builder.set_cert_store(store.build());
        builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
        let (acceptor, requests) = (builder.build(), Arc::clone(&self.requests));
        let listener = self.listener.try_clone().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = acceptor.accept(stream.unwrap()) else { continue };
                if stream.read(&mut [0; 2048]).is_ok_and(|count| count > 0) {
                    requests.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
}
