//! Wrong activation codes: they cost time, and whom they cost it is who sends them.
//!
//! Anybody can send codes for any machine, so a wrong one never harms the right one. Where wrong ones come from, codes are not
//! looked at for a while, right or wrong, and longer each time: for the machine that they were sent for, and when there are
//! many, for every machine. Others do not wait.

use std::net::IpAddr;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::register::{Register, RegisterError};

/// The table. Application 0 stands for all of them, and for machines that have none.
pub const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS wrong_codes (
        source      TEXT NOT NULL,
        application INTEGER NOT NULL,
        tries       INTEGER NOT NULL,
        last_at     INTEGER NOT NULL,
        PRIMARY KEY (source, application)
    ) STRICT, WITHOUT ROWID;
";

/// All applications together.
const ALL: i64 = 0;

/// How long a wrong code is remembered after the last one, in seconds.
const MEMORY_S: i64 = 24 * 3600;

/// How many wrong codes somebody may send, and how long he waits then.
struct Patience {
    /// They cost nothing: people mistype.
    free: i64,
    /// Seconds after the next one. They double each time.
    first_s: i64,
    /// Seconds at most.
    longest_s: i64,
}

/// For one machine.
const FOR_A_MACHINE: Patience = Patience { free: 4, first_s: 30, longest_s: 15 * 60 };

/// For all machines: many shops may share one address of a mobile network.
const IN_ALL: Patience = Patience { free: 20, first_s: 30, longest_s: 15 * 60 };

/// Where a code comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    /// An address; of IPv6 the first half, which is what one customer of a network has.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_string()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"))
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Patience {
    /// Seconds to wait after so many wrong codes.
    const fn wait_s(&self, tries: i64) -> i64 {
        if tries <= self.free {
            return 0;
        }
        let doubled = if tries - self.free > 20 { 20 } else { tries - self.free - 1 };
        let wait = self.first_s << doubled;
        if wait < self.longest_s { wait } else { self.longest_s }
    }
}

impl Register<'_> {
    /// Whether a code from there is not looked at now, for this application or for none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_to_wait(
        &self,
        source: &Source,
        application: Option<i64>,
        now: Timestamp,
    ) -> Result<bool, RegisterError> {
        let now = now.as_second();
        for (application, patience) in counted(application) {
            let (tries, last_at) = self.wrong_codes(source, application, now)?;
            if now < last_at + patience.wait_s(tries) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts a wrong code.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_wrong_code(
        &self,
        source: &Source,
        application: Option<i64>,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        let now = now.as_second();
        self.0.execute("DELETE FROM wrong_codes WHERE last_at < ?1", [now - MEMORY_S])?;
        for (application, _) in counted(application) {
            let (tries, _) = self.wrong_codes(source, application, now)?;
            self.0.execute(
                "INSERT OR REPLACE INTO wrong_codes (source, application, tries, last_at) VALUES (?1, ?2, ?3, ?4)",
                params![source.0, application, tries + 1, now],
            )?;
        }
        Ok(())
    }

    /// Nobody waits any more who sent wrong codes for this application.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_wrong_codes(&self, application: i64) -> Result<(), RegisterError> {
        self.0.execute("DELETE FROM wrong_codes WHERE application = ?1", [application])?;
        Ok(())
    }

    /// How many came from there, and when the last one did.
    fn wrong_codes(&self, source: &Source, application: i64, now: i64) -> Result<(i64, i64), RegisterError> {
        let sql = "SELECT tries, last_at FROM wrong_codes WHERE source = ?1 AND application = ?2 AND last_at >= ?3";
        let found = self
            .0
            .query_row(sql, params![source.0, application, now - MEMORY_S], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.unwrap_or_default())
    }
}

/// What a code counts for.
fn counted(application: Option<i64>) -> impl Iterator<Item = (i64, &'static Patience)> {
    [(ALL, &IN_ALL)].into_iter().chain(application.map(|id| (id, &FOR_A_MACHINE)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::host::store::Store;

    const MACHINE: Option<i64> = Some(7);

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn with_register(work: impl FnOnce(&Register<'_>) -> Result<(), RegisterError>) {
        let folder = tempfile::tempdir().unwrap();
        Store::open(&folder.path().join("host.sqlite3")).unwrap().register(work).unwrap();
    }

    #[test]
    fn waits_begin_after_a_few_and_double_up_to_a_quarter_of_an_hour() {
        let waits: Vec<_> = (0..12).map(|tries| FOR_A_MACHINE.wait_s(tries)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]);
        assert_eq!(FOR_A_MACHINE.wait_s(i64::MAX), 900);
        assert_eq!((IN_ALL.wait_s(20), IN_ALL.wait_s(21)), (0, 30));
    }

    #[test]
    fn who_sends_wrong_codes_waits_and_nobody_else_does() {
        with_register(|register| {
            let (stranger, shop) = (source("203.0.113.5"), source("198.51.100.7"));
            for _ in 0..4 {
                register.note_wrong_code(&stranger, MACHINE, at(0))?;
                assert!(!register.has_to_wait(&stranger, MACHINE, at(0))?);
            }
            register.note_wrong_code(&stranger, MACHINE, at(0))?;
            assert!(register.has_to_wait(&stranger, MACHINE, at(29))?);
            assert!(!register.has_to_wait(&stranger, MACHINE, at(30))?);
            assert!(!register.has_to_wait(&stranger, Some(8), at(0))?, "another machine");
            assert!(!register.has_to_wait(&shop, MACHINE, at(0))?, "another source");
            register.forget_wrong_codes(7)?;
            assert!(!register.has_to_wait(&stranger, MACHINE, at(0))?);
            Ok(())
        });
    }

    #[test]
    fn who_tries_one_machine_after_another_waits_as_well_and_also_for_machines_that_nobody_knows() {
        for machine in [|id| Some(id), |_| None] {
            with_register(|register| {
                let stranger = source("203.0.113.5");
                for id in 1..=21 {
                    assert!(!register.has_to_wait(&stranger, machine(id), at(0))?, "{id}");
                    register.note_wrong_code(&stranger, machine(id), at(0))?;
                }
                assert!(register.has_to_wait(&stranger, machine(22), at(0))?);
                assert!(!register.has_to_wait(&stranger, machine(22), at(30))?);
                Ok(())
            });
        }
    }

    #[test]
    fn after_a_day_all_is_forgotten_and_nothing_is_kept_of_it() {
        with_register(|register| {
            for _ in 0..9 {
                register.note_wrong_code(&source("203.0.113.5"), MACHINE, at(0))?;
            }
            assert_eq!(register.wrong_codes(&source("203.0.113.5"), 7, at(MEMORY_S).as_second())?.0, 9);
            assert_eq!(register.wrong_codes(&source("203.0.113.5"), 7, at(MEMORY_S + 1).as_second())?.0, 0);
            register.note_wrong_code(&source("198.51.100.7"), None, at(MEMORY_S + 1))?;
            let left: i64 = register.0.query_row("SELECT COUNT(*) FROM wrong_codes", [], |row| row.get(0))?;
            assert_eq!(left, 1);
            Ok(())
        });
    }

    #[test]
    fn one_customer_of_a_network_is_one_source() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:203.0.113.5"), source("203.0.113.5"));
        assert_eq!(source("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    }
}
