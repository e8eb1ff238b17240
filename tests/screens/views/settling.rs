//! Settlements, and the merchant's account.

use jiff::civil::DateTime;
use yima::app::settlement_view::{
    AccountView, CashierSums, DoneSum, OneSettlement, OpenBatch, PastPage, PastRow, RequestView, SettlementView,
    SlipView, Sums, WaitsFor,
};
use yima::app::view::{LinkState, RowKind, Screen, View};
use yima::goods::{GoodSum, GoodsSold, OtherGoods, Unit};
use yima::money::{Amount, Currency};
use yima::payment::cash::CashKind;
use yima::payment::transaction::Kind;
use yima::reference::{Batch, Rrn, Stan};
use yima::settlement::closing::{Cause, Closing, HostDifference, HostSettlement, MerchantAccount, State, Verdict};
use yima::settlement::reconciliation;
use yima::settlement::{Line, Scheme, Sum};
use yima::terminal::mark::Mark;
use yima::wording::{Reason, ReasonKind};

use super::{Scene, at, cny, scene, view};

/// As much as a payment can be.
const MOST: u64 = 999_999_999_999;

pub fn batch(number: u32) -> Batch {
    Batch::new(number).unwrap()
}

fn night(day: i8) -> DateTime {
    at(23, 30, 0).with().day(day).build().unwrap()
}

fn line(kind: Kind, scheme: Scheme, count: u32, minor: u64) -> Line {
    Line { kind, scheme, sum: Sum { count, amount: cny(minor) } }
}

fn sums() -> Sums {
    Sums {
        lines: vec![
            line(Kind::Sale, Scheme::UnionPay, 28, 123_450),
            line(Kind::Sale, Scheme::Visa, 2, 30_000),
            line(Kind::PreAuthorisation, Scheme::UnionPay, 1, 200_000),
            line(Kind::Refund, Scheme::UnionPay, 1, 3_500),
            line(Kind::CodePayment, Scheme::Other, 7, 8_700),
        ],
        count: 38,
        net_minor: 158_650,
        open: 0,
        ..Sums::default()
    }
}

/// A day at which two people worked, who took cash too and sold goods.
pub fn day() -> Sums {
    let done = |kind: RowKind, count, minor| DoneSum { kind, sum: Sum { count, amount: cny(minor) } };
    let (sold, back) = (RowKind::Cash(CashKind::Sale), RowKind::Cash(CashKind::Refund));
    let good = |name: &str, unit, quantity, minor| GoodSum { name: name.to_owned(), unit, quantity, minor };
    Sums {
        cash: vec![done(sold, 12, 34_560), done(back, 1, 500)],
        cashiers: vec![
            CashierSums {
                who: "01 小王".to_owned(),
                sums: vec![
                    done(Kind::Sale.into(), 28, 123_450),
                    done(Kind::CodePayment.into(), 7, 8_700),
                    done(sold, 12, 34_560),
                ],
                tips: Some(cny(2_300)),
            },
            CashierSums {
                who: "99".to_owned(),
                sums: vec![
                    done(Kind::PreAuthorisation.into(), 1, 200_000),
                    done(Kind::Refund.into(), 1, 3_500),
                    done(back, 1, 500),
                ],
                tips: None,
            },
        ],
        goods: GoodsSold {
            goods: vec![
                good("可口可乐 330ml", Unit::Piece, 40, 14_000),
                good("苹果", Unit::Jin, 12_345, 14_567),
                good("音乐盒", Unit::Piece, 1, 4_900),
                good("香蕉", Unit::Kilogram, 532, 638),
            ],
            others: Some(OtherGoods { count: 123, minor: 99_900 }),
        },
        ..sums()
    }
}

/// Every kind on every card, as much as it can be.
pub fn fullest_sums() -> Sums {
    let schemes = [Scheme::UnionPay, Scheme::AmericanExpress, Scheme::Other];
    let kinds = [Kind::Sale, Kind::PreAuthorisationVoid, Kind::CompletionVoid, Kind::Refund];
    let lines = kinds.iter().flat_map(|kind| schemes.map(|scheme| line(*kind, scheme, 899, MOST))).collect();
    let done = |kind: RowKind| DoneSum { kind, sum: Sum { count: 899, amount: cny(MOST) } };
    let kinds = kinds.iter().map(|kind| done(RowKind::Host(*kind)));
    let in_cash = [CashKind::Sale, CashKind::Refund].map(|kind| done(RowKind::Cash(kind)));
    let who = format!("99 {}", "永".repeat(20));
    let good = |_| GoodSum { name: "永".repeat(60), unit: Unit::Jin, quantity: 999_999_999, minor: MOST };
    Sums {
        lines,
        count: 900,
        net_minor: -999_999_999_999,
        open: 12,
        cash: in_cash.to_vec(),
        cashiers: vec![CashierSums { who, sums: kinds.chain(in_cash).collect(), tips: Some(cny(MOST)) }],
        goods: GoodsSold {
            goods: (0..99).map(good).collect(),
            others: Some(OtherGoods { count: 99_901, minor: MOST * 9 }),
        },
    }
}

/// The batch that is open.
pub fn open_batch() -> OpenBatch {
    OpenBatch {
        batch: batch(2),
        currency: Currency::CNY,
        sums: Ok(sums()),
        waiting: 0,
        parked: 0,
        wanted: None,
        can_settle: true,
    }
}

fn row(number: u32, state: State, verdict: Option<Verdict>, differences: u32) -> PastRow {
    PastRow {
        batch: batch(number),
        state,
        at: night(21),
        net_minor: 158_650,
        currency: Currency::CNY,
        verdict,
        differences,
    }
}

/// One that the host has posted.
pub fn closed() -> OneSettlement {
    OneSettlement {
        row: row(1, State::Closed, Some(Verdict::Equal), 0),
        cause: Cause::Nightly,
        closed_at: Some(night(21)),
        sums: Ok(sums()),
        undecided: 0,
        uploaded: (0, 38),
        request: None,
        money: Some(Closing { gross_minor: 158_650, fee_minor: 603, differences: 0 }),
        differences: Vec::new(),
        given_up: None,
        can_print: true,
        slip: Some(SlipView::Printed),
    }
}

/// One that is under way.
pub fn settling(state: State, verdict: Option<Verdict>) -> OneSettlement {
    OneSettlement {
        row: row(1, state, verdict, 0),
        closed_at: None,
        uploaded: (16, 38),
        request: Some(RequestView { asking: true, tries: 0, next_try: None }),
        money: None,
        can_print: false,
        slip: None,
        ..closed()
    }
}

fn difference(stan: u32, kind: reconciliation::Kind, ours: Option<u64>, theirs: Option<u64>) -> HostDifference {
    let amount = |minor: Option<u64>| -> Option<Amount> { minor.map(cny) };
    let rrn = theirs.map(|_| Rrn::parse("263260000001").unwrap());
    HostDifference { kind, stan: Stan::new(stan).unwrap(), ours: amount(ours), theirs: amount(theirs), rrn }
}

/// One about which host and terminal do not agree, of two pages.
pub fn differing() -> OneSettlement {
    use reconciliation::Kind::{Amounts, ChargedAllTheSame, NotCharged, UnknownHere};
    let differences = vec![
        difference(123, Amounts, Some(200), Some(250)),
        difference(124, NotCharged, Some(MOST), None),
        difference(125, ChargedAllTheSame, None, Some(MOST)),
        difference(126, UnknownHere, None, Some(900)),
        difference(127, Amounts, Some(MOST), Some(MOST - 1)),
        difference(777_777, UnknownHere, None, Some(900)),
    ];
    OneSettlement {
        row: row(1, State::Closed, Some(Verdict::Different), 6),
        undecided: 2,
        uploaded: (38, 38),
        money: Some(Closing { gross_minor: 158_700, fee_minor: 603, differences: 6 }),
        differences,
        ..closed()
    }
}

/// A page of the list with everything that one can be.
pub fn past() -> PastPage {
    let most = PastRow { net_minor: -(MOST as i64), ..row(4, State::Closed, Some(Verdict::Equal), 0) };
    PastPage {
        rows: vec![
            row(7, State::Uploading, Some(Verdict::Different), 0),
            row(6, State::Closed, Some(Verdict::Equal), 0),
            row(5, State::Closed, Some(Verdict::Different), 3),
            most,
            row(3, State::GivenUp, None, 0),
            row(2, State::Closed, Some(Verdict::SettledBefore), 0),
        ],
        page: 0,
        pages: 3,
    }
}

/// What the host tells of the account.
pub fn account() -> MerchantAccount {
    let posting = |number: u32, posted, gross_minor, differences| HostSettlement {
        batch: batch(number),
        posted,
        equal: differences == 0,
        closing: Closing { gross_minor, fee_minor: gross_minor / 263, differences },
        date: night(21).date(),
        at: night(21),
    };
    MerchantAccount {
        balance_minor: 1_286_000,
        currency: Currency::CNY,
        fee_rate: 38,
        settlements: vec![
            posting(7, false, 158_650, 0),
            posting(6, true, 158_650, 0),
            posting(5, true, MOST as i64, 3),
            posting(4, true, -3_500, 0),
            posting(3, true, 0, 0),
            posting(2, true, 100, 0),
        ],
    }
}

pub fn screen(view: SettlementView) -> Screen {
    Screen::Settlement(Box::new(view))
}

/// All of them.
pub fn scenes() -> Vec<Scene> {
    let open = |open: OpenBatch| screen(SettlementView::Open(open));
    let one = |one: OneSettlement| screen(SettlementView::One(Box::new(one)));
    let told = |view: AccountView| screen(SettlementView::Account(view));
    let tested = |screen: Screen| View { mark: Mark::Test, link: LinkState::HostSilent, waiting: 1, ..view(screen) };
    let fullest = OpenBatch { sums: Ok(fullest_sums()), waiting: 3, parked: 2, ..open_batch() };
    let retried = |state, verdict| OneSettlement {
        request: Some(RequestView { asking: false, tries: 3, next_try: Some(at(14, 31, 20)) }),
        sums: Ok(fullest_sums()),
        undecided: 2,
        ..settling(state, verdict)
    };
    let longest = PastRow { net_minor: -(MOST as i64), ..differing().row };
    let longest = OneSettlement {
        row: longest,
        money: Some(Closing { gross_minor: -(MOST as i64), fee_minor: 3_799_999_999, differences: 6 }),
        slip: Some(SlipView::Failed(Some(Reason::of(ReasonKind::PrinterPaperOut)))),
        sums: Ok(fullest_sums()),
        ..differing()
    };
    let given_up = OneSettlement {
        row: row(1, State::GivenUp, None, 0),
        money: None,
        given_up: Some(("touchscreen".to_owned(), "confirmed twice on the touchscreen".to_owned())),
        slip: Some(SlipView::Printing),
        ..closed()
    };
    let two = scene("settlement-open", open(open_batch()));
    vec![
        two,
        scene("settlement-open-day", open(OpenBatch { sums: Ok(day()), ..open_batch() })),
        scene("settlement-open-none", open(OpenBatch { sums: Ok(Sums::default()), ..open_batch() })),
        Scene { view: tested(open(fullest.clone())), ..scene("settlement-open-fullest", open(open_batch())) },
        scene(
            "settlement-open-not-summed",
            open(OpenBatch {
                sums: Err("the batch holds payments in CNY and in USD; a batch is settled in one currency".to_owned()),
                ..open_batch()
            }),
        ),
        Scene { then: "s", ..scene("settlement-sure", open(open_batch())) },
        Scene {
            view: tested(open(fullest.clone())),
            then: "s",
            ..scene("settlement-sure-fullest", open(open_batch()))
        },
        scene("settlement-waits-host", open(OpenBatch { waiting: 3, wanted: Some(WaitsFor::Host), ..open_batch() })),
        Scene {
            view: tested(open(OpenBatch { wanted: Some(WaitsFor::People), waiting: 0, ..fullest })),
            ..scene("settlement-waits-people", open(open_batch()))
        },
        scene("settlement-waits-turn", open(OpenBatch { wanted: Some(WaitsFor::Turn), ..open_batch() })),
        scene("settlement-comparing", one(settling(State::Comparing, None))),
        scene("settlement-uploading", one(settling(State::Uploading, Some(Verdict::Different)))),
        scene("settlement-ending", one(settling(State::Ending, Some(Verdict::Equal)))),
        Scene {
            view: tested(one(retried(State::Reading, Some(Verdict::Different)))),
            ..scene("settlement-reading-again", open(open_batch()))
        },
        Scene {
            view: tested(one(retried(State::Comparing, None))),
            ..scene("settlement-comparing-again", open(open_batch()))
        },
        Scene {
            view: tested(one(retried(State::Comparing, None))),
            then: "g",
            ..scene("settlement-give-up", open(open_batch()))
        },
        scene("settlement-closed", one(closed())),
        Scene { then: "u", ..scene("settlement-closed-sums", one(closed())) },
        scene("settlement-differs", one(differing())),
        Scene { then: "d", ..scene("settlement-differences", one(differing())) },
        Scene { view: tested(one(longest)), ..scene("settlement-differs-fullest", open(open_batch())) },
        scene("settlement-given-up", one(given_up)),
        scene("settlements", screen(SettlementView::Past(past()))),
        Scene { view: tested(screen(SettlementView::Past(past()))), ..scene("settlements-test", open(open_batch())) },
        scene("settlements-none", screen(SettlementView::Past(PastPage { rows: Vec::new(), page: 0, pages: 1 }))),
        scene("account", told(AccountView::Told(account()))),
        scene("account-asking", told(AccountView::Asking)),
        scene(
            "account-none",
            told(AccountView::Told(MerchantAccount { balance_minor: 0, settlements: Vec::new(), ..account() })),
        ),
        Scene {
            view: tested(told(AccountView::Told(MerchantAccount { balance_minor: -(MOST as i64), ..account() }))),
            ..scene("account-fullest", open(open_batch()))
        },
        Scene {
            view: tested(told(AccountView::NotTold {
                unreachable: true,
                detail: "nothing was sent: connect to 192.0.2.1:8443: connection refused (os error 111)".to_owned(),
            })),
            ..scene("account-unreachable", open(open_batch()))
        },
        scene(
            "account-silent",
            told(AccountView::NotTold { unreachable: false, detail: "no answer: timed out after 30 s".to_owned() }),
        ),
    ]
}
