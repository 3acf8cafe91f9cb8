//! The versions of the program, and the way from one to the next and back.

mod command;
mod plan;

use std::fmt;

use parking_lot::Mutex;
use upgradable::{
    Heap, PromoteError, RollBackError, RunningUpgrade, Service, TxError, UpgradeError, UpgradeState,
};

use self::plan::{FIRST, NEWEST};
use crate::store::entry::v1;
use crate::store::{Answer, Keyspace, Request};

/// The service, and which version it is at.
pub(crate) struct Versions {
    service: Service<Request, Answer>,
    keys: Keyspace<v1::Entry>,
    /// The version that it began at.
    first: u32,
    /// Upgrades that have begun and were not rolled back, the newest last.
    steps: Mutex<Steps>,
}

#[derive(Debug, Default)]
struct Steps {
    taken: Vec<Step>,
    /// The last that was rolled back.
    undone: Option<Undone>,
}

/// An upgrade that was rolled back.
#[derive(Debug)]
struct Undone {
    step: Step,
    back: RunningUpgrade,
    /// Something else has been begun or kept since.
    is_past: bool,
}

/// An upgrade that has begun.
#[derive(Clone, Debug)]
struct Step {
    to: u32,
    running: RunningUpgrade,
}

impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versions").field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// Why something can't be done to the versions.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VersionError {
    #[error("there is no version {0}: the newest is {NEWEST}")]
    Unknown(u32),
    #[error("the program is at version {0}, and upgrades go from one version to the next")]
    NotNext(u32),
    #[error("no upgrade has begun")]
    None,
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    #[error(transparent)]
    Promote(#[from] PromoteError),
    #[error(transparent)]
    RollBack(#[from] RollBackError),
    #[error(transparent)]
    Heap(#[from] TxError),
}

impl Versions {
    /// A service at a version, the first or another, without data.
    pub(crate) fn new(first: u32) -> Result<Self, VersionError> {
        let heap = Heap::new();
        let keys = Keyspace::create(&heap)?;
        let service = plan::begin(heap, keys, first).ok_or(VersionError::Unknown(first))?;
        Ok(Self { service, keys, first, steps: Mutex::default() })
    }

    pub(crate) fn service(&self) -> &Service<Request, Answer> {
        &self.service
    }

    /// The present version.
    pub(crate) fn current(&self) -> u32 {
        self.steps.lock().current(self.first)
    }

    /// Begins the upgrade to a version, which must be the next one.
    pub(crate) fn start(&self, to: u32, way: plan::Way) -> Result<(), VersionError> {
        let mut steps = self.steps.lock();
        let current = steps.current(self.first);
        if !(FIRST..=NEWEST).contains(&to) {
            return Err(VersionError::Unknown(to));
        }
        if to != current + 1 {
            return Err(VersionError::NotNext(current));
        }
        let running = plan::start(&self.service, self.keys, to, way)?;
        steps.taken.push(Step { to, running });
        steps.move_on();
        Ok(())
    }

    /// Keeps the earliest upgrade that has not been kept yet.
    pub(crate) fn promote(&self) -> Result<(), VersionError> {
        let mut steps = self.steps.lock();
        let open = |step: &&Step| step.running.state() != UpgradeState::Promoted;
        steps.taken.iter().find(open).ok_or(VersionError::None)?.running.promote()?;
        steps.move_on();
        Ok(())
    }

    /// Undoes the newest upgrade.
    pub(crate) fn roll_back(&self) -> Result<(), VersionError> {
        let mut steps = self.steps.lock();
        let step = steps.taken.last().ok_or(VersionError::None)?.clone();
        let back = step.running.roll_back()?;
        steps.taken.pop();
        steps.undone = Some(Undone { step, back, is_past: false });
        Ok(())
    }

    /// Stops the background, or lets it go on.
    pub(crate) fn pause(&self, pause: bool) -> Result<(), VersionError> {
        let steps = self.steps.lock();
        // There is one background for all; whoever asks knows of the present one.
        let present = steps.present().ok_or(VersionError::None)?;
        if pause {
            present.running.pause();
        } else {
            present.running.resume();
        }
        Ok(())
    }
}

/// What is going on, or was last.
#[derive(Debug)]
struct Present<'s> {
    /// The version that it leads to.
    to: u32,
    running: &'s RunningUpgrade,
    is_back: bool,
}

impl Steps {
    fn current(&self, first: u32) -> u32 {
        self.taken.last().map_or(first, |step| step.to)
    }

    /// Something is done after the last roll back.
    fn move_on(&mut self) {
        if let Some(undone) = &mut self.undone {
            undone.is_past = true;
        }
    }

    /// The way back, if it is not over or nothing came after it; else the newest upgrade.
    fn present(&self) -> Option<Present<'_>> {
        let is_told = |undone: &&Undone| !undone.is_past || !undone.back.progress().complete;
        if let Some(Undone { step, back, .. }) = self.undone.as_ref().filter(is_told) {
            return Some(Present { to: step.to - 1, running: back, is_back: true });
        }
        let step = self.taken.last()?;
        Some(Present { to: step.to, running: &step.running, is_back: false })
    }
}
