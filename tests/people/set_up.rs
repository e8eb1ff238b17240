//! How the terminal is set up, at a screen where people work: by whom, and what is written down and kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use yima::app::Parts;
use yima::app::set_up_view::{SetUpIntent, SetUpView, TestView, TillsView};
use yima::app::staff_view::{CodePurpose, StaffIntent, StaffView};
use yima::app::view::{Intent, Screen};
use yima::devices::printer::{Confirmation, PrintFailure, Printer, PrinterFault};
use yima::people::Right;
use yima::receipt::Charset;
use yima::receipt::set_up::{Drawer, Question, sheet};
use yima::till_keys::TillKeys;

use crate::staff::{MANAGERS, audit, code, number, setup, signing_on, terminal, told};
use crate::terminal::{Running, is_keypad};

/// A printer that keeps what it is sent, and says that all of it came out.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Printer for Kept {
    fn name(&self) -> String {
        "kept".to_owned()
    }

    fn check(&mut self) -> Result<(), PrinterFault> {
        Ok(())
    }

    fn print(
        &mut self,
        bytes: &[u8],
        _: Duration,
        _: &mut dyn FnMut(Option<PrinterFault>),
    ) -> Result<Confirmation, PrintFailure> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(Confirmation::Printed)
    }
}

impl Running {
    fn set_up(&self, wish: SetUpIntent) {
        self.staff(StaffIntent::SetUp(wish));
    }

    #[track_caller]
    fn until_set_up(&mut self, what: &str, is: impl Fn(&SetUpView) -> bool) -> SetUpView {
        let view = |screen: &Screen| match screen {
            Screen::Staff(staff) => match &**staff {
                StaffView::SetUp(view) => Some(view.clone()),
                _ => None,
            },
            _ => None,
        };
        let screen = self.until(what, |screen| view(screen).is_some_and(|view| is(&view)));
        view(&screen).unwrap()
    }
}

#[test]
fn a_manager_lets_a_cashier_pair_a_till_and_test_the_printer_and_it_is_written_down() {
    let terminal = terminal();
    let state = terminal.folder.path().to_owned();
    let paper = Kept::default();
    let printer = paper.clone();
    let keys = state.clone();
    let mut running = terminal.start_with("unionpay-debit", |parts| Parts {
        printer: Box::new(printer.clone()),
        till_keys: Some(TillKeys::open(&keys).unwrap()),
        ..signing_on(parts)
    });
    running.sign_on(1);
    // Without the right nothing of it is shown, nor done.
    running.set_up(SetUpIntent::Pair(None));
    running.until_code("asked", |view| view.purpose == CodePurpose::Right(Right::Settings));
    running.staff(StaffIntent::Leave);
    running.until("keypad", is_keypad);
    assert!(TillKeys::open(&state).unwrap().open_pairing(jiff::Timestamp::now()).unwrap().is_none());

    running.set_up(SetUpIntent::Show);
    running.until_code("asked again", |view| view.purpose == CodePurpose::Right(Right::Settings));
    running.staff(StaffIntent::GiveRight(number(99), code(MANAGERS)));
    let first = running.until_set_up("shown", |_| true);
    assert_eq!((first.tills, first.test, first.notice), (TillsView::Listed(Vec::new()), TestView::None, None));
    // The manager's code was for all of it.
    running.set_up(SetUpIntent::Pair(None));
    running.until_set_up("a code", |view| matches!(view.tills, TillsView::Code { .. }));
    running.set_up(SetUpIntent::EndPairing);
    running.until_set_up("none", |view| view.tills == TillsView::Listed(Vec::new()));
    running.set_up(SetUpIntent::TestPrinter);
    for question in Question::ALL {
        running.until_set_up("a question", |view| view.test == TestView::Asks(question));
        // Narrow paper without a cutter.
        running.set_up(SetUpIntent::Answer(!matches!(question, Question::Ruler | Question::Cut)));
    }
    running.until_set_up("found", |view| matches!(view.test, TestView::Found(_)));
    assert_eq!(*paper.0.lock().unwrap(), [sheet(Drawer::None)]);
    let found = setup(&state).found_printer().unwrap().unwrap().profile;
    assert_eq!((found.columns, found.chinese, found.moves, found.cutter), (32, Charset::Gb18030, true, false));
    assert!(found.confirms_end_mark, "it said that all of it came out");
    running.set_up(SetUpIntent::LeaveTest);
    running.until_set_up("left", |view| view.test == TestView::None);

    // Once left the next one needs the code anew.
    running.wish(Intent::ShowKeypad);
    running.until("keypad", is_keypad);
    running.set_up(SetUpIntent::TestPrinter);
    running.until_code("asked once more", |view| view.purpose == CodePurpose::Right(Right::Settings));
    drop(running);
    let entries = audit(&terminal);
    let of_settings: Vec<_> = told(&entries).into_iter().skip(7).collect();
    let expected = [
        "right_asked 01 settings",
        "right_refused 01 settings",
        "right_asked 01 settings",
        "right_given 01 by 99 settings",
        "settings_changed 01 by 99",
        "settings_changed 01 by 99",
        "right_asked 01 settings",
    ];
    assert_eq!(of_settings, expected);
    let details: Vec<_> = entries
        .iter()
        .filter(|entry| entry.deed.word() == "settings_changed")
        .map(|entry| entry.detail.as_str())
        .collect();
    assert_eq!(details, ["till pair till 1", "printer test"]);
}
