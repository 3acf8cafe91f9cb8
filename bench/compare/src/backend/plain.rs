//! Plain memory: the floor under every other number. One thread only, and nothing is isolated.

use std::cell::Cell;
use std::hint::black_box;

use super::{Backend, Mixed, Transactional};

/// A vector of cells.
pub(crate) struct Plain {
    cells: Vec<Cell<u64>>,
}

impl Backend for Plain {
    type Local<'a> = ();

    fn new(values: &[u64]) -> Self {
        Self { cells: values.iter().copied().map(Cell::new).collect() }
    }

    fn local(&self) {}

    #[inline]
    fn get(&self, _: &mut (), index: usize) -> u64 {
        self.cells[index].get()
    }

    #[inline]
    fn add(&self, _: &mut (), index: usize, amount: u64) {
        let cell = &self.cells[index];
        cell.set(cell.get().wrapping_add(amount));
    }
}

impl Transactional for Plain {
    #[inline]
    fn fold<A: Copy>(
        &self,
        _: &mut (),
        admit: impl Fn() -> bool,
        init: A,
        step: impl Fn(A, u64) -> A,
    ) -> Option<A> {
        // Opaque, or the compiler would see that nothing changed since the last call.
        let cells = black_box(&self.cells);
        admit().then(|| cells.iter().fold(init, |acc, cell| step(acc, cell.get())))
    }

    #[inline]
    fn mixed(&self, _: &mut (), plan: &Mixed) {
        let sum =
            plan.reads.iter().fold(0u64, |sum, &index| sum.wrapping_add(self.cells[index].get()));
        self.cells[plan.writes[0]].set(sum);
        self.cells[plan.writes[1]].set(sum.wrapping_add(1));
    }

    #[inline]
    fn transfer(&self, local: &mut (), from: usize, to: usize) {
        self.add(local, from, 1u64.wrapping_neg());
        self.add(local, to, 1);
    }
}
