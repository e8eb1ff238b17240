//! A terminal at which PINs are typed echoes again, however the command that read them ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]

mod support;

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use support::counter::Counter;
use support::wait_until;

fn echoes(terminal: impl AsFd) -> bool {
    tcgetattr(terminal).unwrap().local_flags.contains(LocalFlags::ECHO)
}

#[test]
fn a_command_that_is_ended_while_it_reads_pins_leaves_a_terminal_that_echoes() {
    let counter = Counter::open_for_business();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        let pty = openpty(None, None).unwrap();
        assert!(echoes(&pty.slave));
        let mut command = counter.yima(&["sale", "12.34", "--pin", "-"]);
        command.stdin(Stdio::from(pty.slave.try_clone().unwrap())).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        wait_until("the terminal echoes no more", Duration::from_secs(30), || !echoes(&pty.slave));
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        let mut status = None;
        wait_until("the command has ended", Duration::from_secs(30), || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().signal(), Some(signal as i32), "as it would have ended at a pipe");
        assert!(echoes(&pty.slave), "{signal}");
    }
}
