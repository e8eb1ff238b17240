//! `yima sale`: one payment without the touchscreen, on the configured devices.

use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};

use super::typed_pin::{Interruptions, Typed, TypedPins};
use super::{FAILED, Failure, output};
use crate::app::view::{CopyState, Intent, PinPlace, Progress, Screen, View};
use crate::app::{CopyReport, Ending, Engine, Listener, Parts, SaleReport, Setup};
use crate::ledger::PrintState;
use crate::money::{Amount, AmountError, Currency};
use crate::payment::chooser::{Chooser, Wish};
use crate::payment::online::EntryMode;
use crate::pin::PinError;
use crate::receipt::CopyFor;
use crate::wording::{Language, Reason};

/// How often it is looked whether a PIN has been typed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What comes after `yima sale`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What is to be paid, like 12.34
    amount: String,

    /// ISO 4217 code; the settings' currency when left out
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,

    /// Read the PIN that the card asks for from standard input, one a line; with test keys only
    ///
    /// A wrong one is asked for again. An empty line goes on without a PIN where the settings allow that. When the input ends
    /// the payment is cancelled. Without this option a terminal whose
    /// reader has no PIN pad tells the card that it has none.
    #[arg(long, value_name = "-", value_parser = ["-"])]
    pin: Option<String>,

    /// Which application of the card pays: its place in the card's order, from 1, or its AID. Naming one is agreeing to it;
    /// without this the best one is taken that needs no consent
    #[arg(long, value_name = "N|AID")]
    application: Option<Wish>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: Result<Setup, Failure>) -> Result<ExitCode, Failure> {
        let language = setup.as_ref().map_or(Language::default(), |setup| setup.settings.terminal.language);
        match setup.and_then(|setup| self.take(&setup)) {
            // Who asked for JSON gets JSON, also when the payment cannot even begin.
            Err(failure) if self.json => {
                output::json(&cannot_begin(self, &failure, language));
                output::complain(&*failure);
                Ok(ExitCode::from(FAILED))
            }
            ended => ended,
        }
    }

    fn take(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let currency: Currency = self.currency.as_deref().unwrap_or(&setup.settings.terminal.currency).parse()?;
        let amount = Amount::parse(&self.amount, currency)?;
        if amount.is_zero() {
            return Err(AmountError::Nothing.into());
        }
        // Parts of the terminal have threads of their own.
        let interruptions = self.pin.is_some().then(Interruptions::keep).transpose()?;
        let mut parts = setup.parts()?;
        if let Some(wish) = &self.application {
            parts.chooser = Chooser::Beforehand(wish.clone());
        }
        let language = parts.language;
        let pins = match interruptions {
            Some(_) if !parts.test => return Err("--pin is for test keys; this terminal's are live".into()),
            Some(interruptions) => Some(TypedPins::on_standard_input(interruptions)?),
            None => None,
        };
        let report = take_payment(parts, amount, pins)?;
        if self.json {
            output::json(&as_json(&report, language));
        } else {
            print(&report, language);
        }
        Ok(exit_code(report.ending))
    }
}

/// Runs one payment through the engine and waits for its end. What happens meanwhile goes to standard error; PINs that are
/// not typed at the reader come from `pins`.
pub fn take_payment(mut parts: Parts, amount: Amount, mut pins: Option<TypedPins>) -> Result<SaleReport, Failure> {
    let language = parts.language;
    parts.screen_pad = pins.is_some();
    let (sender, told) = channel();
    let engine = Engine::start(
        parts,
        Box::new(Teller { told: sender, language, said: String::new(), pin_wanted: PinWanted::No }),
    )?;
    engine.intents().send(Intent::Charge(amount));
    let mut pin_wanted = PinWanted::No;
    loop {
        if let Some(pins) = pins.as_mut() {
            pins.end_if_interrupted()?;
        }
        match told.recv_timeout(LOOK_EVERY) {
            Ok(Told::Over(report)) => return Ok(*report),
            Ok(Told::PinWanted(wanted)) => pin_wanted = wanted,
            Err(error @ RecvTimeoutError::Disconnected) => return Err(error.into()),
            Err(RecvTimeoutError::Timeout) => {
                let Some(pins) = pins.as_mut().filter(|_| pin_wanted != PinWanted::No) else { continue };
                match pins.look()? {
                    None => continue,
                    Some(Typed::Wrong(error)) => {
                        output::note(&error.to_string());
                        continue;
                    }
                    // Where it is not allowed the question stands.
                    Some(Typed::Nothing) if pin_wanted != PinWanted::OrNothing => {
                        output::note(&PinError.to_string());
                        continue;
                    }
                    Some(Typed::Nothing) => engine.intents().send(Intent::BypassPin),
                    Some(Typed::Pin(pin)) => engine.intents().send(Intent::EnterPin(pin)),
                    Some(Typed::End) => engine.intents().send(Intent::Cancel),
                }
                // The next one is for the next time it is asked for.
                pin_wanted = PinWanted::No;
            }
        }
    }
}

/// What the engine tells.
enum Told {
    /// Whether a PIN is to be typed here now.
    PinWanted(PinWanted),
    /// How the payment ended.
    Over(Box<SaleReport>),
}

/// Whether a PIN is to be typed here now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PinWanted {
    No,
    Yes,
    /// Who has none may go on without.
    OrNothing,
}

/// 0 approved, 1 declined, 2 anything else.
pub fn exit_code(ending: Ending) -> ExitCode {
    match ending {
        Ending::Approved => ExitCode::SUCCESS,
        Ending::Declined => ExitCode::from(1),
        Ending::Reversed | Ending::Unresolved | Ending::Error => ExitCode::from(FAILED),
    }
}

/// Tells on standard error where the payment stands.
struct Teller {
    told: Sender<Told>,
    language: Language,
    said: String,
    pin_wanted: PinWanted,
}

impl Listener for Teller {
    fn show(&mut self, view: &View) {
        // Each wish is told once: between two of them stands what is done with the PIN.
        let wanted = match &view.screen {
            Screen::EnterPin { place: PinPlace::Screen { .. }, may_bypass: true, .. } => PinWanted::OrNothing,
            Screen::EnterPin { place: PinPlace::Screen { .. }, .. } => PinWanted::Yes,
            _ => PinWanted::No,
        };
        if wanted != self.pin_wanted {
            self.pin_wanted = wanted;
            // The command may have ended already.
            let _ = self.told.send(Told::PinWanted(wanted));
        }
        let line = line_for(&view.screen, self.language);
        if let Some(line) = line.filter(|line| *line != self.said) {
            output::note(&line);
            self.said = line;
        }
    }

    fn report(&mut self, report: &SaleReport) {
        // The command may have ended already.
        let _ = self.told.send(Told::Over(Box::new(report.clone())));
    }
}

fn line_for(screen: &Screen, language: Language) -> Option<String> {
    let pick = |zh: &str, en: &str| match language {
        Language::Chinese => zh.to_owned(),
        Language::English => en.to_owned(),
    };
    let sentences = |reason: &Reason| {
        let sentences = reason.sentences(language);
        format!("{} {}", sentences.what, sentences.advice)
    };
    match screen {
        Screen::PresentCard { notice: Some(reason), .. } => Some(sentences(reason)),
        Screen::PresentCard { amount, .. } => {
            Some(format!("{} {}", pick("请插卡", "Insert the card"), amount.signed()))
        }
        Screen::Processing { progress, .. } => Some(match progress {
            Progress::ReadingCard => pick("正在读卡，请勿拔卡", "Reading the card, leave it in"),
            Progress::AskingHost => pick("正在联系银行", "Asking the bank"),
            Progress::CompletingCard => pick("正在完成，请勿拔卡", "Completing, leave the card in"),
            Progress::ReversingEarlier => pick("正在取消上一笔付款", "Taking an earlier payment back"),
            Progress::SigningOn => pick("正在签到", "Signing on"),
            Progress::ComparingClocks => pick("正在与银行核对时间", "Comparing the time with the bank's"),
        }),
        Screen::EnterPin { notice: Some(reason), .. } => Some(sentences(reason)),
        Screen::EnterPin { place: PinPlace::Reader, .. } => {
            Some(pick("请在读卡器上输入密码", "Enter the PIN on the card reader"))
        }
        Screen::EnterPin { place: PinPlace::Screen { .. }, .. } => Some(pick("请输入密码", "Enter the PIN")),
        Screen::ChooseApplication { .. } | Screen::ConfirmApplication { .. } => {
            Some(pick("请顾客选择应用", "The customer chooses an application"))
        }
        Screen::Approved { copies, .. } => copies.iter().find_map(|copy| match &copy.state {
            CopyState::Waiting(reason) => Some(sentences(reason)),
            CopyState::Queued | CopyState::Sending | CopyState::Asks(_) | CopyState::Printed | CopyState::Failed(_) => {
                None
            }
        }),
        Screen::Unknown { reason, .. } => Some(sentences(reason)),
        Screen::Keypad { .. }
        | Screen::NotPaid { .. }
        | Screen::Transactions { .. }
        | Screen::Queue { .. }
        | Screen::Enrol { .. }
        | Screen::OutOfService { .. } => None,
    }
}

/// A report as a program reads it.
pub fn as_json(report: &SaleReport, language: Language) -> Value {
    let mut timings = Map::new();
    for (part, duration) in report.timings.parts() {
        timings.insert((*part).to_owned(), milliseconds(*duration));
    }
    timings.insert("total".to_owned(), milliseconds(report.timings.total()));
    let receipts: Vec<_> = report
        .copies
        .iter()
        .map(|copy| {
            json!({
                "copy": copy.copy.word(),
                "state": copy.state.word(),
                "reason": copy.trouble.as_ref().map(|reason| output::reason(reason, reason, language)),
            })
        })
        .collect();
    let card = report.card.as_ref().map(|card| {
        json!({
            "pan": card.truncated_pan,
            "aid": card.aid,
            "label": card.label,
            "bank": card.bank,
            "entry": EntryMode::Chip.word(),
        })
    });
    json!({
        "outcome": report.ending.word(),
        "amount": report.amount.to_string(),
        "currency": report.amount.currency().code(),
        "batch": report.trace.map(|trace| trace.batch.to_string()),
        "stan": report.trace.map(|trace| trace.stan.to_string()),
        "rrn": report.rrn.as_ref().map(|rrn| rrn.as_str()),
        "auth_code": report.authorisation_code.as_ref().map(|code| code.as_str()),
        "response_code": report.response_code.as_ref().map(|code| code.as_str()),
        "card": card,
        "cvm": report.card.as_ref().map(|card| card.verification.word()),
        "tvr": report.card.as_ref().map(|card| &card.tvr),
        "tsi": report.card.as_ref().map(|card| &card.tsi),
        "script_results": report.card.as_ref().map(|card| &card.script_results),
        "receipts": receipts,
        "reason": report.reason.as_ref().map(|reason| output::reason(reason, &said(report, reason), language)),
        "timings_ms": timings,
    })
}

/// A payment that could not begin, with the keys of one that did.
fn cannot_begin(arguments: &Arguments, failure: &Failure, language: Language) -> Value {
    let reason = Reason::with_detail(super::kind_of(failure), failure.to_string());
    json!({
        "outcome": Ending::Error.word(),
        "amount": arguments.amount,
        "currency": arguments.currency,
        "batch": null,
        "stan": null,
        "rrn": null,
        "auth_code": null,
        "response_code": null,
        "card": null,
        "cvm": null,
        "tvr": null,
        "tsi": null,
        "script_results": null,
        "receipts": [],
        "reason": output::reason(&reason, &reason, language),
        "timings_ms": {},
    })
}

/// A report as a person reads it.
pub fn print(report: &SaleReport, language: Language) {
    let outcome = match (report.ending, language) {
        (Ending::Approved, Language::Chinese) => "已收款",
        (Ending::Approved, Language::English) => "Paid",
        (Ending::Declined | Ending::Error, Language::Chinese) => "没有收款",
        (Ending::Declined | Ending::Error, Language::English) => "Not paid",
        (Ending::Reversed, Language::Chinese) => "已取消",
        (Ending::Reversed, Language::English) => "Taken back",
        (Ending::Unresolved, Language::Chinese) => "结果还不知道",
        (Ending::Unresolved, Language::English) => "The result is not known yet",
    };
    output::say(&format!("{outcome} {}", report.amount.signed()));
    if let Some(card) = &report.card {
        output::say(&format!("  {} {}", card.truncated_pan, card.label));
    }
    let names = match language {
        Language::Chinese => ["凭证号", "参考号", "授权码", "应答码"],
        Language::English => ["STAN", "RRN", "authorisation", "response"],
    };
    let [stan, rrn, authorisation, response] = names;
    let numbers = [
        (stan, report.trace.map(|trace| trace.stan.to_string())),
        (rrn, report.rrn.as_ref().map(ToString::to_string)),
        (authorisation, report.authorisation_code.as_ref().map(ToString::to_string)),
        (response, report.response_code.as_ref().map(ToString::to_string)),
    ];
    let known: Vec<_> =
        numbers.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?))).collect();
    if !known.is_empty() {
        output::say(&format!("  {}", known.join(" · ")));
    }
    if let Some(reason) = &report.reason {
        let sentences = said(report, reason).sentences(language);
        output::say(&format!("  {} {}", sentences.what, sentences.advice));
        if !reason.detail.is_empty() {
            output::note(&format!("  {}", reason.detail));
        }
    }
    for copy in &report.copies {
        output::say(&format!("  {}", slip_line(copy, language)));
        if let Some(trouble) = &copy.trouble {
            let sentences = trouble.sentences(language);
            output::say(&format!("    {} {}", sentences.what, sentences.advice));
        }
    }
}

fn slip_line(copy: &CopyReport, language: Language) -> String {
    match language {
        Language::English => format!("{}: {}", copy.copy.word(), copy.state.word()),
        Language::Chinese => {
            let whose = match copy.copy {
                CopyFor::Merchant => "商户联",
                CopyFor::Customer => "顾客联",
            };
            let how = match copy.state {
                PrintState::Queued => "排队中",
                PrintState::Sending => "打印中",
                PrintState::SentUnconfirmed => "请看看打出来没有",
                PrintState::Printed => "已打印",
                PrintState::Failed => "没有打印",
            };
            format!("{whose}：{how}")
        }
    }
}

/// What to say of a reason now: a payment that has been taken back is no longer in doubt.
fn said(report: &SaleReport, reason: &Reason) -> Reason {
    match report.ending {
        Ending::Reversed => reason.once_taken_back(),
        Ending::Approved | Ending::Declined | Ending::Unresolved | Ending::Error => reason.clone(),
    }
}

fn milliseconds(duration: Duration) -> Value {
    // Tenths are enough for people and exact enough for programs.
    json!((duration.as_secs_f64() * 10_000.0).round() / 10.0)
}
