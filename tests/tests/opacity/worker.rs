//! What a thread does: one random transaction after the other.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
use std::time::Duration;

use upgradable_stm::{CommitTs, Retry, Seq, Stop, Tx};
use upgradable_tests::history::record::ThreadLog;
use upgradable_tests::random::Random;

use super::world::{Held, Item, Name, Place, Value, World};

/// Held snapshots that wait to be read.
const HELD_MAX: usize = 6;

/// How deep parts of transactions are nested.
const DEPTH_MAX: u32 = 2;

#[derive(Debug)]
pub(crate) struct Worker<'w> {
    world: &'w World,
    random: Random,
    log: ThreadLog,
    /// For read-only transactions inside of others.
    inner_log: ThreadLog,
}

/// What the payload of a panic inside a transaction is, to be told from those of failed tests.
struct Planned;

impl<'w> Worker<'w> {
    pub(crate) fn new(world: &'w World, random: Random) -> Self {
        let (log, inner_log) = (world.recorder.thread(), world.recorder.thread());
        Self { world, random, log, inner_log }
    }

    pub(crate) fn run(mut self, transactions: u64) {
        for _ in 0..transactions {
            match self.random.below(64) {
                0..40 => self.update(),
                40..56 => self.snapshot(),
                56..59 => self.hold(),
                59..63 => self.read_held(),
                _ => self.world.domain.reclaim(),
            }
        }
    }

    /// Lets others come in between.
    fn pause(random: &mut Random) {
        match random.below(16) {
            0 => thread::yield_now(),
            1 => (0..random.below(500)).for_each(|_| std::hint::spin_loop()),
            _ => {}
        }
    }

    fn snapshot(&mut self) {
        let Self { world, random, log, .. } = self;
        log.begin();
        let at = world.domain.snapshot(|s| {
            for _ in 0..=random.below(5) {
                Self::pause(random);
                world.read(s, log, world.any_place(random));
            }
            s.at()
        });
        log.commit_read_only(at.to_bits());
    }

    fn hold(&mut self) {
        let mut log = self.world.recorder.thread();
        log.begin();
        let snapshot = self.world.domain.hold();
        self.put_back(Held { snapshot, log });
    }

    fn put_back(&mut self, held: Held) {
        let mut all = self.world.held.lock().unwrap();
        all.push(held);
        let surplus = (all.len() > HELD_MAX).then(|| all.swap_remove(0));
        drop(all);
        surplus.into_iter().for_each(Held::end);
    }

    /// Reads from a held snapshot, whoever has held it.
    fn read_held(&mut self) {
        let Self { world, random, .. } = self;
        let mut all = world.held.lock().unwrap();
        let Some(last) = all.len().checked_sub(1) else { return };
        let mut held = all.swap_remove(random.below(last as u32 + 1) as usize);
        drop(all);
        let Held { snapshot, log } = &mut held;
        snapshot.read(|s| {
            assert_eq!(s.at(), snapshot.at());
            for _ in 0..=random.below(3) {
                Self::pause(random);
                world.read(s, log, world.any_place(random));
            }
        });
        if random.one_in(4) { held.end() } else { self.put_back(held) }
    }

    /// Runs an update transaction to its end, whichever it is.
    fn update(&mut self) {
        let Self { world, random, log, inner_log } = self;
        let timeout = random.one_in(16).then(|| Duration::from_micros(random.below(200).into()));
        let mut transaction = world.domain.transaction();
        if let Some(timeout) = timeout {
            transaction = transaction.timeout(timeout);
        }
        let mut at = CommitTs::ZERO;
        log.begin();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            transaction.run(|tx| {
                log.enter();
                at = tx.at();
                let mut part = Part { world, tx, random, log, inner_log, depth: 0 };
                part.steps();
                let end = part.end(timeout.is_some());
                log.leave();
                end
            })
        }));
        match outcome {
            Ok(Ok(committed)) if committed.wrote => {
                let ts = committed.ts;
                assert!(ts > at, "a commit at {ts} saw {at}");
                assert_eq!(ts.era(), at.era(), "a transaction that saw {at} committed at {ts}");
                if ts.seq() == Seq::MAX {
                    log.commit_late(ts.to_bits());
                } else {
                    log.commit(ts.to_bits());
                }
            }
            Ok(Ok(committed)) => {
                assert_eq!(committed.ts, at);
                log.commit_read_only(at.to_bits());
            }
            Ok(Err(_)) => log.abort(),
            Err(payload) if payload.is::<Planned>() => log.abort(),
            Err(payload) => resume_unwind(payload),
        }
    }
}

/// One execution of an update transaction's closure, or a part of it.
struct Part<'p, 'tx> {
    world: &'p World,
    tx: &'p Tx<'tx>,
    random: &'p mut Random,
    log: &'p mut ThreadLog,
    inner_log: &'p mut ThreadLog,
    depth: u32,
}

impl Part<'_, '_> {
    fn steps(&mut self) {
        for _ in 0..=self.random.below(4) {
            Worker::pause(self.random);
            self.step();
        }
    }

    fn step(&mut self) {
        let place = self.world.any_place(self.random);
        match self.random.below(32) {
            0..10 => self.world.read(self.tx, self.log, place),
            10..18 => self.write(place),
            18..24 => self.modify(place),
            24..26 => self.create_anew(),
            26..28 => self.snapshot(),
            28..30 if self.depth < DEPTH_MAX => self.nested(),
            30..32 if self.depth < DEPTH_MAX => self.alternatives(),
            _ => {}
        }
    }

    /// How the closure ends.
    fn end(&mut self, may_block: bool) -> Result<(), Stop<&'static str>> {
        Worker::pause(self.random);
        if self.random.one_in(self.world.shape.era_length) {
            // From here, so that at least one transaction comes too late.
            self.world.advance_era();
        }
        match self.random.below(64) {
            0 | 1 => Err(Stop::Cancel("changed its mind")),
            2 => resume_unwind(Box::new(Planned)),
            3..32 if may_block => Err(self.tx.retry().into()),
            _ => Ok(()),
        }
    }

    /// Writes without looking, as far as what is there does not matter.
    fn write(&mut self, place: Place) {
        let Self { world, tx, log, random, .. } = self;
        let number = log.fresh_value();
        let value = Value::new(number);
        match place {
            Place::Variable(index) if random.one_in(4) => {
                let before = tx.replace(world.variable(index), value);
                log.read(world.object(place), before.number());
            }
            Place::Variable(index) => tx.write(world.variable(index), value),
            Place::Item(_) => {
                world.touch::<Item>(world.handle(place), tx.at());
                tx.put(world.handle(place), Item(value)).expect("items are never deleted");
            }
            Place::Name(_) => {
                let name = world.read_name(*tx, log, place);
                let (handle, object) = (name.handle, name.object);
                let name = Name { value, handle, object };
                tx.put(world.handle(place), name).expect("names are never deleted");
            }
        }
        log.write(world.object(place), number);
    }

    /// Writes in place of what is there.
    fn modify(&mut self, place: Place) {
        let Self { world, tx, log, .. } = self;
        let number = log.fresh_value();
        let (object, before) = match place {
            Place::Variable(index) => {
                let change = |value: &mut Value| std::mem::replace(value, Value::new(number));
                (world.object(place), tx.modify(world.variable(index), change))
            }
            Place::Item(_) | Place::Name(_) => {
                let (object, handle) = if let Place::Name(_) = place {
                    let name = world.read_name(*tx, log, place);
                    (name.object, name.handle)
                } else {
                    (world.object(place), world.handle(place))
                };
                world.touch::<Item>(handle, tx.at());
                let change = |item: &mut Item| std::mem::replace(&mut item.0, Value::new(number));
                match tx.update(handle, change) {
                    Ok(before) => (object, before),
                    Err(error) => panic!("{} has half of a change: {error}", tx.at()),
                }
            }
        };
        log.read(object, before.number());
        log.write(object, number);
    }

    /// Deletes the object that a name names, and names another one.
    fn create_anew(&mut self) {
        let Self { world, tx, log, random, .. } = self;
        let Some(place) = world.any_name(random) else { return };
        let old = world.read_name(*tx, log, place);
        world.touch::<Item>(old.handle, tx.at());
        tx.delete(old.handle).expect("names and what they name change together");
        let [number, of_name] = [(); 2].map(|()| log.fresh_value());
        let (object, handle) = (world.new_object(), tx.create(Item(Value::new(number))));
        log.write(object, number);
        let name = Name { value: Value::new(of_name), handle, object };
        tx.put(world.handle(place), name).expect("names are never deleted");
        log.write(world.object(place), of_name);
        assert!(tx.get::<Item>(old.handle).is_err(), "it was deleted");
    }

    /// A read-only transaction of its own, which sees another instant.
    fn snapshot(&mut self) {
        let Self { world, random, inner_log, tx, .. } = self;
        inner_log.begin();
        let at = world.domain.snapshot(|s| {
            for _ in 0..=random.below(2) {
                world.read(s, inner_log, world.any_place(random));
            }
            s.at()
        });
        inner_log.commit_read_only(at.to_bits());
        assert!(at >= tx.at());
    }

    /// The same, for a part that runs inside of a closure.
    fn deeper(&mut self, tx: &Tx<'_>) {
        let Self { world, random, log, inner_log, depth, .. } = self;
        Part { world, tx, random, log, inner_log, depth: *depth + 1 }.steps();
    }

    /// A part that may be undone.
    fn nested(&mut self) {
        let (savepoint, tx) = (self.log.savepoint(), self.tx);
        let result = tx.nested(|tx| {
            self.deeper(tx);
            if self.random.one_in(2) { Err("changed its mind") } else { Ok(()) }
        });
        if result.is_err() {
            self.log.undo_to(savepoint);
        }
    }

    /// Two parts, of which the first is mostly undone.
    fn alternatives(&mut self) {
        let (savepoint, tx) = (self.log.savepoint(), self.tx);
        let part = RefCell::new(self);
        let first = |tx: &Tx<'_>| {
            let mut part = part.borrow_mut();
            part.deeper(tx);
            if part.random.one_in(3) { Ok(()) } else { Err(tx.retry()) }
        };
        let second = |tx: &Tx<'_>| {
            let mut part = part.borrow_mut();
            part.log.undo_to(savepoint);
            part.deeper(tx);
            Ok::<_, Retry>(())
        };
        tx.or_else(first, second).unwrap_or_else(|_| unreachable!("the second does not block"));
    }
}
