//! Reading the application's records, and what must be among them (EMV 4.4 Book 3, 10.2 and 7.2).

use std::collections::VecDeque;

use super::super::action::ActionCodes;
use super::super::afl::{self, RecordPlace};
use super::super::apdu::{Command, Status};
use super::super::data::{CardDataError, only_template};
use super::super::dol::DataObjectList;
use super::super::results::Tvr;
use super::super::tag;
use super::{Kernel, State, Step, Termination};
use crate::crypto::hex;
use zeroize::Zeroizing;

/// Files 11 to 30 are the payment system's and the issuer's own; only 1 to 10 have the form of the Book (Book 3, 5.3.2.2).
const LAST_FILE_OF_THE_BOOK: u8 = 10;

/// Records that are still to be read.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub(super) struct Records {
    left: VecDeque<RecordPlace>,
}

impl Kernel {
    pub(super) fn read_records(&mut self) -> Result<Step, Termination> {
        let places = afl::records(self.data.require(tag::AFL)?)?;
        self.read_next(Records { left: places.into() })
    }

    fn read_next(&mut self, records: Records) -> Result<Step, Termination> {
        match records.left.front() {
            Some(place) => {
                let command = Command::read_record(place.sfi, place.record);
                Ok(self.wait(State::Reading(records), command))
            }
            None => {
                self.check_what_was_read()?;
                self.authenticate_card()
            }
        }
    }

    pub(super) fn after_record(
        &mut self,
        mut records: Records,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        if status != Status::OK {
            return Err(Termination::Status { command: "READ RECORD", status });
        }
        let place = records.left.pop_front().ok_or(Termination::OutOfTurn)?;
        if place.authenticated {
            self.application.records.add(place.sfi, data);
        }
        if place.sfi <= LAST_FILE_OF_THE_BOOK {
            // A record of another form says nothing; offline data authentication fails with it (Book 3, 10.3).
            let template = only_template(data)?;
            if template.tag == tag::RECORD_TEMPLATE {
                self.data.read_from_card(template.value)?;
            }
        }
        self.read_next(records)
    }

    /// Mandatory objects are there, lists can be filled, and number and track agree: whatever is wrong with the card is
    /// known before it gives a cryptogram and before the host is asked.
    fn check_what_was_read(&mut self) -> Result<(), Termination> {
        for mandatory in [tag::EXPIRATION_DATE, tag::PAN, tag::CDOL1, tag::CDOL2] {
            self.data.require(mandatory)?;
        }
        self.application.cdol1 = DataObjectList::parse(tag::CDOL1, self.data.require(tag::CDOL1)?)?;
        self.application.cdol2 = DataObjectList::parse(tag::CDOL2, self.data.require(tag::CDOL2)?)?;
        if [&self.application.cdol1, &self.application.cdol2].iter().any(|list| list.asks_for(tag::TC_HASH)) {
            self.application.tdol = Some(self.choose_tdol()?);
        }
        self.application.action_codes = ActionCodes::of(self.application_terms()?.action_codes, &self.data)?;
        if let Some(track) = self.data.get(tag::TRACK_2) {
            let (number, track) = (digits(self.data.require(tag::PAN)?), digits(track));
            if track.split('D').next() != Some(number.trim_end_matches('F')) {
                return Err(CardDataError::Wrong(tag::TRACK_2).into());
            }
        }
        self.application.read = true;
        Ok(())
    }

    /// What a TC hash is made from: the card's own list, else the terminal's, else nothing at all. Only the terminal's is a
    /// default that the TVR tells of, and it is told before action analysis weighs the TVR (Book 3, 9.2.2).
    fn choose_tdol(&mut self) -> Result<DataObjectList, Termination> {
        if let Some(own) = self.data.get(tag::TDOL) {
            return Ok(DataObjectList::parse(tag::TDOL, own)?);
        }
        let default = self.application_terms()?.default_tdol.clone();
        if default.is_some() {
            self.tvr.set(Tvr::DEFAULT_TDOL_USED);
        }
        Ok(default.unwrap_or_default())
    }
}

fn digits(packed: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(hex::encode(packed))
}
