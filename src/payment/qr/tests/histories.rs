//! A terminal, a host and a customer, and a line, a ledger and a power supply that nobody can rely on.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::payment::queue::{self, LateApprovalDoes};

/// How the order stands at the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtHost {
    NotKnown,
    /// The customer has something to do.
    Open,
    Paid,
    Refused,
    Closed,
    PaidBack,
}

/// What happens is drawn from a list; behind its end all goes well.
struct Town {
    draws: VecDeque<u8>,
    host: AtHost,
    /// What the customer has paid and not got back.
    net_charges: i32,
    /// It was paid at some time.
    was_paid: bool,
    row: Option<State>,
    /// The first request is still on its way.
    delayed: bool,
    payments_sent: usize,
    trail: Vec<String>,
}

/// Why a terminal stops in the middle.
struct PowerCut;

impl Town {
    fn new(draws: Vec<u8>) -> Self {
        Self {
            draws: draws.into(),
            host: AtHost::NotKnown,
            net_charges: 0,
            was_paid: false,
            row: None,
            delayed: false,
            payments_sent: 0,
            trail: Vec::new(),
        }
    }

    /// One of so many cases; 0 is the good one.
    fn draw(&mut self, cases: u8) -> u8 {
        self.draws.pop_front().map_or(0, |draw| draw % cases)
    }

    fn charge(&mut self) {
        self.host = AtHost::Paid;
        self.was_paid = true;
        self.net_charges += 1;
        assert!(self.net_charges <= 1, "charged twice: {:#?}", self.trail);
    }

    /// The first request reaches the host: the customer is charged, must do something, or is refused.
    fn first_request(&mut self, shown: bool) -> Event {
        match (self.host, self.draw(4)) {
            (AtHost::NotKnown, _) if shown => {
                self.host = AtHost::Open;
                return Event::OrderOpen("code".to_owned());
            }
            (AtHost::NotKnown, 0) => self.charge(),
            (AtHost::NotKnown, 1) => self.host = AtHost::Refused,
            (AtHost::NotKnown, 2) => self.host = AtHost::Open,
            (AtHost::NotKnown, _) => {
                self.host = AtHost::Open;
                return Event::Answered(Answer::NotKnown);
            }
            _ => {}
        }
        self.state_of_order()
    }

    fn state_of_order(&self) -> Event {
        Event::Answered(match self.host {
            AtHost::NotKnown => Answer::NotKnown,
            AtHost::Open => Answer::NotYet,
            AtHost::Paid => Answer::Paid(Paid::default()),
            AtHost::Refused | AtHost::Closed | AtHost::PaidBack => Answer::Refused(code()),
        })
    }

    fn cancel(&mut self) -> Event {
        Event::CancelAnswered(match self.host {
            AtHost::NotKnown | AtHost::Open | AtHost::Refused | AtHost::Closed => {
                self.host = AtHost::Closed;
                CancelAnswer::NeverPaid
            }
            AtHost::Paid => {
                self.host = AtHost::PaidBack;
                self.net_charges -= 1;
                CancelAnswer::PaidBack
            }
            AtHost::PaidBack => CancelAnswer::PaidBack,
        })
    }

    fn process(&mut self, request: &Request) -> Event {
        match request {
            Request::Pay(..) => self.first_request(false),
            Request::Open(..) => self.first_request(true),
            Request::Enquire(_) => self.state_of_order(),
            Request::Cancel(_) => self.cancel(),
        }
    }

    /// What happens in the meantime: the customer pays, or what was delayed arrives.
    fn meanwhile(&mut self) {
        match self.draw(4) {
            1 if self.host == AtHost::Open => {
                self.trail.push("the customer pays".to_owned());
                self.charge();
            }
            2 if self.delayed => self.arrive(),
            _ => {}
        }
    }

    fn arrive(&mut self) {
        self.trail.push("the first request arrives".to_owned());
        self.delayed = false;
        self.first_request(false);
    }

    /// A request on its way, and what the terminal hears of it.
    fn send(&mut self, request: &Request) -> Result<Event, PowerCut> {
        let first = matches!(request, Request::Pay(..) | Request::Open(..));
        let due = if matches!(request, Request::Cancel(_)) { State::ReversalDue } else { State::Pending };
        assert_eq!(self.row, Some(due), "sent before it was written down: {:#?}", self.trail);
        self.payments_sent += usize::from(first);
        assert!(self.payments_sent <= 1, "paid for a second time: {:#?}", self.trail);
        let silence = || Event::LinkFailed(LinkFailure::NoAnswer(String::new()));
        let case = self.draw(9);
        self.trail.push(format!("{request:?}: {case}"));
        Ok(match case {
            0 => self.process(request),
            // The answer is lost, forged, or somebody else's.
            1 => {
                self.process(request);
                silence()
            }
            2 => {
                self.process(request);
                Event::LinkFailed(LinkFailure::BadMac(String::new()))
            }
            // Lost, never sent, kept back.
            3 => silence(),
            4 => Event::LinkFailed(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, ""))),
            5 => Event::Withheld(Reason::of(ReasonKind::ClockFarOff)),
            // It comes later than what is sent after it.
            6 => {
                self.delayed |= matches!(request, Request::Pay(..));
                silence()
            }
            // Doubled.
            7 => {
                self.process(request);
                self.process(request)
            }
            _ => {
                if self.draw(2) == 1 {
                    self.process(request);
                }
                return Err(PowerCut);
            }
        })
    }

    /// A record is written, fails, or the power goes before or after it.
    fn write(&mut self, record: &Record) -> Result<Option<Event>, PowerCut> {
        let case = self.draw(7);
        self.trail.push(format!("{record:?}: {case}"));
        if case == 1 {
            return Err(PowerCut);
        }
        if case == 2 {
            return Ok(Some(Event::RecordFailed(String::new())));
        }
        assert!(record.fits(self.row), "{record:?} into {:?}: {:#?}", self.row, self.trail);
        self.row = record.leads_to().or(self.row);
        if case == 3 { Err(PowerCut) } else { Ok(None) }
    }

    /// Runs a payment to its end, or to a power cut.
    fn run(&mut self, mut payment: CodePayment) -> Result<Option<Conclusion>, PowerCut> {
        let mut events = VecDeque::from([Event::Begin]);
        let mut ended = None;
        for _ in 0..1000 {
            let Some(event) = events.pop_front() else { return Ok(ended) };
            for effect in payment.step(event) {
                match effect {
                    Effect::Show(_) => {}
                    Effect::Record(record) => {
                        if let Some(failed) = self.write(&record)? {
                            events.push_back(failed);
                            break;
                        }
                    }
                    Effect::Send(request) => {
                        if self.draw(8) == 1 {
                            events.push_back(Event::GivenUp);
                        }
                        self.meanwhile();
                        let event = self.send(&request)?;
                        self.meanwhile();
                        events.push_back(event);
                    }
                    Effect::Wait(_) => {
                        self.meanwhile();
                        events.push_back(match self.draw(5) {
                            1 => Event::CodeExpired,
                            2 => Event::GivenUp,
                            3 if self.was_paid => Event::Answered(Answer::Paid(Paid::default())),
                            _ => Event::PauseOver,
                        });
                        // Whatever it was, a pause ends.
                        events.push_back(Event::PauseOver);
                    }
                    Effect::Conclude(conclusion) => ended = Some(conclusion),
                }
            }
        }
        panic!("a payment does not end: {:#?}", self.trail);
    }

    /// A payment, and whatever follows from what is left of it.
    fn day(&mut self, way: Way) {
        let mut payment = CodePayment::new(order(), way, schedule());
        for _ in 0..100 {
            let ended = self.run(payment);
            self.check(ended.ok().flatten().as_ref());
            if self.delayed {
                self.arrive();
            }
            // Word of a payment that was taken back, or refused, may still come.
            if self.was_paid
                && self.draw(3) == 1
                && let Some(LateApprovalDoes::TakeBack) =
                    self.row.and_then(|row| queue::late_approval(crate::payment::transaction::Kind::Sale, row, None))
            {
                self.trail.push("word of it comes too late".to_owned());
                self.row = Some(State::ReversalDue);
            }
            let Some(resume) = self.row.and_then(Resume::of) else { return self.check_end() };
            self.trail.push(format!("the terminal goes on from {:?}", self.row));
            payment = CodePayment::resumed(order(), resume, schedule());
        }
        panic!("a day does not end: {:#?}", self.trail);
    }

    /// What people are told is what stands in the row.
    fn check(&self, told: Option<&Conclusion>) {
        let row = match told {
            Some(Conclusion::Approved) => [Some(State::Approved)].to_vec(),
            Some(Conclusion::Declined(_)) => vec![Some(State::Declined)],
            Some(Conclusion::Failed(_)) => vec![None, Some(State::Declined)],
            Some(Conclusion::TakenBack { .. }) => vec![Some(State::Reversed)],
            Some(Conclusion::BeingTakenBack(_)) => vec![Some(State::ReversalDue)],
            Some(Conclusion::Unresolved(_)) => vec![Some(State::Unresolved)],
            Some(Conclusion::NotKnown(_)) => vec![Some(State::Pending), Some(State::ReversalDue)],
            // The power went, or a record behind the end failed.
            None => return,
        };
        assert!(row.contains(&self.row), "{told:?} and {:?}: {:#?}", self.row, self.trail);
    }

    /// Terminal and host agree.
    fn check_end(&self) {
        let agreed = match self.row {
            None | Some(State::Declined | State::Reversed) => self.net_charges == 0,
            Some(State::Approved) => self.net_charges == 1,
            Some(State::Unresolved) => true,
            Some(State::Pending | State::HostApproved | State::ReversalDue | State::RepeatDue) => false,
        };
        assert!(agreed, "{:?} and {} charges: {:#?}", self.row, self.net_charges, self.trail);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nobody_pays_twice_and_terminal_and_host_agree_in_the_end(
        draws in proptest::collection::vec(any::<u8>(), 0..80),
        shown in any::<bool>(),
    ) {
        let way = if shown {
            Way::Shown { valid_s: 120 }
        } else {
            Way::Scanned(PaymentCode::parse("281234567890123456").unwrap())
        };
        Town::new(draws).day(way);
    }
}
