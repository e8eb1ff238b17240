//! The acquirer's side of enrolment: applications of merchants, activation codes, certificates, keys and signed binding
//! records.
//!
//! [`register`] keeps the applications and their log, [`application`] says what one is, [`codes`] gives and judges activation codes,
//! and [`wrong_codes`] lets those wait who send wrong ones. [`Onboarding`] answers machines that want to be enrolled and
//! terminals that ask about themselves; [`bound`] says what a message must name to be an enrolled terminal's.

pub mod application;
pub mod bound;
pub mod codes;
pub mod register;
pub mod wrong_codes;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use openssl::x509::X509Req;
use serde::de::DeserializeOwned;
use tracing::{info, warn};

use self::application::{Application, State};
use self::codes::CodeVerdict;
use self::register::{Register, RegisterError};
use self::wrong_codes::Source;
use super::pki::{self, Credential, Purpose};
use super::store::{Store, StoreError};
use super::{HostError, random};
use crate::acquirer::enrolment::wire::{
    Answer, EnrolmentAnswer, EnrolmentRequest, Refusal, SignedRequest, TerminalAnswer, TerminalRequest, Wish,
    agreement_context,
};
use crate::crypto::elliptic::{P256PrivateKey, P256PublicKey};
use crate::crypto::hex;
use crate::crypto::mac::Cipher;
use crate::crypto::sha256::{HASH_LENGTH, sha256};
use crate::terminal::binding::{BindingRecord, Place, SignedBinding, check_text};
use crate::vault::{KeyName, agreement};

/// The host's desk for enrolments.
pub struct Onboarding {
    store: Arc<Store>,
    authority: Credential,
    signer: Credential,
    /// What master keys are of.
    cipher: Cipher,
    /// One enrolment at a time: a code is used once, also by two machines that come together.
    turn: Mutex<()>,
}

/// How far a terminal's clock may be ahead of the host's when it asks about itself: as far as one that takes payments.
const MOST_AHEAD_MS: i64 = 15 * 60 * 1000;

/// What a newly enrolled terminal is known by.
pub struct NewTerminal<'a> {
    /// Its application.
    pub application: &'a Application,
    /// Fingerprint of its certificate.
    pub certificate: &'a str,
    /// Cipher of its master key, and of the keys that come under it.
    pub cipher: Cipher,
    /// Master key.
    pub master_key: &'a [u8; 16],
    /// Device key, SM4.
    pub device_key: &'a [u8; 16],
}

/// Puts a terminal into the host's books.
pub type Take<'a> = &'a dyn Fn(&Store, &NewTerminal<'_>) -> Result<(), HostError>;

impl Onboarding {
    /// A desk that certifies with `authority`, signs binding records with `signer`, and gives master keys of `cipher`.
    pub const fn new(store: Arc<Store>, authority: Credential, signer: Credential, cipher: Cipher) -> Self {
        Self { store, authority, signer, cipher, turn: Mutex::new(()) }
    }

    /// A machine wants to be enrolled; `source` is where its request comes from.
    ///
    /// # Errors
    /// When the database or OpenSSL fails. A refusal is no error.
    pub fn enrol(
        &self,
        signed: &SignedRequest,
        source: &Source,
        take: Take<'_>,
        now: Timestamp,
    ) -> Result<Answer<EnrolmentAnswer>, HostError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(request) = read_enrolment(signed)? else {
            warn!("an enrolment that cannot be read or is not signed by its key");
            return Ok(Answer::Refused(Refusal::BadRequest));
        };
        let digest = sha256(&[signed.request.as_bytes()])?;
        let application = match self.admitted(&request, source, &digest, now)? {
            Admission::Go(application) => application,
            Admission::Again(answer) => {
                info!(serial_number = request.text.serial_number, "enrolled before, answered again");
                let answer = serde_json::from_str(&answer).map_err(|error| StoreError::Row(error.to_string()))?;
                return Ok(Answer::Granted(answer));
            }
            Admission::No(refusal) => {
                warn!(serial_number = request.text.serial_number, %source, %refusal, "not enrolled");
                return Ok(Answer::Refused(refusal));
            }
        };
        let id = application.id;
        let (master_key, device_key) = (random::<16>()?, random::<16>()?);
        let client = self.authority.certify(&request.tls_key, &application.form.serial_number, Purpose::Client)?;
        let certificate = pki::fingerprint(&client)?;
        // The record is part of the answer, so its version is drawn first; a failure below leaves a gap and nothing else.
        let bound = self.store.register(|register| register.bind_device(id, &request.device, &request.machine, now))?;
        let record = bound.record().ok_or_else(|| StoreError::Row(format!("application {id} has no record")))?;
        let ours = P256PrivateKey::from_seed(&*random()?)?;
        let host_key = ours.public_key()?.to_der()?;
        let context = agreement_context(&record.serial_number, &record.terminal_number, &request.device, &host_key);
        let protection = agreement::protection_key(&ours, &request.device_key, &context)?;
        let answer = EnrolmentAnswer {
            client_certificate: String::from_utf8_lossy(&client.to_pem()?).into_owned(),
            host_key: hex::encode(&host_key),
            master_key: agreement::seal(KeyName::Master, self.cipher, &protection, &*master_key, &*random()?)?,
            device_key: agreement::seal(KeyName::Device, self.cipher, &protection, &*device_key, &*random()?)?,
            binding: self.sign(&record)?,
        };
        let new = NewTerminal {
            application: &bound,
            certificate: &certificate,
            cipher: self.cipher,
            master_key: &master_key,
            device_key: &device_key,
        };
        take(&self.store, &new)?;
        // The code counts as used only when everything is in its place: cut short before, the same request does it again.
        let text = serde_json::to_string(&answer).map_err(|error| StoreError::Row(error.to_string()))?;
        let who = format!("machine {}", record.serial_number);
        self.store.register(|register| register.note_enrolled(id, &digest, &text, &who, now))?;
        info!(serial_number = record.serial_number, terminal = record.terminal_number, "enrolled");
        Ok(Answer::Granted(answer))
    }

    fn admitted(
        &self,
        request: &ReadEnrolment,
        source: &Source,
        digest: &[u8; HASH_LENGTH],
        now: Timestamp,
    ) -> Result<Admission, HostError> {
        let serial_number = &request.text.serial_number;
        let code = &request.text.code;
        Ok(self.store.register(|register| {
            let wrong = |application: Option<i64>, otherwise| {
                register.note_wrong_code(source, application, now)?;
                let another = register.is_code_of_another(code, application)?;
                Ok(Admission::No(if another { Refusal::OtherMachine } else { otherwise }))
            };
            let Some(application) = register.open_of_machine(serial_number)? else {
                let over = match register.newest_of_machine(serial_number)?.map(|application| application.state) {
                    Some(State::Rejected) => return Ok(Admission::No(Refusal::Rejected)),
                    Some(State::Decommissioned) => Refusal::Decommissioned,
                    _ => Refusal::WrongCode,
                };
                if register.has_to_wait(source, None, now)? {
                    return Ok(Admission::No(Refusal::TooManyCodes));
                }
                return wrong(None, over);
            };
            let id = application.id;
            match application.state {
                State::Applied => return Ok(Admission::No(Refusal::NotApproved)),
                State::Suspended => return Ok(Admission::No(Refusal::Suspended)),
                State::Rejected => return Ok(Admission::No(Refusal::Rejected)),
                State::Decommissioned => return Ok(Admission::No(Refusal::Decommissioned)),
                State::Approved | State::Active => {}
            }
            // It was right once, so nobody who guesses sends it.
            if let Some(answer) = register.answered(id, digest)? {
                return Ok(Admission::Again(answer));
            }
            if register.has_to_wait(source, Some(id), now)? {
                return Ok(Admission::No(Refusal::TooManyCodes));
            }
            let who = format!("machine {serial_number}");
            match register.judge_code(id, code, now)? {
                CodeVerdict::Right => Ok(Admission::Go(Box::new(application))),
                CodeVerdict::Used => {
                    register.log(id, &who, "came with a code that was used", now)?;
                    Ok(Admission::No(Refusal::CodeUsed))
                }
                CodeVerdict::Expired => Ok(Admission::No(Refusal::CodeExpired)),
                CodeVerdict::Wrong => {
                    register.log(id, &who, &format!("came with a wrong code from {source}"), now)?;
                    wrong(Some(id), Refusal::WrongCode)
                }
            }
        })?)
    }

    /// An enrolled terminal asks about itself. `certificate` is the fingerprint of the certificate that it showed.
    ///
    /// # Errors
    /// When the database or OpenSSL fails. A refusal is no error.
    pub fn ask(
        &self,
        certificate: &str,
        signed: &SignedRequest,
        now: Timestamp,
    ) -> Result<Answer<TerminalAnswer>, HostError> {
        let Some(request) = parse::<TerminalRequest>(&signed.request) else {
            return Ok(Answer::Refused(Refusal::BadRequest));
        };
        let terminal = self.store.terminal(&request.terminal_number)?;
        let known = terminal.is_some_and(|terminal| {
            terminal.certificate == certificate && terminal.serial_number == request.serial_number
        });
        let answer = self.store.register(|register| {
            let found = register.of_terminal(&request.terminal_number)?.filter(|_| known);
            let Some(application) = found else { return Ok(Err(Refusal::BadRequest)) };
            let key = application.device_key.as_ref().and_then(|key| P256PublicKey::from_der(key).ok());
            let signed_by_device = key.is_some_and(|key| signed.is_signed_by(&key).unwrap_or(false));
            if signed_by_device && request.at_ms > now.as_millisecond().saturating_add(MOST_AHEAD_MS) {
                // Noted as the last time, it would make everything that the terminal asks under a right clock an old request.
                register.log(application.id, "nobody known", "asked with a clock that is ahead", now)?;
                return Ok(Err(Refusal::ClockAhead));
            }
            if !signed_by_device || !register.is_later(application.id, request.at_ms)? {
                register.log(application.id, "nobody known", "asked without a right signature, or twice", now)?;
                return Ok(Err(Refusal::BadRequest));
            }
            if application.state == State::Decommissioned {
                return Ok(Err(Refusal::Decommissioned));
            }
            self.fulfil(register, application, &request, now)
        })?;
        match answer {
            Ok(record) => {
                let binding = record.map(|record| self.sign(&record)).transpose()?;
                let payments = match request.wish {
                    Wish::Payments { batch, after } => {
                        Some(self.store.payments_of(&request.terminal_number, batch, after)?)
                    }
                    Wish::Binding | Wish::Move { .. } | Wish::Decommission { .. } => None,
                };
                Ok(Answer::Granted(TerminalAnswer { binding, payments }))
            }
            Err(refusal) => {
                warn!(terminal = request.terminal_number, %refusal, "a terminal's wish about itself");
                Ok(Answer::Refused(refusal))
            }
        }
    }

    fn fulfil(
        &self,
        register: &Register<'_>,
        application: Application,
        request: &TerminalRequest,
        now: Timestamp,
    ) -> Result<Result<Option<BindingRecord>, Refusal>, RegisterError> {
        let who = format!("terminal {}", request.terminal_number);
        match &request.wish {
            Wish::Binding => Ok(Ok(application.record())),
            Wish::Payments { .. } => Ok(Ok(None)),
            Wish::Move { address, coordinates, radius_m } => {
                if check_text(address).is_err() || Place::parse(coordinates, *radius_m).is_err() {
                    return Ok(Err(Refusal::BadRequest));
                }
                let wish = format!("{address}; {coordinates}; {radius_m} m");
                register.note_move_asked(application.id, &wish, &who, now)?;
                Ok(Ok(None))
            }
            Wish::Decommission { unfinished: 0, unsettled: 0 } => {
                register.decommission(application.id, &who, "at its merchant's wish", now)?;
                Ok(Ok(None))
            }
            Wish::Decommission { unfinished, unsettled } => {
                let what = format!(
                    "asks to be decommissioned with {unfinished} payments not finished, {unsettled} not settled"
                );
                register.log(application.id, &who, &what, now)?;
                Ok(Err(Refusal::PaymentsOpen))
            }
        }
    }

    fn sign(&self, record: &BindingRecord) -> Result<SignedBinding, HostError> {
        let text = record.text();
        let signature = hex::encode(&self.signature(text.as_bytes())?);
        let certificate = String::from_utf8_lossy(&self.signer.certificate.to_pem()?).into_owned();
        Ok(SignedBinding { record: text, signature, certificate })
    }
}

impl Onboarding {
    /// Signs by the key of binding records: ECDSA with SHA-256, DER.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub(super) fn signature(&self, text: &[u8]) -> Result<Vec<u8>, HostError> {
        let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &self.signer.key)?;
        signer.update(text)?;
        Ok(signer.sign_to_vec()?)
    }

    /// The public half of that key: SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// Passed on from OpenSSL.
    pub(super) fn signer_key(&self) -> Result<Vec<u8>, HostError> {
        Ok(self.signer.key.public_key_to_der()?)
    }
}

impl std::fmt::Debug for Onboarding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Onboarding(masked)")
    }
}

enum Admission {
    Go(Box<Application>),
    Again(String),
    No(Refusal),
}

/// A request whose parts were read and whose signatures were found right.
struct ReadEnrolment {
    text: EnrolmentRequest,
    device: Vec<u8>,
    device_key: P256PublicKey,
    machine: Vec<u8>,
    tls_key: openssl::pkey::PKey<openssl::pkey::Public>,
}

/// Nothing when the request is not one, or its keys did not sign it.
fn read_enrolment(signed: &SignedRequest) -> Result<Option<ReadEnrolment>, HostError> {
    let Some(text) = parse::<EnrolmentRequest>(&signed.request) else { return Ok(None) };
    let Ok(device) = hex::decode(&text.device_key) else { return Ok(None) };
    let Ok(device_key) = P256PublicKey::from_der(&device) else { return Ok(None) };
    let Ok(machine) = hex::decode(&text.machine) else { return Ok(None) };
    if machine.len() != HASH_LENGTH || !signed.is_signed_by(&device_key)? {
        return Ok(None);
    }
    let Ok(wanted) = X509Req::from_pem(text.certificate_request.as_bytes()) else { return Ok(None) };
    let Ok(tls_key) = wanted.public_key() else { return Ok(None) };
    // Who asks for a certificate holds its key, and it is on the curve that this program uses.
    let on_curve = tls_key.public_key_to_der().is_ok_and(|der| P256PublicKey::from_der(&der).is_ok());
    if !on_curve || !wanted.verify(&tls_key).unwrap_or(false) || tls_key.public_key_to_der()? == device {
        return Ok(None);
    }
    Ok(Some(ReadEnrolment { text, device, device_key, machine, tls_key }))
}

fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
