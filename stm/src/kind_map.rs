//! A word for each kind.

use std::sync::OnceLock;
// What is kept in it is no part of what a model checker explores.
use std::sync::atomic::{AtomicU64, Ordering};

use crate::kind::Kind;

/// Kinds in a part.
const PART: usize = 1 << 10;
/// Enough for all kinds.
const PARTS: usize = crate::raw::kinds::PLACES.div_ceil(PART as u32) as usize;

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
#[derive(Debug)]
pub struct KindMap {
    // All of one length: see `raw::page_index` for why.
    parts: Box<[OnceLock<Box<[AtomicU64; PART]>>; PARTS]>,
}

impl Default for KindMap {
    fn default() -> Self {
        let none: Box<[_]> = (0..PARTS).map(|_| OnceLock::new()).collect();
        Self { parts: none.try_into().unwrap_or_else(|_| unreachable!("it has this length")) }
    }
}

/// Which part, and which place in it.
#[inline(always)]
fn locate(kind: Kind) -> (usize, usize) {
    let n = kind.to_bits() as usize;
    (n / PART, n % PART)
}

impl KindMap {
    /// The word of a kind.
    #[inline]
    #[must_use]
    pub fn get(&self, kind: Kind) -> u64 {
        let (part, at) = locate(kind);
        // Acquire: pairs with the Release of `set`.
        let part = self.parts.get(part).and_then(OnceLock::get);
        part.map_or(0, |part| part[at].load(Ordering::Acquire))
    }

    /// Sets the word of a kind.
    pub fn set(&self, kind: Kind, word: u64) {
        let (part, at) = locate(kind);
        let part = self.parts[part].get_or_init(|| {
            let words: Box<[_]> = (0..PART).map(|_| AtomicU64::new(0)).collect();
            words.try_into().unwrap_or_else(|_| unreachable!("it has this length"))
        });
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
        let kinds = [0, 1, 1_023, 1_024, 4_000, 65_535, last].map(Kind::from_bits);
        for kind in kinds {
            map.set(kind, u64::from(kind.to_bits()) + 1);
        }
        for kind in kinds {
            assert_eq!(map.get(kind), u64::from(kind.to_bits()) + 1);
        }
        assert_eq!(map.get(Kind::from_bits(5)), 0);
    }
}
