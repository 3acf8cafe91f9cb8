//! A `parking_lot::RwLock` around each variable, and two-phase locking by hand.
//!
//! A transaction of several variables takes its locks in index order, so it cannot deadlock, and
//! holds all of them until its end, so it is serializable.

use ::parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Backend, Mixed, Transactional};

/// A vector of locked values.
pub(crate) struct Locked {
    vars: Vec<RwLock<u64>>,
}

/// The locks a transaction holds. Empty between transactions; kept for its memory.
pub(crate) struct Held<'a> {
    read: Vec<RwLockReadGuard<'a, u64>>,
    write: Vec<(usize, RwLockWriteGuard<'a, u64>)>,
}

/// What a mixed transaction does with a variable, ordered for locking: writes of a variable sort
/// before its reads, so the first of a run of equal indices tells which lock the run needs.
type Access = (usize, bool);

impl Held<'_> {
    /// Sets a variable whose write lock is held.
    #[inline]
    fn set(&mut self, index: usize, value: u64) {
        let (_, guard) = self
            .write
            .iter_mut()
            .find(|(held, _)| *held == index)
            .expect("a written variable is locked");
        **guard = value;
    }
}

impl Backend for Locked {
    type Local<'a> = Held<'a>;

    fn new(values: &[u64]) -> Self {
        Self { vars: values.iter().copied().map(RwLock::new).collect() }
    }

    fn local(&self) -> Held<'_> {
        Held { read: Vec::new(), write: Vec::new() }
    }

    #[inline]
    fn get<'a>(&'a self, _: &mut Held<'a>, index: usize) -> u64 {
        *self.vars[index].read()
    }

    #[inline]
    fn add<'a>(&'a self, _: &mut Held<'a>, index: usize, amount: u64) {
        let mut value = self.vars[index].write();
        *value = value.wrapping_add(amount);
    }
}

impl Transactional for Locked {
    #[inline]
    fn fold<'a, A: Copy>(
        &'a self,
        held: &mut Held<'a>,
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A> {
        if !admit() {
            return None;
        }
        let mut acc = init;
        for var in &self.vars {
            let guard = var.read();
            acc = step(acc, *guard);
            held.read.push(guard);
        }
        held.read.clear();
        Some(acc)
    }

    #[inline]
    fn mixed<'a>(&'a self, held: &mut Held<'a>, plan: &Mixed) {
        let mut accesses: [Access; 12] = [(0, true); 12];
        for (access, &index) in accesses.iter_mut().zip(&plan.reads) {
            *access = (index, true);
        }
        for (access, &index) in accesses[10..].iter_mut().zip(&plan.writes) {
            *access = (index, false);
        }
        accesses.sort_unstable();
        let mut sum = 0u64;
        for run in accesses.chunk_by(|a, b| a.0 == b.0) {
            let (index, is_read) = run[0];
            let reads = run.iter().filter(|access| access.1).count() as u64;
            let value = if is_read {
                held.read.push(self.vars[index].read());
                **held.read.last().expect("just pushed")
            } else {
                held.write.push((index, self.vars[index].write()));
                *held.write.last().expect("just pushed").1
            };
            sum = sum.wrapping_add(value.wrapping_mul(reads));
        }
        held.set(plan.writes[0], sum);
        held.set(plan.writes[1], sum.wrapping_add(1));
        held.read.clear();
        held.write.clear();
    }

    #[inline]
    fn transfer<'a>(&'a self, _: &mut Held<'a>, from: usize, to: usize) {
        let mut first = self.vars[from.min(to)].write();
        let mut second = self.vars[from.max(to)].write();
        let (taken, given) =
            if from < to { (&mut first, &mut second) } else { (&mut second, &mut first) };
        **taken = taken.wrapping_sub(1);
        **given = given.wrapping_add(1);
    }
}
