//! The tables as entities, in the form that `cargo loco db entities` writes.

#![allow(
    missing_docs,
    reason = "written by a generator, where somebody uses one"
)]

pub(crate) mod orders;
