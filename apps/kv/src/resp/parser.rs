//! From bytes, in whatever pieces they come, to requests.

use std::mem;

use thiserror::Error;

use super::{Args, inline};

/// How large a request may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Words of a request.
    pub(crate) words: usize,
    /// Bytes of a word.
    pub(crate) word: usize,
    /// Bytes of a request. Less than four gigabytes.
    pub(crate) request: usize,
    /// Bytes of a line: of a request that somebody typed, or of a length.
    pub(crate) line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { words: 1 << 20, word: 512 << 20, request: 1 << 30, line: 64 << 10 }
    }
}

/// What is wrong with the bytes. The connection can't go on after it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    #[error("Protocol error: invalid multibulk length")]
    Words,
    #[error("Protocol error: invalid bulk length")]
    Word,
    #[error("Protocol error: expected '$', got '{}'", .0.escape_ascii())]
    NoDollar(u8),
    #[error("Protocol error: no end of line after a bulk")]
    NoEnd,
    #[error("Protocol error: request too large")]
    TooLarge,
    #[error("Protocol error: too big mbulk count string")]
    LongCount,
    #[error("Protocol error: too big bulk count string")]
    LongLength,
    #[error("Protocol error: too big inline request")]
    LongLine,
    #[error("Protocol error: unbalanced quotes in request")]
    Quotes,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Start,
    /// A typed line.
    Line,
    /// How many words there are.
    Count,
    /// `$`, before the length of a word.
    Dollar,
    Length,
    /// A word, of which so many bytes are missing.
    Word(usize),
    /// The line's end behind a word, of which so many bytes have come.
    End(u8),
}

/// Makes requests of bytes. Holds one unfinished request, and nothing else.
#[derive(Debug)]
pub(crate) struct Parser {
    limits: Limits,
    place: Place,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    words_left: usize,
    args: Args,
}

impl Parser {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, place: Place::Start, line: Vec::new(), words_left: 0, args: Args::default() }
    }

    /// Takes bytes off the input up to the end of a request, and returns it; `None` when the input
    /// is used up before that.
    pub(crate) fn feed(&mut self, input: &mut &[u8]) -> Result<Option<Args>, ProtocolError> {
        while let Some(&byte) = input.first() {
            let complete = match self.place {
                Place::Start => {
                    if byte == b'*' {
                        *input = &input[1..];
                        self.place = Place::Count;
                    } else {
                        self.place = Place::Line;
                    }
                    false
                }
                Place::Line => self.line(input)?,
                Place::Count => self.count(input)?,
                Place::Dollar => {
                    if byte != b'$' {
                        return Err(ProtocolError::NoDollar(byte));
                    }
                    *input = &input[1..];
                    self.place = Place::Length;
                    false
                }
                Place::Length => self.length(input)?,
                Place::Word(missing) => self.word(input, missing),
                Place::End(seen) => self.end(input, seen)?,
            };
            if complete {
                self.place = Place::Start;
                return Ok(Some(mem::take(&mut self.args)));
            }
        }
        Ok(None)
    }

    /// Gives a request's buffers back, for the next one.
    pub(crate) fn reuse(&mut self, mut args: Args) {
        if self.args.len() == 0 && self.args.size() == 0 {
            args.clear();
            self.args = args;
        }
    }

    /// Takes a line off the input and works on it, if its end is there.
    fn take_line<R>(
        &mut self,
        input: &mut &[u8],
        too_long: ProtocolError,
        work: impl FnOnce(&mut Self, &[u8]) -> R,
    ) -> Result<Option<R>, ProtocolError> {
        let end = input.iter().position(|&byte| byte == b'\n');
        let (piece, rest) = input.split_at(end.unwrap_or(input.len()));
        if self.line.len() + piece.len() > self.limits.line {
            return Err(too_long);
        }
        if end.is_none() {
            self.line.extend_from_slice(piece);
            *input = rest;
            return Ok(None);
        }
        *input = &rest[1..];
        let strip = |line: &'_ [u8]| line.strip_suffix(b"\r").unwrap_or(line).len();
        if self.line.is_empty() {
            return Ok(Some(work(self, &piece[..strip(piece)])));
        }
        let mut line = mem::take(&mut self.line);
        line.extend_from_slice(piece);
        Ok(Some(work(self, &line[..strip(&line)])))
    }

    fn line(&mut self, input: &mut &[u8]) -> Result<bool, ProtocolError> {
        let split = |parser: &mut Self, line: &[u8]| inline::split(line, &mut parser.args);
        match self.take_line(input, ProtocolError::LongLine, split)? {
            None => Ok(false),
            Some(None) => Err(ProtocolError::Quotes),
            Some(Some(())) => {
                // An empty line is no request.
                self.place = Place::Start;
                Ok(self.args.len() > 0)
            }
        }
    }

    fn count(&mut self, input: &mut &[u8]) -> Result<bool, ProtocolError> {
        let number = |_: &mut Self, line: &[u8]| number(line);
        let Some(count) = self.take_line(input, ProtocolError::LongCount, number)? else {
            return Ok(false);
        };
        let count = count.ok_or(ProtocolError::Words)?;
        if count > self.limits.words as i64 {
            return Err(ProtocolError::Words);
        }
        // No words are no request.
        self.words_left = usize::try_from(count).unwrap_or(0);
        self.place = if self.words_left == 0 { Place::Start } else { Place::Dollar };
        Ok(false)
    }

    fn length(&mut self, input: &mut &[u8]) -> Result<bool, ProtocolError> {
        let number = |_: &mut Self, line: &[u8]| number(line);
        let Some(length) = self.take_line(input, ProtocolError::LongLength, number)? else {
            return Ok(false);
        };
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|&length| length <= self.limits.word);
        let length = length.ok_or(ProtocolError::Word)?;
        if self.args.size() + length > self.limits.request {
            return Err(ProtocolError::TooLarge);
        }
        self.place = if length == 0 { Place::End(0) } else { Place::Word(length) };
        Ok(false)
    }

    fn word(&mut self, input: &mut &[u8], missing: usize) -> bool {
        // Room is made for what has come, not for what was announced.
        let (piece, rest) = input.split_at(missing.min(input.len()));
        self.args.extend_word(piece);
        *input = rest;
        let missing = missing - piece.len();
        self.place = if missing == 0 { Place::End(0) } else { Place::Word(missing) };
        false
    }

    fn end(&mut self, input: &mut &[u8], seen: u8) -> Result<bool, ProtocolError> {
        if input[0] != b"\r\n"[usize::from(seen)] {
            return Err(ProtocolError::NoEnd);
        }
        *input = &input[1..];
        if seen == 0 {
            self.place = Place::End(1);
            return Ok(false);
        }
        self.args.end_word();
        self.words_left -= 1;
        self.place = Place::Dollar;
        Ok(self.words_left == 0)
    }
}

fn number(line: &[u8]) -> Option<i64> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::{Args, Limits, Parser, ProtocolError};

    const SMALL: Limits = Limits { words: 4, word: 8, request: 16, line: 24 };

    /// All requests of the input, which comes in two pieces, or the error.
    fn parse(input: &[u8], cut: usize, limits: Limits) -> Result<Vec<Args>, ProtocolError> {
        let mut parser = Parser::new(limits);
        let mut requests = Vec::new();
        let (mut first, mut second) = input.split_at(cut.min(input.len()));
        for piece in [&mut first, &mut second] {
            while let Some(request) = parser.feed(piece)? {
                requests.push(request);
            }
            assert!(piece.is_empty());
        }
        Ok(requests)
    }

    fn request(words: &[&str]) -> Args {
        words.iter().map(|word| word.as_bytes()).collect()
    }

    #[test]
    fn requests_survive_every_cut() {
        let input =
            b"*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n\r\n*0\r\n*-1\r\n*1\r\n$0\r\n\r\nset a 'b c'\n";
        let expected = [
            request(&["GET", "a"]),
            request(&["PING"]),
            request(&[""]),
            request(&["set", "a", "b c"]),
        ];
        for cut in 0..=input.len() {
            assert_eq!(parse(input, cut, Limits::default()).as_deref(), Ok(&expected[..]), "{cut}");
        }
    }

    #[test]
    fn errors_survive_every_cut() {
        let table: &[(&[u8], ProtocolError)] = &[
            (b"*5\r\n", ProtocolError::Words),
            (b"*x\r\n", ProtocolError::Words),
            (b"*99999999999999999999\r\n", ProtocolError::Words),
            (b"*1\r\n$9\r\n", ProtocolError::Word),
            (b"*1\r\n$-1\r\n", ProtocolError::Word),
            (b"*1\r\n$\r\n", ProtocolError::Word),
            (b"*1\r\n:1\r\n", ProtocolError::NoDollar(b':')),
            (b"*1\r\n$1\r\nabc", ProtocolError::NoEnd),
            (b"*1\r\n$1\r\na\rb", ProtocolError::NoEnd),
            (b"*3\r\n$8\r\n12345678\r\n$8\r\n12345678\r\n$1\r\n", ProtocolError::TooLarge),
            (b"*1111111111111111111111111111", ProtocolError::LongCount),
            (b"*1\r\n$1111111111111111111111111111", ProtocolError::LongLength),
            (b"get aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ProtocolError::LongLine),
            (b"get \"a\r\n", ProtocolError::Quotes),
        ];
        for (input, expected) in table {
            for cut in 0..=input.len() {
                let outcome = parse(input, cut, SMALL);
                assert_eq!(outcome.as_ref().err(), Some(expected), "{}", input.escape_ascii());
            }
        }
    }

    #[test]
    fn no_room_is_made_for_what_is_only_announced() {
        let mut parser = Parser::new(Limits::default());
        assert_eq!(parser.feed(&mut &b"*1000000\r\n$500000000\r\nabc"[..]), Ok(None));
        assert_eq!(parser.args.size(), 3);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            words in vec(vec(vec(any::<u8>(), 0..20), 1..5), 0..5),
            cut in 0_usize..200,
        ) {
            let mut input = Vec::new();
            for request in &words {
                input.extend(format!("*{}\r\n", request.len()).bytes());
                for word in request {
                    input.extend(format!("${}\r\n", word.len()).bytes());
                    input.extend(word);
                    input.extend(b"\r\n");
                }
            }
            let expected: Vec<Args> =
                words.iter().map(|words| words.iter().map(|word| &word[..]).collect()).collect();
            prop_assert_eq!(parse(&input, cut, Limits::default()), Ok(expected));
        }

        #[test]
        fn any_bytes_are_read_the_same_in_any_pieces(input in vec(any::<u8>(), 0..60), cut in 0_usize..60) {
            let whole = parse(&input, input.len(), SMALL);
            prop_assert_eq!(parse(&input, cut, SMALL), whole);
        }
    }
}
