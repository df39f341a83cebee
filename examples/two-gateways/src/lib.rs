//! A shop with two payment gateways, chosen by the buyer at checkout.
//!
//! One is UCanPay, on the sandbox. The other, Birch, is a toy of another shape: JSON over HTTP, amounts as "4.50", an HMAC
//! in a header, one webhook for everything, refunds that are done at once, no reversals. The ledger does not know which
//! is which.
//!
//! | file | story |
//! |---|---|
//! | `birch/provider.rs` | the part to copy: Birch as a `PaymentProvider` |
//! | `birch/message.rs` | its messages: how they are signed, and what they say in the ledger's words |
//! | `birch/gateway.rs` | not of interest: the gateway itself, in this process |
//! | `shop.rs` | checkout with a choice, an order page, and the way in for Birch's notifications |
//! | `program.rs` | all of it on loopback |

pub mod birch;
mod program;
mod shop;

pub use program::Program;
