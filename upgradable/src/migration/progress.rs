//! How far a migration has come.

// For people only: nothing is decided by it, and the models need not explore it.
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// What a migration has done so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) by_touch: Shared,
    pub(crate) by_sweep: Shared,
    /// Conversions that somebody else's came before.
    pub(crate) lost: Shared,
    /// Slots that the current pass has gone through, and that it will go through.
    pub(crate) swept: Counter,
    pub(crate) slots: Counter,
    pub(crate) passes: Counter,
}

/// A number that anybody may glance at.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Threads beyond these share a place.
const PLACES: usize = 8;

/// A number that many threads count up, each in a place of its own.
#[derive(Debug, Default)]
pub(crate) struct Shared([CachePadded<Counter>; PLACES]);

impl Shared {
    pub(crate) fn add(&self, n: u64) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PLACES;
        }
        self.0[PLACE.with(|&place| place)].add(n);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.iter().map(|place| place.get()).sum()
    }
}

/// How far an upgrade's migration has come; a glance.
///
/// ```
/// use upgradable::{Heap, Upgrade, Upgradable};
///
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)] #[upgrade(name = "doc.Tag")]
/// #     pub struct Tag(pub u8);
/// # }
/// #[derive(Upgradable, Clone)]
/// #[upgrade(version = 2, from = v1::Tag)]
/// struct Tag(u16);
///
/// let heap = Heap::new();
/// heap.atomically(|tx| Ok(tx.create(v1::Tag(1))?))?;
/// let running = heap.upgrade(Upgrade::to("2").migrate::<v1::Tag, Tag>())?;
/// running.wait()?;
/// let progress = running.progress();
/// assert_eq!((progress.transformed(), progress.fraction()), (1, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Objects that were transformed because a transaction touched them.
    pub by_touch: u64,
    /// Objects that the background migration, or an eager one, transformed.
    pub by_sweep: u64,
    /// Objects that could not be transformed so far.
    pub failed: u64,
    /// Transactions of the old era that committed after the flip, just before it in time.
    pub late: u64,
    /// Transformations thrown away because another thread's came before.
    pub lost: u64,
    /// Slots of the heap that the current pass has gone through.
    pub swept: u64,
    /// Slots that there are.
    pub slots: u64,
    /// Whether nothing is left to transform.
    pub complete: bool,
}

impl Progress {
    /// Objects transformed, by whomever.
    #[must_use]
    pub fn transformed(&self) -> u64 {
        self.by_touch + self.by_sweep
    }

    /// How much of the heap the background migration has gone through, from 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        if self.complete {
            1.0
        } else if self.slots == 0 {
            0.0
        } else {
            (self.swept as f64 / self.slots as f64).min(0.99)
        }
    }
}
