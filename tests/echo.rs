//! A terminal at which PINs are typed echoes again, however the command that read them ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::pty::{OpenptyResult, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use support::counter::Counter;
use support::wait_until;

const LONG: Duration = Duration::from_secs(30);

fn echoes(terminal: impl AsFd) -> bool {
    tcgetattr(terminal).unwrap().local_flags.contains(LocalFlags::ECHO)
}

/// `yima sale --pin -` at a terminal of its own, started with some signals as `option` of `env` says.
fn typing(counter: &Counter, option: &str, pty: &OpenptyResult) -> Child {
    let plain = counter.yima(&["sale", "12.34", "--pin", "-"]);
    let mut command = Command::new("env");
    command.arg(option).arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::from(pty.slave.try_clone().unwrap())).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    wait_until("the terminal echoes no more", LONG, || !echoes(&pty.slave));
    child
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

#[track_caller]
fn ends_by(child: &mut Child, signal: Signal) {
    let mut status = None;
    wait_until("the command has ended", LONG, || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().signal(), Some(signal as i32), "as it would have ended at a pipe");
}

#[test]
fn a_command_that_is_ended_while_it_reads_pins_leaves_a_terminal_that_echoes() {
    let counter = Counter::open_for_business();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        let pty = openpty(None, None).unwrap();
        assert!(echoes(&pty.slave));
        // Whoever runs this test may ignore signals, and that is inherited.
        let mut child = typing(&counter, "--default-signal", &pty);
        send(&child, signal);
        ends_by(&mut child, signal);
        assert!(echoes(&pty.slave), "{signal}");
    }
}

/// As `nohup` starts programs: what does not end the command does not show the PIN either.
#[test]
fn a_signal_that_is_ignored_leaves_the_terminal_without_echo() {
    let counter = Counter::open_for_business();
    let pty = openpty(None, None).unwrap();
    let mut child = typing(&counter, "--ignore-signal=INT", &pty);
    for _ in 0..2 {
        send(&child, Signal::SIGINT);
        wait_until("the command has seen it", LONG, || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            status
                .lines()
                .any(|line| line.strip_prefix("ShdPnd:").is_some_and(|set| set.trim().bytes().all(|b| b == b'0')))
        });
        std::thread::sleep(Duration::from_millis(200));
        assert!(!echoes(&pty.slave));
    }
    send(&child, Signal::SIGTERM);
    ends_by(&mut child, Signal::SIGTERM);
    assert!(echoes(&pty.slave));
}
