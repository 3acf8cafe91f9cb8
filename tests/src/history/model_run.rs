//! A simulated multi-version transactional memory, to make histories for the checker.
//!
//! One real thread plays several: at each step a seeded random choice lets one of them do its next
//! small action, so transactions interleave and the same seed gives the same history. Without a
//! [`Fault`] the memory is correct and every history must be accepted. Each fault is a mistake that
//! a real implementation could make, and must be found.
//!
//! # Example
//!
//! ```
//! use upgradable_tests::history::{check::check, model_run::{Config, Fault, run}};
//!
//! let correct = Config::default();
//! assert!((0..50).all(|seed| check(&run(&correct, seed)).is_ok()));
//!
//! let faulty = Config { fault: Some(Fault::SkipValidation), ..correct };
//! assert!((0..50).any(|seed| check(&run(&faulty, seed)).is_err()));
//! ```

use super::record::{Recorder, ThreadLog};
use super::{History, ObjectId, Outcome, Timestamp, Value, ViolationKind};
use crate::random::Random;

mod memory;

use memory::Memory;

/// What to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many threads are played.
    pub threads: u32,
    /// How many attempts they make together.
    pub attempts: u32,
    /// How many objects there are.
    pub objects: u32,
    /// The largest number of operations of one attempt.
    pub ops_max: u32,
    /// The mistake that the memory makes, if any.
    pub fault: Option<Fault>,
}

impl Default for Config {
    /// Forty attempts of up to five operations by four threads on four objects, without a fault.
    fn default() -> Self {
        Self { threads: 4, attempts: 40, objects: 4, ops_max: 5, fault: None }
    }
}

/// A mistake to switch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Updates commit without validating what they read.
    SkipValidation,
    /// Updates validate only the objects that they write, which gives snapshot isolation.
    ValidateWritesOnly,
    /// Reads take the newest version instead of that of the snapshot.
    ReadNewest,
    /// Writes are visible to everyone at once, before their transaction commits.
    PublishBeforeCommit,
    /// A commit advances the clock first and publishes one half of its writes after a pause.
    PublishInTwoSteps,
    /// What an aborted transaction wrote is published all the same.
    KeepAbortedWrites,
    /// Transactions begin with a snapshot somewhat older than the clock.
    OldSnapshot,
    /// Every second object is read at another snapshot; both are recent enough.
    SplitSnapshot,
    /// Reads do not look into the transaction's own writes.
    ForgetOwnWrites,
    /// Versions are freed although a snapshot still needs them; its reads get newer ones.
    TrimTooEarly,
    /// Updates draw their timestamp when they begin, long before they validate and publish.
    EarlyTimestamp,
    /// Each thread draws timestamps in blocks and uses them up later.
    TimestampBlocks,
    /// Now and then a commit does not advance the clock.
    ReuseTimestamp,
    /// Now and then a read returns what nobody wrote.
    Garbage,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 14] = [
        Self::SkipValidation,
        Self::ValidateWritesOnly,
        Self::ReadNewest,
        Self::PublishBeforeCommit,
        Self::PublishInTwoSteps,
        Self::KeepAbortedWrites,
        Self::OldSnapshot,
        Self::SplitSnapshot,
        Self::ForgetOwnWrites,
        Self::TrimTooEarly,
        Self::EarlyTimestamp,
        Self::TimestampBlocks,
        Self::ReuseTimestamp,
        Self::Garbage,
    ];

    /// The anomalies by which the fault is known; over enough seeds each of them is found.
    #[must_use]
    pub fn shows_as(self) -> &'static [ViolationKind] {
        use ViolationKind as Kind;
        match self {
            Self::SkipValidation => &[Kind::LostUpdate, Kind::StaleUpdate, Kind::WriteSkew],
            Self::ValidateWritesOnly => &[Kind::WriteSkew],
            Self::ReadNewest => &[Kind::ReadSkew, Kind::NonRepeatableRead],
            Self::TrimTooEarly => &[Kind::ReadSkew, Kind::TornSnapshot, Kind::NonRepeatableRead],
            Self::PublishBeforeCommit => &[Kind::DirtyRead, Kind::IntermediateRead],
            Self::PublishInTwoSteps => &[Kind::ReadSkew, Kind::TornSnapshot, Kind::LostUpdate],
            Self::KeepAbortedWrites => &[Kind::DirtyRead],
            Self::OldSnapshot => &[Kind::StaleRead],
            Self::SplitSnapshot => &[Kind::LongFork, Kind::ReadSkew],
            Self::ForgetOwnWrites => &[Kind::OwnWriteNotSeen],
            Self::EarlyTimestamp => &[Kind::LostUpdate, Kind::ReadSkew],
            Self::TimestampBlocks => &[Kind::CommitOrder],
            Self::ReuseTimestamp => &[Kind::DuplicateTimestamp],
            Self::Garbage => &[Kind::ThinAir],
        }
    }
}

/// Plays one run and returns its history.
#[must_use]
pub fn run(config: &Config, seed: u64) -> History {
    let recorder = Recorder::new();
    let mut random = Random::new(seed);
    let mut memory = Memory::new(config.objects, config.fault);
    let mut actors: Vec<_> = (0..config.threads).map(|_| Actor::new(recorder.thread())).collect();
    let mut attempts_left = config.attempts;
    loop {
        let idle = actors.iter().filter(|actor| matches!(actor.phase, Phase::Idle)).count();
        if attempts_left == 0 && idle == actors.len() {
            break;
        }
        let chosen = random.below(config.threads) as usize;
        let actor = &mut actors[chosen];
        if !matches!(actor.phase, Phase::Idle) {
            actor.step(config, &mut memory, &mut random);
        } else if attempts_left > 0 {
            attempts_left -= 1;
            actor.begin(config, &mut random);
        }
    }
    drop(actors);
    recorder.history()
}

/// How far a played thread is with its attempt.
#[derive(Debug)]
enum Phase {
    Idle,
    /// Has its begin tick, but no snapshot yet.
    Begun,
    Running,
    /// Has published a half of its writes.
    Publishing {
        ts: Timestamp,
    },
    /// Committed or aborted, but has no end tick yet.
    Decided(Outcome),
}

/// A played thread.
#[derive(Debug)]
struct Actor {
    log: ThreadLog,
    phase: Phase,
    is_reader: bool,
    ops_left: u32,
    snapshot: Timestamp,
    /// The snapshot for objects with odd numbers; the same unless [`Fault::SplitSnapshot`] is on.
    odd_snapshot: Timestamp,
    /// The timestamp of each version read.
    read_set: Vec<(ObjectId, Timestamp)>,
    write_set: Vec<(ObjectId, Value)>,
    /// Drawn at begin, under [`Fault::EarlyTimestamp`].
    early_ts: Timestamp,
    /// What is left under [`Fault::TimestampBlocks`].
    block: std::ops::Range<Timestamp>,
}

impl Actor {
    fn new(log: ThreadLog) -> Self {
        Self {
            log,
            phase: Phase::Idle,
            is_reader: false,
            ops_left: 0,
            snapshot: 0,
            odd_snapshot: 0,
            read_set: Vec::new(),
            write_set: Vec::new(),
            early_ts: 0,
            block: 0..0,
        }
    }

    fn begin(&mut self, config: &Config, random: &mut Random) {
        self.log.begin();
        self.phase = Phase::Begun;
        self.is_reader = random.one_in(3);
        self.ops_left = 1 + random.below(config.ops_max);
        self.read_set.clear();
        self.write_set.clear();
    }

    /// Does the next small action of the attempt in progress.
    fn step(&mut self, config: &Config, memory: &mut Memory, random: &mut Random) {
        match self.phase {
            Phase::Idle => {}
            Phase::Begun => self.take_snapshot(memory, random),
            Phase::Running if self.ops_left == 0 => self.commit(memory, random),
            Phase::Running if !self.is_reader && random.one_in(24) => self.abort(memory),
            Phase::Running => {
                self.ops_left -= 1;
                let object = random.below(config.objects);
                if self.is_reader || random.one_in(2) {
                    self.read(object, memory, random);
                } else {
                    self.write(object, memory);
                }
            }
            Phase::Publishing { ts } => {
                let half = self.write_set.len() / 2;
                memory.publish(&self.write_set[half..], ts);
                self.decide(ts, memory);
            }
            Phase::Decided(outcome) => {
                match outcome {
                    Outcome::Committed { ts } => self.log.commit(ts),
                    Outcome::CommittedLate { ts } => self.log.commit_late(ts),
                    Outcome::CommittedReadOnly { snapshot } => self.log.commit_read_only(snapshot),
                    Outcome::Aborted => self.log.abort(),
                }
                memory.note_end(outcome);
                self.phase = Phase::Idle;
            }
        }
    }

    fn take_snapshot(&mut self, memory: &mut Memory, random: &mut Random) {
        self.phase = Phase::Running;
        self.snapshot = memory.clock;
        match memory.fault {
            Some(Fault::OldSnapshot) => {
                self.snapshot = memory.clock.saturating_sub(u64::from(random.below(4)));
            }
            Some(Fault::EarlyTimestamp) if !self.is_reader => self.early_ts = memory.advance(),
            _ => {}
        }
        self.odd_snapshot = self.snapshot;
        if memory.fault == Some(Fault::SplitSnapshot) {
            // Not before anything that has ended, so that real time alone does not give it away.
            let slack = u32::try_from(memory.clock.saturating_sub(memory.last_ended)).unwrap_or(0);
            let older = memory.clock - u64::from(random.below(slack + 1));
            let half = if random.one_in(2) { &mut self.snapshot } else { &mut self.odd_snapshot };
            *half = older;
        }
    }

    fn read(&mut self, object: ObjectId, memory: &Memory, random: &mut Random) {
        let own = self.write_set.iter().find(|write| write.0 == object);
        if let (Some(&(_, value)), true) = (own, memory.fault != Some(Fault::ForgetOwnWrites)) {
            self.log.read(object, value);
            return;
        }
        let snapshot = if object % 2 == 1 { self.odd_snapshot } else { self.snapshot };
        let version = memory.read(object, snapshot);
        self.read_set.push((object, version.ts));
        let garbage = memory.fault == Some(Fault::Garbage) && random.one_in(16);
        let value = if garbage { self.log.fresh_value() } else { version.value };
        self.log.read(object, value);
    }

    fn write(&mut self, object: ObjectId, memory: &mut Memory) {
        let value = self.log.fresh_value();
        self.log.write(object, value);
        if memory.fault == Some(Fault::PublishBeforeCommit) {
            memory.withdraw(&self.write_set);
        }
        self.write_set.retain(|write| write.0 != object);
        self.write_set.push((object, value));
        if memory.fault == Some(Fault::PublishBeforeCommit) {
            memory.publish(&self.write_set, memory.clock);
        }
    }

    fn commit(&mut self, memory: &mut Memory, random: &mut Random) {
        if self.write_set.is_empty() {
            let outcome = Outcome::CommittedReadOnly { snapshot: self.snapshot };
            self.phase = Phase::Decided(outcome);
            return;
        }
        if memory.fault == Some(Fault::PublishBeforeCommit) {
            memory.withdraw(&self.write_set);
        }
        let valid = match memory.fault {
            Some(Fault::SkipValidation) => true,
            Some(Fault::ValidateWritesOnly) => {
                self.write_set.iter().all(|write| memory.newest(write.0).ts <= self.snapshot)
            }
            _ => self.read_set.iter().all(|read| memory.newest(read.0).ts == read.1),
        };
        if !valid {
            self.abort(memory);
            return;
        }
        let ts = match memory.fault {
            Some(Fault::EarlyTimestamp) => self.early_ts,
            Some(Fault::ReuseTimestamp) if memory.clock > 0 && random.one_in(8) => memory.clock,
            _ => memory.advance(),
        };
        if memory.fault == Some(Fault::PublishInTwoSteps) {
            memory.publish(&self.write_set[..self.write_set.len() / 2], ts);
            self.phase = Phase::Publishing { ts };
        } else {
            memory.publish(&self.write_set, ts);
            self.decide(ts, memory);
        }
    }

    /// Committed at `ts`; what is claimed may be another matter.
    fn decide(&mut self, ts: Timestamp, memory: &mut Memory) {
        let mut claimed = ts;
        if memory.fault == Some(Fault::TimestampBlocks) {
            if self.block.is_empty() {
                self.block = memory.draw_block();
            }
            claimed = self.block.next().unwrap_or(ts);
        }
        self.phase = Phase::Decided(Outcome::Committed { ts: claimed });
    }

    fn abort(&mut self, memory: &mut Memory) {
        match memory.fault {
            Some(Fault::PublishBeforeCommit) => memory.withdraw(&self.write_set),
            Some(Fault::KeepAbortedWrites) => {
                let ts = memory.advance();
                memory.publish(&self.write_set, ts);
            }
            _ => {}
        }
        self.phase = Phase::Decided(Outcome::Aborted);
    }
}
