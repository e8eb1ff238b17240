//! A terminal at which people work, and what they type.

use std::path::Path;

use yima::app::attending::Wanted;
use yima::app::staff_view::{CodeView, PeopleView, ShiftView, StaffIntent, StaffView};
use yima::app::view::{Intent, Screen};
use yima::app::{Attendant, Parts, Setup};
use yima::ledger::AuditSearch;
use yima::people::{AuditEntry, Code, PersonNumber};
use yima::terminal::settings::{Origin, Settings};
use zeroize::Zeroizing;

use crate::terminal::{Reversal, Running, Sale, Terminal};

/// Digits that stand nowhere by chance.
pub const MANAGERS: &str = "60318475";
pub const CASHIERS: &str = "92746158";
/// One that nobody has.
pub const WRONG: &str = "58392716";

pub fn number(number: u32) -> PersonNumber {
    PersonNumber::new(number).unwrap()
}

pub fn code(digits: &str) -> Code {
    Code::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap()
}

pub fn setup(state: &Path) -> Setup {
    Setup { settings: Settings::default(), origin: Origin::default(), state: state.to_owned() }
}

/// A manager, and cashiers 01 and 02.
pub fn terminal() -> Terminal {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut of_terminal = setup(terminal.folder.path()).people().unwrap();
    let mut people = of_terminal.people();
    let typed = &mut |wanted: Wanted| {
        let (Wanted::Of(of) | Wanted::New(of) | Wanted::Again(of)) = wanted;
        Ok(code(if of == number(99) { MANAGERS } else { CASHIERS }))
    };
    for person in [99, 1, 2] {
        people.add(number(person), "", None, typed).unwrap();
        people.give_code(number(person), None, &[u8::try_from(person).unwrap(); 16], typed).unwrap();
    }
    terminal
}

pub fn signing_on(mut parts: Parts) -> Parts {
    parts.staff.attendant = Attendant::SignsOn;
    parts
}

pub fn start(terminal: &Terminal) -> Running {
    terminal.start_with("unionpay-debit", signing_on)
}

impl Running {
    pub fn staff(&self, wish: StaffIntent) {
        self.wish(Intent::Staff(wish));
    }

    #[track_caller]
    pub fn until_code(&mut self, what: &str, is: impl Fn(&CodeView) -> bool) -> CodeView {
        let screen = self.until(what, |screen| code_view(screen).is_some_and(&is));
        code_view(&screen).cloned().unwrap()
    }

    #[track_caller]
    pub fn until_people(&mut self, what: &str, is: impl Fn(&PeopleView) -> bool) -> PeopleView {
        let screen = self.until(what, |screen| match screen {
            Screen::Staff(view) => matches!(&**view, StaffView::People(people) if is(people)),
            _ => false,
        });
        match screen {
            Screen::Staff(view) => match *view {
                StaffView::People(people) => people,
                view => panic!("{view:?}"),
            },
            screen => panic!("{screen:?}"),
        }
    }

    #[track_caller]
    pub fn until_shift(&mut self, what: &str, is: impl Fn(&ShiftView) -> bool) -> ShiftView {
        let screen = self.until(what, |screen| match screen {
            Screen::Staff(view) => matches!(&**view, StaffView::Shift(shift) if is(shift)),
            _ => false,
        });
        match screen {
            Screen::Staff(view) => match *view {
                StaffView::Shift(shift) => shift,
                view => panic!("{view:?}"),
            },
            screen => panic!("{screen:?}"),
        }
    }

    /// Signs on, from the screen that asks for it.
    #[track_caller]
    pub fn sign_on(&mut self, person: u32) {
        self.until_code("asked to sign on", |view| !view.checking);
        self.staff(StaffIntent::SignOn(number(person), code(if person == 99 { MANAGERS } else { CASHIERS })));
        self.until("signed on", crate::terminal::is_keypad);
        assert_eq!(self.last.as_ref().unwrap().duty.person.as_ref().unwrap().number, number(person));
    }
}

pub fn code_view(screen: &Screen) -> Option<&CodeView> {
    match screen {
        Screen::Staff(view) => match &**view {
            StaffView::Code(code) => Some(code),
            _ => None,
        },
        _ => None,
    }
}

/// What was written down, oldest first: deed, whom it is about, by whom, which right.
pub fn audit(terminal: &Terminal) -> Vec<AuditEntry> {
    let mut entries = terminal.ledger().audit_entries(&AuditSearch::default(), usize::MAX).unwrap();
    entries.reverse();
    entries
}

pub fn told(entries: &[AuditEntry]) -> Vec<String> {
    let who = |person: Option<PersonNumber>| person.map_or_else(String::new, |person| format!(" {person}"));
    entries
        .iter()
        .map(|entry| {
            let by = entry.by.map_or_else(String::new, |by| format!(" by {by}"));
            let right = entry.right.map_or_else(String::new, |right| format!(" {}", right.word()));
            format!("{}{}{by}{right}", entry.deed.word(), who(entry.person))
        })
        .collect()
}

/// No file of the terminal has a code in it, whatever is done with it.
#[track_caller]
pub fn no_file_has_a_code(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            no_file_has_a_code(&path);
            continue;
        }
        let Ok(content) = std::fs::read(&path) else { continue };
        for digits in [MANAGERS, CASHIERS, WRONG] {
            let found = content.windows(digits.len()).any(|window| window == digits.as_bytes());
            assert!(!found, "{} has a code in it", path.display());
        }
    }
}
