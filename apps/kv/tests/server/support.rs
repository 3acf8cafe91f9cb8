//! A server in a process of its own, and a client that speaks the protocol and nothing more.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A server, and the process that it is.
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kv"))
            .args(["serve", "--port", "0"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server can be started");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is ours");
        BufReader::new(out).read_line(&mut line).expect("it says where it listens");
        let address = line.trim().strip_prefix("kv listens at ").expect("the line it begins with");
        Self { child, address: address.to_owned() }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.address)
    }

    pub(crate) fn port(&self) -> &str {
        self.address.rsplit(':').next().expect("an address ends with a port")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the process has ended by itself. Says whether it ended well.
    pub(crate) fn ends_well(mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                return status.success();
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        Self { stream: BufReader::new(stream) }
    }

    /// Says a line of words, without spaces in them, and gives the answer on one line.
    pub(crate) fn say(&mut self, line: &str) -> String {
        self.send(&request(line));
        self.answer()
    }

    /// Says each line, and compares the answer.
    pub(crate) fn hold(&mut self, conversation: &[(&str, &str)]) {
        for (line, expected) in conversation {
            assert_eq!(self.say(line), *expected, "{line}");
        }
    }

    /// Sets keys to their numbers, all in one go.
    pub(crate) fn fill(&mut self, keys: usize) {
        let all: Vec<_> = (0..keys).flat_map(|n| request(&format!("SET key:{n} {n}"))).collect();
        self.send(&all);
        (0..keys).for_each(|_| assert_eq!(self.answer(), "+OK"));
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the server reads");
    }

    /// Sends, and says that it was the last.
    pub(crate) fn send_last(&mut self, bytes: &[u8]) {
        let mut writer = self.stream.get_ref().try_clone().expect("a socket");
        let bytes = bytes.to_vec();
        // Beside whoever fetches the answers.
        thread::spawn(move || {
            writer.write_all(&bytes).expect("the server reads");
            writer.shutdown(Shutdown::Write).expect("a socket");
        });
    }

    /// Whether the server has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(len) => len == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }

    /// The next answer on one line: bulks as they are, errors with `-`, arrays in brackets.
    pub(crate) fn answer(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("an answer");
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let (mark, rest) = line.split_at_checked(1).expect("an answer has a mark");
        let many = |client: &mut Self, count: usize| {
            let items: Vec<_> = (0..count).map(|_| client.answer()).collect();
            items.join(" ")
        };
        let len = || rest.parse::<usize>();
        match mark {
            "_" => "nil".to_owned(),
            "$" | "*" if rest == "-1" => "nil".to_owned(),
            "$" => self.bulk(len().expect("a length")),
            "=" => self.bulk(len().expect("a length"))[4..].to_owned(),
            "*" => format!("[{}]", many(self, len().expect("a length"))),
            "~" => format!("~[{}]", many(self, len().expect("a length"))),
            "%" => format!("{{{}}}", many(self, 2 * len().expect("a length"))),
            ":" => rest.to_owned(),
            _ => line.to_owned(),
        }
    }

    fn bulk(&mut self, len: usize) -> String {
        let mut bytes = vec![0; len + 2];
        self.stream.read_exact(&mut bytes).expect("a whole bulk");
        assert_eq!(&bytes[len..], b"\r\n");
        String::from_utf8_lossy(&bytes[..len]).into_owned()
    }

    /// A line of UPGRADE STATUS.
    pub(crate) fn status(&mut self, key: &str) -> String {
        let status = self.say("UPGRADE STATUS");
        let words: Vec<_> = status.trim_matches(['[', ']', '{', '}']).split(' ').collect();
        let place = words.iter().position(|word| *word == key);
        place.and_then(|place| words.get(place + 1)).unwrap_or(&"").to_string()
    }

    /// Begins the upgrade to the second version, and pauses its background before that is through:
    /// another time, if the server had to wait for a processor between the two.
    pub(crate) fn start_and_pause(&mut self) {
        for _ in 0..20 {
            let both = ["UPGRADE START 2 PACE 0.02", "UPGRADE PAUSE"];
            self.send(&both.map(request).concat());
            assert_eq!((self.answer(), self.answer()), ("+OK".into(), "+OK".into()));
            if self.status("state") == "migrating" {
                return;
            }
            self.hold(&[("UPGRADE ROLLBACK", "+OK"), ("UPGRADE RESUME", "+OK")]);
            self.wait_for("rolled back");
        }
        panic!("it is always through before the pause");
    }

    /// Waits until the upgrade, or the way back, is in this state.
    pub(crate) fn wait_for(&mut self, state: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.say("UPGRADE STATUS").find(&format!("state {state} ")).is_none() {
            assert!(Instant::now() < deadline, "{}", self.say("UPGRADE STATUS"));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A request of the words of a line.
pub(crate) fn request(line: &str) -> Vec<u8> {
    let words: Vec<_> = line.split_whitespace().collect();
    let mut out = format!("*{}\r\n", words.len());
    for word in words {
        out += &format!("${}\r\n{word}\r\n", word.len());
    }
    out.into_bytes()
}
