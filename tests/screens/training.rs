//! Into the training and out of it by touch, and what a customer does there.

use yima::app::view::{CodePaper, Intent, Screen, TrainingCard, TrainingIntent, View};
use yima::terminal::mark::Mark;

use crate::staff_views::on_duty;
use crate::touching::{benches, is_there, touch};
use crate::views::{cny, scenes, training, view};

fn wish(wish: TrainingIntent) -> Vec<Intent> {
    vec![Intent::Training(wish)]
}

#[test]
fn two_touches_lead_into_the_training_and_out_again() {
    for bench in benches() {
        bench.show(view(Screen::Keypad { notice: None }));
        touch(&bench, "Online");
        touch(&bench, "Training");
        assert_eq!(bench.sent(), wish(TrainingIntent::Begin));
        bench.show(training(Screen::Keypad { notice: None }));
        assert!(is_there(&bench, "TRAINING · nothing here is a payment"));
        assert!(!is_there(&bench, "TEST · no real money moves"));
        touch(&bench, "Online");
        touch(&bench, "End the training");
        assert_eq!(bench.sent(), wish(TrainingIntent::End));
    }
}

#[test]
fn whoever_is_signed_on_finds_it_among_what_they_can_do() {
    for bench in benches() {
        bench.show(on_duty(Screen::Keypad { notice: None }, "小王"));
        touch(&bench, "Signed on: 01 小王");
        touch(&bench, "Training");
        assert_eq!(bench.sent(), wish(TrainingIntent::Begin));
    }
}

#[test]
fn cards_and_phones_of_the_training_are_touched_and_elsewhere_there_are_none() {
    for bench in benches() {
        let asks = || Screen::PresentCard { amount: cny(1234), notice: None };
        bench.show(View { codes: true, ..view(asks()) });
        assert!(!is_there(&bench, "No PIN") && !is_there(&bench, "Scan a practice phone"));
        bench.show(View { codes: true, ..training(asks()) });
        for (label, card) in [
            ("No PIN", TrainingCard::Plain),
            ("PIN 1234", TrainingCard::WithPin),
            ("Signature", TrainingCard::WithSignature),
            ("Expired", TrainingCard::Expired),
        ] {
            touch(&bench, label);
            assert_eq!(bench.sent(), wish(TrainingIntent::Insert(card)));
        }
        touch(&bench, "Scan a practice phone");
        assert_eq!(bench.sent(), wish(TrainingIntent::Scan));
        let code = "00020101021226450016".repeat(6);
        bench.show(training(Screen::ShowCode { amount: cny(1234), code, valid_until: None, paper: CodePaper::None }));
        touch(&bench, "The practice phone pays");
        assert_eq!(bench.sent(), wish(TrainingIntent::Pay));
    }
}

#[test]
fn every_screen_of_a_terminal_that_trains_says_so() {
    for bench in benches() {
        for scene in scenes() {
            bench.show(View { mark: Mark::Training, ..scene.view });
            assert!(is_there(&bench, "TRAINING · nothing here is a payment"), "{}", scene.name);
        }
    }
}
