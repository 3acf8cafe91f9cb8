//! The threads that serve connections.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::State;
use super::connection::{Connection, Wants};

const WAKE: Token = Token(usize::MAX);
/// Bytes that are read at once.
const INPUT: usize = 64 << 10;

/// Serves its connections, all of them in one thread.
pub(super) struct Worker {
    state: Arc<State>,
    poll: Poll,
    new: Receiver<TcpStream>,
    connections: Slab<Connection>,
    input: Box<[u8]>,
}

/// Where a worker gets its connections.
#[derive(Debug)]
pub(super) struct Post {
    sockets: Sender<TcpStream>,
    waker: Arc<Waker>,
}

impl Post {
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    pub(super) fn send(&self, socket: TcpStream) {
        // A worker that has gone took the connections with it: the server stops.
        if self.sockets.send(socket).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Worker {
    pub(super) fn new(state: Arc<State>) -> io::Result<(Self, Post)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (sockets, new) = channel();
        let input = vec![0; INPUT].into_boxed_slice();
        let worker = Self { state, poll, new, connections: Slab::new(), input };
        Ok((worker, Post { sockets, waker }))
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !self.state.is_stopping() {
            match self.poll.poll(&mut events, Some(Duration::from_secs(1))) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    eprintln!("a worker can't wait for its connections: {error}");
                    self.state.stop();
                    break;
                }
            }
            for event in &events {
                match event.token() {
                    WAKE => self.take_new(),
                    token => self.serve(token),
                }
            }
        }
        self.finish();
    }

    fn take_new(&mut self) {
        while let Ok(socket) = self.new.try_recv() {
            let connection = Connection::new(socket, Arc::clone(&self.state));
            let place = self.connections.insert(connection);
            let token = Token(place);
            let registry = self.poll.registry();
            let socket = self.connections[place].socket();
            if registry.register(socket, token, Interest::READABLE).is_ok() {
                // What came before it was registered is not told.
                self.serve(token);
            } else {
                self.connections.remove(place);
            }
        }
    }

    /// Reads, executes and writes as much as goes.
    fn serve(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token.0) else { return };
        let before = connection.interest();
        let (interest, is_told) = match connection.serve(&mut self.input) {
            Wants::Input => (Interest::READABLE, before == Interest::READABLE),
            Wants::Turn => (Interest::READABLE, false),
            Wants::Output => (Interest::WRITABLE, before == Interest::WRITABLE),
            Wants::Nothing => return self.close(token),
        };
        if !is_told {
            connection.set_interest(interest);
            let registry = self.poll.registry();
            if registry.reregister(connection.socket(), token, interest).is_err() {
                self.close(token);
            }
        }
    }

    fn close(&mut self, token: Token) {
        if let Some(mut connection) = self.connections.try_remove(token.0) {
            let _ = self.poll.registry().deregister(connection.socket());
        }
    }

    /// Gives clients their last answers, and goes.
    fn finish(&mut self) {
        let deadline = Instant::now() + self.state.config.patience;
        self.take_new();
        let mut events = Events::with_capacity(1024);
        let places: Vec<_> = self.connections.iter().map(|(place, _)| place).collect();
        places.into_iter().for_each(|place| self.write_last(Token(place)));
        while !self.connections.is_empty() && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.poll.poll(&mut events, Some(left)).is_err() {
                break;
            }
            for event in &events {
                self.write_last(event.token());
            }
        }
    }

    fn write_last(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token.0) else { return };
        if connection.write_last() == Wants::Nothing {
            return self.close(token);
        }
        let registry = self.poll.registry();
        if registry.reregister(connection.socket(), token, Interest::WRITABLE).is_err() {
            self.close(token);
        }
    }
}
