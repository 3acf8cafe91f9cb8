//! Iterators over hash maps.

use std::fmt;
use std::hash::Hash;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use upgradable_stm::Handle;

use super::node::Bucket;
use super::trie::Trie;
use crate::access::AccessError;
use crate::collections::Key;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Read;

/// Entries of any kind of values.
///
/// Between buckets it holds nothing but a position, so that it goes on where it was whatever the
/// transaction does to the map meanwhile.
pub(super) struct Entries<'r, R, K> {
    trie: Trie<K>,
    reader: &'r R,
    bucket: Option<(&'r Bucket<K>, usize)>,
    position: Option<u64>,
}

impl<'r, R: Read, K: Key + Hash + Eq> Entries<'r, R, K> {
    pub(super) fn new(trie: Trie<K>, reader: &'r R) -> Self {
        Self { trie, reader, bucket: None, position: Some(0) }
    }
}

impl<'r, R: Read, K: Key + Hash + Eq> Iterator for Entries<'r, R, K> {
    type Item = Result<(&'r K, Handle), AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((bucket, at)) = &mut self.bucket
                && let (Some(key), Some(value)) = (bucket.keys.get(*at), bucket.values.get(*at))
            {
                *at += 1;
                return Some(Ok((key, *value)));
            }
            match self.trie.bucket_at(self.reader, self.position.take()?) {
                Ok((bucket, next)) => {
                    self.bucket = Some((bucket, 0));
                    self.position = next;
                }
                Err(error) => {
                    self.bucket = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Entries of a [`TxHashMap`](super::TxHashMap) with references to their values.
///
/// From [`iter_refs`](super::TxHashMap::iter_refs). After an error it is at its end.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::TxHashMap};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// Heap::new().atomically(|tx| {
///     let tags = TxHashMap::create(tx)?;
///     tags.extend(tx, (0..5).map(|n| (n, Tag(n))))?;
///     for entry in tags.iter_refs(tx) {
///         let (_, tag) = entry?;
///         tx.modify(tag, |tag| tag.0 = 0)?;
///     }
///     assert_eq!(tags.get(tx, &2)?.map(|tag| tag.0), Some(0));
///     Ok(())
/// }).unwrap();
/// ```
pub struct IterRefs<'r, R, K, V> {
    entries: Entries<'r, R, K>,
    values: PhantomData<fn() -> V>,
}

/// Entries of a [`TxHashMap`](super::TxHashMap).
///
/// From [`iter`](super::TxHashMap::iter). After an error from the map it is at its end; after one
/// from a value it goes on.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::TxHashMap};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// Heap::new().atomically(|tx| {
///     let tags = TxHashMap::create(tx)?;
///     tags.extend(tx, (0..5).map(|n| (n, Tag(n))))?;
///     let mut sum = 0;
///     for entry in tags.iter(tx) {
///         sum += entry?.1.0;
///     }
///     assert_eq!(sum, 10);
///     Ok(())
/// }).unwrap();
/// ```
pub struct Iter<'r, R, K, V> {
    entries: Entries<'r, R, K>,
    values: PhantomData<fn() -> V>,
}

impl<'r, R, K, V> IterRefs<'r, R, K, V> {
    pub(super) fn new(entries: Entries<'r, R, K>) -> Self {
        Self { entries, values: PhantomData }
    }
}

impl<'r, R, K, V> Iter<'r, R, K, V> {
    pub(super) fn new(entries: Entries<'r, R, K>) -> Self {
        Self { entries, values: PhantomData }
    }
}

impl<'r, R: Read, K: Key + Hash + Eq, V: Upgradable> Iterator for IterRefs<'r, R, K, V> {
    type Item = Result<(&'r K, Ref<V>), AccessError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(entry.map(|(key, value)| (key, Ref::new(value))))
    }
}

impl<'r, R: Read, K: Key + Hash + Eq, V: Upgradable> Iterator for Iter<'r, R, K, V> {
    type Item = Result<(&'r K, &'r V), AccessError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        let reader = self.entries.reader;
        Some(entry.and_then(|(key, value)| Ok((key, reader.read(Ref::new(value))?))))
    }
}

impl<R: Read, K: Key + Hash + Eq, V: Upgradable> FusedIterator for IterRefs<'_, R, K, V> {}
impl<R: Read, K: Key + Hash + Eq, V: Upgradable> FusedIterator for Iter<'_, R, K, V> {}

impl<R, K, V> fmt::Debug for IterRefs<'_, R, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterRefs").finish_non_exhaustive()
    }
}

impl<R, K, V> fmt::Debug for Iter<'_, R, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
