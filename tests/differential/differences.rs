//! Where the two kernels differ, and in which cases that can show. What each does and what the Book says of it stands
//! in `docs/emv-differences.md`, under the same heading.

use yima::emv::action::Reach;
use yima::emv::terminal::{Place, TransactionKind};

use super::case::{Case, Cryptogram, Host};
use super::kernels::Run;

/// A difference that is known.
pub struct Difference {
    /// Heading in `docs/emv-differences.md`.
    pub name: &'static str,
    /// True when it can show itself in this case, which went like this with our kernel.
    pub concerns: fn(&Case, &Run) -> bool,
    /// Bits that may differ.
    pub tvr: [u8; 5],
    pub tsi: [u8; 2],
    /// With one of the two the transaction may end otherwise, or before its time.
    pub ends: bool,
}

/// Nothing may differ.
const NOTHING: Difference = Difference { name: "", concerns: |_, _| false, tvr: [0; 5], tsi: [0; 2], ends: false };

/// All that cardholder verification finds out.
const VERIFICATION: [u8; 5] = [0, 0, 0xFC, 0x02, 0];

pub const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "Dates from 1950 to 1999",
        concerns: |case, _| {
            let year = |tag| case.card.object(tag).and_then(|date| date.first().copied());
            [0x5F24, 0x5F25].into_iter().any(|tag| year(tag) >= Some(0x50))
        },
        tvr: [0, 0x60, 0, 0, 0],
        ..NOTHING
    },
    Difference {
        name: "CVM list announced and missing",
        concerns: |case, _| case.card.verifies() && case.card.object(0x8E).is_none_or(|list| list.len() == 8),
        tvr: [0x20, 0, 0, 0, 0],
        ..NOTHING
    },
    Difference {
        name: "Manual cash",
        concerns: |case, _| {
            let cash_by_hand = case.kind == TransactionKind::Cash && case.terminal.place() == Place::Attended;
            cash_by_hand && case.card.rules().any(|[_, condition]| matches!(condition, 0x02 | 0x04))
        },
        tvr: VERIFICATION,
        // One sends VERIFY, and the card may answer what ends the transaction.
        ends: true,
        ..NOTHING
    },
    Difference {
        name: "A wrong PIN with tries left",
        concerns: |case, _| asks_for_plaintext_pin(case) && matches!(case.card.verify[..], [0x63C1..=0x63CF, ..]),
        tvr: VERIFICATION,
        ..NOTHING
    },
    Difference {
        name: "PIN try counter at zero",
        concerns: |case, _| asks_for_plaintext_pin(case) && case.card.pin_tries == Some(0),
        tvr: VERIFICATION,
        ends: true,
        ..NOTHING
    },
    Difference {
        name: "Plaintext PIN after an enciphered one",
        concerns: |case, _| {
            let enciphered = |code: u8| matches!(code & 0x3F, 0x04 | 0x05) && case.terminal.supports(code);
            asks_for_plaintext_pin(case) && case.card.rules().any(|[code, _]| enciphered(code))
        },
        tvr: VERIFICATION,
        ends: true,
        ..NOTHING
    },
    Difference {
        name: "Chance at a terminal that has no choice",
        concerns: |case, _| {
            let may_be_picked = case.terminal.random_selection.is_some() && case.amount < case.terminal.floor_limit;
            may_be_picked && case.terminal.reach() != Reach::OfflineWithOnline
        },
        tvr: [0, 0, 0, 0x10, 0],
        ..NOTHING
    },
    Difference {
        name: "Counters that the card owes",
        concerns: |case, _| {
            let card = &case.card;
            let limits = card.object(0x9F14).is_some() && card.object(0x9F23).is_some();
            limits && (card.transaction_counter.is_none() || card.last_online.is_none())
        },
        tvr: [0x20, 0, 0, 0, 0],
        ..NOTHING
    },
    Difference {
        name: "Mandatory data missing",
        concerns: |case, _| [0x5A, 0x8D].into_iter().any(|tag| case.card.object(tag).is_none()),
        ends: true,
        ..NOTHING
    },
    Difference {
        name: "A first cryptogram worth more than was asked for",
        concerns: |case, ours| match (ours.judged, case.card.first) {
            (Some(judged), Cryptogram::Information(given)) => worth(given) > worth(judged.requested),
            _ => false,
        },
        ends: true,
        ..NOTHING
    },
    Difference {
        name: "A second cryptogram that was not asked for",
        concerns: |case, _| matches!(case.card.second, Cryptogram::Information(given) if worth(given) == 2),
        ends: true,
        ..NOTHING
    },
    Difference {
        name: "Online-only terminal without a line",
        concerns: |case, _| case.terminal.reach() == Reach::OnlineOnly && matches!(case.host, Host::OutOfReach),
        ends: true,
        ..NOTHING
    },
];

/// AAC, ARQC, TC; the reserved value is worth most, as it means nothing.
const fn worth(information: u8) -> u8 {
    match information & 0xC0 {
        0x00 => 0,
        0x80 => 1,
        0x40 => 2,
        _ => 3,
    }
}

/// The list holds a rule for a plaintext PIN that the terminal can follow.
fn asks_for_plaintext_pin(case: &Case) -> bool {
    case.card.rules().any(|[code, _]| matches!(code & 0x3F, 0x01 | 0x03) && case.terminal.supports(code))
}
