//! Counts what a piece of work takes from the heap, on this thread only: tests run beside each other.

#![allow(unsafe_code, reason = "nothing but the program's allocator sees every allocation, and it is unsafe to be one")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static TAKEN: Cell<Taken> = const { Cell::new(Taken { times: 0, bytes: 0 }) };
}

/// What was taken from the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How often.
    pub times: usize,
    /// How much altogether, whether it was given back or not.
    pub bytes: usize,
}

/// What `work` takes.
pub fn taken<R>(work: impl FnOnce() -> R) -> (R, Taken) {
    let before = TAKEN.get();
    let result = work();
    let after = TAKEN.get();
    (result, Taken { times: after.times - before.times, bytes: after.bytes - before.bytes })
}

fn count(size: usize) {
    // While a thread ends there is nothing left to count in.
    let _ = TAKEN.try_with(|taken| {
        let Taken { times, bytes } = taken.get();
        taken.set(Taken { times: times + 1, bytes: bytes + size });
    });
}

// SAFETY: everything is left to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps what `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the block came from this allocator, which is the system's.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from this allocator, which is the system's.
        unsafe { System.dealloc(block, layout) }
    }
}
