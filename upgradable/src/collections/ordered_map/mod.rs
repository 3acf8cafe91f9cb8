//! A map in the order of its keys: a B+ tree of objects.

mod check;
mod entry;
mod iter;
mod node;
#[cfg(all(test, not(loom)))]
mod tests;
mod tree;

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::ops::RangeBounds;

use upgradable_stm::Handle;

pub use self::iter::{Range, RangeRefs};

use self::iter::Entries;
use self::node::{Leaf, Root};
use self::tree::Tree;
use super::Key;
use super::handle::handle;
use crate::access::AccessError;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::{Read, Tx};

/// A map in the order of its keys, made of objects of a heap.
///
/// This is a handle, as small as a [`Ref`] and as easily copied; it may be a field of an object.
/// The entries lie in leaves of up to 24. Transactions that write conflict if they use the same
/// leaf, or part or join neighbouring ones; values are objects of their own.
///
/// Methods come in pairs: `insert` creates the value's object, `remove` deletes it; `insert_ref`
/// and `remove_ref` leave the objects to the caller.
///
/// # Errors
///
/// Every method fails with an [`AccessError`] if the map has been deleted or is of another heap.
/// After an error from a method that writes, the transaction should end with it.
///
/// ```
/// use upgradable::{AccessError, Heap, Upgradable, collections::OrderedMap};
///
/// #[derive(Upgradable, Clone)]
/// struct Account { cents: u64 }
///
/// let heap = Heap::new();
/// let accounts = heap.atomically(|tx| {
///     let accounts = OrderedMap::<u32, Account>::create(tx)?;
///     accounts.insert(tx, 7, Account { cents: 100 })?;
///     accounts.insert(tx, 3, Account { cents: 50 })?;
///     Ok(accounts)
/// })?;
/// heap.atomically(|tx| Ok(accounts.modify(tx, &7, |account| account.cents += 1)?))?;
/// let total = heap.snapshot(|s| -> Result<u64, AccessError> {
///     accounts.iter(s).map(|entry| Ok(entry?.1.cents)).sum()
/// })?;
/// assert_eq!(total, 151);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OrderedMap<K, V> {
    root: Ref<Root<K>>,
    values: PhantomData<fn() -> V>,
}

handle!(OrderedMap, "OrderedMap", [K], Root<K>, "OrderedMap<u64, ");

impl<K: Key + Ord, V: Upgradable> OrderedMap<K, V> {
    fn tree(self) -> Tree<K> {
        Tree(self.root)
    }

    /// A new, empty map.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unregistered`] if the heap has maps with keys of another type of this name.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tags = heap.atomically(|tx| Ok(OrderedMap::<String, Tag>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| tags.is_empty(s)), Ok(true));
    /// ```
    pub fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        Ok(Self::of_root(Tree::create(tx)?.0))
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or the value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<String, Tag>::create(tx)?;
    ///     tags.insert(tx, "one".to_owned(), Tag(1))?;
    ///     assert_eq!(tags.get(tx, "one")?.map(|tag| tag.0), Some(1));
    ///     assert!(tags.get(tx, "two")?.is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    #[inline]
    pub fn get<'r, Q: Ord + ?Sized>(
        self,
        reader: &'r impl Read,
        key: &Q,
    ) -> Result<Option<&'r V>, AccessError>
    where
        K: Borrow<Q>,
    {
        self.get_ref(reader, key)?.map(|value| reader.read(value)).transpose()
    }

    /// The object that is the value of a key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (tags, tag) = (OrderedMap::create(tx)?, tx.create(Tag(1))?);
    ///     tags.insert_ref(tx, 1_u64, tag)?;
    ///     assert_eq!(tags.get_ref(tx, &1)?, Some(tag));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    #[inline]
    pub fn get_ref<Q: Ord + ?Sized>(
        self,
        reader: &impl Read,
        key: &Q,
    ) -> Result<Option<Ref<V>>, AccessError>
    where
        K: Borrow<Q>,
    {
        Ok(self.tree().get(reader, key)?.map(Ref::new))
    }

    /// Whether there is an entry with this key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     assert!(!tags.contains_key(tx, &1)?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn contains_key<Q: Ord + ?Sized>(
        self,
        reader: &impl Read,
        key: &Q,
    ) -> Result<bool, AccessError>
    where
        K: Borrow<Q>,
    {
        Ok(self.tree().get(reader, key)?.is_some())
    }

    /// The entry with the least key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or the value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, [(2, Tag(2)), (1, Tag(1))])?;
    ///     assert_eq!(tags.first(tx)?.map(|(key, tag)| (*key, tag.0)), Some((1, 1)));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn first(self, reader: &impl Read) -> Result<Option<(&K, &V)>, AccessError> {
        self.first_ref(reader)?.map(|(key, value)| Ok((key, reader.read(value)?))).transpose()
    }

    /// The entry with the least key, its value as an object.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert_eq!(OrderedMap::<u64, Tag>::create(tx)?.first_ref(tx)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn first_ref(self, reader: &impl Read) -> Result<Option<(&K, Ref<V>)>, AccessError> {
        Ok(entry_at(self.tree().first_leaf(reader)?, Some(0)))
    }

    /// The entry with the greatest key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or the value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, [(2, Tag(2)), (1, Tag(1))])?;
    ///     assert_eq!(tags.last(tx)?.map(|(key, tag)| (*key, tag.0)), Some((2, 2)));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn last(self, reader: &impl Read) -> Result<Option<(&K, &V)>, AccessError> {
        self.last_ref(reader)?.map(|(key, value)| Ok((key, reader.read(value)?))).transpose()
    }

    /// The entry with the greatest key, its value as an object.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert_eq!(OrderedMap::<u64, Tag>::create(tx)?.last_ref(tx)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn last_ref(self, reader: &impl Read) -> Result<Option<(&K, Ref<V>)>, AccessError> {
        let leaf = self.tree().last_leaf(reader)?;
        Ok(entry_at(leaf, leaf.len().checked_sub(1)))
    }

    /// The entries whose keys are within the bounds, in order, from both ends.
    ///
    /// They are those of the reader's snapshot; in a [`Tx`], with what it has written before. What
    /// the transaction does to the map while the iterator lives may show or not, for keys that
    /// have not come yet; whatever it does, keys come in order, none twice, and all that are
    /// there the whole time. Bounds that are the wrong way round have nothing between them.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..9).map(|n| (n, Tag(0))))?;
    ///     let keys: Result<Vec<_>, _> = tags.range(tx, 3..=5).map(|e| e.map(|(k, _)| *k)).collect();
    ///     assert_eq!(keys?, [3, 4, 5]);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn range<'r, R: Read, Q: Ord + ?Sized>(
        self,
        reader: &'r R,
        bounds: impl RangeBounds<Q>,
    ) -> Range<'r, R, K, V>
    where
        K: Borrow<Q>,
    {
        Range::new(Entries::new(self.tree(), reader, &bounds))
    }

    /// As [`range`](Self::range), the values as objects.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..9).map(|n| (n, Tag(0))))?;
    ///     for entry in tags.range_refs(tx, 3..) {
    ///         tags.remove(tx, entry?.0)?;
    ///     }
    ///     assert_eq!(tags.len(tx)?, 3);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn range_refs<'r, R: Read, Q: Ord + ?Sized>(
        self,
        reader: &'r R,
        bounds: impl RangeBounds<Q>,
    ) -> RangeRefs<'r, R, K, V>
    where
        K: Borrow<Q>,
    {
        RangeRefs::new(Entries::new(self.tree(), reader, &bounds))
    }

    /// All entries, in order, from both ends. See [`range`](Self::range).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..9).map(|n| (n, Tag(0))))?;
    ///     assert_eq!(tags.iter(tx).count(), 9);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter<'r, R: Read>(self, reader: &'r R) -> Range<'r, R, K, V> {
        self.range(reader, ..)
    }

    /// All entries, the values as objects. See [`range`](Self::range).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     assert!(tags.iter_refs(tx).next_back().is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter_refs<'r, R: Read>(self, reader: &'r R) -> RangeRefs<'r, R, K, V> {
        self.range_refs(reader, ..)
    }

    /// The number of entries, counted: it takes time in proportion to the leaves, and reads all of
    /// them, so that a transaction which also writes conflicts with every insertion. Programs that
    /// often ask keep a count where it suits them.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = OrderedMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..100).map(|n| (n, Tag(0))))?;
    ///     assert_eq!(tags.len(tx)?, 100);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn len(self, reader: &impl Read) -> Result<usize, AccessError> {
        let mut len = 0;
        self.tree().each_leaf(reader, &mut |_, leaf| {
            len += leaf.len();
            Ok(())
        })?;
        Ok(len)
    }

    /// Whether there is no entry: looks at one leaf.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::OrderedMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tags = heap.atomically(|tx| Ok(OrderedMap::<u64, Tag>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| tags.is_empty(s)), Ok(true));
    /// ```
    pub fn is_empty(self, reader: &impl Read) -> Result<bool, AccessError> {
        Ok(self.tree().first_leaf(reader)?.len() == 0)
    }
}

/// An entry of a leaf.
fn entry_at<K, V>(leaf: &Leaf<K>, at: Option<usize>) -> Option<(&K, Ref<V>)> {
    let at = at?;
    let value: &Handle = leaf.values.get(at)?;
    Some((leaf.keys.get(at)?, Ref::new(*value)))
}
