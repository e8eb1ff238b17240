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
    /// Somebody settles in this second.
    Settle(u64, Settling),
    /// The terminal settles every night by itself, and the day goes over one.
    SettlesAtNight,
    /// The terminal settles with so many payments by itself.
    SettlesWith(u32),
    /// When nothing goes wrong any more, somebody settles what is left.
    SettlesAtLast,
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
        phone: None,
        cash: None,
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
        let mut plan = Self { seed, parts };
        if plan.takes_parts() {
            plan = plan.with_parts();
        }
        match seed % DAYS_OF_CODES {
            day if LATEST_DAYS_OF_CODES.contains(&day) => plan.with_phones(),
            LATEST_DAY_OF_CASH => plan.with_cash(),
            _ => {}
        }
        if seed.is_multiple_of(DAYS_OF_SETTLING) {
            plan.with_settling(count, trouble);
        }
        plan
    }

    /// Many of its customers pay by code.
    fn with_phones(&mut self) {
        let random = &mut Random::new(self.seed ^ 0x5048_4F4E_4553_0000);
        for part in &mut self.parts {
            let Part::Customer(customer) = part else { continue };
            if random.percent(70) {
                customer.phone = Some(phone(random));
                customer.cancels = random.percent(20).then_some(Cancels::WhileProcessing).or(customer.cancels);
                let times = random.between(1, 3) as u32;
                let percent = random.one_of(&[10, 50, 60, 100]);
                customer.regrets = random.percent(25).then_some(Regret::Refund { percent, times });
            }
        }
    }

    /// Many of its customers pay in cash.
    fn with_cash(&mut self) {
        let random = &mut Random::new(self.seed ^ 0x4341_5348_0000_0000);
        for part in &mut self.parts {
            if let Part::Customer(customer) = part {
                customer.cash = random.percent(50).then(|| cash(random));
            }
        }
    }

    /// Its batches are settled: at last, and on some days before.
    fn with_settling(&mut self, customers: u64, trouble: u64) {
        let random = &mut Random::new(self.seed ^ 0x5345_5454_4C45_0000);
        self.parts.push(Part::SettlesAtLast);
        for _ in 0..random.below(3) {
            let how = random.one_of(&[Settling::AtTheKeypad, Settling::AtOnce, Settling::WithoutUndecided]);
            self.parts.push(Part::Settle(random.below(customers * 90), how));
        }
        if random.percent(20) {
            self.parts.push(Part::SettlesAtNight);
        }
        if random.percent(20) {
            self.parts.push(Part::SettlesWith(random.between(1, 5) as u32));
        }
        // What comes late in the day has its troubles too.
        for exchange in (customers * 5) as u32..(customers * 12) as u32 {
            if random.percent(trouble * 3) {
                self.parts.push(Part::Line(exchange, on_line(random)));
            }
        }
        if random.percent(5) {
            self.with_what_nobody_decided(random);
        }
    }

    /// The host is deaf for so long that something is given up, and the batch is settled without it.
    fn with_what_nobody_decided(&mut self, random: &mut Random) {
        let comes = |part: &Part| match part {
            Part::Customer(customer) => customer.after_s,
            _ => 0,
        };
        let begin: u64 = self.parts.iter().map(comes).sum();
        self.parts.push(Part::Host(begin, HostDeed::DeafToReversals(GIVEN_UP_S + 1000)));
        let unlucky = Customer { after_s: 30, minor: 67_02, regrets: None, cash: None, ..customer(random) };
        let by_phone = random.percent(50).then(|| phone(random));
        self.parts.push(Part::Customer(Customer { phone: by_phone, ..unlucky }));
        self.parts.push(Part::Settle(begin + GIVEN_UP_S, Settling::WithoutUndecided));
        let late = Customer { after_s: GIVEN_UP_S + 2000, ..customer(random) };
        self.parts.push(Part::Customer(late));
    }

    /// Somebody or something settles on this day.
    pub fn settles(&self) -> bool {
        self.parts.iter().any(|part| {
            matches!(part, Part::Settle(..) | Part::SettlesAtNight | Part::SettlesWith(_) | Part::SettlesAtLast)
        })
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
            customer.rest = random.percent(65).then(|| Rest::Card(random.one_of(&CARDS)));
        }
        let random = &mut Random::new(self.seed ^ 0x5245_5354_0000_0000);
        for part in &mut self.parts {
            let Part::Customer(Customer { rest: Some(rest), .. }) = part else { continue };
            match random.below(10) {
                0..=2 => *rest = Rest::Phone(phone(random)),
                3..=5 => *rest = Rest::Cash(cash(random)),
                _ => {}
            }
        }
        self
    }
}

/// Days of the week of plans on which many pay by code: so many, and which.
const DAYS_OF_CODES: u64 = 7;

/// Which.
const LATEST_DAYS_OF_CODES: [u64; 2] = [1, 4];

/// Of the same days the one on which many pay in cash.
const LATEST_DAY_OF_CASH: u64 = 6;

/// On one day of so many the batch is settled.
const DAYS_OF_SETTLING: u64 = 2;

/// After so many seconds of silence what is to be taken back is given up.
const GIVEN_UP_S: u64 = 12_000;

/// The host's wallets: the first holds much, the second little, the third asks for its password whatever is paid.
const WALLETS: [&str; 5] = ["wallet-1", "wallet-1", "wallet-2", "wallet-3", "wallet-3"];

fn phone(random: &mut Random) -> Phone {
    Phone {
        wallet: random.one_of(&WALLETS),
        shows: match random.below(10) {
            0..=4 => Shows::Terminal,
            5 => Shows::CustomerOld,
            6 => Shows::CustomerUsed,
            _ => Shows::Customer,
        },
        does: match random.below(10) {
            0..=5 => OnPhone::Pays,
            6 => OnPhone::Mistypes(random.between(1, 3) as u32),
            7 => OnPhone::Refuses,
            8 => OnPhone::Nothing,
            _ => OnPhone::Wavers,
        },
        // A code on the screen is over after two minutes, and so is the wait for a password.
        after_s: random.one_of(&[1, 4, 10, 30, 70, 115, 119, 121, 180]),
        gives_up: random.percent(30),
    }
}

fn cash(random: &mut Random) -> Cash {
    Cash { more: random.one_of(&[0, 0, 50, 10_00]), miscounts: random.percent(20) }
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
        phone: None,
        cash: None,
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
