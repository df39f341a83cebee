//! The command line of the UCanPay suite. Run with `cargo run -p ucanpay-cli -- --help`.

use std::{io, process::ExitCode};

fn main() -> ExitCode {
    // Not locked for the whole run: what only prints help must not wait for anything.
    let code = ucanpay_cli::run(
        std::env::args_os(),
        &mut io::stdin(),
        &mut io::stdout(),
        &mut io::stderr(),
    );
    ExitCode::from(code)
}
