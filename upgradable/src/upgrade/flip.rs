//! The flip, and the ends of an upgrade.

use std::sync::Arc;

use upgradable_stm::EraExhausted;

use super::error::{PromoteError, RollBackError, UpgradeError};
use super::event::UpgradeEvent;
use super::plan::Upgrade;
use super::policy::OnFailure;
use crate::heap::HeapInner;
use crate::migration::record::{Direction, Migration, Parts, Turn};
use crate::migration::state::UpgradeState;
use crate::sync::Ordering;

impl HeapInner {
    /// Checks a plan and begins it.
    ///
    /// # Errors
    ///
    /// [`UpgradeError`]; nothing has changed then.
    pub(crate) fn begin(&self, plan: Upgrade) -> Result<Arc<Migration>, UpgradeError> {
        let _upgrading = self.upgrading.lock();
        if self.migrations.flips().iter().any(|flip| flip.undoes.is_some()) {
            return Err(UpgradeError::RollingBack);
        }
        let migration = Arc::new(plan.check(self.types()).map_err(UpgradeError::Plan)?);
        self.flip(&migration).map_err(|EraExhausted| UpgradeError::ErasExhausted)?;
        Ok(migration)
    }

    /// One step of the clock, with everything in place before it.
    fn flip(&self, migration: &Arc<Migration>) -> Result<(), EraExhausted> {
        let advance = self.domain.advance_era_to(|advance| {
            migration.begin(advance.flip, advance.before.clone());
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

    /// Keeps the upgrade: nothing of the old version is left.
    pub(crate) fn promote(
        self: &Arc<Self>,
        migration: &Arc<Migration>,
    ) -> Result<(), PromoteError> {
        if self.is_entered() {
            return Err(PromoteError::InTransaction);
        }
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
        self.tidy_in_background(migration.flip());
        migration.now(UpgradeState::Promoted);
        Ok(())
    }

    /// Begins to undo the upgrade, by a flip back.
    pub(crate) fn roll_back(
        self: &Arc<Self>,
        migration: &Arc<Migration>,
    ) -> Result<Arc<Migration>, RollBackError> {
        if self.is_entered() {
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
        let back = Arc::new(Migration::new(Parts {
            name: Arc::clone(&migration.name),
            undoes: Some(Arc::clone(migration)),
            conversions,
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
        self.migrate_in_background();
        Ok(back)
    }

    /// Rolls back the upgrade whose policy asks for it. Whether there was one.
    #[cold]
    pub(crate) fn roll_back_unwanted(self: &Arc<Self>) -> bool {
        // Inside a transaction it has to wait for the next occasion.
        if self.is_entered() || !self.migrations.unwanted.swap(false, Ordering::Relaxed) {
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
