//! kovan-stm: TL2 over its own memory reclamation; a single version, logged reads.

use ::kovan_stm::{Stm, TVar};

use super::{Backend, Mixed, Transactional};

/// A vector of `kovan_stm::TVar` under one `Stm`.
pub(crate) struct KovanStm {
    stm: Stm,
    vars: Vec<TVar<u64>>,
}

impl Backend for KovanStm {
    type Local<'a> = ();

    fn new(values: &[u64]) -> Self {
        let stm = Stm::new();
        let vars = values.iter().map(|&value| stm.tvar(value)).collect();
        Self { stm, vars }
    }

    fn local(&self) {}

    #[inline]
    fn get(&self, _: &mut (), index: usize) -> u64 {
        let var = &self.vars[index];
        self.stm.atomically(|tx| tx.load(var))
    }

    #[inline]
    fn add(&self, _: &mut (), index: usize, amount: u64) {
        let var = &self.vars[index];
        self.stm.atomically(|tx| {
            let value = tx.load(var)?;
            tx.store(var, value.wrapping_add(amount))
        });
    }
}

impl Transactional for KovanStm {
    #[inline]
    fn fold<A: Copy>(
        &self,
        _: &mut (),
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A> {
        self.stm.atomically(|tx| {
            if !admit() {
                return Ok(None);
            }
            let mut acc = init;
            for var in &self.vars {
                acc = step(acc, tx.load(var)?);
            }
            Ok(Some(acc))
        })
    }

    #[inline]
    fn mixed(&self, _: &mut (), plan: &Mixed) {
        self.stm.atomically(|tx| {
            let mut sum = 0u64;
            for &index in &plan.reads {
                sum = sum.wrapping_add(tx.load(&self.vars[index])?);
            }
            tx.store(&self.vars[plan.writes[0]], sum)?;
            tx.store(&self.vars[plan.writes[1]], sum.wrapping_add(1))
        });
    }

    #[inline]
    fn transfer(&self, _: &mut (), from: usize, to: usize) {
        let (from, to) = (&self.vars[from], &self.vars[to]);
        self.stm.atomically(|tx| {
            let taken = tx.load(from)?.wrapping_sub(1);
            tx.store(from, taken)?;
            let given = tx.load(to)?.wrapping_add(1);
            tx.store(to, given)
        });
    }
}
