//! `ucanpay`, the very same program, where a test can find it.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (stdin, stdout, stderr) = (&mut io::stdin(), &mut io::stdout(), &mut io::stderr());
    ExitCode::from(ucanpay_cli::run(std::env::args_os(), stdin, stdout, stderr))
}
