//! What a finger or a pen drew: lines of points, and how they become dots.

use std::fmt;

use crate::jbig::Picture;

/// A place on the pad, counted from its top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Of [`Strokes::WIDTH`].
    pub x: u16,
    /// Of [`Strokes::HEIGHT`].
    pub y: u16,
}

impl Point {
    /// Halfway to another.
    const fn halfway(self, other: Self) -> Self {
        Self { x: self.x.midpoint(other.x), y: self.y.midpoint(other.y) }
    }

    /// On the curve from here by way of `over` to `to`, so many of [`STEPS`] along.
    fn bent(self, over: Self, to: Self, step: u32) -> Self {
        let rest = STEPS - step;
        let on = |a: u16, b: u16, c: u16| {
            let [a, b, c] = [a, b, c].map(u32::from);
            let sum = rest * rest * a + 2 * rest * step * b + step * step * c;
            u16::try_from(sum / (STEPS * STEPS)).unwrap_or(u16::MAX)
        };
        Self { x: on(self.x, over.x, to.x), y: on(self.y, over.y, to.y) }
    }

    fn distance(self, other: Self) -> u32 {
        let (dx, dy) = (self.x.abs_diff(other.x), self.y.abs_diff(other.y));
        (u32::from(dx).pow(2) + u32::from(dy).pow(2)).isqrt()
    }
}

/// Straight pieces of a curve between two points.
const STEPS: u32 = 6;

/// A straight piece of a line.
pub type Piece = (Point, Point);

/// The pieces that are known when a line has come to a point: it bends at each between the points halfway to those beside it, so that
/// nobody sees how often a finger is asked where it is.
fn pieces_to(line: &[Point], index: usize) -> Vec<Piece> {
    let point = |back: usize| index.checked_sub(back).and_then(|index| line.get(index)).copied();
    match (point(2), point(1), point(0)) {
        (Some(first), Some(over), Some(to)) => {
            let (begin, end) = (first.halfway(over), over.halfway(to));
            let at = |step| begin.bent(over, end, step);
            (0..STEPS).map(|step| (at(step), at(step + 1))).collect()
        }
        (None, Some(first), Some(to)) => vec![(first, first.halfway(to))],
        // A touch is a dot.
        (_, _, Some(first)) => vec![(first, first)],
        _ => Vec::new(),
    }
}

/// The last piece of a line, from halfway to its last point.
fn end_of(line: &[Point]) -> Option<Piece> {
    match line {
        [.., before, last] => Some((before.halfway(*last), *last)),
        _ => None,
    }
}

/// What has been drawn, line by line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Strokes {
    lines: Vec<Vec<Point>>,
    points: usize,
    ink: u32,
}

/// A signature is somebody's own: a log says only how much there is of it.
impl fmt::Debug for Strokes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Strokes({} lines, {} points)", self.lines.len(), self.points)
    }
}

impl Strokes {
    /// Units across the pad, whatever the size of the screen.
    pub const WIDTH: u16 = 3840;
    /// Units down: the pad is twice as wide as high.
    pub const HEIGHT: u16 = 1920;
    /// Half of the width of a line, in units.
    pub const PEN: u16 = 17;
    /// Who drew no more than this has not signed: a third of the height of the pad.
    const LEAST_INK: u32 = Self::HEIGHT as u32 / 3;
    /// More points than a finger can draw in the time that there is.
    const MOST_POINTS: usize = 20_000;
    /// White rows that stay above and below the ink.
    const MARGIN: u32 = 2;

    /// The pen comes down. Nothing comes of it where there are points enough.
    pub fn begin(&mut self, point: Point) {
        if self.has_room() {
            self.lines.push(vec![point]);
            self.points += 1;
        }
    }

    /// It moves on. Nothing comes of it where it is not down, has not moved, or there are points enough.
    pub fn go_on(&mut self, point: Point) -> bool {
        let has_room = self.has_room();
        let Some(line) = self.lines.last_mut().filter(|_| has_room) else { return false };
        let Some(before) = line.last().copied().filter(|before| *before != point) else { return false };
        line.push(point);
        self.points += 1;
        self.ink = self.ink.saturating_add(before.distance(point));
        true
    }

    /// The pieces that came with the newest point.
    pub fn newest(&self) -> Vec<Piece> {
        self.lines.last().map_or_else(Vec::new, |line| pieces_to(line, line.len() - 1))
    }

    /// The piece that comes when the pen is lifted.
    pub fn last_piece(&self) -> Option<Piece> {
        end_of(self.lines.last()?)
    }

    /// All pieces of all lines.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        let of = |line: &'_ Vec<Point>| {
            let bent: Vec<Piece> = (0..line.len()).flat_map(|index| pieces_to(line, index)).collect();
            bent.into_iter().chain(end_of(line))
        };
        self.lines.iter().flat_map(of)
    }

    const fn has_room(&self) -> bool {
        self.points < Self::MOST_POINTS
    }

    /// Nothing is drawn.
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// It is more than a touch by accident.
    pub const fn is_enough(&self) -> bool {
        self.ink >= Self::LEAST_INK
    }

    /// Dots of it, so many across; as high as the ink, and at least one row.
    pub fn drawn(&self, width: u32) -> Picture {
        let grid = Grid::of(width);
        let mut whole = Picture::white(width, grid.height);
        for (from, to) in self.pieces() {
            grid.draw(&mut whole, from, to);
        }
        cropped(&whole)
    }
}

/// Dots of a width over the pad. All numbers are in thirty-seconds of a unit, so that a dot's middle is a whole number.
struct Grid {
    height: u32,
    /// From one dot to the next.
    pitch: i64,
    pen: i64,
}

/// Parts of a unit.
const PARTS: i64 = 32;

impl Grid {
    fn of(width: u32) -> Self {
        let width = width.max(1);
        let pitch = i64::from(Strokes::WIDTH) * PARTS / i64::from(width);
        // A line has no gaps, however coarse the dots are.
        let pen = (i64::from(Strokes::PEN) * PARTS).max(pitch * 6 / 10);
        Self { height: (width / 2).max(1), pitch, pen }
    }

    /// Makes all dots black whose middle is as near to a line as the pen is wide.
    fn draw(&self, picture: &mut Picture, from: Point, to: Point) {
        let place = |point: Point| (i64::from(point.x) * PARTS, i64::from(point.y) * PARTS);
        let ((ax, ay), (bx, by)) = (place(from), place(to));
        let dots = |one: i64, other: i64, most: u32| {
            let first = (one.min(other) - self.pen) / self.pitch;
            let last = (one.max(other) + self.pen) / self.pitch;
            let bound = |dot: i64| u32::try_from(dot.max(0)).unwrap_or(0).min(most.saturating_sub(1));
            bound(first)..=bound(last)
        };
        for y in dots(ay, by, picture.height()) {
            for x in dots(ax, bx, picture.width()) {
                let middle = |dot: u32| i64::from(dot) * self.pitch + self.pitch / 2;
                if is_near((ax, ay), (bx, by), (middle(x), middle(y)), self.pen) {
                    picture.blacken(x, y);
                }
            }
        }
    }
}

/// Whether a place is as near to the line between two others as `reach`.
fn is_near((ax, ay): (i64, i64), (bx, by): (i64, i64), (px, py): (i64, i64), reach: i64) -> bool {
    let (dx, dy) = (bx - ax, by - ay);
    let (ex, ey) = (px - ax, py - ay);
    let length = dx * dx + dy * dy;
    let along = ex * dx + ey * dy;
    let within = |x: i64, y: i64| x * x + y * y <= reach * reach;
    if along <= 0 {
        return within(ex, ey);
    }
    if along >= length {
        return within(px - bx, py - by);
    }
    // The distance from the line is the area over the length; both sides squared.
    let area = i128::from(ex * dy - ey * dx);
    area * area <= i128::from(reach) * i128::from(reach) * i128::from(length)
}

/// The rows with ink, and a little white above and below.
fn cropped(whole: &Picture) -> Picture {
    let rows: Vec<&[u8]> = whole.bits().chunks(whole.row_bytes()).collect();
    let has_ink = |row: &&[u8]| row.iter().any(|byte| *byte != 0);
    let (Some(first), Some(last)) = (rows.iter().position(has_ink), rows.iter().rposition(has_ink)) else {
        return Picture::white(whole.width(), 1);
    };
    let row = |index: usize| u32::try_from(index).unwrap_or(0);
    let top = row(first).saturating_sub(Strokes::MARGIN);
    let end = (row(last) + 1 + Strokes::MARGIN).min(whole.height());
    let mut picture = Picture::white(whole.width(), end - top);
    for y in top..end {
        for x in 0..whole.width() {
            if whole.is_black(x.into(), y.into()) {
                picture.blacken(x, y - top);
            }
        }
    }
    picture
}
