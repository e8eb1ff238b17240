//! The card is read, up to the request to the host.

use zeroize::Zeroizing;

use super::{Conclusion, Effect, Event, Phase, Progress, Sale, failed, over};
use crate::card_number::{Pan, Track2};
use crate::crypto::hex;
use crate::emv::data::CardDataError;
use crate::emv::kernel::{self, OnlineResult, Outcome, Step, Termination};
use crate::emv::pin::{PinEntry, PinKind};
use crate::emv::risk::Lookup;
use crate::emv::tag::{self, Tag};
use crate::goods::sold::Sold;
use crate::host_tables::Listed;
use crate::payment::entry::ChipTrouble;
use crate::payment::online::{AboutRequest, CardForHost, EntryMode, SaleRequest};
use crate::payment::record::{Pending, Record};
use crate::payment::transaction::{CardUse, IfUnknown};
use crate::wording::{Reason, ReasonKind};

impl Sale {
    pub(super) fn while_reading(&mut self, phase: Phase, event: Event) -> Vec<Effect> {
        match event {
            Event::CardAnswered(answer) => {
                self.phase = phase;
                self.drive(kernel::Event::Answer(answer))
            }
            Event::CardTorn => failed(Reason::of(ReasonKind::CardTorn)),
            // Once it has said all it has to say it has been read.
            Event::CardMute if !self.kernel.card_is_read() => {
                self.without_chip(ChipTrouble::Mute, Reason::of(ReasonKind::CardMute))
            }
            Event::CardMute => failed(Reason::of(ReasonKind::CardMute)),
            Event::ReaderFailed(detail) => failed(Reason::with_detail(ReasonKind::ReaderMissing, detail)),
            Event::Cancelled => failed(Reason::of(ReasonKind::Cancelled)),
            // A PIN pad that answers late, for one that is no longer asked for, says nothing to this phase.
            Event::Begin
            | Event::CardInserted(_)
            | Event::Swiped(..)
            | Event::NumberTyped(..)
            | Event::PinEntered(_)
            | Event::PinLengthWrong
            | Event::PinTimedOut
            | Event::PinCancelled
            | Event::ApplicationChosen(_)
            | Event::ApplicationConfirmed(_)
            | Event::ChoiceTimedOut
            | Event::NoCard
            | Event::HostAnswered(_)
            | Event::LinkFailed(_)
            | Event::Withheld(_)
            | Event::RecordFailed(_) => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    /// The kernel's next step while the card is read, up to the request to the host.
    pub(super) fn drive(&mut self, event: kernel::Event) -> Vec<Effect> {
        let step = self.next_step(event);
        // Before a PIN is asked for, before the card is asked for a cryptogram and before anything is sent.
        if self.kernel.card_is_read() && self.listed().is_some_and(|listed| listed.refused) {
            return self.end(Conclusion::Declined(Reason::of(ReasonKind::CardNotTaken)));
        }
        // What tops up is no other card's, before that one is asked for a cryptogram. Of a card that is only read its AAC comes first.
        if self.kernel.card_is_read() && self.card_use() == CardUse::Whole && self.is_another_card() {
            return self.end(Conclusion::Declined(Reason::of(ReasonKind::OtherCard)));
        }
        let mut effects = self.sound_once_read();
        effects.extend(match step {
            Step::Send(command) => vec![Effect::Apdu(command)],
            Step::AskPin(request) => self.ask_pin(request),
            Step::Choose(choices) => self.offer(choices),
            Step::Confirm(choice) => self.ask_consent(choice),
            Step::GoOnline => self.go_online(),
            Step::Done(Outcome::Terminated(Termination::NoCommonApplication)) => {
                self.without_chip(ChipTrouble::NoApplication, reason_of(&Termination::NoCommonApplication))
            }
            Step::Done(Outcome::Terminated(termination)) | Step::Decided(Outcome::Terminated(termination)) => {
                self.end(Conclusion::Failed(reason_of(&termination)))
            }
            Step::Done(Outcome::Approved) | Step::Decided(Outcome::Approved) if self.card_use() == CardUse::Decides => {
                self.approved_by_card()
            }
            // `TerminalData::for_sales` lets no terminal sell that would ask for a TC here. A card that believes to have
            // approved is never called declined, and without the host nothing is charged.
            Step::Done(Outcome::Approved) | Step::Decided(Outcome::Approved) => {
                self.end(Conclusion::Failed(reason_of(&Termination::Cryptogram)))
            }
            // Its AAC says nothing about the transaction.
            Step::Done(Outcome::Identified) if self.card_use() == CardUse::Read => self.once_identified(),
            Step::Done(Outcome::Declined | Outcome::NotAccepted | Outcome::Identified)
            | Step::Decided(Outcome::Declined | Outcome::NotAccepted | Outcome::Identified) => {
                let alone = self.card_use() == CardUse::Decides;
                let kind = if alone { ReasonKind::CardWantsHost } else { ReasonKind::CardDeclined };
                self.end(Conclusion::Declined(Reason::of(kind)))
            }
            Step::LookUp | Step::CallIssuer => self.end(Conclusion::Failed(reason_of(&Termination::OutOfTurn))),
        });
        effects
    }

    /// The kernel's next step that needs card, cardholder or host. What else it asks is answered here: an application where
    /// the choice is made already, and a PIN that no pad of this terminal can take, which is not asked for. What goes online
    /// needs no log to look into; one of what does not go online there is none of yet.
    pub(super) fn next_step(&mut self, event: kernel::Event) -> Step {
        let mut step = self.kernel.step(event);
        loop {
            let answer = match &step {
                Step::AskPin(request) if !self.takes_pin(request.kind) => kernel::Event::Pin(PinEntry::PadBroken),
                Step::Choose(choices) => match self.opening.chooser.choose(choices) {
                    Some(chosen) => kernel::Event::Chosen(chosen),
                    None => return step,
                },
                Step::Confirm(choice) => match self.opening.chooser.agrees_to(choice) {
                    Some(agreed) => kernel::Event::Confirmed(agreed),
                    None => return step,
                },
                Step::LookUp => kernel::Event::LookedUp(Lookup::default()),
                // Nobody but the card is asked.
                Step::GoOnline if self.card_use() == CardUse::Decides => {
                    kernel::Event::Online(OnlineResult::UnableToGoOnline)
                }
                // The acquirer's answer is final here: nobody calls the issuer.
                Step::CallIssuer => kernel::Event::Referred(false),
                Step::AskPin(_) | Step::Send(_) | Step::GoOnline | Step::Decided(_) | Step::Done(_) => return step,
            };
            step = self.kernel.step(answer);
        }
    }

    fn takes_pin(&self, pin: PinKind) -> bool {
        self.kind().takes_pin() && self.pin_pad.takes(pin)
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

    /// Whether there is an original, and this is not its card.
    fn is_another_card(&self) -> bool {
        let original = self.opening.transaction.original().map(|original| &original.pan);
        original.zip(self.number()).is_some_and(|(original, number)| !original.is_of(&number))
    }

    /// Only the card of the original may be used.
    fn once_identified(&mut self) -> Vec<Effect> {
        let number = self.kernel.data().get(tag::PAN).and_then(|pan| Pan::from_compressed(pan).ok());
        let original = self.opening.transaction.original().map(|original| &original.pan);
        if original.zip(number).is_some_and(|(original, number)| original.is_of(&number)) {
            return self.go_online();
        }
        self.end(Conclusion::Declined(Reason::of(ReasonKind::OtherCard)))
    }

    /// The row first, then the request.
    fn go_online(&mut self) -> Vec<Effect> {
        match self.request() {
            Ok((pending, request)) => self.ask(pending, Effect::Send(Box::new(request))),
            Err(error) => {
                self.end(Conclusion::Failed(Reason::with_detail(ReasonKind::CardDataWrong, error.to_string())))
            }
        }
    }

    pub(super) fn ask(&mut self, pending: Pending, send: Effect) -> Vec<Effect> {
        self.phase = Phase::AskingHost;
        let mut effects = Vec::new();
        if self.kind().is_written_down() {
            effects.push(Effect::Record(Record::Pending(Box::new(pending))));
        }
        effects.extend([Effect::Show(Progress::AskingHost), send]);
        effects
    }

    /// The host is asked about the card of an earlier transaction, which is not there.
    pub(super) fn ask_about(&mut self) -> Vec<Effect> {
        let transaction = self.opening.transaction.clone();
        // Without a card there is no other number than that of the original.
        let by_code = transaction.kind().is_by_code();
        let known = transaction.original().filter(|original| by_code || original.pan.whole().is_some()).cloned();
        let Some(original) = known else {
            return self.end(Conclusion::Failed(Reason::of(ReasonKind::CannotAsk)));
        };
        let pending = Pending {
            kind: transaction.kind(),
            pan: original.pan.clone(),
            original: Some(original),
            amount: transaction.amount(),
            at: self.opening.at,
            entry: EntryMode::NotRead,
            verification: self.kernel.verification(),
            sequence_number: None,
            card_expiry: None,
            aid: String::new(),
            application_label: String::new(),
            bank: None,
            chip_data: Vec::new(),
            instalments: None,
        };
        let request = AboutRequest { trace: self.opening.trace, transaction, at: self.opening.at };
        self.ask(pending, Effect::SendAbout(Box::new(request)))
    }

    /// The card's TC is all there is to a payment of which the host is told later. It is paid once that is durable.
    fn approved_by_card(&mut self) -> Vec<Effect> {
        match self.request() {
            Ok((pending, _)) => {
                let result = self.card_result();
                self.phase = Phase::Ending { conclusion: Conclusion::Approved };
                let record = Record::ApprovedByCard(Box::new(pending), Box::new(result));
                let mut effects = vec![Effect::Record(record)];
                effects.extend(over(Conclusion::Approved));
                effects
            }
            Err(error) => {
                self.end(Conclusion::Failed(Reason::with_detail(ReasonKind::CardDataWrong, error.to_string())))
            }
        }
    }

    /// What the acquirer's list says of this card; nothing before it was read.
    pub(super) fn listed(&self) -> Option<Listed<'_>> {
        self.opening.tables.card(self.number()?.expose_digits())
    }

    fn request(&mut self) -> Result<(Pending, SaleRequest), CardDataError> {
        let data = self.kernel.data();
        let wrong = |tag: Tag| move |_| CardDataError::Wrong(tag);
        let pan = Pan::from_compressed(data.require(tag::PAN)?).map_err(wrong(tag::PAN))?;
        let track2 = data.get(tag::TRACK_2).map(Track2::from_packed).transpose().map_err(wrong(tag::TRACK_2))?;
        let may_be_repeated = self.kind().if_unknown() == IfUnknown::Repeated;
        if let Some(track2) = &track2
            && track2.pan().ok().as_ref() != Some(&pan)
        {
            return Err(CardDataError::Wrong(tag::TRACK_2));
        }
        let expiry = data.sized::<3>(tag::EXPIRATION_DATE)?.map(|[year, month, _]| [year, month]);
        let sequence_number = data.sized::<1>(tag::PAN_SEQUENCE_NUMBER)?.map(|[number]| bcd(number));
        let transaction = &self.opening.transaction;
        let pending = Pending {
            kind: transaction.kind(),
            original: transaction.original().cloned(),
            amount: transaction.amount(),
            at: self.opening.at,
            entry: EntryMode::Chip,
            verification: self.kernel.verification(),
            pan: pan.clone().into(),
            sequence_number,
            card_expiry: expiry.map(|[year, month]| format!("{year:02X}{month:02X}")),
            aid: hex::encode(data.require(tag::DF_NAME)?),
            application_label: self.kernel.application_label().to_owned(),
            bank: self.listed().map(|listed| listed.bank.to_owned()),
            chip_data: self.reversal_data(),
            instalments: self.asked_instalments(),
        };
        let request = SaleRequest {
            trace: self.opening.trace,
            kind: transaction.kind(),
            original: transaction.original().cloned(),
            amount: transaction.amount(),
            at: self.opening.at,
            // A track is not kept for another time.
            card: CardForHost {
                pan,
                expiry,
                track2: track2.filter(|_| !may_be_repeated),
                track3: None,
                sequence_number,
                entry: EntryMode::Chip,
            },
            chip_data: match transaction.card() {
                CardUse::Whole | CardUse::Decides => data.collect(&self.opening.terminal.host_data),
                // It has only said who it is; its AAC proves nothing.
                CardUse::Read | CardUse::None => Zeroizing::default(),
            },
            pin: self.pin.take(),
            in_part: self.takes_a_part(),
            instalments: self.asked_instalments(),
            // Whoever sends it says what the host is told.
            sold: Sold::default(),
        };
        self.pins.asked_bank = request.pin.is_some();
        Ok((pending, request))
    }

    /// Field 55 of a reversal: where the request has one, what is known of it now.
    pub(super) fn reversal_data(&self) -> Vec<u8> {
        match self.card_use() {
            CardUse::Whole if self.presented.is_some() => Vec::new(),
            CardUse::Whole => self.kernel.data().collect(&self.opening.terminal.reversal_data).to_vec(),
            CardUse::Decides | CardUse::Read | CardUse::None => Vec::new(),
        }
    }
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
