//! Putting entries in and taking them out.

use std::borrow::Borrow;
use std::hash::Hash;

use super::{Found, TxHashMap};
use crate::access::AccessError;
use crate::collections::{Key, create_value, delete_value, whole};
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Tx;

impl<K: Key + Hash + Eq, V: Upgradable> TxHashMap<K, V> {
    /// Sets the value of a key. A new key's value becomes an object; of a key that was there, the
    /// object stays and is written, and its former value is returned.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or the value can't be had, or `V` is not the current version of
    /// its lineage.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     assert!(tags.insert(tx, 1, Tag(1))?.is_none());
    ///     assert_eq!(tags.insert(tx, 1, Tag(2))?.map(|tag| tag.0), Some(1));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn insert<'t>(self, tx: &Tx<'t>, key: K, value: V) -> Result<Option<&'t V>, AccessError> {
        let found = self.find(tx, &key)?;
        if let Some(object) = found.value() {
            return tx.replace(Ref::new(object), value).map(Some);
        }
        create_value(tx, value, |value| self.trie().insert(tx, found.hash, key, value))?;
        Ok(None)
    }

    /// Makes an object the value of a key. Returns the object that was the value before, which
    /// stays.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had. The object is not looked at.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     let (one, two) = (tx.create(Tag(1))?, tx.create(Tag(2))?);
    ///     assert_eq!(tags.insert_ref(tx, 1, one)?, None);
    ///     assert_eq!(tags.insert_ref(tx, 1, two)?, Some(one));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn insert_ref(
        self,
        tx: &Tx<'_>,
        key: K,
        value: Ref<V>,
    ) -> Result<Option<Ref<V>>, AccessError> {
        let found = self.find(tx, &key)?;
        let Some((at, before)) = found.at.zip(found.value()) else {
            self.trie().insert(tx, found.hash, key, value.handle())?;
            return Ok(None);
        };
        tx.modify(found.place.bucket_ref(), |bucket| bucket.values[at] = value.handle())?;
        Ok(Some(Ref::new(before)))
    }

    /// The object that is the value of a key; if there is none, one is created.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had, or `V` is not the current version of its lineage.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Count(u64);
    /// Heap::new().atomically(|tx| {
    ///     let words = TxHashMap::<String, Count>::create(tx)?;
    ///     for word in ["to", "be", "or", "not", "to", "be"] {
    ///         let count = words.get_or_insert_with(tx, word.to_owned(), || Count(0))?;
    ///         tx.modify(count, |count| count.0 += 1)?;
    ///     }
    ///     assert_eq!(words.get(tx, "be")?.map(|count| count.0), Some(2));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn get_or_insert_with(
        self,
        tx: &Tx<'_>,
        key: K,
        value: impl FnOnce() -> V,
    ) -> Result<Ref<V>, AccessError> {
        if let Some(value) = self.get_ref(tx, &key)? {
            return Ok(value);
        }
        create_value(tx, value(), |value| self.insert_ref(tx, key, Ref::new(value)).map(drop))
    }

    /// Changes the value of a key in place. `None`: there is no such key.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or the value can't be had.
    ///
    /// # Panics
    ///
    /// As [`Tx::modify`].
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.insert(tx, 1, Tag(1))?;
    ///     assert_eq!(tags.modify(tx, &1, |tag| { tag.0 += 1; tag.0 })?, Some(2));
    ///     assert_eq!(tags.modify(tx, &2, |tag| tag.0)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn modify<Q: Hash + Eq + ?Sized, R>(
        self,
        tx: &Tx<'_>,
        key: &Q,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<Option<R>, AccessError>
    where
        K: Borrow<Q>,
    {
        self.get_ref(tx, key)?.map(|value| tx.modify(value, change)).transpose()
    }

    /// Takes an entry out and deletes its value, which is returned.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or the value can't be had. An entry whose value has been deleted
    /// already can be taken out by [`remove_ref`](Self::remove_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.insert(tx, 1, Tag(1))?;
    ///     assert_eq!(tags.remove(tx, &1)?.map(|tag| tag.0), Some(1));
    ///     assert!(tags.remove(tx, &1)?.is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn remove<'t, Q: Hash + Eq + ?Sized>(
        self,
        tx: &Tx<'t>,
        key: &Q,
    ) -> Result<Option<&'t V>, AccessError>
    where
        K: Borrow<Q>,
    {
        let found = self.find(tx, key)?;
        let Some((at, value)) = found.at.zip(found.value()) else { return Ok(None) };
        let object = Ref::<V>::new(value);
        let value = tx.read(object)?;
        self.take_out(tx, &found, at)?;
        tx.delete(object)?;
        Ok(Some(value))
    }

    /// Takes an entry out. The object that was its value stays, and is returned.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (tags, tag) = (TxHashMap::<u64, Tag>::create(tx)?, tx.create(Tag(1))?);
    ///     tags.insert_ref(tx, 1, tag)?;
    ///     assert_eq!(tags.remove_ref(tx, &1)?, Some(tag));
    ///     assert_eq!(tx.read(tag)?.0, 1);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn remove_ref<Q: Hash + Eq + ?Sized>(
        self,
        tx: &Tx<'_>,
        key: &Q,
    ) -> Result<Option<Ref<V>>, AccessError>
    where
        K: Borrow<Q>,
    {
        let found = self.find(tx, key)?;
        let Some((at, value)) = found.at.zip(found.value()) else { return Ok(None) };
        self.take_out(tx, &found, at)?;
        Ok(Some(Ref::new(value)))
    }

    fn take_out(self, tx: &Tx<'_>, found: &Found<'_, K>, at: usize) -> Result<(), AccessError> {
        tx.modify(found.place.bucket_ref(), |bucket| bucket.remove(at))
    }

    /// Inserts all these entries.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, [(1, Tag(1)), (2, Tag(2))])?;
    ///     assert_eq!(tags.len(tx)?, 2);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn extend(
        self,
        tx: &Tx<'_>,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), AccessError> {
        entries.into_iter().try_for_each(|(key, value)| self.insert(tx, key, value).map(drop))
    }

    /// Inserts all these entries, whose values are objects already.
    ///
    /// # Errors
    ///
    /// As [`insert_ref`](Self::insert_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend_refs(tx, [(1, tx.create(Tag(1))?), (2, tx.create(Tag(2))?)])?;
    ///     assert_eq!(tags.len(tx)?, 2);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn extend_refs(
        self,
        tx: &Tx<'_>,
        entries: impl IntoIterator<Item = (K, Ref<V>)>,
    ) -> Result<(), AccessError> {
        entries.into_iter().try_for_each(|(key, value)| self.insert_ref(tx, key, value).map(drop))
    }

    /// Takes out all entries and deletes their values. Values that have been deleted already are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map or a value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, [(1, Tag(1)), (2, Tag(2))])?;
    ///     tags.clear(tx)?;
    ///     assert!(tags.is_empty(tx)?);
    ///     Ok(())
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Tag>().count()), 0);
    /// ```
    pub fn clear(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.trie().clear(tx, &mut |value| delete_value::<V>(tx, value)))
    }

    /// Takes out all entries. The objects that were their values stay.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, [(1, Tag(1)), (2, Tag(2))])?;
    ///     Ok(tags.clear_refs(tx)?)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Tag>().count()), 2);
    /// ```
    pub fn clear_refs(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.trie().clear(tx, &mut |_| Ok(())))
    }

    /// Deletes the map, with everything it is made of, and the values.
    ///
    /// # Errors
    ///
    /// As [`clear`](Self::clear).
    ///
    /// ```
    /// # use upgradable::{AccessError, Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.delete(tx)?;
    ///     assert_eq!(tags.len(tx), Err(AccessError::Deleted));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn delete(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || {
            self.trie().delete_nodes(tx, &mut |value| delete_value::<V>(tx, value))?;
            tx.delete(self.root)
        })
    }

    /// Deletes the map, with everything it is made of. The objects that were its values stay.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.insert(tx, 1, Tag(1))?;
    ///     Ok(tags.delete_refs(tx)?)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Tag>().count()), 1);
    /// ```
    pub fn delete_refs(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || {
            self.trie().delete_nodes(tx, &mut |_| Ok(()))?;
            tx.delete(self.root)
        })
    }

    /// Moves all entries into a new map, under new keys, and deletes this one. The values are the
    /// same objects. Of two entries with the same new key the later one stays, and the other's
    /// value is in no map any more.
    ///
    /// This is the way to another type of keys.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the map can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// Heap::new().atomically(|tx| {
    ///     let tags = TxHashMap::<u32, Tag>::create(tx)?;
    ///     tags.insert(tx, 7, Tag(1))?;
    ///     let tags: TxHashMap<String, Tag> = tags.rekey(tx, |number| number.to_string())?;
    ///     assert!(tags.contains_key(tx, "7")?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn rekey<L: Key + Hash + Eq>(
        self,
        tx: &Tx<'_>,
        mut key: impl FnMut(&K) -> L,
    ) -> Result<TxHashMap<L, V>, AccessError> {
        whole(tx, || {
            let new = TxHashMap::create(tx)?;
            for entry in self.iter_refs(tx) {
                let (old, value) = entry?;
                new.insert_ref(tx, key(old), value)?;
            }
            self.delete_refs(tx)?;
            Ok(new)
        })
    }
}
