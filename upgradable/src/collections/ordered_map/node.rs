//! The objects that an ordered map is made of.

use std::borrow::Borrow;
use std::ops::Bound;

use arrayvec::ArrayVec;
use upgradable_stm::Handle;

use crate::access::AccessError;
use crate::collections::handle::node;

/// Entries of a leaf: with keys and values of eight bytes it still lies in its slot. This crate's own
/// tests have small nodes, for high trees.
pub(super) const LEAF: usize = if cfg!(test) { 8 } else { 24 };
/// A leaf with fewer entries gets some from its neighbour, or is joined with it.
pub(super) const LEAF_MIN: usize = LEAF / 4;
/// Children of an inner node. They change seldom, so there may be many.
pub(super) const FANOUT: usize = if cfg!(test) { 8 } else { 128 };
/// An inner node with fewer children is treated like such a leaf.
pub(super) const FANOUT_MIN: usize = FANOUT / 4;
/// More levels of inner nodes than any map can have.
pub(super) const LEVELS: usize = 12;

/// Entries that lie side by side, in order.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<K> {
    pub(super) keys: ArrayVec<K, LEAF>,
    pub(super) values: ArrayVec<Handle, LEAF>,
}

/// Children side by side, and between any two of them a key: not above those on its right, above
/// those on its left.
#[derive(Clone, Debug)]
pub(crate) struct Inner<K> {
    pub(super) keys: Vec<K>,
    pub(super) children: Vec<Handle>,
}

/// The topmost inner node, and how many levels of inner nodes there are.
#[derive(Clone, Debug)]
pub(crate) struct Root<K> {
    pub(super) levels: u32,
    pub(super) top: Inner<K>,
}

const _: () = assert!(size_of::<Leaf<u64>>() <= 448, "a larger value lies in a box of its own");

node!(Leaf[K], "OrderedMap.Leaf", LEAF);
node!(Inner[K], "OrderedMap.Inner", FANOUT);
node!(Root[K], "OrderedMap.Root", FANOUT);

/// A node that does not have the child that it should have. Only a forged handle leads to one.
pub(super) fn missing(child: Option<&Handle>) -> Result<Handle, AccessError> {
    child.copied().ok_or(AccessError::Foreign)
}

impl<K> Leaf<K> {
    pub(super) fn new() -> Self {
        Self { keys: ArrayVec::new(), values: ArrayVec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Where the key is, or where it would be.
    #[inline]
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.keys.binary_search_by(|at| at.borrow().cmp(key))
    }

    /// How many entries lie before everything that the bound lets in from below.
    pub(super) fn before<Q: Ord + ?Sized>(&self, from: Bound<&Q>) -> usize
    where
        K: Borrow<Q>,
    {
        match from {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.keys.partition_point(|at| at.borrow() < key),
            Bound::Excluded(key) => self.keys.partition_point(|at| at.borrow() <= key),
        }
    }

    /// How many entries lie before the end of what the bound lets in from above.
    pub(super) fn upto<Q: Ord + ?Sized>(&self, to: Bound<&Q>) -> usize
    where
        K: Borrow<Q>,
    {
        match to {
            Bound::Unbounded => self.len(),
            Bound::Included(key) => self.keys.partition_point(|at| at.borrow() <= key),
            Bound::Excluded(key) => self.keys.partition_point(|at| at.borrow() < key),
        }
    }

    pub(super) fn insert(&mut self, at: usize, key: K, value: Handle) {
        self.keys.insert(at, key);
        self.values.insert(at, value);
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.keys.remove(at);
        self.values.remove(at);
    }

    /// Takes away the entries from `at` on.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { keys: self.keys.drain(at..).collect(), values: self.values.drain(at..).collect() }
    }

    /// Appends those entries.
    pub(super) fn append(&mut self, entries: Self) {
        self.keys.extend(entries.keys);
        self.values.extend(entries.values);
    }
}

impl<K> Inner<K> {
    pub(super) fn of(child: Handle) -> Self {
        Self { keys: Vec::new(), children: vec![child] }
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    /// The number of the child where the key is, if it is anywhere.
    #[inline]
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.keys.partition_point(|at| at.borrow() <= key)
    }

    #[inline]
    pub(super) fn child(&self, at: usize) -> Result<Handle, AccessError> {
        missing(self.children.get(at))
    }

    /// Puts a child behind the one at `at`, with the key between the two.
    pub(super) fn insert_after(&mut self, at: usize, key: K, child: Handle) {
        self.keys.insert(at, key);
        self.children.insert(at + 1, child);
    }

    /// Takes away the child behind the one at `at`, with the key between the two.
    pub(super) fn remove_after(&mut self, at: usize) {
        self.keys.remove(at);
        self.children.remove(at + 1);
    }

    /// Takes away the children from `at` on, which is above zero, and the key before them.
    pub(super) fn split_off(&mut self, at: usize) -> (K, Self) {
        let mut keys = self.keys.split_off(at - 1);
        let between = keys.remove(0);
        (between, Self { keys, children: self.children.split_off(at) })
    }

    /// Appends those children, with the key between the two nodes.
    pub(super) fn append(&mut self, between: K, other: Self) {
        self.keys.push(between);
        self.keys.extend(other.keys);
        self.children.extend(other.children);
    }
}
