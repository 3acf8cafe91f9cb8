//! Reading: snapshots of the present, and held ones of the past.

use std::fmt;
use std::sync::Arc;

use crate::clock::CommitTs;
use crate::domain::Domain;
use crate::error::AccessError;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::Version;
use crate::prefetched::Prefetched;
use crate::raw::frame::Frame;
use crate::reclaim::active::Seat;
use crate::tvar::TVar;

/// A consistent view of a domain at one instant: a read-only transaction.
///
/// It has no methods that write; so it needs no read set, and never aborts. What it hands out
/// are references that live as long as the transaction.
///
/// ```
/// use upgradable_stm::{Domain, Snapshot, TVar};
///
/// fn total(s: &Snapshot<'_>, accounts: &[TVar<i64>]) -> i64 {
///     accounts.iter().map(|account| s.read(account)).sum()
/// }
///
/// let domain = Domain::new();
/// let accounts = [domain.tvar(1), domain.tvar(2)];
/// assert_eq!(domain.snapshot(|s| total(s, &accounts)), 3);
/// ```
#[derive(Debug)]
pub struct Snapshot<'d> {
    frame: Frame<'d>,
}

impl<'d> Snapshot<'d> {
    #[inline(always)]
    pub(crate) fn new(frame: Frame<'d>) -> Self {
        if frame.inner().statistics {
            frame.context().seat.counters.snapshots.add(1);
        }
        Self { frame }
    }

    /// The value of a variable.
    ///
    /// # Panics
    ///
    /// If the variable belongs to another domain.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// assert_eq!(domain.snapshot(|s| *s.read(&x)), 1);
    /// ```
    #[inline(always)]
    pub fn read<'t, T: Send + Sync + 'static>(&'t self, var: &TVar<T>) -> &'t T {
        var.expect_of(self.frame.inner());
        self.frame.read(var.typed())
    }

    /// The value of the object that a handle names.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object in this snapshot, or it is no `T`.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create('a')));
    /// assert_eq!(domain.snapshot(|s| s.get::<char>(name).copied()), Ok('a'));
    /// ```
    #[inline]
    pub fn get<T: Send + Sync + 'static>(&self, handle: Handle) -> Result<&T, AccessError> {
        self.get_of(handle, Kind::of::<T>())
    }

    /// [`get`](Self::get) for a caller that knows the kind of `T` already.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); also if `kind` is not the kind of `T`.
    ///
    /// ```
    /// use upgradable_stm::{Domain, Kind};
    /// let (domain, kind) = (Domain::new(), Kind::of::<char>());
    /// let name = domain.atomically(|tx| Ok(tx.create('a')));
    /// assert_eq!(domain.snapshot(|s| s.get_as::<char>(name, kind).copied()), Ok('a'));
    /// ```
    #[inline]
    pub fn get_as<T>(&self, handle: Handle, kind: Kind) -> Result<&T, AccessError>
    where
        T: Send + Sync + 'static,
    {
        if !kind.is::<T>() {
            return Err(AccessError::wrong_kind(Kind::of::<T>(), kind));
        }
        self.get_of(handle, kind)
    }

    /// The value of an object, of a kind that is the kind of `T`.
    #[inline(always)]
    fn get_of<T: 'static>(&self, handle: Handle, kind: Kind) -> Result<&T, AccessError> {
        let slot = self.frame.slot_of(handle)?;
        self.frame.value(self.frame.look(slot, handle)?, kind)
    }

    /// The same items in the same order, with the objects that come next on their way from memory:
    /// for walks over many objects that lie here and there.
    ///
    /// An object that nobody has used for long takes some hundred processor cycles to come, and the
    /// next ones can come meanwhile. `items` is asked for sixteen of them in advance; the objects
    /// that `handle` names are not checked, touched or noted in any way, and any handle will do.
    ///
    /// This is the software-pipelined prefetching of Chen, Ailamaki, Gibbons and Mowry, *Improving
    /// Hash Join Performance through Prefetching* (2004). Where the processor is not an x86-64
    /// nothing is asked for.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let names = domain.atomically(|tx| Ok((0..100_u64).map(|n| tx.create(n)).collect::<Vec<_>>()));
    /// let sum = domain.snapshot(|s| -> Result<u64, _> {
    ///     s.prefetched(&names, |&&name| name).map(|&name| s.get::<u64>(name).copied()).sum()
    /// });
    /// assert_eq!(sum, Ok(4950));
    /// ```
    pub fn prefetched<I, F>(&self, items: I, handle: F) -> Prefetched<'_, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(&I::Item) -> Handle,
    {
        Prefetched::new(&self.frame, items.into_iter(), handle)
    }

    /// What the snapshot sees of an object, without its value.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object in this snapshot.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let name = domain.atomically(|tx| Ok(tx.create('a')));
    /// assert!(domain.snapshot(|s| s.version(name)).unwrap().kind.is::<char>());
    /// ```
    pub fn version(&self, handle: Handle) -> Result<Version, AccessError> {
        let slot = self.frame.slot_of(handle)?;
        let version = self.frame.look(slot, handle)?;
        if version.kind() == Kind::NONE {
            return Err(AccessError::Deleted);
        }
        Ok(Version { kind: version.kind(), stamp: version.stamp() })
    }

    /// The handles of all objects in this snapshot, in no particular order.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let names = domain.atomically(|tx| Ok([tx.create(1), tx.create(2)]));
    /// domain.atomically(|tx| tx.delete(names[0]).map_err(|_| tx.retry()));
    /// assert_eq!(domain.snapshot(|s| s.handles().collect::<Vec<_>>()), [names[1]]);
    /// ```
    pub fn handles(&self) -> impl Iterator<Item = Handle> {
        self.frame.handles()
    }

    /// The instant of this snapshot.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// assert_eq!(domain.snapshot(|s| s.at()), domain.now());
    /// ```
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.frame.at()
    }
}

/// A past instant that is kept readable, from any thread, until this and its clones are dropped.
///
/// # Upgrade safety
///
/// It shows values as they were, of the types they had.
///
/// ```
/// let domain = upgradable_stm::Domain::new();
/// let x = domain.tvar(1);
/// let then = domain.hold();
/// domain.atomically(|tx| Ok(tx.write(&x, 2)));
/// std::thread::spawn(move || assert_eq!(then.read(|s| *s.read(&x)), 1)).join().unwrap();
/// ```
#[derive(Clone)]
pub struct HeldSnapshot {
    hold: Arc<Hold>,
}

struct Hold {
    domain: Domain,
    seat: Arc<Seat>,
    at: CommitTs,
}

impl fmt::Debug for HeldSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSnapshot").field("at", &self.at()).finish_non_exhaustive()
    }
}

impl HeldSnapshot {
    pub(crate) fn new(domain: Domain, seat: Arc<Seat>, at: CommitTs) -> Self {
        Self { hold: Arc::new(Hold { domain, seat, at }) }
    }

    /// Runs a read-only transaction at this instant.
    ///
    /// # Retry safety
    ///
    /// The closure is executed exactly once.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// let x = domain.tvar(1);
    /// assert_eq!(domain.hold().read(|s| *s.read(&x)), 1);
    /// ```
    pub fn read<R>(&self, read: impl FnOnce(&Snapshot<'_>) -> R) -> R {
        read(&Snapshot::new(Frame::begin_at(&self.hold.domain.inner, self.hold.at)))
    }

    /// The instant.
    ///
    /// ```
    /// let domain = upgradable_stm::Domain::new();
    /// assert_eq!(domain.hold().at(), domain.now());
    /// ```
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.hold.at
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.domain.inner.registry.part(&self.seat);
    }
}
