//! The upgradable heap.

use std::marker::PhantomData;
use std::ops::Bound;

use upgradable::{
    Abort, AccessError, CommitTs, Heap, Read as _, Ref, Snapshot, Tx, TxError, Upgradable,
};

use super::pages::{self, Change, Look, Pages};
use super::{Backend, Done, Found, Index, Indexes, Moment, Read, Work, Write};
use crate::id::Id;
use crate::schema::{Object, Roots, Schema};

/// Where the structure is in a heap, as one version's types.
#[derive(Debug)]
pub(crate) struct Place<S: Schema> {
    pub(crate) roots: Roots<S>,
    pub(crate) indexes: Indexes<S, Pages>,
}

impl<S: Schema> Place<S> {
    /// The same place, as another version's types.
    pub(crate) fn cast<N: Schema>(&self) -> Place<N> {
        Place { roots: self.roots.cast(), indexes: pages::cast(&self.indexes) }
    }
}

/// Objects in an upgradable heap, indexes in pages.
#[derive(Debug)]
pub(crate) struct OnHeap<S: Schema> {
    pub(crate) heap: Heap,
    pub(crate) place: Place<S>,
}

impl<S: Schema> Default for OnHeap<S> {
    fn default() -> Self {
        Self::on(Heap::new())
    }
}

impl<S: Schema> OnHeap<S> {
    /// In this heap, which is empty.
    pub(crate) fn on(heap: Heap) -> Self {
        let made = heap.atomically(|tx| Ok(pages::indexes(&HeapTx::<S>::bare(tx))?));
        let indexes = made.expect("objects can be created in an empty heap");
        Self { heap, place: Place { roots: Roots::NOWHERE, indexes } }
    }
}

/// A read-only transaction.
#[derive(Debug)]
pub(crate) struct HeapSnapshot<'b, S: Schema> {
    snapshot: &'b Snapshot<'b>,
    place: Option<&'b Place<S>>,
}

/// An update transaction.
#[derive(Debug)]
pub(crate) struct HeapTx<'b, S: Schema> {
    tx: &'b Tx<'b>,
    place: Option<&'b Place<S>>,
    schema: PhantomData<S>,
}

impl<'b, S: Schema> HeapSnapshot<'b, S> {
    pub(crate) fn new(snapshot: &'b Snapshot<'b>, place: &'b Place<S>) -> Self {
        Self { snapshot, place: Some(place) }
    }

    /// Without a structure around it.
    #[cfg(test)]
    pub(crate) fn bare(snapshot: &'b Snapshot<'b>) -> Self {
        Self { snapshot, place: None }
    }
}

impl<'b, S: Schema> HeapTx<'b, S> {
    pub(crate) fn new(tx: &'b Tx<'b>, place: &'b Place<S>) -> Self {
        Self { tx, place: Some(place), schema: PhantomData }
    }

    /// Without a structure around it.
    pub(crate) fn bare(tx: &'b Tx<'b>) -> Self {
        Self { tx, place: None, schema: PhantomData }
    }
}

impl<S: Schema> Look for HeapSnapshot<'_, S> {
    type Error = AccessError;

    #[inline]
    fn look<T: Upgradable>(&self, object: u64) -> Result<&T, AccessError> {
        self.snapshot.read(Ref::from_bits(object))
    }

    #[inline]
    fn prefetched<'e, K: 'e>(
        &self,
        entries: impl Iterator<Item = &'e (K, u64)>,
    ) -> impl Iterator<Item = &'e (K, u64)> {
        self.snapshot.prefetched_by(entries, |&&(_, object)| Ref::<()>::from_bits(object))
    }
}

impl<S: Schema> Look for HeapTx<'_, S> {
    type Error = AccessError;

    #[inline]
    fn look<T: Upgradable>(&self, object: u64) -> Result<&T, AccessError> {
        self.tx.read(Ref::from_bits(object))
    }

    #[inline]
    fn prefetched<'e, K: 'e>(
        &self,
        entries: impl Iterator<Item = &'e (K, u64)>,
    ) -> impl Iterator<Item = &'e (K, u64)> {
        self.tx.prefetched_by(entries, |&&(_, object)| Ref::<()>::from_bits(object))
    }
}

impl<S: Schema> Change for HeapTx<'_, S> {
    fn make<T: Upgradable>(&self, object: T) -> Result<u64, AccessError> {
        Ok(self.tx.create(object)?.to_bits())
    }

    #[inline]
    fn change<T: Upgradable, R>(
        &self,
        object: u64,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, AccessError> {
        self.tx.modify(Ref::from_bits(object), change)
    }

    fn destroy<T: Upgradable>(&self, object: u64) -> Result<(), AccessError> {
        self.tx.delete(Ref::<T>::from_bits(object))
    }
}

macro_rules! read {
    ($($tx:ident)*) => {$(
        impl<S: Schema> $tx<'_, S> {
            #[inline]
            fn place(&self) -> &Place<S> {
                self.place.expect("operations run on a structure")
            }
        }

        impl<S: Schema> Read<S> for $tx<'_, S> {
            type Error = AccessError;
            type Guard<'t, T: Object<S>>
                = &'t T
            where
                Self: 't;

            #[inline]
            fn roots(&self) -> &Roots<S> {
                &self.place().roots
            }

            #[inline]
            fn read<T: Object<S>>(&self, id: Id<T>) -> Result<&T, AccessError> {
                self.look(id.to_bits())
            }

            #[inline]
            fn get<I: Index<S>>(&self, key: &I::Key) -> Result<Option<Id<I::Object>>, AccessError> {
                I::of(&self.place().indexes).get(self, key)
            }

            fn scan<I: Index<S>, E: From<AccessError>>(
                &self,
                from: Bound<I::Key>,
                to: Bound<I::Key>,
                visit: impl FnMut(&I::Key, Id<I::Object>) -> Result<(), E>,
            ) -> Result<(), E> {
                I::of(&self.place().indexes).scan(self, &from, &to, visit)
            }
        }
    )*};
}

read!(HeapSnapshot HeapTx);

impl<S: Schema> Write<S> for HeapTx<'_, S> {
    #[inline]
    fn modify<T: Object<S>, R>(
        &self,
        id: Id<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, AccessError> {
        self.change(id.to_bits(), change)
    }

    fn create<T: Object<S>>(&self, object: T) -> Result<Id<T>, AccessError> {
        self.make(object).map(Id::from_bits)
    }

    fn delete<T: Object<S>>(&self, id: Id<T>) -> Result<(), AccessError> {
        self.destroy::<T>(id.to_bits())
    }

    fn insert<I: Index<S>>(&self, key: I::Key, object: Id<I::Object>) -> Result<(), AccessError> {
        I::of(&self.place().indexes).insert(self, key, object)
    }

    fn remove<I: Index<S>>(&self, key: &I::Key) -> Result<bool, AccessError> {
        I::of(&self.place().indexes).remove(self, key)
    }
}

pub(crate) fn moment(at: CommitTs, only_read: bool) -> Moment {
    Moment { time: at.to_bits(), only_read }
}

impl<S: Schema> Backend<S> for OnHeap<S> {
    type Error = TxError;
    type Inside = AccessError;
    type Reader<'b> = HeapSnapshot<'b, S>;
    type Writer<'b> = HeapTx<'b, S>;

    fn read<R>(
        &self,
        _: Work,
        mut run: impl FnMut(&Self::Reader<'_>) -> Result<R, AccessError>,
    ) -> Result<Done<R>, TxError> {
        self.heap.snapshot(|snapshot| {
            let value = run(&HeapSnapshot::new(snapshot, &self.place)).map_err(TxError::Access)?;
            Ok(Done { value, moment: moment(snapshot.at(), true), conflicts: 0 })
        })
    }

    fn write<R>(
        &self,
        _: Work,
        mut run: impl FnMut(&Self::Writer<'_>) -> Result<R, AccessError>,
    ) -> Result<Done<R>, TxError> {
        let committed = self
            .heap
            .transaction()
            .run(|tx| run(&HeapTx::new(tx, &self.place)).map_err(Abort::from))?;
        Ok(Done {
            value: committed.value,
            moment: moment(committed.ts, !committed.wrote),
            conflicts: committed.conflicts,
        })
    }
}

impl<S: Schema> Found<S> for OnHeap<S> {
    fn set_roots(&mut self, roots: Roots<S>) {
        self.place.roots = roots;
    }
}
