//! Memory, counted at the allocator: what an object takes, and that everything comes back.
//!
//! One test, in a process of its own: whatever runs beside it would be counted, too.

#[path = "bytes/raw.rs"]
mod raw;

use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::{Domain, Handle, TVar};

#[global_allocator]
static COUNTING: raw::Counting = raw::Counting::new();

fn churn(domain: &Domain) {
    let vars: Vec<TVar<Vec<u64>>> = (0..100).map(|n| domain.tvar(vec![n; 10])).collect();
    let names: Vec<Handle> =
        (0..100).map(|n| domain.atomically(|tx| Ok(tx.create(format!("object {n}"))))).collect();
    let held = domain.hold();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for (var, &name) in vars.iter().zip(&names) {
                    domain.atomically(|tx| {
                        tx.modify(var, |list| list.push(1));
                        Ok(tx.update(name, |text: &mut String| text.push('!')).is_ok())
                    });
                }
            });
        }
    });
    for &name in names.iter().step_by(2) {
        domain.atomically(|tx| Ok(tx.delete(name))).expect("it is there");
    }
    drop(held);
}

/// What the process itself keeps (the table of kinds, the tags of domains, thread-locals, the test
/// harness) is there after some rounds. A thread that is ending may hold its domain for a moment
/// longer than the scope it ran in.
fn everything_comes_back() {
    let rounds = |count| {
        for _ in 0..count {
            churn(&Domain::new());
        }
        let begun = Instant::now();
        let mut bytes = COUNTING.bytes();
        while begun.elapsed() < Duration::from_millis(300) {
            thread::yield_now();
            bytes = bytes.min(COUNTING.bytes());
        }
        bytes
    };
    // Tables of the process may still grow once; a leak would grow with the rounds.
    let before = rounds(20);
    let after = rounds(100);
    assert!(after <= before + 4096, "{before} bytes before, {after} after");
}

fn an_object_with_one_version_takes_32_bytes_beside_its_value() {
    const COUNT: usize = 1_000_000;
    let domain = Domain::new();
    let value = size_of::<u64>();
    let mut handles: Vec<TVar<u64>> = Vec::with_capacity(COUNT);
    let before = COUNTING.bytes();
    handles.extend((0..COUNT as u64).map(|n| domain.tvar(n)));
    // Pages, their headers, and free slots included.
    let each = (COUNTING.bytes() - before) as f64 / COUNT as f64;
    assert!(each - value as f64 <= 32.5, "a variable takes {each} bytes");
    drop(handles);

    let mut names: Vec<Handle> = Vec::with_capacity(COUNT);
    let before = COUNTING.bytes();
    for _ in 0..COUNT / 1000 {
        domain.atomically(|tx| {
            names.extend((0..1000_u64).map(|n| tx.create(n)));
            Ok(())
        });
    }
    let each = (COUNTING.bytes() - before) as f64 / COUNT as f64;
    assert!(each - value as f64 <= 32.5, "an object takes {each} bytes");
}

fn slots_of_deleted_objects_are_used_again() {
    let domain = Domain::new();
    let fill = || -> Vec<Handle> {
        (0..10_000_u64).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect()
    };
    let empty = |names: Vec<Handle>| {
        for name in names {
            domain.atomically(|tx| Ok(tx.delete(name))).expect("it is there");
        }
        domain.reclaim();
    };
    empty(fill());
    empty(fill());
    let before = COUNTING.bytes();
    for _ in 0..5 {
        empty(fill());
    }
    let after = COUNTING.bytes();
    assert!(after <= before + 100_000, "{before} bytes before, {after} after");
}

#[test]
fn memory() {
    an_object_with_one_version_takes_32_bytes_beside_its_value();
    slots_of_deleted_objects_are_used_again();
    everything_comes_back();
}
