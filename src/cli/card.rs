//! What is done with a card without the touchscreen: on the configured devices, with a PIN from standard input where that is
//! allowed.

use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use clap::Args;

use super::outcome::{as_json, cannot_begin, exit_code, print};
use super::people::Attending;
use super::typed_card;
use super::typed_pin::{Interruptions, Typed, TypedPins};
use super::{FAILED, Failure, output};
use crate::app::purchase_view::{PurchaseIntent, PurchaseStage};
use crate::app::view::{CardWays, CopyState, Intent, PinPlace, Progress, Screen, View};
use crate::app::{Attendant, Ending, Engine, Listener, Parts, SaleReport, Setup};
use crate::card_number::TypedCard;
use crate::payment::chooser::{Chooser, Wish};
use crate::payment::entry::CardBy;
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Kind;
use crate::people::Right;
use crate::pin::PinError;
use crate::wording::{Language, Reason};

/// How often it is looked whether a PIN has been typed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What all of them take.
#[derive(Debug, Args)]
pub struct Options {
    /// Read the PIN that the card asks for from standard input, one a line; with test keys only
    ///
    /// A wrong one is asked for again. An empty line goes on without a PIN where the settings allow that. When the input ends
    /// it is cancelled. Without this option a terminal whose reader has no PIN pad tells the card that it has none.
    #[arg(long, value_name = "-", value_parser = ["-"])]
    pin: Option<String>,

    /// Which application of the card is used: its place in the card's order, from 1, or its AID. Naming one is agreeing to it;
    /// without this the best one is taken that needs no consent
    #[arg(long, value_name = "N|AID")]
    application: Option<Wish>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    attending: Attending,
}

/// What somebody typed, for a result that has nothing else to show.
pub struct Typing<'a> {
    /// What was to be done.
    pub kind: Kind,
    /// The amount, as it was typed.
    pub amount: Option<&'a str>,
    /// Its currency.
    pub currency: Option<&'a str>,
}

impl Options {
    /// Does it, and says what came of it.
    pub fn run(
        &self,
        setup: Result<Setup, Failure>,
        typing: &Typing<'_>,
        purpose: impl FnOnce(&Setup) -> Result<Purpose, Failure>,
    ) -> Result<ExitCode, Failure> {
        self.do_as_wished(setup, typing, |setup| Ok(Intent::Begin(purpose(setup)?)))
    }

    /// Who takes it.
    pub const fn attending(&self) -> &Attending {
        &self.attending
    }

    /// Whether the result is wanted as JSON.
    pub const fn as_json(&self) -> bool {
        self.json
    }

    /// Gives the open purchase up, and says what came of it.
    pub fn give_up(&self, setup: Result<Setup, Failure>, typing: &Typing<'_>) -> Result<ExitCode, Failure> {
        self.do_as_wished(setup, typing, |_| Ok(Intent::Purchase(PurchaseIntent::GiveUp)))
    }

    fn do_as_wished(
        &self,
        setup: Result<Setup, Failure>,
        typing: &Typing<'_>,
        wish: impl FnOnce(&Setup) -> Result<Intent, Failure>,
    ) -> Result<ExitCode, Failure> {
        let language = setup.as_ref().map_or(Language::default(), |setup| setup.settings.terminal.language);
        match setup.and_then(|setup| self.carry_out(&setup, wish(&setup)?)) {
            // Who asked for JSON gets JSON, also when it cannot even begin.
            Err(failure) if self.json => {
                output::json(&cannot_begin(typing, &failure, language));
                output::complain(&*failure);
                Ok(ExitCode::from(FAILED))
            }
            ended => ended,
        }
    }

    fn carry_out(&self, setup: &Setup, wish: Intent) -> Result<ExitCode, Failure> {
        // Parts of the terminal have threads of their own.
        let by = match &wish {
            Intent::Begin(purpose) => purpose.by(),
            _ => CardBy::Any,
        };
        if by == CardBy::Stripe && setup.stripe().is_none() {
            return Err("no stripe is read here; name its reader in the settings: stripe.device".into());
        }
        let typed = self.pin.is_some() || by == CardBy::Typed || self.attending.is_named();
        let interruptions = typed.then(Interruptions::keep).transpose()?;
        let mut parts = setup.parts()?;
        // Codes are read before a PIN is, and before anything begins.
        let right = match &wish {
            Intent::Begin(purpose) => parts.people().right_of(purpose)?,
            // What was paid goes back.
            _ => Right::Void,
        };
        let cashier = self.attending.attend(parts.people(), right)?;
        parts.staff.attendant = Attendant::Known(cashier);
        // Number and expiry come behind codes and before a PIN.
        let typed_card = if by == CardBy::Typed { Some(typed_card::read()?) } else { None };
        if let Some(wish) = &self.application {
            parts.chooser = Chooser::Beforehand(wish.clone());
        }
        let language = parts.language;
        let interruptions = match &self.pin {
            Some(_) => interruptions,
            None => {
                if interruptions.is_some() {
                    Interruptions::let_go()?;
                }
                None
            }
        };
        let pins = match interruptions {
            Some(_) if !parts.mark.is_for_tests() => {
                return Err("--pin is for test keys; this terminal's are live".into());
            }
            Some(interruptions) => Some(TypedPins::on_standard_input(interruptions)?),
            None => None,
        };
        let gives_up = matches!(wish, Intent::Purchase(_));
        let report = carry(parts, wish, typed_card, pins)?;
        if self.json {
            output::json(&as_json(&report, language));
        } else {
            print(&report, language);
        }
        // Who wants it back has what was wanted.
        if gives_up && report.ending == Ending::Reversed {
            return Ok(ExitCode::SUCCESS);
        }
        Ok(exit_code(report.ending))
    }
}

/// Runs it through the engine and waits for its end. What happens meanwhile goes to standard error; PINs that are
/// not typed at the reader come from `pins`.
pub fn take(parts: Parts, purpose: Purpose, pins: Option<TypedPins>) -> Result<SaleReport, Failure> {
    carry(parts, Intent::Begin(purpose), None, pins)
}

/// The same with any wish that ends with a report.
pub fn carry(
    mut parts: Parts,
    wish: Intent,
    mut typed: Option<TypedCard>,
    mut pins: Option<TypedPins>,
) -> Result<SaleReport, Failure> {
    let language = parts.language;
    parts.screen_pad = pins.is_some();
    let (sender, told) = channel();
    let engine = Engine::start(
        parts,
        Box::new(Teller {
            told: sender,
            language,
            said: String::new(),
            pin_wanted: PinWanted::No,
            asked_for_number: false,
        }),
    )?;
    engine.intents().send(wish);
    let mut pin_wanted = PinWanted::No;
    loop {
        if let Some(pins) = pins.as_mut() {
            pins.end_if_interrupted()?;
        }
        match told.recv_timeout(LOOK_EVERY) {
            Ok(Told::Over(report)) => return Ok(*report),
            Ok(Told::PinWanted(wanted)) => pin_wanted = wanted,
            Ok(Told::NumberWanted) => engine.intents().send(match typed.take() {
                Some(card) => Intent::NumberTyped(Ok(card)),
                None => Intent::Cancel,
            }),
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
    /// The number that was typed is asked for.
    NumberWanted,
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

/// Tells on standard error where the payment stands.
struct Teller {
    told: Sender<Told>,
    language: Language,
    said: String,
    pin_wanted: PinWanted,
    asked_for_number: bool,
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
        if matches!(view.screen, Screen::TypeNumber { .. }) && !std::mem::replace(&mut self.asked_for_number, true) {
            // The command may have ended already.
            let _ = self.told.send(Told::NumberWanted);
        }
        let line = line_for(&view.screen, view.ways, self.language);
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

fn line_for(screen: &Screen, ways: CardWays, language: Language) -> Option<String> {
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
            let asks = match ways {
                CardWays { chip: false, .. } => pick("请刷卡", "Swipe the card"),
                CardWays { stripe: true, .. } => pick("请插卡或刷卡", "Swipe or insert the card"),
                _ => pick("请插卡", "Insert the card"),
            };
            Some(format!("{asks} {}", amount.signed()))
        }
        Screen::TypeNumber { notice: Some(reason), .. } => Some(sentences(reason)),
        Screen::Processing { progress, .. } => Some(match progress {
            Progress::ReadingCard => pick("正在读卡，请勿拔卡", "Reading the card, leave it in"),
            Progress::AskingHost => pick("正在联系银行", "Asking the bank"),
            Progress::CompletingCard => pick("正在完成，请勿拔卡", "Completing, leave the card in"),
            Progress::ReversingEarlier => pick("正在取消上一笔付款", "Taking an earlier payment back"),
            Progress::WaitingForCustomer => {
                pick("请顾客在手机上完成付款", "The customer finishes the payment on the phone")
            }
            Progress::ClosingOrder => pick("正在关闭订单", "Closing the order"),
            Progress::AskingAboutEarlier => pick("正在查询上一笔扫码付款", "Asking about an earlier payment by code"),
            Progress::SigningOn => pick("正在签到", "Signing on"),
            Progress::ComparingClocks => pick("正在与银行核对时间", "Comparing the time with the bank's"),
        }),
        Screen::ShowCode { code, .. } => Some(format!("{} {code}", pick("请顾客扫码", "The customer scans"))),
        Screen::EnterPin { notice: Some(reason), .. } => Some(sentences(reason)),
        Screen::EnterPin { place: PinPlace::Reader, .. } => {
            Some(pick("请在读卡器上输入密码", "Enter the PIN on the card reader"))
        }
        Screen::EnterPin { place: PinPlace::Screen { .. }, .. } => Some(pick("请输入密码", "Enter the PIN")),
        Screen::ChooseApplication { .. } | Screen::ConfirmApplication { .. } => {
            Some(pick("请顾客选择应用", "The customer chooses an application"))
        }
        Screen::Sign { .. } => Some(pick("请顾客在屏幕上签名", "The customer signs on the screen")),
        Screen::Approved { copies, .. } => copies.iter().find_map(|copy| match &copy.state {
            CopyState::Waiting(reason) => Some(sentences(reason)),
            CopyState::Queued | CopyState::Sending | CopyState::Asks(_) | CopyState::Printed | CopyState::Failed(_) => {
                None
            }
        }),
        Screen::Unknown { reason, .. } => Some(sentences(reason)),
        Screen::Purchase(view) if view.stage == PurchaseStage::GoingBack => {
            Some(pick("正在退回已付的钱", "Taking back what was paid"))
        }
        Screen::Keypad { .. }
        | Screen::TypeNumber { .. }
        | Screen::Purchase(_)
        | Screen::NotPaid { .. }
        | Screen::Transactions { .. }
        | Screen::Seek { .. }
        | Screen::Tip(_)
        | Screen::Instalments(_)
        | Screen::Transaction(_)
        | Screen::Receipt(_)
        | Screen::Cart(_)
        | Screen::Cash(_)
        | Screen::Goods(_)
        | Screen::Settlement(_)
        | Screen::Staff(_)
        | Screen::Queue { .. }
        | Screen::Enrol { .. }
        | Screen::Turning(_)
        | Screen::OutOfService { .. } => None,
    }
}
