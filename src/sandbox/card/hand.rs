//! A reader within the program into which somebody puts cards by hand: one after another, whichever they like.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::SandboxCard;
use super::fault::{Faults, FaultyCard};
use super::reader::SandboxReader;
use crate::devices::reader::{CardReader, ReaderError};

/// Puts cards into a [`HandedReader`].
#[derive(Clone, Debug)]
pub struct Hand(Sender<SandboxCard>);

/// A reader, and the hand that puts cards into it.
pub fn reader_and_hand() -> (HandedReader, Hand) {
    let (sender, handed) = channel();
    (HandedReader { handed, inside: None }, Hand(sender))
}

impl Hand {
    /// Puts a card in. It is there as soon as a card is waited for, and leaves when it is released; one that nobody waited for until
    /// then was taken back again.
    pub fn insert(&self, card: SandboxCard) {
        // A reader that is gone takes no card, and nobody waits for it.
        let _ = self.0.send(card);
    }
}

/// The reader.
#[derive(Debug)]
pub struct HandedReader {
    handed: Receiver<SandboxCard>,
    inside: Option<SandboxReader>,
}

impl CardReader for HandedReader {
    fn name(&self) -> String {
        "Yima training reader".to_owned()
    }

    fn check(&mut self) -> Result<(), ReaderError> {
        Ok(())
    }

    fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
        if self.inside.is_none() {
            let card = match self.handed.recv_timeout(timeout) {
                Ok(card) => card,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(timeout);
                    return Ok(None);
                }
            };
            self.inside = Some(SandboxReader::new(FaultyCard::new(card, Faults::default()), Duration::ZERO));
        }
        self.inside.as_mut().map_or(Ok(None), |inside| inside.wait_for_card(timeout))
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.inside.as_mut().ok_or(ReaderError::CardTorn)?.transmit(command)
    }

    fn card_is_in(&mut self) -> Result<bool, ReaderError> {
        self.inside.as_mut().map_or(Ok(false), SandboxReader::card_is_in)
    }

    fn release(&mut self) {
        self.inside = None;
        while self.handed.try_recv().is_ok() {}
    }

    fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError> {
        self.inside.as_mut().map_or(Ok(true), |inside| inside.wait_for_removal(timeout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::card::tests::{card, select_pse};

    const SOON: Duration = Duration::from_millis(1);

    #[test]
    fn a_card_is_in_from_when_it_is_put_there_until_it_is_released() {
        let (mut reader, hand) = reader_and_hand();
        assert_eq!(reader.wait_for_card(SOON), Ok(None));
        assert_eq!(reader.transmit(&select_pse()), Err(ReaderError::CardTorn));
        hand.insert(card());
        let atr = reader.wait_for_card(SOON).unwrap().unwrap();
        assert_eq!(atr, card().atr());
        assert!(reader.card_is_in().unwrap() && !reader.wait_for_removal(SOON).unwrap());
        assert!(reader.transmit(&select_pse()).unwrap().ends_with(&[0x90, 0x00]));
        reader.release();
        assert!(!reader.card_is_in().unwrap() && reader.wait_for_removal(SOON).unwrap());
        assert_eq!(reader.wait_for_card(SOON), Ok(None), "it was taken along");
    }

    #[test]
    fn what_was_put_in_twice_does_not_pay_the_next_time() {
        let (mut reader, hand) = reader_and_hand();
        hand.insert(card());
        hand.insert(card());
        reader.wait_for_card(SOON).unwrap().unwrap();
        reader.release();
        assert_eq!(reader.wait_for_card(SOON), Ok(None));
    }
}
