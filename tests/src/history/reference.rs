//! The checker's own oracle: the same laws, decided by trying every serial order.
//!
//! Slow and plain on purpose. It replays whole transactions against a map, so it knows nothing of
//! dependencies, places or points; where it and [`check`](super::check) differ, one of them is
//! wrong.
//!
//! # Example
//!
//! ```
//! use upgradable_tests::history::{History, Op, Outcome, reference};
//!
//! let mut history = History::new();
//! history.push(0, 1, 4, &[Op::read(1, 0), Op::write(2, 20)], Outcome::Committed { ts: 1 });
//! history.push(1, 2, 5, &[Op::read(2, 0), Op::write(1, 10)], Outcome::Committed { ts: 2 });
//! assert!(!reference::is_serializable(&history)); // write skew: neither can be first
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::{Attempt, History, INITIAL, ObjectId, Op, Outcome, Value};

/// The largest history that the reference takes.
pub const ATTEMPTS_MAX: usize = 8;

/// What every object holds, where it does not hold the initial value.
type State = BTreeMap<ObjectId, Value>;

/// Have the committed transactions a serial order that explains every read and respects real time
/// and the order of versions? See [`check_graph`](super::check::check_graph).
///
/// # Panics
///
/// When the history has more than [`ATTEMPTS_MAX`] attempts.
#[must_use]
pub fn is_serializable(history: &History) -> bool {
    is_well_formed(history) && Search::new(history, false, false).run()
}

/// Have all attempts such an order, those that aborted without effect? See
/// [`check_opacity_graph`](super::check::check_opacity_graph).
///
/// # Panics
///
/// When the history has more than [`ATTEMPTS_MAX`] attempts.
#[must_use]
pub fn is_opaque(history: &History) -> bool {
    is_well_formed(history) && Search::new(history, true, false).run()
}

/// Have all attempts such an order in which the updates stand in the order of their timestamps? See
/// [`check_opacity`](super::check::check_opacity).
///
/// # Panics
///
/// When the history has more than [`ATTEMPTS_MAX`] attempts.
#[must_use]
pub fn is_opaque_by_timestamps(history: &History) -> bool {
    is_well_formed(history) && Search::new(history, true, true).run()
}

/// Is the order that the timestamps claim itself such an order for the committed transactions, with
/// those that share a timestamp in some order? See [`check_witness`](super::check::check_witness).
#[must_use]
pub fn is_explained_by_timestamps(history: &History) -> bool {
    if !is_well_formed(history) || version_orders(history).is_none() {
        return false;
    }
    // A snapshot is as good as the timestamp of the last update in it: what counts is who is in it.
    let timestamps: Vec<_> = committed(history).filter_map(|a| a.outcome.commit_ts()).collect();
    let last_before = |snapshot| timestamps.iter().copied().filter(|&ts| ts <= snapshot).max();
    let mut line: Vec<&Attempt> = committed(history).collect();
    line.sort_by_key(|attempt| match attempt.outcome {
        Outcome::Committed { ts } | Outcome::CommittedLate { ts } => (Some(ts), false, 0),
        Outcome::CommittedReadOnly { snapshot } => (last_before(snapshot), true, attempt.begin),
        Outcome::Aborted => unreachable!("only committed attempts are sorted"),
    });
    any_order_of_ties(&mut line, 0, &|line| is_explained_by(history, line))
}

/// Does `accepts` hold for some order of those from `from` on that share a timestamp?
fn any_order_of_ties<'h>(
    line: &mut [&'h Attempt],
    from: usize,
    accepts: &dyn Fn(&[&'h Attempt]) -> bool,
) -> bool {
    let Some(ts) = line.get(from).map(|attempt| attempt.outcome.commit_ts()) else {
        return accepts(line);
    };
    (from..line.len()).any(|next| {
        if next > from && (ts.is_none() || line[next].outcome.commit_ts() != ts) {
            return false;
        }
        line.swap(from, next);
        let accepted = any_order_of_ties(line, from + 1, accepts);
        line.swap(from, next);
        accepted
    })
}

/// Is this serial order right?
fn is_explained_by(history: &History, line: &[&Attempt]) -> bool {
    let in_real_time =
        line.iter().enumerate().all(|(i, a)| line[i + 1..].iter().all(|b| !b.precedes(a)));
    let mut state = State::new();
    let mut versions: BTreeMap<ObjectId, Vec<Value>> = BTreeMap::new();
    let explained = line.iter().all(|attempt| match replay(history, attempt, &state) {
        None => false,
        Some(written) => {
            for (object, value) in written {
                state.insert(object, value);
                versions.entry(object).or_default().push(value);
            }
            true
        }
    });
    let as_stated = history
        .version_orders()
        .iter()
        .all(|(object, stated)| versions.get(object).map_or(&[][..], Vec::as_slice) == stated);
    in_real_time && explained && as_stated
}

fn committed(history: &History) -> impl Iterator<Item = &Attempt> {
    history.attempts().iter().filter(|attempt| attempt.outcome.is_committed())
}

/// Runs one attempt. Returns what it leaves in the objects it wrote, or nothing if a read is wrong.
fn replay(history: &History, attempt: &Attempt, state: &State) -> Option<State> {
    let mut written = State::new();
    for op in history.ops(attempt.id) {
        match *op {
            Op::Write { object, value } => {
                written.insert(object, value);
            }
            Op::Read { object, value } => {
                let held = written.get(&object).or_else(|| state.get(&object));
                if *held.unwrap_or(&INITIAL) != value {
                    return None;
                }
            }
        }
    }
    Some(written)
}

/// The committed values of each object in their order; each with a rank, and those of equal rank in
/// any order.
type Orders = BTreeMap<ObjectId, Vec<(u64, Value)>>;

/// Finds the order of the versions of each object, or nothing if a stated order is no such order.
fn version_orders(history: &History) -> Option<Orders> {
    let mut updates: Vec<_> =
        committed(history).filter_map(|a| Some((a.outcome.commit_ts()?, a.id))).collect();
    updates.sort_unstable();
    let mut orders = Orders::new();
    for (ts, id) in updates {
        let mut last = State::new();
        for op in history.ops(id) {
            if let Op::Write { object, value } = *op {
                last.insert(object, value);
            }
        }
        for (object, value) in last {
            orders.entry(object).or_default().push((ts, value));
        }
    }
    for (object, stated) in history.version_orders() {
        let found = orders.entry(*object).or_default();
        let mut values: Vec<_> = found.iter().map(|&(_, value)| value).collect();
        let mut sorted = stated.clone();
        values.sort_unstable();
        sorted.sort_unstable();
        if values != sorted {
            return None;
        }
        *found = (0..).zip(stated.iter().copied()).collect();
    }
    orders.retain(|_, values| !values.is_empty());
    Some(orders)
}

/// The rules of the model that make the questions meaningful.
fn is_well_formed(history: &History) -> bool {
    let mut values = BTreeSet::from([INITIAL]);
    // Each with whether it was claimed by a late commit.
    let mut timestamps = BTreeMap::new();
    history.attempts().iter().all(|attempt| {
        let writes = history.ops(attempt.id).iter().filter_map(|op| match op {
            Op::Write { value, .. } => Some(*value),
            Op::Read { .. } => None,
        });
        let unique = writes.clone().all(|value| values.insert(value));
        let may_write = !attempt.outcome.is_read_only() || writes.count() == 0;
        let is_late = attempt.outcome.is_late();
        let may_claim = attempt.outcome.commit_ts().is_none_or(|ts| {
            timestamps.insert(ts, is_late).is_none_or(|other_is_late| is_late && other_is_late)
        });
        unique && may_write && may_claim && attempt.begin <= attempt.end
    })
}

/// A search through all serial orders, by adding one attempt after the other.
struct Search<'h> {
    history: &'h History,
    members: Vec<&'h Attempt>,
    by_timestamps: bool,
    /// Nothing when there is no valid order of versions, and so no serial order.
    orders: Option<Orders>,
}

impl<'h> Search<'h> {
    fn new(history: &'h History, with_aborted: bool, by_timestamps: bool) -> Self {
        assert!(history.attempts().len() <= ATTEMPTS_MAX, "too many orders to try");
        let members =
            history.attempts().iter().filter(|a| with_aborted || a.outcome.is_committed());
        let members = members.collect();
        Self { history, members, by_timestamps, orders: version_orders(history) }
    }

    fn run(&self) -> bool {
        let Some(orders) = &self.orders else { return false };
        self.extend(&mut Vec::new(), &State::new(), orders)
    }

    /// Can the order that begins with `placed` (as indices) be completed? `left` holds the versions
    /// of each object that are still to come.
    fn extend(&self, placed: &mut Vec<usize>, state: &State, left: &Orders) -> bool {
        if placed.len() == self.members.len() {
            return true;
        }
        let open: Vec<_> = (0..self.members.len()).filter(|i| !placed.contains(i)).collect();
        open.iter().any(|&i| {
            let next = self.members[i];
            if !open.iter().all(|&j| i == j || self.may_precede(next, self.members[j])) {
                return false;
            }
            let Some(written) = replay(self.history, next, state) else { return false };
            let (mut state, mut left) = (state.clone(), left.clone());
            if next.outcome.is_committed() {
                for (object, value) in written {
                    let versions = left.entry(object).or_default();
                    let rank = versions.first().map(|version| version.0);
                    let is_next =
                        |version: &(u64, Value)| Some(version.0) == rank && version.1 == value;
                    let Some(at) = versions.iter().position(is_next) else { return false };
                    versions.remove(at);
                    state.insert(object, value);
                }
            }
            placed.push(i);
            let found = self.extend(placed, &state, &left);
            placed.pop();
            found
        })
    }

    fn may_precede(&self, a: &Attempt, b: &Attempt) -> bool {
        let against_timestamps = match (a.outcome.commit_ts(), b.outcome.commit_ts()) {
            (Some(a), Some(b)) => self.by_timestamps && b < a,
            _ => false,
        };
        !b.precedes(a) && !against_timestamps
    }
}
