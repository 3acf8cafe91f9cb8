//! Sizes of the structure, and the numbers that everything else is made from.

/// Bounds of random build dates, both inclusive.
pub(crate) type Dates = (i32, i32);
pub(crate) const MODULE_DATES: Dates = (1000, 1999);
pub(crate) const ASSEMBLY_DATES: Dates = (1000, 1999);
pub(crate) const ATOMIC_DATES: Dates = (1000, 1999);
pub(crate) const OLD_COMPOSITE_DATES: Dates = (0, 999);
pub(crate) const YOUNG_COMPOSITE_DATES: Dates = (2000, 2999);
/// Percent of the composite parts.
pub(crate) const YOUNG_COMPOSITES: usize = 10;
pub(crate) const KINDS: usize = 10;
/// Exclusive bound of x, and the greatest length of a connection.
pub(crate) const XY_RANGE: usize = 100_000;
/// Room for the outgoing connections of an atomic part: no size has more.
pub(crate) const MAX_OUTGOING: usize = 6;

/// The size of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Params {
    pub(crate) atomics_per_composite: usize,
    pub(crate) connections_per_atomic: usize,
    pub(crate) document_size: usize,
    pub(crate) manual_size: usize,
    pub(crate) composites: usize,
    pub(crate) children_per_assembly: usize,
    pub(crate) levels: u8,
    pub(crate) components_per_base: usize,
}

/// A size by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Size {
    /// 20 composite parts of 20 atomic parts below 27 base assemblies: for tests
    Tiny,
    /// 50 composite parts of 20 atomic parts
    Small,
    /// 500 composite parts of 20 atomic parts
    Medium,
    /// 500 composite parts of 200 atomic parts: the size of the original
    Big,
}

impl Size {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tiny => "tiny",
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Big => "big",
        }
    }
}

impl Params {
    pub(crate) fn new(size: Size, scale: usize) -> Self {
        let big = Self {
            atomics_per_composite: 200,
            connections_per_atomic: MAX_OUTGOING,
            document_size: 20_000,
            manual_size: 1_000_000,
            composites: 500,
            children_per_assembly: 3,
            levels: 7,
            components_per_base: 3,
        };
        let params = match size {
            Size::Big => big,
            Size::Medium => Self { atomics_per_composite: 20, ..big },
            Size::Small => Self { atomics_per_composite: 20, composites: 50, ..big },
            Size::Tiny => Self {
                atomics_per_composite: 20,
                composites: 20,
                levels: 4,
                document_size: 1000,
                manual_size: 5000,
                ..big
            },
        };
        Self { composites: params.composites * scale, ..params }
    }

    pub(crate) fn bases(&self) -> usize {
        self.children_per_assembly.pow(u32::from(self.levels) - 1)
    }

    pub(crate) fn complexes(&self) -> usize {
        (0..u32::from(self.levels) - 1).map(|level| self.children_per_assembly.pow(level)).sum()
    }

    pub(crate) fn max_composites(&self) -> usize {
        with_reserve(self.composites)
    }

    pub(crate) fn max_atomics(&self) -> usize {
        self.max_composites() * self.atomics_per_composite
    }

    pub(crate) fn max_bases(&self) -> usize {
        with_reserve(self.bases())
    }

    pub(crate) fn max_complexes(&self) -> usize {
        with_reserve(self.complexes())
    }
}

/// Five percent more, rounded down.
fn with_reserve(count: usize) -> usize {
    count * 105 / 100
}

/// The range of build dates of a query for so many percent of them: the upper bound is exclusive.
pub(crate) fn date_range(percent: i32) -> (i32, i32) {
    let (low, high) = ATOMIC_DATES;
    (high - percent * (high - low) / 100, high)
}

/// What a date may be: within its interval, except that an update may have left it by one.
pub(crate) fn is_reachable(date: i32, (low, high): Dates) -> bool {
    let low = if low % 2 == 0 { low - 1 } else { low };
    let high = if high % 2 == 0 { high } else { high + 1 };
    (low..=high).contains(&date)
}

/// The other date of the pair that updates switch between.
pub(crate) fn other_date(date: i32) -> i32 {
    if date % 2 == 0 { date - 1 } else { date + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_size() {
        let big = Params::new(Size::Big, 1);
        assert_eq!((big.bases(), big.complexes()), (729, 364));
        assert_eq!((big.max_composites(), big.max_atomics()), (525, 105_000));
        assert_eq!((big.max_bases(), big.max_complexes()), (765, 382));
    }

    #[test]
    fn ranges_of_dates_exclude_the_last_one() {
        assert_eq!((date_range(1), date_range(10)), ((1990, 1999), (1900, 1999)));
    }

    #[test]
    fn dates_come_in_pairs() {
        for (date, other) in [(1000, 999), (1999, 2000), (0, -1)] {
            assert_eq!((other_date(date), other_date(other)), (other, date));
        }
        assert!(is_reachable(999, ATOMIC_DATES) && is_reachable(2000, ATOMIC_DATES));
        assert!(!is_reachable(998, ATOMIC_DATES) && !is_reachable(2001, ATOMIC_DATES));
        assert!(is_reachable(-1, OLD_COMPOSITE_DATES) && is_reachable(1000, OLD_COMPOSITE_DATES));
    }
}
