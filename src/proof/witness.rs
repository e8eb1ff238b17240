//! How a host is asked to sign a checkpoint as well (C2SP tlog-witness, `add-checkpoint`), and what it looks at before it does:
//! the log must be that of the terminal, and must have only grown since the head that the host signed last.

use super::checkpoint::Checkpoint;
use super::note::{Note, NoteKey, Signature};
use super::tree::{Hash, Head, parse_hash, parse_size};
use crate::crypto::base64;

/// Hashes of a proof at most, as the document has it.
const MOST_HASHES: usize = 63;

/// Path of these requests at the host.
pub const PATH: &str = "/add-checkpoint";

/// Content type of an answer that says how many leaves the host signed last.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// Longest request that is read, in bytes.
pub const LONGEST: usize = 16 * 1024;

/// What a terminal asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Leaves of the log when the host signed last; none when it never did.
    pub old_size: u64,
    /// What proves that it only grew since.
    pub proof: Vec<Hash>,
    /// The checkpoint that the terminal signed.
    pub note: Note,
}

/// What a host answers, beside its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read, or its sizes cannot be (400).
    #[error("the request cannot be read")]
    Unreadable,
    /// The key of this terminal did not sign it (403).
    #[error("the checkpoint is not signed by the key of this terminal")]
    NotSigned,
    /// It is of another log (404).
    #[error("the checkpoint is of another terminal's log")]
    OtherLog,
    /// The host signed another size last, or another head of this size (409).
    #[error("the host signed a head of {0} entries last")]
    Conflict(u64),
    /// The log did not only grow (422).
    #[error("the log is not the one that the host signed at {0} entries: entries before were changed or taken out")]
    NotConsistent(u64),
}

impl Request {
    /// The body of the request.
    pub fn text(&self) -> String {
        let hashes: String = self.proof.iter().map(|hash| base64::encode(hash) + "\n").collect();
        format!("old {}\n{hashes}\n{}", self.old_size, self.note.whole())
    }

    /// Reads the body of a request.
    pub fn parse(text: &str) -> Option<Self> {
        let (front, note) = text.split_once("\n\n")?;
        let mut lines = front.split('\n');
        let old_size = parse_size(lines.next()?.strip_prefix("old ")?)?;
        let proof: Vec<Hash> = lines.map(parse_hash).collect::<Option<_>>()?;
        (proof.len() <= MOST_HASHES).then_some(())?;
        Some(Self { old_size, proof, note: Note::parse(note).ok()? })
    }

    /// The checkpoint that may be signed, by the terminal's key and the head that the host signed last.
    ///
    /// # Errors
    /// Why it may not be.
    pub fn judge(&self, origin: &str, device: &NoteKey, last: Option<&Head>) -> Result<Checkpoint, Refusal> {
        let checkpoint = Checkpoint::parse(&self.note.text).ok_or(Refusal::Unreadable)?;
        if checkpoint.origin != origin {
            return Err(Refusal::OtherLog);
        }
        match self.note.signed_by(std::slice::from_ref(device)) {
            Ok(signers) if !signers.is_empty() => {}
            Ok(_) | Err(_) => return Err(Refusal::NotSigned),
        }
        let head = checkpoint.head;
        if self.old_size > head.size {
            return Err(Refusal::Unreadable);
        }
        let last_size = last.map_or(0, |last| last.size);
        if self.old_size != last_size {
            return Err(Refusal::Conflict(last_size));
        }
        let Some(last) = last else {
            // Nothing was signed before: there is nothing to prove.
            return if self.proof.is_empty() { Ok(checkpoint) } else { Err(Refusal::NotConsistent(0)) };
        };
        if last.size == head.size && *last != head {
            return Err(Refusal::Conflict(last.size));
        }
        if head.follows(last, &self.proof) { Ok(checkpoint) } else { Err(Refusal::NotConsistent(last.size)) }
    }
}

/// The host's signature in its answer, when it is right.
pub fn cosignature(answer: &str, note: &Note, host: &NoteKey) -> Option<Signature> {
    let found = answer.split_inclusive('\n').filter_map(Signature::parse).find(|one| one.signer == host.signer)?;
    let signed = Note { text: note.text.clone(), signatures: vec![found.clone()] };
    signed.signed_by(std::slice::from_ref(host)).is_ok_and(|signers| !signers.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::note::tests::{pair, sign};
    use crate::proof::tree::Tree;

    fn tree(size: u32) -> Tree {
        let mut tree = Tree::default();
        (0..size).for_each(|number| tree.append(number.to_be_bytes().to_vec()));
        tree
    }

    fn request(tree: &Tree, old_size: u64) -> Request {
        let (key, private) = pair("yima/1", 1);
        let checkpoint = Checkpoint { origin: "yima/1".to_owned(), head: tree.head() };
        let note = checkpoint.signed(&key, |text| private.sign(text)).unwrap();
        Request { old_size, proof: tree.prove_consistency(old_size).unwrap(), note }
    }

    #[test]
    fn a_log_that_only_grew_may_be_signed() {
        let (device, _) = pair("yima/1", 1);
        let mut last = None;
        for size in [0, 3, 3, 8, 21] {
            let tree = tree(size);
            let request = request(&tree, last.map_or(0, |head: Head| head.size));
            assert_eq!(Request::parse(&request.text()), Some(request.clone()));
            let judged = request.judge("yima/1", &device, last.as_ref()).unwrap();
            assert_eq!(judged.head, tree.head());
            last = Some(judged.head);
        }
    }

    #[test]
    fn whatever_else_a_log_did_is_refused() {
        let (device, _) = pair("yima/1", 1);
        let (other, _) = pair("yima/1", 2);
        let last = tree(5).head();
        let good = request(&tree(8), 5);
        assert!(good.judge("yima/1", &device, Some(&last)).is_ok());
        assert_eq!(good.judge("yima/2", &device, Some(&last)), Err(Refusal::OtherLog));
        assert_eq!(good.judge("yima/1", &other, Some(&last)), Err(Refusal::NotSigned));
        assert_eq!(good.judge("yima/1", &device, None), Err(Refusal::Conflict(0)));
        assert_eq!(good.judge("yima/1", &device, Some(&tree(6).head())), Err(Refusal::Conflict(6)));
        assert_eq!(request(&tree(8), 0).judge("yima/1", &device, Some(&last)), Err(Refusal::Conflict(5)));
        let rewritten = Head { root: [7; 32], ..last };
        assert_eq!(good.judge("yima/1", &device, Some(&rewritten)), Err(Refusal::NotConsistent(5)));
        assert_eq!(request(&tree(5), 5).judge("yima/1", &device, Some(&rewritten)), Err(Refusal::Conflict(5)));
        let shorter = Request { old_size: 5, ..request(&tree(3), 0) };
        assert_eq!(shorter.judge("yima/1", &device, Some(&last)), Err(Refusal::Unreadable));
        let (more, text) =
            (good.text().replacen("old 5\n", "old 5\nAAAA\n", 1), good.text().replacen("old 5", "old 05", 1));
        assert_eq!((Request::parse(&more), Request::parse(&text), Request::parse("")), (None, None, None));
    }

    #[test]
    fn only_a_right_signature_of_the_host_is_taken_from_its_answer() {
        let note = request(&tree(2), 0).note;
        let (host, private) = pair("acquirer/1", 3);
        let (stranger, other) = pair("acquirer/2", 4);
        let right = sign(&host, &private, &note.text);
        let answer = format!("{}{}", sign(&stranger, &other, &note.text).line(), right.line());
        assert_eq!(cosignature(&answer, &note, &host), Some(right));
        assert_eq!(cosignature(&sign(&host, &other, &note.text).line(), &note, &host), None);
        assert_eq!(cosignature("", &note, &host), None);
    }
}
