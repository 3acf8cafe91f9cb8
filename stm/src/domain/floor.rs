//! Floors: below which stamps the layer above is asked, kind by kind.

use crate::clock::CommitTs;
use crate::kind::Kind;
use crate::kind_map::KindMap;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// The floor of each kind, and the highest of them.
///
/// Written before the clock is advanced to an instant that they concern; that orders the writes
/// before the reads of every transaction at that instant or later. So the reads are relaxed.
#[derive(Debug, Default)]
pub(crate) struct Floors {
    /// No version stamped at or above this is below the floor of its kind.
    highest: AtomicU64,
    of: KindMap,
    /// Those above zero.
    raised: Mutex<Vec<(Kind, CommitTs)>>,
}

impl Floors {
    /// The highest floor.
    #[inline(always)]
    pub(crate) fn highest(&self) -> CommitTs {
        CommitTs::from_word(self.highest.load(Ordering::Relaxed))
    }

    /// The floor of a kind.
    #[inline]
    pub(crate) fn of(&self, kind: Kind) -> CommitTs {
        CommitTs::from_word(self.of.get(kind))
    }

    pub(crate) fn set(&self, kind: Kind, floor: CommitTs) {
        let mut raised = self.raised.lock();
        self.of.set(kind, floor.to_bits());
        raised.retain(|&(other, _)| other != kind);
        if floor > CommitTs::ZERO {
            raised.push((kind, floor));
        }
        let highest = raised.iter().map(|&(_, floor)| floor).max().unwrap_or(CommitTs::ZERO);
        self.highest.store(highest.to_bits(), Ordering::Relaxed);
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn the_highest_floor_follows_those_that_stand() {
        let floors = Floors::default();
        let kinds = [1, 2, 3].map(Kind::from_bits);
        for (n, kind) in kinds.into_iter().enumerate() {
            floors.set(kind, CommitTs::from_word(n as u64 + 1));
        }
        for (n, kind) in kinds.into_iter().enumerate().rev() {
            assert_eq!(floors.of(kind), CommitTs::from_word(n as u64 + 1));
            assert_eq!(floors.highest(), floors.of(kind));
            floors.set(kind, CommitTs::ZERO);
        }
        assert_eq!(floors.highest(), CommitTs::ZERO);
    }
}
