//! Values that are counted: each must be dropped once, and not be read after that.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Who is alive.
#[derive(Debug, Default)]
pub(crate) struct Census {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    /// For each value ever made, whether it has not been dropped.
    alive: Vec<bool>,
    dropped_again: usize,
}

impl Census {
    fn with<R>(&self, f: impl FnOnce(&mut Entries) -> R) -> R {
        f(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many values are alive.
    pub(crate) fn alive(&self) -> usize {
        self.with(|entries| entries.alive.iter().filter(|alive| **alive).count())
    }

    /// How many values were dropped that had been dropped before.
    pub(crate) fn dropped_again(&self) -> usize {
        self.with(|entries| entries.dropped_again)
    }
}

/// A value that is counted: a number, with `N` words to take room.
pub(crate) struct Counted<const N: usize> {
    number: u64,
    census: Arc<Census>,
    entry: usize,
    room: [u64; N],
}

/// It fits into any slot.
pub(crate) type Small = Counted<0>;
/// It does not.
pub(crate) type Large = Counted<50>;

impl<const N: usize> Counted<N> {
    pub(crate) fn new(number: u64, census: &Arc<Census>) -> Self {
        let entry = census.with(|entries| {
            entries.alive.push(true);
            entries.alive.len() - 1
        });
        Self { number, census: Arc::clone(census), entry, room: [number; N] }
    }
}

impl<const N: usize> Clone for Counted<N> {
    fn clone(&self) -> Self {
        Self::new(self.number(), &self.census)
    }
}

impl<const N: usize> Drop for Counted<N> {
    fn drop(&mut self) {
        self.census.with(|entries| {
            let was_alive = std::mem::replace(&mut entries.alive[self.entry], false);
            entries.dropped_again += usize::from(!was_alive);
        });
    }
}

impl<const N: usize> fmt::Debug for Counted<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("number", &self.number).finish_non_exhaustive()
    }
}

/// A counted value of whichever size.
pub(crate) trait Value {
    /// The number, of a value that must be alive and whole.
    fn number(&self) -> u64;
}

impl<const N: usize> Value for Counted<N> {
    fn number(&self) -> u64 {
        assert!(self.census.with(|entries| entries.alive[self.entry]), "read after its drop");
        assert!(self.room.iter().all(|&word| word == self.number), "overwritten");
        self.number
    }
}
