//! Training: a terminal beside the shop's own, on the same screen and printer, at which everything is done as on any day and nothing is
//! a payment.
//!
//! It has a state directory of its own, within the shop's: identity, keys, ledger, people and shifts. It speaks to a host of its own
//! that runs in this program, its cards and wallets are those of the sandbox, and it knows neither the acquirer's address nor a key of
//! the shop's. So nothing of it can reach the acquirer or the totals, whatever somebody tries. Real cards stay out of it as well: a card
//! counts every transaction, and may block itself when nobody answers it as its bank would.
//!
//! Goods are the shop's, as they were when the training was opened. Everything shown, printed and said bears its mark
//! ([`Mark::Training`](crate::terminal::mark::Mark)).

use std::path::Path;

use crate::app::{Parts, Setup, SetupError};
use crate::catalogue::CatalogueError;
use crate::clock;
use crate::sandbox::card::hand::{Hand, reader_and_hand};
use crate::sandbox::card::profile::{CardProfile, ProfileError};
use crate::sandbox::card::{CardError, SandboxCard};
use crate::sandbox::host::code_payments::wallets::{Bill, FIRST_PASSWORD, Form, WalletError};
use crate::sandbox::host::{DEFAULT_DIALECT, Host, HostError, RunningHost};
use crate::terminal::link::LinkSettings;
use crate::terminal::settings::{Settings, SettlementSettings, TerminalSettings};
use crate::terminal::{files, mark};

/// Its state directory, within the shop's.
pub const FOLDER: &str = "training";

/// Where its host keeps its books.
const HOST: &str = "sandbox/host";

/// Where its cards keep their counters.
const CARDS: &str = "sandbox/card";

/// Whose phone pays.
const WALLET: &str = "wallet-1";

/// Why nobody can be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// Its state directory.
    #[error(
        "the training's directory {path} cannot be used ({source}); make room on the disk, or remove it to begin anew"
    )]
    State {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Somebody has it open.
    #[error("a training is open already; end that one first")]
    Nested,
    /// Its host.
    #[error("the training's own host does not start: {0}")]
    Host(#[from] HostError),
    /// Its terminal.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A card.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// A card.
    #[error("the training's card cannot be made: {0}")]
    Card(#[from] CardError),
    /// The customer's phone.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// Nothing is there to be paid by phone.
    #[error("nothing waits for the customer's phone")]
    NothingToPay,
}

/// A training that is open. Its host stops when it is dropped; what was done stays for the next one.
#[derive(Debug)]
pub struct Training {
    setup: Setup,
    host: Host,
    _running: RunningHost,
}

impl Training {
    /// Opens the training of a shop: its directory is made at the first time, its host started, the shop's goods are copied.
    ///
    /// # Errors
    /// When the directory cannot be written or the host cannot start.
    pub fn open(shop: &Setup) -> Result<Self, TrainingError> {
        if mark::is_for_training(&shop.state) {
            return Err(TrainingError::Nested);
        }
        let state = shop.state.join(FOLDER);
        make(&state)?;
        let (dialect, host) = host(&shop.settings.host.dialect, &state.join(HOST))?;
        let settings = settings(&shop.settings, &dialect);
        let mut setup = Setup { settings, origin: shop.origin.clone(), state };
        host.write_kit(&setup.identity_directory())?;
        let running = host.start(([127, 0, 0, 1], 0).into())?;
        setup.settings.host = running.link_settings();
        if let Err(error) = copy_goods(shop, &setup.state) {
            tracing::warn!(%error, "the goods of the training are not those of today");
        }
        Ok(Self { setup, host, _running: running })
    }

    /// The training's terminal.
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// What its engine is made of, with a reader into which cards are put by hand.
    ///
    /// # Errors
    /// When one of its parts cannot be opened.
    pub fn parts(&self) -> Result<(Parts, Hand), TrainingError> {
        let (reader, hand) = reader_and_hand();
        Ok((Parts { reader: Box::new(reader), ..self.setup.parts()? }, hand))
    }

    /// A card of the training.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn card(&self, profile: &str) -> Result<SandboxCard, TrainingError> {
        Ok(SandboxCard::open(&CardProfile::shipped(profile)?, &self.setup.state.join(CARDS))?)
    }

    /// A code on the customer's phone.
    ///
    /// # Errors
    /// When the host cannot make one.
    pub fn customers_code(&self) -> Result<String, TrainingError> {
        Ok(self.host.make_code(WALLET, Form::Number, clock::timestamp())?)
    }

    /// The customer pays what waits for the phone: what asks for the password, or else the code that the terminal shows.
    ///
    /// # Errors
    /// When nothing waits.
    pub fn customer_pays(&self) -> Result<(), TrainingError> {
        let now = clock::timestamp();
        let first = |bills: Vec<Bill>| bills.into_iter().next();
        let bill = match first(self.host.waiting_for(WALLET, now)?) {
            Some(bill) => bill,
            None => first(self.host.shown(now)?).ok_or(TrainingError::NothingToPay)?,
        };
        let paying = self.host.pay(WALLET, &bill.name, Some(FIRST_PASSWORD), now)?;
        tracing::info!(result = paying.word(), "the training's customer");
        Ok(())
    }
}

/// The directory, with the mark before anything else is in it.
fn make(state: &Path) -> Result<(), TrainingError> {
    let refused = |source| TrainingError::State { path: state.display().to_string(), source };
    files::make_private(state).map_err(refused)?;
    mark::make_for_training(state).map_err(refused)
}

/// The training's host speaks as the acquirer's does, where that is a dialect that a host can be made of.
fn host(dialect: &str, state: &Path) -> Result<(String, Host), TrainingError> {
    match Host::prepare_in(dialect, state) {
        Ok(host) => Ok((dialect.to_owned(), host)),
        Err(HostError::Dialect(error)) => {
            tracing::warn!(%error, dialect, "the training speaks {DEFAULT_DIALECT}");
            Ok((DEFAULT_DIALECT.to_owned(), Host::prepare_in(DEFAULT_DIALECT, state)?))
        }
        Err(error) => Err(error.into()),
    }
}

/// The shop's own, but for all by which it is found, proves itself or is found by others.
fn settings(shop: &Settings, dialect: &str) -> Settings {
    let (shop, usual) = (shop.clone(), Settings::default());
    Settings {
        terminal: TerminalSettings {
            language: shop.terminal.language,
            currency: shop.terminal.currency,
            ..usual.terminal
        },
        host: LinkSettings { dialect: dialect.to_owned(), ..LinkSettings::default() },
        printer: shop.printer,
        sound: shop.sound,
        screen: shop.screen,
        goods: shop.goods,
        pin: shop.pin,
        codes: shop.codes,
        people: shop.people,
        // People learn to do it.
        settlement: SettlementSettings { at: String::new() },
        ..usual
    }
}

/// The shop's goods as they are now; what somebody changed in an earlier training is gone.
fn copy_goods(shop: &Setup, training: &Path) -> Result<(), CatalogueError> {
    shop.catalogue_to_look_at()?.map_or(Ok(()), |goods| goods.copy_goods_to(training))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::mark::Mark;
    use crate::terminal::settings::{Origin, VaultKind};

    fn shop(folder: &Path) -> Setup {
        let mut settings = Settings::default();
        settings.host.url = "https://acquirer.example".to_owned();
        settings.vault.kind = VaultKind::Pkcs11;
        settings.till.listen = "127.0.0.1:8590".to_owned();
        settings.settlement.at = "23:30".to_owned();
        settings.printer.device = "/dev/ttyS7".to_owned();
        Setup { settings, origin: Origin::default(), state: folder.to_owned() }
    }

    #[test]
    fn it_knows_nothing_by_which_the_acquirer_or_the_shops_keys_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let training = Training::open(&shop(folder.path())).unwrap();
        let setup = training.setup();
        assert!(setup.settings.host.url.starts_with("https://127.0.0.1:"), "{}", setup.settings.host.url);
        assert_eq!(setup.settings.vault.kind, VaultKind::Software);
        assert_eq!(setup.settings.till.listen, "");
        assert_eq!(setup.settings.printer.device, "/dev/ttyS7", "slips come out where they always do");
        assert_eq!(setup.identity_directory().strip_prefix(folder.path().join(FOLDER)), Ok(Path::new("identity")));
        let (parts, _) = training.parts().unwrap();
        assert_eq!(parts.mark, Mark::Training);
        // Nothing else was made or touched in the shop's own directory.
        let there: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(there, [FOLDER]);
    }

    #[test]
    fn a_training_is_not_opened_within_a_training() {
        let folder = tempfile::tempdir().unwrap();
        let training = Training::open(&shop(folder.path())).unwrap();
        assert!(matches!(Training::open(training.setup()), Err(TrainingError::Nested)));
    }
}
