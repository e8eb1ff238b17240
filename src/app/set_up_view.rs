//! What a screen is told of how the terminal is set up, and what somebody at it wants with that: tills that are paired, and the test of the
//! printer.

use zeroize::Zeroizing;

use crate::receipt::set_up::Question;
use crate::till::TillName;
use crate::wording::Reason;

/// Tills that are listed: the first ones by their names.
pub const TILLS_SHOWN: usize = 4;

/// What somebody wants. A pairing code is in none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetUpIntent {
    /// See how the terminal is set up.
    Show,
    /// Pair a till: one that is known by its name again, or another one.
    Pair(Option<TillName>),
    /// The code that is shown counts no more.
    EndPairing,
    /// Print the sheet that finds out what the printer can do.
    TestPrinter,
    /// The answer to the question about the sheet.
    Answer(bool),
    /// Leave the test; nothing is kept.
    LeaveTest,
}

/// How the terminal is set up, as a screen shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUpView {
    /// How it stands with tills.
    pub tills: TillsView,
    /// The test of the printer.
    pub test: TestView,
    /// What was not done.
    pub notice: Option<Reason>,
}

/// How it stands with tills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TillsView {
    /// The settings have no place where tills are listened to.
    NotListening,
    /// Nobody is being paired; who is.
    Listed(Vec<TillName>),
    /// This code is to be typed at a till.
    Code {
        /// What the till will be called.
        name: TillName,
        /// The code.
        code: ShownPairingCode,
        /// Seconds for which it counts.
        left_s: u64,
        /// Wrong codes so far.
        wrong: u32,
    },
    /// The till has its key.
    Paired(TillName),
    /// The code counts no more: its time is over, or too many were wrong.
    Over(TillName),
}

/// A pairing code on the screen: it masks itself, since a view may be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownPairingCode(pub Zeroizing<String>);

impl std::fmt::Debug for ShownPairingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShownPairingCode(…)")
    }
}

/// Where the test of the printer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestView {
    /// Nobody tests it.
    None,
    /// The sheet is being printed.
    Printing,
    /// Somebody looks at the sheet and is asked this.
    Asks(Question),
    /// What was found is kept, and counts from the next start on: the profile's title.
    Found(String),
}
