//! Selection, choice, final SELECT and GET PROCESSING OPTIONS (EMV 4.4 Book 1, 12; Book 3, 10.1).

use std::collections::VecDeque;

use super::super::apdu::{Command, Status};
use super::super::cvm::Verification;
use super::super::data::{CardDataError, only_template};
use super::super::results::{Tsi, Tvr};
use super::super::selection::{Candidate, FileControl, Next, Selection};
use super::super::tag;
use super::super::tlv;
use super::{Application, Choice, Kernel, State, Step, Termination};

/// Applications that may still be used.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub(super) struct Candidates {
    left: VecDeque<Candidate>,
    blocked_seen: bool,
}

impl Kernel {
    pub(super) fn after_selection_step(
        &mut self,
        mut selection: Selection,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        match selection.answer(data, status, &self.terminal.applications) {
            Next::Send(command) => Ok(self.wait(State::Selecting(selection), command)),
            Next::CardBlocked => Err(Termination::CardBlocked),
            Next::Candidates(candidates) => {
                self.choose(Candidates { left: candidates.into(), blocked_seen: selection.blocked_seen })
            }
        }
    }

    /// One application that needs no consent is taken, one that does is asked for, among several somebody chooses
    /// (Book 1, 12.4).
    fn choose(&mut self, mut candidates: Candidates) -> Result<Step, Termination> {
        if candidates.left.len() > 1 {
            let choices = candidates.left.iter().map(choice).collect();
            self.state = State::Choosing(candidates);
            return Ok(Step::Choose(choices));
        }
        match candidates.left.pop_front() {
            Some(chosen) if chosen.needs_confirmation => {
                let choice = choice(&chosen);
                self.state = State::Confirming { chosen, others: candidates };
                Ok(Step::Confirm(choice))
            }
            Some(chosen) => Ok(self.select(chosen, candidates)),
            None if candidates.blocked_seen => Err(Termination::ApplicationBlocked),
            None => Err(Termination::NoCommonApplication),
        }
    }

    /// Who chooses an application from a list agrees to it.
    pub(super) fn after_choice(
        &mut self,
        mut candidates: Candidates,
        index: Option<usize>,
    ) -> Result<Step, Termination> {
        let chosen = index.and_then(|index| candidates.left.remove(index)).ok_or(Termination::NothingChosen)?;
        Ok(self.select(chosen, candidates))
    }

    pub(super) fn after_confirmation(
        &mut self,
        chosen: Candidate,
        others: Candidates,
        agreed: bool,
    ) -> Result<Step, Termination> {
        if agreed { Ok(self.select(chosen, others)) } else { Err(Termination::NothingChosen) }
    }

    fn select(&mut self, chosen: Candidate, others: Candidates) -> Step {
        let command = Command::select(&chosen.df_name, false);
        self.wait(State::FinalSelect { chosen, others }, command)
    }

    /// An application that cannot be selected, or does not say properly what it is, leaves the list; others can still be
    /// used (Book 1, 12.4).
    pub(super) fn after_final_select(
        &mut self,
        chosen: &Candidate,
        mut others: Candidates,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        others.blocked_seen |= status == Status::BLOCKED;
        let control = match FileControl::read(data, &chosen.df_name) {
            Ok(control) if status == Status::OK => control,
            // With no other application left, what is wrong with this one is said.
            Err(error) if status == Status::OK && others.left.is_empty() => return Err(error.into()),
            Ok(_) | Err(_) => return self.choose(others),
        };
        self.begin_application(chosen, &control);
        self.application.pdol_values = self.filled(&control.pdol);
        let command = Command::get_processing_options(&self.application.pdol_values);
        Ok(self.wait(State::ProcessingOptions { others }, command))
    }

    /// Puts in place what belongs to the selected application and forgets all that an earlier one left.
    fn begin_application(&mut self, chosen: &Candidate, control: &FileControl) {
        self.tvr = Tvr::default();
        self.tsi = Tsi::default();
        self.verification = Verification::NotPerformed;
        self.requested = None;
        self.data.forget_card();
        self.data.put_from_card(tag::DF_NAME, &chosen.df_name);
        if let Some(terms) = self.terminal.applications.get(chosen.application) {
            self.data.put(tag::TERMINAL_AID, terms.aid.clone());
            self.data.put(tag::TERMINAL_APPLICATION_VERSION, terms.version);
            self.data.put(tag::FLOOR_LIMIT, terms.floor_limit.to_be_bytes());
        }
        let spoken = |language: &&[u8; 2]| {
            self.terminal.languages.iter().any(|ours| ours.eq_ignore_ascii_case(language.as_slice()))
        };
        let name = if control.name.is_empty() { &chosen.name } else { &control.name };
        self.application = Application {
            index: chosen.application,
            name: name.clone(),
            language: control.languages.iter().find(spoken).map(|code| code.map(|letter| letter.to_ascii_lowercase())),
            ..Application::default()
        };
    }

    pub(super) fn after_processing_options(
        &mut self,
        others: Candidates,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        match status {
            Status::OK => {
                self.take_processing_options(data)?;
                self.read_records()
            }
            // The application does not want to be used here: back to the others (Book 3, 10.1).
            Status::CONDITIONS => {
                self.data.forget_card();
                self.choose(others)
            }
            status => Err(Termination::Status { command: "GET PROCESSING OPTIONS", status }),
        }
    }

    /// AIP and AFL, in either format (Book 3, 6.5.8.4).
    fn take_processing_options(&mut self, data: &[u8]) -> Result<(), CardDataError> {
        let template = only_template(data)?;
        let (aip, afl) = match template.tag {
            tag::RESPONSE_FORMAT_1 => template.value.split_at_checked(2).ok_or(CardDataError::Wrong(template.tag))?,
            tag::RESPONSE_FORMAT_2 => {
                let find = |tag| tlv::find(template.value, tag).map_err(CardDataError::from);
                let aip = find(tag::AIP)?.ok_or(CardDataError::Missing(tag::AIP))?;
                (aip, find(tag::AFL)?.ok_or(CardDataError::Missing(tag::AFL))?)
            }
            other => return Err(CardDataError::Wrong(other)),
        };
        if aip.len() != 2 {
            return Err(CardDataError::Wrong(tag::AIP));
        }
        self.data.put_from_card(tag::AIP, aip);
        self.data.put_from_card(tag::AFL, afl);
        Ok(())
    }
}

fn choice(candidate: &Candidate) -> Choice {
    Choice {
        name: candidate.name.clone(),
        df_name: candidate.df_name.clone(),
        needs_confirmation: candidate.needs_confirmation,
    }
}
