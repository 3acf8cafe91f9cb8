//! `kv serve`.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::thread;

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::resp::Limits;
use crate::server::{Config, Server};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The address to listen at.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
    /// The port to listen at; 0 takes one that is free.
    #[arg(short, long, default_value_t = 6379)]
    port: u16,
    /// The version of the program to begin at, without data.
    #[arg(long, default_value_t = Config::default().version)]
    at: u32,
    /// Connections at a time.
    #[arg(long, default_value_t = Config::default().clients)]
    clients: usize,
    /// Threads that serve them; 0 is one for each processor.
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// Bytes that a word of a request may have.
    #[arg(long, default_value_t = Limits::default().word)]
    word: usize,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let Self { bind, port, at: version, clients, threads, word } = self;
        let limits = Limits { word, ..Limits::default() };
        let server = Server::start(Config {
            bind,
            port,
            version,
            clients,
            threads,
            limits,
            ..Config::default()
        })?;
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let state = Arc::clone(server.state());
        let listening = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for _ in signals.forever() {
                state.stop();
            }
        })?;
        println!("kv listens at {}", server.address());
        server.wait();
        handle.close();
        // A thread that has panicked has said so.
        let _ = listening.join();
        Ok(())
    }
}
