//! Terminal and host over loopback: a real link, a real server, cryptograms computed as a card computes them.

mod balances;
mod binding;
mod ciphers;
mod decisions;
pub(super) mod desk;
mod enrolment;
mod goods;
mod in_service;
mod instalments;
mod invariant;
mod kinds;
mod line;
mod macs;
mod older;
mod parameters;
mod pins;
mod pre_authorisations;
mod refunds;
mod reversals;
mod sign_on;
mod signatures;
mod stripes;
mod transport;
mod voids;
mod wrong_codes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::date;
use tempfile::TempDir;

use super::store::{Entry, EntryState};
use super::{Host, RunningHost, pki};
use crate::acquirer::link::{HostLink, HttpsLink};
use crate::card_number::Pan;
use crate::crypto::emv::SessionKey;
use crate::crypto::hex;
use crate::emv::tag;
use crate::emv::tlv::{self, TlvBuilder};
use crate::goods::sold::Sold;
use crate::money::{Amount, Currency};
use crate::payment::online::{
    CardForHost, Decision, EntryMode, HostAnswer, LinkFailure, ReversalReason, ReversalRequest, SaleRequest,
};
use crate::payment::transaction::Kind;
use crate::reference::{Batch, Stan, TraceNumber};
use crate::sandbox::card::profile::{ApplicationProfile, CardProfile};
use crate::sandbox::issuer::CryptogramInput;
use crate::terminal::identity::Identity;
use crate::terminal::link::LinkSettings;
use crate::vault::KeyName;
use crate::vault::software::{self, SoftwareVault};

const BALANCE: u64 = 1_000_000;

/// A host on a free port, and a terminal with its kit.
struct House {
    host: Host,
    running: RunningHost,
    directory: TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::prepare(&directory.path().join("host")).unwrap();
        host.write_kit(&directory.path().join("kit")).unwrap();
        let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let house = Self { host, running, directory };
        house.sign_on(&house.kit());
        house
    }

    /// New working keys for a kit; those of its copies are void then.
    fn sign_on(&self, kit: &Path) {
        self.link_of(kit).sign_on(trace(999_999)).unwrap();
    }

    fn kit(&self) -> PathBuf {
        self.directory.path().join("kit")
    }

    fn link(&self) -> HttpsLink {
        self.link_of(&self.kit())
    }

    fn link_of(&self, kit: &Path) -> HttpsLink {
        open(&self.running.link_settings(), kit)
    }

    /// A terminal that gives up soon, where silence is what is tested.
    fn impatient(&self) -> HttpsLink {
        open(&self.impatient_settings(), &self.kit())
    }

    fn impatient_settings(&self) -> LinkSettings {
        LinkSettings { connect_timeout_s: 3, answer_timeout_s: 1, ..self.running.link_settings() }
    }

    fn balance(&self) -> u64 {
        self.running.balance(&profile().pan).unwrap().unwrap()
    }

    /// Another terminal of another merchant, enrolled at the same host.
    fn other_kit(&self) -> PathBuf {
        let kit = self.directory.path().join("other");
        let mut identity = Identity::load(&self.kit()).unwrap();
        identity.terminal_number = "10000002".to_owned();
        identity.merchant_code = "999TEST00000002".to_owned();
        identity.serial_number = "00000402TEST0002".to_owned();
        self.host.enrol(&identity).unwrap();
        self.host.write_kit_of("10000002", &kit).unwrap();
        self.sign_on(&kit);
        kit
    }

    /// A copy of the kit to damage, with its working keys.
    fn copied_kit(&self) -> PathBuf {
        let kit = self.directory.path().join("copy");
        self.host.write_kit(&kit).unwrap();
        std::fs::copy(self.kit().join(software::FILE), kit.join(software::FILE)).unwrap();
        kit
    }
}

fn open(settings: &LinkSettings, kit: &Path) -> HttpsLink {
    open_as(settings, kit, Identity::load(kit).unwrap())
}

/// A terminal whose program does not look at its own binding record.
fn open_as(settings: &LinkSettings, kit: &Path, identity: Identity) -> HttpsLink {
    let vault = Arc::new(SoftwareVault::open(kit).unwrap());
    HttpsLink::open(settings, kit, identity, vault).unwrap()
}

fn profile() -> ApplicationProfile {
    CardProfile::shipped("unionpay-debit").unwrap().applications.remove(0)
}

fn trace(stan: u32) -> TraceNumber {
    TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() }
}

fn cny(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

/// A sale with a cryptogram made as a card makes it; the STAN is also the card's transaction counter.
fn sale(stan: u32, minor: u64) -> SaleRequest {
    sale_of(&profile(), stan, minor)
}

fn sale_of(profile: &ApplicationProfile, stan: u32, minor: u64) -> SaleRequest {
    SaleRequest {
        trace: trace(stan),
        kind: Kind::Sale,
        original: None,
        amount: cny(minor),
        at: date(2026, 11, 22).at(14, 3, 5, 0),
        card: CardForHost {
            pan: Pan::parse(&profile.pan).unwrap(),
            expiry: Some(hex::decode(&profile.expiry).unwrap().try_into().unwrap()),
            track2: None,
            track3: None,
            sequence_number: Some(profile.sequence_number.number()),
            entry: EntryMode::Chip,
        },
        chip_data: chip_data(profile, stan as u16, minor, &Signed::default()).into(),
        pin: None,
        in_part: false,
        instalments: None,
        sold: Sold::default(),
    }
}

fn session_key(profile: &ApplicationProfile, atc: u16) -> SessionKey {
    profile
        .issuer_key()
        .unwrap()
        .card_master_key(&profile.pan, profile.sequence_number)
        .unwrap()
        .session_key(atc)
        .unwrap()
}

fn arqc(profile: &ApplicationProfile, atc: u16, minor: u64) -> [u8; 8] {
    cryptogram(profile, atc, minor, &Signed::default())
}

/// What a card signs beside amount and counter.
struct Signed {
    /// 5F2A.
    currency: [u8; 2],
    /// 9C.
    transaction_type: u8,
    /// 9F10, of which the card signs bytes 4 to 7.
    issuer_data: [u8; 8],
}

impl Default for Signed {
    fn default() -> Self {
        Self { currency: [0x01, 0x56], transaction_type: 0, issuer_data: [7, 1, 1, 0x03, 0xA0, 0, 0, 1] }
    }
}

fn cryptogram(profile: &ApplicationProfile, atc: u16, minor: u64, signed: &Signed) -> [u8; 8] {
    let input = CryptogramInput {
        amount_authorised: &hex::decode(&format!("{minor:012}")).unwrap(),
        amount_other: &[0; 6],
        terminal_country: &[0x01, 0x56],
        tvr: &[0; 5],
        currency: &signed.currency,
        date: &[0x26, 0x11, 0x22],
        transaction_type: &[signed.transaction_type],
        unpredictable_number: &[1, 2, 3, 4],
        aip: &[0x7C, 0],
        atc: &atc.to_be_bytes(),
        card_verification_results: &signed.issuer_data[3..7],
    };
    session_key(profile, atc).application_cryptogram(&input.bytes()).unwrap()
}

fn chip_data(profile: &ApplicationProfile, atc: u16, minor: u64, signed: &Signed) -> Vec<u8> {
    TlvBuilder::new()
        .with(tag::CRYPTOGRAM, &cryptogram(profile, atc, minor, signed))
        .with(tag::CRYPTOGRAM_INFORMATION, &[0x80])
        .with(tag::ISSUER_APPLICATION_DATA, &signed.issuer_data)
        .with(tag::UNPREDICTABLE_NUMBER, &[1, 2, 3, 4])
        .with(tag::ATC, &atc.to_be_bytes())
        .with(tag::TVR, &[0; 5])
        .with(tag::TRANSACTION_DATE, &[0x26, 0x11, 0x22])
        .with(tag::TRANSACTION_TYPE, &[signed.transaction_type])
        .with(tag::AMOUNT_AUTHORISED, &hex::decode(&format!("{minor:012}")).unwrap())
        .with(tag::TRANSACTION_CURRENCY, &signed.currency)
        .with(tag::AIP, &[0x7C, 0])
        .with(tag::TERMINAL_COUNTRY, &[0x01, 0x56])
        .with(tag::AMOUNT_OTHER, &[0; 6])
        .build()
}

fn reversal(stan: u32, minor: u64) -> ReversalRequest {
    ReversalRequest {
        kind: Kind::Sale,
        trace: trace(stan),
        amount: cny(minor),
        at: date(2026, 11, 22).at(14, 3, 5, 0),
        entry: EntryMode::Chip,
        with_pin: false,
        sequence_number: Some(1),
        reason: ReversalReason::NoAnswer,
        authorisation_code: None,
        chip_data: TlvBuilder::new().with(tag::TVR, &[0; 5]).build(),
        by_instalments: false,
    }
}

fn code(answer: Result<HostAnswer, LinkFailure>) -> String {
    answer.unwrap().response_code.as_str().to_owned()
}

/// Is 91 what the issuer says to this card for this code?
fn issuer_is_right(answer: &HostAnswer, atc: u16, minor: u64) -> bool {
    let (profile, code) = (profile(), answer.response_code.as_str().as_bytes());
    let arqc = arqc(&profile, atc, minor);
    let right = session_key(&profile, atc).response_cryptogram_1(arqc, code.try_into().unwrap()).unwrap();
    tlv::find(&answer.issuer_data, tag::ISSUER_AUTHENTICATION_DATA).unwrap() == Some(&[&right[..], code].concat()[..])
}
