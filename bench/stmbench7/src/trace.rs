//! A run of one thread, operation by operation, in the format of the reference's files.

use std::error::Error;

use crate::backend::{Backend, Work};
use crate::execute::execute;
use crate::fingerprint::structure_hash;
use crate::hash::Fnv;
use crate::mix::{Mix, Workload};
use crate::ops::Worker;
use crate::params::Params;
use crate::schema::Schema;

/// What to trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TracePlan {
    pub(crate) params: Params,
    pub(crate) build_seed: u64,
    pub(crate) worker_seed: u64,
    pub(crate) workload: Workload,
    pub(crate) long_traversals: bool,
    pub(crate) structure: bool,
    pub(crate) ops: u64,
    /// Only the hashes.
    pub(crate) quiet: bool,
}

/// Runs operations on a structure that is built, and writes a line for each, and two hashes.
pub(crate) fn trace<S: Schema, B: Backend<S>>(
    backend: &B,
    plan: &TracePlan,
    out: &mut impl std::io::Write,
) -> Result<(), Box<dyn Error>>
where
    B::Error: Error,
{
    let mix = Mix::new(plan.workload, plan.long_traversals, plan.structure);
    let mut worker = Worker::new(plan.params, plan.worker_seed);
    let mut results = Fnv::new();
    let mut failed = 0;
    if !plan.quiet {
        writeln!(
            out,
            "# i,op,result (FAIL = OperationFailed); seed {} build, then thread RNG seed {}; \
             ro%={} longTraversals={} sms={}",
            plan.build_seed,
            plan.worker_seed,
            plan.workload.read_only_percent(),
            plan.long_traversals,
            plan.structure
        )?;
    }
    for i in 1..=plan.ops {
        let op = mix.choose(&mut worker.random);
        let result = execute(backend, op, &mut worker)?.value;
        results.feed(op.number() as i32);
        results.feed(result.unwrap_or(-1));
        failed += u64::from(result.is_none());
        if !plan.quiet {
            match result {
                Some(result) => writeln!(out, "{i},{op},{result}")?,
                None => writeln!(out, "{i},{op},FAIL")?,
            }
        }
    }
    let structure = backend.read(Work::Whole, |tx| structure_hash(tx))?.value;
    writeln!(out, "# failed {failed}")?;
    writeln!(out, "# O {:016x}", results.finish())?;
    writeln!(out, "# H {structure:016x}")?;
    Ok(())
}
