//! A long run with an upgrade every few seconds, every third of which is undone.

use std::error::Error;
use std::fmt;
use std::mem;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use upgradable::{Heap, Service};

use super::analysis::median;
use super::program::{Bench, Request, note_commit};
use super::run::{Calls, check_end, check_now};
use super::{Change, Setting, Strategy, plan};
use crate::backend::OnHeap;
use crate::backend::heap::Place;
use crate::build::build;
use crate::check::{Entry, Log};
use crate::memory::{self, held, resident};
use crate::ops::Worker;
use crate::schema::{V1, V2};

/// By how much what is held may grow from the first third of the upgrades to the last one, and how
/// many bytes besides: operations are under way, and what they have left is not yet reclaimed.
const GROWTH: f64 = 0.1;
const SLACK: f64 = 8e6;
/// So many upgrades come before the first third: the first one of each kind.
const WARM: usize = 3;
/// Fewer upgrades than these say nothing about it.
const ENOUGH: usize = 9;
/// Entries of a log that are kept together: so many that an allocator takes them from the system,
/// and they don't lie between everything else.
const PIECE: usize = (64 << 20) / size_of::<Entry>();
/// So many entries are reckoned at once as written.
const STEP: usize = (1 << 16) / size_of::<Entry>();

/// What happened in a long run in which nothing was wrong.
#[derive(Debug, Default)]
pub(crate) struct Soaked {
    pub(crate) ops: u64,
    pub(crate) upgrades: u32,
    pub(crate) undone: u32,
    /// Objects that were transformed by a touch, and by the background or the upgrade itself.
    pub(crate) by_touch: u64,
    pub(crate) by_sweep: u64,
    /// Executions in vain.
    pub(crate) lost: u64,
    /// Nanoseconds of operations.
    times: Option<Histogram<u64>>,
    /// How often tidying up after an upgrade found too few moments without transactions.
    pub(crate) uncompacted: u32,
    /// In the end of the time of each upgrade.
    memory: Vec<Memory>,
    pub(crate) replayed: bool,
}

/// Bytes that the process takes, without the logs.
#[derive(Clone, Copy, Debug)]
struct Memory {
    held: u64,
    resident: u64,
}

/// How far a long run has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// Of the time, from 0 to 1.
    Working { part: f64, upgrades: u32, bytes: u64 },
    /// Operations, of how many.
    Replaying { done: u64, of: u64 },
}

/// Memory that keeps growing.
#[derive(Debug)]
struct Grown {
    first: f64,
    last: f64,
    all: String,
}

impl fmt::Display for Grown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, all } = self;
        write!(f, "memory grows: {:.0} MB in the first third, ", first / 1e6)?;
        write!(f, "{:.0} MB in the last; after each upgrade, MB: {all}", last / 1e6)
    }
}

impl Error for Grown {}

/// The medians of the first third and of the last one, where there are enough for that.
fn thirds(bytes: impl ExactSizeIterator<Item = u64>) -> Option<(f64, f64)> {
    if bytes.len() < ENOUGH {
        return None;
    }
    let warm: Vec<_> = bytes.skip(WARM).map(|bytes| bytes as f64).collect();
    let third = warm.len() / 3;
    let middle = |part: &[f64]| median(part.iter().copied());
    Some((middle(&warm[..third]), middle(&warm[warm.len() - third..])))
}

fn listed(bytes: impl Iterator<Item = u64>) -> String {
    let megabytes: Vec<_> = bytes.map(|b| format!("{:.0}", b as f64 / 1e6)).collect();
    megabytes.join(" ")
}

fn flat(held: impl ExactSizeIterator<Item = u64> + Clone) -> Result<(), Grown> {
    match thirds(held.clone()) {
        Some((first, last)) if last > first * (1.0 + GROWTH) + SLACK => {
            Err(Grown { first, last, all: listed(held) })
        }
        _ => Ok(()),
    }
}

impl fmt::Display for Soaked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ops, upgrades, undone, by_touch, by_sweep, lost, memory, .. } = self;
        writeln!(f, "Operations: {ops}, executed again: {lost}")?;
        if let Some(times) = &self.times {
            let at = |q| times.value_at_quantile(q) as f64 / 1e3;
            let (half, most, max) = (at(0.5), at(0.999), times.max() as f64 / 1e6);
            writeln!(f, "Their times: 50 % {half:.1} us, 99.9 % {most:.0} us, max {max:.1} ms")?;
        }
        writeln!(f, "Upgrades: {upgrades}, of these rolled back: {undone}")?;
        writeln!(f, "Objects transformed: {by_touch} by touch, {by_sweep} in the background")?;
        let (held, resident) = (memory.iter().map(|m| m.held), memory.iter().map(|m| m.resident));
        writeln!(f, "Memory after each upgrade, without logs, MB")?;
        writeln!(f, "  held: {}", listed(held.clone()))?;
        writeln!(f, "  resident: {}", listed(resident.clone()))?;
        if self.uncompacted > 0 {
            writeln!(f, "Tidying up found too few quiet moments {} times", self.uncompacted)?;
        }
        match (thirds(held), thirds(resident).map(|(first, last)| last - first)) {
            (Some((first, last)), Some(resident)) => writeln!(
                f,
                "Memory is flat: the last third holds {:+.1} MB over the first one's {:.0}; resident \
                 it has {:+.1} MB more",
                (last - first) / 1e6,
                first / 1e6,
                resident / 1e6
            )?,
            _ => writeln!(f, "Too few upgrades to say how memory grows")?,
        }
        writeln!(f, "Invariants: all hold after each upgrade and in the end")?;
        if self.replayed {
            writeln!(
                f,
                "Replay: {ops} operations in commit order, without upgrades, give the same results \
                 and structure"
            )?;
        }
        Ok(())
    }
}

struct Shared<'p> {
    setting: &'p Setting,
    service: Calls,
    /// The place as the first version sees it.
    place: Place<V1>,
    stop: AtomicBool,
    /// Bytes of the logs: allocated, and written.
    reserved: AtomicU64,
    logged: AtomicU64,
    sum: Mutex<(Soaked, Vec<Log>)>,
}

/// Works for as long as the setting says, with an upgrade every so often; then checks everything.
///
/// Every third upgrade gives eight types their second version, and is rolled back when half of its
/// time is over. The others are null updates: one migrates lazily, one stops the world. The last one
/// gives the types their second version for good. After each of them the heap is compacted.
pub(crate) fn soak(
    setting: &Setting,
    every: Duration,
    progress: impl Fn(Stage),
) -> Result<Soaked, Box<dyn Error>> {
    memory::count();
    let mut backend = OnHeap::<V1>::on(Heap::builder().observer(note_commit).build()?);
    build(&mut backend, setting.params(), setting.seed)?;
    let OnHeap { heap, place } = backend;
    let shared = Shared {
        setting,
        place: place.cast(),
        service: Service::new(heap, Bench { place, version: 1 }),
        stop: AtomicBool::new(false),
        reserved: AtomicU64::new(0),
        logged: AtomicU64::new(0),
        sum: Mutex::default(),
    };
    let (upgraded, flip) = thread::scope(|scope| {
        let shared = &shared;
        let threads: Vec<_> =
            (0..setting.threads).map(|n| scope.spawn(move || work(shared, n))).collect();
        let upgraded = upgrades(shared, every, &progress).map_err(|error| error.to_string());
        shared.stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked".to_owned())??;
        }
        upgraded
    })?;
    let (mut soaked, logs) = mem::take(&mut *shared.sum.lock().map_err(|_| "a thread panicked")?);
    let Soaked { upgrades, undone, by_touch, by_sweep, uncompacted, memory, .. } = upgraded;
    soaked = Soaked { upgrades, undone, by_touch, by_sweep, uncompacted, memory, ..soaked };
    let of = soaked.ops;
    let tell = |done| progress(Stage::Replaying { done: done as u64, of });
    let (setting, service) = (shared.setting, &shared.service);
    match flip {
        Some(flip) => {
            check_end::<V2>(setting, service, &shared.place.cast(), &logs, Some(flip), tell)?;
        }
        None => check_end::<V1>(setting, service, &shared.place, &logs, None, tell)?,
    }
    soaked.replayed = setting.replay;
    flat(soaked.memory.iter().map(|memory| memory.held))?;
    Ok(soaked)
}

/// Upgrades until the time is over. Returns what came of it, and when the types got their second
/// version, if they did.
fn upgrades(
    shared: &Shared<'_>,
    every: Duration,
    progress: &impl Fn(Stage),
) -> Result<(Soaked, Option<upgradable::CommitTs>), Box<dyn Error>> {
    let started = Instant::now();
    let length = shared.setting.length;
    let mut soaked = Soaked::default();
    let used = || Memory {
        held: held().saturating_sub_unsigned(shared.reserved.load(Ordering::Relaxed)).max(0) as u64,
        resident: resident().saturating_sub(shared.logged.load(Ordering::Relaxed)),
    };
    let wait = |until: Duration, upgrades: u32| {
        while started.elapsed() < until && !shared.stop.load(Ordering::Relaxed) {
            let part = started.elapsed().as_secs_f64() / length.as_secs_f64();
            progress(Stage::Working { part, upgrades, bytes: used().resident });
            thread::sleep(until.saturating_sub(started.elapsed()).min(Duration::from_millis(100)));
        }
    };
    let Shared { setting, service, place, .. } = shared;
    let mut kept = None;
    for number in 1_u32.. {
        wait((every * number).min(length), soaked.upgrades);
        let begins = started.elapsed();
        if begins >= length || shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let last = begins + every >= length;
        let undo = number % 3 == 0 && !last;
        let strategy = match number % 3 {
            1 if !last => Strategy::Eager,
            _ => Strategy::Background,
        };
        let version = number + 1;
        let running = if undo || last {
            let program = Bench { place: place.cast::<V2>(), version };
            service.upgrade(plan(Change::Types, strategy, setting.pace), program)?
        } else {
            let program = Bench { place: place.cast::<V1>(), version };
            service.upgrade(plan(Change::Null, strategy, setting.pace), program)?
        };
        soaked.upgrades += 1;
        if undo {
            wait(begins + every / 2, soaked.upgrades);
            running.roll_back()?.wait()?;
            soaked.undone += 1;
        } else {
            running.wait()?;
            running.promote()?;
        }
        let done = running.progress();
        soaked.by_touch += done.by_touch;
        soaked.by_sweep += done.by_sweep;
        if last {
            kept = Some(running.flipped_at());
            check_now(setting, service, &place.cast::<V2>())?;
        } else {
            check_now(setting, service, place)?;
        }
        soaked.uncompacted += u32::from(!service.heap().compact());
        wait((every * (number + 1)).min(length), soaked.upgrades);
        soaked.memory.push(used());
        if last {
            break;
        }
    }
    wait(length, soaked.upgrades);
    Ok((soaked, kept))
}

fn reckon(bytes: &AtomicU64, entries: usize) {
    bytes.fetch_add((entries * size_of::<Entry>()) as u64, Ordering::Relaxed);
}

/// Operations, one after the other, until the time is over.
fn work(shared: &Shared<'_>, number: usize) -> Result<(), String> {
    let outcome = operate(shared, number);
    if outcome.is_err() {
        shared.stop.store(true, Ordering::Relaxed);
    }
    outcome
}

fn operate(shared: &Shared<'_>, number: usize) -> Result<(), String> {
    let setting = shared.setting;
    let mix = setting.mix();
    let seed = setting.seed + 1000 + number as u64;
    let request = Request::new(Worker::new(setting.params(), seed));
    let mut times = Histogram::new(3).expect("three digits are a legal precision");
    let (mut ops, mut lost) = (0, 0);
    let mut pieces: Vec<Vec<Entry>> = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let op = request.renew(|random| mix.choose(random));
        let begin = Instant::now();
        let result = shared.service.call(&request).map_err(|error| format!("{op}: {error}"))?;
        let took = begin.elapsed().as_nanos() as u64;
        times.record(took).map_err(|error| error.to_string())?;
        ops += 1;
        lost += u64::from(request.lost());
        if setting.replay {
            let entry = Entry { op, result, moment: request.moment() };
            match pieces.last_mut() {
                Some(piece) if piece.len() < PIECE => piece.push(entry),
                _ => {
                    reckon(&shared.reserved, PIECE);
                    let mut piece = Vec::with_capacity(PIECE);
                    piece.push(entry);
                    pieces.push(piece);
                }
            }
            if ops % STEP as u64 == 0 {
                reckon(&shared.logged, STEP);
            }
        }
    }
    let entries = pieces.into_iter().flatten().collect();
    let mut sum = shared.sum.lock().map_err(|_| "a thread panicked")?;
    let (soaked, logs) = &mut *sum;
    soaked.ops += ops;
    soaked.lost += lost;
    match &mut soaked.times {
        Some(all) => all.add(&times).map_err(|error| error.to_string())?,
        none => *none = Some(times),
    }
    logs.push(Log { seed, entries });
    Ok(())
}

#[cfg(test)]
mod tests {
    use upgradable::Pace;

    use super::*;
    use crate::mix::Workload;
    use crate::params::Size;

    #[test]
    fn memory_that_grows_is_noticed() {
        let mega = 1_000_000;
        let mut held = [100, 200, 150, 160, 155, 150, 160, 150, 155].map(|mb| mb * mega);
        assert!(flat(held.into_iter()).is_ok());
        held[7..].fill(195 * mega);
        assert!(flat(held.into_iter()).is_err());
        assert!(flat(held.into_iter().skip(1)).is_ok(), "these are too few");
    }

    #[test]
    fn every_third_upgrade_is_undone_and_the_last_one_stays() {
        let stages = Mutex::new([false; 2]);
        let soaked = |seconds| {
            let setting = Setting {
                size: Size::Tiny,
                scale: 1,
                seed: 3,
                workload: Workload::W,
                long_traversals: true,
                structure: true,
                threads: 2,
                length: Duration::from_secs(seconds),
                change: Change::Types,
                check: true,
                replay: true,
                promote: false,
                pace: Pace::default(),
                calm: false,
                fresh_memory: true,
            };
            let soaked = soak(&setting, Duration::from_millis(50 * seconds), |stage| {
                let at = usize::from(matches!(stage, Stage::Replaying { .. }));
                stages.lock().expect("nobody panics")[at] = true;
            });
            soaked.expect("nothing is wrong")
        };
        // Longer, where the machine is so busy that upgrades take that long.
        let mut runs = [2, 10, 50].into_iter().map(soaked);
        let soaked = runs.find(|soaked| soaked.upgrades >= 4).expect("there is time for some");
        let Soaked { upgrades, undone, .. } = soaked;
        assert!(upgrades < 20, "{soaked}");
        assert!([(upgrades - 1) / 3, upgrades / 3].contains(&undone), "{soaked}");
        assert!(soaked.ops > 100 && soaked.replayed, "{soaked}");
        assert!(soaked.by_touch + soaked.by_sweep > 1000, "{soaked}");
        assert_eq!(soaked.memory.len(), upgrades as usize);
        assert!(soaked.memory.iter().all(|memory| memory.held > 0), "it is counted");
        assert_eq!(stages.into_inner().expect("nobody panics"), [true; 2]);
    }
}
