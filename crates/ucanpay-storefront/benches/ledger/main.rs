//! What the ledger on SQLite costs: `cargo bench -p ucanpay-storefront`, or with `-- settle` or `-- scale` one part alone.
//!
//! Each part compares two things that take turns within one run, so that a busy machine slows both, and divides their
//! medians. Signatures are left out: this is about the ledger.
//!
//! | file | story |
//! |---|---|
//! | `settle.rs` | many notifications at once, against a transaction for each |
//! | `scale.rs` | the same work with ten thousand and with a million payments in the table |
//! | `by_hand.rs` | the yardstick of the first |
//! | `told.rs` | what the ledger is told |

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

mod by_hand;
mod scale;
mod settle;
mod told;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    // cargo adds `--bench`.
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|word| word == part);
    if wanted("settle") {
        runtime.block_on(settle::compare());
    }
    if wanted("scale") {
        runtime.block_on(scale::compare());
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
