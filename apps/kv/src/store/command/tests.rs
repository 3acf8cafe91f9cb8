//! Conversations with a store: one a line, a command and what is answered.

use upgradable::{Heap, Service};

use super::Commands;
use crate::resp::{Args, Limits, Parser, Protocol, Reply, Writer};
use crate::store::entry::v1;
use crate::store::{Answer, Job, Keyspace, Millis, Request, Store, Watched};

/// A store to talk to, and its clock.
pub(crate) struct Talk {
    pub(crate) service: Service<Request, Answer>,
    pub(crate) keys: Keyspace<v1::Entry>,
    pub(crate) now: Millis,
}

impl Talk {
    pub(crate) fn new() -> Self {
        let heap = Heap::new();
        let keys = Keyspace::create(&heap).expect("a new heap has room");
        let store = Store::new(keys, Commands::of_strings());
        Self { service: Service::new(heap, store), keys, now: 1_000_000 }
    }

    pub(crate) fn ask(&self, job: Job) -> Answer {
        self.service.call(&Request { now: self.now, job }).expect("nothing fails here")
    }

    pub(crate) fn say(&self, line: &str) -> Reply {
        match self.ask(Job::Command(words(line))) {
            Answer::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Says each line and compares the answer, as `show` gives it.
    pub(crate) fn hold(&self, conversation: &[(&str, &str)]) {
        for (line, expected) in conversation {
            assert_eq!(show(&self.say(line)), *expected, "{line}");
        }
    }

    fn watch(&self, keys: &[&str]) -> Vec<Watched> {
        match self.ask(Job::Watch(keys.iter().map(|key| key.as_bytes().into()).collect())) {
            Answer::Watching(watched) => watched,
            other => panic!("{other:?}"),
        }
    }

    fn block(&self, watched: Vec<Watched>, lines: &[&str]) -> Option<Vec<String>> {
        let commands = lines.iter().map(|line| words(line)).collect();
        match self.ask(Job::Block { commands, watched }) {
            Answer::Block(replies) => Some(replies?.iter().map(show).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn watches(&self) -> usize {
        self.service.heap().snapshot(|s| self.keys.watches.len(s)).expect("they can be counted")
    }
}

pub(crate) fn words(line: &str) -> Args {
    let line = format!("{line}\n");
    let parsed = Parser::new(Limits::default()).feed(&mut line.as_bytes());
    parsed.expect("a line of words").unwrap_or_default()
}

/// A reply on one line.
pub(crate) fn show(reply: &Reply) -> String {
    match reply {
        Reply::Array(items) | Reply::Set(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" "))
        }
        Reply::Map(entries) => {
            let entry = |(key, value): &(Reply, Reply)| format!("{}:{}", show(key), show(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
        }
        Reply::Null => "nil".to_owned(),
        Reply::Integer(number) => number.to_string(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Digits(number) => format!("{number}"),
        Reply::Text(text) => text.to_string(),
        other => {
            let mut out = Vec::new();
            Writer::new(&mut out, Protocol::Resp3).write(other);
            String::from_utf8_lossy(&out).trim_end().to_owned()
        }
    }
}

/// What every version answers.
pub(crate) const STRINGS: &[(&str, &str)] = &[
    ("GET a", "nil"),
    ("SET a 1", "+OK"),
    ("get a", "1"),
    ("GETSET a 2", "1"),
    ("SET a 3 NX", "nil"),
    ("SET b 3 XX", "nil"),
    ("SET a 3 XX GET", "2"),
    ("SET c 1 NX GET", "nil"),
    ("GETDEL c", "1"),
    ("GETDEL c", "nil"),
    ("SET a 3 NX XX", "-ERR syntax error"),
    ("SET a 3 EX", "-ERR syntax error"),
    ("SET a 3 EX 1 PX 1", "-ERR syntax error"),
    ("SET a 3 EX 1 KEEPTTL", "-ERR syntax error"),
    ("SET a 3 EX 0", "-ERR invalid expire time in 'set' command"),
    ("SET a 3 EX 9223372036854775807", "-ERR invalid expire time in 'set' command"),
    ("SET a 3 EX x", "-ERR value is not an integer or out of range"),
    ("SETNX a 9", "0"),
    ("SETNX d 9", "1"),
    ("MSET a 1 b 2", "+OK"),
    ("MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"),
    ("MSETNX b 5 e 6", "0"),
    ("MSETNX e 6 f 7", "1"),
    ("MGET a b x e", "[1 2 nil 6]"),
    ("APPEND a 23", "3"),
    ("GET a", "123"),
    ("APPEND new xyz", "3"),
    ("STRLEN a", "3"),
    ("STRLEN x", "0"),
    ("INCR a", "124"),
    ("INCRBY a -24", "100"),
    ("DECR a", "99"),
    ("DECRBY a 100", "-1"),
    ("INCR n", "1"),
    ("GET n", "1"),
    ("INCR new", "-ERR value is not an integer or out of range"),
    ("INCRBY a x", "-ERR value is not an integer or out of range"),
    ("SET m 9223372036854775807", "+OK"),
    ("INCR m", "-ERR increment or decrement would overflow"),
    ("DECRBY m -9223372036854775808", "-ERR decrement would overflow"),
    ("GET m", "9223372036854775807"),
    ("SET z 007", "+OK"),
    ("GET z", "007"),
    ("INCR z", "-ERR value is not an integer or out of range"),
    ("TYPE z", "+string"),
    ("TYPE x", "+none"),
    ("EXISTS a a x b", "3"),
    ("TOUCH a x", "1"),
    ("DBSIZE", "9"),
    ("DEL a b x", "2"),
    ("UNLINK d d", "1"),
    ("DBSIZE", "6"),
    ("GET", "-ERR wrong number of arguments for 'get' command"),
    ("PING", "+PONG"),
    ("PING a", "a"),
    ("PING a b", "-ERR wrong number of arguments for 'ping' command"),
    ("ECHO a", "a"),
    ("NOSUCH a b", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'"),
    ("COMMAND GETKEYS MSET a 1 b 2", "[a b]"),
    ("FLUSHDB now", "-ERR syntax error"),
    ("FLUSHALL ASYNC", "+OK"),
    ("DBSIZE", "0"),
];

#[test]
fn strings() {
    Talk::new().hold(STRINGS);
}

#[test]
fn time() {
    let mut talk = Talk::new();
    talk.hold(&[
        ("SET a 1 EX 10", "+OK"),
        ("TTL a", "10"),
        ("SET a 2 KEEPTTL", "+OK"),
        ("PTTL a", "10000"),
        ("APPEND a 0", "2"),
        ("INCR a", "21"),
        ("TTL a", "10"),
        ("PERSIST a", "1"),
        ("PERSIST a", "0"),
        ("TTL a", "-1"),
        ("TTL x", "-2"),
        ("EXPIRE x 1", "0"),
        ("EXPIRE a 10 XX", "0"),
        ("EXPIRE a 10 GT", "0"),
        ("EXPIRE a 10 LT", "1"),
        ("EXPIRE a 20 NX", "0"),
        ("EXPIRE a 5 GT", "0"),
        ("PEXPIRE a 20000 GT", "1"),
        ("PEXPIRETIME a", "1020000"),
        ("EXPIRETIME a", "1020"),
        (
            "EXPIRE a 1 NX GT",
            "-ERR NX and XX, GT or LT options at the same time are not compatible",
        ),
        ("EXPIRE a 1 YY", "-ERR Unsupported option YY"),
        ("EXPIRE a 9223372036854775807", "-ERR invalid expire time in 'expire' command"),
        ("EXPIREAT a 1005", "1"),
        ("SETEX b 5 x", "+OK"),
        ("PSETEX c 4999 x", "+OK"),
        ("SETEX c 0 x", "-ERR invalid expire time in 'setex' command"),
        ("SET d x PXAT 1005001", "+OK"),
        ("SET e x", "+OK"),
        ("EXPIRE e -1", "1"),
        ("GET e", "nil"),
    ]);
    talk.now += 5000;
    talk.hold(&[
        ("MGET a b c d", "[nil nil nil x]"),
        ("EXISTS a", "0"),
        ("DEL a", "0"),
        ("DBSIZE", "3"),
        ("KEYS *", "[d]"),
        ("SETNX b 2", "1"),
        ("TTL b", "-1"),
        ("EXPIRE c 100", "0"),
    ]);
    let Answer::Expired { next: 0, removed: 1 } = talk.ask(Job::Expire { from: 0, most: 100 })
    else {
        panic!("one has expired")
    };
    talk.hold(&[("DBSIZE", "2"), ("GET b", "2"), ("GET d", "x")]);
}

#[test]
fn a_scan_finds_what_is_there_the_whole_time() {
    let talk = Talk::new();
    for n in 0..500 {
        talk.say(&format!("SET key:{n} {n}"));
    }
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    for turn in 0.. {
        talk.say(&format!("SET other:{turn} x"));
        talk.say(&format!("DEL key:{}", 499 - turn));
        let reply = talk.say(&format!("SCAN {cursor} MATCH key:* COUNT 20 TYPE string"));
        let Reply::Array(parts) = &reply else { panic!("{reply:?}") };
        let [next, Reply::Array(keys)] = &parts[..] else { panic!("{reply:?}") };
        found.extend(keys.iter().map(show));
        cursor = show(next);
        if cursor == "0" {
            break;
        }
    }
    for n in 0..450 {
        assert!(found.contains(&format!("key:{n}")), "key:{n}");
    }
    let all = found.len();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), all, "none twice");
    talk.hold(&[
        ("SCAN x", "-ERR invalid cursor"),
        ("SCAN 0 COUNT 0", "-ERR syntax error"),
        ("SCAN 0 MATCH", "-ERR syntax error"),
        ("SCAN 0 TYPE hash COUNT 9999", "[0 []]"),
    ]);
    let Reply::Array(keys) = talk.say("KEYS key:1?") else { panic!("an array") };
    assert_eq!(keys.len(), 10);
}

#[test]
fn a_block_happens_unless_something_watched_has_changed() {
    let talk = Talk::new();
    let outcome = talk.block(vec![], &["SET a 1", "INCR a", "NOSUCH", "INCR a", "GET a"]);
    let outcome = outcome.expect("nothing was watched");
    assert_eq!(outcome[..2], ["+OK", "2"]);
    assert!(outcome[2].starts_with("-ERR unknown command"));
    assert_eq!(outcome[3..], ["3", "3"]);

    // What changes a key, and what does not.
    let changing = [
        "SET a 3",
        "DEL a",
        "SETNX b 1",
        "SET b 1 EX 5",
        "EXPIRE b 1",
        "PERSIST b",
        "MSET x 1 b 2",
        "APPEND b 1",
        "INCR b",
        "GETDEL b",
        "SETNX b 1",
        "FLUSHDB",
    ];
    for change in changing {
        let watched = talk.watch(&["a", "b"]);
        talk.say(change);
        assert_eq!(talk.block(watched, &["SET c 1"]), None, "{change}");
        assert_eq!(talk.watches(), 0, "{change}");
    }
    talk.say("SET b 1");
    for harmless in
        ["GET a", "SET x 1", "SETNX b 2", "DEL a", "EXPIRE a 1", "PERSIST b", "INCR b x"]
    {
        let watched = talk.watch(&["a", "b"]);
        talk.say(harmless);
        assert!(talk.block(watched, &["SET c 1"]).is_some(), "{harmless}");
    }
    // There and gone again is a change, too; and so is what time does.
    let watched = talk.watch(&["new"]);
    talk.hold(&[("SET new 1", "+OK"), ("DEL new", "1")]);
    assert_eq!(talk.block(watched, &["PING"]), None);
    let mut talk = talk;
    talk.say("SET a 1 PX 10");
    let watched = talk.watch(&["a"]);
    talk.now += 10;
    assert_eq!(talk.block(watched, &["PING"]), None);
    let watched = talk.watch(&["a"]);
    assert_eq!(talk.block(watched, &["PING"]), Some(vec!["+PONG".to_owned()]));
}

#[test]
fn two_may_watch_one_key() {
    let talk = Talk::new();
    let (one, other) = (talk.watch(&["a"]), talk.watch(&["a"]));
    assert!(talk.block(one, &["SET a 1"]).is_some());
    assert_eq!(talk.block(other, &["SET a 2"]), None);
    let (one, other) = (talk.watch(&["a"]), talk.watch(&["a"]));
    talk.ask(Job::Unwatch(one));
    assert_eq!(talk.watches(), 1);
    assert!(talk.block(other, &["GET a"]).is_some());
    assert_eq!(talk.watches(), 0);
}

#[test]
fn checks_before_a_block() {
    let talk = Talk::new();
    let check = |line: &str| match talk.ask(Job::Check(words(line))) {
        Answer::Reply(reply) => show(&reply),
        other => panic!("{other:?}"),
    };
    assert_eq!(check("SET a 1"), "+QUEUED");
    assert_eq!(check("SET a"), "-ERR wrong number of arguments for 'set' command");
    assert!(check("HSET a b c").starts_with("-ERR unknown command 'HSET'"));
    talk.hold(&[("GET a", "nil")]);
}

#[test]
fn commands_tell_of_themselves() {
    let talk = Talk::new();
    let info = show(&talk.say("COMMAND INFO get nosuch"));
    assert_eq!(info, "[[get 2 [+readonly] 1 1 1 [] [] [] []] _]");
    assert_eq!(
        show(&talk.say("COMMAND DOCS get")),
        "{get:{summary:The string of a key group:generic}}"
    );
    let Reply::Integer(count) = talk.say("COMMAND COUNT") else { panic!("a number") };
    let Reply::Array(all) = talk.say("COMMAND") else { panic!("an array") };
    assert_eq!(all.len() as i64, count);
    assert!(show(&talk.say("COMMAND NOSUCH")).starts_with("-ERR unknown subcommand"));
}
