//! What terminals ask about orders: read, decided and written down, each in one database transaction.

use jiff::Zoned;

use super::orders::{self, CodeOrder, NewOrder, NewRefund, OrderState, Way, has_number};
use super::wallets::{self, Presented};
use super::{outcome, shown};
use crate::acquirer::code_payments::{CodeRequest, element, write_elements};
use crate::iso8583::{CodePaymentRules, Dialect, Message};
use crate::money::{Amount, Currency};
use crate::payment::transaction::Kind;
use crate::reference::TraceNumber;
use crate::sandbox::host::books::Books;
use crate::sandbox::host::issuing::CNY;
use crate::sandbox::host::notifications::{self, About, Event};
use crate::sandbox::host::receipts;
use crate::sandbox::host::repeats;
use crate::sandbox::host::rules::{self, Decision, Refusal, format_error};
use crate::sandbox::host::scripts::{self, Script};
use crate::sandbox::host::settling::{adjust, is_settling};
use crate::sandbox::host::store::{Store, StoreError};
use crate::sandbox::host::transactions;

/// Seconds within which a customer types a password.
const PATIENCE_S: i64 = 120;

/// Longest that a code is shown, in seconds.
const LONGEST_SHOWN_S: i64 = 600;

/// Cancellations of [`Script::SilentReversals`] that get no answer.
const SILENT_CANCELS: u32 = 2;

/// Who asks, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    /// Terminal number.
    pub terminal: &'a str,
    /// The merchant's name.
    pub merchant: &'a str,
    /// For an order that is to be shown.
    pub random: &'a [u8; 12],
}

/// A request as it was read.
struct Asked<'a> {
    trace: TraceNumber,
    minor: u64,
    message: &'a Message,
    /// What it tells of goods.
    goods: Option<&'a [u8]>,
    digest: [u8; 32],
}

/// What was decided, and whether it was for the first time.
pub(super) struct Decided {
    pub decision: Decision,
    /// Something was written down by it.
    pub is_new: bool,
}

/// Decides on a request about an order. The same once more is answered by how the order stands.
///
/// # Errors
/// When the database fails; nothing is written down then.
pub(super) fn decide(
    store: &Store,
    dialect: &Dialect,
    asker: Asker<'_>,
    request: CodeRequest,
    message: &Message,
    now: &Zoned,
) -> Result<Decided, StoreError> {
    let (rules, asked) = match (&dialect.code_payments, read(dialect, message)) {
        (Some(rules), Ok(asked)) => (rules, asked),
        (None, _) => return Ok(refused(format_error("no payments by code"))),
        (_, Err(refusal)) => return Ok(refused(refusal)),
    };
    store.transaction(|books| {
        orders::close_what_is_over(books, now.timestamp().as_second())?;
        match request {
            CodeRequest::Pay => pay(books, rules, asker, &asked, now),
            CodeRequest::Open => open(books, rules, asker, &asked, now),
            CodeRequest::Enquire => enquire(books, rules, asker, &asked),
            CodeRequest::Cancel => cancel(books, rules, asker, &asked, now),
            CodeRequest::Refund => refund(books, asker, &asked, now),
        }
    })
}

/// How an order or a refund stands that this very request made, if it did.
///
/// # Errors
/// When the database fails.
pub(super) fn answered_before(
    store: &Store,
    dialect: &Dialect,
    terminal: &str,
    request: CodeRequest,
    message: &Message,
    now: &Zoned,
) -> Result<Option<Decision>, StoreError> {
    let (Some(rules), Ok(asked)) = (&dialect.code_payments, read(dialect, message)) else { return Ok(None) };
    store.transaction(|books| {
        orders::close_what_is_over(books, now.timestamp().as_second())?;
        match request {
            CodeRequest::Pay | CodeRequest::Open => {
                let order = orders::of_number(books, terminal, asked.trace)?;
                Ok(order.filter(|order| asked.made(order)).map(|order| told(rules, &order)))
            }
            CodeRequest::Refund => repeated_refund(books, terminal, &asked),
            CodeRequest::Enquire | CodeRequest::Cancel => Ok(None),
        }
    })
}

impl Asked<'_> {
    fn made(&self, order: &CodeOrder) -> bool {
        order.request.as_deref() == Some(&self.digest)
    }

    /// Whether the order is the one that is meant: of the same amount, and made at the same moment.
    fn means(&self, order: &CodeOrder) -> bool {
        order.amount.minor() == self.minor && (order.moment.is_none() || order.moment == moment(self.message))
    }
}

/// When a request says that its order was made: MMDDhhmmss.
fn moment(message: &Message) -> Option<String> {
    Some(format!("{}{}", message.text(13)?, message.text(12)?))
}

fn read<'a>(dialect: &Dialect, message: &'a Message) -> Result<Asked<'a>, Refusal> {
    let (trace, minor) = (transactions::trace(message)?, rules::amount(message)?);
    if minor == 0 {
        return Err(Refusal { response_code: "13", reason: "an amount of nothing".to_owned() });
    }
    if message.text(49) != Some(CNY) {
        return Err(Refusal { response_code: "12", reason: "only CNY is taken".to_owned() });
    }
    let goods = receipts::told(dialect, message, minor)?;
    Ok(Asked { trace, minor, message, goods, digest: repeats::content(message) })
}

fn refused(refusal: Refusal) -> Decided {
    Decided { decision: refusal.into(), is_new: false }
}

fn says(code: &str, reason: impl Into<String>) -> Decision {
    Decision { response_code: code.to_owned(), reason: reason.into(), ..Decision::default() }
}

/// The answer to the request that made an order.
fn told(rules: &CodePaymentRules, order: &CodeOrder) -> Decision {
    let tags = &rules.elements;
    let is_shown = order.way == Way::Shown && order.state == OrderState::Open;
    let elements: Vec<(&str, &str)> = [
        (tags.code.as_str(), order.code.as_deref().filter(|_| is_shown)),
        (tags.voucher.as_str(), order.voucher.as_deref().filter(|_| order.state == OrderState::Paid)),
    ]
    .into_iter()
    .filter_map(|(tag, value)| Some((tag, value?)))
    .collect();
    Decision {
        rrn: Some(order.rrn.clone()),
        elements: (!elements.is_empty()).then(|| write_elements(&elements)),
        // That it is open is what was asked for.
        ..says(if is_shown { "00" } else { &order.outcome }, order.reason.clone())
    }
}

/// An order by its number, where the request is the one that made it; or why the number is not free.
fn known(
    books: &Books<'_>,
    rules: &CodePaymentRules,
    asker: Asker<'_>,
    asked: &Asked<'_>,
) -> Result<Option<Decided>, StoreError> {
    let taken = |reason: String| Ok(Some(Decided { decision: says("94", reason), is_new: false }));
    if let Some(order) = orders::of_number(books, asker.terminal, asked.trace)? {
        if asked.made(&order) {
            let decision = Decision { is_repeat: true, ..told(rules, &order) };
            return Ok(Some(Decided { decision, is_new: false }));
        }
        return taken(format!("{} was used before, or cancelled before it came", asked.trace));
    }
    let of_something_else = books.entry(asker.terminal, asked.trace)?.is_some()
        || orders::refund_of_number(books, asker.terminal, asked.trace)?.is_some();
    if of_something_else {
        return taken(format!("{} was used before", asked.trace));
    }
    Ok(if is_settling(books, asker.terminal, asked.trace.batch)? { Some(settled(asked)) } else { None })
}

/// No payment comes into a batch that is settled.
fn settled(asked: &Asked<'_>) -> Decided {
    Decided { decision: says("12", format!("batch {} is settled", asked.trace.batch)), is_new: false }
}

/// What becomes of a new order.
struct Verdict<'a> {
    way: Way,
    state: OrderState,
    outcome: &'a str,
    reason: &'a str,
    wallet: Option<&'a str>,
    expires_at: i64,
    token: Option<&'a str>,
    code: Option<&'a str>,
}

fn write(
    books: &Books<'_>,
    asker: Asker<'_>,
    asked: &Asked<'_>,
    verdict: &Verdict<'_>,
    now: &Zoned,
) -> Result<CodeOrder, StoreError> {
    let moment = moment(asked.message);
    let new = NewOrder {
        terminal: asker.terminal,
        trace: asked.trace,
        moment: moment.as_deref(),
        minor: asked.minor,
        way: verdict.way,
        state: verdict.state,
        outcome: verdict.outcome,
        reason: verdict.reason,
        request: Some(&asked.digest),
        wallet: verdict.wallet,
        expires_at: verdict.expires_at,
        token: verdict.token,
        code: verdict.code,
    };
    receipts::keep(books, asker.terminal, asked.trace, asked.message, asked.goods, now)?;
    orders::write(books, &new, &day_of_rrn(now))
}

/// How all retrieval reference numbers of a day begin.
fn day_of_rrn(now: &Zoned) -> String {
    let today = now.date();
    format!("{:02}{:03}", today.year() % 100, today.day_of_year())
}

/// A customer's code is charged, if it is good; the customer may have to type a password first.
fn pay(
    books: &Books<'_>,
    rules: &CodePaymentRules,
    asker: Asker<'_>,
    asked: &Asked<'_>,
    now: &Zoned,
) -> Result<Decided, StoreError> {
    if let Some(decided) = known(books, rules, asker, asked)? {
        return Ok(decided);
    }
    let Some(code) = element(rules, asked.message, &rules.elements.code) else {
        return Ok(refused(format_error("no code of a customer")));
    };
    let at = now.timestamp().as_second();
    let presented = wallets::presented(books, code, at)?;
    let script = scripts::of(Kind::Sale, asked.minor);
    let declined;
    let (state, outcome, reason, wallet) = match (&presented, script) {
        (_, Script::Decline(code)) => {
            declined = format!("{code:02}");
            (OrderState::Refused, declined.as_str(), "the amount asks for it", None)
        }
        (Err(reason), _) => (OrderState::Refused, outcome::BAD_CODE, *reason, None),
        (Ok(wallet), _) if wallet.asks_for_password(asked.minor) => {
            (OrderState::Open, outcome::NOT_YET, "the customer types a password", Some(wallet))
        }
        (Ok(wallet), _) if wallet.balance < asked.minor => {
            (OrderState::Refused, outcome::TOO_LITTLE, "not enough in the wallet", Some(wallet))
        }
        (Ok(wallet), _) => (OrderState::Paid, outcome::PAID, "paid", Some(wallet)),
    };
    let verdict = Verdict {
        way: Way::Scanned,
        state,
        outcome,
        reason,
        wallet: wallet.map(|wallet| wallet.name.as_str()),
        expires_at: at + PATIENCE_S,
        token: None,
        code: None,
    };
    let order = write(books, asker, asked, &verdict, now)?;
    if let Ok(Presented { .. }) = presented {
        wallets::use_up(books, code, order.id)?;
    }
    if let (OrderState::Paid, Some(wallet)) = (order.state, &order.wallet) {
        wallets::take(books, wallet, asked.minor)?;
        wallets::tell(books, Event::Paid, &order, wallet, asked.minor, at)?;
    }
    Ok(Decided { decision: told(rules, &order), is_new: order.state != OrderState::Refused })
}

/// An order whose code is to be shown.
fn open(
    books: &Books<'_>,
    rules: &CodePaymentRules,
    asker: Asker<'_>,
    asked: &Asked<'_>,
    now: &Zoned,
) -> Result<Decided, StoreError> {
    if let Some(decided) = known(books, rules, asker, asked)? {
        return Ok(decided);
    }
    let valid = element(rules, asked.message, &rules.elements.valid).and_then(|text| text.parse::<i64>().ok());
    let Some(valid_s) = valid.filter(|seconds| (1..=LONGEST_SHOWN_S).contains(seconds)) else {
        return Ok(refused(format_error("for how many seconds the code is shown")));
    };
    let damaged = |problem: String| StoreError::Row(problem);
    let token = shown::token(asker.random);
    let amount = Amount::new(asked.minor, Currency::CNY).map_err(|error| damaged(error.to_string()))?;
    let code = shown::text(asker.merchant, asker.terminal, asked.trace, amount, &token)
        .map_err(|error| damaged(error.to_string()))?;
    let declined;
    let (state, outcome, reason) = match scripts::of(Kind::Sale, asked.minor) {
        Script::Decline(code) => {
            declined = format!("{code:02}");
            (OrderState::Refused, declined.as_str(), "the amount asks for it")
        }
        _ => (OrderState::Open, outcome::NOT_YET, "nobody has scanned it yet"),
    };
    let verdict = Verdict {
        way: Way::Shown,
        state,
        outcome,
        reason,
        wallet: None,
        expires_at: now.timestamp().as_second() + valid_s,
        token: Some(&token),
        code: Some(&code),
    };
    let order = write(books, asker, asked, &verdict, now)?;
    Ok(Decided { decision: told(rules, &order), is_new: state == OrderState::Open })
}

fn enquire(
    books: &Books<'_>,
    rules: &CodePaymentRules,
    asker: Asker<'_>,
    asked: &Asked<'_>,
) -> Result<Decided, StoreError> {
    let tags = &rules.elements;
    let decision = match orders::of_number(books, asker.terminal, asked.trace)? {
        Some(order) if order.way != Way::NeverCame && asked.means(&order) => {
            let voucher = order.voucher.as_deref().filter(|_| order.state == OrderState::Paid);
            let mut elements = vec![(tags.outcome.as_str(), order.outcome.as_str())];
            elements.extend(voucher.map(|voucher| (tags.voucher.as_str(), voucher)));
            Decision {
                rrn: Some(order.rrn.clone()),
                elements: Some(write_elements(&elements)),
                ..says("00", format!("it is {}", order.state.word()))
            }
        }
        Some(_) | None => says(outcome::UNKNOWN, format!("no such order {}", asked.trace)),
    };
    Ok(Decided { decision, is_new: false })
}

/// Closes an order. One that has not come yet is written down as closed, so that it is refused when it comes.
fn cancel(
    books: &Books<'_>,
    rules: &CodePaymentRules,
    asker: Asker<'_>,
    asked: &Asked<'_>,
    now: &Zoned,
) -> Result<Decided, StoreError> {
    let closed = |outcome: &str, reason: &str, rrn: String| Decision {
        rrn: Some(rrn),
        elements: Some(write_elements(&[(&rules.elements.outcome, outcome)])),
        ..says("00", reason)
    };
    let decided = |decision| Ok(Decided { decision, is_new: false });
    let Some(order) = orders::of_number(books, asker.terminal, asked.trace)? else {
        if books.entry(asker.terminal, asked.trace)?.is_some()
            || orders::refund_of_number(books, asker.terminal, asked.trace)?.is_some()
        {
            return decided(says("12", format!("{} is no order", asked.trace)));
        }
        let reason = "cancelled before it came";
        let new = NewOrder {
            terminal: asker.terminal,
            trace: asked.trace,
            moment: None,
            minor: asked.minor,
            way: Way::NeverCame,
            state: OrderState::Closed,
            outcome: outcome::UNKNOWN,
            reason,
            request: None,
            wallet: None,
            expires_at: now.timestamp().as_second(),
            token: None,
            code: None,
        };
        let order = orders::write(books, &new, &day_of_rrn(now))?;
        orders::count_cancel(books, &order)?;
        return decided(closed(outcome::UNKNOWN, reason, order.rrn));
    };
    if !asked.means(&order) {
        return decided(says("12", format!("another order had the number {}", asked.trace)));
    }
    let (was, reason) = match order.state {
        OrderState::Open => {
            orders::settle(books, &order, OrderState::Closed, outcome::NOT_PAID, "cancelled", None)?;
            (outcome::NOT_PAID, "cancelled")
        }
        OrderState::Paid => {
            let back = order.kept()?.minor();
            let wallet = order.wallet.as_deref().unwrap_or_default();
            orders::pay_back(books, &order, outcome::NOT_PAID, "cancelled, and paid back")?;
            wallets::give_back(books, wallet, back)?;
            wallets::tell(books, Event::TakenBack, &order, wallet, back, now.timestamp().as_second())?;
            adjust(books, asker.terminal, order.trace.batch, Kind::CodePayment, back, now.timestamp())?;
            (outcome::PAID, "paid back")
        }
        OrderState::PaidBack => (outcome::PAID, "paid back before"),
        OrderState::Refused | OrderState::Closed => (order.outcome.as_str(), "it was never paid"),
    };
    orders::count_cancel(books, &order)?;
    let silent = scripts::of(Kind::Sale, asked.minor) == Script::SilentReversals && order.cancels < SILENT_CANCELS;
    decided(Decision { silent, ..closed(was, reason, order.rrn.clone()) })
}

/// A part of a paid order goes back, or all of it.
fn refund(books: &Books<'_>, asker: Asker<'_>, asked: &Asked<'_>, now: &Zoned) -> Result<Decided, StoreError> {
    if let Some(decision) = repeated_refund(books, asker.terminal, asked)? {
        return Ok(Decided { decision, is_new: false });
    }
    let used = books.entry(asker.terminal, asked.trace)?.is_some() || has_number(books, asker.terminal, asked.trace)?;
    if used {
        return Ok(Decided { decision: says("94", format!("{} was used before", asked.trace)), is_new: false });
    }
    if is_settling(books, asker.terminal, asked.trace.batch)? {
        return Ok(settled(asked));
    }
    let named = match rules::original(asked.message) {
        Ok(named) => named,
        Err(refusal) => return Ok(refused(refusal)),
    };
    let order = orders::of_number(books, asker.terminal, named)?;
    let (code, reason) = match &order {
        Some(order) => match not_possible(asked, order)? {
            Some((code, reason)) => (code, reason),
            None => match scripts::of(Kind::Refund, asked.minor) {
                Script::Decline(code) => (format!("{code:02}"), "the amount asks for it".to_owned()),
                _ => ("00".to_owned(), format!("refund of {named}")),
            },
        },
        None => (outcome::UNKNOWN.to_owned(), format!("no order {named}")),
    };
    let is_done = code == "00";
    let new = NewRefund {
        terminal: asker.terminal,
        trace: asked.trace,
        order: order.as_ref().map(|order| order.id),
        minor: asked.minor,
        booked: if is_done { asked.minor } else { 0 },
        response_code: &code,
        reason: &reason,
        request: &asked.digest,
    };
    receipts::keep(books, asker.terminal, asked.trace, asked.message, asked.goods, now)?;
    let rrn = orders::write_refund(books, &new, &day_of_rrn(now))?;
    if let (true, Some(wallet)) = (is_done, order.and_then(|order| order.wallet)) {
        wallets::give_back(books, &wallet, asked.minor)?;
        let terminal = asker.terminal;
        let about = About { holder: &wallet, terminal, trace: asked.trace, minor: asked.minor, rrn: &rrn };
        notifications::queue(books, Event::GivenBack, &about, now.timestamp().as_second())?;
    }
    Ok(Decided { decision: Decision { rrn: Some(rrn), ..says(&code, reason) }, is_new: is_done })
}

/// Whether nothing, or not so much, can go back of an order.
fn not_possible(asked: &Asked<'_>, order: &CodeOrder) -> Result<Option<(String, String)>, StoreError> {
    let trace = order.trace;
    let no = |code: &str, reason: String| Ok(Some((code.to_owned(), reason)));
    let named = asked.message.text(61).and_then(|text| text.get(12..16));
    let day = order.moment.as_deref().and_then(|moment| moment.get(..4));
    if day.is_some() && day != named {
        return no(outcome::UNKNOWN, format!("another order had the number {trace}"));
    }
    if asked.message.text(37).is_some_and(|rrn| rrn != order.rrn) {
        return no(outcome::UNKNOWN, format!("another order had the number {trace}: the reference is not its"));
    }
    match order.state {
        OrderState::Paid => {}
        OrderState::PaidBack => return no("12", format!("{trace} was cancelled")),
        OrderState::Open | OrderState::Refused | OrderState::Closed => {
            return no(outcome::UNKNOWN, format!("{trace} was never paid"));
        }
    }
    let left = order.kept()?.minor();
    if asked.minor > left {
        return no("13", format!("{} is more than the {left} that are left of {trace}", asked.minor));
    }
    Ok(None)
}

fn repeated_refund(books: &Books<'_>, terminal: &str, asked: &Asked<'_>) -> Result<Option<Decision>, StoreError> {
    let before = orders::refund_of_number(books, terminal, asked.trace)?;
    Ok(before.filter(|before| before.request == asked.digest).map(|before| Decision {
        rrn: Some(before.rrn),
        is_repeat: true,
        ..says(&before.response_code, format!("the same request again; {}", before.reason))
    }))
}
