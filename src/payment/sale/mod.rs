//! A card transaction as a pure state machine: a sale, and whatever else `transaction` knows. Which way it takes follows from
//! its kind.
//!
//! | way | what takes it |
//! |---|---|
//! | charge | sale, pre-authorisation and its top-up: the card has the last word |
//! | charge in parts | a sale of which the issuer may approve a part |
//! | stripe alone | sale, pre-authorisation and its top-up: the chip reader is not asked |
//! | typed | sale, pre-authorisation and its top-up: number and expiry of the card are typed |
//! | offline | offline sale: nobody but the card is asked |
//! | balance | nothing is written down |
//! | undo | void of a sale, a pre-authorisation or a completion; completion: the card of the original is read |
//! | undo without card | the same, where the acquirer lets the card stay away |
//! | refund | the card of the original is read; what is not answered is sent again |
//! | notice | completion notice: without a card; what is not answered is sent again |
//! | another card | undo, refund or top-up, with a card that is not the one of the original |
//!
//! | state | event | next | recorded | ways |
//! |---|---|---|---|---|
//! | opened | begun | waiting for a card | | all but undo without card, notice, stripe alone, typed |
//! | opened | begun | asking the host | `Pending`, sent | undo without card, notice |
//! | opened | begun | waiting for a stripe | | stripe alone |
//! | opened | begun | waiting for a number | | typed |
//! | opened | begun | reading | | charge, charge in parts, balance, undo |
//! | opened | begun | entering a PIN | | charge, charge in parts, balance, undo, stripe alone, typed |
//! | waiting for a card | card in | reading | | all but undo without card, notice, stripe alone, typed |
//! | waiting for a card | no card, card torn, reader fails, cancelled | over: failed | | all but undo without card, notice, stripe alone, typed |
//! | waiting for a card | card mute | over: failed | | offline |
//! | waiting for a card | swiped, swiped badly | waiting for a card | | charge, charge in parts, balance, undo, refund, another card |
//! | waiting for a card | swiped badly | waiting for a card | | offline |
//! | waiting for a card, reading | card mute | waiting for a stripe | | charge, charge in parts, balance, undo, refund, another card |
//! | waiting for a card, waiting for a stripe | swiped | asking the host | `Pending`, sent | charge, charge in parts, undo, refund |
//! | waiting for a card, waiting for a stripe | swiped | asking the host | sent | balance |
//! | waiting for a card, waiting for a stripe | swiped | entering a PIN | | charge, charge in parts, balance, undo |
//! | waiting for a card, waiting for a stripe | swiped | over: failed | | charge, charge in parts, balance, undo |
//! | waiting for a card, waiting for a stripe | swiped | over: declined | | another card |
//! | waiting for a card | swiped | over: declined | | offline |
//! | waiting for a stripe | swiped | asking the host | `Pending`, sent | stripe alone |
//! | waiting for a stripe | swiped | entering a PIN | | stripe alone |
//! | waiting for a stripe | swiped | over: failed | | stripe alone |
//! | waiting for a stripe | swiped badly | waiting for a stripe | | charge, charge in parts, balance, undo, refund, another card, stripe alone |
//! | waiting for a stripe | no card, cancelled | over: failed | | charge, charge in parts, balance, undo, refund, another card, stripe alone |
//! | waiting for a number | number typed | asking the host | `Pending`, sent | typed |
//! | waiting for a number | number typed | entering a PIN | | typed |
//! | waiting for a number | no number typed | waiting for a number | | typed |
//! | waiting for a number | no card, cancelled | over: failed | | typed |
//! | reading | card answers | reading | | all but undo without card, notice, stripe alone, typed |
//! | reading | card answers | entering a PIN | | all but undo without card, refund, notice, stripe alone, typed |
//! | reading | card answers | choosing | | all but undo without card, notice, stripe alone, typed |
//! | reading | card answers | asking the host | `Pending`, sent | charge, charge in parts, undo, refund |
//! | reading | card answers | asking the host | sent | balance |
//! | reading | card answers | waiting for a stripe | | charge, charge in parts, balance, undo, refund, another card |
//! | reading | card answers | over: paid | `ApprovedByCard` | offline |
//! | reading | card answers | over: declined | | charge, charge in parts, offline, balance, another card |
//! | reading | card answers | over: failed | | all but undo without card, notice, stripe alone, typed |
//! | reading | card torn, card mute, reader fails, cancelled | over: failed | | all but undo without card, notice, stripe alone, typed |
//! | entering a PIN | PIN entered, PIN passed over, pad does not work | reading | | all but undo without card, refund, notice, stripe alone, typed |
//! | entering a PIN | PIN entered, PIN passed over, pad does not work | asking the host | `Pending`, sent | charge, charge in parts, undo, stripe alone, typed |
//! | entering a PIN | PIN entered, PIN passed over, pad does not work | asking the host | sent | balance |
//! | entering a PIN | pad does not work | over: failed | | charge, charge in parts, balance, undo, stripe alone |
//! | entering a PIN | PIN too short or too long | entering a PIN | | all but undo without card, refund, notice |
//! | entering a PIN | PIN too short or too long, no PIN in time, PIN cancelled, cancelled | over: failed | | all but undo without card, refund, notice |
//! | entering a PIN | card torn, card mute, reader fails | over: failed | | all but undo without card, refund, notice, stripe alone, typed |
//! | choosing | chosen, agreed | reading | | all but undo without card, notice, stripe alone, typed |
//! | choosing | not agreed, no choice in time, card torn, card mute, reader fails, cancelled | over: failed | | all but undo without card, notice, stripe alone, typed |
//! | asking the host | approved | completing | `HostApproved` | charge, charge in parts |
//! | asking the host | approved | over: paid | `HostApproved`, `Done` | undo, undo without card, refund, notice |
//! | asking the host | approved | over: paid | `HostApproved`, `PaidWithoutChip` | charge, charge in parts, stripe alone, typed |
//! | asking the host | approved in part | over: paid | `HostApproved`, `PaidWithoutChip` | charge in parts |
//! | asking the host | approved | over: paid | | balance |
//! | asking the host | refused, PIN wrong, never sent, cannot be sent, kept back | telling the card | `NotPaid` | charge, charge in parts |
//! | asking the host | refused, PIN wrong | over: declined | `NotPaid` | charge, charge in parts, stripe alone, typed, undo, undo without card, refund, notice |
//! | asking the host | refused, PIN wrong | over: declined | | balance |
//! | asking the host | PIN wrong | over: once more | `NotPaid` | charge, charge in parts, stripe alone, typed, undo |
//! | asking the host | PIN wrong | over: once more | | balance |
//! | asking the host | never sent, cannot be sent, kept back | over: failed | `NotPaid` | charge, charge in parts, stripe alone, typed, undo, undo without card, refund, notice |
//! | asking the host | approved in part, undecided, refused without a MAC | telling the card | `ReversalDue` | charge |
//! | asking the host | approved in part | completing | `HostApproved` | charge in parts |
//! | asking the host | undecided, refused without a MAC | telling the card | `ReversalDue` | charge in parts |
//! | asking the host | no answer, bad MAC, wrong answer | telling the card | `ReversalDue` | charge, charge in parts |
//! | asking the host | approved in part | over: being taken back | `ReversalDue` | charge, stripe alone, typed, undo, undo without card |
//! | asking the host | undecided, refused without a MAC | over: being taken back | `ReversalDue` | charge, charge in parts, stripe alone, typed, undo, undo without card |
//! | asking the host | no answer, bad MAC, wrong answer | over: being taken back | `ReversalDue` | charge, charge in parts, stripe alone, typed, undo, undo without card |
//! | asking the host | undecided, refused without a MAC, no answer, bad MAC, wrong answer | over: being repeated | `RepeatDue` | refund, notice |
//! | asking the host | number in use | telling the card | `Unresolved` | charge, charge in parts |
//! | asking the host | number in use | over: a person must look | `Unresolved` | charge, charge in parts, stripe alone, typed, undo, undo without card, refund, notice |
//! | asking the host | approved in part | over: a person must look | `Unresolved` | refund, notice |
//! | asking the host | approved, approved in part, refused, PIN wrong, undecided, refused without a MAC | telling the card | | balance |
//! | asking the host | never sent, cannot be sent, kept back, no answer, bad MAC, wrong answer, number in use | telling the card | | balance |
//! | asking the host | approved in part, undecided, refused without a MAC | over: failed | | balance |
//! | asking the host | never sent, cannot be sent, kept back, no answer, bad MAC, wrong answer, number in use | over: failed | | balance |
//! | asking the host | a record fails | over: failed | | charge, charge in parts, stripe alone, typed, undo, undo without card, refund, notice |
//! | completing | card answers | completing | | charge, charge in parts |
//! | completing | card answers | over: paid | `Approved` | charge, charge in parts |
//! | completing | card answers | telling the card | `Approved` | charge, charge in parts |
//! | completing | card answers | telling the card | `ReversalDue` | charge, charge in parts |
//! | completing | card answers, card torn, card mute, reader fails | over: being taken back | `ReversalDue` | charge, charge in parts |
//! | completing | card answers, card torn, card mute, reader fails | over: being taken back | `ReversalDue`, `Scripts` | charge, charge in parts |
//! | completing | a record fails | over: being taken back | | charge, charge in parts |
//! | telling the card | card answers | telling the card | | charge, charge in parts, balance |
//! | telling the card | card answers, card torn, card mute, reader fails | over: what stood | | charge, charge in parts, balance |
//! | telling the card | card answers, card torn, card mute, reader fails | over: what stood | `Scripts` | charge, charge in parts |
//! | telling the card | card answers | over: once more | | charge, charge in parts, balance |
//! | telling the card, told | a record fails | over: what stood | | charge, charge in parts |
//! | telling the card | a record fails | over: being taken back | | charge, charge in parts |
//! | ending | a record fails | over: what stood | | charge, charge in parts, stripe alone, typed, undo, undo without card, refund, notice |
//! | ending | a record fails | over: being taken back | | charge, charge in parts, stripe alone, typed, undo, undo without card |
//! | ending | a record fails | over: being repeated | | refund, notice |
//! | ending | a record fails | over: failed | | offline |
//!
//! What is in no line changes nothing that can be seen. Where one event leads to several states, the card's answer decides, or
//! how often something was tried. A transaction that begins with reading is another try after a PIN that the bank called
//! wrong; one such ends with *once more*. A card is told what stands (*what stood*); nothing that it answers changes that.
//! An approval of instalments that does not say how they are paid is *undecided*; codes that refuse only the instalments are *refused*.
//! Where a record fails nothing behind it is done: what was sent stays `pending` or `host_approved`, and is taken back or sent
//! again.
//!
//! | file | what is in it |
//! |---|---|
//! | `reading` | the card, up to the request |
//! | `presenting` | a card without its chip, up to the request |
//! | `entering` | the PIN |
//! | `again` | another try after a PIN that the bank called wrong |
//! | `choosing` | the cardholder's say about the application |
//! | `asking` | the host's answer, or none |
//! | `completing` | the card's last word |
//!
//! Effects are carried out in the order given, and a `Record` is durable before the next effect starts.

mod again;
mod asking;
mod choosing;
mod completing;
mod entering;
mod presenting;
mod reading;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::civil::DateTime;

use self::again::PinTries;
use self::presenting::Presented;
use super::entry::ChipTrouble;
use super::instalments::{AskedInstalments, Instalments, Plan};
use super::offline;
use super::online::{AboutRequest, Balance, BalanceKind, EntryMode, HostAnswer, LinkFailure, SaleRequest};
pub use super::opening::Opening;
use super::pin_pad::PinPad;
use super::record::Record;
use super::transaction::{CardUse, Kind};
use crate::card_number::{CardNumberError, Pan, StripeError, Swipe, TypedCard};
use crate::crypto::hex;
use crate::emv::apdu::{CardAnswer, Command};
use crate::emv::cvm::Verification;
use crate::emv::entry_point::{self, CardTransaction, Interface};
use crate::emv::kernel::{self, Choice};
use crate::emv::pin::{PinEntry, PinRequest};
use crate::emv::tag;
use crate::money::Amount;
use crate::pin::Pin;
use crate::reference::{AuthorisationCode, ResponseCode, Rrn, TraceNumber};
use crate::wording::{Reason, ReasonKind};

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// The cashier has named the amount.
    Begin,
    /// A card is in and powered; with the place at which its holder can enter a PIN, which the reader tells only now.
    CardInserted(PinPad),
    /// A card was swiped, or something that cannot be used; with the place at which its holder can enter a PIN for the bank.
    Swiped(Result<Swipe, StripeError>, PinPad),
    /// Number and expiry were typed, or something that is none; with the same.
    NumberTyped(Result<TypedCard, CardNumberError>, PinPad),
    /// The card answered a command.
    CardAnswered(CardAnswer),
    /// What came of asking for a PIN.
    PinEntered(PinEntry),
    /// The pad refused a PIN that was too short or too long.
    PinLengthWrong,
    /// Nobody entered a PIN in time.
    PinTimedOut,
    /// The cardholder pressed cancel instead. That ends the payment; it is no wish to go on without a PIN.
    PinCancelled,
    /// The cardholder chose this one of the applications offered, counted from 0.
    ApplicationChosen(usize),
    /// Whether the cardholder agrees to the application.
    ApplicationConfirmed(bool),
    /// Nobody chose or agreed in time.
    ChoiceTimedOut,
    /// The card left in the middle.
    CardTorn,
    /// The card is in but does not answer.
    CardMute,
    /// No card came in the time given.
    NoCard,
    /// The reader cannot be used.
    ReaderFailed(String),
    /// The cashier wants out, or the cardholder who is asked for a PIN.
    Cancelled,
    /// The host answered, authentically and to this request.
    HostAnswered(HostAnswer),
    /// It did not.
    LinkFailed(LinkFailure),
    /// The request was kept back and never leaves.
    Withheld(Reason),
    /// A record could not be made durable; the effects behind it were not carried out.
    RecordFailed(String),
}

/// What to do, in this order.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Show where the sale stands.
    Show(Progress),
    /// 嘟: the card has been read.
    SoundCardRead,
    /// Wait for a card.
    AwaitCard,
    /// Wait for a stripe alone: so long, or as long as for a card.
    AwaitStripe(Option<Duration>),
    /// Wait for number and expiry.
    AwaitNumber,
    /// Say this to the cardholder, beside what is asked.
    Notice(Reason),
    /// Send a command to the card.
    Apdu(Command),
    /// Let the cardholder enter a PIN.
    AskPin(PinRequest),
    /// Let the cardholder choose among these; the best one comes first.
    ChooseApplication(Vec<Choice>),
    /// Ask the cardholder whether this one may be used.
    ConfirmApplication(Choice),
    /// Make this durable.
    Record(Record),
    /// Ask the host.
    Send(Box<SaleRequest>),
    /// Ask the host about an earlier transaction whose card is not there.
    SendAbout(Box<AboutRequest>),
    /// The card may be taken.
    ReleaseCard,
    /// The sale is over.
    Conclude(Conclusion),
    /// The sale is over, not paid: the bank called the PIN wrong, for which the reason stands. The card is still in and
    /// another PIN may be tried: go on with [`Sale::again`], or release the card and conclude that it was declined.
    TryAnotherPin(Reason),
}

/// Where a sale stands while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The customer is asked for a card.
    PresentCard,
    /// The customer is asked to swipe the card.
    PresentStripe,
    /// The number of the card is typed.
    TypingNumber,
    /// The chip is being read.
    ReadingCard,
    /// The cardholder is asked for a PIN.
    EnteringPin(PinRequest),
    /// The host is being asked.
    AskingHost,
    /// The card has its last word.
    CompletingCard,
}

/// How a sale ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Paid: tone, screen and slips follow.
    Approved,
    /// Not paid; the host or the card said no.
    Declined(Reason),
    /// Not paid; something failed before anything could be charged.
    Failed(Reason),
    /// May have been charged; a reversal is due and the result stays unknown until it is answered.
    ReversalDue(Reason),
    /// May have been done, and cannot be taken back: it is sent again, the same, until the host answers.
    Repeating(Reason),
    /// May have been charged, and may not be taken back by the terminal: a person must look.
    Unresolved(Reason),
}

/// What the host said, for screen, slip and JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSummary {
    /// Field 39.
    pub response_code: ResponseCode,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
    /// Field 54, of a balance.
    pub balances: Vec<Balance>,
    /// How the cardholder pays, where that is by instalments.
    pub plan: Option<Plan>,
}

impl HostSummary {
    /// What can be spent, or else what is booked; nothing of it when it is owed.
    pub fn can_be_spent(&self) -> Option<Amount> {
        let of = |kind: BalanceKind| self.balances.iter().find(|balance| balance.kind == kind);
        let balance = of(BalanceKind::Available).or_else(|| of(BalanceKind::Ledger))?;
        Some(if balance.owed { Amount::zero(balance.amount.currency()) } else { balance.amount })
    }
}

/// What is known of the card, for screen, slip and JSON. Nothing secret is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardSummary {
    /// Card number, first six and last four.
    pub truncated_pan: String,
    /// How it was read.
    pub entry: EntryMode,
    /// Application identifier, hexadecimal; empty without the chip.
    pub aid: String,
    /// Application label.
    pub label: String,
    /// The bank, where the acquirer's list knows it.
    pub bank: Option<String>,
    /// TVR, hexadecimal.
    pub tvr: String,
    /// TSI, hexadecimal.
    pub tsi: String,
    /// How the cardholder was verified.
    pub verification: Verification,
    /// What the card made of the issuer's scripts (9F5B), hexadecimal; empty when none were run.
    pub script_results: String,
}

/// A card transaction: a sale, or what else `transaction` knows.
#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
pub struct Sale {
    opening: Opening,
    pin_pad: PinPad,
    kernel: Box<dyn CardTransaction>,
    phase: Phase,
    host: Option<HostSummary>,
    /// What was approved, where that is less than was asked for.
    part: Option<Amount>,
    /// Bytes of 9F5B that the ledger has.
    scripts_recorded: usize,
    /// The PIN for the bank, from its entry until the request is made.
    pin: Option<Pin>,
    pins: PinTries,
    /// The card, where it came without its chip.
    presented: Option<Presented>,
}

#[cfg_attr(test, derive(Clone))]
#[derive(Debug)]
enum Phase {
    Opened,
    AwaitingCard,
    /// `trouble`: why the chip could not be read, where that was tried.
    AwaitingStripe {
        trouble: Option<ChipTrouble>,
    },
    AwaitingNumber,
    /// `sounded`: the reading tone has been given.
    Reading {
        sounded: bool,
    },
    /// `refused`: so many entries of a wrong length the pad has refused.
    EnteringPin {
        request: PinRequest,
        refused: u8,
    },
    Choosing(Question),
    AskingHost,
    Completing {
        authorisation_code: Option<AuthorisationCode>,
    },
    /// The outcome stands; the card is only told. `conclusion` follows whatever it answers.
    TellingCard {
        conclusion: Conclusion,
    },
    /// All is said and done but for a record, which may still fail to be written.
    Ending {
        conclusion: Conclusion,
    },
    /// The card has been told; nothing changes the conclusion any more.
    Told {
        conclusion: Conclusion,
    },
    Over,
}

/// What the cardholder is asked about applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Question {
    /// Which of so many.
    Which(usize),
    /// Whether the one there is may be used.
    Whether,
}

impl Sale {
    /// One that has not begun.
    pub fn new(opening: Opening) -> Self {
        let pin_pad = PinPad::None;
        let kernel = transaction(&opening, pin_pad);
        let (phase, pins) = (Phase::Opened, PinTries::default());
        Self {
            opening,
            pin_pad,
            kernel,
            phase,
            host: None,
            part: None,
            scripts_recorded: 0,
            pin: None,
            pins,
            presented: None,
        }
    }

    /// Takes what happened, gives what to do. An event that does not belong to the phase changes nothing.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        match (std::mem::replace(&mut self.phase, Phase::Over), event) {
            (Phase::Opened, Event::Begin) if self.pins.wrong > 0 => self.begin_again(),
            (Phase::Opened, Event::Begin) if self.card_use() == CardUse::None => self.ask_about(),
            (Phase::Opened, Event::Begin) => self.await_card(),
            (Phase::AwaitingCard, Event::CardInserted(pin_pad)) => {
                self.phase = Phase::Reading { sounded: false };
                self.equip(pin_pad);
                let mut effects = vec![Effect::Show(Progress::ReadingCard)];
                effects.extend(self.drive(kernel::Event::Start));
                effects
            }
            (Phase::AwaitingCard, event) => self.while_awaiting_card(event),
            (Phase::AwaitingStripe { trouble }, event) => self.while_awaiting_stripe(trouble, event),
            (Phase::AwaitingNumber, event) => self.while_awaiting_number(event),
            (phase @ Phase::Reading { .. }, event) => self.while_reading(phase, event),
            (Phase::EnteringPin { request, refused }, event) => self.while_entering_pin(request, refused, event),
            (Phase::Choosing(question), event) => self.while_choosing(question, event),
            (Phase::AskingHost, event) => self.while_asking(event),
            (Phase::Completing { authorisation_code }, event) => self.while_completing(authorisation_code, event),
            (Phase::TellingCard { conclusion }, event) => self.while_telling(conclusion, event),
            (Phase::Ending { conclusion }, event) => self.while_ending(conclusion, event),
            (Phase::Told { conclusion }, event) => self.once_told(conclusion, &event),
            (phase @ (Phase::Opened | Phase::Over), _) => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    /// Batch and STAN.
    pub const fn trace(&self) -> TraceNumber {
        self.opening.trace
    }

    /// What is to be paid; once a part of it is approved, that part.
    pub fn amount(&self) -> Amount {
        self.part.unwrap_or(self.asked())
    }

    /// What was asked for.
    pub const fn asked(&self) -> Amount {
        self.opening.transaction.amount()
    }

    /// Whether an approval of less than all is one. A part of it would have another plan.
    pub(super) fn takes_a_part(&self) -> bool {
        self.opening.in_part && self.kind() == Kind::Sale && self.opening.transaction.periods().is_none()
    }

    /// What the host is asked for, where it is paid by instalments: the periods, and the acquirer's programme.
    pub(super) fn asked_instalments(&self) -> Option<AskedInstalments> {
        let offer = self.opening.tables.terminal.instalments.as_ref();
        let programme = offer.and_then(|offer| offer.programme.clone());
        self.opening.transaction.periods().map(|periods| AskedInstalments { periods, programme })
    }

    /// The same with what the issuer made of it.
    pub fn instalments(&self) -> Option<Instalments> {
        let plan = self.host.as_ref().and_then(|host| host.plan);
        self.asked_instalments().map(|asked| Instalments { asked, plan })
    }

    /// Whether an approval says how the cardholder pays what was asked for. One at once needs no plan.
    pub(super) fn is_planned(&self, answer: &HostAnswer) -> bool {
        match (self.opening.transaction.periods(), &answer.plan) {
            (None, _) => true,
            (Some(periods), Some(plan)) => plan.is_of(self.asked(), periods),
            (Some(_), None) => false,
        }
    }

    /// What is to be done.
    pub const fn kind(&self) -> Kind {
        self.opening.transaction.kind()
    }

    /// The earlier transaction that it is about.
    pub fn original(&self) -> Option<TraceNumber> {
        self.opening.transaction.original().map(|original| original.trace)
    }

    const fn card_use(&self) -> CardUse {
        self.opening.transaction.card()
    }

    /// When it began, local time.
    pub const fn at(&self) -> DateTime {
        self.opening.at
    }

    /// Where the cardholder enters a PIN; known once a card is in.
    pub const fn pin_pad(&self) -> PinPad {
        self.pin_pad
    }

    /// Whether the cardholder may go on without a PIN. Not at a pad of the reader: it cannot be called back, and the PIN
    /// might still be sent. Nor after one that the bank called wrong: that must not lead to a rule that asks for less.
    pub fn pin_bypass(&self) -> bool {
        self.may_pass_pin_over().unwrap_or(self.opening.pin_bypass)
            && matches!(self.pin_pad, PinPad::Screen)
            && self.pins.wrong == 0
    }

    /// A card is in the reader, and must stay there.
    pub const fn holds_card(&self) -> bool {
        self.presented.is_none()
    }

    /// The language to speak to the cardholder, ISO 639; nothing before the card is read, or when it asks for none that this
    /// terminal speaks.
    pub fn language(&self) -> Option<[u8; 2]> {
        self.kernel.language()
    }

    /// What is known of the card; nothing before it was read.
    pub fn card(&self) -> Option<CardSummary> {
        if self.presented.is_some() {
            return self.card_without_chip();
        }
        let pan = Pan::from_compressed(self.kernel.data().get(tag::PAN)?).ok()?;
        Some(CardSummary {
            truncated_pan: pan.truncated(),
            entry: EntryMode::Chip,
            aid: hex::encode(self.kernel.data().get(tag::DF_NAME).unwrap_or_default()),
            label: self.kernel.application_label().to_owned(),
            bank: self.listed().map(|listed| listed.bank.to_owned()),
            tvr: hex::encode(&self.kernel.tvr().0),
            tsi: hex::encode(&self.kernel.tsi().0),
            verification: self.kernel.verification(),
            script_results: hex::encode(self.kernel.data().get(tag::SCRIPT_RESULTS).unwrap_or_default()),
        })
    }

    /// What the host said; nothing before it answered.
    pub const fn host(&self) -> Option<&HostSummary> {
        self.host.as_ref()
    }

    /// The card is dealt with by a terminal that can do what it can with this reader.
    fn equip(&mut self, pin_pad: PinPad) {
        self.pin_pad = pin_pad;
        self.kernel = transaction(&self.opening, pin_pad);
    }

    /// The end, with nothing left to be written.
    fn end(&mut self, conclusion: Conclusion) -> Vec<Effect> {
        self.phase = Phase::Over;
        over(conclusion)
    }

    fn while_awaiting_card(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Cancelled => failed(Reason::of(ReasonKind::Cancelled)),
            Event::NoCard => failed(Reason::of(ReasonKind::NoCard)),
            Event::ReaderFailed(detail) => failed(Reason::with_detail(ReasonKind::ReaderMissing, detail)),
            Event::CardMute => self.without_chip(ChipTrouble::Mute, Reason::of(ReasonKind::CardMute)),
            Event::CardTorn => failed(Reason::of(ReasonKind::CardTorn)),
            Event::Swiped(swiped, pin_pad) => self.after_swipe(swiped, pin_pad, Phase::AwaitingCard),
            Event::Begin
            | Event::CardInserted(_)
            | Event::NumberTyped(..)
            | Event::ApplicationChosen(_)
            | Event::ApplicationConfirmed(_)
            | Event::ChoiceTimedOut
            | Event::CardAnswered(_)
            | Event::PinEntered(_)
            | Event::PinLengthWrong
            | Event::PinTimedOut
            | Event::PinCancelled
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_)
            | Event::RecordFailed(_) => {
                self.phase = Phase::AwaitingCard;
                Vec::new()
            }
        }
    }
}

/// The card's side of a sale, with what this terminal and this pad can do (9F33) before the card asks for it.
fn transaction(opening: &Opening, pin_pad: PinPad) -> Box<dyn CardTransaction> {
    let mut terminal = opening.terminal.clone();
    let pin_pad = if opening.transaction.kind().takes_pin() { pin_pad } else { PinPad::None };
    terminal.capabilities = match opening.transaction.card() {
        CardUse::Whole | CardUse::Read | CardUse::None => pin_pad.capabilities(terminal.capabilities),
        CardUse::Decides => pin_pad.capabilities_without_bank(terminal.capabilities),
    };
    if opening.transaction.card() == CardUse::Decides {
        terminal = terminal.for_an_offline_sale(offline::floor_limit(&opening.tables.terminal));
    }
    entry_point::transaction(Interface::Contact, terminal, &opening.transaction_data())
}

fn failed(reason: Reason) -> Vec<Effect> {
    over(Conclusion::Failed(reason))
}

fn over(conclusion: Conclusion) -> Vec<Effect> {
    vec![Effect::ReleaseCard, Effect::Conclude(conclusion)]
}
