//! One client: its socket, and what is on its way in either direction.

use std::io::{ErrorKind, Read, Write};
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use mio::Interest;
use mio::net::TcpStream;

use super::State;
use super::gathering::Window;
use super::session::Session;
use super::state::now;
use crate::resp::{Args, Parser};

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wants {
    Input,
    Output,
    /// Another turn: there may be more to read.
    Turn,
    /// A thread for what takes long: [`Connection::run_errand`].
    Errand,
    /// It is over.
    Nothing,
}

/// Whether the system tells of what comes after a read that got less than it asked for. Others
/// tell only after one that got nothing.
const TELLS_OF_MORE: bool = cfg!(unix);
/// What is kept of a buffer for answers.
const KEPT: usize = 64 << 10;

pub(super) struct Connection {
    socket: TcpStream,
    state: Arc<State>,
    session: Session,
    parser: Parser,
    /// What was read and not yet executed, as answers were in the way.
    waiting: Vec<u8>,
    /// A request that takes long, and has not been executed.
    errand: Option<Args>,
    out: Vec<u8>,
    /// How much of `out` has been written.
    written: usize,
    interest: Interest,
    /// It waits for another turn.
    has_turn: bool,
    /// The client has said its last word, as the system told once: it is read to its end.
    is_at_end: bool,
    is_closing: bool,
    last_asked: Window,
}

impl Connection {
    pub(super) fn new(socket: TcpStream, state: Arc<State>) -> Self {
        let parser = Parser::new(state.config.limits);
        let session = Session::new(Arc::clone(&state), socket.peer_addr().ok());
        Self {
            socket,
            state,
            session,
            parser,
            waiting: Vec::new(),
            errand: None,
            out: Vec::new(),
            written: 0,
            interest: Interest::READABLE,
            has_turn: false,
            is_at_end: false,
            is_closing: false,
            last_asked: Window::default(),
        }
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    pub(super) fn interest(&self) -> Interest {
        self.interest
    }

    pub(super) fn set_interest(&mut self, interest: Interest) {
        self.interest = interest;
    }

    /// When it has asked last.
    pub(super) fn last_asked(&mut self) -> &mut Window {
        &mut self.last_asked
    }

    /// Sets whether it waits for another turn. Says whether it did.
    pub(super) fn set_turn(&mut self, has_turn: bool) -> bool {
        mem::replace(&mut self.has_turn, has_turn)
    }

    /// The client has said its last word. It may be long until that is read.
    pub(super) fn hear_of_end(&mut self) {
        self.is_at_end = true;
    }

    /// One turn: reads once, or takes up what was read before, and executes. What it says is for
    /// [`answer`](Self::answer), which comes after it.
    ///
    /// A client that is as fast as we are would keep us as long as it likes, were there more than
    /// one piece to read in a turn.
    pub(super) fn take_turn(&mut self, input: &mut [u8]) -> Wants {
        match self.write() {
            Wants::Input if self.errand.is_some() => Wants::Errand,
            Wants::Input if self.waiting.is_empty() => self.read(input),
            Wants::Input => {
                let waiting = mem::take(&mut self.waiting);
                self.execute(&waiting);
                Wants::Turn
            }
            other => other,
        }
    }

    /// Writes what the turn has given.
    pub(super) fn answer(&mut self, next: Wants) -> Wants {
        if !matches!(next, Wants::Input | Wants::Turn) {
            return next;
        }
        match self.write() {
            Wants::Input if self.errand.is_some() => Wants::Errand,
            Wants::Input if self.waiting.is_empty() => next,
            Wants::Input => Wants::Turn,
            other => other,
        }
    }

    /// Reads once, and executes. Says whether there may be more.
    fn read(&mut self, input: &mut [u8]) -> Wants {
        loop {
            match self.socket.read(input) {
                Ok(0) => return Wants::Nothing,
                Ok(len) => {
                    self.state.metrics.bytes_in.add(len as u64);
                    self.execute(&input[..len]);
                    let is_all = len < input.len() && TELLS_OF_MORE && !self.is_at_end;
                    return if is_all { Wants::Input } else { Wants::Turn };
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Wants::Input,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Wants::Nothing,
            }
        }
    }

    /// Executes all requests that are complete, unless there are too many answers to fetch.
    fn execute(&mut self, mut input: &[u8]) {
        let begun = Instant::now();
        let now = now();
        let mut commands = 0;
        while !self.is_closing {
            if self.out.len() > self.state.config.output {
                self.waiting.extend_from_slice(input);
                break;
            }
            match self.parser.feed(&mut input) {
                Ok(Some(args)) if self.session.is_errand(&args) => {
                    self.errand = Some(args);
                    self.waiting.extend_from_slice(input);
                    commands += 1;
                    break;
                }
                Ok(Some(args)) => {
                    let args = self.session.run(args, now, &mut self.out);
                    self.parser.reuse(args);
                    self.is_closing = self.session.is_over();
                    commands += 1;
                }
                Ok(None) => break,
                Err(error) => {
                    self.session.refuse(format!("ERR {error}"), &mut self.out);
                    self.is_closing = true;
                }
            }
        }
        let metrics = &self.state.metrics;
        metrics.commands.add(commands);
        metrics.longest.raise(begun.elapsed().as_micros() as u64);
    }

    /// Executes what takes long. Others go on meanwhile, in their own thread.
    pub(super) fn run_errand(&mut self) {
        if let Some(args) = self.errand.take() {
            self.session.run(args, now(), &mut self.out);
        }
    }

    /// Writes what goes. Then it wants input, if all has gone and there is to be more.
    fn write(&mut self) -> Wants {
        while self.written < self.out.len() {
            match self.socket.write(&self.out[self.written..]) {
                Ok(0) => return Wants::Nothing,
                Ok(len) => {
                    self.written += len;
                    self.state.metrics.bytes_out.add(len as u64);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Wants::Output,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Wants::Nothing,
            }
        }
        self.written = 0;
        self.out.clear();
        self.out.shrink_to(KEPT);
        if self.is_closing { Wants::Nothing } else { Wants::Input }
    }

    /// Executes what has been read, and writes; nothing more is read.
    pub(super) fn write_last(&mut self) -> Wants {
        loop {
            self.run_errand();
            match self.write() {
                Wants::Input if !self.waiting.is_empty() => {
                    let waiting = mem::take(&mut self.waiting);
                    self.execute(&waiting);
                }
                Wants::Input => return Wants::Nothing,
                other => return other,
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.metrics.connected.sub(1);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::sync::Arc;

    use super::{Connection, State, Wants};
    use crate::server::Config;

    const REQUEST: &[u8] = b"PING\r\n";

    /// A client that has sent a thousand requests, the server's end of it, and a server.
    pub(in crate::server) fn a_busy_client() -> (TcpStream, mio::net::TcpStream, Arc<State>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
        let address = listener.local_addr().expect("it has one");
        let mut client = TcpStream::connect(address).expect("it listens");
        let (socket, _) = listener.accept().expect("somebody comes");
        client.write_all(&REQUEST.repeat(1000)).expect("that much fits");
        socket.set_nonblocking(true).expect("a socket");
        let state = State::new(Config::default()).expect("a new heap has room");
        (client, mio::net::TcpStream::from_std(socket), Arc::new(state))
    }

    #[test]
    fn a_turn_reads_once() {
        let (mut client, socket, state) = a_busy_client();
        let mut connection = Connection::new(socket, Arc::clone(&state));
        let mut serve = || {
            let next = connection.take_turn(&mut [0; 600]);
            connection.answer(next)
        };
        for turn in 1..=10 {
            assert_eq!(serve(), Wants::Turn);
            assert_eq!(state.metrics.commands.get(), turn * 100);
        }
        assert_eq!(serve(), Wants::Input);
        client.write_all(REQUEST).expect("that much fits");
        while state.metrics.commands.get() == 1000 {
            assert_eq!(serve(), Wants::Input);
        }
        drop(client);
        while serve() != Wants::Nothing {}
    }
}
