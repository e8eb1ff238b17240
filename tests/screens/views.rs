//! Every screen in every state worth a look.

use jiff::civil::{DateTime, date};
use yima::acquirer::enrolment;
use yima::app::shop_view::{CART_LINES_PER_PAGE, CartView, FoundView, GoodView, HeldView, LineView, ShopView};
use yima::app::staff_view::DutyView;
use yima::app::view::{
    CopyState, CopyView, Detail, LinkState, PinPlace, Progress, QueueRow, ROWS_PER_PAGE, RowState, Screen,
    TransactionRow, View,
};
use yima::goods::{GoodNumber, Quantity, Unit};
use yima::money::{Amount, Currency};
use yima::payment::advice::AdviceKind;
use yima::payment::queue::{Kind, Standing};
use yima::payment::transaction;
use yima::receipt::CopyFor;
use yima::reference::{AuthorisationCode, Batch, ResponseCode, Rrn, Stan, TraceNumber};
use yima::wording::{Reason, ReasonKind, Sense};

pub fn cny(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

pub fn at(hour: i8, minute: i8, second: i8) -> DateTime {
    date(2026, 11, 22).at(hour, minute, second, 0)
}

pub fn view(screen: Screen) -> View {
    View {
        screen,
        kind: transaction::Kind::Sale,
        link: LinkState::Online,
        waiting: 0,
        queued: 0,
        merchant_name: "老王小吃店".to_owned(),
        currency: Currency::CNY,
        test: false,
        codes: false,
        shop: ShopView::default(),
        duty: DutyView::default(),
    }
}

pub fn trace(stan: u32) -> TraceNumber {
    TraceNumber { batch: Batch::new(1).unwrap(), stan: Stan::new(stan).unwrap() }
}

/// What the settings say of a key that is mistyped.
pub const WRONG_SETTING: &str = "/etc/yima/yima.toml, line 41, printer.buad: unknown field `buad`, expected one of device, \
                                 baud, flow_control, profile, patience_s";

/// A layout of the PIN pad's digits as chance may make it.
pub const SHUFFLED: [u8; 10] = [7, 0, 4, 9, 2, 5, 1, 8, 3, 6];

/// What an application is called that gives no name of its own: all 16 bytes of its AID.
const LONGEST_NAME: &str = "A0000003330101010203040506070809";

/// More applications than a page has names for, some as long as a card can make them.
pub const MANY_NAMES: &[&str] =
    &["UnionPay QuickPass", LONGEST_NAME, "Débit 0101010203040506070809", "信用卡", "Crédit", "E-Cash"];

fn printer_missing() -> Reason {
    Reason::with_detail(ReasonKind::PrinterMissing, "/dev/ttyUSB0: No such file or directory (os error 2)")
}

fn declined(code: &str) -> Reason {
    Reason { code: Some(ResponseCode::parse(code).unwrap()), ..Reason::of(ReasonKind::HostDeclined) }
}

pub fn approved(amount: Amount, merchant: CopyState, customer: CopyState) -> Screen {
    Screen::Approved {
        amount,
        truncated_pan: "622202******1234".to_owned(),
        authorisation_code: "A12B3C".to_owned(),
        copies: vec![
            CopyView { copy: CopyFor::Merchant, state: merchant },
            CopyView { copy: CopyFor::Customer, state: customer },
        ],
        receipt: None,
        at: at(14, 26, 9),
    }
}

/// A link as long as one with a base of 60 characters.
pub fn longest_link() -> String {
    let base = format!("https://{}", "receipts.example-bank.com.cn/of/the/acquirer/in-full");
    assert!(yima::host_tables::is_link_base(&base));
    format!("{base}/R/10000001-000001-000123-20260901-{}/1234567890/{}", "0A1B".repeat(8), "0A1B2C3D".repeat(8))
}

/// The same with the customer's link.
pub fn approved_with_link(customer: CopyState, link: &str) -> Screen {
    let mut screen = approved(cny(1234), CopyState::Printed, customer);
    if let Screen::Approved { receipt, .. } = &mut screen {
        *receipt = Some(link.to_owned());
    }
    screen
}

pub fn transactions(copies: Vec<CopyView>) -> Screen {
    let states = [
        RowState::Approved,
        RowState::Pending,
        RowState::Declined,
        RowState::ReversalDue,
        RowState::Reversed,
        RowState::Unresolved,
    ];
    let rows = (0..u32::try_from(ROWS_PER_PAGE).unwrap())
        .map(|index| TransactionRow {
            kind: [
                transaction::Kind::Sale,
                transaction::Kind::Refund,
                transaction::Kind::Sale,
                transaction::Kind::PreAuthorisation,
                transaction::Kind::Sale,
                transaction::Kind::PreAuthorisationVoid,
            ][index as usize],
            trace: trace(123 - index),
            at: at(14, 26 - i8::try_from(index).unwrap(), 0),
            amount: cny([1234, 800, 4500, 123_456, 2200, 999_999_999_999][index as usize]),
            truncated_pan: if index == 2 { String::new() } else { format!("622202******{:04}", 1234 + index * 871) },
            state: states[index as usize],
        })
        .collect();
    Screen::Transactions {
        rows,
        page: 0,
        pages: 8,
        count_today: 38,
        total_today: cny(128_650),
        count_back: 2,
        total_back: cny(3500),
        copies,
    }
}

/// A paid sale with everything that can be done with it.
pub fn detail() -> Detail {
    Detail {
        row: TransactionRow {
            kind: transaction::Kind::Sale,
            trace: trace(123),
            at: at(14, 26, 9),
            amount: cny(1234),
            truncated_pan: "622202******1234".to_owned(),
            state: RowState::Approved,
        },
        original: None,
        rrn: Rrn::parse("263260000001").ok(),
        authorisation_code: AuthorisationCode::parse("A12B3C").ok(),
        reason: None,
        can_undo: true,
        can_refund: true,
        can_complete: false,
        can_print: true,
        whole: Some(cny(1234)),
        most: Some(cny(1234)),
        copies: Vec::new(),
    }
}

pub fn good(number: u32, name: &str, minor: u64, unit: Unit) -> GoodView {
    GoodView { number: GoodNumber::new(number).unwrap(), name: name.to_owned(), price: cny(minor), unit }
}

/// Favourites, one with a name as long as it may be.
pub fn quick() -> ShopView {
    let quick = vec![
        good(1, "豆浆", 300, Unit::Piece),
        good(2, "招牌红烧牛肉面加大份加牛肉加香菜不要辣", 4_800, Unit::Piece),
        good(3, "苹果", 1_200, Unit::Kilogram),
    ];
    ShopView { quick, in_cart: 3 }
}

/// A page of the cart with as much on it as there may be.
pub fn cart() -> CartView {
    let line = |index: usize, name: &str, quantity: Quantity, unit, price, discount, total| LineView {
        index,
        name: name.to_owned(),
        quantity,
        unit,
        price: cny(price),
        discount: cny(discount),
        total: cny(total),
    };
    CartView {
        lines: vec![
            line(0, "豆浆", Quantity::Pieces(2), Unit::Piece, 300, 0, 600),
            line(1, "苹果", Quantity::Grams(532), Unit::Kilogram, 1_200, 38, 600),
            line(2, "招牌红烧牛肉面加大份加牛肉加香菜不要辣", Quantity::Pieces(1), Unit::Piece, 4_800, 0, 4_800),
        ],
        page: 0,
        pages: 1,
        count: 3,
        total: cny(6_000),
        discount: cny(38),
        held: Vec::new(),
        weighing: None,
        notice: None,
    }
}

/// Several pages of goods that cost as much as can be paid, carts put aside, and something that went wrong.
pub fn fullest_cart() -> CartView {
    let long = "Extra large iced americano with oat milk and a second shot";
    let lines = (0..CART_LINES_PER_PAGE)
        .map(|index| LineView {
            index,
            name: long.to_owned(),
            quantity: if index == 1 { Quantity::Grams(999_999) } else { Quantity::Pieces(999_999) },
            unit: if index == 1 { Unit::HundredGrams } else { Unit::Piece },
            price: cny(99_999),
            discount: cny(99_999),
            total: cny(99_999_800_001),
        })
        .collect();
    let held = (1..=6)
        .map(|number| HeldView { number, at: at(14, 20, 0), total: cny(99_999_999_999), first: long.to_owned() })
        .collect();
    CartView {
        lines,
        pages: 50,
        count: 200,
        total: cny(999_999_999_999),
        discount: cny(99_999_999_999),
        held,
        notice: Some(Reason::with_detail(ReasonKind::GoodUnknown, "6901028075763")),
        ..cart()
    }
}

/// Goods by first letters.
pub fn found(text: &str) -> Screen {
    Screen::Goods(Box::new(FoundView {
        text: text.to_owned(),
        goods: vec![
            good(1, "可口可乐 330ml", 350, Unit::Piece),
            good(2, "招牌红烧牛肉面加大份加牛肉加香菜不要辣", 4_800, Unit::Piece),
            good(3, "苹果", 1_200, Unit::Jin),
            good(4, "Extra large iced americano with oat milk", 999_999_999_999, Unit::HundredGrams),
        ],
        page: 1,
        pages: 10,
        notice: None,
    }))
}

/// What was set aside, and can be completed.
fn held() -> Detail {
    let row =
        TransactionRow { kind: transaction::Kind::PreAuthorisation, amount: cny(999_999_999_999), ..detail().row };
    Detail {
        row,
        can_refund: false,
        can_complete: true,
        whole: Some(cny(999_999_999_999)),
        most: Some(cny(999_999_999_999)),
        ..detail()
    }
}

/// A refund that the bank did not want.
fn refused_refund() -> Detail {
    Detail {
        row: TransactionRow { kind: transaction::Kind::Refund, state: RowState::Declined, ..detail().row },
        original: Some(trace(101)),
        rrn: None,
        authorisation_code: None,
        reason: Some(declined("12").of_sense(Sense::Refund)),
        can_undo: false,
        can_refund: false,
        can_print: false,
        whole: None,
        most: None,
        ..detail()
    }
}

/// A row of the queue.
pub fn queue_row(stan: u32, kind: Kind, standing: Standing) -> QueueRow {
    QueueRow {
        trace: trace(stan),
        kind,
        amount: cny(1234),
        at: at(14, 26, 9),
        standing,
        tries: if standing == Standing::Parked { 20 } else { 3 },
        next_try: (standing == Standing::Waiting).then(|| at(14, 31, 20)),
        may_be_tried_again: true,
    }
}

/// The queue with everything in it that there can be.
pub fn queue() -> Screen {
    let (card, script) = (Kind::Advice(AdviceKind::CardResult), Kind::Advice(AdviceKind::ScriptResult));
    let rows = vec![
        QueueRow { amount: cny(999_999_999_999), ..queue_row(101, Kind::Reversal, Standing::Parked) },
        queue_row(102, card, Standing::Parked),
        queue_row(123, Kind::Reversal, Standing::Waiting),
        QueueRow { tries: 0, next_try: None, ..queue_row(124, script, Standing::Waiting) },
    ];
    Screen::Queue { rows, page: 0, pages: 3, waiting: 8, parked: 2, under_way: false }
}

/// Name of the picture, keys typed on the keypad before, the view, keys typed there, and seconds that pass.
pub struct Scene {
    pub name: &'static str,
    pub keys: &'static str,
    pub view: View,
    pub then: &'static str,
    pub seconds: u64,
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let scene = |name, screen| Scene { name, keys: "1234", view: view(screen), then: "", seconds: 0 };
    let keypad = |notice| Screen::Keypad { notice };
    let enrolment = |progress, notice| Screen::Enrol { serial_number: "00000402TEST0001".to_owned(), progress, notice };
    let processing = |progress| Screen::Processing { amount: cny(1234), progress };
    let enter_pin = |amount, notice: Option<ReasonKind>, may_bypass| Screen::EnterPin {
        amount,
        notice: notice.map(Reason::of),
        place: PinPlace::Screen { keys: SHUFFLED },
        may_bypass,
        language: None,
    };
    let choose = |amount, names: &[&str]| Screen::ChooseApplication {
        amount,
        applications: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let confirm = |amount, name: &str| Screen::ConfirmApplication { amount, application: name.to_owned() };
    let pin_at_reader = |notice: Option<ReasonKind>| Screen::EnterPin {
        amount: cny(1234),
        notice: notice.map(Reason::of),
        place: PinPlace::Reader,
        may_bypass: false,
        language: None,
    };
    let not_paid = |reason| Screen::NotPaid { amount: cny(1234), reason, at: at(14, 26, 9) };
    let unknown = |amount| Screen::Unknown {
        amount,
        reason: Reason::of(ReasonKind::HostSilent),
        tries: 3,
        next_try: Some(at(14, 31, 20)),
    };
    let mut all = vec![
        Scene { keys: "", ..scene("keypad-empty", keypad(None)) },
        scene("keypad", keypad(None)),
        Scene {
            keys: "999999999999",
            view: View {
                link: LinkState::Offline,
                waiting: 12,
                merchant_name: "深圳市南山区老王家的正宗手工小笼包早餐连锁店（科技园分店）".to_owned(),
                test: true,
                ..view(keypad(Some(Reason::of(ReasonKind::ReversalWaiting))))
            },
            ..scene("keypad-fullest", keypad(None))
        },
        Scene {
            view: View {
                link: LinkState::HostSilent,
                waiting: 1,
                ..view(keypad(Some(Reason::of(ReasonKind::ReversalExhausted))))
            },
            ..scene("keypad-notice", keypad(None))
        },
        Scene { view: View { waiting: 1, ..view(keypad(None)) }, ..scene("keypad-online-waiting", keypad(None)) },
        Scene {
            view: View { link: LinkState::Refused, test: true, ..view(keypad(None)) },
            ..scene("keypad-refused", keypad(None))
        },
        Scene {
            keys: "15500",
            view: View { currency: "KWD".parse().unwrap(), link: LinkState::Untried, test: true, ..view(keypad(None)) },
            ..scene("keypad-test", keypad(None))
        },
        // Everything at once: the longest alarm with its trace number, the banner, the largest amount.
        Scene {
            keys: "999999999999",
            view: View {
                link: LinkState::HostSilent,
                waiting: 1,
                test: true,
                ..view(keypad(Some(Reason::with_detail(ReasonKind::ReversalExhausted, "000001-000042"))))
            },
            ..scene("keypad-alarm", keypad(None))
        },
        scene("present-card", Screen::PresentCard { amount: cny(1234), notice: None }),
        Scene {
            view: View {
                test: true,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::CardMute)),
                })
            },
            ..scene("present-card-again", keypad(None))
        },
        Scene {
            view: View { codes: true, ..view(Screen::PresentCard { amount: cny(1234), notice: None }) },
            ..scene("present-card-or-code", keypad(None))
        },
        Scene {
            view: View {
                codes: true,
                test: true,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::CodeUnknown)),
                })
            },
            ..scene("present-card-or-code-again", keypad(None))
        },
        scene("show-code", show_code(cny(1234))),
        Scene {
            view: View { test: true, ..view(show_code(cny(999_999_999_999))) },
            ..scene("show-code-fullest", keypad(None))
        },
        Scene { seconds: 14, ..by_code("waiting-for-customer", Progress::WaitingForCustomer) },
        Scene { seconds: 14, ..by_code("closing-order", Progress::ClosingOrder) },
        Scene { seconds: 14, ..by_code("asking-about-earlier", Progress::AskingAboutEarlier) },
        scene("reading-card", processing(Progress::ReadingCard)),
        scene("choose-application", choose(cny(1234), &["Crédit", "Débit"])),
        Scene {
            view: View { test: true, ..view(choose(cny(999_999_999_999), MANY_NAMES)) },
            ..scene("choose-application-many", keypad(None))
        },
        scene("confirm-application", confirm(cny(1234), "UnionPay Debit")),
        Scene {
            view: View { test: true, ..view(confirm(cny(999_999_999_999), LONGEST_NAME)) },
            ..scene("confirm-application-longest", keypad(None))
        },
        Scene { then: "1234", ..scene("enter-pin", enter_pin(cny(1234), None, false)) },
        Scene {
            view: View {
                link: LinkState::HostSilent,
                waiting: 1,
                test: true,
                ..view(enter_pin(cny(999_999_999_999), Some(ReasonKind::PinWrongLastTry), true))
            },
            then: "123456789012",
            ..scene("enter-pin-fullest", keypad(None))
        },
        scene("pin-at-reader", pin_at_reader(None)),
        Scene { seconds: 14, ..scene("pin-at-reader-last-try", pin_at_reader(Some(ReasonKind::PinWrongLastTry))) },
        Scene { seconds: 14, ..scene("asking-host", processing(Progress::AskingHost)) },
        scene("completing-card", processing(Progress::CompletingCard)),
        Scene { seconds: 14, ..scene("comparing-clocks", processing(Progress::ComparingClocks)) },
        Scene { seconds: 3, ..scene("reversing-earlier", processing(Progress::ReversingEarlier)) },
        scene("approved", approved(cny(1234), CopyState::Printed, CopyState::Sending)),
        scene("approved-receipt", approved_with_link(CopyState::Sending, &longest_link())),
        scene("approved-receipt-asks", approved_with_link(CopyState::Asks(None), &longest_link())),
        Scene {
            view: View {
                test: true,
                ..view(approved(cny(999_999_999_999), CopyState::Printed, CopyState::Asks(None)))
            },
            ..scene("approved-asks", keypad(None))
        },
        Scene {
            view: View {
                test: true,
                ..view(approved(
                    cny(8800),
                    CopyState::Asks(Some(Reason::of(ReasonKind::PrinterPaperOut))),
                    CopyState::Failed(Reason::of(ReasonKind::PrinterPaperOut)),
                ))
            },
            ..scene("approved-asks-paper-out", keypad(None))
        },
        scene(
            "approved-trouble",
            approved(cny(8800), CopyState::Waiting(Reason::of(ReasonKind::PrinterPaperOut)), CopyState::Queued),
        ),
        scene(
            "approved-failed",
            approved(cny(8800), CopyState::Failed(printer_missing()), CopyState::Failed(printer_missing())),
        ),
        scene("not-paid", not_paid(declined("51"))),
        Scene {
            view: View {
                test: true,
                ..view(Screen::NotPaid {
                    amount: cny(999_999_999_999),
                    reason: Reason {
                        detail: "connect to 192.0.2.1:8443: connection refused (os error 111) after 3 tries".to_owned(),
                        ..Reason::of(ReasonKind::HostUnreachable)
                    },
                    at: at(14, 26, 9),
                })
            },
            ..scene("not-paid-unreachable", keypad(None))
        },
        Scene {
            view: View { link: LinkState::HostSilent, waiting: 1, ..view(unknown(cny(1234))) },
            ..scene("unknown", keypad(None))
        },
        Scene {
            view: View { test: true, ..view(unknown(cny(999_999_999_999))) },
            ..scene("unknown-test", keypad(None))
        },
        scene(
            "unknown-untried",
            Screen::Unknown {
                amount: cny(1234),
                reason: Reason::of(ReasonKind::HostSilent),
                tries: 0,
                next_try: Some(at(14, 26, 19)),
            },
        ),
        Scene {
            view: View {
                test: true,
                ..view(Screen::Unknown {
                    amount: cny(1234),
                    reason: Reason::with_detail(ReasonKind::ReversalExhausted, "000001-000123"),
                    tries: 20,
                    next_try: None,
                })
            },
            ..scene("unknown-exhausted", keypad(None))
        },
        scene("transactions", transactions(Vec::new())),
        scene("transaction", Screen::Transaction(Box::new(detail()))),
        Scene { then: "v", ..scene("transaction-void", Screen::Transaction(Box::new(detail()))) },
        Scene { then: "r", ..scene("transaction-refund", Screen::Transaction(Box::new(detail()))) },
        Scene { then: "r9900", ..scene("transaction-refund-too-much", Screen::Transaction(Box::new(detail()))) },
        Scene {
            view: View { test: true, ..view(Screen::Transaction(Box::new(held()))) },
            ..scene("transaction-held", keypad(None))
        },
        Scene {
            view: View { test: true, ..view(Screen::Transaction(Box::new(held()))) },
            then: "c",
            ..scene("transaction-complete", keypad(None))
        },
        scene("transaction-refused", Screen::Transaction(Box::new(refused_refund()))),
        Scene {
            view: View {
                kind: transaction::Kind::PreAuthorisationVoid,
                test: true,
                ..view(Screen::PresentCard {
                    amount: cny(999_999_999_999),
                    notice: Some(Reason::of(ReasonKind::CardMute)),
                })
            },
            ..scene("present-card-void", keypad(None))
        },
        Scene {
            view: View {
                kind: transaction::Kind::Refund,
                ..view(approved(cny(1234), CopyState::Printed, CopyState::Sending))
            },
            ..scene("approved-refund", keypad(None))
        },
        Scene {
            view: View { kind: transaction::Kind::Void, ..view(not_paid(declined("12").of_sense(Sense::Undo))) },
            ..scene("not-paid-void", keypad(None))
        },
        Scene {
            view: View {
                kind: transaction::Kind::Refund,
                link: LinkState::HostSilent,
                ..view(Screen::Unknown {
                    amount: cny(1234),
                    reason: Reason::of(ReasonKind::HostSilent).of_sense(Sense::Refund),
                    tries: 3,
                    next_try: Some(at(14, 31, 20)),
                })
            },
            ..scene("unknown-refund", keypad(None))
        },
        scene(
            "transactions-none",
            Screen::Transactions {
                rows: Vec::new(),
                page: 0,
                pages: 1,
                count_today: 0,
                total_today: cny(0),
                count_back: 0,
                total_back: cny(0),
                copies: Vec::new(),
            },
        ),
        Scene {
            view: View {
                test: true,
                ..view(transactions(vec![
                    CopyView { copy: CopyFor::Merchant, state: CopyState::Printed },
                    CopyView { copy: CopyFor::Customer, state: CopyState::Asks(None) },
                ]))
            },
            ..scene("transactions-reprint", keypad(None))
        },
        Scene {
            view: View {
                test: true,
                ..view(transactions(vec![
                    CopyView { copy: CopyFor::Merchant, state: CopyState::Failed(printer_missing()) },
                    CopyView { copy: CopyFor::Customer, state: CopyState::Failed(printer_missing()) },
                ]))
            },
            ..scene("transactions-failed", keypad(None))
        },
        Scene {
            view: View {
                test: true,
                ..view(transactions(vec![
                    CopyView {
                        copy: CopyFor::Merchant,
                        state: CopyState::Waiting(Reason::of(ReasonKind::PrinterPaperOut)),
                    },
                    CopyView { copy: CopyFor::Customer, state: CopyState::Queued },
                ]))
            },
            ..scene("transactions-paper-out", keypad(None))
        },
        Scene { view: View { shop: quick(), ..view(keypad(None)) }, ..scene("keypad-goods", keypad(None)) },
        Scene {
            view: View { test: true, shop: quick(), ..view(keypad(None)) },
            keys: "999999999999",
            ..scene("keypad-goods-fullest", keypad(None))
        },
        scene("cart", Screen::Cart(Box::new(cart()))),
        scene(
            "cart-empty",
            Screen::Cart(Box::new(CartView {
                lines: Vec::new(),
                count: 0,
                total: cny(0),
                discount: cny(0),
                held: fullest_cart().held,
                ..cart()
            })),
        ),
        Scene {
            view: View { test: true, shop: quick(), ..view(Screen::Cart(Box::new(fullest_cart()))) },
            ..scene("cart-fullest", keypad(None))
        },
        Scene {
            view: View {
                test: true,
                ..view(Screen::Cart(Box::new(CartView {
                    weighing: Some(good(3, "苹果", 1_200, Unit::Kilogram)),
                    ..cart()
                })))
            },
            then: "532",
            ..scene("cart-weighing", keypad(None))
        },
        Scene { view: View { test: true, ..view(found("kkkl")) }, ..scene("goods", keypad(None)) },
        scene(
            "goods-none",
            Screen::Goods(Box::new(FoundView {
                text: "xyz".to_owned(),
                goods: Vec::new(),
                page: 0,
                pages: 1,
                notice: None,
            })),
        ),
        scene("queue", queue()),
        Scene {
            view: View { test: true, link: LinkState::HostSilent, waiting: 12, queued: 14, ..view(queue()) },
            ..scene("queue-test", keypad(None))
        },
        scene(
            "queue-none",
            Screen::Queue { rows: Vec::new(), page: 0, pages: 1, waiting: 0, parked: 0, under_way: false },
        ),
        Scene {
            view: View {
                queued: 1,
                ..view(keypad(Some(Reason::with_detail(ReasonKind::AdviceParked, "000001-000124"))))
            },
            ..scene("keypad-advice-parked", keypad(None))
        },
        Scene {
            view: View {
                test: true,
                ..view(Screen::PresentCard { amount: cny(1234), notice: Some(Reason::of(ReasonKind::PadBusy)) })
            },
            ..scene("present-card-pad-busy", keypad(None))
        },
        Scene {
            view: View {
                test: true,
                ..view(Screen::OutOfService { reason: Reason::with_detail(ReasonKind::SetupWrong, WRONG_SETTING) })
            },
            ..scene("out-of-service", keypad(None))
        },
        Scene { then: "12345", ..scene("enrolment", enrolment(None, None)) },
        Scene {
            then: "123456789012",
            ..scene("enrolment-refused", enrolment(None, Some(Reason::of(ReasonKind::EnrolOtherMachine))))
        },
        scene("enrolment-asking", enrolment(Some(enrolment::Progress::AskingHost), None)),
    ];
    all.extend(crate::staff_views::scenes());
    all
}

/// A code as long as hosts make them (EMV QRCPS Merchant-Presented Mode).
fn show_code(amount: Amount) -> Screen {
    let code = "00020101021226580010A00000033301320000000100010001898440100000001000000015204581453031565402125802CN5910LAO WANG \
                CY6007BEIJING62340012000001000123070800000001080100630445A2";
    Screen::ShowCode { amount, code: code.to_owned(), valid_until: Some(at(14, 28, 9)) }
}

fn by_code(name: &'static str, progress: Progress) -> Scene {
    let view =
        View { kind: transaction::Kind::CodePayment, ..view(Screen::Processing { amount: cny(1234), progress }) };
    Scene { name, keys: "1234", view, then: "", seconds: 0 }
}
