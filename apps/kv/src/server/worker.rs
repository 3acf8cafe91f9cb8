//! The threads that serve connections.

use std::io::{self, ErrorKind};
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use slab::Slab;

use super::State;
use super::connection::{Connection, Wants};
use super::gathering::{self, Gathering};

const WAKE: Token = Token(usize::MAX);
/// Connections that are answered together.
const TOGETHER: usize = 64;
/// Bytes that are read at once.
const INPUT: usize = 64 << 10;

/// Serves its connections, all of them in one thread.
pub(super) struct Worker {
    state: Arc<State>,
    poll: Poll,
    new: Receiver<New>,
    /// Our own address, for those who come back.
    post: Post,
    connections: Slab<Connection>,
    /// Connections that are out on errands.
    away: usize,
    /// Connections that have another turn, when all others have had theirs.
    turns: Vec<Token>,
    /// Connections that have had a turn, and are to be answered.
    served: Vec<(Token, Wants)>,
    gathering: Gathering,
    input: Box<[u8]>,
}

/// What comes to a worker.
enum New {
    Socket(TcpStream),
    /// From an errand.
    Back(Box<Connection>),
}

/// Where a worker gets its connections.
#[derive(Clone, Debug)]
pub(super) struct Post {
    sender: Sender<New>,
    waker: Arc<Waker>,
}

impl Post {
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    pub(super) fn send(&self, socket: TcpStream) {
        self.send_new(New::Socket(socket));
    }

    fn send_new(&self, new: New) {
        // A worker that has gone took the connections with it: the server stops.
        if self.sender.send(new).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Worker {
    pub(super) fn new(state: Arc<State>) -> io::Result<(Self, Post)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (sender, new) = channel();
        let post = Post { sender, waker };
        let input = vec![0; INPUT].into_boxed_slice();
        let (connections, own) = (Slab::new(), post.clone());
        let (turns, served) = (Vec::new(), Vec::new());
        let gathering = Gathering::new(Instant::now());
        let away = 0;
        let worker = Self {
            state,
            poll,
            new,
            post: own,
            connections,
            away,
            turns,
            served,
            gathering,
            input,
        };
        Ok((worker, post))
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        while !self.state.is_stopping() {
            let wait = if self.turns.is_empty() { Duration::from_secs(1) } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(wait)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    eprintln!("a worker can't wait for its connections: {error}");
                    self.state.stop();
                    break;
                }
            }
            let turns = mem::take(&mut self.turns);
            for event in &events {
                match event.token() {
                    WAKE => self.take_new(),
                    token => {
                        if let Some(connection) = self.connections.get_mut(token.0) {
                            self.gathering.note(connection.last_asked());
                            if event.is_read_closed() {
                                connection.hear_of_end();
                            }
                        }
                        self.serve(token);
                    }
                }
            }
            for token in turns {
                let connection = self.connections.get_mut(token.0);
                if connection.is_some_and(|connection| connection.set_turn(false)) {
                    self.serve(token);
                }
            }
            self.answer();
            let now = Instant::now();
            if self.gathering.end_batch(now) && self.turns.is_empty() {
                gathering::pause(now);
            }
        }
        self.finish();
    }

    fn take_new(&mut self) {
        while let Some(token) = self.take_one() {
            // What came before it was registered is not told.
            self.serve(token);
        }
    }

    /// Takes a connection that is new or back, if there is one.
    fn take_one(&mut self) -> Option<Token> {
        loop {
            let mut connection = match self.new.try_recv().ok()? {
                New::Socket(socket) => Connection::new(socket, Arc::clone(&self.state)),
                New::Back(connection) => {
                    self.away -= 1;
                    *connection
                }
            };
            connection.set_interest(Interest::READABLE);
            connection.set_turn(false);
            let place = self.connections.vacant_key();
            let registry = self.poll.registry();
            if registry.register(connection.socket(), Token(place), Interest::READABLE).is_ok() {
                return Some(Token(self.connections.insert(connection)));
            }
        }
    }

    /// Sends a connection away with what takes long. Nobody else waits for it.
    fn send_away(&mut self, token: Token) {
        let Some(mut connection) = self.connections.try_remove(token.0) else { return };
        let _ = self.poll.registry().deregister(connection.socket());
        let (mut connection, post) = (Box::new(connection), self.post.clone());
        let errand = move || {
            connection.run_errand();
            post.send_new(New::Back(connection));
        };
        // Without a thread to be had the client is left without an answer, and knows it.
        if thread::Builder::new().name("errand".to_owned()).spawn(errand).is_ok() {
            self.away += 1;
        }
    }

    /// Reads and executes. Answers come later, those of some connections together: who wakes the
    /// clients one by one pays for each.
    fn serve(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token.0) else { return };
        let wants = connection.take_turn(&mut self.input);
        self.served.push((token, wants));
        if self.served.len() == TOGETHER {
            self.answer();
        }
    }

    /// Writes as much as goes to those who have had a turn.
    fn answer(&mut self) {
        let mut served = mem::take(&mut self.served);
        served.drain(..).for_each(|(token, wants)| self.answer_one(token, wants));
        self.served = served;
    }

    fn answer_one(&mut self, token: Token, wants: Wants) {
        let Some(connection) = self.connections.get_mut(token.0) else { return };
        let before = connection.interest();
        let (interest, is_told) = match connection.answer(wants) {
            Wants::Input => (Interest::READABLE, before == Interest::READABLE),
            Wants::Turn => {
                self.give_turn(token);
                (Interest::READABLE, before == Interest::READABLE)
            }
            Wants::Output => (Interest::WRITABLE, before == Interest::WRITABLE),
            Wants::Errand => return self.send_away(token),
            Wants::Nothing => return self.close(token),
        };
        if !is_told && let Some(connection) = self.connections.get_mut(token.0) {
            connection.set_interest(interest);
            let registry = self.poll.registry();
            if registry.reregister(connection.socket(), token, interest).is_err() {
                self.close(token);
            }
        }
    }

    fn give_turn(&mut self, token: Token) {
        if let Some(connection) = self.connections.get_mut(token.0)
            && !connection.set_turn(true)
        {
            self.turns.push(token);
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
        let mut events = Events::with_capacity(1024);
        while self.take_one().is_some() {}
        let places: Vec<_> = self.connections.iter().map(|(place, _)| place).collect();
        places.into_iter().for_each(|place| self.write_last(Token(place)));
        while self.away + self.connections.len() > 0 && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.poll.poll(&mut events, Some(left)).is_err() {
                break;
            }
            for event in &events {
                match event.token() {
                    WAKE => {
                        while let Some(token) = self.take_one() {
                            self.write_last(token);
                        }
                    }
                    token => self.write_last(token),
                }
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

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::Shutdown;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::Worker;
    use crate::server::connection::tests::a_busy_client;

    /// A client said its last words, and that they were the last, all at once. The end was told
    /// with the first of them, one turn was given for it, and that turn read words: the
    /// connection stayed for ever.
    #[test]
    fn who_ends_with_more_than_a_turn_reads_is_let_go() {
        let (mut client, socket, state) = a_busy_client();
        client.shutdown(Shutdown::Write).expect("a socket");
        client.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        let (mut worker, post) = Worker::new(Arc::clone(&state)).expect("it can wait");
        worker.input = vec![0; 700].into_boxed_slice();
        let worker = thread::spawn(move || worker.run());
        post.send(socket);
        let mut answers = Vec::new();
        let end = client.read_to_end(&mut answers);
        state.stop();
        post.waker().wake().expect("it waits");
        worker.join().expect("it stops");
        assert!(end.is_ok(), "after {} bytes: {end:?}", answers.len());
        assert_eq!(answers, b"+PONG\r\n".repeat(1000));
    }
}
