//! One thread for each device that can block: it takes jobs, does them one after the other and sends events to the engine.

pub mod link;
pub mod printer;
pub mod reader;

use std::sync::mpsc::{Receiver, Sender, channel};

/// Starts a worker thread; it ends when the sender of jobs is dropped.
fn start<J: Send + 'static>(name: &str, work: impl FnOnce(Receiver<J>) + Send + 'static) -> std::io::Result<Sender<J>> {
    let (jobs, receiver) = channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || work(receiver))?;
    Ok(jobs)
}
