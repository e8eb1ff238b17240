//! What customers hold: wallets with a balance and a password, the codes that they make, and what they do with the orders that wait for
//! them. Every name and number is for tests.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::orders::{self, CodeOrder, OrderState, Way, signed};
use super::{outcome, shown};
use crate::crypto::base64;
use crate::emv::tag;
use crate::emv::tlv::TlvBuilder;
use crate::money::{Amount, Currency};
use crate::qr::merchant::MerchantCodeError;
use crate::qr::networks::Networks;
use crate::sandbox::host::books::Books;
use crate::sandbox::host::notifications::{self, About, Event};
use crate::sandbox::host::settling::is_settling;
use crate::sandbox::host::store::{Store, StoreError};
use crate::sandbox::host::{Host, HostError, random};

/// Seconds for which a code can be paid with, once.
pub const CODE_VALID_S: i64 = 60;

/// Wrong passwords in a row after which an order is over.
const MOST_WRONG: u32 = 3;

/// Name, network, balance and the amount above which it asks for the password 123456.
const FIRST: [(&str, &str, u64, u64); 3] = [
    ("wallet-1", "alipay", 1_000_000, 50_000),
    ("wallet-2", "wechat_pay", 5_000, 100_000),
    ("wallet-3", "unionpay", 200_000, 0),
];

/// The password of every wallet at first.
pub const FIRST_PASSWORD: &str = "123456";

/// A wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// What it is called.
    pub name: String,
    /// Whose it is, by the word of the network.
    pub network: String,
    /// What it holds, in minor units of CNY.
    pub balance: u64,
    /// Above this amount it asks for its password.
    pub asks_above: u64,
}

/// How a code is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The network's digits.
    Number,
    /// EMV QRCPS Consumer-Presented Mode.
    Emv,
}

/// What came of a customer's wish to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paying {
    /// It is paid.
    Paid,
    /// The password is needed.
    PasswordNeeded,
    /// It is another password.
    WrongPassword,
    /// It was another one too often: the order is over.
    TooManyWrong,
    /// The wallet holds too little.
    TooLittle,
    /// Nobody can pay it any more, or somebody else pays it.
    Over,
}

/// Why a customer cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// No wallet is called so.
    #[error("no wallet is called {0}; yima sandbox wallet list names them")]
    NoWallet(String),
    /// No order has that name.
    #[error("no order that waits for a customer has that name")]
    NoOrder,
    /// Not a code of this host.
    #[error("that code is of no order of this sandbox host")]
    OtherCode,
    /// Not a code.
    #[error(transparent)]
    Code(#[from] MerchantCodeError),
    /// The wallet's network has no codes of that form.
    #[error("{0} has no codes of that form")]
    NoForm(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No random numbers, or the host's files.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl Paying {
    /// The word in JSON and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::PasswordNeeded => "password_needed",
            Self::WrongPassword => "wrong_password",
            Self::TooManyWrong => "too_many_wrong_passwords",
            Self::TooLittle => "too_little",
            Self::Over => "over",
        }
    }
}

/// A wallet whose code was presented.
#[derive(Debug)]
pub(super) struct Presented {
    pub name: String,
    pub balance: u64,
    asks_above: u64,
}

impl Presented {
    pub fn asks_for_password(&self, minor: u64) -> bool {
        minor > self.asks_above
    }
}

/// The wallet of a code that can be paid with; or why there is none.
pub(super) fn presented(
    books: &Books<'_>,
    code: &str,
    now: i64,
) -> Result<Result<Presented, &'static str>, StoreError> {
    let found = books
        .connection()
        .query_row(
            "SELECT name, balance, asks_above, expires_at, used_by FROM wallet_codes JOIN wallets ON wallet = name
             WHERE code = ?1",
            [code],
            |row| {
                let numbers: (i64, i64, i64, Option<i64>) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                Ok((row.get::<_, String>(0)?, numbers))
            },
        )
        .optional()?;
    Ok(match found {
        None => Err("nobody's code"),
        Some((_, (.., Some(_)))) => Err("the code was used before"),
        Some((_, (_, _, expires_at, None))) if expires_at <= now => Err("the code is too old"),
        Some((name, (balance, asks_above, ..))) => {
            Ok(Presented { name, balance: unsigned(balance)?, asks_above: unsigned(asks_above)? })
        }
    })
}

/// A code is paid with once.
pub(super) fn use_up(books: &Books<'_>, code: &str, order: i64) -> Result<(), StoreError> {
    books.connection().execute("UPDATE wallet_codes SET used_by = ?2 WHERE code = ?1", params![code, order])?;
    Ok(())
}

/// Takes money out of a wallet; the database refuses to take more than there is.
pub(super) fn take(books: &Books<'_>, wallet: &str, minor: u64) -> Result<(), StoreError> {
    let sql = "UPDATE wallets SET balance = balance - ?2 WHERE name = ?1";
    changed_one(books.connection().execute(sql, params![wallet, signed(minor)?])?)
}

/// Puts it back.
pub(super) fn give_back(books: &Books<'_>, wallet: &str, minor: u64) -> Result<(), StoreError> {
    let sql = "UPDATE wallets SET balance = balance + ?2 WHERE name = ?1";
    changed_one(books.connection().execute(sql, params![wallet, signed(minor)?])?)
}

/// The owner of a wallet is told what happened to an order.
pub(super) fn tell(
    books: &Books<'_>,
    event: Event,
    order: &CodeOrder,
    wallet: &str,
    minor: u64,
    now: i64,
) -> Result<(), StoreError> {
    let about = About { holder: wallet, terminal: &order.terminal, trace: order.trace, minor, rrn: &order.rrn };
    notifications::queue(books, event, &about, now)
}

fn changed_one(changed: usize) -> Result<(), StoreError> {
    if changed == 1 { Ok(()) } else { Err(StoreError::Row("an order of a wallet that is not there".to_owned())) }
}

fn unsigned(number: i64) -> Result<u64, StoreError> {
    number.try_into().map_err(|_| StoreError::Row("a wallet that holds less than nothing".to_owned()))
}

fn set_wrong(books: &Books<'_>, wallet: &str, wrong: u32) -> Result<(), StoreError> {
    changed_one(books.connection().execute("UPDATE wallets SET wrong = ?2 WHERE name = ?1", params![wallet, wrong])?)
}

/// A wallet, with its password and how many wrong ones came in a row.
fn with_password(books: &Books<'_>, name: &str) -> Result<(Wallet, String, u32), WalletError> {
    let sql = "SELECT network, balance, asks_above, password, wrong FROM wallets WHERE name = ?1";
    let found = books
        .connection()
        .query_row(sql, [name], |row| {
            let numbers: (i64, i64) = (row.get(1)?, row.get(2)?);
            Ok((row.get(0)?, numbers, row.get(3)?, row.get(4)?))
        })
        .optional()
        .map_err(StoreError::from)?;
    let (network, (balance, asks_above), password, wrong) =
        found.ok_or_else(|| WalletError::NoWallet(name.to_owned()))?;
    let (balance, asks_above) = (unsigned(balance)?, unsigned(asks_above)?);
    Ok((Wallet { name: name.to_owned(), network, balance, asks_above }, password, wrong))
}

impl Store {
    /// The wallets that every host has at first; those that are there keep what they hold.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub(in crate::sandbox::host) fn make_wallets(&self) -> Result<(), StoreError> {
        for (name, network, balance, asks_above) in FIRST {
            self.connection().execute(
                "INSERT INTO wallets (name, network, balance, password, asks_above) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (name) DO NOTHING",
                params![name, network, signed(balance)?, FIRST_PASSWORD, signed(asks_above)?],
            )?;
        }
        Ok(())
    }

    /// All wallets, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn wallets(&self) -> Result<Vec<Wallet>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare("SELECT name, network, balance, asks_above FROM wallets ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            let numbers: (i64, i64) = (row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, row.get(1)?, numbers))
        })?;
        let mut wallets = Vec::new();
        for row in rows {
            let (name, network, (balance, asks_above)) = row?;
            wallets.push(Wallet { name, network, balance: unsigned(balance)?, asks_above: unsigned(asks_above)? });
        }
        Ok(wallets)
    }

    /// Keeps a code that a wallet has made.
    pub(super) fn keep_code(&self, wallet: &str, code: &str, expires_at: i64) -> Result<(), StoreError> {
        self.connection().execute(
            "INSERT INTO wallet_codes (code, wallet, expires_at) VALUES (?1, ?2, ?3)",
            params![code, wallet, expires_at],
        )?;
        Ok(())
    }

    /// A customer wants to pay an order.
    pub(super) fn pay_order(
        &self,
        wallet: &str,
        order: &OrderName,
        password: Option<&str>,
        now: Timestamp,
    ) -> Result<Paying, WalletError> {
        self.work(now, |books| {
            let (wallet, right, wrong) = with_password(books, wallet)?;
            let order = order.of(books)?;
            // Nothing comes into a batch that is settled: it would be paid, and posted to nobody.
            if !may_pay(&order, &wallet) || is_settling(books, &order.terminal, order.trace.batch)? {
                return Ok(Paying::Over);
            }
            let minor = order.amount.minor();
            if minor > wallet.asks_above {
                let Some(password) = password else { return Ok(Paying::PasswordNeeded) };
                if password != right {
                    if wrong + 1 < MOST_WRONG {
                        set_wrong(books, &wallet.name, wrong + 1)?;
                        return Ok(Paying::WrongPassword);
                    }
                    set_wrong(books, &wallet.name, 0)?;
                    refuse(books, &order, &wallet, outcome::PASSWORD_TRIES, "too many wrong passwords")?;
                    return Ok(Paying::TooManyWrong);
                }
                set_wrong(books, &wallet.name, 0)?;
            }
            if wallet.balance < minor {
                refuse(books, &order, &wallet, outcome::TOO_LITTLE, "not enough in the wallet")?;
                return Ok(Paying::TooLittle);
            }
            orders::settle(books, &order, OrderState::Paid, outcome::PAID, "paid", Some(&wallet.name))?;
            take(books, &wallet.name, minor)?;
            tell(books, Event::Paid, &order, &wallet.name, minor, now.as_second())?;
            Ok(Paying::Paid)
        })
    }

    /// A customer does not want to pay. Says whether the order is over by that.
    pub(super) fn refuse_order(&self, wallet: &str, order: &OrderName, now: Timestamp) -> Result<bool, WalletError> {
        self.work(now, |books| {
            let (wallet, ..) = with_password(books, wallet)?;
            let order = order.of(books)?;
            if !may_pay(&order, &wallet) {
                return Ok(false);
            }
            refuse(books, &order, &wallet, outcome::NOT_PAID, "the customer does not want to")?;
            Ok(order.way == Way::Scanned)
        })
    }

    /// Orders that wait: for this customer's password, or for anybody who scans them.
    fn waiting(&self, wallet: Option<&str>, now: Timestamp) -> Result<Vec<CodeOrder>, WalletError> {
        self.work(now, |books| {
            let all = orders::all(books)?.into_iter().filter(|order| order.state == OrderState::Open);
            Ok(all.filter(|order| order.wallet.as_deref() == wallet).collect())
        })
    }

    /// As [`Store::transaction`], with errors of this module.
    fn work<T>(
        &self,
        now: Timestamp,
        work: impl FnOnce(&Books<'_>) -> Result<T, WalletError>,
    ) -> Result<T, WalletError> {
        let mut refusal = None;
        let done = self.transaction(|books| {
            orders::close_what_is_over(books, now.as_second())?;
            Ok(match work(books) {
                Ok(done) => Some(done),
                Err(WalletError::Store(error)) => return Err(error),
                Err(error) => {
                    refusal = Some(error);
                    None
                }
            })
        })?;
        match (done, refusal) {
            (Some(done), _) => Ok(done),
            (None, refusal) => Err(refusal.unwrap_or(WalletError::NoOrder)),
        }
    }
}

/// Whether this customer may pay this order: anybody whom it is shown to, or the one whose code was scanned.
fn may_pay(order: &CodeOrder, wallet: &Wallet) -> bool {
    order.state == OrderState::Open && order.wallet.as_deref().is_none_or(|named| named == wallet.name)
}

/// What one customer cannot pay or does not want to is over when it was that customer's code; a code that is shown is for the next one.
fn refuse(
    books: &Books<'_>,
    order: &CodeOrder,
    wallet: &Wallet,
    outcome: &str,
    reason: &str,
) -> Result<(), StoreError> {
    match order.way {
        Way::Scanned => orders::settle(books, order, OrderState::Refused, outcome, reason, Some(&wallet.name)),
        Way::Shown | Way::NeverCame => Ok(()),
    }
}

/// What names an order to a customer: the token in its code, or its row where the customer's own code was scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderName(String);

impl OrderName {
    /// Takes a name as the page or the command has it.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name of an order.
    pub(super) fn name(order: &CodeOrder) -> Self {
        Self(order.token.clone().unwrap_or_else(|| format!("order-{}", order.id)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(&self, books: &Books<'_>) -> Result<CodeOrder, WalletError> {
        let found = match self.0.strip_prefix("order-").and_then(|id| id.parse::<i64>().ok()) {
            Some(id) => orders::all(books)?.into_iter().find(|order| order.id == id && order.token.is_none()),
            None => orders::of_token(books, &self.0)?,
        };
        found.ok_or(WalletError::NoOrder)
    }
}

/// An order as a customer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// What names it.
    pub name: OrderName,
    /// Who wants the money, as the code says it.
    pub merchant: Option<String>,
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub state: OrderState,
    /// The code that is shown for it.
    pub code: Option<String>,
}

impl Bill {
    fn of(order: &CodeOrder) -> Self {
        let code = order.code.clone();
        let merchant = code.as_deref().and_then(|code| shown::read(code).ok().flatten()).map(|(_, code)| code.name);
        Self { name: OrderName::name(order), merchant, amount: order.amount, state: order.state, code }
    }
}

impl Host {
    /// All wallets, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn wallets(&self) -> Result<Vec<Wallet>, StoreError> {
        self.store.wallets()
    }

    /// One of them.
    ///
    /// # Errors
    /// When none is called so.
    pub fn wallet(&self, name: &str) -> Result<Wallet, WalletError> {
        let found = self.store.wallets()?.into_iter().find(|wallet| wallet.name == name);
        found.ok_or_else(|| WalletError::NoWallet(name.to_owned()))
    }

    /// Makes a code to be scanned, which can be paid with once and for [`CODE_VALID_S`].
    ///
    /// # Errors
    /// When no wallet is called so, its network has no codes of that form, or the database cannot be written.
    pub fn make_code(&self, wallet: &str, form: Form, now: Timestamp) -> Result<String, WalletError> {
        let wallet = self.wallet(wallet)?;
        let code = match form {
            Form::Number => number(&wallet.network)?,
            Form::Emv => emv_code()?,
        };
        self.store.keep_code(&wallet.name, &code, now.as_second() + CODE_VALID_S)?;
        Ok(code)
    }

    /// What a customer sees who scans the code that a terminal shows.
    ///
    /// # Errors
    /// When it is no code, or of no order of this host.
    pub fn scan(&self, text: &str, now: Timestamp) -> Result<Bill, WalletError> {
        let (token, _) = shown::read(text.trim_ascii())?.ok_or(WalletError::OtherCode)?;
        let order = self.store.work(now, |books| orders::of_token(books, &token)?.ok_or(WalletError::OtherCode))?;
        Ok(Bill::of(&order))
    }

    /// A customer pays an order.
    ///
    /// # Errors
    /// When there is no such wallet or order, or the database fails.
    pub fn pay(
        &self,
        wallet: &str,
        order: &OrderName,
        password: Option<&str>,
        now: Timestamp,
    ) -> Result<Paying, WalletError> {
        self.store.pay_order(wallet, order, password, now)
    }

    /// A customer does not want to pay an order. Says whether it is over by that; a code that is shown is for the next one.
    ///
    /// # Errors
    /// When there is no such wallet or order, or the database fails.
    pub fn refuse(&self, wallet: &str, order: &OrderName, now: Timestamp) -> Result<bool, WalletError> {
        self.store.refuse_order(wallet, order, now)
    }

    /// Orders that wait for the password of this customer.
    ///
    /// # Errors
    /// When there is no such wallet, or the database fails.
    pub fn waiting_for(&self, wallet: &str, now: Timestamp) -> Result<Vec<Bill>, WalletError> {
        let wallet = self.wallet(wallet)?;
        Ok(self.store.waiting(Some(&wallet.name), now)?.iter().map(Bill::of).collect())
    }

    /// Orders whose codes terminals show now.
    ///
    /// # Errors
    /// When the database fails.
    pub fn shown(&self, now: Timestamp) -> Result<Vec<Bill>, WalletError> {
        Ok(self.store.waiting(None, now)?.iter().map(Bill::of).collect())
    }
}

/// Digits of the network's, the rest by chance.
fn number(network: &str) -> Result<String, WalletError> {
    let none = || WalletError::NoForm(network.to_owned());
    let networks = Networks::shipped().map_err(|_| none())?;
    let (prefix, length) = networks.named(network).and_then(|network| network.numbers()).ok_or_else(none)?;
    let mut code = prefix.to_owned();
    let random = random::<32>()?;
    code.extend(random.iter().map(|byte| char::from(b'0' + byte % 10)).take(length - prefix.len()));
    Ok(code)
}

/// One application of UnionPay's, and a cryptogram by chance.
fn emv_code() -> Result<String, WalletError> {
    let random = random::<12>()?;
    let (cryptogram, unpredictable) = random.split_at(8);
    let chip = TlvBuilder::new().with(tag::CRYPTOGRAM, cryptogram).with(tag::UNPREDICTABLE_NUMBER, unpredictable);
    let application = TlvBuilder::new()
        .with(tag::Tag(0x4F), &[0xA0, 0, 0, 3, 0x33, 1, 1, 1])
        .with(tag::Tag(0x50), b"YIMA TEST")
        .with_template(tag::Tag(0x63), chip);
    let code = TlvBuilder::new().with(tag::Tag(0x85), b"CPV01").with_template(tag::Tag(0x61), application).build();
    Ok(base64::encode(&code))
}

/// An amount as a customer reads it.
pub fn in_yuan(minor: u64) -> String {
    Amount::new(minor, Currency::CNY).map_or_else(|_| minor.to_string(), Amount::signed)
}
