//! Timing of a loop, and what is kept of a measurement.

use std::time::Duration;

use cpu_time::ThreadTime;

/// The time given to each measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Thread CPU time of one single-threaded measurement.
    pub(crate) slice: Duration,
    /// Wall time of one two-thread measurement.
    pub(crate) thread_slice: Duration,
    /// Wall time of one scan measurement, once a scan has succeeded.
    pub(crate) scan_slice: Duration,
    /// Wall time after which a scan that never succeeded is given up.
    pub(crate) scan_bound: Duration,
    /// Measurements of each cell of the tables.
    pub(crate) rounds: usize,
}

impl Plan {
    /// For a table to be believed: about two minutes for everything.
    pub(crate) const FULL: Self = Self {
        slice: Duration::from_millis(60),
        thread_slice: Duration::from_millis(120),
        scan_slice: Duration::from_millis(250),
        scan_bound: Duration::from_secs(2),
        rounds: 9,
    };

    /// For a look: about 15 seconds for everything.
    pub(crate) const QUICK: Self = Self {
        slice: Duration::from_millis(10),
        thread_slice: Duration::from_millis(30),
        scan_slice: Duration::from_millis(60),
        scan_bound: Duration::from_millis(500),
        rounds: 3,
    };
}

/// What a number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Time of one transaction.
    Time,
    /// Attempts up to and with the first successful scan; missing if there was none in time.
    Attempts,
    /// Attempts to scan, successful or not.
    Tries,
    /// Share of these that succeeded.
    Success,
    /// Successful scans whose values were of no single moment. Anything but 0 is a defect.
    Torn,
    /// Duration of a successful attempt to scan.
    ScanTime,
    /// Transactions of the writer beside the scans.
    Writes,
    /// Transactions of the writer before the scans, alone.
    WritesAlone,
    /// Transactions of one thread.
    RateOne,
    /// Transactions of two threads together.
    RateTwo,
    /// Two threads over one.
    Ratio,
    /// Heap bytes of a new variable.
    Bytes,
    /// Heap allocations of a new variable.
    Blocks,
    /// Heap bytes of a variable that was updated once.
    BytesUpdated,
}

impl Metric {
    /// The name and the unit in a CSV file.
    pub(crate) fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("time", "ns"),
            Self::Attempts => ("attempts_to_first_success", "1"),
            Self::Tries => ("attempts", "1"),
            Self::Success => ("success_share", "1"),
            Self::Torn => ("inconsistent_scans", "1"),
            Self::ScanTime => ("scan_time", "ms"),
            Self::Writes => ("writes", "1/s"),
            Self::WritesAlone => ("writes_alone", "1/s"),
            Self::RateOne => ("rate_1_thread", "1/s"),
            Self::RateTwo => ("rate_2_threads", "1/s"),
            Self::Ratio => ("ratio_2_to_1", "1"),
            Self::Bytes => ("bytes_per_variable", "B"),
            Self::Blocks => ("allocations_per_variable", "1"),
            Self::BytesUpdated => ("bytes_per_updated_variable", "B"),
        }
    }
}

/// One number of one measurement; `None` where the thing measured never happened.
pub(crate) type Reading = (Metric, Option<f64>);

/// The numbers of all rounds for one cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    values: Vec<f64>,
    missing: usize,
}

impl Samples {
    /// Adds one round.
    pub(crate) fn add(&mut self, value: Option<f64>) {
        match value {
            Some(value) => self.values.push(value),
            None => self.missing += 1,
        }
        self.values.sort_unstable_by(f64::total_cmp);
    }

    /// Rounds measured.
    pub(crate) fn rounds(&self) -> usize {
        self.values.len() + self.missing
    }

    /// The middle of the rounds, a missing one counting as the largest value. `None` if the
    /// middle is missing: then it did not happen in most rounds.
    pub(crate) fn median(&self) -> Option<f64> {
        let count = self.rounds();
        let upper = *self.values.get(count / 2)?;
        let lower = self.values[count.saturating_sub(1) / 2];
        Some(f64::midpoint(lower, upper))
    }

    /// The smallest value.
    pub(crate) fn min(&self) -> Option<f64> {
        self.values.first().copied()
    }

    /// The largest value.
    pub(crate) fn max(&self) -> Option<f64> {
        self.values.last().copied()
    }
}

/// Times calls in batches of a size found once, so that every round repeats the same work.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    calls: Option<u64>,
}

impl Stopwatch {
    /// Thread CPU time of one call, in nanoseconds. `batch` makes as many calls as it is told;
    /// some are made untimed first, to warm the caches and to collect earlier garbage.
    pub(crate) fn nanoseconds(&mut self, slice: Duration, mut batch: impl FnMut(u64)) -> f64 {
        let calls = match self.calls {
            Some(calls) => {
                batch(calls / 8);
                calls
            }
            None => *self.calls.insert(calls_filling(slice, &mut batch)),
        };
        let start = ThreadTime::now();
        batch(calls);
        start.elapsed().as_secs_f64() * 1e9 / calls as f64
    }
}

/// How many calls take `slice`.
fn calls_filling(slice: Duration, batch: &mut impl FnMut(u64)) -> u64 {
    let mut calls = 1;
    loop {
        let start = ThreadTime::now();
        batch(calls);
        let spent = start.elapsed();
        if spent >= slice / 8 {
            let scale = slice.as_secs_f64() / spent.as_secs_f64();
            return ((calls as f64 * scale) as u64).max(8);
        }
        calls *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::Samples;

    fn samples(values: &[Option<f64>]) -> Samples {
        let mut samples = Samples::default();
        values.iter().for_each(|&value| samples.add(value));
        samples
    }

    #[test]
    fn median_counts_missing_as_largest() {
        assert_eq!(samples(&[]).median(), None);
        assert_eq!(samples(&[Some(3.0), Some(1.0)]).median(), Some(2.0));
        assert_eq!(samples(&[Some(3.0), None, Some(1.0)]).median(), Some(3.0));
        assert_eq!(samples(&[Some(3.0), None]).median(), None);
    }
}
