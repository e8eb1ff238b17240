//! The card of a case: answers whatever kernel asks, and writes down what it was told.

use yima::emv::tag::Tag;
use yima::emv::tlv::TlvBuilder;

use super::case::{Case, Cryptogram};

/// Identifiers of the two applications that all terminals take.
pub const IDENTIFIERS: [[u8; 7]; 2] =
    [[0xA0, 0x00, 0x00, 0x03, 0x33, 0x01, 0x01], [0xA0, 0x00, 0x00, 0x00, 0x04, 0x10, 0x10]];

const PSE: &[u8] = b"1PAY.SYS.DDF01";
const DIRECTORY: u8 = 1;
/// The application's records are in this file.
const RECORDS: u8 = 2;

/// What the first GENERATE AC said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    pub tvr: [u8; 5],
    pub tsi: [u8; 2],
    /// P1 without the bits of CDA.
    pub requested: u8,
}

pub struct ScriptedCard<'a> {
    case: &'a Case,
    /// Index among the card's applications.
    selected: usize,
    verifications: usize,
    commands: usize,
    cryptograms: usize,
    pub judged: Option<Judged>,
    /// What was said, as `yima emv replay` reads it.
    pub script: String,
}

impl<'a> ScriptedCard<'a> {
    pub fn new(case: &'a Case) -> Self {
        Self { case, selected: 0, verifications: 0, commands: 0, cryptograms: 0, judged: None, script: String::new() }
    }

    pub fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.answer_to(command);
        let hex = yima::crypto::hex::encode;
        self.script.push_str(&format!("> {}\n< {}\n", hex(command), hex(&answer)));
        answer
    }

    fn answer_to(&mut self, command: &[u8]) -> Vec<u8> {
        let data = command.get(5..).unwrap_or_default();
        let data = &data[..data.len().min(usize::from(command.get(4).copied().unwrap_or(0)))];
        match *command {
            [0x00, 0xA4, _, 0x00, ..] => self.select(data),
            [0x80, 0xA8, ..] => self.processing_options(),
            [0x00, 0xB2, record, file, ..] => self.read_record(file >> 3, record),
            [0x80, 0xCA, high, low, ..] => self.get_data(u32::from(high) << 8 | u32::from(low)),
            [0x00, 0x20, ..] => {
                self.verifications += 1;
                status(nth(&self.case.card.verify, self.verifications))
            }
            [0x80, 0xAE, requested, ..] => self.generate_cryptogram(requested, data),
            [0x00, 0x82, ..] => status(self.case.card.external_authenticate),
            [0x84, ..] => {
                self.commands += 1;
                status(nth(&self.case.card.scripts, self.commands))
            }
            _ => status(0x6D00),
        }
    }

    fn select(&mut self, name: &[u8]) -> Vec<u8> {
        if name == PSE && self.case.card.has_directory {
            let proprietary = TlvBuilder::new().with(Tag(0x88), &[DIRECTORY]);
            let content = TlvBuilder::new().with(Tag(0x84), PSE).with_template(Tag(0xA5), proprietary);
            return good(TlvBuilder::new().with_template(Tag(0x6F), content));
        }
        let here = |index: u8| IDENTIFIERS[usize::from(index)] == name;
        match self.case.card.applications.iter().position(|application| here(application.index)) {
            Some(index) => {
                self.selected = index;
                let priority = self.case.card.applications[index].priority;
                let mut proprietary = TlvBuilder::new().with(Tag(0x50), b"CARD").with(Tag(0x87), &[priority]);
                if let Some(list) = self.case.card.pdol {
                    proprietary.push(Tag(0x9F38), list);
                }
                let content = TlvBuilder::new().with(Tag(0x84), name).with_template(Tag(0xA5), proprietary);
                good(TlvBuilder::new().with_template(Tag(0x6F), content))
            }
            None => status(0x6A82),
        }
    }

    fn directory(&self) -> Vec<u8> {
        let mut record = TlvBuilder::new();
        for application in &self.case.card.applications {
            let entry = TlvBuilder::new()
                .with(Tag(0x4F), &IDENTIFIERS[usize::from(application.index)])
                .with(Tag(0x50), b"CARD")
                .with(Tag(0x87), &[application.priority]);
            record = record.with_template(Tag(0x61), entry);
        }
        good(TlvBuilder::new().with_template(Tag(0x70), record))
    }

    fn processing_options(&self) -> Vec<u8> {
        let card = &self.case.card;
        if card.applications[self.selected].refuses {
            return status(0x6985);
        }
        let profile = [card.profile, 0x00];
        let files = [RECORDS << 3, 1, card.objects.len().div_ceil(card.objects_per_record) as u8, 0];
        good(if card.format_2 {
            let content = TlvBuilder::new().with(Tag(0x82), &profile).with(Tag(0x94), &files);
            TlvBuilder::new().with_template(Tag(0x77), content)
        } else {
            TlvBuilder::new().with(Tag(0x80), &[&profile[..], &files].concat())
        })
    }

    fn read_record(&self, file: u8, record: u8) -> Vec<u8> {
        let card = &self.case.card;
        if file == DIRECTORY {
            return if record == 1 { self.directory() } else { status(0x6A83) };
        }
        let Some(objects) = card.objects.chunks(card.objects_per_record).nth(usize::from(record) - 1) else {
            return status(0x6A83);
        };
        if card.unreadable_record == Some(record) {
            return status(0x6A83);
        }
        let content = objects.iter().fold(TlvBuilder::new(), |content, (tag, value)| content.with(Tag(*tag), value));
        let template = if card.foreign_record == Some(record) { 0x71 } else { 0x70 };
        good(TlvBuilder::new().with_template(Tag(template), content))
    }

    fn get_data(&self, tag: u32) -> Vec<u8> {
        let counter = |value: Option<u16>| value.map(|value| value.to_be_bytes().to_vec());
        let value = match tag {
            0x9F36 => counter(self.case.card.transaction_counter),
            0x9F13 => counter(self.case.card.last_online),
            0x9F17 => self.case.card.pin_tries.map(|tries| vec![tries]),
            _ => None,
        };
        value.map_or_else(|| status(0x6A88), |value| good(TlvBuilder::new().with(Tag(tag), &value)))
    }

    fn generate_cryptogram(&mut self, requested: u8, data: &[u8]) -> Vec<u8> {
        self.cryptograms += 1;
        let plan = if self.cryptograms == 1 { self.case.card.first } else { self.case.card.second };
        if self.cryptograms == 1 {
            let (Some(tvr), Some([low, high])) = (data.first_chunk(), data.get(5..7)) else { return status(0x6700) };
            self.judged = Some(Judged { tvr: *tvr, tsi: [*low, *high], requested: requested & 0xC0 });
        }
        let information = match plan {
            Cryptogram::AsAsked => requested & 0xC0,
            Cryptogram::Information(information) => information,
            Cryptogram::Status(word) => return status(word),
        };
        good(if self.case.card.format_2 {
            let content = TlvBuilder::new()
                .with(Tag(0x9F27), &[information])
                .with(Tag(0x9F36), &[0x00, 0x07])
                .with(Tag(0x9F26), &[0x11; 8])
                .with(Tag(0x9F10), &[0x07, 0x01]);
            TlvBuilder::new().with_template(Tag(0x77), content)
        } else {
            let value = [&[information, 0x00, 0x07][..], &[0x11; 8], &[0x07, 0x01]].concat();
            TlvBuilder::new().with(Tag(0x80), &value)
        })
    }
}

fn nth(statuses: &[u16], count: usize) -> u16 {
    statuses[(count - 1).min(statuses.len() - 1)]
}

fn status(word: u16) -> Vec<u8> {
    word.to_be_bytes().to_vec()
}

fn good(data: TlvBuilder) -> Vec<u8> {
    [data.build(), vec![0x90, 0x00]].concat()
}
