//! Printing for people and for programs.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::link_fault::LinkFault;
use crate::wording::{Language, Reason};

/// Something that was to be printed could not be.
static LOST: AtomicBool = AtomicBool::new(false);

/// What is said is said of a training.
static TRAINING: AtomicBool = AtomicBool::new(false);

/// A line on standard output. When nobody reads it any more (`| head`), the command goes on and its exit code counts.
pub fn say(line: &str) {
    if let Err(error) = writeln!(std::io::stdout(), "{line}")
        && error.kind() != ErrorKind::BrokenPipe
        && !LOST.swap(true, Ordering::Relaxed)
    {
        note(&format!("yima: standard output cannot be written: {error}"));
    }
}

/// Bytes of a file on standard output, as they are.
///
/// # Errors
/// When they cannot be written.
pub fn bytes(content: &[u8]) -> Result<(), std::io::Error> {
    let mut output = std::io::stdout().lock();
    output.write_all(content)?;
    output.flush()
}

/// Whether something that was to be printed is lost though somebody wanted it: a full disk, not a closed pipe.
pub fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// A line on standard error, for what is neither result nor log.
pub fn note(line: &str) {
    // Whoever read it may be gone; the payment goes on.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// JSON on standard output, indented. In a training each object in it says so.
pub fn json(value: &Value) {
    // A value that was built in memory always has a text form.
    match TRAINING.load(Ordering::Relaxed) {
        false => say(&format!("{value:#}")),
        true => say(&format!("{:#}", marked(value.clone()))),
    }
}

/// From now on all that is said is said of a training.
pub fn is_training() {
    TRAINING.store(true, Ordering::Relaxed);
}

/// What is said is said of a training.
pub fn in_training() -> bool {
    TRAINING.load(Ordering::Relaxed)
}

fn marked(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(marked).collect()),
        Value::Object(mut fields) => {
            fields.insert("training".to_owned(), Value::Bool(true));
            Value::Object(fields)
        }
        other => other,
    }
}

/// An error with its causes on standard error.
pub fn complain(error: &(dyn std::error::Error + 'static)) {
    note(&format!("yima: {error}"));
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            note(&format!("  because: {text}"));
        }
        said = text;
        cause = error.source();
    }
}

/// A reason as a program reads it: the cause, and what there is to say of it now.
pub fn reason(reason: &Reason, said: &Reason, language: Language) -> Value {
    let sentences = said.sentences(language);
    serde_json::json!({
        "kind": reason.kind.word(),
        "what": sentences.what,
        "do": sentences.advice,
        // What is read to the help desk; only a line that failed has one.
        "code": reason.fault.map(LinkFault::code),
        "detail": reason.detail,
    })
}
