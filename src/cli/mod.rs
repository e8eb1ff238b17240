//! The command line: one subcommand, one file. Parses, calls the program's parts, prints text or JSON.

mod archive;
mod bookkeeping;
mod card;
mod cash;
#[cfg(feature = "screen")]
mod classroom;
mod decode;
mod demo;
mod doctor;
mod earlier;
mod emv;
mod enrol;
mod goods;
mod instalments;
mod iso8583;
mod ledger;
mod log;
mod outcome;
mod output;
mod parameters;
mod people;
mod printer;
mod purchase;
mod queue;
mod receipt;
mod reprint;
mod sale;
mod sandbox;
#[cfg(feature = "screen")]
mod screen;
mod search;
mod settlement;
mod sign_on;
mod table;
mod till;
mod tools;
mod transactions;
mod typed_card;
mod typed_code;
mod typed_pin;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::app::enrolment::{EnrolError, kind_of_setup};
use crate::app::{Setup, SetupError};
use crate::money::AmountError;
use crate::terminal::settings::{SYSTEM_STATE, Settings};
use crate::training::Training;
use crate::wording::ReasonKind;

/// What a command gives back to the shell when it could not do its work.
const FAILED: u8 = 2;

/// Yima (一码): the payment application of a Linux smart POS.
///
/// Without a command it opens the touchscreen.
#[derive(Debug, Parser)]
#[command(name = "yima", version, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    places: Places,

    /// Fill the screen: there is nothing beside Yima
    #[arg(long)]
    kiosk: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

/// Where settings and state are.
#[derive(Clone, Debug, Args)]
struct Places {
    /// Settings file [default: /etc/yima/yima.toml, if there is one]; its keys are explained in
    /// /usr/share/doc/yima/examples/yima.toml
    #[arg(long, global = true, value_name = "FILE", help_heading = "Places")]
    config: Option<PathBuf>,

    /// State directory: ledger, identity, keys [default: /var/lib/yima]
    #[arg(long, global = true, value_name = "DIRECTORY", help_heading = "Places")]
    state: Option<PathBuf>,

    /// Do it in the training: nothing of it is a payment, and nothing reaches the acquirer or the totals. CARD is the practice card
    /// in its reader, by the name of a sandbox's card [default: unionpay-debit]
    #[arg(long, global = true, value_name = "CARD", num_args = 0..=1, require_equals = true, default_missing_value = "",
        help_heading = "Places")]
    training: Option<String>,

    /// The training, once it is open: its host runs as long as the command does.
    #[arg(skip)]
    open: Option<Arc<Training>>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try everything: a terminal with card, host and printer inside, nothing to configure
    Demo(demo::Arguments),
    /// Take one payment without the touchscreen
    Sale(sale::SaleArguments),
    /// Show the purchase of which a part is paid, have the rest paid, or give it up
    Purchase(purchase::Arguments),
    /// Take a payment in cash, or give one back
    Cash(cash::CashArguments),
    /// Open the cash drawer without a sale
    Drawer(cash::DrawerArguments),
    /// Undo a sale of this batch, a pre-authorisation or a completion
    Void(earlier::VoidArguments),
    /// Give a payment back, or a part of it
    Refund(earlier::RefundArguments),
    /// Take a payment that the card approves alone, where the acquirer lets so much be sold offline; the host is told later
    OfflineSale(sale::OfflineArguments),
    /// Set money aside on a card
    PreAuth(sale::Arguments),
    /// Set more aside beside what a pre-authorisation holds, on the same card
    TopUp(earlier::TopUpArguments),
    /// Take what was set aside, or a part of it
    Completion(earlier::CompletionArguments),
    /// Ask what is on a card's account
    Balance(sale::BalanceArguments),
    /// List transactions, newest first
    Transactions(transactions::Arguments),
    /// Write a receipt again, marked as a duplicate: as text, as a page, or as a printer takes it
    Receipt(receipt::Arguments),
    /// List the archives of payments that have left the ledger; look for payments in them
    Archive(archive::Arguments),
    /// List what the host must still take back or be told; decide about what was given up
    Queue(queue::Arguments),
    /// Settle the batch with the host now
    Settle(settlement::SettleArguments),
    /// List the settlements of this terminal, newest first
    Settlements(settlement::ListArguments),
    /// Report on a batch: by type, means of payment and goods, and what host and terminal have otherwise
    Settlement(settlement::ReportArguments),
    /// Ask the host what is on the merchant's account, and for the last settlements
    Account(settlement::AccountArguments),
    /// List the people who work here; add, give codes, disable
    People(people::PeopleArguments),
    /// Show, open and close the shift, with the count of the drawer
    Shift(people::ShiftArguments),
    /// Show what was written down of people: sign-ons, wrong codes, rights that were given, shifts
    Audit(people::AuditArguments),
    /// Sign, export, prove and verify the log of what payments finally are
    Log(log::Arguments),
    /// Put the last good copy in the place of a ledger that is damaged
    Ledger(ledger::Arguments),
    /// Look for goods, and bring the catalogue up to date with a table
    Goods(goods::Arguments),
    /// Pair tills with this terminal, list them, take their keys away; run the terminal for them without a touchscreen
    Till(till::Arguments),
    /// Find out what the printer can do, by a sheet that a person looks at
    Printer(printer::Arguments),
    /// Look at every part of the terminal and say how it is and what to do
    Doctor(doctor::Arguments),
    /// Enrol this terminal by the acquirer's activation code, or say how it stands
    Enrol(enrol::EnrolArguments),
    /// Ask the acquirer to let this terminal stand somewhere else
    Move(enrol::MoveArguments),
    /// Take this terminal out of service and destroy its keys
    Decommission(enrol::DecommissionArguments),
    /// Fetch applications, CA keys and the acquirer's tables from the host now and say what changed
    Parameters(parameters::Arguments),
    /// Fetch working keys and the batch number from the host now
    SignOn(sign_on::Arguments),
    /// Say what data of a card, a terminal, an issuer or a host means; card numbers and names stay masked
    Decode(decode::Arguments),
    /// Make a message of the host link from JSON on standard input, in hexadecimal
    Encode(iso8583::encode::Arguments),
    /// MACs, check values, PIN blocks, DUKPT and key blocks for field engineers
    #[command(subcommand)]
    Tools(tools::Tool),
    /// Try the kernel without a card
    #[command(subcommand)]
    Emv(emv::Tool),
    /// Run an acquirer's host, a card or a printer to try the terminal with
    #[command(subcommand)]
    Sandbox(sandbox::Endpoint),
}

/// Why a command could not do its work; printed on standard error.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a failure is for people: why the terminal cannot trade, or a payment cannot begin.
fn kind_of(failure: &Failure) -> ReasonKind {
    if failure.downcast_ref::<AmountError>().is_some() {
        return ReasonKind::AmountWrong;
    }
    if let Some(error) = failure.downcast_ref::<EnrolError>() {
        return error.kind();
    }
    failure.downcast_ref::<SetupError>().map_or(ReasonKind::SetupWrong, kind_of_setup)
}

/// Runs the program.
pub fn run() -> ExitCode {
    let line = CommandLine::try_parse().unwrap_or_else(|error| usage::without_secrets(error).exit());
    leave_no_core();
    stop_at_a_panic();
    let level = if matches!(&line.command, None | Some(Command::Sandbox(_))) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("YIMA_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let prints_alone = matches!(
        &line.command,
        Some(Command::Decode(_) | Command::Encode(_) | Command::Receipt(_) | Command::Tools(_))
    );
    match line.run() {
        // Of a payment the exit code says what came of it, whoever could read more.
        Ok(_) if prints_alone && output::is_lost() => ExitCode::from(FAILED),
        Ok(code) => code,
        Err(failure) => {
            output::complain(&*failure);
            ExitCode::from(FAILED)
        }
    }
}

/// No picture of this program's memory is ever written to disk: card numbers and keys pass through it.
fn leave_no_core() {
    use nix::sys::resource::{Resource, setrlimit};
    let limited = setrlimit(Resource::RLIMIT_CORE, 0, 0).and_then(|()| nix::sys::prctl::set_dumpable(false));
    if let Err(error) = limited {
        output::note(&format!("core dumps cannot be switched off ({error})"));
    }
}

/// A thread that panics would leave the others waiting for its answer for ever. Better to stop the whole program: what was
/// open is in the ledger, and the next start takes it back.
fn stop_at_a_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        std::process::abort();
    }));
}

impl CommandLine {
    fn run(self) -> Result<ExitCode, Failure> {
        let mut line = self;
        line.places.open_training(line.command.as_ref())?;
        line.carry_out()
    }

    fn carry_out(self) -> Result<ExitCode, Failure> {
        match self.command {
            None => open_screen(&self.places, self.kiosk),
            Some(Command::Demo(arguments)) => arguments.run(&self.places, self.kiosk),
            Some(Command::Sale(arguments)) => arguments.run(self.places.setup()),
            Some(Command::Purchase(arguments)) => arguments.run(self.places.setup()),
            Some(Command::Cash(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Drawer(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Void(arguments)) => arguments.run(self.places.setup()),
            Some(Command::Refund(arguments)) => arguments.run(self.places.setup()),
            Some(Command::OfflineSale(arguments)) => arguments.run(self.places.setup()),
            Some(Command::PreAuth(arguments)) => arguments.set_aside(self.places.setup()),
            Some(Command::TopUp(arguments)) => arguments.run(self.places.setup()),
            Some(Command::Completion(arguments)) => arguments.run(self.places.setup()),
            Some(Command::Balance(arguments)) => arguments.run(self.places.setup()),
            Some(Command::Transactions(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Receipt(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Archive(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Queue(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Settle(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Settlements(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Settlement(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Account(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::People(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Shift(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Audit(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Log(arguments)) => arguments.run(|| self.places.setup()),
            Some(Command::Ledger(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Goods(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Till(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Printer(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Doctor(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Enrol(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Move(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Decommission(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Parameters(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::SignOn(arguments)) => arguments.run(&self.places.setup()?),
            Some(Command::Decode(arguments)) => arguments.run(),
            Some(Command::Encode(arguments)) => arguments.run(),
            Some(Command::Tools(tool)) => tool.run(),
            Some(Command::Emv(tool)) => tool.run(),
            Some(Command::Sandbox(endpoint)) => endpoint.run(&self.places),
        }
    }
}

impl Places {
    /// The settings with the state directory they belong to.
    fn setup(&self) -> Result<Setup, Failure> {
        if let (Some(training), Some(card)) = (&self.open, &self.training) {
            let mut setup = training.setup().clone();
            setup.settings.reader.name.clone_from(card);
            return Ok(setup);
        }
        let (settings, origin) = Settings::load(self.config.as_deref())?;
        Ok(Setup { settings, origin, state: self.state() })
    }

    /// Opens the training, where the command is given for it.
    fn open_training(&mut self, command: Option<&Command>) -> Result<(), Failure> {
        if self.training.is_some() {
            if matches!(command, Some(Command::Demo(_))) {
                return Err("a demo is a try-out already; leave --training out".into());
            }
            let training = Training::open(&self.setup()?)?;
            output::is_training();
            output::note("培训 TRAINING: nothing of this is a payment");
            self.open = Some(Arc::new(training));
        }
        Ok(())
    }

    fn state(&self) -> PathBuf {
        if let Some(training) = &self.open {
            return training.setup().state.clone();
        }
        self.state.clone().unwrap_or_else(|| SYSTEM_STATE.into())
    }
}

#[cfg(feature = "screen")]
fn open_screen(places: &Places, kiosk: bool) -> Result<ExitCode, Failure> {
    // Wrong settings are said on the screen as well: a kiosk has no other place.
    let (settings, parts, setup) = match places.setup() {
        Ok(setup) => {
            let parts = setup.parts().map_err(Failure::from);
            (setup.settings.clone(), parts, Some(setup))
        }
        Err(failure) => (Settings::default(), Err(failure), None),
    };
    screen::run(&settings, screen::open(&settings, kiosk)?, parts, setup, true)
}

#[cfg(not(feature = "screen"))]
fn open_screen(_: &Places, _: bool) -> Result<ExitCode, Failure> {
    Err("this build has no touchscreen; take payments with: yima sale".into())
}
