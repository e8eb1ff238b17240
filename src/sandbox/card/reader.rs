//! A card reader within the program, around a sandbox card: to try everything without pcscd. It waits for its customer by the
//! machine's own time, as a real reader does.

use std::thread;
use std::time::{Duration, Instant};

use super::fault::{FaultyCard, Reaction};
use crate::devices::reader::transport::exchange;
use crate::devices::reader::{CardReader, ReaderError};

/// A reader and a customer: the card comes some time after it is waited for and leaves when it is released.
#[derive(Debug)]
pub struct SandboxReader {
    card: FaultyCard,
    insert_after: Duration,
    place: Place,
}

/// Where the card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the customer's pocket.
    Away,
    /// On its way; in the reader from then on.
    Coming { at: Instant },
    /// In the reader.
    Inserted { silent: bool },
}

impl SandboxReader {
    /// A reader whose card comes `insert_after` the moment it is first waited for.
    pub const fn new(card: FaultyCard, insert_after: Duration) -> Self {
        Self { card, insert_after, place: Place::Away }
    }
}

impl CardReader for SandboxReader {
    fn name(&self) -> String {
        "Yima sandbox reader".to_owned()
    }

    fn check(&mut self) -> Result<(), ReaderError> {
        Ok(())
    }

    fn wait_for_card(&mut self, timeout: Duration) -> Result<Option<Vec<u8>>, ReaderError> {
        let now = Instant::now();
        let at = match self.place {
            Place::Away => now + self.insert_after,
            Place::Coming { at } => at,
            Place::Inserted { .. } => now,
        };
        let wait = at.saturating_duration_since(now);
        thread::sleep(wait.min(timeout));
        if wait > timeout {
            self.place = Place::Coming { at };
            return Ok(None);
        }
        self.place = Place::Inserted { silent: false };
        Ok(Some(self.card.power_on().to_vec()))
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        match self.place {
            Place::Inserted { silent: false } => {}
            Place::Inserted { silent: true } => return Err(ReaderError::CardMute),
            Place::Away | Place::Coming { .. } => return Err(ReaderError::CardTorn),
        }
        let (card, place) = (&mut self.card, &mut self.place);
        exchange(card.card().protocol(), command, |step| match card.transmit(step) {
            Reaction::Answer(answer) => Ok(answer),
            Reaction::Torn => {
                *place = Place::Away;
                Err(ReaderError::CardTorn)
            }
            Reaction::Silence => {
                *place = Place::Inserted { silent: true };
                Err(ReaderError::CardMute)
            }
        })
    }

    fn card_is_in(&mut self) -> Result<bool, ReaderError> {
        Ok(matches!(self.place, Place::Inserted { .. }))
    }

    fn release(&mut self) {
        self.place = Place::Away;
    }

    fn wait_for_removal(&mut self, timeout: Duration) -> Result<bool, ReaderError> {
        let gone = !matches!(self.place, Place::Inserted { .. });
        if !gone {
            thread::sleep(timeout);
        }
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::card::fault::Faults;
    use crate::sandbox::card::tests::{card, select_pse};

    fn reader(faults: Faults, insert_after: Duration) -> SandboxReader {
        SandboxReader::new(FaultyCard::new(card(), faults), insert_after)
    }

    #[test]
    fn the_card_comes_when_it_is_waited_for_and_leaves_when_it_is_released() {
        let mut reader = reader(Faults::default(), Duration::from_millis(30));
        assert_eq!(reader.wait_for_card(Duration::from_millis(1)), Ok(None));
        let atr = reader.wait_for_card(Duration::from_secs(60)).unwrap();
        assert_eq!(atr.as_deref(), Some(reader.card.card().atr()));
        assert!(reader.transmit(&select_pse()).unwrap().ends_with(&[0x90, 0x00]));
        assert_eq!(reader.wait_for_removal(Duration::ZERO), Ok(false));
        reader.release();
        assert_eq!(reader.wait_for_removal(Duration::ZERO), Ok(true));
        assert_eq!(reader.transmit(&select_pse()), Err(ReaderError::CardTorn));
    }

    #[test]
    fn a_torn_card_is_gone_and_good_again_the_next_time() {
        let mut reader = reader(Faults { tear: Some(2), mute: None }, Duration::ZERO);
        reader.wait_for_card(Duration::ZERO).unwrap().unwrap();
        // T=0: the answer to SELECT is fetched by a second command.
        assert_eq!(reader.transmit(&select_pse()), Err(ReaderError::CardTorn));
        assert_eq!(reader.wait_for_removal(Duration::ZERO), Ok(true));
        reader.wait_for_card(Duration::ZERO).unwrap().unwrap();
        assert!(reader.transmit(&select_pse()).is_ok());
    }

    #[test]
    fn a_mute_card_stays_in_and_stays_mute() {
        let mut reader = reader(Faults { tear: None, mute: Some(1) }, Duration::ZERO);
        reader.wait_for_card(Duration::ZERO).unwrap().unwrap();
        assert_eq!(reader.transmit(&select_pse()), Err(ReaderError::CardMute));
        assert_eq!(reader.transmit(&select_pse()), Err(ReaderError::CardMute));
        assert_eq!(reader.wait_for_removal(Duration::ZERO), Ok(false));
    }
}
