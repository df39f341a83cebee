//! Run with `cargo run -p two-gateways`, and open the address that it prints. `LISTEN` names another.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example tells what it does"
)]

use std::error::Error;
use std::process::ExitCode;

use two_gateways::Program;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("two-gateways: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8700".into());
    let address = listen.parse().map_err(|_| {
        format!("LISTEN is {listen:?}; write an address and a port, such as 127.0.0.1:9000")
    })?;
    let program = Program::start(address).await.map_err(|error| {
        format!("{listen} cannot be used: {error}; LISTEN=127.0.0.1:9000 names another place")
    })?;
    println!("The shop is at {}. Ctrl-C ends it.", program.shop);
    tokio::signal::ctrl_c().await?;
    Ok(())
}
