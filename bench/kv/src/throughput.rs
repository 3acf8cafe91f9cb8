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
    /// Threads of the server that serve connections; 0 is one for each processor. Redis has one.
    #[arg(long, value_delimiter = ',', default_value = "1,0")]
    threads: Vec<usize>,
    /// Instead of Redis: what is left of upgrades. A server that began at version 2 beside one
    /// that was upgraded to it and promoted.
    #[arg(long)]
    upgraded: bool,
}

const COMMANDS: [&str; 2] = ["SET", "GET"];

/// A server that is measured.
struct Contestant {
    name: String,
    server: Server,
}

impl Contestant {
    fn new(name: impl Into<String>, server: Server) -> Self {
        Self { name: name.into(), server }
    }

    fn all(options: &Options) -> Result<Vec<Self>, Box<dyn Error>> {
        if options.upgraded {
            let threads = options.threads.first().copied().unwrap_or(0);
            let born = Self::new("born at version 2", Server::kv(threads, &["--at", "2"])?);
            let upgraded = Self::new("upgraded", Server::kv(threads, &[])?);
            return Ok(vec![born, upgraded]);
        }
        let mut all = vec![Self::new("Redis", Server::redis()?)];
        for &threads in &options.threads {
            let name = match threads {
                0 => "kv, a thread for each processor".to_owned(),
                1 => "kv, one thread".to_owned(),
                _ => format!("kv, {threads} threads"),
            };
            all.push(Self::new(name, Server::kv(threads, &[])?));
        }
        Ok(all)
    }
}

/// What a round of requests has shown.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// Requests a second.
    rate: f64,
    /// The server's processor time for a request, in microseconds.
    processor: f64,
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    for program in ["redis-benchmark", "redis-server"] {
        if !server::has(program) {
            return Err(format!("{program} is not there").into());
        }
    }
    let contestants = Contestant::all(options)?;
    for Contestant { server, .. } in &contestants {
        measure(server, options, "SET", 16, options.keys * 3)?;
    }
    if options.upgraded {
        contestants.iter().skip(1).try_for_each(|upgraded| upgrade(&upgraded.server))?;
    }
    let mut rounds = BTreeMap::<_, Vec<Round>>::new();
    for round in 0..options.rounds {
        for &pipeline in &options.pipeline {
            let requests = if pipeline == 1 { options.requests } else { options.requests * 6 };
            for command in COMMANDS {
                // In turn the first.
                for turn in 0..contestants.len() {
                    let place = (round + turn) % contestants.len();
                    let server = &contestants[place].server;
                    let measured = measure(server, options, command, pipeline, requests)?;
                    rounds.entry((command, pipeline, place)).or_default().push(measured);
                }
            }
        }
    }
    println!("{}", table(options, &contestants, &rounds));
    Ok(())
}

fn table(
    options: &Options,
    contestants: &[Contestant],
    rounds: &BTreeMap<(&str, usize, usize), Vec<Round>>,
) -> Table {
    let columns =
        ["", "requests/s", "ratio", "least", "most", "processor us", "ratio", "least", "most"];
    let title = format!("{} connections, medians of the rounds", options.connections);
    let mut table = Table::new(title, columns);
    let cases = COMMANDS
        .iter()
        .flat_map(|&command| options.pipeline.iter().map(move |&pipeline| (command, pipeline)));
    for (command, pipeline) in cases {
        let of = |place| rounds.get(&(command, pipeline, place)).map_or(&[][..], Vec::as_slice);
        for (place, contestant) in contestants.iter().enumerate() {
            let name = format!("{command}, pipeline of {pipeline}: {}", contestant.name);
            let mut cells = vec![name];
            cells.extend(compared(of(0), of(place), 0, |round| round.rate));
            cells.extend(compared(of(0), of(place), 2, |round| round.processor));
            table.row(cells);
        }
    }
    table
}

/// The median, and of the ratios to the first the median, the least and the most.
fn compared(
    first: &[Round],
    own: &[Round],
    digits: usize,
    value: impl Fn(&Round) -> f64,
) -> [String; 4] {
    let ratios = || first.iter().zip(own).map(|(first, own)| value(own) / value(first));
    [
        format!("{:.digits$}", median(own.iter().map(&value))),
        format!("{:.2}", median(ratios())),
        format!("{:.2}", ratios().fold(f64::INFINITY, f64::min)),
        format!("{:.2}", ratios().fold(0.0, f64::max)),
    ]
}

fn upgrade(server: &Server) -> Result<(), Box<dyn Error>> {
    let mut admin = Client::connect(server.address)?;
    admin.demand("UPGRADE START 2 EAGER")?;
    admin.demand("UPGRADE PROMOTE")?;
    // The background tidies up.
    std::thread::sleep(std::time::Duration::from_secs(2));
    Ok(())
}

fn measure(
    server: &Server,
    options: &Options,
    command: &str,
    pipeline: usize,
    requests: usize,
) -> Result<Round, Box<dyn Error>> {
    let words = [
        ("-p", server.port()),
        ("-c", options.connections.to_string()),
        ("-P", pipeline.to_string()),
        ("-n", requests.to_string()),
        ("-r", options.keys.to_string()),
        ("-t", command.to_lowercase()),
    ];
    let words = words.iter().flat_map(|(option, word)| [*option, word]);
    let before = server.processor_time();
    let output = Command::new("redis-benchmark").args(words).arg("--csv").output()?;
    let processor = (server.processor_time() - before) / requests as f64 * 1e6;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().filter_map(rate).find(|(measured, _)| measured == command) {
        Some((_, rate)) => Ok(Round { rate, processor }),
        None => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("redis-benchmark: {text}{why}").into())
        }
    }
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
