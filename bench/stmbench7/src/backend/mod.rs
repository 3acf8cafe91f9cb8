//! The seam between operations and what keeps the objects.
//!
//! Operations see a transaction: [`Read`], and [`Write`] where they change something. A
//! [`Backend`] runs them. Everything is dispatched statically.

pub(crate) mod heap;
pub(crate) mod local;
pub(crate) mod pages;
pub(crate) mod raw;
mod stm;

use std::fmt;
use std::ops::{Bound, Deref};

use upgradable::{Shape, UpgradeFrom};

pub(crate) use heap::OnHeap;
pub(crate) use raw::{Coarse, Medium, Unsynchronised};
pub(crate) use stm::Stm;

use crate::id::Id;
use crate::ops::Op;
use crate::schema::{Object, Roots, Schema};
use crate::title::TitleKey;

/// What keeps the objects, as the command line calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BackendName {
    /// Nothing synchronises: one thread
    None,
    /// One read-write lock for everything
    Coarse,
    /// Twelve read-write locks: the structure, classes of objects, levels of assemblies
    Medium,
    /// The STM core alone
    Stm,
    /// The upgradable heap
    Heap,
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Coarse => "coarse",
            Self::Medium => "medium",
            Self::Stm => "stm",
            Self::Heap => "heap",
        })
    }
}

/// What is locked together: the attributes of one class of objects, or the structure, which is
/// everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Structure,
    Manual,
    Base,
    Composite,
    Document,
    Atomic,
    Complex,
}

impl Class {
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Structure,
        Self::Manual,
        Self::Base,
        Self::Composite,
        Self::Document,
        Self::Atomic,
        Self::Complex,
    ];
    pub(crate) const COUNT: usize = 7;
}

/// Why an operation did not come to its end.
#[derive(Debug)]
pub(crate) enum Stop<E> {
    /// The operation fails, as the specification says. It counts, and is not repeated.
    Failed,
    /// The back end is at its end.
    Broken(E),
}

impl<E> From<E> for Stop<E> {
    #[inline]
    fn from(error: E) -> Self {
        Self::Broken(error)
    }
}

/// A transaction that reads.
pub(crate) trait Read<S: Schema> {
    type Error: fmt::Debug + fmt::Display + Send + 'static;

    /// An object being read. It must be gone before the transaction writes anything: there are
    /// back ends that lock by it.
    type Guard<'t, T: Object<S>>: Deref<Target = T>
    where
        Self: 't;

    fn roots(&self) -> &Roots<S>;

    fn read<T: Object<S>>(&self, id: Id<T>) -> Result<Self::Guard<'_, T>, Self::Error>;

    fn get<I: Index<S>>(&self, key: &I::Key) -> Result<Option<Id<I::Object>>, Self::Error>;

    /// Visits what an index holds within bounds, in ascending order of keys. The visitor must not
    /// change this index.
    fn scan<I: Index<S>, E: From<Self::Error>>(
        &self,
        from: Bound<I::Key>,
        to: Bound<I::Key>,
        visit: impl FnMut(&I::Key, Id<I::Object>) -> Result<(), E>,
    ) -> Result<(), E>;

    /// The operation is about to read attributes of complex assemblies of this level, one level
    /// only. For back ends with a lock per level.
    fn enter_level(&self, _level: u8) {}
}

/// A transaction that writes, too.
pub(crate) trait Write<S: Schema>: Read<S> {
    fn modify<T: Object<S>, R>(
        &self,
        id: Id<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Self::Error>;

    fn create<T: Object<S>>(&self, object: T) -> Result<Id<T>, Self::Error>;

    fn delete<T: Object<S>>(&self, id: Id<T>) -> Result<(), Self::Error>;

    fn insert<I: Index<S>>(&self, key: I::Key, object: Id<I::Object>) -> Result<(), Self::Error>;

    /// Whether there was such an entry.
    fn remove<I: Index<S>>(&self, key: &I::Key) -> Result<bool, Self::Error>;
}

/// Something that runs operations as transactions.
pub(crate) trait Backend<S: Schema>: Sync + Sized + 'static {
    /// Why a transaction could not be run.
    type Error: std::error::Error + Send + 'static;
    /// Why it could not go on.
    type Inside: fmt::Debug + fmt::Display + Send + 'static;
    type Reader<'b>: Read<S, Error = Self::Inside>;
    type Writer<'b>: Write<S, Error = Self::Inside>;

    /// Runs an operation that is declared read-only.
    fn read<R>(
        &self,
        work: Work,
        run: impl FnMut(&Self::Reader<'_>) -> Result<R, Self::Inside>,
    ) -> Result<Done<R>, Self::Error>;

    /// Runs an operation that may write.
    fn write<R>(
        &self,
        work: Work,
        run: impl FnMut(&Self::Writer<'_>) -> Result<R, Self::Inside>,
    ) -> Result<Done<R>, Self::Error>;
}

/// A back end that begins empty and is told where its structure begins, once that is built.
pub(crate) trait Found<S: Schema>: Backend<S> {
    fn set_roots(&mut self, roots: Roots<S>);
}

/// What a back end is asked to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Op(Op),
    /// Building, checking, comparing: alone, or at least undisturbed.
    Whole,
}

/// What came of a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done<R> {
    pub(crate) value: R,
    /// Where it stands among all others.
    pub(crate) moment: Moment,
    /// How often it was executed in vain before.
    pub(crate) conflicts: u32,
}

/// The place of a transaction in the order of all: ascending, and of those at one time, writers
/// before readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) time: u64,
    pub(crate) only_read: bool,
}

/// One of the six indexes.
pub(crate) trait Index<S: Schema>: 'static {
    type Key: Key;
    type Object: Object<S>;
    /// The lock that guards it.
    const CLASS: Class;

    fn of<C: Container>(indexes: &Indexes<S, C>) -> &C::Of<Self::Key, Self::Object>;
}

/// What an index is ordered by.
pub(crate) trait Key:
    Clone + Ord + fmt::Debug + Send + Sync + Shape + UpgradeFrom<Self> + 'static
{
}

impl<K> Key for K where K: Clone + Ord + fmt::Debug + Send + Sync + Shape + UpgradeFrom<K> + 'static {}

/// What back ends make their indexes of.
pub(crate) trait Container {
    type Of<K: Key, T: Send + Sync + 'static>;
}

/// Build date, then id: all parts of a date in ascending order of ids. A date whose parts are all
/// gone leaves nothing behind, which no operation can tell.
pub(crate) type DateKey = (i32, u32);

macro_rules! indexes {
    ($($index:ident $field:ident: $key:ty => $object:ident, $class:ident;)*) => {
        /// All six.
        pub(crate) struct Indexes<S: Schema, C: Container> {
            $(pub(crate) $field: C::Of<$key, S::$object>,)*
        }

        $(
            #[derive(Debug)]
            pub(crate) struct $index;

            impl<S: Schema> Index<S> for $index {
                type Key = $key;
                type Object = S::$object;
                const CLASS: Class = Class::$class;

                #[inline]
                fn of<C: Container>(indexes: &Indexes<S, C>) -> &C::Of<$key, S::$object> {
                    &indexes.$field
                }
            }
        )*

        impl<S: Schema, C: Container> fmt::Debug for Indexes<S, C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Indexes").finish_non_exhaustive()
            }
        }
    };
}

indexes! {
    AtomicById atomic_by_id: u32 => Atomic, Structure;
    AtomicByDate atomic_by_date: DateKey => Atomic, Atomic;
    DocumentByTitle document_by_title: TitleKey => Document, Structure;
    CompositeById composite_by_id: u32 => Composite, Structure;
    BaseById base_by_id: u32 => Base, Structure;
    ComplexById complex_by_id: u32 => Complex, Structure;
}

/// The bounds of a whole index.
pub(crate) fn all<K>() -> (Bound<K>, Bound<K>) {
    (Bound::Unbounded, Bound::Unbounded)
}
