//! The payment core and PINs that the bank checks: a real card and a real ledger, an issuer who is scripted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here and now")]

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::civil::date;
use yima::crypto::hex;
use yima::emv::apdu::CardAnswer;
use yima::emv::ca_keys::CaKeys;
use yima::emv::cvm::Verification;
use yima::emv::pin::{PinEntry, PinKind, PinRequest};
use yima::emv::tag;
use yima::emv::terminal::TerminalData;
use yima::emv::tlv::{self, TlvBuilder};
use yima::ledger::{Ledger, TransactionRow};
use yima::money::{Amount, Currency};
use yima::payment::chooser::Chooser;
use yima::payment::online::{Decision, HostAnswer, LinkFailure, SaleRequest};
use yima::payment::pin_pad::PinPad;
use yima::payment::record::{Record, State};
use yima::payment::sale::{Conclusion, Effect, Event, Opening, Sale};
use yima::payment::transaction::Transaction;
use yima::pin::Pin;
use yima::reference::{AuthorisationCode, MerchantCode, ResponseCode, Rrn, TerminalNumber};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::profile::CardProfile;
use yima::sandbox::issuer::Cryptogram;
use yima::wording::ReasonKind;

/// What the cardholder does who is asked for a PIN.
#[derive(Clone, Copy, Debug)]
enum Cardholder {
    Types(&'static str),
    GoesOnWithout,
    FindsNoPad,
    Leaves,
}

use Cardholder::{FindsNoPad, GoesOnWithout, Leaves, Types};

/// What becomes of a request.
#[derive(Clone, Copy, Debug)]
enum Bank {
    /// Checks the PIN, which is 1234: right 00, wrong 55, none 00.
    Checks,
    Says(Decision, &'static str),
    IsSilent,
    /// Calls the PIN wrong, but before it answers the cashier wants to leave.
    AnswersWhoWantsToLeave,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    /// The card leaves at this command, counted from 1 over all transactions.
    tear: Option<usize>,
    /// This record cannot be written, counted from 1.
    record: Option<usize>,
}

/// A counter with a card that wants a PIN for its bank.
struct Counter {
    directory: tempfile::TempDir,
    profile: CardProfile,
    card: SandboxCard,
    ledger: Ledger,
    terminal: TerminalData,
    pad: PinPad,
    bypass: bool,
    chooser: Chooser,
    cardholder: VecDeque<Cardholder>,
    bank: Bank,
    faults: Faults,
    /// What came of it.
    questions: Vec<PinRequest>,
    requests: Vec<SaleRequest>,
    trail: Vec<String>,
    commands: usize,
    records: usize,
    chosen: usize,
}

impl Counter {
    fn with(cardholder: &[Cardholder], bank: Bank) -> Self {
        Self::with_card(CardProfile::shipped("cvm-online-pin").unwrap(), cardholder, bank)
    }

    fn with_card(profile: CardProfile, cardholder: &[Cardholder], bank: Bank) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let card = SandboxCard::open(&profile, &directory.path().join("card")).unwrap();
        let merchant = MerchantCode::parse("898440100000001").unwrap();
        let number = TerminalNumber::parse("10000001").unwrap();
        let keys = std::fs::read_to_string(directory.path().join("card/capk.toml")).unwrap();
        let ledger = Ledger::open(&directory.path().join("ledger.sqlite"), merchant, number).unwrap();
        Self {
            directory,
            profile,
            card,
            ledger,
            terminal: TerminalData::shipped().unwrap().with_ca_keys(CaKeys::parse(&keys).unwrap()),
            pad: PinPad::Screen,
            bypass: false,
            chooser: Chooser::Nobody,
            cardholder: cardholder.iter().copied().collect(),
            bank,
            faults: Faults::default(),
            questions: Vec::new(),
            requests: Vec::new(),
            trail: Vec::new(),
            commands: 0,
            records: 0,
            chosen: 0,
        }
    }

    /// One payment with as many transactions as it takes; gives how it ended, and its last transaction.
    fn pay(&mut self) -> (Conclusion, Sale) {
        let mut sale = Sale::new(Opening {
            trace: self.ledger.take_trace_number().unwrap(),
            transaction: Transaction::sale(Amount::parse("12.34", Currency::CNY).unwrap()),
            at: date(2026, 11, 22).at(14, 26, 9, 0),
            unpredictable_number: [1, 2, 3, 4],
            merchant_code: MerchantCode::parse("898440100000001").unwrap(),
            terminal_number: TerminalNumber::parse("10000001").unwrap(),
            serial_number: "TEST000000000001".to_owned(),
            terminal: self.terminal.clone(),
            pin_bypass: self.bypass,
            in_part: false,
            by: Default::default(),
            entry: Default::default(),
            tables: Arc::default(),
            chooser: self.chooser.clone(),
        });
        self.card.power_on();
        let mut ended = None;
        let mut events = VecDeque::from([Event::Begin]);
        while let Some(event) = events.pop_front() {
            for effect in sale.step(event) {
                match effect {
                    Effect::Show(_) | Effect::SoundCardRead => {}
                    Effect::AwaitStripe(_) | Effect::AwaitNumber | Effect::Notice(_) => {
                        panic!("no card is swiped or typed here")
                    }
                    Effect::AwaitCard => {
                        self.trail.push("await".to_owned());
                        events.push_back(Event::CardInserted(self.pad));
                    }
                    Effect::ReleaseCard => self.trail.push("release".to_owned()),
                    Effect::AskPin(request) => events.extend(self.ask(request, sale.pin_bypass())),
                    Effect::ChooseApplication(_) => {
                        self.chosen += 1;
                        events.push_back(Event::ApplicationChosen(1));
                    }
                    Effect::ConfirmApplication(_) => panic!("no such card here"),
                    Effect::Apdu(command) => events.push_back(self.transmit(command.bytes())),
                    Effect::Record(record) => {
                        self.records += 1;
                        if self.faults.record == Some(self.records) {
                            events.push_back(Event::RecordFailed("no space left on device".to_owned()));
                            break;
                        }
                        self.ledger.record(sale.trace(), &record).unwrap();
                        self.trail.push(name(&record).to_owned());
                    }
                    Effect::Send(request) => {
                        self.trail.push("send".to_owned());
                        if let Bank::AnswersWhoWantsToLeave = self.bank {
                            events.push_back(Event::Cancelled);
                        }
                        events.push_back(self.host(&request));
                        self.requests.push(*request);
                    }
                    Effect::SendAbout(_) => panic!("a sale is about nothing else"),
                    Effect::Conclude(conclusion) => ended = Some(conclusion),
                    Effect::TryAnotherPin(_) => {
                        self.trail.push("again".to_owned());
                        let trace = self.ledger.take_trace_number().unwrap();
                        sale = sale.again(
                            trace,
                            date(2026, 11, 22).at(14, 26, 30, 0),
                            [5, 6, 7, trace.stan.number() as u8],
                        );
                        events.push_back(Event::Begin);
                    }
                }
            }
        }
        (ended.unwrap_or_else(|| panic!("a payment ends: {:?}", self.trail)), sale)
    }

    /// What the shell hears of the cardholder, who must think of something else where going on without is not allowed.
    fn ask(&mut self, request: PinRequest, may_bypass: bool) -> Vec<Event> {
        self.questions.push(request);
        let mut said = Vec::new();
        loop {
            said.push(match self.cardholder.pop_front().unwrap() {
                Types(digits) => {
                    Event::PinEntered(PinEntry::Entered { pin: pin(digits), random: vec![0x5A; 256].into() })
                }
                GoesOnWithout => Event::PinEntered(PinEntry::Bypassed),
                FindsNoPad => Event::PinEntered(PinEntry::PadBroken),
                Leaves => Event::Cancelled,
            });
            if may_bypass || !matches!(said.last(), Some(Event::PinEntered(PinEntry::Bypassed))) {
                return said;
            }
        }
    }

    fn transmit(&mut self, command: &[u8]) -> Event {
        self.commands += 1;
        if self.faults.tear == Some(self.commands) {
            return Event::CardTorn;
        }
        if let [0x80, 0xAE, asked_for, ..] = command {
            self.trail.push(format!("generate {:02X}", asked_for & 0xC0));
        }
        let (protocol, card) = (self.card.protocol(), &mut self.card);
        let answer = yima::devices::reader::transport::exchange(protocol, command, |bytes| Ok(card.transmit(bytes)));
        Event::CardAnswered(CardAnswer::new(answer.unwrap()))
    }

    fn host(&self, request: &SaleRequest) -> Event {
        let right = request.pin.as_ref().is_none_or(|given| *given == pin("1234"));
        let (decision, code) = match self.bank {
            Bank::IsSilent => return Event::LinkFailed(LinkFailure::NoAnswer(String::new())),
            Bank::Checks if right => (Decision::Approved, "00"),
            Bank::Checks | Bank::AnswersWhoWantsToLeave => (Decision::WrongPin, "55"),
            Bank::Says(decision, code) => (decision, code),
        };
        // A card's counter rises with every transaction, so that no cryptogram is good twice.
        let account =
            self.profile.applications.iter().find(|application| application.pan == request.card.pan.expose_digits());
        let issuer = account.unwrap().issuer().unwrap();
        let verified = issuer.verify(Cryptogram::Arqc, &request.chip_data).unwrap();
        let data = verified.issuer_authentication_data(code.as_bytes().try_into().unwrap()).unwrap();
        Event::HostAnswered(HostAnswer {
            decision,
            response_code: ResponseCode::parse(code).unwrap(),
            rrn: Rrn::parse("000000000001").ok(),
            authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
            issuer_data: TlvBuilder::new().with(tag::ISSUER_AUTHENTICATION_DATA, &data).build(),
            balances: Vec::new(),
            plan: None,
        })
    }

    /// Rows of the ledger, oldest first: trace number, state, field 39, how the cardholder was verified.
    fn rows(&self) -> Vec<(u32, State, Option<String>, Option<Verification>)> {
        let row = |row: TransactionRow| {
            let code = row.response_code.map(|code| code.as_str().to_owned());
            (row.trace.stan.number(), row.state, code, row.verification)
        };
        let mut rows: Vec<_> = self.ledger.page(0, 100).unwrap().into_iter().map(row).collect();
        rows.reverse();
        rows
    }
}

fn pin(digits: &str) -> Pin {
    Pin::new(digits.as_bytes().to_vec().into()).unwrap()
}

fn name(record: &Record) -> &'static str {
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

fn kind_of(conclusion: &Conclusion) -> Option<ReasonKind> {
    match conclusion {
        Conclusion::Approved => None,
        Conclusion::Declined(reason)
        | Conclusion::Failed(reason)
        | Conclusion::ReversalDue(reason)
        | Conclusion::Repeating(reason)
        | Conclusion::Unresolved(reason) => Some(reason.kind),
    }
}

/// A data object of field 55, hexadecimal.
fn told(request: &SaleRequest, tag: yima::emv::tag::Tag) -> String {
    hex::encode(tlv::find(&request.chip_data, tag).unwrap().unwrap())
}

#[test]
fn a_pin_for_the_bank_is_asked_for_before_the_cryptogram_and_goes_with_the_request() {
    let mut counter = Counter::with(&[Types("1234")], Bank::Checks);
    let (conclusion, sale) = counter.pay();
    assert_eq!(conclusion, Conclusion::Approved);
    assert_eq!(
        counter.trail,
        ["await", "generate 80", "pending", "send", "host_approved", "generate 40", "approved", "release"]
    );
    let [request] = &counter.requests[..] else { panic!("{} requests", counter.requests.len()) };
    assert_eq!(request.pin, Some(pin("1234")));
    let data = [tag::TERMINAL_CAPABILITIES, tag::CVM_RESULTS, tag::TVR].map(|tag| told(request, tag));
    assert_eq!(data, ["20F8C8", "020000", "0000048000"], "can take one, what came of it nobody knows, it was entered");
    assert_eq!(counter.questions, [PinRequest { kind: PinKind::Online, tries_left: None, wrong_before: false }]);
    assert_eq!(counter.rows(), [(1, State::Approved, Some("00".to_owned()), Some(Verification::OnlinePin))]);
    assert!(!counter.ledger.page(0, 1).unwrap()[0].signature, "nobody signs");
    assert_eq!(sale.card().unwrap().verification, Verification::OnlinePin);
}

#[test]
fn a_terminal_that_takes_no_pin_for_the_bank_says_so_and_asks_for_none() {
    for (pad, capabilities) in [(PinPad::None, "2028C8"), (PinPad::Reader, "20A8C8")] {
        let mut counter = Counter::with(&[], Bank::Checks);
        counter.pad = pad;
        counter.pay();
        let [request] = &counter.requests[..] else { panic!("{} requests", counter.requests.len()) };
        let data = [tag::TERMINAL_CAPABILITIES, tag::CVM_RESULTS, tag::TVR].map(|tag| told(request, tag));
        assert_eq!(data, [capabilities, "3F0001", "0000908000"], "{pad:?}");
        assert_eq!((request.pin.as_ref(), counter.questions.len()), (None, 0));
    }
}

#[test]
fn without_a_pin_the_bank_is_told_why_there_is_none() {
    for (does, results, tvr) in [(GoesOnWithout, "020001", "0000888000"), (FindsNoPad, "020001", "0000908000")] {
        let mut counter = Counter::with(&[does], Bank::Checks);
        counter.bypass = true;
        let (conclusion, _) = counter.pay();
        assert_eq!(conclusion, Conclusion::Approved, "the bank decides");
        let [request] = &counter.requests[..] else { panic!("{} requests", counter.requests.len()) };
        assert_eq!([told(request, tag::CVM_RESULTS), told(request, tag::TVR)], [results, tvr], "{does:?}");
        assert_eq!(request.pin, None);
        assert_eq!(counter.rows()[0].3, Some(Verification::Failed));
    }
}

#[test]
fn a_wrong_pin_is_another_transaction_from_the_beginning_with_the_card_still_in() {
    let mut counter = Counter::with(&[Types("9999"), Types("1234")], Bank::Checks);
    let (conclusion, _) = counter.pay();
    assert_eq!(conclusion, Conclusion::Approved);
    let first = ["await", "generate 80", "pending", "send", "not_paid", "generate 00", "again"];
    let second = ["generate 80", "pending", "send", "host_approved", "generate 40", "approved", "release"];
    assert_eq!(
        counter.trail,
        [&first[..], &second].concat(),
        "the first is over for card and ledger before the second"
    );
    let pins: Vec<_> = counter.requests.iter().map(|request| request.pin.clone().unwrap()).collect();
    assert_eq!(pins, [pin("9999"), pin("1234")]);
    for differs in [tag::ATC, tag::UNPREDICTABLE_NUMBER, tag::CRYPTOGRAM] {
        assert_ne!(told(&counter.requests[0], differs), told(&counter.requests[1], differs), "{differs}");
    }
    let again = PinRequest { kind: PinKind::Online, tries_left: Some(2), wrong_before: true };
    assert_eq!(counter.questions[1], again);
    let online = Some(Verification::OnlinePin);
    assert_eq!(
        counter.rows(),
        [(1, State::Declined, Some("55".to_owned()), online), (2, State::Approved, Some("00".to_owned()), online)]
    );
}

#[test]
fn the_bank_is_asked_about_three_pins_at_most() {
    let mut counter = Counter::with(&[Types("9999"); 4], Bank::Checks);
    let (conclusion, _) = counter.pay();
    let Conclusion::Declined(reason) = conclusion else { panic!("{conclusion:?}") };
    assert_eq!((reason.kind, reason.code.unwrap().as_str()), (ReasonKind::HostDeclined, "55"));
    assert_eq!(counter.questions.iter().map(|asked| asked.tries_left).collect::<Vec<_>>(), [None, Some(2), Some(1)]);
    assert!(counter.rows().iter().all(|row| row.1 == State::Declined) && counter.rows().len() == 3);
    assert_eq!(counter.trail.last().unwrap(), "release");
}

#[test]
fn only_a_wrong_pin_that_was_sent_is_asked_for_again() {
    for (bank, code) in [
        (Bank::Says(Decision::Refused, "75"), "75"),
        (Bank::Says(Decision::Refused, "38"), "38"),
        (Bank::Says(Decision::Refused, "99"), "99"),
        (Bank::Says(Decision::Refused, "51"), "51"),
        (Bank::AnswersWhoWantsToLeave, "55"),
    ] {
        let mut counter = Counter::with(&[Types("1234")], bank);
        let (conclusion, _) = counter.pay();
        assert!(
            matches!(&conclusion, Conclusion::Declined(reason) if reason.kind == ReasonKind::HostDeclined),
            "{bank:?}"
        );
        assert_eq!(counter.rows(), [(1, State::Declined, Some(code.to_owned()), Some(Verification::OnlinePin))]);
        assert_eq!(counter.trail.last().unwrap(), "release", "{bank:?}");
    }
    // The card checked this one: what the bank calls wrong is not what was typed.
    let profile = CardProfile::shipped("unionpay-debit").unwrap();
    let mut counter = Counter::with_card(profile, &[], Bank::Says(Decision::WrongPin, "55"));
    assert!(matches!(counter.pay().0, Conclusion::Declined(_)));
    assert_eq!(counter.rows().len(), 1);
}

#[test]
fn who_typed_a_wrong_pin_may_leave_but_not_go_on_without_one() {
    let mut counter = Counter::with(&[Types("9999"), Leaves], Bank::Checks);
    counter.bypass = true;
    let (conclusion, sale) = counter.pay();
    assert_eq!(kind_of(&conclusion), Some(ReasonKind::Cancelled));
    assert!(!sale.pin_bypass());
    assert_eq!(counter.rows().len(), 1, "the second transaction never reached the host");
    assert_eq!(counter.rows()[0].1, State::Declined);

    let mut counter = Counter::with(&[Types("9999"), GoesOnWithout, Types("1234")], Bank::Checks);
    counter.bypass = true;
    assert_eq!(counter.pay().0, Conclusion::Approved);
    assert_eq!((counter.questions.len(), counter.requests.len()), (2, 2), "the question stood");
    assert_eq!(counter.rows()[1].3, Some(Verification::OnlinePin));
}

#[test]
fn a_card_torn_at_any_command_is_charged_at_most_once_and_its_pin_tried_once() {
    let mut whole = Counter::with(&[Types("9999"), Types("1234")], Bank::Checks);
    whole.pay();
    assert!(whole.commands >= 12, "{} commands", whole.commands);
    for tear in 1..=whole.commands {
        let mut counter = Counter::with(&[Types("9999"), Types("1234")], Bank::Checks);
        counter.faults.tear = Some(tear);
        let (conclusion, _) = counter.pay();
        let states: Vec<_> = counter.rows().iter().map(|row| row.1).collect();
        match (counter.requests.len(), &conclusion) {
            (0, Conclusion::Failed(reason)) => {
                assert_eq!((reason.kind, states.len()), (ReasonKind::CardTorn, 0), "command {tear}");
            }
            // Torn while the card was told of the wrong PIN: no card, no other try.
            (1, Conclusion::Declined(_)) => assert_eq!(states, [State::Declined], "command {tear}"),
            (1, Conclusion::Failed(reason)) => {
                assert_eq!(
                    (reason.kind, &states[..]),
                    (ReasonKind::CardTorn, &[State::Declined][..]),
                    "command {tear}"
                );
            }
            (2, Conclusion::ReversalDue(_)) => {
                assert_eq!(states, [State::Declined, State::ReversalDue], "command {tear}");
            }
            other => panic!("command {tear}: {other:?}"),
        }
        assert_eq!(counter.trail.iter().filter(|step| *step == "release").count(), 1, "command {tear}");
    }
}

#[test]
fn a_record_that_cannot_be_written_sends_nothing_and_tries_no_other_pin() {
    let mut whole = Counter::with(&[Types("9999"), Types("1234")], Bank::Checks);
    whole.pay();
    for failing in 1..=whole.records {
        let mut counter = Counter::with(&[Types("9999"), Types("1234")], Bank::Checks);
        counter.faults.record = Some(failing);
        let (conclusion, _) = counter.pay();
        let (kind, sent, last) = match failing {
            1 => (ReasonKind::LedgerFailed, 0, None),
            // That the bank called the PIN wrong is not on disk: the row is taken back, and nothing follows on hope.
            2 => (ReasonKind::LedgerFailedAfterRequest, 1, Some(State::Pending)),
            3 => (ReasonKind::LedgerFailed, 1, Some(State::Declined)),
            4 => (ReasonKind::LedgerFailedAfterRequest, 2, Some(State::Pending)),
            _ => (ReasonKind::LedgerFailedAfterRequest, 2, Some(State::HostApproved)),
        };
        assert_eq!(kind_of(&conclusion), Some(kind), "record {failing}");
        assert_eq!((counter.requests.len(), counter.rows().last().map(|row| row.1)), (sent, last), "record {failing}");
    }
}

#[test]
fn the_reversal_of_a_payment_with_a_pin_knows_of_the_pin_only_that_there_was_one() {
    let mut counter = Counter::with(&[Types("735591802746")], Bank::IsSilent);
    let (conclusion, _) = counter.pay();
    assert_eq!(kind_of(&conclusion), Some(ReasonKind::HostSilent));
    let [row] = &counter.ledger.in_state(State::ReversalDue).unwrap()[..] else { panic!("one reversal") };
    let reversal = row.reversal_request().unwrap();
    assert!(reversal.with_pin);
    for file in std::fs::read_dir(counter.directory.path()).unwrap() {
        let path = file.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for shape in [&b"735591802746"[..], &hex::decode("735591802746").unwrap()] {
            assert!(!bytes.windows(shape.len()).any(|window| window == shape), "{}", path.display());
        }
    }
}

#[test]
fn whoever_chose_an_application_is_asked_for_the_pin_only() {
    let mut profile = CardProfile::shipped("multi-application").unwrap();
    for application in &mut profile.applications {
        application.cvm_list = "00000000000000000200".to_owned();
    }
    let mut counter = Counter::with_card(profile, &[Types("9999"), Types("1234")], Bank::Checks);
    counter.chooser = Chooser::Cardholder;
    assert_eq!(counter.pay().0, Conclusion::Approved);
    assert_eq!((counter.chosen, counter.questions.len()), (1, 2));
    let names: Vec<_> = counter.requests.iter().map(|request| told(request, tag::DF_NAME)).collect();
    assert_eq!(names[0], names[1]);
}
