//! How often a person's code was wrong, and how long the next try waits.
//!
//! A wait is measured by the time since the machine was started, which nobody can set. After a restart it counts from there anew, as if
//! no time had passed while the machine was off: pulling the plug makes it longer, never shorter.

use std::time::Duration;

use super::Role;

/// So many wrong codes, one after the other, and a cashier is locked out until a manager gives a new code.
pub const LOCKED_OUT_AFTER: u32 = 10;

/// A moment as a machine knows it without a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Which start of the machine it is counted from.
    pub boot: String,
    /// How long ago that was.
    pub since_boot: Duration,
}

/// What is kept of wrong codes. A right one makes it none again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// How many were wrong since the last right one. One whose end nobody has seen, because the power went, counts.
    pub wrong: u32,
    /// When the last one was.
    pub at: Option<Moment>,
}

/// How long a code is not looked at after so many wrong ones.
pub const fn wait_after(wrong: u32) -> Duration {
    Duration::from_secs(match wrong {
        0..=2 => 0,
        3 => 30,
        4 => 60,
        5 => 120,
        6 => 300,
        7 => 900,
        8 => 1800,
        _ => 3600,
    })
}

impl Tries {
    /// How long the next try still waits.
    pub fn left(&self, now: &Moment) -> Duration {
        let passed = match &self.at {
            Some(at) if at.boot == now.boot => now.since_boot.saturating_sub(at.since_boot),
            // Of another start nothing is known but that this one came after it.
            Some(_) => now.since_boot,
            None => return Duration::ZERO,
        };
        wait_after(self.wrong).saturating_sub(passed)
    }

    /// Whether no code helps any more. A manager only waits: whoever types wrong codes in a manager's name must not close the shop.
    pub const fn are_used_up(&self, role: Role) -> bool {
        match role {
            Role::Cashier => self.wrong >= LOCKED_OUT_AFTER,
            Role::Manager => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: &str, seconds: u64) -> Moment {
        Moment { boot: boot.to_owned(), since_boot: Duration::from_secs(seconds) }
    }

    #[test]
    fn waits_grow_and_pass_with_the_time_since_the_start_alone() {
        assert!((0..20).all(|wrong| wait_after(wrong) <= wait_after(wrong + 1)));
        let tries = Tries { wrong: 4, at: Some(at("a", 1000)) };
        assert_eq!(tries.left(&at("a", 1000)), Duration::from_secs(60));
        assert_eq!(tries.left(&at("a", 1040)), Duration::from_secs(20));
        assert_eq!(tries.left(&at("a", 1060)), Duration::ZERO);
        // Restarted: it begins anew, however long the machine was off.
        assert_eq!(tries.left(&at("b", 5)), Duration::from_secs(55));
        assert_eq!(tries.left(&at("b", 60)), Duration::ZERO);
        assert_eq!(Tries::default().left(&at("b", 0)), Duration::ZERO);
        // A machine that counts backwards gains nothing.
        assert_eq!(tries.left(&at("a", 10)), Duration::from_secs(60));
    }

    #[test]
    fn a_cashier_is_locked_out_and_a_manager_waits() {
        let tries = |wrong| Tries { wrong, at: None };
        assert!(
            !tries(LOCKED_OUT_AFTER - 1).are_used_up(Role::Cashier)
                && tries(LOCKED_OUT_AFTER).are_used_up(Role::Cashier)
        );
        assert!(!tries(u32::MAX).are_used_up(Role::Manager));
        assert_eq!(wait_after(u32::MAX), Duration::from_secs(3600));
    }
}
