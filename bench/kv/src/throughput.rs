//! GET and SET beside Redis, as redis-benchmark measures them.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::Command;

use clap::Args;
use upgradable_report::Table;

use crate::median::median;
use crate::server::{self, Server};
use crate::wire::Client;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Requests of each kind in each round without pipelining; with it, six times as many.
    #[arg(long, default_value_t = 80_000)]
    requests: usize,
    /// Rounds; the table has medians.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Connections.
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// Requests that are sent together.
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    pipeline: Vec<usize>,
    /// Keys, all of them there before.
    #[arg(long, default_value_t = 100_000)]
    keys: usize,
    /// Instead of Redis: what is left of upgrades. A server that began at version 2 beside one
    /// that was upgraded to it and promoted.
    #[arg(long)]
    upgraded: bool,
}

const COMMANDS: [&str; 2] = ["SET", "GET"];

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    for program in ["redis-benchmark", "redis-server"] {
        if !server::has(program) {
            return Err(format!("{program} is not there").into());
        }
    }
    let (names, servers) = if options.upgraded {
        let servers = [Server::kv(&["--at", "2"])?, Server::kv(&[])?];
        (["born at version 2", "upgraded"], servers)
    } else {
        (["Redis", "kv"], [Server::redis()?, Server::kv(&[])?])
    };
    for server in &servers {
        measure(server, options, 16, options.keys * 3)?;
    }
    if options.upgraded {
        upgrade(&servers[1])?;
    }
    let mut rates = BTreeMap::<_, Vec<f64>>::new();
    for round in 0..options.rounds {
        for &pipeline in &options.pipeline {
            let requests = if pipeline == 1 { options.requests } else { options.requests * 6 };
            // In turn first and second.
            for place in [round % 2, (round + 1) % 2] {
                for (command, rate) in measure(&servers[place], options, pipeline, requests)? {
                    rates.entry((command, pipeline, place)).or_default().push(rate);
                }
            }
        }
    }
    let title = format!("{} connections, requests a second, medians", options.connections);
    let mut table = Table::new(title, ["", names[0], names[1], "ratio", "least ratio", "most"]);
    for command in COMMANDS {
        for &pipeline in &options.pipeline {
            let of = |place| rates.get(&(command.to_owned(), pipeline, place));
            let (Some(first), Some(second)) = (of(0), of(1)) else { continue };
            let mut ratios: Vec<_> = first.iter().zip(second).map(|(a, b)| b / a).collect();
            ratios.sort_unstable_by(f64::total_cmp);
            table.row([
                format!("{command}, pipeline of {pipeline}"),
                format!("{:.0}", median(first.iter().copied())),
                format!("{:.0}", median(second.iter().copied())),
                format!("{:.2}", median(ratios.iter().copied())),
                format!("{:.2}", ratios[0]),
                format!("{:.2}", ratios[ratios.len() - 1]),
            ]);
        }
    }
    println!("{table}");
    Ok(())
}

fn upgrade(server: &Server) -> Result<(), Box<dyn Error>> {
    let mut admin = Client::connect(server.address)?;
    admin.demand("UPGRADE START 2 EAGER")?;
    admin.demand("UPGRADE PROMOTE")?;
    // The background tidies up.
    std::thread::sleep(std::time::Duration::from_secs(2));
    Ok(())
}

/// Requests a second of each command.
fn measure(
    server: &Server,
    options: &Options,
    pipeline: usize,
    requests: usize,
) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let numbers = [
        ("-p", server.port()),
        ("-c", options.connections.to_string()),
        ("-P", pipeline.to_string()),
        ("-n", requests.to_string()),
        ("-r", options.keys.to_string()),
    ];
    let words = numbers.iter().flat_map(|(option, number)| [*option, number]);
    let output =
        Command::new("redis-benchmark").args(words).args(["-t", "set,get", "--csv"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rates: Vec<_> = text.lines().filter_map(rate).collect();
    if rates.len() != COMMANDS.len() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("redis-benchmark: {text}{why}").into());
    }
    Ok(rates)
}

/// The command and its rate, of a line that has one.
fn rate(line: &str) -> Option<(String, f64)> {
    let mut cells = line.split(',').map(|cell| cell.trim_matches('"'));
    let command = cells.next().filter(|command| COMMANDS.contains(command))?;
    Some((command.to_owned(), cells.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn lines_of_redis_benchmark() {
        let line = "\"GET\",\"74906.37\",\"0.402\",\"0.080\",\"0.327\"";
        assert_eq!(rate(line), Some(("GET".to_owned(), 74906.37)));
        assert_eq!(rate("\"test\",\"rps\",\"avg_latency_ms\""), None);
    }
}
