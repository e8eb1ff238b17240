//! Verifies a whole log by its file alone ([`super::export`]) and the public keys, and names the first entry that is wrong.
//!
//! What cannot be seen without a head from outside: a file that somebody shortened to one of its own checkpoints. The head that
//! the acquirer has signed, or that stands on paper, is such an anchor.

use super::checkpoint::Checkpoint;
use super::export::{Item, TITLE};
use super::note::{Note, NoteError, NoteKey};
use super::tree::{Frontier, Head};

/// Whom one believes, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    /// Keys of the terminal: those before an enrolment anew as well.
    pub device: &'a [NoteKey],
    /// Keys of the acquirer. With none, signatures that are not of the terminal are not looked at.
    pub host: &'a [NoteKey],
    /// A head that is known from elsewhere.
    pub anchor: Option<Head>,
    /// The log is read where it grows: its last entries may not be signed yet.
    pub growing: bool,
}

/// What a log that is whole says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whose log; nothing as long as nobody has signed it.
    pub origin: Option<String>,
    /// Its head.
    pub head: Head,
    /// How many checkpoints vouch for it.
    pub checkpoints: u64,
    /// For so many of its entries.
    pub signed: u64,
    /// The latest head that the acquirer has signed as well.
    pub cosigned: Option<Head>,
    /// Signatures that were not looked at, as nobody brought their key.
    pub not_looked_at: u64,
}

/// The first thing that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, entry {entry}: {problem}")]
pub struct Fault {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// The entry, counted from 0: the one that is wrong, or the first for which nothing vouches any more.
    pub entry: u64,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Another file.
    #[error("the file does not begin with \"{TITLE}\"")]
    Title,
    /// Something else than an entry or a checkpoint.
    #[error("the line was changed: it can no longer be read")]
    Unreadable,
    /// The numbers of the lines have a gap.
    #[error("a line was taken out, put in or moved: line {found} stands here")]
    Moved {
        /// Its number.
        found: u64,
    },
    /// The entry's own index.
    #[error("the entry was changed: it says that it is entry {found}")]
    Index {
        /// What it says.
        found: u64,
    },
    /// The hash.
    #[error("the entry was changed: it does not belong to the root that was written with it")]
    Entry,
    /// A checkpoint of another size.
    #[error("the checkpoint is of {found} entries and stands behind another one")]
    Size {
        /// Its size.
        found: u64,
    },
    /// A checkpoint that is none or whose signature is wrong.
    #[error("the checkpoint was changed: {0}")]
    Note(#[from] NoteError),
    /// A checkpoint that is none.
    #[error("the checkpoint was changed: it is none")]
    NoCheckpoint,
    /// Nobody we believe.
    #[error("the checkpoint is not signed by the terminal's key")]
    NotSigned,
    /// Somebody nobody knows.
    #[error("{0} has signed the checkpoint with a key that was not given")]
    Stranger(String),
    /// A log of another terminal.
    #[error("the checkpoint is of the log of {found}")]
    Origin {
        /// Whose.
        found: String,
    },
    /// The entries are not those that were signed.
    #[error("{what}: one of the entries {from} to {to} is not what it was when it was signed")]
    Rewritten {
        /// Who vouches for them.
        what: &'static str,
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// It stops.
    #[error("the file ends here, and nothing vouches for the last entries")]
    End,
    /// It stops before what is known.
    #[error("the log had {size} entries when its head was anchored; the file ends here")]
    Shortened {
        /// How many.
        size: u64,
    },
}

/// Verifies the content of a file.
///
/// # Errors
/// At the first thing that is wrong.
pub fn verify(file: &[u8], trust: &Trust<'_>) -> Result<Verified, Fault> {
    let mut lines = file.split_inclusive(|byte| *byte == b'\n');
    let mut reading = Reading::new(trust);
    if lines.next() != Some(format!("{TITLE}\n").as_bytes()) {
        return Err(reading.fault(Problem::Title));
    }
    for line in lines {
        reading.line += 1;
        let (number, item) = Item::parse(line).ok_or_else(|| reading.fault(Problem::Unreadable))?;
        if number != reading.line {
            return Err(reading.fault(Problem::Moved { found: number }));
        }
        let read = match &item {
            Item::Entry { index, root, leaf } => reading.entry(*index, &Head { size: *index + 1, root: *root }, leaf),
            Item::Checkpoint { size, note } => reading.checkpoint(*size, note),
        };
        read.map_err(|problem| reading.fault(problem))?;
    }
    reading.line += 1;
    reading.end()
}

/// How far the file has been read.
struct Reading<'a> {
    trust: &'a Trust<'a>,
    line: u64,
    frontier: Frontier,
    /// For so many entries a checkpoint vouches.
    vouched: u64,
    origin: Option<String>,
    checkpoints: u64,
    cosigned: Option<Head>,
    not_looked_at: u64,
    /// Entry that the fault is about, where it is not the next one.
    about: Option<u64>,
}

impl<'a> Reading<'a> {
    fn new(trust: &'a Trust<'a>) -> Self {
        Self {
            trust,
            line: 1,
            frontier: Frontier::default(),
            vouched: 0,
            origin: None,
            checkpoints: 0,
            cosigned: None,
            not_looked_at: 0,
            about: None,
        }
    }

    fn fault(&self, problem: Problem) -> Fault {
        Fault { line: self.line, entry: self.about.unwrap_or(self.frontier.size()), problem }
    }

    fn entry(&mut self, index: u64, written: &Head, leaf: &str) -> Result<(), Problem> {
        if index != self.frontier.size() {
            return Err(Problem::Index { found: index });
        }
        let before = self.frontier.clone();
        if self.frontier.append(leaf.as_bytes()) != *written {
            self.frontier = before;
            return Err(Problem::Entry);
        }
        self.compare_with_anchor()
    }

    fn compare_with_anchor(&mut self) -> Result<(), Problem> {
        let head = self.frontier.head();
        match self.trust.anchor {
            Some(anchor) if anchor.size == head.size && anchor != head => {
                Err(self.rewritten("the head that was anchored is another one"))
            }
            _ => Ok(()),
        }
    }

    fn rewritten(&mut self, what: &'static str) -> Problem {
        self.about = Some(self.vouched);
        Problem::Rewritten { what, from: self.vouched, to: self.frontier.size().saturating_sub(1) }
    }

    fn checkpoint(&mut self, size: u64, note: &str) -> Result<(), Problem> {
        let note = Note::parse(note)?;
        let device = note.signed_by(self.trust.device)?;
        let host = note.signed_by(self.trust.host)?;
        let known = device.len() + host.len();
        let stranger = note
            .signatures
            .iter()
            .find(|signature| !device.iter().chain(&host).any(|key| key.signer == signature.signer));
        if device.is_empty() {
            return Err(Problem::NotSigned);
        }
        if let Some(stranger) = stranger
            && !self.trust.host.is_empty()
        {
            return Err(Problem::Stranger(stranger.signer.name.clone()));
        }
        let checkpoint = Checkpoint::parse(&note.text).ok_or(Problem::NoCheckpoint)?;
        if self.origin.as_ref().is_some_and(|origin| *origin != checkpoint.origin) {
            return Err(Problem::Origin { found: checkpoint.origin });
        }
        let head = self.frontier.head();
        if size != head.size || checkpoint.head.size != head.size {
            return Err(Problem::Size { found: checkpoint.head.size });
        }
        if checkpoint.head != head {
            return Err(self.rewritten("the head that was signed is another one"));
        }
        if !host.is_empty() {
            self.cosigned = Some(head);
        }
        self.not_looked_at += (note.signatures.len() - known) as u64;
        self.origin = Some(checkpoint.origin);
        self.vouched = head.size;
        self.checkpoints += 1;
        Ok(())
    }

    fn end(self) -> Result<Verified, Fault> {
        let head = self.frontier.head();
        if let Some(anchor) = self.trust.anchor.filter(|anchor| anchor.size > head.size) {
            return Err(self.fault(Problem::Shortened { size: anchor.size }));
        }
        let whole = self.origin.is_some() && self.vouched == head.size;
        if !whole && !self.trust.growing {
            return Err(self.fault(Problem::End));
        }
        Ok(Verified {
            origin: self.origin,
            head,
            checkpoints: self.checkpoints,
            signed: self.vouched,
            cosigned: self.cosigned,
            not_looked_at: self.not_looked_at,
        })
    }
}

#[cfg(test)]
mod tests;
