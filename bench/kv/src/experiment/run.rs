//! One run.

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::load::{self, BIN, Measured, Work};
use super::{Options, Strategy};
use crate::server::{self, Server};
use crate::wire::{Answer, Client};

/// What a run has shown. Times are in microseconds, instants in seconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(super) strategy: Strategy,
    pub(super) entries: usize,
    pub(super) clients: usize,
    pub(super) pipeline: usize,
    pub(super) seconds: f64,
    pub(super) flip_at: f64,
    /// How long the command that begins the upgrade took.
    pub(super) call: f64,
    /// When all entries were transformed.
    pub(super) complete_at: Option<f64>,
    pub(super) errors: u64,
    /// Before the flip, and from it on.
    pub(super) halves: [Percentiles; 2],
    pub(super) bins: Vec<Bin>,
    /// Instants, and bytes of memory.
    pub(super) memory: Vec<(f64, u64)>,
    /// Instants, and the processor time that the machine did not get since the one before, in
    /// seconds; where the system tells it.
    #[serde(default)]
    pub(super) stolen: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Percentiles {
    pub(super) answers: u64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) p9999: f64,
    pub(super) max: f64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Bin {
    pub(super) at: f64,
    pub(super) answers: u64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

impl Percentiles {
    fn of(times: &hdrhistogram::Histogram<u64>) -> Self {
        let at = |quantile| micros(times.value_at_quantile(quantile));
        Self {
            answers: times.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: micros(times.max()),
        }
    }
}

/// What the one who upgrades has seen.
#[derive(Debug, Default)]
struct Upgraded {
    call: Duration,
    complete: Option<Duration>,
}

/// Fills a server, loads it, and upgrades it in the middle.
pub(super) fn run(
    options: &Options,
    pipeline: usize,
    strategy: Strategy,
) -> Result<Run, Box<dyn Error>> {
    let server = Server::kv(options.threads, &[])?;
    load::fill(server.address, options.entries)?;
    // What was written is tidied up.
    thread::sleep(Duration::from_millis(500));
    let (length, flip) =
        (Duration::from_secs_f64(options.seconds), Duration::from_secs_f64(options.before));
    let begin = Instant::now() + Duration::from_millis(50);
    let work =
        Work { address: server.address, entries: options.entries, pipeline, begin, flip, length };
    let stop = AtomicBool::new(false);
    let (clients, upgraded, memory) = thread::scope(|scope| {
        let stop = &stop;
        let clients: Vec<_> = (0..options.clients as u64)
            .map(|seed| scope.spawn(move || load::ask(work, seed, stop)))
            .collect();
        let watching = scope.spawn(|| watch(&server, begin, length));
        let upgraded = upgrade(work, strategy);
        if upgraded.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        let clients: Vec<_> = clients.into_iter().map(thread::ScopedJoinHandle::join).collect();
        (clients, upgraded, watching.join())
    });
    let upgraded = upgraded?;
    let (memory, stolen) = memory.map_err(|_| "who watched has panicked")?;
    let mut measured = Measured::new(length)?;
    for client in clients {
        measured.add(&client.map_err(|_| "a client has panicked")??)?;
    }
    let bin = |(place, bin): (usize, &load::Bin)| Bin {
        at: BIN.as_secs_f64() * (place as f64 + 0.5),
        answers: bin.times.len(),
        p99: micros(bin.times.value_at_quantile(0.99)),
        max: micros(bin.times.max()),
    };
    Ok(Run {
        strategy,
        entries: options.entries,
        clients: options.clients,
        pipeline,
        seconds: options.seconds,
        flip_at: options.before,
        call: upgraded.call.as_secs_f64() * 1e6,
        complete_at: upgraded.complete.map(|at| at.as_secs_f64()),
        errors: measured.errors,
        halves: [Percentiles::of(&measured.halves[0]), Percentiles::of(&measured.halves[1])],
        bins: measured.bins.iter().enumerate().map(bin).collect(),
        memory,
        stolen,
    })
}

/// Begins the upgrade when it is time, and keeps it when it is complete.
fn upgrade(work: Work, strategy: Strategy) -> io::Result<Upgraded> {
    let mut admin = Client::connect(work.address)?;
    let line = match strategy {
        Strategy::None => return Ok(Upgraded::default()),
        Strategy::Lazy => "UPGRADE START 2",
        Strategy::Eager => "UPGRADE START 2 EAGER",
    };
    let flip = work.begin + work.flip;
    thread::sleep(flip.saturating_duration_since(Instant::now()));
    let began = Instant::now();
    admin.demand(line)?;
    let mut upgraded = Upgraded { call: began.elapsed(), complete: None };
    while work.begin.elapsed() < work.length {
        let status = admin.demand("UPGRADE STATUS")?;
        if says(&status, "complete") {
            upgraded.complete = Some(work.begin.elapsed());
            admin.demand("UPGRADE PROMOTE")?;
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(upgraded)
}

fn says(status: &Answer, state: &str) -> bool {
    status.items.iter().any(|item| item.text == state.as_bytes())
}

/// Memory of the server, and what the machine did not get.
type Seen = (Vec<(f64, u64)>, Vec<(f64, f64)>);

fn watch(server: &Server, begin: Instant, length: Duration) -> Seen {
    let (mut memory, mut stolen) = (Vec::new(), Vec::new());
    let mut before = server::stolen();
    while begin.elapsed() < length {
        let (at, now) = (begin.elapsed().as_secs_f64(), server::stolen());
        memory.push((at, server.resident()));
        stolen.push((at, now - before));
        before = now;
        thread::sleep(BIN);
    }
    (memory, stolen)
}

impl Run {
    pub(super) fn summary(&self) -> String {
        let [before, after] = self.halves;
        format!(
            "{:5}  pipeline {:2}  before: {:8} answers, p99 {:7.0} us, max {:8.0} us   after: {:8} \
             answers, p99 {:7.0} us, max {:8.0} us   complete {:?} s, {} errors",
            self.strategy.name(),
            self.pipeline,
            before.answers,
            before.p99,
            before.max,
            after.answers,
            after.p99,
            after.max,
            self.complete_at,
            self.errors,
        )
    }

    /// The share of the time of one processor that the machine did not get.
    pub(super) fn stolen(&self) -> f64 {
        self.stolen.iter().map(|(_, seconds)| seconds).sum::<f64>() / self.seconds
    }

    /// Answers a second, before the flip or from it on.
    pub(super) fn rate(&self, half: usize) -> f64 {
        let seconds = if half == 0 { self.flip_at } else { self.seconds - self.flip_at };
        self.halves[half].answers as f64 / seconds
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let runs = folder.join("runs");
        fs::create_dir_all(&runs)?;
        let name = |n: usize| format!("{}-{}-{n}.json", self.pipeline, self.strategy.name());
        let path = (1..).map(|n| runs.join(name(n))).find(|path| !path.exists());
        let path = path.ok_or("there are too many runs")?;
        Ok(fs::write(path, serde_json::to_string(self)?)?)
    }

    /// All runs of a folder.
    pub(super) fn load_all(folder: &Path) -> Result<Vec<Self>, Box<dyn Error>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder.join("runs"))? {
            paths.push(entry?.path());
        }
        paths.sort();
        let run = |path| Ok(serde_json::from_str(&fs::read_to_string(path)?)?);
        paths.into_iter().map(run).collect()
    }
}
