//! A day as data: who comes, and what goes wrong. It follows from its seed; leaving parts of it out gives shorter days.

use crate::disk::{Moment, Survives, Trouble};
use crate::fault_proxy::fault::{Change, Way};
use crate::random::Random;

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
    /// The card that pays the rest where the first one pays a part; none, where nobody pays it.
    pub rest: Option<&'static str>,
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

const CARDS: [&str; 9] = [
    "unionpay-debit",
    "unionpay-debit",
    "unionpay-credit",
    "t1",
    "cvm-signature",
    "cvm-online-pin",
    "cvm-plaintext-pin",
    "declines-after-approval",
    "aes",
];

/// What many pay: there is something that everybody buys.
const USUAL: u64 = 10_00;

/// Amounts at which the sandbox host does something particular.
const PARTICULAR: [u64; 16] =
    [66_05, 66_10, 66_51, 66_91, 66_96, 67_01, 67_02, 67_03, 67_04, 67_05, 67_06, 67_07, 67_08, 67_09, 68_02, 68_03];

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
    };
}

impl Plan {
    /// The day of a seed.
    pub fn of(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let mut parts = Vec::new();
        let count = random.between(3, 14);
        for _ in 0..count {
            parts.push(Part::Customer(customer(random)));
        }
        let length_s = count * 180;
        // Some days are quiet, some are not.
        let trouble = random.below(5);
        for exchange in 0..(count * 5) as u32 {
            if random.percent(trouble * 5) {
                parts.push(Part::Line(exchange, on_line(random)));
            }
        }
        for _ in 0..random.below(trouble + 1) {
            if random.percent(50) {
                parts.push(Part::Outage(random.below(length_s), random.between(5, 900)));
            }
            if random.percent(50) {
                parts.push(Part::Host(random.below(length_s), host_deed(random)));
            }
            if random.percent(70) {
                let at = match random.below(3) {
                    0 => CutAt::Second(random.below(length_s)),
                    1 => CutAt::Job(random.below(count * 30)),
                    _ => CutAt::Operation(
                        random.below(60 + count * 40),
                        random.one_of(&[Moment::Before, Moment::Within, Moment::After]),
                    ),
                };
                parts.push(Part::Cut(at, random.one_of(&[Survives::All, Survives::Synced, Survives::Sectors])));
            }
            if random.percent(30) {
                let trouble = random.one_of(&[Trouble::Broken, Trouble::Full]);
                let length = random.one_of(&[1, 1, 2, 5, 30]);
                parts.push(Part::Disk(random.below(60 + count * 40), length, trouble));
            }
        }
        for slip in 0..(count * 2) as u32 {
            if random.percent(trouble * 3) {
                let fault = random.one_of(&[OnPaper::Unconfirmed, OnPaper::Refilled, OnPaper::Out, OnPaper::Torn]);
                parts.push(Part::Paper(slip, fault));
            }
        }
        if seed % DAYS_OF_REGRETS == LATEST_DAY_OF_REGRETS {
            let random = &mut Random::new(seed ^ 0x5245_4752_4554_0000);
            for part in &mut parts {
                if let Part::Customer(customer) = part {
                    customer.regrets = random.percent(60).then(|| regret(random));
                }
            }
        }
        let plan = Self { seed, parts };
        if plan.takes_parts() { plan.with_parts() } else { plan }
    }

    /// The acquirer of this day lets issuers approve parts.
    pub const fn takes_parts(&self) -> bool {
        self.seed % DAYS_OF_PARTS == LATEST_DAY_OF_PARTS
    }

    /// Many of its customers have a card with too little, or buy what the host approves half of.
    fn with_parts(mut self) -> Self {
        let random = &mut Random::new(self.seed ^ 0x5041_5254_5300_0000);
        for part in &mut self.parts {
            let Part::Customer(customer) = part else { continue };
            if random.percent(40) {
                (customer.card, customer.minor) = ("low-balance", random.between(9_41, 30_00));
            } else if random.percent(40) {
                customer.minor = 66_10;
            }
            customer.rest = random.percent(65).then(|| random.one_of(&CARDS));
        }
        self
    }
}

/// On one day of so many parts are approved.
const DAYS_OF_PARTS: u64 = 7;

/// Which.
const LATEST_DAY_OF_PARTS: u64 = 3;

/// On one day of so many customers come back.
const DAYS_OF_REGRETS: u64 = 7;

/// Which.
const LATEST_DAY_OF_REGRETS: u64 = 5;

fn regret(random: &mut Random) -> Regret {
    if random.percent(50) {
        Regret::Void
    } else {
        Regret::Refund { percent: random.one_of(&[10, 50, 60, 100]), times: random.between(1, 3) as u32 }
    }
}

fn customer(random: &mut Random) -> Customer {
    Customer {
        after_s: if random.percent(10) { random.between(600, 3600) } else { random.between(1, 180) },
        minor: match random.below(10) {
            0..=4 => random.between(1, 60_00),
            // An answer to another payment may fit this one but for its number.
            5 | 6 => USUAL,
            _ => random.one_of(&PARTICULAR),
        },
        card: random.one_of(&CARDS),
        wrong_pins: if random.percent(15) { 1 } else { 0 },
        card_fault: random.percent(15).then(|| CardFault {
            at: random.between(1, 40) as u32,
            done: random.percent(50),
            mute: random.percent(30),
        }),
        tries: random.between(1, 3) as u32,
        insists: random.percent(50),
        cancels: random.percent(12).then(|| random.one_of(&[Cancels::BeforeCard, Cancels::WhileProcessing])),
        touches_twice: random.percent(10),
        forgets_card: random.percent(10),
        regrets: None,
        rest: None,
    }
}

fn on_line(random: &mut Random) -> OnLine {
    let reached = random.percent(60);
    match random.below(14) {
        0 => OnLine::Unreachable,
        1 => OnLine::RequestLost,
        2 | 3 => OnLine::AnswerLost,
        4 => OnLine::Slow(random.between(1, 25)),
        5 => OnLine::RequestLate(random.between(31, 400)),
        6 => OnLine::Overtaken,
        7 => OnLine::Twice { second_answer: reached },
        8 | 12 | 13 => OnLine::OlderAnswer { reached },
        9 => OnLine::Gateway { reached },
        10 => OnLine::Page { reached, as_message: random.percent(50) },
        _ => OnLine::Forged(
            random.one_of(&[Way::Request, Way::Answer]),
            random.one_of(&[Change::Mac, Change::Stan, Change::Amount]),
        ),
    }
}

fn host_deed(random: &mut Random) -> HostDeed {
    match random.below(4) {
        0 => HostDeed::ForgetsKeys,
        1 => HostDeed::OrdersSignOn,
        2 => HostDeed::NextBatch,
        _ => HostDeed::DeafToReversals(random.between(10, 600)),
    }
}
