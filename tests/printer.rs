//! `yima printer test` with printers on a pty: what a person sees on the sheet becomes the printer's profile. And the shop's picture,
//! as `yima doctor` looks at it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use yima::sandbox::printer::{Answers, Habits, PaperWidth, PrinterSettings, RunningPrinter, SandboxPrinter};

struct Counter {
    folder: tempfile::TempDir,
    printer: RunningPrinter,
}

impl Counter {
    fn with(paper: PaperWidth, answers: Answers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let habits = Habits { answers, ..Habits::default() };
        let settings = PrinterSettings { paper, habits, ..PrinterSettings::new(folder.path().join("paper")) };
        Self { printer: SandboxPrinter::start(settings).unwrap(), folder }
    }

    fn yima(&self, more: &str, arguments: &[&str], typed: &str) -> Output {
        let config = self.folder.path().join("yima.toml");
        let device = self.printer.device().display();
        std::fs::write(&config, format!("[printer]\ndevice = \"{device}\"\n{more}[terminal]\nlanguage = \"en\"\n"))
            .unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_yima"))
            .arg("--config")
            .arg(&config)
            .arg("--state")
            .arg(self.state())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who is not asked does not read.
        let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    fn doctor(&self, more: &str, part: &str) -> (bool, String) {
        let said: Value = serde_json::from_slice(&self.yima(more, &["doctor", "--json"], "").stdout).unwrap();
        let part = &said["parts"][part];
        (part["ok"].as_bool().unwrap(), part["says"].as_str().unwrap().to_owned())
    }

    /// The text on the first piece of paper.
    fn text(&self) -> String {
        let end = Instant::now() + Duration::from_secs(10);
        while self.printer.receipts().is_empty() {
            assert!(Instant::now() < end, "nothing came out");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::fs::read_to_string(self.printer.receipts()[0].with_extension("txt")).unwrap()
    }
}

#[test]
fn what_is_seen_on_the_sheet_becomes_the_printers_profile() {
    // The answers are those of somebody who looks at the sheet of this printer.
    for (paper, answers, typed, ruler, columns, cutter, confirms) in [
        (PaperWidth::Mm80, Answers::Everything, "y\ny\ny\ny\ny\n", 1, 48, true, true),
        (PaperWidth::Mm58, Answers::Everything, "n\ny\ny\ny\nn\n", 2, 32, false, true),
        (PaperWidth::Mm58, Answers::Nothing, "y\nn\ny\nn\ny\nn\n", 2, 32, false, false),
    ] {
        let counter = Counter::with(paper, answers);
        let output = counter.yima("", &["printer", "test", "--json"], typed);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&found["columns"], &found["cutter"]), (&columns.into(), &cutter.into()), "{found:#}");
        assert_eq!(found["confirms_end_mark"], confirms, "{found:#}");
        // The sheet says what is asked about.
        let text = counter.text();
        assert_eq!(text.lines().filter(|line| line.contains("---+---")).count(), ruler, "{text}");
        let bar = |line: &&str| line.ends_with('|');
        let bars: Vec<&str> = text.lines().filter(bar).collect();
        assert_eq!(bars, ["ABCDEFGH|", "国国国国|", "A              |", "A              |"], "{text}");
        assert!(text.contains("[QR] YIMA PRINTER TEST"), "{text}");
        if answers == Answers::Everything {
            let (ok, says) = counter.doctor("", "printer");
            assert!(ok && says.contains("as the test found") && says.contains("tested at "), "{says}");
            // Who names another one is obeyed.
            let (_, says) = counter.doctor("profile = \"generic-80\"\n", "printer");
            assert!(!says.contains("as the test found"), "{says}");
        }
    }
}

#[test]
fn a_test_that_was_not_ended_keeps_nothing_and_says_so() {
    let counter = Counter::with(PaperWidth::Mm58, Answers::Everything);
    let kept = counter.state().join("printer.toml");
    for typed in ["y\ny\n", "y\nperhaps\n"] {
        let output = counter.yima("", &["printer", "test"], typed);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("nothing was kept"), "{said}");
    }
    let output = counter.yima("", &["printer", "test", "--dry-run"], "n\ny\ny\ny\nn\n");
    assert!(output.status.success() && !kept.exists());
    // A printer that is not there is no printer that was tested.
    counter.printer.set_paper(false);
    let output = counter.yima("patience_s = 1\n", &["printer", "test"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("out of paper"), "{said}");
    // A file that is none is not passed over.
    std::fs::create_dir_all(counter.state()).unwrap();
    std::fs::write(&kept, "no = \"profile\"").unwrap();
    let (ok, says) = counter.doctor("", "printer");
    assert!(!ok && says.contains("printer.toml") && says.contains("yima printer test"), "{says}");
}

fn picture(path: &Path, width: u32, height: u32) {
    let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), width, height);
    encoder.set_depth(png::BitDepth::Eight);
    let dots: Vec<u8> = (0..width * height).map(|dot| if dot % 3 == 0 { 0 } else { 255 }).collect();
    encoder.write_header().unwrap().write_image_data(&dots).unwrap();
}

#[test]
fn the_doctor_says_what_is_wrong_with_the_shops_picture() {
    let counter = Counter::with(PaperWidth::Mm58, Answers::Everything);
    std::fs::create_dir_all(counter.state()).unwrap();
    picture(&counter.state().join("logo.png"), 200, 80);
    picture(&counter.state().join("wide.png"), 500, 80);
    let named = |name: &str| format!("[receipt]\nlogo = \"{name}\"\nheader_zh = [\"老王小吃店\"]\n");
    let (ok, says) = counter.doctor(&named("logo.png"), "receipts");
    assert!(ok && says.contains("200 by 80 dots") && says.contains("1 Chinese, 0 English"), "{says}");
    for (name, wrong) in [("none.png", "none.png: No such file"), ("wide.png", "500 dots wide")] {
        let (ok, says) = counter.doctor(&named(name), "receipts");
        assert!(!ok && says.contains(wrong), "{says}");
    }
}
