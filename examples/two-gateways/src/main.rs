//! Run with `cargo run -p two-gateways`, and open the address that it prints. `LISTEN` names another.

#![allow(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;

use two_gateways::Program;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8700".into());
    let program = Program::start(listen.parse()?).await?;
    println!("The shop is at {}. Ctrl-C ends it.", program.shop);
    tokio::signal::ctrl_c().await?;
    Ok(())
}
