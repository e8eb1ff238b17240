//! Ledgers of an earlier identity of this machine: put aside whole, under a name of their own, and read from then on.
//!
//! Needs nobody to work on the ledger. Deletes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use rusqlite::{OpenFlags, OptionalExtension};

use super::backup::COPY;
use super::connecting::open_to_read;
use super::{Ledger, LedgerError, connecting, presence, statement_error};
use crate::reference::{MerchantCode, TerminalNumber};
use crate::terminal::files;

/// How long who reads a ledger may keep it from being put aside.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many ledgers of one identity may lie side by side.
const MOST: u32 = 1000;

impl Ledger {
    /// Puts the ledger `path` aside when payments stand in it and none is this terminal's. Gives where it lies then.
    ///
    /// # Errors
    /// When payments in it are not finished: who has their keys must finish them. When it cannot be put aside: it is where it
    /// was.
    pub fn put_aside_of_another(
        path: &Path,
        merchant_code: &MerchantCode,
        terminal_number: &TerminalNumber,
    ) -> Result<Option<PathBuf>, LedgerError> {
        let copy = path.with_file_name(COPY);
        if Self::is_of_another(&copy, merchant_code, terminal_number) {
            // Its ledger lies beside already, or follows it.
            put_copy_aside(&copy)?;
        }
        let Some(owner) = owner_of_file(path)? else { return Ok(None) };
        if owner == (merchant_code.clone(), terminal_number.clone()) {
            return Ok(None);
        }
        {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
            let mut ledger = Self::connect(path, flags, merchant_code.clone(), terminal_number.clone())?;
            ledger.migrate()?;
            if ledger.has_payments_of_its_own()? {
                // From before ledgers were put aside. It goes on as it is.
                return Ok(None);
            }
            ledger.check_identity()?;
        }
        Self::put_aside(path)
    }

    /// Puts the ledger `path` aside when payments stand in it, finished or not. Gives where it lies then.
    ///
    /// # Errors
    /// When it cannot be put aside: it is where it was.
    pub fn put_aside(path: &Path) -> Result<Option<PathBuf>, LedgerError> {
        let Some((merchant_code, terminal_number)) = owner_of_file(path)? else {
            put_copy_aside(&path.with_file_name(COPY))?;
            return Ok(None);
        };
        let mut ledger =
            Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, merchant_code.clone(), terminal_number.clone())?;
        ledger.check_integrity()?;
        ledger.migrate()?;
        ledger.connection.busy_timeout(PATIENCE).map_err(statement_error(path))?;
        connecting::one_file(&ledger.connection, path)?;
        drop(ledger);
        let target = rename(path, &name_of(&merchant_code, &terminal_number))?;
        put_copy_aside(&path.with_file_name(COPY))?;
        tracing::warn!(from = %path.display(), to = %target.display(), "a ledger of an earlier identity was put aside");
        Ok(Some(target))
    }

    /// Opens a ledger that was put aside, as that of the terminal whose payments stand in it: nothing can be changed.
    ///
    /// # Errors
    /// When it cannot be opened, or is none.
    pub fn open_put_aside(path: &Path) -> Result<Self, LedgerError> {
        let owner = owner_of_file(path)?;
        let (merchant_code, terminal_number) = owner.ok_or_else(|| LedgerError::Damaged {
            path: path.display().to_string(),
            problem: "there is no payment in it".to_owned(),
        })?;
        Self::open_to_look(path, merchant_code, terminal_number)
    }

    /// Whose payments stand in a file: those of the newest one. Nothing where none do, or there is no file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn owner(path: &Path) -> Result<Option<(MerchantCode, TerminalNumber)>, LedgerError> {
        owner_of_file(path)
    }

    /// Whether the payments in a file are others' alone. Not, where nobody can tell.
    pub fn is_of_another(path: &Path, merchant_code: &MerchantCode, terminal_number: &TerminalNumber) -> bool {
        let own = (merchant_code.clone(), terminal_number.clone());
        owner_of_file(path).ok().flatten().is_some_and(|newest| newest != own) && !has_payments_of(path, &own)
    }

    fn has_payments_of_its_own(&self) -> Result<bool, LedgerError> {
        let sql = "SELECT 1 FROM transactions WHERE merchant_code = ?1 AND terminal_number = ?2 LIMIT 1";
        let own = [self.merchant_code.as_str(), self.terminal_number.as_str()];
        let found = self.connection.query_row(sql, own, |_| Ok(())).optional();
        Ok(found.map_err(statement_error(&self.path))?.is_some())
    }
}

/// Whose payments stand in a file: those of the newest one. Nothing where none do, or there is no file.
fn owner_of_file(path: &Path) -> Result<Option<(MerchantCode, TerminalNumber)>, LedgerError> {
    if !presence::is_there(path)? {
        return Ok(None);
    }
    let connection = open_to_read(path)?;
    let failed = statement_error(path);
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(&failed)?;
    if version == 0 {
        return Ok(None);
    }
    let newest: Option<(String, String)> = connection
        .query_row("SELECT merchant_code, terminal_number FROM transactions ORDER BY id DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .map_err(&failed)?;
    let Some((merchant, terminal)) = newest else { return Ok(None) };
    let wrong = |what, value: &str| LedgerError::Value { what, value: value.to_owned() };
    let merchant_code = MerchantCode::parse(&merchant).map_err(|_| wrong("merchant code", &merchant))?;
    let terminal_number = TerminalNumber::parse(&terminal).map_err(|_| wrong("terminal number", &terminal))?;
    Ok(Some((merchant_code, terminal_number)))
}

fn has_payments_of(path: &Path, (merchant_code, terminal_number): &(MerchantCode, TerminalNumber)) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Ledger::connect(path, flags, merchant_code.clone(), terminal_number.clone())
        .and_then(|ledger| ledger.has_payments_of_its_own())
        .unwrap_or(true)
}

/// The last good copy goes where its ledger goes: it is none of the ledger that comes next.
fn put_copy_aside(copy: &Path) -> Result<(), LedgerError> {
    if !copy.exists() {
        return Ok(());
    }
    // One that cannot be read is put aside as well.
    let name = match owner_of_file(copy) {
        Ok(Some((merchant_code, terminal_number))) => name_of(&merchant_code, &terminal_number),
        Ok(None) | Err(_) => "of-nobody".to_owned(),
    };
    rename(copy, &name).map(|_| ())
}

fn name_of(merchant_code: &MerchantCode, terminal_number: &TerminalNumber) -> String {
    format!("{}-{}", plain(terminal_number.as_str()), plain(merchant_code.as_str()))
}

/// Gives a ledger a name beside the one it has, that none has yet, durably.
fn rename(path: &Path, name: &str) -> Result<PathBuf, LedgerError> {
    let failed = |source| LedgerError::PutAside { path: path.display().to_string(), source };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    for number in 1..MOST {
        let count = if number == 1 { String::new() } else { format!("-{number}") };
        let target = path.with_file_name(format!("{stem}-{name}{count}.sqlite"));
        match renameat2(AT_FDCWD, path, AT_FDCWD, &target, RenameFlags::RENAME_NOREPLACE) {
            Ok(()) => {
                files::sync(files::parent(path)).map_err(failed)?;
                return Ok(target);
            }
            Err(Errno::EEXIST) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
    Err(failed(std::io::ErrorKind::AlreadyExists.into()))
}

/// What may stand in the name of a file.
fn plain(number: &str) -> String {
    number.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::ledger::tests::{approved, open, paid, pending, reversal_due};
    use crate::payment::queue::{EntryId, Open};
    use crate::reference::ResponseCode;

    fn newcomer() -> (MerchantCode, TerminalNumber) {
        (MerchantCode::parse("898440100000002").unwrap(), TerminalNumber::parse("10000009").unwrap())
    }

    fn move_in(directory: &Path) -> Result<Option<PathBuf>, LedgerError> {
        let (merchant, terminal) = newcomer();
        Ledger::put_aside_of_another(&directory.join("ledger.sqlite"), &merchant, &terminal)
    }

    #[test]
    fn a_ledger_of_another_identity_is_kept_whole_beside_the_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        assert_eq!(move_in(directory.path()).unwrap(), None, "nobody's payments stand in it");
        let trace = paid(&mut ledger, approved());
        let id = ledger.next_advice().unwrap().unwrap().id;
        drop(ledger);
        let open_payments = move_in(directory.path()).unwrap_err();
        assert!(matches!(open_payments, LedgerError::OtherIdentity { count: 1, .. }), "the host is still to be told");
        open(directory.path()).done(EntryId::Advice(id)).unwrap();

        let aside = move_in(directory.path()).unwrap().unwrap();
        assert_eq!(aside.file_name().unwrap(), "ledger-10000001-898440100000001.sqlite");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "no log is left that belongs to it");
        let kept = Ledger::open_put_aside(&aside).unwrap();
        assert_eq!(kept.page(0, 9).unwrap()[0].trace, trace);
        assert_eq!(kept.copies_of(trace).unwrap().len(), 2);
        // The next one of the same name does not take its place.
        paid(&mut open(directory.path()), approved());
        let second = Ledger::put_aside(&directory.path().join("ledger.sqlite")).unwrap().unwrap();
        assert_eq!(second.file_name().unwrap(), "ledger-10000001-898440100000001-2.sqlite");
        assert_eq!(Ledger::open_put_aside(&aside).unwrap().count().unwrap(), 1);
    }

    #[test]
    fn what_is_not_finished_stays_as_it_is_in_a_ledger_that_is_put_aside_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        let trace = ledger.take_trace_number().unwrap();
        ledger.record(trace, &pending(1234)).unwrap();
        ledger.record(trace, &reversal_due()).unwrap();
        let before = ledger.entries().unwrap();
        drop(ledger);
        assert!(matches!(move_in(directory.path()), Err(LedgerError::OtherIdentity { .. })));
        let aside = Ledger::put_aside(&directory.path().join("ledger.sqlite")).unwrap().unwrap();
        assert_eq!(Ledger::open_put_aside(&aside).unwrap().entries().unwrap(), before);
    }

    #[test]
    fn a_ledger_that_somebody_reads_is_not_moved_away_from_under_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.sqlite");
        paid(&mut open(directory.path()), approved());
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM transactions;").unwrap();
        assert!(matches!(Ledger::put_aside(&path), Err(LedgerError::InUse(_))));
        assert!(path.exists());
        reader.execute_batch("COMMIT").unwrap();
        drop(reader);
        assert!(Ledger::put_aside(&path).unwrap().is_some());
    }

    /// As programs left it that did not put ledgers aside: both identities in one.
    #[test]
    fn what_another_identity_left_parked_is_not_this_terminals_to_finish() {
        let directory = tempfile::tempdir().unwrap();
        let mut ledger = open(directory.path());
        paid(&mut ledger, approved());
        let id = ledger.next_advice().unwrap().unwrap().id;
        ledger.park(EntryId::Advice(id), ResponseCode::parse("05").ok().as_ref()).unwrap();
        assert_eq!(ledger.open_entries().unwrap(), Open { waiting: 0, parked: 1 });
        drop(ledger);
        let (merchant, terminal) = newcomer();
        let mut ledger = Ledger::open(&directory.path().join("ledger.sqlite"), merchant, terminal).unwrap();
        assert_eq!((ledger.open_entries().unwrap(), ledger.entries().unwrap()), (Open::default(), Vec::new()));
        assert_eq!(ledger.dead_letters_without_slip().unwrap(), []);
        paid(&mut ledger, approved());
        drop(ledger);
        assert_eq!(move_in(directory.path()).unwrap(), None, "it has payments of its own by now");
    }

    #[test]
    fn the_last_good_copy_goes_where_its_ledger_goes() {
        let at = jiff::civil::date(2026, 11, 22).at(8, 0, 0, 0);
        let left = |directory: &Path| {
            let mut names: Vec<_> = std::fs::read_dir(directory)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let aside = ["ledger-10000001-898440100000001.sqlite", "ledger-copy-10000001-898440100000001.sqlite"];
        // To another merchant; out of service; and cut short when only the ledger had been put aside.
        for how in 0..3 {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("ledger.sqlite");
            let mut ledger = open(directory.path());
            paid(&mut ledger, approved());
            let id = ledger.next_advice().unwrap().unwrap().id;
            ledger.done(EntryId::Advice(id)).unwrap();
            ledger.keep_copy(at).unwrap();
            drop(ledger);
            match how {
                0 => drop(move_in(directory.path()).unwrap().unwrap()),
                1 => drop(Ledger::put_aside(&path).unwrap().unwrap()),
                _ => {
                    std::fs::rename(&path, directory.path().join(aside[0])).unwrap();
                    assert_eq!(move_in(directory.path()).unwrap(), None);
                }
            }
            assert_eq!(left(directory.path()), aside, "{how}");
            let (merchant, terminal) = newcomer();
            let mut ledger = Ledger::open(&path, merchant, terminal).unwrap();
            assert!(ledger.keep_copy(at).unwrap(), "the next one has its own");
        }
    }
}
