//! A customer signs: what the finger draws is on the screen as it moves, and goes to the engine as lines.

use std::time::Duration;

use i_slint_backend_testing::ElementHandle;
use slint::platform::{Key, PointerEventButton, WindowEvent};
use slint::{ComponentHandle, LogicalPosition};
use yima::app::signing::SignIntent;
use yima::app::view::{Intent, Screen};
use yima::payment::signature::Strokes;
use yima::ui::WindowOptions;
use yima::wording::Language;

use crate::pictures::save;
use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::touching::{benches, is_there, key, touch};
use crate::views::{sign, view};

/// The pad on the screen: its corner, and how wide it is.
fn pad(bench: &Bench) -> (f32, f32, f32) {
    let window = bench.screen.window();
    let element = ElementHandle::find_by_accessible_label(window, "Sign here")
        .chain(ElementHandle::find_by_accessible_label(window, "在此签名"))
        .next()
        .unwrap();
    let (corner, size) = (element.absolute_position(), element.size());
    let square = (size.width / 12.0).min(size.height / 6.0).floor();
    let (width, height) = (12.0 * square, 6.0 * square);
    let middle = |from: f32, room: f32, own: f32| from + ((room - own) / 2.0).floor();
    (middle(corner.x, size.width, width), middle(corner.y, size.height, height), width)
}

/// Draws a line through places of the pad, given as shares of its width and height.
fn draw(bench: &Bench, places: &[(f32, f32)]) {
    let (left, top, width) = pad(bench);
    let window = bench.screen.window().window();
    let at = |(x, y): (f32, f32)| LogicalPosition::new(left + x * width, top + y * width / 2.0);
    window.dispatch_event(WindowEvent::PointerMoved { position: at(places[0]) });
    window.dispatch_event(WindowEvent::PointerPressed { position: at(places[0]), button: PointerEventButton::Left });
    for place in places {
        window.dispatch_event(WindowEvent::PointerMoved { position: at(*place) });
    }
    let position = at(*places.last().unwrap());
    window.dispatch_event(WindowEvent::PointerReleased { position, button: PointerEventButton::Left });
    bench.pass(Duration::from_millis(20));
}

/// A name as a hand writes it: loops from left to right.
fn name(bench: &Bench) {
    let place = |step: u16| {
        let share = f32::from(step) / 240.0;
        let angle = share * 38.0;
        (0.1 + share * 0.72 + 0.035 * angle.cos(), 0.5 - (0.3 - 0.2 * share) * angle.sin())
    };
    draw(bench, &(0..240).map(place).collect::<Vec<_>>());
    draw(bench, &[(0.25, 0.78), (0.5, 0.74), (0.85, 0.7)]);
}

fn strokes(sent: &[Intent]) -> &Strokes {
    assert_eq!(sent.len(), 1, "{sent:?}");
    let signed = sent.iter().find_map(|intent| match intent {
        Intent::Sign(SignIntent::Done(strokes)) => Some(strokes),
        _ => None,
    });
    signed.unwrap()
}

#[test]
fn a_name_is_drawn_as_it_is_written_and_sent_when_the_customer_says_so() {
    for bench in benches() {
        bench.show(view(sign(1234, false)));
        let before = bench.pixels();
        touch(&bench, "Done");
        touch(&bench, "Clear");
        assert!(bench.sent().is_empty(), "there is nothing to send or to clear");
        // A touch is no signature.
        draw(&bench, &[(0.3, 0.3), (0.31, 0.3)]);
        assert_ne!(before.as_bytes(), bench.pixels().as_bytes(), "it is seen all the same");
        touch(&bench, "Done");
        assert!(bench.sent().is_empty());
        touch(&bench, "Clear");
        assert_eq!(before.as_bytes(), bench.pixels().as_bytes(), "as it was");
        name(&bench);
        touch(&bench, "Done");
        let sent = bench.sent();
        let picture = strokes(&sent).drawn(384);
        assert!(strokes(&sent).is_enough() && picture.black_dots() > 1000, "{picture:?}");
        // Where there is ink on the screen there is ink in the picture, row for row of what was drawn.
        assert!(picture.height() > 100 && picture.width() == 384, "{picture:?}");
        // What was written stays until the engine has taken it, and nothing of it is there for the next customer.
        bench.show(view(sign(1234, true)));
        touch(&bench, "Done");
        assert_eq!(strokes(&bench.sent()), strokes(&sent));
        bench.show(view(Screen::Keypad { notice: None }));
        bench.show(view(sign(1234, false)));
        assert_eq!(before.as_bytes(), bench.pixels().as_bytes(), "an empty pad");
    }
}

#[test]
fn every_place_that_a_finger_was_at_is_kept() {
    for bench in benches() {
        bench.show(view(sign(1234, false)));
        // Two seconds at sixty places a second.
        let places: Vec<_> =
            (0..120_u16).map(|step| (0.1 + f32::from(step) * 0.006, 0.2 + f32::from(step % 7) * 0.08)).collect();
        draw(&bench, &places);
        touch(&bench, "Done");
        let sent = bench.sent();
        assert!(format!("{:?}", strokes(&sent)).contains("1 lines, 120 points"), "{sent:?}");
        // Beyond the edge it goes on along the edge.
        touch(&bench, "Clear");
        draw(&bench, &[(0.5, 0.5), (1.4, 0.5), (1.4, 0.9), (0.5, 0.9)]);
        touch(&bench, "Done");
        let picture = strokes(&bench.sent()).drawn(384);
        assert!((0..i64::from(picture.height())).any(|row| picture.is_black(383, row)), "at the edge");
    }
}

#[test]
fn whoever_does_not_sign_here_signs_on_paper_by_touch_or_key() {
    for bench in benches() {
        bench.show(view(sign(1234, false)));
        touch(&bench, "Sign on paper instead");
        key(&bench, Key::Escape);
        assert_eq!(bench.sent(), vec![Intent::Sign(SignIntent::OnPaper); 2]);
        key(&bench, Key::Return);
        assert!(bench.sent().is_empty(), "nothing is written");
        name(&bench);
        key(&bench, Key::Delete);
        key(&bench, Key::Return);
        assert!(bench.sent().is_empty(), "it was cleared");
        name(&bench);
        key(&bench, Key::Return);
        assert!(strokes(&bench.sent()).is_enough());
        assert!(!is_there(&bench, "Please write your whole name"));
    }
}

#[test]
fn a_signature_looks_like_ink_in_every_size_by_day_and_by_night() {
    for (shape, (width, height)) in
        [("portrait", PORTRAIT), ("landscape", LANDSCAPE), ("1024x600", (1024, 600)), ("1080x1920", (1080, 1920))]
    {
        for (dark, light) in [(false, "day"), (true, "night")] {
            for (language, word) in [(Language::Chinese, "zh"), (Language::English, "en")] {
                let bench = Bench::open(WindowOptions { width, height, dark, language, ..WindowOptions::default() });
                bench.show(view(sign(128_800, false)));
                name(&bench);
                bench.pass(Duration::from_millis(300));
                let pixels = bench.pixels();
                save(&pixels, &format!("sign-written-{shape}-{light}-{word}"));
                let (left, top, pad_width) = pad(&bench);
                // The end of the line under the name.
                let (x, y) = ((left + 0.84 * pad_width) as usize, (top + 0.7 * pad_width / 2.0) as usize);
                let around = (y.saturating_sub(4)..y + 4).map(|y| pixels.as_slice()[y * usize::from(width) + x]);
                let inked = around.filter(|pixel| if dark { pixel.g > 200 } else { pixel.g < 60 }).count();
                assert!(inked >= 2, "{shape} {light}: {inked} pixels of ink");
            }
        }
    }
}
