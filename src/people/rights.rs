//! What can be done at a terminal, as far as not everybody may.

use super::Role;
use super::rules::{Grant, rules};
use crate::payment::entry::CardBy;
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Kind;

/// Something that a role may do, or a manager lets it be done once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Take a payment, by card or by code.
    Sale,
    /// Undo a sale.
    Void,
    /// Give money back.
    Refund,
    /// Set money aside, and more of it later.
    PreAuthorisation,
    /// Let go what was set aside.
    PreAuthorisationVoid,
    /// Take what was set aside.
    Completion,
    /// Undo that.
    CompletionVoid,
    /// Ask what is on an account.
    Balance,
    /// Type the number of a card that is not read.
    TypedNumber,
    /// Sell goods.
    Goods,
    /// Look at earlier transactions and sums.
    Reports,
    /// Open and close a shift, and count the drawer.
    Shift,
    /// Open the drawer without a sale.
    Drawer,
    /// Settle the batch.
    Settle,
    /// Decide about what the terminal gave up.
    Decide,
    /// Change how the terminal is set up.
    Settings,
    /// Add people, give codes, disable.
    People,
}

/// Whether somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// By themselves.
    Allowed,
    /// With a manager's code at this moment.
    WithManager,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Sale,
        Self::Void,
        Self::Refund,
        Self::PreAuthorisation,
        Self::PreAuthorisationVoid,
        Self::Completion,
        Self::CompletionVoid,
        Self::Balance,
        Self::TypedNumber,
        Self::Goods,
        Self::Reports,
        Self::Shift,
        Self::Drawer,
        Self::Settle,
        Self::Decide,
        Self::Settings,
        Self::People,
    ];

    /// What settings ask a manager's code for, where nobody says otherwise: money that goes back.
    pub const USUALLY_WITH_MANAGER: [Self; 4] =
        [Self::Void, Self::Refund, Self::PreAuthorisationVoid, Self::CompletionVoid];

    /// The word in the table, the settings, the ledger and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::PreAuthorisation => "pre_authorisation",
            Self::PreAuthorisationVoid => "pre_authorisation_void",
            Self::Completion => "completion",
            Self::CompletionVoid => "completion_void",
            Self::Balance => "balance",
            Self::TypedNumber => "typed_number",
            Self::Goods => "goods",
            Self::Reports => "reports",
            Self::Shift => "shift",
            Self::Drawer => "drawer",
            Self::Settle => "settle",
            Self::Decide => "decide",
            Self::Settings => "settings",
            Self::People => "people",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.word() == word)
    }

    /// The right that a transaction needs. `undone`: of what kind is what it undoes, where it undoes something that is known.
    pub fn of(purpose: &Purpose, undone: Option<Kind>) -> Self {
        if purpose.by() == CardBy::Typed {
            return Self::TypedNumber;
        }
        match (purpose.what(), undone) {
            (Purpose::Void(..), Some(Kind::PreAuthorisation)) => Self::PreAuthorisationVoid,
            (Purpose::Void(..), Some(Kind::Completion)) => Self::CompletionVoid,
            (Purpose::Void(..), _) => Self::Void,
            (what, _) => Self::of_kind(what.kind()),
        }
    }

    /// The right that a transaction of this kind needs.
    const fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Sale | Kind::OfflineSale | Kind::CodePayment => Self::Sale,
            Kind::PreAuthorisation | Kind::PreAuthorisationTopUp => Self::PreAuthorisation,
            Kind::Balance => Self::Balance,
            Kind::Void => Self::Void,
            Kind::Refund | Kind::CodeRefund => Self::Refund,
            Kind::PreAuthorisationVoid => Self::PreAuthorisationVoid,
            Kind::Completion | Kind::CompletionNotice => Self::Completion,
            Kind::CompletionVoid => Self::CompletionVoid,
        }
    }
}

/// Whether a role may do something. `with_manager`: what the settings ask a manager's code for beside what the table says.
pub fn judge(role: Role, right: Right, with_manager: &[Right]) -> Judgement {
    match (role, rules().grant(role, right)) {
        // Who is the manager is asked by nobody.
        (Role::Manager, Grant::Own) => Judgement::Allowed,
        (Role::Cashier, Grant::Own) if !with_manager.contains(&right) => Judgement::Allowed,
        (Role::Cashier | Role::Manager, Grant::Own | Grant::Manager) => Judgement::WithManager,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cashier_takes_payments_and_needs_the_manager_for_what_gives_money_back() {
        let usual = Right::USUALLY_WITH_MANAGER;
        for right in Right::ALL {
            assert_eq!(judge(Role::Manager, right, &Right::ALL), Judgement::Allowed, "{right:?}");
            assert_eq!(Right::from_word(right.word()), Some(right));
        }
        for (right, usually, trusted) in [
            (Right::Sale, Judgement::Allowed, Judgement::Allowed),
            (Right::Void, Judgement::WithManager, Judgement::Allowed),
            (Right::Refund, Judgement::WithManager, Judgement::Allowed),
            (Right::Completion, Judgement::Allowed, Judgement::Allowed),
            (Right::Drawer, Judgement::WithManager, Judgement::WithManager),
            (Right::CompletionVoid, Judgement::WithManager, Judgement::Allowed),
            (Right::Settle, Judgement::WithManager, Judgement::WithManager),
            (Right::People, Judgement::WithManager, Judgement::WithManager),
        ] {
            assert_eq!(judge(Role::Cashier, right, &usual), usually, "{right:?}");
            assert_eq!(judge(Role::Cashier, right, &[]), trusted, "{right:?}");
        }
    }

    #[test]
    fn every_kind_of_transaction_needs_a_right_of_its_own() {
        for (kind, right) in [
            (Kind::CodePayment, Right::Sale),
            (Kind::CodeRefund, Right::Refund),
            (Kind::CompletionNotice, Right::Completion),
            (Kind::PreAuthorisationVoid, Right::PreAuthorisationVoid),
        ] {
            assert_eq!(Right::of_kind(kind), right);
        }
    }
}
