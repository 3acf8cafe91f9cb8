//! Keys that lie, panic and can't be copied, and collections that are left in the middle of
//! something by a transaction that commits all the same.

use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use upgradable::collections::{OrderedMap, Queue, Sequence, TxHashMap};
use upgradable::{AccessError, Heap, Shape, Tx, TxError};

use crate::common::*;

thread_local! {
    /// How many more operations of keys there are before one panics; none if it is zero.
    static FUSE: Cell<u32> = const { Cell::new(0) };
    /// Where lies come from.
    static DICE: Cell<u64> = const { Cell::new(1) };
}

/// Counts an operation of a key.
fn burn() {
    let left = FUSE.get();
    if left > 0 {
        FUSE.set(left - 1);
        if left == 1 {
            panic_quietly();
        }
    }
}

fn dice() -> u64 {
    let mut x = DICE.get();
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    DICE.set(x);
    x
}

/// A key that panics when it is told to, in whatever is done to it.
#[derive(Debug)]
struct Brittle(u32);

impl Shape for Brittle {
    const NAME: &'static str = "test.Brittle";
}

impl Clone for Brittle {
    fn clone(&self) -> Self {
        burn();
        Self(self.0)
    }
}

impl PartialEq for Brittle {
    fn eq(&self, other: &Self) -> bool {
        burn();
        self.0 == other.0
    }
}

impl Eq for Brittle {}

impl PartialOrd for Brittle {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Brittle {
    fn cmp(&self, other: &Self) -> Ordering {
        burn();
        self.0.cmp(&other.0)
    }
}

impl Hash for Brittle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        burn();
        // Few hashes, and long ones with the same beginning.
        (self.0 % 40).hash(state);
    }
}

/// A key whose order, equality and hash are different each time they are asked for.
#[derive(Clone, Debug)]
struct Liar(u32);

impl Shape for Liar {
    const NAME: &'static str = "test.Liar";
}

impl PartialEq for Liar {
    fn eq(&self, other: &Self) -> bool {
        if dice().is_multiple_of(4) { dice().is_multiple_of(2) } else { self.0 == other.0 }
    }
}

impl Eq for Liar {}

impl PartialOrd for Liar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Liar {
    fn cmp(&self, other: &Self) -> Ordering {
        match dice() % 6 {
            0 => Ordering::Less,
            1 => Ordering::Equal,
            2 => Ordering::Greater,
            _ => self.0.cmp(&other.0),
        }
    }
}

impl Hash for Liar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if dice().is_multiple_of(2) { 0.hash(state) } else { self.0.hash(state) }
    }
}

/// Runs an operation with a fuse of every length, until one is longer than the operation; each time
/// inside a transaction that catches the panic and commits.
fn with_every_fuse(heap: &Heap, step: usize, operation: impl Fn(&Tx<'_>)) -> usize {
    for (panics, fuse) in (1..).step_by(step).enumerate() {
        let panicked = heap.atomically(|tx| {
            FUSE.set(fuse);
            let caught = catch_unwind(AssertUnwindSafe(|| operation(tx)));
            FUSE.set(0);
            Ok(caught.is_err())
        });
        match panicked {
            Ok(false) => return panics,
            // A copy that was made in the middle of a change.
            Ok(true) | Err(TxError::HalfModified) => {}
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("an operation comes to an end")
}

/// Who catches the panic finds the map as it was, not in the middle of being changed.
#[test]
fn a_key_that_panics_leaves_an_ordered_map_whole() {
    watched(|| {
        let heap = Heap::new();
        let map = heap.atomically(|tx| Ok(OrderedMap::<Brittle, Plain>::create(tx)?)).unwrap();
        let len = || heap.snapshot(|s| map.check(s).and_then(|()| Ok(map.len(s)?))).unwrap();
        let mut panics = 0;
        // Enough for leaves to be parted and joined again, below inner nodes that are nearly full.
        let keys: Vec<u32> = (0..300).map(|n| n * 7919 % 300).collect();
        for (done, &key) in keys.iter().enumerate() {
            let insert = |tx: &Tx<'_>| {
                map.insert(tx, Brittle(key), Plain(key)).unwrap();
            };
            panics += with_every_fuse(&heap, 11, insert);
            if done.is_multiple_of(50) {
                assert_eq!(len(), done + 1);
            }
        }
        assert_eq!(len(), keys.len());
        for (done, &key) in keys.iter().enumerate() {
            let remove = |tx: &Tx<'_>| {
                map.remove(tx, &Brittle(key)).unwrap();
            };
            panics += with_every_fuse(&heap, 11, remove);
            if done.is_multiple_of(50) {
                assert_eq!(len(), keys.len() - done - 1);
            }
        }
        assert_eq!((len(), heap.snapshot(|s| s.objects::<Plain>().count())), (0, 0));
        assert!(panics > 1_000, "{panics}");
    });
}

#[test]
fn a_key_that_panics_leaves_a_hash_map_whole() {
    watched(|| {
        let heap = Heap::new();
        let map = heap.atomically(|tx| Ok(TxHashMap::<Brittle, Plain>::create(tx)?)).unwrap();
        let len = || heap.snapshot(|s| map.check(s).and_then(|()| Ok(map.len(s)?))).unwrap();
        let mut panics = 0;
        for key in 0..400 {
            let insert = |tx: &Tx<'_>| {
                map.insert(tx, Brittle(key), Plain(key)).unwrap();
            };
            panics += with_every_fuse(&heap, 3, insert);
        }
        assert_eq!(len(), 400);
        for key in 0..400 {
            let remove = |tx: &Tx<'_>| {
                map.remove(tx, &Brittle(key)).unwrap();
            };
            panics += with_every_fuse(&heap, 3, remove);
        }
        assert_eq!((len(), heap.snapshot(|s| s.objects::<Plain>().count())), (0, 0));
        assert!(panics > 1_000, "{panics}");
    });
}

/// `rekey` asks the user for each key: a panic in the middle leaves the old map as it was, and
/// nothing of a new one.
#[test]
fn a_panic_in_the_midst_of_rekeying_changes_nothing() {
    let heap = Heap::new();
    let (ordered, hashed) = heap
        .atomically(|tx| {
            let ordered = OrderedMap::<u32, Plain>::create(tx)?;
            let hashed = TxHashMap::<u32, Plain>::create(tx)?;
            ordered.extend(tx, (0..100).map(|n| (n, Plain(n))))?;
            hashed.extend(tx, (0..100).map(|n| (n, Plain(n))))?;
            Ok((ordered, hashed))
        })
        .unwrap();
    let key = |n: &u32| if *n == 70 { panic_quietly() } else { n.to_string() };
    heap.atomically(|tx| {
        let caught = catch_unwind(AssertUnwindSafe(|| ordered.rekey(tx, key).map(drop)));
        assert!(caught.is_err());
        let caught = catch_unwind(AssertUnwindSafe(|| hashed.rekey(tx, key).map(drop)));
        assert!(caught.is_err());
        Ok(())
    })
    .unwrap();
    heap.snapshot(|s| {
        assert_eq!((ordered.check(s), ordered.len(s)), (Ok(()), Ok(100)));
        assert_eq!((hashed.check(s), hashed.len(s)), (Ok(()), Ok(100)));
    });
}

/// A reference of another heap among the values: what deletes values can't delete it. Who does not
/// care about the error finds everything as it was.
#[test]
fn an_error_in_the_midst_of_clearing_changes_nothing() {
    let heap = Heap::new();
    let foreign = create(&Heap::new(), Plain(9));
    let (ordered, hashed, queue, sequence) = heap
        .atomically(|tx| {
            let ordered = OrderedMap::<u32, Plain>::create(tx)?;
            let hashed = TxHashMap::<u32, Plain>::create(tx)?;
            let (queue, sequence) = (Queue::<Plain>::create(tx)?, Sequence::<Plain>::create(tx)?);
            for n in 0..200 {
                let value = if n == 120 { foreign } else { tx.create(Plain(n))? };
                ordered.insert_ref(tx, n, value)?;
                let value = if n == 120 { foreign } else { tx.create(Plain(n))? };
                hashed.insert_ref(tx, n, value)?;
                let value = if n == 120 { foreign } else { tx.create(Plain(n))? };
                queue.push_ref(tx, value)?;
                let value = if n == 120 { foreign } else { tx.create(Plain(n))? };
                sequence.push_back_ref(tx, value)?;
            }
            Ok((ordered, hashed, queue, sequence))
        })
        .unwrap();
    let gone = Err(AccessError::Foreign);
    heap.atomically(|tx| {
        assert_eq!((ordered.clear(tx), ordered.delete(tx)), (gone.clone(), gone.clone()));
        assert_eq!((hashed.clear(tx), hashed.delete(tx)), (gone.clone(), gone.clone()));
        assert_eq!((queue.clear(tx), queue.delete(tx)), (gone.clone(), gone.clone()));
        assert_eq!((sequence.clear(tx), sequence.delete(tx)), (gone.clone(), gone.clone()));
        Ok(())
    })
    .unwrap();
    heap.snapshot(|s| {
        assert_eq!((ordered.check(s), ordered.len(s)), (Ok(()), Ok(200)));
        assert_eq!((hashed.check(s), hashed.len(s)), (Ok(()), Ok(200)));
        assert_eq!((queue.check(s), queue.len(s)), (Ok(()), Ok(200)));
        assert_eq!((sequence.check(s), sequence.len(s)), (Ok(()), Ok(200)));
        assert_eq!(s.objects::<Plain>().count(), 4 * 199);
    });
}

/// Everything that can be done to maps, with keys that lie: it ends, with whatever outcome, and
/// other objects do not notice. The maps can still be cleared and deleted.
#[test]
fn keys_that_lie_harm_their_own_map_only() {
    watched(|| {
        for seed in 1..8_u64 {
            DICE.set(seed * 0x9e37_79b9);
            let heap = Heap::new();
            let others: Vec<_> = (0..20).map(|n| create(&heap, note(&n.to_string()))).collect();
            let (ordered, hashed) = heap
                .atomically(|tx| Ok((OrderedMap::create(tx)?, TxHashMap::create(tx)?)))
                .unwrap();
            for round in 0..400 {
                // Whatever comes of it: a panic is as good as an error.
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    heap.atomically(|tx| {
                        let key = || Liar(dice() as u32 % 300);
                        for _ in 0..4 {
                            ordered.insert(tx, key(), Plain(round))?;
                            hashed.insert(tx, key(), Plain(round))?;
                        }
                        ordered.get(tx, &key())?;
                        hashed.get(tx, &key())?;
                        if round % 3 > 0 {
                            ordered.remove(tx, &key())?;
                            hashed.remove(tx, &key())?;
                            ordered.get_or_insert_with(tx, key(), || Plain(1))?;
                            hashed.get_or_insert_with(tx, key(), || Plain(1))?;
                            ordered.modify(tx, &key(), |plain| plain.0 += 1)?;
                            ordered.pop_first(tx)?;
                            ordered.pop_last(tx)?;
                        }
                        let (from, to) = (key(), key());
                        let between = ordered.range(tx, from..to);
                        assert!(between.take(10_000).count() < 5_000);
                        let back = ordered.range(tx, key()..).rev();
                        assert!(back.take(10_000).count() < 5_000);
                        Ok(())
                    })
                }));
            }
            for (n, &other) in others.iter().enumerate() {
                assert_eq!(get(&heap, other), note(&n.to_string()));
            }
            heap.snapshot(|s| {
                assert!(ordered.iter(s).take(10_000).count() < 5_000);
                assert!(hashed.iter(s).take(10_000).count() < 5_000);
                let _ = (ordered.check(s), hashed.check(s));
            });
            heap.atomically(|tx| {
                ordered.delete(tx)?;
                hashed.clear(tx)?;
                assert_eq!(hashed.len(tx)?, 0);
                Ok(hashed.delete(tx)?)
            })
            .unwrap();
        }
    });
}

/// Handles made of the names of other collections and other objects.
#[test]
fn forged_handles_of_collections_are_errors() {
    let heap = Heap::new();
    heap.atomically(|tx| {
        let queue = Queue::<Plain>::create(tx)?;
        queue.extend(tx, (0..50).map(Plain))?;
        let map = OrderedMap::<u32, Plain>::create(tx)?;
        map.extend(tx, (0..50).map(|n| (n, Plain(n))))?;
        let object = tx.create(Plain(1))?;
        for bits in [map.to_bits(), object.to_bits(), u64::MAX, object.to_bits() + 1] {
            let forged = Queue::<Plain>::from_bits(bits);
            assert!(forged.len(tx).is_err() && forged.push(tx, Plain(0)).is_err());
            assert!(forged.pop(tx).is_err() && forged.clear(tx).is_err());
            assert!(forged.check(tx).is_err());
        }
        let other_keys = OrderedMap::<u64, Plain>::from_bits(map.to_bits());
        assert!(other_keys.get(tx, &1).is_err() && other_keys.clear(tx).is_err());
        // With values of another lineage the structure is sound, and no value can be had.
        let other_values = OrderedMap::<u32, v1::Note>::from_bits(map.to_bits());
        assert_eq!(other_values.len(tx)?, 50);
        assert!(matches!(other_values.get(tx, &1), Err(AccessError::WrongType(_))));
        assert!(matches!(other_values.remove(tx, &1), Err(AccessError::WrongType(_))));
        assert!(matches!(other_values.clear(tx), Err(AccessError::WrongType(_))));
        assert!(other_values.iter(tx).all(|entry| entry.is_err()));
        assert_eq!((map.check(tx), map.len(tx)), (Ok(()), Ok(50)));
        assert_eq!((queue.check(tx), queue.len(tx)), (Ok(()), Ok(50)));
        Ok(())
    })
    .unwrap();
}
