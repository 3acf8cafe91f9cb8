//! The trie of tables over the buckets.
//!
//! # Protocol
//!
//! Extendible hashing, in tables of a limited size: a bucket that is full is parted by one more
//! bit of the hash, which concerns its table and nobody else. When the table's bits are used up, a
//! further table takes the bucket's place. Nothing is ever rehashed as a whole.
//!
//! Which bucket is responsible for a hash changes only with the bucket itself: parting writes it.
//! So whoever has *read* the bucket need not depend on the tables, and peeks at them.

use std::hash::Hash;
use std::marker::PhantomData;

use upgradable_stm::Handle;

use super::node::{BITS, BUCKET, Bucket, PLACES, Root, Table, hash_of};
use crate::access::AccessError;
use crate::collections::Key;
use crate::object::Ref;
use crate::txn::{Read, Tx};

/// A trie, whatever its values are.
pub(super) struct Trie<K>(pub(super) Ref<Root<K>>);

impl<K> Clone for Trie<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Trie<K> {}

/// Where a hash leads.
pub(super) struct Place<'r, K> {
    /// The table that the bucket is in; `None` is the first one, in the root.
    owner: Option<Ref<Table>>,
    table: &'r Table,
    /// Bits of the hash that lead to that table.
    used: u32,
    handle: Handle,
    pub(super) bucket: &'r Bucket<K>,
}

impl<K> Place<'_, K> {
    pub(super) fn bucket_ref(&self) -> Ref<Bucket<K>> {
        Ref::new(self.handle)
    }

    /// Bits that all hashes of the bucket share.
    pub(super) fn bits(&self) -> u32 {
        self.used + self.table.shared_bits(self.handle)
    }
}

impl<K: Key + Hash + Eq> Trie<K> {
    pub(super) fn create(tx: &Tx<'_>, seed: [u64; 2]) -> Result<Self, AccessError> {
        tx.admit::<Table>()?;
        let bucket = tx.create(Bucket::<K>::new())?;
        let table = Table::of(vec![bucket.handle()]);
        Ok(Self(tx.create(Root { seed, table, keys: PhantomData })?))
    }

    /// The bucket that is responsible for a hash.
    #[inline]
    pub(super) fn find<R: Read>(self, reader: &R, hash: u64) -> Result<Place<'_, K>, AccessError> {
        let mut table = &reader.peek(self.0)?.table;
        let (mut owner, mut used) = (None, 0);
        while used < u64::BITS {
            let place = table.place_of(hash, used);
            let handle = table.at(place)?;
            if !table.is_table(place) {
                let bucket = reader.read(Ref::new(handle))?;
                return Ok(Place { owner, table, used, handle, bucket });
            }
            let next = Ref::new(handle);
            (owner, table) = (Some(next), reader.peek(next)?);
            used += BITS;
        }
        Err(AccessError::Foreign)
    }

    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(
        self,
        reader: &impl Read,
        key: &Q,
    ) -> Result<u64, AccessError> {
        Ok(hash_of(reader.peek(self.0)?.seed, key))
    }

    /// Enters a key that is not there.
    pub(super) fn insert(
        self,
        tx: &Tx<'_>,
        hash: u64,
        key: K,
        value: Handle,
    ) -> Result<(), AccessError> {
        loop {
            let place = self.find(tx, hash)?;
            // Where all bits are the same there is nothing to part by.
            if place.bucket.len() < BUCKET || place.bits() >= u64::BITS {
                return tx.modify(place.bucket_ref(), |bucket| bucket.push(hash, key, value));
            }
            self.part(tx, &place, hash)?;
        }
    }

    /// Parts a bucket by one more bit.
    fn part(self, tx: &Tx<'_>, place: &Place<'_, K>, hash: u64) -> Result<(), AccessError> {
        let shared = place.table.shared_bits(place.handle);
        let split =
            tx.modify(place.bucket_ref(), |bucket| bucket.split_off(place.used + shared))?;
        let other = tx.create(split)?.handle();
        if 1 << shared < PLACES {
            return self.change(tx, place.owner, |table| table.part(place.handle, shared, other));
        }
        let further = tx.create(Table::of(vec![place.handle, other]))?.handle();
        let at = place.table.place_of(hash, place.used);
        self.change(tx, place.owner, |table| table.set_table(at, further))
    }

    fn change(
        self,
        tx: &Tx<'_>,
        owner: Option<Ref<Table>>,
        change: impl FnOnce(&mut Table),
    ) -> Result<(), AccessError> {
        match owner {
            None => tx.modify(self.0, |root| change(&mut root.table)),
            Some(table) => tx.modify(table, change),
        }
    }

    /// The bucket at a position, and the position behind it: positions are hashes read backwards,
    /// so that what a bucket holds lies together, and parting it changes no position.
    pub(super) fn bucket_at<R: Read>(
        self,
        reader: &R,
        position: u64,
    ) -> Result<(&Bucket<K>, Option<u64>), AccessError> {
        let place = self.find(reader, position.reverse_bits())?;
        let bits = place.bits();
        let next = match bits {
            0 => None,
            _ => (position >> (u64::BITS - bits)).wrapping_add(1).checked_shl(u64::BITS - bits),
        };
        // The last one is followed by what no longer fits.
        Ok((place.bucket, next.filter(|next| *next > position)))
    }

    /// Deletes everything but the root, and shows all values.
    pub(super) fn delete_nodes(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        Self::delete_below(tx, &tx.read(self.0)?.table, value)
    }

    fn delete_below(
        tx: &Tx<'_>,
        table: &Table,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        for (place, &at) in table.places.iter().enumerate() {
            if table.is_table(place) {
                let further = Ref::<Table>::new(at);
                Self::delete_below(tx, tx.read(further)?, value)?;
                tx.delete(further)?;
            } else if place >> table.shared_bits(at) == 0 {
                // At the first of its places.
                let bucket = Ref::<Bucket<K>>::new(at);
                tx.read(bucket)?.values.iter().try_for_each(|&at| value(at))?;
                tx.delete(bucket)?;
            }
        }
        Ok(())
    }

    /// Takes out all entries, and shows their values.
    ///
    /// All buckets go, for whoever reads one of them must meet this.
    pub(super) fn clear(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        self.delete_nodes(tx, value)?;
        let bucket = tx.create(Bucket::<K>::new())?;
        tx.modify(self.0, |root| root.table = Table::of(vec![bucket.handle()]))
    }
}
