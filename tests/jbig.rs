//! Pictures of signatures beside another program: Debian's `jbigkit-bin` reads what is written here, and what it writes is read here.
//! It is among the packages for tests (`./dev setup`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

#[path = "../src/jbig/tests/pictures.rs"]
mod pictures;

use std::io::Write;
use std::process::{Command, Stdio};

use pictures::pictures;
use yima::jbig::{Picture, decode, encode};

/// What a program makes of some bytes; it must be installed.
fn through(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    let child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{program}: {error}; ./dev setup installs jbigkit-bin"));
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn portable(picture: &Picture) -> Vec<u8> {
    [format!("P4\n{} {}\n", picture.width(), picture.height()).as_bytes(), picture.bits()].concat()
}

/// The dots of a portable bitmap: they stand at its end.
fn dots_of<'a>(portable: &'a [u8], picture: &Picture) -> &'a [u8] {
    &portable[portable.len() - picture.bits().len()..]
}

#[test]
fn another_program_reads_what_is_written_here() {
    for picture in pictures() {
        let read = through("jbgtopbm", &[], &encode(&picture));
        assert_eq!(dots_of(&read, &picture), picture.bits(), "{picture:?}");
    }
}

#[test]
fn what_another_program_writes_is_read_here() {
    for picture in pictures() {
        // One layer (-q), no move of a dot (-m 0), with typical prediction and without (-p 8 and 0), one stripe and several (-s).
        for arguments in [["-q", "-m", "0", "-p", "8", "-s", "2000"], ["-q", "-m", "0", "-p", "0", "-s", "7"]] {
            let written = through("pbmtojbg", &arguments, &portable(&picture));
            assert_eq!(decode(&written), Ok(picture.clone()), "{picture:?} {arguments:?}");
        }
    }
}
