//! Update transactions: what a closure can do, and how it is run.

mod nesting;
mod run;
mod tx;

pub use nesting::MayBlock;
pub use run::{Committed, Transaction};
#[cfg(not(any(loom, shuttle)))]
pub use run::{atomically, snapshot, try_atomically};
pub use tx::Tx;
