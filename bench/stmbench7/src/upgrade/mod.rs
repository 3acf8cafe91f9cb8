//! The experiment: a workload runs, its types change in the middle, and what that costs is
//! compared with other ways to change them.

mod analysis;
mod program;
mod report;
mod run;
mod soak;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::time::Duration;

use upgradable::{Background, Pace, Upgrade};

use crate::machine::line_transfer;
use crate::memory;
use crate::mix::{Mix, Workload};
use crate::params::{Params, Size};
use crate::schema::{v1, v2};
use crate::turns::turns;

pub(crate) use report::write_report;
use run::{Series, make_room, run};
pub(crate) use soak::{Stage, soak};

/// How the types are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Strategy {
    /// They are not: what the machine does by itself
    None,
    /// Each object when it is first touched
    Lazy,
    /// The same, and what nobody touches by a background thread
    Background,
    /// All objects at once, by one thread, while everybody waits
    Eager,
    /// All objects at once, by a thread for each processor
    ParallelEager,
}

impl Strategy {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 5] =
        [Self::None, Self::Lazy, Self::Background, Self::Eager, Self::ParallelEager];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "no upgrade",
            Self::Lazy => "lazy",
            Self::Background => "lazy + background",
            Self::Eager => "eager",
            Self::ParallelEager => "parallel eager",
        }
    }
}

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Change {
    /// Eight types become others: dates and points of their own, connections in two lists, texts
    /// split from their documents, composite parts that remember a date of another object
    Types,
    /// Every type is upgraded to itself
    Null,
}

/// Everything that one run needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) size: Size,
    pub(crate) scale: usize,
    pub(crate) seed: u64,
    pub(crate) workload: Workload,
    pub(crate) long_traversals: bool,
    pub(crate) structure: bool,
    pub(crate) threads: usize,
    pub(crate) length: Duration,
    pub(crate) change: Change,
    pub(crate) check: bool,
    pub(crate) replay: bool,
    /// The upgrade is promoted as soon as it is complete.
    pub(crate) promote: bool,
    /// How fast the background goes.
    pub(crate) pace: Pace,
    /// Runs that something disturbed are thrown away, and done again.
    pub(crate) calm: bool,
    /// The system hands memory out while the work runs.
    pub(crate) fresh_memory: bool,
}

impl Setting {
    pub(crate) fn params(&self) -> Params {
        Params::new(self.size, self.scale)
    }

    pub(crate) fn mix(&self) -> Mix {
        Mix::new(self.workload, self.long_traversals, self.structure)
    }

    /// When the types change: later than half of what it takes to be warm, early enough to see
    /// all that follows.
    pub(crate) fn flip_at(&self) -> Duration {
        self.length.mul_f64(0.4)
    }

    pub(crate) fn name(&self) -> String {
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        let mut name =
            format!("{}, {} {threads}, scale {}", self.workload.name(), self.threads, self.scale);
        if self.long_traversals {
            name.push_str(", long traversals");
        }
        if self.structure {
            name.push_str(", structural modifications");
        }
        name
    }
}

/// The plan of an upgrade.
fn plan(change: Change, strategy: Strategy, pace: Pace) -> Upgrade {
    let plan = match change {
        Change::Types => Upgrade::to("version 2")
            .migrate::<v1::DesignModule, v2::DesignModule>()
            .migrate::<v1::UserManual, v2::UserManual>()
            .migrate::<v1::ComplexAssembly, v2::ComplexAssembly>()
            .migrate::<v1::BaseAssembly, v2::BaseAssembly>()
            .migrate::<v1::CompositePart, v2::CompositePart>()
            .migrate::<v1::PartDocument, v2::PartDocument>()
            .migrate::<v1::AtomicPart, v2::AtomicPart>()
            .migrate::<v1::PartWiring, v2::PartWiring>(),
        Change::Null => Upgrade::to("version 1 again")
            .refresh::<v1::DesignModule>()
            .refresh::<v1::UserManual>()
            .refresh::<v1::ComplexAssembly>()
            .refresh::<v1::BaseAssembly>()
            .refresh::<v1::CompositePart>()
            .refresh::<v1::PartDocument>()
            .refresh::<v1::AtomicPart>()
            .refresh::<v1::PartWiring>(),
    };
    match strategy {
        Strategy::None | Strategy::Background => plan.background(Background::On(pace)),
        Strategy::Lazy => plan.background(Background::Off),
        Strategy::Eager => plan.eager(1),
        Strategy::ParallelEager => plan.eager(processors()),
    }
}

/// How many threads the machine runs at once.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What was measured of one setting.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) setting: Setting,
    /// All rounds of each strategy.
    pub(crate) series: Vec<(Strategy, Vec<Series>)>,
}

impl Outcome {
    /// Operations in all rounds.
    pub(crate) fn ops(&self) -> u64 {
        self.series.iter().flat_map(|(_, rounds)| rounds).map(|series| series.ops).sum()
    }
}

/// Runs all strategies in every setting, in turns; `progress` is told how many runs are done, and
/// what comes now.
pub(crate) fn experiment(
    settings: &[Setting],
    strategies: &[Strategy],
    rounds: usize,
    mut progress: impl FnMut(u64, &str),
) -> Result<Vec<Outcome>, Box<dyn Error>> {
    let mut outcomes = Vec::new();
    let mut best = None;
    let mut begun = 0;
    memory::count();
    for setting in settings {
        if !setting.fresh_memory {
            progress(begun, &format!("{}: memory", setting.name()));
            make_room(setting)?;
        }
        let mut series: Vec<_> = strategies.iter().map(|&s| (s, Vec::new())).collect();
        for round in 0..rounds {
            for turn in turns(round, strategies.len()) {
                let (strategy, done) = &mut series[turn];
                progress(begun, &format!("{}: {}", setting.name(), strategy.name()));
                begun += 1;
                done.push(run_calmly(setting, *strategy, &mut best)?);
            }
        }
        outcomes.push(Outcome { setting: *setting, series });
    }
    Ok(outcomes)
}

/// Runs are thrown away so often at most, because something disturbed them, for one that counts.
const AGAIN: u8 = 4;

/// One run; if it is to be calm, again and again until it is, or the last of a few. `best` is what a
/// cache line takes from core to core when all is well.
fn run_calmly(
    setting: &Setting,
    strategy: Strategy,
    best: &mut Option<f64>,
) -> Result<Series, Box<dyn Error>> {
    for again in 0.. {
        let before = line_transfer();
        let mut series = run(setting, strategy)?;
        series.calm.lines = [before, line_transfer()];
        series.again = again;
        let seen = series.calm.lines.into_iter().chain([*best]).flatten();
        *best = seen.reduce(f64::min);
        if !setting.calm || series.calm.is_calm(*best) || again == AGAIN {
            return Ok(series);
        }
    }
    unreachable!("the last one is returned")
}
