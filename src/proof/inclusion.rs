//! One leaf with what proves that it is in a log (C2SP tlog-proof): index, hashes and a signed checkpoint, in one file. The leaf
//! itself stands in it as what that document calls extra data.

use super::checkpoint::Checkpoint;
use super::note::{Note, NoteError, NoteKey};
use super::tree::{Hash, parse_hash, parse_size};
use crate::crypto::base64;

/// The first line.
const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// Hashes of a proof at most: a tree is no higher.
const MOST_HASHES: usize = 63;

/// A leaf and its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf.
    pub leaf: String,
    /// Its place in the log, counted from 0.
    pub index: u64,
    /// What stands beside it on the way up.
    pub hashes: Vec<Hash>,
    /// The checkpoint of a tree that it is in.
    pub note: Note,
}

/// Why a proof proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// It is not written as proofs are.
    #[error("it is no proof of a log: {0}")]
    Form(&'static str),
    /// The checkpoint.
    #[error("its checkpoint: {0}")]
    Note(#[from] NoteError),
    /// None of the keys signed it.
    #[error("its checkpoint is not signed by the terminal's key")]
    NotSigned,
    /// It belongs to another leaf or tree.
    #[error("the entry is not in the log whose head was signed")]
    NotIncluded,
}

impl InclusionProof {
    /// The file.
    pub fn text(&self) -> String {
        let hashes: String = self.hashes.iter().map(|hash| base64::encode(hash) + "\n").collect();
        let leaf = base64::encode(self.leaf.as_bytes());
        format!("{TITLE}\nextra {leaf}\nindex {}\n{hashes}\n{}", self.index, self.note.whole())
    }

    /// Reads the file. Whether it proves anything is asked afterwards.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let (front, note) = text.split_once("\n\n").ok_or(ProofError::Form("there is no checkpoint in it"))?;
        let mut lines = front.split('\n');
        if lines.next() != Some(TITLE) {
            return Err(ProofError::Form("it does not begin as one"));
        }
        let leaf = lines.next().and_then(|line| base64::decode(line.strip_prefix("extra ")?));
        let leaf =
            leaf.and_then(|leaf| String::from_utf8(leaf).ok()).ok_or(ProofError::Form("there is no leaf in it"))?;
        let index = lines.next().and_then(|line| parse_size(line.strip_prefix("index ")?));
        let index = index.ok_or(ProofError::Form("there is no index in it"))?;
        let hashes: Option<Vec<Hash>> = lines.map(parse_hash).collect();
        let hashes = hashes.filter(|hashes| hashes.len() <= MOST_HASHES);
        let hashes = hashes.ok_or(ProofError::Form("a line of it is no hash, or there are too many"))?;
        Ok(Self { leaf, index, hashes, note: Note::parse(note)? })
    }

    /// The checkpoint, when one of the device's keys signed it and the leaf is in its tree.
    ///
    /// # Errors
    /// Why not.
    pub fn proved(&self, device: &[NoteKey]) -> Result<Checkpoint, ProofError> {
        if self.note.signed_by(device)?.is_empty() {
            return Err(ProofError::NotSigned);
        }
        let checkpoint = Checkpoint::parse(&self.note.text).ok_or(ProofError::Form("its checkpoint is none"))?;
        if checkpoint.head.includes(self.index, self.leaf.as_bytes(), &self.hashes) {
            Ok(checkpoint)
        } else {
            Err(ProofError::NotIncluded)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::leaf::tests::paid;
    use crate::proof::note::tests::pair;
    use crate::proof::tree::Tree;

    #[test]
    fn a_proof_holds_for_its_leaf_and_for_no_other() {
        let (key, private) = pair("yima/1", 1);
        let mut tree = Tree::default();
        (1..=11).for_each(|stan| tree.append(paid(stan).text().into_bytes()));
        let checkpoint = Checkpoint { origin: "yima/1".to_owned(), head: tree.head() };
        let note = checkpoint.signed(&key, |text| private.sign(text)).unwrap();
        let proof = InclusionProof { leaf: paid(5).text(), index: 4, hashes: tree.prove_inclusion(4).unwrap(), note };
        assert_eq!(InclusionProof::parse(&proof.text()).unwrap(), proof);
        let keys = [key];
        assert_eq!(proof.proved(&keys).unwrap(), checkpoint);
        for wrong in [
            InclusionProof { leaf: paid(6).text(), ..proof.clone() },
            InclusionProof { index: 5, ..proof.clone() },
            InclusionProof { hashes: proof.hashes[1..].to_vec(), ..proof.clone() },
        ] {
            assert!(matches!(wrong.proved(&keys), Err(ProofError::NotIncluded)));
        }
        let (other, _) = pair("yima/1", 2);
        assert!(matches!(proof.proved(&[other]), Err(ProofError::NotSigned)));
        for (from, to) in [("tlog-proof@v1", "tlog-proof@v2"), ("extra ", ""), ("index 4", "index 04"), ("\n\n", "\n")]
        {
            assert!(InclusionProof::parse(&proof.text().replace(from, to)).is_err(), "{from}");
        }
    }
}
