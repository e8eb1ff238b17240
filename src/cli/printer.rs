//! `yima printer`: what the printer can do.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::people::Attending;
use super::{Failure, output};
use crate::app::Setup;
use crate::devices::printer::Confirmation;
use crate::receipt::set_up::{Drawer, Question, Seen, sheet};
use crate::receipt::{Charset, PrinterProfile};
use crate::wording::Language;

/// What comes after `yima printer`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    attending: Attending,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a sheet, ask what is seen on it, and keep what the printer can do: its paper, Chinese, cutter and answers
    Test(TestArguments),
}

#[derive(Debug, Args)]
struct TestArguments {
    /// Open the drawer on the printer's connector as well
    #[arg(long)]
    drawer: bool,

    /// Ask and say, but keep nothing
    #[arg(long)]
    dry_run: bool,

    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        match &self.action {
            Action::Test(arguments) => {
                // Whoever only looks keeps nothing.
                if !arguments.dry_run {
                    self.attending.change_settings(setup, "printer test")?;
                }
                arguments.run(setup)
            }
        }
    }
}

impl TestArguments {
    fn run(&self, setup: &Setup) -> Result<ExitCode, Failure> {
        let zh = setup.settings.terminal.language == Language::Chinese;
        let pick = |chinese: &'static str, english: &'static str| if zh { chinese } else { english };
        // Whatever it can do, it is asked for an answer: that is one of the things to find out.
        let asking = PrinterProfile { confirms_end_mark: true, ..PrinterProfile::shipped("generic-58")? };
        let mut printer = setup.printer(asking);
        output::note(pick("正在打印测试页……", "The sheet is being printed ..."));
        let drawer = if self.drawer { Drawer::Opens } else { Drawer::None };
        let patience = Duration::from_secs(setup.settings.printer.patience_s);
        let printed = printer.print(&sheet(drawer), patience, &mut |fault| {
            if let Some(fault) = fault {
                output::note(&fault.to_string());
            }
        });
        let end_mark_answered = match printed {
            Ok(confirmation) => confirmation == Confirmation::Printed,
            Err(failure) => return Err(format!("the sheet did not come out: {failure}").into()),
        };
        let ask = |chinese, english| yes_or_no(pick(chinese, english), zh);
        if !end_mark_answered && !ask("测试页打印出来了吗？", "Did the sheet come out?")? {
            return Err(pick(
                "打印机没有打印：请检查线缆、电源，以及设置中的 printer.device、printer.baud 和 printer.flow_control",
                "nothing came out: look at cable and power, and at printer.device, printer.baud and printer.flow_control in the \
                 settings",
            )
            .into());
        }
        let language = setup.settings.terminal.language;
        let mut seen = Seen::nothing(end_mark_answered);
        for question in Question::ALL {
            seen = seen.with(question, yes_or_no(question.words(language), zh)?);
        }
        if self.drawer {
            let opened = ask("第 5 部分：钱箱弹开了吗？", "Part 5: did the drawer open?")?;
            if !opened {
                output::note(pick(
                    "钱箱没有弹开：请检查它与打印机的连线。",
                    "The drawer did not open: look at its cable to the printer.",
                ));
            }
        }
        if !seen.code {
            output::note(pick(
                "打印机不会打印二维码：小票上将没有二维码。",
                "This printer prints no codes: slips will come without them.",
            ));
        }
        let profile = PrinterProfile::of_what_was_seen(seen);
        if !self.dry_run {
            setup.keep_found_printer(&profile)?;
        }
        self.say(&profile, zh);
        Ok(ExitCode::SUCCESS)
    }

    fn say(&self, profile: &PrinterProfile, zh: bool) {
        if self.json {
            return output::json(&json!({
                "columns": profile.columns,
                "dots": profile.dots,
                "chinese": profile.chinese == Charset::Gb18030,
                "moves": profile.moves,
                "cutter": profile.cutter,
                "confirms_end_mark": profile.confirms_end_mark,
                "kept": !self.dry_run,
            }));
        }
        output::say(&profile.title);
        output::say(match (self.dry_run, zh) {
            (true, true) => "未保存。",
            (true, false) => "Nothing was kept.",
            (false, true) => "已保存；重新启动终端后生效。",
            (false, false) => "Kept; the terminal uses it from its next start on.",
        });
    }
}

/// A question on standard error and its answer, a line of standard input.
fn yes_or_no(question: &str, zh: bool) -> Result<bool, Failure> {
    let input = std::io::stdin();
    let hint = if zh { "（y 是 / n 否）" } else { " (y/n)" };
    for _ in 0..TRIES {
        output::note(&format!("{question}{hint}"));
        let mut line = String::new();
        if input.lock().read_line(&mut line)? == 0 {
            return Err("the test ended before all questions were answered; nothing was kept".into());
        }
        match line.trim() {
            "y" | "Y" | "yes" | "是" => return Ok(true),
            "n" | "N" | "no" | "否" => return Ok(false),
            _ if input.is_terminal() => {}
            other => return Err(format!("\"{other}\" is neither y nor n; nothing was kept").into()),
        }
    }
    Err("no answer was y or n; nothing was kept".into())
}

/// How often a question is asked.
const TRIES: usize = 5;
