//! Commands that the issuer sends to the card through the terminal, in templates 71 and 72 (EMV 4.4 Book 3, 10.10):
//! block and unblock the application, unblock the PIN, set a limit.
//!
//! A real card wants a MAC behind each of them. This one takes what stands in its place unseen: nobody but a terminal
//! under test sends it anything. What it counts is told to the issuer in the verification results of the next
//! transaction.

use super::apdu::{Command, Status};
use super::application::Application;
use super::memory::{Counters, Memory};

/// APPLICATION UNBLOCK (Book 3, 6.5.2).
const APPLICATION_UNBLOCK: u8 = 0x18;
/// APPLICATION BLOCK (Book 3, 6.5.1).
const APPLICATION_BLOCK: u8 = 0x1E;
/// PIN CHANGE/UNBLOCK (Book 3, 6.5.10); this card only unblocks.
const PIN_UNBLOCK: u8 = 0x24;
/// PUT DATA (PBOC).
const PUT_DATA: u8 = 0xDA;

/// Classes of commands with secure messaging (Book 3, 6.3.2; PUT DATA has 04).
pub const SCRIPT_CLASSES: [u8; 3] = [0x04, 0x84, 0x8C];

impl Application {
    /// Carries a script command out, between the ARQC and the next SELECT, and counts it, also when it fails.
    ///
    /// # Errors
    /// A status word.
    pub fn script_command(&mut self, command: &Command<'_>) -> Result<(), Status> {
        if !self.transaction.as_ref().is_some_and(|transaction| transaction.went_online()) {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let before = self.memory.counters();
        let wanted = wanted(command, before, self.chip.rules.pin_tries);
        let after = Counters {
            script_commands: before.script_commands.saturating_add(1),
            script_failed: before.script_failed || wanted.is_err(),
            ..wanted.unwrap_or(before)
        };
        keep(&mut self.memory, after)?;
        wanted.map(|_| ())
    }
}

/// What the command makes of what the card remembers.
fn wanted(command: &Command<'_>, before: Counters, pin_tries: u8) -> Result<Counters, Status> {
    let changed = match (command.class, command.instruction) {
        (0x84 | 0x8C, APPLICATION_BLOCK) => Counters { blocked: Some(true), ..before },
        (0x84 | 0x8C, APPLICATION_UNBLOCK) => Counters { blocked: Some(false), ..before },
        (0x84 | 0x8C, PIN_UNBLOCK) => Counters { pin_tries_left: Some(pin_tries), ..before },
        (0x04, PUT_DATA) => return put_data(command, before),
        _ => return Err(Status::INSTRUCTION_NOT_SUPPORTED),
    };
    if command.p1 == 0 && command.p2 == 0 { Ok(changed) } else { Err(Status::WRONG_PARAMETERS) }
}

/// PUT DATA of 9F58, a byte with or without a MAC behind it.
fn put_data(command: &Command<'_>, before: Counters) -> Result<Counters, Status> {
    match (command.p1, command.p2, command.body) {
        (0x9F, 0x58, [limit, ..]) => Ok(Counters { consecutive_limit: Some(*limit), ..before }),
        (0x9F, 0x58, []) => Err(Status::WRONG_LENGTH),
        _ => Err(Status::DATA_NOT_FOUND),
    }
}

fn keep(memory: &mut Memory, counters: Counters) -> Result<(), Status> {
    memory.keep(counters).map_err(|_| Status::MEMORY_FAILURE)
}
