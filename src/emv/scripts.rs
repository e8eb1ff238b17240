//! Issuer scripts: commands of the issuer for its card, before and after the second GENERATE AC (EMV 4.4 Book 3, 10.10).
//!
//! Passes them on one by one and notes how far the card went (9F5B; Book 4, annex A5). It does not look into them: they
//! are secured between issuer and card.

use std::collections::VecDeque;
use std::fmt;

use super::apdu::{Command, Status};
use super::tag;
use super::tlv;

/// More scripts than any issuer sends with one answer.
const MAX_SCRIPTS: usize = 16;

/// Objects of the issuer's answer that concern the card. Only the top level counts, and an object that cannot be read does
/// not take those before it away.
#[cfg_attr(test, derive(Clone))]
#[derive(Default)]
pub struct IssuerAnswer {
    /// 91, 8 to 16 bytes.
    pub authentication: Option<Vec<u8>>,
    /// Templates 71, to be run before the second GENERATE AC.
    pub before: VecDeque<Script>,
    /// Templates 72, to be run after it.
    pub after: VecDeque<Script>,
}

impl IssuerAnswer {
    /// Reads field 55 of an answer.
    pub fn read(data: &[u8]) -> Self {
        let mut answer = Self::default();
        for object in tlv::walk(data).map_while(Result::ok) {
            match object.tag {
                tag::ISSUER_AUTHENTICATION_DATA if (8..=16).contains(&object.value.len()) => {
                    answer.authentication.get_or_insert_with(|| object.value.to_vec());
                }
                tag::SCRIPT_1 if answer.before.len() < MAX_SCRIPTS => {
                    answer.before.push_back(Script::read(object.value))
                }
                tag::SCRIPT_2 if answer.after.len() < MAX_SCRIPTS => answer.after.push_back(Script::read(object.value)),
                _ => {}
            }
        }
        answer
    }
}

/// Counts: what the issuer says to its card stays between them.
impl fmt::Debug for IssuerAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerAnswer({} scripts before, {} after, masked)", self.before.len(), self.after.len())
    }
}

/// One script.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct Script {
    /// 9F18; zeros when the issuer gives none.
    identifier: [u8; 4],
    /// Nothing when it cannot be read: no command of it is sent.
    commands: Option<VecDeque<Command>>,
}

impl Script {
    fn read(template: &[u8]) -> Self {
        let mut identifier = [0; 4];
        let mut commands = Some(VecDeque::new());
        for object in tlv::walk(template) {
            match object {
                Ok(object) if object.tag == tag::SCRIPT_IDENTIFIER => {
                    identifier = object.value.try_into().unwrap_or_default();
                }
                Ok(object) if object.tag == tag::SCRIPT_COMMAND => match Command::of_script(object.value) {
                    Some(command) => {
                        if let Some(commands) = &mut commands {
                            commands.push_back(command);
                        }
                    }
                    None => commands = None,
                },
                Ok(_) => {}
                Err(_) => commands = None,
            }
        }
        Self { identifier, commands }
    }
}

/// Scripts of one kind, being run.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct ScriptRun {
    scripts: VecDeque<Script>,
    /// Of the script being run: commands that are left, and how many were sent.
    commands: VecDeque<Command>,
    sent: u8,
    /// 9F5B: five bytes a script.
    pub results: Vec<u8>,
    /// A script could not be run to its end.
    pub failed: bool,
}

/// First half of a result's first byte (Book 4, annex A5).
const NOT_PERFORMED: u8 = 0x00;
const FAILED: u8 = 0x10;
const SUCCESSFUL: u8 = 0x20;

impl ScriptRun {
    /// Begins; no command comes when there is none to send.
    pub fn start(scripts: VecDeque<Script>) -> (Self, Option<Command>) {
        let mut run = Self { scripts, commands: VecDeque::new(), sent: 0, results: Vec::new(), failed: false };
        let command = run.next_script();
        (run, command)
    }

    /// Takes the card's answer to a command, gives the next one or nothing at the end.
    pub fn answer(&mut self, status: Status) -> Option<Command> {
        let identifier = self.scripts.front().map_or([0; 4], |script| script.identifier);
        // 90, 62 and 63 let the script go on (Book 3, 10.10).
        if !matches!(status.0 >> 8, 0x90 | 0x62 | 0x63) {
            self.note(FAILED | self.sent.min(0x0F), identifier);
        } else if let Some(command) = self.next_command() {
            return Some(command);
        } else {
            self.note(SUCCESSFUL, identifier);
        }
        self.scripts.pop_front();
        self.next_script()
    }

    /// The first command of the next script that has one.
    fn next_script(&mut self) -> Option<Command> {
        while let Some(script) = self.scripts.front_mut() {
            let identifier = script.identifier;
            self.sent = 0;
            match script.commands.take() {
                Some(commands) => {
                    self.commands = commands;
                    if let Some(command) = self.next_command() {
                        return Some(command);
                    }
                    // Nothing to do is done.
                    self.note(SUCCESSFUL, identifier);
                }
                None => self.note(NOT_PERFORMED, identifier),
            }
            self.scripts.pop_front();
        }
        None
    }

    fn next_command(&mut self) -> Option<Command> {
        let command = self.commands.pop_front()?;
        self.sent = self.sent.saturating_add(1);
        Some(command)
    }

    /// The card left in the middle: the command it did not answer has failed, and the scripts behind it are not run.
    pub fn interrupt(&mut self) {
        let mut result = FAILED | self.sent.min(0x0F);
        for script in std::mem::take(&mut self.scripts) {
            self.note(result, script.identifier);
            result = NOT_PERFORMED;
        }
    }

    fn note(&mut self, result: u8, identifier: [u8; 4]) {
        self.failed |= result & 0xF0 != SUCCESSFUL;
        self.results.push(result);
        self.results.extend(identifier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;

    fn run(answer: &str, statuses: &[u16]) -> (String, bool) {
        let answer = IssuerAnswer::read(&hex::decode(answer).unwrap());
        let mut statuses = statuses.iter();
        let (mut run, mut command) = ScriptRun::start(answer.after);
        while command.is_some() {
            command = run.answer(Status(*statuses.next().unwrap()));
        }
        assert_eq!(statuses.next(), None, "all commands were sent");
        (hex::encode(&run.results), run.failed)
    }

    #[test]
    fn results_say_how_far_the_card_went() {
        const TWO: &str = "7213 9F180401020304 860484240000 860484180000";
        for (answer, statuses, results, failed) in [
            (TWO, &[0x9000, 0x9000][..], "2001020304", false),
            (TWO, &[0x6283, 0x63C1], "2001020304", false),
            (TWO, &[0x6985], "1101020304", true),
            (TWO, &[0x9000, 0x6A80], "1201020304", true),
            // A script that cannot be read is not begun; the next one is run.
            ("7205 8603842400 7206 860484240000", &[0x9000], "00000000002000000000", true),
            ("7206 860584240000 7206 860484240000", &[0x9000], "00000000002000000000", true),
            ("7200", &[], "2000000000", false),
            ("", &[], "", false),
        ] {
            assert_eq!(run(answer, statuses), (results.to_owned(), failed), "{answer} {statuses:04X?}");
        }
    }

    #[test]
    fn a_script_that_stops_does_not_stop_the_next() {
        let two = "7206 860484240000 7206 860484180000";
        assert_eq!(run(two, &[0x6985, 0x9000]), ("11000000002000000000".to_owned(), true));
    }

    #[test]
    fn a_bad_script_does_not_lose_the_authentication_data() {
        for answer in [
            "7103 8605 84 910A 01020304050607083030",
            "910A 01020304050607083030 7110 00",
            "7204 91020102 910A 01020304050607083030",
        ] {
            let answer = IssuerAnswer::read(&hex::decode(answer).unwrap());
            assert_eq!(answer.authentication, hex::decode("01020304050607083030").ok());
        }
        assert_eq!(IssuerAnswer::read(&[0x91, 0x02, 1, 2]).authentication, None);
    }
}
