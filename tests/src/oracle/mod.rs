//! Lazy equals eager: a plain memory that converts everything at each flip, and a judge that
//! compares what a lazily upgraded heap showed with it.
//!
//! # The parts
//!
//! | Module | What it does |
//! | --- | --- |
//! | [`recipe`] | what the transformers do; the heap under test and the plain memory run the same |
//! | [`eager`] | the plain memory: one thread, one state, each flip converts all of it |
//! | [`judge`] | puts a recorded history in order, replays it, compares every read |
//!
//! # What a history holds
//!
//! Objects have one of three lineages, five versions each. Each [`Attempt`] of a transaction has
//! its instant and what it did; each [`Flip`] has its instant and which lineages it took a step.
//! Instants are the words of commit timestamps: the era above, 51 bits of sequence below.
//!
//! - **Every write has a [`writer`](Payload::writer) of its own**, which transformers keep. So a
//!   value tells which write it comes from, in whichever version it is seen.
//! - **Parts**, objects that transformers create, have other names in the plain memory. They are
//!   found through the object that was split, and paired at first sight.

use std::fmt;
use std::sync::Arc;

pub mod eager;
pub mod judge;
mod late;
pub mod recipe;

pub use judge::{Summary, Violation};

/// The name of an object.
pub type Id = u64;
/// A commit timestamp, as a word that orders commits.
pub type Instant = u64;
/// The number of a type version, from 1.
pub type Version = u8;

/// How many versions each lineage has.
pub const VERSIONS: Version = 5;
/// Bits of the sequence number in an [`Instant`].
const SEQ_BITS: u32 = 51;

/// The last instant of the era: of commits just before a flip.
#[must_use]
pub const fn end_of_era(at: Instant) -> Instant {
    at | ((1 << SEQ_BITS) - 1)
}

/// The era of an instant.
#[must_use]
pub const fn era(at: Instant) -> u64 {
    at >> SEQ_BITS
}

/// An instant in words.
#[must_use]
pub fn show(at: Instant) -> String {
    if at == end_of_era(at) {
        format!("{}.MAX", era(at))
    } else {
        format!("{}.{}", era(at), at & ((1 << SEQ_BITS) - 1))
    }
}

/// A lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lineage {
    /// Objects that link to others, and are split.
    Node,
    /// Objects that link to others, and have steps without a way back.
    Leaf,
    /// What nodes are split into.
    Part,
}

impl Lineage {
    /// All of them, by [`index`](Self::index).
    pub const ALL: [Self; 3] = [Self::Node, Self::Leaf, Self::Part];

    /// The position in [`ALL`](Self::ALL).
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A reference from one object to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// What it refers to.
    pub lineage: Lineage,
    /// Which one.
    pub object: Id,
}

/// The value of an object, the same in all versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// What transformers calculate with.
    pub n: i64,
    /// The write that it comes from.
    pub writer: u64,
    /// What transformers do with it.
    pub recipe: u32,
    /// Other objects.
    pub links: Vec<Link>,
    /// The steps that lie behind it, for the way back.
    pub path: Vec<Record>,
    /// How often it went back where it had not come from.
    pub backs: u32,
    /// What ways back have seen.
    pub mark: u64,
}

/// A step that an object has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The version that it began with.
    pub from: Version,
    /// What was added.
    pub delta: i64,
    /// What went to the part.
    pub share: i64,
    /// The part that was split off.
    pub part: Option<Id>,
    /// What was seen of other objects.
    pub saw: Vec<Option<Sight>>,
}

/// What a transformer has seen of another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Its version.
    pub version: Version,
    /// Its number.
    pub n: i64,
    /// The write that it came from.
    pub writer: u64,
}

/// One operation of an attempt.
#[derive(Clone, Debug)]
pub enum Op {
    /// It read, or found that there was no such object.
    Read {
        /// The object.
        link: Link,
        /// The version that it asked for.
        version: Version,
        /// What it got.
        got: Option<Arc<Payload>>,
    },
    /// It wrote.
    Write {
        /// The object.
        object: Id,
        /// What it wrote.
        payload: Arc<Payload>,
    },
    /// It created an object.
    Create {
        /// The object.
        link: Link,
        /// With this value.
        payload: Arc<Payload>,
    },
    /// It deleted an object.
    Delete {
        /// The object.
        object: Id,
    },
    /// Something happened that must not.
    Fault(String),
}

/// One attempt of a transaction.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Whose it was, for messages.
    pub thread: u32,
    /// The newest instant that was known to be over when it began.
    pub not_before: Instant,
    /// What it saw.
    pub at: Instant,
    /// What it did.
    pub ops: Vec<Op>,
    /// When it committed what it wrote, if it did.
    pub committed: Option<Instant>,
}

/// What a flip does to a lineage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    #[default]
    Keep,
    /// The next version, or the one before for a roll back.
    Step,
    /// The same version, written anew.
    Refresh,
}

/// A flip.
#[derive(Clone, Copy, Debug)]
pub struct Flip {
    /// The first instant of the new era.
    pub at: Instant,
    /// Which earlier flip it undoes.
    pub undoes: Option<usize>,
    /// What it does, by [`Lineage::index`].
    pub actions: [Action; 3],
    /// How many conversions were counted, at the end.
    pub converted: u64,
}

/// What happened in a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The version of each lineage in the beginning.
    pub versions: [Version; 3],
    /// What transactions did, in no order.
    pub attempts: Vec<Attempt>,
    /// The flips, in order.
    pub flips: Vec<Flip>,
}

/// Operations of an attempt that a message shows.
const SHOWN: usize = 12;

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = self.committed.map_or("nothing committed".into(), show);
        writeln!(f, "thread {}, at {}, {ended}", self.thread, show(self.at))?;
        self.ops.iter().take(SHOWN).try_for_each(|op| writeln!(f, "  {op:?}"))
    }
}
