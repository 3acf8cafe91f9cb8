//! async-stm: TL2-like, with a global clock and the transaction in a thread local.
//!
//! Its `atomically` is a future that waits only after a `retry`, which no workload here asks for.
//! So one poll without a runtime is the cheapest way to run it, and that is what is measured.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ::async_stm::{Stm, TVar, atomically};

use super::{Backend, Mixed, Transactional};

/// A vector of `async_stm::TVar`.
pub(crate) struct AsyncStm {
    vars: Vec<TVar<u64>>,
}

/// Runs a transaction to its end on this thread.
#[inline]
fn run<T>(body: impl Fn() -> Stm<T>) -> T {
    let future = pin!(atomically(body));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("no transaction of this program blocks"),
    }
}

impl Backend for AsyncStm {
    type Local<'a> = ();

    fn new(values: &[u64]) -> Self {
        Self { vars: values.iter().copied().map(TVar::new).collect() }
    }

    fn local(&self) {}

    #[inline]
    fn get(&self, _: &mut (), index: usize) -> u64 {
        let var = &self.vars[index];
        run(|| Ok(*var.read()?))
    }

    #[inline]
    fn add(&self, _: &mut (), index: usize, amount: u64) {
        let var = &self.vars[index];
        run(|| var.update(|value| value.wrapping_add(amount)));
    }
}

impl Transactional for AsyncStm {
    #[inline]
    fn fold<A: Copy>(
        &self,
        _: &mut (),
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A> {
        run(|| {
            if !admit() {
                return Ok(None);
            }
            let mut acc = init;
            for var in &self.vars {
                acc = step(acc, *var.read()?);
            }
            Ok(Some(acc))
        })
    }

    #[inline]
    fn mixed(&self, _: &mut (), plan: &Mixed) {
        run(|| {
            let mut sum = 0u64;
            for &index in &plan.reads {
                sum = sum.wrapping_add(*self.vars[index].read()?);
            }
            self.vars[plan.writes[0]].write(sum)?;
            self.vars[plan.writes[1]].write(sum.wrapping_add(1))
        });
    }

    #[inline]
    fn transfer(&self, _: &mut (), from: usize, to: usize) {
        run(|| {
            self.vars[from].update(|value| value.wrapping_sub(1))?;
            self.vars[to].update(|value| value.wrapping_add(1))
        });
    }
}
