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

/// The median, 0 of none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    upgradable_report::median(values).unwrap_or(0.0)
}

/// The number of the bin that an instant is in.
fn bin(at: Duration) -> usize {
    (at.as_millis() / BIN.as_millis()) as usize
}

/// Operations in a bin, in the median, when it is warm.
fn usual(ops: &[f64]) -> f64 {
    median(ops[COLD.min(ops.len())..].iter().copied())
}

/// The rounds of a strategy laid on top of each other, flip on flip: operations in each bin, in the
/// median of the rounds, each of which counts by its own usual rate. What happens in one round only,
/// as on a busy machine, leaves no trace.
pub(super) fn overlaid(rounds: &[(Vec<f64>, Duration)], length: Duration) -> Vec<f64> {
    let usuals: Vec<f64> =
        rounds.iter().map(|(ops, flip)| usual(&ops[..bin(*flip).min(ops.len())])).collect();
    let all = median(usuals.iter().copied());
    (0..bin(length))
        .map(|at| {
            let parts = rounds.iter().zip(&usuals).filter_map(|((ops, _), usual)| {
                (*usual > 0.0).then_some(ops.get(at).unwrap_or(&0.0) / usual)
            });
            all * median(parts)
        })
        .collect()
}

/// Looks at whole bins only; the bin of the flip belongs to what comes after.
pub(super) fn dip(ops: &[f64], flip: Duration, length: Duration) -> Dip {
    let whole = ops.len().min(bin(length));
    let (ops, flip) = (&ops[..whole], bin(flip).min(whole));
    let usual = usual(&ops[..flip]);
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
    pub(super) fn ops_by_bin(&self) -> Vec<f64> {
        self.bins.iter().map(|bin| bin.ops as f64).collect()
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
        let ops = [5, 5, 5, 100, 100, 100, 100, 20, 80, 95, 100, 100, 100, 7].map(f64::from);
        let dip = dip(&ops, seconds(7), seconds(13));
        assert_eq!((dip.usual, dip.width), (100.0, seconds(2)));
        assert!((dip.depth - 0.8).abs() < 1e-9);
        assert!((dip.lost - 0.105).abs() < 1e-9);
    }

    #[test]
    fn a_rate_that_never_comes_back_is_a_dip_to_the_end() {
        let ops = [100, 100, 100, 100, 100, 50, 50, 100, 50].map(f64::from);
        assert_eq!(dip(&ops, seconds(5), seconds(9)).width, seconds(4));
    }

    #[test]
    fn nothing_happens_without_an_upgrade() {
        let dip = dip(&[100.0; 20], seconds(8), seconds(20));
        assert_eq!((dip.depth, dip.width, dip.lost), (0.0, Duration::ZERO, 0.0));
    }

    #[test]
    fn what_happens_in_one_round_only_leaves_no_trace() {
        let round = |all: f64, slow: &[usize]| {
            let ops = (0..20).map(|at| if slow.contains(&at) { all / 2.0 } else { all });
            (ops.collect::<Vec<_>>(), seconds(10))
        };
        let rounds = [round(100.0, &[12, 15]), round(300.0, &[12]), round(200.0, &[12, 17])];
        let ops = overlaid(&rounds, seconds(20));
        let expected = (0..20).map(|at| if at == 12 { 100.0 } else { 200.0 });
        assert_eq!(ops, expected.collect::<Vec<_>>());
        assert_eq!(overlaid(&[], seconds(2)), [0.0; 2]);
    }
}
