//! The command line.

mod client;
mod serve;
mod upgrade;

use std::error::Error;
use std::net::IpAddr;

use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "kv", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Start a server.
    Serve(serve::Serve),
    /// Look at, or change, the version of a server that runs.
    Upgrade(upgrade::Command),
}

/// Where the server is.
#[derive(Clone, Debug, Args)]
struct Address {
    /// The server's address.
    #[arg(long, default_value = "127.0.0.1", global = true)]
    host: IpAddr,
    /// The server's port.
    #[arg(short, long, default_value_t = 6379, global = true)]
    port: u16,
}

/// Does what was typed.
///
/// # Errors
///
/// Whatever keeps it from being done, in words for people.
pub(crate) fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    match cli.what {
        What::Serve(serve) => serve.run(),
        What::Upgrade(upgrade) => upgrade.run(),
    }
}
