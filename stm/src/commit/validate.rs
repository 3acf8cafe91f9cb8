//! Validating the read set.

use super::Commit;
use crate::clock::CommitTs;
use crate::event::AbortCause;
use crate::kind::Kind;
use crate::raw::pending::ReadEntry;
use crate::raw::slot::NodeRef;
use crate::reclaim::active::Live;

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
            // What was not there is held by who creates it at a touch, and may wait for this commit.
            if !self.update.is_privileged() || read.node.is_none() {
                return Err(AbortCause::Locked);
            }
            // Whoever holds it has passed the look at the notes, or will give it back.
            head = slot.wait_unlocked();
        }
        if choose(head.node()).map(|node| node.ptr()) == read.node {
            Ok(())
        } else {
            Err(AbortCause::Changed)
        }
    }

    /// Whether the lock is the commit's own.
    fn writes_to(&self, read: ReadEntry) -> bool {
        self.context.index.contains(read.slot, self.writes)
    }
}
