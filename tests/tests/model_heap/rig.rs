//! Operations, carried out on a heap and on the model, and compared.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use upgradable::collections::{OrderedMap, Queue, Sequence, TxHashMap};
use upgradable::{
    Abort, AccessError, Background, CommitTs, Heap, HeldSnapshot, Pace, PromoteError, Read,
    RollBackError, RunningUpgrade, TxError, Upgrade, UpgradeError, WaitError,
};

use super::draft::Draft;
use super::item::with_item;
use super::show::{Collections, Name, check_collections, show};
use super::state::{Flip, State, Step, Value};
use super::types::{Item1, Item2, Item3, Item4, Note, Pair1, Pair2};

/// An operation: what, and what with. Any bytes are one.
pub(crate) type Op = [u8; 4];

/// A roll back that may not be complete.
struct Back {
    running: RunningUpgrade,
    undone: CommitTs,
}

struct Rig {
    heap: Heap,
    collections: Collections,
    /// The objects in the order of their creation.
    names: Vec<Name>,
    numbers: HashMap<u64, usize>,
    now: State,
    flips: Vec<(Flip, RunningUpgrade)>,
    back: Option<Back>,
    holds: Vec<(HeldSnapshot, State)>,
    /// Upgrades so far.
    upgrades: usize,
}

/// Carries the operations out; all is compared now and then, and at the end.
pub(crate) fn run(ops: &[Op]) {
    let mut rig = Rig::new();
    for some in ops.chunks(16) {
        rig.run(some);
        rig.check();
    }
}

impl Rig {
    fn new() -> Self {
        let heap = Heap::new();
        let collections = heap
            .atomically(|tx| {
                Ok(Collections {
                    map: OrderedMap::create(tx)?,
                    hash: TxHashMap::create(tx)?,
                    sequence: Sequence::create(tx)?,
                    queue: Queue::create(tx)?,
                })
            })
            .unwrap();
        Self {
            heap,
            collections,
            names: Vec::new(),
            numbers: HashMap::new(),
            now: State::default(),
            flips: Vec::new(),
            back: None,
            holds: Vec::new(),
            upgrades: 0,
        }
    }

    fn run(&mut self, ops: &[Op]) {
        let mut at = 0;
        while let Some(&[what, a, b, c]) = ops.get(at) {
            at += 1;
            match what % 32 {
                0 => self.holds.push((self.heap.hold(), self.now.clone())),
                1 if !self.holds.is_empty() => {
                    drop(self.holds.swap_remove(usize::from(a) % self.holds.len()));
                }
                2 if !self.holds.is_empty() => {
                    let (hold, state) = &self.holds[usize::from(a) % self.holds.len()];
                    hold.read(|s| self.check_at(s, state));
                }
                3 | 4 => self.upgrade(a, b, c),
                5 => self.wait(),
                6 => self.promote(),
                7 | 8 => self.roll_back(),
                9 => self.repair(u64::from(a)),
                10 => drop(self.heap.compact()),
                11 => self.heap.reclaim(),
                12 => self.heap.snapshot(|s| self.check_at(s, &self.now)),
                // Several in one transaction.
                13..=16 => {
                    let upto = (at + usize::from(a) % 8).min(ops.len());
                    self.transaction(&ops[at..upto], b);
                    at = upto;
                }
                _ => self.transaction(&[[what, a, b, c]], 0),
            }
        }
    }

    /// Everything is as it should be: now, and at each instant that is held.
    fn check(&self) {
        self.heap.snapshot(|s| {
            self.check_at(s, &self.now);
            let items = with_item!(self.now.items, T => s.objects::<T>().count());
            assert_eq!(items, self.now.objects.values().filter(|value| value.is_item()).count());
            if self.back.is_none() {
                // Whoever looks at all items has converted them: their notes are there.
                assert_eq!(s.objects::<Note>().count(), self.now.notes);
            }
        });
        for (hold, state) in &self.holds {
            hold.read(|s| self.check_at(s, state));
        }
    }

    fn check_at(&self, reader: &impl Read, state: &State) {
        for (number, &name) in self.names.iter().enumerate() {
            let found = show(reader, name, state, &self.numbers);
            match state.objects.get(&number) {
                // One that has been deleted since: the upgrade is complete without it, and has
                // forgotten why it could not be transformed.
                Some(Value::Stuck { .. }) if !self.now.objects.contains_key(&number) => assert!(
                    matches!(found, Err(AccessError::Untransformed(_) | AccessError::NotYet(_))),
                    "{found:?}"
                ),
                Some(Value::Stuck { .. }) => {
                    assert!(matches!(found, Err(AccessError::Untransformed(_))), "{found:?}");
                }
                Some(value) => assert_eq!(found.as_ref(), Ok(value), "object {number}"),
                None => assert!(
                    matches!(found, Err(AccessError::Deleted | AccessError::Unborn)),
                    "{found:?}"
                ),
            }
        }
        check_collections(reader, self.collections, state, |number| self.names[number].bits);
    }

    fn transaction(&mut self, ops: &[Op], how: u8) {
        enum End {
            Cancelled,
        }
        let mut drafted = None;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.heap.try_atomically(|tx| {
                let mut draft = Draft {
                    state: self.now.clone(),
                    names: self.names.clone(),
                    numbers: self.numbers.clone(),
                    changed: Vec::new(),
                    collections: self.collections,
                    tx,
                };
                for (at, op) in ops.iter().enumerate() {
                    if at + 1 == ops.len() && how % 8 == 7 {
                        draft.undone(op);
                    } else {
                        draft.run(op);
                    }
                }
                match how % 8 {
                    0 if ops.len() > 1 => return Err(Abort::Cancel(End::Cancelled)),
                    1 if ops.len() > 1 => resume_unwind(Box::new("on purpose")),
                    _ => {}
                }
                drafted = Some((draft.state, draft.names, draft.numbers, draft.changed));
                Ok(())
            })
        }));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(TxError::Cancelled(End::Cancelled))) => return,
            Ok(Err(error)) => panic!("{:?}", error.access()),
            Err(payload) if payload.is::<&'static str>() && how % 8 == 1 => return,
            Err(payload) => resume_unwind(payload),
        }
        let (state, names, numbers, changed) = drafted.unwrap();
        (self.now, self.names, self.numbers) = (state, names, numbers);
        for (flip, _) in &mut self.flips {
            flip.changed.extend(&changed);
        }
    }

    fn upgrade(&mut self, step: u8, how: u8, pace: u8) {
        let step = match step % 4 {
            0 if self.now.items < 3 && self.now.pairs < 1 => Step::Both,
            0 | 1 if self.now.items < 3 => Step::Items,
            2 if self.now.pairs < 1 => Step::Pairs,
            _ => Step::Refresh,
        };
        self.upgrades += 1;
        let mut plan = Upgrade::to(format!("upgrade {}", self.upgrades));
        if step.moves_items() {
            plan = match self.now.items {
                0 => plan.migrate::<Item1, Item2>(),
                1 => plan.migrate::<Item2, Item3>(),
                _ => plan.migrate::<Item3, Item4>(),
            };
        }
        if step.moves_pairs() {
            plan = plan.migrate::<Pair1, Pair2>();
        }
        if step == Step::Refresh {
            plan = with_item!(self.now.items, T => plan.refresh::<T>());
        }
        plan = match how % 4 {
            0 => plan.eager(1 + usize::from(pace) % 3),
            1 => plan.background(Background::On(Pace::Full)),
            _ => plan.background(Background::Off),
        };
        let is_free = self.end_back();
        match self.heap.upgrade(plan) {
            Ok(running) => {
                assert!(is_free);
                let (number, before) = (self.upgrades, self.now.clone());
                self.now = before.flip(number, step);
                let flip = Flip { number, step, before, changed: Default::default() };
                self.flips.push((flip, running));
            }
            Err(UpgradeError::RollingBack) => assert!(!is_free),
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for the roll back, unless a snapshot of what it undoes is held. Whether none is left.
    fn end_back(&mut self) -> bool {
        let Some(back) = &self.back else { return true };
        let undone = back.undone..back.running.flipped_at();
        if self.holds.iter().any(|(hold, _)| undone.contains(&hold.at())) {
            return false;
        }
        // What an earlier upgrade was stuck with may have been deleted since.
        for (_, running) in &self.flips {
            running.retry_failed();
        }
        back.running.wait().unwrap();
        self.back = None;
        true
    }

    /// Waits for all upgrades, earliest first.
    fn wait(&self) {
        let mut stuck = false;
        for (flip, running) in &self.flips {
            stuck |= self.now.is_stuck_by(flip.number);
            running.retry_failed();
            match running.wait() {
                Ok(()) => assert!(!stuck),
                Err(WaitError::Failed(_)) => assert!(stuck),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn promote(&mut self) {
        if let [_, .., (_, last)] = &self.flips[..] {
            let refused = last.promote();
            assert!(
                matches!(
                    refused,
                    Err(PromoteError::NotEarliest { .. } | PromoteError::Incomplete { .. })
                ),
                "{refused:?}"
            );
        }
        self.wait();
        let Some((flip, running)) = self.flips.first() else { return };
        match running.promote() {
            Ok(()) => {
                assert!(!self.now.is_stuck_by(flip.number));
                self.flips.remove(0);
            }
            Err(PromoteError::Incomplete { .. }) => assert!(self.now.is_stuck_by(flip.number)),
            Err(error) => panic!("{error}"),
        }
    }

    fn roll_back(&mut self) {
        let is_free = self.end_back();
        if let [.., (_, earlier), _] = &self.flips[..] {
            let refused = earlier.roll_back().map(drop);
            assert!(matches!(refused, Err(RollBackError::NotNewest { .. })), "{refused:?}");
        }
        // One that waits for something stuck in an earlier upgrade would never end.
        let earlier = &self.flips[..self.flips.len().saturating_sub(1)];
        if earlier.iter().any(|(flip, _)| self.now.is_stuck_by(flip.number)) {
            return;
        }
        let Some((flip, running)) = self.flips.pop() else { return };
        if !is_free {
            // The newest flip is that of the roll back.
            let refused = running.roll_back().map(drop);
            assert!(matches!(refused, Err(RollBackError::NotNewest { .. })), "{refused:?}");
            self.flips.push((flip, running));
            return;
        }
        let undone = running.flipped_at();
        self.back = Some(Back { running: running.roll_back().unwrap(), undone });
        self.now = self.now.roll_back(&flip);
        // For the upgrades before it, what has changed before has changed.
        self.end_back();
    }

    /// Gives an object that is stuck a value by hand.
    fn repair(&mut self, n: u64) {
        let Some((flip, running)) = self.flips.last() else { return };
        let by = flip.number;
        let is_stuck =
            |value: &Value| matches!(value, Value::Stuck { by: stuck, .. } if *stuck == by);
        let stuck = self.now.objects.iter().find(|(_, value)| is_stuck(value));
        let Some((&number, _)) = stuck else { return };
        if self.back.is_some() {
            return;
        }
        // One that nobody has touched has not failed yet.
        let object = self.names[number].of::<Item2>();
        assert!(self.heap.snapshot(|s| s.read(object).is_err()));
        running.repair(object, Item2 { n }).unwrap();
        // As of the flip: also for those who look at an instant since then.
        let states = self.holds.iter_mut().map(|(_, state)| state).chain([&mut self.now]);
        for value in states.filter_map(|state| state.objects.get_mut(&number)) {
            if is_stuck(value) {
                *value = Value::Item2 { n };
            }
        }
    }
}
