//! Run with `cargo run -p axum-shop`.

use std::process::ExitCode;

fn main() -> ExitCode {
    axum_shop::main_with_env()
}
