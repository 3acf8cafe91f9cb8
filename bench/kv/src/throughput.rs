//! GET and SET beside Redis, as redis-benchmark measures them.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::num::NonZeroUsize;
use std::process::{Command, Stdio};

use clap::Args;
use upgradable_report::{Table, median};

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
    /// How many redis-benchmarks share the connections. One alone is often slower than what it
    /// measures: the table says how busy they were.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    clients: Vec<NonZeroUsize>,
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
    /// The share of the time that the clients, each of them one thread, worked.
    busy: f64,
}

/// What is asked for: the same of all servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    clients: NonZeroUsize,
    command: &'static str,
    /// Requests that are sent together.
    pipeline: usize,
}

impl Load {
    /// All of them, table by table.
    fn all(options: &Options) -> Vec<Self> {
        let mut all = Vec::new();
        for &clients in &options.clients {
            for command in COMMANDS {
                let load = |&pipeline| Self { clients, command, pipeline };
                all.extend(options.pipeline.iter().map(load));
            }
        }
        all
    }

    fn requests(&self, options: &Options) -> usize {
        if self.pipeline == 1 { options.requests } else { options.requests * 6 }
    }
}

pub(crate) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    for program in ["redis-benchmark", "redis-server"] {
        if !server::has(program) {
            return Err(format!("{program} is not there").into());
        }
    }
    let contestants = Contestant::all(options)?;
    let filling = Load { clients: NonZeroUsize::MIN, command: COMMANDS[0], pipeline: 16 };
    for Contestant { server, .. } in &contestants {
        measure(server, options, filling, options.keys * 3)?;
    }
    if options.upgraded {
        contestants.iter().skip(1).try_for_each(|upgraded| upgrade(&upgraded.server))?;
    }
    let mut rounds = BTreeMap::<_, Vec<Round>>::new();
    for round in 0..options.rounds {
        for load in Load::all(options) {
            // In turn the first.
            for turn in 0..contestants.len() {
                let place = (round + turn) % contestants.len();
                let server = &contestants[place].server;
                let measured = measure(server, options, load, load.requests(options))?;
                rounds.entry((load, place)).or_default().push(measured);
            }
        }
    }
    for &clients in &options.clients {
        println!("{}", table(options, clients, &contestants, &rounds));
    }
    Ok(())
}

fn table(
    options: &Options,
    clients: NonZeroUsize,
    contestants: &[Contestant],
    rounds: &BTreeMap<(Load, usize), Vec<Round>>,
) -> Table {
    let columns = [
        "",
        "requests/s",
        "ratio",
        "least",
        "most",
        "processor us",
        "ratio",
        "least",
        "most",
        "clients busy",
    ];
    let title = format!(
        "{} connections of redis-benchmarks, {clients} in number: medians of the rounds",
        options.connections
    );
    let mut table = Table::new(title, columns);
    let is_ours = |load: &Load| load.clients == clients;
    for load in Load::all(options).into_iter().filter(is_ours) {
        let of = |place| rounds.get(&(load, place)).map_or(&[][..], Vec::as_slice);
        for (place, contestant) in contestants.iter().enumerate() {
            let Load { command, pipeline, .. } = load;
            let name = format!("{command}, pipeline of {pipeline}: {}", contestant.name);
            let mut cells = vec![name];
            cells.extend(compared(of(0), of(place), 0, |round| round.rate));
            cells.extend(compared(of(0), of(place), 2, |round| round.processor));
            let busy = middle(of(place).iter().map(|round| round.busy * 100.0));
            cells.push(format!("{busy:.0} %"));
            table.row(cells);
        }
    }
    table
}

fn middle(values: impl IntoIterator<Item = f64>) -> f64 {
    median(values).unwrap_or(f64::NAN)
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
        format!("{:.digits$}", middle(own.iter().map(&value))),
        format!("{:.2}", middle(ratios())),
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
    load: Load,
    requests: usize,
) -> Result<Round, Box<dyn Error>> {
    let Load { clients, command, pipeline } = load;
    let clients = clients.get();
    let share = |all: usize| (all / clients).max(1).to_string();
    let words = [
        ("-p", server.port()),
        ("-c", share(options.connections)),
        ("-P", pipeline.to_string()),
        ("-n", share(requests)),
        ("-r", options.keys.to_string()),
        ("-t", command.to_lowercase()),
    ];
    let words = words.iter().flat_map(|(option, word)| [*option, word]);
    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args(words).arg("--csv").stdout(Stdio::piped()).stderr(Stdio::piped());
    let (before, of_clients) = (server.processor_time(), server::processor_time_of_clients());
    let running: io::Result<Vec<_>> = (0..clients).map(|_| benchmark.spawn()).collect();
    let mut slowest = f64::INFINITY;
    for client in running? {
        let output = client.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let Some((_, rate)) = text.lines().filter_map(rate).find(|(of, _)| of == command) else {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("redis-benchmark: {text}{why}").into());
        };
        slowest = slowest.min(rate);
    }
    let per_request = |time: f64| time / requests as f64;
    let processor = per_request(server.processor_time() - before);
    let client = per_request(server::processor_time_of_clients() - of_clients);
    Ok(Round { rate: slowest * clients as f64, processor: processor * 1e6, busy: client * slowest })
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
