//! mvcc_cell: version histories under a mutex per cell, one commit at a time.
//!
//! A read-only transaction reads its snapshot and is dropped without a commit, as the crate's
//! example does. Histories are shortened by the user, with a `Vacuum`: each thread here vacuums
//! the cells it wrote after every [`VACUUM_EVERY`] writes, inside the measured time.
//!
//! Version 0.1.2 takes a snapshot in two steps, so a vacuum in between can drop the version the
//! snapshot needs; its reads then panic. That ends the attempt here, and the transaction is
//! executed again.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ::mvcc_cell::{Mvcc, MvccCell, Transaction, Vacuum};

use super::{Backend, Mixed, Transactional};

/// Writes of a thread between two vacuums of what it wrote.
const VACUUM_EVERY: usize = 512;

/// Attempts in a row that may lose their snapshot; more is not the defect known.
const LOST_SNAPSHOTS: usize = 1_000;

/// A vector of cells under one controller.
pub(crate) struct MvccCells {
    mvcc: Mvcc,
    cells: Vec<MvccCell<u64>>,
}

/// Runs `attempt` again until it ends without a lost snapshot.
#[inline]
fn until_unbroken<T>(mut attempt: impl FnMut() -> T) -> T {
    let mut lost = 0;
    loop {
        match catch_unwind(AssertUnwindSafe(&mut attempt)) {
            Ok(value) => return value,
            Err(panic) if lost == LOST_SNAPSHOTS => resume_unwind(panic),
            Err(_) => lost += 1,
        }
    }
}

/// `cell = change(cell)` inside a transaction.
#[inline]
fn change(tx: &mut Transaction<'_>, cell: &MvccCell<u64>, change: impl FnOnce(u64) -> u64) {
    let value: &mut u64 = &mut tx[cell];
    *value = change(*value);
}

impl MvccCells {
    /// Notes writes, and vacuums when enough have gathered.
    #[inline]
    fn wrote(&self, written: &mut Vec<usize>, indices: &[usize]) {
        written.extend_from_slice(indices);
        if written.len() >= VACUUM_EVERY {
            let vacuum = Vacuum::new(&self.mvcc);
            for index in written.drain(..) {
                vacuum.clean(&self.cells[index]);
            }
        }
    }
}

impl Backend for MvccCells {
    /// The cells written since the last vacuum.
    type Local<'a> = Vec<usize>;

    fn new(values: &[u64]) -> Self {
        let mvcc = Mvcc::new();
        let cells = values.iter().map(|&value| MvccCell::new(&mvcc, Box::new(value))).collect();
        Self { mvcc, cells }
    }

    fn local(&self) -> Vec<usize> {
        Vec::with_capacity(VACUUM_EVERY + 2)
    }

    #[inline]
    fn get(&self, _: &mut Vec<usize>, index: usize) -> u64 {
        let cell = &self.cells[index];
        until_unbroken(|| self.mvcc.begin()[cell])
    }

    #[inline]
    fn add(&self, written: &mut Vec<usize>, index: usize, amount: u64) {
        let cell = &self.cells[index];
        until_unbroken(|| {
            self.mvcc.update(|tx| change(tx, cell, |value| value.wrapping_add(amount)));
        });
        self.wrote(written, &[index]);
    }
}

impl Transactional for MvccCells {
    #[inline]
    fn fold<A: Copy>(
        &self,
        _: &mut Vec<usize>,
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A> {
        until_unbroken(|| {
            if !admit() {
                return None;
            }
            let snapshot = self.mvcc.begin();
            Some(self.cells.iter().fold(init, |acc, cell| step(acc, snapshot[cell])))
        })
    }

    #[inline]
    fn mixed(&self, written: &mut Vec<usize>, plan: &Mixed) {
        until_unbroken(|| {
            self.mvcc.update(|tx| {
                let sum = plan
                    .reads
                    .iter()
                    .fold(0u64, |sum, &index| sum.wrapping_add(tx[&self.cells[index]]));
                tx.replace(&self.cells[plan.writes[0]], Box::new(sum));
                tx.replace(&self.cells[plan.writes[1]], Box::new(sum.wrapping_add(1)));
            });
        });
        self.wrote(written, &plan.writes);
    }

    #[inline]
    fn transfer(&self, written: &mut Vec<usize>, from: usize, to: usize) {
        until_unbroken(|| {
            self.mvcc.update(|tx| {
                change(tx, &self.cells[from], |value| value.wrapping_sub(1));
                change(tx, &self.cells[to], |value| value.wrapping_add(1));
            });
        });
        self.wrote(written, &[from, to]);
    }
}
