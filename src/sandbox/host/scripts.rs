//! What the host does at certain amounts, so that anyone can see every outcome of a sale (`docs/sandbox.md`).

use crate::emv::tag::{self, Tag};
use crate::emv::tlv::TlvBuilder;
use crate::payment::transaction::Kind;

/// What happens to a sale of one amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// The host decides by card and account.
    Ordinary,
    /// 66.CC: declined with response code CC.
    Decline(u8),
    /// 66.10: half of it is approved, with response code 10.
    Partial,
    /// 67.01: nothing is booked, nothing is answered.
    SilentUnbooked,
    /// 67.02: booked, nothing is answered.
    SilentBooked,
    /// 67.03: booked, the answer's MAC is wrong.
    WrongMac,
    /// 67.04: booked, the issuer's cryptogram in the answer is wrong.
    WrongIssuerCryptogram,
    /// 67.05: booked, the answer comes after eight seconds.
    Slow,
    /// 67.06: booked, a gateway answers 502.
    BadGateway,
    /// 67.07: not booked, a captive portal answers with a page.
    CaptivePortal,
    /// 67.08: booked, the answer carries another STAN.
    OtherStan,
    /// 67.09: booked, nothing is answered, and the first two reversals, though carried out, are not answered either.
    SilentReversals,
    /// 68.CC: approved, with a script for the card.
    ForCard(CardScript),
}

/// What the issuer sends to the card with an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardScript {
    /// 68.01: template 71, the PIN is unblocked.
    UnblockPin,
    /// 68.02: template 72, at most five transactions offline in a row (PUT DATA of 9F58).
    SetLimit,
    /// 68.03: template 71, a command that no card knows.
    Unknown,
    /// 68.04: template 72, the application is blocked.
    BlockApplication,
}

/// Issuer script identifier and issuer script command (EMV 4.4 Book 3, annex A).
const SCRIPT_IDENTIFIER: Tag = Tag(0x9F18);
const SCRIPT_COMMAND: Tag = Tag(0x86);

impl CardScript {
    /// The template as it stands in field 55. Its identifier is the amount that asked for it.
    pub fn template(self) -> Vec<u8> {
        // The sandbox card wants no MAC; zeros stand in its place.
        let (template, identifier, command): (Tag, u8, &[u8]) = match self {
            Self::UnblockPin => (tag::SCRIPT_1, 0x01, &[0x84, 0x24, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]),
            Self::SetLimit => (tag::SCRIPT_2, 0x02, &[0x04, 0xDA, 0x9F, 0x58, 9, 5, 0, 0, 0, 0, 0, 0, 0, 0]),
            Self::Unknown => (tag::SCRIPT_1, 0x03, &[0x84, 0xEE, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]),
            Self::BlockApplication => (tag::SCRIPT_2, 0x04, &[0x84, 0x1E, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]),
        };
        let content =
            TlvBuilder::new().with(SCRIPT_IDENTIFIER, &[0, 0, 0x68, identifier]).with(SCRIPT_COMMAND, command);
        TlvBuilder::new().with_template(template, content).build()
    }
}

/// What 69 stands for where something is undone as a whole: the same cents of 67, or a refusal. What pays 67 is never there to be
/// undone.
const UNDOING: std::ops::RangeInclusive<u64> = 69_01..=69_99;

/// The script of a transaction of this amount in minor units of CNY.
pub fn of(kind: Kind, minor: u64) -> Script {
    match kind {
        Kind::Sale | Kind::PreAuthorisation | Kind::PreAuthorisationTopUp => of_amount(minor),
        Kind::OfflineSale | Kind::Refund | Kind::Completion | Kind::CompletionNotice => without_card(of_amount(minor)),
        Kind::Void | Kind::PreAuthorisationVoid | Kind::CompletionVoid if UNDOING.contains(&minor) => {
            match minor - 69_00 {
                cents @ 1..=9 => without_card(of_amount(67_00 + cents)),
                cents => without_card(of_amount(66_00 + cents)),
            }
        }
        Kind::Void
        | Kind::PreAuthorisationVoid
        | Kind::CompletionVoid
        | Kind::Balance
        | Kind::CodePayment
        | Kind::CodeRefund => Script::Ordinary,
    }
}

/// Where no card waits for an answer there is nothing to tell it, and nothing is granted in part.
const fn without_card(script: Script) -> Script {
    match script {
        Script::Partial | Script::WrongIssuerCryptogram | Script::ForCard(_) => Script::Ordinary,
        script => script,
    }
}

const fn of_amount(minor: u64) -> Script {
    match minor {
        66_10 => Script::Partial,
        // 11 approves; a host that books nothing must not say it.
        66_11 => Script::Ordinary,
        66_01..=66_99 => Script::Decline((minor - 66_00) as u8),
        67_01 => Script::SilentUnbooked,
        67_02 => Script::SilentBooked,
        67_03 => Script::WrongMac,
        67_04 => Script::WrongIssuerCryptogram,
        67_05 => Script::Slow,
        67_06 => Script::BadGateway,
        67_07 => Script::CaptivePortal,
        67_08 => Script::OtherStan,
        67_09 => Script::SilentReversals,
        68_01 => Script::ForCard(CardScript::UnblockPin),
        68_02 => Script::ForCard(CardScript::SetLimit),
        68_03 => Script::ForCard(CardScript::Unknown),
        68_04 => Script::ForCard(CardScript::BlockApplication),
        _ => Script::Ordinary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_outside_the_table_are_ordinary() {
        for minor in [0, 1, 65_99, 66_00, 66_11, 67_00, 67_10, 68_00, 68_05, 16_605, u64::MAX] {
            assert_eq!(of_amount(minor), Script::Ordinary, "{minor}");
        }
        assert_eq!(of_amount(66_05), Script::Decline(5));
        assert_eq!(of_amount(66_96), Script::Decline(96));
        assert_eq!(of_amount(66_10), Script::Partial);
    }

    #[test]
    fn what_undoes_something_has_amounts_of_its_own() {
        for (kind, minor, script) in [
            (Kind::PreAuthorisation, 66_10, Script::Partial),
            (Kind::PreAuthorisation, 67_04, Script::WrongIssuerCryptogram),
            (Kind::PreAuthorisationTopUp, 66_10, Script::Partial),
            (Kind::Refund, 66_51, Script::Decline(51)),
            (Kind::Refund, 66_10, Script::Ordinary),
            (Kind::Completion, 67_02, Script::SilentBooked),
            (Kind::Completion, 67_04, Script::Ordinary),
            (Kind::CompletionNotice, 68_01, Script::Ordinary),
            (Kind::Void, 67_02, Script::Ordinary),
            (Kind::Void, 69_02, Script::SilentBooked),
            (Kind::Void, 69_04, Script::Ordinary),
            (Kind::Void, 69_10, Script::Ordinary),
            (Kind::CompletionVoid, 69_51, Script::Decline(51)),
            (Kind::Sale, 69_02, Script::Ordinary),
            (Kind::Balance, 67_01, Script::Ordinary),
        ] {
            assert_eq!(of(kind, minor), script, "{kind:?} {minor}");
        }
    }
}
