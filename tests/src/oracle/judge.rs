//! Replays a history on the plain memory, and compares.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::eager::{Memory, is_part_of_memory};
use super::{Attempt, History, Id, Instant, Lineage, Link, Op, Payload, Version, late, show};

/// What a history that is right was made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Attempts.
    pub attempts: u64,
    /// Of these, commits that wrote.
    pub commits: u64,
    /// Of these, commits just before a flip, by transactions that it had overtaken.
    pub late: u64,
    /// Reads that were compared.
    pub reads: u64,
    /// Flips.
    pub flips: u64,
    /// Of these, roll backs.
    pub roll_backs: u64,
    /// Objects that the plain memory converted.
    pub converted: u64,
    /// Conversions in the heap.
    pub touched: u64,
    /// Parts that were seen.
    pub parts: u64,
}

impl std::ops::AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.commits += other.commits;
        self.late += other.late;
        self.reads += other.reads;
        self.flips += other.flips;
        self.roll_backs += other.roll_backs;
        self.converted += other.converted;
        self.touched += other.touched;
        self.parts += other.parts;
    }
}

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A read did not show what the plain memory holds.
    Read(String),
    /// Something was read as another version than the flips before it make.
    Version(String),
    /// A transaction saw an instant that was over when it began, or committed in another era.
    Instant(String),
    /// Something that a transaction had read was not newest when it committed.
    Stale(String),
    /// Commits just before a flip contradict each other.
    Late(String),
    /// An object was written that is not there.
    Lost(String),
    /// More conversions than objects.
    Twice(String),
    /// The heap refused something that it may not refuse.
    Fault(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, details) = match self {
            Self::Read(details) => ("a read differs from the eager memory", details),
            Self::Version(details) => ("a read shows another program version", details),
            Self::Instant(details) => ("a transaction is at an instant where it can't be", details),
            Self::Stale(details) => ("a commit rests on a read that was over", details),
            Self::Late(details) => ("late commits contradict each other", details),
            Self::Lost(details) => ("an object that is written is not there", details),
            Self::Twice(details) => ("objects were converted more than once", details),
            Self::Fault(details) => ("the heap failed", details),
        };
        write!(f, "{what}: {details}")
    }
}

impl Error for Violation {}

/// One thing that happens in the replay; at one instant in this order.
enum Event<'h> {
    Flip(usize),
    Commit(&'h Attempt),
    Look(&'h Attempt),
}

/// Decides whether a history is what eager conversion would have given.
///
/// # Errors
///
/// The first violation.
pub fn judge(history: &History) -> Result<Summary, Violation> {
    let mut events = events(history)?;
    events.sort_by_key(|&(at, ref event)| {
        (
            at,
            match event {
                Event::Flip(_) => 0,
                Event::Commit(_) => 1,
                Event::Look(_) => 2,
            },
        )
    });
    let mut replay = Replay {
        memory: Memory::new(history.versions),
        written: HashMap::new(),
        pairs: HashMap::new(),
        partners: HashMap::new(),
        summary: Summary::default(),
    };
    for (at, event) in events {
        match event {
            Event::Flip(index) => replay.flip(history, index)?,
            Event::Commit(attempt) => replay.commit(attempt, at)?,
            Event::Look(attempt) => replay.look(attempt)?,
        }
    }
    replay.summary.parts = replay.pairs.len() as u64;
    Ok(replay.summary)
}

/// Everything that happened; late commits in their order.
fn events(history: &History) -> Result<Vec<(Instant, Event<'_>)>, Violation> {
    let mut seen = HashSet::new();
    let mut late: HashMap<Instant, Vec<&Attempt>> = HashMap::new();
    let mut events = Vec::new();
    events.extend(history.flips.iter().enumerate().map(|(n, flip)| (flip.at, Event::Flip(n))));
    for attempt in &history.attempts {
        events.push((attempt.at, Event::Look(attempt)));
        for op in &attempt.ops {
            if let Op::Read { got: Some(payload), .. } = op {
                seen.insert(payload.writer);
                let sights = payload.path.iter().flat_map(|record| &record.saw);
                seen.extend(sights.flatten().map(|sight| sight.writer));
            }
        }
        match attempt.committed {
            Some(ts) if ts == super::end_of_era(ts) => late.entry(ts).or_default().push(attempt),
            Some(ts) => events.push((ts, Event::Commit(attempt))),
            None => {}
        }
    }
    for (ts, attempts) in late {
        let ordered = late::order(&attempts, &seen).map_err(|circle| {
            Violation::Late(circle.iter().map(ToString::to_string).collect::<String>())
        })?;
        events.extend(ordered.into_iter().map(|attempt| (ts, Event::Commit(attempt))));
    }
    Ok(events)
}

struct Replay {
    memory: Memory,
    /// When objects were written last.
    written: HashMap<Id, Instant>,
    /// Parts of the heap, as they are called in the memory; and the other way round.
    pairs: HashMap<Id, Id>,
    partners: HashMap<Id, Id>,
    summary: Summary,
}

impl Replay {
    fn flip(&mut self, history: &History, index: usize) -> Result<(), Violation> {
        let flip = &history.flips[index];
        let converted = self.memory.flip(flip).map_err(Violation::Fault)?;
        if flip.converted > converted {
            let many = format!("flip {index}: {} of {converted} objects", flip.converted);
            return Err(Violation::Twice(many));
        }
        self.summary.flips += 1;
        self.summary.roll_backs += u64::from(flip.undoes.is_some());
        self.summary.converted += converted;
        self.summary.touched += flip.converted;
        Ok(())
    }

    fn commit(&mut self, attempt: &Attempt, ts: Instant) -> Result<(), Violation> {
        if super::era(ts) != super::era(attempt.at) || ts <= attempt.at {
            return Err(Violation::Instant(attempt.to_string()));
        }
        let (read, _) = late::sets(attempt);
        for object in read {
            let object = self.name(object);
            if let Some(&written) = self.written.get(&object)
                && written > attempt.at
            {
                return Err(Violation::Stale(format!(
                    "{object:#x} was written at {}, {attempt}",
                    show(written)
                )));
            }
        }
        for op in &attempt.ops {
            let object = match op {
                Op::Read { .. } | Op::Fault(_) => continue,
                Op::Create { link, payload } => {
                    self.memory.create(*link, Arc::clone(payload));
                    link.object
                }
                Op::Write { object, payload } => {
                    let object = self.name(*object);
                    let payload = self.translate(payload, None);
                    if !self.memory.write(object, Arc::new(payload)) {
                        return Err(Violation::Lost(format!("{object:#x} in {attempt}")));
                    }
                    object
                }
                Op::Delete { object } => {
                    if !self.memory.delete(*object) {
                        return Err(Violation::Lost(format!("{object:#x} in {attempt}")));
                    }
                    *object
                }
            };
            self.written.insert(object, ts);
        }
        self.summary.commits += 1;
        self.summary.late += u64::from(ts == super::end_of_era(ts));
        Ok(())
    }

    /// Compares what an attempt read.
    fn look(&mut self, attempt: &Attempt) -> Result<(), Violation> {
        if attempt.not_before > attempt.at {
            return Err(Violation::Instant(format!(
                "it began after {}: {attempt}",
                show(attempt.not_before)
            )));
        }
        self.summary.attempts += 1;
        // What it wrote itself.
        let mut own: HashMap<Id, Option<Arc<Payload>>> = HashMap::new();
        for op in &attempt.ops {
            match op {
                Op::Read { link, version, got } => {
                    self.summary.reads += 1;
                    self.expect_version(attempt, link.lineage, *version)?;
                    if let Some(own) = own.get(&link.object) {
                        if own != got {
                            return Err(differs(attempt, *link, own.as_deref(), got.as_deref()));
                        }
                        continue;
                    }
                    self.compare(attempt, *link, got.as_deref())?;
                }
                Op::Write { object, payload } => {
                    own.insert(*object, Some(Arc::clone(payload)));
                }
                Op::Create { link, payload } => {
                    own.insert(link.object, Some(Arc::clone(payload)));
                }
                Op::Delete { object } => {
                    own.insert(*object, None);
                }
                Op::Fault(what) => return Err(Violation::Fault(format!("{what}, {attempt}"))),
            }
        }
        Ok(())
    }

    fn expect_version(
        &self,
        attempt: &Attempt,
        lineage: Lineage,
        found: Version,
    ) -> Result<(), Violation> {
        let expected = self.memory.version(lineage);
        if found == expected {
            return Ok(());
        }
        let versions = format!("{lineage:?} {found}, not {expected}, {attempt}");
        Err(Violation::Version(versions))
    }

    fn compare(
        &mut self,
        attempt: &Attempt,
        link: Link,
        got: Option<&Payload>,
    ) -> Result<(), Violation> {
        let there = self.memory.get(self.name(link.object));
        let expected = there.map(|object| Arc::clone(&object.payload));
        let got = got.map(|got| self.translate(got, expected.as_deref()));
        if got.as_ref() == expected.as_deref() {
            return Ok(());
        }
        Err(differs(attempt, link, expected.as_deref(), got.as_ref()))
    }

    /// The name of a heap's object in the memory.
    fn name(&self, object: Id) -> Id {
        self.pairs.get(&object).copied().unwrap_or(object)
    }

    /// The value, with parts named as in the memory. Parts that are new here are paired with
    /// those at the same place of what is expected.
    fn translate(&mut self, payload: &Payload, expected: Option<&Payload>) -> Payload {
        let mut translated = payload.clone();
        for (at, record) in translated.path.iter_mut().enumerate() {
            let Some(part) = record.part else { continue };
            let partner = expected.and_then(|expected| expected.path.get(at)?.part);
            if let Some(partner) = partner
                && is_part_of_memory(partner)
                && !self.pairs.contains_key(&part)
                && !self.partners.contains_key(&partner)
            {
                self.pairs.insert(part, partner);
                self.partners.insert(partner, part);
            }
            record.part = Some(self.name(part));
        }
        translated
    }
}

fn differs(
    attempt: &Attempt,
    link: Link,
    expected: Option<&Payload>,
    got: Option<&Payload>,
) -> Violation {
    Violation::Read(format!("{link:?}\n  expected {expected:?}\n  got      {got:?}\n{attempt}"))
}
