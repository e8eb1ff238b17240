//! `yima emv replay`: the kernel that takes real cards, against a script.

use std::iter::Peekable;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::script::{self, Content, Line};
use crate::cli::{Failure, output};
use crate::clock;
use crate::crypto::hex;
use crate::emv::action::Cryptogram;
use crate::emv::apdu::CardAnswer;
use crate::emv::ca_keys::CaKeys;
use crate::emv::kernel::{Authentication, Event, Kernel, OnlineResult, Outcome, Step, TransactionData};
use crate::emv::oda::Method;
use crate::emv::risk::Lookup;
use crate::emv::tag;
use crate::emv::terminal::{TerminalData, TransactionKind};
use crate::money::{Amount, Currency};

/// What comes after `yima emv replay`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Script: `> hex` commands, `< hex` answers, `= word` what people and the host say, `#` comments
    script: PathBuf,

    /// What is to be paid, like 12.34
    #[arg(long, default_value = "1.00")]
    amount: String,

    /// Cashback, part of the amount
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    other: String,

    /// ISO 4217 code
    #[arg(long, value_name = "CODE", default_value = "CNY")]
    currency: String,

    /// Date of the transaction, like 2026-11-24; today when left out
    #[arg(long)]
    date: Option<Date>,

    /// Unpredictable number, eight hexadecimal digits
    #[arg(long, value_name = "HEX", default_value = "01020304")]
    un: String,

    /// purchase, cash, preauthorisation, cashback, refund or balance
    #[arg(long = "type", value_name = "TYPE", default_value = "purchase", value_parser = kind)]
    kind: TransactionKind,

    /// The host's answer: 00, 10 and 11 approve, 01 and 02 want a call, others decline; left out, the host cannot be reached
    #[arg(long, value_name = "RC")]
    online: Option<String>,

    /// Random number from 1 to 99 for the choice of transactions that go online
    #[arg(long, value_name = "NUMBER")]
    random: Option<u8>,

    /// The merchant wants the host to be asked
    #[arg(long)]
    force_online: bool,

    /// Terminal description; the shipped one when left out
    #[arg(long, value_name = "FILE")]
    terminal: Option<PathBuf>,

    /// List of applications; the shipped one when left out
    #[arg(long, value_name = "FILE")]
    aids: Option<PathBuf>,

    /// Keys of certification authorities; the shipped live ones when left out
    #[arg(long, value_name = "FILE")]
    capk: Option<PathBuf>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// A script that the kernel does not follow.
#[derive(Debug, thiserror::Error)]
enum Departure {
    #[error("line {line}: the kernel sends another command\n  script: {expected}\n  kernel: {sent}")]
    Command { line: usize, expected: String, sent: String },
    #[error("line {line}: the kernel {wants}, the script has something else there")]
    Other { line: usize, wants: String },
    #[error("the script ends where the kernel {wants}")]
    TooShort { wants: String },
    #[error("line {line}: the transaction is over ({outcome}), the script goes on")]
    TooLong { line: usize, outcome: String },
}

impl Arguments {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let path = self.script.display();
        let text = std::fs::read_to_string(&self.script).map_err(|error| format!("{path}: {error}"))?;
        let lines = script::read(&text).map_err(|error| format!("{path}, {error}"))?;
        let currency: Currency = self.currency.parse()?;
        let mut replay = Replay {
            kernel: Kernel::new(self.terminal_data()?, &self.transaction(currency)?),
            lines: lines.into_iter().peekable(),
            currency,
            online: self.online.as_deref().map(response_code).transpose()?,
            steps: Vec::new(),
        };
        let outcome = replay.play().map_err(|departure| format!("{path}, {departure}"))?;
        if self.json {
            output::json(&replay.as_json(&outcome));
        } else {
            replay.print(&outcome);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn terminal_data(&self) -> Result<TerminalData, Failure> {
        let read = |path: &Option<PathBuf>, shipped: &str| match path {
            Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display())),
            None => Ok(shipped.to_owned()),
        };
        let terminal = read(&self.terminal, TerminalData::SHIPPED_TERMINAL)?;
        let ca_keys = match &self.capk {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
                CaKeys::parse(&text)?
            }
            None => CaKeys::shipped_live()?,
        };
        Ok(TerminalData::parse(&terminal, &read(&self.aids, TerminalData::SHIPPED_APPLICATIONS)?, ca_keys)?)
    }

    fn transaction(&self, currency: Currency) -> Result<TransactionData, Failure> {
        let date = self.date.unwrap_or_else(|| clock::local().date());
        let (year, month, day) = (date.year().rem_euclid(100), date.month(), date.day());
        let unpredictable_number = hex::decode(&self.un).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(TransactionData {
            kind: self.kind,
            amount: digits(Amount::parse(&self.amount, currency)?.minor()),
            amount_other: digits(Amount::parse(&self.other, currency)?.minor()),
            currency: digits(u64::from(currency.numeric())),
            currency_exponent: currency.exponent(),
            date: digits(year as u64 * 10_000 + month as u64 * 100 + day as u64),
            time: [0x12, 0x00, 0x00],
            unpredictable_number: unpredictable_number.ok_or("--un has eight hexadecimal digits")?,
            random_number: self.random,
            forced_online: self.force_online,
            sequence_counter: [0, 0, 0, 1],
            terminal_identification: b"00000001".to_vec(),
            merchant_identifier: b"000000000000001".to_vec(),
            interface_serial_number: *b"00000001",
        })
    }
}

/// A script being played.
struct Replay {
    kernel: Kernel,
    lines: Peekable<std::vec::IntoIter<Line>>,
    currency: Currency,
    online: Option<[u8; 2]>,
    /// What happened, for people and for programs.
    steps: Vec<Value>,
}

impl Replay {
    fn play(&mut self) -> Result<Outcome, Departure> {
        let mut event = Event::Start;
        loop {
            event = match self.kernel.step(event) {
                Step::Send(command) => self.exchange(command.bytes())?,
                Step::Choose(choices) => {
                    let names: Vec<_> = choices.iter().map(|choice| &choice.name).collect();
                    self.steps.push(json!({ "choose": names }));
                    self.next("offers applications", |content| match content {
                        Content::Choose(index) => Some(Event::Chosen(*index)),
                        _ => None,
                    })?
                }
                Step::Confirm(choice) => {
                    self.steps.push(json!({ "confirm": choice.name }));
                    self.next("asks for consent", |content| match content {
                        Content::Confirm(agreed) => Some(Event::Confirmed(*agreed)),
                        _ => None,
                    })?
                }
                Step::AskPin(request) => {
                    self.steps.push(json!({
                        "pin": format!("{:?}", request.kind).to_lowercase(),
                        "tries_left": request.tries_left,
                        "wrong_before": request.wrong_before,
                    }));
                    self.next("asks for a PIN", |content| match content {
                        Content::Pin(entry) => Some(Event::Pin(entry.clone())),
                        _ => None,
                    })?
                }
                Step::LookUp => Event::LookedUp(self.look_up()?),
                Step::GoOnline => Event::Online(self.go_online()),
                Step::CallIssuer => {
                    self.steps.push(json!("call the issuer"));
                    self.next("has the issuer called", |content| match content {
                        Content::Call(approved) => Some(Event::Referred(*approved)),
                        _ => None,
                    })?
                }
                Step::Decided(outcome) => {
                    self.steps.push(json!({ "decided": outcome.word() }));
                    Event::Noted
                }
                Step::Done(outcome) => return self.over(outcome),
            };
        }
    }

    fn exchange(&mut self, sent: &[u8]) -> Result<Event, Departure> {
        let sent = hex::encode(sent);
        let wants = format!("sends {sent}");
        match self.lines.next() {
            Some(Line { content: Content::Command(expected), .. }) if hex::encode(&expected) == sent => {}
            Some(Line { content: Content::Command(expected), number }) => {
                return Err(Departure::Command { line: number, expected: hex::encode(&expected), sent });
            }
            Some(line) => return Err(Departure::Other { line: line.number, wants }),
            None => return Err(Departure::TooShort { wants }),
        }
        match self.lines.next() {
            Some(Line { content: Content::Answer(answer), .. }) => {
                self.steps.push(json!({ "command": sent, "answer": hex::encode(&answer) }));
                Ok(Event::Answer(CardAnswer::new(answer)))
            }
            Some(line) => Err(Departure::Other { line: line.number, wants: "waits for an answer".to_owned() }),
            None => Err(Departure::TooShort { wants: "waits for an answer".to_owned() }),
        }
    }

    /// The next line, when it answers what the kernel wants.
    fn next(&mut self, wants: &str, take: impl Fn(&Content) -> Option<Event>) -> Result<Event, Departure> {
        let wants = wants.to_owned();
        let Some(line) = self.lines.next() else { return Err(Departure::TooShort { wants }) };
        take(&line.content).ok_or(Departure::Other { line: line.number, wants })
    }

    /// Lines about log and exception file, if there are any.
    fn look_up(&mut self) -> Result<Lookup, Departure> {
        let mut lookup = Lookup::default();
        let told = |line: &Line| matches!(line.content, Content::Logged(_) | Content::Exception);
        while let Some(line) = self.lines.next_if(told) {
            match line.content {
                Content::Logged(amount) => {
                    let amount = Amount::parse(&amount, self.currency).map_err(|error| Departure::Other {
                        line: line.number,
                        wants: format!("looks for an amount: {error}"),
                    })?;
                    lookup.logged = amount.minor();
                }
                _ => lookup.on_exception_file = true,
            }
        }
        self.steps.push(json!({ "logged": lookup.logged, "exception": lookup.on_exception_file }));
        Ok(lookup)
    }

    fn go_online(&mut self) -> OnlineResult {
        let issuer_data = match self.lines.next_if(|line| matches!(line.content, Content::Issuer(_))) {
            Some(Line { content: Content::Issuer(bytes), .. }) => bytes,
            _ => Vec::new(),
        };
        let code = self.online.map(|code| code.escape_ascii().to_string());
        self.steps.push(json!({ "online": code, "issuer": hex::encode(&issuer_data) }));
        match self.online {
            None => OnlineResult::UnableToGoOnline,
            Some(response_code) => match &response_code {
                b"00" | b"10" | b"11" => OnlineResult::Approved { response_code, issuer_data },
                b"01" | b"02" => OnlineResult::Referral { response_code, issuer_data },
                _ => OnlineResult::Declined { response_code, issuer_data },
            },
        }
    }

    fn over(&mut self, outcome: Outcome) -> Result<Outcome, Departure> {
        match self.lines.next() {
            Some(line) => Err(Departure::TooLong { line: line.number, outcome: sentence(&outcome) }),
            None => Ok(outcome),
        }
    }

    fn as_json(&self, outcome: &Outcome) -> Value {
        let data = self.kernel.data();
        let value = |tag| data.get(tag).map(hex::encode);
        let mut objects = Map::new();
        for tag in data.tags() {
            objects.insert(tag.to_string(), json!(value(tag)));
        }
        let reason = match outcome {
            Outcome::Terminated(termination) => Some(termination.to_string()),
            Outcome::Approved | Outcome::Declined | Outcome::NotAccepted | Outcome::Identified => None,
        };
        json!({
            "aid": value(tag::DF_NAME),
            "application": self.kernel.application_label(),
            "language": self.kernel.language().map(|code| code.escape_ascii().to_string()),
            "oda": self.authentication(),
            "cvm_results": value(tag::CVM_RESULTS),
            "tvr": hex::encode(&self.kernel.tvr().0),
            "tsi": hex::encode(&self.kernel.tsi().0),
            "requested": self.kernel.requested().map(cryptogram),
            "cid": value(tag::CRYPTOGRAM_INFORMATION),
            "outcome": outcome.word(),
            "reason": reason,
            "steps": self.steps,
            "data": objects,
        })
    }

    fn authentication(&self) -> Value {
        let Some(Authentication { method, result }) = self.kernel.authentication() else {
            return json!({ "method": null, "result": "not_performed" });
        };
        let method = match method {
            Method::Static => "SDA",
            Method::Dynamic => "DDA",
            Method::Combined => "CDA",
        };
        match result {
            None => json!({ "method": method, "result": "not_performed" }),
            Some(Ok(())) => json!({ "method": method, "result": "successful" }),
            Some(Err(failure)) => json!({ "method": method, "result": "failed", "reason": failure.to_string() }),
        }
    }

    fn print(&self, outcome: &Outcome) {
        for step in &self.steps {
            match (step.get("command"), step.get("answer")) {
                (Some(Value::String(command)), Some(Value::String(answer))) => {
                    output::say(&format!("> {command}"));
                    output::say(&format!("< {answer}"));
                }
                _ => output::say(&format!("= {step}")),
            }
        }
        let value = |tag| self.kernel.data().get(tag).map(hex::encode).unwrap_or_default();
        output::say(&format!("application {} {}", value(tag::DF_NAME), self.kernel.application_label()));
        output::say(&format!("offline data authentication {}", self.authentication()));
        output::say(&format!("CVM results {}", value(tag::CVM_RESULTS)));
        output::say(&format!("TVR {}", hex::encode(&self.kernel.tvr().0)));
        output::say(&format!("TSI {}", hex::encode(&self.kernel.tsi().0)));
        output::say(&sentence(outcome));
    }
}

fn sentence(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Terminated(termination) => format!("{}: {termination}", outcome.word()),
        Outcome::Approved | Outcome::Declined | Outcome::NotAccepted | Outcome::Identified => outcome.word().to_owned(),
    }
}

const fn cryptogram(requested: Cryptogram) -> &'static str {
    match requested {
        Cryptogram::Tc => "TC",
        Cryptogram::Arqc => "ARQC",
        Cryptogram::Aac => "AAC",
    }
}

fn kind(word: &str) -> Result<TransactionKind, String> {
    let word = word.to_lowercase();
    let found = TransactionKind::ALL.into_iter().find(|kind| format!("{kind:?}").to_lowercase() == word);
    found.ok_or_else(|| "it is purchase, cash, preauthorisation, cashback, refund or balance".to_owned())
}

fn response_code(text: &str) -> Result<[u8; 2], Failure> {
    text.as_bytes().try_into().map_err(|_| "--online has two characters".into())
}

/// Decimal digits, two a byte, right aligned.
fn digits<const N: usize>(mut number: u64) -> [u8; N] {
    let mut bytes = [0; N];
    for byte in bytes.iter_mut().rev() {
        let pair = (number % 100) as u8;
        *byte = ((pair / 10) << 4) | (pair % 10);
        number /= 100;
    }
    bytes
}
