//! The flip, and the ends of an upgrade.

use std::sync::Arc;
use std::thread;

use upgradable_stm::EraExhausted;

use super::error::{PromoteError, RollBackError, UpgradeError};
use super::event::UpgradeEvent;
use super::plan::Upgrade;
use super::policy::{Background, Mode, OnFailure};
use super::running::RunningUpgrade;
use crate::heap::{Heap, HeapInner};
use crate::migration::record::{Direction, Migration, Parts, Turn};
use crate::migration::state::UpgradeState;
use crate::sync::{AtomicUsize, Ordering};

impl Heap {
    /// Carries out a plan: from one instant on, everybody sees the new version.
    ///
    /// Returns when the flip has happened; a lazy upgrade goes on in the background. Dropping what
    /// is returned does not end it.
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
        if inner.domain.is_updating() {
            return Err(UpgradeError::InTransaction);
        }
        let (background, mode) = (plan.background, plan.mode);
        let upgrading = inner.upgrading.lock();
        if inner.migrations.flips().iter().any(|flip| flip.undoes.is_some()) {
            return Err(UpgradeError::RollingBack);
        }
        let migration = Arc::new(plan.check(inner.types()).map_err(UpgradeError::Plan)?);
        let closed = matches!(mode, Mode::Eager(_)).then(|| inner.gate.close());
        inner.flip(&migration).map_err(|EraExhausted| UpgradeError::ErasExhausted)?;
        drop(upgrading);
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
    /// One step of the clock, with everything in place before it.
    fn flip(&self, migration: &Arc<Migration>) -> Result<(), EraExhausted> {
        let advance = self.domain.advance_era_to(|advance| {
            let keep = migration.needs_before().then(|| advance.before.clone());
            migration.begin(advance.flip, keep);
            if let Some(undone) = &migration.undoes {
                undone.undo_at(advance.flip);
            }
            for conversion in migration.conversions() {
                let (old, new) = (conversion.from, conversion.to);
                let (from, to) = match migration.direction() {
                    Direction::Forward => (old, new),
                    Direction::Back => (new, old),
                };
                self.types().replace(from, to, advance.flip);
            }
            self.migrations.push(Arc::clone(migration));
            self.migrations.set_floors(&self.domain, migration);
            let era = advance.flip.era();
            migration.turn(match migration.direction() {
                Direction::Forward => Turn::Forward(era),
                Direction::Back => Turn::Back(era),
            });
        })?;
        if let Some(undone) = &migration.undoes {
            // Not before the flip: who waits for it looks at the heap then.
            undone.life.set(UpgradeState::RollingBack);
        }
        migration.observer.tell(&UpgradeEvent::Flipped(advance.flip));
        Ok(())
    }

    /// Converts the whole heap, by so many threads.
    fn convert_all(self: &Arc<Self>, migration: &Arc<Migration>, threads: usize) {
        const CHUNK: usize = 4096;
        while migration.life.get() == UpgradeState::Migrating {
            let slots = self.domain.slots() as usize;
            let next = AtomicUsize::new(0);
            let work = || {
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

    /// Keeps the upgrade: nothing of the old version is left.
    pub(super) fn promote(
        self: &Arc<Self>,
        migration: &Arc<Migration>,
    ) -> Result<(), PromoteError> {
        let upgrading = self.upgrading.lock();
        match migration.life.get() {
            UpgradeState::Complete => {}
            UpgradeState::Migrating | UpgradeState::Stalled => {
                return Err(PromoteError::Incomplete { failed: migration.failures.len() });
            }
            ended => return Err(PromoteError::Ended(ended)),
        }
        let flips = self.migrations.flips();
        if let Some(first) = flips.first()
            && !Arc::ptr_eq(first, migration)
        {
            return Err(PromoteError::NotEarliest { name: Arc::clone(&first.name) });
        }
        self.migrations.remove(&[migration]);
        migration.turn(Turn::Promoted(migration.flip().era()));
        migration.end();
        drop(upgrading);
        self.domain.reclaim();
        self.sweeper.tidy_after(self);
        migration.now(UpgradeState::Promoted);
        Ok(())
    }

    /// Begins to undo the upgrade, by a flip back.
    pub(super) fn roll_back(
        self: &Arc<Self>,
        migration: &Arc<Migration>,
    ) -> Result<Arc<Migration>, RollBackError> {
        if self.domain.is_updating() {
            return Err(RollBackError::InTransaction);
        }
        let _upgrading = self.upgrading.lock();
        let state = migration.life.get();
        if state.is_final() || state == UpgradeState::RollingBack || migration.undoes.is_some() {
            return Err(RollBackError::Ended(state));
        }
        if let Some(why) = &migration.irreversible {
            return Err(RollBackError::Irreversible { why: why.clone() });
        }
        match self.migrations.flips().last() {
            Some(newest) if !Arc::ptr_eq(newest, migration) => {
                return Err(RollBackError::NotNewest { name: Arc::clone(&newest.name) });
            }
            _ => {}
        }
        let conversions: Vec<_> = migration.conversions().copied().collect();
        let mut orphans = self.types().current_kinds();
        orphans.retain(|kind| {
            !migration.known.contains(kind) && conversions.iter().all(|c| c.to != *kind)
        });
        let back = Arc::new(Migration::new(Parts {
            name: Arc::clone(&migration.name),
            undoes: Some(Arc::clone(migration)),
            conversions,
            orphans,
            known: Vec::new(),
            on_failure: match migration.on_failure {
                OnFailure::RollBack => OnFailure::Fail,
                other => other,
            },
            time_limit: migration.time_limit,
            irreversible: Some("it is a roll back".into()),
            observer: migration.observer.clone(),
            hooks: migration.hooks(),
        }));
        self.flip(&back).map_err(|EraExhausted| RollBackError::ErasExhausted)?;
        migration.observer.tell(&UpgradeEvent::Now(UpgradeState::RollingBack));
        self.sweeper.start(self);
        Ok(back)
    }

    /// Rolls back the upgrade whose policy asks for it. Whether there was one.
    #[cold]
    pub(crate) fn roll_back_unwanted(self: &Arc<Self>) -> bool {
        // Inside a transaction it has to wait for the next occasion.
        if self.domain.is_updating() || !self.migrations.unwanted.swap(false, Ordering::Relaxed) {
            return false;
        }
        // One with a later upgrade on top of it stalls instead.
        let flips = self.migrations.flips();
        let unwanted = |flip: &&Arc<Migration>| {
            flip.on_failure == OnFailure::RollBack && flip.failures.len() > 0
        };
        flips.iter().filter(unwanted).any(|flip| self.roll_back(flip).is_ok())
    }
}
