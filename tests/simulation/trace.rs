//! What happened in a day, as a number that is the same whenever the same happened, and as lines for people.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

/// Shared by everything that does something.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<Kept>>);

struct Kept {
    /// FNV-1a.
    hash: u64,
    lines: Option<Vec<String>>,
    text: String,
}

impl Trace {
    /// `lines` are kept only for people who want to read them.
    pub fn new(lines: bool) -> Self {
        let lines = lines.then(Vec::new);
        Self(Arc::new(Mutex::new(Kept { hash: 0xCBF2_9CE4_8422_2325, lines, text: String::new() })))
    }

    pub fn note(&self, what: std::fmt::Arguments<'_>) {
        let mut kept = self.0.lock().unwrap();
        let kept = &mut *kept;
        kept.text.clear();
        let time = yima::clock::local();
        write!(kept.text, "{} {what}", time.strftime("%H:%M:%S%.3f")).unwrap();
        for byte in kept.text.bytes() {
            kept.hash = (kept.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        if let Some(lines) = &mut kept.lines {
            lines.push(kept.text.clone());
        }
    }

    pub fn hash(&self) -> u64 {
        self.0.lock().unwrap().hash
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().lines.clone().unwrap_or_default()
    }
}
