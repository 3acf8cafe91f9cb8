//! What people type.

use std::process::{Command, Output};

use super::support::Server;

fn kv(server: &Server, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kv"))
        .arg("upgrade")
        .args(words)
        .args(["--port", server.port()])
        .output()
        .expect("it can be started")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn upgrades_from_the_command_line() {
    let server = Server::start();
    assert_eq!(server.client().say("SET a 1"), "+OK");
    assert!(said(&kv(&server, &["plan"])).contains("new commands  hdel"));
    assert!(said(&kv(&server, &["status"])).contains("version       1"));
    let started = said(&kv(&server, &["start", "2", "--pace", "1"]));
    assert!(started.contains("state         complete"), "{started}");
    assert_eq!(server.client().say("LPUSH l a"), "1");
    let back = said(&kv(&server, &["rollback"]));
    assert!(back.contains("state         rolled back"), "{back}");
    said(&kv(&server, &["start", "2", "--eager"]));
    let kept = said(&kv(&server, &["promote"]));
    assert!(kept.contains("state         promoted"), "{kept}");
    let refused = kv(&server, &["rollback"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the upgrade has ended"));
}

#[test]
fn an_upgrade_is_paused_and_goes_on() {
    let server = Server::start();
    let mut client = server.client();
    client.fill(5000);
    // Before it is through; another time, if the machine is too busy for that.
    let paused = || {
        let started = said(&kv(&server, &["start", "2", "--pace", "0.02", "--no-wait"]));
        let paused = said(&kv(&server, &["pause"]));
        if paused.contains("state         complete") {
            said(&kv(&server, &["rollback", "--no-wait"]));
            said(&kv(&server, &["resume"]));
            said(&kv(&server, &["status", "--wait"]));
            return false;
        }
        assert!(started.contains("state         migrating"), "{started}");
        assert!(paused.contains("state         migrating"), "{paused}");
        true
    };
    assert!((0..20).any(|_| paused()), "it is always through before the pause");
    let plan = said(&kv(&server, &["plan", "3"]));
    assert!(plan.contains("current       2") && plan.contains("way back      yes"), "{plan}");
    let back = said(&kv(&server, &["rollback", "--no-wait"]));
    assert!(back.contains("state         rolling back"), "{back}");
    said(&kv(&server, &["resume"]));
    let back = said(&kv(&server, &["status", "--wait"]));
    assert!(back.contains("state         rolled back"), "{back}");
    assert_eq!((client.say("GET key:7"), client.say("DBSIZE")), ("7".into(), "5000".into()));
    let refused = kv(&server, &["start", "3"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("the program is at version 1"), "{why}");
}

#[test]
fn nobody_there() {
    let server = Server::start();
    let port = server.port().to_owned();
    assert_eq!(server.client().say("SHUTDOWN"), "+OK");
    assert!(server.ends_well());
    let output = Command::new(env!("CARGO_BIN_EXE_kv"))
        .args(["upgrade", "status", "--port", &port])
        .output()
        .expect("it can be started");
    assert!(!output.status.success());
}
