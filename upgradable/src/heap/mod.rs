//! Heaps: the objects, their types, and the upgrades that go over them.

#[cfg(not(loom))]
pub(crate) mod gate;
pub(crate) mod roots;
pub(crate) mod types;
mod upgrading;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::{CommitTs, Domain, DomainBuilder, Handle, Kind, Stats, TVar};

use self::roots::Roots;
use self::types::Types;
use self::upgrading::Upgrading;
use crate::access::{AccessError, Mismatch};
use crate::lineage::TypeVersion;
use crate::migration::{Lazily, Migrations, failure};
use crate::sync::Ordering;
use crate::txn::TxError;

/// The objects of a program, under one clock.
///
/// Transactions on a heap are serializable; upgrades change the types of its objects, all at one
/// instant. Several heaps in a process live independent lives. A `Heap` is a handle: clones name
/// the same heap, and when the last one goes its objects are dropped.
///
/// ```
/// use upgradable::{Heap, Upgradable};
///
/// #[derive(Upgradable, Clone)]
/// struct Account { cents: u64 }
///
/// let heap = Heap::new();
/// let account = heap.atomically(|tx| Ok(tx.create(Account { cents: 5 })?))?;
/// heap.atomically(|tx| Ok(tx.modify(account, |account| account.cents += 1)?))?;
/// assert_eq!(heap.snapshot(|s| s.read(account).map(|account| account.cents))?, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Heap {
    /// Here, too: a step less on the way of every transaction.
    pub(crate) domain: Domain,
    pub(crate) inner: Arc<HeapInner>,
}

/// A heap's parts.
pub(crate) struct HeapInner {
    pub(crate) domain: Domain,
    pub(crate) roots: TVar<Roots>,
    pub(crate) migrations: Arc<Migrations>,
    #[cfg(not(loom))]
    pub(crate) gate: gate::Gate,
    #[cfg(not(loom))]
    pub(crate) sweeper: crate::migration::sweep::Sweeper,
    /// Held by whoever begins, promotes or rolls back an upgrade.
    pub(crate) upgrading: Upgrading,
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl fmt::Debug for HeapInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeapInner").finish_non_exhaustive()
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

impl Heap {
    /// A new, empty heap.
    ///
    /// # Panics
    ///
    /// When 4,095 heaps and domains live already; [`HeapBuilder::build`] gives an error instead.
    ///
    /// ```
    /// assert_eq!(upgradable::Heap::new().stats().live_snapshots, 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        match Self::builder().build() {
            Ok(heap) => heap,
            Err(error) => panic!("{error}"),
        }
    }

    /// A builder for a heap that differs from the default.
    ///
    /// ```
    /// assert!(upgradable::Heap::builder().statistics(true).build().is_ok());
    /// ```
    pub fn builder() -> HeapBuilder {
        HeapBuilder { domain: Domain::builder() }
    }

    /// The newest commit timestamp given out.
    ///
    /// ```
    /// # use upgradable::Heap;
    /// let heap = Heap::new();
    /// assert_eq!(heap.now(), heap.now());
    /// ```
    #[must_use]
    pub fn now(&self) -> CommitTs {
        self.inner.domain.now()
    }

    /// What has happened so far in transactions.
    ///
    /// ```
    /// assert_eq!(upgradable::Heap::new().stats().conflicts(), 0);
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.domain.stats()
    }

    /// Drops and recycles every version that nobody sees, as far as possible now. Transactions do
    /// this on the way, in batches.
    ///
    /// ```
    /// upgradable::Heap::new().reclaim();
    /// ```
    pub fn reclaim(&self) {
        self.inner.domain.reclaim();
    }

    /// Gives memory back that upgrades and updates have left behind: drops what nobody sees, brings
    /// the objects that lie outside of their places back into them, gives those that have outgrown
    /// theirs larger ones, and returns free memory to the allocator.
    ///
    /// Objects come home, and get larger places, in moments without transactions: who begins one then
    /// waits tens of microseconds, or does a part of the work. Where such moments are missing, because
    /// somebody's transaction is long, objects whose place is free are written again as they are, in
    /// small transactions beside all others, which may be executed again for it; but for those that an
    /// upgrade converts, until it has ended. `false` if there were too few moments for larger places;
    /// what was missed can be done by another call. When a migration is complete, and after a
    /// promotion, the background does all this by itself, and tries for about a second. Takes time in
    /// proportion to the heap.
    ///
    /// ```
    /// assert!(upgradable::Heap::new().compact());
    /// ```
    pub fn compact(&self) -> bool {
        self.reclaim();
        self.inner.bring_home(CommitTs::NEVER, |_, _| true);
        self.inner.compact(CommitTs::NEVER, |_| true)
    }

    /// A transaction has ended with an error: it may be the one that the upgrade's policy waits
    /// for.
    #[cold]
    pub(crate) fn ended<E>(&self, error: TxError<E>) -> TxError<E> {
        if self.inner.migrations.unwanted.load(Ordering::Relaxed) {
            self.inner.roll_back_unwanted();
        }
        error
    }
}

impl HeapInner {
    pub(crate) fn types(&self) -> &Types {
        &self.migrations.types
    }

    /// Waits while an eager upgrade converts the heap.
    #[inline(always)]
    pub(crate) fn pass_gate(&self) {
        #[cfg(not(loom))]
        if self.gate.is_closed() {
            self.wait_at_gate();
        }
    }

    #[cfg(not(loom))]
    #[cold]
    fn wait_at_gate(&self) {
        // A transformer that begins a transaction is refused there; here it would wait for itself.
        if !self.domain.is_updating() {
            self.gate.wait();
        }
    }

    /// Whether this thread is where no upgrade can be begun, ended or waited for: inside a
    /// transaction or a transformer, or in an observer that is told of an upgrade.
    pub(crate) fn is_entered(&self) -> bool {
        self.domain.is_updating() || self.upgrading.is_mine()
    }

    /// Why a transaction can't have an object, in terms of type versions.
    #[cold]
    pub(crate) fn explain(
        &self,
        object: Handle,
        wanted: TypeVersion,
        error: upgradable_stm::AccessError,
    ) -> AccessError {
        let told = || failure::take_refusal().filter(|why| why.object() == object.to_bits());
        let refused = || match told().or_else(|| self.migrations.noted_failure(object)) {
            Some(failure) if failure.versions().0.lineage() == wanted.lineage() => {
                AccessError::Untransformed(failure)
            }
            Some(failure) => {
                AccessError::WrongType(Box::new(Mismatch { wanted, found: failure.versions().0 }))
            }
            None => AccessError::Unborn,
        };
        let mismatch = |found: Kind| self.types().mismatch(wanted, found);
        AccessError::from_core(error, mismatch, refused)
    }
}

/// Slots looked at together, and objects written again in one transaction.
const STRIDE: u32 = 256;
/// Slots looked at together for versions that come home: what is found in them shares the moments
/// without transactions.
const HOMES: u32 = 2048;
const TOGETHER: usize = 16;
/// Slots that get larger places together.
const PLACES: u32 = 1024;
/// Versions that a piece of reclaiming drops at least while there are more, and pieces for what
/// comes meanwhile.
const PIECE: u32 = 64;
const SOME_PIECES: u32 = 16;
/// Moments without transactions that are waited for in vain, for each of these.
const ATTEMPTS: u32 = 8;
const BETWEEN_ATTEMPTS: Duration = Duration::from_micros(50);

impl HeapInner {
    /// Brings newest versions home that have been away since `at`, and for which there is a moment
    /// without transactions. From time to time asks `go_on` with their number and how long that took,
    /// which was mostly waiting.
    pub(crate) fn bring_home(
        &self,
        at: CommitTs,
        mut go_on: impl FnMut(usize, Duration) -> bool,
    ) -> bool {
        let domain = &self.domain;
        let slots = domain.slots();
        (0..slots).step_by(HOMES as usize).all(|from| {
            let (homes, started) = (from..from.saturating_add(HOMES).min(slots), Instant::now());
            let brought = patiently(|| domain.bring_home_since(homes.clone(), at)).unwrap_or(0);
            go_on(brought, started.elapsed())
        })
    }

    /// The second part of [`Heap::compact`]: what has been away since `at` and has room is written
    /// again. Asks `go_on` with the slots gone through, from time to time.
    pub(crate) fn compact(&self, at: CommitTs, mut go_on: impl FnMut(u32) -> bool) -> bool {
        if !self.reclaim_while(|| go_on(0)) {
            return false;
        }
        let domain = &self.domain;
        let slots = domain.slots();
        for from in (0..slots).step_by(STRIDE as usize) {
            let away = domain.away_since(from..from.saturating_add(STRIDE).min(slots), at);
            for some in away.chunks(TOGETHER) {
                // A `Clone` that panics keeps the object where it is, and those beside it.
                let _ = catch_unwind(AssertUnwindSafe(|| self.rewrite(some)));
            }
            if !go_on(from) {
                return false;
            }
        }
        self.rehouse(go_on)
    }

    /// The third part of [`Heap::compact`]: larger places, and memory back.
    pub(crate) fn rehouse(&self, mut go_on: impl FnMut(u32) -> bool) -> bool {
        if !self.reclaim_while(|| go_on(0)) {
            return false;
        }
        let domain = &self.domain;
        let (slots, mut all) = (domain.slots(), true);
        for from in (0..slots).step_by(PLACES as usize) {
            let places = from..from.saturating_add(PLACES).min(slots);
            all &= patiently(|| domain.rehouse(places.clone())).is_some();
            if !go_on(from) {
                return false;
            }
        }
        // What was freed on the way may have kept other memory from being given back.
        for _ in 0..3 {
            if !self.reclaim_while(|| go_on(slots)) {
                return false;
            }
            if domain.shrink_while(|| go_on(slots)) == 0 {
                break;
            }
        }
        all
    }

    /// Drops what no snapshot sees, in pieces, and asks `go_on` after each: a promotion in the
    /// middle of the work releases an old version of every object. Beside others who supersede
    /// versions all the time this ends, too.
    fn reclaim_while(&self, mut go_on: impl FnMut() -> bool) -> bool {
        let pieces = self.domain.slots() / PIECE + SOME_PIECES;
        (0..pieces).take_while(|_| self.domain.reclaim_some()).all(|_| go_on())
    }

    fn rewrite(&self, objects: &[(Handle, Kind)]) {
        let _ = self.domain.try_atomically::<_, ()>(|tx| {
            for &(object, kind) in objects {
                // A roll back would take it for a write of the program's.
                let stays = self.migrations.may_go_back(kind);
                if let Some(rewrite) = self.types().rewriter(kind).filter(|_| !stays) {
                    // One that is gone or of another kind by now need not be moved.
                    let _ = rewrite(tx, object);
                }
            }
            Ok(())
        });
    }
}

/// Tries this again for a little while, if somebody is in the way.
fn patiently(try_it: impl Fn() -> Option<usize>) -> Option<usize> {
    for _ in 1..ATTEMPTS {
        if let done @ Some(_) = try_it() {
            return done;
        }
        thread::sleep(BETWEEN_ATTEMPTS);
    }
    try_it()
}

impl Drop for HeapInner {
    fn drop(&mut self) {
        // They hold snapshots of the domain, which holds them.
        self.migrations.clear();
    }
}

/// Builds a [`Heap`] that differs from the default.
///
/// ```
/// let heap = upgradable::Heap::builder().statistics(true).build()?;
/// assert_eq!(heap.stats().commits, 0);
/// # Ok::<(), upgradable::TooManyDomains>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct HeapBuilder {
    domain: DomainBuilder,
}

impl HeapBuilder {
    /// Whether to count commits and snapshots, too; about half a nanosecond each. Off by default.
    ///
    /// ```
    /// assert!(upgradable::Heap::builder().statistics(true).build().is_ok());
    /// ```
    pub fn statistics(mut self, on: bool) -> Self {
        self.domain = self.domain.statistics(on);
        self
    }

    /// Calls `observer` at every event of the core (commits, aborts, waits), on the thread that
    /// causes it, outside of locks. It must not begin transactions of the heap, and must not panic.
    ///
    /// ```
    /// let heap = upgradable::Heap::builder().observer(|event| println!("{event:?}")).build();
    /// # drop(heap);
    /// ```
    pub fn observer(
        mut self,
        observer: impl Fn(&upgradable_stm::Event) + Send + Sync + 'static,
    ) -> Self {
        self.domain = self.domain.observer(observer);
        self
    }

    /// Makes the heap.
    ///
    /// # Errors
    ///
    /// [`TooManyDomains`](crate::TooManyDomains) when 4,095 live already.
    ///
    /// ```
    /// assert!(upgradable::Heap::builder().build().is_ok());
    /// ```
    pub fn build(self) -> Result<Heap, crate::TooManyDomains> {
        let migrations = Arc::new(Migrations::default());
        let domain = self.domain.layer(Lazily(Arc::clone(&migrations))).build()?;
        #[cfg(not(loom))]
        migrations.workers.employ(domain.clone());
        let inner = HeapInner {
            roots: domain.tvar(Roots::new()),
            domain,
            migrations,
            #[cfg(not(loom))]
            gate: gate::Gate::default(),
            #[cfg(not(loom))]
            sweeper: crate::migration::sweep::Sweeper::default(),
            upgrading: Upgrading::default(),
        };
        Ok(Heap { domain: inner.domain.clone(), inner: Arc::new(inner) })
    }
}
