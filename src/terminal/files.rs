//! Small files that are whole or not there, also after a power cut.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a file that only its owner reads, as a whole and durably; one that is there is replaced.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut name = path.file_name().ok_or(ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    remove(&fresh)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    sync(parent(path))
}

/// Writes a file over with itself, durably; one that is not there is left so. What is read of a file after a sync has failed may
/// not be on the disk, and is not written by the next sync either.
///
/// # Errors
/// The system's.
pub fn write_again(path: &Path) -> Result<(), Error> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let (mut part, mut at) = (vec![0; 1 << 20], 0);
    loop {
        let length = file.read_at(&mut part, at)?;
        if length == 0 {
            return file.sync_all();
        }
        file.write_all_at(&part[..length], at)?;
        at += length as u64;
    }
}

/// Opens a file so that only its owner reads it, also where others could before; one that is not there is made, empty.
///
/// # Errors
/// The system's.
pub fn open_private(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Takes a file or folder away, if it is there.
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> Result<(), Error> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder that only its owner can look into, with those above it; one that is there is left as it is.
///
/// # Errors
/// The system's.
pub fn make_private(path: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes what was done in a folder durable.
///
/// # Errors
/// The system's.
pub fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder)?.sync_all()
}

/// The folder that a file or folder is in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
