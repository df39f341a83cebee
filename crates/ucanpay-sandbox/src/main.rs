//! The UCanPay gateway on a laptop. Run with `cargo run -p ucanpay-sandbox -- --help`.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    ucanpay_sandbox::command::run(std::env::args_os().skip(1)).await
}
