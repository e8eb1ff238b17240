//! What the day of a seed is: drawn by lot, and always the same for the seed.

use super::{
    Cancels, CardFault, Cash, Customer, CutAt, HostDeed, Offline, OnLine, OnPaper, OnPhone, Part, Phone, Plan, Regret,
    Rest, Settling, Shows,
};
use crate::day::MOST_OFFLINE;
use crate::disk::{Moment, Survives, Trouble};
use crate::fault_proxy::fault::{Change, Way};
use crate::random::Random;

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

/// More than come on any day.
const MOST_CUSTOMERS: u64 = 15;

/// What many pay: there is something that everybody buys.
const USUAL: u64 = 10_00;

/// Amounts at which the sandbox host does something particular.
const PARTICULAR: [u64; 16] =
    [66_05, 66_10, 66_51, 66_91, 66_96, 67_01, 67_02, 67_03, 67_04, 67_05, 67_06, 67_07, 67_08, 67_09, 68_02, 68_03];

impl Plan {
    /// The day of a seed.
    pub fn of(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let mut parts = Vec::new();
        let count = random.between(3, MOST_CUSTOMERS - 1);
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
        if is_day_of_parts(seed) {
            plan = plan.with_parts();
        }
        match seed % DAYS_OF_CODES {
            day if LATEST_DAYS_OF_CODES.contains(&day) => plan.with_phones(),
            LATEST_DAY_OF_CASH => plan.with_cash(),
            LATEST_DAY_OF_OFFLINE_SALES => plan.with_offline_sales(length_s),
            LATEST_DAY_OF_INSTALMENTS => plan.with_instalments(),
            _ => {}
        }
        if seed.is_multiple_of(DAYS_OF_SETTLING) {
            plan.with_settling(count, trouble);
        }
        if seed % DAYS_OF_WRONG_CLOCKS == LATEST_DAY_OF_WRONG_CLOCKS {
            plan.with_wrong_clocks(length_s);
        }
        if seed.is_multiple_of(DAYS_OF_FIRST_STARTS) {
            plan.parts.push(Part::FirstStart);
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

    /// The host is away for long, and many pay with a card that can do without. Each amount is one customer's: that tells whose
    /// sale the host hears of later.
    fn with_offline_sales(&mut self, length_s: u64) {
        let random = &mut Random::new(self.seed ^ 0x4F46_464C_494E_4500);
        let customers = self.parts.iter_mut().filter_map(|part| match part {
            Part::Customer(customer) => Some(customer),
            _ => None,
        });
        for (number, customer) in (0..).zip(customers) {
            if random.percent(70) {
                (customer.card, customer.card_fault) = ("offline", customer.card_fault.filter(|_| random.percent(50)));
            }
            customer.minor = random.between(1, MOST_OFFLINE * 11 / 10 / MOST_CUSTOMERS) * MOST_CUSTOMERS + number;
            // Where a sandbox bank does something particular it does it whenever it is told, for hours.
            if (66_00..70_00).contains(&customer.minor) {
                customer.minor -= 60_00;
            }
            if random.percent(15) {
                customer.minor = REFUSED[number as usize];
            }
            let when = [Offline::AtOnce, Offline::AtOnce, Offline::WhenOffered, Offline::WhenOffered, Offline::AtLast];
            customer.offline = random.percent(80).then(|| random.one_of(&when));
            // Whose code is in doubt may give the card next.
            customer.phone = random.percent(15).then(|| Phone { gives_up: true, ..phone(random) });
            let times = random.between(1, 2) as u32;
            let refund = Regret::Refund { percent: random.one_of(&[10, 50, 60, 100]), times };
            customer.regrets = random.percent(25).then_some(refund);
        }
        for _ in 0..random.between(1, 3) {
            self.parts.push(Part::Outage(random.below(length_s), random.between(300, 3600)));
        }
    }

    /// Somebody or something sets the clock wrong, and somebody notices.
    fn with_wrong_clocks(&mut self, length_s: u64) {
        let random = &mut Random::new(self.seed ^ 0x434C_4F43_4B00_0000);
        for _ in 0..random.between(1, 3) {
            let (begin, ahead) = (random.below(length_s), random.one_of(&AHEAD_S));
            self.parts.push(Part::Clock(begin, ahead, random.between(1, 1800)));
        }
    }

    /// Many of its customers want to pay by instalments, and not every card can.
    fn with_instalments(&mut self) {
        let random = &mut Random::new(self.seed ^ 0x494E_5354_0000_0000);
        for part in &mut self.parts {
            let Part::Customer(customer) = part else { continue };
            if random.percent(70) {
                customer.minor = if random.percent(70) { random.between(4_500, 60_000) } else { customer.minor };
                customer.card = if random.percent(85) { "unionpay-credit" } else { customer.card };
                customer.periods = Some(random.one_of(&PERIODS));
                let whole = Regret::Refund { percent: 100, times: 1 };
                customer.regrets = random.percent(30).then(|| random.one_of(&[Regret::Void, whole]));
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

/// Of the same days the one on which many pay while the host is away.
const LATEST_DAY_OF_OFFLINE_SALES: u64 = 2;

/// Of the same days the one on which many pay by instalments.
const LATEST_DAY_OF_INSTALMENTS: u64 = 0;

/// In how many periods; the last the acquirer does not offer.
const PERIODS: [u8; 4] = [3, 6, 12, 24];

/// What sandbox banks refuse when they hear of it, and with which code: an amount each for so many customers.
const REFUSED: [u64; MOST_CUSTOMERS as usize] =
    [66_51, 66_05, 66_54, 66_57, 66_61, 66_62, 66_65, 66_04, 66_34, 66_41, 66_43, 66_12, 66_14, 66_30, 66_13];

/// On one day of so many the terminal's clock is wrong for a while.
const DAYS_OF_WRONG_CLOCKS: u64 = 5;

/// Which.
const LATEST_DAY_OF_WRONG_CLOCKS: u64 = 4;

/// So many seconds: what nobody notices, an hour of summer time, days, years, and to either side of the night's settlement.
const AHEAD_S: [i64; 10] =
    [59, -240, 3600, -3600, 7200, 86_400, -86_400, 400 * 86_400, -365 * 86_400, -20_000 * 86_400];

/// On one day of so many the terminal is on for the first time.
const DAYS_OF_FIRST_STARTS: u64 = 8;

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

/// The acquirer of this seed's day lets issuers approve parts.
pub(super) const fn is_day_of_parts(seed: u64) -> bool {
    seed % DAYS_OF_PARTS == LATEST_DAY_OF_PARTS
}

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
        offline: None,
        periods: None,
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
