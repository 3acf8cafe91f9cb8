//! Floors: below which stamps the layer above is asked, kind by kind.

use crate::clock::{CommitTs, GlobalClock};
use crate::kind::Kind;
use crate::kind_map::KindMap;
use crate::sync::{AtomicU64, Mutex, Ordering, full_fence};

/// The floor of each kind, and the highest of them.
///
/// Written before the clock is advanced to an instant that they concern; that orders the writes
/// before the reads of every transaction at that instant or later. When a floor is lowered
/// whatever was below it has something over it: who sees the lower floor sees that.
#[derive(Debug, Default)]
pub(crate) struct Floors {
    /// No version stamped at or above this is below the floor of its kind.
    highest: AtomicU64,
    of: KindMap,
    /// The floors that have stood since before their instant, by kind.
    in_time: KindMap,
    /// Those above zero.
    raised: Mutex<Vec<(Kind, CommitTs)>>,
}

impl Floors {
    /// The highest floor.
    #[inline(always)]
    pub(crate) fn highest(&self) -> CommitTs {
        // Acquire: pairs with the Release in `set`.
        CommitTs::from_word(self.highest.load(Ordering::Acquire))
    }

    /// The floor of a kind.
    #[inline]
    pub(crate) fn of(&self, kind: Kind) -> CommitTs {
        CommitTs::from_word(self.of.get(kind))
    }

    /// Whether every transaction at `floor` or later finds, and has found, this floor of the kind.
    pub(crate) fn is_in_time(&self, kind: Kind, floor: CommitTs) -> bool {
        self.in_time.get(kind) == floor.to_bits()
    }

    pub(crate) fn set(&self, kind: Kind, floor: CommitTs, clock: &GlobalClock) {
        let mut raised = self.raised.lock();
        if floor == self.of(kind) {
            return;
        }
        self.in_time.set(kind, CommitTs::ZERO.to_bits());
        // Pairs with the one in `Frame::succeed`: who finds the floor in time has locked its object
        // before anybody finds the floor gone.
        full_fence();
        self.of.set(kind, floor.to_bits());
        raised.retain(|&(other, _)| other != kind);
        if floor > CommitTs::ZERO {
            raised.push((kind, floor));
        }
        let highest = raised.iter().map(|&(_, floor)| floor).max().unwrap_or(CommitTs::ZERO);
        // Release: pairs with the Acquire of `highest`.
        self.highest.store(highest.to_bits(), Ordering::Release);
        if clock.now_in_order() < floor {
            self.in_time.set(kind, floor.to_bits());
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn clock(now: u64) -> GlobalClock {
        GlobalClock::starting_at(CommitTs::from_word(now))
    }

    #[test]
    fn a_floor_is_in_time_if_it_stands_before_its_instant() {
        let (floors, kind) = (Floors::default(), Kind::from_bits(7));
        let [early, late] = [3, 5].map(CommitTs::from_word);
        assert!(!floors.is_in_time(kind, early));
        floors.set(kind, early, &clock(2));
        assert!(floors.is_in_time(kind, early) && !floors.is_in_time(kind, late));
        // Set again to what it is, when its instant is over: it has stood all the time.
        floors.set(kind, early, &clock(4));
        assert!(floors.is_in_time(kind, early));
        floors.set(kind, late, &clock(4));
        assert!(floors.is_in_time(kind, late) && !floors.is_in_time(kind, early));
        floors.set(kind, CommitTs::ZERO, &clock(6));
        assert!(!floors.is_in_time(kind, late));
        floors.set(kind, late, &clock(6));
        assert!(!floors.is_in_time(kind, late), "some may have found none");
    }

    #[test]
    fn the_highest_floor_follows_those_that_stand() {
        let floors = Floors::default();
        let kinds = [1, 2, 3].map(Kind::from_bits);
        for (n, kind) in kinds.into_iter().enumerate() {
            floors.set(kind, CommitTs::from_word(n as u64 + 1), &clock(0));
        }
        for (n, kind) in kinds.into_iter().enumerate().rev() {
            assert_eq!(floors.of(kind), CommitTs::from_word(n as u64 + 1));
            assert_eq!(floors.highest(), floors.of(kind));
            floors.set(kind, CommitTs::ZERO, &clock(0));
        }
        assert_eq!(floors.highest(), CommitTs::ZERO);
    }
}
