//! A till as a test needs one: it speaks HTTP over a socket or an address, and holds every answer against the document.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::spec::Spec;

/// How long anything may take that has to come.
pub const LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub enum Place {
    Socket(PathBuf),
    Address(SocketAddr),
}

trait Line: Read + Write + Send {}
impl Line for UnixStream {}
impl Line for TcpStream {}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The end of a problem's type.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("urn:yima:till:")
    }
}

/// A till.
#[derive(Clone, Debug)]
pub struct Till {
    pub place: Place,
    pub key: String,
}

impl Till {
    /// One that shows no key yet.
    pub fn stranger(place: Place) -> Self {
        Self { place, key: String::new() }
    }

    fn connect(&self) -> std::io::Result<Box<dyn Line>> {
        Ok(match &self.place {
            Place::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(LIMIT))?;
                Box::new(stream)
            }
            Place::Address(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(LIMIT))?;
                Box::new(stream)
            }
        })
    }

    pub fn host(&self) -> String {
        match &self.place {
            Place::Socket(_) => "localhost".to_owned(),
            Place::Address(address) => address.to_string(),
        }
    }

    /// A request as it is written, without anything of itself.
    pub fn raw(&self, head: &str, body: &[u8]) -> std::io::Result<Answer> {
        let mut line = self.connect()?;
        line.write_all(head.as_bytes())?;
        // Who refuses by the head alone may have hung up already.
        let _ = line.write_all(body);
        read_answer(&mut BufReader::new(line))
    }

    /// A request with these headers beside the usual ones, or an error of the line.
    pub fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> std::io::Result<Answer> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host());
        if !self.key.is_empty() {
            head.push_str(&format!("Authorization: Bearer {}\r\n", self.key));
        }
        if body.is_some() {
            head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", text.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let answer = self.raw(&head, text.as_bytes())?;
        let content_type = answer.header("content-type").unwrap_or_default().to_owned();
        Spec::read().check_answer(method, path, answer.status, &content_type, &answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        Ok(answer)
    }

    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        self.try_ask(method, path, headers, body).unwrap()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], None)
    }

    /// Shows a code and is given a key.
    #[track_caller]
    pub fn pair(place: Place, code: &str) -> Self {
        let answer = Self::stranger(place.clone()).ask("POST", "/v1/pairings", &[], Some(&json!({ "code": code })));
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        Self { place, key: answer.body["key"].as_str().unwrap().to_owned() }
    }

    #[track_caller]
    pub fn begin(&self, key: &str, request: &Value) -> Answer {
        self.ask("POST", "/v1/payments", &[("Idempotency-Key", key)], Some(request))
    }

    #[track_caller]
    pub fn payment(&self, key: &str) -> Value {
        let answer = self.get(&format!("/v1/payments/{key}"));
        assert_eq!(answer.status, 200, "{key}: {:?}", answer.body);
        answer.body
    }

    pub fn cancel(&self, key: &str) -> Answer {
        self.ask("POST", &format!("/v1/payments/{key}/cancel"), &[], None)
    }

    /// Asks until a payment is as it is wanted.
    #[track_caller]
    pub fn until(&self, key: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let payment = self.payment(key);
            if is(&payment) {
                return payment;
            }
            assert!(began.elapsed() < LIMIT, "{key} never was {what}: {payment:#}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    #[track_caller]
    pub fn until_final(&self, key: &str) -> Value {
        self.until(key, "final", |payment| payment["final"] == true)
    }

    /// Follows the events; the head of the answer is read.
    #[track_caller]
    pub fn follow(&self, last: Option<i64>) -> Follower {
        let mut line = self.connect().unwrap();
        let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /v1/events HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{last}\r\n",
            self.host(),
            self.key
        );
        line.write_all(head.as_bytes()).unwrap();
        let mut line = BufReader::new(line);
        let (status, headers) = read_head(&mut line).unwrap();
        assert_eq!(status, 200);
        assert!(headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));
        Follower { line, text: String::new() }
    }
}

/// What a sale of so much is.
pub fn sale(minor: u64) -> Value {
    json!({ "kind": "sale", "amount": { "minor": minor, "currency": "CNY" } })
}

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    pub id: Option<i64>,
    pub name: String,
    pub data: Value,
}

/// Who follows events.
pub struct Follower {
    line: BufReader<Box<dyn Line>>,
    text: String,
}

impl Follower {
    /// The next event; comments are passed over.
    #[track_caller]
    pub fn next(&mut self) -> Event {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    block.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
                };
                if let (Some(name), Some(data)) = (field("event"), field("data")) {
                    let data: Value = serde_json::from_str(&data).unwrap();
                    if name != "reset" {
                        Spec::read().check_schema(&json!({"$ref": "#/components/schemas/Payment"}), &data, "event");
                    }
                    return Event { id: field("id").map(|id| id.parse().unwrap()), name, data };
                }
            }
            let chunk = read_chunk(&mut self.line).unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next that has a number.
    #[track_caller]
    pub fn next_payment(&mut self) -> Event {
        loop {
            let event = self.next();
            if event.name == "payment" {
                return event;
            }
        }
    }
}

type Head = (u16, Vec<(String, String)>);

fn read_head(line: &mut impl BufRead) -> std::io::Result<Head> {
    let mut first = String::new();
    line.read_line(&mut first)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other(format!("no answer: {first:?}")))?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        line.read_line(&mut header)?;
        match header.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => return Ok((status, headers)),
        }
    }
}

fn read_chunk(line: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut size = String::new();
    line.read_line(&mut size)?;
    let size = usize::from_str_radix(size.trim(), 16).map_err(|_| std::io::Error::other("the line was cut"))?;
    let mut chunk = vec![0; size + 2];
    line.read_exact(&mut chunk)?;
    chunk.truncate(size);
    Ok(chunk)
}

fn read_answer(line: &mut impl BufRead) -> std::io::Result<Answer> {
    let (status, headers) = read_head(line)?;
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, text)| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    line.read_exact(&mut body)?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
    Ok(Answer { status, headers, body })
}
