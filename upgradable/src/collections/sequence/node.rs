//! The objects that a sequence is made of.

use arrayvec::ArrayVec;
use upgradable_stm::Handle;

use crate::access::AccessError;
use crate::collections::handle::node;

/// Values of a leaf: it still lies in its slot. This crate's own tests have small nodes, for high
/// trees.
pub(super) const LEAF: usize = if cfg!(test) { 8 } else { 48 };
/// A leaf with fewer values gets some from its neighbour, or is joined with it.
pub(super) const LEAF_MIN: usize = LEAF / 4;
/// Children of an inner node. Every insertion copies one of each level, so they are not many.
pub(super) const FANOUT: usize = if cfg!(test) { 8 } else { 32 };
/// An inner node with fewer children is treated like such a leaf.
pub(super) const FANOUT_MIN: usize = FANOUT / 4;

/// Values that lie side by side.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(super) values: ArrayVec<Handle, LEAF>,
}

/// Children side by side, with the number of values below each.
#[derive(Clone, Debug)]
pub(crate) struct Inner {
    pub(super) counts: Vec<usize>,
    pub(super) children: Vec<Handle>,
}

/// The topmost inner node, and how many levels of inner nodes there are.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(super) levels: u32,
    pub(super) top: Inner,
}

const _: () = assert!(size_of::<Leaf>() <= 448, "a larger value lies in a box of its own");

node!(Leaf[], "Sequence.Leaf", LEAF);
node!(Inner[], "Sequence.Inner", FANOUT);
node!(Root[], "Sequence.Root", FANOUT);

impl Inner {
    pub(super) fn of(child: Handle, count: usize) -> Self {
        Self { counts: vec![count], children: vec![child] }
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    /// The number of values below.
    pub(super) fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The child that has the value at a place, and its place in there.
    #[inline]
    pub(super) fn locate(&self, mut at: usize) -> Option<(usize, usize)> {
        for (child, &count) in self.counts.iter().enumerate() {
            if at < count {
                return Some((child, at));
            }
            at -= count;
        }
        None
    }

    /// The child that takes a value before that place, or at the end.
    pub(super) fn locate_gap(&self, mut at: usize) -> Option<(usize, usize)> {
        for (child, &count) in self.counts.iter().enumerate() {
            if at <= count {
                return Some((child, at));
            }
            at -= count;
        }
        None
    }

    #[inline]
    pub(super) fn child(&self, at: usize) -> Result<Handle, AccessError> {
        // Only a forged handle leads to a node without it.
        self.children.get(at).copied().ok_or(AccessError::Foreign)
    }

    /// Puts a child behind the one at `at`, which gave it so many values.
    pub(super) fn insert_after(&mut self, at: usize, child: Handle, count: usize) {
        self.counts[at] -= count;
        self.counts.insert(at + 1, count);
        self.children.insert(at + 1, child);
    }

    /// Takes away the child behind the one at `at`, which got its values.
    pub(super) fn remove_after(&mut self, at: usize) {
        self.counts[at] += self.counts.remove(at + 1);
        self.children.remove(at + 1);
    }

    pub(super) fn split_off(&mut self, at: usize) -> Self {
        Self { counts: self.counts.split_off(at), children: self.children.split_off(at) }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.counts.extend(other.counts);
        self.children.extend(other.children);
    }
}
