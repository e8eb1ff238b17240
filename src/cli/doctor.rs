//! `yima doctor`: each part of the terminal is ok, or what to do.

mod tills;

use std::process::ExitCode;

use clap::Args;
use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};

use super::parameters::orders_said;
use super::{Failure, output};
use crate::acquirer::link::{HostCheck, HostLink};
use crate::app::CLOCK_TOLERANCE;
use crate::app::Setup;
use crate::app::parameters::parameter_values;
use crate::app::sign_on::check_values;
use crate::crypto::hex;
use crate::emv::ca_keys::KeyWorld;
use crate::payment::online::{LinkFailure, Unreached};
use crate::payment::queue::Open;
use crate::terminal::identity::Identity;
use crate::vault::SecureElement;
use crate::wording::{Language, Reason, ReasonKind};

/// Below this much free space the ledger may soon not be writable, in MiB.
const LOW_SPACE_MIB: u64 = 200;

/// What comes after `yima doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// One part: ok with a remark, or not ok with what to do.
struct Finding {
    part: &'static str,
    verdict: Result<String, String>,
    /// What is read to the help desk.
    code: Option<&'static str>,
}

/// What the host said, or why it did not.
type Host = Result<HostCheck, Unheard>;

/// Why nothing was heard of the host.
struct Unheard {
    says: String,
    code: Option<&'static str>,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let findings = examine(setup);
        let healthy = findings.iter().all(|finding| finding.verdict.is_ok());
        if self.json {
            let parts: serde_json::Map<String, Value> = findings
                .iter()
                .map(|finding| {
                    let (ok, says) = match &finding.verdict {
                        Ok(remark) => (true, remark),
                        Err(advice) => (false, advice),
                    };
                    let mut part = json!({ "ok": ok, "says": says });
                    if let Some(code) = finding.code {
                        part["code"] = code.into();
                    }
                    (finding.part.to_owned(), part)
                })
                .collect();
            output::json(&json!({ "ok": healthy, "parts": parts }));
        } else {
            for finding in &findings {
                let (mark, says) = match &finding.verdict {
                    Ok(remark) => ("ok", remark),
                    Err(advice) => ("--", advice),
                };
                output::say(&format!("{mark}  {:<9} {says}", finding.part));
            }
        }
        Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

fn examine(setup: &Setup) -> Vec<Finding> {
    let finding = |part, verdict| Finding { part, verdict, code: None };
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let identity = setup.identity();
    let vault = setup.vault();
    let host = match (&identity, &vault) {
        (Ok(identity), Ok(vault)) => setup
            .link(identity.clone(), vault.clone())
            .map_err(|error| Unheard { says: text(&error), code: None })
            .and_then(|link| link.check().map_err(|failure| unheard(failure, setup.settings.terminal.language))),
        _ => {
            let says = "cannot be asked before the terminal is registered and has its keys".to_owned();
            Err(Unheard { says, code: None })
        }
    };
    let code = host.as_ref().err().and_then(|unheard| unheard.code);
    let reader = reader(setup);
    let test = identity.as_ref().is_ok_and(|identity| identity.test);
    let signed_on = identity.as_ref().map_err(|error| text(&error)).and_then(|identity| sign_on(setup, identity));
    vec![
        finding(
            "identity",
            identity
                .as_ref()
                .map(|identity| {
                    let test = if identity.test { ", TEST" } else { "" };
                    format!("merchant {}, terminal {}{test}", identity.merchant_code, identity.terminal_number)
                })
                .map_err(|error| text(&error)),
        ),
        finding(
            "keys",
            vault.map_err(|error| text(&error)).and_then(|vault| keys(&*vault)),
        ),
        finding(
            "emv",
            identity.as_ref().map_err(|error| text(&error)).and_then(|identity| terminal_data(setup, identity)),
        ),
        finding(
            "parameters",
            identity.as_ref().map_err(|error| text(&error)).and_then(|identity| host_tables(setup, identity)),
        ),
        finding("reader", reader.clone().map(|(name, _)| name)),
        finding("pin_pad", pin_pad(&reader, test)),
        finding("printer", printer(setup)),
        finding("receipts", receipts(setup)),
        finding("scanner", scanner(setup)),
        finding("stripe", stripe(setup)),
        finding("sound", setup.sound().check()),
        finding("clock", clock(&host)),
        Finding { code, ..finding("host", host.map_err(|unheard| unheard.says).and_then(answered)) },
        finding(
            "ledger",
            identity.map_err(|error| text(&error)).and_then(|identity| {
                let Some(ledger) = setup.ledger_to_look_at(&identity).map_err(|error| text(&error))? else {
                    return Ok("none yet; the first payment makes it".to_owned());
                };
                let count = ledger.count().map_err(|error| text(&error))?;
                let restored = ledger.restorations().map_err(|error| text(&error))?.into_iter().next_back();
                let restored = restored.map_or_else(String::new, |one| {
                    format!(
                        "; restored at {} from a copy of {}: payments between them are known to the acquirer alone (yima ledger reconcile)",
                        one.at, one.made_at
                    )
                });
                match ledger.open_entries().map_err(|error| text(&error))? {
                    Open { waiting: 0, parked: 0 } => Ok(format!("{count} transactions{restored}")),
                    Open { waiting, parked: 0 } => {
                        Ok(format!("{count} transactions, {waiting} entries wait for the host{restored}"))
                    }
                    Open { parked, .. } => Err(format!(
                        "{parked} entries of the queue were given up and need a person: call the acquirer with what yima queue \
                         shows, then say the answer with yima queue resolve"
                    )),
                }
            }),
        ),
        finding("sign_on", signed_on),
        finding("tills", tills::tills(setup)),
        finding("disk", disk(setup)),
    ]
}

/// A host that answers may still refuse this terminal.
fn answered(check: HostCheck) -> Result<String, String> {
    let (code, milliseconds) = (check.response_code, check.round_trip.as_millis());
    if code.as_str() == "00" {
        let (address, tls) = (check.address, check.tls);
        let second = if check.on_fallback { ", the second address; the first did not answer" } else { "" };
        return Ok(format!("answers {code} after {milliseconds} ms at {address}{second} ({tls})"));
    }
    let refusal = Reason { code: Some(code.clone()), ..Reason::of(ReasonKind::HostDeclined) };
    let sentences = refusal.sentences(Language::English);
    Err(format!("refuses this terminal with {code}: {} {}", sentences.what, sentences.advice))
}

/// The words for a shop assistant, then what a technician needs.
fn unheard(failure: LinkFailure, language: Language) -> Unheard {
    let LinkFailure::NeverSent(Unreached { fault, detail }) = failure else {
        return Unheard { says: format!("{failure}; check the network and host.url"), code: None };
    };
    let words = Reason { fault: Some(fault), ..Reason::of(ReasonKind::LinkTrouble) }.sentences(language);
    Unheard { says: format!("{} {} {detail}", words.what, words.advice), code: Some(fault.code()) }
}

/// The check values of the keys that are there.
fn keys(vault: &dyn SecureElement) -> Result<String, String> {
    let values = check_values(vault).map_err(|error| error.to_string())?;
    let said: Vec<_> = values.iter().map(|(name, value)| format!("{name} {}", hex::encode(value))).collect();
    let test = if vault.is_test() { ", TEST keys" } else { "" };
    Ok(format!("{}{test}, check values: {}", vault.name(), said.join(", ")))
}

/// Since when the terminal has the host's working keys.
fn sign_on(setup: &Setup, identity: &Identity) -> Result<String, String> {
    const AT_THE_NEXT_START: &str = "the terminal does it by itself at its next start, or now: yima sign-on";
    let Some(ledger) = setup.ledger_to_look_at(identity).map_err(|error| error.to_string())? else {
        return Ok(format!("not yet; {AT_THE_NEXT_START}"));
    };
    let row = ledger.sign_on().map_err(|error| error.to_string())?;
    Ok(match (row.due, row.at) {
        (false, Some(at)) => format!("{at}, batch {}", row.batch),
        (true, Some(at)) => format!("to be done anew, the last one was {at}; {AT_THE_NEXT_START}"),
        (_, None) => format!("not yet; {AT_THE_NEXT_START}"),
    })
}

/// Which applications and CA keys count, and where they are from.
fn terminal_data(setup: &Setup, identity: &Identity) -> Result<String, String> {
    let in_use = setup.emv_files(identity).load().map_err(|error| error.to_string())?;
    let test = if in_use.data.ca_keys.world() == KeyWorld::Test { " TEST" } else { "" };
    let keys = in_use.data.ca_keys.iter().count();
    let counts =
        format!("{} applications, {keys}{test} CA keys, {}", in_use.data.applications.len(), in_use.provenance);
    if let Some(broken) = in_use.passed_over.first() {
        return Err(format!("{broken}. In use instead: {counts}. Fetch a new set: yima parameters"));
    }
    match in_use.refused {
        Some(refused) => {
            let (at, problem) = (refused.at, refused.problem);
            Err(format!(
                "what the host sent at {at:.0} was not taken: {problem}. Still in use: {counts}. Tell the acquirer"
            ))
        }
        None => Ok(counts),
    }
}

/// What the acquirer decides here, which settings of this machine it overrules, and what it ordered.
fn host_tables(setup: &Setup, identity: &Identity) -> Result<String, String> {
    let tables = setup.host_tables(identity).map_err(|error| error.to_string())?;
    let mut said = Vec::new();
    if tables.is_empty() {
        said.push("none from the host".to_owned());
    } else {
        let refused = tables.card.iter().filter(|range| range.refused).count()
            + tables.number.iter().filter(|card| card.refused).count();
        let (cards, texts) = (tables.card.len() + tables.number.len(), tables.text.len());
        said.push(format!("{cards} card entries, {refused} of them not taken, words for {texts} codes"));
        let set = parameter_values(&tables.terminal).into_iter().filter(|(_, value)| value != "none");
        said.extend(set.map(|(name, value)| format!("{name}: {value}")));
    }
    said.extend(orders_said(setup, identity)?);
    Ok(said.join("; "))
}

/// Its name, and whether it has a PIN pad.
fn reader(setup: &Setup) -> Result<(String, bool), String> {
    let mut reader = setup.reader().map_err(|error| error.to_string())?;
    reader.check().map_err(|error| error.to_string())?;
    Ok((reader.name(), reader.pin_pad().is_some()))
}

/// Where a cardholder enters a PIN. A terminal needs no such place: a card then asks for something else, or declines.
fn pin_pad(reader: &Result<(String, bool), String>, test: bool) -> Result<String, String> {
    Ok(match reader {
        Ok((_, true)) => "the card reader's own, for PINs that the card checks".to_owned(),
        Ok((_, false)) | Err(_) if test => "typed in this program, TEST keys only".to_owned(),
        Ok((_, false)) => "none; cards are told so".to_owned(),
        Err(_) => return Err("cannot be asked before the card reader is there".to_owned()),
    })
}

fn printer(setup: &Setup) -> Result<String, String> {
    let profile = setup.printer_profile().map_err(|error| error.to_string())?;
    let mut printer = setup.printer(profile);
    printer.check().map_err(|fault| fault.to_string())?;
    let found = setup.found_printer().map_err(|error| error.to_string())?;
    let tested = found.map(|found| format!(", tested at {}", found.tested_at)).unwrap_or_default();
    Ok(format!("{}{tested}", printer.name()))
}

/// What the shop has on its slips.
fn receipts(setup: &Setup) -> Result<String, String> {
    let settings = &setup.settings.receipt;
    let picture = match setup.logo().map_err(|error| error.to_string())? {
        Some(logo) => format!("a picture of {} by {} dots", logo.width(), logo.height()),
        None => "no picture".to_owned(),
    };
    let lines = [&settings.header_zh, &settings.header_en, &settings.footer_zh, &settings.footer_en].map(Vec::len);
    let [head_zh, head_en, foot_zh, foot_en] = lines;
    Ok(format!(
        "{picture}; lines at the head: {head_zh} Chinese, {head_en} English, at the end: {foot_zh} and {foot_en}"
    ))
}

/// Whether the reader of stripes is there; a terminal needs none.
fn stripe(setup: &Setup) -> Result<String, String> {
    let Some(line) = setup.stripe() else { return Ok("no reader of stripes".to_owned()) };
    crate::devices::stripe::check(&line)
        .map_err(|said| format!("{said}; check the cable, or stripe.device in the settings"))?;
    let rules = setup.entry_setup().map_err(|error| error.to_string())?;
    let fallback = match rules.fallback_s {
        0 => "never for a chip, unless the acquirer says otherwise".to_owned(),
        seconds => format!("for a chip that cannot be read within {seconds} s, unless the acquirer says otherwise"),
    };
    Ok(format!("{}, {fallback}", line.line.device))
}

/// Whether the scanner is there; a terminal needs none.
fn scanner(setup: &Setup) -> Result<String, String> {
    let Some(line) = setup.scanner() else { return Ok("none on a serial line".to_owned()) };
    crate::devices::scanner::check(&line)
        .map_err(|said| format!("{said}; check the cable, or scanner.device in the settings"))?;
    Ok(format!("{} ({})", line.device, line.baud))
}

fn clock(host: &Host) -> Result<String, String> {
    let Ok(check) = host else {
        return Err("cannot be compared before the host answers; look at the line \"host\" first".to_owned());
    };
    let difference = check.date.map(|there| crate::clock::timestamp().duration_since(there));
    if let Some(seconds) = difference.filter(|it| it.abs() > CLOCK_TOLERANCE).map(|it| it.as_secs()) {
        return Err(format!(
            "differs {seconds} s from the host's; switch on time synchronisation: timedatectl set-ntp true"
        ));
    }
    match (difference, check.local_ahead) {
        (Some(_), Some(ahead)) if ahead.abs() > CLOCK_TOLERANCE => Err(format!(
            "right, but local time is {} s ahead of the host's; set the time zone: timedatectl set-timezone Asia/Shanghai",
            ahead.as_secs()
        )),
        (None, Some(ahead)) if ahead.abs() > CLOCK_TOLERANCE => Err(format!(
            "local time is {} s ahead of the host's; look at time synchronisation and time zone: timedatectl",
            ahead.as_secs()
        )),
        (Some(near), _) | (None, Some(near)) => Ok(format!("within {} s of the host's", near.as_secs().abs().max(1))),
        (None, None) => Err("cannot be compared: the host does not tell its time; look at timedatectl".to_owned()),
    }
}

fn disk(setup: &Setup) -> Result<String, String> {
    let path = &setup.state;
    let place = path.ancestors().find(|place| place.exists()).unwrap_or(path);
    let space = statvfs(place).map_err(|error| format!("{}: {error}", place.display()))?;
    let free = space.blocks_available() * space.fragment_size() / (1024 * 1024);
    if free < LOW_SPACE_MIB {
        Err(format!("{free} MiB free for {}; make room", path.display()))
    } else {
        Ok(format!("{free} MiB free for {}", path.display()))
    }
}
