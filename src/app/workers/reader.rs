//! The worker that owns the card reader.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::devices::reader::{CardReader, ReaderError};
use crate::emv::apdu::{CardAnswer, Command};

/// How long one wait lasts before the worker looks whether it is still wanted.
const SLICE: Duration = Duration::from_millis(200);

/// Names the sale a job belongs to; events of an earlier sale are recognised by it.
pub type Ticket = u64;

/// What the reader is asked.
#[derive(Debug)]
pub enum Job {
    /// Wait for a card. One that is still in from the last sale must leave first.
    Await {
        /// For which sale.
        ticket: Ticket,
        /// How long.
        timeout: Duration,
    },
    /// Send a command.
    Transmit {
        /// For which sale.
        ticket: Ticket,
        /// The command.
        command: Command,
    },
    /// Power the card down.
    Release,
}

/// What came of it.
#[derive(Debug)]
pub enum Event {
    /// A card is in and powered.
    Inserted,
    /// The last sale's card is still in.
    StillIn,
    /// It has been taken out.
    Removed,
    /// The card answered.
    Answered(CardAnswer),
    /// The card left.
    Torn,
    /// The card does not answer.
    Mute,
    /// No card came in time.
    NoCard,
    /// The reader cannot be used.
    Failed(String),
}

/// The worker's handle.
#[derive(Debug)]
pub struct ReaderWorker {
    jobs: Sender<Job>,
    wanted: Arc<AtomicU64>,
}

impl ReaderWorker {
    /// Starts the worker.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start<M: Send + 'static>(
        reader: Box<dyn CardReader>,
        events: Sender<M>,
        wrap: impl Fn(Ticket, Event) -> M + Send + 'static,
    ) -> std::io::Result<Self> {
        let wanted = Arc::new(AtomicU64::new(0));
        let mark = Arc::clone(&wanted);
        let jobs = super::start("reader", move |jobs| {
            work(reader, &jobs, &mark, |ticket, event| events.send(wrap(ticket, event)).is_ok());
        })?;
        Ok(Self { jobs, wanted })
    }

    /// Hands a job over.
    pub fn send(&self, job: Job) {
        if let Job::Await { ticket, .. } = &job {
            self.wanted.store(*ticket, Ordering::Release);
        }
        if self.jobs.send(job).is_err() {
            tracing::error!("the reader's thread has ended");
        }
    }

    /// Ends a wait for a card.
    pub fn stop_waiting(&self) {
        self.wanted.store(0, Ordering::Release);
    }
}

fn work(
    mut reader: Box<dyn CardReader>,
    jobs: &Receiver<Job>,
    wanted: &AtomicU64,
    mut tell: impl FnMut(Ticket, Event) -> bool,
) {
    let mut used_card_is_in = false;
    while let Some(job) = next_job(&mut *reader, jobs, &mut used_card_is_in) {
        let told = match job {
            Job::Await { ticket, timeout } => {
                let still_wanted = || wanted.load(Ordering::Acquire) == ticket;
                let deadline = Instant::now() + timeout;
                match await_card(&mut *reader, &mut used_card_is_in, deadline, still_wanted, &mut |event| {
                    tell(ticket, event)
                }) {
                    Some(event) => tell(ticket, event),
                    None => true,
                }
            }
            Job::Transmit { ticket, command } => tell(
                ticket,
                match reader.transmit(command.bytes()) {
                    Ok(answer) => Event::Answered(CardAnswer::new(answer)),
                    Err(error) => event_of(error),
                },
            ),
            Job::Release => {
                reader.release();
                used_card_is_in = true;
                true
            }
        };
        if !told {
            return;
        }
    }
}

/// Waits for a job. Meanwhile it watches for the used card to leave, so that the next customer's, inserted before anybody
/// asked for it, is not taken for that one. `None` when no job will come any more.
fn next_job(reader: &mut dyn CardReader, jobs: &Receiver<Job>, used_card_is_in: &mut bool) -> Option<Job> {
    let mut pause = SLICE;
    while *used_card_is_in {
        match jobs.recv_timeout(pause) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => match reader.wait_for_removal(Duration::ZERO) {
                Ok(gone) => *used_card_is_in = !gone,
                // Nobody knows: the card may still be in, and must not pay for somebody else.
                Err(_) => pause = SLICE * 10,
            },
        }
    }
    jobs.recv().ok()
}

/// Waits for the old card to leave and a new one to come; `None` when nobody waits for it any more.
fn await_card(
    reader: &mut dyn CardReader,
    used_card_is_in: &mut bool,
    deadline: Instant,
    still_wanted: impl Fn() -> bool,
    tell: &mut dyn FnMut(Event) -> bool,
) -> Option<Event> {
    let mut reminded = false;
    while *used_card_is_in && still_wanted() {
        match reader.wait_for_removal(SLICE) {
            Ok(gone) => *used_card_is_in = !gone,
            Err(error) => return Some(event_of(error)),
        }
        if *used_card_is_in && !reminded {
            reminded = true;
            tell(Event::StillIn);
        }
        if Instant::now() >= deadline {
            return Some(Event::NoCard);
        }
    }
    if reminded && !*used_card_is_in {
        tell(Event::Removed);
    }
    while still_wanted() {
        match reader.wait_for_card(SLICE) {
            Ok(Some(_answer_to_reset)) => return Some(Event::Inserted),
            Ok(None) if Instant::now() >= deadline => return Some(Event::NoCard),
            Ok(None) => {}
            Err(error) => {
                *used_card_is_in = error == ReaderError::CardMute;
                return Some(event_of(error));
            }
        }
    }
    None
}

fn event_of(error: ReaderError) -> Event {
    match error {
        ReaderError::CardTorn => Event::Torn,
        ReaderError::CardMute => Event::Mute,
        ReaderError::NoService(_) | ReaderError::NoReader(_) | ReaderError::Failed(_) => {
            Event::Failed(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    /// A reader whose slot the test fills and empties.
    #[derive(Clone, Default)]
    struct Slot(Arc<Mutex<bool>>);

    impl Slot {
        fn holds(&self, card: bool) {
            *self.0.lock().unwrap() = card;
        }
    }

    impl CardReader for Slot {
        fn name(&self) -> String {
            "slot".to_owned()
        }

        fn check(&mut self) -> Result<(), ReaderError> {
            Ok(())
        }

        fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
            let card = *self.0.lock().unwrap();
            if !card {
                std::thread::sleep(timeout.min(Duration::from_millis(5)));
            }
            Ok(card.then(Vec::new))
        }

        fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, ReaderError> {
            Ok(vec![0x90, 0x00])
        }

        fn release(&mut self) {}

        fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError> {
            std::thread::sleep(timeout.min(Duration::from_millis(5)));
            Ok(!*self.0.lock().unwrap())
        }
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_used_card_must_leave_and_whoever_waits_hears_when_it_has() {
        let slot = Slot::default();
        let (sender, events) = channel();
        let worker = ReaderWorker::start(Box::new(slot.clone()), sender, |_, event| event).unwrap();
        slot.holds(true);
        worker.send(Job::Await { ticket: 1, timeout: LONG });
        assert!(matches!(events.recv_timeout(LONG), Ok(Event::Inserted)));
        worker.send(Job::Release);
        worker.send(Job::Await { ticket: 2, timeout: LONG });
        assert!(matches!(events.recv_timeout(LONG), Ok(Event::StillIn)));
        slot.holds(false);
        assert!(matches!(events.recv_timeout(LONG), Ok(Event::Removed)));
        slot.holds(true);
        assert!(matches!(events.recv_timeout(LONG), Ok(Event::Inserted)));
    }

    #[test]
    fn a_card_that_was_changed_while_nobody_waited_is_a_new_one() {
        let slot = Slot::default();
        let (sender, events) = channel();
        let worker = ReaderWorker::start(Box::new(slot.clone()), sender, |_, event| event).unwrap();
        slot.holds(true);
        worker.send(Job::Await { ticket: 1, timeout: LONG });
        assert!(matches!(events.recv_timeout(LONG), Ok(Event::Inserted)));
        worker.send(Job::Release);
        slot.holds(false);
        // Longer than the worker takes to look twice.
        std::thread::sleep(3 * SLICE);
        slot.holds(true);
        worker.send(Job::Await { ticket: 2, timeout: LONG });
        assert!(matches!(events.recv_timeout(LONG), Ok(Event::Inserted)), "not asked to be taken out first");
    }
}
