//! Whatever terminals ask and customers do, in whatever order: the wallets hold what they held at first, less what stands.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const WALLETS: [(&str, u64); 3] = [("wallet-1", 1_000_000), ("wallet-2", 5_000), ("wallet-3", 200_000)];

/// One step of a day.
#[derive(Clone, Debug)]
enum Step {
    /// A customer's code is scanned: a new one, or one from before.
    Pay {
        wallet: usize,
        minor: u64,
        old: bool,
    },
    Open {
        minor: u64,
    },
    Enquire {
        which: usize,
    },
    Cancel {
        which: usize,
    },
    CancelBeforeItComes {
        minor: u64,
    },
    Refund {
        which: usize,
        minor: u64,
    },
    /// The same message once more.
    Repeat {
        which: usize,
    },
    CustomerPays {
        wallet: usize,
        which: usize,
        password: Option<bool>,
    },
    CustomerRefuses {
        wallet: usize,
        which: usize,
    },
    /// Somebody who does not know the password tries until the wallet is shut.
    CustomerGuesses {
        wallet: usize,
        which: usize,
    },
    TimePasses {
        seconds: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let which = || any::<prop::sample::Index>().prop_map(|index| index.index(1 << 16));
    let wallet = 0..WALLETS.len();
    let minor = || prop::sample::select(vec![100, 100, 300, 1_000, 4_000, 60_000, 66_05, 300_000]);
    let password = prop::sample::select(vec![None, Some(true), Some(true), Some(false), Some(false)]);
    prop_oneof![
        4 => (wallet.clone(), minor(), prop::bool::weighted(0.1)).prop_map(|(wallet, minor, old)| Step::Pay { wallet, minor, old }),
        3 => minor().prop_map(|minor| Step::Open { minor }),
        2 => which().prop_map(|which| Step::Enquire { which }),
        2 => which().prop_map(|which| Step::Cancel { which }),
        1 => minor().prop_map(|minor| Step::CancelBeforeItComes { minor }),
        3 => (which(), minor()).prop_map(|(which, minor)| Step::Refund { which, minor }),
        2 => which().prop_map(|which| Step::Repeat { which }),
        5 => (wallet.clone(), which(), password)
            .prop_map(|(wallet, which, password)| Step::CustomerPays { wallet, which, password }),
        1 => (wallet.clone(), which()).prop_map(|(wallet, which)| Step::CustomerRefuses { wallet, which }),
        1 => (wallet, which()).prop_map(|(wallet, which)| Step::CustomerGuesses { wallet, which }),
        1 => prop::sample::select(vec![1, 59, 60, 121]).prop_map(|seconds| Step::TimePasses { seconds }),
    ]
}

/// What is told of a day from outside.
#[derive(Default)]
struct Told {
    /// Number and amount of each order.
    orders: Vec<(u32, u64)>,
    /// Numbers that were cancelled.
    cancelled: BTreeSet<u32>,
    /// Messages that were sent, and what was answered.
    sent: Vec<(CodeRequest, crate::iso8583::Message)>,
    codes: Vec<String>,
    stan: u32,
}

/// Every wallet holds what it held, less what its orders keep, told from orders and refunds alone.
fn check(counter: &Counter, told: &Told) {
    let (orders, refunds) = (counter.store.code_orders().unwrap(), counter.store.code_refunds().unwrap());
    for (name, at_first) in WALLETS {
        let kept: u64 = orders
            .iter()
            .filter(|order| order.state == OrderState::Paid && order.wallet.as_deref() == Some(name))
            .map(|order| {
                let of_it = refunds.iter().filter(|refund| refund.order == Some(order.trace));
                let back: u64 = of_it.map(|refund| refund.booked.minor()).sum();
                assert!(back <= order.amount.minor(), "more went back than was paid: {order:?}");
                order.amount.minor() - back
            })
            .sum();
        assert_eq!(counter.balance(name) + kept, at_first, "{name}: {orders:?} {refunds:?}");
    }
    for order in &orders {
        assert_eq!(order.state == OrderState::Paid, order.outcome == "00", "{order:?}");
        let is_cancelled = told.cancelled.contains(&order.trace.stan.number());
        assert!(!is_cancelled || !matches!(order.state, OrderState::Open | OrderState::Paid), "{order:?}");
    }
    let sql = "SELECT count(*) FROM code_orders WHERE way = 'scanned' AND state IN ('paid', 'paid_back')
               AND id NOT IN (SELECT used_by FROM wallet_codes WHERE used_by IS NOT NULL)";
    let without_code: i64 = counter.store.connection().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(without_code, 0, "each scanned order that was paid used up a code of its own");
}

/// What must happen in the days that are played: what never happens proves nothing.
const MUST_HAPPEN: [&str; 27] = [
    "pay 00",
    "pay 05",
    "pay 09",
    "pay 51",
    "pay 56",
    "open 00",
    "open 05",
    "outcome 00",
    "outcome 09",
    "outcome 17",
    "outcome 05",
    "cancel 00 00",
    "cancel 00 17",
    "refund 00",
    "refund 12",
    "refund 13",
    "refund 25",
    "came after it was cancelled 94",
    "repeat 00",
    "repeat 09",
    "repeat 17",
    "customer paid",
    "customer password_needed",
    "customer wrong_password",
    "customer too_little",
    "customer over",
    "customer too_many_wrong_passwords",
];

/// Days that are played at least, and so many more as it takes until everything happened, at most this often.
const DAYS: u32 = 192;
const MOST_ROUNDS: usize = 20;

#[test]
fn after_any_day_the_wallets_hold_what_the_orders_say() {
    let seen = std::cell::RefCell::new(BTreeMap::<String, u32>::new());
    let counter = std::cell::RefCell::new(Counter::new());
    let missing = || MUST_HAPPEN.into_iter().find(|what| !seen.borrow().contains_key(*what));
    for _ in 0..MOST_ROUNDS {
        let mut runner = TestRunner::new(Config { cases: DAYS, ..Config::default() });
        let result = runner.run(&prop::collection::vec(step(), 1..60), |steps| {
            let mut counter = counter.borrow_mut();
            counter.begin_anew();
            let mut told = Told::default();
            for step in steps {
                if let Some(what) = play(&mut counter, &mut told, &step) {
                    *seen.borrow_mut().entry(what).or_default() += 1;
                }
                check(&counter, &told);
            }
            Ok(())
        });
        result.unwrap();
        if missing().is_none() {
            return;
        }
    }
    assert_eq!(missing(), None, "never happened: {:?}", seen.borrow());
}

/// An order; mostly one that stands so, for of most nothing can be done any more.
fn likely(counter: &Counter, told: &Told, which: usize, state: OrderState) -> Option<(u32, u64)> {
    let from = which % told.orders.len().max(1);
    let mut in_turn = told.orders.iter().cycle().skip(from).take(told.orders.len());
    let found = in_turn.clone().find(|(stan, _)| which.is_multiple_of(4) || counter.order(*stan).state == state);
    found.or_else(|| in_turn.next()).copied()
}

fn play(counter: &mut Counter, told: &mut Told, step: &Step) -> Option<String> {
    let of = |told: &Told, which: usize| (!told.orders.is_empty()).then(|| told.orders[which % told.orders.len()]);
    let balances = |counter: &Counter| WALLETS.map(|(name, _)| counter.balance(name));
    let before = balances(counter);
    told.stan += 1;
    let stan = told.stan;
    match *step {
        Step::Pay { wallet, minor, old } => {
            let code = match told.codes.last() {
                Some(code) if old => code.clone(),
                _ => counter.code(WALLETS[wallet].0),
            };
            told.codes.push(code.clone());
            let message = counter.message(CodeRequest::Pay, stan, minor, &[("01", &code)], None);
            let decided = counter.send(CodeRequest::Pay, &message);
            told.orders.push((stan, minor));
            told.sent.push((CodeRequest::Pay, message));
            Some(format!("pay {}", code_of(&decided)))
        }
        Step::Open { minor } => {
            let message = counter.message(CodeRequest::Open, stan, minor, &[("02", "60")], None);
            let decided = counter.send(CodeRequest::Open, &message);
            told.orders.push((stan, minor));
            told.sent.push((CodeRequest::Open, message));
            Some(format!("open {}", code_of(&decided)))
        }
        Step::Enquire { which } => {
            let (stan, minor) = of(told, which)?;
            let outcome = counter.outcome(stan, minor);
            assert_eq!(balances(counter), before, "an enquiry moves nothing");
            Some(format!("outcome {outcome}"))
        }
        Step::Cancel { which } => {
            let (stan, minor) = of(told, which)?;
            let (code, outcome) = counter.cancel(stan, minor);
            told.cancelled.insert(stan);
            let after = balances(counter);
            assert_eq!(counter.cancel(stan, minor), (code.clone(), outcome.clone()), "asked twice it says the same");
            assert_eq!(balances(counter), after, "once");
            Some(format!("cancel {code} {outcome}"))
        }
        Step::CancelBeforeItComes { minor } => {
            let (code, outcome) = counter.cancel(stan, minor);
            told.cancelled.insert(stan);
            let late = counter.pay(stan, minor, &counter.code("wallet-1"));
            assert_eq!((code.as_str(), outcome.as_str(), balances(counter)), ("00", "25", before));
            Some(format!("came after it was cancelled {}", code_of(&late)))
                .filter(|_| counter.cancel(stan, minor).1 == "25")
        }
        Step::Refund { which, minor } => {
            let (about, _) = likely(counter, told, which, OrderState::Paid)?;
            let message = counter.message(CodeRequest::Refund, stan, minor, &[], Some(about));
            let decided = counter.send(CodeRequest::Refund, &message);
            told.sent.push((CodeRequest::Refund, message));
            Some(format!("refund {}", code_of(&decided)))
        }
        Step::Repeat { which } => {
            let (request, message) = told.sent.get(which % told.sent.len().max(1))?;
            let again = counter.send(*request, message);
            assert_eq!(balances(counter), before, "a repeat moves nothing");
            assert!(!again.is_new && code_of(&again) != "94", "{}", code_of(&again));
            Some(format!("repeat {}", code_of(&again)))
        }
        Step::CustomerPays { wallet, which, password } => {
            let (stan, _) = likely(counter, told, which, OrderState::Open)?;
            let password = password.map(|right| if right { "123456" } else { "654321" });
            let paying = counter.customer_pays(WALLETS[wallet].0, stan, password);
            assert!(paying == Paying::Paid || balances(counter) == before, "{paying:?}");
            Some(format!("customer {}", paying.word()))
        }
        Step::CustomerRefuses { wallet, which } => {
            let (stan, _) = likely(counter, told, which, OrderState::Open)?;
            counter.customer_refuses(WALLETS[wallet].0, stan);
            assert_eq!(balances(counter), before);
            None
        }
        Step::CustomerGuesses { wallet, which } => {
            let (stan, _) = likely(counter, told, which, OrderState::Open)?;
            let guess = |_| counter.customer_pays(WALLETS[wallet].0, stan, Some("654321"));
            let last = (0..8).map(guess).find(|paying| !matches!(paying, Paying::WrongPassword));
            let last = last.unwrap();
            assert!(last == Paying::Paid || balances(counter) == before, "{last:?}");
            Some(format!("customer {}", last.word()))
        }
        Step::TimePasses { seconds } => {
            counter.now_s += seconds;
            None
        }
    }
}
