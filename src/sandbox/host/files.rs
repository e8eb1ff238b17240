//! Files and directories that are whole or not there.

use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner.
    Owner,
    /// Anyone who may enter the directory.
    All,
}

/// Makes a directory that only its owner may enter, with those above it; one that is there stays as it is.
///
/// # Errors
/// The system's.
pub fn private_directory(path: &Path) -> Result<(), Error> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file as a whole and durably; one that is there is replaced.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, content: &[u8], readers: Readers) -> Result<(), Error> {
    let mut name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))
}

/// Makes a directory by filling one beside it and giving it the name when all is written: after a power cut it is whole or
/// not there. What stands in the way of the fresh one is a leftover and goes.
///
/// # Errors
/// The system's, or those of `fill`.
pub fn whole_directory<E: From<Error>>(path: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let mut name = path.file_name().ok_or_else(|| Error::from(ErrorKind::InvalidInput))?.to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    match std::fs::remove_dir_all(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    private_directory(&fresh)?;
    fill(&fresh)?;
    std::fs::rename(&fresh, path)?;
    sync_directory(path.parent().unwrap_or(Path::new(".")))?;
    Ok(())
}

fn sync_directory(path: &Path) -> Result<(), Error> {
    std::fs::File::open(path)?.sync_all()
}
