//! What transactions cost on one thread, each beside the same work on plain memory or under
//! `parking_lot` locks, so that every figure has its baseline in the same run.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use oorandom::Rand32;
use parking_lot::RwLock;
use upgradable_stm::{Domain, TVar};

fn vars(domain: &Domain, count: usize) -> Vec<TVar<u64>> {
    (0..count as u64).map(|value| domain.tvar(value)).collect()
}

fn locks(count: usize) -> Vec<RwLock<u64>> {
    (0..count as u64).map(RwLock::new).collect()
}

fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    let domain = Domain::new();
    for count in [1, 1_000, 100_000] {
        let (vars, locks) = (vars(&domain, count), locks(count));
        group.bench_function(BenchmarkId::new("snapshot", count), |b| {
            b.iter(|| domain.snapshot(|s| vars.iter().map(|var| *s.read(var)).sum::<u64>()));
        });
        group.bench_function(BenchmarkId::new("update", count), |b| {
            b.iter(|| {
                domain.atomically(|tx| Ok(vars.iter().map(|var| *tx.read(var)).sum::<u64>()))
            });
        });
        group.bench_function(BenchmarkId::new("locks", count), |b| {
            b.iter(|| locks.iter().map(|lock| *lock.read()).sum::<u64>());
        });
    }
    group.finish();
}

fn update(c: &mut Criterion) {
    let mut group = c.benchmark_group("update");
    let domain = Domain::new();
    let (var, lock) = (domain.tvar(0_u64), RwLock::new(0_u64));
    group.bench_function("read and write", |b| {
        b.iter(|| {
            domain.atomically(|tx| {
                let value = *tx.read(&var);
                tx.write(&var, value + 1);
                Ok(())
            });
        });
    });
    group.bench_function("modify", |b| {
        b.iter(|| domain.atomically(|tx| Ok(tx.modify(&var, |value| *value += 1))));
    });
    group.bench_function("blind write", |b| {
        b.iter(|| domain.atomically(|tx| Ok(tx.write(&var, 1))));
    });
    group.bench_function("lock", |b| b.iter(|| *black_box(&lock).write() += 1));
    group.bench_function("create and drop a variable", |b| {
        b.iter_batched(|| (), |()| drop(domain.tvar(1_u64)), BatchSize::SmallInput);
    });
    group.bench_function("create and delete an object", |b| {
        b.iter(|| {
            let handle = domain.atomically(|tx| Ok(tx.create(1_u64)));
            domain.atomically(|tx| Ok(tx.delete(handle).is_ok()))
        });
    });
    group.finish();
}

fn ten_reads_two_writes(c: &mut Criterion) {
    let mut group = c.benchmark_group("10 reads, 2 writes");
    for count in [1_000, 1_000_000] {
        let domain = Domain::new();
        let vars = vars(&domain, count);
        let mut dice = Rand32::new(3);
        group.bench_function(BenchmarkId::new("variables", count), |b| {
            b.iter(|| {
                let chosen: [usize; 12] =
                    std::array::from_fn(|_| dice.rand_range(0..count as u32) as usize);
                domain.atomically(|tx| {
                    let sum: u64 = chosen[..10].iter().map(|&at| *tx.read(&vars[at])).sum();
                    for &at in &chosen[10..] {
                        tx.write(&vars[at], sum);
                    }
                    Ok(())
                });
            });
        });
    }
    group.finish();
}

fn old_versions(c: &mut Criterion) {
    let mut group = c.benchmark_group("read an old version");
    let domain = Domain::new();
    for behind in [0, 1, 2, 8] {
        let var = domain.tvar(0_u64);
        let mut held = vec![domain.hold()];
        for value in 1..=behind {
            domain.atomically(|tx| Ok(tx.write(&var, value)));
            held.push(domain.hold());
        }
        group.bench_function(BenchmarkId::new("versions behind", behind), |b| {
            b.iter(|| held[0].read(|s| *s.read(&var)));
        });
    }
    group.finish();
}

criterion_group!(benches, read, update, ten_reads_two_writes, old_versions);
criterion_main!(benches);
