//! The server: sockets, the threads that serve them, and what a connection may say.
//!
//! One thread accepts connections and hands each to one of the workers, in turn. A worker waits
//! for all of its connections at once; what has come is parsed and executed to its end, and what
//! is answered is written in one piece. While many clients are on their way to it, it pauses for a
//! moment and answers more of them together. A connection whose client does not read is not read
//! either.

mod accept;
mod config;
mod connection;
mod gathering;
mod info;
mod metrics;
mod session;
mod state;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

pub(crate) use self::config::Config;
pub(crate) use self::state::State;

use self::accept::Acceptor;
use self::worker::Worker;

/// A server that is running.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves whoever comes.
    ///
    /// # Errors
    ///
    /// What the system says when there is no such address, or it is taken.
    pub(crate) fn start(config: Config) -> io::Result<Self> {
        let state = Arc::new(State::new(config)?);
        let mut threads = Vec::new();
        let mut posts = Vec::new();
        for number in 0..state.config.workers() {
            let (worker, post) = Worker::new(Arc::clone(&state))?;
            state.at_stop(post.waker());
            posts.push(post);
            threads.push(
                thread::Builder::new().name(format!("worker {number}")).spawn(|| worker.run())?,
            );
        }
        let acceptor = Acceptor::bind(Arc::clone(&state), posts)?;
        let address = acceptor.address()?;
        state.listening_at(address);
        threads.push(thread::Builder::new().name("acceptor".to_owned()).spawn(|| acceptor.run())?);
        let expiring = Arc::clone(&state);
        let expire = move || expiring.expire_until_stopped();
        threads.push(thread::Builder::new().name("expiry".to_owned()).spawn(expire)?);
        Ok(Self { address, state, threads })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Waits until somebody has stopped it, and all connections are closed.
    pub(crate) fn wait(self) {
        for thread in self.threads {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}
