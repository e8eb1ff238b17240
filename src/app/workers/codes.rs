//! The worker that looks at codes of people: each takes a while, on purpose, and nobody waits for it but who typed it.

use std::sync::mpsc::{Receiver, Sender};

use crate::crypto::code_hash::CodeHashError;
use crate::people::{Code, CodeKey, KeptCode};

/// What is to be done with a code.
#[derive(Debug)]
pub enum Job {
    /// Is it this one?
    Check(CodeKey, KeptCode, Code),
    /// What is kept of it?
    Keep(CodeKey, Code),
}

/// What came of it.
#[derive(Debug)]
pub enum Event {
    /// It is, or it is not.
    Checked(Result<bool, CodeHashError>),
    /// This is.
    Kept(Result<KeptCode, CodeHashError>),
}

/// Does a job.
pub fn carry_out(job: Job) -> Event {
    match job {
        Job::Check(key, kept, code) => Event::Checked(key.is_code(&kept, &code)),
        Job::Keep(key, code) => {
            let mut salt = [0; 16];
            let kept =
                getrandom::fill(&mut salt).map_err(|_| CodeHashError::Failed).and_then(|()| key.keep(&code, &salt));
            Event::Kept(kept)
        }
    }
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
