//! Whether the trie is as it should be.

use std::collections::HashSet;
use std::hash::Hash;

use upgradable_stm::Handle;

use super::TxHashMap;
use super::node::{BITS, BUCKET, Bucket, PLACES, Table, hash_of};
use crate::collections::{CheckError, Key};
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Read;

impl<K: Key + Hash + Eq, V: Upgradable> TxHashMap<K, V> {
    /// Checks that the map's structure is sound: all nodes are there, each in its places, and each
    /// key once and where its hash leads. Values are not looked at.
    ///
    /// Reads the whole map. For tests, and for doubts.
    ///
    /// # Errors
    ///
    /// [`CheckError`] with the first fault.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::TxHashMap};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let heap = Heap::new();
    /// let tags = heap.atomically(|tx| {
    ///     let tags = TxHashMap::<u64, Tag>::create(tx)?;
    ///     tags.extend(tx, (0..1_000).map(|n| (n, Tag(0))))?;
    ///     Ok(tags)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
    /// ```
    pub fn check(self, reader: &impl Read) -> Result<(), CheckError> {
        let root = reader.read(self.root)?;
        let mut check = Check { reader, seed: root.seed, nodes: HashSet::new() };
        check.table::<K>(&root.table, 0, 0)
    }
}

struct Check<'r, R> {
    reader: &'r R,
    seed: [u64; 2],
    nodes: HashSet<Handle>,
}

fn broken(what: &'static str) -> Result<(), CheckError> {
    Err(CheckError::Broken(what))
}

impl<R: Read> Check<'_, R> {
    /// `ending`: the last `used` bits of all hashes below.
    fn table<K: Key + Hash + Eq>(
        &mut self,
        table: &Table,
        used: u32,
        ending: u64,
    ) -> Result<(), CheckError> {
        let len = table.places.len();
        if !len.is_power_of_two() || len > PLACES || used >= u64::BITS {
            return broken("a table has too many places, or no power of two of them");
        }
        for (place, &at) in table.places.iter().enumerate() {
            let ending = ending | (place as u64) << used;
            if table.is_table(place) {
                if len < PLACES || !self.nodes.insert(at) {
                    return broken("a table is where no table should be");
                }
                let further = self.reader.read(Ref::<Table>::new(at))?;
                self.table::<K>(further, used + BITS, ending)?;
                continue;
            }
            let shared = table.shared_bits(at);
            let first = place & ((1 << shared) - 1);
            if table.places[first] != at {
                return broken("a bucket's places do not end alike");
            }
            if place == first {
                if !self.nodes.insert(at) {
                    return broken("a node has two places");
                }
                self.bucket(self.reader.read(Ref::<Bucket<K>>::new(at))?, used + shared, ending)?;
            }
        }
        Ok(())
    }

    fn bucket<K: Key + Hash + Eq>(
        &self,
        bucket: &Bucket<K>,
        bits: u32,
        ending: u64,
    ) -> Result<(), CheckError> {
        if bucket.keys.len() != bucket.len() || bucket.values.len() != bucket.len() {
            return broken("a bucket has not as many keys, values and hashes");
        }
        if bucket.len() > BUCKET && bits < u64::BITS {
            return broken("a bucket has too many entries");
        }
        for (at, (hash, key)) in bucket.hashes.iter().zip(&bucket.keys).enumerate() {
            if *hash != hash_of(self.seed, key) {
                return broken("a key's hash is not what it was");
            }
            if bits > 0 && (hash ^ ending) << (u64::BITS - bits) != 0 {
                return broken("a key lies in the wrong bucket");
            }
            if bucket.keys[..at].contains(key) {
                return broken("a key is there twice");
            }
        }
        Ok(())
    }
}
