//! Iterators over ordered maps.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};

use upgradable_stm::Handle;

use super::tree::{Position, Tree};
use crate::access::AccessError;
use crate::collections::Key;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Read;

/// Entries of any kind of values, from both ends.
///
/// At the end of a leaf it goes on to the one beside, if the node above both is as it was, and
/// else looks for the next key: so it goes on where it was whatever the transaction does to the
/// map meanwhile.
pub(super) struct Entries<'r, R, K> {
    tree: Tree<K>,
    reader: &'r R,
    state: State<'r, K>,
}

enum State<'r, K> {
    Between(Front<'r, K>, Back<'r, K>),
    Failed(AccessError),
    Done,
}

/// Behind what has come from the front.
struct Front<'r, K> {
    /// The entry that comes next, if it is in this leaf.
    next: Position<'r, K>,
    /// Whether nothing has come yet.
    is_fresh: bool,
    /// Entries of the leaf before this number lie before the other end for sure.
    sure: usize,
}

/// Before what has come from the back.
struct Back<'r, K> {
    /// One past the entry that comes next, if it is in this leaf.
    next: Position<'r, K>,
    is_fresh: bool,
    /// Entries of the leaf from this number on lie behind the other end for sure.
    sure: usize,
}

impl<'r, K> Front<'r, K> {
    /// The last key that has come; if none has, the one that comes.
    fn key(&self) -> &'r K {
        &self.next.leaf.keys[self.next.at - usize::from(!self.is_fresh)]
    }
}

impl<'r, K> Back<'r, K> {
    fn key(&self) -> &'r K {
        &self.next.leaf.keys[self.next.at - usize::from(self.is_fresh)]
    }
}

impl<'r, R: Read, K: Key + Ord> Entries<'r, R, K> {
    pub(super) fn new<Q: Ord + ?Sized>(
        tree: Tree<K>,
        reader: &'r R,
        bounds: &impl RangeBounds<Q>,
    ) -> Self
    where
        K: Borrow<Q>,
    {
        let state = Self::begin(tree, reader, bounds).unwrap_or_else(State::Failed);
        Self { tree, reader, state }
    }

    fn begin<Q: Ord + ?Sized>(
        tree: Tree<K>,
        reader: &'r R,
        bounds: &impl RangeBounds<Q>,
    ) -> Result<State<'r, K>, AccessError>
    where
        K: Borrow<Q>,
    {
        let Some(next) = tree.seek(reader, bounds.start_bound())? else { return Ok(State::Done) };
        let front = Front { next, is_fresh: true, sure: 0 };
        let Some(next) = tree.seek_back(reader, bounds.end_bound())? else {
            return Ok(State::Done);
        };
        let back = Back { next, is_fresh: true, sure: usize::MAX };
        if front.key() > back.key() { Ok(State::Done) } else { Ok(State::Between(front, back)) }
    }

    fn step(&mut self) -> Result<Option<(&'r K, Handle)>, AccessError> {
        let State::Between(front, back) = &mut self.state else { return Ok(None) };
        if front.next.at >= front.sure {
            if front.next.at >= front.next.leaf.len() {
                let beside = self.tree.beside(self.reader, front.next.above, 1)?;
                let next = match beside {
                    None => self.tree.seek(self.reader, Bound::Excluded(front.key()))?,
                    beside => beside,
                };
                let Some(next) = next else { return Ok(None) };
                front.next = next;
            }
            let Position { leaf, at, .. } = front.next;
            match leaf.keys[at].cmp(back.key()) {
                Ordering::Less => {}
                Ordering::Equal if back.is_fresh => {
                    let last = (&leaf.keys[at], leaf.values[at]);
                    self.state = State::Done;
                    return Ok(Some(last));
                }
                _ => return Ok(None),
            }
            let all = leaf.keys.last().is_some_and(|last| last < back.key());
            front.sure = if all { leaf.len() } else { at + 1 };
        }
        let Position { leaf, at, .. } = front.next;
        front.next.at += 1;
        front.is_fresh = false;
        back.sure = usize::MAX;
        Ok(Some((&leaf.keys[at], leaf.values[at])))
    }

    fn step_back(&mut self) -> Result<Option<(&'r K, Handle)>, AccessError> {
        let State::Between(front, back) = &mut self.state else { return Ok(None) };
        if back.next.at <= back.sure {
            if back.next.at == 0 {
                let beside = self.tree.beside(self.reader, back.next.above, -1)?;
                let next = match beside {
                    None => self.tree.seek_back(self.reader, Bound::Excluded(back.key()))?,
                    beside => beside,
                };
                let Some(next) = next else { return Ok(None) };
                back.next = next;
            }
            let Position { leaf, at: upto, .. } = back.next;
            let at = upto - 1;
            match leaf.keys[at].cmp(front.key()) {
                Ordering::Greater => {}
                Ordering::Equal if front.is_fresh => {
                    let last = (&leaf.keys[at], leaf.values[at]);
                    self.state = State::Done;
                    return Ok(Some(last));
                }
                _ => return Ok(None),
            }
            let all = leaf.keys.first().is_some_and(|first| first > front.key());
            back.sure = if all { 0 } else { at };
        }
        let leaf = back.next.leaf;
        back.next.at -= 1;
        back.is_fresh = false;
        front.sure = 0;
        Ok(Some((&leaf.keys[back.next.at], leaf.values[back.next.at])))
    }

    /// Whatever ends it ends it for good.
    #[cold]
    fn end<T>(&mut self, step: Result<Option<T>, AccessError>) -> Option<Result<T, AccessError>> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Failed(error) => Some(Err(error)),
            _ => step.transpose(),
        }
    }
}

impl<'r, R: Read, K: Key + Ord> Iterator for Entries<'r, R, K> {
    type Item = Result<(&'r K, Handle), AccessError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.step() {
            Ok(Some(entry)) => Some(Ok(entry)),
            ended => self.end(ended),
        }
    }
}

impl<R: Read, K: Key + Ord> DoubleEndedIterator for Entries<'_, R, K> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match self.step_back() {
            Ok(Some(entry)) => Some(Ok(entry)),
            ended => self.end(ended),
        }
    }
}

/// Entries of an [`OrderedMap`](super::OrderedMap) with references to their values, in order.
///
/// From [`range_refs`](super::OrderedMap::range_refs) and
/// [`iter_refs`](super::OrderedMap::iter_refs). After an error it is at its end.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::OrderedMap};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// heap.atomically(|tx| {
///     let tags = OrderedMap::create(tx)?;
///     tags.extend(tx, (0..5).map(|n| (n, Tag(n))))?;
///     for entry in tags.range_refs(tx, 1..3) {
///         let (_, tag) = entry?;
///         tx.modify(tag, |tag| tag.0 = 0)?;
///     }
///     assert_eq!(tags.get(tx, &2)?.map(|tag| tag.0), Some(0));
///     Ok(())
/// }).unwrap();
/// ```
pub struct RangeRefs<'r, R, K, V> {
    entries: Entries<'r, R, K>,
    values: PhantomData<fn() -> V>,
}

/// Entries of an [`OrderedMap`](super::OrderedMap), in order.
///
/// From [`range`](super::OrderedMap::range) and [`iter`](super::OrderedMap::iter). After an error
/// from the map it is at its end; after one from a value it goes on.
///
/// ```
/// use upgradable::{AccessError, Heap, Upgradable, collections::OrderedMap};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// let tags = heap.atomically(|tx| {
///     let tags = OrderedMap::create(tx)?;
///     tags.extend(tx, (0..5).map(|n| (n, Tag(n))))?;
///     Ok(tags)
/// }).unwrap();
/// let last_two: Result<Vec<u8>, AccessError> =
///     heap.snapshot(|s| tags.iter(s).rev().take(2).map(|entry| Ok(entry?.1.0)).collect());
/// assert_eq!(last_two, Ok(vec![4, 3]));
/// ```
pub struct Range<'r, R, K, V> {
    entries: Entries<'r, R, K>,
    values: PhantomData<fn() -> V>,
}

impl<'r, R, K, V> RangeRefs<'r, R, K, V> {
    pub(super) fn new(entries: Entries<'r, R, K>) -> Self {
        Self { entries, values: PhantomData }
    }
}

impl<'r, R, K, V> Range<'r, R, K, V> {
    pub(super) fn new(entries: Entries<'r, R, K>) -> Self {
        Self { entries, values: PhantomData }
    }
}

impl<'r, R: Read, K: Key + Ord, V: Upgradable> Range<'r, R, K, V> {
    #[inline]
    fn read(
        &self,
        entry: Result<(&'r K, Handle), AccessError>,
    ) -> Result<(&'r K, &'r V), AccessError> {
        let (key, value) = entry?;
        Ok((key, self.entries.reader.read(Ref::new(value))?))
    }
}

impl<'r, R: Read, K: Key + Ord, V: Upgradable> Iterator for RangeRefs<'r, R, K, V> {
    type Item = Result<(&'r K, Ref<V>), AccessError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(entry.map(|(key, value)| (key, Ref::new(value))))
    }
}

impl<R: Read, K: Key + Ord, V: Upgradable> DoubleEndedIterator for RangeRefs<'_, R, K, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next_back()?;
        Some(entry.map(|(key, value)| (key, Ref::new(value))))
    }
}

impl<'r, R: Read, K: Key + Ord, V: Upgradable> Iterator for Range<'r, R, K, V> {
    type Item = Result<(&'r K, &'r V), AccessError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some(self.read(entry))
    }
}

impl<R: Read, K: Key + Ord, V: Upgradable> DoubleEndedIterator for Range<'_, R, K, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next_back()?;
        Some(self.read(entry))
    }
}

impl<R: Read, K: Key + Ord, V: Upgradable> FusedIterator for RangeRefs<'_, R, K, V> {}
impl<R: Read, K: Key + Ord, V: Upgradable> FusedIterator for Range<'_, R, K, V> {}

impl<R, K, V> fmt::Debug for RangeRefs<'_, R, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeRefs").finish_non_exhaustive()
    }
}

impl<R, K, V> fmt::Debug for Range<'_, R, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Range").finish_non_exhaustive()
    }
}
