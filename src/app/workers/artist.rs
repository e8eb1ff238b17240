//! The worker that draws slips for the screen.

use std::sync::mpsc::{Receiver, Sender};

use crate::app::receipt_view::PaperView;
use crate::sandbox::printer::{PaperWidth, Picture};

/// A slip to be drawn, and by which number the drawing is known: another may be wanted by then.
#[derive(Debug)]
pub struct Job {
    /// The number.
    pub ticket: u64,
    /// What the printer is sent.
    pub bytes: Vec<u8>,
    /// Dots of the printer's line.
    pub dots: u16,
}

/// A drawing.
#[derive(Debug)]
pub struct Drawn {
    /// Its number.
    pub ticket: u64,
    /// What the printer puts on paper.
    pub paper: PaperView,
}

/// Draws what a printer that nothing is wrong with puts on paper.
pub fn draw(job: &Job) -> Drawn {
    let paper = PaperWidth::of_dots(job.dots);
    let pieces = Picture::printed(&job.bytes, paper);
    let dots = pieces.iter().flat_map(|piece| piece.dots().iter().copied()).collect();
    Drawn { ticket: job.ticket, paper: PaperView { width: paper.dots(), dots } }
}

/// Starts the worker. It takes the newest of the jobs that wait: who turns to another slip does not want the one before.
///
/// # Errors
/// When the system has no thread left.
pub fn start<M: Send + 'static>(
    events: Sender<M>,
    wrap: impl Fn(Drawn) -> M + Send + 'static,
) -> std::io::Result<Sender<Job>> {
    super::start("artist", move |jobs: Receiver<Job>| {
        while let Ok(job) = jobs.recv() {
            let job = jobs.try_iter().last().unwrap_or(job);
            if events.send(wrap(draw(&job))).is_err() {
                return;
            }
        }
    })
}
