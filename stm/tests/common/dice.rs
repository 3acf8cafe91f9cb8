//! Random numbers from a seed, so that a failure can be repeated.

use oorandom::Rand64;

/// Throws that a seed determines.
pub(crate) struct Dice(Rand64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rand64::new(seed.into()))
    }

    /// A number below `sides`.
    pub(crate) fn throw(&mut self, sides: usize) -> usize {
        self.0.rand_range(0..sides as u64) as usize
    }
}
