//! What the payment core wants written down. The ledger makes each of these durable before the next effect starts.
//!
//! The life of a payment's row. The ledger's own rules hold the same ([`State::may_become`]); nothing follows but what
//! stands here.
//!
//! | state | event | next | recorded |
//! |---|---|---|---|
//! | no row | the request is about to leave | pending | `Pending` |
//! | pending | the host approves | host_approved | `HostApproved` |
//! | pending | the host refuses or is not asked | declined | `NotPaid` |
//! | pending | only a person can tell | unresolved | `Unresolved` |
//! | pending, host_approved | it may be charged and is not wanted | reversal_due | `ReversalDue` |
//! | host_approved | the card approves | approved | `Approved` |
//! | host_approved | nobody else has to approve | approved | `Done` |
//! | host_approved | no chip has to approve | approved | `PaidWithoutChip` |
//! | reversal_due | the host has taken it back | reversed | |
//! | reversal_due | all tries are used up | unresolved | |
//! | unresolved | a person has it tried again | reversal_due | |
//! | declined, reversed | an approval comes too late | reversal_due | |
//! | approved | its purchase is given up | reversal_due | |
//! | no row | the card approves by itself | approved | `ApprovedByCard` |
//! | approved | its bank does not pay it | unresolved | |
//! | unresolved | a person has it tried again | approved | |
//! | pending | it may be done and nothing can take it back | repeat_due | `RepeatDue` |
//! | repeat_due | the host approves | host_approved | `HostApproved` |
//! | repeat_due | the host refuses or is not asked | declined | `NotPaid` |
//! | repeat_due | only a person can tell | unresolved | `Unresolved` |
//! | repeat_due | all tries are used up | unresolved | |
//! | unresolved | a person has it tried again | repeat_due | |
//! | declined | an approval comes too late | unresolved | |
//!
//! Which of two lines it is the kind says ([`State::may_be_of`]): what can be taken back is never sent again, and what is sent
//! again is never taken back. What a card approves by itself is neither: nothing was asked, and nothing is written before.

use std::fmt;

use jiff::civil::DateTime;

use super::instalments::{AskedInstalments, Plan};
use super::online::{EntryMode, ReversalReason};
use super::queue::Resolution;
use super::transaction::{IfUnknown, Kind, Original};
use crate::card_number::KnownPan;
use crate::emv::cvm::Verification;
use crate::money::Amount;
use crate::reference::{AuthorisationCode, ResponseCode, Rrn};
use crate::wording::ReasonKind;

/// One change of a transaction's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The request is about to leave: everything that can take it back.
    Pending(Box<Pending>),
    /// The host approved; the card has not had its last word.
    HostApproved {
        /// Field 39.
        response_code: ResponseCode,
        /// Field 37.
        rrn: Option<Rrn>,
        /// Field 38.
        authorisation_code: Option<AuthorisationCode>,
        /// What was approved, where that is less than was asked for.
        part: Option<Amount>,
        /// How the cardholder pays it, where that is by instalments.
        plan: Option<Plan>,
    },
    /// Final: paid.
    Approved(Box<CardResult>),
    /// Final: done. As `Approved`, where no card has a last word.
    Done,
    /// Final: paid, or set aside, with a card whose chip had no say.
    PaidWithoutChip {
        /// The cardholder signs the merchant's copy.
        signature: bool,
    },
    /// Final: the card approved by itself. Nothing was sent; the host is still to be told.
    ApprovedByCard(Box<Pending>, Box<CardResult>),
    /// What the card made of the issuer's scripts after the row was written; where the payment stands does not change.
    Scripts(Box<ScriptResult>),
    /// Final: not paid, and the host does not think otherwise.
    NotPaid {
        /// Why.
        reason: ReasonKind,
        /// Field 39, if a host said no.
        response_code: Option<ResponseCode>,
        /// Field 37, if a host answered.
        rrn: Option<Rrn>,
    },
    /// Neither paid nor not paid for certain, and nothing that this terminal may do decides it: a person must look.
    Unresolved {
        /// Why.
        reason: ReasonKind,
        /// Field 39, if a host answered.
        response_code: Option<ResponseCode>,
    },
    /// The host may have charged: take it back.
    ReversalDue {
        /// Field 39 of the reversal.
        reversal_reason: ReversalReason,
        /// Why, for people.
        reason: ReasonKind,
        /// Field 38 of the answer, if one came.
        authorisation_code: Option<AuthorisationCode>,
        /// Field 55 of the reversal, as it is known now.
        chip_data: Vec<u8>,
    },
    /// The host may have done it, and nothing can take it back: it is sent again, the same as before.
    RepeatDue {
        /// Why, for people.
        reason: ReasonKind,
    },
}

impl Record {
    /// What came of scripts, if this tells of any.
    pub fn scripts(&self) -> Option<&ScriptResult> {
        match self {
            Self::Approved(card) | Self::ApprovedByCard(_, card) => card.scripts.as_ref(),
            Self::Scripts(scripts) => Some(scripts),
            Self::Pending(_)
            | Self::HostApproved { .. }
            | Self::Done
            | Self::PaidWithoutChip { .. }
            | Self::NotPaid { .. }
            | Self::Unresolved { .. }
            | Self::ReversalDue { .. }
            | Self::RepeatDue { .. } => None,
        }
    }
}

/// A row before anything leaves the terminal.
#[derive(Clone, PartialEq, Eq)]
pub struct Pending {
    /// What is to be done.
    pub kind: Kind,
    /// What it refers to.
    pub original: Option<Original>,
    /// What is to be paid.
    pub amount: Amount,
    /// Local time.
    pub at: DateTime,
    /// How the card was read.
    pub entry: EntryMode,
    /// How the cardholder was verified.
    pub verification: Verification,
    /// Card number: written down with first six and last four digits, and as a whole under a key of its own.
    pub pan: KnownPan,
    /// PAN sequence number.
    pub sequence_number: Option<u8>,
    /// Expiry, `YYMM`.
    pub card_expiry: Option<String>,
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Application label.
    pub application_label: String,
    /// The bank behind the card, where the acquirer's list knows it.
    pub bank: Option<String>,
    /// Field 55 of a reversal, should it come to that.
    pub chip_data: Vec<u8>,
    /// What is asked for, where it is paid by instalments.
    pub instalments: Option<AskedInstalments>,
}

/// The chip's data are not shown.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("kind", &self.kind)
            .field("amount", &self.amount)
            .field("at", &self.at)
            .field("pan", &self.pan)
            .finish_non_exhaustive()
    }
}

/// What the card said at the end.
#[derive(Clone, PartialEq, Eq)]
pub struct CardResult {
    /// TC, hexadecimal.
    pub cryptogram: String,
    /// TVR, hexadecimal.
    pub tvr: String,
    /// TSI, hexadecimal.
    pub tsi: String,
    /// ATC, hexadecimal.
    pub atc: String,
    /// The cardholder signs the merchant's copy.
    pub signature: bool,
    /// Field 55 of the advice that brings the TC to the host.
    pub chip_data: Vec<u8>,
    /// Of scripts that were run before the TC.
    pub scripts: Option<ScriptResult>,
}

/// The chip's data are not shown.
impl fmt::Debug for CardResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardResult").field("tvr", &self.tvr).field("scripts", &self.scripts).finish_non_exhaustive()
    }
}

/// What the card made of the issuer's scripts (EMV 4.4 Book 3, 10.10).
#[derive(Clone, PartialEq, Eq)]
pub struct ScriptResult {
    /// Issuer script results, five bytes a script, hexadecimal (9F5B; Book 4, annex A5).
    pub results: String,
    /// TVR after them, hexadecimal.
    pub tvr: String,
    /// TSI after them, hexadecimal.
    pub tsi: String,
    /// Field 55 of the advice that brings them to the host.
    pub chip_data: Vec<u8>,
}

/// The chip's data are not shown.
impl fmt::Debug for ScriptResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptResult").field("results", &self.results).finish_non_exhaustive()
    }
}

/// Where a transaction stands, as the ledger names it (docs/architecture.md, life of a transaction).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Durable; the request may or may not have left.
    Pending,
    /// The host approved; the card has not had its last word.
    HostApproved,
    /// Final: paid.
    Approved,
    /// Final: not paid.
    Declined,
    /// To be taken back.
    ReversalDue,
    /// Final: taken back.
    Reversed,
    /// To be sent again, the same as before, until the host answers.
    RepeatDue,
    /// All tries to take it back or to send it again are used up, or it may not be taken back: an operator must look.
    Unresolved,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::HostApproved,
        Self::Approved,
        Self::Declined,
        Self::ReversalDue,
        Self::Reversed,
        Self::RepeatDue,
        Self::Unresolved,
    ];

    /// Where a row may begin: before its request leaves, or with the word of a card that nobody else is asked about.
    pub const FIRST: [Self; 2] = [Self::Pending, Self::Approved];

    /// Whether a row in this state may come to that one. A state that stays may always stay.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Pending => {
                matches!(
                    next,
                    Self::Pending
                        | Self::HostApproved
                        | Self::Declined
                        | Self::ReversalDue
                        | Self::RepeatDue
                        | Self::Unresolved
                )
            }
            Self::HostApproved => matches!(next, Self::HostApproved | Self::Approved | Self::ReversalDue),
            // What is paid stays paid: money goes back by a transaction of its own. Only a part of a purchase that nobody pays to its
            // end is taken back as what it was, a payment that came to nothing.
            // What nobody but the card has approved its bank may not pay.
            Self::Approved => matches!(next, Self::Approved | Self::ReversalDue | Self::Unresolved),
            Self::Declined => matches!(next, Self::Declined | Self::ReversalDue | Self::Unresolved),
            Self::ReversalDue => matches!(next, Self::ReversalDue | Self::Reversed | Self::Unresolved),
            Self::Reversed => matches!(next, Self::Reversed | Self::ReversalDue),
            Self::RepeatDue => {
                matches!(next, Self::RepeatDue | Self::HostApproved | Self::Declined | Self::Unresolved)
            }
            Self::Unresolved => matches!(next, Self::Unresolved | Self::ReversalDue | Self::RepeatDue | Self::Approved),
        }
    }

    /// Whether a row of this kind may stand so: nothing takes back what is sent again, and what can be taken back is not sent
    /// again.
    pub const fn may_be_of(self, kind: Kind) -> bool {
        match self {
            Self::ReversalDue | Self::Reversed => matches!(kind.if_unknown(), IfUnknown::TakenBack),
            Self::RepeatDue => matches!(kind.if_unknown(), IfUnknown::Repeated),
            // It begins with the card's word, which is its own last one.
            Self::Pending | Self::HostApproved | Self::Declined if matches!(kind, Kind::OfflineSale) => false,
            // What the host calls paid is paid: no card has a last word.
            Self::HostApproved if matches!(kind, Kind::CodePayment) => false,
            Self::Pending | Self::HostApproved | Self::Approved | Self::Declined | Self::Unresolved => {
                kind.is_written_down()
            }
        }
    }

    /// Whether slips say that it is paid: it is approved, or its card has approved it alone, the bank does not pay it, and no person has
    /// said that it is not paid.
    pub const fn has_slips(self, kind: Kind, resolution: Option<Resolution>) -> bool {
        let alone = matches!((self, kind), (Self::Unresolved, Kind::OfflineSale));
        matches!(self, Self::Approved) || (alone && !matches!(resolution, Some(Resolution::Reversed)))
    }

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::HostApproved => "host_approved",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::ReversalDue => "reversal_due",
            Self::Reversed => "reversed",
            Self::RepeatDue => "repeat_due",
            Self::Unresolved => "unresolved",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::payment::tables::documented;

    #[test]
    fn the_table_and_the_code_let_the_same_follow() {
        let table = documented(include_str!("record.rs"), &[]);
        let word = |text: &str| State::from_word(text).unwrap();
        let first: BTreeSet<_> =
            table.iter().filter(|line| line.state == "no row").map(|line| &line.next[..]).collect();
        assert_eq!(first, State::FIRST.map(State::word).into());
        let documented: BTreeSet<_> = table
            .iter()
            .filter(|line| line.state != "no row")
            .map(|line| (word(&line.state).word(), word(&line.next).word()))
            .collect();
        let pairs = State::ALL.into_iter().flat_map(|from| State::ALL.map(|to| (from, to)));
        let allowed: BTreeSet<_> = pairs
            .filter(|(from, to)| from != to && from.may_become(*to))
            .map(|(from, to)| (from.word(), to.word()))
            .collect();
        assert_eq!(documented, allowed);
        assert!(State::ALL.into_iter().all(|state| state.may_become(state)));
    }

    #[test]
    fn what_is_paid_has_slips_also_where_a_bank_does_not_pay_what_its_card_approved_alone() {
        for kind in [Kind::Sale, Kind::OfflineSale, Kind::Refund] {
            let having: Vec<_> = State::ALL.into_iter().filter(|state| state.has_slips(kind, None)).collect();
            let alone = (kind == Kind::OfflineSale).then_some(State::Unresolved);
            assert_eq!(having, Vec::from_iter([State::Approved].into_iter().chain(alone)), "{kind:?}");
        }
        assert!(State::Unresolved.has_slips(Kind::OfflineSale, Some(Resolution::Charged)));
        assert!(!State::Unresolved.has_slips(Kind::OfflineSale, Some(Resolution::Reversed)));
    }

    #[test]
    fn what_is_sent_again_is_never_taken_back_and_the_other_way_round() {
        let kinds = |state: State| Kind::ALL.into_iter().filter(|kind| state.may_be_of(*kind)).collect::<Vec<_>>();
        assert_eq!(kinds(State::RepeatDue), [Kind::Refund, Kind::CompletionNotice, Kind::CodeRefund]);
        assert_eq!(kinds(State::Reversed), kinds(State::ReversalDue));
        assert!(kinds(State::Reversed).iter().all(|kind| !State::RepeatDue.may_be_of(*kind)));
        // An offline sale is nothing that anybody was asked about, and a balance is written down nowhere.
        assert!(!kinds(State::ReversalDue).contains(&Kind::OfflineSale));
        let of_offline_sale: Vec<_> =
            State::ALL.into_iter().filter(|state| state.may_be_of(Kind::OfflineSale)).collect();
        assert_eq!(of_offline_sale, [State::Approved, State::Unresolved]);
        assert!(!kinds(State::HostApproved).contains(&Kind::CodePayment));
        assert!(State::ALL.iter().all(|state| !state.may_be_of(Kind::Balance)));
    }
}
