//! The printer itself, without line or clock: bytes and hands on cover and roll go in; answers and torn-off receipts come
//! out. Pure.

use std::collections::VecDeque;

use super::drawing::{QUIET_MODULES, line_dots, symbol};
use super::tokenizer::{Token, Tokenizer};

/// What a printer of this make does and does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// What it answers.
    pub answers: Answers,
    /// It knows `DLE DC4 8`, which clears its buffer.
    pub clears_buffer: bool,
    /// Its line is bad: the first byte of every automatic status is lost.
    pub loses_heads: bool,
    /// It sends XOFF while it stands still, and XON when it goes on.
    pub holds_line: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self { answers: Answers::Everything, clears_buffer: true, loses_heads: false, holds_line: false }
    }
}

/// What a printer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Requests, end marks, and it speaks by itself.
    Everything,
    /// `DLE EOT` only.
    StatusOnly,
    /// `GS r` only.
    MarksOnly,
    /// Nothing, like the cheapest ones.
    Nothing,
}

/// Something that comes out of the printer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes to the host.
    Answer(Vec<u8>),
    /// A receipt that was cut or torn off.
    Receipt(Strip),
    /// The drawer at this pin, 0 or 1, was opened.
    DrawerOpened(u8),
}

/// A piece of paper: what was printed on it, from top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// The rows.
    pub rows: Vec<Row>,
}

/// One thing printed, over the whole width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A line of characters.
    Text {
        /// The characters with their looks.
        cells: Vec<Cell>,
        /// 0 left, 1 centre, 2 right.
        align: u8,
        /// Dots to the next line, at least.
        spacing: u8,
    },
    /// A QR code.
    Qr {
        /// What it says.
        content: Vec<u8>,
        /// Dots of a module.
        module: u8,
        /// Level of correction: 48 L, 49 M, 50 Q, 51 H.
        level: u8,
        /// 0 left, 1 centre, 2 right.
        align: u8,
    },
    /// A picture.
    Raster {
        /// Bytes in a row.
        width: usize,
        /// The rows, one bit a dot.
        bits: Vec<u8>,
        /// 0 left, 1 centre, 2 right.
        align: u8,
    },
    /// Dots of white.
    Feed(u32),
}

impl Row {
    /// Dots that the paper moves for it.
    pub fn dots(&self) -> u32 {
        match self {
            Self::Text { cells, spacing, .. } => line_dots(cells, u32::from(*spacing)),
            Self::Qr { content, module, level, .. } => symbol(content, *level)
                .map_or(0, |code| (u32::try_from(code.width()).unwrap_or(0) + 2 * QUIET_MODULES) * u32::from(*module)),
            Self::Raster { width, bits, .. } => {
                u32::try_from(bits.len().checked_div(*width).unwrap_or(0)).unwrap_or(u32::MAX)
            }
            Self::Feed(dots) => *dots,
        }
    }
}

/// One character on paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character.
    pub character: char,
    /// Times as wide.
    pub width: u8,
    /// Times as high.
    pub height: u8,
    /// Bold.
    pub bold: bool,
    /// Dots of white before it: the printer was told to go on at a place of the line.
    pub before: u16,
}

impl Cell {
    /// Dots it takes from left to right: 12, or 24 for Chinese, times its width.
    pub fn dots(&self) -> u32 {
        self.columns() * 12 * u32::from(self.width)
    }

    /// The same with the white before it.
    pub fn room(&self) -> u32 {
        u32::from(self.before) + self.dots()
    }

    fn columns(&self) -> u32 {
        if self.character.is_ascii() { 1 } else { 2 }
    }
}

impl Strip {
    /// Nothing but white.
    pub fn is_blank(&self) -> bool {
        self.rows.iter().all(|row| match row {
            Row::Feed(_) => true,
            Row::Text { cells, .. } => cells.is_empty(),
            Row::Qr { .. } | Row::Raster { .. } => false,
        })
    }

    /// The text on it, a line each; `[QR]` before the content of a code. White at the end of lines is left out.
    pub fn text(&self, dots: u32) -> String {
        let mut text = String::new();
        for row in &self.rows {
            match row {
                Row::Text { cells, align, .. } => {
                    let used: u32 = cells.iter().map(|cell| cell.columns() + u32::from(cell.before) / 12).sum();
                    let free = (dots / 12).saturating_sub(used);
                    let before = match align {
                        1 => free / 2,
                        2 => free,
                        _ => 0,
                    };
                    let mut line = String::new();
                    for cell in cells {
                        line.extend(std::iter::repeat_n(' ', usize::from(cell.before / 12)));
                        line.push(cell.character);
                    }
                    text.push_str(format!("{:width$}{line}", "", width = before as usize).trim_end());
                    text.push('\n');
                }
                Row::Qr { content, .. } => {
                    text.push_str(&format!("[QR] {}\n", String::from_utf8_lossy(content)));
                }
                Row::Raster { .. } => text.push_str("[picture]\n"),
                Row::Feed(_) => {}
            }
        }
        text
    }
}

/// The printer.
#[derive(Debug)]
pub struct Model {
    dots: u32,
    habits: Habits,
    tokenizer: Tokenizer,
    queue: VecDeque<Token>,
    style: Style,
    line: Vec<Cell>,
    /// White before the next character.
    gap: u16,
    qr: QrSymbol,
    strip: Strip,
    automatic: u8,
    paper_out: bool,
    cover_open: bool,
    lines_left: Option<u32>,
    /// It is at something else, and prints when it is done.
    busy: bool,
    busy_after: Option<u32>,
    /// Its paper takes time: it stops after each movement until it is told that this is over.
    moves_by_steps: bool,
    /// Dots that the paper is moving now.
    moving: Option<u32>,
    holding: bool,
}

#[derive(Clone, Copy, Debug)]
struct Style {
    width: u8,
    height: u8,
    bold: bool,
    align: u8,
    spacing: u8,
}

/// Dots from line to line after power-on: a sixth of an inch.
const USUAL_SPACING: u8 = 30;

impl Default for Style {
    fn default() -> Self {
        Self { width: 1, height: 1, bold: false, align: 0, spacing: USUAL_SPACING }
    }
}

#[derive(Clone, Debug)]
struct QrSymbol {
    module: u8,
    level: u8,
    content: Vec<u8>,
}

impl Default for QrSymbol {
    fn default() -> Self {
        Self { module: 3, level: 48, content: Vec::new() }
    }
}

/// Commands the printer's buffer holds before it takes no more.
const BUFFER: usize = 4096;
/// The flow control characters.
const XON: u8 = 0x11;
const XOFF: u8 = 0x13;
/// What is said when the buffer was cleared.
const BUFFER_CLEARED: [u8; 3] = [0x37, 0x25, 0];

impl Model {
    /// A printer with paper in and cover closed. `dots` is the width of a line.
    pub fn new(dots: u32, habits: Habits) -> Self {
        Self {
            dots,
            habits,
            tokenizer: Tokenizer::default(),
            queue: VecDeque::new(),
            style: Style::default(),
            line: Vec::new(),
            gap: 0,
            qr: QrSymbol::default(),
            strip: Strip::default(),
            automatic: 0,
            paper_out: false,
            cover_open: false,
            lines_left: None,
            busy: false,
            busy_after: None,
            moves_by_steps: false,
            moving: None,
            holding: false,
        }
    }

    /// Bytes from the host.
    pub fn receive(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for token in self.tokenizer.take(bytes) {
            match token {
                // Answered as it arrives, whatever waits before it.
                Token::RealTimeStatus(n) => events.extend(self.real_time_status(n)),
                Token::ClearBuffer => events.extend(self.clear_buffer()),
                token => self.queue.push_back(token),
            }
        }
        events.extend(self.work());
        events
    }

    /// A roll goes in or out.
    pub fn set_paper(&mut self, paper: bool) -> Vec<Event> {
        self.lines_left = None;
        if self.paper_out != paper {
            return Vec::new();
        }
        self.paper_out = !paper;
        self.changed()
    }

    /// The roll will end after so many more lines.
    pub const fn end_paper_after(&mut self, lines: u32) {
        self.lines_left = Some(lines);
    }

    /// The cover is opened or closed.
    pub fn set_cover_open(&mut self, open: bool) -> Vec<Event> {
        if self.cover_open == open {
            return Vec::new();
        }
        self.cover_open = open;
        self.changed()
    }

    /// It is at something else, or done with it. It is online all the while, and what is sent waits.
    pub fn set_busy(&mut self, busy: bool) -> Vec<Event> {
        self.busy = busy;
        self.work()
    }

    /// It will be at something else after so many more lines.
    pub const fn busy_after(&mut self, lines: u32) {
        self.busy_after = Some(lines);
    }

    /// It is switched off and on: what was waiting and how it was set is lost. What is on paper stays.
    pub fn power_cycle(&mut self) {
        self.tokenizer = Tokenizer::default();
        self.queue.clear();
        self.initialise();
    }

    /// From here on its paper takes time: see [`Self::moving`].
    pub const fn move_by_steps(&mut self) {
        self.moves_by_steps = true;
    }

    /// Dots that the paper is moving now; it goes on with [`Self::has_moved`].
    pub const fn moving(&self) -> Option<u32> {
        self.moving
    }

    /// The paper has moved.
    pub fn has_moved(&mut self) -> Vec<Event> {
        self.moving = None;
        self.work()
    }

    /// Nothing waits to be printed.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.line.is_empty() && self.moving.is_none()
    }

    /// No paper at the print head.
    pub const fn is_paper_out(&self) -> bool {
        self.paper_out
    }

    /// The buffer is full: the host must wait.
    pub fn is_full(&self) -> bool {
        self.queue.len() >= BUFFER
    }

    /// Somebody tears off what has been printed; `None` while the printer is in the middle of something or nothing is
    /// out.
    pub fn tear_off(&mut self) -> Option<Event> {
        if !self.is_online() || !self.is_idle() || self.strip.is_blank() {
            return None;
        }
        Some(Event::Receipt(std::mem::take(&mut self.strip)))
    }

    const fn is_online(&self) -> bool {
        !self.paper_out && !self.cover_open
    }

    fn changed(&mut self) -> Vec<Event> {
        let mut events = self.told();
        events.extend(self.work());
        events
    }

    /// What the line learns of a change: flow control first, then the printer's own word.
    fn told(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.habits.holds_line && self.holding == self.is_online() {
            self.holding = !self.is_online();
            events.push(Event::Answer(vec![if self.holding { XOFF } else { XON }]));
        }
        events.extend(self.automatic_status());
        events
    }

    fn initialise(&mut self) {
        self.style = Style::default();
        self.qr = QrSymbol::default();
        self.line.clear();
        self.gap = 0;
        self.automatic = 0;
    }

    /// What waits is thrown away, also what has come of a line; the settings stay.
    fn clear_buffer(&mut self) -> Option<Event> {
        if !self.habits.clears_buffer {
            return None;
        }
        self.queue.clear();
        self.line.clear();
        self.gap = 0;
        (self.habits.answers != Answers::Nothing).then(|| Event::Answer(BUFFER_CLEARED.to_vec()))
    }

    fn work(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while self.is_online() && !self.busy && self.moving.is_none() {
            let Some(token) = self.queue.pop_front() else { break };
            events.extend(self.execute(token));
        }
        events
    }

    fn execute(&mut self, token: Token) -> Vec<Event> {
        match token {
            Token::Character(character) => return self.character(character),
            Token::LineFeed => return self.end_line(),
            Token::Initialise => self.initialise(),
            Token::Bold(bold) => self.style.bold = bold,
            Token::Size(width, height) => (self.style.width, self.style.height) = (width, height),
            Token::Align(align) => self.style.align = align,
            Token::LineSpacing(dots) => self.style.spacing = dots.unwrap_or(USUAL_SPACING),
            Token::MoveTo(dots) => {
                let used: u32 = self.line.iter().map(Cell::room).sum();
                // Back over what is printed it does not go.
                self.gap = u16::try_from(u32::from(dots).saturating_sub(used)).unwrap_or(0);
            }
            Token::FeedLines(lines) => return self.feed(u32::from(lines) * u32::from(self.style.spacing)),
            Token::FeedDots(dots) => return self.feed(u32::from(dots)),
            Token::Qr(function, data) => return self.qr_function(function, &data),
            Token::Raster(width, bits) => {
                let mut events = self.finish_line();
                self.put(Row::Raster { width, bits, align: self.style.align });
                events.extend(self.line_used());
                return events;
            }
            Token::Cut => {
                let mut events = self.finish_line();
                events.push(Event::Receipt(std::mem::take(&mut self.strip)));
                return events;
            }
            Token::Pulse(pin) => return vec![Event::DrawerOpened(pin)],
            Token::Transmit(n) => return self.transmit(n),
            Token::AutomaticStatus(mask) => {
                self.automatic = mask;
                return self.automatic_status().into_iter().collect();
            }
            // Executed on arrival; never queued.
            Token::RealTimeStatus(_) | Token::ClearBuffer => {}
        }
        Vec::new()
    }

    fn character(&mut self, character: char) -> Vec<Event> {
        let Style { width, height, bold, .. } = self.style;
        let cell = Cell { character, width, height, bold, before: std::mem::take(&mut self.gap) };
        let used: u32 = self.line.iter().map(Cell::room).sum();
        let over = used + cell.room() > self.dots;
        let events = if over { self.end_line() } else { Vec::new() };
        self.line.push(Cell { before: if over { 0 } else { cell.before }, ..cell });
        events
    }

    fn end_line(&mut self) -> Vec<Event> {
        let cells = std::mem::take(&mut self.line);
        self.gap = 0;
        self.put(Row::Text { cells, align: self.style.align, spacing: self.style.spacing });
        self.line_used()
    }

    fn finish_line(&mut self) -> Vec<Event> {
        if self.line.is_empty() { Vec::new() } else { self.end_line() }
    }

    fn feed(&mut self, dots: u32) -> Vec<Event> {
        let events = self.finish_line();
        self.put(Row::Feed(dots));
        events
    }

    /// Something is on paper, or the paper has moved.
    fn put(&mut self, row: Row) {
        if self.moves_by_steps {
            self.moving = Some(self.moving.unwrap_or(0) + row.dots());
        }
        self.strip.rows.push(row);
    }

    /// A line more of the roll is used up.
    fn line_used(&mut self) -> Vec<Event> {
        self.busy_after = match self.busy_after {
            Some(..=1) => {
                self.busy = true;
                None
            }
            lines => lines.map(|lines| lines - 1),
        };
        match &mut self.lines_left {
            Some(lines) if *lines <= 1 => {
                self.lines_left = None;
                self.paper_out = true;
                self.told()
            }
            Some(lines) => {
                *lines -= 1;
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// `GS ( k`: 67 size, 69 level, 80 content, 81 print.
    fn qr_function(&mut self, function: u8, data: &[u8]) -> Vec<Event> {
        match (function, data) {
            (67, [module]) => self.qr.module = (*module).clamp(1, 16),
            (69, [level]) => self.qr.level = *level,
            (80, [48, content @ ..]) => self.qr.content = content.to_vec(),
            (81, _) => {
                let mut events = self.finish_line();
                let QrSymbol { module, level, content } = self.qr.clone();
                self.put(Row::Qr { content, module, level, align: self.style.align });
                events.extend(self.line_used());
                return events;
            }
            _ => {}
        }
        Vec::new()
    }

    /// `GS r 1` tells of the paper. Whoever asks has sent everything: without a cutter the slip is torn off here.
    fn transmit(&mut self, n: u8) -> Vec<Event> {
        let mut events: Vec<_> = self.tear_off().into_iter().collect();
        if matches!(self.habits.answers, Answers::Everything | Answers::MarksOnly) && matches!(n, 1 | 2 | 49 | 50) {
            events.push(Event::Answer(vec![0]));
        }
        events
    }

    fn real_time_status(&self, n: u8) -> Option<Event> {
        const FIXED: u8 = 0x12;
        let byte = match n {
            1 => FIXED | if self.is_online() { 0 } else { 0x08 },
            2 => FIXED | if self.cover_open { 0x04 } else { 0 } | if self.paper_out { 0x20 } else { 0 },
            3 => FIXED,
            4 => FIXED | if self.paper_out { 0x6C } else { 0 },
            _ => return None,
        };
        matches!(self.habits.answers, Answers::Everything | Answers::StatusOnly).then(|| Event::Answer(vec![byte]))
    }

    fn automatic_status(&self) -> Option<Event> {
        let offline = 0x10 | if self.is_online() { 0 } else { 0x08 } | if self.cover_open { 0x20 } else { 0 };
        let paper = if self.paper_out { 0x0F } else { 0 };
        let status = [offline, 0, paper, 0x0F];
        let arrives = if self.habits.loses_heads { &status[1..] } else { &status[..] };
        (self.habits.answers == Answers::Everything && self.automatic != 0).then(|| Event::Answer(arrives.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(events: &[Event]) -> Vec<u8> {
        events
            .iter()
            .filter_map(|event| match event {
                Event::Answer(bytes) => Some(bytes.clone()),
                Event::Receipt(_) | Event::DrawerOpened(_) => None,
            })
            .flatten()
            .collect()
    }

    fn receipts(events: &[Event]) -> Vec<String> {
        events
            .iter()
            .filter_map(|event| match event {
                Event::Receipt(strip) => Some(strip.text(384)),
                Event::Answer(_) | Event::DrawerOpened(_) => None,
            })
            .collect()
    }

    #[test]
    fn a_cut_ends_a_receipt() {
        let mut model = Model::new(384, Habits::default());
        let events = model.receive(b"\x1b@one\n\x1dVB\x00two\n\x1dV\x00three");
        assert_eq!(receipts(&events), ["one\n", "two\n"]);
        assert_eq!(receipts(&model.receive(b"\n\x1dr\x01")), ["three\n"]);
    }

    #[test]
    fn the_end_mark_is_answered_in_its_turn_and_the_status_at_once() {
        let mut model = Model::new(384, Habits::default());
        model.set_paper(false);
        assert_eq!(answers(&model.receive(b"text\n\x1dr\x01\x10\x04\x04\x10\x04\x02")), [0x7E, 0x32]);
        let events = model.set_paper(true);
        assert_eq!((answers(&events), receipts(&events)), (vec![0], vec!["text\n".to_owned()]));
    }

    #[test]
    fn changes_are_told_when_the_host_wants_to_know() {
        let mut model = Model::new(384, Habits::default());
        assert_eq!(model.set_cover_open(true), []);
        model.set_cover_open(false);
        assert_eq!(answers(&model.receive(b"\x1da\xff")), [0x10, 0, 0, 0x0F]);
        assert_eq!(answers(&model.set_cover_open(true)), [0x38, 0, 0, 0x0F]);
        assert!(answers(&model.set_cover_open(true)).is_empty());
    }

    #[test]
    fn the_roll_ends_in_the_middle_and_the_rest_follows() {
        let mut model = Model::new(384, Habits::default());
        model.end_paper_after(2);
        model.receive(b"\x1da\xff");
        let events = model.receive(b"1\n2\n3\n\x1dVB\x00\x1dr\x01");
        assert!(model.is_paper_out());
        assert_eq!(answers(&events), [0x18, 0, 0x0F, 0x0F]);
        let events = model.set_paper(true);
        assert_eq!(receipts(&events), ["1\n2\n3\n"]);
        assert_eq!(answers(&events), [0x10, 0, 0, 0x0F, 0]);
    }

    #[test]
    fn a_cheap_printer_prints_and_says_nothing() {
        let mut model = Model::new(384, Habits { answers: Answers::Nothing, ..Habits::default() });
        let events = model.receive(b"\x10\x04\x04\x1da\xffx\n\x1dr\x01");
        assert_eq!((answers(&events).len(), receipts(&events).len()), (0, 1));
    }

    #[test]
    fn what_waits_is_lost_with_the_power_or_when_it_is_cleared() {
        let mut model = Model::new(384, Habits::default());
        model.set_paper(false);
        model.receive(b"\x1da\xff\x1c&lost\n\x1dr\x01");
        assert_eq!(answers(&model.receive(b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08")), BUFFER_CLEARED);
        model.receive(b"\x1da\xfflost\n\x1dr\x01\x1dv0");
        model.power_cycle();
        assert_eq!(answers(&model.set_paper(true)), [0; 0], "nor does it speak by itself any more");
        assert_eq!(receipts(&model.receive(b"kept\n\x1dV\x00")), ["kept\n"]);
    }

    #[test]
    fn a_busy_printer_is_well_and_prints_later() {
        let mut model = Model::new(384, Habits::default());
        model.set_busy(true);
        assert_eq!(answers(&model.receive(b"text\n\x1dr\x01\x10\x04\x02")), [0x12]);
        assert_eq!(answers(&model.set_busy(false)), [0]);
    }

    #[test]
    fn the_drawer_opens_in_its_turn_and_once_for_each_pulse() {
        let mut model = Model::new(384, Habits::default());
        assert_eq!(model.receive(b"\x1bp\x00\x32\x64"), [Event::DrawerOpened(0)]);
        model.set_paper(false);
        assert_eq!(model.receive(b"\x1bp\x01\x32\x64"), [], "it waits with everything else");
        assert!(model.set_paper(true).contains(&Event::DrawerOpened(1)));
    }

    #[test]
    fn a_line_that_is_too_long_goes_on_below() {
        let mut model = Model::new(384, Habits::default());
        let events = model.receive(&[b"a".repeat(33), b"\n\x1dV\x00".to_vec()].concat());
        assert_eq!(receipts(&events), [format!("{}\na\n", "a".repeat(32))]);
    }
}
