//! How the server is set up.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use crate::resp::Limits;

#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) bind: IpAddr,
    /// Zero takes one that is free.
    pub(crate) port: u16,
    /// The version that it begins at.
    pub(crate) version: u32,
    /// Connections at a time.
    pub(crate) clients: usize,
    /// Threads that serve them; zero is as many as there are processors.
    pub(crate) threads: usize,
    pub(crate) limits: Limits,
    /// Answers that wait for a client before its requests do.
    pub(crate) output: usize,
    /// How long clients may take to fetch their answers when the server stops.
    pub(crate) patience: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 6379,
            version: 1,
            clients: 10_000,
            threads: 0,
            limits: Limits::default(),
            output: 256 << 10,
            patience: Duration::from_secs(2),
        }
    }
}

impl Config {
    pub(crate) fn workers(&self) -> usize {
        match self.threads {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads,
        }
    }

    /// What CONFIG GET shows, by the names that clients know.
    pub(crate) fn shown(&self) -> [(&'static str, String); 9] {
        [
            ("appendonly", "no".to_owned()),
            ("bind", self.bind.to_string()),
            ("databases", "1".to_owned()),
            ("io-threads", self.workers().to_string()),
            ("maxclients", self.clients.to_string()),
            ("port", self.port.to_string()),
            ("proto-max-bulk-len", self.limits.word.to_string()),
            ("save", String::new()),
            ("timeout", "0".to_owned()),
        ]
    }
}
