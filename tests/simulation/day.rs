//! A day from its first customer to its end: one thing after the other, each at its time.
//!
//! Whoever stands at the counter goes by the screen alone. A cashier who sees that a payment was not made, or cannot see what
//! became of it, may begin it again, as the plan says; one who sees that it was made never does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};
use yima::app::view::{CopyState, Intent, Screen, View};
use yima::app::{Device, Listener, Outcome, SaleReport, SteppedEngine};
use yima::clock::SetByHand;
use yima::ledger::TransactionRow;
use yima::money::{Amount, Currency};
use yima::payment::queue::{Act, Resolution, Standing, may_be_tried_again};
use yima::payment::record::State;
use yima::pin::Pin;
use yima::reference::{Batch, TraceNumber};
use yima::sandbox::host::store::EntryState;
use yima::wording::ReasonKind;

use crate::counter::{Paper, Slot};
use crate::disk::{self, Survives, Trouble};
use crate::network::Network;
use crate::plan::{Cancels, Customer, CutAt, HostDeed, Part, Plan};
use crate::random::Random;
use crate::trace::Trace;
use crate::{judge, premises};

/// When days begin: so that some of them go over midnight, which is when the terminal signs on anew.
const BEGIN: &str = "2026-11-28T14:00:00Z";

/// When nothing goes wrong any more, everything has come to its end after so many seconds: longer than any entry of the queue
/// rests.
const DRAINED_S: u64 = 3 * 3600;

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
    /// Writes and syncs of the terminal.
    pub operations: u64,
    /// Virtual time.
    pub lasted: Duration,
}

/// What a customer was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Paid,
    NotPaid,
}

/// What was said, to whom, and how many payments had been sent for that customer until then.
#[derive(Clone, Debug)]
pub struct Told {
    pub customer: usize,
    pub word: Word,
    pub payments: Vec<TraceNumber>,
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
}

/// Somebody at the counter.
struct Serving {
    customer: usize,
    tries: u32,
    /// The button was touched, and nothing has been said since.
    begun: bool,
    /// It is not known what became of a payment, because the power went.
    to_look_up: bool,
    cancelled: bool,
    inserted: bool,
    paid: bool,
    patience: u32,
    wrong_pins: u32,
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
    customers: Vec<Customer>,
    waiting: VecDeque<usize>,
    to_come: usize,
    serving: Option<Serving>,
    told: Vec<Told>,
    acknowledged: BTreeMap<TraceNumber, State>,
    syncs: u64,
    cuts: usize,
    problems: Vec<String>,
    healed: Option<Duration>,
    /// When the last customer must have left.
    closes: Duration,
    retries: u32,
}

#[derive(Default)]
struct Shown {
    view: Option<View>,
    fresh: bool,
}

struct Watcher(Arc<Mutex<Shown>>, Trace);

impl Listener for Watcher {
    fn show(&mut self, view: &View) {
        self.1.note(format_args!("screen: {}", word(&view.screen)));
        let mut shown = self.0.lock().unwrap();
        shown.view = Some(view.clone());
        shown.fresh = true;
    }

    fn report(&mut self, report: &SaleReport) {
        let trace = report.trace.map(|trace| trace.to_string()).unwrap_or_default();
        self.1.note(format_args!("report: {} {trace}", report.ending.word()));
    }
}

/// What is on a screen, without what differs from one machine to the next.
fn word(screen: &Screen) -> String {
    let reason = |reason: Option<&yima::wording::Reason>| reason.map(|reason| reason.kind.word()).unwrap_or_default();
    match screen {
        Screen::Keypad { notice } => format!("keypad {}", reason(notice.as_ref())),
        Screen::PresentCard { notice, .. } => format!("present card {}", reason(notice.as_ref())),
        Screen::EnterPin { notice, .. } => format!("enter PIN {}", reason(notice.as_ref())),
        Screen::ChooseApplication { .. } => "choose application".to_owned(),
        Screen::ConfirmApplication { .. } => "confirm application".to_owned(),
        Screen::Processing { progress, .. } => format!("{progress:?}"),
        Screen::Approved { amount, copies, .. } => {
            let copies: Vec<_> = copies.iter().map(|copy| copy_word(&copy.state)).collect();
            format!("PAID {} {}", amount.minor(), copies.join(" "))
        }
        Screen::NotPaid { amount, reason: why, .. } => format!("NOT PAID {} {}", amount.minor(), reason(Some(why))),
        Screen::Unknown { amount, reason: why, tries, .. } => {
            format!("UNKNOWN {} {} {tries}", amount.minor(), reason(Some(why)))
        }
        Screen::Transactions { rows, .. } => format!("{} transactions", rows.len()),
        Screen::Queue { waiting, parked, .. } => format!("queue {waiting} {parked}"),
        Screen::Enrol { .. } => "enrol".to_owned(),
        Screen::OutOfService { reason: why } => format!("out of service {}", reason(Some(why))),
    }
}

const fn copy_word(state: &CopyState) -> &'static str {
    match state {
        CopyState::Queued => "queued",
        CopyState::Sending => "sending",
        CopyState::Waiting(_) => "waiting",
        CopyState::Asks(_) => "asks",
        CopyState::Printed => "printed",
        CopyState::Failed(_) => "failed",
    }
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
            customers: Vec::new(),
            waiting: VecDeque::new(),
            to_come: 0,
            serving: None,
            told: Vec::new(),
            acknowledged: BTreeMap::new(),
            syncs: 0,
            cuts: 0,
            problems: Vec::new(),
            healed: None,
            closes: Duration::ZERO,
            retries: 0,
        };
        let (mut at, second) = (Duration::from_secs(10), Duration::from_secs);
        day.after(Duration::ZERO, Happening::PowerOn);
        for part in &plan.parts {
            match part {
                Part::Customer(customer) => {
                    at += second(customer.after_s);
                    day.after(at, Happening::Comes(day.customers.len()));
                    day.customers.push(customer.clone());
                }
                Part::Host(when, deed) => day.after(second(*when), Happening::Host(*deed)),
                Part::Cut(CutAt::Second(when), survives) => day.after(second(*when), Happening::Cut(*survives)),
                Part::Line(..) | Part::Outage(..) | Part::Cut(..) | Part::Disk(..) | Part::Paper(..) => {}
            }
        }
        day.to_come = day.customers.len();
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
            if self.healed.is_some() && self.engine.is_some() && self.left().is_empty() {
                return;
            }
            if self.healed.is_none() && self.to_come == 0 && self.waiting.is_empty() && self.serving.is_none() {
                self.heal();
            }
        }
    }

    /// Why this day is given up.
    fn never_ends(&self) -> Option<&'static str> {
        if self.healed.is_some_and(|healed| (self.now - healed).as_secs() > DRAINED_S) {
            return Some("though nothing goes wrong any more");
        }
        if self.now > self.closes {
            return Some("as the last customer does not leave");
        }
        (self.number > MOST_HAPPENINGS).then_some("as more happens than can in a day")
    }

    /// The last customer has left: from now on nothing goes wrong, and everything has to come to its end.
    fn heal(&mut self) {
        self.trace.note(format_args!("the last customer has left"));
        self.healed = Some(self.now);
        self.network.heal();
        self.network.host(|host| host.deaf_to_reversals.store(false, std::sync::atomic::Ordering::Relaxed));
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
        for state in [State::Pending, State::HostApproved, State::ReversalDue] {
            if ledger.in_state(state).map_or(true, |rows| !rows.is_empty()) {
                left.push(format!("a payment is {}", state.word()));
            }
        }
        if !self.busy.is_empty() {
            left.push(format!("{:?} work", self.busy));
        }
        let screen = self.screen();
        if !matches!(screen, Some(Screen::Keypad { .. })) {
            left.push(format!("on screen: {}", screen.as_ref().map(word).unwrap_or_default()));
        }
        left
    }

    fn happens(&mut self, happening: Happening) {
        match happening {
            Happening::Comes(customer) => {
                self.to_come -= 1;
                self.waiting.push_back(customer);
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
            Happening::HostHears => {
                self.network.host(|host| host.deaf_to_reversals.store(false, std::sync::atomic::Ordering::Relaxed));
            }
        }
    }

    fn host_does(&mut self, deed: HostDeed) {
        self.trace.note(format_args!("the host: {deed:?}"));
        let terminal = yima::sandbox::host::DEFAULT_TERMINAL;
        self.network.host(|host| match deed {
            HostDeed::ForgetsKeys => host.store.forget_working_keys(terminal).unwrap(),
            HostDeed::OrdersSignOn => host.store.order_sign_on(terminal).unwrap(),
            HostDeed::NextBatch => {
                let batch = host.store.sign_on_state(terminal).unwrap().unwrap().batch;
                host.store.set_batch(terminal, Batch::new(batch.number() + 1).unwrap()).unwrap();
            }
            HostDeed::DeafToReversals(_) => host.deaf_to_reversals.store(true, std::sync::atomic::Ordering::Relaxed),
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
            let lively = self.serving.is_some() || !self.busy.is_empty();
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

    /// The power went in the middle of a write or sync.
    fn mind_power(&mut self) {
        if self.engine.is_none() || !disk::is_dead() {
            return;
        }
        let operation = disk::operations() - 1;
        let survives = self.plan.parts.iter().find_map(|part| match part {
            Part::Cut(CutAt::Operation(at, _), survives) if *at == operation => Some(*survives),
            _ => None,
        });
        self.power_goes(survives.unwrap_or(Survives::Synced));
    }

    fn power_goes(&mut self, survives: Survives) {
        let Some(mut engine) = self.engine.take() else { return };
        self.trace.note(format_args!("THE POWER GOES at operation {}; survives: {survives:?}", disk::operations()));
        self.cuts += 1;
        disk::cut();
        // A job that was handed over may have been done before.
        for device in [Device::Link, Device::SecondLink] {
            if !self.busy.contains(&device) && self.random.percent(50) {
                drop(engine.work(device));
            }
        }
        drop(engine);
        self.network.took();
        disk::restore(survives);
        self.busy.clear();
        self.run += 1;
        (self.looks, self.acts) = (false, false);
        *self.shown.lock().unwrap() = Shown::default();
        if let Some(serving) = &mut self.serving {
            serving.to_look_up |= serving.begun;
            serving.begun = false;
        }
        let off = self.random.between(2, 90);
        self.after(Duration::from_secs(off), Happening::PowerOn);
    }

    fn power_on(&mut self) {
        let opened = premises::with(|premises| premises.parts(&self.network, &self.slot, &self.paper));
        let again = Duration::from_secs(10);
        let parts = match opened {
            Ok(parts) => parts,
            Err(error) if disk::is_dead() => {
                self.trace.note(format_args!("the power goes again while starting: {}", error_word(&error)));
                self.cuts += 1;
                let operation = disk::operations() - 1;
                let survives = self.plan.parts.iter().find_map(|part| match part {
                    Part::Cut(CutAt::Operation(at, _), survives) if *at == operation => Some(*survives),
                    _ => None,
                });
                disk::restore(survives.unwrap_or(Survives::Synced));
                return self.after(again, Happening::PowerOn);
            }
            Err(error) => {
                self.trace.note(format_args!("the terminal does not start: {}", error_word(&error)));
                self.retries += 1;
                if self.retries > 40 || matches!(error, yima::ledger::LedgerError::Damaged { .. }) {
                    self.problems.push(format!("the ledger cannot be opened: {error}"));
                }
                return self.after(again, Happening::PowerOn);
            }
        };
        let rows = parts.ledger.page(0, 10_000);
        self.trace.note(format_args!("the terminal starts"));
        if let Ok(rows) = rows {
            self.check_nothing_is_lost(&rows);
        }
        let watcher = Watcher(Arc::clone(&self.shown), self.trace.clone());
        self.engine = Some(SteppedEngine::start(parts, Box::new(watcher)));
        self.acts_soon(2000);
    }

    /// What the ledger said it had written is there, or what may have become of it since.
    fn check_nothing_is_lost(&mut self, rows: &[TransactionRow]) {
        for (trace, state) in &self.acknowledged {
            let now = rows.iter().find(|row| row.trace == *trace).map(|row| row.state);
            if !now.is_some_and(|now| may_follow(*state, now)) {
                let now = now.map_or("gone", State::word);
                self.problems.push(format!("{trace} was written as {} and is {now}", state.word()));
            }
        }
    }

    fn acknowledge(&mut self) {
        let syncs = disk::syncs();
        if syncs == self.syncs || disk::is_dead() {
            return;
        }
        self.syncs = syncs;
        let Some(engine) = &self.engine else { return };
        for row in engine.ledger().page(0, 6).unwrap_or_default() {
            self.acknowledged.insert(row.trace, row.state);
        }
    }

    fn screen(&self) -> Option<Screen> {
        self.shown.lock().unwrap().view.as_ref().map(|view| view.screen.clone())
    }

    fn send(&mut self, intent: Intent) {
        self.trace.note(format_args!("somebody: {intent:?}"));
        if let Some(engine) = &mut self.engine {
            engine.send(intent);
        }
    }

    fn acts_soon(&mut self, reaction_ms: u64) {
        if !self.acts {
            self.acts = true;
            self.after(Duration::from_millis(reaction_ms), Happening::Acts(self.run));
        }
    }

    fn tell(&mut self, word: Word) {
        let Some(serving) = &mut self.serving else { return };
        if !std::mem::take(&mut serving.begun) {
            return;
        }
        serving.paid |= word == Word::Paid;
        let customer = serving.customer;
        let owners = self.network.owners();
        let payments = owners.into_iter().filter(|(_, owner)| *owner == customer).map(|(trace, _)| trace).collect();
        self.told.push(Told { customer, word, payments });
    }

    fn leaves(&mut self) {
        self.slot.remove();
        self.serving = None;
        self.network.serves(None);
        self.send(Intent::NextCustomer);
        self.acts_soon(1500);
    }

    fn charges(&mut self) {
        let Some(serving) = &mut self.serving else { return };
        let customer = &self.customers[serving.customer];
        if serving.tries >= customer.tries {
            return self.leaves();
        }
        serving.tries += 1;
        (serving.begun, serving.inserted) = (true, false);
        let amount = Amount::new(customer.minor, Currency::CNY).unwrap();
        let twice = customer.touches_twice;
        self.send(Intent::Charge(amount));
        if twice {
            self.send(Intent::Charge(amount));
        }
    }

    fn cashier_acts(&mut self) {
        let Some(screen) = self.screen() else { return };
        if self.serving.is_none() {
            match &screen {
                Screen::Keypad { .. } => {
                    let Some(customer) = self.waiting.pop_front() else { return };
                    self.network.serves(Some(customer));
                    let wrong_pins = self.customers[customer].wrong_pins;
                    self.serving = Some(Serving {
                        customer,
                        tries: 0,
                        begun: false,
                        to_look_up: false,
                        cancelled: false,
                        inserted: false,
                        paid: false,
                        patience: 0,
                        wrong_pins,
                    });
                    self.charges();
                }
                Screen::Approved { copies, .. } if self.minds_slips(copies) => {}
                Screen::Approved { .. } => self.send(Intent::NextCustomer),
                Screen::NotPaid { .. } | Screen::Unknown { .. } | Screen::Transactions { .. } => {
                    self.send(Intent::NextCustomer);
                }
                Screen::PresentCard { .. } => self.send(Intent::Cancel),
                _ => {}
            }
            return self.acts_soon(5000);
        }
        self.serves(&screen);
        // Somebody always looks again.
        self.acts_soon(3000);
    }

    fn serves(&mut self, screen: &Screen) {
        let Some(serving) = &mut self.serving else { return };
        let customer = self.customers[serving.customer].clone();
        match screen {
            Screen::Keypad { .. } if serving.paid => self.leaves(),
            Screen::Keypad { .. } if serving.to_look_up => self.send(Intent::ShowTransactions(0)),
            Screen::Keypad { .. } => self.charges(),
            Screen::PresentCard { notice, .. } => {
                if notice.as_ref().is_some_and(|reason| reason.kind == ReasonKind::RemoveCard) {
                    self.slot.remove();
                } else if customer.cancels == Some(Cancels::BeforeCard) && !serving.cancelled {
                    serving.cancelled = true;
                    self.send(Intent::Cancel);
                } else if !serving.inserted {
                    serving.inserted = true;
                    let fault = customer.card_fault.filter(|_| serving.tries == 1);
                    self.slot.insert(customer.card, fault);
                }
            }
            Screen::EnterPin { .. } => {
                let digits = if serving.wrong_pins > 0 { b"9999".to_vec() } else { b"1234".to_vec() };
                serving.wrong_pins = serving.wrong_pins.saturating_sub(1);
                self.send(Intent::EnterPin(Pin::new(digits.into()).unwrap()));
            }
            Screen::ChooseApplication { .. } => self.send(Intent::ChooseApplication(0)),
            Screen::ConfirmApplication { .. } => self.send(Intent::ConfirmApplication(true)),
            Screen::Processing { .. } => {
                if customer.cancels == Some(Cancels::WhileProcessing) && !serving.cancelled {
                    serving.cancelled = true;
                    self.send(Intent::Cancel);
                }
            }
            Screen::Approved { copies, .. } => {
                // After a power cut it may be another's, of long ago: the list tells.
                let mine = !serving.to_look_up;
                if mine {
                    self.tell(Word::Paid);
                }
                if !customer.forgets_card {
                    self.slot.remove();
                }
                if self.minds_slips(copies) {
                    return;
                }
                if mine { self.leaves_with(customer.forgets_card) } else { self.send(Intent::NextCustomer) }
            }
            Screen::NotPaid { .. } => {
                let to_look_up = serving.to_look_up;
                self.tell(Word::NotPaid);
                self.slot.remove();
                if to_look_up { self.send(Intent::ShowTransactions(0)) } else { self.charges() }
            }
            Screen::Unknown { .. } => {
                self.slot.remove();
                serving.patience += 1;
                if serving.patience < 3 {
                    return;
                }
                if serving.to_look_up {
                    self.send(Intent::ShowTransactions(0));
                } else if customer.insists {
                    self.charges();
                } else if serving.patience > 8 {
                    self.leaves();
                }
            }
            Screen::Transactions { rows, .. } => {
                let newest = rows.first().map(|row| (row.trace, row.state));
                serving.to_look_up = false;
                let owner = newest.and_then(|(trace, _)| self.network.owners().get(&trace).copied());
                let paid = newest.is_some_and(|(_, state)| state == yima::app::view::RowState::Approved);
                if owner == Some(serving.customer) && paid {
                    serving.begun = true;
                    self.tell(Word::Paid);
                    return self.leaves();
                }
                self.charges();
            }
            Screen::OutOfService { .. } => {
                serving.begun = false;
                serving.to_look_up = true;
                serving.patience += 1;
                if serving.patience > 60 {
                    self.leaves();
                }
            }
            Screen::Queue { .. } | Screen::Enrol { .. } => self.send(Intent::ShowKeypad),
        }
    }

    fn leaves_with(&mut self, card_stays: bool) {
        let inserted = !self.slot.is_empty();
        if !(card_stays && inserted) {
            return self.leaves();
        }
        self.serving = None;
        self.network.serves(None);
        self.send(Intent::NextCustomer);
        self.acts_soon(1500);
    }

    /// Answers what is asked about slips; false when nothing is left to be done about them.
    fn minds_slips(&mut self, copies: &[yima::app::view::CopyView]) -> bool {
        for copy in copies {
            match &copy.state {
                CopyState::Asks(_) => {
                    let printed = self.random.percent(60);
                    self.send(Intent::DidItPrint { copy: copy.copy, printed });
                    return true;
                }
                CopyState::Failed(_) => {
                    self.send(Intent::RetryPrint);
                    return true;
                }
                CopyState::Queued | CopyState::Sending | CopyState::Waiting(_) => return true,
                CopyState::Printed => {}
            }
        }
        false
    }

    /// A person decides about what was given up, after asking the acquirer.
    fn decide(&mut self) {
        let Some(engine) = &self.engine else { return };
        let parked = engine.ledger().entries().unwrap_or_default();
        for entry in parked.into_iter().filter(|entry| entry.standing == Standing::Parked) {
            let act = if may_be_tried_again(&entry) {
                Act::Retry
            } else {
                let trace = entry.original;
                let entries = self.network.host(|host| host.store.ledger()).unwrap();
                let booked = entries.iter().any(|host| host.trace == trace && host.state == EntryState::Approved);
                Act::Resolve(if booked { Resolution::Charged } else { Resolution::Reversed })
            };
            self.send(Intent::Decide(entry.trace, act));
        }
    }

    fn end(mut self) -> Verdict {
        drop(self.engine.take());
        let rows = judge::judge(&self.network, &self.told, &self.acknowledged, &mut self.problems);
        self.problems.extend(self.network.problems());
        Verdict {
            problems: self.problems,
            hash: self.trace.hash(),
            lines: self.trace.lines(),
            payments: rows.len(),
            paid: rows.iter().filter(|row| row.state == State::Approved).count(),
            cuts: self.cuts,
            operations: disk::operations(),
            lasted: self.now,
        }
    }
}

/// Which kind of error it is: the sentence names places of this machine.
fn error_word(error: &yima::ledger::LedgerError) -> String {
    format!("{error:?}").split(|end: char| !end.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// What may have become of a payment.
pub const fn may_follow(before: State, after: State) -> bool {
    match before {
        State::Pending => true,
        State::HostApproved => !matches!(after, State::Pending | State::Declined),
        State::Approved => matches!(after, State::Approved),
        State::Declined => matches!(after, State::Declined | State::ReversalDue | State::Reversed | State::Unresolved),
        State::ReversalDue => matches!(after, State::ReversalDue | State::Reversed | State::Unresolved),
        State::Reversed | State::Unresolved => {
            matches!(after, State::Reversed | State::Unresolved | State::ReversalDue)
        }
    }
}
