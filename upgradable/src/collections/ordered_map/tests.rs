//! What only this module can do to a map: take its nodes away, and put them in disorder. And a
//! comparison with the standard library's map, with nodes so small that the trees are high.

use std::collections::BTreeMap;
use std::ops::Bound;

use proptest::prelude::*;

use upgradable_derive::Upgradable;

use super::node::{Inner, Leaf};
use super::{OrderedMap, Root};
use crate::access::AccessError;
use crate::collections::CheckError;
use crate::object::Ref;
use crate::{Heap, Tx};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Tag", crate = crate)]
struct Tag(u64);

type Tags = OrderedMap<u64, Tag>;

/// Several levels of nodes.
fn filled(heap: &Heap) -> Tags {
    heap.atomically(|tx| {
        let tags = Tags::create(tx)?;
        let tag = tx.create(Tag(0))?;
        tags.extend_refs(tx, (0..2_000).map(|key| (key, tag)))?;
        assert!(tx.read(tags.root)?.levels > 2);
        Ok(tags)
    })
    .unwrap()
}

fn leaf_of(tx: &Tx<'_>, tags: Tags, key: u64) -> Ref<Leaf<u64>> {
    let mut found = None;
    tags.tree()
        .each_leaf(tx, &mut |at, leaf| {
            found = found.or(leaf.keys.contains(&key).then_some(at));
            Ok(())
        })
        .unwrap();
    found.expect("the key is there")
}

fn broken(heap: &Heap, tags: Tags) -> &'static str {
    match heap.snapshot(|s| tags.check(s)) {
        Err(CheckError::Broken(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_map_without_one_of_its_leaves_gives_errors() {
    let heap = Heap::new();
    let tags = filled(&heap);
    heap.atomically(|tx| Ok(tx.delete(leaf_of(tx, tags, 1_000))?)).unwrap();
    let gone = AccessError::Deleted;
    heap.snapshot(|s| {
        assert_eq!(tags.get(s, &1_000), Err(gone.clone()));
        assert!(tags.get(s, &10).unwrap().is_some());
        assert_eq!(tags.len(s), Err(gone.clone()));
        assert_eq!(tags.check(s), Err(CheckError::Access(gone.clone())));
        // Both ways up to the hole, then the error, then nothing.
        for keys in [
            tags.iter_refs(s).map(|entry| entry.map(|_| ())).collect::<Vec<_>>(),
            tags.iter_refs(s).rev().map(|entry| entry.map(|_| ())).collect(),
        ] {
            assert!(keys.len() > 900 && keys.len() < 1_100, "{}", keys.len());
            assert_eq!(keys.last(), Some(&Err(gone.clone())));
        }
    });
    for part in 0..4 {
        let ended = heap.atomically(|tx| {
            match part {
                0 => drop(tags.insert(tx, 1_000, Tag(1))?),
                1 => drop(tags.remove_ref(tx, &1_000)?),
                2 => tags.clear(tx)?,
                // Empties the neighbours until they want to be joined with what is not there.
                _ => {
                    for key in (980..1_000).rev() {
                        tags.remove_ref(tx, &key)?;
                    }
                }
            }
            Ok(())
        });
        assert_eq!(ended.unwrap_err().access(), Some(&gone), "part {part}");
    }
}

#[test]
fn a_map_without_an_inner_node_gives_errors() {
    let heap = Heap::new();
    let tags = filled(&heap);
    heap.atomically(|tx| {
        let first = tx.read(tags.root)?.top.children[0];
        Ok(tx.delete(Ref::<Inner<u64>>::new(first))?)
    })
    .unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.get(s, &0), Err(AccessError::Deleted));
        assert_eq!(
            tags.iter(s).map(|entry| entry.map(drop)).last(),
            Some(Err(AccessError::Deleted))
        );
        assert_eq!(tags.first(s), Err(AccessError::Deleted));
    });
    let popped = heap.atomically(|tx| Ok(tags.pop_first_ref(tx)?.map(drop)));
    assert_eq!(popped.unwrap_err().access(), Some(&AccessError::Deleted));
}

#[test]
fn planted_faults_are_found() {
    type Plant = fn(&mut Leaf<u64>);
    let plants: [(Plant, &str); 5] = [
        (|leaf| leaf.keys.swap(0, 1), "keys of a leaf are out of order"),
        (|leaf| leaf.keys[0] = 0, "a key lies in the wrong leaf"),
        (|leaf| *leaf.keys.last_mut().unwrap() = 1_999, "a key lies in the wrong leaf"),
        (|leaf| leaf.values.truncate(1), "a leaf has more keys than values, or fewer"),
        (|leaf| *leaf = Leaf::new(), "a leaf has too few entries, or too many"),
    ];
    for (plant, what) in plants {
        let heap = Heap::new();
        let tags = filled(&heap);
        assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
        heap.atomically(|tx| Ok(tx.modify(leaf_of(tx, tags, 1_000), plant)?)).unwrap();
        assert_eq!(broken(&heap, tags), what);
    }
    type PlantAbove = fn(&mut Root<u64>);
    let plants: [(PlantAbove, &str); 4] = [
        (|root| root.top.keys[0] = 2_001, "keys of an inner node are out of order"),
        (|root| root.top.keys.clear(), "an inner node has too many children, or too few keys"),
        (|root| root.levels = 0, "the tree has no level"),
        (|root| root.top.children[1] = root.top.children[0], "a node has two places"),
    ];
    for (plant, what) in plants {
        let heap = Heap::new();
        let tags = filled(&heap);
        heap.atomically(|tx| {
            // Enough children at the top for all plants.
            assert!(tx.read(tags.root)?.top.len() >= 2);
            Ok(tx.modify(tags.root, plant)?)
        })
        .unwrap();
        match heap.snapshot(|s| tags.check(s)) {
            Err(CheckError::Broken(found)) if what == "a node has two places" => {
                // Its leaves are in the wrong place before it comes up a second time.
                assert!(["a node has two places", "a key lies in the wrong leaf"].contains(&found));
            }
            found => assert_eq!(found, Err(CheckError::Broken(what))),
        }
    }
}

#[test]
fn a_map_that_grows_after_a_flip_survives_the_roll_back() {
    use crate::Upgrade;
    let heap = Heap::new();
    let tags = heap.atomically(|tx| Ok(Tags::create(tx)?)).unwrap();
    let tag = heap.atomically(|tx| Ok(tx.create(Tag(0))?)).unwrap();
    let running = heap.upgrade(Upgrade::to("2").refresh::<Tag>()).unwrap();
    // The first inner nodes of this heap.
    heap.atomically(|tx| Ok(tags.extend_refs(tx, (0..2_000).map(|key| (key, tag)))?)).unwrap();
    running.wait().unwrap();
    running.roll_back().unwrap().wait().unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.check(s), Ok(()));
        assert_eq!(tags.len(s), Ok(2_000));
    });
}

#[derive(Clone, Debug)]
enum Op {
    Insert(u16, u64),
    Remove(u16),
    PopFirst,
    PopLast,
    /// Takes out everything in a range while an iterator goes over it.
    RemoveRange(u16, u16),
    InsertMany(u16, u16),
    /// Removes and inserts keys while an iterator goes over the map, forth or back.
    ChangeWhileIterating(Vec<(bool, u16)>, bool),
    Range(Bound<u16>, Bound<u16>),
    Clear,
}

fn bound() -> impl Strategy<Value = Bound<u16>> {
    let key = 0..600_u16;
    prop_oneof![
        Just(Bound::Unbounded),
        key.clone().prop_map(Bound::Included),
        key.prop_map(Bound::Excluded)
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..600_u16;
    prop_oneof![
        8 => (key(), any::<u64>()).prop_map(|(key, value)| Op::Insert(key, value)),
        8 => key().prop_map(Op::Remove),
        1 => Just(Op::PopFirst),
        1 => Just(Op::PopLast),
        2 => (key(), 0..150_u16).prop_map(|(from, count)| Op::RemoveRange(from, count)),
        3 => (key(), 0..150_u16).prop_map(|(from, count)| Op::InsertMany(from, count)),
        3 => (prop::collection::vec((any::<bool>(), key()), 0..200), any::<bool>())
            .prop_map(|(changes, back)| Op::ChangeWhileIterating(changes, back)),
        4 => (bound(), bound()).prop_map(|(from, to)| Op::Range(from, to)),
        1 => Just(Op::Clear),
    ]
}

#[allow(clippy::too_many_lines, reason = "one arm for each operation")]
fn apply(tx: &Tx<'_>, map: OrderedMap<u16, Tag>, model: &mut BTreeMap<u16, u64>, op: &Op) {
    let owned = |entry: Option<(&u16, &Tag)>| entry.map(|(key, tag)| (*key, tag.0));
    match *op {
        Op::Insert(key, value) => {
            let before = map.insert(tx, key, Tag(value)).unwrap();
            assert_eq!(before.map(|tag| tag.0), model.insert(key, value));
        }
        Op::Remove(key) => {
            assert_eq!(map.remove(tx, &key).unwrap().map(|tag| tag.0), model.remove(&key));
        }
        Op::PopFirst => assert_eq!(owned(map.pop_first(tx).unwrap()), model.pop_first()),
        Op::PopLast => assert_eq!(owned(map.pop_last(tx).unwrap()), model.pop_last()),
        Op::RemoveRange(from, count) => {
            let mut removed = Vec::new();
            for entry in map.range_refs(tx, from..from + count) {
                let key = *entry.unwrap().0;
                assert!(map.remove(tx, &key).unwrap().is_some());
                removed.push(key);
            }
            let expected: Vec<u16> = model.range(from..from + count).map(|(k, _)| *k).collect();
            assert_eq!(removed, expected);
            model.retain(|key, _| !(from..from + count).contains(key));
        }
        Op::InsertMany(from, count) => {
            // Every other key, downwards: while an iterator goes over what is there already.
            let mut there = map.range_refs(tx, from..from + count);
            for key in (from..from + count).rev().step_by(2) {
                let _ = there.next();
                map.insert(tx, key, Tag(1)).unwrap();
                model.insert(key, 1);
            }
        }
        Op::ChangeWhileIterating(ref changes, back) => {
            let mut lasting = model.clone();
            let mut entries = map.iter_refs(tx);
            let mut next = || if back { entries.next_back() } else { entries.next() };
            let mut seen = Vec::new();
            let mut changes = changes.iter();
            while let Some(entry) = next() {
                seen.push(*entry.unwrap().0);
                for &(inserts, key) in changes.by_ref().take(3) {
                    if inserts {
                        map.insert(tx, key, Tag(1)).unwrap();
                        model.insert(key, 1);
                    } else {
                        map.remove(tx, &key).unwrap();
                        model.remove(&key);
                        lasting.remove(&key);
                    }
                }
            }
            let order = |one: &u16, next: &u16| if back { one > next } else { one < next };
            assert!(seen.is_sorted_by(order), "in order, and none twice");
            assert!(lasting.keys().all(|key| seen.contains(key)), "all that were there");
        }
        Op::Range(from, to) => {
            let found = map.range::<_, u16>(tx, (from, to)).map(|e| e.unwrap());
            let found: Vec<_> = found.map(|(key, tag)| (*key, tag.0)).collect();
            let wanted: Vec<_> = model
                .iter()
                .map(|(key, value)| (*key, *value))
                .filter(|(key, _)| std::ops::RangeBounds::contains(&(from, to), key))
                .collect();
            assert_eq!(found, wanted);
            let back = map.range::<_, u16>(tx, (from, to)).rev().map(|e| *e.unwrap().0);
            assert_eq!(
                back.collect::<Vec<_>>(),
                wanted.iter().rev().map(|e| e.0).collect::<Vec<_>>()
            );
            // From both ends in turn they meet in the middle.
            let mut ends = map.range_refs::<_, u16>(tx, (from, to));
            let mut count = 0;
            while ends.next().is_some() {
                count += 1;
                count += usize::from(ends.next_back().is_some());
            }
            assert!(ends.next_back().is_none());
            assert_eq!(count, wanted.len());
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
        transactions in prop::collection::vec(prop::collection::vec(op(), 1..12), 1..25),
    ) {
        let heap = Heap::new();
        let map = heap.atomically(|tx| Ok(OrderedMap::<u16, Tag>::create(tx)?)).unwrap();
        let mut model = BTreeMap::new();
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
                assert!(found.eq(model.iter().map(|(key, value)| (*key, *value))));
                for key in 0..600 {
                    assert_eq!(map.get(s, &key).unwrap().map(|tag| tag.0), model.get(&key).copied());
                }
                assert_eq!(map.first_ref(s).unwrap().map(|e| *e.0), model.keys().next().copied());
                assert_eq!(map.last_ref(s).unwrap().map(|e| *e.0), model.keys().next_back().copied());
            });
        }
        heap.atomically(|tx| Ok(map.delete(tx)?)).unwrap();
        heap.snapshot(|s| {
            assert_eq!(s.objects::<Tag>().count(), 0);
            assert_eq!(s.objects::<Leaf<u16>>().count(), 0);
            assert_eq!(s.objects::<Inner<u16>>().count(), 0);
            assert_eq!(s.objects::<Root<u16>>().count(), 0);
        });
    }
}
