//! A card reader whose cards are elsewhere: what the terminal's process and the test's say to each other about them.

use std::io::{Read, Result, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use yima::card_number::TypedCard;
use yima::devices::reader::transport::{Protocol, exchange};
use yima::devices::reader::{CardReader, ReaderError};
use zeroize::Zeroizing;

/// What the terminal wants: the card of a sale, an answer to a command, or what somebody who reads a card types.
pub const CARD: u8 = b'C';
pub const COMMAND: u8 = b'T';
pub const TYPED: u8 = b'N';

/// What comes back: data, a card that left, one that is silent.
pub const ANSWER: u8 = b'A';
pub const TORN: u8 = b'L';
pub const SILENCE: u8 = b'S';

/// Sends a word and its data. Nothing of it stays here.
pub fn say(stream: &mut UnixStream, word: u8, data: &[u8]) -> Result<()> {
    let [high, low] = u16::try_from(data.len()).unwrap().to_be_bytes();
    stream.write_all(&[word, high, low])?;
    stream.write_all(data)
}

/// Hears a word and its data.
pub fn hear(stream: &mut UnixStream) -> Result<(u8, Zeroizing<Vec<u8>>)> {
    let mut head = [0; 3];
    stream.read_exact(&mut head)?;
    let mut data = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))]);
    stream.read_exact(&mut data)?;
    Ok((head[0], data))
}

/// The reader, on the terminal's side. Steps of T=0 are its own, as those of a real one.
pub struct SocketReader {
    stream: UnixStream,
    sale: Arc<AtomicUsize>,
    protocol: Protocol,
    card_is_in: bool,
}

impl SocketReader {
    /// A reader to which comes whoever pays the sale of this number.
    pub fn new(socket: &Path, sale: Arc<AtomicUsize>) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        Self { stream, sale, protocol: Protocol::T0, card_is_in: false }
    }
}

impl CardReader for SocketReader {
    fn name(&self) -> String {
        "a reader elsewhere".to_owned()
    }

    fn check(&mut self) -> std::result::Result<(), ReaderError> {
        Ok(())
    }

    fn wait_for_card(&mut self, time: Duration) -> std::result::Result<Option<Vec<u8>>, ReaderError> {
        let sale = self.sale.load(Ordering::SeqCst) as u64;
        say(&mut self.stream, CARD, &sale.to_be_bytes()).map_err(failed)?;
        let (word, atr) = hear(&mut self.stream).map_err(failed)?;
        if word != ANSWER {
            // It is swiped.
            std::thread::sleep(time.min(Duration::from_millis(20)));
            return Ok(None);
        }
        self.protocol = Protocol::of_atr(&atr);
        self.card_is_in = true;
        Ok(Some(atr.to_vec()))
    }

    fn transmit(&mut self, command: &[u8]) -> std::result::Result<Vec<u8>, ReaderError> {
        if !self.card_is_in {
            return Err(ReaderError::CardTorn);
        }
        let (stream, card_is_in) = (&mut self.stream, &mut self.card_is_in);
        exchange(self.protocol, command, |step| {
            say(stream, COMMAND, step).map_err(failed)?;
            let (word, data) = hear(stream).map_err(failed)?;
            match word {
                ANSWER => Ok(data.to_vec()),
                TORN => {
                    *card_is_in = false;
                    Err(ReaderError::CardTorn)
                }
                _ => Err(ReaderError::CardMute),
            }
        })
    }

    fn card_is_in(&mut self) -> std::result::Result<bool, ReaderError> {
        Ok(self.card_is_in)
    }

    fn release(&mut self) {
        self.card_is_in = false;
    }

    fn wait_for_removal(&mut self, _: Duration) -> std::result::Result<bool, ReaderError> {
        Ok(!self.card_is_in)
    }
}

/// A hand that types what stands on a card.
pub struct TypingHand(UnixStream);

impl TypingHand {
    pub fn new(socket: &Path) -> Self {
        Self(UnixStream::connect(socket).unwrap())
    }

    /// Number and expiry of the card of a sale.
    pub fn reads(&mut self, sale: usize) -> TypedCard {
        say(&mut self.0, TYPED, &(sale as u64).to_be_bytes()).unwrap();
        let (_, digits) = hear(&mut self.0).unwrap();
        let (number, expiry) = std::str::from_utf8(&digits).unwrap().split_once(' ').unwrap();
        TypedCard::parse(number, expiry).unwrap()
    }
}

fn failed(error: std::io::Error) -> ReaderError {
    ReaderError::Failed(error.to_string())
}
