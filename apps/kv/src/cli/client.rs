//! A client for our own use: one command, one answer, version 3 of the protocol.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer, as far as we need to tell answers apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    None,
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::None => f.write_str("(none)"),
            Self::List(items) => {
                for (place, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if place == 0 { "" } else { " " })?;
                }
                Ok(())
            }
            Self::Map(entries) => {
                for (place, (key, value)) in entries.iter().enumerate() {
                    write!(
                        f,
                        "{}{:13} {value}",
                        if place == 0 { "" } else { "\n" },
                        key.to_string()
                    )?;
                }
                Ok(())
            }
        }
    }
}

impl Value {
    /// The value of a key, if it is a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        let is_it = |entry: &&(Self, Self)| matches!(&entry.0, Self::Text(text) if text == key);
        entries.iter().find(is_it).map(|(_, value)| value)
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

/// Answers lie in answers so deep at most.
const DEPTH: usize = 8;

impl Client {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream: BufReader::new(stream) };
        client.ask(&["HELLO", "3"])?;
        Ok(client)
    }

    /// Asks, and waits for the answer. An answer that is an error is one.
    pub(super) fn ask(&mut self, words: &[&str]) -> io::Result<Value> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.value(DEPTH)
    }

    fn value(&mut self, depth: usize) -> io::Result<Value> {
        let strange = |what: &str| io::Error::new(ErrorKind::InvalidData, what.to_owned());
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::Error::from(ErrorKind::UnexpectedEof));
        }
        let line = line.trim_end();
        let text = line.get(1..).unwrap_or_default();
        let len = || text.parse().map_err(|_| strange("a length that is no number"));
        match line.bytes().next() {
            Some(b'+' | b',') => Ok(Value::Text(text.to_owned())),
            Some(b'-') => Err(io::Error::other(text.to_owned())),
            Some(b':') => Ok(Value::Number(text.parse().map_err(|_| strange("no number"))?)),
            Some(b'_') => Ok(Value::None),
            Some(b'$') => self.bulk(len()?),
            Some(b'*' | b'~' | b'%') if depth == 0 => Err(strange("an answer that is too deep")),
            Some(b'*' | b'~') => (0..len()?)
                .map(|_| self.value(depth - 1))
                .collect::<Result<_, _>>()
                .map(Value::List),
            Some(b'%') => {
                let mut entry = || Ok((self.value(depth - 1)?, self.value(depth - 1)?));
                (0..len()?).map(|_| entry()).collect::<io::Result<_>>().map(Value::Map)
            }
            _ => Err(strange("an answer that is none")),
        }
    }

    fn bulk(&mut self, len: usize) -> io::Result<Value> {
        let mut bytes = Vec::new();
        (&mut self.stream).take(len as u64 + 2).read_to_end(&mut bytes)?;
        bytes.truncate(len);
        Ok(Value::Text(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
