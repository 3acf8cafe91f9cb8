//! Random choices, cheap enough to be made inside a measured loop, outside the transaction.

use oorandom::Rand32;

use crate::backend::Mixed;

/// Which variables a transaction uses.
#[derive(Clone, Debug)]
pub(crate) struct Rng(Rand32);

impl Rng {
    /// A generator for one thread or one measurement.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rand32::new(seed))
    }

    /// A number under `bound`, which must be less than 2^32.
    #[inline]
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.rand_range(0..bound as u32) as usize
    }

    /// The variables of a mixed transaction, out of the first `vars`.
    #[inline]
    pub(crate) fn mixed(&mut self, vars: usize) -> Mixed {
        Mixed {
            reads: std::array::from_fn(|_| self.below(vars)),
            writes: std::array::from_fn(|_| self.below(vars)),
        }
    }

    /// Two different variables out of the first `vars`, at least two.
    #[inline]
    pub(crate) fn pair(&mut self, vars: usize) -> (usize, usize) {
        let from = self.below(vars);
        let offset = 1 + self.below(vars - 1);
        (from, (from + offset) % vars)
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn pairs_differ_and_stay_in_range() {
        let mut rng = Rng::new(3);
        for _ in 0..10_000 {
            let (from, to) = rng.pair(7);
            assert!(from < 7 && to < 7 && from != to);
        }
    }

    #[test]
    fn every_variable_is_drawn() {
        let mut rng = Rng::new(0);
        let mut seen = [false; 100];
        for _ in 0..1_000 {
            for index in rng.mixed(seen.len()).reads {
                seen[index] = true;
            }
        }
        assert!(seen.iter().all(|&seen| seen));
    }
}
