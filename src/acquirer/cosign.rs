//! How the host is asked to sign the head of the transaction log (C2SP tlog-witness): by HTTPS, with the terminal's certificate,
//! beside the link for messages. It moves no money, and may be asked again at any time.

use std::io::Read;
use std::path::Path;

use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::CONTENT_TYPE;

use super::enrolment::EnrolmentError;
use super::enrolment::https::{certified, chain};
use crate::proof::checkpoint::{Checkpoint, name_of_acquirer, origin_of_machine};
use crate::proof::note::{Note, NoteKey, Signature};
use crate::proof::tree::{Hash, MOST_LEAVES, Tree};
use crate::proof::witness::{LONGEST, PATH, Request, cosignature};
use crate::terminal::identity::{Identity, acquirer_key};
use crate::terminal::link::LinkSettings;
use crate::vault::SecureElement;

/// Why the host has not signed.
#[derive(Debug, thiserror::Error)]
pub enum CosignError {
    /// Certificates or settings.
    #[error(transparent)]
    Client(#[from] EnrolmentError),
    /// The head of the log cannot be signed by this terminal.
    #[error("this terminal cannot sign the head of its log: {0}")]
    Unsigned(String),
    /// The host was not reached, or did not answer.
    #[error("{0}; check the network and host.url, then try again")]
    Link(String),
    /// The host refuses.
    #[error("the host does not sign: {0}; report this to the acquirer")]
    Refused(String),
    /// The host has signed a longer log.
    #[error(
        "the host has signed {theirs} entries of this log and the ledger has {ours}: it was replaced or shortened. \
         Report this to the acquirer"
    )]
    Shortened {
        /// What the host has signed.
        theirs: u64,
        /// What the checkpoint is of.
        ours: u64,
    },
    /// Its answer is none.
    #[error("the host's answer has no right signature of the acquirer's key; report this to the acquirer")]
    Answer,
    /// The proof cannot be made.
    #[error("it cannot be proved that the log only grew since the host signed {0} entries of it")]
    NoProof(u64),
}

impl CosignError {
    /// The line or this machine is the cause, and not the log: the same may be asked again.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Client(_) | Self::Unsigned(_) | Self::Link(_) => true,
            Self::Refused(_) | Self::Shortened { .. } | Self::Answer | Self::NoProof(_) => false,
        }
    }
}

/// A log whose head is to be signed by both.
pub struct LogToSign {
    /// All of it.
    pub tree: Tree,
    /// How many entries the host has signed, as far as is known here.
    pub signed: u64,
}

impl std::fmt::Debug for LogToSign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogToSign of {} entries, {} signed", self.tree.size(), self.signed)
    }
}

/// A head that both have signed.
#[derive(Clone, Debug)]
pub struct Cosigned {
    /// Entries of the log.
    pub size: u64,
    /// What the device key has signed.
    pub note: Note,
    /// The host's signature of it.
    pub signature: Signature,
}

impl LogToSign {
    /// Signs the head by the device key and has the host sign it.
    ///
    /// # Errors
    /// When one of the two does not.
    pub fn signed(
        &self,
        settings: &LinkSettings,
        directory: &Path,
        identity: &Identity,
        vault: &dyn SecureElement,
    ) -> Result<Cosigned, CosignError> {
        let own = |error: &dyn std::fmt::Display| CosignError::Unsigned(error.to_string());
        let origin = origin_of_machine(&identity.serial_number);
        let device = vault.public_key().map_err(|error| own(&error))?;
        let device = NoteKey::new(&origin, &device).map_err(|error| own(&error))?;
        let acquirer = acquirer_key(directory, &settings.ca_file).map_err(|error| own(&error))?;
        let host = NoteKey::new(&name_of_acquirer(&identity.acquirer_code), &acquirer).map_err(|error| own(&error))?;
        let head = self.tree.head();
        let note = Checkpoint { origin, head }.signed(&device, |text| vault.sign(text)).map_err(|error| own(&error))?;
        let mut prove = |size| self.tree.prove_consistency(size);
        let signature = cosign(settings, directory, (head.size, &note), self.signed, &host, &mut prove)?;
        Ok(Cosigned { size: head.size, note, signature })
    }
}

/// What proves that the log only grew since it had so many leaves.
pub type Prove<'a> = &'a mut dyn FnMut(u64) -> Option<Vec<Hash>>;

/// Asks for the host's signature of a checkpoint of `size` leaves. `signed` is the size that the host signed last, as far as the
/// terminal knows; the host knows better.
///
/// # Errors
/// When there is none.
pub fn cosign(
    settings: &LinkSettings,
    directory: &Path,
    checkpoint: (u64, &Note),
    signed: u64,
    host: &NoteKey,
    prove: Prove<'_>,
) -> Result<Signature, CosignError> {
    let client = certified(settings, directory)?;
    let url = format!("{}{PATH}", settings.url.trim_end_matches('/'));
    let (size, note) = checkpoint;
    let mut ask = |old_size: u64| -> Result<(StatusCode, String), CosignError> {
        let proof = prove(old_size).ok_or(CosignError::NoProof(old_size))?;
        let request = Request { old_size, proof, note: note.clone() };
        let sent = client.post(&url).header(CONTENT_TYPE, "text/plain; charset=utf-8").body(request.text()).send();
        let failed = |error| CosignError::Link(format!("the host cannot be reached: {}", chain(&error)));
        let response = sent.map_err(failed)?;
        Ok((response.status(), read(response)?))
    };
    let (mut status, mut answer) = ask(signed)?;
    if status == StatusCode::CONFLICT {
        let theirs = answer.strip_suffix('\n').and_then(|size| size.parse().ok()).filter(|size| *size <= MOST_LEAVES);
        let theirs = theirs.ok_or(CosignError::Answer)?;
        if theirs > size {
            return Err(CosignError::Shortened { theirs, ours: size });
        }
        if theirs == signed {
            return Err(CosignError::Refused(format!("it has signed another head of {theirs} entries")));
        }
        (status, answer) = ask(theirs)?;
    }
    match status {
        StatusCode::OK => cosignature(&answer, note, host).ok_or(CosignError::Answer),
        StatusCode::BAD_REQUEST
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY => Err(CosignError::Refused(answer.trim_end().to_owned())),
        other => Err(CosignError::Link(format!("something on the way answered HTTP {other}"))),
    }
}

fn read(response: Response) -> Result<String, CosignError> {
    let mut answer = Vec::new();
    let read = response.take(LONGEST as u64).read_to_end(&mut answer);
    read.map_err(|error| CosignError::Link(format!("the answer was cut off: {error}")))?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
