//! The search tree: ways down, and changes on the way up.
//!
//! # Protocol
//!
//! Which leaf is responsible for a key changes only with the leaf itself: parting it, joining it
//! with its neighbour and filling it up write it or delete it. So whoever has *read* the leaf need
//! not depend on the way there: inner nodes are only peeked at. Transactions in different leaves
//! don't meet, also when the nodes above are changed; those that change the same inner node do,
//! since a change reads what it changes.

use std::borrow::Borrow;
use std::ops::Bound;
use std::ptr;

use arrayvec::ArrayVec;
use upgradable_stm::Handle;

use super::node::{FANOUT, FANOUT_MIN, Inner, LEAF, LEAF_MIN, LEVELS, Leaf, Root};
use crate::access::AccessError;
use crate::collections::{Key, part, whole};
use crate::object::Ref;
use crate::txn::{Read, Tx};

/// A tree, whatever its values are.
pub(super) struct Tree<K>(pub(super) Ref<Root<K>>);

impl<K> Clone for Tree<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Tree<K> {}

/// The way to a leaf: the inner nodes, topmost first, and which child of each comes next.
pub(super) struct Path<'t, K> {
    steps: ArrayVec<(Handle, usize), LEVELS>,
    leaf: Ref<Leaf<K>>,
    /// The leaf as it was when the way was taken.
    pub(super) entries: &'t Leaf<K>,
}

/// An inner node that was passed, and which child of it came next.
pub(super) struct Above<'r, K> {
    /// `None` is the topmost one, in the root.
    node: Option<Ref<Inner<K>>>,
    inner: &'r Inner<K>,
    at: usize,
}

impl<K> Clone for Above<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Above<'_, K> {}

type Way<'r, K> = ArrayVec<Above<'r, K>, LEVELS>;

/// An entry, by its leaf and its number there, and the node above the leaf.
pub(super) struct Position<'r, K> {
    pub(super) above: Above<'r, K>,
    pub(super) leaf: &'r Leaf<K>,
    pub(super) at: usize,
}

impl<'r, K> Position<'r, K> {
    fn new(way: &Way<'r, K>, leaf: &'r Leaf<K>, at: usize) -> Option<Self> {
        Some(Self { above: *way.last()?, leaf, at })
    }
}

/// A way that is longer than any can be. Only a forged handle leads to it.
fn too_deep<E>(_: E) -> AccessError {
    AccessError::Foreign
}

impl<K: Key + Ord> Tree<K> {
    pub(super) fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        tx.admit::<Inner<K>>()?;
        let leaf = tx.create(Leaf::<K>::new())?;
        let root = Root { levels: 1, top: Inner::of(leaf.handle()) };
        Ok(Self(tx.create(root)?))
    }

    /// The leaf that the choice of a child at each level leads to.
    #[inline]
    fn descend<R: Read>(
        self,
        reader: &R,
        mut choose: impl FnMut(&Inner<K>) -> usize,
    ) -> Result<&Leaf<K>, AccessError> {
        let root = reader.peek(self.0)?;
        let mut node = root.top.child(choose(&root.top))?;
        for _ in 1..root.levels {
            let inner = reader.peek(Ref::<Inner<K>>::new(node))?;
            node = inner.child(choose(inner))?;
        }
        reader.read(Ref::new(node))
    }

    #[inline]
    pub(super) fn get<Q: Ord + ?Sized>(
        self,
        reader: &impl Read,
        key: &Q,
    ) -> Result<Option<Handle>, AccessError>
    where
        K: Borrow<Q>,
    {
        let leaf = self.descend(reader, |inner| inner.find(key))?;
        Ok(leaf.find(key).ok().map(|at| leaf.values[at]))
    }

    pub(super) fn first_leaf(self, reader: &impl Read) -> Result<&Leaf<K>, AccessError> {
        self.descend(reader, |_| 0)
    }

    pub(super) fn last_leaf(self, reader: &impl Read) -> Result<&Leaf<K>, AccessError> {
        self.descend(reader, |inner| inner.len().saturating_sub(1))
    }

    /// The first entry that the bound lets in from below.
    pub(super) fn seek<'r, Q: Ord + ?Sized>(
        self,
        reader: &'r impl Read,
        from: Bound<&Q>,
    ) -> Result<Option<Position<'r, K>>, AccessError>
    where
        K: Borrow<Q>,
    {
        let mut way = Way::new();
        let leaf = self.go_down(reader, &mut way, |inner| match from {
            Bound::Unbounded => 0,
            Bound::Included(key) | Bound::Excluded(key) => inner.find(key),
        })?;
        let at = leaf.before(from);
        if at < leaf.len() {
            return Ok(Position::new(&way, leaf, at));
        }
        // Then it is the first one of the leaf behind, by the last way not taken on the right.
        while way.last().is_some_and(|step| step.at + 1 >= step.inner.len()) {
            way.pop();
        }
        let Some(step) = way.last_mut() else { return Ok(None) };
        step.at += 1;
        let leaf = self.go_down(reader, &mut way, |_| 0)?;
        Ok(if leaf.len() > 0 { Position::new(&way, leaf, 0) } else { None })
    }

    /// One past the last entry that the bound lets in from above.
    pub(super) fn seek_back<'r, Q: Ord + ?Sized>(
        self,
        reader: &'r impl Read,
        to: Bound<&Q>,
    ) -> Result<Option<Position<'r, K>>, AccessError>
    where
        K: Borrow<Q>,
    {
        let last = |inner: &Inner<K>| inner.len().saturating_sub(1);
        let mut way = Way::new();
        let leaf = self.go_down(reader, &mut way, |inner| match to {
            Bound::Unbounded => last(inner),
            Bound::Included(key) | Bound::Excluded(key) => inner.find(key),
        })?;
        let at = leaf.upto(to);
        if at > 0 {
            return Ok(Position::new(&way, leaf, at));
        }
        while way.last().is_some_and(|step| step.at == 0) {
            way.pop();
        }
        let Some(step) = way.last_mut() else { return Ok(None) };
        step.at -= 1;
        let leaf = self.go_down(reader, &mut way, last)?;
        Ok(if leaf.len() > 0 { Position::new(&way, leaf, leaf.len()) } else { None })
    }

    /// Goes on to a leaf from where the way ends.
    fn go_down<'r>(
        self,
        reader: &'r impl Read,
        way: &mut Way<'r, K>,
        choose: impl Fn(&Inner<K>) -> usize,
    ) -> Result<&'r Leaf<K>, AccessError> {
        let root = reader.peek(self.0)?;
        if way.is_empty() {
            way.push(Above { node: None, inner: &root.top, at: choose(&root.top) });
        }
        loop {
            let Some(step) = way.last() else { return Err(AccessError::Foreign) };
            let child = step.inner.child(step.at)?;
            if way.len() >= root.levels as usize {
                return reader.read(Ref::new(child));
            }
            let node = Ref::new(child);
            let inner = reader.peek(node)?;
            way.try_push(Above { node: Some(node), inner, at: choose(inner) }).map_err(too_deep)?;
        }
    }

    /// The near end of the leaf so many places beside the one below `above`, if both have that
    /// parent and it is as it was: then nothing lies between the two.
    #[inline]
    pub(super) fn beside<'r>(
        self,
        reader: &'r impl Read,
        above: Above<'r, K>,
        places: isize,
    ) -> Result<Option<Position<'r, K>>, AccessError> {
        let place = above.at.checked_add_signed(places);
        let Some((at, &leaf)) = place.and_then(|at| Some((at, above.inner.children.get(at)?)))
        else {
            return Ok(None);
        };
        let now = match above.node {
            None => reader.peek(self.0).map(|root| &root.top),
            Some(node) => reader.peek(node),
        };
        if !now.is_ok_and(|now| ptr::eq(now, above.inner)) {
            return Ok(None);
        }
        let leaf = reader.read::<Leaf<K>>(Ref::new(leaf))?;
        let above = Above { at, ..above };
        let at = if places < 0 { leaf.len() } else { 0 };
        Ok((leaf.len() > 0).then_some(Position { above, leaf, at }))
    }

    /// Shows all leaves, in order.
    pub(super) fn each_leaf(
        self,
        reader: &impl Read,
        see: &mut impl FnMut(Ref<Leaf<K>>, &Leaf<K>) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        let root = reader.peek(self.0)?;
        Self::each_below(reader, &root.top, root.levels, see, &mut |_| Ok(()))
    }

    /// Shows all leaves and, after what is below it, each inner node.
    fn each_below<R: Read>(
        reader: &R,
        inner: &Inner<K>,
        level: u32,
        see: &mut impl FnMut(Ref<Leaf<K>>, &Leaf<K>) -> Result<(), AccessError>,
        leave: &mut impl FnMut(Ref<Inner<K>>) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        for &child in &inner.children {
            if level <= 1 {
                let leaf = Ref::new(child);
                see(leaf, reader.read(leaf)?)?;
            } else {
                let node = Ref::new(child);
                Self::each_below(reader, reader.read(node)?, level - 1, see, leave)?;
                leave(node)?;
            }
        }
        Ok(())
    }

    /// Deletes all nodes but the root, and shows all values.
    pub(super) fn delete_nodes(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        let root = tx.read(self.0)?;
        let mut leaf = |leaf: Ref<Leaf<K>>, entries: &Leaf<K>| {
            entries.values.iter().try_for_each(|&at| value(at))?;
            tx.delete(leaf)
        };
        Self::each_below(tx, &root.top, root.levels, &mut leaf, &mut |inner| tx.delete(inner))
    }

    /// Takes out all entries, and shows their values.
    ///
    /// All leaves go, for whoever reads one of them must meet this.
    pub(super) fn clear(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        self.delete_nodes(tx, value)?;
        let leaf = tx.create(Leaf::<K>::new())?;
        tx.write(self.0, Root { levels: 1, top: Inner::of(leaf.handle()) })
    }

    /// The way to where the key is or would be.
    #[inline]
    pub(super) fn path_to<'t, Q: Ord + ?Sized>(
        self,
        tx: &Tx<'t>,
        key: &Q,
    ) -> Result<Path<'t, K>, AccessError>
    where
        K: Borrow<Q>,
    {
        self.path(tx, |inner| inner.find(key))
    }

    /// The way that the choice of a child at each level takes.
    #[inline]
    pub(super) fn path<'t>(
        self,
        tx: &Tx<'t>,
        choose: impl Fn(&Inner<K>) -> usize,
    ) -> Result<Path<'t, K>, AccessError> {
        let root = tx.peek(self.0)?;
        let mut steps = ArrayVec::new();
        let (mut node, mut inner) = (self.0.handle(), &root.top);
        for level in (0..root.levels).rev() {
            let at = choose(inner);
            steps.try_push((node, at)).map_err(too_deep)?;
            node = inner.child(at)?;
            if level > 0 {
                inner = tx.peek(Ref::new(node))?;
            }
        }
        let leaf = Ref::new(node);
        Ok(Path { steps, leaf, entries: tx.read(leaf)? })
    }

    fn inner<'t>(
        self,
        tx: &Tx<'t>,
        level: usize,
        node: Handle,
    ) -> Result<&'t Inner<K>, AccessError> {
        if level == 0 { Ok(&tx.peek(self.0)?.top) } else { tx.peek(Ref::new(node)) }
    }

    fn change_inner<R>(
        self,
        tx: &Tx<'_>,
        level: usize,
        node: Handle,
        change: impl FnOnce(&mut Inner<K>) -> R,
    ) -> Result<R, AccessError> {
        if level == 0 {
            tx.modify(self.0, |root| change(&mut root.top))
        } else {
            tx.modify(Ref::new(node), change)
        }
    }

    /// Puts another value in the place of the entry's.
    pub(super) fn replace(
        tx: &Tx<'_>,
        path: &Path<'_, K>,
        at: usize,
        value: Handle,
    ) -> Result<(), AccessError> {
        tx.modify(path.leaf, |leaf| leaf.values[at] = value)
    }

    /// Enters an entry where it belongs.
    pub(super) fn insert(
        self,
        tx: &Tx<'_>,
        path: &Path<'_, K>,
        at: usize,
        key: K,
        value: Handle,
    ) -> Result<(), AccessError> {
        if path.entries.len() < LEAF {
            return tx.modify(path.leaf, |leaf| leaf.insert(at, key, value));
        }
        whole(tx, || self.insert_parting(tx, path, at, key, value))
    }

    /// Enters an entry into a full leaf, which is parted.
    fn insert_parting(
        self,
        tx: &Tx<'_>,
        path: &Path<'_, K>,
        at: usize,
        key: K,
        value: Handle,
    ) -> Result<(), AccessError> {
        let middle = part(LEAF, LEAF_MIN, at);
        let right = tx.modify(path.leaf, |leaf| {
            let mut right = leaf.split_off(middle);
            if at < middle {
                leaf.insert(at, key, value);
            } else {
                right.insert(at - middle, key, value);
            }
            right
        })?;
        let between = right.keys[0].clone();
        self.grow(tx, &path.steps, between, tx.create(right)?.handle())
    }

    /// Enters a new node behind the one that the steps lead to.
    fn grow(
        self,
        tx: &Tx<'_>,
        steps: &[(Handle, usize)],
        mut between: K,
        mut right: Handle,
    ) -> Result<(), AccessError> {
        for (level, &(node, at)) in steps.iter().enumerate().rev() {
            if self.inner(tx, level, node)?.len() < FANOUT {
                return self.change_inner(tx, level, node, |inner| {
                    inner.insert_after(at, between, right);
                });
            }
            let middle = part(FANOUT, FANOUT_MIN, if at == 0 { 0 } else { at + 1 });
            if level == 0 {
                let root = tx.read(self.0)?;
                let mut left = root.top.clone();
                left.insert_after(at, between, right);
                let (between, right) = left.split_off(middle);
                let halves = vec![tx.create(left)?.handle(), tx.create(right)?.handle()];
                let top = Inner { keys: vec![between], children: halves };
                return tx.write(self.0, Root { levels: root.levels + 1, top });
            }
            let (key, half) = self.change_inner(tx, level, node, |inner| {
                inner.insert_after(at, between, right);
                inner.split_off(middle)
            })?;
            (between, right) = (key, tx.create(half)?.handle());
        }
        Ok(())
    }

    /// Takes an entry out.
    pub(super) fn remove(
        self,
        tx: &Tx<'_>,
        path: &Path<'_, K>,
        at: usize,
    ) -> Result<(), AccessError> {
        let remove = || tx.modify(path.leaf, |leaf| leaf.remove(at));
        if path.entries.len() > LEAF_MIN {
            return remove();
        }
        whole(tx, || {
            remove()?;
            self.fill_leaf(tx, &path.steps)
        })
    }

    /// Gives a leaf entries of its neighbour, or joins them.
    fn fill_leaf(self, tx: &Tx<'_>, steps: &[(Handle, usize)]) -> Result<(), AccessError> {
        let Some((level, &(node, at))) = steps.iter().enumerate().next_back() else {
            return Ok(());
        };
        let parent = self.inner(tx, level, node)?;
        let Some(last_pair) = parent.len().checked_sub(2) else { return Ok(()) };
        let at = at.min(last_pair);
        let left = Ref::<Leaf<K>>::new(parent.child(at)?);
        let right = Ref::<Leaf<K>>::new(parent.child(at + 1)?);
        let (mut first, mut second) = (tx.read(left)?.clone(), tx.read(right)?.clone());
        let total = first.len() + second.len();
        // Not to be parted again by the next few insertions.
        if total <= LEAF / 4 * 3 {
            first.append(second);
            tx.write(left, first)?;
            tx.delete(right)?;
            return self.shrink(tx, steps, at);
        }
        if first.len() > second.len() {
            let mut moved = first.split_off(total / 2);
            moved.append(second);
            second = moved;
        } else {
            let rest = second.split_off((total / 2).saturating_sub(first.len()));
            first.append(second);
            second = rest;
        }
        let between = second.keys[0].clone();
        tx.write(left, first)?;
        tx.write(right, second)?;
        self.change_inner(tx, level, node, |inner| inner.keys[at] = between)
    }

    /// Takes the child behind the one at `at` out of the last node of the steps.
    fn shrink(
        self,
        tx: &Tx<'_>,
        steps: &[(Handle, usize)],
        mut at: usize,
    ) -> Result<(), AccessError> {
        for (level, &(node, _)) in steps.iter().enumerate().rev() {
            let left = self.change_inner(tx, level, node, |inner| {
                inner.remove_after(at);
                inner.len()
            })?;
            let Some(above) = level.checked_sub(1) else { break };
            if left >= FANOUT_MIN {
                return Ok(());
            }
            let (parent_node, parent_at) = steps[above];
            let parent = self.inner(tx, above, parent_node)?;
            let Some(last_pair) = parent.len().checked_sub(2) else { return Ok(()) };
            at = parent_at.min(last_pair);
            let left = Ref::<Inner<K>>::new(parent.child(at)?);
            let right = Ref::<Inner<K>>::new(parent.child(at + 1)?);
            let (mut first, second) = (tx.read(left)?.clone(), tx.read(right)?.clone());
            let total = first.len() + second.len();
            first.append(parent.keys[at].clone(), second);
            if total <= FANOUT / 4 * 3 {
                tx.write(left, first)?;
                tx.delete::<Inner<K>>(right)?;
                continue;
            }
            let (between, second) = first.split_off(total / 2);
            tx.write(left, first)?;
            tx.write(right, second)?;
            return self.change_inner(tx, above, parent_node, |inner| inner.keys[at] = between);
        }
        self.lower(tx)
    }

    /// Takes a level out of a tree whose topmost node has one child.
    fn lower(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        let root = tx.peek(self.0)?;
        if root.levels <= 1 || root.top.len() > 1 {
            return Ok(());
        }
        let only = Ref::<Inner<K>>::new(root.top.child(0)?);
        let top = tx.read(only)?.clone();
        tx.write(self.0, Root { levels: root.levels - 1, top })?;
        tx.delete(only)
    }
}
