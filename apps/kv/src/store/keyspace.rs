//! Keys, and what they lead to.

use std::fmt;

use upgradable::collections::TxHashMap;
use upgradable::{AccessError, Heap, Ref, Tx, TxError, Upgradable};

use super::Text;
use super::size::Size;
use super::watch::Watch;

/// All keys. The same in all versions; `E` is how the code at hand knows the entries.
pub(crate) struct Keyspace<E> {
    /// Changed only by the methods below, which keep the number.
    pub(crate) entries: TxHashMap<Text, E>,
    size: Size,
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
            let (size, watches) = (Size::create(tx)?, TxHashMap::create(tx)?);
            Ok(Self { entries, size, watches, ever_watched })
        })
    }

    /// The same keys, for code that knows their entries in another version.
    pub(crate) fn cast<New: Upgradable>(self) -> Keyspace<New> {
        let Self { entries, size, watches, ever_watched } = self;
        Keyspace { entries: entries.cast(), size, watches, ever_watched }
    }

    /// How many there are, with those whose time is over and that nobody has removed yet.
    pub(crate) fn len(self, reader: &impl upgradable::Read) -> Result<usize, AccessError> {
        self.size.get(reader)
    }

    /// Enters a key that is not there.
    pub(crate) fn enter(self, tx: &Tx<'_>, key: &[u8], object: Ref<E>) -> Result<(), AccessError> {
        self.entries.insert_ref(tx, key.into(), object)?;
        self.size.add(tx, key)
    }

    /// Takes a key away, with its entry. Says whether there was one.
    pub(crate) fn remove(self, tx: &Tx<'_>, key: &[u8]) -> Result<bool, AccessError> {
        let Some(object) = self.entries.remove_ref(tx, key)? else { return Ok(false) };
        tx.delete(object)?;
        self.size.remove(tx, key)?;
        Ok(true)
    }

    /// Takes all keys away.
    pub(crate) fn clear(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        self.entries.clear(tx)?;
        self.size.clear(tx)
    }
}
