//! `yima demo`: a terminal with card, host and printer inside, nothing to configure.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::card::take;
use super::outcome::{as_json, exit_code, print};
use super::sandbox::profile;
use super::{Failure, Places, output};
use crate::app::{Parts, Setup};
use crate::money::Amount;
use crate::payment::purpose::Purpose;
use crate::sandbox::card::SandboxCard;
use crate::sandbox::card::fault::{Faults, FaultyCard};
use crate::sandbox::card::reader::SandboxReader;
use crate::sandbox::host::{DEFAULT_DIALECT, Host, RunningHost};
use crate::sandbox::printer::{PrinterSettings, RunningPrinter, SandboxPrinter};
use crate::sandbox::receipts::RunningReceipts;
use crate::sandbox::wallet::RunningWallets;
use crate::terminal::settings::{FlowControl, Origin, Settings};
use crate::wording::Language;

/// How long the customer of the demo takes to insert the card.
const INSERT_AFTER: Duration = Duration::from_millis(1500);

/// What comes after `yima demo`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Run one payment in the terminal even where there is a display
    #[arg(long)]
    headless: bool,

    /// What the payment without display is about
    #[arg(long, value_name = "AMOUNT", default_value = "12.34")]
    amount: String,

    /// Name of a shipped card profile, or a profile's file
    #[arg(long, value_name = "NAME|FILE", default_value = "unionpay-debit")]
    card: String,

    /// What terminal and host speak: a shipped message dialect that says what a host means, or a file of your own
    #[arg(long, value_name = "NAME|FILE", default_value = DEFAULT_DIALECT)]
    dialect: String,

    /// Pull the card out before it answers the Nth command
    #[arg(long, value_name = "N")]
    tear: Option<u32>,

    /// Size of the window
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "720x1280", value_parser = size)]
    size: (u32, u32),

    /// Language of screen and slips: zh-CN or en
    #[arg(long, value_name = "LANGUAGE", default_value = "zh-CN", value_parser = language)]
    language: Language,

    /// Light letters on a dark ground
    #[arg(long)]
    dark: bool,

    /// Listen to tills there, like 127.0.0.1:8590 or unix:/run/user/1000/till.sock; pair one with: yima till pair
    #[arg(long, value_name = "PLACE")]
    till: Option<String>,

    /// Print the result of the payment without display as JSON
    #[arg(long)]
    json: bool,
}

/// The endpoints of a demo; they stop when this is dropped.
struct Endpoints {
    setup: Setup,
    _host: RunningHost,
    wallets: RunningWallets,
    receipts: RunningReceipts,
    printer: RunningPrinter,
}

impl Arguments {
    pub fn run(&self, places: &Places, kiosk: bool) -> Result<ExitCode, Failure> {
        if let Some(config) = &places.config {
            let config = config.display();
            return Err(format!(
                "yima demo brings settings of its own and does not read {config}: leave --config out, or leave demo out to run \
                 the terminal of that file"
            )
            .into());
        }
        let place = places.state.clone().unwrap_or_else(demo_place);
        let endpoints = self.endpoints(&place)?;
        let parts = self.parts(&endpoints)?;
        output::note(&format!("demo (TEST): state and receipts in {}", place.display()));
        output::note(&format!("demo (TEST): customers' wallets on {}", endpoints.wallets.url()));
        output::note(&format!("demo (TEST): e-receipts on {}", endpoints.receipts.url()));
        let parts = match self.window(&endpoints.setup.settings, kiosk) {
            Some(window) => return show(&endpoints.setup, window, parts),
            None => parts,
        };
        let amount = Amount::parse(&self.amount, parts.currency)?;
        let language = parts.language;
        let report = take(parts, Purpose::Sale(amount), None)?;
        let pictures = endpoints.printer.receipts();
        if self.json {
            let mut result = as_json(&report, language);
            result["pictures"] = pictures.iter().map(|picture| picture.display().to_string()).collect();
            output::json(&result);
        } else {
            print(&report, language);
            for picture in pictures {
                output::say(&format!("  {}", picture.display()));
            }
        }
        Ok(exit_code(report.ending))
    }

    /// A window, where there is a display that answers.
    #[cfg(feature = "screen")]
    fn window(&self, settings: &Settings, kiosk: bool) -> Option<Window> {
        if self.headless || self.json || !(kiosk || crate::ui::display_available()) {
            return None;
        }
        match super::screen::open(settings, kiosk) {
            Ok(window) => Some(window),
            Err(error) => {
                output::note(&format!("{error}; selling in the terminal instead"));
                None
            }
        }
    }

    #[cfg(not(feature = "screen"))]
    fn window(&self, _: &Settings, _: bool) -> Option<Window> {
        None
    }

    /// Starts host, wallets and printer and writes the terminal's kit.
    fn endpoints(&self, place: &Path) -> Result<Endpoints, Failure> {
        let (settings, origin) = (Settings::default(), Origin::default());
        let mut setup = Setup { settings, origin, state: place.to_owned() };
        let host = Host::prepare_in(&self.dialect, &place.join("sandbox/host"))?;
        host.write_kit(&setup.identity_directory())?;
        let running = host.start(([127, 0, 0, 1], 0).into())?;
        let wallets = RunningWallets::start(&host, ([127, 0, 0, 1], 0).into())?;
        let receipts = RunningReceipts::start(&host, ([127, 0, 0, 1], 0).into())?;
        running.offer_receipts(&receipts.url());
        let printer = SandboxPrinter::start(PrinterSettings::new(place.join("receipts")))?;
        setup.settings.host = running.link_settings();
        setup.settings.printer.device = printer.device().display().to_string();
        setup.settings.printer.flow_control = FlowControl::None;
        setup.settings.terminal.language = self.language;
        setup.settings.screen.width = self.size.0;
        setup.settings.screen.height = self.size.1;
        setup.settings.screen.dark = self.dark;
        setup.settings.till.listen = self.till.clone().unwrap_or_default();
        Ok(Endpoints { setup, _host: running, wallets, receipts, printer })
    }

    /// The terminal's parts, with the sandbox card in place of a reader.
    fn parts(&self, endpoints: &Endpoints) -> Result<Parts, Failure> {
        let card = SandboxCard::open(&profile(&self.card)?, &endpoints.setup.state.join("sandbox/card"))?;
        let card = FaultyCard::new(card, Faults { tear: self.tear, mute: None });
        let reader = Box::new(SandboxReader::new(card, INSERT_AFTER));
        Ok(Parts { reader, ..endpoints.setup.parts()? })
    }
}

/// Where a demo keeps its things when nobody says: the user's own state directory, or a temporary one.
fn demo_place() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = home("XDG_STATE_HOME").or_else(|| home("HOME").map(|home| home.join(".local/state")));
    base.unwrap_or_else(std::env::temp_dir).join("yima-demo")
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let refused = || format!("\"{text}\" is not a size like 720x1280");
    let (width, height) = text.split_once('x').ok_or_else(refused)?;
    match (width.parse(), height.parse()) {
        (Ok(width @ 320..=8192), Ok(height @ 320..=8192)) => Ok((width, height)),
        _ => Err(refused()),
    }
}

fn language(text: &str) -> Result<Language, String> {
    match text {
        "zh-CN" => Ok(Language::Chinese),
        "en" => Ok(Language::English),
        other => Err(format!("\"{other}\" is not zh-CN or en")),
    }
}

#[cfg(feature = "screen")]
type Window = super::screen::OpenScreen;

#[cfg(not(feature = "screen"))]
type Window = std::convert::Infallible;

#[cfg(feature = "screen")]
fn show(setup: &Setup, window: Window, parts: Parts) -> Result<ExitCode, Failure> {
    super::screen::run(&setup.settings, window, Ok(parts), Some(setup.clone()), false)
}

#[cfg(not(feature = "screen"))]
fn show(_: &Setup, window: Window, _: Parts) -> Result<ExitCode, Failure> {
    match window {}
}
