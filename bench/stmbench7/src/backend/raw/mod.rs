//! Objects in arenas, guarded by class: all unsafe code of the benchmark.
//!
//! # How access is shared
//!
//! A transaction has a mode for each class of objects, and whoever makes an [`Arena`]'s
//! [`Access`] promises what the mode says about *other* transactions:
//!
//! | mode | others may | reading | writing |
//! |---|---|---|---|
//! | `Shared` | read | nothing to do | refused |
//! | `Guarded` | read and write | the object's count of readers is raised | refused |
//! | `Owned` | read, `Guarded` | the count is raised | waits until the count is 0 |
//! | `Exclusive` | nothing | the count is raised, without atomic steps | the count must be 0 |
//!
//! So a reader and a writer of one object never meet: `Shared` excludes writers altogether, and
//! all other readers are counted in the object.

//!
//! The back ends that hand out the modes, and vouch for them by the locks that they hold, are in
//! here, too: [`Unsynchronised`], [`Coarse`], [`Medium`].
#![expect(unsafe_code, reason = "objects are guarded by locks that the compiler can't see")]

mod arena;
mod coarse;
mod medium;
mod none;
mod plan;
mod slot;

pub(crate) use arena::{Arena, ObjectGuard};
pub(crate) use coarse::Coarse;
pub(crate) use medium::Medium;
pub(crate) use none::Unsynchronised;
pub(crate) use slot::{Access, Fault, Slot};
