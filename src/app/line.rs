//! What is known of the line to the host: from every exchange, from looking for the host when it is time, and from the idle
//! line that is watched.

use std::time::{Duration, Instant};

use jiff::SignedDuration;

use super::view::LinkState;
use crate::acquirer::held::LineEnd;
use crate::acquirer::link::HostCheck;
use crate::acquirer::sign_on::{SignOnFailure, SignedOn};
use crate::clock;
use crate::payment::online::{Decision, HostAnswer, LinkFailure, Unreached};
use crate::wording::{Reason, ReasonKind};

/// How often a host is looked for that cannot be reached: whoever puts the cable back looks at the screen.
const SEARCH_INTERVAL: Duration = Duration::from_secs(4);

/// How often a host is looked for that is there and does not answer as it should.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// After a host hung up on an idle line it is looked for; where it was there all the same, it does not keep idle lines, and
/// the next time it hangs up it has this much longer before it is looked for again.
const PATIENCE_WITH_CLOSING: Duration = Duration::from_secs(4);

/// A clock that differs more than this from the host's is wrong.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// A clock that differs more than this takes no payments: they carry its date, and around midnight they would land on another
/// day than the host's, where they may not be found when they are to be taken back.
const CLOCK_LIMIT: SignedDuration = SignedDuration::from_mins(15);
/// The same while something is wrong between the two.
const DOUBT_INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    state: LinkState,
    /// How many payments wait to be taken back.
    pub waiting: usize,
    /// How long nothing may be heard of a host that is there.
    echo_interval: Option<Duration>,
    /// When the last exchange about a payment ended.
    exchanged_at: Option<Instant>,
    /// When to look for the host; never, where an idle line is none of anybody's business.
    next_check: Option<Instant>,
    check_began: Option<Instant>,
    /// No check has ended yet.
    first_check: bool,
    /// The host has answered a check, and with it told its time, if it ever does.
    compared: bool,
    /// The host hung up on the idle line, and the check that follows tells whether it is there.
    closed: bool,
    /// How long a host that hangs up on idle lines is left alone.
    patience: Duration,
    /// What only a person can mend.
    trouble: Option<Reason>,
    /// How far this machine's clock is ahead of the host's, when the host's gateway tells its time.
    clock_ahead: Option<SignedDuration>,
    /// The same of the two local times, which differ by the time zone as well. Messages carry local dates.
    local_ahead: Option<SignedDuration>,
}

impl Line {
    pub fn new(echo_interval: Option<Duration>) -> Self {
        Self {
            state: LinkState::Untried,
            waiting: 0,
            echo_interval,
            exchanged_at: None,
            next_check: Some(clock::instant()),
            check_began: None,
            first_check: true,
            compared: false,
            closed: false,
            patience: Duration::ZERO,
            trouble: None,
            clock_ahead: None,
            local_ahead: None,
        }
    }

    pub const fn state(&self) -> LinkState {
        self.state
    }

    /// What is wrong with the line or the clock and stays so until a person looks at it.
    pub fn trouble(&self) -> Option<Reason> {
        let clock = || self.wrong_clock(CLOCK_TOLERANCE).map(|wrong| wrong.reason(ReasonKind::ClockWrong));
        self.trouble.clone().or_else(|| self.refusal()).or_else(clock)
    }

    /// Why no payment may begin now.
    pub fn refusal(&self) -> Option<Reason> {
        self.wrong_clock(CLOCK_LIMIT).map(|wrong| match wrong {
            // What a person has to set is another thing then.
            WrongClock::Local(_) if self.clock_ahead.is_some() => wrong.reason(ReasonKind::TimeZoneWrong),
            WrongClock::Local(_) | WrongClock::Itself(_) => wrong.reason(ReasonKind::ClockFarOff),
        })
    }

    /// What is further from the host's than this. A clock that is wrong makes local time wrong as well, so it comes first.
    fn wrong_clock(&self, limit: SignedDuration) -> Option<WrongClock> {
        let beyond = |ahead: &SignedDuration| ahead.abs() > limit;
        let itself = self.clock_ahead.filter(beyond).map(WrongClock::Itself);
        itself.or_else(|| self.local_ahead.filter(beyond).map(WrongClock::Local))
    }

    /// This machine's time was compared with the host's since the start.
    pub const fn has_compared(&self) -> bool {
        self.compared
    }

    /// The check that an engine begins with has not ended.
    pub const fn first_check_under_way(&self) -> bool {
        self.first_check && self.check_began.is_some()
    }

    /// It is time to look for the host.
    pub fn wants_check(&self) -> bool {
        self.check_began.is_none() && self.next_check.is_some_and(|at| clock::instant() >= at)
    }

    /// Something is wrong between host and terminal: the host is asked at once, and again until it is not.
    pub fn doubt(&mut self) {
        let soon = clock::instant() + DOUBT_INTERVAL;
        self.next_check = Some(self.next_check.map_or(soon, |at| at.min(soon)));
    }

    pub fn check_begins(&mut self) {
        self.check_began = Some(clock::instant());
    }

    pub fn after_check(&mut self, result: &Result<HostCheck, LinkFailure>) {
        let began = self.check_began.take();
        self.first_check = false;
        if let Ok(HostCheck { date, local_ahead, .. }) = result {
            self.compared = true;
            self.clock_ahead = date.map(|date| clock::timestamp().duration_since(date));
            self.local_ahead = *local_ahead;
        }
        if std::mem::take(&mut self.closed) && result.is_ok() {
            let longest = self.echo_interval.unwrap_or(CHECK_INTERVAL);
            self.patience = (self.patience * 2).max(PATIENCE_WITH_CLOSING).min(longest);
        }
        let was_there = self.state == LinkState::Online;
        // A payment that was answered since the check began knows better.
        if self.exchanged_at <= began {
            self.note(result);
            if result.as_ref().is_ok_and(|check| check.response_code.as_str() != "00") {
                self.state = LinkState::Refused;
            }
        }
        self.look_again();
        // A host that goes away in the middle of an echo is silent once, and not there when it is asked again.
        if was_there && self.state == LinkState::HostSilent {
            self.doubt();
        }
    }

    pub fn after_exchange(&mut self, result: &Result<HostAnswer, LinkFailure>) {
        self.after_exchange_of_any_kind(result);
        // Perhaps because of this terminal, which the next check tells.
        if result.as_ref().is_ok_and(|answer| matches!(answer.decision, Decision::Refused | Decision::Unproven)) {
            self.next_check = Some(clock::instant());
        }
    }

    /// What an exchange says of the line, whatever it was about.
    pub fn after_exchange_of_any_kind<T>(&mut self, result: &Result<T, LinkFailure>) {
        self.exchanged_at = Some(clock::instant());
        self.note(result);
        self.look_again();
    }

    /// The idle line that was watched has ended.
    pub fn after_end(&mut self, end: &LineEnd) {
        if self.state != LinkState::Online {
            return;
        }
        match end {
            LineEnd::Closed => {
                self.closed = true;
                let soon = clock::instant() + self.patience;
                self.next_check = Some(self.next_check.map_or(soon, |at| at.min(soon)));
            }
            LineEnd::Dead(why) => {
                tracing::info!(state = ?LinkState::Offline, failure = why, "the line to the host");
                self.state = LinkState::Offline;
                self.next_check = Some(clock::instant());
            }
        }
    }

    fn look_again(&mut self) {
        let after = match self.state {
            LinkState::Online if self.wrong_clock(CLOCK_LIMIT).is_some() => Some(CHECK_INTERVAL),
            LinkState::Online => self.echo_interval,
            LinkState::Offline => Some(SEARCH_INTERVAL),
            LinkState::Untried | LinkState::HostSilent | LinkState::Refused => Some(CHECK_INTERVAL),
        };
        self.next_check = after.map(|after| clock::instant() + after);
    }

    pub fn after_sign_on(&mut self, result: &Result<SignedOn, SignOnFailure>) {
        self.exchanged_at = Some(clock::instant());
        match result {
            Err(SignOnFailure::Link(failure)) => self.note::<()>(&Err(failure.clone())),
            Err(SignOnFailure::Refused(_)) => self.state = LinkState::Refused,
            Ok(_) | Err(SignOnFailure::Keys(_) | SignOnFailure::Vault(_)) => self.note(&Ok(())),
        }
        self.look_again();
        // The echo that follows tells how the clock is, and leaves a line to be watched.
        if result.is_ok() && self.echo_interval.is_some() {
            self.next_check = Some(clock::instant());
        }
    }

    fn note<T>(&mut self, result: &Result<T, LinkFailure>) {
        let before = self.state;
        self.state = match result {
            Ok(_) => LinkState::Online,
            Err(LinkFailure::NeverSent(_)) => LinkState::Offline,
            // Nothing was sent: this says nothing about the line.
            Err(LinkFailure::Unsendable(_)) => return,
            Err(LinkFailure::NoAnswer(_) | LinkFailure::BadMac(_) | LinkFailure::WrongAnswer(_)) => {
                LinkState::HostSilent
            }
        };
        self.trouble = match result {
            Err(LinkFailure::NeverSent(Unreached { fault, detail })) if fault.needs_a_person() => {
                Some(Reason { fault: Some(*fault), ..Reason::with_detail(ReasonKind::LinkTrouble, detail) })
            }
            Ok(_) | Err(_) => None,
        };
        if before != self.state {
            let failure = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
            tracing::info!(state = ?self.state, failure, "the line to the host");
        }
    }
}

/// What of a clock is not as the host's, and how far it is ahead.
#[derive(Clone, Copy, Debug)]
enum WrongClock {
    /// The clock itself.
    Itself(SignedDuration),
    /// The local time.
    Local(SignedDuration),
}

impl WrongClock {
    fn reason(self, kind: ReasonKind) -> Reason {
        Reason::with_detail(
            kind,
            match self {
                Self::Itself(ahead) => format!("{} s ahead of the host", ahead.as_secs()),
                Self::Local(ahead) => format!("local time {} s ahead of the host's", ahead.as_secs()),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::link_fault::LinkFault;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn new_line() -> Line {
        Line::new(Some(INTERVAL))
    }

    fn says(code: &str) -> Result<HostCheck, LinkFailure> {
        says_at(code, Timestamp::now())
    }

    fn says_at(code: &str, date: Timestamp) -> Result<HostCheck, LinkFailure> {
        Ok(HostCheck {
            response_code: crate::reference::ResponseCode::parse(code).unwrap(),
            date: Some(date),
            local_ahead: None,
            round_trip: Duration::ZERO,
            address: String::new(),
            on_fallback: false,
            tls: String::new(),
        })
    }

    fn failed<T>() -> Result<T, LinkFailure> {
        Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "no line")))
    }

    fn answered(decision: Decision) -> Result<HostAnswer, LinkFailure> {
        let response_code = crate::reference::ResponseCode::parse("97").unwrap();
        Ok(HostAnswer {
            decision,
            response_code,
            rrn: None,
            authorisation_code: None,
            issuer_data: Vec::new(),
            balances: Vec::new(),
            plan: None,
        })
    }

    #[test]
    fn only_an_answer_compares_the_clocks_and_only_the_first_check_is_waited_for() {
        let mut line = new_line();
        assert!(!line.has_compared() && !line.first_check_under_way());
        line.check_begins();
        assert!(line.first_check_under_way());
        line.after_check(&failed());
        line.after_exchange(&answered(Decision::Approved));
        line.check_begins();
        assert!(!line.has_compared() && !line.first_check_under_way());
        line.after_check(&says("97"));
        assert!(line.has_compared());
        line.check_begins();
        line.after_check(&failed());
        assert!(line.has_compared(), "what is known of the clock stays known without a line");
    }

    #[test]
    fn a_payment_that_was_refused_makes_it_look_whether_the_terminal_is_meant() {
        let mut line = new_line();
        line.after_exchange(&answered(Decision::Approved));
        assert!(!line.wants_check());
        line.after_exchange(&answered(Decision::Refused));
        assert!(line.wants_check());
        line.check_begins();
        line.after_check(&failed());
        assert_eq!(line.state(), LinkState::Offline);
    }

    #[test]
    fn a_check_that_began_before_a_payment_was_answered_does_not_count() {
        let mut line = new_line();
        line.check_begins();
        line.after_exchange(&answered(Decision::Approved));
        line.after_check(&failed());
        assert_eq!(line.state(), LinkState::Online);
        line.check_begins();
        line.after_check(&failed());
        assert_eq!(line.state(), LinkState::Offline);
    }

    #[test]
    fn a_host_that_answers_a_check_with_a_refusal_is_not_called_online() {
        let mut line = new_line();
        line.check_begins();
        line.after_check(&says("97"));
        assert_eq!(line.state(), LinkState::Refused);
        line.check_begins();
        line.after_check(&says("00"));
        assert_eq!(line.state(), LinkState::Online);
    }

    #[test]
    fn a_request_that_could_not_be_made_says_nothing_about_the_line() {
        let mut line = new_line();
        line.after_exchange(&answered(Decision::Approved));
        line.after_exchange(&Err(LinkFailure::Unsendable(String::new())));
        assert_eq!(line.state(), LinkState::Online);
    }

    #[test]
    fn a_host_that_is_there_is_asked_again_only_after_a_while() {
        let mut line = new_line();
        line.check_begins();
        line.after_check(&says("00"));
        assert!(!line.wants_check());
        let due = line.next_check.unwrap();
        assert!(due > Instant::now() + INTERVAL / 2 && due <= Instant::now() + INTERVAL);
        line.next_check = Some(Instant::now());
        assert!(line.wants_check());
        let mut never = Line::new(None);
        never.check_begins();
        never.after_check(&says("00"));
        assert_eq!(never.next_check, None);
    }

    #[test]
    fn an_idle_line_without_a_sign_is_offline_and_one_that_is_closed_is_looked_after() {
        let mut line = new_line();
        line.after_exchange(&answered(Decision::Approved));
        line.after_end(&LineEnd::Dead("timed out".to_owned()));
        assert_eq!(line.state(), LinkState::Offline);
        assert!(line.wants_check());
        line.after_exchange(&answered(Decision::Approved));
        line.after_end(&LineEnd::Closed);
        assert_eq!(line.state(), LinkState::Online, "only the check tells");
        assert!(line.wants_check());
        line.check_begins();
        line.after_check(&failed());
        assert_eq!(line.state(), LinkState::Offline);
    }

    #[test]
    fn a_host_that_does_not_keep_idle_lines_is_not_asked_all_the_time() {
        let mut line = new_line();
        let mut waits = Vec::new();
        for _ in 0..7 {
            line.after_exchange(&answered(Decision::Approved));
            line.after_end(&LineEnd::Closed);
            waits.push(line.next_check.unwrap().saturating_duration_since(Instant::now()).as_secs_f64().round());
            line.check_begins();
            line.after_check(&says("00"));
        }
        assert_eq!(waits, [0.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
    }

    #[test]
    fn a_wrong_clock_is_told_and_one_far_off_takes_no_payment() {
        for (seconds, told, refused) in
            [(0, false, false), (-59, false, false), (120, true, false), (-1000, true, true)]
        {
            let mut line = new_line();
            line.check_begins();
            line.after_check(&says_at("00", Timestamp::now() - SignedDuration::from_secs(seconds)));
            assert_eq!(line.trouble().is_some(), told, "{seconds}");
            assert_eq!(line.refusal().is_some(), refused, "{seconds}");
            if refused {
                assert!(
                    line.next_check.unwrap() <= Instant::now() + CHECK_INTERVAL,
                    "a clock that was set is seen soon"
                );
                line.check_begins();
                line.after_check(&says("00"));
                assert_eq!((line.trouble(), line.refusal()), (None, None));
            }
        }
    }

    /// A machine in universal time at a host in Beijing has the right time and, in the morning, yesterday's date.
    #[test]
    fn a_local_time_that_is_not_the_hosts_takes_no_payment_either() {
        let (right, wrong) = (Some(SignedDuration::ZERO), Some(SignedDuration::from_hours(-8)));
        let date = Some(SignedDuration::ZERO);
        let (zone, clock) = (ReasonKind::TimeZoneWrong, ReasonKind::ClockFarOff);
        for (clock_ahead, local_ahead, refused, told) in [
            (date, right, None, None),
            (date, wrong, Some(zone), Some(zone)),
            (date, Some(SignedDuration::from_mins(10)), None, Some(ReasonKind::ClockWrong)),
            // A gateway that does not tell the time.
            (None, Some(SignedDuration::from_mins(20)), Some(clock), Some(clock)),
            (None, right, None, None),
            (None, None, None, None),
            // The clock is wrong, and local time with it.
            (Some(SignedDuration::from_mins(20)), Some(SignedDuration::from_mins(20)), Some(clock), Some(clock)),
        ] {
            let mut line = new_line();
            line.check_begins();
            let check = says("00").unwrap();
            let date = clock_ahead.map(|ahead| Timestamp::now() - ahead);
            line.after_check(&Ok(HostCheck { date, local_ahead, ..check }));
            let case = format!("{clock_ahead:?} {local_ahead:?}");
            assert_eq!(line.refusal().map(|reason| reason.kind), refused, "{case}");
            assert_eq!(line.trouble().map(|reason| reason.kind), told, "{case}");
        }
    }

    #[test]
    fn what_a_person_must_mend_is_told_until_the_host_answers() {
        let mut line = new_line();
        let fault = LinkFault::NotYetValid;
        line.check_begins();
        line.after_check(&Err(LinkFailure::NeverSent(Unreached::new(fault, "tomorrow"))));
        let told = line.trouble().unwrap();
        assert_eq!((told.kind, told.fault), (ReasonKind::LinkTrouble, Some(fault)));
        line.check_begins();
        line.after_check(&failed());
        assert_eq!(line.trouble(), None, "a cable is not a matter for the help desk");
    }
}
