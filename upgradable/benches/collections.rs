//! What collections cost on one thread, each beside the standard library's on plain memory, and
//! beside as many plain reads of objects, so that every figure has its baseline in the same run.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oorandom::Rand64;
use upgradable::collections::{OrderedMap, Queue, Sequence, TxHashMap};
use upgradable::{Heap, Ref, Tx, Upgradable};

#[derive(Upgradable, Clone)]
struct Part(u64);

/// Entries of each collection, with keys in the order of a shuffle.
const SIZE: u64 = 100_000;
/// Look-ups in one transaction.
const LOOKS: usize = 1_000;

fn shuffled() -> Vec<u64> {
    let (mut dice, mut keys) = (Rand64::new(3), Vec::from_iter(0..SIZE));
    for at in 0..keys.len() {
        keys.swap(at, dice.rand_range(0..SIZE) as usize);
    }
    keys
}

/// A heap, its objects, and the collections of them.
struct World {
    heap: Heap,
    parts: Vec<Ref<Part>>,
    ordered: OrderedMap<u64, Part>,
    hashed: TxHashMap<u64, Part>,
    sequence: Sequence<Part>,
}

fn world() -> World {
    let heap = Heap::new();
    let mut world = heap
        .atomically(|tx| {
            Ok(World {
                heap: heap.clone(),
                parts: Vec::new(),
                ordered: OrderedMap::create(tx)?,
                hashed: TxHashMap::create(tx)?,
                sequence: Sequence::create(tx)?,
            })
        })
        .unwrap();
    world.parts =
        heap.atomically(|tx| (0..SIZE).map(|n| Ok(tx.create(Part(n))?)).collect()).unwrap();
    for keys in shuffled().chunks(1_000) {
        let fill = |tx: &Tx<'_>| {
            for &key in keys {
                let part = world.parts[key as usize];
                world.ordered.insert_ref(tx, key, part)?;
                world.hashed.insert_ref(tx, key, part)?;
                world.sequence.push_back_ref(tx, part)?;
            }
            Ok(())
        };
        heap.atomically(fill).unwrap();
    }
    world
}

#[allow(clippy::too_many_lines, reason = "one row of the table after another")]
fn look_up(c: &mut Criterion) {
    let World { heap, parts, ordered, hashed, sequence } = world();
    let keys: Vec<u64> = {
        let mut dice = Rand64::new(5);
        (0..LOOKS).map(|_| dice.rand_range(0..SIZE)).collect()
    };
    let tree: BTreeMap<u64, u64> = shuffled().into_iter().map(|n| (n, n)).collect();
    let hash: HashMap<u64, u64> = shuffled().into_iter().map(|n| (n, n)).collect();
    let mut group = c.benchmark_group("look up");
    group.throughput(Throughput::Elements(LOOKS as u64));
    group.bench_function("BTreeMap", |b| {
        b.iter(|| keys.iter().map(|key| tree[black_box(key)]).sum::<u64>());
    });
    group.bench_function("std HashMap", |b| {
        b.iter(|| keys.iter().map(|key| hash[black_box(key)]).sum::<u64>());
    });
    group.bench_function("objects by Ref", |b| {
        b.iter(|| {
            heap.snapshot(|s| {
                keys.iter()
                    .map(|key| s.read(parts[*black_box(key) as usize]).unwrap().0)
                    .sum::<u64>()
            })
        });
    });
    group.bench_function("OrderedMap::get_ref", |b| {
        b.iter(|| {
            heap.snapshot(|s| {
                keys.iter()
                    .filter(|key| ordered.get_ref(s, black_box(*key)).unwrap().is_some())
                    .count()
            })
        });
    });
    group.bench_function("OrderedMap::get", |b| {
        b.iter(|| {
            heap.snapshot(|s| {
                keys.iter()
                    .map(|key| ordered.get(s, black_box(key)).unwrap().unwrap().0)
                    .sum::<u64>()
            })
        });
    });
    group.bench_function("TxHashMap::get_ref", |b| {
        b.iter(|| {
            heap.snapshot(|s| {
                keys.iter()
                    .filter(|key| hashed.get_ref(s, black_box(*key)).unwrap().is_some())
                    .count()
            })
        });
    });
    group.bench_function("TxHashMap::get", |b| {
        b.iter(|| {
            heap.snapshot(|s| {
                keys.iter()
                    .map(|key| hashed.get(s, black_box(key)).unwrap().unwrap().0)
                    .sum::<u64>()
            })
        });
    });
    group.bench_function("Sequence::get_ref", |b| {
        b.iter(|| {
            heap.snapshot(|s| {
                let found = |key: &&u64| sequence.get_ref(s, **key as usize).unwrap().is_some();
                keys.iter().filter(found).count()
            })
        });
    });
    group.bench_function("OrderedMap::get_ref, in an update", |b| {
        b.iter(|| {
            heap.atomically(|tx| {
                let found = |key: &&u64| ordered.get_ref(tx, black_box(*key)).unwrap().is_some();
                Ok(keys.iter().filter(found).count())
            })
        });
    });
    group.finish();

    let mut group = c.benchmark_group("iterate");
    group.throughput(Throughput::Elements(SIZE));
    group.bench_function("BTreeMap", |b| b.iter(|| tree.iter().map(|(k, v)| k ^ v).sum::<u64>()));
    group.bench_function("OrderedMap::iter_refs", |b| {
        b.iter(|| heap.snapshot(|s| ordered.iter_refs(s).map(|e| *e.unwrap().0).sum::<u64>()));
    });
    group.bench_function("OrderedMap::iter", |b| {
        b.iter(|| heap.snapshot(|s| ordered.iter(s).map(|e| e.unwrap().1.0).sum::<u64>()));
    });
    group.bench_function("TxHashMap::iter_refs", |b| {
        b.iter(|| heap.snapshot(|s| hashed.iter_refs(s).map(|e| *e.unwrap().0).sum::<u64>()));
    });
    group.bench_function("Sequence::iter_refs", |b| {
        b.iter(|| heap.snapshot(|s| sequence.iter_refs(s).filter(Result::is_ok).count()));
    });
    group.finish();
}

fn change(c: &mut Criterion) {
    let World { heap, parts, ordered, hashed, sequence } = world();
    let mut tree: BTreeMap<u64, u64> = shuffled().into_iter().map(|n| (n, n)).collect();
    let mut hash: HashMap<u64, u64> = shuffled().into_iter().map(|n| (n, n)).collect();
    let mut dice = Rand64::new(3);
    let mut group = c.benchmark_group("take out and put back");
    group.bench_function("BTreeMap", |b| {
        b.iter(|| {
            let key = dice.rand_range(0..SIZE);
            let value = tree.remove(&key).unwrap();
            tree.insert(key, value)
        });
    });
    group.bench_function("std HashMap", |b| {
        b.iter(|| {
            let key = dice.rand_range(0..SIZE);
            let value = hash.remove(&key).unwrap();
            hash.insert(key, value)
        });
    });
    group.bench_function("an object, changed twice", |b| {
        b.iter(|| {
            let part = parts[dice.rand_range(0..SIZE) as usize];
            heap.atomically(|tx| Ok(tx.modify(part, |part| part.0 += 1)?)).unwrap();
            heap.atomically(|tx| Ok(tx.modify(part, |part| part.0 -= 1)?)).unwrap();
        });
    });
    group.bench_function("OrderedMap", |b| {
        b.iter(|| {
            let key = dice.rand_range(0..SIZE);
            let part = heap.atomically(|tx| Ok(ordered.remove_ref(tx, &key)?)).unwrap().unwrap();
            heap.atomically(|tx| Ok(ordered.insert_ref(tx, key, part)?)).unwrap();
        });
    });
    group.bench_function("TxHashMap", |b| {
        b.iter(|| {
            let key = dice.rand_range(0..SIZE);
            let part = heap.atomically(|tx| Ok(hashed.remove_ref(tx, &key)?)).unwrap().unwrap();
            heap.atomically(|tx| Ok(hashed.insert_ref(tx, key, part)?)).unwrap();
        });
    });
    group.bench_function("Sequence", |b| {
        b.iter(|| {
            let at = dice.rand_range(0..SIZE) as usize;
            let part = heap.atomically(|tx| Ok(sequence.remove_ref(tx, at)?)).unwrap().unwrap();
            heap.atomically(|tx| Ok(sequence.insert_ref(tx, at, part)?)).unwrap();
        });
    });
    group.finish();

    let mut group = c.benchmark_group("push and pop");
    let mut plain: VecDeque<Ref<Part>> = parts.iter().copied().take(100).collect();
    let queue = heap
        .atomically(|tx| {
            let queue = Queue::create(tx)?;
            parts.iter().take(100).try_for_each(|part| queue.push_ref(tx, *part))?;
            Ok(queue)
        })
        .unwrap();
    group.bench_function("VecDeque", |b| {
        b.iter(|| {
            let first = plain.pop_front().unwrap();
            plain.push_back(black_box(first));
        });
    });
    group.bench_function("Queue", |b| {
        b.iter(|| {
            let first = heap.atomically(|tx| Ok(queue.pop_ref(tx)?)).unwrap().unwrap();
            heap.atomically(|tx| Ok(queue.push_ref(tx, first)?)).unwrap();
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_millis(800));
    targets = look_up, change
}
criterion_main!(benches);
