//! The screen of a terminal that is not enrolled: an activation code is typed and becomes an intent.

use slint::platform::Key;
use yima::acquirer::enrolment::Progress;
use yima::acquirer::enrolment::wire::ActivationCode;
use yima::app::view::{Intent, Screen, View};
use yima::wording::{Reason, ReasonKind};

use crate::touching::{benches, key, press, touch};
use crate::views::view;

fn asked(progress: Option<Progress>, notice: Option<Reason>) -> View {
    view(Screen::Enrol { serial_number: "00000402TEST0001".to_owned(), progress, notice })
}

fn wish(code: &str) -> [Intent; 1] {
    [Intent::Enrol(ActivationCode::parse(code).unwrap())]
}

#[test]
fn a_code_is_typed_corrected_and_sent_once_it_is_complete() {
    for bench in benches() {
        bench.show(asked(None, None));
        for digit in "12345678901".chars() {
            touch(&bench, &digit.to_string());
        }
        key(&bench, Key::Return);
        assert!(bench.sent().is_empty(), "eleven digits are no code");
        touch(&bench, "3");
        touch(&bench, "4");
        touch(&bench, "Delete");
        touch(&bench, "2");
        touch(&bench, "Enrol");
        assert_eq!(bench.sent(), wish("123456789012"), "a thirteenth digit is not taken");
    }
}

#[test]
fn while_the_acquirer_is_asked_nothing_is_typed_or_sent_and_a_refused_code_can_be_corrected() {
    for bench in benches() {
        bench.show(asked(None, None));
        press(&bench, "123456789012");
        bench.show(asked(Some(Progress::AskingHost), None));
        key(&bench, Key::Return);
        key(&bench, Key::Backspace);
        assert!(bench.sent().is_empty());
        bench.show(asked(None, Some(Reason::of(ReasonKind::EnrolWrongCode))));
        key(&bench, Key::Backspace);
        press(&bench, "3");
        key(&bench, Key::Return);
        assert_eq!(bench.sent(), wish("123456789013"));
        key(&bench, Key::Escape);
        key(&bench, Key::Return);
        assert!(bench.sent().is_empty(), "it is gone");
    }
}
