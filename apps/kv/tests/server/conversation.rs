//! What connections say besides commands on keys, and how commands come together.

use std::thread;
use std::time::{Duration, Instant};

use super::support::{Client, Server, request};

const WRONG_ARITY: &str = "-ERR wrong number of arguments for 'get' command";
const UNKNOWN: &str = "-ERR unknown command 'NOSUCH', with args beginning with:";

#[test]
fn a_connection_tells_and_is_told_who_is_there() {
    let server = Server::start();
    let mut client = server.client();
    client.hold(&[
        ("PING", "+PONG"),
        ("SELECT 0", "+OK"),
        ("SELECT 1", "-ERR DB index is out of range"),
        ("SELECT x", "-ERR value is not an integer or out of range"),
        ("CLIENT GETNAME", "nil"),
        ("CLIENT SETNAME tester", "+OK"),
        ("CLIENT GETNAME", "tester"),
        ("CLIENT SETINFO LIB-NAME test", "+OK"),
        ("CLIENT SETINFO NOSUCH test", "-ERR Unrecognized option 'NOSUCH'"),
        ("CLIENT ID x", "-ERR wrong number of arguments for 'client|id' command"),
        ("CONFIG GET save", "[save ]"),
        ("CONFIG GET *only max*s", "[appendonly no maxclients 10000]"),
        ("CONFIG SET port 1", "-ERR CONFIG SET failed: can't set immutable config 'port'"),
        ("CONFIG RESETSTAT", "+OK"),
        ("AUTH default x", "+OK"),
        ("AUTH nobody x", "-WRONGPASS invalid username-password pair or user is disabled."),
        ("SHUTDOWN SAVE", "-ERR syntax error"),
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO x", "-ERR Protocol version is not an integer or out of range"),
        ("HELLO 3 NOSUCH", "-ERR Syntax error in HELLO option 'NOSUCH'"),
        ("GET x", "nil"),
    ]);
    let hello = client.say("HELLO 3 AUTH default x SETNAME other");
    assert!(hello.starts_with("{server redis version "), "{hello}");
    assert!(hello.contains(" proto 3 id 1 mode standalone"), "{hello}");
    assert!(client.say("CLIENT INFO").starts_with("id=1 addr=127.0.0.1:"));
    client.hold(&[("CLIENT GETNAME", "other"), ("CLIENT ID", "1"), ("SET a 1", "+OK")]);
    let info = client.say("INFO");
    for line in ["# Server", "connected_clients:1", "db0:keys=1", "version:1", "state:idle"] {
        assert!(info.lines().any(|found| found == line), "{line} in {info}");
    }
    assert!(!client.say("INFO keyspace").contains("# Server"));
    client.hold(&[("RESET", "+RESET"), ("HELLO 2", &client_hello(2)), ("QUIT", "+OK")]);
    assert!(client.is_closed());
    assert_eq!(server.client().say("CLIENT ID"), "2");
}

fn client_hello(proto: u32) -> String {
    format!(
        "[server redis version 7.0.15 proto {proto} id 1 mode standalone role master modules []]"
    )
}

#[test]
fn a_pipeline_is_answered_in_its_order() {
    let server = Server::start();
    let mut client = server.client();
    let mut pipeline = Vec::new();
    for n in 0..10_000 {
        pipeline.extend(request(&format!("SET key:{n} {n}")));
        pipeline.extend(request(&format!("GET key:{n}")));
        pipeline.extend(format!("ECHO \"line {n}\"\r\n").bytes());
    }
    let writer = std::thread::spawn({
        let mut other = server.client();
        move || {
            other.send(&pipeline);
            other
        }
    });
    let mut piped = writer.join().expect("it is all taken");
    for n in 0..10_000 {
        assert_eq!(piped.answer(), "+OK");
        assert_eq!(piped.answer(), n.to_string());
        assert_eq!(piped.answer(), format!("line {n}"));
    }
    client.hold(&[("DBSIZE", "10000"), ("GET key:777", "777")]);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Server::start();
    let mut client = server.client();
    for byte in request("SET a 123") {
        client.send(&[byte]);
    }
    assert_eq!(client.answer(), "+OK");
    assert_eq!(client.say("GET a"), "123");
}

#[test]
fn who_has_said_the_last_word_is_answered_and_forgotten() {
    let server = Server::start();
    let mut other = server.client();
    for len in [1, 20_000] {
        let clients: Vec<_> = (0..10)
            .map(|_| {
                let mut client = server.client();
                let pipeline: Vec<_> = (0..len).flat_map(|_| request("INCR n")).collect();
                thread::spawn(move || {
                    client.send_last(&pipeline);
                    (0..len).for_each(|_| assert!(client.answer().parse::<i64>().is_ok()));
                    assert!(client.is_closed());
                })
            })
            .collect();
        clients.into_iter().for_each(|client| client.join().expect("all is answered"));
        other.hold(&[("GET n", &(10 * len).to_string()), ("DEL n", "1")]);
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_alone = |client: &mut Client| client.say("INFO clients").contains("clients:1\r\n");
    while !is_alone(&mut other) {
        assert!(Instant::now() < deadline, "{}", other.say("INFO clients"));
    }
}

#[test]
fn blocks_happen_as_one_or_not_at_all() {
    let server = Server::start();
    let (mut one, mut other) = (server.client(), server.client());
    one.hold(&[
        ("EXEC", "-ERR EXEC without MULTI"),
        ("DISCARD", "-ERR DISCARD without MULTI"),
        ("MULTI", "+OK"),
        ("MULTI", "-ERR MULTI calls can not be nested"),
        ("WATCH a", "-ERR WATCH inside MULTI is not allowed"),
        ("SET a 1", "+QUEUED"),
        ("SELECT 0", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        ("PING", "+QUEUED"),
    ]);
    other.hold(&[("GET a", "nil")]);
    one.hold(&[
        ("EXEC", "[+OK +OK 2 +PONG]"),
        ("GET a", "2"),
        ("MULTI", "+OK"),
        ("SET a", "-ERR wrong number of arguments for 'set' command"),
        ("SET a 9", "+QUEUED"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ("MULTI", "+OK"),
        ("CLIENT", "-ERR wrong number of arguments for 'client' command"),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ("MULTI", "+OK"),
        ("EXEC", "[]"),
        ("MULTI", "+OK"),
        ("SET a 9", "+QUEUED"),
        ("DISCARD", "+OK"),
        ("GET a", "2"),
        ("WATCH a b", "+OK"),
    ]);
    other.hold(&[("SET b 1", "+OK")]);
    one.hold(&[
        ("MULTI", "+OK"),
        ("SET a 9", "+QUEUED"),
        ("EXEC", "nil"),
        // It is no longer watched.
        ("MULTI", "+OK"),
        ("SET a 3", "+QUEUED"),
        ("EXEC", "[+OK]"),
        ("WATCH a", "+OK"),
        ("SET a 4", "+OK"),
        ("UNWATCH", "+OK"),
        ("MULTI", "+OK"),
        ("INCR a", "+QUEUED"),
        ("EXEC", "[5]"),
        // One's own changes count, too.
        ("WATCH a", "+OK"),
        ("SET a 6", "+OK"),
        ("MULTI", "+OK"),
        ("EXEC", "nil"),
    ]);
}

#[test]
fn it_counts_what_happens() {
    let server = Server::start_with(&["--clients", "2"]);
    let mut client = server.client();
    let count = |client: &mut Client, key: &str| {
        let info = client.say("INFO stats");
        let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.expect("it is told").parse::<u64>().expect("a number")
    };
    assert_eq!(client.say("PING"), "+PONG");
    let (before, read) = (
        count(&mut client, "total_commands_processed"),
        count(&mut client, "total_net_input_bytes"),
    );
    client.hold(&[("SET a 1 PX 1", "+OK"), ("GET", WRONG_ARITY), ("NOSUCH", UNKNOWN)]);
    // And the two that ask for the numbers.
    assert_eq!(count(&mut client, "total_commands_processed"), before + 5);
    assert!(count(&mut client, "total_net_input_bytes") > read + 50);
    assert!(count(&mut client, "total_net_output_bytes") > 100);
    assert_eq!(count(&mut client, "total_error_replies"), 2);
    let (_second, mut third) = (server.client(), server.client());
    assert_eq!(third.answer(), "-ERR max number of clients reached");
    assert_eq!(count(&mut client, "rejected_connections"), 1);
    assert_eq!(count(&mut client, "total_connections_received"), 2);
    let deadline = Instant::now() + Duration::from_secs(60);
    while count(&mut client, "expired_keys") == 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(count(&mut client, "expired_keys"), 1);
    client.hold(&[("DBSIZE", "0"), ("CONFIG RESETSTAT", "+OK")]);
    for key in ["total_error_replies", "rejected_connections", "expired_keys"] {
        assert_eq!(count(&mut client, key), 0, "{key}");
    }
}

#[test]
fn what_changes_the_program_is_no_part_of_a_block() {
    const REFUSED: &str = "-ERR Command not allowed inside a transaction";
    const ABORTED: &str = "-EXECABORT Transaction discarded because of previous errors.";
    let server = Server::start();
    let mut client = server.client();
    for line in ["UPGRADE START 2", "UPGRADE START 2 EAGER", "UPGRADE STATUS", "SHUTDOWN NOSAVE"] {
        client.hold(&[
            ("MULTI", "+OK"),
            ("SET a 1", "+QUEUED"),
            (line, REFUSED),
            ("SET a 2", "+QUEUED"),
            ("EXEC", ABORTED),
            ("GET a", "nil"),
        ]);
    }
    assert_eq!(client.status("version"), "1");
    client.hold(&[("UPGRADE START 2", "+OK"), ("HSET h a 1", "1")]);
    client.wait_for("complete");
    for line in ["UPGRADE PROMOTE", "UPGRADE ROLLBACK", "UPGRADE PAUSE"] {
        client.hold(&[("MULTI", "+OK"), (line, REFUSED), ("DISCARD", "+OK")]);
    }
    assert_eq!((client.status("state"), client.status("version")), ("complete".into(), "2".into()));
}

#[test]
fn optimistic_counters_lose_nothing() {
    const CLIENTS: usize = 4;
    const EACH: usize = 50;
    let server = Server::start();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let mut client = server.client();
            scope.spawn(move || {
                let mut done = 0;
                while done < EACH {
                    client.say("WATCH n");
                    let n = client.say("GET n").parse().unwrap_or(0);
                    client.say("MULTI");
                    client.say(&format!("SET n {}", n + 1));
                    done += usize::from(client.say("EXEC") == "[+OK]");
                }
            });
        }
    });
    assert_eq!(server.client().say("GET n"), (CLIENTS * EACH).to_string());
}
