//! `yima sandbox host|card|printer`: endpoints to try the terminal with, each a process of its own, and `yima sandbox
//! merchant`, the desk of the acquirer behind the host; `yima sandbox order|reports`, what it wants of terminals and hears from
//! them; `yima sandbox books`, what it has written down; `yima sandbox signatures`, what cardholders signed; `yima sandbox wallet`, what a customer does with a phone; `yima sandbox log`, its word about logs that its host does not sign.

mod account;
mod books;
mod log;
mod merchant;
mod notifications;
mod orders;
mod signatures;
mod stripe;
mod wallet;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use self::books::BookArguments;
use self::log::Log;
use self::merchant::Merchant;
use self::notifications::NotificationArguments;
use self::orders::{OrderArguments, ReportArguments};
use self::signatures::SignatureArguments;
use self::stripe::StripeArguments;
use self::wallet::WalletCommand;
use super::{Failure, Places, output};
use crate::sandbox::card::SandboxCard;
use crate::sandbox::card::apdu::instruction_name;
use crate::sandbox::card::fault::{Faults, FaultyCard};
use crate::sandbox::card::profile::{CardProfile, SHIPPED};
use crate::sandbox::card::vpcd::{self, Visit, VpcdEvent};
use crate::sandbox::host::notifications::webhook::Webhook;
use crate::sandbox::host::notifications::{KeptHere, NotificationProvider, RunningNotifications};
use crate::sandbox::host::{DEFAULT_DIALECT, DEFAULT_PORT, Host};
use crate::sandbox::printer::{Answers, Pace, PaperWidth, PrinterSettings, Roll, SandboxPrinter};
use crate::sandbox::receipts::RunningReceipts;
use crate::sandbox::scanner::SandboxScanner;
use crate::sandbox::wallet::{self as wallet_server, RunningWallets};
use crate::terminal::identity;

/// The endpoints.
#[derive(Debug, Subcommand)]
pub enum Endpoint {
    /// An acquirer's host over HTTPS, with an issuer behind it
    ///
    /// Amounts decide what it answers: 66.51 is declined with 51, 66.10 is approved in part, 67.02 is booked and not
    /// answered. The whole table is in docs/sandbox.md.
    Host(HostArguments),
    /// An EMV card in a virtual PC/SC reader (vpcd)
    Card(CardArguments),
    /// An ESC/POS printer on a pseudo-terminal that draws its paper
    Printer(PrinterArguments),
    /// A scanner on a pseudo-terminal: every line of standard input is scanned
    Scanner(ScannerArguments),
    /// A reader of stripes on a pseudo-terminal: every line of standard input names a card that is swiped
    Stripe(StripeArguments),
    /// The acquirer's side of onboarding: applications of merchants, activation codes, suspensions
    #[command(subcommand)]
    Merchant(Merchant),
    /// Have the host order a terminal to do something, in the header of its next answers
    Order(OrderArguments),
    /// Show what terminals told the host of themselves
    Reports(ReportArguments),
    /// Show what the host has written down of requests
    Books(BookArguments),
    /// Show what cardholders signed on terminals' screens, or write it as pictures
    Signatures(SignatureArguments),
    /// Show what customers were told on their phones, or would be
    Notifications(NotificationArguments),
    /// The acquirer's word about logs of transactions that its host does not sign
    #[command(subcommand)]
    Log(Log),
    /// The customer's phone: make a code, pay the one that a terminal shows
    #[command(subcommand)]
    Wallet(WalletCommand),
}

/// What comes after `yima sandbox host`.
#[derive(Debug, Args)]
pub struct HostArguments {
    /// Address and port to listen on; only this machine's own addresses make sense
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)))]
    listen: SocketAddr,

    /// What it speaks: a shipped message dialect that says what a host means, or a file of your own; the terminal's setting
    /// host.dialect names the same
    #[arg(long, value_name = "NAME|FILE", default_value = DEFAULT_DIALECT)]
    dialect: String,

    /// Where the terminal's identity, certificates and TEST keys are written [default: the identity directory of the
    /// settings, if this terminal has none yet]
    #[arg(long, value_name = "DIRECTORY")]
    kit: Option<PathBuf>,

    /// Address and port of the customers' wallets, a page for a browser [default: port 8584 of the same address, or any free port
    /// where the host has another than its usual one]
    #[arg(long, value_name = "ADDRESS")]
    wallets: Option<SocketAddr>,

    /// Show e-receipts on this address and port, and tell terminals so: the customers' copies then have a link to them
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1,
          default_missing_value = "127.0.0.1:8585")]
    receipts: Option<SocketAddr>,

    /// Tell customers by posting to this address; without it what they would be told is only kept: yima sandbox notifications
    #[arg(long, value_name = "URL", requires = "webhook_secret")]
    webhook: Option<String>,

    /// A file with what such posts are signed by
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_secret: Option<PathBuf>,
}

/// What comes after `yima sandbox card`.
#[derive(Debug, Args)]
pub struct CardArguments {
    /// Name of a shipped profile, or a profile's file
    #[arg(long, value_name = "NAME|FILE", default_value = "unionpay-debit")]
    profile: String,

    /// Name the shipped profiles, one a line, and do nothing else
    #[arg(long)]
    list: bool,

    /// Host and port of vpcd
    #[arg(long, value_name = "HOST:PORT", default_value = vpcd::DEFAULT_ADDRESS)]
    vpcd: String,

    /// Seconds before the card is inserted
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0)]
    insert_after: f64,

    /// Seconds after the card left before it comes again; without it the card comes once
    #[arg(long, value_name = "SECONDS")]
    insert_again_after: Option<f64>,

    /// Leave the card in when the terminal is done with it
    #[arg(long)]
    stay: bool,

    /// Pull the card out before it answers the Nth command
    #[arg(long, value_name = "N")]
    tear: Option<u32>,

    /// Never answer the Nth command
    #[arg(long, value_name = "N")]
    mute: Option<u32>,
}

/// What comes after `yima sandbox printer`.
#[derive(Debug, Args)]
pub struct PrinterArguments {
    /// Where receipts are drawn, as PNG with their text beside [default: receipts in the state directory]
    #[arg(long, value_name = "DIRECTORY")]
    receipts: Option<PathBuf>,

    /// A link to the pseudo-terminal with a name that stays [default: printer in the state directory]
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,

    /// Width of the paper in millimetres
    #[arg(long, value_name = "58|80", default_value = "58", value_parser = ["58", "80"])]
    paper: String,

    /// Start without paper
    #[arg(long, conflicts_with = "paper_lines")]
    no_paper: bool,

    /// Run out of paper after so many lines
    #[arg(long, value_name = "LINES")]
    paper_lines: Option<u32>,

    /// Seconds after running out before there is new paper
    #[arg(long, value_name = "SECONDS", requires = "paper_lines")]
    new_paper_after: Option<f64>,

    /// Start with the cover open
    #[arg(long)]
    cover_open: bool,

    /// Answer nothing, like the cheapest printers
    #[arg(long)]
    silent: bool,

    /// Take the time that a serial line of so many bits a second and a mechanism take [default: no time at all]
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(1200..=4_000_000))]
    baud: Option<u32>,
}

impl Endpoint {
    pub fn run(&self, places: &Places) -> Result<ExitCode, Failure> {
        let place = places.state().join("sandbox");
        match self {
            Self::Host(arguments) => arguments.run(places, &place.join("host")),
            Self::Card(arguments) => arguments.run(&place.join("card")),
            Self::Printer(arguments) => arguments.run(&places.state()),
            Self::Scanner(arguments) => arguments.run(&places.state()),
            Self::Stripe(arguments) => arguments.run(&places.state()),
            Self::Merchant(merchant) => merchant.run(&place.join("host")),
            Self::Order(arguments) => arguments.run(&place.join("host")),
            Self::Reports(arguments) => arguments.run(&place.join("host")),
            Self::Books(arguments) => arguments.run(&place.join("host")),
            Self::Signatures(arguments) => arguments.run(&place.join("host")),
            Self::Notifications(arguments) => arguments.run(&place.join("host")),
            Self::Log(log) => log.run(&place.join("host")),
            Self::Wallet(command) => command.run(&place.join("host")),
        }
    }
}

impl HostArguments {
    fn run(&self, places: &Places, state: &Path) -> Result<ExitCode, Failure> {
        let host = Host::prepare_in(&self.dialect, state)?;
        let own = places.setup()?.identity_directory();
        let kit = match &self.kit {
            Some(kit) => Some(kit),
            None => (!own.join(identity::FILE).exists()).then_some(&own),
        };
        if let Some(kit) = kit {
            host.write_kit(kit)?;
            output::say(&format!("TEST identity and keys of the terminal: {}", kit.display()));
        } else if host.is_kit(&own)? == Some(false) {
            output::note(&format!(
                "the TEST identity in {} is of earlier keys: this host does not take it. Replace it: yima sandbox host --kit {}",
                own.display(),
                own.display()
            ));
        }
        if self.dialect != DEFAULT_DIALECT {
            output::say(&format!("its terminals need host.dialect = \"{}\"", self.dialect));
        }
        let running = host.start(self.listen)?;
        output::say(&format!("sandbox host: https://{} (TEST)", running.address));
        let _wallets = self.wallets(&host)?;
        let _receipts = match self.receipts {
            Some(listen) => {
                let receipts = RunningReceipts::start(&host, listen)?;
                running.offer_receipts(&receipts.url());
                output::say(&format!("e-receipts: {} (TEST)", receipts.url()));
                Some(receipts)
            }
            None => None,
        };
        let _notifications = RunningNotifications::start(&host, self.provider()?)?;
        wait_for_the_end()
    }

    /// Who tells customers.
    fn provider(&self) -> Result<Box<dyn NotificationProvider>, Failure> {
        let (Some(url), Some(path)) = (&self.webhook, &self.webhook_secret) else { return Ok(Box::new(KeptHere)) };
        let secret = Zeroizing::new(std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?);
        let secret = Zeroizing::new(secret.trim_ascii().to_vec());
        if secret.is_empty() {
            return Err(format!("{} is empty: write the secret of the webhook into it", path.display()).into());
        }
        Ok(Box::new(Webhook::new(url, secret)?))
    }
}

impl HostArguments {
    /// The customers' phone. A host whose customers cannot be reached takes cards all the same.
    fn wallets(&self, host: &Host) -> Result<Option<RunningWallets>, Failure> {
        let usual = if self.listen.port() == DEFAULT_PORT { wallet_server::DEFAULT_PORT } else { 0 };
        let listen = self.wallets.unwrap_or_else(|| SocketAddr::from((self.listen.ip(), usual)));
        match RunningWallets::start(host, listen) {
            Ok(wallets) => {
                output::say(&format!("customers' wallets: {} (TEST)", wallets.url()));
                Ok(Some(wallets))
            }
            Err(error) if self.wallets.is_some() => Err(error.into()),
            Err(error) => {
                output::note(&format!("{error} (--wallets)"));
                Ok(None)
            }
        }
    }
}

impl CardArguments {
    fn run(&self, keys: &Path) -> Result<ExitCode, Failure> {
        if self.list {
            for (name, _) in SHIPPED {
                output::say(&format!("{name:24} {}", CardProfile::shipped(name)?.title));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let card = SandboxCard::open(&profile(&self.profile)?, keys)?;
        let mut card = FaultyCard::new(card, Faults { tear: self.tear, mute: self.mute });
        let visit = Visit {
            address: self.vpcd.clone(),
            insert_after: seconds(self.insert_after)?,
            insert_again_after: self.insert_again_after.map(seconds).transpose()?,
            leave_when_released: !self.stay,
        };
        let stop = stop_on_signals()?;
        vpcd::serve(&mut card, &visit, &stop, |event| {
            let what = match event {
                VpcdEvent::WaitingForReader => "waiting for the virtual reader",
                VpcdEvent::Inserted => "inserted",
                // Its name only, for who counts: what a command carries belongs to the cardholder.
                VpcdEvent::Command { number, instruction } => {
                    let name = instruction.and_then(instruction_name).unwrap_or("unknown");
                    return output::say(&format!("card (TEST): command {number}, {name}"));
                }
                VpcdEvent::Torn => "pulled out",
                VpcdEvent::Silent => "silent",
                VpcdEvent::Released => "taken back",
                VpcdEvent::ReaderGone => "the reader has gone",
            };
            output::say(&format!("card (TEST): {what}"));
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What comes after `yima sandbox scanner`.
#[derive(Debug, Args)]
pub struct ScannerArguments {
    /// A link to the pseudo-terminal with a name that stays [default: scanner in the state directory]
    #[arg(long, value_name = "PATH")]
    link: Option<PathBuf>,
}

impl ScannerArguments {
    fn run(&self, state: &Path) -> Result<ExitCode, Failure> {
        let link = self.link.clone().unwrap_or_else(|| state.join("scanner"));
        let mut scanner = SandboxScanner::plugged_in(link)?;
        output::say(&format!("scanner: {}", scanner.device().display()));
        for line in std::io::stdin().lines() {
            // It may be a code of a wallet.
            scanner.scan(Zeroizing::new(line?).trim_ascii())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl PrinterArguments {
    fn run(&self, state: &Path) -> Result<ExitCode, Failure> {
        let receipts = self.receipts.clone().unwrap_or_else(|| state.join("receipts"));
        let mut settings = PrinterSettings::new(&receipts);
        settings.link = Some(self.link.clone().unwrap_or_else(|| state.join("printer")));
        settings.paper = if self.paper == "80" { PaperWidth::Mm80 } else { PaperWidth::Mm58 };
        settings.cover_open = self.cover_open;
        settings.habits.answers = if self.silent { Answers::Nothing } else { Answers::Everything };
        settings.roll = self.roll()?;
        settings.pace = self.baud.map(|baud| Pace::usual(baud, settings.paper));
        let running = SandboxPrinter::start(settings)?;
        output::say(&format!("printer: {}; receipts: {}", running.device().display(), receipts.display()));
        wait_for_the_end()
    }
}

impl PrinterArguments {
    fn roll(&self) -> Result<Roll, Failure> {
        Ok(match (self.no_paper, self.paper_lines) {
            (true, _) => Roll::Empty,
            (false, None) => Roll::Full,
            (false, Some(lines)) => {
                Roll::EndsAfter { lines, back_after: self.new_paper_after.map(seconds).transpose()? }
            }
        })
    }
}

/// A shipped profile by name, or a file.
pub fn profile(name: &str) -> Result<CardProfile, Failure> {
    if Path::new(name).extension().is_some() {
        let text = std::fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?;
        Ok(CardProfile::parse(name, &text)?)
    } else {
        Ok(CardProfile::shipped(name)?)
    }
}

fn seconds(number: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(number).map_err(|_| format!("{number} is not a number of seconds").into())
}

/// Stays until the process is asked to end.
pub(super) fn wait_for_the_end() -> Result<ExitCode, Failure> {
    let stop = stop_on_signals()?;
    while !stop.load(Ordering::Acquire) {
        std::thread::park_timeout(Duration::from_millis(200));
    }
    Ok(ExitCode::SUCCESS)
}

/// A mark that is set when the process is asked to end (SIGINT, SIGTERM), so that files and links are cleaned up.
fn stop_on_signals() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
