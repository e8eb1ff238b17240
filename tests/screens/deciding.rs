//! The queue's screen: how one comes there, and how a person decides about what was given up. Whoever decides is asked twice.

use std::time::Duration;

use slint::ComponentHandle;
use slint::platform::{Key, PointerEventButton, WindowEvent};
use yima::app::view::{Intent, PinPlace, QueueRow, Screen, View};
use yima::payment::advice::AdviceKind;
use yima::payment::queue::{Act, Kind, Resolution, Standing};
use yima::pin::Pin;
use yima::terminal::mark::Mark;
use yima::ui::WindowOptions;
use yima::wording::{Language, Reason, ReasonKind};
use zeroize::Zeroizing;

use crate::pictures::save;
use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::targets::{everything_is_on_the_screen, nothing_covers_another};
use crate::touching::{benches, is_there, key, middle, touch};
use crate::views::{SHUFFLED, cny, queue, queue_row, trace, view};

const CARD_RESULT: Kind = Kind::Advice(AdviceKind::CardResult);

fn queue_of(rows: Vec<QueueRow>) -> View {
    let parked = rows.iter().filter(|row| row.standing == Standing::Parked).count();
    let waiting = rows.len() - parked;
    view(Screen::Queue { rows, page: 0, pages: 1, waiting, parked, under_way: false })
}

fn one(kind: Kind) -> View {
    queue_of(vec![queue_row(101, kind, Standing::Parked)])
}

fn decided(act: Act) -> [Intent; 1] {
    [Intent::Decide(trace(101), act)]
}

#[test]
fn the_chip_and_the_alarm_lead_to_what_waits() {
    for bench in benches() {
        bench.show(View { queued: 2, ..view(Screen::Keypad { notice: None }) });
        touch(&bench, "Online");
        touch(&bench, "Show what waits (2)");
        assert_eq!(bench.sent(), [Intent::ShowQueue(0)]);
        for kind in [
            ReasonKind::ReversalWaiting,
            ReasonKind::ReversalExhausted,
            ReasonKind::TraceNumberInUse,
            ReasonKind::AdviceParked,
        ] {
            let notice = Some(Reason::with_detail(kind, "000001-000042"));
            bench.show(View { queued: 1, ..view(Screen::Keypad { notice }) });
            touch(&bench, "Show what waits");
            assert_eq!(bench.sent(), [Intent::ShowQueue(0)], "{kind:?}");
        }
        // What has nothing to do with it leads nowhere, and where nothing waits there is nothing to be shown.
        bench.show(view(Screen::Keypad { notice: Some(Reason::of(ReasonKind::PrinterPaperOut)) }));
        assert!(!is_there(&bench, "Show what waits"));
        touch(&bench, "Online");
        assert!(!is_there(&bench, "Show what waits (0)"));
    }
}

#[test]
fn whoever_decides_is_asked_twice() {
    for bench in benches() {
        for (kind, answer, yes, act) in [
            (Kind::Reversal, "It was charged", "Yes, it was charged", Resolution::Charged),
            (Kind::Reversal, "It was not charged", "Yes, it was not charged", Resolution::Reversed),
            (CARD_RESULT, "The acquirer has it", "Yes, the acquirer has it", Resolution::Noted),
        ] {
            bench.show(one(kind));
            touch(&bench, "Decide 000001-000101");
            touch(&bench, answer);
            let place = middle(&bench, yes);
            touch(&bench, yes);
            assert_eq!(bench.sent(), [], "asked once");
            assert!(is_there(&bench, "This cannot be undone"));
            assert!(
                (middle(&bench, "Write it down").y - place.y).abs() > 40.0,
                "a finger that falls twice on one place decides nothing"
            );
            touch(&bench, "Write it down");
            assert_eq!(bench.sent(), decided(Act::Resolve(act)));
            assert!(is_there(&bench, "Decide 000001-000101"), "the list, until it is known what came of it");
        }
    }
}

#[test]
fn what_may_be_sent_again_is_asked_about_once_and_what_may_not_is_not_offered() {
    for bench in benches() {
        for kind in [Kind::Reversal, CARD_RESULT] {
            bench.show(one(kind));
            touch(&bench, "Decide 000001-000101");
            touch(&bench, "Send it again");
            assert_eq!(bench.sent(), []);
            touch(&bench, "Yes, send it again");
            assert_eq!(bench.sent(), decided(Act::Retry));
        }
        let row = QueueRow { may_be_tried_again: false, ..queue_row(101, Kind::Reversal, Standing::Parked) };
        bench.show(queue_of(vec![row]));
        touch(&bench, "Decide 000001-000101");
        assert!(is_there(&bench, "It was charged") && !is_there(&bench, "Send it again"));
    }
}

#[test]
fn there_is_a_way_back_from_every_question() {
    for bench in benches() {
        bench.show(one(Kind::Reversal));
        touch(&bench, "Decide 000001-000101");
        touch(&bench, "It was charged");
        touch(&bench, "Yes, it was charged");
        for said in ["Is that right?", "What does the acquirer say?"] {
            touch(&bench, "Back");
            assert!(is_there(&bench, said));
        }
        touch(&bench, "Back");
        assert!(is_there(&bench, "Decide 000001-000101"));
        touch(&bench, "Decide 000001-000101");
        touch(&bench, "It was not charged");
        key(&bench, Key::Escape);
        assert!(is_there(&bench, "Decide 000001-000101"));
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), [Intent::ShowKeypad]);
    }
}

#[test]
fn an_entry_that_goes_while_somebody_decides_is_not_decided() {
    for bench in benches() {
        bench.show(one(Kind::Reversal));
        touch(&bench, "Decide 000001-000101");
        touch(&bench, "It was charged");
        touch(&bench, "Yes, it was charged");
        // Somebody else was faster, and another entry stands in its place.
        bench.show(queue_of(vec![queue_row(102, Kind::Reversal, Standing::Parked)]));
        assert!(!is_there(&bench, "Write it down"));
        assert!(is_there(&bench, "Decide 000001-000102"));
        // Another list around the same entry disturbs nobody.
        touch(&bench, "Decide 000001-000102");
        let waiting = queue_row(103, Kind::Reversal, Standing::Waiting);
        bench.show(queue_of(vec![queue_row(102, Kind::Reversal, Standing::Parked), waiting]));
        assert!(is_there(&bench, "It was charged"));
        assert_eq!(bench.sent(), []);
    }
}

#[test]
fn pages_are_turned_and_the_first_is_tried_at_once() {
    for bench in benches() {
        bench.show(view(queue()));
        touch(&bench, "Try now");
        touch(&bench, "Page after");
        touch(&bench, "Page before");
        assert_eq!(bench.sent(), [Intent::TryQueueNow, Intent::ShowQueue(1)]);
        let Screen::Queue { rows, waiting, parked, .. } = queue() else { unreachable!() };
        bench.show(view(Screen::Queue { rows, page: 2, pages: 3, waiting, parked, under_way: true }));
        touch(&bench, "Page after");
        key(&bench, Key::PageUp);
        touch(&bench, "Asking the bank");
        assert_eq!(bench.sent(), [Intent::ShowQueue(1)]);
    }
}

/// The questions, drawn as far as a finger comes, in both languages.
#[test]
fn every_question_stays_on_the_screen() {
    let english = ["Decide 000001-000101", "It was charged", "Yes, it was charged"];
    let chinese = ["处理 000001-000101", "已经扣款", "对，已经扣款"];
    for (shape, (width, height)) in [("portrait", PORTRAIT), ("landscape", LANDSCAPE), ("1024x600", (1024, 600))] {
        for (word, language, labels) in [("en", Language::English, english), ("zh", Language::Chinese, chinese)] {
            let bench = Bench::open(WindowOptions { width, height, language, ..WindowOptions::default() });
            let row = QueueRow { amount: cny(999_999_999_999), ..queue_row(101, Kind::Reversal, Standing::Parked) };
            bench.show(View { mark: Mark::Test, ..queue_of(vec![row]) });
            for (step, label) in labels.into_iter().enumerate() {
                touch(&bench, label);
                bench.pass(Duration::from_millis(300));
                let name = format!("queue-decide-{}-{shape}-{word}", step + 1);
                everything_is_on_the_screen(&bench, (width, height), &name);
                nothing_covers_another(&bench, &name);
                save(&bench.pixels(), &name);
            }
        }
    }
}

#[test]
fn a_finger_that_came_down_on_another_layout_types_nothing() {
    let ask = |keys, notice: Option<ReasonKind>| {
        let (notice, place) = (notice.map(Reason::of), PinPlace::Screen { keys });
        view(Screen::EnterPin { amount: cny(1234), notice, place, may_bypass: false, language: None })
    };
    for bench in benches() {
        bench.show(ask([1, 2, 3, 4, 5, 6, 7, 8, 9, 0], None));
        let window = bench.screen.window().window();
        let position = middle(&bench, "1");
        window.dispatch_event(WindowEvent::PointerMoved { position });
        window.dispatch_event(WindowEvent::PointerPressed { position, button: PointerEventButton::Left });
        // The keys change under the finger: the PIN is asked for anew.
        bench.show(ask(SHUFFLED, Some(ReasonKind::PinWrong)));
        window.dispatch_event(WindowEvent::PointerReleased { position, button: PointerEventButton::Left });
        window.dispatch_event(WindowEvent::PointerExited);
        bench.pass(Duration::from_millis(20));
        for digit in ["1", "2", "3", "4"] {
            touch(&bench, digit);
        }
        touch(&bench, "OK");
        let pin = Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap();
        assert_eq!(bench.sent(), [Intent::EnterPin(pin)], "the four digits, and not a fifth");
    }
}
