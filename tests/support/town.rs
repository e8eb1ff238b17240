//! A town for the life of a terminal: an acquirer with its host and its desk, and a machine that nobody has enrolled.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;
use yima::sandbox::host::{Host, RunningHost};

/// The machine's serial number.
pub const TUSN: &str = "00000402TEST0007";

/// A host that runs, the desk of its acquirer, and a machine with its own state directory.
pub struct Town {
    pub folder: tempfile::TempDir,
    pub host: RunningHost,
    /// What the program finds in its environment beside the usual.
    pub environment: Vec<(&'static str, String)>,
}

impl Town {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("acquirer/sandbox/host")).unwrap();
        let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let town = Self { folder, host: running, environment: Vec::new() };
        std::fs::create_dir_all(town.identity()).unwrap();
        let authority = town.folder.path().join("acquirer/sandbox/host/pki/ca.pem");
        std::fs::copy(authority, town.identity().join("acquirer-ca.pem")).unwrap();
        std::fs::write(town.state().join("serial-number"), format!("{TUSN}\n")).unwrap();
        std::fs::write(town.machine_id(), "the first machine\n").unwrap();
        let settings = format!(
            "[host]\nurl = \"https://{}\"\nconnect_timeout_s = 5\nanswer_timeout_s = 10\n\
             [terminal]\nlanguage = \"en\"\nmachine = [\"{}\"]\n[sound]\nenabled = false\n[settlement]\nat = \"\"\n",
            town.host.address,
            town.machine_id().display()
        );
        std::fs::write(town.settings(), settings).unwrap();
        town
    }

    /// From now on the terminal keeps its keys in a token, whose PIN is in the identity directory.
    pub fn keep_keys_in(&self, module: &Path, token: &str) {
        let mut settings = std::fs::read_to_string(self.settings()).unwrap();
        let module = module.display();
        settings.push_str(&format!("[vault]\nkind = \"pkcs11\"\nmodule = \"{module}\"\ntoken = \"{token}\"\n"));
        std::fs::write(self.settings(), settings).unwrap();
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("terminal")
    }

    pub fn identity(&self) -> PathBuf {
        self.state().join("identity")
    }

    pub fn settings(&self) -> PathBuf {
        self.folder.path().join("yima.toml")
    }

    pub fn machine_id(&self) -> PathBuf {
        self.folder.path().join("machine-id")
    }

    pub fn run(&self, state: &Path, arguments: &[&str]) -> (Value, i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yima"));
        command.arg("--config").arg(self.settings()).arg("--state").arg(state).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let Output { status, stdout, stderr } = command.output().unwrap();
        let value = serde_json::from_slice(&stdout).unwrap_or(Value::Null);
        (value, status.code().unwrap(), String::from_utf8(stderr).unwrap())
    }

    /// The terminal's side.
    pub fn yima(&self, arguments: &[&str]) -> (Value, i32) {
        let (value, code, said) = self.run(&self.state(), arguments);
        assert!(!value.is_null(), "no JSON of {arguments:?}: {said}");
        (value, code)
    }

    /// The acquirer's side.
    pub fn merchant(&self, arguments: &[&str]) -> Value {
        let all = [&["sandbox", "merchant"], arguments, &["--json"]].concat();
        let (value, code, said) = self.run(&self.folder.path().join("acquirer"), &all);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        value
    }

    pub fn apply(&self) -> Value {
        self.merchant(&[
            "apply",
            "--name",
            "小李水果店",
            "--credit-code",
            "91000000TE5T000020",
            "--account",
            "6222000012340007",
            "--address",
            "上海市测试区示例路7号（测试）",
            "--coordinates",
            "31.23,121.47",
            "--radius",
            "200",
            "--serial",
            TUSN,
        ])
    }

    /// Applied for and approved: the activation code.
    pub fn approved(&self) -> String {
        self.apply();
        self.merchant(&["approve", TUSN])["activation_code"].as_str().unwrap().to_owned()
    }

    pub fn enrol(&self, code: &str) -> (Value, i32) {
        self.yima(&["enrol", "--code", code, "--json"])
    }

    pub fn kind(&self, code: &str) -> String {
        let (value, exit) = self.enrol(code);
        assert_eq!(exit, 1, "{value}");
        value["reason"]["kind"].as_str().unwrap().to_owned()
    }

    pub fn host_line(&self) -> String {
        let (doctor, _) = self.yima(&["doctor", "--json"]);
        doctor["parts"]["host"]["says"].as_str().unwrap().to_owned()
    }

    pub fn events(&self) -> Vec<String> {
        let (status, _) = self.yima(&["enrol", "--status", "--json"]);
        let journal = status["journal"].as_array().unwrap();
        journal.iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until the running terminal has told the host everything.
    pub fn wait_until_nothing_waits(&self) {
        let began = Instant::now();
        loop {
            let (waiting, _) = self.yima(&["queue", "--json"]);
            if waiting.as_array().unwrap().is_empty() {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{waiting}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A payment of this terminal that is not finished.
    pub fn leave_a_payment_open(&self) {
        let (status, _) = self.yima(&["enrol", "--status", "--json"]);
        let number = |key: &str| status["binding"][key].as_str().unwrap().to_owned();
        let merchant = yima::reference::MerchantCode::parse(&number("merchant_code")).unwrap();
        let terminal = yima::reference::TerminalNumber::parse(&number("terminal_number")).unwrap();
        let path = self.state().join("ledger.sqlite");
        drop(yima::ledger::Ledger::open(&path, merchant, terminal).unwrap());
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute(
                "INSERT INTO transactions (merchant_code, terminal_number, batch, stan, kind, state, amount, currency, at,
                                           entry, truncated_pan, aid, application_label, chip_data)
                 VALUES (?1, ?2, 1, 999999, 'sale', 'pending', 100, 'CNY', '2026-11-28T02:00:00', 'chip', '622848*********1230',
                         'A000000333010101', 'TEST', x'9F3602')",
                [number("merchant_code"), number("terminal_number")],
            )
            .unwrap();
        let due = "UPDATE transactions SET state = 'reversal_due', reason = 'host_silent', reversal_reason = '98'
                   WHERE stan = 999999";
        connection.execute(due, []).unwrap();
    }
}
