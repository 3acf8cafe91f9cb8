//! Every back end does what its methods say, so that what is measured is real.

use std::cell::Cell;
use std::thread;

use super::{Backend, Transactional};
use crate::rng::Rng;

const VARS: usize = 40;

/// The values of a back end, one by one.
fn values<B: Backend>(backend: &B, count: usize) -> Vec<u64> {
    let mut local = backend.local();
    (0..count).map(|index| backend.get(&mut local, index)).collect()
}

fn sum<B: Transactional>(backend: &B) -> u64 {
    let mut local = backend.local();
    backend.fold(&mut local, || true, 0, u64::wrapping_add).expect("admitted")
}

fn adds_to_the_right_variable<B: Backend>() {
    let backend = B::new(&[10, 20, u64::MAX]);
    {
        let mut local = backend.local();
        backend.add(&mut local, 1, 5);
        backend.add(&mut local, 1, 5);
        backend.add(&mut local, 2, 3);
    }
    assert_eq!(values(&backend, 3), [10, 30, 2]);
}

/// Enough calls to pass every batching of garbage in a back end.
fn follows_the_model<B: Transactional>() {
    let mut model: Vec<u64> = (0..VARS as u64).collect();
    let backend = B::new(&model);
    let mut rng = Rng::new(7);
    let mut local = backend.local();
    for _ in 0..2_000 {
        let plan = rng.mixed(VARS);
        backend.mixed(&mut local, &plan);
        let read = plan.reads.iter().fold(0u64, |sum, &index| sum.wrapping_add(model[index]));
        model[plan.writes[0]] = read;
        model[plan.writes[1]] = read.wrapping_add(1);

        let (from, to) = rng.pair(VARS);
        backend.transfer(&mut local, from, to);
        model[from] = model[from].wrapping_sub(1);
        model[to] = model[to].wrapping_add(1);

        let read = backend.fold(
            &mut local,
            || true,
            0,
            |acc: u64, value| acc.wrapping_mul(3).wrapping_add(value),
        );
        let expected =
            model.iter().fold(0u64, |acc, &value| acc.wrapping_mul(3).wrapping_add(value));
        assert_eq!(read, Some(expected));
    }
    drop(local);
    assert_eq!(values(&backend, VARS), model);
}

fn asks_before_each_attempt<B: Transactional>() {
    let backend = B::new(&[1, 2]);
    let mut local = backend.local();
    let asked = Cell::new(0);
    let admit = |answer| {
        asked.set(asked.get() + 1);
        answer
    };
    assert_eq!(backend.fold(&mut local, || admit(false), 0, u64::wrapping_add), None);
    assert_eq!(backend.fold(&mut local, || admit(true), 0, u64::wrapping_add), Some(3));
    assert_eq!(asked.get(), 2);
}

fn loses_no_update<B: Backend + Sync>() {
    const ADDS: u64 = 20_000;
    let backend = B::new(&[0, 0]);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut local = backend.local();
                (0..ADDS).for_each(|_| backend.add(&mut local, 1, 1));
            });
        }
    });
    assert_eq!(values(&backend, 2), [0, 2 * ADDS]);
}

fn keeps_the_sum<B: Transactional + Sync>() {
    const TRANSFERS: usize = 10_000;
    let backend = B::new(&[100; VARS]);
    let total = 100 * VARS as u64;
    thread::scope(|scope| {
        for seed in 0..2 {
            let backend = &backend;
            scope.spawn(move || {
                let mut rng = Rng::new(seed);
                let mut local = backend.local();
                for _ in 0..TRANSFERS {
                    let (from, to) = rng.pair(VARS);
                    backend.transfer(&mut local, from, to);
                }
            });
        }
        for _ in 0..200 {
            assert_eq!(sum(&backend), total);
        }
    });
    assert_eq!(sum(&backend), total);
    assert_ne!(values(&backend, VARS), [100; VARS], "nothing was transferred");
}

/// The tests of a back end, by what it can do.
macro_rules! tests {
    ($name:ident: $backend:ty, $($test:ident),+) => {
        mod $name {
            $(#[test] fn $test() { super::$test::<$backend>(); })+
        }
    };
    (full $name:ident: $backend:ty) => {
        tests!($name: $backend, adds_to_the_right_variable, follows_the_model,
            asks_before_each_attempt, loses_no_update, keeps_the_sum);
    };
}

tests!(plain: crate::backend::plain::Plain,
    adds_to_the_right_variable, follows_the_model, asks_before_each_attempt);
tests!(arc_swap: crate::backend::arc_swap::Swapped, adds_to_the_right_variable, loses_no_update);
tests!(dashmap: crate::backend::dashmap::Mapped, adds_to_the_right_variable, loses_no_update);
tests!(full ours: crate::backend::ours::Ours);
tests!(full parking_lot: crate::backend::parking_lot::Locked);
tests!(full fast_stm: crate::backend::fast_stm::FastStm);
tests!(full stm_core: crate::backend::stm_core::StmCore);
tests!(full async_stm: crate::backend::async_stm::AsyncStm);
tests!(full kovan_stm: crate::backend::kovan_stm::KovanStm);
tests!(full mvcc_cell: crate::backend::mvcc_cell::MvccCells);
