//! What the threads of a round do, and how they write it down.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use upgradable::{Abort, AccessError, HeldSnapshot, Read, Tx, TxError};
use upgradable_tests::oracle::{Attempt, Lineage, Link, Op, Payload, Version, era};
use upgradable_tests::random::Random;

use crate::run::{Shared, linger, names, part, writer};
use crate::types;

/// The first objects.
pub(crate) fn populate(shared: &Shared, random: &mut Random, parts_known: bool) -> Attempt {
    let heap = &shared.heap;
    let committed = heap.transaction().run(|tx| {
        let mut notes = Notes::new(shared, u32::MAX, 0, tx.at().to_bits());
        let mut objects: Vec<Link> = Vec::new();
        for n in 0..shared.shape.objects {
            let lineage = if n % 3 == 2 { Lineage::Leaf } else { Lineage::Node };
            let payload = payload(shared, random, |random| match objects.len() {
                0 => None,
                len => Some(objects[random.below(len as u32) as usize]),
            });
            objects.extend(notes.create(tx, lineage, payload));
        }
        if parts_known {
            notes.create(tx, Lineage::Part, Arc::default());
        }
        *shared.objects.lock().unwrap() = objects;
        Ok::<_, Abort<Infallible>>(notes)
    });
    let committed = committed.unwrap();
    committed.value.committed(committed.ts.to_bits())
}

fn payload(
    shared: &Shared,
    random: &mut Random,
    link: impl Fn(&mut Random) -> Option<Link>,
) -> Arc<Payload> {
    let links = (0..random.below(4)).filter_map(|_| link(random)).collect();
    Arc::new(Payload {
        n: i64::from(random.below(1_000)),
        writer: writer(shared),
        recipe: random.below(u32::MAX),
        links,
        ..Payload::default()
    })
}

/// Reads all objects.
pub(crate) fn look_at_all(shared: &Shared) -> Attempt {
    let not_before = shared.is_over();
    shared.heap.snapshot(|s| look(shared, s, not_before, &names(shared)))
}

/// Reads all objects at an instant of the past.
pub(crate) fn look_back_at_all(shared: &Shared, held: &HeldSnapshot) -> Attempt {
    held.read(|s| look(shared, s, 0, &names(shared)))
}

fn look(shared: &Shared, s: &impl Read, not_before: u64, objects: &[Link]) -> Attempt {
    let mut notes = Notes::new(shared, u32::MAX, not_before, s.at().to_bits());
    for &object in objects {
        notes.read_with_parts(s, object);
    }
    notes.attempt
}

/// One attempt, as it is written down.
#[derive(Debug)]
struct Notes {
    attempt: Attempt,
    versions: [Version; 3],
}

impl Notes {
    fn new(shared: &Shared, thread: u32, not_before: u64, at: u64) -> Self {
        let attempt = Attempt { thread, not_before, at, ops: Vec::new(), committed: None };
        Self { attempt, versions: shared.versions(era(at)) }
    }

    fn committed(self, ts: u64) -> Attempt {
        Attempt { committed: Some(ts), ..self.attempt }
    }

    fn version(&self, lineage: Lineage) -> Version {
        self.versions[lineage.index()]
    }

    /// Notes a read, or that there was nothing to be read.
    fn note<T>(
        &mut self,
        link: Link,
        read: Result<T, AccessError>,
        what: impl Fn(&T) -> Arc<Payload>,
    ) -> Option<T> {
        let version = self.version(link.lineage);
        let (got, found) = match read {
            Ok(found) => (Some(what(&found)), Some(found)),
            Err(AccessError::Deleted | AccessError::Unborn) => (None, None),
            Err(error) => {
                self.attempt.ops.push(Op::Fault(format!("{link:?}: {error}")));
                return None;
            }
        };
        self.attempt.ops.push(Op::Read { link, version, got });
        found
    }

    fn read(&mut self, reader: &impl Read, link: Link) -> Option<Arc<Payload>> {
        let read = types::read(reader, link, self.version(link.lineage));
        self.note(link, read, Arc::clone)
    }

    fn read_with_parts(&mut self, reader: &impl Read, link: Link) {
        let Some(payload) = self.read(reader, link) else { return };
        for id in payload.path.iter().filter_map(|record| record.part) {
            self.read(reader, part(id));
        }
    }

    fn modify(&mut self, tx: &Tx<'_>, link: Link, change: impl Fn(&mut Payload)) {
        let modified = types::modify(tx, link, self.version(link.lineage), change);
        if let Some((_, payload)) = self.note(link, modified, |(before, _)| Arc::clone(before)) {
            self.attempt.ops.push(Op::Write { object: link.object, payload });
        }
    }

    fn write(&mut self, tx: &Tx<'_>, link: Link, payload: Arc<Payload>) {
        match types::write(tx, link, self.version(link.lineage), &payload) {
            Ok(()) => self.attempt.ops.push(Op::Write { object: link.object, payload }),
            Err(error) => drop(self.note(link, Err::<Arc<Payload>, _>(error), Arc::clone)),
        }
    }

    fn delete(&mut self, tx: &Tx<'_>, link: Link) {
        if self.read(tx, link).is_some() {
            match types::delete(tx, link, self.version(link.lineage)) {
                Ok(()) => self.attempt.ops.push(Op::Delete { object: link.object }),
                Err(error) => self.attempt.ops.push(Op::Fault(format!("{link:?}: {error}"))),
            }
        }
    }

    fn create(&mut self, tx: &Tx<'_>, lineage: Lineage, payload: Arc<Payload>) -> Option<Link> {
        match types::create(tx, lineage, self.version(lineage), &payload) {
            Ok(object) => {
                let link = Link { lineage, object };
                self.attempt.ops.push(Op::Create { link, payload });
                Some(link)
            }
            Err(error) => {
                self.attempt.ops.push(Op::Fault(format!("a new {lineage:?}: {error}")));
                None
            }
        }
    }
}

/// One thread of a round.
#[derive(Debug)]
pub(crate) struct Worker<'s> {
    shared: &'s Shared,
    thread: u32,
    random: Random,
    attempts: Vec<Attempt>,
}

/// How a transaction ends that is given up on purpose.
#[derive(Debug)]
struct GivenUp;

impl<'s> Worker<'s> {
    pub(crate) fn new(shared: &'s Shared, thread: u32, random: Random) -> Self {
        Self { shared, thread, random, attempts: Vec::new() }
    }

    pub(crate) fn run(mut self) -> Vec<Attempt> {
        for _ in 0..self.shared.shape.transactions {
            match self.random.below(8) {
                0 => self.look(),
                1 if self.shared.shape.holds => self.hold_or_look_back(),
                _ => self.update(),
            }
            self.shared.done.fetch_add(1, Ordering::Relaxed);
        }
        self.attempts
    }

    fn look(&mut self) {
        let (shared, random) = (self.shared, &mut self.random);
        let not_before = shared.is_over();
        let attempt = shared.heap.snapshot(|s| {
            let mut notes = Notes::new(shared, self.thread, not_before, s.at().to_bits());
            for _ in 0..1 + random.below(6) {
                let object = shared.random_object(random);
                notes.read_with_parts(s, object);
                linger(shared, random);
            }
            notes.attempt
        });
        self.attempts.push(attempt);
    }

    fn hold_or_look_back(&mut self) {
        let (shared, random) = (self.shared, &mut self.random);
        let mut held = shared.held.lock().unwrap();
        if held.len() < 3 {
            held.push(shared.heap.hold());
            return;
        }
        let one = random.below(held.len() as u32) as usize;
        let one = if random.one_in(2) { held.swap_remove(one) } else { held[one].clone() };
        drop(held);
        let attempt = one.read(|s| {
            let mut notes = Notes::new(shared, self.thread, 0, s.at().to_bits());
            for _ in 0..1 + random.below(6) {
                let object = shared.random_object(random);
                notes.read_with_parts(s, object);
            }
            notes.attempt
        });
        self.attempts.push(attempt);
    }

    fn update(&mut self) {
        let (shared, thread) = (self.shared, self.thread);
        let script = self.random.fork();
        let mut lost = Vec::new();
        let mut not_before = shared.is_over();
        let outcome = shared.heap.transaction().run(|tx| {
            let mut notes = Notes::new(shared, thread, not_before, tx.at().to_bits());
            let mut random = script.clone();
            let mut created = Vec::new();
            for _ in 0..1 + random.below(5) {
                step(shared, tx, &mut notes, &mut random, &mut created);
                linger(shared, &mut random);
            }
            let give_up = random.one_in(12);
            lost.push(notes.attempt);
            not_before = shared.is_over();
            if give_up { Err(Abort::Cancel(GivenUp)) } else { Ok(created) }
        });
        match outcome {
            Ok(committed) => {
                let attempt = lost.last_mut().expect("the one that has committed");
                let writes = |op: &Op| !matches!(op, Op::Read { .. } | Op::Fault(_));
                assert_eq!(committed.wrote, attempt.ops.iter().any(writes), "{attempt}");
                if committed.wrote {
                    attempt.committed = Some(committed.ts.to_bits());
                }
                shared.over.fetch_max(committed.ts.to_bits(), Ordering::SeqCst);
                shared.objects.lock().unwrap().extend(committed.value);
            }
            Err(TxError::Cancelled(GivenUp)) => {}
            Err(error) => panic!("{error:?}"),
        }
        self.attempts.append(&mut lost);
    }
}

/// One thing that a transaction does.
fn step(
    shared: &Shared,
    tx: &Tx<'_>,
    notes: &mut Notes,
    random: &mut Random,
    created: &mut Vec<Link>,
) {
    let object = shared.random_object(random);
    match random.below(40) {
        0..8 => notes.read_with_parts(tx, object),
        8..24 => {
            let (add, writer) = (i64::from(random.below(100)), writer(shared));
            let (recipe, link) = (random.below(u32::MAX), shared.random_object(random));
            let turn = random.below(6);
            notes.modify(tx, object, |payload| {
                payload.n += add;
                payload.writer = writer;
                match turn {
                    0 => payload.recipe = recipe,
                    1 if payload.links.len() < 4 => payload.links.push(link),
                    2 => drop(payload.links.pop()),
                    _ => {}
                }
            });
        }
        24..30 => {
            // A part is found through what it was split from.
            let Some(payload) = notes.read(tx, object) else { return };
            let Some(id) = payload.path.iter().rev().find_map(|record| record.part) else { return };
            let writer = writer(shared);
            notes.modify(tx, part(id), |payload| {
                payload.n += 1_000;
                payload.writer = writer;
            });
        }
        30..35 if shared.shape.blind => {
            let payload = payload(shared, random, |random| Some(shared.random_object(random)));
            notes.write(tx, object, payload);
        }
        35..37 => {
            let lineage = if random.one_in(3) { Lineage::Leaf } else { Lineage::Node };
            let payload = payload(shared, random, |random| Some(shared.random_object(random)));
            created.extend(notes.create(tx, lineage, payload));
        }
        37 if random.one_in(2) => notes.delete(tx, object),
        _ => notes.read_with_parts(tx, object),
    }
}
