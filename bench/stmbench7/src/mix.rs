//! How often each operation is chosen.

use crate::ops::{Category, Op};
use crate::random::Random;

/// How much of the work only reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workload {
    /// Read-dominated: 90 % read-only
    R,
    /// Read-write: 60 % read-only
    Rw,
    /// Write-dominated: 10 % read-only
    W,
}

impl Workload {
    pub(crate) fn read_only_percent(self) -> u32 {
        match self {
            Self::R => 90,
            Self::Rw => 60,
            Self::W => 10,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::R => "r",
            Self::Rw => "rw",
            Self::W => "w",
        }
    }
}

/// A class of operations, as results are summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OpClass {
    pub(crate) category: Category,
    pub(crate) read_only: bool,
}

impl OpClass {
    pub(crate) const ALL: [Self; 7] = [
        Self { category: Category::LongTraversal, read_only: false },
        Self { category: Category::LongTraversal, read_only: true },
        Self { category: Category::ShortTraversal, read_only: false },
        Self { category: Category::ShortTraversal, read_only: true },
        Self { category: Category::Operation, read_only: false },
        Self { category: Category::Operation, read_only: true },
        Self { category: Category::Structural, read_only: false },
    ];

    pub(crate) fn of(op: Op) -> Self {
        Self { category: op.category(), read_only: op.is_read_only() }
    }

    /// Its place among all classes.
    pub(crate) fn number(self) -> usize {
        Self::ALL.iter().position(|&class| class == self).expect("all are listed")
    }

    pub(crate) fn name(self) -> &'static str {
        match (self.category, self.read_only) {
            (Category::LongTraversal, false) => "long traversals, updating",
            (Category::LongTraversal, true) => "long traversals, read-only",
            (Category::ShortTraversal, false) => "short traversals, updating",
            (Category::ShortTraversal, true) => "short traversals, read-only",
            (Category::Operation, false) => "operations, updating",
            (Category::Operation, true) => "operations, read-only",
            (Category::Structural, _) => "structural modifications",
        }
    }

    fn size(self) -> usize {
        Op::ALL.iter().filter(|&&op| Self::of(op) == self).count()
    }
}

/// A distribution over the operations.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    shares: [f64; Op::COUNT],
    /// Sums of the shares, from the left.
    cumulative: [f64; Op::COUNT],
}

impl Mix {
    pub(crate) fn new(workload: Workload, long_traversals: bool, structure: bool) -> Self {
        let read_only = f64::from(workload.read_only_percent()) / 100.0;
        let update = 1.0 - read_only;
        let long = if long_traversals { 0.05 } else { 0.0 };
        let (short, operations) = (0.40, 0.45);
        let structural = if structure { 0.10 * update } else { 0.0 };
        let norm = long + short + operations + structural;
        let shares = Op::ALL.map(|op| {
            let class = OpClass::of(op);
            let part = if class.read_only { read_only } else { update };
            let weight = match class.category {
                Category::LongTraversal => long * part,
                Category::ShortTraversal => short * part,
                Category::Operation => operations * part,
                Category::Structural => structural,
            };
            weight / norm / class.size() as f64
        });
        let mut sum = 0.0;
        let mut cumulative = shares.map(|share| {
            sum += share;
            sum
        });
        cumulative[Op::COUNT - 1] = 1.0;
        Self { shares, cumulative }
    }

    #[inline]
    pub(crate) fn choose(&self, random: &mut Random) -> Op {
        let at = random.fraction();
        // The first whose sum is greater; no sum is NaN, and the last is 1.
        Op::ALL[self.cumulative.partition_point(|&sum| sum <= at)]
    }

    /// The expected share of a class.
    pub(crate) fn share(&self, class: OpClass) -> f64 {
        let alike = Op::ALL.iter().filter(|&&op| OpClass::of(op) == class);
        alike.map(|op| self.shares[op.number()]).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Percentages of the classes, in the order of `OpClass::ALL`.
    fn shares(workload: Workload, long_traversals: bool, structure: bool) -> Vec<String> {
        let mix = Mix::new(workload, long_traversals, structure);
        OpClass::ALL.iter().map(|&class| format!("{:.2}", mix.share(class) * 100.0)).collect()
    }

    #[test]
    fn shares_are_those_of_the_specification() {
        let r = shares(Workload::R, true, true);
        assert_eq!(r, ["0.55", "4.95", "4.40", "39.56", "4.95", "44.51", "1.10"]);
        let rw = shares(Workload::Rw, false, true);
        assert_eq!(rw, ["0.00", "0.00", "17.98", "26.97", "20.22", "30.34", "4.49"]);
        let w = shares(Workload::W, true, false);
        assert_eq!(w, ["5.00", "0.56", "40.00", "4.44", "45.00", "5.00", "0.00"]);
        let off = shares(Workload::Rw, false, false);
        assert_eq!(off, ["0.00", "0.00", "18.82", "28.24", "21.18", "31.76", "0.00"]);
    }

    #[test]
    fn what_is_off_is_never_chosen() {
        let mix = Mix::new(Workload::Rw, false, false);
        let mut random = Random::new(1);
        for _ in 0..10_000 {
            let category = mix.choose(&mut random).category();
            assert!(matches!(category, Category::ShortTraversal | Category::Operation));
        }
    }
}
