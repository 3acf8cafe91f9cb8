//! arc-swap: an atomically replaceable `Arc` per variable, so one variable at a time.

use ::arc_swap::ArcSwap;

use super::Backend;

/// A vector of `ArcSwap`.
pub(crate) struct Swapped {
    vars: Vec<ArcSwap<u64>>,
}

impl Backend for Swapped {
    type Local<'a> = ();

    fn new(values: &[u64]) -> Self {
        Self { vars: values.iter().copied().map(ArcSwap::from_pointee).collect() }
    }

    fn local(&self) {}

    #[inline]
    fn get(&self, _: &mut (), index: usize) -> u64 {
        **self.vars[index].load()
    }

    #[inline]
    fn add(&self, _: &mut (), index: usize, amount: u64) {
        self.vars[index].rcu(|value| value.wrapping_add(amount));
    }
}
