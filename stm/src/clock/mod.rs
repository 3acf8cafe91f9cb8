//! Time: commit timestamps and the clock that gives them out.

mod global;
mod timestamp;

pub(crate) use global::{GlobalClock, Tick};
pub use timestamp::{CommitTs, Era, Seq};
