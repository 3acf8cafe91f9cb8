//! From replies to bytes.

use super::Reply;

/// The version of the protocol that a connection speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

/// Appends replies to a buffer.
#[derive(Debug)]
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    protocol: Protocol,
}

impl<'o> Writer<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>, protocol: Protocol) -> Self {
        Self { out, protocol }
    }

    pub(crate) fn write(&mut self, reply: &Reply) {
        match reply {
            Reply::Status(text) => self.line(b'+', text.as_bytes()),
            Reply::Error(text) => self.line(b'-', text),
            Reply::Integer(number) => self.number(b':', *number),
            Reply::Digits(number) => self.bulk(itoa::Buffer::new().format(*number).as_bytes()),
            Reply::Double(number) if self.is_new() => self.line(b',', decimal(*number).as_bytes()),
            Reply::Double(number) => self.bulk(decimal(*number).as_bytes()),
            Reply::Bulk(bytes) => self.bulk(bytes),
            Reply::Text(text) => self.bulk(text.as_bytes()),
            Reply::Verbatim(text) if self.is_new() => {
                self.head(b'=', text.len() + 4);
                self.out.extend_from_slice(b"txt:");
                self.end(text.as_bytes());
            }
            Reply::Verbatim(text) => self.bulk(text.as_bytes()),
            Reply::Null | Reply::NullArray if self.is_new() => self.line(b'_', b""),
            Reply::Null => self.line(b'$', b"-1"),
            Reply::NullArray => self.line(b'*', b"-1"),
            Reply::Array(items) => self.items(b'*', items),
            Reply::Set(items) => self.items(if self.is_new() { b'~' } else { b'*' }, items),
            Reply::Pairs(pairs) if self.is_new() => {
                self.head(b'*', pairs.len());
                for (first, second) in pairs {
                    self.array(2);
                    self.write(first);
                    self.write(second);
                }
            }
            Reply::Map(entries) | Reply::Pairs(entries) => {
                match self.protocol {
                    Protocol::Resp2 => self.head(b'*', entries.len() * 2),
                    Protocol::Resp3 => self.head(b'%', entries.len()),
                }
                for (key, value) in entries {
                    self.write(key);
                    self.write(value);
                }
            }
        }
    }

    /// Begins an array whose items are written one by one.
    pub(crate) fn array(&mut self, len: usize) {
        self.head(b'*', len);
    }

    fn is_new(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    fn items(&mut self, mark: u8, items: &[Reply]) {
        self.head(mark, items.len());
        items.iter().for_each(|item| self.write(item));
    }

    fn bulk(&mut self, bytes: &[u8]) {
        self.head(b'$', bytes.len());
        self.end(bytes);
    }

    fn head(&mut self, mark: u8, len: usize) {
        self.out.push(mark);
        self.end(itoa::Buffer::new().format(len).as_bytes());
    }

    fn number(&mut self, mark: u8, number: i64) {
        self.out.push(mark);
        self.end(itoa::Buffer::new().format(number).as_bytes());
    }

    /// A line of text; what would end it early becomes a space.
    fn line(&mut self, mark: u8, text: &[u8]) {
        self.out.push(mark);
        let one_line = |&byte: &u8| if byte == b'\r' || byte == b'\n' { b' ' } else { byte };
        self.out.extend(text.iter().map(one_line));
        self.out.extend_from_slice(b"\r\n");
    }

    fn end(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }
}

/// The shortest digits that give the number again.
fn decimal(number: f64) -> String {
    let size = number.abs();
    if number.is_infinite() {
        if number > 0.0 { "inf".to_owned() } else { "-inf".to_owned() }
    } else if size != 0.0 && !(1e-5..1e21).contains(&size) {
        let text = format!("{number:e}");
        if text.contains("e-") { text } else { text.replace('e', "e+") }
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Protocol, Reply, Writer, decimal};

    fn written(reply: &Reply, protocol: Protocol) -> String {
        let mut out = Vec::new();
        Writer::new(&mut out, protocol).write(reply);
        String::from_utf8(out).expect("the examples are text")
    }

    #[test]
    fn replies_in_both_versions() {
        let table = [
            (Reply::OK, "+OK\r\n", "+OK\r\n"),
            (Reply::error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"),
            (Reply::Integer(-7), ":-7\r\n", ":-7\r\n"),
            (Reply::Digits(-7), "$2\r\n-7\r\n", "$2\r\n-7\r\n"),
            (Reply::Double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"),
            (Reply::bulk(b"a\r\n"), "$3\r\na\r\n\r\n", "$3\r\na\r\n\r\n"),
            (Reply::Verbatim("hi".to_owned()), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
            (Reply::Null, "$-1\r\n", "_\r\n"),
            (Reply::NullArray, "*-1\r\n", "_\r\n"),
            (
                Reply::Array(vec![Reply::Null, Reply::Array(vec![])]),
                "*2\r\n$-1\r\n*0\r\n",
                "*2\r\n_\r\n*0\r\n",
            ),
            (Reply::Set(vec![Reply::text("a")]), "*1\r\n$1\r\na\r\n", "~1\r\n$1\r\na\r\n"),
            (
                Reply::Map(vec![(Reply::text("a"), Reply::yes(true))]),
                "*2\r\n$1\r\na\r\n:1\r\n",
                "%1\r\n$1\r\na\r\n:1\r\n",
            ),
            (
                Reply::Pairs(vec![(Reply::text("a"), Reply::Double(2.0))]),
                "*2\r\n$1\r\na\r\n$1\r\n2\r\n",
                "*1\r\n*2\r\n$1\r\na\r\n,2\r\n",
            ),
        ];
        for (reply, old, new) in table {
            assert_eq!(written(&reply, Protocol::Resp2), old);
            assert_eq!(written(&reply, Protocol::Resp3), new);
        }
    }

    #[test]
    fn numbers_are_short_and_exact() {
        let table = [
            (0.0, "0"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, text) in table {
            assert_eq!(decimal(number), text);
        }
    }
}
