//! Where a migration stands.

#[cfg(not(loom))]
use std::time::Instant;

#[cfg(not(loom))]
use crate::sync::Condvar;
use crate::sync::Mutex;

/// Where an upgrade, or a roll back, stands.
///
/// ```
/// use upgradable::{Heap, Upgrade, UpgradeState, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// heap.atomically(|tx| Ok(tx.create(Tag(1))?))?;
/// let running = heap.upgrade(Upgrade::to("2").refresh::<Tag>())?;
/// running.wait()?;
/// assert_eq!(running.state(), UpgradeState::Complete);
/// running.promote()?;
/// assert_eq!(running.state(), UpgradeState::Promoted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpgradeState {
    /// Objects are being transformed.
    #[default]
    Migrating,
    /// Everything is transformed but the objects whose transformers failed.
    Stalled,
    /// Everything is transformed. It can be promoted or rolled back.
    Complete,
    /// It was kept. Nothing of the old version is left.
    Promoted,
    /// It is being rolled back.
    RollingBack,
    /// It was rolled back. Nothing of the new version is left.
    RolledBack,
}

impl UpgradeState {
    /// Whether nothing will change any more.
    ///
    /// ```
    /// # use upgradable::UpgradeState;
    /// assert!(UpgradeState::Promoted.is_final() && !UpgradeState::Complete.is_final());
    /// ```
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Promoted | Self::RolledBack)
    }
}

/// A state that can be waited for.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    state: Mutex<UpgradeState>,
    #[cfg(not(loom))]
    changed: Condvar,
}

impl Lifecycle {
    pub(crate) fn get(&self) -> UpgradeState {
        *self.state.lock()
    }

    pub(crate) fn set(&self, new: UpgradeState) {
        *self.state.lock() = new;
        #[cfg(not(loom))]
        self.changed.notify_all();
    }

    /// Waits until the state is one of those that `done` names, or the deadline has come.
    #[cfg(not(loom))]
    pub(crate) fn wait(
        &self,
        done: impl Fn(UpgradeState) -> bool,
        deadline: Option<Instant>,
    ) -> Option<UpgradeState> {
        let mut state = self.state.lock();
        while !done(*state) {
            match deadline {
                None => self.changed.wait(&mut state),
                Some(deadline) => {
                    if self.changed.wait_until(&mut state, deadline).timed_out() {
                        return done(*state).then_some(*state);
                    }
                }
            }
        }
        Some(*state)
    }
}
