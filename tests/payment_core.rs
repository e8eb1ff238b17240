//! The payment core against the sandbox card and the real ledger, without threads or network: every place where something
//! can go wrong, one at a time.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::date;
use yima::crypto::hex;
use yima::emv::action::ActionCodes;
use yima::emv::apdu::CardAnswer;
use yima::emv::ca_keys::CaKeys;
use yima::emv::pin::{PinEntry, PinKind, PinRequest};
use yima::emv::tag;
use yima::emv::terminal::TerminalData;
use yima::emv::tlv::{self, TlvBuilder};
use yima::ledger::Ledger;
use yima::link_fault::LinkFault;
use yima::money::{Amount, Currency};
use yima::payment::advice::AdviceKind;
use yima::payment::chooser::Chooser;
use yima::payment::online::{Decision, HostAnswer, LinkFailure, SaleRequest, Unreached};
use yima::payment::pin_pad::PinPad;
use yima::payment::record::{Record, State};
use yima::payment::sale::{Conclusion, Effect, Event, Opening, Sale};
use yima::pin::Pin;
use yima::reference::{AuthorisationCode, MerchantCode, ResponseCode, Rrn, TerminalNumber, TraceNumber};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::issuer::Cryptogram;
use yima::wording::ReasonKind;
use zeroize::Zeroizing;

/// What the host says to a request.
type Host = fn(&CardProfile, &SaleRequest) -> Result<HostAnswer, LinkFailure>;

/// What goes wrong in a run.
#[derive(Clone, Debug, Default)]
struct Faults {
    /// The card leaves before it answers this command, counted from 1.
    tear: Option<usize>,
    /// This record cannot be written, counted from 1.
    record: Option<usize>,
}

/// What a run did, in order.
#[derive(Debug)]
struct Run {
    /// `record:…`, `send`, `apdu`, `conclude`, in order.
    trail: Vec<String>,
    conclusion: Conclusion,
    state: Option<State>,
    /// What the ledger holds of scripts, and what waits to be told to the host.
    script_results: Option<String>,
    advices: Vec<AdviceKind>,
    commands: usize,
    /// First parameter of every GENERATE AC: what the card was asked for (EMV 4.4 Book 3, 6.5.5.2).
    asked_for: Vec<u8>,
    sent: bool,
}

struct Shop {
    directory: tempfile::TempDir,
    profile: CardProfile,
    card: SandboxCard,
    ledger: Ledger,
    terminal: TerminalData,
    pad: PinPad,
    bypass: bool,
    /// What the cardholder does each time a PIN is asked for.
    cardholder: VecDeque<Cardholder>,
    /// What was asked.
    asked: Vec<PinRequest>,
}

/// What a cardholder does who is asked for a PIN.
#[derive(Clone, Debug)]
enum Cardholder {
    /// Types on the screen.
    Types(&'static str),
    /// Types at the reader's pad, which sends VERIFY.
    TypesAtReader(&'static str),
    /// Something else happens.
    Does(Event),
}

impl Shop {
    fn new() -> Self {
        Self::with(CardProfile::shipped("unionpay-debit").unwrap())
    }

    fn with(profile: CardProfile) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let card = SandboxCard::open(&profile, &directory.path().join("card")).unwrap();
        let ledger = open_ledger(directory.path());
        let (terminal, pad, bypass) = (TerminalData::shipped().unwrap(), PinPad::None, false);
        let (cardholder, asked) = (VecDeque::new(), Vec::new());
        Self { directory, profile, card, ledger, terminal, pad, bypass, cardholder, asked }
    }

    /// A terminal that no shop has (`TerminalData::for_sales`): it could approve by itself. The issuer wants to be asked
    /// above the floor limit, and when it cannot be reached, terminal and card are content without it.
    fn that_could_approve_alone(floor_limit: u32) -> Self {
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
    fn with_pin(pad: PinPad, profile: &str, cardholder: &[Cardholder]) -> Self {
        let shop = Self::with(CardProfile::shipped(profile).unwrap());
        let keys = std::fs::read_to_string(shop.directory.path().join("card/capk.toml")).unwrap();
        let terminal = shop.terminal.clone().with_ca_keys(CaKeys::parse(&keys).unwrap());
        Self { terminal, pad, cardholder: cardholder.iter().cloned().collect(), ..shop }
    }

    fn opening(&self, trace: TraceNumber) -> Opening {
        Opening { terminal: self.terminal.clone(), pin_bypass: self.bypass, ..opening(trace) }
    }

    /// A sale up to the wish for a PIN.
    fn until_pin(&mut self) -> (Sale, PinRequest) {
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
    fn ask(&mut self, request: PinRequest) -> Event {
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

    fn sale(
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
                    Effect::Send(request) => {
                        run.sent = true;
                        run.trail.push("send".to_owned());
                        events.push(match host(&self.profile, &request) {
                            Ok(answer) => Event::HostAnswered(answer),
                            Err(failure) => Event::LinkFailed(failure),
                        });
                    }
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

fn open_ledger(directory: &Path) -> Ledger {
    let merchant = MerchantCode::parse("898440100000001").unwrap();
    Ledger::open(&directory.join("ledger.sqlite"), merchant, TerminalNumber::parse("10000001").unwrap()).unwrap()
}

fn opening(trace: TraceNumber) -> Opening {
    Opening {
        trace,
        amount: Amount::parse("12.34", Currency::CNY).unwrap(),
        at: date(2026, 11, 22).at(14, 26, 9, 0),
        unpredictable_number: [1, 2, 3, 4],
        merchant_code: MerchantCode::parse("898440100000001").unwrap(),
        terminal_number: TerminalNumber::parse("10000001").unwrap(),
        serial_number: "TEST000000000001".to_owned(),
        terminal: TerminalData::shipped().unwrap(),
        pin_bypass: false,
        tables: Arc::default(),
        chooser: Chooser::Nobody,
    }
}

/// The reader's part of T=0, which is not what is tested here.
fn exchange(card: &mut SandboxCard, command: &[u8]) -> CardAnswer {
    let protocol = card.protocol();
    let answer = yima::devices::reader::transport::exchange(protocol, command, |bytes| Ok(card.transmit(bytes)));
    CardAnswer::new(answer.unwrap())
}

fn name(record: &Record) -> &'static str {
    match record {
        Record::Pending(_) => "pending",
        Record::HostApproved { .. } => "host_approved",
        Record::Approved(_) => "approved",
        Record::Scripts(_) => "scripts",
        Record::NotPaid { .. } => "not_paid",
        Record::ReversalDue { .. } => "reversal_due",
        Record::Unresolved { .. } => "unresolved",
    }
}

fn answer(decision: Decision, code: &str) -> HostAnswer {
    HostAnswer {
        decision,
        response_code: ResponseCode::parse(code).unwrap(),
        rrn: Rrn::parse("000000000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        issuer_data: Vec::new(),
    }
}

/// An approval with the issuer's cryptogram, as the issuer of this card computes it.
fn approve(profile: &CardProfile, request: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
    let issuer = profile.applications[0].issuer().unwrap();
    let verified = issuer.verify(Cryptogram::Arqc, &request.chip_data).unwrap();
    let data = verified.issuer_authentication_data(*b"00").unwrap();
    let issuer_data = TlvBuilder::new().with(tag::ISSUER_AUTHENTICATION_DATA, &data).build();
    Ok(HostAnswer { issuer_data, ..answer(Decision::Approved, "00") })
}

#[test]
fn a_sale_is_written_down_before_each_step_that_counts() {
    let run = Shop::new().sale(&Faults::default(), approve);
    assert_eq!(run.conclusion, Conclusion::Approved);
    assert_eq!(run.state, Some(State::Approved));
    let steps: Vec<_> = run.trail.iter().filter(|step| *step != "apdu").map(String::as_str).collect();
    assert_eq!(steps, ["record:pending", "send", "record:host_approved", "record:approved"]);
}

#[test]
fn every_answer_and_every_silence_ends_where_it_must() {
    let cases: [(&str, Host, State, Option<ReasonKind>); 9] = [
        ("declined", |_, _| Ok(refusal()), State::Declined, Some(ReasonKind::HostDeclined)),
        ("issuer silent", |_, _| Ok(answer(Decision::Unclear, "68")), State::ReversalDue, Some(ReasonKind::HostSilent)),
        (
            "used before",
            |_, _| Ok(answer(Decision::NumberInUse, "94")),
            State::Unresolved,
            Some(ReasonKind::TraceNumberInUse),
        ),
        (
            "cannot be written",
            |_, _| Err(LinkFailure::Unsendable(String::new())),
            State::Declined,
            Some(ReasonKind::CannotAsk),
        ),
        ("partial", partial, State::ReversalDue, Some(ReasonKind::PartialApproval)),
        (
            "never sent",
            |_, _| Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, ""))),
            State::Declined,
            Some(ReasonKind::HostUnreachable),
        ),
        ("silent", |_, _| Err(LinkFailure::NoAnswer(String::new())), State::ReversalDue, Some(ReasonKind::HostSilent)),
        (
            "bad MAC",
            |_, _| Err(LinkFailure::BadMac(String::new())),
            State::ReversalDue,
            Some(ReasonKind::HostAnswerRefused),
        ),
        (
            "no issuer cryptogram",
            |_, _| Ok(answer(Decision::Approved, "00")),
            State::ReversalDue,
            Some(ReasonKind::CardDeclinedAfterApproval),
        ),
    ];
    for (what, host, state, kind) in cases {
        let run = Shop::new().sale(&Faults::default(), host);
        assert_eq!(run.state, Some(state), "{what}");
        assert_eq!(kind_of(&run.conclusion), kind, "{what}");
    }
}

fn partial(_: &CardProfile, _: &SaleRequest) -> Result<HostAnswer, LinkFailure> {
    Ok(answer(Decision::Partial(Amount::parse("9.40", Currency::CNY).unwrap()), "10"))
}

fn refusal() -> HostAnswer {
    answer(Decision::Refused, "51")
}

fn kind_of(conclusion: &Conclusion) -> Option<ReasonKind> {
    match conclusion {
        Conclusion::Approved => None,
        Conclusion::Declined(reason)
        | Conclusion::Failed(reason)
        | Conclusion::ReversalDue(reason)
        | Conclusion::Unresolved(reason) => Some(reason.kind),
    }
}

#[test]
fn a_card_torn_at_any_command_is_never_paid_and_taken_back_when_due() {
    let whole = Shop::new().sale(&Faults::default(), approve).commands;
    assert!(whole >= 6, "{whole} commands");
    for tear in 1..=whole {
        let run = Shop::new().sale(&Faults { tear: Some(tear), ..Faults::default() }, approve);
        match (&run.conclusion, run.sent) {
            (Conclusion::Failed(reason), false) => {
                assert_eq!((reason.kind, run.state), (ReasonKind::CardTorn, None), "command {tear}");
            }
            (Conclusion::ReversalDue(reason), true) => {
                assert_eq!(reason.kind, ReasonKind::CardTornAfterRequest, "command {tear}");
                assert_eq!(run.state, Some(State::ReversalDue), "command {tear}");
            }
            other => panic!("torn at command {tear}: {other:?}"),
        }
    }
}

/// Why the host's word is not to be had.
const UNREACHABLE: [Host; 4] = [
    |_, _| Err(LinkFailure::NeverSent(Unreached::new(LinkFault::NoRoute, ""))),
    |_, _| Err(LinkFailure::NoAnswer(String::new())),
    |_, _| Err(LinkFailure::BadMac(String::new())),
    |_, _| Ok(answer(Decision::NumberInUse, "94")),
];

const ARQC: u8 = 0x80;
const TC: u8 = 0x40;
const AAC: u8 = 0x00;

#[test]
fn without_the_hosts_word_the_card_is_asked_to_decline() {
    for host in UNREACHABLE {
        let run = Shop::new().sale(&Faults::default(), host);
        // The shipped card would sign a TC; an AAC is never signed.
        assert_eq!(run.asked_for.iter().map(|asked| asked & 0xC0).collect::<Vec<_>>(), [ARQC, AAC]);
    }
}

#[test]
fn a_card_that_approves_without_the_host_has_not_paid() {
    for host in UNREACHABLE {
        let run = Shop::that_could_approve_alone(0).sale(&Faults::default(), host);
        assert_eq!(run.asked_for, [ARQC, TC], "the kernel takes the issuer's place (8A = Y3)");
        let approved = run.trail.iter().any(|step| step.contains("approved"));
        assert!(!approved && run.conclusion != Conclusion::Approved, "{:?} {:?}", run.trail, run.conclusion);
        let expected = Shop::new().sale(&Faults::default(), host);
        assert_eq!((run.conclusion, run.state), (expected.conclusion, expected.state), "as if the card had declined");
    }
}

#[test]
fn a_card_that_approves_alone_is_neither_paid_nor_declined() {
    let run = Shop::that_could_approve_alone(1_000_000).sale(&Faults::default(), approve);
    assert_eq!((run.asked_for, run.sent, run.state), (vec![TC], false, None));
    assert!(matches!(run.conclusion, Conclusion::Failed(_)), "{:?}", run.conclusion);
}

#[test]
fn a_card_torn_while_it_is_told_of_a_refusal_changes_nothing() {
    let commands = Shop::new().sale(&Faults::default(), |_, _| Ok(refusal())).commands;
    let run = Shop::new().sale(&Faults { tear: Some(commands), ..Faults::default() }, |_, _| Ok(refusal()));
    assert_eq!((kind_of(&run.conclusion), run.state), (Some(ReasonKind::HostDeclined), Some(State::Declined)));
}

#[test]
fn a_record_that_cannot_be_written_never_ends_as_paid() {
    for (record, sent, state) in
        [(1, false, None), (2, true, Some(State::Pending)), (3, true, Some(State::HostApproved))]
    {
        let run = Shop::new().sale(&Faults { record: Some(record), ..Faults::default() }, approve);
        assert_eq!(run.sent, sent, "record {record}");
        assert_eq!(run.state, state, "record {record}: the row stays and is taken back");
        let kind = if sent { ReasonKind::LedgerFailedAfterRequest } else { ReasonKind::LedgerFailed };
        assert_eq!(kind_of(&run.conclusion), Some(kind), "record {record}");
        assert_ne!(run.conclusion, Conclusion::Approved);
    }
}

#[test]
fn a_record_that_fails_while_the_payment_is_taken_back_still_ends_the_sale() {
    let whole = Shop::new().sale(&Faults::default(), approve).commands;
    for tear in 1..=whole {
        for record in 1..=3 {
            let faults = Faults { tear: Some(tear), record: Some(record) };
            let run = Shop::new().sale(&faults, approve);
            assert_ne!(run.conclusion, Conclusion::Approved, "{faults:?}");
            let taken_back = matches!(run.conclusion, Conclusion::ReversalDue(_));
            assert_eq!(taken_back, run.sent, "what was sent is taken back, what was not is not: {faults:?}");
            if run.sent {
                let safe = [Some(State::Pending), Some(State::HostApproved), Some(State::ReversalDue)];
                assert!(safe.contains(&run.state), "{faults:?}: {:?}", run.state);
            }
        }
    }
}

#[test]
fn a_card_that_declines_after_the_approval_still_gets_the_issuers_scripts() {
    let declining = || {
        let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
        profile.applications[0].declines_after_approval = true;
        Shop::with(profile)
    };
    let with_script = |profile: &CardProfile, request: &SaleRequest| {
        let mut answer = approve(profile, request)?;
        answer.issuer_data.extend([0x72, 0x06, 0x86, 0x04, 0x84, 0x18, 0x00, 0x00]);
        Ok(answer)
    };
    let without = declining().sale(&Faults::default(), approve);
    let with = declining().sale(&Faults::default(), with_script);
    assert_eq!(with.commands, without.commands + 1);
    assert_eq!((with.state, kind_of(&with.conclusion)), (without.state, kind_of(&without.conclusion)));
    assert_eq!(with.state, Some(State::ReversalDue));
    // Torn while the script runs, it is taken back all the same.
    let torn = declining().sale(&Faults { tear: Some(with.commands), ..Faults::default() }, with_script);
    assert_eq!(torn.state, Some(State::ReversalDue));
    for (run, result) in [(with, "2000000000"), (torn, "1100000000")] {
        assert_eq!(run.script_results.as_deref(), Some(result), "the issuer hears what came of them");
        assert_eq!(run.advices, [AdviceKind::ScriptResult]);
    }
}

#[test]
fn a_card_that_declines_after_the_approval_has_the_last_word() {
    let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
    profile.applications[0].declines_after_approval = true;
    let run = Shop::with(profile).sale(&Faults::default(), approve);
    assert_eq!(run.state, Some(State::ReversalDue));
    assert_eq!(kind_of(&run.conclusion), Some(ReasonKind::CardDeclinedAfterApproval));
}

#[test]
fn a_card_torn_while_scripts_run_has_paid() {
    // The card's last word is its TC; what the issuer still wants of it comes behind.
    let with_script = |profile: &CardProfile, request: &SaleRequest| {
        let mut answer = approve(profile, request)?;
        answer.issuer_data.extend([0x72, 0x06, 0x86, 0x04, 0x84, 0x18, 0x00, 0x00]);
        Ok(answer)
    };
    let without = Shop::new().sale(&Faults::default(), approve).commands;
    let whole = Shop::new().sale(&Faults::default(), with_script);
    assert_eq!((whole.commands, whole.state), (without + 1, Some(State::Approved)));
    let torn = Shop::new().sale(&Faults { tear: Some(whole.commands), ..Faults::default() }, with_script);
    assert_eq!((torn.conclusion, torn.state), (Conclusion::Approved, Some(State::Approved)));
    // And a TC that cannot be written down is still no payment.
    let unwritten = Shop::new().sale(&Faults { record: Some(3), ..Faults::default() }, with_script);
    assert_eq!(kind_of(&unwritten.conclusion), Some(ReasonKind::LedgerFailedAfterRequest));
}

/// 71 and 72 of these: one command that the card takes (unblock application), one that no card knows.
const TAKEN: [u8; 6] = [0x86, 0x04, 0x84, 0x18, 0x00, 0x00];
const UNKNOWN: [u8; 6] = [0x86, 0x04, 0x84, 0xEE, 0x00, 0x00];

#[test]
fn what_the_card_made_of_scripts_is_written_down_with_the_results_that_stand_after_them() {
    // Template, command, 9F5B, bit of TVR byte 5, records of the sale.
    for (template, command, results, bit, records) in [
        (0x71, TAKEN, "2000000000", 0x00, "host_approved approved"),
        (0x71, UNKNOWN, "1100000000", 0x20, "host_approved approved"),
        (0x72, TAKEN, "2000000000", 0x00, "host_approved approved scripts"),
        (0x72, UNKNOWN, "1100000000", 0x10, "host_approved approved scripts"),
    ] {
        let mut shop = Shop::new();
        let run = shop.sale(&Faults::default(), |profile, request| {
            let mut answer = approve(profile, request)?;
            answer.issuer_data.extend([template, command.len() as u8]);
            answer.issuer_data.extend(command);
            Ok(answer)
        });
        let what = format!("{template:02X} {results}");
        assert_eq!((run.conclusion, run.state), (Conclusion::Approved, Some(State::Approved)), "{what}");
        assert_eq!(run.script_results.as_deref(), Some(results), "{what}");
        assert_eq!(run.advices, [AdviceKind::CardResult, AdviceKind::ScriptResult], "{what}");
        let steps: Vec<_> = run.trail.iter().filter_map(|step| step.strip_prefix("record:")).skip(1).collect();
        assert_eq!(steps.join(" "), records, "{what}");
        let row = shop.ledger.page(0, 1).unwrap().remove(0);
        assert_eq!(row.tsi.as_deref(), Some("EC00"), "{what}: script processing was performed");
        let tvr = yima::crypto::hex::decode(&row.tvr.unwrap()).unwrap();
        assert_eq!(tvr[4] & 0x30, bit, "{what}");
    }
}

#[test]
fn script_results_that_cannot_be_written_down_change_no_payment() {
    let with_script = |profile: &CardProfile, request: &SaleRequest| {
        let mut answer = approve(profile, request)?;
        answer.issuer_data.extend([0x72, 0x06]);
        answer.issuer_data.extend(TAKEN);
        Ok(answer)
    };
    // Pending, host approved, approved, scripts.
    let run = Shop::new().sale(&Faults { record: Some(4), ..Faults::default() }, with_script);
    assert_eq!((run.conclusion, run.state), (Conclusion::Approved, Some(State::Approved)));
    assert_eq!(run.advices, [AdviceKind::CardResult]);
}

#[test]
fn an_expired_card_goes_to_the_host_with_the_bit_set() {
    let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
    profile.applications[0].expiry = "2001".to_owned();
    let run = Shop::with(profile).sale(&Faults::default(), |_, request| {
        let tvr = tlv::find(&request.chip_data, tag::TVR).unwrap().unwrap();
        assert_eq!(tvr[1] & 0x40, 0x40, "expired application");
        Ok(answer(Decision::Refused, "54"))
    });
    assert_eq!(run.state, Some(State::Declined));
}

#[test]
fn a_card_of_another_scheme_is_refused_before_anything_is_written() {
    let mut profile = CardProfile::shipped("unionpay-debit").unwrap();
    profile.applications[0].aid = "A0000000999999".to_owned();
    let run = Shop::with(profile).sale(&Faults::default(), approve);
    assert_eq!((kind_of(&run.conclusion), run.state), (Some(ReasonKind::CardNotSupported), None));
}

/// 9F33, 9F34 and TVR of the request to the host.
fn verification(request: &SaleRequest) -> [String; 3] {
    [tag::TERMINAL_CAPABILITIES, tag::CVM_RESULTS, tag::TVR]
        .map(|tag| hex::encode(tlv::find(&request.chip_data, tag).unwrap().unwrap()))
}

#[test]
fn a_pin_is_entered_where_the_terminal_has_a_pad_and_the_host_is_told_how_that_went() {
    use Cardholder::{Does, Types, TypesAtReader};
    use PinKind::{Enciphered, Plaintext};
    const BROKEN: Cardholder = Does(Event::PinEntered(PinEntry::PadBroken));
    /// Card, pad, what its holder does, which PINs were asked for, and what the host is told.
    type Case = (&'static str, PinPad, &'static [Cardholder], &'static [PinKind], [&'static str; 3]);
    let cases: [Case; 13] = [
        ("cvm-plaintext-pin", PinPad::Screen, &[Types("1234")], &[Plaintext], ["20F8C8", "010302", "0000008000"]),
        ("cvm-enciphered-pin", PinPad::Screen, &[Types("1234")], &[Enciphered], ["20F8C8", "040302", "0000008000"]),
        ("cvm-enciphered-pin-key", PinPad::Screen, &[Types("1234")], &[Enciphered], ["20F8C8", "040302", "0200008000"]),
        ("cvm-combined", PinPad::Screen, &[Types("1234")], &[Enciphered], ["20F8C8", "050300", "0000008000"]),
        (
            "cvm-plaintext-pin",
            PinPad::Reader,
            &[TypesAtReader("1234")],
            &[Plaintext],
            ["20A8C8", "010302", "0000008000"],
        ),
        // A reader's pad sends in the clear only, so the rule for it comes next; and without a pad neither counts.
        ("cvm-combined", PinPad::Reader, &[TypesAtReader("1234")], &[Plaintext], ["20A8C8", "030300", "0000008000"]),
        ("cvm-plaintext-pin", PinPad::None, &[], &[], ["2028C8", "1E0300", "0000008000"]),
        ("cvm-enciphered-pin", PinPad::Reader, &[], &[], ["20A8C8", "1E0300", "0000008000"]),
        // Wrong, then right; wrong until the tries are used up.
        (
            "cvm-plaintext-pin",
            PinPad::Screen,
            &[Types("9999"), Types("1234")],
            &[Plaintext, Plaintext],
            ["20F8C8", "010302", "0000008000"],
        ),
        (
            "cvm-enciphered-pin",
            PinPad::Screen,
            &[Types("999999"), Types("0000"), Types("1235")],
            &[Enciphered; 3],
            ["20F8C8", "040301", "0000A08000"],
        ),
        (
            "cvm-plaintext-pin",
            PinPad::Reader,
            &[TypesAtReader("9999"), TypesAtReader("9999"), TypesAtReader("9999")],
            &[Plaintext; 3],
            ["20A8C8", "010301", "0000A08000"],
        ),
        // Nobody types a PIN that the card will not look at.
        ("pin-blocked", PinPad::Screen, &[], &[], ["20F8C8", "1E0000", "0000208000"]),
        ("cvm-plaintext-pin", PinPad::Screen, &[BROKEN], &[Plaintext], ["20F8C8", "010301", "0000908000"]),
    ];
    for (profile, pad, cardholder, kinds, expected) in cases {
        let mut shop = Shop::with_pin(pad, profile, cardholder);
        let told = std::cell::RefCell::new(None);
        shop.sale(&Faults::default(), |_, request| {
            *told.borrow_mut() = Some(verification(request));
            Ok(refusal())
        });
        assert_eq!(told.take().unwrap(), expected, "{profile} {pad:?} {cardholder:?}");
        let asked: Vec<_> = shop.asked.iter().map(|request| request.kind).collect();
        assert_eq!(asked, kinds, "{profile} {pad:?}");
        assert!(shop.cardholder.is_empty(), "{profile}: everything was asked for");
    }
}

#[test]
fn nonsense_typed_at_a_pad_never_leads_to_a_rule_that_asks_for_less() {
    // The card's list goes on with a signature, then with nothing.
    for cardholder in [vec![Cardholder::Does(Event::PinLengthWrong); 6], vec![Cardholder::Does(Event::PinCancelled)]] {
        let mut shop = Shop::with_pin(PinPad::Reader, "cvm-plaintext-pin", &cardholder);
        let run = shop.sale(&Faults::default(), approve);
        assert_eq!((kind_of(&run.conclusion), run.sent, run.state), (Some(ReasonKind::PinCancelled), false, None));
    }
}

#[test]
fn who_entered_a_wrong_pin_is_told_so_and_how_many_tries_are_left() {
    let cardholder = ["9999", "9999", "1234"].map(Cardholder::Types);
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", &cardholder);
    let run = shop.sale(&Faults::default(), approve);
    assert_eq!(run.conclusion, Conclusion::Approved);
    let told: Vec<_> = shop.asked.iter().map(|request| (request.wrong_before, request.tries_left)).collect();
    assert_eq!(told, [(false, Some(3)), (true, Some(2)), (true, Some(1))]);
}

#[test]
fn a_payment_ends_unpaid_when_no_pin_comes() {
    for (event, kind) in [
        (Event::Cancelled, ReasonKind::Cancelled),
        (Event::PinTimedOut, ReasonKind::PinTimedOut),
        (Event::CardTorn, ReasonKind::CardTorn),
        (Event::CardMute, ReasonKind::CardMute),
        (Event::ReaderFailed(String::new()), ReasonKind::ReaderMissing),
    ] {
        for pad in [PinPad::Screen, PinPad::Reader] {
            let mut shop = Shop::with_pin(pad, "cvm-plaintext-pin", &[Cardholder::Does(event.clone())]);
            let run = shop.sale(&Faults::default(), approve);
            assert_eq!((kind_of(&run.conclusion), run.state, run.sent), (Some(kind), None, false), "{event:?}");
        }
    }
}

#[test]
fn a_pin_is_passed_over_only_where_that_is_allowed_and_then_for_all_rules() {
    let bypass = Cardholder::Does(Event::PinEntered(PinEntry::Bypassed));
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", std::slice::from_ref(&bypass));
    shop.bypass = true;
    shop.sale(&Faults::default(), |_, request| {
        assert_eq!(verification(request), ["20F8C8", "010301", "0000888000"], "PIN not entered, CVM failed");
        Ok(refusal())
    });
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", &[bypass]);
    let (mut sale, request) = shop.until_pin();
    assert!(sale.step(Event::PinEntered(PinEntry::Bypassed)).is_empty(), "the question stands");
    assert_eq!(request.kind, PinKind::Plaintext);
    assert!(matches!(sale.step(Event::Cancelled)[..], [Effect::ReleaseCard, Effect::Conclude(_)]));
}

#[test]
fn what_another_pad_says_or_comes_too_late_changes_nothing() {
    let typed = |digits: &str| {
        let pin = Pin::new(Zeroizing::new(digits.as_bytes().to_vec())).unwrap();
        Event::PinEntered(PinEntry::Entered { pin, random: Zeroizing::new(vec![0; 256]) })
    };
    let verified = || Event::PinEntered(PinEntry::Verified(CardAnswer::new(vec![0x90, 0x00])));
    let captured = || Event::PinEntered(PinEntry::Captured);
    let none_of = [Event::Begin, Event::CardInserted(PinPad::Screen), Event::NoCard];
    for (pad, foreign) in [(PinPad::Screen, [verified(), captured()]), (PinPad::Reader, [typed("1234"), captured()])] {
        let mut shop = Shop::with_pin(pad, "cvm-plaintext-pin", &[]);
        let (mut sale, _) = shop.until_pin();
        for event in foreign.into_iter().chain(none_of.clone()) {
            assert!(sale.step(event.clone()).is_empty(), "{pad:?} {event:?}");
        }
    }
    // The PIN is on its way to the card: another one, or the end of the time for it, comes too late.
    let mut shop = Shop::with_pin(PinPad::Screen, "cvm-plaintext-pin", &[]);
    let (mut sale, _) = shop.until_pin();
    assert!(sale.step(typed("1234")).iter().any(|effect| matches!(effect, Effect::Apdu(_))));
    for late in [typed("0000"), Event::PinTimedOut, Event::PinLengthWrong] {
        assert!(sale.step(late.clone()).is_empty(), "{late:?}");
    }
}

/// A sale up to what nobody answers any more: the next question to the cardholder, the request to the host, or the end.
fn until_answered(shop: &mut Shop, chooser: &Chooser, answers: &[Event]) -> (Sale, Effect) {
    let trace = shop.ledger.take_trace_number().unwrap();
    let mut sale = Sale::new(Opening { chooser: chooser.clone(), ..shop.opening(trace) });
    sale.step(Event::Begin);
    shop.card.power_on();
    let mut effects = sale.step(Event::CardInserted(PinPad::None));
    let mut answers = answers.iter();
    loop {
        match effects.pop().unwrap() {
            Effect::Apdu(command) => {
                effects = sale.step(Event::CardAnswered(exchange(&mut shop.card, command.bytes())));
            }
            asked @ (Effect::ChooseApplication(_) | Effect::ConfirmApplication(_)) => {
                // An answer that means nothing here has no effect, and the next one counts.
                match answers.by_ref().map(|answer| sale.step(answer.clone())).find(|effects| !effects.is_empty()) {
                    Some(answered) => effects = answered,
                    None => return (sale, asked),
                }
            }
            other => return (sale, other),
        }
    }
}

fn two_applications() -> Shop {
    Shop::with(CardProfile::shipped("multi-application").unwrap())
}

/// One application, which needs the cardholder's consent.
fn with_consent() -> Shop {
    let mut profile = CardProfile::shipped("multi-application").unwrap();
    profile.applications.truncate(1);
    Shop::with(profile)
}

const DEBIT: &str = "622848*********2014";
const CREDIT: &str = "625000******2018";

#[test]
fn the_cardholder_chooses_among_several_applications() {
    let (_, asked) = until_answered(&mut two_applications(), &Chooser::Cardholder, &[]);
    let Effect::ChooseApplication(choices) = asked else { panic!("{asked:?}") };
    let offered: Vec<_> = choices.iter().map(|choice| (choice.name.as_str(), choice.needs_confirmation)).collect();
    assert_eq!(offered, [("UnionPay Credit", false), ("UnionPay Debit", true)]);
    for (chooser, answers, pan) in [
        (Chooser::Cardholder, &[Event::ApplicationChosen(0)][..], CREDIT),
        // Who chooses from a list agrees to it.
        (Chooser::Cardholder, &[Event::ApplicationChosen(1)], DEBIT),
        // An answer to something else, and one that was not offered, leave the question open.
        (
            Chooser::Cardholder,
            &[Event::ApplicationConfirmed(true), Event::ApplicationChosen(2), Event::ApplicationChosen(1)],
            DEBIT,
        ),
        (Chooser::Nobody, &[], CREDIT),
        (Chooser::Beforehand("2".parse().unwrap()), &[], DEBIT),
        (Chooser::Beforehand("A000000333010101".parse().unwrap()), &[], DEBIT),
    ] {
        let (sale, end) = until_answered(&mut two_applications(), &chooser, answers);
        assert!(matches!(end, Effect::Send(_)), "{chooser:?} {answers:?}: {end:?}");
        assert_eq!(sale.card().unwrap().truncated_pan, pan, "{chooser:?} {answers:?}");
    }
}

#[test]
fn an_application_that_needs_consent_is_asked_for() {
    let (_, asked) = until_answered(&mut with_consent(), &Chooser::Cardholder, &[]);
    assert!(matches!(&asked, Effect::ConfirmApplication(choice) if choice.name == "UnionPay Debit"), "{asked:?}");
    let agreed = [Event::ApplicationConfirmed(true)];
    for (chooser, answers, sent) in [
        (Chooser::Cardholder, &agreed[..], true),
        (Chooser::Cardholder, &[Event::ApplicationConfirmed(false)], false),
        (Chooser::Nobody, &[], false),
        (Chooser::Beforehand("1".parse().unwrap()), &[], true),
        (Chooser::Beforehand("2".parse().unwrap()), &[], false),
    ] {
        let (_, end) = until_answered(&mut with_consent(), &chooser, answers);
        assert_eq!(matches!(end, Effect::Send(_)), sent, "{chooser:?} {answers:?}: {end:?}");
    }
}

#[test]
fn whatever_happens_instead_of_a_choice_ends_the_sale_unpaid_and_unwritten() {
    for (what, kind) in [
        (Event::Cancelled, ReasonKind::Cancelled),
        (Event::ChoiceTimedOut, ReasonKind::ChoiceTimedOut),
        (Event::CardTorn, ReasonKind::CardTorn),
        (Event::CardMute, ReasonKind::CardMute),
        (Event::ReaderFailed(String::new()), ReasonKind::ReaderMissing),
    ] {
        for mut shop in [two_applications(), with_consent()] {
            let (sale, end) = until_answered(&mut shop, &Chooser::Cardholder, std::slice::from_ref(&what));
            let Effect::Conclude(conclusion) = end else { panic!("{what:?}: {end:?}") };
            assert_eq!(kind_of(&conclusion), Some(kind), "{what:?}");
            assert!(matches!(conclusion, Conclusion::Failed(_)), "{what:?}");
            assert!(shop.ledger.find(sale.trace()).unwrap().is_none(), "{what:?}");
        }
    }
    let (_, end) = until_answered(&mut with_consent(), &Chooser::Cardholder, &[Event::ApplicationConfirmed(false)]);
    assert!(
        matches!(&end, Effect::Conclude(conclusion) if kind_of(conclusion) == Some(ReasonKind::ApplicationRefused))
    );
}
