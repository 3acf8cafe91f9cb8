//! The update transaction as its closure sees it.

use upgradable_stm::{CommitTs, Kind, MayBlock, Retry};

use super::Read;
use crate::access::AccessError;
use crate::heap::HeapInner;
use crate::heap::roots::Root;
use crate::lineage::{TypeVersion, Upgradable};
use crate::object::Ref;

/// An update transaction.
///
/// Methods take `&self`, and references live as long as the transaction: holding what was read
/// does not keep you from writing, also the same object; the reference goes on showing what was
/// read. Functions that take a `&Tx` compose into larger transactions.
///
/// # Upgrade safety
///
/// It sees one program version from begin to end: that of its instant. If the program is upgraded
/// while it runs, it either commits just before the flip, or is executed again after it.
///
/// ```
/// use upgradable::{Heap, Ref, Stm, Tx, Upgradable};
///
/// #[derive(Upgradable, Clone)]
/// struct Account { cents: u64 }
///
/// fn transfer(tx: &Tx<'_>, from: Ref<Account>, to: Ref<Account>, cents: u64) -> Stm<()> {
///     tx.check(tx.read(from)?.cents >= cents)?; // until there is enough
///     tx.modify(from, |account| account.cents -= cents)?;
///     tx.modify(to, |account| account.cents += cents)?;
///     Ok(())
/// }
///
/// let heap = Heap::new();
/// let (alice, bob) = heap.atomically(|tx| {
///     Ok((tx.create(Account { cents: 100 })?, tx.create(Account { cents: 0 })?))
/// })?;
/// heap.atomically(|tx| transfer(tx, alice, bob, 30))?;
/// assert_eq!(heap.snapshot(|s| s.read(bob).map(|bob| bob.cents))?, 30);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Tx<'t> {
    core: &'t upgradable_stm::Tx<'t>,
    heap: &'t HeapInner,
}

impl<'t> Tx<'t> {
    #[inline(always)]
    pub(crate) fn new(core: &'t upgradable_stm::Tx<'t>, heap: &'t HeapInner) -> Self {
        Self { core, heap }
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

    /// The object's value, as this transaction sees it.
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
    /// let (before, after) = heap.atomically(|tx| {
    ///     let tag = tx.create(Tag(1))?;
    ///     let before = tx.read(tag)?;
    ///     tx.write(tag, Tag(2))?;
    ///     Ok((before.0, tx.read(tag)?.0))
    /// }).unwrap();
    /// assert_eq!((before, after), (1, 2));
    /// ```
    #[inline]
    pub fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&'t T, AccessError> {
        match self.core.get::<T>(object.handle()) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.explain(object, error)),
        }
    }

    /// [`read`](Self::read), but the transaction commits also if the object has changed since.
    #[inline]
    pub(crate) fn peek<T: Upgradable>(&self, object: Ref<T>) -> Result<&'t T, AccessError> {
        match self.core.peek::<T>(object.handle()) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.explain(object, error)),
        }
    }

    /// Makes the heap know a type of which objects may be created later: a roll back takes types
    /// that the heap did not know before the flip for the undone program's own.
    pub(crate) fn admit<T: Upgradable>(&self) -> Result<(), AccessError> {
        self.heap.types().admit::<T>(Kind::of::<T>(), self.core.at())
    }

    /// Writes the object without looking at what it holds.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); nothing is written then.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
    /// heap.atomically(|tx| Ok(tx.write(tag, Tag(2))?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0)), Ok(2));
    /// ```
    #[inline]
    pub fn write<T: Upgradable>(&self, object: Ref<T>, value: T) -> Result<(), AccessError> {
        match self.core.put(object.handle(), value) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explain(object, error)),
        }
    }

    /// Changes the object in place: on a copy, the first time in a transaction.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); `change` does not run then.
    ///
    /// # Panics
    ///
    /// If `change` uses the object through the transaction. If `change` panics, the transaction
    /// can't commit any more, even where the panic is caught.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
    /// let now = heap.atomically(|tx| Ok(tx.modify(tag, |tag| { tag.0 += 1; tag.0 })?));
    /// assert_eq!(now, Ok(2));
    /// ```
    #[inline]
    pub fn modify<T: Upgradable, R>(
        &self,
        object: Ref<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, AccessError> {
        match self.core.update(object.handle(), change) {
            Ok(result) => Ok(result),
            Err(error) => Err(self.explain(object, error)),
        }
    }

    /// Writes the object, and returns what it held.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
    /// assert_eq!(heap.atomically(|tx| Ok(tx.replace(tag, Tag(2))?.0)), Ok(1));
    /// ```
    #[inline]
    pub fn replace<T: Upgradable>(&self, object: Ref<T>, value: T) -> Result<&'t T, AccessError> {
        let before = self.read(object)?;
        self.write(object, value)?;
        Ok(before)
    }

    /// Creates an object. It lives until it is deleted.
    ///
    /// If the transaction does not commit, the reference names nothing.
    ///
    /// # Errors
    ///
    /// [`AccessError::StaleType`] or [`AccessError::NotYet`] if `T` is not the version of its
    /// lineage that the heap has now, [`AccessError::Unregistered`] if it contradicts another type
    /// of the same name and number.
    ///
    /// # Panics
    ///
    /// When the heap holds more than four thousand million objects.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0)), Ok(1));
    /// ```
    #[inline]
    pub fn create<T: Upgradable>(&self, value: T) -> Result<Ref<T>, AccessError> {
        self.heap.types().admit::<T>(Kind::of::<T>(), self.core.at())?;
        Ok(Ref::new(self.core.create(value)))
    }

    /// Deletes the object.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use upgradable::{AccessError, Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
    /// heap.atomically(|tx| Ok(tx.delete(tag)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0)), Err(AccessError::Deleted));
    /// ```
    pub fn delete<T: Upgradable>(&self, object: Ref<T>) -> Result<(), AccessError> {
        // One that can't be transformed can still be deleted.
        match self.read(object) {
            Ok(_) | Err(AccessError::Untransformed(_)) => {}
            Err(error) => return Err(error),
        }
        self.core.delete(object.handle()).map_err(|error| self.explain(object, error))
    }

    /// The object with this name, if there is one.
    ///
    /// # Errors
    ///
    /// [`AccessError::WrongType`] if it is of another lineage than `T`.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| Ok(tx.set_root("tag", tx.create(Tag(1))?)))?;
    /// let tag = heap.snapshot(|s| s.root::<Tag>("tag"))?.expect("it has just been named");
    /// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0)), Ok(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn root<T: Upgradable>(&self, name: &str) -> Result<Option<Ref<T>>, AccessError> {
        let roots = self.core.read(&self.heap.roots);
        roots.get(name).map(|root| root.get()).transpose()
    }

    /// Gives an object a name, by which programs find it. What had the name before loses it.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| Ok(tx.set_root("tag", tx.create(Tag(1))?)))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_root<T: Upgradable>(&self, name: &str, object: Ref<T>) {
        let root = Root { object: object.to_bits(), version: TypeVersion::of::<T>() };
        self.core.modify(&self.heap.roots, |roots| roots.insert(name.into(), root));
    }

    /// Takes a name away. The object stays. Says whether there was one.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// assert_eq!(heap.atomically(|tx| Ok(tx.remove_root("nobody"))), Ok(false));
    /// ```
    pub fn remove_root(&self, name: &str) -> bool {
        self.core.modify(&self.heap.roots, |roots| roots.remove(name).is_some())
    }

    /// Says that the transaction can't go on before something that it has read has changed:
    /// return it as an error. The thread sleeps until then, and the closure runs again.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Flag(bool);
    /// let heap = Heap::new();
    /// let ready = heap.atomically(|tx| Ok(tx.create(Flag(false))?)).unwrap();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         heap.atomically(|tx| if tx.read(ready)?.0 { Ok(()) } else { Err(tx.retry().into()) })
    ///     });
    ///     heap.atomically(|tx| Ok(tx.write(ready, Flag(true))?)).unwrap();
    /// });
    /// ```
    pub fn retry(&self) -> Retry {
        self.core.retry()
    }

    /// [`retry`](Self::retry) unless `condition` holds.
    ///
    /// # Errors
    ///
    /// [`Retry`] if it does not.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// assert!(heap.atomically(|tx| Ok(tx.check(true)?)).is_ok());
    /// ```
    pub fn check(&self, condition: bool) -> Result<(), Retry> {
        self.core.check(condition)
    }

    /// Runs `first`; if that says [`retry`](Self::retry), undoes what it wrote and runs `second`.
    /// If both say so the transaction waits until something that either of them has read changes.
    ///
    /// # Errors
    ///
    /// What `second` returns if `first` says `retry`, else what `first` returns.
    ///
    /// ```
    /// use upgradable::{Heap, Stm};
    /// let which = Heap::new().atomically(|tx| {
    ///     tx.or_else(|tx| -> Stm<_> { Ok(tx.check(false).map(|()| 1)?) }, |_| Ok(2))
    /// });
    /// assert_eq!(which, Ok(2));
    /// ```
    pub fn or_else<R, B: MayBlock>(
        &self,
        first: impl FnOnce(&Self) -> Result<R, B>,
        second: impl FnOnce(&Self) -> Result<R, B>,
    ) -> Result<R, B> {
        self.core.or_else(|_| first(self), |_| second(self))
    }

    /// Runs a part of the transaction whose writes are undone if it returns an error.
    ///
    /// # Errors
    ///
    /// What `part` returns.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let read = heap.atomically(|tx| {
    ///     let tag = tx.create(Tag(1))?;
    ///     let tried = tx.nested(|tx| {
    ///         tx.write(tag, Tag(2)).map_err(|_| "no tag")?;
    ///         Err::<(), _>("not like this")
    ///     });
    ///     assert_eq!(tried, Err("not like this"));
    ///     Ok(tx.read(tag)?.0)
    /// });
    /// assert_eq!(read, Ok(1));
    /// ```
    pub fn nested<R, E>(&self, part: impl FnOnce(&Self) -> Result<R, E>) -> Result<R, E> {
        self.core.nested(|_| part(self))
    }

    /// Runs `handler` after this transaction has committed, on this thread, outside of any
    /// transaction: it may begin one.
    ///
    /// # Retry safety
    ///
    /// An attempt that is executed again gives its handlers up.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// heap.atomically(|tx| Ok(tx.after_commit(|| println!("committed")))).unwrap();
    /// ```
    pub fn after_commit(&self, handler: impl FnOnce() + 'static) {
        self.core.after_commit(handler);
    }

    /// Runs `handler` after this *attempt* has ended without commit, for whatever reason, on this
    /// thread, outside of any transaction.
    ///
    /// # Retry safety
    ///
    /// An attempt that is executed again runs its handlers first.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// heap.atomically(|tx| Ok(tx.after_abort(|| println!("undone")))).unwrap();
    /// ```
    pub fn after_abort(&self, handler: impl FnOnce() + 'static) {
        self.core.after_abort(handler);
    }

    /// The instant that this transaction sees.
    ///
    /// ```
    /// let heap = upgradable::Heap::new();
    /// assert_eq!(heap.atomically(|tx| Ok(tx.at())), Ok(heap.now()));
    /// ```
    #[must_use]
    pub fn at(&self) -> CommitTs {
        self.core.at()
    }
}

impl Read for Tx<'_> {
    #[inline]
    fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&T, AccessError> {
        Tx::read(self, object)
    }

    #[inline]
    fn peek<T: Upgradable>(&self, object: Ref<T>) -> Result<&T, AccessError> {
        Tx::peek(self, object)
    }

    fn root<T: Upgradable>(&self, name: &str) -> Result<Option<Ref<T>>, AccessError> {
        Tx::root(self, name)
    }

    fn at(&self) -> CommitTs {
        Tx::at(self)
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
