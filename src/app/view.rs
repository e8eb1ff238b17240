//! What the shell and a screen say to each other. A screen shows a [`View`] and sends [`Intent`]s; it decides nothing.

use jiff::civil::DateTime;

use super::cash_view::{CashIntent, CashView};
use super::instalments_view::{InstalmentsIntent, InstalmentsShown, InstalmentsView};
use super::purchase_view::{PurchaseIntent, PurchaseView};
use super::receipt_view::ReceiptView;
use super::seek_view::{SeekIntent, Sought};
use super::settlement_view::{SettlementIntent, SettlementView};
use super::shop_view::{CartView, FoundView, ShopIntent, ShopView};
use super::signing::SignIntent;
use super::staff_view::{DutyView, StaffIntent, StaffView};
use super::till::TillIntent;
use super::tip_view::{TipIntent, TipView};
use crate::acquirer::enrolment;
use crate::acquirer::enrolment::wire::ActivationCode;
use crate::card_number::{CardNumberError, StripeError, Swipe, TypedCard};
use crate::devices::scanner::ScannedText;
use crate::money::{Amount, Currency};
use crate::payment::cash::CashKind;
use crate::payment::instalments::Instalments;
use crate::payment::purpose::Purpose;
use crate::payment::qr::{CodeError, PaymentCode};
use crate::payment::queue::{Act, Kind, Standing};
use crate::payment::transaction;
use crate::pin::Pin;
use crate::receipt::CopyFor;
use crate::reference::{AuthorisationCode, Rrn, TraceNumber};
use crate::terminal::mark::Mark;
use crate::till::request::Display;
use crate::wording::{Language, Reason};

/// What a person at the terminal wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Take a payment.
    Charge(Amount),
    /// Begin something else with a card.
    Begin(Purpose),
    /// Sell offline what could not be paid because the host is not reached.
    SellOffline,
    /// Leave the payment while that is still possible.
    Cancel,
    /// Pay with this code instead of the card that is asked for; or what was scanned is none. It masks itself: an intent may be logged.
    PayByScanned(Result<PaymentCode, CodeError>),
    /// Show a code for the customer's phone instead.
    PayByShown,
    /// The code that is shown is wanted on paper too.
    PrintCode,
    /// A card was swiped, or something that cannot be used. It masks itself: an intent may be logged.
    Swiped(Result<Swipe, StripeError>),
    /// Type the number of the card that is asked for instead of reading it.
    TypeNumber,
    /// Number and expiry of the card, or something that is none. It masks itself: an intent may be logged.
    NumberTyped(Result<TypedCard, CardNumberError>),
    /// The PIN that was typed on the screen. It masks itself: an intent may be logged.
    EnterPin(Pin),
    /// Go on without a PIN, where the screen says that this is possible.
    BypassPin,
    /// Pay with this one of the applications on screen, counted from 0.
    ChooseApplication(usize),
    /// Whether the cardholder agrees to the application on screen.
    ConfirmApplication(bool),
    /// Leave the result and go back to the keypad.
    NextCustomer,
    /// The answer to "Did it print?".
    DidItPrint {
        /// Whose copy was asked about.
        copy: CopyFor,
        /// What the cashier saw.
        printed: bool,
    },
    /// Print the slips of the result on screen that failed, once more.
    RetryPrint,
    /// Print copies of a finished transaction again, marked as duplicates.
    Reprint(TraceNumber),
    /// Show one transaction, and what can be done with it.
    ShowTransaction(TraceNumber),
    /// Show a slip of a transaction as it is on paper.
    ShowReceipt(TraceNumber, CopyFor),
    /// Back from it.
    LeaveReceipt,
    /// Show a page of transactions, counted from 0, newest first.
    ShowTransactions(usize),
    /// Show a page of the queue, counted from 0.
    ShowQueue(usize),
    /// Send what waits for the host at once, and print what should have been printed.
    TryQueueNow,
    /// Decide about an entry of the queue that was given up. Whoever sends this has been asked twice.
    Decide(TraceNumber, Act),
    /// Enrol the terminal by this code. It masks itself: an intent may be logged.
    Enrol(ActivationCode),
    /// Settle the batch. Whoever sends this has been asked twice.
    Settle {
        /// Do not wait for what people have not decided about.
        without_undecided: bool,
    },
    /// Look for payments.
    Seek(SeekIntent),
    /// The customer has chosen a tip, or none.
    Tip(TipIntent),
    /// Pay by instalments, or what came of being asked in how many.
    Instalments(InstalmentsIntent),
    /// Do something else with settlements, or see the account.
    Settlement(SettlementIntent),
    /// Do something with the purchase that is paid in parts.
    Purchase(PurchaseIntent),
    /// Do something with goods or the cart.
    Shop(ShopIntent),
    /// A scanner has read this; what it means is decided by where the terminal stands. It masks itself: an intent may be logged.
    Scanned(ScannedText),
    /// Sign on the screen, or with a pen.
    Sign(SignIntent),
    /// Take cash, or open the drawer.
    Cash(CashIntent),
    /// Do what a till wants.
    Till(TillIntent),
    /// Sign on or off, give a right, or do something with people and the shift.
    Staff(StaffIntent),
    /// Train, or do what a customer does in a training.
    Training(TrainingIntent),
    /// Back to the keypad from wherever that is possible.
    ShowKeypad,
}

/// What is wished of the training, or in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainingIntent {
    /// Leave the shop for the training.
    Begin,
    /// Leave the training for the shop.
    End,
    /// Put a card of the training into its reader.
    Insert(TrainingCard),
    /// The customer's phone shows a code, and it is scanned.
    Scan,
    /// The customer pays by phone what waits for it.
    Pay,
    /// The engine has come to [`Screen::Turning`]: now it can be left.
    Turned(Turn),
    /// It could not be left.
    Failed(Reason),
}

/// The cards of the training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrainingCard {
    /// Asks for nothing.
    Plain,
    /// Asks for a PIN, which is 1234.
    WithPin,
    /// Asks for a signature.
    WithSignature,
    /// Is no longer valid.
    Expired,
}

impl TrainingCard {
    /// The name of its profile.
    pub const fn profile(self) -> &'static str {
        match self {
            Self::Plain => "unionpay-debit",
            Self::WithPin => "cvm-online-pin",
            Self::WithSignature => "cvm-signature",
            Self::Expired => "expired",
        }
    }
}

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// From the shop to the training.
    ToTraining,
    /// Back.
    ToTheShop,
}

/// Everything a screen needs to draw itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Which screen, with what it shows.
    pub screen: Screen,
    /// Of what kind the transaction is that the screen speaks of.
    pub kind: transaction::Kind,
    /// The chip at the top right.
    pub link: LinkState,
    /// Payments that are still to be taken back, said beside it: until then no new one begins.
    pub waiting: usize,
    /// Entries of the queue that are open, of any kind.
    pub queued: usize,
    /// Name of the shop.
    pub merchant_name: String,
    /// Currency of the keypad.
    pub currency: Currency,
    /// What must be said of it on every screen.
    pub mark: Mark,
    /// What is on the screen can be paid by code as well.
    pub codes: bool,
    /// What is to be paid now may be sold without asking the host.
    pub offline: bool,
    /// In which ways the card that is asked for may come.
    pub ways: CardWays,
    /// What of goods and cart any screen may need.
    pub shop: ShopView,
    /// What a till shows to the customer while nobody pays.
    pub display: Option<Display>,
    /// Who is signed on.
    pub duty: DutyView,
    /// What of instalments any screen may need.
    pub instalments: InstalmentsShown,
    /// Why a scan was of no use; for a moment.
    pub scan_note: Option<Reason>,
}

/// In which ways a card that is asked for may come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CardWays {
    /// Into the reader, chip first.
    pub chip: bool,
    /// Swiped.
    pub stripe: bool,
    /// Its number can be typed.
    pub typed: bool,
}

/// The screens, with their content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The keypad, with a notice above it when something waits for the cashier.
    Keypad {
        /// Why a payment cannot begin now, or could not.
        notice: Option<Reason>,
    },
    /// The customer is asked for a card.
    PresentCard {
        /// To be paid.
        amount: Amount,
        /// What was wrong with the last attempt.
        notice: Option<Reason>,
    },
    /// Number and expiry of the card are typed.
    TypeNumber {
        /// To be paid.
        amount: Amount,
        /// What was wrong with what was typed.
        notice: Option<Reason>,
    },
    /// The cardholder is asked for a PIN.
    EnterPin {
        /// To be paid; it stays in sight.
        amount: Amount,
        /// The PIN before was wrong, or this is the last try.
        notice: Option<Reason>,
        /// Where it is entered.
        place: PinPlace,
        /// The cardholder may go on without.
        may_bypass: bool,
        /// What the card says its holder reads (EMV 4.4 Book 4, 11.1).
        language: Option<Language>,
    },
    /// The card has several applications: the cardholder chooses (EMV 4.4 Book 4, 11.3).
    ChooseApplication {
        /// To be paid.
        amount: Amount,
        /// Their names, the card's favourite first; no two are the same.
        applications: Vec<String>,
    },
    /// The card's application may be used with the cardholder's consent only (EMV 4.4 Book 1, 12.4).
    ConfirmApplication {
        /// To be paid.
        amount: Amount,
        /// Its name.
        application: String,
    },
    /// The customer scans this code with a phone.
    ShowCode {
        /// To be paid.
        amount: Amount,
        /// What the QR code says.
        code: String,
        /// Local time until which it can be paid.
        valid_until: Option<DateTime>,
        /// Whether it is on paper too.
        paper: CodePaper,
    },
    /// Something is going on that takes time.
    Processing {
        /// To be paid.
        amount: Amount,
        /// What.
        progress: Progress,
    },
    /// Paid.
    Approved {
        /// Batch and STAN.
        trace: TraceNumber,
        /// What was paid.
        amount: Amount,
        /// Card number, first six and last four.
        truncated_pan: String,
        /// Authorisation code.
        authorisation_code: String,
        /// The slips.
        copies: Vec<CopyView>,
        /// The customer's link to the e-receipt, where there is one.
        receipt: Option<String>,
        /// Local time.
        at: DateTime,
    },
    /// Paid; the cardholder is asked to sign on this screen before the slips are printed.
    Sign {
        /// What was paid; it stays in sight.
        amount: Amount,
        /// What was drawn so far is no signature.
        too_little: bool,
        /// What the card says its holder reads.
        language: Option<Language>,
    },
    /// A purchase of which a part is paid, or that is being taken back.
    Purchase(Box<PurchaseView>),
    /// Not paid, and certainly so.
    NotPaid {
        /// What would have been paid.
        amount: Amount,
        /// Why, and what to do.
        reason: Reason,
        /// Local time.
        at: DateTime,
    },
    /// The result is not known; the terminal is taking the payment back, or a person must look.
    Unknown {
        /// What may have been paid.
        amount: Amount,
        /// Why it is not known.
        reason: Reason,
        /// Tries so far.
        tries: u32,
        /// Local time of the next try; none when the tries are used up and a person must look.
        next_try: Option<DateTime>,
    },
    /// One page of transactions.
    Transactions {
        /// The rows, newest first.
        rows: Vec<TransactionRow>,
        /// Page shown, from 0.
        page: usize,
        /// How many pages there are, at least 1.
        pages: usize,
        /// Approved today: how many.
        count_today: usize,
        /// Approved today: how much.
        total_today: Amount,
        /// How often something went back today: voids and refunds.
        count_back: usize,
        /// How much that was.
        total_back: Amount,
        /// The slips being printed again, if any.
        copies: Vec<CopyView>,
        /// What they were looked for by; nothing, where they are all there are.
        sought: Option<Sought>,
    },
    /// The customer is asked for a tip.
    Tip(Box<TipView>),
    /// The customer is asked in how many periods.
    Instalments(Box<InstalmentsView>),
    /// What payments are looked for by is typed.
    Seek {
        /// What came of the last try.
        notice: Option<Reason>,
    },
    /// One transaction, and what can be done with it.
    Transaction(Box<Detail>),
    /// One of its slips, as it is on paper.
    Receipt(Box<ReceiptView>),
    /// The terminal is not enrolled: it asks for the acquirer's activation code.
    Enrol {
        /// Serial number of the machine; empty when it has none.
        serial_number: String,
        /// How far an enrolment is; nothing while the code is typed.
        progress: Option<enrolment::Progress>,
        /// What became of the last one.
        notice: Option<Reason>,
    },
    /// The cart.
    Cart(Box<CartView>),
    /// Cash.
    Cash(Box<CashView>),
    /// Goods that were looked for.
    Goods(Box<FoundView>),
    /// Settlements, and the merchant's account.
    Settlement(Box<SettlementView>),
    /// Somebody's code, everybody, or the shift.
    Staff(Box<StaffView>),
    /// One page of the queue.
    Queue {
        /// What a person must look at, then what waits, in its order.
        rows: Vec<QueueRow>,
        /// Page shown, from 0.
        page: usize,
        /// How many pages there are, at least 1.
        pages: usize,
        /// How many entries the host must still get.
        waiting: usize,
        /// How many a person must look at.
        parked: usize,
        /// The host is being asked about one of them now.
        under_way: bool,
    },
    /// The training is opened, or the shop again.
    Turning(Turn),
    /// The terminal cannot trade at all.
    OutOfService {
        /// Why, and what to do.
        reason: Reason,
    },
}

/// Where a PIN is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinPlace {
    /// On this screen, which says that it is for tests only. Digits are never shown and never leave the screen but as
    /// [`Intent::EnterPin`].
    Screen {
        /// Which digit stands on which key, from top left to bottom right.
        keys: [u8; 10],
    },
    /// At the card reader's own pad, which shows what it needs and minds the time.
    Reader,
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The chip is being read: leave the card in.
    ReadingCard,
    /// The host is being asked.
    AskingHost,
    /// The card has its last word: leave it in.
    CompletingCard,
    /// The customer has something to do on the phone, or nobody knows yet.
    WaitingForCustomer,
    /// An order that is not paid is being closed.
    ClosingOrder,
    /// The host is asked about a payment by code that was interrupted.
    AskingAboutEarlier,
    /// An earlier payment is being taken back first.
    ReversingEarlier,
    /// The terminal signs on at the host first.
    SigningOn,
    /// It is not known yet whether the terminal's time is the host's; nothing has been asked of it. Leave the card in.
    ComparingClocks,
}

/// A slip and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyView {
    /// Whose.
    pub copy: CopyFor,
    /// How far.
    pub state: CopyState,
}

/// Life of a slip (design: `queued → sending → sent_unconfirmed → printed | failed`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// Waits for its turn.
    Queued,
    /// On its way to the printer.
    Sending,
    /// The printer stopped in the middle and goes on when the trouble is over.
    Waiting(Reason),
    /// Sent, nothing confirmed: "Did it print?"; with what stopped the printer, if anything did.
    Asks(Option<Reason>),
    /// The printer said so, or the cashier did.
    Printed,
    /// Not printed.
    Failed(Reason),
}

/// Rows of one page that every screen shows without scrolling.
pub const ROWS_PER_PAGE: usize = 6;

/// One row of the transactions screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRow {
    /// What it was.
    pub kind: RowKind,
    /// Batch and STAN.
    pub trace: TraceNumber,
    /// Local time.
    pub at: DateTime,
    /// Amount.
    pub amount: Amount,
    /// Card number, first six and last four; empty when no card was read.
    pub truncated_pan: String,
    /// Where it stands.
    pub state: RowState,
}

/// What a row was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Something that the host knows, or may know.
    Host(transaction::Kind),
    /// In cash.
    Cash(CashKind),
}

impl From<transaction::Kind> for RowKind {
    fn from(kind: transaction::Kind) -> Self {
        Self::Host(kind)
    }
}

/// Where a transaction stands, as far as a row shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// Running now.
    Pending,
    /// Paid.
    Approved,
    /// Not paid.
    Declined,
    /// Being taken back.
    ReversalDue,
    /// Taken back.
    Reversed,
    /// Neither paid nor taken back for certain: the operator must look.
    Unresolved,
}

/// One transaction, and what can be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// As it stands in the list.
    pub row: TransactionRow,
    /// The earlier one that it was about.
    pub original: Option<TraceNumber>,
    /// Field 37.
    pub rrn: Option<Rrn>,
    /// Field 38.
    pub authorisation_code: Option<AuthorisationCode>,
    /// How it is paid, where that is by instalments: then it goes back as a whole or not at all.
    pub instalments: Option<Instalments>,
    /// Who took or gave it: number and name; empty where nobody signs on.
    pub cashier: String,
    /// Why it was not approved.
    pub reason: Option<Reason>,
    /// It can be undone.
    pub can_undo: bool,
    /// The same, though the customer's card is not there.
    pub can_undo_away: bool,
    /// Something of it can go back.
    pub can_refund: bool,
    /// More can be set aside beside it.
    pub can_top_up: bool,
    /// It can be completed.
    pub can_complete: bool,
    /// The same, though the customer's card is not there.
    pub can_complete_away: bool,
    /// The acquirer can be told that it is completed.
    pub can_notify: bool,
    /// Its slips can be printed again.
    pub can_print: bool,
    /// All that can go back, or is set aside with what was added to it.
    pub whole: Option<Amount>,
    /// The most that can go back, or be paid.
    pub most: Option<Amount>,
    /// Its slips.
    pub copies: Vec<CopyView>,
}

/// Whether a code that is shown is on paper too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CodePaper {
    /// Nobody wanted that.
    #[default]
    None,
    /// It is on its way.
    Printing,
    /// The printer stopped in the middle.
    Waiting(Reason),
    /// The printer has it.
    Sent,
    /// The printer did not take it.
    Failed(Reason),
}

/// Rows of one page of the queue; each has something to touch.
pub const QUEUE_ROWS_PER_PAGE: usize = 4;

/// One row of the queue's screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// Its own batch and STAN.
    pub trace: TraceNumber,
    /// What it is.
    pub kind: Kind,
    /// Amount of its payment.
    pub amount: Amount,
    /// Local time of its payment, since when it waits.
    pub at: DateTime,
    /// How it stands.
    pub standing: Standing,
    /// Tries that count.
    pub tries: u32,
    /// Local time of the next try, when it has been tried before.
    pub next_try: Option<DateTime>,
    /// Whether it may be sent again.
    pub may_be_tried_again: bool,
}

/// The chip at the top right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Nothing has been sent yet.
    Untried,
    /// The host answered last time.
    Online,
    /// The host could not be reached.
    Offline,
    /// The host was reached but did not answer.
    HostSilent,
    /// The host answered that it does not take this terminal.
    Refused,
}
