//! Who may ask at all: this machine's programs under this machine's names, no page of a browser, and a till by its key.
//!
//! A page can make a name of its own lead to 127.0.0.1 and ask there (DNS rebinding): the name in `Host` gives it away. A browser says
//! where a request comes from: such a request is refused whatever it brings.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};

use crate::clock;
use crate::terminal::till::Listen;
use crate::till::problem::{Problem, ProblemKind};

/// Wrong keys and codes within [`WINDOW`] after which others are not looked at.
pub const MOST_WRONG: usize = 20;

/// So long a wrong key counts.
const WINDOW: Duration = Duration::from_secs(60);

/// Names of this machine for itself.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What browsers send with every request, and tills never.
const OF_BROWSERS: [HeaderName; 4] = [
    ORIGIN,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-dest"),
];

/// See the module.
pub(super) struct Guard {
    /// What `Host` has to be; of a socket, whose port is anything.
    address: Option<SocketAddr>,
    wrong: Mutex<VecDeque<Instant>>,
}

impl Guard {
    pub const fn new(place: &Listen) -> Self {
        let address = match place {
            Listen::Loopback(address) => Some(*address),
            Listen::Unix(_) => None,
        };
        Self { address, wrong: Mutex::new(VecDeque::new()) }
    }

    /// Whether a request was meant for this terminal and comes from a program.
    pub fn admits(&self, headers: &HeaderMap) -> Result<(), Box<Problem>> {
        if OF_BROWSERS.iter().any(|name| headers.contains_key(name)) {
            return Err(Problem::of(ProblemKind::BrowserRefused).into());
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            _ => None,
        };
        if host.is_some_and(|host| self.is_own(host)) {
            Ok(())
        } else {
            Err(Problem::of(ProblemKind::ForeignHost).into())
        }
    }

    fn is_own(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (name, port.parse::<u16>().ok())
            }
            _ => (host, None),
        };
        let own = OWN_NAMES.iter().any(|own| name.eq_ignore_ascii_case(own));
        match self.address {
            None => own,
            Some(address) => (own || name == address.ip().to_string()) && port == Some(address.port()),
        }
    }

    /// Whether keys and codes are looked at now; else, in how many seconds again.
    pub fn looks(&self) -> Result<(), u64> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        while wrong.front().is_some_and(|at| clock::since(*at) >= WINDOW) {
            wrong.pop_front();
        }
        match wrong.front() {
            Some(first) if wrong.len() >= MOST_WRONG => {
                Err(WINDOW.saturating_sub(clock::since(*first)).as_secs().max(1))
            }
            _ => Ok(()),
        }
    }

    /// A key or code was wrong.
    pub fn was_wrong(&self) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() < MOST_WRONG {
            wrong.push_back(clock::instant());
        }
    }
}

/// The key that a request brings.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn tcp() -> Guard {
        Guard::new(&Listen::Loopback(([127, 0, 0, 1], 8590).into()))
    }

    #[test]
    fn only_this_machines_own_names_with_the_right_port_are_meant() {
        for own in ["127.0.0.1:8590", "localhost:8590", "LocalHost:8590", "[::1]:8590"] {
            assert!(tcp().admits(&with(HOST, own)).is_ok(), "{own}");
        }
        for foreign in [
            "evil.example:8590",
            "127.0.0.1.evil.example:8590",
            "localhost:80",
            "localhost",
            "127.0.0.1",
            "192.168.1.5:8590",
            "localhost:8590:8590",
            "",
        ] {
            assert!(tcp().admits(&with(HOST, foreign)).is_err(), "{foreign}");
        }
        assert!(tcp().admits(&HeaderMap::new()).is_err(), "no name at all");
        let mut two = with(HOST, "127.0.0.1:8590");
        two.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(tcp().admits(&two).is_err());
        let socket = Guard::new(&Listen::Unix("/run/yima/till.sock".into()));
        assert!(socket.admits(&with(HOST, "localhost")).is_ok());
        assert!(socket.admits(&with(HOST, "evil.example")).is_err());
    }

    #[test]
    fn whatever_a_browser_sends_is_refused() {
        for name in OF_BROWSERS {
            let mut headers = with(HOST, "127.0.0.1:8590");
            headers.insert(name, HeaderValue::from_static("null"));
            let problem = tcp().admits(&headers).unwrap_err();
            assert_eq!(problem.status, 403);
        }
    }

    #[test]
    fn after_many_wrong_keys_none_is_looked_at_for_a_while() {
        let guard = tcp();
        let by_hand = clock::SetByHand::at("2026-11-29T08:00:00Z".parse().unwrap(), jiff::tz::TimeZone::UTC);
        for _ in 0..MOST_WRONG {
            assert_eq!(guard.looks(), Ok(()));
            guard.was_wrong();
        }
        assert_eq!(guard.looks(), Err(60));
        by_hand.pass(Duration::from_secs(59));
        assert_eq!(guard.looks(), Err(1));
        by_hand.pass(Duration::from_secs(1));
        assert_eq!(guard.looks(), Ok(()));
    }

    #[test]
    fn a_key_comes_as_a_bearer() {
        assert_eq!(bearer(&with(AUTHORIZATION, "Bearer abc")), Some("abc"));
        assert_eq!(bearer(&with(AUTHORIZATION, "bearer abc ")), Some("abc"));
        for other in ["Basic abc", "abc", "Bearer"] {
            assert_eq!(bearer(&with(AUTHORIZATION, other)), None, "{other}");
        }
    }
}
