//! Both kernels, driven by the same case against the same card.

use std::convert::Infallible;

use emv::contact::online_processing::{OnlineAuthorisationOutcome, OnlineAuthorisationResponse};
use emv::contact::terminal as peer;
use emv::contact::transaction::TransactionInputs;
use emv::contact::transaction_driver::{DriverError, Transaction};
use emv::contact::transaction_flow::{self as flow, HostMediated, TerminationReason, TransactionFlowStep};
use emv::core::apdu::{Command, Response};
use emv::core::card_reader::CardReader;
use emv::core::terminal_action_analysis::{self as peer_analysis, TerminalCapability};
use emv::de::additional_terminal_capabilities::AdditionalTerminalCapabilities;
use emv::de::authorisation_response_code::AuthorisationResponseCode;
use emv::de::terminal_capabilities::TerminalCapabilities;
use emv::de::terminal_type::TerminalType;
use emv::de::terminal_verification_results::TerminalVerificationResults;
use yima::emv::action::{ActionCodes, Reach};
use yima::emv::apdu::CardAnswer;
use yima::emv::kernel::{Event, Kernel, OnlineResult, Step, TransactionData};
use yima::emv::pin::{PinEntry, PinKind};
use yima::emv::risk::{Lookup, RandomSelection};
use yima::emv::tag::Tag;
use yima::emv::terminal::{Application, TerminalData};
use yima::emv::tlv::TlvBuilder;
use yima::pin::Pin;
use zeroize::Zeroizing;

use super::card::{IDENTIFIERS, Judged, ScriptedCard};
use super::case::{Case, Host};

const COUNTRY: u16 = 156;
const VERSION: [u8; 2] = [0x00, 0x30];
const DATE: [u8; 3] = [0x26, 0x11, 0x24];
const TIME: [u8; 3] = [0x12, 0x00, 0x00];
const UNPREDICTABLE: [u8; 4] = [1, 2, 3, 4];
/// 9F33, first and third byte: chip; no offline data authentication, which this test leaves out.
const CHIP: u8 = 0x20;

/// How a transaction went with one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What the card was told with the first GENERATE AC, if it came to that.
    pub judged: Option<Judged>,
    pub tvr: [u8; 5],
    pub tsi: [u8; 2],
    pub ending: Ending,
    pub script: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    Approved,
    Declined,
    NotAccepted,
    Terminated,
}

/// The transaction with our kernel. `shipped`: the terminal data that comes with the program.
pub fn ours(case: &Case, shipped: &TerminalData) -> Run {
    let mut kernel = Kernel::new(our_terminal(case, shipped), &our_transaction(case));
    let mut card = ScriptedCard::new(case);
    let mut event = Event::Start;
    loop {
        event = match kernel.step(event) {
            Step::Send(command) => Event::Answer(CardAnswer::new(card.answer(command.bytes()))),
            Step::Choose(_) => Event::Chosen(Some(0)),
            Step::Confirm(_) => Event::Confirmed(case.people.agrees),
            Step::AskPin(request) => Event::Pin(match request.kind {
                _ if !case.people.enters_pin => PinEntry::Bypassed,
                PinKind::Online => PinEntry::Captured,
                PinKind::Plaintext | PinKind::Enciphered => PinEntry::Entered {
                    pin: Pin::new(Zeroizing::new(b"1234".to_vec())).unwrap(),
                    random: Zeroizing::new(vec![0; 256]),
                },
            }),
            Step::LookUp => Event::LookedUp(Lookup::default()),
            Step::GoOnline => Event::Online(our_host(&case.host)),
            Step::CallIssuer => Event::Referred(false),
            Step::Decided(_) => Event::Noted,
            Step::Done(outcome) => {
                let ending = match outcome.word() {
                    "approved" => Ending::Approved,
                    "declined" => Ending::Declined,
                    "not_accepted" => Ending::NotAccepted,
                    "terminated" => Ending::Terminated,
                    other => panic!("no case ends as {other}"),
                };
                let (tvr, tsi) = (kernel.tvr().0, kernel.tsi().0);
                return Run { judged: card.judged, tvr, tsi, ending, script: card.script };
            }
        }
    }
}

fn our_terminal(case: &Case, shipped: &TerminalData) -> TerminalData {
    let terminal = &case.terminal;
    let (threshold, target, maximum) = terminal.random_selection.unwrap_or_default();
    let application = |aid: &[u8; 7]| Application {
        aid: aid.to_vec(),
        partial: false,
        version: VERSION,
        action_codes: ActionCodes { denial: terminal.denial, online: terminal.online, default: terminal.default },
        floor_limit: terminal.floor_limit,
        random_selection: RandomSelection { threshold, target, maximum },
        ..shipped.applications[0].clone()
    };
    TerminalData {
        country: decimal(u64::from(COUNTRY)),
        terminal_type: terminal.terminal_type,
        capabilities: [CHIP, terminal.verification, 0x00],
        additional_capabilities: additional_capabilities(case),
        applications: IDENTIFIERS.iter().map(application).collect(),
        ..shipped.clone()
    }
}

fn our_transaction(case: &Case) -> TransactionData {
    TransactionData {
        kind: case.kind,
        amount: decimal(u64::from(case.amount)),
        amount_other: decimal(u64::from(case.cashback)),
        currency: decimal(u64::from(case.currency)),
        currency_exponent: 2,
        date: DATE,
        time: TIME,
        unpredictable_number: UNPREDICTABLE,
        random_number: case.terminal.random_selection.map(|_| case.random_number),
        forced_online: false,
        sequence_counter: [0, 0, 0, 1],
        terminal_identification: b"00000001".to_vec(),
        merchant_identifier: b"000000000000001".to_vec(),
        interface_serial_number: *b"00000001",
    }
}

fn our_host(host: &Host) -> OnlineResult {
    match host {
        Host::OutOfReach => OnlineResult::UnableToGoOnline,
        Host::Answers { approves, proof, scripts } => {
            let mut answer = TlvBuilder::new();
            if let Some(proof) = proof {
                answer.push(Tag(0x91), proof);
            }
            for (tag, commands) in scripts {
                answer = answer.with_template(Tag(*tag), script(commands));
            }
            let issuer_data = answer.build();
            if *approves {
                OnlineResult::Approved { response_code: *b"00", issuer_data }
            } else {
                OnlineResult::Declined { response_code: *b"05", issuer_data }
            }
        }
    }
}

fn script(commands: &[Vec<u8>]) -> TlvBuilder {
    let identified = TlvBuilder::new().with(Tag(0x9F18), &[0, 0, 0, 1]);
    commands.iter().fold(identified, |script, command| script.with(Tag(0x86), command))
}

/// The transaction with crate `emv`.
pub fn theirs(case: &Case) -> Run {
    let terminal = their_terminal(case);
    let inputs = TransactionInputs {
        amount_authorised: u64::from(case.amount),
        amount_other: u64::from(case.cashback),
        transaction_currency_code: case.currency,
        transaction_currency_exponent: 2,
        transaction_date: DATE,
        transaction_time: TIME,
        transaction_type: case.kind.code(),
        transaction_sequence_counter: 1,
        unpredictable_number: UNPREDICTABLE,
    };
    let card = Reader(ScriptedCard::new(case));
    let mut transaction = Transaction::new(card, &terminal, inputs, HostMediated);
    let ending = their_ending(case, &mut transaction).unwrap_or(Ending::Terminated);
    let (tvr, tsi) = (transaction.ctx.tvr.to_bytes(), transaction.ctx.tsi.to_bytes());
    let ScriptedCard { judged, script, .. } = transaction.card.0;
    Run { judged, tvr, tsi, ending, script }
}

/// What crate `emv` would ask for with these results (P1 of GENERATE AC): its action analysis alone.
pub fn their_request(case: &Case, tvr: [u8; 5]) -> u8 {
    let issuer = |tag| case.card.object(tag).map(|code| code.try_into().unwrap());
    let codes = peer_analysis::ActionCodes {
        iac_denial: issuer(0x9F0E),
        iac_online: issuer(0x9F0F),
        iac_default: issuer(0x9F0D),
        tac_denial: Some(case.terminal.denial),
        tac_online: Some(case.terminal.online),
        tac_default: Some(case.terminal.default),
    };
    let capability = match case.terminal.reach() {
        Reach::OnlineOnly => TerminalCapability::OnlineOnly,
        Reach::OfflineWithOnline => TerminalCapability::OnlineCapable,
        Reach::OfflineOnly => TerminalCapability::OfflineOnly { use_online_action_codes: false },
    };
    let tvr = TerminalVerificationResults::parse(&tvr).unwrap();
    peer_analysis::first_generate_ac_decision(&tvr, &codes, capability).to_bits() << 6
}

/// Any error ends the transaction.
fn their_ending(
    case: &Case,
    transaction: &mut Transaction<'_, Reader<'_>, HostMediated>,
) -> Result<Ending, DriverError<emv::Error, Infallible>> {
    let number = Some(case.random_number);
    let mut step = flow::start(transaction, &[], &[], &[], number)?;
    loop {
        step = match step {
            TransactionFlowStep::SelectApplication { mut candidates } => {
                let needs_consent = candidates[0].application_priority_indicator.is_some_and(|indicator| {
                    indicator.application_cannot_be_selected_without_confirmation_by_the_cardholder
                });
                if candidates.len() == 1 && needs_consent && !case.people.agrees {
                    return Ok(Ending::Terminated);
                }
                let name = candidates[0].df_name.clone();
                flow::continue_with_application(transaction, &[], &[], &[], number, &mut candidates, &name)?
            }
            TransactionFlowStep::CardholderVerification { .. } if case.people.enters_pin => {
                flow::submit_pin(transaction, &[], number, &[1, 2, 3, 4], |random| {
                    random.fill(0);
                    true
                })?
            }
            TransactionFlowStep::CardholderVerification { .. } => flow::bypass_pin_entry(transaction, &[], number)?,
            TransactionFlowStep::OnlineRequest { first_generate_ac } => match their_host(&case.host) {
                None => flow::submit_unable_to_go_online(transaction, &first_generate_ac)?,
                Some((response, outcome)) => {
                    flow::submit_authorisation_response(transaction, &first_generate_ac, &response, outcome)?
                }
            },
            TransactionFlowStep::Approved { .. } => return Ok(Ending::Approved),
            TransactionFlowStep::Declined { .. } => return Ok(Ending::Declined),
            TransactionFlowStep::Terminated { reason: TerminationReason::ServiceNotAllowed } => {
                return Ok(Ending::NotAccepted);
            }
            TransactionFlowStep::Terminated { .. } => return Ok(Ending::Terminated),
        };
    }
}

fn their_terminal(case: &Case) -> peer::Terminal {
    let terminal = &case.terminal;
    let application = |aid: &[u8; 7]| peer::TerminalApplication {
        aid: aid.to_vec(),
        partial_match_allowed: false,
        application_version_number: VERSION,
        terminal_floor_limit: terminal.floor_limit,
        terminal_risk_management_data: None,
        default_ddol: None,
        default_tdol: None,
        tac_denial: Some(terminal.denial),
        tac_online: Some(terminal.online),
        tac_default: Some(terminal.default),
        rts_target_percentage: terminal.random_selection.map(|(_, target, _)| target),
        rts_max_target_percentage: terminal.random_selection.map(|(_, _, maximum)| maximum),
        rts_threshold_value: terminal.random_selection.map(|(threshold, ..)| u64::from(threshold)),
    };
    peer::Terminal {
        terminal_type: TerminalType(terminal.terminal_type),
        terminal_capabilities: TerminalCapabilities::parse(&[CHIP, terminal.verification, 0x00]).unwrap(),
        additional_terminal_capabilities: AdditionalTerminalCapabilities::parse(&additional_capabilities(case))
            .unwrap(),
        terminal_country_code: COUNTRY,
        terminal_identification: *b"00000001",
        ifd_serial_number: *b"00000001",
        merchant_category_code: 5999,
        merchant_identifier: *b"000000000000001",
        merchant_name_and_location: Vec::new(),
        acquirer_identifier: None,
        cardholder_selection_and_confirmation_supported: true,
        applications: IDENTIFIERS.iter().map(application).collect(),
    }
}

fn their_host(host: &Host) -> Option<(OnlineAuthorisationResponse, OnlineAuthorisationOutcome)> {
    let Host::Answers { approves, proof, scripts } = host else { return None };
    let code = if *approves { *b"00" } else { *b"05" };
    let tree = |(tag, commands): &(u32, Vec<Vec<u8>>)| {
        emv::Tlv::from_bytes(&TlvBuilder::new().with_template(Tag(*tag), script(commands)).build()).unwrap()
    };
    let response = OnlineAuthorisationResponse {
        authorisation_response_code: AuthorisationResponseCode(code),
        issuer_authentication_data: proof.clone(),
        issuer_scripts: scripts.iter().map(tree).collect(),
    };
    let outcome = if *approves { OnlineAuthorisationOutcome::Approved } else { OnlineAuthorisationOutcome::Declined };
    Some((response, outcome))
}

/// The same card in the peer's reader.
struct Reader<'a>(ScriptedCard<'a>);

impl CardReader for Reader<'_> {
    type Error = emv::Error;

    fn transmit(&mut self, command: &Command) -> Result<Response, emv::Error> {
        Response::parse(&self.0.answer(&command.to_bytes()?))
    }
}

fn additional_capabilities(case: &Case) -> [u8; 5] {
    [if case.terminal.gives_cash { 0xF0 } else { 0x70 }, 0x00, 0xF0, 0xF0, 0x01]
}

/// Decimal digits, two a byte, right aligned.
fn decimal<const N: usize>(mut number: u64) -> [u8; N] {
    let mut bytes = [0; N];
    for byte in bytes.iter_mut().rev() {
        let pair = (number % 100) as u8;
        *byte = ((pair / 10) << 4) | (pair % 10);
        number /= 100;
    }
    bytes
}
