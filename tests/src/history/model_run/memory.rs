//! The simulated memory: a clock and a chain of versions for each object.

use super::Fault;
use crate::history::{INITIAL, ObjectId, Outcome, Timestamp, Value};

/// How many timestamps a thread draws at once under [`Fault::TimestampBlocks`].
const BLOCK: Timestamp = 4;
/// How many versions survive under [`Fault::TrimTooEarly`].
const KEPT: usize = 2;

/// A committed value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub(super) ts: Timestamp,
    pub(super) value: Value,
}

/// See the [module](self) documentation.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) fault: Option<Fault>,
    /// The timestamp of the newest commit.
    pub(super) clock: Timestamp,
    /// The highest timestamp of an update that has its end tick.
    pub(super) last_ended: Timestamp,
    next_block: Timestamp,
    /// Oldest first, ordered by timestamp.
    chains: Vec<Vec<Version>>,
}

impl Memory {
    pub(super) fn new(objects: u32, fault: Option<Fault>) -> Self {
        let chains = vec![vec![Version { ts: 0, value: INITIAL }]; objects as usize];
        Self { fault, clock: 0, last_ended: 0, next_block: 1, chains }
    }

    pub(super) fn advance(&mut self) -> Timestamp {
        self.clock += 1;
        self.clock
    }

    pub(super) fn draw_block(&mut self) -> std::ops::Range<Timestamp> {
        let first = self.next_block;
        self.next_block += BLOCK;
        first..self.next_block
    }

    pub(super) fn note_end(&mut self, outcome: Outcome) {
        self.last_ended = self.last_ended.max(outcome.commit_ts().unwrap_or(0));
    }

    pub(super) fn newest(&self, object: ObjectId) -> Version {
        let chain = &self.chains[object as usize];
        chain[chain.len() - 1]
    }

    /// What `snapshot` sees.
    pub(super) fn read(&self, object: ObjectId, snapshot: Timestamp) -> Version {
        let chain = &self.chains[object as usize];
        let oldest = match self.fault {
            Some(Fault::ReadNewest) => chain.len() - 1,
            Some(Fault::TrimTooEarly) => chain.len().saturating_sub(KEPT),
            _ => 0,
        };
        let seen = chain[oldest..].iter().rev().find(|version| version.ts <= snapshot);
        *seen.unwrap_or(&chain[oldest])
    }

    /// Puts versions into their chains, which under some faults is not at the end.
    pub(super) fn publish(&mut self, writes: &[(ObjectId, Value)], ts: Timestamp) {
        for &(object, value) in writes {
            let chain = &mut self.chains[object as usize];
            let newer = chain.iter().rev().take_while(|version| version.ts > ts).count();
            chain.insert(chain.len() - newer, Version { ts, value });
        }
    }

    /// Takes back versions that were published too early.
    pub(super) fn withdraw(&mut self, writes: &[(ObjectId, Value)]) {
        for &(object, value) in writes {
            self.chains[object as usize].retain(|version| version.value != value);
        }
    }
}
