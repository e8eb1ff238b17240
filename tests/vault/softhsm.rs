//! A token of SoftHSM for one test. SoftHSM reads from the environment where its tokens are, so that whoever uses one is a
//! process of its own: this test program once more, with one scenario to play.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use yima::vault::SecureElement;
use yima::vault::pkcs11::{KeySet, Pkcs11Vault, Place};

use super::support::parts;

/// What tells a process of this program which scenario it plays, on which token, through which module.
pub const SCENARIO: &str = "YIMA_TEST_SCENARIO";
const FOLDER: &str = "YIMA_TEST_TOKEN";
const MODULE: &str = "YIMA_TEST_MODULE";

/// Label and PIN of the token.
pub const LABEL: &str = "yima-TEST";
pub const PIN: &str = "271828";

/// See the module.
pub struct Token {
    folder: TempDir,
    module: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Token {
    /// A token on which nothing is.
    pub fn new() -> Self {
        let token = Self::without_any();
        let status = Command::new(parts::SOFTHSM2_UTIL.find())
            .args(["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "31415926"])
            .env("SOFTHSM2_CONF", token.settings())
            .output()
            .unwrap();
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
        token
    }

    fn without_any() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = Self { folder, module: parts::SOFTHSM2.find(), environment: Vec::new() };
        std::fs::create_dir(token.tokens()).unwrap();
        let settings = format!("directories.tokendir = {}\nlog.level = ERROR\n", token.tokens().display());
        std::fs::write(token.settings(), settings).unwrap();
        token.write_pin(PIN);
        token
    }

    /// The same token as it is now, apart from this one. Its module is this one's.
    pub fn copy(&self) -> Self {
        let mut copy = Self::without_any();
        copy_folder(&self.tokens(), &copy.tokens());
        copy.module.clone_from(&self.module);
        copy
    }

    /// From now on the token is reached through `faulty_token.c`, which fails as its head says.
    pub fn failing(mut self) -> Self {
        let module = self.folder().join("faulty_token.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault/faulty_token.c");
        let output = Command::new(parts::GCC.find())
            .args(["-std=gnu11", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-Wno-cast-function-type"])
            .arg(format!("-DMODULE=\"{}\"", self.module.display()))
            .arg("-o")
            .args([&module, &source])
            .arg("-ldl")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.module = module;
        self
    }

    /// How [`Token::failing`] fails from now on.
    pub fn set(&mut self, how: &[(&'static str, &str)]) {
        self.environment = how.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    }

    /// Plays a scenario in a process of its own.
    pub fn play(&self, scenario: &str) -> Output {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "in_a_process_of_its_own", "--ignored", "--nocapture"])
            .env(SCENARIO, scenario)
            .env(FOLDER, self.folder())
            .env(MODULE, &self.module)
            .envs(self.environment())
            .output()
            .unwrap()
    }

    /// What a program has to find in its environment to use the token as it is now.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let settings = ("SOFTHSM2_CONF", self.settings().display().to_string());
        [settings].into_iter().chain(self.environment.iter().cloned()).collect()
    }

    /// The module through which the token is reached.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// The same, and it has to go well. Gives what the scenario said.
    #[track_caller]
    pub fn succeed(&self, scenario: &str) -> String {
        let output = self.play(scenario);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{scenario}: {}\n{said}\n{errors}", output.status);
        said
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `SOFTHSM2_CONF` names.
    pub fn settings(&self) -> PathBuf {
        self.folder().join("softhsm2.conf")
    }

    pub fn write_pin(&self, pin: &str) {
        write_pin(&self.folder().join("token.pin"), pin);
    }

    fn tokens(&self) -> PathBuf {
        self.folder().join("tokens")
    }
}

/// Within a process that plays a scenario: its folder.
pub fn folder() -> PathBuf {
    std::env::var_os(FOLDER).unwrap().into()
}

/// Within a process that plays a scenario: where the token is found.
pub fn place() -> Place {
    Place {
        module: std::env::var_os(MODULE).unwrap().into(),
        token: LABEL.to_owned(),
        pin_file: folder().join("token.pin"),
    }
}

/// Within a process that plays a scenario: the vault.
pub fn open() -> Box<dyn SecureElement> {
    Box::new(Pkcs11Vault::open(place(), KeySet::default(), &folder()).unwrap())
}

/// Writes a file that only its owner may read.
pub fn write_pin(path: &Path, pin: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("{pin}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
