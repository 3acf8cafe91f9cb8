//! What the original prints after a run, with percentiles in microseconds.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::measure::{Measured, Times};
use crate::mix::{Mix, OpClass};
use crate::ops::Op;

/// The original's buckets above a second: each is 3 % wider than the one before.
const HIGH_BUCKETS: usize = 200;
const HIGH_BASE: f64 = 1.03;

/// A report on a run.
#[derive(Debug)]
pub(crate) struct Output<'m> {
    pub(crate) measured: &'m Measured,
    pub(crate) mix: &'m Mix,
    /// With the original's histograms of milliseconds.
    pub(crate) histograms: bool,
}

impl fmt::Display for Output<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expected(f)?;
        if self.histograms {
            self.histograms(f)?;
        }
        self.details(f)?;
        self.sample_errors(f)?;
        self.summary(f)
    }
}

fn heading(f: &mut impl Write, title: &str) -> fmt::Result {
    writeln!(f, "\n{title}\n{}", "-".repeat(title.len()))
}

fn micros(nanos: u64) -> String {
    let micros = nanos as f64 / 1000.0;
    if micros < 100.0 { format!("{micros:.1}") } else { format!("{micros:.0}") }
}

/// Median, two percentiles and the maximum, in columns.
fn percentiles(times: &Times) -> String {
    let done = &times.done;
    if done.is_empty() {
        return format!("{:>10} {:>10} {:>10} {:>10}", "-", "-", "-", "-");
    }
    let at = |q| micros(done.value_at_quantile(q));
    format!("{:>10} {:>10} {:>10} {:>10}", at(0.5), at(0.99), at(0.999), micros(done.max()))
}

impl Output<'_> {
    fn expected(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "Expected shares of the classes, percent")?;
        for class in OpClass::ALL {
            writeln!(f, "{:<28} {:>6.2}", class.name(), self.mix.share(class) * 100.0)?;
        }
        Ok(())
    }

    fn histograms(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "TTC histograms (ms,count)")?;
        for op in Op::ALL {
            let times = &self.measured.times[op.number()];
            if times.succeeded() == 0 {
                continue;
            }
            write!(f, "TTC histogram for {op}:")?;
            for (ms, count) in original_buckets(times) {
                write!(f, " {ms},{count}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }

    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "Detailed results (times to completion in us)")?;
        writeln!(
            f,
            "{:<6} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>7} {:>8}",
            "", "successful", "median", "99%", "99.9%", "max", "mean", "share", "failed"
        )?;
        let sum = |times: &Times| times.done.mean() * times.succeeded() as f64;
        let all = self.measured.times.iter().map(sum).sum::<f64>();
        for op in Op::ALL {
            let times = &self.measured.times[op.number()];
            if times.succeeded() + times.failed > 0 {
                let (ok, failed) = (times.succeeded(), times.failed);
                let mean = micros(times.done.mean() as u64);
                let share = format!("{:.1}%", sum(times) * 100.0 / all.max(1.0));
                let percentiles = percentiles(times);
                writeln!(f, "{op:<6} {ok:>10} {percentiles} {mean:>10} {share:>7} {failed:>8}")?;
            }
        }
        Ok(())
    }

    fn sample_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "Sample errors (percent of successful, and of all operations)")?;
        writeln!(
            f,
            "{:<28} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "", "expected", "actual", "error", "with failed", "error"
        )?;
        let (succeeded, failed) = (self.measured.succeeded(), self.measured.failed());
        let (mut total, mut total_with_failed) = (0.0, 0.0);
        for class in OpClass::ALL {
            let times = self.measured.of_class(class);
            let expected = self.mix.share(class) * 100.0;
            let actual = percent(times.succeeded(), succeeded);
            let with_failed = percent(times.succeeded() + times.failed, succeeded + failed);
            let (error, error_with_failed) =
                ((expected - actual).abs(), (expected - with_failed).abs());
            total += error;
            total_with_failed += error_with_failed;
            writeln!(
                f,
                "{:<28} {expected:>9.2} {actual:>9.2} {error:>9.2} {with_failed:>11.2} \
                 {error_with_failed:>9.2}",
                class.name()
            )?;
        }
        writeln!(f, "Total sample error: {total:.2} ({total_with_failed:.2} with failed ones)")
    }

    fn summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        heading(f, "Summary (times to completion in us)")?;
        writeln!(
            f,
            "{:<28} {:>10} {:>10} {:>10} {:>10} {:>10} {:>8} {:>10}",
            "", "successful", "median", "99%", "99.9%", "max", "failed", "total"
        )?;
        for class in OpClass::ALL {
            let times = self.measured.of_class(class);
            let (ok, failed) = (times.succeeded(), times.failed);
            let total = ok + failed;
            let (name, percentiles) = (class.name(), percentiles(&times));
            writeln!(f, "{name:<28} {ok:>10} {percentiles} {failed:>8} {total:>10}")?;
        }
        let Measured { elapsed, cpu, conflicts, .. } = self.measured;
        let (succeeded, failed) = (self.measured.succeeded(), self.measured.failed());
        let rate = |count: u64| count as f64 / elapsed.as_secs_f64();
        writeln!(
            f,
            "\nThroughput: {:.1} op/s ({:.1} op/s with failed ones)",
            rate(succeeded),
            rate(succeeded + failed)
        )?;
        writeln!(f, "Elapsed time: {:.3} s", elapsed.as_secs_f64())?;
        writeln!(f, "Processor time: {:.3} us/op", per_op(*cpu, succeeded + failed))?;
        writeln!(f, "Re-executions after conflicts: {conflicts}")?;
        writeln!(f, "Failed: {:.2} %", percent(failed, succeeded + failed))
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Microseconds of an operation on average.
pub(crate) fn per_op(time: Duration, ops: u64) -> f64 {
    if ops == 0 { 0.0 } else { time.as_secs_f64() * 1e6 / ops as f64 }
}

/// The times as the original counts them: milliseconds, coarser above a second.
fn original_buckets(times: &Times) -> Vec<(u64, u64)> {
    let mut buckets: Vec<(u64, u64)> = Vec::new();
    for value in times.done.iter_recorded() {
        let ms = bucket(value.value_iterated_to() / 1_000_000);
        match buckets.last_mut() {
            Some((last, count)) if *last == ms => *count += value.count_at_value(),
            _ => buckets.push((ms, value.count_at_value())),
        }
    }
    buckets
}

fn bucket(ms: u64) -> u64 {
    if ms < 1000 {
        return ms;
    }
    let at = ((ms as f64 / 1000.0).ln() / HIGH_BASE.ln()).floor();
    let at = at.min((HIGH_BUCKETS - 1) as f64);
    (1000.0 * HIGH_BASE.powf(at)).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_the_original() {
        assert_eq!([0, 1, 999].map(bucket), [0, 1, 999]);
        assert_eq!(bucket(1029), 1000);
        assert_eq!(bucket(1031), 1030);
        assert_eq!(bucket(10_000_000), bucket(400_000), "the last bucket takes all");
    }

    #[test]
    fn times_are_counted_in_milliseconds() {
        let mut times = Times::default();
        for nanos in [1000, 400_000, 2_100_000, 2_900_000] {
            times.done.record(nanos).expect("it grows");
        }
        assert_eq!(original_buckets(&times), [(0, 2), (2, 2)]);
    }
}
