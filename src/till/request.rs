//! What a till wants: a payment, or something to be shown. JSON comes in, and what is wrong with it is said by name.
//!
//! Amounts are whole minor units with their currency; a number with a point is refused. What is read is written down in one form, so
//! that the same wish in other white space is the same wish.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::name::IdempotencyKey;
use crate::goods::cart::{Cart, CartError};
use crate::goods::sold::Sold;
use crate::goods::{Discount, Good, GoodError, GoodName, GoodNumber, Quantity, TaxRate, Unit};
use crate::money::{Amount, AmountError, Currency, UnknownCurrency};
use crate::payment::instalments::{ByInstalments, InstalmentError, Periods};
use crate::payment::purpose::Purpose;
use crate::payment::transaction::Presence;
use crate::reference::{Batch, ReferenceError, Stan, TraceNumber};

/// Lines of what is shown at most.
pub const MOST_LINES: usize = 200;

/// Characters of a line's name, and of its quantity, at most.
const LONGEST_NAME: usize = 60;
const LONGEST_QUANTITY: usize = 16;

/// What a till wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// The customer pays.
    Sale,
    /// Money of an earlier payment goes back.
    Refund,
    /// An earlier payment of this batch is undone.
    Void,
}

impl Wanted {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
            Self::Void => "void",
        }
    }
}

/// A sum of money as it stands in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Whole minor units.
    pub minor: u64,
    /// ISO 4217 code.
    pub currency: String,
}

impl Money {
    /// Of an amount.
    pub fn of(amount: Amount) -> Self {
        Self { minor: amount.minor(), currency: amount.currency().code().to_owned() }
    }

    fn amount(&self) -> Result<Amount, RequestError> {
        let currency: Currency = self.currency.parse()?;
        Ok(Amount::new(self.minor, currency)?)
    }
}

/// Which earlier payment is meant: by the key the till gave it, or by the numbers on the slip.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WireOriginal {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stan: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WireGood {
    number: u32,
    name: String,
    /// Minor units of one unit, tax included.
    price_minor: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pieces: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grams: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discount_minor: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tax_rate_hundredths: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    kind: Wanted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    original: Option<WireOriginal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card_present: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goods: Option<Vec<WireGood>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offline: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instalments: Option<u8>,
}

/// Which earlier payment is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Original {
    /// The one of this till's key.
    Key(IdempotencyKey),
    /// The one of these numbers.
    Numbers(TraceNumber),
}

/// How a sale is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowPaid {
    /// At once, as the host says.
    AtOnce,
    /// The card approves alone, and the host is told later.
    Offline,
    /// By instalments, in so many periods.
    Instalments(Periods),
}

/// A payment that a till wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRequest {
    /// What is to be done.
    pub kind: Wanted,
    /// How much; of a refund all that is left, of a void all of it, where it is not said.
    pub amount: Option<Amount>,
    /// What it refers to.
    pub original: Option<Original>,
    /// Whether the customer's card is there; only a void can do without.
    pub card_present: bool,
    /// What is sold; nothing where only an amount is known.
    pub sold: Option<Sold>,
    /// How a sale is paid.
    pub how: HowPaid,
    /// What was wanted, in the one form that is compared and written down.
    pub canonical: String,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not the JSON that is expected; serde says where.
    #[error("{0}")]
    Json(String),
    /// A field is missing.
    #[error("a {0} needs \"{1}\"")]
    Missing(&'static str, &'static str),
    /// A field does not belong there.
    #[error("a {0} takes no \"{1}\"")]
    NotTaken(&'static str, &'static str),
    /// An original is named in no way or in two ways.
    #[error("\"original\" is {{\"key\": …}} or {{\"batch\": …, \"stan\": …}}")]
    Original,
    /// A sale is paid in two ways at once.
    #[error("a sale is \"offline\" or by \"instalments\", not both")]
    TwoWays,
    /// Instalments.
    #[error(transparent)]
    Instalments(#[from] InstalmentError),
    /// A good has no quantity or two.
    #[error("line {0} of \"goods\" needs \"pieces\" or \"grams\", and \"unit\" with grams")]
    Quantity(usize),
    /// Lines and amount differ.
    #[error("the goods come to {0}, the amount is {1}")]
    Sum(Amount, Amount),
    /// There are more lines than a receipt can have.
    #[error("there are at most {MOST_LINES} lines")]
    Lines,
    /// A text is empty, too long or cannot be shown.
    #[error("\"{0}\" is empty, too long, or has characters that cannot be shown")]
    Text(&'static str),
    /// A currency.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    /// An amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// A number.
    #[error(transparent)]
    Number(#[from] ReferenceError),
    /// A key.
    #[error(transparent)]
    Key(#[from] super::NameError),
    /// A good.
    #[error(transparent)]
    Good(#[from] GoodError),
    /// The goods together.
    #[error(transparent)]
    Cart(#[from] CartError),
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, RequestError> {
    // Lists would be read as objects whose fields have no names.
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(RequestError::Json("expected an object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| RequestError::Json(error.to_string()))
}

impl PaymentRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// What is wrong with it, by name.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        Self::of_wire(read(body)?)
    }

    /// Reads what was written down of one.
    ///
    /// # Errors
    /// As for [`PaymentRequest::parse`].
    pub fn of_canonical(text: &str) -> Result<Self, RequestError> {
        Self::parse(text.as_bytes())
    }

    fn of_wire(wire: Wire) -> Result<Self, RequestError> {
        let kind = wire.kind;
        let amount = wire.amount.as_ref().map(Money::amount).transpose()?;
        if amount.is_some_and(Amount::is_zero) {
            return Err(AmountError::Nothing.into());
        }
        let original = wire.original.as_ref().map(original_of).transpose()?;
        let word = kind.word();
        match kind {
            Wanted::Sale if amount.is_none() => return Err(RequestError::Missing(word, "amount")),
            Wanted::Sale if original.is_some() => return Err(RequestError::NotTaken(word, "original")),
            Wanted::Refund | Wanted::Void if original.is_none() => {
                return Err(RequestError::Missing(word, "original"));
            }
            Wanted::Void if amount.is_some() => return Err(RequestError::NotTaken(word, "amount")),
            Wanted::Sale | Wanted::Refund | Wanted::Void => {}
        }
        if kind != Wanted::Void && wire.card_present == Some(false) {
            return Err(RequestError::NotTaken(word, "card_present"));
        }
        let sold = match (&wire.goods, amount) {
            (None, _) => None,
            (Some(_), _) if kind != Wanted::Sale => return Err(RequestError::NotTaken(word, "goods")),
            (Some(lines), Some(amount)) => Some(sold_of(lines, amount)?),
            (Some(_), None) => return Err(RequestError::Missing(word, "amount")),
        };
        let offline = wire.offline.unwrap_or(false);
        let how = match (offline, wire.instalments) {
            (true, _) if kind != Wanted::Sale => return Err(RequestError::NotTaken(word, "offline")),
            (_, Some(_)) if kind != Wanted::Sale => return Err(RequestError::NotTaken(word, "instalments")),
            (true, Some(_)) => return Err(RequestError::TwoWays),
            (true, None) => HowPaid::Offline,
            (false, Some(periods)) => HowPaid::Instalments(Periods::new(periods)?),
            (false, None) => HowPaid::AtOnce,
        };
        let card_present = wire.card_present.unwrap_or(true);
        // What is the same when it is said and when it is left out is written down in one way.
        let canonical =
            Wire { card_present: (!card_present).then_some(false), offline: offline.then_some(true), ..wire };
        let canonical = serde_json::to_string(&canonical).map_err(|error| RequestError::Json(error.to_string()))?;
        Ok(Self { kind, amount, original, card_present, sold, how, canonical })
    }

    /// What the terminal is to do. `original`: the numbers of what it refers to, where it does.
    ///
    /// # Errors
    /// When it refers to something and that is not given.
    pub fn purpose(&self, original: Option<TraceNumber>) -> Result<Purpose, RequestError> {
        let word = self.kind.word();
        let original = || original.ok_or(RequestError::Missing(word, "original"));
        match self.kind {
            Wanted::Sale => {
                let amount = self.amount.ok_or(RequestError::Missing(word, "amount"))?;
                let sold = || self.sold.clone().unwrap_or_default();
                Ok(match (self.how, &self.sold) {
                    (HowPaid::Offline, _) => Purpose::Offline(amount, sold()),
                    (HowPaid::Instalments(periods), _) => {
                        Purpose::Instalments(ByInstalments::new(amount, sold(), periods)?)
                    }
                    (HowPaid::AtOnce, Some(sold)) => Purpose::Goods(sold.clone()),
                    (HowPaid::AtOnce, None) => Purpose::Sale(amount),
                })
            }
            Wanted::Refund => Ok(Purpose::Refund(original()?, self.amount)),
            Wanted::Void => {
                let presence = if self.card_present { Presence::CardThere } else { Presence::CardAway };
                Ok(Purpose::Void(original()?, presence))
            }
        }
    }
}

fn original_of(wire: &WireOriginal) -> Result<Original, RequestError> {
    match (&wire.key, &wire.batch, &wire.stan) {
        (Some(key), None, None) => Ok(Original::Key(key.parse()?)),
        (None, Some(batch), Some(stan)) => {
            Ok(Original::Numbers(TraceNumber { batch: Batch::parse(batch)?, stan: Stan::parse(stan)? }))
        }
        _ => Err(RequestError::Original),
    }
}

/// The till's own lines. They come to what is paid, or nothing is paid.
fn sold_of(lines: &[WireGood], amount: Amount) -> Result<Sold, RequestError> {
    let currency = amount.currency();
    let mut cart = Cart::new(currency);
    for (index, line) in lines.iter().enumerate() {
        let (unit, quantity) = match (line.pieces, line.grams, &line.unit) {
            (Some(pieces), None, None) => (Unit::Piece, Quantity::Pieces(pieces)),
            (None, Some(grams), Some(unit)) => (Unit::parse(unit)?, Quantity::Grams(grams)),
            _ => return Err(RequestError::Quantity(index + 1)),
        };
        let good = Good {
            number: GoodNumber::new(line.number)?,
            name: GoodName::parse(&line.name)?,
            barcodes: Vec::new(),
            price: Amount::new(line.price_minor, currency)?,
            unit,
            tax_rate: TaxRate::new(line.tax_rate_hundredths.unwrap_or(0))?,
            category: crate::goods::Category::default(),
            favourite: false,
        };
        let at = cart.add(&good, quantity)?;
        if let Some(minor) = line.discount_minor.filter(|minor| *minor > 0) {
            cart.discount_line(at, Some(Discount::Minor(minor)))?;
        }
    }
    if cart.total() != amount || cart.is_empty() {
        return Err(RequestError::Sum(cart.total(), amount));
    }
    Ok(cart.sold())
}

/// What a till shows to the customer while nobody pays: its cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    /// Its lines.
    pub lines: Vec<DisplayLine>,
    /// What they come to.
    pub total: Amount,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayLine {
    /// What it is.
    pub name: String,
    /// How much of it, as the till writes it; may be empty.
    pub quantity: String,
    /// What it costs.
    pub amount: Amount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDisplay {
    lines: Vec<WireDisplayLine>,
    total: Money,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDisplayLine {
    name: String,
    #[serde(default)]
    quantity: String,
    amount: Money,
}

impl Display {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// What is wrong with it, by name. The sum is the till's own matter: discounts may not stand in lines.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let wire: WireDisplay = read(body)?;
        if wire.lines.len() > MOST_LINES {
            return Err(RequestError::Lines);
        }
        let shown = |text: &str, most: usize| text.chars().count() <= most && !text.chars().any(char::is_control);
        let total = wire.total.amount()?;
        let mut lines = Vec::with_capacity(wire.lines.len());
        for line in &wire.lines {
            let (name, quantity, amount) = (line.name.trim(), line.quantity.trim(), line.amount.amount()?);
            if name.is_empty() || !shown(name, LONGEST_NAME) {
                return Err(RequestError::Text("name"));
            }
            if !shown(quantity, LONGEST_QUANTITY) {
                return Err(RequestError::Text("quantity"));
            }
            if amount.currency() != total.currency() {
                return Err(AmountError::CurrenciesDiffer(amount.currency(), total.currency()).into());
            }
            lines.push(DisplayLine { name: name.to_owned(), quantity: quantity.to_owned(), amount });
        }
        Ok(Self { lines, total })
    }
}

/// A till that shows the code it was given, once.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct PairingRequest {
    /// The code.
    pub code: String,
}

impl PairingRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// When it is none. What stands in it is not repeated.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        serde_json::from_slice(body).map_err(|_| RequestError::Json("expected {\"code\": \"…\"}".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<PaymentRequest, RequestError> {
        PaymentRequest::parse(text.as_bytes())
    }

    const SALE: &str = r#"{"kind": "sale", "amount": {"minor": 1234, "currency": "CNY"}}"#;

    #[test]
    fn the_same_wish_in_other_white_space_is_the_same_and_another_amount_is_not() {
        let first = parse(SALE).unwrap();
        let same =
            parse("{\n \"amount\":{\"currency\":\"CNY\",\"minor\":1234}, \"card_present\": true, \"kind\":\"sale\"}")
                .unwrap();
        assert_eq!(first.canonical, same.canonical);
        assert_ne!(first.canonical, parse(&SALE.replace("1234", "1235")).unwrap().canonical);
        assert_ne!(first.canonical, parse(&SALE.replace("CNY", "JPY")).unwrap().canonical);
        assert_eq!(PaymentRequest::of_canonical(&first.canonical).unwrap(), first);
    }

    #[test]
    fn amounts_are_whole_minor_units() {
        for wrong in ["12.34", "12.0", "-1", "\"1234\"", "1e3", "1000000000000", "null", "0"] {
            assert!(parse(&SALE.replace("1234", wrong)).is_err(), "{wrong}");
        }
        assert_eq!(parse(SALE).unwrap().amount.unwrap().to_string(), "12.34");
    }

    #[test]
    fn each_kind_takes_what_it_needs_and_nothing_else() {
        let by_key = r#""original": {"key": "order-1"}"#;
        let by_numbers = r#""original": {"batch": "000001", "stan": "2"}"#;
        let amount = r#""amount": {"minor": 1, "currency": "CNY"}"#;
        for good in [
            format!(r#"{{"kind":"refund", {by_key}}}"#),
            format!(r#"{{"kind":"refund", {by_numbers}, {amount}}}"#),
            format!(r#"{{"kind":"void", {by_numbers}}}"#),
            format!(r#"{{"kind":"void", {by_key}, "card_present": false}}"#),
        ] {
            let request = parse(&good).unwrap();
            let original = TraceNumber { batch: Batch::FIRST, stan: Stan::new(2).unwrap() };
            assert_eq!(request.purpose(Some(original)).unwrap().original(), Some(original), "{good}");
            assert!(request.purpose(None).is_err());
        }
        for (wrong, said) in [
            (r#"{"kind":"sale"}"#.to_owned(), "a sale needs \"amount\""),
            (format!(r#"{{"kind":"sale", {amount}, {by_key}}}"#), "a sale takes no \"original\""),
            (format!(r#"{{"kind":"refund", {amount}}}"#), "a refund needs \"original\""),
            (format!(r#"{{"kind":"void", {by_key}, {amount}}}"#), "a void takes no \"amount\""),
            (format!(r#"{{"kind":"refund", {by_key}, "card_present": false}}"#), "a refund takes no \"card_present\""),
            (r#"{"kind":"void", "original": {}}"#.to_owned(), "\"original\" is"),
            (r#"{"kind":"void", "original": {"key":"a","stan":"1"}}"#.to_owned(), "\"original\" is"),
            (format!(r#"{{"kind":"sale", {amount}, "tip": 1}}"#), "unknown field `tip`"),
            (format!(r#"{{"kind":"gift", {amount}}}"#), "unknown variant `gift`"),
            ("[\"sale\"]".to_owned(), "expected an object"),
            (String::new(), "EOF"),
        ] {
            let error = parse(&wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{wrong}\n{error}");
        }
    }

    #[test]
    fn a_sale_is_paid_at_once_offline_or_by_instalments_and_nothing_else_is() {
        let with = |more: &str| SALE.replace("\"kind\"", &format!("{more}, \"kind\""));
        let amount = Amount::new(1234, Currency::CNY).unwrap();
        let purpose = |text: &str| parse(text).unwrap().purpose(None).unwrap();
        assert_eq!(purpose(SALE), Purpose::Sale(amount));
        assert_eq!(purpose(&with("\"offline\": true")), Purpose::Offline(amount, Sold::default()));
        let periods = Periods::new(6).unwrap();
        let by_instalments = ByInstalments::new(amount, Sold::default(), periods).unwrap();
        assert_eq!(purpose(&with("\"instalments\": 6")), Purpose::Instalments(by_instalments));
        // What is not wanted may be said, and is the same wish; another way is another.
        assert_eq!(parse(&with("\"offline\": false")).unwrap().canonical, parse(SALE).unwrap().canonical);
        let ways =
            ["\"offline\": true", "\"instalments\": 6", "\"instalments\": 12"].map(|way| parse(&with(way)).unwrap());
        for (index, way) in ways.iter().enumerate() {
            assert!(ways[index + 1..].iter().all(|other| other.canonical != way.canonical));
            assert_eq!(PaymentRequest::of_canonical(&way.canonical).as_ref(), Ok(way));
        }
        let original = r#""original": {"key": "order-1"}"#;
        for (wrong, said) in [
            (with("\"offline\": true, \"instalments\": 6"), "not both"),
            (with("\"instalments\": 1"), "1 periods cannot be"),
            (with("\"instalments\": 100"), "100 periods cannot be"),
            (with("\"instalments\": -6"), "invalid value"),
            (with("\"offline\": \"yes\""), "invalid type"),
            (format!(r#"{{"kind":"refund", {original}, "offline": true}}"#), "a refund takes no \"offline\""),
            (format!(r#"{{"kind":"void", {original}, "instalments": 6}}"#), "a void takes no \"instalments\""),
        ] {
            let error = parse(&wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{wrong}\n{error}");
        }
    }

    #[test]
    fn goods_come_to_what_is_paid() {
        let goods = |amount: u64| {
            format!(
                r#"{{"kind":"sale","amount":{{"minor":{amount},"currency":"CNY"}},"goods":[
                {{"number":1,"name":"可口可乐","price_minor":350,"pieces":2,"discount_minor":50,"tax_rate_hundredths":1300}},
                {{"number":2,"name":"苹果","price_minor":1200,"grams":532,"unit":"kg"}}]}}"#
            )
        };
        let request = parse(&goods(650 + 638)).unwrap();
        let sold = request.sold.clone().unwrap();
        assert_eq!((sold.lines().len(), sold.amount().minor()), (2, 1288));
        assert_eq!(request.purpose(None).unwrap(), Purpose::Goods(sold));
        assert!(matches!(parse(&goods(1287)), Err(RequestError::Sum(..))));
        let none = r#"{"kind":"sale","amount":{"minor":1,"currency":"CNY"},"goods":[]}"#;
        assert!(parse(none).is_err());
        let both = goods(1288).replace("\"pieces\":2", "\"pieces\":2,\"grams\":5");
        assert_eq!(parse(&both), Err(RequestError::Quantity(1)));
    }

    #[test]
    fn what_is_shown_is_text_that_can_be_shown() {
        let display = |name: &str| {
            let text = format!(
                r#"{{"lines":[{{"name":"{name}","quantity":"2","amount":{{"minor":700,"currency":"CNY"}}}}],
                    "total":{{"minor":700,"currency":"CNY"}}}}"#
            );
            Display::parse(text.as_bytes())
        };
        assert_eq!(display("可口可乐").unwrap().lines[0].name, "可口可乐");
        assert_eq!(display("\\u0007"), Err(RequestError::Text("name")));
        assert_eq!(display(" "), Err(RequestError::Text("name")));
        assert!(display(&"长".repeat(61)).is_err());
    }

    #[test]
    fn a_code_that_is_wrongly_written_is_not_repeated() {
        let Err(error) = PairingRequest::parse(br#"{"code": 12345678}"#) else { panic!("read") };
        assert!(!error.to_string().contains("1234"), "{error}");
        assert_eq!(PairingRequest::parse(br#"{"code": "A"}"#).unwrap().code.as_str(), "A");
    }
}
