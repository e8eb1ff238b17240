//! A day as data: who comes, and what goes wrong. It follows from its seed; leaving parts of it out gives shorter days.

mod making;

use crate::disk::{Moment, Survives, Trouble};
use crate::fault_proxy::fault::{Change, Way};

/// A day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    pub parts: Vec<Part>,
}

/// A part of a day that can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Somebody comes to pay.
    Customer(Customer),
    /// The so-manieth exchange with the host, counted from 0, meets a fault.
    Line(u32, OnLine),
    /// The host cannot be reached from this second on, for so many.
    Outage(u64, u64),
    /// The host does something in this second.
    Host(u64, HostDeed),
    /// The power goes.
    Cut(CutAt, Survives),
    /// So many of the terminal's writes and syncs meet trouble, from this one on, counted from 0.
    Disk(u64, u64, Trouble),
    /// The so-manieth slip meets a fault.
    Paper(u32, OnPaper),
    /// Somebody settles in this second.
    Settle(u64, Settling),
    /// The terminal settles every night by itself, and the day goes over one.
    SettlesAtNight,
    /// The terminal settles with so many payments by itself.
    SettlesWith(u32),
    /// When nothing goes wrong any more, somebody settles what is left.
    SettlesAtLast,
    /// In this second the terminal's clock is set so many seconds ahead, or back, and right again so many seconds later.
    Clock(u64, i64, u64),
    /// The terminal has never been on before: its ledger is made on this day.
    FirstStart,
}

/// Somebody who pays once, and perhaps needs several tries for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Seconds after the one before.
    pub after_s: u64,
    pub minor: u64,
    pub card: &'static str,
    pub wrong_pins: u32,
    pub card_fault: Option<CardFault>,
    /// Payments the customer is ready to begin.
    pub tries: u32,
    /// Charges again while it is not known what became of the payment before.
    pub insists: bool,
    /// Somebody presses Cancel, once, in this part of the payment.
    pub cancels: Option<Cancels>,
    /// The button is touched twice.
    pub touches_twice: bool,
    /// The card stays in the reader after the payment until somebody says so.
    pub forgets_card: bool,
    /// Comes back with the card when it is paid.
    pub regrets: Option<Regret>,
    /// What pays the rest where the card pays a part; none, where nobody pays it.
    pub rest: Option<Rest>,
    /// Pays by code in place of the card.
    pub phone: Option<Phone>,
    /// Pays in cash in place of the card.
    pub cash: Option<Cash>,
    /// The card may pay without its bank.
    pub offline: Option<Offline>,
    /// Pays with the card in so many periods.
    pub periods: Option<u8>,
}

/// When a cashier sells without the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// From the beginning.
    AtOnce,
    /// Where the terminal offers it, because the bank was not reached.
    WhenOffered,
    /// From the second try on, whatever became of the first.
    AtLast,
}

/// What pays the rest of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Card(&'static str),
    Phone(Phone),
    Cash(Cash),
}

/// A wallet, and what its owner does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Which of the host's wallets.
    pub wallet: &'static str,
    /// Who shows a code to whom.
    pub shows: Shows,
    /// What the owner does when there is something to be paid on the phone.
    pub does: OnPhone,
    /// Seconds until then.
    pub after_s: u64,
    /// Takes the card from the second try on.
    pub gives_up: bool,
}

/// Who shows a code to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// The customer, and it is good.
    Customer,
    /// The customer, who made it too long ago.
    CustomerOld,
    /// The customer, again the one of the try before.
    CustomerUsed,
    /// The terminal.
    Terminal,
}

/// What somebody does with a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPhone {
    /// Pays, with the password where that is wanted.
    Pays,
    /// Types so many wrong passwords first.
    Mistypes(u32),
    /// Refuses.
    Refuses,
    /// Closes it.
    Nothing,
    /// Refuses, and pays all the same a little later.
    Wavers,
}

/// What somebody gives in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cash {
    /// Minor units more than is to be paid.
    pub more: u64,
    /// One too little is said first.
    pub miscounts: bool,
}

/// How somebody settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// When the keypad is on the screen, by the screen.
    AtTheKeypad,
    /// At once, whatever happens at the counter.
    AtOnce,
    /// At once, and without waiting for what people have not decided.
    WithoutUndecided,
}

/// What a customer who has paid comes back for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regret {
    /// The sale is to be undone.
    Void,
    /// So many percent of it are to go back, so many times.
    Refund { percent: u64, times: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancels {
    BeforeCard,
    WhileProcessing,
}

/// What happens to a card at one of its commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardFault {
    /// Which command, counted from 1.
    pub at: u32,
    /// The card has carried it out already.
    pub done: bool,
    /// It falls silent in place of being torn out.
    pub mute: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLine {
    /// No connection.
    Unreachable,
    /// The request is lost.
    RequestLost,
    /// The host has answered; the answer is lost.
    AnswerLost,
    /// The answer takes so many seconds, but comes in time.
    Slow(u64),
    /// The request comes to the host after so many seconds, when the terminal has given it up.
    RequestLate(u64),
    /// The request comes to the host behind the next one.
    Overtaken,
    /// The request comes to the host twice.
    Twice { second_answer: bool },
    /// An answer to something before, in place of the request's own, or of the request.
    OlderAnswer { reached: bool },
    /// A field is another.
    Forged(Way, Change),
    /// A gateway's 502.
    Gateway { reached: bool },
    /// A page, as itself or under the content type of a message.
    Page { reached: bool, as_message: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostDeed {
    /// Shares no keys with the terminal any more: answers A0.
    ForgetsKeys,
    /// Orders a sign-on.
    OrdersSignOn,
    /// Names another batch with the next sign-on.
    NextBatch,
    /// Does not answer reversals, for so many seconds.
    DeafToReversals(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutAt {
    /// At one of the terminal's writes and syncs, counted from 0.
    Operation(u64, Moment),
    /// In this second.
    Second(u64),
    /// After the so-manieth job was given to a device, before anybody hears what came of it.
    Job(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPaper {
    /// Printed, and nothing says so.
    Unconfirmed,
    /// No paper; somebody puts a roll in.
    Refilled,
    /// No paper, and nobody puts a roll in.
    Out,
    /// It stopped in the middle.
    Torn,
}

impl Customer {
    /// Who comes when nothing goes wrong any more, and must be able to pay.
    pub const LAST: Self = Self {
        after_s: 0,
        minor: 1_00,
        card: "cvm-none",
        wrong_pins: 0,
        card_fault: None,
        tries: 3,
        insists: false,
        cancels: None,
        touches_twice: false,
        forgets_card: false,
        regrets: None,
        rest: None,
        phone: None,
        cash: None,
        offline: None,
        periods: None,
    };
}

impl Plan {
    /// Somebody or something settles on this day.
    pub fn settles(&self) -> bool {
        self.parts.iter().any(|part| {
            matches!(part, Part::Settle(..) | Part::SettlesAtNight | Part::SettlesWith(_) | Part::SettlesAtLast)
        })
    }

    /// The acquirer of this day lets issuers approve parts.
    pub const fn takes_parts(&self) -> bool {
        making::is_day_of_parts(self.seed)
    }

    /// It lets the terminal sell offline.
    pub fn sells_offline(&self) -> bool {
        self.customers().any(|customer| customer.offline.is_some())
    }

    /// It lets sales be paid by instalments.
    pub fn takes_instalments(&self) -> bool {
        self.customers().any(|customer| customer.periods.is_some())
    }

    fn customers(&self) -> impl Iterator<Item = &Customer> {
        self.parts.iter().filter_map(|part| match part {
            Part::Customer(customer) => Some(customer),
            _ => None,
        })
    }
}
