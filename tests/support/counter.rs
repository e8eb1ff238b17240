//! The counter in a shop: a terminal with its settings, and the endpoints it talks to, each a process of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use yima::sandbox::host::Host;

use super::running::Running;
use super::shop::{PAD_KEYS, Shop};
use super::wait_until;

/// The sandbox host's port.
const HOST_PORT: u16 = 8583;

/// How long the terminal waits for the host's answer: longer than a busy machine needs for one that comes.
const ANSWER_LIMIT_S: u32 = 20;

/// Longer than any payment waits for card, host and printer together.
const LONGEST_SALE: Duration = Duration::from_secs(120);

/// Seconds a card may take for an answer.
const CARD_LIMIT_S: u32 = 5;

/// What the sandbox card's account holds at first, in minor units.
pub const FULL_ACCOUNT: u64 = 1_000_000;

/// The sandbox card's number. A test number that belongs to nobody.
pub const PAN: &str = "6228480000000001230";

/// See the module. Endpoints that were started end with it.
pub struct Counter {
    pub host: Option<Running>,
    pub printer: Option<Running>,
    pub card: Option<Running>,
    pub shop: Shop,
    /// What the program finds in its environment beside the usual.
    pub environment: Vec<(&'static str, PathBuf)>,
    answer_limit_s: u32,
    card_limit_s: u32,
    card_was_in: bool,
}

impl Counter {
    /// A counter with a card service and a printer; host and card come when they are called.
    pub fn open() -> Self {
        Self::furnish(Shop::start_reader)
    }

    /// Host and printer run, and the reader has a PIN pad.
    pub fn open_with_pad() -> Self {
        let mut counter = Self::furnish(Shop::start_reader_with_pad);
        counter.start_host();
        counter.start_printer(&[]);
        counter
    }

    fn furnish(start_reader: fn(&mut Shop)) -> Self {
        let mut shop = Shop::open();
        start_reader(&mut shop);
        let counter = Self {
            host: None,
            printer: None,
            card: None,
            shop,
            environment: Vec::new(),
            answer_limit_s: ANSWER_LIMIT_S,
            card_limit_s: CARD_LIMIT_S,
            card_was_in: false,
        };
        counter.set("");
        counter
    }

    /// The usual: host and printer run.
    pub fn open_for_business() -> Self {
        let mut counter = Self::open();
        counter.start_host();
        counter.start_printer(&[]);
        counter
    }

    /// The same with a host that a terminal soon gives up: for tests in which it says nothing.
    pub fn open_to_silence() -> Self {
        let mut counter = Self::open_for_business();
        counter.give_up_after(3);
        counter
    }

    /// From now on the terminal waits so long for an answer of the host. Other settings are the usual ones again.
    pub fn give_up_after(&mut self, seconds: u32) {
        self.answer_limit_s = seconds;
        self.set("");
    }

    /// From now on a card that says nothing for so long is mute. Other settings are the usual ones again.
    pub fn give_cards_up_after(&mut self, seconds: u32) {
        self.card_limit_s = seconds;
        self.set("");
    }

    /// Writes the settings: what every test needs, and `more`, whole sections.
    pub fn set(&self, more: &str) {
        let state = self.state();
        let device = state.join("printer");
        let mut text = format!(
            "[host]\nurl = \"https://localhost:{HOST_PORT}\"\nconnect_timeout_s = 3\nanswer_timeout_s = {}\n\
             [printer]\ndevice = \"{}\"\nflow_control = \"none\"\npatience_s = 20\n\
             [reader]\ncard_wait_s = 20\nanswer_timeout_s = {}\n",
            self.answer_limit_s,
            device.display(),
            self.card_limit_s
        );
        if !more.contains("[sound]") {
            text.push_str("[sound]\nenabled = false\n");
        }
        // A test that runs at that time would settle as well.
        if !more.contains("[settlement]") {
            text.push_str("[settlement]\nat = \"\"\n");
        }
        text.push_str(more);
        std::fs::write(self.settings(), text).unwrap();
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.shop.folder().join("yima.toml")
    }

    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.shop.folder().join("state")
    }

    /// The program with settings and state of this counter.
    pub fn yima(&self, arguments: &[&str]) -> Command {
        let mut command = self.shop.command(env!("CARGO_BIN_EXE_yima"));
        command.arg("--config").arg(self.settings()).arg("--state").arg(self.state()).args(arguments);
        command.env("TZ", "Asia/Shanghai").envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the host and waits until it listens.
    pub fn start_host(&mut self) {
        let mut command = self.yima(&["sandbox", "host"]);
        self.shop.log_to(&mut command, "host.log");
        self.host = Some(Running::start("sandbox host", &mut command));
        wait_until("the sandbox host listens", Duration::from_secs(30), || self.shop.listens_on(HOST_PORT));
    }

    /// Starts the printer and waits until its device is there.
    pub fn start_printer(&mut self, arguments: &[&str]) {
        self.printer = None;
        let device = self.state().join("printer");
        // What the last printer left leads nowhere, or to another one's pty.
        let _ = std::fs::remove_file(&device);
        let mut command = self.yima(&["sandbox", "printer"]);
        command.args(arguments);
        self.shop.log_to(&mut command, "printer.log");
        self.printer = Some(Running::start("sandbox printer", &mut command));
        // The pty that the link leads to is in the shop only.
        wait_until("the sandbox printer is there", Duration::from_secs(10), || device.is_symlink());
    }

    /// Brings a card that goes into the reader after a moment.
    pub fn bring_card(&mut self, arguments: &[&str]) {
        // pcscd looks for a card every 0.4 s: one that comes sooner after another left is not seen as a new one.
        let moment = if self.card_was_in { "0.9" } else { "0" };
        self.insert_card(&[&["--insert-after", moment], arguments].concat());
    }

    fn insert_card(&mut self, arguments: &[&str]) {
        self.card = None;
        self.card_was_in = true;
        let mut command = self.yima(&["sandbox", "card"]);
        command.args(arguments);
        self.shop.log_to(&mut command, "card.log");
        self.card = Some(Running::start("sandbox card", &mut command));
        // The terminal reads the key of the card's authority when it starts.
        let key = self.state().join("sandbox/card/capk.toml");
        wait_until("the sandbox card has its keys", Duration::from_secs(30), || key.exists());
    }

    /// One payment by command, with a fresh visit of the card. Gives the JSON and the exit code. One that does not come to
    /// an end fails the test.
    #[track_caller]
    pub fn sale(&mut self, amount: &str, card: &[&str]) -> (Value, i32) {
        self.by_card(&["sale", amount], card)
    }

    /// The same with any command that reads a card.
    #[track_caller]
    pub fn by_card(&mut self, arguments: &[&str], card: &[&str]) -> (Value, i32) {
        let was_in = self.card_was_in;
        if !was_in {
            self.bring_card(card);
        }
        let mut command = self.yima(arguments);
        command.arg("--json");
        let (result, said) = (self.shop.folder().join("sale.json"), self.shop.folder().join("sale.log"));
        command.stdin(Stdio::null()).stdout(File::create(&result).unwrap()).stderr(File::create(&said).unwrap());
        let mut sale = Running::start("yima with a card", &mut command);
        if was_in {
            // Neither terminal nor pcscd takes a card for a new one before it has seen the last one leave.
            let used = self.state().join("card-in-reader");
            wait_until("the last card has left", Duration::from_secs(30), || {
                sale.ended().is_some() || (!used.exists() && self.shop.reader_is_empty())
            });
            self.insert_card(card);
        }
        let status = sale.wait(LONGEST_SALE);
        self.card = None;
        let (stdout, stderr) = (std::fs::read(result).unwrap(), std::fs::read(said).unwrap());
        (json(&Output { status, stdout, stderr }), status.code().unwrap_or(-1))
    }

    /// A command that reads no card, with what is said to it on its standard input. Gives the JSON and the exit code.
    #[track_caller]
    pub fn without_card(&self, arguments: &[&str], said: &str) -> (Value, i32) {
        let mut command = self.yima(arguments);
        command.arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that wants nothing does not read it.
        let _ = child.stdin.take().unwrap().write_all(said.as_bytes());
        let output = child.wait_with_output().unwrap();
        (json(&output), output.status.code().unwrap_or(-1))
    }

    /// The same with what is said to the command on its standard input.
    pub fn sale_saying(&mut self, amount: &str, card: &[&str], arguments: &[&str], said: &str) -> (Value, i32) {
        self.bring_card(card);
        let mut command = self.yima(&["sale", amount, "--json"]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that wants nothing does not read it.
        let _ = child.stdin.take().unwrap().write_all(said.as_bytes());
        let output = child.wait_with_output().unwrap();
        self.card = None;
        (json(&output), output.status.code().unwrap_or(-1))
    }

    /// What the customer does next at the reader's PIN pad: digits, or a word of `pin_pad_reader.c`.
    pub fn customer_at_pad(&self, keys: &str) {
        let path = self.shop.folder().join(PAD_KEYS);
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(file, "{keys}").unwrap();
    }

    /// What the reader's pad was asked, hexadecimal, in order.
    pub fn pad_was_asked(&self) -> Vec<String> {
        self.log(&format!("{PAD_KEYS}.asked")).lines().map(str::to_owned).collect()
    }

    /// The terminal's ledger, newest first.
    pub fn transactions(&self) -> Vec<Value> {
        let output = self.yima(&["transactions", "--json"]).output().unwrap();
        json(&output).as_array().unwrap().clone()
    }

    /// What the host is still to be told.
    pub fn queue(&self) -> Vec<Value> {
        let output = self.yima(&["queue", "--json"]).output().unwrap();
        json(&output).as_array().unwrap().clone()
    }

    /// The host's books.
    pub fn host_books(&self) -> Host {
        Host::prepare(&self.state().join("sandbox/host")).unwrap()
    }

    /// What the sandbox card's account holds, in minor units.
    pub fn balance(&self) -> u64 {
        self.host_books().balance(PAN).unwrap().unwrap()
    }

    /// The pictures of the receipts, oldest first.
    pub fn receipts(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.state().join("receipts")) else { return Vec::new() };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
        files.sort();
        files
    }

    /// What a log of an endpoint says.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.shop.folder().join(name)).unwrap_or_default()
    }
}

/// Keeps a picture where a person can look at it after the tests: `target/screens/sale/`.
pub fn keep(picture: &Path, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens/sale");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(picture, folder.join(name)).unwrap();
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "no JSON ({error}): {}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}
