//! What a flip's transformers have created: where it is, only they have said, so a roll back takes
//! it away.

use upgradable_stm::Kind;

use crate::sync::Mutex;

/// The kinds of what was created.
#[derive(Debug, Default)]
pub(crate) struct Created {
    kinds: Mutex<Vec<Kind>>,
}

impl Created {
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.kinds.lock().clone()
    }

    pub(crate) fn contains(&self, kind: Kind) -> bool {
        self.kinds.lock().contains(&kind)
    }

    /// A transformer creates an object of this kind.
    pub(crate) fn note(&self, kind: Kind) {
        let mut kinds = self.kinds.lock();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
}
