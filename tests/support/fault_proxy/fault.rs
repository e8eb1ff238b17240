//! What can go wrong with a message, and which messages there are.

use std::time::Duration;

use yima::iso8583::Message;

/// What a message is about, told from its type and its network management code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// 0800: new working keys.
    SignOn,
    /// 0820, 301: is the host there?
    Echo,
    /// 0200, a sale.
    Sale,
    /// 0100, 0200, 0220: what else is done with a card.
    NoSale,
    /// 0400.
    Reversal,
    /// 0320: the card's TC.
    CardResult,
    /// 0620: what came of the issuer's scripts.
    ScriptResult,
    /// 0820: which CA keys or applications there are.
    List,
    /// 0800: one of them.
    Fetch,
    /// 0800: one of the acquirer's tables, or part of it.
    Table,
    /// 0800: all of them are in their place.
    End,
    /// 0820: how the terminal is.
    Status,
    /// Anything else.
    Other,
}

impl Kind {
    /// What this request is about.
    pub fn of(request: &Message) -> Self {
        let code = request.text(60).and_then(|text| text.get(8..11)).unwrap_or_default();
        match (request.mti().number(), code) {
            (200, _) if request.text(60).is_some_and(|text| text.starts_with("22")) => Self::Sale,
            (100 | 200 | 220, _) => Self::NoSale,
            (400, _) => Self::Reversal,
            (320, _) => Self::CardResult,
            (620, _) => Self::ScriptResult,
            (800, "001" | "003" | "004") => Self::SignOn,
            (820, "301") => Self::Echo,
            (820, "372" | "382") => Self::List,
            (800, "370" | "380") => Self::Fetch,
            (800, "360" | "390" | "392" | "394") => Self::Table,
            (800, "371" | "381" | "361" | "391" | "393" | "395") => Self::End,
            (820, "362") => Self::Status,
            _ => Self::Other,
        }
    }
}

/// Which of the two messages of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the terminal to the host.
    Request,
    /// Back.
    Answer,
}

/// What is changed in a message.
///
/// A request is changed by somebody who does not have the key: its MAC is left as it was. An answer gets a right MAC after
/// the change, so that nothing but the terminal's own look at the field can find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Field 64 is another; nothing else.
    Mac,
    /// Field 64 is missing; nothing else.
    NoMac,
    /// An answer says 97, as a host does that does not know the terminal and so makes no MAC: what else it said is gone.
    Unknown,
    /// Field 11 is the next one.
    Stan,
    /// Field 4 is one cent less.
    Amount,
    /// Field 41 is the next one.
    Terminal,
}

/// How long a delayed answer takes.
pub const DELAY: Duration = Duration::from_millis(700);

/// What goes wrong with one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is taken from the terminal and lost before it reaches the host.
    Swallowed,
    /// Half of the request reaches the host, then both connections are cut.
    HalfSent,
    /// The host has answered; the answer is lost.
    Lost,
    /// The answer takes its time ([`DELAY`]), but comes while the terminal waits.
    Delayed,
    /// The answer comes when the terminal has given up.
    LateAnswer,
    /// The request reaches the host when the test says so ([`super::message::MessageProxy::release`]), long after the
    /// terminal has given it up.
    LateRequest,
    /// The request reaches the host after the terminal's next message.
    Overtaken,
    /// The request reaches the host twice; the terminal gets the first answer.
    TwiceFirstAnswer,
    /// The same, and the terminal gets the second answer.
    TwiceSecondAnswer,
    /// The answer is delivered twice on the same connection.
    AnswerTwice,
    /// In place of the answer comes the one to an older message: of the same kind if there was one.
    OlderAnswer,
    /// A field is another.
    Changed(Way, Change),
    /// A gateway answers 502 in place of the host, which may have answered before or never got the request.
    BadGateway { reached: bool },
    /// A captive portal's page comes with HTTP 200.
    Page { reached: bool },
    /// The same page under the content type of a message.
    PageAsMessage { reached: bool },
}
