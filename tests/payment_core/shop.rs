//! A shop without threads or network: a card, a ledger, and what its host and its cardholder do.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::date;
use yima::crypto::hex;
use yima::emv::action::ActionCodes;
use yima::emv::apdu::CardAnswer;
use yima::emv::ca_keys::CaKeys;
use yima::emv::pin::{PinEntry, PinRequest};
use yima::emv::tag;
use yima::emv::terminal::TerminalData;
use yima::emv::tlv::TlvBuilder;
use yima::ledger::Ledger;
use yima::money::{Amount, Currency};
use yima::payment::advice::AdviceKind;
use yima::payment::chooser::Chooser;
use yima::payment::online::{Decision, HostAnswer, LinkFailure, SaleRequest};
use yima::payment::pin_pad::PinPad;
use yima::payment::record::{Record, State};
use yima::payment::sale::{Conclusion, Effect, Event, Opening, Sale};
use yima::payment::transaction::Transaction;
use yima::pin::Pin;
use yima::reference::{AuthorisationCode, MerchantCode, ResponseCode, Rrn, TerminalNumber, TraceNumber};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::issuer::Cryptogram;
use yima::wording::{Reason, ReasonKind};
use zeroize::Zeroizing;

/// What the host says to a request.
pub type Host = fn(&CardProfile, &SaleRequest) -> Result<HostAnswer, LinkFailure>;

/// What goes wrong in a run.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The card leaves before it answers this command, counted from 1.
    pub tear: Option<usize>,
    /// This record cannot be written, counted from 1.
    pub record: Option<usize>,
    /// The request is kept back, and this is said of it.
    pub withheld: Option<ReasonKind>,
}

/// What a run did, in order.
#[derive(Debug)]
pub struct Run {
    /// `record:…`, `send`, `apdu`, `conclude`, in order.
    pub trail: Vec<String>,
    pub conclusion: Conclusion,
    pub state: Option<State>,
    /// What the ledger holds of scripts, and what waits to be told to the host.
    pub script_results: Option<String>,
    pub advices: Vec<AdviceKind>,
    pub commands: usize,
    /// First parameter of every GENERATE AC: what the card was asked for (EMV 4.4 Book 3, 6.5.5.2).
    pub asked_for: Vec<u8>,
    pub sent: bool,
}

pub struct Shop {
    pub directory: tempfile::TempDir,
    pub profile: CardProfile,
    pub card: SandboxCard,
    pub ledger: Ledger,
    pub terminal: TerminalData,
    pub pad: PinPad,
    pub bypass: bool,
    /// What the cardholder does each time a PIN is asked for.
    pub cardholder: VecDeque<Cardholder>,
    /// What was asked.
    pub asked: Vec<PinRequest>,
}

/// What a cardholder does who is asked for a PIN.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one of them at a time")]
pub enum Cardholder {
    /// Types on the screen.
    Types(&'static str),
    /// Types at the reader's pad, which sends VERIFY.
    TypesAtReader(&'static str),
    /// Something else happens.
    Does(Event),
}

impl Shop {
    pub fn new() -> Self {
        Self::with(CardProfile::shipped("unionpay-debit").unwrap())
    }

    pub fn with(profile: CardProfile) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let card = SandboxCard::open(&profile, &directory.path().join("card")).unwrap();
        let ledger = open_ledger(directory.path());
        let (terminal, pad, bypass) = (TerminalData::shipped().unwrap(), PinPad::None, false);
        let (cardholder, asked) = (VecDeque::new(), Vec::new());
        Self { directory, profile, card, ledger, terminal, pad, bypass, cardholder, asked }
    }

    /// A terminal that no shop has (`TerminalData::for_sales`): it could approve by itself. The issuer wants to be asked
    /// above the floor limit, and when it cannot be reached, terminal and card are content without it.
    pub fn that_could_approve_alone(floor_limit: u32) -> Self {
        let mut profile = CardProfile::shipped("offline").unwrap();
        profile.applications[0].iac = ["0000000000".to_owned(), "0000000000".to_owned(), "0000008000".to_owned()];
        let mut shop = Self::with(profile);
        shop.terminal.terminal_type = 0x22;
        for application in &mut shop.terminal.applications {
            application.action_codes = ActionCodes::default();
            application.floor_limit = floor_limit;
        }
        shop
    }

    /// A shop with a pad, a card that wants a PIN and can be authenticated here, and what its holder does.
    pub fn with_pin(pad: PinPad, profile: &str, cardholder: &[Cardholder]) -> Self {
        let shop = Self::with(CardProfile::shipped(profile).unwrap());
        let keys = std::fs::read_to_string(shop.directory.path().join("card/capk.toml")).unwrap();
        let terminal = shop.terminal.clone().with_ca_keys(CaKeys::parse(&keys).unwrap());
        Self { terminal, pad, cardholder: cardholder.iter().cloned().collect(), ..shop }
    }

    pub fn opening(&self, trace: TraceNumber) -> Opening {
        Opening { terminal: self.terminal.clone(), pin_bypass: self.bypass, ..opening(trace) }
    }

    /// A sale up to the wish for a PIN.
    pub fn until_pin(&mut self) -> (Sale, PinRequest) {
        let trace = self.ledger.take_trace_number().unwrap();
        let mut sale = Sale::new(self.opening(trace));
        sale.step(Event::Begin);
        self.card.power_on();
        let mut effects = sale.step(Event::CardInserted(self.pad));
        loop {
            match effects.pop() {
                Some(Effect::Apdu(command)) => {
                    let answer = exchange(&mut self.card, command.bytes());
                    effects = sale.step(Event::CardAnswered(answer));
                }
                Some(Effect::AskPin(request)) => return (sale, request),
                other => panic!("{other:?} before a PIN was asked for"),
            }
        }
    }

    /// What the shell hears of the cardholder.
    pub fn ask(&mut self, request: PinRequest) -> Event {
        self.asked.push(request);
        match self.cardholder.pop_front().unwrap() {
            Cardholder::Does(event) => event,
            Cardholder::Types(digits) => {
                let pin = Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap();
                Event::PinEntered(PinEntry::Entered { pin, random: Zeroizing::new(vec![0x5A; 256]) })
            }
            Cardholder::TypesAtReader(digits) => {
                let filled = format!("{digits:F<14}");
                let command = format!("00200080082{}{filled}", digits.len());
                let answer = exchange(&mut self.card, &hex::decode(&command).unwrap());
                Event::PinEntered(PinEntry::Verified(answer))
            }
        }
    }

    pub fn sale(
        &mut self,
        faults: &Faults,
        host: impl Fn(&CardProfile, &SaleRequest) -> Result<HostAnswer, LinkFailure>,
    ) -> Run {
        let trace = self.ledger.take_trace_number().unwrap();
        let mut sale = Sale::new(self.opening(trace));
        let mut run = Run {
            trail: Vec::new(),
            conclusion: Conclusion::Approved,
            state: None,
            script_results: None,
            advices: Vec::new(),
            commands: 0,
            asked_for: Vec::new(),
            sent: false,
        };
        let mut records = 0;
        let mut concluded = false;
        let mut events = vec![Event::Begin];
        while let Some(event) = events.pop() {
            for effect in sale.step(event) {
                match effect {
                    Effect::Show(_) | Effect::SoundCardRead | Effect::ReleaseCard => {}
                    Effect::AwaitStripe(_) | Effect::AwaitNumber | Effect::Notice(_) => {
                        panic!("no card is swiped or typed here")
                    }
                    Effect::AwaitCard => {
                        self.card.power_on();
                        events.push(Event::CardInserted(self.pad));
                    }
                    Effect::AskPin(request) => events.push(self.ask(request)),
                    Effect::ChooseApplication(_) | Effect::ConfirmApplication(_) => panic!("nobody is there to choose"),
                    Effect::Apdu(command) => {
                        run.commands += 1;
                        run.trail.push("apdu".to_owned());
                        if let [0x80, 0xAE, asked_for, ..] = command.bytes() {
                            run.asked_for.push(*asked_for);
                        }
                        events.push(if faults.tear == Some(run.commands) {
                            Event::CardTorn
                        } else {
                            Event::CardAnswered(exchange(&mut self.card, command.bytes()))
                        });
                    }
                    Effect::Record(record) => {
                        records += 1;
                        if faults.record == Some(records) {
                            // As the engine does: the effects behind are not carried out, the core is told.
                            events.push(Event::RecordFailed("no space left on device".to_owned()));
                            break;
                        }
                        self.ledger.record(trace, &record).unwrap();
                        run.trail.push(format!("record:{}", name(&record)));
                    }
                    Effect::Send(_) if faults.withheld.is_some() => {
                        events.extend(faults.withheld.map(|kind| Event::Withheld(Reason::of(kind))));
                    }
                    Effect::Send(request) => {
                        run.sent = true;
                        run.trail.push("send".to_owned());
                        events.push(match host(&self.profile, &request) {
                            Ok(answer) => Event::HostAnswered(answer),
                            Err(failure) => Event::LinkFailed(failure),
                        });
                    }
                    Effect::SendAbout(_) => panic!("a sale is about nothing else"),
                    Effect::TryAnotherPin(_) => panic!("no PIN goes to the bank here"),
                    Effect::Conclude(conclusion) => {
                        assert!(!concluded, "a sale ends once");
                        concluded = true;
                        run.conclusion = conclusion;
                    }
                }
            }
        }
        assert!(concluded, "a sale ends: {:?}", run.trail);
        let row = self.ledger.find(trace).unwrap();
        run.state = row.as_ref().map(|row| row.state);
        run.script_results = row.and_then(|row| row.script_results);
        run.advices = self.ledger.undelivered_advices().unwrap().into_iter().map(|row| row.advice.kind).collect();
        run
    }
}

pub fn open_ledger(directory: &Path) -> Ledger {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    Ledger::open(&directory.join("ledger.sqlite"), merchant, TerminalNumber::parse("10000001").unwrap()).unwrap()
}

pub fn opening(trace: TraceNumber) -> Opening {
    Opening {
        trace,
        transaction: Transaction::sale(Amount::parse("12.34", Currency::CNY).unwrap()),
        at: date(2026, 11, 22).at(14, 26, 9, 0),
        unpredictable_number: [1, 2, 3, 4],
        merchant_code: MerchantCode::parse("898440100000001").unwrap(),
        terminal_number: TerminalNumber::parse("10000001").unwrap(),
        serial_number: "TEST000000000001".to_owned(),
        terminal: TerminalData::shipped().unwrap(),
        pin_bypass: false,
        in_part: false,
        by: Default::default(),
        entry: Default::default(),
        tables: Arc::default(),
        chooser: Chooser::Nobody,
    }
}

/// The reader's part of T=0, which is not what is tested here.
pub fn exchange(card: &mut SandboxCard, command: &[u8]) -> CardAnswer {
    let protocol = card.protocol();
    let answer = yima::devices::reader::transport::exchange(protocol, command, |bytes| Ok(card.transmit(bytes)));
    CardAnswer::new(answer.unwrap())
}

pub fn name(record: &Record) -> &'static str {
    match record {
        Record::Pending(_) => "pending",
        Record::HostApproved { .. } => "host_approved",
        Record::Approved(_) | Record::Done | Record::PaidWithoutChip { .. } | Record::ApprovedByCard(..) => "approved",
        Record::Scripts(_) => "scripts",
        Record::NotPaid { .. } => "not_paid",
        Record::ReversalDue { .. } => "reversal_due",
        Record::RepeatDue { .. } => "repeat_due",
        Record::Unresolved { .. } => "unresolved",
    }
}

pub fn answer(decision: Decision, code: &str) -> HostAnswer {
    HostAnswer {
        decision,
        response_code: ResponseCode::parse(code).unwrap(),
        rrn: Rrn::parse("000000000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        issuer_data: Vec::new(),
        balances: Vec::new(),
        plan: None,
    }
}

/// An approval with the issuer's cryptogram, as the issuer of this card computes it.
pub fn approve(profile: &CardProfile, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
    let issuer = profile.applications[0].issuer().unwrap();
    let verified = issuer.verify(Cryptogram::Arqc, &request.chip_data).unwrap();
    let data = verified.issuer_authentication_data(*b"00").unwrap();
    let issuer_data = TlvBuilder::new().with(tag::ISSUER_AUTHENTICATION_DATA, &data).build();
    Ok(HostAnswer { issuer_data, ..answer(Decision::Approved, "00") })
}

pub fn kind_of(conclusion: &Conclusion) -> Option<ReasonKind> {
    match conclusion {
        Conclusion::Approved => None,
        Conclusion::Declined(reason)
        | Conclusion::Failed(reason)
        | Conclusion::ReversalDue(reason)
        | Conclusion::Repeating(reason)
        | Conclusion::Unresolved(reason) => Some(reason.kind),
    }
}
