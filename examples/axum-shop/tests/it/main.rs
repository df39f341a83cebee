//! The shop as a whole: its routes called as a browser or a program would, against a sandbox in the same process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod events;
mod forms;
mod languages;
mod merchant;
mod pages;
mod settings;
mod shop;
mod slow;
