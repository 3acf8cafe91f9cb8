//! Iterators over sequences.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::{Bound, Range, RangeBounds};

use upgradable_stm::Handle;

use super::node::Leaf;
use super::tree::Tree;
use crate::access::AccessError;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Read;

/// A leaf, and the place of its first value.
type Start<'r> = (&'r Leaf, usize);

/// Values of any kind, by their places, from both ends.
pub(super) struct Values<'r, R> {
    tree: Tree,
    reader: &'r R,
    /// The places that are left.
    left: Range<usize>,
    /// The leaves at both ends.
    front: Option<Start<'r>>,
    back: Option<Start<'r>>,
    failed: Option<AccessError>,
}

impl<'r, R: Read> Values<'r, R> {
    pub(super) fn new(tree: Tree, reader: &'r R, places: &impl RangeBounds<usize>) -> Self {
        let (len, failed) = match tree.len(reader) {
            Ok(len) => (len, None),
            Err(error) => (0, Some(error)),
        };
        let first = match places.start_bound() {
            Bound::Included(at) => *at,
            Bound::Excluded(at) => at.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match places.end_bound() {
            Bound::Included(at) => at.saturating_add(1),
            Bound::Excluded(at) => *at,
            Bound::Unbounded => len,
        };
        Self { tree, reader, left: first..end.min(len), front: None, back: None, failed }
    }

    /// The value at a place, by the leaf that was used last if it is there.
    fn at(
        &self,
        at: usize,
        last: Option<Start<'r>>,
    ) -> Result<Option<(Handle, Start<'r>)>, AccessError> {
        if let Some((leaf, first)) = last
            && let Some(&value) = at.checked_sub(first).and_then(|at| leaf.values.get(at))
        {
            return Ok(Some((value, (leaf, first))));
        }
        let Some((leaf, within, _)) = self.tree.find(self.reader, at)? else { return Ok(None) };
        Ok(leaf.values.get(within).map(|&value| (value, (leaf, at - within))))
    }

    fn end(&mut self, error: Option<AccessError>) -> Option<Result<Handle, AccessError>> {
        self.left = 0..0;
        self.failed.take().or(error).map(Err)
    }
}

impl<R: Read> Iterator for Values<'_, R> {
    type Item = Result<Handle, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(at) = self.left.next() else { return self.end(None) };
        match self.at(at, self.front) {
            Ok(Some((value, leaf))) => {
                self.front = Some(leaf);
                Some(Ok(value))
            }
            Ok(None) => self.end(None),
            Err(error) => self.end(Some(error)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left.len() + 1))
    }
}

impl<R: Read> DoubleEndedIterator for Values<'_, R> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let Some(at) = self.left.next_back() else { return self.end(None) };
        match self.at(at, self.back) {
            Ok(Some((value, leaf))) => {
                self.back = Some(leaf);
                Some(Ok(value))
            }
            Ok(None) => self.end(None),
            Err(error) => self.end(Some(error)),
        }
    }
}

/// References to the values of a [`Sequence`](super::Sequence), in order, from both ends.
///
/// From [`iter_refs`](super::Sequence::iter_refs) and
/// [`range_refs`](super::Sequence::range_refs). After an error it is at its end.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::Sequence};
/// # #[derive(Upgradable, Clone)] struct Line(u8);
/// Heap::new().atomically(|tx| {
///     let lines = Sequence::create(tx)?;
///     let line = lines.push_back(tx, Line(1))?;
///     assert_eq!(lines.iter_refs(tx).collect::<Vec<_>>(), [Ok(line)]);
///     Ok(())
/// }).unwrap();
/// ```
pub struct IterRefs<'r, R, V> {
    inner: Values<'r, R>,
    values: PhantomData<fn() -> V>,
}

/// The values of a [`Sequence`](super::Sequence), in order, from both ends.
///
/// From [`iter`](super::Sequence::iter) and [`range`](super::Sequence::range). After an error from
/// the sequence it is at its end; after one from a value it goes on.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::Sequence};
/// # #[derive(Upgradable, Clone)] struct Line(u8);
/// Heap::new().atomically(|tx| {
///     let lines = Sequence::create(tx)?;
///     lines.extend(tx, (0..5).map(Line))?;
///     let back: Result<Vec<u8>, _> = lines.iter(tx).rev().map(|line| line.map(|l| l.0)).collect();
///     assert_eq!(back?, [4, 3, 2, 1, 0]);
///     Ok(())
/// }).unwrap();
/// ```
pub struct Iter<'r, R, V> {
    inner: Values<'r, R>,
    values: PhantomData<fn() -> V>,
}

impl<'r, R, V> IterRefs<'r, R, V> {
    pub(super) fn new(inner: Values<'r, R>) -> Self {
        Self { inner, values: PhantomData }
    }
}

impl<'r, R, V> Iter<'r, R, V> {
    pub(super) fn new(inner: Values<'r, R>) -> Self {
        Self { inner, values: PhantomData }
    }
}

impl<R: Read, V: Upgradable> Iterator for IterRefs<'_, R, V> {
    type Item = Result<Ref<V>, AccessError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.inner.next()?.map(Ref::new))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<R: Read, V: Upgradable> DoubleEndedIterator for IterRefs<'_, R, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        Some(self.inner.next_back()?.map(Ref::new))
    }
}

impl<'r, R: Read, V: Upgradable> Iterator for Iter<'r, R, V> {
    type Item = Result<&'r V, AccessError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let value = self.inner.next()?;
        let reader = self.inner.reader;
        Some(value.and_then(|value| reader.read(Ref::new(value))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<R: Read, V: Upgradable> DoubleEndedIterator for Iter<'_, R, V> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let value = self.inner.next_back()?;
        let reader = self.inner.reader;
        Some(value.and_then(|value| reader.read(Ref::new(value))))
    }
}

impl<R: Read, V: Upgradable> FusedIterator for IterRefs<'_, R, V> {}
impl<R: Read, V: Upgradable> FusedIterator for Iter<'_, R, V> {}

impl<R, V> fmt::Debug for IterRefs<'_, R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterRefs").finish_non_exhaustive()
    }
}

impl<R, V> fmt::Debug for Iter<'_, R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
