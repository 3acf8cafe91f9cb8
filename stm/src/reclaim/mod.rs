//! Reclamation: which versions may go, and how they go.
//!
//! # Definitions
//!
//! - A snapshot is **live** while it is announced: by a running transaction, or held.
//! - A version is **superseded** when the next one is published over it. From then on the range
//!   `[its stamp, stamp of the next)` is fixed: the snapshots that see it. If the next one is put
//!   at a *past* instant, later snapshots may have seen it, too: then the range ends with a tick
//!   after that, the one with which the log is settled, and the version lingers until then.
//! - The **limit** of a look at the announcements is the clock's reading before it: every
//!   snapshot acquired later is at or above it.
//! - To **trim** is to take a version out of its chain; to **retire** it is to hand it to the
//!   collector; to **reclaim** it is to drop its value and to recycle its memory.
//!
//! # Invariants
//!
//! 1. A snapshot is announced as *open* ("this one and everything newer") before the clock is
//!    read for it, with a full fence between. So a look at the announcements that misses it took
//!    its limit earlier than the snapshot was read.
//! 2. A version is trimmed only if it was superseded at or below the limit and no announced
//!    snapshot lies in its range. Together with (1): nobody sees it, nobody ever will.
//! 3. Every superseded version is in exactly one log, until it is trimmed. So what is kept is what
//!    some live snapshot sees, and at most a batch for each thread.
//! 4. A trimmed version is reclaimed only when every thread that was pinned at the trim has
//!    unpinned. Threads pin only to walk a chain past its head.
//!
//! # Operations
//!
//! [`active`]: announce, hold, look. [`company`]: what a commit may end at once. [`bygone`]: what
//! nobody looks at any more. [`trim`]: one
//! chain. [`tidy`]: what is done after updates. [`superseded`]: the log of a context and what
//! becomes of its entries; [`bag`] where many of them wait. Retiring and reclaiming are in
//! [`raw`](crate::raw).

pub(crate) mod active;
mod bag;
pub(crate) mod bygone;
pub(crate) mod collector;
pub(crate) mod company;
pub(crate) mod superseded;
pub(crate) mod tidy;
pub(crate) mod trim;
