//! Restrictions, cardholder verification, risk management and action analysis, up to the card's first cryptogram
//! (EMV 4.4 Book 3, 10.4 to 10.8).

use super::super::action::{self, Cryptogram, Reach};
use super::super::apdu::{Command, Status};
use super::super::cryptogram::CryptogramAnswer;
use super::super::cvm::{self, CardholderVerification, Circumstances, CvmResult};
use super::super::data::{CardDataError, decimal};
use super::super::restrictions;
use super::super::results::{Tsi, Tvr};
use super::super::risk::{self, Lookup, Velocity};
use super::super::scripts::IssuerAnswer;
use super::super::tag;
use super::super::terminal::TransactionKind;
use super::{Kernel, Outcome, State, Step, Termination};

/// Bit of the application interchange profile's first byte (Book 3, annex C1).
const AIP_CARDHOLDER_VERIFICATION: u8 = 0x10;

/// Authorisation response codes that the terminal gives itself (Book 4, annex A6).
const OFFLINE_APPROVED: &[u8; 2] = b"Y1";
const OFFLINE_DECLINED: &[u8; 2] = b"Z1";

impl Kernel {
    pub(super) fn judge(&mut self) -> Result<Step, Termination> {
        restrictions::check(&self.data, self.transaction.kind, self.terminal.place(), &mut self.tvr)?;
        self.verify_cardholder()
    }

    /// First byte of the AIP.
    pub(super) fn profile(&self) -> Result<u8, CardDataError> {
        Ok(self.data.sized::<2>(tag::AIP)?.unwrap_or_default()[0])
    }

    fn verify_cardholder(&mut self) -> Result<Step, Termination> {
        if self.profile()? & AIP_CARDHOLDER_VERIFICATION == 0 {
            return Ok(self.after_verification(None));
        }
        let capability = self.terminal.capabilities[1];
        let circumstances = Circumstances {
            kind: self.transaction.kind,
            place: self.terminal.place(),
            capability,
            pin_key: if capability & cvm::CAN_ENCIPHERED != 0 { self.pin_key() } else { None },
        };
        match CardholderVerification::start(&self.data, circumstances, &mut self.tvr)? {
            Some((verification, next)) => self.after_verification_step(Box::new(verification), next),
            None => Ok(self.after_verification(None)),
        }
    }

    pub(super) fn after_verification_step(
        &mut self,
        verification: Box<CardholderVerification>,
        next: cvm::Next,
    ) -> Result<Step, Termination> {
        match next {
            cvm::Next::Send(command) => Ok(self.wait(State::Verifying(verification), command)),
            cvm::Next::Ask(request) => {
                self.state = State::Verifying(verification);
                Ok(Step::AskPin(request))
            }
            cvm::Next::Done(result) => Ok(self.after_verification(Some(result))),
            cvm::Next::Refused(status) => Err(Termination::Status { command: "VERIFY", status }),
        }
    }

    fn after_verification(&mut self, result: Option<CvmResult>) -> Step {
        if result.is_some() {
            self.tsi.set(Tsi::CVM_PERFORMED);
        }
        let result = result.unwrap_or(CvmResult::NOTHING);
        self.verification = result.verification;
        self.data.put(tag::CVM_RESULTS, result.results);
        self.manage_risk()
    }

    /// Whatever the card's profile says of it: since EMV 4.4 risk is managed always (Book 3, 10.6).
    fn manage_risk(&mut self) -> Step {
        if self.transaction.forced_online {
            self.tvr.set(Tvr::FORCED_ONLINE);
        }
        self.state = State::LookingUp;
        Step::LookUp
    }

    pub(super) fn after_lookup(&mut self, lookup: Lookup) -> Result<Step, Termination> {
        self.tsi.set(Tsi::TERMINAL_RISK_PERFORMED);
        let terms = self.application_terms()?;
        let (floor_limit, selection) = (terms.floor_limit, terms.random_selection);
        let amount = decimal(self.data.require(tag::AMOUNT_AUTHORISED)?);
        // Chance matters only where the card could approve alone and the issuer be asked (Book 3, 10.6.2).
        let number = self.transaction.random_number.filter(|_| self.reach() == Reach::OfflineWithOnline);
        risk::check_amount(amount, lookup, floor_limit, selection, number, &mut self.tvr);
        match Velocity::start(&self.data)? {
            Some((velocity, command)) => Ok(self.wait(State::CheckingVelocity(velocity), command)),
            None => Ok(self.ask_for_first_cryptogram()),
        }
    }

    pub(super) fn after_counter(
        &mut self,
        mut velocity: Velocity,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        match velocity.answer(data, status, &mut self.tvr) {
            Some(command) => Ok(self.wait(State::CheckingVelocity(velocity), command)),
            None => Ok(self.ask_for_first_cryptogram()),
        }
    }

    pub(super) const fn reach(&self) -> Reach {
        Reach::of_terminal_type(self.terminal.terminal_type)
    }

    fn ask_for_first_cryptogram(&mut self) -> Step {
        let requested = self.first_request();
        self.requested = Some(requested);
        match requested {
            Cryptogram::Aac => self.data.put(tag::AUTHORISATION_RESPONSE_CODE, OFFLINE_DECLINED),
            Cryptogram::Tc => self.data.put(tag::AUTHORISATION_RESPONSE_CODE, OFFLINE_APPROVED),
            Cryptogram::Arqc => self.data.remove(tag::AUTHORISATION_RESPONSE_CODE),
        }
        let list = self.application.cdol1.clone();
        self.application.cdol1_values = self.filled(&list);
        let signed = self.asks_for_signature(requested);
        let command = Command::generate_ac(requested, signed, &self.application.cdol1_values);
        self.wait(State::FirstCryptogram { requested, signed }, command)
    }

    fn first_request(&self) -> Cryptogram {
        let analysed = action::first(self.tvr, &self.application.action_codes, self.reach());
        match (self.transaction.kind, analysed) {
            // The card only says who it is.
            (TransactionKind::Refund, _) => Cryptogram::Aac,
            // No card knows what is on the account.
            (TransactionKind::Balance, Cryptogram::Tc) => Cryptogram::Arqc,
            (_, analysed) => analysed,
        }
    }

    pub(super) fn after_first_cryptogram(
        &mut self,
        requested: Cryptogram,
        signed: bool,
        data: &[u8],
        status: Status,
    ) -> Result<Step, Termination> {
        let answer = read_cryptogram(data, status, signed)?;
        let given = answer.given.ok_or(Termination::Cryptogram)?;
        answer.keep(&mut self.data);
        self.tsi.set(Tsi::CARD_RISK_PERFORMED);
        if signed && given != Cryptogram::Aac {
            let values = self.application.cdol1_values.clone();
            match self.check_signature(&[&values], data) {
                Some(cryptogram) => self.data.put_from_card(tag::CRYPTOGRAM, &cryptogram),
                None => return Ok(self.decline_unsigned(given)),
            }
        }
        self.publish_results();
        match (requested, given) {
            (_, Cryptogram::Aac) => {
                let outcome = if self.transaction.kind == TransactionKind::Refund {
                    Outcome::Identified
                } else if answer.service_not_allowed() {
                    Outcome::NotAccepted
                } else {
                    Outcome::Declined
                };
                // A card that declines what the terminal would have approved: declined offline all the same.
                self.data.put(tag::AUTHORISATION_RESPONSE_CODE, OFFLINE_DECLINED);
                Ok(self.end(outcome))
            }
            // The issuer of a terminal that never asks it cannot be reached (Book 4, 6.3.7).
            (Cryptogram::Tc, Cryptogram::Arqc) if self.reach() == Reach::OfflineOnly => self.unable_to_go_online(),
            (Cryptogram::Tc | Cryptogram::Arqc, Cryptogram::Arqc) => {
                self.state = State::Online;
                Ok(Step::GoOnline)
            }
            (Cryptogram::Tc, Cryptogram::Tc) => Ok(self.end(Outcome::Approved)),
            // A card may step down from what was asked, never up (Book 3, 9.3).
            (Cryptogram::Arqc | Cryptogram::Aac, Cryptogram::Tc) | (Cryptogram::Aac, Cryptogram::Arqc) => {
                Err(Termination::Cryptogram)
            }
        }
    }

    /// A cryptogram whose signature is wrong is worth nothing: a TC is declined here, an ARQC never reaches the issuer and
    /// is ended with an AAC (Book 2, 6.6.2).
    fn decline_unsigned(&mut self, given: Cryptogram) -> Step {
        self.data.put(tag::AUTHORISATION_RESPONSE_CODE, OFFLINE_DECLINED);
        match given {
            Cryptogram::Arqc => self.second_cryptogram(Cryptogram::Aac, IssuerAnswer::default()),
            Cryptogram::Tc | Cryptogram::Aac => self.end(Outcome::Declined),
        }
    }
}

/// An answer to GENERATE AC.
pub(super) fn read_cryptogram(data: &[u8], status: Status, signed: bool) -> Result<CryptogramAnswer, Termination> {
    if status != Status::OK {
        return Err(Termination::Status { command: "GENERATE AC", status });
    }
    Ok(CryptogramAnswer::read(data, signed)?)
}
