//! HTTPS for messages about money: one request on one connection, in phases, each with a time limit of its own.
//!
//! Name and connect, TLS, sending, waiting for the first byte of the answer, reading to its end: a failure names its phase,
//! and whether the first byte of the request had left ([`PostError`]). Nothing is ever sent a second time: there is no
//! pool of connections, no redirect, no proxy and no retry. What makes a new connection for each request cheap is that TLS
//! sessions are resumed ([`tls`]). Time limits are of the machine's own time, as sockets and their runtime are. Blocking; must
//! not be called on a thread that runs an asynchronous runtime.

pub mod address;
pub mod response;
pub mod tls;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use openssl::ssl::SslVersion;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{timeout, timeout_at};
use zeroize::Zeroizing;

use self::address::Address;
use self::response::Response;
use self::tls::{Secured, Tls};
use crate::link_fault::LinkFault;
use crate::payment::online::Unreached;
use crate::terminal::link::LinkSettings;

/// How long a host may take to say what it thinks of the terminal's certificate, where that comes after the handshake.
const VERDICT: Duration = Duration::from_secs(1);

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// Time limits of the phases.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Finding the host's address and connecting to it.
    pub connect: Duration,
    /// The TLS handshake.
    pub handshake: Duration,
    /// Sending the request.
    pub send: Duration,
    /// From there to the first byte of the answer.
    pub first_byte: Duration,
    /// From there to its last byte.
    pub rest: Duration,
}

impl Limits {
    /// Those of the settings.
    pub const fn of(settings: &LinkSettings) -> Self {
        Self {
            connect: Duration::from_secs(settings.connect_timeout_s),
            handshake: Duration::from_secs(settings.tls_timeout_s),
            send: Duration::from_secs(settings.send_timeout_s),
            first_byte: Duration::from_secs(settings.answer_timeout_s),
            rest: Duration::from_secs(settings.read_timeout_s),
        }
    }

    /// No phase longer than this.
    #[must_use]
    pub fn at_most(&self, limit: Duration) -> Self {
        Self {
            connect: self.connect.min(limit),
            handshake: self.handshake.min(limit),
            send: self.send.min(limit),
            first_byte: self.first_byte.min(limit),
            rest: self.rest.min(limit),
        }
    }
}

/// A request.
#[derive(Clone, Copy)]
pub struct Post<'a> {
    /// Path on the host.
    pub path: &'a str,
    /// What the body is.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
    /// The longest body of an answer that is read, in bytes.
    pub longest: usize,
    /// The connection is to stay open afterwards, to be watched and never to be used again.
    pub hold: bool,
}

/// What came back.
#[derive(Debug)]
pub struct Received {
    /// The answer.
    pub response: Response,
    /// The TLS session was resumed: no certificate was shown or checked anew.
    pub resumed: bool,
    /// The TLS version, as OpenSSL names it.
    pub tls: &'static str,
    /// The connection, where it was to stay open and the host left it so.
    pub line: Option<OpenLine>,
}

/// A connection that stays open as long as this is held. Nothing can be sent on it.
#[derive(Debug)]
pub struct OpenLine {
    socket: std::net::TcpStream,
    /// OpenSSL forgets the session of a connection that ends without farewell: it ends when the next one has its own.
    _stream: Option<Secured>,
}

impl OpenLine {
    /// A line without TLS.
    #[cfg(test)]
    pub const fn of(socket: std::net::TcpStream) -> Self {
        Self { socket, _stream: None }
    }

    /// To look whether something is heard, and to have the system watch over it.
    pub const fn socket(&self) -> &std::net::TcpStream {
        &self.socket
    }
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Not one byte of the request had left: the host cannot know of it.
    #[error(transparent)]
    NotSent(#[from] Unreached),
    /// It, or a part of it, may have arrived.
    #[error("{0}")]
    Doubtful(String),
    /// The answer is longer than any that could count.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

/// What carries requests to a host and its answers back.
pub trait Carrier: Send + Sync {
    /// Sends a request and reads the answer within `limits`; `until` ends all of it.
    ///
    /// # Errors
    /// When no answer came; says whether the request may have arrived.
    fn post(&self, address: &Address, post: &Post<'_>, limits: &Limits, until: Instant) -> Result<Received, PostError>;
}

/// A way to post to hosts of one authority.
#[derive(Debug)]
pub struct Https {
    tls: Tls,
    /// The host gives no word after a handshake; it is not waited for again.
    wordless: AtomicBool,
}

impl Https {
    /// Posts over this TLS.
    pub const fn new(tls: Tls) -> Self {
        Self { tls, wordless: AtomicBool::new(false) }
    }

    async fn carry_out(
        &self,
        address: &Address,
        post: &Post<'_>,
        limits: &Limits,
        until: Instant,
    ) -> Result<Received, PostError> {
        let line = connect(address, until.min(Instant::now() + limits.connect)).await?;
        let (line, held) = if post.hold { twice(line)? } else { (line, None) };
        let handshake = within(limits.handshake, until, self.tls.handshake(address, line)).await;
        let mut stream = handshake.ok_or_else(|| {
            let detail = format!("the TLS handshake with {address} took longer than {:?}", limits.handshake);
            Unreached::new(LinkFault::HandshakeBroken, detail)
        })??;
        self.hear_verdict(&mut stream).await?;
        if until.saturating_duration_since(Instant::now()) < limits.first_byte / 2 {
            return Err(Unreached::new(LinkFault::NoTimeLeft, "connecting used the time for the answer up").into());
        }
        // From here on the host may have the request: whatever fails leaves a doubt.
        send(&mut stream, &written(address, post), until.min(Instant::now() + limits.send)).await?;
        let response = receive(&mut stream, limits, post.longest, until).await?;
        let ssl = stream.inner().ssl();
        let (resumed, tls) = (ssl.session_reused(), ssl.version_str());
        let line = match held.filter(|_| response.stays_open) {
            Some(socket) => Some(OpenLine { socket, _stream: Some(stream) }),
            None => {
                // A farewell keeps the session for the next connection; nothing depends on its arrival.
                let _ = timeout(FAREWELL, stream.shutdown()).await;
                None
            }
        };
        Ok(Received { response, resumed, tls, line })
    }

    /// In TLS 1.3 the handshake is over for the terminal before the host has seen its certificate. A host that refuses it
    /// says so at once, and one that accepts it sends a ticket: what comes is read before anything is sent, so that a
    /// refusal leaves no doubt. A resumed session shows no certificate, and there is nothing to wait for.
    async fn hear_verdict(&self, stream: &mut Secured) -> Result<(), Unreached> {
        let ssl = stream.inner().ssl();
        if ssl.session_reused() || ssl.version2() != Some(SslVersion::TLS1_3) || self.wordless.load(Ordering::Relaxed) {
            return Ok(());
        }
        // The first look also makes the runtime forget that there was something to read during the handshake.
        let mut heard = look(stream).await;
        if heard.is_none() {
            if timeout(VERDICT, stream.inner().get_ref().inner().readable()).await.is_err() {
                self.wordless.store(true, Ordering::Relaxed);
                return Ok(());
            }
            heard = look(stream).await;
        }
        match heard {
            // Tickets are no content: they were read, and there is nothing behind them.
            None => Ok(()),
            Some(Ok(0)) => Err(Unreached::new(LinkFault::HandshakeBroken, "the host hung up after the handshake")),
            Some(Ok(_)) => Err(Unreached::new(LinkFault::Handshake, "the host spoke before it was asked")),
            Some(Err(error)) => Err(tls::fault_of_io(&error)),
        }
    }
}

impl Carrier for Https {
    fn post(&self, address: &Address, post: &Post<'_>, limits: &Limits, until: Instant) -> Result<Received, PostError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Unreached::new(LinkFault::NoRoute, error.to_string()))?;
        let result = runtime.block_on(self.carry_out(address, post, limits, until));
        // A name that is still being looked up when its time is over ends by itself; nobody waits for it.
        runtime.shutdown_background();
        result
    }
}

/// The name, then each of its addresses with its share of the time.
async fn connect(address: &Address, until: Instant) -> Result<TcpStream, Unreached> {
    let slow = |fault, what: &str| Unreached::new(fault, format!("{what} {address} took too long"));
    let found = timeout_at(until.into(), lookup_host((address.name(), address.port()))).await;
    let found: Vec<SocketAddr> = found
        .map_err(|_| slow(LinkFault::NameSlow, "looking up"))?
        .map_err(|error| Unreached::new(LinkFault::NameUnknown, format!("{}: {error}", address.name())))?
        .collect();
    let mut failure = Unreached::new(LinkFault::NameUnknown, format!("{} has no address", address.name()));
    for (index, place) in found.iter().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(found.len() - index).unwrap_or(1);
        failure = match timeout(share, TcpStream::connect(place)).await {
            Ok(Ok(line)) => {
                // A message is one packet or two; nothing is gained by waiting for more. If it fails it is only slower.
                let _ = line.set_nodelay(true);
                return Ok(line);
            }
            Ok(Err(error)) => {
                let fault = match error.kind() {
                    io::ErrorKind::ConnectionRefused => LinkFault::PortClosed,
                    _ => LinkFault::NoRoute,
                };
                Unreached::new(fault, format!("{place}: {error}"))
            }
            Err(_) => slow(LinkFault::ConnectSlow, "connecting to"),
        };
    }
    Err(failure)
}

/// Reads what is there, without waiting. `None` when there is no content.
async fn look(stream: &mut Secured) -> Option<io::Result<usize>> {
    let mut space = [0; 1];
    let read = poll_fn(|context| {
        let mut buffer = ReadBuf::new(&mut space);
        Poll::Ready(match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
            Poll::Pending => None,
            Poll::Ready(result) => Some(result.map(|()| buffer.filled().len())),
        })
    });
    read.await
}

async fn send(stream: &mut Secured, request: &[u8], until: Instant) -> Result<(), PostError> {
    let sent = timeout_at(until.into(), async {
        stream.write_all(request).await?;
        stream.flush().await
    });
    match sent.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(PostError::Doubtful(format!("the line broke while sending: {error}"))),
        Err(_) => Err(PostError::Doubtful("the request could not be sent in time".to_owned())),
    }
}

async fn receive(stream: &mut Secured, limits: &Limits, longest: usize, until: Instant) -> Result<Response, PostError> {
    let mut received = Vec::new();
    let mut chunk = [0; 2048];
    let (mut limit, mut late) = (limits.first_byte, "no answer came in time");
    let mut phase_until = until.min(Instant::now() + limit);
    loop {
        let count = match timeout_at(phase_until.into(), stream.read(&mut chunk)).await {
            Err(_) => return Err(PostError::Doubtful(format!("{late} ({limit:?})"))),
            Ok(Err(error)) => {
                let what = if received.is_empty() { "before the answer came" } else { "in the middle of the answer" };
                return Err(PostError::Doubtful(format!("the line broke {what}: {error}")));
            }
            Ok(Ok(count)) => count,
        };
        if received.is_empty() {
            (limit, late) = (limits.rest, "the answer came too slowly");
            phase_until = until.min(Instant::now() + limit);
        }
        received.extend_from_slice(&chunk[..count]);
        match response::read(&received, count == 0, longest) {
            Ok(Some(response)) => return Ok(response),
            Ok(None) => {}
            Err(response::ResponseError::TooLong) => return Err(PostError::TooLong(longest)),
            Err(error) => return Err(PostError::Doubtful(error.to_string())),
        }
    }
}

/// The line, and a second handle of it that keeps it open. The kernel asks over an idle one whether the other side is still
/// there, so that a cable that is pulled is noticed: see [`crate::acquirer::held`].
fn twice(line: TcpStream) -> Result<(TcpStream, Option<std::net::TcpStream>), Unreached> {
    let failed = |error: io::Error| Unreached::new(LinkFault::NoRoute, error.to_string());
    let line = line.into_std().map_err(failed)?;
    let held = line.try_clone().map_err(failed)?;
    Ok((TcpStream::from_std(line).map_err(failed)?, Some(held)))
}

/// Head and body in one piece.
fn written(address: &Address, post: &Post<'_>) -> Zeroizing<Vec<u8>> {
    let connection = if post.hold { "keep-alive" } else { "close" };
    let head = format!(
        "POST {}{} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-cache\r\n\
         Connection: {connection}\r\n\r\n",
        address.base_path(),
        post.path,
        address.authority(),
        post.content_type,
        post.body.len()
    );
    let mut request = Zeroizing::new(Vec::with_capacity(head.len() + post.body.len()));
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(post.body);
    request
}

/// The result of some work, if it comes within both limits.
async fn within<T>(limit: Duration, until: Instant, work: impl Future<Output = T>) -> Option<T> {
    timeout_at(until.min(Instant::now() + limit).into(), work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_with_its_length_and_ends_its_connection_unless_it_is_to_be_held() {
        let address = Address::parse("https://host.example:8443/gate/").unwrap();
        let mut post = Post { path: "/in", content_type: "text/plain", body: b"body", longest: 0, hold: false };
        let text = String::from_utf8(written(&address, &post).to_vec()).unwrap();
        assert!(text.starts_with("POST /gate/in HTTP/1.1\r\nHost: host.example:8443\r\n"), "{text}");
        assert!(text.contains("\r\nContent-Length: 4\r\n") && text.contains("\r\nConnection: close\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\nbody"));
        post.hold = true;
        let text = String::from_utf8(written(&address, &post).to_vec()).unwrap();
        assert!(text.contains("\r\nConnection: keep-alive\r\n"));
    }
}
