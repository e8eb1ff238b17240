//! Faults that were put into the program on purpose (`src/deliberate.rs`), and days that find each.

use std::process::Command;

/// So many days are played to find a fault.
const DAYS: u64 = 400;

/// The fault, and what it is.
const BITES: [(&str, &str); 13] = [
    ("sync_left_out", "the ledger does not sync"),
    ("slips_apart", "a payment is recorded without its slips"),
    ("number_used_twice", "the number of a sign-on is given again"),
    ("gateway_clears", "a gateway's 502 counts as never sent"),
    ("sent_again", "a request without an answer is sent once more"),
    ("keys_not_taken", "the keys of a sign-on are not taken"),
    ("other_answer_taken", "the answer to another number is taken"),
    ("interrupted_forgotten", "what a power cut interrupted is not taken back"),
    ("done_before_written", "what could not be written is done all the same"),
    ("aac_swallowed", "a card that declines after the host's approval has approved"),
    ("silence_is_no", "a host that keeps silent has declined"),
    ("any_answer_takes_back", "any answer ends an entry of the queue"),
    ("silence_delivers", "an entry of the queue that is not answered is delivered"),
];

/// Not a test of the program: `./dev bites` builds the one that has the faults.
#[test]
#[ignore = "needs the program that ./dev bites builds"]
fn every_fault_put_in_is_found() {
    let mut missed = Vec::new();
    for (name, what) in BITES {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "simulate", "--ignored", "--nocapture"])
            .env("YIMA_FAULT", name)
            .env("YIMA_SEEDS", format!("0..{DAYS}"))
            .env("YIMA_FIRST", "1")
            .env("YIMA_SHOW", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        match text.lines().find(|line| line.starts_with("seed ")) {
            Some(found) if !output.status.success() => {
                println!("{name}: {what}\n  {}", found.chars().take(200).collect::<String>());
            }
            _ => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
