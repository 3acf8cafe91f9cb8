//! The protocol, as a client sees it.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer: its mark, what stands behind it, and what it consists of. Answers are equal when
/// their bytes are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answer {
    pub(crate) mark: u8,
    pub(crate) text: Vec<u8>,
    pub(crate) items: Vec<Self>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.mark as char, self.text.escape_ascii())?;
        if !self.items.is_empty() {
            f.write_str(" [")?;
            for item in &self.items {
                write!(f, " {item}")?;
            }
            f.write_str(" ]")?;
        }
        Ok(())
    }
}

impl Answer {
    /// The number that it is or shows.
    pub(crate) fn number(&self) -> Option<i64> {
        std::str::from_utf8(&self.text).ok()?.parse().ok()
    }
}

/// Adds a request to a buffer.
pub(crate) fn request<W: AsRef<[u8]>>(words: &[W], out: &mut Vec<u8>) {
    out.extend(format!("*{}\r\n", words.len()).bytes());
    for word in words {
        let word = word.as_ref();
        out.extend(format!("${}\r\n", word.len()).bytes());
        out.extend(word);
        out.extend(b"\r\n");
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream), line: Vec::new() })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Asks one thing.
    pub(crate) fn ask(&mut self, line: &str) -> io::Result<Answer> {
        let words: Vec<_> = line.split_whitespace().collect();
        let mut bytes = Vec::new();
        request(&words, &mut bytes);
        self.send(&bytes)?;
        self.answer()
    }

    /// Asks one thing, and takes no error for an answer.
    pub(crate) fn demand(&mut self, line: &str) -> io::Result<Answer> {
        let answer = self.ask(line)?;
        if answer.mark == b'-' {
            return Err(io::Error::other(format!("{line}: {answer}")));
        }
        Ok(answer)
    }

    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        self.read_line()?;
        let (mark, mut text) = (self.line[0], self.line[1..].to_vec());
        let count = || std::str::from_utf8(&text).ok()?.parse::<i64>().ok();
        let mut items = Vec::new();
        match mark {
            b'$' | b'=' => {
                if let Ok(len) = usize::try_from(count().ok_or(ErrorKind::InvalidData)?) {
                    text = vec![0; len + 2];
                    self.stream.read_exact(&mut text)?;
                    text.truncate(len);
                }
            }
            b'*' | b'~' | b'%' => {
                let each = if mark == b'%' { 2 } else { 1 };
                for _ in 0..each * count().ok_or(ErrorKind::InvalidData)? {
                    items.push(self.answer()?);
                }
            }
            _ => {}
        }
        Ok(Answer { mark, text, items })
    }

    /// Takes one plain answer, and looks only at its mark.
    pub(crate) fn skip(&mut self) -> io::Result<u8> {
        self.read_line()?;
        let mark = self.line[0];
        if mark == b'$' && self.line.get(1) != Some(&b'-') {
            let len = std::str::from_utf8(&self.line[1..]).ok().and_then(|len| len.parse().ok());
            let mut left = len.map(|len: usize| len + 2).ok_or(ErrorKind::InvalidData)?;
            while left > 0 {
                let there = self.stream.fill_buf()?.len().min(left);
                if there == 0 {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                self.stream.consume(there);
                left -= there;
            }
        }
        Ok(mark)
    }

    fn read_line(&mut self) -> io::Result<()> {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line)?;
        if self.line.len() < 3 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.line.truncate(self.line.len() - 2);
        Ok(())
    }
}
