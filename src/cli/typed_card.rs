//! Number and expiry of a card from standard input, a line each: never from an argument, which every other program can read. What is typed
//! at a terminal is not echoed.

use std::io;
use std::time::Duration;

use super::typed_pin::{Interruptions, TypedLines};
use super::{Failure, output};
use crate::card_number::TypedCard;

/// The most digits of a number, and of a longer line one more than shows that it is none.
const MOST_DIGITS: usize = 20;

/// How often it is looked whether a line has been typed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks for number and expiry and reads them. What would end the program meanwhile is kept until [`Interruptions::let_go`].
///
/// # Errors
/// When they are not there, or are none. They are never part of the message.
pub fn read() -> Result<TypedCard, Failure> {
    let mut lines = TypedLines::on_standard_input(Interruptions::keep()?, MOST_DIGITS)?;
    output::note("card number:");
    let number = line(&mut lines)?;
    output::note("expiry, as on the card (MMYY):");
    let expiry = line(&mut lines)?;
    let text = |line: &[u8]| std::str::from_utf8(line).unwrap_or_default().to_owned();
    let (number, expiry) = (zeroize::Zeroizing::new(text(&number)), zeroize::Zeroizing::new(text(&expiry)));
    Ok(TypedCard::parse(number.trim_ascii(), expiry.trim_ascii())?)
}

fn line(lines: &mut TypedLines) -> io::Result<zeroize::Zeroizing<Vec<u8>>> {
    loop {
        lines.end_if_interrupted()?;
        match lines.look()? {
            None => std::thread::sleep(LOOK_EVERY),
            Some(Some(line)) => return Ok(line),
            Some(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
