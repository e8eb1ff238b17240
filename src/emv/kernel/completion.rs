//! From the issuer's answer to the card's last word (EMV 4.4 Book 3, 10.9 to 10.11).

use super::super::action::{self, Cryptogram};
use super::super::apdu::{Command, Status};
use super::super::dol::Values;
use super::super::results::{Tsi, Tvr};
use super::super::scripts::{IssuerAnswer, ScriptRun};
use super::super::tag;
use super::super::terminal::TransactionKind;
use super::judging::read_cryptogram;
use super::{Kernel, OnlineResult, Outcome, State, Step, Termination};

/// Bit of the application interchange profile's first byte (Book 3, annex C1).
const AIP_EXTERNAL_AUTHENTICATE: u8 = 0x04;

/// Authorisation response codes when the issuer could not be reached (Book 4, annex A6).
const UNABLE_APPROVED: &[u8; 2] = b"Y3";
const UNABLE_DECLINED: &[u8; 2] = b"Z3";

impl Kernel {
    pub(super) fn after_online(&mut self, result: OnlineResult) -> Result<Step, Termination> {
        match result {
            OnlineResult::Approved { response_code, issuer_data } => {
                self.data.put(tag::AUTHORISATION_RESPONSE_CODE, response_code);
                self.authenticate_issuer(true, IssuerAnswer::read(&issuer_data))
            }
            OnlineResult::Declined { response_code, issuer_data } => {
                self.data.put(tag::AUTHORISATION_RESPONSE_CODE, response_code);
                self.authenticate_issuer(false, IssuerAnswer::read(&issuer_data))
            }
            OnlineResult::Referral { response_code, issuer_data } => {
                self.data.put(tag::AUTHORISATION_RESPONSE_CODE, response_code);
                self.state = State::CallingIssuer { answer: IssuerAnswer::read(&issuer_data) };
                Ok(Step::CallIssuer)
            }
            OnlineResult::UnableToGoOnline => self.unable_to_go_online(),
        }
    }

    /// The default codes decide in the issuer's place (Book 3, 10.7).
    pub(super) fn unable_to_go_online(&mut self) -> Result<Step, Termination> {
        // What is on the account only the issuer knows.
        let requested = match self.transaction.kind {
            TransactionKind::Balance => Cryptogram::Aac,
            TransactionKind::Purchase
            | TransactionKind::PreAuthorisation
            | TransactionKind::Cash
            | TransactionKind::Cashback
            | TransactionKind::Refund => {
                action::unable_to_go_online(self.tvr, &self.application.action_codes, self.reach())
            }
        };
        let code = if requested == Cryptogram::Tc { UNABLE_APPROVED } else { UNABLE_DECLINED };
        self.data.put(tag::AUTHORISATION_RESPONSE_CODE, code);
        Ok(self.second_cryptogram(requested, IssuerAnswer::default()))
    }

    /// The issuer's proof goes to the card by EXTERNAL AUTHENTICATE when the card offers that, otherwise with the second
    /// GENERATE AC; never both (Book 3, 10.9).
    pub(super) fn authenticate_issuer(
        &mut self,
        approved: bool,
        mut answer: IssuerAnswer,
    ) -> Result<Step, Termination> {
        let Some(proof) = answer.authentication.take() else { return Ok(self.run_scripts_before(approved, answer)) };
        if self.profile()? & AIP_EXTERNAL_AUTHENTICATE != 0 {
            let command = Command::external_authenticate(&proof);
            return Ok(self.wait(State::ExternalAuthentication { approved, answer }, command));
        }
        self.data.put(tag::ISSUER_AUTHENTICATION_DATA, proof);
        Ok(self.run_scripts_before(approved, answer))
    }

    pub(super) fn after_external_authenticate(
        &mut self,
        approved: bool,
        answer: IssuerAnswer,
        status: Status,
    ) -> Result<Step, Termination> {
        self.tsi.set(Tsi::ISSUER_AUTHENTICATION_PERFORMED);
        if status != Status::OK {
            self.tvr.set(Tvr::ISSUER_AUTHENTICATION_FAILED);
        }
        Ok(self.run_scripts_before(approved, answer))
    }

    fn run_scripts_before(&mut self, approved: bool, mut answer: IssuerAnswer) -> Step {
        let (run, command) = ScriptRun::start(std::mem::take(&mut answer.before));
        self.continue_scripts_before(approved, run, answer, command)
    }

    pub(super) fn after_script_before(
        &mut self,
        approved: bool,
        mut run: ScriptRun,
        answer: IssuerAnswer,
        status: Status,
    ) -> Result<Step, Termination> {
        let command = run.answer(status);
        Ok(self.continue_scripts_before(approved, run, answer, command))
    }

    fn continue_scripts_before(
        &mut self,
        approved: bool,
        run: ScriptRun,
        answer: IssuerAnswer,
        command: Option<Command>,
    ) -> Step {
        if let Some(command) = command {
            return self.wait(State::ScriptsBefore { approved, run, answer }, command);
        }
        self.note_scripts(&run, Tvr::SCRIPT_FAILED_BEFORE);
        let requested = if approved { Cryptogram::Tc } else { Cryptogram::Aac };
        self.second_cryptogram(requested, answer)
    }

    /// The card left: the issuer is still told how far its scripts came. No step follows.
    pub fn card_lost(&mut self) {
        let (mut run, failed) = match std::mem::replace(&mut self.state, State::Done) {
            State::ScriptsBefore { run, .. } => (run, Tvr::SCRIPT_FAILED_BEFORE),
            State::ScriptsAfter { run, .. } => (run, Tvr::SCRIPT_FAILED_AFTER),
            _ => return,
        };
        run.interrupt();
        self.note_scripts(&run, failed);
        self.publish_results();
    }

    /// Results of scripts add up: those before and those after the second GENERATE AC (9F5B).
    fn note_scripts(&mut self, run: &ScriptRun, failed: super::super::results::Bit) {
        if run.results.is_empty() {
            return;
        }
        self.tsi.set(Tsi::SCRIPT_PERFORMED);
        if run.failed {
            self.tvr.set(failed);
        }
        let earlier = self.data.get(tag::SCRIPT_RESULTS).unwrap_or_default();
        let results = [earlier, &run.results].concat();
        self.data.put(tag::SCRIPT_RESULTS, results);
    }

    pub(super) fn second_cryptogram(&mut self, requested: Cryptogram, answer: IssuerAnswer) -> Step {
        let list = self.application.cdol2.clone();
        let values = self.filled(&list);
        let signed = self.asks_for_signature(requested);
        let command = Command::generate_ac(requested, signed, &values);
        self.wait(State::SecondCryptogram { requested, signature: signed.then_some(values), answer }, command)
    }

    pub(super) fn after_second_cryptogram(
        &mut self,
        requested: Cryptogram,
        signature: Option<Values>,
        answer: IssuerAnswer,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        let cryptogram = read_cryptogram(data, status, signature.is_some())?;
        let outcome = match (requested, cryptogram.given, signature) {
            (_, Some(Cryptogram::Aac), _) => {
                cryptogram.keep(&mut self.data);
                Outcome::Declined
            }
            (Cryptogram::Tc, Some(Cryptogram::Tc), None) => {
                cryptogram.keep(&mut self.data);
                Outcome::Approved
            }
            (Cryptogram::Tc, Some(Cryptogram::Tc), Some(values)) => {
                let first = self.application.cdol1_values.clone();
                match self.check_signature(&[&first, &values], data) {
                    Some(signed) => {
                        cryptogram.keep(&mut self.data);
                        self.data.put_from_card(tag::CRYPTOGRAM, &signed);
                        Outcome::Approved
                    }
                    // Nobody vouches for this TC: declined, and what the first answer said stays for a reversal.
                    None => Outcome::Declined,
                }
            }
            // Worth more than was asked for, or of no known kind: it counts as an AAC (Book 3, 9.3), and what the first
            // answer said stays.
            (_, Some(Cryptogram::Tc | Cryptogram::Arqc) | None, _) => Outcome::Declined,
        };
        if answer.after.is_empty() {
            return Ok(self.end(outcome));
        }
        self.publish_results();
        self.state = State::Decided { outcome: outcome.clone(), answer };
        Ok(Step::Decided(outcome))
    }

    pub(super) fn run_scripts_after(&mut self, outcome: Outcome, answer: IssuerAnswer) -> Step {
        let (run, command) = ScriptRun::start(answer.after);
        self.continue_scripts_after(outcome, run, command)
    }

    pub(super) fn after_script_after(&mut self, outcome: Outcome, mut run: ScriptRun, status: Status) -> Step {
        let command = run.answer(status);
        self.continue_scripts_after(outcome, run, command)
    }

    fn continue_scripts_after(&mut self, outcome: Outcome, run: ScriptRun, command: Option<Command>) -> Step {
        if let Some(command) = command {
            return self.wait(State::ScriptsAfter { outcome, run }, command);
        }
        self.note_scripts(&run, Tvr::SCRIPT_FAILED_AFTER);
        self.end(outcome)
    }
}
