//! Yima's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    yima::cli::run()
}
