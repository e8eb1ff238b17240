//! A till is paired by a code that stands on the terminal's screen.

use serde_json::json;
use yima::app::Attendant;
use yima::app::set_up_view::{SetUpIntent, SetUpView, TillsView};
use yima::app::staff_view::{StaffIntent, StaffView};
use yima::app::view::{Intent, Screen, View};

use super::client::{Till, sale};
use super::terminal::{AT_ONCE, Running, Terminal};

fn set_up(view: &View) -> Option<&SetUpView> {
    match &view.screen {
        Screen::Staff(staff) => match &**staff {
            StaffView::SetUp(set_up) => Some(set_up),
            _ => None,
        },
        _ => None,
    }
}

impl Running {
    fn set_up(&self, wish: SetUpIntent) {
        self.wish(Intent::Staff(StaffIntent::SetUp(wish)));
    }

    #[track_caller]
    fn tills(&self, what: &str, is: impl Fn(&TillsView) -> bool) -> TillsView {
        let view = self.until(what, |view| set_up(view).is_some_and(|shown| is(&shown.tills)));
        set_up(&view).unwrap().tills.clone()
    }

    #[track_caller]
    fn code(&self) -> (String, String) {
        match self.tills("a code", |tills| matches!(tills, TillsView::Code { .. })) {
            TillsView::Code { name, code, left_s, .. } => {
                assert!((250..=300).contains(&left_s), "{left_s}");
                (name.as_str().to_owned(), code.0.to_string())
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_code_that_the_cashier_reads_to_the_till_pairs_it_once_and_after_few_tries_counts_no_more() {
    let terminal = Terminal::new();
    let running = terminal.start_as(AT_ONCE, Attendant::SignsOn);
    let show = |code: &str| {
        Till::stranger(running.place()).ask("POST", "/v1/pairings", &[], Some(&json!({ "code": code }))).status
    };
    running.set_up(SetUpIntent::Show);
    assert_eq!(running.tills("nobody", |_| true), TillsView::Listed(Vec::new()));
    running.set_up(SetUpIntent::Pair(None));
    let (name, code) = running.code();
    assert_eq!(name, "till 1");
    assert_ne!(show("WRONG-CODE"), 201);
    running.tills("the wrong one is told", |tills| matches!(tills, TillsView::Code { wrong: 1, .. }));
    let till = Till::pair(running.place(), &code);
    running.tills("paired", |tills| *tills == TillsView::Paired("till 1".parse().unwrap()));
    assert_ne!(show(&code), 201, "a code is exchanged once");
    assert_eq!(till.begin("order-1", &sale(1234)).status, 201);
    till.until_final("order-1");
    running.wish(Intent::ShowKeypad);

    // Another one; it is known by its own name, and five wrong codes end it.
    running.set_up(SetUpIntent::Show);
    running.tills("one", |tills| *tills == TillsView::Listed(vec!["till 1".parse().unwrap()]));
    running.set_up(SetUpIntent::Pair(None));
    let (name, code) = running.code();
    assert_eq!(name, "till 2");
    for _ in 0..5 {
        assert_ne!(show("AAAA-AAAA"), 201);
    }
    running.tills("over", |tills| *tills == TillsView::Over("till 2".parse().unwrap()));
    assert_ne!(show(&code), 201);

    // Whoever leaves takes the code along.
    running.set_up(SetUpIntent::Pair(Some("till 1".parse().unwrap())));
    let (name, code) = running.code();
    assert_eq!(name, "till 1");
    running.wish(Intent::ShowKeypad);
    running.until("the keypad", |view| matches!(view.screen, Screen::Keypad { .. }));
    assert_ne!(show(&code), 201);
    assert_eq!(till.get("/v1/status").status, 200, "the key it has still counts");
}
