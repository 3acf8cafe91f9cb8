//! What is refused, and how it ends.

use std::process::Command;
use std::time::{Duration, Instant};

use super::support::{Server, request};

#[test]
fn what_is_no_request_ends_the_connection() {
    let server = Server::start_with(&["--word", "100"]);
    let table: &[(&[u8], &str)] = &[
        (b"*1\r\n$101\r\n", "-ERR Protocol error: invalid bulk length"),
        (b"*99999999\r\n", "-ERR Protocol error: invalid multibulk length"),
        (b"*1\r\n+PING\r\n", "-ERR Protocol error: expected '$', got '+'"),
        (b"GET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request"),
    ];
    for (bytes, refusal) in table {
        let mut client = server.client();
        client.send(b"PING\r\n");
        client.send(bytes);
        assert_eq!(client.answer(), "+PONG");
        assert_eq!(client.answer(), *refusal);
        assert!(client.is_closed());
    }
    let mut client = server.client();
    client.send(&vec![b'a'; 70_000]);
    assert_eq!(client.answer(), "-ERR Protocol error: too big inline request");
}

#[test]
fn one_client_too_many_is_told_so() {
    let server = Server::start_with(&["--clients", "2"]);
    let (mut one, mut two, mut three) = (server.client(), server.client(), server.client());
    assert_eq!((one.say("PING"), two.say("PING")), ("+PONG".to_owned(), "+PONG".to_owned()));
    assert_eq!(three.answer(), "-ERR max number of clients reached");
    assert!(three.is_closed());
    assert_eq!(two.say("QUIT"), "+OK");
    assert!(two.is_closed());
    // The place is free again, in a moment.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mut four = server.client();
        four.send(b"PING\r\n");
        let answer = four.answer();
        if answer == "+PONG" {
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
    }
}

#[test]
fn a_client_that_fetches_nothing_stops_nobody_else() {
    let server = Server::start_with(&["--threads", "1"]);
    let mut other = server.client();
    let big = "x".repeat(1 << 20);
    other.send(&request(&format!("SET big {big}")));
    assert_eq!(other.answer(), "+OK");
    let mut lazy = server.client();
    // A thousand megabytes of answers: they are not all made before any is fetched.
    for _ in 0..1000 {
        lazy.send(&request("GET big"));
    }
    for n in 0..100 {
        assert_eq!(other.say(&format!("SET a {n}")), "+OK");
    }
    let info = other.say("INFO memory");
    let resident = info.lines().find_map(|line| line.strip_prefix("used_memory_rss:"));
    let resident: u64 = resident.expect("it is told").parse().expect("a number");
    assert!(resident < 300 << 20, "{resident}");
    for _ in 0..20 {
        assert_eq!(lazy.answer().len(), 1 << 20);
    }
}

#[test]
fn what_has_been_asked_is_answered_before_the_end() {
    let server = Server::start();
    let mut client = server.client();
    let mut pipeline = Vec::new();
    for n in 0..2000 {
        pipeline.extend(request(&format!("SET key:{n} {n}")));
    }
    pipeline.extend(request("SHUTDOWN NOSAVE"));
    client.send(&pipeline);
    for _ in 0..=2000 {
        assert_eq!(client.answer(), "+OK");
    }
    assert!(client.is_closed());
    assert!(server.ends_well());
}

#[test]
fn who_does_not_fetch_answers_does_not_keep_it_from_its_end() {
    let server = Server::start();
    let (mut lazy, mut other) = (server.client(), server.client());
    let big = "x".repeat(1 << 20);
    assert_eq!(other.say(&format!("SET big {big}")), "+OK");
    for _ in 0..100 {
        lazy.send(&request("GET big"));
    }
    assert_eq!(other.say("PING"), "+PONG");
    assert_eq!(other.say("SHUTDOWN"), "+OK");
    assert!(other.is_closed());
    // In two seconds, which is how long it is patient.
    assert!(server.ends_well());
}

#[test]
fn it_ends_well_in_the_middle_of_an_upgrade() {
    let server = Server::start();
    let mut client = server.client();
    client.fill(5000);
    client.start_and_pause();
    assert_eq!(client.say("SHUTDOWN"), "+OK");
    assert!(server.ends_well());
}

#[test]
fn a_signal_ends_it_well() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(client.say("PING"), "+PONG");
    let killed = Command::new("kill").arg(server.pid().to_string()).status();
    assert!(killed.expect("there is a command for that").success());
    assert!(client.is_closed());
    assert!(server.ends_well());
}
