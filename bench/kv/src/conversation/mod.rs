//! The same conversation with the server and with Redis, and every answer compared.
//!
//! A seed makes the conversation. It is said to both servers by three clients, piece by piece,
//! while the server goes from version 1 to version 2 and to version 3: its upgrades begin in the
//! middle of pieces that are on their way. Answers are equal when their bytes are, but for what
//! Redis itself leaves open:
//!
//! - the order in which fields, members and keys of a hash, a set or the keyspace are told;
//! - where cursors of SCAN stand: all keys of a walk are compared;
//! - how much time a key has left, by as much as the two clocks may differ: a second.
//!
//! Scores are such as all releases of Redis write alike. The words of errors are those of 7.0.

mod commands;
mod generate;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use std::{fmt, thread};

use clap::Args;

use self::generate::{Generator, Kind, Question, Scene};
use crate::server::{self, Server};
use crate::wire::{Answer, Client, request};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many commands.
    #[arg(long, default_value_t = 100_000)]
    commands: usize,
    /// What the conversation is made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Speak the third version of the protocol.
    #[arg(long)]
    resp3: bool,
}

/// Differences after which the conversation ends.
const MOST: usize = 20;

/// Clients of one server.
const CLIENTS: usize = 3;

/// One side of the conversation.
struct Side {
    clients: Vec<Client>,
}

impl Side {
    fn connect(address: SocketAddr, resp3: bool) -> io::Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            let mut client = Client::connect(address)?;
            if resp3 {
                client.demand("HELLO 3")?;
            }
            clients.push(client);
        }
        Ok(Self { clients })
    }

    fn send(&mut self, client: usize, piece: &[Question]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for question in piece {
            request(&question.words, &mut bytes);
        }
        self.clients[client].send(&bytes)
    }

    /// All keys that a walk finds.
    fn walk(&mut self, client: usize, count: usize) -> io::Result<Vec<Answer>> {
        let (mut cursor, mut keys) = ("0".to_owned(), Vec::new());
        loop {
            let line = format!("SCAN {cursor} COUNT {count}");
            let mut page = self.clients[client].demand(&line)?.items;
            keys.append(&mut page.pop().map(|keys| keys.items).unwrap_or_default());
            cursor = page.pop().map_or(String::new(), |at| at.text.escape_ascii().to_string());
            if cursor == "0" {
                keys.sort_unstable();
                keys.dedup();
                return Ok(keys);
            }
        }
    }
}

/// Two answers that differ.
#[derive(Debug)]
struct Difference {
    at: usize,
    question: String,
    ours: String,
    theirs: String,
}

impl Error for Difference {}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, question, ours, theirs } = self;
        write!(f, "command {at}: {question}\n  the server: {ours}\n  Redis:      {theirs}")
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if !server::has("redis-server") {
        return Err("redis-server is not there".into());
    }
    let (kv, redis) = (Server::kv(0, &[])?, Server::redis()?);
    let mut ours = Side::connect(kv.address, options.resp3)?;
    let mut theirs = Side::connect(redis.address, options.resp3)?;
    let mut admin = Client::connect(kv.address)?;
    let mut generator = Generator::new(options.seed);
    let (mut said, mut errors, mut version) = (0, 0, 1);
    let mut differences = Vec::new();
    while said < options.commands && differences.len() < MOST {
        let next = 1 + (said * 3 / options.commands) as u32;
        let scene = generator.scene(version);
        match &scene {
            Scene::Piece(client, piece) => {
                ours.send(*client, piece)?;
                if next > version {
                    version = next;
                    admin.demand(&format!("UPGRADE START {version} PACE 0.05"))?;
                }
                theirs.send(*client, piece)?;
                for question in piece {
                    let our = ours.clients[*client].answer()?;
                    let their = theirs.clients[*client].answer()?;
                    errors += usize::from(their.mark == b'-');
                    differences.extend(compare(said, question, our, their).err());
                    said += 1;
                }
            }
            Scene::Walk(client, count) => {
                let (our, their) = (ours.walk(*client, *count)?, theirs.walk(*client, *count)?);
                let keys = |items| Answer { mark: b'*', text: Vec::new(), items };
                let question = Question::new("SCAN", Kind::Exact);
                differences.extend(compare(said, &question, keys(our), keys(their)).err());
                said += 1;
            }
            Scene::Pause(millis) => thread::sleep(Duration::from_millis(*millis)),
        }
    }
    if let Some(last) = differences.pop() {
        differences.iter().for_each(|difference| eprintln!("{difference}"));
        return Err(last.into());
    }
    println!(
        "{said} commands, {errors} of them refused, while the server went to version {version}: \
         every answer is the same (seed {}, {})",
        options.seed,
        if options.resp3 { "RESP3" } else { "RESP2" },
    );
    Ok(())
}

fn compare(
    at: usize,
    question: &Question,
    mut ours: Answer,
    mut theirs: Answer,
) -> Result<(), Difference> {
    let is_equal = match question.kind {
        Kind::Clock(most) => match (ours.number(), theirs.number()) {
            (Some(our), Some(their)) if ours.mark == theirs.mark => our.abs_diff(their) <= most,
            _ => ours == theirs,
        },
        kind => {
            sort(kind, &mut ours);
            sort(kind, &mut theirs);
            ours == theirs
        }
    };
    if is_equal {
        return Ok(());
    }
    let (ours, theirs) = (ours.to_string(), theirs.to_string());
    Err(Difference { at, question: question.to_string(), ours, theirs })
}

/// Brings what has no order into one.
fn sort(kind: Kind, answer: &mut Answer) {
    match kind {
        Kind::Unordered => answer.items.sort_unstable(),
        Kind::UnorderedPairs => {
            let mut pairs: Vec<_> = answer.items.chunks(2).map(<[_]>::to_vec).collect();
            pairs.sort_unstable();
            answer.items = pairs.concat();
        }
        Kind::Exact | Kind::Clock(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Kind, Question, compare};

    fn array(items: &[&str]) -> Answer {
        let bulk =
            |text: &&str| Answer { mark: b'$', text: text.as_bytes().to_vec(), items: vec![] };
        Answer { mark: b'*', text: Vec::new(), items: items.iter().map(bulk).collect() }
    }

    fn is_same(kind: Kind, ours: Answer, theirs: Answer) -> bool {
        compare(0, &Question::new("ANY", kind), ours, theirs).is_ok()
    }

    #[test]
    fn answers_differ_by_bytes_but_for_what_is_left_open() {
        assert!(is_same(Kind::Exact, array(&["a", "b"]), array(&["a", "b"])));
        assert!(!is_same(Kind::Exact, array(&["a", "b"]), array(&["b", "a"])));
        assert!(is_same(Kind::Unordered, array(&["a", "b"]), array(&["b", "a"])));
        assert!(!is_same(Kind::Unordered, array(&["a", "b"]), array(&["b", "b"])));
        let (one, other) = (array(&["a", "1", "b", "2"]), array(&["b", "2", "a", "1"]));
        assert!(is_same(Kind::UnorderedPairs, one.clone(), other));
        assert!(!is_same(Kind::UnorderedPairs, one, array(&["a", "2", "b", "1"])));
        let number = |text: &str| Answer { mark: b':', text: text.into(), items: Vec::new() };
        assert!(is_same(Kind::Clock(1), number("10"), number("9")));
        assert!(!is_same(Kind::Clock(1), number("10"), number("8")));
        let text = Answer { mark: b'+', ..number("10") };
        assert!(!is_same(Kind::Clock(1), text, number("10")));
    }
}
