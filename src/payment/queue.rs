//! The queue of one terminal: what the host must still take back or be told, in one order with one head (pure).
//!
//! Says what goes before what, when it is tried again, what an answer means for it, what a person may say of an entry that
//! was given up, and whether a settlement may begin. Which response code ends what is data of the dialect.

use jiff::civil::DateTime;

use super::advice::{Advice, AdviceKind};
use super::online::{AboutRequest, Decision, HostAnswer, LinkFailure, ReversalRequest, SaleRequest};
use super::qr::{CancelAnswer, CodeRefund, Order};
use super::record::State;
use super::signature::SignatureUpload;
use super::transaction::{self, IfUnknown};
use crate::deliberate;
use crate::iso8583::QueueCodes;
use crate::money::Amount;
use crate::reference::{ResponseCode, TraceNumber};
use crate::wording::ReasonKind;

/// Seconds between the first two tries; it doubles with each try that counts.
const FIRST_INTERVAL_S: u32 = 10;

/// Seconds between two tries at the most.
const LONGEST_INTERVAL_S: u32 = 600;

/// Seconds until the next try after one that never left. A line that comes back is noticed earlier.
const OFFLINE_INTERVAL_S: u32 = 30;

/// Tries that count before a person must look, where the acquirer says nothing of it.
pub const MAX_TRIES: u32 = 20;

/// A person must look only at what is at least so old, in seconds: a host that refuses at once, a cashier who is impatient or
/// a terminal that is started often does not use up the tries of two hours in one minute.
pub const MIN_AGE_S: i64 = 2 * 60 * 60;

/// What goes before what. Whatever is of one rank goes in the order in which it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Payments to be taken back: before anything else, and before any new request.
    Reversals,
    /// What nothing can take back, sent again until the host says what it did.
    Repeats,
    /// What the card made of scripts, and its last word.
    CardResults,
    /// What cards approved alone.
    OfflineSales,
    /// Pictures of signatures: of all that is told of a payment they are the least urgent.
    Signatures,
}

impl Rank {
    /// First to last.
    pub const ALL: [Self; 5] =
        [Self::Reversals, Self::Repeats, Self::CardResults, Self::OfflineSales, Self::Signatures];
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A payment is to be taken back.
    Reversal,
    /// What nobody answered, and nothing can take back, is sent again.
    Repeat,
    /// The host is to be told of a payment that is over.
    Advice(AdviceKind),
    /// The host is to book what a card approved alone.
    OfflineSale,
    /// The host is to have the signature of a payment that is over.
    Signature,
}

impl Kind {
    /// When its turn comes.
    pub const fn rank(self) -> Rank {
        match self {
            Self::Reversal => Rank::Reversals,
            Self::Repeat => Rank::Repeats,
            Self::Advice(AdviceKind::CardResult | AdviceKind::ScriptResult) => Rank::CardResults,
            Self::OfflineSale => Rank::OfflineSales,
            Self::Signature => Rank::Signatures,
        }
    }

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reversal => "reversal",
            Self::Repeat => "repeat",
            Self::Advice(kind) => kind.word(),
            Self::OfflineSale => "offline_sale",
            Self::Signature => "signature",
        }
    }
}

/// Which entry, as the ledger knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryId {
    /// The payment to be taken back.
    Reversal(TraceNumber),
    /// What is to be sent again.
    Repeat(TraceNumber),
    /// A row of the advices.
    Advice(i64),
    /// What was sold offline.
    OfflineSale(TraceNumber),
    /// The payment whose signature it is.
    Signature(TraceNumber),
}

/// How an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Cut off in the middle of its payment: it is to be taken back, or sent again, when the terminal starts next.
    Interrupted,
    /// Waits for the host.
    Waiting,
    /// Given up: a person must look.
    Parked,
    /// Given up, and nobody has to do anything: a signature that the host does not take is on the slip.
    GivenUp,
}

impl Standing {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Waiting => "queued",
            Self::Parked => "parked",
            Self::GivenUp => "given_up",
        }
    }

    /// Whether host or person must still do something about it.
    pub const fn is_open(self) -> bool {
        match self {
            Self::Interrupted | Self::Waiting | Self::Parked => true,
            Self::GivenUp => false,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub id: EntryId,
    /// What it is.
    pub kind: Kind,
    /// Its own batch and STAN; those of the payment for a reversal or a repeat, which repeats them, for an offline sale, and for a
    /// signature.
    pub trace: TraceNumber,
    /// Batch and STAN of the payment.
    pub original: TraceNumber,
    /// Amount of the payment.
    pub amount: Amount,
    /// Local time of the payment, since when it waits.
    pub at: DateTime,
    /// How it stands.
    pub standing: Standing,
    /// Tries that count.
    pub tries: u32,
    /// Local time of the next try, as the terminal planned it last; none before the first.
    pub next_try: Option<DateTime>,
    /// Why a payment is taken back or sent again.
    pub reason: Option<ReasonKind>,
    /// Field 39 of the answer that parked an advice, or of the payment.
    pub response_code: Option<ResponseCode>,
}

/// What is sent of an entry; the same at every try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// 0400.
    Reverse(ReversalRequest),
    /// What was sent before. It names a card by its whole number, and is made only when it is to leave.
    Repeat,
    /// 0320, 0620.
    Advise(Advice),
    /// 0220. It names a card by its whole number as well.
    OfflineSale,
    /// An order that is to be paid by code is closed, and paid back where it was paid.
    Cancel(Order),
    /// 0820.
    Upload(Box<SignatureUpload>),
}

/// A request that is sent again: the same as before, so that the host knows it. What a card says only once (track, PIN, chip data)
/// is not in it, and was not in the first one.
#[derive(Clone, Debug)]
pub enum Repeat {
    /// For which a card was read.
    Card(Box<SaleRequest>),
    /// For which none was.
    About(Box<AboutRequest>),
    /// Of what was paid by code.
    Code(Box<CodeRefund>),
}

/// Puts entries in the order in which a person reads them: what a person must look at, then what waits, in its order, then what nobody
/// has to do anything about.
pub fn order(entries: &mut [Entry]) {
    entries.sort_by_key(|entry| (entry.standing != Standing::Parked, !entry.standing.is_open(), entry.kind.rank()));
}

/// How a try came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Those counted before it.
    pub counted: u32,
    /// After so many a person must look: [`MAX_TRIES`], unless the acquirer wants another number.
    pub most: u32,
    /// It was time for it. One that somebody asked for before that does not count.
    pub due: bool,
    /// Seconds since the payment.
    pub age_s: i64,
    /// The host has approved the payment: that answer was authentic.
    pub approved: bool,
}

/// What follows from one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The host has taken it back, never had it, has taken note of it, or has done what was sent again.
    Done,
    /// The host has not done what was sent again, and says so.
    Refused,
    /// Nothing reached the host, or it was not time yet: try again, the try does not count.
    TryAgain,
    /// It may have reached the host: try again, the try counts.
    TryAgainCounted,
    /// The host does not take it, or all tries are used up: a person must look. With field 39, if an answer came.
    Park(Option<ResponseCode>),
    /// The same, of what nobody has to look at.
    GiveUp(Option<ResponseCode>),
}

/// Judges a try. Of a signature see [`super::signature::judge`]: how often it was refused counts as well.
pub fn judge(kind: Kind, result: &Result<HostAnswer, LinkFailure>, this: Try, codes: &QueueCodes) -> Verdict {
    let used_up = this.counted + 1 >= this.most && this.age_s >= MIN_AGE_S;
    match result {
        Ok(_) if deliberate::is("any_answer_takes_back") => Verdict::Done,
        Err(_) if deliberate::is("silence_delivers") => Verdict::Done,
        Ok(answer) if contradicts_itself(kind, answer, this, codes) => {
            Verdict::Park(Some(answer.response_code.clone()))
        }
        Ok(answer) if is_done(kind, answer, this, codes) => Verdict::Done,
        Ok(answer) if is_refused(kind, answer, codes) => match kind {
            Kind::Repeat => Verdict::Refused,
            Kind::Reversal | Kind::Advice(_) | Kind::OfflineSale | Kind::Signature => {
                Verdict::Park(Some(answer.response_code.clone()))
            }
        },
        Ok(answer) if answers_something_else(kind, answer) => Verdict::Park(Some(answer.response_code.clone())),
        Err(LinkFailure::NeverSent(_)) => Verdict::TryAgain,
        Ok(_) | Err(_) if !this.due => Verdict::TryAgain,
        Ok(answer) if used_up => Verdict::Park(Some(answer.response_code.clone())),
        Err(_) if used_up => Verdict::Park(None),
        Ok(_) | Err(_) => Verdict::TryAgainCounted,
    }
}

/// Judges a try to cancel an order. What the host closes is closed, whatever it was; a host that refuses would refuse for ever.
pub fn judge_cancellation(result: &Result<CancelAnswer, LinkFailure>, this: Try) -> Verdict {
    let used_up = this.counted + 1 >= this.most && this.age_s >= MIN_AGE_S;
    match result {
        Ok(CancelAnswer::NeverPaid | CancelAnswer::PaidBack) => Verdict::Done,
        Ok(CancelAnswer::Refused(code)) => Verdict::Park(Some(code.clone())),
        Err(LinkFailure::NeverSent(_)) => Verdict::TryAgain,
        Ok(CancelAnswer::NotKnown) | Err(_) if !this.due => Verdict::TryAgain,
        Ok(CancelAnswer::NotKnown) | Err(_) if used_up => Verdict::Park(None),
        Ok(CancelAnswer::NotKnown) | Err(_) => Verdict::TryAgainCounted,
    }
}

fn is_done(kind: Kind, answer: &HostAnswer, this: Try, codes: &QueueCodes) -> bool {
    if answer.decision == Decision::Unproven {
        return false;
    }
    let code = answer.response_code.as_str();
    match kind {
        Kind::Reversal => codes.reversal_done.contains(code),
        Kind::Repeat | Kind::OfflineSale => answer.decision == Decision::Approved,
        // The number is ours alone: an earlier try of this very advice came through.
        Kind::Advice(_) => {
            codes.advice_done.contains(code) || (answer.decision == Decision::NumberInUse && this.counted > 0)
        }
        Kind::Signature => codes.advice_done.contains(code),
    }
}

/// A host that has approved a payment and does not know it when it is taken back for the first time: one of the two is wrong,
/// and the payment may be booked. After another try it may only mean that that one took it back.
fn contradicts_itself(kind: Kind, answer: &HostAnswer, this: Try, codes: &QueueCodes) -> bool {
    kind == Kind::Reversal
        && this.approved
        && this.counted == 0
        && answer.decision == Decision::Refused
        && codes.reversal_done.contains(answer.response_code.as_str())
}

/// A reversal is refused by no code: what may be charged is taken back, or a person looks after all tries. What is sent again may
/// have been done the first time: only a code by which the same would be refused for ever says that it was not.
fn is_refused(kind: Kind, answer: &HostAnswer, codes: &QueueCodes) -> bool {
    let (proven, code) = (answer.decision != Decision::Unproven, answer.response_code.as_str());
    match kind {
        Kind::Reversal => false,
        Kind::Repeat | Kind::Advice(_) | Kind::Signature => proven && codes.advice_refused.contains(code),
        Kind::OfflineSale => {
            proven && (codes.advice_refused.contains(code) || codes.offline_sale_refused.contains(code))
        }
    }
}

/// A host that grants a part of what is sent again, or has another transaction of its number: no further try changes that.
const fn answers_something_else(kind: Kind, answer: &HostAnswer) -> bool {
    matches!(kind, Kind::Repeat | Kind::OfflineSale)
        && matches!(answer.decision, Decision::Partial(_) | Decision::NumberInUse)
}

/// Seconds until the next try, after so many that count.
pub fn interval_s(tries: u32) -> u32 {
    FIRST_INTERVAL_S.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_INTERVAL_S)
}

/// Seconds until the next try after one that came to nothing, with those that count by now.
pub fn pause_s<T>(result: &Result<T, LinkFailure>, tries: u32) -> u32 {
    match result {
        Err(LinkFailure::NeverSent(_)) => OFFLINE_INTERVAL_S,
        Ok(_) | Err(_) => interval_s(tries),
    }
}

/// Whether a person may have decided about a payment that was to be taken back when a copy of the ledger was made, by
/// its age in seconds when the copy takes the ledger's place. A younger one is taken back: that protects the customer,
/// and a host expects repeats. For an older one a person may know that it is charged and stays so, and may have handed
/// out the goods; taking it back then cannot be undone, while a person can have it sent again at any time.
pub fn may_be_decided_since(age_s: i64) -> bool {
    !(0..MIN_AGE_S).contains(&age_s)
}

/// What an approval that came too late does to its payment. It is written down with the row and never accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateApprovalDoes {
    /// Nothing: the payment is being taken back, a person looks at it, or a person knows that it is charged.
    Nothing,
    /// A person was told that the payment is not charged, and has ended it: a person must look again, knowing this.
    AskAgain,
    /// The payment is taken back, once more if it was before.
    TakeBack,
    /// People were told that nothing came of it, and nothing can take it back: a person must look.
    AskPerson,
}

/// What an approval that came too late does to a payment in this state; nothing at all when the payment still waits for it
/// or has it already.
///
/// A payment that counts as taken back may have been booked after its reversal found nothing. One that counts as refused may
/// have been booked as well: the refusal may be of a copy that was doubled on the way. In both the customer was told that
/// nothing is paid. One that a person ended as not charged is not taken back by itself: the acquirer may have given the money
/// back by hand, and would give it back twice.
pub const fn late_approval(
    payment: transaction::Kind,
    state: State,
    resolution: Option<Resolution>,
) -> Option<LateApprovalDoes> {
    match state {
        State::Declined if !matches!(payment.if_unknown(), IfUnknown::TakenBack) => Some(LateApprovalDoes::AskPerson),
        State::Reversed | State::Declined => Some(LateApprovalDoes::TakeBack),
        State::Unresolved if matches!(resolution, Some(Resolution::Reversed)) => Some(LateApprovalDoes::AskAgain),
        State::ReversalDue | State::RepeatDue | State::Unresolved => Some(LateApprovalDoes::Nothing),
        State::Pending | State::HostApproved | State::Approved => None,
    }
}

/// What a person found out about an entry that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The payment is not charged, the refund not made: the acquirer has taken it back, never had it, or does not pay it.
    Reversed,
    /// The payment is charged, the refund made, and stays so: it counts as done.
    Charged,
    /// The acquirer knows what an advice would have told.
    Noted,
}

impl Resolution {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reversed, Self::Charged, Self::Noted];

    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reversed => "reversed",
            Self::Charged => "charged",
            Self::Noted => "noted",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.word() == word)
    }
}

/// What a person does with an entry that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ends it.
    Resolve(Resolution),
    /// Puts it back in its place, which is before everything that came after it, with all tries before it.
    Retry,
}

impl Act {
    /// The word in the ledger and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Resolve(resolution) => resolution.word(),
            Self::Retry => "retried",
        }
    }

    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "retried" => Some(Self::Retry),
            word => Resolution::from_word(word).map(Self::Resolve),
        }
    }
}

/// Who does what, when and why. It is kept for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What.
    pub act: Act,
    /// Who.
    pub by: String,
    /// Why: what the acquirer said.
    pub note: String,
    /// When, in local time.
    pub at: DateTime,
}

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 64;

/// The longest note, in characters.
const LONGEST_NOTE: usize = 500;

/// Why a person cannot do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// The terminal still tries by itself.
    #[error("it does not wait for a person; yima queue shows what does")]
    NotParked,
    /// A payment is charged or it is not.
    #[error("a payment is charged or it is not: ask the acquirer, then say charged or reversed")]
    PaymentNoted,
    /// An advice moves no money.
    #[error("it only tells of a payment that is over and moves no money: say noted")]
    AdviceDecides,
    /// The host has a payment of this number that may be somebody else's.
    #[error(
        "the host used this number before: taking it back could take back another payment; say charged or reversed"
    )]
    NumberInUse,
    /// What was sent cannot be made again.
    #[error("its card number is no longer kept, so that it cannot be sent again; say charged or reversed")]
    NumberGone,
    /// Nobody is named.
    #[error("say who does it, in 1 to 64 characters")]
    Name,
    /// The note is too long or empty.
    #[error("say why, in 1 to 500 characters")]
    Note,
}

/// Whether a person may do that with an entry.
///
/// # Errors
/// Why not.
pub fn allow(entry: &Entry, deed: &Deed) -> Result<(), NotAllowed> {
    match (entry.standing, entry.kind, deed.act) {
        (Standing::Interrupted | Standing::Waiting | Standing::GivenUp, _, _) | (_, Kind::Signature, _) => {
            return Err(NotAllowed::NotParked);
        }
        (Standing::Parked, Kind::Reversal | Kind::Repeat | Kind::OfflineSale, Act::Resolve(Resolution::Noted)) => {
            return Err(NotAllowed::PaymentNoted);
        }
        (Standing::Parked, Kind::Advice(_), Act::Resolve(Resolution::Charged | Resolution::Reversed)) => {
            return Err(NotAllowed::AdviceDecides);
        }
        (Standing::Parked, Kind::Reversal, Act::Retry) if !may_be_tried_again(entry) => {
            return Err(NotAllowed::NumberInUse);
        }
        (Standing::Parked, _, _) => {}
    }
    check_words(&deed.by, &deed.note)
}

/// Whether somebody is named, and says why.
///
/// # Errors
/// Which of the two is missing or too long.
pub fn check_words(by: &str, note: &str) -> Result<(), NotAllowed> {
    let fits = |text: &str, most: usize| !text.trim().is_empty() && text.chars().count() <= most;
    if !fits(by, LONGEST_NAME) {
        return Err(NotAllowed::Name);
    }
    if !fits(note, LONGEST_NOTE) {
        return Err(NotAllowed::Note);
    }
    Ok(())
}

/// Whether an entry that was given up may be sent again at all.
pub fn may_be_tried_again(entry: &Entry) -> bool {
    entry.kind != Kind::Reversal || entry.reason != Some(ReasonKind::TraceNumberInUse)
}

/// What stands in a settlement's way: how many entries the host must still get, and how many a person must look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// They go by themselves.
    pub waiting: usize,
    /// A person must look.
    pub parked: usize,
}

impl Open {
    /// Counts entries.
    pub fn of(entries: &[Entry]) -> Self {
        let open = entries.iter().filter(|entry| entry.standing.is_open()).count();
        let parked = entries.iter().filter(|entry| entry.standing == Standing::Parked).count();
        Self { waiting: open - parked, parked }
    }

    /// A settlement compares totals: it begins when nothing can change them any more and the host has been told everything.
    pub const fn settlement_may_begin(self) -> bool {
        self.waiting == 0 && self.parked == 0
    }
}

#[cfg(test)]
mod tests;
