//! As much of HTTP/1.1 as a message needs: a head, and a body whose length stands in it.

use std::io::{Error, ErrorKind, Read, Result};

/// The header that says how long the body is.
const LENGTH: &str = "content-length";

/// The longest head or body that is read.
const LONGEST: usize = 64 * 1024;

/// A request or an answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// First line and headers, up to and with the empty line.
    pub head: Vec<u8>,
    /// What follows.
    pub body: Vec<u8>,
}

impl Http {
    /// Reads the next one; nothing when the connection ends before it begins.
    pub fn read(stream: &mut impl Read) -> Result<Option<Self>> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) if head.len() < LONGEST => head.push(byte[0]),
                Ok(1) => return Err(Error::new(ErrorKind::InvalidData, "a head without end")),
                Ok(_) | Err(_) if head.is_empty() => return Ok(None),
                Ok(_) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) => return Err(error),
            }
        }
        let mut body = vec![0; length(&head).filter(|length| *length <= LONGEST).ok_or(ErrorKind::InvalidData)?];
        stream.read_exact(&mut body)?;
        Ok(Some(Self { head, body }))
    }

    /// An answer with this status and content.
    pub fn answer(status: &str, content_type: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{LENGTH}: {}\r\n\r\n", body.len());
        Self { head: head.into_bytes(), body: body.to_vec() }
    }

    /// The same with another body.
    pub fn with_body(&self, body: Vec<u8>) -> Self {
        let head = String::from_utf8(self.head.clone()).unwrap();
        let lines = head.split_inclusive("\r\n").map(|line| match line.split_once(':') {
            Some((name, _)) if name.eq_ignore_ascii_case(LENGTH) => format!("{name}: {}\r\n", body.len()),
            _ => line.to_owned(),
        });
        Self { head: lines.collect::<String>().into_bytes(), body }
    }

    /// As it travels.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }
}

/// What `Content-Length` says; nothing where it says nothing, as with a body of unknown length.
fn length(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    let values = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = values.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(LENGTH))?;
    value.trim().parse().ok()
}
