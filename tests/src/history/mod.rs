//! Histories of transactional runs: how they are recorded, what they hold, how they are judged.
//!
//! # The parts
//!
//! | Module | What it does |
//! | --- | --- |
//! | [`record`] | threads write down what they do, cheaply; merged into a [`History`] at the end |
//! | [`check`] | decides strict serializability and opacity, names the [`Violation`] |
//! | [`mod@reference`] | the same by trying every order; tests the checker on tiny histories |
//! | [`model_run`] | a simulated multi-version transactional memory with faults to switch on |
//!
//! # What a history holds
//!
//! Objects are numbers; each holds [`INITIAL`] before anyone writes. Each *attempt* of a
//! transaction has a thread, the ticks at which it began and ended, its reads and writes in order,
//! and its [`Outcome`]. A transaction that is re-executed after a conflict makes several attempts.
//!
//! - **Every write writes a value that no other write writes.** So a value read names its writer.
//! - **Ticks come from one counter.** So "A ended before B began" is never in doubt. `begin` must
//!   be taken before the transaction takes its snapshot, `end` after its commit has returned.
//!
//! # Example
//!
//! ```
//! use upgradable_tests::history::{History, Op, Outcome, check::check};
//!
//! let mut history = History::new();
//! // Two transactions read the same initial value; both add to it. One addition is lost.
//! history.push(0, 1, 5, &[Op::read(7, 0), Op::write(7, 100)], Outcome::Committed { ts: 1 });
//! history.push(1, 2, 6, &[Op::read(7, 0), Op::write(7, 200)], Outcome::Committed { ts: 2 });
//!
//! let violation = check(&history).unwrap_err();
//! assert_eq!(violation.kind(), upgradable_tests::history::ViolationKind::LostUpdate);
//! println!("{violation}");
//! ```

use std::collections::BTreeMap;
use std::fmt;

pub mod check;
mod cycle;
mod graph;
mod index;
pub mod model_run;
mod order;
pub mod record;
pub mod reference;
mod violation;

pub use cycle::{Cycle, Dependency, Step};
pub use violation::{Malformed, Violation, ViolationKind};

// These are aliases and not newtypes on purpose: they arrive as raw words from the code under test,
// whose own newtypes this package must not depend on.

/// The number of an object.
pub type ObjectId = u32;
/// What a write stored; never stored by any other write of the same history.
pub type Value = u64;
/// A commit timestamp, as a word that orders commits.
pub type Timestamp = u64;
/// An instant of real time: the reading of one counter shared by all threads.
pub type Tick = u64;

/// What every object holds before the first write.
pub const INITIAL: Value = 0;

/// The name of one attempt within its [`History`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxnId(pub u32);

impl TxnId {
    /// The position of the attempt in [`History::attempts`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for TxnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{}", self.0)
    }
}

/// One operation of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The attempt read `value` from `object`.
    Read {
        /// The object read.
        object: ObjectId,
        /// The value the attempt was given.
        value: Value,
    },
    /// The attempt wrote `value` to `object`.
    Write {
        /// The object written.
        object: ObjectId,
        /// The value, which no other write uses.
        value: Value,
    },
}

impl Op {
    /// A read of `value` from `object`.
    #[must_use]
    pub fn read(object: ObjectId, value: Value) -> Self {
        Self::Read { object, value }
    }

    /// A write of `value` to `object`.
    #[must_use]
    pub fn write(object: ObjectId, value: Value) -> Self {
        Self::Write { object, value }
    }

    /// The object touched.
    #[must_use]
    pub fn object(self) -> ObjectId {
        match self {
            Self::Read { object, .. } | Self::Write { object, .. } => object,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { object, value } => write!(f, "r({object})={value}"),
            Self::Write { object, value } => write!(f, "w({object}):={value}"),
        }
    }
}

/// How an attempt ended, as the code under test claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Committed as an update, at a timestamp of its own.
    Committed {
        /// The commit timestamp.
        ts: Timestamp,
    },
    /// Committed as an update, at a timestamp that other late commits may share. Those that share
    /// one may stand in any order among themselves; see [`check`](check#shared-timestamps).
    CommittedLate {
        /// The commit timestamp.
        ts: Timestamp,
    },
    /// Committed without writing; saw every update at or before `snapshot`.
    CommittedReadOnly {
        /// The read timestamp.
        snapshot: Timestamp,
    },
    /// Did not commit. What it wrote must never be seen; what it read is still judged.
    Aborted,
}

impl Outcome {
    /// Did the attempt commit, as an update or read-only?
    #[must_use]
    pub fn is_committed(self) -> bool {
        self != Self::Aborted
    }

    /// Did the attempt commit without writing?
    #[must_use]
    pub fn is_read_only(self) -> bool {
        matches!(self, Self::CommittedReadOnly { .. })
    }

    /// Did the attempt commit at a timestamp that others may share?
    #[must_use]
    pub fn is_late(self) -> bool {
        matches!(self, Self::CommittedLate { .. })
    }

    /// The commit timestamp of a committed update.
    #[must_use]
    pub fn commit_ts(self) -> Option<Timestamp> {
        match self {
            Self::Committed { ts } | Self::CommittedLate { ts } => Some(ts),
            Self::CommittedReadOnly { .. } | Self::Aborted => None,
        }
    }
}

/// One attempt of a transaction; its operations are behind [`History::ops`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its name in the history.
    pub id: TxnId,
    /// The thread that ran it.
    pub thread: u32,
    /// A tick taken before the attempt took its snapshot.
    pub begin: Tick,
    /// A tick taken after the attempt committed or aborted.
    pub end: Tick,
    /// How it ended.
    pub outcome: Outcome,
    first_op: usize,
    op_count: usize,
}

impl Attempt {
    /// Did this attempt end before `other` began?
    #[must_use]
    pub fn precedes(&self, other: &Attempt) -> bool {
        self.end < other.begin
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, thread, begin, end, .. } = self;
        write!(f, "{id} (thread {thread}, ticks {begin}..{end}, ")?;
        match self.outcome {
            Outcome::Committed { ts } => write!(f, "committed at {ts})"),
            Outcome::CommittedLate { ts } => write!(f, "committed late at {ts})"),
            Outcome::CommittedReadOnly { snapshot } => write!(f, "read-only at {snapshot})"),
            Outcome::Aborted => write!(f, "aborted)"),
        }
    }
}

/// A complete recorded run.
///
/// Usually made by a [`record::Recorder`]; tests of the checker build one by hand with
/// [`History::push`]. Its [`Display`](fmt::Display) prints one line for each attempt.
#[derive(Clone, Debug, Default)]
pub struct History {
    attempts: Vec<Attempt>,
    // All operations in one array: a million attempts would otherwise be a million small vectors.
    ops: Vec<Op>,
    version_orders: BTreeMap<ObjectId, Vec<Value>>,
}

impl History {
    /// A history in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attempt and names it. Attempts may be added in any order.
    ///
    /// # Panics
    ///
    /// When the history already holds `u32::MAX - 1` attempts.
    pub fn push(
        &mut self,
        thread: u32,
        begin: Tick,
        end: Tick,
        ops: &[Op],
        outcome: Outcome,
    ) -> TxnId {
        let number = u32::try_from(self.attempts.len()).unwrap_or(u32::MAX);
        assert!(number < u32::MAX - 1, "a history holds fewer than 2^32 - 1 attempts");
        let id = TxnId(number);
        let (first_op, op_count) = (self.ops.len(), ops.len());
        self.ops.extend_from_slice(ops);
        self.attempts.push(Attempt { id, thread, begin, end, outcome, first_op, op_count });
        id
    }

    /// States in which order the committed values of `object` replaced each other, oldest first and
    /// without the initial value. Without this, the order of the commit timestamps is taken, and
    /// where these are equal, the order that follows from what the writers read.
    pub fn set_version_order(&mut self, object: ObjectId, values: Vec<Value>) {
        self.version_orders.insert(object, values);
    }

    /// The version order stated for `object`, if one was.
    #[must_use]
    pub fn version_order(&self, object: ObjectId) -> Option<&[Value]> {
        self.version_orders.get(&object).map(Vec::as_slice)
    }

    /// All objects with a stated version order.
    pub(crate) fn version_orders(&self) -> &BTreeMap<ObjectId, Vec<Value>> {
        &self.version_orders
    }

    /// All attempts; the one named `T7` is at index 7.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The attempt called `id`.
    ///
    /// # Panics
    ///
    /// When `id` comes from another history and is out of range.
    #[must_use]
    pub fn attempt(&self, id: TxnId) -> &Attempt {
        &self.attempts[id.index()]
    }

    /// What the attempt called `id` did, in order.
    ///
    /// # Panics
    ///
    /// When `id` comes from another history and is out of range.
    #[must_use]
    pub fn ops(&self, id: TxnId) -> &[Op] {
        let attempt = self.attempt(id);
        &self.ops[attempt.first_op..attempt.first_op + attempt.op_count]
    }

    /// The positions that [`History::ops`] of `id` take in [`History::all_ops`].
    pub(crate) fn op_range(&self, id: TxnId) -> std::ops::Range<usize> {
        let attempt = self.attempt(id);
        attempt.first_op..attempt.first_op + attempt.op_count
    }

    /// The operations of all attempts, in one array.
    pub(crate) fn all_ops(&self) -> &[Op] {
        &self.ops
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for attempt in &self.attempts {
            write!(f, "{attempt}:")?;
            for op in self.ops(attempt.id) {
                write!(f, " {op}")?;
            }
            writeln!(f)?;
        }
        for (object, values) in &self.version_orders {
            writeln!(f, "versions of {object}: {values:?}")?;
        }
        Ok(())
    }
}
