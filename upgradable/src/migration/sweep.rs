//! Background migration: the sweeper, and how a migration becomes complete.
//!
//! One sweeper works for a heap, in passes over all slots. A migration is complete after a pass
//! that found it begun, behind closed doors: no late writer was inside since the pass began.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use upgradable_stm::{AccessError, CommitTs, Handle};

use super::record::Migration;
use super::state::UpgradeState;
use crate::heap::HeapInner;
use crate::sync::{AtomicBool, Condvar, Mutex, Ordering};
use crate::upgrade::Pace;

/// Slots touched under one snapshot.
const BATCH: u32 = if cfg!(chaos) { 1 } else { 256 };
/// How long the sweeper works at a stretch before it looks at its pace.
const STRETCH: Duration = Duration::from_micros(200);
/// How long the sweeper leaves old transactions alone, so that they may commit late.
const HEAD_START: Duration = Duration::from_millis(2);
/// What it takes somebody at work to bring a version home, about.
const HOMECOMING: Duration = Duration::from_nanos(300);
/// What it takes the sweeper to look which of some slots have versions away from home, at most.
const GLANCE: Duration = Duration::from_micros(200);
/// A rest that is too long to try to tidy the heap once more.
const LONGEST_REST: Duration = Duration::from_millis(700);
/// Between looks at what keeps a migration from being complete.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// The background migration of a heap, and how it is steered.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    running: Mutex<bool>,
    woken: Condvar,
    paused: AtomicBool,
    /// The last flip that is over and whose traces have not been tidied, or none.
    untidy: Mutex<Option<CommitTs>>,
    pace: Mutex<Pace>,
    /// Held by whoever looks, after a pass, whether anything is left.
    ending: Mutex<()>,
}

impl Sweeper {
    pub(crate) fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        *self.pace.lock() = pace;
        self.wake();
    }

    /// Wakes the sweeper, if it sleeps.
    pub(crate) fn wake(&self) {
        let _running = self.running.lock();
        self.woken.notify_all();
    }

    fn sleep(&self, time: Duration) {
        let mut running = self.running.lock();
        self.woken.wait_for(&mut running, time);
    }

    /// Has the heap tidied when nothing is under way: a migration of this flip, or of an earlier one,
    /// is complete or promoted.
    pub(crate) fn tidy_after(&self, flip: CommitTs, heap: &Arc<HeapInner>) {
        self.leave_untidy(flip);
        self.start(heap);
    }

    /// Leaves it to the next time.
    fn leave_untidy(&self, flip: CommitTs) {
        let mut untidy = self.untidy.lock();
        *untidy = Some(untidy.map_or(flip, |other| other.max(flip)));
    }

    /// Starts the sweeper, unless it runs. Without a thread the work is left to touches, and to
    /// whoever waits for the migration's end.
    pub(crate) fn start(&self, heap: &Arc<HeapInner>) {
        let mut running = self.running.lock();
        if *running {
            self.woken.notify_all();
            return;
        }
        let heap = Arc::downgrade(heap);
        let sweeper = thread::Builder::new().name("sweeper".into());
        *running = sweeper.spawn(move || run(&heap)).is_ok();
    }

    /// Whether there is a sweeper.
    pub(crate) fn is_running(&self) -> bool {
        *self.running.lock()
    }
}

fn run(heap: &Weak<HeapInner>) {
    let _running = Running(heap);
    thread::sleep(HEAD_START);
    loop {
        let Some(heap) = heap.upgrade() else { return };
        // Its end under the lock under which it is started.
        let mut running = heap.sweeper.running.lock();
        if !heap.is_migrating() {
            let Some(flip) = heap.sweeper.untidy.lock().take() else {
                *running = false;
                return;
            };
            drop(running);
            heap.tidy(flip);
            continue;
        }
        drop(running);
        if heap.sweeper.is_paused() {
            heap.sweeper.sleep(BETWEEN_LOOKS);
        } else if !heap.pass(true) {
            // While it waits it tidies a little: an earlier upgrade may have been promoted.
            let _is_more = heap.domain.reclaim_some();
            heap.sweeper.sleep(BETWEEN_LOOKS);
        }
    }
}

/// The sweeper's thread. If it panics, as an observer can make it do, it does not count as running
/// any more, and whoever waits does its work.
struct Running<'h>(&'h Weak<HeapInner>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if thread::panicking()
            && let Some(heap) = self.0.upgrade()
        {
            *heap.sweeper.running.lock() = false;
        }
    }
}

/// Whether the sweeper has work to do for it.
fn is_under_way(flip: &Migration) -> bool {
    flip.life.get() == UpgradeState::Migrating
}

/// What a pass found when it began.
struct Pass {
    flips: Vec<Found>,
}

struct Found {
    flip: Arc<Migration>,
    /// Late writers let in so far.
    admitted: u64,
    /// Conversions for the flip that it undoes that were revivals, ended so far.
    revived: u64,
    /// Whether nobody was left who could bring back what this pass converts.
    alone: bool,
    /// Whether an earlier flip was unfinished: its transformers may have created objects, in slots
    /// that this pass has behind it, which this flip converts.
    behind: bool,
}

impl HeapInner {
    /// Compacts the heap after this flip; while transactions are in the way, again and again for a
    /// while. What the program has written since then lies where its writes put it.
    fn tidy(self: &Arc<Self>, flip: CommitTs) {
        let mut stretch = Instant::now();
        if !self.reclaim_at_pace(&mut stretch) {
            self.sweeper.leave_untidy(flip);
            return;
        }
        let bring_home = |brought: usize, took: Duration| {
            // Waiting is no work; what others do for it is.
            let brought = u32::try_from(brought).unwrap_or(u32::MAX);
            let worked = HOMECOMING.saturating_mul(brought).saturating_add(GLANCE);
            stretch += took.saturating_sub(worked);
            self.rest(&mut stretch) && !self.is_migrating()
        };
        if !self.bring_home(flip, bring_home) {
            self.sweeper.leave_untidy(flip);
            return;
        }
        let go_on = |_| self.rest(&mut stretch) && !self.is_migrating();
        let mut done = self.compact(flip, go_on);
        let mut rest = BETWEEN_LOOKS;
        while !done && rest < LONGEST_REST {
            let until = Instant::now() + rest;
            while Instant::now() < until {
                if Arc::strong_count(self) == 1 {
                    return;
                }
                if self.is_migrating() {
                    // After that.
                    self.sweeper.leave_untidy(flip);
                    return;
                }
                self.sweeper.sleep(BETWEEN_LOOKS);
            }
            stretch = Instant::now();
            done = self.rehouse(|_| self.rest(&mut stretch) && !self.is_migrating());
            rest *= 2;
        }
    }

    /// Drops what no snapshot sees, keeping the pace. `false`: the heap is going, or there is a
    /// migration to go on with.
    fn reclaim_at_pace(self: &Arc<Self>, stretch: &mut Instant) -> bool {
        while self.domain.reclaim_some() {
            if !self.rest(stretch) || self.is_migrating() {
                return false;
            }
        }
        true
    }

    fn is_migrating(&self) -> bool {
        self.migrations.flips().iter().any(|flip| is_under_way(flip))
    }

    /// One pass over all slots. Whether anything became complete, or there was nothing to do.
    ///
    /// In the background it keeps the pace, and ends early when the heap is about to go.
    pub(crate) fn pass(self: &Arc<Self>, background: bool) -> bool {
        let flips = self.migrations.flips();
        // A flip that is entered and has not happened yet is none of this pass: what is swept
        // before it happens is not converted by it.
        let now = self.domain.now();
        let under_way = flips.into_iter().filter(|flip| is_under_way(flip) && flip.flip() <= now);
        let pass = Pass { flips: under_way.map(|flip| self.find(flip)).collect() };
        if pass.flips.is_empty() {
            return true;
        }
        for Found { flip, .. } in &pass.flips {
            // Who saw the undone flip may have created things of further kinds since.
            if !flip.orphans().is_empty() {
                self.migrations.set_floors(&self.domain, flip);
            }
        }
        // Waiting for old transactions to end, or for an earlier flip to be mended: another pass
        // would find nothing new.
        let waits = |found: &Found| !found.alone || found.behind;
        if pass.flips.iter().all(|found| waits(found) && found.flip.tally.passes.get() > 0) {
            return false;
        }
        let mut last = 0;
        // Slots made while the pass runs hold nothing from before the flips, but for what late
        // writers create: they count as admitted.
        let slots = self.domain.slots();
        for Found { flip, .. } in &pass.flips {
            flip.tally.passes.add(1);
            flip.tally.slots.set(u64::from(slots));
        }
        let mut stretch = Instant::now();
        while last < slots {
            let upto = last.saturating_add(BATCH).min(slots);
            self.domain.sweep(last..upto);
            #[cfg(chaos)]
            upgradable_stm::chaos::falter();
            self.delete_orphans(&pass);
            if self.migrations.unwanted.load(Ordering::Relaxed) && self.roll_back_unwanted() {
                // What is left now goes the other way.
                return true;
            }
            last = upto;
            for Found { flip, .. } in &pass.flips {
                flip.tally.swept.set(u64::from(last));
            }
            if background && !self.rest(&mut stretch) {
                return true;
            }
        }
        let has_ended = self.end_pass(&pass);
        if has_ended && background {
            self.reclaim_at_pace(&mut stretch);
        } else if has_ended {
            self.domain.reclaim();
        }
        has_ended
    }

    /// What a pass finds of a flip when it begins.
    fn find(&self, flip: Arc<Migration>) -> Found {
        let (admitted, alone) = (flip.late.admitted(), self.is_alone(&flip));
        let behind = self.is_behind(&flip);
        let revived = flip.undoes.as_ref().map_or(0, |undone| {
            // Ways back that read others look at the undone era themselves.
            if alone && !flip.reads_others {
                undone.revivals.end();
            }
            undone.revivals.ended()
        });
        Found { flip, admitted, revived, alone, behind }
    }

    /// Sleeps as the pace and a pause demand. `false`: the heap is going.
    fn rest(self: &Arc<Self>, stretch: &mut Instant) -> bool {
        let worked = stretch.elapsed();
        if worked < STRETCH && !self.sweeper.is_paused() {
            return true;
        }
        let pace = *self.sweeper.pace.lock();
        let rest = pace.rest_after(worked, u64::from(BATCH));
        if !rest.is_zero() {
            self.sweeper.sleep(rest);
        }
        while self.sweeper.is_paused() && Arc::strong_count(self) > 1 {
            self.sweeper.sleep(BETWEEN_LOOKS);
        }
        *stretch = Instant::now();
        Arc::strong_count(self) > 1
    }

    /// Deletes objects that only an undone program knew.
    fn delete_orphans(&self, pass: &Pass) {
        for Found { flip, .. } in &pass.flips {
            let orphans = std::mem::take(&mut *flip.orphaned.lock());
            // What the transformers of an earlier flip have created is from before the undone one,
            // even if it was not there when that began.
            let is_orphan = |&orphan: &Handle| {
                flip.undoes.as_ref().is_none_or(|undone| undone.predates(orphan))
            };
            let (orphans, spared): (Vec<_>, Vec<_>) = orphans.into_iter().partition(is_orphan);
            for object in spared {
                if let Ok(version) = self.domain.snapshot(|s| s.version(object)) {
                    flip.spared.lock().push(version.kind);
                }
            }
            if orphans.is_empty() {
                continue;
            }
            let _ = self.domain.try_atomically::<_, ()>(|tx| {
                for &orphan in &orphans {
                    // Whoever was faster has deleted it.
                    let _ = tx.delete(orphan);
                }
                Ok(())
            });
        }
    }

    /// Has a thread go on with the migration.
    pub(crate) fn migrate_in_background(self: &Arc<Self>) {
        self.sweeper.start(self);
    }

    /// Has a thread tidy the heap after this flip when nothing is under way.
    pub(crate) fn tidy_in_background(self: &Arc<Self>, flip: CommitTs) {
        self.sweeper.tidy_after(flip, self);
    }

    /// Whether some migration became complete.
    fn end_pass(self: &Arc<Self>, pass: &Pass) -> bool {
        let (mut ended, mut completed) = (false, None);
        let ending = self.sweeper.ending.lock();
        for Found { flip, admitted, revived, alone, behind } in &pass.flips {
            // Another pass may have ended it.
            if !is_under_way(flip) {
                continue;
            }
            flip.late.close();
            while !flip.late.is_empty() {
                thread::yield_now();
            }
            if flip.late.admitted() != *admitted || !alone || *behind {
                break;
            }
            // What was revived meanwhile, and what was created with it, may be in slots that this
            // pass had behind it.
            if let Some(undone) = &flip.undoes
                && !undone.revivals.end_after(*revived)
            {
                break;
            }
            self.retry_failures(flip);
            let upgrading = self.upgrading.lock();
            // It may have been rolled back meanwhile.
            if is_under_way(flip) {
                if flip.failures.len() > 0 {
                    flip.now(UpgradeState::Stalled);
                } else {
                    self.complete(flip);
                    completed = completed.max(Some(flip.flip()));
                }
            }
            drop(upgrading);
            ended = true;
        }
        drop(ending);
        if let Some(flip) = completed
            && !self.is_migrating()
        {
            // What has been converted lies beside its place, in which the old version is; or, after
            // a roll back, was there twice.
            self.tidy_in_background(flip);
        }
        ended
    }

    /// Whether no transaction of an era that is undone is left: it might convert an object yet,
    /// for itself.
    fn is_alone(&self, flip: &Migration) -> bool {
        let undone = flip.undoes.as_ref().map(|undone| undone.flip());
        let before = CommitTs::from_bits(flip.flip().to_bits() - 1);
        !undone.is_some_and(|undone| self.domain.has_snapshots(undone, before))
    }

    /// Whether an earlier flip has come to a halt: this one can't be complete before it.
    pub(crate) fn is_held_up(&self, flip: &Migration) -> bool {
        let stalled = |other: &Arc<Migration>| other.life.get() == UpgradeState::Stalled;
        self.migrations.flips().iter().any(|other| other.flip() < flip.flip() && stalled(other))
    }

    /// Whether an earlier flip is unfinished: what it converts, this one converts after it.
    fn is_behind(&self, flip: &Arc<Migration>) -> bool {
        let undone = |other: &Arc<Migration>| {
            flip.undoes.as_ref().is_some_and(|undone| Arc::ptr_eq(undone, other))
        };
        self.migrations.flips().iter().any(|other| {
            other.flip() < flip.flip()
                && other.life.get() != UpgradeState::Complete
                && !undone(other)
        })
    }

    /// Looks again at the objects that could not be converted.
    fn retry_failures(&self, flip: &Migration) {
        for failure in flip.failures.all() {
            self.look_again(flip, Handle::from_bits(failure.object()));
        }
    }

    /// Looks again at an object that could not be converted: if nothing stands in the way any
    /// more it has been converted, or it is gone.
    pub(crate) fn look_again(&self, flip: &Migration, object: Handle) {
        if self.domain.touch(object) != Err(AccessError::Refused) {
            flip.failures.strike(object);
        }
    }

    /// Nothing is left to convert.
    fn complete(&self, flip: &Arc<Migration>) {
        match &flip.undoes {
            None => {
                flip.finish();
                if flip.irreversible.is_some() {
                    flip.forget_before();
                }
                self.migrations.set_floors(&self.domain, flip);
                flip.now(UpgradeState::Complete);
            }
            Some(undone) => {
                let orphans = flip.orphans();
                self.migrations.remove(&[undone, flip]);
                self.migrations.set_floors(&self.domain, undone);
                self.migrations.set_floors(&self.domain, flip);
                let spared = std::mem::take(&mut *flip.spared.lock());
                let gone = orphans.into_iter().filter(|kind| !spared.contains(kind));
                self.migrations.types.forget(&gone.collect::<Vec<_>>());
                undone.end();
                flip.end();
                undone.life.set(UpgradeState::RolledBack);
                flip.now(UpgradeState::RolledBack);
            }
        }
    }
}
