//! Cycles: the evidence for an anomaly, and how it gets its name.

use std::fmt;

use super::{Attempt, ObjectId, Value, Violation};

/// How many transactions of a cycle are printed. All of them are in [`Cycle::steps`].
const STEPS_SHOWN: usize = 12;

/// Why one transaction must come before another in every serial order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dependency {
    /// Both wrote `object`; the version of the first was replaced by that of the second.
    WriteWrite {
        /// The object written by both.
        object: ObjectId,
        /// The value of the first.
        old: Value,
        /// The value of the second.
        new: Value,
    },
    /// The second read what the first wrote.
    WriteRead {
        /// The object.
        object: ObjectId,
        /// The value written and read.
        value: Value,
    },
    /// The first read a version that the second replaced (an anti-dependency).
    ReadWrite {
        /// The object.
        object: ObjectId,
        /// The value the first read.
        read: Value,
        /// The value by which the second replaced it.
        new: Value,
    },
    /// The first ended before the second began.
    RealTime,
    /// The timestamps that the code under test claims put the first before the second.
    Timestamp,
}

/// One transaction of a [`Cycle`], and why it comes before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The transaction.
    pub attempt: Attempt,
    /// Why it comes before the transaction of the next step (of the first step, after the last).
    pub before_next: Dependency,
}

/// A round of transactions each of which must come before the next, and the last before the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    steps: Vec<Step>,
}

impl Cycle {
    /// # Panics
    ///
    /// When `steps` is empty.
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        assert!(!steps.is_empty(), "a cycle has at least one transaction");
        Self { steps }
    }

    /// The transactions, in the order of the cycle.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Gives the cycle the name of the anomaly it shows.
    pub(crate) fn into_violation(self) -> Box<Violation> {
        let count = |wanted: fn(&Dependency) -> bool| {
            self.steps.iter().filter(|step| wanted(&step.before_next)).count()
        };
        let reads_old = count(|d| matches!(d, Dependency::ReadWrite { .. }));
        let real_time = count(|d| matches!(d, Dependency::RealTime));
        let claimed = count(|d| matches!(d, Dependency::Timestamp));
        let flows = count(|d| matches!(d, Dependency::WriteRead { .. }));
        Box::new(match (reads_old, real_time) {
            (0, 0) if claimed > 0 => Violation::TimestampOrder(self),
            (0, 0) if flows > 0 => Violation::CircularFlow(self),
            (0, 0) => Violation::DirtyWrite(self),
            (0, _) if self.reads_the_future() => Violation::FutureRead(self),
            (0, _) => Violation::CommitOrder(self),
            (1, _) => return Box::new(self.name_with_one_old_read()),
            (n, _) if n == self.steps.len() => Violation::WriteSkew(self),
            (_, 0) if self.old_reads_follow_reads() => Violation::LongFork(self),
            _ => Violation::NotSerializable(self),
        })
    }

    /// Each step together with the dependency that leads into it.
    fn with_incoming(&self) -> impl Iterator<Item = (Dependency, &Step)> {
        let last = self.steps[self.steps.len() - 1].before_next;
        let incoming = std::iter::once(last).chain(self.steps.iter().map(|step| step.before_next));
        incoming.zip(&self.steps)
    }

    /// Did someone read a value and end before its writer, or one that led to it, began?
    fn reads_the_future(&self) -> bool {
        self.with_incoming().any(|(incoming, step)| {
            matches!(incoming, Dependency::WriteRead { .. })
                && step.before_next == Dependency::RealTime
        })
    }

    /// Had everyone who read an old version also read what someone in the cycle wrote?
    fn old_reads_follow_reads(&self) -> bool {
        self.with_incoming().all(|(incoming, step)| {
            matches!(incoming, Dependency::WriteRead { .. })
                || !matches!(step.before_next, Dependency::ReadWrite { .. })
        })
    }

    /// With a single old version read, everything turns on why its reader must also come later.
    fn name_with_one_old_read(self) -> Violation {
        let found = self.with_incoming().find_map(|(incoming, step)| match step.before_next {
            Dependency::ReadWrite { object, .. } => Some((incoming, *step, object)),
            _ => None,
        });
        let Some((incoming, reader, object)) = found else {
            return Violation::NotSerializable(self);
        };
        let same_object = self.steps.iter().all(|step| match step.before_next {
            Dependency::WriteWrite { object: other, .. } => other == object,
            Dependency::ReadWrite { .. } => true,
            _ => false,
        });
        match incoming {
            Dependency::RealTime => Violation::StaleRead(self),
            Dependency::Timestamp => Violation::TimestampOrder(self),
            Dependency::WriteWrite { .. } if same_object => Violation::LostUpdate(self),
            Dependency::WriteWrite { .. } => Violation::StaleUpdate(self),
            _ if reader.attempt.outcome.is_committed() => Violation::ReadSkew(self),
            _ => Violation::TornSnapshot(self),
        }
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.steps.len();
        write!(f, "each of these {count} comes before the next, and the last before the first:")?;
        for (i, step) in self.steps.iter().enumerate().take(STEPS_SHOWN) {
            let next = &self.steps[(i + 1) % self.steps.len()].attempt;
            write!(f, "\n  {}\n    ", step.attempt)?;
            match step.before_next {
                Dependency::WriteWrite { object, old, new } => {
                    write!(
                        f,
                        "wrote {old} to object {object}, which {} replaced by {new}",
                        next.id
                    )?;
                }
                Dependency::WriteRead { object, value } => {
                    write!(f, "wrote {value} to object {object}, which {} read", next.id)?;
                }
                Dependency::ReadWrite { object, read, new } => {
                    write!(
                        f,
                        "read {read} from object {object}, which {} replaced by {new}",
                        next.id
                    )?;
                }
                Dependency::RealTime => write!(f, "ended before {} began", next.id)?,
                Dependency::Timestamp => {
                    write!(f, "claims a timestamp that puts it before {}", next.id)?
                }
            }
        }
        if count > STEPS_SHOWN {
            write!(f, "\n  ... and {} more", count - STEPS_SHOWN)?;
        }
        Ok(())
    }
}
