//! Wrong codes wait longer and longer, also over restarts and under a clock that jumps, and lock out in the end. Time passes by hand.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use yima::app::SteppedEngine;
use yima::app::staff_view::{CodeView, StaffIntent};
use yima::app::view::{Intent, Screen, View};
use yima::clock::SetByHand;
use yima::people::{LOCKED_OUT_AFTER, wait_after};
use yima::wording::ReasonKind;

use crate::staff::{
    CASHIERS, MANAGERS, WRONG, audit, code, code_view, no_file_has_a_code, number, setup, signing_on, terminal,
};
use crate::terminal::{Terminal, is_keypad};
use crate::watching::Watching;

struct Stepped {
    engine: SteppedEngine,
    views: std::sync::mpsc::Receiver<View>,
    last: Option<View>,
}

impl Stepped {
    fn start(terminal: &Terminal) -> Self {
        let setup = yima::app::Setup {
            settings: yima::terminal::settings::Settings {
                host: terminal.host.link_settings(),
                ..setup(terminal.folder.path()).settings
            },
            ..setup(terminal.folder.path())
        };
        let parts = yima::app::Parts {
            printer: Box::new(terminal.paper.clone()),
            sound: Box::new(yima::devices::sound::silent::Silent),
            ..setup.parts().unwrap()
        };
        let (listener, views, _reports) = Watching::new();
        Self { engine: SteppedEngine::start(signing_on(parts), Box::new(listener)), views, last: None }
    }

    fn screen(&mut self) -> Screen {
        self.last = self.views.try_iter().last().or(self.last.take());
        self.last.as_ref().unwrap().screen.clone()
    }

    /// Types a code, and gives what is said of it; nothing, when it was right.
    fn type_code(&mut self, person: u32, digits: &str) -> Option<(ReasonKind, u64)> {
        self.engine.send(Intent::Staff(StaffIntent::SignOn(number(person), code(digits))));
        let screen = self.screen();
        if is_keypad(&screen) {
            return None;
        }
        let CodeView { notice, wait_s, .. } = code_view(&screen).cloned().unwrap();
        Some((notice.unwrap().kind, wait_s))
    }
}

fn noon() -> Timestamp {
    "2026-11-29T04:00:00Z".parse().unwrap()
}

#[test]
fn wrong_codes_wait_longer_each_time_and_neither_clock_nor_restart_helps() {
    let terminal = terminal();
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    let clock = SetByHand::at(noon(), zone.clone());
    let mut stepped = Stepped::start(&terminal);
    for _ in 0..2 {
        assert_eq!(stepped.type_code(1, WRONG), Some((ReasonKind::CodeWrong, 0)));
    }
    assert_eq!(stepped.type_code(1, WRONG), Some((ReasonKind::CodeWrong, 30)));
    // Also the right one waits now.
    assert_eq!(stepped.type_code(1, CASHIERS), Some((ReasonKind::CodeWaits, 30)));
    clock.pass(Duration::from_secs(10));
    stepped.engine.tick();
    assert_eq!(code_view(&stepped.screen()).unwrap().wait_s, 20, "it is counted on the screen");
    // Another person is not kept from signing on.
    assert_eq!(stepped.type_code(2, CASHIERS), None);
    stepped.engine.send(Intent::Staff(StaffIntent::SignOff));
    drop(stepped);
    drop(clock);
    // The power goes, and the clock is set on by a year: the machine has just started.
    let clock = SetByHand::at("2027-11-29T04:00:00Z".parse().unwrap(), zone);
    let mut stepped = Stepped::start(&terminal);
    assert_eq!(stepped.type_code(1, CASHIERS).map(|(kind, _)| kind), Some(ReasonKind::CodeWaits));
    clock.pass(wait_after(3));
    assert_eq!(stepped.type_code(1, CASHIERS), None);
    assert!(terminal.ledger().people().unwrap().of(number(1)).unwrap().tries.wrong == 0, "a right one forgives");
}

#[test]
fn a_cashier_is_locked_out_until_the_manager_gives_a_new_code_and_the_manager_only_waits() {
    let terminal = terminal();
    let clock = SetByHand::at(noon(), TimeZone::fixed(jiff::tz::offset(8)));
    let mut stepped = Stepped::start(&terminal);
    for wrong in 1..=LOCKED_OUT_AFTER {
        let expected = if wrong == LOCKED_OUT_AFTER { ReasonKind::PersonLockedOut } else { ReasonKind::CodeWrong };
        assert_eq!(stepped.type_code(1, WRONG).map(|(kind, _)| kind), Some(expected), "{wrong}");
        clock.pass(wait_after(wrong));
    }
    clock.pass(Duration::from_secs(1_000_000));
    assert_eq!(stepped.type_code(1, CASHIERS).map(|(kind, _)| kind), Some(ReasonKind::PersonLockedOut));
    drop(stepped);
    let mut stepped = Stepped::start(&terminal);
    assert_eq!(stepped.type_code(1, CASHIERS).map(|(kind, _)| kind), Some(ReasonKind::PersonLockedOut), "restarted");
    for wrong in 1..=LOCKED_OUT_AFTER + 2 {
        assert_eq!(stepped.type_code(99, WRONG), Some((ReasonKind::CodeWrong, wait_after(wrong).as_secs())), "{wrong}");
        if wrong > 2 {
            assert_eq!(stepped.type_code(99, MANAGERS).map(|(kind, _)| kind), Some(ReasonKind::CodeWaits), "{wrong}");
        }
        clock.pass(wait_after(wrong));
    }
    assert_eq!(stepped.type_code(99, MANAGERS), None, "a manager comes in again");
    stepped.engine.send(Intent::Staff(StaffIntent::GiveCode(number(1), code(WRONG), code(WRONG))));
    stepped.engine.send(Intent::Staff(StaffIntent::SignOff));
    assert_eq!(stepped.type_code(1, WRONG), None, "and the cashier by the new code");
    drop(stepped);
    let entries = audit(&terminal);
    let count = |deed: &str| entries.iter().filter(|entry| entry.deed.word() == deed).count();
    assert_eq!((count("locked_out"), count("wrong_code")), (1, 10 + 12));
    no_file_has_a_code(terminal.folder.path());
}
