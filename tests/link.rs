//! The line to the host, seen from the screen and from the command line: who is not to be trusted is refused with a code that
//! can be read to the help desk, and a host that goes away is seen at once, as is its return.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "link/tls.rs"]
mod tls;

mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use openssl::ssl::SslVersion;
use serde_json::Value;
use support::counter::{Counter, FULL_ACCOUNT};
use support::running::Running;
use support::{parts, wait_until};
use tempfile::TempDir;
use tls::{Authority, Leaf, Server};
use yima::app::view::{LinkState, Screen, View};
use yima::app::{Engine, Listener, SaleReport, Setup};
use yima::sandbox::host::{Host, RunningHost};
use yima::terminal::link::LinkSettings;
use yima::terminal::settings::{Origin, Settings};

/// Longer than a busy machine needs; only ends a test that would hang.
const LONG: Duration = Duration::from_secs(30);

/// Within so long the screen says that the host is gone.
const SOON: Duration = Duration::from_secs(5);

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A registered terminal whose authority is that of the test.
struct Terminal {
    folder: TempDir,
    authority: Authority,
}

impl Terminal {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::prepare(&folder.path().join("host")).unwrap();
        host.write_kit(&folder.path().join("state/identity")).unwrap();
        let terminal = Self { folder, authority: Authority::new("acquirer") };
        let kit = terminal.folder.path().join("state/identity");
        std::fs::write(kit.join("acquirer-ca.pem"), terminal.authority.pem()).unwrap();
        terminal.show(&terminal.authority.issue(&Leaf::of("terminal")));
        terminal
    }

    /// The terminal shows this certificate from now on.
    fn show(&self, own: &tls::Credential) {
        let kit = self.folder.path().join("state/identity");
        std::fs::write(kit.join("client.pem"), own.certificate.to_pem().unwrap()).unwrap();
        std::fs::write(kit.join("client.key"), own.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    }

    /// What `yima doctor --json` says of the host at this address.
    fn doctor(&self, url: &str, language: &str) -> Value {
        let settings = self.folder.path().join("yima.toml");
        let limits = "connect_timeout_s = 2\ntls_timeout_s = 2\nanswer_timeout_s = 2";
        let text = format!("[terminal]\nlanguage = \"{language}\"\n[host]\nurl = \"{url}\"\n{limits}\n");
        std::fs::write(&settings, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_yima"))
            .args(["doctor", "--json", "--config"])
            .arg(&settings)
            .arg("--state")
            .arg(self.folder.path().join("state"))
            .output()
            .unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        found["parts"]["host"].clone()
    }
}

/// Every stranger by his fault: how the server is made, the code, and a word of the sentence in both languages.
#[test]
fn who_is_not_to_be_trusted_is_refused_with_a_code_and_words_for_the_help_desk() {
    let terminal = Terminal::new();
    let ours = &terminal.authority;
    let stranger = Authority::new("stranger");
    let localhost = Leaf::of("localhost");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    drop(listener);
    let serve = |server: Server| (format!("https://localhost:{}", server.port), Some(server));
    let cases = [
        ("wrong authority", serve(Server::of(&stranger.issue(&localhost), ours)), "L41", "登录页面", "prove"),
        (
            "wrong name",
            serve(Server::of(&ours.issue(&Leaf::of("other.example")), ours)),
            "L42",
            "证书不是",
            "somebody else",
        ),
        (
            "expired",
            serve(Server::of(&ours.issue(&localhost.valid(-2 * DAY, -HOUR)), ours)),
            "L43",
            "过期",
            "has expired",
        ),
        (
            "not yet valid",
            serve(Server::of(&ours.issue(&localhost.valid(DAY, 2 * DAY)), ours)),
            "L44",
            "本机的时间不对",
            "clock is wrong",
        ),
        (
            "TLS 1.1 at most",
            serve(Server::of(&ours.issue(&localhost), ours).at_most(SslVersion::TLS1_1)),
            "L33",
            "太旧",
            "too old",
        ),
        (
            "our certificate is of another authority",
            serve(Server::of(&ours.issue(&localhost), &stranger)),
            "L45",
            "本机的证书",
            "this terminal's certificate",
        ),
        (
            "the same with TLS 1.2",
            serve(Server::of(&ours.issue(&localhost), &stranger).at_most(SslVersion::TLS1_2)),
            "L45",
            "本机的证书",
            "this terminal's certificate",
        ),
        (
            "a login page without TLS",
            serve(Server::plain("HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n")),
            "L32",
            "登录",
            "Log in",
        ),
        ("hangs up", serve(Server::plain("")), "L31", "中断", "broken off"),
        ("no such name", ("https://no-such-host.invalid".to_owned(), None), "L11", "找不到", "does not know"),
        ("closed port", (closed, None), "L21", "没有打开", "not open"),
    ];
    for (case, (url, server), code, zh, en) in cases {
        for (language, word) in [("zh-CN", zh), ("en", en)] {
            let said = terminal.doctor(&url, language);
            assert_eq!((said["ok"].as_bool(), said["code"].as_str()), (Some(false), Some(code)), "{case}: {said:#}");
            let says = said["says"].as_str().unwrap();
            assert!(says.contains(word) && says.contains(code), "{case}: {says}");
        }
        assert_eq!(server.map_or(0, |server| server.requests()), 0, "{case}: something was sent");
    }
}

/// The same on the way of a payment: no charge, no doubt, and the code in what is read out.
#[test]
fn a_payment_to_a_stranger_is_not_made_and_says_so() {
    let mut counter = Counter::open_for_business();
    let kit = counter.state().join("identity");
    let stranger = Authority::new("stranger");
    let own = std::fs::read(kit.join("acquirer-ca.pem")).unwrap();
    std::fs::write(kit.join("acquirer-ca.pem"), stranger.pem()).unwrap();
    let (result, code) = counter.sale("12.34", &[]);
    assert_eq!((result["outcome"].as_str(), code), (Some("error"), 2), "{result:#}");
    let reason = &result["reason"];
    assert_eq!((reason["kind"].as_str(), reason["code"].as_str()), (Some("host_unreachable"), Some("L41")));
    let (what, advice) = (reason["what"].as_str().unwrap(), reason["do"].as_str().unwrap());
    assert!(what.ends_with("没有收款。") && advice.contains("L41"), "{reason:#}");
    // The host does not take this terminal's certificate.
    std::fs::write(kit.join("acquirer-ca.pem"), own).unwrap();
    let other = stranger.issue(&Leaf::of("00000402TEST0001"));
    std::fs::write(kit.join("client.pem"), other.certificate.to_pem().unwrap()).unwrap();
    std::fs::write(kit.join("client.key"), other.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let (result, _) = counter.sale("12.34", &[]);
    assert_eq!(
        (result["outcome"].as_str(), result["reason"]["code"].as_str()),
        (Some("error"), Some("L45")),
        "{result:#}"
    );
    assert_eq!(counter.balance(), FULL_ACCOUNT);
    assert!(counter.transactions().iter().all(|row| row["state"] == "declined"));
}

struct Watching(Sender<View>);

impl Listener for Watching {
    fn show(&mut self, view: &View) {
        let _ = self.0.send(view.clone());
    }

    fn report(&mut self, _: &SaleReport) {}
}

/// A terminal whose engine runs and waits for customers.
struct Shown {
    _engine: Engine,
    views: Receiver<View>,
}

impl Shown {
    fn start(state: &Path, host: LinkSettings) -> Self {
        let (sender, views) = channel();
        let parts = setup(state, host).parts().unwrap();
        Self { _engine: Engine::start(parts, Box::new(Watching(sender))).unwrap(), views }
    }

    /// Waits until the screen shows this, and says how long that took.
    #[track_caller]
    fn until(&self, limit: Duration, wanted: impl Fn(&View) -> bool) -> Duration {
        let began = Instant::now();
        loop {
            let left = limit.saturating_sub(began.elapsed());
            let view = self.views.recv_timeout(left).unwrap_or_else(|_| panic!("not shown within {limit:?}"));
            if wanted(&view) {
                return began.elapsed();
            }
        }
    }
}

fn setup(state: &Path, host: LinkSettings) -> Setup {
    let settings = Settings { host, ..Settings::default() };
    Setup { settings, origin: Origin::default(), state: state.to_owned() }
}

fn prepared(folder: &Path) -> Host {
    let host = Host::prepare(&folder.join("host")).unwrap();
    host.write_kit(&folder.join("identity")).unwrap();
    host
}

fn start(host: &Host, address: SocketAddr) -> RunningHost {
    host.start(address).unwrap()
}

#[test]
fn a_host_that_stops_is_shown_offline_within_five_seconds_and_online_again_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let host = prepared(folder.path());
    let running = start(&host, ([127, 0, 0, 1], 0).into());
    let (address, settings) = (running.address, running.link_settings());
    // So that the first thing that is heard of the host is its echo, whose line is watched.
    setup(folder.path(), settings.clone()).sign_on().unwrap();
    let shown = Shown::start(folder.path(), settings);
    shown.until(LONG, |view| view.link == LinkState::Online);
    drop(running);
    let seen = shown.until(SOON, |view| view.link == LinkState::Offline);
    let _running = start(&host, address);
    let back = shown.until(LONG, |view| view.link == LinkState::Online);
    writeln!(std::io::stderr(), "offline shown after {seen:?}, online again after {back:?}").unwrap();
}

/// What trying again does not mend stands above the keypad, and goes when it is mended.
#[test]
fn a_line_that_cannot_be_trusted_is_told_above_the_keypad() {
    let terminal = Terminal::new();
    let stranger = Authority::new("stranger");
    let server = Server::of(&stranger.issue(&Leaf::of("localhost")), &terminal.authority);
    let url = format!("https://localhost:{}", server.port);
    let shown = Shown::start(&terminal.folder.path().join("state"), LinkSettings { url, ..LinkSettings::default() });
    shown.until(LONG, |view| {
        let Screen::Keypad { notice: Some(reason) } = &view.screen else { return false };
        reason.fault.is_some_and(|fault| fault.code() == "L41") && view.link == LinkState::Offline
    });
}

/// The cable is pulled: in a network of its own the way to the host goes down without a word to anybody.
#[cfg(feature = "screen")]
#[test]
fn a_cable_that_is_pulled_is_noticed_within_five_seconds_and_so_is_its_return() {
    let mut counter = Counter::open_for_business();
    counter.shop.start_screen(720, 1280);
    // So that the first thing that is heard of the host is its echo, whose line is watched.
    assert!(counter.yima(&["sign-on"]).status().unwrap().success());
    let mut command = counter.yima(&[]);
    command.env("YIMA_LOG", "yima=info").env("NO_COLOR", "1");
    counter.shop.log_to(&mut command, "yima.log");
    let _terminal = Running::start("the touchscreen", &mut command);
    let states = |wanted: &str| counter.log("yima.log").lines().filter(|line| line.contains(wanted)).count();
    wait_until("the host answers", LONG, || states("state=Online") == 1);
    let cable = |state: &str| {
        let status = counter.shop.command(parts::IP.find()).args(["link", "set", "lo", state]).status().unwrap();
        assert!(status.success());
    };
    cable("down");
    let began = Instant::now();
    wait_until("the screen says offline", LONG, || states("state=Offline") == 1);
    let seen = began.elapsed();
    cable("up");
    let began = Instant::now();
    wait_until("the host answers again", LONG, || states("state=Online") == 2);
    writeln!(std::io::stderr(), "offline shown after {seen:?}, online again after {:?}", began.elapsed()).unwrap();
    assert!(seen < SOON, "{seen:?}");
}
