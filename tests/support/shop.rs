//! A shop: a private piece of the machine in which one test runs the program among real parts.
//!
//! It is a user, network and mount namespace, so it needs no root: its network is a loopback of its own (every shop can
//! use the same ports, and nothing can leave), `/run`, the X sockets, the keyboard maps and the pseudo terminals are its
//! own. Tests run in parallel, each in its own shop. A shop and all that was started in it end with the test, also when the test is
//! killed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::parts;
use super::running::Running;
use super::screen::Screen;
use super::wait_until;

/// The port on which the virtual reader waits for its card; the second slot of the reader uses the next one.
pub const CARD_PORT: u16 = 35963;

/// File of the shop's folder in which stands what the customer does at the reader's PIN pad.
pub const PAD_KEYS: &str = "pad-keys";
const PCSCD_LOG: &str = "pcscd.log";

/// Environment that would lead a program out of the shop, to the desktop or the card service of the developer.
const LEADS_OUTSIDE: [&str; 6] =
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XAUTHORITY", "XDG_RUNTIME_DIR", "PCSCLITE_CSOCK_NAME"];

/// Prepares the namespaces, says so, and holds them until its input ends.
const HOLD: &str = r#"set -e
"$IP" link set lo up
"$MOUNT" -t tmpfs -o mode=755 shop /run
mkdir /run/pcscd
"$MOUNT" -t tmpfs -o mode=1777 shop /tmp/.X11-unix
"$MOUNT" -t devpts -o newinstance,ptmxmode=0666 shop /dev/pts
"$MOUNT" --bind /dev/pts/ptmx /dev/ptmx
if [ -d /var/lib/xkb ]; then "$MOUNT" -t tmpfs shop /var/lib/xkb; fi
echo open
exec cat"#;

/// Enters the namespaces of process `$1` in the folder it is started in, and runs the rest as a program that the kernel
/// kills when the thread that started it is gone.
const ENTER: &str = r#"nsenter=$1 setpriv=$2 shop=$3; shift 3
exec "$nsenter" --preserve-credentials --user --net --mount --target "$shop" --wdns="$(pwd -P)" -- \
    "$setpriv" --pdeathsig KILL -- "$@""#;

/// See the module.
#[derive(Debug)]
pub struct Shop {
    // In this order they are dropped: first who works in the shop, then the shop.
    screen: Option<Screen>,
    reader: Option<Running>,
    holder: Child,
    folder: TempDir,
}

impl Shop {
    /// Opens an empty shop. Fails the test when the machine does not allow namespaces.
    #[track_caller]
    pub fn open() -> Self {
        // The X server's sockets get a private mount, which needs a place to be mounted on.
        std::fs::create_dir_all("/tmp/.X11-unix").expect("a folder /tmp/.X11-unix");
        let mut holder = Command::new(parts::UNSHARE.find())
            .args(["--user", "--map-root-user", "--mount", "--net", "sh", "-c", HOLD])
            .env("IP", parts::IP.find())
            .env("MOUNT", parts::MOUNT.find())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare starts");
        let mut said = String::new();
        let output = holder.stdout.take().expect("the holder's output is a pipe");
        BufReader::new(output).read_line(&mut said).expect("the holder speaks UTF-8");
        if said.trim() != "open" {
            let mut reason = String::new();
            let _ = holder.stderr.take().map(|mut errors| errors.read_to_string(&mut reason));
            let _ = holder.wait();
            panic!(
                "this machine gives tests no namespace of their own: {reason}\
                 Allow them: `sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000`; in a container \
                 run it with `--security-opt seccomp=unconfined --cap-add SYS_ADMIN`."
            );
        }
        Self { screen: None, reader: None, holder, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// A folder for the test's settings, state and logs. It goes when the shop goes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command that runs `program` in the shop; arguments, environment and folder are set on it as on any other.
    ///
    /// The process id of the started command is the program's own. The program is killed when the *thread* that started
    /// it ends, so start it in the thread of the test.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", ENTER, "enter"]);
        command.arg(parts::NSENTER.find()).arg(parts::SETPRIV.find());
        command.arg(self.holder.id().to_string()).arg(program);
        for name in LEADS_OUTSIDE {
            command.env_remove(name);
        }
        if let Some(screen) = &self.screen {
            command.env("DISPLAY", screen.display());
        }
        command
    }

    /// Starts pcscd with the virtual reader `Virtual PCD` and waits until the reader listens for a card on
    /// [`CARD_PORT`]. Whoever connects there, from inside, is the card.
    #[track_caller]
    pub fn start_reader(&mut self) {
        self.start_card_service(&parts::VPCD.find());
    }

    /// The same with a reader that has a PIN pad: `pin_pad_reader.c` says what the customer's file [`PAD_KEYS`] may hold.
    #[track_caller]
    pub fn start_reader_with_pad(&mut self) {
        let driver = self.folder().join("pin_pad_reader.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/pin_pad_reader.c");
        let output = Command::new(parts::GCC.find())
            .args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I"])
            .arg(parts::PCSC_HEADERS.find())
            .arg(format!("-DDRIVER=\"{}\"", parts::VPCD.find().display()))
            .arg("-o")
            .args([&driver, &source])
            .arg("-ldl")
            .output()
            .expect("gcc starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.start_card_service(&driver);
    }

    #[track_caller]
    fn start_card_service(&mut self, driver: &Path) {
        let settings = self.folder().join("reader.conf.d");
        std::fs::create_dir(&settings).expect("one reader in a shop");
        let reader = format!(
            "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:{CARD_PORT}\nLIBPATH {}\nCHANNELID {CARD_PORT}\n",
            driver.display()
        );
        std::fs::write(settings.join("vpcd"), reader).expect("the reader's settings");
        let mut command = self.command(parts::PCSCD.find());
        command.args(["--foreground", "--info", "--config"]).arg(&settings);
        command.env("PIN_PAD_KEYS", self.folder().join(PAD_KEYS));
        let log = self.log_to(&mut command, PCSCD_LOG);
        let mut pcscd = Running::start("pcscd", &mut command);
        wait_until("pcscd with a virtual reader", Duration::from_secs(30), || {
            if let Some(status) = pcscd.ended() {
                panic!("pcscd ended ({status}): {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            self.listens_on(CARD_PORT)
        });
        self.reader = Some(pcscd);
    }

    /// Whether pcscd has seen the last card leave. It looks every 0.4 s: a card that takes another one's place in between
    /// is not seen as a new one.
    pub fn reader_is_empty(&self) -> bool {
        let log = std::fs::read_to_string(self.folder().join(PCSCD_LOG)).unwrap_or_default();
        let last = log.lines().rev().find_map(|line| {
            let came = line.contains("Card inserted into");
            (came || line.contains("Card Removed From")).then_some(came)
        });
        last != Some(true)
    }

    /// Starts an X server with one screen of this size in pixels and waits until it answers. From here on
    /// [`command`](Self::command) shows windows there.
    #[track_caller]
    pub fn start_screen(&mut self, width: u32, height: u32) {
        assert!(self.screen.is_none(), "one screen in a shop");
        self.screen = Some(Screen::start(self, width, height));
    }

    /// The screen's picture as it is now.
    #[track_caller]
    pub fn picture(&self) -> super::screen::Picture {
        self.screen().picture()
    }

    /// Touches the screen at this pixel: moves the pointer there, presses and releases its first button.
    #[track_caller]
    pub fn click(&self, x: u32, y: u32) {
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Draws on the screen: the first button is pressed at the first pixel, and released at the last one.
    #[track_caller]
    pub fn draw(&self, places: &[(u32, u32)]) {
        let mut arguments: Vec<String> = Vec::new();
        for (index, (x, y)) in places.iter().enumerate() {
            arguments.extend(["mousemove".to_owned(), x.to_string(), y.to_string()]);
            if index == 0 {
                arguments.extend(["mousedown".to_owned(), "1".to_owned()]);
            }
            // A finger takes its time.
            arguments.extend(["sleep".to_owned(), "0.016".to_owned()]);
        }
        arguments.extend(["mouseup".to_owned(), "1".to_owned()]);
        self.xdotool(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Presses and releases a key by its X name: `1`, `period`, `Return`, `Escape`.
    ///
    /// There is no window manager: keys go to the window under the pointer.
    #[track_caller]
    pub fn key(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Whether something listens on this TCP port of the shop.
    pub fn listens_on(&self, port: u16) -> bool {
        const LISTENING: &str = "0A";
        ["tcp", "tcp6"].iter().any(|table| {
            let table = std::fs::read_to_string(format!("/proc/{}/net/{table}", self.holder.id())).unwrap_or_default();
            table.lines().skip(1).any(|line| {
                let mut columns = line.split_whitespace().skip(1);
                let local = columns.next().unwrap_or_default();
                let state = columns.nth(1).unwrap_or_default();
                state == LISTENING && local.ends_with(&format!(":{port:04X}"))
            })
        })
    }

    /// The process ids of the shop and of pcscd and the X server, where they run.
    pub fn processes(&self) -> Vec<u32> {
        let reader = self.reader.as_ref().map(Running::id);
        let screen = self.screen.as_ref().map(Screen::id);
        [Some(self.holder.id()), reader, screen].into_iter().flatten().collect()
    }

    /// Sends the output of `command` to a file of the shop's folder and gives the file's path.
    pub fn log_to(&self, command: &mut Command, name: &str) -> PathBuf {
        let path = self.folder().join(name);
        let log = File::create(&path).expect("a log file");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle of the log")).stderr(log);
        path
    }

    #[track_caller]
    fn screen(&self) -> &Screen {
        self.screen.as_ref().expect("start_screen comes first")
    }

    #[track_caller]
    fn xdotool(&self, arguments: &[&str]) {
        self.screen();
        let output = self.command(parts::XDOTOOL.find()).args(arguments).output().expect("xdotool starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "xdotool {arguments:?}: {errors}");
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.screen = None;
        self.reader = None;
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
