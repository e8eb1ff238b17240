//! What stands of a payment, with all that refers to it (pure). No entry moves money by itself: when one is written or taken back,
//! the account moves by the difference between what stood before and what stands after. So nothing goes back twice, in whatever
//! order requests and reversals come.
//!
//! - A payment counts while it is approved and not undone, less what was refunded of it. Taking it back gives back what has not
//!   gone back yet: nothing after a void, the rest after a refund.
//! - Money is set aside while its pre-authorisation is approved, not let go, and not completed; so is what tops it up.
//! - A completion is a payment of its own right. It stands when the pre-authorisation before it is taken back afterwards: goods
//!   were sold for it, and what was set aside is gone either way.

use super::store::{EntryState, StoreError};
use crate::payment::transaction::{Kind, Money};

/// An entry, as far as it matters to its family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its row.
    pub id: i64,
    /// What it is.
    pub kind: Kind,
    /// What became of it.
    pub state: EntryState,
    /// What was debited, given back, set aside or let go.
    pub booked: u64,
    /// The row that it refers to.
    pub original: Option<i64>,
}

/// A payment, or money set aside, and all that refers to it or to one of those.
#[derive(Clone, Debug, Default)]
pub struct Family(Vec<Member>);

/// What a family does to the account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What the customer has paid.
    pub paid: u64,
    /// What is set aside.
    pub held: u64,
}

impl Family {
    /// A family of these rows.
    pub const fn new(members: Vec<Member>) -> Self {
        Self(members)
    }

    /// One of them.
    pub fn member(&self, id: i64) -> Option<&Member> {
        self.0.iter().find(|member| member.id == id)
    }

    /// The same, with another word on one of them.
    #[must_use]
    pub fn with(mut self, id: i64, state: EntryState) -> Self {
        self.0.iter_mut().filter(|member| member.id == id).for_each(|member| member.state = state);
        self
    }

    /// What it does to the account.
    ///
    /// # Errors
    /// When more went back than was paid, which is never written.
    pub fn standing(&self) -> Result<Standing, StoreError> {
        let mut standing = Standing::default();
        for member in &self.0 {
            standing.paid += self.paid_by(member)?;
            standing.held += self.held_by(member);
        }
        Ok(standing)
    }

    /// Whether it was undone as a whole, or let go.
    pub fn is_undone(&self, id: i64) -> bool {
        let undoes = [Kind::Void, Kind::PreAuthorisationVoid, Kind::CompletionVoid];
        self.approved_about(id).any(|member| undoes.contains(&member.kind))
    }

    /// Whether money that was set aside was paid, and still is.
    pub fn is_completed(&self, id: i64) -> bool {
        let completes = [Kind::Completion, Kind::CompletionNotice];
        self.approved_about(id).any(|member| completes.contains(&member.kind) && !self.is_undone(member.id))
    }

    /// What was refunded of a payment.
    pub fn given_back(&self, id: i64) -> u64 {
        self.approved_about(id).filter(|member| member.kind == Kind::Refund).map(|member| member.booked).sum()
    }

    fn approved_about(&self, id: i64) -> impl Iterator<Item = &Member> {
        self.0.iter().filter(move |member| member.original == Some(id) && member.state == EntryState::Approved)
    }

    fn paid_by(&self, member: &Member) -> Result<u64, StoreError> {
        if member.kind.money() != Money::ToMerchant || member.state != EntryState::Approved || self.is_undone(member.id)
        {
            return Ok(0);
        }
        let given_back = self.given_back(member.id);
        let too_much = || StoreError::Row(format!("of entry {} more went back than was paid", member.id));
        member.booked.checked_sub(given_back).ok_or_else(too_much)
    }

    /// What a pre-authorisation has set aside with all that tops it up, whether or not it is let go or completed since.
    pub fn set_aside(&self, id: i64) -> u64 {
        let top_ups = self.approved_about(id).filter(|member| member.kind == Kind::PreAuthorisationTopUp);
        let own = self.member(id).map_or(0, |hold| hold.booked);
        top_ups.map(|member| member.booked).fold(own, u64::saturating_add)
    }

    fn held_by(&self, member: &Member) -> u64 {
        let is_held = member.kind == Kind::PreAuthorisation
            && member.state == EntryState::Approved
            && !self.is_undone(member.id)
            && !self.is_completed(member.id);
        if is_held { self.set_aside(member.id) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(members: &[(Kind, EntryState, u64, Option<i64>)]) -> Family {
        let member = |(id, &(kind, state, booked, original))| Member { id, kind, state, booked, original };
        Family::new((1..).zip(members).map(member).collect())
    }

    #[test]
    fn what_stands_follows_from_what_is_approved() {
        use EntryState::{Approved, Declined, Reversed};
        use Kind::{
            Completion, CompletionNotice, CompletionVoid, PreAuthorisation, PreAuthorisationTopUp,
            PreAuthorisationVoid, Refund, Sale, Void,
        };
        let sale = (Sale, Approved, 100, None);
        let hold = (PreAuthorisation, Approved, 100, None);
        let paid = (Completion, Approved, 80, Some(1));
        let more = (PreAuthorisationTopUp, Approved, 30, Some(1));
        for (members, paid, held) in [
            (&[sale][..], 100, 0),
            (&[(Sale, Declined, 0, None)], 0, 0),
            (&[(Sale, Reversed, 100, None)], 0, 0),
            (&[sale, (Void, Approved, 100, Some(1))], 0, 0),
            (&[sale, (Void, Reversed, 100, Some(1))], 100, 0),
            (&[sale, (Refund, Approved, 30, Some(1)), (Refund, Approved, 20, Some(1))], 50, 0),
            (&[(Sale, Reversed, 100, None), (Refund, Approved, 30, Some(1))], 0, 0),
            (&[(Sale, Reversed, 100, None), (Void, Approved, 100, Some(1))], 0, 0),
            (&[(Sale, Reversed, 100, None), (Void, Reversed, 100, Some(1))], 0, 0),
            (&[hold], 0, 100),
            (&[hold, (PreAuthorisationVoid, Approved, 100, Some(1))], 0, 0),
            (&[hold, (PreAuthorisationVoid, Reversed, 100, Some(1))], 0, 100),
            (&[hold, paid], 80, 0),
            (&[hold, (CompletionNotice, Approved, 115, Some(1))], 115, 0),
            (&[hold, (Completion, Reversed, 80, Some(1))], 0, 100),
            (&[hold, paid, (CompletionVoid, Approved, 80, Some(2))], 0, 100),
            (&[hold, paid, (CompletionVoid, Reversed, 80, Some(2))], 80, 0),
            (&[hold, paid, (Refund, Approved, 80, Some(2))], 0, 0),
            (&[hold, more, more], 0, 160),
            (&[hold, more, (PreAuthorisationTopUp, Reversed, 20, Some(1))], 0, 130),
            (&[hold, (PreAuthorisationTopUp, Declined, 0, Some(1))], 0, 100),
            (&[hold, more, paid], 80, 0),
            (&[hold, more, (CompletionNotice, Approved, 149, Some(1))], 149, 0),
            (&[hold, more, paid, (CompletionVoid, Approved, 80, Some(3))], 0, 130),
            (&[hold, more, (PreAuthorisationVoid, Approved, 130, Some(1))], 0, 0),
            (&[hold, more, (PreAuthorisationVoid, Reversed, 130, Some(1))], 0, 130),
            (&[(PreAuthorisation, Reversed, 100, None), more], 0, 0),
            (&[(PreAuthorisation, Reversed, 100, None), paid], 80, 0),
            (&[(PreAuthorisation, Reversed, 100, None), paid, (CompletionVoid, Approved, 80, Some(2))], 0, 0),
        ] {
            assert_eq!(family(members).standing().unwrap(), Standing { paid, held }, "{members:?}");
        }
        let impossible = family(&[sale, (Refund, Approved, 101, Some(1))]);
        assert!(impossible.standing().is_err());
    }
}
