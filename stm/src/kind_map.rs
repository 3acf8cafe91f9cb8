//! A word for each kind.

use std::sync::OnceLock;
// What is kept in it is no part of what a model checker explores.
use std::sync::atomic::{AtomicU64, Ordering};

use crate::kind::Kind;

/// Kinds in the first part; each further part is as long as all before it and this.
const FIRST: usize = 32;
/// Enough for all kinds.
const PARTS: usize = 13;

/// A word for each [`Kind`], zero in the beginning: found with two loads, without a lock.
///
/// Who reads a word sees what was done before it was set. Who must not miss one needs something else
/// that orders setting before reading, as the clock does for what is set before an era is advanced.
///
/// ```
/// use upgradable_stm::Kind;
/// use upgradable_stm::layer::KindMap;
/// let map = KindMap::default();
/// map.set(Kind::of::<u8>(), 7);
/// assert_eq!((map.get(Kind::of::<u8>()), map.get(Kind::of::<i8>())), (7, 0));
/// ```
#[derive(Debug, Default)]
pub struct KindMap {
    parts: [OnceLock<Box<[AtomicU64]>>; PARTS],
}

/// Which part, which place in it, and how long the part is.
#[inline(always)]
fn locate(kind: Kind) -> (usize, usize, usize) {
    let n = kind.to_bits() as usize + FIRST;
    let part = (n / FIRST).ilog2() as usize;
    let len = FIRST << part;
    (part, n - len, len)
}

impl KindMap {
    /// The word of a kind.
    #[inline]
    #[must_use]
    pub fn get(&self, kind: Kind) -> u64 {
        let (part, at, _) = locate(kind);
        let word = self.parts.get(part).and_then(OnceLock::get).and_then(|part| part.get(at));
        // Acquire: pairs with the Release of `set`.
        word.map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Sets the word of a kind.
    pub fn set(&self, kind: Kind, word: u64) {
        let (part, at, len) = locate(kind);
        let part = self.parts[part].get_or_init(|| (0..len).map(|_| AtomicU64::new(0)).collect());
        // Release: pairs with the Acquire of `get`.
        part[at].store(word, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_place_of_its_own() {
        let map = KindMap::default();
        let last = crate::raw::kinds::PLACES - 1;
        let kinds = [0, 1, 31, 32, 33, 95, 96, 4_000, 65_535, last].map(Kind::from_bits);
        for kind in kinds {
            map.set(kind, u64::from(kind.to_bits()) + 1);
        }
        for kind in kinds {
            assert_eq!(map.get(kind), u64::from(kind.to_bits()) + 1);
        }
        assert_eq!(map.get(Kind::from_bits(5)), 0);
    }
}
