//! The benchmark as a program on the heap, in one version for each version of the types.

use std::cell::{Cell, RefCell};

use upgradable::{Abort, AccessError, CommitTs, Program, Snapshot, Tx};
use upgradable_stm::Event;

use crate::backend::heap::{HeapSnapshot, HeapTx, Place, moment};
use crate::backend::{Moment, Stop};
use crate::ops::{Op, Outcome, Worker, run_reading, run_writing};
use crate::random::Random;
use crate::schema::Schema;

thread_local! {
    /// When the last transaction of this thread committed, if it wrote something.
    static COMMITTED: Cell<Option<CommitTs>> = const { Cell::new(None) };
}

/// An observer for heaps, so that requests know their moments.
pub(super) fn note_commit(event: &Event) {
    if let Event::Committed { ts, .. } = event {
        COMMITTED.set(Some(*ts));
    }
}

/// One operation, asked for by a thread, and what became of it. Used again for the next one.
#[derive(Debug)]
pub(super) struct Request {
    op: Cell<Op>,
    worker: RefCell<Worker>,
    before: Cell<Random>,
    executions: Cell<u32>,
    /// The number of the program's version that executed it first, and last.
    first: Cell<u32>,
    last: Cell<u32>,
    /// What the last execution saw.
    snapshot: Cell<CommitTs>,
}

impl Request {
    pub(super) fn new(worker: Worker) -> Self {
        Self {
            op: Cell::new(Op::T1),
            before: Cell::new(worker.random),
            worker: RefCell::new(worker),
            executions: Cell::new(0),
            first: Cell::new(0),
            last: Cell::new(0),
            snapshot: Cell::new(CommitTs::ZERO),
        }
    }

    /// Makes it ask for an operation that is drawn.
    pub(super) fn renew(&self, choose: impl FnOnce(&mut Random) -> Op) -> Op {
        let random = &mut self.worker.borrow_mut().random;
        let op = choose(random);
        self.op.set(op);
        self.before.set(*random);
        self.executions.set(0);
        op
    }

    /// Executions in vain.
    pub(super) fn lost(&self) -> u32 {
        self.executions.get().saturating_sub(1)
    }

    /// Whether it began on one version of the program and ended on another.
    pub(super) fn changed_version(&self) -> bool {
        self.first.get() != self.last.get()
    }

    /// Its place in the order of all, on a heap with [`note_commit`].
    pub(super) fn moment(&self) -> Moment {
        match COMMITTED.take() {
            Some(at) => moment(at, false),
            None => moment(self.snapshot.get(), true),
        }
    }

    fn execute<E>(
        &self,
        version: u32,
        at: CommitTs,
        run: impl FnOnce(Op, &mut Worker) -> Outcome<E>,
    ) -> Result<Option<i32>, E> {
        if self.executions.get() == 0 {
            self.first.set(version);
        }
        self.last.set(version);
        self.executions.set(self.executions.get() + 1);
        let mut worker = self.worker.borrow_mut();
        worker.random = self.before.get();
        self.snapshot.set(at);
        let outcome = run(self.op.get(), &mut worker);
        // What has committed until now was not this transaction.
        COMMITTED.set(None);
        match outcome {
            Ok(result) => Ok(Some(result)),
            Err(Stop::Failed) => Ok(None),
            Err(Stop::Broken(error)) => Err(error),
        }
    }
}

/// All operations, over one version of the types.
#[derive(Debug)]
pub(super) struct Bench<S: Schema> {
    pub(super) place: Place<S>,
    /// Counted up by every upgrade.
    pub(super) version: u32,
}

impl<S: Schema> Program for Bench<S> {
    type Request = Request;
    type Response = Option<i32>;

    fn execute(&self, tx: &Tx<'_>, request: &Request) -> Result<Option<i32>, Abort<Option<i32>>> {
        let (at, tx) = (tx.at(), HeapTx::new(tx, &self.place));
        let done = request.execute(self.version, at, |op, worker| run_writing(op, &tx, worker));
        done.map_err(Abort::from)
    }

    fn query(
        &self,
        snapshot: &Snapshot<'_>,
        request: &Request,
    ) -> Option<Result<Option<i32>, AccessError>> {
        if !request.op.get().is_read_only() {
            return None;
        }
        let (at, tx) = (snapshot.at(), HeapSnapshot::new(snapshot, &self.place));
        Some(request.execute(self.version, at, |op, worker| run_reading(op, &tx, worker)))
    }
}
