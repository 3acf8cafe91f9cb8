//! An upgrade, or a roll back, under way.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use upgradable_stm::CommitTs;

use super::error::{PromoteError, RollBackError, WaitError};
use super::policy::Pace;
use crate::access::{AccessError, Mismatch, TransformFailure};
use crate::heap::Heap;
use crate::lineage::{TypeVersion, Upgradable};
use crate::migration::progress::Progress;
use crate::migration::record::Migration;
use crate::migration::state::UpgradeState;
use crate::object::Ref;

/// How often somebody who waits looks whether there is still something to wait for.
const LOOK: Duration = Duration::from_millis(20);

/// An upgrade under way, or a roll back of one. Clones name the same; dropping them ends nothing.
///
/// ```
/// use upgradable::{Heap, Upgrade, UpgradeState, Upgradable};
/// # mod v1 {
/// #     #[derive(upgradable::Upgradable, Clone)] #[upgrade(name = "doc.Tag")]
/// #     pub struct Tag(pub u8);
/// # }
/// # #[derive(Upgradable, Clone)] #[upgrade(version = 2, from = v1::Tag)]
/// # struct Tag(u16);
/// let heap = Heap::new();
/// let tag = heap.atomically(|tx| Ok(tx.create(v1::Tag(7))?))?;
/// let running = heap.upgrade(Upgrade::to("2").migrate::<v1::Tag, Tag>())?;
/// heap.atomically(|tx| Ok(tx.write(tag.cast(), Tag(8))?))?;
/// running.roll_back()?.wait()?;
/// assert_eq!(running.state(), UpgradeState::RolledBack);
/// assert_eq!(heap.snapshot(|s| s.read(tag).map(|tag| tag.0))?, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunningUpgrade {
    heap: Heap,
    migration: Arc<Migration>,
}

impl RunningUpgrade {
    pub(super) fn new(heap: Heap, migration: Arc<Migration>) -> Self {
        Self { heap, migration }
    }

    /// The name of the plan.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.migration.name
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> UpgradeState {
        self.migration.life.get()
    }

    /// The instant of the flip.
    #[must_use]
    pub fn flipped_at(&self) -> CommitTs {
        self.migration.flip()
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let (tally, state) = (&self.migration.tally, self.state());
        Progress {
            by_touch: tally.by_touch.get(),
            by_sweep: tally.by_sweep.get(),
            failed: self.migration.failures.len() as u64,
            late: self.migration.late.admitted(),
            lost: tally.lost.get(),
            swept: tally.swept.get(),
            slots: tally.slots.get(),
            complete: state == UpgradeState::Complete || state.is_final(),
        }
    }

    /// The objects that could not be transformed so far, and why.
    #[must_use]
    pub fn failures(&self) -> Vec<Arc<TransformFailure>> {
        self.migration.failures.all()
    }

    /// Waits until everything is transformed; of a roll back, until everything is back.
    ///
    /// Where there is no background migration, it does the work itself. A roll back is complete
    /// when the snapshots of the undone version have gone: inside of such a snapshot there is no
    /// end to be waited for.
    ///
    /// # Errors
    ///
    /// [`WaitError::Failed`] if some objects can't be transformed, of this upgrade or of an
    /// earlier one that it can't overtake; [`WaitError::RolledBack`] if it is undone;
    /// [`WaitError::InTransaction`] inside a transaction, a transformer or an observer of the heap,
    /// unless it has ended.
    pub fn wait(&self) -> Result<(), WaitError> {
        self.wait_until(None)
    }

    /// [`wait`](Self::wait), but not longer than this.
    ///
    /// # Errors
    ///
    /// As there, and [`WaitError::TimedOut`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), WaitError> {
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(&self, deadline: Option<Instant>) -> Result<(), WaitError> {
        let inner = &self.heap.inner;
        let ended = |state| state != UpgradeState::Migrating;
        loop {
            if let Some(outcome) = self.outcome() {
                return outcome;
            }
            if inner.is_entered() {
                return Err(WaitError::InTransaction);
            }
            let now = Instant::now();
            if deadline.is_some_and(|deadline| now >= deadline) {
                return Err(WaitError::TimedOut);
            }
            let soon = deadline.map_or(now + LOOK, |deadline| deadline.min(now + LOOK));
            let idle = !inner.sweeper.is_running() && !inner.sweeper.is_paused();
            if !idle || !inner.pass(false) {
                self.migration.life.wait(ended, Some(soon));
            }
        }
    }

    /// How it ended, if it has.
    fn outcome(&self) -> Option<Result<(), WaitError>> {
        let undoes = self.migration.undoes.is_some();
        match self.state() {
            UpgradeState::Complete | UpgradeState::Promoted => Some(Ok(())),
            UpgradeState::RolledBack if undoes => Some(Ok(())),
            UpgradeState::RollingBack | UpgradeState::RolledBack => {
                Some(Err(WaitError::RolledBack))
            }
            UpgradeState::Stalled => Some(Err(WaitError::Failed(self.failures()))),
            UpgradeState::Migrating => {
                let flips = self.heap.inner.migrations.flips();
                let stalled = flips.iter().find(|flip| {
                    flip.flip() < self.migration.flip() && flip.life.get() == UpgradeState::Stalled
                });
                stalled.map(|flip| Err(WaitError::Failed(flip.failures.all())))
            }
        }
    }

    /// Stops the background migration of the heap until [`resume`](Self::resume). Touches go on.
    pub fn pause(&self) {
        self.heap.inner.sweeper.pause(true);
    }

    /// Lets the background migration of the heap go on.
    pub fn resume(&self) {
        self.heap.inner.sweeper.pause(false);
    }

    /// Sets the pace of the background migration of the heap, and begins it if there is none.
    pub fn set_pace(&self, pace: Pace) {
        self.heap.inner.sweeper.set_pace(pace);
        if !self.state().is_final() {
            self.heap.inner.sweeper.start(&self.heap.inner);
        }
    }

    /// Keeps the upgrade: it can't be rolled back any more.
    ///
    /// Nobody sees anything of the old version then. Its memory comes back at the pace of the
    /// background migration, or at once by [`Heap::compact`].
    ///
    /// # Errors
    ///
    /// [`PromoteError`].
    pub fn promote(&self) -> Result<(), PromoteError> {
        self.heap.inner.promote(&self.migration)
    }

    /// Undoes the upgrade: from one instant on, everybody sees the old version again.
    ///
    /// Objects that have not changed since the upgrade are what they were. What was written since
    /// goes back through the transformers' [`put`](crate::UpgradeFrom::put), when it is touched.
    /// Returns when the flip back has happened, with the roll back to wait for.
    ///
    /// # Upgrade safety
    ///
    /// Transactions in flight that only read finish on the new version; those that write are
    /// executed again on the old one.
    ///
    /// # Errors
    ///
    /// [`RollBackError`]; nothing has changed then.
    pub fn roll_back(&self) -> Result<Self, RollBackError> {
        let back = self.heap.inner.roll_back(&self.migration)?;
        Ok(Self::new(self.heap.clone(), back))
    }

    /// Tries again to transform the objects that have failed. Says how many still fail.
    pub fn retry_failed(&self) -> usize {
        let inner = &self.heap.inner;
        for failure in self.failures() {
            let object = upgradable_stm::Handle::from_bits(failure.object());
            self.migration.failures.try_again(object);
            inner.look_again(&self.migration, object);
        }
        self.go_on();
        self.migration.failures.len()
    }

    /// Gives an object that could not be transformed the value that it should have had at the
    /// flip.
    ///
    /// # Errors
    ///
    /// [`AccessError::WrongType`] if `T` is not what the object would have become,
    /// [`AccessError::Deleted`] and the like if it is gone. It is no error if it has been
    /// transformed meanwhile; then the value is not used.
    pub fn repair<T: Upgradable>(&self, object: Ref<T>, value: T) -> Result<(), AccessError> {
        let handle = object.handle();
        let Some(failure) = self.migration.failures.get(handle) else {
            return self.heap.snapshot(|s| s.read(object).map(drop));
        };
        let (_, wanted) = failure.versions();
        if wanted != TypeVersion::of::<T>() {
            let mismatch = Mismatch { wanted: TypeVersion::of::<T>(), found: wanted };
            return Err(AccessError::WrongType(Box::new(mismatch)));
        }
        let value: Box<dyn Any + Send> = Box::new(value);
        self.migration.repairs.lock().insert(handle.to_bits(), value);
        self.heap.inner.look_again(&self.migration, handle);
        let unused = self.migration.repairs.lock().remove(&handle.to_bits());
        drop(unused);
        self.go_on();
        self.heap.snapshot(|s| s.read(object).map(drop))
    }

    /// From stalled to what it can be now.
    fn go_on(&self) {
        if self.state() == UpgradeState::Stalled && self.migration.failures.len() == 0 {
            self.migration.life.set(UpgradeState::Migrating);
            self.heap.inner.sweeper.start(&self.heap.inner);
        }
    }
}
