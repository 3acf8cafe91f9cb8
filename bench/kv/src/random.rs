//! Numbers that a seed determines.

use oorandom::Rand64;

/// What a load or a conversation draws.
#[derive(Clone, Debug)]
pub(crate) struct Random(Rand64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rand64::new(seed.into()))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.rand_u64()
    }

    /// Below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.rand_range(0..end as u64) as usize
    }

    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
