//! What clients notice when the server upgrades itself in the middle of their work.
//!
//! A server is filled with entries, half of them numbers. Clients, each a thread with a connection
//! of its own, ask one thing after the other, or so many at a time, and measure how long each answer takes.
//! In the middle the server goes to version 2: not at all, lazily, or eagerly, which is what a
//! server that stops for its upgrade would do. Runs are kept as files; a report is written on all
//! there are in the folder.

mod load;
mod report;
mod run;

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

pub(crate) use self::run::Run;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Entries.
    #[arg(long, default_value_t = 1_000_000)]
    entries: usize,
    /// Clients, each with a connection.
    #[arg(long, default_value_t = 4)]
    clients: usize,
    /// Threads of the server that serve connections; 0 is one for each processor.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Requests that a client sends together.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    pipeline: Vec<usize>,
    /// Seconds of a run.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds of a run before the upgrade.
    #[arg(long, default_value_t = 4.0)]
    before: f64,
    /// How to upgrade, in turn.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "none,lazy,eager")]
    strategies: Vec<Strategy>,
    /// How often each has its turn. None: only write the report.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
    /// Where runs and the report go.
    #[arg(long, default_value = "target/kv")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Strategy {
    /// No upgrade.
    None,
    /// Entries are transformed when they are touched, and in the background.
    Lazy,
    /// All entries are transformed while everybody waits.
    Eager,
}

impl Strategy {
    const ALL: [Self; 3] = [Self::None, Self::Lazy, Self::Eager];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lazy => "lazy",
            Self::Eager => "eager",
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    for _ in 0..options.rounds {
        for &pipeline in &options.pipeline {
            for &strategy in &options.strategies {
                let run = run::run(options, pipeline, strategy)?;
                println!("{}", run.summary());
                run.save(&options.out)?;
            }
        }
    }
    let page = report::write(&Run::load_all(&options.out)?, &options.out)?;
    println!("{}", page.display());
    Ok(())
}
