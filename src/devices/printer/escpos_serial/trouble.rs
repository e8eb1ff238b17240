//! A printer that stops in the middle of a job, and what that leaves to doubt about the slip. Pure but for the time, which is
//! handed in.
//!
//! A printer that was switched off while it stood still has lost what it held and how it was set. Afterwards it is well,
//! prints the rest and answers the end mark: the slip has a hole. What tells the two apart is `GS a`: only a printer that
//! kept its power still says by itself that the trouble is over.

use std::time::Instant;

use crate::devices::printer::PrinterFault;

/// A trouble in the middle of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub fault: PrinterFault,
    pub since: Instant,
    /// When the printer was last asked about it.
    pub looked: Instant,
    may_have_lost: bool,
}

impl Trouble {
    pub(super) fn new(fault: PrinterFault, now: Instant) -> Self {
        Self { may_have_lost: loses(&fault), fault, since: now, looked: now }
    }

    /// The trouble is another one now.
    pub(super) fn becomes(&mut self, fault: PrinterFault) {
        self.may_have_lost |= loses(&fault);
        self.fault = fault;
    }
}

/// After these a part of the slip may be lost whatever the printer says.
const fn loses(fault: &PrinterFault) -> bool {
    match fault {
        PrinterFault::Error | PrinterFault::NoAnswer | PrinterFault::Absent(_) => true,
        PrinterFault::PaperOut | PrinterFault::CoverOpen | PrinterFault::Offline => false,
    }
}

/// What the troubles of a job leave open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubts {
    may_have_lost: bool,
    /// The last trouble or standstill began then; whether the printer kept its power since is not yet known.
    unproven_since: Option<Instant>,
}

impl Doubts {
    /// Notes a trouble that happened after some of the content had left.
    pub(super) fn add(&mut self, trouble: &Trouble) {
        self.may_have_lost |= trouble.may_have_lost;
        self.unproven_since = Some(trouble.since);
    }

    /// Notes that the line took nothing from then until now, and nobody said why.
    pub(super) fn add_standstill(&mut self, since: Instant) {
        self.unproven_since = Some(since);
    }

    /// Whether they keep an answered end mark from being proof. `good_by_itself` is when the printer last said, unasked,
    /// that nothing is wrong with it.
    pub(super) fn remain(&self, good_by_itself: Option<Instant>) -> bool {
        let proven = |since| good_by_itself.is_some_and(|good| good >= since);
        self.may_have_lost || !self.unproven_since.is_none_or(proven)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_a_printer_that_says_by_itself_that_it_is_well_again_has_kept_everything() {
        let begun = Instant::now();
        let before = begun.checked_sub(Duration::from_millis(1));
        let after = Some(begun + Duration::from_secs(1));
        for (faults, good_by_itself, remain) in [
            (&[][..], None, false),
            (&[PrinterFault::PaperOut], after, false),
            (&[PrinterFault::PaperOut], before, true),
            (&[PrinterFault::PaperOut], None, true),
            (&[PrinterFault::CoverOpen, PrinterFault::PaperOut], after, false),
            (&[PrinterFault::Offline], after, false),
            (&[PrinterFault::Offline], None, true),
            (&[PrinterFault::Error], after, true),
            (&[PrinterFault::NoAnswer], after, true),
            (&[PrinterFault::Error, PrinterFault::PaperOut], after, true),
            (&[PrinterFault::PaperOut, PrinterFault::Error], after, true),
        ] {
            let mut doubts = Doubts::default();
            if let [first, others @ ..] = faults {
                let mut trouble = Trouble::new(first.clone(), begun);
                others.iter().for_each(|fault| trouble.becomes(fault.clone()));
                doubts.add(&trouble);
            }
            assert_eq!(doubts.remain(good_by_itself), remain, "{faults:?} {good_by_itself:?}");
        }
    }
}
