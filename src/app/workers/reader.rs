//! The worker that owns the card reader.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::clock;
use crate::devices::pin_pad::{PadAnswer, PadPrompt};
use crate::devices::reader::{CardReader, ReaderError};
use crate::emv::apdu::{CardAnswer, Command};

/// How long one wait lasts before the worker looks whether it is still wanted.
const SLICE: Duration = Duration::from_millis(200);

/// Names the sale a job belongs to; events of an earlier sale are recognised by it.
pub type Ticket = u64;

/// The ticket of what is about no sale.
const NO_SALE: Ticket = 0;

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
    /// Let the cardholder enter the PIN on the reader's own pad, which sends it to the card.
    VerifyPin {
        /// For which sale.
        ticket: Ticket,
        /// How the pad asks.
        prompt: PadPrompt,
    },
    /// Say when the card leaves, until the next job: somebody thinks, and the card has nothing to do.
    Watch {
        /// For which sale.
        ticket: Ticket,
    },
    /// Power the card down.
    Release,
    /// Say how the reader is, when no sale runs.
    Look,
}

/// What came of it.
#[derive(Debug)]
pub enum Event {
    /// A card is in and powered.
    Inserted {
        /// The reader has a PIN pad of its own.
        own_pad: bool,
    },
    /// The last sale's card is still in.
    StillIn,
    /// It has been taken out.
    Removed,
    /// The card answered.
    Answered(CardAnswer),
    /// What came of asking for a PIN at the reader's own pad.
    PadAnswered(PadAnswer),
    /// The card left.
    Torn,
    /// The card does not answer.
    Mute,
    /// No card came in time.
    NoCard,
    /// The reader cannot be used.
    Failed(String),
    /// How it is.
    Is(Result<(), String>),
}

/// The worker's handle.
#[derive(Debug)]
pub struct ReaderWorker {
    jobs: Sender<Job>,
    wanted: Wanted,
}

impl ReaderWorker {
    /// Starts the worker. `used_card_note` is a file it keeps while a card that has been in a sale is in the reader.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start<M: Send + 'static>(
        reader: Box<dyn CardReader>,
        used_card_note: PathBuf,
        events: Sender<M>,
        wrap: impl Fn(Ticket, Event) -> M + Send + 'static,
    ) -> std::io::Result<Self> {
        let wanted = Wanted::default();
        let desk = ReaderDesk::new(reader, used_card_note, wanted.clone());
        let jobs = super::start("reader", move |jobs| {
            work(desk, &jobs, |(ticket, event)| events.send(wrap(ticket, event)).is_ok());
        })?;
        Ok(Self { jobs, wanted })
    }

    /// A worker without a thread: whoever has the jobs does them at the desk.
    pub fn without_thread(reader: Box<dyn CardReader>, used_card_note: PathBuf) -> (Self, Receiver<Job>, ReaderDesk) {
        let ((jobs, receiver), wanted) = (channel(), Wanted::default());
        let desk = ReaderDesk::new(reader, used_card_note, wanted.clone());
        (Self { jobs, wanted }, receiver, desk)
    }

    /// Hands a job over.
    pub fn send(&self, job: Job) {
        if let Job::Await { ticket, .. } = &job {
            self.wanted.set(*ticket);
        }
        if self.jobs.send(job).is_err() {
            tracing::error!("the reader's thread has ended");
        }
    }

    /// Ends a wait for a card.
    pub fn stop_waiting(&self) {
        self.wanted.set(0);
    }
}

/// For which sale a card is waited for.
#[derive(Clone, Debug, Default)]
pub struct Wanted(Arc<AtomicU64>);

impl Wanted {
    fn set(&self, ticket: Ticket) {
        self.0.store(ticket, Ordering::Release);
    }

    fn is(&self, ticket: Ticket) -> bool {
        self.0.load(Ordering::Acquire) == ticket
    }
}

/// The reader, what is remembered about the card in it, and what is being done. It waits no longer than it is told to.
pub struct ReaderDesk {
    reader: Box<dyn CardReader>,
    used: UsedCard,
    wanted: Wanted,
    doing: Doing,
}

/// What is done until the next job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// Looking whether the used card leaves, so that the next customer's, inserted before anybody asked for it, is not
    /// taken for that one. Looking ends the session with the card, which therefore must have been released.
    LookForAnother {
        /// When to look again.
        pause: Duration,
    },
    /// Telling the sale when its card leaves.
    Watch(Ticket),
    /// Nothing: a sale may leave its card waiting as long as the host thinks.
    LeaveAlone,
    /// Waiting for the old card to leave and a new one to come. The next job waits as well.
    Await { ticket: Ticket, deadline: Instant, reminded: bool },
}

/// What is told, and to which sale.
pub type Told = (Ticket, Event);

fn work(mut desk: ReaderDesk, jobs: &Receiver<Job>, mut tell: impl FnMut(Told) -> bool) {
    loop {
        let told = if desk.awaits() {
            desk.look(SLICE)
        } else {
            let job = match desk.pause() {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(pause) => jobs.recv_timeout(pause),
            };
            match job {
                Ok(job) => desk.begin(job),
                Err(RecvTimeoutError::Timeout) => desk.look(Duration::ZERO),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        };
        if !told.into_iter().all(&mut tell) {
            return;
        }
    }
}

impl ReaderDesk {
    fn new(reader: Box<dyn CardReader>, used_card_note: PathBuf, wanted: Wanted) -> Self {
        let doing = Doing::LookForAnother { pause: SLICE };
        Self { reader, used: UsedCard::recall(used_card_note), wanted, doing }
    }

    /// A card is waited for, and the next job waits until that is over.
    pub const fn awaits(&self) -> bool {
        matches!(self.doing, Doing::Await { .. })
    }

    /// How long until it is to be looked at again; never, when there is nothing to see.
    pub const fn pause(&self) -> Option<Duration> {
        match self.doing {
            Doing::Await { .. } | Doing::Watch(_) => Some(SLICE),
            Doing::LookForAnother { pause } if self.used.is_in => Some(pause),
            Doing::LookForAnother { .. } | Doing::LeaveAlone => None,
        }
    }

    /// Does a job. Waiting for a card is only begun: [`ReaderDesk::look`] goes on with it.
    pub fn begin(&mut self, job: Job) -> Vec<Told> {
        self.doing = Doing::LeaveAlone;
        match job {
            Job::Await { ticket, timeout } => {
                self.doing = Doing::Await { ticket, deadline: clock::instant() + timeout, reminded: false };
                Vec::new()
            }
            Job::Transmit { ticket, command } => {
                let event = match self.reader.transmit(command.bytes()) {
                    Ok(answer) => Event::Answered(CardAnswer::new(answer)),
                    Err(error) => event_of(error),
                };
                vec![(ticket, event)]
            }
            Job::VerifyPin { ticket, prompt } => {
                let answer = match self.reader.pin_pad() {
                    Some(pad) => pad.verify(prompt),
                    None => Ok(PadAnswer::Broken("the reader has no pad".to_owned())),
                };
                vec![(ticket, answer.map_or_else(event_of, Event::PadAnswered))]
            }
            Job::Watch { ticket } => {
                self.doing = Doing::Watch(ticket);
                Vec::new()
            }
            Job::Release => {
                self.doing = Doing::LookForAnother { pause: SLICE };
                self.reader.release();
                Vec::new()
            }
            Job::Look => {
                self.doing = Doing::LookForAnother { pause: SLICE };
                vec![(NO_SALE, Event::Is(self.reader.check().map_err(|error| error.to_string())))]
            }
        }
    }

    /// Looks what the card does. Only who waits for one has `patience`.
    pub fn look(&mut self, patience: Duration) -> Vec<Told> {
        match self.doing {
            Doing::LeaveAlone => Vec::new(),
            Doing::LookForAnother { .. } => {
                let pause = match self.reader.wait_for_removal(Duration::ZERO) {
                    Ok(true) => {
                        self.used.has_left();
                        SLICE
                    }
                    Ok(false) => SLICE,
                    // Nobody knows: the card may still be in.
                    Err(_) => SLICE * 10,
                };
                self.doing = Doing::LookForAnother { pause };
                Vec::new()
            }
            Doing::Watch(ticket) => {
                let event = match self.reader.card_is_in() {
                    Ok(true) => return Vec::new(),
                    Ok(false) => Event::Torn,
                    Err(error) => event_of(error),
                };
                self.doing = Doing::LeaveAlone;
                vec![(ticket, event)]
            }
            Doing::Await { ticket, .. } if !self.wanted.is(ticket) => {
                self.doing = Doing::LeaveAlone;
                Vec::new()
            }
            Doing::Await { ticket, deadline, reminded } => {
                let (told, over) = if self.used.is_in {
                    self.await_removal(ticket, deadline, reminded, patience)
                } else {
                    self.await_card(deadline, patience)
                };
                if over {
                    self.doing = Doing::LeaveAlone;
                }
                told.map(|event| (ticket, event)).into_iter().collect()
            }
        }
    }

    /// The old card must leave. Gives what is to be told, and whether waiting is over.
    fn await_removal(
        &mut self,
        ticket: Ticket,
        deadline: Instant,
        reminded: bool,
        patience: Duration,
    ) -> (Option<Event>, bool) {
        let left = match self.reader.wait_for_removal(patience) {
            Ok(left) => left,
            Err(error) => return (Some(event_of(error)), true),
        };
        if left {
            self.used.has_left();
            return (reminded.then_some(Event::Removed), false);
        }
        if clock::instant() >= deadline {
            return (Some(Event::NoCard), true);
        }
        self.doing = Doing::Await { ticket, deadline, reminded: true };
        ((!reminded).then_some(Event::StillIn), false)
    }

    /// A card must come. Gives what is to be told, and whether waiting is over.
    fn await_card(&mut self, deadline: Instant, patience: Duration) -> (Option<Event>, bool) {
        match self.reader.wait_for_card(patience) {
            Ok(Some(_answer_to_reset)) => {
                self.used.came();
                (Some(Event::Inserted { own_pad: self.reader.pin_pad().is_some() }), true)
            }
            Ok(None) if clock::instant() >= deadline => (Some(Event::NoCard), true),
            Ok(None) => (None, false),
            Err(error) => {
                if error == ReaderError::CardMute {
                    self.used.came();
                }
                (Some(event_of(error)), true)
            }
        }
    }
}

/// Whether the card in the reader has been in a sale: it must leave before the next one, for it would pay for somebody
/// else. A note on disk says so to the next start, also after a power cut in the middle of a sale.
#[derive(Debug)]
struct UsedCard {
    is_in: bool,
    note: PathBuf,
}

impl UsedCard {
    fn recall(note: PathBuf) -> Self {
        Self { is_in: note.exists(), note }
    }

    /// A card has come for a sale.
    fn came(&mut self) {
        self.is_in = true;
        if let Err(error) = std::fs::File::create(&self.note).and_then(|file| file.sync_all()) {
            tracing::warn!(%error, "that a card is in the reader cannot be noted");
        }
    }

    fn has_left(&mut self) {
        self.is_in = false;
        // Where there is no note, none could be written.
        let _ = std::fs::remove_file(&self.note);
    }
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
    struct Slot {
        card: Arc<Mutex<bool>>,
        looked: Arc<Mutex<usize>>,
    }

    impl Slot {
        fn holds(&self, card: bool) {
            *self.card.lock().unwrap() = card;
        }

        /// Waits until the worker has looked at the slot once more.
        fn looked_at(&self) {
            let before = *self.looked.lock().unwrap();
            while *self.looked.lock().unwrap() == before {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    struct Desk {
        slot: Slot,
        worker: ReaderWorker,
        events: Receiver<Event>,
    }

    impl Desk {
        fn open(folder: &tempfile::TempDir, slot: &Slot) -> Self {
            let (sender, events) = channel();
            let note = folder.path().join("card-in-reader");
            let worker = ReaderWorker::start(Box::new(slot.clone()), note, sender, |_, event| event).unwrap();
            Self { slot: slot.clone(), worker, events }
        }

        fn asks_for_a_card(&self, ticket: Ticket) {
            self.worker.send(Job::Await { ticket, timeout: LONG });
        }

        fn hears(&self) -> Event {
            self.events.recv_timeout(LONG).unwrap()
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
            let card = *self.card.lock().unwrap();
            if !card {
                std::thread::sleep(timeout.min(Duration::from_millis(5)));
            }
            Ok(card.then(Vec::new))
        }

        fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, ReaderError> {
            Ok(vec![0x90, 0x00])
        }

        fn card_is_in(&mut self) -> Result<bool, ReaderError> {
            Ok(*self.card.lock().unwrap())
        }

        fn release(&mut self) {}

        fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError> {
            std::thread::sleep(timeout.min(Duration::from_millis(5)));
            *self.looked.lock().unwrap() += 1;
            Ok(!*self.card.lock().unwrap())
        }
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_used_card_must_leave_and_whoever_waits_hears_when_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&folder, &Slot::default());
        desk.slot.holds(true);
        desk.asks_for_a_card(1);
        assert!(matches!(desk.hears(), Event::Inserted { .. }));
        desk.worker.send(Job::Release);
        desk.asks_for_a_card(2);
        assert!(matches!(desk.hears(), Event::StillIn));
        desk.slot.holds(false);
        assert!(matches!(desk.hears(), Event::Removed));
        desk.slot.holds(true);
        assert!(matches!(desk.hears(), Event::Inserted { .. }));
    }

    #[test]
    fn a_card_that_was_changed_while_nobody_waited_is_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&folder, &Slot::default());
        desk.slot.holds(true);
        desk.asks_for_a_card(1);
        assert!(matches!(desk.hears(), Event::Inserted { .. }));
        desk.worker.send(Job::Release);
        desk.slot.holds(false);
        desk.slot.looked_at();
        desk.slot.holds(true);
        desk.asks_for_a_card(2);
        assert!(matches!(desk.hears(), Event::Inserted { .. }), "not asked to be taken out first");
    }

    #[test]
    fn a_card_left_in_through_a_power_cut_does_not_pay_for_the_next_customer() {
        let folder = tempfile::tempdir().unwrap();
        let slot = Slot::default();
        slot.holds(true);
        let desk = Desk::open(&folder, &slot);
        desk.asks_for_a_card(1);
        assert!(matches!(desk.hears(), Event::Inserted { .. }), "a card that nobody has used may wait in the reader");
        drop(desk);
        let desk = Desk::open(&folder, &slot);
        desk.asks_for_a_card(1);
        assert!(matches!(desk.hears(), Event::StillIn));
        slot.holds(false);
        assert!(matches!(desk.hears(), Event::Removed));
        drop(desk);
        slot.holds(true);
        let desk = Desk::open(&folder, &slot);
        desk.asks_for_a_card(1);
        assert!(matches!(desk.hears(), Event::Inserted { .. }));
    }

    #[test]
    fn a_card_is_left_alone_while_the_host_thinks() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&folder, &Slot::default());
        desk.slot.holds(true);
        desk.asks_for_a_card(1);
        desk.hears();
        desk.worker.send(Job::Transmit { ticket: 1, command: Command::get_challenge() });
        assert!(matches!(desk.hears(), Event::Answered(_)));
        std::thread::sleep(SLICE * 3);
        assert_eq!(*desk.slot.looked.lock().unwrap(), 0, "who looks for removal ends the session with the card");
        desk.worker.send(Job::Release);
        desk.slot.looked_at();
    }

    #[test]
    fn a_card_pulled_out_while_somebody_thinks_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&folder, &Slot::default());
        desk.slot.holds(true);
        desk.asks_for_a_card(1);
        desk.hears();
        desk.worker.send(Job::Watch { ticket: 1 });
        std::thread::sleep(SLICE * 2);
        assert!(desk.events.try_recv().is_err(), "the card is in");
        assert_eq!(*desk.slot.looked.lock().unwrap(), 0, "who looks for removal ends the session with the card");
        desk.slot.holds(false);
        assert!(matches!(desk.hears(), Event::Torn));
        std::thread::sleep(SLICE * 2);
        assert!(desk.events.try_recv().is_err(), "it is said once");
    }

    #[test]
    fn a_reader_that_held_no_card_has_no_used_one() {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::open(&folder, &Slot::default());
        desk.worker.send(Job::Release);
        desk.slot.holds(true);
        desk.asks_for_a_card(1);
        assert!(matches!(desk.hears(), Event::Inserted { .. }));
    }
}
