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
/// It holds no way through the tree but two keys: at the end of a leaf it looks for the next key,
/// so that it goes on where it was whatever the transaction does to the map meanwhile.
pub(super) struct Entries<'r, R, K> {
    tree: Tree<K>,
    reader: &'r R,
    state: State<'r, K>,
}

enum State<'r, K> {
    Between(End<'r, K>, End<'r, K>),
    Failed(AccessError),
    Done,
}

/// Where one end is, and the outermost key on its side that is left, or is just not left.
struct End<'r, K> {
    next: Position<'r, K>,
    key: &'r K,
    is_left: bool,
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
        let Some(front) = tree.seek(reader, bounds.start_bound())? else {
            return Ok(State::Done);
        };
        let Some(back) = tree.seek_back(reader, bounds.end_bound())? else {
            return Ok(State::Done);
        };
        let (first, last) = (&front.0.keys[front.1], &back.0.keys[back.1 - 1]);
        if first > last {
            return Ok(State::Done);
        }
        let end = |next, key| End { next, key, is_left: true };
        Ok(State::Between(end(front, first), end(back, last)))
    }

    fn step(&mut self) -> Result<Option<(&'r K, Handle)>, AccessError> {
        let State::Between(front, back) = &mut self.state else { return Ok(None) };
        let (mut leaf, mut at) = front.next;
        if at >= leaf.len() {
            let Some(next) = self.tree.seek(self.reader, Bound::Excluded(front.key))? else {
                return Ok(None);
            };
            (leaf, at) = next;
        }
        let key = &leaf.keys[at];
        let found = Some((key, leaf.values[at]));
        match key.cmp(back.key) {
            Ordering::Less => *front = End { next: (leaf, at + 1), key, is_left: false },
            Ordering::Equal if back.is_left => self.state = State::Done,
            _ => return Ok(None),
        }
        Ok(found)
    }

    fn step_back(&mut self) -> Result<Option<(&'r K, Handle)>, AccessError> {
        let State::Between(front, back) = &mut self.state else { return Ok(None) };
        let (mut leaf, mut upto) = back.next;
        if upto == 0 {
            let Some(next) = self.tree.seek_back(self.reader, Bound::Excluded(back.key))? else {
                return Ok(None);
            };
            (leaf, upto) = next;
        }
        let key = &leaf.keys[upto - 1];
        let found = Some((key, leaf.values[upto - 1]));
        match key.cmp(front.key) {
            Ordering::Greater => *back = End { next: (leaf, upto - 1), key, is_left: false },
            Ordering::Equal if front.is_left => self.state = State::Done,
            _ => return Ok(None),
        }
        Ok(found)
    }

    /// Whatever ends it ends it for good.
    fn settle<T>(
        &mut self,
        step: Result<Option<T>, AccessError>,
    ) -> Option<Result<T, AccessError>> {
        if matches!(step, Ok(Some(_))) {
            return step.transpose();
        }
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
        let step = self.step();
        self.settle(step)
    }
}

impl<R: Read, K: Key + Ord> DoubleEndedIterator for Entries<'_, R, K> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let step = self.step_back();
        self.settle(step)
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
