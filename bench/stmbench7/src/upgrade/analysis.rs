//! What the numbers of a run come to.

use std::time::Duration;

use super::run::{BIN, Series};

/// Bins at the beginning that are left out: everything is cold then.
const COLD: usize = 3;
/// An operation rate from this share of the usual one on counts as recovered.
const RECOVERED: f64 = 0.9;
/// And it has to stay there for so many bins.
const STEADY: usize = 3;

/// The trace that an upgrade leaves in the throughput.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dip {
    /// Operations in a bin before the upgrade, in the median.
    pub(super) usual: f64,
    /// How far below that the worst bin after it is, from 0 to 1.
    pub(super) depth: f64,
    /// From the upgrade until the throughput is back to stay.
    pub(super) width: Duration,
    /// Work that was not done, as the time in which it is usually done. Negative where more was.
    pub(super) lost: f64,
}

/// The middle of the values, 0 of none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// Looks at whole bins only; the bin of the flip belongs to what comes after.
pub(super) fn dip(ops: &[u64], flip: Duration, length: Duration) -> Dip {
    let bin = |at: Duration| (at.as_millis() / BIN.as_millis()) as usize;
    let whole = ops.len().min(bin(length));
    let ops: Vec<f64> = ops[..whole].iter().map(|&ops| ops as f64).collect();
    let flip = bin(flip).min(whole);
    let usual = median(ops[COLD.min(flip)..flip].iter().copied());
    let after = &ops[flip..];
    if usual <= 0.0 || after.is_empty() {
        return Dip { usual, depth: 0.0, width: Duration::ZERO, lost: 0.0 };
    }
    let least = after.iter().copied().fold(f64::INFINITY, f64::min);
    let back = (0..after.len())
        .find(|&at| after[at..].iter().take(STEADY).all(|&ops| ops >= RECOVERED * usual))
        .unwrap_or(after.len());
    let missing: f64 = after.iter().map(|ops| usual - ops).sum();
    Dip {
        usual,
        depth: (1.0 - least / usual).max(0.0),
        width: BIN * back as u32,
        lost: missing / usual * BIN.as_secs_f64(),
    }
}

impl Series {
    pub(super) fn ops_by_bin(&self) -> Vec<u64> {
        self.bins.iter().map(|bin| bin.ops).collect()
    }

    /// The slowest operation that ended after this instant, in nanoseconds.
    pub(super) fn slowest_after(&self, flip: Duration) -> u64 {
        let first = (flip.as_millis() / BIN.as_millis()) as usize;
        self.bins.iter().skip(first).map(|bin| bin.times.max()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tenths: u64) -> Duration {
        BIN * tenths as u32
    }

    #[test]
    fn a_dip_has_depth_and_width() {
        let ops = [5, 5, 5, 100, 100, 100, 100, 20, 80, 95, 100, 100, 100, 7];
        let dip = dip(&ops, seconds(7), seconds(13));
        assert_eq!((dip.usual, dip.width), (100.0, seconds(2)));
        assert!((dip.depth - 0.8).abs() < 1e-9);
        assert!((dip.lost - 0.105).abs() < 1e-9);
    }

    #[test]
    fn a_rate_that_never_comes_back_is_a_dip_to_the_end() {
        let ops = [100, 100, 100, 100, 100, 50, 50, 100, 50];
        assert_eq!(dip(&ops, seconds(5), seconds(9)).width, seconds(4));
    }

    #[test]
    fn nothing_happens_without_an_upgrade() {
        let dip = dip(&[100; 20], seconds(8), seconds(20));
        assert_eq!((dip.depth, dip.width, dip.lost), (0.0, Duration::ZERO, 0.0));
    }

    #[test]
    fn medians() {
        assert_eq!([median([]), median([3.0, 1.0, 2.0]), median([4.0, 1.0])], [0.0, 2.0, 2.5]);
    }
}
