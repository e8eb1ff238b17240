//! How long the transaction log takes: `cargo bench --bench log`. A leaf is appended to logs of several sizes by their
//! right edge; what the disk takes for a payment is measured elsewhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on stops here and now")]

use std::hint::black_box;

use divan::Bencher;
use yima::proof::tree::{Frontier, Tree};

fn main() {
    divan::main();
}

/// A leaf of the usual length.
const LEAF: &[u8] = &[b'x'; 420];

/// A log of so many leaves, whatever they are.
fn frontier(size: u64) -> Frontier {
    Frontier::new(size, &vec![7; size.count_ones() as usize * 32]).unwrap()
}

/// All ones is the worst: every subtree is joined.
#[divan::bench(args = [1, 1_023, 1_000_000, 1_048_575])]
fn append(bencher: Bencher<'_, '_>, size: u64) {
    bencher.with_inputs(|| frontier(size)).bench_values(|mut frontier| frontier.append(black_box(LEAF)));
}

/// As it comes out of the ledger and goes back into it.
#[divan::bench(args = [1, 1_000_000])]
fn append_from_bytes(bencher: Bencher<'_, '_>, size: u64) {
    let bytes = frontier(size).bytes();
    bencher.bench(|| {
        let mut frontier = Frontier::new(size, black_box(&bytes)).unwrap();
        (frontier.append(LEAF), frontier.bytes())
    });
}

/// The whole tree, for one proof.
#[divan::bench(args = [1_000, 100_000])]
fn prove_inclusion(bencher: Bencher<'_, '_>, size: u64) {
    bencher.bench(|| {
        let mut tree = Tree::default();
        (0..size).for_each(|_| tree.append(LEAF.to_vec()));
        tree.prove_inclusion(size / 2)
    });
}
