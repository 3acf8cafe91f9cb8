//! A key-value server that speaks the Redis protocol and upgrades itself under load.
//!
//! ```text
//! cargo run --release -p upgradable-kv -- serve
//! cargo run --release -p upgradable-kv -- upgrade start 2
//! ```
//!
//! # The allocator
//!
//! Values are allocated by the thread that reads a request, and freed by whoever finds that nobody
//! sees them any more. mimalloc, the default, is the faster one; but when much has been freed by
//! other threads, the one that allocated it sorts it all in at once, and its clients wait for some
//! tens of milliseconds. The feature `jemalloc` takes the allocator that Redis has, which does not
//! do that, and takes minutes to build.
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

#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(not(feature = "jemalloc"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
