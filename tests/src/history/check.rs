//! The offline checker: was a recorded run correct?
//!
//! [`check`] decides two laws, each in two ways that share little code.
//!
//! - **Strict serializability**: the committed transactions have a serial order that explains every
//!   read and respects real time.
//! - **Opacity**: the same with the aborted ones included, each as a transaction that only read.
//!
//! | | believing the timestamps | from reads and real time alone |
//! | --- | --- | --- |
//! | strict serializability | [`check_witness`] | [`check_graph`] |
//! | opacity | [`check_opacity`] | [`check_opacity_graph`] |
//!
//! The left column asks for more: not just some serial order, but the one that the commit
//! timestamps claim. So whatever it accepts the right column must accept too. The right column
//! still takes the order of the versions of each object from the timestamps, unless the history
//! states it ([`History::set_version_order`]).
//!
//! All are linear in the number of operations, but for sorting. A million short transactions take a
//! few seconds.
//!
//! # Shared timestamps
//!
//! Updates that committed late ([`Outcome::CommittedLate`](super::Outcome::CommittedLate)) may
//! share a timestamp. They may then stand in any order among themselves: the left column accepts if
//! *some* order of each such group explains everything, with all other updates in the order of
//! their timestamps. That order is found in the graph of the right column.
//!
//! One thing must be known beforehand: in which order the versions of an object that several of
//! one group wrote replaced each other. A writer that had read the object replaced what it read,
//! which decides it; only when two of them wrote the object blindly must the history state it
//! ([`History::set_version_order`]), or it is [`Malformed`](super::Malformed::SharedTimestamp).
//!
//! # What opacity means here
//!
//! Every attempt has a point in the order of the committed updates at which all its reads are
//! explained. The point is not before any update that ended before the attempt began, nor after any
//! that began after it ended; and the points of two attempts, one of which ended before the other
//! began, are in this order too. Reads of the attempt's own writes must give the last own value.
//! Nobody may read what an aborted attempt wrote, or what its writer wrote again before it
//! committed.

use super::graph;
use super::index::{Index, Scope};
use super::order::{Rule, check_order};
use super::{History, Violation};

/// What a history that passed was made of.
///
/// A run in which nothing happened passes too; look at the numbers before you trust it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Attempts that committed as updates, the late ones included.
    pub updates: u64,
    /// Those of them that committed late.
    pub late: u64,
    /// Attempts that committed read-only.
    pub read_only: u64,
    /// Attempts that aborted.
    pub aborted: u64,
    /// Read-only commits for which several versions were needed: something they read had been
    /// replaced by an update that ended before they did.
    pub old_snapshots: u64,
}

impl Summary {
    pub(crate) fn count(history: &History) -> Self {
        let mut summary = Self::default();
        for attempt in history.attempts() {
            let counter = match attempt.outcome {
                super::Outcome::Committed { .. } | super::Outcome::CommittedLate { .. } => {
                    summary.late += u64::from(attempt.outcome.is_late());
                    &mut summary.updates
                }
                super::Outcome::CommittedReadOnly { .. } => &mut summary.read_only,
                super::Outcome::Aborted => &mut summary.aborted,
            };
            *counter += 1;
        }
        summary
    }
}

/// Decides everything: strict serializability and opacity, each in both ways.
///
/// # Errors
///
/// One violation; where several can be told from the same fault, the one with the best known name.
///
/// # Example
///
/// ```
/// use upgradable_tests::history::{History, Op, Outcome, ViolationKind, check::check};
///
/// let mut history = History::new();
/// history.push(0, 1, 4, &[Op::write(1, 10), Op::write(2, 20)], Outcome::Committed { ts: 1 });
/// // Concurrent with it, and aborted; but it saw one object before and one after that update.
/// history.push(1, 2, 3, &[Op::read(1, 10), Op::read(2, 0)], Outcome::Aborted);
///
/// let violation = check(&history).unwrap_err();
/// assert_eq!(violation.kind(), ViolationKind::TornSnapshot);
/// ```
pub fn check(history: &History) -> Result<Summary, Box<Violation>> {
    let mut index = Index::new(history)?;
    index.reads_are_sound(Scope::All)?;
    let by_graph = graph::check_graph(&index, Scope::All);
    if by_graph.is_err() {
        // A cycle of committed transactions has the better name, if there is one.
        graph::check_graph(&index, Scope::Committed)?;
    }
    check_order(&mut index, Rule::Witness)?;
    let summary = check_order(&mut index, Rule::Opacity)?;
    by_graph.map(|()| summary)
}

/// Decides whether the order of the commit timestamps explains every read of every committed
/// transaction and respects real time. Read-only ones stand after all updates up to their snapshot.
///
/// # Errors
///
/// The first transaction in real time that does not fit.
pub fn check_witness(history: &History) -> Result<Summary, Box<Violation>> {
    check_order(&mut Index::new(history)?, Rule::Witness)
}

/// Decides whether every attempt, also each aborted one, saw one snapshot of the order of the
/// commit timestamps. What snapshot a read-only transaction *claims* is left to [`check_witness`].
///
/// # Errors
///
/// The first attempt in real time that does not fit.
pub fn check_opacity(history: &History) -> Result<Summary, Box<Violation>> {
    check_order(&mut Index::new(history)?, Rule::Opacity)
}

/// Decides from dependencies and real time alone whether the committed transactions have a serial
/// order.
///
/// # Errors
///
/// A cycle of transactions each of which must come before the next; a shortest one, unless
/// thousands of transactions are entangled.
pub fn check_graph(history: &History) -> Result<(), Box<Violation>> {
    graph::check_graph(&Index::new(history)?, Scope::Committed)
}

/// Decides from dependencies and real time alone whether all attempts together have a serial order,
/// those that aborted taken as transactions that only read.
///
/// # Errors
///
/// As for [`check_graph`].
pub fn check_opacity_graph(history: &History) -> Result<(), Box<Violation>> {
    graph::check_graph(&Index::new(history)?, Scope::All)
}
