//! A map by the hashes of its keys: buckets under a trie of tables.

mod check;
mod entry;
mod iter;
mod node;
#[cfg(all(test, not(loom)))]
mod tests;
mod trie;

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};
use std::marker::PhantomData;

use upgradable_stm::Handle;

pub use self::iter::{Iter, IterRefs};

use self::iter::Entries;
use self::node::Root;
use self::trie::{Place, Trie};
use super::Key;
use super::handle::handle;
use crate::access::AccessError;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::{Read, Tx};

/// A map by the hashes of its keys, made of objects of a heap.
///
/// This is a handle, as small as a [`Ref`] and as easily copied; it may be a field of an object.
/// The entries lie in buckets of up to 16. Transactions that write conflict if they use the same
/// bucket, or part two buckets of one table; values are objects of their own.
///
/// It grows by parting one bucket at a time, and nothing is ever rehashed as a whole. What has
/// grown does not shrink by removals, only by [`clear`](Self::clear).
///
/// The hash function is SipHash-1-3 under a key that each map draws for itself and keeps in its
/// root, so that nobody can choose keys that fall into one bucket. A key's [`Hash`] must stay the
/// same as long as the map lives.
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
/// use upgradable::{Heap, Upgradable, collections::TxHashMap};
///
/// #[derive(Upgradable, Clone)]
/// struct Session { user: u32 }
///
/// let heap = Heap::new();
/// let sessions = heap.atomically(|tx| Ok(TxHashMap::<String, Session>::create(tx)?))?;
/// heap.atomically(|tx| {
///     sessions.insert(tx, "d41d8cd9".to_owned(), Session { user: 7 })?;
///     Ok(())
/// })?;
/// let user = heap.snapshot(|s| sessions.get(s, "d41d8cd9").map(|found| found.map(|s| s.user)))?;
/// assert_eq!(user, Some(7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TxHashMap<K, V> {
    root: Ref<Root<K>>,
    values: PhantomData<fn() -> V>,
}

handle!(TxHashMap, "TxHashMap", [K], Root<K>, "TxHashMap<u64, ");

impl<K: Key + Hash + Eq, V: Upgradable> TxHashMap<K, V> {
    fn trie(self) -> Trie<K> {
        Trie(self.root)
    }

    /// A new, empty map, whose hash function has a random key.
    ///
    /// # Errors
    ///
    /// [`AccessError::Unregistered`] if the heap has maps with keys of another type of this name.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tags = heap.atomically(|tx| Ok(TxHashMap::<String, Tag>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| tags.is_empty(s)), Ok(true));
    /// ```
    pub fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        let word = |number: u8| RandomState::new().hash_one(number);
        Self::create_seeded(tx, [word(0), word(1)])
    }

    /// A new, empty map, whose hash function has this key: two maps with one key that have gone
    /// through the same changes show their entries in the same order. Keys of the map must not be
    /// chosen by somebody who knows it.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let keys = |map: TxHashMap<u64, Tag>| -> Result<Vec<u64>, _> {
    ///         map.extend(tx, (0..99).map(|n| (n, Tag(0))))?;
    ///         map.iter_refs(tx).map(|entry| entry.map(|(key, _)| *key)).collect()
    ///     };
    ///     let one = keys(TxHashMap::create_seeded(tx, [1, 2])?)?;
    ///     assert_eq!(one, keys(TxHashMap::create_seeded(tx, [1, 2])?)?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn create_seeded(tx: &Tx<'_>, seed: [u64; 2]) -> Result<Self, AccessError> {
        Ok(Self::of_root(Trie::create(tx, seed)?.0))
    }

    /// The entry of a key: its bucket and its number there.
    #[inline]
    fn find<'r, Q: Hash + Eq + ?Sized>(
        self,
        reader: &'r impl Read,
        key: &Q,
    ) -> Result<Found<'r, K>, AccessError>
    where
        K: Borrow<Q>,
    {
        let hash = self.trie().hash(reader, key)?;
        let place = self.trie().find(reader, hash)?;
        let at = place.bucket.find(hash, |at| at.borrow() == key);
        Ok(Found { hash, place, at })
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or the value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<String, Tag>::create(tx)?;
    ///     tags.insert(tx, "one".to_owned(), Tag(1))?;
    ///     assert_eq!(tags.get(tx, "one")?.map(|tag| tag.0), Some(1));
    ///     assert!(tags.get(tx, "two")?.is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    #[inline]
    pub fn get<'r, Q: Hash + Eq + ?Sized>(
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
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (tags, tag) = (TxHashMap::create(tx)?, tx.create(Tag(1))?);
    ///     tags.insert_ref(tx, 1_u64, tag)?;
    ///     assert_eq!(tags.get_ref(tx, &1)?, Some(tag));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    #[inline]
    pub fn get_ref<Q: Hash + Eq + ?Sized>(
        self,
        reader: &impl Read,
        key: &Q,
    ) -> Result<Option<Ref<V>>, AccessError>
    where
        K: Borrow<Q>,
    {
        Ok(self.find(reader, key)?.value().map(Ref::new))
    }

    /// Whether there is an entry with this key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     assert!(!tags.contains_key(tx, &1)?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn contains_key<Q: Hash + Eq + ?Sized>(
        self,
        reader: &impl Read,
        key: &Q,
    ) -> Result<bool, AccessError>
    where
        K: Borrow<Q>,
    {
        Ok(self.find(reader, key)?.at.is_some())
    }

    /// All entries, in no particular order.
    ///
    /// They are those of the reader's snapshot; in a [`Tx`], with what it has written before. What
    /// the transaction does to the map while the iterator lives may show or not; whatever it does,
    /// no key comes twice, and all come that are there the whole time.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..9).map(|n| (n, Tag(0))))?;
    ///     assert_eq!(tags.iter(tx).count(), 9);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter<R: Read>(self, reader: &R) -> Iter<'_, R, K, V> {
        Iter::new(Entries::new(self.trie(), reader))
    }

    /// All entries, the values as objects. See [`iter`](Self::iter).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..9).map(|n| (n, Tag(0))))?;
    ///     for entry in tags.iter_refs(tx) {
    ///         tags.remove(tx, entry?.0)?;
    ///     }
    ///     assert!(tags.is_empty(tx)?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter_refs<R: Read>(self, reader: &R) -> IterRefs<'_, R, K, V> {
        IterRefs::new(Entries::new(self.trie(), reader))
    }

    /// Some entries that lie together, and where the next begin: for walks over a map that take
    /// longer than a transaction. The first begin at 0.
    ///
    /// A walk in as many transactions as it likes sees every entry that is there the whole time,
    /// and none twice, unless the map is [cleared](Self::clear) meanwhile.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let heap = Heap::new();
    /// let tags = heap.atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..99).map(|n| (n, Tag(0))))?;
    ///     Ok(tags)
    /// })?;
    /// let (mut seen, mut at) = (0, Some(0));
    /// while let Some(from) = at {
    ///     heap.snapshot(|s| {
    ///         let (entries, next) = tags.page(s, from)?;
    ///         (seen, at) = (seen + entries.len(), next);
    ///         Ok::<_, upgradable::AccessError>(())
    ///     })?;
    /// }
    /// assert_eq!(seen, 99);
    /// # Ok(())
    /// # }
    /// ```
    #[allow(clippy::type_complexity, reason = "it is a pair")]
    pub fn page<'r, R: Read>(
        self,
        reader: &'r R,
        at: u64,
    ) -> Result<
        (impl ExactSizeIterator<Item = (&'r K, Ref<V>)> + use<'r, R, K, V>, Option<u64>),
        AccessError,
    > {
        let (bucket, next) = self.trie().bucket_at(reader, at)?;
        let entries = bucket.keys.iter().zip(bucket.values.iter());
        Ok((entries.map(|(key, &value)| (key, Ref::new(value))), next))
    }

    /// The number of entries, counted: it takes time in proportion to the buckets, and reads all of
    /// them, so that a transaction which also writes conflicts with every insertion. Programs that
    /// often ask keep a count where it suits them.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..100).map(|n| (n, Tag(0))))?;
    ///     assert_eq!(tags.len(tx)?, 100);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn len(self, reader: &impl Read) -> Result<usize, AccessError> {
        let (mut len, mut position) = (0, Some(0));
        while let Some(at) = position {
            let (bucket, next) = self.trie().bucket_at(reader, at)?;
            len += bucket.len();
            position = next;
        }
        Ok(len)
    }

    /// Whether there is no entry: looks for a bucket that has one.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tags = heap.atomically(|tx| Ok(TxHashMap::<u64, Tag>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| tags.is_empty(s)), Ok(true));
    /// ```
    pub fn is_empty(self, reader: &impl Read) -> Result<bool, AccessError> {
        match Entries::new(self.trie(), reader).next() {
            None => Ok(true),
            Some(entry) => entry.map(|_| false),
        }
    }
}

/// Where a key leads, and where it is.
struct Found<'r, K> {
    hash: u64,
    place: Place<'r, K>,
    at: Option<usize>,
}

impl<K> Found<'_, K> {
    fn value(&self) -> Option<Handle> {
        self.place.bucket.values.get(self.at?).copied()
    }
}
