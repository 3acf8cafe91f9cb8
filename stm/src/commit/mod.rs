//! Commit: lock what is written, take a timestamp, validate what was read, publish.
//!
//! # Invariants
//!
//! 1. The timestamp is fetched while all locks are held ([`lock`], then the clock).
//! 2. All locks are taken before anything is validated; a lock of somebody else on an object that
//!    was read fails the validation ([`validate`]).
//! 3. A published version has its stamp, its predecessor and its value before it is reachable; the
//!    store that makes it reachable also unlocks ([`publish`]).
//! 4. Who waits for a lock has taken its locks in the order of addresses, so that waiting cannot
//!    deadlock. The first attempt takes them in the order of writing, and waits for none.
//!
//! # Why readers need no validation
//!
//! Let a reader have the snapshot `s`, and let it find an object unlocked. Take a writer of the
//! object with timestamp `c` that the reader did not see. The writer locked after the reader
//! looked, or the reader would have seen the lock or the new version. It fetched `c` after it
//! locked (1), and the reader read `s` from the clock before it looked; so `s < c`, and the reader
//! is right to miss it. (loom models `reader_against_committer`, `two_committers`, `write_skew`.)
//!
//! # Why this is serializable in the order of timestamps
//!
//! A transaction with timestamp `c` whose reads are valid after it fetched `c` has read what
//! is newest at `c`: whoever commits a change to them at a timestamp below `c` fetched it holding
//! the lock, before that validation; so the validation met the lock, or the change. Two writers
//! that each read what the other writes meet each other's locks, and at most one commits: write
//! skew cannot happen.

mod lock;
mod publish;
mod validate;

use crate::clock::{CommitTs, Era, Tick};
use crate::domain::Inner;
use crate::event::AbortCause;
use crate::layer::Written;
use crate::raw::context::Context;
use crate::raw::pending::{ReadEntry, WriteEntry};
use crate::raw::update::Update;

/// Why a commit did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Somebody else was faster: execute again.
    Conflict(AbortCause),
    /// The sequence of this era, the transaction's own, has run out.
    SeqOver(Era),
}

/// A commit under way: the transaction, and its lists.
#[derive(Debug)]
struct Commit<'c, 'd> {
    update: &'c Update<'d>,
    inner: &'d Inner,
    context: &'c Context,
    reads: &'c [ReadEntry],
    writes: &'c mut [WriteEntry],
}

/// Commits, or gives every lock back and says why not.
///
/// After a success the lists of the transaction are empty; else they are as they were.
#[inline(always)]
pub(crate) fn commit(update: &Update<'_>) -> Result<CommitTs, Refusal> {
    let frame = update.frame();
    let context = frame.context();
    if context.writes.is_empty() {
        context.reads.clear();
        return Ok(frame.at());
    }
    let inner = frame.inner();
    update.with_lists(|reads, writes| Commit { update, inner, context, reads, writes }.run())
}

impl Commit<'_, '_> {
    #[inline(always)]
    fn run(mut self) -> Result<CommitTs, Refusal> {
        self.lock_all();
        // Between the locks and the timestamp, with the full fence of the last lock between: see
        // `retry` and `contention`.
        let watched = !self.inner.watches.is_empty();
        let refusal = match self.inner.clock.tick(self.update.frame().at().era()) {
            Tick::At(ts) => match self.validate(ts) {
                Ok(()) => {
                    self.publish_all(ts, None, watched);
                    return Ok(ts);
                }
                Err(cause) => Refusal::Conflict(cause),
            },
            Tick::EraOver(now) => match self.late() {
                Ok(ts) => {
                    let (inner, era) = (self.inner, ts.era());
                    self.publish_all(ts, Some(now), watched);
                    inner.late_ended(era);
                    return Ok(ts);
                }
                Err(cause) => Refusal::Conflict(cause),
            },
            Tick::SeqOver => Refusal::SeqOver(self.update.frame().at().era()),
        };
        self.unlock_all();
        Err(refusal)
    }

    /// Whether a transaction of an era that is over may still commit, at the end of its era.
    ///
    /// The layer above decides about what is written; here it is checked that everything read is
    /// what is newest at the end of that era, and that nobody is about to change it.
    #[cold]
    fn late(&mut self) -> Result<CommitTs, AbortCause> {
        let Some(layer) = &self.inner.layer else { return Err(AbortCause::EraOver) };
        let at = self.update.frame().at();
        let written = self.writes.iter().map(|entry| {
            let newest = entry.over.map(|node| self.inner.node(node));
            Written {
                kind: self.inner.node(entry.node).kind(),
                newest: newest.map(|node| (node.kind(), node.stamp())),
            }
        });
        if !layer.admits_late(at.era(), &written.collect::<Vec<_>>()) {
            return Err(AbortCause::EraOver);
        }
        let end = at.end_of_era();
        if let Err(cause) = self.validate_at(end) {
            self.unlock_all();
            self.inner.late_ended(at.era());
            return Err(cause);
        }
        Ok(end)
    }
}

impl Inner {
    #[cold]
    fn late_ended(&self, era: Era) {
        if let Some(layer) = &self.layer {
            layer.late_ended(era);
        }
    }
}
