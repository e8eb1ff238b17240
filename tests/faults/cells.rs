//! The matrix as data: which messages, which faults, what makes no sense, and where a payment must end.

use yima::payment::record::State;

use crate::fault_proxy::{Change, Fault, Kind, Way};
use crate::terminal::Act;

/// The messages, as the rows of the table.
pub const KINDS: [Kind; 11] = [
    Kind::SignOn,
    Kind::Echo,
    Kind::Sale,
    Kind::Reversal,
    Kind::CardResult,
    Kind::ScriptResult,
    Kind::List,
    Kind::Fetch,
    Kind::Table,
    Kind::End,
    Kind::Status,
];

/// The faults by their columns, with what each variant of one is.
pub const FAULTS: [(&str, &[(&str, Trouble)]); 13] = [
    ("not sent", &[("no connection", Trouble::Refused), ("swallowed", Trouble::Told(Fault::Swallowed))]),
    ("half sent", &[("", Trouble::Told(Fault::HalfSent))]),
    ("lost after commit", &[("", Trouble::Told(Fault::Lost))]),
    (
        "late",
        &[
            ("answer, in time", Trouble::Told(Fault::Delayed)),
            ("answer", Trouble::Told(Fault::LateAnswer)),
            ("request", Trouble::Told(Fault::LateRequest)),
        ],
    ),
    (
        "duplicated",
        &[
            ("request, first answer", Trouble::Told(Fault::TwiceFirstAnswer)),
            ("request, second answer", Trouble::Told(Fault::TwiceSecondAnswer)),
            ("answer", Trouble::Told(Fault::AnswerTwice)),
        ],
    ),
    (
        "reordered",
        &[("older answer", Trouble::Told(Fault::OlderAnswer)), ("overtaken", Trouble::Told(Fault::Overtaken))],
    ),
    ("bad MAC", &[("answer", answer(Change::Mac)), ("request", request(Change::Mac))]),
    (
        "no MAC",
        &[
            ("answer", answer(Change::NoMac)),
            ("request", request(Change::NoMac)),
            ("answer says 97", answer(Change::Unknown)),
        ],
    ),
    ("wrong STAN", &[("answer", answer(Change::Stan)), ("request", request(Change::Stan))]),
    ("wrong amount", &[("answer", answer(Change::Amount)), ("request", request(Change::Amount))]),
    ("wrong terminal", &[("answer", answer(Change::Terminal)), ("request", request(Change::Terminal))]),
    (
        "502",
        &[
            ("before commit", Trouble::Told(Fault::BadGateway { reached: false })),
            ("after commit", Trouble::Told(Fault::BadGateway { reached: true })),
        ],
    ),
    (
        "HTML",
        &[
            ("before commit", Trouble::Told(Fault::Page { reached: false })),
            ("after commit", Trouble::Told(Fault::Page { reached: true })),
            ("called a message", Trouble::Told(Fault::PageAsMessage { reached: true })),
        ],
    ),
];

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection ends before its handshake does.
    Refused,
    /// A fault of the proxy.
    Told(Fault),
}

/// What becomes of the terminal's process meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// It goes on.
    Running,
    /// It is killed when the fault strikes, and started again.
    Killed,
}

/// One cell: a message, a fault, a fate.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub kind: Kind,
    pub column: &'static str,
    pub variant: &'static str,
    pub trouble: Trouble,
    pub power: Power,
}

const fn answer(change: Change) -> Trouble {
    Trouble::Told(Fault::Changed(Way::Answer, change))
}

const fn request(change: Change) -> Trouble {
    Trouble::Told(Fault::Changed(Way::Request, change))
}

/// All cells, those that make no sense among them.
pub fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    for kind in KINDS {
        for (column, variants) in FAULTS {
            for (variant, trouble) in variants {
                for power in [Power::Running, Power::Killed] {
                    cells.push(Cell { kind, column, variant, trouble: *trouble, power });
                }
            }
        }
    }
    cells
}

impl Cell {
    /// Whether `./dev test` plays it: all of them would take two minutes. What moves money is killed in every way.
    pub fn is_in_the_short_run(&self) -> bool {
        self.power == Power::Running || matches!(self.kind, Kind::Sale | Kind::Reversal)
    }

    /// Why there is nothing to try.
    pub fn makes_no_sense(&self) -> Option<&'static str> {
        let Trouble::Told(fault) = self.trouble else { return None };
        let bare = matches!(self.kind, Kind::Echo | Kind::List | Kind::Fetch | Kind::Table | Kind::End | Kind::Status);
        match fault {
            Fault::Changed(_, Change::Mac | Change::NoMac) if self.kind == Kind::SignOn => {
                Some("it brings the MAC key and carries no MAC")
            }
            Fault::Changed(_, Change::Amount) if self.kind == Kind::SignOn => Some("it names no amount"),
            Fault::OlderAnswer if self.kind == Kind::SignOn => Some("it is the first message: no answer is older"),
            Fault::Changed(_, Change::Mac | Change::NoMac) if self.kind == Kind::Echo => Some("an echo carries no MAC"),
            Fault::Changed(_, Change::Stan) if bare => Some("it has no STAN"),
            Fault::Changed(_, Change::Amount) if bare => Some("it names no amount"),
            Fault::OlderAnswer if self.kind == Kind::Echo => Some("echoes have no number: an older answer is the same"),
            _ => None,
        }
    }

    /// What is done at the terminal for this message to be sent.
    pub fn act(&self) -> Act {
        match self.kind {
            Kind::SignOn | Kind::Echo => Act::Start,
            // A status report is ordered by the answer to a payment.
            Kind::Sale | Kind::Reversal | Kind::CardResult | Kind::Status => {
                Act::Pay { minor: 12_34, times: self.nth() }
            }
            // The issuer sends a script to the card.
            Kind::ScriptResult => Act::Pay { minor: 68_02, times: self.nth() },
            Kind::List | Kind::Fetch | Kind::Table | Kind::End | Kind::NoSale | Kind::Other => Act::Fetch,
        }
    }

    /// Which message of its kind it is: an older answer needs an older message. Before a status report there is always one.
    pub fn nth(&self) -> usize {
        if self.trouble == Trouble::Told(Fault::OlderAnswer) && self.kind != Kind::Status { 2 } else { 1 }
    }

    /// Where the payments end, the one with the fault last.
    pub fn payments(&self) -> Vec<&'static [State]> {
        const APPROVED: &[State] = &[State::Approved];
        const REVERSED: &[State] = &[State::Reversed];
        match self.kind {
            Kind::Sale if self.nth() > 1 => vec![APPROVED, self.faulty_sale()],
            Kind::Sale => vec![self.faulty_sale()],
            Kind::Reversal => vec![REVERSED; self.nth()],
            Kind::CardResult | Kind::ScriptResult | Kind::Status => vec![APPROVED; self.nth()],
            // One is made afterwards, to see that it can be.
            Kind::SignOn | Kind::Echo => vec![APPROVED],
            // It brings the host's order to fetch again.
            Kind::List | Kind::Fetch | Kind::Table | Kind::End | Kind::NoSale | Kind::Other
                if self.power == Power::Killed =>
            {
                vec![APPROVED]
            }
            Kind::List | Kind::Fetch | Kind::Table | Kind::End | Kind::NoSale | Kind::Other => Vec::new(),
        }
    }

    /// Where a sale ends that meets this fault.
    fn faulty_sale(&self) -> &'static [State] {
        match (self.trouble, self.power) {
            (Trouble::Refused, Power::Running) => &[State::Declined],
            // The answer is the right one, whenever and however often it comes.
            (
                Trouble::Told(Fault::Delayed | Fault::TwiceFirstAnswer | Fault::TwiceSecondAnswer | Fault::AnswerTwice),
                Power::Running,
            ) => &[State::Approved],
            (Trouble::Refused | Trouble::Told(_), _) => &[State::Reversed],
        }
    }
}
