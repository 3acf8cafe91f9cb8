//! Commands on values with types, which come with the second version.

use super::support::Server;

const WRONG: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

fn second() -> Server {
    let server = Server::start();
    assert_eq!(server.client().say("UPGRADE START 2"), "+OK");
    server
}

#[test]
fn hashes() {
    second().client().hold(&[
        ("HSET h a 1 b 2", "2"),
        ("HSET h a 3 c 4", "1"),
        ("HSET h a", "-ERR wrong number of arguments for 'hset' command"),
        ("HMSET h d 5", "+OK"),
        ("HGET h a", "3"),
        ("HGET h x", "nil"),
        ("HGET x a", "nil"),
        ("HMGET h a x b", "[3 nil 2]"),
        ("HGETALL h", "[a 3 b 2 c 4 d 5]"),
        ("HKEYS h", "[a b c d]"),
        ("HVALS h", "[3 2 4 5]"),
        ("HLEN h", "4"),
        ("HLEN x", "0"),
        ("HEXISTS h a", "1"),
        ("HSTRLEN h a", "1"),
        ("HSETNX h a 9", "0"),
        ("HSETNX h e 9", "1"),
        ("HINCRBY h a 7", "10"),
        ("HSET h t text", "1"),
        ("HINCRBY h t 1", "-ERR hash value is not an integer"),
        ("HDEL h a b x", "2"),
        ("TYPE h", "+hash"),
        ("GET h", WRONG),
        ("INCR h", WRONG),
        ("APPEND h x", WRONG),
        ("SET h x GET", WRONG),
        ("LPUSH h x", WRONG),
        ("MGET h", "[nil]"),
        ("SCAN 0 TYPE hash", "[0 [h]]"),
        ("HDEL h c d e t", "4"),
        ("EXISTS h", "0"),
        ("HDEL h a", "0"),
        ("EXISTS h", "0"),
    ]);
}

#[test]
fn lists() {
    second().client().hold(&[
        ("RPUSH l a b c", "3"),
        ("LPUSH l z y", "5"),
        ("LRANGE l 0 -1", "[y z a b c]"),
        ("LRANGE l -2 10", "[b c]"),
        ("LRANGE l 3 1", "[]"),
        ("LRANGE x 0 -1", "[]"),
        ("LRANGE l a b", "-ERR value is not an integer or out of range"),
        ("LLEN l", "5"),
        ("LINDEX l -1", "c"),
        ("LINDEX l 5", "nil"),
        ("LPOP l", "y"),
        ("RPOP l", "c"),
        ("LPOP l 2", "[z a]"),
        ("LPOP l -1", "-ERR value is out of range, must be positive"),
        ("LPOP l 0", "[]"),
        ("LPUSHX x a", "0"),
        ("RPUSHX l c", "2"),
        ("EXPIRE l 100", "1"),
        ("LPUSHX l a", "3"),
        ("TTL l", "100"),
        ("RPOP l 9", "[c b a]"),
        ("EXISTS l", "0"),
        ("LPOP l", "nil"),
        ("LPOP l 1", "nil"),
        ("TYPE l", "+none"),
    ]);
}

#[test]
fn sets() {
    let server = second();
    let mut client = server.client();
    client.hold(&[
        ("SADD s b a b", "2"),
        ("SADD s a c", "1"),
        ("SMEMBERS s", "[a b c]"),
        ("SISMEMBER s a", "1"),
        ("SISMEMBER s x", "0"),
        ("SMISMEMBER s a x", "[1 0]"),
        ("SCARD s", "3"),
        ("SREM s a x", "1"),
        ("TYPE s", "+set"),
        ("SREM s b c", "2"),
        ("EXISTS s", "0"),
        ("SADD s a", "1"),
    ]);
    client.say("HELLO 3");
    client.hold(&[("SMEMBERS s", "~[a]"), ("HGETALL x", "{}")]);
}

#[test]
fn sorted_sets() {
    let server = second();
    let mut client = server.client();
    client.hold(&[
        ("ZADD z 1 a 2 b 3 c", "3"),
        ("ZADD z 5 a 4 d", "1"),
        ("ZADD z CH 6 a", "1"),
        ("ZADD z NX 1 a", "0"),
        ("ZADD z XX 9 x", "0"),
        ("ZADD z GT 1 a", "0"),
        ("ZADD z LT 1.5 a", "0"),
        ("ZADD z INCR 1 a", "2.5"),
        ("ZADD z NX INCR 1 a", "nil"),
        ("ZADD z x a", "-ERR value is not a valid float"),
        ("ZADD z nan a", "-ERR value is not a valid float"),
        ("ZADD z 1", "-ERR wrong number of arguments for 'zadd' command"),
        ("ZADD z 1 a 2", "-ERR syntax error"),
        ("ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"),
        ("ZRANGE z 0 -1 WITHSCORES", "[b 2 a 2.5 c 3 d 4]"),
        ("ZRANGE z 0 1 REV", "[d c]"),
        ("ZRANGE z (2 3 BYSCORE", "[a c]"),
        ("ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2", "[c a]"),
        ("ZRANGE z 0 1 LIMIT 0 1", "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"),
        ("ZRANGE z x 1 BYSCORE", "-ERR min or max is not a float"),
        ("ZSCORE z a", "2.5"),
        ("ZSCORE z x", "nil"),
        ("ZRANK z c", "2"),
        ("ZINCRBY z 1 c", "4"),
        ("ZINCRBY z inf c", "inf"),
        ("ZINCRBY z -inf c", "-ERR resulting score is not a number (NaN)"),
        ("ZCARD z", "4"),
        ("ZREM z c d x", "2"),
        ("ZADD n 0 a 0 b 0 c", "3"),
        ("ZRANGE n [a (c BYLEX", "[a b]"),
        ("ZRANGE n + - BYLEX REV", "[c b a]"),
        ("TYPE z", "+zset"),
        ("ZREM z a b", "2"),
        ("EXISTS z", "0"),
    ]);
    client.say("HELLO 3");
    client.hold(&[("ZRANGE n 0 0 WITHSCORES", "[[a ,0]]"), ("ZSCORE n a", ",0")]);
}

#[test]
fn strings_that_are_numbers() {
    second().client().hold(&[
        ("SET n 41", "+OK"),
        ("INCR n", "42"),
        ("STRLEN n", "2"),
        ("APPEND n .5", "4"),
        ("GET n", "42.5"),
        ("APPEND m 7", "1"),
        ("INCR m", "8"),
        ("TYPE m", "+string"),
        ("GETSET m x", "8"),
    ]);
}

#[test]
fn what_is_wrong_is_told_in_the_usual_order() {
    let server = Server::start_with(&["--at", "2"]);
    server.client().hold(&[
        ("RPUSH l a", "1"),
        // Where there is no list, any word is a place.
        ("LINDEX none x", "nil"),
        ("LINDEX l x", "-ERR value is not an integer or out of range"),
        ("RPOP l x", "-ERR value is out of range, must be positive"),
        ("ZADD z 1 a 2 b", "2"),
        ("ZRANGE l 0 x", "-ERR value is not an integer or out of range"),
        ("ZRANGE l 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
        ("ZRANGE z 0 1 LIMIT 1 -1", "[a b]"),
        (
            "ZRANGE z 0 1 LIMIT 1 1",
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ),
        ("SET s v EX 0 KEEPTTL", "-ERR syntax error"),
        ("SET s v EX 0", "-ERR invalid expire time in 'set' command"),
        (
            "EXPIRE z x NX XX",
            "-ERR NX and XX, GT or LT options at the same time are not compatible",
        ),
        ("MULTI", "+OK"),
        ("CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
        ("MULTI", "+OK"),
        (
            "EXEC now",
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' \
             command",
        ),
        ("EXEC", "-ERR EXEC without MULTI"),
        ("UPGRADE START 1", "-UPGRADE the program is at version 2, and upgrades go from one version to the next"),
        ("UPGRADE START 3", "+OK"),
    ]);
}
