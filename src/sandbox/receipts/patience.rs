//! How often somebody may ask for e-receipts: links are unguessable, and nobody shall try for long all the same.

use std::collections::HashMap;

use crate::sandbox::host::onboarding::wrong_codes::Source;

/// Seconds over which requests are counted.
pub(super) const WINDOW_S: i64 = 60;

/// Requests in that time, of one address. Many customers may share one of a mobile network.
const MOST: u32 = 60;

/// Those among them that opened nothing.
const MOST_WRONG: u32 = 10;

/// Addresses that are remembered. When there are more, those whose time is over go first, then all.
const MOST_SOURCES: usize = 4096;

/// See the module. Decides by a time that it is told.
#[derive(Debug, Default)]
pub(super) struct Patience(HashMap<String, Count>);

#[derive(Clone, Copy, Debug)]
struct Count {
    since: i64,
    all: u32,
    wrong: u32,
}

impl Patience {
    /// Counts a request; or the seconds to wait before the next one is looked at.
    pub fn ask(&mut self, source: &Source, now: i64) -> Result<(), i64> {
        if self.0.len() >= MOST_SOURCES {
            self.0.retain(|_, count| now - count.since < WINDOW_S);
            if self.0.len() >= MOST_SOURCES {
                self.0.clear();
            }
        }
        let count = self.0.entry(source.to_string()).or_insert(Count { since: now, all: 0, wrong: 0 });
        if now - count.since >= WINDOW_S {
            *count = Count { since: now, all: 0, wrong: 0 };
        }
        if count.all >= MOST || count.wrong >= MOST_WRONG {
            return Err((count.since + WINDOW_S - now).max(1));
        }
        count.all += 1;
        Ok(())
    }

    /// What was asked for opened nothing.
    pub fn wrong(&mut self, source: &Source) {
        if let Some(count) = self.0.get_mut(&source.to_string()) {
            count.wrong += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn who_asks_too_often_or_for_what_is_not_there_waits_and_nobody_else_does() {
        let (mut patience, shop, stranger) = (Patience::default(), source("198.51.100.7"), source("203.0.113.5"));
        for _ in 0..MOST {
            assert_eq!(patience.ask(&shop, 0), Ok(()));
        }
        assert_eq!(patience.ask(&shop, 20), Err(40));
        for _ in 0..MOST_WRONG {
            assert_eq!(patience.ask(&stranger, 0), Ok(()));
            patience.wrong(&stranger);
        }
        assert_eq!(patience.ask(&stranger, 59), Err(1));
        assert_eq!(patience.ask(&stranger, 60), Ok(()), "a minute later");
        assert_eq!(patience.ask(&source("192.0.2.1"), 20), Ok(()));
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let mut patience = Patience::default();
        for host in 0..3 * u32::try_from(MOST_SOURCES).unwrap() {
            let address = std::net::Ipv4Addr::from(host);
            assert_eq!(patience.ask(&Source::of(address.into()), 0), Ok(()));
            assert!(patience.0.len() <= MOST_SOURCES);
        }
    }
}
