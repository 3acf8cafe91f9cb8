//! The thread that takes connections.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use super::State;
use super::worker::Post;

const LISTENER: Token = Token(0);
const STOP: Token = Token(1);

pub(super) struct Acceptor {
    state: Arc<State>,
    poll: Poll,
    listener: TcpListener,
    workers: Vec<Post>,
    turn: usize,
}

impl Acceptor {
    pub(super) fn bind(state: Arc<State>, workers: Vec<Post>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let address = SocketAddr::new(state.config.bind, state.config.port);
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        state.at_stop(Arc::new(Waker::new(poll.registry(), STOP)?));
        Ok(Self { state, poll, listener, workers, turn: 0 })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(8);
        while !self.state.is_stopping() {
            match self.poll.poll(&mut events, Some(Duration::from_secs(1))) {
                Ok(()) => self.accept(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    eprintln!("no more connections can be taken: {error}");
                    return self.state.stop();
                }
            }
        }
    }

    fn accept(&mut self) {
        loop {
            match self.listener.accept() {
                Ok((socket, _)) => self.hand_over(socket),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // That connection is gone, or the system has no more files: others may go
                    // through in a moment.
                    thread::sleep(Duration::from_millis(10));
                    return;
                }
            }
        }
    }

    fn hand_over(&mut self, mut socket: TcpStream) {
        let metrics = &self.state.metrics;
        if metrics.connected.get() >= self.state.config.clients as u64 {
            metrics.rejected.add(1);
            // It fits into the empty buffer of a new socket, or the client is told nothing.
            let _ = socket.write(b"-ERR max number of clients reached\r\n");
            return;
        }
        metrics.connected.add(1);
        metrics.connections.add(1);
        // Answers are written in whole pieces; there is nothing to wait for.
        let _ = socket.set_nodelay(true);
        self.turn = (self.turn + 1) % self.workers.len().max(1);
        if let Some(worker) = self.workers.get(self.turn) {
            worker.send(socket);
        }
    }
}
