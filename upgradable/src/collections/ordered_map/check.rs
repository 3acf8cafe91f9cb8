//! Whether the tree is as it should be.

use std::collections::HashSet;

use upgradable_stm::Handle;

use super::OrderedMap;
use super::node::{FANOUT, FANOUT_MIN, Inner, LEAF, LEAF_MIN};
use crate::collections::{CheckError, Key};
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Read;

impl<K: Key + Ord, V: Upgradable> OrderedMap<K, V> {
    /// Checks that the map's structure is sound: all nodes are there, each once, no fuller and no
    /// emptier than they may be, and keys are in order. Values are not looked at.
    ///
    /// Reads the whole map. For tests, and for doubts.
    ///
    /// # Errors
    ///
    /// [`CheckError`] with the first fault.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tags = heap.atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..1_000).map(|n| (n * 7 % 1_000, Tag(0))))?;
    ///     Ok(tags)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
    /// ```
    pub fn check(self, reader: &impl Read) -> Result<(), CheckError> {
        let root = reader.read(self.root)?;
        if root.levels == 0 {
            return Err(CheckError::Broken("the tree has no level"));
        }
        if root.levels > 1 && root.top.len() < 2 {
            return Err(CheckError::Broken("the topmost node has one child, and it is no leaf"));
        }
        let mut check = Check { reader, nodes: HashSet::new() };
        check.inner(&root.top, root.levels, (None, None))
    }
}

struct Check<'r, R> {
    reader: &'r R,
    nodes: HashSet<Handle>,
}

/// A key that is not above, and one that is above all of a part of the tree.
type Fence<'k, K> = (Option<&'k K>, Option<&'k K>);

impl<R: Read> Check<'_, R> {
    fn inner<K: Key + Ord>(
        &mut self,
        inner: &Inner<K>,
        level: u32,
        (low, high): Fence<'_, K>,
    ) -> Result<(), CheckError> {
        let broken = |what| Err(CheckError::Broken(what));
        if inner.keys.len() + 1 != inner.children.len() || inner.len() > FANOUT {
            return broken("an inner node has too many children, or too few keys");
        }
        let mut keys = low.into_iter().chain(&inner.keys).chain(high);
        if !keys.clone().zip(keys.by_ref().skip(1)).all(|(one, next)| one <= next) {
            return broken("keys of an inner node are out of order");
        }
        for (at, &child) in inner.children.iter().enumerate() {
            if !self.nodes.insert(child) {
                return broken("a node has two places");
            }
            let low = at.checked_sub(1).map_or(low, |before| inner.keys.get(before));
            let fence = (low, inner.keys.get(at).or(high));
            if level > 1 {
                let node = self.reader.read(Ref::<Inner<K>>::new(child))?;
                if node.len() < FANOUT_MIN {
                    return broken("an inner node has too few children");
                }
                self.inner(node, level - 1, fence)?;
            } else {
                self.leaf(child, fence, inner.len() == 1)?;
            }
        }
        Ok(())
    }

    fn leaf<K: Key + Ord>(
        &mut self,
        leaf: Handle,
        (low, high): Fence<'_, K>,
        is_alone: bool,
    ) -> Result<(), CheckError> {
        let leaf = self.reader.read(Ref::<super::Leaf<K>>::new(leaf))?;
        let broken = |what| Err(CheckError::Broken(what));
        if leaf.keys.len() != leaf.values.len() {
            return broken("a leaf has more keys than values, or fewer");
        }
        if leaf.len() > LEAF || (leaf.len() < LEAF_MIN && !is_alone) {
            return broken("a leaf has too few entries, or too many");
        }
        if !leaf.keys.is_sorted_by(|one, next| one < next) {
            return broken("keys of a leaf are out of order");
        }
        let above = low.is_none_or(|low| leaf.keys.first().is_none_or(|first| low <= first));
        let below = high.is_none_or(|high| leaf.keys.last().is_none_or(|last| last < high));
        if above && below { Ok(()) } else { broken("a key lies in the wrong leaf") }
    }
}
