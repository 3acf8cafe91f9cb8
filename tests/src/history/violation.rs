//! What can be wrong with a history.

use std::error::Error;
use std::fmt;

use super::{Attempt, Cycle, ObjectId, Timestamp, Value};

/// A fault found in a history, with the transactions it concerns.
///
/// The first group needs no order to be seen: one attempt read what it must not have read. Each of
/// the others is a [`Cycle`]: a round of reasons why each transaction must come before the next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The history breaks a rule of the model, so nothing can be decided: the recording is wrong.
    Malformed(Malformed),
    /// Two updates claim one commit timestamp, and not both of them committed late.
    DuplicateTimestamp {
        /// The timestamp.
        ts: Timestamp,
        /// One of the two.
        first: Attempt,
        /// The other.
        second: Attempt,
    },
    /// A value was read that nobody had written to that object.
    ThinAir {
        /// Who read it.
        reader: Attempt,
        /// The object read.
        object: ObjectId,
        /// The value read.
        value: Value,
        /// Who wrote it somewhere else, or later in the same attempt.
        writer: Option<Attempt>,
    },
    /// A value was read whose writer did not commit.
    DirtyRead {
        /// Who read it.
        reader: Attempt,
        /// Who wrote it and aborted.
        writer: Attempt,
        /// The object read.
        object: ObjectId,
        /// The value read.
        value: Value,
    },
    /// A value was read that its own writer replaced before it committed.
    IntermediateRead {
        /// Who read it.
        reader: Attempt,
        /// Who wrote it, and then wrote the same object again.
        writer: Attempt,
        /// The object read.
        object: ObjectId,
        /// The value read.
        value: Value,
    },
    /// A transaction did not read its own last write of an object.
    OwnWriteNotSeen {
        /// Who read.
        reader: Attempt,
        /// The object read.
        object: ObjectId,
        /// What the attempt had written last.
        wrote: Value,
        /// What it read.
        read: Value,
    },
    /// A transaction read one object twice, did not write it in between, and got two answers.
    NonRepeatableRead {
        /// Who read.
        reader: Attempt,
        /// The object read.
        object: ObjectId,
        /// What it read first.
        first: Value,
        /// What it read then.
        second: Value,
    },
    /// Two updates overwrote each other on two objects, in opposite orders.
    DirtyWrite(Cycle),
    /// Transactions read from each other in a circle.
    CircularFlow(Cycle),
    /// An update overwrote a version that it had not seen, having read an older one of that object.
    LostUpdate(Cycle),
    /// An update overwrote another one, but had read something from before that other one.
    StaleUpdate(Cycle),
    /// Each of several updates read what the next one overwrote.
    WriteSkew(Cycle),
    /// Two readers saw two updates in opposite orders.
    LongFork(Cycle),
    /// A committed transaction saw one object before another's update and one after it.
    ReadSkew(Cycle),
    /// An aborted transaction saw one object before another's update and one after it.
    TornSnapshot(Cycle),
    /// A transaction did not see what was committed before it began.
    StaleRead(Cycle),
    /// A transaction saw what was begun after it ended.
    FutureRead(Cycle),
    /// Transactions claim an order that is not the one they had in real time.
    CommitOrder(Cycle),
    /// There may be a serial order, but it is not the one of the claimed timestamps.
    TimestampOrder(Cycle),
    /// There is no serial order, and none of the better known names fits.
    NotSerializable(Cycle),
}

/// Why a history cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// An attempt ended before it began.
    EndsBeforeBegin(Attempt),
    /// An attempt that claims to be read-only wrote.
    ReadOnlyWrote(Attempt),
    /// A write wrote [`INITIAL`](super::INITIAL).
    WroteInitial {
        /// Who wrote it.
        writer: Attempt,
        /// The object written.
        object: ObjectId,
    },
    /// Two writes wrote the same value.
    ValueWrittenTwice {
        /// The value.
        value: Value,
        /// Who wrote it first.
        first: Attempt,
        /// Who wrote it again; perhaps the same attempt.
        second: Attempt,
    },
    /// Two updates at one timestamp wrote the same object, neither had read it, and the order of
    /// its versions was not stated.
    SharedTimestamp {
        /// The object.
        object: ObjectId,
        /// One of the writers.
        first: Attempt,
        /// The other.
        second: Attempt,
    },
    /// A stated version order does not hold exactly the committed values of its object.
    VersionOrder {
        /// The object.
        object: ObjectId,
    },
}

/// The name of a [`Violation`] without its evidence; to compare and count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is documented at the variant of Violation it names")]
pub enum ViolationKind {
    Malformed,
    DuplicateTimestamp,
    ThinAir,
    DirtyRead,
    IntermediateRead,
    OwnWriteNotSeen,
    NonRepeatableRead,
    DirtyWrite,
    CircularFlow,
    LostUpdate,
    StaleUpdate,
    WriteSkew,
    LongFork,
    ReadSkew,
    TornSnapshot,
    StaleRead,
    FutureRead,
    CommitOrder,
    TimestampOrder,
    NotSerializable,
}

impl Violation {
    /// Which anomaly this is.
    #[must_use]
    pub fn kind(&self) -> ViolationKind {
        match self {
            Self::Malformed(_) => ViolationKind::Malformed,
            Self::DuplicateTimestamp { .. } => ViolationKind::DuplicateTimestamp,
            Self::ThinAir { .. } => ViolationKind::ThinAir,
            Self::DirtyRead { .. } => ViolationKind::DirtyRead,
            Self::IntermediateRead { .. } => ViolationKind::IntermediateRead,
            Self::OwnWriteNotSeen { .. } => ViolationKind::OwnWriteNotSeen,
            Self::NonRepeatableRead { .. } => ViolationKind::NonRepeatableRead,
            Self::DirtyWrite(_) => ViolationKind::DirtyWrite,
            Self::CircularFlow(_) => ViolationKind::CircularFlow,
            Self::LostUpdate(_) => ViolationKind::LostUpdate,
            Self::StaleUpdate(_) => ViolationKind::StaleUpdate,
            Self::WriteSkew(_) => ViolationKind::WriteSkew,
            Self::LongFork(_) => ViolationKind::LongFork,
            Self::ReadSkew(_) => ViolationKind::ReadSkew,
            Self::TornSnapshot(_) => ViolationKind::TornSnapshot,
            Self::StaleRead(_) => ViolationKind::StaleRead,
            Self::FutureRead(_) => ViolationKind::FutureRead,
            Self::CommitOrder(_) => ViolationKind::CommitOrder,
            Self::TimestampOrder(_) => ViolationKind::TimestampOrder,
            Self::NotSerializable(_) => ViolationKind::NotSerializable,
        }
    }

    /// The cycle that proves the violation, where it is one.
    #[must_use]
    pub fn cycle(&self) -> Option<&Cycle> {
        match self {
            Self::DirtyWrite(cycle)
            | Self::CircularFlow(cycle)
            | Self::LostUpdate(cycle)
            | Self::StaleUpdate(cycle)
            | Self::WriteSkew(cycle)
            | Self::LongFork(cycle)
            | Self::ReadSkew(cycle)
            | Self::TornSnapshot(cycle)
            | Self::StaleRead(cycle)
            | Self::FutureRead(cycle)
            | Self::CommitOrder(cycle)
            | Self::TimestampOrder(cycle)
            | Self::NotSerializable(cycle) => Some(cycle),
            _ => None,
        }
    }
}

impl ViolationKind {
    /// The anomaly in words.
    fn title(self) -> &'static str {
        match self {
            Self::Malformed => "malformed history",
            Self::DuplicateTimestamp => "duplicate timestamp",
            Self::ThinAir => "value out of thin air",
            Self::DirtyRead => "dirty read",
            Self::IntermediateRead => "intermediate read",
            Self::OwnWriteNotSeen => "own write not seen",
            Self::NonRepeatableRead => "non-repeatable read",
            Self::DirtyWrite => "dirty write",
            Self::CircularFlow => "circular flow of information",
            Self::LostUpdate => "lost update",
            Self::StaleUpdate => "update made from an old snapshot",
            Self::WriteSkew => "write skew",
            Self::LongFork => "long fork",
            Self::ReadSkew => "read skew",
            Self::TornSnapshot => "torn snapshot in an aborted transaction",
            Self::StaleRead => "stale read",
            Self::FutureRead => "read from the future",
            Self::CommitOrder => "commit order against real time",
            Self::TimestampOrder => "commit timestamps are not the serial order",
            Self::NotSerializable => "not serializable",
        }
    }
}

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind())?;
        if let Some(cycle) = self.cycle() {
            return cycle.fmt(f);
        }
        match self {
            Self::Malformed(why) => why.fmt(f),
            Self::DuplicateTimestamp { ts, first, second } => {
                write!(f, "{first} and {second} both claim {ts}")
            }
            Self::ThinAir { reader, object, value, writer: None } => {
                write!(f, "{reader} read {value} from object {object}; nobody wrote it")
            }
            Self::ThinAir { reader, object, value, writer: Some(writer) } => write!(
                f,
                "{reader} read {value} from object {object}, where it was not; {writer} wrote it \
                 to another object or later"
            ),
            Self::DirtyRead { reader, writer, object, value } => write!(
                f,
                "{reader} read {value} from object {object}; {writer} wrote it and did not commit"
            ),
            Self::IntermediateRead { reader, writer, object, value } => write!(
                f,
                "{reader} read {value} from object {object}; {writer} wrote it and wrote that \
                 object again before it committed"
            ),
            Self::OwnWriteNotSeen { reader, object, wrote, read } => {
                write!(f, "{reader} wrote {wrote} to object {object} and then read {read} from it")
            }
            Self::NonRepeatableRead { reader, object, first, second } => {
                write!(f, "{reader} read object {object} twice and got {first}, then {second}")
            }
            _ => Ok(()), // all others are cycles
        }
    }
}

impl Error for Violation {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndsBeforeBegin(attempt) => write!(f, "{attempt} ended before it began"),
            Self::ReadOnlyWrote(attempt) => write!(f, "{attempt} wrote"),
            Self::WroteInitial { writer, object } => {
                write!(f, "{writer} wrote the initial value to object {object}")
            }
            Self::ValueWrittenTwice { value, first, second } => {
                write!(f, "{value} was written by {first} and again by {second}")
            }
            Self::SharedTimestamp { object, first, second } => write!(
                f,
                "{first} and {second} both wrote object {object} without reading it, and the order \
                 of its versions was not stated"
            ),
            Self::VersionOrder { object } => write!(
                f,
                "the version order stated for object {object} is not an order of its committed \
                 values"
            ),
        }
    }
}
