//! Pictures of signatures beside another program: Debian's `jbigkit-bin` reads what is written here, and what it writes is read here.
//! It is among the packages for tests (`./dev setup`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::io::Write;
use std::process::{Command, Stdio};

use yima::jbig::{Picture, decode, encode};

fn drawn(width: u32, height: u32, black: impl Fn(u32, u32) -> bool) -> Picture {
    let mut picture = Picture::white(width, height);
    for y in 0..height {
        for x in 0..width {
            if black(x, y) {
                picture.blacken(x, y);
            }
        }
    }
    picture
}

/// A stroke with loops, three dots thick.
fn looped(width: u32, height: u32) -> Picture {
    let mut picture = Picture::white(width, height);
    for step in 0..6000 {
        let t = f64::from(step) / 6000.0;
        let x = (0.05 + 0.9 * t) * f64::from(width) + (t * 40.0).sin() * 14.0;
        let y = (0.5 + 0.35 * (t * 40.0).cos() * (1.0 - t)) * f64::from(height);
        for (dx, dy) in (0..3).flat_map(|dx| (0..3).map(move |dy| (dx, dy))) {
            picture.blacken(x as u32 + dx, y as u32 + dy);
        }
    }
    picture
}

fn pictures() -> Vec<Picture> {
    vec![
        Picture::white(1, 1),
        Picture::white(384, 128),
        drawn(1, 1, |_, _| true),
        drawn(384, 128, |_, _| true),
        drawn(17, 9, |x, y| (x + y) % 2 == 0),
        drawn(64, 64, |x, y| x == y),
        drawn(100, 60, |x, y| (x * 7919 + y * 104_729) % 13 < 5),
        looped(384, 128),
        looped(240, 80),
    ]
}

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
