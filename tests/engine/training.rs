//! When the shop may be left for the training, and the training for the shop.

use std::time::Duration;

use jiff::tz::TimeZone;
use yima::app::view::{Intent, Screen, TrainingIntent, Turn};
use yima::app::{Parts, Setup, SteppedEngine};
use yima::clock::SetByHand;
use yima::devices::sound::silent::Silent;
use yima::money::{Amount, Currency};
use yima::terminal::mark::Mark;
use yima::terminal::settings::{Origin, Settings};
use yima::wording::{Reason, ReasonKind};

use crate::terminal::{Reversal, Sale, Terminal, is_keypad, notice_kind};
use crate::watching::Watching;

const fn begin() -> Intent {
    Intent::Training(TrainingIntent::Begin)
}

const fn end() -> Intent {
    Intent::Training(TrainingIntent::End)
}

fn turns(turn: Turn) -> impl Fn(&Screen) -> bool {
    move |screen| *screen == Screen::Turning(turn)
}

#[test]
fn whoever_is_left_begins_nothing_any_more_and_goes_on_when_nobody_could_be_trained() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let mut running = terminal.start();
    running.until("the keypad", is_keypad);
    running.wish(end());
    running.wish(begin());
    running.until("the training is opened", turns(Turn::ToTraining));
    running.charge("12.34");
    running.wish(Intent::ShowKeypad);
    let failed = Reason::of(ReasonKind::TrainingFailed);
    running.wish(Intent::Training(TrainingIntent::Failed(failed)));
    running.until("why not", |screen| notice_kind(screen) == Some(ReasonKind::TrainingFailed));
    assert!(terminal.rows().is_empty());
    running.charge("5.00");
    running.until("paid", |screen| matches!(screen, Screen::Approved { .. }));
    assert_eq!(terminal.rows().len(), 1);
}

#[test]
fn nobody_is_trained_while_a_payment_runs_or_is_taken_back() {
    let terminal = Terminal::new(Sale::Silent, Reversal::Silent);
    let mut running = terminal.start();
    running.charge("50.00");
    running.wish(begin());
    running.until("not known", |screen| matches!(screen, Screen::Unknown { tries: 1, .. }));
    running.wish(begin());
    running.wish(Intent::NextCustomer);
    running.until("the keypad", is_keypad);
    running.wish(begin());
    running.until("why not", |screen| notice_kind(screen) == Some(ReasonKind::TrainingWaits));
    terminal.behave(Sale::Real, Reversal::Code("00"));
    running.wish(Intent::TryQueueNow);
    // As soon as it is taken back.
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while !running.last.as_ref().is_some_and(|view| view.screen == Screen::Turning(Turn::ToTraining)) {
        assert!(std::time::Instant::now() < end, "{:?}", running.last);
        running.wish(Intent::ShowKeypad);
        running.wish(begin());
        while let Ok(view) = running.views.recv_timeout(Duration::from_millis(300)) {
            running.last = Some(view);
        }
    }
}

#[test]
fn a_training_that_was_forgotten_ends_by_itself_and_never_under_somebodys_hands() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let clock = SetByHand::at("2026-11-29T04:00:00Z".parse().unwrap(), TimeZone::UTC);
    let settings = Settings { host: terminal.host.link_settings(), ..Settings::default() };
    let setup = Setup { settings, origin: Origin::default(), state: terminal.folder.path().to_owned() };
    let parts = |mark| Parts {
        printer: Box::new(terminal.paper.clone()),
        sound: Box::new(Silent),
        mark,
        ..setup.parts().unwrap()
    };
    for (mark, ends) in [(Mark::Training, true), (Mark::Test, false), (Mark::Live, false)] {
        let (listener, views, _reports) = Watching::new();
        let mut engine = SteppedEngine::start(parts(mark), Box::new(listener));
        let mut last = None;
        let mut screen = || {
            last = views.try_iter().last().or(last.take());
            last.as_ref().map(|view| view.screen.clone()).unwrap()
        };
        clock.pass(Duration::from_secs(599));
        engine.tick();
        engine.send(Intent::ShowTransactions(0));
        clock.pass(Duration::from_secs(599));
        engine.tick();
        assert!(matches!(screen(), Screen::Transactions { .. }), "somebody was there");
        clock.pass(Duration::from_secs(2));
        engine.tick();
        assert_eq!(screen() == Screen::Turning(Turn::ToTheShop), ends, "{mark:?}");
        engine.send(Intent::Charge(Amount::new(100, Currency::CNY).unwrap()));
        assert_eq!(screen() == Screen::Turning(Turn::ToTheShop), ends, "{mark:?}");
    }
}

/// Its ledger fails, and nobody comes back to the keypad: the shop must not stay closed for that.
#[test]
fn a_training_that_cannot_go_on_ends_by_itself_as_well() {
    let terminal = Terminal::new(Sale::Real, Reversal::Code("00"));
    let clock = SetByHand::at("2026-11-29T04:00:00Z".parse().unwrap(), TimeZone::UTC);
    let settings = Settings { host: terminal.host.link_settings(), ..Settings::default() };
    let setup = Setup { settings, origin: Origin::default(), state: terminal.folder.path().to_owned() };
    let printer = Box::new(terminal.paper.clone());
    let parts = Parts { printer, sound: Box::new(Silent), mark: Mark::Training, ..setup.parts().unwrap() };
    let (listener, views, _reports) = Watching::new();
    let mut engine = SteppedEngine::start(parts, Box::new(listener));
    terminal.sql("ALTER TABLE advices RENAME TO gone");
    engine.send(Intent::ShowQueue(0));
    let shown = views.try_iter().last().unwrap().screen;
    assert!(matches!(shown, Screen::OutOfService { .. }), "{shown:?}");
    clock.pass(Duration::from_secs(601));
    engine.tick();
    assert_eq!(views.try_iter().last().map(|view| view.screen), Some(Screen::Turning(Turn::ToTheShop)));
}
