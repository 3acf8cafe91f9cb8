//! What only this module can do to a map: take its nodes away, and put them in disorder. And a
//! comparison with the standard library's map, with nodes so small that the tries are high.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use proptest::prelude::*;
use upgradable_derive::Upgradable;

use super::node::{BUCKET, Bucket, Table};
use super::{Root, TxHashMap};
use crate::access::AccessError;
use crate::collections::CheckError;
use crate::object::Ref;
use crate::{Heap, Shape, Tx, Upgrade};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Tag", crate = crate)]
struct Tag(u64);

type Tags = TxHashMap<u64, Tag>;

fn filled(heap: &Heap) -> Tags {
    heap.atomically(|tx| {
        let tags = Tags::create_seeded(tx, [1, 2])?;
        let tag = tx.create(Tag(0))?;
        tags.extend_refs(tx, (0..500).map(|key| (key, tag)))?;
        Ok(tags)
    })
    .unwrap()
}

fn bucket_of(tx: &Tx<'_>, tags: Tags, key: u64) -> Ref<Bucket<u64>> {
    tags.find(tx, &key).unwrap().place.bucket_ref()
}

#[test]
fn a_map_without_one_of_its_buckets_gives_errors() {
    let heap = Heap::new();
    let tags = filled(&heap);
    heap.atomically(|tx| Ok(tx.delete(bucket_of(tx, tags, 300))?)).unwrap();
    let gone = AccessError::Deleted;
    heap.snapshot(|s| {
        assert_eq!(tags.get(s, &300), Err(gone.clone()));
        assert!((0..500).filter(|key| tags.get(s, key).is_ok()).count() >= 500 - BUCKET);
        assert_eq!(tags.len(s), Err(gone.clone()));
        assert_eq!(tags.check(s), Err(CheckError::Access(gone.clone())));
        let all: Vec<_> = tags.iter_refs(s).map(|entry| entry.map(drop)).collect();
        assert_eq!(all.last(), Some(&Err(gone.clone())));
        assert_eq!(all.iter().filter(|entry| entry.is_err()).count(), 1);
    });
    for part in 0..3 {
        let ended = heap.atomically(|tx| {
            match part {
                0 => drop(tags.insert(tx, 300, Tag(1))?),
                1 => drop(tags.remove_ref(tx, &300)?),
                _ => tags.delete(tx)?,
            }
            Ok(())
        });
        assert_eq!(ended.unwrap_err().access(), Some(&gone), "part {part}");
    }
}

#[test]
fn a_map_without_a_table_gives_errors() {
    let heap = Heap::new();
    let tags = filled(&heap);
    heap.atomically(|tx| {
        let table = &tx.read(tags.root)?.table;
        assert!(table.is_table(0), "there are enough entries");
        Ok(tx.delete(Ref::<Table>::new(table.places[0]))?)
    })
    .unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.len(s), Err(AccessError::Deleted));
        assert!((0..500).any(|key| tags.get(s, &key) == Err(AccessError::Deleted)));
        assert_eq!(
            tags.iter(s).map(|e| e.map(drop)).collect::<Vec<_>>(),
            [Err(AccessError::Deleted)]
        );
    });
}

#[test]
fn planted_faults_are_found() {
    type Plant = fn(&mut Bucket<u64>);
    let plants: [(Plant, &str); 5] = [
        (|bucket| bucket.keys[0] += 1, "a key's hash is not what it was"),
        (|bucket| bucket.values.clear(), "a bucket has not as many keys, values and hashes"),
        (
            |bucket| {
                let value = bucket.values[0];
                bucket.push(bucket.hashes[0], bucket.keys[0], value);
                bucket.values.truncate(2);
                bucket.keys.swap_remove(1);
                bucket.hashes.swap_remove(1);
                bucket.keys.truncate(2);
                bucket.hashes.truncate(2);
            },
            "a key is there twice",
        ),
        (
            |bucket| {
                let other = (0..).find(|key| !bucket.keys.contains(key)).unwrap();
                bucket.keys[0] = other;
                bucket.hashes[0] = super::node::hash_of([1, 2], &other);
            },
            "a key lies in the wrong bucket",
        ),
        (
            |bucket| {
                for _ in 0..BUCKET {
                    let (hash, key, value) = (bucket.hashes[0], bucket.keys[0], bucket.values[0]);
                    bucket.push(hash, key, value);
                }
            },
            "a bucket has too many entries",
        ),
    ];
    for (plant, what) in plants {
        let heap = Heap::new();
        let tags = filled(&heap);
        assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
        // One with two entries at least.
        heap.atomically(|tx| {
            let full = |key: &u64| tags.find(tx, key).unwrap().place.bucket.len() > 1;
            let key = (0..500).find(full).expect("some keys lie together");
            Ok(tx.modify(bucket_of(tx, tags, key), plant)?)
        })
        .unwrap();
        assert_eq!(heap.snapshot(|s| tags.check(s)), Err(CheckError::Broken(what)));
    }
    type PlantAbove = fn(&mut Root<u64>);
    let plants: [(PlantAbove, &str); 3] = [
        (
            |root| root.table.places.truncate(3),
            "a table has too many places, or no power of two of them",
        ),
        (|root| root.table.places.truncate(2), "a table is where no table should be"),
        (|root| root.seed = [2, 1], "a key's hash is not what it was"),
    ];
    for (plant, what) in plants {
        let heap = Heap::new();
        let tags = filled(&heap);
        heap.atomically(|tx| Ok(tx.modify(tags.root, plant)?)).unwrap();
        assert_eq!(heap.snapshot(|s| tags.check(s)), Err(CheckError::Broken(what)));
    }
}

#[test]
fn a_map_that_grows_after_a_flip_survives_the_roll_back() {
    let heap = Heap::new();
    let tags = heap.atomically(|tx| Ok(Tags::create(tx)?)).unwrap();
    let tag = heap.atomically(|tx| Ok(tx.create(Tag(0))?)).unwrap();
    let running = heap.upgrade(Upgrade::to("2").refresh::<Tag>()).unwrap();
    // The first tables of this heap.
    heap.atomically(|tx| Ok(tags.extend_refs(tx, (0..500).map(|key| (key, tag)))?)).unwrap();
    running.wait().unwrap();
    running.roll_back().unwrap().wait().unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.check(s), Ok(()));
        assert_eq!(tags.len(s), Ok(500));
    });
}

/// A key that hashes as badly as can be.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Same(u16);

impl Hash for Same {
    fn hash<H: Hasher>(&self, state: &mut H) {
        0_u8.hash(state);
    }
}

impl Shape for Same {
    const NAME: &'static str = "test.Same";
}

#[test]
fn keys_that_hash_alike_are_kept_apart_all_the_same() {
    let heap = Heap::new();
    heap.atomically(|tx| {
        let map = TxHashMap::<Same, Tag>::create(tx)?;
        map.extend(tx, (0..40).map(|n| (Same(n), Tag(u64::from(n)))))?;
        assert_eq!(map.check(tx), Ok(()));
        assert_eq!(map.len(tx)?, 40);
        assert!((0..40).all(|n| map.get(tx, &Same(n)).unwrap() == Some(&Tag(u64::from(n)))));
        assert_eq!(map.iter(tx).count(), 40);
        assert_eq!(map.remove(tx, &Same(7))?, Some(&Tag(7)));
        assert_eq!(map.get(tx, &Same(7))?, None);
        Ok(())
    })
    .unwrap();
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u16, u64),
    Remove(u16),
    /// While an iterator goes over the map.
    RemoveSome(u16),
    InsertMany(u16, u16),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..300_u16;
    prop_oneof![
        8 => (key(), any::<u64>()).prop_map(|(key, value)| Op::Insert(key, value)),
        8 => key().prop_map(Op::Remove),
        2 => (2..9_u16).prop_map(Op::RemoveSome),
        3 => (key(), 0..80_u16).prop_map(|(from, count)| Op::InsertMany(from, count)),
        1 => Just(Op::Clear),
    ]
}

fn apply(tx: &Tx<'_>, map: TxHashMap<u16, Tag>, model: &mut HashMap<u16, u64>, op: &Op) {
    match *op {
        Op::Insert(key, value) => {
            let before = map.insert(tx, key, Tag(value)).unwrap();
            assert_eq!(before.map(|tag| tag.0), model.insert(key, value));
        }
        Op::Remove(key) => {
            assert_eq!(map.remove(tx, &key).unwrap().map(|tag| tag.0), model.remove(&key));
        }
        Op::RemoveSome(every) => {
            let mut seen = 0;
            for entry in map.iter_refs(tx) {
                let key = *entry.unwrap().0;
                seen += 1;
                if key % every == 0 {
                    assert!(map.remove(tx, &key).unwrap().is_some());
                }
            }
            assert_eq!(seen, model.len());
            model.retain(|key, _| key % every != 0);
        }
        Op::InsertMany(from, count) => {
            // What was there the whole time comes once, whatever is parted meanwhile.
            let before: Vec<u16> = model.keys().copied().collect();
            let mut seen = Vec::new();
            let mut there = map.iter_refs(tx);
            for key in from..from + count {
                seen.extend(there.next().map(|entry| *entry.unwrap().0));
                map.insert(tx, key, Tag(1)).unwrap();
                model.insert(key, 1);
            }
            seen.extend(there.map(|entry| *entry.unwrap().0));
            assert!(before.iter().all(|key| seen.contains(key)));
            let count = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), count, "a key came twice");
        }
        Op::Clear => {
            map.clear(tx).unwrap();
            model.clear();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_is_what_the_standard_map_is(
        seed in any::<[u64; 2]>(),
        transactions in prop::collection::vec(prop::collection::vec(op(), 1..12), 1..20),
    ) {
        let heap = Heap::new();
        let create = |tx: &Tx<'_>| Ok(TxHashMap::<u16, Tag>::create_seeded(tx, seed)?);
        let map = heap.atomically(create).unwrap();
        let mut model = HashMap::new();
        for ops in &transactions {
            heap.atomically(|tx| {
                ops.iter().for_each(|op| apply(tx, map, &mut model, op));
                assert_eq!(map.check(tx), Ok(()));
                Ok(())
            }).unwrap();
            heap.snapshot(|s| {
                assert_eq!(map.check(s), Ok(()));
                assert_eq!(map.len(s), Ok(model.len()));
                assert_eq!(map.is_empty(s), Ok(model.is_empty()));
                let found = map.iter(s).map(|e| e.map(|(key, tag)| (*key, tag.0)).unwrap());
                assert_eq!(found.collect::<HashMap<_, _>>(), model.clone());
                for key in 0..300 {
                    assert_eq!(map.get(s, &key).unwrap().map(|tag| tag.0), model.get(&key).copied());
                }
            });
        }
        heap.atomically(|tx| Ok(map.delete(tx)?)).unwrap();
        heap.snapshot(|s| {
            assert_eq!(s.objects::<Tag>().count(), 0);
            assert_eq!(s.objects::<Bucket<u16>>().count(), 0);
            assert_eq!(s.objects::<Table>().count(), 0);
            assert_eq!(s.objects::<Root<u16>>().count(), 0);
        });
    }
}
