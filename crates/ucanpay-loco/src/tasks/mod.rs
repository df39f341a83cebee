//! The plug-in's tasks: `cargo loco task ucanpay:…`.
//!
//! | task | what it does | arguments |
//! |---|---|---|
//! | `ucanpay:health` | what waits, and what somebody should look into: then it fails, for whoever watches | |
//! | `ucanpay:reconcile` | one pass of the reconciler | |
//! | `ucanpay:refund` | gives money back | `reference:` `cents:` `reason:` and, to repeat one, `number:` |
//! | `ucanpay:timeline` | what happened to a payment | `reference:` and, to ask the gateway before, `ask:yes` |
//! | `ucanpay:review` | what waits for a person | none: lists; `reference:` `discrepancy:` `note:` closes one; `event:` with `release:yes` or `skip:<why>` decides about a parked event |

mod arguments;
mod health;
mod reconcile;
mod refund;
mod review;
mod timeline;

use loco_rs::task::Tasks;

/// Registers the tasks: in `Hooks::register_tasks`.
///
/// ```
/// use loco_rs::task::Tasks;
///
/// // In `impl Hooks for App`:
/// fn register_tasks(tasks: &mut Tasks) {
///     ucanpay_loco::register_tasks(tasks);
/// }
/// ```
pub fn register_tasks(tasks: &mut Tasks) {
    tasks.register(health::Look);
    tasks.register(reconcile::Reconcile);
    tasks.register(refund::GiveBack);
    tasks.register(review::Review);
    tasks.register(timeline::Tell);
}

/// Tells the person at the terminal.
#[expect(clippy::print_stdout, reason = "a task answers on standard output")]
fn tell(line: &str) {
    println!("{line}");
}
