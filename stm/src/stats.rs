//! Counting what happens: per context, added up on demand.

use crate::event::AbortCause;
use crate::sync::{AtomicU64, Ordering};

/// A number that one thread writes and others may read.
#[derive(Debug)]
pub(crate) struct Counter(AtomicU64);

impl Default for Counter {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Counter {
    /// Adds, as the only writer: no read-modify-write is needed.
    #[inline(always)]
    pub(crate) fn add(&self, n: usize) {
        self.0.store(self.0.load(Ordering::Relaxed) + n as u64, Ordering::Relaxed);
    }

    /// Raises it to `n`, as the only writer.
    pub(crate) fn raise_to(&self, n: usize) {
        self.0.store(self.get().max(n as u64), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one context.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: Counter,
    pub(crate) written: Counter,
    pub(crate) snapshots: Counter,
    pub(crate) aborts: [Counter; AbortCause::COUNT],
    pub(crate) read_waits: Counter,
    pub(crate) lock_waits: Counter,
    pub(crate) walks: Counter,
    pub(crate) longest_walk: Counter,
    pub(crate) blocked: Counter,
    pub(crate) privileged: Counter,
    pub(crate) made_way: Counter,
    pub(crate) retired: Counter,
    pub(crate) reclaimed: Counter,
}

/// What a domain has counted since it was made.
///
/// Commits, written objects and snapshots are counted only if the domain was built with
/// [`DomainBuilder::statistics`](crate::DomainBuilder::statistics); the other numbers cost nothing
/// in a transaction that meets nobody, so they are always there.
///
/// ```
/// use upgradable_stm::Domain;
/// let domain = Domain::builder().statistics(true).build().unwrap();
/// let x = domain.tvar(0);
/// domain.atomically(|tx| Ok(tx.write(&x, 1)));
/// domain.snapshot(|s| *s.read(&x));
/// let stats = domain.stats();
/// assert_eq!((stats.commits, stats.written, stats.snapshots), (1, 1, 1));
/// assert_eq!(stats.conflicts(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Update transactions committed.
    pub commits: u64,
    /// Objects written by them.
    pub written: u64,
    /// Read-only transactions run.
    pub snapshots: u64,
    /// Attempts that ended without commit, by cause; see [`Stats::aborts`].
    by_cause: [u64; AbortCause::COUNT],
    /// Times that a read met a lock and waited for the publication.
    pub read_waits: u64,
    /// Times that a commit waited for the lock of another one.
    pub lock_waits: u64,
    /// Reads that had to go past the newest version.
    pub walks: u64,
    /// The most versions that one read has gone past.
    pub longest_walk: u64,
    /// Times that a transaction called `retry` and had something to wait for. Where that had
    /// changed already, it did not sleep.
    pub blocked: u64,
    /// Times that a transaction was given precedence.
    pub privileged: u64,
    /// Times that a commit made way for such a transaction.
    pub made_way: u64,
    /// Versions trimmed: taken out of their chains.
    pub retired: u64,
    /// Versions dropped and recycled.
    pub reclaimed: u64,
    /// Versions that wait for a snapshot to end, or for the next look at them.
    pub waiting: u64,
    /// Values whose `Drop` panicked when they were reclaimed; the panics were swallowed.
    pub drop_panics: u64,
    /// Live snapshots at the moment of asking.
    pub live_snapshots: u64,
}

impl Stats {
    /// Attempts that ended without commit for this reason.
    ///
    /// ```
    /// use upgradable_stm::{AbortCause, Domain};
    /// assert_eq!(Domain::new().stats().aborts(AbortCause::Changed), 0);
    /// ```
    #[must_use]
    pub fn aborts(&self, cause: AbortCause) -> u64 {
        self.by_cause[cause.index()]
    }

    /// Attempts that were executed again because of a conflict.
    ///
    /// ```
    /// assert_eq!(upgradable_stm::Domain::new().stats().conflicts(), 0);
    /// ```
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        use AbortCause::{Changed, Deleted, EraOver, Locked};
        [Changed, Locked, Deleted, EraOver].into_iter().map(|cause| self.aborts(cause)).sum()
    }

    pub(crate) fn add(&mut self, counters: &Counters) {
        self.commits += counters.commits.get();
        self.written += counters.written.get();
        self.snapshots += counters.snapshots.get();
        for (sum, counter) in self.by_cause.iter_mut().zip(&counters.aborts) {
            *sum += counter.get();
        }
        self.read_waits += counters.read_waits.get();
        self.lock_waits += counters.lock_waits.get();
        self.walks += counters.walks.get();
        self.longest_walk = self.longest_walk.max(counters.longest_walk.get());
        self.blocked += counters.blocked.get();
        self.privileged += counters.privileged.get();
        self.made_way += counters.made_way.get();
        self.retired += counters.retired.get();
        self.reclaimed += counters.reclaimed.get();
    }
}
