//! Domains: a clock, the objects under it, and the transactions on them.

mod builder;
mod floor;
mod memory;
mod tag;

pub use builder::DomainBuilder;
use floor::Floors;
use tag::Tag;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::clock::{CommitTs, Era, GlobalClock, Seq, Tick};
use crate::contention::Privilege;
use crate::error::{AccessError, EraExhausted};
use crate::event::{AbortCause, Event};
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::{Layer, NotNewest};
use crate::raw::block::BlockPool;
use crate::raw::context::{ContextPool, Lent};
use crate::raw::frame::Frame;
use crate::raw::quiet::Chores;
use crate::raw::slab::{Numbered, Slab};
use crate::raw::var::Vars;
use crate::reclaim::active::{Live, Registry, Seat};
use crate::reclaim::bygone::Bygone;
use crate::reclaim::collector::Collector;
use crate::reclaim::tidy::DroppedVars;
use crate::retry::Watches;
use crate::snapshot::{HeldSnapshot, Snapshot};
use crate::stats::Stats;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::tvar::TVar;

type Observer = Box<dyn Fn(&Event) + Send + Sync>;

/// A world of transactional objects: a clock, and the objects whose versions it orders.
///
/// Transactions of one domain are serializable among each other; different domains know nothing
/// of each other. A `Domain` is a handle: clones name the same domain. When the last one goes, the
/// objects with [`Handle`]s are dropped; a [`TVar`] lives as long as its own handles.
///
/// ```
/// use upgradable_stm::Domain;
///
/// let bank = Domain::new();
/// let (alice, bob) = (bank.tvar(100), bank.tvar(0));
/// bank.atomically(|tx| {
///     tx.modify(&alice, |cents| *cents -= 30);
///     tx.modify(&bob, |cents| *cents += 30);
///     Ok(())
/// });
/// assert_eq!(bank.snapshot(|s| (*s.read(&alice), *s.read(&bob))), (70, 30));
/// ```
pub struct Domain {
    pub(crate) inner: Arc<Inner>,
}

/// A domain's parts.
pub(crate) struct Inner {
    /// Never given out twice in a process.
    pub(crate) number: u64,
    tag: Tag,
    pub(crate) clock: GlobalClock,
    /// The layer is asked about versions stamped before the floor of their kind.
    pub(crate) floors: Floors,
    pub(crate) registry: Registry,
    /// Before which instants nobody is under way who has not found their floors.
    pub(crate) bygone: Bygone,
    pub(crate) watches: Watches,
    pub(crate) privilege: Privilege,
    /// Values whose drop panicked when they were reclaimed.
    pub(crate) drop_panics: AtomicUsize,
    pub(crate) layer: Option<Box<dyn Layer>>,
    observer: Option<Observer>,
    pub(crate) statistics: bool,
    pub(crate) contexts: Mutex<ContextPool>,
    pub(crate) collector: Collector,
    pub(crate) blocks: BlockPool,
    /// Slots of objects with handles, and of [`TVar`]s.
    pub(crate) slots: Slab,
    pub(crate) vars: Vars,
    pub(crate) dropped: DroppedVars,
    /// `Domain`s that name this domain.
    pub(crate) names: AtomicUsize,
    /// Held by whoever tidies up.
    pub(crate) tidying: Mutex<()>,
    /// Work that is left to whoever begins a transaction.
    pub(crate) chores: Chores,
    /// Somebody has left it to them.
    pub(crate) tidying_left: AtomicBool,
    /// Held by whoever advances the era.
    advancing: Mutex<()>,
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Domain")
            .field("number", &self.inner.number)
            .field("now", &self.inner.clock.now())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Default for Domain {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Domain {
    fn clone(&self) -> Self {
        self.inner.names.fetch_add(1, Ordering::Relaxed);
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        // AcqRel: the last one sees everything done through the others.
        if self.inner.names.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.inner.close();
        }
    }
}

impl Domain {
    /// A new, empty domain.
    ///
    /// # Panics
    ///
    /// When 4,095 domains live already; [`DomainBuilder::build`] gives an error instead.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// assert_eq!(domain.snapshot(|s| *s.read(&x)), 1);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        match Self::builder().build() {
            Ok(domain) => domain,
            Err(error) => panic!("{error}"),
        }
    }

    /// A builder for a domain that differs from the default.
    ///
    /// ```
    /// assert!(upgradable_stm::Domain::builder().build().is_ok());
    /// ```
    pub fn builder() -> DomainBuilder {
        DomainBuilder::new()
    }

    /// The domain that [`TVar::new`] and the free functions use. It lives as long as the process.
    ///
    /// ```
    /// use upgradable_stm::{Domain, TVar};
    /// let x = TVar::new(5);
    /// assert_eq!(Domain::global().snapshot(|s| *s.read(&x)), 5);
    /// ```
    #[cfg(not(any(loom, shuttle)))]
    pub fn global() -> &'static Self {
        static GLOBAL: std::sync::OnceLock<Domain> = std::sync::OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// A variable of this domain.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(String::from("hello"));
    /// assert_eq!(domain.snapshot(|s| s.read(&x).len()), 5);
    /// ```
    pub fn tvar<T: Send + Sync + 'static>(&self, value: T) -> TVar<T> {
        TVar::new_in(self, value)
    }

    /// Runs a read-only transaction on the newest snapshot.
    ///
    /// It never aborts, waits for no one but for the moment of a publication, makes no one wait,
    /// and keeps nothing but the versions that its snapshot sees. The closure runs once.
    ///
    /// # Retry safety
    ///
    /// The closure is executed exactly once.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let vars: Vec<_> = (0..10).map(|i| domain.tvar(i)).collect();
    /// let sum: i32 = domain.snapshot(|s| vars.iter().map(|v| *s.read(v)).sum());
    /// assert_eq!(sum, 45);
    /// ```
    #[inline]
    pub fn snapshot<R>(&self, read: impl FnOnce(&Snapshot<'_>) -> R) -> R {
        let snapshot = Snapshot::new(Frame::begin(&self.inner));
        read(&snapshot)
    }

    /// Keeps the present as a live snapshot, to read from it later and from any thread.
    ///
    /// Of each object the version it sees is kept, and nothing more: neither older versions nor
    /// those between it and the newest.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// let then = domain.hold();
    /// domain.atomically(|tx| Ok(tx.write(&x, 2)));
    /// assert_eq!(then.read(|s| *s.read(&x)), 1);
    /// ```
    #[must_use]
    pub fn hold(&self) -> HeldSnapshot {
        let seat = self.inner.registry.join();
        let at = seat.announce(&self.inner.clock);
        HeldSnapshot::new(self.clone(), seat, at)
    }

    /// The newest commit timestamp given out.
    ///
    /// ```
    /// use upgradable_stm::{CommitTs, Domain};
    /// assert_eq!(Domain::new().now(), CommitTs::ZERO);
    /// ```
    #[must_use]
    pub fn now(&self) -> CommitTs {
        self.inner.clock.now()
    }

    /// Moves to the next era in one atomic step, and keeps the last instant of the old one as a
    /// live snapshot.
    ///
    /// `prepare` runs just before the step, with the new era; advances of one domain exclude each
    /// other meanwhile. A transaction that began before and writes can no longer commit in the new
    /// era: the [`Layer`] decides whether it commits at the end of its own, else it is executed
    /// again. Read-only transactions don't notice.
    ///
    /// # Errors
    ///
    /// [`EraExhausted`] when this is the last era; `prepare` has not run then.
    ///
    /// ```
    /// use upgradable_stm::{Domain, Era};
    /// let domain = Domain::new();
    /// let advance = domain.advance_era(|era| println!("era {era} begins")).unwrap();
    /// assert_eq!(advance.flip.era(), Era::new(1).unwrap());
    /// assert!(advance.before.at() < advance.flip);
    /// ```
    pub fn advance_era(&self, prepare: impl FnOnce(Era)) -> Result<EraAdvance, EraExhausted> {
        self.advance_era_to(|advance| prepare(advance.flip.era()))
    }

    /// [`advance_era`](Self::advance_era) for who needs the held instant in the new era from its
    /// first moment on: `prepare` may clone it, but not read it yet.
    ///
    /// # Errors
    ///
    /// As [`advance_era`](Self::advance_era).
    ///
    /// ```
    /// use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// let mut before = None;
    /// domain.advance_era_to(|advance| before = Some(advance.before.clone())).unwrap();
    /// assert!(before.unwrap().at() < domain.now());
    /// ```
    pub fn advance_era_to(
        &self,
        prepare: impl FnOnce(&EraAdvance),
    ) -> Result<EraAdvance, EraExhausted> {
        let advancing = self.inner.advancing.lock();
        let next = self.now().era().next().ok_or(EraExhausted)?;
        let seat = self.inner.registry.join();
        seat.announce_open(&self.inner.clock);
        let flip = CommitTs::new(next, Seq::ZERO);
        let before = self.now().end_of_era();
        let advance =
            EraAdvance { flip, before: HeldSnapshot::new(self.clone(), Arc::clone(&seat), before) };
        prepare(&advance);
        // Nobody else advances it, and there is a next era.
        let advanced = self.inner.clock.advance_era();
        debug_assert_eq!(advanced, Some(flip), "advances exclude each other");
        seat.narrow(before);
        drop(advancing);
        self.inner.emit(|| Event::EraAdvanced { flip });
        Ok(advance)
    }

    /// Asks the [`Layer`] about every object of this kind that is read by its handle and whose
    /// version is stamped before `floor`. [`CommitTs::ZERO`], as in the beginning, asks about none.
    ///
    /// To be set in the `prepare` of [`advance_era`](Self::advance_era), to the instant of the
    /// flip; and back to zero when nothing of the kind is left below it.
    ///
    /// ```
    /// use upgradable_stm::{CommitTs, Domain, Kind};
    /// let domain = Domain::new();
    /// domain.set_floor(Kind::of::<u8>(), CommitTs::ZERO);
    /// assert_eq!(domain.floor(Kind::of::<u8>()), CommitTs::ZERO);
    /// ```
    pub fn set_floor(&self, kind: Kind, floor: CommitTs) {
        self.inner.floors.set(kind, floor, &self.inner.clock);
    }

    /// What [`set_floor`](Self::set_floor) has set for this kind.
    ///
    /// ```
    /// # use upgradable_stm::{CommitTs, Domain, Kind};
    /// assert_eq!(Domain::new().floor(Kind::of::<u8>()), CommitTs::ZERO);
    /// ```
    #[must_use]
    pub fn floor(&self, kind: Kind) -> CommitTs {
        self.inner.floors.of(kind)
    }

    /// Shows the [`Layer`] what lies below its kind's floor, as a read would, in the slots with
    /// these numbers.
    ///
    /// Everything within one call happens under one snapshot.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// domain.atomically(|tx| Ok(tx.create(1)));
    /// domain.sweep(0..domain.slots());
    /// ```
    pub fn sweep(&self, slots: Range<u32>) {
        let frame = Frame::begin(&self.inner);
        frame.sweep(slots);
        self.inner.after_update(frame.context());
    }

    /// Shows the [`Layer`] one object, as a read would.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1)));
    /// assert_eq!(domain.touch(name), Ok(()));
    /// ```
    pub fn touch(&self, handle: Handle) -> Result<(), AccessError> {
        let frame = Frame::begin(&self.inner);
        let seen = frame.slot_of(handle).and_then(|slot| frame.look(slot, handle));
        self.inner.after_update(frame.context());
        seen.map(drop)
    }

    /// The numbers of all slots for objects with handles are below this; those of objects that
    /// are created later need not be.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// assert_eq!(Domain::new().slots(), 0);
    /// ```
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.inner.slots.numbers()
    }

    /// Whether some live snapshot, held ones included, is at or after `from` and before `until`,
    /// or may be: one that is being acquired counts.
    ///
    /// ```
    /// # use upgradable_stm::{CommitTs, Domain};
    /// let domain = Domain::new();
    /// domain.atomically(|tx| Ok(tx.create(1)));
    /// assert!(!domain.has_snapshots(CommitTs::ZERO, domain.now()));
    /// let held = domain.hold();
    /// domain.atomically(|tx| Ok(tx.create(1)));
    /// assert!(domain.has_snapshots(held.at(), domain.now()));
    /// ```
    #[must_use]
    pub fn has_snapshots(&self, from: CommitTs, until: CommitTs) -> bool {
        Live::at_present(&self.inner.registry, &self.inner.clock).stay(from, until).is_some()
    }

    /// Whether an update transaction of this domain, or the [`Layer`]'s
    /// [`touch`](Layer::touch), runs on this thread.
    ///
    /// ```
    /// # use upgradable_stm::Domain;
    /// let domain = Domain::new();
    /// assert!(!domain.is_updating());
    /// assert!(domain.atomically(|_| Ok(domain.is_updating())));
    /// ```
    #[must_use]
    pub fn is_updating(&self) -> bool {
        Lent::of(&self.inner).is_nested()
    }

    /// Puts a version at the past instant `at` over the newest version of an object, which must
    /// have the stamp `over`, below or at `at`. For a layer that transforms objects lazily: every
    /// transaction that could have seen the object at `at` or later without this version must not
    /// exist.
    ///
    /// # Errors
    ///
    /// [`NotNewest`] when the newest version is another one by now, or the object is not there.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create(1_u32)));
    /// let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    /// let flip = domain.advance_era(|_| {}).unwrap().flip;
    /// domain.install(name, over, flip, String::from("one")).unwrap();
    /// assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).unwrap(), "one");
    /// ```
    pub fn install<T: Send + Sync + 'static>(
        &self,
        handle: Handle,
        over: CommitTs,
        at: CommitTs,
        value: T,
    ) -> Result<(), NotNewest<T>> {
        let frame = Frame::begin(&self.inner);
        frame.install_past(handle, over, at, value)?;
        self.inner.after_update(frame.context());
        Ok(())
    }

    /// How many versions of a variable there are: one, and those that live snapshots see, and
    /// those that wait for the next look.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// assert_eq!(domain.versions(&domain.tvar(0)), 1);
    /// ```
    #[must_use]
    pub fn versions<T: Send + Sync + 'static>(&self, var: &TVar<T>) -> usize {
        var.expect_of(&self.inner);
        Frame::begin(&self.inner).chain_len(var.typed().slot())
    }

    /// What has happened so far.
    ///
    /// ```
    /// let stats = upgradable_stm::Domain::new().stats();
    /// assert_eq!(stats.conflicts(), 0);
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.inner.registry.for_each(|seat| stats.add(&seat.counters));
        let mut live = Live::default();
        live.look(&self.inner.registry, &self.inner.clock);
        stats.live_snapshots = live.len() as u64;
        stats.drop_panics = self.inner.drop_panics.load(Ordering::Relaxed) as u64;
        self.inner.contexts.lock().for_each_idle(|log| stats.waiting += log.borrow().len() as u64);
        stats
    }
}

/// What [`Domain::advance_era`] did.
///
/// ```
/// let advance = upgradable_stm::Domain::new().advance_era(|_| {}).unwrap();
/// assert_eq!(advance.flip.era(), advance.before.at().era().next().unwrap());
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct EraAdvance {
    /// The first instant of the new era; no transaction commits at it.
    pub flip: CommitTs,
    /// The last instant of the old era. What [commits late](Layer::admits_late) is part of it.
    pub before: HeldSnapshot,
}

impl Inner {
    /// Tells the observer.
    #[inline(always)]
    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(observer) = &self.observer {
            observer(&event());
        }
    }

    pub(crate) fn count_abort(&self, seat: &Seat, cause: AbortCause) {
        seat.counters.aborts[cause.index()].add(1);
        self.emit(|| Event::Aborted { cause });
    }

    /// The bytes that a value may take in the slot itself.
    #[inline(always)]
    pub(crate) fn room_of(&self, slot: Numbered, indexed: bool) -> usize {
        // All values of a variable are of one size.
        if indexed { self.slots.room(slot.number) } else { usize::MAX }
    }

    /// Notes, at the end of the domain, which names it has given out.
    pub(crate) fn close_names(&mut self) {
        let metas = self.slots.iter().map(|of| self.slot(of.slot).meta().load(Ordering::Relaxed));
        if let Some(newest) = metas.max() {
            self.tag.used_up_to(newest);
        }
    }

    pub(crate) fn count_privileged(self: &Arc<Self>) {
        Lent::of(self).seat.counters.privileged.add(1);
    }

    /// A fresh timestamp, of whichever era. `None` at the end of all time.
    pub(crate) fn tick(&self) -> Option<CommitTs> {
        loop {
            let era = self.clock.now().era();
            match self.clock.tick(era) {
                Tick::At(ts) => return Some(ts),
                Tick::EraOver(_) => {}
                Tick::SeqOver => self.roll_era(era).ok()?,
            }
        }
    }

    /// Begins a new era because the sequence of this one has run out.
    ///
    /// # Errors
    ///
    /// [`EraExhausted`] when there is no further era.
    pub(crate) fn roll_era(&self, seen: Era) -> Result<(), EraExhausted> {
        let _advancing = self.advancing.lock();
        if self.clock.now().era() != seen {
            return Ok(());
        }
        let next = seen.next().ok_or(EraExhausted)?;
        if let Some(layer) = &self.layer {
            layer.era_rolls(next);
        }
        let flip = self.clock.advance_era().ok_or(EraExhausted)?;
        self.emit(|| Event::EraAdvanced { flip });
        Ok(())
    }
}
