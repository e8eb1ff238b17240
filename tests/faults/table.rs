//! The matrix as people read it.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::cells::{Cell, FAULTS, KINDS, Power};
use crate::fault_proxy::Kind;
use crate::matrix::Found;

/// Two tables: every cell with what was found in it, and one mark for each message and fault.
pub fn table(found: &[Found], senseless: &[Cell]) -> String {
    let mut text = String::new();
    let of = |kind, column, variant, power| {
        found.iter().find(move |found| {
            let cell = &found.cell;
            (cell.kind, cell.column, cell.variant, cell.power) == (kind, column, variant, power)
        })
    };
    let mut marks: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    let _ = writeln!(
        text,
        "{:<13} {:<41} | {:<37} | killed and restarted",
        "message", "fault", "running: terminal = host, paid"
    );
    for kind in KINDS {
        for (column, variants) in FAULTS {
            let (mut right, mut wrong) = (0, 0);
            for (variant, trouble) in variants {
                let cell = Cell { kind, column, variant, trouble: *trouble, power: Power::Running };
                let name = format!("{column} {variant}");
                if let Some(why) = cell.makes_no_sense() {
                    if senseless.iter().any(|known| (known.kind, known.trouble) == (kind, *trouble)) {
                        let _ = writeln!(text, "{:<13} {name:<41} | n/a: {why}", format!("{kind:?}"));
                    }
                    continue;
                }
                let cells = [Power::Running, Power::Killed].map(|power| of(kind, column, variant, power));
                if cells.iter().all(Option::is_none) {
                    continue;
                }
                let cells = cells.map(|found| match found {
                    Some(found) => {
                        let verdict = if found.problems.is_empty() { "" } else { " WRONG" };
                        *(if verdict.is_empty() { &mut right } else { &mut wrong }) += 1;
                        let (terminal, host) = (&found.terminal, &found.host);
                        format!("{terminal} = {host}, {}.{:02}{verdict}", found.charged / 100, found.charged % 100)
                    }
                    None => "-".to_owned(),
                });
                let _ = writeln!(text, "{:<13} {name:<41} | {:<37} | {}", format!("{kind:?}"), cells[0], cells[1]);
            }
            let mark = match (right, wrong) {
                (0, 0) => "n/a".to_owned(),
                (right, 0) => format!("ok {right}"),
                (right, wrong) => format!("{wrong}/{} bad", right + wrong),
            };
            marks.entry(kind).or_default().push(mark);
        }
    }
    let _ = write!(text, "{:<13}", "");
    for (column, _) in FAULTS {
        let _ = write!(text, "{column:>18}");
    }
    let _ = writeln!(text);
    for (kind, marks) in marks {
        let _ = write!(text, "{:<13}", format!("{kind:?}"));
        for mark in marks {
            let _ = write!(text, "{mark:>18}");
        }
        let _ = writeln!(text);
    }
    let slowest = found.iter().max_by_key(|found| found.took);
    if let Some(Found { cell, took, .. }) = slowest {
        let _ = writeln!(
            text,
            "slowest: {:?} {} {} {:?}, {} ms",
            cell.kind,
            cell.column,
            cell.variant,
            cell.power,
            took.as_millis()
        );
    }
    text
}
