//! The ledger against every interleaving: what can happen between two steps happens, and every law must hold in every state
//! that can be reached. What is modelled, and what is not: `docs/model.md`.
//!
//! The ledger is the real one: its rows, and its [`decide`](ucanpay_storefront::ledger::decide). Modelled are the gateway,
//! the wire, time, and the way of a task through its calls.
//!
//! | file | story |
//! |---|---|
//! | `scene.rs` | what may happen in each search |
//! | `system.rs` | the whole, and its next steps |
//! | `worker.rs` | the way of one task through its calls |
//! | `gateway.rs` | the gateway |
//! | `ledger.rs` | the ledger's own decisions, remembered |
//! | `moments.rs` | time |
//! | `laws.rs` | what must hold in every state |
//! | `calm.rs` | what must follow once the faults end |
//! | `bug.rs`, `mistake.rs` | defences taken out, to be found |

mod bug;
mod calm;
mod gateway;
mod laws;
mod ledger;
mod mistake;
mod moments;
mod scene;
mod system;
mod worker;

pub use bug::Bug;
pub use gateway::{Answer, Gateway, REFUNDS, RefundSaid, Said, Trouble, Wire, Word};
pub use laws::Law;
pub use ledger::{Ask, Book, Cell, Done, Move, NOBODY, NONE, Row, Told};
pub use mistake::Mistake;
pub use scene::{May, SMALL, Scene, Start, WHOLE, shows};
pub use system::{Action, HOLDS, SETTLES, State, System};
pub use worker::{Call, Stage, Task};
