//! How long a slip takes to be made, and how many bytes it has: `cargo bench --bench receipt`, and against python-escpos in the same
//! run with `benches/peers/receipt`, which installs it.
//!
//! One Chinese sales slip, the shop's copy with every field, for both widths of paper. The peer is given the lines as our layout has
//! them, so that what is compared is the encoding: the same texts, sizes, places, code and cut. That both are the same receipt is
//! not believed but drawn: the sandbox's printer puts both jobs on paper, and the two pictures are equal dot for dot. Ours is timed
//! from the laid-out lines as the peer is, and beside it from the values of the payment, through template and layout.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement that cannot go on stops here and now"
)]

#[path = "../tests/support/slip.rs"]
mod slip;

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use yima::receipt::layout::{Row, rows};
use yima::receipt::{self, Align, CopyFor, Document, PrinterProfile, Size};
use yima::sandbox::printer::{PaperWidth, Picture};
use yima::wording::Language;

/// Turns of all that is measured, one after the other.
const TURNS: usize = 15;
/// Receipts that ours makes in a turn: one is too short to be timed.
const OURS: u32 = 5_000;
/// Receipts that the peer makes in a turn.
const THEIRS: u32 = 200;
/// How many times as long the peer must take at least, used as its documentation says.
const FACTOR: f64 = 50.0;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let python = arguments.iter().skip_while(|argument| *argument != "--python").nth(1);
    for (name, paper) in [("generic-58", PaperWidth::Mm58), ("generic-80", PaperWidth::Mm80)] {
        measure(name, paper, python.map(String::as_str));
    }
}

fn measure(name: &str, paper: PaperWidth, python: Option<&str>) {
    let profile = PrinterProfile::shipped(name).unwrap();
    let slip = slip::sale();
    let document = Document::of_sale(&slip, CopyFor::Merchant, Language::Chinese, profile.chinese);
    let rows = rows(&document, usize::from(profile.columns));
    let job = receipt::commands(&rows, &profile);
    assert_eq!(job, receipt::render(&slip, CopyFor::Merchant, &profile, Language::Chinese));
    let mut peer = python.map(|python| Peer::start(python, &rows, &profile, &job));
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        times[0].push(nanos(|| drop(black_box(receipt::commands(black_box(&rows), &profile)))));
        times[1].push(nanos(|| {
            drop(black_box(receipt::render(black_box(&slip), CopyFor::Merchant, &profile, Language::Chinese)));
        }));
        if let Some(peer) = &mut peer {
            times[2].push(peer.time("best"));
            times[3].push(peer.time("usual"));
        }
    }
    // The quickest turn of each: the machine may have had other work in the others.
    let [encoded, rendered, best, usual] = times.map(|times| times.into_iter().min_by(f64::total_cmp));
    println!("{name}, {} rows", rows.len());
    line("ours, from laid-out lines", job.len(), encoded.unwrap(), None);
    line("ours, from the payment's values", job.len(), rendered.unwrap(), None);
    let Some(peer) = &mut peer else { return };
    let ours = picture(&job, paper);
    for (way, time) in [("best", best.unwrap()), ("usual", usual.unwrap())] {
        let theirs = peer.bytes(way);
        line(&format!("python-escpos, {way}"), theirs.len(), time, encoded.map(|ours| time / ours));
        let same = picture(&theirs, paper) == ours;
        println!("    its picture is {} ours", if same { "dot for dot" } else { "another than" });
        assert!(same || way != "best", "the two receipts are not the same");
        assert!(job.len() <= theirs.len(), "{way}: {} bytes are more than {}", job.len(), theirs.len());
        let factor = encoded.map_or(0.0, |ours| time / ours);
        assert!(way == "best" || factor >= FACTOR, "{factor:.0} times as long is to be {FACTOR:.0}");
    }
}

fn line(what: &str, bytes: usize, nanos: f64, factor: Option<f64>) {
    let factor = factor.map_or_else(String::new, |factor| format!("   {factor:.0} times as long as ours"));
    println!("  {what:<34} {bytes:>5} bytes {:>9.2} us{factor}", nanos / 1000.0);
}

/// Nanoseconds for one, the mean of many.
fn nanos(mut deed: impl FnMut()) -> f64 {
    let begun = Instant::now();
    (0..OURS).for_each(|_| deed());
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(OURS)
}

/// The paper, as bytes of a picture.
fn picture(job: &[u8], paper: PaperWidth) -> Vec<u8> {
    Picture::printed(job, paper).remove(0).png().unwrap()
}

/// python-escpos at work.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &str, rows: &[Row], profile: &PrinterProfile, job: &[u8]) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/receipt.py");
        let mut child = Command::new(python)
            .args(["-W", "ignore", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}; benches/peers/receipt installs it"));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut peer = Self { child, input, output };
        let rows: Vec<Value> = rows.iter().map(|row| told(row, job)).collect();
        let receipt = json!({ "rows": rows, "feed": profile.feed_lines, "cut": profile.cutter });
        writeln!(peer.input, "{receipt}").unwrap();
        peer
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.input, "{question}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    fn time(&mut self, way: &str) -> f64 {
        self.ask(&format!("time {way} {THEIRS}")).parse().unwrap()
    }

    fn bytes(&mut self, way: &str) -> Vec<u8> {
        let text = self.ask(&format!("bytes {way}"));
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A row as the peer reads it; the size of the code's modules is what ours has.
fn told(row: &Row, job: &[u8]) -> Value {
    match row {
        Row::Text { text, align, size, bold } => {
            let align = match align {
                Align::Left => "left",
                Align::Centre => "center",
                Align::Right => "right",
            };
            let size = match size {
                Size::Normal => [1, 1],
                Size::Tall => [1, 2],
                Size::Double => [2, 2],
            };
            json!({ "text": text, "align": align, "size": size, "bold": bold })
        }
        Row::Qr(content) => {
            let set = [0x1D, b'(', b'k', 3, 0, 49, 67];
            let at = job.windows(set.len()).position(|window| window == set).unwrap();
            json!({ "qr": content, "module": job[at + set.len()] })
        }
        Row::Feed(lines) => json!({ "feed": lines }),
        Row::Logo(_) | Row::Signature(_) => panic!("the slip that is measured has no picture"),
    }
}
