//! What one run says in one line.

use std::fmt;
use std::num::ParseFloatError;
use std::str::FromStr;

use crate::measure::Measured;
use crate::output::per_op;

/// What is compared of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Operations a second, failed ones among them.
    pub(crate) throughput: f64,
    /// Processor time of an operation, microseconds.
    pub(crate) processor: f64,
    /// Executions in vain because of conflicts, for an operation.
    pub(crate) conflicts: f64,
}

impl Figures {
    pub(crate) fn of(measured: &Measured) -> Self {
        let ops = measured.succeeded() + measured.failed();
        Self {
            throughput: ops as f64 / measured.elapsed.as_secs_f64(),
            processor: per_op(measured.cpu, ops),
            conflicts: measured.conflicts as f64 / ops as f64,
        }
    }

    /// As they are printed, one by one.
    pub(super) fn cells(&self) -> [String; 3] {
        let Self { throughput, processor, conflicts } = self;
        [format!("{throughput:.1}"), format!("{processor:.3}"), format!("{conflicts:.6}")]
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cells().join(","))
    }
}

/// A line that is not what [`Figures`] prints.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoFigures {
    #[error("three figures were expected, not {0:?}")]
    Count(String),
    #[error("a figure was expected: {0}")]
    Number(#[from] ParseFloatError),
}

impl FromStr for Figures {
    type Err = NoFigures;

    fn from_str(line: &str) -> Result<Self, NoFigures> {
        let cells: Vec<_> = line.splitn(3, ',').collect();
        let [throughput, processor, conflicts] = cells[..] else {
            return Err(NoFigures::Count(line.to_owned()));
        };
        Ok(Self {
            throughput: throughput.parse()?,
            processor: processor.parse()?,
            conflicts: conflicts.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_they_are_printed() {
        let figures = Figures { throughput: 31_113.5, processor: 23.75, conflicts: 0.015_625 };
        assert_eq!(figures.to_string().parse::<Figures>().expect("three figures"), figures);
        for (line, why) in [
            ("", "three figures were expected, not \"\""),
            ("1,2", "three figures were expected, not \"1,2\""),
            ("1,2,3,4", "a figure was expected: invalid float literal"),
        ] {
            assert_eq!(line.parse::<Figures>().expect_err(line).to_string(), why);
        }
    }
}
