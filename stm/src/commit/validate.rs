//! Validating the read set.

use super::Commit;
use crate::clock::CommitTs;
use crate::event::AbortCause;
use crate::kind::Kind;
use crate::raw::pending::ReadEntry;
use crate::raw::slot::{Head, NodeRef, SlotRef};
use crate::reclaim::active::Live;
use crate::sync::Backoff;

impl<'d> Commit<'_, 'd> {
    /// Whether everything that was read is still newest, for a commit at `ts`.
    #[inline(always)]
    pub(super) fn validate(&self, ts: CommitTs) -> Result<(), AbortCause> {
        self.still_there()?;
        #[cfg(chaos)]
        self.bad_luck()?;
        // Nobody else has taken a timestamp since the snapshot: nothing can have changed.
        if ts.to_bits() == self.update.frame().at().to_bits() + 1 {
            return Ok(());
        }
        for &read in self.reads {
            self.check(read, |newest| newest)?;
        }
        Ok(())
    }

    /// Whether everything that was read is newest at the past instant `end`.
    ///
    /// What lies below a version of a later era was newest then only if what was newest then is
    /// still there, which it is as long as the instant is kept. Looked at after the walks: kept now,
    /// it was kept since the flip, for a past instant can be had only from who keeps it.
    pub(super) fn validate_at(&self, end: CommitTs) -> Result<(), AbortCause> {
        // The walks past the heads need the collector pinned.
        let _pin = self.context.pin();
        self.still_there()?;
        #[cfg(chaos)]
        self.bad_luck()?;
        let mut below = false;
        for &read in self.reads {
            self.check(read, |newest| {
                below |= newest.is_some_and(|node| node.stamp() > end);
                std::iter::successors(newest, |node| node.prev()).find(|node| node.stamp() <= end)
            })?;
        }
        let kept = || Live::at_present(&self.inner.registry, &self.inner.clock).contains(end);
        if below && !kept() { Err(AbortCause::EraOver) } else { Ok(()) }
    }

    /// Somebody was faster, it says. A privileged transaction is not lied to.
    #[cfg(chaos)]
    fn bad_luck(&self) -> Result<(), AbortCause> {
        let strikes = !self.update.is_privileged() && crate::chaos::strikes(8);
        if strikes { Err(AbortCause::Changed) } else { Ok(()) }
    }

    /// Whether what is written blindly has not been deleted. (What was created is not there yet;
    /// a variable is always there.)
    #[inline(always)]
    fn still_there(&self) -> Result<(), AbortCause> {
        for entry in self.writes.iter().filter(|entry| entry.indexed && !entry.created) {
            if entry.over.is_none_or(|node| self.inner.node(node).kind() == Kind::NONE) {
                return Err(AbortCause::Deleted);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn check(
        &self,
        read: ReadEntry,
        choose: impl FnOnce(Option<NodeRef<'d>>) -> Option<NodeRef<'d>>,
    ) -> Result<(), AbortCause> {
        let slot = self.inner.slot(read.slot);
        let mut head = slot.head();
        if head.is_locked() && !self.writes_to(read) {
            head = self.wait_unlocked(slot, read).ok_or(AbortCause::Locked)?;
        }
        if choose(head.node()).map(|node| node.ptr()) == read.node {
            Ok(())
        } else {
            Err(AbortCause::Changed)
        }
    }

    /// The head of what was read when nobody holds it any more, for a privileged transaction. `None`:
    /// whoever holds it may wait for this commit.
    #[cold]
    fn wait_unlocked(&self, slot: SlotRef<'d>, read: ReadEntry) -> Option<Head<'d>> {
        // What was not there, or is deleted: the slot may be held by who creates an object in it, at
        // the touch of one that is written here.
        let was_there = read.node.is_some_and(|node| self.inner.node(node).kind() != Kind::NONE);
        let mut backoff = Backoff::new();
        // Whoever holds it has passed the look at the notes, or gives it back, while the turn lasts.
        while self.update.is_privileged() && was_there && self.inner.privilege.is_active() {
            backoff.snooze();
            let head = slot.head();
            if !head.is_locked() {
                return Some(head);
            }
        }
        None
    }

    /// Whether the lock is the commit's own.
    fn writes_to(&self, read: ReadEntry) -> bool {
        self.context.index.contains(read.slot, self.writes)
    }
}
