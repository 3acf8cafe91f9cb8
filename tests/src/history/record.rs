//! Recording what threads do, at the cost of two counter increments an attempt.
//!
//! Each thread writes to a [`ThreadLog`] of its own; nothing is shared but the tick counter. When a
//! log is dropped its content goes back to the [`Recorder`], which merges all of them at the end.
//!
//! # The rule about ticks
//!
//! `begin` must be taken **before** the transaction takes its snapshot, and the end **after** its
//! commit has returned. A tick on the wrong side makes the checker see an order in real time that
//! was not there, and it will report a fault that does not exist. With a library that runs a
//! closure and re-executes it by itself, that means:
//!
//! ```text
//! log.begin();                        // before the library is entered
//! let ts = atomically(|tx| {
//!     log.enter();                    // closes the attempt before, if this is a re-execution
//!     ... log.read(..) / log.write(..) ...
//!     log.leave();                    // optional: tightens when a re-execution may have begun
//! });
//! log.commit(ts);                     // after the library has returned
//! ```
//!
//! The ticks are sequentially consistent increments of one counter, so they order threads a little
//! more than the code under test alone would. A run without a recorder is still worth having.
//!
//! # Example
//!
//! ```
//! use std::sync::Mutex;
//! use upgradable_tests::history::{check::check, record::Recorder};
//!
//! // The "transactional memory": one object and a clock behind one lock.
//! let state = Mutex::new((0_u64, 0_u64));
//! let recorder = Recorder::new();
//! std::thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| {
//!             let mut log = recorder.thread();
//!             for _ in 0..100 {
//!                 log.begin();
//!                 let ts = {
//!                     let mut state = state.lock().unwrap();
//!                     log.read(0, state.1);
//!                     state.1 = log.fresh_value();
//!                     log.write(0, state.1);
//!                     state.0 += 1;
//!                     state.0
//!                 };
//!                 log.commit(ts);
//!             }
//!         });
//!     }
//! });
//! let summary = check(&recorder.history()).expect("one lock around everything is serial");
//! assert_eq!(summary.updates, 200);
//! ```

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{History, ObjectId, Op, Outcome, Tick, Timestamp, Value};

/// How many values a thread takes from the common supply at a time.
const VALUE_BLOCK: u64 = 1024;

/// What all logs of one recorder share.
#[derive(Debug)]
struct Shared {
    clock: AtomicU64,
    next_value: AtomicU64,
    next_thread: AtomicU32,
    logs: Mutex<Logs>,
}

/// The logs that came back, and how many are still out.
#[derive(Debug, Default)]
struct Logs {
    out: usize,
    returned: Vec<Entries>,
}

/// What one thread recorded.
#[derive(Debug, Default)]
struct Entries {
    thread: u32,
    attempts: Vec<Entry>,
    ops: Vec<Op>,
}

/// A position in the open attempt of a [`ThreadLog`], to undo what it writes from there on.
#[derive(Clone, Copy, Debug)]
pub struct Savepoint(usize);

/// One finished attempt; its operations end at `ops_end` in the thread's array.
#[derive(Debug)]
struct Entry {
    begin: Tick,
    end: Tick,
    outcome: Outcome,
    ops_end: usize,
}

impl Shared {
    fn tick(&self) -> Tick {
        // SeqCst: an end tick must not move before the commit it follows, nor a begin tick after
        // the snapshot it precedes; as read-modify-writes of one word the ticks are totally
        // ordered.
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        // A panic elsewhere must not hide what was recorded: the history is then most wanted.
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands out [`ThreadLog`]s and merges them into a [`History`].
#[derive(Clone, Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

impl Recorder {
    /// A recorder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            clock: AtomicU64::new(1),
            next_value: AtomicU64::new(1), // 0 is what objects hold before the first write
            next_thread: AtomicU32::new(0),
            logs: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A log for one more thread. It owns its part, so it may move into a spawned thread.
    #[must_use]
    pub fn thread(&self) -> ThreadLog {
        let thread = self.shared.next_thread.fetch_add(1, Ordering::Relaxed);
        self.shared.logs().out += 1;
        let entries = Entries { thread, ..Entries::default() };
        ThreadLog {
            shared: Arc::clone(&self.shared),
            entries,
            open: None,
            undone: Vec::new(),
            values: 0..0,
        }
    }

    /// Everything that was recorded, numbered in the order in which the attempts began.
    ///
    /// The recorder is empty afterwards.
    ///
    /// # Panics
    ///
    /// When a [`ThreadLog`] has not been dropped yet: its part would be missing.
    #[must_use]
    pub fn history(&self) -> History {
        let mut logs = self.shared.logs();
        assert_eq!(
            logs.out, 0,
            "a ThreadLog is still alive; drop all of them, then ask for the history"
        );
        let returned = std::mem::take(&mut logs.returned);
        drop(logs);
        merge(&returned)
    }
}

/// Puts the attempts of all threads into one history, by begin tick.
fn merge(logs: &[Entries]) -> History {
    let mut order = Vec::new();
    for (l, log) in logs.iter().enumerate() {
        let mut ops_begin = 0;
        for entry in &log.attempts {
            order.push((entry.begin, entry.end, l, ops_begin..entry.ops_end, entry.outcome));
            ops_begin = entry.ops_end;
        }
    }
    order.sort_unstable_by_key(|&(begin, end, ..)| (begin, end));
    let mut history = History::new();
    for (begin, end, l, ops, outcome) in order {
        history.push(logs[l].thread, begin, end, &logs[l].ops[ops], outcome);
    }
    history
}

/// The attempt in progress.
#[derive(Debug)]
struct Open {
    begin: Tick,
    /// The body has been entered, so another [`ThreadLog::enter`] is a re-execution.
    entered: bool,
    /// A tick certainly before the snapshot of a re-execution that would follow this attempt.
    left: Tick,
}

/// The log of one thread. At most one attempt is open at a time.
///
/// Dropping the log gives its content back to the recorder; an attempt still open then counts as
/// aborted.
#[derive(Debug)]
pub struct ThreadLog {
    shared: Arc<Shared>,
    entries: Entries,
    open: Option<Open>,
    /// What parts of the open attempt did that were undone.
    undone: Vec<Op>,
    values: std::ops::Range<Value>,
}

impl ThreadLog {
    /// Begins an attempt now, before it takes its snapshot. One still open is recorded as aborted.
    pub fn begin(&mut self) {
        if self.open.is_some() {
            self.abort();
        }
        let begin = self.shared.tick();
        self.open = Some(Open { begin, entered: false, left: begin });
    }

    /// Says that a transaction body begins to run; for bodies that a library re-executes by itself.
    ///
    /// The first call after [`ThreadLog::begin`] does nothing. Each later one records the attempt
    /// so far as aborted and opens the next, which counts as begun at the last
    /// [`ThreadLog::leave`]; when there was none, together with the attempt before. Both are early
    /// enough for its snapshot.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn enter(&mut self) {
        let open = self.open.as_mut().expect("enter() needs begin() before it");
        if !open.entered {
            open.entered = true;
            return;
        }
        let begin = open.left;
        self.abort();
        self.open = Some(Open { begin, entered: true, left: begin });
    }

    /// Says that the transaction body has run to its end and will not read any more.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn leave(&mut self) {
        let tick = self.shared.tick();
        self.open.as_mut().expect("leave() needs begin() before it").left = tick;
    }

    /// A value that nobody else gets from this recorder, and never the initial one.
    pub fn fresh_value(&mut self) -> Value {
        if let Some(value) = self.values.next() {
            return value;
        }
        let first = self.shared.next_value.fetch_add(VALUE_BLOCK, Ordering::Relaxed);
        self.values = first + 1..first + VALUE_BLOCK;
        first
    }

    /// The open attempt was given `value` when it read `object`.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn read(&mut self, object: ObjectId, value: Value) {
        assert!(self.open.is_some(), "read() needs begin() before it");
        self.entries.ops.push(Op::Read { object, value });
    }

    /// The open attempt wrote `value` to `object`.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn write(&mut self, object: ObjectId, value: Value) {
        assert!(self.open.is_some(), "write() needs begin() before it");
        self.entries.ops.push(Op::Write { object, value });
    }

    /// Marks the beginning of a part of the open attempt that may be undone.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        assert!(self.open.is_some(), "savepoint() needs begin() before it");
        Savepoint(self.entries.ops.len())
    }

    /// Undoes what the open attempt has written since `savepoint`, an earlier one of this attempt.
    ///
    /// What it read from others stays read. The undone writes, and reads of them, are recorded as
    /// an attempt of their own that aborted at the same time: so nobody else may see them.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn undo_to(&mut self, savepoint: Savepoint) {
        assert!(self.open.is_some(), "undo_to() needs begin() before it");
        let part = self.undone.len(); // before it are other parts, which this one did not see
        for op in self.entries.ops.split_off(savepoint.0) {
            let written =
                |other: &Op| matches!(other, Op::Write { object, .. } if *object == op.object());
            let is_own = written(&op) || self.undone[part..].iter().any(written);
            let list = if is_own { &mut self.undone } else { &mut self.entries.ops };
            list.push(op);
        }
    }

    /// The open attempt has committed as an update at `ts`.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn commit(&mut self, ts: Timestamp) {
        self.close(Outcome::Committed { ts });
    }

    /// The open attempt has committed as an update at `ts`, which other late commits may share.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn commit_late(&mut self, ts: Timestamp) {
        self.close(Outcome::CommittedLate { ts });
    }

    /// The open attempt has committed without writing, seeing everything up to `snapshot`.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn commit_read_only(&mut self, snapshot: Timestamp) {
        self.close(Outcome::CommittedReadOnly { snapshot });
    }

    /// The open attempt has aborted.
    ///
    /// # Panics
    ///
    /// When no attempt is open.
    pub fn abort(&mut self) {
        self.close(Outcome::Aborted);
    }

    fn close(&mut self, outcome: Outcome) {
        let end = self.shared.tick();
        let open = self.open.take().expect("an attempt ends once, after begin()");
        let ops_end = self.entries.ops.len();
        let mut add = |outcome, ops_end| {
            self.entries.attempts.push(Entry { begin: open.begin, end, outcome, ops_end });
        };
        add(outcome, ops_end);
        if !self.undone.is_empty() {
            self.entries.ops.append(&mut self.undone);
            add(Outcome::Aborted, self.entries.ops.len());
        }
    }
}

impl Drop for ThreadLog {
    fn drop(&mut self) {
        if self.open.is_some() {
            self.abort();
        }
        let entries = std::mem::take(&mut self.entries);
        let mut logs = self.shared.logs();
        logs.out -= 1;
        logs.returned.push(entries);
    }
}
