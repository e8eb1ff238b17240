//! Application selection: which applications card and terminal share, and in which order (EMV 4.4 Book 1, 12).
//!
//! Needs: the terminal's list and the card's answers to SELECT and READ RECORD. Yields the next command or the finished
//! list of candidates; choosing among them is not done here.

use super::apdu::{Command, Status};
use super::data::CardDataError;
use super::dol::DataObjectList;
use super::tag;
use super::terminal::Application;
use super::tlv::{self, TlvError};

/// Name of the payment system environment (Book 1, 12.2.2).
const PSE: &[u8] = b"1PAY.SYS.DDF01";

/// A directory has at most this many records; a card that goes on is not asked further.
const MAX_DIRECTORY_RECORDS: u8 = 32;

/// More applications than any card has. Counted are the SELECT NEXT for one identifier, whatever becomes of the answers:
/// a card that never stops answering is stopped here.
const MAX_SELECT_NEXT: u8 = 32;

/// More candidates than any card has.
const MAX_CANDIDATES: usize = 32;

/// The one code table this terminal writes names in: ISO 8859-1 (9F11; Book 4, annex B).
const LATIN: u8 = 0x01;

/// An application that both sides have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Name on the card, which may be longer than the terminal's identifier.
    pub df_name: Vec<u8>,
    /// Name for people: preferred name or label; empty when the card gives none.
    pub name: String,
    /// 1 is best, 15 last; 0 says nothing and comes after them (Book 1, 12.2.3).
    pub priority: u8,
    /// Not to be selected without the cardholder's consent (bit 8 of the priority indicator; Book 1, 12.4).
    pub needs_confirmation: bool,
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
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct Selection {
    place: Place,
    candidates: Vec<Candidate>,
    /// Names the card has given for the identifier that is being asked for.
    names: Vec<Vec<u8>>,
    /// An application answered that it is blocked.
    pub blocked_seen: bool,
    /// 9F11 of the payment system environment: letters of the preferred names in its directory (Book 1, 12.2.4).
    code_table: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    SelectPse,
    ReadDirectory { sfi: u8, record: u8 },
    SelectFromList { index: usize, nexts: u8 },
}

impl Selection {
    /// Begins with the payment system environment.
    pub fn start() -> (Self, Command) {
        let selection = Self {
            place: Place::SelectPse,
            candidates: Vec::new(),
            names: Vec::new(),
            blocked_seen: false,
            code_table: None,
        };
        (selection, Command::select(PSE, false))
    }

    /// Takes an answer, gives what comes next.
    pub fn answer(&mut self, data: &[u8], status: Status, applications: &[Application]) -> Next {
        match self.place {
            Place::SelectPse => self.after_pse(data, status, applications),
            Place::ReadDirectory { sfi, record } => self.after_record(data, status, sfi, record, applications),
            Place::SelectFromList { index, nexts } => self.after_select(data, status, index, nexts, applications),
        }
    }

    fn after_pse(&mut self, data: &[u8], status: Status, applications: &[Application]) -> Next {
        match status {
            Status::NOT_SUPPORTED => Next::CardBlocked,
            Status::OK => match tlv::find(data, tag::SFI) {
                Ok(Some(&[sfi @ 1..=10])) => {
                    self.code_table = code_table(data);
                    self.read_directory(sfi, 1)
                }
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
                self.consider(name, entry.value, self.code_table, applications);
            }
        }
    }

    fn list_from(&mut self, index: usize, applications: &[Application]) -> Next {
        self.names.clear();
        match applications.get(index) {
            Some(application) => {
                self.place = Place::SelectFromList { index, nexts: 0 };
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
        nexts: u8,
        applications: &[Application],
    ) -> Next {
        let name = tlv::find(data, tag::DF_NAME).ok().flatten();
        match (status, name) {
            (Status::NOT_SUPPORTED, _) if index == 0 && nexts == 0 => return Next::CardBlocked,
            (Status::OK, Some(name)) => self.consider(name, data, code_table(data), applications),
            (Status::BLOCKED, _) => self.blocked_seen = true,
            _ => {}
        }
        // The card may hold more applications whose name begins like this one: ask for the next as long as it answers
        // with a longer name that it has not given before (Book 1, 12.3.3).
        if let (Some(application), Some(name)) = (applications.get(index), name)
            && matches!(status, Status::OK | Status::BLOCKED)
            && application.partial
            && name.len() > application.aid.len()
            && name.starts_with(&application.aid)
            && !self.names.iter().any(|known| known == name)
            && nexts < MAX_SELECT_NEXT
        {
            self.names.push(name.to_vec());
            self.place = Place::SelectFromList { index, nexts: nexts + 1 };
            return Next::Send(Command::select(&application.aid, true));
        }
        self.list_from(index + 1, applications)
    }

    fn consider(&mut self, df_name: &[u8], template: &[u8], code_table: Option<u8>, applications: &[Application]) {
        // The longest identifier that matches says most about the application.
        let matching = applications.iter().enumerate().filter(|(_, application)| application.matches(df_name));
        let Some((application, _)) = matching.max_by_key(|(_, application)| application.aid.len()) else { return };
        let indicator = tlv::find(template, tag::PRIORITY).ok().flatten().and_then(|value| value.first().copied());
        let indicator = indicator.unwrap_or(0);
        let known = self.candidates.iter().any(|candidate| candidate.df_name == df_name);
        if !known && self.candidates.len() < MAX_CANDIDATES {
            self.candidates.push(Candidate {
                df_name: df_name.to_vec(),
                name: name_for_people(template, code_table),
                priority: indicator & 0x0F,
                needs_confirmation: indicator & 0x80 != 0,
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

/// What the answer to the final SELECT says of the application (Book 1, 11.3.4; Book 3, 7.2).
#[derive(Debug, PartialEq, Eq)]
pub struct FileControl {
    /// Preferred name or label, for people.
    pub name: String,
    /// 9F38; empty when there is none.
    pub pdol: DataObjectList,
    /// 5F2D: up to four languages of two letters, best first.
    pub languages: Vec<[u8; 2]>,
}

impl FileControl {
    /// Reads the answer to the SELECT of `df_name`.
    ///
    /// # Errors
    /// When it is not file control information, names another application, or its PDOL cannot be read. The application
    /// then cannot be used, others can (Book 1, 12.4).
    pub fn read(data: &[u8], df_name: &[u8]) -> Result<Self, CardDataError> {
        let child = |template, tag| -> Result<Option<&[u8]>, TlvError> {
            for object in tlv::walk(template) {
                let object = object?;
                if object.tag == tag {
                    return Ok(Some(object.value));
                }
            }
            Ok(None)
        };
        let fci = child(data, tag::FCI_TEMPLATE)?.ok_or(CardDataError::Missing(tag::FCI_TEMPLATE))?;
        if child(fci, tag::DF_NAME)? != Some(df_name) {
            return Err(CardDataError::Wrong(tag::DF_NAME));
        }
        let proprietary = child(fci, tag::FCI_PROPRIETARY)?.ok_or(CardDataError::Missing(tag::FCI_PROPRIETARY))?;
        let languages = child(proprietary, tag::LANGUAGE_PREFERENCE)?.unwrap_or_default();
        Ok(Self {
            name: name_for_people(proprietary, code_table(proprietary)),
            pdol: DataObjectList::parse(tag::PDOL, child(proprietary, tag::PDOL)?.unwrap_or_default())?,
            languages: languages.as_chunks::<2>().0.to_vec(),
        })
    }
}

/// The preferred name when it is written in letters this terminal has (Book 1, 12.2.4), else the label.
fn name_for_people(template: &[u8], code_table: Option<u8>) -> String {
    let find = |tag| tlv::find(template, tag).ok().flatten();
    let preferred = find(tag::PREFERRED_NAME).filter(|_| code_table == Some(LATIN));
    let letters = |bytes: &[u8]| -> String {
        // ISO 8859-1 has the numbers of Unicode; what is no letter there is left out.
        bytes.iter().map(|byte| char::from(*byte)).filter(|letter| !letter.is_control()).collect()
    };
    let name = preferred.map(letters).filter(|name| !name.trim().is_empty());
    name.or_else(|| find(tag::APPLICATION_LABEL).map(letters)).unwrap_or_default()
}

/// 9F11.
fn code_table(template: &[u8]) -> Option<u8> {
    match tlv::find(template, tag::CODE_TABLE_INDEX) {
        Ok(Some(&[index])) => Some(index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::hex;
    use crate::emv::terminal::TerminalData;
    use crate::emv::tlv::TlvBuilder;
    use proptest::prelude::*;

    const STATUSES: [Status; 4] = [Status::OK, Status::BLOCKED, Status::NOT_SUPPORTED, Status::NOT_FOUND];

    fn fci(df_name: &[u8], proprietary: &TlvBuilder) -> Vec<u8> {
        let content =
            TlvBuilder::new().with(tag::DF_NAME, df_name).with_template(tag::FCI_PROPRIETARY, proprietary.clone());
        TlvBuilder::new().with_template(tag::FCI_TEMPLATE, content).build()
    }

    /// Commands until the end, when the card answers every SELECT of the list with `answer` of how often it was asked.
    fn commands(answer: impl Fn(usize) -> (Vec<u8>, Status)) -> (usize, Vec<Candidate>) {
        let applications = TerminalData::shipped().unwrap().applications;
        let (mut selection, _) = Selection::start();
        let mut next = selection.answer(&[], Status::NOT_FOUND, &applications);
        for count in 1..10_000 {
            match next {
                Next::Send(_) => {
                    let (data, status) = answer(count);
                    next = selection.answer(&data, status, &applications);
                }
                Next::Candidates(candidates) => return (count, candidates),
                Next::CardBlocked => panic!("blocked"),
            }
        }
        panic!("selection does not end");
    }

    #[test]
    fn a_card_that_answers_select_next_for_ever_is_stopped() {
        let identifiers = TerminalData::shipped().unwrap().applications.len();
        type Answers = fn(usize) -> (Vec<u8>, Status);
        let unending: [(&str, Answers); 3] = [
            ("a new name each time", |count| {
                let name = [&hex::decode("A000000333010101").unwrap()[..], &count.to_be_bytes()].concat();
                (fci(&name, &TlvBuilder::new()), Status::OK)
            }),
            ("the same name", |_| (fci(&hex::decode("A00000033301010101").unwrap(), &TlvBuilder::new()), Status::OK)),
            ("blocked, and a new name each time", |count| {
                let name = [&hex::decode("A000000333010101").unwrap()[..], &count.to_be_bytes()].concat();
                (fci(&name, &TlvBuilder::new()), Status::BLOCKED)
            }),
        ];
        for (what, answer) in unending {
            let (sent, _) = commands(answer);
            assert!(sent <= identifiers + usize::from(MAX_SELECT_NEXT) + 1, "{what}: {sent} commands");
        }
    }

    #[test]
    fn the_best_priority_comes_first_and_consent_is_noted() {
        let (_, candidates) = commands(|count| {
            let name = hex::decode(if count == 1 { "A00000033301010101" } else { "A00000033301010102" }).unwrap();
            let priority: &[u8] = if count == 1 { &[0x82] } else { &[0x01] };
            let proprietary = TlvBuilder::new().with(tag::PRIORITY, priority).with(tag::APPLICATION_LABEL, b"CARD");
            (fci(&name, &proprietary), if count <= 2 { Status::OK } else { Status::NOT_FOUND })
        });
        let found: Vec<_> =
            candidates.iter().map(|candidate| (candidate.priority, candidate.needs_confirmation)).collect();
        assert_eq!(found, [(1, false), (2, true)]);
    }

    #[test]
    fn a_preferred_name_needs_letters_this_terminal_has() {
        let preferred =
            TlvBuilder::new().with(tag::APPLICATION_LABEL, b"CREDIT").with(tag::PREFERRED_NAME, b"CR\xC9DIT");
        let latin = preferred.clone().with(tag::CODE_TABLE_INDEX, &[0x01]);
        let greek = preferred.clone().with(tag::CODE_TABLE_INDEX, &[0x07]);
        for (template, name) in [(latin, "CRÉDIT"), (greek, "CREDIT"), (preferred, "CREDIT")] {
            let template = template.build();
            assert_eq!(name_for_people(&template, code_table(&template)), name);
        }
    }

    #[test]
    fn the_letters_of_names_in_a_directory_are_those_of_its_environment() {
        let applications = TerminalData::shipped().unwrap().applications;
        for (index, name) in [(&[0x01][..], "CRÉDIT"), (&[0x07], "CREDIT"), (&[], "CREDIT")] {
            let environment = TlvBuilder::new().with(tag::SFI, &[1]).with(tag::CODE_TABLE_INDEX, index);
            let entry = TlvBuilder::new()
                .with(tag::AID, &applications[0].aid)
                .with(tag::APPLICATION_LABEL, b"CREDIT")
                .with(tag::PREFERRED_NAME, b"CR\xC9DIT");
            let entry = TlvBuilder::new().with_template(tag::APPLICATION_TEMPLATE, entry);
            let record = TlvBuilder::new().with_template(tag::RECORD_TEMPLATE, entry).build();
            let (mut selection, _) = Selection::start();
            selection.answer(&fci(PSE, &environment), Status::OK, &applications);
            selection.answer(&record, Status::OK, &applications);
            let Next::Candidates(candidates) = selection.answer(&[], Status::RECORD_NOT_FOUND, &applications) else {
                panic!("the directory is read")
            };
            assert_eq!(candidates[0].name, name);
        }
    }

    #[test]
    fn file_control_information_must_be_that_of_the_application() {
        let proprietary =
            TlvBuilder::new().with(tag::LANGUAGE_PREFERENCE, b"zhen").with(tag::PDOL, &[0x9F, 0x1A, 0x02]);
        let good = fci(&[0xA0, 1], &proprietary);
        let read = FileControl::read(&good, &[0xA0, 1]).unwrap();
        assert!(read.pdol.asks_for(tag::TERMINAL_COUNTRY));
        assert_eq!(read.languages, [*b"zh", *b"en"]);
        assert_eq!(FileControl::read(&good, &[0xA0, 2]), Err(CardDataError::Wrong(tag::DF_NAME)));
        assert!(FileControl::read(&good[..good.len() - 1], &[0xA0, 1]).is_err());
        assert!(FileControl::read(&[0x6F, 0x04, 0x84, 0x02, 0xA0, 1], &[0xA0, 1]).is_err(), "without A5");
        let bad_pdol = fci(&[0xA0, 1], &TlvBuilder::new().with(tag::PDOL, &[0x9F, 0x1A]));
        assert!(FileControl::read(&bad_pdol, &[0xA0, 1]).is_err());
    }

    proptest! {
        /// Whatever a card says to SELECT and READ RECORD, good or spoilt at one byte.
        #[test]
        fn any_file_control_information_is_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..260),
            (place, value) in (any::<prop::sample::Index>(), any::<u8>()),
        ) {
            let proprietary = TlvBuilder::new()
                .with(tag::APPLICATION_LABEL, b"CARD")
                .with(tag::PDOL, &[0x9F, 0x66, 0x04, 0x9F, 0x37, 0x04])
                .with(tag::LANGUAGE_PREFERENCE, b"zhen");
            let mut spoilt = fci(&[0xA0, 1], &proprietary);
            let place = place.index(spoilt.len());
            spoilt[place] = value;
            for data in [bytes, spoilt] {
                if let Ok(read) = FileControl::read(&data, &[0xA0, 1]) {
                    prop_assert!(read.name.chars().count() + 2 * read.languages.len() <= data.len());
                }
            }
        }

        #[test]
        fn a_card_that_answers_anything_comes_to_candidates_or_is_blocked(
            answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20),
            statuses in proptest::collection::vec(proptest::sample::select(&STATUSES[..]), 1..20),
        ) {
            let applications = TerminalData::shipped().unwrap().applications;
            let (mut selection, _) = Selection::start();
            for count in 0..1_000 {
                let data = answers.get(count).map_or(&[][..], Vec::as_slice);
                match selection.answer(data, statuses[count % statuses.len()], &applications) {
                    Next::Send(_) => {}
                    Next::Candidates(_) | Next::CardBlocked => return Ok(()),
                }
            }
            prop_assert!(false, "selection does not end");
        }
    }
}
