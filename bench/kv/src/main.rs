//! The key-value server from outside: whether it says what Redis says, how fast it is beside it,
//! and what clients notice of an upgrade.
//!
//! ```text
//! cargo build --release -p upgradable-kv -p upgradable-kv-bench
//! target/release/kv-bench conversation
//! target/release/kv-bench throughput
//! target/release/kv-bench upgrade --pipeline 1 --out target/kv
//! ```
//!
//! The server is the program `kv` beside this one; Redis, where it is needed, is `redis-server`
//! and `redis-benchmark` as they are found by name.

mod conversation;
mod experiment;
mod random;
mod server;
mod throughput;
mod wire;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "kv-bench", version, about)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say the same to the server and to Redis, and compare every answer.
    Conversation(conversation::Options),
    /// Measure GET and SET beside Redis, with redis-benchmark.
    Throughput(throughput::Options),
    /// Upgrade in the middle of load, in several ways, and write a report.
    Upgrade(experiment::Options),
}

fn main() -> ExitCode {
    let outcome: Result<(), Box<dyn Error>> = match Cli::parse().what {
        What::Conversation(options) => conversation::run(&options),
        What::Throughput(options) => throughput::run(&options),
        What::Upgrade(options) => experiment::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
