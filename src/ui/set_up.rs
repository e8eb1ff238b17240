//! Binder of `ui/api/set-up.slint`: tills that are paired, and the test of the printer.

use slint::{ComponentHandle, ModelRc, SharedString};

use super::generated::{self, AppWindow, SetUp};
use super::{Intents, values};
use crate::app::set_up_view::{SetUpIntent, SetUpView, TestView, TillsView};
use crate::app::staff_view::StaffIntent;
use crate::app::view::Intent;
use crate::wording::Language;

/// Connects everything.
pub(super) fn setup(window: &AppWindow, intents: &Intents) {
    let set_up = window.global::<SetUp>();
    let wish = |wish: SetUpIntent| {
        let sender = intents.clone();
        move || sender.send(Intent::Staff(StaffIntent::SetUp(wish.clone())))
    };
    set_up.on_show(wish(SetUpIntent::Show));
    set_up.on_pair(wish(SetUpIntent::Pair(None)));
    set_up.on_end_pairing(wish(SetUpIntent::EndPairing));
    set_up.on_test_printer(wish(SetUpIntent::TestPrinter));
    set_up.on_leave_test(wish(SetUpIntent::LeaveTest));
    let sender = intents.clone();
    set_up.on_pair_again(move |name| {
        // What stands on the button was a name.
        if let Ok(name) = name.parse() {
            sender.send(Intent::Staff(StaffIntent::SetUp(SetUpIntent::Pair(Some(name)))));
        }
    });
    let sender = intents.clone();
    set_up.on_answer(move |yes| sender.send(Intent::Staff(StaffIntent::SetUp(SetUpIntent::Answer(yes)))));
}

/// Shows it.
pub(super) fn show(window: &AppWindow, view: &SetUpView, language: Language) {
    let set_up = window.global::<SetUp>();
    set_up.set_notice(values::sentences(view.notice.as_ref(), language));
    let mut names: Vec<SharedString> = Vec::new();
    set_up.set_tills(match &view.tills {
        TillsView::NotListening => generated::TillsState::NotListening,
        TillsView::Listed(tills) => {
            names.extend(tills.iter().map(|name| name.as_str().into()));
            generated::TillsState::Listed
        }
        TillsView::Code { name, code, left_s, wrong } => {
            set_up.set_name(name.as_str().into());
            set_up.set_code(code.0.as_str().into());
            set_up.set_left(i32::try_from(*left_s).unwrap_or(i32::MAX));
            set_up.set_wrong(i32::try_from(*wrong).unwrap_or(i32::MAX));
            generated::TillsState::Code
        }
        TillsView::Paired(name) => {
            set_up.set_name(name.as_str().into());
            generated::TillsState::Paired
        }
        TillsView::Over(name) => {
            set_up.set_name(name.as_str().into());
            generated::TillsState::Over
        }
    });
    if !matches!(view.tills, TillsView::Code { .. }) {
        set_up.set_code(SharedString::default());
    }
    set_up.set_names(ModelRc::from(names.as_slice()));
    set_up.set_test(match &view.test {
        TestView::None => generated::PrinterTest::None,
        TestView::Printing => generated::PrinterTest::Printing,
        TestView::Asks(question) => {
            set_up.set_question(question.words(language).into());
            generated::PrinterTest::Asks
        }
        TestView::Found(title) => {
            set_up.set_found(title.as_str().into());
            generated::PrinterTest::Found
        }
    });
}
