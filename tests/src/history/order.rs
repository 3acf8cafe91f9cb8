//! The fast checks: does the order of the claimed timestamps explain everything?
//!
//! The committed updates, in timestamp order, are a line. An attempt that does not write stands
//! somewhere on it: at point `p` it sees exactly the updates at places `1..=p`. What it read allows
//! a range of points `lowest..=highest`: each version read was current from its own place until
//! just before the place of the version that replaced it, and the ranges of all reads are
//! intersected.
//!
//! Real time is one sweep over begins and ends. Whatever ended leaves a *floor*: the highest point
//! that anyone who has ended stands at. Who begins now must not stand below it. An attempt that may
//! choose stands as low as it can, which leaves most room for the others, so the sweep finds a
//! consistent choice for all attempts whenever there is one.

use super::check::Summary;
use super::graph;
use super::index::{Checked, Index, Scope, Seen};
use super::{Attempt, Cycle, Dependency, Outcome, Step, TxnId, Violation};

/// Who stands where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Committed attempts only; read-only ones stand at the snapshot they claim.
    Witness,
    /// All attempts; those that wrote nothing visible stand where it suits their reads.
    Opacity,
}

impl Rule {
    fn scope(self) -> Scope {
        match self {
            Self::Witness => Scope::Committed,
            Self::Opacity => Scope::All,
        }
    }
}

/// The points at which the reads of one attempt are explained.
#[derive(Clone, Copy, Debug)]
struct Range {
    lowest: u32,
    highest: u32,
    /// The newest version read; it gives `lowest`.
    newest: Option<Seen>,
    /// The version read that was replaced first; its replacement gives `highest`.
    soonest_replaced: Option<Seen>,
}

/// The highest point at which anyone who has ended stands, and who that is.
#[derive(Clone, Copy, Debug, Default)]
struct Floor {
    point: u32,
    by: Option<TxnId>,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, Default)]
struct Stand {
    /// The point below which nobody may stand who begins after the attempt has ended.
    leaves: u32,
    /// The highest point at which its reads are explained.
    highest: u32,
}

/// Decides whether the timestamps explain the history under `rule`.
///
/// Updates that share a timestamp are put into an order that explains them first, if there is one;
/// the line is unique then, and the sweep is the same.
///
/// # Errors
///
/// The first transaction that does not fit, in real-time order, as a cycle.
pub(crate) fn check_order(index: &mut Index<'_>, rule: Rule) -> Checked<Summary> {
    index.reads_are_sound(rule.scope())?;
    if !index.ties().is_empty() {
        let updates = graph::order_of_updates(index, rule.scope())?;
        index.reorder(updates);
    }
    let index = &*index;
    versions_follow_timestamps(index)?;
    let mut summary = Summary::count(index.history);
    let mut stands = vec![Stand::default(); index.history.attempts().len()];
    let mut floor = Floor::default();
    for event in events(index, rule.scope()) {
        let id = TxnId(event.attempt);
        if event.is_end {
            let Stand { leaves, highest } = stands[id.index()];
            let is_read_only = index.history.attempt(id).outcome.is_read_only();
            summary.old_snapshots += u64::from(is_read_only && floor.point > highest);
            if leaves > floor.point {
                floor = Floor { point: leaves, by: Some(id) };
            }
        } else {
            stands[id.index()] = Sweep { index, rule, floor }.settle(id)?;
        }
    }
    Ok(summary)
}

/// A begin or an end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) tick: u64,
    // At equal ticks begins come first: the attempts then count as concurrent.
    pub(crate) is_end: bool,
    pub(crate) attempt: u32,
}

/// The begins and ends of all attempts in `scope`, in real-time order.
pub(crate) fn events(index: &Index<'_>, scope: Scope) -> Vec<Event> {
    let attempts = index.history.attempts().iter().filter(|attempt| scope.includes(attempt));
    let mut events: Vec<_> = attempts
        .flat_map(|&Attempt { id, begin, end, .. }| {
            [(begin, false), (end, true)].map(|(tick, is_end)| Event {
                tick,
                is_end,
                attempt: id.0,
            })
        })
        .collect();
    events.sort_unstable();
    events
}

/// A version order that was stated must be the order of the timestamps.
fn versions_follow_timestamps(index: &Index<'_>) -> Checked {
    for (c, chain) in index.chains.iter().enumerate() {
        let Some(v) = chain.versions.windows(2).position(|pair| pair[0].place >= pair[1].place)
        else {
            continue;
        };
        let older = Seen { chain: c as u32, version: v as u32 };
        let newer = &chain.versions[v + 1];
        if let (Some(first), Some(second)) = (index.version(older).writer(), newer.writer()) {
            let path = Path::from(index, first).go(index.write_write(older, newer), second);
            return Err(path.claimed_before(first).close());
        }
    }
    Ok(())
}

/// The state of the sweep when an attempt begins.
struct Sweep<'i, 'h> {
    index: &'i Index<'h>,
    rule: Rule,
    floor: Floor,
}

impl Sweep<'_, '_> {
    /// Finds where attempt `id` stands.
    fn settle(&self, id: TxnId) -> Checked<Stand> {
        let range = self.range(id);
        if range.lowest > range.highest {
            return Err(self.torn(id, &range));
        }
        let attempt = self.index.history.attempt(id);
        // An update sees what lies before its own place, and leaves its own place behind it.
        let (fixed, leaves) = match (attempt.outcome, self.index.place(id)) {
            (_, Some(place)) => (Some(place - 1), place),
            (Outcome::CommittedReadOnly { snapshot }, _) if self.rule == Rule::Witness => {
                let point = self.point_of_snapshot(snapshot);
                (Some(point), point)
            }
            // It stands at the floor or above; but the floor is there without it.
            _ => (None, range.lowest),
        };
        if self.floor.point > range.highest {
            return Err(self.stale(id, &range));
        }
        if let Some(point) = fixed {
            if point > range.highest {
                return Err(self.older_than_claimed(id, &range));
            }
            if point < range.lowest {
                return Err(self.newer_than_claimed(id, &range));
            }
            if point < self.floor.point {
                return Err(self.placed_too_early(id));
            }
        }
        Ok(Stand { leaves, highest: range.highest })
    }

    fn range(&self, id: TxnId) -> Range {
        let mut range =
            Range { lowest: 0, highest: u32::MAX, newest: None, soonest_replaced: None };
        for &seen in self.index.seen(id) {
            let place = self.index.version(seen).place;
            if place > range.lowest {
                (range.lowest, range.newest) = (place, Some(seen));
            }
            let last = self.index.next_version(seen).map_or(u32::MAX, |next| next.place - 1);
            if last < range.highest {
                (range.highest, range.soonest_replaced) = (last, Some(seen));
            }
        }
        range
    }

    fn point_of_snapshot(&self, snapshot: u64) -> u32 {
        let history = self.index.history;
        let ts = |id: &TxnId| history.attempt(*id).outcome.commit_ts();
        self.index.updates.partition_point(|id| ts(id) <= Some(snapshot)) as u32
    }

    /// One read saw too little beside what another saw.
    fn torn(&self, id: TxnId, range: &Range) -> Box<Violation> {
        Path::from(self.index, id).past(range.soonest_replaced).read_by(range.newest, id).close()
    }

    /// A read saw too little beside what had ended before the attempt began.
    fn stale(&self, id: TxnId, range: &Range) -> Box<Violation> {
        Path::from(self.index, id).past(range.soonest_replaced).ended_before(self.floor, id).close()
    }

    /// A read saw too little for the timestamp claimed.
    fn older_than_claimed(&self, id: TxnId, range: &Range) -> Box<Violation> {
        Path::from(self.index, id).past(range.soonest_replaced).claimed_before(id).close()
    }

    /// A read saw too much for the timestamp claimed.
    fn newer_than_claimed(&self, id: TxnId, range: &Range) -> Box<Violation> {
        Path::from(self.index, id).read_by(range.newest, id).close()
    }

    /// The timestamp claimed is too low beside what had ended before the attempt began.
    fn placed_too_early(&self, id: TxnId) -> Box<Violation> {
        Path::from(self.index, id).ended_before(self.floor, id).close()
    }
}

/// A cycle in the making: it starts at one transaction and has led to another.
struct Path<'i, 'h> {
    index: &'i Index<'h>,
    steps: Vec<Step>,
    at: TxnId,
}

impl<'i, 'h> Path<'i, 'h> {
    fn from(index: &'i Index<'h>, at: TxnId) -> Self {
        Self { index, steps: Vec::new(), at }
    }

    fn go(mut self, before_next: Dependency, to: TxnId) -> Self {
        let attempt = *self.index.history.attempt(self.at);
        self.steps.push(Step { attempt, before_next });
        self.at = to;
        self
    }

    /// To `to`, which has a later timestamp, unless the path is there already.
    fn claimed_before(self, to: TxnId) -> Self {
        if self.at == to { self } else { self.go(Dependency::Timestamp, to) }
    }

    /// From the reader of a version to who replaced it, unless that is the reader itself.
    fn past(self, seen: Option<Seen>) -> Self {
        let Some((seen, next)) = seen.and_then(|s| Some((s, self.index.next_version(s)?))) else {
            return self;
        };
        match next.writer() {
            Some(writer) if writer != self.at => {
                let dependency = self.index.read_write(seen, next);
                self.go(dependency, writer)
            }
            _ => self,
        }
    }

    /// To the writer of a version, and on to `reader`, who read it.
    fn read_by(self, seen: Option<Seen>, reader: TxnId) -> Self {
        let Some((seen, writer)) = seen.and_then(|s| Some((s, self.index.version(s).writer()?)))
        else {
            return self;
        };
        let dependency = self.index.write_read(seen);
        self.claimed_before(writer).go(dependency, reader)
    }

    /// To whoever set the floor, and on to `later`, which began after that one had ended.
    fn ended_before(self, floor: Floor, later: TxnId) -> Self {
        let Some(by) = floor.by else { return self };
        // Who set the floor either is the update at that place, or read from it, or claims a
        // snapshot that includes it: otherwise it would not have raised the floor.
        let update = self.index.update_at(floor.point);
        let from_update = |seen: &&Seen| self.index.version(**seen).writer() == Some(update);
        let read = self.index.seen(by).iter().find(from_update).copied();
        let path = match read {
            Some(_) => self.read_by(read, by),
            None => self.claimed_before(update).claimed_before(by),
        };
        path.go(Dependency::RealTime, later)
    }

    fn close(self) -> Box<Violation> {
        debug_assert_eq!(Some(self.at), self.steps.first().map(|step| step.attempt.id));
        Cycle::new(self.steps).into_violation()
    }
}
