//! Measures the STM core against other crates, all in one run.
//!
//! ```text
//! cargo run --release -p upgradable-compare
//! cargo run --release -p upgradable-compare -- --quick
//! cargo run --release -p upgradable-compare -- --only parking_lot,fast-stm --workload rmw,scan
//! cargo run --release -p upgradable-compare -- --csv compare.csv --plot compare.svg
//! ```
//!
//! # What is measured
//!
//! Variables of type `u64`, with the workloads of [`workload::Workload`]. Work on one thread is
//! timed in thread CPU time, so other programs disturb it little; the scans and two threads are
//! timed by the clock on the wall. Each number is the median of several rounds, and the rounds of
//! all back ends are interleaved: a machine that slows down for a while slows all of them down.
//!
//! # Fairness
//!
//! - Each crate is used as its documentation asks, with its cheapest read-only transaction and
//!   its own read-modify-write where it has them, and with default features. One optional feature
//!   of a crate that matters is offered by a feature of this package.
//! - Random numbers are drawn inside the measured loop, for all alike; the back end `plain`
//!   shows what that and the memory accesses cost alone.
//! - All use the system's allocator. A crate that allocates more pays for it.
//! - Crates differ in what they promise. See the remarks below the tables.
//!
//! # Trust
//!
//! A benchmark that measures nothing is found by the tests: they run every operation of every
//! back end against a model, count increments, and check that transfers keep the sum. Scans are
//! checked during measurement, too: an inconsistent one is shown in the table.

mod backend;
mod measure;
mod plot;
mod raw;
mod registry;
mod report;
mod results;
mod rng;
mod versions;
mod workload;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::thread;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};

use measure::Plan;
use registry::{ENTRIES, Entry};
use results::Results;
use workload::Workload;

/// Measure the STM core against other crates
#[derive(Debug, Parser)]
struct Args {
    /// Take about 15 seconds instead of two minutes, with more noise
    #[arg(long)]
    quick: bool,

    /// Measure only these back ends
    #[arg(
        long,
        value_name = "BACKEND,...",
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(ENTRIES.iter().map(|entry| entry.name)),
    )]
    only: Vec<String>,

    /// Run only these workloads
    #[arg(long, value_name = "WORKLOAD,...", value_delimiter = ',')]
    workload: Vec<Workload>,

    /// How often to measure everything
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,

    /// Write every number to this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,

    /// Draw the times of one thread into this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl Args {
    fn plan(&self) -> Plan {
        let mut plan = if self.quick { Plan::QUICK } else { Plan::FULL };
        if let Some(rounds) = self.rounds {
            plan.rounds = rounds.into();
        }
        plan
    }

    fn entries(&self) -> Vec<&'static Entry> {
        let wanted = |name: &str| self.only.is_empty() || self.only.iter().any(|only| only == name);
        ENTRIES.iter().filter(|entry| wanted(entry.name)).collect()
    }

    fn workloads(&self) -> Vec<Workload> {
        let wanted =
            |workload: &Workload| self.workload.is_empty() || self.workload.contains(workload);
        Workload::RUN_ORDER.into_iter().filter(wanted).collect()
    }
}

/// Runs one workload on all back ends, round after round. Each round begins with another back
/// end, so that none is always measured after the same one.
fn run(workload: Workload, plan: &Plan, results: &mut Results, progress: &ProgressBar) {
    let show = |name: &str| progress.set_message(format!("{} {name}", workload.name()));
    let mut tasks = Vec::new();
    for &entry in &results.entries {
        show(entry.name);
        if let Some(task) = entry.prepare(workload, plan) {
            tasks.push((entry.name, task));
        }
    }
    for _ in 0..workload.rounds(plan) {
        for (name, task) in &mut tasks {
            show(name);
            let readings = task();
            results.add(name, workload, &readings);
        }
        if !tasks.is_empty() {
            tasks.rotate_left(1);
        }
        progress.inc(1);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let plan = args.plan();
    let workloads = args.workloads();
    let mut results = Results::new(args.entries());
    let rounds: usize = workloads.iter().map(|workload| workload.rounds(&plan)).sum();
    let style = ProgressStyle::with_template("[{elapsed_precise}] {wide_bar} {msg:<28}")?;
    let progress = ProgressBar::new(rounds as u64).with_style(style);
    for workload in workloads {
        run(workload, &plan, &mut results, &progress);
    }
    progress.finish_and_clear();
    println!("{}\n", machine());
    print!("{}", report::markdown(&results));
    if let Some(path) = &args.csv {
        fs::write(path, report::csv(&results))?;
    }
    if let Some(path) = &args.plot {
        plot::draw(&results, path)?;
    }
    Ok(())
}

/// What the numbers were measured on.
fn machine() -> String {
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let build = if cfg!(debug_assertions) { ", UNOPTIMISED BUILD" } else { "" };
    format!("{} {cpus} x {model}{build}", std::env::consts::ARCH)
}
