//! Floors: below which stamps the layer above is asked, kind by kind.

use std::sync::OnceLock;
// The table is no part of what a model checker explores.
use std::sync::atomic::AtomicU64 as Plain;

use crate::clock::CommitTs;
use crate::kind::Kind;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// Kinds in the first part of the table; each further part is as long as all before it and this.
const FIRST: usize = 32;
/// Enough for all kinds.
const PARTS: usize = 12;

/// The floor of each kind, and the highest of them.
///
/// Written before the clock is advanced to an instant that they concern; that orders the writes
/// before the reads of every transaction at that instant or later. So the reads are relaxed.
#[derive(Debug, Default)]
pub(crate) struct Floors {
    /// No version stamped at or above this is below the floor of its kind.
    highest: AtomicU64,
    parts: [OnceLock<Box<[Plain]>>; PARTS],
    /// Those above zero.
    raised: Mutex<Vec<(Kind, CommitTs)>>,
}

/// Which part of the table, which place in it, and how long the part is.
fn locate(kind: Kind) -> (usize, usize, usize) {
    let n = kind.to_bits() as usize + FIRST;
    let part = (n / FIRST).ilog2() as usize;
    let len = FIRST << part;
    (part, n - len, len)
}

impl Floors {
    /// The highest floor.
    #[inline(always)]
    pub(crate) fn highest(&self) -> CommitTs {
        CommitTs::from_bits(self.highest.load(Ordering::Relaxed))
    }

    /// The floor of a kind.
    #[inline]
    pub(crate) fn of(&self, kind: Kind) -> CommitTs {
        let (part, at, _) = locate(kind);
        let floor = self.parts.get(part).and_then(OnceLock::get).map(|part| &part[at]);
        CommitTs::from_bits(floor.map_or(0, |floor| floor.load(Ordering::Relaxed)))
    }

    pub(crate) fn set(&self, kind: Kind, floor: CommitTs) {
        let mut raised = self.raised.lock();
        let (part, at, len) = locate(kind);
        let part = self.parts[part].get_or_init(|| (0..len).map(|_| Plain::new(0)).collect());
        part[at].store(floor.to_bits(), Ordering::Relaxed);
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
    fn every_kind_has_a_place_of_its_own() {
        let floors = Floors::default();
        let kinds = [0, 1, 31, 32, 33, 95, 96, 4_000, 65_535].map(Kind::from_bits);
        for (n, kind) in kinds.into_iter().enumerate() {
            floors.set(kind, CommitTs::from_bits(n as u64 + 1));
        }
        assert_eq!(floors.highest(), CommitTs::from_bits(kinds.len() as u64));
        for (n, kind) in kinds.into_iter().enumerate().rev() {
            assert_eq!(floors.of(kind), CommitTs::from_bits(n as u64 + 1));
            floors.set(kind, CommitTs::ZERO);
            assert_eq!(floors.highest(), CommitTs::from_bits(n as u64));
        }
    }
}
