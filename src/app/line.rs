//! What is known of the line to the host: from every exchange, and from looking for the host while it is not known to be
//! there.

use std::time::{Duration, Instant};

use super::view::LinkState;
use crate::acquirer::link::HostCheck;
use crate::payment::online::{Decision, HostAnswer, LinkFailure};

/// How often the host is looked for while it is not known to be there.
const CHECK_INTERVAL: Duration = Duration::from_secs(15);

/// The same while something is wrong between the two.
const DOUBT_INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Line {
    state: LinkState,
    /// How many payments wait to be taken back.
    pub waiting: usize,
    /// When the last exchange about a payment ended.
    exchanged_at: Option<Instant>,
    next_check: Instant,
    check_began: Option<Instant>,
    /// A payment was refused: perhaps because of this terminal, which the next check tells.
    suspicious: bool,
}

impl Line {
    pub fn new() -> Self {
        Self {
            state: LinkState::Untried,
            waiting: 0,
            exchanged_at: None,
            next_check: Instant::now(),
            check_began: None,
            suspicious: false,
        }
    }

    pub const fn state(&self) -> LinkState {
        self.state
    }

    /// It is time to look for the host.
    pub fn wants_check(&self) -> bool {
        let doubtful = self.state != LinkState::Online || self.suspicious;
        self.check_began.is_none() && doubtful && Instant::now() >= self.next_check
    }

    /// Something is wrong between host and terminal: the host is asked at once, and again until it is not.
    pub fn doubt(&mut self) {
        self.suspicious = true;
        self.next_check = self.next_check.min(Instant::now() + DOUBT_INTERVAL);
    }

    pub fn check_begins(&mut self) {
        self.check_began = Some(Instant::now());
    }

    pub fn after_check(&mut self, result: &Result<HostCheck, LinkFailure>) {
        let began = self.check_began.take();
        self.suspicious = false;
        self.next_check = Instant::now() + CHECK_INTERVAL;
        // A payment that was answered since the check began knows better.
        if self.exchanged_at <= began {
            self.note(result);
            if result.as_ref().is_ok_and(|check| check.response_code.as_str() != "00") {
                self.state = LinkState::Refused;
            }
        }
    }

    pub fn after_exchange(&mut self, result: &Result<HostAnswer, LinkFailure>) {
        self.exchanged_at = Some(Instant::now());
        self.suspicious = result.as_ref().is_ok_and(|answer| answer.decision == Decision::Refused);
        self.note(result);
    }

    fn note<T>(&mut self, result: &Result<T, LinkFailure>) {
        self.state = match result {
            Ok(_) => LinkState::Online,
            Err(LinkFailure::NeverSent(_)) => LinkState::Offline,
            // Nothing was sent: this says nothing about the line.
            Err(LinkFailure::Unsendable(_)) => return,
            Err(LinkFailure::NoAnswer(_) | LinkFailure::BadMac(_) | LinkFailure::WrongAnswer(_)) => {
                LinkState::HostSilent
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed<T>() -> Result<T, LinkFailure> {
        Err(LinkFailure::NeverSent(String::new()))
    }

    fn answered(decision: Decision) -> Result<HostAnswer, LinkFailure> {
        let response_code = crate::reference::ResponseCode::parse("97").unwrap();
        Ok(HostAnswer { decision, response_code, rrn: None, authorisation_code: None, issuer_data: Vec::new() })
    }

    #[test]
    fn a_payment_that_was_refused_makes_it_look_whether_the_terminal_is_meant() {
        let mut line = Line::new();
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
        let mut line = Line::new();
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
        let says = |code: &str| {
            let response_code = crate::reference::ResponseCode::parse(code).unwrap();
            Ok(HostCheck { response_code, date: None, round_trip: Duration::ZERO })
        };
        let mut line = Line::new();
        line.check_begins();
        line.after_check(&says("97"));
        assert_eq!(line.state(), LinkState::Refused);
        line.check_begins();
        line.after_check(&says("00"));
        assert_eq!(line.state(), LinkState::Online);
    }

    #[test]
    fn a_request_that_could_not_be_made_says_nothing_about_the_line() {
        let mut line = Line::new();
        line.after_exchange(&answered(Decision::Approved));
        line.after_exchange(&Err(LinkFailure::Unsendable(String::new())));
        assert_eq!(line.state(), LinkState::Online);
    }
}
