//! What the script says must have come of a day, and what everybody's books say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use yima::sandbox::card::profile::CardProfile;

use super::paper::{self, Slip};
use super::support::counter::{Counter, FULL_ACCOUNT};

/// Where a transaction is found again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trace {
    pub batch: String,
    pub stan: String,
}

/// What became of a transaction, by the script.
#[derive(Clone, Debug)]
pub struct Entry {
    pub trace: Trace,
    pub kind: String,
    pub outcome: String,
    /// What it is of, in fen.
    pub amount: i64,
    /// Whose account pays: that of another card than the usual one, by its profile.
    pub profile: String,
    /// It has slips of its own.
    pub slips: bool,
}

/// What was taken in cash, or given back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InCash {
    pub trace: Trace,
    pub kind: String,
    /// In fen.
    pub amount: i64,
}

/// A shop, and what is to be found in everybody's books.
pub struct Shop {
    pub counter: Counter,
    pub entries: Vec<Entry>,
    /// What the wallets held at first.
    wallets: BTreeMap<String, i64>,
    /// Who paid by code, or got money back.
    pub from_wallets: BTreeMap<String, i64>,
    /// What is set aside on the card's account.
    pub held: i64,
    /// What was taken and given back in cash.
    pub cash: Vec<InCash>,
    /// How many pieces of paper were looked at, and of settlements.
    pub papers: usize,
    /// How many transactions were tried, written down or not.
    pub tried: usize,
}

/// Fen of an amount as the program writes it.
pub fn fen(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let digits: String = digits.chars().filter(|one| *one != ',').collect();
    let (yuan, rest) = digits.split_once('.').unwrap();
    assert_eq!(rest.len(), 2, "{text}");
    sign * (yuan.parse::<i64>().unwrap() * 100 + rest.parse::<i64>().unwrap())
}

/// What a command came to, called something else.
fn with_outcome(mut result: Value, outcome: &str) -> Value {
    result["outcome"] = outcome.into();
    result
}

impl Shop {
    pub fn open(counter: Counter) -> Self {
        let mut shop = Self {
            counter,
            entries: Vec::new(),
            wallets: BTreeMap::new(),
            from_wallets: BTreeMap::new(),
            held: 0,
            cash: Vec::new(),
            papers: 0,
            tried: 0,
        };
        shop.wallets = shop.wallets_hold();
        shop
    }

    /// Takes down what a command came to, which must be what the script says.
    #[track_caller]
    pub fn came_to(&mut self, (result, code): (Value, i32), outcome: &str) -> Trace {
        self.tried += 1;
        let wanted = match outcome {
            "approved" => 0,
            "declined" => 1,
            _ => 2,
        };
        assert_eq!((result["outcome"].as_str(), code), (Some(outcome), wanted), "{result:#}");
        let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
        let trace = Trace { batch: text("batch"), stan: text("stan") };
        if !trace.stan.is_empty() && outcome != "error" && text("kind") != "balance" {
            let amount = fen(&text("amount"));
            self.entries.push(Entry {
                trace: trace.clone(),
                kind: text("kind"),
                outcome: outcome.to_owned(),
                amount,
                profile: String::new(),
                slips: true,
            });
        }
        trace
    }

    /// The same of what another card pays.
    #[track_caller]
    pub fn comes_from(&mut self, profile: &str, came: (Value, i32), outcome: &str) -> Trace {
        let before = self.entries.len();
        let trace = self.came_to(came, outcome);
        for entry in &mut self.entries[before..] {
            profile.clone_into(&mut entry.profile);
        }
        trace
    }

    /// The same of a part of a purchase, which has no slips of its own.
    #[track_caller]
    pub fn pays_a_part(&mut self, (result, code): (Value, i32), profile: &str, outcome: &str) -> Trace {
        assert_eq!(result["outcome"].as_str(), Some(outcome), "{result:#}");
        let said = if outcome == "in_part" { (with_outcome(result, "approved"), 0) } else { (result, code) };
        let before = self.entries.len();
        let trace = self.comes_from(profile, said, "approved");
        self.entries[before].slips = false;
        trace
    }

    /// What was not known of it is known later.
    #[track_caller]
    pub fn turns_out(&mut self, trace: &Trace, outcome: &str) {
        let entry = self.entries.iter_mut().find(|entry| entry.trace == *trace).unwrap();
        outcome.clone_into(&mut entry.outcome);
    }

    /// A sale with a card.
    #[track_caller]
    pub fn sells(&mut self, amount: &str, outcome: &str) -> Trace {
        let came = self.counter.sale(amount, &[]);
        self.came_to(came, outcome)
    }

    /// A command with a card.
    #[track_caller]
    pub fn with_card(&mut self, arguments: &[&str], outcome: &str) -> Trace {
        let came = self.counter.by_card(arguments, &[]);
        self.came_to(came, outcome)
    }

    /// A command without one.
    #[track_caller]
    pub fn no_card(&mut self, arguments: &[&str], outcome: &str) -> Trace {
        let came = self.counter.without_card(arguments, "");
        self.came_to(came, outcome)
    }

    /// A command about cash.
    #[track_caller]
    pub fn in_cash(&mut self, arguments: &[&str], amount: i64) -> Trace {
        self.tried += 1;
        let output = self.counter.yima(arguments).arg("--json").output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let text = |key: &str| said[key].as_str().unwrap().to_owned();
        assert_eq!((&*text("state"), fen(&text("amount"))), ("approved", amount), "{said:#}");
        let trace = Trace { batch: text("batch"), stan: text("stan") };
        self.cash.push(InCash { trace: trace.clone(), kind: text("kind"), amount });
        trace
    }

    /// The customer's code is scanned.
    #[track_caller]
    pub fn scans(&mut self, wallet: &str, emv: bool, amount: &str, outcome: &str) -> Trace {
        let mut command = self.counter.yima(&["sandbox", "wallet", "code", wallet]);
        if emv {
            command.arg("--emv");
        }
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let code = said.lines().next().unwrap().trim().to_owned();
        let came = self.counter.without_card(&["sale", amount, "--code", "-"], &format!("{code}\n"));
        if outcome == "approved" {
            *self.from_wallets.entry(wallet.to_owned()).or_default() += fen(amount);
        }
        self.came_to(came, outcome)
    }

    /// What wallets hold, in fen.
    pub fn wallets_hold(&self) -> BTreeMap<String, i64> {
        let output = self.counter.yima(&["sandbox", "wallet", "list", "--json"]).output().unwrap();
        let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let wallets = listed["wallets"].as_array().unwrap().iter();
        let of = |one: &Value| (one["name"].as_str().unwrap().to_owned(), fen(one["balance"].as_str().unwrap()));
        wallets.map(of).collect()
    }

    /// Which way money went: to the shop.
    fn sign(kind: &str) -> i64 {
        match kind {
            "sale" | "offline_sale" | "completion" | "completion_notice" | "code_payment" => 1,
            "void" | "refund" | "completion_void" | "code_refund" => -1,
            "pre_authorisation" | "pre_authorisation_top_up" | "pre_authorisation_void" => 0,
            other => panic!("what is {other}?"),
        }
    }

    fn approved<'a>(&'a self, batch: Option<&'a str>) -> impl Iterator<Item = &'a Entry> {
        let of_it = move |entry: &&Entry| batch.is_none_or(|batch| entry.trace.batch == batch);
        self.entries.iter().filter(|entry| entry.outcome == "approved").filter(of_it)
    }

    /// What the shop took, by the script.
    pub fn net(&self, batch: &str) -> i64 {
        self.approved(Some(batch)).map(|entry| Self::sign(&entry.kind) * entry.amount).sum()
    }

    /// Count and sum of each kind, by the script.
    pub fn by_kind(&self, batch: &str) -> BTreeMap<String, (u64, i64)> {
        let mut sums = BTreeMap::<String, (u64, i64)>::new();
        for entry in self.approved(Some(batch)) {
            let sum = sums.entry(entry.kind.clone()).or_default();
            *sum = (sum.0 + 1, sum.1 + entry.amount);
        }
        sums
    }

    /// Everybody's books but those of the night.
    pub fn agree(&mut self) {
        self.terminal_agrees();
        let by_card = |entry: &&Entry| !entry.kind.starts_with("code_") && entry.profile.is_empty();
        let card: i64 = self.approved(None).filter(by_card).map(|one| Self::sign(&one.kind) * one.amount).sum();
        let held = self.counter.host_books().held(super::support::counter::PAN).unwrap().unwrap();
        let account = i64::try_from(self.counter.balance()).unwrap();
        assert_eq!((account, i64::try_from(held).unwrap()), (i64::try_from(FULL_ACCOUNT).unwrap() - card, self.held));
        let left = self
            .wallets
            .iter()
            .map(|(name, held)| (name.clone(), held - self.from_wallets.get(name).copied().unwrap_or_default()));
        assert_eq!(self.wallets_hold(), left.collect::<BTreeMap<_, _>>());
        for profile in ["low-balance", "offline", "unionpay-credit"] {
            let of_it = |entry: &&Entry| entry.profile == profile;
            let paid: i64 = self.approved(None).filter(of_it).map(|one| Self::sign(&one.kind) * one.amount).sum();
            let application = &CardProfile::shipped(profile).unwrap().applications[0];
            let holds = self.counter.host_books().balance(&application.pan).unwrap().unwrap();
            assert_eq!(
                i64::try_from(holds).unwrap(),
                i64::try_from(application.issuer.balance).unwrap() - paid,
                "{profile}"
            );
        }
        self.paper_agrees();
    }

    fn terminal_agrees(&self) {
        let rows = self.counter.transactions();
        for entry in &self.entries {
            let of_it = |row: &&Value| {
                row["batch"].as_str() == Some(&entry.trace.batch) && row["stan"].as_str() == Some(&entry.trace.stan)
            };
            let found: Vec<_> = rows.iter().filter(of_it).collect();
            let [row] = found[..] else { panic!("{entry:?} stands {} times in the ledger", found.len()) };
            assert_eq!(row["state"].as_str(), Some(&*entry.outcome), "{row:#}");
            assert_eq!(
                (row["kind"].as_str(), fen(row["amount"].as_str().unwrap())),
                (Some(&*entry.kind), entry.amount)
            );
        }
        let in_cash = |row: &&Value| row["kind"].as_str().unwrap().starts_with("cash_");
        let cash = rows.iter().filter(in_cash).map(|row| {
            let text = |key: &str| row[key].as_str().unwrap().to_owned();
            let trace = Trace { batch: text("batch"), stan: text("stan") };
            InCash { trace, kind: text("kind"), amount: fen(&text("amount")) }
        });
        assert_eq!(cash.collect::<BTreeSet<_>>(), self.cash.iter().cloned().collect());
        let ours = |row: &&Value| row["state"] == "approved" && !in_cash(row);
        assert_eq!(rows.iter().filter(ours).count(), self.approved(None).count(), "and nothing else was done");
        assert_eq!(self.counter.queue(), Vec::<Value>::new(), "the host was told everything");
    }

    /// One slip for the shop and one for the customer of what was done, of nothing else, and all say the same.
    fn paper_agrees(&mut self) {
        let slips: Vec<Slip> = paper::read(&self.counter).into_iter().filter_map(|paper| paper.slip()).collect();
        for copy in ["商户存根", "持卡人存根"] {
            let has_slips =
                |entry: &&Entry| entry.slips && (entry.outcome == "approved" || entry.kind == "offline_sale");
            let mut expected: Vec<_> = self
                .entries
                .iter()
                .filter(has_slips)
                .map(|one| (one.trace.clone(), paper::word(&one.kind), one.amount))
                .collect();
            let of_it = slips.iter().filter(|slip| slip.copy == copy && !slip.duplicate);
            let mut found: Vec<_> = of_it.map(|slip| (slip.trace.clone(), &*slip.kind, slip.amount.abs())).collect();
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{copy}");
        }
        // Whoever gets cash back signs for it: the shop keeps that slip.
        let wanted: usize = self.cash.iter().map(|one| if one.kind == "cash_refund" { 2 } else { 1 }).sum();
        let printed = paper::read(&self.counter).iter().filter(|paper| paper.is_of_cash()).count();
        assert_eq!(printed, wanted, "slips of what was paid in cash");
        self.papers = slips.len();
    }
}
