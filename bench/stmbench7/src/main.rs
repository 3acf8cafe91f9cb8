//! STMBench7: the object graph of a design tool, 45 operations on it, and upgrades of its types in
//! the middle of the work.
//!
//! ```text
//! cargo run --release -p stmbench7
//! cargo run --release -p stmbench7 -- upgrade --scale 1,5,10,20 --mix r,w
//! cargo run --release -p stmbench7 -- run --backend heap --threads 2 --check --replay
//! cargo run --release -p stmbench7 -- compare --backends none,heap --threads 1
//! cargo run --release -p stmbench7 -- trace --seed 3 --mix rw --backend coarse
//! cargo run --release -p stmbench7 -- facts --seed 3
//! ```
//!
//! # What is where
//!
//! - [`schema`] has the types, in two versions, and the traits that operations know them by;
//!   `schema::v2` says how one becomes the other.
//! - [`ops`] has the operations, each written once, over a transaction of [`backend`].
//! - [`backend`] is the seam, and what is behind it: plain memory, two kinds of locks, the STM
//!   core, the upgradable heap.
//! - [`structure`] and [`build`] create and remove, in the order of draws that the original has,
//!   so that results can be compared number by number.
//! - [`check`] has the invariants, and the replay of a run in the order of its commits.
//! - [`measure`] and [`output`] time the operations, [`memory`] weighs them; [`compare`] sets back ends
//!   beside each other; [`upgrade`] is the experiment.
//!
//! # Decisions
//!
//! - The null operation opens its object for reading, as ports with objects as units do.
//! - The index by build date is ordered by date and id; a date without parts leaves nothing.
//! - A failed operation commits: it has undone what it did, and has turned pools of ids.
//! - A removed part is deleted, not cleared.
//! - Long texts are in shared pieces, lists of references behind a count.
//! - An atomic part has the ids of the parts that its connections lead to, as all traversals ask for
//!   nothing else; what else there is to know of its connections is an object of its own.
//! - Titles are numbers in the index of titles.

mod backend;
mod build;
mod check;
mod cli;
mod compare;
mod execute;
mod facts;
mod fingerprint;
mod hash;
mod id;
mod machine;
mod measure;
mod memory;
mod mix;
mod ops;
mod output;
mod params;
mod pool;
mod random;
mod schema;
mod structure;
mod text;
mod title;
mod trace;
mod turns;
mod upgrade;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: memory::Allocator = memory::Allocator;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
