//! The cart at the counter: goods come in by scanner, touch or search, and go to the payment core as one sale. A cart stays until
//! it is paid, or may have been; whatever else becomes of a payment, it is there for the next try.

use std::path::PathBuf;

use super::engine::Core;
use super::shop_view::{
    CART_LINES_PER_PAGE, CartView, FoundView, GOODS_PER_PAGE, GoodView, HeldView, LineView, QUICK_GOODS, ShopIntent,
    ShopView,
};
use super::showing::local_now;
use super::view::Screen;
use crate::catalogue::{Catalogue, CatalogueError};
use crate::devices::sound::Tone;
use crate::goods::cart::CartError;
use crate::goods::sold::Sold;
use crate::goods::{Cart, Good, GoodNumber, Pattern, Quantity, Wanted};
use crate::money::Currency;
use crate::wording::{Reason, ReasonKind};

/// Goods of one search at most: nobody turns more pages.
const MOST_FOUND: usize = 10 * GOODS_PER_PAGE;

/// Where the catalogue is, and how the shop's scales write.
#[derive(Clone, Debug, Default)]
pub struct ShopSetup {
    /// The state directory.
    pub state: PathBuf,
    /// How the shop's scales write their barcodes.
    pub scales: Vec<Pattern>,
}

/// The cart, and the goods for it.
pub(super) struct ShopDesk {
    setup: ShopSetup,
    catalogue: Option<Catalogue>,
    cart: Cart,
    page: usize,
    /// Touched, and sold by weight.
    weighing: Option<Good>,
    quick: Vec<GoodView>,
    /// The payment that runs is for the cart.
    pub(super) paying: bool,
}

/// Why something was not done with the cart.
enum Refusal {
    Catalogue(CatalogueError),
    Cart(CartError),
    Unknown(String),
}

impl From<CatalogueError> for Refusal {
    fn from(error: CatalogueError) -> Self {
        Self::Catalogue(error)
    }
}

impl From<CartError> for Refusal {
    fn from(error: CartError) -> Self {
        Self::Cart(error)
    }
}

impl Refusal {
    fn reason(&self) -> Reason {
        match self {
            Self::Unknown(code) => Reason::with_detail(ReasonKind::GoodUnknown, code.clone()),
            Self::Catalogue(CatalogueError::Held) => Reason::of(ReasonKind::CartsHeld),
            Self::Catalogue(error) => Reason::with_detail(ReasonKind::CatalogueFailed, error.to_string()),
            Self::Cart(CartError::TooLarge | CartError::Full | CartError::TooMany) => Reason::of(ReasonKind::CartFull),
            Self::Cart(error) => Reason::with_detail(ReasonKind::CartRefused, error.to_string()),
        }
    }
}

impl ShopDesk {
    pub fn new(setup: ShopSetup, currency: Currency) -> Self {
        Self {
            setup,
            catalogue: None,
            cart: Cart::new(currency),
            page: 0,
            weighing: None,
            quick: Vec::new(),
            paying: false,
        }
    }

    /// The catalogue, once there is one: who only keys amounts never has a file made.
    fn catalogue(&mut self) -> Result<Option<&mut Catalogue>, CatalogueError> {
        if self.catalogue.is_none() && self.setup.state.join(crate::catalogue::FILE).exists() {
            self.catalogue = Some(Catalogue::open(&self.setup.state)?);
        }
        Ok(self.catalogue.as_mut())
    }

    /// What is in the cart.
    pub fn cart_sold(&self) -> Sold {
        self.cart.sold()
    }

    /// Favourites as they are now. Without them the keypad is what it always was.
    fn look_at_favourites(&mut self) {
        let found = self
            .catalogue()
            .and_then(|catalogue| catalogue.map_or(Ok(Vec::new()), |catalogue| catalogue.favourites(QUICK_GOODS)));
        match found {
            Ok(goods) => self.quick = goods.iter().map(good_view).collect(),
            Err(error) => {
                tracing::warn!(%error, "the keypad shows no favourites");
                self.quick.clear();
            }
        }
    }

    /// What a scanner has read comes into the cart.
    fn scan(&mut self, digits: &str) -> Result<(), Refusal> {
        let scales = self.setup.scales.clone();
        let scanned = match self.catalogue()? {
            Some(catalogue) => catalogue.scan(digits, &scales)?,
            None => None,
        };
        let Some(scanned) = scanned else { return Err(Refusal::Unknown(digits.to_owned())) };
        let line = match &scanned.label {
            Some(label) => self.cart.add_labelled(&scanned.good, label)?,
            None => return self.add(scanned.good),
        };
        self.page = line / CART_LINES_PER_PAGE;
        Ok(())
    }

    /// The number of what has a barcode.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub fn number_of(&mut self, barcode: &str) -> Result<Option<GoodNumber>, CatalogueError> {
        let scales = self.setup.scales.clone();
        let found = self.catalogue()?.map(|catalogue| catalogue.scan(barcode, &scales)).transpose()?.flatten();
        Ok(found.map(|scanned| scanned.good.number))
    }

    /// One of a good; what is sold by weight is weighed first.
    fn add(&mut self, good: Good) -> Result<(), Refusal> {
        let Some(one) = Quantity::one_of(good.unit) else {
            self.weighing = Some(good);
            return Ok(());
        };
        let line = self.cart.add(&good, one)?;
        self.page = line / CART_LINES_PER_PAGE;
        Ok(())
    }

    fn good(&mut self, number: GoodNumber) -> Result<Good, Refusal> {
        let found = match self.catalogue()? {
            Some(catalogue) => catalogue.good(number)?,
            None => None,
        };
        found.ok_or_else(|| Refusal::Unknown(number.to_string()))
    }

    /// Changes the cart as somebody wants it.
    fn change(&mut self, intent: ShopIntent) -> Result<(), Refusal> {
        self.weighing = None;
        match intent {
            ShopIntent::Scan(digits) => self.scan(&digits)?,
            ShopIntent::Add(number) => {
                let good = self.good(number)?;
                self.add(good)?;
            }
            ShopIntent::Weighed(number, grams) => {
                let good = self.good(number)?;
                let line = self.cart.add(&good, Quantity::Grams(grams))?;
                self.page = line / CART_LINES_PER_PAGE;
            }
            ShopIntent::OneMore(line) => self.cart.one_more(line)?,
            ShopIntent::OneFewer(line) => self.cart.one_fewer(line)?,
            ShopIntent::Pieces(line, 0) => self.cart.remove(line)?,
            ShopIntent::Pieces(line, count) => self.cart.set_quantity(line, Quantity::Pieces(count))?,
            ShopIntent::Remove(line) => self.cart.remove(line)?,
            ShopIntent::Discount(Some(line), discount) => self.cart.discount_line(line, discount)?,
            ShopIntent::Discount(None, discount) => self.cart.discount_all(discount)?,
            ShopIntent::Hold if !self.cart.is_empty() => {
                let cart = self.cart.clone();
                if let Some(catalogue) = self.catalogue()? {
                    catalogue.hold(&cart, local_now())?;
                    self.cart = Cart::new(cart.currency());
                }
            }
            ShopIntent::TakeUp(number) => {
                let (before, at) = (self.cart.clone(), local_now());
                if let Some(catalogue) = self.catalogue()? {
                    self.cart = catalogue.take_up(number, &before, at)?;
                    self.page = 0;
                }
            }
            ShopIntent::Empty => self.cart = Cart::new(self.cart.currency()),
            ShopIntent::TurnTo(page) => self.page = page,
            ShopIntent::Hold | ShopIntent::ShowCart | ShopIntent::Search(..) | ShopIntent::Pay => {}
        }
        Ok(())
    }

    fn held(&mut self) -> Result<Vec<HeldView>, CatalogueError> {
        let Some(catalogue) = self.catalogue()? else { return Ok(Vec::new()) };
        let held = catalogue.held()?.into_iter();
        Ok(held
            .map(|held| HeldView {
                number: held.number,
                at: held.at,
                total: held.cart.total(),
                first: held.cart.lines().first().map(|line| line.name.to_string()).unwrap_or_default(),
            })
            .collect())
    }

    fn view(&mut self, notice: Option<Reason>) -> CartView {
        let (held, notice) = match self.held() {
            Ok(held) => (held, notice),
            Err(error) => (Vec::new(), notice.or_else(|| Some(Refusal::Catalogue(error).reason()))),
        };
        let pages = self.cart.lines().len().div_ceil(CART_LINES_PER_PAGE).max(1);
        self.page = self.page.min(pages - 1);
        let lines = self.cart.lines().iter().zip(&self.cart.sums().lines).enumerate();
        let lines = lines.skip(self.page * CART_LINES_PER_PAGE).take(CART_LINES_PER_PAGE);
        CartView {
            lines: lines
                .map(|(index, (line, sum))| LineView {
                    index,
                    name: line.name.to_string(),
                    quantity: line.quantity,
                    unit: line.unit,
                    price: line.price,
                    discount: sum.discount,
                    total: sum.total,
                })
                .collect(),
            page: self.page,
            pages,
            count: self.cart.lines().len(),
            total: self.cart.total(),
            discount: self.cart.sums().discount,
            held,
            weighing: self.weighing.as_ref().map(good_view),
            notice,
        }
    }

    fn found(&mut self, text: String, page: usize) -> FoundView {
        let wanted = Wanted { text: text.clone(), ..Wanted::default() };
        let found = self
            .catalogue()
            .and_then(|catalogue| catalogue.map_or(Ok(Vec::new()), |catalogue| catalogue.search(&wanted, MOST_FOUND)));
        let (goods, notice) = match found {
            Ok(goods) => (goods, None),
            Err(error) => (Vec::new(), Some(Refusal::Catalogue(error).reason())),
        };
        let pages = goods.len().div_ceil(GOODS_PER_PAGE).max(1);
        let page = page.min(pages - 1);
        let goods = goods.iter().skip(page * GOODS_PER_PAGE).take(GOODS_PER_PAGE).map(good_view).collect();
        FoundView { text, goods, page, pages, notice }
    }

    /// What every view has of it.
    pub fn shown(&self, cash: bool) -> ShopView {
        ShopView { quick: self.quick.clone(), in_cart: self.cart.lines().len(), cash }
    }
}

fn good_view(good: &Good) -> GoodView {
    GoodView { number: good.number, name: good.name.to_string(), price: good.price, unit: good.unit }
}

impl Core {
    /// What somebody wants with goods and the cart, while no payment runs.
    pub(super) fn on_shop(&mut self, intent: ShopIntent) {
        match intent {
            ShopIntent::Search(text, page) => {
                self.leave_result();
                self.screen = Screen::Goods(Box::new(self.shop.found(text, page)));
            }
            // Keys that a scanner types end here as well: a customer's code is no barcode, and is not shown.
            ShopIntent::Scan(digits) if self.is_payment_code(&digits) => self.note_scan(ReasonKind::ScanPaysLater),
            ShopIntent::Pay if !self.shop.cart.total().is_zero() => {
                let sold = self.shop.cart.sold();
                self.charge(sold.amount(), sold, true);
            }
            intent => {
                let refusal = self.shop.change(intent).err();
                if refusal.is_some() {
                    self.parts.sound.play(Tone::Alert);
                }
                self.show_cart(refusal.map(|refusal| refusal.reason()));
            }
        }
    }

    /// What is in the cart, where there is something to pay.
    pub(super) fn cart_to_pay(&self) -> Option<Sold> {
        (!self.shop.cart.total().is_zero()).then(|| self.shop.cart.sold())
    }

    /// The cart is paid.
    pub(super) fn empty_cart(&mut self) {
        self.shop.cart = Cart::new(self.parts.currency);
    }

    pub(super) fn show_cart(&mut self, notice: Option<Reason>) {
        self.leave_result();
        self.screen = Screen::Cart(Box::new(self.shop.view(notice)));
    }

    /// The keypad, or the cart that was not paid: the customer is still there.
    pub(super) fn show_what_is_next(&mut self) {
        let unpaid = matches!(self.screen, Screen::NotPaid { .. }) && !self.shop.cart.is_empty();
        self.show_keypad();
        if unpaid && matches!(self.screen, Screen::Keypad { .. }) {
            self.show_cart(None);
        }
    }

    pub(super) fn look_at_favourites(&mut self) {
        self.shop.look_at_favourites();
    }

    /// A cart that is paid, or may have been, must not stand there to be paid again.
    pub(super) fn mind_cart(&mut self) {
        if !self.shop.paying {
            return;
        }
        match self.screen {
            Screen::Approved { .. } | Screen::Sign { .. } | Screen::Unknown { .. } | Screen::Purchase(_) => {
                self.shop.cart = Cart::new(self.parts.currency);
                self.shop.paying = false;
            }
            // It did not come to that.
            Screen::NotPaid { .. } | Screen::Keypad { .. } | Screen::Cart(_) | Screen::Goods(_) => {
                self.shop.paying = self.pays() || self.waiting.is_some();
            }
            Screen::PresentCard { .. }
            | Screen::TypeNumber { .. }
            | Screen::EnterPin { .. }
            | Screen::ChooseApplication { .. }
            | Screen::ConfirmApplication { .. }
            | Screen::Processing { .. }
            | Screen::ShowCode { .. }
            | Screen::Transactions { .. }
            | Screen::Seek { .. }
            | Screen::Tip(_)
            | Screen::Instalments(_)
            | Screen::Transaction(_)
            | Screen::Receipt(_)
            | Screen::Cash(_)
            | Screen::Settlement(_)
            | Screen::Queue { .. }
            | Screen::Staff(_)
            | Screen::Enrol { .. }
            | Screen::Turning(_)
            | Screen::OutOfService { .. } => {}
        }
    }
}
