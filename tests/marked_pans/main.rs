//! Marked card numbers through real sales: whatever the terminal keeps, writes, prints, shows or leaves in its memory, none of
//! them is to be found in it, in no form.
//!
//! The terminal is a process of its own (`terminal`): the program's engine, ledger, keys, HTTPS link and touchscreen. Host and
//! cards, who know the numbers, are in the test's process (`town`); commands and answers of the cards come over a socket.
//! Some cards have no chip and are swiped, and the numbers of some are typed.
//! When the sales are over, everything the terminal has is searched (`search`): each file of its state directory, its log at
//! the most talkative level, its slips, the words on its screen, and all memory that it may write, as a core dump has it.
//! `./dev test` makes a few hundred sales, `./dev marked-pans` 10,000.
#![cfg(feature = "screen")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails here and now"
)]
#![allow(clippy::print_stdout, reason = "the figures of a run are its result")]

mod customers;
mod search;
mod socket;
mod terminal;
mod town;

#[path = "../screens/platform.rs"]
#[allow(dead_code, reason = "the pictures' bench; its words are looked at here")]
mod platform;
#[path = "../support/running.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod running;

use std::time::Instant;

use search::Search;
use town::Town;

#[test]
fn a_few_hundred_marked_numbers_are_found_nowhere() {
    no_number_is_found(204);
}

#[test]
#[ignore = "takes minutes; ./dev marked-pans"]
fn ten_thousand_marked_numbers_are_found_nowhere() {
    no_number_is_found(10_000);
}

/// The search would find them: a terminal process that holds a number in each form is caught with each of them, in its memory
/// and in a file.
#[test]
fn a_number_that_was_planted_is_found_in_every_form() {
    let search = Search::new();
    let town = Town::new();
    let terminal = town.start_terminal(0, Some(customers::number(3)));
    let mut forms: Vec<_> = search.memory(terminal.id()).into_iter().map(|hit| hit.form).collect();
    forms.sort_unstable();
    forms.dedup();
    assert_eq!(forms, search.forms(), "in the memory");
    let mut forms: Vec<_> = search.files(&town.state()).into_iter().map(|hit| hit.form).collect();
    forms.sort_unstable();
    forms.dedup();
    assert_eq!(forms, search.forms(), "in a file");
}

fn no_number_is_found(sales: usize) {
    let search = Search::new();
    let town = Town::new();
    let started = Instant::now();
    let terminal = town.start_terminal(sales, None);
    let traded = started.elapsed();
    town.check_that_numbers_passed(sales);
    let memory = search.memory(terminal.id());
    let searched = search.searched();
    assert!(searched > 8 << 20 && search.missed() == 0, "all of it: {searched} bytes, {} missed", search.missed());
    drop(terminal);
    let mut found = search.files(&town.state());
    found.extend(search.files(&town.seen()));
    println!(
        "{sales} sales in {:.1} s: {}; searched {} MiB of memory and {} MiB of files",
        traded.as_secs_f64(),
        town.summary(),
        searched >> 20,
        (search.searched() - searched) >> 20
    );
    found.extend(memory);
    assert!(found.is_empty(), "{} times a number:\n{}", found.len(), search::told(&found));
    town.check_that_numbers_are_kept_until_their_batch_is_over();
    let found = search.files(&town.state());
    assert!(found.is_empty(), "with copies, {} times a number:\n{}", found.len(), search::told(&found));
}
