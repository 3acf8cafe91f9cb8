//! Why an upgrade can't be begun or ended.

use std::sync::Arc;

use thiserror::Error;

use crate::access::TransformFailure;
use crate::lineage::{RegistryError, TypeVersion};
use crate::migration::state::UpgradeState;

/// What is wrong with a plan.
///
/// ```
/// use upgradable::{Heap, PlanError, Upgrade, UpgradeError};
/// let error = Heap::new().upgrade(Upgrade::to("2")).unwrap_err();
/// assert!(matches!(error, UpgradeError::Plan(faults) if faults == [PlanError::Empty]));
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// It changes nothing.
    #[error("the plan is empty: say what it migrates, or which program comes with it")]
    Empty,

    /// It has two steps for one lineage.
    #[error(
        "`{lineage}` has two steps in one plan: make an upgrade of each step, one may begin before \
         the other has ended"
    )]
    #[non_exhaustive]
    Duplicate {
        /// The lineage.
        lineage: &'static str,
    },

    /// A step begins with another version than the one that the type names as its predecessor.
    #[error("`{to}` comes after {}, and the plan has it come after `{from}`",
        expected.map_or_else(|| "nothing".to_owned(), |version| format!("`{version}`")))]
    #[non_exhaustive]
    WrongPredecessor {
        /// Where the step begins.
        from: TypeVersion,
        /// Where it leads.
        to: TypeVersion,
        /// The type's own predecessor.
        expected: Option<TypeVersion>,
    },

    /// The heap's objects have not come to where the step begins.
    #[error("the heap has `{current}`, and the plan goes on from `{from}`: a step is missing")]
    #[non_exhaustive]
    MissingStep {
        /// The heap's version.
        current: TypeVersion,
        /// Where the step begins.
        from: TypeVersion,
    },

    /// The heap's objects are past where the step begins.
    #[error("the heap has `{current}` already, and the plan begins with `{from}`")]
    #[non_exhaustive]
    Unreachable {
        /// The heap's version.
        current: TypeVersion,
        /// Where the step begins.
        from: TypeVersion,
    },

    /// It must be possible to roll the upgrade back, and it is not.
    #[error("`{to}` can't go back to `{from}`: {why}")]
    #[non_exhaustive]
    Irreversible {
        /// Where the step begins.
        from: TypeVersion,
        /// Where it leads.
        to: TypeVersion,
        /// What is in the way.
        why: Box<str>,
    },

    /// Two types contradict each other.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Why an upgrade was not begun. Nothing has changed.
///
/// ```
/// use upgradable::{Heap, Upgrade};
/// let error = Heap::new().upgrade(Upgrade::to("2")).unwrap_err();
/// assert!(error.to_string().starts_with("the plan can't be carried out"));
/// ```
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The plan has faults: all that were found.
    #[error("the plan can't be carried out: {}", list(.0))]
    Plan(Vec<PlanError>),

    /// An upgrade is being rolled back; the next can begin when that is over.
    #[error("an upgrade is being rolled back: wait for it")]
    RollingBack,

    /// It was asked for inside a transaction, a transformer or an observer of the heap.
    #[error(
        "an upgrade can't begin inside a transaction, a transformer or an observer of its heap"
    )]
    InTransaction,

    /// The heap has begun as many eras as there can be.
    #[error("the heap has used up its 4,096 eras: move to a new heap")]
    ErasExhausted,
}

fn list(faults: &[PlanError]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why an upgrade has not come to its end.
///
/// ```
/// use std::time::Duration;
/// use upgradable::{Background, Heap, Pace, Upgrade, WaitError, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// heap.atomically(|tx| Ok(tx.create(Tag(1))?))?;
/// let running = heap.upgrade(Upgrade::to("2").refresh::<Tag>())?;
/// running.pause();
/// let ended = running.wait_timeout(Duration::from_millis(20));
/// assert!(ended.is_ok() || ended == Err(WaitError::TimedOut));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum WaitError {
    /// Everything is transformed but these.
    #[error("{} objects can't be transformed; the first: {}", .0.len(),
        .0.first().map_or_else(String::new, ToString::to_string))]
    Failed(Vec<Arc<TransformFailure>>),

    /// The time was over.
    #[error("the upgrade is not complete yet")]
    TimedOut,

    /// It has been rolled back, or is being.
    #[error("the upgrade has been rolled back")]
    RolledBack,

    /// It was asked for inside a transaction, a transformer or an observer of the heap, which it
    /// may be that the upgrade waits for.
    #[error(
        "an upgrade can't be waited for inside a transaction, a transformer or an observer of its heap"
    )]
    InTransaction,
}

/// Why an upgrade can't be promoted.
///
/// ```
/// use upgradable::{Background, Heap, PromoteError, Upgrade, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// heap.atomically(|tx| Ok(tx.create(Tag(1))?))?;
/// let running = heap.upgrade(Upgrade::to("2").refresh::<Tag>().background(Background::Off))?;
/// assert!(matches!(running.promote(), Err(PromoteError::Incomplete { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PromoteError {
    /// Some objects are not transformed yet.
    #[error("the upgrade is not complete ({failed} objects have failed): wait for it first")]
    #[non_exhaustive]
    Incomplete {
        /// Objects that could not be transformed.
        failed: usize,
    },

    /// It was asked for inside a transaction, a transformer or an observer of the heap.
    #[error(
        "an upgrade can't be promoted inside a transaction, a transformer or an observer of its heap"
    )]
    InTransaction,

    /// An upgrade before it has not been promoted.
    #[error("`{name}` came before and has not been promoted: promote it first")]
    #[non_exhaustive]
    NotEarliest {
        /// The earliest upgrade that is not.
        name: Arc<str>,
    },

    /// It has ended already.
    #[error("the upgrade has ended: {0:?}")]
    Ended(UpgradeState),
}

/// Why an upgrade can't be rolled back.
///
/// ```
/// use upgradable::{Heap, RollBackError, Upgrade, UpgradeState, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// heap.atomically(|tx| Ok(tx.create(Tag(1))?))?;
/// let running = heap.upgrade(Upgrade::to("2").refresh::<Tag>())?;
/// running.wait()?;
/// running.promote()?;
/// let late = running.roll_back().unwrap_err();
/// assert_eq!(late, RollBackError::Ended(UpgradeState::Promoted));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RollBackError {
    /// There is no way back. The plan's [`can_go_back`](crate::Upgrade::can_go_back) has said so.
    #[error("there is no way back: {why}")]
    #[non_exhaustive]
    Irreversible {
        /// What is in the way.
        why: Box<str>,
    },

    /// Another upgrade has begun since.
    #[error("`{name}` has begun since: roll it back first")]
    #[non_exhaustive]
    NotNewest {
        /// The newest upgrade.
        name: Arc<str>,
    },

    /// It was asked for inside a transaction, a transformer or an observer of the heap.
    #[error(
        "a roll back can't begin inside a transaction, a transformer or an observer of its heap"
    )]
    InTransaction,

    /// The upgrade has ended already, or is being rolled back.
    #[error("the upgrade has ended: {0:?}")]
    Ended(UpgradeState),

    /// The heap has begun as many eras as there can be.
    #[error("the heap has used up its 4,096 eras: there is none left to go back to")]
    ErasExhausted,
}
