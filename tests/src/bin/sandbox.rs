//! `ucanpay-sandbox`, the very same program, where a test can find it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    ucanpay_sandbox::command::run(std::env::args_os().skip(1)).await
}
