//! Abuse from safe Rust: user code that panics, leaks, lies, nests and interferes wherever it is
//! given the chance. Each attempt ends in an outcome that is documented; nothing hangs, nothing is
//! leaked, nothing is lost.

mod collections;
#[path = "../common/mod.rs"]
mod common;
mod ends;
mod long;
mod observers;
mod reentry;
