//! Whether tills are served, and who of them is paired: asked as a till asks that has no key.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::app::{Setup, SetupError};
use crate::terminal::till::Listen;
use crate::till_keys::TillKeys;

/// Longer than a terminal on the same machine needs.
const LIMIT: Duration = Duration::from_secs(2);

/// The first line of an answer fits into so many bytes.
const LONGEST: u64 = 64;

/// See the module.
pub(super) fn tills(setup: &Setup) -> Result<String, String> {
    let place = Listen::parse(&setup.settings.till.listen)
        .map_err(|error| format!("{error}; correct till.listen in the settings"))?;
    let paired = paired(setup)?;
    let Some(place) = place else {
        return Ok(format!("not listened to (till.listen in the settings is empty); {paired}"));
    };
    match asked(&place) {
        Ok(401) => Ok(format!("served on {place}; {paired}")),
        Ok(status) => {
            Err(format!("something else answers on {place} ({status}): give tills a place of their own, till.listen"))
        }
        Err(error) if matches!(setup.lock(), Err(SetupError::Running(_))) => Err(format!(
            "the terminal runs and serves no tills on {place} ({error}): another program may have the place, or the settings changed \
             since; start the terminal anew"
        )),
        // A terminal that does not run serves nobody, and nothing is wrong with that.
        Err(_) => Ok(format!("served on {place} while the terminal runs, which it does not; {paired}")),
    }
}

/// Who has a key.
fn paired(setup: &Setup) -> Result<String, String> {
    if !TillKeys::is_there(&setup.state) {
        return Ok("no till is paired".to_owned());
    }
    let tills = TillKeys::open(&setup.state).and_then(|keys| keys.tills()).map_err(|error| error.to_string())?;
    let names: Vec<_> = tills.iter().filter(|till| till.revoked_at.is_none()).map(|till| till.name.as_str()).collect();
    Ok(if names.is_empty() { "no till is paired".to_owned() } else { format!("paired: {}", names.join(", ")) })
}

/// The status with which a request without a key is answered.
fn asked(place: &Listen) -> std::io::Result<u16> {
    match place {
        Listen::Unix(path) => {
            let line = UnixStream::connect(path)?;
            line.set_read_timeout(Some(LIMIT))?;
            line.set_write_timeout(Some(LIMIT))?;
            status(line, "localhost")
        }
        Listen::Loopback(address) => {
            let line = TcpStream::connect_timeout(address, LIMIT)?;
            line.set_read_timeout(Some(LIMIT))?;
            line.set_write_timeout(Some(LIMIT))?;
            status(line, &address.to_string())
        }
    }
}

fn status(mut line: impl Read + Write, host: &str) -> std::io::Result<u16> {
    write!(line, "GET /v1/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    line.take(LONGEST).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    status.ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidData, "what answers speaks no HTTP"))
}
