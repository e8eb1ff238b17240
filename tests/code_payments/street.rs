//! A host, a terminal that is signed on, and customers with phones.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::date;
use serde_json::{Value, json};
use tempfile::TempDir;
use yima::acquirer::link::{HostLink, HttpsLink};
use yima::money::{Amount, Currency};
use yima::payment::qr::record::{Record, Resume};
use yima::payment::qr::{
    CodePayment, CodeRefund, Conclusion, Effect, Event, Order, Paid, PaymentCode, Progress, Schedule, Way,
};
use yima::reference::{Batch, Stan, TraceNumber};
use yima::sandbox::host::{Host, RunningHost};
use yima::sandbox::wallet::RunningWallets;
use yima::terminal::identity::Identity;
use yima::terminal::link::LinkSettings;
use yima::vault::software::SoftwareVault;

pub struct Street {
    pub host: Host,
    pub running: RunningHost,
    pub wallets: RunningWallets,
    directory: TempDir,
}

/// What came of a payment.
pub struct Played {
    pub conclusion: Conclusion,
    /// What was written down, in order.
    pub records: Vec<Record>,
    /// What was shown.
    pub shown: Vec<String>,
    pub paid: Option<Paid>,
    /// How often the host was asked.
    pub sent: usize,
}

impl Street {
    pub fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let host = Host::prepare(&directory.path().join("host")).unwrap();
        host.write_kit(&directory.path().join("kit")).unwrap();
        let running = host.start(([127, 0, 0, 1], 0).into()).unwrap();
        let wallets = RunningWallets::start(&host, ([127, 0, 0, 1], 0).into()).unwrap();
        let street = Self { host, running, wallets, directory };
        street.link().sign_on(trace(999_999)).unwrap();
        street
    }

    pub fn kit(&self) -> PathBuf {
        self.directory.path().join("kit")
    }

    /// A terminal that gives up soon: silence is what is often tested.
    pub fn link(&self) -> HttpsLink {
        let settings = LinkSettings { connect_timeout_s: 3, answer_timeout_s: 1, ..self.running.link_settings() };
        let vault = Arc::new(SoftwareVault::open(&self.kit()).unwrap());
        HttpsLink::open(&settings, &self.kit(), Identity::load(&self.kit()).unwrap(), vault).unwrap()
    }

    /// Plays a payment to its end. `pause`: what happens while it waits for the nth time; what it gives comes before the pause is over.
    pub fn play(&self, mut payment: CodePayment, mut pause: impl FnMut(usize, &[String]) -> Option<Event>) -> Played {
        let link = self.link();
        let mut events = std::collections::VecDeque::from([Event::Begin]);
        let (mut records, mut shown, mut conclusion) = (Vec::new(), Vec::new(), None);
        let (mut pauses, mut sent) = (0, 0);
        while let Some(event) = events.pop_front() {
            for effect in payment.step(event) {
                match effect {
                    Effect::Record(record) => records.push(record),
                    Effect::Show(Progress::ShowingCode(code)) => shown.push(code),
                    Effect::Show(_) => {}
                    Effect::Send(request) => {
                        sent += 1;
                        events.push_back(match link.code_payment(&request) {
                            Ok(word) => word.into(),
                            Err(failure) => Event::LinkFailed(failure),
                        });
                    }
                    Effect::Wait(_) => {
                        events.extend(pause(pauses, &shown));
                        events.push_back(Event::PauseOver);
                        pauses += 1;
                    }
                    Effect::Conclude(said) => conclusion = Some(said),
                }
            }
        }
        Played { conclusion: conclusion.unwrap(), records, shown, paid: payment.paid().cloned(), sent }
    }

    /// A customer's code is scanned.
    pub fn scanned(&self, stan: u32, minor: u64, code: &str) -> CodePayment {
        CodePayment::new(order(stan, minor), Way::Scanned(PaymentCode::parse(code).unwrap()), schedule())
    }

    /// A code is shown for so long.
    pub fn to_show(&self, stan: u32, minor: u64, valid_s: u32) -> CodePayment {
        CodePayment::new(order(stan, minor), Way::Shown { valid_s }, schedule())
    }

    /// What a power cut left behind is gone on with.
    pub fn resumed(&self, stan: u32, minor: u64, resume: Resume) -> CodePayment {
        CodePayment::resumed(order(stan, minor), resume, schedule())
    }

    /// What a wallet holds, in minor units.
    pub fn balance(&self, wallet: &str) -> u64 {
        self.get(&format!("wallets/{wallet}"))["minor"].as_u64().unwrap()
    }

    pub fn get(&self, path: &str) -> Value {
        let response = reqwest::blocking::get(format!("{}{path}", self.wallets.url())).unwrap();
        serde_json::from_str(&response.text().unwrap()).unwrap()
    }

    /// What a phone sends: status and answer.
    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = reqwest::blocking::Client::new().post(format!("{}{path}", self.wallets.url()));
        let response = request.header("Content-Type", "application/json").body(body.to_string()).send().unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().unwrap()).unwrap_or_default())
    }

    /// A code that a customer shows.
    pub fn code(&self, wallet: &str, form: &str) -> String {
        let (status, made) = self.post(&format!("wallets/{wallet}/code"), &json!({ "form": form }));
        assert_eq!(status, 200, "{made}");
        made["code"].as_str().unwrap().to_owned()
    }

    /// What the customer has to pay with this wallet: names of the orders.
    pub fn waiting(&self, wallet: &str) -> Vec<String> {
        let wallet = self.get(&format!("wallets/{wallet}"));
        let waiting = wallet["waiting"].as_array().unwrap().clone();
        waiting.iter().map(|bill| bill["order"].as_str().unwrap().to_owned()).collect()
    }

    /// A customer pays; gives what the phone says.
    pub fn pays(&self, wallet: &str, order: &str, password: Option<&str>) -> String {
        let body = json!({ "order": order, "password": password });
        let (status, said) = self.post(&format!("wallets/{wallet}/pay"), &body);
        assert_eq!(status, 200, "{said}");
        said["result"].as_str().unwrap().to_owned()
    }
}

pub fn trace(stan: u32) -> TraceNumber {
    TraceNumber { batch: Batch::FIRST, stan: Stan::new(stan).unwrap() }
}

pub fn cny(minor: u64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

pub fn order(stan: u32, minor: u64) -> Order {
    Order { trace: trace(stan), amount: cny(minor), at: date(2026, 11, 22).at(14, 3, 5, 0) }
}

pub fn refund(stan: u32, minor: u64, of: Order, paid: &Paid) -> CodeRefund {
    let at = date(2026, 11, 23).at(9, 0, 0, 0);
    CodeRefund { trace: trace(stan), order: of, paid: paid.clone(), amount: cny(minor), at }
}

fn schedule() -> Schedule {
    Schedule { enquiries_s: vec![2, 3, 5], cancels_s: vec![5, 10] }
}
