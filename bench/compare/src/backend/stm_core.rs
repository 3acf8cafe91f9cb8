//! stm-core: the crate fast-stm descends from; same design, same use.

use ::stm_core::{TVar, atomically};

use super::{Backend, Mixed, Transactional};

/// A vector of `stm_core::TVar`.
pub(crate) struct StmCore {
    vars: Vec<TVar<u64>>,
}

impl Backend for StmCore {
    type Local<'a> = ();

    fn new(values: &[u64]) -> Self {
        Self { vars: values.iter().copied().map(TVar::new).collect() }
    }

    fn local(&self) {}

    #[inline]
    fn get(&self, _: &mut (), index: usize) -> u64 {
        let var = &self.vars[index];
        atomically(|tx| var.read(tx))
    }

    #[inline]
    fn add(&self, _: &mut (), index: usize, amount: u64) {
        let var = &self.vars[index];
        atomically(|tx| var.modify(tx, |value| value.wrapping_add(amount)));
    }
}

impl Transactional for StmCore {
    #[inline]
    fn fold<A: Copy>(
        &self,
        _: &mut (),
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A> {
        atomically(|tx| {
            if !admit() {
                return Ok(None);
            }
            let mut acc = init;
            for var in &self.vars {
                acc = step(acc, var.read(tx)?);
            }
            Ok(Some(acc))
        })
    }

    #[inline]
    fn mixed(&self, _: &mut (), plan: &Mixed) {
        atomically(|tx| {
            let mut sum = 0u64;
            for &index in &plan.reads {
                sum = sum.wrapping_add(self.vars[index].read(tx)?);
            }
            self.vars[plan.writes[0]].write(tx, sum)?;
            self.vars[plan.writes[1]].write(tx, sum.wrapping_add(1))
        });
    }

    #[inline]
    fn transfer(&self, _: &mut (), from: usize, to: usize) {
        atomically(|tx| {
            self.vars[from].modify(tx, |value| value.wrapping_sub(1))?;
            self.vars[to].modify(tx, |value| value.wrapping_add(1))
        });
    }
}
