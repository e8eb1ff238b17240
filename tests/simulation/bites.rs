//! Faults that were put into the program on purpose (`src/deliberate.rs`), and a day that finds each.

use std::process::Command;

/// The fault, what it is, and a seed whose day finds it.
const BITES: [(&str, &str, u64); 13] = [
    ("sync_left_out", "the ledger does not sync", 0),
    ("slips_apart", "a payment is recorded without its slips", 0),
    ("number_used_twice", "the number of a sign-on is given again", 0),
    ("gateway_clears", "a gateway's 502 counts as never sent", 0),
    ("sent_again", "a request without an answer is sent once more", 0),
    ("keys_not_taken", "the keys of a sign-on are not taken", 0),
    ("other_answer_taken", "the answer to another number is taken", 0),
    ("interrupted_forgotten", "what a power cut interrupted is not taken back", 0),
    ("done_before_written", "what could not be written is done all the same", 0),
    ("aac_swallowed", "a card that declines after the host's approval has approved", 0),
    ("silence_is_no", "a host that keeps silent has declined", 0),
    ("any_answer_takes_back", "any answer ends an entry of the queue", 0),
    ("silence_delivers", "an entry of the queue that is not answered is delivered", 0),
];

/// Not a test of the program: `./dev bites` builds the one that has the faults.
#[test]
#[ignore = "needs the program that ./dev bites builds"]
fn every_fault_put_in_is_found() {
    let mut missed = Vec::new();
    for (name, what, seed) in BITES {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "simulate", "--ignored", "--nocapture"])
            .env("YIMA_FAULT", name)
            .env("YIMA_SEEDS", format!("{seed}..{}", seed + 1))
            .env("YIMA_SHOW", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        match text.lines().find(|line| line.starts_with('[')) {
            Some(found) if !output.status.success() => {
                println!("{name}: {what}\n  seed {seed}: {}", found.chars().take(200).collect::<String>());
            }
            _ => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
