//! The suite for a store: the same commands to the store and to the model, then many at once.
//!
//! | file | story |
//! |---|---|
//! | `given.rs` | payments, facts and commands to try with |
//! | `pair.rs` | the store beside the model: every step is compared |
//! | `walk.rs` | hundreds of commands, drawn by lot |
//! | `rows.rs` | leases, due rows, lists, blocks |
//! | `outbox.rs` | events: in order, one at a time, parked |
//! | `together.rs` | many at once, and callers who go away |

mod given;
mod outbox;
mod pair;
mod rows;
mod together;
mod walk;

use std::sync::Arc;

use super::report::Report;
use crate::store::PaymentStore;

/// How many walks are made, each with lots of its own.
const WALKS: u64 = 3;

/// Tries a store. `open` gives an empty one each time it is called; each expectation has a store of its own.
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # {
/// # #[tokio::main]
/// # async fn main() {
/// use ucanpay_storefront::{Reference, SqliteStore, conformance};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().display();
/// let report = conformance::store(async || {
///     let file = format!("sqlite://{folder}/{}.sqlite", Reference::random()); // another one each time
///     SqliteStore::open(&file).await.expect("the folder is there")
/// })
/// .await;
/// report.assert_met();
/// # }
/// # main();
/// # }
/// ```
pub async fn store<S: PaymentStore>(open: impl AsyncFn() -> S) -> Report {
    let open = async || {
        let store: Arc<dyn PaymentStore> = Arc::new(open().await);
        store
    };
    let name = format!("store {}", std::any::type_name::<S>());
    let mut report = Report::new(name);
    report
        .expect(
            "hundreds of commands leave what they leave in the model",
            async {
                for lots in 1..=WALKS {
                    let _met = walk::walk(open().await, lots).await?;
                }
                Ok(())
            },
        )
        .await;
    rows::expectations(&open, &mut report).await;
    outbox::expectations(&open, &mut report).await;
    together::expectations(&open, &mut report).await;
    report
}
