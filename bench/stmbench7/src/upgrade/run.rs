//! One run, with an upgrade in it.

use std::error::Error;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use hdrhistogram::Histogram;
use upgradable::{
    AccessError, CommitTs, Heap, Progress, PromoteError, RunningUpgrade, Service, UpgradeState,
};

use super::program::{Bench, Request, note_commit};
use super::{Change, Setting, Strategy, plan, processors};
use crate::backend::OnHeap;
use crate::backend::heap::{HeapSnapshot, Place};
use crate::build::build;
use crate::check::{End, Entry, Log, Moment, Upgraded, check, digest, replay, surveys};
use crate::machine::Calm;
use crate::memory::{have_at_hand, held, resident};
use crate::mix::OpClass;
use crate::ops::Worker;
use crate::schema::{Schema, V1, V2};

/// The length of a bin.
pub(super) const BIN: Duration = Duration::from_millis(100);

/// What happened within one bin of time.
#[derive(Clone, Debug)]
pub(super) struct Bin {
    pub(super) ops: u64,
    /// Nanoseconds of the operations that ended in it.
    pub(super) times: Histogram<u32>,
}

impl Bin {
    fn new() -> Self {
        let times = Histogram::new_with_bounds(1, 120_000_000_000, 2);
        Self { ops: 0, times: times.expect("these bounds are legal") }
    }
}

/// Memory and progress, looked at now and then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glance {
    pub(super) at: Duration,
    pub(super) bytes: u64,
    pub(super) progress: Progress,
}

/// A run, as it went.
#[derive(Debug)]
pub(crate) struct Series {
    pub(super) bins: Vec<Bin>,
    /// By class, before and after the flip.
    pub(super) classes: Vec<[Histogram<u64>; 2]>,
    pub(super) glances: Vec<Glance>,
    pub(super) flip: Option<Flip>,
    /// Executions in vain, before and after the flip.
    pub(super) lost: [u64; 2],
    /// Operations that began on the old version and ended on the new one.
    pub(super) carried_over: u64,
    pub(super) ops: u64,
    /// How the machine did.
    pub(super) calm: Calm,
    /// Runs before it that were thrown away.
    pub(super) again: u8,
}

/// An upgrade, as it went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flip {
    /// Since the beginning of the run.
    pub(super) at: Duration,
    /// How long the call took: the flip of a lazy upgrade, all of an eager one.
    pub(super) took: Duration,
    /// From the flip until no object was of an old type, if that came before the end.
    pub(super) completed: Option<Duration>,
    /// From the flip until it was promoted, if it was.
    pub(super) promoted: Option<Duration>,
    pub(super) end: Progress,
}

pub(super) type Calls = Service<Request, Option<i32>>;

struct Shared<'r> {
    setting: &'r Setting,
    service: Calls,
    ready: Barrier,
    stop: AtomicBool,
    flipped: AtomicBool,
    started: OnceLock<Instant>,
    running: OnceLock<(RunningUpgrade, Duration, Duration)>,
}

/// What one thread saw.
struct Part {
    bins: Vec<Bin>,
    classes: Vec<[Histogram<u64>; 2]>,
    lost: [u64; 2],
    carried_over: u64,
    ops: u64,
    log: Log,
}

/// How many structures there should be memory for: one, a second version of each object, what lies
/// between them, and what is written meanwhile.
const ROOM: u64 = 4;

/// Has memory at hand for what runs in this setting, which a structure tells that is thrown away.
pub(super) fn make_room(setting: &Setting) -> Result<(), Box<dyn Error>> {
    let before = resident();
    let mut backend = OnHeap::<V1>::on(Heap::new());
    build(&mut backend, setting.params(), setting.seed)?;
    let size = resident().saturating_sub(before);
    drop(backend);
    have_at_hand((before + ROOM * size).saturating_sub(resident()));
    Ok(())
}

/// Builds a structure, works on it, and upgrades it on the way.
pub(super) fn run(setting: &Setting, strategy: Strategy) -> Result<Series, Box<dyn Error>> {
    let mut heap = Heap::builder();
    if setting.replay {
        heap = heap.observer(note_commit);
    }
    let mut backend = OnHeap::<V1>::on(heap.build()?);
    build(&mut backend, setting.params(), setting.seed)?;
    let OnHeap { heap, place } = backend;
    let second = place.cast::<V2>();
    let again = place.cast::<V1>();
    let end = (place.cast::<V2>(), place.cast::<V1>());
    let shared = Shared {
        setting,
        service: Service::new(heap, Bench { place, version: 1 }),
        ready: Barrier::new(setting.threads + 1),
        stop: AtomicBool::new(false),
        flipped: AtomicBool::new(false),
        started: OnceLock::new(),
        running: OnceLock::new(),
    };
    let (series, logs) = thread::scope(|scope| -> Result<(Series, Vec<Log>), Box<dyn Error>> {
        let shared = &shared;
        let threads: Vec<_> =
            (0..setting.threads).map(|n| scope.spawn(move || work(shared, n))).collect();
        let started = *shared.started.get_or_init(Instant::now);
        shared.ready.wait();
        let upgrade = (strategy != Strategy::None)
            .then(|| scope.spawn(move || flip(shared, strategy, started, second, again)));
        let spent = ProcessTime::now();
        let (glances, promoted) = look_on(shared, started)?;
        let spent = spent.elapsed().as_secs_f64() / started.elapsed().as_secs_f64();
        shared.stop.store(true, Ordering::Relaxed);
        let mut parts = Vec::new();
        for thread in threads {
            parts.push(thread.join().map_err(|_| "a thread panicked")??);
        }
        if let Some(upgrade) = upgrade {
            upgrade.join().map_err(|_| "the upgrade panicked")??;
        }
        let logs = parts.iter_mut().map(|part| mem::take(&mut part.log)).collect();
        let mut series = merge(parts, glances, shared.running.get(), promoted);
        series.calm.share = spent / setting.threads.min(processors()) as f64;
        Ok((series, logs))
    })?;
    let flip = shared.running.get().map(|(running, ..)| running.flipped_at());
    match flip.filter(|_| setting.change == Change::Types) {
        Some(flip) => check_end(setting, &shared.service, &end.0, &logs, Some(flip), |_| ())?,
        None => check_end(setting, &shared.service, &end.1, &logs, None, |_| ())?,
    }
    Ok(series)
}

/// Checks the structure as the types that it has now, and how it came to be. The flip is that of the
/// second version of the types, if there they are.
pub(super) fn check_end<S: Schema>(
    setting: &Setting,
    service: &Calls,
    place: &Place<S>,
    logs: &[Log],
    flip: Option<CommitTs>,
    progress: impl FnMut(usize),
) -> Result<(), Box<dyn Error>> {
    if setting.check {
        check_now(setting, service, place)?;
    }
    if setting.replay {
        let end = service.heap().snapshot(|snapshot| -> Result<End, AccessError> {
            let tx = HeapSnapshot::new(snapshot, place);
            let upgraded = match flip {
                Some(flip) => Some(Upgraded { flip: flip.to_bits(), surveys: surveys(&tx)? }),
                None => None,
            };
            Ok(End { digest: digest(&tx)?, upgraded })
        })?;
        let params = setting.params();
        let found = replay::<V1>(params, setting.seed, &setting.mix(), logs, &end, progress)?;
        if !found.is_empty() {
            return Err(format!("the run is not what its replay is:\n{found}").into());
        }
    }
    Ok(())
}

/// Checks all invariants in one snapshot.
pub(super) fn check_now<S: Schema>(
    setting: &Setting,
    service: &Calls,
    place: &Place<S>,
) -> Result<(), Box<dyn Error>> {
    let found = service.heap().snapshot(|snapshot| {
        check(&HeapSnapshot::new(snapshot, place), &setting.params(), Moment::Later)
    })?;
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("invariants do not hold:\n{found}").into())
}

/// Waits until it is time, and upgrades.
fn flip(
    shared: &Shared<'_>,
    strategy: Strategy,
    started: Instant,
    second: Place<V2>,
    again: Place<V1>,
) -> Result<(), String> {
    let at = shared.setting.flip_at();
    thread::sleep(at.saturating_sub(started.elapsed()));
    let plan = plan(shared.setting.change, strategy, shared.setting.pace);
    let at = started.elapsed();
    shared.flipped.store(true, Ordering::Relaxed);
    let running = match shared.setting.change {
        Change::Types => shared.service.upgrade(plan, Bench { place: second, version: 2 }),
        Change::Null => shared.service.upgrade(plan, Bench { place: again, version: 2 }),
    };
    let running = running.map_err(|error| error.to_string())?;
    let took = started.elapsed().saturating_sub(at);
    shared.running.get_or_init(|| (running, at, took));
    Ok(())
}

/// Samples memory and progress until the time is over, and promotes what is complete if that is
/// wanted. Returns when it did, too.
fn look_on(
    shared: &Shared<'_>,
    started: Instant,
) -> Result<(Vec<Glance>, Option<Duration>), PromoteError> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut glances: Vec<Glance> = Vec::new();
    let mut stage = (false, false);
    let mut promoted = None;
    loop {
        let at = started.elapsed();
        let progress =
            shared.running.get().map_or_else(Progress::default, |(running, ..)| running.progress());
        let due = glances.last().is_none_or(|last| at.saturating_sub(last.at) >= BIN);
        // Also when the upgrade begins, and when it is complete.
        let now = (shared.flipped.load(Ordering::Relaxed), progress.complete);
        if due || now != stage {
            stage = now;
            glances.push(Glance { at, bytes: held().max(0) as u64, progress });
        }
        if shared.setting.promote
            && progress.complete
            && promoted.is_none()
            && let Some((running, ..)) = shared.running.get()
        {
            running.promote()?;
            promoted = Some(started.elapsed());
        }
        if at >= shared.setting.length {
            return Ok((glances, promoted));
        }
        thread::sleep(PAUSE);
    }
}

fn work(shared: &Shared<'_>, number: usize) -> Result<Part, String> {
    let setting = shared.setting;
    let mix = setting.mix();
    let seed = setting.seed + 1000 + number as u64;
    let worker = Worker::new(setting.params(), seed);
    let request = Request::new(worker);
    let histogram = || Histogram::new(3).expect("three digits are a legal precision");
    let mut part = Part {
        bins: Vec::new(),
        classes: OpClass::ALL.iter().map(|_| [histogram(), histogram()]).collect(),
        lost: [0; 2],
        carried_over: 0,
        ops: 0,
        log: Log { seed, entries: Vec::new() },
    };
    shared.ready.wait();
    let started = *shared.started.get_or_init(Instant::now);
    let mut begin = Instant::now();
    while !shared.stop.load(Ordering::Relaxed) {
        let op = request.renew(|random| mix.choose(random));
        let result = shared.service.call(&request).map_err(|error| format!("{op}: {error}"))?;
        let end = Instant::now();
        let took = (end - begin).as_nanos() as u64;
        let bin = (end - started).as_millis() as usize / BIN.as_millis() as usize;
        begin = end;
        while part.bins.len() <= bin {
            part.bins.push(Bin::new());
        }
        part.bins[bin].ops += 1;
        part.bins[bin].times.saturating_record(took);
        let phase = usize::from(shared.flipped.load(Ordering::Relaxed));
        let class = OpClass::of(op).number();
        part.classes[class][phase].record(took).map_err(|error| error.to_string())?;
        part.lost[phase] += u64::from(request.lost());
        part.carried_over += u64::from(request.changed_version());
        part.ops += 1;
        if setting.replay {
            part.log.entries.push(Entry { op, result, moment: request.moment() });
        }
    }
    Ok(part)
}

fn merge(
    parts: Vec<Part>,
    glances: Vec<Glance>,
    running: Option<&(RunningUpgrade, Duration, Duration)>,
    promoted: Option<Duration>,
) -> Series {
    let flip = running.map(|(running, at, took)| {
        let complete = glances.iter().find(|glance| glance.progress.complete);
        let completed = complete.map(|glance| glance.at.saturating_sub(*at).max(*took));
        let promoted = promoted.filter(|_| running.state() == UpgradeState::Promoted);
        let promoted = promoted.map(|promoted| promoted.saturating_sub(*at));
        Flip { at: *at, took: *took, completed, promoted, end: running.progress() }
    });
    let mut parts = parts.into_iter();
    let first = parts.next().expect("there is a thread");
    let mut series = Series {
        bins: first.bins,
        classes: first.classes,
        glances,
        flip,
        lost: first.lost,
        carried_over: first.carried_over,
        ops: first.ops,
        calm: Calm::default(),
        again: 0,
    };

    for part in parts {
        while series.bins.len() < part.bins.len() {
            series.bins.push(Bin::new());
        }
        for (all, own) in series.bins.iter_mut().zip(&part.bins) {
            all.ops += own.ops;
            all.times.add(&own.times).expect("the bounds are the same");
        }
        for (all, own) in series.classes.iter_mut().zip(&part.classes) {
            for (all, own) in all.iter_mut().zip(own) {
                all.add(own).expect("histograms that grow can be added");
            }
        }
        for phase in [0, 1] {
            series.lost[phase] += part.lost[phase];
        }
        series.carried_over += part.carried_over;
        series.ops += part.ops;
    }
    series
}
