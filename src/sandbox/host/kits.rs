//! Terminals that a host enrols by itself, and what each of them needs to speak to it: its kit.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use openssl::x509::X509;
use zeroize::Zeroizing;

use super::files::{self, Readers};
use super::onboarding::NewTerminal;
use super::onboarding::application::{Form, Numbers};
use super::onboarding::bound::Bound;
use super::onboarding::register;
use super::onboarding::wrong_codes::Source;
use super::store::{Store, StoreError, TerminalRow};
use super::{DEFAULT_TERMINAL, Host, HostError, PKI, pki};
use crate::acquirer::enrolment::wire::SignedRequest;
use crate::acquirer::enrolment::{Enrolment, EnrolmentError};
use crate::clock;
use crate::terminal::binding::Place;
use crate::terminal::custody::Custody;
use crate::terminal::identity::{self, Identity};
use crate::terminal::link::LinkSettings;
use crate::terminal::{journal, machine};
use crate::vault::software;

impl Host {
    /// The terminal that every host knows gets a new kit.
    ///
    /// # Errors
    /// When its files or its row cannot be written.
    pub(super) fn enrol_default(&self) -> Result<(), HostError> {
        let (form, numbers) = default_application();
        self.enrol_kit(&form, &numbers)
    }

    /// Takes a terminal into the register and enrols it as any other: application, approval, activation code, keys. One of
    /// the same number is replaced. Of the identity count its numbers, names and addresses.
    ///
    /// # Errors
    /// When its numbers are not what they should be, or its files or its row cannot be written.
    pub fn enrol(&self, identity: &Identity) -> Result<(), HostError> {
        let form = Form {
            serial_number: identity.serial_number.clone(),
            merchant_name: identity.merchant_name.clone(),
            credit_code: identity.credit_code.clone(),
            account: identity.settlement_account.clone(),
            address: identity.address.clone(),
            place: DEFAULT_PLACE,
        };
        let numbers = Numbers {
            acquirer: identity.acquirer_code.clone(),
            merchant: identity.merchant_code.clone(),
            terminal: identity.terminal_number.clone(),
        };
        self.enrol_kit(&form, &numbers)
    }

    fn enrol_kit(&self, form: &Form, numbers: &Numbers) -> Result<(), HostError> {
        let kit = self.kit(&numbers.terminal)?;
        let now = clock::timestamp();
        let code = self.store.register(|register| {
            for other in register.all()? {
                let same_machine = other.form.serial_number == form.serial_number;
                let same_number = other.numbers.as_ref().is_some_and(|known| known.terminal == numbers.terminal);
                if (same_machine || same_number) && other.is_open() {
                    register.decommission(other.id, SANDBOX, "another kit takes its place", now)?;
                }
            }
            let id = register.apply(form, SANDBOX, now)?;
            register.approve(id, Some(numbers.clone()), SANDBOX, now)
        })?;
        files::private_directory(&self.state.join(TERMINALS))?;
        if kit.exists() {
            std::fs::remove_dir_all(&kit)?;
        }
        files::private_directory(&kit)?;
        let authority = std::fs::read(self.state.join(PKI).join("ca.pem"))?;
        files::write(&kit.join(identity::AUTHORITIES), &authority, Readers::All)?;
        let onboarding = self.onboarding()?;
        let enrolment = Enrolment {
            settings: &LinkSettings::default(),
            dialect: &self.dialect,
            directory: &kit,
            serial_number: &form.serial_number,
            machine: &machine::SOURCES.map(PathBuf::from),
            custody: &Custody::Software,
        };
        let mut desk = |signed: &SignedRequest| {
            let here = Source::of(Ipv4Addr::LOCALHOST.into());
            onboarding
                .enrol(signed, &here, &take_terminal, now)
                .map_err(|error| EnrolmentError::Link(error.to_string()))
        };
        enrolment.carry_out(&code, &mut desk, &mut |_| ())?;
        Ok(())
    }

    /// Writes what the default terminal needs into a directory, as if it had been enrolled there: `binding.json`,
    /// `binding-ca.pem`, `machine.toml`, `journal.jsonl`, `vault-TEST.toml`, `acquirer-ca.pem`, `client.pem`, `client.key`. A kit that is there is
    /// replaced.
    ///
    /// # Errors
    /// When the directory cannot be written, or holds an identity that is not for tests.
    pub fn write_kit(&self, directory: &Path) -> Result<(), HostError> {
        self.write_kit_of(DEFAULT_TERMINAL, directory)
    }

    /// As [`Host::write_kit`], for another enrolled terminal.
    ///
    /// # Errors
    /// Also when no terminal has that number.
    pub fn write_kit_of(&self, terminal: &str, directory: &Path) -> Result<(), HostError> {
        let kit = self.kit(terminal)?;
        if !self.has_kit_of(terminal)? {
            return Err(HostError::UnknownTerminal(terminal.to_owned()));
        }
        files::private_directory(directory)?;
        let there = directory.join(identity::FILE).exists();
        if there && !identity::unverified(directory).is_ok_and(|record| record.test) {
            return Err(HostError::RealIdentity(directory.display().to_string()));
        }
        // The identity comes last: with it the kit is complete.
        for (name, readers) in [
            (software::FILE, Readers::Owner),
            (identity::AUTHORITIES, Readers::All),
            (identity::BINDING_AUTHORITIES, Readers::All),
            (CLIENT_CERTIFICATE, Readers::All),
            ("client.key", Readers::Owner),
            (machine::FILE, Readers::Owner),
            (journal::FILE, Readers::Owner),
            (identity::FILE, Readers::All),
        ] {
            let content = Zeroizing::new(std::fs::read(kit.join(name))?);
            files::write(&directory.join(name), &content, readers)?;
        }
        Ok(())
    }

    /// Whether a directory has the identity of the default terminal, and has it as it is in the register now.
    ///
    /// # Errors
    /// When the kit cannot be read.
    pub fn is_kit(&self, directory: &Path) -> Result<Option<bool>, HostError> {
        if !identity::unverified(directory)
            .is_ok_and(|record| record.test && record.terminal_number == DEFAULT_TERMINAL)
        {
            return Ok(None);
        }
        let kept = std::fs::read(self.kit(DEFAULT_TERMINAL)?.join(CLIENT_CERTIFICATE))?;
        Ok(Some(std::fs::read(directory.join(CLIENT_CERTIFICATE)).is_ok_and(|certificate| certificate == kept)))
    }

    /// Do register and kit belong together? Not when an enrolment was cut short.
    pub(super) fn has_kit_of(&self, terminal: &str) -> Result<bool, HostError> {
        let Some(registered) = self.store.terminal(terminal)? else { return Ok(false) };
        if Bound::of(&self.store, terminal)?.is_none() {
            return Ok(false);
        }
        let certificate = std::fs::read(self.kit(terminal)?.join(CLIENT_CERTIFICATE)).unwrap_or_default();
        match X509::from_pem(&certificate) {
            Ok(certificate) => Ok(pki::fingerprint(&certificate)? == registered.certificate),
            Err(_) => Ok(false),
        }
    }

    fn kit(&self, terminal: &str) -> Result<PathBuf, HostError> {
        // The number becomes the name of a directory.
        if terminal.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(self.state.join(TERMINALS).join(terminal))
        } else {
            Err(HostError::UnknownTerminal(terminal.to_owned()))
        }
    }
}

const CLIENT_CERTIFICATE: &str = "client.pem";
const TERMINALS: &str = "terminals";

/// Who changes the register when the sandbox does it by itself.
const SANDBOX: &str = "sandbox";

/// Where sandbox terminals stand: on Tian'anmen Square, where no shop is.
const DEFAULT_PLACE: Place = Place { latitude_e6: 39_903_200, longitude_e6: 116_397_800, radius_m: 500 };

/// The one merchant every sandbox host knows. None of these numbers belongs to anybody.
fn default_application() -> (Form, Numbers) {
    let form = Form {
        serial_number: "00000402TEST0001".to_owned(),
        merchant_name: "老王小吃店".to_owned(),
        credit_code: "91000000TE5T00001W".to_owned(),
        account: "6222 **** **** 0001".to_owned(),
        address: "北京市测试区示例路1号（测试）".to_owned(),
        place: DEFAULT_PLACE,
    };
    let numbers = Numbers {
        acquirer: register::ACQUIRER.to_owned(),
        merchant: "999TEST00000001".to_owned(),
        terminal: DEFAULT_TERMINAL.to_owned(),
    };
    (form, numbers)
}

/// Puts a newly enrolled terminal into the host's books. Its working keys come when it signs on.
pub(super) fn take_terminal(store: &Store, new: &NewTerminal<'_>) -> Result<(), HostError> {
    let numbers = new.application.numbers.as_ref().ok_or_else(|| StoreError::Row("no numbers".to_owned()))?;
    store.register_terminal(&TerminalRow {
        terminal: &numbers.terminal,
        merchant: &numbers.merchant,
        serial_number: &new.application.form.serial_number,
        acquirer: &numbers.acquirer,
        certificate: new.certificate,
        cipher: new.cipher,
        master_key: new.master_key,
        device_key: new.device_key,
    })?;
    Ok(())
}
