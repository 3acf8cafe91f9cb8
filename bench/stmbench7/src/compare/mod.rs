//! Back ends beside each other: the same work on each, in turns, round after round.
//!
//! Each run is a process of its own, so that none works in memory that another one has left.

mod figures;
mod report;

use std::error::Error;
use std::fmt;
use std::process::Command;

pub(crate) use figures::Figures;
pub(crate) use report::write_report;

use crate::backend::BackendName;
use crate::measure::Limit;
use crate::mix::Workload;
use crate::params::Size;
use crate::turns::turns;

/// What is compared.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) backends: Vec<BackendName>,
    /// Whose figures are divided by those of the others.
    pub(crate) subject: BackendName,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) threads: Vec<u16>,
    pub(crate) long_traversals: bool,
    pub(crate) structure: bool,
    pub(crate) size: Size,
    pub(crate) scale: u16,
    pub(crate) seed: u64,
    pub(crate) limit: Limit,
    pub(crate) fresh_memory: bool,
    pub(crate) rounds: u16,
}

/// A back end, and the threads that work on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contestant {
    pub(crate) backend: BackendName,
    pub(crate) threads: u16,
}

/// What was measured with one mix of operations.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) workload: Workload,
    /// All rounds of each.
    pub(crate) series: Vec<(Contestant, Vec<Figures>)>,
}

impl Comparison {
    /// Every back end with every number of threads that it can bear.
    pub(crate) fn contestants(&self) -> Vec<Contestant> {
        let all = self.backends.iter().flat_map(|&backend| {
            self.threads.iter().map(move |&threads| Contestant { backend, threads })
        });
        all.filter(|one| one.backend != BackendName::None || one.threads == 1).collect()
    }

    fn arguments(&self, workload: Workload, contestant: Contestant) -> Vec<String> {
        let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
        let mut arguments: Vec<_> = [
            ("--backend", contestant.backend.to_string()),
            ("--threads", contestant.threads.to_string()),
            ("--mix", workload.name().to_owned()),
            ("--long-traversals", switch(self.long_traversals)),
            ("--structure", switch(self.structure)),
            ("--size", self.size.name().to_owned()),
            ("--scale", self.scale.to_string()),
            ("--seed", self.seed.to_string()),
            match self.limit {
                Limit::Ops(ops) => ("--ops", ops.to_string()),
                Limit::Time(time) => ("--seconds", time.as_secs_f64().to_string()),
            },
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value])
        .collect();
        arguments.extend(self.fresh_memory.then(|| "--fresh-memory".to_owned()));
        arguments
    }

    /// One run, in a process of its own.
    fn run(&self, workload: Workload, contestant: Contestant) -> Result<Figures, Box<dyn Error>> {
        let output = Command::new(std::env::current_exe()?)
            .args(["run", "--brief"])
            .args(self.arguments(workload, contestant))
            .output()?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if !output.status.success() {
            let (status, why) = (output.status, said(&output.stderr));
            return Err(format!("{}, {contestant}: {status}\n{why}", workload.name()).into());
        }
        Ok(said(&output.stdout).parse()?)
    }

    /// Runs everything; `progress` is told how many runs are done, and what comes now.
    pub(crate) fn compare(
        &self,
        mut progress: impl FnMut(u64, &str),
    ) -> Result<Vec<Compared>, Box<dyn Error>> {
        let mut begun = 0;
        let mut compared = Vec::new();
        for &workload in &self.workloads {
            let mut series: Vec<_> =
                self.contestants().into_iter().map(|one| (one, Vec::new())).collect();
            for round in 0..usize::from(self.rounds) {
                for turn in turns(round, series.len()) {
                    let (contestant, figures) = &mut series[turn];
                    progress(begun, &format!("{}: {contestant}", workload.name()));
                    begun += 1;
                    figures.push(self.run(workload, *contestant)?);
                }
            }
            compared.push(Compared { workload, series });
        }
        Ok(compared)
    }

    /// How much each run does, in words.
    fn amount(&self) -> String {
        match self.limit {
            Limit::Ops(ops) => format!("{ops} operations"),
            Limit::Time(time) => format!("{} s", time.as_secs_f64()),
        }
    }
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        write!(f, "{}, {} {threads}", self.backend, self.threads)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{Parser, ValueEnum};

    use super::*;
    use crate::cli::Cli;

    fn comparison() -> Comparison {
        Comparison {
            backends: BackendName::value_variants().to_vec(),
            subject: BackendName::Heap,
            workloads: Workload::value_variants().to_vec(),
            threads: vec![1, 2],
            long_traversals: false,
            structure: true,
            size: Size::Tiny,
            scale: 2,
            seed: 7,
            limit: Limit::Ops(10),
            fresh_memory: false,
            rounds: 1,
        }
    }

    #[test]
    fn a_run_understands_what_it_is_told() {
        let times = [Limit::Ops(10), Limit::Time(Duration::from_micros(1500))];
        for (&size, limit) in Size::value_variants().iter().zip(times.into_iter().cycle()) {
            let comparison =
                Comparison { size, limit, fresh_memory: size == Size::Tiny, ..comparison() };
            for &workload in &comparison.workloads {
                for contestant in comparison.contestants() {
                    let told = comparison.arguments(workload, contestant);
                    let begin = ["stmbench7", "run", "--brief"].map(str::to_owned);
                    let cli = Cli::try_parse_from(begin.into_iter().chain(told.clone()));
                    let understood = format!("{:?}", cli.expect("it is understood"));
                    for part in [
                        format!("backend: {:?}", contestant.backend),
                        format!("threads: {}", contestant.threads),
                        format!("mix: {workload:?}"),
                        format!("size: {size:?}"),
                        "scale: 2, seed: 7".to_owned(),
                        "long_traversals: Off, structure: On".to_owned(),
                        format!("fresh_memory: {}", comparison.fresh_memory),
                        match limit {
                            Limit::Ops(ops) => format!("ops: Some({ops})"),
                            Limit::Time(_) => "seconds: 0.0015".to_owned(),
                        },
                    ] {
                        assert!(understood.contains(&part), "{told:?}: {understood} lacks {part}");
                    }
                }
            }
        }
    }

    #[test]
    fn plain_memory_has_one_thread() {
        let contestants = comparison().contestants();
        assert_eq!(contestants.len(), 2 * 5 - 1);
        let none = contestants.iter().filter(|one| one.backend == BackendName::None);
        assert!(none.map(|one| one.threads).eq([1]));
    }
}
