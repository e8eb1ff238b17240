//! How long a slip takes to come out: `cargo bench --bench printing`, a minute or two.
//!
//! The sandbox's printer takes its time as a real one: a serial line of 9600 or 115200 bits a second, ten bits a byte, a buffer, and a
//! mechanism that moves the paper. The driver is the one of the terminal, over a real pty. Two times count from the moment at which
//! the driver gets the job: until the first line is on paper, and until the driver says "printed".
//!
//! Beside them stands what no driver can be faster than:
//!
//! - first line: the bytes up to the end of the first line x 10 / baud, and the time in which the paper moves for it;
//! - printed: for each row i, `done(i) = max(done(i-1), bytes up to its end x 10 / baud) + dots(i) / speed of the paper`, and in the
//!   end no less than all bytes x 10 / baud. Where the line is slower this is the bytes alone, where the buffer is full it is the
//!   mechanism.
//!
//! The bytes are those of the slip; what the driver asks the printer before and behind it, and the answers, are its own and count
//! against it. The second factor counts them to the line: 14 bytes and 2 of answers before the slip, 9 and 3 behind it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops here and now"
)]

#[path = "../tests/support/slip.rs"]
mod slip;

use std::time::{Duration, Instant};

use yima::devices::printer::escpos_serial::{SerialPrinter, SerialSettings};
use yima::devices::printer::{Confirmation, Printer};
use yima::receipt::{self, CopyFor, PrinterProfile};
use yima::sandbox::printer::{Pace, PaperWidth, PrinterSettings, SandboxPrinter};
use yima::wording::Language;

/// Slips of each kind; the first one, before which the driver clears what another program may have left, is told apart.
const SLIPS: usize = 5;
/// Bytes of questions and answers before a slip: how it is, initialise, speak up, the first mark.
const BEFORE: usize = 16;
/// The same behind it: the end mark, and how it is then.
const BEHIND: usize = 12;
const PATIENCE: Duration = Duration::from_secs(60);
/// What line and mechanism take, times this, is the most that a slip may take.
const MOST: f64 = 1.05;

fn main() {
    println!("{:<12} {:>7} {:>6} {:>30} {:>30}", "", "baud", "bytes", "first line", "printed");
    let mut missed = 0;
    for baud in [9_600, 115_200] {
        for (profile, paper) in [("generic-58", PaperWidth::Mm58), ("generic-80", PaperWidth::Mm80)] {
            missed += measure(profile, paper, Pace::usual(baud, paper));
        }
    }
    if missed > 0 {
        println!("{missed} of 8 are over {MOST}");
        std::process::exit(1);
    }
}

/// Prints a line. Gives how many of its two times are over [`MOST`].
fn measure(name: &str, paper: PaperWidth, pace: Pace) -> usize {
    let profile = PrinterProfile::shipped(name).unwrap();
    let job = receipt::render(&slip::sale(), CopyFor::Merchant, &profile, Language::Chinese);
    let output = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let settings = PrinterSettings { paper, pace: Some(pace), ..PrinterSettings::new(output.path()) };
    let printer = SandboxPrinter::start(settings).unwrap();
    let line = SerialSettings { baud: pace.baud, ..SerialSettings::of_device(printer.device().to_str().unwrap()) };
    let mut driver = SerialPrinter::new(line, profile);
    let (first_limit, limit) = pace.limits(&job, paper);
    let (mut firsts, mut wholes) = (Vec::new(), Vec::new());
    for turn in 0..=SLIPS {
        printer.await_first_line();
        let begun = Instant::now();
        let result = driver.print(&job, PATIENCE, &mut |fault| panic!("{fault:?}"));
        let whole = begun.elapsed();
        assert_eq!(result, Ok(Confirmation::Printed));
        if turn > 0 {
            firsts.push(printer.first_line().unwrap() - begun);
            wholes.push(whole);
        }
        // Somebody tears it off, and it is drawn.
        std::thread::sleep(Duration::from_millis(1500));
    }
    let mut missed = 0;
    let mut said = |mut times: Vec<Duration>, limit: Duration, asked: usize| {
        times.sort_unstable();
        let median = times[times.len() / 2];
        let (ms, of) = (median.as_secs_f64() * 1000.0, limit.as_secs_f64() * 1000.0);
        missed += usize::from(ms > of * MOST);
        let with_questions = of + pace.on_the_line(asked).as_secs_f64() * 1000.0;
        format!("{ms:>7.1} of {of:>6.1} ms {:>5.3} {:>5.3}", ms / of, ms / with_questions)
    };
    println!(
        "{name:<12} {:>7} {:>6} {:>30} {:>30}",
        pace.baud,
        job.len(),
        said(firsts, first_limit, BEFORE),
        said(wholes, limit, BEFORE + BEHIND)
    );
    missed
}
