//! `axum-shop`, the very same program, where a test can find it.

use std::process::ExitCode;

fn main() -> ExitCode {
    axum_shop::main_with_env()
}
