//! What the ledger costs: `cargo bench -p ucanpay-storefront`, or with `-- memory`, `-- settle`, `-- deliver`,
//! `-- scale`, `-- postgres`, `-- overdue` or `-- instances` one part alone.
//!
//! All but `memory` compare two things that take turns within one run, so that a busy machine slows both, and report
//! the median of the turns' ratios. Signatures are left out: this is about the ledger.
//!
//! | file | story |
//! |---|---|
//! | `settle.rs` | SQLite: many notifications at once, against a transaction for each |
//! | `by_hand.rs` | its yardstick |
//! | `deliver.rs` | SQLite: the events of a burst delivered, against its settling |
//! | `scale.rs` | SQLite: the same work with ten thousand and with a million payments in the table |
//! | `postgres.rs` | PostgreSQL: many notifications at once, against a loop that issues the same statements |
//! | `bare.rs` | its yardstick |
//! | `overdue.rs` | SQLite: a thousand and a hundred thousand overdue payments asked about |
//! | `instances.rs` | PostgreSQL: two and four instances against one |
//! | `memory.rs` | SQLite: what the process holds after a million notifications |
//! | `race.rs` | how both sides of a comparison are driven and reported |
//! | `told.rs` | what the ledger is told |

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

mod bare;
mod by_hand;
mod deliver;
mod instances;
mod memory;
mod overdue;
mod postgres;
mod race;
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
    // First, for it looks at what the process holds.
    if wanted("memory") {
        runtime.block_on(memory::measure());
    }
    if wanted("settle") {
        runtime.block_on(settle::compare());
    }
    if wanted("deliver") {
        runtime.block_on(deliver::compare());
    }
    if wanted("scale") {
        runtime.block_on(scale::compare());
    }
    if wanted("postgres") {
        runtime.block_on(postgres::compare());
    }
    if wanted("overdue") {
        runtime.block_on(overdue::compare());
    }
    if wanted("instances") {
        runtime.block_on(instances::compare());
    }
}
