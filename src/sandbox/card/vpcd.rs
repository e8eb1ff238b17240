//! A sandbox card in a real PC/SC reader: the wire of vpcd, the virtual reader driver of the vsmartcard project.
//!
//! The driver listens inside pcscd, the card connects: being connected is being inserted. Every message is a big-endian
//! length of two bytes and a payload. From the reader a payload of one byte is a control: 0 power off, 1 power on, 2 reset,
//! none of them answered; 4 asks for the answer to reset. Anything longer is a command, answered in the same framing.
//!
//! A visit lasts as long as it would with a real card, by the machine's own time.
//!
//! The driver speaks to anybody who connects; it belongs on a machine or a network namespace where nobody else is.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::linux::net::TcpStreamExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::fault::{FaultyCard, Reaction};

/// Where vpcd listens by default.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:35963";

/// How often a waiting card looks whether it should stop, and tries again to connect.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const POWER_OFF: u8 = 0;
const POWER_ON: u8 = 1;
const RESET: u8 = 2;
const ASK_ATR: u8 = 4;

/// When the card comes and goes.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Host and port of vpcd.
    pub address: String,
    /// Before the card is inserted for the first time.
    pub insert_after: Duration,
    /// After the card left (torn, released, or fallen silent), before it comes again; without it the card comes once.
    pub insert_again_after: Option<Duration>,
    /// The customer takes the card when the terminal has used it and powered it down.
    pub leave_when_released: bool,
}

impl Default for Visit {
    fn default() -> Self {
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            insert_after: Duration::ZERO,
            insert_again_after: None,
            leave_when_released: true,
        }
    }
}

/// What happens to the card, for who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VpcdEvent {
    /// The reader is not there yet; the card goes on trying.
    WaitingForReader,
    /// The card is in the reader.
    Inserted,
    /// The terminal has sent a command.
    Command {
        /// Counted from 1 after power on, as faults count.
        number: u32,
        /// INS, or nothing where the command has none.
        instruction: Option<u8>,
    },
    /// The card was pulled out before it answered.
    Torn,
    /// The card does not answer any more.
    Silent,
    /// The terminal has powered the card down after use.
    Released,
    /// The reader went away.
    ReaderGone,
}

/// Why a card cannot be in a virtual reader.
#[derive(Debug, thiserror::Error)]
pub enum VpcdError {
    /// The address is not one.
    #[error("{address} cannot be reached ({source}); write host:port, vpcd's own is {DEFAULT_ADDRESS}")]
    Address {
        /// What was given.
        address: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Keeps a card in the virtual reader until it has left for good or `stop` is set. `watch` hears what happens.
///
/// # Errors
/// When the address cannot be used. A reader that is not there yet, or goes away, is waited for.
pub fn serve(
    card: &mut FaultyCard,
    visit: &Visit,
    stop: &AtomicBool,
    mut watch: impl FnMut(VpcdEvent),
) -> Result<(), VpcdError> {
    let mut before = visit.insert_after;
    loop {
        if !pause(before, stop) {
            return Ok(());
        }
        let Some(stream) = connect(visit, stop, &mut watch)? else { return Ok(()) };
        watch(VpcdEvent::Inserted);
        let end = stay(card, visit, stream, stop, &mut watch);
        before = match (end, visit.insert_again_after) {
            (End::Stopped, _) => return Ok(()),
            (End::ReaderGone, _) => LOOK_EVERY,
            (End::Torn | End::Released | End::Silent, Some(again)) => again,
            (End::Torn | End::Released | End::Silent, None) => Duration::ZERO,
        };
        watch(match end {
            End::Stopped | End::ReaderGone => VpcdEvent::ReaderGone,
            End::Torn => VpcdEvent::Torn,
            End::Released => VpcdEvent::Released,
            End::Silent => VpcdEvent::Silent,
        });
        if end != End::ReaderGone && visit.insert_again_after.is_none() {
            return Ok(());
        }
    }
}

/// How a stay in the reader ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Torn,
    Released,
    Silent,
    ReaderGone,
    Stopped,
}

fn connect(
    visit: &Visit,
    stop: &AtomicBool,
    watch: &mut impl FnMut(VpcdEvent),
) -> Result<Option<TcpStream>, VpcdError> {
    let mut told = false;
    loop {
        let connected = TcpStream::connect(&visit.address).and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LOOK_EVERY))?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => return Ok(Some(stream)),
            Err(source) if source.kind() == ErrorKind::ConnectionRefused => {
                if !told {
                    watch(VpcdEvent::WaitingForReader);
                    told = true;
                }
            }
            Err(source) => return Err(VpcdError::Address { address: visit.address.clone(), source }),
        }
        if !pause(LOOK_EVERY, stop) {
            return Ok(None);
        }
    }
}

/// One stay in the reader. Closing the stream is leaving it.
fn stay(
    card: &mut FaultyCard,
    visit: &Visit,
    mut stream: TcpStream,
    stop: &AtomicBool,
    watch: &mut impl FnMut(VpcdEvent),
) -> End {
    card.power_on();
    loop {
        let payload = match receive(&mut stream, stop) {
            Ok(Some(payload)) => payload,
            Ok(None) => return End::Stopped,
            Err(_) => return End::ReaderGone,
        };
        let answer = match payload[..] {
            [] => continue,
            [POWER_OFF] => {
                // pcscd also powers a card down that nobody has talked to.
                if visit.leave_when_released && card.commands() > 0 {
                    return End::Released;
                }
                continue;
            }
            [POWER_ON | RESET] => {
                card.power_on();
                continue;
            }
            [ASK_ATR] => card.card().atr().to_vec(),
            [_] => continue,
            _ => {
                watch(VpcdEvent::Command {
                    number: card.commands().saturating_add(1),
                    instruction: payload.get(1).copied(),
                });
                match card.transmit(&payload) {
                    Reaction::Answer(answer) => answer,
                    Reaction::Torn => return End::Torn,
                    Reaction::Silence => return stay_silent(&mut stream, visit, stop),
                }
            }
        };
        if send(&mut stream, &answer).is_err() {
            return End::ReaderGone;
        }
    }
}

/// In the reader, and nothing is answered. A customer who comes again has taken the card out first.
fn stay_silent(stream: &mut TcpStream, visit: &Visit, stop: &AtomicBool) -> End {
    let until = visit.insert_again_after.map(|patience| Instant::now() + patience);
    let mut ignored = [0; 256];
    loop {
        if stop.load(Ordering::Relaxed) {
            return End::Stopped;
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return End::Silent;
        }
        match stream.read(&mut ignored) {
            Ok(0) => return End::ReaderGone,
            Ok(_) => {}
            Err(error) if waits(&error) => {}
            Err(_) => return End::ReaderGone,
        }
    }
}

/// One message's payload; nothing when it is time to stop.
fn receive(stream: &mut TcpStream, stop: &AtomicBool) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    if !fill(stream, &mut length, stop)? {
        return Ok(None);
    }
    let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
    Ok(fill(stream, &mut payload, stop)?.then_some(payload))
}

/// Reads until `buffer` is full; false when it is time to stop.
fn fill(stream: &mut TcpStream, buffer: &mut [u8], stop: &AtomicBool) -> io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        // The driver writes length and payload apart and waits between them for our acknowledgement: delayed, as is usual,
        // it would cost 40 ms with every command. The system forgets this wish, so it is said before each read.
        stream.set_quickack(true)?;
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if waits(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Length and payload in one write: in two, the second would wait for the first to be acknowledged.
fn send(stream: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    let length = u16::try_from(payload.len()).map_err(|_| ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), payload].concat())
}

fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Waits; false when it was told to stop.
fn pause(time: Duration, stop: &AtomicBool) -> bool {
    let until = Instant::now() + time;
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        thread::sleep(left.min(LOOK_EVERY));
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::sandbox::card::fault::Faults;
    use crate::sandbox::card::tests::{card, select_pse};

    /// A reader's end of the wire.
    struct Reader(TcpStream);

    impl Reader {
        fn accept(listener: &TcpListener) -> Self {
            Self(listener.accept().unwrap().0)
        }

        fn say(&mut self, payload: &[u8]) {
            send(&mut self.0, payload).unwrap();
        }

        /// Nothing when the card has left.
        fn hear(&mut self) -> Option<Vec<u8>> {
            let mut length = [0; 2];
            self.0.read_exact(&mut length).ok()?;
            let mut payload = vec![0; usize::from(u16::from_be_bytes(length))];
            self.0.read_exact(&mut payload).ok()?;
            Some(payload)
        }
    }

    const FIRST_SELECT: VpcdEvent = VpcdEvent::Command { number: 1, instruction: Some(0xA4) };

    struct Ending<'a>(&'a AtomicBool);

    impl Drop for Ending<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Runs a card against `reader`, then stops it, and gives what the card went through.
    fn visit(faults: Faults, again: Option<Duration>, reader: impl FnOnce(&TcpListener)) -> Vec<VpcdEvent> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let visit = Visit {
            address: listener.local_addr().unwrap().to_string(),
            insert_again_after: again,
            ..Visit::default()
        };
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let served = scope.spawn(|| {
                let mut events = Vec::new();
                let mut card = FaultyCard::new(card(), faults);
                serve(&mut card, &visit, &stop, |event| events.push(event)).unwrap();
                events
            });
            // Also when the reader's end fails: the scope would wait for the card for ever.
            let ending = Ending(&stop);
            reader(&listener);
            drop(ending);
            served.join().unwrap()
        })
    }

    #[test]
    fn the_card_answers_through_power_cycles_and_leaves_after_use() {
        let events = visit(Faults::default(), None, |listener| {
            let mut reader = Reader::accept(listener);
            reader.say(&[POWER_ON]);
            reader.say(&[ASK_ATR]);
            assert_eq!(reader.hear().unwrap(), card().atr());
            reader.say(&[POWER_OFF]);
            reader.say(&[POWER_ON]);
            reader.say(&[RESET]);
            reader.say(&[9]);
            reader.say(&select_pse());
            assert!(reader.hear().unwrap().ends_with(&[0x90, 0x00]));
            reader.say(&[POWER_OFF]);
            assert_eq!(reader.hear(), None);
        });
        assert_eq!(events, [VpcdEvent::Inserted, FIRST_SELECT, VpcdEvent::Released]);
    }

    #[test]
    fn a_torn_card_hangs_up_and_comes_again() {
        let faults = Faults { tear: Some(1), mute: None };
        let events = visit(faults, Some(Duration::ZERO), |listener| {
            let mut reader = Reader::accept(listener);
            reader.say(&select_pse());
            assert_eq!(reader.hear(), None);
            let mut reader = Reader::accept(listener);
            reader.say(&select_pse());
            assert!(reader.hear().unwrap().ends_with(&[0x90, 0x00]));
        });
        let again = [VpcdEvent::Inserted, FIRST_SELECT];
        assert_eq!(events[..5], [&again[..], &[VpcdEvent::Torn], &again].concat());
    }

    #[test]
    fn a_silent_card_stays_until_it_is_taken_out() {
        let faults = Faults { tear: None, mute: Some(1) };
        let events = visit(faults, Some(Duration::from_millis(1)), |listener| {
            let mut reader = Reader::accept(listener);
            reader.say(&select_pse());
            reader.say(&select_pse());
            assert_eq!(reader.hear(), None);
            Reader::accept(listener).say(&[POWER_ON]);
        });
        assert_eq!(events[..4], [VpcdEvent::Inserted, FIRST_SELECT, VpcdEvent::Silent, VpcdEvent::Inserted]);
    }

    #[test]
    fn a_reader_that_goes_away_is_waited_for() {
        let events = visit(Faults::default(), None, |listener| {
            drop(Reader::accept(listener));
            drop(Reader::accept(listener));
        });
        assert_eq!(events[..3], [VpcdEvent::Inserted, VpcdEvent::ReaderGone, VpcdEvent::Inserted]);
    }

    #[test]
    fn a_wrong_address_is_an_error() {
        let visit = Visit { address: "nowhere".to_owned(), ..Visit::default() };
        let mut card = FaultyCard::new(card(), Faults::default());
        let error = serve(&mut card, &visit, &AtomicBool::new(false), |_| ()).unwrap_err();
        assert!(error.to_string().contains(DEFAULT_ADDRESS), "{error}");
    }
}
