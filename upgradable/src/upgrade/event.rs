//! What a running upgrade tells.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use upgradable_stm::CommitTs;

use crate::access::TransformFailure;
use crate::migration::state::UpgradeState;

/// Something happened to an upgrade.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use upgradable::{Heap, Upgrade, UpgradeEvent, UpgradeState, Upgradable};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
///
/// let heap = Heap::new();
/// heap.atomically(|tx| Ok(tx.create(Tag(1))?))?;
/// let story = Arc::new(Mutex::new(Vec::new()));
/// let told = Arc::clone(&story);
/// let plan = Upgrade::to("2").refresh::<Tag>().on_event(move |event| {
///     if let UpgradeEvent::Now(state) = event {
///         told.lock().unwrap().push(*state);
///     }
/// });
/// let running = heap.upgrade(plan)?;
/// running.wait()?;
/// running.promote()?;
/// assert_eq!(*story.lock().unwrap(), [UpgradeState::Complete, UpgradeState::Promoted]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum UpgradeEvent {
    /// It has begun: from this instant on everybody sees the new version.
    Flipped(CommitTs),
    /// It has come to another state.
    Now(UpgradeState),
    /// An object could not be transformed.
    Failed(Arc<TransformFailure>),
}

type Callback = dyn Fn(&UpgradeEvent) + Send + Sync;

/// Who is told.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<Callback>>);

impl Observer {
    pub(crate) fn new(observer: impl Fn(&UpgradeEvent) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    pub(crate) fn tell(&self, event: &UpgradeEvent) {
        let Some(observer) = &self.0 else { return };
        // What it is told of goes on, whatever becomes of it.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| observer(event))) {
            // It may panic again as it is dropped.
            std::mem::forget(payload);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
