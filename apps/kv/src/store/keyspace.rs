//! Keys, and what they lead to.

use std::fmt;

use upgradable::collections::TxHashMap;
use upgradable::{AccessError, Heap, Ref, TxError, Upgradable};

use super::Text;
use super::watch::Watch;

/// All keys. The same in all versions; `E` is how the code at hand knows the entries.
pub(crate) struct Keyspace<E> {
    pub(crate) entries: TxHashMap<Text, E>,
    pub(crate) watches: TxHashMap<Text, Watch>,
    /// Tells whether anybody has ever watched a key.
    pub(crate) ever_watched: Ref<Watch>,
}

impl<E> Clone for Keyspace<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Keyspace<E> {}

impl<E> fmt::Debug for Keyspace<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keyspace").field(&self.entries).finish()
    }
}

impl<E: Upgradable> Keyspace<E> {
    /// A new one, without keys.
    pub(crate) fn create(heap: &Heap) -> Result<Self, TxError> {
        heap.atomically(|tx| {
            let entries = TxHashMap::create(tx)?;
            entries.set_name(tx, "kv.entries");
            let ever_watched = tx.create(Watch::default())?;
            Ok(Self { entries, watches: TxHashMap::create(tx)?, ever_watched })
        })
    }

    /// The same keys, for code that knows their entries in another version.
    pub(crate) fn cast<New: Upgradable>(self) -> Keyspace<New> {
        let Self { entries, watches, ever_watched } = self;
        Keyspace { entries: entries.cast(), watches, ever_watched }
    }

    /// How many there are, with those whose time is over and that nobody has removed yet.
    pub(crate) fn len(self, reader: &impl upgradable::Read) -> Result<usize, AccessError> {
        self.entries.len(reader)
    }
}
