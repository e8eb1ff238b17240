//! A card sale as a pure state machine.
//!
//! | state | event | next | what is recorded |
//! |---|---|---|---|
//! | waiting for a card | card in | reading | |
//! | waiting for a card | cancelled, no card, reader failed | over: not paid | |
//! | reading | card gives ARQC | asking the host | `Pending`, then the request leaves |
//! | reading | card declines, is torn, cannot be used, cancelled | over: not paid | |
//! | asking the host | approved | completing | `HostApproved` |
//! | asking the host | declined, never sent | over: not paid | `NotPaid` |
//! | asking the host | approved in part, undecided, no answer, bad answer | over: being taken back | `ReversalDue` |
//! | asking the host | the trace number is in use there | over: a person must look | `Unresolved` |
//! | completing | card gives TC | over: paid | `Approved` |
//! | completing | card declines, is torn, is mute | over: being taken back | `ReversalDue` |
//! | any | a record cannot be written | over: nothing is sent; what was sent stays `pending` and is taken back | |
//!
//! Effects are carried out in the order given, and a `Record` is durable before the next effect starts.

use jiff::civil::DateTime;

use super::online::{CardForHost, Decision, EntryMode, HostAnswer, LinkFailure, ReversalReason, SaleRequest};
pub use super::opening::Opening;
use super::record::{CardResult, Pending, Record};
use crate::card_number::{Pan, Track2};
use crate::crypto::hex;
use crate::emv::apdu::{CardAnswer, Command};
use crate::emv::data::CardDataError;
use crate::emv::kernel::{self, Kernel, OnlineResult, Outcome, Step, Termination};
use crate::emv::pin::PinEntry;
use crate::emv::risk::Lookup;
use crate::emv::tag;
use crate::emv::tag::Tag;
use crate::money::Amount;
use crate::reference::{AuthorisationCode, ResponseCode, Rrn, TraceNumber};
use crate::wording::{Reason, ReasonKind};

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Event {
    /// The cashier has named the amount.
    Begin,
    /// A card is in and powered.
    CardInserted,
    /// The card answered a command.
    CardAnswered(CardAnswer),
    /// The card left in the middle.
    CardTorn,
    /// The card is in but does not answer.
    CardMute,
    /// No card came in the time given.
    NoCard,
    /// The reader cannot be used.
    ReaderFailed(String),
    /// The cashier wants out.
    Cancelled,
    /// The host answered, authentically and to this request.
    HostAnswered(HostAnswer),
    /// It did not.
    LinkFailed(LinkFailure),
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
    /// Send a command to the card.
    Apdu(Command),
    /// Make this durable.
    Record(Record),
    /// Ask the host.
    Send(Box<SaleRequest>),
    /// The card may be taken.
    ReleaseCard,
    /// The sale is over.
    Conclude(Conclusion),
}

/// Where a sale stands while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The customer is asked for a card.
    PresentCard,
    /// The chip is being read.
    ReadingCard,
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
}

/// What is known of the card, for screen, slip and JSON. Nothing secret is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardSummary {
    /// Card number, first six and last four.
    pub truncated_pan: String,
    /// Application identifier, hexadecimal.
    pub aid: String,
    /// Application label.
    pub label: String,
    /// TVR, hexadecimal.
    pub tvr: String,
    /// TSI, hexadecimal.
    pub tsi: String,
}

/// A card sale.
#[derive(Debug)]
pub struct Sale {
    opening: Opening,
    kernel: Kernel,
    phase: Phase,
    host: Option<HostSummary>,
}

#[derive(Debug)]
enum Phase {
    Opened,
    AwaitingCard,
    /// `sounded`: the reading tone has been given.
    Reading {
        sounded: bool,
    },
    AskingHost,
    Completing {
        authorisation_code: Option<AuthorisationCode>,
    },
    /// The outcome stands; the card is only told. `conclusion` follows whatever it answers.
    TellingCard {
        conclusion: Conclusion,
    },
    Over,
}

impl Sale {
    /// A sale that has not begun.
    pub fn new(opening: Opening) -> Self {
        let kernel = Kernel::new(opening.terminal.clone(), &opening.transaction_data());
        Self { opening, kernel, phase: Phase::Opened, host: None }
    }

    /// Takes what happened, gives what to do. An event that does not belong to the phase changes nothing.
    pub fn step(&mut self, event: Event) -> Vec<Effect> {
        match (std::mem::replace(&mut self.phase, Phase::Over), event) {
            (Phase::Opened, Event::Begin) => {
                self.phase = Phase::AwaitingCard;
                vec![Effect::Show(Progress::PresentCard), Effect::AwaitCard]
            }
            (Phase::AwaitingCard, Event::CardInserted) => {
                self.phase = Phase::Reading { sounded: false };
                let mut effects = vec![Effect::Show(Progress::ReadingCard)];
                effects.extend(self.drive(kernel::Event::Start));
                effects
            }
            (Phase::AwaitingCard, event) => self.while_awaiting_card(event),
            (phase @ Phase::Reading { .. }, event) => self.while_reading(phase, event),
            (Phase::AskingHost, event) => self.while_asking(event),
            (Phase::Completing { authorisation_code }, event) => self.while_completing(authorisation_code, event),
            (Phase::TellingCard { conclusion }, event) => self.while_telling(conclusion, event),
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

    /// What is to be paid.
    pub const fn amount(&self) -> Amount {
        self.opening.amount
    }

    /// When it began, local time.
    pub const fn at(&self) -> DateTime {
        self.opening.at
    }

    /// What is known of the card; nothing before it was read.
    pub fn card(&self) -> Option<CardSummary> {
        let pan = Pan::from_compressed(self.kernel.data().get(tag::PAN)?).ok()?;
        Some(CardSummary {
            truncated_pan: pan.truncated(),
            aid: hex::encode(self.kernel.data().get(tag::DF_NAME).unwrap_or_default()),
            label: self.kernel.application_label().to_owned(),
            tvr: hex::encode(&self.kernel.tvr().0),
            tsi: hex::encode(&self.kernel.tsi().0),
        })
    }

    /// What the host said; nothing before it answered.
    pub const fn host(&self) -> Option<&HostSummary> {
        self.host.as_ref()
    }

    fn while_awaiting_card(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Cancelled => failed(Reason::of(ReasonKind::Cancelled)),
            Event::NoCard => failed(Reason::of(ReasonKind::NoCard)),
            Event::ReaderFailed(detail) => failed(Reason::with_detail(ReasonKind::ReaderMissing, detail)),
            Event::CardMute => failed(Reason::of(ReasonKind::CardMute)),
            Event::CardTorn => failed(Reason::of(ReasonKind::CardTorn)),
            Event::Begin
            | Event::CardInserted
            | Event::CardAnswered(_)
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::RecordFailed(_) => {
                self.phase = Phase::AwaitingCard;
                Vec::new()
            }
        }
    }

    fn while_reading(&mut self, phase: Phase, event: Event) -> Vec<Effect> {
        match event {
            Event::CardAnswered(answer) => {
                self.phase = phase;
                self.drive(kernel::Event::Answer(answer))
            }
            Event::CardTorn => failed(Reason::of(ReasonKind::CardTorn)),
            Event::CardMute => failed(Reason::of(ReasonKind::CardMute)),
            Event::ReaderFailed(detail) => failed(Reason::with_detail(ReasonKind::ReaderMissing, detail)),
            Event::Cancelled => failed(Reason::of(ReasonKind::Cancelled)),
            // The row that could take the request back is not durable, so the request has not left.
            Event::RecordFailed(detail) => failed(Reason::with_detail(ReasonKind::LedgerFailed, detail)),
            Event::Begin | Event::CardInserted | Event::NoCard | Event::HostAnswered(_) | Event::LinkFailed(_) => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    /// The kernel's next step while the card is read, up to the request to the host.
    fn drive(&mut self, event: kernel::Event) -> Vec<Effect> {
        let step = self.next_step(event);
        let mut effects = self.sound_once_read();
        effects.extend(match step {
            Step::Send(command) => vec![Effect::Apdu(command)],
            Step::GoOnline => self.go_online(),
            Step::Done(Outcome::Terminated(termination)) => failed(reason_of(&termination)),
            // An online-only terminal gets no TC here; a card that declines has its say.
            Step::Done(_) | Step::Decided(_) => declined(Reason::of(ReasonKind::CardDeclined)),
            Step::Choose(_) | Step::Confirm(_) | Step::AskPin(_) | Step::LookUp | Step::CallIssuer => {
                failed(reason_of(&Termination::OutOfTurn))
            }
        });
        effects
    }

    /// The kernel's next step that needs card or host. What it asks of people and books is answered here, for a terminal
    /// without PIN pad at which nobody chooses: the best application that needs no consent. Every sale goes online, so
    /// there is no log to look into.
    fn next_step(&mut self, event: kernel::Event) -> Step {
        let mut step = self.kernel.step(event);
        loop {
            let answer = match &step {
                Step::Choose(choices) => {
                    kernel::Event::Chosen(choices.iter().position(|choice| !choice.needs_confirmation))
                }
                Step::Confirm(_) => kernel::Event::Confirmed(false),
                Step::AskPin(_) => kernel::Event::Pin(PinEntry::PadBroken),
                Step::LookUp => kernel::Event::LookedUp(Lookup::default()),
                // The acquirer's answer is final here: nobody calls the issuer.
                Step::CallIssuer => kernel::Event::Referred(false),
                Step::Send(_) | Step::GoOnline | Step::Decided(_) | Step::Done(_) => return step,
            };
            step = self.kernel.step(answer);
        }
    }

    fn sound_once_read(&mut self) -> Vec<Effect> {
        match &mut self.phase {
            Phase::Reading { sounded } if !*sounded && self.kernel.card_is_read() => {
                *sounded = true;
                vec![Effect::SoundCardRead]
            }
            _ => Vec::new(),
        }
    }

    /// The row first, then the request.
    fn go_online(&mut self) -> Vec<Effect> {
        match self.request() {
            Ok((pending, request)) => {
                self.phase = Phase::AskingHost;
                vec![
                    Effect::Record(Record::Pending(Box::new(pending))),
                    Effect::Show(Progress::AskingHost),
                    Effect::Send(Box::new(request)),
                ]
            }
            Err(error) => failed(Reason::with_detail(ReasonKind::CardDataWrong, error.to_string())),
        }
    }

    fn request(&self) -> Result<(Pending, SaleRequest), CardDataError> {
        let data = self.kernel.data();
        let wrong = |tag: Tag| move |_| CardDataError::Wrong(tag);
        let pan = Pan::from_compressed(data.require(tag::PAN)?).map_err(wrong(tag::PAN))?;
        let track2 = data.get(tag::TRACK_2).map(Track2::from_packed).transpose().map_err(wrong(tag::TRACK_2))?;
        if let Some(track2) = &track2
            && track2.pan().ok().as_ref() != Some(&pan)
        {
            return Err(CardDataError::Wrong(tag::TRACK_2));
        }
        let expiry = data.sized::<3>(tag::EXPIRATION_DATE)?.map(|[year, month, _]| [year, month]);
        let sequence_number = data.sized::<1>(tag::PAN_SEQUENCE_NUMBER)?.map(|[number]| bcd(number));
        let pending = Pending {
            amount: self.opening.amount,
            at: self.opening.at,
            entry: EntryMode::Chip,
            truncated_pan: pan.truncated(),
            sequence_number,
            card_expiry: expiry.map(|[year, month]| format!("{year:02X}{month:02X}")),
            aid: hex::encode(data.require(tag::DF_NAME)?),
            application_label: self.kernel.application_label().to_owned(),
            chip_data: self.reversal_data(),
        };
        let request = SaleRequest {
            trace: self.opening.trace,
            amount: self.opening.amount,
            at: self.opening.at,
            card: CardForHost { pan, expiry, track2, sequence_number, entry: EntryMode::Chip },
            chip_data: data.collect(&self.opening.terminal.host_data).to_vec(),
        };
        Ok((pending, request))
    }

    fn reversal_data(&self) -> Vec<u8> {
        self.kernel.data().collect(&self.opening.terminal.reversal_data).to_vec()
    }

    fn while_asking(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::HostAnswered(answer) => self.after_answer(answer),
            Event::LinkFailed(LinkFailure::NeverSent(detail)) => {
                self.not_asked(Reason::with_detail(ReasonKind::HostUnreachable, detail))
            }
            Event::LinkFailed(LinkFailure::Unsendable(detail)) => {
                self.not_asked(Reason::with_detail(ReasonKind::CannotAsk, detail))
            }
            Event::LinkFailed(LinkFailure::NoAnswer(detail)) => {
                self.take_back(ReversalReason::NoAnswer, Reason::with_detail(ReasonKind::HostSilent, detail))
            }
            Event::LinkFailed(LinkFailure::BadMac(detail)) => {
                self.take_back(ReversalReason::BadMac, Reason::with_detail(ReasonKind::HostAnswerRefused, detail))
            }
            Event::LinkFailed(LinkFailure::WrongAnswer(detail)) => {
                self.take_back(ReversalReason::Other, Reason::with_detail(ReasonKind::HostAnswerRefused, detail))
            }
            // The pending row was not written, so nothing was sent.
            Event::RecordFailed(detail) => failed(Reason::with_detail(ReasonKind::LedgerFailed, detail)),
            Event::Begin
            | Event::CardInserted
            | Event::CardAnswered(_)
            | Event::CardTorn
            | Event::CardMute
            | Event::NoCard
            | Event::ReaderFailed(_)
            | Event::Cancelled => {
                // Once the request is on its way nobody can call it back; the answer decides.
                self.phase = Phase::AskingHost;
                Vec::new()
            }
        }
    }

    fn after_answer(&mut self, answer: HostAnswer) -> Vec<Effect> {
        let response_code = code_for_card(&answer.response_code);
        self.host = Some(HostSummary {
            response_code: answer.response_code.clone(),
            rrn: answer.rrn.clone(),
            authorisation_code: answer.authorisation_code.clone(),
        });
        match answer.decision {
            Decision::Approved => {
                self.phase = Phase::Completing { authorisation_code: answer.authorisation_code.clone() };
                let record = Record::HostApproved {
                    response_code: answer.response_code.clone(),
                    rrn: answer.rrn,
                    authorisation_code: answer.authorisation_code,
                };
                let online = OnlineResult::Approved { response_code, issuer_data: answer.issuer_data };
                let mut effects = vec![Effect::Record(record), Effect::Show(Progress::CompletingCard)];
                effects.extend(self.complete(kernel::Event::Online(online)));
                effects
            }
            Decision::Partial(amount) => {
                let mut reason = Reason::of(ReasonKind::PartialApproval);
                reason.amount = Some(amount);
                reason.code = Some(answer.response_code);
                let record = self.reversal_due(ReversalReason::Other, reason.kind, answer.authorisation_code);
                let online = OnlineResult::Declined { response_code, issuer_data: answer.issuer_data };
                self.tell_card(record, online, Conclusion::ReversalDue(reason))
            }
            Decision::NumberInUse => {
                let mut reason = Reason::of(ReasonKind::TraceNumberInUse);
                reason.code = Some(answer.response_code.clone());
                reason.detail = self.opening.trace.to_string();
                let record = Record::Unresolved { reason: reason.kind, response_code: Some(answer.response_code) };
                self.tell_card(record, OnlineResult::UnableToGoOnline, Conclusion::Unresolved(reason))
            }
            Decision::Unclear => {
                let mut reason =
                    Reason::with_detail(ReasonKind::HostSilent, "the host itself does not know the result");
                reason.code = Some(answer.response_code);
                self.take_back(ReversalReason::Other, reason)
            }
            Decision::Refused => {
                let online = OnlineResult::Declined { response_code, issuer_data: answer.issuer_data };
                let reason = Reason {
                    kind: ReasonKind::HostDeclined,
                    code: Some(answer.response_code.clone()),
                    amount: None,
                    detail: String::new(),
                };
                let record =
                    Record::NotPaid { reason: reason.kind, response_code: Some(answer.response_code), rrn: answer.rrn };
                self.tell_card(record, online, Conclusion::Declined(reason))
            }
        }
    }

    /// Nothing has left the terminal.
    fn not_asked(&mut self, reason: Reason) -> Vec<Effect> {
        let record = Record::NotPaid { reason: reason.kind, response_code: None, rrn: None };
        self.tell_card(record, OnlineResult::UnableToGoOnline, Conclusion::Failed(reason))
    }

    fn take_back(&mut self, why: ReversalReason, reason: Reason) -> Vec<Effect> {
        let record = self.reversal_due(why, reason.kind, None);
        self.tell_card(record, OnlineResult::UnableToGoOnline, Conclusion::ReversalDue(reason))
    }

    fn reversal_due(
        &self,
        reversal_reason: ReversalReason,
        reason: ReasonKind,
        authorisation_code: Option<AuthorisationCode>,
    ) -> Record {
        Record::ReversalDue { reversal_reason, reason, authorisation_code, chip_data: self.reversal_data() }
    }

    /// Records what stands, then lets the card finish its own books; whatever it answers changes nothing.
    fn tell_card(&mut self, record: Record, online: OnlineResult, conclusion: Conclusion) -> Vec<Effect> {
        let mut effects = vec![Effect::Record(record)];
        match self.next_step(kernel::Event::Online(online)) {
            Step::Send(command) => {
                self.phase = Phase::TellingCard { conclusion };
                effects.push(Effect::Apdu(command));
            }
            _ => effects.extend(self.ending(conclusion)),
        }
        effects
    }

    /// The end behind a record: the phase stays one that hears when the record cannot be written.
    fn ending(&mut self, conclusion: Conclusion) -> Vec<Effect> {
        self.phase = Phase::TellingCard { conclusion: conclusion.clone() };
        over(conclusion)
    }

    fn while_telling(&mut self, conclusion: Conclusion, event: Event) -> Vec<Effect> {
        match event {
            Event::CardAnswered(answer) => match self.tell_more(kernel::Event::Answer(answer)) {
                Some(command) => {
                    self.phase = Phase::TellingCard { conclusion };
                    vec![Effect::Apdu(command)]
                }
                None => over(conclusion),
            },
            Event::CardTorn | Event::CardMute | Event::ReaderFailed(_) => over(conclusion),
            // The row stays `pending`. Whoever carries this out must not take that one back: see `Decision::NumberInUse`.
            Event::RecordFailed(_) if matches!(conclusion, Conclusion::Unresolved(_)) => over(conclusion),
            // The row stays `pending`: it is taken back before the next sale, which is the safe side of every other
            // conclusion.
            Event::RecordFailed(detail) => {
                over(Conclusion::ReversalDue(Reason::with_detail(ReasonKind::LedgerFailedAfterRequest, detail)))
            }
            Event::Begin
            | Event::CardInserted
            | Event::NoCard
            | Event::Cancelled
            | Event::HostAnswered(_)
            | Event::LinkFailed(_) => {
                self.phase = Phase::TellingCard { conclusion };
                Vec::new()
            }
        }
    }

    /// What the card is still told once the conclusion stands: the second GENERATE AC, issuer scripts.
    fn tell_more(&mut self, event: kernel::Event) -> Option<Command> {
        let mut step = self.next_step(event);
        if let Step::Decided(_) = step {
            step = self.next_step(kernel::Event::Noted);
        }
        match step {
            Step::Send(command) => Some(command),
            _ => None,
        }
    }

    fn while_completing(&mut self, authorisation_code: Option<AuthorisationCode>, event: Event) -> Vec<Effect> {
        let take_back = |sale: &mut Self, kind: ReasonKind, detail: String| {
            let record = sale.reversal_due(ReversalReason::Other, kind, authorisation_code.clone());
            let mut effects = vec![Effect::Record(record)];
            effects.extend(sale.ending(Conclusion::ReversalDue(Reason::with_detail(kind, detail))));
            effects
        };
        match event {
            Event::CardAnswered(answer) => {
                self.phase = Phase::Completing { authorisation_code };
                self.complete(kernel::Event::Answer(answer))
            }
            Event::CardTorn => take_back(self, ReasonKind::CardTornAfterRequest, String::new()),
            Event::CardMute => take_back(self, ReasonKind::CardLostAfterRequest, "the card is mute".to_owned()),
            Event::ReaderFailed(detail) => take_back(self, ReasonKind::CardLostAfterRequest, detail),
            // Host approval or final approval is not durable: not approved. The row is taken back.
            Event::RecordFailed(detail) => {
                over(Conclusion::ReversalDue(Reason::with_detail(ReasonKind::LedgerFailedAfterRequest, detail)))
            }
            Event::Begin
            | Event::CardInserted
            | Event::NoCard
            | Event::Cancelled
            | Event::HostAnswered(_)
            | Event::LinkFailed(_) => {
                self.phase = Phase::Completing { authorisation_code };
                Vec::new()
            }
        }
    }

    /// The card's last word after an approval.
    fn complete(&mut self, event: kernel::Event) -> Vec<Effect> {
        let authorisation_code = match &self.phase {
            Phase::Completing { authorisation_code } => authorisation_code.clone(),
            _ => None,
        };
        let detail = match self.next_step(event) {
            Step::Send(command) => return vec![Effect::Apdu(command)],
            // The card's word stands; a card that leaves while scripts are run has given its TC all the same.
            Step::Decided(Outcome::Approved) => {
                let record = Effect::Record(Record::Approved(Box::new(self.card_result())));
                return match self.tell_more(kernel::Event::Noted) {
                    Some(command) => {
                        self.phase = Phase::TellingCard { conclusion: Conclusion::Approved };
                        vec![record, Effect::Apdu(command)]
                    }
                    None => vec![record, Effect::ReleaseCard, Effect::Conclude(Conclusion::Approved)],
                };
            }
            Step::Done(Outcome::Approved) => {
                // `Completing` stays the phase until the record is durable: a failure to write it must not approve.
                return vec![
                    Effect::Record(Record::Approved(Box::new(self.card_result()))),
                    Effect::ReleaseCard,
                    Effect::Conclude(Conclusion::Approved),
                ];
            }
            // The issuer's scripts are for a card that declines as well (Book 3, 10.10).
            Step::Decided(_) => {
                let reason = Reason::of(ReasonKind::CardDeclinedAfterApproval);
                let record = self.reversal_due(ReversalReason::Other, reason.kind, authorisation_code);
                let conclusion = Conclusion::ReversalDue(reason);
                let mut effects = vec![Effect::Record(record)];
                match self.tell_more(kernel::Event::Noted) {
                    Some(command) => {
                        self.phase = Phase::TellingCard { conclusion };
                        effects.push(Effect::Apdu(command));
                    }
                    None => effects.extend(self.ending(conclusion)),
                }
                return effects;
            }
            Step::Done(Outcome::Terminated(termination)) => termination.to_string(),
            Step::Done(_) => String::new(),
            Step::GoOnline => "the card asked for the host again".to_owned(),
            Step::Choose(_) | Step::Confirm(_) | Step::AskPin(_) | Step::LookUp | Step::CallIssuer => {
                Termination::OutOfTurn.to_string()
            }
        };
        let reason = Reason::with_detail(ReasonKind::CardDeclinedAfterApproval, detail);
        let record = self.reversal_due(ReversalReason::Other, reason.kind, authorisation_code);
        let mut effects = vec![Effect::Record(record)];
        effects.extend(self.ending(Conclusion::ReversalDue(reason)));
        effects
    }

    fn card_result(&self) -> CardResult {
        let data = self.kernel.data();
        let hexadecimal = |tag| hex::encode(data.get(tag).unwrap_or_default());
        CardResult {
            cryptogram: hexadecimal(tag::CRYPTOGRAM),
            tvr: hexadecimal(tag::TVR),
            tsi: hexadecimal(tag::TSI),
            atc: hexadecimal(tag::ATC),
            signature: self.kernel.verification().needs_signature(),
        }
    }
}

/// 8A: the host's two characters, which nobody changes on the way to the card (EMV 4.4 Book 4, annex A6). What is asked of
/// the card is decided apart from them.
fn code_for_card(code: &ResponseCode) -> [u8; 2] {
    code.as_str().as_bytes().first_chunk().copied().unwrap_or_default()
}

fn failed(reason: Reason) -> Vec<Effect> {
    over(Conclusion::Failed(reason))
}

fn declined(reason: Reason) -> Vec<Effect> {
    over(Conclusion::Declined(reason))
}

fn over(conclusion: Conclusion) -> Vec<Effect> {
    vec![Effect::ReleaseCard, Effect::Conclude(conclusion)]
}

fn reason_of(termination: &Termination) -> Reason {
    let kind = match termination {
        Termination::NoCommonApplication | Termination::NothingChosen => ReasonKind::CardNotSupported,
        Termination::CardBlocked | Termination::ApplicationBlocked => ReasonKind::CardBlocked,
        Termination::CardData(_) | Termination::Status { .. } | Termination::Cryptogram | Termination::OutOfTurn => {
            ReasonKind::CardDataWrong
        }
    };
    Reason::with_detail(kind, termination.to_string())
}

/// One BCD byte as a number.
const fn bcd(byte: u8) -> u8 {
    (byte >> 4).wrapping_mul(10).wrapping_add(byte & 0x0F)
}
