//! How an upgrade begins, for its user: the flip, and what follows it at once.

use std::sync::Arc;
use std::thread;

use super::error::UpgradeError;
use super::plan::Upgrade;
use super::policy::{Background, Mode};
use super::running::RunningUpgrade;
use crate::heap::gate::Behind;
use crate::heap::{Heap, HeapInner};
use crate::migration::record::Migration;
use crate::migration::state::UpgradeState;
use crate::sync::{AtomicUsize, Ordering};

impl Heap {
    /// Carries out a plan: from one instant on, everybody sees the new version.
    ///
    /// Returns when the flip has happened; a lazy upgrade goes on in the background. Dropping what
    /// is returned does not end it.
    ///
    /// Until it is promoted there are two versions of each object. The memory for the second one
    /// comes from the allocator while transactions run; what that has to get from the system first,
    /// the transaction that needs it waits for. A program whose slowest answers matter has it at
    /// hand.
    ///
    /// # Upgrade safety
    ///
    /// Transactions in flight finish on the old version. Those that only read always commit; those
    /// that write commit just before the flip, or are executed again after it.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`]; nothing has changed then.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgrade, Upgradable};
    /// # mod v1 {
    /// #     #[derive(upgradable::Upgradable, Clone)] #[upgrade(name = "doc.Tag")]
    /// #     pub struct Tag(pub u8);
    /// # }
    /// # #[derive(Upgradable, Clone)] #[upgrade(version = 2, from = v1::Tag)]
    /// # struct Tag(u16);
    /// let heap = Heap::new();
    /// let tag = heap.atomically(|tx| Ok(tx.create(v1::Tag(7))?))?;
    /// heap.upgrade(Upgrade::to("2").migrate::<v1::Tag, Tag>())?;
    /// assert_eq!(heap.snapshot(|s| s.read(tag.cast::<Tag>()).map(|tag| tag.0))?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn upgrade(&self, plan: Upgrade) -> Result<RunningUpgrade, UpgradeError> {
        let inner = &self.inner;
        if inner.is_entered() {
            return Err(UpgradeError::InTransaction);
        }
        let (background, mode) = (plan.background, plan.mode);
        let closed = matches!(mode, Mode::Eager(_)).then(|| inner.gate.close());
        let migration = inner.begin(plan)?;
        if let Mode::Eager(threads) = mode {
            inner.convert_all(&migration, threads);
        } else if let Background::On(pace) = background {
            inner.sweeper.set_pace(pace);
            inner.sweeper.start(inner);
        }
        drop(closed);
        Ok(RunningUpgrade::new(self.clone(), migration))
    }
}

impl HeapInner {
    /// Converts the whole heap, by so many threads.
    fn convert_all(self: &Arc<Self>, migration: &Arc<Migration>, threads: usize) {
        const CHUNK: usize = 4096;
        while migration.life.get() == UpgradeState::Migrating {
            let slots = self.domain.slots() as usize;
            // There is no work for more.
            let threads = threads.min(slots.div_ceil(CHUNK));
            let next = AtomicUsize::new(0);
            let work = || {
                let _behind = Behind::enter();
                loop {
                    let from = next.fetch_add(CHUNK, Ordering::Relaxed);
                    if from >= slots {
                        return;
                    }
                    self.domain.sweep(from as u32..(from + CHUNK).min(slots) as u32);
                }
            };
            thread::scope(|scope| {
                let helpers: Vec<_> = (1..threads)
                    .map(|_| thread::Builder::new().spawn_scoped(scope, work))
                    .collect();
                work();
                // A helper that the system did not have is not missed.
                drop(helpers);
            });
            // What late writers did meanwhile, and the closing of the doors.
            self.pass(false);
            if self.is_held_up(migration) {
                return;
            }
        }
    }
}
