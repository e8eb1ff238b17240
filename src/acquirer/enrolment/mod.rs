//! Enrolment, the terminal's side: keys are made here, the acquirer certifies them and sends its own under an agreed key, and
//! its signed binding record says which machine collects for whom.
//!
//! [`Enrolment`] asks and puts what comes into its place as a whole ([`stage`]); [`wire`] is what is said, [`https`] how it
//! travels, [`client_key`] the key for TLS. Whether the terminal may be enrolled now is decided elsewhere.

pub mod client_key;
pub mod https;
mod kept;
mod stage;
pub mod wire;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use self::kept::KeptRequest;
use self::stage::Stage;
use self::wire::{
    ActivationCode, Answer, BookedPayments, EnrolmentAnswer, Refusal, SignedRequest, TerminalAnswer, TerminalRequest,
    Wish, agreement_context,
};
use crate::crypto::{CryptoError, hex};
use crate::iso8583::Dialect;
use crate::terminal::binding::{BindingError, BindingRecord, key_name};
use crate::terminal::custody::Custody;
use crate::terminal::identity::{self, Identity, IdentityError};
use crate::terminal::journal::{Event, Journal, JournalError};
use crate::terminal::link::LinkSettings;
use crate::terminal::machine::{Fingerprint, MachineError, MachineProof};
use crate::vault::{SecureElement, VaultError};

/// Why a terminal is not enrolled, or is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The host says no.
    #[error("the host refused: {0}")]
    Refused(Refusal),
    /// The host was not reached, or did not answer.
    #[error("{0}; check the network and host.url, then try again: the code is still good")]
    Link(String),
    /// The answer cannot be read or believed.
    #[error("the host's answer is not taken: {0}; report this to the acquirer")]
    Answer(String),
    /// A setting with which a terminal cannot be enrolled.
    #[error("{key}: {problem}")]
    Setting {
        /// Which.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The terminal is to leave service with payments that nobody finished or gave up.
    #[error(
        "{unfinished} payments and messages about payments are not finished, and no key is left to finish them with \
         afterwards. Start the terminal: the host still takes them. What it cannot take any more a person gives up: \
         yima decommission --give-up"
    )]
    Unfinished {
        /// How many.
        unfinished: u32,
    },
    /// The request cannot be written.
    #[error("the request cannot be written: {0}")]
    Request(String),
    /// The binding record.
    #[error("the host's answer is not taken: {0}; report this to the acquirer")]
    Binding(#[from] BindingError),
    /// What the terminal is now.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The machine.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A computation.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// OpenSSL's own words.
    #[error("OpenSSL: {0}")]
    OpenSsl(#[from] openssl::error::ErrorStack),
}

impl EnrolmentError {
    fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

/// What an enrolment is made of.
#[derive(Clone, Debug)]
pub struct Enrolment<'a> {
    /// File names of authorities, certificate and key.
    pub settings: &'a LinkSettings,
    /// What keys the terminal will need: a secure element that cannot have them is refused before anybody is asked.
    pub dialect: &'a Dialect,
    /// The identity directory.
    pub directory: &'a Path,
    /// The machine's serial number (TUSN).
    pub serial_number: &'a str,
    /// Where the machine says which it is.
    pub machine: &'a [PathBuf],
    /// Where its keys are, and are made.
    pub custody: &'a Custody,
}

/// How far an enrolment is, before each part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Keys are made.
    MakingKeys,
    /// The host is asked.
    AskingHost,
    /// Its answer is checked and written beside what was before.
    TakingAnswer,
    /// The new identity comes into its place.
    PuttingInPlace,
    /// What was before is destroyed.
    DestroyingOld,
}

/// Asks the host for an enrolment.
pub type Host<'a> = &'a mut dyn FnMut(&SignedRequest) -> Result<Answer<EnrolmentAnswer>, EnrolmentError>;

impl Enrolment<'_> {
    /// Enrols the terminal, or enrols it anew: what it had is destroyed when the new identity is in its place.
    ///
    /// An enrolment whose answer was lost is taken up with the same request, as long as the code is the same.
    ///
    /// # Errors
    /// When the host says no, nothing valid came, or something cannot be written. What the terminal was, it still is.
    pub fn carry_out(
        &self,
        code: &ActivationCode,
        host: Host<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<BindingRecord, EnrolmentError> {
        progress(Progress::MakingKeys);
        let stage = Stage::open(self.directory, self.custody)?;
        let request = self.begin(&stage, code)?;
        progress(Progress::AskingHost);
        let answer = match host(&request)? {
            Answer::Granted(answer) => answer,
            // Nobody has looked at the request: it is sent again.
            Answer::Refused(refusal @ Refusal::TooManyCodes) => return Err(EnrolmentError::Refused(refusal)),
            Answer::Refused(refusal) => {
                // Keys that were refused are of no use. Another try makes others.
                stage.clear()?;
                return Err(EnrolmentError::Refused(refusal));
            }
        };
        progress(Progress::TakingAnswer);
        let record = self.fill(&stage, &answer)?;
        progress(Progress::PuttingInPlace);
        stage.exchange()?;
        progress(Progress::DestroyingOld);
        if let Err(error) = stage.finish() {
            // It was decided: this is the new identity, whatever becomes of the old one's keys today.
            tracing::warn!(%error, "the keys before are not destroyed yet; the next start does it");
        }
        Ok(record)
    }

    /// Makes the keys and the request, or finds those of an enrolment that was cut short.
    fn begin(&self, stage: &Stage<'_>, code: &ActivationCode) -> Result<SignedRequest, EnrolmentError> {
        let fingerprint = Fingerprint::take(self.machine)?;
        let proof = fingerprint.proof(self.serial_number)?;
        if let Some(kept) = stage.request()?
            && let Some(vault) = self.vault_of(stage, &kept, &proof, code)?
        {
            return SignedRequest::sign(&*vault, &kept.whole(&proof, code));
        }
        stage.clear()?;
        let authorities = std::fs::read(self.authorities()?)
            .map_err(|source| EnrolmentError::file(&self.directory.join(&self.settings.ca_file), source))?;
        stage.make()?;
        let vault = self.custody.begin(stage.folder())?;
        vault.set_mac_algorithm(self.dialect.mac)?;
        vault.set_key_cipher(self.dialect.sign_on.cipher)?;
        if fingerprint.is_nameless() && !vault.is_test() {
            return Err(MachineError::Nameless.into());
        }
        let device_key = vault.generate()?;
        let tls = client_key::make(self.serial_number)?;
        stage.write(relative(&self.settings.client_key_file, "host.client_key_file")?, &tls.key)?;
        if self.settings.ca_file.is_relative() {
            stage.write(&self.settings.ca_file, &authorities)?;
        }
        fingerprint.note(self.serial_number)?.save(stage.folder())?;
        let kept = KeptRequest {
            serial_number: self.serial_number.to_owned(),
            device_key: hex::encode(&device_key),
            application_version: env!("CARGO_PKG_VERSION").to_owned(),
            certificate_request: tls.certificate_request,
            code_check: KeptRequest::code_check(&proof, self.serial_number, code)?,
        };
        let request = SignedRequest::sign(&*vault, &kept.whole(&proof, code))?;
        // It comes last: with it the stage is complete, and can be found again.
        stage.note_request(&kept)?;
        Ok(request)
    }

    /// The keys of a request that was kept, when it is this machine's, with this code, and they are there.
    fn vault_of(
        &self,
        stage: &Stage<'_>,
        kept: &KeptRequest,
        proof: &MachineProof,
        code: &ActivationCode,
    ) -> Result<Option<Box<dyn SecureElement>>, EnrolmentError> {
        if !kept.is_for(proof, self.serial_number, code)? {
            return Ok(None);
        }
        let opened = self.custody.open(stage.folder()).and_then(|vault| Ok((vault.public_key()?, vault)));
        match opened {
            Ok((key, vault)) => Ok((kept.device_key == hex::encode(&key)).then_some(vault)),
            // What cannot be reached now may be there later; what is not there will not come.
            Err(error @ VaultError::Token(_)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    /// Checks the answer as a whole and writes the identity into the stage.
    fn fill(&self, stage: &Stage<'_>, answer: &EnrolmentAnswer) -> Result<BindingRecord, EnrolmentError> {
        let refused = |problem: &str| EnrolmentError::Answer(problem.to_owned());
        let vault = self.custody.open(stage.folder())?;
        vault.set_key_cipher(self.dialect.sign_on.cipher)?;
        let device_key = vault.public_key()?;
        let authorities = self.authorities()?;
        let authorities = std::fs::read(&authorities).map_err(|source| EnrolmentError::file(&authorities, source))?;
        let record = answer.binding.verified(&authorities)?;
        if record.serial_number != self.serial_number {
            return Err(refused("its binding record is for another machine"));
        }
        if record.device_key != key_name(&device_key)? {
            return Err(refused("its binding record is for another device key"));
        }
        if record.test != vault.is_test() {
            return Err(refused("test keys and a live merchant, or the other way round"));
        }
        let key_file = relative(&self.settings.client_key_file, "host.client_key_file")?;
        let key_path = stage.folder().join(key_file);
        let key = std::fs::read(&key_path)
            .map(zeroize::Zeroizing::new)
            .map_err(|source| EnrolmentError::file(&key_path, source))?;
        let certificate = answer.client_certificate.as_bytes();
        if !client_key::belong_together(certificate, &key).unwrap_or(false) {
            return Err(refused("its certificate is for another key"));
        }
        let host_key = hex::decode(&answer.host_key).map_err(|_| refused("the host's key cannot be read"))?;
        let context = agreement_context(self.serial_number, &record.terminal_number, &device_key, &host_key);
        vault.import_under_agreement(&host_key, &context, &answer.master_key, &answer.device_key)?;

        stage.write(relative(&self.settings.client_certificate_file, "host.client_certificate_file")?, certificate)?;
        stage.write(Path::new(identity::BINDING_AUTHORITIES), &authorities)?;
        self.custody.hand_over(self.directory, stage.folder())?;
        self.journal(&*vault, &record)?.save(stage.folder())?;
        identity::save(stage.folder(), &answer.binding)?;
        Ok(record)
    }

    /// The journal of the terminal, going on. Keys before name those that follow them, where they still can.
    fn journal(&self, vault: &dyn SecureElement, record: &BindingRecord) -> Result<Journal, EnrolmentError> {
        let now = record.issued_at;
        let detail = format!("merchant {}, terminal {}", record.merchant_code, record.terminal_number);
        let mut journal = Journal::load(self.directory).unwrap_or_else(|error| {
            tracing::warn!(%error, "a new journal is begun");
            Journal::default()
        });
        if !journal.entries().is_empty() && !journal.is_decommissioned() {
            let announced = self.custody.open(self.directory).map_err(JournalError::Vault).and_then(|before| {
                let version = journal.newest_binding();
                journal.push(&*before, Event::KeysReplaced, &key_name(&vault.public_key()?)?, version, now)
            });
            if let Err(error) = announced {
                tracing::warn!(%error, "the keys before cannot name those that follow: a new journal is begun");
                journal = Journal::default();
            }
        }
        journal.push(vault, Event::Enrolled, &detail, record.version, now)?;
        Ok(journal)
    }

    fn authorities(&self) -> Result<PathBuf, EnrolmentError> {
        let path = self.directory.join(&self.settings.ca_file);
        if path.exists() {
            Ok(path)
        } else {
            let problem = format!("{} is not there; put the acquirer's authorities into it first", path.display());
            Err(EnrolmentError::Setting { key: "host.ca_file", problem })
        }
    }
}

/// Files that enrolment writes are in the identity directory: only there they come into their place together.
fn relative<'a>(file: &'a Path, key: &'static str) -> Result<&'a Path, EnrolmentError> {
    if file.components().count() == 1 && file.is_relative() {
        Ok(file)
    } else {
        let problem = "enrolment writes this file, so it is a plain name within the identity directory".to_owned();
        Err(EnrolmentError::Setting { key, problem })
    }
}

/// Finishes an enrolment that was cut short after it was decided: the keys before are destroyed.
///
/// # Errors
/// When they cannot be.
pub fn finish(directory: &Path, custody: &Custody) -> Result<(), EnrolmentError> {
    Stage::open(directory, custody).map(|_| ())
}

/// Gives up an enrolment that was not decided: its keys are destroyed.
///
/// # Errors
/// When they cannot be.
pub fn give_up(directory: &Path, custody: &Custody) -> Result<(), EnrolmentError> {
    Stage::open(directory, custody)?.clear()
}

/// An enrolled terminal asks about itself.
pub type Desk<'a> = &'a mut dyn FnMut(&SignedRequest) -> Result<Answer<TerminalAnswer>, EnrolmentError>;

/// What an enrolled terminal is when it asks about itself.
pub struct Enrolled<'a> {
    /// File name of the authorities.
    pub settings: &'a LinkSettings,
    /// The identity directory.
    pub directory: &'a Path,
    /// Who it is.
    pub identity: &'a Identity,
    /// Holds the device key.
    pub vault: &'a dyn SecureElement,
}

impl Enrolled<'_> {
    /// Fetches the binding record and takes it when it is newer than the one that counts. Gives the identity that it makes.
    ///
    /// # Errors
    /// When nothing valid came, or the record makes this another terminal: that needs an enrolment.
    pub fn refresh(&self, desk: Desk<'_>, now: Timestamp) -> Result<Option<Identity>, EnrolmentError> {
        let refused = |problem: &str| EnrolmentError::Answer(problem.to_owned());
        let answer = self.ask(desk, Wish::Binding, now)?;
        let binding = answer.binding.ok_or_else(|| refused("there is no binding record in it"))?;
        let authorities = identity::binding_authorities(self.directory, &self.settings.ca_file)?;
        let record = binding.verified(&authorities)?;
        let ours = self.identity;
        if record.version <= ours.version {
            if Journal::load(self.directory)?.newest_binding() < ours.version {
                // The power went after the record was taken and before it was written down.
                self.note(Event::BindingReplaced, &format!("{}, {}", record.address, record.place), ours.version, now)?;
            }
            return Ok(None);
        }
        let same = record.serial_number == ours.serial_number
            && record.acquirer_code == ours.acquirer_code
            && record.merchant_code == ours.merchant_code
            && record.terminal_number == ours.terminal_number
            && record.test == ours.test
            && record.device_key == key_name(&self.vault.public_key()?)?;
        if !same {
            return Err(refused("its binding record is another terminal's; enrol this one anew"));
        }
        identity::save(self.directory, &binding)?;
        let detail = format!("{}, {}", record.address, record.place);
        self.note(Event::BindingReplaced, &detail, record.version, now)?;
        Ok(Some(Identity::of(&record, ours.machine.clone())?))
    }

    /// Asks for another place. The acquirer decides; its new record brings it.
    ///
    /// # Errors
    /// When the host refuses or does not answer.
    pub fn ask_to_move(
        &self,
        desk: Desk<'_>,
        address: &str,
        coordinates: &str,
        radius_m: u32,
        now: Timestamp,
    ) -> Result<(), EnrolmentError> {
        let wish = Wish::Move { address: address.to_owned(), coordinates: coordinates.to_owned(), radius_m };
        self.ask(desk, wish, now)?;
        let detail = format!("{address}, {coordinates}, {radius_m} m");
        self.note(Event::MoveRequested, &detail, self.identity.version, now)
    }

    /// Asks for payments of a batch as the host booked them, with higher numbers than `after`.
    ///
    /// # Errors
    /// When the host refuses or does not answer.
    pub fn ask_for_payments(
        &self,
        desk: Desk<'_>,
        batch: u32,
        after: u32,
        now: Timestamp,
    ) -> Result<BookedPayments, EnrolmentError> {
        let answer = self.ask(desk, Wish::Payments { batch, after }, now)?;
        answer.payments.ok_or_else(|| EnrolmentError::Answer("there are no payments in it".to_owned()))
    }

    /// Takes the terminal out of service: the host marks it, the journal says so, and the keys are destroyed. What is not
    /// finished then can never be: where the acquirer ordered it all the same, `given_up` says who answers for that, and why.
    ///
    /// # Errors
    /// When the host refuses or does not answer, or payments are not finished and nobody gives them up; then nothing has
    /// changed. When the keys cannot be destroyed: then it must be tried again.
    pub fn decommission(
        &self,
        desk: Desk<'_>,
        unfinished: u32,
        unsettled: u32,
        given_up: Option<&str>,
        now: Timestamp,
    ) -> Result<(), EnrolmentError> {
        match self.ask(desk, Wish::Decommission { unfinished, unsettled }, now) {
            Ok(_) | Err(EnrolmentError::Refused(Refusal::Decommissioned)) => {}
            Err(error) => return Err(error),
        }
        let by = match (unfinished, given_up) {
            (0, _) => String::new(),
            (_, Some(by)) => format!("; given up by {by}"),
            (_, None) => return Err(EnrolmentError::Unfinished { unfinished }),
        };
        let detail = format!("{unfinished} payments not finished, {unsettled} not settled{by}");
        self.note(Event::Decommissioned, &detail, self.identity.version, now)?;
        Ok(self.vault.zeroize()?)
    }

    fn ask(&self, desk: Desk<'_>, wish: Wish, now: Timestamp) -> Result<TerminalAnswer, EnrolmentError> {
        let request = TerminalRequest {
            serial_number: self.identity.serial_number.clone(),
            terminal_number: self.identity.terminal_number.clone(),
            at_ms: now.as_millisecond(),
            wish,
        };
        match desk(&SignedRequest::sign(self.vault, &request)?)? {
            Answer::Granted(answer) => Ok(answer),
            Answer::Refused(refusal) => Err(EnrolmentError::Refused(refusal)),
        }
    }

    fn note(&self, event: Event, detail: &str, version: u32, now: Timestamp) -> Result<(), EnrolmentError> {
        let mut journal = Journal::load(self.directory)?;
        journal.push(self.vault, event, detail, version, now)?;
        Ok(journal.save(self.directory)?)
    }
}
