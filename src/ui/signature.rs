//! Binder of `ui/api/signature.slint`: a finger's way over the pad becomes lines, and the lines an intent.
//!
//! The picture of the pad is kept as the share of ink in each pixel. It is shown in squares, so that a moving finger changes a small
//! image or two, and nothing of the screen is drawn again but these.

use slint::{ComponentHandle, Image, Model, ModelRc, Rgba8Pixel, SharedPixelBuffer, VecModel};

use super::generated::{AppWindow, Signature};
use super::{Intents, Shared, values};
use crate::app::signing::SignIntent;
use crate::app::view::{Intent, Screen, View};
use crate::money::Amount;
use crate::payment::signature::{Piece, Point, Strokes};

/// Squares of the pad across and down.
const ACROSS: u32 = 12;
const DOWN: u32 = 6;

/// The widest pad that is drawn, in pixels.
const WIDEST: u32 = 4096;

/// What has been drawn, and how it looks.
#[derive(Default)]
pub(super) struct Sketch {
    strokes: Strokes,
    is_down: bool,
    /// Pixels of a square.
    square: u32,
    /// How much of each pixel is ink, row by row.
    ink: Vec<u8>,
}

impl Sketch {
    const fn width(&self) -> u32 {
        self.square * ACROSS
    }

    /// The pad is so many pixels wide now: what was drawn before is drawn again.
    fn fit(&mut self, width: f32) -> Vec<u32> {
        let square = (width.clamp(0.0, WIDEST as f32) as u32 / ACROSS).max(1);
        if square == self.square {
            return Vec::new();
        }
        self.square = square;
        self.ink = vec![0; (square * ACROSS * square * DOWN) as usize];
        let pieces: Vec<Piece> = self.strokes.pieces().collect();
        self.draw(&pieces);
        (0..ACROSS * DOWN).collect()
    }

    fn down(&mut self, point: Point) -> Vec<u32> {
        self.is_down = true;
        self.strokes.begin(point);
        let pieces = self.strokes.newest();
        self.draw(&pieces)
    }

    fn moved(&mut self, point: Point) -> Vec<u32> {
        if !self.is_down || !self.strokes.go_on(point) {
            return Vec::new();
        }
        let pieces = self.strokes.newest();
        self.draw(&pieces)
    }

    fn up(&mut self) -> Vec<u32> {
        if !std::mem::take(&mut self.is_down) {
            return Vec::new();
        }
        let piece: Vec<Piece> = self.strokes.last_piece().into_iter().collect();
        self.draw(&piece)
    }

    /// Nothing is drawn any more. The memory of it is wiped.
    fn clear(&mut self) {
        self.strokes = Strokes::default();
        self.is_down = false;
        self.ink.fill(0);
    }

    /// Draws pieces of lines. Gives the squares that look otherwise now.
    fn draw(&mut self, pieces: &[Piece]) -> Vec<u32> {
        let mut changed: Vec<u32> = pieces.iter().flat_map(|piece| self.draw_piece(*piece)).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    fn draw_piece(&mut self, (from, to): Piece) -> Vec<u32> {
        let (width, height) = (self.width(), self.square * DOWN);
        if self.ink.is_empty() {
            return Vec::new();
        }
        let scale = width as f32 / f32::from(Strokes::WIDTH);
        let place = |point: Point| (f32::from(point.x) * scale, f32::from(point.y) * scale);
        let ((ax, ay), (bx, by)) = (place(from), place(to));
        let pen = (f32::from(Strokes::PEN) * scale).max(1.0);
        let reach = |one: f32, other: f32, most: u32| {
            let first = (one.min(other) - pen - 1.0).max(0.0) as u32;
            let last = (one.max(other) + pen + 1.0).max(0.0) as u32;
            first.min(most - 1)..=last.min(most - 1)
        };
        let (columns, rows) = (reach(ax, bx, width), reach(ay, by, height));
        for y in rows.clone() {
            for x in columns.clone() {
                let far = distance((ax, ay), (bx, by), (x as f32 + 0.5, y as f32 + 0.5));
                // The edge of a line is a pixel wide.
                let share = (pen + 0.5 - far).clamp(0.0, 1.0);
                if let Some(ink) = self.ink.get_mut((y * width + x) as usize) {
                    *ink = (*ink).max((share * 255.0) as u8);
                }
            }
        }
        let squares = |range: std::ops::RangeInclusive<u32>| range.start() / self.square..=range.end() / self.square;
        let down = squares(rows);
        squares(columns).flat_map(|column| down.clone().map(move |row| row * ACROSS + column)).collect()
    }

    /// How a square looks; the drawing gives it its colour.
    fn image(&self, index: u32) -> Image {
        let (left, top) = (index % ACROSS * self.square, index / ACROSS * self.square);
        let mut pixels = SharedPixelBuffer::<Rgba8Pixel>::new(self.square, self.square);
        for (place, pixel) in (0_u32..).zip(pixels.make_mut_slice()) {
            let (x, y) = (left + place % self.square, top + place / self.square);
            let ink = self.ink.get((y * self.width() + x) as usize).copied().unwrap_or(0);
            *pixel = Rgba8Pixel { r: 0, g: 0, b: 0, a: ink };
        }
        Image::from_rgba8(pixels)
    }
}

/// How far a place is from the line between two others.
fn distance((ax, ay): (f32, f32), (bx, by): (f32, f32), (px, py): (f32, f32)) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((px - ax) * dx + (py - ay) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (px - ax - along * dx).hypot(py - ay - along * dy)
}

/// Connects the pad and its buttons.
pub(super) fn setup(window: &AppWindow, shared: &Shared, intents: &Intents) {
    let pad = window.global::<Signature>();
    let empty: Vec<Image> = (0..ACROSS * DOWN).map(|_| Image::default()).collect();
    pad.set_squares(ModelRc::new(VecModel::from(empty)));
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_down(move |x, y, width| {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, |sketch| {
                let mut changed = sketch.fit(width);
                changed.extend(sketch.down(point(x, y)));
                changed
            });
        }
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_moved(move |x, y| {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, |sketch| sketch.moved(point(x, y)));
        }
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_up(move || {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, Sketch::up);
        }
    });
    let (weak, state) = (window.as_weak(), shared.clone());
    pad.on_clear(move || {
        if let Some(window) = weak.upgrade() {
            change(&window, &state, |sketch| {
                sketch.clear();
                (0..ACROSS * DOWN).collect()
            });
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    pad.on_done(move || {
        let strokes = state.with(|state| asks(state.view.as_ref()).then(|| state.sketch.strokes.clone()));
        if let Some(strokes) = strokes {
            sender.send(Intent::Sign(SignIntent::Done(strokes)));
        }
    });
    let (state, sender) = (shared.clone(), intents.clone());
    pad.on_on_paper(move || {
        if state.with(|state| asks(state.view.as_ref())) {
            sender.send(Intent::Sign(SignIntent::OnPaper));
        }
    });
}

/// Shows what is signed.
pub(super) fn show(window: &AppWindow, shared: &Shared, amount: Amount, too_little: bool) {
    let pad = window.global::<Signature>();
    pad.set_amount(values::money(amount));
    pad.set_too_little(too_little);
    show_state(window, shared);
}

/// Another screen is shown: nothing of the last customer stays on the pad.
pub(super) fn leave(window: &AppWindow, shared: &Shared) {
    let was_drawn = shared.with(|state| {
        let was_drawn = !state.sketch.strokes.is_empty();
        state.sketch.clear();
        was_drawn
    });
    if was_drawn {
        show_squares(window, shared, &(0..ACROSS * DOWN).collect::<Vec<_>>());
        show_state(window, shared);
    }
}

fn asks(view: Option<&View>) -> bool {
    view.is_some_and(|view| matches!(view.screen, Screen::Sign { .. }))
}

/// Changes what has been drawn, as long as it is asked for, and shows the squares that look otherwise then.
fn change(window: &AppWindow, shared: &Shared, change: impl FnOnce(&mut Sketch) -> Vec<u32>) {
    let changed = shared.with(|state| if asks(state.view.as_ref()) { change(&mut state.sketch) } else { Vec::new() });
    show_squares(window, shared, &changed);
    show_state(window, shared);
}

fn show_squares(window: &AppWindow, shared: &Shared, squares: &[u32]) {
    let shown = window.global::<Signature>().get_squares();
    for square in squares {
        let image = shared.with(|state| state.sketch.image(*square));
        shown.set_row_data(*square as usize, image);
    }
}

fn show_state(window: &AppWindow, shared: &Shared) {
    let (drawn, ready) = shared.with(|state| (!state.sketch.strokes.is_empty(), state.sketch.strokes.is_enough()));
    let pad = window.global::<Signature>();
    pad.set_drawn(drawn);
    pad.set_ready(ready);
}

/// A place on the pad by its shares. Beyond an edge it is on the edge.
fn point(x: f32, y: f32) -> Point {
    let unit = |share: f32, most: u16| (share.clamp(0.0, 1.0) * f32::from(most)).round() as u16;
    Point { x: unit(x, Strokes::WIDTH), y: unit(y, Strokes::HEIGHT) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_changes_the_squares_that_it_crosses_and_no_others() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.fit(660.0).len(), 72);
        assert!(sketch.fit(665.0).is_empty(), "the same squares");
        assert_eq!(sketch.down(point(0.04, 0.08)), [0]);
        assert_eq!(sketch.moved(point(0.2, 0.08)), [0, 1]);
        assert_eq!(sketch.up(), [1, 2]);
        assert!(sketch.moved(point(0.9, 0.9)).is_empty(), "the finger is not down");
        assert!(sketch.up().is_empty());
        let pixel = |sketch: &Sketch, x: u32, y: u32| sketch.ink[(y * 660 + x) as usize];
        assert_eq!((pixel(&sketch, 80, 26), pixel(&sketch, 80, 60)), (255, 0));
        // Another size of the screen has the same lines.
        assert_eq!(sketch.fit(330.0).len(), 72);
        let ink: u32 = sketch.ink.iter().map(|ink| u32::from(*ink > 128)).sum();
        assert!(ink > 80, "{ink}");
        sketch.clear();
        assert!(sketch.strokes.is_empty() && sketch.ink.iter().all(|ink| *ink == 0));
    }

    #[test]
    fn beyond_an_edge_it_is_drawn_on_the_edge() {
        assert_eq!(point(-0.5, 1.5), Point { x: 0, y: Strokes::HEIGHT });
        assert_eq!(point(1.0, 0.5), Point { x: Strokes::WIDTH, y: Strokes::HEIGHT / 2 });
        let mut sketch = Sketch::default();
        sketch.fit(0.0);
        assert!(!sketch.down(point(2.0, 2.0)).is_empty(), "and nothing falls on a pad of no size");
    }
}
