//! The table in the module's head against the machine: whatever may happen, in every situation that a card, its holder and
//! a host bring about.

mod card;
mod instalments;
mod kinds;
mod presenting;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use jiff::civil::date;
use zeroize::Zeroizing;

use self::card::Card;
use super::*;
use crate::emv::action::ActionCodes;
use crate::emv::apdu::CardAnswer;
use crate::emv::terminal::TerminalData;
use crate::host_tables::{HostTables, OfflineLimits};
use crate::link_fault::LinkFault;
use crate::money::Currency;
use crate::payment::chooser::Chooser;
use crate::payment::entry::{CardBy, EntryRules};
use crate::payment::online::{Decision, Unreached};
use crate::payment::record::State;
use crate::payment::tables::{Transition, differences, documented, named};
use crate::payment::transaction::{Original, Past, Presence, Transaction};
use crate::reference::{Batch, MerchantCode, Stan, TerminalNumber};

named! { state_of, every_state, Phase;
    Phase::Opened => "opened";
    Phase::AwaitingCard => "waiting for a card";
    Phase::AwaitingStripe { .. } => "waiting for a stripe";
    Phase::AwaitingNumber => "waiting for a number";
    Phase::Reading { .. } => "reading";
    Phase::EnteringPin { .. } => "entering a PIN";
    Phase::Choosing(_) => "choosing";
    Phase::AskingHost => "asking the host";
    Phase::Completing { .. } => "completing";
    Phase::TellingCard { .. } => "telling the card";
    Phase::Ending { .. } => "ending";
    Phase::Told { .. } => "told";
    Phase::Over => "over";
}

named! { name_of, every_event, Event;
    Event::Begin => "begun", Event::Begin;
    Event::CardInserted(_) => "card in", Event::CardInserted(PinPad::None), Event::CardInserted(PinPad::Reader),
        Event::CardInserted(PinPad::Screen);
    Event::Swiped(Ok(_), _) => "swiped", swiped("101", PinPad::None), swiped("120", PinPad::Screen),
        swiped("120", PinPad::None), swiped("126", PinPad::Screen), swiped("201", PinPad::None);
    Event::Swiped(Err(_), _) => "swiped badly", Event::Swiped(Err(StripeError::NotRead), PinPad::None);
    Event::NumberTyped(Ok(_), _) => "number typed", typed(PinPad::None), typed(PinPad::Screen);
    Event::NumberTyped(Err(_), _) => "no number typed",
        Event::NumberTyped(Err(CardNumberError::CheckDigit), PinPad::None);
    Event::CardAnswered(_) => "card answers", Event::CardAnswered(CardAnswer::new(vec![0x6F, 0x00]));
    Event::PinEntered(PinEntry::Entered { .. } | PinEntry::Verified(_) | PinEntry::Captured) => "PIN entered",
        Event::PinEntered(PinEntry::Entered { pin: pin(), random: Zeroizing::new(vec![0x5A; 256]) }),
        Event::PinEntered(PinEntry::Verified(CardAnswer::new(vec![0x90, 0x00]))),
        Event::PinEntered(PinEntry::Captured);
    Event::PinEntered(PinEntry::Bypassed) => "PIN passed over", Event::PinEntered(PinEntry::Bypassed);
    Event::PinEntered(PinEntry::PadBroken) => "pad does not work", Event::PinEntered(PinEntry::PadBroken);
    Event::PinLengthWrong => "PIN too short or too long", Event::PinLengthWrong;
    Event::PinTimedOut => "no PIN in time", Event::PinTimedOut;
    Event::PinCancelled => "PIN cancelled", Event::PinCancelled;
    Event::ApplicationChosen(_) => "chosen", Event::ApplicationChosen(0), Event::ApplicationChosen(9);
    Event::ApplicationConfirmed(true) => "agreed", Event::ApplicationConfirmed(true);
    Event::ApplicationConfirmed(false) => "not agreed", Event::ApplicationConfirmed(false);
    Event::ChoiceTimedOut => "no choice in time", Event::ChoiceTimedOut;
    Event::CardTorn => "card torn", Event::CardTorn;
    Event::CardMute => "card mute", Event::CardMute;
    Event::NoCard => "no card", Event::NoCard;
    Event::ReaderFailed(_) => "reader fails", Event::ReaderFailed(String::new());
    Event::Cancelled => "cancelled", Event::Cancelled;
    Event::HostAnswered(HostAnswer { decision: Decision::Approved, .. }) => "approved",
        said(Decision::Approved, &[]), said(Decision::Approved, &script(0x71)), said(Decision::Approved, &script(0x72));
    Event::HostAnswered(HostAnswer { decision: Decision::Partial(_), .. }) => "approved in part",
        said(Decision::Partial(amount("9.40")), &[]);
    Event::HostAnswered(HostAnswer { decision: Decision::Refused | Decision::NotByInstalments, .. }) => "refused",
        said(Decision::NotByInstalments, &[]), said(Decision::Refused, &[]), said(Decision::Refused, &script(0x71)), said(Decision::Refused, &script(0x72));
    Event::HostAnswered(HostAnswer { decision: Decision::Unproven, .. }) => "refused without a MAC",
        said(Decision::Unproven, &[]);
    Event::HostAnswered(HostAnswer { decision: Decision::WrongPin, .. }) => "PIN wrong", said(Decision::WrongPin, &[]);
    Event::HostAnswered(HostAnswer { decision: Decision::Unclear, .. }) => "undecided", said(Decision::Unclear, &[]);
    Event::HostAnswered(HostAnswer { decision: Decision::NumberInUse, .. }) => "number in use",
        said(Decision::NumberInUse, &[]);
    Event::LinkFailed(LinkFailure::NeverSent(_)) => "never sent",
        Event::LinkFailed(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, "")));
    Event::LinkFailed(LinkFailure::Unsendable(_)) => "cannot be sent",
        Event::LinkFailed(LinkFailure::Unsendable(String::new()));
    Event::LinkFailed(LinkFailure::NoAnswer(_)) => "no answer", Event::LinkFailed(LinkFailure::NoAnswer(String::new()));
    Event::LinkFailed(LinkFailure::BadMac(_)) => "bad MAC", Event::LinkFailed(LinkFailure::BadMac(String::new()));
    Event::LinkFailed(LinkFailure::WrongAnswer(_)) => "wrong answer",
        Event::LinkFailed(LinkFailure::WrongAnswer(String::new()));
    Event::Withheld(_) => "kept back", Event::Withheld(Reason::of(ReasonKind::ClockFarOff));
    Event::RecordFailed(_) => "a record fails", Event::RecordFailed(String::new());
}

named! { end_of, every_end, Conclusion;
    Conclusion::Approved => "over: paid";
    Conclusion::Declined(_) => "over: declined";
    Conclusion::Failed(_) => "over: failed";
    Conclusion::ReversalDue(_) => "over: being taken back";
    Conclusion::Repeating(_) => "over: being repeated";
    Conclusion::Unresolved(_) => "over: a person must look";
}

/// The own card's stripe with this service code.
fn swiped(service_code: &str, pin_pad: PinPad) -> Event {
    let track = format!(";{OWN}=3012{service_code}00000123?");
    Event::Swiped(Ok(Swipe::parse(&track, false).unwrap()), pin_pad)
}

fn typed(pin_pad: PinPad) -> Event {
    Event::NumberTyped(Ok(TypedCard::parse(OWN, "1230").unwrap()), pin_pad)
}

fn pin() -> Pin {
    Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap()
}

fn amount(text: &str) -> Amount {
    Amount::parse(text, Currency::CNY).unwrap()
}

fn said(decision: Decision, issuer_data: &[u8]) -> Event {
    Event::HostAnswered(HostAnswer {
        decision,
        response_code: ResponseCode::parse("00").unwrap(),
        rrn: None,
        authorisation_code: None,
        issuer_data: issuer_data.to_vec(),
        balances: Vec::new(),
        plan: None,
    })
}

/// A script of one command, before (71) or after (72) the card's last word.
fn script(template: u8) -> [u8; 8] {
    [template, 0x06, 0x86, 0x04, 0x84, 0x18, 0x00, 0x00]
}

fn recorded(effects: &[Effect]) -> String {
    let names: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Record(record) => Some(match record {
                Record::Pending(_) => "Pending",
                Record::HostApproved { .. } => "HostApproved",
                Record::Approved(_) => "Approved",
                Record::Done => "Done",
                Record::PaidWithoutChip { .. } => "PaidWithoutChip",
                Record::ApprovedByCard(..) => "ApprovedByCard",
                Record::Scripts(_) => "Scripts",
                Record::NotPaid { .. } => "NotPaid",
                Record::Unresolved { .. } => "Unresolved",
                Record::ReversalDue { .. } => "ReversalDue",
                Record::RepeatDue { .. } => "RepeatDue",
            }),
            Effect::Send(_) | Effect::SendAbout(_) => Some("sent"),
            Effect::Show(_)
            | Effect::SoundCardRead
            | Effect::AwaitCard
            | Effect::AwaitStripe(_)
            | Effect::AwaitNumber
            | Effect::Notice(_)
            | Effect::Apdu(_)
            | Effect::AskPin(_)
            | Effect::ChooseApplication(_)
            | Effect::ConfirmApplication(_)
            | Effect::ReleaseCard
            | Effect::Conclude(_)
            | Effect::TryAnotherPin(_) => None,
        })
        .collect();
    names.join(", ")
}

/// A transaction where some history has brought it, and what it wanted last. Each thing that may happen next happens to a copy.
struct Played {
    sale: Sale,
    last: Vec<Effect>,
    /// The command that the card has not answered yet, and all before it: an application is selected twice.
    command: Option<Command>,
    commands: Rc<Vec<Command>>,
    /// First byte of what the issuer sent for the card.
    script: Option<u8>,
}

/// All that a machine knows, as far as it can be told apart.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Inner {
    state: &'static str,
    /// The end that stands already.
    stood: Option<&'static str>,
    question: Option<Question>,
    /// So many PINs the pad has refused.
    refused: Option<u8>,
    pins: PinTries,
    pad: PinPad,
    script: Option<u8>,
    /// How the card came without its chip, and whether it demands a PIN.
    presented: Option<(EntryMode, bool)>,
    trouble: Option<ChipTrouble>,
}

/// What makes a situation another one than those that are known.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    inner: Inner,
    /// The command that the card has not answered yet, and how often it got that.
    asked: Option<Vec<u8>>,
    repeats: usize,
    writes: bool,
    ended: bool,
}

impl Key {
    /// The same without what is only counted, and of a command only what it is: class, instruction and first parameter.
    fn rough(mut self) -> Self {
        self.inner.refused = None;
        self.repeats = 0;
        if let Some(asked) = &mut self.asked {
            asked.truncate(3);
        }
        self
    }
}

fn terminal() -> TerminalData {
    static TERMINAL: OnceLock<TerminalData> = OnceLock::new();
    let terminal = TERMINAL.get_or_init(|| {
        let mut terminal = TerminalData::shipped().unwrap();
        // Those of the cards here.
        terminal.applications.truncate(2);
        terminal
    });
    terminal.clone()
}

/// The way of a sale of which the issuer may approve a part.
const IN_PARTS: &str = "charge in parts";

/// The ways of cards that come in one way alone.
const BY_STRIPE: &str = "stripe alone";
const TYPED: &str = "typed";

/// In which way its card comes.
fn by_of(way: &str) -> CardBy {
    match way {
        BY_STRIPE => CardBy::Stripe,
        TYPED => CardBy::Typed,
        _ => CardBy::Any,
    }
}

/// The ways that a transaction can take, and those that take each.
fn ways() -> Vec<(&'static str, Vec<Transaction>)> {
    use Presence::{CardAway, CardThere};
    let whole = amount("12.34");
    let void = |kind, presence| Transaction::void(&past(kind, OWN), Batch::FIRST, presence).unwrap();
    let held = past(Kind::PreAuthorisation, OWN);
    let completion = |presence| Transaction::completion(&held, whole, 100, presence).unwrap();
    let top_up = Transaction::top_up(&held, whole).unwrap();
    let with_a_card = vec![Transaction::sale(whole), Transaction::pre_authorisation(whole), top_up];
    let undone = |presence| {
        let mut all = [Kind::Sale, Kind::PreAuthorisation, Kind::Completion].map(|kind| void(kind, presence)).to_vec();
        all.push(completion(presence));
        all
    };
    let of_another = |kind| past(kind, "6228480000000009999");
    vec![
        ("charge", with_a_card.clone()),
        (IN_PARTS, vec![Transaction::sale(whole)]),
        (BY_STRIPE, with_a_card.clone()),
        (TYPED, with_a_card),
        ("offline", vec![Transaction::offline_sale(whole)]),
        ("balance", vec![Transaction::balance(Currency::CNY)]),
        ("undo", undone(CardThere)),
        ("undo without card", undone(CardAway)),
        ("refund", vec![Transaction::refund(&past(Kind::Sale, OWN), whole).unwrap()]),
        ("notice", vec![Transaction::completion_notice(&held, whole, 100).unwrap()]),
        // Whatever it is, another card gets nothing.
        (
            "another card",
            vec![
                Transaction::void(&of_another(Kind::Sale), Batch::FIRST, CardThere).unwrap(),
                Transaction::refund(&of_another(Kind::Sale), whole).unwrap(),
                Transaction::completion(&of_another(Kind::PreAuthorisation), whole, 100, CardThere).unwrap(),
                Transaction::top_up(&of_another(Kind::PreAuthorisation), whole).unwrap(),
            ],
        ),
    ]
}

/// The number of the cards here.
const OWN: &str = "6228480000000001230";

fn past(kind: Kind, number: &str) -> Past {
    let original = Original {
        trace: opening(Transaction::balance(Currency::CNY)).trace,
        at: date(2026, 11, 22).at(14, 0, 0, 0),
        amount: amount("12.34"),
        rrn: None,
        authorisation_code: None,
        pan: Pan::of_digits(number).unwrap().into(),
        periods: None,
    };
    Past {
        kind,
        state: State::Approved,
        original,
        given_back: Amount::zero(Currency::CNY),
        used: false,
        told: true,
        topped_up: Amount::zero(Currency::CNY),
        top_up_open: false,
    }
}

fn opening(transaction: Transaction) -> Opening {
    let mut terminal = terminal();
    let mut tables = HostTables::default();
    if transaction.card() == CardUse::Decides {
        tables.terminal.offline = Some(OfflineLimits { most: 1_000_000, count: 9, total: 1_000_000 });
        for application in &mut terminal.applications {
            application.action_codes = ActionCodes::default();
        }
    }
    Opening {
        trace: TraceNumber { batch: Batch::FIRST, stan: Stan::FIRST },
        transaction,
        at: date(2026, 11, 22).at(14, 26, 9, 0),
        unpredictable_number: [1, 2, 3, 4],
        merchant_code: MerchantCode::parse("898440100000001").unwrap(),
        terminal_number: TerminalNumber::parse("10000001").unwrap(),
        serial_number: "TEST000000000001".to_owned(),
        terminal,
        pin_bypass: true,
        in_part: false,
        tables: Arc::new(tables),
        chooser: Chooser::Cardholder,
        by: CardBy::Any,
        entry: EntryRules {
            fallback: Some(Duration::from_secs(30)),
            without_application: true,
            typed: Kind::ALL.to_vec(),
        },
    }
}

impl Played {
    fn new(sale: Sale) -> Self {
        Self { sale, last: Vec::new(), command: None, commands: Rc::default(), script: None }
    }

    /// The same, but for what it wanted last.
    fn copy(&self) -> Self {
        let (command, commands) = (self.command.clone(), self.commands.clone());
        Self { sale: self.sale.clone(), last: Vec::new(), command, commands, script: self.script }
    }

    fn step(&mut self, event: Event) {
        if let Event::HostAnswered(answer) = &event {
            self.script = answer.issuer_data.first().copied();
        }
        self.last = self.sale.step(event);
        if !self.last.is_empty() {
            self.command = self.last.iter().find_map(|effect| match effect {
                Effect::Apdu(command) => Some(command.clone()),
                _ => None,
            });
            if let Some(command) = &self.command {
                Rc::make_mut(&mut self.commands).push(command.clone());
            }
        }
    }

    /// How often the card got the command that it has not answered yet.
    fn repeats(&self) -> usize {
        self.commands.iter().filter(|command| Some(*command) == self.command.as_ref()).count()
    }

    /// The same payment once more, after a PIN that the bank called wrong.
    fn again(&self) -> Self {
        Self::new(self.sale.again(self.sale.trace(), self.sale.at(), [5, 6, 7, 8]))
    }

    fn inner(&self) -> Inner {
        let (mut question, mut refused) = (None, None);
        match &self.sale.phase {
            Phase::EnteringPin { refused: so_many, .. } => refused = Some(*so_many),
            Phase::Choosing(what) => question = Some(*what),
            Phase::TellingCard { .. }
            | Phase::Ending { .. }
            | Phase::Told { .. }
            | Phase::Opened
            | Phase::AwaitingCard
            | Phase::AwaitingStripe { .. }
            | Phase::AwaitingNumber
            | Phase::Reading { .. }
            | Phase::AskingHost
            | Phase::Completing { .. }
            | Phase::Over => {}
        }
        let (state, stood) = (state_of(&self.sale.phase), self.stood());
        let (pins, pad, script) = (self.sale.pins, self.sale.pin_pad, self.script);
        let presented = self.sale.presented.as_ref().map(|card| (card.entry(), self.sale.pin_bypass()));
        let trouble = match &self.sale.phase {
            Phase::AwaitingStripe { trouble } => *trouble,
            _ => None,
        };
        Inner { state, stood, question, refused, pins, pad, script, presented, trouble }
    }

    fn key(&self) -> Key {
        let asked = self.command.as_ref().map(|command| command.bytes().to_vec());
        let (repeats, writes, ended) = (self.repeats(), self.writes(), self.ended());
        Key { inner: self.inner(), asked, repeats, writes, ended }
    }

    fn writes(&self) -> bool {
        self.last.iter().any(|effect| matches!(effect, Effect::Record(_)))
    }

    fn ended(&self) -> bool {
        self.last.iter().any(|effect| matches!(effect, Effect::Conclude(_) | Effect::TryAnotherPin(_)))
    }

    /// Where the machine stands after a step, in the words of the table. An end that stood before is named so.
    fn next(&self, stood: Option<&'static str>) -> String {
        let next = self.last.iter().find_map(|effect| match effect {
            Effect::Conclude(conclusion) => Some(end_of(conclusion)),
            Effect::TryAnotherPin(_) => Some("over: once more"),
            _ => None,
        });
        let next = next.unwrap_or_else(|| state_of(&self.sale.phase));
        if Some(next) == stood { "over: what stood".to_owned() } else { next.to_owned() }
    }

    /// The end that stands already.
    fn stood(&self) -> Option<&'static str> {
        match &self.sale.phase {
            Phase::TellingCard { conclusion } | Phase::Ending { conclusion } | Phase::Told { conclusion } => {
                Some(end_of(conclusion))
            }
            _ => None,
        }
    }
}

/// What holds of every step.
fn check(effects: &[Effect], written_down: bool, what: fmt::Arguments<'_>) {
    let place = |wanted: fn(&Effect) -> bool| effects.iter().position(wanted);
    let sent = place(|effect| matches!(effect, Effect::Send(_) | Effect::SendAbout(_)));
    if let Some(sent) = sent.filter(|_| written_down) {
        let pending = place(|effect| matches!(effect, Effect::Record(Record::Pending(_))));
        assert!(pending.is_some_and(|pending| pending < sent), "sent before it was written down: {what}");
    }
    if let Some(end) = place(|effect| matches!(effect, Effect::Conclude(_) | Effect::TryAnotherPin(_))) {
        assert_eq!(end + 1, effects.len(), "something follows the end: {what}");
    }
    let records = effects.iter().filter(|effect| matches!(effect, Effect::Record(_))).count();
    assert!(written_down || records == 0, "it is not to be written down: {what}");
}

/// Everything that can happen to a transaction with these cards; `reached` gets the states.
fn transitions(
    way: &str,
    transaction: &Transaction,
    cards: &[Card],
    reached: &mut BTreeSet<&'static str>,
) -> BTreeSet<Transition> {
    let written_down = transaction.kind().is_written_down();
    let everything: Vec<_> = every_event().into_iter().flat_map(|(_, examples)| examples).collect();
    let mut made = BTreeSet::new();
    for card in cards {
        let (mut known, mut known_roughly) = (HashSet::new(), HashSet::new());
        let opening = Opening { in_part: way == IN_PARTS, by: by_of(way), ..opening(transaction.clone()) };
        let mut open = VecDeque::from([(false, Played::new(Sale::new(opening)))]);
        while let Some((again, played)) = open.pop_front() {
            let key = played.key();
            if !known.insert((again, key.clone())) {
                continue;
            }
            let Key { inner, writes, ended, .. } = key.clone();
            let Inner { state, stood, .. } = inner;
            reached.insert(state);
            // What the card really answers comes first: a situation that looks the same after nonsense is not explored again.
            let answer = played.command.as_ref().map(|command| Event::CardAnswered(card.answer(command.bytes())));
            let nonsense = Event::CardAnswered(CardAnswer::new(vec![0x6F, 0x00]));
            let mut events = answer.into_iter().chain([nonsense]).collect::<Vec<_>>();
            // A pad counts how often it refused.
            if let Phase::EnteringPin { .. } = played.sale.phase {
                events.push(Event::PinLengthWrong);
            }
            // To one command like the other everything else can happen as well.
            if known_roughly.insert((again, key.rough())) {
                // Only what was to be written can fail to be.
                let others = everything.iter().filter(|event| match event {
                    Event::CardInserted(pad) => card.pads().contains(pad),
                    Event::RecordFailed(_) => writes,
                    _ => true,
                });
                events.extend(others.cloned());
            }
            let mut untouched = None;
            for event in events {
                let name = name_of(&event);
                let mut after = untouched.take().unwrap_or_else(|| played.copy());
                after.step(event);
                check(&after.last, written_down, format_args!("{way}: {state}, {name}"));
                if after.last.is_empty() {
                    assert_eq!(state, state_of(&after.sale.phase), "{name} changes the state and nothing else");
                    if after.inner() == inner {
                        untouched = Some(after);
                    } else {
                        // It is remembered all the same.
                        open.push_back((again, after));
                    }
                    continue;
                }
                assert!(!ended || name == "a record fails", "{name} after the end, in {state}");
                made.insert(Transition {
                    state: state.to_owned(),
                    event: name.to_owned(),
                    next: after.next(stood),
                    recorded: recorded(&after.last),
                    way: way.to_owned(),
                });
                let once_more = after.last.iter().any(|effect| matches!(effect, Effect::TryAnotherPin(_)));
                if once_more && !again {
                    open.push_back((true, after.again()));
                }
                open.push_back((again, after));
            }
        }
    }
    made
}

#[test]
fn the_table_says_what_the_machine_does_and_nothing_else() {
    let (mut made, mut reached, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let ways = ways();
    for (way, transactions) in &ways {
        let mut first = None;
        for transaction in transactions {
            seen.insert(transaction.kind().word());
            let cards = match transaction.card() {
                // What takes the same way hears the same of a card.
                _ if first.is_some() => vec![Card::one()],
                CardUse::Whole | CardUse::Decides => Card::every(),
                CardUse::Read => Card::every_to_read(),
                CardUse::None => vec![Card::one()],
            };
            let of_this = transitions(way, transaction, &cards, &mut reached);
            let first = first.get_or_insert_with(|| of_this.clone());
            assert!(of_this.is_subset(first), "{way} is taken by {:?} too", transaction.kind());
            made.extend(of_this);
        }
    }
    let with_card = Kind::ALL.into_iter().filter(|kind| !kind.is_by_code());
    assert_eq!(seen, with_card.map(Kind::word).collect(), "every kind takes a way");
    assert_eq!(reached, every_state().into_iter().map(|(name, _)| name).collect(), "every state is reached");
    let names: Vec<_> = ways.iter().map(|(way, _)| *way).collect();
    let differences = differences(&documented(include_str!("mod.rs"), &names), &made);
    assert!(differences.is_empty(), "\n{differences}");
}
