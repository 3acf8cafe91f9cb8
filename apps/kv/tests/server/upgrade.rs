//! Upgrades under clients that go on: nobody is sent away, and every entry is accounted for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::support::{Client, Server, request};

const KEYS: usize = 3000;
/// What the background may have in hand when it is told to pause.
const BATCH: usize = 256;

/// Numbers and texts under many keys, in one pipeline.
fn fill(server: &Server) {
    let mut pipeline = Vec::new();
    for n in 0..KEYS {
        pipeline.extend(request(&format!("SET number:{n} {n}")));
        pipeline.extend(request(&format!("SET text:{n} text-{n} EX 1000")));
    }
    let mut client = server.client();
    client.send(&pipeline);
    for _ in 0..2 * KEYS {
        assert_eq!(client.answer(), "+OK");
    }
}

/// The sum of all numbers, and how many texts are what they were.
fn sums(server: &Server) -> (i64, usize) {
    let mut client = server.client();
    let mut pipeline = Vec::new();
    for n in 0..KEYS {
        pipeline.extend(request(&format!("GET number:{n}")));
        pipeline.extend(request(&format!("GET text:{n}")));
    }
    client.send(&pipeline);
    let (mut sum, mut texts) = (0, 0);
    for n in 0..KEYS {
        sum += client.answer().parse::<i64>().expect("a number");
        texts += usize::from(client.answer() == format!("text-{n}"));
    }
    (sum, texts)
}

/// Clients that count, read, and move numbers from key to key, until told to stop.
fn under_load(server: &Server, work: impl FnOnce()) -> u64 {
    let (stop, counted) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for seed in 0..3_usize {
            let (stop, counted) = (&stop, &counted);
            let mut client = server.client();
            scope.spawn(move || {
                let mut n = seed;
                while !stop.load(Ordering::Relaxed) {
                    n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed + 1);
                    let (from, to) = ((n >> 33) % KEYS, (n >> 13) % KEYS);
                    let answer = client.say(&format!("INCR number:{from}"));
                    assert!(answer.parse::<i64>().is_ok(), "{answer}");
                    counted.fetch_add(1, Ordering::Relaxed);
                    let text = client.say(&format!("GET text:{to}"));
                    assert_eq!(text, format!("text-{to}"));
                    client.send(&request("MULTI"));
                    client.send(&request(&format!("DECRBY number:{from} 5")));
                    client.send(&request(&format!("INCRBY number:{to} 5")));
                    client.send(&request("EXEC"));
                    assert_eq!(client.answer(), "+OK");
                    assert_eq!(
                        (client.answer(), client.answer()),
                        ("+QUEUED".into(), "+QUEUED".into())
                    );
                    let done = client.answer();
                    assert!(done.starts_with('['), "{done}");
                }
            });
        }
        work();
        stop.store(true, Ordering::Relaxed);
    });
    counted.into_inner()
}

#[test]
fn an_upgrade_under_load_loses_nothing_and_neither_does_its_undoing() {
    let server = Server::start();
    fill(&server);
    let (before, texts) = sums(&server);
    assert_eq!(texts, KEYS);
    let counted = under_load(&server, || {
        let mut admin = server.client();
        for way in ["", "PACE FULL", "EAGER"] {
            assert!(admin.say("HSET h a 1").starts_with("-ERR unknown command 'HSET'"));
            assert_eq!(admin.say(&format!("UPGRADE START 2 {way}")), "+OK");
            assert_eq!(admin.say("HSET h a 1"), "1");
            admin.wait_for("complete");
            assert_eq!(admin.say("DEL h"), "1");
            assert_eq!(admin.say("UPGRADE ROLLBACK"), "+OK");
            admin.wait_for("rolled back");
            assert_eq!(admin.status("version"), "1");
        }
        assert_eq!(admin.say("UPGRADE START 2"), "+OK");
        admin.wait_for("complete");
        assert_eq!(admin.say("UPGRADE PROMOTE"), "+OK");
        assert_eq!(admin.status("state"), "promoted");
    });
    assert_eq!(sums(&server), (before + counted as i64, KEYS));
    let mut client = server.client();
    client.hold(&[("DBSIZE", &(2 * KEYS).to_string()), ("TYPE text:0", "+string")]);
    let ttl: i64 = client.say("TTL text:0").parse().expect("a number");
    assert!((900..=1000).contains(&ttl));
}

#[test]
fn values_that_the_old_version_has_no_type_for_come_back_with_the_new_one() {
    let server = Server::start();
    let mut client = server.client();
    client.hold(&[
        ("SET n 7", "+OK"),
        ("UPGRADE START 2", "+OK"),
        ("HSET h a 1 b 2", "2"),
        ("RPUSH l x y x", "3"),
        ("SADD s m", "1"),
        ("ZADD z 1.5 m", "1"),
        ("INCR n", "8"),
        ("EXPIRE h 1000", "1"),
    ]);
    client.wait_for("complete");
    client.hold(&[("UPGRADE ROLLBACK", "+OK")]);
    client.wait_for("rolled back");
    client.hold(&[("TYPE h", "+string"), ("INCR n", "9"), ("DBSIZE", "5"), ("DEL s", "1")]);
    assert!(client.say("GET h").contains("kv.dump"));
    client.hold(&[
        ("UPGRADE START 2", "+OK"),
        ("HGETALL h", "[a 1 b 2]"),
        ("LRANGE l 0 -1", "[x y x]"),
        ("ZRANGE z 0 -1 WITHSCORES", "[m 1.5]"),
        ("EXISTS s", "0"),
        ("GET n", "9"),
    ]);
}

#[test]
fn a_watched_key_is_watched_across_an_upgrade() {
    let server = Server::start();
    let (mut one, mut other) = (server.client(), server.client());
    for (change, outcome) in [("GET a", "[+OK]"), ("SET a 2", "nil")] {
        one.hold(&[("SET a 1", "+OK"), ("WATCH a", "+OK")]);
        other.hold(&[("UPGRADE START 2", "+OK")]);
        other.say(change);
        one.hold(&[("MULTI", "+OK"), ("SET a 3", "+QUEUED"), ("EXEC", outcome)]);
        other.wait_for("complete");
        one.hold(&[("WATCH a", "+OK")]);
        other.hold(&[("UPGRADE ROLLBACK", "+OK")]);
        other.say(change);
        one.hold(&[("MULTI", "+OK"), ("SET a 4", "+QUEUED"), ("EXEC", outcome)]);
        other.wait_for("rolled back");
    }
}

#[test]
fn a_block_that_began_before_an_upgrade_is_executed_by_the_new_program() {
    let server = Server::start();
    let (mut one, mut other) = (server.client(), server.client());
    one.hold(&[("SET a 1", "+OK"), ("MULTI", "+OK"), ("INCR a", "+QUEUED")]);
    other.hold(&[("UPGRADE START 2", "+OK")]);
    one.hold(&[("HSET h a 1", "+QUEUED")]);
    other.wait_for("complete");
    other.hold(&[("UPGRADE ROLLBACK", "+OK")]);
    one.hold(&[("EXEC", "[2 -ERR unknown command 'HSET', with args beginning with: 'h' 'a' '1']")]);
}

#[test]
fn what_does_not_go_is_refused() {
    let server = Server::start();
    let mut client = server.client();
    client.hold(&[
        ("UPGRADE ROLLBACK", "-UPGRADE no upgrade has begun"),
        ("UPGRADE PROMOTE", "-UPGRADE no upgrade has begun"),
        ("UPGRADE PAUSE", "-UPGRADE no upgrade has begun"),
        (
            "UPGRADE START 1",
            "-UPGRADE the program is at version 1, and upgrades go from one version to the next",
        ),
        ("UPGRADE START 9", "-UPGRADE there is no version 9: the newest is 3"),
        ("UPGRADE START x", "-ERR no such version"),
        ("UPGRADE START 2 NOW", "-ERR syntax error"),
        ("UPGRADE START 2 PACE 7", "-ERR the pace is FULL, or a share of time"),
        ("UPGRADE NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try UPGRADE HELP."),
        ("UPGRADE", "-ERR wrong number of arguments for 'upgrade' command"),
    ]);
    let plan = client.say("UPGRADE PLAN");
    assert!(plan.starts_with("[from 1 to 2 current 1 newest 3 about values"), "{plan}");
    assert!(plan.contains("way back yes new commands [hdel "), "{plan}");
    client.hold(&[
        ("UPGRADE START 2", "+OK"),
        ("UPGRADE PAUSE", "+OK"),
        ("UPGRADE RESUME", "+OK"),
        (
            "UPGRADE START 2",
            "-UPGRADE the program is at version 2, and upgrades go from one version to the next",
        ),
    ]);
    client.wait_for("complete");
    client
        .hold(&[("UPGRADE PROMOTE", "+OK"), ("UPGRADE PROMOTE", "-UPGRADE no upgrade has begun")]);
    assert!(client.say("UPGRADE ROLLBACK").starts_with("-UPGRADE the upgrade has ended"));
}

#[test]
fn a_paused_background_leaves_entries_to_those_who_touch_them() {
    let server = Server::start();
    fill(&server);
    let mut client = server.client();
    client.start_and_pause();
    let count = |client: &mut Client, of| client.status(of).parse::<usize>().expect("a number");
    let swept = count(&mut client, "by_sweep");
    client.hold(&[("INCR number:5", "6"), ("GET number:2999", "2999")]);
    assert!(count(&mut client, "by_touch") > 0);
    // Some ten times as long as a batch and the rest after it take. Who looks for keys whose time
    // is over touches a few hundred on the way.
    thread::sleep(Duration::from_millis(300));
    assert!(count(&mut client, "by_sweep") <= swept + BATCH, "{swept}");
    assert_eq!(client.status("state"), "migrating");
    assert!(count(&mut client, "transformed") < 2 * KEYS);
    client.hold(&[("UPGRADE ROLLBACK", "+OK"), ("GET number:5", "6"), ("UPGRADE RESUME", "+OK")]);
    client.wait_for("rolled back");
}

#[test]
fn the_third_version_knows_of_a_key_what_it_has_seen() {
    let server = Server::start();
    let mut client = server.client();
    client.hold(&[
        ("SET old 1", "+OK"),
        ("UPGRADE START 2", "+OK"),
        ("HSET h a 1", "1"),
        // It need not wait for the one before.
        ("UPGRADE START 3", "+OK"),
        ("TRACE old", "[created nil changed nil hits 0]"),
        ("GET old", "1"),
        ("GET old", "1"),
        ("TRACE old", "[created nil changed nil hits 2]"),
        ("TRACE x", "nil"),
        ("SET new 1", "+OK"),
    ]);
    let times = |answer: &str| {
        let words: Vec<_> = answer.trim_matches(['[', ']']).split(' ').collect();
        (words[1].parse::<u64>().ok(), words[3].parse::<u64>().ok(), words[5].to_owned())
    };
    let (created, changed, hits) = times(&client.say("TRACE new"));
    assert!(created.is_some() && created == changed && hits == "0");
    std::thread::sleep(std::time::Duration::from_millis(3));
    client.hold(&[("GET new", "1"), ("SET new 2", "+OK"), ("HSET h b 2", "1")]);
    let (still, later, hits) = times(&client.say("TRACE new"));
    assert!(still == created && later > changed && hits == "1");
    assert_eq!(times(&client.say("TRACE h")).0, None);
    client.wait_for("complete");
    // Back to the second, back to the first, and up again.
    client.hold(&[("UPGRADE ROLLBACK", "+OK"), ("HGETALL h", "[a 1 b 2]"), ("GET new", "2")]);
    client.wait_for("rolled back");
    assert!(client.say("TRACE new").starts_with("-ERR unknown command"));
    client.hold(&[("UPGRADE ROLLBACK", "+OK"), ("GET new", "2"), ("TYPE h", "+string")]);
    client.wait_for("rolled back");
    client.hold(&[
        ("UPGRADE START 2", "+OK"),
        ("UPGRADE START 3", "+OK"),
        ("HGETALL h", "[a 1 b 2]"),
        ("TRACE new", "[created nil changed nil hits 0]"),
    ]);
    client.wait_for("complete");
    client.hold(&[("UPGRADE PROMOTE", "+OK"), ("UPGRADE PROMOTE", "+OK"), ("GET old", "1")]);
}

#[test]
fn what_takes_long_is_answered_in_its_place() {
    let server = Server::start();
    let mut client = server.client();
    let lines = [
        ("SET a 1", "+OK"),
        ("UPGRADE START 2 EAGER", "+OK"),
        ("HSET h a 1", "1"),
        ("UPGRADE PROMOTE", "+OK"),
        ("UPGRADE START 3 EAGER", "+OK"),
        ("TRACE none", "nil"),
        ("UPGRADE ROLLBACK", "+OK"),
        ("TRACE a b", "-ERR unknown command 'TRACE', with args beginning with: 'a' 'b'"),
        ("GET a", "1"),
        ("UPGRADE PROMOTE", "-UPGRADE no upgrade has begun"),
        ("SHUTDOWN", "+OK"),
    ];
    client.send(&lines.map(|(line, _)| request(line)).concat());
    for (line, expected) in lines {
        assert_eq!(client.answer(), expected, "{line}");
    }
    assert!(client.is_closed());
    assert!(server.ends_well());
}
