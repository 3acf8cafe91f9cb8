//! What upgrades cost, as ratios against the bare core and against doing everything at once.
//!
//! `cargo run --release -p upgradable-upgrades` runs everything at a small size;
//! `-- --objects 10000000` the large one.

mod counting;
mod flip;
mod memory;
mod steady;
mod sweep;
mod timing;
mod touch;
mod types;

use clap::Parser;

/// What upgrades cost.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// Only these parts.
    #[arg(value_enum, long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Objects in the largest heap.
    #[arg(long, default_value_t = 1_000_000)]
    objects: usize,
    /// Rounds, of which the median counts.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Reads and writes with no upgrade pending, against the bare core.
    Steady,
    /// The flip, by size of the heap; an eager conversion beside it.
    Flip,
    /// The first touch; reads of other lineages meanwhile.
    Touch,
    /// The background migration, and what it takes from the program.
    Sweep,
    /// Memory before, during and after.
    Memory,
}

fn main() {
    let args = Args::parse();
    println!("An uncontended fetch_add takes {:.1} ns now.", timing::yardstick());
    let wants = |part| args.only.is_empty() || args.only.contains(&part);
    if wants(Part::Steady) {
        steady::run(args.rounds);
    }
    if wants(Part::Flip) {
        flip::run(args.objects);
    }
    if wants(Part::Touch) {
        touch::run(args.objects.min(1_000_000), args.rounds);
    }
    if wants(Part::Sweep) {
        sweep::run(args.objects, args.rounds);
    }
    if wants(Part::Memory) {
        memory::run(args.objects);
    }
}
