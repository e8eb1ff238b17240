//! Application selection: a card that answers anything to SELECT and READ RECORD, with any status. Selection ends.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use yima::emv::apdu::Status;
use yima::emv::selection::{Next, Selection};
use yima::emv::terminal::TerminalData;

/// More commands than selection may ever need: directory, list, and every further answer to SELECT NEXT.
const MANY: usize = 256;

static TERMINAL: LazyLock<TerminalData> =
    LazyLock::new(|| TerminalData::shipped().expect("the shipped files are read"));

fuzz_target!(|bytes: &[u8]| {
    let (mut selection, _) = Selection::start();
    let mut rest = bytes;
    for _ in 0..MANY {
        let (status, data) = match rest {
            [] => (Status::NOT_FOUND, &[][..]),
            [kind, length, behind @ ..] => {
                let (data, behind) = behind.split_at(usize::from(*length).min(behind.len()));
                rest = behind;
                let status = match kind % 5 {
                    0 => Status::NOT_FOUND,
                    1 => Status::BLOCKED,
                    2 => Status::NOT_SUPPORTED,
                    _ => Status::OK,
                };
                (status, data)
            }
            [_] => {
                rest = &[];
                continue;
            }
        };
        if !matches!(selection.answer(data, status, &TERMINAL.applications), Next::Send(_)) {
            return;
        }
    }
    panic!("selection does not end");
});
