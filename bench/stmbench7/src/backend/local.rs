//! Plain objects in memory, for the back ends that use locks or nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::raw::{Access, ObjectGuard, Slot};
pub(crate) use super::raw::{Arena, Fault};
use super::{Class, Container, Index, Indexes, Key, Read, Write};
use crate::id::Id;
use crate::schema::{Object, Roots, Schema};

/// Ordered maps of the standard library.
#[derive(Debug)]
pub(crate) struct Trees;

impl Container for Trees {
    type Of<K: Key, T: Send + Sync + 'static> = Slot<BTreeMap<K, Id<T>>>;
}

/// The whole structure.
#[derive(Debug)]
pub(crate) struct Store<S: Schema> {
    arenas: S::Arenas,
    indexes: Indexes<S, Trees>,
    pub(super) roots: Option<Roots<S>>,
}

impl<S: Schema> Store<S> {
    pub(super) fn new() -> Self {
        let indexes = Indexes {
            atomic_by_id: Slot::new(BTreeMap::new()),
            atomic_by_date: Slot::new(BTreeMap::new()),
            document_by_title: Slot::new(BTreeMap::new()),
            composite_by_id: Slot::new(BTreeMap::new()),
            base_by_id: Slot::new(BTreeMap::new()),
            complex_by_id: Slot::new(BTreeMap::new()),
        };
        Self { arenas: S::Arenas::default(), indexes, roots: None }
    }
}

/// What a transaction may do with each class.
pub(super) type Modes = [Access; Class::COUNT];

/// A lock on a level of complex assemblies, taken at its first use.
pub(crate) trait Levels {
    /// Locks the level, if it is not locked yet, and says what that allows.
    fn enter(&self, level: u8) -> Option<Access>;
}

/// For back ends without.
#[derive(Debug)]
pub(crate) struct NoLevels;

impl Levels for NoLevels {
    fn enter(&self, _: u8) -> Option<Access> {
        None
    }
}

/// A transaction on plain objects. It can't be undone.
#[derive(Debug)]
pub(crate) struct LocalTx<'s, S: Schema, L> {
    store: &'s Store<S>,
    modes: [Cell<Access>; Class::COUNT],
    levels: L,
}

impl<'s, S: Schema, L> LocalTx<'s, S, L> {
    pub(super) fn new(store: &'s Store<S>, modes: Modes, levels: L) -> Self {
        Self { store, modes: modes.map(Cell::new), levels }
    }

    #[inline]
    fn access(&self, class: Class) -> Access {
        self.modes[class as usize].get()
    }
}

impl<S: Schema, L: Levels> Read<S> for LocalTx<'_, S, L> {
    type Error = Fault;
    type Guard<'t, T: Object<S>>
        = ObjectGuard<'t, T>
    where
        Self: 't;

    fn roots(&self) -> &Roots<S> {
        self.store.roots.as_ref().expect("only a structure that is built is worked on")
    }

    #[inline]
    fn read<T: Object<S>>(&self, id: Id<T>) -> Result<ObjectGuard<'_, T>, Fault> {
        T::arena(&self.store.arenas).read(self.access(T::CLASS), id)
    }

    #[inline]
    fn get<I: Index<S>>(&self, key: &I::Key) -> Result<Option<Id<I::Object>>, Fault> {
        let tree = I::of(&self.store.indexes).read(self.access(I::CLASS));
        Ok(tree.get(key).copied())
    }

    fn scan<I: Index<S>, E: From<Fault>>(
        &self,
        from: Bound<I::Key>,
        to: Bound<I::Key>,
        mut visit: impl FnMut(&I::Key, Id<I::Object>) -> Result<(), E>,
    ) -> Result<(), E> {
        let tree = I::of(&self.store.indexes).read(self.access(I::CLASS));
        tree.range((from, to)).try_for_each(|(key, &object)| visit(key, object))
    }

    fn enter_level(&self, level: u8) {
        if let Some(access) = self.levels.enter(level) {
            self.modes[Class::Complex as usize].set(access);
        }
    }
}

impl<S: Schema, L: Levels> Write<S> for LocalTx<'_, S, L> {
    #[inline]
    fn modify<T: Object<S>, R>(
        &self,
        id: Id<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Fault> {
        T::arena(&self.store.arenas).modify(self.access(T::CLASS), id, change)
    }

    fn create<T: Object<S>>(&self, object: T) -> Result<Id<T>, Fault> {
        T::arena(&self.store.arenas).create(self.access(T::CLASS), object)
    }

    fn delete<T: Object<S>>(&self, id: Id<T>) -> Result<(), Fault> {
        T::arena(&self.store.arenas).delete(self.access(T::CLASS), id)
    }

    fn insert<I: Index<S>>(&self, key: I::Key, object: Id<I::Object>) -> Result<(), Fault> {
        let tree = I::of(&self.store.indexes);
        tree.write(self.access(I::CLASS), |tree| tree.insert(key, object)).map(drop)
    }

    fn remove<I: Index<S>>(&self, key: &I::Key) -> Result<bool, Fault> {
        let tree = I::of(&self.store.indexes);
        tree.write(self.access(I::CLASS), |tree| tree.remove(key).is_some())
    }
}
