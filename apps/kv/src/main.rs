//! A key-value server that speaks the Redis protocol and upgrades itself under load.
//!
//! ```text
//! cargo run --release -p upgradable-kv -- serve
//! cargo run --release -p upgradable-kv -- upgrade start 2 --watch
//! ```
//!
//! # What is where
//!
//! - [`resp`] has the protocol.
//! - [`store`] has the keyspace, its entries in all versions, and the commands.
//! - [`version`] has the plans of the upgrades, and says which version is the present one.
//! - [`server`] has sockets and threads, and what connections may say besides commands.
//! - [`cli`] is what people type to start a server, or to upgrade one that runs.

mod cli;
mod resp;
mod server;
mod store;
mod version;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

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
