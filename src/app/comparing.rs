//! The clock is compared with the host's before a payment is asked for.
//!
//! A request carries this machine's date and time. Whether they are the host's is known once the host has answered an echo, which
//! is the first thing that an engine sends. A payment does not wait for that: a customer takes longer to find a card than a
//! host to answer. Its request does. When the host cannot be reached it never leaves, and the payment ends as any other
//! that is begun without a line; only a host that is there, and answers no echo, is asked at a time that nobody compared.

use super::engine::Core;
use super::view::{Progress, Screen};
use super::workers::link;
use crate::acquirer::link::HostCheck;
use crate::payment::online::LinkFailure;
use crate::payment::sale::Event;
use crate::wording::{Reason, ReasonKind};

impl Core {
    /// Asks the host for the payment that runs, as soon as it is known that its time is the host's.
    pub(super) fn send_once_compared(&mut self, request: link::Job) {
        if self.line.has_compared() {
            return self.send_at_the_right_time(request);
        }
        // A later check may stand behind something that nobody waits for, so the payment's own thread makes another one.
        if !self.line.first_check_under_way() {
            self.ask_host(link::Job::Check);
        }
        let amount = self.amount_now();
        self.unsent = Some(request);
        self.screen = Screen::Processing { amount, progress: Progress::ComparingClocks };
        self.publish();
    }

    /// The host has told its time, or has not: the request that waits for it leaves, or never does.
    pub(super) fn after_comparison(&mut self, result: &Result<HostCheck, LinkFailure>) {
        let Some(request) = self.unsent.take() else { return };
        if let Some(running) = &mut self.running {
            running.timings.mark("clock");
        }
        match result {
            Ok(_) => self.send_at_the_right_time(request),
            // It was given less time than a payment is.
            Err(LinkFailure::NeverSent(unreached)) if !unreached.fault.is_slowness() => {
                self.request_failed(LinkFailure::NeverSent(unreached.clone()));
            }
            Err(failure) => {
                tracing::warn!(%failure, "the host does not tell the time; a payment goes without a comparison");
                self.send(request);
            }
        }
    }

    /// Whoever stands before the terminal wants out. A request that has not left is called back.
    pub(super) fn cancel(&mut self) {
        if self.unsent.take().is_some() {
            return self.withhold(Reason::of(ReasonKind::Cancelled));
        }
        if self.by_code.is_some() {
            return self.give_up_code();
        }
        self.feed(Event::Cancelled);
    }

    fn send_at_the_right_time(&mut self, request: link::Job) {
        match self.line.refusal() {
            Some(reason) => self.withhold(reason),
            None => self.send(request),
        }
    }

    fn send(&mut self, request: link::Job) {
        self.show_progress();
        self.show_by_code();
        self.ask_host(request);
    }
}
