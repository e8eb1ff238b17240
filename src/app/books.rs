//! The ledger of a terminal where it lies: begun, opened, looked at, put aside, restored; and who may read what lies
//! there.
//!
//! The identity notes that a ledger was begun under it. So a ledger that is lost with everything beside it is not taken
//! for one that never was, and a new enrolment, under which the host begins a new batch, begins a new ledger.

use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::DateTime;

use super::setup::{Setup, SetupError};
use crate::clock;
use crate::ledger::{COPY, Ledger, LedgerError, Restoration};
use crate::reference::{MerchantCode, TerminalNumber};
use crate::terminal::files;
use crate::terminal::identity::{self, Identity, IdentityError};
use crate::wording::ReasonKind;

/// Name of the ledger within the state directory.
const LEDGER: &str = "ledger.sqlite";

/// Name of the note within the identity directory that a ledger was begun under this identity.
const BEGUN: &str = "ledger-begun";

/// How long a start may be busy with archives before the last of them begins.
const TIME_FOR_ARCHIVES: Duration = Duration::from_secs(2);

/// Who else may read, write or look into something.
const OTHERS: u32 = 0o077;

/// In a directory with this bit everybody may make files: it is nobody's alone.
const STICKY: u32 = 0o1000;

impl Setup {
    /// The ledger of this terminal, which is begun where there was none.
    ///
    /// # Errors
    /// When it cannot be opened, or there was one and it is lost.
    pub fn ledger(&self, identity: &Identity) -> Result<Ledger, SetupError> {
        self.ledger_by(identity, Ledger::open)
    }

    /// The same for a command, during which the terminal may run.
    ///
    /// # Errors
    /// As for [`Setup::ledger`].
    pub fn ledger_beside(&self, identity: &Identity) -> Result<Ledger, SetupError> {
        match self.lock() {
            Ok(_alone) => self.ledger(identity),
            Err(SetupError::Running(_)) => self.ledger_by(identity, Ledger::open_beside),
            Err(error) => Err(error),
        }
    }

    fn ledger_by(
        &self,
        identity: &Identity,
        open: impl FnOnce(&Path, MerchantCode, TerminalNumber) -> Result<Ledger, LedgerError>,
    ) -> Result<Ledger, SetupError> {
        make_private(&self.state)?;
        let (merchant, terminal) = (identity.merchant_code()?, identity.terminal_number()?);
        let path = self.ledger_path();
        Ledger::is_there(&path, &merchant, &terminal, self.has_begun())?;
        make_files_private(&path)?;
        let mut ledger = open(&path, merchant, terminal)?;
        self.note_that_it_has_begun();
        self.check_binding(identity, &mut ledger)?;
        Ok(ledger)
    }

    /// The ledger for who only looks: nothing is made or changed. `None` when this terminal has had none yet.
    ///
    /// # Errors
    /// When it is there and cannot be read, or was there and is lost.
    pub fn ledger_to_look_at(&self, identity: &Identity) -> Result<Option<Ledger>, SetupError> {
        self.ledger_of(identity.merchant_code()?, identity.terminal_number()?)
    }

    /// The same, of whoever has these numbers.
    pub(super) fn ledger_of(
        &self,
        merchant: MerchantCode,
        terminal: TerminalNumber,
    ) -> Result<Option<Ledger>, SetupError> {
        let path = self.ledger_path();
        if !Ledger::is_there(&path, &merchant, &terminal, self.has_begun())? {
            return Ok(None);
        }
        Ok(Some(Ledger::open_to_look(&path, merchant, terminal)?))
    }

    /// Keeps a ledger in which only payments of another identity stand beside the one that is begun for this one. Needs
    /// the engine's lock.
    ///
    /// # Errors
    /// When payments in it are not finished, or it cannot be put aside.
    pub(super) fn put_aside_ledger_of_another(&self, merchant: &str, terminal: &str) -> Result<(), SetupError> {
        let (merchant, terminal) = (MerchantCode::parse(merchant)?, TerminalNumber::parse(terminal)?);
        let path = self.ledger_path();
        if Ledger::is_of_another(&path, &merchant, &terminal) {
            // The next one is begun anew, also when the power goes before that.
            let note = self.identity_directory().join(BEGUN);
            files::remove(&note).map_err(|source| LedgerError::File { path: note.display().to_string(), source })?;
        }
        Ledger::put_aside_of_another(&path, &merchant, &terminal)?;
        Ok(())
    }

    /// The ledger that lies there, as that of the terminal whose payments stand in it. `None` when there are none.
    ///
    /// # Errors
    /// When it cannot be read, or only its copy is left.
    pub(super) fn ledger_of_anybody(&self) -> Result<Option<Ledger>, SetupError> {
        let path = self.ledger_path();
        let owner = match Ledger::owner(&path)? {
            Some(owner) => Some(owner),
            None => Ledger::owner(&path.with_file_name(COPY))?,
        };
        let Some((merchant, terminal)) = owner else { return Ok(None) };
        self.ledger_of(merchant, terminal)
    }

    /// A ledger that nobody can read any more, and no copy can replace, makes room for that of a new enrolment: it is
    /// kept beside.
    ///
    /// # Errors
    /// When it cannot be.
    pub(super) fn put_remains_aside(&self) -> Result<(), SetupError> {
        Ok(Ledger::put_remains_aside(&self.ledger_path(), now())?)
    }

    /// Whether the last good copy is there and whole.
    pub(super) fn has_whole_copy(&self) -> bool {
        Ledger::has_whole_copy(&self.ledger_path())
    }

    /// The ledger knows the binding records that counted as well: the last lines of the journal can be taken away.
    fn check_binding(&self, identity: &Identity, ledger: &mut Ledger) -> Result<(), SetupError> {
        let directory = self.identity_directory();
        let device_key = identity::unverified(&directory)?.device_key;
        let newest = ledger.note_binding(&device_key, identity.version)?;
        if newest > identity.version {
            let path = directory.join(identity::FILE).display().to_string();
            return Err(IdentityError::Older { path, found: identity.version, newest }.into());
        }
        Ok(())
    }

    /// Puts the last good copy in the place of a ledger that is damaged or lost. No engine runs meanwhile.
    ///
    /// # Errors
    /// When the ledger is whole, or there is no whole copy.
    pub fn restore_ledger(&self, by: &str) -> Result<Restoration, SetupError> {
        let identity = self.identity()?;
        let _alone = self.lock()?;
        let (merchant, terminal) = (identity.merchant_code()?, identity.terminal_number()?);
        Ok(Ledger::restore(&self.ledger_path(), merchant, terminal, by, now())?)
    }

    /// Makes the copy of the day. Before the first payment: what a copy holds as under way would be taken back.
    ///
    /// # Errors
    /// When the copy that is there knows more than the ledger.
    pub(super) fn keep_copy(ledger: &mut Ledger) -> Result<(), SetupError> {
        match ledger.keep_copy(now()) {
            Err(error @ LedgerError::Lost { .. }) => return Err(error.into()),
            Err(error) => tracing::warn!(%error, "no copy of the ledger was made"),
            Ok(_) => {}
        }
        Ok(())
    }

    /// Lets payments that are old enough leave for archives, for a moment: what is left of them leaves at the next start.
    pub(super) fn archive_what_is_old(&self, ledger: &mut Ledger) {
        let begun = clock::instant();
        while clock::since(begun) < TIME_FOR_ARCHIVES {
            match ledger.archive_a_month(self.settings.ledger.keep_days, now()) {
                Ok(Some(archive)) => {
                    tracing::info!(archive = %archive.name, payments = archive.payments, "payments were archived");
                }
                Ok(None) => return,
                Err(error) => return tracing::warn!(%error, "payments that are old stay in the ledger"),
            }
        }
    }

    /// Where the ledger is.
    pub(super) fn ledger_path(&self) -> PathBuf {
        self.state.join(LEDGER)
    }

    /// Whether a ledger was begun under this identity.
    fn has_begun(&self) -> bool {
        self.identity_directory().join(BEGUN).exists()
    }

    /// The ledger is there already: a power cut before this leaves what the copy beside it says.
    fn note_that_it_has_begun(&self) {
        if self.has_begun() {
            return;
        }
        let note = self.identity_directory().join(BEGUN);
        if let Err(error) = files::write(&note, b"a ledger was begun under this identity\n") {
            tracing::warn!(%error, "it is not noted that a ledger was begun");
        }
    }
}

/// What a ledger that cannot be used is for the person at the counter.
pub(super) const fn kind_of_ledger(error: &LedgerError) -> ReasonKind {
    match error {
        LedgerError::Damaged { .. } | LedgerError::Lost { .. } | LedgerError::HalfRestored(_) => ReasonKind::LedgerLost,
        _ => ReasonKind::LedgerFailed,
    }
}

/// Local time, to the second.
fn now() -> DateTime {
    let now = clock::local().datetime();
    now.with().subsec_nanosecond(0).build().unwrap_or(now)
}

/// The ledger is for its owner alone, with what SQLite writes beside it: that gets the mode of the ledger.
fn make_files_private(ledger: &Path) -> Result<(), SetupError> {
    let refused = |path: &Path, source| LedgerError::File { path: path.display().to_string(), source };
    files::open_private(ledger).map_err(|source| refused(ledger, source))?;
    for ending in ["-wal", "-shm"] {
        let mut name = ledger.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        let beside = ledger.with_file_name(name);
        if beside.exists() {
            files::open_private(&beside).map_err(|source| refused(&beside, source))?;
        }
    }
    Ok(())
}

/// Makes a state directory that only its owner can look into. One that is there and is a terminal's, or empty, is
/// closed to others as well; of one that is shared the files are what is closed.
///
/// # Errors
/// When it cannot be made.
pub(super) fn make_private(path: &Path) -> Result<(), SetupError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .and_then(|()| close_to_others(path))
        .map_err(|source| SetupError::State { path: path.display().to_string(), source })
}

fn close_to_others(path: &Path) -> std::io::Result<()> {
    let mode = std::fs::metadata(path)?.mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let is_a_terminals = [LEDGER, "identity"].iter().any(|name| path.join(name).exists());
    if mode & STICKY == 0 && (is_a_terminals || std::fs::read_dir(path)?.next().is_none()) {
        match std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700)) {
            // Somebody else's.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
            done => return done,
        }
    }
    tracing::warn!(path = %path.display(), mode = format!("{:03o}", mode & 0o777), "others can look into the state directory");
    Ok(())
}

#[cfg(test)]
mod tests;
