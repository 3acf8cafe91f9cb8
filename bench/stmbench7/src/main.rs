//! STMBench7, an object graph of a design tool with 45 operations, on several back ends.

mod backend;
mod build;
mod check;
mod cli;
mod execute;
mod facts;
mod fingerprint;
mod hash;
mod id;
mod measure;
mod mix;
mod ops;
mod output;
mod params;
mod pool;
mod random;
mod schema;
mod structure;
mod text;
mod trace;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// The same for all back ends, so that none is measured by the system's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
