//! The worker that looks at codes of people: each takes a while, on purpose, and nobody waits for it but who typed it.

use std::sync::mpsc::{Receiver, Sender};

use crate::crypto::code_hash::CodeHashError;
use crate::people::{Code, CodeKey, KeptCode};

/// A job, and by which number its answer is known: one that nobody waits for any more must not be taken for another's.
#[derive(Debug)]
pub struct Job {
    /// The number.
    pub ticket: u64,
    /// What is to be done.
    pub work: Work,
}

/// What is to be done with a code.
#[derive(Debug)]
pub enum Work {
    /// Is it this one?
    Check(CodeKey, KeptCode, Code),
    /// What is kept of it?
    Keep(CodeKey, Code),
}

/// What came of a job.
#[derive(Debug)]
pub struct Event {
    /// Of which.
    pub ticket: u64,
    /// What.
    pub answer: Answer,
}

/// What came of it.
#[derive(Debug)]
pub enum Answer {
    /// It is, or it is not.
    Checked(Result<bool, CodeHashError>),
    /// This is.
    Kept(Result<KeptCode, CodeHashError>),
}

/// Does a job.
pub fn carry_out(job: Job) -> Event {
    let answer = match job.work {
        Work::Check(key, kept, code) => Answer::Checked(key.is_code(&kept, &code)),
        Work::Keep(key, code) => {
            let mut salt = [0; 16];
            let filled = getrandom::fill(&mut salt).map_err(|_| CodeHashError::Failed);
            Answer::Kept(filled.and_then(|()| key.keep(&code, &salt)))
        }
    };
    Event { ticket: job.ticket, answer }
}

/// Starts the worker.
///
/// # Errors
/// When the system has no thread left.
pub fn start<M: Send + 'static>(
    events: Sender<M>,
    wrap: impl Fn(Event) -> M + Send + 'static,
) -> std::io::Result<Sender<Job>> {
    super::start("codes", move |jobs: Receiver<Job>| {
        for job in jobs {
            if events.send(wrap(carry_out(job))).is_err() {
                return;
            }
        }
    })
}
