//! A Merkle tree as RFC 6962, 2.1 has it, with SHA-256: its head, how it grows, and what proves something of it.
//!
//! [`Frontier`] grows a tree of any size with what stands at its right edge: at most one hash for each bit of its size.
//! Proofs are made and looked at by the library `ct-merkle`.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};

use crate::crypto::digest::{Sha256, hash};
use crate::crypto::{base64, hex};

/// Bytes of a hash.
pub const HASH_LENGTH: usize = 32;

/// A hash of the tree.
pub type Hash = [u8; HASH_LENGTH];

/// More leaves than a terminal can have: whoever names a larger tree is not believed.
pub const MOST_LEAVES: u64 = 1 << 40;

/// What stands before a leaf when it is hashed, and before two hashes (RFC 6962, 2.1).
const LEAF: &[u8] = &[0];
const NODE: &[u8] = &[1];

/// The head of a tree: how many leaves it has, and the hash over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Leaves.
    pub size: u64,
    /// The hash.
    pub root: Hash,
}

impl Head {
    /// Whether the leaf of this index is in the tree, by what a [`Tree`] gave as proof.
    pub fn includes(&self, index: u64, leaf: &[u8], proof: &[Hash]) -> bool {
        if index >= self.size || self.size > MOST_LEAVES {
            return false;
        }
        let Ok(proof) = InclusionProof::<Sha256>::try_from_bytes(proof.concat()) else { return false };
        self.library().verify_inclusion(&leaf, index, &proof).is_ok()
    }

    /// Whether the tree is an earlier one that only grew, by what a [`Tree`] gave as proof.
    pub fn follows(&self, earlier: &Self, proof: &[Hash]) -> bool {
        if earlier.size > self.size || self.size > MOST_LEAVES {
            return false;
        }
        if earlier.size == 0 {
            return proof.is_empty() && *earlier == Frontier::default().head();
        }
        if earlier.size == self.size {
            return proof.is_empty() && self == earlier;
        }
        let Ok(proof) = ConsistencyProof::<Sha256>::try_from_bytes(proof.concat()) else { return false };
        self.library().verify_consistency(&earlier.library(), &proof).is_ok()
    }

    /// In one line for paper and for a person who compares it: leaves, then the hash in base 64.
    ///
    /// `20852163 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=`
    pub fn line(&self) -> String {
        format!("{} {}", self.size, base64::encode(&self.root))
    }

    /// Reads [`Head::line`].
    pub fn from_line(line: &str) -> Option<Self> {
        let (size, root) = line.split_once(' ')?;
        Some(Self { size: parse_size(size)?, root: parse_hash(root)? })
    }

    /// The same for a code that a camera reads, with capital letters and digits alone: leaves, then the hash in hexadecimal.
    ///
    /// `20852163/0AC51869…B6`
    pub fn code(&self) -> String {
        format!("{}/{}", self.size, hex::encode(&self.root))
    }

    /// Reads [`Head::code`].
    pub fn from_code(code: &str) -> Option<Self> {
        let (size, root) = code.split_once('/')?;
        Some(Self { size: parse_size(size)?, root: hex::decode(root).ok()?.try_into().ok()? })
    }

    fn library(&self) -> RootHash<Sha256> {
        RootHash::new(self.root.into(), self.size)
    }
}

/// Reads a number of leaves as checkpoints write it: decimal, without zeros before it.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let size: u64 = text.parse().ok().filter(|size| *size <= MOST_LEAVES)?;
    (size.to_string() == text).then_some(size)
}

/// Reads a hash in base 64.
pub(super) fn parse_hash(text: &str) -> Option<Hash> {
    base64::decode(text)?.try_into().ok()
}

/// The right edge of a tree: the hashes of its whole subtrees, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Takes what [`Frontier::bytes`] gave of a tree of this size; nothing when they do not belong together.
    pub fn new(size: u64, bytes: &[u8]) -> Option<Self> {
        let subtrees: Vec<Hash> = bytes.as_chunks().0.to_vec();
        let whole = bytes.len() == subtrees.len() * HASH_LENGTH && size <= MOST_LEAVES;
        (whole && subtrees.len() == size.count_ones() as usize).then_some(Self { size, subtrees })
    }

    /// The hashes, one behind the other.
    pub fn bytes(&self) -> Vec<u8> {
        self.subtrees.concat()
    }

    /// Leaves so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. Gives the head afterwards.
    pub fn append(&mut self, leaf: &[u8]) -> Head {
        let mut node = leaf_hash(leaf);
        // Two subtrees of one height become one, as a carry goes through ones.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                node = parent(&left, &node);
            }
        }
        self.subtrees.push(node);
        self.size += 1;
        self.head()
    }

    /// The head.
    pub fn head(&self) -> Head {
        let folded = self.subtrees.iter().rev().copied().reduce(|right, left| parent(&left, &right));
        Head { size: self.size, root: folded.unwrap_or_else(|| hash(&[])) }
    }
}

/// The hash of a leaf, as it stands at the bottom of a tree.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    hash(&[LEAF, leaf])
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    hash(&[NODE, left, right])
}

/// A whole tree, to make proofs with.
#[derive(Clone, Default)]
pub struct Tree(MemoryBackedTree<Sha256, Vec<u8>>);

impl Tree {
    /// Appends a leaf.
    pub fn append(&mut self, leaf: Vec<u8>) {
        self.0.push(leaf);
    }

    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.0.len()
    }

    /// The head.
    pub fn head(&self) -> Head {
        let root = self.0.root();
        Head { size: root.num_leaves(), root: (*root.as_bytes()).into() }
    }

    /// What proves that the leaf of this index is in the tree; nothing when it is not.
    pub fn prove_inclusion(&self, index: u64) -> Option<Vec<Hash>> {
        let index = usize::try_from(index).ok().filter(|index| (*index as u64) < self.size())?;
        Some(hashes(self.0.prove_inclusion(index).as_bytes()))
    }

    /// What proves that the tree is that of its first leaves, grown; nothing when it has not so many.
    pub fn prove_consistency(&self, earlier: u64) -> Option<Vec<Hash>> {
        let added = usize::try_from(self.size().checked_sub(earlier)?).ok()?;
        if earlier == 0 || added == 0 {
            return Some(Vec::new());
        }
        Some(hashes(self.0.prove_consistency(added).as_bytes()))
    }
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks().0.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    /// Leaves, heads and proofs of github.com/transparency-dev/merkle, testonly/constants.go and reference_test.go.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    /// Of a tree of so many leaves, at which index.
    const INCLUSIONS: [(usize, u64, &[&str]); 5] = [
        (1, 0, &[]),
        (2, 0, &["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"]),
        (3, 2, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            5,
            1,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            8,
            5,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ];
    /// From so many leaves to so many.
    const CONSISTENCIES: [(usize, usize, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ];

    fn leaf(index: usize) -> Vec<u8> {
        hex::decode(LEAVES[index]).unwrap()
    }

    fn tree(size: usize) -> Tree {
        let mut tree = Tree::default();
        (0..size).for_each(|index| tree.append(leaf(index)));
        tree
    }

    fn head(size: usize) -> Head {
        Head { size: size as u64, root: hex::decode(ROOTS[size - 1]).unwrap().try_into().unwrap() }
    }

    fn proof(texts: &[&str]) -> Vec<Hash> {
        texts.iter().map(|text| hex::decode(text).unwrap().try_into().unwrap()).collect()
    }

    #[test]
    fn heads_are_those_that_were_published() {
        let mut frontier = Frontier::default();
        let empty = hex::decode("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855").unwrap();
        assert_eq!(frontier.head().root.as_slice(), empty);
        for size in 1..=8 {
            assert_eq!(frontier.append(&leaf(size - 1)), head(size), "{size}");
            assert_eq!(tree(size).head(), head(size), "{size}");
        }
    }

    #[test]
    fn proofs_are_those_that_were_published_and_hold() {
        for (size, index, texts) in INCLUSIONS {
            let proof = proof(texts);
            assert_eq!(tree(size).prove_inclusion(index), Some(proof.clone()));
            assert!(head(size).includes(index, &leaf(index as usize), &proof), "{index} in {size}");
            assert!(!head(size).includes(index, b"another", &proof), "{index} in {size}");
            assert!(!head(size).includes(size as u64, &leaf(index as usize), &proof));
        }
        for (from, to, texts) in CONSISTENCIES {
            let proof = proof(texts);
            assert_eq!(tree(to).prove_consistency(from as u64), Some(proof.clone()));
            assert!(head(to).follows(&head(from), &proof), "{from} to {to}");
            let other = Head { root: [7; 32], ..head(from) };
            assert!(!head(to).follows(&other, &proof), "{from} to {to}");
            assert!(from == to || !head(from).follows(&head(to), &proof), "a log never shrinks");
        }
    }

    #[test]
    fn a_frontier_grows_as_the_whole_tree_does_and_lives_on_in_its_bytes() {
        let (mut frontier, mut tree) = (Frontier::default(), Tree::default());
        let mut heads = vec![frontier.head()];
        for number in 0..300_u32 {
            let leaf = number.to_be_bytes().to_vec();
            frontier = Frontier::new(u64::from(number), &frontier.bytes()).unwrap();
            heads.push(frontier.append(&leaf));
            tree.append(leaf);
            assert_eq!(frontier.head(), tree.head());
        }
        for (size, head) in heads.iter().enumerate() {
            assert!(tree.head().follows(head, &tree.prove_consistency(size as u64).unwrap()), "{size}");
        }
        assert!(Frontier::new(300, &frontier.bytes()[1..]).is_none());
        assert!(Frontier::new(301, &frontier.bytes()).is_none(), "another count of ones");
    }

    #[test]
    fn what_cannot_be_proved_is_not() {
        let tree = tree(3);
        assert_eq!((tree.prove_inclusion(3), tree.prove_consistency(4)), (None, None));
        let empty = Frontier::default().head();
        assert!(tree.head().follows(&empty, &[]), "everything began empty");
        assert!(!tree.head().follows(&empty, &[[0; 32]]));
        assert!(!Head { size: u64::MAX, root: [0; 32] }.includes(u64::MAX - 1, b"", &[[0; 32]; 64]));
        assert!(!empty.includes(0, b"", &[]));
    }

    #[test]
    fn a_head_is_one_line() {
        let line = head(3).line();
        assert_eq!(line, "3 rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=");
        assert_eq!(Head::from_line(&line), Some(head(3)));
        assert_eq!(Head::from_code(&head(3).code()), Some(head(3)));
        for wrong in ["", "3", "3/", "03/00", "3/0G", "x/00"] {
            assert_eq!(Head::from_code(wrong), None, "{wrong}");
        }
        for wrong in [
            "3",
            "03 rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=",
            "3 rra8",
            "-1 rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=",
        ] {
            assert_eq!(Head::from_line(wrong), None, "{wrong}");
        }
    }
}
