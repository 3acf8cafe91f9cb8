//! The command line.

mod choose;
mod commands;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use upgradable::Pace;

pub(crate) use commands::run;

use crate::backend::BackendName;
use crate::compare::Comparison;
use crate::measure::Limit;
use crate::mix::{Mix, Workload};
use crate::params::{Params, Size};
use crate::upgrade::{Change, Setting, Strategy, processors};

/// STMBench7: a large object graph, 45 operations on it, and upgrades of its types in the middle
///
/// Without a command: the experiment `upgrade` with its defaults, which takes about a minute and
/// ends with a verdict and a report.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  stmbench7                                        the experiment, in a minute
  stmbench7 upgrade --scale 1,5,10,20              what the size of the heap means for it
  stmbench7 soak --seconds 600                     ten minutes of upgrades and roll backs
  stmbench7 run --backend heap --threads 2 --seconds 10 --mix rw --check --replay
  stmbench7 run --backend medium --ops 20000 --long-traversals off --structure off
  stmbench7 compare --backends none,heap --threads 1 --rounds 11
  stmbench7 trace --seed 3 --mix rw --ops 1000 --backend none
  stmbench7 facts --seed 1 --backend coarse
"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Change the types in the middle of the work, in several ways, and compare what it costs
    Upgrade(UpgradeArgs),
    /// Upgrade again and again for a long time, undo every third upgrade, and check everything
    Soak(SoakArgs),
    /// Measure a back end: throughput, times to completion, sample errors
    Run(RunArgs),
    /// Measure back ends in turns, round after round: what each needs for the same work
    Compare(CompareArgs),
    /// Print the result of every operation of one thread, and hashes of results and structure
    Trace(TraceArgs),
    /// Print numbers that a structure of this size and seed must have
    Facts(FactsArgs),
}

/// A switch of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

impl Switch {
    fn is_on(self) -> bool {
        self == Self::On
    }
}

/// What is worked on.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Structure")]
struct StructureArgs {
    /// What keeps the objects
    #[arg(short = 'g', long, value_enum, default_value = "heap")]
    backend: BackendName,

    /// The version of the types
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    types: u8,

    /// The size of the structure
    #[arg(long, value_enum, default_value = "big")]
    size: Size,

    /// Multiplies the composite parts, each with its document and atomic parts: the heap grows by it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    scale: u16,

    /// Seed of the structure, and of the first thread
    #[arg(long, value_name = "N", default_value_t = 3)]
    seed: u64,
}

impl StructureArgs {
    fn params(&self) -> Params {
        Params::new(self.size, usize::from(self.scale))
    }
}

/// Which operations run.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Operations")]
struct MixArgs {
    /// How much of the work only reads
    #[arg(short = 'w', long = "mix", value_enum, default_value = "r")]
    mix: Workload,

    /// Traversals of the whole structure
    #[arg(long, value_enum, value_name = "SWITCH", default_value = "on")]
    long_traversals: Switch,

    /// Modifications of the structure: it decays under them, the faster the back end the sooner,
    /// so compare by `--ops` then
    #[arg(long, value_enum, value_name = "SWITCH", default_value = "on")]
    structure: Switch,
}

impl MixArgs {
    fn mix(&self) -> Mix {
        Mix::new(self.mix, self.long_traversals.is_on(), self.structure.is_on())
    }
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten)]
    structure: StructureArgs,

    #[command(flatten)]
    operations: MixArgs,

    /// Threads
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,

    /// How long to run
    #[arg(short = 'l', long, value_name = "S", default_value_t = 10.0, value_parser = seconds)]
    seconds: f64,

    /// Run this many operations in all, however long that takes
    #[arg(long, value_name = "N", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    ops: Option<u64>,

    /// Give all threads the same seed, as the original does: they begin in step, on the same
    /// objects
    #[arg(long)]
    same_seed: bool,

    /// Let the system hand memory out while the work runs, in pieces for each of which somebody waits,
    /// and take it back. Without this the process has it at hand before it begins
    #[arg(long)]
    fresh_memory: bool,

    /// Check all invariants before and after the run
    #[arg(long)]
    check: bool,

    /// Afterwards run everything again in the order of the commits, and compare every result and
    /// the structure
    #[arg(long)]
    replay: bool,

    /// Print the original's histograms of milliseconds, too
    #[arg(long)]
    ttc_histograms: bool,

    /// Print one line: operations a second, processor time of an operation in us, and executions in
    /// vain because of conflicts, for an operation
    #[arg(long, conflicts_with_all = ["ttc_histograms", "check", "replay"])]
    brief: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Into the folder come report.html, which needs no other file, an SVG of each plot, and as CSV the figures
of every round (rounds.csv).

Examples:
  stmbench7 compare --backends none,stm,heap --threads 1 --rounds 11
  stmbench7 compare --backends coarse,medium,heap --mix r,rw --seconds 1.5
")]
struct CompareArgs {
    /// What keeps the objects
    #[arg(
        short = 'g',
        long,
        value_enum,
        value_name = "BACKEND,...",
        value_delimiter = ',',
        default_value = "none,coarse,medium,stm,heap"
    )]
    backends: Vec<BackendName>,

    /// The back end whose figures are divided by those of the others
    #[arg(long, value_enum, value_name = "BACKEND", default_value = "heap")]
    of: BackendName,

    /// How much of the work only reads
    #[arg(
        short = 'w',
        long = "mix",
        value_enum,
        value_name = "MIX,...",
        value_delimiter = ',',
        default_value = "r,rw,w",
        help_heading = "Work"
    )]
    mix: Vec<Workload>,

    /// Threads; by default one, and as many as there are processors. `none` is for one only
    #[arg(short, long, help_heading = "Work", value_name = "N,...", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,

    /// Traversals of the whole structure
    #[arg(long, help_heading = "Work", value_enum, value_name = "SWITCH", default_value = "off")]
    long_traversals: Switch,

    /// Modifications of the structure: it decays under them, the faster the back end the sooner
    #[arg(long, help_heading = "Work", value_enum, value_name = "SWITCH", default_value = "off")]
    structure: Switch,

    /// The size of the structure
    #[arg(long, help_heading = "Structure", value_enum, default_value = "big")]
    size: Size,

    /// Multiplies the composite parts, each with its document and atomic parts: the heap grows by it
    #[arg(long, help_heading = "Structure", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    scale: u16,

    /// Seed of the structure; those of the threads follow from it
    #[arg(long, help_heading = "Structure", value_name = "N", default_value_t = 3)]
    seed: u64,

    /// Operations of each run, all threads together
    #[arg(long, help_heading = "Measuring", value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    ops: u64,

    /// How long each run takes, instead of so many operations
    #[arg(short = 'l', long, help_heading = "Measuring", value_name = "S", conflicts_with = "ops", value_parser = seconds)]
    seconds: Option<f64>,

    /// How often each back end has its turn
    #[arg(long, help_heading = "Measuring", value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// Let the system hand memory out while the work runs, in pieces for each of which somebody waits,
    /// and take it back. Without this each process has it at hand before it begins
    #[arg(long, help_heading = "Measuring")]
    fresh_memory: bool,

    /// The folder for the report, the pictures and the CSV file
    #[arg(
        long,
        help_heading = "Measuring",
        value_name = "FOLDER",
        default_value = "target/stmbench7-compare"
    )]
    out: PathBuf,
}

impl CompareArgs {
    fn comparison(&self) -> Comparison {
        let mut threads = match self.threads.as_slice() {
            [] => vec![1, u16::try_from(processors()).unwrap_or(u16::MAX)],
            some => some.to_vec(),
        };
        threads.sort_unstable();
        threads.dedup();
        Comparison {
            backends: self.backends.clone(),
            subject: self.of,
            workloads: self.mix.clone(),
            threads,
            long_traversals: self.long_traversals.is_on(),
            structure: self.structure.is_on(),
            size: self.size,
            scale: self.scale,
            seed: self.seed,
            limit: self.seconds.map_or(Limit::Ops(self.ops), |seconds| {
                Limit::Time(Duration::from_secs_f64(seconds))
            }),
            fresh_memory: self.fresh_memory,
            rounds: self.rounds,
        }
    }
}

#[derive(Debug, Args)]
struct TraceArgs {
    #[command(flatten)]
    structure: StructureArgs,

    #[command(flatten)]
    operations: MixArgs,

    /// How many operations
    #[arg(long, value_name = "N", default_value_t = 1000)]
    ops: u64,

    /// Seed of the thread, where it is not that of the structure
    #[arg(long, value_name = "N")]
    thread_seed: Option<u64>,

    /// Print the hashes only
    #[arg(short, long)]
    quiet: bool,

    /// Check all invariants afterwards
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Args)]
struct FactsArgs {
    #[command(flatten)]
    structure: StructureArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Into the folder come report.html, which needs no other file, an SVG of each plot, and as CSV what the
upgrades cost (upgrades.csv), times by class of operations (latencies.csv), and every tenth of a
second of every run (timeline.csv).

Examples:
  stmbench7 upgrade --mix r,rw,w --scale 1,5,10,20 --rounds 3
  stmbench7 upgrade --mix w --structure on --long-traversals on --size small --check --replay
")]
struct UpgradeArgs {
    /// Ways to change the types
    #[arg(
        long,
        value_enum,
        value_name = "STRATEGY,...",
        value_delimiter = ',',
        default_value = "none,lazy,background,eager,parallel-eager"
    )]
    strategies: Vec<Strategy>,

    /// What changes
    #[arg(long, value_enum, default_value = "types")]
    change: Change,

    /// How much of the work only reads
    #[arg(
        short = 'w',
        long = "mix",
        value_enum,
        value_name = "MIX,...",
        value_delimiter = ',',
        default_value = "rw",
        help_heading = "Work"
    )]
    mix: Vec<Workload>,

    /// Traversals of the whole structure, some of which change all of it
    #[arg(long, help_heading = "Work", value_enum, value_name = "SWITCH", default_value = "off")]
    long_traversals: Switch,

    /// Modifications of the structure: it decays under them, so throughputs of different
    /// strategies are hard to compare then
    #[arg(long, help_heading = "Work", value_enum, value_name = "SWITCH", default_value = "off")]
    structure: Switch,

    /// Threads; by default as many as there are processors
    #[arg(short, long, help_heading = "Work", value_name = "N,...", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,

    /// The size of the structure
    #[arg(long, help_heading = "Structure", value_enum, default_value = "big")]
    size: Size,

    /// Multiplies the composite parts, each with its document and atomic parts: the heap grows by it
    #[arg(long, help_heading = "Structure", value_name = "N,...", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u16).range(1..=100))]
    scale: Vec<u16>,

    /// How long each run takes; the upgrade comes after 40 % of it
    #[arg(short = 'l', long, help_heading = "Measuring", value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    seconds: f64,

    /// How often each strategy has its turn
    #[arg(long, help_heading = "Measuring", value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// Seed of the structure; those of the threads follow from it
    #[arg(long, help_heading = "Structure", value_name = "N", default_value_t = 3)]
    seed: u64,

    /// Check all invariants after each run
    #[arg(long, help_heading = "Measuring")]
    check: bool,

    /// After each run do everything again in the order of the commits, on plain memory and without
    /// upgrade, and compare every result and the structure
    #[arg(long, help_heading = "Measuring")]
    replay: bool,

    /// Promote the upgrade as soon as it is complete: it can't be rolled back then, and nothing of
    /// the old version is kept
    #[arg(long)]
    promote: bool,

    /// The share of the time that the background works, above 0 and up to 1; by default that of the
    /// library
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pace: Option<f64>,

    /// Let the system hand memory out while the work runs, in pieces for each of which somebody waits,
    /// and take it back. Without this the process has it at hand before it begins
    #[arg(long, help_heading = "Measuring")]
    fresh_memory: bool,

    /// Throw a run away and do it again, up to four times, if something disturbed it: others had
    /// more than a twentieth of the processors, or cache lines took much longer from core to core
    /// than at best, before it or after it. For virtual machines
    #[arg(long, help_heading = "Measuring")]
    calm: bool,

    /// The folder for the report, the pictures and the CSV files
    #[arg(
        long,
        help_heading = "Measuring",
        value_name = "FOLDER",
        default_value = "target/stmbench7"
    )]
    out: PathBuf,
}

impl UpgradeArgs {
    fn settings(&self) -> Vec<Setting> {
        let threads = match self.threads.as_slice() {
            [] => vec![processors()],
            some => some.iter().map(|&threads| usize::from(threads)).collect(),
        };
        let mut settings = Vec::new();
        for &workload in &self.mix {
            for &threads in &threads {
                for &scale in &self.scale {
                    settings.push(Setting {
                        size: self.size,
                        scale: usize::from(scale),
                        seed: self.seed,
                        workload,
                        long_traversals: self.long_traversals.is_on(),
                        structure: self.structure.is_on(),
                        threads,
                        length: Duration::from_secs_f64(self.seconds),
                        change: self.change,
                        check: self.check,
                        replay: self.replay,
                        promote: self.promote,
                        pace: self.pace.map_or_else(Pace::default, Pace::Share),
                        calm: self.calm,
                        fresh_memory: self.fresh_memory,
                    });
                }
            }
        }
        settings
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Every third upgrade gives eight types their second version and is rolled back when half of its time is
over; the others upgrade every type to itself, by turns lazily and all at once. The last upgrade gives
the types their second version for good. After each upgrade all invariants are checked beside the
work, and the heap is compacted. In the end every operation is run again in the order of the commits, on plain memory and without
upgrades, and every result and the structure are compared, which takes about as long as the run.
Memory of the process, without the log for that, must not grow.

Examples:
  stmbench7 soak --seconds 600
  stmbench7 soak --seconds 20 --every 1 --mix w --structure off
")]
struct SoakArgs {
    /// How long to run
    #[arg(short = 'l', long, value_name = "S", default_value_t = 60.0, value_parser = seconds)]
    seconds: f64,

    /// Time from one upgrade to the next
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    every: f64,

    /// How much of the work only reads
    #[arg(short = 'w', long = "mix", value_enum, default_value = "rw", help_heading = "Work")]
    mix: Workload,

    /// Traversals of the whole structure, some of which change all of it
    #[arg(long, help_heading = "Work", value_enum, value_name = "SWITCH", default_value = "off")]
    long_traversals: Switch,

    /// Modifications of the structure, under which it decays
    #[arg(long, help_heading = "Work", value_enum, value_name = "SWITCH", default_value = "on")]
    structure: Switch,

    /// Threads; by default as many as there are processors
    #[arg(short, long, help_heading = "Work", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,

    /// The size of the structure
    #[arg(long, help_heading = "Structure", value_enum, default_value = "big")]
    size: Size,

    /// Multiplies the composite parts, each with its document and atomic parts
    #[arg(long, help_heading = "Structure", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    scale: u16,

    /// Seed of the structure; those of the threads follow from it
    #[arg(long, help_heading = "Structure", value_name = "N", default_value_t = 3)]
    seed: u64,

    /// Keep no log, and don't replay: for hours, as the log takes 32 bytes for an operation
    #[arg(long)]
    no_replay: bool,
}

impl SoakArgs {
    fn setting(&self) -> Setting {
        Setting {
            size: self.size,
            scale: usize::from(self.scale),
            seed: self.seed,
            workload: self.mix,
            long_traversals: self.long_traversals.is_on(),
            structure: self.structure.is_on(),
            threads: self.threads.map_or_else(processors, usize::from),
            length: Duration::from_secs_f64(self.seconds),
            change: Change::Types,
            check: true,
            replay: !self.no_replay,
            promote: false,
            pace: Pace::default(),
            calm: false,
            fresh_memory: true,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err("it is no share".to_owned()) }
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if seconds > 0.0 && Duration::try_from_secs_f64(seconds).is_ok() {
        Ok(seconds)
    } else {
        Err("it is no length of time".to_owned())
    }
}
