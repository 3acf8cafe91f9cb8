//! The opacity replay: what several threads did together, done again one operation after the
//! other, in the order of their commits.

use rustc_hash::FxHashMap;

use crate::backend::raw::Fault;
use crate::backend::{self, Backend, CompositeById, Read, Stop, Unsynchronised, Work, all};
use crate::build::build;
use crate::check::{Digest, Violations, digest};
use crate::execute::execute;
use crate::id::Id;
use crate::mix::Mix;
use crate::ops::{Op, Worker};
use crate::params::Params;
use crate::schema::{Composite, Design, Schema};

/// One operation that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) op: Op,
    /// `None` if it failed.
    pub(crate) result: Option<i32>,
    pub(crate) moment: backend::Moment,
}

/// What one thread did, in the order in which it did it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) seed: u64,
    pub(crate) entries: Vec<Entry>,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) digest: Digest,
    /// If the second version of the types came on the way.
    pub(crate) upgraded: Option<Upgraded>,
}

/// What the second version has added.
#[derive(Clone, Debug)]
pub(crate) struct Upgraded {
    /// When it came.
    pub(crate) flip: u64,
    /// What each composite part remembers, by its id.
    pub(crate) surveys: FxHashMap<u32, i32>,
}

/// Runs the logs again on a structure of its own, and tells every difference, also to what the
/// structure was in the end. `progress` is told how many operations are done.
pub(crate) fn replay<S: Schema>(
    params: Params,
    build_seed: u64,
    mix: &Mix,
    logs: &[Log],
    end: &End,
    mut progress: impl FnMut(usize),
) -> Result<Violations, Box<dyn std::error::Error>> {
    let mut model = Unsynchronised::<S>::default();
    build(&mut model, params, build_seed)?;
    let mut workers: Vec<_> = logs.iter().map(|log| Worker::new(params, log.seed)).collect();
    let mut order: Vec<(backend::Moment, usize, usize)> = Vec::new();
    for (thread, log) in logs.iter().enumerate() {
        order.extend(log.entries.iter().enumerate().map(|(at, entry)| (entry.moment, thread, at)));
    }
    // Of operations at one moment, a thread's own come in its own order.
    order.sort_unstable();
    let flip = end
        .upgraded
        .as_ref()
        .map(|upgraded| order.partition_point(|(moment, ..)| moment.time <= upgraded.flip));
    let mut at_flip = None;
    let mut found = Violations::default();
    for (place, &(_, thread, at)) in order.iter().enumerate() {
        if flip == Some(place) {
            at_flip = Some(root_dates::<S>(&model)?);
        }
        if place % 1024 == 0 {
            progress(place);
        }
        let entry = logs[thread].entries[at];
        let name = || format!("{place}: {} of thread {thread}", entry.op);
        let worker = &mut workers[thread];
        let op = mix.choose(&mut worker.random);
        if op != entry.op {
            // Everything after it would differ, too.
            found.add(format!("{}: {op} was due", name()));
            return Ok(found);
        }
        let result = execute::<S, _>(&model, op, worker)?.value;
        found.unless(result == entry.result, || {
            format!("{}: {:?}, and {result:?} when replayed", name(), entry.result)
        });
    }
    let mut replayed = Backend::<S>::read(&model, Work::Whole, |tx| digest(tx))?.value;
    let mut digest = end.digest;
    if let Some(upgraded) = &end.upgraded {
        (replayed, digest) = (replayed.apart_from_surveys(), digest.apart_from_surveys());
        let last = root_dates::<S>(&model)?;
        compare_surveys(&mut found, &at_flip.unwrap_or_else(|| last.clone()), &last, upgraded);
    }
    found.unless(replayed == digest, || {
        format!("the structure was {digest}\n  and is {replayed} when replayed")
    });
    Ok(found)
}

/// Of each composite part: its id, and the build date of its root part.
type RootDates<S> = FxHashMap<Id<<S as Schema>::Composite>, (u32, i32)>;

fn root_dates<S: Schema>(model: &Unsynchronised<S>) -> Result<RootDates<S>, Fault> {
    let read = |tx: &<Unsynchronised<S> as Backend<S>>::Reader<'_>| {
        let mut dates = RootDates::<S>::default();
        let (from, to) = all();
        let scanned = tx.scan::<CompositeById, Stop<_>>(from, to, |&number, id| {
            let root = tx.read(id)?.root_part();
            dates.insert(id, (number, tx.read(root)?.date()));
            Ok(())
        });
        match scanned {
            Ok(()) => Ok(dates),
            Err(Stop::Broken(error)) => Err(error),
            Err(Stop::Failed) => unreachable!("nothing in here fails"),
        }
    };
    Ok(model.read(Work::Whole, read)?.value)
}

/// What was there at the upgrade and is still there remembers the date of that instant, whenever
/// it was transformed.
fn compare_surveys<T>(
    found: &mut Violations,
    at_flip: &FxHashMap<Id<T>, (u32, i32)>,
    last: &FxHashMap<Id<T>, (u32, i32)>,
    upgraded: &Upgraded,
) {
    for (number, date) in last.keys().filter_map(|id| at_flip.get(id)) {
        let survey = upgraded.surveys.get(number);
        found.unless(survey == Some(date), || {
            format!("composite part #{number} remembers {survey:?}, at the upgrade it was {date}")
        });
    }
}
