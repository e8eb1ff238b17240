//! A thread of its own for calls that may never come back, and a limit on waiting for them.
//!
//! A mute card keeps a PC/SC call for ever and nothing can end it from outside. So the call is made on a worker thread; when
//! the time is over, the thread is left behind with what it holds and a fresh one takes its place. It ends by itself when its
//! call returns. Only a few may be left behind at a time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Threads that may hang at the same time.
pub const MAX_STUCK: usize = 4;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// Runs jobs one after the other on a thread that owns an `S`.
pub struct Watchdog<S> {
    start: Arc<dyn Fn() -> S + Send + Sync>,
    jobs: Option<Sender<Job<S>>>,
    /// One count for this object and one for every thread that has not ended.
    alive: Arc<()>,
}

/// Why a job has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// The limit is over. The job may still be done later; nobody will hear of it.
    #[error("no answer within the time limit")]
    TimedOut,
    /// As many threads hang as may.
    #[error("{MAX_STUCK} calls hang already")]
    TooMany,
    /// The thread could not be started, or ended in the middle.
    #[error("the worker thread ended")]
    Ended,
}

impl<S: 'static> Watchdog<S> {
    /// `start` makes what a fresh thread owns; it runs on that thread.
    pub fn new(start: impl Fn() -> S + Send + Sync + 'static) -> Self {
        Self { start: Arc::new(start), jobs: None, alive: Arc::new(()) }
    }

    /// Runs a job and waits up to `limit` for its result.
    ///
    /// # Errors
    /// When there is none; the next job then has a fresh thread.
    pub fn run<T: Send + 'static>(
        &mut self,
        limit: Duration,
        job: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, Stuck> {
        let (result_sender, result) = channel();
        let job: Job<S> = Box::new(move |state| {
            // Nobody listens any more when the limit was over; the result is dropped.
            let _ = result_sender.send(job(state));
        });
        self.worker()?.send(job).map_err(|_| self.leave(Stuck::Ended))?;
        result.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => self.leave(Stuck::TimedOut),
            RecvTimeoutError::Disconnected => self.leave(Stuck::Ended),
        })
    }

    /// Threads that were left behind and have not ended yet.
    pub fn stuck(&self) -> usize {
        Arc::strong_count(&self.alive) - 1 - usize::from(self.jobs.is_some())
    }

    fn worker(&mut self) -> Result<Sender<Job<S>>, Stuck> {
        if let Some(jobs) = &self.jobs {
            return Ok(jobs.clone());
        }
        if self.stuck() >= MAX_STUCK {
            return Err(Stuck::TooMany);
        }
        let (jobs, waiting) = channel();
        let (start, alive) = (Arc::clone(&self.start), Arc::clone(&self.alive));
        thread::Builder::new()
            .name("card reader".to_owned())
            .spawn(move || {
                work(&*start, &waiting);
                drop(alive);
            })
            .map_err(|_| Stuck::Ended)?;
        self.jobs = Some(jobs.clone());
        Ok(jobs)
    }

    /// Lets go of the thread: it finds no more jobs and ends as soon as it can.
    fn leave(&mut self, reason: Stuck) -> Stuck {
        self.jobs = None;
        reason
    }
}

fn work<S>(start: &dyn Fn() -> S, waiting: &Receiver<Job<S>>) {
    let mut state = start();
    while let Ok(job) = waiting.recv() {
        job(&mut state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn jobs_share_what_the_thread_owns() {
        let mut watchdog = Watchdog::new(|| 0);
        for expected in 1..=3 {
            let result = watchdog.run(LONG, |count| {
                *count += 1;
                *count
            });
            assert_eq!(result, Ok(expected));
        }
        assert_eq!(watchdog.stuck(), 0);
    }

    #[test]
    fn after_a_job_that_hangs_a_fresh_thread_goes_on_and_the_old_one_ends_by_itself() {
        let mut watchdog = Watchdog::new(|| 0);
        let (let_go, held) = channel::<()>();
        let (ended, end) = channel::<()>();
        watchdog.run(LONG, |count| *count = 7).unwrap();
        let hanging = watchdog.run(SHORT, move |_| {
            let _ = held.recv();
            drop(ended);
        });
        assert_eq!(hanging, Err(Stuck::TimedOut));
        assert_eq!(watchdog.stuck(), 1);
        assert_eq!(watchdog.run(LONG, |count| *count), Ok(0), "a fresh state");
        drop(let_go);
        assert!(end.recv().is_err(), "the hanging job came to its end");
    }

    #[test]
    fn only_a_few_may_hang() {
        let mut watchdog = Watchdog::new(|| ());
        let mut hold = Vec::new();
        for _ in 0..MAX_STUCK {
            let (let_go, held) = channel::<()>();
            hold.push(let_go);
            assert_eq!(watchdog.run(SHORT, move |()| held.recv().is_ok()), Err(Stuck::TimedOut));
        }
        assert_eq!(watchdog.run(LONG, |()| ()), Err(Stuck::TooMany));
    }
}
