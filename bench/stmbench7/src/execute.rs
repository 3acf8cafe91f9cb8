//! One operation, from its choice to its result.

use crate::backend::{Backend, Done, Stop, Work};
use crate::ops::{Op, Outcome, Worker, run_reading, run_writing};
use crate::schema::Schema;

/// Runs an operation: a result, or `None` if it failed. When the back end executes it again, it
/// draws the same numbers again; when it fails, what it has drawn stays drawn.
pub(crate) fn execute<S: Schema, B: Backend<S>>(
    backend: &B,
    op: Op,
    worker: &mut Worker,
) -> Result<Done<Option<i32>>, B::Error> {
    let before = worker.random;
    if op.is_read_only() {
        backend.read(Work::Op(op), |tx| {
            worker.random = before;
            settle(run_reading(op, tx, worker))
        })
    } else {
        backend.write(Work::Op(op), |tx| {
            worker.random = before;
            settle(run_writing(op, tx, worker))
        })
    }
}

/// A failed operation commits: it has undone what it did, and has turned pools of ids.
fn settle<E>(outcome: Outcome<E>) -> Result<Option<i32>, E> {
    match outcome {
        Ok(result) => Ok(Some(result)),
        Err(Stop::Failed) => Ok(None),
        Err(Stop::Broken(error)) => Err(error),
    }
}
