//! Read-only transactions.

use upgradable_stm::CommitTs;

use super::Read;
use crate::access::AccessError;
use crate::heap::HeapInner;
use crate::lineage::{TypeVersion, Upgradable};
use crate::object::Ref;

/// A consistent view of a heap at one instant: a read-only transaction.
///
/// # Upgrade safety
///
/// It sees one program version from begin to end: that of its instant.
///
/// ```
/// # use upgradable::{Heap, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// let tag = heap.atomically(|tx| Ok(tx.create(Tag(5))?)).unwrap();
/// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0)), Ok(5));
/// ```
#[derive(Debug)]
pub struct Snapshot<'t> {
    core: &'t upgradable_stm::Snapshot<'t>,
    heap: &'t HeapInner,
}

impl<'t> Snapshot<'t> {
    #[inline(always)]
    pub(crate) fn new(core: &'t upgradable_stm::Snapshot<'t>, heap: &'t HeapInner) -> Self {
        Self { core, heap }
    }

    /// The object's value.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if there is no such object, or it is no `T`.
    ///
    /// # Upgrade safety
    ///
    /// An object that has not been transformed yet is transformed here, by whoever comes first.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(5))?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0)), Ok(5));
    /// ```
    #[inline(always)]
    pub fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&'t T, AccessError> {
        match self.core.get::<T>(object.handle()) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.explain(object, error)),
        }
    }

    #[cold]
    #[inline(never)]
    fn explain<T: Upgradable>(
        &self,
        object: Ref<T>,
        error: upgradable_stm::AccessError,
    ) -> AccessError {
        self.heap.explain(object.handle(), TypeVersion::of::<T>(), error)
    }

    /// The object with this name. See [`Tx::root`](crate::Tx::root).
    ///
    /// # Errors
    ///
    /// [`AccessError::WrongType`] if it is of another lineage.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// assert_eq!(Heap::new().snapshot(|s| s.root::<Tag>("tag")), Ok(None));
    /// ```
    pub fn root<T: Upgradable>(&self, name: &str) -> Result<Option<Ref<T>>, AccessError> {
        let roots = self.core.read(&self.heap.roots);
        roots.get(name).map(|root| root.get()).transpose()
    }

    /// All objects of the lineage of `T`, in no particular order.
    ///
    /// Takes time in proportion to all objects of the heap.
    ///
    /// # Upgrade safety
    ///
    /// Every object that is looked at is transformed.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(5))?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Tag>().collect::<Vec<_>>()), [tag]);
    /// ```
    pub fn objects<T: Upgradable>(&self) -> impl Iterator<Item = Ref<T>> + use<'_, 't, T> {
        let (core, heap) = (self.core, self.heap);
        let is_one = move |&object: &upgradable_stm::Handle| match core.version(object) {
            Ok(version) => heap.types().is_of_lineage(version.kind, T::LINEAGE),
            // One that can't be transformed is there all the same.
            Err(error) => matches!(
                heap.explain(object, TypeVersion::of::<T>(), error),
                AccessError::Untransformed(_)
            ),
        };
        core.handles().filter(is_one).map(Ref::new)
    }

    /// The instant that it sees.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// assert_eq!(heap.snapshot(|s| s.at()), heap.now());
    /// ```
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.core.at()
    }
}

impl Read for Snapshot<'_> {
    #[inline]
    fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&T, AccessError> {
        Snapshot::read(self, object)
    }

    fn root<T: Upgradable>(&self, name: &str) -> Result<Option<Ref<T>>, AccessError> {
        Snapshot::root(self, name)
    }

    fn at(&self) -> CommitTs {
        Snapshot::at(self)
    }

    #[inline]
    fn prefetched_by<T, I>(
        &self,
        items: I,
        object: impl Fn(&I::Item) -> Ref<T>,
    ) -> impl Iterator<Item = I::Item>
    where
        I: IntoIterator,
    {
        self.core.prefetched(items, move |item| object(item).handle())
    }
}

/// A past instant that is kept readable, from any thread, until this and its clones are dropped.
///
/// # Upgrade safety
///
/// It shows objects as they were, of the types they had. An upgrade can't be forgotten before
/// the snapshots from before it are gone.
///
/// ```
/// # use upgradable::{Heap, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// let tag = heap.atomically(|tx| Ok(tx.create(Tag(5))?)).unwrap();
/// let then = heap.hold();
/// heap.atomically(|tx| Ok(tx.delete(tag)?)).unwrap();
/// assert_eq!(then.read(|s| s.read(tag).map(|tag| tag.0)), Ok(5));
/// ```
#[derive(Clone, Debug)]
pub struct HeldSnapshot {
    heap: crate::Heap,
    core: upgradable_stm::HeldSnapshot,
}

impl HeldSnapshot {
    pub(crate) fn new(heap: crate::Heap, core: upgradable_stm::HeldSnapshot) -> Self {
        Self { heap, core }
    }

    /// Runs a read-only transaction at this instant.
    ///
    /// # Retry safety
    ///
    /// The closure is executed exactly once.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// assert_eq!(heap.hold().read(|s| s.at()), heap.now());
    /// ```
    pub fn read<R>(&self, read: impl FnOnce(&Snapshot<'_>) -> R) -> R {
        self.core.read(|core| read(&Snapshot::new(core, &self.heap.inner)))
    }

    /// The instant.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// assert_eq!(heap.hold().at(), heap.now());
    /// ```
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.core.at()
    }
}
