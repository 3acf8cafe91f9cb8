//! Whether the tree is as it should be.

use std::collections::HashSet;

use upgradable_stm::Handle;

use super::Sequence;
use super::node::{FANOUT, FANOUT_MIN, Inner, LEAF, LEAF_MIN, Leaf};
use crate::collections::CheckError;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Read;

impl<V: Upgradable> Sequence<V> {
    /// Checks that the sequence's structure is sound: all nodes are there, each once, no fuller and
    /// no emptier than they may be, and counts are right. Values are not looked at.
    ///
    /// Reads the whole sequence. For tests, and for doubts.
    ///
    /// # Errors
    ///
    /// [`CheckError`] with the first fault.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// let heap = Heap::new();
    /// let lines = heap.atomically(|tx| Ok(Sequence::<Line>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| lines.check(s)), Ok(()));
    /// ```
    pub fn check(self, reader: &impl Read) -> Result<(), CheckError> {
        let root = reader.read(self.root)?;
        if root.levels == 0 {
            return Err(CheckError::Broken("the tree has no level"));
        }
        if root.levels > 1 && root.top.len() < 2 {
            return Err(CheckError::Broken("the topmost node has one child, and it is no leaf"));
        }
        check(reader, &root.top, root.levels, &mut HashSet::new())
    }
}

fn check(
    reader: &impl Read,
    inner: &Inner,
    level: u32,
    nodes: &mut HashSet<Handle>,
) -> Result<(), CheckError> {
    let broken = |what| Err(CheckError::Broken(what));
    if inner.counts.len() != inner.len() || inner.len() > FANOUT {
        return broken("an inner node has too many children, or too few counts");
    }
    for (&child, &count) in inner.children.iter().zip(&inner.counts) {
        if !nodes.insert(child) {
            return broken("a node has two places");
        }
        let found = if level > 1 {
            let node = reader.read(Ref::<Inner>::new(child))?;
            if node.len() < FANOUT_MIN {
                return broken("an inner node has too few children");
            }
            check(reader, node, level - 1, nodes)?;
            node.total()
        } else {
            let len = reader.read(Ref::<Leaf>::new(child))?.values.len();
            if len > LEAF || (len < LEAF_MIN && inner.len() > 1) {
                return broken("a leaf has too few values, or too many");
            }
            len
        };
        if found != count {
            return broken("a count is wrong");
        }
    }
    Ok(())
}
