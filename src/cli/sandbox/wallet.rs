//! `yima sandbox wallet list|code|pay|refuse`: what a customer does with a phone, by command. Works on the state directory of the host,
//! whether it runs or not.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::{Failure, output};
use crate::clock;
use crate::sandbox::host::Host;
use crate::sandbox::host::code_payments::wallets::{Bill, CODE_VALID_S, Form, Paying, Wallet, in_yuan};

/// What a customer does.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Show what wallets hold, what waits for their passwords, and which codes are shown now
    List(ListArguments),
    /// Make a code to be scanned, good for one payment and a minute
    Code(CodeArguments),
    /// Pay what waits for this wallet's password, or the code that a terminal shows
    Pay(PayArguments),
    /// Do not pay it
    Refuse(RefuseArguments),
}

/// What comes after `yima sandbox wallet list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What comes after `yima sandbox wallet code`.
#[derive(Debug, Args)]
pub struct CodeArguments {
    /// Which wallet
    #[arg(value_name = "WALLET", default_value = "wallet-1")]
    wallet: String,

    /// As EMV writes it (Consumer-Presented Mode), not as the wallet's number
    #[arg(long)]
    emv: bool,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What comes after `yima sandbox wallet pay`.
#[derive(Debug, Args)]
pub struct PayArguments {
    /// Which wallet
    #[arg(value_name = "WALLET", default_value = "wallet-1")]
    wallet: String,

    /// What the code on the terminal says [default: what waits for this wallet, or the one code that is shown now]
    #[arg(long, value_name = "TEXT")]
    code: Option<String>,

    /// The wallet's password, which is TEST money's
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,

    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What comes after `yima sandbox wallet refuse`.
#[derive(Debug, Args)]
pub struct RefuseArguments {
    /// Which wallet
    #[arg(value_name = "WALLET", default_value = "wallet-1")]
    wallet: String,
}

impl WalletCommand {
    pub fn run(&self, host: &Path) -> Result<ExitCode, Failure> {
        let host = Host::prepare(host)?;
        match self {
            Self::List(arguments) => arguments.run(&host),
            Self::Code(arguments) => arguments.run(&host),
            Self::Pay(arguments) => arguments.run(&host),
            Self::Refuse(arguments) => arguments.run(&host),
        }
    }
}

impl ListArguments {
    fn run(&self, host: &Host) -> Result<ExitCode, Failure> {
        let now = clock::timestamp();
        let (wallets, shown) = (host.wallets()?, host.shown(now)?);
        let mut waiting = Vec::new();
        for wallet in &wallets {
            waiting.push(host.waiting_for(&wallet.name, now)?);
        }
        if self.json {
            let of = |(wallet, waiting): (&Wallet, &Vec<Bill>)| {
                json!({
                    "name": wallet.name,
                    "network": wallet.network,
                    "balance": yuan(wallet.balance),
                    "waiting": waiting.iter().map(in_json).collect::<Vec<_>>(),
                })
            };
            output::json(&json!({
                "wallets": wallets.iter().zip(&waiting).map(of).collect::<Vec<_>>(),
                "shown": shown.iter().map(in_json).collect::<Vec<_>>(),
            }));
            return Ok(ExitCode::SUCCESS);
        }
        for (wallet, waiting) in wallets.iter().zip(&waiting) {
            let Wallet { name, network, balance, asks_above } = wallet;
            let (holds, limit) = (in_yuan(*balance), in_yuan(*asks_above));
            output::say(&format!("{name} {network} {holds}, password above {limit} (TEST)"));
            waiting.iter().for_each(|bill| output::say(&format!("  waits for the password: {}", bill.amount.signed())));
        }
        shown.iter().for_each(|bill| output::say(&format!("shown now: {}", line(bill))));
        Ok(ExitCode::SUCCESS)
    }
}

impl CodeArguments {
    fn run(&self, host: &Host) -> Result<ExitCode, Failure> {
        let form = if self.emv { Form::Emv } else { Form::Number };
        let code = host.make_code(&self.wallet, form, clock::timestamp())?;
        if self.json {
            output::json(&json!({ "code": code, "valid_s": CODE_VALID_S }));
        } else {
            output::say(&code);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl PayArguments {
    fn run(&self, host: &Host) -> Result<ExitCode, Failure> {
        let now = clock::timestamp();
        let bill = match &self.code {
            Some(text) => host.scan(text, now)?,
            None => the_one(host, &self.wallet)?,
        };
        let paying = host.pay(&self.wallet, &bill.name, self.password.as_deref(), now)?;
        let balance = host.wallet(&self.wallet)?.balance;
        if self.json {
            let mut told = in_json(&bill);
            told["result"] = paying.word().into();
            told["balance"] = yuan(balance).into();
            output::json(&told);
        } else {
            let said = match paying {
                Paying::Paid => "paid",
                Paying::PasswordNeeded => "the password is needed: --password",
                Paying::WrongPassword => "that is not the password",
                Paying::TooManyWrong => "too many wrong passwords; it is over",
                Paying::TooLittle => "the wallet holds too little",
                Paying::Over => "it is over, or another customer's",
            };
            output::say(&format!("{}: {said}; {} holds {}", line(&bill), self.wallet, in_yuan(balance)));
        }
        Ok(if paying == Paying::Paid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl RefuseArguments {
    fn run(&self, host: &Host) -> Result<ExitCode, Failure> {
        let bill = the_one(host, &self.wallet)?;
        let over = host.refuse(&self.wallet, &bill.name, clock::timestamp())?;
        let said = if over { "it is over" } else { "its code is still shown to others" };
        output::say(&format!("{}: {said}", line(&bill)));
        Ok(ExitCode::SUCCESS)
    }
}

/// What waits for this wallet, or the only code that is shown.
fn the_one(host: &Host, wallet: &str) -> Result<Bill, Failure> {
    let now = clock::timestamp();
    let mut waiting = host.waiting_for(wallet, now)?;
    if waiting.is_empty() {
        waiting = host.shown(now)?;
    }
    match waiting.len() {
        0 => Err(format!("nothing waits for {wallet}, and no terminal shows a code").into()),
        1 => Ok(waiting.remove(0)),
        count => Err(format!("{count} orders wait: name one by what its code says, --code TEXT").into()),
    }
}

fn line(bill: &Bill) -> String {
    format!("{} {}", bill.amount.signed(), bill.merchant.as_deref().unwrap_or("by the customer's code"))
}

fn in_json(bill: &Bill) -> Value {
    json!({
        "merchant": bill.merchant,
        "amount": bill.amount.to_string(),
        "state": bill.state.word(),
        "code": bill.code,
    })
}

fn yuan(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
