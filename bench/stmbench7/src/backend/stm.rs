//! The STM core alone: transactions, and no types that change.

use std::marker::PhantomData;
use std::ops::Bound;

use upgradable::Upgradable;
use upgradable_stm::{AccessError, CommitTs, Domain, Handle, Snapshot, Stop, Tx, TxError};

use super::pages::{Change, Look, Pages};
use super::{Backend, Done, Found, Index, Indexes, Moment, Read, Work, Write};
use crate::id::Id;
use crate::schema::{Object, Roots, Schema};

/// Objects in the core's slots, indexes in pages.
#[derive(Debug)]
pub(crate) struct Stm<S: Schema> {
    domain: Domain,
    indexes: Indexes<S, Pages>,
    roots: Option<Roots<S>>,
}

impl<S: Schema> Default for Stm<S> {
    fn default() -> Self {
        let domain = Domain::new();
        let made = domain.try_atomically(|tx| {
            super::pages::indexes(&StmTx::<S> { tx, stm: None, schema: PhantomData })
                .map_err(Stop::Cancel)
        });
        let indexes = made.expect("objects can be created in an empty domain");
        Self { domain, indexes, roots: None }
    }
}

/// A read-only transaction.
#[derive(Debug)]
pub(crate) struct StmSnapshot<'b, S: Schema> {
    snapshot: &'b Snapshot<'b>,
    stm: Option<&'b Stm<S>>,
}

/// An update transaction.
#[derive(Debug)]
pub(crate) struct StmTx<'b, S: Schema> {
    tx: &'b Tx<'b>,
    stm: Option<&'b Stm<S>>,
    schema: PhantomData<S>,
}

impl<S: Schema> Look for StmSnapshot<'_, S> {
    type Error = AccessError;

    #[inline]
    fn look<T: Upgradable>(&self, object: u64) -> Result<&T, AccessError> {
        self.snapshot.get(Handle::from_bits(object))
    }

    #[inline]
    fn prefetched<'e, K: 'e>(
        &self,
        entries: impl Iterator<Item = &'e (K, u64)>,
    ) -> impl Iterator<Item = &'e (K, u64)> {
        self.snapshot.prefetched(entries, |&&(_, object)| Handle::from_bits(object))
    }
}

impl<S: Schema> Look for StmTx<'_, S> {
    type Error = AccessError;

    #[inline]
    fn look<T: Upgradable>(&self, object: u64) -> Result<&T, AccessError> {
        self.tx.get(Handle::from_bits(object))
    }

    #[inline]
    fn prefetched<'e, K: 'e>(
        &self,
        entries: impl Iterator<Item = &'e (K, u64)>,
    ) -> impl Iterator<Item = &'e (K, u64)> {
        self.tx.prefetched(entries, |&&(_, object)| Handle::from_bits(object))
    }
}

impl<S: Schema> Change for StmTx<'_, S> {
    fn make<T: Upgradable>(&self, object: T) -> Result<u64, AccessError> {
        Ok(self.tx.create(object).to_bits())
    }

    #[inline]
    fn change<T: Upgradable, R>(
        &self,
        object: u64,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, AccessError> {
        self.tx.update(Handle::from_bits(object), change)
    }

    fn destroy<T: Upgradable>(&self, object: u64) -> Result<(), AccessError> {
        self.tx.delete(Handle::from_bits(object))
    }
}

macro_rules! read {
    ($($tx:ident)*) => {$(
        impl<S: Schema> $tx<'_, S> {
            #[inline]
            fn stm(&self) -> &Stm<S> {
                self.stm.expect("operations run on a structure")
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
                self.stm().roots.as_ref().expect("only a structure that is built is worked on")
            }

            #[inline]
            fn read<T: Object<S>>(&self, id: Id<T>) -> Result<&T, AccessError> {
                self.look(id.to_bits())
            }

            #[inline]
            fn get<I: Index<S>>(&self, key: &I::Key) -> Result<Option<Id<I::Object>>, AccessError> {
                I::of(&self.stm().indexes).get(self, key)
            }

            fn scan<I: Index<S>, E: From<AccessError>>(
                &self,
                from: Bound<I::Key>,
                to: Bound<I::Key>,
                visit: impl FnMut(&I::Key, Id<I::Object>) -> Result<(), E>,
            ) -> Result<(), E> {
                I::of(&self.stm().indexes).scan(self, &from, &to, visit)
            }
        }
    )*};
}

read!(StmSnapshot StmTx);

impl<S: Schema> Write<S> for StmTx<'_, S> {
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
        I::of(&self.stm().indexes).insert(self, key, object)
    }

    fn remove<I: Index<S>>(&self, key: &I::Key) -> Result<bool, AccessError> {
        I::of(&self.stm().indexes).remove(self, key)
    }
}

fn moment(at: CommitTs, only_read: bool) -> Moment {
    Moment { time: at.to_bits(), only_read }
}

impl<S: Schema> Backend<S> for Stm<S> {
    type Error = TxError<AccessError>;
    type Inside = AccessError;
    type Reader<'b> = StmSnapshot<'b, S>;
    type Writer<'b> = StmTx<'b, S>;

    fn read<R>(
        &self,
        _: Work,
        mut run: impl FnMut(&Self::Reader<'_>) -> Result<R, AccessError>,
    ) -> Result<Done<R>, Self::Error> {
        self.domain.snapshot(|snapshot| {
            let value = run(&StmSnapshot { snapshot, stm: Some(self) });
            let value = value.map_err(TxError::Cancelled)?;
            Ok(Done { value, moment: moment(snapshot.at(), true), conflicts: 0 })
        })
    }

    fn write<R>(
        &self,
        _: Work,
        mut run: impl FnMut(&Self::Writer<'_>) -> Result<R, AccessError>,
    ) -> Result<Done<R>, Self::Error> {
        let committed = self.domain.transaction().run(|tx| {
            run(&StmTx { tx, stm: Some(self), schema: PhantomData }).map_err(Stop::Cancel)
        })?;
        Ok(Done {
            value: committed.value,
            moment: moment(committed.ts, !committed.wrote),
            conflicts: committed.conflicts,
        })
    }
}

impl<S: Schema> Found<S> for Stm<S> {
    fn set_roots(&mut self, roots: Roots<S>) {
        self.roots = Some(roots);
    }
}
