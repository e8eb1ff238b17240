//! The matrix: a row for each trouble, a column for each moment.

use std::path::Path;
use std::time::{Duration, Instant};

use yima::app::view::{CopyState, Intent, Screen};
use yima::devices::printer::escpos_serial::{SerialPrinter, SerialSettings, Waits};
use yima::ledger::PrintState;
use yima::receipt::{CopyFor, PrinterProfile};
use yima::sandbox::printer::{Answers, Habits, PrinterSettings, RunningPrinter, SandboxPrinter};

use super::paper::{Found, on_the_counter};
use super::terminal::{Reversal, Running, Sale, Terminal};

/// After so many lines the hand reaches the printer: before the first, in the shop's slip, at its end, in the customer's, and when
/// all is out.
const MOMENTS: [u32; 6] = [0, 12, 33, 45, 62, 90];

/// Longer than any cell takes.
const LIMIT: Duration = Duration::from_secs(60);

/// Until what has come out lies on the counter: the sandbox printer waits a second for more.
const TORN_OFF: Duration = Duration::from_millis(1500);

/// What the account holds at first.
const FULL_ACCOUNT: u64 = 1_000_000;

/// What happens to the printer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    PaperOut,
    CoverOpen,
    SwitchedOffAndOn,
    PulledOut,
    Noise,
    Jammed,
}

/// A make of printer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Make {
    Good,
    /// Answers nothing.
    Cheap,
    /// Holds the line while it stands still, and clears nothing.
    Holding,
}

impl Make {
    fn habits(self) -> Habits {
        match self {
            Self::Good => Habits::default(),
            Self::Cheap => Habits { answers: Answers::Nothing, clears_buffer: false, ..Habits::default() },
            Self::Holding => Habits { holds_line: true, clears_buffer: false, ..Habits::default() },
        }
    }

    const fn profile(self) -> &'static str {
        match self {
            Self::Good | Self::Holding => "generic-58",
            Self::Cheap => "silent-58",
        }
    }
}

fn plug_in(folder: &Path, make: Make) -> RunningPrinter {
    let link = Some(folder.join("printer"));
    let settings = PrinterSettings { link, habits: make.habits(), ..PrinterSettings::new(folder.join("paper")) };
    SandboxPrinter::start(settings).unwrap()
}

/// The hand at the printer; gives the printer that is there afterwards.
fn happens(trouble: Trouble, printer: RunningPrinter, folder: &Path, make: Make) -> RunningPrinter {
    match trouble {
        Trouble::PaperOut => printer.set_paper(false),
        Trouble::CoverOpen => printer.set_cover_open(true),
        Trouble::SwitchedOffAndOn => printer.power_cycle(),
        Trouble::Noise => printer.noise(&[0x00, 0xFF, 0x16, 0x12, 0x3F, 0x80, 0x01]),
        Trouble::Jammed => printer.noise(&[0x18, 0x08, 0, 0x0F]),
        Trouble::PulledOut => {
            drop(printer);
            std::thread::sleep(Duration::from_millis(400));
            return plug_in(folder, make);
        }
    }
    // Where it was not reached while it printed, it is not held up later.
    printer.busy_after(u32::MAX);
    printer.set_busy(false);
    std::thread::sleep(Duration::from_millis(400));
    match trouble {
        Trouble::PaperOut => printer.set_paper(true),
        Trouble::CoverOpen => printer.set_cover_open(false),
        Trouble::SwitchedOffAndOn | Trouble::Noise | Trouble::PulledOut | Trouble::Jammed => {}
    }
    printer
}

/// The cashier: looks at the paper when the terminal asks, and has printed again what did not come out.
fn cashier(running: &mut Running, folder: &Path, trace: &str, what: &str) {
    let end = Instant::now() + LIMIT;
    loop {
        let screen = running.last.as_ref().map(|view| view.screen.clone());
        let Some(Screen::Approved { copies, .. }) = screen else { panic!("{screen:?}") };
        if copies.iter().all(|copy| copy.state == CopyState::Printed) {
            return;
        }
        let asks = copies.iter().find(|copy| matches!(copy.state, CopyState::Asks(_)));
        let stands = copies
            .iter()
            .any(|copy| matches!(copy.state, CopyState::Queued | CopyState::Sending | CopyState::Waiting(_)));
        if stands {
            // What is coming out comes out first.
        } else if let Some(asks) = asks {
            std::thread::sleep(TORN_OFF);
            let newest = on_the_counter(&folder.join("paper"), trace)
                .into_iter()
                .rfind(|slip| slip.copy == Some(asks.copy.word()));
            running.wish(Intent::DidItPrint { copy: asks.copy, printed: newest.is_some_and(|slip| slip.whole) });
        } else {
            running.wish(Intent::RetryPrint);
        }
        assert!(
            Instant::now() < end,
            "{what} has no end: {copies:?}, {:?}",
            on_the_counter(&folder.join("paper"), trace)
        );
        if let Ok(view) = running.views.recv_timeout(Duration::from_secs(2)) {
            running.last = Some(view);
        }
    }
}

fn cell(trouble: Trouble, moment: u32, make: Make) {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let what = format!("{trouble:?} after {moment} lines of a printer that is {make:?}");
    let folder = tempfile::tempdir().unwrap();
    let printer = plug_in(folder.path(), make);
    if moment == 0 {
        printer.set_busy(true);
    } else {
        printer.busy_after(moment);
    }
    let profile = PrinterProfile::shipped(make.profile()).unwrap();
    let device = SerialSettings::of_device(printer.device().to_str().unwrap());
    let waits = Waits {
        end_mark: Duration::from_secs(3),
        end_mark_of_silent: Duration::from_millis(300),
        look: Duration::from_millis(200),
        ..Waits::default()
    };
    let mut running = terminal.start_with("unionpay-debit", |parts| {
        let driver = SerialPrinter::with_waits(device.clone(), profile.clone(), waits);
        yima::app::Parts {
            printer: Box::new(driver),
            printer_profile: profile.clone(),
            printer_patience: Duration::from_secs(20),
            ..parts
        }
    });
    running.charge("12.34");
    running.until(&what, |screen| matches!(screen, Screen::Approved { .. }));
    // The printer has come as far as it comes.
    std::thread::sleep(Duration::from_millis(600));
    let printer = happens(trouble, printer, folder.path(), make);
    let trace = terminal.rows()[0].trace.to_string();
    cashier(&mut running, folder.path(), &trace, &what);
    drop(running);
    std::thread::sleep(Duration::from_millis(200));
    drop(printer);

    // Charged once.
    let rows = terminal.rows();
    assert_eq!(rows.len(), 1, "{what}");
    let books = yima::sandbox::host::Host::prepare(&terminal.folder.path().join("host")).unwrap();
    let balance = books.balance("6228480000000001230").unwrap().unwrap();
    assert_eq!(balance, FULL_ACCOUNT - 1234, "{what}");
    // Each copy is there, and once without a mark at most.
    let found = on_the_counter(&folder.path().join("paper"), &trace);
    for copy in [CopyFor::Merchant, CopyFor::Customer] {
        let of_it: Vec<&Found> = found.iter().filter(|slip| slip.copy == Some(copy.word()) && slip.whole).collect();
        assert!(!of_it.is_empty(), "{what}: the {} copy is lost: {found:?}", copy.word());
        let unmarked = of_it.iter().filter(|slip| !slip.marked).count();
        assert!(unmarked <= 1, "{what}: the {} copy came out twice and does not say so: {found:?}", copy.word());
        let copies = terminal.ledger().copies_of(rows[0].trace).unwrap();
        assert!(copies.iter().any(|one| one.copy == copy && one.state == PrintState::Printed), "{what}: {copies:?}");
    }
}

/// All cells of a row at a time: they wait more than they work.
fn row(trouble: Trouble, make: Make) {
    std::thread::scope(|scope| {
        for moment in MOMENTS {
            scope.spawn(move || cell(trouble, moment, make));
        }
    });
}

#[test]
fn the_roll_ends() {
    row(Trouble::PaperOut, Make::Good);
}

#[test]
fn the_cover_is_opened() {
    row(Trouble::CoverOpen, Make::Good);
}

#[test]
fn it_is_switched_off_and_on() {
    row(Trouble::SwitchedOffAndOn, Make::Good);
}

#[test]
fn its_plug_is_pulled_out() {
    row(Trouble::PulledOut, Make::Good);
}

#[test]
fn there_is_noise_on_the_line() {
    row(Trouble::Noise, Make::Good);
}

#[test]
fn the_cutter_jams() {
    row(Trouble::Jammed, Make::Good);
}

#[test]
fn the_roll_of_one_that_answers_nothing_ends() {
    row(Trouble::PaperOut, Make::Cheap);
}

#[test]
fn one_that_answers_nothing_is_switched_off_and_on() {
    row(Trouble::SwitchedOffAndOn, Make::Cheap);
}

#[test]
fn the_plug_of_one_that_answers_nothing_is_pulled_out() {
    row(Trouble::PulledOut, Make::Cheap);
}

#[test]
fn the_roll_of_one_that_holds_the_line_ends() {
    row(Trouble::PaperOut, Make::Holding);
}
