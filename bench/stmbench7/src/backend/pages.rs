//! An ordered index out of transactional objects: pages of neighbouring entries, and a directory
//! of the pages. Writers that change different pages don't conflict.
//!
//! Pages hold words, not typed references, so that an upgrade of what they refer to leaves them
//! alone.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Bound;

use upgradable::Upgradable;

use super::{Container, Indexes, Key};
use crate::id::Id;
use crate::schema::Schema;

/// The most entries of a page. A writer copies the page that it changes.
const PAGE: usize = 64;

/// What pages are read through: objects by their words.
pub(crate) trait Look {
    type Error;

    fn look<T: Upgradable>(&self, object: u64) -> Result<&T, Self::Error>;

    /// The same entries, with the objects of those that come next on their way.
    fn prefetched<'e, K: 'e>(
        &self,
        entries: impl Iterator<Item = &'e (K, u64)>,
    ) -> impl Iterator<Item = &'e (K, u64)>;
}

/// What pages are written through.
pub(crate) trait Change: Look {
    fn make<T: Upgradable>(&self, object: T) -> Result<u64, Self::Error>;

    fn change<T: Upgradable, R>(
        &self,
        object: u64,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Self::Error>;

    fn destroy<T: Upgradable>(&self, object: u64) -> Result<(), Self::Error>;
}

/// Indexes made of pages.
#[derive(Debug)]
pub(crate) struct Pages;

impl Container for Pages {
    type Of<K: Key, T: Send + Sync + 'static> = Paged<K, T>;
}

/// An index.
pub(crate) struct Paged<K, T> {
    directory: u64,
    holds: PhantomData<fn() -> (K, T)>,
}

impl<K, T> fmt::Debug for Paged<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Paged({:x})", self.directory)
    }
}

/// The first key of each page, which is a lower bound of its keys, and the page. The first page
/// takes what is below its first key, too. There is always a page, except in an empty index.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.IndexDirectory", version = 1)]
struct Directory<K: Key> {
    pages: Vec<(K, u64)>,
}

/// Keys in ascending order, and what they stand for.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.IndexPage", version = 1)]
struct Page<K: Key> {
    entries: Vec<(K, u64)>,
}

fn page_of<K: Ord>(directory: &[(K, u64)], key: &K) -> usize {
    directory.partition_point(|(first, _)| first <= key).saturating_sub(1)
}

impl<K: Key, T> Paged<K, T> {
    pub(crate) fn new<X: Change>(tx: &X) -> Result<Self, X::Error> {
        let directory = tx.make(Directory::<K> { pages: Vec::new() })?;
        Ok(Self { directory, holds: PhantomData })
    }

    /// The same index, for code that knows what it holds as another version.
    pub(crate) fn cast<U>(&self) -> Paged<K, U> {
        Paged { directory: self.directory, holds: PhantomData }
    }

    #[inline]
    fn pages<'t, X: Look>(&self, tx: &'t X) -> Result<&'t [(K, u64)], X::Error> {
        Ok(&tx.look::<Directory<K>>(self.directory)?.pages)
    }

    #[inline]
    pub(crate) fn get<X: Look>(&self, tx: &X, key: &K) -> Result<Option<Id<T>>, X::Error> {
        let pages = self.pages(tx)?;
        let Some(&(_, page)) = pages.get(page_of(pages, key)) else { return Ok(None) };
        let entries = &tx.look::<Page<K>>(page)?.entries;
        let found = entries.binary_search_by(|(other, _)| other.cmp(key));
        Ok(found.ok().map(|at| Id::from_bits(entries[at].1)))
    }

    pub(crate) fn scan<X: Look, E: From<X::Error>>(
        &self,
        tx: &X,
        from: &Bound<K>,
        to: &Bound<K>,
        mut visit: impl FnMut(&K, Id<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let directory = self.pages(tx)?;
        let page_at = |bound: &Bound<K>, open| match bound {
            Bound::Unbounded => open,
            Bound::Included(key) | Bound::Excluded(key) => page_of(directory, key),
        };
        let (first, end) = (page_at(from, 0), page_at(to, directory.len()) + 1);
        let pages = directory.iter().take(end).skip(first);
        // All of them before the first entry: what is on its way does not end with a page.
        let pages = pages.map(|&(_, page)| Ok(&*tx.look::<Page<K>>(page)?.entries));
        let mut pages: Vec<&[(K, u64)]> = pages.collect::<Result<_, X::Error>>()?;
        if let Some(last) = pages.last_mut() {
            let end = last.partition_point(|(key, _)| match to {
                Bound::Unbounded => true,
                Bound::Included(to) => key <= to,
                Bound::Excluded(to) => key < to,
            });
            *last = &last[..end];
        }
        if let Some(first) = pages.first_mut() {
            let start = first.partition_point(|(key, _)| match from {
                Bound::Unbounded => false,
                Bound::Included(from) => key < from,
                Bound::Excluded(from) => key <= from,
            });
            *first = &first[start..];
        }
        for (key, object) in tx.prefetched(pages.into_iter().flatten()) {
            visit(key, Id::from_bits(*object))?;
        }
        Ok(())
    }

    pub(crate) fn insert<X: Change>(&self, tx: &X, key: K, object: Id<T>) -> Result<(), X::Error> {
        let pages = self.pages(tx)?;
        let (at, object) = (page_of(pages, &key), object.to_bits());
        let Some(&(_, page)) = pages.get(at) else {
            let page = tx.make(Page::<K> { entries: vec![(key.clone(), object)] })?;
            return self.change(tx, |pages| pages.push((key, page)));
        };
        let upper = tx.change(page, |page: &mut Page<K>| {
            let entries = &mut page.entries;
            match entries.binary_search_by(|(other, _)| other.cmp(&key)) {
                Ok(at) => entries[at].1 = object,
                Err(at) => entries.insert(at, (key, object)),
            }
            (entries.len() > PAGE).then(|| entries.split_off(split_at(entries.len())))
        })?;
        let Some(entries) = upper else { return Ok(()) };
        let first = entries[0].0.clone();
        let upper = tx.make(Page { entries })?;
        self.change(tx, |pages| pages.insert(at + 1, (first, upper)))
    }

    pub(crate) fn remove<X: Change>(&self, tx: &X, key: &K) -> Result<bool, X::Error> {
        let pages = self.pages(tx)?;
        let at = page_of(pages, key);
        let Some(&(_, page)) = pages.get(at) else { return Ok(false) };
        // Looked up first, so that nothing is written when there is nothing to remove.
        let entries = &tx.look::<Page<K>>(page)?.entries;
        let Ok(place) = entries.binary_search_by(|(other, _)| other.cmp(key)) else {
            return Ok(false);
        };
        if entries.len() > 1 {
            tx.change(page, |page: &mut Page<K>| drop(page.entries.remove(place)))?;
        } else {
            self.change(tx, |pages| drop(pages.remove(at)))?;
            tx.destroy::<Page<K>>(page)?;
        }
        Ok(true)
    }

    fn change<X: Change>(
        &self,
        tx: &X,
        change: impl FnOnce(&mut Vec<(K, u64)>),
    ) -> Result<(), X::Error> {
        tx.change(self.directory, |directory: &mut Directory<K>| change(&mut directory.pages))
    }
}

/// All six, empty.
pub(crate) fn indexes<S: Schema, X: Change>(tx: &X) -> Result<Indexes<S, Pages>, X::Error> {
    Ok(Indexes {
        atomic_by_id: Paged::new(tx)?,
        atomic_by_date: Paged::new(tx)?,
        document_by_title: Paged::new(tx)?,
        composite_by_id: Paged::new(tx)?,
        base_by_id: Paged::new(tx)?,
        complex_by_id: Paged::new(tx)?,
    })
}

/// The same indexes, for the types of another version.
pub(crate) fn cast<S: Schema, N: Schema>(indexes: &Indexes<S, Pages>) -> Indexes<N, Pages> {
    Indexes {
        atomic_by_id: indexes.atomic_by_id.cast(),
        atomic_by_date: indexes.atomic_by_date.cast(),
        document_by_title: indexes.document_by_title.cast(),
        composite_by_id: indexes.composite_by_id.cast(),
        base_by_id: indexes.base_by_id.cast(),
        complex_by_id: indexes.complex_by_id.cast(),
    }
}

/// More than half stays: keys mostly come in ascending order.
fn split_at(len: usize) -> usize {
    len * 3 / 4
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ops::RangeBounds as _;

    use upgradable::AccessError;

    use super::*;
    use crate::backend::heap::{HeapSnapshot, HeapTx};
    use crate::random::Random;
    use crate::schema::V1;

    /// Random changes, and the same on a set of the standard library.
    #[test]
    fn it_is_an_ordered_map() {
        let heap = upgradable::Heap::new();
        let index = heap.atomically(|tx| Ok(Paged::<u32, u8>::new(&HeapTx::<V1>::bare(tx))?));
        let index = index.expect("it can be created");
        let mut set = BTreeSet::new();
        let mut random = Random::new(5);
        for round in 0..300 {
            let add = if round < 150 { 7 } else { 3 };
            for _ in 0..10 {
                let (key, add) = (random.draw(2000) as u32, random.draw(10) < add);
                let done = heap.atomically(|tx| {
                    let tx = HeapTx::<V1>::bare(tx);
                    if !add {
                        return Ok(index.remove(&tx, &key)?);
                    }
                    index.insert(&tx, key, Id::from_bits(u64::from(key)))?;
                    Ok(true)
                });
                let changed = if add { set.insert(key) || add } else { set.remove(&key) };
                assert_eq!(done, Ok(changed));
            }
            let (low, high) = (random.draw(2000) as u32, random.draw(2000) as u32);
            let mut bound = |key| match random.draw(4) {
                0 => Bound::Unbounded,
                1 => Bound::Included(key),
                _ => Bound::Excluded(key),
            };
            let bounds = (bound(low), bound(high));
            heap.snapshot(|s| {
                let tx = HeapSnapshot::<V1>::bare(s);
                let mut seen = Vec::new();
                let scanned =
                    index.scan::<_, AccessError>(&tx, &bounds.0, &bounds.1, |&key, id| {
                        assert_eq!(id.to_bits(), u64::from(key));
                        seen.push(key);
                        Ok(())
                    });
                assert_eq!(scanned, Ok(()));
                let all = set.iter().filter(|key| bounds.contains(*key));
                assert!(seen.iter().eq(all), "{bounds:?}");
                let found = index.get(&tx, &low).map(|found| found.is_some());
                assert_eq!(found, Ok(set.contains(&low)));
            });
        }
        assert!(set.len() > PAGE, "several pages are left");
    }
}
