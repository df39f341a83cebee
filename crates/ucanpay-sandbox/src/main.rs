//! The UCanPay gateway on a laptop. Run with `cargo run -p ucanpay-sandbox -- --help`; `ucanpay sandbox serve` is the same.

use std::process::ExitCode;

use ucanpay_sandbox::command;

#[tokio::main]
async fn main() -> ExitCode {
    command::log_to_stderr();
    command::run(std::env::args_os().skip(1)).await
}
