//! The opacity replay: what several threads did together, done again one operation after the
//! other, in the order of their commits.

use crate::backend::{self, Unsynchronised, Work};
use crate::build::build;
use crate::check::{Digest, Violations, digest};
use crate::execute::execute;
use crate::mix::Mix;
use crate::ops::{Op, Worker};
use crate::params::Params;
use crate::schema::Schema;

/// One operation that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) op: Op,
    /// `None` if it failed.
    pub(crate) result: Option<i32>,
    pub(crate) moment: backend::Moment,
}

/// What one thread did, in the order in which it did it.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) seed: u64,
    pub(crate) entries: Vec<Entry>,
}

/// Runs the logs again on a structure of its own, and tells every difference, also to what the
/// structure was in the end.
pub(crate) fn replay<S: Schema>(
    params: Params,
    build_seed: u64,
    mix: &Mix,
    logs: &[Log],
    end: &Digest,
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
    let mut found = Violations::default();
    for (place, &(_, thread, at)) in order.iter().enumerate() {
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
    let replayed = backend::Backend::<S>::read(&model, Work::Whole, |tx| digest(tx))?.value;
    found.unless(replayed == *end, || {
        format!("the structure was {end}\n  and is {replayed} when replayed")
    });
    Ok(found)
}
