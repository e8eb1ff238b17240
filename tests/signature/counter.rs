//! A terminal at which customers sign on the screen, and what came of it on paper and at the host.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use yima::app::signing::SignIntent;
use yima::app::view::{CopyState, Intent, Screen};
use yima::app::{Parts, SignaturePlan};
use yima::devices::printer::escpos_serial::{SerialPrinter, SerialSettings};
use yima::jbig::Picture;
use yima::ledger::SignatureState;
use yima::payment::signature::{Point, Strokes};
use yima::receipt::PrinterProfile;
use yima::reference::TraceNumber;
use yima::sandbox::printer::{PaperWidth, PrinterSettings, RunningPrinter, SandboxPrinter};
use yima::terminal::settings::SignaturePad;

use super::terminal::{Reversal, Running, Sale, Terminal};

const LIMIT: Duration = Duration::from_secs(40);

/// See the module.
pub struct Counter {
    pub terminal: Terminal,
    printer: RunningPrinter,
    _receipts: tempfile::TempDir,
    /// How long customers may take.
    pub wait: Duration,
}

/// What stands on a slip: its words, and its dots.
pub struct Slip {
    pub text: String,
    width: u32,
    dots: Vec<u8>,
}

impl Counter {
    pub fn open() -> Self {
        let receipts = tempfile::tempdir().unwrap();
        let settings = PrinterSettings { paper: PaperWidth::Mm58, ..PrinterSettings::new(receipts.path()) };
        Self {
            terminal: Terminal::new(Sale::Real, Reversal::Code("00")),
            printer: SandboxPrinter::start(settings).unwrap(),
            _receipts: receipts,
            wait: Duration::from_secs(150),
        }
    }

    pub fn start(&self) -> Running {
        self.start_as("cvm-signature", |parts| parts)
    }

    /// With another card, and parts that are not quite the usual ones.
    pub fn start_as(&self, card: &str, change: impl Fn(Parts) -> Parts) -> Running {
        let profile = PrinterProfile::shipped("generic-58").unwrap();
        let device = SerialSettings::of_device(self.printer.device().to_str().unwrap());
        self.terminal.start_with(card, |parts| {
            change(Parts {
                printer: Box::new(SerialPrinter::new(device.clone(), profile.clone())),
                printer_profile: profile.clone(),
                signature: SignaturePlan {
                    pad: SignaturePad::Always,
                    wait: self.wait,
                    has_screen: true,
                    ..parts.signature
                },
                ..parts
            })
        })
    }

    /// A payment, up to the question for a signature.
    pub fn asked(&self, amount: &str) -> (Running, TraceNumber) {
        let mut running = self.start();
        running.charge(amount);
        running.until("the pad", is_pad);
        let row = self.terminal.rows().remove(0);
        (running, row.trace)
    }

    /// Slips, oldest first, as soon as there are so many.
    pub fn slips(&self, count: usize) -> Vec<Slip> {
        until("slips", || self.printer.receipts().len() >= count);
        self.printer.receipts().iter().map(|path| Slip::read(path)).collect()
    }

    pub fn slip_count(&self) -> usize {
        self.printer.receipts().len()
    }

    pub fn state(&self, trace: TraceNumber) -> Option<(SignatureState, u32)> {
        let row = self.terminal.ledger().signature_of(trace).unwrap();
        row.map(|row| (row.state, row.refusals))
    }

    /// Waits until the signature of a payment is in this state.
    #[track_caller]
    pub fn is(&self, trace: TraceNumber, state: SignatureState) {
        until("the state of the signature", || self.state(trace).is_some_and(|(found, _)| found == state));
    }
}

impl Slip {
    fn read(path: &Path) -> Self {
        let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
        let mut dots = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut dots).unwrap();
        let text = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        Self { text, width: frame.width, dots }
    }

    /// Whether these dots are on the paper, in the middle of it and nowhere mixed with others.
    pub fn shows(&self, picture: &Picture) -> bool {
        let width = self.width as usize;
        let left = (self.width - picture.width()) / 2;
        let row = |y: u32| -> Vec<bool> {
            (0..self.width).map(|x| x >= left && picture.is_black((x - left).into(), y.into())).collect()
        };
        let wanted: Vec<Vec<bool>> = (0..picture.height()).map(row).collect();
        let paper: Vec<Vec<bool>> =
            self.dots.chunks(width).map(|row| row.iter().map(|dot| *dot < 128).collect()).collect();
        paper.windows(wanted.len()).any(|rows| rows == wanted)
    }
}

pub fn is_pad(screen: &Screen) -> bool {
    matches!(screen, Screen::Sign { .. })
}

pub fn are_printed(screen: &Screen) -> bool {
    matches!(screen, Screen::Approved { copies, .. }
        if copies.len() == 2 && copies.iter().all(|copy| copy.state == CopyState::Printed))
}

/// A name as a hand writes it.
pub fn name() -> Strokes {
    let mut strokes = Strokes::default();
    let place = |step: u16| {
        let angle = f64::from(step) * 0.16;
        Point {
            x: (400.0 + f64::from(step) * 13.0 + 120.0 * angle.cos()) as u16,
            y: (900.0 + 420.0 * angle.sin()) as u16,
        }
    };
    strokes.begin(place(0));
    (1..220).for_each(|step| {
        strokes.go_on(place(step));
    });
    strokes.begin(Point { x: 900, y: 1600 });
    strokes.go_on(Point { x: 3200, y: 1500 });
    strokes
}

pub fn sign(running: &Running) {
    running.wish(Intent::Sign(SignIntent::Done(name())));
}

#[track_caller]
pub fn until(what: &str, ready: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !ready() {
        assert!(Instant::now() < end, "{what}: not within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
