//! How a set is written: as a list of steps, of which one decides. A power cut before it leaves the old set, one after it
//! the new one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{
    APPLICATIONS, CA_KEYS, Description, EmvFiles, EmvFilesError, REFUSED, SET, TABLES, Texts, file_error, hash_of,
};

/// Where a set is written before it has its number.
const FRESH: &str = "new";

/// Whose lock the one writer holds.
const LOCK: &str = "lock";

/// One thing that is done to the disk.
#[derive(Debug)]
pub(super) enum Step {
    /// Takes a folder or file away, if it is there.
    Remove(PathBuf),
    /// Makes a folder that only its owner can look into.
    MakeFolder(PathBuf),
    /// Writes a file, durably.
    Write(PathBuf, String),
    /// Makes what was done in a folder durable.
    Sync(PathBuf),
    /// Gives a folder its name.
    Rename(PathBuf, PathBuf),
}

impl EmvFiles {
    /// What makes a checked set the one that counts.
    pub(super) fn steps(&self, texts: &Texts, from: &str, at: Timestamp) -> Result<Vec<Step>, EmvFilesError> {
        let sets = self.sets()?;
        let counted = sets.iter().rev().find(|(_, path)| self.read_set(path).is_ok()).map(|(number, _)| *number);
        let number = sets.last_key_value().map_or(0, |(newest, _)| *newest) + 1;
        let (fresh, path) = (self.directory.join(FRESH), self.directory.join(format!("{number:06}")));
        let description = Description {
            at,
            from: from.to_owned(),
            aids: hash_of(&texts.applications),
            capk: hash_of(&texts.ca_keys),
            host: Some(hash_of(&texts.tables)),
        };
        let description =
            toml::to_string(&description).map_err(|error| EmvFilesError::Description(error.to_string()))?;
        let mut steps = vec![
            // What a power cut left of an earlier try.
            Step::Remove(fresh.clone()),
            Step::MakeFolder(fresh.clone()),
            Step::Write(fresh.join(APPLICATIONS), texts.applications.clone()),
            Step::Write(fresh.join(CA_KEYS), texts.ca_keys.clone()),
            Step::Write(fresh.join(TABLES), texts.tables.clone()),
            Step::Write(fresh.join(SET), description),
            Step::Sync(fresh.clone()),
            // This one decides.
            Step::Rename(fresh, path),
            Step::Sync(self.directory.clone()),
            Step::Remove(self.directory.join(REFUSED)),
        ];
        // The set that counted is kept: should the new one break, it counts again.
        let rest = sets.into_iter().filter(|(number, _)| Some(*number) != counted);
        steps.extend(rest.map(|(_, path)| Step::Remove(path)));
        Ok(steps)
    }
}

impl Step {
    pub(super) fn carry_out(&self) -> Result<(), EmvFilesError> {
        let (path, done) = match self {
            Self::Remove(path) => (path, remove(path)),
            Self::MakeFolder(path) => (path, make_private(path)),
            Self::Write(path, text) => (path, write(path, text.as_bytes())),
            Self::Sync(path) => (path, File::open(path).and_then(|folder| folder.sync_all())),
            Self::Rename(from, to) => (to, std::fs::rename(from, to)),
        };
        done.map_err(|source| file_error(path, source))
    }
}

/// Waits until nobody else writes a set, and keeps others waiting as long as the file is held.
pub(super) fn lock(directory: &Path) -> Result<File, EmvFilesError> {
    let path = directory.join(LOCK);
    let locked = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    locked.map_err(|source| file_error(&path, source))
}

/// Makes a folder that only its owner can look into, with those above it; one that is there is left as it is.
pub(super) fn make_private(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
