//! upgradable-stm: the core this workspace is about.
//!
//! Multi-version with a head pointer per variable; a read-only transaction reads a snapshot, logs
//! nothing and never executes again.

use upgradable_stm::{Domain, TVar};

use super::{Backend, Mixed, Transactional};

/// A vector of `upgradable_stm::TVar` of one domain.
pub(crate) struct Ours {
    domain: Domain,
    vars: Vec<TVar<u64>>,
}

impl Backend for Ours {
    type Local<'a> = ();

    fn new(values: &[u64]) -> Self {
        let domain = Domain::new();
        let vars = values.iter().map(|&value| domain.tvar(value)).collect();
        Self { domain, vars }
    }

    fn local(&self) {}

    #[inline]
    fn get(&self, _: &mut (), index: usize) -> u64 {
        let var = &self.vars[index];
        self.domain.snapshot(|s| *s.read(var))
    }

    #[inline]
    fn add(&self, _: &mut (), index: usize, amount: u64) {
        let var = &self.vars[index];
        self.domain.atomically(|tx| {
            let value = *tx.read(var);
            tx.write(var, value.wrapping_add(amount));
            Ok(())
        });
    }
}

impl Transactional for Ours {
    #[inline]
    fn fold<A: Copy>(
        &self,
        _: &mut (),
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A> {
        self.domain.snapshot(|s| {
            if !admit() {
                return None;
            }
            Some(self.vars.iter().fold(init, |acc, var| step(acc, *s.read(var))))
        })
    }

    #[inline]
    fn mixed(&self, _: &mut (), plan: &Mixed) {
        self.domain.atomically(|tx| {
            let mut sum = 0u64;
            for &index in &plan.reads {
                sum = sum.wrapping_add(*tx.read(&self.vars[index]));
            }
            tx.write(&self.vars[plan.writes[0]], sum);
            tx.write(&self.vars[plan.writes[1]], sum.wrapping_add(1));
            Ok(())
        });
    }

    #[inline]
    fn transfer(&self, _: &mut (), from: usize, to: usize) {
        let (from, to) = (&self.vars[from], &self.vars[to]);
        self.domain.atomically(|tx| {
            let taken = tx.read(from).wrapping_sub(1);
            tx.write(from, taken);
            let given = tx.read(to).wrapping_add(1);
            tx.write(to, given);
            Ok(())
        });
    }
}
