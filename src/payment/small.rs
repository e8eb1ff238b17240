//! Small amounts without a PIN: where the acquirer's limit (FF8058) counts.
//!
//! | the card came | the PIN |
//! |---|---|
//! | without contacts | not asked for up to the limit: that is what the limit is made for |
//! | by its chip | as the card's own list of methods says; nobody overrides that |
//! | by its stripe, which demands one | asked for |
//! | by its stripe, which leaves it to the terminal | not asked for up to the limit, where the acquirer says that it counts for stripes |
//! | by its stripe, which stands for a chip that could not be read | as without a limit: of that card least is known |
//! | by its number, typed | as without a limit |
//!
//! Only a sale is of a small amount: what is set aside may become more, and money that goes back is asked about as ever. Decides only;
//! who asks for a PIN is `sale`.

use super::transaction::Kind;
use crate::card_number::PinDemand;
use crate::host_tables::TerminalParameters;
use crate::money::Amount;

/// How a card came, as far as a PIN may be spared for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// Held to the terminal (ISO/IEC 14443). No reader of this program does so yet; whoever brings one asks here.
    WithoutContacts,
    /// By the contacts of its chip.
    ByChip,
    /// By its stripe, with what that says of a PIN.
    ByStripe(PinDemand),
    /// By its stripe, because its chip could not be read.
    InPlaceOfChip,
    /// Its number was typed.
    Typed,
}

/// Whether nobody is asked for a PIN, though one could be entered here.
pub fn spares_pin(parameters: &TerminalParameters, kind: Kind, came: Came, amount: Amount) -> bool {
    let small = kind == Kind::Sale && parameters.no_pin_limit.is_some_and(|limit| amount.minor() <= limit);
    small
        && match came {
            Came::WithoutContacts => true,
            Came::ByStripe(PinDemand::WherePossible) => parameters.no_pin_for_stripes,
            // Where none is asked for there is none to spare.
            Came::ByStripe(PinDemand::Required | PinDemand::None)
            | Came::ByChip
            | Came::InPlaceOfChip
            | Came::Typed => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    const WAYS: [Came; 7] = [
        Came::WithoutContacts,
        Came::ByChip,
        Came::ByStripe(PinDemand::Required),
        Came::ByStripe(PinDemand::WherePossible),
        Came::ByStripe(PinDemand::None),
        Came::InPlaceOfChip,
        Came::Typed,
    ];

    fn spared(parameters: &TerminalParameters, kind: Kind, minor: u64) -> Vec<Came> {
        let amount = Amount::new(minor, Currency::CNY).unwrap();
        WAYS.into_iter().filter(|came| spares_pin(parameters, kind, *came, amount)).collect()
    }

    #[test]
    fn a_small_sale_without_contacts_needs_no_pin_and_a_stripe_only_where_the_acquirer_says_so() {
        let silent = TerminalParameters::default();
        let limit = TerminalParameters { no_pin_limit: Some(100_000), ..TerminalParameters::default() };
        let stripes = TerminalParameters { no_pin_for_stripes: true, ..limit.clone() };
        let word_alone = TerminalParameters { no_pin_for_stripes: true, ..TerminalParameters::default() };
        for (parameters, minor, expected) in [
            (&silent, 1, &[][..]),
            (&word_alone, 1, &[]),
            (&limit, 100_000, &[Came::WithoutContacts]),
            (&limit, 100_001, &[]),
            (&stripes, 100_000, &[Came::WithoutContacts, Came::ByStripe(PinDemand::WherePossible)]),
            (&stripes, 100_001, &[]),
        ] {
            assert_eq!(spared(parameters, Kind::Sale, minor), expected, "{minor}");
        }
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Sale) {
            assert_eq!(spared(&stripes, kind, 1), [], "{kind:?}");
        }
    }
}
