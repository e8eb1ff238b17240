//! How an identity comes into its place: everything is made in a folder beside it, and one exchange of names decides. A power
//! cut before it leaves what was before, one after it the new identity; what was before is destroyed afterwards. Keys in a token
//! are exchanged by it as well: each folder names those that are its own.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::EnrolmentError;
use super::kept::KeptRequest;
use crate::terminal::custody::Custody;
use crate::terminal::files;

/// Name of the file with what is kept of the request that was sent; in the stage it says that an enrolment is under way.
const REQUEST: &str = "enrolment-request.json";

/// A folder in which an identity is being made.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    identity: PathBuf,
    folder: PathBuf,
    custody: &'a Custody,
}

impl<'a> Stage<'a> {
    /// The stage of an identity directory. Keys that an earlier exchange left there are destroyed.
    pub fn open(identity: &Path, custody: &'a Custody) -> Result<Self, EnrolmentError> {
        let mut name = identity.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let stage = Self { identity: identity.to_owned(), folder: identity.with_file_name(name), custody };
        stage.finish()?;
        Ok(stage)
    }

    /// Where the identity is made.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The request of an enrolment that is under way.
    pub fn request(&self) -> Result<Option<KeptRequest>, EnrolmentError> {
        let path = self.folder.join(REQUEST);
        match std::fs::read_to_string(&path) {
            // One that was cut off while it was written never left; one of an earlier program is begun anew.
            Ok(text) => Ok(serde_json::from_str(&text).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(EnrolmentError::file(&path, source)),
        }
    }

    /// Empties the stage: keys that nobody certified are destroyed.
    pub fn clear(&self) -> Result<(), EnrolmentError> {
        let path = self.folder.join(REQUEST);
        if path.exists() {
            // First of all: what is cut short from here on is finished at the next start, and not taken up.
            files::remove(&path).map_err(|source| EnrolmentError::file(&path, source))?;
            files::sync(&self.folder).map_err(|source| EnrolmentError::file(&self.folder, source))?;
        }
        self.destroy()
    }

    /// Makes the folder.
    pub fn make(&self) -> Result<(), EnrolmentError> {
        let made = files::make_private(&self.folder).and_then(|()| files::sync(files::parent(&self.folder)));
        made.map_err(|source| EnrolmentError::file(&self.folder, source))
    }

    /// Notes the request, durably: it can be repeated word for word.
    pub fn note_request(&self, request: &KeptRequest) -> Result<(), EnrolmentError> {
        let text = serde_json::to_string(request).map_err(|error| EnrolmentError::Request(error.to_string()))?;
        self.write(Path::new(REQUEST), text.as_bytes())
    }

    /// Writes a file of the identity, durably.
    pub fn write(&self, name: &Path, content: &[u8]) -> Result<(), EnrolmentError> {
        let path = self.folder.join(name);
        files::write(&path, content).map_err(|source| EnrolmentError::file(&path, source))
    }

    /// Gives the identity its place. This decides.
    pub fn exchange(&self) -> Result<(), EnrolmentError> {
        let failed = |source| EnrolmentError::file(&self.identity, source);
        files::sync(&self.folder).map_err(failed)?;
        if self.identity.exists() {
            renameat2(AT_FDCWD, &self.folder, AT_FDCWD, &self.identity, RenameFlags::RENAME_EXCHANGE)
                .map_err(|error: Errno| failed(error.into()))?;
        } else {
            std::fs::rename(&self.folder, &self.identity).map_err(failed)?;
        }
        files::sync(files::parent(&self.identity)).map_err(failed)
    }

    /// Destroys what the exchange left: the request and the keys before. Without an exchange it does nothing.
    pub fn finish(&self) -> Result<(), EnrolmentError> {
        let path = self.identity.join(REQUEST);
        files::remove(&path).map_err(|source| EnrolmentError::file(&path, source))?;
        if self.folder.exists() && !self.folder.join(REQUEST).exists() {
            self.destroy()?;
        }
        Ok(())
    }

    /// Destroys the keys of the folder, and then the folder.
    fn destroy(&self) -> Result<(), EnrolmentError> {
        self.custody.destroy(&self.folder)?;
        files::remove(&self.folder).map_err(|source| EnrolmentError::file(&self.folder, source))
    }
}
