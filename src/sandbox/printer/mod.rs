//! A receipt printer to try everything without one: a pty that speaks ESC/POS back, runs out of paper when it is told to,
//! and keeps each receipt as a picture (`.png`) with its text beside it (`.txt`). It waits as a real one does, by the machine's
//! own time.

mod drawing;
#[cfg(test)]
mod gallery;
#[cfg(test)]
mod letterheads;
mod model;
mod pace;
mod tokenizer;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::sys::time::TimeSpec;
use nix::unistd::ttyname;

pub use self::drawing::{DrawingError, Picture};
pub use self::model::{Answers, Habits};
use self::model::{Event, Model, Strip};
use self::pace::Arrival;
pub use self::pace::Pace;
use crate::clock;

/// What kind of printer to be and where to put the paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrinterSettings {
    /// Width of the roll.
    pub paper: PaperWidth,
    /// Directory of the pictures; made when it is missing.
    pub output: PathBuf,
    /// A stable name for the pty, as a symbolic link; replaced when it exists as one.
    pub link: Option<PathBuf>,
    /// How the roll is at the start.
    pub roll: Roll,
    /// The cover is open at the start.
    pub cover_open: bool,
    /// What a printer of its make does and does not do.
    pub habits: Habits,
    /// How fast it is; nothing for one that takes no time at all.
    pub pace: Option<Pace>,
}

impl PrinterSettings {
    /// A printer with a 58 mm roll and nothing wrong with it.
    pub fn new(output: impl Into<PathBuf>) -> Self {
        Self {
            paper: PaperWidth::Mm58,
            output: output.into(),
            link: None,
            roll: Roll::Full,
            cover_open: false,
            habits: Habits::default(),
            pace: None,
        }
    }
}

/// Width of the roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaperWidth {
    /// 58 mm: 384 dots, 32 columns.
    #[default]
    Mm58,
    /// 80 mm: 576 dots, 48 columns.
    Mm80,
}

impl PaperWidth {
    /// The narrowest roll that holds lines of so many dots.
    pub const fn of_dots(dots: u16) -> Self {
        if dots as u32 <= Self::Mm58.dots() { Self::Mm58 } else { Self::Mm80 }
    }

    /// Dots of a line.
    pub const fn dots(self) -> u32 {
        match self {
            Self::Mm58 => 384,
            Self::Mm80 => 576,
        }
    }
}

/// How the roll is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Roll {
    /// More than will be needed.
    #[default]
    Full,
    /// None.
    Empty,
    /// It ends after so many lines; somebody puts in a new one after `back_after`, or nobody does.
    EndsAfter {
        /// Lines that are still on it.
        lines: u32,
        /// When a new one is in.
        back_after: Option<Duration>,
    },
}

/// The printer that can be started.
#[derive(Clone, Copy, Debug)]
pub struct SandboxPrinter;

/// Why the printer could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The directory or the link cannot be made.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system gives no pty.
    #[error("the system gives no pseudo terminal for the sandbox printer: {0}")]
    Pty(#[from] nix::Error),
    /// The system gives no thread or no socket.
    #[error("the sandbox printer could not be started: {0}")]
    System(#[from] std::io::Error),
}

impl Picture {
    /// What a printer that nothing is wrong with puts on paper for these bytes, one picture for each piece that is torn off.
    pub fn printed(bytes: &[u8], paper: PaperWidth) -> Vec<Self> {
        let mut model = Model::new(paper.dots(), Habits::default());
        let mut events = model.receive(bytes);
        events.extend(model.tear_off());
        let drawn = events.into_iter().filter_map(|event| match event {
            Event::Receipt(strip) => Some(Self::of(&strip, paper.dots())),
            Event::Answer(_) | Event::DrawerOpened(_) => None,
        });
        drawn.collect()
    }
}

impl SandboxPrinter {
    /// Starts a printer on a thread of its own; it stops when the value given back is dropped.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(settings: PrinterSettings) -> Result<RunningPrinter, StartError> {
        let file_error = |path: &Path| {
            let path = path.display().to_string();
            move |source| StartError::File { path, source }
        };
        fs::create_dir_all(&settings.output).map_err(file_error(&settings.output))?;
        let pty = openpty(None, None)?;
        let mut modes = tcgetattr(&pty.slave)?;
        // Before anybody opens it, a fresh pty would echo our answers back to us.
        cfmakeraw(&mut modes);
        tcsetattr(&pty.slave, SetArg::TCSANOW, &modes)?;
        // A host that does not listen must not stop the printer; it loses the answer, as on a real line.
        fcntl(&pty.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let device = ttyname(&pty.slave)?;
        if let Some(link) = &settings.link {
            if link.is_symlink() {
                fs::remove_file(link).map_err(file_error(link))?;
            }
            std::os::unix::fs::symlink(&device, link).map_err(file_error(link))?;
        }
        let mut model = Model::new(settings.paper.dots(), settings.habits);
        if settings.pace.is_some() {
            model.move_by_steps();
        }
        match settings.roll {
            Roll::Full => {}
            Roll::Empty => drop(model.set_paper(false)),
            Roll::EndsAfter { lines, .. } => model.end_paper_after(lines),
        }
        drop(model.set_cover_open(settings.cover_open));
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        let shared = Arc::new(Mutex::new(Shared {
            model,
            receipts: Vec::new(),
            drawer: 0,
            answers: Vec::new(),
            first_line: None,
            stop: false,
        }));
        let worker = Worker {
            line: File::from(pty.master),
            // Held open, so that the line lives on when the host closes its end.
            _host_end: File::from(pty.slave),
            woken,
            shared: Arc::clone(&shared),
            output: settings.output.clone(),
            dots: settings.paper.dots(),
            back_after: match settings.roll {
                Roll::EndsAfter { back_after, .. } => back_after,
                Roll::Full | Roll::Empty => None,
            },
            count: 0,
            pace: settings.pace,
            arrival: Arrival::new(settings.pace),
            moves_until: None,
            leaving: VecDeque::new(),
            undrawn: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("sandbox-printer".to_owned()).spawn(move || worker.run())?;
        Ok(RunningPrinter { device, settings, shared, wake, thread: Some(thread) })
    }
}

/// A printer that is running.
#[derive(Debug)]
pub struct RunningPrinter {
    device: PathBuf,
    settings: PrinterSettings,
    shared: Arc<Mutex<Shared>>,
    wake: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl RunningPrinter {
    /// The device to print on: the link when one was asked for, otherwise the pty.
    pub fn device(&self) -> &Path {
        self.settings.link.as_deref().unwrap_or(&self.device)
    }

    /// Where the pictures go.
    pub fn output(&self) -> &Path {
        &self.settings.output
    }

    /// The pictures so far, in the order of printing.
    pub fn receipts(&self) -> Vec<PathBuf> {
        lock(&self.shared).receipts.clone()
    }

    /// When the first line of what is in the printer now was on paper.
    pub fn first_line(&self) -> Option<Instant> {
        lock(&self.shared).first_line
    }

    /// Forgets when the first line was on paper: the next one counts.
    pub fn await_first_line(&self) {
        lock(&self.shared).first_line = None;
    }

    /// How often the drawer at its connector was opened.
    pub fn drawer_kicks(&self) -> usize {
        lock(&self.shared).drawer
    }

    /// Puts in a roll or takes it out.
    pub fn set_paper(&self, paper: bool) {
        self.act(|model| model.set_paper(paper));
    }

    /// The roll ends after so many more lines.
    pub fn end_paper_after(&self, lines: u32) {
        self.act(|model| {
            model.end_paper_after(lines);
            Vec::new()
        });
    }

    /// Opens or closes the cover.
    pub fn set_cover_open(&self, open: bool) {
        self.act(|model| model.set_cover_open(open));
    }

    /// Makes it busy with something else, or done with it: what is sent waits, and nothing is wrong with it.
    pub fn set_busy(&self, busy: bool) {
        self.act(|model| model.set_busy(busy));
    }

    /// Makes it busy after so many more lines.
    pub fn busy_after(&self, lines: u32) {
        self.act(|model| {
            model.busy_after(lines);
            Vec::new()
        });
    }

    /// Switches it off and on.
    pub fn power_cycle(&self) {
        self.act(|model| {
            model.power_cycle();
            Vec::new()
        });
    }

    /// Bytes on the line that nobody sent: a plug that is touched, a power supply that is switched.
    pub fn noise(&self, bytes: &[u8]) {
        self.act(|_| vec![Event::Answer(bytes.to_vec())]);
    }

    fn act(&self, action: impl FnOnce(&mut Model) -> Vec<Event>) {
        {
            let mut shared = lock(&self.shared);
            let events = action(&mut shared.model);
            shared.answers.extend(events);
        }
        self.wake();
    }

    fn wake(&self) {
        if let Err(error) = (&self.wake).write_all(&[1])
            && error.kind() != ErrorKind::WouldBlock
        {
            tracing::debug!(%error, "the sandbox printer has already stopped");
        }
    }
}

impl Drop for RunningPrinter {
    fn drop(&mut self) {
        lock(&self.shared).stop = true;
        self.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sandbox printer stopped by itself");
        }
        if let Some(link) = self.settings.link.as_deref().filter(|link| link.is_symlink())
            && let Err(error) = fs::remove_file(link)
        {
            tracing::debug!(%error, "the sandbox printer's link could not be removed");
        }
    }
}

#[derive(Debug)]
struct Shared {
    model: Model,
    receipts: Vec<PathBuf>,
    /// How often the drawer was opened.
    drawer: usize,
    /// What came out of the printer by hand, to be dealt with by the thread.
    answers: Vec<Event>,
    /// When a line was on paper for the first time since somebody asked.
    first_line: Option<Instant>,
    stop: bool,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // A model is whole after each of its calls, so one that a stopped thread left behind can be used.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Silence after which somebody tears off a slip that no cutter cut.
const TEAR_OFF_AFTER: Duration = Duration::from_secs(1);

/// Silence after which a printer that takes its time has time to draw.
const QUIET: Duration = Duration::from_millis(200);

struct Worker {
    line: File,
    _host_end: File,
    woken: UnixStream,
    shared: Arc<Mutex<Shared>>,
    output: PathBuf,
    dots: u32,
    back_after: Option<Duration>,
    count: u32,
    pace: Option<Pace>,
    arrival: Arrival,
    /// The paper moves until then.
    moves_until: Option<Instant>,
    /// Answers on the line, and when each of them will have arrived.
    leaving: VecDeque<(Instant, Vec<u8>)>,
    /// What has come out and is drawn when the line is quiet.
    undrawn: Vec<Strip>,
}

impl Worker {
    fn run(mut self) {
        let mut out_since: Option<Instant> = None;
        let mut heard = Instant::now();
        loop {
            let (full, paper_out) = {
                let shared = lock(&self.shared);
                if shared.stop {
                    return;
                }
                (shared.model.is_full(), shared.model.is_paper_out())
            };
            out_since = if paper_out { out_since.or_else(|| Some(Instant::now())) } else { None };
            let wait = match (out_since, self.back_after) {
                (Some(since), Some(after)) => after.saturating_sub(since.elapsed()).min(TEAR_OFF_AFTER),
                _ => TEAR_OFF_AFTER,
            };
            let wait = if self.undrawn.is_empty() { wait } else { wait.min(QUIET) };
            let there = match self.wait(full, wait) {
                Ok(there) => there,
                Err(error) => {
                    tracing::error!(%error, "the sandbox printer cannot wait for data and stops");
                    return;
                }
            };
            let mut events = std::mem::take(&mut lock(&self.shared).answers);
            match self.take(there && !full) {
                Ok(Some(more)) => {
                    heard = Instant::now();
                    events.extend(more);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "the sandbox printer's line is gone");
                    return;
                }
            }
            events.extend(self.move_paper());
            if let (Some(since), Some(after)) = (out_since, self.back_after)
                && since.elapsed() >= after
            {
                self.back_after = None;
                events.extend(lock(&self.shared).model.set_paper(true));
            }
            if heard.elapsed() >= TEAR_OFF_AFTER {
                events.extend(lock(&self.shared).model.tear_off());
            }
            self.send_due();
            for event in events {
                match event {
                    // Drawing takes a while, and no answer waits for it where the printer takes its time.
                    Event::Receipt(strip) if self.pace.is_some() => self.undrawn.push(strip),
                    event => self.deal_with(event),
                }
            }
            if heard.elapsed() >= QUIET && self.moves_until.is_none() {
                for strip in std::mem::take(&mut self.undrawn) {
                    self.deal_with(Event::Receipt(strip));
                }
            }
        }
    }

    /// Takes what has arrived; nothing when nothing has.
    fn take(&mut self, there: bool) -> std::io::Result<Option<Vec<Event>>> {
        let mut bytes = [0; 1024];
        let arrived = if there { self.arrival.arrived(Instant::now(), bytes.len()) } else { 0 };
        if arrived == 0 {
            return Ok(None);
        }
        match self.line.read(&mut bytes[..arrived]) {
            Ok(length) => {
                self.arrival.took(length, arrived);
                Ok(Some(lock(&self.shared).model.receive(&bytes[..length])))
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                self.arrival.took(0, arrived);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Lets the paper move as long as it takes.
    fn move_paper(&mut self) -> Vec<Event> {
        let Some(pace) = self.pace else { return Vec::new() };
        let mut events = Vec::new();
        loop {
            let mut shared = lock(&self.shared);
            let Some(dots) = shared.model.moving() else { return events };
            let now = Instant::now();
            // A movement begins when it is due, not when this thread is awake.
            let until = *self.moves_until.get_or_insert(now + pace.of_paper(dots));
            if until > now {
                return events;
            }
            shared.first_line.get_or_insert(until);
            events.extend(shared.model.has_moved());
            self.moves_until = shared.model.moving().map(|dots| until + pace.of_paper(dots));
        }
    }

    /// Waits for data, for a hand, or for time to pass. Gives whether data may be there.
    fn wait(&mut self, full: bool, limit: Duration) -> nix::Result<bool> {
        let now = Instant::now();
        let next_byte = self.arrival.next(now).filter(|_| !full);
        let moved = self.moves_until.map(|until| until.saturating_duration_since(now));
        let answer = self.leaving.front().map(|(due, _)| due.saturating_duration_since(now));
        let wait = [next_byte, moved, answer].into_iter().flatten().fold(limit, Duration::min);
        let mut watched = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        // What is known to be on its way is waited for by the time it takes.
        if !full && next_byte.is_none() {
            watched.push(PollFd::new(self.line.as_fd(), PollFlags::POLLIN));
        }
        match ppoll(&mut watched, Some(TimeSpec::from_duration(wait)), None) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error),
        }
        let there = next_byte.is_some() || watched.get(1).is_some_and(|line| line.any().unwrap_or(false));
        let mut bytes = [0; 64];
        // Empties the bell; when nobody rang there is nothing to read.
        while matches!(self.woken.read(&mut bytes), Ok(length) if length == bytes.len()) {}
        Ok(there)
    }

    /// Answers that have been on the line for long enough arrive.
    fn send_due(&mut self) {
        let now = Instant::now();
        while self.leaving.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, bytes)) = self.leaving.pop_front() {
                self.send(&bytes);
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.line.write_all(bytes) {
            tracing::debug!(%error, "the sandbox printer's answer was lost");
        }
    }

    fn deal_with(&mut self, event: Event) {
        match event {
            Event::Answer(bytes) => match self.pace {
                None => self.send(&bytes),
                Some(pace) => {
                    let now = Instant::now();
                    let free = self.leaving.back().map_or(now, |(due, _)| *due);
                    self.leaving.push_back((free.max(now) + pace.on_the_line(bytes.len()), bytes));
                }
            },
            Event::DrawerOpened(pin) => {
                tracing::info!(pin, "the drawer at the sandbox printer was opened");
                lock(&self.shared).drawer += 1;
            }
            Event::Receipt(strip) => match self.keep(&strip) {
                Ok(path) => {
                    tracing::info!(picture = %path.display(), "the sandbox printer has printed a receipt");
                    lock(&self.shared).receipts.push(path);
                }
                Err(error) => tracing::error!(%error, "a receipt of the sandbox printer is lost"),
            },
        }
    }

    /// Writes picture and text; the text first, so that whoever sees the picture finds both.
    fn keep(&mut self, strip: &Strip) -> Result<PathBuf, DrawingError> {
        let time = clock::local().strftime("%Y%m%d-%H%M%S").to_string();
        // Another printer may have printed here in the same second.
        let path = loop {
            self.count += 1;
            let path = self.output.join(format!("receipt-{time}-{:03}.png", self.count));
            if !path.exists() {
                break path;
            }
        };
        let text = path.with_extension("txt");
        fs::write(&text, strip.text(self.dots))
            .map_err(|source| DrawingError::File { path: text.display().to_string(), source })?;
        Picture::of(strip, self.dots).write_png(&path)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests;
