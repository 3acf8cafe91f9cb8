//! Whether a structure is sound, and whether a run could have happened one operation after the
//! other.

mod digest;
mod graph;
mod invariants;
mod replay;
#[cfg(test)]
mod tests;
mod violations;

pub(crate) use digest::{Digest, digest, surveys};
pub(crate) use invariants::{Moment, check};
pub(crate) use replay::{End, Entry, Log, Upgraded, replay};
pub(crate) use violations::Violations;
