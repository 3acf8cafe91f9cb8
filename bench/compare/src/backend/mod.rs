//! The crates measured, each behind the same two traits.
//!
//! A back end is an array of `u64` variables. The methods are whole operations and the workloads
//! are generic over the back end, so a measured loop holds no virtual call and no choice of back
//! end: what is timed is the crate, inlined as far as it allows. Type erasure happens once per
//! measurement, in [`crate::registry`].

pub(crate) mod arc_swap;
pub(crate) mod async_stm;
pub(crate) mod dashmap;
pub(crate) mod fast_stm;
pub(crate) mod kovan_stm;
pub(crate) mod mvcc_cell;
pub(crate) mod ours;
pub(crate) mod parking_lot;
pub(crate) mod plain;
pub(crate) mod stm_core;

#[cfg(test)]
mod tests;

/// An array of variables of which one at a time can be read and updated.
pub(crate) trait Backend: Sized {
    /// What a thread keeps between its operations: scratch memory, or garbage still to be cleaned.
    type Local<'a>
    where
        Self: 'a;

    /// Makes one variable for each value.
    fn new(values: &[u64]) -> Self;

    /// State for one thread of operations.
    fn local(&self) -> Self::Local<'_>;

    /// A read-only transaction of one variable.
    fn get<'a>(&'a self, local: &mut Self::Local<'a>, index: usize) -> u64;

    /// A read-modify-write of one variable: adds, wrapping around.
    fn add<'a>(&'a self, local: &mut Self::Local<'a>, index: usize, amount: u64);
}

/// A back end that can also work on many variables in one transaction.
pub(crate) trait Transactional: Backend {
    /// A read-only transaction over all variables, in order, folding the values with `step`.
    ///
    /// Each attempt first asks `admit` and gives up with `None` on a refusal. Only the
    /// attempt that commits decides the result.
    fn fold<'a, A: Copy>(
        &'a self,
        local: &mut Self::Local<'a>,
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A>;

    /// An update transaction of ten reads and two writes; see [`Mixed`].
    fn mixed<'a>(&'a self, local: &mut Self::Local<'a>, plan: &Mixed);

    /// An update transaction that takes 1 from one variable and gives it to a different one.
    fn transfer<'a>(&'a self, local: &mut Self::Local<'a>, from: usize, to: usize);
}

/// The variables of one transaction of ten reads and two writes, drawn before it begins.
///
/// The reads come first and are summed. Then the sum is written to the first target and the sum
/// plus one to the second, without reading either. Variables may repeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixed {
    pub(crate) reads: [usize; 10],
    pub(crate) writes: [usize; 2],
}
