//! What one run says in one line.

use std::fmt;
use std::num::ParseFloatError;
use std::str::FromStr;

use crate::measure::Measured;

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
        let ops = (measured.succeeded() + measured.failed()) as f64;
        Self {
            throughput: ops / measured.elapsed.as_secs_f64(),
            processor: measured.cpu.as_secs_f64() * 1e6 / ops,
            conflicts: measured.conflicts as f64 / ops,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { throughput, processor, conflicts } = self;
        write!(f, "{throughput:.1},{processor:.3},{conflicts:.6}")
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
        let Some((throughput, rest)) = line.split_once(',') else {
            return Err(NoFigures::Count(line.to_owned()));
        };
        let Some((processor, conflicts)) = rest.split_once(',') else {
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
