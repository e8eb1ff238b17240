//! A whole transaction that the card approves offline, from SELECT to the verified signature of CDA.
//!
//! Before anything is measured each kernel meets the same sandbox card, fresh, with the same keys, date and 9F37, and the
//! conversation is written down. What is measured is the kernel against that conversation: the card's own time for signing
//! is in no figure. A kernel that says another word than it did stops the measurement.

use std::hint::black_box;
use std::sync::LazyLock;

use divan::Bencher;
use yima::emv::apdu::CardAnswer;
use yima::emv::ca_keys::CaKeys;
use yima::emv::kernel::{Event, Kernel, Outcome, Step, TransactionData};
use yima::emv::risk::Lookup;
use yima::emv::terminal::{TerminalData, TransactionKind};
use yima::sandbox::card::SandboxCard;
use yima::sandbox::card::keys::CardKeys;
use yima::sandbox::card::memory::Memory;
use yima::sandbox::card::profile::CardProfile;

use super::parts::{RID, keys};

#[path = "../../tests/support/purchase.rs"]
mod purchase;

/// Approves up to 200.00 by itself, with a signature.
const PROFILE: &str = "offline";
/// T=1: every command has its answer in one piece.
const ANSWER_TO_RESET: &str = "3BE000FF8131FE4514";
/// In minor units; the sale stays below it.
const FLOOR_LIMIT: u32 = 10_000;
/// 9F35: attended, offline with online capability.
const TERMINAL_TYPE: u8 = 0x22;
/// 9F33: chip; every method of cardholder verification; SDA, DDA, CDA.
const CAPABILITIES: [u8; 3] = [0x20, 0xF8, 0xC8];
/// GENERATE AC that asks for a TC with a signature.
const SIGNED_TC: [u8; 3] = [0x80, 0xAE, 0x50];

static KEYS: LazyLock<CardKeys> = LazyLock::new(keys);

/// What answers a kernel's commands.
trait Card {
    fn answer(&mut self, command: &[u8]) -> Vec<u8>;
}

/// Commands and answers, in order.
type Conversation = Vec<(Vec<u8>, Vec<u8>)>;

/// A card that has never been used; what is said is written down.
struct Recorder {
    card: SandboxCard,
    conversation: Conversation,
}

impl Recorder {
    fn new() -> Self {
        let mut profile = CardProfile::shipped(PROFILE).unwrap();
        profile.atr = ANSWER_TO_RESET.to_owned();
        let mut card = SandboxCard::new(&profile, &KEYS, |_| Ok(Memory::volatile())).unwrap();
        card.power_on();
        Self { card, conversation: Conversation::new() }
    }

    /// The conversation, which ended with a signed TC.
    fn finish(self) -> Conversation {
        let (last, _) = self.conversation.last().unwrap();
        assert!(last.starts_with(&SIGNED_TC));
        self.conversation
    }
}

impl Card for Recorder {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let answer = self.card.transmit(command);
        self.conversation.push((command.to_vec(), answer.clone()));
        answer
    }
}

/// The card's side of a conversation that is held again.
struct Replay<'a>(std::slice::Iter<'a, (Vec<u8>, Vec<u8>)>);

impl Card for Replay<'_> {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let (said, answer) = self.0.next().unwrap();
        assert_eq!(command, said);
        answer.clone()
    }
}

static TERMINAL: LazyLock<TerminalData> = LazyLock::new(|| {
    let keys = CaKeys::parse(&toml::to_string(&KEYS.ca_public_key(RID.0).unwrap()).unwrap()).unwrap();
    let mut terminal = TerminalData::shipped().unwrap().with_ca_keys(keys);
    terminal.capabilities = CAPABILITIES;
    terminal.terminal_type = TERMINAL_TYPE;
    for application in &mut terminal.applications {
        application.floor_limit = FLOOR_LIMIT;
    }
    terminal
});

fn meet(card: &mut impl Card) {
    let mut kernel = Kernel::new(TERMINAL.clone(), &purchase::purchase());
    let mut event = Event::Start;
    loop {
        event = match kernel.step(event) {
            Step::Send(command) => Event::Answer(CardAnswer::new(card.answer(command.bytes()))),
            Step::LookUp => Event::LookedUp(Lookup::default()),
            Step::Done(outcome) => {
                assert_eq!(outcome, Outcome::Approved);
                assert!(kernel.authentication().is_some_and(|done| done.result == Some(Ok(()))));
                return;
            }
            other => panic!("this sale does not come to {other:?}"),
        };
    }
}

#[divan::bench]
fn offline_sale_with_cda(bencher: Bencher<'_, '_>) {
    let mut recorder = Recorder::new();
    meet(&mut recorder);
    let conversation = recorder.finish();
    bencher.bench(|| meet(black_box(&mut Replay(conversation.iter()))));
}

/// The crate `emv`, at the same work.
#[cfg(feature = "peers")]
mod peer_emv {
    use emv::contact::terminal as peer;
    use emv::contact::transaction::TransactionInputs;
    use emv::contact::transaction_driver::Transaction;
    use emv::contact::transaction_flow::{self as flow, HostMediated, TransactionFlowStep};
    use emv::core::apdu::{Command, Response};
    use emv::core::card_reader::CardReader;
    use emv::core::oda::CaPublicKey;
    use emv::de::additional_terminal_capabilities::AdditionalTerminalCapabilities;
    use emv::de::terminal_capabilities::TerminalCapabilities;
    use emv::de::terminal_type::TerminalType;
    use yima::sandbox::card::keys::CA_KEY_INDEX;

    use super::*;

    struct Reader<'a, C>(&'a mut C);

    impl<C: Card> CardReader for Reader<'_, C> {
        type Error = emv::Error;

        fn transmit(&mut self, command: &Command) -> Result<Response, emv::Error> {
            Response::parse(&self.0.answer(&command.to_bytes()?))
        }
    }

    fn terminal() -> peer::Terminal {
        let ours = &*TERMINAL;
        let application = |application: &yima::emv::terminal::Application| peer::TerminalApplication {
            aid: application.aid.clone(),
            partial_match_allowed: application.partial,
            application_version_number: application.version,
            terminal_floor_limit: application.floor_limit,
            terminal_risk_management_data: None,
            default_ddol: None,
            default_tdol: None,
            tac_denial: Some(application.action_codes.denial),
            tac_online: Some(application.action_codes.online),
            tac_default: Some(application.action_codes.default),
            rts_target_percentage: None,
            rts_max_target_percentage: None,
            rts_threshold_value: None,
        };
        peer::Terminal {
            terminal_type: TerminalType(TERMINAL_TYPE),
            terminal_capabilities: TerminalCapabilities::parse(&CAPABILITIES).unwrap(),
            additional_terminal_capabilities: AdditionalTerminalCapabilities::parse(&ours.additional_capabilities)
                .unwrap(),
            terminal_country_code: 156,
            terminal_identification: *b"00000001",
            ifd_serial_number: *b"00000001",
            merchant_category_code: 5999,
            merchant_identifier: *b"000000000000001",
            merchant_name_and_location: Vec::new(),
            acquirer_identifier: None,
            cardholder_selection_and_confirmation_supported: true,
            applications: ours.applications.iter().map(application).collect(),
        }
    }

    fn inputs() -> TransactionInputs {
        let sale = purchase::purchase();
        TransactionInputs {
            amount_authorised: 1234,
            amount_other: 0,
            transaction_currency_code: 156,
            transaction_currency_exponent: sale.currency_exponent,
            transaction_date: sale.date,
            transaction_time: sale.time,
            transaction_type: sale.kind.code(),
            transaction_sequence_counter: 1,
            unpredictable_number: sale.unpredictable_number,
        }
    }

    fn meet(card: &mut impl Card, terminal: &peer::Terminal, ca: &[CaPublicKey]) {
        let mut transaction = Transaction::new(Reader(card), terminal, inputs(), HostMediated);
        let step = flow::start(&mut transaction, ca, &[], &[], None).unwrap();
        assert!(matches!(step, TransactionFlowStep::Approved { .. }), "{step:?}");
        let (tvr, tsi) = (&transaction.ctx.tvr, transaction.ctx.tsi.to_bytes());
        assert!(!tvr.cda_failed && !tvr.offline_data_authentication_was_not_performed && tsi[0] & 0x80 != 0);
    }

    #[divan::bench]
    fn offline_sale_with_cda(bencher: Bencher<'_, '_>) {
        let ca = [CaPublicKey {
            rid: RID.0,
            index: CA_KEY_INDEX,
            modulus: KEYS.ca.n().to_vec(),
            exponent: KEYS.ca.e().to_vec(),
        }];
        let terminal = terminal();
        let mut recorder = Recorder::new();
        meet(&mut recorder, &terminal, &ca);
        let conversation = recorder.finish();
        bencher.bench(|| meet(black_box(&mut Replay(conversation.iter())), &terminal, &ca));
    }
}
