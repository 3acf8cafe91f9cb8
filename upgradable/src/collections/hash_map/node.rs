//! The objects that a hash map is made of.

use std::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;
use smallvec::SmallVec;
use upgradable_stm::Handle;

use crate::access::AccessError;
use crate::collections::handle::node;

/// Entries of a bucket: with keys and values of eight bytes it still lies in its slot. This crate's
/// own tests have small nodes, for high tries.
pub(super) const BUCKET: usize = if cfg!(test) { 4 } else { 16 };
/// Bits of the hash that one table tells apart.
pub(super) const BITS: u32 = if cfg!(test) { 2 } else { 8 };
/// Places of a table.
pub(super) const PLACES: usize = 1 << BITS;

/// Entries whose hashes end alike.
///
/// It has more than [`BUCKET`] of them only if their hashes are the same in all bits.
#[derive(Clone, Debug)]
pub(crate) struct Bucket<K> {
    pub(super) hashes: SmallVec<[u64; BUCKET]>,
    pub(super) keys: SmallVec<[K; BUCKET]>,
    pub(super) values: SmallVec<[Handle; BUCKET]>,
}

/// Where hashes go by some of their bits: the number of places is a power of two, and a bucket has
/// all places that end in the bits which its hashes share.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(super) places: Vec<Handle>,
    /// Which places are further tables, by the next bits; they have one place each.
    pub(super) tables: [u64; PLACES.div_ceil(64)],
}

/// The first table, and the key of the hash function.
#[derive(Clone, Debug)]
pub(crate) struct Root<K> {
    pub(super) seed: [u64; 2],
    pub(super) table: Table,
    /// What keys are like is a part of what the map is.
    pub(super) keys: std::marker::PhantomData<fn() -> K>,
}

const _: () = assert!(size_of::<Bucket<u64>>() <= 448, "a larger value lies in a box of its own");

node!(Bucket[K], "TxHashMap.Bucket", BUCKET);
node!(Table[], "TxHashMap.Table", PLACES);
node!(Root[K], "TxHashMap.Root", PLACES);

/// The hash of a key in a map with this seed.
pub(super) fn hash_of<Q: Hash + ?Sized>(seed: [u64; 2], key: &Q) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed[0], seed[1]);
    key.hash(&mut hasher);
    hasher.finish()
}

impl<K> Bucket<K> {
    pub(super) fn new() -> Self {
        Self { hashes: SmallVec::new(), keys: SmallVec::new(), values: SmallVec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// The number of the entry with this hash that `is_key` agrees to.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_key: impl Fn(&K) -> bool) -> Option<usize> {
        let mut entries = self.hashes.iter().zip(&self.keys);
        entries.position(|(at, key)| *at == hash && is_key(key))
    }

    pub(super) fn push(&mut self, hash: u64, key: K, value: Handle) {
        self.hashes.push(hash);
        self.keys.push(key);
        self.values.push(value);
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.hashes.swap_remove(at);
        self.keys.swap_remove(at);
        self.values.swap_remove(at);
    }

    /// Takes away the entries with this bit in their hashes.
    pub(super) fn split_off(&mut self, bit: u32) -> Self {
        let mut split = Self::new();
        for at in (0..self.len()).rev() {
            if self.hashes[at] >> bit & 1 == 1 {
                let (hash, key) = (self.hashes.swap_remove(at), self.keys.swap_remove(at));
                split.push(hash, key, self.values.swap_remove(at));
            }
        }
        split
    }
}

impl Table {
    pub(super) fn of(places: Vec<Handle>) -> Self {
        Self { places, tables: [0; PLACES.div_ceil(64)] }
    }

    /// The place of a hash, of which these bits have been used up.
    #[inline]
    pub(super) fn place_of(&self, hash: u64, used: u32) -> usize {
        (hash >> used) as usize & self.places.len().wrapping_sub(1)
    }

    /// What is at a place. Only a forged handle leads to a table without it.
    #[inline]
    pub(super) fn at(&self, place: usize) -> Result<Handle, AccessError> {
        self.places.get(place).copied().ok_or(AccessError::Foreign)
    }

    #[inline]
    pub(super) fn is_table(&self, place: usize) -> bool {
        self.tables[place / 64] >> (place % 64) & 1 == 1
    }

    pub(super) fn set_table(&mut self, place: usize, table: Handle) {
        self.places[place] = table;
        self.tables[place / 64] |= 1 << (place % 64);
    }

    /// How many bits the hashes of a bucket share, of those that the table tells apart.
    pub(super) fn shared_bits(&self, bucket: Handle) -> u32 {
        let places = self.places.iter().filter(|at| **at == bucket).count().max(1);
        (self.places.len() / places).ilog2()
    }

    /// Gives half of a bucket's places to another one.
    pub(super) fn part(&mut self, bucket: Handle, shared: u32, other: Handle) {
        let len = self.places.len();
        if len == 1 << shared {
            // There is no table in it yet: only one that can't grow has some.
            self.places.extend_from_within(..);
        }
        for (place, at) in self.places.iter_mut().enumerate() {
            if *at == bucket && place >> shared & 1 == 1 {
                *at = other;
            }
        }
    }
}
