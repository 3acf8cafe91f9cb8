//! Commit: lock what is written, take a timestamp, validate what was read, publish.
//!
//! # Invariants
//!
//! 1. The timestamp is fetched while all locks are held ([`lock`], then the clock).
//! 2. All locks are taken before anything is validated; a lock of somebody else on an object that
//!    was read fails the validation ([`validate`]).
//! 3. A published version has its stamp, its predecessor and its value before it is reachable; the
//!    store that makes it reachable also unlocks ([`publish`]).
//! 4. Locks are taken in the order of addresses, so that waiting for one cannot deadlock.
//!
//! # Why readers need no validation
//!
//! Let a reader have the snapshot `s`, and let it find an object unlocked. Take a writer of the object
//! with timestamp `c` that the reader did not see. The writer locked after the reader looked, or
//! the reader would have seen the lock or the new version. It fetched `c` after it locked (1), and
//! the reader read `s` from the clock before it looked; so `s < c`, and the reader is right to
//! miss it. (loom models `reader_against_committer`, `two_committers`, `write_skew`.)
//!
//! # Why this is serializable in the order of timestamps
//!
//! A transaction with timestamp `c` whose reads are valid after it fetched `c` has read what
//! is newest at `c`: whoever commits a change to them at a timestamp below `c` fetched it holding
//! the lock, before that validation; so the validation met the lock, or the change. Two writers that
//! each read what the other writes meet each other's locks, and at most one commits: write skew
//! cannot happen.

mod lock;
mod publish;
mod validate;

use crate::clock::{CommitTs, Tick};
use crate::event::AbortCause;
use crate::layer::Written;
use crate::raw::update::Update;

/// Why a commit did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Somebody else was faster: execute again.
    Conflict(AbortCause),
    /// The sequence of this era has run out.
    SeqOver,
}

/// Commits, or gives every lock back and says why not.
///
/// On success the lists of the transaction still say what was read and written.
#[inline]
pub(crate) fn commit(update: &Update<'_>) -> Result<CommitTs, Refusal> {
    let frame = update.frame();
    let (inner, context) = (frame.inner(), frame.context());
    if context.writes.is_empty() {
        return Ok(frame.at());
    }
    lock::lock_all(update);
    // Between the locks and the timestamp, with the full fence of the last lock between: see
    // `retry` and `contention`.
    let watched = !inner.watches.is_empty();
    let outcome = match inner.clock.tick(frame.at().era()) {
        Tick::At(ts) => validate::validate(update, ts).map(|()| ts).map_err(Refusal::Conflict),
        Tick::EraOver => late(update).map_err(Refusal::Conflict),
        Tick::SeqOver => Err(Refusal::SeqOver),
    };
    match outcome {
        Ok(ts) => publish::publish_all(update, ts, watched),
        Err(_) => lock::unlock_all(update),
    }
    outcome
}

/// Whether a transaction of an era that is over may still commit, at the end of its era.
///
/// The layer above decides about what is written; here it is checked that everything read is
/// what is newest at the end of that era, and that nobody is about to change it.
#[cold]
fn late(update: &Update<'_>) -> Result<CommitTs, AbortCause> {
    let frame = update.frame();
    let (inner, context) = (frame.inner(), frame.context());
    let Some(layer) = &inner.layer else { return Err(AbortCause::EraOver) };
    let end = frame.at().end_of_era();
    let mut written = context.writes.iter(0).map(|entry| {
        let newest = entry.over.map(|node| inner.node(node));
        Written {
            kind: inner.node(entry.node).kind(),
            newest: newest.map(|node| (node.kind(), node.stamp())),
        }
    });
    if !layer.admits_late(frame.at().era(), &mut written) {
        return Err(AbortCause::EraOver);
    }
    validate::validate_at(update, end)?;
    Ok(end)
}
