//! With no upgrade pending: the same operations on a heap and on the bare core.

use std::hint::black_box;

use upgradable::Heap;
use upgradable_stm::{Domain, Handle, Stop};

use crate::timing::paired;
use crate::types::{Other, create};

/// A cheap sequence of places.
struct Places(u64);

impl Places {
    fn next(&mut self, among: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % among
    }
}

#[allow(clippy::too_many_lines, reason = "one row of the table after another")]
pub(crate) fn run(rounds: usize) {
    println!("\nSteady state: a heap against the bare core, no upgrade pending\n");
    println!("| operation | heap, ns | core, ns | ratio |\n| --- | ---: | ---: | ---: |");
    let heap = Heap::new();
    let ours = create(&heap, 1_000, |n| Other { n });
    let domain = Domain::new();
    let core: Vec<Handle> =
        domain.atomically(|tx| Ok((0..1_000).map(|n| tx.create(Other { n })).collect()));
    let report = |name: &str, operations: usize, (ours, base, ratio): (f64, f64, f64)| {
        let _ = operations;
        println!("| {name} | {ours:.1} | {base:.1} | {ratio:.3} |");
    };
    const OPS: usize = 20_000;

    let (mut a, mut b) = (Places(1), Places(1));
    let reads = paired(
        rounds,
        OPS,
        || {
            for _ in 0..OPS {
                let at = ours[a.next(1_000)];
                black_box(heap.snapshot(|s| s.read(at).map_or(0, |other| other.n)));
            }
        },
        || {
            for _ in 0..OPS {
                let at = core[b.next(1_000)];
                black_box(domain.snapshot(|s| s.get::<Other>(at).map_or(0, |other| other.n)));
            }
        },
    );
    report("read", OPS, reads);

    let scans = paired(
        rounds,
        1_000 * 50,
        || {
            for _ in 0..50 {
                black_box(heap.snapshot(|s| {
                    ours.iter().map(|&at| s.read(at).map_or(0, |other| other.n)).sum::<u64>()
                }));
            }
        },
        || {
            for _ in 0..50 {
                black_box(domain.snapshot(|s| {
                    core.iter()
                        .map(|&at| s.get::<Other>(at).map_or(0, |other| other.n))
                        .sum::<u64>()
                }));
            }
        },
    );
    report("read, of a thousand", 1, scans);

    let (mut a, mut b) = (Places(1), Places(1));
    let rmw = paired(
        rounds,
        OPS,
        || {
            for _ in 0..OPS {
                let at = ours[a.next(1_000)];
                let _ = black_box(heap.atomically(|tx| Ok(tx.modify(at, |other| other.n += 1)?)));
            }
        },
        || {
            for _ in 0..OPS {
                let at = core[b.next(1_000)];
                let _ = black_box(domain.try_atomically(|tx| {
                    tx.update(at, |other: &mut Other| other.n += 1).map_err(Stop::Cancel)
                }));
            }
        },
    );
    report("read-modify-write", OPS, rmw);

    let (mut a, mut b) = (Places(1), Places(1));
    let mixed = paired(
        rounds,
        OPS / 4,
        || {
            for _ in 0..OPS / 4 {
                let at: [usize; 10] = std::array::from_fn(|_| a.next(1_000));
                let _ = black_box(heap.atomically(|tx| {
                    let mut sum = 0;
                    for at in at {
                        sum += tx.read(ours[at])?.n;
                    }
                    tx.write(ours[at[0]], Other { n: sum })?;
                    tx.write(ours[at[1]], Other { n: sum })?;
                    Ok(())
                }));
            }
        },
        || {
            for _ in 0..OPS / 4 {
                let at: [usize; 10] = std::array::from_fn(|_| b.next(1_000));
                let _ = black_box(domain.try_atomically(|tx| {
                    let mut sum = 0_u64;
                    for at in at {
                        sum += tx.get::<Other>(core[at]).map_err(Stop::Cancel)?.n;
                    }
                    tx.put(core[at[0]], Other { n: sum }).map_err(Stop::Cancel)?;
                    tx.put(core[at[1]], Other { n: sum }).map_err(Stop::Cancel)
                }));
            }
        },
    );
    report("10 reads, 2 writes", OPS / 4, mixed);
}
