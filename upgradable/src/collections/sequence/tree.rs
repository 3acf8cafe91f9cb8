//! The counted tree: finding by place, and changes on the way up.
//!
//! # Protocol
//!
//! A place depends on everything before it, so whoever looks for one reads the way there, and
//! whoever inserts or removes writes it. Values are objects: changing one writes nothing here.

use upgradable_stm::Handle;

use super::node::{FANOUT, FANOUT_MIN, Inner, LEAF, LEAF_MIN, Leaf, Root};
use crate::access::AccessError;
use crate::collections::part;
use crate::object::Ref;
use crate::txn::{Read, Tx};

/// A tree, whatever its values are.
#[derive(Clone, Copy)]
pub(super) struct Tree(pub(super) Ref<Root>);

/// Where a value is: its leaf, its place in there, and the leaf's name.
type Found<'r> = (&'r Leaf, usize, Ref<Leaf>);

impl Tree {
    pub(super) fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        tx.admit::<Inner>()?;
        Ok(Self(tx.create(Self::empty(tx)?)?))
    }

    fn empty(tx: &Tx<'_>) -> Result<Root, AccessError> {
        let leaf = tx.create(Leaf { values: Default::default() })?;
        Ok(Root { levels: 1, top: Inner::of(leaf.handle(), 0) })
    }

    pub(super) fn len(self, reader: &impl Read) -> Result<usize, AccessError> {
        Ok(reader.read(self.0)?.top.total())
    }

    /// The value at a place.
    #[inline]
    pub(super) fn find<R: Read>(
        self,
        reader: &R,
        at: usize,
    ) -> Result<Option<Found<'_>>, AccessError> {
        let root = reader.read(self.0)?;
        let Some((mut child, mut at)) = root.top.locate(at) else { return Ok(None) };
        let mut inner = &root.top;
        for _ in 1..root.levels {
            inner = reader.read(Ref::<Inner>::new(inner.child(child)?))?;
            (child, at) = inner.locate(at).ok_or(AccessError::Foreign)?;
        }
        let leaf = Ref::<Leaf>::new(inner.child(child)?);
        Ok(Some((reader.read(leaf)?, at, leaf)))
    }

    /// Inserts a value before that place, or at the end. Says whether there was such a place.
    pub(super) fn insert(self, tx: &Tx<'_>, at: usize, value: Handle) -> Result<bool, AccessError> {
        let Root { levels, mut top } = tx.read(self.0)?.clone();
        if at > top.total() {
            return Ok(false);
        }
        Self::insert_below(tx, &mut top, levels, at, value)?;
        if top.len() <= FANOUT {
            tx.write(self.0, Root { levels, top })?;
            return Ok(true);
        }
        let right = top.split_off(top.len() / 2);
        let counts = vec![top.total(), right.total()];
        let children = vec![tx.create(top)?.handle(), tx.create(right)?.handle()];
        tx.write(self.0, Root { levels: levels + 1, top: Inner { counts, children } })?;
        Ok(true)
    }

    /// Says into which child.
    fn insert_below(
        tx: &Tx<'_>,
        inner: &mut Inner,
        level: u32,
        at: usize,
        value: Handle,
    ) -> Result<usize, AccessError> {
        let (child, at) = inner.locate_gap(at).ok_or(AccessError::Foreign)?;
        let node = inner.child(child)?;
        if level > 1 {
            let node = Ref::<Inner>::new(node);
            let mut below = tx.read(node)?.clone();
            let into = Self::insert_below(tx, &mut below, level - 1, at, value)?;
            inner.counts[child] += 1;
            if below.len() > FANOUT {
                // The child was parted; if that was the last one, the tree grows at its end.
                let new = if into + 2 == below.len() { below.len() } else { into };
                let right = below.split_off(part(below.len(), FANOUT_MIN, new));
                let count = right.total();
                inner.insert_after(child, tx.create(right)?.handle(), count);
            }
            tx.write(node, below)?;
            return Ok(child);
        }
        let leaf = Ref::<Leaf>::new(node);
        let len = tx.read(leaf)?.values.len();
        inner.counts[child] += 1;
        if len < LEAF {
            tx.modify(leaf, |leaf| leaf.values.insert(at, value))?;
            return Ok(child);
        }
        let middle = part(LEAF, LEAF_MIN, at);
        let right = tx.modify(leaf, |leaf| {
            let mut right = Leaf { values: leaf.values.drain(middle..).collect() };
            if at < middle {
                leaf.values.insert(at, value);
            } else {
                right.values.insert(at - middle, value);
            }
            right
        })?;
        let count = right.values.len();
        inner.insert_after(child, tx.create(right)?.handle(), count);
        Ok(child)
    }

    /// Takes a value out.
    pub(super) fn remove(self, tx: &Tx<'_>, at: usize) -> Result<Option<Handle>, AccessError> {
        let Root { mut levels, mut top } = tx.read(self.0)?.clone();
        if at >= top.total() {
            return Ok(None);
        }
        let value = Self::remove_below(tx, &mut top, levels, at)?;
        if levels > 1 && top.len() == 1 {
            let only = Ref::<Inner>::new(top.child(0)?);
            top = tx.read(only)?.clone();
            levels -= 1;
            tx.delete(only)?;
        }
        tx.write(self.0, Root { levels, top })?;
        Ok(Some(value))
    }

    fn remove_below(
        tx: &Tx<'_>,
        inner: &mut Inner,
        level: u32,
        at: usize,
    ) -> Result<Handle, AccessError> {
        let (child, at) = inner.locate(at).ok_or(AccessError::Foreign)?;
        let node = inner.child(child)?;
        inner.counts[child] -= 1;
        if level > 1 {
            let node = Ref::<Inner>::new(node);
            let mut below = tx.read(node)?.clone();
            let value = Self::remove_below(tx, &mut below, level - 1, at)?;
            let left = below.len();
            tx.write(node, below)?;
            if left < FANOUT_MIN {
                Self::fill_inner(tx, inner, child)?;
            }
            return Ok(value);
        }
        let leaf = Ref::<Leaf>::new(node);
        let values = &tx.read(leaf)?.values;
        let value = *values.get(at).ok_or(AccessError::Foreign)?;
        tx.modify(leaf, |leaf| leaf.values.remove(at))?;
        if values.len() <= LEAF_MIN {
            Self::fill_leaf(tx, inner, child)?;
        }
        Ok(value)
    }

    /// Gives a leaf values of its neighbour, or joins them.
    fn fill_leaf(tx: &Tx<'_>, parent: &mut Inner, child: usize) -> Result<(), AccessError> {
        let Some(last_pair) = parent.len().checked_sub(2) else { return Ok(()) };
        let at = child.min(last_pair);
        let left = Ref::<Leaf>::new(parent.child(at)?);
        let right = Ref::<Leaf>::new(parent.child(at + 1)?);
        let (first, second) = (tx.read(left)?, tx.read(right)?);
        let total = first.values.len() + second.values.len();
        let mut all = first.values.iter().chain(&second.values).copied();
        // Not to be parted again by the next few insertions.
        if total <= LEAF / 4 * 3 {
            tx.write(left, Leaf { values: all.collect() })?;
            tx.delete(right)?;
            parent.remove_after(at);
            return Ok(());
        }
        tx.write(left, Leaf { values: all.by_ref().take(total / 2).collect() })?;
        tx.write(right, Leaf { values: all.collect() })?;
        parent.counts[at] = total / 2;
        parent.counts[at + 1] = total - total / 2;
        Ok(())
    }

    /// The same for an inner node.
    fn fill_inner(tx: &Tx<'_>, parent: &mut Inner, child: usize) -> Result<(), AccessError> {
        let Some(last_pair) = parent.len().checked_sub(2) else { return Ok(()) };
        let at = child.min(last_pair);
        let left = Ref::<Inner>::new(parent.child(at)?);
        let right = Ref::<Inner>::new(parent.child(at + 1)?);
        let (mut first, second) = (tx.read(left)?.clone(), tx.read(right)?.clone());
        first.append(second);
        if first.len() <= FANOUT / 4 * 3 {
            tx.write(left, first)?;
            tx.delete(right)?;
            parent.remove_after(at);
            return Ok(());
        }
        let second = first.split_off(first.len() / 2);
        (parent.counts[at], parent.counts[at + 1]) = (first.total(), second.total());
        tx.write(left, first)?;
        tx.write(right, second)
    }

    /// Deletes all nodes but the root, and shows all values.
    pub(super) fn delete_nodes(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        let root = tx.read(self.0)?;
        Self::delete_below(tx, &root.top, root.levels, value)
    }

    fn delete_below(
        tx: &Tx<'_>,
        inner: &Inner,
        level: u32,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        for &child in &inner.children {
            if level > 1 {
                let child = Ref::<Inner>::new(child);
                Self::delete_below(tx, tx.read(child)?, level - 1, value)?;
                tx.delete(child)?;
            } else {
                let leaf = Ref::<Leaf>::new(child);
                tx.read(leaf)?.values.iter().try_for_each(|&at| value(at))?;
                tx.delete(leaf)?;
            }
        }
        Ok(())
    }

    /// Takes out all values, and shows them.
    pub(super) fn clear(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        self.delete_nodes(tx, value)?;
        tx.write(self.0, Self::empty(tx)?)
    }
}
