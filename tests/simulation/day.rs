//! A day from its first customer to its end: one thing after the other, each at its time. What people do is in [`people`],
//! what the power does in [`power`].

mod back;
mod cash;
mod offline;
mod parting;
mod people;
mod phones;
mod power;
mod screen;
mod settling;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use yima::app::view::{Intent, Screen};
use yima::app::{Device, Outcome, SteppedEngine};
use yima::clock::SetByHand;
use yima::payment::record::State;
use yima::reference::{Batch, TraceNumber};
use yima::settlement::closing;

use crate::counter::{Paper, Slot};
use crate::disk::{self, Survives, Trouble};
use crate::network::Network;
use crate::plan::{Customer, CutAt, HostDeed, Part, Plan, Settling};
use crate::random::Random;
use crate::trace::Trace;
use crate::{judge, premises};
use people::People;
use screen::{Shown, word};

pub use back::Undone;
pub use cash::{InCash, Taken};
pub use offline::{MOST_OFFLINE, allowed};
pub use people::{Told, Word};
pub use power::may_follow;
pub use settling::{SaidClosed, forgotten};

/// When days begin: so that some of them go over midnight, which is when the terminal signs on anew.
const BEGIN: &str = "2026-11-28T14:00:00Z";

/// When nothing goes wrong any more, everything has come to its end after so many seconds: longer than any entry of the queue
/// rests.
const DRAINED_S: u64 = 3 * 3600;

/// The terminal compares its clock with the host's at least so often.
const LOOKED_AT: Duration = Duration::from_secs(90);

/// The last customer has left so many seconds after coming.
const SERVED_S: u64 = 6 * 3600;

/// A terminal that has nothing to do looks what is due some 20,000 times in the longest day.
const MOST_HAPPENINGS: u64 = 200_000;

/// How a day went.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What must not be.
    pub problems: Vec<String>,
    /// What happened, as a number.
    pub hash: u64,
    /// What happened, for people who asked for it.
    pub lines: Vec<String>,
    /// Payments in the terminal's ledger.
    pub payments: usize,
    /// How many of them are paid.
    pub paid: usize,
    /// How often the power went.
    pub cuts: usize,
    /// How often of these while the terminal was starting.
    pub cuts_while_starting: usize,
    /// Writes and syncs of the terminal.
    pub operations: u64,
    /// Virtual time.
    pub lasted: Duration,
}
enum Happening {
    Comes(usize),
    Tick,
    Hears(u32, Device, Outcome),
    Looks(u32),
    Acts(u32),
    Cut(Survives),
    PowerOn,
    Host(HostDeed),
    HostHears,
    /// A customer looks at the phone; at this code, where it was scanned.
    Phone(usize, Option<String>),
    Settles(Settling),
    /// The terminal's clock is set so many seconds ahead of the right time.
    Clock(i64),
}

/// See the module.
pub struct Day<'a> {
    plan: &'a Plan,
    clock: SetByHand,
    trace: Trace,
    now: Duration,
    next: BinaryHeap<Reverse<(Duration, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    number: u64,
    random: Random,
    engine: Option<SteppedEngine>,
    /// Counts power cuts: what was under way at one is over. Who comes while the power is off is not under way.
    run: u32,
    busy: BTreeSet<Device>,
    jobs: u64,
    looks: bool,
    ticks: bool,
    acts: bool,
    network: Network,
    slot: Slot,
    paper: Paper,
    shown: Arc<Mutex<Shown>>,
    people: People,
    acknowledged: BTreeMap<TraceNumber, State>,
    /// The same of settlements.
    settled: BTreeMap<Batch, closing::State>,
    syncs: u64,
    cuts: usize,
    cuts_while_starting: usize,
    problems: Vec<String>,
    healed: Option<Duration>,
    /// Who comes when everything else is over.
    last_customer: Option<usize>,
    /// When the last customer must have left.
    closes: Duration,
    /// How often the terminal has not started since it last did.
    refusals: u32,
    /// Nothing more can happen.
    is_over: bool,
}
/// Lives a day.
pub fn live(plan: &Plan, lines: bool) -> Verdict {
    let mut troubles = BTreeMap::new();
    for part in &plan.parts {
        match part {
            Part::Cut(CutAt::Operation(at, moment), _) => drop(troubles.insert(*at, Trouble::Cut(*moment))),
            Part::Disk(at, length, trouble) => {
                for operation in *at..at + length {
                    troubles.entry(operation).or_insert(*trouble);
                }
            }
            _ => {}
        }
    }
    let begin: Timestamp = BEGIN.parse().unwrap();
    let clock = SetByHand::at(begin, TimeZone::fixed(offset(8)));
    premises::with(|premises| {
        disk::fresh(plan.seed, troubles);
        let trace = Trace::new(lines);
        let network = premises.network(plan, trace.clone());
        let slot = Slot::new(premises.keys.clone(), trace.clone());
        let paper = Paper::new(plan, trace.clone());
        let mut day = Day::new(plan, clock, trace, network, slot, paper);
        day.go_on();
        day.end()
    })
}

impl<'a> Day<'a> {
    fn new(plan: &'a Plan, clock: SetByHand, trace: Trace, network: Network, slot: Slot, paper: Paper) -> Self {
        let mut day = Self {
            plan,
            clock,
            trace,
            now: Duration::ZERO,
            next: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            number: 0,
            random: Random::new(plan.seed ^ 0x4441_5900),
            engine: None,
            run: 0,
            busy: BTreeSet::new(),
            jobs: 0,
            looks: false,
            ticks: false,
            acts: false,
            network,
            slot,
            paper,
            shown: Arc::default(),
            people: People::default(),
            acknowledged: BTreeMap::new(),
            settled: BTreeMap::new(),
            syncs: 0,
            cuts: 0,
            cuts_while_starting: 0,
            problems: Vec::new(),
            healed: None,
            last_customer: None,
            closes: Duration::ZERO,
            refusals: 0,
            is_over: false,
        };
        let (mut at, second) = (Duration::from_secs(10), Duration::from_secs);
        day.after(Duration::ZERO, Happening::PowerOn);
        for part in &plan.parts {
            match part {
                Part::Customer(customer) => {
                    at += second(customer.after_s);
                    day.after(at, Happening::Comes(day.people.customers.len()));
                    day.people.customers.push(customer.clone());
                }
                Part::Host(when, deed) => day.after(second(*when), Happening::Host(*deed)),
                Part::Cut(CutAt::Second(when), survives) => day.after(second(*when), Happening::Cut(*survives)),
                Part::Settle(when, how) => day.after(second(*when), Happening::Settles(*how)),
                Part::Clock(when, ahead, length) => {
                    day.after(second(*when), Happening::Clock(*ahead));
                    day.after(second(when + length), Happening::Clock(0));
                }
                Part::Line(..) | Part::Outage(..) | Part::Cut(..) | Part::Disk(..) | Part::Paper(..) => {}
                Part::SettlesAtNight | Part::SettlesWith(_) | Part::SettlesAtLast | Part::FirstStart => {}
            }
        }
        day.people.to_come = day.people.customers.len();
        day.closes = at + second(SERVED_S);
        day
    }

    fn after(&mut self, delay: Duration, happening: Happening) {
        self.next.push(Reverse((self.now + delay, self.number)));
        self.happenings.insert(self.number, happening);
        self.number += 1;
    }

    /// Until nothing is left to be done.
    fn go_on(&mut self) {
        while let Some(Reverse((at, number))) = self.next.pop() {
            self.clock.pass(at - self.now);
            self.now = at;
            if let Some(why) = self.never_ends() {
                let left = self.left();
                self.trace.note(format_args!("the day does not end"));
                return self.problems.push(format!("the day does not end, {why}: {}", left.join(", ")));
            }
            let Some(happening) = self.happenings.remove(&number) else { continue };
            self.network.deliver_late();
            self.happens(happening);
            self.settle();
            if self.is_over {
                return;
            }
            if self.healed.is_some() && self.people.are_gone() && self.left().is_empty() {
                if self.last_customer.is_some() {
                    return;
                }
                self.settles_at_last();
                self.last_customer = Some(self.invite(Customer::LAST));
            }
            if self.healed.is_none() && self.people.are_gone() {
                self.heal();
            }
        }
    }

    /// Somebody comes who is not in the plan. Gives who.
    fn invite(&mut self, customer: Customer) -> usize {
        self.people.customers.push(customer);
        self.people.to_come += 1;
        let number = self.people.customers.len() - 1;
        self.after(Duration::from_secs(1), Happening::Comes(number));
        number
    }

    /// Why this day is given up.
    fn never_ends(&self) -> Option<&'static str> {
        if self.healed.is_some_and(|healed| (self.now - healed).as_secs() > DRAINED_S) {
            return Some("though nothing goes wrong any more");
        }
        if self.healed.is_none() && self.now > self.closes {
            return Some("as the last customer does not leave");
        }
        (self.number > MOST_HAPPENINGS).then_some("as more happens than can in a day")
    }

    /// The last customer has left: from now on nothing goes wrong, and everything has to come to its end.
    fn heal(&mut self) {
        self.trace.note(format_args!("the last customer has left"));
        self.healed = Some(self.now);
        self.set_clock(0);
        self.network.heal();
        self.network.host(|host| host.deaf_to_reversals.store(false, Ordering::Relaxed));
        self.paper.heal();
        self.slot.remove();
        disk::heal();
    }

    /// What is still to be done.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let Some(engine) = &self.engine else { return vec!["the terminal is off".to_owned()] };
        let ledger = engine.ledger();
        match ledger.open_entries() {
            Ok(open) if open.waiting + open.parked > 0 => left.push(format!("{open:?}")),
            Ok(_) => {}
            Err(error) => left.push(error.to_string()),
        }
        self.left_to_settle(ledger, &mut left);
        for state in [State::Pending, State::HostApproved, State::ReversalDue, State::RepeatDue] {
            if ledger.in_state(state).map_or(true, |rows| !rows.is_empty()) {
                left.push(format!("a payment is {}", state.word()));
            }
        }
        if !self.busy.is_empty() {
            left.push(format!("{:?} work", self.busy));
        }
        let screen = self.screen();
        // It takes nothing before it has seen that.
        let since = self.healed.map_or(Duration::MAX, |healed| self.now - healed);
        if since < LOOKED_AT && self.plan.parts.iter().any(|part| matches!(part, Part::Clock(..))) {
            left.push("a look at the time, now that the clock is right again".to_owned());
        }
        if !matches!(screen, Some(Screen::Keypad { .. })) {
            left.push(format!("on screen: {}", screen.as_ref().map(word).unwrap_or_default()));
        }
        left
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Comes(customer) => {
                self.people.come(customer);
                self.acts_soon(1000);
            }
            Happening::Tick => {
                self.ticks = false;
                if let Some(engine) = &mut self.engine {
                    engine.tick();
                }
                if self.healed.is_some() {
                    self.decide();
                    self.acts_soon(500);
                }
            }
            Happening::Hears(run, device, outcome) if run == self.run => {
                self.busy.remove(&device);
                if let Some(engine) = &mut self.engine {
                    engine.hear(outcome);
                }
            }
            Happening::Looks(run) if run == self.run => {
                self.looks = false;
                if let Some(engine) = &mut self.engine {
                    let outcome = engine.look();
                    if !outcome.is_empty() {
                        engine.hear(outcome);
                    }
                }
            }
            Happening::Acts(run) if run == self.run => {
                self.acts = false;
                self.cashier_acts();
            }
            Happening::Hears(..) | Happening::Looks(_) | Happening::Acts(_) => {}
            Happening::Cut(survives) => self.power_goes(survives),
            Happening::PowerOn => self.power_on(),
            Happening::Host(deed) => self.host_does(deed),
            Happening::Phone(customer, code) => self.phone_is_used(customer, code.as_deref()),
            Happening::Settles(how) => self.wants_settled(how),
            Happening::Clock(ahead) if self.healed.is_none() => self.set_clock(ahead),
            Happening::Clock(_) => {}
            Happening::HostHears => {
                self.network.host(|host| host.deaf_to_reversals.store(false, Ordering::Relaxed));
            }
        }
    }

    fn set_clock(&self, ahead: i64) {
        self.trace.note(format_args!("the terminal's clock is {ahead} s ahead"));
        self.clock.set_ahead(SignedDuration::from_secs(ahead));
    }

    fn host_does(&mut self, deed: HostDeed) {
        // Where nothing goes wrong any more the host hears: whoever comes then is not kept waiting for a reversal.
        if self.healed.is_some() && matches!(deed, HostDeed::DeafToReversals(_)) {
            return;
        }
        self.trace.note(format_args!("the host: {deed:?}"));
        let terminal = yima::sandbox::host::DEFAULT_TERMINAL;
        self.network.host(|host| match deed {
            HostDeed::ForgetsKeys => host.store.forget_working_keys(terminal).unwrap(),
            HostDeed::OrdersSignOn => host.store.order_sign_on(terminal).unwrap(),
            HostDeed::NextBatch => {
                let batch = host.store.sign_on_state(terminal).unwrap().unwrap().batch;
                host.store.set_batch(terminal, Batch::new(batch.number() + 1).unwrap()).unwrap();
            }
            HostDeed::DeafToReversals(_) => host.deaf_to_reversals.store(true, Ordering::Relaxed),
        });
        if let HostDeed::DeafToReversals(seconds) = deed {
            self.after(Duration::from_secs(seconds), Happening::HostHears);
        }
    }

    /// After everything that happens: what the terminal has written is looked at, devices get their jobs, and somebody
    /// looks at the screen.
    fn settle(&mut self) {
        self.mind_power();
        self.acknowledge();
        for device in Device::ALL {
            while !self.busy.contains(&device) {
                let Some(engine) = &mut self.engine else { return };
                let Some(outcome) = engine.work(device) else { break };
                self.jobs += 1;
                let cut = self.plan.parts.iter().find_map(|part| match part {
                    Part::Cut(CutAt::Job(job), survives) if *job + 1 == self.jobs && self.healed.is_none() => {
                        Some(*survives)
                    }
                    _ => None,
                });
                if let Some(survives) = cut {
                    self.trace.note(format_args!("{device:?} has its job"));
                    return self.power_goes(survives);
                }
                let took = match device {
                    Device::Link | Device::SecondLink => self.network.took(),
                    Device::Printer => self.paper.took(),
                    Device::Reader => Duration::from_millis(self.random.between(20, 90)),
                };
                if !outcome.is_empty() {
                    self.busy.insert(device);
                    self.after(took, Happening::Hears(self.run, device, outcome));
                }
            }
        }
        self.mind_power();
        let Some(engine) = &self.engine else { return };
        if let Some(pause) = engine.until_look().filter(|_| !self.looks) {
            self.looks = true;
            self.after(pause.max(Duration::from_millis(200)), Happening::Looks(self.run));
        }
        if std::mem::take(&mut self.shown.lock().unwrap().fresh) {
            let reaction = self.random.between(400, 4000);
            self.acts_soon(reaction);
        }
        if !self.ticks {
            self.ticks = true;
            let lively = self.people.are_served() || !self.busy.is_empty();
            let pause = if lively {
                500
            } else if self.healed.is_some() {
                20_000
            } else {
                5_000
            };
            self.after(Duration::from_millis(pause), Happening::Tick);
        }
    }

    fn screen(&self) -> Option<Screen> {
        self.shown.lock().unwrap().view.as_ref().map(|view| view.screen.clone())
    }

    fn send(&mut self, intent: Intent) {
        self.trace.note(format_args!("somebody: {intent:?}"));
        self.send_unseen(intent);
    }

    /// What has something by chance in it, which is another one whenever the day is played.
    fn send_unseen(&mut self, intent: Intent) {
        if let Some(engine) = &mut self.engine {
            engine.send(intent);
        }
    }

    fn end(mut self) -> Verdict {
        drop(self.engine.take());
        let paid = |last: usize| self.people.told.iter().any(|told| told.customer == last && told.word == Word::Paid);
        if self.last_customer.is_some_and(|last| !paid(last)) {
            self.problems.push("nobody can pay, though nothing goes wrong any more".to_owned());
        }
        let seen = judge::Seen {
            plan: self.plan,
            network: &self.network,
            told: &self.people.told,
            undone: &self.people.undone,
            in_cash: &self.people.in_cash,
            said_closed: &self.people.said_closed,
            acknowledged: &self.acknowledged,
            settled: &self.settled,
        };
        let rows = judge::judge(&seen, &mut self.problems);
        self.problems.extend(self.network.problems());
        Verdict {
            problems: self.problems,
            hash: self.trace.hash(),
            lines: self.trace.lines(),
            payments: rows.len(),
            paid: rows.iter().filter(|row| row.state == State::Approved).count(),
            cuts: self.cuts,
            cuts_while_starting: self.cuts_while_starting,
            operations: disk::operations(),
            lasted: self.now,
        }
    }
}
