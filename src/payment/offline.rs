//! Sales of which nobody asks the host at once: the acquirer says how much may be sold so, and the chip has the only word.
//!
//! An offline sale is paid when its TC is durable. The host is told of it afterwards by an entry of the queue, with the number
//! of the sale itself, so that it is booked once however often it is told. A bank that does not pay it leaves the sale to a person:
//! the goods are gone.

use crate::host_tables::TerminalParameters;
use crate::money::Amount;
use crate::wording::{Reason, ReasonKind};

/// What was sold offline and has not come to the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    /// How many sales.
    pub count: u32,
    /// What they come to, in minor units.
    pub minor: u64,
}

/// Why so much is not sold offline now, if the acquirer does not want it.
pub fn refusal(parameters: &TerminalParameters, unsent: Unsent, amount: Amount) -> Option<Reason> {
    let Some(limits) = parameters.offline else { return Some(Reason::of(ReasonKind::OfflineNotAllowed)) };
    if amount.minor() > limits.most {
        let most = Amount::new(limits.most, amount.currency()).ok();
        return Some(Reason { amount: most, ..Reason::of(ReasonKind::OverOfflineLimit) });
    }
    let full = unsent.count >= limits.count || unsent.minor.saturating_add(amount.minor()) > limits.total;
    full.then(|| Reason::of(ReasonKind::OfflineFull))
}

/// The floor limit of a terminal (9F1B) that sells up to so much offline: the first amount that is too much.
pub fn floor_limit(parameters: &TerminalParameters) -> u32 {
    parameters.offline.map_or(0, |limits| u32::try_from(limits.most.saturating_add(1)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_tables::OfflineLimits;
    use crate::money::Currency;

    fn why(limits: Option<OfflineLimits>, count: u32, minor: u64, amount: u64) -> Option<(ReasonKind, Option<u64>)> {
        let parameters = TerminalParameters { offline: limits, ..TerminalParameters::default() };
        let reason = refusal(&parameters, Unsent { count, minor }, Amount::new(amount, Currency::CNY).unwrap())?;
        Some((reason.kind, reason.amount.map(Amount::minor)))
    }

    #[test]
    fn so_much_is_sold_offline_as_the_acquirer_lets_wait() {
        let limits = Some(OfflineLimits { most: 20_000, count: 3, total: 50_000 });
        for (count, minor, amount, refused) in [
            (0, 0, 20_000, None),
            (0, 0, 20_001, Some((ReasonKind::OverOfflineLimit, Some(20_000)))),
            (2, 30_000, 20_000, None),
            (2, 30_001, 20_000, Some((ReasonKind::OfflineFull, None))),
            (3, 300, 1, Some((ReasonKind::OfflineFull, None))),
            (1, u64::MAX, 1, Some((ReasonKind::OfflineFull, None))),
        ] {
            assert_eq!(why(limits, count, minor, amount), refused, "{count} {minor} {amount}");
        }
        assert_eq!(why(None, 0, 0, 1), Some((ReasonKind::OfflineNotAllowed, None)));
    }

    #[test]
    fn what_is_one_more_than_the_most_reaches_the_floor_limit() {
        for (most, floor) in [(20_000, 20_001), (u64::from(u32::MAX), u32::MAX)] {
            let offline = Some(OfflineLimits { most, count: 1, total: most });
            assert_eq!(floor_limit(&TerminalParameters { offline, ..TerminalParameters::default() }), floor);
        }
        assert_eq!(floor_limit(&TerminalParameters::default()), 0, "nothing is below it");
    }
}
