//! The transaction log that can be verified: what a payment finally is becomes a leaf of a Merkle tree (RFC 6962), whose head
//! the terminal signs and the acquirer's host signs as well. Pure: what is stored where is decided elsewhere.
//!
//! - [`leaf`]: the text of a leaf.
//! - [`tree`]: the tree's head, how it grows, what proves that a leaf is in it and that it only grew.
//! - [`note`]: a text with signatures (C2SP signed note), [`checkpoint`]: a head as such a note (C2SP tlog-checkpoint).
//! - [`export`]: a whole log in one file; [`verify`] reads it with the public keys and names the first entry that is wrong.
//! - [`inclusion`]: one leaf with what proves that it is in a log.
//! - [`witness`]: how a host is asked for its signature (C2SP tlog-witness), and what it looks at before it signs.

pub mod checkpoint;
pub mod export;
pub mod inclusion;
pub mod leaf;
pub mod note;
pub mod tree;
pub mod verify;
pub mod witness;
