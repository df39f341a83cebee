//! Run with `cargo run -p swap-transport`. It ends by itself.

#![allow(clippy::print_stdout, reason = "an example tells what it does")]

use std::error::Error;
use swap_transport::{LocalGateway, over_a_mock, over_hyper, through_a_proxy};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let gateway = LocalGateway::start().await?;
    println!("The gateway's sandbox is at {}.", gateway.url);
    println!("Over hyper:      {}", over_hyper::run(&gateway).await?);
    println!("Over a mock:     {}", over_a_mock::run(&gateway).await?);
    println!("Through a proxy: {}", through_a_proxy::run(&gateway).await?);
    Ok(())
}
