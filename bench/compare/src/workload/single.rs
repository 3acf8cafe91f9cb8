//! One thread, one transaction after the other: thread CPU time of each.

use std::hint::black_box;

use super::Task;
use crate::backend::{Backend, Transactional};
use crate::measure::{Metric, Plan, Stopwatch};
use crate::rng::Rng;

/// The variable that single-variable workloads use, out of [`FEW`].
const INDEX: usize = 500;

/// Variables of the small workloads.
const FEW: usize = 1_000;

/// A task that times `batch` over a back end of `vars` variables, all 1.
fn timed<B: Backend + 'static>(
    vars: usize,
    plan: &Plan,
    batch: impl Fn(&B, u64) + 'static,
) -> Task {
    let backend = B::new(&vec![1; vars]);
    let mut stopwatch = Stopwatch::default();
    let slice = plan.slice;
    Box::new(move || {
        let time = stopwatch.nanoseconds(slice, |calls| batch(&backend, calls));
        vec![(Metric::Time, Some(time))]
    })
}

/// Reads one variable.
pub(crate) fn read_one<B: Backend + 'static>(plan: &Plan) -> Task {
    timed(FEW, plan, |backend: &B, calls| {
        let mut local = backend.local();
        for _ in 0..calls {
            black_box(backend.get(&mut local, black_box(INDEX)));
        }
    })
}

/// Reads every variable in one transaction.
pub(crate) fn read_all<B: Transactional + 'static>(plan: &Plan) -> Task {
    timed(FEW, plan, |backend: &B, calls| {
        let mut local = backend.local();
        for _ in 0..calls {
            black_box(backend.fold(&mut local, || true, 0, u64::wrapping_add));
        }
    })
}

/// Increments one variable.
pub(crate) fn add_one<B: Backend + 'static>(plan: &Plan) -> Task {
    timed(FEW, plan, |backend: &B, calls| {
        let mut local = backend.local();
        for _ in 0..calls {
            backend.add(&mut local, black_box(INDEX), 1);
        }
    })
}

/// Ten reads and two writes over `vars` variables. The draw is part of the time.
pub(crate) fn mixed<B: Transactional + 'static>(vars: usize, plan: &Plan) -> Task {
    timed(vars, plan, move |backend: &B, calls| {
        let mut local = backend.local();
        let mut rng = Rng::new(calls);
        for _ in 0..calls {
            backend.mixed(&mut local, &rng.mixed(vars));
        }
    })
}
