//! Upgrades: the plan, the flip, the running upgrade, and how it ends.
//!
//! A plan is checked completely before anything changes. The flip is one step of the clock, and
//! costs the same whatever the size of the heap. After it the upgrade runs: objects are
//! transformed when they are touched, and in the background. When all are, it is complete, and
//! can be promoted: nothing of the old version is left then. Before that it can be rolled back, by
//! a flip of the same kind in the other direction.

#[cfg(not(loom))]
mod begin;
mod error;
mod event;
mod flip;
mod plan;
mod policy;
#[cfg(not(loom))]
mod running;

pub use self::error::{PlanError, PromoteError, RollBackError, UpgradeError, WaitError};
pub(crate) use self::event::Observer;
pub use self::event::UpgradeEvent;
pub use self::plan::Upgrade;
pub use self::policy::{Background, OnFailure, Pace};
#[cfg(not(loom))]
pub use self::running::RunningUpgrade;
