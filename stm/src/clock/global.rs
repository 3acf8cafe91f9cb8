//! The clock of a domain.

use crossbeam_utils::CachePadded;

use super::{CommitTs, Era, Seq};
use crate::sync::{AtomicU64, Ordering};

/// One word: the newest commit timestamp given out.
///
/// A commit ticks *while it holds the locks of everything it writes*. So a reader that has seen
/// the tick of a writer, and then meets an object of that writer, meets the lock or the new
/// version, never the old version unlocked; see [`commit`](crate::commit).
#[derive(Debug)]
pub(crate) struct GlobalClock {
    now: CachePadded<AtomicU64>,
}

/// What [`GlobalClock::tick`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Tick {
    /// The commit timestamp, in the era asked for.
    At(CommitTs),
    /// The domain has advanced to a later era since; the timestamp given out there.
    EraOver(CommitTs),
    /// The sequence of this era has run out; nothing was given out.
    SeqOver,
}

impl GlobalClock {
    pub(crate) fn starting_at(ts: CommitTs) -> Self {
        Self { now: CachePadded::new(AtomicU64::new(ts.to_bits())) }
    }

    /// The newest timestamp given out.
    #[inline(always)]
    pub(crate) fn now(&self) -> CommitTs {
        // Acquire: pairs with the AcqRel of `tick`: whoever sees a timestamp also sees the locks
        // its owner took before. (loom model `reader_against_committer`.)
        CommitTs::from_word(self.now.load(Ordering::Acquire))
    }

    /// The newest timestamp given out; who sees a later one sees what the caller did before.
    pub(crate) fn now_in_order(&self) -> CommitTs {
        // A read-modify-write: those that follow see what came before this one.
        CommitTs::from_word(self.now.fetch_add(0, Ordering::AcqRel))
    }

    /// Gives out the next timestamp, for a commit of `era`.
    ///
    /// Era and sequence come from one read-modify-write: asked for separately, a writer of the
    /// old era could get a timestamp of the new one.
    #[inline(always)]
    pub(crate) fn tick(&self, era: Era) -> Tick {
        // AcqRel: see `now`; the Acquire half makes this commit see what earlier ones published
        // before it validates. SeqCst besides for the watch of blocked readers, see `retry`.
        let ts = CommitTs::from_word(self.now.fetch_add(1, Ordering::SeqCst) + 1);
        if ts.era() != era {
            return Tick::EraOver(ts);
        }
        if ts.seq() >= Seq::SOFT_LIMIT {
            return self.refuse(ts);
        }
        Tick::At(ts)
    }

    /// Gives out the next timestamp, of whichever era, for nothing but to be later than what has
    /// been. `None` where the sequence has run out.
    pub(crate) fn pass(&self) -> Option<CommitTs> {
        match self.tick(self.now().era()) {
            Tick::At(ts) | Tick::EraOver(ts) => Some(ts),
            Tick::SeqOver => None,
        }
    }

    /// Undoes the tick past the limit as far as nobody ticked since, so that refused commits
    /// that come again and again do not eat up the room before [`Seq::MAX`].
    #[cold]
    fn refuse(&self, ts: CommitTs) -> Tick {
        let _ = self.now.compare_exchange(
            ts.to_bits(),
            ts.to_bits() - 1,
            Ordering::SeqCst,
            Ordering::Relaxed,
        );
        Tick::SeqOver
    }

    /// Moves from the era of `seen` to the next: the flip. Returns the flip's own timestamp, or
    /// `None` where the era was the last.
    ///
    /// Called by one thread at a time; commits tick meanwhile, so it tries until it wins.
    pub(crate) fn advance_era(&self) -> Option<CommitTs> {
        let mut seen = self.now.load(Ordering::Acquire);
        loop {
            let next = CommitTs::from_word(seen).era().next()?;
            let flip = CommitTs::new(next, Seq::ZERO);
            match self.now.compare_exchange_weak(
                seen,
                flip.to_bits(),
                Ordering::SeqCst,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(flip),
                Err(newer) => seen = newer,
            }
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn ticks_stay_in_their_era_and_stop_before_the_end() {
        let start = CommitTs::new(Era::FIRST, Seq::new(Seq::SOFT_LIMIT.get() - 2).unwrap());
        let clock = GlobalClock::starting_at(start);
        assert!(matches!(clock.tick(Era::FIRST), Tick::At(_)));
        for _ in 0..1000 {
            assert_eq!(clock.tick(Era::FIRST), Tick::SeqOver);
        }
        assert!(clock.now().seq() < Seq::SOFT_LIMIT, "refused ticks were given back");
        let flip = clock.advance_era().unwrap();
        assert_eq!(flip, CommitTs::new(Era::new(1).unwrap(), Seq::ZERO));
        assert!(matches!(clock.tick(Era::FIRST), Tick::EraOver(_)));
        assert!(matches!(clock.tick(flip.era()), Tick::At(_)));
    }

    #[test]
    fn the_last_era_does_not_advance() {
        let clock = GlobalClock::starting_at(CommitTs::new(Era::LAST, Seq::ZERO));
        assert_eq!(clock.advance_era(), None);
    }
}
