//! The log of superseded versions, and what becomes of its entries.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::active::{Live, Stay};
use super::bag::Bag;
use super::trim::{Trimmed, trim, trim_held};
use crate::clock::CommitTs;
use crate::domain::Inner;
use crate::event::Event;
use crate::handle;
use crate::raw::context::Context;
use crate::raw::prefetch::AHEAD;
use crate::raw::retire::{self, BATCH, Ready};
use crate::raw::slab::{Numbered, SlotName};
use crate::raw::slot::{NodePtr, NodeRef, SlotRef};
use crate::sync::Ordering;

/// Entries that their snapshot has released, settled at once by whoever does nothing else: the
/// owner of the log is kept waiting for some tens of microseconds. After a transaction it is a batch,
/// or twice what that has superseded.
const AT_ONCE: usize = if cfg!(any(loom, shuttle)) { 2 } else { 256 };

/// Something a commit left behind in a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// By its name: it may have moved by the time when somebody looks.
    slot: SlotName,
    left: Left,
}

/// What a commit left behind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left {
    /// A version, seen by `[from, until)`.
    Version { from: CommitTs, until: CommitTs },
    /// A version over which another one was put at a past instant: whoever has a snapshot in
    /// `[from, end)` may have seen it, also after the instant of the other one. The end is
    /// [`NEVER`](CommitTs::NEVER) until the log is settled.
    Past { from: CommitTs, end: CommitTs },
    /// The slot itself, whose object was deleted.
    Object { deleted: CommitTs },
}

impl Entry {
    pub(crate) fn of(slot: Numbered, left: Left) -> Self {
        Self { slot: SlotName::of(slot), left }
    }
}

/// What the commits of one context left behind, until it is gone.
#[derive(Debug)]
pub(crate) struct SupersededLog {
    fresh: Vec<Entry>,
    /// Entries that could not be settled at the last look, for whatever reason.
    later: Vec<Entry>,
    /// Whether entries of these are without an end.
    endless: bool,
    /// Entries whose snapshot has ended: after an upgrade these are as many as there are objects.
    released: Bag<Entry>,
    /// Entries by the live snapshot that keeps them.
    kept: BTreeMap<CommitTs, Bag<Entry>>,
    retired: Vec<NodePtr>,
    /// How many versions commits have ended without an entry, since that was last told.
    ended: usize,
    /// Where it goes from the collector.
    ready: Arc<Ready>,
    live: Live,
}

impl SupersededLog {
    pub(crate) fn new(ready: Arc<Ready>) -> Self {
        Self {
            fresh: Vec::new(),
            later: Vec::new(),
            endless: false,
            released: Bag::default(),
            kept: BTreeMap::new(),
            retired: Vec::new(),
            ended: 0,
            ready,
            live: Live::default(),
        }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, entry: Entry) {
        self.fresh.push(entry);
    }

    /// A version was put at a past instant over the one stamped `from`.
    pub(crate) fn push_past(&mut self, slot: Numbered, from: CommitTs) {
        self.endless = true;
        self.push(Entry::of(slot, Left::Past { from, end: CommitTs::NEVER }));
    }

    /// What has come since the last time.
    pub(crate) fn fresh(&self) -> usize {
        self.fresh.len()
    }

    /// Whether it is time to settle.
    #[inline(always)]
    pub(crate) fn is_due(&self) -> bool {
        // Not together: a batch that is not quite full is retired with the next one.
        self.fresh.len() >= BATCH || self.ended >= BATCH || self.retired.len() >= BATCH
    }

    /// A commit has taken a version out of its chain that nobody sees.
    pub(crate) fn retire(&mut self, version: NodeRef<'_>) {
        self.retired.push(version.ptr());
    }

    /// A commit has ended a version that nobody sees.
    #[inline(always)]
    pub(crate) fn count_ended(&mut self) {
        self.ended += 1;
    }

    /// Trims what can be trimmed, and retires full batches, or, if `all`, everything trimmed.
    /// Whether there is more: of what snapshots have released, some goes each time, so that nobody
    /// waits for long.
    ///
    /// `me` is the context of the calling thread, which may be another one than this log's.
    pub(crate) fn settle(&mut self, inner: &Inner, me: &Context, all: bool) -> bool {
        self.tell_ended(inner, me);
        if self.is_empty() {
            return false;
        }
        self.end_past(inner);
        self.live.look(&inner.registry, &inner.clock);
        let work = mem::take(&mut self.later);
        let (live, released) = (&self.live, &mut self.released);
        self.kept.retain(|snapshot, entries| {
            let stays = live.contains(*snapshot);
            if !stays {
                released.append(entries);
            }
            stays
        });
        let mut due = Vec::with_capacity(self.fresh.len());
        for entry in work {
            due.extend(self.sort(entry, inner));
        }
        // More than has come since the last time, so that it becomes less.
        let some = if all { AT_ONCE } else { BATCH.max(2 * self.fresh.len()) };
        for _ in 0..some {
            let Some(entry) = self.released.pop() else { break };
            due.extend(self.sort(entry, inner));
        }
        let mut fresh = mem::take(&mut self.fresh);
        for entry in fresh.drain(..) {
            due.extend(self.sort(entry, inner));
        }
        self.fresh = fresh;
        self.end_due(&due, inner, me);
        if self.retired.len() >= BATCH || all && !self.retired.is_empty() {
            let batch = mem::replace(&mut self.retired, Vec::with_capacity(BATCH));
            let versions = batch.len();
            me.seat.counters.retired.add(versions);
            retire::retire(batch, &self.ready, &me.pin());
            inner.emit(|| Event::Retired { versions });
        }
        !self.released.is_empty()
    }

    /// Gives an end to the entries without: whoever begins after this tick sees the versions that
    /// were put over theirs. One tick for all: who puts one there goes to the clock's line for
    /// nothing else. At the end of all time there is none, and what lies below stays.
    fn end_past(&mut self, inner: &Inner) {
        if self.endless
            && let Some(now) = inner.clock.pass()
        {
            self.endless = false;
            for entry in self.fresh.iter_mut().chain(&mut self.later) {
                if let Left::Past { end, .. } = &mut entry.left {
                    *end = now.min(*end);
                }
            }
        }
    }

    /// Tells of the versions that commits have ended.
    fn tell_ended(&mut self, inner: &Inner, me: &Context) {
        let versions = mem::take(&mut self.ended);
        if versions > 0 {
            me.seat.counters.retired.add(versions);
            me.seat.counters.reclaimed.add(versions);
            inner.emit(|| Event::Retired { versions });
            inner.emit(|| Event::Reclaimed { versions });
        }
    }

    /// Puts an entry to what keeps it. If nothing does any more, it is due: then the entry, with its
    /// slot.
    fn sort(&mut self, entry: Entry, inner: &Inner) -> Option<(Numbered, Entry)> {
        let stay = match entry.left {
            Left::Version { from, until: end } | Left::Past { from, end } => {
                self.live.stay(from, end)
            }
            Left::Object { deleted } => self.live.any_before(deleted).then_some(Stay::TooNew),
        };
        match stay {
            Some(Stay::Seen(snapshot)) => self.kept.entry(snapshot).or_default().push(entry),
            Some(Stay::TooNew) => self.later.push(entry),
            // All slots of a log have been made, and lie somewhere.
            None => return inner.slots.named(entry.slot).map(|slot| (slot, entry)),
        }
        None
    }

    /// Ends what is due, with the memory of what comes next on its way: slots first, then the
    /// versions that their heads name, then those below.
    fn end_due(&mut self, due: &[(Numbered, Entry)], inner: &Inner, me: &Context) {
        for at in 0..due.len() + 3 * AHEAD {
            let ago = |steps: usize| due.get(at.checked_sub(steps * AHEAD)?);
            // Models do without: they would see more loads.
            if !cfg!(any(loom, shuttle)) {
                let slot = |steps| ago(steps).map(|(slot, _)| inner.slot(slot.slot));
                slot(0).inspect(|slot| slot.prefetch_to_write());
                slot(1).inspect(|slot| slot.prefetch_version());
                slot(2).inspect(|slot| slot.prefetch_below());
            }
            if let Some(&(slot, entry)) = ago(3)
                && !self.end_one(slot, entry.left, inner, me)
            {
                self.later.push(entry);
            }
        }
    }

    /// `false`: it is to be tried again.
    fn end_one(&mut self, slot: Numbered, left: Left, inner: &Inner, me: &Context) -> bool {
        let (of, ending) = match left {
            // That it lingers without an entry for that may be left over from an installation that
            // failed. Not so for the first version of a variable; and a variable that was in this
            // slot before had one with the same stamp.
            Left::Version { from, .. } => (from, (from != CommitTs::ZERO).then_some(from)),
            Left::Past { from, .. } => (from, Some(from)),
            Left::Object { .. } => return self.vacate(slot, inner, me),
        };
        let retired = &mut self.retired;
        let retire = |node: NodeRef<'_>| retired.push(node.ptr());
        trim(inner.slot(slot.slot), &self.live, of, ending, retire) == Trimmed::Done
    }

    /// Makes the slot of a deleted object, which no transaction can see any more, free for
    /// another object.
    fn vacate(&mut self, numbered: Numbered, inner: &Inner, me: &Context) -> bool {
        let slot: SlotRef<'_> = inner.slot(numbered.slot);
        let Some(newest) = slot.try_trim() else { return false };
        if let Some(newest) = newest {
            if std::iter::successors(newest.prev(), |node| node.prev()).any(NodeRef::lingers) {
                slot.unlock(Some(newest));
                return false;
            }
            let retired = &mut self.retired;
            trim_held(newest, &self.live, None, &mut |node| retired.push(node.ptr()));
            retired.push(newest.ptr());
        }
        // The generation moves on before the head is cleared, and with that before the next object
        // comes: who finds something here and then the old generation has found the old object.
        let meta = slot.meta();
        let next = handle::next_generation(meta.load(Ordering::Relaxed));
        meta.store(next, Ordering::Release);
        slot.vacate();
        if !handle::is_used_up(next) {
            me.slots.give(numbered, &inner.slots);
        }
        true
    }

    /// What was trimmed and not yet given to the collector.
    pub(crate) fn take_retired(&mut self) -> Vec<NodePtr> {
        mem::take(&mut self.retired)
    }

    fn is_empty(&self) -> bool {
        self.fresh.is_empty()
            && self.later.is_empty()
            && self.released.is_empty()
            && self.kept.is_empty()
            && self.retired.is_empty()
    }

    /// Versions that wait for a snapshot to end, or for the next look.
    pub(crate) fn len(&self) -> usize {
        let kept = self.kept.values().map(Bag::len).sum::<usize>();
        self.fresh.len() + self.later.len() + self.released.len() + kept
    }
}
