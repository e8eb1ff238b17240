//! A slip on the screen is the slip on paper: every dot of it is a pixel, wherever a finger has moved it.

use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use slint::platform::{Key, PointerEventButton, WindowEvent};
use slint::{ComponentHandle, LogicalPosition};
use yima::app::receipt_view::PaperView;
use yima::app::view::{CopyState, Intent, Screen};
use yima::receipt::{CopyFor, PrinterProfile, render};
use yima::sandbox::printer::PaperWidth;
use yima::ui::WindowOptions;
use yima::wording::Language;

use crate::platform::{Bench, LANDSCAPE, PORTRAIT};
use crate::touching::{benches, key, touch};
use crate::views::{approved, cny, detail, drawn, receipt, trace, view};

const PAPERS: [(PaperWidth, &str); 2] = [(PaperWidth::Mm58, "generic-58"), (PaperWidth::Mm80, "generic-80")];

/// The paper on the screen.
fn paper_of(bench: &Bench) -> ElementHandle {
    let images = ElementQuery::from_root(bench.screen.window()).match_accessible_role(AccessibleRole::Image).find_all();
    let mut papers = images
        .into_iter()
        .filter(|image| image.accessible_label().is_some_and(|label| label.ends_with("000001-000123")));
    let paper = papers.next().unwrap();
    assert!(papers.next().is_none(), "one paper is on the screen");
    paper
}

/// Compares what of the paper is within these rows of the screen, dot for dot; gives how many rows of the paper that were.
fn rows_seen(bench: &Bench, paper: &PaperView, within: std::ops::Range<u32>, name: &str) -> u32 {
    let (corner, size) = (paper_of(bench).absolute_position(), paper_of(bench).size());
    let (left, top) = (corner.x.round() as i64, corner.y.round() as i64);
    let zoom = (size.width / paper.width as f32).round() as i64;
    assert!(
        zoom >= 1 && (size.width - (paper.width as f32) * zoom as f32).abs() < 0.1,
        "{name}: whole pixels for a dot"
    );
    let pixels = bench.pixels();
    let (across, shown) = (i64::from(pixels.width()), pixels.as_slice());
    let mut rows = 0;
    for row in 0..i64::from(paper.height()) {
        let y = top + row * zoom;
        if y < i64::from(within.start) || y + zoom > i64::from(within.end) {
            continue;
        }
        rows += 1;
        for column in 0..i64::from(paper.width) {
            let dot = paper.dots[(row * i64::from(paper.width) + column) as usize];
            for (dy, dx) in (0..zoom).flat_map(|dy| (0..zoom).map(move |dx| (dy, dx))) {
                let pixel = shown[((y + dy) * across + left + column * zoom + dx) as usize];
                assert_eq!((pixel.r, pixel.g, pixel.b), (dot, dot, dot), "{name}: dot {column} of row {row}");
            }
        }
    }
    rows
}

/// Moves a finger over the paper, upwards where `by` is negative.
fn drag(bench: &Bench, from: LogicalPosition, by: f32) {
    let window = bench.screen.window().window();
    let at = |step: f32| LogicalPosition::new(from.x, from.y + by * step / 10.0);
    window.dispatch_event(WindowEvent::PointerMoved { position: from });
    window.dispatch_event(WindowEvent::PointerPressed { position: from, button: PointerEventButton::Left });
    for step in 1..=10_u8 {
        bench.pass(Duration::from_millis(30));
        window.dispatch_event(WindowEvent::PointerMoved { position: at(step.into()) });
    }
    // It is held still before it is lifted: the paper stays where it is.
    bench.pass(Duration::from_millis(500));
    window.dispatch_event(WindowEvent::PointerReleased { position: at(10.0), button: PointerEventButton::Left });
    window.dispatch_event(WindowEvent::PointerExited);
    bench.pass(Duration::from_secs(2));
}

#[test]
fn every_dot_of_the_paper_is_a_pixel_from_its_head_to_its_end() {
    for (width, name) in PAPERS {
        let profile = PrinterProfile::shipped(name).unwrap();
        for language in [Language::Chinese, Language::English] {
            let paper = drawn(&render(&crate::slip::sale(), CopyFor::Customer, &profile, language), width);
            for (shape, (across, down), within) in [
                ("portrait", PORTRAIT, 400..800),
                ("landscape", LANDSCAPE, 150..400),
                ("large", (1080, 1920), 600..1200),
            ] {
                let options = WindowOptions { width: across, height: down, language, ..WindowOptions::default() };
                let bench = Bench::open(options);
                bench.show(view(receipt(Some(paper.clone()))));
                let name = format!("{name} {language:?} {shape}");
                let middle = LogicalPosition::new(f32::from(across) / 3.0, within.start as f32 + 150.0);
                let head = paper_of(&bench).absolute_position().y;
                assert!(rows_seen(&bench, &paper, within.clone(), &name) > 200 / 2, "{name}");
                let mut last = head;
                loop {
                    drag(&bench, middle, -140.0);
                    let now = paper_of(&bench).absolute_position().y;
                    rows_seen(&bench, &paper, within.clone(), &name);
                    if (now - last).abs() < 1.0 {
                        break;
                    }
                    last = now;
                }
                // Its end is in sight now.
                let size = paper_of(&bench).size();
                assert!(last + size.height <= f32::from(down), "{name}: {last} and {}", size.height);
            }
        }
    }
}

#[test]
fn a_slip_is_asked_for_from_a_result_and_from_an_earlier_transaction() {
    for bench in benches() {
        for screen in
            [approved(cny(1234), CopyState::Printed, CopyState::Sending), Screen::Transaction(Box::new(detail()))]
        {
            bench.show(view(screen));
            touch(&bench, "Receipt");
            assert_eq!(bench.sent(), [Intent::ShowReceipt(trace(123), CopyFor::Customer)]);
        }
        bench.show(view(receipt(None)));
        touch(&bench, "Merchant");
        touch(&bench, "Back");
        key(&bench, Key::Escape);
        let wishes = [Intent::ShowReceipt(trace(123), CopyFor::Merchant), Intent::LeaveReceipt, Intent::LeaveReceipt];
        assert_eq!(bench.sent(), wishes);
    }
}
