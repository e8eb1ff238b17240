//! Codes of people from standard input, a line each: never from an argument, which every other program can read. What is typed at a
//! terminal is not echoed.

use std::io;
use std::time::Duration;

use super::output;
use super::typed_pin::{Interruptions, Typed, TypedPins};
use crate::app::attending::Wanted;
use crate::people::Code;
use crate::pin::Pin;

/// How often it is looked whether a code has been typed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks for a code and reads it. What would end the program meanwhile is kept until [`Interruptions::let_go`].
///
/// # Errors
/// When there is none, or it is not 4 to 8 digits.
pub fn read(wanted: Wanted) -> io::Result<Code> {
    output::note(&match wanted {
        Wanted::Of(number) => format!("code of {number}:"),
        Wanted::New(number) => format!("new code of {number}:"),
        Wanted::Again(_) => "the same once more:".to_owned(),
    });
    let mut typed = TypedPins::on_standard_input(Interruptions::keep()?)?;
    let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "a code has 4 to 8 digits");
    let code = loop {
        typed.end_if_interrupted()?;
        match typed.look()? {
            None => std::thread::sleep(LOOK_EVERY),
            Some(Typed::Pin(pin)) => break code_of(&pin).ok_or_else(wrong),
            Some(Typed::Nothing | Typed::Wrong(_)) => break Err(wrong()),
            Some(Typed::End) => break Err(io::ErrorKind::UnexpectedEof.into()),
        }
    };
    drop(typed);
    code
}

fn code_of(typed: &Pin) -> Option<Code> {
    Code::new(typed.expose_digits().to_vec().into()).ok()
}
