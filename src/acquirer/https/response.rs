//! An HTTP/1.1 answer out of the bytes that have come so far. Needs nothing else; bounded in head and body.

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 8 * 1024;

/// Lines of a head at most.
const MAX_LINES: usize = 64;

/// Interim answers that are passed over. One is usual, and a host that never comes to its answer has none.
const MAX_INTERIM: usize = 8;

/// What begins a success.
const OK: u16 = 200;

/// An answer with all of its body. The body of one that is no 200 is not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// What the body is.
    pub content_type: Option<String>,
    /// When the host wrote it, as it says.
    pub date: Option<String>,
    /// The host leaves the connection open.
    pub stays_open: bool,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// It is no HTTP/1.
    #[error("what came is no HTTP answer")]
    NotHttp,
    /// Its head has no end.
    #[error("the head of the answer is longer than {MAX_HEAD} bytes")]
    LongHead,
    /// It says in two ways, or in none that can be, how long it is.
    #[error("the answer does not say how long it is")]
    Length,
    /// Its body is longer than it may be.
    #[error("the answer is too long")]
    TooLong,
    /// It only ever says that it will come.
    #[error("the host announced its answer more than {MAX_INTERIM} times and gave none")]
    NoAnswer,
    /// The connection ended before it.
    #[error("the answer was cut off")]
    CutOff,
}

/// How the end of a body is known.
enum Framing {
    Length(usize),
    Chunked,
    UntilClosed,
}

/// The answer, if it is complete; `ended` says that nothing more will come, `longest` how long a body may be.
///
/// # Errors
/// When it cannot become one.
pub fn read(bytes: &[u8], ended: bool, longest: usize) -> Result<Option<Response>, ResponseError> {
    let mut rest = bytes;
    for _ in 0..=MAX_INTERIM {
        let Some((mut response, framing, length)) = head(rest)? else {
            return if ended { Err(ResponseError::CutOff) } else { Ok(None) };
        };
        rest = &rest[length..];
        if (100..200).contains(&response.status) && response.status != 101 {
            // Another one follows.
            continue;
        }
        if response.status != OK {
            response.stays_open = false;
            return Ok(Some(response));
        }
        let body = match framing {
            Framing::Length(length) if length > longest => return Err(ResponseError::TooLong),
            Framing::Length(length) => rest.get(..length).map(<[u8]>::to_vec),
            Framing::Chunked => chunked(rest, longest)?,
            Framing::UntilClosed if rest.len() > longest => return Err(ResponseError::TooLong),
            Framing::UntilClosed => {
                response.stays_open = false;
                ended.then(|| rest.to_vec())
            }
        };
        return match body {
            Some(body) => Ok(Some(Response { body, ..response })),
            None if ended => Err(ResponseError::CutOff),
            None => Ok(None),
        };
    }
    Err(ResponseError::NoAnswer)
}

/// A head, how its body ends, and its own length.
fn head(bytes: &[u8]) -> Result<Option<(Response, Framing, usize)>, ResponseError> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
    let mut parsed = httparse::Response::new(&mut lines);
    let length = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD => length,
        Ok(httparse::Status::Partial) if bytes.len() <= MAX_HEAD => return Ok(None),
        Ok(_) => return Err(ResponseError::LongHead),
        Err(httparse::Error::TooManyHeaders) => return Err(ResponseError::LongHead),
        Err(_) => return Err(ResponseError::NotHttp),
    };
    let values = |name: &'static str| {
        let found = parsed.headers.iter().filter(move |line| line.name.eq_ignore_ascii_case(name));
        found.map(|line| std::str::from_utf8(line.value).map_or("", str::trim))
    };
    let names = |name, wanted: &str| {
        values(name).flat_map(|list| list.split(',')).any(|word| word.trim().eq_ignore_ascii_case(wanted))
    };
    let mut lengths = values("content-length");
    let framing = match (values("transfer-encoding").next(), lengths.next()) {
        (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
        (None, Some(first)) if lengths.all(|other| other == first) && is_number(first) => {
            Framing::Length(first.parse().map_err(|_| ResponseError::TooLong)?)
        }
        (None, None) => Framing::UntilClosed,
        _ => return Err(ResponseError::Length),
    };
    let response = Response {
        status: parsed.code.unwrap_or_default(),
        content_type: values("content-type").next().map(str::to_owned),
        date: values("date").next().map(str::to_owned),
        stays_open: !names("connection", "close") && (parsed.version == Some(1) || names("connection", "keep-alive")),
        body: Vec::new(),
    };
    Ok(Some((response, framing, length)))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A body in chunks (RFC 9112, 7.1), if its last one has come. Trailers are passed over.
fn chunked(bytes: &[u8], longest: usize) -> Result<Option<Vec<u8>>, ResponseError> {
    let (mut body, mut rest) = (Vec::new(), bytes);
    if bytes.len() > MAX_HEAD + 2 * longest {
        return Err(ResponseError::TooLong);
    }
    loop {
        let (start, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(ResponseError::Length),
        };
        rest = &rest[start..];
        if size == 0 {
            // An empty line ends the trailers, of which there are none as a rule.
            let over = rest.starts_with(b"\r\n") || rest.windows(4).any(|end| end == b"\r\n\r\n");
            return Ok(over.then_some(body));
        }
        let size = usize::try_from(size).ok().filter(|size| body.len().saturating_add(*size) <= longest);
        let size = size.ok_or(ResponseError::TooLong)?;
        let Some(chunk) = rest.get(..size + 2) else { return Ok(None) };
        let (chunk, end) = chunk.split_at(size);
        if end != b"\r\n" {
            return Err(ResponseError::Length);
        }
        body.extend_from_slice(chunk);
        rest = &rest[size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = 8192;

    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: x\r\ndate: now\r\n";

    fn whole(text: &str, ended: bool) -> Result<Option<Response>, ResponseError> {
        read(text.as_bytes(), ended, LONGEST)
    }

    #[test]
    fn a_body_ends_by_its_length_its_last_chunk_or_the_connection() {
        for (rest, ended, stays_open) in [
            ("content-length: 4\r\n\r\nbody", false, true),
            ("content-length: 4\r\nContent-Length: 4\r\n\r\nbody", false, true),
            ("content-length: 4\r\nConnection: close\r\n\r\nbody", false, false),
            ("transfer-encoding: chunked\r\n\r\n3\r\nbod\r\n1;x=y\r\ny\r\n0\r\n\r\n", false, true),
            ("transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nTrailer: t\r\n\r\n", false, true),
            ("\r\nbody", true, false),
        ] {
            let response = whole(&format!("{HEAD}{rest}"), ended).unwrap().unwrap();
            assert_eq!((response.status, response.body.as_slice()), (200, &b"body"[..]), "{rest}");
            assert_eq!((response.content_type.as_deref(), response.date.as_deref()), (Some("x"), Some("now")));
            assert_eq!(response.stays_open, stays_open, "{rest}");
        }
    }

    #[test]
    fn every_beginning_of_an_answer_waits_for_more_and_is_cut_off_when_there_is_none() {
        for rest in ["content-length: 4\r\n\r\nbody", "transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"] {
            let text = format!("HTTP/1.1 100 Continue\r\n\r\n{HEAD}{rest}");
            for end in 0..text.len() {
                assert_eq!(read(&text.as_bytes()[..end], false, LONGEST), Ok(None), "{end}");
                assert_eq!(read(&text.as_bytes()[..end], true, LONGEST), Err(ResponseError::CutOff), "{end}");
            }
            assert_eq!(whole(&text, false).unwrap().unwrap().body, b"body");
        }
    }

    #[test]
    fn what_is_no_answer_or_has_no_end_is_refused() {
        for (text, error) in [
            ("SSH-2.0-x\r\n\r\n".to_owned(), ResponseError::NotHttp),
            ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\n".to_owned(), ResponseError::Length),
            ("HTTP/1.1 200 OK\r\ncontent-length: -4\r\n\r\n".to_owned(), ResponseError::Length),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
                ResponseError::Length,
            ),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(), ResponseError::Length),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxx\r\n".to_owned(), ResponseError::Length),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n".to_owned(), ResponseError::Length),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff\r\n".to_owned(),
                ResponseError::TooLong,
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 8193\r\n\r\n".to_owned(), ResponseError::TooLong),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n".to_owned(), ResponseError::TooLong),
            (format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MAX_HEAD)), ResponseError::LongHead),
            (format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(MAX_LINES + 1)), ResponseError::LongHead),
        ] {
            assert_eq!(whole(&text, false), Err(error), "{}", &text[..text.len().min(80)]);
        }
        let announced = "HTTP/1.1 100 Continue\r\n\r\n";
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        assert!(whole(&(announced.repeat(MAX_INTERIM) + answer), false).unwrap().is_some());
        assert_eq!(whole(&(announced.repeat(MAX_INTERIM + 1) + answer), false), Err(ResponseError::NoAnswer));
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(LONGEST + 1));
        assert_eq!(whole(&endless, false), Err(ResponseError::TooLong));
    }

    #[test]
    fn an_answer_that_is_no_success_needs_no_body() {
        let response = whole("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 100000\r\n\r\n", false).unwrap().unwrap();
        assert_eq!((response.status, response.stays_open), (502, false));
    }
}
