//! An ordered index out of transactional objects: pages of neighbouring entries, and a directory
//! of the pages. Writers that change different pages don't conflict.

use std::marker::PhantomData;
use std::ops::Bound;

use upgradable_stm::{AccessError, Handle};

use super::{Change, Look};
use crate::backend::Container;
use crate::id::Id;

/// The most entries of a page. A writer copies the page that it changes.
const PAGE: usize = 64;

/// Indexes made of pages.
#[derive(Debug)]
pub(crate) struct Pages;

impl Container for Pages {
    type Of<K: Clone + Ord + Send + Sync + 'static, T: Send + Sync + 'static> = Paged<K, T>;
}

/// An index.
#[derive(Debug)]
pub(crate) struct Paged<K, T> {
    directory: Handle,
    holds: PhantomData<fn() -> (K, T)>,
}

/// The first key of each page, which is a lower bound of its keys, and the page. The first page
/// takes what is below its first key, too. There is always a page, except in an empty index.
type Directory<K> = Vec<(K, Handle)>;
type Page<K, T> = Vec<(K, Id<T>)>;

fn page_of<K: Ord>(directory: &Directory<K>, key: &K) -> usize {
    directory.partition_point(|(first, _)| first <= key).saturating_sub(1)
}

impl<K: Clone + Ord + Send + Sync + 'static, T: 'static> Paged<K, T> {
    pub(super) fn new(tx: &impl Change) -> Self {
        Self { directory: tx.create(Directory::<K>::new()), holds: PhantomData }
    }

    fn page<'t>(&self, tx: &'t impl Look, page: Handle) -> Result<&'t Page<K, T>, AccessError> {
        tx.look(page)
    }

    pub(super) fn get(&self, tx: &impl Look, key: &K) -> Result<Option<Id<T>>, AccessError> {
        let directory: &Directory<K> = tx.look(self.directory)?;
        let Some((_, page)) = directory.get(page_of(directory, key)) else { return Ok(None) };
        let page = self.page(tx, *page)?;
        let found = page.binary_search_by(|(other, _)| other.cmp(key));
        Ok(found.ok().map(|at| page[at].1))
    }

    pub(super) fn scan<E: From<AccessError>>(
        &self,
        tx: &impl Look,
        from: &Bound<K>,
        to: &Bound<K>,
        mut visit: impl FnMut(&K, Id<T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let directory: &Directory<K> = tx.look(self.directory)?;
        let first = match from {
            Bound::Unbounded => 0,
            Bound::Included(key) | Bound::Excluded(key) => page_of(directory, key),
        };
        for (_, page) in directory.iter().skip(first) {
            let page = self.page(tx, *page)?;
            let start = page.partition_point(|(key, _)| match from {
                Bound::Unbounded => false,
                Bound::Included(from) => key < from,
                Bound::Excluded(from) => key <= from,
            });
            for (key, object) in &page[start..] {
                let beyond = match to {
                    Bound::Unbounded => false,
                    Bound::Included(to) => key > to,
                    Bound::Excluded(to) => key >= to,
                };
                if beyond {
                    return Ok(());
                }
                visit(key, *object)?;
            }
        }
        Ok(())
    }

    pub(super) fn insert(
        &self,
        tx: &impl Change,
        key: K,
        object: Id<T>,
    ) -> Result<(), AccessError> {
        let directory: &Directory<K> = tx.look(self.directory)?;
        let at = page_of(directory, &key);
        let Some(&(_, page)) = directory.get(at) else {
            let page: Page<K, T> = vec![(key.clone(), object)];
            let page = tx.create(page);
            return tx.change(self.directory, |pages: &mut Directory<K>| pages.push((key, page)));
        };
        let upper = tx.change(page, |page: &mut Page<K, T>| {
            match page.binary_search_by(|(other, _)| other.cmp(&key)) {
                Ok(at) => page[at].1 = object,
                Err(at) => page.insert(at, (key, object)),
            }
            (page.len() > PAGE).then(|| page.split_off(split_at(page.len())))
        })?;
        let Some(upper) = upper else { return Ok(()) };
        let first = upper[0].0.clone();
        let upper = tx.create(upper);
        tx.change(self.directory, |pages: &mut Directory<K>| pages.insert(at + 1, (first, upper)))
    }

    pub(super) fn remove(&self, tx: &impl Change, key: &K) -> Result<bool, AccessError> {
        let directory: &Directory<K> = tx.look(self.directory)?;
        let at = page_of(directory, key);
        let Some(&(_, handle)) = directory.get(at) else { return Ok(false) };
        // Looked up first, so that nothing is written when there is nothing to remove.
        let page = self.page(tx, handle)?;
        let Ok(place) = page.binary_search_by(|(other, _)| other.cmp(key)) else {
            return Ok(false);
        };
        if page.len() > 1 {
            tx.change(handle, |page: &mut Page<K, T>| drop(page.remove(place)))?;
        } else {
            tx.change(self.directory, |pages: &mut Directory<K>| drop(pages.remove(at)))?;
            tx.delete(handle)?;
        }
        Ok(true)
    }
}

/// More than half stays: keys mostly come in ascending order.
fn split_at(len: usize) -> usize {
    len * 3 / 4
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use upgradable_stm::Domain;

    use super::super::{StmSnapshot, StmTx};
    use super::*;
    use crate::random::Random;
    use crate::schema::V1;

    /// Random changes, and the same on a map of the standard library.
    #[test]
    fn it_is_an_ordered_map() {
        let domain = Domain::new();
        let index = domain.atomically(|tx| Ok(Paged::<u32, u8>::new(&StmTx::<V1>::bare(tx))));
        let mut map = BTreeSet::new();
        let mut random = Random::new(5);
        for round in 0..300 {
            let changes: Vec<_> = (0..40)
                .map(|_| {
                    (random.draw(2000) as u32, random.draw(10) < if round < 150 { 7 } else { 3 })
                })
                .collect();
            domain.atomically(|tx| {
                let tx = StmTx::<V1>::bare(tx);
                for &(key, add) in &changes {
                    let removed = !add && index.remove(&tx, &key).expect("it is readable");
                    if add {
                        let id = Id::from_bits(u64::from(key));
                        index.insert(&tx, key, id).expect("it is writable");
                    }
                    let known = map.contains(&key);
                    assert!(add || removed == known);
                    if add {
                        map.insert(key)
                    } else {
                        map.remove(&key)
                    };
                }
                Ok(())
            });
            let (low, high) = (random.draw(2000) as u32, random.draw(2000) as u32);
            domain.snapshot(|s| {
                let tx = StmSnapshot::<V1>::bare(s);
                let mut seen = Vec::new();
                let bounds = (Bound::Included(low), Bound::Excluded(high.max(low)));
                let scanned = index.scan::<AccessError>(&tx, &bounds.0, &bounds.1, |&key, id| {
                    assert_eq!(id.to_bits(), u64::from(key));
                    seen.push(key);
                    Ok(())
                });
                scanned.expect("it is readable");
                assert!(seen.iter().eq(map.range(bounds)));
                let found = index.get(&tx, &low).expect("it is readable");
                assert_eq!(found.is_some(), map.contains(&low));
            });
        }
        assert!(map.len() > PAGE, "several pages are left");
    }
}
