//! Application selection: which applications card and terminal share, and in which order to try them (EMV 4.4 Book 1, 12).
//!
//! Needs: the terminal's list and the card's answers to SELECT and READ RECORD. Yields the next command or the finished
//! list of candidates.

use super::apdu::{Command, Status};
use super::tag;
use super::terminal::Application;
use super::tlv;

/// Name of the payment system environment (Book 1, 12.2.2).
const PSE: &[u8] = b"1PAY.SYS.DDF01";

/// A directory has at most this many records; a card that goes on is answered with silence.
const MAX_DIRECTORY_RECORDS: u8 = 32;

/// More candidates than any card has; a card that answers SELECT NEXT for ever is stopped here.
const MAX_CANDIDATES: usize = 32;

/// An application that both sides have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name on the card, which may be longer than the terminal's identifier.
    pub df_name: Vec<u8>,
    /// Application label (50), if the directory or the FCI gives one.
    pub label: Option<Vec<u8>>,
    /// 1 is best, 15 last; 0 says nothing and comes after them (Book 1, 12.2.3, table 13).
    priority: u8,
    /// Index in the terminal's list.
    pub application: usize,
}

/// What selection wants next.
#[derive(Debug)]
pub enum Next {
    /// Send this and come back with the answer.
    Send(Command),
    /// The candidates, best first; empty when there is none.
    Candidates(Vec<Candidate>),
    /// The card is blocked (`6A81` to the first SELECT).
    CardBlocked,
}

/// Selection under way.
#[derive(Debug)]
pub struct Selection {
    place: Place,
    candidates: Vec<Candidate>,
    /// An application answered that it is blocked.
    pub blocked_seen: bool,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    SelectPse,
    ReadDirectory { sfi: u8, record: u8 },
    SelectFromList { index: usize, next: bool },
}

impl Selection {
    /// Begins with the payment system environment.
    pub fn start() -> (Self, Command) {
        let selection = Self { place: Place::SelectPse, candidates: Vec::new(), blocked_seen: false };
        (selection, Command::select(PSE, false))
    }

    /// Takes an answer, gives what comes next.
    pub fn answer(&mut self, data: &[u8], status: Status, applications: &[Application]) -> Next {
        match self.place {
            Place::SelectPse => self.after_pse(data, status, applications),
            Place::ReadDirectory { sfi, record } => self.after_record(data, status, sfi, record, applications),
            Place::SelectFromList { index, next } => self.after_select(data, status, index, next, applications),
        }
    }

    fn after_pse(&mut self, data: &[u8], status: Status, applications: &[Application]) -> Next {
        match status {
            Status::NOT_SUPPORTED => Next::CardBlocked,
            Status::OK => match tlv::find(data, tag::SFI) {
                Ok(Some(&[sfi @ 1..=10])) => self.read_directory(sfi, 1),
                // An environment without directory is no environment (Book 1, 12.3.2).
                _ => self.list_from(0, applications),
            },
            _ => self.list_from(0, applications),
        }
    }

    fn read_directory(&mut self, sfi: u8, record: u8) -> Next {
        self.place = Place::ReadDirectory { sfi, record };
        Next::Send(Command::read_record(sfi, record))
    }

    fn after_record(&mut self, data: &[u8], status: Status, sfi: u8, record: u8, applications: &[Application]) -> Next {
        if status == Status::OK {
            self.take_directory_record(data, applications);
            if record < MAX_DIRECTORY_RECORDS {
                return self.read_directory(sfi, record + 1);
            }
        }
        if status != Status::OK && status != Status::RECORD_NOT_FOUND {
            // A directory that cannot be read to its end is not believed (Book 1, 12.3.2 step 2).
            self.candidates.clear();
        }
        if self.candidates.is_empty() { self.list_from(0, applications) } else { self.finish() }
    }

    /// Entries that cannot be read are passed over, the others count.
    fn take_directory_record(&mut self, data: &[u8], applications: &[Application]) {
        let Some(Ok(record)) = tlv::walk(data).next() else { return };
        if record.tag != tag::RECORD_TEMPLATE {
            return;
        }
        for entry in tlv::walk(record.value).map_while(Result::ok) {
            if entry.tag == tag::APPLICATION_TEMPLATE
                && let Ok(Some(name)) = tlv::find(entry.value, tag::AID)
            {
                self.consider(name, entry.value, applications);
            }
        }
    }

    fn list_from(&mut self, index: usize, applications: &[Application]) -> Next {
        match applications.get(index) {
            Some(application) => {
                self.place = Place::SelectFromList { index, next: false };
                Next::Send(Command::select(&application.aid, false))
            }
            None => self.finish(),
        }
    }

    fn after_select(
        &mut self,
        data: &[u8],
        status: Status,
        index: usize,
        next: bool,
        applications: &[Application],
    ) -> Next {
        let name = tlv::find(data, tag::DF_NAME).ok().flatten();
        match (status, name) {
            (Status::NOT_SUPPORTED, _) if index == 0 && !next => return Next::CardBlocked,
            (Status::OK, Some(name)) => self.consider(name, data, applications),
            (Status::BLOCKED, _) => self.blocked_seen = true,
            _ => {}
        }
        // The card may hold more applications whose name begins like this one: ask for the next as long as it answers
        // with a longer name (Book 1, 12.3.3).
        if let (Some(application), Some(name)) = (applications.get(index), name)
            && matches!(status, Status::OK | Status::BLOCKED)
            && application.partial
            && name.len() > application.aid.len()
            && self.candidates.len() < MAX_CANDIDATES
        {
            self.place = Place::SelectFromList { index, next: true };
            return Next::Send(Command::select(&application.aid, true));
        }
        self.list_from(index + 1, applications)
    }

    fn consider(&mut self, name: &[u8], template: &[u8], applications: &[Application]) {
        let Some(application) = applications.iter().position(|application| application.matches(name)) else { return };
        let find = |tag| tlv::find(template, tag).ok().flatten();
        let priority = find(tag::PRIORITY).and_then(|value| value.first().copied()).unwrap_or(0);
        // Bit 8: not without the cardholder's confirmation, which this terminal does not ask for yet (Book 1, 12.4).
        let needs_confirmation = priority & 0x80 != 0;
        let known = self.candidates.iter().any(|candidate| candidate.df_name == name);
        if !needs_confirmation && !known && self.candidates.len() < MAX_CANDIDATES {
            self.candidates.push(Candidate {
                df_name: name.to_vec(),
                label: find(tag::APPLICATION_LABEL).map(<[u8]>::to_vec),
                priority: priority & 0x0F,
                application,
            });
        }
    }

    fn finish(&mut self) -> Next {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.sort_by_key(|candidate| if candidate.priority == 0 { 16 } else { candidate.priority });
        Next::Candidates(candidates)
    }
}
