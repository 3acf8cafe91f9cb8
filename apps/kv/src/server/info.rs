//! What the server tells of itself.

use std::fmt::Write;

use super::State;
use super::session::Session;
use crate::resp::{Args, Protocol, Reply};
use crate::store::{Answer, Job, Millis};

/// The release of the protocol's first server whose answers ours are like.
pub(super) const SPOKEN: &str = "7.0.15";

const SECTIONS: [&str; 6] = ["server", "clients", "memory", "stats", "upgrade", "keyspace"];

/// INFO, or some sections of it.
pub(super) fn reply(state: &State, args: &Args, now: Millis) -> Reply {
    let is_all = |at| ["default", "all", "everything"].iter().any(|all| args.is(at, all));
    let wants = |section: &str| {
        args.len() == 1 || (1..args.len()).any(|at| args.is(at, section) || is_all(at))
    };
    let mut text = String::new();
    for section in SECTIONS.into_iter().filter(|section| wants(section)) {
        if !text.is_empty() {
            text += "\r\n";
        }
        let (first, rest) = section.split_at(1);
        let _ = write!(text, "# {}{rest}\r\n", first.to_ascii_uppercase());
        for (key, value) in lines(state, section, now) {
            let _ = write!(text, "{key}:{value}\r\n");
        }
    }
    Reply::Verbatim(text)
}

fn lines(state: &State, section: &str, now: Millis) -> Vec<(&'static str, String)> {
    let metrics = &state.metrics;
    let uptime = state.started.elapsed().as_secs();
    match section {
        "server" => vec![
            ("redis_version", SPOKEN.to_owned()),
            ("redis_mode", "standalone".to_owned()),
            ("kv_version", env!("CARGO_PKG_VERSION").to_owned()),
            ("process_id", std::process::id().to_string()),
            ("tcp_port", state.address().map_or(0, |address| address.port()).to_string()),
            ("uptime_in_seconds", uptime.to_string()),
            ("uptime_in_days", (uptime / 86_400).to_string()),
            ("io_threads", state.config.workers().to_string()),
        ],
        "clients" => vec![
            ("connected_clients", metrics.connected.get().to_string()),
            ("maxclients", state.config.clients.to_string()),
        ],
        "memory" => vec![("used_memory_rss", resident().to_string())],
        "stats" => {
            let stats = state.versions.service().heap().stats();
            vec![
                ("total_connections_received", metrics.connections.get().to_string()),
                ("total_commands_processed", metrics.commands.get().to_string()),
                ("total_net_input_bytes", metrics.bytes_in.get().to_string()),
                ("total_net_output_bytes", metrics.bytes_out.get().to_string()),
                ("total_error_replies", metrics.errors.get().to_string()),
                ("rejected_connections", metrics.rejected.get().to_string()),
                ("expired_keys", metrics.expired.get().to_string()),
                ("longest_piece_usec", metrics.longest.get().to_string()),
                ("heap", format!("{stats:?}").replace(':', "=")),
            ]
        }
        "upgrade" => state.versions.lines(),
        _ => {
            let keys = match state.ask(Job::Count, now).0 {
                Ok(Answer::Count { keys }) => keys,
                _ => 0,
            };
            if keys == 0 { Vec::new() } else { vec![("db0", format!("keys={keys}"))] }
        }
    }
}

/// What CLIENT INFO tells of a connection.
pub(super) fn client(session: &Session) -> String {
    let Session { id, name, client_library, .. } = session;
    let address = session.peer.map_or_else(String::new, |peer| peer.to_string());
    let protocol = if session.protocol == Protocol::Resp3 { 3 } else { 2 };
    let [library, version] = client_library;
    format!(
        "id={id} addr={address} name={name} db=0 multi={} watch={} resp={protocol} \
         lib-name={library} lib-ver={version}\n",
        if session.is_in_block() { 0 } else { -1 },
        session.watches(),
    )
}

/// Bytes of memory that the process has, where the system tells it; else zero.
fn resident() -> u64 {
    const PAGE: u64 = 4096;
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE
}
